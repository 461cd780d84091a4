#include <mlkit/decomposition/isomap.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "decomposition/embedding.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "spatial/graph.h"
#include "spatial/neighbours.h"

struct mlk_isomap {
    map_rows map;
    size_t n_neighbors;
    double radius; /* or MLK_ISOMAP_NO_RADIUS */
    double error, residual;
    mlk_vec means; /* n: of the squared geodesic distances */
    mlk_graph graph;
};

static const mlk_word radii[] = {{"none", MLK_ISOMAP_NO_RADIUS}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_isomap_opts, n_components, 2.0, 1.0, 2147483647.0, "dimensions of the map"),
    MLK_OPT_INT(mlk_isomap_opts, n_neighbors, 5.0, 1.0, 2147483647.0,
                "nearest rows that a row is joined to"),
    MLK_OPT_REAL_WORDS(mlk_isomap_opts, radius, MLK_ISOMAP_NO_RADIUS, 0.0, INFINITY, true, radii,
                       "join rows up to this distance instead"),
    MLK_OPT_END,
};

static const char SPAN[] = "the geodesic distances span";

mlk_isomap_opts mlk_isomap_opts_default(void)
{
    mlk_isomap_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- model */

static mlk_status model_new(size_t n, size_t p, size_t k, mlk_isomap **model)
{
    mlk_isomap *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    map_rows_init(n, p, k, &m->map);
    m->means = mlk_scratch_vec(&m->map.memory, n);
    return m->map.memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a map of %zu rows", n)
                                : MLK_OK;
}

void mlk_isomap_free(mlk_isomap *m)
{
    if (m) {
        mlk_graph_release(&m->graph);
        mlk_scratch_release(&m->map.memory);
    }
    mlk_free(m);
}

/* --------------------------------------------------------------------- fit */

static mlk_status nearest_graph(mlk_isomap *m, const mlk_run *run)
{
    mlk_neighbours *search;
    MLK_TRY(mlk_neighbours_new(mlk_mat_c(m->map.X), 2.0, MLK_NEIGHBOURS_AUTO, run, &search));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *rows = mlk_scratch_take(&scratch, m->map.n, m->n_neighbors * sizeof *rows);
    double *distances = mlk_scratch_mat(&scratch, m->map.n, m->n_neighbors).data;
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours a row", m->n_neighbors)
                        : mlk_neighbours_query(search, mlk_mat_c(m->map.X), m->n_neighbors, 0, run,
                                               rows, distances);
    if (st == MLK_OK)
        st = mlk_graph_nearest(m->map.n, m->n_neighbors, rows, distances, &m->graph);
    mlk_scratch_release(&scratch);
    mlk_neighbours_free(search);
    return st;
}

static mlk_status build_graph(mlk_isomap *m, const mlk_run *run)
{
    if (m->radius > 0.0) {
        MLK_TRY(mlk_graph_radius(mlk_mat_c(m->map.X), m->radius, run, &m->graph));
        return mlk_graph_connected(&m->graph, "radius", m->radius);
    }
    MLK_TRY(nearest_graph(m, run));
    return mlk_graph_connected(&m->graph, "n_neighbors", (double)m->n_neighbors);
}

/* Shortest paths from many points, a row of G each. */
typedef struct paths {
    const mlk_graph *graph;
    const size_t *start; /* of each point's edges; NULL: point i is node i */
    const size_t *nodes;
    const double *lengths;
    bool squared;
    mlk_paths **room; /* a worker */
    mlk_mat G;
} paths;

static mlk_status paths_rows(void *ctx, const mlk_chunk *c)
{
    const paths *t = ctx;
    static const double none = 0.0;
    for (size_t i = c->begin; i < c->end; i++) {
        double *g = t->G.data + i * t->G.ld;
        if (t->start)
            mlk_graph_paths(t->graph, t->start[i + 1] - t->start[i], t->nodes + t->start[i],
                            t->lengths + t->start[i], t->room[c->worker], g);
        else
            mlk_graph_paths(t->graph, 1, &i, &none, t->room[c->worker], g);
        for (size_t j = 0; t->squared && j < t->graph->n; j++)
            g[j] *= g[j];
    }
    return MLK_OK;
}

enum { SOURCES = 8 }; /* points a chunk */

static mlk_status run_paths(paths *t, const mlk_run *run)
{
    const unsigned workers = mlk_workers(run, t->G.rows, SOURCES);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    t->room = mlk_scratch_take(&scratch, workers, sizeof *t->room);
    for (unsigned w = 0; !scratch.failed && w < workers; w++) {
        void *room = mlk_scratch_take(&scratch, mlk_paths_bytes(t->graph->n), 1);
        if (room)
            t->room[w] = mlk_paths_init(room, t->graph->n);
    }
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for paths of %zu nodes", t->graph->n)
                       : mlk_parallel_for(run, t->G.rows, SOURCES, paths_rows, t);
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status learn(mlk_isomap *m, const mlk_run *run)
{
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(build_graph(m, &inner));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat G = mlk_scratch_mat(&scratch, m->map.n, m->map.n);
    const mlk_cmat S = mlk_mat_c(G);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu distances",
                                              m->map.n, m->map.n)
                                   : mlk_graph_all_paths(&m->graph, true, run, G);
    if (st == MLK_OK)
        st = map_classical(S, SPAN, &inner, m->means, m->map.lambda, m->map.Z);
    if (st == MLK_OK)
        st = map_fidelity(S, mlk_vec_c(m->means), mlk_vec_c(m->map.lambda), mlk_mat_c(m->map.Z),
                          &inner, &m->error, &m->residual);
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status check(const mlk_data *d, const mlk_isomap_opts *o)
{
    MLK_TRY(map_check_components(d->X.rows, o->n_components));
    if (o->radius == MLK_ISOMAP_NO_RADIUS && o->n_neighbors >= (int64_t)d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "n_neighbors = %lld; expected less than the %zu rows of X",
                        (long long)o->n_neighbors, d->X.rows);
    return MLK_OK;
}

mlk_status mlk_isomap_fit(const mlk_data *data, const mlk_isomap_opts *opts, const mlk_run *run,
                          mlk_isomap **model)
{
    const mlk_isomap_opts o = opts ? *opts : mlk_isomap_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, 0, 0, run));
    MLK_TRY(check(data, &o));
    MLK_TRY(map_check_spread(data->X, run));
    mlk_isomap *m;
    mlk_status st = model_new(data->X.rows, data->X.cols, (size_t)o.n_components, &m);
    if (st == MLK_OK) {
        m->n_neighbors = o.radius == MLK_ISOMAP_NO_RADIUS ? (size_t)o.n_neighbors : 0;
        m->radius = o.radius;
        mlk_copy(data->X, m->map.X);
        st = learn(m, run);
    }
    if (st == MLK_OK)
        *model = m;
    else
        mlk_isomap_free(m);
    return st;
}

/* --------------------------------------------------------------- transform */

/* The edges by which new points join the graph. */
typedef struct joints {
    mlk_scratch memory;
    size_t *start, *nodes;
    double *lengths;
} joints;

static double distance(const double *a, const double *b, size_t p)
{
    double sum = 0.0;
    for (size_t j = 0; j < p; j++)
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sqrt(sum);
}

static mlk_status join_nearest(const mlk_isomap *m, mlk_cmat X, size_t count, const mlk_run *run,
                               joints *t)
{
    mlk_neighbours *search;
    t->start = mlk_scratch_take(&t->memory, X.rows + 1, sizeof *t->start);
    t->nodes = mlk_scratch_take(&t->memory, X.rows, count * sizeof *t->nodes);
    t->lengths = mlk_scratch_mat(&t->memory, X.rows, count).data;
    if (t->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours a row", count);
    for (size_t i = 0; i <= X.rows; i++)
        t->start[i] = i * count;
    MLK_TRY(mlk_neighbours_new(mlk_mat_c(m->map.X), 2.0, MLK_NEIGHBOURS_AUTO, run, &search));
    const mlk_status st =
        mlk_neighbours_query(search, X, count, SIZE_MAX, run, t->nodes, t->lengths);
    mlk_neighbours_free(search);
    return st;
}

/* Rows within the radius, and the nearest one. */
static mlk_status join_within(const mlk_isomap *m, mlk_cmat X, const mlk_run *run, joints *t)
{
    joints nearest = {MLK_SCRATCH_INIT, NULL, NULL, NULL};
    mlk_status st = join_nearest(m, X, 1, run, &nearest);
    size_t count = 0;
    for (int fill = 0; st == MLK_OK && fill < 2; fill++) {
        if (fill) {
            t->start = mlk_scratch_take(&t->memory, X.rows + 1, sizeof *t->start);
            t->nodes = mlk_scratch_take(&t->memory, count, sizeof *t->nodes);
            t->lengths = mlk_scratch_take(&t->memory, count, sizeof *t->lengths);
            if (t->memory.failed)
                st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours", count);
            count = 0;
        }
        for (size_t i = 0; st == MLK_OK && i < X.rows; i++) {
            if (fill)
                t->start[i] = count;
            for (size_t j = 0; j < m->map.n; j++) {
                const double d =
                    distance(X.data + i * X.ld, m->map.X.data + j * m->map.p, m->map.p);
                if (!(d <= m->radius) && j != nearest.nodes[i])
                    continue;
                if (fill) {
                    t->nodes[count] = j;
                    t->lengths[count] = d;
                }
                count++;
            }
        }
        if (fill && st == MLK_OK)
            t->start[X.rows] = count;
    }
    mlk_scratch_release(&nearest.memory);
    return st;
}

static mlk_status join(const mlk_isomap *m, mlk_cmat X, const mlk_run *run, joints *t)
{
    return m->radius > 0.0 ? join_within(m, X, run, t) : join_nearest(m, X, m->n_neighbors, run, t);
}

mlk_status mlk_isomap_geodesics(const mlk_isomap *m, mlk_cmat X, const mlk_run *run, mlk_mat G)
{
    MLK_TRY(mlk_predict_check(X, m->map.p, G.rows));
    joints t = {MLK_SCRATCH_INIT, NULL, NULL, NULL};
    mlk_status st = join(m, X, run, &t);
    if (st == MLK_OK) {
        paths p = {&m->graph, t.start, t.nodes, t.lengths, false, NULL, G};
        st = run_paths(&p, run);
    }
    mlk_scratch_release(&t.memory);
    return st;
}

enum { BLOCK = 256 }; /* new points whose distances are held at a time */

mlk_status mlk_isomap_transform(const mlk_isomap *m, mlk_cmat X, const mlk_run *run, mlk_mat Z)
{
    MLK_TRY(mlk_predict_check(X, m->map.p, Z.rows));
    joints t = {MLK_SCRATCH_INIT, NULL, NULL, NULL};
    mlk_status st = join(m, X, run, &t);
    const mlk_mat S = mlk_scratch_mat(&t.memory, X.rows < BLOCK ? X.rows : BLOCK, m->map.n);
    if (st == MLK_OK && t.memory.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu distances", m->map.n);
    for (size_t i = 0; st == MLK_OK && i < X.rows; i += BLOCK) {
        const size_t end = i + BLOCK < X.rows ? i + BLOCK : X.rows;
        paths p = {
            &m->graph, t.start + i, t.nodes, t.lengths, true, NULL, mlk_mat_rows(S, 0, end - i)};
        st = run_paths(&p, run);
        for (size_t j = i; st == MLK_OK && j < end; j++)
            map_place(mlk_mat_c(m->map.Z), mlk_vec_c(m->map.lambda), mlk_vec_c(m->means),
                      (mlk_vec){S.data + (j - i) * m->map.n, m->map.n}, Z.data + j * Z.ld);
    }
    mlk_scratch_release(&t.memory);
    return st;
}

mlk_cmat mlk_isomap_embedding(const mlk_isomap *m) { return mlk_mat_c(m->map.Z); }
mlk_cvec mlk_isomap_eigenvalues(const mlk_isomap *m) { return mlk_vec_c(m->map.lambda); }
double mlk_isomap_reconstruction_error(const mlk_isomap *m) { return m->error; }
double mlk_isomap_residual_variance(const mlk_isomap *m) { return m->residual; }

/* -------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_isomap *m;
    const mlk_status st = mlk_isomap_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_transform(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_isomap_transform(state, X, run, out);
}

static size_t algo_n_components(const void *state) { return ((const mlk_isomap *)state)->map.k; }

static void put_errors(const mlk_isomap *m, mlk_doc *to)
{
    mlk_doc_put_real(to, "reconstruction_error", m->error);
    mlk_doc_put_real(to, "residual_variance", m->residual);
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_isomap *m = state;
    map_rows_learned(&m->map, to);
    put_errors(m, to);
}

/* The graph as the number of edges of each node, their ends and lengths: with it the geodesics of
 * new points need no n x n matrix. */
static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_isomap *m = state;
    const size_t edges = m->graph.start[m->map.n];
    map_rows_save(&m->map, to);
    put_errors(m, to);
    mlk_doc_put_int(to, "n_neighbors", (int64_t)m->n_neighbors);
    mlk_doc_put_real(to, "radius", m->radius);
    mlk_doc_put_vec(to, "means", mlk_vec_c(m->means));
    uint32_t *degree = mlk_doc_put_room(to, "degrees", MLK_U32, m->map.n, 0);
    for (size_t i = 0; degree && i < m->map.n; i++)
        degree[i] = (uint32_t)(m->graph.start[i + 1] - m->graph.start[i]);
    mlk_doc_put_array(to, "edges", MLK_U32, m->graph.to, edges, 0);
    mlk_doc_put_array(to, "lengths", MLK_F64, m->graph.length, edges, 0);
}

static mlk_status load_graph(const mlk_doc *from, size_t n, mlk_graph *g)
{
    mlk_doc_array degrees, to;
    mlk_cvec lengths;
    MLK_TRY(mlk_doc_get_array(from, "degrees", MLK_U32, &degrees));
    MLK_TRY(mlk_doc_get_array(from, "edges", MLK_U32, &to));
    MLK_TRY(mlk_doc_get_vec(from, "lengths", to.rows, &lengths));
    if (degrees.rows != n || degrees.cols || to.cols)
        return MLK_FAIL(MLK_EFORMAT, "'degrees' has %zu values; expected %zu", degrees.rows, n);
    MLK_TRY(mlk_graph_room(n, to.rows, g));
    g->start[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t degree = ((const uint32_t *)degrees.data)[i];
        if (degree > to.rows - g->start[i])
            return MLK_FAIL(MLK_EFORMAT, "'degrees' counts more than the %zu edges", to.rows);
        g->start[i + 1] = g->start[i] + degree;
    }
    for (size_t e = 0; e < to.rows; e++) {
        g->to[e] = ((const uint32_t *)to.data)[e];
        g->length[e] = lengths.data[e];
        if (g->to[e] >= n || !(g->length[e] >= 0.0))
            return MLK_FAIL(MLK_EFORMAT, "edge %zu leads to node %u by length %g", e, g->to[e],
                            g->length[e]);
    }
    return MLK_OK;
}

static mlk_status load_values(const mlk_doc *from, mlk_isomap *m)
{
    mlk_cvec means;
    MLK_TRY(mlk_doc_get_size(from, "n_neighbors", 0, m->map.n, &m->n_neighbors));
    MLK_TRY(mlk_doc_get_real(from, "radius", -DBL_MAX, DBL_MAX, &m->radius));
    MLK_TRY(mlk_doc_get_real(from, "reconstruction_error", 0.0, DBL_MAX, &m->error));
    MLK_TRY(mlk_doc_get_real(from, "residual_variance", NAN, 0.0, &m->residual));
    if (!(m->radius > 0.0) && m->n_neighbors < 1)
        return MLK_FAIL(MLK_EFORMAT, "'n_neighbors' is 0 and there is no 'radius'");
    MLK_TRY(map_rows_load(from, true, &m->map));
    MLK_TRY(mlk_doc_get_vec(from, "means", m->map.n, &means));
    memcpy(m->means.data, means.data, m->map.n * sizeof(double));
    return load_graph(from, m->map.n, &m->graph);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_isomap *m;
    size_t n, k;
    MLK_TRY(map_rows_shape(from, n_features, &n, &k));
    mlk_status st = model_new(n, n_features, k, &m);
    if (st == MLK_OK)
        st = load_values(from, m);
    if (st == MLK_OK)
        *state = m;
    else
        mlk_isomap_free(m);
    return st;
}

static void algo_free(void *state) { mlk_isomap_free(state); }

const mlk_algo mlk_isomap_algo = {
    .name = "isomap",
    .help = "isometric mapping by distances along a neighbourhood graph",
    .tasks = MLK_TRANSFORM,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_isomap_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .transform = algo_transform,
    .n_components = algo_n_components,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
