#include "support/discriminant.h"

#include <mlkit/bayes/lda.h>
#include <mlkit/bayes/qda.h>

#include "support/c_source.h"

/* What holds for the linear and the quadratic discriminant alike; both are tested in a loop. */
static const mlk_algo *const algos[] = {&mlk_lda_algo, &mlk_qda_algo};

static mlk_model *fit(const mlk_algo *algo, const mlk_data *data, const char *shrinkage,
                      const mlk_run *run)
{
    _Alignas(max_align_t) char opts[256];
    mlk_model *model;
    ck_assert_uint_le(algo->opts_size, sizeof opts);
    mlk_opts_set_default(algo->opts, opts);
    require_ok(mlk_opts_parse(algo->opts, algo->name, "shrinkage", shrinkage, opts));
    require_ok(mlk_model_fit(algo, opts, data, run, &model));
    return model;
}

static mlk_mat proba(const mlk_model *model, mlk_cmat X)
{
    mlk_mat P = test_mat(X.rows, 3);
    require_ok(mlk_model_predict_proba(model, X, NULL, P));
    return P;
}

START_TEST(weights_count_as_repeated_rows)
{
    static const char *const shrinkage[] = {"0", "0.2", "auto"};
    mlk_vec w = test_vec(CASE_ROWS), y = test_vec(3 * CASE_ROWS);
    mlk_mat X = test_mat(3 * CASE_ROWS, 3);
    const bool zeros = algos[_i] == &mlk_lda_algo; /* qda needs all rows of the smallest class */
    size_t n = 0;
    for (size_t i = 0; i < CASE_ROWS; i++) {
        w.data[i] = zeros ? (double)(i % 4 ? i % 4 : i % 3) : (double)(1 + i % 3);
        for (double t = 0.0; t < w.data[i]; t++) {
            memcpy(X.data + 3 * n, case_X + 3 * i, 3 * sizeof(double));
            y.data[n++] = case_y[i];
        }
    }
    mlk_data once = case_data();
    once.w = mlk_vec_c(w);
    const mlk_data many = {.X = {X.data, n, 3, 3}, .y = {y.data, n}, .n_classes = 3};
    for (size_t k = 0; k < MLK_COUNT(shrinkage); k++) {
        mlk_model *a = fit(algos[_i], &once, shrinkage[k], NULL);
        mlk_model *b = fit(algos[_i], &many, shrinkage[k], NULL);
        const mlk_mat P = proba(a, case_queries()), R = proba(b, case_queries());
        for (size_t i = 0; i < 3 * CASE_QUERIES; i++)
            require_close(P.data[i], R.data[i], 1e-12);
        mlk_model_free(a);
        mlk_model_free(b);
    }
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(3, 20000, 12);
    const mlk_data d = {.X = X, .y = test_classes(4, X, 3), .n_classes = 3};
    const int threads[] = {1, 2, 3, 8};
    const bool projects = algos[_i]->transform != NULL;
    mlk_mat first = test_mat(X.rows, 3), out = test_mat(X.rows, 3);
    mlk_mat first_Z = test_mat(X.rows, 2), Z = test_mat(X.rows, 2);
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_model *model = fit(algos[_i], &d, "0", &run);
        require_ok(mlk_model_predict_proba(model, X, &run, k ? out : first));
        if (projects)
            require_ok(mlk_model_transform(model, X, &run, k ? Z : first_Z));
        if (k)
            require_same(first.data, out.data, 3 * X.rows * sizeof(double));
        if (k && projects)
            require_same(first_Z.data, Z.data, 2 * X.rows * sizeof(double));
        mlk_model_free(model);
    }
}
END_TEST

START_TEST(a_class_without_rows_has_probability_0)
{
    const double X[] = {1, 2, 3, 5, 6, 9}, y[] = {0, 0, 0, 2, 2, 2};
    const mlk_data d = {.X = {X, 6, 1, 1}, .y = {y, 6}, .n_classes = 3};
    mlk_model *model = fit(algos[_i], &d, "0", NULL);
    const mlk_mat P = proba(model, d.X);
    for (size_t i = 0; i < 6; i++) {
        ck_assert(P.data[3 * i + 1] == 0.0);
        require_close(P.data[3 * i] + P.data[3 * i + 2], 1.0, 1e-15);
    }
    if (algos[_i]->transform)
        ck_assert_uint_eq(mlk_model_n_components(model), 1);
    mlk_model_free(model);
}
END_TEST

START_TEST(its_c_source_predicts_the_same)
{
    const mlk_data d = case_data();
    mlk_model *model = fit(algos[_i], &d, "0", NULL);
    const mlk_mat scores = test_run_c_source(model, d.X, 3);
    mlk_mat expected = test_mat(CASE_ROWS, 3);
    require_ok(mlk_model_decision(model, d.X, NULL, expected));
    for (size_t i = 0; i < 3 * CASE_ROWS; i++)
        require_relative(scores.data[i], expected.data[i], 1e-12);
    mlk_model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("bayes/discriminant");
    TCase *same = test_case(s, "invariance");
    const int n = (int)MLK_COUNT(algos);
    tcase_add_loop_test(same, weights_count_as_repeated_rows, 0, n);
    tcase_add_loop_test(same, any_number_of_threads_gives_the_same_bytes, 0, n);
    tcase_add_loop_test(same, a_class_without_rows_has_probability_0, 0, n);
    tcase_add_loop_test(same, its_c_source_predicts_the_same, 0, n);
    return s;
}
