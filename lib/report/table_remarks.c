#include "report/table_summary_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mlkit/report/text.h>

#include "core/status.h"
#include "core/strbuf.h"

enum {
    LEAST_ROWS = 20, /* of fewer, unique values say nothing */
    LISTED = 5       /* columns or pairs that a text names */
};
static const double imbalance = 10.0;

const char *mlk_remark_name(mlk_remark_kind kind)
{
    static const char *const names[] = {"duplicate_rows", "constant",    "missing",
                                        "identifier",     "target_leak", "alike",
                                        "imbalance",      "target",      "stray_text"};
    return names[kind];
}

typedef bool (*column_rule)(const mlk_table_summary *s, size_t j);

/* A remark on n columns, the first of them in `columns`. */
static void remark(mlk_table_summary *s, mlk_remark_kind kind, const size_t *columns, size_t n,
                   mlk_strbuf *text)
{
    size_t *copy = mlk_scratch_take(&s->memory, MLK_SUMMARY_NAMED, sizeof *copy);
    char *line = mlk_strbuf_take(text);
    if (!copy || !line) {
        s->memory.failed = true;
        mlk_free(line);
        return;
    }
    for (size_t k = 0; k < n && k < MLK_SUMMARY_NAMED; k++)
        copy[k] = columns[k];
    mlk_doc *lines = mlk_doc_put_list(s->texts, mlk_remark_name(kind));
    mlk_doc_put_text(lines, NULL, line);
    mlk_free(line);
    if (!mlk_doc_size(lines)) {
        s->memory.failed = true;
        return;
    }
    s->remarks[s->n_remarks++] = (mlk_remark){kind, n, copy, mlk_doc_text(mlk_doc_at(lines, 0))};
}

static void add_names(const mlk_table_summary *s, const size_t *columns, size_t n, mlk_strbuf *b)
{
    for (size_t k = 0; k < n && k < LISTED; k++)
        mlk_strbuf_printf(b, "%s'%s'", k ? ", " : "", s->columns[columns[k]].name);
    if (n > LISTED)
        mlk_strbuf_printf(b, " and %zu more", n - LISTED);
}

/* One remark on all columns that the rule holds for: "column 'a' SINGULAR" or "columns 'a', 'b'
 * PLURAL". */
static void remark_columns(mlk_table_summary *s, mlk_remark_kind kind, column_rule rule,
                           const char *singular, const char *plural)
{
    size_t columns[MLK_SUMMARY_NAMED], n = 0;
    for (size_t j = 0; j < s->cols; j++)
        if (j != s->target && rule(s, j)) {
            if (n < MLK_SUMMARY_NAMED)
                columns[n] = j;
            n++;
        }
    if (!n)
        return;
    mlk_strbuf text = MLK_STRBUF_INIT;
    mlk_strbuf_add(&text, n == 1 ? "column " : "columns ");
    add_names(s, columns, n, &text);
    mlk_strbuf_printf(&text, " %s", n == 1 ? singular : plural);
    remark(s, kind, columns, n, &text);
}

static bool is_constant(const mlk_table_summary *s, size_t j) { return s->columns[j].distinct < 2; }

static bool is_mostly_missing(const mlk_table_summary *s, size_t j)
{
    return 2 * s->columns[j].missing > s->rows && s->columns[j].distinct > 1;
}

/* Texts that hardly ever repeat; integers that count the rows, or rise from row to row. */
static bool is_identifier(const mlk_table_summary *s, size_t j)
{
    const mlk_column_summary *c = &s->columns[j];
    const size_t n = s->rows - c->missing;
    if (n < LEAST_ROWS)
        return false;
    if (c->type == MLK_CATEGORICAL)
        return (double)c->distinct >= 0.95 * (double)n;
    if (!c->integers || c->distinct < n)
        return false;
    if (c->numbers.max - c->numbers.min == (double)(n - 1))
        return true;
    const double *v = mlk_table_column(s->table, j).values;
    for (size_t i = 1; i < s->rows; i++)
        if (!(v[i] > v[i - 1]))
            return false;
    return true;
}

static bool is_leak(const mlk_table_summary *s, size_t j)
{
    return s->columns[j].power >= MLK_SUMMARY_LEAK;
}

static const char *percent(double share, char buf[32])
{
    snprintf(buf, 32, share >= 0.1 || share == 0.0 ? "%.0f" : "%.2g", 100.0 * share);
    return buf;
}

static void remark_duplicates(mlk_table_summary *s)
{
    char share[32];
    mlk_strbuf text = MLK_STRBUF_INIT;
    if (!s->duplicates)
        return;
    mlk_strbuf_printf(&text,
                      "%zu row%s (%s %%) %s of earlier ones; the same row in training and test "
                      "flatters a score",
                      s->duplicates, s->duplicates == 1 ? "" : "s",
                      percent((double)s->duplicates / (double)s->rows, share),
                      s->duplicates == 1 ? "is a copy" : "are copies");
    remark(s, MLK_REMARK_DUPLICATES, NULL, 0, &text);
}

static void remark_target(mlk_table_summary *s)
{
    const mlk_column_summary *c = &s->columns[s->target];
    mlk_strbuf text = MLK_STRBUF_INIT;
    if (c->distinct < 2)
        mlk_strbuf_printf(&text, "the target '%s' holds %s; there is nothing to learn", c->name,
                          c->distinct ? "one value" : "no value");
    else if (c->missing)
        mlk_strbuf_printf(&text, "%zu row%s without a target; learning leaves them out", c->missing,
                          c->missing == 1 ? "" : "s");
    else
        return;
    remark(s, MLK_REMARK_TARGET, &s->target, 1, &text);
}

static void remark_imbalance(mlk_table_summary *s)
{
    size_t least = 0, most = 0, total = 0;
    char share[32];
    mlk_strbuf text = MLK_STRBUF_INIT;
    for (size_t k = 0; k < s->n_classes; k++) {
        least = s->classes[k].count < s->classes[least].count ? k : least;
        most = s->classes[k].count > s->classes[most].count ? k : most;
        total += s->classes[k].count;
    }
    if (!s->n_classes ||
        (double)s->classes[most].count <= imbalance * (double)s->classes[least].count)
        return;
    mlk_strbuf_printf(
        &text,
        "class '%s' has %zu of %zu rows (%s %%), '%s' %zu; accuracy flatters, look at "
        "balanced_accuracy, mcc or average_precision",
        s->classes[least].level, s->classes[least].count, total,
        percent((double)s->classes[least].count / (double)total, share), s->classes[most].level,
        s->classes[most].count);
    remark(s, MLK_REMARK_IMBALANCE, &s->target, 1, &text);
}

/* Columns in pairs: a, b of the first, a, b of the second, ... */
static void remark_alike(mlk_table_summary *s)
{
    size_t columns[2 * MLK_SUMMARY_PAIRS], listed = 0;
    mlk_strbuf text = MLK_STRBUF_INIT;
    if (!s->n_alike)
        return;
    mlk_strbuf_printf(&text, "%zu pair%s of columns %s nearly the same: ", s->n_alike,
                      s->n_alike == 1 ? "" : "s", s->n_alike == 1 ? "says" : "say");
    for (size_t k = 0; k < s->n_pairs && k < s->n_alike && k < LISTED; k++) {
        const mlk_column_pair *pair = &s->pairs[k];
        char number[64];
        mlk_strbuf_printf(&text, "%s'%s' and '%s' (%s %s)", k ? ", " : "", s->columns[pair->a].name,
                          s->columns[pair->b].name, mlk_association_name(pair->association.kind),
                          mlk_text_number(pair->association.value, 3, number, sizeof number));
        columns[listed++] = pair->a;
        columns[listed++] = pair->b;
    }
    if (s->n_alike > LISTED)
        mlk_strbuf_printf(&text, ", ...");
    remark(s, MLK_REMARK_ALIKE, columns, listed, &text);
}

/* The first column is explained, the others named. */
static void remark_stray(mlk_table_summary *s)
{
    size_t columns[MLK_SUMMARY_NAMED], n = 0;
    char why[256], first[256];
    for (size_t j = 0; j < s->cols; j++) {
        if (!mlk_table_stray(s->table, j, why, sizeof why))
            continue;
        if (n == 0)
            memcpy(first, why, sizeof why);
        if (n < MLK_SUMMARY_NAMED)
            columns[n] = j;
        n++;
    }
    if (!n)
        return;
    mlk_strbuf text = MLK_STRBUF_INIT;
    mlk_strbuf_add(&text, first);
    if (n > 1) {
        const size_t named = n < MLK_SUMMARY_NAMED ? n : MLK_SUMMARY_NAMED;
        mlk_strbuf_add(&text, "; likewise ");
        add_names(s, columns + 1, named - 1, &text);
    }
    remark(s, MLK_REMARK_STRAY, columns, n, &text);
}

mlk_status mlk_summary_remark(mlk_table_summary *s)
{
    enum { KINDS = MLK_REMARK_STRAY + 1 };
    s->remarks = mlk_scratch_take(&s->memory, KINDS, sizeof *s->remarks);
    if (s->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for remarks");
    if (s->target != SIZE_MAX)
        remark_target(s);
    remark_stray(s);
    remark_columns(s, MLK_REMARK_LEAK, is_leak,
                   "gives the target away: alone it predicts it almost without an error; is it "
                   "known when a prediction is due?",
                   "give the target away: each alone predicts it almost without an error; are they "
                   "known when a prediction is due?");
    remark_columns(s, MLK_REMARK_IDENTIFIER, is_identifier,
                   "looks like an identifier, different in every row; leave it out with --ignore",
                   "look like identifiers, different in every row; leave them out with --ignore");
    remark_duplicates(s);
    remark_columns(s, MLK_REMARK_CONSTANT, is_constant, "holds one value or none",
                   "hold one value or none each");
    remark_columns(s, MLK_REMARK_MISSING, is_mostly_missing, "has more gaps than values",
                   "have more gaps than values");
    remark_imbalance(s);
    remark_alike(s);
    return s->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for remarks") : MLK_OK;
}
