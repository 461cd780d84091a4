#include "cluster/em.h"

#include <mlkit/cluster/kmeans.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd.h"
#include "linalg/linalg.h"
#include "model/algo.h"

enum { CHUNKS = 16 };

typedef struct em {
    const mlk_data *data;
    mixture now, before;
    double reg, total; /* total: of the weights */
    size_t grain, chunks;
    mlk_mat share;                           /* n x k: responsibilities times sample weights */
    mixture_room *room;                      /* a worker */
    double *log_likelihood, *sums, *moments; /* a chunk: 1, k + k p, the size of cov */
    mlk_vec variance;                        /* p, of all rows */
} em;

static mlk_status expect(void *ctx, const mlk_chunk *c)
{
    const em *t = ctx;
    double sum = 0.0;
    for (size_t i = c->begin; i < c->end; i += MIXTURE_ROWS) {
        const size_t end = c->end - i < MIXTURE_ROWS ? c->end : i + MIXTURE_ROWS;
        const mlk_mat out = mlk_mat_rows(t->share, i, end);
        mixture_log_densities(&t->now, mlk_cmat_rows(t->data->X, i, end), &t->room[c->worker], out);
        for (size_t r = 0; r < out.rows; r++) {
            const double w = mlk_weight(t->data->w, i + r);
            double *v = out.data + r * out.ld;
            sum += w * mixture_shares(v, t->now.k);
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

MLK_SIMD_TILES static void add_squares(const double *d, double share, size_t p,
                                       double *restrict sum)
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
        mixture_subtract(t->data->X.data + (begin + i) * t->data->X.ld, t->now.mean.data + c * p, p,
                         d);
        if (t->now.type == MLK_GMM_DIAG)
            add_squares(d, share, p, out + c * p);
        if (t->now.type == MLK_GMM_SPHERICAL)
            out[c] += share * mixture_squares(d, p) / (double)p;
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
    for (size_t i = c->begin; i < c->end; i += MIXTURE_ROWS) {
        const size_t rows = c->end - i < MIXTURE_ROWS ? c->end - i : MIXTURE_ROWS;
        for (size_t j = 0; j < t->now.k; j++)
            add_moments(t, j, i, mlk_mat_rows(t->room[c->worker].d, 0, rows), out);
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

static mlk_status em_init(const mlk_data *d, const mlk_gmm_opts *o, const mlk_run *run,
                          mlk_scratch *s, em *t)
{
    const size_t n = d->X.rows, p = d->X.cols, k = (size_t)o->n_clusters;
    const size_t fewest = (n + CHUNKS - 1) / CHUNKS;
    const mlk_run inner = mlk_run_inner(run);
    *t = (em){
        .data = d, .reg = o->reg_covar, .grain = fewest > MIXTURE_ROWS ? fewest : MIXTURE_ROWS};
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
    return mixture_take_room(p, mlk_workers(run, n, t->grain), s, &t->room);
}

static mlk_status best_of(em *t, const mlk_gmm_opts *o, const mlk_run *run, mixture *mix,
                          em_result *r)
{
    for (size_t number = 0; number < (size_t)o->n_init; number++) {
        mlk_fit_info info;
        double log_likelihood;
        const mlk_run inner = mlk_run_inner(run);
        MLK_TRY(mlk_run_poll(run, (double)number / (double)o->n_init));
        MLK_TRY(start(t, o, number, &inner));
        MLK_TRY(climb(t, o, run, &info, &log_likelihood));
        if (!(log_likelihood > r->log_likelihood))
            continue;
        r->log_likelihood = log_likelihood;
        r->info = info;
        mixture_copy(&t->now, mix);
    }
    return MLK_OK;
}

mlk_status em_fit(const mlk_data *data, const mlk_gmm_opts *o, const mlk_run *run, mixture *mix,
                  em_result *r)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    em t;
    mlk_status st = em_init(data, o, run, &scratch, &t);
    *r = (em_result){.total = t.total, .log_likelihood = -INFINITY, .info = mlk_fit_info_none()};
    if (st == MLK_OK)
        st = best_of(&t, o, run, mix, r);
    mlk_scratch_release(&scratch);
    return st;
}
