#ifndef SELECTION_CROSS_VALIDATE_H
#define SELECTION_CROSS_VALIDATE_H

#include <mlkit/selection/cross_validate.h>

#include "core/alloc.h"

/*
 * What the parts of cross-validation share: cross_validate.c runs the splits,
 * cross_validate_split.c fits and judges in one of them, cross_validate_loo.c takes what is exact
 * without a fit a row, cross_validate_score.c has the metrics, cross_validate_results.c what came
 * out.
 */

/* One candidate in one split. */
typedef struct mlk_cv_cell {
    char *failure; /* NULL: none */
    char *note;    /* why a metric is not defined here; NULL: all are */
    double fit_seconds, predict_seconds;
    size_t skipped; /* test rows without a prediction */
    bool done, stopped, probable;
} mlk_cv_cell;

/* Candidates of one algorithm, begin..end-1, are fitted together. */
typedef struct mlk_cv_group {
    size_t begin, end;
} mlk_cv_group;

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
    mlk_cv_cell *cells;                  /* [candidate][split] */
    double *predictions, *probabilities; /* [candidate][kept][row]([class]); NULL: not kept */
    mlk_scratch memory;
};

/* What the jobs share. */
typedef struct mlk_cv_engine {
    const mlk_data *data;
    const mlk_folds *folds;
    const mlk_cv_opts *opts;
    const mlk_cv_group *groups;
    size_t n_groups;
    mlk_run run; /* of the fits */
    mlk_cv *cv;
} mlk_cv_engine;

/* What a model says about the test rows, those with a prediction moved to the front. */
typedef struct mlk_cv_answers {
    mlk_vec truth, weights, predicted;
    mlk_mat scores; /* probabilities or decision values; no data: none */
    bool probabilities;
    size_t n;
} mlk_cv_answers;

static inline mlk_cv_cell *mlk_cv_cell_at(const mlk_cv *cv, size_t c, size_t s)
{
    return &cv->cells[c * cv->n_splits + s];
}

static inline size_t mlk_cv_value_index(const mlk_cv *cv, size_t c, size_t m, size_t v)
{
    return (c * cv->n_metrics + m) * cv->n_values + v;
}

/* The metrics of a run, into the memory of its results. */
mlk_status mlk_cv_choose_metrics(const mlk_cv_opts *o, mlk_cv *cv);
/* All metrics of candidate c into value v of `values`. What the predictions do not allow is NaN,
 * with a note. */
mlk_status mlk_cv_score(const mlk_cv *cv, double *values, size_t c, size_t v, double beta,
                        const mlk_predictions *p, mlk_cv_cell *at, const mlk_run *run);
/* Keep the text of a failure that is the model's own; hand on what concerns the whole run. */
mlk_status mlk_cv_keep_failure(mlk_cv_cell *at, mlk_status st);
/* Truth and weights beside the predictions, rows without a prediction left out. */
void mlk_cv_line_up(const mlk_data *test, mlk_cv_answers *a);
mlk_predictions mlk_cv_predictions_of(const mlk_cv_engine *e, const mlk_cv_answers *a);
/* Fit a group's candidates in split s and judge them. */
mlk_status mlk_cv_run_split(const mlk_cv_engine *e, const mlk_cv_group *g, size_t s);
/* All of leave-one-out. */
mlk_status mlk_cv_leave_one_out(mlk_cv_engine *e, const mlk_run *run);

#endif
