#ifndef SVM_SMO_H
#define SVM_SMO_H

#include <mlkit/core.h>

/*
 * Sequential minimal optimisation on a kernel matrix in memory. Minimises over b in R^m
 *
 *     1/2 b'Qb + q'b + kink ||b||_1,   lo <= b <= hi,   the sum of b over each group constant
 *
 * A sample has a variable in each of one or two groups, and Q[s, t] = K[sample of s, sample of t].
 * It knows only the gradient g = Qb + q, which it keeps current. In these signed variables
 * (b = y alpha, b = alpha - alpha*) all machines look alike; the kink, the width of regression's
 * tube, stops a move that crosses 0 there.
 *
 * Each step moves the pair (i, j) of one group with b_i up and b_j down: i violates most, j gains
 * most to second order [Fan, Chen and Lin 2005, WSS 2].
 *
 * Most steps move few samples, those between the bounds. With an `inner` problem, the samples that
 * violate most are solved alone, their part of K copied together, and the moves then applied to all
 * of g: steps cost what the inner problem is long.
 */

enum { SMO_LANES = 8 }; /* the arrays of a group are padded to a multiple of this */

static inline size_t smo_pad(size_t n) { return (n + SMO_LANES - 1) / SMO_LANES * SMO_LANES; }

/* Floats of a row of n: readable beyond its end by two vectors. */
static inline size_t smo_row_length(size_t n) { return (n + 2 * SMO_LANES + 15) / 16 * 16; }

/* As fmax(), for numbers; compiled to one instruction. */
static inline double smo_max(double a, double b) { return a > b ? a : b; }

typedef struct smo {
    float *K; /* n x n, rows of ld floats, readable up to a multiple of SMO_LANES */
    size_t ld;
    size_t n, groups;
    double kink;
    float *diagonal; /* n, padded */
    /* per variable: group k's begin at k * smo_pad(n); padding has lo = hi = beta = 0 */
    double *beta, *g, *lo, *hi;
    double *up,
        *down;   /* work: up - g: how much b wants to rise, down + g: to fall; -inf: may not */
    double path; /* the sum of the steps that went into g one by one, rounded each */
    struct smo *inner; /* arrays for `room` samples; or NULL */
    size_t room;
    size_t *chosen;      /* n: samples of the inner problem, in rising order */
    double *keys, *work; /* n */
} smo;

/* Steps until the largest violation is <= eps or `max_steps` are done. Returns the steps;
 * *violation is what is left. */
size_t mlk_smo_solve(smo *s, double eps, size_t max_steps, double *violation);

#endif
