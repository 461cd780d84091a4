#include <mlkit/linear/ridge.h>
#include <mlkit/selection/learning_curve.h>
#include <mlkit/selection/tuned.h>

#include "support/mlk_test.h"

static mlk_folds *shuffled(const mlk_data *d, size_t k)
{
    const mlk_folds_opts o = {.folds = k, .repeats = 1};
    mlk_folds *f;
    require_ok(mlk_folds_new(d, &o, NULL, &f));
    return f;
}

static mlk_data noisy(size_t n, size_t p)
{
    const mlk_cmat X = test_random_mat(1, n, p);
    return (mlk_data){.X = X, .y = test_linear_target(2, X, 2.0)};
}

/* -------------------------------------------------------------------- curves */

START_TEST(more_rows_bring_training_and_test_scores_together)
{
    const mlk_data d = noisy(400, 15);
    const mlk_candidate c = {&mlk_ridge_algo, NULL};
    mlk_folds *f = shuffled(&d, 5);
    mlk_score_curve curve;
    require_ok(mlk_learning_curve(&c, &d, f, NULL, 0, "mse", 0, NULL, &curve));
    ck_assert_uint_eq(curve.n, 10);
    ck_assert_str_eq(curve.metric->name, "mse");
    for (size_t i = 0; i < 10; i++) {
        require_close(curve.x[i], 32.0 * (double)(i + 1), 1.0); /* of 320 training rows */
        ck_assert(curve.train_mean[i] < curve.test_mean[i]);
        ck_assert(curve.train_sd[i] > 0.0 && curve.test_sd[i] > 0.0);
    }
    ck_assert(curve.test_mean[0] > 1.3 * curve.test_mean[9]);
    ck_assert(curve.train_mean[0] < 0.8 * curve.train_mean[9]);

    /* Its end is plain cross-validation. */
    static const char *const mse[] = {"mse"};
    const mlk_cv_opts o = {.metrics = mse, .n_metrics = 1, .beta = 1};
    mlk_cv *cv;
    require_ok(mlk_cross_validate(&c, 1, &d, f, &o, NULL, &cv));
    ck_assert(curve.test_mean[9] == mlk_cv_summarise(cv, 0, 0).mean);
    mlk_doc *doc = mlk_doc_new();
    mlk_score_curve_report(&curve, doc);
    require_ok(mlk_doc_check(doc));
    ck_assert_uint_eq(mlk_doc_array_of(mlk_doc_find(mlk_doc_find(doc, "test"), "mean")).rows, 10);
    mlk_doc_free(doc);
    mlk_cv_free(cv);
    mlk_score_curve_free(&curve);
    mlk_folds_free(f);
}
END_TEST

START_TEST(validation_curve_goes_from_overfitting_to_underfitting)
{
    const mlk_data d = noisy(60, 25);
    const mlk_pipeline_opts base = {.poly = 1, .algo = &mlk_ridge_algo};
    static const char *const specs[] = {"alpha=0.0001..100000/10log"};
    mlk_grid *g;
    mlk_folds *f = shuffled(&d, 5);
    mlk_score_curve curve;
    require_ok(mlk_grid_new(&base, specs, 1, &g));
    require_ok(mlk_validation_curve(g, &d, f, NULL, NULL, &curve));
    ck_assert_str_eq(curve.metric->name, "r2");
    size_t best = 0;
    for (size_t i = 0; i < 10; i++) {
        ck_assert(i == 0 || curve.train_mean[i] <= curve.train_mean[i - 1] + 1e-12);
        ck_assert(curve.x[i] == (double)i);
        if (curve.test_mean[i] > curve.test_mean[best])
            best = i;
    }
    ck_assert(best > 2 && best < 9);
    mlk_score_curve_free(&curve);
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

START_TEST(refuses_bad_shares)
{
    static const double wrong[][2] = {{0.5, 0.4}, {0.0, 0.5}, {0.5, 1.5}, {0.5, (double)NAN}};
    const mlk_data d = noisy(40, 2);
    const mlk_candidate c = {&mlk_ridge_algo, NULL};
    mlk_folds *f = shuffled(&d, 4);
    mlk_score_curve curve;
    for (size_t k = 0; k < MLK_COUNT(wrong); k++)
        require_fail(mlk_learning_curve(&c, &d, f, wrong[k], 2, NULL, 0, NULL, &curve), MLK_EINVAL,
                     "expected ascending values in (0, 1]");
    require_fail(mlk_learning_curve(&c, &d, f, wrong[0], 0, NULL, 0, NULL, &curve), MLK_EINVAL,
                 "no share");
    require_fail(mlk_learning_curve(&c, &d, f, NULL, 0, "f1", 0, NULL, &curve), MLK_EINVAL, "f1");
    ck_assert_ptr_null(curve.memory);
    mlk_folds_free(f);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    static const double shares[] = {0.5, 1.0};
    const mlk_data d = noisy(40, 2);
    const mlk_candidate c = {&mlk_ridge_algo, NULL};
    const mlk_run run = {.threads = 1};
    mlk_folds *f = shuffled(&d, 2);
    mlk_score_curve curve;
    bool whole = false;
    for (int k = 0; !whole; k++) {
        mlk_test_fail_at = k;
        const mlk_status st = mlk_learning_curve(&c, &d, f, shares, 2, NULL, 0, &run, &curve);
        whole = mlk_test_fail_at >= 0;
        ck_assert(st == MLK_OK ? curve.n == 2 : st == MLK_ENOMEM && curve.n == 0);
        mlk_score_curve_free(&curve);
    }
    mlk_test_fail_at = -1;
    mlk_folds_free(f);
}
END_TEST

/* --------------------------------------------------------------------- tuned */

START_TEST(every_algorithm_has_a_valid_default_grid)
{
    size_t n;
    const mlk_algo *const *algos = mlk_algo_list(&n);
    for (size_t i = 0; i < n; i++) {
        const mlk_data d = noisy(60, 3);
        const mlk_pipeline_opts base = mlk_pipeline_opts_default(algos[i]);
        mlk_grid *g;
        if (!(algos[i]->tasks & MLK_REGRESSION) && mlk_grid_auto_spec(algos[i]->name, 0) == NULL)
            continue;
        const mlk_status st = mlk_grid_auto(&base, NULL, &d, NULL, &g);
        ck_assert_msg(st == MLK_OK, "%s: %s", algos[i]->name, mlk_error_message(st));
        ck_assert(mlk_grid_size(g) >= 1 && mlk_grid_size(g) <= 100);
        mlk_grid_free(g);
    }
    ck_assert_ptr_null(mlk_grid_auto_spec("nonsense", 0));
}
END_TEST

/* With a target that is pure noise, the best of many candidates looks good to the search that chose
 * it, but not to the nested cross-validation. */
START_TEST(nested_cross_validation_sees_through_the_search)
{
    static const char *const mse[] = {"mse"}, *const specs[] = {"alpha=0.001..100000/30log"};
    const mlk_data d = {.X = test_random_mat(1, 60, 20), .y = test_random_vec(2, 60)};
    const mlk_pipeline_opts base = {.poly = 1, .algo = &mlk_ridge_algo};
    mlk_tuned_opts t = mlk_tuned_opts_default(&base);
    mlk_grid *g;
    mlk_search *s;
    mlk_cv *cv;
    mlk_folds *f = shuffled(&d, 5);
    require_ok(mlk_grid_new(&base, specs, 1, &g));
    t.grid = g;
    t.search.scoring = "mse";
    const mlk_candidate c = {&mlk_tuned_algo, &t};
    const mlk_cv_opts o = {.metrics = mse, .n_metrics = 1, .beta = 1};
    require_ok(mlk_search_run(g, &d, f, &t.search, NULL, &s));
    require_ok(mlk_cross_validate(&c, 1, &d, f, &o, NULL, &cv));
    ck_assert(mlk_cv_summarise(cv, 0, 0).mean >= mlk_cv_summarise(mlk_search_cv(s), 0, 0).mean);
    mlk_cv_free(cv);
    mlk_search_free(s);
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

START_TEST(tuned_is_the_best_candidate_fitted_on_all_rows)
{
    const mlk_data d = noisy(80, 10);
    const mlk_pipeline_opts base = {.poly = 1, .scale = "standard", .algo = &mlk_ridge_algo};
    const mlk_tuned_opts t = mlk_tuned_opts_default(&base);
    mlk_model *m, *by_hand;
    mlk_grid *g;
    mlk_search *s;
    mlk_folds *f = shuffled(&d, 5);
    require_ok(mlk_model_fit(&mlk_tuned_algo, &t, &d, NULL, &m));
    require_ok(mlk_grid_auto(&base, NULL, &d, NULL, &g));
    require_ok(mlk_search_run(g, &d, f, NULL, NULL, &s));
    require_ok(
        mlk_model_fit(&mlk_pipeline_algo, mlk_grid_at(g, mlk_search_best(s)), &d, NULL, &by_hand));
    mlk_vec a = test_vec(80), b = test_vec(80);
    require_ok(mlk_model_predict(m, d.X, NULL, a));
    require_ok(mlk_model_predict(by_hand, d.X, NULL, b));
    require_same(a.data, b.data, 80 * sizeof(double));
    ck_assert_ptr_eq(mlk_model_algo(mlk_tuned_inner(m)), &mlk_pipeline_algo);
    mlk_model_free(m);
    mlk_model_free(by_hand);
    mlk_search_free(s);
    mlk_folds_free(f);
    mlk_grid_free(g);
    const mlk_tuned_opts none = {0};
    require_fail(mlk_model_fit(&mlk_tuned_algo, &none, &d, NULL, &m), MLK_EINVAL,
                 "there is no pipeline to tune");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/learning_curve");
    TCase *curves = test_case(s, "curves"), *tuned = test_case(s, "tuned");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(curves, more_rows_bring_training_and_test_scores_together);
    tcase_add_test(curves, validation_curve_goes_from_overfitting_to_underfitting);
    tcase_add_test(tuned, every_algorithm_has_a_valid_default_grid);
    tcase_add_test(tuned, nested_cross_validation_sees_through_the_search);
    tcase_add_test(tuned, tuned_is_the_best_candidate_fitted_on_all_rows);
    tcase_add_test(errors, refuses_bad_shares);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
