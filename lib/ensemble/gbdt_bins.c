#include "ensemble/gbdt_bins.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/fast.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/vmath.h"
#include "model/algo.h"

enum {
    TABLE = 255,     /* thresholds of a column, padded with infinities to 2^8 - 1 */
    GROUP = 4,       /* columns read together: strided access wastes half a cache line */
    BLOCK = 256,     /* rows that are put into bins together */
    DIGIT = 11,      /* bits of a pass of the radix sort */
    TOP_BITS = 33,   /* sorted by passes; equal ones are few */
    SMALL_SORT = 64, /* insertion sort up to here */
    WEIGHT_BITS = 60
};

/* A value in the order of unsigned numbers, and its weight; -0 is 0. */
typedef struct item {
    uint64_t key;
    double weight;
} item;

static uint64_t key_of(double x)
{
    const uint64_t bits = mlk_to_bits(x + 0.0);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double value_of(uint64_t key)
{
    return mlk_from_bits(key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key);
}

/* ------------------------------------------------------------------------ sorting */

static void insertion_sort(uint64_t *a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const uint64_t x = a[i];
        size_t k = i;
        for (; k > 0 && a[k - 1] > x; k--)
            a[k] = a[k - 1];
        a[k] = x;
    }
}

/* Stable passes over bits from..to-1; the result is in a or b. */
static uint64_t *radix_sort(uint64_t *a, uint64_t *b, size_t n, unsigned from, unsigned to)
{
    for (unsigned shift = from; shift < to; shift += DIGIT) {
        size_t start[1 << DIGIT] = {0};
        const uint64_t mask = (1 << DIGIT) - 1;
        for (size_t i = 0; i < n; i++)
            start[a[i] >> shift & mask]++;
        for (size_t k = 0, sum = 0; k <= mask; k++) {
            const size_t here = start[k];
            start[k] = sum;
            sum += here;
        }
        for (size_t i = 0; i < n; i++)
            b[start[a[i] >> shift & mask]++] = a[i];
        uint64_t *const swap = a;
        a = b;
        b = swap;
    }
    return a;
}

static bool is_sorted(const uint64_t *a, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (a[i - 1] > a[i])
            return false;
    return true;
}

/* Keys that are sorted but for their lowest bits: runs of the same upper bits are put in order. */
static void sort_runs(uint64_t *a, uint64_t *b, size_t n, unsigned bits)
{
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && a[end] >> bits == a[i] >> bits; end++)
            ;
        if (end - i <= SMALL_SORT) {
            insertion_sort(a + i, end - i);
        } else if (!is_sorted(a + i, end - i)) {
            const uint64_t *sorted = radix_sort(a + i, b + i, end - i, 0, bits);
            if (sorted != a + i)
                memcpy(a + i, sorted, (end - i) * sizeof *a);
        }
    }
}

/* Ascending, by the highest bits that differ and then, mostly few at a time, by the rest; the
 * result is in a or b. */
static uint64_t *sort_keys(uint64_t *a, uint64_t *b, size_t n)
{
    uint64_t differ = 0;
    if (n <= SMALL_SORT) {
        insertion_sort(a, n);
        return a;
    }
    for (size_t i = 1; i < n; i++)
        differ |= a[i] ^ a[0];
    if (!differ)
        return a;
    const unsigned top = 64 - (unsigned)__builtin_clzll(differ);
    const unsigned low = top > TOP_BITS ? top - TOP_BITS : 0;
    uint64_t *const sorted = radix_sort(a, b, n, low, top);
    if (low)
        sort_runs(sorted, sorted == a ? b : a, n, low);
    return sorted;
}

/* --------------------------------------------------------------- numeric columns */

/* What the rows of one column say: distinct values with their weights, in fixed point so that the
 * sums are exact and do not depend on the order of the rows. */
typedef struct distinct {
    const uint64_t *key;
    const uint64_t *weight;
    size_t n;
} distinct;

/* Midway between neighbours a < b, and below b. */
static double between(double a, double b)
{
    const double sum = a + b, mid = isfinite(sum) ? 0.5 * sum : 0.5 * a + 0.5 * b;
    return mid < b && mid >= a ? mid : a;
}

/*
 * Bins of about equal weight: a bin is closed where its weight is nearer to the fair share of what
 * is left than with the next value in it. Returns the number of bins.
 */
static size_t cut(const distinct *d, size_t max_bins, double *upper)
{
    double left = 0.0, mine = 0.0;
    size_t bins = 1;
    for (size_t i = 0; i < d->n; i++)
        left += (double)d->weight[i];
    for (size_t i = 0; i + 1 < d->n && bins < max_bins; i++) {
        mine += (double)d->weight[i];
        const size_t remaining = max_bins - bins; /* bins after this one */
        const double fair = left / (double)(remaining + 1);
        /* as many values as bins left: one each */
        if (d->n - i - 1 > remaining && mine + 0.5 * (double)d->weight[i + 1] < fair)
            continue;
        upper[bins++ - 1] = between(value_of(d->key[i]), value_of(d->key[i + 1]));
        left -= mine;
        mine = 0.0;
    }
    return bins;
}

typedef struct binner {
    const mlk_data *data;
    const uint32_t *rows;
    size_t n_rows, max_bins;
    double weight_scale; /* 0: none are given */
    gbdt_bins *bins;
    uint64_t **room; /* a worker's keys: GROUP + 2 arrays of n_rows */
} binner;

/* Collapses sorted keys to distinct ones; their counts in `count`. */
static size_t collapse(uint64_t *key, size_t n, uint64_t *count)
{
    size_t m = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && key[end] == key[i])
            end++;
        key[m] = key[i];
        count[m++] = end - i;
        i = end;
    }
    return m;
}

static size_t find(const uint64_t *key, size_t n, uint64_t x)
{
    size_t at = 0;
    while (n > 1) {
        const size_t half = n / 2;
        at += key[at + half] <= x ? half : 0;
        n -= half;
    }
    return at;
}

/* Weights instead of counts: each row looks its value up. */
static void weigh(const binner *s, size_t j, const uint64_t *key, size_t m, uint64_t *weight)
{
    memset(weight, 0, m * sizeof *weight);
    for (size_t i = 0; i < s->n_rows; i++) {
        const double x = s->data->X.data[s->rows[i] * s->data->X.ld + j];
        if (!isnan(x))
            weight[find(key, m, key_of(x))] +=
                (uint64_t)(s->data->w.data[s->rows[i]] * s->weight_scale + 0.5);
    }
}

static void numeric_column(const binner *s, size_t j, uint64_t *key, uint64_t *other, size_t n)
{
    gbdt_column *c = &s->bins->column[j];
    uint64_t *const sorted = sort_keys(key, other, n);
    uint64_t *const count = sorted == key ? other : key;
    const size_t m = collapse(sorted, n, count);
    if (s->weight_scale > 0.0 && m > s->max_bins)
        weigh(s, j, sorted, m, count);
    double *upper = s->bins->upper + j * TABLE;
    for (size_t b = 0; b < TABLE; b++)
        upper[b] = INFINITY;
    const distinct d = {sorted, count, m};
    c->n_bins = m ? (uint32_t)cut(&d, s->max_bins, upper) : 1;
    c->upper = upper;
}

/* ------------------------------------------------------------- categorical columns */

/* The heaviest levels have a bin each, in the order of their codes; the others share the last. */
static void categorical_column(const binner *s, size_t j, uint64_t *weight, uint64_t *sorted)
{
    gbdt_column *c = &s->bins->column[j];
    uint8_t *bin = (uint8_t *)(uintptr_t)c->bin_of_level;
    size_t present = 0, others = 0;
    memset(weight, 0, c->n_levels * sizeof *weight);
    for (size_t i = 0; i < s->n_rows; i++) {
        const double x = s->data->X.data[s->rows[i] * s->data->X.ld + j];
        if (x >= 0.0)
            weight[(size_t)x] +=
                s->weight_scale > 0.0
                    ? (uint64_t)(s->data->w.data[s->rows[i]] * s->weight_scale + 0.5) + 1
                    : 1;
    }
    for (size_t l = 0; l < c->n_levels; l++)
        present += weight[l] > 0;
    /* `least` and more make a bin; of those equal to it, the first `ties` codes. */
    uint64_t least = 1;
    size_t ties = SIZE_MAX;
    if (present > s->max_bins) {
        memcpy(sorted, weight, c->n_levels * sizeof *sorted);
        const uint64_t *order = sort_keys(sorted, sorted + c->n_levels, c->n_levels);
        least = order[c->n_levels - (s->max_bins - 1)];
        ties = 0;
        for (size_t k = c->n_levels - (s->max_bins - 1); k < c->n_levels; k++)
            ties += order[k] == least;
    }
    c->n_bins = 0;
    for (size_t l = 0; l < c->n_levels; l++) {
        const bool own = weight[l] > least || (weight[l] == least && ties > 0);
        ties -= weight[l] == least && ties > 0 && ties != SIZE_MAX;
        bin[l] = (uint8_t)(own ? c->n_bins++ : s->max_bins - 1);
        others += !own && weight[l] > 0;
    }
    c->n_bins += others > 0;
    if (!c->n_bins)
        c->n_bins = 1;
    for (size_t l = 0; l < c->n_levels; l++)
        if (!weight[l])
            bin[l] = (uint8_t)c->n_bins;
}

static mlk_status find_bins(void *ctx, const mlk_chunk *chunk)
{
    const binner *s = ctx;
    const mlk_cmat X = s->data->X;
    uint64_t *const room = s->room[chunk->worker];
    size_t n[GROUP] = {0};
    const size_t width = chunk->end - chunk->begin;
    for (size_t i = 0; i < s->n_rows; i++) {
        const double *x = X.data + s->rows[i] * X.ld + chunk->begin;
        for (size_t k = 0; k < width; k++) {
            room[k * s->n_rows + n[k]] = key_of(x[k]);
            n[k] += !isnan(x[k]);
        }
    }
    for (size_t k = 0; k < width; k++) {
        const size_t j = chunk->begin + k;
        uint64_t *const other = room + GROUP * s->n_rows;
        if (s->bins->column[j].n_levels)
            categorical_column(s, j, other + s->n_rows,
                               other + s->n_rows + s->bins->column[j].n_levels);
        else
            numeric_column(s, j, room + k * s->n_rows, other, n[k]);
    }
    return MLK_OK;
}

/* --------------------------------------------------------------- putting into bins */

/* The number of thresholds below x, by halving: eight comparisons, no branch. */
MLK_SIMD_TILES static void search(const double *restrict upper, const double *restrict x, size_t n,
                                  int32_t *restrict at)
{
    for (size_t i = 0; i < n; i++)
        at[i] = 0;
    for (int32_t step = 128; step; step /= 2)
        for (size_t i = 0; i < n; i++)
            at[i] += upper[at[i] + step - 1] < x[i] ? step : 0;
}

static void bins_of_levels(const gbdt_column *c, const double *x, size_t n, int32_t *at)
{
    for (size_t i = 0; i < n; i++)
        at[i] = x[i] >= 0.0 ? c->bin_of_level[(size_t)x[i]] : (int32_t)c->n_bins;
}

static mlk_status fill_rows(void *ctx, const mlk_chunk *chunk)
{
    const binner *s = ctx;
    gbdt_bins *b = s->bins;
    const mlk_cmat X = s->data->X;
    double x[BLOCK];
    int32_t at[BLOCK];
    for (size_t begin = chunk->begin; begin < chunk->end; begin += BLOCK) {
        const size_t n = chunk->end - begin < BLOCK ? chunk->end - begin : BLOCK;
        for (size_t j = 0; j < b->p; j++) {
            const gbdt_column *c = &b->column[j];
            for (size_t i = 0; i < n; i++)
                x[i] = X.data[(begin + i) * X.ld + j];
            if (c->n_levels)
                bins_of_levels(c, x, n, at);
            else
                search(c->upper, x, n, at);
            for (size_t i = 0; i < n; i++) {
                const uint8_t bin = (uint8_t)(isnan(x[i]) ? (int32_t)c->n_bins : at[i]);
                b->by_column[j * b->n + begin + i] = bin;
                b->by_row[(begin + i) * b->p + j] = bin;
            }
        }
    }
    return MLK_OK;
}

/* ---------------------------------------------------------------------------- all */

/* Memory of the result, but for the sizes of its bins. */
static gbdt_bins *allocate(const mlk_data *data)
{
    gbdt_bins *b = mlk_alloc_zero(1, sizeof *b);
    if (!b)
        return NULL;
    const size_t n = b->n = data->X.rows, p = b->p = data->X.cols;
    size_t levels = 0;
    b->column = mlk_alloc_zero(p, sizeof *b->column);
    for (size_t j = 0; b->column && data->levels && j < p; j++) {
        b->column[j].n_levels = (uint32_t)data->levels[j];
        levels += data->levels[j];
    }
    b->cell = mlk_alloc(p, sizeof *b->cell);
    b->by_row = mlk_alloc(n, p);
    b->by_column = mlk_alloc(n, p);
    b->upper = mlk_alloc(p, TABLE * sizeof *b->upper);
    b->bin_of_level = mlk_alloc(levels, 1);
    if (!b->column || !b->cell || !b->by_row || !b->by_column || !b->upper || !b->bin_of_level) {
        mlk_gbdt_bins_free(b);
        return NULL;
    }
    for (size_t j = 0, at = 0; j < p; j++) {
        b->column[j].bin_of_level = b->bin_of_level + at;
        at += b->column[j].n_levels;
    }
    return b;
}

void mlk_gbdt_bins_free(gbdt_bins *b)
{
    if (b) {
        mlk_free(b->by_row);
        mlk_free(b->by_column);
        mlk_free(b->column);
        mlk_free(b->cell);
        mlk_free(b->upper);
        mlk_free(b->bin_of_level);
    }
    mlk_free(b);
}

/* A power of two that makes integers of the weights whose sum fits. */
static double scale_of_weights(const mlk_data *data, size_t n_rows)
{
    double most = 0.0;
    int e, bits = 0;
    for (size_t i = 0; i < data->w.n; i++)
        most = fmax(most, data->w.data[i]);
    if (most <= 0.0)
        return 0.0;
    for (; n_rows >> bits; bits++)
        ;
    frexp(most, &e);
    return ldexp(1.0, WEIGHT_BITS - bits - e);
}

mlk_status mlk_gbdt_bins_new(const mlk_data *data, const uint32_t *rows, size_t n_rows,
                             size_t max_bins, const mlk_run *run, gbdt_bins **bins)
{
    gbdt_bins *b = allocate(data);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const unsigned workers = mlk_workers(run, data->X.cols, GROUP);
    size_t levels = 0;
    for (size_t j = 0; data->levels && j < data->X.cols; j++)
        levels = data->levels[j] > levels ? data->levels[j] : levels;
    uint64_t **room = mlk_scratch_take(&scratch, workers, sizeof *room);
    for (unsigned k = 0; !scratch.failed && k < workers; k++)
        room[k] = mlk_scratch_take(&scratch, (GROUP + 1) * n_rows + 3 * levels, sizeof **room);
    binner s = {data, rows, n_rows, max_bins, scale_of_weights(data, n_rows), b, room};
    const mlk_run inner = mlk_run_inner(run);
    mlk_status st = !b || scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for the bins of %zu x %zu values",
                                   data->X.rows, data->X.cols)
                        : mlk_parallel_for(&inner, b->p, GROUP, find_bins, &s);
    for (size_t j = 0; st == MLK_OK && j < b->p; j++) {
        b->cell[j] = b->n_cells;
        b->n_cells += b->column[j].n_bins + 1;
    }
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, b->n, mlk_grain(b->p, 1 << 18), fill_rows, &s);
    mlk_scratch_release(&scratch);
    if (st != MLK_OK) {
        mlk_gbdt_bins_free(b);
        b = NULL;
    }
    *bins = b;
    return st;
}
