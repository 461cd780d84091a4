#ifndef MLK_NEIGHBORS_KNN_H
#define MLK_NEIGHBORS_KNN_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file knn.h
 * @brief k nearest neighbours, for classes and for numbers.
 *
 * With the k training rows N(x) nearest to x by the Minkowski distance
 * d(a, b) = (sum_j |a_j - b_j|^p)^(1/p) (p = inf: the largest difference), or by the Mahalanobis
 * distance d(a, b) = ((a - b)'S^-1 (a - b))^(1/2) with the covariance S of the training rows,
 *
 *     f(x) = sum_{i in N(x)} u_i y_i / sum_{i in N(x)} u_i                (1)
 *
 * for numbers, and for classes P(k | x) is (1) with the indicator of class k in place of y; the
 * class of the largest share wins. u_i = 1 (uniform) or 1 / d(x, x_i) (distance; neighbours at
 * distance 0, if any, count alone and equally) [hastie2009, sect. 13.3].
 *
 * Neighbours are exact, whatever finds them, and ordered by distance. Of training rows at equal
 * distance the first ones in the training table are taken, so where a tie straddles the k-th place
 * the answer depends on the order of the rows. Of classes with equal shares the lowest wins.
 *
 * The Mahalanobis distance is Euclidean in coordinates W'x with W W' = S^-1, from the singular
 * values of the centred rows; a generalised inverse, and a warning, where columns depend on others.
 *
 * Methods: brute compares every row, Euclidean distances by matrix products in single precision
 * that leave few rows to be measured again in double; kd_tree descends a tree of boxes
 * [friedman1977]. auto tries a tree where there are 256 rows or more (and for Euclidean distances
 * at most 100 columns), and keeps it if searches from some of the rows look at few enough of the
 * others for it to be faster; so rows near a surface of few dimensions get a tree whatever their
 * columns. Cost: a copy of X; a query O(n p), by the tree O(p log n) where dimensions are few.
 */

MLK_BEGIN_DECLS

typedef enum mlk_knn_weights { MLK_KNN_UNIFORM, MLK_KNN_DISTANCE } mlk_knn_weights;
typedef enum mlk_knn_algorithm { MLK_KNN_AUTO, MLK_KNN_BRUTE, MLK_KNN_KD_TREE } mlk_knn_algorithm;

typedef enum mlk_knn_metric { MLK_KNN_MINKOWSKI, MLK_KNN_MAHALANOBIS } mlk_knn_metric;

/** Hyper-parameters. Start from mlk_knn_opts_default(), then set fields. */
typedef struct mlk_knn_opts {
    int64_t n_neighbors; /**< k, from 1 to the number of training rows. Default 5. */
    int weights;         /**< A mlk_knn_weights. Default uniform. */
    double p;            /**< Of the distance, >= 1; INFINITY: the largest difference. Default 2. */
    int algorithm;       /**< A mlk_knn_algorithm; no effect on the result. Default auto. */
    int metric;          /**< A mlk_knn_metric; mahalanobis takes p = 2 alone. Default minkowski. */
} mlk_knn_opts;

/** The defaults named above. */
mlk_knn_opts mlk_knn_opts_default(void);

/** A fitted model: the training rows and an index over them. Immutable. */
typedef struct mlk_knn mlk_knn;

/**
 * Store and index the training rows.
 *
 * @param[in]  data  X (n x p, finite), y (n finite targets; class numbers where n_classes > 0).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_knn_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; k > n.
 * @retval MLK_ESINGULAR Mahalanobis: no column varies, or a variance overflows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_knn_fit(const mlk_data *data, const mlk_knn_opts *opts, const mlk_run *run,
                       mlk_knn **model);

/** Values or class numbers, X.rows of them. MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_knn_predict(const mlk_knn *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** Shares of the classes, X.rows x n_classes; MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_knn_predict_proba(const mlk_knn *model, mlk_cmat X, const mlk_run *run, mlk_mat out);

/**
 * The k nearest training rows of each row of X, nearest first.
 *
 * @param[in]  k         1..training rows.
 * @param[out] rows      X.rows x k row numbers.
 * @param[out] distances X.rows x k.
 */
mlk_status mlk_knn_neighbours(const mlk_knn *model, mlk_cmat X, size_t k, const mlk_run *run,
                              size_t *rows, double *distances);

/**
 * Leave-one-out predictions for several choices at once: column j holds for each row what opts[j]
 * says with that row left out. The neighbours are searched once for all choices that agree on p.
 *
 * @param[in]  data As for mlk_knn_fit().
 * @param[out] out  X.rows x n_opts.
 * @retval MLK_EINVAL Some k > n - 1, or as for mlk_knn_fit().
 * @retval MLK_EUNSUPPORTED metric = mahalanobis: its covariance changes with each row left out.
 */
mlk_status mlk_knn_loo(const mlk_data *data, const mlk_knn_opts *const *opts, size_t n_opts,
                       const mlk_run *run, mlk_mat out);

void mlk_knn_free(mlk_knn *model); /**< NULL is allowed. */

extern const mlk_algo mlk_knn_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
