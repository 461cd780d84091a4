#include <stdio.h>

#include <mlkit/ensemble/gbdt.h>

#include <mlkit/model/archive.h>

#include "ensemble/gbdt_loss.h"
#include "ensemble/gbdt_split.h"
#include "support/c_source.h"
#include "support/mlk_test.h"

/* ------------------------------------------------------------------ losses */

static const gbdt_loss all_losses[] = {
    {MLK_GBDT_SQUARED_ERROR, 0.5, 1}, {MLK_GBDT_ABSOLUTE_ERROR, 0.5, 1},
    {MLK_GBDT_QUANTILE, 0.3, 1},      {MLK_GBDT_POISSON, 0.5, 1},
    {MLK_GBDT_LOG_LOSS, 0.5, 1},      {MLK_GBDT_LOG_LOSS, 0.5, 4},
};

START_TEST(derivatives_are_those_of_the_loss)
{
    const gbdt_loss *l = &all_losses[_i];
    const mlk_cvec z = test_random_vec(3, 4 * 40);
    for (size_t t = 0; t < 40; t++) {
        const double y = l->kind == MLK_GBDT_LOG_LOSS  ? (double)(t % (l->k > 1 ? l->k : 2))
                         : l->kind == MLK_GBDT_POISSON ? (double)(t % 5)
                                                       : (double)t / 7.0 - 3.0;
        double f[4], g[4], h[4], up[4], down[4], none[4];
        memcpy(f, z.data + 4 * t, sizeof f);
        mlk_gbdt_loss_at(l, y, f, g, h);
        for (size_t c = 0; c < l->k; c++) {
            const double step = 1e-5, at = f[c];
            f[c] = at + step;
            const double above = mlk_gbdt_loss_at(l, y, f, up, none);
            f[c] = at - step;
            const double below = mlk_gbdt_loss_at(l, y, f, down, none);
            f[c] = at;
            require_close((above - below) / (2 * step), g[c], 1e-8);
            if (mlk_gbdt_renews(l))
                ck_assert(h[c] == 1.0);
            else
                require_close((up[c] - down[c]) / (2 * step), h[c], 1e-8);
        }
    }
}
END_TEST

START_TEST(losses_have_their_known_values)
{
    double g[3], h[3];
    ck_assert(mlk_gbdt_loss_at(&all_losses[0], 5.0, (double[]){2.0}, g, h) == 4.5);
    ck_assert(mlk_gbdt_loss_at(&all_losses[1], 5.0, (double[]){2.0}, g, h) == 3.0);
    require_close(mlk_gbdt_loss_at(&all_losses[2], 5.0, (double[]){2.0}, g, h), 0.9, 1e-15);
    require_close(mlk_gbdt_loss_at(&all_losses[3], 2.0, (double[]){0.0}, g, h), 1.0, 1e-15);
    require_close(mlk_gbdt_loss_at(&all_losses[4], 1.0, (double[]){0.0}, g, h), log(2.0), 1e-15);
    /* far out, nothing overflows */
    require_close(mlk_gbdt_loss_at(&all_losses[4], 0.0, (double[]){800.0}, g, h), 800.0, 1e-12);
    const gbdt_loss three = {MLK_GBDT_LOG_LOSS, 0.5, 3};
    require_close(mlk_gbdt_loss_at(&three, 2.0, (double[]){1.0, 1.0, 1.0}, g, h), log(3.0), 1e-15);
    require_close(g[2], 1.0 / 3.0 - 1.0, 1e-15);
    require_close(h[0], 2.0 / 9.0, 1e-15);
}
END_TEST

/* ------------------------------------------------------------- fixtures */

static mlk_gbdt_opts small_opts(void)
{
    mlk_gbdt_opts o = mlk_gbdt_opts_default();
    o.n_estimators = 10;
    o.min_samples_leaf = 1;
    o.max_leaves = 8;
    return o;
}

static mlk_vec predictions(const mlk_gbdt *m, mlk_cmat X)
{
    mlk_vec out = test_vec(X.rows);
    require_ok(mlk_gbdt_predict(m, X, NULL, out));
    return out;
}

static mlk_vec fit_predict(const mlk_data *d, const mlk_gbdt_opts *o, mlk_cmat X)
{
    mlk_gbdt *m;
    require_ok(mlk_gbdt_fit(d, o, NULL, &m));
    const mlk_vec out = predictions(m, X);
    mlk_gbdt_free(m);
    return out;
}

/* Missing values, a categorical column (the last), weights some of which are 0. */
static const size_t mixed_levels[4] = {0, 0, 0, 5};

static mlk_data mixed(uint64_t seed, size_t n, size_t n_classes)
{
    const mlk_cmat Z = test_random_mat(seed, n, 4);
    const mlk_cvec e = test_random_vec(seed + 1, n);
    mlk_mat X = test_mat(n, 4);
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        double *x = X.data + 4 * i;
        const double *z = Z.data + 4 * i;
        x[0] = round(4.0 * z[0]) / 4.0;
        x[1] = i % 7 == 3 ? (double)NAN : z[1];
        x[2] = z[2];
        x[3] = i % 11 == 5 ? (double)NAN : (double)((size_t)fabs(3.0 * z[3]) % 5);
        const double f = x[0] + (isnan(x[1]) ? 1.0 : x[1] * x[2]) +
                         (x[3] == 1.0 || x[3] == 4.0 ? 1.0 : 0.0) + 0.2 * e.data[i];
        y.data[i] = n_classes ? fmin(fmax(floor(f + 1.0), 0.0), (double)n_classes - 1.0) : f;
    }
    return (mlk_data){
        .X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = n_classes, .levels = mixed_levels};
}

/* ------------------------------------------------------- one tree by hand */

START_TEST(a_stump_has_the_gain_and_values_of_the_formulas)
{
    /* y - mean = -3 -1 | 2 2 : best cut between 2 and 3 */
    const double x[] = {1, 2, 3, 4}, y[] = {0, 2, 5, 5};
    const mlk_data d = {.X = {x, 4, 1, 1}, .y = {y, 4}};
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 1;
    o.max_leaves = 2;
    o.learning_rate = 1.0;
    o.reg_lambda = 2.0;
    o.reg_alpha = 1.0;
    mlk_vec out = fit_predict(&d, &o, d.X);
    require_close(out.data[0], 3.0 - (4.0 - 1.0) / (2.0 + 2.0), 1e-9);
    require_close(out.data[3], 3.0 + (4.0 - 1.0) / (2.0 + 2.0), 1e-9);
    const double at[] = {2.5, nextafter(2.5, 3.0)}; /* midway goes left */
    out = fit_predict(&d, &o, (mlk_cmat){at, 2, 1, 1});
    ck_assert(out.data[0] < 3.0 && out.data[1] > 3.0);
    /* gain: (9/4 + 9/4 - 0)/2 = 2.25 */
    o.min_split_gain = 2.2499;
    out = fit_predict(&d, &o, d.X);
    ck_assert(out.data[0] < out.data[3]);
    o.min_split_gain = 2.2501;
    out = fit_predict(&d, &o, d.X);
    ck_assert(out.data[0] == 3.0 && out.data[3] == 3.0);
}
END_TEST

START_TEST(a_logistic_stump_takes_a_newton_step)
{
    const double x[] = {1, 1, 1, 2, 2}, y[] = {0, 0, 1, 1, 1};
    const mlk_data d = {.X = {x, 5, 1, 1}, .y = {y, 5}, .n_classes = 2};
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 1;
    o.learning_rate = 0.5;
    mlk_gbdt *m;
    mlk_mat f = test_mat(5, 1), p = test_mat(5, 2);
    require_ok(mlk_gbdt_fit(&d, &o, NULL, &m));
    require_ok(mlk_gbdt_decision(m, d.X, 1, NULL, f));
    require_ok(mlk_gbdt_predict_proba(m, d.X, NULL, p));
    const double base = log(0.6 / 0.4), h = 0.24;
    require_close(f.data[0], base - 0.5 * (3 * 0.6 - 1.0) / (3 * h), 1e-8);
    require_close(f.data[4], base - 0.5 * (2 * 0.6 - 2.0) / (2 * h), 1e-8);
    require_close(p.data[9], 1.0 / (1.0 + exp(-f.data[4])), 1e-15);
    mlk_gbdt_free(m);
}
END_TEST

START_TEST(leaves_of_the_absolute_loss_hold_medians)
{
    const double x[] = {1, 1, 1, 2, 2, 2, 2}, y[] = {0, 1, 50, 10, 11, 12, 13};
    const mlk_data d = {.X = {x, 7, 1, 1}, .y = {y, 7}};
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 1;
    o.learning_rate = 1.0;
    o.loss = MLK_GBDT_ABSOLUTE_ERROR;
    mlk_vec out = fit_predict(&d, &o, d.X);
    ck_assert(out.data[0] == 1.0 && out.data[6] == 11.5);
    o.loss = MLK_GBDT_QUANTILE;
    o.quantile = 0.8;
    out = fit_predict(&d, &o, d.X);
    ck_assert(out.data[0] == 50.0 && out.data[6] == 13.0);
}
END_TEST

/* --------------------------------------------------- slow literal twin */

/* One leaf-wise tree for the squared error on raw values, all cuts between neighbours, both sides
 * for missing values; categories by all subsets. In long double. */
typedef struct twin {
    const mlk_data *d;
    const mlk_gbdt_opts *o;
    size_t leaf_of[256], n_leaves, n;
    long double g[256], w[256];
} twin;

typedef struct twin_cut {
    long double gain;
    bool right[256];
} twin_cut;

static long double twin_term(const twin *t, long double g, long double h)
{
    const long double s = fabsl(g) - t->o->reg_alpha;
    return s > 0 ? s * s / (h + t->o->reg_lambda) : 0;
}

static void twin_try(const twin *t, size_t leaf, const bool *right, twin_cut *best)
{
    long double g[2] = {0}, h[2] = {0};
    size_t rows[2] = {0};
    for (size_t i = 0; i < t->n; i++)
        if (t->leaf_of[i] == leaf) {
            g[right[i]] += t->w[i] * t->g[i];
            h[right[i]] += t->w[i];
            rows[right[i]]++;
        }
    const size_t least = (size_t)t->o->min_samples_leaf;
    if (rows[0] < least || rows[1] < least || h[0] < t->o->min_child_weight ||
        h[1] < t->o->min_child_weight)
        return;
    const long double gain = 0.5L * (twin_term(t, g[0], h[0]) + twin_term(t, g[1], h[1]) -
                                     twin_term(t, g[0] + g[1], h[0] + h[1])) -
                             t->o->min_split_gain;
    if (gain > best->gain * (1 + 1e-7L) + 1e-7L) {
        best->gain = gain;
        memcpy(best->right, right, sizeof best->right);
    }
}

static twin_cut twin_best(const twin *t, size_t leaf)
{
    twin_cut best = {0};
    bool right[256];
    for (size_t j = 0; j < t->d->X.cols; j++)
        for (size_t cut = 0; cut < (t->d->levels[j] ? 32 : t->n); cut++)
            for (int missing = 0; missing < 2; missing++) {
                for (size_t i = 0; i < t->n; i++) {
                    const double x = t->d->X.data[i * t->d->X.ld + j];
                    right[i] = isnan(x)          ? missing
                               : t->d->levels[j] ? (int)(cut >> (size_t)x & 1)
                                                 : x > t->d->X.data[cut * t->d->X.ld + j];
                }
                twin_try(t, leaf, right, &best);
            }
    return best;
}

static void twin_fit(twin *t)
{
    long double mean = 0, all = 0;
    for (size_t i = 0; i < t->n; i++) {
        t->w[i] = t->d->w.n ? t->d->w.data[i] : 1.0;
        mean += t->w[i] * t->d->y.data[i];
        all += t->w[i];
    }
    for (size_t i = 0; i < t->n; i++)
        t->g[i] = mean / all - t->d->y.data[i];
    for (t->n_leaves = 1; t->n_leaves < (size_t)t->o->max_leaves; t->n_leaves++) {
        twin_cut best = {0};
        size_t at = 0;
        for (size_t l = 0; l < t->n_leaves; l++) {
            const twin_cut c = twin_best(t, l);
            if (c.gain > best.gain) {
                best = c;
                at = l;
            }
        }
        if (best.gain <= 0)
            return;
        for (size_t i = 0; i < t->n; i++)
            if (t->leaf_of[i] == at && best.right[i])
                t->leaf_of[i] = t->n_leaves;
    }
}

START_TEST(grows_the_tree_of_its_slow_twin)
{
    for (size_t seed = 0; seed < 40; seed++) {
        const size_t n = 30 + 4 * seed;
        mlk_data d = mixed(1000 + seed, n, 0);
        mlk_vec w = test_vec(n);
        for (size_t i = 0; i < n; i++)
            w.data[i] = 0.5 + (double)(i % 3);
        if (seed % 2)
            d.w = mlk_vec_c(w);
        mlk_gbdt_opts o = small_opts();
        o.n_estimators = 1;
        o.learning_rate = 1.0;
        o.max_leaves = 2 + (int64_t)(seed % 5);
        o.min_samples_leaf = 1 + (int64_t)(seed % 4);
        o.reg_lambda = seed % 3 == 2 ? 0.7 : 0.0;
        twin *t = test_alloc(sizeof *t);
        *t = (twin){.d = &d, .o = &o, .n = n};
        twin_fit(t);
        const mlk_vec out = fit_predict(&d, &o, d.X);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < i; k++)
                ck_assert_msg((t->leaf_of[i] == t->leaf_of[k]) == (out.data[i] == out.data[k]),
                              "seed %zu: rows %zu and %zu", seed, i, k);
    }
}
END_TEST

/* ------------------------------------------------------------------ invariances */

static const struct {
    int loss;
    size_t n_classes;
} tasks[] = {{MLK_GBDT_SQUARED_ERROR, 0}, {MLK_GBDT_ABSOLUTE_ERROR, 0}, {MLK_GBDT_QUANTILE, 0},
             {MLK_GBDT_POISSON, 0},       {MLK_GBDT_LOG_LOSS, 2},       {MLK_GBDT_LOG_LOSS, 4}};

static mlk_data task_data(int i, uint64_t seed, size_t n)
{
    mlk_data d = mixed(seed, n, tasks[i].n_classes);
    if (tasks[i].loss == MLK_GBDT_POISSON) {
        mlk_vec y = test_vec(n);
        for (size_t r = 0; r < n; r++)
            y.data[r] = floor(exp(fmin(d.y.data[r], 3.0)));
        d.y = mlk_vec_c(y);
    }
    return d;
}

static mlk_data permuted(const mlk_data *d)
{
    const size_t n = d->X.rows, p = d->X.cols;
    mlk_mat X = test_mat(n, p);
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        const size_t from = (i * 389 + 17) % n;
        memcpy(X.data + i * p, d->X.data + from * d->X.ld, p * sizeof(double));
        y.data[i] = d->y.data[from];
    }
    mlk_data out = *d;
    out.X = mlk_mat_c(X);
    out.y = mlk_vec_c(y);
    return out;
}

START_TEST(the_order_of_the_rows_does_not_matter)
{
    const mlk_data d = task_data(_i, 5, 701), e = permuted(&d);
    mlk_gbdt_opts o = small_opts();
    o.max_bins = 40;
    o.loss = tasks[_i].loss;
    mlk_gbdt *a, *b;
    require_ok(mlk_gbdt_fit(&d, &o, NULL, &a));
    require_ok(mlk_gbdt_fit(&e, &o, NULL, &b));
    const size_t k = mlk_gbdt_n_scores(a);
    mlk_mat fa = test_mat(701, k), fb = test_mat(701, k);
    require_ok(mlk_gbdt_decision(a, d.X, 10, NULL, fa));
    require_ok(mlk_gbdt_decision(b, d.X, 10, NULL, fb));
    require_same(fa.data, fb.data, 701 * k * sizeof(double));
    mlk_gbdt_free(a);
    mlk_gbdt_free(b);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const size_t n = 40000;
    const mlk_data d = task_data(_i, 6, n);
    mlk_gbdt_opts o = small_opts();
    o.loss = tasks[_i].loss;
    o.n_estimators = 3;
    o.subsample = 0.9;
    o.early_stopping = 2;
    const int threads[] = {1, 2, 3, 8};
    mlk_gbdt *one = NULL;
    mlk_mat first = {0};
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        const mlk_run run = {.threads = threads[t]};
        mlk_gbdt *m;
        require_ok(mlk_gbdt_fit(&d, &o, &run, &m));
        const size_t k = mlk_gbdt_n_scores(m);
        mlk_mat f = test_mat(n, k);
        require_ok(mlk_gbdt_decision(m, d.X, 3, &run, f));
        if (one) {
            const mlk_cvec a = mlk_gbdt_train_loss(one), b = mlk_gbdt_train_loss(m);
            ck_assert_uint_eq(a.n, b.n);
            require_same(a.data, b.data, a.n * sizeof(double));
            require_same(first.data, f.data, n * k * sizeof(double));
            mlk_gbdt_free(m);
        } else {
            one = m;
            first = f;
        }
    }
    mlk_gbdt_free(one);
}
END_TEST

START_TEST(a_weight_is_a_number_of_copies_and_zero_is_none)
{
    const size_t n = 120;
    mlk_data d = task_data(_i, 7, n);
    mlk_vec w = test_vec(n);
    mlk_mat X = test_mat(3 * n, 4);
    mlk_vec y = test_vec(3 * n);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        w.data[i] = (double)(i % 3);
        for (size_t c = 0; c < i % 3; c++) {
            memcpy(X.data + 4 * m, d.X.data + 4 * i, 4 * sizeof(double));
            y.data[m++] = d.y.data[i];
        }
    }
    mlk_data copies = d;
    copies.X = (mlk_cmat){X.data, m, 4, 4};
    copies.y = (mlk_cvec){y.data, m};
    d.w = mlk_vec_c(w);
    mlk_gbdt_opts o = small_opts();
    o.loss = tasks[_i].loss;
    o.n_estimators = 5;
    o.reg_lambda = 0.01;
    const mlk_vec a = fit_predict(&d, &o, copies.X), b = fit_predict(&copies, &o, copies.X);
    for (size_t i = 0; i < m; i++)
        require_close(a.data[i], b.data[i], 1e-5);
}
END_TEST

/* ------------------------------------------------------------------ behaviour */

START_TEST(errors_fall_and_staged_predictions_agree)
{
    const mlk_data d = task_data(_i, 8, 600);
    mlk_gbdt_opts o = small_opts();
    o.loss = tasks[_i].loss;
    o.n_estimators = 20;
    mlk_gbdt *m;
    require_ok(mlk_gbdt_fit(&d, &o, NULL, &m));
    const mlk_cvec loss = mlk_gbdt_train_loss(m);
    ck_assert_uint_eq(loss.n, 20);
    for (size_t t = 1; t < 20; t++)
        ck_assert(loss.data[t] < loss.data[t - 1] + 1e-9);
    mlk_mat staged = test_mat(600, 20);
    require_ok(mlk_gbdt_predict_staged(m, d.X, NULL, staged));
    const mlk_vec last = predictions(m, d.X);
    for (size_t i = 0; i < 600; i++)
        ck_assert(staged.data[20 * i + 19] == last.data[i]);
    o.n_estimators = 7;
    const mlk_vec fewer = fit_predict(&d, &o, d.X);
    for (size_t i = 0; i < 600; i++)
        ck_assert(staged.data[20 * i + 6] == fewer.data[i]);
    double sum = 0.0;
    for (size_t j = 0; j < 4; j++)
        sum += mlk_gbdt_importances(m).data[j];
    require_close(sum, 1.0, 1e-12);

    const mlk_vec losses = test_vec(20), scores = test_vec(20);
    require_ok(mlk_gbdt_staged_scores(m, &d, NULL, losses, scores));
    double mean = 0.0;
    for (size_t i = 0; i < 600; i++)
        mean += d.y.data[i] / 600;
    for (size_t t = 0; t < 20; t++) {
        double right = 0.0, errors = 0.0, spread = 0.0;
        for (size_t i = 0; i < 600; i++) {
            const double e = staged.data[20 * i + t] - d.y.data[i];
            right += e == 0.0;
            errors += e * e;
            spread += (d.y.data[i] - mean) * (d.y.data[i] - mean);
        }
        require_close(losses.data[t], loss.data[t], 1e-9 * (1.0 + fabs(loss.data[t])));
        require_close(scores.data[t], d.n_classes ? right / 600 : 1.0 - errors / spread, 1e-9);
    }
    mlk_data other = d;
    other.n_classes = 7;
    char text[80];
    snprintf(text, sizeof text, "y has 7 classes; the model was fitted on %zu", d.n_classes);
    require_fail(mlk_gbdt_staged_scores(m, &other, NULL, losses, scores), MLK_EINVAL, text);
    require_fail(mlk_gbdt_staged_scores(m, &d, NULL, losses, (mlk_vec){scores.data, 19}),
                 MLK_EINVAL, "the curves have 20 and 19 values; expected 20");
    mlk_gbdt_free(m);
}
END_TEST

START_TEST(depth_wise_growth_and_limits_hold)
{
    const mlk_data d = mixed(9, 500, 0);
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 1;
    o.growth = MLK_GBDT_DEPTH_WISE;
    o.max_leaves = 0;
    o.max_depth = 3;
    o.min_samples_leaf = 5;
    mlk_gbdt *m;
    require_ok(mlk_gbdt_fit(&d, &o, NULL, &m));
    ck_assert_uint_eq(mlk_gbdt_n_nodes(m), 15);
    mlk_gbdt_free(m);
    o.max_leaves = 5;
    require_ok(mlk_gbdt_fit(&d, &o, NULL, &m));
    ck_assert_uint_eq(mlk_gbdt_n_nodes(m), 9);
    mlk_gbdt_free(m);
}
END_TEST

/* Where bounds keep a node's value far from its best, its sum is negative. */
START_TEST(bounds_do_not_excuse_a_child_that_is_too_small)
{
    enum { BITS = 20 };
    const double upper[] = {0.0, 1.0};
    const gbdt_column c = {.n_bins = 3, .upper = upper};
    const gbdt_cell cells[4] = {{-100, UINT64_C(5) << BITS | 5},
                                {0, UINT64_C(2) << BITS | 2},
                                {100, UINT64_C(5) << BITS | 5},
                                {0, 0}};
    const gbdt_node_sums node = {{0, UINT64_C(12) << BITS | 12}, -5.0, -4.0};
    gbdt_rules r = {.g_unit = 1.0, .h_unit = 1.0, .count_bits = BITS, .min_rows = 5};
    ck_assert(mlk_gbdt_best_split(&r, &c, 0, cells, &node).gain > 0.0);
    r.min_rows = 6;
    ck_assert(mlk_gbdt_best_split(&r, &c, 0, cells, &node).gain == 0.0);
}
END_TEST

START_TEST(monotone_constraints_hold)
{
    const size_t n = 800;
    const mlk_cmat X = test_random_mat(10, n, 3);
    const mlk_cvec e = test_random_vec(11, n);
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        const double *x = X.data + 3 * i;
        y.data[i] = x[0] + sin(4.0 * x[0]) - x[1] + 2.0 * cos(3.0 * x[1]) + x[2] + e.data[i];
    }
    const mlk_data d = {.X = X, .y = mlk_vec_c(y)};
    for (int loss = MLK_GBDT_SQUARED_ERROR; loss <= MLK_GBDT_ABSOLUTE_ERROR; loss++) {
        mlk_gbdt_opts o = small_opts();
        o.n_estimators = 40;
        o.max_leaves = 16;
        o.loss = loss;
        size_t broken[2] = {0, 0};
        for (int constrained = 0; constrained < 2; constrained++) {
            o.monotone = constrained ? "1, -1 0" : NULL;
            mlk_gbdt *m;
            require_ok(mlk_gbdt_fit(&d, &o, NULL, &m));
            for (size_t i = 0; i < 60; i++)
                for (size_t j = 0; j < 2; j++) {
                    mlk_mat line = test_mat(50, 3);
                    for (size_t k = 0; k < 50; k++) {
                        memcpy(line.data + 3 * k, X.data + 3 * i, 3 * sizeof(double));
                        line.data[3 * k + j] = -2.5 + 0.1 * (double)k;
                    }
                    const mlk_vec out = predictions(m, mlk_mat_c(line));
                    for (size_t k = 1; k < 50; k++)
                        broken[constrained] +=
                            (j ? -1.0 : 1.0) * (out.data[k] - out.data[k - 1]) < 0.0;
                }
            mlk_gbdt_free(m);
        }
        ck_assert_uint_gt(broken[0], 100);
        ck_assert_uint_eq(broken[1], 0);
    }
}
END_TEST

START_TEST(stops_early_and_goes_back_to_the_best)
{
    const size_t n = 400;
    const mlk_cmat X = test_random_mat(12, n, 5);
    const mlk_data d = {.X = X, .y = test_linear_target(13, X, 3.0)};
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 500;
    o.learning_rate = 0.3;
    o.early_stopping = 8;
    o.validation_fraction = 0.25;
    mlk_gbdt *m;
    require_ok(mlk_gbdt_fit(&d, &o, NULL, &m));
    const mlk_cvec valid = mlk_gbdt_validation_loss(m);
    const size_t best = mlk_gbdt_n_rounds(m);
    ck_assert_uint_eq(valid.n, best + 8);
    ck_assert_uint_lt(valid.n, 500);
    for (size_t t = 0; t < valid.n; t++)
        ck_assert(t + 1 == best || valid.data[t] >= valid.data[best - 1]);
    mlk_gbdt_free(m);
}
END_TEST

START_TEST(samples_rows_and_columns_by_the_seed)
{
    const mlk_data d = mixed(14, 300, 0);
    mlk_gbdt_opts o = small_opts();
    o.subsample = 0.5;
    o.colsample = 0.5;
    const mlk_vec a = fit_predict(&d, &o, d.X), b = fit_predict(&d, &o, d.X);
    require_same(a.data, b.data, 300 * sizeof(double));
    o.seed = 1;
    const mlk_vec c = fit_predict(&d, &o, d.X);
    ck_assert(memcmp(a.data, c.data, 300 * sizeof(double)) != 0);
}
END_TEST

START_TEST(levels_beyond_the_bins_share_one)
{
    const size_t n = 4000, levels[] = {400};
    mlk_vec x = test_vec(n), y = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        x.data[i] = (double)(i * i % 400);
        y.data[i] = (double)((size_t)x.data[i] % 2);
    }
    const mlk_data d = {.X = {x.data, n, 1, 1}, .y = mlk_vec_c(y), .levels = levels};
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 30;
    o.learning_rate = 0.5;
    mlk_vec out = fit_predict(&d, &o, d.X);
    for (size_t i = 0; i < n; i++)
        require_close(out.data[i], y.data[i], 1e-6);
    o.max_bins = 8;
    out = fit_predict(&d, &o, d.X);
    const double unseen = -1.0;
    out = fit_predict(&d, &o, (mlk_cmat){&unseen, 1, 1, 1});
    ck_assert(isfinite(out.data[0]));
}
END_TEST

START_TEST(histograms_that_find_no_room_are_made_again)
{
    /* Copies of two columns: too wide for the histograms of all leaves, and the same tree. */
    const size_t n = 300, p = 2000;
    const mlk_cmat Z = test_random_mat(19, n, 2);
    mlk_mat X = test_mat(n, p);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++)
            X.data[i * p + j] = Z.data[2 * i + (j > 0)];
    const mlk_cvec y = test_linear_target(20, Z, 1.0);
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 2;
    o.max_leaves = 60;
    const mlk_data narrow = {.X = Z, .y = y}, wide = {.X = mlk_mat_c(X), .y = y};
    const mlk_vec a = fit_predict(&narrow, &o, narrow.X), b = fit_predict(&wide, &o, wide.X);
    require_same(a.data, b.data, n * sizeof(double));
}
END_TEST

/* ---------------------------------------------------------------- real data */

/* Every fifth row of a table of numbers is the test; columns but `target` are the design. */
typedef struct halves {
    mlk_data train, test;
} halves;

static halves divide(mlk_cmat file, size_t target, mlk_cvec y)
{
    const size_t p = file.cols - 1;
    mlk_mat X[2] = {test_mat(file.rows, p), test_mat(file.rows, p)};
    mlk_vec out[2] = {test_vec(file.rows), test_vec(file.rows)};
    size_t n[2] = {0, 0};
    for (size_t i = 0; i < file.rows; i++) {
        const size_t part = i % 5 == 0;
        for (size_t j = 0, to = 0; j < file.cols; j++)
            if (j != target)
                X[part].data[n[part] * p + to++] = file.data[i * file.ld + j];
        out[part].data[n[part]++] = y.n ? y.data[i] : file.data[i * file.ld + target];
    }
    return (halves){{.X = {X[0].data, n[0], p, p}, .y = {out[0].data, n[0]}},
                    {.X = {X[1].data, n[1], p, p}, .y = {out[1].data, n[1]}}};
}

/* tests/reference/gbdt.py: R^2 0.8385 of scikit-learn 1.2.1, 0.8361 of XGBoost 1.7.4; the standard
 * error of either over splits is 0.002. */
START_TEST(predicts_housing_as_well_as_others)
{
    const char *path = test_shared_path("datasets/california_housing.csv");
    if (!path)
        return;
    const halves d = divide(test_read_csv(path), 8, (mlk_cvec){NULL, 0});
    const mlk_vec out = fit_predict(&d.train, NULL, d.test.X);
    double mean = 0.0, error = 0.0, total = 0.0;
    for (size_t i = 0; i < out.n; i++)
        mean += d.test.y.data[i] / (double)out.n;
    for (size_t i = 0; i < out.n; i++) {
        error += pow(out.data[i] - d.test.y.data[i], 2.0);
        total += pow(d.test.y.data[i] - mean, 2.0);
    }
    ck_assert_msg(1.0 - error / total > 0.8343, "R^2 %g", 1.0 - error / total);
}
END_TEST

/* The same: log-loss 0.1147 and 0.1153; its standard error on 921 rows is 0.009. */
START_TEST(finds_spam_as_well_as_others)
{
    const char *path = test_shared_path("datasets/spam.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path); /* the last column is no number: spam first */
    mlk_vec y = test_vec(file.rows);
    for (size_t i = 0; i < file.rows; i++)
        y.data[i] = i < 1813;
    halves d = divide(file, file.cols - 1, mlk_vec_c(y));
    d.train.n_classes = 2;
    mlk_gbdt *m;
    mlk_mat p = test_mat(d.test.y.n, 2);
    require_ok(mlk_gbdt_fit(&d.train, NULL, NULL, &m));
    require_ok(mlk_gbdt_predict_proba(m, d.test.X, NULL, p));
    double loss = 0.0;
    for (size_t i = 0; i < p.rows; i++)
        loss -= log(p.data[2 * i + (d.test.y.data[i] == 1.0)]) / (double)p.rows;
    ck_assert_msg(loss < 0.1245, "log-loss %g", loss);
    mlk_gbdt_free(m);
}
END_TEST

/* ----------------------------------------------------------- files and C source */

static mlk_model *task_model(int i, const mlk_data *d)
{
    mlk_gbdt_opts o = small_opts();
    mlk_model *m;
    o.loss = tasks[i].loss;
    require_ok(mlk_model_fit(&mlk_gbdt_algo, &o, d, NULL, &m));
    return m;
}

START_TEST(c_source_gives_the_same_bits)
{
    mlk_data d = task_data(_i, 21, 300);
    mlk_mat X = test_mat(300, 4);
    memcpy(X.data, d.X.data, 1200 * sizeof(double));
    X.data[3] = MLK_UNSEEN;
    mlk_model *m = task_model(_i, &d);
    const size_t k = tasks[_i].n_classes ? tasks[_i].n_classes : 1;
    const mlk_mat out = test_run_c_source(m, mlk_mat_c(X), k);
    mlk_mat own = test_mat(300, k);
    if (tasks[_i].n_classes)
        require_ok(mlk_model_predict_proba(m, mlk_mat_c(X), NULL, own));
    else
        require_ok(mlk_model_predict(m, mlk_mat_c(X), NULL, (mlk_vec){own.data, 300}));
    require_same(out.data, own.data, 300 * k * sizeof(double));
    mlk_model_free(m);
}
END_TEST

START_TEST(a_file_is_small_and_holds_all)
{
    const mlk_data d = task_data(_i, 22, 500);
    mlk_model *m = task_model(_i, &d), *back;
    mlk_doc *doc = mlk_doc_new(), *read;
    void *bytes;
    size_t size;
    mlk_model_save(m, doc);
    require_ok(mlk_archive_encode(doc, &bytes, &size));
    require_ok(mlk_archive_decode(bytes, size, &read));
    require_ok(mlk_model_load(read, &back));
    const mlk_gbdt *a = mlk_model_state(m), *b = mlk_model_state(back);
    const size_t k = mlk_gbdt_n_scores(a), other = 1200; /* options, curves, importances */
    ck_assert_uint_le(size, 16 * mlk_gbdt_n_nodes(a) + other);
    mlk_mat fa = test_mat(500, k), fb = test_mat(500, k);
    require_ok(mlk_gbdt_decision(a, d.X, 10, NULL, fa));
    require_ok(mlk_gbdt_decision(b, d.X, 10, NULL, fb));
    require_same(fa.data, fb.data, 500 * k * sizeof(double));
    ck_assert_uint_eq(mlk_gbdt_train_loss(b).n, 10);
    mlk_doc_free(doc);
    mlk_doc_free(read);
    mlk_archive_free(bytes);
    mlk_model_free(m);
    mlk_model_free(back);
}
END_TEST

START_TEST(files_that_do_not_fit_together_are_refused)
{
    const mlk_data d = task_data(5, 23, 200);
    mlk_model *m = task_model(5, &d);
    mlk_doc *doc = mlk_doc_new();
    void *state = NULL;
    mlk_gbdt_algo.save(mlk_model_state(m), doc);
    require_fail(mlk_gbdt_algo.load(doc, SIZE_MAX / 8, 4, &state), MLK_EFORMAT,
                 "feature_importances");
    require_fail(mlk_gbdt_algo.load(doc, 4, (size_t)1 << 60, &state), MLK_EFORMAT, "base");
    require_fail(mlk_gbdt_algo.load(doc, 4, 0, &state), MLK_EFORMAT, "base");
    require_fail(mlk_gbdt_algo.load(doc, 4, 3, &state), MLK_EFORMAT, "base");
    ck_assert_ptr_null(state);
    mlk_doc_free(doc);
    mlk_model_free(m);
}
END_TEST

/* ----------------------------------------------------------------- edges */

START_TEST(degenerate_tables_have_an_answer)
{
    const size_t n = 50;
    mlk_data d = mixed(15, n, 2);
    mlk_mat X = test_mat(n, 4);
    mlk_vec y = test_vec(n);
    memcpy(X.data, d.X.data, 4 * n * sizeof(double));
    for (size_t i = 0; i < n; i++)
        X.data[4 * i + 1] = (double)NAN; /* all missing */
    const mlk_gbdt_opts o = small_opts();
    d.X = mlk_mat_c(X);
    mlk_vec out = fit_predict(&d, &o, d.X);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += out.data[i] != d.y.data[i];
    ck_assert_uint_lt(wrong, 10);
    d.y = mlk_vec_c(y); /* one class alone */
    out = fit_predict(&d, &o, d.X);
    for (size_t i = 0; i < n; i++)
        ck_assert(out.data[i] == 0.0);
    d.n_classes = 0; /* a constant */
    for (size_t i = 0; i < n; i++)
        y.data[i] = 3.3;
    out = fit_predict(&d, &o, d.X);
    for (size_t i = 0; i < n; i++)
        ck_assert(out.data[i] == 3.3);
    d.X.rows = d.y.n = 1;
    out = fit_predict(&d, &o, d.X);
    ck_assert(out.data[0] == 3.3);
}
END_TEST

START_TEST(a_row_of_weight_zero_may_hold_anything)
{
    mlk_data d = mixed(24, 60, 0), e = d;
    mlk_vec y = test_vec(60), w = test_vec(60);
    for (size_t i = 0; i < 60; i++) {
        w.data[i] = i == 7 ? 0.0 : 1.0;
        y.data[i] = i == 7 ? -1e300 : d.y.data[i];
    }
    d.w = e.w = mlk_vec_c(w);
    e.y = mlk_vec_c(y);
    const mlk_gbdt_opts o = small_opts();
    mlk_gbdt *a, *b;
    require_ok(mlk_gbdt_fit(&d, &o, NULL, &a));
    require_ok(mlk_gbdt_fit(&e, &o, NULL, &b));
    require_same(mlk_gbdt_train_loss(a).data, mlk_gbdt_train_loss(b).data, 10 * sizeof(double));
    require_same(predictions(a, d.X).data, predictions(b, d.X).data, 60 * sizeof(double));
    mlk_gbdt_free(a);
    mlk_gbdt_free(b);
}
END_TEST

START_TEST(missing_only_at_prediction_goes_to_the_larger_child)
{
    const double x[] = {1, 2, 3, 4, 5}, y[] = {0, 0, 9, 9, 9}, missing = (double)NAN;
    const mlk_data d = {.X = {x, 5, 1, 1}, .y = {y, 5}};
    mlk_gbdt_opts o = small_opts();
    o.n_estimators = 1;
    o.learning_rate = 1.0;
    const mlk_vec out = fit_predict(&d, &o, (mlk_cmat){&missing, 1, 1, 1});
    require_close(out.data[0], 9.0, 1e-8);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data numbers = mixed(16, 40, 0), classes = mixed(17, 40, 2);
    mlk_gbdt_opts o = small_opts();
    mlk_gbdt *m;
    o.loss = MLK_GBDT_LOG_LOSS;
    require_fail(mlk_gbdt_fit(&numbers, &o, NULL, &m), MLK_EINVAL,
                 "loss = log_loss is not for numbers");
    ck_assert_ptr_null(m);
    o.loss = MLK_GBDT_POISSON;
    require_fail(mlk_gbdt_fit(&classes, &o, NULL, &m), MLK_EINVAL,
                 "loss = poisson is not for classes");
    require_fail(mlk_gbdt_fit(&numbers, &o, NULL, &m), MLK_EINVAL, "the Poisson loss expects");
    o = small_opts();
    o.quantile = 0.9;
    require_fail(mlk_gbdt_fit(&numbers, &o, NULL, &m), MLK_EINVAL,
                 "quantile = 0.9 has no effect with loss = squared_error");
    o = small_opts();
    o.monotone = "1,0,2,0";
    require_fail(mlk_gbdt_fit(&numbers, &o, NULL, &m), MLK_EINVAL,
                 "monotone = '2' for column 2; expected 1, 0 or -1");
    o.monotone = "1,0";
    require_fail(mlk_gbdt_fit(&numbers, &o, NULL, &m), MLK_EINVAL, "monotone has 2 values");
    o.monotone = "0,0,0,1";
    require_fail(mlk_gbdt_fit(&numbers, &o, NULL, &m), MLK_EINVAL, "column 3 is categorical");
    o = small_opts();
    require_ok(mlk_gbdt_fit(&numbers, &o, NULL, &m));
    mlk_mat p = test_mat(40, 2);
    require_fail(mlk_gbdt_predict_proba(m, numbers.X, NULL, p), MLK_EUNSUPPORTED, "regression");
    require_fail(mlk_gbdt_decision(m, numbers.X, 1, NULL, p), MLK_EINVAL,
                 "the output has 2 columns; expected 1");
    mlk_gbdt_free(m);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_run run = {.threads = 2};
    for (int i = 0; i < (int)MLK_COUNT(tasks); i++) {
        const mlk_data d = task_data(i, 18, 60);
        mlk_gbdt_opts o = small_opts();
        o.loss = tasks[i].loss;
        o.n_estimators = 3;
        o.early_stopping = 2;
        o.subsample = 0.8;
        mlk_gbdt *m;
        mlk_status st = MLK_ENOMEM;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = mlk_gbdt_fit(&d, &o, &run, &m);
            ck_assert(st == MLK_OK ? m != NULL : st == MLK_ENOMEM && m == NULL);
        }
        mlk_test_fail_at = -1;
        mlk_gbdt_free(m);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/gbdt");
    TCase *loss = test_case(s, "loss"), *tree = test_case(s, "tree");
    TCase *same = test_case(s, "invariance"), *fit = test_case(s, "fit");
    TCase *file = test_case(s, "file"), *errors = test_case(s, "errors");
    const int n = (int)MLK_COUNT(tasks);
    tcase_add_loop_test(loss, derivatives_are_those_of_the_loss, 0, (int)MLK_COUNT(all_losses));
    tcase_add_test(loss, losses_have_their_known_values);
    tcase_add_test(tree, a_stump_has_the_gain_and_values_of_the_formulas);
    tcase_add_test(tree, a_logistic_stump_takes_a_newton_step);
    tcase_add_test(tree, leaves_of_the_absolute_loss_hold_medians);
    tcase_add_test(tree, grows_the_tree_of_its_slow_twin);
    tcase_add_loop_test(same, the_order_of_the_rows_does_not_matter, 0, n);
    tcase_add_loop_test(same, any_number_of_threads_gives_the_same_bytes, 0, n);
    tcase_add_loop_test(same, a_weight_is_a_number_of_copies_and_zero_is_none, 0, n);
    tcase_add_loop_test(fit, errors_fall_and_staged_predictions_agree, 0, n);
    tcase_add_test(fit, depth_wise_growth_and_limits_hold);
    tcase_add_test(fit, bounds_do_not_excuse_a_child_that_is_too_small);
    tcase_add_test(fit, monotone_constraints_hold);
    tcase_add_test(fit, stops_early_and_goes_back_to_the_best);
    tcase_add_test(fit, samples_rows_and_columns_by_the_seed);
    tcase_add_test(fit, levels_beyond_the_bins_share_one);
    tcase_add_test(fit, histograms_that_find_no_room_are_made_again);
    tcase_add_test(fit, predicts_housing_as_well_as_others);
    tcase_add_test(fit, finds_spam_as_well_as_others);
    tcase_add_loop_test(file, c_source_gives_the_same_bits, 0, n);
    tcase_add_loop_test(file, a_file_is_small_and_holds_all, 0, n);
    tcase_add_test(file, files_that_do_not_fit_together_are_refused);
    tcase_add_test(errors, degenerate_tables_have_an_answer);
    tcase_add_test(errors, a_row_of_weight_zero_may_hold_anything);
    tcase_add_test(errors, missing_only_at_prediction_goes_to_the_larger_child);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
