#ifndef SVM_LINEAR_START_H
#define SVM_LINEAR_START_H

#include "svm/dual.h"

/*
 * A start for the dual problem where the kernel is linear and the samples are many more than the
 * columns. SMO then takes millions of steps, for K has no more than p dimensions; Newton's method
 * on the primal problem (primal.h) takes some thirty passes over the rows. Its hinge is rounded
 * off over a width h, and the slopes of the losses at its solution are dual variables, within the
 * bounds, whose violation is h: with h below the tolerance they are the solution, else SMO goes on
 * from them. Cost: n p + p^2 a pass, p^3 / 3 a step. Where SMO is done after some hundred steps a
 * column, as on classes that lie apart, it is faster.
 */

/* Is this a problem for it: linear kernel, one group whose sum is 0, n >> p. */
bool mlk_linear_start_fits(const dual *d, const dual_cache *cache);

/* beta and f, whatever they were; adds the passes to the steps. MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_linear_start(dual *d, const dual_cache *cache, const mlk_run *run);

#endif
