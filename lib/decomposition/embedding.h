#ifndef DECOMPOSITION_EMBEDDING_H
#define DECOMPOSITION_EMBEDDING_H

#include <mlkit/core/doc.h>

#include "core/alloc.h"

/*
 * What the maps share: what they keep of their rows, classical scaling of a matrix of squared
 * distances S (n x n),
 *
 *     B = -1/2 J S J,   J = I - 11'/n,   Z = V diag(root of lambda)
 *
 * with the k largest eigenpairs of B [torgerson1952], the place of new points in such a map by
 * their squared distances to the rows [gower1968; desilva2004], and how well distances are kept.
 */

/* A map and the rows that it is of; kept by those that place new rows by the old ones. */
typedef struct map_rows {
    mlk_scratch memory; /* of the whole model */
    size_t n, p, k;
    mlk_mat X, Z;   /* n x p, n x k */
    mlk_vec lambda; /* k */
} map_rows;

/* Room; memory.failed where there is none. */
void map_rows_init(size_t n, size_t p, size_t k, map_rows *m);
/* embedding, eigenvalues */
void map_rows_learned(const map_rows *m, mlk_doc *to);
/* These and the rows. */
void map_rows_save(const map_rows *m, mlk_doc *to);
/* From a model file: its shape, before anything is asked memory for; then the values. MLK_EFORMAT;
 * positive: eigenvalues must be. */
mlk_status map_rows_shape(const mlk_doc *from, size_t p, size_t *n, size_t *k);
mlk_status map_rows_load(const mlk_doc *from, bool positive, map_rows *m);

/* Shape of the embedding in a model file, and its eigenvalues, which must be positive. */
mlk_status map_load_shape(const mlk_doc *from, size_t *n, size_t *k);
mlk_status map_check_positive(mlk_cvec lambda);

/* n_components of a map of n rows: MLK_EINVAL where n < 2 or k > n - 1. */
mlk_status map_check_components(size_t n, int64_t k);
/* MLK_ESINGULAR where all rows are equal. */
mlk_status map_check_spread(mlk_cmat X, const mlk_run *run);
/* MLK_EINVAL where lambda (descending) has eigenvalues that are not positive up to rounding;
 * `what` is what has fewer dimensions than were asked for. MLK_ESINGULAR: none is positive. */
mlk_status map_check_rank(mlk_cvec lambda, size_t n, const char *what);

/* Each column less its mean. */
void map_centre(mlk_mat X);
/* Each column with the sign that makes its element of largest magnitude (the first of several)
 * positive. */
void map_fix_signs(mlk_mat Z);

/* lambda, Z and the means of the rows of S; fails as map_check_rank(). */
mlk_status map_classical(mlk_cmat S, const char *what, const mlk_run *run, mlk_vec means,
                         mlk_vec lambda, mlk_mat Z);

/* z (k values) of a point with squared distances s (n) to the rows of the map; s is destroyed. */
void map_place(mlk_cmat Z, mlk_cvec lambda, mlk_cvec means, mlk_vec s, double *z);

/* S (n x n) = squared distances of the rows of X, each by its definition. */
mlk_status map_squared_distances(mlk_cmat X, const mlk_run *run, mlk_mat S);

/*
 * *error = root of (||B||^2 - sum of lambda^2) / n, scikit-learn's reconstruction error, and
 * *residual = 1 - r^2 with the correlation r of the pairwise distances (roots of S) and those in Z
 * [tenenbaum2000]; NaN where either does not vary.
 */
mlk_status map_fidelity(mlk_cmat S, mlk_cvec means, mlk_cvec lambda, mlk_cmat Z, const mlk_run *run,
                        double *error, double *residual);

#endif
