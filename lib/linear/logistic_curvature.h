#ifndef LINEAR_LOGISTIC_CURVATURE_H
#define LINEAR_LOGISTIC_CURVATURE_H

#include "linear/logistic_problem.h"

/*
 * The Hessian of the smooth part of a logistic_problem, where logistic_eval() was last, and the
 * solution of systems with it. With d_ab = c p_a (1_{a=b} - p_b), block (a, b) is X'diag(d_ab)X,
 * plus the penalty on the diagonal. Three kinds:
 *
 *   COUPLED  all k x k blocks: the Hessian itself (k = 1: there is no other)
 *   BLOCKS   those with a = b; the others 0
 *   SHARED   one block for all a = b, with the mean of the d_aa. Where all probabilities are
 *            equal this is, but for a factor, what the Hessian does to gradients: they sum to 0
 *            over the classes
 *
 * Against bad scaling, the system is solved for the columns shifted by their means (where the
 * intercept is free to absorb that) and scaled to a unit diagonal. Where it is singular to
 * working precision, the smallest multiple of the identity that cures it is added.
 */
typedef enum logistic_coupling {
    LOGISTIC_COUPLED,
    LOGISTIC_BLOCKS,
    LOGISTIC_SHARED
} logistic_coupling;

typedef struct logistic_curvature {
    const logistic_problem *p;
    logistic_coupling coupling;
    size_t blocks, size; /* k q rows in one block, k blocks of q, or one of q */
    double *A;           /* blocks x size x size: factors below the diagonal */
    double *scale;       /* blocks x size */
    double *shift;       /* p means, or NULL */
    double *w, *ones, *cross;
    double *turned; /* q x k: a right-hand side for the shared block */
    bool singular;  /* the latest factorisation needed help */
    mlk_scratch scratch;
} logistic_curvature;

mlk_status logistic_curvature_prepare(logistic_curvature *h, const logistic_problem *p,
                                      logistic_coupling coupling);
/* Another kind from the next filling on, that needs no more room than the one prepared for. */
void logistic_curvature_couple(logistic_curvature *h, logistic_coupling coupling);
/* The blocks themselves; or their factors. */
mlk_status logistic_curvature_fill(const logistic_curvature *h);
mlk_status logistic_curvature_factor(logistic_curvature *h);
/* v (k q values) := H^-1 v */
void logistic_curvature_solve(const logistic_curvature *h, double *v);
void logistic_curvature_release(logistic_curvature *h);

#endif
