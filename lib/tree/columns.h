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
    double **values;   /* p: ascending distinct values; NULL for a categorical column */
    double **coarse;   /* p: every MLK_COARSE-th of the values, for searching; NULL likewise */
} mlk_columns;

enum { MLK_COARSE = 64 };

/* Of checked data. MLK_EUNSUPPORTED beyond 2^31 rows or levels. */
mlk_status mlk_columns_new(const mlk_data *data, const mlk_run *run, mlk_columns **columns);
void mlk_columns_free(mlk_columns *columns);

static inline const uint32_t *mlk_columns_code(const mlk_columns *c, size_t j)
{
    return c->code + j * c->n;
}

static inline bool mlk_columns_categorical(const mlk_columns *c, size_t j) { return !c->values[j]; }

#endif
