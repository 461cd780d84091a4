#include <mlkit/linear/linear.h>
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
    for (int solver = MLK_RIDGE_AUTO; solver <= MLK_RIDGE_SVD; solver++) {
        const mlk_ridge_opts opts = {shapes[_i].alpha, true, solver};
        mlk_ridge *model;
        require_ok(mlk_ridge_fit(&(mlk_data){.X = X, .y = y}, &opts, NULL, &model));
        require_stationary(X, y, opts.alpha, model);
        mlk_ridge_free(model);
    }
}
END_TEST

/* Objective (1) of a model by plain loops, and its certificate. */
static void require_certified(const mlk_data *d, const mlk_ridge_opts *o, const mlk_ridge *model)
{
    const mlk_cvec w = mlk_ridge_coef(model);
    const mlk_fit_info info = mlk_ridge_info(model);
    double objective = 0.0, tss = 0.0;
    mlk_vec p = test_vec(d->X.rows);
    require_ok(mlk_ridge_predict(model, d->X, NULL, p));
    for (size_t i = 0; i < p.n; i++) {
        const double s = d->w.n ? d->w.data[i] : 1.0, e = d->y.data[i] - p.data[i];
        objective += s * e * e;
        tss += s * d->y.data[i] * d->y.data[i];
    }
    objective += o->alpha * test_dot(w.data, w.data, w.n);
    require_close(info.objective, objective, 1e-12 * (objective + tss));
    require_close(info.kkt_violation, 0.0, 1e-9 * (1.0 + tss));
}

/* Large enough for the certificate to come from the products of the columns. */
START_TEST(certifies_large_fits_from_the_products)
{
    const mlk_cmat X = test_random_mat(5, 500000, 9);
    const mlk_cvec z = test_random_vec(6, X.rows);
    mlk_vec w = test_vec(X.rows);
    for (size_t i = 0; i < w.n; i++)
        w.data[i] = exp(z.data[i]);
    mlk_data data = {.X = X, .y = test_linear_target(7, X, 1.0)};
    for (int weighted = 0; weighted < 2; weighted++)
        for (int intercept = 0; intercept < 2; intercept++) {
            const mlk_ridge_opts opts = {1e4, intercept, MLK_RIDGE_AUTO};
            mlk_ridge *model;
            data.w = weighted ? mlk_vec_c(w) : (mlk_cvec){NULL, 0};
            require_ok(mlk_ridge_fit(&data, &opts, NULL, &model));
            require_certified(&data, &opts, model);
            mlk_ridge_free(model);
        }
}
END_TEST

/* Twin columns: only the penalty, or the shortest solution, divides the weight between them. */
START_TEST(without_penalty_takes_the_shortest_solution)
{
    const mlk_cmat Z = test_random_mat(8, 20, 3);
    const mlk_cvec y = test_random_vec(9, 20);
    mlk_mat X = test_mat(20, 4);
    for (size_t i = 0; i < 20; i++) {
        memcpy(X.data + 4 * i, Z.data + 3 * i, 3 * sizeof(double));
        X.data[4 * i + 3] = Z.data[3 * i];
    }
    for (size_t n = 3; n <= 20; n += 17)
        for (int solver = MLK_RIDGE_AUTO; solver <= MLK_RIDGE_SVD; solver += 2) {
            const mlk_data data = {.X = {X.data, n, 4, 4}, .y = {y.data, n}};
            mlk_ridge *model;
            mlk_linear *least;
            require_ok(mlk_ridge_fit(&data, &(mlk_ridge_opts){0.0, true, solver}, NULL, &model));
            require_ok(mlk_linear_fit(&data, NULL, NULL, &least));
            for (size_t j = 0; j < 4; j++)
                require_close(mlk_ridge_coef(model).data[j], mlk_linear_coef(least).data[j], 1e-13);
            mlk_ridge_free(model);
            mlk_linear_free(least);
        }
}
END_TEST

/* ------------------------------------------------------------------ references */

static mlk_data mtcars(bool weighted)
{
    const char *path = test_shared_path("datasets/mtcars.csv");
    if (!path)
        return (mlk_data){.X = {NULL, 0, 0, 0}};
    const size_t columns[] = {6, 4, 7, 3}; /* wt hp qsec disp */
    const mlk_cmat file = test_read_csv(path);
    mlk_mat X = test_mat(file.rows, 4);
    mlk_vec y = test_vec(file.rows), w = test_vec(file.rows);
    for (size_t i = 0; i < file.rows; i++) {
        for (size_t j = 0; j < 4; j++)
            X.data[i * 4 + j] = file.data[i * file.ld + columns[j]];
        y.data[i] = file.data[i * file.ld + 1];
        w.data[i] = file.data[i * file.ld + 11];
    }
    return (mlk_data){
        .X = mlk_mat_c(X), .y = mlk_vec_c(y), .w = weighted ? mlk_vec_c(w) : (mlk_cvec){NULL, 0}};
}

/* scikit-learn 1.2.1: tests/reference/ridge.py. Order: wt, hp, qsec, disp. */
static const struct {
    bool weighted;
    double alpha, coef[4], intercept;
} sklearn[] = {
    {false,
     0.5,
     {-4.118813653897085, -0.020489404341412026, 0.44038290663611673, -0.0006219709634158292},
     28.63063562938475},
    {false,
     30.0,
     {-0.604856276506518, -0.029852225000881187, -0.1580298636585029, -0.024899558756797308},
     34.981055522423006},
    {true,
     0.5,
     {-3.9175972128155787, -0.012500636128126668, 0.6086022439552605, -0.001187789122990772},
     23.79102446096686},
    {true,
     30.0,
     {-1.1881125137508164, -0.01980308765531515, 0.023204736428379252, -0.019580777121168614},
     30.465564754328454},
};

START_TEST(agrees_with_scikit_learn)
{
    const mlk_data data = mtcars(sklearn[_i].weighted);
    if (!data.X.data)
        return;
    for (int solver = MLK_RIDGE_AUTO; solver <= MLK_RIDGE_SVD; solver++) {
        mlk_ridge *model;
        require_ok(
            mlk_ridge_fit(&data, &(mlk_ridge_opts){sklearn[_i].alpha, true, solver}, NULL, &model));
        for (size_t j = 0; j < 4; j++)
            require_relative(mlk_ridge_coef(model).data[j], sklearn[_i].coef[j], 1e-10);
        require_relative(mlk_ridge_intercept(model), sklearn[_i].intercept, 1e-10);
        mlk_ridge_free(model);
    }
}
END_TEST

START_TEST(book_4_6_ridge_at_one_and_a_half)
{
    const char *path = test_shared_path("book/ch4_reg20.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(file.rows);
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = file.data[2 * i + 1];
    mlk_ridge *model;
    double at;
    require_ok(mlk_ridge_fit(&(mlk_data){.X = {file.data, y.n, 1, 2}, .y = mlk_vec_c(y)}, NULL,
                             NULL, &model));
    require_ok(
        mlk_ridge_predict(model, (mlk_cmat){(double[]){1.5}, 1, 1, 1}, NULL, (mlk_vec){&at, 1}));
    require_close(at, 1.55071465, 5e-9);
    mlk_ridge_free(model);
}
END_TEST

/* --------------------------------------------------------------- leave-one-out */

/* The literal twin: n fits without a row each. */
static void slow_loo(const mlk_data *d, mlk_cvec alphas, bool intercept, mlk_mat out)
{
    const size_t n = d->X.rows, p = d->X.cols;
    mlk_mat X = test_mat(n - 1, p);
    mlk_vec y = test_vec(n - 1), w = test_vec(n - 1);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0, m = 0; k < n; k++) {
            if (k == i)
                continue;
            memcpy(X.data + m * p, d->X.data + k * d->X.ld, p * sizeof(double));
            y.data[m] = d->y.data[k];
            w.data[m++] = d->w.n ? d->w.data[k] : 1.0;
        }
        const mlk_data rest = {.X = mlk_mat_c(X), .y = mlk_vec_c(y), .w = mlk_vec_c(w)};
        for (size_t a = 0; a < alphas.n; a++) {
            const mlk_ridge_opts opts = {alphas.data[a], intercept, MLK_RIDGE_SVD};
            mlk_ridge *model;
            require_ok(mlk_ridge_fit(&rest, &opts, NULL, &model));
            require_ok(mlk_ridge_predict(model, mlk_cmat_rows(d->X, i, i + 1), NULL,
                                         (mlk_vec){out.data + i * out.ld + a, 1}));
            mlk_ridge_free(model);
        }
    }
}

static const struct {
    size_t n, p;
    double smallest;
} loo_shapes[] = {{30, 4, 0.0}, {7, 12, 1e-7}, {9, 9, 1e-3},
                  {2, 3, 0.01}, {150, 3, 0.0}, {4, 4, 0.1}};

START_TEST(leaves_one_out_as_n_fits_would)
{
    const mlk_cmat X = test_random_mat(300 + (uint64_t)_i, loo_shapes[_i].n, loo_shapes[_i].p);
    const double alphas[] = {loo_shapes[_i].smallest, 0.7, 1e4};
    const mlk_cvec grid = {alphas, 3};
    mlk_vec w = test_vec(X.rows);
    for (size_t i = 0; i < w.n; i++)
        w.data[i] = i % 5 == 3 ? 0.0 : 0.25 + (double)(i % 3);
    mlk_data data = {.X = X, .y = test_linear_target(400 + (uint64_t)_i, X, 0.5)};
    for (int kind = 0; kind < 4; kind++) {
        data.w = kind & 2 ? mlk_vec_c(w) : (mlk_cvec){NULL, 0};
        mlk_mat fast = test_mat(X.rows, 3), slow = test_mat(X.rows, 3);
        require_ok(mlk_ridge_loo(&data, grid, kind & 1, NULL, fast));
        slow_loo(&data, grid, kind & 1, slow);
        for (size_t i = 0; i < X.rows * 3; i++)
            require_close(fast.data[i], slow.data[i], 1e-8 * (1.0 + fabs(slow.data[i])));
    }
}
END_TEST

START_TEST(leave_one_out_error_is_that_of_ridge_cv) /* scikit-learn, tests/reference/ridge.py */
{
    const mlk_data data = mtcars(false);
    if (!data.X.data)
        return;
    const double alphas[] = {0.5, 30.0}, expected[] = {8.027006295969187, 10.143025314904838};
    mlk_mat out = test_mat(data.X.rows, 2);
    require_ok(mlk_ridge_loo(&data, (mlk_cvec){alphas, 2}, true, NULL, out));
    for (size_t a = 0; a < 2; a++) {
        double sum = 0.0;
        for (size_t i = 0; i < out.rows; i++)
            sum += pow(data.y.data[i] - out.data[2 * i + a], 2.0);
        require_relative(sum / (double)out.rows, expected[a], 1e-10);
    }
}
END_TEST

START_TEST(leave_one_out_refuses_what_has_no_answer)
{
    const double x[] = {1, 0, 1, 0, 1, 0, 0, 1}, y[] = {1, 2, 3, 4}, zero[] = {0.0}, bad[] = {-1.0};
    const mlk_data d = {.X = {x, 4, 2, 2}, .y = {y, 4}}; /* row 3 alone knows column 1 */
    mlk_mat out = test_mat(4, 1);
    require_fail(mlk_ridge_loo(&d, (mlk_cvec){zero, 1}, false, NULL, out), MLK_ESINGULAR,
                 "row 3 determines a coefficient alone");
    require_fail(mlk_ridge_loo(&d, (mlk_cvec){bad, 1}, false, NULL, out), MLK_EINVAL,
                 "alpha = -1 is outside [0, inf)");
    require_fail(mlk_ridge_loo(&d, (mlk_cvec){zero, 1}, false, NULL, test_mat(3, 1)), MLK_EINVAL,
                 "the output is 3 x 1; expected 4 x 1");
    require_fail(mlk_ridge_loo(&(mlk_data){.X = {x, 1, 2, 2}, .y = {y, 1}}, (mlk_cvec){zero, 1},
                               true, NULL, test_mat(1, 1)),
                 MLK_EINVAL, "1 row of weight > 0; expected at least 2");
}
END_TEST

/* ------------------------------------------------------------------ invariances */

static const struct {
    size_t n, p;
} sizes[] = {{60000, 11}, {30, 80}};

START_TEST(many_alphas_at_once_are_each_the_same_as_alone)
{
    const mlk_cmat X = test_random_mat(11, sizes[_i].n, sizes[_i].p);
    const mlk_data data = {.X = X, .y = test_linear_target(12, X, 1.0)};
    const mlk_ridge_opts opts[] = {{0.1, true, MLK_RIDGE_AUTO},
                                   {3.0, false, MLK_RIDGE_CHOLESKY},
                                   {20.0, true, MLK_RIDGE_SVD},
                                   {0.1, false, MLK_RIDGE_SVD}};
    const void *all[4];
    mlk_model *models[4], *alone;
    for (size_t k = 0; k < 4; k++)
        all[k] = &opts[k];
    require_ok(mlk_model_fit_many(&mlk_ridge_algo, all, 4, &data, NULL, models));
    for (size_t k = 0; k < 4; k++) {
        require_ok(mlk_model_fit(&mlk_ridge_algo, &opts[k], &data, NULL, &alone));
        const mlk_ridge *a = mlk_model_state(alone), *b = mlk_model_state(models[k]);
        require_same(mlk_ridge_coef(a).data, mlk_ridge_coef(b).data, X.cols * sizeof(double));
        ck_assert(mlk_ridge_intercept(a) == mlk_ridge_intercept(b));
        mlk_model_free(alone);
        mlk_model_free(models[k]);
    }
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(13, sizes[_i].n, sizes[_i].p);
    const mlk_data data = {.X = X, .y = test_linear_target(14, X, 1.0)};
    const double alphas[] = {0.5, 9.0};
    const int threads[] = {1, 2, 3, 8};
    mlk_mat first = test_mat(X.rows, 2), out = test_mat(X.rows, 2);
    mlk_ridge *one = NULL;
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_ridge *model;
        require_ok(mlk_ridge_fit(&data, NULL, &run, &model));
        require_ok(mlk_ridge_loo(&data, (mlk_cvec){alphas, 2}, true, &run, k ? out : first));
        if (k) {
            require_same(first.data, out.data, 2 * X.rows * sizeof(double));
            require_same(mlk_ridge_coef(one).data, mlk_ridge_coef(model).data,
                         X.cols * sizeof(double));
            mlk_ridge_free(model);
        } else {
            one = model;
        }
    }
    mlk_ridge_free(one);
}
END_TEST

START_TEST(the_path_goes_from_simple_to_free)
{
    const mlk_cmat X = test_random_mat(15, 50, 6);
    const mlk_data data = {.X = X, .y = test_linear_target(16, X, 0.2)};
    const mlk_ridge_opts opts = mlk_ridge_opts_default();
    double values[200], before = INFINITY;
    size_t n;
    require_ok(mlk_ridge_algo.path(&data, &opts, "alpha", NULL, 200, values, &n));
    ck_assert_uint_eq(n, 100);
    for (size_t k = 0; k < n; k++) {
        ck_assert(values[k] < before && values[k] > 0.0);
        before = values[k];
    }
    mlk_ridge *simple, *freest;
    mlk_linear *least;
    require_ok(mlk_ridge_fit(&data, &(mlk_ridge_opts){values[0], true, 0}, NULL, &simple));
    require_ok(mlk_ridge_fit(&data, &(mlk_ridge_opts){values[n - 1], true, 0}, NULL, &freest));
    require_ok(mlk_linear_fit(&data, NULL, NULL, &least));
    const mlk_cvec w = mlk_linear_coef(least);
    ck_assert(test_norm(mlk_ridge_coef(simple).data, 6) < 0.01 * test_norm(w.data, 6));
    for (size_t j = 0; j < 6; j++)
        require_close(mlk_ridge_coef(freest).data[j], w.data[j], 1e-6);
    mlk_ridge_free(simple);
    mlk_ridge_free(freest);
    mlk_linear_free(least);
    require_ok(mlk_ridge_algo.path(&data, &opts, "alpha", NULL, 3, values, &n));
    ck_assert_uint_eq(n, 3);
    require_fail(mlk_ridge_algo.path(&data, &opts, "tol", NULL, 3, values, &n), MLK_EUNSUPPORTED,
                 "ridge has no path of 'tol'; expected alpha");
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const double twin[] = {1.7, 1.7, -0.4, -0.4, 2.2, 2.2}; /* two equal columns */
    const mlk_cmat X = test_random_mat(1, 6, 2), T = {twin, 3, 2, 2};
    const mlk_cvec y = test_random_vec(2, 6), y5 = {y.data, 5}, y3 = {y.data, 3};
    const mlk_ridge_opts nan_alpha = {.alpha = (double)NAN},
                         no_penalty = {0.0, true, MLK_RIDGE_CHOLESKY};
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
    const mlk_cmat X = test_random_mat(1, 12, 5);
    const mlk_cvec y = test_random_vec(2, 12);
    const double alphas[] = {0.3, 2.0};
    for (size_t n = 4; n <= 12; n += 8)
        for (int solver = MLK_RIDGE_AUTO; solver <= MLK_RIDGE_SVD; solver++) {
            const mlk_data data = {.X = {X.data, n, 5, 5}, .y = {y.data, n}};
            const mlk_ridge_opts opts = {0.5, true, solver};
            const mlk_run run = {.threads = 1};
            mlk_mat out = test_mat(n, 2);
            mlk_ridge *model;
            mlk_status st = MLK_ENOMEM;
            for (int k = 0; st != MLK_OK; k++) {
                mlk_test_fail_at = k; /* the k-th allocation from now on returns NULL */
                st = mlk_ridge_fit(&data, &opts, &run, &model);
                ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
            }
            mlk_ridge_free(model);
            st = MLK_ENOMEM;
            for (int k = 0; st != MLK_OK; k++) {
                mlk_test_fail_at = k;
                st = mlk_ridge_loo(&data, (mlk_cvec){alphas, 2}, true, &run, out);
                ck_assert(st == MLK_OK || st == MLK_ENOMEM);
            }
            mlk_test_fail_at = -1;
        }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linear/ridge");
    TCase *fit = test_case(s, "fit"), *loo = test_case(s, "loo"),
          *same = test_case(s, "invariance");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(fit, matches_hand_solved_case);
    tcase_add_loop_test(fit, satisfies_first_order_conditions, 0, (int)MLK_COUNT(shapes));
    tcase_add_test(fit, certifies_large_fits_from_the_products);
    tcase_add_test(fit, without_penalty_takes_the_shortest_solution);
    tcase_add_loop_test(fit, agrees_with_scikit_learn, 0, (int)MLK_COUNT(sklearn));
    tcase_add_test(fit, book_4_6_ridge_at_one_and_a_half);
    tcase_add_loop_test(loo, leaves_one_out_as_n_fits_would, 0, (int)MLK_COUNT(loo_shapes));
    tcase_add_test(loo, leave_one_out_error_is_that_of_ridge_cv);
    tcase_add_test(loo, leave_one_out_refuses_what_has_no_answer);
    tcase_add_loop_test(same, many_alphas_at_once_are_each_the_same_as_alone, 0,
                        (int)MLK_COUNT(sizes));
    tcase_add_loop_test(same, any_number_of_threads_gives_the_same_bytes, 0, (int)MLK_COUNT(sizes));
    tcase_add_test(same, the_path_goes_from_simple_to_free);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
