#include "linalg/linalg.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "linalg/blas.h"
#include "linalg/tile.h"

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

/* With A = [L11 L11', .; A21, A22]: L21 = A21 L11^-T, then the factor of A22 - L21 L21'. */
mlk_status mlk_chol_extend(mlk_mat A, size_t k, size_t *rank)
{
    const size_t p = A.rows;
    const int rest = (int)(p - k), ld = (int)A.ld;
    double *A21 = A.data + k * A.ld, *A22 = A21 + k;
    *rank = k;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *diagonal = mlk_scratch_vec(&scratch, p - k).data;
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu matrix", p, p);
    }
    for (size_t i = k; i < p; i++)
        diagonal[i - k] = A.data[i * A.ld + i];
    mlk_blas_enter();
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, rest, (int)k, 1.0,
                A.data, ld, A21, ld);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, rest, (int)k, -1.0, A21, ld, 1.0, A22, ld);
    const lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', rest, A22, ld);
    mlk_blas_leave();
    const size_t end = info > 0 ? k + (size_t)info - 1 : p; /* LAPACK itself came so far */
    for (; *rank < end; ++*rank) {
        const double pivot = A.data[*rank * A.ld + *rank];
        if (!(pivot * pivot > (double)p * DBL_EPSILON * diagonal[*rank - k]))
            break;
    }
    mlk_scratch_release(&scratch);
    return *rank == p ? MLK_OK
                      : MLK_FAIL(MLK_ESINGULAR,
                                 "the %zu x %zu system is singular to working precision", p, p);
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

mlk_status mlk_qr_apply(mlk_cmat At, mlk_cvec tau, mlk_op op, mlk_vec b)
{
    const lapack_int n = (lapack_int)At.cols, p = (lapack_int)At.rows;
    const char trans = op == MLK_TRANS ? 'T' : 'N';
    double query = 0.0;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_blas_enter();
    lapack_int info = LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', trans, n, 1, p, At.data,
                                          (lapack_int)At.ld, tau.data, b.data, n, &query, -1);
    double *work = mlk_scratch_take(&scratch, (size_t)query + 1, sizeof *work);
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory to apply %zu reflections", At.rows);
    else if (info == 0)
        info = LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', trans, n, 1, p, At.data,
                                   (lapack_int)At.ld, tau.data, b.data, n, work, (lapack_int)query);
    mlk_blas_leave();
    if (st == MLK_OK && info != 0)
        st = MLK_FAIL(MLK_EINTERNAL, "dormqr returned %d", (int)info);
    mlk_scratch_release(&scratch);
    return st;
}

/* ---- R of a tall matrix */

typedef struct tall_qr {
    mlk_cmat X;
    mlk_cvec w, y, shift, scale;
    size_t q, block;
    double *stack;   /* workers x (q + block) x q, column-major: R so far, then the next rows */
    double *tau;     /* workers x q */
    double *work;    /* workers x work_size */
    double *partial; /* chunks x q x q: R of each, column-major */
    size_t work_size;
} tall_qr;

/* Rows begin.. below the q rows of R so far; `ld` of the stack is q + block. */
static void stack_rows(const tall_qr *t, size_t begin, size_t rows, double *stack)
{
    const size_t p = t->X.cols, ld = t->q + t->block;
    for (size_t r = 0; r < t->block; r++) {
        double *out = stack + t->q + r;
        const size_t i = begin + r;
        const double root = r >= rows ? 0.0 : t->w.n ? sqrt(t->w.data[i]) : 1.0;
        out[0] = root;
        for (size_t j = 0; j + 1 < t->q; j++) {
            const double z = r >= rows ? 0.0 : j < p ? t->X.data[i * t->X.ld + j] : t->y.data[i];
            out[(j + 1) * ld] =
                root == 0.0 ? 0.0 : root * ((z - t->shift.data[j]) * t->scale.data[j]);
        }
    }
}

/* Replace the stack by its R, zeros below the diagonal. */
static mlk_status reduce_stack(const tall_qr *t, size_t rows, double *stack, size_t ld, double *tau,
                               double *work)
{
    const size_t q = t->q;
    mlk_blas_enter();
    const lapack_int info =
        LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (lapack_int)rows, (lapack_int)q, stack,
                            (lapack_int)ld, tau, work, (lapack_int)t->work_size);
    mlk_blas_leave();
    for (size_t j = 0; j < q; j++)
        memset(stack + j * ld + j + 1, 0, (rows - j - 1) * sizeof(double));
    return info == 0 ? MLK_OK : MLK_FAIL(MLK_EINTERNAL, "dgeqrf returned %d", (int)info);
}

static mlk_status tall_chunk(void *ctx, const mlk_chunk *c)
{
    const tall_qr *t = ctx;
    const size_t q = t->q, ld = q + t->block;
    double *stack = t->stack + c->worker * ld * q;
    for (size_t j = 0; j < q; j++)
        memset(stack + j * ld, 0, q * sizeof(double));
    for (size_t begin = c->begin; begin < c->end; begin += t->block) {
        stack_rows(t, begin, c->end - begin < t->block ? c->end - begin : t->block, stack);
        MLK_TRY(reduce_stack(t, ld, stack, ld, t->tau + c->worker * q,
                             t->work + c->worker * t->work_size));
    }
    for (size_t j = 0; j < q; j++)
        memcpy(t->partial + (c->index * q + j) * q, stack + j * ld, q * sizeof(double));
    return MLK_OK;
}

/* R of all chunks: each one's below what there is, in order. */
static mlk_status merge_chunks(const tall_qr *t, size_t chunks, double *pair, mlk_mat R)
{
    const size_t q = t->q;
    memset(pair, 0, 2 * q * q * sizeof(double));
    for (size_t k = 0; k < chunks; k++) {
        for (size_t j = 0; j < q; j++)
            memcpy(pair + j * 2 * q + q, t->partial + (k * q + j) * q, q * sizeof(double));
        MLK_TRY(reduce_stack(t, 2 * q, pair, 2 * q, t->tau, t->work));
    }
    for (size_t i = 0; i < q; i++)
        for (size_t j = 0; j < q; j++)
            R.data[i * R.ld + j] = j < i ? 0.0 : pair[j * 2 * q + i];
    return MLK_OK;
}

mlk_status mlk_tall_qr(mlk_cmat X, mlk_cvec w, mlk_cvec y, mlk_cvec shift, mlk_cvec scale,
                       const mlk_run *run, mlk_mat R)
{
    const size_t q = R.rows, block = q < 256 ? 1024 : 4 * q;
    const size_t grain = mlk_gram_grain(X.rows, block, q * q * sizeof(double));
    const size_t chunks = mlk_chunks(X.rows, grain);
    const mlk_run inner = mlk_run_inner(run);
    const size_t workers = mlk_workers(&inner, X.rows, grain);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    tall_qr t = {X, w, y, shift, scale, q, block, NULL, NULL, NULL, NULL, 64 * q};
    t.stack = mlk_scratch_mat(&scratch, workers * (q + block), q).data;
    t.tau = mlk_scratch_mat(&scratch, workers, q).data;
    t.work = mlk_scratch_mat(&scratch, workers, t.work_size).data;
    t.partial = mlk_scratch_mat(&scratch, chunks * q, q).data;
    double *pair = mlk_scratch_mat(&scratch, 2 * q, q).data;
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu matrix", X.rows, q)
                        : mlk_parallel_for(&inner, X.rows, grain, tall_chunk, &t);
    if (st == MLK_OK)
        st = merge_chunks(&t, chunks, pair, R);
    mlk_scratch_release(&scratch);
    return st;
}
