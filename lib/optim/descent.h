#ifndef OPTIM_DESCENT_H
#define OPTIM_DESCENT_H

#include <mlkit/core.h>

/*
 * Minimisation of a smooth convex function f of n variables by quasi-Newton steps: L-BFGS with
 * `memory` pairs around an approximation B of the Hessian that the caller may supply and may
 * renew at every iterate. memory = 0 with B the Hessian itself is Newton's method.
 *
 * Two-loop recursion [Nocedal and Wright 2006, algorithm 7.4] with initial matrix gamma B^-1,
 * gamma = s'y / (y'B^-1 y); line search for the weak Wolfe conditions by bracketing with
 * quadratic interpolation, where differences of f drown in rounding by the derivative alone
 * (approximate Wolfe conditions [Hager and Zhang 2005, eq. 27]).
 */
typedef struct mlk_descent {
    size_t n, memory, max_iter;
    void *ctx;
    /* f and its gradient g at x. An infinite or NaN f shortens the step. */
    mlk_status (*eval)(void *ctx, const double *x, double *f, double *g);
    /* v := B^-1 v. NULL: B = I. */
    mlk_status (*precondition)(void *ctx, double *v);
    /* Renew B for x, the point that eval saw last. NULL: B stays. */
    mlk_status (*refresh)(void *ctx, size_t iteration, const double *x);
    /* Stop at x? `decrement` = -g'd >= 0 for the direction d that would be taken: about
     * 2 (f - f*) where B is good. */
    bool (*stop)(void *ctx, size_t iteration, double f, const double *g, double decrement);
} mlk_descent;

typedef enum mlk_descent_end {
    MLK_DESCENT_STOPPED, /* stop() said so */
    MLK_DESCENT_LIMIT,   /* max_iter iterations done */
    MLK_DESCENT_STALLED  /* no step makes f smaller in working precision */
} mlk_descent_end;

/* From x (n values) to the point where it ended, in place; *iterations (unless NULL) counts
 * accepted steps. */
mlk_status mlk_descend(const mlk_descent *problem, double *x, mlk_descent_end *end,
                       size_t *iterations);

#endif
