#ifndef LINEAR_LOGISTIC_PROBLEM_H
#define LINEAR_LOGISTIC_PROBLEM_H

#include <mlkit/core.h>

#include "core/alloc.h"

/*
 * One minimisation of logistic.h (1) with its weights multiplied out: over k rows of q
 * coefficients, theta, of which the last is the intercept where there is one,
 *
 *     f(theta) = sum_i c_i loss(y_i, Z_i) + sum_cj (l2_j theta_cj^2 / 2 + l1_j |theta_cj|)
 *
 * k = 1: y_i is 0 or 1, loss = log(1 + exp(-+Z_i)). k > 1: loss = log sum_c exp(Z_ic) - Z_iy.
 */
typedef struct logistic_problem {
    mlk_cmat X;
    const double *y; /* n class numbers */
    const double *c; /* n factors C s_i, >= 0 */
    size_t k, q;
    bool intercept;
    const double *l1, *l2; /* q penalties */
    bool penalised;        /* l1 or l2 is not all 0 on the weights */
    const mlk_run *run;

    /* What the latest logistic_eval() left behind, besides f and its gradient. */
    double *curvature; /* k = 1: n values c_i p_i (1 - p_i); k > 1: k x n probabilities */
    double margin;     /* smallest lead of a row's class over the next, rows with c_i > 0 */

    /* Workspace. */
    size_t block, grain, chunks;
    double *partial; /* chunks x (k q + 2): gradient, loss, margin */
    double *buffer;  /* workers x logistic_buffer() */
    mlk_scratch scratch;
} logistic_problem;

/* Fills in the workspace; the fields above it are set. MLK_ENOMEM. */
mlk_status logistic_problem_prepare(logistic_problem *p);
void logistic_problem_release(logistic_problem *p);

/* *f = the smooth part of f (all but l1) at theta, g (k q values) its gradient; one read of X. */
mlk_status logistic_eval(logistic_problem *p, const double *theta, double *f, double *g);

/* Z (k x n) = the linear predictors. */
mlk_status logistic_scores(const logistic_problem *p, const double *theta, mlk_mat Z);

static inline size_t logistic_size(const logistic_problem *p) { return p->k * p->q; }

#endif
