#include <mlkit/cluster/agglomerative.h>

#include <math.h>
#include <string.h>

#include "cluster/merge_tree.h"
#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "spatial/neighbours.h"

struct mlk_agglomerative {
    mlk_scratch memory;
    size_t n, p, k;
    mlk_mat X;              /* n x p: the rows */
    uint32_t *label;        /* n */
    uint32_t *merges;       /* (n - 1) x 2 */
    double *distances;      /* n - 1 */
    mlk_neighbours *search; /* in X */
};

static const mlk_word linkages[] = {{"ward", MLK_LINKAGE_WARD},
                                    {"single", MLK_LINKAGE_SINGLE},
                                    {"complete", MLK_LINKAGE_COMPLETE},
                                    {"average", MLK_LINKAGE_AVERAGE},
                                    {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_agglomerative_opts, n_clusters, 8.0, 1.0, 2147483647.0, "clusters"),
    MLK_OPT_WORD(mlk_agglomerative_opts, linkage, MLK_LINKAGE_WARD, linkages,
                 "distance between clusters"),
    MLK_OPT_END,
};

mlk_agglomerative_opts mlk_agglomerative_opts_default(void)
{
    mlk_agglomerative_opts opts;
    memset(&opts, 0, sizeof opts);
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ---------------------------------------------------------------------- fit */

static mlk_status model_new(mlk_cmat X, size_t k, mlk_agglomerative **model)
{
    mlk_agglomerative *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->n = X.rows;
    m->p = X.cols;
    m->k = k;
    m->X = mlk_scratch_mat(&m->memory, X.rows, X.cols);
    m->label = mlk_scratch_take(&m->memory, X.rows, sizeof *m->label);
    m->merges = mlk_scratch_take(&m->memory, 2 * X.rows, sizeof *m->merges);
    m->distances = mlk_scratch_vec(&m->memory, X.rows).data;
    if (m->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", X.rows, X.cols);
    mlk_copy(X, m->X);
    return MLK_OK;
}

void mlk_agglomerative_free(mlk_agglomerative *m)
{
    if (m) {
        mlk_neighbours_free(m->search);
        mlk_scratch_release(&m->memory);
    }
    mlk_free(m);
}

static mlk_status make_search(const mlk_run *run, mlk_agglomerative *m)
{
    return mlk_neighbours_new(mlk_mat_c(m->X), 2.0, MLK_NEIGHBOURS_AUTO, run, &m->search);
}

/* Ward's distances are the largest: at most 2 n times a squared one between rows. */
static mlk_status check_range(mlk_cmat X, const mlk_run *run)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const mlk_run inner = mlk_run_inner(run);
    const mlk_vec lo = mlk_scratch_vec(&s, X.cols), hi = mlk_scratch_vec(&s, X.cols);
    mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", X.cols)
                             : mlk_column_range(X, &inner, lo, hi);
    double sum = 0.0;
    for (size_t j = 0; st == MLK_OK && j < X.cols; j++)
        sum += (hi.data[j] - lo.data[j]) * (hi.data[j] - lo.data[j]);
    mlk_scratch_release(&s);
    if (st == MLK_OK && !(4.0 * (double)X.rows * sum < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "squared distances overflow: scale the columns");
    return st;
}

static mlk_status check(const mlk_data *d, const void *const *opts, size_t n, const mlk_run *run)
{
    for (size_t i = 0; i < n; i++)
        MLK_TRY(mlk_opts_check(opt_table, opts[i]));
    MLK_TRY(mlk_data_check(d, 0, 0, run));
    for (size_t i = 0; i < n; i++) {
        const mlk_agglomerative_opts *o = opts[i];
        if ((uint64_t)o->n_clusters > d->X.rows)
            return MLK_FAIL(MLK_EINVAL, "n_clusters = %lld; expected at most the %zu row%s",
                            (long long)o->n_clusters, d->X.rows, d->X.rows == 1 ? "" : "s");
    }
    if (d->X.rows > INT32_MAX)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows; expected at most %d", d->X.rows, INT32_MAX);
    return check_range(d->X, run);
}

/* The tree of one linkage. */
typedef struct grown {
    mlk_scratch memory;
    uint32_t *merges;
    double *distances;
} grown;

static mlk_status grow(mlk_cmat X, int linkage, const mlk_run *run, grown *g)
{
    const size_t n = X.rows;
    *g = (grown){.memory = MLK_SCRATCH_INIT};
    merge_link *links = mlk_scratch_take(&g->memory, n, sizeof *links);
    g->merges = mlk_scratch_take(&g->memory, 2 * n, sizeof *g->merges);
    g->distances = mlk_scratch_vec(&g->memory, n).data;
    if (g->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu merges", n - 1);
    if (n < 2)
        return MLK_OK;
    MLK_TRY(merge_links(X, linkage, run, links));
    return merge_table(links, n, g->merges, g->distances);
}

static mlk_status cut(mlk_cmat X, const grown *g, const mlk_agglomerative_opts *o,
                      const mlk_run *run, mlk_agglomerative **model)
{
    mlk_agglomerative *m;
    const size_t n = X.rows;
    mlk_status st = model_new(X, (size_t)o->n_clusters, &m);
    if (st == MLK_OK) {
        memcpy(m->merges, g->merges, 2 * (n - 1) * sizeof *m->merges);
        memcpy(m->distances, g->distances, (n - 1) * sizeof *m->distances);
        st = merge_cut(m->merges, n, m->k, m->label);
    }
    if (st == MLK_OK)
        st = make_search(run, m);
    if (st != MLK_OK) {
        mlk_agglomerative_free(m);
        m = NULL;
    }
    *model = m;
    return st;
}

/* One tree for all that agree on the linkage. */
static mlk_status fit_many(const mlk_data *data, const void *const *opts, size_t n,
                           const mlk_run *run, void **models)
{
    mlk_status st = MLK_OK;
    for (size_t i = 0; i < n; i++)
        models[i] = NULL;
    MLK_TRY(check(data, opts, n, run));
    for (const mlk_word *w = linkages; st == MLK_OK && w->name; w++) {
        grown g = {.memory = MLK_SCRATCH_INIT};
        for (size_t i = 0; st == MLK_OK && i < n; i++) {
            const mlk_agglomerative_opts *o = opts[i];
            mlk_agglomerative *m = NULL;
            if (o->linkage != (int)w->value)
                continue;
            if (!g.merges)
                st = grow(data->X, o->linkage, run, &g);
            if (st == MLK_OK)
                st = cut(data->X, &g, o, run, &m);
            models[i] = m;
        }
        mlk_scratch_release(&g.memory);
    }
    for (size_t i = 0; st != MLK_OK && i < n; i++) {
        mlk_agglomerative_free(models[i]);
        models[i] = NULL;
    }
    return st;
}

mlk_status mlk_agglomerative_fit(const mlk_data *data, const mlk_agglomerative_opts *opts,
                                 const mlk_run *run, mlk_agglomerative **model)
{
    const mlk_agglomerative_opts o = opts ? *opts : mlk_agglomerative_opts_default();
    const void *const one[] = {&o};
    void *fit;
    const mlk_status st = fit_many(data, one, 1, run, &fit);
    *model = fit;
    return st;
}

/* --------------------------------------------------------------- prediction */

mlk_status mlk_agglomerative_predict(const mlk_agglomerative *m, mlk_cmat X, const mlk_run *run,
                                     mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->p, out.n));
    mlk_scratch s = MLK_SCRATCH_INIT;
    size_t *row = mlk_scratch_take(&s, X.rows, sizeof *row);
    double *distance = mlk_scratch_vec(&s, X.rows).data;
    const mlk_status st =
        s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for the neighbours of %zu rows", X.rows)
                 : mlk_neighbours_query(m->search, X, 1, SIZE_MAX, run, row, distance);
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
        out.data[i] = m->label[row[i]];
    mlk_scratch_release(&s);
    return st;
}

size_t mlk_agglomerative_n_rows(const mlk_agglomerative *m) { return m->n; }
const uint32_t *mlk_agglomerative_labels(const mlk_agglomerative *m) { return m->label; }
const uint32_t *mlk_agglomerative_merges(const mlk_agglomerative *m) { return m->merges; }
mlk_cvec mlk_agglomerative_distances(const mlk_agglomerative *m)
{
    return (mlk_cvec){m->distances, m->n - 1};
}

/* --------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    return fit_many(data, &opts, 1, run, state);
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_agglomerative_predict(state, X, run, out);
}

static void put_tree(const mlk_agglomerative *m, mlk_doc *to)
{
    mlk_doc_put_array(to, "merges", MLK_U32, m->merges, m->n - 1, 2);
    mlk_doc_put_vec(to, "distances", mlk_agglomerative_distances(m));
    mlk_doc_put_array(to, "labels", MLK_U32, m->label, m->n, 0);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_agglomerative *m = state;
    mlk_doc_put_int(to, "n_clusters", (int64_t)m->k);
    mlk_doc_put_mat(to, "rows", mlk_mat_c(m->X));
    put_tree(m, to);
}

/* Of clusters that exist by then, each is merged once. */
static mlk_status load_tree(const mlk_doc *from, mlk_agglomerative *m)
{
    mlk_doc_array merges;
    mlk_cvec distances;
    MLK_TRY(mlk_doc_get_vec(from, "distances", m->n - 1, &distances));
    MLK_TRY(mlk_doc_get_array(from, "merges", MLK_U32, &merges));
    if (merges.rows != m->n - 1 || merges.cols != 2)
        return MLK_FAIL(MLK_EFORMAT, "'merges' is %zu x %zu; expected %zu x 2", merges.rows,
                        merges.cols, m->n - 1);
    const uint32_t *id = merges.data;
    bool *merged = mlk_alloc_zero(2 * m->n, sizeof *merged);
    mlk_status st = merged ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for %zu clusters", 2 * m->n);
    for (size_t i = 0; st == MLK_OK && i < 2 * merges.rows; i++) {
        if (id[i] >= m->n + i / 2 || merged[id[i]])
            st = MLK_FAIL(MLK_EFORMAT, "'merges' joins cluster %u at merge %zu", id[i], i / 2);
        else
            merged[id[i]] = true;
    }
    mlk_free(merged);
    if (st == MLK_OK) {
        memcpy(m->merges, id, 2 * merges.rows * sizeof *id);
        memcpy(m->distances, distances.data, distances.n * sizeof(double));
    }
    return st;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_doc_array labels;
    mlk_cmat X;
    size_t k;
    mlk_agglomerative *m;
    MLK_TRY(mlk_doc_get_array(from, "labels", MLK_U32, &labels));
    if (labels.cols || labels.rows < 1)
        return MLK_FAIL(MLK_EFORMAT, "'labels' is %zu x %zu; expected a vector", labels.rows,
                        labels.cols);
    MLK_TRY(mlk_doc_get_mat(from, "rows", labels.rows, n_features, &X));
    MLK_TRY(mlk_doc_get_size(from, "n_clusters", 1, labels.rows, &k));
    const uint32_t *label = labels.data;
    for (size_t i = 0; i < labels.rows; i++)
        if (label[i] >= k)
            return MLK_FAIL(MLK_EFORMAT, "'labels' holds %u of %zu clusters", label[i], k);
    mlk_status st = model_new(X, k, &m);
    if (st == MLK_OK) {
        memcpy(m->label, label, m->n * sizeof *label);
        st = load_tree(from, m);
    }
    if (st == MLK_OK)
        st = make_search(NULL, m);
    if (st != MLK_OK) {
        mlk_agglomerative_free(m);
        return st;
    }
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_agglomerative *m = state;
    mlk_doc_put_int(to, "n_clusters", (int64_t)m->k);
    put_tree(m, to);
}

static void algo_free(void *state) { mlk_agglomerative_free(state); }

const mlk_algo mlk_agglomerative_algo = {
    .name = "agglomerative",
    .help = "hierarchical clustering: single, complete, average or Ward linkage",
    .tasks = MLK_CLUSTERING,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_agglomerative_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .fit_many = fit_many,
    .predict = algo_predict,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
