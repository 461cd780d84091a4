#include <mlkit/cluster/gmm.h>
#include <mlkit/cluster/kmeans.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd.h"
#include "core/vmath.h"
#include "linalg/linalg.h"
#include "model/algo.h"

/* What (1) is a function of, and what its densities are computed from. */
typedef struct mixture {
    int type;
    size_t k, p;
    double *weight;  /* k */
    mlk_mat mean;    /* k x p */
    mlk_mat cov;     /* full: k p x p; diag: k x p; spherical: k x 1 */
    mlk_mat whiten;  /* of the shape of cov; full: inverse Cholesky factors, else 1 / cov */
    double *log_pdf; /* k: log weight + log density at the mean */
} mixture;

struct mlk_gmm {
    mlk_scratch memory;
    size_t n; /* 0: loaded, without labels */
    mixture mix;
    uint32_t *label;
    double log_likelihood, bic, aic;
    mlk_fit_info info;
};

static const mlk_word types[] = {
    {"full", MLK_GMM_FULL}, {"diag", MLK_GMM_DIAG}, {"spherical", MLK_GMM_SPHERICAL}, {NULL, 0}};

static const double default_reg = 1e-6, default_tol = 1e-3;

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_gmm_opts, n_clusters, 8.0, 1.0, 2147483647.0, "components"),
    MLK_OPT_WORD(mlk_gmm_opts, covariance_type, MLK_GMM_FULL, types, "form of the covariances"),
    MLK_OPT_REAL(mlk_gmm_opts, reg_covar, default_reg, 0.0, INFINITY, "added to the variances"),
    MLK_OPT_INT(mlk_gmm_opts, n_init, 10.0, 1.0, 2147483647.0, "starts; the best one is kept"),
    MLK_OPT_INT(mlk_gmm_opts, max_iter, 100.0, 1.0, 2147483647.0, "iterations of a start"),
    MLK_OPT_REAL(mlk_gmm_opts, tol, default_tol, 0.0, INFINITY,
                 "gain of the log-likelihood a row at which to stop"),
    MLK_OPT_INT(mlk_gmm_opts, seed, 0.0, 0.0, INFINITY, "of all draws"),
    MLK_OPT_END,
};

enum { CHUNKS = 16, BLOCK = 128 };

static const double LOG_2PI = 1.8378770664093453; /* log(2 pi) */

mlk_gmm_opts mlk_gmm_opts_default(void)
{
    mlk_gmm_opts opts;
    memset(&opts, 0, sizeof opts);
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------ mixture */

static void mixture_init(int type, size_t k, size_t p, mlk_scratch *s, mixture *m)
{
    const size_t rows = type == MLK_GMM_FULL ? k * p : k, cols = type == MLK_GMM_SPHERICAL ? 1 : p;
    *m = (mixture){.type = type, .k = k, .p = p};
    m->weight = mlk_scratch_vec(s, k).data;
    m->mean = mlk_scratch_mat(s, k, p);
    m->cov = mlk_scratch_mat(s, rows, cols);
    m->whiten = mlk_scratch_mat(s, rows, cols);
    m->log_pdf = mlk_scratch_vec(s, k).data;
}

static void mixture_copy(const mixture *from, mixture *to)
{
    memcpy(to->weight, from->weight, from->k * sizeof(double));
    memcpy(to->log_pdf, from->log_pdf, from->k * sizeof(double));
    mlk_copy(mlk_mat_c(from->mean), to->mean);
    mlk_copy(mlk_mat_c(from->cov), to->cov);
    mlk_copy(mlk_mat_c(from->whiten), to->whiten);
}

/* The inverse of a lower triangular matrix, in place; zeros above. */
static void invert_lower(mlk_mat L)
{
    for (size_t j = 0; j < L.cols; j++) {
        double *pivot = L.data + j * L.ld + j;
        *pivot = 1.0 / *pivot;
        for (size_t i = j + 1; i < L.rows; i++) {
            double *row = L.data + i * L.ld, sum = 0.0;
            for (size_t l = j; l < i; l++)
                sum += row[l] * L.data[l * L.ld + j];
            L.data[j * L.ld + i] = 0.0;
            row[j] = -sum / row[i];
        }
    }
}

static mlk_status whiten_full(mixture *m, size_t c, double *log_det)
{
    const mlk_mat W = mlk_mat_rows(m->whiten, c * m->p, (c + 1) * m->p);
    mlk_copy(mlk_cmat_rows(mlk_mat_c(m->cov), c * m->p, (c + 1) * m->p), W);
    MLK_TRY(mlk_chol(W, NULL));
    for (size_t j = 0; j < m->p; j++)
        *log_det += 2.0 * log(W.data[j * W.ld + j]);
    invert_lower(W);
    return MLK_OK;
}

/* What densities need, from the covariances. */
static mlk_status mixture_prepare(mixture *m)
{
    for (size_t c = 0; c < m->k; c++) {
        double log_det = 0.0;
        mlk_status st = MLK_OK;
        if (m->type == MLK_GMM_FULL)
            st = whiten_full(m, c, &log_det);
        for (size_t j = 0; m->type != MLK_GMM_FULL && j < m->cov.cols; j++) {
            const double v = m->cov.data[c * m->cov.ld + j];
            if (!(v >= DBL_MIN))
                st = MLK_ESINGULAR;
            m->whiten.data[c * m->whiten.ld + j] = 1.0 / v;
            log_det += log(v) * (m->type == MLK_GMM_DIAG ? 1.0 : (double)m->p);
        }
        if (st == MLK_ESINGULAR)
            return MLK_FAIL(MLK_ESINGULAR,
                            "component %zu has a singular covariance; raise reg_covar", c);
        MLK_TRY(st);
        m->log_pdf[c] = log(m->weight[c]) - 0.5 * ((double)m->p * LOG_2PI + log_det);
    }
    return MLK_OK;
}

/* ------------------------------------------------------------------- E step */

MLK_SIMD static void subtract(const double *x, const double *mean, size_t p, double *restrict d)
{
    for (size_t j = 0; j < p; j++)
        d[j] = x[j] - mean[j];
}

/* sum_j d_j^2 scale_j, in eight sums; scale NULL: all 1. */
MLK_SIMD static double squares(const double *d, const double *scale, size_t p)
{
    double sum[8] = {0.0};
    size_t j = 0;
    for (; j + 8 <= p; j += 8)
        for (size_t l = 0; l < 8; l++)
            sum[l] += d[j + l] * d[j + l] * (scale ? scale[j + l] : 1.0);
    for (; j < p; j++)
        sum[0] += d[j] * d[j] * (scale ? scale[j] : 1.0);
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/* A worker's memory. */
typedef struct bench {
    mlk_mat d, y; /* BLOCK x p */
} bench;

/* Logarithms of weight times density of up to BLOCK rows: out is rows x k. */
static void log_densities(const mixture *m, mlk_cmat X, const bench *b, mlk_mat out)
{
    const size_t p = m->p;
    const mlk_mat D = mlk_mat_rows(b->d, 0, X.rows), Y = mlk_mat_rows(b->y, 0, X.rows);
    for (size_t c = 0; c < m->k; c++) {
        const mlk_mat *from = m->type == MLK_GMM_FULL ? &Y : &D;
        const double *scale = m->type == MLK_GMM_DIAG ? m->whiten.data + c * p : NULL;
        const double factor = m->type == MLK_GMM_SPHERICAL ? m->whiten.data[c] : 1.0;
        for (size_t i = 0; i < X.rows; i++)
            subtract(X.data + i * X.ld, m->mean.data + c * p, p, D.data + i * D.ld);
        if (m->type == MLK_GMM_FULL)
            mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, mlk_mat_c(D),
                     mlk_cmat_rows(mlk_mat_c(m->whiten), c * p, (c + 1) * p), 0.0, Y);
        for (size_t i = 0; i < X.rows; i++) {
            const double d = factor * squares(from->data + i * from->ld, scale, p);
            out.data[i * out.ld + c] = fmax(m->log_pdf[c] - 0.5 * d, -DBL_MAX);
        }
    }
}

/* Row by row: logarithms to shares; returns the logarithm of their sum. */
static double to_shares(double *v, size_t k)
{
    double most = v[0], sum = 0.0;
    for (size_t c = 1; c < k; c++)
        most = fmax(most, v[c]);
    for (size_t c = 0; c < k; c++)
        v[c] -= most;
    mlk_vexp(v, k, v);
    for (size_t c = 0; c < k; c++)
        sum += v[c];
    for (size_t c = 0; c < k; c++)
        v[c] /= sum;
    return most + log(sum);
}

static mlk_status bench_init(size_t p, unsigned workers, mlk_scratch *s, bench **out)
{
    bench *b = *out = mlk_scratch_take(s, workers, sizeof *b);
    for (unsigned w = 0; b && w < workers; w++)
        b[w] = (bench){mlk_scratch_mat(s, BLOCK, p), mlk_scratch_mat(s, BLOCK, p)};
    return s->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for blocks of %zu columns", p) : MLK_OK;
}

/* ----------------------------------------------------------------------- EM */

typedef struct em {
    const mlk_data *data;
    mixture now, before;
    double reg, total; /* total: of the weights */
    size_t grain, chunks;
    mlk_mat share;                           /* n x k: responsibilities times sample weights */
    bench *bench;                            /* a worker */
    double *log_likelihood, *sums, *moments; /* a chunk: 1, k + k p, the size of cov */
    mlk_vec variance;                        /* p, of all rows */
} em;

static mlk_status expect(void *ctx, const mlk_chunk *c)
{
    const em *t = ctx;
    double sum = 0.0;
    for (size_t i = c->begin; i < c->end; i += BLOCK) {
        const size_t end = c->end - i < BLOCK ? c->end : i + BLOCK;
        const mlk_mat out = mlk_mat_rows(t->share, i, end);
        log_densities(&t->now, mlk_cmat_rows(t->data->X, i, end), &t->bench[c->worker], out);
        for (size_t r = 0; r < out.rows; r++) {
            const double w = mlk_weight(t->data->w, i + r);
            double *v = out.data + r * out.ld;
            sum += w * to_shares(v, t->now.k);
            for (size_t j = 0; t->data->w.n && j < t->now.k; j++)
                v[j] *= w;
        }
    }
    t->log_likelihood[c->index] = sum;
    return MLK_OK;
}

static mlk_status sum_shares(void *ctx, const mlk_chunk *c)
{
    const em *t = ctx;
    const size_t k = t->now.k, p = t->now.p;
    double *size = t->sums + c->index * k * (p + 1);
    const mlk_mat sum = {size + k, k, p, p};
    memset(size, 0, k * (p + 1) * sizeof *size);
    for (size_t i = c->begin; i < c->end; i++)
        for (size_t j = 0; j < k; j++)
            size[j] += t->share.data[i * k + j];
    mlk_gemm(MLK_TRANS, MLK_NO_TRANS, 1.0, mlk_cmat_rows(mlk_mat_c(t->share), c->begin, c->end),
             mlk_cmat_rows(t->data->X, c->begin, c->end), 0.0, sum);
    return MLK_OK;
}

MLK_SIMD static void add_squares(const double *d, double share, size_t p, double *restrict sum)
{
    for (size_t j = 0; j < p; j++)
        sum[j] += share * d[j] * d[j];
}

/* Of one component and block: the rows about its mean, times the roots of the shares (full). */
static void add_moments(const em *t, size_t c, size_t begin, mlk_mat D, double *out)
{
    const size_t k = t->now.k, p = t->now.p;
    const bool full = t->now.type == MLK_GMM_FULL;
    for (size_t i = 0; i < D.rows; i++) {
        const double share = t->share.data[(begin + i) * k + c], root = sqrt(share);
        double *d = D.data + i * D.ld;
        subtract(t->data->X.data + (begin + i) * t->data->X.ld, t->now.mean.data + c * p, p, d);
        if (t->now.type == MLK_GMM_DIAG)
            add_squares(d, share, p, out + c * p);
        if (t->now.type == MLK_GMM_SPHERICAL)
            out[c] += share * squares(d, NULL, p) / (double)p;
        for (size_t j = 0; full && j < p; j++)
            d[j] *= root;
    }
    if (full)
        mlk_gemm(MLK_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(D), mlk_mat_c(D), 1.0,
                 (mlk_mat){out + c * p * p, p, p, p});
}

static mlk_status sum_moments(void *ctx, const mlk_chunk *c)
{
    const em *t = ctx;
    const size_t size = t->now.cov.rows * t->now.cov.cols;
    double *out = t->moments + c->index * size;
    memset(out, 0, size * sizeof *out);
    for (size_t i = c->begin; i < c->end; i += BLOCK) {
        const size_t rows = c->end - i < BLOCK ? c->end - i : BLOCK;
        for (size_t j = 0; j < t->now.k; j++)
            add_moments(t, j, i, mlk_mat_rows(t->bench[c->worker].d, 0, rows), out);
    }
    return MLK_OK;
}

/* Shares and means. A component that no row has a share in keeps its place, with weight 0. */
static void set_means(em *t)
{
    const size_t k = t->now.k, p = t->now.p, stride = k * (p + 1);
    for (size_t c = 0; c < k; c++) {
        double size = 0.0;
        for (size_t h = 0; h < t->chunks; h++)
            size += t->sums[h * stride + c];
        t->now.weight[c] = size / t->total;
        for (size_t j = 0; size >= DBL_MIN && j < p; j++) {
            double sum = 0.0;
            for (size_t h = 0; h < t->chunks; h++)
                sum += t->sums[h * stride + k + c * p + j];
            t->now.mean.data[c * p + j] = sum / size;
        }
    }
}

static void set_covariances(em *t)
{
    const size_t each = t->now.cov.rows / t->now.k * t->now.cov.cols, p = t->now.p;
    for (size_t c = 0; c < t->now.k; c++) {
        const double size = t->now.weight[c] * t->total;
        double *cov = t->now.cov.data + c * each;
        if (!(size >= DBL_MIN))
            continue;
        for (size_t j = 0; j < each; j++) {
            double sum = 0.0;
            for (size_t h = 0; h < t->chunks; h++)
                sum += t->moments[h * t->now.k * each + c * each + j];
            const bool variance = t->now.type != MLK_GMM_FULL || j % (p + 1) == 0;
            cov[j] = sum / size + (variance ? t->reg : 0.0);
        }
    }
}

static mlk_status maximise(em *t, const mlk_run *run)
{
    const size_t n = t->data->X.rows;
    MLK_TRY(mlk_parallel_for(run, n, t->grain, sum_shares, t));
    set_means(t);
    MLK_TRY(mlk_parallel_for(run, n, t->grain, sum_moments, t));
    set_covariances(t);
    return mixture_prepare(&t->now);
}

static mlk_status expectation(em *t, const mlk_run *run, double *log_likelihood)
{
    MLK_TRY(mlk_parallel_for(run, t->data->X.rows, t->grain, expect, t));
    *log_likelihood = 0.0;
    for (size_t h = 0; h < t->chunks; h++)
        *log_likelihood += t->log_likelihood[h];
    if (!isfinite(*log_likelihood))
        return MLK_FAIL(MLK_EINVAL, "squared distances overflow: scale the columns");
    return MLK_OK;
}

/* -------------------------------------------------------------------- start */

/* Components as k-means has them; the moments of what has no rows are those of all. */
static mlk_status start(em *t, const mlk_gmm_opts *o, size_t number, const mlk_run *run)
{
    mlk_kmeans_opts options = mlk_kmeans_opts_default();
    mlk_rng rng = mlk_rng_stream((uint64_t)o->seed, number);
    mlk_kmeans *km;
    const size_t k = t->now.k, p = t->now.p;
    options.n_clusters = o->n_clusters;
    options.n_init = 1;
    options.seed = mlk_rng_seed(&rng);
    MLK_TRY(mlk_kmeans_fit(t->data, &options, run, &km));
    mlk_copy(mlk_kmeans_centres(km), t->now.mean);
    for (size_t i = 0; i < t->share.rows; i++)
        for (size_t c = 0; c < k; c++)
            t->share.data[i * k + c] =
                mlk_kmeans_labels(km)[i] == c ? mlk_weight(t->data->w, i) : 0.0;
    mlk_kmeans_free(km);
    for (size_t i = 0; i < t->now.cov.rows; i++)
        for (size_t j = 0; j < t->now.cov.cols; j++) {
            const bool variance = t->now.type != MLK_GMM_FULL || i % p == j;
            t->now.cov.data[i * t->now.cov.ld + j] = variance ? t->variance.data[j] + t->reg : 0.0;
        }
    return maximise(t, run);
}

/* EM from there; *log_likelihood of what is left in t->now. */
static mlk_status climb(em *t, const mlk_gmm_opts *o, const mlk_run *run, mlk_fit_info *info,
                        double *log_likelihood)
{
    const mlk_run inner = mlk_run_inner(run);
    double last = -INFINITY, now;
    *info = mlk_fit_info_none();
    info->converged = 0;
    for (info->iterations = 1;; info->iterations++) {
        MLK_TRY(expectation(t, &inner, &now));
        mlk_run_log(run, "iteration %lld: log-likelihood %.10g", (long long)info->iterations, now);
        if (now < last)
            break;
        mixture_copy(&t->now, &t->before);
        MLK_TRY(maximise(t, &inner));
        info->converged = now - last < o->tol * t->total || now == last;
        last = now;
        if (info->converged || info->iterations == o->max_iter) {
            MLK_TRY(expectation(t, &inner, &now));
            break;
        }
    }
    if (now < last) { /* reg_covar is not part of (1) */
        mixture_copy(&t->before, &t->now);
        info->converged = 1;
        now = last;
    }
    info->objective = *log_likelihood = now;
    return MLK_OK;
}

/* ---------------------------------------------------------------------- fit */

static mlk_status em_init(const mlk_data *d, const mlk_gmm_opts *o, const mlk_run *run,
                          mlk_scratch *s, em *t)
{
    const size_t n = d->X.rows, p = d->X.cols, k = (size_t)o->n_clusters;
    const size_t fewest = (n + CHUNKS - 1) / CHUNKS;
    const mlk_run inner = mlk_run_inner(run);
    *t = (em){.data = d, .reg = o->reg_covar, .grain = fewest > BLOCK ? fewest : BLOCK};
    t->chunks = mlk_chunks(n, t->grain);
    mixture_init(o->covariance_type, k, p, s, &t->now);
    mixture_init(o->covariance_type, k, p, s, &t->before);
    t->share = mlk_scratch_mat(s, n, k);
    t->log_likelihood = mlk_scratch_vec(s, t->chunks).data;
    t->sums = mlk_scratch_mat(s, t->chunks * k, p + 1).data;
    t->moments = mlk_scratch_mat(s, t->chunks * t->now.cov.rows, t->now.cov.cols).data;
    t->variance = mlk_scratch_vec(s, p);
    const mlk_vec mean = mlk_scratch_vec(s, p);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu components of %zu columns", k, p);
    for (size_t i = 0; i < n; i++)
        t->total += mlk_weight(d->w, i);
    MLK_TRY(mlk_column_moments(d->X, d->w, &inner, mean, t->variance));
    return bench_init(p, mlk_workers(run, n, t->grain), s, &t->bench);
}

static mlk_status model_new(size_t n, int type, size_t k, size_t p, mlk_gmm **model)
{
    mlk_gmm *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->n = n;
    m->log_likelihood = -INFINITY;
    m->info = mlk_fit_info_none();
    mixture_init(type, k, p, &m->memory, &m->mix);
    m->label = mlk_scratch_take(&m->memory, n, sizeof *m->label);
    return m->memory.failed
               ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu components of %zu columns", k, p)
               : MLK_OK;
}

void mlk_gmm_free(mlk_gmm *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

static double free_parameters(const mixture *m)
{
    const double k = (double)m->k, p = (double)m->p;
    const double each = m->type == MLK_GMM_FULL   ? p * (p + 1.0) / 2.0
                        : m->type == MLK_GMM_DIAG ? p
                                                  : 1.0;
    return k * each + k * p + k - 1.0;
}

/* Labels and criteria of the best start. */
static mlk_status finish(const em *t, const mlk_run *run, mlk_gmm *m)
{
    const double q = free_parameters(&m->mix);
    double *label = mlk_alloc(m->n, sizeof *label);
    const mlk_run inner = mlk_run_inner(run);
    mlk_status st = label ? mlk_gmm_predict(m, t->data->X, &inner, (mlk_vec){label, m->n})
                          : MLK_FAIL(MLK_ENOMEM, "no memory for %zu labels", m->n);
    for (size_t i = 0; st == MLK_OK && i < m->n; i++)
        m->label[i] = (uint32_t)label[i];
    mlk_free(label);
    m->bic = -2.0 * m->log_likelihood + q * log(t->total);
    m->aic = -2.0 * m->log_likelihood + 2.0 * q;
    return st;
}

static mlk_status best_of(em *t, const mlk_gmm_opts *o, const mlk_run *run, mlk_gmm *m)
{
    for (size_t number = 0; number < (size_t)o->n_init; number++) {
        mlk_fit_info info;
        double log_likelihood;
        const mlk_run inner = mlk_run_inner(run);
        MLK_TRY(mlk_run_poll(run, (double)number / (double)o->n_init));
        MLK_TRY(start(t, o, number, &inner));
        MLK_TRY(climb(t, o, run, &info, &log_likelihood));
        if (!(log_likelihood > m->log_likelihood))
            continue;
        m->log_likelihood = log_likelihood;
        m->info = info;
        mixture_copy(&t->now, &m->mix);
    }
    return finish(t, run, m);
}

mlk_status mlk_gmm_fit(const mlk_data *data, const mlk_gmm_opts *opts, const mlk_run *run,
                       mlk_gmm **model)
{
    const mlk_gmm_opts o = opts ? *opts : mlk_gmm_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, 0, run));
    if ((uint64_t)o.n_clusters > data->X.rows)
        return MLK_FAIL(MLK_EINVAL, "n_clusters = %lld; expected at most the %zu rows",
                        (long long)o.n_clusters, data->X.rows);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_gmm *fit = NULL;
    em t;
    mlk_status st = em_init(data, &o, run, &scratch, &t);
    if (st == MLK_OK)
        st = model_new(data->X.rows, o.covariance_type, (size_t)o.n_clusters, data->X.cols, &fit);
    if (st == MLK_OK)
        st = best_of(&t, &o, run, fit);
    mlk_scratch_release(&scratch);
    if (st != MLK_OK) {
        mlk_gmm_free(fit);
        return st;
    }
    if (!fit->info.converged)
        mlk_run_warn(run, "gmm stopped at max_iter = %lld", (long long)o.max_iter);
    *model = fit;
    return MLK_OK;
}

/* --------------------------------------------------------------- prediction */

/* One of the outputs is given. */
typedef struct prediction {
    const mixture *mix;
    mlk_cmat X;
    bench *bench;
    mlk_mat room; /* a worker: BLOCK x k */
    double *label;
    mlk_mat log_density, shares; /* n x 1, n x k */
} prediction;

static void put_row(const prediction *t, size_t i, double *v)
{
    size_t best = 0;
    for (size_t c = 1; c < t->mix->k; c++)
        best = v[c] > v[best] ? c : best;
    const double log_density = to_shares(v, t->mix->k);
    if (t->label)
        t->label[i] = (double)best;
    if (t->log_density.data)
        t->log_density.data[i * t->log_density.ld] = log_density;
    if (t->shares.data)
        memcpy(t->shares.data + i * t->shares.ld, v, t->mix->k * sizeof *v);
}

static mlk_status predict_rows(void *ctx, const mlk_chunk *c)
{
    const prediction *t = ctx;
    const size_t n = c->end - c->begin;
    const mlk_mat out = mlk_mat_rows(t->room, c->worker * BLOCK, c->worker * BLOCK + n);
    log_densities(t->mix, mlk_cmat_rows(t->X, c->begin, c->end), &t->bench[c->worker], out);
    for (size_t i = 0; i < n; i++)
        put_row(t, c->begin + i, out.data + i * out.ld);
    return MLK_OK;
}

static mlk_status predict(prediction *t, const mlk_run *run)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const unsigned workers = mlk_workers(run, t->X.rows, BLOCK);
    t->room = mlk_scratch_mat(&s, (size_t)workers * BLOCK, t->mix->k);
    mlk_status st = bench_init(t->mix->p, workers, &s, &t->bench);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, t->X.rows, BLOCK, predict_rows, t);
    mlk_scratch_release(&s);
    return st;
}

mlk_status mlk_gmm_predict(const mlk_gmm *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->mix.p, out.n));
    prediction t = {.mix = &m->mix, .X = X, .label = out.data};
    return predict(&t, run);
}

mlk_status mlk_gmm_predict_proba(const mlk_gmm *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, m->mix.p, out.rows));
    prediction t = {.mix = &m->mix, .X = X, .shares = out};
    return predict(&t, run);
}

mlk_status mlk_gmm_decision(const mlk_gmm *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, m->mix.p, out.rows));
    prediction t = {.mix = &m->mix, .X = X, .log_density = out};
    return predict(&t, run);
}

mlk_cvec mlk_gmm_weights(const mlk_gmm *m) { return (mlk_cvec){m->mix.weight, m->mix.k}; }
mlk_cmat mlk_gmm_means(const mlk_gmm *m) { return mlk_mat_c(m->mix.mean); }
mlk_cmat mlk_gmm_covariances(const mlk_gmm *m) { return mlk_mat_c(m->mix.cov); }
const uint32_t *mlk_gmm_labels(const mlk_gmm *m) { return m->label; }
double mlk_gmm_log_likelihood(const mlk_gmm *m) { return m->log_likelihood; }
double mlk_gmm_bic(const mlk_gmm *m) { return m->bic; }
double mlk_gmm_aic(const mlk_gmm *m) { return m->aic; }
mlk_fit_info mlk_gmm_info(const mlk_gmm *m) { return m->info; }

/* --------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_gmm *m;
    const mlk_status st = mlk_gmm_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_gmm_predict(state, X, run, out);
}

static mlk_status algo_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_gmm_predict_proba(state, X, run, out);
}

static size_t algo_n_probabilities(const void *state) { return ((const mlk_gmm *)state)->mix.k; }

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_gmm_decision(state, X, run, out);
}

static void put_figures(const mlk_gmm *m, mlk_doc *to)
{
    mlk_doc_put_vec(to, "weights", mlk_gmm_weights(m));
    mlk_doc_put_mat(to, "means", mlk_gmm_means(m));
    mlk_doc_put_real(to, "log_likelihood", m->log_likelihood);
    mlk_doc_put_real(to, "bic", m->bic);
    mlk_doc_put_real(to, "aic", m->aic);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_gmm *m = state;
    mlk_doc_put_int(to, "covariance_type", m->mix.type);
    mlk_doc_put_mat(to, "covariances", mlk_mat_c(m->mix.cov));
    put_figures(m, to);
}

static mlk_status load_mixture(const mlk_doc *from, mlk_gmm *m)
{
    mlk_cvec weights;
    mlk_cmat means, cov;
    mixture *mix = &m->mix;
    MLK_TRY(mlk_doc_get_vec(from, "weights", mix->k, &weights));
    MLK_TRY(mlk_doc_get_mat(from, "means", mix->k, mix->p, &means));
    MLK_TRY(mlk_doc_get_mat(from, "covariances", mix->cov.rows, mix->cov.cols, &cov));
    MLK_TRY(mlk_doc_get_real(from, "log_likelihood", -DBL_MAX, DBL_MAX, &m->log_likelihood));
    MLK_TRY(mlk_doc_get_real(from, "bic", -DBL_MAX, DBL_MAX, &m->bic));
    MLK_TRY(mlk_doc_get_real(from, "aic", -DBL_MAX, DBL_MAX, &m->aic));
    for (size_t c = 0; c < mix->k; c++) {
        if (!(weights.data[c] >= 0.0 && weights.data[c] <= 1.0 + 1e-9))
            return MLK_FAIL(MLK_EFORMAT, "'weights' holds %g; expected a share", weights.data[c]);
        mix->weight[c] = weights.data[c];
    }
    mlk_copy(means, mix->mean);
    mlk_copy(cov, mix->cov);
    const mlk_status st = mixture_prepare(mix);
    return st == MLK_ESINGULAR ? MLK_FAIL(MLK_EFORMAT, "'covariances' are not positive definite")
                               : st;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_doc_array weights, cov;
    int64_t type;
    mlk_gmm *m;
    MLK_TRY(mlk_doc_get_int(from, "covariance_type", MLK_GMM_FULL, MLK_GMM_SPHERICAL, &type));
    MLK_TRY(mlk_doc_get_array(from, "weights", MLK_F64, &weights));
    MLK_TRY(mlk_doc_get_array(from, "covariances", MLK_F64, &cov));
    const size_t each = type == MLK_GMM_FULL ? n_features : 1, k = weights.rows;
    if (k < 1 || cov.rows % k || cov.rows / k != each)
        return MLK_FAIL(MLK_EFORMAT, "'covariances' has %zu rows for %zu components", cov.rows, k);
    mlk_status st = model_new(0, (int)type, k, n_features, &m);
    if (st == MLK_OK)
        st = load_mixture(from, m);
    if (st != MLK_OK) {
        mlk_gmm_free(m);
        return st;
    }
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_gmm *m = state;
    const mlk_cmat cov = mlk_gmm_covariances(m);
    put_figures(m, to);
    if (m->mix.type == MLK_GMM_FULL) {
        mlk_doc *list = mlk_doc_put_list(to, "covariances");
        for (size_t c = 0; c < m->mix.k; c++)
            mlk_doc_put_mat(list, NULL, mlk_cmat_rows(cov, c * m->mix.p, (c + 1) * m->mix.p));
    } else if (m->mix.type == MLK_GMM_DIAG) {
        mlk_doc_put_mat(to, "covariances", cov);
    } else {
        mlk_doc_put_vec(to, "covariances", (mlk_cvec){cov.data, m->mix.k});
    }
    if (m->n)
        mlk_doc_put_array(to, "labels", MLK_U32, m->label, m->n, 0);
}

static mlk_fit_info algo_info(const void *state) { return mlk_gmm_info(state); }
static void algo_free(void *state) { mlk_gmm_free(state); }

const mlk_algo mlk_gmm_algo = {
    .name = "gmm",
    .help = "mixture of normal distributions, by EM",
    .tasks = MLK_CLUSTERING,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_SEED,
    .opts_size = sizeof(mlk_gmm_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_proba,
    .n_probabilities = algo_n_probabilities,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
