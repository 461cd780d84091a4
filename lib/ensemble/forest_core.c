#include "ensemble/forest_core.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "ensemble/crew.h"
#include "model/algo.h"
#include "tree/limits.h"
#include "tree/pruning.h"
#include "tree/source.h"

const mlk_word mlk_forest_features[] = {{"auto", MLK_FOREST_AUTO},
                                        {"all", MLK_TREE_ALL},
                                        {"sqrt", MLK_TREE_SQRT},
                                        {"log2", MLK_TREE_LOG2},
                                        {NULL, 0}};
const mlk_word mlk_forest_samples[] = {{"all", MLK_TREE_ALL}, {NULL, 0}};

/* ------------------------------------------------------------------- growing */

/* What the trees share. */
typedef struct plantation {
    const mlk_columns *columns;
    const mlk_target *target;
    const mlk_forest_opts *opts;
    mlk_grow_opts limits;
    const mlk_run *run;
    size_t draws; /* rows of a tree's sample; 0: all of them, once each */
    mlk_bags bags;
    mlk_forest *forest;
    double *importances; /* n_trees x p */
} plantation;

/* Scratch of one tree's sample. */
typedef struct draw {
    uint32_t *times, *row;
    size_t *order;
} draw;

/* Rows of tree b: how often each was drawn, and the list of those that were. */
static mlk_bag draw_rows(const plantation *f, size_t b, mlk_rng *rng, const draw *d)
{
    const size_t n = f->columns->n;
    mlk_bag bag = {0, d->row, f->opts->bootstrap ? d->times : NULL};
    memset(d->times, 0, n * sizeof *d->times);
    if (f->opts->bootstrap) {
        for (size_t i = 0; i < f->draws; i++)
            d->times[mlk_rng_below(rng, n)]++;
    } else {
        mlk_rng_sample(rng, d->order, n, f->draws);
        for (size_t i = 0; i < f->draws; i++)
            d->times[d->order[i]] = 1;
    }
    uint32_t *drawn = f->bags.drawn ? f->bags.drawn + b * f->bags.words : NULL;
    for (size_t i = 0; i < n; i++) {
        if (!d->times[i])
            continue;
        if (drawn)
            drawn[i / 32] |= UINT32_C(1) << (i % 32);
        d->row[bag.n] = (uint32_t)i;
        d->times[bag.n++] = d->times[i];
    }
    return bag;
}

/* The forms in which tree b predicts. */
static mlk_status pack_tree(mlk_forest *f, size_t b)
{
    MLK_TRY(mlk_nodes_pack(&f->tree[b]));
    return mlk_coded_new(&f->tree[b], f->p, &f->coded[b]);
}

/* Flat nodes and importances of a grown tree. */
static mlk_status finish_tree(const plantation *f, size_t b, const mlk_grown *tree)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    double *importances = f->importances + b * f->forest->p;
    uint32_t *order = mlk_scratch_take(&s, tree->n, sizeof *order);
    uint8_t *leaf = f->opts->ccp_alpha > 0.0 ? mlk_scratch_take(&s, tree->n, 1) : NULL;
    mlk_prune_path path = {0};
    mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a tree") : MLK_OK;
    if (st == MLK_OK && leaf && (st = mlk_prune_path_new(tree, &path)) == MLK_OK) {
        mlk_prune_at(tree, &path, f->opts->ccp_alpha, leaf);
        mlk_prune_path_release(&path);
    }
    if (st == MLK_OK)
        st = mlk_nodes_new(tree, leaf, order, &f->forest->tree[b]);
    if (st == MLK_OK) {
        mlk_nodes_importances(&f->forest->tree[b], tree, order, importances, f->forest->p);
        st = pack_tree(f->forest, b);
    }
    mlk_scratch_release(&s);
    return st;
}

static mlk_status grow_one(const plantation *f, size_t b)
{
    const size_t n = f->columns->n;
    mlk_rng rng = mlk_rng_stream((uint64_t)f->opts->seed, b);
    const uint64_t seed = mlk_rng_next(&rng);
    mlk_scratch s = MLK_SCRATCH_INIT;
    draw d = {NULL, NULL, NULL};
    mlk_bag bag, *sample = NULL;
    if (f->draws) {
        d.times = mlk_scratch_take(&s, n, sizeof *d.times);
        d.row = mlk_scratch_take(&s, n, sizeof *d.row);
        if (!f->opts->bootstrap)
            d.order = mlk_scratch_take(&s, n, sizeof *d.order);
        if (s.failed) {
            mlk_scratch_release(&s);
            return MLK_FAIL(MLK_ENOMEM, "no memory to draw %zu rows", f->draws);
        }
        bag = draw_rows(f, b, &rng, &d);
        sample = &bag;
    }
    mlk_grown *tree;
    mlk_status st = mlk_grow(f->columns, f->target, sample, &f->limits, seed, f->run, &tree);
    mlk_scratch_release(&s);
    if (st == MLK_OK)
        st = finish_tree(f, b, tree);
    mlk_grown_free(tree);
    return st;
}

static mlk_status grow_trees(void *ctx, const mlk_chunk *chunk)
{
    for (size_t b = chunk->begin; b < chunk->end; b++)
        MLK_TRY(grow_one(ctx, b));
    return MLK_OK;
}

/* ------------------------------------------------------------------- the whole */

static mlk_forest *forest_allocate(size_t p, size_t k, size_t n_trees)
{
    mlk_forest *f = mlk_alloc_zero(1, sizeof *f);
    if (!f)
        return NULL;
    f->p = p;
    f->k = k;
    f->n_trees = n_trees;
    f->oob_score = NAN;
    f->tree = mlk_alloc_zero(n_trees, sizeof *f->tree);
    f->coded = mlk_alloc_zero(n_trees, sizeof *f->coded);
    f->importances = mlk_alloc_zero(p, sizeof *f->importances);
    f->prior = mlk_alloc_zero(k, sizeof *f->prior);
    if (f->tree && f->coded && f->importances && f->prior)
        return f;
    mlk_forest_free(f);
    return NULL;
}

void mlk_forest_free(mlk_forest *f)
{
    if (!f)
        return;
    for (size_t b = 0; f->tree && b < f->n_trees; b++)
        mlk_nodes_release(&f->tree[b]);
    for (size_t b = 0; f->coded && b < f->n_trees; b++)
        mlk_coded_release(&f->coded[b]);
    mlk_free(f->tree);
    mlk_free(f->coded);
    mlk_free(f->levels);
    mlk_free(f->importances);
    mlk_free(f->prior);
    mlk_free(f->permutation);
    mlk_free(f->oob.data);
    mlk_free(f);
}

/* Draws of a tree: 0 when it simply takes all rows. */
static mlk_status count_draws(const mlk_forest_opts *o, size_t n, size_t *draws)
{
    *draws = n;
    if (o->max_samples != MLK_TREE_ALL)
        MLK_TRY(mlk_share_resolve("max_samples", o->max_samples, n, draws));
    if (!o->bootstrap && *draws == n)
        *draws = 0;
    if (o->permutation_importance && !*draws)
        return MLK_FAIL(
            MLK_EINVAL,
            "permutation_importance = true needs rows left out: bootstrap or max_samples");
    return MLK_OK;
}

static void set_prior(const mlk_data *data, double *prior)
{
    double total = 0.0;
    for (size_t i = 0; i < data->X.rows; i++) {
        prior[(size_t)data->y.data[i]] += mlk_weight(data->w, i);
        total += mlk_weight(data->w, i);
    }
    for (size_t c = 0; c < data->n_classes; c++)
        prior[c] /= total;
}

/* The trees, then what is learned from the rows they left out. */
static mlk_status plant(const mlk_data *data, plantation *f)
{
    const mlk_forest_opts *o = f->opts;
    mlk_forest *forest = f->forest;
    const bool left_out = f->draws && (o->oob_score || o->permutation_importance);
    f->bags = (mlk_bags){f->columns->n, (f->columns->n + 31) / 32, f->columns->row, NULL};
    f->importances = mlk_alloc_zero(forest->n_trees, forest->p * sizeof *f->importances);
    if (left_out)
        f->bags.drawn = mlk_alloc_zero(forest->n_trees, f->bags.words * sizeof *f->bags.drawn);
    mlk_status st = MLK_OK;
    if (!f->importances || (left_out && !f->bags.drawn))
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a forest of %zu trees", forest->n_trees);
    if (st == MLK_OK)
        st = mlk_parallel_for(f->run, forest->n_trees, 1, grow_trees, f);
    for (size_t b = 0; st == MLK_OK && b < forest->n_trees; b++) {
        mlk_run_log(f->run, "tree %zu: %zu leaves, depth %zu", b + 1,
                    mlk_nodes_leaves(&forest->tree[b]), forest->tree[b].depth);
        for (size_t j = 0; j < forest->p; j++)
            forest->importances[j] += f->importances[b * forest->p + j] / (double)forest->n_trees;
    }
    if (st == MLK_OK && left_out && o->oob_score)
        st = mlk_forest_out_of_bag(forest, data, &f->bags, f->run);
    if (st == MLK_OK && left_out && o->permutation_importance)
        st = mlk_forest_permute(forest, data, &f->bags, (uint64_t)o->seed, f->run);
    mlk_free(f->importances);
    mlk_free(f->bags.drawn);
    return st;
}

/* Ranks and targets, then the forest on them. */
static mlk_status prepare(const mlk_data *data, const mlk_forest_opts *o, mlk_criterion criterion,
                          plantation *f)
{
    mlk_columns *columns = NULL;
    mlk_target *target = NULL;
    mlk_status st = mlk_columns_new(data, f->limits.random_cuts, f->run, &columns);
    if (st == MLK_OK)
        st = count_draws(o, columns->n, &f->draws);
    if (st == MLK_OK)
        st = mlk_target_new(data, columns, o->class_weight, criterion, o->bootstrap ? f->draws : 0,
                            &target);
    if (st == MLK_OK) {
        f->columns = columns;
        f->target = target;
        st = plant(data, f);
    }
    mlk_target_free(target);
    mlk_columns_free(columns);
    return st;
}

static mlk_tree_opts tree_opts(const mlk_forest_opts *o, size_t n_classes)
{
    mlk_tree_opts t = mlk_tree_opts_default();
    t.max_depth = o->max_depth;
    t.min_samples_split = o->min_samples_split;
    t.min_samples_leaf = o->min_samples_leaf;
    t.max_leaf_nodes = o->max_leaf_nodes;
    t.min_impurity_decrease = o->min_impurity_decrease;
    t.max_features = o->max_features;
    if (t.max_features == MLK_FOREST_AUTO)
        t.max_features = n_classes ? MLK_TREE_SQRT : MLK_TREE_ALL;
    return t;
}

mlk_status mlk_forest_grow(const mlk_data *data, const mlk_forest_opts *o, bool random_cuts,
                           const mlk_run *run, mlk_forest **model)
{
    plantation f = {.opts = o, .run = run};
    mlk_criterion criterion;
    MLK_TRY(mlk_data_check(data, MLK_FOREST_CAPS, MLK_NEED_TARGET, run));
    const mlk_tree_opts limits = tree_opts(o, data->n_classes);
    MLK_TRY(mlk_limits_resolve(&limits, data->X.cols, &f.limits));
    MLK_TRY(mlk_criterion_resolve(o->criterion, data->n_classes, &criterion));
    if (o->class_weight && !data->n_classes)
        return MLK_FAIL(MLK_EINVAL, "class_weight = balanced is for classification");
    f.limits.random_cuts = random_cuts;
    f.limits.draw_columns = true;
    f.limits.keep_impurity = o->ccp_alpha > 0.0;
    f.forest = forest_allocate(data->X.cols, data->n_classes, (size_t)o->n_estimators);
    if (!f.forest || !(f.forest->levels = mlk_levels_new(data))) {
        mlk_forest_free(f.forest);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a forest of %lld trees",
                        (long long)o->n_estimators);
    }
    if (data->n_classes)
        set_prior(data, f.forest->prior);
    const mlk_status st = prepare(data, o, criterion, &f);
    if (st != MLK_OK)
        mlk_forest_free(f.forest);
    else
        *model = f.forest;
    return st;
}

/* ---------------------------------------------------------------- prediction */

/* A chunk is as large as the threads and the room for its codes allow (what a row gets does not
 * depend on its chunk): so each thread reads a tree, which may be too large for the caches, from
 * memory only once. Fewer rows are not worth coding. */
enum { FEWEST_ROWS = 256, MOST_ROWS = 1 << 16, MOST_CODES = 1 << 21, CODED_ROWS = 16 };

static size_t rows_of_chunk(const mlk_run *run, size_t rows, size_t p)
{
    const size_t workers = mlk_workers(run, rows, FEWEST_ROWS), part = (rows - 1) / workers + 1;
    const size_t room = MOST_CODES / p, most = room < MOST_ROWS ? room : MOST_ROWS;
    return part < FEWEST_ROWS || most < FEWEST_ROWS ? FEWEST_ROWS : part < most ? part : most;
}

typedef struct prediction {
    const mlk_forest *f;
    mlk_cmat X;
    double *out; /* values or classes; or shares, `ld` apart */
    size_t ld;
    size_t most;    /* rows of a chunk */
    uint32_t *code; /* of each worker: most x p; or NULL */
    double *sums;   /* of each worker: most x k, for classes; or NULL */
} prediction;

/* Some trees and some rows at a time, both small enough for the second-level cache: a tree of its
 * own where it is not. */
enum { TREES_BYTES = 1 << 18, ROWS_BYTES = 1 << 16, LEAST_ROWS = 128 };

static size_t group_end(const mlk_forest *f, size_t b)
{
    size_t bytes = 0;
    do
        bytes += f->coded[b].n ? f->coded[b].n * sizeof(mlk_slot) : f->tree[b].n * sizeof(mlk_node);
    while (++b < f->n_trees && bytes <= TREES_BYTES);
    return b;
}

/* Trees begin..end-1 about rows X, with their codes or NULL. */
static void add_group(const mlk_forest *f, size_t begin, size_t end, mlk_cmat X,
                      const uint32_t *code, bool complete, double *sums, size_t ld)
{
    for (size_t b = begin; b < end; b++) {
        if (code && f->coded[b].n)
            mlk_coded_add(&f->coded[b], &f->tree[b], X, code, sums, ld);
        else
            mlk_nodes_add(&f->tree[b], f->levels, X, complete, sums, ld);
    }
}

/* Sums of what the trees say about the rows of a chunk, `width` a row and `ld` apart; those of a
 * row in the order of the trees. */
static void add_trees(const prediction *p, const mlk_chunk *chunk, size_t width, double *sums,
                      size_t ld)
{
    const mlk_forest *f = p->f;
    const mlk_cmat X = mlk_cmat_rows(p->X, chunk->begin, chunk->end);
    uint32_t *code = p->code ? p->code + chunk->worker * p->most * f->p : NULL;
    if (code && !mlk_coded_rows(X, code))
        code = NULL;
    const bool complete = code || mlk_rows_complete(X);
    const size_t row_bytes = f->p * (code ? sizeof *code : sizeof *X.data) + ld * sizeof *sums;
    const size_t room = ROWS_BYTES / row_bytes, rows = room < LEAST_ROWS ? LEAST_ROWS : room;
    for (size_t i = 0; i < X.rows; i++)
        memset(sums + i * ld, 0, width * sizeof *sums);
    for (size_t b = 0, end; b < f->n_trees; b = end) {
        end = group_end(f, b);
        const size_t step = end - b > 1 ? rows : X.rows;
        for (size_t i = 0; i < X.rows; i += step)
            add_group(f, b, end, mlk_cmat_rows(X, i, X.rows - i < step ? X.rows : i + step),
                      code ? code + i * f->p : NULL, complete, sums + i * ld, ld);
    }
}

static mlk_status predict_values(void *ctx, const mlk_chunk *chunk)
{
    const prediction *p = ctx;
    double *out = p->out + chunk->begin;
    add_trees(p, chunk, 1, out, 1);
    for (size_t i = 0; i < chunk->end - chunk->begin; i++)
        out[i] /= (double)p->f->n_trees;
    return MLK_OK;
}

static mlk_status predict_classes(void *ctx, const mlk_chunk *chunk)
{
    const prediction *p = ctx;
    const size_t k = p->f->k;
    double *sums = p->sums + chunk->worker * p->most * k;
    add_trees(p, chunk, k, sums, k);
    for (size_t i = chunk->begin; i < chunk->end; i++)
        p->out[i] = (double)mlk_first_largest(sums + (i - chunk->begin) * k, k);
    return MLK_OK;
}

static mlk_status predict_shares(void *ctx, const mlk_chunk *chunk)
{
    const prediction *p = ctx;
    double *out = p->out + chunk->begin * p->ld;
    add_trees(p, chunk, p->f->k, out, p->ld);
    for (size_t i = 0; i < chunk->end - chunk->begin; i++)
        for (size_t c = 0; c < p->f->k; c++)
            out[i * p->ld + c] /= (double)p->f->n_trees;
    return MLK_OK;
}

/* All rows by `predict`, after room has been made for codes and `width` sums a row. */
static mlk_status predict_rows(prediction *p, size_t width, const mlk_run *run,
                               mlk_status (*predict)(void *, const mlk_chunk *))
{
    const size_t rows = p->X.rows, grain = rows_of_chunk(run, rows, p->f->p);
    p->most = grain < rows ? grain : rows;
    const size_t room = mlk_workers(run, rows, grain) * p->most;
    mlk_scratch s = MLK_SCRATCH_INIT;
    if (rows >= CODED_ROWS)
        p->code = mlk_scratch_take(&s, room, p->f->p * sizeof *p->code);
    if (width)
        p->sums = mlk_scratch_take(&s, room, width * sizeof *p->sums);
    const mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to predict %zu rows", rows)
                                   : mlk_parallel_for(run, rows, grain, predict, p);
    mlk_scratch_release(&s);
    return st;
}

mlk_status mlk_forest_predict(const mlk_forest *f, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, f->p, out.n));
    prediction p = {.f = f, .X = X, .out = out.data};
    return predict_rows(&p, f->k, run, f->k ? predict_classes : predict_values);
}

mlk_status mlk_forest_predict_proba(const mlk_forest *f, mlk_cmat X, const mlk_run *run,
                                    mlk_mat out)
{
    if (!f->k)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression forest has no class probabilities");
    MLK_TRY(mlk_predict_check(X, f->p, out.rows));
    prediction p = {.f = f, .X = X, .out = out.data, .ld = out.ld};
    return predict_rows(&p, 0, run, predict_shares);
}

/* ------------------------------------------------------------------ accessors */

size_t mlk_forest_n_trees(const mlk_forest *f) { return f->n_trees; }
size_t mlk_forest_n_features(const mlk_forest *f) { return f->p; }
size_t mlk_forest_n_classes(const mlk_forest *f) { return f->k; }
size_t mlk_forest_n_nodes(const mlk_forest *f, size_t tree) { return f->tree[tree].n; }
size_t mlk_forest_depth(const mlk_forest *f, size_t tree) { return f->tree[tree].depth; }
mlk_cvec mlk_forest_importances(const mlk_forest *f) { return (mlk_cvec){f->importances, f->p}; }
double mlk_forest_oob_score(const mlk_forest *f) { return f->oob_score; }
mlk_cmat mlk_forest_oob_decision(const mlk_forest *f) { return mlk_mat_c(f->oob); }

mlk_cvec mlk_forest_permutation_importances(const mlk_forest *f)
{
    return (mlk_cvec){f->permutation, f->permutation ? f->p : 0};
}

mlk_cvec mlk_forest_permutation_importances_sd(const mlk_forest *f)
{
    return f->permutation ? (mlk_cvec){f->permutation + f->p, f->p} : (mlk_cvec){NULL, 0};
}

/* --------------------------------------------------------------------- thunks */

mlk_status mlk_forest_algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_forest_predict(state, X, run, out);
}

mlk_status mlk_forest_algo_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_forest_predict_proba(state, X, run, out);
}

/* The figures that are shown, in files and in reports. */
static void put_figures(const mlk_forest *f, mlk_doc *to)
{
    mlk_doc_put_vec(to, "feature_importances", mlk_forest_importances(f));
    mlk_doc_put_real(to, "oob_score", f->oob_score);
    if (f->permutation) {
        mlk_doc_put_vec(to, "permutation_importances", mlk_forest_permutation_importances(f));
        mlk_doc_put_vec(to, "permutation_importances_sd", mlk_forest_permutation_importances_sd(f));
    }
}

void mlk_forest_algo_save(const void *state, mlk_doc *to)
{
    const mlk_forest *f = state;
    mlk_levels_save(f->levels, f->p, to);
    put_figures(f, to);
    if (f->k)
        mlk_doc_put_vec(to, "prior", (mlk_cvec){f->prior, f->k});
    mlk_doc *trees = mlk_doc_put_list(to, "trees");
    for (size_t b = 0; b < f->n_trees; b++)
        mlk_nodes_save(&f->tree[b], mlk_doc_put_map(trees, NULL));
}

void mlk_forest_algo_learned(const void *state, mlk_doc *to)
{
    const mlk_forest *f = state;
    int64_t leaves = 0, deepest = 0;
    for (size_t b = 0; b < f->n_trees; b++) {
        const int64_t depth = (int64_t)f->tree[b].depth;
        leaves += (int64_t)mlk_nodes_leaves(&f->tree[b]);
        deepest = depth > deepest ? depth : deepest;
    }
    mlk_doc_put_int(to, "n_leaves", leaves);
    mlk_doc_put_int(to, "depth", deepest);
    put_figures(f, to);
}

static mlk_status load_figures(const mlk_doc *from, mlk_forest *f)
{
    const size_t bytes = f->p * sizeof(double);
    mlk_cvec importances, mean, sd;
    MLK_TRY(mlk_doc_get_vec(from, "feature_importances", f->p, &importances));
    memcpy(f->importances, importances.data, bytes);
    MLK_TRY(mlk_doc_get_real(from, "oob_score", NAN, NAN, &f->oob_score));
    if (!mlk_doc_find(from, "permutation_importances"))
        return MLK_OK;
    MLK_TRY(mlk_doc_get_vec(from, "permutation_importances", f->p, &mean));
    MLK_TRY(mlk_doc_get_vec(from, "permutation_importances_sd", f->p, &sd));
    f->permutation = mlk_alloc(f->p, 2 * sizeof *f->permutation);
    if (!f->permutation)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu importances", f->p);
    memcpy(f->permutation, mean.data, bytes);
    memcpy(f->permutation + f->p, sd.data, bytes);
    return MLK_OK;
}

mlk_status mlk_forest_algo_load(const mlk_doc *from, size_t n_features, size_t n_classes,
                                void **state)
{
    const mlk_doc *trees;
    MLK_TRY(mlk_doc_get_list(from, "trees", &trees));
    const size_t n_trees = mlk_doc_size(trees);
    if (!n_trees)
        return MLK_FAIL(MLK_EFORMAT, "'trees' is empty; expected at least one");
    /* These bound all that is allocated by what the file holds. */
    mlk_cvec importances, prior = {NULL, 0};
    MLK_TRY(mlk_doc_get_vec(from, "feature_importances", n_features, &importances));
    if (n_classes)
        MLK_TRY(mlk_doc_get_vec(from, "prior", n_classes, &prior));
    mlk_forest *f = forest_allocate(n_features, n_classes, n_trees);
    if (!f)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a forest of %zu trees", n_trees);
    if (n_classes)
        memcpy(f->prior, prior.data, n_classes * sizeof *f->prior);
    mlk_status st = mlk_levels_load(from, n_features, &f->levels);
    if (st == MLK_OK)
        st = load_figures(from, f);
    for (size_t b = 0; st == MLK_OK && b < n_trees; b++) {
        st = mlk_nodes_load(mlk_doc_at(trees, b), f->levels, n_features, n_classes, &f->tree[b]);
        if (st == MLK_OK)
            st = pack_tree(f, b);
    }
    if (st == MLK_OK)
        *state = f;
    else
        mlk_forest_free(f);
    return st;
}

mlk_status mlk_forest_algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_forest *f = state;
    return mlk_nodes_codegen(f->tree, f->n_trees, f->levels, f->p, to);
}

void mlk_forest_algo_free(void *state) { mlk_forest_free(state); }
