/*
 * The inner kernel of Gram matrices (tile.h), in vectors of WIDE = 4 or 2 doubles (core/wide.h). A
 * tile has so many panels that its sums, and a row of what they are made of, fit the registers.
 */
#define TILE_PANELS (WIDE == 4 ? 3 : 1)
#define PARTS       (LANES / WIDE)

typedef vec MLK_WIDE(tile)[LANES][TILE_PANELS][PARTS];

/* Sums of products of the panel at a with `width` panels from b on, `stride` apart. */
static inline __attribute__((always_inline)) void MLK_WIDE(multiply)(const double *a,
                                                                     const double *b, size_t stride,
                                                                     size_t rows, size_t width,
                                                                     MLK_WIDE(tile) sum)
{
    for (size_t i = 0; i < LANES; i++)
        for (size_t k = 0; k < width; k++)
            for (size_t h = 0; h < PARTS; h++)
                sum[i][k][h] = (vec){0.0};
    for (size_t r = 0; r < rows; r++) {
        vec row[TILE_PANELS][PARTS];
        for (size_t k = 0; k < width; k++)
            for (size_t h = 0; h < PARTS; h++)
                row[k][h] = *(const vec *)(b + k * stride + r * LANES + h * WIDE);
        for (size_t i = 0; i < LANES; i++)
            for (size_t k = 0; k < width; k++)
                for (size_t h = 0; h < PARTS; h++)
                    sum[i][k][h] += a[r * LANES + i] * row[k][h];
    }
}
