#include "linear/logistic_curvature.h"

#include <float.h>
#include <math.h>

#include "core/status.h"
#include "linalg/linalg.h"

void logistic_curvature_couple(logistic_curvature *h, logistic_coupling coupling)
{
    h->coupling = coupling;
    h->blocks = coupling == LOGISTIC_BLOCKS ? h->p->k : 1;
    h->size = coupling == LOGISTIC_COUPLED ? logistic_size(h->p) : h->p->q;
}

mlk_status logistic_curvature_prepare(logistic_curvature *h, const logistic_problem *p,
                                      logistic_coupling coupling)
{
    const size_t n = p->X.rows, m = p->X.cols;
    const bool shifted = p->intercept && p->l2[m] == 0.0 && p->l1[m] == 0.0;
    *h = (logistic_curvature){.p = p, .scratch = MLK_SCRATCH_INIT};
    logistic_curvature_couple(h, coupling);
    h->turned = mlk_scratch_mat(&h->scratch, p->q, p->k).data;
    h->A = mlk_scratch_mat(&h->scratch, h->blocks * h->size, h->size).data;
    h->scale = mlk_scratch_mat(&h->scratch, h->blocks, h->size).data;
    h->shift = shifted ? mlk_scratch_vec(&h->scratch, m).data : NULL;
    h->cross = mlk_scratch_vec(&h->scratch, m).data;
    h->w = p->k > 1 ? mlk_scratch_vec(&h->scratch, n).data : NULL;
    h->ones = p->intercept ? mlk_scratch_vec(&h->scratch, n).data : NULL;
    mlk_status st = MLK_OK;
    if (h->scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the curvature of %zu weights", p->k * p->q);
    for (size_t i = 0; st == MLK_OK && h->ones && i < n; i++)
        h->ones[i] = 1.0;
    if (st == MLK_OK && shifted)
        st = mlk_column_means(p->X, (mlk_cvec){p->c, n}, p->run, (mlk_vec){h->shift, m});
    if (st != MLK_OK)
        logistic_curvature_release(h);
    return st;
}

void logistic_curvature_release(logistic_curvature *h) { mlk_scratch_release(&h->scratch); }

/* The weights |d_ab| of the rows. */
static const double *row_weights(const logistic_curvature *h, size_t a, size_t b)
{
    const logistic_problem *p = h->p;
    const size_t n = p->X.rows;
    if (p->k == 1)
        return p->curvature;
    const double *pa = p->curvature + a * n, *pb = p->curvature + b * n;
    for (size_t i = 0; i < n; i++)
        h->w[i] = p->c[i] * pa[i] * (a == b ? 1.0 - pa[i] : pb[i]);
    return h->w;
}

/* The mean of d_aa over the classes, times k / (k - 1): with equal probabilities, c / k. */
static const double *mean_weights(const logistic_curvature *h)
{
    const logistic_problem *p = h->p;
    const size_t n = p->X.rows;
    if (p->k == 1)
        return p->curvature;
    for (size_t i = 0; i < n; i++)
        h->w[i] = 0.0;
    for (size_t a = 0; a < p->k; a++)
        for (size_t i = 0; i < n; i++) {
            const double pa = p->curvature[a * n + i];
            h->w[i] += p->c[i] * pa * (1.0 - pa) / (double)(p->k - 1);
        }
    return h->w;
}

/* sign X'diag(w)X, with the column of the intercept, to B (q x q, row stride ld). */
static mlk_status fill_block(const logistic_curvature *h, const double *w, double sign, double *B,
                             size_t ld)
{
    const logistic_problem *p = h->p;
    const size_t n = p->X.rows, m = p->X.cols;
    const mlk_cvec shift = {h->shift, h->shift ? m : 0};
    const mlk_mat G = {B, m, m, ld};
    if (!p->intercept) {
        MLK_TRY(mlk_gram(p->X, (mlk_cvec){w, n}, (mlk_cvec){NULL, 0}, shift, 0.0, p->run, G,
                         (mlk_vec){NULL, 0}));
    } else {
        double total = 0.0;
        MLK_TRY(mlk_gram(p->X, (mlk_cvec){w, n}, (mlk_cvec){h->ones, n}, shift, 0.0, p->run, G,
                         (mlk_vec){h->cross, m}));
        for (size_t i = 0; i < n; i++)
            total += w[i];
        for (size_t j = 0; j < m; j++)
            B[j * ld + m] = B[m * ld + j] = h->cross[j];
        B[m * ld + m] = total;
    }
    for (size_t i = 0; sign < 0.0 && i < p->q; i++)
        for (size_t j = 0; j < p->q; j++)
            B[i * ld + j] = -B[i * ld + j];
    return MLK_OK;
}

/*
 * Adding the same vector to the weights of all classes changes no probability: without a penalty
 * the Hessian is singular there. The gradient has no part in that direction, so any positive
 * curvature along it gives the step of the pseudo-inverse.
 */
static void fix_common_shift(const logistic_curvature *h)
{
    const logistic_problem *p = h->p;
    for (size_t j = 0; j < p->q; j++) {
        double mean = 0.0;
        if (p->l2[j] > 0.0)
            continue;
        for (size_t a = 0; a < p->k; a++)
            mean += h->A[(a * p->q + j) * (h->size + 1)] / (double)p->k;
        for (size_t a = 0; a < p->k; a++)
            for (size_t b = 0; b < p->k; b++)
                h->A[(a * p->q + j) * h->size + b * p->q + j] += mean;
    }
}

mlk_status logistic_curvature_fill(const logistic_curvature *h)
{
    const logistic_problem *p = h->p;
    const size_t q = p->q, size = h->size;
    if (h->coupling == LOGISTIC_SHARED)
        MLK_TRY(fill_block(h, mean_weights(h), 1.0, h->A, q));
    else if (h->coupling == LOGISTIC_COUPLED)
        for (size_t a = 0; a < p->k; a++)
            for (size_t b = 0; b <= a; b++) {
                double *lower = h->A + a * q * size + b * q, *upper = h->A + b * q * size + a * q;
                MLK_TRY(fill_block(h, row_weights(h, a, b), a == b ? 1.0 : -1.0, lower, size));
                for (size_t i = 0; i < q; i++)
                    for (size_t j = 0; j < q; j++)
                        upper[j * size + i] = lower[i * size + j];
            }
    else
        for (size_t a = 0; a < p->k; a++)
            MLK_TRY(fill_block(h, row_weights(h, a, a), 1.0, h->A + a * q * q, q));
    for (size_t b = 0; b < h->blocks; b++)
        for (size_t i = 0; i < size; i++)
            h->A[b * size * size + i * (size + 1)] += p->l2[i % q];
    return MLK_OK;
}

/* One block: to unit diagonal, then the factor. The upper triangle keeps the matrix, from which
 * a failed attempt is repaired. */
static mlk_status factor_block(logistic_curvature *h, double *A, double *scale)
{
    const size_t size = h->size;
    for (size_t i = 0; i < size; i++) {
        const double d = A[i * (size + 1)];
        scale[i] = d > 0.0 && isfinite(d) ? sqrt(d) : 1.0;
    }
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            A[i * size + j] /= scale[i] * scale[j];
    mlk_status st = MLK_ESINGULAR;
    for (double help = 0.0; st == MLK_ESINGULAR && help < 1e3;
         help = help == 0.0 ? 16.0 * (double)size * DBL_EPSILON : 100.0 * help) {
        for (size_t i = 0; i < size; i++) {
            for (size_t j = 0; j < i; j++)
                A[i * size + j] = A[j * size + i];
            A[i * (size + 1)] = 1.0 + help;
        }
        h->singular |= help > 0.0;
        st = mlk_chol((mlk_mat){A, size, size, size}, NULL);
    }
    return st;
}

mlk_status logistic_curvature_factor(logistic_curvature *h)
{
    MLK_TRY(logistic_curvature_fill(h));
    if (h->coupling == LOGISTIC_COUPLED && h->p->k > 1)
        fix_common_shift(h);
    h->singular = false;
    for (size_t b = 0; b < h->blocks; b++)
        MLK_TRY(factor_block(h, h->A + b * h->size * h->size, h->scale + b * h->size));
    return MLK_OK;
}

/* B (size x k) := A_b^-1 B for the scaled block b. */
static void solve_block(const logistic_curvature *h, size_t b, mlk_mat B)
{
    const size_t size = h->size;
    const double *scale = h->scale + b * size;
    for (size_t i = 0; i < size; i++)
        for (size_t c = 0; c < B.cols; c++)
            B.data[i * B.ld + c] /= scale[i];
    mlk_chol_solve((mlk_cmat){h->A + b * size * size, size, size, size}, B);
    for (size_t i = 0; i < size; i++)
        for (size_t c = 0; c < B.cols; c++)
            B.data[i * B.ld + c] /= scale[i];
}

/*
 * With blocks of their own the classes' steps need not sum to 0, as gradients and smooth minimisers
 * do; but what is common to all classes changes no probability, so nothing would soon correct it.
 * Taken out on both sides of the inverse, it leaves that symmetric.
 */
static void drop_common(const logistic_problem *p, double *v)
{
    for (size_t j = 0; j < p->q; j++) {
        double mean = 0.0;
        for (size_t c = 0; c < p->k; c++)
            mean += v[c * p->q + j] / (double)p->k;
        for (size_t c = 0; c < p->k; c++)
            v[c * p->q + j] -= mean;
    }
}

void logistic_curvature_solve(const logistic_curvature *h, double *v)
{
    const logistic_problem *p = h->p;
    const size_t m = p->X.cols, q = p->q, k = p->k;
    const bool apart = h->coupling == LOGISTIC_BLOCKS && k > 1;
    if (apart)
        drop_common(p, v);
    for (size_t c = 0; h->shift && c < k; c++)
        for (size_t j = 0; j < m; j++)
            v[c * q + j] -= h->shift[j] * v[c * q + m];
    if (h->coupling == LOGISTIC_SHARED) {
        for (size_t c = 0; c < k; c++)
            for (size_t j = 0; j < q; j++)
                h->turned[j * k + c] = v[c * q + j];
        solve_block(h, 0, (mlk_mat){h->turned, q, k, k});
        for (size_t c = 0; c < k; c++)
            for (size_t j = 0; j < q; j++)
                v[c * q + j] = h->turned[j * k + c];
    }
    for (size_t b = 0; h->coupling != LOGISTIC_SHARED && b < h->blocks; b++)
        solve_block(h, b, (mlk_mat){v + b * h->size, h->size, 1, 1});
    for (size_t c = 0; h->shift && c < k; c++)
        for (size_t j = 0; j < m; j++)
            v[c * q + m] -= h->shift[j] * v[c * q + j];
    if (apart)
        drop_common(p, v);
}
