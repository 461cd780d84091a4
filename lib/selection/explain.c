#include <mlkit/selection/explain.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/status.h"

/* Scratch of one worker. */
typedef struct desk {
    mlk_mat X; /* a copy of the rows, with a column changed */
    mlk_mat scores;
    mlk_vec predicted;
    size_t *order;
} desk;

typedef struct job {
    const mlk_model *model;
    const mlk_data *data;
    const mlk_metric *metric;
    int64_t seed;
    mlk_run run;
    desk *desks;
    double whole; /* the metric with all columns as they are */
    mlk_mat out;
    mlk_cvec values; /* partial dependence: what column `column` is set to */
    size_t column, k;
    mlk_vec mean;
} job;

static void copy_rows(mlk_cmat X, mlk_mat to)
{
    for (size_t i = 0; i < X.rows; i++)
        memcpy(to.data + i * to.ld, X.data + i * X.ld, X.cols * sizeof(double));
}

static mlk_status new_desks(const mlk_model *m, mlk_cmat X, unsigned workers, mlk_scratch *scratch,
                            desk **desks)
{
    const size_t n = X.rows, k = mlk_model_n_classes(m);
    *desks = mlk_scratch_take(scratch, workers, sizeof **desks);
    for (unsigned w = 0; *desks && w < workers; w++) {
        desk *d = &(*desks)[w];
        *d = (desk){.X = mlk_scratch_mat(scratch, n, X.cols),
                    .scores = mlk_scratch_mat(scratch, n, k),
                    .predicted = mlk_scratch_vec(scratch, n),
                    .order = mlk_scratch_take(scratch, n, sizeof *d->order)};
        if (!scratch->failed)
            copy_rows(X, d->X);
    }
    return scratch->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %u copies of %zu rows", workers, n)
                           : MLK_OK;
}

static bool needs_scores(const mlk_metric *metric)
{
    return metric->needs & (MLK_NEEDS_PROBABILITIES | MLK_NEEDS_SCORES);
}

/* The metric of the model on the desk's rows. */
static mlk_status score(const job *j, desk *d, double *value)
{
    const mlk_data *data = j->data;
    mlk_predictions p = {.task = j->metric->task,
                         .n_classes = data->n_classes,
                         .truth = data->y,
                         .predicted = mlk_vec_c(d->predicted),
                         .w = data->w};
    mlk_score s;
    MLK_TRY(mlk_model_predict(j->model, mlk_mat_c(d->X), &j->run, d->predicted));
    for (size_t i = 0; i < d->predicted.n; i++)
        if (isnan(d->predicted.data[i]))
            return MLK_FAIL(MLK_EINVAL, "row %zu has missing values and no prediction", i);
    if (needs_scores(j->metric)) {
        mlk_status st = mlk_model_predict_proba(j->model, mlk_mat_c(d->X), &j->run, d->scores);
        p.probabilities = mlk_mat_c(d->scores);
        if (st == MLK_EUNSUPPORTED && mlk_model_n_decisions(j->model) == 1) {
            const mlk_mat one = {d->scores.data, d->scores.rows, 1, 1};
            st = mlk_model_decision(j->model, mlk_mat_c(d->X), &j->run, one);
            p.probabilities = (mlk_cmat){NULL, 0, 0, 0};
            p.scores = mlk_mat_c(one);
        }
        MLK_TRY(st);
    }
    MLK_TRY(mlk_metrics_compute(&p, &j->metric, 1, 1.0, &j->run, &s));
    *value = s.value;
    return isnan(s.value) ? MLK_FAIL(MLK_EINVAL, "%s: %s", j->metric->name, s.note) : MLK_OK;
}

/* Item = column x repeats + repeat. */
static mlk_status shuffle_columns(void *ctx, const mlk_chunk *chunk)
{
    const job *j = ctx;
    const mlk_cmat X = j->data->X;
    desk *d = &j->desks[chunk->worker];
    for (size_t item = chunk->begin; item < chunk->end; item++) {
        const size_t column = item / j->out.cols, repeat = item % j->out.cols;
        mlk_rng rng = mlk_rng_stream((uint64_t)j->seed, item);
        double value;
        mlk_rng_permutation(&rng, d->order, X.rows);
        for (size_t i = 0; i < X.rows; i++)
            d->X.data[i * d->X.ld + column] = X.data[d->order[i] * X.ld + column];
        const mlk_status st = score(j, d, &value);
        for (size_t i = 0; i < X.rows; i++)
            d->X.data[i * d->X.ld + column] = X.data[i * X.ld + column];
        MLK_TRY(st);
        j->out.data[column * j->out.ld + repeat] =
            j->metric->greater_is_better ? j->whole - value : value - j->whole;
    }
    return MLK_OK;
}

static mlk_status check_importance(const mlk_model *m, const mlk_data *d, mlk_mat out)
{
    if (d->X.cols != mlk_model_n_features(m))
        return MLK_FAIL(MLK_EINVAL, "X has %zu columns; the model was fitted on %zu", d->X.cols,
                        mlk_model_n_features(m));
    if (d->X.rows == 0 || d->y.n != d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", d->X.rows, d->y.n);
    if (d->n_classes != mlk_model_n_classes(m))
        return MLK_FAIL(MLK_EINVAL, "y has %zu classes; the model was fitted on %zu", d->n_classes,
                        mlk_model_n_classes(m));
    if (out.rows != d->X.cols || out.cols == 0)
        return MLK_FAIL(MLK_EINVAL, "the output is %zu x %zu; expected %zu columns by repeats",
                        out.rows, out.cols, d->X.cols);
    return MLK_OK;
}

mlk_status mlk_permutation_importance(const mlk_model *model, const mlk_data *data,
                                      const char *scoring, size_t repeats, int64_t seed,
                                      const mlk_run *run, mlk_mat out)
{
    const mlk_metric_task task =
        data->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION;
    job j = {.model = model,
             .data = data,
             .metric = mlk_metric_default(task),
             .seed = seed,
             .run = mlk_run_inner(run),
             .out = out};
    if (out.cols != repeats)
        return MLK_FAIL(MLK_EINVAL, "the output has %zu columns; expected %zu repeats", out.cols,
                        repeats);
    MLK_TRY(check_importance(model, data, out));
    if (scoring)
        MLK_TRY(mlk_metric_find(scoring, task, data->n_classes, &j.metric));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const size_t items = data->X.cols * repeats;
    mlk_status st = new_desks(model, data->X, mlk_workers(run, items, 1), &scratch, &j.desks);
    if (st == MLK_OK)
        st = score(&j, &j.desks[0], &j.whole);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, items, 1, shuffle_columns, &j);
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------- partial dependence */

/* What the curve shows of each row: the prediction, or class k's probability or indicator. */
static mlk_status respond(const job *j, desk *d)
{
    const mlk_cmat X = mlk_mat_c(d->X);
    if (mlk_model_n_classes(j->model)) {
        const mlk_status st = mlk_model_predict_proba(j->model, X, &j->run, d->scores);
        for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
            d->predicted.data[i] = d->scores.data[i * d->scores.ld + j->k];
        if (st != MLK_EUNSUPPORTED)
            return st;
    }
    MLK_TRY(mlk_model_predict(j->model, X, &j->run, d->predicted));
    for (size_t i = 0; mlk_model_n_classes(j->model) && i < X.rows; i++)
        if (!isnan(d->predicted.data[i]))
            d->predicted.data[i] = d->predicted.data[i] == (double)j->k;
    return MLK_OK;
}

static mlk_status set_values(void *ctx, const mlk_chunk *chunk)
{
    const job *j = ctx;
    desk *d = &j->desks[chunk->worker];
    for (size_t v = chunk->begin; v < chunk->end; v++) {
        double sum = 0.0;
        size_t n = 0;
        for (size_t i = 0; i < d->X.rows; i++)
            d->X.data[i * d->X.ld + j->column] = j->values.data[v];
        MLK_TRY(respond(j, d));
        for (size_t i = 0; i < d->X.rows; i++) {
            const double f = d->predicted.data[i];
            if (j->out.data)
                j->out.data[i * j->out.ld + v] = f;
            sum += isnan(f) ? 0.0 : f;
            n += !isnan(f);
        }
        j->mean.data[v] = sum / (double)n;
    }
    return MLK_OK;
}

static mlk_status check_dependence(const job *j, mlk_cmat X)
{
    const size_t classes = mlk_model_n_classes(j->model), p = mlk_model_n_features(j->model);
    if (X.cols != p || X.rows == 0)
        return MLK_FAIL(MLK_EINVAL, "X is %zu x %zu; expected rows of %zu columns", X.rows, X.cols,
                        p);
    if (j->column >= p)
        return MLK_FAIL(MLK_EINVAL, "column %zu; expected 0..%zu", j->column, p - 1);
    if (j->k > 0 && j->k >= classes)
        return MLK_FAIL(MLK_EINVAL, "class %zu of a model of %zu classes", j->k, classes);
    if (j->mean.n != j->values.n)
        return MLK_FAIL(MLK_EINVAL, "%zu values but the output has %zu", j->values.n, j->mean.n);
    if (j->out.data && (j->out.rows != X.rows || j->out.cols != j->values.n))
        return MLK_FAIL(MLK_EINVAL, "the output is %zu x %zu; expected %zu x %zu", j->out.rows,
                        j->out.cols, X.rows, j->values.n);
    return MLK_OK;
}

mlk_status mlk_partial_dependence(const mlk_model *model, mlk_cmat X, size_t column,
                                  mlk_cvec values, size_t k, const mlk_run *run, mlk_vec mean,
                                  mlk_mat ice)
{
    job j = {.model = model,
             .run = mlk_run_inner(run),
             .out = ice,
             .values = values,
             .column = column,
             .k = k,
             .mean = mean};
    MLK_TRY(check_dependence(&j, X));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_status st = new_desks(model, X, mlk_workers(run, values.n, 1), &scratch, &j.desks);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, values.n, 1, set_values, &j);
    mlk_scratch_release(&scratch);
    return st;
}
