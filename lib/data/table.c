#include <mlkit/data/table.h>

#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "data/input.h"
#include "data/names.h"
#include "data/table_impl.h"

mlk_table_opts mlk_table_opts_default(void)
{
    return (mlk_table_opts){.format = MLK_FORMAT_AUTO, .header = true};
}

mlk_table *mlk_table_new(const char *name, const mlk_text *names, size_t cols)
{
    size_t bytes = 1;
    for (size_t j = 0; j < cols; j++)
        bytes += names[j].length + 1;
    mlk_table *t = mlk_alloc_zero(1, sizeof *t);
    if (!t)
        return NULL;
    t->name = mlk_strdup(name);
    t->columns = mlk_alloc_zero(cols, sizeof *t->columns);
    t->names = mlk_alloc(bytes, 1);
    if (!t->name || !t->columns || !t->names) {
        mlk_table_free(t);
        return NULL;
    }
    t->cols = cols;
    char *to = t->names;
    for (size_t j = 0; j < cols; j++) {
        t->columns[j].name = to;
        memcpy(to, names[j].begin, names[j].length);
        to += names[j].length;
        *to++ = '\0';
    }
    return t;
}

bool mlk_table_set_levels(table_column *c, const mlk_text *texts, const size_t *order, size_t n)
{
    size_t bytes = 1;
    for (size_t i = 0; i < n; i++)
        bytes += texts[order[i]].length + 1;
    c->levels = mlk_alloc(n, sizeof *c->levels);
    c->level_text = mlk_alloc(bytes, 1);
    if (!c->levels || !c->level_text)
        return false;
    c->n_levels = n;
    char *to = c->level_text;
    for (size_t i = 0; i < n; i++) {
        const mlk_text t = texts[order[i]];
        c->levels[i] = to;
        if (t.length)
            memcpy(to, t.begin, t.length);
        to += t.length;
        *to++ = '\0';
    }
    return true;
}

bool mlk_is_missing(const char *begin, const char *end)
{
    static const char *const words[] = {"NA", "N/A", "NaN", "nan", "null", "NULL", "?"};
    const size_t n = (size_t)(end - begin);
    if (n == 0)
        return true;
    for (size_t i = 0; n <= 4 && i < MLK_COUNT(words); i++)
        if (strlen(words[i]) == n && memcmp(words[i], begin, n) == 0)
            return true;
    return false;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path);
    const size_t m = strlen(ending);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0)
        n -= 3;
    return n > m && memcmp(path + n - m, ending, m) == 0;
}

mlk_status mlk_table_read_memory(const char *name, const void *bytes, size_t size,
                                 const mlk_table_opts *opts, const mlk_run *run, mlk_table **table)
{
    const mlk_table_opts defaults = mlk_table_opts_default();
    if (!opts)
        opts = &defaults;
    mlk_format format = opts->format;
    if (format == MLK_FORMAT_AUTO)
        format = ends_in(name, ".svm") || ends_in(name, ".libsvm") || ends_in(name, ".svmlight")
                     ? MLK_FORMAT_SVMLIGHT
                     : MLK_FORMAT_CSV;
    if (format == MLK_FORMAT_SVMLIGHT && opts->categorical && *opts->categorical) {
        *table = NULL;
        return MLK_FAIL(MLK_EINVAL, "%s: svmlight holds numbers; no column can be categorical",
                        name);
    }
    if (format == MLK_FORMAT_SVMLIGHT)
        return mlk_svmlight_read(name, bytes, size, 0, run, table);
    return mlk_csv_read(name, bytes, size, opts, 0, run, table);
}

mlk_status mlk_table_read(const char *path, const mlk_table_opts *opts, const mlk_run *run,
                          mlk_table **table)
{
    mlk_input in;
    *table = NULL;
    MLK_TRY(mlk_input_open(path, run, &in));
    const mlk_status st = mlk_table_read_memory(path, in.bytes, in.size, opts, run, table);
    mlk_input_close(&in);
    return st;
}

size_t mlk_table_rows(const mlk_table *t) { return t->rows; }
size_t mlk_table_cols(const mlk_table *t) { return t->cols; }
const char *mlk_table_name(const mlk_table *t) { return t->name; }

mlk_column mlk_table_column(const mlk_table *t, size_t j)
{
    const table_column *c = &t->columns[j];
    return (mlk_column){.name = c->name,
                        .type = c->type,
                        .values = c->values,
                        .codes = c->codes,
                        .levels = c->levels,
                        .n_levels = c->n_levels,
                        .n_missing = c->n_missing};
}

size_t mlk_table_line(const mlk_table *t, size_t row)
{
    return t->lines ? t->lines[row] : t->first_line + row;
}

const char *mlk_table_text(const mlk_table *t, size_t row, size_t *length)
{
    *length = 0;
    if (!t->text)
        return NULL;
    const size_t begin = row ? t->text_ends[row - 1] : 0;
    *length = t->text_ends[row] - begin;
    return t->text + begin;
}

mlk_status mlk_table_find(const mlk_table *t, const char *name, size_t *j)
{
    const char **names = mlk_alloc(t->cols, sizeof *names);
    if (!names)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", t->cols);
    for (size_t i = 0; i < t->cols; i++)
        names[i] = t->columns[i].name;
    const mlk_status st = mlk_names_find(t->name, names, t->cols, name, j);
    mlk_free(names);
    return st;
}

void mlk_table_free(mlk_table *t)
{
    if (!t)
        return;
    for (size_t j = 0; j < t->cols; j++) {
        table_column *c = &t->columns[j];
        mlk_free(c->codes);
        mlk_free(c->levels);
        mlk_free(c->level_text);
    }
    mlk_free(t->columns);
    mlk_free(t->numbers);
    mlk_free(t->names);
    mlk_free(t->lines);
    mlk_free(t->text);
    mlk_free(t->text_ends);
    mlk_free(t->name);
    mlk_free(t);
}
