#ifndef PREPROCESS_COLUMNS_H
#define PREPROCESS_COLUMNS_H

#include <mlkit/core.h>

/* What the steps learn from: statistics of each column over the values that are not missing. */
typedef struct mlk_column_stats {
    size_t count;    /* values that are not NaN */
    double min, max; /* inf, -inf when there is none */
    double mean;     /* exact when min = max; 0 when there is no value */
    double var;      /* divisor count */
} mlk_column_stats;

/* Counts, ranges and means of X's columns into stats (X.cols of them); with `spread` also the
 * variances, in a second pass around the mean. */
mlk_status mlk_columns_scan(mlk_cmat X, bool spread, const mlk_run *run, mlk_column_stats *stats);

/* As if each missing value had been fill[j]; n rows. */
void mlk_columns_fill(mlk_column_stats *stats, size_t p, size_t n, const double *fill);

/* Quantile q of each column's values that are not NaN (stats has their counts), by linear
 * interpolation (type 7), into out; NaN where there is none. A sample brackets the order statistic;
 * one pass counts what lies outside and collects what lies inside. MLK_ENOMEM. */
mlk_status mlk_columns_quantile(mlk_cmat X, const mlk_column_stats *stats, double q,
                                const mlk_run *run, double *out);

/* Values of column j that are not NaN, in row order, to out; returns their number. */
size_t mlk_column_gather(mlk_cmat X, size_t j, double *out);

/* Numbers of the rows of X without NaN into `rows` (X.rows places); returns how many. */
size_t mlk_complete_rows(mlk_cmat X, size_t *rows);

#endif
