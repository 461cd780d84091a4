#include "linear/logistic_rows.h"

#include <math.h>

#include "core/simd.h"
#include "core/vmath.h"

enum { LANES = 8 };

#define MLK_WIDE_SOURCE "linear/logistic_rows_wide.h"
#include "core/wide.h"

MLK_SIMD_TILES static void binary_rows(size_t n, const double *restrict y, const double *restrict c,
                                       double *restrict z, double *restrict loss,
                                       double *restrict curvature, double *restrict margin)
{
    for (size_t i = 0; i < n; i++) {
        const double sign = 2.0 * y[i] - 1.0, t = sign * z[i];
        const double e = mlk_exp(-fabs(t)), u = 1.0 / (1.0 + e);
        const double wrong = t > 0.0 ? e * u : u; /* probability of the other class */
        loss[i] = c[i] * (mlk_log1p_finite(e) + (t < 0.0 ? -t : 0.0));
        z[i] = -sign * c[i] * wrong;
        curvature[i] = c[i] * (e * u * u);
        margin[i] = c[i] > 0.0 ? t : INFINITY;
    }
}

MLK_SIMD_TILES static void softmax_rows(size_t n, size_t k, double *restrict Z, size_t ld,
                                        double *restrict top, double *restrict loss)
{
    for (size_t i = 0; i < n; i++)
        top[i] = Z[i];
    for (size_t c = 1; c < k; c++)
        for (size_t i = 0; i < n; i++)
            top[i] = Z[c * ld + i] > top[i] ? Z[c * ld + i] : top[i];
    for (size_t i = 0; i < n; i++)
        loss[i] = -1.0;
    for (size_t c = 0; c < k; c++)
        for (size_t i = 0; i < n; i++) {
            const double e = mlk_exp(Z[c * ld + i] - top[i]);
            Z[c * ld + i] = e;
            loss[i] += e;
        }
    for (size_t c = 0; c < k; c++)
        for (size_t i = 0; i < n; i++)
            Z[c * ld + i] /= 1.0 + loss[i];
    for (size_t i = 0; i < n; i++)
        loss[i] = top[i] + mlk_log1p_finite(loss[i]);
}

/* ---- The kernels are static; these are what the header declares. */

double logistic_sum(const double *v, size_t n) { return MLK_WIDEST(sum, v, n); }

void logistic_dot_rows(mlk_cmat X, const double *w, double b, double *z)
{
    MLK_WIDEST(dot_rows, X, w, b, z);
}

void logistic_add_rows(mlk_cmat X, const double *r, double *g) { MLK_WIDEST(add_rows, X, r, g); }

void logistic_binary_rows(size_t n, const double *y, const double *c, double *z, double *loss,
                          double *curvature, double *margin)
{
    binary_rows(n, y, c, z, loss, curvature, margin);
}

void logistic_softmax_rows(size_t n, size_t k, double *Z, size_t ld, double *top, double *loss)
{
    softmax_rows(n, k, Z, ld, top, loss);
}
