#include <mlkit/linear/ridge.h>
#include <mlkit/selection/bootstrap.h>

#include "support/mlk_test.h"

/* --------------------------------------------- a nearest neighbour: overfits */

typedef struct memory {
    size_t n;
    double xy[]; /* pairs */
} memory;

static const mlk_opt no_opts[] = {MLK_OPT_END};

static mlk_status nn_fit(const mlk_data *d, const void *opts, const mlk_run *run, void **state)
{
    memory *m = mlk_alloc_flex(sizeof *m, d->X.rows, 2 * sizeof(double));
    (void)opts;
    (void)run;
    *state = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", d->X.rows);
    m->n = d->X.rows;
    for (size_t i = 0; i < m->n; i++) {
        m->xy[2 * i] = d->X.data[i * d->X.ld];
        m->xy[2 * i + 1] = d->y.data[i];
    }
    return MLK_OK;
}

static mlk_status nn_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    const memory *m = state;
    (void)run;
    for (size_t i = 0; i < X.rows; i++) {
        size_t best = 0;
        for (size_t k = 1; k < m->n; k++)
            if (fabs(m->xy[2 * k] - X.data[i * X.ld]) < fabs(m->xy[2 * best] - X.data[i * X.ld]))
                best = k;
        out.data[i] = m->xy[2 * best + 1];
    }
    return MLK_OK;
}

static void nn_free(void *state) { mlk_free(state); }

static const mlk_algo nn = {
    .name = "nearest",
    .tasks = MLK_REGRESSION | MLK_CLASSIFICATION,
    .opts_size = 8,
    .opts = no_opts,
    .fit = nn_fit,
    .predict = nn_predict,
    .free = nn_free,
};

static const mlk_candidate nearest = {&nn, NULL}, ridge = {&mlk_ridge_algo, NULL};

/* Classes at random, independent of x: the best possible error is 1/2. */
static mlk_data coin(size_t n)
{
    mlk_vec y = test_vec(n);
    const mlk_cvec z = test_random_vec(9, n);
    for (size_t i = 0; i < n; i++)
        y.data[i] = (double)(z.data[i] > 0.0);
    return (mlk_data){.X = test_random_mat(8, n, 1), .y = mlk_vec_c(y), .n_classes = 2};
}

/* ---------------------------------------------------------------------- .632+ */

START_TEST(corrects_the_optimism_of_a_memory)
{
    const mlk_data d = coin(300);
    mlk_bootstrap_error e;
    require_ok(mlk_bootstrap_estimate(&nearest, &d, NULL, NULL, &e));
    ck_assert(e.apparent == 0.0); /* each row is its own neighbour */
    require_close(e.no_information, 0.5, 0.02);
    require_close(e.out_of_bag, 0.5, 0.08);
    require_close(e.e632, 0.632 * e.out_of_bag, 1e-15); /* the plain one is fooled */
    ck_assert_msg(e.e632_plus > 0.42, "%g", e.e632_plus);
    ck_assert(e.overfitting > 0.8 && e.overfitting <= 1.0);
    const double w = 0.632 / (1.0 - 0.368 * e.overfitting);
    require_close(e.e632_plus, w * fmin(e.out_of_bag, e.no_information), 1e-15);
}
END_TEST

START_TEST(agrees_with_the_error_of_a_stable_model)
{
    const mlk_cmat X = test_random_mat(1, 200, 3);
    const mlk_data d = {.X = X, .y = test_linear_target(2, X, 1.0)};
    mlk_bootstrap_error e;
    require_ok(mlk_bootstrap_estimate(&ridge, &d, &(mlk_bootstrap_opts){200, 4}, NULL, &e));
    ck_assert(e.apparent < e.e632 && e.e632 < e.out_of_bag);
    require_close(e.e632, 1.0, 0.25); /* the noise's variance */
    ck_assert(e.se > 0.0 && e.se < 0.2 && e.overfitting < 0.1);
    /* gamma by its definition, over all pairs */
    mlk_model *m;
    mlk_vec f = test_vec(200);
    double pairs = 0.0;
    require_ok(mlk_model_fit(&mlk_ridge_algo, NULL, &d, NULL, &m));
    require_ok(mlk_model_predict(m, d.X, NULL, f));
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < 200; j++)
            pairs += pow(d.y.data[i] - f.data[j], 2.0) / 40000.0;
    require_relative(e.no_information, pairs, 1e-12);
    mlk_model_free(m);
}
END_TEST

/* ------------------------------------------------------------ bias and variance */

static double truth_of(double x) { return sin(2.0 * x); }

/* y = sin(2x) + noise of variance 0.09. */
static mlk_data waves(uint64_t seed, size_t n, mlk_vec *noiseless)
{
    const mlk_cmat X = test_random_mat(seed, n, 1);
    const mlk_cvec e = test_random_vec(seed + 1, n);
    mlk_vec y = test_vec(n);
    *noiseless = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        noiseless->data[i] = truth_of(X.data[i]);
        y.data[i] = noiseless->data[i] + 0.3 * e.data[i];
    }
    return (mlk_data){.X = X, .y = mlk_vec_c(y)};
}

START_TEST(terms_add_up_to_the_measured_error_on_known_noise)
{
    mlk_vec t, unused;
    const mlk_data train = waves(1, 150, &unused), test = waves(50, 800, &t);
    const mlk_candidate *const both[] = {&ridge, &nearest};
    mlk_bias_variance s[2];
    for (size_t k = 0; k < 2; k++) {
        require_ok(
            mlk_bias_variance_estimate(both[k], &train, &test, mlk_vec_c(t), NULL, NULL, &s[k]));
        require_relative(s[k].error, s[k].noise + s[k].bias2 + s[k].variance, 1e-12);
        require_close(s[k].noise, 0.09, 0.012); /* three standard errors of 800 squares */
    }
    /* The line is all bias; the neighbour varies, and its bias is the noise it has learned. */
    ck_assert_msg(s[0].bias2 > 10 * s[0].variance, "%g %g", s[0].bias2, s[0].variance);
    ck_assert_msg(s[1].variance > 3 * s[0].variance && s[1].bias2 < 0.3 * s[0].bias2, "%g %g",
                  s[1].bias2, s[1].variance);
    ck_assert(isnan(s[0].variance_biased));
}
END_TEST

/* Literal twin of the averages, from the same samples: the variance and error of each test row. */
START_TEST(classes_follow_domingos)
{
    const mlk_data d = coin(120);
    mlk_bias_variance s;
    require_ok(mlk_bias_variance_estimate(&nearest, &d, NULL, (mlk_cvec){NULL, 0}, NULL, NULL, &s));
    require_close(s.error, s.bias2 + s.variance_unbiased - s.variance_biased, 1e-13);
    require_close(s.variance, s.variance_unbiased - s.variance_biased, 1e-15);
    ck_assert(s.bias2 > 0.3 && s.bias2 < 0.7 && s.noise == 0.0);
    mlk_bootstrap_error e;
    require_ok(mlk_bootstrap_estimate(&nearest, &d, NULL, NULL, &e));
    require_close(s.error, e.out_of_bag, 1e-13); /* the same samples, the same rows out of them */
}
END_TEST

START_TEST(out_of_bag_terms_equal_the_bootstrap_error)
{
    mlk_vec t;
    const mlk_data d = waves(1, 100, &t);
    mlk_bias_variance s;
    mlk_bootstrap_error e;
    require_ok(mlk_bias_variance_estimate(&ridge, &d, NULL, (mlk_cvec){NULL, 0}, NULL, NULL, &s));
    require_ok(mlk_bootstrap_estimate(&ridge, &d, NULL, NULL, &e));
    require_close(s.error, e.out_of_bag, 1e-13);
    require_relative(s.error, s.bias2 + s.variance, 1e-12);
    ck_assert(s.noise == 0.0);
}
END_TEST

/* ------------------------------------------------------------------- the rest */

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    static const int threads[] = {1, 2, 3, 8};
    mlk_vec t;
    const mlk_data d = waves(1, 100, &t);
    mlk_bias_variance s, first;
    mlk_bootstrap_error e, first_e;
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        require_ok(mlk_bias_variance_estimate(&ridge, &d, NULL, mlk_vec_c(t), NULL, &run,
                                              k ? &s : &first));
        require_ok(mlk_bootstrap_estimate(&ridge, &d, NULL, &run, k ? &e : &first_e));
        if (k)
            ck_assert(s.error == first.error && s.bias2 == first.bias2 &&
                      s.variance == first.variance && e.e632_plus == first_e.e632_plus &&
                      e.se == first_e.se);
    }
}
END_TEST

START_TEST(refuses_bad_requests)
{
    mlk_vec t;
    const mlk_data d = waves(1, 20, &t), none = {.X = d.X};
    const mlk_data wide = {.X = test_random_mat(1, 20, 2), .y = d.y};
    mlk_bootstrap_error e;
    mlk_bias_variance s;
    require_fail(mlk_bootstrap_estimate(&ridge, &none, NULL, NULL, &e), MLK_EINVAL,
                 "X has 20 rows but y has 0 values");
    require_fail(mlk_bootstrap_estimate(&ridge, &d, &(mlk_bootstrap_opts){1, 0}, NULL, &e),
                 MLK_EINVAL, "replicates = 1; expected at least 2");
    require_fail(mlk_bootstrap_estimate(&ridge, &d, &(mlk_bootstrap_opts){2, 0}, NULL, &e),
                 MLK_EINVAL, "none of the 2 fits has a prediction for row");
    require_fail(mlk_bias_variance_estimate(&ridge, &d, &wide, mlk_vec_c(t), NULL, NULL, &s),
                 MLK_EINVAL, "test has 2 columns and 0 classes; expected 1 and 0");
    require_fail(
        mlk_bias_variance_estimate(&ridge, &d, NULL, (mlk_cvec){t.data, 7}, NULL, NULL, &s),
        MLK_EINVAL, "there are 7 noiseless targets; expected 20");
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = coin(30);
    const mlk_run run = {.threads = 1};
    const mlk_bootstrap_opts o = {12, 0};
    mlk_status st = MLK_ENOMEM;
    mlk_bootstrap_error e;
    mlk_bias_variance s;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_bootstrap_estimate(&nearest, &d, &o, &run, &e);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_bias_variance_estimate(&nearest, &d, NULL, (mlk_cvec){NULL, 0}, &o, &run, &s);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/bootstrap");
    TCase *error = test_case(s, "error"), *terms = test_case(s, "bias and variance");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(error, corrects_the_optimism_of_a_memory);
    tcase_add_test(error, agrees_with_the_error_of_a_stable_model);
    tcase_add_test(terms, terms_add_up_to_the_measured_error_on_known_noise);
    tcase_add_test(terms, classes_follow_domingos);
    tcase_add_test(terms, out_of_bag_terms_equal_the_bootstrap_error);
    tcase_add_test(terms, gives_the_same_bytes_for_any_number_of_threads);
    tcase_add_test(errors, refuses_bad_requests);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
