#ifndef MLK_STATS_STUDENTIZED_RANGE_H
#define MLK_STATS_STUDENTIZED_RANGE_H

#include <mlkit/core.h>

/**
 * @file studentized_range.h
 * @brief The range of k standard normal variables (Tukey's studentized range with infinite degrees
 *        of freedom), for comparisons of all pairs.
 *
 *     P(Q <= q) = k integral phi(z) (Phi(z) - Phi(z - q))^(k-1) dz     (1)
 *
 * by the trapezoidal rule, which converges geometrically on such integrands; error below 1e-13.
 */

MLK_BEGIN_DECLS

/** P(Q <= q) and P(Q > q) for k >= 2 variables; NaN otherwise. */
double mlk_range_cdf(double q, size_t k);
/** P(Q > q), as accurate in the tail (absolute error below 1e-13). */
double mlk_range_sf(double q, size_t k);
/** The q with P(Q > q) = upper, 0 < upper < 1; NaN otherwise. */
double mlk_range_upper(double upper, size_t k);

MLK_END_DECLS

#endif
