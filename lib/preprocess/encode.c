#include "preprocess/encode.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"

static bool expands(const mlk_encoder *e, size_t j)
{
    return e->levels[j] && (e->kind == MLK_ENCODE_ONEHOT || e->kind == MLK_ENCODE_DUMMY);
}

/* From levels and seen: places in the design. */
static void lay_out(mlk_encoder *e)
{
    size_t column = 0;
    for (size_t j = 0; j < e->p; j++) {
        bool skip = e->kind == MLK_ENCODE_DUMMY;
        e->first[j] = column;
        for (size_t s = e->offset[j]; s < e->offset[j + 1]; s++) {
            e->slot[s] = SIZE_MAX;
            if (!e->seen[s] || !expands(e, j))
                continue;
            if (!skip)
                e->slot[s] = column++;
            skip = false;
        }
        column += !expands(e, j);
    }
    e->first[e->p] = e->columns = column;
}

/* Room for p columns of `total` levels together, nothing seen yet. */
static mlk_status new_encoder(size_t p, size_t total, mlk_encode kind, mlk_encoder **encoder)
{
    mlk_encoder *e = mlk_alloc_zero(1, sizeof *e);
    if (e) {
        *e = (mlk_encoder){.kind = kind, .p = p, .categorical = total > 0};
        e->levels = mlk_alloc_zero(p, sizeof *e->levels);
        e->first = mlk_alloc(p + 1, sizeof *e->first);
        e->offset = mlk_alloc(p + 1, sizeof *e->offset);
        e->seen = mlk_alloc_zero(total, sizeof *e->seen);
        e->slot = mlk_alloc(total, sizeof *e->slot);
    }
    if (!e || !e->levels || !e->first || !e->offset || !e->seen || !e->slot) {
        mlk_encoder_free(e);
        return MLK_FAIL(MLK_ENOMEM, "no memory to encode %zu columns", p);
    }
    *encoder = e;
    return MLK_OK;
}

static void index_levels(mlk_encoder *e)
{
    e->offset[0] = 0;
    for (size_t j = 0; j < e->p; j++)
        e->offset[j + 1] = e->offset[j] + e->levels[j];
}

static mlk_status learn_column(mlk_encoder *e, mlk_cmat X, const size_t *rows, size_t n, size_t j)
{
    const double top = (double)e->levels[j];
    for (size_t k = 0; k < n; k++) {
        const size_t i = rows ? rows[k] : k;
        const double v = X.data[i * X.ld + j];
        if (v >= 0.0 && v < top && v == floor(v))
            e->seen[e->offset[j] + (size_t)v] = 1;
        else if (v == v && v != MLK_UNSEEN)
            return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a level code 0..%zu", i, j, v,
                            (size_t)e->levels[j] - 1);
    }
    return MLK_OK;
}

static mlk_status learn_columns(mlk_encoder *e, mlk_cmat X, const size_t *rows, size_t n,
                                const size_t *levels)
{
    for (size_t j = 0; levels && j < e->p; j++)
        e->levels[j] = (uint32_t)levels[j];
    index_levels(e);
    for (size_t j = 0; j < e->p; j++)
        if (e->levels[j])
            MLK_TRY(learn_column(e, X, rows, n, j));
    lay_out(e);
    return MLK_OK;
}

mlk_status mlk_encoder_fit(mlk_cmat X, const size_t *rows, size_t n, const size_t *levels,
                           mlk_encode kind, mlk_encoder **encoder)
{
    size_t total = 0;
    *encoder = NULL;
    for (size_t j = 0; levels && j < X.cols; j++) {
        total += levels[j];
        if (levels[j] > UINT32_MAX || total > UINT32_MAX)
            return MLK_FAIL(MLK_EINVAL,
                            "column %zu has %zu levels; expected fewer than 2^32 in "
                            "all columns together",
                            j, levels[j]);
    }
    mlk_encoder *e;
    MLK_TRY(new_encoder(X.cols, total, kind, &e));
    const mlk_status st = learn_columns(e, X, rows, n, levels);
    if (st == MLK_OK)
        *encoder = e;
    else
        mlk_encoder_free(e);
    return st;
}

/* Index into seen and slot, or SIZE_MAX for what is no level that training saw. */
static size_t find_level(const mlk_encoder *e, size_t j, double v)
{
    if (!(v >= 0.0 && v < (double)e->levels[j]) || v != floor(v))
        return SIZE_MAX;
    const size_t at = e->offset[j] + (size_t)v;
    return e->seen[at] ? at : SIZE_MAX;
}

bool mlk_encoder_is_identity(const mlk_encoder *e)
{
    return !e->categorical || e->kind == MLK_ENCODE_NATIVE;
}

bool mlk_encoder_knows(const mlk_encoder *e, size_t j, double value)
{
    return !e->levels[j] || find_level(e, j, value) != SIZE_MAX;
}

static void encode_category(const mlk_encoder *e, size_t j, double v, double *out)
{
    const size_t at = find_level(e, j, v);
    for (size_t c = e->first[j]; c < e->first[j + 1]; c++)
        out[c] = v == v ? 0.0 : (double)NAN;
    if (at != SIZE_MAX && e->slot[at] != SIZE_MAX)
        out[e->slot[at]] = 1.0;
}

void mlk_encoder_row(const mlk_encoder *e, const double *x, double *out)
{
    if (e->columns == e->p && !(e->categorical && e->kind <= MLK_ENCODE_DUMMY)) {
        if (x != out)
            memcpy(out, x, e->p * sizeof *out);
        return;
    }
    for (size_t j = 0; j < e->p; j++)
        if (expands(e, j))
            encode_category(e, j, x[j], out);
        else
            out[e->first[j]] = x[j];
}

size_t mlk_encoder_source(const mlk_encoder *e, size_t j, size_t *level)
{
    size_t lo = 0, hi = e->p; /* first[lo] <= j < first[hi] */
    while (hi - lo > 1) {
        const size_t mid = lo + (hi - lo) / 2;
        *(e->first[mid] <= j ? &lo : &hi) = mid;
    }
    *level = SIZE_MAX;
    for (size_t s = e->offset[lo]; s < e->offset[lo + 1]; s++)
        if (e->slot[s] == j)
            *level = s - e->offset[lo];
    return lo;
}

bool mlk_encoder_is_indicator(const mlk_encoder *e, size_t j)
{
    size_t level;
    return expands(e, mlk_encoder_source(e, j, &level));
}

/* The counts are written even where all are 0: their array vouches for p when a file is loaded. */
void mlk_encoder_save(const mlk_encoder *e, mlk_doc *to)
{
    mlk_doc_put_array(to, "levels", MLK_U32, e->levels, e->p, 0);
    mlk_doc_put_array(to, "seen", MLK_U8, e->seen, e->offset[e->p], 0);
}

mlk_status mlk_encoder_load(const mlk_doc *from, size_t p, mlk_encode kind, mlk_encoder **encoder)
{
    mlk_doc_array counts, seen;
    size_t total = 0;
    MLK_TRY(mlk_doc_get_array(from, "levels", MLK_U32, &counts));
    MLK_TRY(mlk_doc_get_array(from, "seen", MLK_U8, &seen));
    if (counts.rows != p || counts.cols)
        return MLK_FAIL(MLK_EFORMAT, "'levels' has %zu entries; expected %zu", counts.rows, p);
    const uint32_t *levels = counts.data;
    for (size_t j = 0; j < p; j++)
        total += levels[j];
    if (seen.rows != total || seen.cols)
        return MLK_FAIL(MLK_EFORMAT, "'seen' has %zu entries; expected %zu", seen.rows, total);
    MLK_TRY(new_encoder(p, total, kind, encoder));
    for (size_t j = 0; j < p; j++)
        (*encoder)->levels[j] = levels[j];
    for (size_t s = 0; s < total; s++)
        (*encoder)->seen[s] = ((const unsigned char *)seen.data)[s] != 0;
    index_levels(*encoder);
    lay_out(*encoder);
    return MLK_OK;
}

void mlk_encoder_free(mlk_encoder *e)
{
    if (!e)
        return;
    mlk_free(e->levels);
    mlk_free(e->first);
    mlk_free(e->offset);
    mlk_free(e->seen);
    mlk_free(e->slot);
    mlk_free(e);
}
