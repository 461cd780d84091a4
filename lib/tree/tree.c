#include <mlkit/tree/tree.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "model/algo.h"
#include "tree/fitted.h"
#include "tree/limits.h"
#include "tree/pruning.h"
#include "tree/source.h"

static const mlk_opt opt_table[] = {
    MLK_OPT_WORD(mlk_tree_opts, criterion, MLK_TREE_AUTO, mlk_tree_criteria,
                 "impurity; auto: gini, or variance"),
    MLK_OPT_INT_WORDS(mlk_tree_opts, max_depth, 0, 1, INFINITY, mlk_tree_none,
                      "splits from the root to a leaf"),
    MLK_OPT_INT(mlk_tree_opts, min_samples_split, 2, 2, INFINITY, "a node of fewer rows is a leaf"),
    MLK_OPT_INT(mlk_tree_opts, min_samples_leaf, 1, 1, INFINITY, "rows of each child, at least"),
    MLK_OPT_INT_WORDS(mlk_tree_opts, max_leaf_nodes, 0, 2, INFINITY, mlk_tree_none,
                      "leaves, grown best gain first"),
    MLK_OPT_REAL(mlk_tree_opts, min_impurity_decrease, 0.0, 0.0, INFINITY,
                 "least decrease of impurity times share of the rows by a split"),
    MLK_OPT_REAL_WORDS(mlk_tree_opts, max_features, MLK_TREE_ALL, 0.0, INFINITY, true,
                       mlk_tree_features,
                       "columns drawn at a node: a share up to 1, or a count from 2 on"),
    MLK_OPT_REAL(mlk_tree_opts, ccp_alpha, 0.0, 0.0, INFINITY,
                 "price of a leaf in cost-complexity pruning"),
    MLK_OPT_WORD(mlk_tree_opts, class_weight, 0, mlk_tree_class_weights,
                 "balanced: every class weighs the same"),
    {"validation_fraction", MLK_OPT_TYPE_REAL, offsetof(mlk_tree_opts, validation_fraction), 0.0,
     NULL, 0.0, 1.0, false, true, NULL, "share of the rows held out for reduced-error pruning"},
    MLK_OPT_INT(mlk_tree_opts, seed, 0, 0, INFINITY, "of max_features and validation_fraction"),
    MLK_OPT_END,
};

mlk_tree_opts mlk_tree_opts_default(void)
{
    mlk_tree_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- growing */

/* What fits of the same data share: everything up to pruning. */
typedef struct grown {
    mlk_data data;     /* the rows grown on have weight, those held out have none */
    uint8_t *held_out; /* of each row, or NULL */
    double *weights;
    mlk_criterion criterion;
    mlk_grown *tree;
} grown;

static void grown_free(grown *g)
{
    mlk_free(g->held_out);
    mlk_free(g->weights);
    mlk_grown_free(g->tree);
}

/* A random share of the rows gets the weight 0. */
static mlk_status hold_out(const mlk_tree_opts *o, grown *g)
{
    const size_t n = g->data.X.rows;
    size_t held = (size_t)rint(o->validation_fraction * (double)n);
    if (held >= n)
        held = n - 1;
    mlk_scratch s = MLK_SCRATCH_INIT;
    size_t *order = mlk_scratch_take(&s, n, sizeof *order);
    g->held_out = mlk_alloc_zero(n, 1);
    g->weights = mlk_alloc(n, sizeof *g->weights);
    if (!order || !g->held_out || !g->weights) {
        mlk_scratch_release(&s);
        return MLK_FAIL(MLK_ENOMEM, "no memory to hold out %zu rows", held);
    }
    mlk_rng rng = mlk_rng_stream((uint64_t)o->seed, 1);
    mlk_rng_sample(&rng, order, n, held);
    double total = 0.0;
    for (size_t i = 0; i < held; i++)
        g->held_out[order[i]] = 1;
    for (size_t i = 0; i < n; i++)
        total += g->weights[i] = g->held_out[i] ? 0.0 : mlk_weight(g->data.w, i);
    mlk_scratch_release(&s);
    g->data.w = (mlk_cvec){g->weights, n};
    return total > 0.0
               ? MLK_OK
               : MLK_FAIL(MLK_EINVAL, "the rows left by validation_fraction = %g have no weight",
                          o->validation_fraction);
}

static mlk_status grow_tree(const mlk_tree_opts *o, const mlk_grow_opts *limits, const mlk_run *run,
                            grown *g)
{
    mlk_columns *columns = NULL;
    mlk_target *target = NULL;
    mlk_status st = mlk_columns_new(&g->data, false, run, &columns);
    if (st == MLK_OK)
        st = mlk_target_new(&g->data, columns, o->class_weight, g->criterion, 0, &target);
    if (st == MLK_OK)
        st = mlk_grow(columns, target, NULL, limits, (uint64_t)o->seed, run, &g->tree);
    mlk_target_free(target);
    mlk_columns_free(columns);
    return st;
}

/* Check the options and the data, and grow. */
static mlk_status grow(const mlk_data *data, const mlk_tree_opts *o, const mlk_run *run, grown *g)
{
    mlk_grow_opts limits;
    *g = (grown){.data = *data};
    MLK_TRY(mlk_opts_check(opt_table, o));
    MLK_TRY(mlk_data_check(data, MLK_TREE_CAPS, MLK_NEED_TARGET, run));
    MLK_TRY(mlk_limits_resolve(o, data->X.cols, &limits));
    MLK_TRY(mlk_criterion_resolve(o->criterion, data->n_classes, &g->criterion));
    if (o->class_weight && !data->n_classes)
        return MLK_FAIL(MLK_EINVAL, "class_weight = balanced is for classification");
    limits.keep_impurity = true;
    mlk_status st = MLK_OK;
    if (o->validation_fraction > 0.0)
        st = hold_out(o, g);
    if (st == MLK_OK)
        st = grow_tree(o, &limits, run, g);
    if (st != MLK_OK) {
        grown_free(g);
        *g = (grown){.tree = NULL};
    }
    return st;
}

/* -------------------------------------------------------------- fitted trees */

mlk_tree *mlk_tree_new(size_t p, size_t k)
{
    mlk_tree *t = mlk_alloc_zero(1, sizeof *t);
    if (t) {
        t->p = p;
        t->k = k;
    }
    return t;
}

mlk_status mlk_tree_allocate(mlk_tree *t)
{
    const size_t n = t->nodes.n, width = t->k ? t->k : 1;
    t->importances = mlk_alloc_zero(t->p, sizeof *t->importances);
    t->samples = mlk_alloc(n, sizeof *t->samples);
    t->weight = mlk_alloc(n, sizeof *t->weight);
    t->impurity = mlk_alloc(n, sizeof *t->impurity);
    t->value = mlk_alloc(n, width * sizeof *t->value);
    return t->importances && t->samples && t->weight && t->impurity && t->value
               ? MLK_OK
               : MLK_FAIL(MLK_ENOMEM, "no memory for a tree of %zu nodes", n);
}

void mlk_tree_free(mlk_tree *t)
{
    if (!t)
        return;
    mlk_nodes_release(&t->nodes);
    mlk_free(t->levels);
    mlk_free(t->importances);
    mlk_free(t->samples);
    mlk_free(t->weight);
    mlk_free(t->impurity);
    mlk_free(t->value);
    mlk_free(t);
}

static void write_stats(const mlk_grown *tree, const uint32_t *order, mlk_tree *t)
{
    const size_t k = t->k;
    for (size_t i = 0; i < t->nodes.n; i++) {
        const mlk_grown_node *x = &tree->node[order[i]];
        t->samples[i] = x->n;
        t->weight[i] = x->weight;
        t->impurity[i] = x->impurity;
        if (!k)
            t->value[i] = x->value;
        for (size_t c = 0; c < k; c++)
            t->value[i * k + c] = tree->count[(size_t)order[i] * k + c] / x->weight;
    }
    mlk_nodes_importances(&t->nodes, tree, order, t->importances, t->p);
}

/* The grown tree with the nodes in `leaf` (or NULL) as leaves. */
static mlk_status build(const grown *g, const uint8_t *leaf, mlk_tree **model)
{
    uint32_t *order = mlk_alloc(g->tree->n, sizeof *order);
    mlk_tree *t = mlk_tree_new(g->data.X.cols, g->data.n_classes);
    mlk_status st = MLK_OK;
    *model = NULL;
    if (!order || !t || !(t->levels = mlk_levels_new(&g->data)))
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a tree of %zu nodes", g->tree->n);
    if (st == MLK_OK)
        st = mlk_nodes_new(g->tree, leaf, order, &t->nodes);
    if (st == MLK_OK)
        st = mlk_tree_allocate(t);
    if (st == MLK_OK) {
        t->criterion = (int)g->criterion;
        write_stats(g->tree, order, t);
        *model = t;
    } else {
        mlk_tree_free(t);
    }
    mlk_free(order);
    return st;
}

/* Rows of the validation share, with their own weights. */
static mlk_status prune_reduced_error(const mlk_data *data, const grown *g, uint8_t *leaf)
{
    return mlk_prune_reduced_error(g->tree, data, g->held_out,
                                   g->criterion == MLK_CRITERION_ABSOLUTE_ERROR, leaf);
}

/* The tree of each alpha. */
static mlk_status build_at(const grown *g, const double *alpha, size_t n, mlk_tree **models)
{
    mlk_prune_path path;
    MLK_TRY(mlk_prune_path_new(g->tree, &path));
    uint8_t *leaf = mlk_alloc(g->tree->n, 1);
    mlk_status st = leaf ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to prune a tree");
    for (size_t i = 0; st == MLK_OK && i < n; i++) {
        mlk_prune_at(g->tree, &path, alpha[i], leaf);
        st = build(g, alpha[i] > 0.0 ? leaf : NULL, &models[i]);
    }
    mlk_free(leaf);
    mlk_prune_path_release(&path);
    return st;
}

mlk_status mlk_tree_fit(const mlk_data *data, const mlk_tree_opts *opts, const mlk_run *run,
                        mlk_tree **model)
{
    const mlk_tree_opts o = opts ? *opts : mlk_tree_opts_default();
    grown g;

    *model = NULL;
    if (o.ccp_alpha > 0.0 && o.validation_fraction > 0.0)
        return MLK_FAIL(MLK_EINVAL, "ccp_alpha and validation_fraction both prune; expected one");
    MLK_TRY(grow(data, &o, run, &g));
    mlk_status st;
    if (o.ccp_alpha > 0.0) {
        st = build_at(&g, &o.ccp_alpha, 1, model);
    } else if (o.validation_fraction > 0.0) {
        uint8_t *leaf = mlk_alloc(g.tree->n, 1);
        st = leaf ? prune_reduced_error(data, &g, leaf)
                  : MLK_FAIL(MLK_ENOMEM, "no memory to prune a tree");
        if (st == MLK_OK)
            st = build(&g, leaf, model);
        mlk_free(leaf);
    } else {
        st = build(&g, NULL, model);
    }
    grown_free(&g);
    return st;
}

/* ------------------------------------------------------------------ the path */

mlk_status mlk_tree_path(const mlk_data *data, const mlk_tree_opts *opts, const mlk_run *run,
                         mlk_tree_pruning *path)
{
    mlk_tree_opts o = opts ? *opts : mlk_tree_opts_default();
    mlk_prune_path p;
    grown g;
    o.ccp_alpha = o.validation_fraction = 0.0;
    *path = (mlk_tree_pruning){0};
    MLK_TRY(grow(data, &o, run, &g));
    const mlk_status st = mlk_prune_path_new(g.tree, &p);
    grown_free(&g);
    if (st == MLK_OK)
        *path = (mlk_tree_pruning){p.n, p.alpha, p.risk, p.leaves, p.memory};
    return st;
}

void mlk_tree_pruning_free(mlk_tree_pruning *path)
{
    mlk_scratch s = {path->memory, false};
    mlk_scratch_release(&s);
    *path = (mlk_tree_pruning){0};
}

/* ---------------------------------------------------------------- prediction */

enum { PREDICT_ROWS = 1024 };

typedef struct prediction {
    const mlk_tree *t;
    mlk_cmat X;
    double *out; /* values or classes; or shares, `ld` apart */
    size_t ld;
    uint32_t *leaf;
} prediction;

static void apply_chunk(const prediction *p, const mlk_chunk *chunk, uint32_t *leaf)
{
    mlk_nodes_apply(&p->t->nodes, p->t->levels, mlk_cmat_rows(p->X, chunk->begin, chunk->end), NULL,
                    leaf);
}

size_t mlk_tree_class(const mlk_tree *t, size_t i)
{
    size_t best = 0;
    for (size_t c = 1; c < t->k; c++)
        if (t->value[i * t->k + c] > t->value[i * t->k + best])
            best = c;
    return best;
}

static mlk_status predict_rows(void *ctx, const mlk_chunk *chunk)
{
    const prediction *p = ctx;
    uint32_t leaf[PREDICT_ROWS];
    apply_chunk(p, chunk, leaf);
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const size_t at = leaf[i - chunk->begin];
        p->out[i] = p->t->k ? (double)mlk_tree_class(p->t, at) : p->t->value[at];
    }
    return MLK_OK;
}

static mlk_status predict_shares(void *ctx, const mlk_chunk *chunk)
{
    const prediction *p = ctx;
    const size_t k = p->t->k;
    uint32_t leaf[PREDICT_ROWS];
    apply_chunk(p, chunk, leaf);
    for (size_t i = chunk->begin; i < chunk->end; i++)
        memcpy(p->out + i * p->ld, p->t->value + leaf[i - chunk->begin] * k, k * sizeof(double));
    return MLK_OK;
}

static mlk_status predict_leaves(void *ctx, const mlk_chunk *chunk)
{
    const prediction *p = ctx;
    apply_chunk(p, chunk, p->leaf + chunk->begin);
    return MLK_OK;
}

mlk_status mlk_tree_predict(const mlk_tree *t, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, t->p, out.n));
    prediction p = {.t = t, .X = X, .out = out.data};
    return mlk_parallel_for(run, X.rows, PREDICT_ROWS, predict_rows, &p);
}

mlk_status mlk_tree_predict_proba(const mlk_tree *t, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    if (!t->k)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression tree has no class probabilities");
    MLK_TRY(mlk_predict_check(X, t->p, out.rows));
    prediction p = {.t = t, .X = X, .out = out.data, .ld = out.ld};
    return mlk_parallel_for(run, X.rows, PREDICT_ROWS, predict_shares, &p);
}

mlk_status mlk_tree_apply(const mlk_tree *t, mlk_cmat X, const mlk_run *run, uint32_t *leaf)
{
    MLK_TRY(mlk_predict_check(X, t->p, X.rows));
    prediction p = {.t = t, .X = X, .leaf = leaf};
    return mlk_parallel_for(run, X.rows, PREDICT_ROWS, predict_leaves, &p);
}

/* ------------------------------------------------------------------ accessors */

size_t mlk_tree_n_nodes(const mlk_tree *t) { return t->nodes.n; }
size_t mlk_tree_n_leaves(const mlk_tree *t) { return mlk_nodes_leaves(&t->nodes); }
size_t mlk_tree_depth(const mlk_tree *t) { return t->nodes.depth; }
size_t mlk_tree_n_features(const mlk_tree *t) { return t->p; }
size_t mlk_tree_n_classes(const mlk_tree *t) { return t->k; }
size_t mlk_tree_n_levels(const mlk_tree *t, size_t feature) { return t->levels[feature]; }
int mlk_tree_criterion(const mlk_tree *t) { return t->criterion; }
mlk_cvec mlk_tree_importances(const mlk_tree *t) { return (mlk_cvec){t->importances, t->p}; }

mlk_tree_node mlk_tree_node_at(const mlk_tree *t, size_t i)
{
    const mlk_node *x = &t->nodes.node[i];
    mlk_tree_node node = {.leaf = x->what & MLK_NODE_LEAF,
                          .samples = t->samples[i],
                          .weight = t->weight[i],
                          .impurity = t->impurity[i],
                          .value = t->value + i * (t->k ? t->k : 1)};
    if (node.leaf)
        return node;
    node.categorical = x->what & MLK_NODE_SET;
    node.missing_left = x->what & MLK_NODE_MISSING_LEFT;
    node.left = x->left;
    node.right = (size_t)x->left + 1;
    node.feature = x->what & MLK_NODE_COLUMN;
    node.threshold = node.categorical ? NAN : x->value;
    return node;
}

bool mlk_tree_level_left(const mlk_tree *t, size_t i, size_t level)
{
    const mlk_node *x = &t->nodes.node[i];
    const uint32_t *bits = t->nodes.sets + (size_t)x->value;
    return bits[level / 32] >> (level % 32) & 1;
}

/* ------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_tree *t;
    const mlk_status st = mlk_tree_fit(data, opts, run, &t);
    *state = t;
    return st;
}

/* Do all options agree but for ccp_alpha, which takes no part in growing? */
static bool same_growth(const void *const *opts, size_t n)
{
    const mlk_tree_opts *a = opts[0];
    bool same = a->validation_fraction == 0.0;
    for (size_t i = 1; i < n; i++) {
        const mlk_tree_opts *b = opts[i];
        for (const mlk_opt *o = opt_table; o->name; o++) {
            char left[64], right[64];
            if (strcmp(o->name, "ccp_alpha") != 0 &&
                strcmp(mlk_opts_format(o, a, left, sizeof left),
                       mlk_opts_format(o, b, right, sizeof right)) != 0)
                same = false;
        }
    }
    return same;
}

/* Trees that differ in ccp_alpha alone are one tree, pruned further and further. */
static mlk_status algo_fit_many(const mlk_data *data, const void *const *opts, size_t n_opts,
                                const mlk_run *run, void **states)
{
    if (!same_growth(opts, n_opts)) {
        for (size_t i = 0; i < n_opts; i++)
            MLK_TRY(algo_fit(data, opts[i], run, &states[i]));
        return MLK_OK;
    }
    for (size_t i = 0; i < n_opts; i++)
        MLK_TRY(mlk_opts_check(opt_table, opts[i]));
    mlk_scratch s = MLK_SCRATCH_INIT;
    double *alpha = mlk_scratch_take(&s, n_opts, sizeof *alpha);
    mlk_tree **models = mlk_scratch_take(&s, n_opts, sizeof *models);
    grown g = {.tree = NULL};
    mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu trees", n_opts) : MLK_OK;
    if (st == MLK_OK)
        st = grow(data, opts[0], run, &g);
    if (st == MLK_OK) {
        for (size_t i = 0; i < n_opts; i++) {
            alpha[i] = ((const mlk_tree_opts *)opts[i])->ccp_alpha;
            models[i] = NULL;
        }
        st = build_at(&g, alpha, n_opts, models);
        for (size_t i = 0; i < n_opts; i++)
            states[i] = models[i];
        grown_free(&g);
    }
    mlk_scratch_release(&s);
    return st;
}

/* Between two steps of the path every alpha gives the same tree; their geometric mean stands for
 * them [Breiman et al. 1984, section 3.4.2]. Simplest first, thinned evenly to `cap`. */
static mlk_status algo_path(const mlk_data *data, const void *opts, const char *name,
                            const mlk_run *run, size_t cap, double *values, size_t *n)
{
    mlk_tree_pruning path;
    if (strcmp(name, "ccp_alpha") != 0)
        return MLK_FAIL(MLK_EUNSUPPORTED, "tree has no path of '%s'; expected 'ccp_alpha'", name);
    MLK_TRY(mlk_tree_path(data, opts, run, &path));
    const size_t steps = path.n < cap ? path.n : cap;
    for (size_t i = 0; i < steps; i++) {
        /* The first is the root alone, the last the full tree. */
        const size_t back = steps > 1 ? i * (path.n - 1) / (steps - 1) : 0, s = path.n - 1 - back;
        const double next = s + 1 < path.n ? path.alpha[s + 1] : path.alpha[s];
        values[i] = sqrt(path.alpha[s]) * sqrt(next);
    }
    *n = steps;
    mlk_tree_pruning_free(&path);
    return MLK_OK;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_tree_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_tree_predict_proba(state, X, run, out);
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_tree *t = state;
    mlk_doc_put_int(to, "n_leaves", (int64_t)mlk_tree_n_leaves(t));
    mlk_doc_put_int(to, "depth", (int64_t)mlk_tree_depth(t));
    mlk_doc_put_vec(to, "feature_importances", mlk_tree_importances(t));
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_tree *t = state;
    return mlk_nodes_codegen(&t->nodes, 1, t->levels, t->p, to);
}

static void algo_free(void *state) { mlk_tree_free(state); }

const mlk_algo mlk_tree_algo = {
    .name = "tree",
    .help = "classification or regression tree (CART)",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = MLK_TREE_CAPS,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_tree_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .fit_many = algo_fit_many,
    .path = algo_path,
    .save = mlk_tree_algo_save,
    .load = mlk_tree_algo_load,
    .learned = algo_learned,
    .codegen = algo_codegen,
    .free = algo_free,
};
