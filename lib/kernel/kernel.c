#include "kernel/kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "core/vmath.h"
#include "linalg/linalg.h"

/* ------------------------------------------------------------ one row of values, in double */

MLK_SIMD static void apply_rbf(double gamma, double na, const double *nb, size_t n, double *k)
{
    for (size_t j = 0; j < n; j++) {
        const double d = na + nb[j] - 2.0 * k[j];
        k[j] = mlk_exp(-gamma * (d > 0.0 ? d : 0.0));
    }
}

static double power(double base, int64_t degree)
{
    double result = 1.0;
    for (; degree > 0; degree >>= 1, base *= base)
        if (degree & 1)
            result *= base;
    return result;
}

static void apply_poly(const mlk_kernel *kernel, size_t n, double *k)
{
    for (size_t j = 0; j < n; j++)
        k[j] = power(kernel->gamma * k[j] + kernel->coef0, kernel->degree);
}

static void apply_sigmoid(const mlk_kernel *kernel, size_t n, double *k)
{
    for (size_t j = 0; j < n; j++)
        k[j] = tanh(kernel->gamma * k[j] + kernel->coef0);
}

void mlk_row_norms(mlk_cmat A, double *norms)
{
    for (size_t i = 0; i < A.rows; i++) {
        const mlk_cvec row = mlk_cmat_row(A, i);
        norms[i] = mlk_dot(row, row);
    }
}

void mlk_kernel_block(const mlk_kernel *kernel, mlk_cmat A, const double *na, mlk_cmat B,
                      const double *nb, mlk_mat K)
{
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, A, B, 0.0, K);
    for (size_t i = 0; i < A.rows; i++) {
        double *k = K.data + i * K.ld;
        if (kernel->kind == MLK_KERNEL_RBF)
            apply_rbf(kernel->gamma, na[i], nb, B.rows, k);
        else if (kernel->kind == MLK_KERNEL_POLY)
            apply_poly(kernel, B.rows, k);
        else if (kernel->kind == MLK_KERNEL_SIGMOID)
            apply_sigmoid(kernel, B.rows, k);
    }
}

/* ---------------------------------------------------------------------------- whole matrices */

typedef struct matrix {
    const mlk_kernel *kernel;
    mlk_cmat A, B;
    const double *na, *nb;
    mlk_mat K;
} matrix;

static mlk_status matrix_chunk(void *ctx, const mlk_chunk *c)
{
    const matrix *m = ctx;
    mlk_kernel_block(m->kernel, mlk_cmat_rows(m->A, c->begin, c->end), m->na + c->begin, m->B,
                     m->nb, mlk_mat_rows(m->K, c->begin, c->end));
    return MLK_OK;
}

mlk_status mlk_kernel_matrix(const mlk_kernel *kernel, mlk_cmat A, mlk_cmat B, const mlk_run *run,
                             mlk_mat K)
{
    if (A.cols != B.cols || K.rows != A.rows || K.cols != B.rows)
        return MLK_FAIL(MLK_EINVAL,
                        "A is %zu x %zu, B %zu x %zu and K %zu x %zu; expected m x p, "
                        "n x p and m x n",
                        A.rows, A.cols, B.rows, B.cols, K.rows, K.cols);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec na = mlk_scratch_vec(&scratch, A.rows), nb = mlk_scratch_vec(&scratch, B.rows);
    mlk_status st;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu norms", A.rows + B.rows);
    } else {
        matrix m = {kernel, A, B, na.data, nb.data, K};
        const mlk_run inner = mlk_run_inner(run);
        mlk_row_norms(A, na.data);
        mlk_row_norms(B, nb.data);
        st = mlk_parallel_for(&inner, A.rows, 64, matrix_chunk, &m);
    }
    mlk_scratch_release(&scratch);
    return st;
}

double mlk_kernel_gamma(double gamma, mlk_cmat X)
{
    const double p = (double)X.cols, count = (double)X.rows * p;
    double mean = 0.0, variance = 0.0;
    if (gamma > 0.0)
        return gamma;
    if (gamma == MLK_GAMMA_AUTO)
        return 1.0 / p;
    for (size_t i = 0; i < X.rows; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < X.cols; j++)
            sum += X.data[i * X.ld + j];
        mean += sum / count;
    }
    for (size_t i = 0; i < X.rows; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < X.cols; j++) {
            const double d = X.data[i * X.ld + j] - mean;
            sum += d * d;
        }
        variance += sum / count;
    }
    const double scale = 1.0 / (p * variance);
    return variance > 0.0 && isfinite(scale) && scale > 0.0 ? scale : 1.0;
}

/* -------------------------------------------------------------------- single precision: rows */

/* The result of exp below 2^-126 is taken for 0; elsewhere within 0.7 units of the last place.
 * As mlk_exp(), with a polynomial of degree 6 fitted to the relative error. */
static inline float exp_f32(float x)
{
    const float shifter = 0x1.8p23F, low = x < -87.0F ? -87.0F : x, c = low > 88.0F ? 88.0F : low;
    const float t = c * 0x1.715476p0F + shifter, k = t - shifter;
    const float r = (c - k * 0x1.62e4p-1F) - k * 0x1.7f7d1cp-20F;
    float q = 0x1.687c0cp-10F;
    q = q * r + 0x1.123ba0p-7F;
    q = q * r + 0x1.555b58p-5F;
    q = q * r + 0x1.55548ep-3F;
    q = q * r + 0x1.fffff8p-2F;
    q = q * r + 1.0F;
    q = q * r + 1.0F;
    uint32_t bits, shift;
    memcpy(&bits, &q, sizeof bits);
    memcpy(&shift, &t, sizeof shift);
    bits += shift << 23;
    memcpy(&q, &bits, sizeof q);
    return x < -87.0F ? 0.0F : q;
}

MLK_SIMD static void finish_rbf(float ha, const float *h, size_t n, float *k)
{
    for (size_t j = 0; j < n; j++) {
        const float d = k[j] - (ha + h[j]);
        k[j] = exp_f32(d < 0.0F ? d : 0.0F);
    }
}

MLK_SIMD static void finish_power(float slope, float offset, int64_t degree, size_t n, float *k)
{
    for (size_t j = 0; j < n; j++)
        k[j] = slope * k[j] + offset;
    if (degree == 2)
        for (size_t j = 0; j < n; j++)
            k[j] *= k[j];
    else if (degree == 3)
        for (size_t j = 0; j < n; j++)
            k[j] *= k[j] * k[j];
    else if (degree != 1)
        for (size_t j = 0; j < n; j++)
            k[j] = (float)power(k[j], degree);
}

/* tanh |z| = (1 - e) / (1 + e) with e = exp(-2 |z|) */
MLK_SIMD static void finish_tanh(float slope, float offset, size_t n, float *k)
{
    for (size_t j = 0; j < n; j++) {
        const float z = slope * k[j] + offset, a = z < 0.0F ? -z : z;
        const float e = exp_f32(-2.0F * a), t = (1.0F - e) / (1.0F + e);
        k[j] = z < 0.0F ? -t : t;
    }
}

/* How far single precision may go: the exponent of rbf then errs by 2e-5 at most, and tanh's
 * argument likewise. */
#define WIDEST 256.0

static double max_of(const double *v, size_t n)
{
    double max = 0.0;
    for (size_t i = 0; i < n; i++)
        max = fmax(max, v[i]);
    return max;
}

/* slope, offset and scale so that |k / scale| <= 1 for rows divided by their greatest norm. */
static mlk_status choose_scale(mlk_kernel_set *set, double max_norm2)
{
    const mlk_kernel *k = &set->kernel;
    set->slope = 1.0;
    set->offset = 0.0;
    set->scale = 1.0;
    if (k->kind == MLK_KERNEL_LINEAR) {
        set->scale = max_norm2;
    } else if (k->kind == MLK_KERNEL_POLY) {
        const double most = k->gamma * max_norm2 + fabs(k->coef0), base = most > 0.0 ? most : 1.0;
        set->slope = k->gamma * max_norm2 / base;
        set->offset = k->coef0 / base;
        set->scale = power(base, k->degree);
    } else if (k->kind == MLK_KERNEL_SIGMOID) {
        set->slope = k->gamma * max_norm2;
        set->offset = k->coef0;
        set->wide = !(set->slope + fabs(set->offset) <= WIDEST);
    }
    if (!(set->scale > DBL_MIN && set->scale < DBL_MAX / 1e20))
        return MLK_FAIL(MLK_EINVAL,
                        "the kernel reaches %g, too far from 1 to be computed with; scale the "
                        "features (standard)",
                        set->scale);
    return MLK_OK;
}

static void fill_rows(mlk_kernel_set *set, const double *shift, double factor)
{
    const mlk_cmat X = set->X;
    for (size_t i = 0; i < X.rows; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < X.cols; j++) {
            const double v = factor * (X.data[i * X.ld + j] - (shift ? shift[j] : 0.0));
            set->rows[i * X.cols + j] = (float)v;
            sum += v * v;
        }
        if (set->h)
            set->h[i] = (float)(0.5 * sum);
    }
}

/* k(x_i, x_i) / scale in double, to single. */
static void fill_diagonal(mlk_kernel_set *set, const double *norms)
{
    const mlk_kernel *k = &set->kernel;
    for (size_t i = 0; i < set->X.rows; i++) {
        double v = 1.0;
        if (k->kind == MLK_KERNEL_LINEAR)
            v = norms[i];
        else if (k->kind == MLK_KERNEL_POLY)
            v = power(k->gamma * norms[i] + k->coef0, k->degree);
        else if (k->kind == MLK_KERNEL_SIGMOID)
            v = tanh(k->gamma * norms[i] + k->coef0);
        else if (k->kind == MLK_KERNEL_PRECOMPUTED)
            v = set->X.data[i * set->X.ld + i];
        set->diagonal[i] = (float)(v / set->scale);
    }
}

static mlk_status init_precomputed(mlk_kernel_set *set)
{
    const mlk_cmat K = set->X;
    double max = 0.0;
    for (size_t i = 0; i < K.rows; i++)
        max = fmax(max, fabs(K.data[i * K.ld + i]));
    set->scale = max > 0.0 ? max : 1.0;
    set->wide = true;
    fill_diagonal(set, NULL);
    return MLK_OK;
}

static mlk_status init_rows(mlk_kernel_set *set, const mlk_run *run, mlk_vec mean)
{
    const bool rbf = set->kernel.kind == MLK_KERNEL_RBF;
    mlk_row_norms(set->X, set->norms);
    const double max_norm2 = max_of(set->norms, set->X.rows);
    double factor = max_norm2 > 0.0 ? 1.0 / sqrt(max_norm2) : 1.0;
    MLK_TRY(choose_scale(set, max_norm2 > 0.0 ? max_norm2 : 1.0));
    if (rbf) {
        MLK_TRY(mlk_column_means(set->X, (mlk_cvec){NULL, 0}, run, mean));
        factor = sqrt(2.0 * set->kernel.gamma);
    }
    fill_rows(set, rbf ? mean.data : NULL, factor);
    for (size_t i = 0; rbf && i < set->X.rows; i++)
        set->wide |= !(set->h[i] <= WIDEST);
    fill_diagonal(set, set->norms);
    return MLK_OK;
}

mlk_status mlk_kernel_set_init(mlk_kernel_set *set, const mlk_kernel *kernel, mlk_cmat X,
                               const mlk_run *run)
{
    const bool rbf = kernel->kind == MLK_KERNEL_RBF, given = kernel->kind == MLK_KERNEL_PRECOMPUTED;
    const size_t n = X.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec mean = mlk_scratch_vec(&scratch, X.cols);
    *set = (mlk_kernel_set){.kernel = *kernel, .X = X};
    set->norms = mlk_alloc(n, sizeof *set->norms);
    set->diagonal = mlk_alloc(n, sizeof *set->diagonal);
    set->rows = given ? NULL : mlk_alloc(n, X.cols * sizeof *set->rows);
    set->h = rbf ? mlk_alloc(n, sizeof *set->h) : NULL;

    mlk_status st;
    if (scratch.failed || !set->norms || !set->diagonal || (!given && !set->rows) ||
        (rbf && !set->h))
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows of a kernel", n);
    else
        st = given ? init_precomputed(set) : init_rows(set, run, mean);
    if (st == MLK_OK && set->wide) {
        mlk_free(set->rows);
        set->rows = NULL;
    }
    if (st != MLK_OK)
        mlk_kernel_set_free(set);
    mlk_scratch_release(&scratch);
    return st;
}

void mlk_kernel_set_free(mlk_kernel_set *set)
{
    mlk_free(set->norms);
    mlk_free(set->rows);
    mlk_free(set->h);
    mlk_free(set->diagonal);
    *set = (mlk_kernel_set){0};
}

/*
 * u: half a unit of the last place. A product of rows rounded to single precision errs by
 * (p + 2) u |a| |b|. rbf: the exponent d = a'b - h_a - h_b errs by that and 2 u (h_a + h_b) + u
 * |d|, where h_a + h_b <= |d| + |a| |b|, and k |d| <= 1/e; exp itself by 2 u. Power: |z|^(d - 1) d
 * times the error of z, |z| <= 1, and d roundings. What double itself loses for rbf is in the flat
 * part.
 */
void mlk_kernel_error(const mlk_kernel_set *set, double *flat, double *steep)
{
    const mlk_kernel *k = &set->kernel;
    const double u = 0x1p-24, product = ((double)set->X.cols + 5.0) * u;
    *steep = 0.0;
    *flat = u;
    if (k->kind == MLK_KERNEL_PRECOMPUTED) {
        *flat = INFINITY;
    } else if (k->kind == MLK_KERNEL_RBF) {
        *flat = 5.0 * u + 0x1p-48 * k->gamma * max_of(set->norms, set->X.rows);
        *steep = set->wide ? 0.0 : 1.1 * product;
    } else if (k->kind == MLK_KERNEL_SIGMOID) {
        if (!set->wide)
            *flat = 1.1 * set->slope * product + (2.0 * fabs(set->offset) + 8.0) * u;
    } else {
        const double degree = k->kind == MLK_KERNEL_POLY ? (double)k->degree : 1.0;
        *flat = (1.0 + degree) * (product + 4.0 * u);
        if (!(degree * *flat < 0.1)) /* the power's growth beyond 1 is no longer small */
            *flat = INFINITY;
        *flat *= 1.2;
    }
}

double mlk_kernel_radius(const mlk_kernel_set *set, size_t row)
{
    return set->h ? sqrt(2.0 * (double)set->h[row]) : 1.0;
}

/* ------------------------------------------------------------------- single precision: tiles */

mlk_status mlk_kernel_pick_init(mlk_kernel_pick *pick, const mlk_kernel_set *set, size_t capacity)
{
    const size_t p = set->X.cols;
    const bool given = set->kernel.kind == MLK_KERNEL_PRECOMPUTED;
    *pick = (mlk_kernel_pick){.set = set};
    if (given)
        return MLK_OK;
    if (set->wide) {
        pick->wide = mlk_alloc(capacity, p * sizeof *pick->wide);
        pick->norms = mlk_alloc(capacity, sizeof *pick->norms);
    } else {
        pick->rows = mlk_alloc(capacity, p * sizeof *pick->rows);
        pick->h = mlk_alloc(capacity, sizeof *pick->h);
    }
    if (set->wide ? pick->wide && pick->norms : pick->rows && pick->h)
        return MLK_OK;
    mlk_kernel_pick_free(pick);
    return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows of a kernel", capacity);
}

void mlk_kernel_pick_free(mlk_kernel_pick *pick)
{
    mlk_free(pick->rows);
    mlk_free(pick->h);
    mlk_free(pick->wide);
    mlk_free(pick->norms);
    *pick = (mlk_kernel_pick){0};
}

void mlk_kernel_pick_rows(mlk_kernel_pick *pick, const size_t *index, size_t count)
{
    const mlk_kernel_set *set = pick->set;
    const size_t p = set->X.cols;
    pick->index = index;
    pick->count = count;
    for (size_t r = 0; r < count; r++) {
        const size_t i = index[r];
        if (pick->wide) {
            memcpy(pick->wide + r * p, set->X.data + i * set->X.ld, p * sizeof(double));
            pick->norms[r] = set->norms[i];
        } else if (pick->rows) {
            memcpy(pick->rows + r * p, set->rows + i * p, p * sizeof(float));
            pick->h[r] = set->h ? set->h[i] : 0.0F;
        }
    }
}

mlk_kernel_pick mlk_kernel_pick_range(const mlk_kernel_set *set, size_t begin, size_t end)
{
    return (mlk_kernel_pick){.set = set,
                             .count = end - begin,
                             .rows = set->rows + begin * set->X.cols,
                             .h = set->h ? set->h + begin : NULL};
}

size_t mlk_kernel_room(const mlk_kernel_set *set, size_t m, size_t n)
{
    return set->wide && set->kernel.kind != MLK_KERNEL_PRECOMPUTED ? m * n : 0;
}

static void tile_wide(const mlk_kernel_pick *a, size_t first, size_t count,
                      const mlk_kernel_pick *b, double *room, float *T, size_t ld)
{
    const mlk_kernel_set *set = a->set;
    const size_t p = set->X.cols;
    if (set->kernel.kind == MLK_KERNEL_PRECOMPUTED) {
        for (size_t r = 0; r < count; r++) {
            const double *k = set->X.data + a->index[first + r] * set->X.ld;
            for (size_t c = 0; c < b->count; c++)
                T[r * ld + c] = (float)(k[b->index[c]] / set->scale);
        }
        return;
    }
    mlk_kernel_block(&set->kernel, (mlk_cmat){a->wide + first * p, count, p, p}, a->norms + first,
                     (mlk_cmat){b->wide, b->count, p, p}, b->norms,
                     (mlk_mat){room, count, b->count, b->count});
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < b->count; c++)
            T[r * ld + c] = (float)(room[r * b->count + c] / set->scale);
}

/* From products of row r of a with those of b to values of the kernel. */
static void finish(const mlk_kernel_pick *a, size_t r, const mlk_kernel_pick *b, float *k)
{
    const mlk_kernel_set *set = a->set;
    const float slope = (float)set->slope, offset = (float)set->offset;
    if (set->kernel.kind == MLK_KERNEL_RBF)
        finish_rbf(a->h[r], b->h, b->count, k);
    else if (set->kernel.kind == MLK_KERNEL_POLY)
        finish_power(slope, offset, set->kernel.degree, b->count, k);
    else if (set->kernel.kind == MLK_KERNEL_SIGMOID)
        finish_tanh(slope, offset, b->count, k);
}

/* Products, or for wide sets, whose finish is nothing, the values. */
static void begin_tile(const mlk_kernel_pick *a, size_t first, size_t count,
                       const mlk_kernel_pick *b, double *room, float *T, size_t ld)
{
    const size_t p = a->set->X.cols;
    if (a->set->wide)
        tile_wide(a, first, count, b, room, T, ld);
    else
        mlk_gemm_f32(count, b->count, p, a->rows + first * p, p, b->rows, p, T, ld);
}

void mlk_kernel_tile(const mlk_kernel_pick *a, size_t first, size_t count, const mlk_kernel_pick *b,
                     double *room, float *T, size_t ld)
{
    begin_tile(a, first, count, b, room, T, ld);
    for (size_t r = 0; r < count && !a->set->wide; r++)
        finish(a, first + r, b, T + r * ld);
}

/* Static: the dispatcher of a MLK_SIMD function would be exported, whatever its visibility. */
MLK_SIMD static void add_strip(const double *w, const float *a, const float *b, const float *c,
                               const float *d, size_t n, double *sums)
{
    for (size_t j = 0; j < n; j++)
        sums[j] +=
            w[0] * (double)a[j] + w[1] * (double)b[j] + w[2] * (double)c[j] + w[3] * (double)d[j];
}

void mlk_kernel_add_strip(const double *weights, const float *const *rows, size_t n, double *sums)
{
    add_strip(weights, rows[0], rows[1], rows[2], rows[3], n, sums);
}

void mlk_kernel_add(const mlk_kernel_pick *a, size_t first, size_t count, const mlk_kernel_pick *b,
                    const double *weights, double *room, float *T, size_t ld, double *sums)
{
    begin_tile(a, first, count, b, room, T, ld);
    for (size_t r0 = 0; r0 < count; r0 += MLK_KERNEL_STRIP) {
        const float *rows[MLK_KERNEL_STRIP];
        double w[MLK_KERNEL_STRIP];
        for (size_t s = 0; s < MLK_KERNEL_STRIP; s++) {
            const bool is = r0 + s < count;
            float *k = T + (is ? r0 + s : r0) * ld;
            if (is && !a->set->wide)
                finish(a, first + r0 + s, b, k);
            rows[s] = k;
            w[s] = is ? weights[r0 + s] : 0.0;
        }
        mlk_kernel_add_strip(w, rows, b->count, sums);
    }
}
