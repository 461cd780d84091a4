/* The sums of logistic_rows.c, in vectors of WIDE doubles (core/wide.h). */
#include "linear/lanes_wide.h"

MLK_VECTOR_TILES static double MLK_WIDE(sum)(const double *v, size_t n)
{
    vec s[PARTS] = {0};
    double rest = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t h = 0; h < PARTS; h++)
            s[h] += *(const vec_any *)(v + i + h * WIDE);
    for (; i < n; i++)
        rest += v[i];
    return MLK_WIDE(across)(s) + rest;
}

/* Four rows at a time: each lane of w serves all of them, and four sums hide the latency. */
MLK_VECTOR_TILES static void MLK_WIDE(dot_rows)(mlk_cmat X, const double *w, double b, double *z)
{
    const size_t p = X.cols, full = p / LANES * LANES;
    for (size_t i = 0; i < X.rows; i += 4) {
        const size_t m = X.rows - i < 4 ? X.rows - i : 4;
        const double *x[4];
        vec s[4][PARTS] = {{{0}}};
        for (size_t r = 0; r < 4; r++) /* rows that are not there: the first again */
            x[r] = X.data + (i + (r < m ? r : 0)) * X.ld;
        for (size_t j = 0; j < full; j += LANES)
            for (size_t h = 0; h < PARTS; h++) {
                const vec v = *(const vec_any *)(w + j + h * WIDE);
                for (size_t r = 0; r < 4; r++)
                    s[r][h] += *(const vec_any *)(x[r] + j + h * WIDE) * v;
            }
        for (size_t r = 0; r < m; r++) {
            double rest = b;
            for (size_t j = full; j < p; j++)
                rest += x[r][j] * w[j];
            z[i + r] = MLK_WIDE(across)(s[r]) + rest;
        }
    }
}

/* `width` vectors of columns from j on, two rows at a time. */
static inline __attribute__((always_inline)) void
MLK_WIDE(add_columns)(mlk_cmat X, const double *r, size_t j, size_t width, double *g)
{
    vec even[4] = {{0}}, odd[4] = {{0}};
    size_t i = 0;
    for (; i + 2 <= X.rows; i += 2) {
        const double *x = X.data + i * X.ld + j, *next = x + X.ld;
        for (size_t t = 0; t < width; t++) {
            even[t] += r[i] * *(const vec_any *)(x + t * WIDE);
            odd[t] += r[i + 1] * *(const vec_any *)(next + t * WIDE);
        }
    }
    if (i < X.rows)
        for (size_t t = 0; t < width; t++)
            even[t] += r[i] * *(const vec_any *)(X.data + i * X.ld + j + t * WIDE);
    for (size_t t = 0; t < width; t++)
        *(vec_any *)(g + j + t * WIDE) += even[t] + odd[t];
}

MLK_VECTOR_TILES static void MLK_WIDE(add_rows)(mlk_cmat X, const double *r, double *g)
{
    const size_t p = X.cols, full = p / LANES * LANES;
    size_t j = 0;
    for (; j + 4 * WIDE <= full; j += 4 * WIDE)
        MLK_WIDE(add_columns)(X, r, j, 4, g);
    for (; j + 2 * WIDE <= full; j += 2 * WIDE)
        MLK_WIDE(add_columns)(X, r, j, 2, g);
    for (; j + WIDE <= full; j += WIDE)
        MLK_WIDE(add_columns)(X, r, j, 1, g);
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
