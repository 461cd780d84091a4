#ifndef MLK_STATS_DESCRIBE_H
#define MLK_STATS_DESCRIBE_H

#include <mlkit/core.h>

/**
 * @file describe.h
 * @brief Numbers that summarise a column. NaN values are missing and left out.
 */

MLK_BEGIN_DECLS

/** Summary of the values present; NaN where too few are (one for mean, two for sd). */
typedef struct mlk_description {
    size_t n, missing;
    double mean, sd; /**< sd with divisor n - 1. */
    double min, q1, median, q3, max;
} mlk_description;

/** O(n) time, a copy of x in memory. MLK_ENOMEM. */
mlk_status mlk_describe(mlk_cvec x, mlk_description *out);

/** Mean by compensated summation; NaN for no values. */
double mlk_mean(mlk_cvec x);
/** Sum of squared deviations from the mean over (n - ddof), in two passes; NaN for n <= ddof. */
double mlk_variance(mlk_cvec x, double ddof);
/** Pearson's correlation of two vectors of the same length; NaN where one is constant. */
double mlk_correlation(mlk_cvec x, mlk_cvec y);
/**
 * Quantiles q[k] in [0, 1] into out[k], by linear interpolation between order statistics (type 7
 * of [hyndman1996], the default of NumPy and R). x: at least one value. MLK_EINVAL, MLK_ENOMEM.
 */
mlk_status mlk_quantiles(mlk_cvec x, mlk_cvec q, mlk_vec out);

MLK_END_DECLS

#endif
