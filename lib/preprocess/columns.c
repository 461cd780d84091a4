#include "preprocess/columns.h"

#include <math.h>

#include "core/parallel.h"
#include "core/simd.h"

/* X is row-major: a chunk of LANES columns is a cache line wide. Sums run over blocks of rows
 * first, so that rounding grows with the number of blocks, not of rows. */
enum { LANES = 8, BLOCK = 1024 };

typedef struct scan {
    mlk_cmat X;
    bool spread;
    mlk_column_stats *stats;
} scan;

typedef struct lanes {
    double count[LANES], sum[LANES], min[LANES], max[LANES];
} lanes;

static inline __attribute__((always_inline)) void range_rows(mlk_cmat X, size_t m, lanes *l)
{
    for (size_t i = 0; i < X.rows; i++)
        for (size_t c = 0; c < m; c++) {
            const double v = X.data[i * X.ld + c];
            const bool there = v == v;
            l->count[c] += there ? 1.0 : 0.0;
            l->sum[c] += there ? v : 0.0;
            l->min[c] = v < l->min[c] ? v : l->min[c];
            l->max[c] = v > l->max[c] ? v : l->max[c];
        }
}

static inline __attribute__((always_inline)) void square_rows(mlk_cmat X, size_t m,
                                                              const double *mean, lanes *l)
{
    for (size_t i = 0; i < X.rows; i++)
        for (size_t c = 0; c < m; c++) {
            const double v = X.data[i * X.ld + c], d = v - mean[c];
            l->sum[c] += v == v ? d * d : 0.0;
        }
}

MLK_SIMD static void range_block(mlk_cmat X, lanes *l)
{
    if (X.cols == LANES)
        range_rows(X, LANES, l);
    else
        range_rows(X, X.cols, l);
}

MLK_SIMD static void square_block(mlk_cmat X, const double *mean, lanes *l)
{
    if (X.cols == LANES)
        square_rows(X, LANES, mean, l);
    else
        square_rows(X, X.cols, mean, l);
}

static void add_block(const lanes *block, lanes *total)
{
    for (size_t c = 0; c < LANES; c++) {
        total->count[c] += block->count[c];
        total->sum[c] += block->sum[c];
        total->min[c] = fmin(total->min[c], block->min[c]);
        total->max[c] = fmax(total->max[c], block->max[c]);
    }
}

/* Both passes over the columns of V: mean NULL is the first. */
static lanes sum_columns(mlk_cmat V, const double *mean)
{
    lanes total = {0};
    lanes empty = {0};
    for (size_t c = 0; c < LANES; c++) {
        empty.min[c] = total.min[c] = INFINITY;
        empty.max[c] = total.max[c] = -INFINITY;
    }
    for (size_t i = 0; i < V.rows; i += BLOCK) {
        const mlk_cmat rows = mlk_cmat_rows(V, i, V.rows - i < BLOCK ? V.rows : i + BLOCK);
        lanes block = empty;
        if (mean)
            square_block(rows, mean, &block);
        else
            range_block(rows, &block);
        add_block(&block, &total);
    }
    return total;
}

static mlk_status scan_columns(void *ctx, const mlk_chunk *chunk)
{
    const scan *s = ctx;
    const size_t m = chunk->end - chunk->begin;
    const mlk_cmat V = {s->X.data + chunk->begin, s->X.rows, m, s->X.ld};
    mlk_column_stats *stats = s->stats + chunk->begin;
    double mean[LANES] = {0};
    const lanes first = sum_columns(V, NULL);

    for (size_t c = 0; c < m; c++) {
        const double count = first.count[c];
        mean[c] = count > 0.0 ? first.sum[c] / count : 0.0;
        if (first.min[c] == first.max[c])
            mean[c] = first.min[c];
        stats[c] = (mlk_column_stats){(size_t)count, first.min[c], first.max[c], mean[c], 0.0};
    }
    if (s->spread) {
        const lanes second = sum_columns(V, mean);
        for (size_t c = 0; c < m; c++)
            if (stats[c].count)
                stats[c].var = second.sum[c] / (double)stats[c].count;
    }
    return MLK_OK;
}

mlk_status mlk_columns_scan(mlk_cmat X, bool spread, const mlk_run *run, mlk_column_stats *stats)
{
    const mlk_run inner = mlk_run_inner(run);
    scan s = {X, spread, stats};
    return mlk_parallel_for(&inner, X.cols, LANES, scan_columns, &s);
}

size_t mlk_column_gather(mlk_cmat X, size_t j, double *out)
{
    size_t n = 0;
    for (size_t i = 0; i < X.rows; i++) {
        const double v = X.data[i * X.ld + j];
        out[n] = v; /* overwritten by the next value when this one is missing */
        n += v == v;
    }
    return n;
}
