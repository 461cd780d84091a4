#ifndef MLK_SELECTION_CLUSTERINGS_H
#define MLK_SELECTION_CLUSTERINGS_H

#include <mlkit/selection/search.h>

/**
 * @file clusterings.h
 * @brief How many clusters? Candidates of a grid fitted on all rows, side by side, and one chosen.
 *
 * Everything is measured in the design, that is after preprocessing, where the clusters were
 * sought. With mu_c the mean of the rows labelled c (noise left out) and s_i their weights,
 *
 *     W = sum_c sum_{i in c} s_i || x_i - mu_c ||^2                       (1)
 *
 * is the inertia of a clustering, whatever model made it. The rules (scoring):
 *
 * - silhouette, calinski_harabasz: the largest; davies_bouldin: the smallest (metric.h).
 * - bic, aic: the smallest; of models that have them (gmm).
 * - gap [tibshirani2001]: Gap(k) = mean of log W* over reference sets - log W. Reference rows are
 *   uniform over the box of the design's principal components (their variant b). With s(k) the
 *   standard deviation of log W* times sqrt(1 + 1/B), the smallest k with Gap(k) >= Gap(k') -
 *   s(k') for the next larger k' of the grid is chosen; where there is none, the largest gap.
 * - elbow: the k whose point (k, W) lies farthest below the straight line from the smallest k to
 * the largest, both axes scaled to [0, 1].
 *
 * gap and elbow are for grids over n_clusters alone. Of equals the first in the order of the grid
 * is chosen. The gap costs n_references more fits of each candidate; agglomerative builds one tree
 * for all of them.
 */

MLK_BEGIN_DECLS

/** How to choose. Start from mlk_clusterings_opts_default(). */
typedef struct mlk_clusterings_opts {
    const char *scoring; /**< A rule; NULL, the default: bic for gmm, else silhouette. */
    size_t n_references; /**< B of the gap, >= 1. Default 20. */
    int64_t seed;        /**< Of the reference sets. Default 0. */
} mlk_clusterings_opts;

/** The defaults that are named above. */
mlk_clusterings_opts mlk_clusterings_opts_default(void);

/** What became of a candidate. NaN: does not apply, or is not defined. */
typedef struct mlk_clustering {
    size_t n_clusters, n_noise; /**< Found. */
    double inertia;             /**< (1). */
    double silhouette, davies_bouldin, calinski_harabasz;
    double gap, gap_se; /**< Gap(k) and s(k). Only with scoring gap, or for up to 100,000 values of
                           a design of kmeans or agglomerative with a grid over n_clusters. */
    double bic, aic;
} mlk_clustering;

/** All candidates, and the chosen one. Immutable. */
typedef struct mlk_clusterings mlk_clusterings;

/**
 * Fit and compare.
 *
 * @param[in]  grid Of pipelines that end in a cluster model.
 * @param[in]  opts NULL for the defaults.
 * @param[out] out  Release with mlk_clusterings_free(). NULL on failure.
 * @retval MLK_EINVAL The scoring is unknown or does not apply to this model or grid; as the fits.
 * @retval MLK_ESINGULAR, MLK_ENOMEM, MLK_ECANCELLED As the fits.
 */
mlk_status mlk_clusterings_run(const mlk_grid *grid, const mlk_data *data,
                               const mlk_clusterings_opts *opts, const mlk_run *run,
                               mlk_clusterings **out);

size_t mlk_clusterings_size(const mlk_clusterings *all);                 /**< Of the grid. */
mlk_clustering mlk_clusterings_at(const mlk_clusterings *all, size_t i); /**< In its order. */
size_t mlk_clusterings_chosen(const mlk_clusterings *all);               /**< Candidate. */
const char *mlk_clusterings_scoring(const mlk_clusterings *all);         /**< The rule. */
/** Its scoring, "best" and "results" into the map `to`; `grid` is the one searched. */
void mlk_clusterings_report(const mlk_clusterings *all, const mlk_grid *grid, mlk_doc *to);
void mlk_clusterings_free(mlk_clusterings *all); /**< NULL is allowed. */

MLK_END_DECLS

#endif
