#ifndef MLK_CLUSTER_DBSCAN_H
#define MLK_CLUSTER_DBSCAN_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file dbscan.h
 * @brief Density-based clustering.
 *
 * With N(x) = { j : || x - x_j ||^2 <= eps^2 } and sample weights s_j (1 where none are given), row
 * i is a core point [ester1996, definition 2] if
 *
 *     sum_{j in N(x_i)} s_j >= min_samples                                (1)
 *
 * which counts the row itself. Clusters are the connected components of the core points, any two of
 * them within eps joined; they are numbered from 0 by their first core points. Another row belongs
 * to the cluster of lowest number that has a core point within eps of it, as in the sequential
 * algorithm, and is noise, -1, where there is none. New rows are judged by that last rule too, so
 * predictions of the training rows are their labels.
 *
 * A k-d tree answers the radius queries, components are joined by union-find: O(n log n + n m) for
 * m neighbours a row in few dimensions, O(n^2 p) at worst; memory O(n p) a thread.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_dbscan_opts_default(), then set fields. */
typedef struct mlk_dbscan_opts {
    double eps;          /**< Radius, > 0. Default 0.5. */
    int64_t min_samples; /**< Of (1), >= 1. Default 5. */
} mlk_dbscan_opts;

/** The defaults named above. */
mlk_dbscan_opts mlk_dbscan_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_dbscan mlk_dbscan;

/**
 * Find the clusters. Warns where there is none.
 *
 * @param[in]  data  X (n x p, finite), w (n weights, or empty); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_dbscan_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_dbscan_fit(const mlk_data *data, const mlk_dbscan_opts *opts, const mlk_run *run,
                          mlk_dbscan **model);

/** The cluster of each row, or -1. MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_dbscan_predict(const mlk_dbscan *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

size_t mlk_dbscan_n_clusters(const mlk_dbscan *model);     /**< Without the noise. */
const int32_t *mlk_dbscan_labels(const mlk_dbscan *model); /**< Of the training rows. */
const uint32_t *mlk_dbscan_core(const mlk_dbscan *model);  /**< Core rows, ascending. */
size_t mlk_dbscan_n_core(const mlk_dbscan *model);         /**< Their number. */
void mlk_dbscan_free(mlk_dbscan *model);                   /**< NULL is allowed. */

extern const mlk_algo mlk_dbscan_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
