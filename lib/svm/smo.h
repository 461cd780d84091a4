#ifndef SVM_SMO_H
#define SVM_SMO_H

#include <mlkit/core.h>

/*
 * Sequential minimal optimisation on a kernel matrix in memory. Minimises over b in R^m
 *
 *     1/2 b'Qb + q'b,   lo <= b <= hi,   the sum of b over each group constant
 *
 * where variable t belongs to sample t mod n and Q[s, t] = K[s mod n, t mod n]. It knows only the
 * gradient g = Qb + q, which it keeps current. In these signed variables (b = y alpha) all
 * machines look alike: C-SVC has one variable a sample, regression two.
 *
 * Each step moves the pair (i, j) of one group with b_i up and b_j down: i violates most, j gains
 * most to second order [Fan, Chen and Lin 2005, WSS 2].
 */

enum { SMO_LANES = 8 }; /* the arrays of a range are padded to a multiple of this */

/* Variables of one copy (their samples follow one another) in one group. */
typedef struct smo_range {
    size_t begin, end; /* padded variables: begin is a multiple of SMO_LANES */
    size_t shift;      /* of variable t: sample t - shift, a column of K */
    int group;         /* 0 or 1 */
} smo_range;

typedef struct smo {
    const float *K; /* n x n, rows of ld floats, readable up to a multiple of SMO_LANES */
    size_t ld;
    const float *diagonal; /* n, padded */
    size_t n_ranges;       /* 1 or 2 */
    smo_range ranges[2];
    /* per padded variable; padding has lo = hi = beta = 0 */
    double *beta, *g;
    const double *lo, *hi;
    double *up, *down; /* work: 0 where b may still rise (fall), else -inf */
} smo;

/* Steps until the largest violation is <= eps or `max_steps` are done. Returns the steps;
 * *violation is what is left. */
size_t mlk_smo_solve(smo *s, double eps, size_t max_steps, double *violation);

#endif
