#include <math.h>
#include <stdatomic.h>

#include "core/number.h"
#include "core/parallel.h"
#include "core/status.h"
#include "data/csv_impl.h"

size_t csv_line(const csv *c, const char *at)
{
    return 1 + csv_count_lines(c->bytes, (size_t)(at - c->bytes));
}

bool csv_number(const csv_field *f, double *out)
{
    const char *p = f->begin;
    while (p < f->end && (*p == ' ' || *p == '\t')) /* as strtod does */
        p++;
    return p < f->end && mlk_parse_real(p, f->end, out) == f->end && !isnan(*out);
}

/* --------------------------------------------------------------------- errors */

static mlk_status report(const csv *c, const csv_error *e)
{
    const size_t line = csv_line(c, e->at);
    const int length = (int)(e->text.length < 40 ? e->text.length : 40);
    if (!e->what)
        return MLK_FAIL(e->status, "%s:%zu: %zu field%s; the %s has %zu", c->name, line, e->fields,
                        e->fields == 1 ? "" : "s", c->header ? "header" : "first row", c->cols);
    if (e->column >= c->cols)
        return MLK_FAIL(e->status, "%s:%zu: %s", c->name, line, e->what);
    const char *column = c->table->columns[e->column].name;
    if (!e->text.begin)
        return MLK_FAIL(e->status, "%s:%zu: column '%s': %s", c->name, line, column, e->what);
    return MLK_FAIL(e->status, "%s:%zu: column '%s': '%.*s' %s", c->name, line, column, length,
                    e->text.begin, e->what);
}

/* All return NULL: the record cannot be read. */
static const char *bad_field(csv_worker *w, size_t j, const csv_field *f)
{
    const bool open = f->stop == CSV_OPEN_QUOTE;
    w->error = (csv_error){.status = MLK_EFORMAT,
                           .what = open ? "unterminated quote"
                                        : "text after a closing quote; expected a delimiter or "
                                          "the end of the line",
                           .at = f->next,
                           .seen = f->end,
                           .column = j};
    return NULL;
}

static const char *bad_count(const csv *c, csv_worker *w, const char *record, const csv_field *last,
                             size_t fields)
{
    csv_field f = *last;
    for (; f.stop == CSV_DELIMITER; fields++)
        csv_read_field(f.next, c->end, c->delimiter, &f);
    if (f.stop == CSV_OPEN_QUOTE || f.stop == CSV_AFTER_QUOTE)
        return bad_field(w, SIZE_MAX, &f);
    w->error = (csv_error){.status = MLK_EFORMAT, .at = record, .seen = f.next, .fields = fields};
    return NULL;
}

static bool no_memory(csv_worker *w, const char *at)
{
    w->error = (csv_error){.status = MLK_ENOMEM,
                           .what = "no memory for its texts",
                           .at = at,
                           .seen = at,
                           .column = SIZE_MAX};
    return false;
}

/* --------------------------------------------------------------------- fields */

/* Columns of numbers in a row, from each column on. */
static void find_runs(const csv *c, csv_worker *w)
{
    size_t run = w->run[c->cols] = 0;
    for (size_t j = c->cols; j-- > 0;)
        w->run[j] = run = w->mode[j] == CSV_NUMBER ? run + 1 : 0;
}

static bool take_text(csv_worker *w, size_t j, const csv_field *f, csv_cell *cell)
{
    mlk_text text = {f->begin, (size_t)(f->end - f->begin)};
    if (f->doubled) {
        w->text.len = 0;
        for (const char *p = f->begin, *quote; p < f->end; p = quote + 2) {
            quote = memchr(p, '"', (size_t)(f->end - p));
            if (!quote) {
                mlk_strbuf_add_n(&w->text, p, (size_t)(f->end - p));
                break;
            }
            mlk_strbuf_add_n(&w->text, p, (size_t)(quote + 1 - p));
        }
        if (w->text.failed)
            return no_memory(w, f->begin);
        text = (mlk_text){w->text.text, w->text.len};
    }
    uint32_t code;
    if (!mlk_dict_add(&w->dicts[j], text, f->doubled, &code))
        return no_memory(w, f->begin);
    cell->code = code;
    return true;
}

static bool take_number(csv *c, csv_worker *w, size_t j, const csv_field *f, csv_cell *cell)
{
    if (csv_number(f, &cell->number)) {
        mlk_text *first = &w->infinite[j];
        if (isinf(cell->number) && (!first->begin || f->begin < first->begin))
            *first = (mlk_text){f->begin, (size_t)(f->end - f->begin)};
        return true;
    }
    cell->number = NAN;
    if (c->columns[j].forced) {
        w->error = (csv_error){.status = MLK_EFORMAT,
                               .what = "is not a number",
                               .at = f->begin,
                               .seen = f->end,
                               .column = j,
                               .text = {f->begin, (size_t)(f->end - f->begin)}};
        return false;
    }
    w->mode[j] = CSV_SKIP;
    find_runs(c, w);
    atomic_store_explicit(&c->columns[j].given_up, 1, memory_order_relaxed);
    return true;
}

static bool take_field(csv *c, csv_worker *w, size_t j, const csv_field *f, csv_cell *cell)
{
    if (w->mode[j] == CSV_SKIP)
        return true;
    if (mlk_is_missing(f->begin, f->end)) {
        w->missing[j]++;
        if (w->mode[j] == CSV_NUMBER)
            cell->number = NAN;
        else
            cell->code = MLK_MISSING_CODE;
        return true;
    }
    return w->mode[j] == CSV_NUMBER ? take_number(c, w, j, f, cell) : take_text(w, j, f, cell);
}

/* Numbers from column j on, as long as all is as usual; returns the first column left. */
static inline size_t take_numbers(const csv *c, const csv_worker *w, const char **p, size_t j,
                                  csv_cell *cells)
{
    const size_t last = c->cols - 1, run = w->run[j];
    if (run && j < last) {
        j += mlk_parse_reals(p, c->end, c->delimiter, &cells[j].number,
                             j + run > last ? last - j : run);
    }
    if (j == last && w->run[j])
        j += mlk_parse_reals(p, c->end, '\n', &cells[j].number, 1);
    return j;
}

/* One record at p into `cells`; returns the place behind it, or NULL with w->error. */
static const char *take_record(csv *c, csv_worker *w, const char *p, csv_cell *cells)
{
    const char *const record = p;
    const size_t last = c->cols - 1;
    for (size_t j = 0; (j = take_numbers(c, w, &p, j, cells)) <= last; j++) {
        csv_field f;
        csv_read_field(p, c->end, c->delimiter, &f);
        if (f.stop == CSV_OPEN_QUOTE || f.stop == CSV_AFTER_QUOTE)
            return bad_field(w, j, &f);
        if ((f.stop == CSV_DELIMITER) != (j < last))
            return bad_count(c, w, record, &f, j + 1);
        if (!take_field(c, w, j, &f, &cells[j]))
            return NULL;
        p = f.next;
    }
    return p;
}

/* ----------------------------------------------------------------------- rows */

/* Move n rows of the tile to their columns, from row `at` on. */
static void flush(csv *c, const csv_worker *w, size_t at, size_t n)
{
    for (size_t j = 0; j < c->cols; j++) {
        const table_column *to = &c->table->columns[j];
        const csv_cell *from = w->tile + j;
        if (c->columns[j].mode == CSV_NUMBER)
            for (size_t i = 0; i < n; i++)
                to->values[at + i] = from[i * c->cols].number;
        else if (c->columns[j].mode == CSV_TEXT)
            for (size_t i = 0; i < n; i++)
                to->codes[at + i] = (uint32_t)from[i * c->cols].code;
    }
}

/* A NUL byte before the place up to which all was well comes first. */
static mlk_status check_nul(const csv *c, const csv_piece *piece, const csv_error *e)
{
    const char *upto = e->status == MLK_OK ? piece->end : e->seen;
    const char *nul =
        c->split.nul ? memchr(piece->begin, '\0', (size_t)(upto - piece->begin)) : NULL;
    if (nul)
        return report(c, &(csv_error){.status = MLK_EFORMAT,
                                      .what = "a NUL byte; expected text",
                                      .at = nul,
                                      .column = SIZE_MAX});
    return e->status == MLK_OK ? MLK_OK : report(c, e);
}

static mlk_status read_piece(csv *c, csv_worker *w, csv_piece *piece)
{
    size_t row = piece->first_slot, in_tile = 0;
    for (size_t j = 0; j < c->cols; j++)
        w->mode[j] = atomic_load_explicit(&c->columns[j].given_up, memory_order_relaxed)
                         ? CSV_SKIP
                         : c->columns[j].mode;
    find_runs(c, w);
    w->error.status = MLK_OK;
    const char *p = piece->begin;
    while ((p = csv_skip_blank(p, c->end)) < piece->end) {
        p = take_record(c, w, p, w->tile + in_tile * c->cols);
        if (!p)
            break;
        if (++in_tile == c->tile_rows) {
            flush(c, w, row, in_tile);
            row += in_tile;
            in_tile = 0;
        }
    }
    flush(c, w, row, in_tile);
    piece->rows = row + in_tile - piece->first_slot;
    return check_nul(c, piece, &w->error);
}

static mlk_status read_pieces(void *ctx, const mlk_chunk *chunk)
{
    csv *c = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        c->split.pieces[i].worker = chunk->worker;
        MLK_TRY(read_piece(c, &c->workers[chunk->worker], &c->split.pieces[i]));
    }
    return MLK_OK;
}

mlk_status csv_read_rows(csv *c) { return mlk_parallel_for(c->run, c->split.n, 1, read_pieces, c); }
