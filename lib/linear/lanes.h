#ifndef LINEAR_LANES_H
#define LINEAR_LANES_H

#include <stddef.h>

/*
 * Inner products of columns in eight lanes. Columns are padded with zeros to a multiple of 8, so
 * there is no remainder. To be inlined into functions marked MLK_SIMD, where the lanes are one
 * register of AVX-512 or two of AVX2. Any alignment will do; 64 bytes are fastest.
 */
typedef double mlk_lanes __attribute__((vector_size(64), aligned(8), may_alias));

static inline __attribute__((always_inline)) double mlk_lanes_dot(const double *x, const double *y,
                                                                  size_t n)
{
    const mlk_lanes *a = (const mlk_lanes *)(const void *)x;
    const mlk_lanes *b = (const mlk_lanes *)(const void *)y;
    const size_t m = n / 8;
    mlk_lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    size_t i = 0;
    for (; i + 4 <= m; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    for (; i < m; i++)
        s0 += a[i] * b[i];
    s0 += s1;
    s2 += s3;
    s0 += s2;
    return ((s0[0] + s0[4]) + (s0[2] + s0[6])) + ((s0[1] + s0[5]) + (s0[3] + s0[7]));
}

/* y += a x; any n, any alignment. */
static inline __attribute__((always_inline)) void mlk_lanes_axpy(double a, const double *restrict x,
                                                                 double *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

#endif
