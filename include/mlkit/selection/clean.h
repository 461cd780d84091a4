#ifndef MLK_SELECTION_CLEAN_H
#define MLK_SELECTION_CLEAN_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file clean.h
 * @brief Rows whose target other rows contradict: noise to look at, or to leave out.
 *
 * - enn (edited nearest neighbours) [wilson1972]: a row is suspect where the majority of its k
 *   nearest other rows are of another class. Distances are those of knn with its own preprocessing
 *   (columns to variance 1), learned on all rows; ties as there. Classes only.
 * - cv (the classification filter of [brodley1999]): each row is predicted by the algorithm itself,
 *   fitted on the folds that it is not in. A row is suspect where the class predicted is not its
 *   own; for numbers, where the residual is more than 3.5 robust standard deviations (1.4826 times
 *   the median absolute deviation) from the median residual.
 *
 * What is suspect is not wrong for that: rows near a boundary are too. Judge a model that was
 * fitted without them on rows that were not cleaned.
 *
 * Cost: one search for k neighbours of each row; or as many fits as folds.
 */

MLK_BEGIN_DECLS

typedef enum mlk_clean_method { MLK_CLEAN_ENN, MLK_CLEAN_CV } mlk_clean_method;

/** How. Start from mlk_clean_opts_default(). */
typedef struct mlk_clean_opts {
    mlk_clean_method method; /**< Default enn. */
    size_t neighbours;       /**< enn: k >= 1. Default 3. */
    const mlk_algo *algo;    /**< cv: what predicts (a pipeline where X is raw). */
    const void *algo_opts;   /**< cv: its options; NULL: defaults. */
    size_t folds;            /**< cv: >= 2. Default 10; the rows, where there are fewer. */
    int64_t seed;            /**< cv: of the folds. Default 0. */
} mlk_clean_opts;

/** The defaults that are named above. */
mlk_clean_opts mlk_clean_opts_default(void);

/** A suspect row. */
typedef struct mlk_suspect {
    size_t row;
    double truth, predicted; /**< Class numbers, or values. */
    double deviations;       /**< Of a residual, in robust standard deviations; NaN for classes. */
} mlk_suspect;

/** Suspect rows in their order. Immutable. */
typedef struct mlk_suspects mlk_suspects;

/**
 * Find the suspect rows.
 *
 * @param[in]  data A target is needed; rows as they are (raw where the algorithm is a pipeline).
 * @param[in]  opts NULL for the defaults.
 * @param[in]  run  Threads, warnings and cancellation, or NULL.
 * @param[out] out  Release with mlk_suspects_free(). NULL on failure.
 * @retval MLK_EINVAL Not more rows than neighbours; enn without classes; no target.
 * @retval MLK_ENOMEM, MLK_ECANCELLED, and what fits and predictions return.
 */
mlk_status mlk_clean_find(const mlk_data *data, const mlk_clean_opts *opts, const mlk_run *run,
                          mlk_suspects **out);

size_t mlk_suspects_count(const mlk_suspects *suspects);             /**< Their number. */
mlk_suspect mlk_suspects_at(const mlk_suspects *suspects, size_t i); /**< i < count. */
void mlk_suspects_free(mlk_suspects *suspects);                      /**< NULL is allowed. */

MLK_END_DECLS

#endif
