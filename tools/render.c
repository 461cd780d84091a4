#include "render.h"

#include <math.h>
#include <string.h>

#include <mlkit/report/json.h>
#include <mlkit/report/text.h>

enum { DIGITS = 5, MANY = 40 /* rows of a list that is cut */ };

void render_table(mlk_text_table *table, size_t indent)
{
    char *text = NULL;
    if (mlk_text_table_write(table, indent, &text) == MLK_OK)
        fputs(text, stdout);
    mlk_text_free(text);
    mlk_text_table_free(table);
}

/* A scalar as text in buf; NULL for what is none. */
static const char *scalar(const mlk_doc *node, char *buf, size_t size)
{
    switch (mlk_doc_kind_of(node)) {
    case MLK_DOC_NULL:
        return "-";
    case MLK_DOC_BOOL:
        return mlk_doc_bool(node) ? "true" : "false";
    case MLK_DOC_INT:
        snprintf(buf, size, "%lld", (long long)mlk_doc_int(node));
        return buf;
    case MLK_DOC_REAL:
        snprintf(buf, size, "%.6g", mlk_doc_real(node));
        return buf;
    case MLK_DOC_TEXT:
        return mlk_doc_text(node);
    default:
        return NULL;
    }
}

void render_params(const char *title, const mlk_doc *params)
{
    char buf[64];
    int at = printf("%s", title);
    for (size_t i = 0; i < mlk_doc_size(params); i++) {
        const char *value = scalar(mlk_doc_at(params, i), buf, sizeof buf);
        if (!value || mlk_doc_kind_of(mlk_doc_at(params, i)) == MLK_DOC_NULL)
            continue;
        const char *key = mlk_doc_key_at(params, i);
        if (at + (int)(strlen(key) + strlen(value)) + 2 > 96)
            at = printf("\n%*s", (int)strlen(title), "") - 1;
        at += printf(" %s=%s", key, value);
    }
    printf("\n");
}

const char *render_scalar(const mlk_doc *node, int digits, char *number, size_t size)
{
    if (mlk_doc_kind_of(node) == MLK_DOC_BOOL)
        return mlk_doc_bool(node) ? "true" : "false";
    const char *word = mlk_doc_text(node);
    return word ? word : mlk_text_number(mlk_doc_real(node), digits, number, size);
}

char *render_choice(const mlk_doc *params, int digits, char *text, size_t size)
{
    size_t at = 0;
    *text = '\0';
    for (size_t k = 0; k < mlk_doc_size(params) && at < size; k++) {
        char number[64];
        at += (size_t)snprintf(text + at, size - at, "%s%s=%s", k ? " " : "",
                               mlk_doc_key_at(params, k),
                               render_scalar(mlk_doc_at(params, k), digits, number, sizeof number));
    }
    return text;
}

void render_fit(const mlk_doc *fit)
{
    char buf[64];
    const mlk_doc *iterations = mlk_doc_find(fit, "iterations");
    const mlk_doc *converged = mlk_doc_find(fit, "converged");
    const char *separator = "fit: ";
    if (mlk_doc_kind_of(iterations) == MLK_DOC_INT) {
        printf("fit: %s after %lld iterations",
               mlk_doc_kind_of(converged) != MLK_DOC_BOOL ? "done"
               : mlk_doc_bool(converged)                  ? "converged"
                                                          : "NOT converged",
               (long long)mlk_doc_int(iterations));
        separator = ", ";
    }
    static const char *const figures[][2] = {{"objective", "objective"},
                                             {"duality_gap", "duality gap"},
                                             {"kkt_violation", "KKT violation"},
                                             {"seconds", "seconds"}};
    for (size_t i = 0; i < 4; i++) {
        const double v = mlk_doc_real(mlk_doc_find(fit, figures[i][0]));
        if (!isnan(v)) {
            printf("%s%s %s", separator, figures[i][1], mlk_text_number(v, 4, buf, sizeof buf));
            separator = ", ";
        }
    }
    if (*separator == ',')
        printf("\n");
}

/* ------------------------------------------------------------------- learned */

static double element(const mlk_doc *node, size_t i)
{
    if (mlk_doc_kind_of(node) == MLK_DOC_LIST) /* numbers, some of them null */
        return i < mlk_doc_size(node) ? mlk_doc_real(mlk_doc_at(node, i)) : (double)NAN;
    const mlk_doc_array a = mlk_doc_array_of(node);
    const size_t n = a.cols ? a.rows * a.cols : a.rows;
    return a.type == MLK_F64 && i < n ? ((const double *)a.data)[i] : (double)NAN;
}

static bool is_vector(const mlk_doc *node, size_t n)
{
    if (mlk_doc_kind_of(node) == MLK_DOC_LIST)
        return mlk_doc_size(node) == n;
    const mlk_doc_array a = mlk_doc_array_of(node);
    return mlk_doc_kind_of(node) == MLK_DOC_ARRAY && a.type == MLK_F64 && a.rows == n && !a.cols;
}

/* Columns of the coefficient table, as learned and for the intercept. */
static const char *const statistics[][3] = {
    {"coef", "intercept", "coef"},
    {"standard_errors", "intercept_standard_errors", "std.error"},
    {"t_values", "intercept_t_values", "t"},
    {"p_values", "intercept_p_values", "p"},
};

static void render_vector_coef(const mlk_doc *learned, size_t p)
{
    const mlk_doc *features = mlk_doc_find(learned, "features");
    const mlk_doc *interval = mlk_doc_find(learned, "conf_int");
    const bool with_interval = is_vector(interval, p); /* of pairs */
    size_t n = 0;
    while (n < 4 && is_vector(mlk_doc_find(learned, statistics[n][0]), p))
        n++;
    const char *titles[8] = {""};
    for (size_t k = 0; k < n; k++)
        titles[1 + k] = statistics[k][2];
    titles[1 + n] = "95% low";
    titles[2 + n] = "high";
    mlk_text_table *t = mlk_text_table_new(titles, 1 + n + (with_interval ? 2 : 0));
    const mlk_doc *b = mlk_doc_find(learned, "intercept");
    if (b && !isnan(mlk_doc_real(b))) {
        const mlk_doc *b_interval = mlk_doc_find(learned, "intercept_conf_int");
        mlk_text_table_cell(t, "(intercept)");
        for (size_t k = 0; k < n; k++)
            mlk_text_table_number(t, mlk_doc_real(mlk_doc_find(learned, statistics[k][1])), DIGITS);
        for (size_t k = 0; with_interval && k < 2; k++)
            mlk_text_table_number(t, element(b_interval, k), DIGITS);
    }
    for (size_t j = 0; j < p && j < MANY; j++) {
        mlk_text_table_cell(t, j < mlk_doc_size(features) ? mlk_doc_text(mlk_doc_at(features, j))
                                                          : "");
        for (size_t k = 0; k < n; k++)
            mlk_text_table_number(t, element(mlk_doc_find(learned, statistics[k][0]), j), DIGITS);
        for (size_t k = 0; with_interval && k < 2; k++)
            mlk_text_table_number(t, element(mlk_doc_at(interval, j), k), DIGITS);
    }
    render_table(t, 2);
    if (p > MANY)
        printf("  ... and %zu more (all with --json)\n", p - MANY);
}

/* One column a class. */
static void render_matrix_coef(const mlk_doc *learned, mlk_doc_array coef, const mlk_doc *classes)
{
    enum { CLASSES = 8 };
    const mlk_doc *features = mlk_doc_find(learned, "features");
    const mlk_doc *b = mlk_doc_find(learned, "intercept");
    const size_t k = coef.rows < CLASSES ? coef.rows : CLASSES, p = coef.cols;
    const char *titles[CLASSES + 1] = {""};
    for (size_t i = 0; i < k; i++) {
        /* Two classes have one row: that of the positive one. */
        const size_t which = coef.rows == 1 ? 1 : i;
        titles[1 + i] =
            which < mlk_doc_size(classes) ? mlk_doc_text(mlk_doc_at(classes, which)) : "coef";
    }
    mlk_text_table *t = mlk_text_table_new(titles, k + 1);
    if (mlk_doc_kind_of(b) == MLK_DOC_ARRAY) {
        mlk_text_table_cell(t, "(intercept)");
        for (size_t i = 0; i < k; i++)
            mlk_text_table_number(t, element(b, i), DIGITS);
    }
    for (size_t j = 0; j < p && j < MANY; j++) {
        mlk_text_table_cell(t, j < mlk_doc_size(features) ? mlk_doc_text(mlk_doc_at(features, j))
                                                          : "");
        for (size_t i = 0; i < k; i++)
            mlk_text_table_number(t, ((const double *)coef.data)[i * p + j], DIGITS);
    }
    render_table(t, 2);
    if (p > MANY || coef.rows > CLASSES)
        printf("  ... cut; all with --json\n");
}

/* A vector as "name: 1.2 3.4 5.6 ...". */
static void render_short_vector(const char *key, mlk_doc_array a, const mlk_doc *node)
{
    char buf[64];
    enum { SHOWN = 10 };
    printf("  %s:", key);
    for (size_t i = 0; i < a.rows && i < SHOWN; i++)
        printf(" %s", a.type == MLK_F64 ? mlk_text_number(element(node, i), DIGITS, buf, sizeof buf)
                                        : "...");
    printf(a.rows > SHOWN ? " ... (%zu values)\n" : "\n", a.rows);
}

static bool is_coefficient(const char *key)
{
    if (strncmp(key, "intercept", 9) == 0 || strcmp(key, "features") == 0 ||
        strcmp(key, "conf_int") == 0 || strcmp(key, "classes") == 0)
        return true;
    for (size_t k = 0; k < 4; k++)
        if (strcmp(key, statistics[k][0]) == 0)
            return true;
    return false;
}

void render_learned(const mlk_doc *learned, const mlk_doc *classes)
{
    const mlk_doc *coef = mlk_doc_find(learned, "coef");
    const mlk_doc_array a = mlk_doc_array_of(coef);
    if (mlk_doc_kind_of(coef) == MLK_DOC_ARRAY && !a.cols)
        render_vector_coef(learned, a.rows);
    else if (mlk_doc_kind_of(coef) == MLK_DOC_ARRAY)
        render_matrix_coef(learned, a, classes);

    static const char *const titles[] = {"", ""};
    mlk_text_table *t = mlk_text_table_new(titles, 2);
    for (size_t i = 0; i < mlk_doc_size(learned); i++) {
        const char *key = mlk_doc_key_at(learned, i);
        const mlk_doc *node = mlk_doc_at(learned, i);
        char buf[64];
        const char *value = scalar(node, buf, sizeof buf);
        if (is_coefficient(key) || !value || mlk_doc_kind_of(node) == MLK_DOC_NULL)
            continue;
        mlk_text_table_cell(t, key);
        mlk_text_table_cell(t, value);
    }
    render_table(t, 2);
    for (size_t i = 0; i < mlk_doc_size(learned); i++) {
        const mlk_doc *node = mlk_doc_at(learned, i);
        const mlk_doc_array v = mlk_doc_array_of(node);
        if (mlk_doc_kind_of(node) == MLK_DOC_ARRAY && !v.cols && v.type == MLK_F64 &&
            !is_coefficient(mlk_doc_key_at(learned, i)))
            render_short_vector(mlk_doc_key_at(learned, i), v, node);
    }
}

/* ------------------------------------------------------------------- metrics */

static void interval_cell(mlk_text_table *t, const mlk_score *s)
{
    char low[64], high[64], both[140];
    if (!s || isnan(s->low)) {
        mlk_text_table_cell(t, "");
        return;
    }
    snprintf(both, sizeof both, "[%s, %s]", mlk_text_number(s->low, DIGITS, low, sizeof low),
             mlk_text_number(s->high, DIGITS, high, sizeof high));
    mlk_text_table_cell(t, both);
}

void render_metrics(const char *const *titles, const mlk_evaluation *const *evaluations, size_t n)
{
    const mlk_evaluation *last = evaluations[n - 1];
    const char *heads[8] = {"metric"};
    bool intervals = false;
    for (size_t i = 0; i < mlk_evaluation_size(last); i++)
        intervals |= !isnan(mlk_evaluation_at(last, i)->low);
    for (size_t k = 0; k < n; k++)
        heads[1 + k] = titles[k];
    heads[1 + n] = "baseline";
    heads[2 + n] = "95% interval";
    mlk_text_table *t = mlk_text_table_new(heads, 2 + n + intervals);
    for (size_t i = 0; i < mlk_evaluation_size(last); i++) {
        const mlk_score *s = mlk_evaluation_at(last, i);
        mlk_text_table_cell(t, s->metric->name);
        for (size_t k = 0; k < n; k++) {
            const mlk_score *of = mlk_evaluation_find(evaluations[k], s->metric->name);
            mlk_text_table_number(t, of ? of->value : (double)NAN, DIGITS);
        }
        mlk_text_table_number(t, s->baseline, DIGITS);
        if (intervals)
            interval_cell(t, s);
    }
    render_table(t, 2);
}

void render_confusion(const mlk_evaluation *evaluation, const char *const *classes, size_t k)
{
    enum { MOST = 30 };
    const mlk_cmat m = mlk_evaluation_confusion(evaluation);
    if (!m.rows || k > MOST)
        return;
    const char *heads[MOST + 1] = {"truth \\ predicted"};
    for (size_t j = 0; j < k; j++)
        heads[1 + j] = classes[j];
    mlk_text_table *t = mlk_text_table_new(heads, k + 1);
    for (size_t i = 0; i < k; i++) {
        mlk_text_table_cell(t, classes[i]);
        for (size_t j = 0; j < k; j++)
            mlk_text_table_number(t, m.data[i * m.ld + j], DIGITS);
    }
    render_table(t, 2);
}

void render_neighbourhood(size_t k, const char *const *titles, const map_verdict *const *verdicts,
                          size_t n)
{
    char title[64];
    const char *heads[4] = {title};
    snprintf(title, sizeof title, "%zu nearest neighbours", k);
    for (size_t i = 0; i < n; i++)
        heads[1 + i] = titles[i];
    mlk_text_table *t = mlk_text_table_new(heads, 1 + n);
    static const char *const names[] = {"trustworthiness", "continuity", "rows judged"};
    for (size_t row = 0; row < 3; row++) {
        mlk_text_table_cell(t, names[row]);
        for (size_t i = 0; i < n; i++) {
            const mlk_neighbourhood *kept = &verdicts[i]->kept;
            mlk_text_table_number(t,
                                  row == 0   ? kept->trustworthiness
                                  : row == 1 ? kept->continuity
                                             : (double)kept->rows,
                                  DIGITS);
        }
    }
    render_table(t, 2);
}
