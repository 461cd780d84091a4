#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "linear/logistic_solve.h"
#include "optim/descent.h"

enum {
    MEMORY = 20,
    COUPLED_SIZE = 200, /* largest Hessian of several classes that preconditions as a whole */
    BLOCK_SIZE = 2048   /* largest block; beyond, the steps go without */
};

typedef struct smooth {
    logistic_problem *p;
    logistic_curvature *h;
    const logistic_settings *settings;
    logistic_end *end;
    double last_decrement;
    logistic_problem *part; /* lbfgs: the rows that h is of */
    size_t renewal;         /* and the iteration that renews it */
    double *g;              /* its gradient */
} smooth;

static mlk_status smooth_eval(void *ctx, const double *x, double *f, double *g)
{
    const smooth *s = ctx;
    return logistic_eval(s->p, x, f, g);
}

static mlk_status smooth_refresh(void *ctx, size_t iteration, const double *x)
{
    const smooth *s = ctx;
    (void)iteration, (void)x;
    return logistic_curvature_factor(s->h);
}

/* Far from where it was taken the curvature misleads: take it again at 10, 30, 90, ... The first,
 * at equal probabilities, was one block for all classes; now each class has its own. */
static mlk_status part_refresh(void *ctx, size_t iteration, const double *x)
{
    smooth *s = ctx;
    double f;
    if (iteration != s->renewal)
        return MLK_OK;
    s->renewal *= 3;
    MLK_TRY(logistic_eval(s->part, x, &f, s->g));
    logistic_curvature_couple(s->h, LOGISTIC_BLOCKS);
    return logistic_curvature_factor(s->h);
}

static mlk_status smooth_precondition(void *ctx, double *v)
{
    const smooth *s = ctx;
    logistic_curvature_solve(s->h, v);
    return MLK_OK;
}

/*
 * The conditions hold to tol: stop, unless the iteration still gains fast, for then a step or
 * two more give all the digits there are.
 */
static bool smooth_stop(void *ctx, size_t iteration, double f, const double *g, double decrement)
{
    const double exact = 1e-20, fast = 0.1;
    smooth *s = ctx;
    const size_t size = logistic_size(s->p);
    double violation = 0.0;
    for (size_t j = 0; j < size; j++)
        violation = fmax(violation, fabs(g[j]));
    memcpy(s->end->g, g, size * sizeof *g);
    s->end->f = f;
    mlk_run_log(s->p->run, "iteration %zu: objective %.10g, violation %.3e", iteration, f,
                violation);
    const bool gains = decrement > exact * fabs(f) && decrement < fast * s->last_decrement;
    s->last_decrement = decrement;
    if (!s->p->penalised && s->p->margin > 0.0)
        return s->end->separated = true;
    return s->end->converged = violation <= s->settings->tol && !gains;
}

/* Without a penalty: does the Newton step still to take push every row by about 1 towards its
 * class, none away from it? Near a finite optimum it would be a tiny step to both sides. */
static mlk_status find_recession(logistic_problem *p, const logistic_curvature *h,
                                 logistic_end *end)
{
    const size_t n = p->X.rows, size = logistic_size(p);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat Z = mlk_scratch_mat(&scratch, p->k, n);
    double *d = mlk_scratch_vec(&scratch, size).data;
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the scores of %zu rows", n);
        goto out;
    }
    for (size_t j = 0; j < size; j++)
        d[j] = -end->g[j];
    logistic_curvature_solve(h, d);
    if ((st = logistic_scores(p, d, Z)) != MLK_OK)
        goto out;
    double least = INFINITY, most = 0.0;
    for (size_t i = 0; i < n; i++) {
        const size_t y = (size_t)p->y[i];
        if (p->c[i] == 0.0)
            continue;
        if (p->k == 1) {
            const double push = y ? Z.data[i] : -Z.data[i];
            least = fmin(least, push);
            most = fmax(most, push);
        }
        for (size_t c = 0; p->k > 1 && c < p->k; c++) {
            const double push = Z.data[y * n + i] - Z.data[c * n + i];
            least = fmin(least, push);
            most = fmax(most, push);
        }
    }
    end->separated = most > 0.1 && least > -1e-3 * most;
out:
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_descent descent_of(smooth *s, size_t memory)
{
    return (mlk_descent){.n = logistic_size(s->p),
                         .memory = memory,
                         .max_iter = s->settings->max_iter,
                         .ctx = s,
                         .eval = smooth_eval,
                         .precondition = s->h ? smooth_precondition : NULL,
                         .refresh = NULL,
                         .stop = smooth_stop};
}

mlk_status logistic_newton(logistic_problem *p, const logistic_settings *settings, double *theta,
                           logistic_end *end)
{
    logistic_curvature h;
    mlk_descent_end why = MLK_DESCENT_LIMIT;
    MLK_TRY(logistic_curvature_prepare(&h, p, LOGISTIC_COUPLED));
    smooth s = {.p = p, .h = &h, .settings = settings, .end = end, .last_decrement = INFINITY};
    mlk_descent problem = descent_of(&s, 0);
    problem.refresh = smooth_refresh;
    mlk_status st = mlk_descend(&problem, theta, &why, &end->iterations);
    end->stalled = why == MLK_DESCENT_STALLED;
    if (st == MLK_OK && !p->penalised && !end->separated)
        st = find_recession(p, &h, end);
    end->singular = !p->penalised && h.singular;
    logistic_curvature_release(&h);
    return st;
}

/* ---- a part of the rows, evenly spread, that stands for all */

typedef struct subset {
    logistic_problem p;
    mlk_scratch scratch;
} subset;

static mlk_status subset_take(const logistic_problem *p, size_t rows, subset *part)
{
    part->scratch = (mlk_scratch)MLK_SCRATCH_INIT;
    part->p = *p;
    const mlk_run *run = p->run;
    const mlk_mat X = mlk_scratch_mat(&part->scratch, rows, p->X.cols);
    const mlk_vec y = mlk_scratch_vec(&part->scratch, rows),
                  c = mlk_scratch_vec(&part->scratch, rows);
    if (part->scratch.failed) {
        mlk_scratch_release(&part->scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a part of %zu rows", rows);
    }
    double all = 0.0, taken = 0.0;
    for (size_t i = 0; i < p->X.rows; i++)
        all += p->c[i];
    for (size_t r = 0; r < rows; r++) {
        const size_t i = (size_t)((double)r / (double)rows * (double)p->X.rows);
        memcpy(X.data + r * X.ld, p->X.data + i * p->X.ld, X.cols * sizeof *X.data);
        y.data[r] = p->y[i];
        taken += c.data[r] = p->c[i];
    }
    for (size_t r = 0; taken > 0.0 && r < rows; r++)
        c.data[r] *= all / taken;
    part->p.X = mlk_mat_c(X);
    part->p.y = y.data;
    part->p.c = c.data;
    part->p.run = run;
    const mlk_status st = logistic_problem_prepare(&part->p);
    if (st != MLK_OK)
        mlk_scratch_release(&part->scratch);
    return st;
}

static void subset_release(subset *part)
{
    logistic_problem_release(&part->p);
    mlk_scratch_release(&part->scratch);
}

/*
 * theta := about the optimum for the part, where that is better than theta is; and the curvature
 * there. With m rows it is off by a share of about sqrt(size / m).
 */
static mlk_status solve_part(const logistic_problem *p, logistic_problem *part, double *theta,
                             logistic_curvature *h)
{
    const size_t size = logistic_size(p);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *start = mlk_scratch_vec(&scratch, size).data, *g = mlk_scratch_vec(&scratch, size).data;
    logistic_end end = {.g = g};
    const mlk_run quiet = mlk_run_inner(p->run);
    const logistic_settings rough = {.tol = INFINITY, .max_iter = 6};
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", size);
        goto out;
    }
    memcpy(start, theta, size * sizeof *start);
    part->run = &quiet;
    smooth s = {.p = part, .h = h, .settings = &rough, .end = &end, .last_decrement = INFINITY};
    mlk_descent problem = descent_of(&s, 0);
    mlk_descent_end why;
    problem.refresh = smooth_refresh;
    if ((st = mlk_descend(&problem, start, &why, NULL)) == MLK_OK && !end.separated)
        memcpy(theta, start, size * sizeof *start);
    part->run = p->run;
out:
    mlk_scratch_release(&scratch);
    return st;
}

/*
 * How many rows: a few hundred for each weight of a block, as far as the block then costs no more
 * than some passes over all rows; but enough to make it regular.
 */
static size_t part_rows(const logistic_problem *p, size_t block)
{
    const double n = (double)p->X.rows, size = (double)block,
                 classes = (double)(p->k * p->q) / size;
    const double affordable = (classes > 1.0 ? 8.0 : 2.5) * n * classes / size;
    const double least = (classes > 1.0 ? 10.0 : 40.0) * size;
    const double rows = fmax(fmin(400.0 * size, affordable), least);
    return rows < n ? (size_t)rows : p->X.rows;
}

static mlk_status descend_with(smooth *s, double *theta)
{
    mlk_descent_end why = MLK_DESCENT_LIMIT;
    mlk_descent problem = descent_of(s, MEMORY);
    if (s->renewal)
        problem.refresh = part_refresh;
    MLK_TRY(mlk_descend(&problem, theta, &why, &s->end->iterations));
    s->end->stalled = why == MLK_DESCENT_STALLED;
    return MLK_OK;
}

/* With one Hessian of all weights, from about its optimum; else with blocks of the classes. */
static mlk_status descend_from_part(smooth *s, bool coupled, double *theta)
{
    logistic_problem *p = s->p, *part = s->part;
    const bool blocks = !coupled && logistic_size(p) <= 4 * p->X.rows;
    logistic_curvature h;
    double f;
    MLK_TRY(logistic_curvature_prepare(&h, part,
                                       coupled  ? LOGISTIC_COUPLED
                                       : blocks ? LOGISTIC_BLOCKS
                                                : LOGISTIC_SHARED));
    mlk_status st = MLK_OK;
    s->h = &h;
    s->renewal = blocks ? 10 : 0;
    if (coupled && 4 * part->X.rows < p->X.rows) {
        st = solve_part(p, part, theta, &h);
    } else if ((st = logistic_eval(part, theta, &f, s->g)) == MLK_OK) {
        logistic_curvature_couple(&h, coupled ? LOGISTIC_COUPLED : LOGISTIC_SHARED);
        st = logistic_curvature_factor(&h);
    }
    if (st == MLK_OK)
        st = descend_with(s, theta);
    s->end->singular = !p->penalised && h.singular;
    logistic_curvature_release(&h);
    return st;
}

mlk_status logistic_lbfgs(logistic_problem *p, const logistic_settings *settings, double *theta,
                          logistic_end *end)
{
    const bool coupled = p->k == 1 || logistic_size(p) <= COUPLED_SIZE;
    const size_t block = coupled ? logistic_size(p) : p->q;
    smooth s = {.p = p, .settings = settings, .end = end, .last_decrement = INFINITY, .g = end->g};
    subset part;
    if (block > BLOCK_SIZE)
        return descend_with(&s, theta);
    MLK_TRY(subset_take(p, part_rows(p, block), &part));
    s.part = &part.p;
    const mlk_status st = descend_from_part(&s, coupled, theta);
    subset_release(&part);
    return st;
}
