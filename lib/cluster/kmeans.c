#include <mlkit/cluster/kmeans.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "cluster/centres.h"
#include "cluster/lloyd.h"
#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "linalg/linalg.h"
#include "model/algo.h"

struct mlk_kmeans {
    mlk_scratch memory;
    size_t n, k, p;  /* n = 0: loaded, without labels */
    mlk_mat centres; /* k x p */
    uint32_t *labels;
    double inertia;
    mlk_fit_info info;
};

static const mlk_word inits[] = {
    {"k-means++", MLK_KMEANS_PLUS_PLUS}, {"random", MLK_KMEANS_RANDOM}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_kmeans_opts, n_clusters, 8.0, 1.0, 2147483647.0, "clusters"),
    MLK_OPT_INT(mlk_kmeans_opts, n_init, 10.0, 1.0, 2147483647.0, "starts; the best one is kept"),
    MLK_OPT_WORD(mlk_kmeans_opts, init, MLK_KMEANS_PLUS_PLUS, inits, "how centres are started"),
    MLK_OPT_INT(mlk_kmeans_opts, max_iter, 300.0, 1.0, 2147483647.0, "iterations of a start"),
    MLK_OPT_REAL(mlk_kmeans_opts, tol, 1e-4, 0.0, INFINITY,
                 "squared moves of the centres at which to stop, in mean variances"),
    MLK_OPT_INT(mlk_kmeans_opts, seed, 0.0, 0.0, INFINITY, "of all draws"),
    MLK_OPT_END,
};

enum { WORK = 1 << 14 }; /* units of a parallel chunk */

mlk_kmeans_opts mlk_kmeans_opts_default(void)
{
    mlk_kmeans_opts opts;
    memset(&opts, 0, sizeof opts);
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ---------------------------------------------------------------------- fit */

static mlk_status model_new(size_t n, size_t k, size_t p, mlk_kmeans **model)
{
    mlk_kmeans *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->n = n;
    m->k = k;
    m->p = p;
    m->inertia = INFINITY;
    m->info = mlk_fit_info_none();
    m->centres = mlk_scratch_mat(&m->memory, k, p);
    m->labels = mlk_scratch_take(&m->memory, n, sizeof *m->labels);
    return m->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu centres", k) : MLK_OK;
}

void mlk_kmeans_free(mlk_kmeans *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

static mlk_status run_start(lloyd *t, const mlk_kmeans_opts *o, size_t number, double tol,
                            const mlk_run *run, mlk_kmeans *m)
{
    mlk_rng rng = mlk_rng_stream((uint64_t)o->seed, number);
    mlk_fit_info info;
    MLK_TRY(mlk_run_poll(run, (double)number / (double)o->n_init));
    const mlk_run inner = mlk_run_inner(run);
    if (o->start.rows)
        mlk_copy(o->start, t->C);
    else if (o->init == MLK_KMEANS_RANDOM)
        MLK_TRY(lloyd_start_random(t, &rng));
    else
        MLK_TRY(lloyd_start_plus_plus(t, &rng, &inner));
    MLK_TRY(lloyd_iterate(t, o->max_iter, tol, &inner, &info));
    if (!(info.objective < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "squared distances overflow: scale the columns");
    mlk_run_log(run, "start %zu: inertia %.10g after %lld iterations", number + 1, info.objective,
                (long long)info.iterations);
    if (info.objective < m->inertia) {
        m->inertia = info.objective;
        m->info = info;
        mlk_copy(mlk_mat_c(t->C), m->centres);
        memcpy(m->labels, t->label, m->n * sizeof *m->labels);
    }
    return MLK_OK;
}

/* tol in units of the mean variance of the columns. */
static mlk_status find_tol(const mlk_data *d, double tol, const mlk_run *run, double *out)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_run inner = mlk_run_inner(run);
    const mlk_vec mean = mlk_scratch_vec(&scratch, d->X.cols),
                  var = mlk_scratch_vec(&scratch, d->X.cols);
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", d->X.cols)
                              : mlk_column_moments(d->X, d->w, &inner, mean, var);
    *out = 0.0;
    for (size_t j = 0; st == MLK_OK && j < d->X.cols; j++)
        *out += tol * var.data[j] / (double)d->X.cols;
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status check(const mlk_data *d, const mlk_kmeans_opts *o, const mlk_run *run)
{
    const mlk_cmat S = o->start;
    MLK_TRY(mlk_opts_check(opt_table, o));
    MLK_TRY(mlk_data_check(d, MLK_CAP_WEIGHTS, 0, run));
    if ((uint64_t)o->n_clusters > d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "n_clusters = %lld; expected at most the %zu row%s",
                        (long long)o->n_clusters, d->X.rows, d->X.rows == 1 ? "" : "s");
    if (S.rows && (S.rows != (size_t)o->n_clusters || S.cols != d->X.cols))
        return MLK_FAIL(MLK_EINVAL, "start is %zu x %zu; expected %lld x %zu", S.rows, S.cols,
                        (long long)o->n_clusters, d->X.cols);
    size_t i, j;
    if (S.rows && mlk_find_nonfinite(S, run, &i, &j))
        return MLK_FAIL(MLK_EINVAL, "start[%zu, %zu] = %g; expected a finite value", i, j,
                        S.data[i * S.ld + j]);
    return MLK_OK;
}

mlk_status mlk_kmeans_fit(const mlk_data *data, const mlk_kmeans_opts *opts, const mlk_run *run,
                          mlk_kmeans **model)
{
    const mlk_kmeans_opts o = opts ? *opts : mlk_kmeans_opts_default();
    *model = NULL;
    MLK_TRY(check(data, &o, run));
    const size_t k = (size_t)o.n_clusters, starts = o.start.rows ? 1 : (size_t)o.n_init;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_kmeans *fit = NULL;
    lloyd t;
    double tol = 0.0;
    mlk_status st = lloyd_init(data, k, run, &scratch, &t);
    if (st == MLK_OK && o.tol > 0.0)
        st = find_tol(data, o.tol, run, &tol);
    if (st == MLK_OK)
        st = model_new(data->X.rows, k, data->X.cols, &fit);
    for (size_t number = 0; st == MLK_OK && number < starts; number++)
        st = run_start(&t, &o, number, tol, run, fit);
    mlk_scratch_release(&scratch);
    if (st != MLK_OK) {
        mlk_kmeans_free(fit);
        return st;
    }
    if (!fit->info.converged)
        mlk_run_warn(run, "kmeans stopped at max_iter = %lld", (long long)o.max_iter);
    *model = fit;
    return MLK_OK;
}

/* --------------------------------------------------------------- prediction */

typedef struct prediction {
    mlk_cmat C, X;
    double *panels; /* a worker: p x TILE */
    double *out;
} prediction;

static mlk_status predict_rows(void *ctx, const mlk_chunk *c)
{
    const prediction *t = ctx;
    nearest_tile tile;
    for (size_t i = c->begin; i < c->end; i += TILE) {
        tile.n = c->end - i < TILE ? c->end - i : TILE;
        for (size_t l = 0; l < tile.n; l++)
            tile.row[l] = i + l;
        nearest_of_tile(t->X, t->C, t->panels + c->worker * t->C.cols * TILE, &tile);
        for (size_t l = 0; l < tile.n; l++)
            t->out[i + l] = (double)tile.best[l];
    }
    return MLK_OK;
}

mlk_status mlk_kmeans_predict(const mlk_kmeans *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->p, out.n));
    const size_t grain = mlk_grain(m->p * m->k, WORK);
    prediction t = {mlk_mat_c(m->centres), X, NULL, out.data};
    t.panels = mlk_alloc(mlk_workers(run, X.rows, grain), m->p * TILE * sizeof *t.panels);
    if (!t.panels)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu centres", m->k);
    const mlk_status st = mlk_parallel_for(run, X.rows, grain, predict_rows, &t);
    mlk_free(t.panels);
    return st;
}

mlk_cmat mlk_kmeans_centres(const mlk_kmeans *m) { return mlk_mat_c(m->centres); }
const uint32_t *mlk_kmeans_labels(const mlk_kmeans *m) { return m->labels; }
double mlk_kmeans_inertia(const mlk_kmeans *m) { return m->inertia; }
mlk_fit_info mlk_kmeans_info(const mlk_kmeans *m) { return m->info; }

/* --------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_kmeans *m;
    const mlk_status st = mlk_kmeans_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_kmeans_predict(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_kmeans *m = state;
    mlk_doc_put_mat(to, "cluster_centers", mlk_mat_c(m->centres));
    mlk_doc_put_real(to, "inertia", m->inertia);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_doc_array shape;
    mlk_cmat C;
    double inertia;
    mlk_kmeans *m;
    MLK_TRY(mlk_doc_get_array(from, "cluster_centers", MLK_F64, &shape));
    if (shape.rows < 1)
        return MLK_FAIL(MLK_EFORMAT, "'cluster_centers' has no rows");
    MLK_TRY(mlk_doc_get_mat(from, "cluster_centers", shape.rows, n_features, &C));
    MLK_TRY(mlk_doc_get_real(from, "inertia", 0.0, DBL_MAX, &inertia));
    const mlk_status st = model_new(0, C.rows, n_features, &m);
    if (st != MLK_OK) {
        mlk_kmeans_free(m);
        return st;
    }
    mlk_copy(C, m->centres);
    m->inertia = inertia;
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_kmeans *m = state;
    algo_save(state, to);
    if (m->n)
        mlk_doc_put_array(to, "labels", MLK_U32, m->labels, m->n, 0);
}

static mlk_fit_info algo_info(const void *state) { return mlk_kmeans_info(state); }
static void algo_free(void *state) { mlk_kmeans_free(state); }

const mlk_algo mlk_kmeans_algo = {
    .name = "kmeans",
    .help = "k-means clustering",
    .tasks = MLK_CLUSTERING,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_SEED,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_kmeans_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
