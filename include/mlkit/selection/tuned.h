#ifndef MLK_SELECTION_TUNED_H
#define MLK_SELECTION_TUNED_H

#include <mlkit/selection/search.h>

/**
 * @file tuned.h
 * @brief A pipeline that chooses its own parameters, as one algorithm; nested cross-validation is
 *        the cross-validation of it.
 *
 * Fit searches the grid by cross-validation on the rows it is given and nothing else, then fits the
 * best candidate on all of them. Cross-validated in turn, its score is that of the whole procedure:
 * the search is repeated inside each training set, so that its optimism stays there [varma2006].
 */

MLK_BEGIN_DECLS

/** Options; borrowed pointers. */
typedef struct mlk_tuned_opts {
    const mlk_pipeline_opts *base; /**< What is tuned; not NULL. */
    const mlk_grid *grid;          /**< NULL: mlk_grid_auto() of base on the training rows, */
    const char *const *fixed;      /**< ... without these parameters. */
    mlk_folds_opts folds;          /**< Of the search; groups do not reach it. */
    mlk_search_opts search;
} mlk_tuned_opts;

/** Grid by mlk_grid_auto(), 5 shuffled folds, the whole grid. */
mlk_tuned_opts mlk_tuned_opts_default(const mlk_pipeline_opts *base);

/** Its opts are a mlk_tuned_opts. Save mlk_tuned_inner(), not the model itself. */
extern const mlk_algo mlk_tuned_algo;

const mlk_model *mlk_tuned_inner(const mlk_model *tuned); /**< The pipeline fitted last. */
const mlk_doc *mlk_tuned_chosen(const mlk_model *tuned);  /**< Its tuned parameters: a map. */

/**
 * The documented default grid of an algorithm (docs/selection.md: --tune auto), in specs of
 * mlk_grid_new(); for lasso and elastic-net the alphas come from the data. An algorithm without
 * one: a single candidate, base itself.
 *
 * @param[in]  fixed Names of parameters that keep base's value, NULL behind the last; NULL: none.
 * @param[in]  data  What alphas are chosen from.
 * @param[out] grid  Release with mlk_grid_free(). NULL on failure.
 * @retval as mlk_grid_new(), and what the algorithm's path returns.
 */
mlk_status mlk_grid_auto(const mlk_pipeline_opts *base, const char *const *fixed,
                         const mlk_data *data, const mlk_run *run, mlk_grid **grid);
/** Is there anything in the default grid of this algorithm but the fixed parameters? */
bool mlk_grid_auto_any(const char *algorithm, const char *const *fixed);
/** Its specs without those that come from the data: i-th text, NULL behind the last. */
const char *mlk_grid_auto_spec(const char *algorithm, size_t i);

MLK_END_DECLS

#endif
