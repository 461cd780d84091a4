#ifndef LINEAR_LOGISTIC_CURVATURE_H
#define LINEAR_LOGISTIC_CURVATURE_H

#include "linear/logistic_problem.h"

/*
 * The Hessian of the smooth part of a logistic_problem, where logistic_eval() was last, and the
 * solution of systems with it. With d_ab = c p_a (1_{a=b} - p_b), block (a, b) is X'diag(d_ab)X,
 * plus the penalty on the diagonal. `coupled` holds all k x k blocks; otherwise only those with
 * a = b are kept, which is a preconditioner.
 *
 * Against bad scaling, the system is solved for the columns shifted by their means (where the
 * intercept is free to absorb that) and scaled to a unit diagonal. Where it is singular to
 * working precision, the smallest multiple of the identity that cures it is added.
 */
typedef struct logistic_curvature {
    const logistic_problem *p;
    size_t blocks, size; /* 1 of k q rows, or k of q rows */
    double *A;           /* blocks x size x size: factors below the diagonal */
    double *scale;       /* blocks x size */
    double *shift;       /* p means, or NULL */
    double *w, *ones, *cross;
    bool singular; /* the latest factorisation needed help */
    mlk_scratch scratch;
} logistic_curvature;

mlk_status logistic_curvature_prepare(logistic_curvature *h, const logistic_problem *p,
                                      bool coupled);
/* The blocks themselves; or their factors. */
mlk_status logistic_curvature_fill(const logistic_curvature *h);
mlk_status logistic_curvature_factor(logistic_curvature *h);
/* v (k q values) := H^-1 v */
void logistic_curvature_solve(const logistic_curvature *h, double *v);
void logistic_curvature_release(logistic_curvature *h);

#endif
