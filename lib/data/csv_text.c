#include "core/alloc.h"
#include "core/status.h"
#include "data/csv_impl.h"

/*
 * The rows' own text. A file with commas gives its records as they are; of another delimiter the
 * fields are joined by commas, in quotes where that asks for them.
 */

static void add_field(mlk_strbuf *to, const char *start, const csv_field *f)
{
    const size_t n = (size_t)(f->end - f->begin);
    if (f->begin > start) { /* in quotes already */
        mlk_strbuf_add_n(to, start, n + 2);
    } else if (memchr(start, ',', n) || memchr(start, '"', n)) {
        mlk_strbuf_add(to, "\"");
        for (const char *p = start; p < f->end; p++)
            mlk_strbuf_add_n(to, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
        mlk_strbuf_add(to, "\"");
    } else {
        mlk_strbuf_add_n(to, start, n);
    }
}

/* The record at p; returns the place behind it. */
static const char *add_record(const csv *c, const char *p, mlk_strbuf *to)
{
    const char *const record = p;
    csv_field f = {.next = p, .stop = CSV_DELIMITER};
    while (f.stop == CSV_DELIMITER) {
        p = f.next;
        csv_read_field(p, c->end, c->delimiter, &f);
        if (c->delimiter == ',')
            continue;
        if (p > record)
            mlk_strbuf_add_n(to, ",", 1);
        add_field(to, p, &f);
    }
    if (c->delimiter == ',')
        mlk_strbuf_add_n(to, record, (size_t)(f.end - record) + (f.begin > p));
    return f.next;
}

mlk_status csv_keep_text(const csv *c)
{
    mlk_table *t = c->table;
    mlk_strbuf text = MLK_STRBUF_INIT;
    size_t row = 0;
    t->text_ends = mlk_alloc(t->rows, sizeof *t->text_ends);
    if (t->text_ends)
        for (const char *p = c->data; (p = csv_skip_blank(p, c->end)) < c->end;) {
            p = add_record(c, p, &text);
            t->text_ends[row++] = text.len;
        }
    t->text = mlk_strbuf_take(&text);
    return t->text_ends && t->text
               ? MLK_OK
               : MLK_FAIL(MLK_ENOMEM, "no memory for the text of %zu rows", t->rows);
}
