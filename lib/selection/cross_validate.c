#include "selection/cross_validate.h"

#include <math.h>
#include <string.h>

#include <mlkit/preprocess/pipeline.h>

#include "core/parallel.h"
#include "core/status.h"

mlk_cv_opts mlk_cv_opts_default(void) { return (mlk_cv_opts){.beta = 1.0}; }

/* ---------------------------------------------------------------- all splits */

/* Every group's first split, then the others group by group: what each group takes is soon known,
 * and groups are finished early. */
static mlk_status run_job(const mlk_cv_engine *e, size_t j)
{
    const size_t others = e->cv->n_splits - 1;
    if (j < e->n_groups)
        return mlk_cv_run_split(e, &e->groups[j], 0);
    j -= e->n_groups;
    return mlk_cv_run_split(e, &e->groups[j / others], 1 + j % others);
}

static mlk_status run_first(void *ctx, const mlk_chunk *chunk)
{
    return run_job(ctx, chunk->begin);
}

static mlk_status run_others(void *ctx, const mlk_chunk *chunk)
{
    const mlk_cv_engine *e = ctx;
    return run_job(e, e->n_groups + chunk->begin);
}

/* Progress in seconds of work instead of splits, as the first splits took them. */
typedef struct meter {
    const mlk_cv_engine *e;
    const mlk_run *run;
    bool first; /* still in the first splits */
} meter;

static double first_seconds(const mlk_cv_engine *e, size_t g)
{
    double sum = 0.0;
    for (size_t c = e->groups[g].begin; c < e->groups[g].end; c++)
        sum +=
            mlk_cv_cell_at(e->cv, c, 0)->fit_seconds + mlk_cv_cell_at(e->cv, c, 0)->predict_seconds;
    return sum;
}

static void show_progress(void *user, double share)
{
    const meter *m = user;
    const double splits = (double)m->e->cv->n_splits;
    if (m->first) {
        m->run->progress(m->run->user, share / splits);
        return;
    }
    double at = share * (double)m->e->n_groups, all = 0.0, done = 0.0; /* at: groups, in order */
    for (size_t g = 0; g < m->e->n_groups; g++, at -= 1.0) {
        const double seconds = first_seconds(m->e, g);
        all += seconds;
        done += seconds * fmax(0.0, fmin(1.0, at));
    }
    if (all > 0.0)
        m->run->progress(m->run->user, (1.0 + (splits - 1.0) * done / all) / splits);
}

static bool is_cancelled(void *user)
{
    const meter *m = user;
    return m->run->cancelled && m->run->cancelled(m->run->user);
}

static mlk_status run_splits(const mlk_cv_engine *e, const mlk_run *run)
{
    mlk_cv_engine copy = *e;
    const size_t others = e->n_groups * (e->cv->n_splits - 1);
    if (!run || !run->progress)
        return mlk_parallel_for(run, e->n_groups + others, 1, run_first, &copy);
    meter m = {e, run, true};
    const mlk_run metered = {
        .threads = run->threads, .progress = show_progress, .cancelled = is_cancelled, .user = &m};
    MLK_TRY(mlk_parallel_for(&metered, e->n_groups, 1, run_first, &copy));
    m.first = false;
    return mlk_parallel_for(&metered, others, 1, run_others, &copy);
}

/* ------------------------------------------------------------------- set up */

static const mlk_algo *last_step(const mlk_candidate *c)
{
    if (c->algo == &mlk_pipeline_algo && c->opts)
        return ((const mlk_pipeline_opts *)c->opts)->algo;
    return c->algo;
}

/* Neighbours of one algorithm that gains from being fitted many at a time. */
static bool together(const mlk_candidate *a, const mlk_candidate *b)
{
    const mlk_algo *last = last_step(a);
    return a->opts && b->opts && a->algo == b->algo && last && last == last_step(b) &&
           (last->fit_many || last->loo);
}

static size_t make_groups(const mlk_candidate *candidates, size_t n, mlk_cv_group *groups)
{
    size_t count = 0;
    for (size_t c = 0; c < n; c++) {
        if (c == 0 || !together(&candidates[c - 1], &candidates[c]))
            groups[count++].begin = c;
        groups[count - 1].end = c + 1;
    }
    return count;
}

static mlk_status check_problem(const mlk_candidate *candidates, size_t n, const mlk_data *d,
                                const mlk_folds *folds, const mlk_cv_opts *o)
{
    if (n == 0)
        return MLK_FAIL(MLK_EINVAL, "no candidate is given; expected at least one");
    for (size_t c = 0; c < n; c++)
        if (!candidates[c].algo)
            return MLK_FAIL(MLK_EINVAL, "candidate %zu has no algorithm", c);
    if (d->y.n != d->X.rows || d->X.rows == 0)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", d->X.rows, d->y.n);
    if (mlk_folds_rows(folds) != d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "the folds are of %zu rows but X has %zu",
                        mlk_folds_rows(folds), d->X.rows);
    if (!(o->beta > 0.0 && o->beta < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "beta = %g is outside (0, inf)", o->beta);
    return MLK_OK;
}

/* count values of `value` in the results' memory. */
static double *take_filled(mlk_cv *cv, size_t count, double value)
{
    double *v = mlk_scratch_take(&cv->memory, count, sizeof *v);
    for (size_t i = 0; v && i < count; i++)
        v[i] = value;
    return v;
}

static double test_over_train(const mlk_folds *folds)
{
    const size_t splits = mlk_folds_count(folds);
    double sum = 0.0;
    for (size_t s = 0; s < splits; s++) {
        size_t n;
        const size_t *test = mlk_folds_test(folds, s, &n);
        const size_t train =
            mlk_folds_kind(folds) == MLK_FOLDS_TIME ? test[0] : mlk_folds_rows(folds) - n;
        sum += (double)n / (double)train;
    }
    return sum / (double)splits;
}

static mlk_status new_cv(const mlk_candidate *candidates, size_t n, const mlk_data *d,
                         const mlk_folds *folds, const mlk_cv_opts *o, mlk_cv **out)
{
    mlk_cv *cv = mlk_alloc_zero(1, sizeof *cv);
    if (!cv)
        return MLK_FAIL(MLK_ENOMEM, "no memory for results");
    *out = cv;
    cv->candidates = candidates;
    cv->n_candidates = n;
    cv->n_splits = mlk_folds_count(folds);
    cv->per_repeat = mlk_folds_per_repeat(folds);
    cv->repeats = cv->n_splits / cv->per_repeat;
    cv->ratio = test_over_train(folds);
    cv->pooled = mlk_folds_kind(folds) == MLK_FOLDS_LOO;
    cv->n_values = cv->pooled ? 1 : cv->n_splits;
    cv->rows = d->X.rows;
    cv->n_classes = d->n_classes;
    cv->task = d->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION;
    MLK_TRY(mlk_cv_choose_metrics(o, cv));
    cv->cells = mlk_scratch_take(&cv->memory, n, cv->n_splits * sizeof *cv->cells);
    if (cv->cells)
        memset(cv->cells, 0, n * cv->n_splits * sizeof *cv->cells);
    cv->values = take_filled(cv, n * cv->n_metrics * cv->n_values, (double)NAN);
    if (o->train_scores && !cv->pooled)
        cv->train_values = take_filled(cv, n * cv->n_metrics * cv->n_values, (double)NAN);
    if (cv->pooled || o->keep_predictions) {
        cv->kept = o->first_repeat ? 1 : cv->repeats;
        const size_t count = n * cv->kept * cv->rows;
        cv->predictions = take_filled(cv, count, (double)NAN);
        cv->probabilities = take_filled(cv, count * cv->n_classes, (double)NAN);
    }
    return cv->memory.failed
               ? MLK_FAIL(MLK_ENOMEM, "no memory for the results of %zu candidates", n)
               : MLK_OK;
}

static void warn_all(const mlk_cv *cv, const mlk_run *run)
{
    size_t stopped = 0, skipped = 0, undefined = 0, fits = cv->n_candidates * cv->n_splits;
    const char *note = NULL;
    for (size_t i = 0; i < fits; i++) {
        const mlk_cv_cell *at = &cv->cells[i];
        if (cv->candidates[i / cv->n_splits].quiet)
            continue;
        stopped += at->stopped;
        skipped += at->skipped;
        undefined += at->note != NULL;
        if (at->note && !note)
            note = at->note;
    }
    if (stopped)
        mlk_run_warn(run, "%zu of %zu fits of the cross-validation did not converge", stopped,
                     fits);
    if (skipped)
        mlk_run_warn(run,
                     "%zu test rows have missing values and no prediction; the scores leave "
                     "them out",
                     skipped);
    if (undefined)
        mlk_run_warn(run, "%s (in %zu of %zu splits)", note, undefined,
                     cv->n_candidates * cv->n_values);
}

mlk_status mlk_cross_validate(const mlk_candidate *candidates, size_t n, const mlk_data *data,
                              const mlk_folds *folds, const mlk_cv_opts *opts, const mlk_run *run,
                              mlk_cv **out)
{
    const mlk_cv_opts o = opts ? *opts : mlk_cv_opts_default();
    mlk_cv *cv = NULL;
    *out = NULL;
    MLK_TRY(check_problem(candidates, n, data, folds, &o));
    mlk_cv_group *groups = mlk_alloc(n, sizeof *groups);
    mlk_status st = groups ? new_cv(candidates, n, data, folds, &o, &cv)
                           : MLK_FAIL(MLK_ENOMEM, "no memory for %zu candidates", n);
    if (st == MLK_OK) {
        mlk_cv_engine e = {.data = data,
                           .folds = folds,
                           .opts = &o,
                           .groups = groups,
                           .run = mlk_run_inner(run),
                           .cv = cv};
        e.n_groups = make_groups(candidates, n, groups);
        st = cv->pooled ? mlk_cv_leave_one_out(&e, run) : run_splits(&e, run);
    }
    mlk_free(groups);
    if (st == MLK_OK || (st == MLK_ECANCELLED && o.partial)) {
        warn_all(cv, run);
        cv->candidates = NULL;
        *out = cv;
        return MLK_OK;
    }
    mlk_cv_free(cv);
    return st;
}

void mlk_cv_free(mlk_cv *cv)
{
    if (!cv)
        return;
    for (size_t i = 0; cv->cells && i < cv->n_candidates * cv->n_splits; i++) {
        mlk_free(cv->cells[i].failure);
        mlk_free(cv->cells[i].note);
    }
    mlk_scratch_release(&cv->memory);
    mlk_free(cv);
}
