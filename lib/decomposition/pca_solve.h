#ifndef DECOMPOSITION_PCA_SOLVE_H
#define DECOMPOSITION_PCA_SOLVE_H

#include <mlkit/core.h>

/*
 * Leading pairs of the covariance of X: `lambda` with divisor n - 1, descending, V (k x p) one
 * component a row, of any sign.
 */
typedef struct pca_problem {
    mlk_cmat X;
    mlk_cvec mean;
    mlk_mat G;      /* n >= p: Xc'Xc, for pca_covariance(), which destroys it */
    mlk_vec lambda; /* min(n, p) values; the first k are written */
    mlk_mat V;      /* at most min(n, p) rows; the first k are written */
} pca_problem;

/* k eigenpairs of Xc'Xc, or by Xc Xc' where n < p. */
mlk_status pca_covariance(const pca_problem *t, size_t k, const mlk_run *run);
/* Singular value decomposition of a centred copy: all of min(n, p) pairs. */
mlk_status pca_full(const pca_problem *t, const mlk_run *run);
mlk_status pca_randomised(const pca_problem *t, size_t k, uint64_t seed, const mlk_run *run);

/* Z (rows x k) = (X - mean) W, W p x k, through a centred copy of a few rows at a time; mean may be
 * empty. */
mlk_status pca_project(mlk_cmat X, mlk_cvec mean, mlk_cmat W, const mlk_run *run, mlk_mat Z);

/* Minka's number of components for a spectrum of p variances, descending, of n rows. `room` has
 * p + 1 values. */
size_t pca_minka(mlk_cvec spectrum, size_t n, double *room);

#endif
