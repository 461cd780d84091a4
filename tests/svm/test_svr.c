#include <mlkit/svm/svr.h>

#include "svm/cases.h"

static mlk_svr_opts case_options(const svm_case *c)
{
    mlk_svr_opts o = mlk_svr_opts_default();
    o.kernel = kernel_kind(c->kernel);
    o.C = c->C;
    o.epsilon = c->epsilon;
    o.gamma = c->gamma;
    o.coef0 = c->coef0;
    o.degree = c->degree;
    o.tol = 1e-6;
    if (strcmp(c->form, "nu_svr") == 0)
        o.nu = c->nu;
    return o;
}

START_TEST(agrees_with_libsvm)
{
    const svm_case *c = &svm_cases[_i];
    mlk_data data;
    if ((strcmp(c->form, "eps") != 0 && strcmp(c->form, "nu_svr") != 0) ||
        !case_data(c->data, &data))
        return;
    const mlk_svr_opts o = case_options(c);
    mlk_svr *model;
    require_ok(mlk_svr_fit(&data, &o, NULL, &model));
    const mlk_svm_info info = mlk_svr_info(model);
    ck_assert(info.converged);
    require_relative(info.dual, -c->objective, 1e-6);
    ck_assert_uint_eq(info.n_sv, c->n_sv);
    ck_assert_uint_eq(info.n_bounded, c->n_bounded);
    mlk_vec out = test_vec(data.X.rows);
    require_ok(mlk_svr_predict(model, data.X, NULL, out));
    for (size_t r = 0; r < MLK_COUNT(case_rows); r++)
        require_close(out.data[case_rows[r]], c->decision[r], 1e-4);
    mlk_svr_free(model);
}
END_TEST

/* Objectives, gap and violation from the coefficients by plain loops in double. */
static void require_certified(const mlk_data *d, const mlk_svr_opts *o, const mlk_svr *model)
{
    const mlk_kernel kernel = {o->kernel, o->gamma, o->coef0, o->degree};
    const mlk_svm_info info = mlk_svr_info(model);
    const double bias = mlk_svr_intercept(model), eps = o->epsilon;
    const mlk_cvec coef = mlk_svr_dual_coef(model);
    mlk_vec b = test_vec(d->X.rows);
    for (size_t s = 0; s < coef.n; s++)
        b.data[mlk_svr_support(model, s)] = coef.data[s];
    const mlk_vec f = plain_sums(&kernel, d->X, mlk_vec_c(b));
    double primal = 0.0, dual = 0.0, rise = -INFINITY, fall = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < b.n; i++) {
        const double C = o->C * (d->w.n ? d->w.data[i] : 1.0), v = b.data[i];
        const double e = f.data[i] - d->y.data[i];
        ck_assert(fabs(v) <= C);
        sum += v;
        primal += 0.5 * v * f.data[i] + C * fmax(0.0, fabs(e + bias) - eps);
        dual += d->y.data[i] * v - eps * fabs(v) - 0.5 * v * f.data[i];
        if (v < C)
            rise = fmax(rise, -(e + (v >= 0.0 ? eps : -eps)));
        if (v > -C)
            fall = fmax(fall, e + (v > 0.0 ? eps : -eps));
    }
    require_close(sum, 0.0, 1e-9 * o->C * (double)b.n);
    require_relative(info.primal, primal, 1e-10);
    require_relative(info.dual, dual, 1e-10);
    require_close(info.gap, primal - dual, 1e-10 * fabs(primal));
    require_close(info.violation, fmax(0.0, rise + fall), 1e-9);
    ck_assert(rise + fall <= o->tol);
}

static const struct {
    size_t n, p;
    int kernel;
    double C, epsilon, tol;
    bool weighted;
} problems[] = {
    {60, 3, MLK_KERNEL_RBF, 1.0, 0.1, 1e-3, false},
    {80, 3, MLK_KERNEL_LINEAR, 0.1, 0.0, 1e-8, false},
    {200, 5, MLK_KERNEL_POLY, 0.5, 0.5, 1e-6, true},
    {2300, 4, MLK_KERNEL_RBF, 10.0, 0.05, 1e-3, true},
    {2100, 6, MLK_KERNEL_RBF, 1.0, 0.3, 1e-7, false},
    {7, 30, MLK_KERNEL_LINEAR, 100.0, 0.1, 1e-6, true},
    {900, 4, MLK_KERNEL_LINEAR, 100.0, 0.1, 1e-6, true},
    {900, 4, MLK_KERNEL_LINEAR, 100.0, 0.0, 1e-5, false},
};

START_TEST(reports_what_plain_loops_find)
{
    mlk_data d = {.X = test_random_mat((size_t)_i, problems[_i].n, problems[_i].p)};
    mlk_vec w = test_vec(d.X.rows);
    d.y = test_linear_target((size_t)_i, d.X, 0.5);
    for (size_t k = 0; k < w.n; k++)
        w.data[k] = 0.25 + (double)(k % 5) * 0.5;
    if (problems[_i].weighted)
        d.w = mlk_vec_c(w);
    mlk_svr_opts o = mlk_svr_opts_default();
    o.kernel = problems[_i].kernel;
    o.C = problems[_i].C;
    o.epsilon = problems[_i].epsilon;
    o.tol = problems[_i].tol;
    o.gamma = 0.3;
    o.cache_mb = 16.0; /* 1,954 rows */
    mlk_svr *model;
    require_ok(mlk_svr_fit(&d, &o, NULL, &model));
    require_certified(&d, &o, model);
    mlk_svr_free(model);
}
END_TEST

/* Book, chapter 5: linear kernel on 50 points of a line; w is the slope of the predictions. */
static const struct {
    double epsilon, w, b;
    size_t n_sv;
} book[] = {{1.5, 2.07686895, 4.87372826, 6}, {0.5, 2.7424831, 4.25181413, 27}};

/* A free support vector lies on the tube's edge to rounding. */
static void require_on_the_tube(const mlk_data *d, const double *line, double epsilon)
{
    size_t on = 0;
    for (size_t i = 0; i < d->X.rows; i++) {
        const double at = line[0] + (line[1] - line[0]) * d->X.data[i * d->X.ld];
        on += fabs(fabs(d->y.data[i] - at) - epsilon) < 1e-10;
    }
    ck_assert_uint_ge(on, 1);
}

START_TEST(reproduces_the_book_on_a_line)
{
    const char *path = test_shared_path("book/ch5_svr50.csv");
    if (!path)
        return;
    const mlk_cmat all = test_read_csv(path);
    mlk_vec y = test_vec(all.rows);
    for (size_t i = 0; i < all.rows; i++)
        y.data[i] = all.data[2 * i + 1];
    const mlk_data d = {.X = {all.data, all.rows, 1, 2}, .y = mlk_vec_c(y)};
    mlk_svr_opts o = mlk_svr_opts_default();
    o.kernel = MLK_KERNEL_LINEAR;
    o.epsilon = book[_i].epsilon;
    o.tol = 1e-10;
    mlk_svr *model;
    require_ok(mlk_svr_fit(&d, &o, NULL, &model));
    const double at[] = {0.0, 1.0};
    double line[2];
    require_ok(mlk_svr_predict(model, (mlk_cmat){at, 2, 1, 1}, NULL, (mlk_vec){line, 2}));
    /* LIBSVM, which the book used, rounds its kernel to single precision: 1e-8 relative in b. */
    require_close(line[0], book[_i].b, 2e-7);
    require_close(line[1] - line[0], book[_i].w, 2e-7);
    const mlk_svm_info info = mlk_svr_info(model);
    if (info.n_bounded < info.n_sv)
        require_on_the_tube(&d, line, o.epsilon);
    ck_assert_uint_eq(info.n_sv, book[_i].n_sv);
    mlk_svr_free(model);
}
END_TEST

/* nu bounds the share outside the tube from above, that of support vectors from below; and the
 * epsilon found gives the same machine. */
START_TEST(nu_form_finds_its_tube)
{
    const mlk_cmat X = test_random_mat(8, 250, 3);
    const mlk_data d = {.X = X, .y = test_linear_target(8, X, 0.7)};
    mlk_svr_opts o = mlk_svr_opts_default();
    o.nu = 0.3;
    o.tol = 1e-9;
    o.gamma = 0.1;
    mlk_svr *nu, *eps;
    mlk_vec a = test_vec(250), b = test_vec(250);
    require_ok(mlk_svr_fit(&d, &o, NULL, &nu));
    require_ok(mlk_svr_predict(nu, X, NULL, a));
    size_t outside = 0;
    for (size_t i = 0; i < 250; i++)
        outside += fabs(a.data[i] - d.y.data[i]) > mlk_svr_epsilon(nu) + 1e-6;
    ck_assert_uint_le(outside, 75);
    ck_assert_uint_ge(mlk_svr_info(nu).n_sv, 75);
    o.nu = MLK_SVM_NO_NU;
    o.epsilon = mlk_svr_epsilon(nu);
    require_ok(mlk_svr_fit(&d, &o, NULL, &eps));
    require_ok(mlk_svr_predict(eps, X, NULL, b));
    for (size_t i = 0; i < 250; i++)
        require_close(a.data[i], b.data[i], 1e-6);
    mlk_svr_free(nu);
    mlk_svr_free(eps);
}
END_TEST

START_TEST(a_wide_tube_needs_no_support_vector)
{
    const mlk_cmat X = test_random_mat(2, 30, 2);
    const mlk_data d = {.X = X, .y = test_random_vec(3, 30)};
    mlk_svr_opts o = mlk_svr_opts_default();
    o.epsilon = 10.0;
    mlk_model *model, *loaded;
    require_ok(mlk_model_fit(&mlk_svr_algo, &o, &d, NULL, &model));
    const mlk_svm_info info = mlk_svr_info(mlk_model_state(model));
    ck_assert_uint_eq(info.n_sv, 0);
    require_close(info.primal, 0.0, 0.0);
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(model, doc);
    require_ok(mlk_model_load(doc, &loaded));
    mlk_vec out = test_vec(30);
    require_ok(mlk_model_predict(loaded, X, NULL, out));
    for (size_t i = 0; i < 30; i++)
        ck_assert(fabs(out.data[i] - d.y.data[i]) <= 10.0);
    mlk_model_free(model);
    mlk_model_free(loaded);
    mlk_doc_free(doc);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    const mlk_cmat X = test_random_mat(4, 2600, 5);
    const mlk_data d = {.X = X, .y = test_linear_target(4, X, 0.3)};
    static const int threads[] = {1, 2, 3, 8};
    mlk_vec first = test_vec(2600), other = test_vec(2600);
    mlk_svr_opts o = mlk_svr_opts_default();
    o.cache_mb = 16.0; /* more than one working set */
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        const mlk_run run = {.threads = threads[t]};
        mlk_svr *model;
        mlk_vec out = t ? other : first;
        require_ok(mlk_svr_fit(&d, &o, &run, &model));
        require_ok(mlk_svr_predict(model, X, &run, out));
        require_same(first.data, out.data, 2600 * sizeof(double));
        mlk_svr_free(model);
    }
}
END_TEST

START_TEST(weight_zero_is_as_absent)
{
    const mlk_cmat X = test_random_mat(5, 60, 3);
    const mlk_cvec y = test_linear_target(5, X, 0.2);
    mlk_vec w = test_vec(60), a = test_vec(60), b = test_vec(60);
    for (size_t i = 0; i < 60; i++)
        w.data[i] = i < 40;
    mlk_svr_opts o = mlk_svr_opts_default();
    o.gamma = 0.3;
    o.tol = 1e-9;
    mlk_svr *model;
    require_ok(mlk_svr_fit(&(mlk_data){.X = X, .y = y, .w = mlk_vec_c(w)}, &o, NULL, &model));
    require_ok(mlk_svr_predict(model, X, NULL, a));
    mlk_svr_free(model);
    const mlk_data part = {.X = mlk_cmat_rows(X, 0, 40), .y = {y.data, 40}};
    require_ok(mlk_svr_fit(&part, &o, NULL, &model));
    require_ok(mlk_svr_predict(model, X, NULL, b));
    mlk_svr_free(model);
    require_same(a.data, b.data, 60 * sizeof(double));
}
END_TEST

START_TEST(a_grid_fits_each_as_if_alone)
{
    const mlk_cmat X = test_random_mat(13, 300, 4);
    const mlk_data d = {.X = X, .y = test_linear_target(13, X, 0.5)};
    static const double C[] = {1.0, 100.0, 0.1, 1.0, 10.0}, epsilon[] = {0.1, 0.1, 0.2, 0.1, 0.3};
    mlk_svr_opts o[5];
    const void *opts[5];
    mlk_model *grid[5];
    mlk_svr *alone;
    mlk_vec a = test_vec(300), b = test_vec(300);
    for (size_t j = 0; j < 5; j++) {
        o[j] = mlk_svr_opts_default();
        o[j].C = C[j];
        o[j].epsilon = epsilon[j];
        o[j].gamma = j == 3 ? 0.5 : 0.1;
        o[j].tol = 1e-7;
        opts[j] = &o[j];
    }
    require_ok(mlk_model_fit_many(&mlk_svr_algo, opts, 5, &d, NULL, grid));
    for (size_t j = 0; j < 5; j++) {
        require_ok(mlk_svr_fit(&d, &o[j], NULL, &alone));
        require_relative(mlk_model_info(grid[j]).objective, mlk_svr_info(alone).primal, 1e-7);
        require_ok(mlk_model_predict(grid[j], X, NULL, a));
        require_ok(mlk_svr_predict(alone, X, NULL, b));
        for (size_t i = 0; i < 300; i++)
            require_close(a.data[i], b.data[i], 1e-4);
        mlk_svr_free(alone);
        mlk_model_free(grid[j]);
    }
}
END_TEST

/* Rows that agree in all features: the median of their targets, give or take epsilon. */
START_TEST(ends_on_twin_rows_and_constant_features)
{
    mlk_mat X = test_mat(30, 2);
    mlk_vec y = test_vec(30), out = test_vec(30);
    for (size_t i = 0; i < 30; i++) {
        X.data[2 * i] = _i ? 3.5 : (double)(i / 3);
        X.data[2 * i + 1] = -1.0;
        y.data[i] = (double)(i % 3); /* 0, 1, 2 */
    }
    const mlk_data d = {.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
    for (int kernel = MLK_KERNEL_RBF; kernel <= MLK_KERNEL_SIGMOID; kernel++) {
        mlk_svr_opts o = mlk_svr_opts_default();
        o.kernel = kernel;
        mlk_svr *model;
        require_ok(mlk_svr_fit(&d, &o, NULL, &model));
        ck_assert(mlk_svr_info(model).converged);
        require_ok(mlk_svr_predict(model, d.X, NULL, out));
        for (size_t i = 0; i < 30; i++)
            require_close(out.data[i], 1.0, o.epsilon + 1e-2);
        mlk_svr_free(model);
    }
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_random_mat(1, 6, 2);
    const mlk_cvec y = test_random_vec(2, 6), y5 = {y.data, 5};
    mlk_svr_opts C = mlk_svr_opts_default(), eps = C, gamma = C, given = C, nu = C;
    C.C = -1.0;
    eps.epsilon = -0.1;
    gamma.gamma = -3.0;
    nu.nu = 0.0;
    given.kernel = MLK_KERNEL_PRECOMPUTED;
    mlk_svr *model;
    const mlk_data d = {.X = X, .y = y};
    require_fail(mlk_svr_fit(&d, &C, NULL, &model), MLK_EINVAL, "C = -1 is outside (0, inf)");
    require_fail(mlk_svr_fit(&d, &eps, NULL, &model), MLK_EINVAL,
                 "epsilon = -0.1 is outside [0, inf)");
    require_fail(mlk_svr_fit(&d, &gamma, NULL, &model), MLK_EINVAL, "gamma = -3 is outside");
    require_fail(mlk_svr_fit(&d, &nu, NULL, &model), MLK_EINVAL, "nu = 0 is outside");
    require_fail(mlk_svr_fit(&d, &given, NULL, &model), MLK_EINVAL,
                 "X is 6 x 2; expected a square");
    require_fail(mlk_svr_fit(&(mlk_data){.X = X, .y = y5}, NULL, NULL, &model), MLK_EINVAL,
                 "X has 6 rows but y has 5 values");
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(1, 30, 2);
    const mlk_data d = {.X = X, .y = test_random_vec(1, 30)};
    mlk_svr *model;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_svr_fit(&d, NULL, &(mlk_run){.threads = 1}, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_svr_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/svr");
    TCase *fit = test_case(s, "fit"), *errors = test_case(s, "errors");
    tcase_add_loop_test(fit, agrees_with_libsvm, 0, (int)MLK_COUNT(svm_cases));
    tcase_add_loop_test(fit, reports_what_plain_loops_find, 0, (int)MLK_COUNT(problems));
    tcase_add_loop_test(fit, reproduces_the_book_on_a_line, 0, (int)MLK_COUNT(book));
    tcase_add_test(fit, nu_form_finds_its_tube);
    tcase_add_test(fit, a_wide_tube_needs_no_support_vector);
    tcase_add_test(fit, threads_do_not_change_a_bit);
    tcase_add_test(fit, weight_zero_is_as_absent);
    tcase_add_test(fit, a_grid_fits_each_as_if_alone);
    tcase_add_loop_test(fit, ends_on_twin_rows_and_constant_features, 0, 2);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
