#ifndef MLK_MODEL_CALIBRATION_H
#define MLK_MODEL_CALIBRATION_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file calibration.h
 * @brief Class probabilities from the decision values of any classifier.
 *
 * Each decision value f gets a map to the probability of the class (of the two) that it speaks for,
 * learned from rows that the classifier had not seen:
 *
 *     sigmoid   1 / (1 + exp(A f + B)), A and B of greatest likelihood, with targets
 *               (N+ + 1) / (N+ + 2) and 1 / (N- + 2) [Platt 1999], by Newton's method in the form
 *               that neither overflows nor cancels [Lin, Lin and Weng 2007]
 *     isotonic  the non-decreasing function of least squares (pool adjacent violators), linear
 *               between its steps, constant beyond the values seen
 *
 * Two classes: one value. A value a class: the maps' probabilities, divided by their sum. A value a
 * pair: pairwise coupling, the p that minimises sum over i != j of (r_ji p_i - r_ij p_j)^2 with
 * sum p = 1 [Wu, Lin and Weng 2004, second method].
 */

MLK_BEGIN_DECLS

typedef enum mlk_calibration_kind {
    MLK_CALIBRATION_SIGMOID,
    MLK_CALIBRATION_ISOTONIC
} mlk_calibration_kind;

/** What the columns of decision values stand for. */
typedef enum mlk_decision_layout {
    MLK_DECISIONS_BINARY, /**< One, positive for class 1. */
    MLK_DECISIONS_CLASS,  /**< One a class, positive for it. */
    MLK_DECISIONS_PAIR    /**< Pairs (0|1), (0|2), ..., (1|2), ..., positive for the first. */
} mlk_decision_layout;

typedef struct mlk_calibrator mlk_calibrator; /**< Immutable. */

/**
 * Learn the maps from decision values of rows that the classifier had not seen.
 *
 * @param[in]  decisions n x (1, k or k (k - 1) / 2).
 * @param[in]  y         n class numbers 0..k-1.
 * @param[in]  w         n weights or empty.
 * @param[out] out       Release with mlk_calibrator_free(). NULL on failure.
 * @retval MLK_EINVAL Shapes that do not fit together.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_calibrator_fit(mlk_cmat decisions, mlk_cvec y, mlk_cvec w, size_t k,
                              mlk_decision_layout layout, mlk_calibration_kind kind,
                              mlk_calibrator **out);

/** How decision values of unseen rows are made. */
typedef struct mlk_calibrator_opts {
    mlk_decision_layout layout;
    mlk_calibration_kind kind;
    size_t folds;     /**< >= 2; as many as the smallest class has rows, if that is less. */
    int64_t seed;     /**< Of the folds. */
    bool precomputed; /**< X is a kernel matrix: columns follow the rows. */
} mlk_calibrator_opts;

/**
 * Learn the maps for algo with its options on data: by stratified folds, each fitted on the others.
 * Where a class has a single row (of positive weight), values of a fit on all rows have to do, and
 * run->warn is told. The same statuses as the algorithm's fit.
 */
mlk_status mlk_calibrator_fit_algo(const mlk_algo *algo, const void *algo_opts,
                                   const mlk_data *data, const mlk_calibrator_opts *opts,
                                   const mlk_run *run, mlk_calibrator **out);

/** Probabilities of the rows' classes (n x k, rows summing to 1) from their decision values. */
mlk_status mlk_calibrator_proba(const mlk_calibrator *c, mlk_cmat decisions, const mlk_run *run,
                                mlk_mat out);

/** p (k values) from r (k x k, r[i, j] the probability of i against j, in (0, 1)). */
void mlk_couple_pairs(size_t k, const double *r, double *p);

/** All that mlk_calibrator_load() needs, into the map `to`. */
void mlk_calibrator_save(const mlk_calibrator *c, mlk_doc *to);
/** MLK_EFORMAT: not a calibrator of k classes and this layout. */
mlk_status mlk_calibrator_load(const mlk_doc *from, size_t k, mlk_decision_layout layout,
                               mlk_calibrator **out);
/** A and B of the map of decision value m, or false: isotonic. */
bool mlk_calibrator_sigmoid(const mlk_calibrator *c, size_t m, double *A, double *B);
void mlk_calibrator_free(mlk_calibrator *c); /**< NULL is allowed. */

MLK_END_DECLS

#endif
