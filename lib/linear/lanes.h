#ifndef LINEAR_LANES_H
#define LINEAR_LANES_H

#include <mlkit/core.h>

/*
 * Inner products of columns in eight lanes: the same bytes whatever the width of the registers.
 * Columns are padded with zeros to a multiple of 8, so there is no remainder. Any alignment will
 * do; 64 bytes are fastest. (In loops of explicit vectors: lanes_wide.h.)
 */

/* g[to[k]] = row list[k] of Z times r, k < m; to NULL: g[k]. */
void mlk_lanes_dots(mlk_cmat Z, const size_t *list, size_t m, const double *r, const size_t *to,
                    double *g);

/* x'x */
double mlk_lanes_norm2(const double *x, size_t n);

/* y += a x; any n, any alignment. To be inlined into functions marked MLK_SIMD. */
static inline __attribute__((always_inline)) void mlk_lanes_axpy(double a, const double *restrict x,
                                                                 double *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

#endif
