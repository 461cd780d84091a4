#include "table_chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All columns with two values or more; of more than `most` those that have most to do with the
 * target (or come first). */
static size_t choose_columns(const mlk_table_summary *s, size_t most, size_t *chosen)
{
    size_t n = 0;
    const size_t cols = mlk_table_summary_cols(s), target = mlk_table_summary_target(s);
    double strengths[TABLE_CHART_COLUMNS];
    for (size_t j = 0; j < cols && j < MLK_SUMMARY_PAIRED; j++) {
        const mlk_column_summary *c = mlk_table_summary_column(s, j);
        double strength = mlk_association_strength(c->target);
        strength = j == target ? 2.0 : isnan(strength) ? -1.0 : strength;
        if (c->distinct < 2)
            continue;
        size_t at = n < most ? n : most;
        while (at > 0 && strengths[at - 1] < strength)
            at--;
        if (at == most)
            continue;
        const size_t keep = n < most ? n : most - 1;
        memmove(strengths + at + 1, strengths + at, (keep - at) * sizeof *strengths);
        memmove(chosen + at + 1, chosen + at, (keep - at) * sizeof *chosen);
        strengths[at] = strength;
        chosen[at] = j;
        n = keep + 1;
    }
    for (size_t i = 1; i < n; i++) /* in the order of the table */
        for (size_t k = i; k > 0 && chosen[k - 1] > chosen[k]; k--) {
            const size_t swap = chosen[k];
            chosen[k] = chosen[k - 1];
            chosen[k - 1] = swap;
        }
    return n;
}

mlk_plot *table_chart_map(const mlk_table_summary *s, size_t *n)
{
    size_t chosen[TABLE_CHART_COLUMNS];
    const char *names[TABLE_CHART_COLUMNS];
    double values[TABLE_CHART_COLUMNS * TABLE_CHART_COLUMNS];
    const size_t k = *n = choose_columns(s, TABLE_CHART_COLUMNS, chosen);
    if (k < 2)
        return NULL;
    for (size_t i = 0; i < k; i++) {
        names[i] = mlk_table_summary_column(s, chosen[i])->name;
        for (size_t j = 0; j < k; j++) {
            const mlk_association a = mlk_table_summary_association(s, chosen[i], chosen[j]);
            const double v = a.kind == MLK_ASSOCIATION_R ? a.value : mlk_association_strength(a);
            values[i * k + j] = i == j ? 1.0 : v;
        }
    }
    return mlk_chart_correlation((mlk_cmat){values, k, k, k}, names);
}

static mlk_plot *column_chart(const mlk_column *c, size_t rows)
{
    if (c->type == MLK_NUMERIC)
        return mlk_chart_histogram(c->name, (mlk_cvec){c->values, rows});
    double *counts = calloc(c->n_levels + 1, sizeof *counts);
    for (size_t i = 0; counts && i < rows; i++)
        if (c->codes[i] != MLK_MISSING_CODE)
            counts[c->codes[i]] += 1.0;
    mlk_plot *chart =
        counts ? mlk_chart_levels(c->name, c->levels, (mlk_cvec){counts, c->n_levels}) : NULL;
    free(counts);
    return chart;
}

size_t table_chart_all(const mlk_table *table, const mlk_table_summary *s, picture *to)
{
    size_t chosen[TABLE_CHART_COLUMNS], mapped;
    const size_t room = sizeof to->plots / sizeof to->plots[0] - 1; /* and the map */
    const size_t n = choose_columns(s, room, chosen);
    for (size_t i = 0; i < n; i++) {
        const mlk_column c = mlk_table_column(table, chosen[i]);
        picture_add(to, column_chart(&c, mlk_table_rows(table)));
    }
    mlk_plot *map = table_chart_map(s, &mapped);
    if (mapped > 1)
        picture_add(to, map);
    return n;
}
