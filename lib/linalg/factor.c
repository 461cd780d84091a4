#include "linalg/linalg.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "linalg/blas.h"

/*
 * LAPACK is called in its own column-major form through the _work interface, so that it allocates
 * nothing: a row-major symmetric matrix is its own transpose, with the triangles exchanged
 * ('U' there is the lower triangle here), and a row-major n x p matrix is a p x n one there.
 */

static double norm1_symmetric(mlk_mat A)
{
    double norm = 0.0;
    for (size_t i = 0; i < A.rows; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < A.rows; j++)
            sum += fabs(j <= i ? A.data[i * A.ld + j] : A.data[j * A.ld + i]);
        norm = fmax(norm, sum);
    }
    return norm;
}

mlk_status mlk_chol(mlk_mat A, double *rcond)
{
    const lapack_int p = (lapack_int)A.rows, ld = (lapack_int)A.ld;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *work = mlk_scratch_take(&scratch, 3 * A.rows, sizeof *work);
    lapack_int *iwork = mlk_scratch_take(&scratch, A.rows, sizeof *iwork);
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu matrix", A.rows, A.rows);
    }
    const double norm = norm1_symmetric(A);
    double reciprocal = 0.0;
    mlk_blas_enter();
    lapack_int info =
        isfinite(norm) ? LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', p, A.data, ld) : 1;
    if (info == 0)
        info = LAPACKE_dpocon_work(LAPACK_COL_MAJOR, 'U', p, A.data, ld, norm, &reciprocal, work,
                                   iwork);
    mlk_blas_leave();
    mlk_scratch_release(&scratch);
    if (rcond)
        *rcond = reciprocal;
    if (info != 0 || !(reciprocal > (double)p * DBL_EPSILON))
        return MLK_FAIL(MLK_ESINGULAR,
                        "the %zu x %zu system is singular to working precision (reciprocal "
                        "condition number %.1e)",
                        A.rows, A.rows, reciprocal);
    return MLK_OK;
}

void mlk_chol_solve(mlk_cmat L, mlk_mat B)
{
    mlk_blas_enter();
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)B.rows,
                (int)B.cols, 1.0, L.data, (int)L.ld, B.data, (int)B.ld);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)B.rows,
                (int)B.cols, 1.0, L.data, (int)L.ld, B.data, (int)B.ld);
    mlk_blas_leave();
}

mlk_status mlk_chol_inverse(mlk_mat L)
{
    mlk_blas_enter();
    const lapack_int info =
        LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', (lapack_int)L.rows, L.data, (lapack_int)L.ld);
    mlk_blas_leave();
    if (info != 0)
        return MLK_FAIL(MLK_ESINGULAR, "the %zu x %zu matrix is singular", L.rows, L.rows);
    for (size_t i = 0; i < L.rows; i++)
        for (size_t j = 0; j < i; j++)
            L.data[j * L.ld + i] = L.data[i * L.ld + j];
    return MLK_OK;
}

mlk_status mlk_eigh(mlk_mat A, size_t k, mlk_vec lambda, mlk_mat V)
{
    const lapack_int p = (lapack_int)A.rows, ld = (lapack_int)A.ld;
    const char job = V.data ? 'V' : 'N', range = k < A.rows ? 'I' : 'A';
    const lapack_int from = p - (lapack_int)k + 1;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *w = mlk_scratch_take(&scratch, A.rows, sizeof *w);
    double *z = mlk_scratch_mat(&scratch, V.data ? k : 1, A.rows).data; /* k columns of p */
    lapack_int *support = mlk_scratch_take(&scratch, 2 * A.rows, sizeof *support);
    double size_query = 0.0, *work = NULL;
    lapack_int isize_query = 0, *iwork = NULL, found = 0, info = 0;
    mlk_status st = MLK_OK;

    mlk_blas_enter();
    if (!scratch.failed)
        info =
            LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, job, range, 'U', p, A.data, ld, 0, 0, from, p,
                                0.0, &found, w, z, p, support, &size_query, -1, &isize_query, -1);
    work = mlk_scratch_take(&scratch, (size_t)size_query + 1, sizeof *work);
    iwork = mlk_scratch_take(&scratch, (size_t)isize_query + 1, sizeof *iwork);
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the eigenvalues of a %zu x %zu matrix", A.rows,
                      A.rows);
    else if (info == 0)
        info = LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, job, range, 'U', p, A.data, ld, 0, 0, from, p,
                                   0.0, &found, w, z, p, support, work, (lapack_int)size_query,
                                   iwork, isize_query);
    mlk_blas_leave();
    if (st == MLK_OK && (info != 0 || (size_t)found != k))
        st = MLK_FAIL(MLK_ESINGULAR, "the eigenvalues of a %zu x %zu matrix did not converge",
                      A.rows, A.rows);
    for (size_t c = 0; st == MLK_OK && c < k; c++) {
        lambda.data[c] = w[k - 1 - c];
        for (size_t i = 0; V.data && i < A.rows; i++)
            V.data[i * V.ld + c] = z[(k - 1 - c) * A.rows + i];
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_svd(mlk_mat A, mlk_mat U, mlk_vec s, mlk_mat Vt)
{
    /* A there is p x n: A' = V diag(s) U', so LAPACK's left vectors are the rows of our Vt and
     * its right ones (transposed) the columns of our U. */
    const size_t m = A.rows < A.cols ? A.rows : A.cols;
    const lapack_int n = (lapack_int)A.rows, p = (lapack_int)A.cols;
    const bool vectors = U.data || Vt.data;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat left = Vt.data ? Vt : mlk_scratch_mat(&scratch, vectors ? m : 1, A.cols);
    const mlk_mat right = U.data ? U : mlk_scratch_mat(&scratch, vectors ? A.rows : 1, m);
    lapack_int *iwork = mlk_scratch_take(&scratch, 8 * m, sizeof *iwork);
    double query = 0.0;
    lapack_int info = 0;
    mlk_status st = MLK_OK;

    mlk_blas_enter();
    if (!scratch.failed)
        info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, vectors ? 'S' : 'N', p, n, A.data,
                                   (lapack_int)A.ld, s.data, left.data, (lapack_int)left.ld,
                                   right.data, (lapack_int)right.ld, &query, -1, iwork);
    double *work = mlk_scratch_take(&scratch, (size_t)query + 1, sizeof *work);
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the singular values of a %zu x %zu matrix", A.rows,
                      A.cols);
    else if (info == 0)
        info =
            LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, vectors ? 'S' : 'N', p, n, A.data,
                                (lapack_int)A.ld, s.data, left.data, (lapack_int)left.ld,
                                right.data, (lapack_int)right.ld, work, (lapack_int)query, iwork);
    mlk_blas_leave();
    if (st == MLK_OK && info != 0)
        st = MLK_FAIL(MLK_ESINGULAR, "the singular values of a %zu x %zu matrix did not converge",
                      A.rows, A.cols);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_qr_pivot(mlk_mat At, mlk_vec tau, size_t *pivot)
{
    const lapack_int n = (lapack_int)At.cols, p = (lapack_int)At.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    lapack_int *jpvt = mlk_scratch_take(&scratch, At.rows, sizeof *jpvt);
    double query = 0.0;
    lapack_int info = 0;
    mlk_status st = MLK_OK;

    mlk_blas_enter();
    if (!scratch.failed) {
        memset(jpvt, 0, At.rows * sizeof *jpvt); /* every column is free to move */
        info = LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, n, p, At.data, (lapack_int)At.ld, jpvt,
                                   tau.data, &query, -1);
    }
    double *work = mlk_scratch_take(&scratch, (size_t)query + 1, sizeof *work);
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu matrix", At.cols, At.rows);
    else if (info == 0)
        info = LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, n, p, At.data, (lapack_int)At.ld, jpvt,
                                   tau.data, work, (lapack_int)query);
    mlk_blas_leave();
    if (st == MLK_OK && info != 0)
        st = MLK_FAIL(MLK_EINTERNAL, "dgeqp3 returned %d", (int)info);
    for (size_t j = 0; st == MLK_OK && j < At.rows; j++)
        pivot[j] = (size_t)jpvt[j] - 1;
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_qr_apply_t(mlk_cmat At, mlk_cvec tau, mlk_vec b)
{
    const lapack_int n = (lapack_int)At.cols, p = (lapack_int)At.rows;
    double query = 0.0;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_blas_enter();
    lapack_int info = LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'T', n, 1, p, At.data,
                                          (lapack_int)At.ld, tau.data, b.data, n, &query, -1);
    double *work = mlk_scratch_take(&scratch, (size_t)query + 1, sizeof *work);
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory to apply %zu reflections", At.rows);
    else if (info == 0)
        info = LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'T', n, 1, p, At.data, (lapack_int)At.ld,
                                   tau.data, b.data, n, work, (lapack_int)query);
    mlk_blas_leave();
    if (st == MLK_OK && info != 0)
        st = MLK_FAIL(MLK_EINTERNAL, "dormqr returned %d", (int)info);
    mlk_scratch_release(&scratch);
    return st;
}
