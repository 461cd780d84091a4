/* The kernel of gram_exact.c, in vectors of WIDE doubles (core/wide.h). */
#include "linalg/tile_wide.h"

/* high + low += x, with the rounding error of the sum [knuth1998, 4.2.2] kept in low. */
static inline __attribute__((always_inline)) void MLK_WIDE(add_exactly)(vec *high, vec *low,
                                                                        const vec *x)
{
    const vec s = *high + *x, part = s - *high;
    *low += (*high - (s - part)) + (*x - part);
    *high = s;
}

static inline __attribute__((always_inline)) void
MLK_WIDE(add_tile)(const double *a, const double *b, size_t stride, size_t rows, size_t slice,
                   size_t width, double *high, double *low, size_t ld)
{
    for (size_t s = 0; s < SLICES; s++)
        for (size_t t = 0; t < SLICES; t++) {
            MLK_WIDE(tile) sum;
            MLK_WIDE(multiply)(a + s * slice, b + t * slice, stride, rows, width, sum);
            for (size_t i = 0; i < LANES; i++)
                for (size_t k = 0; k < width; k++)
                    for (size_t h = 0; h < PARTS; h++) {
                        const size_t at = i * ld + k * LANES + h * WIDE;
                        MLK_WIDE(add_exactly)((vec *)(high + at), (vec *)(low + at), &sum[i][k][h]);
                    }
        }
}

MLK_VECTOR_TILES static void MLK_WIDE(add_block)(const double *packed, size_t rows, size_t panels,
                                                 double *high)
{
    const size_t stride = rows * LANES, slice = panels * stride, ld = panels * LANES;
    double *low = high + ld * ld;
    for (size_t j = 0; j < panels; j += TILE_PANELS)
        for (size_t i = j; i < panels; i++) {
            const double *a = packed + i * stride, *b = packed + j * stride;
            const size_t at = i * LANES * ld + j * LANES;
            if (i == j || TILE_PANELS == 1)
                MLK_WIDE(add_tile)(a, b, stride, rows, slice, 1, high + at, low + at, ld);
            else if (i == j + 1)
                MLK_WIDE(add_tile)(a, b, stride, rows, slice, 2, high + at, low + at, ld);
            else
                MLK_WIDE(add_tile)(a, b, stride, rows, slice, 3, high + at, low + at, ld);
        }
}
