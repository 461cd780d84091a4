#include <mlkit/cluster/dbscan.h>

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "spatial/kd_tree.h"

struct mlk_dbscan {
    mlk_scratch memory;
    size_t n, p, n_core, n_clusters; /* n = 0: loaded, without labels */
    double eps;
    mlk_mat core;         /* n_core x p: the core points */
    uint32_t *core_row;   /* n_core: their rows; of a fit only */
    uint32_t *core_label; /* n_core */
    int32_t *label;       /* n */
    kd_tree tree;         /* of `core`, where there are any */
};

static const double default_eps = 0.5;

static const mlk_opt opt_table[] = {
    MLK_OPT_REAL_OPEN(mlk_dbscan_opts, eps, default_eps, 0.0, INFINITY,
                      "radius of a neighbourhood"),
    MLK_OPT_INT(mlk_dbscan_opts, min_samples, 5.0, 1.0, 2147483647.0,
                "rows (their weight) within eps of a core point, itself included"),
    MLK_OPT_END,
};

enum { GRAIN = 64 };

mlk_dbscan_opts mlk_dbscan_opts_default(void)
{
    mlk_dbscan_opts opts;
    memset(&opts, 0, sizeof opts);
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------ queries */

/* Radius queries of many rows: each worker has room of its own. */
typedef struct queries {
    const kd_tree *tree;
    double limit;  /* eps^2 */
    size_t *found; /* a worker: rows of the tree */
} queries;

static mlk_status queries_init(const kd_tree *tree, double eps, unsigned workers, mlk_scratch *s,
                               queries *q)
{
    *q = (queries){.tree = tree, .limit = eps * eps};
    q->found = mlk_scratch_take(s, workers, tree->n * sizeof *q->found);
    return s->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for the neighbours of %zu rows", tree->n)
                     : MLK_OK;
}

static size_t query(const queries *q, const double *x, size_t most, unsigned worker,
                    const size_t **found)
{
    size_t *rows = q->found + worker * q->tree->n;
    *found = rows;
    return kd_tree_within(q->tree, x, q->limit, most, rows);
}

/* ------------------------------------------------------------------ cluster */

typedef struct growth {
    const mlk_data *data;
    size_t min_samples;
    queries q;
    bool *core;
    _Atomic uint32_t *parent; /* n: of the forest of core points; never a higher row */
    int32_t *label;
} growth;

/* Queries go in the order of the tree: neighbours in turn find their nodes in the cache. */
static mlk_status find_core(void *ctx, const mlk_chunk *c)
{
    const growth *g = ctx;
    const mlk_cmat X = g->data->X;
    const mlk_cvec w = g->data->w;
    for (size_t at = c->begin; at < c->end; at++) {
        const size_t i = g->q.tree->row[at], most = w.n ? SIZE_MAX : g->min_samples;
        const size_t *found;
        const size_t n = query(&g->q, X.data + i * X.ld, most, c->worker, &found);
        double weight = w.n ? 0.0 : (double)n;
        for (size_t j = 0; w.n && j < n; j++)
            weight += w.data[found[j]];
        g->core[i] = weight >= (double)g->min_samples;
    }
    return MLK_OK;
}

/* The first row of i's tree. Other threads may be joining trees: what is read is an ancestor all
 * the same, and shortening the way keeps it one. */
static uint32_t root_of(_Atomic uint32_t *parent, uint32_t i)
{
    for (;;) {
        uint32_t up = atomic_load_explicit(&parent[i], memory_order_relaxed);
        if (up == i)
            return i;
        const uint32_t higher = atomic_load_explicit(&parent[up], memory_order_relaxed);
        atomic_compare_exchange_weak_explicit(&parent[i], &up, higher, memory_order_relaxed,
                                              memory_order_relaxed);
        i = higher;
    }
}

/* Roots are joined under the lower one: whatever the order, the root of a component ends up as its
 * first row. */
static void join(_Atomic uint32_t *parent, uint32_t a, uint32_t b)
{
    for (;;) {
        a = root_of(parent, a);
        b = root_of(parent, b);
        if (a == b)
            return;
        const uint32_t low = a < b ? a : b;
        uint32_t high = a < b ? b : a;
        if (atomic_compare_exchange_strong_explicit(&parent[high], &high, low, memory_order_relaxed,
                                                    memory_order_relaxed))
            return;
        a = low;
        b = high;
    }
}

static mlk_status join_core(void *ctx, const mlk_chunk *c)
{
    const growth *g = ctx;
    const mlk_cmat X = g->data->X;
    for (size_t at = c->begin; at < c->end; at++) {
        const size_t i = g->q.tree->row[at];
        const size_t *found;
        if (!g->core[i])
            continue;
        const size_t n = query(&g->q, X.data + i * X.ld, SIZE_MAX, c->worker, &found);
        uint32_t root = root_of(g->parent, (uint32_t)i);
        for (size_t j = 0; j < n; j++) {
            const size_t other = found[j];
            if (other >= i || !g->core[other] ||
                atomic_load_explicit(&g->parent[other], memory_order_relaxed) == root)
                continue;
            join(g->parent, root, (uint32_t)other);
            root = root_of(g->parent, root);
        }
    }
    return MLK_OK;
}

static mlk_status label_rest(void *ctx, const mlk_chunk *c)
{
    const growth *g = ctx;
    const mlk_cmat X = g->data->X;
    for (size_t at = c->begin; at < c->end; at++) {
        const size_t i = g->q.tree->row[at];
        const size_t *found;
        if (g->core[i])
            continue;
        const size_t n = query(&g->q, X.data + i * X.ld, SIZE_MAX, c->worker, &found);
        int32_t first = -1;
        for (size_t j = 0; j < n; j++) {
            const int32_t other = g->core[found[j]] ? g->label[found[j]] : -1;
            if (other >= 0 && (first < 0 || other < first))
                first = other;
        }
        g->label[i] = first;
    }
    return MLK_OK;
}

/* Number the components of the core points by their first rows. */
static void number_clusters(const growth *g, mlk_dbscan *m)
{
    m->n_clusters = m->n_core = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (!g->core[i])
            continue;
        const uint32_t root = root_of(g->parent, (uint32_t)i);
        m->label[i] = root == i ? (int32_t)m->n_clusters++ : m->label[root];
        m->n_core++;
    }
}

static mlk_status grow(growth *g, const mlk_run *run, mlk_dbscan *m)
{
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_parallel_for(&inner, m->n, GRAIN, find_core, g));
    MLK_TRY(mlk_parallel_for(&inner, m->n, GRAIN, join_core, g));
    number_clusters(g, m);
    return mlk_parallel_for(&inner, m->n, GRAIN, label_rest, g);
}

/* -------------------------------------------------------------------- model */

static mlk_status model_new(size_t n, size_t p, double eps, mlk_dbscan **model)
{
    mlk_dbscan *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->n = n;
    m->p = p;
    m->eps = eps;
    m->label = mlk_scratch_take(&m->memory, n, sizeof *m->label);
    return m->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu labels", n) : MLK_OK;
}

static mlk_status take_core(mlk_dbscan *m)
{
    m->core = mlk_scratch_mat(&m->memory, m->n_core, m->p);
    m->core_row = mlk_scratch_take(&m->memory, m->n_core, sizeof *m->core_row);
    m->core_label = mlk_scratch_take(&m->memory, m->n_core, sizeof *m->core_label);
    return m->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu core points", m->n_core)
                            : MLK_OK;
}

/* What prediction needs: the core points and a tree of them. */
static mlk_status keep_core(const mlk_data *data, const bool *core, const mlk_run *run,
                            mlk_dbscan *m)
{
    size_t at = 0;
    MLK_TRY(take_core(m));
    for (size_t i = 0; i < m->n; i++) {
        if (!core[i])
            continue;
        memcpy(m->core.data + at * m->p, data->X.data + i * data->X.ld, m->p * sizeof(double));
        m->core_row[at] = (uint32_t)i;
        m->core_label[at++] = (uint32_t)m->label[i];
    }
    return m->n_core ? kd_tree_init(mlk_mat_c(m->core), 2.0, run, &m->tree) : MLK_OK;
}

void mlk_dbscan_free(mlk_dbscan *m)
{
    if (m) {
        kd_tree_release(&m->tree);
        mlk_scratch_release(&m->memory);
    }
    mlk_free(m);
}

static mlk_status fit_with(const mlk_data *data, const mlk_dbscan_opts *o, const mlk_run *run,
                           mlk_scratch *s, mlk_dbscan *m)
{
    growth g = {.data = data, .min_samples = (size_t)o->min_samples, .label = m->label};
    kd_tree tree;
    mlk_status st = kd_tree_init(data->X, 2.0, run, &tree);
    g.core = mlk_scratch_take(s, m->n, sizeof *g.core);
    g.parent = mlk_scratch_take(s, m->n, sizeof *g.parent);
    if (st == MLK_OK)
        st = s->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", m->n)
                       : queries_init(&tree, m->eps, mlk_workers(run, m->n, GRAIN), s, &g.q);
    for (size_t i = 0; st == MLK_OK && i < m->n; i++)
        atomic_init(&g.parent[i], (uint32_t)i);
    if (st == MLK_OK)
        st = grow(&g, run, m);
    kd_tree_release(&tree);
    return st == MLK_OK ? keep_core(data, g.core, run, m) : st;
}

mlk_status mlk_dbscan_fit(const mlk_data *data, const mlk_dbscan_opts *opts, const mlk_run *run,
                          mlk_dbscan **model)
{
    const mlk_dbscan_opts o = opts ? *opts : mlk_dbscan_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, 0, run));
    if (data->X.rows > INT32_MAX)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows; expected at most %d", data->X.rows, INT32_MAX);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_dbscan *fit;
    mlk_status st = model_new(data->X.rows, data->X.cols, o.eps, &fit);
    if (st == MLK_OK)
        st = fit_with(data, &o, run, &scratch, fit);
    mlk_scratch_release(&scratch);
    if (st != MLK_OK) {
        mlk_dbscan_free(fit);
        return st;
    }
    if (!fit->n_clusters)
        mlk_run_warn(run,
                     "dbscan found no cluster: no row has min_samples = %lld rows within "
                     "eps = %g",
                     (long long)o.min_samples, o.eps);
    *model = fit;
    return MLK_OK;
}

/* --------------------------------------------------------------- prediction */

typedef struct prediction {
    const mlk_dbscan *m;
    mlk_cmat X;
    queries q;
    double *out;
} prediction;

static mlk_status predict_rows(void *ctx, const mlk_chunk *c)
{
    const prediction *t = ctx;
    for (size_t i = c->begin; i < c->end; i++) {
        const size_t *found;
        const size_t n = query(&t->q, t->X.data + i * t->X.ld, SIZE_MAX, c->worker, &found);
        double first = -1.0;
        for (size_t j = 0; j < n; j++) {
            const double label = t->m->core_label[found[j]];
            if (first < 0.0 || label < first)
                first = label;
        }
        t->out[i] = first;
    }
    return MLK_OK;
}

mlk_status mlk_dbscan_predict(const mlk_dbscan *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->p, out.n));
    for (size_t i = 0; !m->n_core && i < X.rows; i++)
        out.data[i] = -1.0;
    if (!m->n_core)
        return MLK_OK;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    prediction t = {.m = m, .X = X, .out = out.data};
    mlk_status st = queries_init(&m->tree, m->eps, mlk_workers(run, X.rows, GRAIN), &scratch, &t.q);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, X.rows, GRAIN, predict_rows, &t);
    mlk_scratch_release(&scratch);
    return st;
}

size_t mlk_dbscan_n_clusters(const mlk_dbscan *m) { return m->n_clusters; }
const int32_t *mlk_dbscan_labels(const mlk_dbscan *m) { return m->label; }
const uint32_t *mlk_dbscan_core(const mlk_dbscan *m) { return m->core_row; }
size_t mlk_dbscan_n_core(const mlk_dbscan *m) { return m->n_core; }

/* --------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_dbscan *m;
    const mlk_status st = mlk_dbscan_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_dbscan_predict(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_dbscan *m = state;
    mlk_doc_put_real(to, "eps", m->eps);
    mlk_doc_put_int(to, "n_clusters", (int64_t)m->n_clusters);
    mlk_doc_put_mat(to, "components", mlk_mat_c(m->core));
    mlk_doc_put_array(to, "component_labels", MLK_U32, m->core_label, m->n_core, 0);
}

static mlk_status load_core(const mlk_doc *from, size_t p, mlk_dbscan *m)
{
    mlk_cmat core;
    mlk_doc_array labels;
    MLK_TRY(mlk_doc_get_array(from, "component_labels", MLK_U32, &labels));
    m->n_core = labels.rows;
    if (labels.cols)
        return MLK_FAIL(MLK_EFORMAT, "'component_labels' has %zu columns", labels.cols);
    MLK_TRY(mlk_doc_get_mat(from, "components", m->n_core, p, &core));
    MLK_TRY(mlk_doc_get_size(from, "n_clusters", m->n_core > 0, m->n_core, &m->n_clusters));
    const uint32_t *label = labels.data;
    for (size_t i = 0; i < m->n_core; i++)
        if (label[i] >= m->n_clusters)
            return MLK_FAIL(MLK_EFORMAT, "'component_labels' holds %u of %zu clusters", label[i],
                            m->n_clusters);
    MLK_TRY(take_core(m));
    if (!m->n_core)
        return MLK_OK;
    mlk_copy(core, m->core);
    memcpy(m->core_label, label, m->n_core * sizeof *label);
    return kd_tree_init(mlk_mat_c(m->core), 2.0, NULL, &m->tree);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    double eps;
    mlk_dbscan *m;
    MLK_TRY(mlk_doc_get_real(from, "eps", DBL_TRUE_MIN, DBL_MAX, &eps));
    mlk_status st = model_new(0, n_features, eps, &m);
    if (st == MLK_OK)
        st = load_core(from, n_features, m);
    if (st != MLK_OK) {
        mlk_dbscan_free(m);
        return st;
    }
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_dbscan *m = state;
    mlk_doc_put_int(to, "n_clusters", (int64_t)m->n_clusters);
    mlk_doc_put_mat(to, "components", mlk_mat_c(m->core));
    if (!m->n)
        return;
    mlk_doc_put_array(to, "core_sample_indices", MLK_U32, m->core_row, m->n_core, 0);
    mlk_doc_put_array(to, "labels", MLK_I32, m->label, m->n, 0);
}

static void algo_free(void *state) { mlk_dbscan_free(state); }

const mlk_algo mlk_dbscan_algo = {
    .name = "dbscan",
    .help = "density-based clustering with noise",
    .tasks = MLK_CLUSTERING,
    .caps = MLK_CAP_WEIGHTS,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_dbscan_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
