#ifndef SVM_DUAL_H
#define SVM_DUAL_H

#include "kernel/kernel.h"

/*
 * The dual problem of every kernel machine, in signed variables b:
 *
 *     minimise 1/2 b'Qb + q'b,   lo <= b <= hi,   the sum of b over each group as it is at the
 * start
 *
 * over the rows of one or two ranges of a kernel set (the classes of a pair). A sample has one
 * variable or two (`copies`; the second ones stand behind all first ones, and are a group of their
 * own for the nu forms); f = K (sum of the copies of b), and the gradient of variable t is
 * f[t mod n] + q[t].
 *
 * Decomposition with working sets as large as the memory for their kernel matrix allows [Joachims
 * 1999; Wen, Shi, Li, He and Chen 2018]: from a start of a few thousand samples the set grows by
 * those that violate most, and with `shrinking` loses those that stand at a bound and violate with
 * nobody. Its matrix, in single precision, keeps what the sets have in common; SMO solves the
 * subproblem (smo.h); the moves then change f by kernel values that are computed and used at once,
 * never stored. A problem of up to DUAL_WHOLE samples is its own working set.
 *
 * At the end f is computed anew in double from all that is not 0. Is the violation then still
 * above tol, iteration goes on from this f: single precision only ever adds small corrections to
 * it, as in iterative refinement. So violation, objective and gap are true in double.
 */

enum { DUAL_WHOLE = 2048 };

/* Rows begin[r] .. end[r] - 1 of the set, r < count, are the samples 0..n-1. */
typedef struct dual_rows {
    size_t count;
    size_t begin[2], end[2];
} dual_rows;

static inline size_t dual_rows_n(const dual_rows *r)
{
    return r->end[0] - r->begin[0] + (r->count > 1 ? r->end[1] - r->begin[1] : 0);
}

/* Row of the set that sample i is. */
static inline size_t dual_rows_at(const dual_rows *r, size_t i)
{
    const size_t first = r->end[0] - r->begin[0];
    return i < first ? r->begin[0] + i : r->begin[1] + (i - first);
}

/* The kernel matrix of the last working set, kept between solves with the same set and samples. */
typedef struct dual_cache {
    const mlk_kernel_set *set;
    dual_rows rows;
    size_t n;
    size_t capacity, ld; /* samples of a working set, floats of a row */
    float *K;            /* capacity x ld */
    size_t *members;     /* capacity: samples of the working set, in the order of K */
    size_t count;
} dual_cache;

/* Room for problems of up to max_n samples, each to begin with mlk_dual_cache_reset(). */
mlk_status mlk_dual_cache_init(dual_cache *cache, const mlk_kernel_set *set, size_t max_n,
                               double megabytes);
void mlk_dual_cache_reset(dual_cache *cache, const dual_rows *rows);
void mlk_dual_cache_free(dual_cache *cache);

typedef struct dual {
    unsigned copies;       /* variables a sample: 1 or 2 */
    bool by_copy;          /* each copy's variables are a group of their own */
    double *beta;          /* copies * n: a start within the bounds; the solution */
    double *f;             /* n: K beta, at start and end */
    const double *lo, *hi; /* copies * n; lo <= 0 <= hi */
    const double *q;       /* copies * n; NULL: 0 */
    double tol;
    size_t max_steps;
    bool shrinking;
    /* results */
    size_t steps;
    bool converged;
    double violation; /* in double */
    double bias[2];   /* of each group */
    double objective; /* of the problem above */
    double gap;       /* of the primal problem's objective to -objective */
} dual;

mlk_status mlk_dual_solve(dual *d, dual_cache *cache, const mlk_run *run);

/* f = K (sum of the copies of beta) in double. */
mlk_status mlk_dual_exact(dual *d, const dual_cache *cache, const mlk_run *run);

#endif
