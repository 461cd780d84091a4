#include "selection/cross_validate.h"

#include <string.h>

#include "core/parallel.h"
#include "core/status.h"

/* Leave-one-out: each metric once, from the predictions of all rows. */

/* The exact shortcut for a group; MLK_EUNSUPPORTED: there is none. */
static mlk_status take_shortcut(const mlk_cv_engine *e, const mlk_cv_group *g)
{
    const mlk_cv *cv = e->cv;
    const mlk_candidate *first = &cv->candidates[g->begin];
    const size_t n = g->end - g->begin;
    if (!first->algo->loo || !first->opts || e->opts->use || (cv->n_classes && !e->opts->metrics))
        return MLK_EUNSUPPORTED;
    for (size_t m = 0; m < cv->n_metrics; m++)
        if (cv->metrics[m]->needs & (MLK_NEEDS_PROBABILITIES | MLK_NEEDS_SCORES))
            return MLK_EUNSUPPORTED;

    mlk_scratch memory = MLK_SCRATCH_INIT;
    const void **opts = mlk_scratch_take(&memory, n, sizeof *opts);
    const mlk_mat out = mlk_scratch_mat(&memory, cv->rows, n);
    const double start = mlk_seconds();
    mlk_status st = MLK_OK;
    if (memory.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu predictions", cv->rows, n);
    for (size_t k = 0; st == MLK_OK && k < n; k++)
        opts[k] = first[k].opts;
    if (st == MLK_OK)
        st = first->algo->loo(e->data, opts, n, &e->run, out);
    const double seconds = (mlk_seconds() - start) / (double)(n * cv->n_splits);
    for (size_t k = 0; st == MLK_OK && k < n; k++)
        for (size_t i = 0; i < cv->rows; i++) {
            cv->predictions[(g->begin + k) * cv->rows + i] = out.data[i * out.ld + k];
            mlk_cv_cell_at(cv, g->begin + k, i)->done = true;
            mlk_cv_cell_at(cv, g->begin + k, i)->fit_seconds = seconds;
        }
    mlk_scratch_release(&memory);
    return st;
}

/* One value of each metric, from the predictions of all splits. */
static mlk_status score_pooled(const mlk_cv_engine *e, size_t c)
{
    const mlk_cv *cv = e->cv;
    const mlk_data all = *e->data;
    mlk_scratch memory = MLK_SCRATCH_INIT;
    mlk_cv_answers a = {.probabilities = cv->probabilities != NULL};
    for (size_t s = 0; s < cv->n_splits; s++) {
        if (mlk_cv_cell_at(cv, c, s)->failure || !mlk_cv_cell_at(cv, c, s)->done)
            return MLK_OK;
        a.probabilities &= mlk_cv_cell_at(cv, c, s)->probable;
    }
    a.predicted = mlk_scratch_vec(&memory, cv->rows);
    a.truth = mlk_scratch_vec(&memory, cv->rows);
    a.weights = mlk_scratch_vec(&memory, all.w.n);
    if (a.probabilities)
        a.scores = mlk_scratch_mat(&memory, cv->rows, cv->n_classes);
    mlk_status st = MLK_OK;
    if (memory.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu predictions", cv->rows);
    } else {
        memcpy(a.predicted.data, cv->predictions + c * cv->rows, cv->rows * sizeof(double));
        if (a.probabilities)
            memcpy(a.scores.data, cv->probabilities + c * cv->rows * cv->n_classes,
                   cv->rows * cv->n_classes * sizeof(double));
        mlk_cv_line_up(&all, &a);
        mlk_cv_cell_at(cv, c, 0)->skipped = cv->rows - a.n;
        const mlk_predictions p = mlk_cv_predictions_of(e, &a);
        st = a.n ? mlk_cv_score(cv, cv->values, c, 0, e->opts->beta, &p, mlk_cv_cell_at(cv, c, 0),
                                &e->run)
                 : MLK_FAIL(MLK_EINVAL, "none of the %zu rows has a prediction", cv->rows);
        if (st != MLK_OK)
            st = mlk_cv_keep_failure(mlk_cv_cell_at(cv, c, 0), st);
    }
    mlk_scratch_release(&memory);
    return st;
}

static mlk_status run_one(void *ctx, const mlk_chunk *chunk)
{
    const mlk_cv_engine *e = ctx;
    return mlk_cv_run_split(e, e->groups, chunk->begin);
}

mlk_status mlk_cv_leave_one_out(mlk_cv_engine *e, const mlk_run *run)
{
    mlk_status st = MLK_OK;
    for (size_t g = 0; st == MLK_OK && g < e->n_groups; g++) {
        mlk_cv_engine one = *e;
        one.groups = &e->groups[g];
        one.run = run ? *run : e->run;
        one.run.progress = NULL;
        one.run.warn = one.run.log = NULL;
        if ((st = take_shortcut(&one, one.groups)) == MLK_OK || st == MLK_ECANCELLED)
            continue;
        one.run = e->run; /* whatever the shortcut found wrong, the fits say where */
        st = mlk_parallel_for(run, e->cv->n_splits, 1, run_one, &one);
    }
    for (size_t c = 0; st == MLK_OK && c < e->cv->n_candidates; c++)
        st = score_pooled(e, c);
    return st;
}
