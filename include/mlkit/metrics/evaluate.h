#ifndef MLK_METRICS_EVALUATE_H
#define MLK_METRICS_EVALUATE_H

#include <mlkit/core/doc.h>
#include <mlkit/metrics/curves.h>
#include <mlkit/metrics/metric.h>

/**
 * @file evaluate.h
 * @brief Everything that mlkit-eval says about predictions: all metrics with 95 % intervals and
 *        beside a baseline, the confusion matrix, figures per class, curves.
 *
 * Intervals, by the nature of the metric:
 *
 * - proportions (accuracy, error, and precision, recall, specificity of one class or micro): Wilson
 *   (1927);
 * - ROC AUC: DeLong, DeLong and Clarke-Pearson (1988) by sorting (Sun and Xu 2014), on the logit
 *   scale; the macro averages combine the same structural components; average precision likewise
 *   from its influence function. Where the classes are separated without an error: Wilson's bound
 *   for the smallest class;
 * - medae: the order statistics that the bootstrap of a median converges to (Woodruff 1952);
 * - the others (not max_error, for which no bootstrap is valid, and cluster metrics): a seeded
 *   bootstrap with bias correction and acceleration (BCa, Efron 1987), each replicate with a
 *   random stream of its own. Rows are resampled by Poisson counts; many rows are first summed in
 *   random groups, and labels in the cells of the confusion matrix, so the time does not grow
 *   with n. Of errors and losses, Student's quantile for the kurtosis at hand replaces the normal
 *   one. Where no row is taken for a wrong class: from the least that the metric would be with as
 *   many errors in one of the classes as Wilson's bound of its rows allows.
 *
 * Measured coverage: docs/decisions/0004-metric-intervals.md.
 *
 * With weights, the number of rows is Kish's effective one, (sum w)^2 / sum w^2. Intervals take the
 * rows as a random sample; they say nothing about a model that was chosen on them.
 */

MLK_BEGIN_DECLS

/** How to evaluate. Start from mlk_evaluate_opts_default(). */
typedef struct mlk_evaluate_opts {
    double beta;        /**< Of fbeta; > 0, default 1. */
    bool intervals;     /**< Default true. */
    bool curves;        /**< Default true; made where two classes have scores. */
    int64_t replicates; /**< Of the bootstrap, 100..1000000. Default 1000. */
    int64_t seed;       /**< Default 0. */
    size_t max_points;  /**< Of a curve; 0: all. Default 1000. */
    mlk_cvec baseline;  /**< From mlk_baseline_of() of the training targets; empty: of the truth. */
} mlk_evaluate_opts;

/** The defaults stated with each field, which NULL for options means too. */
mlk_evaluate_opts mlk_evaluate_opts_default(void);

/**
 * What the baseline predicts: the weighted mean of y (n_classes 0; `out` has 1 value), or the
 * classes' shares (`out` has n_classes): the most frequent class is its label, the shares are its
 * probabilities.
 */
mlk_status mlk_baseline_of(mlk_cvec y, mlk_cvec w, size_t n_classes, mlk_vec out);

/** The result. Immutable. */
typedef struct mlk_evaluation mlk_evaluation;

/**
 * Evaluate by all metrics that apply (mlk_metric_applies()); those that need what is not given are
 * left out. Each note goes to run->warn as one line, and so does a model that is no better than its
 * baseline by mlk_metric_default().
 *
 * @param[in]  opts NULL for the defaults.
 * @param[out] evaluation Release with mlk_evaluation_free(). NULL on failure.
 * @retval MLK_EINVAL As mlk_metrics_compute(), or an option out of its domain.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_evaluate(const mlk_predictions *p, const mlk_evaluate_opts *opts, const mlk_run *run,
                        mlk_evaluation **evaluation);

/** Number of scores. */
size_t mlk_evaluation_size(const mlk_evaluation *evaluation);
/** The i-th score, in the order of the metric table. */
const mlk_score *mlk_evaluation_at(const mlk_evaluation *evaluation, size_t i);
/** By the metric's name; NULL: not part of it. */
const mlk_score *mlk_evaluation_find(const mlk_evaluation *evaluation, const char *name);
/** Sums of weights, row = truth, column = prediction; empty without predicted classes. */
mlk_cmat mlk_evaluation_confusion(const mlk_evaluation *evaluation);
/** n_classes x 4: precision, recall, f1, support (sum of weights); NaN = 0/0. Empty likewise. */
mlk_cmat mlk_evaluation_per_class(const mlk_evaluation *evaluation);
/** Of class 1 of two; empty (n = 0) when not made. Borrowed. */
mlk_curve mlk_evaluation_roc(const mlk_evaluation *evaluation);
mlk_curve mlk_evaluation_pr(const mlk_evaluation *evaluation);
mlk_curve mlk_evaluation_calibration(const mlk_evaluation *evaluation);

/** Only the "metrics" map (name: value) into the map `to`, for "train", "test" and the like. */
void mlk_evaluation_metrics(const mlk_evaluation *evaluation, mlk_doc *to);
/**
 * All of it, under the contract's names, into the map `to`: metrics, intervals, baseline; with
 * predicted classes confusion_matrix, classes, per_class; with curves those.
 *
 * @param[in] classes n_classes names, or NULL: numbers.
 */
mlk_doc *mlk_evaluation_report(const mlk_evaluation *evaluation, const char *const *classes,
                               mlk_doc *to);
void mlk_evaluation_free(mlk_evaluation *evaluation); /**< NULL is allowed. */

MLK_END_DECLS

#endif
