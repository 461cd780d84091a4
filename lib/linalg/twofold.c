#include "linalg/twofold.h"

#include <string.h>

#include "core/alloc.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/linalg.h"

static inline twofold get(mlk_cmat high, mlk_cmat low, size_t i, size_t j)
{
    return (twofold){high.data[i * high.ld + j], low.data[i * low.ld + j]};
}

/* (h, l) -= factor (rh, rl), n values. */
MLK_SIMD_TILES static void subtract_row(double *h, double *l, const double *rh, const double *rl,
                                        double factor_high, double factor_low, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        const double p = fma(factor_high, rh[j], 0.0);
        const double rest =
            fma(factor_high, rh[j], -p) + (factor_high * rl[j] + factor_low * rh[j]);
        const double s = h[j] - p, part = s - h[j];
        const double t = ((h[j] - (s - part)) - (p + part)) + (l[j] - rest);
        const double high = s + t;
        l[j] = t - (high - s);
        h[j] = high;
    }
}

static void swap_symmetric(mlk_mat A, size_t a, size_t b)
{
    for (size_t j = 0; j < A.cols; j++) {
        const double t = A.data[a * A.ld + j];
        A.data[a * A.ld + j] = A.data[b * A.ld + j];
        A.data[b * A.ld + j] = t;
    }
    for (size_t i = 0; i < A.rows; i++) {
        const double t = A.data[i * A.ld + a];
        A.data[i * A.ld + a] = A.data[i * A.ld + b];
        A.data[i * A.ld + b] = t;
    }
}

/* Step k with its pivot in place: row k becomes U[k, :], the rows below it lose their share. */
static void eliminate(mlk_mat high, mlk_mat low, size_t k)
{
    const size_t q = high.rows;
    double *h = high.data + k * high.ld, *l = low.data + k * low.ld;
    const twofold d = {h[k], l[k]};
    for (size_t i = k + 1; i < q; i++) {
        const twofold u = twofold_div((twofold){h[i], l[i]}, d);
        subtract_row(high.data + i * high.ld + k + 1, low.data + i * low.ld + k + 1, h + k + 1,
                     l + k + 1, u.high, u.low, q - k - 1);
        high.data[i * high.ld + k] = u.high; /* kept below the diagonal until the row is done */
        low.data[i * low.ld + k] = u.low;
    }
    for (size_t i = k + 1; i < q; i++) {
        h[i] = high.data[i * high.ld + k];
        l[i] = low.data[i * low.ld + k];
    }
}

mlk_status mlk_twofold_ldl(mlk_mat high, mlk_mat low, size_t p, double tol, size_t *pivot,
                           size_t *rank)
{
    double *original = mlk_alloc(p, sizeof *original);
    if (!original)
        return MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu matrix", p, p);
    for (size_t j = 0; j < p; j++) {
        pivot[j] = j;
        original[j] = high.data[j * high.ld + j];
    }
    for (*rank = 0; *rank < p; ++*rank) {
        const size_t k = *rank;
        size_t best = p;
        double most = tol;
        for (size_t j = k; j < p; j++) {
            const double share = high.data[j * high.ld + j] / original[j];
            if (share > most) { /* false for 0 / 0, a column of nothing */
                most = share;
                best = j;
            }
        }
        if (best == p)
            break;
        if (best != k) {
            const size_t t = pivot[k];
            const double o = original[k];
            pivot[k] = pivot[best];
            pivot[best] = t;
            original[k] = original[best];
            original[best] = o;
            swap_symmetric(high, k, best);
            swap_symmetric(low, k, best);
        }
        eliminate(high, low, k);
    }
    mlk_free(original);
    return MLK_OK;
}

void mlk_twofold_inverse(mlk_cmat high, mlk_cmat low, size_t p, mlk_mat t_high, mlk_mat t_low)
{
    for (size_t k = p; k-- > 0;) { /* T[k] = e[k] - sum over m > k of U[k, m] T[m] */
        double *h = t_high.data + k * t_high.ld, *l = t_low.data + k * t_low.ld;
        memset(h, 0, p * sizeof *h);
        memset(l, 0, p * sizeof *l);
        h[k] = 1.0;
        for (size_t m = k + 1; m < p; m++) {
            const twofold u = get(high, low, k, m);
            subtract_row(h + m, l + m, t_high.data + m * t_high.ld + m,
                         t_low.data + m * t_low.ld + m, u.high, u.low, p - m);
        }
    }
}
