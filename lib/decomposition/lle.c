#include <mlkit/decomposition/lle.h>

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "decomposition/embedding.h"
#include "decomposition/lle_solve.h"
#include "decomposition/local_weights.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "spatial/graph.h"
#include "spatial/neighbours.h"

struct mlk_lle {
    map_rows map;
    size_t n_neighbors;
    double reg, error;
};

static const mlk_word methods[] = {
    {"standard", MLK_LLE_STANDARD}, {"modified", MLK_LLE_MODIFIED}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_lle_opts, n_components, 2.0, 1.0, 2147483647.0, "dimensions of the map"),
    MLK_OPT_INT(mlk_lle_opts, n_neighbors, 5.0, 1.0, 2147483647.0,
                "nearest rows that a row is put together from"),
    MLK_OPT_REAL_OPEN(mlk_lle_opts, reg, 1e-3, 0.0, INFINITY,
                      "what keeps the weights determined, as a share of the local variance"),
    MLK_OPT_WORD(mlk_lle_opts, method, MLK_LLE_STANDARD, methods,
                 "one weight vector a row, or several"),
    MLK_OPT_END,
};

mlk_lle_opts mlk_lle_opts_default(void)
{
    mlk_lle_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- model */

static mlk_status model_new(size_t n, size_t p, size_t k, mlk_lle **model)
{
    mlk_lle *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    map_rows_init(n, p, k, &m->map);
    return m->map.memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a map of %zu rows", n)
                                : MLK_OK;
}

void mlk_lle_free(mlk_lle *m)
{
    if (m)
        mlk_scratch_release(&m->map.memory);
    mlk_free(m);
}

/* ----------------------------------------------------------------- weights */

/* The weights of rows of Q on their neighbours. */
typedef struct weighing {
    mlk_cmat X, Q;
    const size_t *near; /* rows of Q x k */
    size_t k;
    double reg;
    double *room; /* a worker: local_room() */
    double *W;    /* rows of Q x k */
} weighing;

static mlk_status weigh_rows(void *ctx, const mlk_chunk *c)
{
    const weighing *t = ctx;
    double *room = t->room + c->worker * local_room(t->k, t->X.cols);
    for (size_t i = c->begin; i < c->end; i++)
        local_weights(t->X, t->Q.data + i * t->Q.ld, t->near + i * t->k, t->k, t->reg, room,
                      t->W + i * t->k);
    return MLK_OK;
}

static mlk_status weigh(const mlk_lle *m, mlk_cmat Q, const size_t *near, const mlk_run *run,
                        double *W)
{
    enum { ROWS = 64 };
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    weighing t = {mlk_mat_c(m->map.X), Q, near, m->n_neighbors, m->reg, NULL, W};
    t.room = mlk_scratch_mat(&scratch, mlk_workers(run, Q.rows, ROWS),
                             local_room(m->n_neighbors, m->map.p))
                 .data;
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours", m->n_neighbors)
                              : mlk_parallel_for(run, Q.rows, ROWS, weigh_rows, &t);
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status find_near(const mlk_lle *m, mlk_cmat Q, size_t first, const mlk_run *run,
                            size_t *near, double *distances)
{
    mlk_neighbours *search;
    MLK_TRY(mlk_neighbours_new(mlk_mat_c(m->map.X), 2.0, MLK_NEIGHBOURS_AUTO, run, &search));
    const mlk_status st =
        mlk_neighbours_query(search, Q, m->n_neighbors, first, run, near, distances);
    mlk_neighbours_free(search);
    return st;
}

/* --------------------------------------------------------------------- fit */

static mlk_status check_graph(const mlk_lle *m, const size_t *near, const double *distances)
{
    mlk_graph graph;
    for (size_t i = 0; i < m->map.n * m->n_neighbors; i++)
        if (!(distances[i] < INFINITY))
            return MLK_FAIL(MLK_ESINGULAR, "squared distances overflow: scale the columns");
    mlk_status st = mlk_graph_nearest(m->map.n, m->n_neighbors, near, distances, &graph);
    if (st == MLK_OK)
        st = mlk_graph_connected(&graph, "n_neighbors", (double)m->n_neighbors);
    mlk_graph_release(&graph);
    return st;
}

static mlk_status learn(mlk_lle *m, bool modified, const mlk_run *run)
{
    const size_t n = m->map.n, k = m->n_neighbors, width = modified ? k : 1;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *near = mlk_scratch_take(&scratch, n, k * sizeof *near);
    size_t *count = mlk_scratch_take(&scratch, n, sizeof *count);
    double *distances = mlk_scratch_mat(&scratch, n, k).data;
    double *W = mlk_scratch_mat(&scratch, n * k, width).data;
    const lle_problem problem = {n, k, width, near, modified ? count : NULL, W};
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours a row", k)
                                   : find_near(m, mlk_mat_c(m->map.X), 0, run, near, distances);
    if (st == MLK_OK)
        st = check_graph(m, near, distances);
    if (st == MLK_OK)
        st = modified ? local_bundles(mlk_mat_c(m->map.X), near, k, m->map.k, run, count, W)
                      : weigh(m, mlk_mat_c(m->map.X), near, run, W);
    if (st == MLK_OK)
        st = lle_smallest(&problem, run, m->map.lambda, m->map.Z);
    mlk_scratch_release(&scratch);
    for (size_t c = 0; st == MLK_OK && c < m->map.k; c++)
        m->error += m->map.lambda.data[c];
    if (st == MLK_OK)
        map_fix_signs(m->map.Z);
    return st;
}

static mlk_status check(const mlk_data *d, const mlk_lle_opts *o)
{
    MLK_TRY(map_check_components(d->X.rows, o->n_components));
    if (o->n_components > (int64_t)d->X.cols)
        return MLK_FAIL(MLK_EINVAL, "n_components = %lld; X has %zu column%s",
                        (long long)o->n_components, d->X.cols, d->X.cols == 1 ? "" : "s");
    if (o->n_neighbors >= (int64_t)d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "n_neighbors = %lld; expected less than the %zu rows of X",
                        (long long)o->n_neighbors, d->X.rows);
    if (o->method == MLK_LLE_MODIFIED && o->n_neighbors < o->n_components)
        return MLK_FAIL(MLK_EINVAL,
                        "n_neighbors = %lld; method = modified needs at least n_components = %lld",
                        (long long)o->n_neighbors, (long long)o->n_components);
    return map_check_spread(d->X, NULL);
}

mlk_status mlk_lle_fit(const mlk_data *data, const mlk_lle_opts *opts, const mlk_run *run,
                       mlk_lle **model)
{
    const mlk_lle_opts o = opts ? *opts : mlk_lle_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, 0, 0, run));
    MLK_TRY(check(data, &o));
    const mlk_run inner = mlk_run_inner(run);
    mlk_lle *m;
    mlk_status st = model_new(data->X.rows, data->X.cols, (size_t)o.n_components, &m);
    if (st == MLK_OK) {
        m->n_neighbors = (size_t)o.n_neighbors;
        m->reg = o.reg;
        mlk_copy(data->X, m->map.X);
        st = learn(m, o.method == MLK_LLE_MODIFIED, &inner);
    }
    if (st == MLK_OK)
        *model = m;
    else
        mlk_lle_free(m);
    return st;
}

/* --------------------------------------------------------------- transform */

mlk_status mlk_lle_transform(const mlk_lle *m, mlk_cmat X, const mlk_run *run, mlk_mat Z)
{
    MLK_TRY(mlk_predict_check(X, m->map.p, Z.rows));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *near = mlk_scratch_take(&scratch, X.rows, m->n_neighbors * sizeof *near);
    const mlk_mat W = mlk_scratch_mat(&scratch, X.rows, m->n_neighbors);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours a row", m->n_neighbors)
                        : find_near(m, X, SIZE_MAX, run, near, W.data);
    if (st == MLK_OK)
        st = weigh(m, X, near, run, W.data);
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
        for (size_t c = 0; c < m->map.k; c++) {
            double sum = 0.0;
            for (size_t a = 0; a < m->n_neighbors; a++)
                sum += W.data[i * m->n_neighbors + a] *
                       m->map.Z.data[near[i * m->n_neighbors + a] * m->map.k + c];
            Z.data[i * Z.ld + c] = sum;
        }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_cmat mlk_lle_embedding(const mlk_lle *m) { return mlk_mat_c(m->map.Z); }
mlk_cvec mlk_lle_eigenvalues(const mlk_lle *m) { return mlk_vec_c(m->map.lambda); }
double mlk_lle_reconstruction_error(const mlk_lle *m) { return m->error; }

/* -------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_lle *m;
    const mlk_status st = mlk_lle_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_transform(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_lle_transform(state, X, run, out);
}

static size_t algo_n_components(const void *state) { return ((const mlk_lle *)state)->map.k; }

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_lle *m = state;
    map_rows_learned(&m->map, to);
    mlk_doc_put_real(to, "reconstruction_error", m->error);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_lle *m = state;
    map_rows_save(&m->map, to);
    mlk_doc_put_real(to, "reconstruction_error", m->error);
    mlk_doc_put_int(to, "n_neighbors", (int64_t)m->n_neighbors);
    mlk_doc_put_real(to, "reg", m->reg);
}

static mlk_status load_values(const mlk_doc *from, mlk_lle *m)
{
    MLK_TRY(mlk_doc_get_size(from, "n_neighbors", 1, m->map.n, &m->n_neighbors));
    MLK_TRY(mlk_doc_get_real(from, "reg", DBL_MIN, DBL_MAX, &m->reg));
    MLK_TRY(mlk_doc_get_real(from, "reconstruction_error", 0.0, DBL_MAX, &m->error));
    return map_rows_load(from, false, &m->map);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_lle *m;
    size_t n, k;
    MLK_TRY(map_rows_shape(from, n_features, &n, &k));
    mlk_status st = model_new(n, n_features, k, &m);
    if (st == MLK_OK)
        st = load_values(from, m);
    if (st == MLK_OK)
        *state = m;
    else
        mlk_lle_free(m);
    return st;
}

static void algo_free(void *state) { mlk_lle_free(state); }

const mlk_algo mlk_lle_algo = {
    .name = "lle",
    .help = "locally linear embedding",
    .tasks = MLK_TRANSFORM,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_lle_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .transform = algo_transform,
    .n_components = algo_n_components,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
