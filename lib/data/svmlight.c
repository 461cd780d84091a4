#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/parallel.h"
#include "core/status.h"
#include "data/csv_split.h"
#include "data/table_impl.h"

/*
 * svmlight: a line is "label index:value index:value ... # comment", indices from 1 on, increasing;
 * what is not there is 0; "qid:n" is passed over. The table is dense: the column "target", then one
 * column for each index up to the largest, named by it.
 *
 * Lines are told apart by newlines alone, so a piece of the file reads whatever lines start in
 * it: once to count them and find the largest index, once to store.
 */

enum { PIECE = 1 << 18, MAX_INDEX = 1 << 20 };

typedef struct piece {
    size_t rows, first_row, max_index;
    bool irregular; /* lines that are no rows */
} piece;

typedef struct svm {
    const char *name, *begin, *end;
    size_t size; /* of a piece */
    piece *pieces;
    size_t n;
    mlk_table *table; /* NULL in the first pass */
    size_t *lines;
    mlk_scratch scratch;
} svm;

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

static bool ends_token(const char *p, const char *end)
{
    return p == end || *p == ' ' || *p == '\t' || *p == '\r' || *p == '#';
}

static size_t line_of(const svm *s, const char *at)
{
    return 1 + csv_count_lines(s->begin, (size_t)(at - s->begin));
}

static mlk_status refuse(const svm *s, const char *at, const char *end, const char *expected)
{
    int n = 0;
    while (n < 40 && !ends_token(at + n, end) && at[n])
        n++;
    if (at + n < end && !at[n])
        return MLK_FAIL(MLK_EFORMAT, "%s:%zu: a NUL byte; expected text", s->name, line_of(s, at));
    return MLK_FAIL(MLK_EFORMAT, "%s:%zu: '%.*s'; expected %s", s->name, line_of(s, at), n, at,
                    expected);
}

/* A number up to the end of its token; not infinite. */
static bool take_number(const char **p, const char *end, double *x)
{
    const char *stop = mlk_parse_real(*p, end, x);
    const bool good = stop > *p && ends_token(stop, end) && !isinf(*x);
    if (good)
        *p = stop;
    return good;
}

/* "index:value" at *p; *before is the index before it. */
static mlk_status take_pair(const svm *s, const char **p, const char *end, size_t *before,
                            double *value)
{
    const char *const token = *p, *q = token;
    size_t index = 0;
    for (; q < end && *q >= '0' && *q <= '9'; q++)
        if (index <= MAX_INDEX)
            index = 10 * index + (size_t)(*q - '0');
    if (q == token || q == end || *q != ':')
        return refuse(s, token, end, "index:value");
    q++;
    if (!take_number(&q, end, value))
        return refuse(s, token, end, "index:value with a finite number");
    if (index == 0)
        return refuse(s, token, end, "indices from 1 on");
    if (index > MAX_INDEX)
        return refuse(s, token, end, "indices up to 1048576");
    if (index <= *before)
        return refuse(s, token, end, "increasing indices");
    *before = index;
    *p = q;
    return MLK_OK;
}

/* One line [p, end) into row `row`, if there is a table; *is_row: not blank or all comment. */
static mlk_status take_line(const svm *s, const char *p, const char *end, size_t row, bool *is_row,
                            size_t *max_index)
{
    p = skip_blanks(p, end);
    *is_row = p < end && *p != '#';
    if (!*is_row)
        return MLK_OK;
    double label;
    if (!take_number(&p, end, &label))
        return refuse(s, p, end, "a label that is a finite number");
    if (s->table)
        s->table->columns[0].values[row] = label;
    size_t index = 0;
    for (p = skip_blanks(p, end); p < end && *p != '#'; p = skip_blanks(p, end)) {
        if (end - p > 4 && memcmp(p, "qid:", 4) == 0) {
            while (!ends_token(p, end))
                p++;
            continue;
        }
        double value;
        MLK_TRY(take_pair(s, &p, end, &index, &value));
        if (s->table)
            s->table->columns[index].values[row] = value;
    }
    if (index > *max_index)
        *max_index = index;
    return MLK_OK;
}

/* Start of the first line that starts at or behind `at`. */
static const char *line_start(const svm *s, const char *at)
{
    if (at >= s->end)
        return s->end;
    if (at == s->begin)
        return at;
    const char *newline = memchr(at - 1, '\n', (size_t)(s->end - at) + 1);
    return newline ? newline + 1 : s->end;
}

static mlk_status read_pieces(void *ctx, const mlk_chunk *chunk)
{
    const svm *s = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        piece *const here = &s->pieces[i];
        const char *p = line_start(s, s->begin + i * s->size);
        const char *stop = i + 1 < s->n ? line_start(s, s->begin + (i + 1) * s->size) : s->end;
        size_t row = here->first_row;
        while (p < stop) {
            const char *newline = memchr(p, '\n', (size_t)(s->end - p));
            const char *end = newline ? newline : s->end;
            bool is_row;
            MLK_TRY(take_line(s, p, end, row, &is_row, &here->max_index));
            if (is_row && s->lines)
                s->lines[row] = (size_t)(p - s->begin); /* the place; its line comes later */
            row += is_row;
            here->irregular |= !is_row;
            p = newline ? newline + 1 : s->end;
        }
        here->rows = row - here->first_row;
    }
    return MLK_OK;
}

static mlk_status make_table(svm *s, size_t rows, size_t features)
{
    enum { ROOM = 16 };
    mlk_text *names = mlk_scratch_take(&s->scratch, features + 1, sizeof *names);
    char *text = mlk_scratch_take(&s->scratch, features + 1, ROOM);
    if (s->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", features);
    names[0] = (mlk_text){"target", 6};
    for (size_t j = 1; j <= features; j++, text += ROOM)
        names[j] = (mlk_text){text, (size_t)snprintf(text, ROOM, "%zu", j)};
    mlk_table *t = mlk_table_new(s->name, names, features + 1);
    s->table = t;
    size_t count;
    if (t && !__builtin_mul_overflow(rows, t->cols, &count))
        t->numbers = mlk_alloc_zero(count, sizeof *t->numbers);
    if (!t || !t->numbers)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu numbers", rows, features);
    for (size_t j = 0; j < t->cols; j++)
        t->columns[j].values = t->numbers + j * rows;
    t->rows = rows;
    t->sparse = true;
    t->first_line = 1;
    return MLK_OK;
}

static void count_missing(mlk_table *t)
{
    for (size_t j = 0; j < t->cols; j++)
        for (size_t i = 0; i < t->rows; i++)
            t->columns[j].n_missing += isnan(t->columns[j].values[i]);
}

/* Places of the rows become their lines. */
static void number_lines(const svm *s)
{
    size_t line = 1, counted = 0;
    for (size_t i = 0; i < s->table->rows; i++) {
        const size_t place = s->lines[i];
        line += csv_count_lines(s->begin + counted, place - counted);
        counted = place;
        s->lines[i] = line;
    }
}

static mlk_status read_all(svm *s, const mlk_run *run)
{
    s->n = mlk_chunks((size_t)(s->end - s->begin), s->size);
    s->pieces = mlk_scratch_take(&s->scratch, s->n, sizeof *s->pieces);
    if (!s->pieces)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu pieces of a file", s->n);
    memset(s->pieces, 0, s->n * sizeof *s->pieces);
    MLK_TRY(mlk_parallel_for(run, s->n, 1, read_pieces, s));

    size_t rows = 0, features = 0;
    bool irregular = false;
    for (size_t i = 0; i < s->n; i++) {
        piece *p = &s->pieces[i];
        p->first_row = rows;
        rows += p->rows;
        irregular |= p->irregular;
        features = p->max_index > features ? p->max_index : features;
    }
    if (rows == 0)
        return MLK_FAIL(MLK_EFORMAT, "%s:1: no data rows", s->name);
    MLK_TRY(make_table(s, rows, features));
    if (irregular && !(s->table->lines = s->lines = mlk_alloc(rows, sizeof *s->lines)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for the lines of %zu rows", rows);
    MLK_TRY(mlk_parallel_for(run, s->n, 1, read_pieces, s));
    if (irregular)
        number_lines(s);
    count_missing(s->table);
    return MLK_OK;
}

mlk_status mlk_svmlight_read(const char *name, const char *bytes, size_t size, size_t chunk,
                             const mlk_run *run, mlk_table **table)
{
    svm s = {.name = name, .begin = bytes, .end = bytes + size, .size = chunk ? chunk : PIECE};
    *table = NULL;
    const mlk_status st =
        size ? read_all(&s, run)
             : MLK_FAIL(MLK_EFORMAT, "%s: the file is empty; expected labelled rows", name);
    if (st == MLK_OK)
        *table = s.table;
    else
        mlk_table_free(s.table);
    mlk_scratch_release(&s.scratch);
    return st;
}
