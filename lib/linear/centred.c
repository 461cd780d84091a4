#include "linear/centred.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"

enum { WORK = 1 << 17 }; /* elements of Z a chunk */

/* A standard deviation below this share of the mean is the rounding of a constant. */
#define CONSTANT (64.0 * DBL_EPSILON)

typedef struct centring {
    mlk_centred *c;
    mlk_cvec w;         /* sample weights, or empty */
    const double *root; /* sqrt(s_i n / S), or NULL: all 1 */
    double total;       /* S */
    bool intercept;
} centring;

static double weighted_sum(const double *x, mlk_cvec w, double shift, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += mlk_weight(w, i) * (x[i] - shift);
    return sum;
}

/* Subtract the mean, found in two passes (the second takes out the rounding of the first), and
 * scale by the roots of the weights. Returns the mean. */
static double centre(const centring *k, double *x, size_t n)
{
    double mean = 0.0;
    if (k->intercept) {
        mean = weighted_sum(x, k->w, 0.0, n) / k->total;
        mean += weighted_sum(x, k->w, mean, n) / k->total;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = (k->root ? k->root[i] : 1.0) * (x[i] - mean);
    return mean;
}

static bool is_constant(double norm2, double mean, size_t n)
{
    return sqrt(norm2) <= sqrt((double)n) * CONSTANT * fabs(mean);
}

static mlk_status centre_columns(void *ctx, const mlk_chunk *chunk)
{
    const centring *k = ctx;
    mlk_centred *c = k->c;
    for (size_t j = chunk->begin; j < chunk->end; j++) {
        double *z = c->Z.data + j * c->Z.ld;
        const double mean = c->x_mean.data[j] = centre(k, z, c->n);
        memset(z + c->n, 0, (c->Z.ld - c->n) * sizeof *z);
        double norm2 = 0.0, zt = 0.0;
        for (size_t i = 0; i < c->n; i++) {
            norm2 += z[i] * z[i];
            zt += z[i] * c->t.data[i];
        }
        if (is_constant(norm2, mean, c->n)) {
            memset(z, 0, c->n * sizeof *z);
            norm2 = zt = 0.0;
        }
        c->norm2.data[j] = norm2;
        c->zt.data[j] = zt;
    }
    return MLK_OK;
}

static mlk_status by_columns(const mlk_data *data, const centring *k, const mlk_run *run)
{
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_transpose(data->X, run, k->c->Z));
    return mlk_parallel_for(&inner, k->c->p, mlk_grain(k->c->n, WORK), centre_columns,
                            (void *)(uintptr_t)k);
}

/* One read of X gives the products of all columns of [X y], centred, and their means. */
static mlk_status by_gram(const mlk_data *data, const centring *k, const mlk_run *run)
{
    mlk_centred *c = k->c;
    const size_t p = c->p, ld = c->G.ld;
    const double scale = (double)c->n / k->total;
    const mlk_mat all = {c->G.data, p + 1, p + 1, ld};
    const mlk_vec mean = {c->x_mean.data, p + 1};
    MLK_TRY(mlk_gram_augmented(data->X, data->w, data->y, k->intercept, run, all, mean));
    for (size_t i = 0; data->w.n && i <= p; i++)
        for (size_t j = 0; j <= p; j++)
            all.data[i * ld + j] *= scale;
    c->y_mean = mean.data[p];
    c->tt = fmax(0.0, all.data[p * ld + p]);
    for (size_t j = 0; j < p; j++) {
        c->zt.data[j] = all.data[p * ld + j];
        c->norm2.data[j] = all.data[j * ld + j];
        if (!is_constant(c->norm2.data[j], mean.data[j], c->n))
            continue;
        for (size_t i = 0; i < p; i++)
            all.data[i * ld + j] = all.data[j * ld + i] = 0.0;
        c->norm2.data[j] = c->zt.data[j] = 0.0;
    }
    return MLK_OK;
}

/* t and ||t||^2, and the roots of the weights. */
static void centre_target(const mlk_data *data, centring *k, double *root)
{
    mlk_centred *c = k->c;
    for (size_t i = 0; i < data->w.n; i++)
        root[i] = sqrt(data->w.data[i] / k->total * (double)c->n);
    k->root = data->w.n ? root : NULL;
    memset(c->t.data, 0, c->t.n * sizeof(double));
    memcpy(c->t.data, data->y.data, c->n * sizeof(double));
    c->y_mean = centre(k, c->t.data, c->n);
    c->tt = 0.0;
    for (size_t i = 0; i < c->n; i++)
        c->tt += c->t.data[i] * c->t.data[i];
}

/* Any NaN or infinity of X has made a norm NaN or infinite. */
static mlk_status check_norms(const mlk_centred *c, mlk_cmat X, const mlk_run *run)
{
    size_t i, j;
    if (!(c->tt < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "the squares of y overflow; expected smaller values");
    for (size_t k = 0; k < c->p; k++) {
        if (c->norm2.data[k] < INFINITY && isfinite(c->zt.data[k]))
            continue;
        if (mlk_find_nonfinite(X, run, &i, &j))
            return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j,
                            X.data[i * X.ld + j]);
        return MLK_FAIL(MLK_EINVAL, "the squares of column %zu of X overflow; scale it", k);
    }
    return MLK_OK;
}

mlk_status mlk_centred_init(mlk_centred *c, const mlk_data *data, bool fit_intercept, bool gram,
                            const mlk_run *run)
{
    const size_t n = data->X.rows, p = data->X.cols, ld = (n + 7) / 8 * 8;
    double *root = NULL;
    *c = (mlk_centred){.n = n, .p = p, .memory = MLK_SCRATCH_INIT};
    c->x_mean = mlk_scratch_vec(&c->memory, p + 1); /* and one for y */
    c->zt = mlk_scratch_vec(&c->memory, p);
    c->norm2 = mlk_scratch_vec(&c->memory, p);
    if (gram) {
        c->G = mlk_scratch_mat(&c->memory, p + 1, (p + 8) / 8 * 8); /* and a row and column for y */
        c->G.rows = c->G.cols = p;
    } else {
        c->Z = mlk_scratch_mat(&c->memory, p, ld);
        c->Z.cols = n;
        c->t = mlk_scratch_vec(&c->memory, ld);
        root = mlk_scratch_vec(&c->memory, data->w.n).data;
    }
    if (c->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a copy of a %zu x %zu design", n, p);

    centring k = {.c = c, .w = data->w, .total = (double)n, .intercept = fit_intercept};
    if (data->w.n)
        k.total = weighted_sum(data->w.data, (mlk_cvec){NULL, 0}, 0.0, n);
    if (!gram)
        centre_target(data, &k, root);
    MLK_TRY(gram ? by_gram(data, &k, run) : by_columns(data, &k, run));
    return check_norms(c, data->X, run);
}

void mlk_centred_release(mlk_centred *c) { mlk_scratch_release(&c->memory); }
