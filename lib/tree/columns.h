#ifndef TREE_COLUMNS_H
#define TREE_COLUMNS_H

#include <mlkit/core.h>

/*
 * The design as exact splits want it: column by column, each value replaced by its rank among the
 * column's distinct values. Ranks compare as the values do, so thresholds found on them are exact;
 * they are 4 bytes, sort by radix and count directly. Rows of weight 0 are left out: they are no
 * part of the sample.
 *
 *   code:   column 0: [ rank rank ... (n) ]  column 1: [ ... ]          rank < n_codes[j],
 *                                                                        n_codes[j] = missing
 *   values: column 0: [ v_0 < v_1 < ... (n_codes[0]) ]  column 1: ...    (numeric columns)
 *
 * A categorical column's ranks are its level codes; an unseen level counts as missing. -0 is 0.
 */
typedef struct mlk_columns {
    size_t n, p;
    uint32_t *row;     /* n: row of the data that kept row i was */
    uint32_t *code;    /* p x n */
    uint32_t *n_codes; /* p: distinct values, or levels */
    double **values;   /* p: ascending distinct values of a numeric column, unless raw */
    double *raw;       /* p x n values, NaN = missing, instead of the numeric columns' ranks */
    bool *categorical; /* p */
} mlk_columns;

/* Of checked data. raw: keep the values of numeric columns, which random cuts ask for, and rank
 * nothing. MLK_EUNSUPPORTED beyond 2^31 - 1 rows or levels, or 2^28 - 1 columns. */
mlk_status mlk_columns_new(const mlk_data *data, bool raw, const mlk_run *run,
                           mlk_columns **columns);
void mlk_columns_free(mlk_columns *columns);

static inline const uint32_t *mlk_columns_code(const mlk_columns *c, size_t j)
{
    return c->code + j * c->n;
}

#endif
