#ifndef MLK_SELECTION_EXPLAIN_H
#define MLK_SELECTION_EXPLAIN_H

#include <mlkit/metrics/metric.h>
#include <mlkit/model.h>

/**
 * @file explain.h
 * @brief What a fitted model makes of a column, for any model: permutation importance, partial
 *        dependence and individual conditional expectation.
 *
 * Columns are those of the model's X: for a pipeline the raw ones, so that a categorical column
 * counts as one.
 */

MLK_BEGIN_DECLS

/**
 * Permutation importance [breiman2001]: how much worse the scoring gets when column j is shuffled,
 * in the metric's units (positive: the model needs the column). On rows that the model was not
 * fitted on it says what helps to predict; on training rows, what the model uses.
 *
 * @param[in]  model   A regression or classification.
 * @param[in]  data    Rows with a target.
 * @param[in]  scoring Metric; NULL: accuracy, r2.
 * @param[in]  repeats Shuffles of each column, >= 1, a random stream each.
 * @param[out] out     Columns of X x repeats.
 * @retval MLK_EINVAL  Shapes, an unknown metric, or one that is not defined on these rows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED, and what prediction returns.
 */
mlk_status mlk_permutation_importance(const mlk_model *model, const mlk_data *data,
                                      const char *scoring, size_t repeats, int64_t seed,
                                      const mlk_run *run, mlk_mat out);

/**
 * Partial dependence [friedman2001] and ICE curves [goldstein2015]: predictions when column j is
 * set to each of some values in every row.
 *
 * @param[in]  X      Rows to average over.
 * @param[in]  j      Column.
 * @param[in]  values What to set it to (level codes for a categorical column).
 * @param[in]  k      Classification: of this class the probability (where the model gives none, 1
 *                    where it is predicted). Regression: 0.
 * @param[out] mean   One per value: the mean over rows with a prediction; NaN when there is none.
 * @param[out] ice    Rows x values, each row's own curve; {0}: not wanted.
 * @retval MLK_EINVAL Shapes, or no such column or class.
 * @retval MLK_ENOMEM, MLK_ECANCELLED, and what prediction returns.
 */
mlk_status mlk_partial_dependence(const mlk_model *model, mlk_cmat X, size_t j, mlk_cvec values,
                                  size_t k, const mlk_run *run, mlk_vec mean, mlk_mat ice);

MLK_END_DECLS

#endif
