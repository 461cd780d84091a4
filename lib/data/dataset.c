#include <mlkit/data/dataset.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/parallel.h"
#include "core/sort.h"
#include "core/status.h"
#include "data/match.h"
#include "data/names.h"
#include "data/schema_impl.h"
#include "data/table_impl.h"

enum { MAX_INFERRED_CLASSES = 20 };

struct mlk_dataset {
    mlk_data data;
    const mlk_schema *schema;
    mlk_schema *own; /* NULL where the schema is borrowed */
    size_t *rows;    /* table row of each row; NULL: the same */
    size_t dropped;
    mlk_scratch memory;
};

/* A column of the design on its way: numbers, or codes with what each stands for. */
typedef struct source {
    const double *values;
    const uint32_t *codes;
    const double *meaning; /* of each code; NULL: the code itself */
} source;

/* What a dataset is made from; scratch memory of the making. */
typedef struct making {
    const mlk_table *table;
    const mlk_run *run;
    mlk_dataset *set;
    source *sources; /* one a feature */
    double *y;       /* of each table row; NULL: no target */
    const double *w; /* of each table row; NULL: none */
    size_t target;
    mlk_scratch scratch;
} making;

static mlk_status no_memory(const making *m)
{
    return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", m->table->rows);
}

/* -------------------------------------------------------------------- columns */

static double source_value(const source *s, size_t row)
{
    if (s->values)
        return s->values[row];
    const uint32_t code = s->codes[row];
    if (code == MLK_MISSING_CODE)
        return (double)NAN;
    return s->meaning ? s->meaning[code] : (double)code;
}

typedef struct filling {
    const making *m;
    double *X;
    size_t p;
} filling;

/* Columns to rows, in blocks that stay in the cache. */
static mlk_status fill_rows(void *ctx, const mlk_chunk *chunk)
{
    const filling *f = ctx;
    const size_t *rows = f->m->set->rows;
    const size_t step = mlk_grain(f->p, 1 << 11);
    for (size_t lo = chunk->begin; lo < chunk->end; lo += step) {
        const size_t hi = chunk->end - lo < step ? chunk->end : lo + step;
        for (size_t j = 0; j < f->p; j++) {
            const source *s = &f->m->sources[j];
            double *to = f->X + j;
            if (s->values && !rows)
                for (size_t i = lo; i < hi; i++)
                    to[i * f->p] = s->values[i];
            else
                for (size_t i = lo; i < hi; i++)
                    to[i * f->p] = source_value(s, rows ? rows[i] : i);
        }
    }
    return MLK_OK;
}

/* Rows whose target is known, the design, target and weights. */
static mlk_status fill(making *m)
{
    mlk_dataset *set = m->set;
    size_t n = 0;
    const size_t all = m->table->rows, p = set->schema->n_features;
    for (size_t i = 0; i < all; i++)
        n += !m->y || !isnan(m->y[i]);
    set->dropped = all - n;
    if (n < all) {
        size_t *rows = mlk_scratch_take(&set->memory, n, sizeof *rows);
        if (!rows)
            return no_memory(m);
        for (size_t i = 0, k = 0; i < all; i++)
            if (!isnan(m->y[i]))
                rows[k++] = i;
        set->rows = rows;
    }
    const mlk_mat X = mlk_scratch_mat(&set->memory, n, p);
    const mlk_vec y = m->y ? mlk_scratch_vec(&set->memory, n) : (mlk_vec){NULL, 0};
    const mlk_vec w = m->w ? mlk_scratch_vec(&set->memory, n) : (mlk_vec){NULL, 0};
    size_t *levels = mlk_scratch_take(&set->memory, p, sizeof *levels);
    if (set->memory.failed)
        return no_memory(m);
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = m->y[set->rows ? set->rows[i] : i];
    for (size_t i = 0; i < w.n; i++)
        w.data[i] = m->w[set->rows ? set->rows[i] : i];
    bool any = false;
    for (size_t j = 0; j < p; j++)
        any |= (levels[j] = set->schema->features[j].n_levels) != 0;
    set->data = (mlk_data){.X = mlk_mat_c(X),
                           .y = mlk_vec_c(y),
                           .w = mlk_vec_c(w),
                           .n_classes = m->y ? set->schema->n_classes : 0,
                           .levels = any ? levels : NULL};
    return mlk_parallel_for(m->run, n, mlk_grain(p, 1 << 17), fill_rows, &(filling){m, X.data, p});
}

static void warn_dropped(const making *m)
{
    const size_t n = m->set->dropped;
    if (n)
        mlk_run_warn(m->run, "%s: %zu row%s without a value of the target '%s' dropped",
                     m->table->name, n, n == 1 ? "" : "s", m->table->columns[m->target].name);
}

static mlk_status check_weights(const making *m, size_t column)
{
    const table_column *c = &m->table->columns[column];
    if (c->type != MLK_NUMERIC)
        return MLK_FAIL(MLK_EFORMAT, "%s: the weights '%s' are text; expected numbers",
                        m->table->name, c->name);
    double sum = 0.0;
    for (size_t i = 0; i < m->table->rows; i++) {
        if (m->y && isnan(m->y[i]))
            continue;
        const double w = c->values[i];
        if (!(w >= 0.0)) {
            char text[MLK_REAL_CHARS];
            mlk_format_real(w, text);
            return MLK_FAIL(MLK_EFORMAT, "%s:%zu: column '%s': a weight is %s; expected >= 0",
                            m->table->name, mlk_table_line(m->table, i), c->name,
                            isnan(w) ? "missing" : text);
        }
        sum += w;
    }
    if (!(sum > 0.0 && sum < INFINITY))
        return MLK_FAIL(MLK_EFORMAT, "%s: the weights '%s' sum to %g", m->table->name, c->name,
                        sum);
    return MLK_OK;
}

/* -------------------------------------------------------------------- classes */

/* The labels of a numeric target, sorted: their values and names. */
typedef struct labels {
    double *values;
    const char **names;
    size_t n;
} labels;

static mlk_status number_labels(making *m, const double *v, labels *l)
{
    size_t n = 0;
    double *sorted = mlk_scratch_take(&m->scratch, m->table->rows, sizeof *sorted);
    if (!sorted)
        return no_memory(m);
    for (size_t i = 0; i < m->table->rows; i++)
        if (!isnan(v[i]))
            sorted[n++] = v[i] + 0.0; /* -0 is 0 */
    mlk_sort(sorted, n);
    l->n = 0;
    for (size_t i = 0; i < n; i++)
        if (l->n == 0 || sorted[i] != sorted[l->n - 1])
            sorted[l->n++] = sorted[i];
    l->values = sorted;
    l->names = mlk_scratch_take(&m->scratch, l->n, sizeof *l->names);
    char(*text)[MLK_REAL_CHARS] = mlk_scratch_take(&m->scratch, l->n, sizeof *text);
    if (m->scratch.failed)
        return no_memory(m);
    for (size_t k = 0; k < l->n; k++) {
        mlk_format_real(sorted[k], text[k]);
        l->names[k] = text[k];
    }
    return MLK_OK;
}

static size_t place_of(const double *sorted, size_t n, double x)
{
    size_t lo = 0;
    for (size_t hi = n; lo < hi;) {
        const size_t mid = lo + (hi - lo) / 2;
        if (sorted[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Many different numbers, each in few rows or not whole, are hardly classes. */
static bool are_measurements(const labels *l, size_t rows)
{
    bool whole = true;
    for (size_t k = 0; k < l->n; k++)
        whole = whole && l->values[k] == floor(l->values[k]);
    return l->n > MAX_INFERRED_CLASSES && (!whole || 5 * l->n > rows);
}

/* Class numbers of the target column to m->y, names of the classes to the schema. */
static mlk_status make_classes(making *m, mlk_schema *schema)
{
    const table_column *c = &m->table->columns[m->target];
    labels l = {NULL, c->levels, c->n_levels};
    if (c->type == MLK_NUMERIC)
        MLK_TRY(number_labels(m, c->values, &l));
    if (l.n < 2)
        return MLK_FAIL(MLK_EFORMAT, "%s: the target '%s' has %s; expected at least 2 classes",
                        m->table->name, c->name, l.n ? "one class only" : "no value");
    for (size_t i = 0; i < m->table->rows; i++) {
        if (c->type == MLK_NUMERIC)
            m->y[i] =
                isnan(c->values[i]) ? (double)NAN : (double)place_of(l.values, l.n, c->values[i]);
        else
            m->y[i] = c->codes[i] == MLK_MISSING_CODE ? (double)NAN : (double)c->codes[i];
    }
    if (c->type == MLK_NUMERIC && are_measurements(&l, m->table->rows - c->n_missing))
        mlk_run_warn(m->run,
                     "%s: each of the %zu different numbers of the target '%s' is a class of its "
                     "own; a regression predicts numbers",
                     m->table->name, l.n, c->name);
    schema->n_classes = l.n;
    schema->classes = mlk_schema_texts(schema, l.names, l.n);
    return schema->classes ? MLK_OK : no_memory(m);
}

/* The label `positive` becomes class 1 of two. */
static mlk_status make_positive(making *m, mlk_schema *schema, const char *positive)
{
    if (schema->n_classes != 2)
        return MLK_FAIL(MLK_EINVAL, "a positive label needs 2 classes; '%s' has %zu",
                        schema->target, schema->n_classes);
    mlk_match match;
    MLK_TRY(mlk_match_new(schema->classes, 2, &match));
    const size_t k = mlk_match_text(&match, positive);
    mlk_match_free(&match);
    if (k == SIZE_MAX)
        return MLK_FAIL(MLK_EINVAL, "no class '%s' of '%s'; there are '%s' and '%s'", positive,
                        schema->target, schema->classes[0], schema->classes[1]);
    if (k == 1)
        return MLK_OK;
    const char *swapped[] = {schema->classes[1], schema->classes[0]};
    schema->classes = mlk_schema_texts(schema, swapped, 2);
    if (!schema->classes)
        return no_memory(m);
    for (size_t i = 0; i < m->table->rows; i++)
        m->y[i] = 1.0 - m->y[i]; /* NaN stays */
    return MLK_OK;
}

/* Number of distinct values if all are integers and not too many, else 0. From 2^53 on every double
 * is an integer, which says nothing. */
static size_t count_integers(const double *v, size_t n)
{
    double seen[MAX_INFERRED_CLASSES];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        if (v[i] != floor(v[i]) || fabs(v[i]) > 0x1p53)
            return 0;
        size_t k = 0;
        while (k < count && seen[k] != v[i])
            k++;
        if (k == MAX_INFERRED_CLASSES)
            return 0;
        if (k == count)
            seen[count++] = v[i];
    }
    return count;
}

static mlk_status decide_task(const making *m, const char *task, bool *classes)
{
    const table_column *c = &m->table->columns[m->target];
    if (task) {
        *classes = strcmp(task, "classification") == 0;
        if (!*classes && strcmp(task, "regression") != 0)
            return MLK_FAIL(MLK_EINVAL, "unknown task '%s'; expected regression or classification",
                            task);
        return MLK_OK;
    }
    *classes = c->type == MLK_CATEGORICAL;
    if (*classes)
        return MLK_OK;
    const size_t distinct = count_integers(c->values, m->table->rows);
    *classes = distinct > 1;
    if (*classes)
        mlk_run_warn(m->run,
                     "note: %s: the target '%s' holds %zu distinct integers and is taken as "
                     "classes; choose the task to override",
                     m->table->name, c->name, distinct);
    return MLK_OK;
}

/* Row of the first field of a text column that is no number; its text to *text. */
static size_t first_text(const table_column *c, size_t rows, const char **text)
{
    for (size_t i = 0; i < rows; i++) {
        double x;
        if (c->codes[i] == MLK_MISSING_CODE)
            continue;
        *text = c->levels[c->codes[i]];
        if (!mlk_parse_real_all(*text, &x))
            return i;
    }
    *text = "";
    return 0;
}

/* A regression target: numbers, not all the same. */
static mlk_status check_numbers(const making *m)
{
    const table_column *c = &m->table->columns[m->target];
    if (c->type != MLK_NUMERIC) {
        const char *text;
        const size_t row = first_text(c, m->table->rows, &text);
        return MLK_FAIL(MLK_EFORMAT,
                        "%s:%zu: the target '%s' is text ('%.40s'); a regression needs numbers",
                        m->table->name, mlk_table_line(m->table, row), c->name, text);
    }
    double first = NAN;
    for (size_t i = 0; i < m->table->rows; i++) {
        if (isnan(c->values[i]))
            continue;
        if (!isnan(first) && c->values[i] != first)
            return MLK_OK;
        first = c->values[i];
    }
    if (isnan(first))
        return MLK_FAIL(MLK_EFORMAT, "%s: the target '%s' has no value", m->table->name, c->name);
    return MLK_FAIL(MLK_EFORMAT,
                    "%s: the target '%s' is %g in every row; there is nothing to learn",
                    m->table->name, c->name, first);
}

static mlk_status make_target(making *m, mlk_schema *schema, const mlk_roles *roles)
{
    const table_column *c = &m->table->columns[m->target];
    bool classes;
    MLK_TRY(decide_task(m, roles->task, &classes));
    m->y = mlk_scratch_take(&m->scratch, m->table->rows, sizeof *m->y);
    if (!m->y)
        return no_memory(m);
    if (!classes) {
        if (roles->positive)
            return MLK_FAIL(MLK_EINVAL, "a positive label needs classes; '%s' is a regression",
                            c->name);
        MLK_TRY(check_numbers(m));
        memcpy(m->y, c->values, m->table->rows * sizeof *m->y);
        return MLK_OK;
    }
    MLK_TRY(make_classes(m, schema));
    return roles->positive ? make_positive(m, schema, roles->positive) : MLK_OK;
}

/* ---------------------------------------------------------------------- roles */

typedef enum role { FREE, TARGET, WEIGHTS, FEATURE, IGNORED } role;

static mlk_status give_role(const mlk_table *t, const char *name, role r, unsigned char *of,
                            size_t *j)
{
    static const char *const noun[] = {"", "the target", "the weights", "a feature", "ignored"};
    MLK_TRY(mlk_table_find(t, name, j));
    if (of[*j] != FREE && of[*j] != r)
        return MLK_FAIL(MLK_EINVAL, "column '%s' is to be both %s and %s", t->columns[*j].name,
                        noun[of[*j]], noun[r]);
    of[*j] = (unsigned char)r;
    return MLK_OK;
}

static mlk_status give_roles(const mlk_table *t, const char *list, role r, unsigned char *of,
                             mlk_scratch *s)
{
    if (!list)
        return MLK_OK;
    char **names;
    size_t n, j;
    MLK_TRY(mlk_names_split(list, s, &names, &n));
    for (size_t i = 0; i < n; i++)
        MLK_TRY(give_role(t, names[i], r, of, &j));
    return MLK_OK;
}

/* The role of each column; *n_features of them are FEATURE. */
static mlk_status find_roles(making *m, const mlk_roles *roles, unsigned char *of, size_t *weights,
                             size_t *n_features)
{
    const mlk_table *t = m->table;
    memset(of, FREE, t->cols);
    m->target = *weights = SIZE_MAX;
    if (roles->target)
        MLK_TRY(give_role(t, roles->target, TARGET, of, &m->target));
    if (roles->weights)
        MLK_TRY(give_role(t, roles->weights, WEIGHTS, of, weights));
    MLK_TRY(give_roles(t, roles->features, FEATURE, of, &m->scratch));
    MLK_TRY(give_roles(t, roles->ignore, IGNORED, of, &m->scratch));
    *n_features = 0;
    for (size_t j = 0; j < t->cols; j++) {
        if (of[j] == FREE && !roles->features)
            of[j] = FEATURE;
        *n_features += of[j] == FEATURE;
    }
    return *n_features ? MLK_OK : MLK_FAIL(MLK_EINVAL, "%s: no column is left as feature", t->name);
}

/* ------------------------------------------------------------------------ new */

static void warn_stray(const making *m, size_t j)
{
    char text[256];
    if (mlk_table_stray(m->table, j, text, sizeof text))
        mlk_run_warn(m->run, "%s: %s", m->table->name, text);
}

static mlk_status make_schema(making *m, const mlk_roles *roles)
{
    const mlk_table *t = m->table;
    unsigned char *of = mlk_scratch_take(&m->scratch, t->cols, 1);
    if (!of)
        return no_memory(m);
    size_t weights, p;
    MLK_TRY(find_roles(m, roles, of, &weights, &p));
    mlk_schema *schema = m->set->own = mlk_schema_new(p);
    m->sources = mlk_scratch_take(&m->scratch, p, sizeof *m->sources);
    if (!schema || !m->sources)
        return no_memory(m);
    m->set->schema = schema;
    for (size_t j = 0, k = 0; j < t->cols; j++) {
        if (of[j] != FEATURE)
            continue;
        const table_column *c = &t->columns[j];
        warn_stray(m, j);
        m->sources[k] = (source){c->values, c->codes, NULL};
        schema_feature *f = &schema->features[k++];
        f->name = mlk_schema_text(schema, c->name);
        f->n_levels = c->n_levels;
        f->levels = c->n_levels ? mlk_schema_texts(schema, c->levels, c->n_levels) : NULL;
    }
    if (m->target != SIZE_MAX) {
        schema->target = mlk_schema_text(schema, t->columns[m->target].name);
        MLK_TRY(make_target(m, schema, roles));
    }
    if (weights != SIZE_MAX) {
        schema->weights = mlk_schema_text(schema, t->columns[weights].name);
        MLK_TRY(check_weights(m, weights));
        m->w = t->columns[weights].values;
    }
    return schema->memory.failed ? no_memory(m) : MLK_OK;
}

mlk_status mlk_dataset_new(const mlk_table *table, const mlk_roles *roles, const mlk_run *run,
                           mlk_dataset **dataset)
{
    const mlk_roles none = {0};
    making m = {.table = table, .run = run, .target = SIZE_MAX};
    *dataset = NULL;
    m.set = mlk_alloc_zero(1, sizeof *m.set);
    if (!m.set)
        return no_memory(&m);
    mlk_status st = make_schema(&m, roles ? roles : &none);
    if (st == MLK_OK)
        st = fill(&m);
    if (st == MLK_OK) {
        warn_dropped(&m);
        *dataset = m.set;
    } else {
        mlk_dataset_free(m.set);
    }
    mlk_scratch_release(&m.scratch);
    return st;
}

/* ---------------------------------------------------------------------- apply */

static mlk_status refuse_text(const making *m, const table_column *c)
{
    const char *text;
    const size_t row = first_text(c, m->table->rows, &text);
    return MLK_FAIL(MLK_EFORMAT, "%s:%zu: column '%s': '%.40s' is no number, as training had there",
                    m->table->name, mlk_table_line(m->table, row), c->name, text);
}

/* Numbers of the known names that the column's fields stand for, NaN where missing; a row that
 * holds another is counted, and the first one noted. */
typedef struct unknowns {
    size_t rows, first;
} unknowns;

static mlk_status translate(making *m, const table_column *c, const char *const *names, size_t n,
                            source *out, unknowns *u)
{
    const size_t rows = m->table->rows;
    mlk_match match;
    *u = (unknowns){0, SIZE_MAX};
    const bool text = c->type == MLK_CATEGORICAL;
    const size_t count = text ? c->n_levels : rows;
    double *values = mlk_scratch_take(&m->scratch, count, sizeof *values);
    if (!values)
        return no_memory(m);
    MLK_TRY(mlk_match_new(names, n, &match));
    for (size_t i = 0; i < count; i++) {
        const size_t k =
            text ? mlk_match_text(&match, c->levels[i]) : mlk_match_number(&match, c->values[i]);
        values[i] = k != SIZE_MAX                  ? (double)k
                    : text || !isnan(c->values[i]) ? MLK_UNSEEN
                                                   : (double)NAN;
    }
    mlk_match_free(&match);
    *out = text ? (source){NULL, c->codes, values} : (source){values, NULL, NULL};
    for (size_t i = 0; i < rows; i++)
        if (source_value(out, i) == MLK_UNSEEN) {
            u->first = u->rows ? u->first : i;
            u->rows++;
        }
    return MLK_OK;
}

/* The text of field i of a column, in buf where it is a number. */
static const char *field_text(const table_column *c, size_t i, char buf[MLK_REAL_CHARS])
{
    if (c->type == MLK_CATEGORICAL)
        return c->levels[c->codes[i]];
    mlk_format_real(c->values[i], buf);
    return buf;
}

static mlk_status apply_feature(making *m, const schema_feature *f, const table_column *c,
                                source *out)
{
    if (!f->n_levels) {
        if (c->type != MLK_NUMERIC)
            return refuse_text(m, c);
        *out = (source){c->values, NULL, NULL};
        return MLK_OK;
    }
    unknowns u;
    MLK_TRY(translate(m, c, f->levels, f->n_levels, out, &u));
    if (u.rows) {
        char buf[MLK_REAL_CHARS];
        mlk_run_warn(m->run,
                     "%s: column '%s': %zu value%s that training did not know, the first '%.40s' "
                     "in line %zu",
                     m->table->name, c->name, u.rows, u.rows == 1 ? "" : "s",
                     field_text(c, u.first, buf), mlk_table_line(m->table, u.first));
    }
    return MLK_OK;
}

static mlk_status apply_target(making *m, const mlk_schema *schema)
{
    const table_column *c = &m->table->columns[m->target];
    m->y = mlk_scratch_take(&m->scratch, m->table->rows, sizeof *m->y);
    if (!m->y)
        return no_memory(m);
    source s = {c->values, NULL, NULL};
    unknowns u = {0, 0};
    if (schema->n_classes)
        MLK_TRY(translate(m, c, schema->classes, schema->n_classes, &s, &u));
    else if (c->type != MLK_NUMERIC)
        return refuse_text(m, c);
    if (u.rows) {
        char buf[MLK_REAL_CHARS];
        return MLK_FAIL(MLK_EFORMAT, "%s:%zu: column '%s': '%.40s' is none of the %zu classes",
                        m->table->name, mlk_table_line(m->table, u.first), c->name,
                        field_text(c, u.first, buf), schema->n_classes);
    }
    size_t known = 0;
    for (size_t i = 0; i < m->table->rows; i++) {
        m->y[i] = source_value(&s, i);
        known += !isnan(m->y[i]);
    }
    return known
               ? MLK_OK
               : MLK_FAIL(MLK_EFORMAT, "%s: the target '%s' has no value", m->table->name, c->name);
}

/* Column of the table called `name`, or SIZE_MAX. */
static size_t column_called(const mlk_dict *names, const char *name)
{
    const uint32_t j = mlk_dict_find(names, (mlk_text){name, strlen(name)});
    return j == MLK_NO_TEXT ? SIZE_MAX : j;
}

static mlk_status refuse_absent(const making *m, const char *what, const char *name)
{
    return MLK_FAIL(MLK_EFORMAT, "%s: %s '%s' is missing", m->table->name, what, name);
}

static mlk_status apply_features(making *m, const mlk_schema *schema, const mlk_dict *names)
{
    m->sources = mlk_scratch_take(&m->scratch, schema->n_features, sizeof *m->sources);
    if (!m->sources)
        return no_memory(m);
    double *zeros = NULL;
    for (size_t k = 0; k < schema->n_features; k++) {
        const schema_feature *f = &schema->features[k];
        const size_t j = column_called(names, f->name);
        if (j != SIZE_MAX) {
            MLK_TRY(apply_feature(m, f, &m->table->columns[j], &m->sources[k]));
            continue;
        }
        if (!m->table->sparse || f->n_levels)
            return refuse_absent(m, "column", f->name);
        if (!zeros) {
            zeros = mlk_scratch_take(&m->scratch, m->table->rows, sizeof *zeros);
            if (!zeros)
                return no_memory(m);
            memset(zeros, 0, m->table->rows * sizeof *zeros);
        }
        m->sources[k] = (source){zeros, NULL, NULL};
    }
    return MLK_OK;
}

static mlk_status apply(making *m, const mlk_schema *schema, bool need_target, mlk_dict *names)
{
    const mlk_table *t = m->table;
    for (size_t j = 0; j < t->cols; j++) {
        uint32_t code;
        const char *name = t->columns[j].name;
        if (!mlk_dict_add(names, (mlk_text){name, strlen(name)}, false, &code))
            return no_memory(m);
    }
    m->set->schema = schema;
    MLK_TRY(apply_features(m, schema, names));
    if (need_target && schema->target) {
        m->target = column_called(names, schema->target);
        if (m->target == SIZE_MAX)
            return refuse_absent(m, "the target", schema->target);
        MLK_TRY(apply_target(m, schema));
    }
    if (need_target && schema->weights) {
        const size_t j = column_called(names, schema->weights);
        if (j == SIZE_MAX)
            return refuse_absent(m, "the column of weights", schema->weights);
        MLK_TRY(check_weights(m, j));
        m->w = t->columns[j].values;
    }
    return fill(m);
}

mlk_status mlk_dataset_apply(const mlk_schema *schema, const mlk_table *table, bool need_target,
                             const mlk_run *run, mlk_dataset **dataset)
{
    making m = {.table = table, .run = run, .target = SIZE_MAX};
    mlk_dict names = {0};
    *dataset = NULL;
    m.set = mlk_alloc_zero(1, sizeof *m.set);
    if (!m.set)
        return no_memory(&m);
    const mlk_status st = apply(&m, schema, need_target, &names);
    if (st == MLK_OK) {
        warn_dropped(&m);
        *dataset = m.set;
    } else {
        mlk_dataset_free(m.set);
    }
    mlk_dict_free(&names);
    mlk_scratch_release(&m.scratch);
    return st;
}

/* ------------------------------------------------------------------ accessors */

mlk_data mlk_dataset_data(const mlk_dataset *dataset) { return dataset->data; }
const mlk_schema *mlk_dataset_schema(const mlk_dataset *dataset) { return dataset->schema; }
size_t mlk_dataset_dropped(const mlk_dataset *dataset) { return dataset->dropped; }

size_t mlk_dataset_row(const mlk_dataset *dataset, size_t i)
{
    return dataset->rows ? dataset->rows[i] : i;
}

void mlk_dataset_free(mlk_dataset *dataset)
{
    if (!dataset)
        return;
    mlk_schema_free(dataset->own);
    mlk_scratch_release(&dataset->memory);
    mlk_free(dataset);
}
