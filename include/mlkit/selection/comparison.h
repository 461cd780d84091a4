#ifndef MLK_SELECTION_COMPARISON_H
#define MLK_SELECTION_COMPARISON_H

#include <mlkit/core/doc.h>
#include <mlkit/selection/bootstrap.h>
#include <mlkit/selection/compare.h>
#include <mlkit/selection/learning_curve.h>
#include <mlkit/selection/threshold.h>
#include <mlkit/selection/tuned.h>

/**
 * @file comparison.h
 * @brief Many models on one table, side by side: everything that mlkit-compare knows when it has
 *        run.
 *
 * All models, and before them a baseline that looks at no column (the mean of the target, or the
 * shares of the classes), are cross-validated on the same splits by all metrics (cross_validate.h),
 * ranked by the scoring, and tested against the best and against the baseline (compare.h). A model
 * with a search (tuned.h) searches inside each training set: nested cross-validation. A model that
 * fails in some split has no rank; the others go on.
 *
 * Leave-one-out has one value a metric: its interval is that of evaluate.h, and only accuracy and
 * error have a test against the best, McNemar's.
 *
 * The same bytes for any number of threads, seconds aside.
 */

MLK_BEGIN_DECLS

/** Predicts the weighted mean of the targets, or the most frequent class with the classes' shares
 *  as probabilities (mlk_baseline_of()). Not registered: no model file holds it. */
extern const mlk_algo mlk_baseline_algo;

/** A model that takes part. Borrowed: as long as the comparison. */
typedef struct mlk_contender {
    const char *label;                 /**< In tables; NULL: the algorithm's name. */
    const mlk_pipeline_opts *pipeline; /**< Not NULL. */
    const mlk_tuned_opts *tuned;       /**< Its search; NULL: the pipeline as it is. */
} mlk_contender;

/** How. Start from mlk_comparison_opts_default(). */
typedef struct mlk_comparison_opts {
    const char *scoring; /**< Metric that ranks; NULL: accuracy, r2. */
    double beta;         /**< Of fbeta. Default 1. */
    double level;        /**< Of the intervals. Default 0.95. */
    bool partial;        /**< Cancelled: end with what is finished, not MLK_ECANCELLED. */
    bool learning_curve; /**< A learning curve of each model, on the same splits. */
    size_t bootstrap;    /**< Samples for the .632+ error, bias and variance of each; 0: none. */
    int64_t seed;        /**< Of those two. Default 0. */
    const mlk_threshold_rule *threshold; /**< Of two classes: choose one by this; NULL: no. */
    const char *const *classes;          /**< Their names, for notes; NULL: numbers. */
} mlk_comparison_opts;

/** The defaults that are named above. */
mlk_comparison_opts mlk_comparison_opts_default(void);

/** The result. Immutable. */
typedef struct mlk_comparison mlk_comparison;

/**
 * Compare n models; with the baseline, which is model 0 of the result, there are n + 1.
 *
 * @param[in]  opts       NULL for the defaults.
 * @param[out] comparison Release with mlk_comparison_free(). NULL on failure.
 * @retval MLK_EINVAL     As mlk_cross_validate(), mlk_compare().
 * @retval MLK_EUNSUPPORTED A model that is not for this task: "logistic is for classification; the
 *                        target is a number (regression)"; a threshold for other than two
 *                        classes.
 * @retval MLK_ENOMEM
 * @retval MLK_ECANCELLED Unless opts->partial.
 */
mlk_status mlk_comparison_run(const mlk_contender *models, size_t n, const mlk_data *data,
                              const mlk_folds *folds, const mlk_comparison_opts *opts,
                              const mlk_run *run, mlk_comparison **comparison);

/** One model of the result. Pointers live as long as the comparison. */
typedef struct mlk_compared {
    const char *label;                 /**< "baseline" for model 0. */
    const mlk_algo *algo;              /**< mlk_baseline_algo for model 0. */
    const mlk_pipeline_opts *pipeline; /**< NULL for model 0. */
    bool tuned;
    mlk_standing standing; /**< By the scoring; rank 1 is the best, 0: it has none. */
    mlk_test versus_baseline;
    double p_baseline;       /**< Its p-value, with Holm's correction. */
    mlk_test mcnemar;        /**< Classes: with the best, on the first repeat's predictions. */
    size_t finished, failed; /**< Splits with a result, and with a failure; the rest is missing. */
    size_t failed_split;     /**< The first failure, */
    const char *failure;     /**< and its text; NULL: none. */
    double fit_seconds, predict_seconds; /**< Mean of the finished splits. */
    size_t bytes;                        /**< Size of the model of the first split; 0: none. */
    const mlk_score_curve *learning;     /**< NULL: not asked for, or not possible. */
    const mlk_bootstrap_error *bootstrap;
    const mlk_bias_variance *bias_variance;
    const mlk_threshold_choice *threshold; /**< From the first repeat's probabilities. */
} mlk_compared;

size_t mlk_comparison_size(const mlk_comparison *comparison); /**< Models, the baseline included. */
const mlk_compared *mlk_comparison_at(const mlk_comparison *comparison, size_t i);
/** Models in the order of tables: the baseline, then the others by rank, those without one last. */
size_t mlk_comparison_row(const mlk_comparison *comparison, size_t row);
/** The best model but the baseline; SIZE_MAX: none has a rank. */
size_t mlk_comparison_best(const mlk_comparison *comparison);
/** Every value of every metric, the seconds, and the out-of-fold predictions and probabilities of
 *  the first repeat; candidate i is model i, metric 0 the scoring. */
const mlk_cv *mlk_comparison_cv(const mlk_comparison *comparison);
bool mlk_comparison_interrupted(const mlk_comparison *comparison); /**< Cancelled (partial). */
/** Parameters of the algorithm and of the preprocessing, resolved, into the map `to`. */
void mlk_comparison_params(const mlk_comparison *comparison, size_t i, mlk_doc *to);
/** What the search of model i chose in split s: a map; NULL: it does not search, or failed. */
const mlk_doc *mlk_comparison_chosen(const mlk_comparison *comparison, size_t i, size_t s);

/**
 * Fit model i (not the baseline) on all rows.
 *
 * @param[out] model  Release with mlk_model_free(). NULL on failure.
 * @return as mlk_model_fit()
 */
mlk_status mlk_comparison_refit(const mlk_comparison *comparison, size_t i, const mlk_data *data,
                                const mlk_run *run, mlk_model **model);
/** Its pipeline, which model files hold. */
const mlk_model *mlk_comparison_pipeline(const mlk_model *model);

/** "results" and "tests" of the contract into the map `to`. */
void mlk_comparison_report(const mlk_comparison *comparison, mlk_doc *to);
void mlk_comparison_free(mlk_comparison *comparison); /**< NULL is allowed. */

/**
 * Friedman's test over n >= 2 tables with the same models: mean ranks and critical difference of
 * the models that have a rank on each table.
 *
 * @param[out] models   Which they are, ascending: room for mlk_comparison_size(); *k of them.
 * @param[out] friedman Release with mlk_friedman_free(). NULL on failure.
 * @retval MLK_EINVAL   Other models on some table; fewer than two with a rank on each.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_comparison_friedman(const mlk_comparison *const *tables, size_t n, double alpha,
                                   size_t *models, size_t *k, mlk_friedman **friedman);

/**
 * Wilcoxon's signed ranks of the mean scores of models a and b, a minus b, over n tables. Of fewer
 * than six tables p is above 0.05 whatever they say.
 *
 * @param[out] test  As mlk_wilcoxon_test().
 * @retval MLK_EINVAL Other models on some table; no rank on some table.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_comparison_wilcoxon(const mlk_comparison *const *tables, size_t n, size_t a,
                                   size_t b, mlk_test *test);

MLK_END_DECLS

#endif
