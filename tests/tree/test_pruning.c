#include <mlkit/tree/tree.h>

#include "core/rng.h"
#include "support/mlk_test.h"

static mlk_data noisy(uint64_t seed, size_t n, size_t k)
{
    return test_data(seed, test_random_mat(seed, n, 3), k, 1.0);
}

static mlk_tree *fit(const mlk_data *d, const mlk_tree_opts *o)
{
    mlk_tree *tree;
    require_ok(mlk_tree_fit(d, o, NULL, &tree));
    return tree;
}

/* R(t) of pruning.h. */
static double risk(const mlk_tree *tree, size_t i)
{
    const mlk_tree_node x = mlk_tree_node_at(tree, i), root = mlk_tree_node_at(tree, 0);
    return x.impurity * x.weight / root.weight;
}

/* The least cost R(T) + alpha leaves(T) of all prunings below node i of the full tree, and the
 * number of leaves of the smallest pruning that has it. */
static double least_cost(const mlk_tree *full, size_t i, double alpha, size_t *leaves)
{
    const mlk_tree_node x = mlk_tree_node_at(full, i);
    const double as_leaf = risk(full, i) + alpha;
    *leaves = 1;
    if (x.leaf)
        return as_leaf;
    size_t left, right;
    const double below =
        least_cost(full, x.left, alpha, &left) + least_cost(full, x.right, alpha, &right);
    if (as_leaf <= below + 1e-13)
        return as_leaf;
    *leaves = left + right;
    return below;
}

static double cost(const mlk_tree *tree, double alpha)
{
    double sum = 0.0;
    for (size_t i = 0; i < mlk_tree_n_nodes(tree); i++)
        if (mlk_tree_node_at(tree, i).leaf)
            sum += risk(tree, i) + alpha;
    return sum;
}

START_TEST(each_alpha_gives_the_smallest_tree_of_least_cost)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        const mlk_data d = noisy(seed, 120, seed % 3 ? seed % 3 + 1 : 0);
        mlk_tree_opts o = mlk_tree_opts_default();
        mlk_tree *full = fit(&d, &o);
        mlk_tree_pruning path;
        require_ok(mlk_tree_path(&d, &o, NULL, &path));
        ck_assert_uint_gt(path.n, 5);
        ck_assert(path.alpha[0] == 0.0);
        ck_assert_uint_eq(path.leaves[path.n - 1], 1);
        for (size_t s = 0; s < path.n; s++) {
            ck_assert(s == 0 ||
                      (path.alpha[s] > path.alpha[s - 1] && path.leaves[s] < path.leaves[s - 1] &&
                       path.risk[s] >= path.risk[s - 1] - 1e-12));
            /* Between two steps, and exactly at the step's alpha nothing is decided by rounding. */
            const double next = s + 1 < path.n ? path.alpha[s + 1] : 2.0 * path.alpha[s];
            o.ccp_alpha = 0.5 * (path.alpha[s] + next);
            size_t leaves;
            mlk_tree *tree = fit(&d, &o);
            require_close(cost(tree, o.ccp_alpha), least_cost(full, 0, o.ccp_alpha, &leaves),
                          1e-12);
            ck_assert_uint_eq(mlk_tree_n_leaves(tree), leaves);
            ck_assert_uint_eq(mlk_tree_n_leaves(tree), path.leaves[s]);
            require_close(cost(tree, 0.0), path.risk[s], 1e-12);
            mlk_tree_free(tree);
        }
        mlk_tree_pruning_free(&path);
        mlk_tree_free(full);
    }
}
END_TEST

START_TEST(importances_count_only_what_stays)
{
    const mlk_data d = noisy(3, 200, 2);
    mlk_tree_opts o = mlk_tree_opts_default();
    o.ccp_alpha = 0.01;
    mlk_tree *tree = fit(&d, &o);
    double gain[3] = {0}, total = 0.0;
    ck_assert_uint_gt(mlk_tree_n_leaves(tree), 3);
    for (size_t i = 0; i < mlk_tree_n_nodes(tree); i++) {
        const mlk_tree_node x = mlk_tree_node_at(tree, i);
        if (!x.leaf)
            gain[x.feature] += risk(tree, i) - risk(tree, x.left) - risk(tree, x.right);
    }
    for (size_t j = 0; j < 3; j++)
        total += gain[j];
    for (size_t j = 0; j < 3; j++)
        require_close(mlk_tree_importances(tree).data[j], gain[j] / total, 1e-12);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(many_alphas_at_once_give_what_each_alone_gives)
{
    static const double alpha[] = {0.0, 0.3, 0.001, 0.01};
    enum { N = MLK_COUNT(alpha) };
    const mlk_data d = noisy(4, 300, 3);
    mlk_tree_opts o[N];
    const void *opts[N];
    mlk_model *models[N];
    for (size_t i = 0; i < N; i++) {
        o[i] = mlk_tree_opts_default();
        o[i].ccp_alpha = alpha[i];
        opts[i] = &o[i];
    }
    for (int other = 0; other < 2; other++) {
        o[2].max_depth = other ? 2 : 0; /* then nothing is shared */
        require_ok(mlk_model_fit_many(&mlk_tree_algo, opts, N, &d, NULL, models));
        for (size_t i = 0; i < N; i++) {
            mlk_tree *alone = fit(&d, &o[i]);
            const mlk_tree *shared = mlk_model_state(models[i]);
            ck_assert_uint_eq(mlk_tree_n_nodes(alone), mlk_tree_n_nodes(shared));
            for (size_t t = 0; t < mlk_tree_n_nodes(alone); t++) {
                const mlk_tree_node u = mlk_tree_node_at(alone, t);
                const mlk_tree_node v = mlk_tree_node_at(shared, t);
                ck_assert(u.left == v.left && u.feature == v.feature && u.weight == v.weight);
            }
            mlk_tree_free(alone);
            mlk_model_free(models[i]);
        }
    }
}
END_TEST

START_TEST(offers_a_path_from_the_root_to_the_full_tree)
{
    const mlk_data d = noisy(5, 200, 0);
    const mlk_tree_opts o = mlk_tree_opts_default();
    double values[400], few[5];
    size_t n, m;
    require_ok(mlk_tree_algo.path(&d, &o, "ccp_alpha", NULL, 400, values, &n));
    ck_assert_uint_gt(n, 20);
    for (size_t i = 1; i < n; i++)
        ck_assert(values[i] < values[i - 1]);
    mlk_tree_opts at = o;
    at.ccp_alpha = values[0];
    mlk_tree *simplest = fit(&d, &at);
    ck_assert_uint_eq(mlk_tree_n_leaves(simplest), 1);
    mlk_tree_free(simplest);
    ck_assert(values[n - 1] == 0.0);
    require_ok(mlk_tree_algo.path(&d, &o, "ccp_alpha", NULL, 5, few, &m));
    ck_assert_uint_eq(m, 5);
    ck_assert(few[0] == values[0] && few[4] == values[n - 1]);
    require_fail(mlk_tree_algo.path(&d, &o, "alpha", NULL, 5, few, &m), MLK_EUNSUPPORTED,
                 "no path of 'alpha'");
}
END_TEST

/* Errors of node i as a leaf, on rows that reach it. */
static double error_below(const mlk_tree *t, const mlk_data *d, const uint8_t *in, size_t i,
                          const size_t *parent, const uint32_t *leaf, bool as_leaf)
{
    double sum = 0.0;
    for (size_t r = 0; r < d->X.rows; r++) {
        size_t at = leaf[r];
        while (in[r] && at > i)
            at = parent[at];
        if (!in[r] || at != i)
            continue;
        const mlk_tree_node x = mlk_tree_node_at(t, as_leaf ? i : leaf[r]);
        size_t best = 0;
        for (size_t c = 1; c < d->n_classes; c++)
            best = x.value[c] > x.value[best] ? c : best;
        const double e = d->n_classes ? (double)best != d->y.data[r] : d->y.data[r] - x.value[0];
        sum += e * e;
    }
    return sum;
}

START_TEST(reduced_error_leaves_no_split_that_does_not_pay)
{
    for (size_t k = 0; k < 3; k += 2) {
        const mlk_data d = noisy(6 + k, 400, k);
        mlk_tree_opts o = mlk_tree_opts_default();
        mlk_tree *full = fit(&d, &o);
        o.validation_fraction = 0.3;
        o.seed = 5;
        mlk_tree *tree = fit(&d, &o);
        ck_assert_uint_lt(mlk_tree_n_leaves(tree), mlk_tree_n_leaves(full) / 2);
        ck_assert_uint_eq(mlk_tree_node_at(tree, 0).samples, 280);
        /* The rows held out are the sample that the header's stream draws. */
        size_t *order = test_alloc(400 * sizeof *order), *parent = test_alloc(800 * sizeof *parent);
        uint8_t *in = test_alloc(400);
        uint32_t *leaf = test_alloc(400 * sizeof *leaf);
        mlk_rng rng = mlk_rng_stream(5, 1);
        mlk_rng_sample(&rng, order, 400, 120);
        for (size_t i = 0; i < 120; i++)
            in[order[i]] = 1;
        require_ok(mlk_tree_apply(tree, d.X, NULL, leaf));
        for (size_t i = 0; i < mlk_tree_n_nodes(tree); i++) {
            const mlk_tree_node x = mlk_tree_node_at(tree, i);
            if (!x.leaf)
                parent[x.left] = parent[x.right] = i;
        }
        for (size_t i = 0; i < mlk_tree_n_nodes(tree); i++)
            if (!mlk_tree_node_at(tree, i).leaf)
                ck_assert(error_below(tree, &d, in, i, parent, leaf, true) >
                          error_below(tree, &d, in, i, parent, leaf, false));
        mlk_tree_free(full);
        mlk_tree_free(tree);
    }
}
END_TEST

START_TEST(refuses_two_ways_to_prune)
{
    const mlk_data d = noisy(1, 30, 2);
    mlk_tree_opts o = mlk_tree_opts_default();
    mlk_tree *tree;
    o.ccp_alpha = 0.1;
    o.validation_fraction = 0.3;
    require_fail(mlk_tree_fit(&d, &o, NULL, &tree), MLK_EINVAL, "both prune");
    ck_assert_ptr_null(tree);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = noisy(2, 30, 2);
    const mlk_run one = {.threads = 1};
    for (int way = 0; way < 3; way++) {
        mlk_status st = MLK_ENOMEM;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_tree_opts o = mlk_tree_opts_default();
            mlk_tree *tree = NULL;
            mlk_tree_pruning path = {0};
            o.ccp_alpha = way == 1 ? 0.01 : 0.0;
            o.validation_fraction = way == 2 ? 0.3 : 0.0;
            mlk_test_fail_at = k;
            st = way ? mlk_tree_fit(&d, &o, &one, &tree) : mlk_tree_path(&d, &o, &one, &path);
            ck_assert(st == MLK_OK || (st == MLK_ENOMEM && !tree && !path.memory));
            mlk_test_fail_at = -1;
            mlk_tree_free(tree);
            mlk_tree_pruning_free(&path);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tree/pruning");
    TCase *alpha = test_case(s, "alpha"), *error = test_case(s, "error");
    tcase_add_test(alpha, each_alpha_gives_the_smallest_tree_of_least_cost);
    tcase_add_test(alpha, importances_count_only_what_stays);
    tcase_add_test(alpha, many_alphas_at_once_give_what_each_alone_gives);
    tcase_add_test(alpha, offers_a_path_from_the_root_to_the_full_tree);
    tcase_add_test(error, reduced_error_leaves_no_split_that_does_not_pay);
    tcase_add_test(error, refuses_two_ways_to_prune);
    tcase_add_test(error, survives_each_failing_allocation);
    return s;
}
