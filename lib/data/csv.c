#include <math.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "data/csv_impl.h"
#include "data/names.h"

/* Bytes that a thread takes at a time; files not longer than SMALL are not worth waking threads. */
enum { PIECE = 1 << 18, SMALL = 1 << 21 };
enum { SAMPLE_ROWS = 64, TILE_CELLS = 1 << 14, MAX_TILE_ROWS = 32 };

/* --------------------------------------------------------------------- header */

static mlk_status check_delimiter(char d)
{
    const bool letter_or_digit =
        (d >= '0' && d <= '9') || (d >= 'A' && d <= 'Z') || (d >= 'a' && d <= 'z');
    if (d && ((signed char)d < 0 || letter_or_digit || strchr("\"\r\n.+-", d)))
        return MLK_FAIL(MLK_EINVAL,
                        "the delimiter is '%c'; expected a character that stands in no number, "
                        "quote or line end",
                        d);
    return MLK_OK;
}

/* The candidate that the record at p shows most outside quotes. */
static char find_delimiter(const char *p, const char *end)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    size_t count[sizeof candidates] = {0}, best = 0;
    for (bool quoted = false; p < end && (quoted || *p != '\n'); p++) {
        quoted ^= *p == '"';
        for (size_t k = 0; k < sizeof candidates; k++)
            count[k] += !quoted && *p == candidates[k];
    }
    for (size_t k = 1; k < sizeof candidates; k++)
        if (count[k] > count[best])
            best = k;
    return candidates[best];
}

/* Skip what may precede the header, which then starts at c->data. */
static mlk_status find_header(csv *c)
{
    const char *p = c->bytes;
    if (c->end - p >= 2 && (memcmp(p, "\xFF\xFE", 2) == 0 || memcmp(p, "\xFE\xFF", 2) == 0))
        return MLK_FAIL(MLK_EFORMAT, "%s: UTF-16 text; expected UTF-8", c->name);
    if (c->end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    c->data = csv_skip_blank(p, c->end);
    if (c->data == c->end)
        return MLK_FAIL(MLK_EFORMAT, "%s: the file is empty; expected a header and data rows",
                        c->name);
    if (!c->delimiter)
        c->delimiter = find_delimiter(c->data, c->end);
    return MLK_OK;
}

/* The text of a field, in memory that lasts as long as c->scratch or the file. */
static mlk_text field_text(csv *c, const csv_field *f)
{
    mlk_text text = {f->begin, (size_t)(f->end - f->begin)};
    if (!f->doubled)
        return text;
    char *to = mlk_scratch_take(&c->scratch, text.length, 1);
    if (!to)
        return text; /* scratch remembers */
    size_t n = 0;
    for (const char *p = f->begin; p < f->end; p++) {
        p += *p == '"';
        to[n++] = *p;
    }
    return (mlk_text){to, n};
}

/* Fields of the record at c->data: their number, and their texts if `names` has room. */
static mlk_status header_fields(csv *c, mlk_text *names, const char **behind)
{
    size_t n = 0;
    csv_field f = {.next = c->data, .stop = CSV_DELIMITER};
    for (; f.stop == CSV_DELIMITER; n++) {
        csv_read_field(f.next, c->end, c->delimiter, &f);
        if (f.stop == CSV_OPEN_QUOTE)
            return MLK_FAIL(MLK_EFORMAT, "%s:%zu: unterminated quote", c->name,
                            csv_line(c, f.next));
        if (f.stop == CSV_AFTER_QUOTE)
            return MLK_FAIL(MLK_EFORMAT,
                            "%s:%zu: text after a closing quote; expected a delimiter or the end "
                            "of the line",
                            c->name, csv_line(c, f.next));
        if (names)
            names[n] = field_text(c, &f);
    }
    const char *nul = memchr(c->data, '\0', (size_t)(f.next - c->data));
    if (nul)
        return MLK_FAIL(MLK_EFORMAT, "%s:%zu: a NUL byte; expected text", c->name,
                        csv_line(c, nul));
    c->cols = n;
    *behind = f.next;
    return MLK_OK;
}

static mlk_status check_names(csv *c, const mlk_text *names)
{
    const size_t line = csv_line(c, c->data);
    mlk_dict seen = {0};
    mlk_status st = MLK_OK;
    for (size_t j = 0; st == MLK_OK && j < c->cols; j++) {
        uint32_t first;
        if (names[j].length == 0)
            st = MLK_FAIL(MLK_EFORMAT, "%s:%zu: column %zu has no name", c->name, line, j + 1);
        else if (!mlk_dict_add(&seen, names[j], false, &first))
            st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", c->cols);
        else if (first != j)
            st = MLK_FAIL(MLK_EFORMAT, "%s:%zu: columns %zu and %zu have the same name '%.*s'",
                          c->name, line, (size_t)first + 1, j + 1, (int)names[j].length,
                          names[j].begin);
    }
    mlk_dict_free(&seen);
    return st;
}

static mlk_status number_columns(csv *c, mlk_text *names)
{
    enum { ROOM = 24 };
    char *text = mlk_scratch_take(&c->scratch, c->cols, ROOM);
    if (!text)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", c->cols);
    for (size_t j = 0; j < c->cols; j++, text += ROOM)
        names[j] = (mlk_text){text, (size_t)snprintf(text, ROOM, "%zu", j + 1)};
    return MLK_OK;
}

static mlk_status no_rows(const csv *c, const char *header)
{
    const char *cr = memchr(header, '\r', (size_t)(c->end - header));
    if (cr && cr + 1 < c->end && cr[1] != '\n')
        return MLK_FAIL(MLK_EFORMAT, "%s: lines end with CR alone; expected LF or CR LF", c->name);
    return MLK_FAIL(MLK_EFORMAT, "%s:%zu: no data rows behind the header", c->name,
                    csv_line(c, header));
}

static mlk_status read_header(csv *c)
{
    const char *behind;
    MLK_TRY(find_header(c));
    MLK_TRY(header_fields(c, NULL, &behind));
    mlk_text *names = mlk_scratch_take(&c->scratch, c->cols, sizeof *names);
    if (!names)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", c->cols);
    if (c->header) {
        MLK_TRY(header_fields(c, names, &behind));
        if (c->scratch.failed)
            return MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", c->cols);
        MLK_TRY(check_names(c, names));
        const char *header = c->data;
        c->data = csv_skip_blank(behind, c->end);
        if (c->data == c->end)
            return no_rows(c, header);
    } else {
        MLK_TRY(number_columns(c, names));
    }
    c->table = mlk_table_new(c->name, names, c->cols);
    return c->table ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", c->cols);
}

/* ---------------------------------------------------------------------- types */

static mlk_status force(csv *c, const char *list, csv_mode mode)
{
    if (!list)
        return MLK_OK;
    char **names;
    size_t n;
    MLK_TRY(mlk_names_split(list, &c->scratch, &names, &n));
    for (size_t i = 0; i < n; i++) {
        size_t j;
        MLK_TRY(mlk_table_find(c->table, names[i], &j));
        csv_column *column = &c->columns[j];
        if (column->forced && column->mode != mode)
            return MLK_FAIL(MLK_EINVAL, "column '%s' is to be both numeric and categorical",
                            names[i]);
        column->forced = c->table->columns[j].forced = true;
        column->mode = (unsigned char)mode;
    }
    return MLK_OK;
}

/* Columns in which one of the first rows has a text are read as text at once; errors are left to
 * the pass over all rows. */
static void sample_types(csv *c)
{
    const char *p = c->data;
    for (int row = 0; row < SAMPLE_ROWS; row++) {
        p = csv_skip_blank(p, c->end);
        csv_field f = {.next = p, .stop = CSV_DELIMITER};
        for (size_t j = 0; j < c->cols && f.stop == CSV_DELIMITER; j++) {
            csv_read_field(f.next, c->end, c->delimiter, &f);
            double x;
            if (f.stop <= CSV_END && !c->columns[j].forced && !mlk_is_missing(f.begin, f.end) &&
                !csv_number(&f, &x))
                c->columns[j].mode = CSV_TEXT;
        }
        if (f.stop != CSV_NEWLINE)
            return;
        p = f.next;
    }
}

/* --------------------------------------------------------------------- memory */

static mlk_status make_text(csv *c, size_t j)
{
    table_column *column = &c->table->columns[j];
    column->values = NULL;
    column->type = MLK_CATEGORICAL;
    column->codes = mlk_alloc(c->split.slots, sizeof *column->codes);
    return column->codes ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", c->split.slots);
}

/* The columns of numbers are one block, which may then use huge pages. */
static mlk_status make_columns(csv *c)
{
    size_t numeric = 0;
    for (size_t j = 0; j < c->cols; j++)
        numeric += c->columns[j].mode == CSV_NUMBER;
    /* Whole cache lines; not whole pages, or all columns compete for the same places of the cache.
     */
    size_t stride = (c->split.slots + 7) / 8 * 8;
    stride += stride % 512 == 0 ? 8 : 0;
    size_t count;
    double *block =
        __builtin_mul_overflow(numeric, stride, &count) ? NULL : mlk_alloc(count, sizeof *block);
    if (!block)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu numbers", c->split.slots, numeric);
    c->table->numbers = block;
    for (size_t j = 0; j < c->cols; j++) {
        if (c->columns[j].mode == CSV_NUMBER) {
            c->table->columns[j].values = block;
            block += stride;
        } else {
            MLK_TRY(make_text(c, j));
        }
    }
    return MLK_OK;
}

static mlk_status make_workers(csv *c)
{
    c->n_workers = mlk_workers(c->run, c->split.n, 1);
    c->tile_rows = TILE_CELLS / c->cols;
    if (c->tile_rows > MAX_TILE_ROWS)
        c->tile_rows = MAX_TILE_ROWS;
    if (c->tile_rows == 0)
        c->tile_rows = 1;
    csv_worker *workers = mlk_scratch_take(&c->scratch, c->n_workers, sizeof *workers);
    if (!workers)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %u threads", c->n_workers);
    memset(workers, 0, c->n_workers * sizeof *workers);
    c->workers = workers;
    for (unsigned i = 0; i < c->n_workers; i++) {
        csv_worker *w = &workers[i];
        w->tile = mlk_scratch_take(&c->scratch, c->tile_rows * c->cols, sizeof *w->tile);
        w->mode = mlk_scratch_take(&c->scratch, c->cols, sizeof *w->mode);
        w->run = mlk_scratch_take(&c->scratch, c->cols + 1, sizeof *w->run);
        w->dicts = mlk_scratch_take(&c->scratch, c->cols, sizeof *w->dicts);
        w->missing = mlk_scratch_take(&c->scratch, c->cols, sizeof *w->missing);
        w->infinite = mlk_scratch_take(&c->scratch, c->cols, sizeof *w->infinite);
        if (c->scratch.failed) {
            c->n_workers = i;
            return MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", c->cols);
        }
        memset(w->dicts, 0, c->cols * sizeof *w->dicts);
        memset(w->missing, 0, c->cols * sizeof *w->missing);
        memset(w->infinite, 0, c->cols * sizeof *w->infinite);
    }
    return MLK_OK;
}

static void release(csv *c)
{
    for (unsigned i = 0; c->workers && i < c->n_workers; i++) {
        csv_worker *w = &c->workers[i];
        for (size_t j = 0; j < c->cols; j++)
            mlk_dict_free(&w->dicts[j]);
        mlk_strbuf_free(&w->text);
    }
    mlk_free(c->split.pieces);
    mlk_scratch_release(&c->scratch);
}

/* --------------------------------------------------------------------- passes */

/* After a pass: levels of the columns that it read as text. */
static mlk_status finish_pass(csv *c)
{
    for (size_t j = 0; j < c->cols; j++) {
        if (c->columns[j].mode == CSV_TEXT)
            MLK_TRY(csv_finish_text(c, j));
        if (c->columns[j].mode == CSV_SKIP)
            continue;
        c->table->columns[j].n_missing = 0;
        for (unsigned w = 0; w < c->n_workers; w++) {
            c->table->columns[j].n_missing += c->workers[w].missing[j];
            c->workers[w].missing[j] = 0;
        }
    }
    return MLK_OK;
}

/* The second pass: columns that were given up, as text. */
static mlk_status read_given_up(csv *c)
{
    bool any = false;
    for (size_t j = 0; j < c->cols; j++) {
        c->columns[j].mode = c->columns[j].given_up ? CSV_TEXT : CSV_SKIP;
        if (c->columns[j].mode == CSV_TEXT) {
            any = true;
            c->columns[j].given_up = 0;
            MLK_TRY(make_text(c, j));
        }
    }
    if (!any)
        return MLK_OK;
    MLK_TRY(csv_read_rows(c));
    return finish_pass(c);
}

static mlk_status refuse_infinite(const csv *c)
{
    mlk_text first = {NULL, 0};
    size_t column = 0;
    for (size_t j = 0; j < c->cols; j++)
        for (unsigned w = 0; w < c->n_workers; w++) {
            const mlk_text at = c->workers[w].infinite[j];
            if (c->table->columns[j].type == MLK_NUMERIC && at.begin &&
                (!first.begin || at.begin < first.begin)) {
                first = at;
                column = j;
            }
        }
    if (!first.begin)
        return MLK_OK;
    return MLK_FAIL(MLK_EFORMAT,
                    "%s:%zu: column '%s': '%.*s' is infinite; expected a finite number", c->name,
                    csv_line(c, first.begin), c->table->columns[column].name,
                    (int)(first.length < 40 ? first.length : 40), first.begin);
}

/* Pieces with fewer records than slots (blank lines) leave gaps: close them. */
static void close_gaps(csv *c)
{
    size_t rows = 0;
    for (size_t i = 0; i < c->split.n; i++) {
        const csv_piece *p = &c->split.pieces[i];
        if (rows != p->first_slot && p->rows)
            for (size_t j = 0; j < c->cols; j++) {
                table_column *column = &c->table->columns[j];
                if (column->type == MLK_NUMERIC)
                    memmove(column->values + rows, column->values + p->first_slot,
                            p->rows * sizeof *column->values);
                else
                    memmove(column->codes + rows, column->codes + p->first_slot,
                            p->rows * sizeof *column->codes);
            }
        rows += p->rows;
    }
    c->table->rows = rows;
}

/* Line of each row: a rule where every line is a row, else a list. */
static mlk_status number_lines(csv *c)
{
    mlk_table *t = c->table;
    t->first_line = csv_line(c, c->data);
    if (t->rows == c->split.newlines + (c->end[-1] != '\n'))
        return MLK_OK;
    t->lines = mlk_alloc(t->rows, sizeof *t->lines);
    if (!t->lines)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the lines of %zu rows", t->rows);
    size_t line = t->first_line, row = 0;
    const char *counted = c->data;
    for (const char *p = c->data; (p = csv_skip_blank(p, c->end)) < c->end;) {
        line += csv_count_lines(counted, (size_t)(p - counted));
        counted = p;
        t->lines[row++] = line;
        csv_field f = {.next = p, .stop = CSV_DELIMITER};
        while (f.stop == CSV_DELIMITER)
            csv_read_field(f.next, c->end, c->delimiter, &f);
        p = f.next;
    }
    return MLK_OK;
}

static mlk_status read_all(csv *c, const mlk_table_opts *opts, size_t piece)
{
    MLK_TRY(read_header(c));
    c->columns = mlk_scratch_take(&c->scratch, c->cols, sizeof *c->columns);
    if (!c->columns)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", c->cols);
    memset(c->columns, 0, c->cols * sizeof *c->columns); /* CSV_NUMBER, not forced */
    MLK_TRY(force(c, opts->categorical, CSV_TEXT));
    MLK_TRY(force(c, opts->numeric, CSV_NUMBER));
    sample_types(c);
    if (!piece)
        piece = c->end - c->data > SMALL ? PIECE : SMALL;
    MLK_TRY(csv_split_new(c->data, c->end, c->delimiter, piece, c->run, &c->split));
    MLK_TRY(make_workers(c));
    MLK_TRY(make_columns(c));
    MLK_TRY(csv_read_rows(c));
    MLK_TRY(finish_pass(c));
    MLK_TRY(read_given_up(c));
    MLK_TRY(refuse_infinite(c));
    close_gaps(c);
    MLK_TRY(number_lines(c));
    return opts->text ? csv_keep_text(c) : MLK_OK;
}

mlk_status mlk_csv_read(const char *name, const char *bytes, size_t size,
                        const mlk_table_opts *opts, size_t chunk, const mlk_run *run,
                        mlk_table **table)
{
    csv c = {.name = name,
             .bytes = bytes,
             .end = bytes + size,
             .delimiter = opts->delimiter,
             .header = opts->header,
             .run = run};
    *table = NULL;
    MLK_TRY(check_delimiter(opts->delimiter));
    mlk_status st = size ? read_all(&c, opts, chunk)
                         : MLK_FAIL(MLK_EFORMAT,
                                    "%s: the file is empty; expected a header and data rows", name);
    if (st == MLK_OK)
        *table = c.table;
    else
        mlk_table_free(c.table);
    release(&c);
    return st;
}
