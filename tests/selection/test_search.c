#include <mlkit/linear/lasso.h>
#include <mlkit/linear/ridge.h>
#include <mlkit/selection/path.h>
#include <mlkit/selection/search.h>

#include "selection/formula.h"
#include "support/mlk_test.h"

static mlk_folds *shuffled(const mlk_data *d, size_t k)
{
    mlk_folds *f;
    const mlk_folds_opts o = {.folds = k, .repeats = 1};
    require_ok(mlk_folds_new(d, &o, NULL, &f));
    return f;
}

static const mlk_pipeline_opts ridge_base = {.poly = 1, .algo = &mlk_ridge_algo};

static mlk_grid *new_grid(const mlk_pipeline_opts *base, const char *a, const char *b)
{
    const char *const specs[] = {a, b};
    mlk_grid *g;
    require_ok(mlk_grid_new(base, specs, b ? 2 : 1, &g));
    return g;
}

static double alpha_of(const mlk_grid *g, size_t i)
{
    return ((const mlk_ridge_opts *)mlk_grid_at(g, i)->algo_opts)->alpha;
}

/* --------------------------------------------------------------------- grids */

START_TEST(grids_combine_values_and_ranges_in_order)
{
    mlk_grid *g =
        new_grid(&ridge_base, "alpha=0.5:1..3/3:0.01..100/5log", "fit_intercept=true:false");
    static const double alphas[] = {0.5, 1, 2, 3, 0.01, 0.1, 1, 10, 100};
    ck_assert_uint_eq(mlk_grid_size(g), 18);
    for (size_t i = 0; i < 18; i++) {
        const mlk_ridge_opts *o = mlk_grid_at(g, i)->algo_opts;
        require_relative(o->alpha, alphas[i / 2], 1e-15);
        ck_assert(o->fit_intercept == (i % 2 == 0));
    }
    ck_assert(alpha_of(g, 17) == 100.0 && alpha_of(g, 9) == 0.01);
    mlk_doc *doc = mlk_doc_new();
    mlk_grid_params(g, 3, doc);
    ck_assert_uint_eq(mlk_doc_size(doc), 2);
    ck_assert(mlk_doc_real(mlk_doc_find(doc, "alpha")) == 1.0);
    ck_assert(mlk_doc_kind_of(mlk_doc_find(doc, "fit_intercept")) == MLK_DOC_BOOL);
    mlk_doc_free(doc);
    mlk_grid_free(g);
}
END_TEST

START_TEST(grids_round_integers_and_reach_the_pipeline)
{
    const mlk_pipeline_opts base = {.poly = 1, .algo = &mlk_lasso_algo, .scale = "robust"};
    mlk_grid *g = new_grid(&base, "max_iter=1..4/9", "poly=1:2");
    static const int64_t expected[] = {1, 2, 3, 4};
    ck_assert_uint_eq(mlk_grid_size(g), 8);
    for (size_t i = 0; i < 8; i++) {
        const mlk_pipeline_opts *p = mlk_grid_at(g, i);
        ck_assert_int_eq(((const mlk_lasso_opts *)p->algo_opts)->max_iter, expected[i / 2]);
        ck_assert_int_eq(p->poly, 1 + (int64_t)(i % 2));
        ck_assert_str_eq(p->scale, "robust");
    }
    mlk_grid_free(g);
    g = new_grid(&base, "scale=none:standard", NULL);
    ck_assert_str_eq(mlk_grid_at(g, 1)->scale, "standard");
    mlk_grid_free(g);
}
END_TEST

static void require_bad_grid(const char *a, const char *b, const char *text)
{
    const char *const specs[] = {a, b};
    mlk_grid *g;
    require_fail(mlk_grid_new(&ridge_base, specs, b ? 2 : 1, &g), MLK_EINVAL, text);
    ck_assert_ptr_null(g);
}

START_TEST(refuses_malformed_grids)
{
    require_bad_grid("alpha", NULL, "'alpha' is not valid; expected name=v1:v2:...");
    require_bad_grid("alpha=", NULL, "is not valid");
    require_bad_grid("=1", NULL, "is not valid");
    require_bad_grid("alhpa=1:2", NULL,
                     "unknown parameter 'alhpa' of ridge; did you mean 'alpha'?");
    require_bad_grid("alpha=1:two", NULL, "alpha = 'two' is not valid for ridge");
    require_bad_grid("alpha=1::2", NULL, "alpha = '' is not valid for ridge");
    require_bad_grid("alpha=1:-2", NULL, "alpha = -2 is outside [0, inf)");
    require_bad_grid("alpha=0..1/5log", NULL, "goes from 0 to 1; expected positive numbers");
    require_bad_grid("alpha=0..1/0", NULL, "has 0 values; expected 1 to 100000");
    require_bad_grid("alpha=0..1/2.5", NULL, "has 2.5 values");
    require_bad_grid("alpha=0..1/5lin", NULL, "alpha = '0..1/5lin' is not valid");
    require_bad_grid("alpha=1:2", "alpha=3", "parameter 'alpha' is tuned twice");
    require_bad_grid("alpha=0..1/99999", "poly=1..16/16", "more than 1000000 candidates");
    require_bad_grid("poly=0", NULL, "poly = 0 is outside [1, 16]");
}
END_TEST

/* ------------------------------------------------------------------- searches */

static mlk_search *run_search(const mlk_grid *g, const mlk_data *d, const mlk_folds *f,
                              const char *word, int threads)
{
    mlk_search_opts o = mlk_search_opts_default();
    const mlk_run run = {.threads = threads};
    mlk_search *s;
    require_ok(mlk_search_parse(word, &o));
    require_ok(mlk_search_run(g, d, f, &o, &run, &s));
    return s;
}

START_TEST(finds_what_scikit_learn_finds)
{
    /* tests/reference/search.py: GridSearchCV, deviations with divisor 5 */
    static const double mean[] = {0.826784317926111,  0.8282000812229677, 0.8292750343982525,
                                  0.8305880412050358, 0.8240629213969554, 0.8263113103076967,
                                  0.5195206227899274, 0.5626105232230507};
    static const double sd[] = {0.09003060053178473, 0.09181180187737893, 0.08216563174401863,
                                0.08481922455670506, 0.03325505204220503, 0.044608699501150824,
                                0.0706731974471057,  0.1167081371716443};
    static const size_t rank[] = {4, 3, 2, 1, 6, 5, 8, 7};
    const mlk_data d = formula_data();
    mlk_grid *g = new_grid(&ridge_base, "alpha=0.01:0.1:1:10", "fit_intercept=true:false");
    mlk_folds *f = formula_folds();
    mlk_search *s = run_search(g, &d, f, "grid", 0);
    ck_assert_uint_eq(mlk_search_size(s), 8);
    ck_assert_uint_eq(mlk_search_best(s), 3);
    for (size_t i = 0; i < 8; i++) {
        const mlk_trial t = mlk_search_at(s, i);
        ck_assert_uint_eq(t.candidate, i);
        ck_assert_uint_eq(t.rank, rank[i]);
        require_relative(t.mean, mean[i], 1e-10);
        require_relative(t.sd, sd[i] * sqrt(5.0 / 4.0), 1e-10);
        ck_assert(t.share == 1.0 && !t.failure && t.values.n == 5);
    }
    require_relative(mlk_cv_summarise(mlk_search_cv(s), 0, 0).mean, mean[3], 1e-10);
    ck_assert_uint_gt(mlk_cv_metrics(mlk_search_cv(s)), 8);

    mlk_doc *doc = mlk_doc_new();
    mlk_search_report(s, g, doc);
    require_ok(mlk_doc_check(doc));
    ck_assert_str_eq(mlk_doc_text(mlk_doc_find(doc, "scoring")), "r2");
    ck_assert_uint_eq(mlk_doc_size(mlk_doc_find(doc, "results")), 8);
    const mlk_doc *params = mlk_doc_find(mlk_doc_find(doc, "best"), "params");
    ck_assert(mlk_doc_real(mlk_doc_find(params, "alpha")) == 0.1);
    mlk_doc_free(doc);
    mlk_search_free(s);
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

START_TEST(random_search_tries_distinct_candidates_of_the_grid)
{
    const mlk_data d = formula_data();
    mlk_grid *g = new_grid(&ridge_base, "alpha=0.001..100/50log", NULL);
    mlk_folds *f = formula_folds();
    mlk_search *all = run_search(g, &d, f, "grid", 0), *some = run_search(g, &d, f, "random:7", 0);
    ck_assert_uint_eq(mlk_search_size(some), 7);
    size_t best = 0;
    for (size_t i = 0; i < 7; i++) {
        const mlk_trial t = mlk_search_at(some, i);
        ck_assert(i == 0 || t.candidate > mlk_search_at(some, i - 1).candidate);
        require_relative(t.mean, mlk_search_at(all, t.candidate).mean, 1e-12);
        if (t.mean > mlk_search_at(some, best).mean)
            best = i;
    }
    ck_assert_uint_eq(mlk_search_best(some), mlk_search_at(some, best).candidate);
    mlk_search_free(some);
    some = run_search(g, &d, f, "random:51", 0);
    ck_assert_uint_eq(mlk_search_size(some), 50);
    ck_assert_uint_eq(mlk_search_best(some), mlk_search_best(all));
    mlk_search_free(some);
    mlk_search_free(all);
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

START_TEST(halving_ends_with_the_best_on_all_rows)
{
    const mlk_cmat X = test_random_mat(4, 900, 6);
    const mlk_data d = {.X = X, .y = test_linear_target(5, X, 0.5)};
    mlk_grid *g = new_grid(&ridge_base, "alpha=0.001..1000000/27log", NULL);
    mlk_folds *f = shuffled(&d, 4);
    mlk_search *s = run_search(g, &d, f, "halving", 0);
    size_t count[4] = {0};
    for (size_t i = 0; i < 27; i++) {
        const mlk_trial t = mlk_search_at(s, i);
        ck_assert_uint_lt(t.round, 4);
        count[t.round]++;
        require_close(t.share, pow(3.0, (double)t.round - 3.0), 1e-15);
        ck_assert(t.round < 3 || t.rank == 1);
    }
    /* 27 candidates, then 9, 3, 1 */
    ck_assert(count[0] == 18 && count[1] == 6 && count[2] == 2 && count[3] == 1);
    const double best = alpha_of(g, mlk_search_best(s));
    ck_assert_msg(best < 100.0, "%g", best); /* heavy penalties lose on any number of rows */
    mlk_search_free(s);
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

/* A classifier that cannot be fitted without a row of each class, or with alpha = 0; says 0. */
static mlk_status census_fit(const mlk_data *d, const void *opts, const mlk_run *run, void **state)
{
    size_t count[3] = {0};
    (void)run;
    *state = NULL;
    if (((const mlk_ridge_opts *)opts)->alpha == 0.0)
        return MLK_FAIL(MLK_ESINGULAR, "nothing to hold on to");
    for (size_t i = 0; i < d->y.n; i++)
        count[(size_t)d->y.data[i]]++;
    for (size_t c = 0; c < 3; c++)
        if (count[c] == 0)
            return MLK_FAIL(MLK_EINVAL, "class %zu has no row", c);
    *state = test_alloc(1);
    return MLK_OK;
}

static mlk_status census_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    (void)state;
    (void)run;
    (void)X;
    memset(out.data, 0, out.n * sizeof *out.data);
    return MLK_OK;
}

static void census_free(void *state) { (void)state; }

static const mlk_algo census = {
    .name = "census",
    .tasks = MLK_CLASSIFICATION,
    .opts_size = sizeof(mlk_ridge_opts),
    .fit = census_fit,
    .predict = census_predict,
    .free = census_free,
};

START_TEST(halving_keeps_all_classes_in_training)
{
    mlk_algo algo = census;
    algo.opts = mlk_ridge_algo.opts;
    mlk_vec y = test_vec(400);
    for (size_t i = 0; i < 400; i++)
        y.data[i] = i % 60 == 0 ? 2.0 : (double)(i % 2); /* 7 rows of class 2 */
    const mlk_data d = {.X = test_random_mat(4, 400, 2), .y = mlk_vec_c(y), .n_classes = 3};
    const mlk_pipeline_opts base = {.poly = 1, .algo = &algo};
    mlk_grid *g = new_grid(&base, "alpha=1..9/9", NULL);
    mlk_folds *f = shuffled(&d, 3);
    mlk_search *s = run_search(g, &d, f, "halving", 1);
    for (size_t i = 0; i < 9; i++)
        ck_assert_ptr_null(mlk_search_at(s, i).failure);
    ck_assert_uint_eq(mlk_search_best(s), 0); /* all equal: the first */
    ck_assert(mlk_search_at(s, 8).round == 0 && mlk_search_at(s, 8).share < 0.2);
    mlk_search_free(s);
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

START_TEST(a_failing_candidate_comes_last_and_all_failing_is_an_error)
{
    static const double y[] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    mlk_algo algo = census;
    algo.opts = mlk_ridge_algo.opts;
    const mlk_data d = {.X = {y, 9, 1, 1}, .y = {y, 9}, .n_classes = 3};
    const mlk_pipeline_opts base = {.poly = 1, .algo = &algo};
    mlk_grid *g = new_grid(&base, "alpha=0:1", NULL);
    mlk_folds *f = shuffled(&d, 3);
    mlk_search *s = run_search(g, &d, f, "grid", 1);
    const mlk_trial t = mlk_search_at(s, 0);
    ck_assert_uint_eq(mlk_search_best(s), 1);
    ck_assert_uint_eq(t.rank, 2);
    ck_assert_str_eq(t.failure, "nothing to hold on to");
    ck_assert(isnan(t.mean));
    mlk_search_free(s);
    mlk_grid_free(g);
    g = new_grid(&base, "alpha=0:0", NULL);
    const mlk_run run = {.threads = 1};
    require_fail(mlk_search_run(g, &d, f, NULL, &run, &s), MLK_EINVAL,
                 "none of 2 candidates can be scored: nothing to hold on to");
    ck_assert_ptr_null(s);
    mlk_search_opts o = mlk_search_opts_default();
    o.scoring = "accurcy";
    require_fail(mlk_search_run(g, &d, f, &o, NULL, &s), MLK_EINVAL,
                 "unknown metric 'accurcy'; did you mean");
    static const char *const wrong[] = {"", "greedy", "random", "random:", "random:0", "random:x"};
    for (size_t k = 0; k < MLK_COUNT(wrong); k++)
        require_fail(mlk_search_parse(wrong[k], &o), MLK_EINVAL,
                     "is not valid; expected grid, random:N or halving");
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    static const int threads[] = {1, 2, 3, 8};
    static const char *const words[] = {"grid", "random:5", "halving"};
    const mlk_cmat X = test_random_mat(4, 200, 4);
    const mlk_data d = {.X = X, .y = test_linear_target(5, X, 0.5)};
    const mlk_pipeline_opts base = {.poly = 1, .scale = "standard", .algo = &mlk_lasso_algo};
    mlk_grid *g = new_grid(&base, "alpha=0.01..1/6log", "poly=1:2");
    mlk_folds *f = shuffled(&d, 5);
    for (size_t w = 0; w < MLK_COUNT(words); w++) {
        mlk_search *first = run_search(g, &d, f, words[w], 1);
        for (size_t t = 1; t < MLK_COUNT(threads); t++) {
            mlk_search *s = run_search(g, &d, f, words[w], threads[t]);
            ck_assert_uint_eq(mlk_search_best(s), mlk_search_best(first));
            for (size_t i = 0; i < mlk_search_size(s); i++)
                require_same(mlk_search_at(s, i).values.data, mlk_search_at(first, i).values.data,
                             5 * sizeof(double));
            mlk_search_free(s);
        }
        mlk_search_free(first);
    }
    mlk_folds_free(f);
    mlk_grid_free(g);
}
END_TEST

/* ---------------------------------------------------------------------- paths */

START_TEST(lasso_path_is_scikit_learns)
{
    /* tests/reference/search.py: LassoCV; its deviation with divisor 4, K = 5 */
    const mlk_data d = formula_data();
    const mlk_lasso_opts tight = {1, true, false, 1e-12, 100000};
    const mlk_pipeline_opts base = {.poly = 1, .algo = &mlk_lasso_algo, .algo_opts = &tight};
    mlk_path_opts o = mlk_path_opts_default();
    mlk_folds *f = formula_folds();
    mlk_cv_path *p;
    o.rule = MLK_PATH_1SE;
    require_ok(mlk_cv_path_run(&base, "alpha", &d, f, &o, NULL, &p));
    ck_assert_uint_eq(mlk_cv_path_size(p), 100);
    require_relative(mlk_cv_path_values(p).data[0], 0.2223757776817226, 1e-12);
    require_relative(mlk_cv_path_values(p).data[99], 0.0002223757776817226, 1e-12);
    ck_assert_uint_eq(mlk_cv_path_min(p), 99);
    require_relative(mlk_cv_path_means(p).data[99], 0.1004081514459425, 1e-8);
    require_relative(mlk_cv_path_sds(p).data[99], 0.007333419468853657, 1e-7);
    ck_assert_uint_eq(mlk_cv_path_1se(p), 46);
    ck_assert_uint_eq(mlk_cv_path_chosen(p), 46);
    ck_assert_str_eq(mlk_cv_metric(mlk_cv_path_cv(p), 0)->name, "mse");
    require_relative(mlk_cv_summarise(mlk_cv_path_cv(p), 0, 0).mean, mlk_cv_path_means(p).data[46],
                     1e-6);
    const mlk_lasso_opts *chosen = mlk_cv_path_at(p, 46)->algo_opts;
    ck_assert(chosen->alpha == mlk_cv_path_values(p).data[46]);
    mlk_doc *doc = mlk_doc_new();
    mlk_cv_path_report(p, doc);
    require_ok(mlk_doc_check(doc));
    const mlk_doc *path = mlk_doc_find(doc, "path");
    ck_assert_str_eq(mlk_doc_text(mlk_doc_find(path, "rule")), "1se");
    ck_assert(mlk_doc_real(mlk_doc_find(path, "chosen")) == chosen->alpha);
    ck_assert_uint_eq(mlk_doc_array_of(mlk_doc_find(path, "mean")).rows, 100);
    mlk_doc_free(doc);
    mlk_cv_path_free(p);
    mlk_folds_free(f);
}
END_TEST

START_TEST(refuses_paths_that_are_not_there)
{
    const mlk_data d = formula_data();
    const mlk_pipeline_opts lasso = {.poly = 1, .algo = &mlk_lasso_algo};
    mlk_folds *f = formula_folds();
    mlk_cv_path *p;
    require_fail(mlk_cv_path_run(&lasso, "tol", &d, f, NULL, NULL, &p), MLK_EUNSUPPORTED,
                 "lasso has no path over 'tol'; expected alpha");
    require_fail(mlk_cv_path_run(&lasso, "alpa", &d, f, NULL, NULL, &p), MLK_EINVAL,
                 "did you mean 'alpha'?");
    mlk_path_opts o = mlk_path_opts_default();
    o.max_values = 0;
    require_fail(mlk_cv_path_run(&lasso, "alpha", &d, f, &o, NULL, &p), MLK_EINVAL,
                 "max_values = 0");
    ck_assert_ptr_null(p);
    mlk_folds_free(f);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(4, 40, 2);
    const mlk_data d = {.X = X, .y = test_linear_target(5, X, 0.5)};
    const mlk_pipeline_opts base = {.poly = 1, .algo = &mlk_lasso_algo};
    static const char *const specs[] = {"alpha=0.1..1/3", "poly=1:2"};
    static const char *const metrics = "mse";
    mlk_folds *f = shuffled(&d, 2);
    bool whole = false;
    for (int k = 0; !whole; k++) {
        mlk_grid *g;
        mlk_search *s = NULL;
        mlk_search_opts o = mlk_search_opts_default();
        const mlk_run run = {.threads = 1};
        o.kind = MLK_SEARCH_HALVING;
        o.scoring = metrics;
        mlk_test_fail_at = k;
        mlk_status st = mlk_grid_new(&base, specs, 2, &g);
        ck_assert(st == MLK_OK ? g != NULL : st == MLK_ENOMEM && g == NULL);
        if (st == MLK_OK)
            st = mlk_search_run(g, &d, f, &o, &run, &s);
        whole = mlk_test_fail_at >= 0;
        ck_assert_msg((st == MLK_OK) == (s != NULL), "%d", (int)st);
        mlk_search_free(s);
        mlk_grid_free(g);
    }
    whole = false;
    mlk_path_opts o = mlk_path_opts_default();
    o.max_values = 4;
    for (int k = 0; !whole; k++) {
        mlk_cv_path *p;
        const mlk_run run = {.threads = 1};
        mlk_test_fail_at = k;
        const mlk_status st = mlk_cv_path_run(&base, "alpha", &d, f, &o, &run, &p);
        whole = mlk_test_fail_at >= 0;
        ck_assert_msg((st == MLK_OK) == (p != NULL), "%d", (int)st);
        mlk_cv_path_free(p);
    }
    mlk_test_fail_at = -1;
    mlk_folds_free(f);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/search");
    TCase *grid = test_case(s, "grid"), *search = test_case(s, "search");
    TCase *path = test_case(s, "path"), *errors = test_case(s, "errors");
    tcase_add_test(grid, grids_combine_values_and_ranges_in_order);
    tcase_add_test(grid, grids_round_integers_and_reach_the_pipeline);
    tcase_add_test(grid, refuses_malformed_grids);
    tcase_add_test(search, finds_what_scikit_learn_finds);
    tcase_add_test(search, random_search_tries_distinct_candidates_of_the_grid);
    tcase_add_test(search, halving_ends_with_the_best_on_all_rows);
    tcase_add_test(search, halving_keeps_all_classes_in_training);
    tcase_add_test(search, gives_the_same_bytes_for_any_number_of_threads);
    tcase_add_test(path, lasso_path_is_scikit_learns);
    tcase_add_test(errors, a_failing_candidate_comes_last_and_all_failing_is_an_error);
    tcase_add_test(errors, refuses_paths_that_are_not_there);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
