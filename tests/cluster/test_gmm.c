#include <mlkit/cluster/gmm.h>

#include "support/mlk_test.h"

static mlk_cmat iris(void)
{
    mlk_cmat X = test_read_csv(test_source_path("datasets/iris.csv"));
    X.cols = 4;
    return X;
}

static mlk_gmm_opts options(size_t k, int type, double tol, int64_t max_iter)
{
    mlk_gmm_opts o = mlk_gmm_opts_default();
    o.n_clusters = (int64_t)k;
    o.covariance_type = type;
    o.tol = tol;
    o.max_iter = max_iter;
    o.n_init = 1;
    return o;
}

static mlk_gmm *fit(const mlk_data *data, mlk_gmm_opts o)
{
    mlk_gmm *m;
    require_ok(mlk_gmm_fit(data, &o, NULL, &m));
    return m;
}

START_TEST(iris_in_three_has_the_figures_of_scikit_learn)
{
    /* tests/reference/gmm.py, scikit-learn 1.2.1: log-likelihood, BIC, AIC, sorted weights */
    static const double expected[3][6] = {
        {-180.185477585, 580.83890811, 448.37095517, 0.29919509, 0.33333333, 0.36747157},
        {-307.17757173, 744.631661107, 666.35514346, 0.25267414, 0.33333333, 0.41399253},
        {-384.314095074, 853.808990147, 802.628190147, 0.25272706, 0.33333333, 0.41393961}};
    const mlk_cmat X = iris();
    for (int type = MLK_GMM_FULL; type <= MLK_GMM_SPHERICAL; type++) {
        mlk_gmm_opts o = options(3, type, 1e-12, 5000);
        o.n_init = 10;
        mlk_gmm *m = fit(&(mlk_data){.X = X}, o);
        require_relative(mlk_gmm_log_likelihood(m), expected[type][0], 1e-8);
        require_relative(mlk_gmm_bic(m), expected[type][1], 1e-8);
        require_relative(mlk_gmm_aic(m), expected[type][2], 1e-8);
        const double *w = mlk_gmm_weights(m).data;
        const double least = fmin(w[0], fmin(w[1], w[2])), most = fmax(w[0], fmax(w[1], w[2]));
        require_close(least, expected[type][3], 1e-5);
        require_close(w[0] + w[1] + w[2] - least - most, expected[type][4], 1e-7);
        require_close(most, expected[type][5], 1e-5);
        mlk_gmm_free(m);
    }
}
END_TEST

/* ------------------------------------------------- the definition, by plain loops */

/* Element (a, b) of component c's covariance. */
static double covariance(const mlk_gmm *m, int type, size_t c, size_t a, size_t b)
{
    const mlk_cmat S = mlk_gmm_covariances(m);
    if (type == MLK_GMM_FULL)
        return S.data[(c * S.cols + a) * S.ld + b];
    return a != b ? 0.0 : S.data[c * S.ld + (type == MLK_GMM_DIAG ? a : 0)];
}

/* log N(x; mu_c, S_c) by elimination. */
static double log_normal(const mlk_gmm *m, int type, size_t c, const double *x, size_t p)
{
    double A[8][9], d[8], log_det = 0.0, square = 0.0;
    for (size_t a = 0; a < p; a++) {
        d[a] = x[a] - mlk_gmm_means(m).data[c * p + a];
        for (size_t b = 0; b < p; b++)
            A[a][b] = covariance(m, type, c, a, b);
        A[a][p] = d[a];
    }
    for (size_t a = 0; a < p; a++) {
        log_det += log(A[a][a]);
        for (size_t r = 0; r < p; r++)
            for (size_t b = p + 1; r != a && b-- > a;)
                A[r][b] -= A[r][a] / A[a][a] * A[a][b];
    }
    for (size_t a = 0; a < p; a++)
        square += d[a] * A[a][p] / A[a][a];
    return -0.5 * ((double)p * log(2.0 * acos(-1.0)) + log_det + square);
}

START_TEST(ends_where_moments_and_shares_agree)
{
    enum { P = 3, K = 3 };
    const mlk_cmat Z = test_random_mat(12, 300, P), E = test_random_mat(13, K, P);
    mlk_mat X = test_mat(300, P);
    mlk_vec w = test_vec(300);
    for (size_t i = 0; i < 300; i++) {
        w.data[i] = 0.5 + (double)(i % 4);
        for (size_t j = 0; j < P; j++)
            X.data[P * i + j] = 3.0 * E.data[P * (i % K) + j] + Z.data[P * i + j];
    }
    for (int type = MLK_GMM_FULL; type <= MLK_GMM_SPHERICAL; type++) {
        mlk_gmm_opts o = options(K, type, 1e-14, 20000);
        o.reg_covar = 0.0;
        mlk_gmm *m = fit(&(mlk_data){.X = mlk_mat_c(X), .w = mlk_vec_c(w)}, o);
        mlk_mat R = test_mat(300, K), dense = test_mat(300, 1);
        double total = 0.0, all = 0.0;
        require_ok(mlk_gmm_predict_proba(m, mlk_mat_c(X), NULL, R));
        require_ok(mlk_gmm_decision(m, mlk_mat_c(X), NULL, dense));
        for (size_t i = 0; i < 300; i++) {
            double sum = 0.0, density[K];
            for (size_t c = 0; c < K; c++)
                sum += density[c] =
                    mlk_gmm_weights(m).data[c] * exp(log_normal(m, type, c, X.data + P * i, P));
            for (size_t c = 0; c < K; c++)
                require_close(R.data[K * i + c], density[c] / sum, 1e-10);
            require_close(dense.data[i], log(sum), 1e-10);
            total += w.data[i] * log(sum);
            all += w.data[i];
        }
        require_relative(mlk_gmm_log_likelihood(m), total, 1e-11);
        for (size_t c = 0; c < K; c++) {
            double size = 0.0, spread = 0.0;
            for (size_t i = 0; i < 300; i++)
                size += w.data[i] * R.data[K * i + c];
            require_close(mlk_gmm_weights(m).data[c], size / all, 1e-6);
            for (size_t a = 0; a < P; a++) {
                double mean = 0.0, moment[P] = {0.0};
                for (size_t i = 0; i < 300; i++)
                    mean += w.data[i] * R.data[K * i + c] * X.data[P * i + a] / size;
                require_close(mlk_gmm_means(m).data[P * c + a], mean, 1e-5);
                for (size_t i = 0; i < 300; i++)
                    for (size_t b = 0; b < P; b++)
                        moment[b] += w.data[i] * R.data[K * i + c] / size *
                                     (X.data[P * i + a] - mlk_gmm_means(m).data[P * c + a]) *
                                     (X.data[P * i + b] - mlk_gmm_means(m).data[P * c + b]);
                for (size_t b = 0; type == MLK_GMM_FULL && b < P; b++)
                    require_close(covariance(m, type, c, a, b), moment[b], 1e-4);
                if (type == MLK_GMM_DIAG)
                    require_close(covariance(m, type, c, a, a), moment[a], 1e-4);
                spread += moment[a] / P;
            }
            if (type == MLK_GMM_SPHERICAL)
                require_close(covariance(m, type, c, 0, 0), spread, 1e-4);
        }
        mlk_gmm_free(m);
    }
}
END_TEST

START_TEST(the_likelihood_never_falls)
{
    static const double regs[] = {0.0, 1e-6, 0.1, 10.0};
    const mlk_cmat X = test_random_mat(21, 250, 3);
    for (int type = MLK_GMM_FULL; type <= MLK_GMM_SPHERICAL; type++)
        for (size_t r = 0; r < MLK_COUNT(regs); r++) {
            double before = -INFINITY;
            for (int64_t it = 1; it <= 25; it++) {
                mlk_gmm_opts o = options(4, type, 0.0, it);
                o.reg_covar = regs[r];
                mlk_gmm *m = fit(&(mlk_data){.X = X}, o);
                ck_assert(mlk_gmm_log_likelihood(m) >= before - 1e-9);
                before = mlk_gmm_log_likelihood(m);
                mlk_gmm_free(m);
            }
        }
}
END_TEST

START_TEST(labels_are_predictions_and_the_most_probable)
{
    const mlk_cmat X = iris();
    mlk_gmm *m = fit(&(mlk_data){.X = X}, options(4, MLK_GMM_DIAG, 1e-3, 100));
    mlk_vec out = test_vec(X.rows);
    mlk_mat R = test_mat(X.rows, 4);
    require_ok(mlk_gmm_predict(m, X, NULL, out));
    require_ok(mlk_gmm_predict_proba(m, X, NULL, R));
    for (size_t i = 0; i < X.rows; i++) {
        double sum = 0.0;
        ck_assert(out.data[i] == mlk_gmm_labels(m)[i]);
        for (size_t c = 0; c < 4; c++) {
            ck_assert(R.data[4 * i + c] <= R.data[4 * i + (size_t)out.data[i]]);
            sum += R.data[4 * i + c];
        }
        require_close(sum, 1.0, 1e-14);
    }
    mlk_gmm_free(m);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(31, 3000, 4);
    const int threads[] = {1, 2, 3, 8};
    for (int type = MLK_GMM_FULL; type <= MLK_GMM_SPHERICAL; type++) {
        const mlk_gmm_opts o = options(3, type, 0.0, 8);
        mlk_gmm *one = fit(&(mlk_data){.X = X}, o);
        for (size_t k = 0; k < MLK_COUNT(threads); k++) {
            const mlk_run run = {.threads = threads[k]};
            mlk_gmm *m;
            require_ok(mlk_gmm_fit(&(mlk_data){.X = X}, &o, &run, &m));
            const mlk_cmat S = mlk_gmm_covariances(m);
            require_same(mlk_gmm_means(m).data, mlk_gmm_means(one).data, 12 * sizeof(double));
            require_same(S.data, mlk_gmm_covariances(one).data, S.rows * S.cols * sizeof(double));
            mlk_gmm_free(m);
        }
        mlk_gmm_free(one);
    }
}
END_TEST

/* ------------------------------------------------------------------------- bad input */

START_TEST(rejects_bad_input_and_says_why)
{
    const double same[] = {2, 2, 2, 2}, far[] = {-1e200, 1e200, 0, 1};
    mlk_gmm_opts five = options(5, MLK_GMM_FULL, 1e-3, 100), one = options(1, 0, 1e-3, 100);
    mlk_gmm *m;
    require_fail(mlk_gmm_fit(&(mlk_data){.X = {same, 4, 1, 1}}, &five, NULL, &m), MLK_EINVAL,
                 "n_clusters = 5; expected at most the 4 rows");
    ck_assert_ptr_null(m);
    require_fail(mlk_gmm_fit(&(mlk_data){.X = {far, 4, 1, 1}}, &one, NULL, &m), MLK_EINVAL,
                 "squared distances overflow: scale the columns");
    for (int type = MLK_GMM_FULL; type <= MLK_GMM_SPHERICAL; type++) {
        one = options(1, type, 1e-3, 100);
        one.reg_covar = 0.0;
        require_fail(mlk_gmm_fit(&(mlk_data){.X = {same, 4, 1, 1}}, &one, NULL, &m), MLK_ESINGULAR,
                     "component 0 has a singular covariance; raise reg_covar");
        mlk_gmm_opts three = options(3, type, 1e-3, 100); /* two of them stay empty */
        m = fit(&(mlk_data){.X = {same, 4, 1, 1}}, three);
        ck_assert(isfinite(mlk_gmm_log_likelihood(m)));
        for (size_t i = 0; i < 4; i++)
            ck_assert_uint_eq(mlk_gmm_labels(m)[i], mlk_gmm_labels(m)[0]);
        mlk_gmm_free(m);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(1, 40, 2);
    const mlk_run run = {.threads = 1};
    for (int type = MLK_GMM_FULL; type <= MLK_GMM_SPHERICAL; type++) {
        mlk_gmm_opts o = options(2, type, 1e-3, 5);
        mlk_gmm *m;
        mlk_status st = MLK_ENOMEM;
        o.n_init = 2;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = mlk_gmm_fit(&(mlk_data){.X = X}, &o, &run, &m);
            mlk_test_fail_at = -1;
            ck_assert(st == MLK_OK ? m != NULL : st == MLK_ENOMEM && m == NULL);
        }
        mlk_gmm_free(m);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("cluster/gmm");
    TCase *figures = test_case(s, "figures"), *rest = test_case(s, "properties");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(figures, iris_in_three_has_the_figures_of_scikit_learn);
    tcase_add_test(figures, ends_where_moments_and_shares_agree);
    tcase_add_test(rest, the_likelihood_never_falls);
    tcase_add_test(rest, labels_are_predictions_and_the_most_probable);
    tcase_add_test(rest, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
