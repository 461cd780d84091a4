#include "svm/primal.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "svm/primal_work.h"

enum {
    SAMPLE_FROM = 20000, /* rows from which on a sample gives the start */
    MAX_SEARCH = 60
};

/* -------------------------------------------------------------------------- along the step */

/* A t in (0, 1) with less than F(0), by golden sections of a convex function. */
static double search(primal_solver *s)
{
    const double ratio = 0.61803398874989485;
    double lo = 0.0, hi = 1.0, a = 1.0 - ratio, b = ratio;
    double fa = mlk_primal_between(s, a), fb = mlk_primal_between(s, b);
    for (int k = 0; k < MAX_SEARCH && hi - lo > 0.05 * hi; k++) {
        if (fa <= fb) {
            hi = b;
            b = a;
            fb = fa;
            a = hi - ratio * (hi - lo);
            fa = mlk_primal_between(s, a);
        } else {
            lo = a;
            a = b;
            fa = fb;
            b = lo + ratio * (hi - lo);
            fb = mlk_primal_between(s, b);
        }
    }
    return fa < fb ? a : b;
}

/* ------------------------------------------------------------------------------ all of it */

static void accept(primal_solver *s)
{
    memcpy(s->point, s->trial, s->q * sizeof *s->point);
    memcpy(s->z, s->z_next, s->n * sizeof *s->z);
}

/* What two objectives of this size may differ by and still be the same. */
static double slack(double objective) { return 1e-13 * fabs(objective); }

/* Move to a better point along the step, or stay: the sums there, and the rounded objective. */
static mlk_status move(primal_solver *s, double before, primal_sums *t, double *after)
{
    double share = 1.0;
    for (int attempt = 0; attempt < 2; attempt++) {
        for (size_t j = 0; j < s->q; j++)
            s->trial[j] = s->point[j] + share * s->step[j];
        MLK_TRY(mlk_primal_pass(s, t));
        *after = t->loss + mlk_primal_penalty(s, s->trial);
        if (*after <= before + slack(before)) {
            accept(s);
            mlk_primal_damp(s, share);
            return MLK_OK;
        }
        share = search(s);
    }
    mlk_primal_damp(s, 0.0);
    memcpy(s->trial, s->point, s->q * sizeof *s->trial);
    MLK_TRY(mlk_primal_pass(s, t));
    *after = before;
    return MLK_OK;
}

/* The gap at the point, by multipliers made feasible: with a free intercept their sum must be 0.
 * Overwrites the gradient. */
static mlk_status certify(primal_solver *s, const primal_sums *t)
{
    primal *p = s->p;
    primal_sums feasible;
    s->certificate = true;
    if (!p->penalise_b) {
        const double least = fmin(t->plus, t->minus);
        s->plus_factor = t->plus > least ? least / t->plus : 1.0;
        s->minus_factor = t->minus > least ? least / t->minus : 1.0;
    }
    const mlk_status st = mlk_primal_pass(s, &feasible);
    s->certificate = false;
    s->plus_factor = s->minus_factor = 1.0;
    p->objective = t->true_loss + mlk_primal_penalty(s, s->point);
    p->gap = fmax(0.0, p->objective - mlk_primal_dual(s, &feasible));
    return st;
}

/* What rounding hides falls with the square of the width: aim at half of the gap allowed, in steps
 * that leave rows within it. The solution is nearly linear in a small width: the line through those
 * of the last two leads to the next. */
static mlk_status shrink_width(primal_solver *s, double allowed, primal_sums *t, double *now)
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
    MLK_TRY(mlk_primal_pass(s, t)); /* also fills z_next */
    const double here = mlk_primal_between(s, 0.0);
    *now = t->loss + mlk_primal_penalty(s, s->trial);
    if (*now <= here) {
        accept(s);
        s->on_line = along > 0.0;
        return MLK_OK;
    }
    *now = here;
    s->on_line = false;
    memcpy(s->trial, s->point, s->q * sizeof *s->trial);
    return mlk_primal_pass(s, t);
}

/* What the gap will be, nearly, from the sums of a pass: besides what rounding hides, half
 * the squared gradient; and making the multipliers sum to 0 costs about as much as they miss it by.
 */
static double gap_of(const primal_solver *s, const primal_sums *t)
{
    const primal *p = s->p;
    const size_t count = s->q - !p->penalise_b;
    const double b = s->point[s->q - 1];
    const double missing = p->penalise_b ? 0.0 : fabs(t->plus - t->minus) * (1.0 + fabs(b));
    double sum = 0.0;
    if (p->l1)
        return fmax(0.0, t->true_loss + mlk_primal_penalty(s, s->point) - mlk_primal_dual(s, t)) +
               missing;
    for (size_t j = 0; j < count; j++) {
        const double g = s->point[j] + s->grad[j];
        sum += g * g;
    }
    return t->rounding + 0.5 * sum + missing;
}

/* Has the end come? Then the certificate stands in the problem. */
static mlk_status finish(primal_solver *s, double gap, bool stalled, primal_sums *t, bool *done)
{
    primal *p = s->p;
    const bool last = stalled || p->iterations == p->max_iter;
    const double objective = t->true_loss + mlk_primal_penalty(s, s->point);
    *done = false;
    if (gap > 0.9 * p->tol * objective && !last)
        return MLK_OK;
    MLK_TRY(certify(s, t));
    p->converged = p->gap <= p->tol * p->objective;
    *done = p->converged || last;
    return *done ? MLK_OK : mlk_primal_pass(s, t); /* the gradient again */
}

static mlk_status iterate(primal_solver *s)
{
    enum { PATIENCE = 8 };
    primal *p = s->p;
    primal_sums t;
    double now, next, best_gap = INFINITY;
    bool done = false;
    unsigned stalled = 0;
    memcpy(s->trial, p->w, s->q * sizeof *s->trial);
    MLK_TRY(mlk_primal_pass(s, &t));
    accept(s);
    now = t.loss + mlk_primal_penalty(s, s->point);
    for (p->iterations = 0;; p->iterations++) {
        MLK_TRY(mlk_run_poll(s->run, -1.0));
        const double objective = t.true_loss + mlk_primal_penalty(s, s->point), gap = gap_of(s, &t);
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
        MLK_TRY(mlk_primal_step(s));
        MLK_TRY(move(s, now, &t, &next));
        if (next < now - slack(now))
            stalled = 0;
        now = fmin(now, next);
    }
}

static mlk_status allocate(primal_solver *s, mlk_scratch *scratch)
{
    const size_t n = s->n, q = s->q;
    s->grain = mlk_grain(q, PRIMAL_WORK);
    s->chunks = mlk_chunks(n, s->grain);
    s->z = mlk_scratch_take(scratch, n, sizeof *s->z);
    s->z_next = mlk_scratch_take(scratch, n, sizeof *s->z_next);
    s->active = mlk_scratch_take(scratch, n, 1);
    s->in_gram = mlk_scratch_take(scratch, n, 1);
    double **const vectors[] = {&s->point,   &s->trial, &s->step,    &s->before,
                                &s->between, &s->grad,  &s->all_rows};
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
        if (s->gram_grain < mlk_grain(q, PRIMAL_WORK / 8)) /* few rows change in most steps */
            s->gram_grain = mlk_grain(q, PRIMAL_WORK / 8);
        s->gram_chunks = mlk_chunks(n, s->gram_grain);
        const unsigned workers = mlk_workers(&s->inner, n, s->gram_grain);
        s->G = mlk_scratch_mat(scratch, q, q).data;
        s->H = mlk_scratch_mat(scratch, q, q).data;
        s->gram_partial = mlk_scratch_mat(scratch, s->gram_chunks * q, q).data;
        s->buffer = mlk_scratch_mat(scratch, (size_t)workers * 2 * PRIMAL_BLOCK, q).data;
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
    primal_solver s = {
        .p = p, .run = run, .inner = mlk_run_inner(run), .n = p->X.rows, .q = p->X.cols + 1};
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
