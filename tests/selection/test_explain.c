#include <mlkit/linear/ridge.h>
#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/explain.h>

#include "support/mlk_test.h"

enum { N = 200, P = 4 };

/* y = 3 x0 + x1 + 0.1 noise; x2 and x3 do not matter. */
static mlk_data sample(void)
{
    const mlk_cmat X = test_random_mat(1, N, P);
    const mlk_cvec e = test_random_vec(2, N);
    mlk_vec y = test_vec(N);
    for (size_t i = 0; i < N; i++)
        y.data[i] = 3 * X.data[P * i] + X.data[P * i + 1] + 0.1 * e.data[i];
    return (mlk_data){.X = X, .y = mlk_vec_c(y)};
}

static mlk_model *fit(const mlk_data *d)
{
    mlk_model *m;
    const mlk_ridge_opts o = {.alpha = 1e-6, .fit_intercept = true};
    require_ok(mlk_model_fit(&mlk_ridge_algo, &o, d, NULL, &m));
    return m;
}

START_TEST(importance_is_the_loss_of_the_score)
{
    const mlk_data d = sample();
    mlk_model *m = fit(&d);
    mlk_mat out = test_mat(P, 30);
    require_ok(mlk_permutation_importance(m, &d, "mse", 30, 0, NULL, out));
    double mean[P] = {0};
    for (size_t j = 0; j < P; j++)
        for (size_t r = 0; r < 30; r++)
            mean[j] += out.data[j * 30 + r] / 30;
    /* Shuffling x_j adds w_j^2 var(x_j - x_j') = 2 w_j^2 var(x_j) to the mse. */
    require_relative(mean[0], 18.0, 0.15);
    require_relative(mean[1], 2.0, 0.15);
    require_close(mean[2], 0.0, 0.01);
    require_close(mean[3], 0.0, 0.01);
    require_ok(
        mlk_permutation_importance(m, &d, NULL, 30, 0, NULL, out)); /* r2: greater is better */
    ck_assert(out.data[0] > 1.0 && fabs(out.data[2 * 30]) < 0.01);
    mlk_model_free(m);
}
END_TEST

START_TEST(dependence_of_a_linear_model_is_its_line)
{
    static const double values[] = {-2, 0, 1.5};
    const mlk_data d = sample();
    mlk_model *m = fit(&d);
    mlk_vec mean = test_vec(3), base = test_vec(N);
    mlk_mat ice = test_mat(N, 3);
    require_ok(mlk_partial_dependence(m, d.X, 0, (mlk_cvec){values, 3}, 0, NULL, mean, ice));
    require_ok(mlk_model_predict(m, d.X, NULL, base));
    const double w = mlk_ridge_coef(mlk_model_state(m)).data[0];
    for (size_t v = 0; v < 3; v++) {
        double sum = 0.0;
        for (size_t i = 0; i < N; i++) {
            const double expected = base.data[i] + w * (values[v] - d.X.data[P * i]);
            require_close(ice.data[3 * i + v], expected, 1e-12);
            sum += expected / N;
        }
        require_close(mean.data[v], sum, 1e-12);
    }
    mlk_model_free(m);
}
END_TEST

/* A categorical column of a pipeline is one column. */
START_TEST(explains_raw_columns_of_pipelines)
{
    static const size_t levels[] = {3, 0};
    static const double codes[] = {0, 1, 2};
    mlk_mat X = test_mat(N, 2);
    mlk_vec y = test_vec(N), mean = test_vec(3);
    const mlk_cvec z = test_random_vec(3, N);
    for (size_t i = 0; i < N; i++) {
        X.data[2 * i] = (double)(i % 3);
        X.data[2 * i + 1] = z.data[i];
        y.data[i] = 5.0 * (double)(i % 3 == 1) + z.data[i];
    }
    const mlk_data d = {.X = mlk_mat_c(X), .y = mlk_vec_c(y), .levels = levels};
    const mlk_ridge_opts ro = {.alpha = 1e-9, .fit_intercept = true};
    const mlk_pipeline_opts o = {
        .encode = "dummy", .poly = 1, .algo = &mlk_ridge_algo, .algo_opts = &ro};
    mlk_model *m;
    require_ok(mlk_model_fit(&mlk_pipeline_algo, &o, &d, NULL, &m));
    require_ok(
        mlk_partial_dependence(m, d.X, 0, (mlk_cvec){codes, 3}, 0, NULL, mean, (mlk_mat){0}));
    require_close(mean.data[1] - mean.data[0], 5.0, 1e-6);
    require_close(mean.data[2] - mean.data[0], 0.0, 1e-6);
    mlk_mat out = test_mat(2, 5);
    require_ok(mlk_permutation_importance(m, &d, "r2", 5, 1, NULL, out));
    ck_assert(out.data[0] > out.data[5] && out.data[5] > 0.05);
    mlk_model_free(m);
}
END_TEST

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    static const int threads[] = {1, 2, 3, 8};
    const mlk_data d = sample();
    mlk_model *m = fit(&d);
    mlk_mat first = test_mat(P, 4), out = test_mat(P, 4);
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        require_ok(mlk_permutation_importance(m, &d, "mae", 4, 7, &run, k ? out : first));
        if (k)
            require_same(out.data, first.data, P * 4 * sizeof(double));
    }
    mlk_model_free(m);
}
END_TEST

START_TEST(refuses_bad_requests)
{
    const mlk_data d = sample(), none = {.X = d.X};
    mlk_model *m = fit(&d);
    mlk_mat out = test_mat(P, 2);
    mlk_vec mean = test_vec(2);
    static const double values[] = {0, 1}, flat[N];
    require_fail(mlk_permutation_importance(m, &none, NULL, 2, 0, NULL, out), MLK_EINVAL,
                 "X has 200 rows but y has 0 values");
    require_fail(mlk_permutation_importance(m, &d, NULL, 3, 0, NULL, out), MLK_EINVAL,
                 "the output has 2 columns; expected 3 repeats");
    require_fail(mlk_permutation_importance(m, &d, "acc", 2, 0, NULL, out), MLK_EINVAL, "acc");
    const mlk_data constant = {.X = d.X, .y = {flat, N}};
    require_fail(mlk_permutation_importance(m, &constant, "r2", 2, 0, NULL, out), MLK_EINVAL,
                 "r2: ");
    const mlk_data narrow = {.X = {d.X.data, N, 2, P}, .y = d.y};
    require_fail(mlk_permutation_importance(m, &narrow, NULL, 2, 0, NULL, out), MLK_EINVAL,
                 "X has 2 columns; the model was fitted on 4");
    require_fail(
        mlk_partial_dependence(m, d.X, 4, (mlk_cvec){values, 2}, 0, NULL, mean, (mlk_mat){0}),
        MLK_EINVAL, "column 4; expected 0..3");
    require_fail(
        mlk_partial_dependence(m, d.X, 0, (mlk_cvec){values, 2}, 1, NULL, mean, (mlk_mat){0}),
        MLK_EINVAL, "class 1 of a model of 0 classes");
    require_fail(
        mlk_partial_dependence(m, d.X, 0, (mlk_cvec){values, 1}, 0, NULL, mean, (mlk_mat){0}),
        MLK_EINVAL, "1 values but the output has 2");
    mlk_model_free(m);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = sample();
    mlk_model *m = fit(&d);
    mlk_mat out = test_mat(P, 1);
    mlk_vec mean = test_vec(2);
    static const double values[] = {0, 1};
    const mlk_run run = {.threads = 1};
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_permutation_importance(m, &d, "r2", 1, 0, &run, out);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_partial_dependence(m, d.X, 0, (mlk_cvec){values, 2}, 0, &run, mean, (mlk_mat){0});
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    mlk_test_fail_at = -1;
    mlk_model_free(m);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/explain");
    TCase *say = test_case(s, "explain"), *errors = test_case(s, "errors");
    tcase_add_test(say, importance_is_the_loss_of_the_score);
    tcase_add_test(say, dependence_of_a_linear_model_is_its_line);
    tcase_add_test(say, explains_raw_columns_of_pipelines);
    tcase_add_test(say, gives_the_same_bytes_for_any_number_of_threads);
    tcase_add_test(errors, refuses_bad_requests);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
