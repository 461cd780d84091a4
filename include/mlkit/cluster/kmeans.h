#ifndef MLK_CLUSTER_KMEANS_H
#define MLK_CLUSTER_KMEANS_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file kmeans.h
 * @brief k-means clustering.
 *
 * Minimises over k centres c_1..c_k, locally,
 *
 *     F(c) = sum_i s_i min_j || x_i - c_j ||^2                            (1)
 *
 * the inertia, with sample weights s_i (1 where none are given), by Lloyd's rule [lloyd1982]: each
 * row to its nearest centre (the first of several), each centre to the mean of its rows, until no
 * row moves, or the squared moves of all centres together are at most tol times the mean variance
 * of the columns. Bounds on the distances [hamerly2010] skip most of them and change nothing.
 *
 * The best of n_init starts is kept: k-means++ with 2 + log k trials a centre [arthur2007], or k
 * random rows. A cluster that has lost all rows takes over the row that is farthest from its own
 * centre (the first of several); where no row is at any distance it stays where it was.
 *
 * Cost: O(n p k) an iteration at most; memory O(n + k p).
 */

MLK_BEGIN_DECLS

typedef enum mlk_kmeans_init { MLK_KMEANS_PLUS_PLUS, MLK_KMEANS_RANDOM } mlk_kmeans_init;

/** Hyper-parameters. Start from mlk_kmeans_opts_default(), then set fields. */
typedef struct mlk_kmeans_opts {
    int64_t n_clusters; /**< k, from 1 to the number of rows. Default 8. */
    int64_t n_init;     /**< Starts, >= 1. Default 10. */
    int init;           /**< A mlk_kmeans_init. Default k-means++. */
    int64_t max_iter;   /**< Iterations of one start, >= 1. Default 300. */
    double tol;         /**< See above, in [0, inf). Default 1e-4. */
    int64_t seed;       /**< Each start has a stream of its own. Default 0. */
    mlk_cmat start;     /**< k x p centres to start from, once; empty, the default: by init. */
} mlk_kmeans_opts;

/** The defaults named above. */
mlk_kmeans_opts mlk_kmeans_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_kmeans mlk_kmeans;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite), w (n weights, or empty); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, log (a line a start) and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_kmeans_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; k > n; squared distances
 *                    overflow.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_kmeans_fit(const mlk_data *data, const mlk_kmeans_opts *opts, const mlk_run *run,
                          mlk_kmeans **model);

/** The nearest centre's number for each row. MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_kmeans_predict(const mlk_kmeans *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

mlk_cmat mlk_kmeans_centres(const mlk_kmeans *model);       /**< k x p. */
const uint32_t *mlk_kmeans_labels(const mlk_kmeans *model); /**< n, of the training rows. */
double mlk_kmeans_inertia(const mlk_kmeans *model);         /**< (1). */
mlk_fit_info mlk_kmeans_info(const mlk_kmeans *model);      /**< Of the best start. */
void mlk_kmeans_free(mlk_kmeans *model);                    /**< NULL is allowed. */

extern const mlk_algo mlk_kmeans_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
