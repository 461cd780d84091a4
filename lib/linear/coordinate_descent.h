#ifndef LINEAR_COORDINATE_DESCENT_H
#define LINEAR_COORDINATE_DESCENT_H

#include <mlkit/core.h>

/*
 * Coordinate descent, and where there is a Gram matrix Newton steps on the faces it finds, for
 *
 *     P(w) = 1/2 ||t - Z w||^2 + l1 ||w||_1 + l2/2 ||w||^2       [positive: over w >= 0]      (1)
 *
 * with g = Z'(t - Z w). A pass sets each w_j to its minimiser given the others. Every few passes
 * there is a step of face.h or, without a Gram matrix, an extrapolation [bertrand2021], taken when
 * it lowers P.
 */
typedef struct mlk_face mlk_face;

typedef struct mlk_cd_penalty {
    double l1, l2;
    bool positive;
} mlk_cd_penalty;

typedef struct mlk_cd_problem {
    size_t m;            /* number of coordinates */
    const double *norm2; /* ||z_j||^2; 0: w_j stays as it is */
    double *w;           /* in and out */
    double *g;           /* m values; out, and with a Gram matrix in */
    /* Either the Gram matrix, ... */
    mlk_cmat G;       /* Z'Z, or data NULL */
    const double *zt; /* Z't */
    double tt;        /* ||t||^2 */
    mlk_face *face;   /* for Newton steps */
    /* ... or columns: coordinate j is row set[j] of Z, and r = t - Z w in and out, all padded
     * as lanes.h asks. */
    mlk_cmat Z;
    const size_t *set;
    double *r;
    size_t n; /* of r, padding included */
} mlk_cd_problem;

/*
 * An upper bound on P(w) - min P: the gap to the dual function
 * D(theta) = t'theta - ||theta||^2 / 2 - sum_j max(0, |z_j'theta| - l1)^2 / (2 l2) at
 * theta = s (t - Z w). It is a sum of terms >= 0, so nothing cancels. rr = ||t - Z w||^2;
 * *s is the multiple used.
 */
double mlk_cd_gap(const mlk_cd_penalty *q, size_t m, const double *w, const double *g, double rr,
                  double *s);

/* l1 ||w||_1 + l2/2 ||w||^2 */
double mlk_cd_penalty_of(const mlk_cd_penalty *q, const double *w, size_t m);

/*
 * Minimise (1) until the gap is at most `target`, or *passes (counted upwards) is max_passes, or a
 * pass changes nothing. MLK_ENOMEM, MLK_ECANCELLED.
 */
mlk_status mlk_cd_minimise(const mlk_cd_problem *problem, const mlk_cd_penalty *q, double target,
                           int64_t max_passes, const mlk_run *run, int64_t *passes);

#endif
