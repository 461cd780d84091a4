#include <mlkit/linear/ridge.h>

#include "support/mlk_test.h" /* Check, fixtures, require_* */

/* First-order conditions of ridge.h (1): X'r = alpha w and 1'r = 0 with
 * r = y - X w - b.  The bound is the usual one for a Cholesky solve. */
static void require_stationary(mlk_cmat X, mlk_cvec y, double alpha, const mlk_ridge *model)
{
    const mlk_cvec w = mlk_ridge_coef(model);
    const double nx = test_norm(X.data, X.rows * X.cols);
    const double tol =
        8.0 * DBL_EPSILON * (double)(X.rows + X.cols) *
        ((nx * nx + alpha) * test_norm(w.data, w.n) + (nx + 1.0) * test_norm(y.data, y.n));
    mlk_vec r = test_vec(X.rows);
    double sum = 0.0;

    require_ok(mlk_ridge_predict(model, X, NULL, r));
    for (size_t i = 0; i < r.n; i++)
        sum += r.data[i] = y.data[i] - r.data[i];
    for (size_t j = 0; j < X.cols; j++) {
        double g = 0.0;
        for (size_t i = 0; i < X.rows; i++)
            g += X.data[i * X.ld + j] * r.data[i];
        require_close(g, alpha * w.data[j], tol);
    }
    require_close(sum, 0.0, tol);
}

START_TEST(matches_hand_solved_case) /* p = 1: w = x'y / (x'x + alpha) */
{
    const double x[] = {2.385, -0.71, 1.13}, y[] = {1.9, 0.37, -2.6};
    const mlk_ridge_opts opts = {.alpha = 0.5, .fit_intercept = false};
    mlk_ridge *model;
    require_ok(mlk_ridge_fit(&(mlk_data){.X = {x, 3, 1, 1}, .y = {y, 3}}, &opts, NULL, &model));
    require_close(mlk_ridge_coef(model).data[0], 1.3308 / 7.969225, 4 * DBL_EPSILON);
    mlk_ridge_free(model);
}
END_TEST

static const struct {
    size_t n, p;
    double alpha;
} shapes[] = {
    /* primal, dual, square, alpha = 0, ... */
    {40, 7, 0.3}, {7, 40, 0.3}, {12, 12, 1e-3}, {30, 5, 0.0}, {1, 3, 2.0}, {25, 1, 1e6},
};

START_TEST(satisfies_first_order_conditions)
{
    const mlk_cmat X = test_random_mat((uint64_t)_i, shapes[_i].n, shapes[_i].p);
    const mlk_cvec y = test_random_vec(100 + (uint64_t)_i, X.rows);
    const mlk_ridge_opts opts = {.alpha = shapes[_i].alpha, .fit_intercept = true};
    mlk_ridge *model;
    require_ok(mlk_ridge_fit(&(mlk_data){.X = X, .y = y}, &opts, NULL, &model));
    require_stationary(X, y, opts.alpha, model);
    mlk_ridge_free(model);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const double twin[] = {1.7, 1.7, -0.4, -0.4, 2.2, 2.2}; /* two equal columns */
    const mlk_cmat X = test_random_mat(1, 6, 2), T = {twin, 3, 2, 2};
    const mlk_cvec y = test_random_vec(2, 6), y5 = {y.data, 5}, y3 = {y.data, 3};
    const mlk_ridge_opts nan_alpha = {.alpha = (double)NAN}, no_penalty = {.alpha = 0.0};
    mlk_ridge *model;
    require_fail(mlk_ridge_fit(&(mlk_data){.X = X, .y = y}, &nan_alpha, NULL, &model), MLK_EINVAL,
                 "alpha = nan is outside [0, inf)");
    require_fail(mlk_ridge_fit(&(mlk_data){.X = X, .y = y5}, NULL, NULL, &model), MLK_EINVAL,
                 "X has 6 rows but y has 5 values");
    require_fail(mlk_ridge_fit(&(mlk_data){.X = T, .y = y3}, &no_penalty, NULL, &model),
                 MLK_ESINGULAR, "singular to working precision");
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(1, 6, 2);
    const mlk_cvec y = test_random_vec(2, 6);
    mlk_ridge *model;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k; /* the k-th allocation from now on returns NULL */
        st = mlk_ridge_fit(&(mlk_data){.X = X, .y = y}, NULL, NULL, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_ridge_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linear/ridge");
    TCase *fit = test_case(s, "fit"), *errors = test_case(s, "errors");
    tcase_add_test(fit, matches_hand_solved_case);
    tcase_add_loop_test(fit, satisfies_first_order_conditions, 0, (int)MLK_COUNT(shapes));
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
