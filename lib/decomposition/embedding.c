#include "decomposition/embedding.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/linalg.h"

enum { WORK = 1 << 18 }; /* elements of S a chunk */

mlk_status map_check_components(size_t n, int64_t k)
{
    if (n < 2)
        return MLK_FAIL(MLK_EINVAL, "X has %zu row; a map needs at least 2", n);
    if (k > (int64_t)n - 1)
        return MLK_FAIL(MLK_EINVAL, "n_components = %lld; %zu rows span at most %zu dimensions",
                        (long long)k, n, n - 1);
    return MLK_OK;
}

mlk_status map_check_spread(mlk_cmat X, const mlk_run *run)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_run inner = mlk_run_inner(run);
    const mlk_vec lo = mlk_scratch_vec(&scratch, X.cols), hi = mlk_scratch_vec(&scratch, X.cols);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu ranges", X.cols)
                                   : mlk_column_range(X, &inner, lo, hi);
    bool flat = true;
    for (size_t j = 0; st == MLK_OK && j < X.cols; j++)
        flat = flat && lo.data[j] == hi.data[j];
    if (st == MLK_OK && flat)
        st = MLK_FAIL(MLK_ESINGULAR, "all %zu rows are equal: there is nothing to map", X.rows);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status map_check_rank(mlk_cvec lambda, size_t n, const char *what)
{
    const double least = 8.0 * DBL_EPSILON * (double)n * lambda.data[0];
    size_t rank = 0;
    while (rank < lambda.n && lambda.data[rank] > least && lambda.data[rank] > 0.0)
        rank++;
    if (rank == 0)
        return MLK_FAIL(MLK_ESINGULAR, "%s no dimension", what);
    if (rank < lambda.n)
        return MLK_FAIL(MLK_EINVAL, "n_components = %zu; %s %zu dimension%s", lambda.n, what, rank,
                        rank == 1 ? "" : "s");
    return MLK_OK;
}

void map_fix_signs(mlk_mat Z)
{
    for (size_t c = 0; c < Z.cols; c++)
        mlk_fix_sign(Z.data + c, Z.rows, Z.ld);
}

/* --------------------------------------------------------------- what is kept */

void map_rows_init(size_t n, size_t p, size_t k, map_rows *m)
{
    *m = (map_rows){.memory = MLK_SCRATCH_INIT, .n = n, .p = p, .k = k};
    m->X = mlk_scratch_mat(&m->memory, n, p);
    m->Z = mlk_scratch_mat(&m->memory, n, k);
    m->lambda = mlk_scratch_vec(&m->memory, k);
}

void map_rows_learned(const map_rows *m, mlk_doc *to)
{
    mlk_doc_put_mat(to, "embedding", mlk_mat_c(m->Z));
    mlk_doc_put_vec(to, "eigenvalues", mlk_vec_c(m->lambda));
}

void map_rows_save(const map_rows *m, mlk_doc *to)
{
    map_rows_learned(m, to);
    mlk_doc_put_mat(to, "rows", mlk_mat_c(m->X));
}

mlk_status map_load_shape(const mlk_doc *from, size_t *n, size_t *k)
{
    mlk_doc_array shape;
    MLK_TRY(mlk_doc_get_array(from, "embedding", MLK_F64, &shape));
    if (shape.rows < 2 || shape.cols < 1)
        return MLK_FAIL(MLK_EFORMAT, "'embedding' is %zu x %zu", shape.rows, shape.cols);
    *n = shape.rows;
    *k = shape.cols;
    return MLK_OK;
}

mlk_status map_rows_shape(const mlk_doc *from, size_t p, size_t *n, size_t *k)
{
    mlk_cmat X;
    MLK_TRY(map_load_shape(from, n, k));
    return mlk_doc_get_mat(from, "rows", *n, p, &X);
}

mlk_status map_check_positive(mlk_cvec lambda)
{
    for (size_t c = 0; c < lambda.n; c++)
        if (!(lambda.data[c] > 0.0))
            return MLK_FAIL(MLK_EFORMAT, "'eigenvalues' has %g; expected more than 0",
                            lambda.data[c]);
    return MLK_OK;
}

mlk_status map_rows_load(const mlk_doc *from, bool positive, map_rows *m)
{
    mlk_cmat X, Z;
    mlk_cvec lambda;
    MLK_TRY(mlk_doc_get_mat(from, "rows", m->n, m->p, &X));
    MLK_TRY(mlk_doc_get_mat(from, "embedding", m->n, m->k, &Z));
    MLK_TRY(mlk_doc_get_vec(from, "eigenvalues", m->k, &lambda));
    if (positive)
        MLK_TRY(map_check_positive(lambda));
    mlk_copy(X, m->X);
    mlk_copy(Z, m->Z);
    memcpy(m->lambda.data, lambda.data, m->k * sizeof(double));
    return MLK_OK;
}

/* ---------------------------------------------------------- classical scaling */

typedef struct centred {
    mlk_cmat S;
    mlk_mat X; /* n x b: a centred copy of what B is applied to */
} centred;

void map_centre(mlk_mat X)
{
    for (size_t c = 0; c < X.cols; c++) {
        double mean = 0.0;
        for (size_t i = 0; i < X.rows; i++)
            mean += X.data[i * X.ld + c];
        mean /= (double)X.rows;
        for (size_t i = 0; i < X.rows; i++)
            X.data[i * X.ld + c] -= mean;
    }
}

/* out = B X without forming B. */
static mlk_status apply_centred(void *ctx, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const centred *t = ctx;
    const mlk_mat copy = {t->X.data, X.rows, X.cols, X.cols};
    mlk_copy(X, copy);
    map_centre(copy);
    MLK_TRY(mlk_gemm_rows(t->S, MLK_NO_TRANS, mlk_mat_c(copy), run, out));
    map_centre(out);
    for (size_t i = 0; i < out.rows; i++)
        for (size_t c = 0; c < out.cols; c++)
            out.data[i * out.ld + c] *= -0.5;
    return MLK_OK;
}

typedef struct row_sums {
    mlk_cmat S;
    double *means;
} row_sums;

static mlk_status sum_rows(void *ctx, const mlk_chunk *c)
{
    const row_sums *t = ctx;
    for (size_t i = c->begin; i < c->end; i++) {
        const double *s = t->S.data + i * t->S.ld;
        double sum[4] = {0.0, 0.0, 0.0, 0.0};
        for (size_t j = 0; j < t->S.cols; j++)
            sum[j % 4] += s[j];
        t->means[i] = (sum[0] + sum[1] + sum[2] + sum[3]) / (double)t->S.cols;
    }
    return MLK_OK;
}

static double mean_of(mlk_cvec v)
{
    double sum = 0.0;
    for (size_t i = 0; i < v.n; i++)
        sum += v.data[i];
    return sum / (double)v.n;
}

static mlk_status decompose_in_full(mlk_cmat S, mlk_cvec means, mlk_vec lambda, mlk_mat Z)
{
    const double all = mean_of(means);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat B = mlk_scratch_mat(&scratch, S.rows, S.rows);
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", S.rows, S.rows);
    for (size_t i = 0; st == MLK_OK && i < S.rows; i++)
        for (size_t j = 0; j < S.rows; j++)
            B.data[i * B.ld + j] =
                -0.5 * (S.data[i * S.ld + j] - means.data[i] - means.data[j] + all);
    if (st == MLK_OK)
        st = mlk_eigh(B, lambda.n, lambda, Z);
    mlk_scratch_release(&scratch);
    return st;
}

/* Iterating pays from so many rows on, for up to one pair in so many. */
enum { FEW_ROWS = 400, SHARE = 20 };

static mlk_status decompose(mlk_cmat S, mlk_cvec means, const mlk_run *run, mlk_vec lambda,
                            mlk_mat Z)
{
    const size_t n = S.rows, k = lambda.n;
    if (n <= FEW_ROWS || k > n / SHARE)
        return decompose_in_full(S, means, lambda, Z);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    centred t = {S, mlk_scratch_mat(&scratch, n, k + 8)};
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu eigenvectors", k)
                                   : mlk_eigs(apply_centred, &t, n, k, 1e-12, run, lambda, Z);
    mlk_scratch_release(&scratch);
    return st == MLK_ESINGULAR ? decompose_in_full(S, means, lambda, Z) : st;
}

mlk_status map_classical(mlk_cmat S, const char *what, const mlk_run *run, mlk_vec means,
                         mlk_vec lambda, mlk_mat Z)
{
    const mlk_run inner = mlk_run_inner(run);
    row_sums sums = {S, means.data};
    MLK_TRY(mlk_parallel_for(&inner, S.rows, mlk_grain(S.cols, WORK), sum_rows, &sums));
    if (!(mean_of(mlk_vec_c(means)) < INFINITY))
        return MLK_FAIL(MLK_ESINGULAR, "squared distances overflow: scale the columns");
    if (!(mean_of(mlk_vec_c(means)) > 0.0))
        return MLK_FAIL(MLK_ESINGULAR, "squared distances underflow: scale the columns");
    MLK_TRY(decompose(S, mlk_vec_c(means), &inner, lambda, Z));
    MLK_TRY(map_check_rank(mlk_vec_c(lambda), S.rows, what));
    for (size_t c = 0; c < Z.cols; c++)
        for (size_t i = 0; i < Z.rows; i++)
            Z.data[i * Z.ld + c] *= sqrt(lambda.data[c]);
    map_fix_signs(Z);
    return MLK_OK;
}

/* z = 1/2 Lambda^-1 Z' (means - s). */
void map_place(mlk_cmat Z, mlk_cvec lambda, mlk_cvec means, mlk_vec s, double *z)
{
    for (size_t i = 0; i < s.n; i++)
        s.data[i] = means.data[i] - s.data[i];
    for (size_t c = 0; c < Z.cols; c++) {
        double sum = 0.0;
        for (size_t i = 0; i < s.n; i++)
            sum += Z.data[i * Z.ld + c] * s.data[i];
        z[c] = 0.5 * sum / lambda.data[c];
    }
}

/* ----------------------------------------------------------------- distances */

typedef struct all_distances {
    mlk_cmat columns; /* p x n: X' */
    mlk_mat S;
} all_distances;

MLK_SIMD_TILES static void squared_distances(const double *columns, size_t n, size_t k, size_t i,
                                             double *out)
{
    for (size_t j = 0; j < n; j++)
        out[j] = 0.0;
    for (size_t c = 0; c < k; c++) {
        const double *z = columns + c * n, at = z[i];
        for (size_t j = 0; j < n; j++)
            out[j] += (z[j] - at) * (z[j] - at);
    }
}

static mlk_status distance_rows(void *ctx, const mlk_chunk *c)
{
    const all_distances *t = ctx;
    for (size_t i = c->begin; i < c->end; i++)
        squared_distances(t->columns.data, t->columns.cols, t->columns.rows, i,
                          t->S.data + i * t->S.ld);
    return MLK_OK;
}

mlk_status map_squared_distances(mlk_cmat X, const mlk_run *run, mlk_mat S)
{
    const mlk_run inner = mlk_run_inner(run);
    const mlk_mat columns = {mlk_alloc(X.cols, X.rows * sizeof(double)), X.cols, X.rows, X.rows};
    if (!columns.data)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a copy of %zu x %zu values", X.rows, X.cols);
    all_distances t = {mlk_mat_c(columns), S};
    mlk_status st = mlk_transpose(X, &inner, columns);
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, X.rows, mlk_grain(X.rows * (X.cols + 1), WORK), distance_rows,
                              &t);
    mlk_free(columns.data);
    return st;
}

/* ------------------------------------------------------------------ fidelity */

/* Sums over a chunk of rows: of B^2, and of the distances d and e and their products. */
enum { SUM_B2, SUM_D, SUM_E, SUM_DD, SUM_EE, SUM_DE, SUMS };

typedef struct fidelity {
    mlk_cmat S, Z;
    mlk_cvec means;
    double all;
    double *columns; /* k x n: Z' */
    double *room;    /* workers x n */
    double *sums;    /* chunks x SUMS */
} fidelity;

/* Adds row i; eight sums side by side, so that they can be formed in vectors. */
MLK_SIMD_TILES static void add_row(const double *s, const double *e2, const double *means,
                                   double shift, size_t n, double *out)
{
    enum { SIDE = 8 };
    double sum[SUMS][SIDE] = {{0.0}};
    for (size_t j0 = 0; j0 < n; j0 += SIDE)
        for (size_t l = 0; l < SIDE && j0 + l < n; l++) {
            const double b = 0.5 * (s[j0 + l] - means[j0 + l] - shift);
            const double d = sqrt(s[j0 + l]), e = sqrt(e2[j0 + l]);
            sum[SUM_B2][l] += b * b;
            sum[SUM_D][l] += d;
            sum[SUM_E][l] += e;
            sum[SUM_DD][l] += d * d;
            sum[SUM_EE][l] += e * e;
            sum[SUM_DE][l] += d * e;
        }
    for (size_t a = 0; a < SUMS; a++)
        for (size_t l = 0; l < SIDE; l++)
            out[a] += sum[a][l];
}

static mlk_status fidelity_rows(void *ctx, const mlk_chunk *c)
{
    const fidelity *t = ctx;
    const size_t n = t->S.rows;
    double *e2 = t->room + c->worker * n, *sums = t->sums + c->index * SUMS;
    for (size_t a = 0; a < SUMS; a++)
        sums[a] = 0.0;
    for (size_t i = c->begin; i < c->end; i++) {
        squared_distances(t->columns, n, t->Z.cols, i, e2);
        add_row(t->S.data + i * t->S.ld, e2, t->means.data, t->means.data[i] - t->all, n, sums);
    }
    return MLK_OK;
}

/* 1 - r^2 over the pairs of different rows; the sums have each twice. */
static double residual_variance(const double *sum, size_t n)
{
    const double pairs = (double)n * (double)(n - 1);
    const double dd = sum[SUM_DD] - sum[SUM_D] * sum[SUM_D] / pairs;
    const double ee = sum[SUM_EE] - sum[SUM_E] * sum[SUM_E] / pairs;
    const double de = sum[SUM_DE] - sum[SUM_D] * sum[SUM_E] / pairs;
    const double tiny = 1e-14;
    if (!(dd > tiny * sum[SUM_DD]) || !(ee > tiny * sum[SUM_EE]))
        return NAN;
    return fmax(1.0 - de / dd * (de / ee), 0.0);
}

mlk_status map_fidelity(mlk_cmat S, mlk_cvec means, mlk_cvec lambda, mlk_cmat Z, const mlk_run *run,
                        double *error, double *residual)
{
    const size_t n = S.rows, grain = mlk_grain(n, WORK), chunks = mlk_chunks(n, grain);
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    fidelity t = {.S = S, .Z = Z, .means = means, .all = mean_of(means)};
    const mlk_mat columns = mlk_scratch_mat(&scratch, Z.cols, n);
    t.columns = columns.data;
    t.room = mlk_scratch_mat(&scratch, mlk_workers(&inner, n, grain), n).data;
    t.sums = mlk_scratch_mat(&scratch, chunks, SUMS).data;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu distances", n)
                                   : mlk_transpose(Z, &inner, columns);
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, n, grain, fidelity_rows, &t);
    if (st == MLK_OK) {
        double sum[SUMS] = {0.0}, kept = 0.0;
        for (size_t c = 0; c < chunks; c++)
            for (size_t a = 0; a < SUMS; a++)
                sum[a] += t.sums[c * SUMS + a];
        for (size_t c = 0; c < lambda.n; c++)
            kept += lambda.data[c] * lambda.data[c];
        *error = sqrt(fmax(sum[SUM_B2] - kept, 0.0)) / (double)n;
        *residual = residual_variance(sum, n);
    }
    mlk_scratch_release(&scratch);
    return st;
}
