#include <float.h>
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "linear/logistic_solve.h"
#include "optim/descent.h"

enum {
    MEMORY = 10,
    COUPLED_SIZE = 200, /* largest Hessian of several classes that preconditions as a whole */
    BLOCK_SIZE = 2048   /* largest block; beyond, the steps go without */
};

typedef struct smooth {
    logistic_problem *p;
    logistic_curvature *h;
    const logistic_settings *settings;
    logistic_end *end;
    double last_decrement;
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
    smooth s = {p, &h, settings, end, INFINITY};
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
static mlk_status solve_part(logistic_problem *p, subset *part, double *theta,
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
    part->p.run = &quiet;
    smooth s = {&part->p, h, &rough, &end, INFINITY};
    mlk_descent problem = descent_of(&s, 0);
    mlk_descent_end why;
    problem.refresh = smooth_refresh;
    if ((st = mlk_descend(&problem, start, &why, NULL)) == MLK_OK && !end.separated)
        memcpy(theta, start, size * sizeof *start);
    part->p.run = p->run;
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
    const double n = (double)p->X.rows, size = (double)block;
    const double passes = block < logistic_size(p) ? 8.0 : 2.5;
    const double affordable = passes * n * (double)(logistic_size(p) / block) / size;
    const double rows =
        fmax(fmin(400.0 * size, affordable), block < logistic_size(p) ? 10.0 * size : 40.0 * size);
    return rows < n ? (size_t)rows : p->X.rows;
}

mlk_status logistic_lbfgs(logistic_problem *p, const logistic_settings *settings, double *theta,
                          logistic_end *end)
{
    const size_t size = logistic_size(p);
    const bool coupled = p->k == 1 || size <= COUPLED_SIZE;
    const size_t block = coupled ? size : p->q, rows = part_rows(p, block);
    const bool any = block <= BLOCK_SIZE;
    logistic_curvature h;
    subset part;
    mlk_descent_end why = MLK_DESCENT_LIMIT;
    mlk_status st = MLK_OK;
    if (any) {
        MLK_TRY(subset_take(p, rows, &part));
        if ((st = logistic_curvature_prepare(
                 &h, &part.p, coupled ? LOGISTIC_COUPLED : LOGISTIC_SHARED)) != MLK_OK) {
            subset_release(&part);
            return st;
        }
        if (coupled && 4 * rows < p->X.rows) {
            st = solve_part(p, &part, theta, &h);
        } else {
            double f;
            if ((st = logistic_eval(&part.p, theta, &f, end->g)) == MLK_OK)
                st = logistic_curvature_factor(&h);
        }
    }
    if (st == MLK_OK) {
        smooth s = {p, any ? &h : NULL, settings, end, INFINITY};
        const mlk_descent problem = descent_of(&s, MEMORY);
        st = mlk_descend(&problem, theta, &why, &end->iterations);
        end->stalled = why == MLK_DESCENT_STALLED;
    }
    if (any) {
        end->singular = !p->penalised && h.singular;
        logistic_curvature_release(&h);
        subset_release(&part);
    }
    return st;
}
