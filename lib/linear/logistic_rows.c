#include "linear/logistic_rows.h"

#include <math.h>

#include "core/simd.h"
#include "core/vmath.h"

enum { LANES = 8 };
typedef double lanes __attribute__((vector_size(64), aligned(8), may_alias));

#define LOAD(x) (*(const lanes *)(const void *)(x))

static inline __attribute__((always_inline)) double across(const lanes *v)
{
    const lanes s = *v;
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

MLK_SIMD_TILES static double sum(const double *v, size_t n)
{
    lanes s = {0};
    double rest = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        s += LOAD(v + i);
    for (; i < n; i++)
        rest += v[i];
    return across(&s) + rest;
}

/* Four rows at a time: each lane of w serves all of them, and four sums hide the latency. */
MLK_SIMD_TILES static void dot_rows(mlk_cmat X, const double *w, double b, double *z)
{
    const size_t p = X.cols, full = p / LANES * LANES;
    for (size_t i = 0; i < X.rows; i += 4) {
        const size_t m = X.rows - i < 4 ? X.rows - i : 4;
        const double *x[4];
        lanes s[4] = {{0}, {0}, {0}, {0}};
        for (size_t r = 0; r < 4; r++) /* rows that are not there: the first again */
            x[r] = X.data + (i + (r < m ? r : 0)) * X.ld;
        for (size_t j = 0; j < full; j += LANES) {
            const lanes v = LOAD(w + j);
            for (size_t r = 0; r < 4; r++)
                s[r] += LOAD(x[r] + j) * v;
        }
        for (size_t r = 0; r < m; r++) {
            double rest = b;
            for (size_t j = full; j < p; j++)
                rest += x[r][j] * w[j];
            z[i + r] = across(&s[r]) + rest;
        }
    }
}

/* `width` registers of columns from j on, two rows at a time. */
static inline __attribute__((always_inline)) void add_columns(mlk_cmat X, const double *r, size_t j,
                                                              size_t width, double *g)
{
    lanes even[4] = {{0}, {0}, {0}, {0}}, odd[4] = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    for (; i + 2 <= X.rows; i += 2) {
        const double *x = X.data + i * X.ld + j, *next = x + X.ld;
        for (size_t t = 0; t < width; t++) {
            even[t] += r[i] * LOAD(x + t * LANES);
            odd[t] += r[i + 1] * LOAD(next + t * LANES);
        }
    }
    if (i < X.rows)
        for (size_t t = 0; t < width; t++)
            even[t] += r[i] * LOAD(X.data + i * X.ld + j + t * LANES);
    for (size_t t = 0; t < width; t++)
        *(lanes *)(void *)(g + j + t * LANES) += even[t] + odd[t];
}

MLK_SIMD_TILES static void add_rows(mlk_cmat X, const double *r, double *g)
{
    const size_t p = X.cols;
    size_t j = 0;
    for (; j + 4 * LANES <= p; j += 4 * LANES)
        add_columns(X, r, j, 4, g);
    for (; j + 2 * LANES <= p; j += 2 * LANES)
        add_columns(X, r, j, 2, g);
    for (; j + LANES <= p; j += LANES)
        add_columns(X, r, j, 1, g);
    for (; j < p; j++) {
        double s[4] = {0.0, 0.0, 0.0, 0.0};
        size_t i = 0;
        for (; i + 4 <= X.rows; i += 4)
            for (size_t t = 0; t < 4; t++)
                s[t] += r[i + t] * X.data[(i + t) * X.ld + j];
        for (; i < X.rows; i++)
            s[0] += r[i] * X.data[i * X.ld + j];
        g[j] += (s[0] + s[1]) + (s[2] + s[3]);
    }
}

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

/* ---- The clones are static (simd.h); these are what the header declares. */

double logistic_sum(const double *v, size_t n) { return sum(v, n); }

void logistic_dot_rows(mlk_cmat X, const double *w, double b, double *z) { dot_rows(X, w, b, z); }

void logistic_add_rows(mlk_cmat X, const double *r, double *g) { add_rows(X, r, g); }

void logistic_binary_rows(size_t n, const double *y, const double *c, double *z, double *loss,
                          double *curvature, double *margin)
{
    binary_rows(n, y, c, z, loss, curvature, margin);
}

void logistic_softmax_rows(size_t n, size_t k, double *Z, size_t ld, double *top, double *loss)
{
    softmax_rows(n, k, Z, ld, top, loss);
}
