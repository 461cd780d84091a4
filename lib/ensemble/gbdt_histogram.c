#include "ensemble/gbdt_histogram.h"

#include <string.h>

#include "core/parallel.h"
#include "core/status.h"

enum {
    BLOCK = 512,      /* rows whose bins and derivatives stay in the first-level cache ... */
    LANES = 4,        /* ... while these columns' histograms do, too */
    AHEAD = 16,       /* rows asked for from memory ahead of their turn */
    ROWS_GRAIN = 8192 /* rows a chunk */
};

typedef int64_t pair __attribute__((vector_size(16), may_alias));

typedef struct block {
    const uint8_t *bins[BLOCK];
    pair grad[BLOCK];
    size_t n;
} block;

/* Derivatives as they are added, and where the bins of the rows are. */
static void load_block(const gbdt_sample *s, const uint32_t *rows, size_t n, block *b)
{
    b->n = n;
    for (size_t i = 0; i < n; i++) {
        const gbdt_grad x = s->grad[rows[i]];
        b->bins[i] = s->bins->by_row + (size_t)rows[i] * s->bins->p;
        b->grad[i] = (pair){x.g, (int64_t)((uint64_t)x.h << s->count_bits | 1)};
    }
}

static inline void add(gbdt_cell *cells, size_t bin, pair x)
{
    *(pair *)(void *)(cells + bin) += x;
}

static void add_four(const block *b, const gbdt_sample *s, size_t at, gbdt_cell *cells)
{
    const uint32_t *c = s->column + at;
    const gbdt_column *column = s->bins->column;
    gbdt_cell *const h0 = cells + column[c[0]].cell, *const h1 = cells + column[c[1]].cell,
                     *const h2 = cells + column[c[2]].cell, *const h3 = cells + column[c[3]].cell;
    const size_t c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
    for (size_t i = 0; i < b->n; i++) {
        const uint8_t *bin = b->bins[i];
        const pair x = b->grad[i];
        add(h0, bin[c0], x);
        add(h1, bin[c1], x);
        add(h2, bin[c2], x);
        add(h3, bin[c3], x);
    }
}

static void add_one(const block *b, const gbdt_sample *s, size_t at, gbdt_cell *cells)
{
    const size_t j = s->column[at];
    gbdt_cell *const h = cells + s->bins->column[j].cell;
    for (size_t i = 0; i < b->n; i++)
        add(h, b->bins[i][j], b->grad[i]);
}

/* Ask for the rows of the next block while this one is worked on. */
static void prefetch(const gbdt_sample *s, const uint32_t *rows, size_t n)
{
    const size_t p = s->bins->p < 256 ? s->bins->p : 256;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *bins = s->bins->by_row + (size_t)rows[i] * s->bins->p;
        __builtin_prefetch(&s->grad[rows[i]]);
        for (size_t k = 0; k < p + 63; k += 64)
            __builtin_prefetch(bins + (k < p ? k : p - 1));
    }
}

static void add_rows(const gbdt_sample *s, const uint32_t *rows, size_t n, size_t from, size_t to,
                     gbdt_cell *cells)
{
    block b;
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t here = n - i < BLOCK ? n - i : BLOCK, next = i + here;
        load_block(s, rows + i, here, &b);
        prefetch(s, rows + next, n - next < BLOCK ? n - next : BLOCK);
        size_t at = from;
        for (; at + LANES <= to; at += LANES)
            add_four(&b, s, at, cells);
        for (; at < to; at++)
            add_one(&b, s, at, cells);
    }
}

typedef struct job {
    const gbdt_sample *sample;
    const uint32_t *rows;
    size_t n;
    gbdt_cell *cells, *partial;
} job;

static mlk_status some_rows(void *ctx, const mlk_chunk *chunk)
{
    const job *j = ctx;
    const size_t cells = j->sample->bins->n_cells;
    add_rows(j->sample, j->rows + chunk->begin, chunk->end - chunk->begin, 0, j->sample->n_columns,
             chunk->worker ? j->partial + (chunk->worker - 1) * cells : j->cells);
    return MLK_OK;
}

static mlk_status some_columns(void *ctx, const mlk_chunk *chunk)
{
    const job *j = ctx;
    add_rows(j->sample, j->rows, j->n, chunk->begin, chunk->end, j->cells);
    return MLK_OK;
}

unsigned mlk_gbdt_histogram_workers(const mlk_run *run, size_t n)
{
    return mlk_workers(run, n, ROWS_GRAIN);
}

mlk_status mlk_gbdt_histogram(const gbdt_sample *s, const uint32_t *rows, size_t n,
                              const mlk_run *run, gbdt_cell *partial, gbdt_cell *cells)
{
    const size_t n_cells = s->bins->n_cells;
    const size_t wide = 64, work = 1 << 18;
    const job j = {s, rows, n, cells, partial};
    memset(cells, 0, n_cells * sizeof *cells);
    if (s->n_columns >= wide) { /* by columns: nothing to add up after */
        const size_t grain = n * 2 * LANES > work ? 2 * LANES : mlk_grain(n, work);
        return mlk_parallel_for(run, s->n_columns, grain, some_columns, (void *)(uintptr_t)&j);
    }
    const unsigned workers = mlk_gbdt_histogram_workers(run, n);
    memset(partial, 0, (workers - 1) * n_cells * sizeof *cells);
    MLK_TRY(mlk_parallel_for(run, n, ROWS_GRAIN, some_rows, (void *)(uintptr_t)&j));
    for (size_t k = 0; k < (workers - 1) * n_cells; k++) {
        cells[k % n_cells].g += partial[k].g;
        cells[k % n_cells].hc += partial[k].hc;
    }
    return MLK_OK;
}
