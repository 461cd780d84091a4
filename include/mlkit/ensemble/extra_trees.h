#ifndef MLK_ENSEMBLE_EXTRA_TREES_H
#define MLK_ENSEMBLE_EXTRA_TREES_H

#include <mlkit/ensemble/forest.h>

/**
 * @file extra_trees.h
 * @brief Extremely randomised trees: forests of random cuts.
 *
 * As forest.h (1), but each node draws one cut for each of the max_features columns it looks at: a
 * threshold uniform between the column's smallest and largest value in the node, or a random subset
 * of the levels present; the best of these cuts splits it [Geurts et al. 2006]. All rows are used
 * unless bootstrap or max_samples say otherwise. Nothing is sorted: O(max_features) a row and
 * level.
 *
 * A fitted model is a mlk_forest.
 */

MLK_BEGIN_DECLS

/** bootstrap = oob_score = false; else as mlk_forest_opts_default(). */
mlk_forest_opts mlk_extra_trees_opts_default(void);

/** As mlk_forest_fit(), with random cuts. */
mlk_status mlk_extra_trees_fit(const mlk_data *data, const mlk_forest_opts *opts,
                               const mlk_run *run, mlk_forest **model);

extern const mlk_algo mlk_extra_trees_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
