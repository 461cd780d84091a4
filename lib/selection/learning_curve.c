#include <mlkit/selection/learning_curve.h>

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "selection/sample.h"

enum { SHARES = 10, CLASS_AT_LEAST = 2 };

static mlk_status new_curve(size_t n, mlk_score_curve *c)
{
    double *v = mlk_alloc(n, 5 * sizeof *v);
    *c = (mlk_score_curve){0};
    if (!v)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a curve of %zu points", n);
    *c = (mlk_score_curve){.n = n,
                           .x = v,
                           .train_mean = v + n,
                           .train_sd = v + 2 * n,
                           .test_mean = v + 3 * n,
                           .test_sd = v + 4 * n,
                           .memory = v};
    return MLK_OK;
}

void mlk_score_curve_free(mlk_score_curve *c)
{
    mlk_free(c->memory);
    *c = (mlk_score_curve){0};
}

/* Candidate k of cv becomes point i. */
static void set_point(mlk_score_curve *c, size_t i, const mlk_cv *cv, size_t k)
{
    const mlk_cv_summary train = mlk_cv_summarise_train(cv, k, 0);
    const mlk_cv_summary test = mlk_cv_summarise(cv, k, 0);
    c->metric = mlk_cv_metric(cv, 0);
    c->train_mean[i] = train.mean;
    c->train_sd[i] = train.sd;
    c->test_mean[i] = test.mean;
    c->test_sd[i] = test.sd;
}

static mlk_cv_opts curve_opts(const mlk_data *data, const char **scoring)
{
    mlk_cv_opts o = mlk_cv_opts_default();
    if (!*scoring)
        *scoring =
            mlk_metric_default(data->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION)
                ->name;
    o.metrics = scoring;
    o.n_metrics = 1;
    o.train_scores = true;
    return o;
}

/* Mean number of marked rows that the splits train on. */
static double training_rows(const mlk_folds *folds, const unsigned char *use, size_t *rows)
{
    const size_t splits = mlk_folds_count(folds);
    size_t sum = 0;
    for (size_t s = 0; s < splits; s++) {
        const size_t n = mlk_folds_train(folds, s, rows);
        for (size_t i = 0; i < n; i++)
            sum += use[rows[i]];
    }
    return (double)sum / (double)splits;
}

static mlk_status check_shares(const double *shares, size_t n)
{
    if (n == 0)
        return MLK_FAIL(MLK_EINVAL, "no share of the rows is given; expected at least one");
    for (size_t i = 0; i < n; i++)
        if (!(shares[i] > (i ? shares[i - 1] : 0.0) && shares[i] <= 1.0))
            return MLK_FAIL(MLK_EINVAL, "share %g of the rows; expected ascending values in (0, 1]",
                            shares[i]);
    return MLK_OK;
}

mlk_status mlk_learning_curve(const mlk_candidate *candidate, const mlk_data *data,
                              const mlk_folds *folds, const double *shares, size_t n,
                              const char *scoring, int64_t seed, const mlk_run *run,
                              mlk_score_curve *curve)
{
    static const double tenths[SHARES] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
    mlk_part part = {0};
    mlk_cv_opts o = curve_opts(data, &scoring);
    if (!shares) {
        shares = tenths;
        n = SHARES;
    }
    *curve = (mlk_score_curve){0};
    MLK_TRY(check_shares(shares, n));
    if (data->n_classes && data->y.n != data->X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", data->X.rows, data->y.n);
    size_t *rows = mlk_alloc(data->X.rows, sizeof *rows);
    mlk_status st =
        rows ? new_curve(n, curve) : MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", data->X.rows);
    if (st == MLK_OK)
        st = mlk_part_new(data, seed, &part);
    mlk_run inner = mlk_run_inner(run);
    for (size_t i = 0; st == MLK_OK && i < n; i++) {
        mlk_cv *cv;
        mlk_part_take(&part, shares[i], CLASS_AT_LEAST);
        o.use = part.use;
        st = mlk_run_poll(run, (double)i / (double)n);
        if (st == MLK_OK)
            st = mlk_cross_validate(candidate, 1, data, folds, &o, &inner, &cv);
        if (st != MLK_OK)
            break;
        set_point(curve, i, cv, 0);
        curve->x[i] = training_rows(folds, part.use, rows);
        mlk_cv_free(cv);
    }
    mlk_part_free(&part);
    mlk_free(rows);
    if (st != MLK_OK)
        mlk_score_curve_free(curve);
    return st;
}

mlk_status mlk_validation_curve(const mlk_grid *grid, const mlk_data *data, const mlk_folds *folds,
                                const char *scoring, const mlk_run *run, mlk_score_curve *curve)
{
    const mlk_cv_opts o = curve_opts(data, &scoring);
    const size_t n = mlk_grid_size(grid);
    mlk_cv *cv = NULL;
    *curve = (mlk_score_curve){0};
    mlk_candidate *candidates = mlk_alloc(n, sizeof *candidates);
    if (!candidates)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu candidates", n);
    for (size_t i = 0; i < n; i++)
        candidates[i] = (mlk_candidate){&mlk_pipeline_algo, mlk_grid_at(grid, i)};
    mlk_status st = mlk_cross_validate(candidates, n, data, folds, &o, run, &cv);
    if (st == MLK_OK)
        st = new_curve(n, curve);
    for (size_t i = 0; st == MLK_OK && i < n; i++) {
        set_point(curve, i, cv, i);
        curve->x[i] = (double)i;
    }
    mlk_cv_free(cv);
    mlk_free(candidates);
    return st;
}

void mlk_score_curve_report(const mlk_score_curve *c, mlk_doc *to)
{
    mlk_doc_put_text(to, "metric", c->metric->name);
    mlk_doc_put_vec(to, "x", (mlk_cvec){c->x, c->n});
    mlk_doc *train = mlk_doc_put_map(to, "train"), *test = mlk_doc_put_map(to, "test");
    mlk_doc_put_vec(train, "mean", (mlk_cvec){c->train_mean, c->n});
    mlk_doc_put_vec(train, "sd", (mlk_cvec){c->train_sd, c->n});
    mlk_doc_put_vec(test, "mean", (mlk_cvec){c->test_mean, c->n});
    mlk_doc_put_vec(test, "sd", (mlk_cvec){c->test_sd, c->n});
}
