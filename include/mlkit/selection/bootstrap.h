#ifndef MLK_SELECTION_BOOTSTRAP_H
#define MLK_SELECTION_BOOTSTRAP_H

#include <mlkit/selection/cross_validate.h>

/**
 * @file bootstrap.h
 * @brief What resampling the rows says about an algorithm: its error (.632 and .632+), and how much
 *        of it is bias, how much variance.
 *
 * B bootstrap samples of n rows are drawn with replacement, a random stream each, and the algorithm
 * is fitted on each. Loss L is (y - f)^2 for regression and [y != f] for classes. Rows' weights go
 * to the fits, not to the averages.
 *
 * **Error** [efron1997]. err: mean loss on the training rows of the fit on all rows. err1: mean
 * over rows of the mean loss of the fits that did not draw the row. gamma: mean loss if truth and
 * prediction were independent. Then
 *
 *     e632 = 0.368 err + 0.632 err1                                       (1)
 *     R = (err1 - err) / (gamma - err) in [0, 1],  w = 0.632 / (1 - 0.368 R),
 *     e632+ = (1 - w) err + w min(err1, gamma)                            (2)
 *
 * **Bias and variance.** Over the fits b that may judge row i, regression:
 *
 *     mean_b L = noise + bias2 + variance,  variance = mean_b (f_b - mean f)^2,
 *
 * where noise is (y - t)^2 and bias2 what is left, about (t - mean f)^2, if the noiseless target t
 * is known; else noise = 0 and bias2 = (y - mean f)^2. Classes [domingos2000]: bias = [y != main],
 * main the most frequent prediction (the lowest class of several); variance = P_b(f_b != main);
 *
 *     mean_b L = bias + variance_unbiased - variance_biased,              (3)
 *
 * the first from rows without bias, the second P_b(f_b = y) of rows with it.
 */

MLK_BEGIN_DECLS

/** How. Start from mlk_bootstrap_opts_default(). */
typedef struct mlk_bootstrap_opts {
    size_t replicates; /**< B, >= 2. Default 100. */
    int64_t seed;      /**< Default 0. */
} mlk_bootstrap_opts;

/** The defaults that are named above. */
mlk_bootstrap_opts mlk_bootstrap_opts_default(void);

/** Estimates of the expected loss. */
typedef struct mlk_bootstrap_error {
    double apparent;        /**< err */
    double out_of_bag;      /**< err1 */
    double no_information;  /**< gamma */
    double e632, e632_plus; /**< (1), (2) */
    double overfitting;     /**< R */
    double se;              /**< Standard error of err1, by the delta-method after bootstrap. */
} mlk_bootstrap_error;

/**
 * @retval MLK_EINVAL  No target; replicates < 2; a row that every sample drew (more replicates
 *                     help). Otherwise as the algorithm's fit; the first failing one's.
 * @retval MLK_ENOMEM  n x B predictions are kept.
 * @retval MLK_ECANCELLED
 */
mlk_status mlk_bootstrap_estimate(const mlk_candidate *candidate, const mlk_data *data,
                                  const mlk_bootstrap_opts *opts, const mlk_run *run,
                                  mlk_bootstrap_error *out);

/** Means over rows. For classes `bias2` is the bias, `variance` its net effect on the error. */
typedef struct mlk_bias_variance {
    double error, noise, bias2, variance;      /**< error = noise + bias2 + variance */
    double variance_unbiased, variance_biased; /**< Of (3); NaN for regression. */
} mlk_bias_variance;

/**
 * Decompose the error.
 *
 * @param[in] test      Rows to judge on, by all fits; NULL: those of data, each by the fits that
 * did not draw it.
 * @param[in] noiseless Targets of those rows without noise, or empty.
 * @retval as mlk_bootstrap_estimate(), and MLK_EINVAL for shapes that do not match.
 */
mlk_status mlk_bias_variance_estimate(const mlk_candidate *candidate, const mlk_data *data,
                                      const mlk_data *test, mlk_cvec noiseless,
                                      const mlk_bootstrap_opts *opts, const mlk_run *run,
                                      mlk_bias_variance *out);

/** The error and its decomposition on data's own rows, from the same fits; `parts` may be NULL.
 *  @retval as mlk_bootstrap_estimate(). */
mlk_status mlk_bootstrap_study(const mlk_candidate *candidate, const mlk_data *data,
                               const mlk_bootstrap_opts *opts, const mlk_run *run,
                               mlk_bootstrap_error *error, mlk_bias_variance *parts);

MLK_END_DECLS

#endif
