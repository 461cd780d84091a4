#include <mlkit/data/dataset.h>

#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"

typedef struct gather {
    const mlk_data *from;
    const size_t *rows;
    double *X, *y, *w;
} gather;

static mlk_status gather_rows(void *ctx, const mlk_chunk *chunk)
{
    const gather *g = ctx;
    const mlk_cmat X = g->from->X;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const size_t r = g->rows[i];
        if (X.cols)
            memcpy(g->X + i * X.cols, X.data + r * X.ld, X.cols * sizeof *g->X);
        if (g->y)
            g->y[i] = g->from->y.data[r];
        if (g->w)
            g->w[i] = g->from->w.data[r];
    }
    return MLK_OK;
}

mlk_status mlk_subset_new(const mlk_data *data, const size_t *rows, size_t n, const mlk_run *run,
                          mlk_subset *subset)
{
    *subset = (mlk_subset){0};
    for (size_t i = 0; i < n; i++)
        if (rows[i] >= data->X.rows)
            return MLK_FAIL(MLK_EINVAL, "row %zu is outside the %zu rows of the data", rows[i],
                            data->X.rows);
    const size_t p = data->X.cols, width = p + (data->y.n != 0) + (data->w.n != 0);
    size_t count;
    double *memory =
        __builtin_mul_overflow(n, width, &count) ? NULL : mlk_alloc(count, sizeof *memory);
    if (!memory)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows of %zu values", n, width);
    gather g = {.from = data, .rows = rows, .X = memory};
    if (data->y.n)
        g.y = memory + n * p;
    if (data->w.n)
        g.w = memory + n * (p + (data->y.n != 0));
    const mlk_status st = mlk_parallel_for(run, n, mlk_grain(width, 1 << 16), gather_rows, &g);
    if (st != MLK_OK) {
        mlk_free(memory);
        return st;
    }
    subset->memory = memory;
    subset->data = (mlk_data){.X = {g.X, n, p, p},
                              .y = {g.y, g.y ? n : 0},
                              .w = {g.w, g.w ? n : 0},
                              .n_classes = data->n_classes,
                              .levels = data->levels};
    return MLK_OK;
}

void mlk_subset_free(mlk_subset *subset)
{
    if (!subset)
        return;
    mlk_free(subset->memory);
    *subset = (mlk_subset){0};
}
