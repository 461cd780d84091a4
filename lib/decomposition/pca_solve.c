#include "decomposition/pca_solve.h"

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/linalg.h"

enum { EXTRA = 10, POWERS = 7, CHUNKS = 8, WORK = 1 << 16 };

/* -------------------------------------------------------------- projection */

typedef struct projection {
    mlk_cmat X, W;
    mlk_cvec mean;
    size_t grain;
    double *room; /* workers x grain x p */
    mlk_mat Z;
} projection;

MLK_SIMD_TILES static void subtract(const double *x, const double *mean, size_t p, double *out)
{
    for (size_t j = 0; j < p; j++)
        out[j] = x[j] - mean[j];
}

static mlk_cmat centred(mlk_cmat X, mlk_cvec mean, double *room)
{
    if (!mean.n)
        return X;
    for (size_t i = 0; i < X.rows; i++)
        subtract(X.data + i * X.ld, mean.data, X.cols, room + i * X.cols);
    return (mlk_cmat){room, X.rows, X.cols, X.cols};
}

static mlk_status project_rows(void *ctx, const mlk_chunk *c)
{
    const projection *t = ctx;
    double *room = t->room + c->worker * t->grain * t->X.cols;
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0,
             centred(mlk_cmat_rows(t->X, c->begin, c->end), t->mean, room), t->W, 0.0,
             mlk_mat_rows(t->Z, c->begin, c->end));
    return MLK_OK;
}

mlk_status pca_project(mlk_cmat X, mlk_cvec mean, mlk_cmat W, const mlk_run *run, mlk_mat Z)
{
    const size_t grain = mlk_grain(X.cols, WORK), workers = mlk_workers(run, X.rows, grain);
    const size_t rows = grain < X.rows ? grain : X.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    projection t = {X, W, mean, rows, NULL, Z};
    if (mean.n)
        t.room = mlk_scratch_mat(&scratch, workers * rows, X.cols).data;
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", X.cols)
                                         : mlk_parallel_for(run, X.rows, grain, project_rows, &t);
    mlk_scratch_release(&scratch);
    return st;
}

/* -------------------------------------------------------------- covariance */

/* V = diag(1 / s) U' Xc from the eigenvectors U (n x k) of Xc Xc'. */
static mlk_status from_rows(const pca_problem *t, mlk_cmat Xc, mlk_cmat U, size_t k)
{
    mlk_gemm(MLK_TRANS, MLK_NO_TRANS, 1.0, U, Xc, 0.0, mlk_mat_rows(t->V, 0, k));
    for (size_t c = 0; c < k; c++) {
        const mlk_vec row = {t->V.data + c * t->V.ld, t->V.cols};
        const double norm = mlk_norm(mlk_vec_c(row));
        mlk_scal(norm > 0.0 ? 1.0 / norm : 0.0, row);
    }
    return MLK_OK;
}

mlk_status pca_covariance(const pca_problem *t, size_t k, const mlk_run *run)
{
    const size_t n = t->X.rows, p = t->X.cols, m = n < p ? n : p;
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat U = mlk_scratch_mat(&scratch, m, k);
    mlk_mat copy = {NULL, 0, 0, 0}, G = t->G;
    mlk_status st = MLK_OK;
    if (n < p) {
        G = mlk_scratch_mat(&scratch, n, n);
        copy = mlk_scratch_mat(&scratch, n, p);
    }
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", m, m);
    } else if (n < p) {
        centred(t->X, t->mean, copy.data);
        st = mlk_gram_rows(mlk_mat_c(copy), &inner, G);
    }
    if (st == MLK_OK)
        st = mlk_run_poll(run, -1.0);
    if (st == MLK_OK)
        st = mlk_eigh(G, k, t->lambda, U);
    if (st == MLK_OK && n < p)
        st = from_rows(t, mlk_mat_c(copy), mlk_mat_c(U), k);
    else if (st == MLK_OK)
        st = mlk_transpose(mlk_mat_c(U), &inner, mlk_mat_rows(t->V, 0, k));
    for (size_t c = 0; st == MLK_OK && c < k; c++)
        t->lambda.data[c] = fmax(t->lambda.data[c], 0.0) / (double)(n - 1);
    mlk_scratch_release(&scratch);
    return st;
}

/* --------------------------------------------------------- singular values */

mlk_status pca_full(const pca_problem *t, const mlk_run *run)
{
    const size_t n = t->X.rows, p = t->X.cols, m = n < p ? n : p;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat A = mlk_scratch_mat(&scratch, n, p);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for a copy of %zu x %zu values", n, p)
                        : mlk_run_poll(run, -1.0);
    if (st == MLK_OK) {
        centred(t->X, t->mean, A.data);
        st = mlk_svd(A, (mlk_mat){NULL, 0, 0, 0}, t->lambda, t->V);
    }
    for (size_t c = 0; st == MLK_OK && c < m; c++)
        t->lambda.data[c] *= t->lambda.data[c] / (double)(n - 1);
    mlk_scratch_release(&scratch);
    return st;
}

/* -------------------------------------------------------------- randomised */

/* Z (p x l) = Xc' W, W n x l: a sum a chunk of rows, added in order. */
typedef struct back {
    mlk_cmat X, W;
    mlk_cvec mean;
    size_t grain;
    double *room, *partial; /* workers x BLOCK x p; chunks x p x l */
} back;

enum { BLOCK = 256 };

static mlk_status back_rows(void *ctx, const mlk_chunk *c)
{
    const back *t = ctx;
    const size_t p = t->X.cols, l = t->W.cols;
    const mlk_mat Z = {t->partial + c->index * p * l, p, l, l};
    double *room = t->room + c->worker * BLOCK * p;
    for (size_t i = c->begin; i < c->end; i += BLOCK) {
        const size_t end = i + BLOCK < c->end ? i + BLOCK : c->end;
        mlk_gemm(MLK_TRANS, MLK_NO_TRANS, 1.0, centred(mlk_cmat_rows(t->X, i, end), t->mean, room),
                 mlk_cmat_rows(t->W, i, end), i > c->begin ? 1.0 : 0.0, Z);
    }
    return MLK_OK;
}

static mlk_status multiply_back(back *t, const mlk_run *run, mlk_mat Z)
{
    MLK_TRY(mlk_parallel_for(run, t->X.rows, t->grain, back_rows, t));
    const size_t size = Z.rows * Z.cols;
    for (size_t i = 0; i < size; i++)
        Z.data[i] = 0.0;
    for (size_t c = 0; c < mlk_chunks(t->X.rows, t->grain); c++)
        for (size_t i = 0; i < size; i++)
            Z.data[i] += t->partial[c * size + i];
    return MLK_OK;
}

/* Subspace iteration from normal numbers: Q (p x l) spans the leading directions. */
static mlk_status find_subspace(back *t, uint64_t seed, const mlk_run *run, mlk_mat Q, mlk_mat Z,
                                mlk_vec s, mlk_mat W)
{
    mlk_rng rng = mlk_rng_stream(seed, 0);
    for (size_t i = 0; i < Z.rows * Z.cols; i++)
        Z.data[i] = mlk_rng_normal(&rng);
    for (size_t it = 0; it <= POWERS; it++) {
        MLK_TRY(mlk_svd(Z, Q, s, (mlk_mat){NULL, 0, 0, 0}));
        MLK_TRY(pca_project(t->X, t->mean, mlk_mat_c(Q), run, W));
        if (it < POWERS)
            MLK_TRY(multiply_back(t, run, Z));
    }
    return MLK_OK;
}

mlk_status pca_randomised(const pca_problem *t, size_t k, uint64_t seed, const mlk_run *run)
{
    const size_t n = t->X.rows, p = t->X.cols, m = n < p ? n : p;
    const size_t l = k + EXTRA < m ? k + EXTRA : m, most = (n + CHUNKS - 1) / CHUNKS;
    const size_t grain = most > BLOCK ? most : BLOCK;
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat Q = mlk_scratch_mat(&scratch, p, l), Z = mlk_scratch_mat(&scratch, p, l);
    const mlk_mat W = mlk_scratch_mat(&scratch, n, l), G = mlk_scratch_mat(&scratch, l, l);
    const mlk_mat E = mlk_scratch_mat(&scratch, l, k);
    const mlk_vec s = mlk_scratch_vec(&scratch, l);
    back b = {.X = t->X, .W = mlk_mat_c(W), .mean = t->mean, .grain = grain};
    b.room = mlk_scratch_mat(&scratch, mlk_workers(&inner, n, grain) * (size_t)BLOCK, p).data;
    b.partial = mlk_scratch_mat(&scratch, mlk_chunks(n, grain) * p, l).data;
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for a subspace of %zu dimensions", l)
                        : find_subspace(&b, seed, &inner, Q, Z, s, W);
    if (st == MLK_OK)
        st = mlk_gram(mlk_mat_c(W), (mlk_cvec){NULL, 0}, (mlk_cvec){NULL, 0}, (mlk_cvec){NULL, 0},
                      0.0, &inner, G, (mlk_vec){NULL, 0});
    if (st == MLK_OK)
        st = mlk_eigh(G, k, t->lambda, E);
    if (st == MLK_OK)
        mlk_gemm(MLK_TRANS, MLK_TRANS, 1.0, mlk_mat_c(E), mlk_mat_c(Q), 0.0,
                 mlk_mat_rows(t->V, 0, k));
    for (size_t c = 0; st == MLK_OK && c < k; c++)
        t->lambda.data[c] = fmax(t->lambda.data[c], 0.0) / (double)(n - 1);
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------------------- Minka */

/* Logarithm of the evidence for `rank` components; log_gamma[m] = log Gamma(m / 2). Variances below
 * 1e-15 of the first are rounding. */
static double evidence(mlk_cvec spectrum, size_t rank, double n, const double *log_gamma)
{
    const double *l = spectrum.data, pi = 3.14159265358979323846;
    const double p = (double)spectrum.n, k = (double)rank, least = 1e-15 * l[0];
    double rest = 0.0, sum = -k * log(2.0), pairs = 0.0;
    if (!(l[rank - 1] > least))
        return -INFINITY;
    for (size_t i = rank; i < spectrum.n; i++)
        rest += l[i];
    rest = fmax(rest / (p - k), least);
    for (size_t i = 1; i <= rank; i++)
        sum += log_gamma[spectrum.n - i + 1] - 0.5 * log(pi) * (double)(spectrum.n - i + 1) -
               0.5 * n * log(l[i - 1]);
    sum -= 0.5 * n * (p - k) * log(rest);
    sum += 0.5 * log(2.0 * pi) * (p * k - 0.5 * k * (k + 1.0) + k) - 0.5 * k * log(n);
    for (size_t i = 0; i < rank; i++)
        for (size_t j = i + 1; j < spectrum.n; j++) {
            const double other = j < rank ? l[j] : rest;
            pairs += log((l[i] - l[j]) * (1.0 / other - 1.0 / l[i])) + log(n);
        }
    return sum - 0.5 * pairs;
}

size_t pca_minka(mlk_cvec spectrum, size_t n, double *room)
{
    size_t best = 1;
    double top = -INFINITY;
    for (size_t m = 1; m <= spectrum.n; m++)
        room[m] = m == 1   ? 0.5 * log(3.14159265358979323846)
                  : m == 2 ? 0.0
                           : room[m - 2] + log(0.5 * (double)(m - 2));
    for (size_t rank = 1; rank < spectrum.n; rank++) {
        const double e = evidence(spectrum, rank, (double)n, room);
        if (e > top) {
            top = e;
            best = rank;
        }
    }
    return best;
}
