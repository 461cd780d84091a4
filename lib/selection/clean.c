#include <mlkit/selection/clean.h>

#include <math.h>
#include <stdio.h>

#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/cross_validate.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/sort.h"
#include "model/algo.h"

struct mlk_suspects {
    size_t n;
    mlk_suspect at[];
};

static const double LIMIT = 3.5;         /* robust standard deviations [iglewicz1993] */
static const double NORMAL_MAD = 1.4826; /* standard deviation over MAD of normal values */

mlk_clean_opts mlk_clean_opts_default(void)
{
    return (mlk_clean_opts){.method = MLK_CLEAN_ENN, .neighbours = 3, .folds = 10};
}

size_t mlk_suspects_count(const mlk_suspects *s) { return s->n; }
mlk_suspect mlk_suspects_at(const mlk_suspects *s, size_t i) { return s->at[i]; }
void mlk_suspects_free(mlk_suspects *s) { mlk_free(s); }

/* --------------------------------------------------------------------------- neighbours */

/* The design that knn would learn from: its own preprocessing, from all rows. */
static mlk_status knn_design(const mlk_data *d, const mlk_algo *knn, const mlk_run *run,
                             mlk_scratch *scratch, mlk_mat *out)
{
    mlk_pipeline_opts opts = mlk_pipeline_opts_default(knn);
    mlk_model *pipeline;
    void *nearest = mlk_scratch_take(scratch, 1, knn->opts_size);
    if (!nearest)
        return MLK_FAIL(MLK_ENOMEM, "no memory for options");
    mlk_opts_set_default(knn->opts, nearest);
    MLK_TRY(mlk_opts_parse(knn->opts, knn->name, "n_neighbors", "1", nearest));
    opts.algo_opts = nearest;
    MLK_TRY(mlk_model_fit(&mlk_pipeline_algo, &opts, d, run, &pipeline));
    *out = mlk_scratch_mat(scratch, d->X.rows, mlk_pipeline_n_columns(pipeline));
    const mlk_status st =
        scratch->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a design of %zu columns", out->cols)
                        : mlk_pipeline_design(pipeline, d->X, run, *out);
    mlk_model_free(pipeline);
    return st;
}

/* What the k nearest other rows say. */
static mlk_status by_neighbours(const mlk_data *data, size_t k, const mlk_run *run,
                                mlk_scratch *scratch, mlk_vec predicted)
{
    const mlk_algo *knn = mlk_algo_find("knn");
    const mlk_run inner = mlk_run_inner(run);
    mlk_data d = *data;
    mlk_mat Z;
    char text[32];
    if (!data->n_classes)
        return MLK_FAIL(MLK_EINVAL, "edited nearest neighbours expect classes; for numbers there "
                                    "is cv");
    if (k < 1 || k >= data->X.rows)
        return MLK_FAIL(MLK_EINVAL, "%zu neighbours of %zu rows; expected 1..%zu", k, data->X.rows,
                        data->X.rows - 1);
    d.w = (mlk_cvec){NULL, 0};
    MLK_TRY(knn_design(&d, knn, &inner, scratch, &Z));
    d.X = mlk_mat_c(Z);
    d.levels = NULL;
    void *opts = mlk_scratch_take(scratch, 1, knn->opts_size);
    if (!opts)
        return MLK_FAIL(MLK_ENOMEM, "no memory for options");
    mlk_opts_set_default(knn->opts, opts);
    snprintf(text, sizeof text, "%zu", k);
    MLK_TRY(mlk_opts_parse(knn->opts, knn->name, "n_neighbors", text, opts));
    const void *one[] = {opts};
    return knn->loo(&d, one, 1, run, (mlk_mat){predicted.data, predicted.n, 1, 1});
}

/* ---------------------------------------------------------------------- cross-validation */

/* What fits on the other folds say. */
static mlk_status by_folds(const mlk_data *data, const mlk_clean_opts *o, const mlk_run *run,
                           mlk_vec predicted)
{
    const char *const metric = data->n_classes ? "accuracy" : "mse";
    const mlk_candidate candidate = {o->algo, o->algo_opts};
    mlk_folds_opts split = mlk_folds_opts_default();
    mlk_cv_opts opts = mlk_cv_opts_default();
    mlk_folds *folds = NULL;
    mlk_cv *cv = NULL;
    split.folds = o->folds < data->X.rows ? o->folds : data->X.rows;
    split.seed = o->seed;
    opts.metrics = &metric;
    opts.n_metrics = 1;
    opts.keep_predictions = true;
    mlk_status st = mlk_folds_new(data, &split, run, &folds);
    if (st == MLK_OK)
        st = mlk_cross_validate(&candidate, 1, data, folds, &opts, run, &cv);
    for (size_t s = 0; st == MLK_OK && s < mlk_cv_splits(cv); s++)
        if (mlk_cv_failure(cv, 0, s))
            st = MLK_FAIL(MLK_EINVAL, "fold %zu: %s", s + 1, mlk_cv_failure(cv, 0, s));
    for (size_t i = 0; st == MLK_OK && i < predicted.n; i++)
        predicted.data[i] = mlk_cv_predictions(cv, 0, 0).data[i];
    mlk_cv_free(cv);
    mlk_folds_free(folds);
    return st;
}

/* Residuals in robust standard deviations from their median, in place; NaN stays. */
static void standardise(mlk_vec r, double *room)
{
    size_t n = 0;
    for (size_t i = 0; i < r.n; i++)
        if (!isnan(r.data[i]))
            room[n++] = r.data[i];
    const double centre = n ? mlk_quantile(room, n, 0.5) : 0.0;
    n = 0;
    for (size_t i = 0; i < r.n; i++)
        if (!isnan(r.data[i]))
            room[n++] = fabs(r.data[i] - centre);
    const double sd = n ? NORMAL_MAD * mlk_quantile(room, n, 0.5) : 0.0;
    for (size_t i = 0; i < r.n; i++)
        r.data[i] = sd > 0.0 ? (r.data[i] - centre) / sd : 0.0;
}

/* ------------------------------------------------------------------------------- verdict */

static mlk_status collect(const mlk_data *d, mlk_cvec predicted, mlk_vec deviations,
                          mlk_suspects **out)
{
    const bool classes = d->n_classes > 0;
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass) {
            *out = mlk_alloc_flex(sizeof **out, n, sizeof(mlk_suspect));
            if (!*out)
                return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", n);
            (*out)->n = n;
            n = 0;
        }
        for (size_t i = 0; i < d->X.rows; i++) {
            const double truth = d->y.data[i], said = predicted.data[i];
            if (isnan(said) || (classes ? said == truth : fabs(deviations.data[i]) <= LIMIT))
                continue;
            if (pass)
                (*out)->at[n] =
                    (mlk_suspect){i, truth, said, classes ? (double)NAN : deviations.data[i]};
            n++;
        }
    }
    return MLK_OK;
}

mlk_status mlk_clean_find(const mlk_data *data, const mlk_clean_opts *opts, const mlk_run *run,
                          mlk_suspects **out)
{
    const mlk_clean_opts o = opts ? *opts : mlk_clean_opts_default();
    const size_t n = data->X.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    *out = NULL;
    if (!data->y.n)
        return MLK_FAIL(MLK_EINVAL, "no target; suspect rows are found by it");
    if (o.method == MLK_CLEAN_CV && (!o.algo || o.folds < 2))
        return MLK_FAIL(MLK_EINVAL, "cross-validation expects an algorithm and 2 folds or more");
    const mlk_vec predicted = mlk_scratch_vec(&scratch, n), room = mlk_scratch_vec(&scratch, n);
    const mlk_vec deviations = mlk_scratch_vec(&scratch, n);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", n)
                    : o.method == MLK_CLEAN_ENN
                        ? by_neighbours(data, o.neighbours, run, &scratch, predicted)
                        : by_folds(data, &o, run, predicted);
    if (st == MLK_OK && !data->n_classes) {
        for (size_t i = 0; i < n; i++)
            deviations.data[i] = data->y.data[i] - predicted.data[i];
        standardise(deviations, room.data);
    }
    if (st == MLK_OK)
        st = collect(data, mlk_vec_c(predicted), deviations, out);
    mlk_scratch_release(&scratch);
    return st;
}
