#include <mlkit/selection/cross_validate.h>

#include <math.h>
#include <string.h>

#include <mlkit/data/dataset.h>
#include <mlkit/preprocess/pipeline.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"

/* One candidate in one split. */
typedef struct cell {
    char *failure; /* NULL: none */
    char *note;    /* why a metric is not defined here; NULL: all are */
    double fit_seconds, predict_seconds;
    size_t skipped; /* test rows without a prediction */
    bool done, stopped, probable;
} cell;

/* Candidates of one algorithm, begin..end-1, are fitted together. */
typedef struct group {
    size_t begin, end;
} group;

struct mlk_cv {
    const mlk_candidate *candidates; /* while running */
    size_t n_candidates, n_metrics;
    size_t n_splits, n_values; /* n_values = 1 where the predictions of all splits are pooled */
    size_t per_repeat, repeats, rows, n_classes;
    size_t kept; /* repeats with predictions */
    bool pooled, all_metrics;
    double ratio; /* tested rows over training rows */
    mlk_metric_task task;
    const mlk_metric **metrics;
    double *values;                      /* [candidate][metric][value] */
    double *train_values;                /* likewise; NULL: not asked for */
    cell *cells;                         /* [candidate][split] */
    double *predictions, *probabilities; /* [candidate][kept][row]([class]); NULL: not kept */
    mlk_scratch memory;
};

/* What the jobs share. */
typedef struct engine {
    const mlk_data *data;
    const mlk_folds *folds;
    const mlk_cv_opts *opts;
    const group *groups;
    size_t n_groups;
    mlk_run run; /* of the fits */
    mlk_cv *cv;
} engine;

mlk_cv_opts mlk_cv_opts_default(void) { return (mlk_cv_opts){.beta = 1.0}; }

static cell *cell_at(const mlk_cv *cv, size_t c, size_t s)
{
    return &cv->cells[c * cv->n_splits + s];
}

static size_t value_index(const mlk_cv *cv, size_t c, size_t m, size_t v)
{
    return (c * cv->n_metrics + m) * cv->n_values + v;
}

/* ---------------------------------------------------------------- metrics */

static bool reported(const mlk_metric *m, mlk_metric_task task, size_t n_classes)
{
    if (m->task != task || (m->needs & MLK_NEEDS_POINTS))
        return false;
    return m->classes == MLK_CLASSES_ANY || !n_classes ||
           (m->classes == MLK_CLASSES_BINARY) == (n_classes == 2);
}

/* All metrics of the task, the default scoring first; `out` NULL counts them. */
static size_t all_metrics(mlk_metric_task task, size_t n_classes, const mlk_metric **out)
{
    const mlk_metric *first = mlk_metric_default(task), *m;
    size_t n = 1;
    if (out)
        out[0] = first;
    for (size_t i = 0; (m = mlk_metric_at(i)); i++)
        if (m != first && reported(m, task, n_classes)) {
            if (out)
                out[n] = m;
            n++;
        }
    return n;
}

/* The scoring moves to the front, or is added there: the array has room for one more. */
static mlk_status put_first(const char *scoring, mlk_cv *cv)
{
    const mlk_metric *metric;
    size_t at = 0;
    MLK_TRY(mlk_metric_find(scoring, cv->task, cv->n_classes, &metric));
    while (at < cv->n_metrics && cv->metrics[at] != metric)
        at++;
    cv->n_metrics += at == cv->n_metrics;
    for (; at > 0; at--)
        cv->metrics[at] = cv->metrics[at - 1];
    cv->metrics[0] = metric;
    return MLK_OK;
}

static mlk_status choose_metrics(const mlk_cv_opts *o, mlk_cv *cv)
{
    cv->n_metrics = o->metrics ? o->n_metrics : all_metrics(cv->task, cv->n_classes, NULL);
    if (cv->n_metrics == 0)
        return MLK_FAIL(MLK_EINVAL, "no metric is asked for; expected at least one");
    cv->metrics = mlk_scratch_take(&cv->memory, cv->n_metrics + 1, sizeof *cv->metrics);
    if (!cv->metrics)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu metrics", cv->n_metrics);
    cv->all_metrics = !o->metrics;
    if (!o->metrics)
        all_metrics(cv->task, cv->n_classes, cv->metrics);
    for (size_t m = 0; o->metrics && m < cv->n_metrics; m++)
        MLK_TRY(mlk_metric_find(o->metrics[m], cv->task, cv->n_classes, &cv->metrics[m]));
    return o->scoring ? put_first(o->scoring, cv) : MLK_OK;
}

static mlk_status keep_note(cell *at, const mlk_metric *metric, const char *why)
{
    if (at->note)
        return MLK_OK;
    const size_t bytes = strlen(metric->name) + strlen(why) + 3;
    if (!(at->note = mlk_alloc(bytes, 1)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for a note");
    memcpy(at->note, metric->name, strlen(metric->name) + 1);
    strcat(strcat(at->note, ": "), why);
    return MLK_OK;
}

/* All metrics of candidate c into value v of `values`. What the predictions do not allow is NaN,
 * with a note. */
static mlk_status score(const mlk_cv *cv, double *values, size_t c, size_t v, double beta,
                        const mlk_predictions *p, cell *at, const mlk_run *run)
{
    unsigned have = MLK_NEEDS_TRUTH | MLK_NEEDS_PREDICTED;
    if (p->probabilities.data)
        have |= MLK_NEEDS_PROBABILITIES | MLK_NEEDS_SCORES;
    if (p->scores.data)
        have |= MLK_NEEDS_SCORES;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_metric **asked = mlk_scratch_take(&scratch, cv->n_metrics, sizeof *asked);
    mlk_score *scores = mlk_scratch_take(&scratch, cv->n_metrics, sizeof *scores);
    size_t n = 0;
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu metrics", cv->n_metrics);
    }
    for (size_t m = 0; m < cv->n_metrics; m++)
        if (!(cv->metrics[m]->needs & ~have))
            asked[n++] = cv->metrics[m];
    if (n)
        st = mlk_metrics_compute(p, asked, n, beta, run, scores);
    for (size_t m = 0, k = 0; st == MLK_OK && m < cv->n_metrics; m++) {
        const bool there = !(cv->metrics[m]->needs & ~have);
        const double value = there ? scores[k].value : (double)NAN;
        values[value_index(cv, c, m, v)] = value;
        if (isnan(value) && (there || m == 0 || !cv->all_metrics))
            st = keep_note(at, cv->metrics[m],
                           there ? scores[k].note : "the model gives no probabilities");
        k += there;
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------------ one split */

/* Keep the text of a failure that is the model's own; hand on what concerns the whole run. */
static mlk_status keep_failure(cell *at, mlk_status st)
{
    if (st == MLK_ECANCELLED)
        return st;
    mlk_free(at->failure);
    at->failure = mlk_strdup(mlk_error_message(st));
    at->done = true;
    return at->failure ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a message");
}

/* What a model says about the test rows, those with a prediction moved to the front. */
typedef struct answers {
    mlk_vec truth, weights, predicted;
    mlk_mat scores; /* probabilities or decision values; no data: none */
    bool probabilities;
    size_t n;
} answers;

static mlk_status ask_scores(const mlk_model *m, mlk_cmat X, const mlk_run *run,
                             mlk_scratch *memory, answers *a)
{
    const size_t k = mlk_model_n_classes(m);
    mlk_mat out = mlk_scratch_mat(memory, X.rows, k);
    if (memory->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu probabilities", X.rows, k);
    mlk_status st = mlk_model_predict_proba(m, X, run, out);
    a->probabilities = st == MLK_OK;
    if (st == MLK_EUNSUPPORTED && k == 2 && mlk_model_n_decisions(m) == 1) {
        out = (mlk_mat){out.data, X.rows, 1, 1};
        st = mlk_model_decision(m, X, run, out);
    }
    if (st == MLK_OK)
        a->scores = out;
    return st == MLK_EUNSUPPORTED ? MLK_OK : st;
}

/* Predict the test rows; out-of-fold rows of `cv` get their share. */
static mlk_status ask(const mlk_model *m, const mlk_data *test, const mlk_run *run,
                      mlk_scratch *memory, answers *a)
{
    const size_t n = test->X.rows;
    a->predicted = mlk_scratch_vec(memory, n);
    a->truth = mlk_scratch_vec(memory, n);
    a->weights = mlk_scratch_vec(memory, test->w.n);
    if (memory->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu predictions", n);
    MLK_TRY(mlk_model_predict(m, test->X, run, a->predicted));
    return test->n_classes ? ask_scores(m, test->X, run, memory, a) : MLK_OK;
}

/* Copy to the out-of-fold arrays, before rows move. */
static void keep_predictions(const mlk_cv *cv, size_t c, size_t s, const size_t *rows,
                             const answers *a)
{
    const size_t base = (c * cv->kept + s / cv->per_repeat) * cv->rows, k = cv->n_classes;
    for (size_t i = 0; s / cv->per_repeat < cv->kept && i < a->predicted.n; i++) {
        cv->predictions[base + rows[i]] = a->predicted.data[i];
        if (a->probabilities)
            memcpy(cv->probabilities + (base + rows[i]) * k, a->scores.data + i * k,
                   k * sizeof(double));
    }
}

/* Truth and weights beside the predictions, rows without a prediction left out. */
static void line_up(const mlk_data *test, answers *a)
{
    const size_t k = a->scores.cols;
    a->n = 0;
    for (size_t i = 0; i < a->predicted.n; i++) {
        if (isnan(a->predicted.data[i]))
            continue;
        a->predicted.data[a->n] = a->predicted.data[i];
        a->truth.data[a->n] = test->y.data[i];
        if (test->w.n)
            a->weights.data[a->n] = test->w.data[i];
        if (a->scores.data)
            memmove(a->scores.data + a->n * k, a->scores.data + i * k, k * sizeof(double));
        a->n++;
    }
}

static mlk_predictions predictions_of(const mlk_cv *cv, const answers *a)
{
    mlk_predictions p = {.task = cv->task, .n_classes = cv->n_classes};
    const mlk_cmat scores = {a->scores.data, a->n, a->scores.cols, a->scores.cols};
    p.truth = (mlk_cvec){a->truth.data, a->n};
    p.predicted = (mlk_cvec){a->predicted.data, a->n};
    if (a->weights.n)
        p.w = (mlk_cvec){a->weights.data, a->n};
    if (a->scores.data)
        *(a->probabilities ? &p.probabilities : &p.scores) = scores;
    return p;
}

static mlk_status judge(const engine *e, size_t c, size_t s, const mlk_model *m,
                        const mlk_data *test, const size_t *rows)
{
    cell *at = cell_at(e->cv, c, s);
    mlk_scratch memory = MLK_SCRATCH_INIT;
    answers a = {0};
    const double start = mlk_seconds();
    mlk_status st = ask(m, test, &e->run, &memory, &a);
    at->predict_seconds = mlk_seconds() - start;
    at->stopped = mlk_model_info(m).converged == 0;
    if (st == MLK_OK) {
        at->probable = a.probabilities;
        keep_predictions(e->cv, c, s, rows, &a);
        line_up(test, &a);
        at->skipped = e->cv->pooled ? 0 : test->X.rows - a.n;
        if (a.n == 0 && !e->cv->pooled) {
            st = MLK_FAIL(MLK_EINVAL, "none of the %zu test rows has a prediction", test->X.rows);
        } else if (!e->cv->pooled) {
            const mlk_predictions p = predictions_of(e->cv, &a);
            st = score(e->cv, e->cv->values, c, s, e->opts->beta, &p, at, &e->run);
        }
    }
    mlk_scratch_release(&memory);
    if (st != MLK_OK)
        return keep_failure(at, st);
    at->done = true;
    return MLK_OK;
}

/* The metrics on the rows that the model was fitted on. */
static mlk_status judge_training(const engine *e, size_t c, size_t s, const mlk_model *m,
                                 const mlk_data *train)
{
    cell *at = cell_at(e->cv, c, s);
    mlk_scratch memory = MLK_SCRATCH_INIT;
    answers a = {0};
    mlk_status st = ask(m, train, &e->run, &memory, &a);
    if (st == MLK_OK) {
        line_up(train, &a);
        const mlk_predictions p = predictions_of(e->cv, &a);
        if (a.n)
            st = score(e->cv, e->cv->train_values, c, s, e->opts->beta, &p, at, &e->run);
    }
    mlk_scratch_release(&memory);
    return st == MLK_OK ? st : keep_failure(at, st);
}

/* Models of the group's candidates; NULL where one failed, with its text kept. */
static mlk_status fit_group(const engine *e, const group *g, size_t s, const mlk_data *train,
                            const void **opts, mlk_model **models)
{
    const mlk_candidate *first = &e->cv->candidates[g->begin];
    const size_t n = g->end - g->begin;
    const double start = mlk_seconds();
    mlk_status st;
    for (size_t k = 0; k < n; k++) {
        opts[k] = first[k].opts;
        models[k] = NULL;
    }
    st = n > 1 ? mlk_model_fit_many(first->algo, opts, n, train, &e->run, models)
               : mlk_model_fit(first->algo, opts[0], train, &e->run, &models[0]);
    for (size_t k = 0; k < n; k++)
        cell_at(e->cv, g->begin + k, s)->fit_seconds = (mlk_seconds() - start) / (double)n;
    if (st == MLK_OK || n == 1)
        return st == MLK_OK ? st : keep_failure(cell_at(e->cv, g->begin, s), st);
    for (size_t k = 0; k < n && st != MLK_ECANCELLED; k++) { /* one of them spoils the others */
        const group alone = {g->begin + k, g->begin + k + 1};
        MLK_TRY(fit_group(e, &alone, s, train, opts + k, models + k));
    }
    return st == MLK_ECANCELLED ? st : MLK_OK;
}

static size_t training_rows(const engine *e, size_t s, size_t *rows)
{
    const size_t all = mlk_folds_train(e->folds, s, rows);
    size_t n = 0;
    for (size_t i = 0; i < all; i++)
        if (!e->opts->use || e->opts->use[rows[i]])
            rows[n++] = rows[i];
    return n;
}

static mlk_status run_split(const engine *e, const group *g, size_t s)
{
    const size_t n = g->end - g->begin;
    mlk_scratch memory = MLK_SCRATCH_INIT;
    mlk_subset train = {0}, test = {0};
    size_t n_test, *rows = mlk_scratch_take(&memory, e->cv->rows, sizeof *rows);
    const void **opts = mlk_scratch_take(&memory, n, sizeof *opts);
    mlk_model **models = mlk_scratch_take(&memory, n, sizeof *models);
    const size_t *tested = mlk_folds_test(e->folds, s, &n_test);
    mlk_status st =
        memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", e->cv->rows) : MLK_OK;
    for (size_t k = 0; models && k < n; k++)
        models[k] = NULL;
    if (st == MLK_OK)
        st = mlk_subset_new(e->data, rows, training_rows(e, s, rows), &e->run, &train);
    if (st == MLK_OK)
        st = fit_group(e, g, s, &train.data, opts, models);
    for (size_t k = 0; st == MLK_OK && e->cv->train_values && k < n; k++)
        if (models[k])
            st = judge_training(e, g->begin + k, s, models[k], &train.data);
    mlk_subset_free(&train);
    if (st == MLK_OK)
        st = mlk_subset_new(e->data, tested, n_test, &e->run, &test);
    for (size_t k = 0; st == MLK_OK && k < n; k++)
        if (models[k])
            st = judge(e, g->begin + k, s, models[k], &test.data, tested);
    for (size_t k = 0; st == MLK_OK && e->opts->inspect && k < n; k++)
        if (models[k])
            st = e->opts->inspect(e->opts->user, g->begin + k, s, models[k]);
    for (size_t k = 0; models && k < n; k++)
        mlk_model_free(models[k]);
    mlk_subset_free(&test);
    mlk_scratch_release(&memory);
    return st;
}

/* ---------------------------------------------------------------- all splits */

/* Every group's first split, then the others group by group: what each group takes is soon known,
 * and groups are finished early. */
static mlk_status run_job(const engine *e, size_t j)
{
    const size_t others = e->cv->n_splits - 1;
    if (j < e->n_groups)
        return run_split(e, &e->groups[j], 0);
    j -= e->n_groups;
    return run_split(e, &e->groups[j / others], 1 + j % others);
}

static mlk_status run_first(void *ctx, const mlk_chunk *chunk)
{
    return run_job(ctx, chunk->begin);
}

static mlk_status run_others(void *ctx, const mlk_chunk *chunk)
{
    const engine *e = ctx;
    return run_job(e, e->n_groups + chunk->begin);
}

/* Progress in seconds of work instead of splits, as the first splits took them. */
typedef struct meter {
    const engine *e;
    const mlk_run *run;
    bool first; /* still in the first splits */
} meter;

static double first_seconds(const engine *e, size_t g)
{
    double sum = 0.0;
    for (size_t c = e->groups[g].begin; c < e->groups[g].end; c++)
        sum += cell_at(e->cv, c, 0)->fit_seconds + cell_at(e->cv, c, 0)->predict_seconds;
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

static mlk_status run_splits(const engine *e, const mlk_run *run)
{
    engine copy = *e;
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

/* -------------------------------------------------------------- leave-one-out */

/* The exact shortcut for a group; MLK_EUNSUPPORTED: there is none. */
static mlk_status take_shortcut(const engine *e, const group *g)
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
            cell_at(cv, g->begin + k, i)->done = true;
            cell_at(cv, g->begin + k, i)->fit_seconds = seconds;
        }
    mlk_scratch_release(&memory);
    return st;
}

/* One value of each metric, from the predictions of all splits. */
static mlk_status score_pooled(const engine *e, size_t c)
{
    const mlk_cv *cv = e->cv;
    const mlk_data all = *e->data;
    mlk_scratch memory = MLK_SCRATCH_INIT;
    answers a = {.probabilities = cv->probabilities != NULL};
    for (size_t s = 0; s < cv->n_splits; s++) {
        if (cell_at(cv, c, s)->failure || !cell_at(cv, c, s)->done)
            return MLK_OK;
        a.probabilities &= cell_at(cv, c, s)->probable;
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
        line_up(&all, &a);
        cell_at(cv, c, 0)->skipped = cv->rows - a.n;
        const mlk_predictions p = predictions_of(cv, &a);
        st = a.n ? score(cv, cv->values, c, 0, e->opts->beta, &p, cell_at(cv, c, 0), &e->run)
                 : MLK_FAIL(MLK_EINVAL, "none of the %zu rows has a prediction", cv->rows);
        if (st != MLK_OK)
            st = keep_failure(cell_at(cv, c, 0), st);
    }
    mlk_scratch_release(&memory);
    return st;
}

static mlk_status leave_one_out(engine *e, const mlk_run *run)
{
    mlk_status st = MLK_OK;
    for (size_t g = 0; st == MLK_OK && g < e->n_groups; g++) {
        engine one = *e;
        one.groups = &e->groups[g];
        one.run = run ? *run : e->run;
        one.run.progress = NULL;
        one.run.warn = one.run.log = NULL;
        if ((st = take_shortcut(&one, one.groups)) == MLK_OK || st == MLK_ECANCELLED)
            continue;
        one.run = e->run; /* whatever the shortcut found wrong, the fits say where */
        one.n_groups = 1;
        st = mlk_parallel_for(run, e->cv->n_splits, 1, run_first, &one);
    }
    for (size_t c = 0; st == MLK_OK && c < e->cv->n_candidates; c++)
        st = score_pooled(e, c);
    return st;
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

static size_t make_groups(const mlk_candidate *candidates, size_t n, group *groups)
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
    MLK_TRY(choose_metrics(o, cv));
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
        const cell *at = &cv->cells[i];
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
    group *groups = mlk_alloc(n, sizeof *groups);
    mlk_status st = groups ? new_cv(candidates, n, data, folds, &o, &cv)
                           : MLK_FAIL(MLK_ENOMEM, "no memory for %zu candidates", n);
    if (st == MLK_OK) {
        engine e = {.data = data,
                    .folds = folds,
                    .opts = &o,
                    .groups = groups,
                    .run = mlk_run_inner(run),
                    .cv = cv};
        e.n_groups = make_groups(candidates, n, groups);
        st = cv->pooled ? leave_one_out(&e, run) : run_splits(&e, run);
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

/* -------------------------------------------------------------- accessors */

size_t mlk_cv_candidates(const mlk_cv *cv) { return cv->n_candidates; }
size_t mlk_cv_splits(const mlk_cv *cv) { return cv->n_values; }
size_t mlk_cv_repeats(const mlk_cv *cv) { return cv->repeats; }
double mlk_cv_ratio(const mlk_cv *cv) { return cv->ratio; }
size_t mlk_cv_metrics(const mlk_cv *cv) { return cv->n_metrics; }
const mlk_metric *mlk_cv_metric(const mlk_cv *cv, size_t m) { return cv->metrics[m]; }

size_t mlk_cv_find(const mlk_cv *cv, const char *name)
{
    for (size_t m = 0; m < cv->n_metrics; m++)
        if (strcmp(cv->metrics[m]->name, name) == 0)
            return m;
    return SIZE_MAX;
}

mlk_cvec mlk_cv_values(const mlk_cv *cv, size_t candidate, size_t m)
{
    return (mlk_cvec){cv->values + value_index(cv, candidate, m, 0), cv->n_values};
}

mlk_cvec mlk_cv_train_values(const mlk_cv *cv, size_t candidate, size_t m)
{
    if (!cv->train_values)
        return (mlk_cvec){NULL, 0};
    return (mlk_cvec){cv->train_values + value_index(cv, candidate, m, 0), cv->n_values};
}

static mlk_cv_summary summarise(mlk_cvec v)
{
    mlk_cv_summary s = {(double)NAN, (double)NAN, 0, (double)NAN};
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < v.n; i++)
        if (!isnan(v.data[i])) {
            sum += v.data[i];
            s.count++;
        }
    if (s.count == 0)
        return s;
    s.partial_mean = sum / (double)s.count;
    if (s.count < v.n)
        return s;
    s.mean = s.partial_mean;
    for (size_t i = 0; i < v.n; i++)
        squares += (v.data[i] - s.mean) * (v.data[i] - s.mean);
    if (v.n > 1)
        s.sd = sqrt(squares / (double)(v.n - 1));
    return s;
}

mlk_cv_summary mlk_cv_summarise(const mlk_cv *cv, size_t candidate, size_t m)
{
    return summarise(mlk_cv_values(cv, candidate, m));
}

mlk_cv_summary mlk_cv_summarise_train(const mlk_cv *cv, size_t candidate, size_t m)
{
    return summarise(mlk_cv_train_values(cv, candidate, m));
}

bool mlk_cv_done(const mlk_cv *cv, size_t candidate, size_t s)
{
    return cell_at(cv, candidate, s)->done;
}

const char *mlk_cv_failure(const mlk_cv *cv, size_t candidate, size_t s)
{
    const cell *at = cell_at(cv, candidate, s);
    return at->done ? at->failure : "cancelled";
}

double mlk_cv_fit_seconds(const mlk_cv *cv, size_t candidate)
{
    double sum = 0.0;
    for (size_t s = 0; s < cv->n_splits; s++)
        sum += cell_at(cv, candidate, s)->fit_seconds;
    return sum;
}

double mlk_cv_predict_seconds(const mlk_cv *cv, size_t candidate)
{
    double sum = 0.0;
    for (size_t s = 0; s < cv->n_splits; s++)
        sum += cell_at(cv, candidate, s)->predict_seconds;
    return sum;
}

mlk_cvec mlk_cv_predictions(const mlk_cv *cv, size_t candidate, size_t repeat)
{
    if (repeat >= cv->kept)
        return (mlk_cvec){NULL, 0};
    return (mlk_cvec){cv->predictions + (candidate * cv->kept + repeat) * cv->rows, cv->rows};
}

mlk_cmat mlk_cv_probabilities(const mlk_cv *cv, size_t candidate, size_t repeat)
{
    const size_t k = cv->n_classes;
    bool there = repeat < cv->kept && k > 0;
    for (size_t s = 0; there && s < cv->per_repeat; s++)
        there = cell_at(cv, candidate, repeat * cv->per_repeat + s)->probable;
    if (!there)
        return (mlk_cmat){NULL, 0, 0, 0};
    return (mlk_cmat){cv->probabilities + (candidate * cv->kept + repeat) * cv->rows * k, cv->rows,
                      k, k};
}

static void report_metric(const mlk_cv *cv, size_t candidate, size_t m, mlk_doc *to)
{
    const mlk_cv_summary s = mlk_cv_summarise(cv, candidate, m);
    mlk_doc_put_real(to, "mean", s.mean);
    mlk_doc_put_real(to, "sd", s.sd);
    mlk_doc_put_vec(to, "folds", mlk_cv_values(cv, candidate, m));
}

void mlk_cv_report(const mlk_cv *cv, size_t candidate, mlk_doc *to)
{
    mlk_doc_put_text(to, "scoring", cv->metrics[0]->name);
    report_metric(cv, candidate, 0, to);
    mlk_cv_report_metrics(cv, candidate, to);
}

void mlk_cv_report_metrics(const mlk_cv *cv, size_t candidate, mlk_doc *to)
{
    mlk_doc *metrics = mlk_doc_put_map(to, "metrics"), *failures = NULL;
    for (size_t m = 0; m < cv->n_metrics; m++)
        report_metric(cv, candidate, m, mlk_doc_put_map(metrics, cv->metrics[m]->name));
    for (size_t s = 0; s < cv->n_splits; s++) {
        const char *failure = mlk_cv_failure(cv, candidate, s);
        if (!failure)
            continue;
        if (!failures)
            failures = mlk_doc_put_list(to, "failures");
        mlk_doc *entry = mlk_doc_put_map(failures, NULL);
        mlk_doc_put_int(entry, "fold", (int64_t)s);
        mlk_doc_put_text(entry, "error", failure);
    }
}
