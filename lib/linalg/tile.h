#ifndef LINALG_TILE_H
#define LINALG_TILE_H

#include <mlkit/core.h>

/*
 * The inner kernel of Gram matrices. A block of rows is packed into panels of four columns,
 *
 *     panel 0:  x00 x01 x02 x03 | x10 x11 x12 x13 | ...      (rows one after the other)
 *     panel 1:  x04 x05 x06 x07 | ...
 *
 * which stay in the cache while every pair of panels is multiplied: a tile of 4 x 12 of the result
 * is summed over the block in twelve vector registers, so that seven loads feed twelve
 * multiply-adds.
 */
enum { LANES = 4, TILE_PANELS = 3 };

typedef double vec __attribute__((vector_size(8 * LANES), may_alias));
typedef double vec_any __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

/* Sums of products of the panel at a with `width` panels from b on, `stride` apart. */
static inline __attribute__((always_inline)) void mlk_tile_multiply(const double *a,
                                                                    const double *b, size_t stride,
                                                                    size_t rows, size_t width,
                                                                    vec sum[LANES][TILE_PANELS])
{
    for (size_t i = 0; i < LANES; i++)
        for (size_t k = 0; k < width; k++)
            sum[i][k] = (vec){0.0};
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < width; k++) {
            const vec bk = *(const vec *)(b + k * stride + r * LANES);
            for (size_t i = 0; i < LANES; i++)
                sum[i][k] += a[r * LANES + i] * bk;
        }
}

static inline size_t mlk_clamp(size_t x, size_t lo, size_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* Rows a chunk of n, a multiple of `block`, where each chunk has a result of so many bytes. */
size_t mlk_gram_grain(size_t n, size_t block, size_t result_bytes);

#endif
