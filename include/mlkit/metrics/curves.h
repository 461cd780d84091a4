#ifndef MLK_METRICS_CURVES_H
#define MLK_METRICS_CURVES_H

#include <mlkit/metrics/metric.h>

/**
 * @file curves.h
 * @brief ROC, precision-recall and calibration curves, and the choice of a threshold.
 *
 * All are of one class against the rest; "positive" is score >= threshold. Rows with equal scores
 * enter together, so a curve does not depend on their order. Cost: one sort, O(n log n).
 */

MLK_BEGIN_DECLS

/** Points of a curve, by descending threshold (calibration: by ascending bin). */
typedef struct mlk_curve {
    size_t n;
    double *x;    /**< ROC: fpr. PR: recall. Calibration: mean predicted probability. */
    double *y;    /**< ROC: tpr. PR: precision. Calibration: observed share. */
    double *z;    /**< ROC, PR: threshold; the first point's is inf. Calibration: weight. */
    void *memory; /**< Released by mlk_curve_free(). */
} mlk_curve;

/**
 * ROC curve of `positive` (1 in a binary task), from (0, 0) to (1, 1); points on a straight line
 * between their neighbours are left out.
 *
 * @param[in]  p          Classification with truth, and scores or probabilities.
 * @param[in]  max_points Thin to about this many points, evenly along the curve; 0: all.
 * @param[out] curve      Empty on failure.
 * @retval MLK_EINVAL     As mlk_metrics_compute(); also when the truth holds one class only.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_roc_curve(const mlk_predictions *p, size_t positive, size_t max_points,
                         mlk_curve *curve);
/** Precision against recall, from (0, 1) to recall 1. MLK_EINVAL when no row is positive. */
mlk_status mlk_pr_curve(const mlk_predictions *p, size_t positive, size_t max_points,
                        mlk_curve *curve);
/** Reliability: rows in `bins` (>= 1) equal intervals of probability; empty ones are left out. */
mlk_status mlk_calibration_curve(const mlk_predictions *p, size_t positive, size_t bins,
                                 mlk_curve *curve);
void mlk_curve_free(mlk_curve *curve); /**< An empty curve is allowed. */

/** A threshold of the positive class's score and what it achieves. */
typedef struct mlk_threshold {
    double threshold; /**< Predict class 1 where score >= threshold; inf: nowhere. */
    double value;     /**< F-beta there, or the mean cost a row. */
} mlk_threshold;

/** The threshold with the largest F-beta (the highest of several). Two classes. MLK_EINVAL when no
 *  row is positive. */
mlk_status mlk_threshold_fbeta(const mlk_predictions *p, double beta, mlk_threshold *best);
/** The threshold with the lowest mean cost; cost[truth][prediction] >= 0. */
mlk_status mlk_threshold_cost(const mlk_predictions *p, const double cost[2][2],
                              mlk_threshold *best);

MLK_END_DECLS

#endif
