#include <mlkit/svm/linear_svr.h>
#include <mlkit/svm/svr.h>

#include "svm/cases.h"

static double plain_objective(const mlk_data *d, const mlk_linear_svr_opts *o, const double *w,
                              double b)
{
    double sum = o->penalize_intercept ? 0.5 * b * b : 0.0;
    for (size_t j = 0; j < d->X.cols; j++)
        sum += 0.5 * w[j] * w[j];
    for (size_t i = 0; i < d->X.rows; i++) {
        const double e = test_dot(d->X.data + i * d->X.ld, w, d->X.cols) + b - d->y.data[i];
        const double u = fmax(0.0, fabs(e) - o->epsilon), C = o->C * (d->w.n ? d->w.data[i] : 1.0);
        sum += C * (o->loss == MLK_LOSS_EPSILON_INSENSITIVE ? u : u * u);
    }
    return sum;
}

/* LIBLINEAR on heart_scale, see reference/svm_liblinear.py. */
static const struct {
    int loss;
    double objective, w[4];
} liblinear[] = {
    {MLK_LOSS_SQUARED_EPSILON_INSENSITIVE,
     5.613211661452785,
     {-0.32098706, -0.08337704, -0.00598459, 0.20378473}},
    {MLK_LOSS_EPSILON_INSENSITIVE,
     17.781986382521072,
     {-0.31509368, -0.07447008, -0.0048176, 0.2123142}},
};

START_TEST(agrees_with_liblinear)
{
    static const size_t columns[] = {0, 2, 11};
    mlk_data heart;
    if (!case_data("heart", &heart))
        return;
    mlk_mat X = test_mat(270, 12);
    mlk_vec y = test_vec(270);
    for (size_t i = 0; i < 270; i++) {
        for (size_t j = 0; j < 12; j++)
            X.data[12 * i + j] = heart.X.data[13 * i + j + (j >= 7)];
        y.data[i] = heart.X.data[13 * i + 7];
    }
    mlk_linear_svr_opts o = mlk_linear_svr_opts_default();
    o.loss = liblinear[_i].loss;
    o.C = 0.5;
    o.epsilon = 0.1;
    o.penalize_intercept = true;
    o.tol = 1e-6;
    mlk_linear_svr *model;
    const mlk_data d = {.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
    require_ok(mlk_linear_svr_fit(&d, &o, NULL, &model));
    const double objective = mlk_linear_svr_info(model).objective;
    if (o.loss == MLK_LOSS_EPSILON_INSENSITIVE) { /* LIBLINEAR stops after 1,000 rounds */
        ck_assert(objective < liblinear[_i].objective);
        require_relative(objective, liblinear[_i].objective, 1e-2);
        mlk_linear_svr_free(model);
        return;
    }
    require_relative(objective, liblinear[_i].objective, 1e-8);
    for (size_t j = 0; j < 3; j++)
        require_close(mlk_linear_svr_coef(model).data[columns[j]], liblinear[_i].w[j], 1e-4);
    require_close(mlk_linear_svr_intercept(model), liblinear[_i].w[3], 1e-4);
    mlk_linear_svr_free(model);
}
END_TEST

static const struct {
    size_t n, p;
    int loss;
    double C, epsilon, offset, scale;
    bool weighted, penalize;
} problems[] = {
    {200, 5, MLK_LOSS_EPSILON_INSENSITIVE, 1.0, 0.1, 0.0, 1.0, false, false},
    {300, 6, MLK_LOSS_EPSILON_INSENSITIVE, 10.0, 0.0, 50.0, 1.0, false, false},
    {30, 60, MLK_LOSS_EPSILON_INSENSITIVE, 1.0, 0.2, 0.0, 1.0, false, false},
    {400, 5, MLK_LOSS_EPSILON_INSENSITIVE, 1.0, 0.1, 2e5, 1e5, false, false},
    {21000, 3, MLK_LOSS_EPSILON_INSENSITIVE, 1.0, 0.1, 3.0, 1.0, true, false},
    {150, 8, MLK_LOSS_EPSILON_INSENSITIVE, 0.5, 0.1, 0.5, 1.0, true, true},
    {200, 5, MLK_LOSS_SQUARED_EPSILON_INSENSITIVE, 1.0, 0.1, 0.0, 1.0, false, false},
    {200, 5, MLK_LOSS_SQUARED_EPSILON_INSENSITIVE, 100.0, 0.3, 10.0, 3.0, true, true},
    {21000, 3, MLK_LOSS_SQUARED_EPSILON_INSENSITIVE, 1.0, 0.1, 3.0, 1.0, true, false},
};

static mlk_data problem_data(size_t i)
{
    mlk_data d = {.X = test_random_mat(i, problems[i].n, problems[i].p)};
    const mlk_cvec line = test_linear_target(i, d.X, 0.5);
    mlk_vec y = test_vec(d.X.rows), w = test_vec(d.X.rows);
    for (size_t k = 0; k < w.n; k++) {
        y.data[k] = problems[i].offset + problems[i].scale * line.data[k];
        w.data[k] = 0.5 * (double)(k % 4);
    }
    d.y = mlk_vec_c(y);
    if (problems[i].weighted)
        d.w = mlk_vec_c(w);
    return d;
}

static mlk_linear_svr_opts problem_options(size_t i)
{
    mlk_linear_svr_opts o = mlk_linear_svr_opts_default();
    o.loss = problems[i].loss;
    o.C = problems[i].C;
    o.epsilon = problems[i].epsilon;
    o.penalize_intercept = problems[i].penalize;
    return o;
}

START_TEST(reports_the_objective_and_a_small_gap)
{
    const mlk_data d = problem_data((size_t)_i);
    const mlk_linear_svr_opts o = problem_options((size_t)_i);
    mlk_linear_svr *model;
    require_ok(mlk_linear_svr_fit(&d, &o, NULL, &model));
    const mlk_fit_info info = mlk_linear_svr_info(model);
    require_relative(
        info.objective,
        plain_objective(&d, &o, mlk_linear_svr_coef(model).data, mlk_linear_svr_intercept(model)),
        1e-12);
    ck_assert_int_eq(info.converged, 1);
    ck_assert(info.duality_gap >= 0.0 && info.duality_gap <= 1e-6 * info.objective);
    mlk_linear_svr_free(model);
}
END_TEST

/* The kernel machine with a linear kernel poses the same problem as the first four. */
START_TEST(finds_what_the_kernel_machine_finds)
{
    const mlk_data d = problem_data((size_t)_i);
    mlk_linear_svr_opts o = problem_options((size_t)_i);
    o.tol = 1e-5;
    mlk_svr_opts k = mlk_svr_opts_default();
    k.kernel = MLK_KERNEL_LINEAR;
    k.C = o.C;
    k.epsilon = o.epsilon;
    k.tol = 1e-8 * problems[_i].scale;
    mlk_linear_svr *a;
    mlk_svr *b;
    require_ok(mlk_linear_svr_fit(&d, &o, NULL, &a));
    require_ok(mlk_svr_fit(&d, &k, NULL, &b));
    const mlk_fit_info fit = mlk_linear_svr_info(a);
    const mlk_svm_info info = mlk_svr_info(b);
    ck_assert_int_eq(fit.converged, 1);
    ck_assert(info.converged);
    /* Each is within its gap of the optimum. */
    require_close(fit.objective, info.primal, fit.duality_gap + info.gap + 1e-13 * info.primal);
    mlk_linear_svr_free(a);
    mlk_svr_free(b);
}
END_TEST

/* The squared loss has a gradient. */
START_TEST(satisfies_first_order_conditions)
{
    const mlk_data d = problem_data((size_t)_i);
    mlk_linear_svr_opts o = problem_options((size_t)_i);
    o.tol = 1e-11;
    mlk_linear_svr *model;
    require_ok(mlk_linear_svr_fit(&d, &o, NULL, &model));
    const double *w = mlk_linear_svr_coef(model).data, b = mlk_linear_svr_intercept(model);
    mlk_vec g = test_vec(d.X.cols + 1);
    double scale = 1.0;
    for (size_t i = 0; i < d.X.rows; i++) {
        const double *x = d.X.data + i * d.X.ld;
        const double e = test_dot(x, w, d.X.cols) + b - d.y.data[i];
        const double u = fmax(0.0, fabs(e) - o.epsilon);
        const double f = 2.0 * o.C * (d.w.n ? d.w.data[i] : 1.0) * (e < 0.0 ? -u : u);
        scale += fabs(f);
        for (size_t j = 0; j < d.X.cols; j++)
            g.data[j] += f * x[j];
        g.data[d.X.cols] += f;
    }
    for (size_t j = 0; j < d.X.cols; j++)
        require_close(g.data[j], -w[j], 1e-9 * scale);
    require_close(g.data[d.X.cols], o.penalize_intercept ? -b : 0.0, 1e-9 * scale);
    mlk_linear_svr_free(model);
}
END_TEST

START_TEST(a_constant_target_is_its_own_prediction)
{
    const mlk_cmat X = test_random_mat(2, 20, 3);
    mlk_vec y = test_vec(20), out = test_vec(20);
    for (size_t i = 0; i < 20; i++)
        y.data[i] = 7.25;
    mlk_linear_svr *model;
    require_ok(mlk_linear_svr_fit(&(mlk_data){.X = X, .y = mlk_vec_c(y)}, NULL, NULL, &model));
    require_ok(mlk_linear_svr_predict(model, X, NULL, out));
    for (size_t i = 0; i < 20; i++)
        require_close(out.data[i], 7.25, 1e-12);
    mlk_linear_svr_free(model);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data d = problem_data(0);
    mlk_linear_svr_opts C = mlk_linear_svr_opts_default(), eps = C;
    C.C = 0.0;
    eps.epsilon = -1.0;
    mlk_linear_svr *model;
    require_fail(mlk_linear_svr_fit(&d, &C, NULL, &model), MLK_EINVAL, "C = 0 is outside (0, inf)");
    require_fail(mlk_linear_svr_fit(&d, &eps, NULL, &model), MLK_EINVAL,
                 "epsilon = -1 is outside [0, inf)");
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = problem_data(0);
    mlk_linear_svr *model;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_linear_svr_fit(&d, NULL, &(mlk_run){.threads = 1}, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_linear_svr_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/linear_svr");
    TCase *fit = test_case(s, "fit"), *errors = test_case(s, "errors");
    const int n = (int)MLK_COUNT(problems);
    tcase_add_loop_test(fit, agrees_with_liblinear, 0, (int)MLK_COUNT(liblinear));
    tcase_add_loop_test(fit, reports_the_objective_and_a_small_gap, 0, n);
    tcase_add_loop_test(fit, finds_what_the_kernel_machine_finds, 0, 4);
    tcase_add_loop_test(fit, satisfies_first_order_conditions, 6, n);
    tcase_add_test(fit, a_constant_target_is_its_own_prediction);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
