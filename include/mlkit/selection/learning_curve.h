#ifndef MLK_SELECTION_LEARNING_CURVE_H
#define MLK_SELECTION_LEARNING_CURVE_H

#include <mlkit/selection/search.h>

/**
 * @file learning_curve.h
 * @brief The score against the number of training rows (would more data help?), and against a
 *        parameter (too simple, or too complex?).
 *
 * Both are cross-validated and report the score on the training rows beside that on the test rows.
 * A learning curve trains on nested random parts of each split's training rows, classes in
 * proportion; test rows are always all of the fold's.
 */

MLK_BEGIN_DECLS

/** Scores over splits at each of n points. Release with mlk_score_curve_free(). */
typedef struct mlk_score_curve {
    const mlk_metric *metric;
    size_t n;
    double *x;                     /**< Training rows (their mean), or the point's number from 0. */
    double *train_mean, *train_sd; /**< NaN unless every split has a value. */
    double *test_mean, *test_sd;
    void *memory;
} mlk_score_curve;

/**
 * Score against training rows.
 *
 * @param[in]  shares  n shares of the training rows, in (0, 1], ascending; NULL: 0.1, 0.2, ... 1
 *                     (n = 10).
 * @param[in]  scoring Metric; NULL: accuracy, r2.
 * @param[out] curve   Empty on failure.
 * @retval MLK_EINVAL As mlk_cross_validate(), or a share out of its domain.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_learning_curve(const mlk_candidate *candidate, const mlk_data *data,
                              const mlk_folds *folds, const double *shares, size_t n,
                              const char *scoring, int64_t seed, const mlk_run *run,
                              mlk_score_curve *curve);

/** Score against the candidates of a grid, in its order. */
mlk_status mlk_validation_curve(const mlk_grid *grid, const mlk_data *data, const mlk_folds *folds,
                                const char *scoring, const mlk_run *run, mlk_score_curve *curve);

/** {"metric","x","train":{"mean","sd"},"test":{"mean","sd"}} into the map `to`. */
void mlk_score_curve_report(const mlk_score_curve *curve, mlk_doc *to);
void mlk_score_curve_free(mlk_score_curve *curve); /**< An empty curve is allowed. */

MLK_END_DECLS

#endif
