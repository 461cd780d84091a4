#include "linear/coordinate_descent.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linear/face.h"
#include "linear/lanes.h"

enum {
    DEPTH = 5,    /* differences that an extrapolation combines */
    BURST = 3,    /* passes from one step on a face to the next, at least */
    SPEED = 32,   /* multiplications of a factorisation in the time of one of a pass */
    GAP_EVERY = 8 /* passes from gap to gap where one costs as much as a pass */
};

/* ---- gap */

/* max_j |g_j - l2 w_j|: what the l1 of a feasible point must reach. */
static double dual_norm(const mlk_cd_penalty *q, size_t m, const double *w, const double *g)
{
    double worst = 0.0;
    for (size_t j = 0; j < m; j++) {
        const double u = g[j] - q->l2 * w[j];
        worst = fmax(worst, q->positive ? u : fabs(u));
    }
    return worst;
}

/* Without an L2 penalty, s |g_j| exceeds l1 by rounding at most: the last sum is left out. */
static double gap_at(const mlk_cd_penalty *q, size_t m, const double *w, const double *g, double rr,
                     double s)
{
    double fit = 0.0, excess = 0.0;
    for (size_t j = 0; j < m; j++) {
        const double u = s * g[j], over = fmax(0.0, (q->positive ? u : fabs(u)) - q->l1);
        fit += q->l1 * fabs(w[j]) + (0.5 * q->l2 * w[j] - u) * w[j];
        excess += over * over;
    }
    const double gap = 0.5 * rr * (1.0 - s) * (1.0 - s) + fit;
    return fmax(0.0, q->l2 > 0.0 ? gap + excess / (2.0 * q->l2) : gap);
}

double mlk_cd_gap(const mlk_cd_penalty *q, size_t m, const double *w, const double *g, double rr,
                  double *s)
{
    const double norm = dual_norm(q, m, w, g);
    *s = norm > q->l1 ? q->l1 / norm : 1.0;
    const double gap = gap_at(q, m, w, g, rr, *s);
    if (q->l2 == 0.0 || *s == 1.0)
        return gap;
    const double unscaled = gap_at(q, m, w, g, rr, 1.0);
    if (unscaled >= gap)
        return gap;
    *s = 1.0;
    return unscaled;
}

double mlk_cd_penalty_of(const mlk_cd_penalty *q, const double *w, size_t m)
{
    double sum1 = 0.0, sum2 = 0.0;
    for (size_t j = 0; j < m; j++) {
        sum1 += fabs(w[j]);
        sum2 += w[j] * w[j];
    }
    return q->l1 * sum1 + 0.5 * q->l2 * sum2;
}

/* ---- passes */

/* argmin over v of a/2 v^2 - u v + the penalty of one coordinate */
static inline __attribute__((always_inline)) double shrink(const mlk_cd_penalty *q, double u,
                                                           double a)
{
    const double over = fabs(u) - q->l1;
    if (over <= 0.0 || (q->positive && u < 0.0))
        return 0.0;
    return copysign(over / (a + q->l2), u);
}

/* Each returns how many coordinates moved. */
MLK_SIMD_TILES static size_t pass_gram(const mlk_cd_problem *p, const mlk_cd_penalty *q)
{
    size_t moved = 0;
    for (size_t j = 0; j < p->m; j++) {
        const double a = p->norm2[j], old = p->w[j];
        const double step = a > 0.0 ? shrink(q, p->g[j] + a * old, a) - old : 0.0;
        if (step == 0.0)
            continue;
        p->w[j] = old + step;
        mlk_lanes_axpy(-step, p->G.data + j * p->G.ld, p->g, p->m);
        moved++;
    }
    return moved;
}

#define MLK_WIDE_SOURCE "linear/coordinate_descent_wide.h"
#include "core/wide.h"

static void gradient(const mlk_cd_problem *p)
{
    mlk_lanes_dots((mlk_cmat){p->Z.data, p->Z.rows, p->n, p->Z.ld}, p->set, p->m, p->r, NULL, p->g);
}

/* ||t - Z w||^2 = t't - w'(Z't + g), which may round below 0. */
static double residual_norm2_gram(const mlk_cd_problem *p)
{
    double sum = 0.0;
    for (size_t j = 0; j < p->m; j++)
        sum += p->w[j] * (p->zt[j] + p->g[j]);
    return fmax(0.0, p->tt - sum);
}

/* ---- extrapolation: the combination, with factors of sum 1, of the last iterates whose
 * differences cancel best. The residuals follow w affinely and are combined along with it. */

typedef struct history {
    size_t m, n;     /* lengths of w and r */
    size_t filled;   /* iterates held, at most DEPTH + 1 */
    double *iterate; /* (DEPTH + 1) x (m + n) */
    double *trial;   /* m + n */
} history;

static void remember(history *h, const mlk_cd_problem *p)
{
    double *to = h->iterate + h->filled++ * (h->m + h->n);
    memcpy(to, p->w, h->m * sizeof *to);
    memcpy(to + h->m, p->r, h->n * sizeof *to);
}

/* Solve A x = 1 for a small positive semidefinite A by Gaussian elimination; false: singular. */
static bool solve_ones(double A[DEPTH][DEPTH], double x[DEPTH])
{
    double trace = 0.0;
    for (size_t i = 0; i < DEPTH; i++) {
        trace += A[i][i];
        x[i] = 1.0;
    }
    for (size_t i = 0; i < DEPTH; i++) {
        if (!(A[i][i] > 1e-15 * trace))
            return false;
        for (size_t r = i + 1; r < DEPTH; r++) {
            const double f = A[r][i] / A[i][i];
            for (size_t c = i; c < DEPTH; c++)
                A[r][c] -= f * A[i][c];
            x[r] -= f * x[i];
        }
    }
    for (size_t i = DEPTH; i-- > 0;) {
        for (size_t c = i + 1; c < DEPTH; c++)
            x[i] -= A[i][c] * x[c];
        x[i] /= A[i][i];
    }
    return true;
}

MLK_SIMD_TILES static bool extrapolate(history *h)
{
    const size_t size = h->m + h->n;
    double A[DEPTH][DEPTH] = {{0}}, x[DEPTH], sum = 0.0;
    for (size_t j = 0; j < h->m; j++) {
        double d[DEPTH];
        for (size_t i = 0; i < DEPTH; i++)
            d[i] = h->iterate[(i + 1) * size + j] - h->iterate[i * size + j];
        for (size_t i = 0; i < DEPTH; i++)
            for (size_t l = 0; l <= i; l++)
                A[i][l] += d[i] * d[l];
    }
    for (size_t i = 0; i < DEPTH; i++)
        for (size_t l = 0; l < i; l++)
            A[l][i] = A[i][l];
    if (!solve_ones(A, x))
        return false;
    for (size_t i = 0; i < DEPTH; i++)
        sum += x[i];
    if (!(fabs(sum) > 0.0 && fabs(sum) < INFINITY))
        return false;
    memset(h->trial, 0, size * sizeof *h->trial);
    for (size_t i = 0; i < DEPTH; i++)
        mlk_lanes_axpy(x[i] / sum, h->iterate + (i + 1) * size, h->trial, size);
    return true;
}

/* Take the extrapolation if it is feasible and lowers P. */
static void accelerate(const mlk_cd_problem *p, const mlk_cd_penalty *q, history *h)
{
    h->filled = 0;
    if (!extrapolate(h))
        return;
    for (size_t j = 0; q->positive && j < p->m; j++)
        if (h->trial[j] < 0.0)
            return;
    const double *w = h->trial, *r = h->trial + h->m;
    const double now = 0.5 * mlk_lanes_norm2(p->r, p->n) + mlk_cd_penalty_of(q, p->w, p->m);
    const double then = 0.5 * mlk_lanes_norm2(r, p->n) + mlk_cd_penalty_of(q, w, p->m);
    if (then < now) {
        memcpy(p->w, w, h->m * sizeof *w);
        memcpy(p->r, r, h->n * sizeof *r);
    }
}

/* ---- */

/* Is it time to stop? */
static mlk_status check(const mlk_cd_problem *p, const mlk_cd_penalty *q, double target,
                        int64_t pass, const mlk_run *run, bool *done)
{
    double s;
    if (!p->G.data)
        gradient(p);
    const double rr = p->G.data ? residual_norm2_gram(p) : mlk_lanes_norm2(p->r, p->n);
    const double gap = mlk_cd_gap(q, p->m, p->w, p->g, rr, &s);
    mlk_run_log(run, "pass %lld: %zu columns, duality gap %.3g of at most %.3g", (long long)pass,
                p->m, gap, target);
    *done = gap <= target;
    return mlk_run_poll(run, -1.0);
}

/* A step may take the time that the passes since the last one have taken. The one before the first
 * pass is nearly free when the face is that of the problem before, and then the best guess. */
static mlk_status descend_gram(const mlk_cd_problem *p, const mlk_cd_penalty *q, double target,
                               int64_t max_passes, const mlk_run *run, int64_t *passes)
{
    const double m = (double)p->m;
    double budget = m * m;
    size_t moved = 1;
    bool done = false, taken = false;
    for (int64_t since = 0;; since++) {
        MLK_TRY(check(p, q, target, *passes, run, &done));
        if (done || !moved || *passes >= max_passes)
            return MLK_OK;
        if (since % BURST == 0) {
            MLK_TRY(mlk_face_step(p->face, p, q, budget, &taken));
            budget = taken ? 0.0 : budget;
        }
        moved = pass_gram(p, q);
        budget += SPEED * m * (double)moved;
        ++*passes;
    }
}

static mlk_status descend_columns(const mlk_cd_problem *p, const mlk_cd_penalty *q, double target,
                                  int64_t max_passes, const mlk_run *run, int64_t *passes,
                                  history *h)
{
    const int64_t first = *passes;
    size_t moved = 1;
    for (bool done = false;;) {
        if ((*passes - first) % GAP_EVERY == 0 || !moved || *passes >= max_passes) {
            MLK_TRY(check(p, q, target, *passes, run, &done));
            if (done || !moved || *passes >= max_passes)
                return MLK_OK;
        }
        if (h->filled == 0)
            remember(h, p);
        moved = MLK_WIDEST(pass_columns, p, q);
        ++*passes;
        remember(h, p);
        if (h->filled == DEPTH + 1)
            accelerate(p, q, h);
    }
}

mlk_status mlk_cd_minimise(const mlk_cd_problem *problem, const mlk_cd_penalty *q, double target,
                           int64_t max_passes, const mlk_run *run, int64_t *passes)
{
    if (problem->G.data)
        return descend_gram(problem, q, target, max_passes, run, passes);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    history h = {.m = problem->m, .n = problem->n};
    h.iterate = mlk_scratch_mat(&scratch, DEPTH + 2, h.m + h.n).data;
    if (scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %d iterates of %zu", DEPTH + 2, h.m + h.n);
    h.trial = h.iterate + (DEPTH + 1) * (h.m + h.n);
    const mlk_status st = descend_columns(problem, q, target, max_passes, run, passes, &h);
    mlk_scratch_release(&scratch);
    return st;
}
