#include <mlkit/linear/ridge.h>

#include <float.h>
#include <math.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "linalg/linalg.h"
#include "linear/ridge_system.h"
#include "model/algo.h"

/*
 * Leave-one-out by leverages. With (lambda_k, v_k) the eigenpairs of Z'Z and t_i = V'z_i,
 *
 *     f(x_i) = mean + sum_k t_ik (V'Z'z)_k / (lambda_k + alpha)
 *     h_i    = s_i / sum s + sum_k t_ik^2 / (lambda_k + alpha)
 *
 * are products of T and of its squares with p x K tables, formed a block of rows at a time.
 *
 * In the dual (n < p) 1 - h_i can be tiny; there r_i / (1 - h_i) = (G z)_i / G_ii is used with
 * G = (ZZ' + alpha I)^-1, where the direction of the intercept, an eigenvector of ZZ' with
 * eigenvalue 0, has been moved to a large one, lest it drown the others.
 */
enum { BLOCK = 128 };

typedef struct loo {
    const mlk_data *data;
    bool intercept;
    mlk_cvec alphas, mean; /* mean: p + 1 */
    double total;          /* of weights */
    mlk_mat V;             /* p x p, eigenvectors in columns */
    mlk_mat fitted;        /* p x K: (V'c)_k / (lambda_k + alpha) */
    mlk_mat leverage;      /* p x K: 1 / (lambda_k + alpha) */
    double *work;          /* workers x BLOCK x (2 p + 2 K) */
    mlk_mat out;
} loo;

static mlk_status check_share(double rest, size_t i, double alpha)
{
    if (!(rest > 1e-13))
        return MLK_FAIL(MLK_ESINGULAR,
                        "row %zu determines a coefficient alone (1 - leverage = %.1e at alpha = "
                        "%g): there is no model without it",
                        i, rest, alpha);
    return MLK_OK;
}

/* ------------------------------------------------------------------ primal */

MLK_SIMD_TILES static void centre_block(const loo *l, size_t begin, size_t rows, double *Z)
{
    const size_t p = l->V.rows;
    for (size_t r = 0; r < rows; r++) {
        const double *x = l->data->X.data + (begin + r) * l->data->X.ld;
        for (size_t j = 0; j < p; j++)
            Z[r * p + j] = x[j] - l->mean.data[j];
    }
}

MLK_SIMD_TILES static void square(double *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        t[i] *= t[i];
}

static mlk_status loo_block(const loo *l, size_t begin, size_t rows, double *work)
{
    const size_t p = l->V.rows, K = l->alphas.n;
    const mlk_mat Z = {work, rows, p, p}, T = {work + BLOCK * p, rows, p, p};
    const mlk_mat F = {T.data + BLOCK * p, rows, K, K}, H = {F.data + BLOCK * K, rows, K, K};
    centre_block(l, begin, rows, Z.data);
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(Z), mlk_mat_c(l->V), 0.0, T);
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(T), mlk_mat_c(l->fitted), 0.0, F);
    square(T.data, rows * p);
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(T), mlk_mat_c(l->leverage), 0.0, H);
    for (size_t r = 0; r < rows; r++) {
        const size_t i = begin + r;
        const double s = mlk_weight(l->data->w, i), y = l->data->y.data[i];
        for (size_t k = 0; k < K; k++) {
            const double h = s * (H.data[r * K + k] + (l->intercept ? 1.0 / l->total : 0.0));
            const double f = F.data[r * K + k] + l->mean.data[p];
            MLK_TRY(check_share(1.0 - h, i, l->alphas.data[k]));
            l->out.data[i * l->out.ld + k] = y - (y - f) / (1.0 - h);
        }
    }
    return MLK_OK;
}

static mlk_status loo_chunk(void *ctx, const mlk_chunk *c)
{
    const loo *l = ctx;
    double *work = l->work + c->worker * BLOCK * 2 * (l->V.rows + l->alphas.n);
    for (size_t begin = c->begin; begin < c->end; begin += BLOCK)
        MLK_TRY(loo_block(l, begin, c->end - begin < BLOCK ? c->end - begin : BLOCK, work));
    return MLK_OK;
}

/* Eigenpairs of Z'Z and the two tables. */
static mlk_status prepare(const ridge_system *s, const loo *l, mlk_vec lambda)
{
    const size_t p = s->m, K = l->alphas.n;
    const double *c = s->G.data + p * s->G.ld;
    mlk_copy((mlk_cmat){s->G.data, p, p, s->G.ld}, s->A);
    MLK_TRY(mlk_eigh(s->A, p, lambda, l->V));
    for (size_t k = 0; k < p; k++) {
        double projection = 0.0;
        for (size_t j = 0; j < p; j++)
            projection += l->V.data[j * p + k] * c[j];
        /* Rounding may leave less than nothing; and what is nothing takes no part. */
        const bool noise = lambda.data[k] <= lambda.data[0] * (double)p * DBL_EPSILON;
        for (size_t a = 0; a < K; a++) {
            const double d = fmax(lambda.data[k], 0.0) + l->alphas.data[a];
            l->leverage.data[k * K + a] = noise && l->alphas.data[a] == 0.0 ? 0.0 : 1.0 / d;
            l->fitted.data[k * K + a] = projection * l->leverage.data[k * K + a];
        }
    }
    return MLK_OK;
}

static mlk_status loo_primal(ridge_system *s, loo *l, const mlk_run *run)
{
    const size_t n = s->data->X.rows, p = s->m, K = l->alphas.n, grain = 4 * BLOCK;
    const mlk_run inner = mlk_run_inner(run);
    l->V = mlk_scratch_mat(&s->scratch, p, p);
    l->fitted = mlk_scratch_mat(&s->scratch, p, K);
    l->leverage = mlk_scratch_mat(&s->scratch, p, K);
    const mlk_vec lambda = mlk_scratch_vec(&s->scratch, p);
    l->work = mlk_scratch_mat(&s->scratch, mlk_workers(&inner, n, grain) * BLOCK, 2 * (p + K)).data;
    if (s->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu leverages", n);
    MLK_TRY(prepare(s, l, lambda));
    return mlk_parallel_for(&inner, n, grain, loo_chunk, l);
}

/* -------------------------------------------------------------------- dual */

static mlk_status loo_dual(ridge_system *s, const loo *l)
{
    const size_t n = s->m;
    const mlk_mat Q = mlk_scratch_mat(&s->scratch, n, n);
    const mlk_vec lambda = mlk_scratch_vec(&s->scratch, n), b = mlk_scratch_vec(&s->scratch, n);
    if (s->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu leverages", n);
    double trace = 0.0;
    for (size_t i = 0; i < n; i++)
        trace += s->G.data[i * s->G.ld + i];
    for (size_t i = 0; l->intercept && i < n; i++)
        for (size_t j = 0; j < n; j++)
            s->G.data[i * s->G.ld + j] +=
                trace * sqrt(mlk_weight(s->data->w, i) * mlk_weight(s->data->w, j)) / l->total;
    MLK_TRY(mlk_eigh(s->G, n, lambda, Q));
    mlk_gemv(MLK_TRANS, 1.0, mlk_mat_c(Q), mlk_vec_c(s->z), 0.0, b);
    for (size_t a = 0; a < l->alphas.n; a++) {
        const double alpha = l->alphas.data[a];
        /* What is left of 1 in each direction; the intercept's own is no part of the residual. */
        for (size_t i = 0; i < n; i++) {
            const double weight = mlk_weight(s->data->w, i), y = s->data->y.data[i];
            double top = 0.0, rest = 0.0;
            for (size_t k = 0; k < n; k++) {
                const double q = Q.data[i * n + k], g = 1.0 / (fmax(lambda.data[k], 0.0) + alpha);
                top += q * b.data[k] * g;
                rest += q * q * g;
            }
            if (l->intercept)
                rest -= weight / l->total / (trace + alpha);
            if (!(weight > 0.0)) { /* it took no part in the fit */
                l->out.data[i * l->out.ld + a] = NAN;
                continue;
            }
            MLK_TRY(check_share(rest * (trace + alpha), i, alpha));
            l->out.data[i * l->out.ld + a] = y - top / rest / sqrt(weight);
        }
    }
    return MLK_OK;
}

/* Rows of weight 0 are predicted by the model of all others, which is that of all rows. */
static mlk_status predict_weightless(const mlk_data *d, const loo *l, const mlk_run *run)
{
    for (size_t a = 0; a < l->alphas.n; a++) {
        const mlk_ridge_opts o = {.alpha = l->alphas.data[a], .fit_intercept = l->intercept};
        mlk_ridge *fit;
        MLK_TRY(mlk_ridge_fit(d, &o, run, &fit));
        mlk_status st = MLK_OK;
        for (size_t i = 0; st == MLK_OK && i < d->X.rows; i++)
            if (!(d->w.data[i] > 0.0))
                st = mlk_ridge_predict(fit, mlk_cmat_rows(d->X, i, i + 1), run,
                                       (mlk_vec){l->out.data + i * l->out.ld + a, 1});
        mlk_ridge_free(fit);
        MLK_TRY(st);
    }
    return MLK_OK;
}

/* --------------------------------------------------------------------- all */

static mlk_status check(const mlk_data *data, mlk_cvec alphas, bool intercept, const mlk_run *run,
                        mlk_mat out, double *total)
{
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS,
                           MLK_NEED_TARGET | MLK_NO_CLASSES | MLK_FINITE_LATER, run));
    if (out.rows != data->X.rows || out.cols != alphas.n)
        return MLK_FAIL(MLK_EINVAL, "the output is %zu x %zu; expected %zu x %zu", out.rows,
                        out.cols, data->X.rows, alphas.n);
    for (size_t k = 0; k < alphas.n; k++)
        if (!(alphas.data[k] >= 0.0 && alphas.data[k] < INFINITY))
            return MLK_FAIL(MLK_EINVAL, "alpha = %g is outside [0, inf)", alphas.data[k]);
    size_t present = 0;
    *total = 0.0;
    for (size_t i = 0; i < data->X.rows; i++) {
        present += mlk_weight(data->w, i) > 0.0;
        *total += mlk_weight(data->w, i);
    }
    if (intercept && present < 2)
        return MLK_FAIL(MLK_EINVAL, "%zu row of weight > 0; expected at least 2", present);
    return MLK_OK;
}

mlk_status mlk_ridge_loo(const mlk_data *data, mlk_cvec alphas, bool fit_intercept,
                         const mlk_run *run, mlk_mat out)
{
    loo l = {.data = data, .intercept = fit_intercept, .alphas = alphas, .out = out};
    bool weightless = false;
    MLK_TRY(check(data, alphas, fit_intercept, run, out, &l.total));
    for (size_t i = 0; i < data->w.n; i++)
        weightless |= !(data->w.data[i] > 0.0);

    ridge_system system;
    mlk_status st = ridge_system_init(data, fit_intercept, run, &system);
    l.mean = mlk_vec_c(system.mean);
    if (st == MLK_OK)
        st = system.dual ? loo_dual(&system, &l) : loo_primal(&system, &l, run);
    if (st == MLK_OK && system.dual && weightless)
        st = predict_weightless(data, &l, run);
    ridge_system_release(&system);
    return st;
}
