#ifndef MLK_PREPROCESS_DRIFT_H
#define MLK_PREPROCESS_DRIFT_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>

/**
 * @file drift.h
 * @brief Have the data moved away from those that a model was trained on?
 *
 * A *profile* keeps of each training column, and of the target, what a later comparison needs: the
 * range of numbers and how many lie between their deciles (of a random sample, beyond 20,000 rows),
 * or how often each level occurs; and the gaps. Some 150 bytes a column, 4 a level.
 *
 * New data are compared column by column. Both parts of a warning must hold: the change matters,
 * and it is not luck, at 1 % over all columns (Bonferroni).
 *
 * - **Range**: at least 1 % of the values lie outside the range of training, or are levels that
 *   training did not know. k of m values outside the range of n exchangeable ones have probability
 *   at most
 *
 *       (k + 1) prod_{i < k} (m - i) / (n + m - i),                                         (1)
 *
 *   and a level is new with probability (s + 1) / (n + 1), s levels having been seen once
 * [good1953].
 * - **Mix**: the population stability index over the cells (deciles or levels, and the gaps),
 *
 *       PSI = sum (q - p) ln (q / p),                                                       (2)
 *
 *   p and q the cell's shares in training and now, is at least 0.2 (by custom, up to 0.1 nothing
 *   has happened, from 0.2 on much has), and the chi-squared test of homogeneity rejects. Cells are
 *   merged until each expects five rows on both sides: deciles with their neighbours, rare levels
 *   with each other and with those that training did not know.
 *
 * Cost: O(n) a column, and a sort of at most 20,000 values.
 */

MLK_BEGIN_DECLS

/** From which PSI, and which share outside the range, on a column is said to drift; at which level
 *  of significance over all columns. */
#define MLK_DRIFT_PSI     0.2
#define MLK_DRIFT_OUTSIDE 0.01
#define MLK_DRIFT_LEVEL   0.01

/** What is kept of training data. Immutable. */
typedef struct mlk_profile mlk_profile;

/**
 * Profile training data: each column of X, then y where there is one. Weights are not looked at.
 *
 * @param[out] profile Release with mlk_profile_free(). NULL on failure.
 * @retval MLK_EINVAL More than 2^32 - 2 rows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_profile_new(const mlk_data *data, const mlk_run *run, mlk_profile **profile);
/** Columns of the profile: those of X, and the target where there was one. */
size_t mlk_profile_cols(const mlk_profile *profile);
void mlk_profile_save(const mlk_profile *profile, mlk_doc *to); /**< Into the map `to`. */
/**
 * The inverse, trusting nothing.
 *
 * @param[in] levels n columns' numbers of levels (0: numeric), the target's classes last if any.
 * @retval MLK_EFORMAT Not what mlk_profile_save() writes for such columns.
 */
mlk_status mlk_profile_load(const mlk_doc *from, const size_t *levels, size_t n,
                            mlk_profile **profile);
void mlk_profile_free(mlk_profile *profile); /**< NULL is allowed. */

/** One column of the new data beside the training's. NaN where there is nothing to compare. */
typedef struct mlk_drift {
    size_t n;                       /**< Values present. */
    double outside;                 /**< Their share outside the range, or of unknown levels. */
    double p_outside;               /**< Bound (1) of its probability, before correction. */
    double low, high;               /**< Range of training; NaN for categories. */
    double missing, missing_before; /**< Share of rows without a value, now and in training. */
    double psi;                     /**< (2) */
    double distance; /**< Total variation of the cells' shares: half the sum of |q - p|. */
    double p_mix;    /**< Of the chi-squared test, before correction. */
    bool left_range, changed_mix;
} mlk_drift;

/**
 * Compare new data with a profile.
 *
 * @param[in]  data   The columns of training; y counts where both have one.
 * @param[in]  names  One per column of the profile, for the warnings to run->warn (at most six
 *                    lines); NULL: no warnings.
 * @param[out] drifts mlk_profile_cols() of them.
 * @retval MLK_EINVAL Another number of columns.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_profile_compare(const mlk_profile *profile, const mlk_data *data,
                               const char *const *names, const mlk_run *run, mlk_drift *drifts);
/** "column", "outside", "missing", "psi" and so on into the map `to`. */
void mlk_drift_report(const mlk_drift *drift, const char *name, mlk_doc *to);

MLK_END_DECLS

#endif
