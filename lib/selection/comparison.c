#include "selection/comparison.h"

#include <math.h>
#include <string.h>

#include <mlkit/metrics/evaluate.h>
#include <mlkit/model/archive.h>

#include "core/parallel.h"
#include "core/sort.h"
#include "core/status.h"

/* One run. */
typedef struct job {
    mlk_comparison *out;
    const mlk_data *data;
    const mlk_folds *folds;
    const mlk_comparison_opts *opts;
    const mlk_run *run;
} job;

mlk_comparison_opts mlk_comparison_opts_default(void)
{
    return (mlk_comparison_opts){.beta = 1.0, .level = 0.95};
}

static mlk_test no_test(void)
{
    const double nan = (double)NAN;
    return (mlk_test){nan, nan, nan, nan, nan, nan, nan, nan};
}

/* ----------------------------------------------------------------- progress */

/* Part `index` of `count` of the whole, as one bar. */
typedef struct stage {
    const mlk_run *run;
    size_t index, count;
} stage;

static void stage_progress(void *user, double done)
{
    const stage *s = user;
    s->run->progress(s->run->user, ((double)s->index + done) / (double)s->count);
}

static void stage_warn(void *user, const char *line)
{
    const stage *s = user;
    s->run->warn(s->run->user, line);
}

static bool stage_cancelled(void *user)
{
    const stage *s = user;
    return s->run->cancelled(s->run->user);
}

static mlk_run stage_run(stage *s)
{
    mlk_run run = {.user = s};
    if (!s->run)
        return run;
    run.threads = s->run->threads;
    run.progress = s->run->progress ? stage_progress : NULL;
    run.warn = s->run->warn ? stage_warn : NULL;
    run.cancelled = s->run->cancelled ? stage_cancelled : NULL;
    return run;
}

/* ------------------------------------------------------------------- set up */

static mlk_status check_task(const mlk_contender *c, const mlk_data *d)
{
    const mlk_algo *algo = c->pipeline ? c->pipeline->algo : NULL;
    const unsigned task = d->n_classes ? MLK_CLASSIFICATION : MLK_REGRESSION;
    if (!algo)
        return MLK_FAIL(MLK_EINVAL, "a model of the comparison has no algorithm");
    if (algo->tasks & task)
        return MLK_OK;
    if (!(algo->tasks & (MLK_REGRESSION | MLK_CLASSIFICATION)))
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s predicts no target: there is nothing to compare",
                        algo->name);
    if (d->n_classes)
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s is for regression; the target has %zu classes",
                        algo->name, d->n_classes);
    return MLK_FAIL(MLK_EUNSUPPORTED,
                    "%s is for classification; the target is a number (regression)", algo->name);
}

static void *take_zero(mlk_comparison *c, size_t count, size_t size)
{
    void *block = mlk_scratch_take(&c->memory, count, size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

static mlk_status new_comparison(const mlk_contender *models, size_t n, const mlk_folds *folds,
                                 const mlk_comparison_opts *o, mlk_comparison **out)
{
    mlk_comparison *c = mlk_alloc_zero(1, sizeof *c);
    if (!c)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a comparison");
    *out = c;
    c->n = n + 1;
    c->n_splits = mlk_folds_count(folds);
    c->level = o->level;
    c->contenders = take_zero(c, c->n, sizeof *c->contenders);
    c->candidates = take_zero(c, c->n, sizeof *c->candidates);
    c->models = take_zero(c, c->n, sizeof *c->models);
    c->rows = take_zero(c, c->n, sizeof *c->rows);
    c->chosen = take_zero(c, c->n, c->n_splits * sizeof *c->chosen);
    c->learning = take_zero(c, c->n, sizeof *c->learning);
    c->bootstrap = take_zero(c, c->n, sizeof *c->bootstrap);
    c->bias_variance = take_zero(c, c->n, sizeof *c->bias_variance);
    c->threshold = take_zero(c, c->n, sizeof *c->threshold);
    if (c->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a comparison of %zu models", n);
    memcpy(c->contenders + 1, models, n * sizeof *models);
    c->candidates[0] = (mlk_candidate){&mlk_baseline_algo, NULL, true};
    for (size_t i = 1; i < c->n; i++)
        c->candidates[i] =
            c->contenders[i].tuned
                ? (mlk_candidate){&mlk_tuned_algo, c->contenders[i].tuned, false}
                : (mlk_candidate){&mlk_pipeline_algo, c->contenders[i].pipeline, false};
    return MLK_OK;
}

/* -------------------------------------------------------------- the splits */

static mlk_status measure(const mlk_model *model, size_t *bytes)
{
    mlk_doc *doc = mlk_doc_new();
    void *block = NULL;
    mlk_model_save(model, doc);
    mlk_status st = mlk_doc_check(doc);
    if (st == MLK_OK)
        st = mlk_archive_encode(doc, &block, bytes);
    mlk_archive_free(block);
    mlk_doc_free(doc);
    return st;
}

/* Called by many threads, each for a (model, split) of its own. */
static mlk_status inspect(void *user, size_t i, size_t s, const mlk_model *model)
{
    mlk_comparison *c = user;
    if (c->contenders[i].tuned) {
        mlk_doc *copy = mlk_doc_new();
        mlk_doc_put_copy(copy, "chosen", mlk_tuned_chosen(model));
        c->chosen[i * c->n_splits + s] = copy;
        MLK_TRY(mlk_doc_check(copy));
    }
    return i > 0 && s == 0 ? measure(mlk_comparison_pipeline(model), &c->models[i].bytes) : MLK_OK;
}

static mlk_status cross_validate(const job *j, const mlk_run *run)
{
    mlk_comparison *c = j->out;
    const mlk_cv_opts o = {.scoring = j->opts->scoring,
                           .beta = j->opts->beta,
                           .keep_predictions = true,
                           .first_repeat = true,
                           .partial = j->opts->partial,
                           .classes = j->opts->classes,
                           .inspect = inspect,
                           .user = c};
    MLK_TRY(mlk_cross_validate(c->candidates, c->n, j->data, j->folds, &o, run, &c->cv));
    for (size_t i = 0; i < c->n * c->n_splits; i++)
        c->interrupted |= !mlk_cv_done(c->cv, i / c->n_splits, i % c->n_splits);
    return MLK_OK;
}

static void describe(mlk_comparison *c, size_t i)
{
    mlk_compared *m = &c->models[i];
    const mlk_contender *from = &c->contenders[i];
    m->algo = i ? from->pipeline->algo : &mlk_baseline_algo;
    m->label = from->label ? from->label : m->algo->name;
    m->pipeline = from->pipeline;
    m->tuned = from->tuned != NULL;
    m->versus_baseline = m->mcnemar = no_test();
    m->p_baseline = (double)NAN;
    for (size_t s = 0; s < c->n_splits; s++) {
        if (!mlk_cv_done(c->cv, i, s))
            continue;
        const char *failure = mlk_cv_failure(c->cv, i, s);
        if (failure && !m->failure) {
            m->failure = failure;
            m->failed_split = s;
        }
        *(failure ? &m->failed : &m->finished) += 1;
    }
    const double run = (double)(m->finished ? m->finished : 1);
    m->fit_seconds = mlk_cv_fit_seconds(c->cv, i) / run;
    m->predict_seconds = mlk_cv_predict_seconds(c->cv, i) / run;
}

/* -------------------------------------------------------------------- tests */

static mlk_status versus_baseline(mlk_comparison *c)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_cvec base = mlk_cv_values(c->cv, 0, 0);
    const mlk_vec d = mlk_scratch_vec(&scratch, base.n);
    const mlk_vec p = mlk_scratch_vec(&scratch, c->n), adjusted = mlk_scratch_vec(&scratch, c->n);
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu differences", base.n);
    for (size_t i = 0; st == MLK_OK && i < c->n; i++) {
        const mlk_cvec mine = mlk_cv_values(c->cv, i, 0);
        for (size_t s = 0; s < base.n; s++)
            d.data[s] = mine.data[s] - base.data[s];
        if (i)
            c->models[i].versus_baseline =
                mlk_corrected_t_test(mlk_vec_c(d), mlk_cv_ratio(c->cv), c->level);
        p.data[i] = c->models[i].versus_baseline.p;
    }
    if (st == MLK_OK)
        st = mlk_holm(mlk_vec_c(p), adjusted);
    for (size_t i = 0; st == MLK_OK && i < c->n; i++)
        c->models[i].p_baseline = adjusted.data[i];
    mlk_scratch_release(&scratch);
    return st;
}

static void mcnemar(const job *j, size_t best)
{
    mlk_comparison *c = j->out;
    const mlk_cvec b = mlk_cv_predictions(c->cv, best, 0);
    for (size_t i = 0; i < c->n; i++) {
        size_t n01, n10;
        if (i == best || c->models[i].standing.rank == 0)
            continue;
        mlk_disagreements(j->data->y, b, mlk_cv_predictions(c->cv, i, 0), &n01, &n10);
        c->models[i].mcnemar = mlk_mcnemar_test(n01, n10);
    }
}

/* Leave-one-out has one value a metric, of all rows: its interval is that of evaluate.h. */
static mlk_status pooled_interval(const job *j, size_t i)
{
    mlk_comparison *c = j->out;
    mlk_standing *s = &c->models[i].standing;
    const mlk_data *d = j->data;
    const mlk_predictions p = {.task =
                                   d->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION,
                               .n_classes = d->n_classes,
                               .truth = d->y,
                               .predicted = mlk_cv_predictions(c->cv, i, 0),
                               .probabilities = mlk_cv_probabilities(c->cv, i, 0),
                               .w = d->w};
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    const mlk_run run = mlk_run_inner(j->run);
    mlk_evaluation *e;
    o.beta = j->opts->beta;
    o.seed = j->opts->seed;
    o.curves = false;
    if (s->rank == 0 || c->level != 0.95)
        return MLK_OK;
    const mlk_status st = mlk_evaluate(&p, &o, &run, &e);
    if (st == MLK_ENOMEM || st == MLK_ECANCELLED)
        return st;
    if (st != MLK_OK) /* rows without a prediction */
        return MLK_OK;
    const mlk_score *score = mlk_evaluation_find(e, mlk_cv_metric(c->cv, 0)->name);
    if (score) {
        s->low = score->low;
        s->high = score->high;
    }
    mlk_evaluation_free(e);
    return MLK_OK;
}

/* ... and where rows are right or wrong, its test is McNemar's. */
static mlk_status pooled(const job *j, size_t best)
{
    mlk_comparison *c = j->out;
    const char *name = mlk_cv_metric(c->cv, 0)->name;
    const bool counts = strcmp(name, "accuracy") == 0 || strcmp(name, "error") == 0;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec p = mlk_scratch_vec(&scratch, c->n), adjusted = mlk_scratch_vec(&scratch, c->n);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu models", c->n) : MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < c->n; i++) {
        mlk_compared *m = &c->models[i];
        p.data[i] = (double)NAN;
        st = pooled_interval(j, i);
        if (i == best || m->standing.rank == 0)
            continue;
        m->standing.versus_best = counts ? m->mcnemar : no_test();
        m->standing.versus_best.estimate = c->models[best].standing.mean - m->standing.mean;
        p.data[i] = m->standing.versus_best.p;
    }
    if (st == MLK_OK)
        st = mlk_holm(mlk_vec_c(p), adjusted);
    for (size_t i = 0; st == MLK_OK && i < c->n; i++)
        c->models[i].standing.p_holm = adjusted.data[i];
    mlk_scratch_release(&scratch);
    return st;
}

/* The baseline, then by rank, then those without one. */
static mlk_status order_rows(mlk_comparison *c)
{
    double *key = mlk_alloc(c->n, sizeof *key);
    if (!key)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu models", c->n);
    for (size_t i = 0; i < c->n; i++) {
        const size_t rank = c->models[i].standing.rank;
        key[i] = i == 0 ? 0.0 : rank ? (double)rank : INFINITY;
    }
    const mlk_status st = mlk_argsort(key, c->n, c->rows);
    mlk_free(key);
    return st;
}

static mlk_status rank(const job *j)
{
    mlk_comparison *c = j->out;
    mlk_standing *standings = mlk_alloc(c->n, sizeof *standings);
    if (!standings)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu models", c->n);
    mlk_status st = mlk_compare(c->cv, 0, c->level, standings);
    size_t best = SIZE_MAX;
    for (size_t i = 0; st == MLK_OK && i < c->n; i++) {
        describe(c, i);
        c->models[i].standing = standings[i];
        if (isnan(standings[i].mean))
            c->models[i].standing.rank = 0;
        if (c->models[i].standing.rank == 1)
            best = i;
    }
    mlk_free(standings);
    if (st == MLK_OK)
        st = versus_baseline(c);
    if (st == MLK_OK && j->data->n_classes && best != SIZE_MAX)
        mcnemar(j, best);
    if (st == MLK_OK && best != SIZE_MAX && mlk_folds_kind(j->folds) == MLK_FOLDS_LOO)
        st = pooled(j, best);
    return st == MLK_OK ? order_rows(c) : st;
}

/* -------------------------------------------------------------- the extras */

/* One model's curve and bootstrap; what it cannot do is warned about and left out. */
static mlk_status extras(const job *j, size_t i, size_t *at, size_t stages)
{
    mlk_comparison *c = j->out;
    mlk_compared *m = &c->models[i];
    const char *what = "learning curve";
    mlk_status st = MLK_OK;
    stage s = {j->run, *at, stages};
    mlk_run run = stage_run(&s);
    run.warn = NULL; /* the cross-validation has said it */
    if (j->opts->learning_curve) {
        s.index = (*at)++;
        st =
            mlk_learning_curve(&c->candidates[i], j->data, j->folds, NULL, 0,
                               mlk_cv_metric(c->cv, 0)->name, j->opts->seed, &run, &c->learning[i]);
        if (st == MLK_OK)
            m->learning = &c->learning[i];
    }
    if (st == MLK_OK && j->opts->bootstrap) {
        const mlk_bootstrap_opts o = {.replicates = j->opts->bootstrap, .seed = j->opts->seed};
        what = "bootstrap";
        s.index = (*at)++;
        st = mlk_bootstrap_study(&c->candidates[i], j->data, &o, &run, &c->bootstrap[i],
                                 &c->bias_variance[i]);
        if (st == MLK_OK) {
            m->bootstrap = &c->bootstrap[i];
            m->bias_variance = &c->bias_variance[i];
        }
    }
    if (st == MLK_OK || st == MLK_ENOMEM || st == MLK_ECANCELLED)
        return st;
    mlk_run_warn(j->run, "%s: no %s: %s", m->label, what, mlk_error_message(st));
    return MLK_OK;
}

/* A threshold for each model with a probability of every tested row. */
static mlk_status thresholds(const job *j)
{
    mlk_comparison *c = j->out;
    for (size_t i = 0; j->opts->threshold && i < c->n; i++) {
        const mlk_cmat P = mlk_cv_probabilities(c->cv, i, 0);
        if (!P.data || !c->models[i].standing.rank)
            continue;
        MLK_TRY(mlk_threshold_choose(j->data->y, P, j->data->w, j->folds, j->opts->threshold,
                                     &c->threshold[i]));
        c->models[i].threshold = &c->threshold[i];
    }
    return MLK_OK;
}

static mlk_status run_all(const job *j)
{
    mlk_comparison *c = j->out;
    const size_t each = (size_t)j->opts->learning_curve + (j->opts->bootstrap > 0);
    const size_t stages = 1 + each * c->n;
    stage first = {j->run, 0, stages};
    const mlk_run run = stage_run(&first);
    MLK_TRY(cross_validate(j, &run));
    MLK_TRY(rank(j));
    MLK_TRY(thresholds(j));
    size_t at = 1;
    for (size_t i = 0; each && i < c->n && !c->interrupted; i++) {
        at = 1 + each * i;
        const mlk_status st = c->models[i].failed ? MLK_OK : extras(j, i, &at, stages);
        c->interrupted = st == MLK_ECANCELLED;
        if (st != MLK_OK && !(c->interrupted && j->opts->partial))
            return st;
    }
    return MLK_OK;
}

mlk_status mlk_comparison_run(const mlk_contender *models, size_t n, const mlk_data *data,
                              const mlk_folds *folds, const mlk_comparison_opts *opts,
                              const mlk_run *run, mlk_comparison **comparison)
{
    const mlk_comparison_opts o = opts ? *opts : mlk_comparison_opts_default();
    mlk_comparison *c = NULL;
    *comparison = NULL;
    for (size_t i = 0; i < n; i++)
        MLK_TRY(check_task(&models[i], data));
    if (!(o.level > 0.0 && o.level < 1.0))
        return MLK_FAIL(MLK_EINVAL, "level = %g is outside (0, 1)", o.level);
    if (o.threshold && data->n_classes != 2)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a threshold is for two classes; the target has %zu",
                        data->n_classes);
    mlk_status st = new_comparison(models, n, folds, &o, &c);
    if (st == MLK_OK) {
        const job j = {c, data, folds, &o, run};
        st = run_all(&j);
    }
    if (st != MLK_OK) {
        mlk_comparison_free(c);
        return st;
    }
    *comparison = c;
    return MLK_OK;
}

void mlk_comparison_free(mlk_comparison *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->chosen && i < c->n * c->n_splits; i++)
        mlk_doc_free(c->chosen[i]);
    for (size_t i = 0; c->learning && i < c->n; i++)
        mlk_score_curve_free(&c->learning[i]);
    mlk_cv_free(c->cv);
    mlk_scratch_release(&c->memory);
    mlk_free(c);
}

/* ---------------------------------------------------------------- accessors */

size_t mlk_comparison_size(const mlk_comparison *c) { return c->n; }
const mlk_compared *mlk_comparison_at(const mlk_comparison *c, size_t i) { return &c->models[i]; }
size_t mlk_comparison_row(const mlk_comparison *c, size_t row) { return c->rows[row]; }
const mlk_cv *mlk_comparison_cv(const mlk_comparison *c) { return c->cv; }
bool mlk_comparison_interrupted(const mlk_comparison *c) { return c->interrupted; }

size_t mlk_comparison_best(const mlk_comparison *c)
{
    const bool any = c->n > 1 && c->models[c->rows[1]].standing.rank > 0;
    return any ? c->rows[1] : SIZE_MAX;
}

const mlk_doc *mlk_comparison_chosen(const mlk_comparison *c, size_t i, size_t s)
{
    return mlk_doc_find(c->chosen[i * c->n_splits + s], "chosen");
}

mlk_status mlk_comparison_refit(const mlk_comparison *c, size_t i, const mlk_data *data,
                                const mlk_run *run, mlk_model **model)
{
    const mlk_candidate *which = &c->candidates[i];
    return mlk_model_fit(which->algo, which->opts, data, run, model);
}

const mlk_model *mlk_comparison_pipeline(const mlk_model *model)
{
    return mlk_model_algo(model) == &mlk_tuned_algo ? mlk_tuned_inner(model) : model;
}

/* ------------------------------------------------------------ several tables */

static bool ranked_everywhere(const mlk_comparison *const *tables, size_t n, size_t i)
{
    bool all = true;
    for (size_t t = 0; t < n; t++)
        all &= tables[t]->models[i].standing.rank > 0;
    return all;
}

static mlk_status check_tables(const mlk_comparison *const *tables, size_t n)
{
    for (size_t t = 0; t < n; t++)
        if (tables[t]->n != tables[0]->n ||
            mlk_cv_metric(tables[t]->cv, 0) != mlk_cv_metric(tables[0]->cv, 0))
            return MLK_FAIL(MLK_EINVAL, "table %zu has other models or another scoring", t);
    return MLK_OK;
}

mlk_status mlk_comparison_friedman(const mlk_comparison *const *tables, size_t n, double alpha,
                                   size_t *models, size_t *k, mlk_friedman **friedman)
{
    *friedman = NULL;
    *k = 0;
    MLK_TRY(check_tables(tables, n));
    for (size_t i = 0; n && i < tables[0]->n; i++)
        if (ranked_everywhere(tables, n, i))
            models[(*k)++] = i;
    if (n < 2 || *k < 2)
        return MLK_FAIL(MLK_EINVAL,
                        "%zu models have a score on all of %zu tables; expected 2 of each", *k, n);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat scores = mlk_scratch_mat(&scratch, n, *k);
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu scores", n, *k);
    for (size_t t = 0; st == MLK_OK && t < n; t++)
        for (size_t m = 0; m < *k; m++)
            scores.data[t * *k + m] = tables[t]->models[models[m]].standing.mean;
    if (st == MLK_OK)
        st = mlk_friedman_new(mlk_mat_c(scores), mlk_cv_metric(tables[0]->cv, 0)->greater_is_better,
                              alpha, friedman);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_comparison_wilcoxon(const mlk_comparison *const *tables, size_t n, size_t a,
                                   size_t b, mlk_test *test)
{
    *test = no_test();
    MLK_TRY(check_tables(tables, n));
    if (n == 0 || a >= tables[0]->n || b >= tables[0]->n)
        return MLK_FAIL(MLK_EINVAL, "no table, or no such models as %zu and %zu", a, b);
    if (!ranked_everywhere(tables, n, a) || !ranked_everywhere(tables, n, b))
        return MLK_FAIL(MLK_EINVAL, "%s or %s has no score on some table",
                        tables[0]->models[a].label, tables[0]->models[b].label);
    double *d = mlk_alloc(n, sizeof *d);
    if (!d)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu differences", n);
    for (size_t t = 0; t < n; t++)
        d[t] = tables[t]->models[a].standing.mean - tables[t]->models[b].standing.mean;
    const mlk_status st = mlk_wilcoxon_test((mlk_cvec){d, n}, test);
    mlk_free(d);
    return st;
}
