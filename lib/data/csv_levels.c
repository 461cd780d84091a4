#include "core/parallel.h"
#include "core/status.h"
#include "data/csv_impl.h"

/* Where each worker's numbers start among those of all workers. */
typedef struct merge {
    const csv *c;
    uint32_t *codes;
    size_t *start;
    uint32_t *code_of; /* number of worker w: code_of[start[w] + number] */
} merge;

static mlk_status recode_pieces(void *ctx, const mlk_chunk *chunk)
{
    const merge *m = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const csv_piece *p = &m->c->split.pieces[i];
        const uint32_t *code_of = m->code_of + m->start[p->worker];
        uint32_t *codes = m->codes + p->first_slot;
        for (size_t r = 0; r < p->rows; r++)
            if (codes[r] != MLK_MISSING_CODE)
                codes[r] = code_of[codes[r]];
    }
    return MLK_OK;
}

static bool same_text(mlk_text a, mlk_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.begin, b.begin, a.length) == 0);
}

mlk_status csv_finish_text(csv *c, size_t j)
{
    size_t total = 0;
    for (unsigned w = 0; w < c->n_workers; w++)
        total += c->workers[w].dicts[j].n;

    table_column *column = &c->table->columns[j];
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_text *texts = mlk_scratch_take(&s, total, sizeof *texts);
    size_t *order = mlk_scratch_take(&s, total, sizeof *order);
    merge m = {.c = c,
               .codes = column->codes,
               .start = mlk_scratch_take(&s, c->n_workers, sizeof *m.start),
               .code_of = mlk_scratch_take(&s, total, sizeof *m.code_of)};
    mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu levels", total) : MLK_OK;
    if (st != MLK_OK)
        goto out;

    size_t n = 0;
    for (unsigned w = 0; w < c->n_workers; w++) {
        const mlk_dict *d = &c->workers[w].dicts[j];
        m.start[w] = n;
        if (d->n)
            memcpy(texts + n, d->texts, d->n * sizeof *texts);
        n += d->n;
    }
    st = mlk_text_order(texts, total, order);
    if (st != MLK_OK)
        goto out;
    size_t levels = 0; /* the distinct ones, moved to the front of `order` */
    for (size_t i = 0; i < total; i++) {
        const size_t pos = order[i];
        if (i == 0 || !same_text(texts[pos], texts[order[levels - 1]]))
            order[levels++] = pos;
        m.code_of[pos] = (uint32_t)(levels - 1);
    }
    st = mlk_table_set_levels(column, texts, order, levels)
             ? mlk_parallel_for(c->run, c->split.n, 1, recode_pieces, &m)
             : MLK_FAIL(MLK_ENOMEM, "no memory for %zu levels", levels);
out:
    mlk_scratch_release(&s);
    return st;
}
