#ifndef MLK_SELECTION_THRESHOLD_H
#define MLK_SELECTION_THRESHOLD_H

#include <mlkit/metrics/curves.h>
#include <mlkit/selection/folds.h>

/**
 * @file threshold.h
 * @brief From which probability on a row should count as positive, chosen on out-of-fold
 *        probabilities.
 *
 * A model that predicts the likelier class takes 0.5; where one error costs more than the other, or
 * F-beta is what counts, another threshold is better. The one with the largest F-beta, or the
 * smallest mean cost, is chosen from the probabilities of all rows. Its value there is optimistic,
 * because it was chosen there; the honest one judges each fold by the threshold that the other
 * folds choose.
 */

MLK_BEGIN_DECLS

/** What makes a threshold good. */
typedef struct mlk_threshold_rule {
    bool by_cost;      /**< Smallest mean cost; else largest F-beta. */
    double beta;       /**< > 0 */
    double cost[2][2]; /**< [truth][prediction] >= 0 */
} mlk_threshold_rule;

/** A choice and what it is worth: F-beta, or mean cost. */
typedef struct mlk_threshold_choice {
    double threshold; /**< Positive where probability >= threshold; inf: nowhere. */
    double value;     /**< On the rows that it was chosen on. */
    double honest;    /**< Each fold by the threshold of the others. */
    double at_half;   /**< At 0.5. */
} mlk_threshold_choice;

/**
 * Choose.
 *
 * @param[in]  truth         0 and 1, one a row.
 * @param[in]  probabilities Out-of-fold, rows x 2; a row with NaN is left out.
 * @param[in]  w             Weights, or empty.
 * @param[in]  folds         Whose first repeat they are of.
 * @retval MLK_EINVAL Shapes, a cost or beta out of its domain; no row is positive in some part.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_threshold_choose(mlk_cvec truth, mlk_cmat probabilities, mlk_cvec w,
                                const mlk_folds *folds, const mlk_threshold_rule *rule,
                                mlk_threshold_choice *out);
/** Parse "fbeta", or "cost:FP:FN" (the cost of a false positive and of a false negative).
 * MLK_EINVAL.
 */
mlk_status mlk_threshold_parse(const char *word, double beta, mlk_threshold_rule *rule);

MLK_END_DECLS

#endif
