#include "ensemble/gbdt_histogram.h"

#include <string.h>

#include "core/fast.h"
#include "core/parallel.h"
#include "core/status.h"

enum {
    AHEAD = 16,         /* rows asked for from memory ahead of their turn */
    LANES = 4,          /* columns that a turn of the inner loop adds to */
    WIDE = 64,          /* from so many columns on, the work is divided by columns: ... */
    COLUMNS_GRAIN = 32, /* ... histograms of a chunk stay in the second-level cache */
    ROWS_WORK = 1 << 18 /* additions a chunk, where it is divided by rows: less is not worth waking
                           a thread */
};

typedef int64_t pair __attribute__((vector_size(16), may_alias));

static inline void add(gbdt_cell *cells, size_t bin, pair x)
{
    *(pair *)(void *)(cells + bin) += x;
}

static inline void ask_for(const gbdt_sample *s, size_t row, size_t from, size_t last)
{
    const uint8_t *bins = s->bins->by_row + row * s->bins->p;
    __builtin_prefetch(&s->grad[row]);
    __builtin_prefetch(bins + from);
    __builtin_prefetch(bins + last);
}

/* Row by row, columns from..to-1 of the sample; `all`: these are those of the table. The cells of
 * different columns are apart, so the additions of a row do not wait for each other. */
static inline __attribute__((always_inline)) void add_some(const gbdt_sample *s,
                                                           const uint32_t *rows, size_t n,
                                                           size_t from, size_t to, bool all,
                                                           gbdt_cell *cells)
{
    const size_t *first = s->bins->cell;
    const uint32_t *column = s->column;
    const size_t lo = column[from], hi = column[to - 1];
    for (size_t i = 0; i < n; i++) {
        const uint8_t *bin = s->bins->by_row + (size_t)rows[i] * s->bins->p;
        const gbdt_grad grad = s->grad[rows[i]];
        const pair x = {grad.g, (int64_t)((uint64_t)grad.h << s->count_bits | 1)};
        if (i + AHEAD < n)
            ask_for(s, rows[i + AHEAD], lo, hi);
        size_t k = from;
        for (; all && k + LANES <= to; k += LANES) {
            add(cells, first[k] + bin[k], x);
            add(cells, first[k + 1] + bin[k + 1], x);
            add(cells, first[k + 2] + bin[k + 2], x);
            add(cells, first[k + 3] + bin[k + 3], x);
        }
        for (; k < to; k++) {
            const size_t j = all ? k : column[k];
            add(cells, first[j] + bin[j], x);
        }
    }
}

static void add_rows(const gbdt_sample *s, const uint32_t *rows, size_t n, size_t from, size_t to,
                     gbdt_cell *cells)
{
    if (s->n_columns == s->bins->p)
        add_some(s, rows, n, from, to, true, cells);
    else
        add_some(s, rows, n, from, to, false, cells);
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

unsigned mlk_gbdt_histogram_workers(const mlk_run *run, size_t n, size_t n_columns)
{
    return mlk_workers(run, n, mlk_grain(n_columns, ROWS_WORK));
}

mlk_status mlk_gbdt_histogram(const gbdt_sample *s, const uint32_t *rows, size_t n,
                              const mlk_run *run, gbdt_cell *partial, gbdt_cell *cells)
{
    const size_t n_cells = s->bins->n_cells;
    const job j = {s, rows, n, cells, partial};
    memset(cells, 0, n_cells * sizeof *cells);
    if (s->n_columns >= WIDE) /* nothing to add up after */
        return mlk_parallel_for(run, s->n_columns, COLUMNS_GRAIN, some_columns,
                                (void *)(uintptr_t)&j);
    const unsigned workers = mlk_gbdt_histogram_workers(run, n, s->n_columns);
    memset(partial, 0, (workers - 1) * n_cells * sizeof *cells);
    MLK_TRY(mlk_parallel_for(run, n, mlk_grain(s->n_columns, ROWS_WORK), some_rows,
                             (void *)(uintptr_t)&j));
    for (size_t w = 1; w < workers; w++, partial += n_cells)
        for (size_t k = 0; k < n_cells; k++) {
            cells[k].g += partial[k].g;
            cells[k].hc += partial[k].hc;
        }
    return MLK_OK;
}
