#ifndef MLK_METRICS_METRIC_H
#define MLK_METRICS_METRIC_H

#include <mlkit/core.h>

/**
 * @file metric.h
 * @brief How good predictions are: the table of all metrics, and their values.
 *
 * A row i has truth y_i, prediction f_i, weight w_i (1 without weights), error e_i = y_i - f_i.
 * W = sum w_i; means are weighted. A row of weight k counts as k equal rows, a row of weight 0
 * not at all.
 *
 * Regression:     mae = mean |e|; mse = mean e^2; rmse = sqrt(mse); medae = median |e|; max_error =
 *                 max |e|; mape = mean |e/y| (a fraction); rae = sum w|e| / sum w|y - mean y|;
 *                 rse = sum w e^2 / sum w (y - mean y)^2; rrse = sqrt(rse); r2 = 1 - rse;
 *                 explained_variance = 1 - var(e) / var(y).
 * Classification: from the confusion matrix C (row: truth, column: prediction). A class's
 *                 precision = TP/(TP+FP), recall = TP/(TP+FN), specificity = TN/(TN+FP), fbeta =
 *                 (1+b^2)TP / ((1+b^2)TP + b^2 FN + FP). Those of class 1 in a binary task; _macro
 * is their mean over classes, _weighted weighs it by the class's share of the truth, _micro sums
 * the counts of all classes first. balanced_accuracy = mean recall of the classes in the truth; mcc
 * as Gorodkin (2004); kappa as Cohen (1960). Probabilities:  log_loss = mean -ln p_i(y_i), with p
 * no smaller than 2^-52 as in scikit-learn; brier = mean (p_i(1) - y_i)^2, for more classes mean
 * sum_c (p_i(c) - [y_i = c])^2. Ranking:        roc_auc = P(s+ > s-) + P(s+ = s-)/2;
 * average_precision = sum over thresholds of (recall gained) x precision; roc_auc_ovr_macro,
 * average_precision_macro = mean over classes, each against the rest; roc_auc_ovo_macro = mean over
 * pairs of classes (Hand and Till 2001). Clustering:     silhouette (Rousseeuw 1987),
 * davies_bouldin (1979), calinski_harabasz (1974); with a truth: ari (Hubert and Arabie 1985), nmi
 * (arithmetic mean), ami (Vinh et al. 2010), homogeneity, completeness, v_measure (Rosenberg and
 * Hirschberg 2007).
 *
 * A metric that the data does not define (0/0, a constant truth, one class) is NaN, with a note
 * that says why. A macro average counts a class whose value is 0/0 as 0, with a note.
 *
 * Cost: O(n) and one confusion matrix for labels, one sort a class column for all ranking metrics,
 * O(n^2 p) for silhouette; beyond 20,000 rows that is the mean of 4e8 / n rows drawn at random,
 * each against all others, with a note. The same bytes for any number of threads.
 */

MLK_BEGIN_DECLS

/** What is judged; the values are those of MLK_REGRESSION ... in model.h. */
typedef enum mlk_metric_task {
    MLK_METRIC_REGRESSION = 1,
    MLK_METRIC_CLASSIFICATION = 2,
    MLK_METRIC_CLUSTERING = 8
} mlk_metric_task;

/** What a metric is computed from; bits of mlk_metric.needs. */
enum {
    MLK_NEEDS_TRUTH = 1,
    MLK_NEEDS_PREDICTED = 2,
    MLK_NEEDS_PROBABILITIES = 4,
    MLK_NEEDS_SCORES = 8, /**< Probabilities serve. */
    MLK_NEEDS_POINTS = 16 /**< The rows themselves: cluster metrics without a truth. */
};

/** For how many classes a metric is reported. */
typedef enum mlk_metric_classes {
    MLK_CLASSES_ANY,    /**< For any number (and where there are no classes). */
    MLK_CLASSES_BINARY, /**< Of the positive class: two classes only. */
    MLK_CLASSES_MANY /**< An average over classes: reported for three or more, computable for 2. */
} mlk_metric_classes;

/** A metric: what --scoring, tables, JSON and --help know about it. */
typedef struct mlk_metric {
    const char *name; /**< As the contract spells it: "roc_auc". */
    const char *help; /**< One line. */
    mlk_metric_task task;
    unsigned needs;
    mlk_metric_classes classes;
    bool greater_is_better;
    double least, greatest; /**< What values can be: 0 and 1 of a share. */
} mlk_metric;

/** The i-th metric in the contract's order; NULL behind the last. */
const mlk_metric *mlk_metric_at(size_t i);

/**
 * The metric of this name for a task with n_classes classes (0: unknown, any will do).
 *
 * @param[out] metric NULL on failure.
 * @retval MLK_EINVAL "unknown metric 'acuracy'; did you mean 'accuracy'?", "metric 'r2' is for
 *                    regression", "metric 'f1' is for two classes, not 3; see 'f1_macro'".
 */
mlk_status mlk_metric_find(const char *name, mlk_metric_task task, size_t n_classes,
                           const mlk_metric **metric);

/** What --scoring is when not given: r2, accuracy, silhouette. */
const mlk_metric *mlk_metric_default(mlk_metric_task task);

/** Truth and predictions of n rows. Fields that are not there stay zero. */
typedef struct mlk_predictions {
    mlk_metric_task task;
    size_t n_classes;   /**< Classification: >= 2. */
    mlk_cvec truth;     /**< Values, or class numbers 0..n_classes-1; clustering: any integers. */
    mlk_cvec predicted; /**< Likewise. Clustering: cluster numbers; noise (-1) is one more cluster
                             (leave it out by weight 0). */
    mlk_cmat
        probabilities; /**< n x n_classes; for two classes also n x 1, of class 1. In [0, 1]. */
    mlk_cmat scores;   /**< Decision values: n x 1 (two classes, high = class 1) or n x n_classes.
                            They rank the rows of two classes where given, else the probabilities
                            do; of more classes the probabilities where given, else they do. */
    mlk_cvec w;        /**< Weights >= 0. */
    mlk_cmat X;        /**< Clustering: the rows that were clustered. */
    const char *const *classes; /**< Names for notes and reports; NULL: numbers. */
} mlk_predictions;

/** Can these scores be probabilities: all in [0, 1], and rows of several columns sum to 1 (+-
 * 0.01)? */
bool mlk_are_probabilities(mlk_cmat scores);

/** Is this metric one of those to report for p: task and classes fit, and what it needs is there?
 */
bool mlk_metric_applies(const mlk_metric *metric, const mlk_predictions *p);

/** A metric's value and what belongs to it; NaN where not asked for, or not defined. */
typedef struct mlk_score {
    const mlk_metric *metric;
    double value;
    double low, high; /**< Confidence interval (evaluate.h). */
    double baseline;  /**< Of the baseline (evaluate.h). */
    char note[128];   /**< Why the value is NaN, or what to know about it; "" = nothing. */
} mlk_score;

/**
 * Values of some metrics, sharing their work.
 *
 * @param[in]  p         What to judge.
 * @param[in]  metrics   n_metrics of them (mlk_metric_find()).
 * @param[in]  beta      Of fbeta, > 0.
 * @param[in]  run       Threads, cancellation; or NULL.
 * @param[out] scores    n_metrics scores: metric, value and note; the rest NaN.
 * @retval MLK_EINVAL    Shapes, a class number, probability, weight or value out of its domain;
 *                       a metric of another task, or what it needs is not given.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_metrics_compute(const mlk_predictions *p, const mlk_metric *const *metrics,
                               size_t n_metrics, double beta, const mlk_run *run,
                               mlk_score *scores);

/** Silhouette value of each row (0 in a cluster of its own); `out` has n values. Needs X,
 * predicted. MLK_EINVAL also for fewer than two clusters. */
mlk_status mlk_silhouette_samples(const mlk_predictions *p, const mlk_run *run, mlk_vec out);

MLK_END_DECLS

#endif
