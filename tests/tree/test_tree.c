#include <mlkit/tree/tree.h>

#include <stdio.h>

#include <mlkit/data/dataset.h>

#include "core/rng.h"
#include "support/c_source.h"
#include "support/mlk_test.h"
#include "support/slow_tree.h"

/* ------------------------------------------------------------------- fixtures */

/* A small random table: few distinct values, so that columns, cuts and classes tie; a column may be
 * categorical, constant or all missing. Targets and weights have few bits. */
typedef struct table {
    mlk_data data;
    size_t levels[6];
} table;

static double small_value(mlk_rng *rng, size_t n) { return (double)mlk_rng_below(rng, n); }

static void fill_column(table *t, mlk_mat X, size_t j, mlk_rng *rng)
{
    const size_t kind = mlk_rng_below(rng, 8), distinct = 1 + mlk_rng_below(rng, 12);
    const bool missing = mlk_rng_below(rng, 3) == 0;
    t->levels[j] = kind < 3 ? 1 + mlk_rng_below(rng, 9) : 0;
    for (size_t i = 0; i < X.rows; i++) {
        double v = kind == 7 ? mlk_rng_normal(rng) : small_value(rng, distinct) - 3.0;
        if (t->levels[j])
            v = mlk_rng_below(rng, 12) ? small_value(rng, t->levels[j]) : MLK_UNSEEN;
        if ((missing && mlk_rng_below(rng, 4) == 0) || (kind == 6 && missing))
            v = NAN;
        X.data[i * X.ld + j] = v;
    }
}

static table *random_table(uint64_t seed, size_t max_rows)
{
    table *t = test_alloc(sizeof *t);
    mlk_rng rng = mlk_rng_stream(seed, 77);
    const size_t n = 1 + mlk_rng_below(&rng, max_rows), p = 1 + mlk_rng_below(&rng, 6);
    const size_t k = mlk_rng_below(&rng, 2) ? 2 + mlk_rng_below(&rng, 3) : 0;
    const size_t weights = mlk_rng_below(&rng, 3);
    mlk_mat X = test_mat(n, p);
    mlk_vec y = test_vec(n), w = test_vec(weights ? n : 0);
    for (size_t j = 0; j < p; j++)
        fill_column(t, X, j, &rng);
    for (size_t i = 0; i < n; i++)
        y.data[i] = k ? small_value(&rng, k) : small_value(&rng, 40) / 8.0;
    for (size_t i = 0; i < w.n; i++) /* whole ones, or quarters; some are 0 */
        w.data[i] = weights == 1 ? small_value(&rng, 4) : small_value(&rng, 9) / 4.0;
    if (w.n)
        w.data[0] = 1.0;
    t->data = (mlk_data){mlk_mat_c(X), mlk_vec_c(y), mlk_vec_c(w), k, t->levels};
    return t;
}

static mlk_tree_opts random_opts(uint64_t seed, size_t k)
{
    mlk_rng rng = mlk_rng_stream(seed, 78);
    mlk_tree_opts o = mlk_tree_opts_default();
    const bool second = mlk_rng_below(&rng, 3) == 0;
    if (second)
        o.criterion = k ? MLK_TREE_ENTROPY : MLK_TREE_ABSOLUTE_ERROR;
    o.max_depth = (int64_t)mlk_rng_below(&rng, 5);
    o.min_samples_leaf = 1 + (int64_t)mlk_rng_below(&rng, 3);
    o.min_samples_split = 2 + (int64_t)mlk_rng_below(&rng, 4);
    o.min_impurity_decrease = mlk_rng_below(&rng, 4) ? 0.0 : 0.03;
    return o;
}

static mlk_tree *fit(const mlk_data *data, const mlk_tree_opts *opts, int threads)
{
    mlk_tree *tree;
    require_ok(mlk_tree_fit(data, opts, &(mlk_run){.threads = threads}, &tree));
    return tree;
}

static void require_same_tree(const mlk_tree *a, const mlk_tree *b)
{
    const size_t k = mlk_tree_n_classes(a), p = mlk_tree_n_features(a);
    ck_assert_uint_eq(mlk_tree_n_nodes(a), mlk_tree_n_nodes(b));
    for (size_t i = 0; i < mlk_tree_n_nodes(a); i++) {
        const mlk_tree_node x = mlk_tree_node_at(a, i), y = mlk_tree_node_at(b, i);
        ck_assert(x.leaf == y.leaf && x.left == y.left && x.feature == y.feature);
        ck_assert(x.missing_left == y.missing_left && x.categorical == y.categorical);
        ck_assert(x.samples == y.samples && x.weight == y.weight);
        if (!x.leaf && !x.categorical)
            ck_assert(x.threshold == y.threshold);
        for (size_t l = 0; x.categorical && l < mlk_tree_n_levels(a, x.feature); l++)
            ck_assert(mlk_tree_level_left(a, i, l) == mlk_tree_level_left(b, i, l));
        require_same(x.value, y.value, (k ? k : 1) * sizeof(double));
        require_close(x.impurity, y.impurity, 1e-12);
    }
    require_same(mlk_tree_importances(a).data, mlk_tree_importances(b).data, p * sizeof(double));
}

/* ---------------------------------------------------------------- invariances */

START_TEST(permuted_rows_give_the_same_tree)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        const mlk_data *d = &random_table(seed, 150)->data;
        const mlk_tree_opts o = random_opts(seed, d->n_classes);
        const size_t n = d->X.rows, p = d->X.cols;
        mlk_rng rng = mlk_rng_stream(seed, 9);
        size_t *order = test_alloc(n * sizeof *order);
        mlk_mat X = test_mat(n, p);
        mlk_vec y = test_vec(n), w = test_vec(d->w.n);
        mlk_rng_permutation(&rng, order, n);
        for (size_t i = 0; i < n; i++) {
            memcpy(X.data + i * p, d->X.data + order[i] * p, p * sizeof(double));
            y.data[i] = d->y.data[order[i]];
            if (w.n)
                w.data[i] = d->w.data[order[i]];
        }
        const mlk_data other = {.X = mlk_mat_c(X),
                                .y = mlk_vec_c(y),
                                .w = mlk_vec_c(w),
                                .n_classes = d->n_classes,
                                .levels = d->levels};
        mlk_tree *a = fit(d, &o, 1), *b = fit(&other, &o, 1);
        require_same_tree(a, b);
        mlk_tree_free(a);
        mlk_tree_free(b);
    }
}
END_TEST

START_TEST(integer_weights_are_duplicated_rows)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        const mlk_data *d = &random_table(seed, 60)->data;
        mlk_tree_opts o = random_opts(seed, d->n_classes);
        const size_t n = d->X.rows, p = d->X.cols;
        mlk_mat X = test_mat(4 * n, p);
        mlk_vec y = test_vec(4 * n), w = test_vec(n);
        size_t m = 0;
        o.min_samples_leaf = 1; /* limits count rows, not weight */
        o.min_samples_split = 2;
        for (size_t i = 0; i < n; i++) {
            w.data[i] = (double)((7 * i + seed) % 4 + (i == 0));
            for (size_t c = 0; c < (size_t)w.data[i]; c++) {
                memcpy(X.data + m * p, d->X.data + i * p, p * sizeof(double));
                y.data[m++] = d->y.data[i];
            }
        }
        mlk_data weighted = *d, repeated = *d;
        weighted.w = mlk_vec_c(w);
        repeated.w = (mlk_cvec){NULL, 0};
        repeated.X = (mlk_cmat){X.data, m, p, p};
        repeated.y = (mlk_cvec){y.data, m};
        mlk_tree *a = fit(&weighted, &o, 1), *b = fit(&repeated, &o, 1);
        ck_assert_uint_eq(mlk_tree_n_nodes(a), mlk_tree_n_nodes(b));
        for (size_t i = 0; i < mlk_tree_n_nodes(a); i++) {
            const mlk_tree_node u = mlk_tree_node_at(a, i), v = mlk_tree_node_at(b, i);
            ck_assert(u.leaf == v.leaf && u.feature == v.feature && u.weight == v.weight);
            ck_assert(u.leaf || u.categorical || u.threshold == v.threshold);
            require_same(u.value, v.value, (d->n_classes ? d->n_classes : 1) * sizeof(double));
        }
        mlk_tree_free(a);
        mlk_tree_free(b);
    }
}
END_TEST

START_TEST(gives_the_same_tree_for_any_number_of_threads)
{
    const mlk_cmat X = test_random_mat(5, 40000, 9); /* enough for subtrees in parallel */
    for (size_t k = 0; k < 4; k += 3) {
        const mlk_data d = test_data(1, X, k, 1.0);
        mlk_tree_opts o = mlk_tree_opts_default();
        o.max_features = k ? MLK_TREE_SQRT : MLK_TREE_ALL;
        mlk_tree *one = fit(&d, &o, 1);
        ck_assert_uint_gt(mlk_tree_n_leaves(one), 1000);
        for (int threads = 2; threads < 9; threads = threads == 3 ? 8 : threads + 1) {
            mlk_tree *other = fit(&d, &o, threads);
            require_same_tree(one, other);
            mlk_tree_free(other);
        }
        mlk_tree_free(one);
    }
}
END_TEST

START_TEST(is_written_as_c_that_gives_the_same_bits)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        table *t = random_table(3 * seed + 1, 200);
        mlk_model *model;
        require_ok(mlk_model_fit(&mlk_tree_algo, NULL, &t->data, NULL, &model));
        const size_t k = t->data.n_classes, width = k ? k : 1, n = t->data.X.rows;
        const mlk_mat said = test_run_c_source(model, t->data.X, width);
        mlk_mat expected = test_mat(n, width);
        if (k)
            require_ok(mlk_model_predict_proba(model, t->data.X, NULL, expected));
        else
            require_ok(mlk_model_predict(model, t->data.X, NULL, (mlk_vec){expected.data, n}));
        require_same(said.data, expected.data, n * width * sizeof(double));
        mlk_model_free(model);
    }
}
END_TEST

/* --------------------------------------------------------------------- twin */

static void require_twin(const mlk_tree *tree, const slow_tree *slow, const mlk_data *d, int seed)
{
    ck_assert_msg(mlk_tree_n_nodes(tree) == slow->n, "table %d: %zu nodes, the slow tree has %zu",
                  seed, mlk_tree_n_nodes(tree), slow->n);
    for (size_t i = 0; i < slow->n; i++) {
        const mlk_tree_node x = mlk_tree_node_at(tree, i);
        const slow_node *s = &slow->node[i];
        ck_assert_msg(x.leaf == s->leaf && x.samples == s->samples && x.weight == (double)s->weight,
                      "table %d node %zu: %d %zu %g, slow: %d %zu %g", seed, i, x.leaf, x.samples,
                      x.weight, s->leaf, s->samples, (double)s->weight);
        require_close(x.impurity, (double)s->impurity, 1e-12);
        for (size_t c = 0; c < (d->n_classes ? d->n_classes : 1); c++)
            require_close(x.value[c], (double)s->value[c], 1e-12);
        if (x.leaf)
            continue;
        ck_assert_msg(
            x.left == s->left && x.feature == s->feature && x.missing_left == s->missing_left &&
                x.categorical == s->categorical && (x.categorical || x.threshold == s->threshold),
            "table %d node %zu: column %zu <= %.17g %d, slow: column %zu <= %.17g %d", seed, i,
            x.feature, x.threshold, x.missing_left, s->feature, s->threshold, s->missing_left);
        for (size_t l = 0; x.categorical && l < d->levels[x.feature]; l++)
            ck_assert_msg(mlk_tree_level_left(tree, i, l) == s->level_left[l],
                          "table %d node %zu level %zu", seed, i, l);
    }
}

START_TEST(equals_the_slow_literal_tree)
{
    enum { TABLES = 200 };
    for (int t = TABLES * _i; t < TABLES * (_i + 1); t++) {
        const mlk_data *d = &random_table((uint64_t)t, t % 10 ? 40 : 200)->data;
        const mlk_tree_opts o = random_opts((uint64_t)t, d->n_classes);
        mlk_tree *tree = fit(d, &o, 1);
        const slow_tree slow = slow_tree_fit(d, &o);
        require_twin(tree, &slow, d, t);
        mlk_tree_free(tree);
    }
}
END_TEST

START_TEST(finds_the_best_of_all_subsets_of_levels)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        enum { N = 60, L = 9 };
        mlk_rng rng = mlk_rng_stream(seed, 3);
        const size_t levels[] = {L}, k = seed % 2 ? 2 : 0;
        double x[N], y[N];
        for (size_t i = 0; i < N; i++) {
            x[i] = i < L ? (double)i : small_value(&rng, L);
            y[i] = k ? (double)(i < 2 ? i : mlk_rng_below(&rng, 2)) : mlk_rng_normal(&rng);
        }
        const mlk_data d = {.X = {x, N, 1, 1}, .y = {y, N}, .n_classes = k, .levels = levels};
        mlk_tree_opts o = mlk_tree_opts_default();
        o.max_depth = 1;
        if (seed % 4 == 1)
            o.criterion = MLK_TREE_ENTROPY;
        mlk_tree *tree = fit(&d, &o, 1);
        const mlk_tree_node root = mlk_tree_node_at(tree, 0), l = mlk_tree_node_at(tree, 1),
                            r = mlk_tree_node_at(tree, 2);
        const double gain =
            root.weight * root.impurity - l.weight * l.impurity - r.weight * r.impurity;
        require_close(gain, (double)slow_tree_best_subset(&d, mlk_tree_criterion(tree), 0), 1e-10);
        mlk_tree_free(tree);
    }
}
END_TEST

/* ------------------------------------------------------------- published figures */

START_TEST(grows_the_iris_tree_of_the_book)
{
    const char *path = test_shared_path("datasets/iris.csv");
    if (!path)
        return;
    const mlk_cmat all = test_read_csv(path);
    mlk_mat X = test_mat(150, 2);
    mlk_vec y = test_vec(150), out = test_vec(1);
    for (size_t i = 0; i < 150; i++) {
        X.data[2 * i] = all.data[i * all.ld + 2];
        X.data[2 * i + 1] = all.data[i * all.ld + 3];
        y.data[i] = (double)(i / 50);
    }
    mlk_tree_opts o = mlk_tree_opts_default();
    o.max_depth = 2;
    const mlk_data d = {.X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = 3};
    mlk_tree *tree = fit(&d, &o, 0);
    const mlk_tree_node root = mlk_tree_node_at(tree, 0), a = mlk_tree_node_at(tree, 1),
                        b = mlk_tree_node_at(tree, 2), l = mlk_tree_node_at(tree, 3),
                        r = mlk_tree_node_at(tree, 4);
    ck_assert_uint_eq(mlk_tree_n_nodes(tree), 5);
    ck_assert_uint_eq(root.feature, 0);
    require_close(root.threshold, 2.45, 1e-12);
    require_close(root.impurity, .66666667, 5e-9);
    ck_assert(a.leaf && a.samples == 50 && a.value[0] == 1.0);
    ck_assert_uint_eq(b.feature, 1);
    require_close(b.threshold, 1.75, 1e-12);
    require_close(b.impurity, .5, 1e-15);
    require_close(l.impurity, .16803841, 5e-9);
    require_close(r.impurity, .04253308, 5e-9);
    ck_assert(l.samples == 54 && l.value[1] == 49.0 / 54.0);
    ck_assert(r.samples == 46 && r.value[2] == 45.0 / 46.0);
    const double flower[] = {5.0, 1.5};
    mlk_mat proba = test_mat(1, 3);
    require_ok(mlk_tree_predict_proba(tree, (mlk_cmat){flower, 1, 2, 2}, NULL, proba));
    require_close(proba.data[0], 0.0, 0.0);
    require_close(proba.data[1], .90740741, 5e-9);
    require_close(proba.data[2], .09259259, 5e-9);
    require_ok(mlk_tree_predict(tree, (mlk_cmat){flower, 1, 2, 2}, NULL, out));
    ck_assert(out.data[0] == 1.0);
    mlk_tree_free(tree);

    o.criterion = MLK_TREE_ENTROPY;
    tree = fit(&d, &o, 0);
    require_close(mlk_tree_node_at(tree, 3).impurity, .44506485705083865, 1e-14);
    mlk_tree_free(tree);
}
END_TEST

/* The neighbours in column 0 between which a threshold lies. */
static void neighbours(mlk_cmat X, double threshold, double *a, double *b)
{
    *a = -INFINITY;
    *b = INFINITY;
    for (size_t i = 0; i < X.rows; i++) {
        const double x = X.data[i * X.ld];
        if (x <= threshold)
            *a = fmax(*a, x);
        else
            *b = fmin(*b, x);
    }
}

START_TEST(grows_the_regression_tree_of_the_book)
{
    static const double value[] = {.35386923, .68935686, .25924452, .85389715,
                                   .55223996, .11063973, .61460379};
    static const double mse[] = {.09778939, .03767174, .07404639, .0175742,
                                 .01305739, .01512587, .03585498};
    static const double threshold[] = {.19734927, .09169627, .77175754};
    static const size_t samples[] = {200, 44, 156, 20, 24, 110, 46};
    const char *path = test_shared_path("book/ch6_quad200.csv");
    if (!path)
        return;
    const mlk_cmat all = test_read_csv(path);
    mlk_vec y = test_vec(all.rows);
    for (size_t i = 0; i < all.rows; i++)
        y.data[i] = all.data[2 * i + 1];
    const mlk_data d = {.X = {all.data, all.rows, 1, 2}, .y = mlk_vec_c(y)};
    mlk_tree_opts o = mlk_tree_opts_default();
    o.max_depth = 2;
    mlk_tree *tree = fit(&d, &o, 0);
    ck_assert_uint_eq(mlk_tree_n_nodes(tree), 7);
    for (size_t i = 0; i < 3; i++) {
        /* The book's program rounds x to single precision first: so does the comparison. */
        const double t = mlk_tree_node_at(tree, i).threshold;
        double a, b;
        neighbours(d.X, t, &a, &b);
        ck_assert(t == 0.5 * a + 0.5 * b);
        require_close(0.5 * (double)(float)a + 0.5 * (double)(float)b, threshold[i], 5e-9);
    }
    for (size_t i = 0; i < 7; i++) {
        const mlk_tree_node x = mlk_tree_node_at(tree, i);
        require_close(x.value[0], value[i], 5.1e-9);
        require_close(x.impurity, mse[i], 5.1e-9);
        ck_assert_uint_eq(x.samples, samples[i]);
    }
    mlk_tree_free(tree);
}
END_TEST

/* A shared table as an algorithm sees it; false where the folder is absent. */
typedef struct shared_table {
    mlk_table *table;
    mlk_dataset *dataset;
    mlk_data data;
} shared_table;

static bool open_shared(const char *name, const char *target, const char *task, shared_table *t)
{
    const char *path = test_shared_path(name);
    if (!path)
        return false;
    const mlk_roles roles = {.target = target, .task = task};
    require_ok(mlk_table_read(path, NULL, NULL, &t->table));
    require_ok(mlk_dataset_new(t->table, &roles, NULL, &t->dataset));
    t->data = mlk_dataset_data(t->dataset);
    return true;
}

static void close_shared(shared_table *t)
{
    mlk_dataset_free(t->dataset);
    mlk_table_free(t->table);
}

START_TEST(leaves_no_error_on_the_housing_rows_of_the_book)
{
    shared_table t;
    const char *rows_path = test_shared_path("book/housing_strat_train_idx.txt");
    if (!rows_path ||
        !open_shared("datasets/california_housing.csv", "median_house_value", "regression", &t))
        return;
    size_t rows[20640], n = 0;
    FILE *f = fopen(rows_path, "r");
    while (n < MLK_COUNT(rows) && fscanf(f, "%zu", &rows[n]) == 1)
        n++;
    fclose(f);
    ck_assert_uint_eq(n, 16512);
    mlk_subset train;
    require_ok(mlk_subset_new(&t.data, rows, n, NULL, &train));
    mlk_tree *tree = fit(&train.data, NULL, 0);
    mlk_vec out = test_vec(n);
    require_ok(mlk_tree_predict(tree, train.data.X, NULL, out));
    require_same(out.data, train.data.y.data, n * sizeof(double)); /* RMSE 0 */
    mlk_tree_free(tree);
    mlk_subset_free(&train);
    close_shared(&t);
}
END_TEST

/* scikit-learn 1.2.1 and rpart 4.1.19, which agree: tests/reference/tree.py. */
static const struct {
    const char *name, *target;
    bool classes;
    int64_t max_depth, min_samples_leaf;
    size_t leaves;
    double impurity;
} peers[] = {
    {"datasets/boston.csv", "medv", false, 4, 5, 13, 11.6318474025738},
    {"datasets/concrete.csv", "compressive_strength", false, 5, 8, 31, 55.7600700886224},
    {"datasets/diabetes.csv", "progression", false, 4, 10, 15, 2596.29641741318},
    {"datasets/breast_cancer.csv", "diagnosis", true, 4, 7, 12, 0.0314000098710116},
    {"datasets/wine.csv", "cultivar", true, 3, 6, 7, 0.0836142322097378},
    {"datasets/sonar.csv", "Class", true, 4, 5, 13, 0.111068306693307},
};

START_TEST(fits_as_well_as_other_programs_with_as_many_leaves)
{
    shared_table t;
    if (!open_shared(peers[_i].name, peers[_i].target,
                     peers[_i].classes ? "classification" : "regression", &t))
        return;
    mlk_tree_opts o = mlk_tree_opts_default();
    o.max_depth = peers[_i].max_depth;
    o.min_samples_leaf = peers[_i].min_samples_leaf;
    mlk_tree *tree = fit(&t.data, &o, 0);
    double impurity = 0.0;
    for (size_t i = 0; i < mlk_tree_n_nodes(tree); i++) {
        const mlk_tree_node x = mlk_tree_node_at(tree, i);
        if (x.leaf)
            impurity += x.impurity * (double)x.samples / (double)t.data.X.rows;
    }
    ck_assert_uint_eq(mlk_tree_n_leaves(tree), peers[_i].leaves);
    require_relative(impurity, peers[_i].impurity, 1e-11);
    mlk_tree_free(tree);
    close_shared(&t);
}
END_TEST

/* ---------------------------------------------------------------------- limits */

START_TEST(grows_the_best_leaf_first)
{
    for (uint64_t seed = 0; seed < 6; seed++) {
        const mlk_cmat X = test_random_mat(seed, 150, 3);
        const mlk_data d = {.X = X, .y = test_linear_target(seed, X, 1.0)};
        const mlk_tree_opts all = mlk_tree_opts_default();
        const slow_tree slow = slow_tree_fit(&d, &all);
        /* Open the largest gain among the leaves, again and again, on the slow full tree. */
        bool opened[512] = {false}, leaf[512] = {true};
        for (size_t leaves = 2; leaves < 20; leaves++) {
            size_t best = SIZE_MAX;
            for (size_t i = 0; i < slow.n; i++)
                if (leaf[i] && !slow.node[i].leaf &&
                    (best == SIZE_MAX || slow.node[i].gain > slow.node[best].gain))
                    best = i;
            leaf[best] = false;
            opened[best] = true;
            leaf[slow.node[best].left] = leaf[slow.node[best].right] = true;
            mlk_tree_opts o = all;
            o.max_leaf_nodes = (int64_t)leaves;
            mlk_tree *tree = fit(&d, &o, 1);
            ck_assert_uint_eq(mlk_tree_n_leaves(tree), leaves);
            size_t of[512] = {0}; /* slow node of each node */
            for (size_t i = 0; i < mlk_tree_n_nodes(tree); i++) {
                const mlk_tree_node x = mlk_tree_node_at(tree, i);
                const slow_node *s = &slow.node[of[i]];
                ck_assert(x.leaf != opened[of[i]]);
                if (x.leaf)
                    continue;
                ck_assert(x.feature == s->feature && x.threshold == s->threshold);
                of[x.left] = s->left;
                of[x.right] = s->right;
            }
            mlk_tree_free(tree);
        }
    }
}
END_TEST

START_TEST(draws_columns_anew_at_each_node_and_by_the_seed)
{
    const mlk_cmat X = test_random_mat(2, 400, 10);
    const mlk_data d = {.X = X, .y = test_linear_target(2, X, 0.1)};
    mlk_tree_opts o = mlk_tree_opts_default();
    o.max_features = 0.1;
    mlk_tree *a = fit(&d, &o, 1), *same = fit(&d, &o, 1);
    require_same_tree(a, same);
    size_t used[10] = {0};
    for (size_t i = 0; i < mlk_tree_n_nodes(a); i++)
        if (!mlk_tree_node_at(a, i).leaf)
            used[mlk_tree_node_at(a, i).feature]++;
    for (size_t j = 0; j < 10; j++) /* about 40 each */
        ck_assert(used[j] > 10 && used[j] < 90);
    o.seed = 1;
    mlk_tree *b = fit(&d, &o, 1);
    ck_assert(mlk_tree_node_at(a, 0).threshold != mlk_tree_node_at(b, 0).threshold);
    mlk_tree_free(a);
    mlk_tree_free(same);
    mlk_tree_free(b);
}
END_TEST

START_TEST(draws_on_where_the_columns_drawn_cannot_split)
{
    const double x[] = {1, 1, 1, 7, 0, 1, 1, 1, 7, 1, 1, 1, 1, 7, 2, 1, 1, 1, 7, 3};
    const double y[] = {0, 1, 0, 1};
    const mlk_data d = {.X = {x, 4, 5, 5}, .y = {y, 4}, .n_classes = 2};
    mlk_tree_opts o = mlk_tree_opts_default();
    o.max_features = 0.2;
    for (int64_t seed = 0; seed < 10; seed++) {
        o.seed = seed;
        mlk_tree *tree = fit(&d, &o, 1);
        ck_assert_uint_eq(mlk_tree_n_leaves(tree), 4);
        mlk_tree_free(tree);
    }
}
END_TEST

START_TEST(balanced_classes_weigh_the_same)
{
    const mlk_cmat X = test_random_mat(3, 90, 3);
    mlk_vec y = test_vec(90), w = test_vec(90);
    for (size_t i = 0; i < 90; i++)
        y.data[i] = i % 9 == 0 ? 1.0 : i % 3 == 1 ? 2.0 : 0.0;
    size_t n[3] = {0};
    for (size_t i = 0; i < 90; i++)
        n[(size_t)y.data[i]]++;
    for (size_t i = 0; i < 90; i++)
        w.data[i] = 90.0 / (3.0 * (double)n[(size_t)y.data[i]]);
    const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = 3};
    mlk_data weighted = d;
    weighted.w = mlk_vec_c(w);
    mlk_tree_opts o = mlk_tree_opts_default();
    mlk_tree *b = fit(&weighted, &o, 1);
    o.class_weight = 1;
    mlk_tree *a = fit(&d, &o, 1);
    require_same_tree(a, b);
    for (size_t c = 0; c < 3; c++)
        require_close(mlk_tree_node_at(a, 0).value[c], 1.0 / 3.0, 90.0 * DBL_EPSILON);
    mlk_tree_free(a);
    mlk_tree_free(b);
}
END_TEST

/* ------------------------------------------------------------------- edge cases */

START_TEST(one_class_one_row_or_a_constant_target_is_a_leaf)
{
    const double x[] = {1, 2, 3, 4}, ones[] = {1, 1, 1, 1}, pi[] = {3.14, 3.14, 3.14, 3.14};
    const mlk_data cases[] = {
        {.X = {x, 4, 1, 1}, .y = {ones, 4}, .n_classes = 2},
        {.X = {x, 1, 4, 4}, .y = {pi, 1}},
        {.X = {x, 4, 1, 1}, .y = {pi, 4}},
        {.X = {ones, 4, 1, 1}, .y = {x, 4}}, /* a constant column */
    };
    static const double expected[] = {1.0, 3.14, 3.14, 2.5};
    for (size_t i = 0; i < MLK_COUNT(cases); i++) {
        mlk_tree *tree = fit(&cases[i], NULL, 1);
        double out;
        ck_assert_uint_eq(mlk_tree_n_nodes(tree), 1);
        ck_assert_uint_eq(mlk_tree_depth(tree), 0);
        require_ok(
            mlk_tree_predict(tree, mlk_cmat_rows(cases[i].X, 0, 1), NULL, (mlk_vec){&out, 1}));
        ck_assert(out == expected[i]);
        ck_assert(mlk_tree_importances(tree).data[0] == 0.0);
        mlk_tree_free(tree);
    }
}
END_TEST

START_TEST(an_all_missing_column_is_never_split)
{
    const double x[] = {NAN, 1, NAN, 2, NAN, 3, NAN, 4}, y[] = {0, 0, 1, 1};
    const mlk_data d = {.X = {x, 4, 2, 2}, .y = {y, 4}, .n_classes = 2};
    mlk_tree *tree = fit(&d, NULL, 1);
    ck_assert_uint_eq(mlk_tree_n_leaves(tree), 2);
    ck_assert_uint_eq(mlk_tree_node_at(tree, 0).feature, 1);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(missing_values_that_tell_the_class_are_split_off)
{
    const double x[] = {5, NAN, 1, NAN, 9}, y[] = {0, 1, 0, 1, 0};
    const mlk_data d = {.X = {x, 5, 1, 1}, .y = {y, 5}, .n_classes = 2};
    mlk_tree *tree = fit(&d, NULL, 1);
    const mlk_tree_node root = mlk_tree_node_at(tree, 0);
    ck_assert_uint_eq(mlk_tree_n_leaves(tree), 2);
    ck_assert(isinf(root.threshold) && !root.missing_left);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(what_training_did_not_see_goes_with_the_heavier_child)
{
    /* Level 3 does not occur; nothing is missing. Levels 0, 1 -> class 0 (3 rows), 2 -> 1. */
    const double x[] = {0, 1, 1, 2}, y[] = {0, 0, 0, 1};
    const size_t levels[] = {4};
    const double strange[] = {3, NAN, MLK_UNSEEN, 4, 1e300, 2.0, 0.0};
    const double expected[] = {0, 0, 0, 0, 0, 1, 0};
    const mlk_data d = {.X = {x, 4, 1, 1}, .y = {y, 4}, .n_classes = 2, .levels = levels};
    mlk_tree *tree = fit(&d, NULL, 1);
    mlk_vec out = test_vec(7);
    require_ok(mlk_tree_predict(tree, (mlk_cmat){strange, 7, 1, 1}, NULL, out));
    require_same(out.data, expected, sizeof expected);
    mlk_tree_free(tree);

    const double z[] = {1, 2, 3, 10}, missing = NAN;
    mlk_data numeric = d;
    numeric.X.data = z;
    numeric.levels = NULL;
    tree = fit(&numeric, NULL, 1);
    require_ok(mlk_tree_predict(tree, (mlk_cmat){&missing, 1, 1, 1}, NULL, (mlk_vec){out.data, 1}));
    ck_assert(out.data[0] == 0.0);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(thresholds_separate_neighbours_of_any_size)
{
    const double big = DBL_MAX, tiny = DBL_TRUE_MIN;
    const double pairs[][2] = {{1.0, nextafter(1.0, 2.0)},
                               {-big, big},
                               {0.9 * big, big},
                               {0.0, tiny},
                               {-tiny, 0.0},
                               {-1e-300, 1e-300},
                               {-nextafter(3.0, 4.0), -3.0}};
    const double y[] = {0, 1};
    for (size_t i = 0; i < MLK_COUNT(pairs); i++) {
        const mlk_data d = {.X = {pairs[i], 2, 1, 1}, .y = {y, 2}, .n_classes = 2};
        mlk_tree *tree = fit(&d, NULL, 1);
        const double t = mlk_tree_node_at(tree, 0).threshold;
        mlk_vec out = test_vec(2);
        ck_assert(pairs[i][0] <= t && t < pairs[i][1]);
        require_ok(mlk_tree_predict(tree, d.X, NULL, out));
        require_same(out.data, y, sizeof y);
        mlk_tree_free(tree);
    }
}
END_TEST

START_TEST(takes_hundreds_of_levels)
{
    enum { N = 3000, L = 700 };
    const size_t levels[] = {L};
    double *x = test_alloc(N * sizeof *x), *y = test_alloc(N * sizeof *y);
    mlk_rng rng = mlk_rng_stream(1, 1);
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)mlk_rng_below(&rng, L);
        y[i] = fmod(x[i], 7.0) < 3.0; /* a subset of the levels tells everything */
    }
    const mlk_data d = {.X = {x, N, 1, 1}, .y = {y, N}, .n_classes = 2, .levels = levels};
    mlk_tree *tree = fit(&d, NULL, 1);
    ck_assert_uint_eq(mlk_tree_n_leaves(tree), 2);
    mlk_vec out = test_vec(N);
    require_ok(mlk_tree_predict(tree, d.X, NULL, out));
    require_same(out.data, y, N * sizeof *y);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(weights_of_zero_are_no_rows)
{
    const double x[] = {1, 2, 2.5, 3}, y[] = {0, 0, 0, 1}, w[] = {1, 1, 0, 1};
    const mlk_data d = {.X = {x, 4, 1, 1}, .y = {y, 4}, .w = {w, 4}, .n_classes = 2};
    mlk_tree *tree = fit(&d, NULL, 1);
    ck_assert(mlk_tree_node_at(tree, 0).threshold == 2.5);
    ck_assert_uint_eq(mlk_tree_node_at(tree, 0).samples, 3);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(permutation_importance_finds_the_column_that_matters)
{
    const mlk_cmat X = test_random_mat(8, 300, 3);
    mlk_vec y = test_vec(300), mean = test_vec(3), sd = test_vec(3);
    for (size_t i = 0; i < 300; i++)
        y.data[i] = X.data[3 * i + 1] > 0.2;
    const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = 2};
    mlk_tree *tree = fit(&d, NULL, 1);
    require_ok(mlk_tree_permutation_importance(tree, &d, 20, 3, NULL, mean, sd));
    ck_assert(mean.data[0] == 0.0 && sd.data[0] == 0.0 && mean.data[2] == 0.0);
    double p = 0.0;
    for (size_t i = 0; i < 300; i++)
        p += y.data[i] / 300.0;
    require_close(mean.data[1], 2.0 * p * (1.0 - p), 0.03); /* wrong where two rows differ */
    ck_assert(sd.data[1] > 0.0 && sd.data[1] < 0.06);
    require_fail(mlk_tree_permutation_importance(tree, &d, 0, 3, NULL, mean, sd), MLK_EINVAL,
                 "0 repeats");
    mlk_tree_free(tree);
}
END_TEST

/* ----------------------------------------------------------------------- errors */

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_random_mat(1, 20, 3);
    const mlk_data numbers = {.X = X, .y = test_linear_target(1, X, 0.1)};
    mlk_tree_opts o = mlk_tree_opts_default();
    mlk_tree *tree;
    o.criterion = MLK_TREE_GINI;
    require_fail(mlk_tree_fit(&numbers, &o, NULL, &tree), MLK_EINVAL,
                 "criterion = gini is for classification; expected variance or absolute_error");
    o = mlk_tree_opts_default();
    o.max_features = 2.5;
    require_fail(mlk_tree_fit(&numbers, &o, NULL, &tree), MLK_EINVAL,
                 "max_features = 2.5; expected a share in (0, 1] or a count of 2..3");
    o.max_features = 4;
    require_fail(mlk_tree_fit(&numbers, &o, NULL, &tree), MLK_EINVAL, "max_features = 4;");
    o = mlk_tree_opts_default();
    o.class_weight = 1;
    require_fail(mlk_tree_fit(&numbers, &o, NULL, &tree), MLK_EINVAL, "for classification");
    ck_assert_ptr_null(tree);
    tree = fit(&numbers, NULL, 1);
    mlk_mat proba = test_mat(20, 2);
    require_fail(mlk_tree_predict_proba(tree, X, NULL, proba), MLK_EUNSUPPORTED,
                 "no class probabilities");
    mlk_tree_free(tree);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        const mlk_data *d = &random_table(seed, 40)->data;
        mlk_tree_opts o = random_opts(seed, d->n_classes);
        mlk_tree *tree;
        mlk_status st = MLK_ENOMEM;
        o.max_leaf_nodes = seed % 4 == 0 ? 5 : 0;
        o.class_weight = d->n_classes && seed % 3 == 0;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = mlk_tree_fit(d, &o, &(mlk_run){.threads = 1}, &tree);
            ck_assert(st == MLK_OK ? tree != NULL : st == MLK_ENOMEM && tree == NULL);
        }
        mlk_test_fail_at = -1;
        mlk_tree_free(tree);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tree/tree");
    TCase *limits = test_case(s, "limits"), *edge = test_case(s, "edge");
    TCase *errors = test_case(s, "errors");
    TCase *twin = test_case(s, "twin"), *book = test_case(s, "book");
    tcase_add_test(twin, permuted_rows_give_the_same_tree);
    tcase_add_test(twin, integer_weights_are_duplicated_rows);
    tcase_add_test(twin, gives_the_same_tree_for_any_number_of_threads);
    tcase_add_test(twin, is_written_as_c_that_gives_the_same_bits);
    tcase_add_loop_test(twin, equals_the_slow_literal_tree, 0, 6);
    tcase_add_test(twin, finds_the_best_of_all_subsets_of_levels);
    tcase_add_test(book, grows_the_iris_tree_of_the_book);
    tcase_add_test(book, grows_the_regression_tree_of_the_book);
    tcase_add_test(book, leaves_no_error_on_the_housing_rows_of_the_book);
    tcase_add_loop_test(book, fits_as_well_as_other_programs_with_as_many_leaves, 0,
                        (int)MLK_COUNT(peers));
    tcase_add_test(limits, grows_the_best_leaf_first);
    tcase_add_test(limits, draws_columns_anew_at_each_node_and_by_the_seed);
    tcase_add_test(limits, draws_on_where_the_columns_drawn_cannot_split);
    tcase_add_test(limits, balanced_classes_weigh_the_same);
    tcase_add_test(edge, one_class_one_row_or_a_constant_target_is_a_leaf);
    tcase_add_test(edge, an_all_missing_column_is_never_split);
    tcase_add_test(edge, missing_values_that_tell_the_class_are_split_off);
    tcase_add_test(edge, what_training_did_not_see_goes_with_the_heavier_child);
    tcase_add_test(edge, thresholds_separate_neighbours_of_any_size);
    tcase_add_test(edge, takes_hundreds_of_levels);
    tcase_add_test(edge, weights_of_zero_are_no_rows);
    tcase_add_test(edge, permutation_importance_finds_the_column_that_matters);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
