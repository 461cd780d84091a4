#ifndef LINEAR_LOGISTIC_SOLVE_H
#define LINEAR_LOGISTIC_SOLVE_H

#include <mlkit/model.h>

#include "linear/logistic_curvature.h"
#include "linear/logistic_problem.h"

/* The solvers of a logistic_problem. Each starts from theta and improves it in place. */
typedef struct logistic_settings {
    double tol; /* largest component of the (sub)gradient at which to stop */
    size_t max_iter;
} logistic_settings;

typedef struct logistic_end {
    size_t iterations;
    bool converged;
    bool stalled;   /* no step gains any more in working precision */
    bool separated; /* some direction moves every row towards its class without end */
    bool singular;  /* no penalty, and columns that depend on each other */
    double f;       /* smooth part of the objective, and its gradient, at theta */
    double *g;      /* k q values, the caller's */
} logistic_end;

/* Smooth problems (l1 = 0): Newton's method with the exact Hessian. */
mlk_status logistic_newton(logistic_problem *p, const logistic_settings *s, double *theta,
                           logistic_end *end);
/* Smooth problems: L-BFGS, preconditioned by the curvature of a part of the rows. */
mlk_status logistic_lbfgs(logistic_problem *p, const logistic_settings *s, double *theta,
                          logistic_end *end);
/* Any problem: proximal Newton steps by coordinate descent on a working set. */
mlk_status logistic_proximal(logistic_problem *p, const logistic_settings *s, double *theta,
                             logistic_end *end);

/* Largest component of the minimum-norm subgradient of the objective, given the gradient g of
 * its smooth part. */
double logistic_violation(const logistic_problem *p, const double *theta, const double *g);

/*
 * Objective, bound on the distance to the optimum (logistic.h (2); NaN without a penalty) and
 * violation. Moves the free intercepts to their optimum first, which (2) asks for.
 */
mlk_status logistic_certify(logistic_problem *p, double tol, double *theta, logistic_end *end,
                            mlk_fit_info *info);

#endif
