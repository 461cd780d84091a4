#ifndef MLK_CLUSTER_AGGLOMERATIVE_H
#define MLK_CLUSTER_AGGLOMERATIVE_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file agglomerative.h
 * @brief Hierarchical clustering from the rows upwards.
 *
 * Each row begins as a cluster; the two nearest are merged, n - 1 times, by the distance of
 *
 *     single    min || x - y ||          complete  max || x - y ||
 *     average   mean || x - y ||         over x in A, y in B
 *     ward      sqrt(2 |A| |B| / (|A| + |B|)) || mean A - mean B ||       (1)
 *
 * as R's hclust on dist() ("ward.D2" for Ward) and SciPy's linkage(). Merge t, numbered n + t,
 * joins clusters merges[t] (rows are 0..n-1), the lower number first, at distances[t], which never
 * decreases. The last n_clusters - 1 merges are undone for the labels, clusters numbered by their
 * first rows. A new row belongs to the cluster of its nearest training row, so predictions of the
 * training rows are their labels (where no two equal rows are in different clusters).
 *
 * Ties: a cluster looks for its nearest by following a chain of nearest neighbours [murtagh1983];
 * of several at equal distance it takes the chain's previous one, else the one with the lowest
 * first row. The tree is one of those that "the two nearest are merged" allows, if need not be the
 * one that another program takes. Merges at equal distances stand in the order in which they were
 * found.
 *
 * Single: Prim's minimum spanning tree, O(n^2 p) time, O(n p) memory. Ward: the chain over
 * centroids, O(n^2 p), O(n p). Complete and average: the chain over the distances, O(n^2 p), with
 * n (n - 1) / 2 of them in memory.
 */

MLK_BEGIN_DECLS

typedef enum mlk_linkage {
    MLK_LINKAGE_WARD,
    MLK_LINKAGE_SINGLE,
    MLK_LINKAGE_COMPLETE,
    MLK_LINKAGE_AVERAGE
} mlk_linkage;

/** Hyper-parameters. Start from mlk_agglomerative_opts_default(), then set fields. */
typedef struct mlk_agglomerative_opts {
    int64_t n_clusters; /**< Of the labels, from 1 to the number of rows. Default 8. */
    int linkage;        /**< A mlk_linkage. Default Ward. */
} mlk_agglomerative_opts;

/** The defaults named above. */
mlk_agglomerative_opts mlk_agglomerative_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_agglomerative mlk_agglomerative;

/**
 * Build the tree and cut it.
 *
 * @param[in]  data  X (n x p, finite); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_agglomerative_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; n_clusters > n; squared
 *                    distances overflow.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_agglomerative_fit(const mlk_data *data, const mlk_agglomerative_opts *opts,
                                 const mlk_run *run, mlk_agglomerative **model);

/** The cluster of the nearest training row (the first of several). MLK_EINVAL, MLK_ENOMEM,
 *  MLK_ECANCELLED. */
mlk_status mlk_agglomerative_predict(const mlk_agglomerative *model, mlk_cmat X, const mlk_run *run,
                                     mlk_vec out);

size_t mlk_agglomerative_n_rows(const mlk_agglomerative *model);          /**< n. */
const uint32_t *mlk_agglomerative_labels(const mlk_agglomerative *model); /**< n. */
/** (n - 1) x 2, row-major. */
const uint32_t *mlk_agglomerative_merges(const mlk_agglomerative *model);
/** n - 1, ascending. */
mlk_cvec mlk_agglomerative_distances(const mlk_agglomerative *model);
void mlk_agglomerative_free(mlk_agglomerative *model); /**< NULL is allowed. */

extern const mlk_algo mlk_agglomerative_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
