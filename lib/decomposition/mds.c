#include <mlkit/decomposition/mds.h>
#include <mlkit/decomposition/pca.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "decomposition/embedding.h"
#include "decomposition/pca_solve.h"
#include "decomposition/smacof.h"
#include "linalg/linalg.h"
#include "model/algo.h"

/*
 * What new points need: of a classical map of rows, mean and axes; of a classical map of
 * dissimilarities, their means; of a smacof map of rows, the rows.
 */
struct mlk_mds {
    mlk_scratch memory;
    int method, dissimilarity;
    size_t n, p, k;
    mlk_mat Z;      /* n x k */
    mlk_vec lambda; /* k; smacof: empty */
    mlk_mat axes;   /* p x k */
    mlk_vec mean;   /* p of rows; n squared dissimilarities */
    mlk_mat X;      /* n x p */
    double stress, normalised, residual;
    int64_t steps;
    bool converged;
};

static const mlk_word methods[] = {
    {"classical", MLK_MDS_CLASSICAL}, {"smacof", MLK_MDS_SMACOF}, {NULL, 0}};
static const mlk_word dissimilarities[] = {
    {"euclidean", MLK_MDS_EUCLIDEAN}, {"precomputed", MLK_MDS_PRECOMPUTED}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_mds_opts, n_components, 2.0, 1.0, 2147483647.0, "dimensions of the map"),
    MLK_OPT_WORD(mlk_mds_opts, method, MLK_MDS_CLASSICAL, methods,
                 "by eigenvectors, or by least stress"),
    MLK_OPT_WORD(mlk_mds_opts, dissimilarity, MLK_MDS_EUCLIDEAN, dissimilarities,
                 "of the rows, or the table is their matrix"),
    MLK_OPT_INT(mlk_mds_opts, n_init, 4.0, 1.0, 2147483647.0, "starts of smacof"),
    MLK_OPT_INT(mlk_mds_opts, max_iter, 300.0, 1.0, 2147483647.0, "steps of smacof a start"),
    MLK_OPT_REAL(mlk_mds_opts, eps, 1e-6, 0.0, INFINITY,
                 "smacof stops when a step lowers the stress by no more than this share"),
    MLK_OPT_INT(mlk_mds_opts, seed, 0.0, 0.0, INFINITY, "seed of the random starts"),
    MLK_OPT_END,
};

static const char SPAN[] = "the distances span";

mlk_mds_opts mlk_mds_opts_default(void)
{
    mlk_mds_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- model */

static mlk_status model_new(int method, int dissimilarity, size_t n, size_t p, size_t k,
                            mlk_mds **model)
{
    const bool classical = method == MLK_MDS_CLASSICAL, rows = dissimilarity == MLK_MDS_EUCLIDEAN;
    mlk_mds *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->method = method;
    m->dissimilarity = dissimilarity;
    m->n = n;
    m->p = p;
    m->k = k;
    m->stress = m->normalised = m->residual = NAN;
    m->Z = mlk_scratch_mat(&m->memory, n, k);
    if (classical) {
        m->lambda = mlk_scratch_vec(&m->memory, k);
        m->mean = mlk_scratch_vec(&m->memory, rows ? p : n);
    }
    if (classical && rows)
        m->axes = mlk_scratch_mat(&m->memory, p, k);
    if (!classical && rows)
        m->X = mlk_scratch_mat(&m->memory, n, p);
    return m->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a map of %zu rows", n) : MLK_OK;
}

void mlk_mds_free(mlk_mds *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

/* ------------------------------------------------------------------- checks */

static mlk_status check_opts(const mlk_data *d, const mlk_mds_opts *o)
{
    const mlk_mds_opts usual = mlk_mds_opts_default();
    MLK_TRY(map_check_components(d->X.rows, o->n_components));
    if (o->method == MLK_MDS_SMACOF)
        return MLK_OK;
    if (o->n_init != usual.n_init)
        return MLK_FAIL(MLK_EINVAL, "n_init = %lld has no effect with method = classical",
                        (long long)o->n_init);
    if (o->max_iter != usual.max_iter)
        return MLK_FAIL(MLK_EINVAL, "max_iter = %lld has no effect with method = classical",
                        (long long)o->max_iter);
    if (o->eps != usual.eps)
        return MLK_FAIL(MLK_EINVAL, "eps = %g has no effect with method = classical", o->eps);
    return MLK_OK;
}

static mlk_status check_dissimilarities(mlk_cmat X)
{
    double largest = 0.0;
    if (X.rows != X.cols)
        return MLK_FAIL(MLK_EINVAL,
                        "X is %zu x %zu; dissimilarity = precomputed takes a square matrix", X.rows,
                        X.cols);
    for (size_t i = 0; i < X.rows; i++) {
        const double *x = X.data + i * X.ld;
        if (x[i] != 0.0)
            return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; a row's distance to itself is 0", i, i,
                            x[i]);
        for (size_t j = 0; j < i; j++) {
            const double other = X.data[j * X.ld + i], size = fmax(fabs(x[j]), fabs(other));
            largest = fmax(largest, size);
            if (!(x[j] >= 0.0) || !(other >= 0.0))
                return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected distances >= 0",
                                x[j] >= 0.0 ? j : i, x[j] >= 0.0 ? i : j,
                                x[j] >= 0.0 ? other : x[j]);
            if (fabs(x[j] - other) > 1e-8 * size)
                return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %.9g but X[%zu, %zu] = %.9g", i, j, x[j],
                                j, i, other);
        }
    }
    if (!(largest > 0.0))
        return MLK_FAIL(MLK_ESINGULAR, "all distances are 0: there is nothing to map");
    return MLK_OK;
}

/* ---------------------------------------------------------- classical, of rows */

/* Residual variance of so many evenly spaced rows as have PAIRS / p pairs. */
static mlk_status judge_rows(mlk_mds *m, mlk_cmat X, const mlk_run *run)
{
    const double pairs = 1.2e8, most = sqrt(2.0 * pairs / (double)X.cols);
    const size_t limit = most < 4000.0 ? (size_t)fmax(most, 100.0) : 4000;
    const size_t rows = X.rows < limit ? X.rows : limit;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat some = mlk_scratch_mat(&scratch, rows, X.cols);
    const mlk_mat Z = mlk_scratch_mat(&scratch, rows, m->k);
    const mlk_mat S = mlk_scratch_mat(&scratch, rows, rows);
    const mlk_vec means = mlk_scratch_vec(&scratch, rows);
    double error;
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu distances", rows, rows)
                        : MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < rows; i++) {
        const size_t from = i * X.rows / rows;
        memcpy(some.data + i * X.cols, X.data + from * X.ld, X.cols * sizeof(double));
        memcpy(Z.data + i * m->k, m->Z.data + from * m->k, m->k * sizeof(double));
        means.data[i] = 0.0; /* of the error alone, which is not wanted */
    }
    if (st == MLK_OK)
        st = map_squared_distances(mlk_mat_c(some), run, S);
    if (st == MLK_OK)
        st = map_fidelity(mlk_mat_c(S), mlk_vec_c(means), mlk_vec_c(m->lambda), mlk_mat_c(Z), run,
                          &error, &m->residual);
    mlk_scratch_release(&scratch);
    return st;
}

/* B = Xc Xc': its eigenpairs are those of the covariance, times n - 1. */
static mlk_status classical_of_rows(mlk_mds *m, const mlk_data *data, const mlk_run *run)
{
    const size_t least = m->n < m->p ? m->n : m->p;
    mlk_pca_opts opts = mlk_pca_opts_default();
    mlk_pca *pca;
    opts.n_components = (double)(m->k < least ? m->k : least);
    MLK_TRY(mlk_pca_fit(data, &opts, run, &pca));
    const mlk_cmat V = mlk_pca_components(pca);
    for (size_t c = 0; c < m->k; c++)
        m->lambda.data[c] = c < V.rows ? mlk_pca_variance(pca).data[c] * (double)(m->n - 1) : 0.0;
    mlk_status st = map_check_rank(mlk_vec_c(m->lambda), m->n, SPAN);
    for (size_t j = 0; st == MLK_OK && j < m->p; j++) {
        m->mean.data[j] = mlk_pca_mean(pca).data[j];
        for (size_t c = 0; c < m->k; c++)
            m->axes.data[j * m->k + c] = V.data[c * V.ld + j];
    }
    mlk_pca_free(pca);
    if (st == MLK_OK)
        st = pca_project(data->X, mlk_vec_c(m->mean), mlk_mat_c(m->axes), run, m->Z);
    return st == MLK_OK ? judge_rows(m, data->X, run) : st;
}

/* ------------------------------------------------ from a matrix of distances */

/* D, which is destroyed, holds the distances, and then their squares. */
static void square(mlk_mat D)
{
    for (size_t i = 0; i < D.rows * D.cols; i++)
        D.data[i] *= D.data[i];
}

static mlk_status classical_of_distances(mlk_mds *m, mlk_mat D, const mlk_run *run)
{
    double error;
    square(D);
    MLK_TRY(map_classical(mlk_mat_c(D), SPAN, run, m->mean, m->lambda, m->Z));
    return map_fidelity(mlk_mat_c(D), mlk_vec_c(m->mean), mlk_vec_c(m->lambda), mlk_mat_c(m->Z),
                        run, &error, &m->residual);
}

/* The first start is the classical map of as many dimensions as there are; the others are uniform
 * in a cube as large as the distances. */
static mlk_status first_start(const mlk_mds *m, mlk_mat D, mlk_mat S, const mlk_run *run, mlk_mat Z)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec means = mlk_scratch_vec(&scratch, m->n), lambda = mlk_scratch_vec(&scratch, m->k);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a map of %zu rows", m->n) : MLK_OK;
    if (st == MLK_OK) {
        mlk_copy(mlk_mat_c(D), S);
        square(S);
        st = map_classical(mlk_mat_c(S), SPAN, run, means, lambda, Z);
    }
    mlk_scratch_release(&scratch);
    return st;
}

static void random_start(const mlk_mds *m, double size, int64_t seed, int64_t start, mlk_mat Z)
{
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, (uint64_t)start);
    for (size_t i = 0; i < m->n * m->k; i++)
        Z.data[i] = size * (mlk_rng_uniform(&rng) - 0.5);
}

static void keep_best(mlk_mds *m, mlk_mat Z, const smacof_result *r)
{
    if (!(r->stress < m->stress) && !isnan(m->stress))
        return;
    m->stress = r->stress;
    m->steps = r->steps;
    m->converged = r->converged;
    mlk_copy(mlk_mat_c(Z), m->Z);
}

static mlk_status smacof(mlk_mds *m, mlk_mat D, const mlk_mds_opts *o, const mlk_run *run)
{
    const mlk_run inner = mlk_run_inner(run);
    double squares = 0.0, error;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat S = mlk_scratch_mat(&scratch, m->n, m->n);
    const mlk_mat Z = mlk_scratch_mat(&scratch, m->n, m->k);
    const mlk_vec none = mlk_scratch_vec(&scratch, m->n);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu distances", m->n, m->n)
                        : MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < m->n * m->n; i++)
        squares += D.data[i] * D.data[i];
    for (int64_t start = 0; st == MLK_OK && start < o->n_init; start++) {
        smacof_result r;
        st = start == 0 ? first_start(m, D, S, &inner, Z) : MLK_OK;
        if (start > 0 || st == MLK_EINVAL) { /* or the distances span too few dimensions */
            random_start(m, sqrt(squares) / (double)m->n, o->seed, start, Z);
            st = MLK_OK;
        }
        if (st == MLK_OK)
            st = smacof_run(mlk_mat_c(D), o->max_iter, o->eps, start, run, Z, &r);
        if (st == MLK_OK)
            keep_best(m, Z, &r);
    }
    if (st == MLK_OK) {
        m->normalised = sqrt(m->stress / (0.5 * squares));
        map_fix_signs(m->Z);
        square(D);
        memset(none.data, 0, m->n * sizeof(double));
        st = map_fidelity(mlk_mat_c(D), mlk_vec_c(none), (mlk_cvec){NULL, 0}, mlk_mat_c(m->Z),
                          &inner, &error, &m->residual);
    }
    if (st == MLK_OK && !m->converged)
        mlk_run_warn(run, "smacof did not converge in max_iter = %lld steps",
                     (long long)o->max_iter);
    mlk_scratch_release(&scratch);
    return st;
}

/* Distances of the rows, or as given, made symmetric. */
static mlk_status take_distances(const mlk_mds *m, mlk_cmat X, const mlk_run *run, mlk_mat D)
{
    if (m->dissimilarity == MLK_MDS_EUCLIDEAN) {
        MLK_TRY(map_squared_distances(X, run, D));
        for (size_t i = 0; i < D.rows * D.cols; i++)
            D.data[i] = sqrt(D.data[i]);
        return MLK_OK;
    }
    for (size_t i = 0; i < D.rows; i++)
        for (size_t j = 0; j < D.cols; j++)
            D.data[i * D.ld + j] = 0.5 * (X.data[i * X.ld + j] + X.data[j * X.ld + i]);
    return MLK_OK;
}

static mlk_status learn(mlk_mds *m, const mlk_data *data, const mlk_mds_opts *o, const mlk_run *run)
{
    const mlk_run inner = mlk_run_inner(run);
    if (m->axes.data)
        return classical_of_rows(m, data, &inner);
    if (m->X.data)
        mlk_copy(data->X, m->X);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat D = mlk_scratch_mat(&scratch, m->n, m->n);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu distances", m->n, m->n)
                        : take_distances(m, data->X, &inner, D);
    if (st == MLK_OK)
        st = m->method == MLK_MDS_CLASSICAL ? classical_of_distances(m, D, &inner)
                                            : smacof(m, D, o, run);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_mds_fit(const mlk_data *data, const mlk_mds_opts *opts, const mlk_run *run,
                       mlk_mds **model)
{
    const mlk_mds_opts o = opts ? *opts : mlk_mds_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, 0, 0, run));
    MLK_TRY(check_opts(data, &o));
    if (o.dissimilarity == MLK_MDS_PRECOMPUTED)
        MLK_TRY(check_dissimilarities(data->X));
    else
        MLK_TRY(map_check_spread(data->X, run));
    mlk_mds *m;
    mlk_status st = model_new(o.method, o.dissimilarity, data->X.rows, data->X.cols,
                              (size_t)o.n_components, &m);
    if (st == MLK_OK)
        st = learn(m, data, &o, run);
    if (st == MLK_OK)
        *model = m;
    else
        mlk_mds_free(m);
    return st;
}

/* --------------------------------------------------------------- transform */

typedef struct placing {
    const mlk_mds *m;
    mlk_cmat X;
    const double *columns; /* k x n: Z', smacof */
    double *room;          /* workers x (2 n + k) */
    mlk_mat Z;
} placing;

static mlk_status place_rows(void *ctx, const mlk_chunk *c)
{
    const placing *t = ctx;
    const mlk_mds *m = t->m;
    double *d = t->room + c->worker * (2 * m->n + m->k), *room = d + m->n;
    for (size_t i = c->begin; i < c->end; i++) {
        const double *x = t->X.data + i * t->X.ld;
        for (size_t j = 0; j < m->n; j++) {
            double sum = 0.0;
            for (size_t a = 0; m->X.data && a < m->p; a++)
                sum += (x[a] - m->X.data[j * m->p + a]) * (x[a] - m->X.data[j * m->p + a]);
            d[j] = m->X.data ? sqrt(sum) : x[j];
        }
        if (m->method == MLK_MDS_SMACOF) {
            smacof_place((mlk_cmat){t->columns, m->k, m->n, m->n}, d, room,
                         t->Z.data + i * t->Z.ld);
            continue;
        }
        for (size_t j = 0; j < m->n; j++)
            d[j] *= d[j];
        map_place(mlk_mat_c(m->Z), mlk_vec_c(m->lambda), mlk_vec_c(m->mean), (mlk_vec){d, m->n},
                  t->Z.data + i * t->Z.ld);
    }
    return MLK_OK;
}

mlk_status mlk_mds_transform(const mlk_mds *m, mlk_cmat X, const mlk_run *run, mlk_mat Z)
{
    enum { ROWS = 8 };
    MLK_TRY(mlk_predict_check(X, m->p, Z.rows));
    if (m->axes.data)
        return pca_project(X, mlk_vec_c(m->mean), mlk_mat_c(m->axes), run, Z);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_run inner = mlk_run_inner(run);
    const mlk_mat columns = mlk_scratch_mat(&scratch, m->k, m->n);
    placing t = {m, X, columns.data, NULL, Z};
    t.room = mlk_scratch_mat(&scratch, mlk_workers(run, X.rows, ROWS), 2 * m->n + m->k).data;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu distances", m->n)
                                   : mlk_transpose(mlk_mat_c(m->Z), &inner, columns);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, X.rows, ROWS, place_rows, &t);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_cmat mlk_mds_embedding(const mlk_mds *m) { return mlk_mat_c(m->Z); }
mlk_cvec mlk_mds_eigenvalues(const mlk_mds *m) { return mlk_vec_c(m->lambda); }
double mlk_mds_stress(const mlk_mds *m) { return m->stress; }
double mlk_mds_residual_variance(const mlk_mds *m) { return m->residual; }

mlk_fit_info mlk_mds_info(const mlk_mds *m)
{
    mlk_fit_info info = mlk_fit_info_none();
    if (m->method == MLK_MDS_SMACOF) {
        info.iterations = m->steps;
        info.converged = m->converged;
        info.objective = m->stress;
    }
    return info;
}

/* -------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_mds *m;
    const mlk_status st = mlk_mds_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_transform(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_mds_transform(state, X, run, out);
}

static size_t algo_n_components(const void *state) { return ((const mlk_mds *)state)->k; }
static mlk_fit_info algo_info(const void *state) { return mlk_mds_info(state); }

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_mds *m = state;
    mlk_doc_put_mat(to, "embedding", mlk_mat_c(m->Z));
    if (m->lambda.n)
        mlk_doc_put_vec(to, "eigenvalues", mlk_vec_c(m->lambda));
    if (m->method == MLK_MDS_SMACOF) {
        mlk_doc_put_real(to, "stress", m->stress);
        mlk_doc_put_real(to, "normalized_stress", m->normalised);
        mlk_doc_put_int(to, "n_iter", m->steps);
    }
    mlk_doc_put_real(to, "residual_variance", m->residual);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_mds *m = state;
    mlk_doc_put_int(to, "method", m->method);
    mlk_doc_put_int(to, "dissimilarity", m->dissimilarity);
    mlk_doc_put_bool(to, "converged", m->converged);
    algo_learned(state, to);
    if (m->mean.n)
        mlk_doc_put_vec(to, "mean", mlk_vec_c(m->mean));
    if (m->axes.data)
        mlk_doc_put_mat(to, "axes", mlk_mat_c(m->axes));
    if (m->X.data)
        mlk_doc_put_mat(to, "rows", mlk_mat_c(m->X));
}

static mlk_status load_values(const mlk_doc *from, mlk_mds *m)
{
    const struct {
        const char *key;
        mlk_mat to;
    } mats[] = {{"embedding", m->Z}, {"axes", m->axes}, {"rows", m->X}};
    const struct {
        const char *key;
        mlk_vec to;
    } vecs[] = {{"eigenvalues", m->lambda}, {"mean", m->mean}};
    for (size_t a = 0; a < MLK_COUNT(mats); a++) {
        mlk_cmat A;
        if (!mats[a].to.data)
            continue;
        MLK_TRY(mlk_doc_get_mat(from, mats[a].key, mats[a].to.rows, mats[a].to.cols, &A));
        mlk_copy(A, mats[a].to);
    }
    for (size_t a = 0; a < MLK_COUNT(vecs); a++) {
        mlk_cvec v;
        if (!vecs[a].to.n)
            continue;
        MLK_TRY(mlk_doc_get_vec(from, vecs[a].key, vecs[a].to.n, &v));
        memcpy(vecs[a].to.data, v.data, v.n * sizeof(double));
    }
    MLK_TRY(map_check_positive(mlk_vec_c(m->lambda)));
    MLK_TRY(mlk_doc_get_real(from, "residual_variance", NAN, 0.0, &m->residual));
    MLK_TRY(mlk_doc_get_bool(from, "converged", &m->converged));
    if (m->method == MLK_MDS_CLASSICAL)
        return MLK_OK;
    MLK_TRY(mlk_doc_get_real(from, "stress", 0.0, DBL_MAX, &m->stress));
    MLK_TRY(mlk_doc_get_real(from, "normalized_stress", 0.0, DBL_MAX, &m->normalised));
    return mlk_doc_get_int(from, "n_iter", 0, INT64_MAX, &m->steps);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_doc_array other;
    size_t n, k;
    int64_t method, dissimilarity;
    mlk_mds *m;
    MLK_TRY(mlk_doc_get_int(from, "method", 0, MLK_MDS_SMACOF, &method));
    MLK_TRY(mlk_doc_get_int(from, "dissimilarity", 0, MLK_MDS_PRECOMPUTED, &dissimilarity));
    MLK_TRY(map_load_shape(from, &n, &k));
    /* What is as long as the table is wide must be there before it is asked memory for. */
    if (dissimilarity == MLK_MDS_PRECOMPUTED && n_features != n)
        return MLK_FAIL(MLK_EFORMAT, "'embedding' has %zu rows; expected %zu", n, n_features);
    if (dissimilarity == MLK_MDS_EUCLIDEAN)
        MLK_TRY(mlk_doc_get_array(from, method == MLK_MDS_CLASSICAL ? "axes" : "rows", MLK_F64,
                                  &other));
    if (dissimilarity == MLK_MDS_EUCLIDEAN &&
        (method == MLK_MDS_CLASSICAL ? other.rows : other.cols) != n_features)
        return MLK_FAIL(MLK_EFORMAT, "a map of %zu x %zu values; expected %zu columns", other.rows,
                        other.cols, n_features);
    mlk_status st = model_new((int)method, (int)dissimilarity, n, n_features, k, &m);
    if (st == MLK_OK)
        st = load_values(from, m);
    if (st == MLK_OK)
        *state = m;
    else
        mlk_mds_free(m);
    return st;
}

static void algo_free(void *state) { mlk_mds_free(state); }

const mlk_algo mlk_mds_algo = {
    .name = "mds",
    .help = "multidimensional scaling, classical or by least stress",
    .tasks = MLK_TRANSFORM,
    .caps = MLK_CAP_SEED,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_mds_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .transform = algo_transform,
    .n_components = algo_n_components,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
