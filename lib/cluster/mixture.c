#include "cluster/mixture.h"

#include <mlkit/cluster/gmm.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/simd.h"
#include "core/vmath.h"
#include "linalg/linalg.h"

static const double LOG_2PI = 1.8378770664093453; /* log(2 pi) */

void mixture_init(int type, size_t k, size_t p, mlk_scratch *s, mixture *m)
{
    const size_t rows = type == MLK_GMM_FULL ? k * p : k, cols = type == MLK_GMM_SPHERICAL ? 1 : p;
    *m = (mixture){.type = type, .k = k, .p = p};
    m->weight = mlk_scratch_vec(s, k).data;
    m->mean = mlk_scratch_mat(s, k, p);
    m->cov = mlk_scratch_mat(s, rows, cols);
    m->whiten = mlk_scratch_mat(s, rows, cols);
    m->log_pdf = mlk_scratch_vec(s, k).data;
}

void mixture_copy(const mixture *from, mixture *to)
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

mlk_status mixture_prepare(mixture *m)
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

/* --------------------------------------------------------------- densities */

MLK_SIMD_TILES static void subtract(const double *x, const double *mean, size_t p,
                                    double *restrict d)
{
    for (size_t j = 0; j < p; j++)
        d[j] = x[j] - mean[j];
}

/* sum_j d_j^2 scale_j, in eight sums; scale NULL: all 1. */
MLK_SIMD_TILES static double squares(const double *d, const double *scale, size_t p)
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

void mixture_subtract(const double *x, const double *mean, size_t p, double *restrict d)
{
    subtract(x, mean, p, d);
}

double mixture_squares(const double *d, size_t p) { return squares(d, NULL, p); }

void mixture_log_densities(const mixture *m, mlk_cmat X, const mixture_room *b, mlk_mat out)
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

double mixture_shares(double *v, size_t k)
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

mlk_status mixture_take_room(size_t p, unsigned workers, mlk_scratch *s, mixture_room **out)
{
    mixture_room *b = *out = mlk_scratch_take(s, workers, sizeof *b);
    for (unsigned w = 0; b && w < workers; w++)
        b[w] = (mixture_room){mlk_scratch_mat(s, MIXTURE_ROWS, p),
                              mlk_scratch_mat(s, MIXTURE_ROWS, p)};
    return s->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for blocks of %zu columns", p) : MLK_OK;
}
