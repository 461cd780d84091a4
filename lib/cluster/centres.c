#include "cluster/centres.h"

#include <math.h>
#include <string.h>

#include "core/simd.h"

/* Centres at a time, and rows: as many as leave the sums in registers. */
enum { GROUP = 4 };
#define ROWS (WIDE == 8 ? 16 : 2 * WIDE)

#define MLK_WIDE_SOURCE "cluster/centres_wide.h"
#include "core/wide.h"

enum { FOUR = 4 };
typedef double four __attribute__((vector_size(8 * FOUR), may_alias));
typedef double four_any __attribute__((vector_size(8 * FOUR), aligned(8), may_alias));

/* Four columns of four rows: halves and neighbours change places in turn. */
static inline __attribute__((always_inline)) void turn(const double *const *x, size_t j,
                                                       double *panel)
{
    four r[FOUR], s[FOUR];
    for (size_t l = 0; l < FOUR; l++)
        r[l] = *(const four_any *)(const void *)(x[l] + j);
    for (size_t l = 0; l < 2; l++) {
        s[l] = __builtin_shufflevector(r[l], r[l + 2], 0, 1, 4, 5);
        s[l + 2] = __builtin_shufflevector(r[l], r[l + 2], 2, 3, 6, 7);
    }
    for (size_t l = 0; l < FOUR; l += 2) {
        four *to = (four *)(void *)(panel + (j + l) * TILE);
        to[0] = __builtin_shufflevector(s[l], s[l + 1], 0, 4, 2, 6);
        to[TILE / FOUR] = __builtin_shufflevector(s[l], s[l + 1], 1, 5, 3, 7);
    }
}

MLK_SIMD_TILES static void fill_panel(mlk_cmat X, const nearest_tile *t, double *panel)
{
    const double *x[TILE];
    size_t j = 0;
    for (size_t l = 0; l < TILE; l++)
        x[l] = X.data + t->row[l < t->n ? l : 0] * X.ld;
    for (; j + FOUR <= X.cols; j += FOUR)
        for (size_t l = 0; l < TILE; l += FOUR)
            turn(x + l, j, panel + l);
    for (; j < X.cols; j++)
        for (size_t l = 0; l < TILE; l++)
            panel[j * TILE + l] = x[l][j];
}

void nearest_of_tile(mlk_cmat X, mlk_cmat C, double *panel, nearest_tile *t)
{
    fill_panel(X, t, panel);
    MLK_WIDEST(measure, panel, C, t);
}
