#include "svm/primal.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/linalg.h"

enum {
    BLOCK = 128,         /* rows whose products are taken while they are in the cache */
    CHUNK = 2048,        /* rows of a chunk of a pass */
    SAMPLE_FROM = 20000, /* rows from which on a sample gives the start */
    MAX_SEARCH = 60
};

/* What a pass over the rows finds at a point. */
typedef struct sums {
    double loss;        /* rounded, if so */
    double true_loss;   /* not */
    double dual;        /* sum of y v - epsilon |v|, less v^2 / 4C where squared */
    double rounding;    /* part of the gap that comes from the width h, not from the gradient */
    double plus, minus; /* sums of v > 0, and of -v for v < 0 */
} sums;

typedef struct solver {
    primal *p;
    const mlk_run *run;
    size_t n, q; /* rows; p + 1 */
    double h;    /* width of rounding; 0: squared loss */
    size_t chunks, gram_chunks, gram_grain;
    double *z, *z_next;               /* n: X w + b, here and at a trial point */
    unsigned char *active, *in_gram;  /* n: rows with curvature; rows that G counts */
    double *point, *trial, *step;     /* q */
    double *between;                  /* q */
    double *before, h_before;         /* solution for the width before; 0: none yet */
    bool on_line;                     /* the line through the last two has led to the point */
    double *grad;                     /* q: of the losses */
    double *G;                        /* q x q: sum of C_i x_i x_i' of the rows in_gram; dense */
    double *H;                        /* q x q */
    double *partial;                  /* chunks x q */
    sums *partial_sums;               /* chunks */
    double *gram_partial;             /* gram_chunks x q x q */
    double *buffer;                   /* a worker: 2 x BLOCK x q */
    double *cg;                       /* 4 q: residual, direction, product, diagonal */
    double plus_factor, minus_factor; /* of v, for the certificate */
    bool certificate;
} solver;

/* ------------------------------------------------------------------------------ one row */

/* u and its derivative by z. */
static inline double row_u(const primal *p, size_t i, double z, double *slope)
{
    if (!p->tube) {
        *slope = -p->y[i];
        return 1.0 - p->y[i] * z;
    }
    const double e = z - p->y[i];
    *slope = e < 0.0 ? -1.0 : 1.0;
    return fabs(e) - p->epsilon;
}

/* Loss of u >= 0 with width h, per unit of C; its derivative. */
static inline double row_loss(double h, double u, double *d)
{
    if (u <= 0.0) {
        *d = 0.0;
        return 0.0;
    }
    if (h == 0.0) {
        *d = 2.0 * u;
        return u * u;
    }
    *d = u < h ? u / h : 1.0;
    return u < h ? 0.5 * u * u / h : u - 0.5 * h;
}

/* -------------------------------------------------------------------- a pass over all rows */

/* v of rows begin.. into r, with the sums; z is known. */
static void weigh_rows(const solver *s, size_t begin, size_t rows, const double *z, double *r,
                       sums *sum)
{
    const primal *p = s->p;
    for (size_t k = 0; k < rows; k++) {
        const size_t i = begin + k;
        double slope, d;
        const double u = row_u(p, i, z[i], &slope), C = p->C[i];
        sum->loss += C * row_loss(s->h, u, &d);
        sum->true_loss += u > 0.0 ? C * (p->squared ? u * u : u) : 0.0;
        sum->rounding += !p->squared && u > 0.0 ? C * u * (1.0 - d) : 0.0;
        double v = -C * d * slope;
        v *= v > 0.0 ? s->plus_factor : s->minus_factor;
        sum->dual += p->y[i] * v - p->epsilon * fabs(v);
        if (p->squared && C > 0.0)
            sum->dual -= 0.25 * v * v / C;
        sum->plus += v > 0.0 ? v : 0.0;
        sum->minus -= v < 0.0 ? v : 0.0;
        if (!s->certificate)
            s->active[i] = C > 0.0 && u > 0.0 && (s->h == 0.0 || u < s->h);
        r[k] = v;
    }
}

/* z = rows w + b. Own loops, here and below: the same bytes whatever the stride of the rows. */
MLK_SIMD_TILES static void multiply_rows(mlk_cmat rows, const double *w, double b, double *z)
{
    enum { LANES = 16 };
    for (size_t i = 0; i < rows.rows; i++) {
        const double *x = rows.data + i * rows.ld;
        double lane[LANES] = {0.0}, sum = b;
        size_t j = 0;
        for (; j + LANES <= rows.cols; j += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] += x[j + l] * w[j + l];
        for (; j < rows.cols; j++)
            sum += x[j] * w[j];
        for (size_t l = 0; l < LANES; l++)
            sum += lane[l];
        z[i] = sum;
    }
}

/* grad -= rows' r, four rows at a time. */
MLK_SIMD_TILES static void subtract_rows(mlk_cmat rows, const double *r, double *grad)
{
    size_t i = 0;
    for (; i + 4 <= rows.rows; i += 4) {
        const double *a = rows.data + i * rows.ld, *b = a + rows.ld, *c = b + rows.ld;
        const double *d = c + rows.ld, ra = r[i], rb = r[i + 1], rc = r[i + 2], rd = r[i + 3];
        if (ra == 0.0 && rb == 0.0 && rc == 0.0 && rd == 0.0)
            continue;
        for (size_t j = 0; j < rows.cols; j++)
            grad[j] -= (ra * a[j] + rb * b[j]) + (rc * c[j] + rd * d[j]);
    }
    for (; i < rows.rows; i++)
        for (size_t j = 0; j < rows.cols; j++)
            grad[j] -= r[i] * rows.data[i * rows.ld + j];
}

static mlk_status pass_chunk(void *ctx, const mlk_chunk *c)
{
    const solver *s = ctx;
    const primal *p = s->p;
    const size_t cols = p->X.cols;
    double *grad = s->partial + c->index * s->q, r[BLOCK];
    sums *sum = &s->partial_sums[c->index];
    memset(grad, 0, s->q * sizeof *grad);
    *sum = (sums){0};
    for (size_t begin = c->begin, end; begin < c->end; begin = end) {
        end = c->end - begin < BLOCK ? c->end : begin + BLOCK;
        const mlk_cmat rows = mlk_cmat_rows(p->X, begin, end);
        if (!s->certificate)
            multiply_rows(rows, s->trial, s->trial[cols], s->z_next + begin);
        weigh_rows(s, begin, end - begin, s->certificate ? s->z : s->z_next, r, sum);
        for (size_t k = 0; k < end - begin; k++)
            grad[cols] -= r[k];
        subtract_rows(rows, r, grad);
    }
    return MLK_OK;
}

/* Losses, gradient (to s->grad) and active rows at s->trial; z to s->z_next. */
static mlk_status pass(solver *s, sums *total)
{
    MLK_TRY(mlk_parallel_for(&(mlk_run){.threads = s->run ? s->run->threads : 0}, s->n, CHUNK,
                             pass_chunk, s));
    memset(s->grad, 0, s->q * sizeof *s->grad);
    *total = (sums){0};
    for (size_t c = 0; c < s->chunks; c++) {
        const sums *part = &s->partial_sums[c];
        for (size_t j = 0; j < s->q; j++)
            s->grad[j] += s->partial[c * s->q + j];
        total->loss += part->loss;
        total->true_loss += part->true_loss;
        total->dual += part->dual;
        total->rounding += part->rounding;
        total->plus += part->plus;
        total->minus += part->minus;
    }
    return MLK_OK;
}

static double penalty(const solver *s, const double *w)
{
    const primal *p = s->p;
    const size_t count = s->q - !p->penalise_b;
    double sum = 0.0;
    for (size_t j = 0; j < count; j++)
        sum += p->l1 ? fabs(w[j]) : 0.5 * w[j] * w[j];
    return sum;
}

/* The dual objective of the multipliers whose sums and gradient these are; those of the squared
 * part of L1 are scaled into the box. */
static double dual_value(const solver *s, const sums *t)
{
    const primal *p = s->p;
    const size_t count = s->q - !p->penalise_b;
    if (!p->l1) {
        double norm2 = 0.0;
        for (size_t j = 0; j < count; j++)
            norm2 += s->grad[j] * s->grad[j];
        return t->dual - 0.5 * norm2;
    }
    double most = 1.0;
    for (size_t j = 0; j < count; j++)
        most = fmax(most, fabs(s->grad[j]));
    /* a v with 0 < a <= 1: the linear part shrinks by a, the quadratic by a^2: a bound from a. */
    return t->dual / most;
}

/* ------------------------------------------------------------------- Gram matrix of rows */

static mlk_status gram_chunk(void *ctx, const mlk_chunk *c)
{
    const solver *s = ctx;
    const mlk_cmat X = s->p->X;
    const size_t q = s->q;
    double *rows = s->buffer + (size_t)c->worker * 2 * BLOCK * q, *scaled = rows + BLOCK * q;
    const mlk_mat G = {s->gram_partial + c->index * q * q, q, q, q};
    size_t held = 0;
    memset(G.data, 0, q * q * sizeof *G.data);
    for (size_t i = c->begin; i <= c->end; i++) {
        if (held == BLOCK || (i == c->end && held)) {
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
static mlk_status update_gram(solver *s)
{
    const mlk_run inner = {.threads = s->run ? s->run->threads : 0};
    size_t changed = 0, active = 0;
    for (size_t i = 0; i < s->n; i++) {
        changed += s->active[i] != s->in_gram[i];
        active += s->active[i];
    }
    if (changed > active) {
        memset(s->in_gram, 0, s->n);
        memset(s->G, 0, s->q * s->q * sizeof *s->G);
    }
    MLK_TRY(mlk_parallel_for(&inner, s->n, s->gram_grain, gram_chunk, s));
    for (size_t c = 0; c < s->gram_chunks; c++)
        for (size_t j = 0; j < s->q * s->q; j++)
            s->G[j] += s->gram_partial[c * s->q * s->q + j];
    memcpy(s->in_gram, s->active, s->n);
    return MLK_OK;
}

/* --------------------------------------------------------------------------------- a step */

static double curvature(const solver *s) { return s->h == 0.0 ? 2.0 : 1.0 / s->h; }

static double penalty_curvature(const solver *s, size_t j)
{
    return s->p->l1 || (j == s->q - 1 && !s->p->penalise_b) ? 0.0 : 1.0;
}

/* H = curvature G, with that of the penalty and, against singularity, a trace of its size. */
static void form_hessian(const solver *s, double damping)
{
    const size_t q = s->q;
    double trace = 0.0;
    for (size_t j = 0; j < q * q; j++)
        s->H[j] = curvature(s) * s->G[j];
    for (size_t j = 0; j < q; j++)
        trace += s->H[j * q + j] += penalty_curvature(s, j);
    for (size_t j = 0; j < q; j++)
        s->H[j * q + j] += damping * (trace / (double)q + DBL_MIN);
}

static mlk_status dense_step(solver *s)
{
    const size_t q = s->q;
    for (double damping = 1e-14;; damping *= 100.0) {
        form_hessian(s, damping);
        const mlk_status st = mlk_chol((mlk_mat){s->H, q, q, q}, NULL);
        if (st == MLK_OK)
            break;
        if (st != MLK_ESINGULAR || damping > 1.0)
            return st;
    }
    for (size_t j = 0; j < q; j++)
        s->step[j] = -(s->grad[j] + penalty_curvature(s, j) * s->point[j]);
    mlk_chol_solve((mlk_cmat){s->H, q, q, q}, (mlk_mat){s->step, q, 1, 1});
    return MLK_OK;
}

/* L1: minimise grad'd + 1/2 d'Hd + ||w + d||_1 over d by coordinate descent; `slope` is the
 * gradient of the smooth part, kept current. */
static void lasso_step(solver *s)
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
    const solver *s = ctx;
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

static mlk_status multiply(solver *s, double *out)
{
    const mlk_run inner = {.threads = s->run ? s->run->threads : 0};
    MLK_TRY(mlk_parallel_for(&inner, s->n, CHUNK, multiply_chunk, s));
    for (size_t j = 0; j < s->q; j++) {
        double sum = 0.0;
        for (size_t c = 0; c < s->chunks; c++)
            sum += s->partial[c * s->q + j];
        out[j] = curvature(s) * sum + (penalty_curvature(s, j) + 1e-12) * s->cg[s->q + j];
    }
    return MLK_OK;
}

/* Conjugate gradients until the residual is a small part of the gradient. */
static mlk_status iterative_step(solver *s)
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

/* -------------------------------------------------------------------------- along the step */

/* Objective at point + t step, whose z are between those of both ends. */
static double objective_at(solver *s, double t)
{
    double sum = 0.0;
    for (size_t i = 0; i < s->n; i++) {
        double slope, d;
        const double u = row_u(s->p, i, s->z[i] + t * (s->z_next[i] - s->z[i]), &slope);
        sum += s->p->C[i] * row_loss(s->h, u, &d);
    }
    for (size_t j = 0; j < s->q; j++)
        s->between[j] = s->point[j] + t * s->step[j];
    return sum + penalty(s, s->between);
}

/* A t in (0, 1) with less than F(0), by golden sections of a convex function. */
static double search(solver *s)
{
    const double ratio = 0.61803398874989485;
    double lo = 0.0, hi = 1.0, a = 1.0 - ratio, b = ratio;
    double fa = objective_at(s, a), fb = objective_at(s, b);
    for (int k = 0; k < MAX_SEARCH && hi - lo > 0.05 * hi; k++) {
        if (fa <= fb) {
            hi = b;
            b = a;
            fb = fa;
            a = hi - ratio * (hi - lo);
            fa = objective_at(s, a);
        } else {
            lo = a;
            a = b;
            fa = fb;
            b = lo + ratio * (hi - lo);
            fb = objective_at(s, b);
        }
    }
    return fa < fb ? a : b;
}

/* ------------------------------------------------------------------------------ all of it */

static void accept(solver *s)
{
    memcpy(s->point, s->trial, s->q * sizeof *s->point);
    memcpy(s->z, s->z_next, s->n * sizeof *s->z);
}

/* What two objectives of this size may differ by and still be the same. */
static double slack(double objective) { return 1e-13 * fabs(objective); }

/* Move to a better point along the step, or stay: the sums there, and the rounded objective. */
static mlk_status move(solver *s, double before, sums *t, double *after)
{
    double share = 1.0;
    for (int attempt = 0; attempt < 2; attempt++) {
        for (size_t j = 0; j < s->q; j++)
            s->trial[j] = s->point[j] + share * s->step[j];
        MLK_TRY(pass(s, t));
        *after = t->loss + penalty(s, s->trial);
        if (*after <= before + slack(before)) {
            accept(s);
            return MLK_OK;
        }
        share = search(s);
    }
    memcpy(s->trial, s->point, s->q * sizeof *s->trial);
    MLK_TRY(pass(s, t));
    *after = before;
    return MLK_OK;
}

/* The gap at the point, by multipliers made feasible: with a free intercept their sum must be 0.
 * Overwrites the gradient. */
static mlk_status certify(solver *s, const sums *t)
{
    primal *p = s->p;
    sums feasible;
    s->certificate = true;
    if (!p->penalise_b) {
        const double least = fmin(t->plus, t->minus);
        s->plus_factor = t->plus > least ? least / t->plus : 1.0;
        s->minus_factor = t->minus > least ? least / t->minus : 1.0;
    }
    const mlk_status st = pass(s, &feasible);
    s->certificate = false;
    s->plus_factor = s->minus_factor = 1.0;
    p->objective = t->true_loss + penalty(s, s->point);
    p->gap = fmax(0.0, p->objective - dual_value(s, &feasible));
    return st;
}

static mlk_status find_step(solver *s)
{
    if (!s->G)
        return iterative_step(s);
    MLK_TRY(update_gram(s));
    if (!s->p->l1)
        return dense_step(s);
    lasso_step(s);
    return MLK_OK;
}

/* What rounding hides falls with the square of the width: aim at half of the gap allowed, in steps
 * that leave rows within it. The solution is nearly linear in a small width: the line through those
 * of the last two leads to the next. */
static mlk_status shrink_width(solver *s, double allowed, sums *t, double *now)
{
    const double factor = sqrt(0.25 * allowed / t->rounding);
    const double least = s->on_line ? 0.01 : 0.25;
    const double h = s->h * (factor > 0.5 ? 0.5 : factor < least ? least : factor);
    const double along = s->h_before > 0.0 ? (h - s->h) / (s->h - s->h_before) : 0.0;
    for (size_t j = 0; j < s->q; j++) {
        s->trial[j] = s->point[j] + along * (s->point[j] - s->before[j]);
        s->before[j] = s->point[j];
    }
    s->h_before = s->h;
    s->h = h;
    MLK_TRY(pass(s, t)); /* also fills z_next */
    const double here = objective_at(s, 0.0);
    *now = t->loss + penalty(s, s->trial);
    if (*now <= here) {
        accept(s);
        s->on_line = along > 0.0;
        return MLK_OK;
    }
    *now = here;
    s->on_line = false;
    memcpy(s->trial, s->point, s->q * sizeof *s->trial);
    return pass(s, t);
}

/* What the gap will be, nearly, from the sums of a pass: besides what rounding hides, half the
 * squared gradient; and making the multipliers sum to 0 costs about as much as they miss it by. */
static double gap_of(const solver *s, const sums *t)
{
    const primal *p = s->p;
    const size_t count = s->q - !p->penalise_b;
    const double b = s->point[s->q - 1];
    const double missing = p->penalise_b ? 0.0 : fabs(t->plus - t->minus) * (1.0 + fabs(b));
    double sum = 0.0;
    if (p->l1)
        return fmax(0.0, t->true_loss + penalty(s, s->point) - dual_value(s, t)) + missing;
    for (size_t j = 0; j < count; j++) {
        const double g = s->point[j] + s->grad[j];
        sum += g * g;
    }
    return t->rounding + 0.5 * sum + missing;
}

/* Has the end come? Then the certificate stands in the problem. */
static mlk_status finish(solver *s, double gap, bool stalled, sums *t, bool *done)
{
    primal *p = s->p;
    const bool last = stalled || p->iterations == p->max_iter;
    const double objective = t->true_loss + penalty(s, s->point);
    *done = false;
    if (gap > 0.9 * p->tol * objective && !last)
        return MLK_OK;
    MLK_TRY(certify(s, t));
    p->converged = p->gap <= p->tol * p->objective;
    *done = p->converged || last;
    return *done ? MLK_OK : pass(s, t); /* the gradient again */
}

static mlk_status iterate(solver *s)
{
    enum { PATIENCE = 8 };
    primal *p = s->p;
    sums t;
    double now, next, best_gap = INFINITY;
    bool done = false;
    unsigned stalled = 0;
    memcpy(s->trial, p->w, s->q * sizeof *s->trial);
    MLK_TRY(pass(s, &t));
    accept(s);
    now = t.loss + penalty(s, s->point);
    for (p->iterations = 0;; p->iterations++) {
        MLK_TRY(mlk_run_poll(s->run, -1.0));
        const double objective = t.true_loss + penalty(s, s->point), gap = gap_of(s, &t);
        mlk_run_log(s->run, "objective %.10g, gap about %g, width %g", objective, gap, s->h);
        stalled = gap < 0.9 * best_gap ? 0 : stalled + 1;
        best_gap = fmin(best_gap, gap);
        MLK_TRY(finish(s, gap, stalled > PATIENCE, &t, &done));
        if (done)
            return MLK_OK;
        if (gap < 2.0 * t.rounding && t.rounding > 0.3 * p->tol * objective) {
            MLK_TRY(shrink_width(s, p->tol * objective, &t, &now));
            best_gap = INFINITY;
        }
        if (gap_of(s, &t) < 2.0 * t.rounding && s->on_line)
            continue; /* the line led to the solution: on to the next width */
        s->on_line = false;
        MLK_TRY(find_step(s));
        MLK_TRY(move(s, now, &t, &next));
        if (next < now - slack(now))
            stalled = 0;
        now = fmin(now, next);
    }
}

static mlk_status allocate(solver *s, mlk_scratch *scratch)
{
    const size_t n = s->n, q = s->q;
    const mlk_run inner = {.threads = s->run ? s->run->threads : 0};
    s->chunks = mlk_chunks(n, CHUNK);
    s->z = mlk_scratch_take(scratch, n, sizeof *s->z);
    s->z_next = mlk_scratch_take(scratch, n, sizeof *s->z_next);
    s->active = mlk_scratch_take(scratch, n, 1);
    s->in_gram = mlk_scratch_take(scratch, n, 1);
    double **const vectors[] = {&s->point, &s->trial, &s->step, &s->before, &s->between, &s->grad};
    for (size_t k = 0; k < MLK_COUNT(vectors); k++)
        *vectors[k] = mlk_scratch_take(scratch, q, sizeof(double));
    s->cg = mlk_scratch_mat(scratch, 3, q).data;
    s->partial = mlk_scratch_mat(scratch, s->chunks, q).data;
    s->partial_sums = mlk_scratch_take(scratch, s->chunks, sizeof *s->partial_sums);
    if (q <= PRIMAL_DENSE || s->p->l1) {
        /* Partial matrices of 64 MB at most, and never fewer than four. */
        const size_t most = ((size_t)64 << 20) / (q * q * sizeof(double));
        s->gram_chunks = most < 4 ? 4 : most > 32 ? 32 : most;
        s->gram_grain = (n + s->gram_chunks - 1) / s->gram_chunks;
        s->gram_chunks = mlk_chunks(n, s->gram_grain);
        const unsigned workers = mlk_workers(&inner, n, s->gram_grain);
        s->G = mlk_scratch_mat(scratch, q, q).data;
        s->H = mlk_scratch_mat(scratch, q, q).data;
        s->gram_partial = mlk_scratch_mat(scratch, s->gram_chunks * q, q).data;
        s->buffer = mlk_scratch_mat(scratch, (size_t)workers * 2 * BLOCK, q).data;
    }
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a linear machine of %zu columns", q - 1);
    memset(s->in_gram, 0, n);
    memset(s->before, 0, q * sizeof *s->before);
    memset(s->step, 0, q * sizeof *s->step);
    if (s->G)
        memset(s->G, 0, q * q * sizeof *s->G);
    return MLK_OK;
}

/* The solution on every stride-th row, weighing as much as all, to a coarse gap. */
static mlk_status start_from_sample(primal *p, const mlk_run *run)
{
    const size_t stride = 10, n = p->X.rows / stride;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec y = mlk_scratch_vec(&scratch, n), C = mlk_scratch_vec(&scratch, n);
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a sample of %zu rows", n);
    }
    double all = 0.0, some = 0.0;
    for (size_t i = 0; i < p->X.rows; i++)
        all += p->C[i];
    for (size_t i = 0; i < n; i++) {
        y.data[i] = p->y[i * stride];
        some += C.data[i] = p->C[i * stride];
    }
    for (size_t i = 0; i < n && some > 0.0; i++)
        C.data[i] *= all / some;
    primal part = *p;
    part.X = (mlk_cmat){p->X.data, n, p->X.cols, p->X.ld * stride};
    part.y = y.data;
    part.C = C.data;
    part.tol = 1e-3;
    const mlk_run inner = mlk_run_inner(run);
    const mlk_status st = mlk_primal_solve(&part, &inner);
    p->width = part.width;
    mlk_scratch_release(&scratch);
    return st;
}

/* A start that knows no better: w = 0, and b the middle of a tube; a width that most losses are
 * within. */
static void start_from_nothing(primal *p)
{
    double mean = 0.0, variance = 0.0;
    const double n = (double)p->X.rows;
    memset(p->w, 0, (p->X.cols + 1) * sizeof *p->w);
    p->width = 2.0;
    if (!p->tube)
        return;
    for (size_t i = 0; i < p->X.rows; i++)
        mean += p->y[i] / n;
    for (size_t i = 0; i < p->X.rows; i++)
        variance += (p->y[i] - mean) * (p->y[i] - mean) / n;
    p->w[p->X.cols] = mean;
    p->width = variance > 0.0 ? 2.0 * sqrt(variance) : 1.0;
}

mlk_status mlk_primal_solve(primal *p, const mlk_run *run)
{
    solver s = {.p = p, .run = run, .n = p->X.rows, .q = p->X.cols + 1};
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    if (p->X.rows >= SAMPLE_FROM && p->X.rows / 10 >= 10 * p->X.cols)
        MLK_TRY(start_from_sample(p, run));
    else
        start_from_nothing(p);
    s.h = p->squared ? 0.0 : p->width;
    s.plus_factor = s.minus_factor = 1.0;
    mlk_status st = allocate(&s, &scratch);
    if (st == MLK_OK)
        st = iterate(&s);
    if (st == MLK_OK)
        memcpy(p->w, s.point, s.q * sizeof *p->w);
    p->width = s.h;
    mlk_scratch_release(&scratch);
    return st;
}
