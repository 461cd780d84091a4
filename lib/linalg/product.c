#include "linalg/linalg.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/blas.h"

enum { WORK = 1 << 17 }; /* elements of the tall matrix a chunk */

double mlk_dot(mlk_cvec x, mlk_cvec y) { return cblas_ddot((int)x.n, x.data, 1, y.data, 1); }

double mlk_norm(mlk_cvec x) { return cblas_dnrm2((int)x.n, x.data, 1); }

void mlk_axpy(double a, mlk_cvec x, mlk_vec y) { cblas_daxpy((int)x.n, a, x.data, 1, y.data, 1); }

void mlk_scal(double a, mlk_vec x) { cblas_dscal((int)x.n, a, x.data, 1); }

void mlk_gemv(mlk_op op, double alpha, mlk_cmat A, mlk_cvec x, double beta, mlk_vec y)
{
    mlk_blas_enter();
    cblas_dgemv(CblasRowMajor, op == MLK_TRANS ? CblasTrans : CblasNoTrans, (int)A.rows,
                (int)A.cols, alpha, A.data, (int)A.ld, x.data, 1, beta, y.data, 1);
    mlk_blas_leave();
}

void mlk_gemm(mlk_op opa, mlk_op opb, double alpha, mlk_cmat A, mlk_cmat B, double beta, mlk_mat C)
{
    const size_t k = opa == MLK_TRANS ? A.rows : A.cols;
    mlk_blas_enter();
    cblas_dgemm(CblasRowMajor, opa == MLK_TRANS ? CblasTrans : CblasNoTrans,
                opb == MLK_TRANS ? CblasTrans : CblasNoTrans, (int)C.rows, (int)C.cols, (int)k,
                alpha, A.data, (int)A.ld, B.data, (int)B.ld, beta, C.data, (int)C.ld);
    mlk_blas_leave();
}

/* ---- out = X w + b, by rows */

typedef struct affine {
    mlk_cmat X;
    mlk_cvec w;
    double b;
    mlk_vec out;
} affine;

static mlk_status affine_rows(void *ctx, const mlk_chunk *c)
{
    const affine *a = ctx;
    for (size_t i = c->begin; i < c->end; i++)
        a->out.data[i] = a->b;
    mlk_gemv(MLK_NO_TRANS, 1.0, mlk_cmat_rows(a->X, c->begin, c->end), a->w, 1.0,
             (mlk_vec){a->out.data + c->begin, c->end - c->begin});
    return MLK_OK;
}

mlk_status mlk_affine(mlk_cmat X, mlk_cvec w, double b, const mlk_run *run, mlk_vec out)
{
    affine a = {X, w, b, out};
    const mlk_run inner = mlk_run_inner(run);
    return mlk_parallel_for(&inner, X.rows, mlk_grain(X.cols, WORK), affine_rows, &a);
}

/* ---- C = A op(B), by rows of A */

typedef struct tall {
    mlk_cmat A, B;
    mlk_op opb;
    mlk_mat C;
} tall;

static mlk_status gemm_chunk(void *ctx, const mlk_chunk *c)
{
    const tall *t = ctx;
    mlk_gemm(MLK_NO_TRANS, t->opb, 1.0, mlk_cmat_rows(t->A, c->begin, c->end), t->B, 0.0,
             mlk_mat_rows(t->C, c->begin, c->end));
    return MLK_OK;
}

mlk_status mlk_gemm_rows(mlk_cmat A, mlk_op opb, mlk_cmat B, const mlk_run *run, mlk_mat C)
{
    tall t = {A, B, opb, C};
    const mlk_run inner = mlk_run_inner(run);
    return mlk_parallel_for(&inner, A.rows, mlk_grain(A.cols + C.cols, WORK), gemm_chunk, &t);
}

/* ---- sums over rows: one partial vector a chunk, added in the order of the chunks */

typedef struct sums {
    mlk_cmat X;
    mlk_cvec r; /* factor of each row; empty: 1 */
    double *partial;
} sums;

static mlk_status sum_chunk(void *ctx, const mlk_chunk *c)
{
    const sums *s = ctx;
    double *out = s->partial + c->index * s->X.cols;
    memset(out, 0, s->X.cols * sizeof *out);
    if (s->r.n) {
        mlk_gemv(MLK_TRANS, 1.0, mlk_cmat_rows(s->X, c->begin, c->end),
                 (mlk_cvec){s->r.data + c->begin, c->end - c->begin}, 0.0,
                 (mlk_vec){out, s->X.cols});
    } else {
        for (size_t i = c->begin; i < c->end; i++)
            for (size_t j = 0; j < s->X.cols; j++)
                out[j] += s->X.data[i * s->X.ld + j];
    }
    return MLK_OK;
}

mlk_status mlk_gemv_t(mlk_cmat X, mlk_cvec r, const mlk_run *run, mlk_vec out)
{
    const size_t grain = mlk_grain(X.cols, WORK), chunks = mlk_chunks(X.rows, grain);
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    sums s = {X, r, mlk_scratch_mat(&scratch, chunks, X.cols).data};
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu sums", X.cols)
                                   : mlk_parallel_for(&inner, X.rows, grain, sum_chunk, &s);
    if (st == MLK_OK) {
        memset(out.data, 0, X.cols * sizeof *out.data);
        for (size_t c = 0; c < chunks; c++)
            for (size_t j = 0; j < X.cols; j++)
                out.data[j] += s.partial[c * X.cols + j];
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_column_means(mlk_cmat X, mlk_cvec w, const mlk_run *run, mlk_vec out)
{
    double total = w.n ? 0.0 : (double)X.rows;
    for (size_t i = 0; i < w.n; i++)
        total += w.data[i];
    MLK_TRY(mlk_gemv_t(X, w, run, out));
    for (size_t j = 0; j < out.n; j++)
        out.data[j] /= total;
    return MLK_OK;
}

/* ---- means and variances */

typedef struct moments {
    mlk_cmat X;
    mlk_cvec w, mean;
    double *partial;
} moments;

static mlk_status variance_chunk(void *ctx, const mlk_chunk *c)
{
    const moments *m = ctx;
    double *out = m->partial + c->index * m->X.cols;
    memset(out, 0, m->X.cols * sizeof *out);
    for (size_t i = c->begin; i < c->end; i++) {
        const double *x = m->X.data + i * m->X.ld, s = m->w.n ? m->w.data[i] : 1.0;
        for (size_t j = 0; j < m->X.cols; j++) {
            const double d = x[j] - m->mean.data[j];
            out[j] += s * d * d;
        }
    }
    return MLK_OK;
}

mlk_status mlk_column_moments(mlk_cmat X, mlk_cvec w, const mlk_run *run, mlk_vec mean, mlk_vec var)
{
    const size_t grain = mlk_grain(X.cols, WORK), chunks = mlk_chunks(X.rows, grain);
    const mlk_run inner = mlk_run_inner(run);
    double total = w.n ? 0.0 : (double)X.rows;
    for (size_t i = 0; i < w.n; i++)
        total += w.data[i];
    MLK_TRY(mlk_column_means(X, w, run, mean));

    mlk_scratch scratch = MLK_SCRATCH_INIT;
    moments m = {X, w, mlk_vec_c(mean), mlk_scratch_mat(&scratch, chunks, X.cols).data};
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu sums", X.cols)
                                   : mlk_parallel_for(&inner, X.rows, grain, variance_chunk, &m);
    if (st == MLK_OK) {
        memset(var.data, 0, X.cols * sizeof *var.data);
        for (size_t c = 0; c < chunks; c++)
            for (size_t j = 0; j < X.cols; j++)
                var.data[j] += m.partial[c * X.cols + j];
        for (size_t j = 0; j < X.cols; j++)
            var.data[j] /= total;
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ---- ranges */

typedef struct range {
    mlk_cmat X;
    double *partial; /* chunks x 2 x p: smallest, largest */
} range;

MLK_SIMD_TILES static void widen(const double *x, size_t p, double *lo, double *hi)
{
    for (size_t j = 0; j < p; j++) {
        lo[j] = x[j] < lo[j] ? x[j] : lo[j];
        hi[j] = x[j] > hi[j] ? x[j] : hi[j];
    }
}

static mlk_status range_chunk(void *ctx, const mlk_chunk *c)
{
    const range *r = ctx;
    const size_t p = r->X.cols;
    double *lo = r->partial + c->index * 2 * p, *hi = lo + p;
    for (size_t j = 0; j < p; j++) {
        lo[j] = INFINITY;
        hi[j] = -INFINITY;
    }
    for (size_t i = c->begin; i < c->end; i++)
        widen(r->X.data + i * r->X.ld, p, lo, hi);
    return MLK_OK;
}

mlk_status mlk_column_range(mlk_cmat X, const mlk_run *run, mlk_vec lo, mlk_vec hi)
{
    const size_t p = X.cols, grain = mlk_grain(p, WORK), chunks = mlk_chunks(X.rows, grain);
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    range r = {X, mlk_scratch_mat(&scratch, chunks, 2 * p).data};
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu ranges", p)
                                         : mlk_parallel_for(&inner, X.rows, grain, range_chunk, &r);
    if (st == MLK_OK) {
        memcpy(lo.data, r.partial, p * sizeof(double));
        memcpy(hi.data, r.partial + p, p * sizeof(double));
        for (size_t c = 1; c < chunks; c++)
            for (size_t j = 0; j < p; j++) {
                lo.data[j] = fmin(lo.data[j], r.partial[c * 2 * p + j]);
                hi.data[j] = fmax(hi.data[j], r.partial[c * 2 * p + p + j]);
            }
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ---- layout */

void mlk_copy(mlk_cmat A, mlk_mat B)
{
    for (size_t i = 0; i < A.rows; i++)
        memcpy(B.data + i * B.ld, A.data + i * A.ld, A.cols * sizeof(double));
}

typedef struct transposition {
    mlk_cmat A;
    mlk_mat T;
} transposition;

/* Blocks of 8 x 64: eight lines of T are written while 64 rows of A stream through the cache. */
static mlk_status transpose_chunk(void *ctx, const mlk_chunk *c)
{
    enum { ROWS = 64, COLS = 8 };
    const transposition *t = ctx;
    const mlk_cmat A = t->A;
    for (size_t i0 = c->begin; i0 < c->end; i0 += ROWS) {
        const size_t i1 = c->end - i0 < ROWS ? c->end : i0 + ROWS;
        for (size_t j0 = 0; j0 < A.cols; j0 += COLS) {
            const size_t j1 = A.cols - j0 < COLS ? A.cols : j0 + COLS;
            for (size_t j = j0; j < j1; j++)
                for (size_t i = i0; i < i1; i++)
                    t->T.data[j * t->T.ld + i] = A.data[i * A.ld + j];
        }
    }
    return MLK_OK;
}

mlk_status mlk_transpose(mlk_cmat A, const mlk_run *run, mlk_mat T)
{
    transposition t = {A, T};
    const mlk_run inner = mlk_run_inner(run);
    const size_t grain = (mlk_grain(A.cols, WORK) + 63) / 64 * 64;
    return mlk_parallel_for(&inner, A.rows, grain, transpose_chunk, &t);
}
