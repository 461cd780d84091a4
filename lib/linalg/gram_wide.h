/* The kernel of gram.c, in vectors of WIDE doubles (core/wide.h). */
#include "linalg/tile_wide.h"

static inline __attribute__((always_inline)) void MLK_WIDE(add_tile)(const double *a,
                                                                     const double *b, size_t stride,
                                                                     size_t rows, size_t width,
                                                                     double *c, size_t ld)
{
    MLK_WIDE(tile) sum;
    MLK_WIDE(multiply)(a, b, stride, rows, width, sum);
    for (size_t i = 0; i < LANES; i++)
        for (size_t k = 0; k < width; k++)
            for (size_t h = 0; h < PARTS; h++)
                *(vec *)(c + i * ld + k * LANES + h * WIDE) += sum[i][k][h];
}

/* C += Z'Z of a packed block, on and below the diagonal; meanwhile the next rows are fetched. */
MLK_VECTOR_TILES static void MLK_WIDE(add_block)(const double *packed, size_t rows, size_t panels,
                                                 const char *next, size_t next_bytes, double *C)
{
    const size_t stride = rows * LANES, ld = panels * LANES;
    const size_t tiles = panels * (panels + TILE_PANELS) / (2 * TILE_PANELS) + 1;
    const size_t share = (next_bytes / tiles + 64) / 64 * 64;
    for (size_t j = 0, done = 0; j < panels; j += TILE_PANELS)
        for (size_t i = j; i < panels; i++) {
            for (const size_t end = done + share; done < end && done < next_bytes; done += 64)
                __builtin_prefetch(next + done, 0, 2);
            const double *a = packed + i * stride, *b = packed + j * stride;
            double *c = C + i * LANES * ld + j * LANES;
            if (i == j || TILE_PANELS == 1)
                MLK_WIDE(add_tile)(a, b, stride, rows, 1, c, ld);
            else if (i == j + 1)
                MLK_WIDE(add_tile)(a, b, stride, rows, 2, c, ld);
            else
                MLK_WIDE(add_tile)(a, b, stride, rows, 3, c, ld);
        }
}
