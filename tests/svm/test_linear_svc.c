#include <mlkit/svm/linear_svc.h>

#include "svm/cases.h"

/* (1) of the header by plain loops, for two classes. */
static double plain_objective(const mlk_data *d, const mlk_linear_svc_opts *o, const double *w,
                              double b)
{
    double sum = 0.0;
    for (size_t j = 0; j < d->X.cols; j++)
        sum += o->penalty == MLK_LINEAR_SVC_L1 ? fabs(w[j]) : 0.5 * w[j] * w[j];
    if (o->penalize_intercept)
        sum += o->penalty == MLK_LINEAR_SVC_L1 ? fabs(b) : 0.5 * b * b;
    for (size_t i = 0; i < d->X.rows; i++) {
        const double y = d->y.data[i] > 0.0 ? 1.0 : -1.0;
        const double m = y * (test_dot(d->X.data + i * d->X.ld, w, d->X.cols) + b);
        const double u = fmax(0.0, 1.0 - m), C = o->C * (d->w.n ? d->w.data[i] : 1.0);
        sum += C * (o->loss == MLK_LOSS_HINGE ? u : u * u);
    }
    return sum;
}

/* LIBLINEAR on heart_scale, see reference/svm_liblinear.py. */
static const struct {
    int penalty, loss;
    double objective, w[4];
} liblinear[] = {
    {MLK_LINEAR_SVC_L2,
     MLK_LOSS_SQUARED_HINGE,
     57.97066684790219,
     {-0.10436304, 0.35046977, 0.55031421, 0.6069768}},
    {MLK_LINEAR_SVC_L2,
     MLK_LOSS_HINGE,
     47.63774622647449,
     {-0.04830557, 0.77290391, 1.03856575, 0.81635603}},
    {MLK_LINEAR_SVC_L1,
     MLK_LOSS_SQUARED_HINGE,
     61.085063217399416,
     {-0.01981541, 0.34622343, 0.51118443, 0.48367812}},
};

START_TEST(agrees_with_liblinear)
{
    static const size_t columns[] = {0, 2, 11};
    mlk_data d;
    if (!case_data("heart", &d))
        return;
    mlk_linear_svc_opts o = mlk_linear_svc_opts_default();
    o.penalty = liblinear[_i].penalty;
    o.loss = liblinear[_i].loss;
    o.C = 0.5;
    o.penalize_intercept = true;
    o.tol = 1e-6;
    mlk_linear_svc *model;
    require_ok(mlk_linear_svc_fit(&d, &o, NULL, &model));
    const mlk_fit_info info = mlk_linear_svc_info(model);
    const double *w = mlk_linear_svc_coef(model).data;
    ck_assert_int_eq(info.converged, 1);
    if (o.loss == MLK_LOSS_HINGE) { /* where LIBLINEAR stops after 1,000 rounds, short of it */
        ck_assert(info.objective < liblinear[_i].objective);
        require_relative(info.objective, liblinear[_i].objective, 1e-3);
        mlk_linear_svc_free(model);
        return;
    }
    require_relative(info.objective, liblinear[_i].objective, 1e-8);
    for (size_t j = 0; j < 3; j++)
        require_close(w[columns[j]], liblinear[_i].w[j], 1e-4);
    require_close(mlk_linear_svc_intercept(model).data[0], liblinear[_i].w[3], 1e-4);
    mlk_linear_svc_free(model);
}
END_TEST

static const struct {
    size_t n, p;
    int penalty, loss;
    double C;
    bool weighted, penalize;
} problems[] = {
    {200, 5, MLK_LINEAR_SVC_L2, MLK_LOSS_SQUARED_HINGE, 1.0, false, false},
    {150, 8, MLK_LINEAR_SVC_L2, MLK_LOSS_SQUARED_HINGE, 100.0, true, true},
    {40, 100, MLK_LINEAR_SVC_L2, MLK_LOSS_SQUARED_HINGE, 10.0, false, false},
    {21000, 4, MLK_LINEAR_SVC_L2, MLK_LOSS_SQUARED_HINGE, 1.0, false, false},
    {60, 3100, MLK_LINEAR_SVC_L2, MLK_LOSS_SQUARED_HINGE, 1.0, true, false},
    {200, 5, MLK_LINEAR_SVC_L2, MLK_LOSS_HINGE, 1.0, false, false},
    {150, 8, MLK_LINEAR_SVC_L2, MLK_LOSS_HINGE, 100.0, true, true},
    {40, 100, MLK_LINEAR_SVC_L2, MLK_LOSS_HINGE, 10.0, false, false},
    {21000, 4, MLK_LINEAR_SVC_L2, MLK_LOSS_HINGE, 1.0, true, false},
    {200, 20, MLK_LINEAR_SVC_L1, MLK_LOSS_SQUARED_HINGE, 0.05, false, false},
    {150, 8, MLK_LINEAR_SVC_L1, MLK_LOSS_SQUARED_HINGE, 10.0, true, true},
    {50, 80, MLK_LINEAR_SVC_L1, MLK_LOSS_SQUARED_HINGE, 1.0, false, false},
};

static mlk_data problem_data(size_t i)
{
    mlk_data d = {.X = test_random_mat(i, problems[i].n, problems[i].p), .n_classes = 2};
    d.y = test_classes(i, d.X, 2);
    mlk_vec w = test_vec(d.X.rows);
    for (size_t k = 0; k < w.n; k++)
        w.data[k] = 0.5 * (double)(k % 4);
    if (problems[i].weighted)
        d.w = mlk_vec_c(w);
    return d;
}

static mlk_linear_svc_opts problem_options(size_t i)
{
    mlk_linear_svc_opts o = mlk_linear_svc_opts_default();
    o.penalty = problems[i].penalty;
    o.loss = problems[i].loss;
    o.C = problems[i].C;
    o.penalize_intercept = problems[i].penalize;
    return o;
}

START_TEST(reports_the_objective_and_a_small_gap)
{
    const mlk_data d = problem_data((size_t)_i);
    const mlk_linear_svc_opts o = problem_options((size_t)_i);
    mlk_linear_svc *model;
    require_ok(mlk_linear_svc_fit(&d, &o, NULL, &model));
    const mlk_fit_info info = mlk_linear_svc_info(model);
    require_relative(info.objective,
                     plain_objective(&d, &o, mlk_linear_svc_coef(model).data,
                                     mlk_linear_svc_intercept(model).data[0]),
                     1e-12);
    ck_assert_int_eq(info.converged, 1);
    ck_assert(info.duality_gap >= 0.0 && info.duality_gap <= 1e-6 * info.objective);
    mlk_linear_svc_free(model);
}
END_TEST

/* The squared hinge has a gradient: with l2 it is 0, with l1 within [-1, 1], and +-1 against the
 * sign of a weight. */
START_TEST(satisfies_first_order_conditions)
{
    if (problems[_i].loss != MLK_LOSS_SQUARED_HINGE)
        return;
    const mlk_data d = problem_data((size_t)_i);
    mlk_linear_svc_opts o = problem_options((size_t)_i);
    const bool l1 = o.penalty == MLK_LINEAR_SVC_L1;
    o.tol = 1e-11;
    mlk_linear_svc *model;
    require_ok(mlk_linear_svc_fit(&d, &o, NULL, &model));
    const double *w = mlk_linear_svc_coef(model).data;
    const double b = mlk_linear_svc_intercept(model).data[0];
    mlk_vec g = test_vec(d.X.cols + 1);
    double scale = 1.0;
    for (size_t i = 0; i < d.X.rows; i++) {
        const double *x = d.X.data + i * d.X.ld, y = d.y.data[i] > 0.0 ? 1.0 : -1.0;
        const double u = fmax(0.0, 1.0 - y * (test_dot(x, w, d.X.cols) + b));
        const double f = -2.0 * o.C * (d.w.n ? d.w.data[i] : 1.0) * u * y;
        scale += fabs(f);
        for (size_t j = 0; j < d.X.cols; j++)
            g.data[j] += f * x[j];
        g.data[d.X.cols] += f;
    }
    for (size_t j = 0; j <= d.X.cols; j++) {
        const bool last = j == d.X.cols, penalised = !last || o.penalize_intercept;
        const double v = last ? b : w[j];
        if (!penalised)
            require_close(g.data[j], 0.0, 1e-6 * scale);
        else if (!l1)
            require_close(g.data[j], -v, 1e-6 * scale);
        else if (v != 0.0)
            require_close(g.data[j], v > 0.0 ? -1.0 : 1.0, 1e-6 * scale);
        else
            ck_assert(fabs(g.data[j]) <= 1.0 + 1e-6 * scale);
    }
    mlk_linear_svc_free(model);
}
END_TEST

/* A linear kernel poses the same problem. */
/* Classes that X says nothing of, five rows to eight: the hinge's corner is where no row is at
 * first. Against w = 0, b = -1, which costs 2 C for each row of the smaller class, and against the
 * certificate of the kernel machine. */
START_TEST(hinge_ends_where_classes_overlap)
{
    enum { N = 1300 };
    mlk_vec y = test_vec(N);
    for (size_t i = 0; i < N; i++)
        y.data[i] = i * 7919 % 13 < 5;
    const mlk_data d = {.X = test_random_mat(11, N, 4), .y = mlk_vec_c(y), .n_classes = 2};
    mlk_linear_svc_opts o = mlk_linear_svc_opts_default();
    o.loss = MLK_LOSS_HINGE;
    o.C = 10.0;
    o.tol = 1e-6;
    mlk_linear_svc *model;
    require_ok(mlk_linear_svc_fit(&d, &o, NULL, &model));
    const mlk_fit_info info = mlk_linear_svc_info(model);
    const double objective = plain_objective(&d, &o, mlk_linear_svc_coef(model).data,
                                             mlk_linear_svc_intercept(model).data[0]);
    ck_assert_int_eq(info.converged, 1);
    require_relative(info.objective, objective, 1e-12);
    ck_assert(info.duality_gap <= 1e-6 * objective);
    ck_assert(objective <= 2.0 * 10.0 * 500.0 * (1.0 + 1e-6));
    mlk_linear_svc_free(model);

    mlk_svc_opts k = mlk_svc_opts_default();
    k.kernel = MLK_KERNEL_LINEAR;
    k.C = 10.0;
    k.tol = 1e-8;
    mlk_svc *machine;
    require_ok(mlk_svc_fit(&d, &k, NULL, &machine));
    ck_assert(objective >= mlk_svc_info(machine).dual * (1.0 - 1e-12));
    require_relative(objective, mlk_svc_info(machine).dual, 1e-6);
    mlk_svc_free(machine);
}
END_TEST

START_TEST(hinge_finds_what_the_kernel_machine_finds)
{
    const size_t which = 5 + 2 * (size_t)_i; /* intercept not penalised */
    const mlk_data d = problem_data(which);
    mlk_linear_svc_opts o = problem_options(which);
    o.tol = 1e-5;
    mlk_svc_opts k = mlk_svc_opts_default();
    k.kernel = MLK_KERNEL_LINEAR;
    k.C = o.C;
    k.tol = 1e-8;
    mlk_linear_svc *a;
    mlk_svc *b;
    mlk_mat u = test_mat(d.X.rows, 1), v = test_mat(d.X.rows, 1);
    require_ok(mlk_linear_svc_fit(&d, &o, NULL, &a));
    require_ok(mlk_svc_fit(&d, &k, NULL, &b));
    const mlk_fit_info fit = mlk_linear_svc_info(a);
    const mlk_svm_info info = mlk_svc_info(b);
    ck_assert_int_eq(fit.converged, 1);
    ck_assert(info.converged);
    /* Each is within its gap of the optimum. */
    require_close(fit.objective, info.primal, fit.duality_gap + info.gap);
    require_ok(mlk_linear_svc_decision(a, d.X, NULL, u));
    require_ok(mlk_svc_decision(b, d.X, NULL, v));
    for (size_t i = 0; i < d.X.rows; i++)
        require_close(u.data[i], v.data[i], 2e-3);
    mlk_linear_svc_free(a);
    mlk_svc_free(b);
}
END_TEST

/* One positive row and four negative ones that no column tells apart: max(0, 1 - b) + 4 max(0, 1 +
 * b) is least, 2, at b = -1, where the rows that start the search have no curvature. */
START_TEST(a_free_intercept_finds_the_larger_class)
{
    const double x[] = {0.0, 0.0, 0.0, 0.0, 0.0}, y[] = {1, 0, 0, 0, 0};
    const mlk_data d = {.X = {x, 5, 1, 1}, .y = {y, 5}, .n_classes = 2};
    mlk_linear_svc_opts o = mlk_linear_svc_opts_default();
    o.loss = MLK_LOSS_HINGE;
    o.tol = 1e-5;
    mlk_linear_svc *model;
    require_ok(mlk_linear_svc_fit(&d, &o, NULL, &model));
    ck_assert_int_eq(mlk_linear_svc_info(model).converged, 1);
    require_close(mlk_linear_svc_info(model).objective, 2.0, 2e-7);
    require_close(mlk_linear_svc_intercept(model).data[0], -1.0, 1e-6);
    mlk_linear_svc_free(model);
}
END_TEST

START_TEST(more_classes_are_each_against_the_rest)
{
    const mlk_cmat X = test_random_mat(3, 300, 4);
    const mlk_data d = {.X = X, .y = test_classes(3, X, 4), .n_classes = 4};
    mlk_linear_svc *all, *one;
    mlk_vec y = test_vec(300), label = test_vec(300);
    mlk_mat values = test_mat(300, 4);
    require_ok(mlk_linear_svc_fit(&d, NULL, NULL, &all));
    require_ok(mlk_linear_svc_decision(all, X, NULL, values));
    require_ok(mlk_linear_svc_predict(all, X, NULL, label));
    for (size_t c = 0; c < 4; c++) {
        for (size_t i = 0; i < 300; i++)
            y.data[i] = d.y.data[i] == (double)c;
        require_ok(mlk_linear_svc_fit(&(mlk_data){.X = X, .y = mlk_vec_c(y), .n_classes = 2}, NULL,
                                      NULL, &one));
        require_same(mlk_linear_svc_coef(all).data + 4 * c, mlk_linear_svc_coef(one).data,
                     4 * sizeof(double));
        mlk_linear_svc_free(one);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t c = 0; c < 4; c++)
            ck_assert(values.data[4 * i + c] <= values.data[4 * i + (size_t)label.data[i]]);
    mlk_linear_svc_free(all);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const int threads[] = {1, 2, 3, 8};
    const mlk_cmat X = test_random_mat(4, 22000, 6);
    const mlk_data d = {.X = X, .y = test_classes(4, X, 2), .n_classes = 2};
    mlk_linear_svc_opts o = mlk_linear_svc_opts_default();
    o.loss = _i ? MLK_LOSS_HINGE : MLK_LOSS_SQUARED_HINGE;
    double first[6];
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        mlk_linear_svc *model;
        require_ok(mlk_linear_svc_fit(&d, &o, &(mlk_run){.threads = threads[t]}, &model));
        if (t == 0)
            memcpy(first, mlk_linear_svc_coef(model).data, sizeof first);
        require_same(first, mlk_linear_svc_coef(model).data, sizeof first);
        mlk_linear_svc_free(model);
    }
}
END_TEST

START_TEST(ends_on_what_cannot_be_told_apart)
{
    const double x[] = {1, 1, 1, 1, 2, 2}, labels[] = {0, 1, 0, 1, 0, 1};
    const mlk_data d = {.X = {x, 6, 1, 1}, .y = {labels, 6}, .n_classes = 2};
    for (int loss = 0; loss < 2; loss++) {
        mlk_linear_svc_opts o = mlk_linear_svc_opts_default();
        o.loss = loss;
        mlk_linear_svc *model;
        require_ok(mlk_linear_svc_fit(&d, &o, NULL, &model));
        require_relative(mlk_linear_svc_info(model).objective, 6.0, 1e-6);
        mlk_linear_svc_free(model);
    }
}
END_TEST

static char warning[512];
static void keep_warning(void *user, const char *line)
{
    (void)user;
    snprintf(warning, sizeof warning, "%s", line);
}

START_TEST(a_cap_ends_with_the_gap)
{
    const mlk_data d = problem_data(6);
    mlk_linear_svc_opts o = problem_options(6);
    o.max_iter = 1;
    mlk_linear_svc *model;
    require_ok(mlk_linear_svc_fit(&d, &o, &(mlk_run){.warn = keep_warning}, &model));
    ck_assert_int_eq(mlk_linear_svc_info(model).converged, 0);
    ck_assert_ptr_nonnull(strstr(warning, "stopped after 1 steps with duality gap"));
    mlk_linear_svc_free(model);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data d = problem_data(0);
    const mlk_data missing = {.X = d.X, .y = d.y, .n_classes = 3};
    const mlk_data one = {.X = d.X, .y = d.y, .n_classes = 1};
    mlk_linear_svc_opts C = mlk_linear_svc_opts_default(), pair = C;
    C.C = -1.0;
    pair.penalty = MLK_LINEAR_SVC_L1;
    pair.loss = MLK_LOSS_HINGE;
    mlk_linear_svc *model;
    require_fail(mlk_linear_svc_fit(&d, &C, NULL, &model), MLK_EINVAL,
                 "C = -1 is outside (0, inf)");
    require_fail(mlk_linear_svc_fit(&d, &pair, NULL, &model), MLK_EINVAL,
                 "penalty = l1 with loss = hinge; expected squared_hinge");
    require_fail(mlk_linear_svc_fit(&one, NULL, NULL, &model), MLK_EINVAL,
                 "n_classes = 1; expected at least 2");
    require_fail(mlk_linear_svc_fit(&missing, NULL, NULL, &model), MLK_EINVAL,
                 "class 2 has no rows; expected some of each class");
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = problem_data((size_t)_i * 3); /* the fourth has a sample to start from */
    mlk_linear_svc *model;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_linear_svc_fit(&d, NULL, &(mlk_run){.threads = 1}, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_linear_svc_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/linear_svc");
    TCase *fit = test_case(s, "fit"), *errors = test_case(s, "errors");
    const int n = (int)MLK_COUNT(problems);
    tcase_add_loop_test(fit, agrees_with_liblinear, 0, (int)MLK_COUNT(liblinear));
    tcase_add_loop_test(fit, reports_the_objective_and_a_small_gap, 0, n);
    tcase_add_loop_test(fit, satisfies_first_order_conditions, 0, n);
    tcase_add_test(fit, hinge_ends_where_classes_overlap);
    tcase_add_loop_test(fit, hinge_finds_what_the_kernel_machine_finds, 0, 2);
    tcase_add_test(fit, a_free_intercept_finds_the_larger_class);
    tcase_add_test(fit, more_classes_are_each_against_the_rest);
    tcase_add_loop_test(fit, threads_do_not_change_a_bit, 0, 2);
    tcase_add_test(fit, ends_on_what_cannot_be_told_apart);
    tcase_add_test(errors, a_cap_ends_with_the_gap);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 2);
    return s;
}
