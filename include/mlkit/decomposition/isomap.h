#ifndef MLK_DECOMPOSITION_ISOMAP_H
#define MLK_DECOMPOSITION_ISOMAP_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file isomap.h
 * @brief Isometric mapping: distances along the data instead of through the air.
 *
 * The geodesic distance g_ij of two rows is the length of the shortest path between them in the
 * neighbourhood graph, in which a row is joined to its n_neighbors nearest rows (and to those whose
 * neighbour it is), or to all rows within `radius`. The map is the classical scaling of these
 * distances [tenenbaum2000]: Z (n x k) minimises
 *
 *     || B - Z Z' ||,   B = -1/2 J (g_ij^2) J,   J = I - 11'/n              (1)
 *
 * by the k largest eigenpairs of B, Z = V diag(root of lambda). Each dimension has the sign that
 * makes its coordinate of largest magnitude positive (the first of several).
 *
 * A new point is joined to its n_neighbors nearest rows (or those within `radius`, and always the
 * nearest one); its geodesic distances place it by z = 1/2 Lambda^-1 Z' (mean of g^2 - g^2)
 * [desilva2004]. A row of the fit gets its own coordinates back.
 *
 * reconstruction_error = root of (||B||^2 - sum of lambda^2) / n, as scikit-learn's;
 * residual_variance = 1 - r^2, r the correlation of the g_ij and the distances in the map.
 *
 * Where the graph is not connected, no map exists: the fit is refused with the number of parts and
 * their sizes.
 *
 * Cost: O(n^2 (k' log n + k)) time with k' neighbours, 8 n^2 bytes; a new point O(n k' log n).
 */

MLK_BEGIN_DECLS

/** No radius: the nearest n_neighbors. */
#define MLK_ISOMAP_NO_RADIUS (-1.0)

/** Hyper-parameters. Start from mlk_isomap_opts_default(), then set fields. */
typedef struct mlk_isomap_opts {
    int64_t n_components; /**< Dimensions of the map, >= 1. Default 2. */
    int64_t n_neighbors;  /**< >= 1. Default 5. */
    double radius;        /**< > 0, instead of n_neighbors; default none. */
} mlk_isomap_opts;

/** The defaults named above. */
mlk_isomap_opts mlk_isomap_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_isomap mlk_isomap;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite, n >= 2); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_isomap_free(). NULL on failure.
 * @retval MLK_EINVAL    An option or a value is out of its domain; n_neighbors >= n; the geodesic
 *                       distances span fewer dimensions than n_components.
 * @retval MLK_ESINGULAR The graph is not connected; all rows are equal; distances overflow.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_isomap_fit(const mlk_data *data, const mlk_isomap_opts *opts, const mlk_run *run,
                          mlk_isomap **model);

/** Coordinates of new rows: Z (X.rows x k). MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_isomap_transform(const mlk_isomap *model, mlk_cmat X, const mlk_run *run, mlk_mat Z);
/** Geodesic distances of new rows to the rows of the fit: G (X.rows x n). Likewise. */
mlk_status mlk_isomap_geodesics(const mlk_isomap *model, mlk_cmat X, const mlk_run *run, mlk_mat G);

/* What was learned; views live as long as the model. */
mlk_cmat mlk_isomap_embedding(const mlk_isomap *model);   /**< Z, n x k. */
mlk_cvec mlk_isomap_eigenvalues(const mlk_isomap *model); /**< lambda, descending. */
double mlk_isomap_reconstruction_error(const mlk_isomap *model);
double mlk_isomap_residual_variance(const mlk_isomap *model);
void mlk_isomap_free(mlk_isomap *model); /**< NULL is allowed. */

extern const mlk_algo mlk_isomap_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
