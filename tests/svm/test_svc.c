#include <mlkit/svm/svc.h>

#include "svm/cases.h"

static mlk_svc_opts case_options(const svm_case *c)
{
    mlk_svc_opts o = mlk_svc_opts_default();
    o.kernel = kernel_kind(c->kernel);
    o.C = c->C;
    o.gamma = c->gamma;
    o.coef0 = c->coef0;
    o.degree = c->degree;
    o.tol = 1e-6;
    if (strcmp(c->form, "nu") == 0) {
        o.nu = c->nu;
        o.tol = 1e-8;
    }
    return o;
}

static bool is_classification(const svm_case *c)
{
    return strcmp(c->form, "c") == 0 || strcmp(c->form, "nu") == 0;
}

/* LIBSVM rounds its kernel to single precision, which shows in its objective from 1e-7 on. */
START_TEST(agrees_with_libsvm)
{
    const svm_case *c = &svm_cases[_i];
    mlk_data data;
    if (!is_classification(c) || !case_data(c->data, &data))
        return;
    const mlk_svc_opts o = case_options(c);
    mlk_svc *model;
    require_ok(mlk_svc_fit(&data, &o, NULL, &model));
    const mlk_svm_info info = mlk_svc_info(model);
    ck_assert(info.converged);
    require_relative(info.dual, -c->objective, 1e-6);
    /* letter has equal rows, which may share what they carry in many ways: LIBSVM's own counts
     * move by as much between tolerances. */
    const double slack = strcmp(c->data, "letter") == 0 ? 5.0 : 0.0;
    require_close((double)info.n_sv, (double)c->n_sv, slack);
    require_close((double)info.n_bounded, (double)c->n_bounded, slack);
    mlk_mat out = test_mat(data.X.rows, mlk_svc_n_decisions(model));
    require_ok(mlk_svc_decision(model, data.X, NULL, out));
    for (size_t r = 0; r < MLK_COUNT(case_rows); r++)
        require_close(out.data[case_rows[r] * out.ld], c->decision[r], 1e-4);
    mlk_svc_free(model);
}
END_TEST

/* Everything that the fit reports, from the dual coefficients by plain loops in double. */
static void require_certified(const mlk_data *d, const mlk_svc_opts *o, const mlk_svc *model)
{
    const mlk_kernel kernel = {o->kernel, o->gamma, o->coef0, o->degree};
    const mlk_svm_info info = mlk_svc_info(model);
    const double bias = mlk_svc_intercept(model).data[0];
    const mlk_cmat coef = mlk_svc_dual_coef(model);
    mlk_vec b = test_vec(d->X.rows);
    for (size_t s = 0; s < coef.rows; s++)
        b.data[mlk_svc_support(model, s)] = coef.data[s];
    const mlk_vec f = plain_sums(&kernel, d->X, mlk_vec_c(b));
    double primal = 0.0, dual = 0.0, rise = -INFINITY, fall = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < b.n; i++) {
        const double y = d->y.data[i] > 0.0 ? 1.0 : -1.0, g = f.data[i] - y;
        const double C = o->C * (d->w.n ? d->w.data[i] : 1.0), a = y * b.data[i];
        ck_assert(a >= 0.0 && a <= C);
        sum += b.data[i];
        primal += 0.5 * b.data[i] * f.data[i] + C * fmax(0.0, 1.0 - y * (f.data[i] + bias));
        dual += a - 0.5 * b.data[i] * f.data[i];
        if (y > 0.0 ? a < C : a > 0.0)
            rise = fmax(rise, -g);
        if (y > 0.0 ? a > 0.0 : a < C)
            fall = fmax(fall, g);
    }
    require_close(sum, 0.0, 1e-9 * o->C * (double)b.n);
    require_relative(info.primal, primal, 1e-10);
    require_relative(info.dual, dual, 1e-10);
    require_close(info.gap, primal - dual, 1e-10 * fabs(primal));
    require_close(info.violation, fmax(0.0, rise + fall), 1e-10 * (1.0 + o->C));
    ck_assert(rise + fall <= o->tol);
}

#define SMALL_CACHE 16.0 /* megabytes: 1,954 rows in single precision */

static const struct {
    size_t n, p;
    int kernel;
    double C, tol;
    bool weighted;
} problems[] = {
    {60, 3, MLK_KERNEL_RBF, 1.0, 1e-3, false},     {60, 3, MLK_KERNEL_LINEAR, 0.1, 1e-8, false},
    {200, 5, MLK_KERNEL_POLY, 0.5, 1e-6, true},    {150, 4, MLK_KERNEL_SIGMOID, 1.0, 1e-5, false},
    {2500, 4, MLK_KERNEL_RBF, 10.0, 1e-3, true},   {2100, 6, MLK_KERNEL_RBF, 0.5, 1e-7, false},
    {7, 30, MLK_KERNEL_LINEAR, 100.0, 1e-6, true}, {2, 1, MLK_KERNEL_RBF, 1.0, 1e-6, false},
};

static mlk_data problem_data(size_t i)
{
    mlk_data d = {.X = test_random_mat(i, problems[i].n, problems[i].p), .n_classes = 2};
    mlk_vec w = test_vec(d.X.rows);
    d.y = test_classes(i, d.X, 2);
    for (size_t k = 0; k < w.n; k++)
        w.data[k] = 0.25 + (double)(k % 5) * 0.5;
    if (problems[i].weighted)
        d.w = mlk_vec_c(w);
    return d;
}

START_TEST(reports_what_plain_loops_find)
{
    const mlk_data d = problem_data((size_t)_i);
    mlk_svc_opts o = mlk_svc_opts_default();
    o.kernel = problems[_i].kernel;
    o.C = problems[_i].C;
    o.tol = problems[_i].tol;
    o.gamma = o.kernel == MLK_KERNEL_SIGMOID ? 0.02 : 0.3;
    o.cache_mb = SMALL_CACHE;
    mlk_svc *model;
    require_ok(mlk_svc_fit(&d, &o, NULL, &model));
    require_certified(&d, &o, model);
    mlk_svc_free(model);
}
END_TEST

/* A cache for a fraction of the support vectors, on a problem larger than one working set. */
START_TEST(needs_no_more_memory_than_it_may_use)
{
    const mlk_data d = problem_data(4);
    mlk_svc_opts o = mlk_svc_opts_default();
    o.gamma = 0.3;
    o.cache_mb = 0.25;
    o.shrinking = _i;
    mlk_svc *model;
    require_ok(mlk_svc_fit(&d, &o, NULL, &model));
    require_certified(&d, &o, model);
    mlk_svc_free(model);
}
END_TEST

/* Classes that no plane parts: nearly all rows are bounded support vectors, and SMO alone would
 * take a hundred steps a row and more. */
START_TEST(linear_kernels_end_where_classes_overlap)
{
    enum { N = 1500, P = 4 };
    mlk_data d = {.X = test_random_mat(11, N, P), .n_classes = 2};
    mlk_vec y = test_vec(N), w = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        y.data[i] = i * 7919 % 13 < 5;
        w.data[i] = 0.25 + (double)(i % 5) * 0.5;
    }
    d.y = mlk_vec_c(y);
    if (_i)
        d.w = mlk_vec_c(w);
    mlk_svc_opts o = mlk_svc_opts_default();
    o.kernel = MLK_KERNEL_LINEAR;
    o.gamma = 1.0;
    o.C = 10.0;
    o.tol = 1e-6;
    mlk_svc *model;
    require_ok(mlk_svc_fit(&d, &o, NULL, &model));
    require_certified(&d, &o, model);
    ck_assert_int_lt(mlk_svc_info(model).iterations, 5 * N);
    mlk_svc_free(model);
}
END_TEST

START_TEST(precomputed_kernel_gives_the_same_machine)
{
    const mlk_data d = problem_data(2);
    mlk_svc_opts o = mlk_svc_opts_default();
    o.gamma = 0.3;
    o.tol = 1e-8;
    const mlk_kernel kernel = {MLK_KERNEL_RBF, 0.3, 0.0, 3};
    mlk_mat K = test_mat(d.X.rows, d.X.rows), a = test_mat(d.X.rows, 1), b = test_mat(d.X.rows, 1);
    require_ok(mlk_kernel_matrix(&kernel, d.X, d.X, NULL, K));
    mlk_svc *model;
    require_ok(mlk_svc_fit(&d, &o, NULL, &model));
    require_ok(mlk_svc_decision(model, d.X, NULL, a));
    mlk_svc_free(model);
    o.kernel = MLK_KERNEL_PRECOMPUTED;
    require_ok(mlk_svc_fit(&(mlk_data){.X = mlk_mat_c(K), .y = d.y, .w = d.w, .n_classes = 2}, &o,
                           NULL, &model));
    require_ok(mlk_svc_decision(model, mlk_mat_c(K), NULL, b));
    for (size_t i = 0; i < d.X.rows; i++)
        require_close(a.data[i], b.data[i], 1e-6);
    mlk_svc_free(model);
}
END_TEST

/* Pairs share kernel values of their classes; each is still the machine of its two alone. */
START_TEST(one_versus_one_is_a_machine_a_pair)
{
    enum { N = 400, K = 4, P = 3 };
    const mlk_cmat X = test_random_mat(5, N, P);
    const mlk_data d = {.X = X, .y = test_classes(5, X, K), .n_classes = K};
    mlk_svc_opts o = mlk_svc_opts_default();
    o.kernel = _i;
    o.tol = 1e-8;
    o.gamma = 0.1;
    mlk_svc *all, *one;
    mlk_mat decisions = test_mat(N, K * (K - 1) / 2), two = test_mat(N, P), single = test_mat(N, 1);
    mlk_vec y = test_vec(N);
    require_ok(mlk_svc_fit(&d, &o, NULL, &all));
    require_ok(mlk_svc_decision(all, X, NULL, decisions));
    for (size_t a = 0, pair = 0; a < K; a++)
        for (size_t b = a + 1; b < K; b++, pair++) {
            size_t n = 0;
            for (size_t i = 0; i < N; i++)
                if (d.y.data[i] == (double)a || d.y.data[i] == (double)b) {
                    memcpy(two.data + n * P, X.data + i * P, P * sizeof(double));
                    y.data[n++] = d.y.data[i] == (double)a; /* the first class is the positive */
                }
            const mlk_data part = {.X = {two.data, n, P, P}, .y = {y.data, n}, .n_classes = 2};
            require_ok(mlk_svc_fit(&part, &o, NULL, &one));
            require_ok(mlk_svc_decision(one, X, NULL, single));
            for (size_t i = 0; i < N; i++)
                require_close(single.data[i], decisions.data[i * decisions.cols + pair], 1e-6);
            mlk_svc_free(one);
        }
    mlk_svc_free(all);
}
END_TEST

START_TEST(one_versus_rest_is_a_machine_a_class)
{
    const mlk_cmat X = test_random_mat(3, 300, 4);
    const mlk_data d = {.X = X, .y = test_classes(3, X, 4), .n_classes = 4};
    mlk_svc_opts o = mlk_svc_opts_default();
    o.tol = 1e-8;
    o.gamma = 0.2;
    o.multi_class = MLK_SVC_OVR;
    mlk_svc *all, *one;
    mlk_mat decisions = test_mat(300, 4), single = test_mat(300, 1);
    mlk_vec label = test_vec(300), y = test_vec(300);
    require_ok(mlk_svc_fit(&d, &o, NULL, &all));
    require_ok(mlk_svc_decision(all, X, NULL, decisions));
    require_ok(mlk_svc_predict(all, X, NULL, label));
    for (size_t c = 0; c < 4; c++) {
        for (size_t i = 0; i < 300; i++)
            y.data[i] = d.y.data[i] == (double)c;
        require_ok(
            mlk_svc_fit(&(mlk_data){.X = X, .y = mlk_vec_c(y), .n_classes = 2}, &o, NULL, &one));
        require_ok(mlk_svc_decision(one, X, NULL, single));
        for (size_t i = 0; i < 300; i++)
            require_close(single.data[i], decisions.data[4 * i + c], 1e-6);
        mlk_svc_free(one);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t c = 0; c < 4; c++)
            ck_assert(decisions.data[4 * i + c] <= decisions.data[4 * i + (size_t)label.data[i]]);
    mlk_svc_free(all);
}
END_TEST

START_TEST(weights_count_as_repeated_rows)
{
    const mlk_cmat X = test_random_mat(5, 40, 3);
    const mlk_cvec y = test_classes(5, X, 3);
    mlk_vec w = test_vec(40), y2 = test_vec(80);
    mlk_mat X2 = test_mat(80, 3), a = test_mat(40, 3), b = test_mat(40, 3);
    size_t n = 0;
    for (size_t i = 0; i < 40; i++) {
        w.data[i] = (double)(i % 3);
        for (size_t k = 0; k < i % 3; k++, n++) {
            memcpy(X2.data + 3 * n, X.data + 3 * i, 3 * sizeof(double));
            y2.data[n] = y.data[i];
        }
    }
    mlk_svc_opts o = mlk_svc_opts_default();
    o.tol = 1e-9;
    o.gamma = 0.5;
    o.class_weight = MLK_SVM_BALANCED;
    mlk_svc *model;
    require_ok(mlk_svc_fit(&(mlk_data){.X = X, .y = y, .w = mlk_vec_c(w), .n_classes = 3}, &o, NULL,
                           &model));
    require_ok(mlk_svc_decision(model, X, NULL, a));
    mlk_svc_free(model);
    const mlk_data repeated = {.X = {X2.data, n, 3, 3}, .y = {y2.data, n}, .n_classes = 3};
    require_ok(mlk_svc_fit(&repeated, &o, NULL, &model));
    require_ok(mlk_svc_decision(model, X, NULL, b));
    mlk_svc_free(model);
    for (size_t i = 0; i < 120; i++)
        require_close(a.data[i], b.data[i], 1e-6);
}
END_TEST

/* Classes that agree in all features cannot be told apart: all rows at their bounds, bias in
 * between. */
START_TEST(ends_on_twin_rows_and_constant_features)
{
    mlk_mat X = test_mat(20, 2);
    mlk_vec y = test_vec(20), label = test_vec(20);
    for (size_t i = 0; i < 20; i++) {
        X.data[2 * i] = _i ? 3.5 : (double)(i / 2);
        X.data[2 * i + 1] = -1.0;
        y.data[i] = (double)(i % 2);
    }
    const mlk_data d = {.X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = 2};
    for (int kernel = MLK_KERNEL_RBF; kernel <= MLK_KERNEL_SIGMOID; kernel++) {
        mlk_svc_opts o = mlk_svc_opts_default();
        o.kernel = kernel;
        mlk_svc *model;
        require_ok(mlk_svc_fit(&d, &o, NULL, &model));
        ck_assert(mlk_svc_info(model).converged);
        require_relative(mlk_svc_info(model).dual, 20.0, 1e-3);
        require_ok(mlk_svc_predict(model, d.X, NULL, label));
        mlk_svc_free(model);
    }
}
END_TEST

static char warning[512];
static void keep_warning(void *user, const char *line)
{
    (void)user;
    snprintf(warning, sizeof warning, "%s", line);
}

START_TEST(a_cap_ends_with_the_gap_and_the_cure)
{
    mlk_mat X = test_mat(300, 3);
    const mlk_cmat Z = test_random_mat(9, 300, 3);
    for (size_t i = 0; i < 900; i++)
        X.data[i] = Z.data[i] * (i % 3 == 0 ? 1e4 : 1.0);
    const mlk_data d = {.X = mlk_mat_c(X), .y = test_classes(9, Z, 2), .n_classes = 2};
    const mlk_run run = {.warn = keep_warning};
    mlk_svc_opts o = mlk_svc_opts_default();
    o.kernel = MLK_KERNEL_LINEAR;
    o.C = 100.0;
    o.max_iter = 300;
    mlk_svc *model;
    require_ok(mlk_svc_fit(&d, &o, &run, &model));
    ck_assert(!mlk_svc_info(model).converged);
    ck_assert(mlk_svc_info(model).iterations <= 300);
    ck_assert_ptr_nonnull(strstr(warning, "duality gap"));
    ck_assert_ptr_nonnull(strstr(warning, "scale the features (standard)"));
    mlk_svc_free(model);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    const mlk_cmat X = test_random_mat(4, 2600, 5);
    const size_t k = _i ? 5 : 2;
    const mlk_data d = {.X = X, .y = test_classes(4, X, k), .n_classes = k};
    static const int threads[] = {1, 2, 3, 8};
    mlk_mat first = test_mat(2600, k == 2 ? 1 : 10), other = test_mat(2600, k == 2 ? 1 : 10);
    mlk_svc_opts o = mlk_svc_opts_default();
    o.cache_mb = k == 2 ? SMALL_CACHE : 200.0;
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        const mlk_run run = {.threads = threads[t]};
        mlk_svc *model;
        mlk_mat out = t ? other : first;
        require_ok(mlk_svc_fit(&d, &o, &run, &model));
        require_ok(mlk_svc_decision(model, X, &run, out));
        require_same(first.data, out.data, 2600 * out.cols * sizeof(double));
        mlk_svc_free(model);
    }
}
END_TEST

START_TEST(saved_model_predicts_the_same_bits)
{
    const mlk_cmat X = test_random_mat(6, 120, 4);
    const size_t k = _i == 0 ? 2 : 4;
    const mlk_data d = {.X = X, .y = test_classes(6, X, k), .n_classes = k};
    mlk_svc_opts o = mlk_svc_opts_default();
    o.multi_class = _i == 2 ? MLK_SVC_OVR : MLK_SVC_OVO;
    mlk_model *model, *loaded;
    require_ok(mlk_model_fit(&mlk_svc_algo, &o, &d, NULL, &model));
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(model, doc);
    require_ok(mlk_doc_check(doc));
    require_ok(mlk_model_load(doc, &loaded));
    const size_t m = mlk_model_n_decisions(model);
    mlk_mat a = test_mat(120, m), b = test_mat(120, m);
    require_ok(mlk_model_decision(model, X, NULL, a));
    require_ok(mlk_model_decision(loaded, X, NULL, b));
    require_same(a.data, b.data, 120 * m * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(loaded);
    mlk_doc_free(doc);
}
END_TEST

static const struct {
    size_t k;
    int multi_class, calibration;
} calibrated[] = {
    {2, MLK_SVC_OVO, MLK_SVM_SIGMOID}, {2, MLK_SVC_OVO, MLK_SVM_ISOTONIC},
    {4, MLK_SVC_OVO, MLK_SVM_SIGMOID}, {4, MLK_SVC_OVO, MLK_SVM_ISOTONIC},
    {4, MLK_SVC_OVR, MLK_SVM_SIGMOID},
};

static mlk_svc_opts calibrated_options(size_t i)
{
    mlk_svc_opts o = mlk_svc_opts_default();
    o.probability = true;
    o.multi_class = calibrated[i].multi_class;
    o.calibration = calibrated[i].calibration;
    o.seed = 3;
    return o;
}

START_TEST(label_is_the_most_probable_class)
{
    const size_t k = calibrated[_i].k;
    const mlk_cmat X = test_random_mat(12, 300, 3);
    const mlk_data d = {.X = X, .y = test_classes(12, X, k), .n_classes = k};
    const mlk_svc_opts o = calibrated_options((size_t)_i);
    mlk_model *model, *loaded;
    require_ok(mlk_model_fit(&mlk_svc_algo, &o, &d, &(mlk_run){.threads = 1}, &model));
    mlk_mat p = test_mat(300, k), q = test_mat(300, k);
    mlk_vec label = test_vec(300);
    require_ok(mlk_model_predict_proba(model, X, NULL, p));
    require_ok(mlk_model_predict(model, X, NULL, label));
    double loss = 0.0;
    for (size_t i = 0; i < 300; i++) {
        const double *row = p.data + i * k;
        double sum = 0.0;
        for (size_t c = 0; c < k; c++) {
            ck_assert(row[c] >= 0.0 && row[c] <= row[(size_t)label.data[i]]);
            sum += row[c];
        }
        require_close(sum, 1.0, 1e-12);
        loss -= log(fmax(row[(size_t)d.y.data[i]], 1e-3)) / 300.0;
    }
    ck_assert(loss < 0.8 * log((double)k)); /* far better than knowing nothing */

    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(model, doc);
    require_ok(mlk_model_load(doc, &loaded));
    require_ok(mlk_model_predict_proba(loaded, X, &(mlk_run){.threads = 3}, q));
    require_same(p.data, q.data, 300 * k * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(loaded);
    mlk_doc_free(doc);
    require_ok(mlk_model_fit(&mlk_svc_algo, &o, &d, &(mlk_run){.threads = 8}, &model));
    require_ok(mlk_model_predict_proba(model, X, NULL, q));
    require_same(p.data, q.data, 300 * k * sizeof(double));
    mlk_model_free(model);
}
END_TEST

START_TEST(precomputed_kernel_can_be_calibrated)
{
    const mlk_cmat X = test_random_mat(12, 80, 3);
    const mlk_kernel kernel = {MLK_KERNEL_RBF, 0.3, 0.0, 3};
    const mlk_cvec y = test_classes(12, X, 3);
    mlk_mat K = test_mat(80, 80), p = test_mat(80, 3), q = test_mat(80, 3);
    require_ok(mlk_kernel_matrix(&kernel, X, X, NULL, K));
    mlk_svc_opts o = calibrated_options(0);
    o.gamma = 0.3;
    o.tol = 1e-9;
    mlk_svc *model;
    require_ok(mlk_svc_fit(&(mlk_data){.X = X, .y = y, .n_classes = 3}, &o, NULL, &model));
    require_ok(mlk_svc_predict_proba(model, X, NULL, p));
    mlk_svc_free(model);
    o.kernel = MLK_KERNEL_PRECOMPUTED;
    require_ok(
        mlk_svc_fit(&(mlk_data){.X = mlk_mat_c(K), .y = y, .n_classes = 3}, &o, NULL, &model));
    require_ok(mlk_svc_predict_proba(model, mlk_mat_c(K), NULL, q));
    mlk_svc_free(model);
    for (size_t i = 0; i < 240; i++)
        require_close(p.data[i], q.data[i], 1e-6);
}
END_TEST

/* A grid shares kernels and starts from the solution before: each model as if fitted alone. */
START_TEST(a_grid_fits_each_as_if_alone)
{
    const size_t k = _i ? 4 : 2;
    const mlk_cmat X = test_random_mat(13, 150, 4);
    const mlk_data d = {.X = X, .y = test_classes(13, X, k), .n_classes = k};
    static const double C[] = {1.0, 100.0, 0.1, 1.0, 10.0, 1.0},
                        gamma[] = {0.1, 0.1, 0.1, 0.5, 0.1, 0.1};
    mlk_svc_opts o[6];
    const void *opts[6];
    mlk_model *grid[6];
    mlk_svc *alone;
    const size_t m = k == 2 ? 1 : 6;
    mlk_mat a = test_mat(150, m), b = test_mat(150, m);
    for (size_t j = 0; j < 6; j++) {
        o[j] = mlk_svc_opts_default();
        o[j].C = C[j];
        o[j].gamma = gamma[j];
        o[j].tol = 1e-7;
        opts[j] = &o[j];
    }
    o[5].nu = 0.1;
    require_ok(mlk_model_fit_many(&mlk_svc_algo, opts, 6, &d, NULL, grid));
    for (size_t j = 0; j < 6; j++) {
        require_ok(mlk_svc_fit(&d, &o[j], NULL, &alone));
        require_relative(mlk_model_info(grid[j]).objective, mlk_svc_info(alone).primal, 1e-7);
        require_ok(mlk_model_decision(grid[j], X, NULL, a));
        require_ok(mlk_svc_decision(alone, X, NULL, b));
        for (size_t i = 0; i < 150 * m; i++)
            require_close(a.data[i], b.data[i], 1e-4);
        mlk_svc_free(alone);
        mlk_model_free(grid[j]);
    }
}
END_TEST

static size_t fresh_rows;
static void count_fresh(void *user, const char *line)
{
    (void)user;
    const char *at = strstr(line, " (");
    if (strstr(line, "working set") && at)
        fresh_rows += strtoul(at + 2, NULL, 10);
}

/* Rising C with one gamma: kernel rows are computed once, and each solution starts the next. */
START_TEST(a_grid_computes_kernels_once_and_starts_warm)
{
    const mlk_cmat X = test_random_mat(21, 900, 4);
    const mlk_data d = {.X = X, .y = test_classes(21, X, 2), .n_classes = 2};
    const mlk_run run = {.log = count_fresh};
    mlk_svc_opts o[4];
    const void *opts[4];
    mlk_model *grid[4];
    mlk_svc *alone;
    int64_t warm = 0, cold = 0;
    for (size_t j = 0; j < 4; j++) {
        o[j] = mlk_svc_opts_default();
        o[j].C = 4.0 + (double)j;
        o[j].gamma = 0.2;
        opts[j] = &o[j];
    }
    fresh_rows = 0;
    require_ok(mlk_model_fit_many(&mlk_svc_algo, opts, 4, &d, &run, grid));
    ck_assert_uint_eq(fresh_rows, 900);
    for (size_t j = 0; j < 4; j++) {
        require_ok(mlk_svc_fit(&d, &o[j], NULL, &alone));
        cold += mlk_svc_info(alone).iterations;
        warm += mlk_model_info(grid[j]).iterations;
        mlk_svc_free(alone);
        mlk_model_free(grid[j]);
    }
    ck_assert_msg(3 * warm < 2 * cold, "%lld steps, alone %lld", (long long)warm, (long long)cold);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_random_mat(1, 10, 2);
    mlk_vec y = test_vec(10), w = test_vec(10);
    for (size_t i = 0; i < 10; i++) {
        y.data[i] = i < 2;
        w.data[i] = i >= 2;
    }
    const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = 2};
    const mlk_data weightless = {.X = X, .y = mlk_vec_c(y), .w = mlk_vec_c(w), .n_classes = 2};
    const mlk_data three = {.X = X, .y = mlk_vec_c(y), .n_classes = 3};
    const mlk_data one = {.X = X, .y = mlk_vec_c(y), .n_classes = 1};
    mlk_svc_opts C = mlk_svc_opts_default(), gamma = C, nu = C, mass = C, given = C, rest = C;
    C.C = 0.0;
    gamma.gamma = 0.0;
    nu.nu = 0.5;
    mass.nu = 1.5;
    given.kernel = MLK_KERNEL_PRECOMPUTED;
    rest.nu = 0.1;
    rest.multi_class = MLK_SVC_OVR;
    mlk_svc *model;
    require_fail(mlk_svc_fit(&d, &C, NULL, &model), MLK_EINVAL, "C = 0 is outside (0, inf)");
    require_fail(mlk_svc_fit(&d, &gamma, NULL, &model), MLK_EINVAL,
                 "gamma = 0 is outside scale | auto | (0, inf)");
    require_fail(mlk_svc_fit(&d, &nu, NULL, &model), MLK_EINVAL,
                 "nu = 0.5 is infeasible for classes 1 and 0; expected at most 0.4");
    require_fail(mlk_svc_fit(&d, &mass, NULL, &model), MLK_EINVAL, "nu = 1.5 is outside");
    require_fail(mlk_svc_fit(&d, &given, NULL, &model), MLK_EINVAL,
                 "X is 10 x 2; expected a square matrix of kernel values");
    require_fail(mlk_svc_fit(&three, &rest, NULL, &model), MLK_EINVAL, "expected ovo");
    require_fail(mlk_svc_fit(&one, NULL, NULL, &model), MLK_EINVAL,
                 "n_classes = 1; expected at least 2");
    require_fail(mlk_svc_fit(&three, NULL, NULL, &model), MLK_EINVAL, "class 2 has no rows");
    require_fail(mlk_svc_fit(&weightless, NULL, NULL, &model), MLK_EINVAL,
                 "class 1 has no rows of positive weight");
    ck_assert_ptr_null(model);
}
END_TEST

/* Rows 0, 2, 4, 6 against 1, 3, 5, 7. The nu form separates the classes' hulls with no row weighing
 * more than 1 / (4 nu): they meet for nu = 0.8 (up to 3.75, from 3.25), and for 0.9 they
 * end at 10/3 and 11/3. The rows that weigh less, 0 and 7, then lie on the margins. */
START_TEST(nu_must_be_large_enough_where_classes_overlap)
{
    const double x[] = {0, 2, 4, 6, 1, 3, 5, 7}, y[] = {0, 0, 0, 0, 1, 1, 1, 1};
    const mlk_data d = {.X = {x, 8, 1, 1}, .y = {y, 8}, .n_classes = 2};
    mlk_svc_opts o = mlk_svc_opts_default();
    mlk_svc *model;
    o.kernel = MLK_KERNEL_LINEAR;
    o.tol = 1e-9;
    o.nu = 0.8;
    require_fail(mlk_svc_fit(&d, &o, NULL, &model), MLK_ESINGULAR,
                 "nu = 0.8 leaves classes 1 and 0 no margin: they overlap; raise nu");
    o.nu = 0.9;
    require_ok(mlk_svc_fit(&d, &o, NULL, &model));
    double f[8];
    require_ok(mlk_svc_decision(model, d.X, NULL, (mlk_mat){f, 8, 1, 1}));
    for (size_t i = 0; i < 8; i++)
        require_close(f[i], (x[i] - 3.5) / 3.5, 1e-6);
    mlk_svc_free(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(1, 30, 2);
    const mlk_data d = {.X = X, .y = test_classes(1, X, 3), .n_classes = 3};
    mlk_svc_opts o = mlk_svc_opts_default();
    o.nu = _i == 1 ? 0.2 : MLK_SVM_NO_NU;
    o.probability = _i >= 2;
    o.calibration = _i == 3 ? MLK_SVM_ISOTONIC : MLK_SVM_SIGMOID;
    mlk_svc *model;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_svc_fit(&d, &o, &(mlk_run){.threads = 1}, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_svc_free(model);
}
END_TEST

static bool stop_now(void *user)
{
    int *left = user;
    return (*left)-- <= 0;
}

START_TEST(stops_when_cancelled)
{
    const mlk_cmat X = test_random_mat(1, 400, 2);
    const mlk_data d = {.X = X, .y = test_classes(1, X, 2), .n_classes = 2};
    mlk_svc *model;
    mlk_status st = MLK_ECANCELLED;
    for (int k = 0; st != MLK_OK; k++) {
        int left = k;
        const mlk_run run = {.threads = 1, .cancelled = stop_now, .user = &left};
        st = mlk_svc_fit(&d, NULL, &run, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ECANCELLED && model == NULL);
    }
    mlk_svc_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/svc");
    TCase *fit = test_case(s, "fit"), *use = test_case(s, "use"), *errors = test_case(s, "errors");
    tcase_add_loop_test(fit, agrees_with_libsvm, 0, (int)MLK_COUNT(svm_cases));
    tcase_add_loop_test(fit, reports_what_plain_loops_find, 0, (int)MLK_COUNT(problems));
    tcase_add_loop_test(fit, needs_no_more_memory_than_it_may_use, 0, 2);
    tcase_add_loop_test(fit, linear_kernels_end_where_classes_overlap, 0, 2);
    tcase_add_test(fit, precomputed_kernel_gives_the_same_machine);
    tcase_add_loop_test(fit, one_versus_one_is_a_machine_a_pair, 0, MLK_KERNEL_PRECOMPUTED);
    tcase_add_test(fit, one_versus_rest_is_a_machine_a_class);
    tcase_add_test(fit, weights_count_as_repeated_rows);
    tcase_add_loop_test(fit, ends_on_twin_rows_and_constant_features, 0, 2);
    tcase_add_test(fit, a_cap_ends_with_the_gap_and_the_cure);
    tcase_add_loop_test(use, threads_do_not_change_a_bit, 0, 2);
    tcase_add_loop_test(use, saved_model_predicts_the_same_bits, 0, 3);
    tcase_add_loop_test(use, label_is_the_most_probable_class, 0, (int)MLK_COUNT(calibrated));
    tcase_add_test(use, precomputed_kernel_can_be_calibrated);
    tcase_add_loop_test(use, a_grid_fits_each_as_if_alone, 0, 2);
    tcase_add_test(use, a_grid_computes_kernels_once_and_starts_warm);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, nu_must_be_large_enough_where_classes_overlap);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 4);
    tcase_add_test(errors, stops_when_cancelled);
    return s;
}
