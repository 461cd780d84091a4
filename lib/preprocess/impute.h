#ifndef PREPROCESS_IMPUTE_H
#define PREPROCESS_IMPUTE_H

#include <mlkit/core/doc.h>

#include "preprocess/columns.h"

/* The value that stands in for a missing one, column by column. */

typedef enum mlk_impute {
    MLK_IMPUTE_MEAN,
    MLK_IMPUTE_MEDIAN,
    MLK_IMPUTE_MODE,
    MLK_IMPUTE_DROP, /* no values: rows are left out */
    MLK_IMPUTE_NONE
} mlk_impute;

typedef struct mlk_imputer {
    size_t p;
    double fill[]; /* a number, or a level code (MLK_UNSEEN: the column had no value) */
} mlk_imputer;

/* Learn from X with the level counts (NULL: all numbers) and statistics of its columns; kind is
 * mean, median or mode. MLK_ENOMEM. */
mlk_status mlk_imputer_fit(mlk_cmat X, const size_t *levels, const mlk_column_stats *stats,
                           mlk_impute kind, const mlk_run *run, mlk_imputer **imputer);
/* Fill one row in place. */
void mlk_imputer_row(const mlk_imputer *imputer, double *x);
void mlk_imputer_save(const mlk_imputer *imputer, mlk_doc *to);
mlk_status mlk_imputer_load(const mlk_doc *from, size_t p, mlk_imputer **imputer);

#endif
