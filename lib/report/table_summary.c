#include <mlkit/report/table_summary.h>

#include <math.h>
#include <string.h>

#include "core/number.h"
#include "core/parallel.h"
#include "core/sort.h"
#include "core/status.h"
#include "report/table_summary_impl.h"

enum { MOST_INFERRED_CLASSES = 20 };

const char *mlk_association_name(mlk_association_kind kind)
{
    static const char *const names[] = {"", "r", "eta2", "v"};
    return names[kind];
}

double mlk_association_strength(mlk_association association)
{
    return association.kind == MLK_ASSOCIATION_ETA2 ? sqrt(association.value)
                                                    : fabs(association.value);
}

static mlk_status no_memory(const mlk_table_summary *s)
{
    return MLK_FAIL(MLK_ENOMEM, "no memory to summarise %zu rows", s->rows);
}

/* -------------------------------------------------------------------- a column */

/* Bars over low..high; of few integers one bar each. */
static void count_bins(mlk_column_summary *c, const double *sorted, size_t n)
{
    const double range = sorted[n - 1] - sorted[0];
    if (c->integers && range < MLK_SUMMARY_BINS) {
        c->n_bins = (size_t)range + 1;
        c->low = sorted[0] - 0.5;
        c->high = sorted[n - 1] + 0.5;
    } else {
        c->n_bins = range > 0.0 ? MLK_SUMMARY_BINS : 1;
        c->low = sorted[0];
        c->high = sorted[n - 1];
    }
    /* Halves, so that no range overflows. */
    const double width = c->high / 2 - c->low / 2;
    for (size_t i = 0; i < n; i++) {
        const double at =
            width > 0.0 ? (sorted[i] / 2 - c->low / 2) / width * (double)c->n_bins : 0.0;
        const size_t bin = (size_t)at;
        c->bins[bin < c->n_bins ? bin : c->n_bins - 1]++;
    }
}

static double quantile_of(const double *sorted, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void describe_numbers(const mlk_column *column, size_t rows, double *sorted,
                             mlk_column_summary *c)
{
    size_t n = 0;
    c->integers = true;
    for (size_t i = 0; i < rows; i++)
        if (!isnan(column->values[i])) {
            c->integers &= column->values[i] == floor(column->values[i]);
            sorted[n++] = column->values[i];
        }
    mlk_description *d = &c->numbers;
    *d = (mlk_description){n, rows - n, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    c->integers &= n > 0;
    if (!n)
        return;
    d->mean = mlk_mean((mlk_cvec){sorted, n});
    d->sd = sqrt(mlk_variance((mlk_cvec){sorted, n}, 1.0));
    mlk_sort(sorted, n);
    c->distinct = 1;
    for (size_t i = 1; i < n; i++)
        c->distinct += sorted[i] != sorted[i - 1];
    d->min = sorted[0];
    d->q1 = quantile_of(sorted, n, 0.25);
    d->median = quantile_of(sorted, n, 0.5);
    d->q3 = quantile_of(sorted, n, 0.75);
    d->max = sorted[n - 1];
    count_bins(c, sorted, n);
}

/* Insert into the list of the most frequent, which stays in order. */
static void note_level(mlk_column_summary *c, const char *level, size_t count)
{
    size_t at = c->n_top;
    while (at > 0 && c->top[at - 1].count < count)
        at--;
    if (at >= MLK_SUMMARY_TOP || !count)
        return;
    const size_t keep = c->n_top < MLK_SUMMARY_TOP ? c->n_top : MLK_SUMMARY_TOP - 1;
    memmove(c->top + at + 1, c->top + at, (keep - at) * sizeof *c->top);
    c->top[at] = (mlk_level_count){level, count};
    c->n_top = keep + 1;
}

static mlk_status describe_levels(const mlk_column *column, size_t rows, mlk_column_summary *c)
{
    size_t *counts = mlk_alloc_zero(column->n_levels, sizeof *counts);
    if (!counts)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu levels", column->n_levels);
    for (size_t i = 0; i < rows; i++)
        if (column->codes[i] != MLK_MISSING_CODE)
            counts[column->codes[i]]++;
    for (size_t k = 0; k < column->n_levels; k++) {
        c->distinct += counts[k] > 0;
        note_level(c, column->levels[k], counts[k]);
    }
    mlk_free(counts);
    c->numbers = (mlk_description){
        rows - column->n_missing, column->n_missing, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    return MLK_OK;
}

static mlk_status describe_columns(void *ctx, const mlk_chunk *chunk)
{
    mlk_table_summary *s = ctx;
    double *sorted = mlk_alloc(s->rows, sizeof *sorted);
    mlk_status st = sorted ? MLK_OK : no_memory(s);
    for (size_t j = chunk->begin; st == MLK_OK && j < chunk->end; j++) {
        const mlk_column column = mlk_table_column(s->table, j);
        mlk_column_summary *c = &s->columns[j];
        *c = (mlk_column_summary){.name = column.name,
                                  .type = column.type,
                                  .missing = column.n_missing,
                                  .target = {MLK_ASSOCIATION_NONE, NAN},
                                  .power = NAN};
        if (column.type == MLK_NUMERIC)
            describe_numbers(&column, s->rows, sorted, c);
        else
            st = describe_levels(&column, s->rows, c);
    }
    mlk_free(sorted);
    return st;
}

/* ------------------------------------------------------------------ equal rows */

/* -0 and 0 are one value, and so are all missing ones. */
static uint64_t cell_bits(const mlk_column *c, size_t i)
{
    if (c->type == MLK_CATEGORICAL)
        return c->codes[i];
    const double x = c->values[i] + 0.0;
    uint64_t bits = UINT64_MAX;
    if (!isnan(x))
        memcpy(&bits, &x, sizeof bits);
    return bits;
}

typedef struct hashing {
    const mlk_table_summary *s;
    uint64_t *hashes;
} hashing;

static mlk_status hash_rows(void *ctx, const mlk_chunk *chunk)
{
    const hashing *h = ctx;
    for (size_t j = 0; j < h->s->cols; j++) {
        const mlk_column c = mlk_table_column(h->s->table, j);
        for (size_t i = chunk->begin; i < chunk->end; i++) {
            uint64_t x = (h->hashes[i] ^ cell_bits(&c, i)) * UINT64_C(0x9E3779B97F4A7C15);
            h->hashes[i] = x ^ (x >> 29);
        }
    }
    return MLK_OK;
}

static bool equal_rows(const mlk_table_summary *s, size_t a, size_t b)
{
    for (size_t j = 0; j < s->cols; j++) {
        const mlk_column c = mlk_table_column(s->table, j);
        if (cell_bits(&c, a) != cell_bits(&c, b))
            return false;
    }
    return true;
}

static mlk_status count_duplicates(mlk_table_summary *s, const mlk_run *run)
{
    size_t size = 2;
    while (size < 2 * s->rows)
        size *= 2;
    uint64_t *hashes = mlk_alloc_zero(s->rows, sizeof *hashes);
    size_t *places = mlk_alloc_zero(size, sizeof *places); /* row + 1; 0: free */
    mlk_status st = hashes && places ? MLK_OK : no_memory(s);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, s->rows, 4096, hash_rows, &(hashing){s, hashes});
    for (size_t i = 0; st == MLK_OK && i < s->rows; i++) {
        size_t at = (hashes[i] ^ (hashes[i] >> 32)) & (size - 1);
        while (places[at] &&
               (hashes[places[at] - 1] != hashes[i] || !equal_rows(s, places[at] - 1, i)))
            at = (at + 1) & (size - 1);
        s->duplicates += places[at] != 0;
        if (!places[at])
            places[at] = i + 1;
    }
    mlk_free(hashes);
    mlk_free(places);
    return st;
}

/* ------------------------------------------------------------------ the target */

static mlk_status decide_classes(const mlk_table_summary *s, const char *task, bool *classes)
{
    const mlk_column_summary *c = &s->columns[s->target];
    *classes = c->type == MLK_CATEGORICAL ||
               (c->integers && c->distinct > 1 && c->distinct <= MOST_INFERRED_CLASSES);
    if (!task)
        return MLK_OK;
    *classes = strcmp(task, "classification") == 0;
    if (!*classes && strcmp(task, "regression") != 0)
        return MLK_FAIL(MLK_EINVAL, "unknown task '%s'; expected regression or classification",
                        task);
    if (!*classes && c->type == MLK_CATEGORICAL)
        return MLK_FAIL(MLK_EINVAL, "the target '%s' is text; a regression needs numbers", c->name);
    return MLK_OK;
}

/* Classes of a numeric target: its distinct values, in order, as texts and codes. */
static mlk_status number_classes(mlk_table_summary *s, const mlk_column *column)
{
    const size_t k = s->n_classes = s->columns[s->target].distinct;
    size_t *order = mlk_scratch_take(&s->memory, s->rows, sizeof *order);
    uint32_t *codes = mlk_scratch_take(&s->memory, s->rows, sizeof *codes);
    s->classes = mlk_scratch_take(&s->memory, k, sizeof *s->classes);
    if (s->memory.failed)
        return no_memory(s);
    MLK_TRY(mlk_argsort(column->values, s->rows, order));
    mlk_doc *names = mlk_doc_put_list(s->texts, "classes");
    size_t at = 0;
    for (size_t i = 0; i < s->rows; i++) { /* missing values come last */
        const double x = column->values[order[i]];
        if (isnan(x)) {
            codes[order[i]] = MLK_MISSING_CODE;
            continue;
        }
        at += i > 0 && x != column->values[order[i - 1]];
        if (at == mlk_doc_size(names)) {
            char text[MLK_REAL_CHARS];
            mlk_format_real(x, text);
            mlk_doc_put_text(names, NULL, text);
            MLK_TRY(mlk_doc_check(s->texts));
            s->classes[at] = (mlk_level_count){mlk_doc_text(mlk_doc_at(names, at)), 0};
        }
        codes[order[i]] = (uint32_t)at;
        s->classes[at].count++;
    }
    s->target_view = (column_view){NULL, codes, k};
    return MLK_OK;
}

static mlk_status level_classes(mlk_table_summary *s, const mlk_column *column)
{
    s->n_classes = column->n_levels;
    s->classes = mlk_scratch_take(&s->memory, s->n_classes, sizeof *s->classes);
    if (s->memory.failed)
        return no_memory(s);
    for (size_t k = 0; k < s->n_classes; k++)
        s->classes[k] = (mlk_level_count){column->levels[k], 0};
    for (size_t i = 0; i < s->rows; i++)
        if (column->codes[i] != MLK_MISSING_CODE)
            s->classes[column->codes[i]].count++;
    s->target_view = (column_view){NULL, column->codes, s->n_classes};
    return MLK_OK;
}

static mlk_status look_at_target(mlk_table_summary *s, const char *task)
{
    bool classes;
    const mlk_column column = mlk_table_column(s->table, s->target);
    MLK_TRY(decide_classes(s, task, &classes));
    if (classes)
        return column.type == MLK_NUMERIC ? number_classes(s, &column) : level_classes(s, &column);
    s->target_view = (column_view){column.values, NULL, 0};
    return MLK_OK;
}

/* --------------------------------------------------------------------- the whole */

static mlk_status fill(mlk_table_summary *s, const char *target, const char *task,
                       const mlk_run *run)
{
    s->target = SIZE_MAX;
    s->texts = mlk_doc_new();
    s->columns = mlk_scratch_take(&s->memory, s->cols, sizeof *s->columns);
    if (s->memory.failed)
        return no_memory(s);
    if (target)
        MLK_TRY(mlk_table_find(s->table, target, &s->target));
    MLK_TRY(mlk_parallel_for(run, s->cols, 1, describe_columns, s));
    for (size_t j = 0; j < s->cols; j++)
        s->missing += s->columns[j].missing;
    if (target)
        MLK_TRY(look_at_target(s, task));
    MLK_TRY(count_duplicates(s, run));
    MLK_TRY(mlk_summary_relate(s, run));
    MLK_TRY(mlk_summary_remark(s));
    return mlk_doc_check(s->texts);
}

mlk_status mlk_table_summary_new(const mlk_table *table, const char *target, const char *task,
                                 const mlk_run *run, mlk_table_summary **summary)
{
    mlk_table_summary *s = mlk_alloc_zero(1, sizeof *s);
    *summary = NULL;
    if (!s)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a summary");
    s->table = table;
    s->rows = mlk_table_rows(table);
    s->cols = mlk_table_cols(table);
    const mlk_status st = fill(s, target, task, run);
    if (st != MLK_OK)
        mlk_table_summary_free(s);
    else
        *summary = s;
    return st;
}

void mlk_table_summary_free(mlk_table_summary *summary)
{
    if (!summary)
        return;
    mlk_scratch_release(&summary->memory);
    mlk_doc_free(summary->texts);
    mlk_free(summary);
}

const char *mlk_table_summary_name(const mlk_table_summary *s) { return mlk_table_name(s->table); }
size_t mlk_table_summary_rows(const mlk_table_summary *s) { return s->rows; }
size_t mlk_table_summary_cols(const mlk_table_summary *s) { return s->cols; }
size_t mlk_table_summary_target(const mlk_table_summary *s) { return s->target; }
size_t mlk_table_summary_missing(const mlk_table_summary *s) { return s->missing; }
size_t mlk_table_summary_duplicates(const mlk_table_summary *s) { return s->duplicates; }
size_t mlk_table_summary_sampled(const mlk_table_summary *s) { return s->sampled; }

const mlk_column_summary *mlk_table_summary_column(const mlk_table_summary *s, size_t j)
{
    return &s->columns[j];
}

size_t mlk_table_summary_classes(const mlk_table_summary *s, const mlk_level_count **classes)
{
    *classes = s->classes;
    return s->n_classes;
}

size_t mlk_table_summary_pairs(const mlk_table_summary *s, const mlk_column_pair **pairs)
{
    *pairs = s->pairs;
    return s->n_pairs;
}

size_t mlk_table_summary_remarks(const mlk_table_summary *s, const mlk_remark **remarks)
{
    *remarks = s->remarks;
    return s->n_remarks;
}

column_view mlk_summary_view(const mlk_table_summary *s, size_t j)
{
    if (j == s->target)
        return s->target_view;
    const mlk_column c = mlk_table_column(s->table, j);
    return (column_view){c.values, c.codes, c.type == MLK_CATEGORICAL ? c.n_levels : 0};
}

mlk_association mlk_table_summary_association(const mlk_table_summary *s, size_t i, size_t j)
{
    const double value =
        i == j ? NAN : s->associations[i < j ? i * s->paired + j : j * s->paired + i];
    const bool a = mlk_summary_view(s, i).values != NULL, b = mlk_summary_view(s, j).values != NULL;
    if (isnan(value))
        return (mlk_association){MLK_ASSOCIATION_NONE, value};
    return (mlk_association){a && b   ? MLK_ASSOCIATION_R
                             : a || b ? MLK_ASSOCIATION_ETA2
                                      : MLK_ASSOCIATION_V,
                             value};
}

/* --------------------------------------------------------------------- JSON */

static void put_association(mlk_doc *to, const char *key, mlk_association a)
{
    if (a.kind == MLK_ASSOCIATION_NONE) {
        mlk_doc_put_null(to, key);
        return;
    }
    mlk_doc *map = mlk_doc_put_map(to, key);
    mlk_doc_put_text(map, "measure", mlk_association_name(a.kind));
    mlk_doc_put_real(map, "value", a.value);
}

static void put_counts(mlk_doc *to, const char *key, const mlk_level_count *counts, size_t n)
{
    mlk_doc *list = mlk_doc_put_list(to, key);
    for (size_t k = 0; k < n; k++) {
        mlk_doc *one = mlk_doc_put_map(list, NULL);
        mlk_doc_put_text(one, "level", counts[k].level);
        mlk_doc_put_int(one, "count", (int64_t)counts[k].count);
    }
}

static void put_column(const mlk_table_summary *s, size_t j, mlk_doc *to)
{
    const mlk_column_summary *c = &s->columns[j];
    mlk_doc_put_text(to, "name", c->name);
    mlk_doc_put_text(to, "type", c->type == MLK_NUMERIC ? "numeric" : "categorical");
    mlk_doc_put_int(to, "missing", (int64_t)c->missing);
    mlk_doc_put_int(to, "distinct", (int64_t)c->distinct);
    if (c->type == MLK_NUMERIC) {
        const mlk_description *d = &c->numbers;
        mlk_doc_put_bool(to, "integers", c->integers);
        mlk_doc_put_real(to, "mean", d->mean);
        mlk_doc_put_real(to, "sd", d->sd);
        mlk_doc_put_real(to, "min", d->min);
        mlk_doc_put_real(to, "q1", d->q1);
        mlk_doc_put_real(to, "median", d->median);
        mlk_doc_put_real(to, "q3", d->q3);
        mlk_doc_put_real(to, "max", d->max);
        mlk_doc *histogram = mlk_doc_put_map(to, "histogram");
        mlk_doc_put_real(histogram, "low", c->low);
        mlk_doc_put_real(histogram, "high", c->high);
        mlk_doc *counts = mlk_doc_put_list(histogram, "counts");
        for (size_t k = 0; k < c->n_bins; k++)
            mlk_doc_put_int(counts, NULL, (int64_t)c->bins[k]);
    } else {
        put_counts(to, "top", c->top, c->n_top);
    }
    if (s->target != SIZE_MAX && j != s->target) {
        put_association(to, "with_target", c->target);
        mlk_doc_put_real(to, "power", c->power);
    }
}

static void put_names(const mlk_table_summary *s, const size_t *columns, size_t n, mlk_doc *list)
{
    for (size_t k = 0; k < n; k++)
        mlk_doc_put_text(list, NULL, s->columns[columns[k]].name);
}

void mlk_table_summary_report(const mlk_table_summary *s, mlk_doc *to)
{
    mlk_doc_put_int(to, "rows", (int64_t)s->rows);
    mlk_doc_put_int(to, "missing", (int64_t)s->missing);
    mlk_doc_put_int(to, "duplicate_rows", (int64_t)s->duplicates);
    mlk_doc_put_text(to, "target", s->target == SIZE_MAX ? NULL : s->columns[s->target].name);
    mlk_doc_put_text(to, "task",
                     s->target == SIZE_MAX ? NULL
                     : s->n_classes        ? "classification"
                                           : "regression");
    if (s->n_classes)
        put_counts(to, "classes", s->classes, s->n_classes);
    else
        mlk_doc_put_null(to, "classes");
    mlk_doc *columns = mlk_doc_put_list(to, "columns");
    for (size_t j = 0; j < s->cols; j++)
        put_column(s, j, mlk_doc_put_map(columns, NULL));
    mlk_doc *pairs = mlk_doc_put_list(to, "pairs");
    for (size_t k = 0; k < s->n_pairs; k++) {
        mlk_doc *pair = mlk_doc_put_map(pairs, NULL);
        put_names(s, (const size_t[]){s->pairs[k].a, s->pairs[k].b}, 2,
                  mlk_doc_put_list(pair, "columns"));
        mlk_doc_put_text(pair, "measure", mlk_association_name(s->pairs[k].association.kind));
        mlk_doc_put_real(pair, "value", s->pairs[k].association.value);
    }
    mlk_doc *warnings = mlk_doc_put_list(to, "warnings");
    for (size_t k = 0; k < s->n_remarks; k++) {
        mlk_doc *one = mlk_doc_put_map(warnings, NULL);
        mlk_doc_put_text(one, "kind", mlk_remark_name(s->remarks[k].kind));
        put_names(s, s->remarks[k].columns,
                  s->remarks[k].n_columns < MLK_SUMMARY_NAMED ? s->remarks[k].n_columns
                                                              : MLK_SUMMARY_NAMED,
                  mlk_doc_put_list(one, "columns"));
        mlk_doc_put_text(one, "text", s->remarks[k].text);
    }
}
