#ifndef SVM_DUAL_H
#define SVM_DUAL_H

#include "svm/dual_cache.h"

/*
 * The dual problem of every kernel machine, in signed variables b:
 *
 *     minimise 1/2 b'Qb + q'b + kink ||b||_1,   lo <= b <= hi,
 *     the sum of b over each group as it is at the start
 *
 * over the rows of one or two ranges of a kernel set (the classes of a pair). A sample has a
 * variable in each of one or two groups (the nu forms; the second group's stand behind the first);
 * f = K (sum of the sample's b), and the gradient of variable t is f[t mod n] + q[t]. The kink is
 * the tube's width of regression, b = alpha - alpha*.
 *
 * Decomposition with working sets as large as the memory for their kernel matrix allows [Joachims
 * 1999; Wen, Shi, Li, He and Chen 2018]: from a start of a few thousand samples the set grows by
 * those that violate most, and with `shrinking` loses those that stand at a bound and violate with
 * nobody. Its matrix, in single precision, keeps what the sets have in common; SMO solves the
 * subproblem (smo.h); the moves then change f by kernel values that are computed and used at once,
 * never stored. A problem of up to DUAL_WHOLE samples is its own working set.
 *
 * At the end f is computed anew in double from all that is not 0, wherever it matters: for these
 * samples themselves, and for those that might violate. For the rest a bound on the error of single
 * precision (mlk_kernel_error(), times the length of the way that b has gone) shows that they
 * cannot. Is the violation then still above tol, iteration goes on from this f: single precision
 * only ever adds small corrections to it, as in iterative refinement. So violation, objective and
 * gap are those of double.
 */

/* How far b has gone since f was exact, in units of the kernel's scale: the sum of all moves, the
 * same times the rows' radius, and the roundings of SMO. */
typedef struct dual_path {
    double moves, reach, rounding;
} dual_path;

typedef struct dual {
    unsigned groups;       /* 1 or 2 */
    double kink;           /* >= 0 */
    double *beta;          /* groups * n: a start within the bounds; the solution */
    double *f;             /* n: K beta, at start and end */
    dual_path *path;       /* of f; in and out */
    const double *lo, *hi; /* groups * n; lo <= 0 <= hi */
    const double *q;       /* groups * n; NULL: 0 */
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
    size_t n_bounded; /* variables at a bound that is not 0 */
} dual;

/* What sample i of n counts for in f. */
static inline double dual_coefficient(const dual *d, size_t n, size_t i)
{
    return d->beta[i] + (d->groups > 1 ? d->beta[n + i] : 0.0);
}

mlk_status mlk_dual_solve(dual *d, dual_cache *cache, const mlk_run *run);

/* f = K (sum of a sample's beta) in double, for all samples. */
mlk_status mlk_dual_exact(dual *d, const dual_cache *cache, const mlk_run *run);

#endif
