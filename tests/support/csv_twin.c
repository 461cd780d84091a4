#include "support/csv_twin.h"

#include "support/mlk_test.h"

typedef struct cursor {
    const char *bytes;
    size_t size, at, line;
} cursor;

static int peek(const cursor *c, size_t ahead)
{
    return c->at + ahead < c->size ? (unsigned char)c->bytes[c->at + ahead] : -1;
}

static void step(cursor *c)
{
    if (c->bytes[c->at++] == '\n')
        c->line++;
}

static int at_line_end(const cursor *c)
{
    const int a = peek(c, 0), b = peek(c, 1);
    return a == -1 || a == '\n' || (a == '\r' && (b == '\n' || b == -1));
}

static void skip_line_end(cursor *c)
{
    if (peek(c, 0) == '\r')
        step(c);
    if (peek(c, 0) == '\n')
        step(c);
}

/* Next field to a new text. */
static twin_error read_field(cursor *c, char delimiter, char **out, size_t *opened)
{
    char *text = test_alloc(c->size - c->at + 1);
    size_t n = 0;
    *out = text;
    if (peek(c, 0) != '"') {
        while (!at_line_end(c) && peek(c, 0) != delimiter) {
            text[n++] = c->bytes[c->at];
            step(c);
        }
        return TWIN_OK;
    }
    *opened = c->line;
    step(c);
    for (;;) {
        if (peek(c, 0) == -1)
            return TWIN_OPEN_QUOTE;
        if (peek(c, 0) == '"' && peek(c, 1) != '"')
            break;
        if (peek(c, 0) == '"')
            step(c);
        text[n++] = c->bytes[c->at];
        step(c);
    }
    step(c);
    *opened = c->line;
    return at_line_end(c) || peek(c, 0) == delimiter ? TWIN_OK : TWIN_AFTER_QUOTE;
}

/* Next record: up to `room` texts, their number to *n. */
static twin_error read_record(cursor *c, char delimiter, char **fields, size_t room, size_t *n,
                              size_t *line)
{
    for (*n = 0;; step(c)) {
        char *text;
        const twin_error e = read_field(c, delimiter, &text, line);
        if (e != TWIN_OK)
            return e;
        if (*n < room)
            fields[*n] = text;
        ++*n;
        if (at_line_end(c)) {
            skip_line_end(c);
            return TWIN_OK;
        }
    }
}

static void skip_blank_lines(cursor *c)
{
    while (c->at < c->size && at_line_end(c))
        skip_line_end(c);
}

twin_table twin_read(const char *bytes, size_t size, char delimiter)
{
    twin_table t = {0};
    cursor c = {bytes, size, 0, 1};
    size_t n, line = 0;
    t.header = test_alloc((size + 1) * sizeof *t.header);
    skip_blank_lines(&c);
    t.error = read_record(&c, delimiter, t.header, size + 1, &t.cols, &t.error_line);
    t.fields = test_alloc((size + 1) * (t.cols + 1) * sizeof *t.fields);
    t.lines = test_alloc((size + 1) * sizeof *t.lines);
    while (t.error == TWIN_OK) {
        skip_blank_lines(&c);
        if (c.at >= size)
            break;
        t.lines[t.rows] = line = c.line;
        t.error = read_record(&c, delimiter, t.fields + t.rows * t.cols, t.cols, &n, &t.error_line);
        if (t.error == TWIN_OK && n != t.cols) {
            t.error = TWIN_COUNT;
            t.error_line = line;
        }
        t.rows += t.error == TWIN_OK;
    }
    return t;
}
