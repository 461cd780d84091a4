#include "linalg/linalg.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/tile.h"

/*
 * X'WX of a tall matrix in one read of X: each chunk of rows has its own partial result, to which
 * it adds the products of one packed block (tile.h) after another; they are summed in order.
 */
enum { MAX_CHUNKS = 64, MIN_CHUNKS = 2 };
static const size_t PARTIAL_BYTES = (size_t)128 << 20, BLOCK_BYTES = (size_t)32 << 10;

typedef struct gram {
    mlk_cmat X;
    mlk_cvec w, y, shift;
    double y_shift;
    size_t y_column, one_column; /* where y and the constant 1 go; SIZE_MAX: nowhere */
    size_t panels, block;        /* panels of four columns, rows a block */
    double *packed;              /* workers x block x 4 panels */
    double *partial;             /* chunks x (4 panels)^2 */
} gram;

/* ---------------------------------------------------------------- one block */

#define MLK_WIDE_SOURCE "linalg/gram_wide.h"
#define MLK_WIDE_MOST   4
#include "core/wide.h"

/* Rows begin.. of [X - shift, y - y_shift, 1] times root weight into panels. */
MLK_SIMD_TILES static void pack_block(const gram *g, size_t begin, size_t rows, double *packed)
{
    const size_t p = g->X.cols, full = p / LANES, stride = rows * LANES;
    for (size_t r = 0; r < rows; r++) {
        const double *x = g->X.data + (begin + r) * g->X.ld;
        const double root = g->w.n ? sqrt(g->w.data[begin + r]) : 1.0;
        double *out = packed + r * LANES;
        if (g->shift.n)
            for (size_t k = 0; k < full; k++)
                *(lanes *)(out + k * stride) =
                    root * (*(const lanes_any *)(x + k * LANES) -
                            *(const lanes_any *)(g->shift.data + k * LANES));
        else
            for (size_t k = 0; k < full; k++)
                *(lanes *)(out + k * stride) = root * *(const lanes_any *)(x + k * LANES);
        out += full * stride;
        for (size_t j = full * LANES, lane = 0; j < g->panels * LANES; j++, lane++) {
            if (lane == LANES) {
                lane = 0;
                out += stride;
            }
            out[lane] = root * (j < p                ? x[j] - (g->shift.n ? g->shift.data[j] : 0.0)
                                : j == g->y_column   ? g->y.data[begin + r] - g->y_shift
                                : j == g->one_column ? 1.0
                                                     : 0.0);
        }
    }
}

static mlk_status gram_chunk(void *ctx, const mlk_chunk *c)
{
    const gram *g = ctx;
    const size_t ld = g->panels * LANES;
    double *packed = g->packed + (size_t)c->worker * g->block * ld;
    double *C = g->partial + c->index * ld * ld;
    memset(C, 0, ld * ld * sizeof *C);
    for (size_t begin = c->begin, rows; begin < c->end; begin += rows) {
        rows = c->end - begin < g->block ? c->end - begin : g->block;
        const size_t left = c->end - begin - rows, next = left < g->block ? left : g->block;
        pack_block(g, begin, rows, packed);
        MLK_WIDEST(add_block, packed, rows, g->panels,
                   (const char *)(g->X.data + (begin + rows) * g->X.ld),
                   next * g->X.ld * sizeof(double), C);
    }
    return MLK_OK;
}

/* ------------------------------------------------------------- all the rows */

/* Rows a chunk: at most MAX_CHUNKS, fewer where their results would take much memory. */
size_t mlk_gram_grain(size_t n, size_t block, size_t result_bytes)
{
    const size_t chunks = mlk_clamp(PARTIAL_BYTES / result_bytes, MIN_CHUNKS, MAX_CHUNKS);
    const size_t rows = (n + chunks - 1) / chunks;
    return (rows + block - 1) / block * block;
}

/* Runs the job; the lower triangle of the sum is left in g->partial, with ld 4 panels. */
static mlk_status gram_run(gram *g, size_t cols, const mlk_run *run, mlk_scratch *scratch)
{
    const size_t n = g->X.rows;
    const mlk_run inner = mlk_run_inner(run);
    g->panels = (cols + LANES - 1) / LANES;
    const size_t ld = g->panels * LANES;
    g->block = mlk_clamp(BLOCK_BYTES / (ld * sizeof(double)) / 8 * 8, 32, 256);
    const size_t grain = mlk_gram_grain(n, g->block, ld * ld * sizeof(double));
    const size_t chunks = mlk_chunks(n, grain);
    g->partial = mlk_scratch_mat(scratch, chunks * ld, ld).data;
    g->packed = mlk_scratch_mat(scratch, mlk_workers(&inner, n, grain) * g->block, ld).data;
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu Gram matrix", cols, cols);
    MLK_TRY(mlk_parallel_for(&inner, n, grain, gram_chunk, g));
    for (size_t k = 1; k < chunks; k++)
        for (size_t i = 0; i < ld * ld; i++)
            g->partial[i] += g->partial[k * ld * ld + i];
    return MLK_OK;
}

/* Lower triangle of the leading block of `from` (leading dimension ld) into both of G. */
static void copy_symmetric(const double *from, size_t ld, mlk_mat G)
{
    for (size_t i = 0; i < G.rows; i++)
        for (size_t j = 0; j <= i; j++)
            G.data[i * G.ld + j] = G.data[j * G.ld + i] = from[i * ld + j];
}

mlk_status mlk_gram(mlk_cmat X, mlk_cvec w, mlk_cvec y, mlk_cvec shift, double y_shift,
                    const mlk_run *run, mlk_mat G, mlk_vec c)
{
    const size_t p = X.cols;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    gram g = {X, w, y, shift, y_shift, c.data ? p : SIZE_MAX, SIZE_MAX, 0, 0, NULL, NULL};
    const mlk_status st = gram_run(&g, p + (c.data != NULL), run, &scratch);
    if (st == MLK_OK) {
        copy_symmetric(g.partial, g.panels * LANES, G);
        if (c.data)
            memcpy(c.data, g.partial + p * g.panels * LANES, p * sizeof(double));
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ---------------------------------------------------------- centred, one read */

/*
 * A point in the middle of the rows: the weighted mean of up to 256 of them, spread evenly, as an
 * offset from the first, so that a constant column is hit exactly.
 */
static double provisional_mean(const double *x, size_t ld, size_t n, mlk_cvec w)
{
    const size_t step = (n + 255) / 256;
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < n; i += step) {
        const double weight = w.n ? w.data[i] : 1.0;
        sum += weight * (x[i * ld] - x[0]);
        total += weight;
    }
    return total > 0.0 ? x[0] + sum / total : x[0];
}

/* sum (z - m)(z - m)' = sum (z - s)(z - s)' - total (m - s)(m - s)', with sum (z - s) last. */
static void remove_means(const gram *g, bool centre, mlk_cvec shift, mlk_mat G, mlk_vec mean)
{
    const size_t q = shift.n, ld = g->panels * LANES;
    const double *sums = g->partial + q * ld, total = sums[q];
    copy_symmetric(g->partial, ld, G);
    for (size_t i = 0; centre && i < q; i++)
        for (size_t j = 0; j < q; j++)
            G.data[i * G.ld + j] -= sums[i] * sums[j] / total;
    for (size_t j = 0; j < q; j++)
        mean.data[j] = centre ? shift.data[j] + sums[j] / total : 0.0;
}

mlk_status mlk_gram_augmented(mlk_cmat X, mlk_cvec w, mlk_cvec y, bool centre, const mlk_run *run,
                              mlk_mat G, mlk_vec mean)
{
    const size_t p = X.cols, q = p + (y.n > 0);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec shift = mlk_scratch_vec(&scratch, q);
    gram g = {X, w, y, {shift.data, centre ? p : 0}, 0.0, y.n ? p : SIZE_MAX, q, 0, 0, NULL, NULL};
    for (size_t j = 0; !scratch.failed && j < q; j++)
        shift.data[j] = !centre ? 0.0
                        : j < p ? provisional_mean(X.data + j, X.ld, X.rows, w)
                                : provisional_mean(y.data, 1, X.rows, w);
    g.y_shift = y.n && !scratch.failed ? shift.data[p] : 0.0;
    const mlk_status st = gram_run(&g, q + 1, run, &scratch);
    if (st == MLK_OK)
        remove_means(&g, centre, mlk_vec_c(shift), G, mean);
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------ X X', by blocks of its rows */

typedef struct outer {
    mlk_cmat X;
    mlk_mat K;
} outer;

static mlk_status outer_chunk(void *ctx, const mlk_chunk *c)
{
    const outer *o = ctx;
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, mlk_cmat_rows(o->X, c->begin, c->end),
             mlk_cmat_rows(o->X, 0, c->end), 0.0,
             (mlk_mat){o->K.data + c->begin * o->K.ld, c->end - c->begin, c->end, o->K.ld});
    return MLK_OK;
}

mlk_status mlk_gram_rows(mlk_cmat X, const mlk_run *run, mlk_mat K)
{
    outer o = {X, K};
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_parallel_for(&inner, X.rows, 128, outer_chunk, &o));
    for (size_t i = 0; i < X.rows; i++)
        for (size_t j = 0; j < i; j++)
            K.data[j * K.ld + i] = K.data[i * K.ld + j];
    return MLK_OK;
}
