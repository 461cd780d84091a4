#include <mlkit/report/text.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mlkit/core/doc.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/status.h"
#include "core/strbuf.h"

/* The cells are the texts of a document's list: it keeps the memory and remembers a failure. */
struct mlk_text_table {
    mlk_doc *doc, *cells;
    size_t cols;
};

mlk_text_table *mlk_text_table_new(const char *const *titles, size_t n_cols)
{
    mlk_text_table *t = mlk_alloc(1, sizeof *t);
    mlk_doc *doc = mlk_doc_new();
    if (!t || !doc) {
        mlk_free(t);
        mlk_doc_free(doc);
        return NULL;
    }
    *t = (mlk_text_table){doc, mlk_doc_put_list(doc, "cells"), n_cols};
    for (size_t j = 0; j < n_cols; j++)
        mlk_text_table_cell(t, titles[j]);
    return t;
}

void mlk_text_table_cell(mlk_text_table *table, const char *text)
{
    if (table)
        mlk_doc_put_text(table->cells, NULL, text);
}

void mlk_text_table_number(mlk_text_table *table, double value, int digits)
{
    char buf[64];
    mlk_text_table_cell(table, mlk_text_number(value, digits, buf, sizeof buf));
}

void mlk_text_table_free(mlk_text_table *table)
{
    if (!table)
        return;
    mlk_doc_free(table->doc);
    mlk_free(table);
}

/* Characters of a UTF-8 text: bytes that continue one do not count. */
static size_t width_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static const char *cell(const mlk_text_table *t, size_t i, size_t j)
{
    return mlk_doc_text(mlk_doc_at(t->cells, i * t->cols + j));
}

/* Numbers, and what stands in for one: "-", and an interval in brackets. */
static bool is_number(const char *s)
{
    double value;
    return *s == '\0' || strcmp(s, "-") == 0 || *s == '[' || mlk_parse_real_all(s, &value);
}

static void pad(mlk_strbuf *b, size_t n)
{
    while (n-- > 0)
        mlk_strbuf_add_n(b, " ", 1);
}

mlk_status mlk_text_table_write(const mlk_text_table *t, size_t indent, char **text)
{
    *text = NULL;
    if (!t)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a table");
    MLK_TRY(mlk_doc_check(t->doc));
    const size_t rows = mlk_doc_size(t->cells) / t->cols;
    size_t *width = mlk_alloc_zero(2 * t->cols, sizeof *width), *right = width + t->cols;
    if (!width)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a table");
    bool titled = false;
    for (size_t j = 0; j < t->cols; j++) {
        right[j] = rows > 1;
        titled |= *cell(t, 0, j) != '\0';
        for (size_t i = 0; i < rows; i++) {
            const size_t w = width_of(cell(t, i, j));
            width[j] = w > width[j] ? w : width[j];
            right[j] &= i == 0 || is_number(cell(t, i, j));
        }
    }
    mlk_strbuf b = MLK_STRBUF_INIT;
    for (size_t i = titled ? 0 : 1; i < rows; i++) {
        size_t owed = indent; /* blanks before the next cell: none are left at a line's end */
        for (size_t j = 0; j < t->cols; j++) {
            const char *s = cell(t, i, j);
            const size_t gap = width[j] - width_of(s);
            if (*s) {
                pad(&b, owed + (right[j] ? gap : 0));
                mlk_strbuf_add(&b, s);
                owed = right[j] ? 2 : 2 + gap;
            } else {
                owed += gap + 2;
            }
        }
        mlk_strbuf_add(&b, "\n");
    }
    mlk_free(width);
    *text = mlk_strbuf_take(&b);
    return *text ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a table");
}

const char *mlk_text_number(double value, int digits, char *buf, size_t size)
{
    char number[MLK_REAL_CHARS];
    const double a = fabs(value);
    if (isnan(value)) {
        snprintf(buf, size, "-");
        return buf;
    }
    if (a >= 1e-4 && a < 1e7 && a != floor(a)) {
        /* As many decimals as give the digits; the integer part is never rounded away. */
        const int before = a >= 1.0 ? (int)floor(log10(a)) + 1 : 0;
        const int leading_zeros = a < 1.0 ? (int)ceil(-log10(a)) - 1 : 0;
        const int decimals = digits - before + leading_zeros;
        snprintf(buf, size, "%.*f", decimals > 0 ? decimals : 0, value);
        for (char *p = buf; *p; p++)
            if (*p == ',')
                *p = '.';
        return buf;
    }
    mlk_format_digits(value, a >= 1e-4 && a < 1e15 && a == floor(a) ? 15 : digits, number);
    snprintf(buf, size, "%s", number);
    return buf;
}
