#ifndef STATS_SPECIAL_H
#define STATS_SPECIAL_H

#include <mlkit/stats/special.h>

/* Densities in Loader's form, for the slopes that quantiles need. */

/* x^a exp(-x) / Gamma(a + 1): the Poisson probability of a at mean x, for real a >= 0. */
double mlk_poisson_term(double a, double x);
/* (a + b)! / (a! b!) x^a y^b: the binomial probability of a in a + b, for real a, b. */
double mlk_binomial_term(double a, double b, double x, double y);

#endif
