#ifndef LINEAR_RIDGE_SYSTEM_H
#define LINEAR_RIDGE_SYSTEM_H

#include <mlkit/core.h>

#include "core/alloc.h"

/*
 * What all alphas of one data set share: the centred, weighted products of the columns (primal) or
 * of the rows (dual, where n < p), formed once, and their decompositions, made when first asked
 * for. Z = root(S) (X - means), z = root(S) (y - mean).
 */
typedef struct ridge_system {
    const mlk_data *data;
    bool intercept, dual;
    size_t m;     /* p, or n in the dual */
    mlk_mat G;    /* primal: [Z z]'[Z z], (p + 1)^2; dual: ZZ', n^2 */
    mlk_mat A;    /* m x m, for factors */
    mlk_mat Z;    /* dual: n x p */
    mlk_vec z;    /* dual: n */
    mlk_vec mean; /* p + 1: of X and, last, of y */
    mlk_vec unit; /* m: scales A to unit diagonal */
    bool decomposed;
    mlk_mat Vt;          /* k x p right singular vectors of Z */
    mlk_vec s, c;        /* k singular values, U'z */
    mlk_scratch scratch; /* owns all of it */
} ridge_system;

/* Forms the products. `system` is to be released whatever the status. */
mlk_status ridge_system_init(const mlk_data *data, bool intercept, const mlk_run *run,
                             ridge_system *system);
void ridge_system_release(ridge_system *system);

/* w for one alpha by Cholesky. MLK_ESINGULAR: to working precision; *rcond tells how near. */
mlk_status ridge_system_cholesky(ridge_system *system, double alpha, const mlk_run *run, mlk_vec w,
                                 double *rcond);
/* The same by the singular values of Z; alpha = 0: those above the noise, the shortest w. */
mlk_status ridge_system_svd(ridge_system *system, double alpha, const mlk_run *run, mlk_vec w);

#endif
