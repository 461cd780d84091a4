#ifndef SVM_PRIMAL_H
#define SVM_PRIMAL_H

#include <mlkit/core.h>

/*
 * Linear machines by Newton's method on the primal. Minimises over w in R^p and b in R
 *
 *     pen(w) + sum_i C_i loss(u_i)    pen = 1/2 ||w||^2 or ||w||_1  (plus that of b, if penalised)
 *
 *     u_i = 1 - y_i (x_i'w + b)         margins,    y_i = +-1
 *     u_i = |x_i'w + b - y_i| - epsilon tubes
 *     loss(u) = max(0, u)^2 or max(0, u)
 *
 * The squared loss has a generalised Hessian that changes only with the set of rows where u > 0
 * [Mangasarian 2002; Keerthi and DeCoste 2005]: its Gram matrix is kept and updated by the rows
 * that enter and leave, so that a step costs one pass over X and little more. The plain loss is
 * rounded off over a width h (u^2 / 2h for 0 < u < h, then u - h/2) [Chapelle 2007], and h shrinks
 * until the duality gap of the unrounded problem is small: that of the multipliers that the
 * rounded one's gradient gives, which are feasible. ||w||_1 makes each step a lasso of p variables
 * on that Hessian, by coordinate descent. A strided tenth of many rows gives the start.
 *
 * Beyond PRIMAL_DENSE columns the step comes, but for L1, from conjugate gradients with products
 * over the active rows. Cost of a step: n p + rows changed * p^2 + p^3 / 3.
 */
enum { PRIMAL_DENSE = 3000 };

typedef struct primal {
    mlk_cmat X;
    const double *y, *C; /* n each */
    bool tube, squared, l1, penalise_b;
    double epsilon;
    double tol; /* of the gap, relative to the objective */
    size_t max_iter;
    double *w; /* p + 1: the solution, the intercept last */
    /* results */
    double width; /* of rounding at the end */
    size_t iterations;
    bool converged;
    double objective, gap;
} primal;

mlk_status mlk_primal_solve(primal *p, const mlk_run *run);

#endif
