#include "svm/primal_work.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"

/* ------------------------------------------------------------------- Gram matrix of rows */

static mlk_status gram_chunk(void *ctx, const mlk_chunk *c)
{
    const primal_solver *s = ctx;
    const mlk_cmat X = s->p->X;
    const size_t q = s->q;
    double *rows = s->buffer + (size_t)c->worker * 2 * PRIMAL_BLOCK * q;
    double *scaled = rows + PRIMAL_BLOCK * q;
    const mlk_mat G = {s->gram_partial + c->index * q * q, q, q, q};
    size_t held = 0;
    memset(G.data, 0, q * q * sizeof *G.data);
    for (size_t i = c->begin; i <= c->end; i++) {
        if (held == PRIMAL_BLOCK || (i == c->end && held)) {
            mlk_gemm(MLK_TRANS, MLK_NO_TRANS, 1.0, (mlk_cmat){rows, held, q, q},
                     (mlk_cmat){scaled, held, q, q}, 1.0, G);
            held = 0;
        }
        if (i == c->end || s->active[i] == s->in_gram[i])
            continue;
        const double *x = X.data + i * X.ld, f = s->active[i] ? s->p->C[i] : -s->p->C[i];
        for (size_t j = 0; j < X.cols; j++) {
            rows[held * q + j] = x[j];
            scaled[held * q + j] = f * x[j];
        }
        rows[held * q + q - 1] = 1.0;
        scaled[held * q + q - 1] = f;
        held++;
    }
    return MLK_OK;
}

/* G follows the active rows: by those that changed, or anew where that is less work. */
static mlk_status update_gram(primal_solver *s)
{
    size_t changed = 0, active = 0;
    for (size_t i = 0; i < s->n; i++) {
        changed += s->active[i] != s->in_gram[i];
        active += s->active[i];
    }
    if (changed > active) {
        memset(s->in_gram, 0, s->n);
        memset(s->G, 0, s->q * s->q * sizeof *s->G);
    }
    MLK_TRY(mlk_parallel_for(&s->inner, s->n, s->gram_grain, gram_chunk, s));
    for (size_t c = 0; c < s->gram_chunks; c++)
        for (size_t j = 0; j < s->q * s->q; j++)
            s->G[j] += s->gram_partial[c * s->q * s->q + j];
    memcpy(s->in_gram, s->active, s->n);
    return MLK_OK;
}

/* --------------------------------------------------------------------------------- a step */

static double curvature(const primal_solver *s) { return s->h == 0.0 ? 2.0 : 1.0 / s->h; }

static double penalty_curvature(const primal_solver *s, size_t j)
{
    return s->p->l1 || (j == s->q - 1 && !s->p->penalise_b) ? 0.0 : 1.0;
}

/* What damping adds to the curvature of column j. */
static double damping_at(const primal_solver *s, size_t j)
{
    return s->damping > 0.0 ? s->damping * curvature(s) * s->all_rows[j] : 0.0;
}

/*
 * Few rows are within a small width; where those at hand say little of what the step will meet (in
 * the extreme none, and the intercept has no curvature), it is too long by far. Levenberg and
 * Marquardt's remedy: a part of the diagonal that all rows would give. The least that helps is that
 * of one row more.
 */
void mlk_primal_damp(primal_solver *s, double share)
{
    const primal *p = s->p;
    const double least = 1.0 / (double)s->n;
    if (share > 0.3) {
        s->damping = s->damping > least ? 0.1 * s->damping : 0.0;
        return;
    }
    if (s->damping == 0.0) {
        memset(s->all_rows, 0, s->q * sizeof *s->all_rows);
        for (size_t i = 0; i < s->n; i++) {
            for (size_t j = 0; j < p->X.cols; j++)
                s->all_rows[j] += p->C[i] * p->X.data[i * p->X.ld + j] * p->X.data[i * p->X.ld + j];
            s->all_rows[s->q - 1] += p->C[i];
        }
    }
    s->damping = fmin(1.0, fmax(least, 10.0 * s->damping));
}

/* H = curvature G, with that of the penalty and of damping and, against singularity, a trace of its
 * size. */
static void form_hessian(const primal_solver *s, double ridge)
{
    const size_t q = s->q;
    double trace = 0.0;
    for (size_t j = 0; j < q * q; j++)
        s->H[j] = curvature(s) * s->G[j];
    for (size_t j = 0; j < q; j++)
        trace += s->H[j * q + j] += penalty_curvature(s, j) + damping_at(s, j);
    for (size_t j = 0; j < q; j++)
        s->H[j * q + j] += ridge * (trace / (double)q + DBL_MIN);
}

static mlk_status dense_step(primal_solver *s)
{
    const size_t q = s->q;
    for (double ridge = 1e-14;; ridge *= 100.0) {
        form_hessian(s, ridge);
        const mlk_status st = mlk_chol((mlk_mat){s->H, q, q, q}, NULL);
        if (st == MLK_OK)
            break;
        if (st != MLK_ESINGULAR || ridge > 1.0)
            return st;
    }
    for (size_t j = 0; j < q; j++)
        s->step[j] = -(s->grad[j] + penalty_curvature(s, j) * s->point[j]);
    mlk_chol_solve((mlk_cmat){s->H, q, q, q}, (mlk_mat){s->step, q, 1, 1});
    return MLK_OK;
}

/* L1: minimise grad'd + 1/2 d'Hd + ||w + d||_1 over d by coordinate descent; `slope` is the
 * gradient of the smooth part, kept current. */
static void lasso_step(primal_solver *s)
{
    const size_t q = s->q, count = q - !s->p->penalise_b;
    double *slope = s->cg;
    form_hessian(s, 1e-12);
    memcpy(slope, s->grad, q * sizeof *slope);
    memset(s->step, 0, q * sizeof *s->step);
    for (int sweep = 0; sweep < 1000; sweep++) {
        double worst = 0.0;
        for (size_t j = 0; j < q; j++) {
            const double hjj = s->H[j * q + j], w = s->point[j] + s->step[j];
            const double target = w - slope[j] / hjj, cut = j < count ? 1.0 / hjj : 0.0;
            const double next = target > cut ? target - cut : target < -cut ? target + cut : 0.0;
            const double d = (j < count ? next : target) - w;
            if (d == 0.0)
                continue;
            s->step[j] += d;
            worst = fmax(worst, fabs(d) * hjj);
            mlk_axpy(d, (mlk_cvec){s->H + j * q, q}, (mlk_vec){slope, q});
        }
        if (worst <= 1e-10)
            return;
    }
}

/* out = H v by the active rows. */
static mlk_status multiply_chunk(void *ctx, const mlk_chunk *c)
{
    const primal_solver *s = ctx;
    const primal *p = s->p;
    const size_t cols = p->X.cols;
    const double *v = s->cg + s->q;
    double *out = s->partial + c->index * s->q;
    memset(out, 0, s->q * sizeof *out);
    for (size_t i = c->begin; i < c->end; i++) {
        if (!s->active[i])
            continue;
        const mlk_cvec x = mlk_cmat_row(p->X, i);
        const double f = p->C[i] * (mlk_dot(x, (mlk_cvec){v, cols}) + v[cols]);
        mlk_axpy(f, x, (mlk_vec){out, cols});
        out[cols] += f;
    }
    return MLK_OK;
}

static mlk_status multiply(primal_solver *s, double *out)
{
    MLK_TRY(mlk_parallel_for(&s->inner, s->n, s->grain, multiply_chunk, s));
    for (size_t j = 0; j < s->q; j++) {
        double sum = 0.0;
        for (size_t c = 0; c < s->chunks; c++)
            sum += s->partial[c * s->q + j];
        out[j] = curvature(s) * sum +
                 (penalty_curvature(s, j) + damping_at(s, j) + 1e-12) * s->cg[s->q + j];
    }
    return MLK_OK;
}

/* Conjugate gradients until the residual is a small part of the gradient. */
static mlk_status iterative_step(primal_solver *s)
{
    const size_t q = s->q;
    double *r = s->cg, *d = r + q, *Hd = d + q, rr = 0.0;
    for (size_t j = 0; j < q; j++) {
        s->step[j] = 0.0;
        r[j] = d[j] = -(s->grad[j] + penalty_curvature(s, j) * s->point[j]);
        rr += r[j] * r[j];
    }
    const double enough = 1e-6 * rr;
    for (size_t k = 0; k < q && rr > enough; k++) {
        MLK_TRY(mlk_run_poll(s->run, -1.0));
        MLK_TRY(multiply(s, Hd));
        double dHd = 0.0, next = 0.0;
        for (size_t j = 0; j < q; j++)
            dHd += d[j] * Hd[j];
        const double a = rr / dHd;
        for (size_t j = 0; j < q; j++) {
            s->step[j] += a * d[j];
            r[j] -= a * Hd[j];
            next += r[j] * r[j];
        }
        for (size_t j = 0; j < q; j++)
            d[j] = r[j] + next / rr * d[j];
        rr = next;
    }
    return MLK_OK;
}

mlk_status mlk_primal_step(primal_solver *s)
{
    if (!s->G)
        return iterative_step(s);
    MLK_TRY(update_gram(s));
    if (!s->p->l1)
        return dense_step(s);
    lasso_step(s);
    return MLK_OK;
}
