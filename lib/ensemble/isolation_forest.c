#include <mlkit/ensemble/isolation_forest.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/sort.h"
#include "model/algo.h"
#include "tree/limits.h"

enum { PREDICT_ROWS = 256 };

static const int32_t LEAF = -1;

/* Nodes in preorder: the left child follows its parent. */
typedef struct node {
    int32_t feature; /* of the cut; LEAF */
    uint32_t right;
    double value; /* x <= value goes left; of a leaf, its h of (1) */
} node;

struct mlk_isolation_forest {
    size_t p, n_trees, samples;
    double threshold;
    size_t *start; /* n_trees + 1: where each tree's nodes begin */
    node *node;
};

static const mlk_word contaminations[] = {{"auto", MLK_CONTAMINATION_AUTO}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_isolation_forest_opts, n_estimators, 100, 1, INFINITY, "number of trees"),
    MLK_OPT_REAL_WORDS(mlk_isolation_forest_opts, contamination, MLK_CONTAMINATION_AUTO, 0.0, 0.5,
                       true, contaminations,
                       "share of outliers; auto: those with a score above 1/2"),
    MLK_OPT_REAL_OPEN(mlk_isolation_forest_opts, max_samples, 256.0, 0.0, INFINITY,
                      "rows drawn for a tree: a share up to 1, or a count from 2 on"),
    MLK_OPT_INT(mlk_isolation_forest_opts, seed, 0, 0, INFINITY, "of all draws"),
    MLK_OPT_END,
};

mlk_isolation_forest_opts mlk_isolation_forest_opts_default(void)
{
    mlk_isolation_forest_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* c of (1): the mean depth of a row in a full tree of n. */
static double mean_depth(size_t n)
{
    static const double EULER = 0.57721566490153286;
    const double m = (double)n;
    return n < 2 ? 0.0 : n == 2 ? 1.0 : 2.0 * (log(m - 1.0) + EULER) - 2.0 * (m - 1.0) / m;
}

/* -------------------------------------------------------------------- growing */

/* A tree while it grows; `row` and `column` are permuted. */
typedef struct sprout {
    mlk_cmat X;
    mlk_rng rng;
    size_t *row, *column;
    node *node;
    size_t n, height; /* nodes so far; greatest depth */
} sprout;

/* A random column that is not constant on rows begin..end-1, and its range; false: none is. */
static bool draw_column(sprout *t, size_t begin, size_t end, size_t *column, double *lo, double *hi)
{
    for (size_t k = 0; k < t->X.cols; k++) {
        const size_t other = k + (size_t)mlk_rng_below(&t->rng, t->X.cols - k);
        *column = t->column[other];
        t->column[other] = t->column[k];
        t->column[k] = *column;
        *lo = INFINITY;
        *hi = -INFINITY;
        for (size_t i = begin; i < end; i++) {
            const double x = t->X.data[t->row[i] * t->X.ld + *column];
            *lo = x < *lo ? x : *lo;
            *hi = x > *hi ? x : *hi;
        }
        if (*lo < *hi)
            return true;
    }
    return false;
}

/* Rows begin..end-1 with x <= cut to the front; where the others begin. */
static size_t divide(const sprout *t, size_t begin, size_t end, size_t column, double cut)
{
    while (begin < end) {
        const size_t row = t->row[begin];
        if (t->X.data[row * t->X.ld + column] <= cut) {
            begin++;
        } else {
            t->row[begin] = t->row[--end];
            t->row[end] = row;
        }
    }
    return begin;
}

/* The node of rows begin..end-1 and all below it; no deeper than `height`, which is below 64. */
static void grow(sprout *t, size_t begin, size_t end, size_t depth)
{
    const size_t at = t->n++;
    size_t column;
    double lo, hi;
    if (depth == t->height || end - begin < 2 || !draw_column(t, begin, end, &column, &lo, &hi)) {
        t->node[at] = (node){LEAF, 0, (double)depth + mean_depth(end - begin)};
        return;
    }
    const double u = mlk_rng_uniform(&t->rng);
    double cut = (1.0 - u) * lo + u * hi;
    if (!(cut >= lo && cut < hi)) /* by rounding */
        cut = lo;
    const size_t middle = divide(t, begin, end, column, cut);
    grow(t, begin, middle, depth + 1);
    t->node[at] = (node){(int32_t)column, (uint32_t)t->n, cut};
    grow(t, middle, end, depth + 1);
}

typedef struct plantation {
    mlk_cmat X;
    uint64_t seed;
    size_t height;
    mlk_isolation_forest *forest; /* tree b from node b * room on; start[b + 1]: its nodes */
    size_t room;
} plantation;

static mlk_status grow_trees(void *ctx, const mlk_chunk *chunk)
{
    const plantation *g = ctx;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    sprout t = {.X = g->X,
                .row = mlk_scratch_take(&scratch, g->X.rows, sizeof *t.row),
                .column = mlk_scratch_take(&scratch, g->X.cols, sizeof *t.column),
                .height = g->height};
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory to draw from %zu rows", g->X.rows);
    }
    for (size_t b = chunk->begin; b < chunk->end; b++) {
        t.rng = mlk_rng_stream(g->seed, b);
        t.node = g->forest->node + b * g->room;
        t.n = 0;
        for (size_t j = 0; j < g->X.cols; j++)
            t.column[j] = j;
        mlk_rng_sample(&t.rng, t.row, g->X.rows, g->forest->samples);
        grow(&t, 0, g->forest->samples, 0);
        g->forest->start[b + 1] = t.n;
    }
    mlk_scratch_release(&scratch);
    return MLK_OK;
}

/* Trees end to end, in a block of their size. */
static void close_ranks(mlk_isolation_forest *f, size_t room)
{
    for (size_t b = 0; b < f->n_trees; b++) {
        memmove(f->node + f->start[b], f->node + b * room, f->start[b + 1] * sizeof *f->node);
        f->start[b + 1] += f->start[b];
    }
    const size_t n = f->start[f->n_trees];
    node *less = mlk_alloc(n, sizeof *less);
    if (!less)
        return; /* the large one serves as well */
    memcpy(less, f->node, n * sizeof *less);
    mlk_free(f->node);
    f->node = less;
}

static mlk_isolation_forest *allocate(size_t p, size_t n_trees, size_t nodes)
{
    mlk_isolation_forest *f = mlk_alloc_zero(1, sizeof *f);
    if (!f)
        return NULL;
    f->p = p;
    f->n_trees = n_trees;
    f->start = mlk_alloc_zero(n_trees + 1, sizeof *f->start);
    f->node = mlk_alloc(nodes, sizeof *f->node);
    if (f->start && f->node)
        return f;
    mlk_isolation_forest_free(f);
    return NULL;
}

void mlk_isolation_forest_free(mlk_isolation_forest *f)
{
    if (!f)
        return;
    mlk_free(f->start);
    mlk_free(f->node);
    mlk_free(f);
}

/* ------------------------------------------------------------------------ fit */

/* The score that a share of the training rows exceeds. */
static mlk_status set_threshold(mlk_isolation_forest *f, mlk_cmat X, double contamination,
                                const mlk_run *run)
{
    f->threshold = 0.5;
    if (contamination == MLK_CONTAMINATION_AUTO)
        return MLK_OK;
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec s = mlk_scratch_vec(&scratch, X.rows);
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu scores", X.rows)
                                         : mlk_isolation_forest_score(f, X, &inner, s);
    if (st == MLK_OK)
        f->threshold = mlk_quantile(s.data, s.n, 1.0 - contamination);
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status count_samples(double max_samples, size_t n, size_t *samples)
{
    *samples = n;
    return max_samples > (double)n && max_samples == floor(max_samples)
               ? MLK_OK
               : mlk_share_resolve("max_samples", max_samples, n, samples);
}

mlk_status mlk_isolation_forest_fit(const mlk_data *data, const mlk_isolation_forest_opts *opts,
                                    const mlk_run *run, mlk_isolation_forest **model)
{
    const mlk_isolation_forest_opts o = opts ? *opts : mlk_isolation_forest_opts_default();
    const size_t p = data->X.cols, n_trees = (size_t)o.n_estimators;
    plantation g = {.X = data->X, .seed = (uint64_t)o.seed};
    size_t samples;
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_SEED, 0, run));
    if (p > INT32_MAX || data->X.rows > INT32_MAX)
        return MLK_FAIL(MLK_EUNSUPPORTED,
                        "X is %zu x %zu; expected less than 2^31 rows and columns", data->X.rows,
                        p);
    MLK_TRY(count_samples(o.max_samples, data->X.rows, &samples));
    while (((size_t)1 << g.height) < samples || !g.height)
        g.height++;
    g.room = 2 * samples - 1;
    size_t nodes;
    g.forest = __builtin_mul_overflow(n_trees, g.room, &nodes) ? NULL : allocate(p, n_trees, nodes);
    if (!g.forest)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %lld trees of %zu rows",
                        (long long)o.n_estimators, samples);
    g.forest->samples = samples;
    mlk_status st =
        mlk_parallel_for(run, n_trees, mlk_grain(samples * g.height, 1 << 14), grow_trees, &g);
    if (st == MLK_OK) {
        close_ranks(g.forest, g.room);
        st = set_threshold(g.forest, data->X, o.contamination, run);
    }
    if (st == MLK_OK)
        *model = g.forest;
    else
        mlk_isolation_forest_free(g.forest);
    return st;
}

/* ----------------------------------------------------------------- prediction */

typedef struct scoring {
    const mlk_isolation_forest *f;
    mlk_cmat X;
    double *out;
} scoring;

static mlk_status score_rows(void *ctx, const mlk_chunk *chunk)
{
    const scoring *s = ctx;
    const mlk_isolation_forest *f = s->f;
    const double norm = mean_depth(f->samples) * (double)f->n_trees;
    for (size_t i = chunk->begin; i < chunk->end; i++)
        s->out[i] = 0.0;
    for (size_t b = 0; b < f->n_trees; b++) {
        const node *tree = f->node + f->start[b];
        for (size_t i = chunk->begin; i < chunk->end; i++) {
            const double *x = s->X.data + i * s->X.ld;
            size_t at = 0;
            while (tree[at].feature != LEAF)
                at = x[tree[at].feature] <= tree[at].value ? at + 1 : tree[at].right;
            s->out[i] += tree[at].value;
        }
    }
    for (size_t i = chunk->begin; i < chunk->end; i++)
        s->out[i] = norm > 0.0 ? exp2(-s->out[i] / norm) : 0.5;
    return MLK_OK;
}

mlk_status mlk_isolation_forest_score(const mlk_isolation_forest *f, mlk_cmat X, const mlk_run *run,
                                      mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, f->p, out.n));
    scoring s = {f, X, out.data};
    return mlk_parallel_for(run, X.rows, PREDICT_ROWS, score_rows, &s);
}

mlk_status mlk_isolation_forest_predict(const mlk_isolation_forest *f, mlk_cmat X,
                                        const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_isolation_forest_score(f, X, run, out));
    for (size_t i = 0; i < out.n; i++)
        out.data[i] = out.data[i] > f->threshold;
    return MLK_OK;
}

size_t mlk_isolation_forest_n_trees(const mlk_isolation_forest *f) { return f->n_trees; }
size_t mlk_isolation_forest_max_samples(const mlk_isolation_forest *f) { return f->samples; }
double mlk_isolation_forest_threshold(const mlk_isolation_forest *f) { return f->threshold; }

/* ----------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_isolation_forest *fit;
    const mlk_status st = mlk_isolation_forest_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_isolation_forest_predict(state, X, run, out);
}

static mlk_status algo_score(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_isolation_forest_score(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_decide_by(algo_score, state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_isolation_forest *f = state;
    const size_t n = f->start[f->n_trees];
    mlk_doc_put_int(to, "max_samples", (int64_t)f->samples);
    mlk_doc_put_real(to, "threshold", f->threshold);
    uint32_t *nodes = mlk_doc_put_room(to, "nodes", MLK_U32, f->n_trees, 0);
    for (size_t b = 0; nodes && b < f->n_trees; b++)
        nodes[b] = (uint32_t)(f->start[b + 1] - f->start[b]);
    int32_t *feature = mlk_doc_put_room(to, "feature", MLK_I32, n, 0);
    for (size_t i = 0; feature && i < n; i++)
        feature[i] = f->node[i].feature;
    uint32_t *right = mlk_doc_put_room(to, "right", MLK_U32, n, 0);
    for (size_t i = 0; right && i < n; i++)
        right[i] = f->node[i].right;
    double *value = mlk_doc_put_room(to, "value", MLK_F64, n, 0);
    for (size_t i = 0; value && i < n; i++)
        value[i] = f->node[i].value;
}

/* Children come after their parent and within the tree: every way down ends. */
static mlk_status check_tree(const node *tree, size_t n, size_t p)
{
    for (size_t i = 0; i < n; i++) {
        const node *at = &tree[i];
        if (at->feature == LEAF && at->value >= 0.0)
            continue;
        if (at->feature < 0 || (size_t)at->feature >= p || at->right <= i || at->right >= n ||
            i + 1 >= n)
            return MLK_FAIL(MLK_EFORMAT, "node %zu of a tree of %zu cuts column %d, right to %u", i,
                            n, (int)at->feature, at->right);
    }
    return MLK_OK;
}

static mlk_status load_trees(const mlk_doc_array *nodes, const mlk_doc_array *feature,
                             const mlk_doc_array *right, const double *value,
                             mlk_isolation_forest *f)
{
    const uint32_t *count = nodes->data;
    for (size_t b = 0; b < f->n_trees; b++)
        f->start[b + 1] = f->start[b] + count[b];
    for (size_t i = 0; i < feature->rows; i++)
        f->node[i] = (node){((const int32_t *)feature->data)[i], ((const uint32_t *)right->data)[i],
                            value[i]};
    for (size_t b = 0; b < f->n_trees; b++)
        MLK_TRY(check_tree(f->node + f->start[b], count[b], f->p));
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_doc_array nodes, feature, right;
    mlk_cvec value;
    size_t samples, n = 0;
    double threshold;
    (void)n_classes;
    MLK_TRY(mlk_doc_get_size(from, "max_samples", 1, INT32_MAX, &samples));
    MLK_TRY(mlk_doc_get_real(from, "threshold", 0.0, 1.0, &threshold));
    MLK_TRY(mlk_doc_get_array(from, "nodes", MLK_U32, &nodes));
    MLK_TRY(mlk_doc_get_array(from, "feature", MLK_I32, &feature));
    MLK_TRY(mlk_doc_get_array(from, "right", MLK_U32, &right));
    MLK_TRY(mlk_doc_get_vec(from, "value", feature.rows, &value));
    bool empty = !nodes.rows;
    for (size_t b = 0; b < nodes.rows; b++) {
        empty |= !((const uint32_t *)nodes.data)[b];
        n += ((const uint32_t *)nodes.data)[b];
    }
    if (empty || nodes.cols || feature.cols || right.cols || n != feature.rows || n != right.rows)
        return MLK_FAIL(MLK_EFORMAT, "%zu trees of %zu nodes, but %zu and %zu values", nodes.rows,
                        n, feature.rows, right.rows);
    mlk_isolation_forest *f = allocate(n_features, nodes.rows, n);
    if (!f)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu trees", nodes.rows);
    f->samples = samples;
    f->threshold = threshold;
    const mlk_status st = load_trees(&nodes, &feature, &right, value.data, f);
    if (st == MLK_OK)
        *state = f;
    else
        mlk_isolation_forest_free(f);
    return st;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_isolation_forest *f = state;
    mlk_doc_put_int(to, "max_samples", (int64_t)f->samples);
    mlk_doc_put_real(to, "threshold", f->threshold);
}

static void algo_free(void *state) { mlk_isolation_forest_free(state); }

const mlk_algo mlk_isolation_forest_algo = {
    .name = "isolation-forest",
    .help = "outliers by how soon random cuts leave them alone",
    .tasks = MLK_OUTLIER,
    .caps = MLK_CAP_SEED,
    .opts_size = sizeof(mlk_isolation_forest_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
