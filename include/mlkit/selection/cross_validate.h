#ifndef MLK_SELECTION_CROSS_VALIDATE_H
#define MLK_SELECTION_CROSS_VALIDATE_H

#include <mlkit/metrics/metric.h>
#include <mlkit/model.h>
#include <mlkit/selection/folds.h>

/**
 * @file cross_validate.h
 * @brief How well algorithms predict rows that they did not see.
 *
 * For each split, fit on its training rows alone (a pipeline learns its preprocessing there too),
 * predict its test rows, compute the metrics. Neighbouring candidates of one algorithm are fitted
 * together (mlk_model_fit_many()), so that a grid shares factorisations, warm starts and the
 * preprocessing. Splits run in parallel, each fit on one thread; the same bytes for any number of
 * threads.
 *
 * Leave-one-out: a metric is computed once, from the predictions of all rows (for one row, r2 or
 * AUC is not defined); where no probabilities are asked for, an algorithm's exact shortcut
 * (mlk_algo.loo) stands in for n fits.
 *
 * A candidate that fails in a split keeps the text of its failure and has no value there; the rest
 * goes on.
 */

MLK_BEGIN_DECLS

/** What to cross-validate. Borrowed. */
typedef struct mlk_candidate {
    const mlk_algo *algo;
    const void *opts; /**< NULL: defaults. */
    bool quiet;       /**< No warnings about it (a baseline). */
} mlk_candidate;

/** How. Start from mlk_cv_opts_default(). */
typedef struct mlk_cv_opts {
    const char *const *metrics; /**< Names; NULL: all that apply. */
    size_t n_metrics;
    const char *scoring;      /**< The metric that comes first; NULL: of metrics the first, of all
                                   accuracy or r2. */
    double beta;              /**< Of fbeta. Default 1. */
    bool keep_predictions;    /**< Keep out-of-fold predictions. Default false. */
    bool first_repeat;        /**< ... of the first repeat only. Default false. */
    bool partial;             /**< Cancelled: end with what is finished, not MLK_ECANCELLED. */
    bool train_scores;        /**< The metrics on the training rows too. Default false. */
    const unsigned char *use; /**< One a row: 0 = not to train on. NULL: all rows. */
    /** Shown each model when it has predicted, from any thread; NULL: not wanted. A failure ends
     *  the whole. Not called for leave-one-out by a shortcut. */
    mlk_status (*inspect)(void *user, size_t candidate, size_t split, const mlk_model *model);
    void *user;                 /**< Passed to it. */
    const char *const *classes; /**< Their names, for notes; NULL: numbers. */
} mlk_cv_opts;

/** The defaults that are named above. */
mlk_cv_opts mlk_cv_opts_default(void);

/** Results of all candidates. Immutable. */
typedef struct mlk_cv mlk_cv;

/**
 * Cross-validate.
 *
 * Warns (run->warn, one counted line each) about fits that did not converge, metrics that some
 * split does not define, and rows without a prediction, which the metrics leave out. When all
 * metrics are computed, a model without probabilities lacks those that need them without a warning.
 *
 * @param[in]  data  With a target: regression or classification.
 * @param[in]  opts  NULL for the defaults: all metrics.
 * @param[out] cv    Release with mlk_cv_free(). NULL on failure.
 * @retval MLK_EINVAL  An unknown metric or one of another task (metric.h has the texts); folds of
 *                     other rows than data; no target.
 * @retval MLK_ENOMEM
 * @retval MLK_ECANCELLED Unless opts->partial.
 */
mlk_status mlk_cross_validate(const mlk_candidate *candidates, size_t n, const mlk_data *data,
                              const mlk_folds *folds, const mlk_cv_opts *opts, const mlk_run *run,
                              mlk_cv **cv);

size_t mlk_cv_candidates(const mlk_cv *cv); /**< As many as were given. */
/** Values a metric has: the number of splits, or 1 (leave-one-out). */
size_t mlk_cv_splits(const mlk_cv *cv);
size_t mlk_cv_repeats(const mlk_cv *cv); /**< R of the folds. */
/** Tested rows over training rows, the mean of all splits: what the corrected t-test asks for. */
double mlk_cv_ratio(const mlk_cv *cv);
size_t mlk_cv_metrics(const mlk_cv *cv);                     /**< Their number, */
const mlk_metric *mlk_cv_metric(const mlk_cv *cv, size_t m); /**< and which; 0 is the scoring. */
/** Index of the metric with this name; SIZE_MAX: not computed. */
size_t mlk_cv_find(const mlk_cv *cv, const char *name);

/** Value of metric m in each split; NaN where the fit failed or the metric is not defined. */
mlk_cvec mlk_cv_values(const mlk_cv *cv, size_t candidate, size_t m);

/** The same on the training rows; empty unless asked for (and for leave-one-out). */
mlk_cvec mlk_cv_train_values(const mlk_cv *cv, size_t candidate, size_t m);

/** Mean and spread of a metric's values. */
typedef struct mlk_cv_summary {
    double mean;         /**< NaN unless every split has a value. */
    double sd;           /**< Divisor count - 1; NaN for one value. */
    size_t count;        /**< Splits with a value, */
    double partial_mean; /**< and their mean (NaN when there is none). */
} mlk_cv_summary;

/** Mean and spread of metric m. */
mlk_cv_summary mlk_cv_summarise(const mlk_cv *cv, size_t candidate, size_t m);
/** ... on the training rows. */
mlk_cv_summary mlk_cv_summarise_train(const mlk_cv *cv, size_t candidate, size_t m);

/** Why candidate failed in split s (or was not run: "cancelled"); NULL: it did not. */
const char *mlk_cv_failure(const mlk_cv *cv, size_t candidate, size_t s);
/** Seconds of all splits: fits (shared work divided evenly), and predictions of the test rows. */
double mlk_cv_fit_seconds(const mlk_cv *cv, size_t candidate);
double mlk_cv_predict_seconds(const mlk_cv *cv, size_t candidate);

bool mlk_cv_done(const mlk_cv *cv, size_t candidate, size_t s); /**< Was it run to its end? */

/** Out-of-fold predictions of a repeat, one per row; NaN where none. Empty unless kept. */
mlk_cvec mlk_cv_predictions(const mlk_cv *cv, size_t candidate, size_t repeat);
/** ... and class probabilities, rows x n_classes; empty where there are none. */
mlk_cmat mlk_cv_probabilities(const mlk_cv *cv, size_t candidate, size_t repeat);

/** {"scoring","mean","sd","folds":[...],"metrics":{name:{"mean","sd","folds"}}} of a candidate into
 *  the map `to`; failures, where there are any, as "failures":[{"fold","error"}]. */
void mlk_cv_report(const mlk_cv *cv, size_t candidate, mlk_doc *to);
/** Only its "metrics" and "failures". */
void mlk_cv_report_metrics(const mlk_cv *cv, size_t candidate, mlk_doc *to);
void mlk_cv_free(mlk_cv *cv); /**< NULL is allowed. */

MLK_END_DECLS

#endif
