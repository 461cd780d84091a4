#include "linalg/linalg.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/tile.h"
#include "linalg/twofold.h"

/*
 * The Gram matrix in twice the working precision, by fast arithmetic in one [ozaki2012]: each
 * column, scaled by a power of two to |x| <= 1, is cut into three slices on fixed grids,
 *
 *     x = s1 + s2 + s3,   s1 on 2^-22,  s2 on 2^-45,  s3 on 2^-68,
 *
 * of at most 2^22 units each. Products of slices and their sums over up to 512 rows then fit in 53
 * bits: the plain kernel of tile.h computes them without any rounding. The nine of them are added
 * up with their rounding errors kept. What is cut off is below 2^-69 of the largest of the column.
 */
enum { SLICES = 3, BLOCK = 256 };

typedef struct exact {
    mlk_cmat X;
    mlk_cvec w, y, shift, scale; /* shift and scale of X and y */
    size_t cols, panels;
    double *packed;  /* workers x SLICES x panels x BLOCK x 4 */
    double *partial; /* chunks x 2 x (4 panels)^2: high parts, low parts */
} exact;

/* x in three slices, `apart` values from each other: adding and subtracting 1.5 units of the last
 * place wanted, times 2^52, rounds to it. */
static inline __attribute__((always_inline)) void cut(const lanes *x, double *to, size_t apart)
{
    const lanes s1 = (*x + 0x1.8p30) - 0x1.8p30;
    const lanes rest = *x - s1;
    const lanes s2 = (rest + 0x1.8p7) - 0x1.8p7;
    *(lanes *)to = s1;
    *(lanes *)(to + apart) = s2;
    *(lanes *)(to + 2 * apart) = ((rest - s2) + 0x1.8p-16) - 0x1.8p-16;
}

/* Column j of a row, shifted and scaled, where panels are not full; the last is the constant 1. */
static inline double element(const exact *e, size_t i, size_t j)
{
    const size_t p = e->X.cols;
    if (j >= e->cols - 1)
        return j == e->cols - 1;
    const double z = j < p ? e->X.data[i * e->X.ld + j] : e->y.data[i];
    return (z - e->shift.data[j]) * e->scale.data[j];
}

MLK_SIMD_TILES static void pack_slices(const exact *e, size_t begin, size_t rows, double *packed)
{
    const size_t stride = rows * LANES, apart = e->panels * stride, full = e->X.cols / LANES;
    const double *shift = e->shift.data, *scale = e->scale.data;
    for (size_t r = 0; r < rows; r++) {
        const size_t i = begin + r;
        const double *x = e->X.data + i * e->X.ld;
        const double root = e->w.n ? sqrt(e->w.data[i]) * scale[e->cols - 1] : 1.0;
        double *to = packed + r * LANES;
        for (size_t k = 0; k < e->panels; k++, to += stride) {
            lanes z = {0};
            if (k < full)
                z = (*(const lanes_any *)(x + k * LANES) -
                     *(const lanes_any *)(shift + k * LANES)) *
                    *(const lanes_any *)(scale + k * LANES);
            else
                for (size_t lane = 0; lane < LANES; lane++)
                    z[lane] = element(e, i, k * LANES + lane);
            z *= root;
            cut(&z, to, apart);
        }
    }
}

#define MLK_WIDE_SOURCE "linalg/gram_exact_wide.h"
#define MLK_WIDE_MOST   4
#include "core/wide.h"

static mlk_status exact_chunk(void *ctx, const mlk_chunk *c)
{
    const exact *e = ctx;
    const size_t ld = e->panels * LANES;
    double *packed = e->packed + (size_t)c->worker * BLOCK * SLICES * ld;
    double *partial = e->partial + c->index * 2 * ld * ld;
    memset(partial, 0, 2 * ld * ld * sizeof *partial);
    for (size_t begin = c->begin, rows; begin < c->end; begin += rows) {
        rows = c->end - begin < BLOCK ? c->end - begin : BLOCK;
        pack_slices(e, begin, rows, packed);
        MLK_WIDEST(add_block, packed, rows, e->panels, partial);
    }
    return MLK_OK;
}

/* Sum of the chunks, in order, into the symmetric G. */
static void combine(const exact *e, size_t chunks, mlk_mat high, mlk_mat low)
{
    const size_t ld = e->panels * LANES;
    for (size_t i = 0; i < e->cols; i++)
        for (size_t j = 0; j <= i; j++) {
            twofold sum = {0.0, 0.0};
            for (size_t k = 0; k < chunks; k++) {
                const double *at = e->partial + k * 2 * ld * ld + i * ld + j;
                sum = twofold_add(sum, twofold_sum(at[0], at[ld * ld]));
            }
            high.data[i * high.ld + j] = high.data[j * high.ld + i] = sum.high;
            low.data[i * low.ld + j] = low.data[j * low.ld + i] = sum.low;
        }
}

mlk_status mlk_gram_exact(mlk_cmat X, mlk_cvec w, mlk_cvec y, mlk_cvec shift, mlk_cvec scale,
                          const mlk_run *run, mlk_mat high, mlk_mat low)
{
    const mlk_run inner = mlk_run_inner(run);
    exact e = {X, w, y, shift, scale, high.rows, (high.rows + LANES - 1) / LANES, NULL, NULL};
    const size_t ld = e.panels * LANES;
    const size_t grain = mlk_gram_grain(X.rows, BLOCK, 2 * ld * ld * sizeof(double));
    const size_t chunks = mlk_chunks(X.rows, grain);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    e.partial = mlk_scratch_mat(&scratch, chunks * 2 * ld, ld).data;
    e.packed =
        mlk_scratch_mat(&scratch, mlk_workers(&inner, X.rows, grain) * BLOCK * SLICES, ld).data;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu Gram matrix",
                                              e.cols, e.cols)
                                   : mlk_parallel_for(&inner, X.rows, grain, exact_chunk, &e);
    if (st == MLK_OK)
        combine(&e, chunks, high, low);
    mlk_scratch_release(&scratch);
    return st;
}
