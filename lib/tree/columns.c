#include "tree/columns.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "model/algo.h"
#include "tree/radix.h"

enum { MAX_ROWS = INT32_MAX, MAX_COLUMNS = (1 << 28) - 1 };

/* Integers in the order of the doubles (no NaN). */
static inline uint64_t key_of(double x)
{
    uint64_t u;
    x += 0.0; /* -0 becomes 0 */
    memcpy(&u, &x, sizeof u);
    return u >> 63 ? ~u : u | (uint64_t)1 << 63;
}

static inline double value_of(uint64_t key)
{
    const uint64_t u = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Scratch of one worker. */
typedef struct desk {
    mlk_item *a, *b;
    uint64_t *key;    /* by kept row */
    double *distinct; /* ascending */
} desk;

typedef struct ranking {
    const mlk_data *data;
    mlk_columns *c;
    desk *desks;
} ranking;

/* Items begin..end-1 agree in the upper halves of their keys: order them by the lower. */
static void sort_run(mlk_item *a, mlk_item *b, size_t n, const uint64_t *key)
{
    bool same = true;
    for (size_t i = 0; i < n; i++)
        same &= key[mlk_item_payload(a[i])] == key[mlk_item_payload(a[0])];
    if (same)
        return;
    for (size_t i = 0; i < n; i++)
        a[i] = mlk_item_of((uint32_t)key[mlk_item_payload(a[i])], mlk_item_payload(a[i]));
    const mlk_item *sorted = mlk_items_sort(a, b, n, 0, UINT32_MAX);
    if (sorted != a)
        memcpy(a, sorted, n * sizeof *a);
}

/* Row numbers (payloads of the result) in the order of their 64-bit keys: by the upper halves
 * first, which decides almost everything, then runs of equal ones by the lower. */
static const mlk_item *sort_keys(const desk *d, size_t n)
{
    uint32_t lo = UINT32_MAX, hi = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t upper = mlk_item_key(d->a[i]);
        lo = upper < lo ? upper : lo;
        hi = upper > hi ? upper : hi;
    }
    mlk_item *a = mlk_items_sort(d->a, d->b, n, lo, hi);
    mlk_item *b = a == d->a ? d->b : d->a;
    for (size_t i = 0, end; i < n; i = end) {
        const uint32_t upper = mlk_item_key(a[i]);
        for (end = i + 1; end < n && mlk_item_key(a[end]) == upper; end++)
            ;
        if (end - i > 1)
            sort_run(a + i, b, end - i, d->key);
    }
    return a;
}

static mlk_status rank_numbers(const ranking *r, const desk *d, size_t j)
{
    mlk_columns *c = r->c;
    uint32_t *code = c->code + j * c->n;
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const double x = r->data->X.data[c->row[i] * r->data->X.ld + j];
        if (isnan(x)) {
            code[i] = UINT32_MAX;
            continue;
        }
        d->key[i] = key_of(x);
        d->a[n++] = mlk_item_of((uint32_t)(d->key[i] >> 32), (uint32_t)i);
        code[i] = 0;
    }
    const mlk_item *sorted = sort_keys(d, n);
    uint32_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t row = mlk_item_payload(sorted[i]);
        if (i == 0 || d->key[row] != d->key[mlk_item_payload(sorted[i - 1])])
            d->distinct[distinct++] = value_of(d->key[row]);
        code[row] = distinct - 1;
    }
    for (size_t i = 0; n < c->n && i < c->n; i++)
        if (code[i] == UINT32_MAX)
            code[i] = distinct;
    c->n_codes[j] = distinct;
    c->values[j] = mlk_alloc(distinct, sizeof(double));
    if (!c->values[j])
        return MLK_FAIL(MLK_ENOMEM, "no memory for %u distinct values", distinct);
    memcpy(c->values[j], d->distinct, distinct * sizeof(double));
    return MLK_OK;
}

static void take_levels(const ranking *r, size_t j)
{
    mlk_columns *c = r->c;
    const uint32_t levels = (uint32_t)r->data->levels[j];
    c->n_codes[j] = levels;
    for (size_t i = 0; i < c->n; i++) {
        const double x = r->data->X.data[c->row[i] * r->data->X.ld + j];
        c->code[j * c->n + i] = x >= 0.0 ? (uint32_t)x : levels; /* NaN, MLK_UNSEEN: missing */
    }
}

static void take_values(const ranking *r, size_t j)
{
    const mlk_columns *c = r->c;
    for (size_t i = 0; i < c->n; i++)
        c->raw[j * c->n + i] = r->data->X.data[c->row[i] * r->data->X.ld + j];
}

static mlk_status rank_columns(void *ctx, const mlk_chunk *chunk)
{
    const ranking *r = ctx;
    for (size_t j = chunk->begin; j < chunk->end; j++) {
        if (r->c->categorical[j])
            take_levels(r, j);
        else if (r->c->raw)
            take_values(r, j);
        else
            MLK_TRY(rank_numbers(r, &r->desks[chunk->worker], j));
    }
    return MLK_OK;
}

static mlk_status check_size(const mlk_data *data)
{
    if (data->X.rows > MAX_ROWS)
        return MLK_FAIL(MLK_EUNSUPPORTED, "X has %zu rows; a tree takes at most %d", data->X.rows,
                        MAX_ROWS);
    if (data->X.cols > MAX_COLUMNS)
        return MLK_FAIL(MLK_EUNSUPPORTED, "X has %zu columns; a tree takes at most %d",
                        data->X.cols, MAX_COLUMNS);
    for (size_t j = 0; data->levels && j < data->X.cols; j++)
        if (data->levels[j] > MAX_ROWS)
            return MLK_FAIL(MLK_EUNSUPPORTED, "column %zu has %zu levels; a tree takes at most %d",
                            j, data->levels[j], MAX_ROWS);
    return MLK_OK;
}

/* A set of columns with room, whose rows are those of positive weight; NULL: no memory. */
static mlk_columns *allocate(const mlk_data *data, bool raw)
{
    const size_t p = data->X.cols;
    mlk_columns *c = mlk_alloc_zero(1, sizeof *c);
    if (!c)
        return NULL;
    c->p = p;
    c->row = mlk_alloc(data->X.rows, sizeof *c->row);
    for (size_t i = 0; c->row && i < data->X.rows; i++)
        if (mlk_weight(data->w, i) > 0.0)
            c->row[c->n++] = (uint32_t)i;
    size_t cells;
    if (__builtin_mul_overflow(c->n, p, &cells))
        cells = SIZE_MAX;
    c->code = mlk_alloc(cells, sizeof *c->code);
    c->n_codes = mlk_alloc_zero(p, sizeof *c->n_codes);
    c->values = mlk_alloc_zero(p, sizeof *c->values);
    c->categorical = mlk_alloc_zero(p, sizeof *c->categorical);
    if (raw)
        c->raw = mlk_alloc(cells, sizeof *c->raw);
    if (!c->row || !c->code || !c->n_codes || !c->values || !c->categorical || (raw && !c->raw)) {
        mlk_columns_free(c);
        return NULL;
    }
    for (size_t j = 0; data->levels && j < p; j++)
        c->categorical[j] = data->levels[j] > 0;
    return c;
}

mlk_status mlk_columns_new(const mlk_data *data, bool raw, const mlk_run *run,
                           mlk_columns **columns)
{
    *columns = NULL;
    MLK_TRY(check_size(data));
    const size_t p = data->X.cols;
    const mlk_run inner = mlk_run_inner(run);
    const unsigned workers = mlk_workers(&inner, p, 1);
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_columns *c = allocate(data, raw);
    desk *desks = mlk_scratch_take(&s, workers, sizeof *desks);
    for (unsigned k = 0; c && desks && !raw && k < workers; k++) {
        desks[k].a = mlk_scratch_take(&s, c->n, sizeof(mlk_item));
        desks[k].b = mlk_scratch_take(&s, c->n, sizeof(mlk_item));
        desks[k].key = mlk_scratch_take(&s, c->n, sizeof(uint64_t));
        desks[k].distinct = mlk_scratch_take(&s, c->n, sizeof(double));
    }
    mlk_status st;
    if (c && !s.failed)
        st = mlk_parallel_for(&inner, p, 1, rank_columns, &(ranking){data, c, desks});
    else
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the ranks of a %zu x %zu design", data->X.rows, p);
    mlk_scratch_release(&s);
    if (st != MLK_OK) {
        mlk_columns_free(c);
        return st;
    }
    *columns = c;
    return MLK_OK;
}

void mlk_columns_free(mlk_columns *c)
{
    if (!c)
        return;
    for (size_t j = 0; c->values && j < c->p; j++)
        mlk_free(c->values[j]);
    mlk_free(c->row);
    mlk_free(c->code);
    mlk_free(c->n_codes);
    mlk_free(c->values);
    mlk_free(c->raw);
    mlk_free(c->categorical);
    mlk_free(c);
}
