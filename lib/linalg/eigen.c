#include "linalg/linalg.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/status.h"

/*
 * The largest eigenpairs of a symmetric operator by block Krylov subspaces with thick restarts: the
 * basis Q grows by the residuals of the wanted Ritz pairs (made orthogonal to it), W = A Q is kept
 * beside it, and T = Q'W is small. Where the basis is full it shrinks to the best Ritz vectors.
 * In exact arithmetic this is the block Lanczos method [golub2013, sect. 10.3.6]; with W kept no
 * recurrence is needed, and nothing loses orthogonality.
 */
enum { MAX_STEPS = 1000, SPARE = 2, BLOCKS = 8, LEAST = 40 };

typedef struct krylov {
    mlk_operator apply;
    void *ctx;
    size_t n, k, block, most; /* wanted pairs, columns a step, columns of the basis */
    size_t m;                 /* columns now */
    mlk_mat Q, W;             /* n x most */
    mlk_mat T, small, Y;      /* most x most */
    mlk_vec theta;            /* most */
    mlk_mat fresh, image;     /* n x block */
    mlk_mat room;             /* n x most */
} krylov;

static mlk_mat left_columns(mlk_mat A, size_t cols)
{
    return (mlk_mat){A.data, A.rows, cols, A.ld};
}

static mlk_mat columns_from(mlk_mat A, size_t from, size_t cols)
{
    return (mlk_mat){A.data + from, A.rows, cols, A.ld};
}

static double column_dot(mlk_mat A, size_t a, mlk_mat B, size_t b)
{
    double sum = 0.0;
    for (size_t i = 0; i < A.rows; i++)
        sum += A.data[i * A.ld + a] * B.data[i * B.ld + b];
    return sum;
}

/* Remove what column c of A has along the columns before it; returns the norm that is left. */
static double orthogonalise(mlk_mat A, size_t c)
{
    for (size_t b = 0; b < c; b++) {
        const double along = column_dot(A, b, A, c);
        for (size_t i = 0; i < A.rows; i++)
            A.data[i * A.ld + c] -= along * A.data[i * A.ld + b];
    }
    return sqrt(column_dot(A, c, A, c));
}

/* Orthonormal columns of s->fresh that are orthogonal to the basis, twice for accuracy; those that
 * vanish are dropped. Returns how many are left. */
static size_t orthonormalise(krylov *s, size_t cols)
{
    const mlk_cmat Q = mlk_mat_c(left_columns(s->Q, s->m));
    const mlk_mat along = {s->small.data, s->m, cols, cols};
    for (int pass = 0; s->m && pass < 2; pass++) {
        const mlk_mat F = left_columns(s->fresh, cols);
        mlk_gemm(MLK_TRANS, MLK_NO_TRANS, 1.0, Q, mlk_mat_c(F), 0.0, along);
        mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, -1.0, Q, mlk_mat_c(along), 1.0, F);
    }
    size_t kept = 0;
    for (size_t c = 0; c < cols; c++) {
        const double before = sqrt(column_dot(s->fresh, c, s->fresh, c));
        for (size_t i = 0; c != kept && i < s->n; i++)
            s->fresh.data[i * s->fresh.ld + kept] = s->fresh.data[i * s->fresh.ld + c];
        (void)orthogonalise(s->fresh, kept);
        const double norm = orthogonalise(s->fresh, kept);
        if (!(norm > 1e-8 * before))
            continue;
        for (size_t i = 0; i < s->n; i++)
            s->fresh.data[i * s->fresh.ld + kept] /= norm;
        kept++;
    }
    return kept;
}

/* The basis takes in `cols` columns of s->fresh, W their images, T their products. */
static mlk_status take_in(krylov *s, size_t cols, const mlk_run *run)
{
    const mlk_mat F = left_columns(s->fresh, cols), image = left_columns(s->image, cols);
    MLK_TRY(s->apply(s->ctx, mlk_mat_c(F), run, image));
    mlk_copy(mlk_mat_c(F), columns_from(s->Q, s->m, cols));
    mlk_copy(mlk_mat_c(image), columns_from(s->W, s->m, cols));
    s->m += cols;
    const mlk_mat products = {s->small.data, s->m, cols, cols};
    mlk_gemm(MLK_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(left_columns(s->Q, s->m)), mlk_mat_c(image),
             0.0, products);
    for (size_t i = 0; i < s->m; i++)
        for (size_t c = 0; c < cols; c++) {
            const size_t j = s->m - cols + c;
            s->T.data[i * s->T.ld + j] = s->T.data[j * s->T.ld + i] = products.data[i * cols + c];
        }
    return MLK_OK;
}

/* Ritz pairs of the basis: theta descending, Y (m x m). */
static mlk_status ritz(krylov *s)
{
    const mlk_mat copy = {s->small.data, s->m, s->m, s->m};
    mlk_copy((mlk_cmat){s->T.data, s->m, s->m, s->T.ld}, copy);
    return mlk_eigh(copy, s->m, s->theta, (mlk_mat){s->Y.data, s->m, s->m, s->m});
}

/* Residuals A x - theta x of the first pairs into s->fresh; returns how many of the first k, taken
 * in order, are below `tolerance`. Those above it come first. */
static size_t residuals(krylov *s, double tolerance, size_t *cols)
{
    const size_t wanted = s->block < s->m ? s->block : s->m;
    const mlk_cmat Y = {s->Y.data, s->m, wanted, s->m};
    const mlk_mat R = left_columns(s->fresh, wanted), X = left_columns(s->image, wanted);
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(left_columns(s->W, s->m)), Y, 0.0, R);
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(left_columns(s->Q, s->m)), Y, 0.0, X);
    size_t done = 0;
    *cols = 0;
    for (size_t c = 0; c < wanted; c++) {
        for (size_t i = 0; i < s->n; i++)
            R.data[i * R.ld + c] -= s->theta.data[c] * X.data[i * X.ld + c];
        if (sqrt(column_dot(R, c, R, c)) <= tolerance) {
            done += c < s->k;
            continue;
        }
        for (size_t i = 0; *cols != c && i < s->n; i++)
            R.data[i * R.ld + *cols] = R.data[i * R.ld + c];
        ++*cols;
    }
    return done;
}

/* Keep the first `keep` Ritz vectors. */
static void shrink(krylov *s, size_t keep)
{
    const mlk_cmat Y = {s->Y.data, s->m, keep, s->m};
    const mlk_mat room = left_columns(s->room, keep);
    mlk_mat *both[] = {&s->Q, &s->W};
    for (size_t a = 0; a < 2; a++) {
        mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(left_columns(*both[a], s->m)), Y, 0.0,
                 room);
        mlk_copy(mlk_mat_c(room), left_columns(*both[a], keep));
    }
    s->m = keep;
    for (size_t i = 0; i < keep; i++)
        for (size_t j = 0; j < keep; j++)
            s->T.data[i * s->T.ld + j] = i == j ? s->theta.data[i] : 0.0;
}

static void fill_at_random(krylov *s, uint64_t stream)
{
    mlk_rng rng = mlk_rng_stream(0, stream);
    for (size_t i = 0; i < s->n * s->block; i++)
        s->fresh.data[i] = mlk_rng_normal(&rng);
}

static mlk_status iterate(krylov *s, double tol, const mlk_run *run)
{
    size_t cols = s->block;
    for (uint64_t step = 0; step < MAX_STEPS; step++) {
        MLK_TRY(mlk_run_poll(run, -1.0));
        if (step == 0)
            fill_at_random(s, 0);
        if (s->m + cols > s->most)
            shrink(s, s->k + s->block < s->m ? s->k + s->block : s->m);
        cols = orthonormalise(s, cols);
        if (cols == 0) { /* the basis is invariant, perhaps by chance: go on elsewhere */
            fill_at_random(s, step + 1);
            cols = orthonormalise(s, s->block);
        }
        MLK_TRY(take_in(s, cols, run));
        MLK_TRY(ritz(s));
        double largest = 0.0;
        for (size_t c = 0; c < s->m; c++)
            largest = fmax(largest, fabs(s->theta.data[c]));
        if (!(largest < INFINITY))
            return MLK_FAIL(MLK_ESINGULAR, "the matrix has elements that are not finite");
        if (residuals(s, tol * largest, &cols) == s->k)
            return MLK_OK;
    }
    return MLK_FAIL(MLK_ESINGULAR, "%zu eigenvectors did not converge in %d steps", s->k,
                    (int)MAX_STEPS);
}

mlk_status mlk_eigs(mlk_operator apply, void *ctx, size_t n, size_t k, double tol,
                    const mlk_run *run, mlk_vec lambda, mlk_mat V)
{
    const size_t block = k + SPARE, least = BLOCKS * block > LEAST ? BLOCKS * block : LEAST;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    krylov s = {.apply = apply, .ctx = ctx, .n = n, .k = k, .block = block, .most = least};
    s.Q = mlk_scratch_mat(&scratch, n, least);
    s.W = mlk_scratch_mat(&scratch, n, least);
    s.room = mlk_scratch_mat(&scratch, n, k + block);
    s.fresh = mlk_scratch_mat(&scratch, n, block);
    s.image = mlk_scratch_mat(&scratch, n, block);
    s.T = mlk_scratch_mat(&scratch, least, least);
    s.Y = mlk_scratch_mat(&scratch, least, least);
    s.small = mlk_scratch_mat(&scratch, least, least);
    s.theta = mlk_scratch_vec(&scratch, least);
    const mlk_run inner = mlk_run_inner(run);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu eigenvectors of %zu values", k, n)
                        : iterate(&s, tol, &inner);
    if (st == MLK_OK) {
        const mlk_cmat Y = {s.Y.data, s.m, k, s.m};
        mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(left_columns(s.Q, s.m)), Y, 0.0, V);
        memcpy(lambda.data, s.theta.data, k * sizeof(double));
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ---------------------------------------------------------- a matrix, in full */

static mlk_status multiply(void *ctx, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const mlk_cmat *A = ctx;
    return mlk_gemm_rows(*A, MLK_NO_TRANS, X, run, out);
}

/* Below so many rows a decomposition takes milliseconds; where more than this share of the pairs is
 * wanted, it is no dearer. */
enum { SMALL = 400, SHARE = 20 };

mlk_status mlk_eigh_top(mlk_mat A, size_t k, const mlk_run *run, mlk_vec lambda, mlk_mat V)
{
    const size_t n = A.rows;
    if (n <= SMALL || k > n / SHARE)
        return mlk_eigh(A, k, lambda, V);
    mlk_cmat view = mlk_mat_c(A);
    const mlk_status st = mlk_eigs(multiply, &view, n, k, 1e-13, run, lambda, V);
    return st == MLK_ESINGULAR ? mlk_eigh(A, k, lambda, V) : st;
}

void mlk_fix_sign(double *v, size_t n, size_t stride)
{
    double most = 0.0;
    size_t top = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(v[i * stride]));
    while (top < n && fabs(v[top * stride]) < (1.0 - 1e-6) * most)
        top++;
    if (top < n && v[top * stride] < 0.0)
        for (size_t i = 0; i < n; i++)
            v[i * stride] = -v[i * stride];
}
