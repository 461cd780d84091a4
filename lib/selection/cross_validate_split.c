#include "selection/cross_validate.h"

#include <math.h>
#include <string.h>

#include <mlkit/data/dataset.h>

#include "core/parallel.h"
#include "core/status.h"

/* One split: the models that are fitted there, and what they say about its test rows. */

mlk_status mlk_cv_keep_failure(mlk_cv_cell *at, mlk_status st)
{
    if (st == MLK_ECANCELLED)
        return st;
    mlk_free(at->failure);
    at->failure = mlk_strdup(mlk_error_message(st));
    at->done = true;
    return at->failure ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a message");
}

static mlk_status ask_scores(const mlk_model *m, mlk_cmat X, const mlk_run *run,
                             mlk_scratch *memory, mlk_cv_answers *a)
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
                      mlk_scratch *memory, mlk_cv_answers *a)
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
                             const mlk_cv_answers *a)
{
    const size_t base = (c * cv->kept + s / cv->per_repeat) * cv->rows, k = cv->n_classes;
    for (size_t i = 0; s / cv->per_repeat < cv->kept && i < a->predicted.n; i++) {
        cv->predictions[base + rows[i]] = a->predicted.data[i];
        if (a->probabilities)
            memcpy(cv->probabilities + (base + rows[i]) * k, a->scores.data + i * k,
                   k * sizeof(double));
    }
}

void mlk_cv_line_up(const mlk_data *test, mlk_cv_answers *a)
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

mlk_predictions mlk_cv_predictions_of(const mlk_cv_engine *e, const mlk_cv_answers *a)
{
    mlk_predictions p = {
        .task = e->cv->task, .n_classes = e->cv->n_classes, .classes = e->opts->classes};
    const mlk_cmat scores = {a->scores.data, a->n, a->scores.cols, a->scores.cols};
    p.truth = (mlk_cvec){a->truth.data, a->n};
    p.predicted = (mlk_cvec){a->predicted.data, a->n};
    if (a->weights.n)
        p.w = (mlk_cvec){a->weights.data, a->n};
    if (a->scores.data)
        *(a->probabilities ? &p.probabilities : &p.scores) = scores;
    return p;
}

static mlk_status judge(const mlk_cv_engine *e, size_t c, size_t s, const mlk_model *m,
                        const mlk_data *test, const size_t *rows)
{
    mlk_cv_cell *at = mlk_cv_cell_at(e->cv, c, s);
    mlk_scratch memory = MLK_SCRATCH_INIT;
    mlk_cv_answers a = {0};
    const double start = mlk_seconds();
    mlk_status st = ask(m, test, &e->run, &memory, &a);
    at->predict_seconds = mlk_seconds() - start;
    at->stopped = mlk_model_info(m).converged == 0;
    if (st == MLK_OK) {
        at->probable = a.probabilities;
        keep_predictions(e->cv, c, s, rows, &a);
        mlk_cv_line_up(test, &a);
        at->skipped = e->cv->pooled ? 0 : test->X.rows - a.n;
        if (a.n == 0 && !e->cv->pooled) {
            st = MLK_FAIL(MLK_EINVAL, "none of the %zu test rows has a prediction", test->X.rows);
        } else if (!e->cv->pooled) {
            const mlk_predictions p = mlk_cv_predictions_of(e, &a);
            st = mlk_cv_score(e->cv, e->cv->values, c, s, e->opts->beta, &p, at, &e->run);
        }
    }
    mlk_scratch_release(&memory);
    if (st != MLK_OK)
        return mlk_cv_keep_failure(at, st);
    at->done = true;
    return MLK_OK;
}

/* The metrics on the rows that the model was fitted on. */
static mlk_status judge_training(const mlk_cv_engine *e, size_t c, size_t s, const mlk_model *m,
                                 const mlk_data *train)
{
    mlk_cv_cell *at = mlk_cv_cell_at(e->cv, c, s);
    mlk_scratch memory = MLK_SCRATCH_INIT;
    mlk_cv_answers a = {0};
    mlk_status st = ask(m, train, &e->run, &memory, &a);
    if (st == MLK_OK) {
        mlk_cv_line_up(train, &a);
        const mlk_predictions p = mlk_cv_predictions_of(e, &a);
        if (a.n)
            st = mlk_cv_score(e->cv, e->cv->train_values, c, s, e->opts->beta, &p, at, &e->run);
    }
    mlk_scratch_release(&memory);
    return st == MLK_OK ? st : mlk_cv_keep_failure(at, st);
}

/* Models of the group's candidates; NULL where one failed, with its text kept. */
static mlk_status fit_group(const mlk_cv_engine *e, const mlk_cv_group *g, size_t s,
                            const mlk_data *train, const void **opts, mlk_model **models)
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
        mlk_cv_cell_at(e->cv, g->begin + k, s)->fit_seconds = (mlk_seconds() - start) / (double)n;
    if (st == MLK_OK || n == 1)
        return st == MLK_OK ? st : mlk_cv_keep_failure(mlk_cv_cell_at(e->cv, g->begin, s), st);
    for (size_t k = 0; k < n && st != MLK_ECANCELLED; k++) { /* one of them spoils the others */
        const mlk_cv_group alone = {g->begin + k, g->begin + k + 1};
        MLK_TRY(fit_group(e, &alone, s, train, opts + k, models + k));
    }
    return st == MLK_ECANCELLED ? st : MLK_OK;
}

static size_t training_rows(const mlk_cv_engine *e, size_t s, size_t *rows)
{
    const size_t all = mlk_folds_train(e->folds, s, rows);
    size_t n = 0;
    for (size_t i = 0; i < all; i++)
        if (!e->opts->use || e->opts->use[rows[i]])
            rows[n++] = rows[i];
    return n;
}

mlk_status mlk_cv_run_split(const mlk_cv_engine *e, const mlk_cv_group *g, size_t s)
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
