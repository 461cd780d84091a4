#ifndef MLK_STATS_DISTRIBUTION_H
#define MLK_STATS_DISTRIBUTION_H

#include <mlkit/core.h>

/**
 * @file distribution.h
 * @brief Distribution functions, upper tails and quantiles of the test statistics.
 *
 * cdf(x) = P(X <= x); sf(x) = P(X > x), with full relative accuracy where it is small; quantile(p)
 * is the x with cdf(x) = p, and upper(q) the x with sf(x) = q. Degrees of freedom are real
 * and > 0 (infinite: the limit). p, q in [0, 1]. Anything else gives NaN. Accuracy as in special.h.
 */

MLK_BEGIN_DECLS

/* Standard normal. */
double mlk_normal_cdf(double x);
double mlk_normal_sf(double x);
double mlk_normal_quantile(double p);
double mlk_normal_upper(double q);

/** Student's t. */
double mlk_t_cdf(double t, double df);
double mlk_t_sf(double t, double df);
double mlk_t_quantile(double p, double df);
double mlk_t_upper(double q, double df);

/** Fisher's F with df1 (numerator) and df2 degrees of freedom. */
double mlk_f_cdf(double x, double df1, double df2);
double mlk_f_sf(double x, double df1, double df2);
double mlk_f_quantile(double p, double df1, double df2);
double mlk_f_upper(double q, double df1, double df2);

/** Chi-squared. */
double mlk_chi2_cdf(double x, double df);
double mlk_chi2_sf(double x, double df);
double mlk_chi2_quantile(double p, double df);
double mlk_chi2_upper(double q, double df);

/** P(X <= k) and P(X > k) of n trials with success probability p. */
double mlk_binomial_cdf(double k, double n, double p);
double mlk_binomial_sf(double k, double n, double p);

MLK_END_DECLS

#endif
