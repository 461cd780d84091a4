#include <mlkit/selection/comparison.h>

#include <mlkit/data/dataset.h>
#include <mlkit/ensemble/forest.h>
#include <mlkit/linear/ridge.h>
#include <mlkit/neighbors/knn.h>
#include <mlkit/report/json.h>

#include "support/mlk_test.h"

enum { N = 80, P = 3 };

static mlk_data regression(void)
{
    const mlk_cmat X = test_random_mat(5, N, P);
    return (mlk_data){.X = X, .y = test_linear_target(6, X, 0.5)};
}

static mlk_data classes(size_t k)
{
    const mlk_cmat X = test_random_mat(7, N, P);
    return (mlk_data){.X = X, .y = test_classes(8, X, k), .n_classes = k};
}

static mlk_folds *folds_of(const mlk_data *d, size_t k, size_t repeats)
{
    const mlk_folds_opts o = {.kind = MLK_FOLDS_SHUFFLE, .folds = k, .repeats = repeats};
    mlk_folds *f;
    require_ok(mlk_folds_new(d, &o, NULL, &f));
    return f;
}

/* Two pipelines by name with standardised columns. */
static void contenders(const char *a, const char *b, mlk_pipeline_opts *p, mlk_contender *c)
{
    const char *const names[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        p[i] = mlk_pipeline_opts_default(mlk_algo_find(names[i]));
        p[i].scale = "standard";
        c[i] = (mlk_contender){.pipeline = &p[i]};
    }
}

static mlk_comparison *compare(const mlk_contender *c, size_t n, const mlk_data *d,
                               const mlk_folds *f, const mlk_comparison_opts *o)
{
    mlk_comparison *out;
    require_ok(mlk_comparison_run(c, n, d, f, o, NULL, &out));
    return out;
}

START_TEST(every_model_is_judged_as_if_it_were_alone)
{
    const mlk_data d = regression();
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("ridge", "knn", p, c);
    mlk_folds *f = folds_of(&d, 4, 2);
    mlk_comparison *all = compare(c, 2, &d, f, NULL);
    const mlk_cv *cv = mlk_comparison_cv(all);
    ck_assert_uint_eq(mlk_comparison_size(all), 3);
    for (size_t i = 0; i < 2; i++) {
        const mlk_candidate alone = {&mlk_pipeline_algo, &p[i]};
        mlk_cv *own;
        require_ok(mlk_cross_validate(&alone, 1, &d, f, NULL, NULL, &own));
        for (size_t m = 0; m < mlk_cv_metrics(own); m++)
            require_same(mlk_cv_values(cv, i + 1, m).data, mlk_cv_values(own, 0, m).data,
                         8 * sizeof(double));
        mlk_cv_free(own);
        const mlk_compared *at = mlk_comparison_at(all, i + 1);
        ck_assert(at->finished == 8 && at->failed == 0 && !at->failure && at->bytes > 100);
        /* the tests, from the values */
        mlk_vec diff = test_vec(8);
        for (size_t s = 0; s < 8; s++)
            diff.data[s] = mlk_cv_values(cv, i + 1, 0).data[s] - mlk_cv_values(cv, 0, 0).data[s];
        const mlk_test t = mlk_corrected_t_test(mlk_vec_c(diff), 1.0 / 3.0, 0.95);
        require_relative(at->versus_baseline.p, t.p, 1e-9);
        ck_assert(at->p_baseline >= t.p);
    }
    mlk_comparison_free(all);
    mlk_folds_free(f);
}
END_TEST

/* r2 of the mean of the other folds, by hand. */
START_TEST(the_baseline_is_the_training_mean)
{
    const mlk_data d = regression();
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("ridge", "knn", p, c);
    mlk_folds *f = folds_of(&d, 4, 1);
    mlk_comparison *all = compare(c, 1, &d, f, NULL);
    size_t rows[N], n_test;
    for (size_t s = 0; s < 4; s++) {
        const size_t n = mlk_folds_train(f, s, rows), *test = mlk_folds_test(f, s, &n_test);
        double mean = 0, own = 0, rss = 0, tss = 0;
        for (size_t i = 0; i < n; i++)
            mean += d.y.data[rows[i]] / (double)n;
        for (size_t i = 0; i < n_test; i++)
            own += d.y.data[test[i]] / (double)n_test;
        for (size_t i = 0; i < n_test; i++) {
            rss += pow(d.y.data[test[i]] - mean, 2);
            tss += pow(d.y.data[test[i]] - own, 2);
        }
        require_close(mlk_cv_values(mlk_comparison_cv(all), 0, 0).data[s], 1 - rss / tss, 1e-12);
    }
    ck_assert_str_eq(mlk_comparison_at(all, 0)->label, "baseline");
    ck_assert_uint_eq(mlk_comparison_row(all, 0), 0);
    ck_assert_uint_eq(mlk_comparison_best(all), 1);
    mlk_comparison_free(all);
    mlk_folds_free(f);
}
END_TEST

START_TEST(classes_come_with_mcnemar_against_the_best)
{
    const mlk_data d = classes(3);
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("logistic", "naive-bayes", p, c);
    mlk_folds *f = folds_of(&d, 5, 2);
    mlk_comparison *all = compare(c, 2, &d, f, NULL);
    const size_t best = mlk_comparison_best(all), other = 3 - best;
    size_t n01 = 0, n10 = 0;
    for (size_t i = 0; i < N; i++) {
        const double *a = mlk_cv_predictions(mlk_comparison_cv(all), best, 0).data;
        const double *b = mlk_cv_predictions(mlk_comparison_cv(all), other, 0).data;
        n01 += a[i] == d.y.data[i] && b[i] != d.y.data[i];
        n10 += b[i] == d.y.data[i] && a[i] != d.y.data[i];
    }
    ck_assert(mlk_comparison_at(all, best)->standing.rank == 1);
    ck_assert(n01 + n10 > 0);
    require_same(&mlk_comparison_at(all, other)->mcnemar.p, &(double){mlk_mcnemar_test(n01, n10).p},
                 sizeof(double));
    ck_assert_uint_eq(mlk_cv_probabilities(mlk_comparison_cv(all), best, 0).rows, N);
    ck_assert_uint_eq(mlk_cv_predictions(mlk_comparison_cv(all), best, 1).n, 0);
    mlk_comparison_free(all);
    mlk_folds_free(f);
}
END_TEST

/* Nested: each fold's choice is that of a search on its training rows alone. */
START_TEST(a_search_is_repeated_inside_each_fold)
{
    const mlk_data d = regression();
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    mlk_grid *grid;
    const char *const specs[] = {"alpha=0.01:1:100:10000"};
    contenders("ridge", "knn", p, c);
    require_ok(mlk_grid_new(&p[0], specs, 1, &grid));
    mlk_tuned_opts t = mlk_tuned_opts_default(&p[0]);
    t.grid = grid;
    c[0].tuned = &t;
    mlk_folds *f = folds_of(&d, 3, 1);
    mlk_comparison *all = compare(c, 2, &d, f, NULL);
    ck_assert(mlk_comparison_at(all, 1)->tuned && !mlk_comparison_at(all, 2)->tuned);
    for (size_t s = 0; s < 3; s++) {
        size_t rows[N];
        const size_t n = mlk_folds_train(f, s, rows);
        mlk_subset train;
        mlk_folds *inner;
        mlk_search *search;
        require_ok(mlk_subset_new(&d, rows, n, NULL, &train));
        require_ok(mlk_folds_new(&train.data, NULL, NULL, &inner));
        require_ok(mlk_search_run(grid, &train.data, inner, NULL, NULL, &search));
        const mlk_ridge_opts *o = mlk_grid_at(grid, mlk_search_best(search))->algo_opts;
        const mlk_doc *chosen = mlk_comparison_chosen(all, 1, s);
        ck_assert_uint_eq(mlk_doc_size(chosen), 1);
        ck_assert(mlk_doc_real(mlk_doc_find(chosen, "alpha")) == o->alpha);
        ck_assert_ptr_null(mlk_comparison_chosen(all, 2, s));
        mlk_search_free(search);
        mlk_folds_free(inner);
        mlk_subset_free(&train);
    }
    mlk_model *m;
    require_ok(mlk_comparison_refit(all, 1, &d, NULL, &m));
    ck_assert_ptr_eq(mlk_model_algo(mlk_comparison_pipeline(m)), &mlk_pipeline_algo);
    mlk_model_free(m);
    mlk_comparison_free(all);
    mlk_folds_free(f);
    mlk_grid_free(grid);
}
END_TEST

START_TEST(a_model_that_fails_in_a_fold_has_no_rank_and_ends_nothing)
{
    const mlk_data d = regression();
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("ridge", "knn", p, c);
    mlk_knn_opts knn = mlk_knn_opts_default();
    knn.n_neighbors = N - 1; /* more than a fold trains on */
    p[1].algo_opts = &knn;
    mlk_folds *f = folds_of(&d, 4, 1);
    const mlk_comparison_opts o = {
        .beta = 1, .level = 0.9, .learning_curve = true, .bootstrap = 20};
    mlk_comparison *all = compare(c, 2, &d, f, &o);
    const mlk_compared *bad = mlk_comparison_at(all, 2), *good = mlk_comparison_at(all, 1);
    ck_assert(bad->failed == 4 && bad->finished == 0 && bad->standing.rank == 0);
    ck_assert_ptr_nonnull(strstr(bad->failure, "n_neighbors"));
    ck_assert_uint_eq(mlk_comparison_row(all, 2), 2);
    ck_assert_uint_eq(mlk_comparison_best(all), 1);
    ck_assert_ptr_null(bad->learning);
    ck_assert_uint_eq(good->learning->n, 10);
    require_close(good->bias_variance->bias2 + good->bias_variance->variance,
                  good->bias_variance->error, 1e-12);
    require_relative(good->bias_variance->error, good->bootstrap->out_of_bag, 1e-12);

    mlk_doc *doc = mlk_doc_new();
    mlk_comparison_report(all, doc);
    require_ok(mlk_doc_check(doc));
    const mlk_doc *results = mlk_doc_find(doc, "results");
    ck_assert_uint_eq(mlk_doc_size(results), 3);
    ck_assert_uint_eq(mlk_doc_size(mlk_doc_find(mlk_doc_at(results, 2), "failures")), 4);
    ck_assert_int_eq(mlk_doc_kind_of(mlk_doc_find(mlk_doc_at(results, 2), "rank")), MLK_DOC_NULL);
    ck_assert_int_eq(mlk_doc_int(mlk_doc_find(mlk_doc_at(results, 1), "rank")), 1);
    mlk_doc_free(doc);
    mlk_comparison_free(all);
    mlk_folds_free(f);
}
END_TEST

START_TEST(several_tables_have_mean_ranks)
{
    mlk_comparison *tables[3];
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("ridge", "knn", p, c);
    for (size_t t = 0; t < 3; t++) {
        const mlk_cmat X = test_random_mat(50 + t, N, P);
        const mlk_data d = {.X = X, .y = test_linear_target(60 + t, X, 0.5)};
        mlk_folds *f = folds_of(&d, 4, 1);
        tables[t] = compare(c, 2, &d, f, NULL);
        mlk_folds_free(f);
    }
    mlk_friedman *friedman;
    size_t models[3], k;
    require_ok(mlk_comparison_friedman((const mlk_comparison *const *)tables, 3, 0.05, models, &k,
                                       &friedman));
    ck_assert_uint_eq(k, 3);
    static const double expected[] = {3, 1, 2}; /* linear data: ridge, knn, baseline everywhere */
    for (size_t i = 0; i < 3; i++) {
        require_close(mlk_friedman_ranks(friedman).data[i], expected[i], 0);
        ck_assert_uint_eq(models[i], i);
    }
    mlk_friedman_free(friedman);
    require_fail(mlk_comparison_friedman((const mlk_comparison *const *)tables, 1, 0.05, models, &k,
                                         &friedman),
                 MLK_EINVAL, "1 tables");
    for (size_t t = 0; t < 3; t++)
        mlk_comparison_free(tables[t]);
}
END_TEST

START_TEST(two_models_over_tables_have_signed_ranks)
{
    enum { TABLES = 6 };
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    mlk_comparison *tables[TABLES];
    mlk_test w;
    contenders("ridge", "knn", p, c);
    double differences[TABLES];
    for (size_t t = 0; t < TABLES; t++) {
        const mlk_cmat X = test_random_mat(20 + t, 40, P);
        const mlk_data d = {.X = X, .y = test_linear_target(30 + t, X, 0.5)};
        mlk_folds *f = folds_of(&d, 4, 1);
        tables[t] = compare(c, 2, &d, f, NULL);
        differences[t] = mlk_comparison_at(tables[t], 1)->standing.mean -
                         mlk_comparison_at(tables[t], 2)->standing.mean;
        ck_assert(differences[t] > 0.0);
        mlk_folds_free(f);
    }
    const mlk_comparison *const *all = (const mlk_comparison *const *)tables;
    require_ok(mlk_comparison_wilcoxon(all, TABLES, 1, 2, &w));
    require_close(w.p, 2.0 / 64.0, 1e-15); /* all six the same way, of 2^6 */
    require_close(w.statistic, 0.0, 0);
    require_close(w.effect, 1.0, 0);
    size_t below = 0, above = 0; /* the median */
    for (size_t t = 0; t < TABLES; t++) {
        below += differences[t] < w.estimate;
        above += differences[t] > w.estimate;
    }
    ck_assert(below == 3 && above == 3);
    require_ok(mlk_comparison_wilcoxon(all, 5, 2, 1, &w));
    require_close(w.p, 2.0 / 32.0, 1e-15);
    require_close(w.effect, -1.0, 0);
    require_fail(mlk_comparison_wilcoxon(all, 5, 1, 3, &w), MLK_EINVAL, "1 and 3");
    ck_assert(isnan(w.p));
    for (size_t t = 0; t < TABLES; t++)
        mlk_comparison_free(tables[t]);
}
END_TEST

/* Nearly all right in each fold: the t interval alone would promise more than all. */
START_TEST(intervals_end_where_the_metric_does)
{
    const mlk_cmat X = test_random_mat(9, N, P);
    mlk_vec y = test_vec(N);
    for (size_t i = 0; i < N; i++)
        y.data[i] = (double)(X.data[i * X.ld] > 0.0);
    const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = 2};
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("logistic", "knn", p, c);
    mlk_folds *f = folds_of(&d, 5, 1);
    mlk_comparison *all = compare(c, 2, &d, f, NULL);
    const mlk_cv *cv = mlk_comparison_cv(all);
    const mlk_test t = mlk_corrected_t_test(mlk_cv_values(cv, 1, 0), mlk_cv_ratio(cv), 0.95);
    ck_assert_msg(t.high > 1.0, "%g", t.high);
    ck_assert(mlk_comparison_at(all, 1)->standing.high == 1.0);
    ck_assert(mlk_comparison_at(all, 1)->standing.low == t.low);
    mlk_comparison_free(all);
    mlk_folds_free(f);
}
END_TEST

START_TEST(leave_one_out_has_the_interval_of_its_rows_and_mcnemar)
{
    const mlk_data d = classes(2);
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("logistic", "tree", p, c);
    const mlk_folds_opts fo = {.kind = MLK_FOLDS_LOO, .repeats = 1};
    mlk_folds *f;
    require_ok(mlk_folds_new(&d, &fo, NULL, &f));
    mlk_comparison *all = compare(c, 2, &d, f, NULL);
    const size_t best = mlk_comparison_best(all), other = 3 - best;
    const mlk_standing *s = &mlk_comparison_at(all, best)->standing;
    /* Wilson's, by its formula */
    const double z = 1.959963984540054, n = N, share = s->mean, centre = share + z * z / (2 * n);
    const double half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    require_close(s->low, (centre - half) / (1 + z * z / n), 1e-12);
    require_close(s->high, (centre + half) / (1 + z * z / n), 1e-12);
    const mlk_compared *second = mlk_comparison_at(all, other);
    ck_assert(second->standing.versus_best.p == second->mcnemar.p);
    require_close(second->standing.versus_best.estimate, s->mean - second->standing.mean, 1e-15);
    ck_assert(second->standing.p_holm >= second->mcnemar.p);
    mlk_comparison_free(all);
    mlk_folds_free(f);
}
END_TEST

/* ------------------------------------------------------------- interruption, bars */

typedef struct watch {
    double last;
    size_t calls, stop_after;
    bool falls;
} watch;

static void on_progress(void *user, double done)
{
    watch *w = user;
    w->falls |= done < w->last - 1e-12 || done > 1 + 1e-12;
    w->last = done;
    w->calls++;
}

static bool is_over(void *user)
{
    const watch *w = user;
    return w->stop_after && w->calls >= w->stop_after;
}

START_TEST(an_interrupted_comparison_holds_what_is_finished)
{
    const mlk_data d = regression();
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("ridge", "knn", p, c);
    mlk_folds *f = folds_of(&d, 5, 2);
    const mlk_comparison_opts o = {.beta = 1, .level = 0.95, .partial = true};
    /* the first fold of each of three, then nine of the baseline, nine of ridge, three of knn */
    watch w = {.stop_after = 3 + 9 + 9 + 3};
    const mlk_run run = {.threads = 1, .progress = on_progress, .cancelled = is_over, .user = &w};
    mlk_comparison *all;
    require_ok(mlk_comparison_run(c, 2, &d, f, &o, &run, &all));
    ck_assert(mlk_comparison_interrupted(all));
    ck_assert_uint_eq(mlk_comparison_at(all, 1)->finished, 10);
    ck_assert_uint_eq(mlk_comparison_at(all, 1)->standing.rank, 1);
    ck_assert_uint_eq(mlk_comparison_at(all, 2)->finished, 4);
    ck_assert(mlk_comparison_at(all, 2)->standing.rank == 0 && !mlk_comparison_at(all, 2)->failure);
    mlk_comparison_free(all);
    w = (watch){.stop_after = 7};
    ck_assert_int_eq(mlk_comparison_run(c, 2, &d, f, NULL, &run, &all), MLK_ECANCELLED);
    ck_assert_ptr_null(all);
    mlk_folds_free(f);
}
END_TEST

START_TEST(one_bar_goes_from_nothing_to_all)
{
    const mlk_data d = regression();
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("ridge", "knn", p, c);
    mlk_folds *f = folds_of(&d, 3, 1);
    const mlk_comparison_opts o = {
        .beta = 1, .level = 0.95, .learning_curve = true, .bootstrap = 10};
    watch w = {0};
    const mlk_run run = {.threads = 1, .progress = on_progress, .user = &w};
    mlk_comparison *all;
    require_ok(mlk_comparison_run(c, 2, &d, f, &o, &run, &all));
    ck_assert(!w.falls && w.calls > 20);
    require_close(w.last, 1.0, 1e-12);
    mlk_comparison_free(all);
    mlk_folds_free(f);
}
END_TEST

/* ------------------------------------------------------------------ robustness */

/* All of a report but the seconds. */
static char *bytes_of(const mlk_comparison *c)
{
    mlk_doc *doc = mlk_doc_new();
    char *json;
    mlk_comparison_report(c, doc);
    require_ok(mlk_json_write(doc, &json));
    mlk_doc_free(doc);
    char *to = json;
    for (const char *line = json; *line;) {
        const size_t n = strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
        const char *seconds = strstr(line, "_seconds");
        if (!seconds || seconds > line + n) {
            memmove(to, line, n);
            to += n;
        }
        line += n;
    }
    *to = '\0';
    return json;
}

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    static const int threads[] = {1, 2, 3, 8};
    const mlk_data d = classes(3);
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    contenders("knn", "forest", p, c);
    mlk_forest_opts forest = mlk_forest_opts_default();
    forest.n_estimators = 5;
    p[1].algo_opts = &forest;
    mlk_tuned_opts t = mlk_tuned_opts_default(&p[0]);
    c[0].tuned = &t;
    mlk_folds *f = folds_of(&d, 3, 1);
    const mlk_comparison_opts o = {
        .beta = 1, .level = 0.95, .learning_curve = true, .bootstrap = 10};
    char *first = NULL;
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_comparison *all;
        require_ok(mlk_comparison_run(c, 2, &d, f, &o, &run, &all));
        char *bytes = bytes_of(all);
        if (first)
            ck_assert_str_eq(bytes, first);
        else
            first = mlk_strdup(bytes);
        mlk_text_free(bytes);
        mlk_comparison_free(all);
    }
    mlk_free(first);
    mlk_folds_free(f);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_data d = classes(2);
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    const char *const specs[] = {"n_neighbors=1:3"};
    mlk_grid *grid;
    d.X.rows = d.y.n = 20;
    contenders("knn", "naive-bayes", p, c);
    require_ok(mlk_grid_new(&p[0], specs, 1, &grid));
    mlk_tuned_opts t = mlk_tuned_opts_default(&p[0]);
    t.grid = grid;
    t.folds.folds = 2;
    c[0].tuned = &t;
    mlk_folds *f = folds_of(&d, 2, 1);
    const mlk_run run = {.threads = 1};
    for (int extras = 0; extras < 2; extras++) {
        const mlk_comparison_opts o = {.beta = 1, .level = 0.95, .bootstrap = extras ? 10 : 0};
        bool whole = false;
        for (long k = extras ? 400 : 0; !whole; k += extras ? 17 : 1) {
            mlk_comparison *all;
            mlk_test_fail_at = k;
            const mlk_status st = mlk_comparison_run(c, 2, &d, f, &o, &run, &all);
            whole = mlk_test_fail_at >= 0;
            mlk_test_fail_at = -1;
            ck_assert(st == MLK_OK ? all != NULL : st == MLK_ENOMEM && all == NULL);
            mlk_comparison_free(all);
        }
    }
    mlk_folds_free(f);
    mlk_grid_free(grid);
}
END_TEST

START_TEST(refuses_models_of_another_task)
{
    const mlk_data r = regression(), k = classes(2);
    mlk_pipeline_opts p[2];
    mlk_contender c[2];
    mlk_comparison *out;
    contenders("logistic", "ridge", p, c);
    mlk_folds *f = folds_of(&r, 4, 1);
    require_fail(mlk_comparison_run(&c[0], 1, &r, f, NULL, NULL, &out), MLK_EUNSUPPORTED,
                 "logistic is for classification; the target is a number (regression)");
    require_fail(mlk_comparison_run(&c[1], 1, &k, f, NULL, NULL, &out), MLK_EUNSUPPORTED,
                 "ridge is for regression; the target has 2 classes");
    ck_assert_ptr_null(out);
    const mlk_comparison_opts bad = {.beta = 1, .level = 1};
    require_fail(mlk_comparison_run(&c[1], 1, &r, f, &bad, NULL, &out), MLK_EINVAL, "level = 1");
    const mlk_comparison_opts worse = {.beta = 1, .level = 0.9, .scoring = "rsquared"};
    require_fail(mlk_comparison_run(&c[1], 1, &r, f, &worse, NULL, &out), MLK_EINVAL,
                 "unknown metric 'rsquared'");
    mlk_folds_free(f);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/comparison");
    TCase *tc = test_case(s, "comparison");
    tcase_add_test(tc, every_model_is_judged_as_if_it_were_alone);
    tcase_add_test(tc, the_baseline_is_the_training_mean);
    tcase_add_test(tc, classes_come_with_mcnemar_against_the_best);
    tcase_add_test(tc, a_search_is_repeated_inside_each_fold);
    tcase_add_test(tc, a_model_that_fails_in_a_fold_has_no_rank_and_ends_nothing);
    tcase_add_test(tc, several_tables_have_mean_ranks);
    tcase_add_test(tc, two_models_over_tables_have_signed_ranks);
    tcase_add_test(tc, intervals_end_where_the_metric_does);
    tcase_add_test(tc, leave_one_out_has_the_interval_of_its_rows_and_mcnemar);
    tcase_add_test(tc, an_interrupted_comparison_holds_what_is_finished);
    tcase_add_test(tc, one_bar_goes_from_nothing_to_all);
    tcase_add_test(tc, gives_the_same_bytes_for_any_number_of_threads);
    tcase_add_test(tc, survives_each_failing_allocation);
    tcase_add_test(tc, refuses_models_of_another_task);
    return s;
}
