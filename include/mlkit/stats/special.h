#ifndef MLK_STATS_SPECIAL_H
#define MLK_STATS_SPECIAL_H

#include <mlkit/core.h>

/**
 * @file special.h
 * @brief The special functions behind the distributions.
 *
 * Relative accuracy is about 1e-14 (1 + |log of the value|): the term in the logarithm is what the
 * exponential of a rounded argument costs far out in a tail. Arguments out of their domain give
 * NaN. Prefactors follow Loader's saddle-point expansion [loader2000], which keeps its digits
 * for large parameters; the rest is a power series or a continued fraction [dlmf, 8.7, 8.9, 8.17].
 */

MLK_BEGIN_DECLS

/** log |Gamma(x)|. */
double mlk_log_gamma(double x);
/** log B(a, b) for a, b > 0, without the cancellation of three log-gammas. */
double mlk_log_beta(double a, double b);

/** Regularised incomplete gamma functions P(a, x) and Q = 1 - P, a > 0, x >= 0. */
double mlk_gamma_p(double a, double x);
double mlk_gamma_q(double a, double x);

/**
 * Regularised incomplete beta function I_x(a, b), a, b > 0, given x in [0, 1] and y = 1 - x: who
 * knows both without cancellation passes both. The complement is mlk_beta_inc(b, a, y, x).
 */
double mlk_beta_inc(double a, double b, double x, double y);

MLK_END_DECLS

#endif
