#include <mlkit/selection/search.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/sort.h"
#include "core/status.h"
#include "selection/sample.h"

enum {
    FACTOR = 3,         /* of halving: a third stays, and trains on three times the rows */
    ROWS_AT_LEAST = 30, /* in its first round */
    CLASS_AT_LEAST = 10 /* of them of each class */
};

struct mlk_search {
    size_t n, n_values;
    bool greater;
    mlk_trial *trials; /* n, in the order of the grid */
    double *values;    /* [trial][split] */
    size_t best;       /* trial */
    mlk_cv *cv;        /* of the best, all metrics */
    mlk_scratch memory;
};

/* One search while it runs. */
typedef struct job {
    const mlk_grid *grid;
    const mlk_data *data;
    const mlk_folds *folds;
    const mlk_search_opts *opts;
    const mlk_run *run;
    mlk_search *out;
    size_t *alive; /* trials of the round, in the order of the grid */
    size_t n_alive;
    mlk_candidate *candidates;
} job;

mlk_search_opts mlk_search_opts_default(void)
{
    return (mlk_search_opts){.kind = MLK_SEARCH_GRID, .n = 10, .beta = 1.0};
}

mlk_status mlk_search_parse(const char *word, mlk_search_opts *o)
{
    if (strcmp(word, "grid") == 0) {
        o->kind = MLK_SEARCH_GRID;
        return MLK_OK;
    }
    if (strcmp(word, "halving") == 0) {
        o->kind = MLK_SEARCH_HALVING;
        return MLK_OK;
    }
    if (strncmp(word, "random:", 7) == 0 && word[7]) {
        size_t n = 0;
        const char *c = word + 7;
        for (; *c >= '0' && *c <= '9' && n < 100000000; c++)
            n = 10 * n + (size_t)(*c - '0');
        if (!*c && n) {
            o->kind = MLK_SEARCH_RANDOM;
            o->n = n;
            return MLK_OK;
        }
    }
    return MLK_FAIL(MLK_EINVAL, "search = '%s' is not valid; expected grid, random:N or halving",
                    word);
}

/* ------------------------------------------------------------------ rounds */

/* The k-th results of a round become those of trial i. */
static mlk_status record(mlk_search *s, const mlk_cv *cv, size_t k, size_t splits, size_t i)
{
    mlk_trial *t = &s->trials[i];
    const mlk_cv_summary sum = mlk_cv_summarise(cv, k, 0);
    double *values = s->values + i * s->n_values;
    const char *failure = NULL;
    memcpy(values, mlk_cv_values(cv, k, 0).data, s->n_values * sizeof *values);
    t->values = (mlk_cvec){values, s->n_values};
    t->mean = sum.mean;
    t->sd = sum.sd;
    t->fit_seconds += mlk_cv_fit_seconds(cv, k);
    t->failure = NULL;
    for (size_t split = 0; !failure && split < splits; split++)
        failure = mlk_cv_failure(cv, k, split);
    if (!failure)
        return MLK_OK;
    const size_t bytes = strlen(failure) + 1;
    char *copy = mlk_scratch_take(&s->memory, bytes, 1);
    if (!copy)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a message");
    t->failure = memcpy(copy, failure, bytes);
    return MLK_OK;
}

/* Cross-validate the trials that are alive, on the training rows in `use`. */
static mlk_status run_round(job *j, size_t round, double share, const unsigned char *use)
{
    const mlk_metric *metric;
    MLK_TRY(mlk_metric_find(j->opts->scoring,
                            j->data->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION,
                            j->data->n_classes, &metric));
    mlk_search *s = j->out;
    mlk_cv_opts o = mlk_cv_opts_default();
    mlk_cv *cv;
    o.metrics = &j->opts->scoring;
    o.n_metrics = 1;
    o.beta = j->opts->beta;
    o.use = use;
    s->greater = metric->greater_is_better;
    for (size_t k = 0; k < j->n_alive; k++)
        j->candidates[k] = (mlk_candidate){&mlk_pipeline_algo,
                                           mlk_grid_at(j->grid, s->trials[j->alive[k]].candidate)};
    MLK_TRY(mlk_cross_validate(j->candidates, j->n_alive, j->data, j->folds, &o, j->run, &cv));
    mlk_status st = MLK_OK;
    for (size_t k = 0; st == MLK_OK && k < j->n_alive; k++) {
        mlk_trial *t = &s->trials[j->alive[k]];
        t->round = round;
        t->share = share;
        st = record(s, cv, k, mlk_folds_count(j->folds), j->alive[k]);
    }
    mlk_cv_free(cv);
    return st;
}

/* Ranks 1.. of all trials: later rounds before earlier ones, then by score, failures last; equals
 * in the order of the grid. */
static mlk_status rank_trials(mlk_search *s)
{
    size_t *order = mlk_alloc(s->n, sizeof *order);
    double *key = mlk_alloc(s->n, sizeof *key);
    mlk_status st = order && key ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to rank candidates");
    size_t rounds = 0, at = 0;
    for (size_t i = 0; i < s->n; i++)
        rounds = s->trials[i].round > rounds ? s->trials[i].round : rounds;
    for (size_t r = rounds + 1; st == MLK_OK && r-- > 0;) {
        for (size_t i = 0; i < s->n; i++) /* others behind all: NaN sorts last */
            key[i] = s->trials[i].round == r ? (s->greater ? -1.0 : 1.0) * s->trials[i].mean
                                             : (double)NAN;
        st = mlk_argsort(key, s->n, order);
        for (int failed = 0; st == MLK_OK && failed < 2; failed++)
            for (size_t i = 0; i < s->n; i++) {
                mlk_trial *t = &s->trials[order[i]];
                if (t->round == r && isnan(t->mean) == (failed == 1)) {
                    t->rank = ++at;
                    if (at == 1)
                        s->best = order[i];
                }
            }
    }
    mlk_free(order);
    mlk_free(key);
    return st;
}

/* The best third of the trials that are alive stays, at least one; in the order of the grid. */
static mlk_status halve(job *j)
{
    const size_t n = j->n_alive, keep = (n + FACTOR - 1) / FACTOR;
    mlk_scratch memory = MLK_SCRATCH_INIT;
    size_t *order = mlk_scratch_take(&memory, n, sizeof *order);
    double *key = mlk_scratch_take(&memory, n, sizeof *key);
    bool *stays = mlk_scratch_take(&memory, n, sizeof *stays);
    mlk_status st =
        memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to rank %zu candidates", n) : MLK_OK;
    for (size_t k = 0; st == MLK_OK && k < n; k++) {
        key[k] = (j->out->greater ? -1.0 : 1.0) * j->out->trials[j->alive[k]].mean;
        stays[k] = false;
    }
    if (st == MLK_OK)
        st = mlk_argsort(key, n, order);
    for (size_t k = 0; st == MLK_OK && k < keep; k++)
        stays[order[k]] = true;
    for (size_t k = j->n_alive = 0; st == MLK_OK && k < n; k++)
        if (stays[k])
            j->alive[j->n_alive++] = j->alive[k];
    mlk_scratch_release(&memory);
    return st;
}

static mlk_status run_halving(job *j)
{
    mlk_part part;
    size_t rounds = 1, round = 0;
    double share = 1.0;
    /* As many rounds as leave one candidate for the last, if the rows allow it. */
    for (size_t k = j->n_alive; k > 1; k = (k + FACTOR - 1) / FACTOR)
        if (share * (double)j->data->X.rows / FACTOR >= ROWS_AT_LEAST) {
            share /= FACTOR;
            rounds++;
        }
    mlk_status st = mlk_part_new(j->data, j->opts->seed, &part);
    for (; st == MLK_OK && round < rounds; round++) {
        const bool last = round + 1 == rounds;
        if (!last)
            mlk_part_take(&part, share, CLASS_AT_LEAST);
        st = run_round(j, round, last ? 1.0 : share, last ? NULL : part.use);
        share *= FACTOR;
        if (st == MLK_OK && !last)
            st = halve(j);
    }
    mlk_part_free(&part);
    return st;
}

/* --------------------------------------------------------------------- run */

/* The trials: all of the grid, or a random part, in its order. */
static mlk_status draw(job *j)
{
    mlk_search *s = j->out;
    const size_t size = mlk_grid_size(j->grid);
    const bool part = j->opts->kind == MLK_SEARCH_RANDOM && j->opts->n < size;
    s->n = part ? j->opts->n : size;
    s->n_values = mlk_folds_kind(j->folds) == MLK_FOLDS_LOO ? 1 : mlk_folds_count(j->folds);
    s->trials = mlk_scratch_take(&s->memory, s->n, sizeof *s->trials);
    s->values = mlk_scratch_take(&s->memory, s->n, s->n_values * sizeof *s->values);
    j->alive = mlk_scratch_take(&s->memory, s->n, sizeof *j->alive);
    j->candidates = mlk_scratch_take(&s->memory, s->n, sizeof *j->candidates);
    size_t *drawn = mlk_scratch_take(&s->memory, size, sizeof *drawn);
    if (s->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu candidates", s->n);
    memset(s->trials, 0, s->n * sizeof *s->trials);
    mlk_rng rng = mlk_rng_stream((uint64_t)j->opts->seed, 1);
    if (part)
        mlk_rng_sample(&rng, drawn, size, s->n);
    unsigned char *chosen = mlk_alloc_zero(size, 1);
    if (!chosen)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu candidates", size);
    for (size_t i = 0; i < s->n; i++)
        chosen[part ? drawn[i] : i] = 1;
    for (size_t i = 0, k = 0; i < size; i++)
        if (chosen[i]) {
            j->alive[k] = k;
            s->trials[k++].candidate = i;
        }
    mlk_free(chosen);
    j->n_alive = s->n;
    return MLK_OK;
}

/* All metrics of the best, the scoring first. */
static mlk_status judge_best(const job *j)
{
    mlk_search *s = j->out;
    const mlk_trial *best = &s->trials[s->best];
    if (isnan(best->mean))
        return MLK_FAIL(MLK_EINVAL, "none of %zu candidates can be scored%s%s", s->n,
                        s->trials[0].failure ? ": " : "",
                        s->trials[0].failure ? s->trials[0].failure : "");
    const mlk_candidate c = {&mlk_pipeline_algo, mlk_grid_at(j->grid, best->candidate)};
    mlk_cv_opts o = mlk_cv_opts_default();
    o.beta = j->opts->beta;
    o.scoring = j->opts->scoring;
    const mlk_run inner = mlk_run_inner(j->run);
    return mlk_cross_validate(&c, 1, j->data, j->folds, &o, &inner, &s->cv);
}

static mlk_status check_opts(const mlk_search_opts *o)
{
    if (o->kind > MLK_SEARCH_HALVING)
        return MLK_FAIL(MLK_EINVAL, "kind of search = %d is unknown", (int)o->kind);
    if (o->kind == MLK_SEARCH_RANDOM && o->n < 1)
        return MLK_FAIL(MLK_EINVAL, "n = 0 candidates to try; expected at least 1");
    return MLK_OK;
}

mlk_status mlk_search_run(const mlk_grid *grid, const mlk_data *data, const mlk_folds *folds,
                          const mlk_search_opts *opts, const mlk_run *run, mlk_search **search)
{
    mlk_search_opts o = opts ? *opts : mlk_search_opts_default();
    *search = NULL;
    MLK_TRY(check_opts(&o));
    if (!o.scoring)
        o.scoring =
            mlk_metric_default(data->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION)
                ->name;
    job j = {.grid = grid, .data = data, .folds = folds, .opts = &o, .run = run};
    if (!(j.out = mlk_alloc_zero(1, sizeof *j.out)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for a search");
    mlk_status st = draw(&j);
    if (st == MLK_OK)
        st = o.kind == MLK_SEARCH_HALVING ? run_halving(&j) : run_round(&j, 0, 1.0, NULL);
    if (st == MLK_OK)
        st = rank_trials(j.out);
    if (st == MLK_OK)
        st = judge_best(&j);
    if (st == MLK_OK)
        *search = j.out;
    else
        mlk_search_free(j.out);
    return st;
}

void mlk_search_free(mlk_search *s)
{
    if (!s)
        return;
    mlk_cv_free(s->cv);
    mlk_scratch_release(&s->memory);
    mlk_free(s);
}

/* -------------------------------------------------------------- accessors */

size_t mlk_search_size(const mlk_search *s) { return s->n; }
mlk_trial mlk_search_at(const mlk_search *s, size_t i) { return s->trials[i]; }
size_t mlk_search_best(const mlk_search *s) { return s->trials[s->best].candidate; }
const mlk_cv *mlk_search_cv(const mlk_search *s) { return s->cv; }

void mlk_search_report(const mlk_search *s, const mlk_grid *grid, mlk_doc *to)
{
    mlk_cv_report(s->cv, 0, to);
    const mlk_trial *best = &s->trials[s->best];
    mlk_doc *map = mlk_doc_put_map(to, "best");
    mlk_grid_params(grid, best->candidate, mlk_doc_put_map(map, "params"));
    mlk_doc_put_real(map, "mean", best->mean);
    mlk_doc_put_real(map, "sd", best->sd);
    mlk_doc *list = mlk_doc_put_list(to, "results");
    for (size_t i = 0; i < s->n; i++) {
        const mlk_trial *t = &s->trials[i];
        mlk_doc *one = mlk_doc_put_map(list, NULL);
        mlk_grid_params(grid, t->candidate, mlk_doc_put_map(one, "params"));
        mlk_doc_put_int(one, "rank", (int64_t)t->rank);
        mlk_doc_put_real(one, "mean", t->mean);
        mlk_doc_put_real(one, "sd", t->sd);
        mlk_doc_put_vec(one, "folds", t->values);
        mlk_doc_put_real(one, "fit_seconds", t->fit_seconds);
        if (t->share < 1.0)
            mlk_doc_put_real(one, "share", t->share);
        if (t->failure)
            mlk_doc_put_text(one, "error", t->failure);
    }
}
