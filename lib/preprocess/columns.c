#include "preprocess/columns.h"

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"

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

MLK_SIMD_TILES static void range_block(mlk_cmat X, lanes *l)
{
    if (X.cols == LANES)
        range_rows(X, LANES, l);
    else
        range_rows(X, X.cols, l);
}

MLK_SIMD_TILES static void square_block(mlk_cmat X, const double *mean, lanes *l)
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

void mlk_columns_fill(mlk_column_stats *stats, size_t p, size_t n, const double *fill)
{
    for (size_t j = 0; j < p; j++) {
        mlk_column_stats *s = &stats[j];
        const double m = (double)s->count, gaps = (double)(n - s->count);
        if (gaps == 0.0)
            continue;
        const double mean = (m * s->mean + gaps * fill[j]) / (double)n;
        s->var = (m * (s->var + (s->mean - mean) * (s->mean - mean)) +
                  gaps * (fill[j] - mean) * (fill[j] - mean)) /
                 (double)n;
        s->min = fmin(s->min, fill[j]);
        s->max = fmax(s->max, fill[j]);
        s->mean = s->min == s->max ? s->min : mean;
        s->count = n;
    }
}

/* -------------------------------------------------------------- quantiles */

/* Below SELECT_ALL rows a column is copied whole. Of more, SAMPLE evenly spaced rows bracket the
 * quantile: MARGIN ranks of the sample to either side, four standard deviations at the median. */
enum { SELECT_ALL = 1 << 15, SAMPLE = 1 << 12, MARGIN = 130, ROOM = 10 /* a tenth of the rows */ };

typedef struct quantiles {
    mlk_cmat X;
    const mlk_column_stats *stats;
    double q;
    double *scratch, *out;
    size_t room; /* values of scratch a column, */
    size_t each; /* and a worker */
} quantiles;

/* Where a column's values lie relative to its bracket. Sorted they are: `below` values, at_lo times
 * lo, the n_inside collected ones, at_hi times hi, the rest. */
typedef struct bracket {
    double lo, hi;
    size_t below, at_lo, n_inside, at_hi;
    double *inside;
} bracket;

static bracket make_bracket(mlk_cmat X, size_t j, double q, double *scratch)
{
    const size_t step = X.rows / SAMPLE;
    size_t n = 0;
    for (size_t k = 0; k < SAMPLE; k++) {
        const double v = X.data[k * step * X.ld + j];
        scratch[n] = v;
        n += v == v;
    }
    bracket b = {-INFINITY, INFINITY, 0, 0, 0, 0, scratch};
    mlk_sort(scratch, n);
    const size_t at = (size_t)(q * (double)n);
    if (at >= MARGIN)
        b.lo = scratch[at - MARGIN];
    if (at + MARGIN < n)
        b.hi = scratch[at + MARGIN];
    return b;
}

/* One pass over m columns; false: some bracket holds more than there is room for. */
static bool fill_brackets(mlk_cmat V, size_t room, bracket *b)
{
    for (size_t i = 0; i < V.rows; i++)
        for (size_t c = 0; c < V.cols; c++) {
            const double v = V.data[i * V.ld + c];
            b[c].below += v < b[c].lo;
            b[c].at_lo += v == b[c].lo;
            b[c].at_hi += v == b[c].hi && b[c].hi > b[c].lo;
            if (v > b[c].lo && v < b[c].hi) {
                if (b[c].n_inside == room)
                    return false;
                b[c].inside[b[c].n_inside++] = v;
            }
        }
    return true;
}

/* Order statistic k; NaN: outside the bracket. */
static double order_statistic(const bracket *b, size_t k)
{
    if (k < b->below)
        return (double)NAN;
    k -= b->below;
    if (k < b->at_lo)
        return b->lo;
    k -= b->at_lo;
    if (k < b->n_inside)
        return mlk_select(b->inside, b->n_inside, k);
    return k - b->n_inside < b->at_hi ? b->hi : (double)NAN;
}

static double bracketed_quantile(const bracket *b, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t k = (size_t)at;
    const double lo = order_statistic(b, k);
    if (k + 1 >= n || at == (double)k)
        return lo;
    return lo + (at - (double)k) * (order_statistic(b, k + 1) - lo);
}

static mlk_status whole_column(const quantiles *s, size_t j)
{
    double *values = mlk_alloc(s->X.rows, sizeof *values);
    if (!values)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a column of %zu values", s->X.rows);
    const size_t n = mlk_column_gather(s->X, j, values);
    s->out[j] = n ? mlk_quantile(values, n, s->q) : (double)NAN;
    mlk_free(values);
    return MLK_OK;
}

static mlk_status quantile_chunk(void *ctx, const mlk_chunk *chunk)
{
    const quantiles *s = ctx;
    const size_t m = chunk->end - chunk->begin;
    const mlk_cmat V = {s->X.data + chunk->begin, s->X.rows, m, s->X.ld};
    bracket b[LANES];
    bool bracketed = s->X.rows >= SELECT_ALL;
    for (size_t c = 0; bracketed && c < m; c++)
        b[c] = make_bracket(V, c, s->q, s->scratch + chunk->worker * s->each + c * s->room);
    bracketed = bracketed && fill_brackets(V, s->room, b);
    for (size_t c = 0; c < m; c++) {
        const size_t j = chunk->begin + c, n = s->stats[j].count;
        s->out[j] = bracketed && n ? bracketed_quantile(&b[c], n, s->q) : (double)NAN;
        if (isnan(s->out[j]))
            MLK_TRY(whole_column(s, j));
    }
    return MLK_OK;
}

mlk_status mlk_columns_quantile(mlk_cmat X, const mlk_column_stats *stats, double q,
                                const mlk_run *run, double *out)
{
    const mlk_run inner = mlk_run_inner(run);
    const unsigned workers = mlk_workers(&inner, X.cols, LANES);
    quantiles s = {.X = X, .stats = stats, .q = q, .out = out};
    if (X.rows >= SELECT_ALL) {
        s.room = X.rows / ROOM + SAMPLE;
        s.each = LANES * s.room;
        s.scratch = mlk_alloc(workers, s.each * sizeof *s.scratch);
        if (!s.scratch)
            return MLK_FAIL(MLK_ENOMEM, "no memory for quantiles of %zu rows", X.rows);
    }
    const mlk_status st = mlk_parallel_for(&inner, X.cols, LANES, quantile_chunk, &s);
    mlk_free(s.scratch);
    return st;
}

size_t mlk_complete_rows(mlk_cmat X, size_t *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < X.rows; i++) {
        bool complete = true;
        for (size_t j = 0; j < X.cols; j++)
            complete &= !isnan(X.data[i * X.ld + j]);
        rows[n] = i;
        n += complete;
    }
    return n;
}
