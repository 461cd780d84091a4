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

/* C (m x n) = A (m x k) B' in single precision, row-major with the given leading dimensions */
void mlk_gemm_f32(size_t m, size_t n, size_t k, const float *A, size_t lda, const float *B,
                  size_t ldb, float *C, size_t ldc);

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
/* G (q x q, q = p + 1 with y, p where y is empty) = [X y]' diag(w) [X y], in one read; `centre`:
 * after subtracting the weighted means, which go to `mean` (q values, else zeros). A value that is
 * not finite makes its diagonal element of G so. */
mlk_status mlk_gram_augmented(mlk_cmat X, mlk_cvec w, mlk_cvec y, bool centre, const mlk_run *run,
                              mlk_mat G, mlk_vec mean);
/* The Gram matrix of [(X - shift) scale, (y - shift) scale, 1] (q x q, q = p + 2, or p + 1 with y
 * empty) as high + low, in twice the working precision: shift and scale have a value for each
 * column but the last of X and y, and scale has one more for the roots of the weights; scales are
 * powers of two that bring all values into [-1, 1], and the differences should be exact. */
mlk_status mlk_gram_exact(mlk_cmat X, mlk_cvec w, mlk_cvec y, mlk_cvec shift, mlk_cvec scale,
                          const mlk_run *run, mlk_mat high, mlk_mat low);
/* K = X X', both triangles */
mlk_status mlk_gram_rows(mlk_cmat X, const mlk_run *run, mlk_mat K);
/* X' r (n x p times n), parallel over chunks of rows */
mlk_status mlk_gemv_t(mlk_cmat X, mlk_cvec r, const mlk_run *run, mlk_vec out);
/* Weighted column means (w empty: all 1); out has p values. */
mlk_status mlk_column_means(mlk_cmat X, mlk_cvec w, const mlk_run *run, mlk_vec out);
/* Means and variances with divisor n (of weights), two passes. */
mlk_status mlk_column_moments(mlk_cmat X, mlk_cvec w, const mlk_run *run, mlk_vec mean,
                              mlk_vec var);

/* Smallest and largest value of each column; n >= 1. NaN is passed over. */
mlk_status mlk_column_range(mlk_cmat X, const mlk_run *run, mlk_vec lo, mlk_vec hi);

/* ---- layout */
/* T (cols x rows) = A', blocked */
mlk_status mlk_transpose(mlk_cmat A, const mlk_run *run, mlk_mat T);
void mlk_copy(mlk_cmat A, mlk_mat B);

/* ---- factorisations and solves; the arguments named "in place" are overwritten */
/* Cholesky A = L L' of a symmetric positive definite matrix, lower triangle in place. *rcond
 * (unless NULL): reciprocal condition number in the 1-norm. MLK_ESINGULAR: not positive definite
 * to working precision. */
mlk_status mlk_chol(mlk_mat A, double *rcond);
/* The same for a matrix whose first k rows hold the factor of its leading k x k block already.
 * rcond is not computed. MLK_ESINGULAR: the pivot of row *rank is at most p eps times its diagonal
 * element; the leading *rank x *rank block holds its factor. */
mlk_status mlk_chol_extend(mlk_mat A, size_t k, size_t *rank);
/* Solve A X = B with the factor from mlk_chol(); B (p x k) in place. */
void mlk_chol_solve(mlk_cmat L, mlk_mat B);

/* Symmetric eigenproblem A = V diag(lambda) V', of the `k` largest pairs (k = p: all), descending.
 * A is destroyed; lambda has k values; V is p x k (V.data NULL: values only). */
mlk_status mlk_eigh(mlk_mat A, size_t k, mlk_vec lambda, mlk_mat V);

/* Turns n values, `stride` apart, so that the largest in magnitude is positive: of those within a
 * millionth of it the first, so that rounding does not decide between equals. */
void mlk_fix_sign(double *v, size_t n, size_t stride);

/* out = A X for a symmetric A that only this function knows; X is n x b, b small. */
typedef mlk_status (*mlk_operator)(void *ctx, mlk_cmat X, const mlk_run *run, mlk_mat out);
/* The k largest eigenpairs of it, descending, V n x k with orthonormal columns, to residuals of at
 * most tol times the eigenvalue of largest magnitude; k well below n. MLK_ESINGULAR: it does not
 * converge. */
mlk_status mlk_eigs(mlk_operator apply, void *ctx, size_t n, size_t k, double tol,
                    const mlk_run *run, mlk_vec lambda, mlk_mat V);
/* mlk_eigh() in parallel, by iteration where A is large and k small; all of A is read. */
mlk_status mlk_eigh_top(mlk_mat A, size_t k, const mlk_run *run, mlk_vec lambda, mlk_mat V);

/* Cholesky factor of a positive definite matrix of n rows in which A[i, j] = 0 for j < i - width:
 * row i of `band` (n x (width + 1)) holds A[i, i - width..i]. In place. MLK_ESINGULAR. */
mlk_status mlk_band_chol(mlk_mat band);
/* Solve A X = B with that factor; B (n x k) in place. */
void mlk_band_solve(mlk_cmat band, mlk_mat B);

/* Thin singular value decomposition A = U diag(s) V' of an n x p matrix, m = min(n, p): U n x m,
 * s m values descending, Vt m x p. A is destroyed. U.data or Vt.data may be NULL. */
mlk_status mlk_svd(mlk_mat A, mlk_mat U, mlk_vec s, mlk_mat Vt);

/* QR with column pivoting, A P = Q R, of an n x p matrix with n >= p, given and left in
 * column-major order (`At` is p x n, row j = column j of A): R above, reflectors below.
 * tau has p values, pivot p. */
mlk_status mlk_qr_pivot(mlk_mat At, mlk_vec tau, size_t *pivot);
/* b (n) = Q' b or Q b for that factorisation. */
mlk_status mlk_qr_apply(mlk_cmat At, mlk_cvec tau, mlk_op op, mlk_vec b);

/* R (upper triangular, q x q, zeros below) of the QR decomposition of the tall matrix
 * diag(root of w) [1, (X - shift) scale, (y - shift) scale], with n >= 1 rows and q = p + 2, or
 * p + 1 with y empty; shift and scale have q - 1 values. Householder reflections throughout, by
 * chunks of rows. */
mlk_status mlk_tall_qr(mlk_cmat X, mlk_cvec w, mlk_cvec y, mlk_cvec shift, mlk_cvec scale,
                       const mlk_run *run, mlk_mat R);

/*
 * Whitening: W (p x *rank, in p x p) with W'SW = I and W W' a generalised inverse of
 *
 *     S = sum_i w_i (x_i - mean)(x_i - mean)' + diag(ridge)
 *
 * where mean is the weighted mean of the rows, to which `shift` (p values) is near; ridge empty: 0.
 * From the singular values of the columns, each scaled to length 1 in S: those of at most tol do
 * not count. *log_det: log det S where *rank = p. Columns that differ from their shift by rounding
 * alone are constant. MLK_ESINGULAR: S overflows.
 */
mlk_status mlk_whiten(mlk_cmat X, mlk_cvec w, mlk_cvec shift, mlk_cvec ridge, double tol,
                      const mlk_run *run, mlk_mat W, size_t *rank, double *log_det);

/* The symmetric matrix M = high + low in twice the working precision: M = P U' D U P' with unit
 * upper triangular U, of its leading `p` columns, pivoting for size; the others are carried along.
 * In place: row k holds D[k] on the diagonal and U[k, j] beyond it; behind `rank` rows what
 * is left. A pivot that is no more than tol times its original value ends it. */
mlk_status mlk_twofold_ldl(mlk_mat high, mlk_mat low, size_t p, double tol, size_t *pivot,
                           size_t *rank);
/* T = U^-1 of the leading `p` columns of that, unit upper triangular. */
void mlk_twofold_inverse(mlk_cmat high, mlk_cmat low, size_t p, mlk_mat t_high, mlk_mat t_low);

#endif
