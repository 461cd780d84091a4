#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/sort.h"
#include "core/status.h"
#include "linear/logistic_solve.h"

/*
 * Proximal Newton: f's smooth part is replaced by its second-order model at theta, which is
 * minimised together with the l1 terms over a working set of columns by coordinate descent on the
 * set's Hessian; a line search along the way there makes F decrease. Every evaluation brings the
 * gradient of all weights, from which the next set is chosen.
 */
enum { SET_LEAST = 64, SET_MOST = 3000, COUPLED_MOST = 2048, SWEEPS = 2000 };

/* The model over one working set, and where its coordinate descent stands. */
typedef struct model {
    logistic_problem p;   /* the rows with the set's columns */
    logistic_curvature h; /* its Hessian, in shifted coordinates */
    double *at;           /* theta + d, shifted */
    double *slope;        /* gradient of the quadratic part there */
    double *d;            /* k x (set + 1): the step */
} model;

typedef struct proximal {
    logistic_problem *p;
    const logistic_settings *settings;
    logistic_end *end;
    double *theta, *trial, *g, *step;
    double *urgency, *l1, *l2;
    size_t *order, *set;
    size_t n_set;
} proximal;

static double shrink(double v, double l1) { return v > l1 ? v - l1 : v < -l1 ? v + l1 : 0.0; }

static double violation_at(double theta, double g, double l1)
{
    return theta != 0.0 ? fabs(g + copysign(l1, theta)) : fmax(fabs(g) - l1, 0.0);
}

static double l1_norm(const logistic_problem *p, const double *theta)
{
    double sum = 0.0;
    for (size_t j = 0; j < logistic_size(p); j++)
        sum += p->l1[j % p->q] * fabs(theta[j]);
    return sum;
}

/* ---- the working set: columns with weights, and the worst violators */

static mlk_status choose_set(proximal *s)
{
    const logistic_problem *p = s->p;
    const size_t m = p->X.cols;
    size_t support = 0, wanted = 0;
    for (size_t j = 0; j < m; j++) {
        bool used = false;
        s->urgency[j] = 0.0;
        for (size_t a = 0; a < p->k; a++) {
            const double w = s->theta[a * p->q + j];
            used = used || w != 0.0;
            s->urgency[j] -= violation_at(w, s->g[a * p->q + j], p->l1[j]);
        }
        support += used;
        wanted += used || s->urgency[j] < 0.0;
        if (used && m <= SET_MOST)
            s->urgency[j] = -INFINITY; /* first of all */
    }
    size_t most = 2 * support < SET_LEAST ? SET_LEAST : 2 * support;
    most = most > SET_MOST ? SET_MOST : most;
    s->n_set = wanted == 0 ? 1 : wanted < most ? wanted : most;
    MLK_TRY(mlk_argsort(s->urgency, m, s->order));
    /* Columns in their own order: the set as a whole decides, not the ranks in it. */
    for (size_t j = 0; j < m; j++)
        s->urgency[j] = 0.0;
    for (size_t r = 0; r < s->n_set; r++)
        s->urgency[s->order[r]] = 1.0;
    size_t at = 0;
    for (size_t j = 0; j < m; j++)
        if (s->urgency[j] > 0.0)
            s->set[at++] = j;
    return MLK_OK;
}

/* ---- the model on it */

typedef struct gather {
    const proximal *s;
    mlk_mat X;
} gather;

static mlk_status gather_rows(void *ctx, const mlk_chunk *c)
{
    const gather *t = ctx;
    const mlk_cmat X = t->s->p->X;
    for (size_t i = c->begin; i < c->end; i++)
        for (size_t r = 0; r < t->X.cols; r++)
            t->X.data[i * t->X.ld + r] = X.data[i * X.ld + t->s->set[r]];
    return MLK_OK;
}

static mlk_status build_model(proximal *s, mlk_scratch *scratch, model *m)
{
    const logistic_problem *p = s->p;
    const size_t n = p->X.rows, q = s->n_set + p->intercept;
    m->p = *p;
    m->p.q = q;
    m->p.l1 = s->l1;
    m->p.l2 = s->l2;
    for (size_t r = 0; r < s->n_set; r++) {
        s->l1[r] = p->l1[s->set[r]];
        s->l2[r] = p->l2[s->set[r]];
    }
    s->l1[s->n_set] = p->l1[p->X.cols];
    s->l2[s->n_set] = p->l2[p->X.cols];
    if (s->n_set < p->X.cols) {
        const mlk_mat X = mlk_scratch_mat(scratch, n, s->n_set);
        gather t = {s, X};
        const mlk_run inner = mlk_run_inner(p->run);
        if (!X.data)
            return MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", n, s->n_set);
        m->p.X = mlk_mat_c(X);
        MLK_TRY(mlk_parallel_for(&inner, n, mlk_grain(s->n_set, 1 << 17), gather_rows, &t));
    }
    m->at = mlk_scratch_mat(scratch, p->k, q).data;
    m->slope = mlk_scratch_mat(scratch, p->k, q).data;
    m->d = mlk_scratch_mat(scratch, p->k, q).data;
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", p->k * q);
    MLK_TRY(logistic_curvature_prepare(
        &m->h, &m->p, p->k * q <= COUPLED_MOST ? LOGISTIC_COUPLED : LOGISTIC_BLOCKS));
    const mlk_status st = logistic_curvature_fill(&m->h);
    if (st != MLK_OK)
        logistic_curvature_release(&m->h);
    return st;
}

/* Row a of the set's coordinates from one of all: weights, and the shifted intercept. */
static void to_model(const proximal *s, model *m)
{
    const logistic_problem *p = s->p;
    const size_t q = m->p.q;
    for (size_t a = 0; a < p->k; a++) {
        double *at = m->at + a * q, *slope = m->slope + a * q;
        for (size_t r = 0; r < s->n_set; r++) {
            at[r] = s->theta[a * p->q + s->set[r]];
            slope[r] = s->g[a * p->q + s->set[r]];
        }
        if (!p->intercept)
            continue;
        at[s->n_set] = s->theta[a * p->q + p->X.cols];
        slope[s->n_set] = s->g[a * p->q + p->X.cols];
        for (size_t r = 0; m->h.shift && r < s->n_set; r++) {
            at[s->n_set] += m->h.shift[r] * at[r];
            slope[r] -= m->h.shift[r] * slope[s->n_set];
        }
    }
    memset(m->d, 0, p->k * q * sizeof *m->d);
}

/* The step in all coordinates. */
static void from_model(proximal *s, const model *m)
{
    const logistic_problem *p = s->p;
    const size_t q = m->p.q;
    memset(s->step, 0, logistic_size(p) * sizeof *s->step);
    for (size_t a = 0; a < p->k; a++) {
        double b = p->intercept ? m->d[a * q + s->n_set] : 0.0;
        for (size_t r = 0; r < s->n_set; r++) {
            s->step[a * p->q + s->set[r]] = m->d[a * q + r];
            if (m->h.shift)
                b -= m->h.shift[r] * m->d[a * q + r];
        }
        if (p->intercept)
            s->step[a * p->q + p->X.cols] = b;
    }
}

/* One sweep over all coordinates, or those that are not 0; returns the largest violation that it
 * met. */
static double sweep(model *m, bool all)
{
    const size_t size = m->h.size, q = m->p.q;
    double worst = 0.0;
    for (size_t b = 0; b < m->h.blocks; b++)
        for (size_t i = 0; i < size; i++) {
            const size_t j = b * size + i;
            const double *row = m->h.A + b * size * size + i * size, curvature = row[i];
            const double l1 = m->p.l1[i % q], old = m->at[j];
            if (!(curvature > 0.0) || (!all && old == 0.0 && l1 > 0.0))
                continue;
            const double now = shrink(curvature * old - m->slope[j], l1) / curvature;
            const double move = now - old;
            worst = fmax(worst, violation_at(old, m->slope[j], l1));
            if (move == 0.0)
                continue;
            m->at[j] = now;
            m->d[j] += move;
            for (size_t l = 0; l < size; l++)
                m->slope[b * size + l] += move * row[l];
        }
    return worst;
}

/* Slope of sum_a l1 |w_a + t| + l2 (w_a + t)^2 / 2 in t, just below (side -1) or above (+1) it. */
static double common_slope(const double *w, size_t k, size_t q, double l1, double l2, double t,
                           double side)
{
    double slope = 0.0;
    for (size_t a = 0; a < k; a++) {
        const double v = w[a * q] + t;
        slope += l1 * (v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : side) + l2 * v;
    }
    return slope;
}

/* The t of least penalty: where the slope, which only grows, goes through 0. It does so at a jump,
 * t = -w_a, or between two. 0 where that is as good as any. */
static double common_shift(const double *w, size_t k, size_t q, double l1, double l2)
{
    double below = -INFINITY, above = INFINITY; /* jumps on both sides of the minimum */
    if (common_slope(w, k, q, l1, l2, 0.0, -1.0) <= 0.0 &&
        common_slope(w, k, q, l1, l2, 0.0, 1.0) >= 0.0)
        return 0.0;
    for (size_t a = 0; a < k; a++) {
        const double t = -w[a * q];
        const double left = common_slope(w, k, q, l1, l2, t, -1.0);
        const double right = common_slope(w, k, q, l1, l2, t, 1.0);
        if (left <= 0.0 && right >= 0.0)
            return t;
        if (right < 0.0)
            below = fmax(below, t);
        else
            above = fmin(above, t);
    }
    /* Between jumps the slope is a line; outside of them all, it has the sign of l1 k + l2 ... */
    const double from = isfinite(below) ? below : above, side = isfinite(below) ? 1.0 : -1.0;
    return from - common_slope(w, k, q, l1, l2, from, side) / ((double)k * l2);
}

/*
 * Along a change that is common to all classes only the penalty varies, and coordinates one at a
 * time would crawl there: move each column to the best of it at once.
 */
static void shift_columns(model *m)
{
    const size_t q = m->p.q, k = m->p.k;
    for (size_t j = 0; j < q; j++) {
        const double l1 = m->p.l1[j], l2 = m->p.l2[j];
        const double t = l1 > 0.0 ? common_shift(m->at + j, k, q, l1, l2) : 0.0;
        for (size_t a = 0; t != 0.0 && a < k; a++) {
            m->at[a * q + j] += t;
            m->d[a * q + j] += t;
            m->slope[a * q + j] += l2 * t;
        }
    }
}

/* Until the violation is a small share of that at the start, both in the model's coordinates. */
static mlk_status minimise_model(const proximal *s, model *m)
{
    const double share = 1e-3;
    const double enough = share * sweep(m, true);
    double worst = INFINITY;
    for (int count = 1; worst > enough && count < SWEEPS; count++) {
        while (sweep(m, false) > enough && ++count < SWEEPS)
            ;
        if (m->h.coupling == LOGISTIC_COUPLED && m->p.k > 1)
            shift_columns(m);
        worst = sweep(m, true);
        MLK_TRY(mlk_run_poll(s->p->run, -1.0));
    }
    return MLK_OK;
}

/* ---- the step on F */

/* Halve until F decreases; *drop is the decrease that the model promises. false: none found. */
static mlk_status step_along(proximal *s, double *drop, bool *found)
{
    enum { TRIALS = 30 };
    const logistic_problem *p = s->p;
    const size_t size = logistic_size(p);
    const double before = l1_norm(p, s->theta), F = s->end->f + before;
    double promised = 0.0, t = 1.0, *g = s->end->g;
    for (size_t j = 0; j < size; j++)
        promised += s->g[j] * s->step[j] +
                    p->l1[j % p->q] * (fabs(s->theta[j] + s->step[j]) - fabs(s->theta[j]));
    *drop = -promised;
    *found = false;
    for (int trial = 0; promised < 0.0 && trial < TRIALS; trial++, t *= 0.5) {
        double f;
        for (size_t j = 0; j < size; j++)
            s->trial[j] = s->theta[j] + t * s->step[j];
        MLK_TRY(logistic_eval(s->p, s->trial, &f, g));
        const double after = f + l1_norm(p, s->trial);
        if (after <= F + 1e-4 * t * promised ||
            (trial == 0 && -promised < 1e-12 * F && after <= F + 1e-13 * F)) {
            memcpy(s->theta, s->trial, size * sizeof *g);
            memcpy(s->g, g, size * sizeof *g);
            s->end->f = f;
            *found = true;
            return MLK_OK;
        }
    }
    return MLK_OK;
}

static mlk_status outer_step(proximal *s, double *drop, bool *found)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    model m;
    mlk_status st = choose_set(s);
    if (st == MLK_OK && (st = build_model(s, &scratch, &m)) == MLK_OK) {
        to_model(s, &m);
        st = minimise_model(s, &m);
        from_model(s, &m);
        logistic_curvature_release(&m.h);
    }
    mlk_scratch_release(&scratch);
    return st == MLK_OK ? step_along(s, drop, found) : st;
}

static mlk_status iterate(proximal *s)
{
    const double exact = 1e-20, fast = 0.1;
    const size_t size = logistic_size(s->p);
    logistic_end *end = s->end;
    double drop = INFINITY, last = INFINITY;
    int stalls = 0;
    MLK_TRY(logistic_eval(s->p, s->theta, &end->f, s->g));
    for (size_t it = 0;; it++) {
        const double violation = logistic_violation(s->p, s->theta, s->g);
        end->iterations = it;
        mlk_run_log(s->p->run, "iteration %zu: objective %.10g, violation %.3e", it,
                    end->f + l1_norm(s->p, s->theta), violation);
        const bool gains = drop > exact * end->f && drop < fast * last;
        end->converged = violation <= s->settings->tol && (!gains || it == 0);
        bool found = false;
        last = drop;
        stalls = drop <= 1e-15 * fabs(end->f) && it > 0 ? stalls + 1 : 0;
        if (!end->converged && stalls < 3 && it < s->settings->max_iter)
            MLK_TRY(outer_step(s, &drop, &found));
        if (!found) {
            end->converged = violation <= s->settings->tol;
            end->stalled = !end->converged && it < s->settings->max_iter;
            memcpy(end->g, s->g, size * sizeof *s->g);
            return MLK_OK;
        }
    }
}

mlk_status logistic_proximal(logistic_problem *p, const logistic_settings *settings, double *theta,
                             logistic_end *end)
{
    const size_t size = logistic_size(p), m = p->X.cols;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    proximal s = {.p = p, .settings = settings, .end = end, .theta = theta};
    s.trial = mlk_scratch_vec(&scratch, size).data;
    s.g = mlk_scratch_vec(&scratch, size).data;
    s.step = mlk_scratch_vec(&scratch, size).data;
    s.urgency = mlk_scratch_vec(&scratch, m).data;
    s.l1 = mlk_scratch_vec(&scratch, m + 1).data;
    s.l2 = mlk_scratch_vec(&scratch, m + 1).data;
    s.order = mlk_scratch_take(&scratch, m, sizeof *s.order);
    s.set = mlk_scratch_take(&scratch, m, sizeof *s.set);
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", size) : iterate(&s);
    mlk_scratch_release(&scratch);
    return st;
}
