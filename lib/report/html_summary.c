#include <mlkit/report/html.h>

#include <math.h>
#include <stdio.h>

#include <mlkit/report/text.h>

/* The part of a page that shows a table's summary. */

static const char *percent(size_t part, size_t whole, char *buf, size_t size)
{
    const double share = whole ? 100.0 * (double)part / (double)whole : 0.0;
    snprintf(buf, size, "%.*f %%", share < 10.0 && part ? 1 : 0, share);
    return buf;
}

static void add_shape(mlk_page *page, const mlk_table_summary *s)
{
    const size_t rows = mlk_table_summary_rows(s), cols = mlk_table_summary_cols(s);
    const size_t missing = mlk_table_summary_missing(s), target = mlk_table_summary_target(s);
    const mlk_level_count *classes;
    const size_t k = mlk_table_summary_classes(s, &classes);
    size_t numeric = 0;
    char value[64], remark[128], share[32];
    for (size_t j = 0; j < cols; j++)
        numeric += mlk_table_summary_column(s, j)->type == MLK_NUMERIC;
    snprintf(value, sizeof value, "%zu", rows);
    snprintf(remark, sizeof remark, "%zu of them copies of others",
             mlk_table_summary_duplicates(s));
    mlk_page_figure_of_merit(page, "Rows", value, remark);
    snprintf(value, sizeof value, "%zu", cols);
    snprintf(remark, sizeof remark, "%zu numeric, %zu categorical", numeric, cols - numeric);
    mlk_page_figure_of_merit(page, "Columns", value, remark);
    snprintf(value, sizeof value, "%zu", missing);
    mlk_page_figure_of_merit(page, "Missing values", value,
                             percent(missing, rows * cols, share, sizeof share));
    if (target == SIZE_MAX)
        return;
    snprintf(remark, sizeof remark, k ? "%zu classes" : "numbers", k);
    mlk_page_figure_of_merit(page, "Target", mlk_table_summary_column(s, target)->name, remark);
}

static void add_classes(mlk_page *page, const mlk_table_summary *s)
{
    static const char *const titles[] = {"Class", "Rows", "Share"};
    const mlk_level_count *classes;
    const size_t k = mlk_table_summary_classes(s, &classes);
    size_t total = 0;
    if (!k)
        return;
    for (size_t i = 0; i < k; i++)
        total += classes[i].count;
    mlk_page_table(page, "Classes of the target", titles, 3);
    for (size_t i = 0; i < k && i < 100; i++) {
        char share[32];
        mlk_page_cell(page, classes[i].level);
        mlk_page_number(page, (double)classes[i].count, 6);
        mlk_page_sorted(page, percent(classes[i].count, total, share, sizeof share),
                        (double)classes[i].count);
    }
    mlk_page_table_end(page);
}

/* What a column has to do with the target, in two cells. */
static void add_relation(mlk_page *page, const mlk_table_summary *s, size_t j)
{
    const mlk_column_summary *c = mlk_table_summary_column(s, j);
    char text[96] = "\u2013", number[64];
    static const char *const names[] = {"", "r", "\u03b7\u00b2", "V"};
    if (mlk_table_summary_target(s) == SIZE_MAX)
        return;
    if (c->target.kind != MLK_ASSOCIATION_NONE)
        snprintf(text, sizeof text, "%s %s", names[c->target.kind],
                 mlk_text_number(c->target.value, 2, number, sizeof number));
    if (j == mlk_table_summary_target(s))
        snprintf(text, sizeof text, "target");
    mlk_page_sorted(page, text, mlk_association_strength(c->target));
    mlk_page_number(page, c->power, 2);
}

static void add_numeric(mlk_page *page, const mlk_table_summary *s)
{
    static const char *const titles[] = {"Column",    "Missing",     "Distinct", "Mean", "Sd",
                                         "Min",       "25 %",        "Median",   "75 %", "Max",
                                         "Histogram", "With target", "Power"};
    const bool target = mlk_table_summary_target(s) != SIZE_MAX;
    mlk_page_table(page, "Numeric columns", titles, target ? 13 : 11);
    for (size_t j = 0; j < mlk_table_summary_cols(s); j++) {
        const mlk_column_summary *c = mlk_table_summary_column(s, j);
        const mlk_description *d = &c->numbers;
        const double figures[] = {d->mean, d->sd, d->min, d->q1, d->median, d->q3, d->max};
        char text[256];
        if (c->type != MLK_NUMERIC)
            continue;
        mlk_page_cell(page, c->name);
        mlk_page_number(page, (double)c->missing, 6);
        mlk_page_number(page, (double)c->distinct, 6);
        for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
            mlk_page_number(page, figures[k], 4);
        snprintf(text, sizeof text, "Histogram of %.200s", c->name);
        mlk_page_bars(page, text, c->bins, c->n_bins);
        add_relation(page, s, j);
    }
    mlk_page_table_end(page);
}

static void add_categorical(mlk_page *page, const mlk_table_summary *s)
{
    static const char *const titles[] = {"Column", "Missing",     "Distinct", "Most frequent",
                                         "Levels", "With target", "Power"};
    const bool target = mlk_table_summary_target(s) != SIZE_MAX;
    mlk_page_table(page, "Categorical columns", titles, target ? 7 : 5);
    for (size_t j = 0; j < mlk_table_summary_cols(s); j++) {
        const mlk_column_summary *c = mlk_table_summary_column(s, j);
        size_t counts[MLK_SUMMARY_TOP], at = 0;
        char text[512] = "", share[32], label[256];
        if (c->type != MLK_CATEGORICAL)
            continue;
        for (size_t k = 0; k < c->n_top; k++) {
            counts[k] = c->top[k].count;
            if (at < sizeof text)
                at += (size_t)snprintf(text + at, sizeof text - at, "%s%.60s %s", k ? ", " : "",
                                       c->top[k].level,
                                       percent(c->top[k].count, c->numbers.n, share, sizeof share));
        }
        if (c->distinct > c->n_top && at < sizeof text)
            snprintf(text + at, sizeof text - at, ", \u2026");
        mlk_page_cell(page, c->name);
        mlk_page_number(page, (double)c->missing, 6);
        mlk_page_number(page, (double)c->distinct, 6);
        mlk_page_cell(page, text);
        snprintf(label, sizeof label, "Rows of the most frequent levels of %.200s", c->name);
        mlk_page_bars(page, label, counts, c->n_top);
        add_relation(page, s, j);
    }
    mlk_page_table_end(page);
}

static void add_pairs(mlk_page *page, const mlk_table_summary *s)
{
    static const char *const titles[] = {"Column", "Column", "Measure", "Value"};
    static const char *const names[] = {"", "r", "\u03b7\u00b2", "V"};
    const mlk_column_pair *pairs;
    const size_t n = mlk_table_summary_pairs(s, &pairs);
    if (!n)
        return;
    mlk_page_heading(page, "Columns that say the same");
    mlk_page_table(page, "The most closely related pairs of columns", titles, 4);
    for (size_t k = 0; k < n; k++) {
        mlk_page_cell(page, mlk_table_summary_column(s, pairs[k].a)->name);
        mlk_page_cell(page, mlk_table_summary_column(s, pairs[k].b)->name);
        mlk_page_cell(page, names[pairs[k].association.kind]);
        mlk_page_number(page, pairs[k].association.value, 3);
    }
    mlk_page_table_end(page);
}

void mlk_page_table_summary(mlk_page *page, const mlk_table_summary *s)
{
    const mlk_remark *remarks;
    const size_t n = mlk_table_summary_remarks(s, &remarks);
    const bool target = mlk_table_summary_target(s) != SIZE_MAX;
    size_t numeric = 0;
    add_shape(page, s);
    for (size_t i = 0; i < n; i++)
        mlk_page_warning(page, "%s", remarks[i].text);
    for (size_t j = 0; j < mlk_table_summary_cols(s); j++)
        numeric += mlk_table_summary_column(s, j)->type == MLK_NUMERIC;
    add_classes(page, s);
    if (numeric)
        add_numeric(page, s);
    if (numeric < mlk_table_summary_cols(s))
        add_categorical(page, s);
    if (target)
        mlk_page_text(page, "With target: correlation r of numbers, share of variance \u03b7\u00b2 "
                            "that categories explain, Cram\u00e9r's V of categories. Power: how "
                            "well the column alone predicts the target on rows it has not seen, "
                            "from 0 to 1.");
    if (mlk_table_summary_sampled(s) < mlk_table_summary_rows(s))
        mlk_page_text(page, "Columns were compared on %zu rows drawn at random.",
                      mlk_table_summary_sampled(s));
    add_pairs(page, s);
}
