#ifndef LINALG_LINALG_H
#define LINALG_LINALG_H

#include <mlkit/core.h>

/*
 * Dense linear algebra on row-major views. The only user of CBLAS and LAPACKE.
 *
 * BLAS is called with one thread; the parallel routines (those with a `run`)
 * cut the problem by its shape and sum in a fixed order, so the same bytes come
 * out for any number of threads. A factorisation of rank or condition trouble
 * says so: every solve reports the reciprocal condition number.
 */

typedef enum mlk_op { MLK_NO_TRANS, MLK_TRANS } mlk_op;

/* ---- vectors */
double mlk_dot(mlk_cvec x, mlk_cvec y);
double mlk_norm(mlk_cvec x);                    /* Euclidean, without overflow */
void mlk_axpy(double a, mlk_cvec x, mlk_vec y); /* y += a x */
void mlk_scal(double a, mlk_vec x);             /* x *= a */

/* ---- products, one thread */
/* y = alpha op(A) x + beta y */
void mlk_gemv(mlk_op op, double alpha, mlk_cmat A, mlk_cvec x, double beta, mlk_vec y);
/* C = alpha op(A) op(B) + beta C */
void mlk_gemm(mlk_op opa, mlk_op opb, double alpha, mlk_cmat A, mlk_cmat B, double beta, mlk_mat C);

/* ---- products, parallel, the same bytes for any number of threads */
/* out = X w + b */
mlk_status mlk_affine(mlk_cmat X, mlk_cvec w, double b, const mlk_run *run, mlk_vec out);
/* C = A op(B), A tall */
mlk_status mlk_gemm_rows(mlk_cmat A, mlk_op opb, mlk_cmat B, const mlk_run *run, mlk_mat C);
/* G = X' diag(w) X and, unless c.data is NULL, c = X' diag(w) y; both triangles of G.
 * w empty: all 1; `shift` of length p (or empty) is subtracted from each row of X first, and
 * y_shift from y. n >> p: one read of X. */
mlk_status mlk_gram(mlk_cmat X, mlk_cvec w, mlk_cvec y, mlk_cvec shift, double y_shift,
                    const mlk_run *run, mlk_mat G, mlk_vec c);
/* K = X X', both triangles */
mlk_status mlk_gram_rows(mlk_cmat X, const mlk_run *run, mlk_mat K);
/* X' r (n x p times n), parallel over chunks of rows */
mlk_status mlk_gemv_t(mlk_cmat X, mlk_cvec r, const mlk_run *run, mlk_vec out);
/* Weighted column means (w empty: all 1); out has p values. */
mlk_status mlk_column_means(mlk_cmat X, mlk_cvec w, const mlk_run *run, mlk_vec out);
/* Means and variances with divisor n (of weights), two passes. */
mlk_status mlk_column_moments(mlk_cmat X, mlk_cvec w, const mlk_run *run, mlk_vec mean,
                              mlk_vec var);

/* ---- layout */
/* T (cols x rows) = A', blocked */
mlk_status mlk_transpose(mlk_cmat A, const mlk_run *run, mlk_mat T);
void mlk_copy(mlk_cmat A, mlk_mat B);

/* ---- factorisations and solves; the arguments named "in place" are overwritten */
/* Cholesky A = L L' of a symmetric positive definite matrix, lower triangle in place. *rcond
 * (unless NULL): reciprocal condition number in the 1-norm. MLK_ESINGULAR: not positive definite
 * to working precision. */
mlk_status mlk_chol(mlk_mat A, double *rcond);
/* Solve A X = B with the factor from mlk_chol(); B (p x k) in place. */
void mlk_chol_solve(mlk_cmat L, mlk_mat B);
/* A^-1 (both triangles) from the factor, in place. MLK_ESINGULAR. */
mlk_status mlk_chol_inverse(mlk_mat L);

/* Symmetric eigenproblem A = V diag(lambda) V', of the `k` largest pairs (k = p: all), descending.
 * A is destroyed; lambda has k values; V is p x k (V.data NULL: values only). */
mlk_status mlk_eigh(mlk_mat A, size_t k, mlk_vec lambda, mlk_mat V);

/* Thin singular value decomposition A = U diag(s) V' of an n x p matrix, m = min(n, p): U n x m,
 * s m values descending, Vt m x p. A is destroyed. U.data or Vt.data may be NULL. */
mlk_status mlk_svd(mlk_mat A, mlk_mat U, mlk_vec s, mlk_mat Vt);

/* QR with column pivoting, A P = Q R, of an n x p matrix with n >= p, given and left in
 * column-major order (`At` is p x n, row j = column j of A): R above, reflectors below.
 * tau has p values, pivot p. */
mlk_status mlk_qr_pivot(mlk_mat At, mlk_vec tau, size_t *pivot);
/* b (n) = Q' b for that factorisation. */
mlk_status mlk_qr_apply_t(mlk_cmat At, mlk_cvec tau, mlk_vec b);

#endif
