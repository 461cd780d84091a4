#ifndef MLK_DECOMPOSITION_MDS_H
#define MLK_DECOMPOSITION_MDS_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file mds.h
 * @brief Multidimensional scaling: points whose distances are those given.
 *
 * Dissimilarities d_ij are Euclidean distances of the rows, or given (precomputed: X is their n x n
 * matrix, symmetric, zeros on the diagonal, none negative). The map Z (n x k)
 *
 *     classical   minimises || B - Z Z' ||,  B = -1/2 J (d_ij^2) J,  J = I - 11'/n         (1)
 *                 by the k largest eigenpairs of B, Z = V diag(root of lambda) [torgerson1952]. For
 *                 Euclidean distances that is principal component analysis.
 *     smacof      minimises the stress  sum over i < j of (d_ij - |z_i - z_j|)^2           (2)
 *                 by majorisation, Z <- 1/n B(Z) Z [borg2005, sect. 8.6], which never raises it,
 *                 until it falls by no more than the share eps in a step. The best of n_init starts
 *                 is kept: the first is the classical map, the others are random.
 *
 * Signs: of classical Euclidean maps as in pca.h; else each dimension's coordinate of largest
 * magnitude (the first of several) is positive.
 *
 * New points (rows, or with precomputed their dissimilarities to the n rows of the fit): classical
 * by z = 1/2 Lambda^-1 Z' (mean of d^2 - d^2) [gower1968]; smacof by the same majorisation of the
 * point's own stress against the map, which stays as it is, from the place of the nearest row. Rows
 * of the fit get their own coordinates back (smacof: as far as it had converged).
 *
 * residual_variance = 1 - r^2, r the correlation of the d_ij and the distances in the map; of many
 * rows with Euclidean distances (from 1.2e8 / p pairs on) that of evenly spaced rows.
 *
 * Cost: classical O(n p min(n, p)), precomputed O(n^2 k) and 8 n^2 bytes; smacof O(n^2 k) a step.
 */

MLK_BEGIN_DECLS

typedef enum mlk_mds_method { MLK_MDS_CLASSICAL, MLK_MDS_SMACOF } mlk_mds_method;
typedef enum mlk_mds_dissimilarity { MLK_MDS_EUCLIDEAN, MLK_MDS_PRECOMPUTED } mlk_mds_dissimilarity;

/** Hyper-parameters. Start from mlk_mds_opts_default(), then set fields. */
typedef struct mlk_mds_opts {
    int64_t n_components; /**< Dimensions of the map, >= 1. Default 2. */
    int method;           /**< A mlk_mds_method. Default classical. */
    int dissimilarity;    /**< A mlk_mds_dissimilarity. Default euclidean. */
    int64_t n_init;       /**< Starts of smacof, >= 1. Default 4. */
    int64_t max_iter;     /**< Steps of smacof a start, >= 1. Default 300. */
    double eps;           /**< Least fall of the stress, as a share of it, >= 0. Default 1e-6. */
    int64_t seed;         /**< Of the random starts. Default 0. */
} mlk_mds_opts;

/** The defaults named above. */
mlk_mds_opts mlk_mds_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_mds mlk_mds;

/**
 * Minimise (1) or (2).
 *
 * @param[in]  data  X (n x p, finite, n >= 2; precomputed: n x n); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, cancellation and log (a line a step of smacof), or NULL.
 * @param[out] model The fitted model; release it with mlk_mds_free(). NULL on failure.
 * @retval MLK_EINVAL    An option or a value is out of its domain, or has no effect with the
 *                       method; X is no matrix of dissimilarities; classical: the distances span
 *                       fewer dimensions than n_components.
 * @retval MLK_ESINGULAR All rows are equal; distances overflow.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_mds_fit(const mlk_data *data, const mlk_mds_opts *opts, const mlk_run *run,
                       mlk_mds **model);

/** Coordinates of new points: Z (X.rows x k). MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_mds_transform(const mlk_mds *model, mlk_cmat X, const mlk_run *run, mlk_mat Z);

/* What was learned; views live as long as the model. */
mlk_cmat mlk_mds_embedding(const mlk_mds *model);   /**< Z, n x k. */
mlk_cvec mlk_mds_eigenvalues(const mlk_mds *model); /**< lambda, descending; smacof: empty. */
double mlk_mds_stress(const mlk_mds *model);        /**< (2); classical: NaN. */
double mlk_mds_residual_variance(const mlk_mds *model);
mlk_fit_info mlk_mds_info(const mlk_mds *model); /**< smacof: steps of the best start, (2). */
void mlk_mds_free(mlk_mds *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_mds_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
