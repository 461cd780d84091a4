#include <mlkit/model.h>

#include "support/mlk_test.h"

/* Tables with little or nothing to learn from: what each of the trees and ensembles does. */

static const struct candidate {
    const char *name;
    const char *option, *value; /* or NULL */
    bool outliers;
} candidates[] = {
    {"tree", NULL, NULL, false},
    {"forest", "n_estimators", "5", false},
    {"extra-trees", "n_estimators", "5", false},
    {"bagging", "n_estimators", "5", false},
    {"adaboost", "n_estimators", "5", false},
    {"gbdt", "min_samples_leaf", "1", false},
    {"voting", "models", "tree+forest:n_estimators=3", false},
    {"stacking", "models", "tree+forest:n_estimators=3", false},
    {"isolation-forest", "n_estimators", "5", true},
};

enum { N = 40, P = 3 };

static mlk_status fit(const struct candidate *c, const mlk_data *d, mlk_model **m)
{
    const mlk_algo *a = mlk_algo_find(c->name);
    void *opts = test_alloc(a->opts_size);
    mlk_opts_set_default(a->opts, opts);
    if (c->option)
        require_ok(mlk_opts_parse(a->opts, c->name, c->option, c->value, opts));
    return mlk_model_fit(a, opts, d, NULL, m);
}

/* Predictions of the rows of X; all finite. */
static mlk_vec predicted(const mlk_model *m, mlk_cmat X)
{
    const mlk_vec out = test_vec(X.rows);
    require_ok(mlk_model_predict(m, X, NULL, out));
    for (size_t i = 0; i < X.rows; i++)
        ck_assert_msg(isfinite(out.data[i]), "row %zu", i);
    return out;
}

static mlk_vec fit_predict(const struct candidate *c, const mlk_data *d, mlk_cmat X)
{
    mlk_model *m;
    require_ok(fit(c, d, &m));
    const mlk_vec out = predicted(m, X);
    mlk_model_free(m);
    return out;
}

/* Numbers, and a last column of three levels; a target that needs both. */
static mlk_data table(uint64_t seed, size_t n, size_t classes, const struct candidate *c)
{
    static const size_t levels[P] = {0, 0, 3};
    mlk_mat X = test_mat(n, P);
    mlk_vec y = test_vec(n);
    const mlk_cmat z = test_random_mat(seed, n, P);
    for (size_t i = 0; i < n; i++) {
        memcpy(X.data + i * P, z.data + i * P, 2 * sizeof(double));
        X.data[i * P + 2] = (double)(i % 3);
        const double f = z.data[i * P] + (double)(i % 3);
        y.data[i] = classes ? (double)(f > 1.0) : f;
    }
    mlk_data d = {.X = {X.data, n, P, P}};
    if (!c->outliers) {
        d.levels = levels;
        d.y = (mlk_cvec){y.data, n};
        d.n_classes = classes;
    }
    return d;
}

/* Each candidate, with classes and with numbers (outliers: twice the same). */
static const struct candidate *candidate_of(int i, size_t *classes)
{
    *classes = i % 2 ? 2 : 0;
    return &candidates[i / 2];
}

START_TEST(a_target_of_one_value_is_predicted)
{
    size_t classes;
    const struct candidate *c = candidate_of(_i, &classes);
    mlk_data d = table(1, N, classes, c);
    if (c->outliers)
        return;
    const mlk_vec y = test_vec(N);
    for (size_t i = 0; i < N; i++)
        y.data[i] = classes ? 1.0 : 2.5;
    d.y = mlk_vec_c(y);
    if (classes && strcmp(c->name, "stacking") == 0) { /* nothing for the final model to choose */
        mlk_model *m;
        require_fail(fit(c, &d, &m), MLK_EINVAL, "y holds 1 class; expected rows of at least 2");
        return;
    }
    const mlk_vec out = fit_predict(c, &d, d.X);
    for (size_t i = 0; i < N; i++)
        require_close(out.data[i], y.data[i], 1e-9);
}
END_TEST

START_TEST(a_column_without_values_is_never_looked_at)
{
    size_t classes;
    const struct candidate *c = candidate_of(_i, &classes);
    const mlk_data d = table(2, N, classes, c);
    mlk_mat X = test_mat(N, P);
    memcpy(X.data, d.X.data, N * P * sizeof(double));
    for (size_t i = 0; i < N; i++)
        X.data[i * P + 1] = NAN;
    mlk_data gone = d;
    gone.X = mlk_mat_c(X);
    mlk_model *m;
    if (c->outliers) { /* behind an imputation only */
        require_fail(fit(c, &gone, &m), MLK_EINVAL, "X[0, 1] = nan; expected a finite value");
        return;
    }
    require_ok(fit(c, &gone, &m));
    const mlk_vec out = predicted(m, gone.X);
    /* Values that turn up later in that column matter to no tree. */
    const mlk_vec later = predicted(m, d.X);
    for (size_t i = 0; i < N; i++)
        ck_assert(out.data[i] == later.data[i]);
    mlk_model_free(m);
}
END_TEST

START_TEST(one_row_is_enough_or_is_refused_in_words)
{
    size_t classes;
    const struct candidate *c = candidate_of(_i, &classes);
    const mlk_data d = table(3, 1, classes, c);
    mlk_model *m = NULL;
    const mlk_status st = fit(c, &d, &m);
    if (strcmp(c->name, "stacking") == 0) {
        require_fail(st, MLK_EINVAL, "fold");
        ck_assert_ptr_null(m);
        return;
    }
    require_ok(st);
    const mlk_vec out = predicted(m, d.X);
    if (!c->outliers)
        require_close(out.data[0], d.y.data[0], 1e-12);
    mlk_model_free(m);
}
END_TEST

START_TEST(rows_of_weight_zero_may_hold_anything)
{
    size_t classes;
    const struct candidate *c = candidate_of(_i, &classes);
    mlk_data d = table(4, N, classes, c);
    if (!(mlk_algo_find(c->name)->caps & MLK_CAP_WEIGHTS))
        return;
    mlk_vec w = test_vec(N), y = test_vec(N);
    mlk_mat X = test_mat(N, P);
    memcpy(X.data, d.X.data, N * P * sizeof(double));
    if (!c->outliers)
        memcpy(y.data, d.y.data, N * sizeof(double));
    for (size_t i = 0; i < N; i++) {
        w.data[i] = i % 4 ? 1.0 : 0.0;
        if (w.data[i] > 0.0)
            continue;
        X.data[i * P] = 1e6;
        X.data[i * P + 1] = NAN;
        if (!classes)
            y.data[i] = -1e9;
    }
    d.w = mlk_vec_c(w);
    mlk_data wild = d;
    wild.X = mlk_mat_c(X);
    if (!c->outliers)
        wild.y = mlk_vec_c(y);
    const mlk_vec a = fit_predict(c, &d, d.X), b = fit_predict(c, &wild, d.X);
    for (size_t i = 0; i < N; i++)
        require_close(a.data[i], b.data[i], 1e-9);
}
END_TEST

START_TEST(a_level_never_seen_counts_as_missing)
{
    size_t classes;
    const struct candidate *c = candidate_of(_i, &classes);
    const mlk_data d = table(5, N, classes, c);
    if (!d.levels)
        return;
    mlk_mat unseen = test_mat(N, P), missing = test_mat(N, P);
    memcpy(unseen.data, d.X.data, N * P * sizeof(double));
    memcpy(missing.data, d.X.data, N * P * sizeof(double));
    for (size_t i = 0; i < N; i++) {
        unseen.data[i * P + 2] = MLK_UNSEEN;
        missing.data[i * P + 2] = NAN;
    }
    mlk_model *m;
    require_ok(fit(c, &d, &m));
    const mlk_vec a = predicted(m, mlk_mat_c(unseen)), b = predicted(m, mlk_mat_c(missing));
    require_same(a.data, b.data, N * sizeof(double));
    mlk_model_free(m);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/degenerate");
    TCase *tc = test_case(s, "degenerate");
    const int n = 2 * (int)(sizeof candidates / sizeof candidates[0]);
    tcase_add_loop_test(tc, a_target_of_one_value_is_predicted, 0, n);
    tcase_add_loop_test(tc, a_column_without_values_is_never_looked_at, 0, n);
    tcase_add_loop_test(tc, one_row_is_enough_or_is_refused_in_words, 0, n);
    tcase_add_loop_test(tc, rows_of_weight_zero_may_hold_anything, 0, n);
    tcase_add_loop_test(tc, a_level_never_seen_counts_as_missing, 0, n);
    return s;
}
