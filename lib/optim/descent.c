#include "optim/descent.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "linalg/linalg.h"

/* Where the iteration stands. Pairs live in a ring of `memory` slots: slot i of S and Y. */
typedef struct state {
    const mlk_descent *p;
    double f, f_new;
    double *g, *x_new, *g_new, *d, *work;
    double *S, *Y, *rho, *alpha;
    size_t pairs, next;
} state;

static double dot(const state *s, const double *a, const double *b)
{
    return mlk_dot((mlk_cvec){a, s->p->n}, (mlk_cvec){b, s->p->n});
}

static void axpy(const state *s, double a, const double *x, double *y)
{
    mlk_axpy(a, (mlk_cvec){x, s->p->n}, (mlk_vec){y, s->p->n});
}

static mlk_status apply_inverse(const state *s, double *v)
{
    return s->p->precondition ? s->p->precondition(s->p->ctx, v) : MLK_OK;
}

/* d = -H g by the two loops, newest pair first and then oldest first. */
static mlk_status direction(state *s)
{
    const size_t n = s->p->n, m = s->p->memory;
    for (size_t j = 0; j < n; j++)
        s->d[j] = -s->g[j];
    for (size_t k = 0; k < s->pairs; k++) {
        const size_t i = (s->next + m - 1 - k) % m;
        s->alpha[i] = s->rho[i] * dot(s, s->S + i * n, s->d);
        axpy(s, -s->alpha[i], s->Y + i * n, s->d);
    }
    MLK_TRY(apply_inverse(s, s->d));
    if (s->pairs) {
        const size_t newest = (s->next + m - 1) % m;
        memcpy(s->work, s->Y + newest * n, n * sizeof *s->work);
        MLK_TRY(apply_inverse(s, s->work));
        const double curvature = dot(s, s->Y + newest * n, s->work);
        if (curvature > 0.0)
            mlk_scal(1.0 / (s->rho[newest] * curvature), (mlk_vec){s->d, n});
    }
    for (size_t k = s->pairs; k-- > 0;) {
        const size_t i = (s->next + m - 1 - k) % m;
        axpy(s, s->alpha[i] - s->rho[i] * dot(s, s->Y + i * n, s->d), s->S + i * n, s->d);
    }
    return MLK_OK;
}

static void remember(state *s, const double *x)
{
    const size_t n = s->p->n, i = s->next;
    if (!s->p->memory)
        return;
    double *sv = s->S + i * n, *yv = s->Y + i * n;
    for (size_t j = 0; j < n; j++) {
        sv[j] = s->x_new[j] - x[j];
        yv[j] = s->g_new[j] - s->g[j];
    }
    const double sy = dot(s, sv, yv), yy = dot(s, yv, yv);
    if (!(sy > DBL_EPSILON * sqrt(yy) * sqrt(dot(s, sv, sv)))) /* lost to rounding */
        return;
    s->rho[i] = 1.0 / sy;
    s->next = (i + 1) % s->p->memory;
    s->pairs += s->pairs < s->p->memory;
}

/* Is the step t along d, with slope g'd at 0 and slope_new there, short enough to accept? */
static bool decreases(const state *s, double t, double slope, double slope_new)
{
    const double armijo = 1e-4, noise = 1e-13 * fabs(s->f);
    if (s->f_new <= s->f + armijo * t * slope)
        return true;
    return s->f_new <= s->f + noise && slope_new <= (2.0 * armijo - 1.0) * slope;
}

/* *found = false: no acceptable step in working precision. */
static mlk_status line_search(state *s, const double *x, double slope, bool *found)
{
    enum { TRIALS = 40 };
    const double sufficient = 0.9;
    double lo = 0.0, hi = INFINITY, t = 1.0;
    *found = false;
    for (int trial = 0; trial < TRIALS; trial++) {
        memcpy(s->x_new, x, s->p->n * sizeof *x);
        axpy(s, t, s->d, s->x_new);
        MLK_TRY(s->p->eval(s->p->ctx, s->x_new, &s->f_new, s->g_new));
        const double slope_new = dot(s, s->g_new, s->d);
        if (!(isfinite(s->f_new) && isfinite(slope_new))) {
            hi = t;
            t = lo + 0.1 * (hi - lo);
        } else if (!decreases(s, t, slope, slope_new)) {
            hi = t;
            /* The minimiser of the parabola through f(0), f'(0) and f(t), kept off the ends. */
            const double parabola = -0.5 * slope * t * t / (s->f_new - s->f - t * slope);
            const double least = lo + 0.1 * (hi - lo), most = lo + 0.5 * (hi - lo);
            t = parabola >= least && parabola <= most ? parabola : parabola < least ? least : most;
        } else if (slope_new < sufficient * slope) {
            lo = t;
            t = isinf(hi) ? 2.5 * t : 0.5 * (lo + hi);
        } else {
            *found = true;
            return MLK_OK;
        }
    }
    return MLK_OK;
}

static mlk_status iterate(state *s, double *x, mlk_descent_end *end, size_t *count)
{
    const mlk_descent *p = s->p;
    MLK_TRY(p->eval(p->ctx, x, &s->f, s->g));
    for (size_t it = 0;; it++) {
        *count = it;
        if (p->refresh)
            MLK_TRY(p->refresh(p->ctx, it, x));
        MLK_TRY(direction(s));
        double slope = dot(s, s->g, s->d);
        if (!(slope < 0.0) && s->pairs) { /* the memory went bad: forget it */
            s->pairs = 0;
            MLK_TRY(direction(s));
            slope = dot(s, s->g, s->d);
        }
        if (p->stop(p->ctx, it, s->f, s->g, fmax(-slope, 0.0))) {
            *end = MLK_DESCENT_STOPPED;
            return MLK_OK;
        }
        *end = it == p->max_iter ? MLK_DESCENT_LIMIT : MLK_DESCENT_STALLED;
        if (it == p->max_iter || !(slope < 0.0))
            return MLK_OK;
        bool found;
        MLK_TRY(line_search(s, x, slope, &found));
        if (!found)
            return MLK_OK;
        remember(s, x);
        memcpy(x, s->x_new, p->n * sizeof *x);
        memcpy(s->g, s->g_new, p->n * sizeof *s->g);
        s->f = s->f_new;
    }
}

mlk_status mlk_descend(const mlk_descent *problem, double *x, mlk_descent_end *end,
                       size_t *iterations)
{
    const size_t n = problem->n, m = problem->memory;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    state s = {.p = problem};
    s.g = mlk_scratch_vec(&scratch, n).data;
    s.x_new = mlk_scratch_vec(&scratch, n).data;
    s.g_new = mlk_scratch_vec(&scratch, n).data;
    s.d = mlk_scratch_vec(&scratch, n).data;
    s.work = mlk_scratch_vec(&scratch, n).data;
    s.S = mlk_scratch_mat(&scratch, m, n).data;
    s.Y = mlk_scratch_mat(&scratch, m, n).data;
    s.rho = mlk_scratch_vec(&scratch, m).data;
    s.alpha = mlk_scratch_vec(&scratch, m).data;
    size_t count = 0;
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory to minimise over %zu variables", n)
                              : iterate(&s, x, end, &count);
    if (iterations)
        *iterations = count;
    mlk_scratch_release(&scratch);
    return st;
}
