#ifndef MLK_DECOMPOSITION_LLE_H
#define MLK_DECOMPOSITION_LLE_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file lle.h
 * @brief Locally linear embedding: a map in which each row is put together from its neighbours as
 *        in the data.
 *
 * Each row x_i has weights w_ij on its k nearest rows that sum to 1 and minimise
 * |x_i - sum_j w_ij x_j|^2 + reg tr(G_i) |w_i|^2, G_i the Gram matrix of the differences
 * [roweis2000; saul2003]. The map Z (n x d) minimises
 *
 *     F(Z) = sum_i | z_i - sum_j w_ij z_j |^2   subject to Z'Z = I, Z'1 = 0            (1)
 *
 * by the eigenvectors of the d smallest eigenvalues of M = (I - W)'(I - W) behind the constant one,
 * whose sum is the reconstruction error. method = modified takes several weight vectors a row, the
 * almost null space of G_i, which keeps maps from folding [zhang2006]. Each dimension has the sign
 * that makes its coordinate of largest magnitude positive (the first of several).
 *
 * A new point gets its weights on its k nearest rows, and z = sum_j w_j z_j.
 *
 * The eigenvectors come from a banded Cholesky factor of M (rows in reverse Cuthill-McKee order) by
 * inverse iteration in block Krylov subspaces; only d of them are ever found.
 *
 * Cost: O(n (k^2 p + k^3)) for the weights, O(n b^2) for the factor with the bandwidth b, which
 * grows with root n where the data lie on a surface; 8 n b bytes.
 */

MLK_BEGIN_DECLS

typedef enum mlk_lle_method { MLK_LLE_STANDARD, MLK_LLE_MODIFIED } mlk_lle_method;

/** Hyper-parameters. Start from mlk_lle_opts_default(), then set fields. */
typedef struct mlk_lle_opts {
    int64_t n_components; /**< Dimensions of the map, 1..p. Default 2. */
    int64_t n_neighbors;  /**< >= 1, for modified >= n_components. Default 5. */
    double reg;           /**< Share of the trace that is added, > 0. Default 1e-3. */
    int method;           /**< A mlk_lle_method. Default standard. */
} mlk_lle_opts;

/** The defaults named above. */
mlk_lle_opts mlk_lle_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_lle mlk_lle;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite, n >= 2); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_lle_free(). NULL on failure.
 * @retval MLK_EINVAL    An option or a value is out of its domain; n_neighbors >= n; more
 *                       dimensions than columns.
 * @retval MLK_ESINGULAR The graph of neighbours is not connected; all rows are equal.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_lle_fit(const mlk_data *data, const mlk_lle_opts *opts, const mlk_run *run,
                       mlk_lle **model);

/** Coordinates of new rows: Z (X.rows x d). MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_lle_transform(const mlk_lle *model, mlk_cmat X, const mlk_run *run, mlk_mat Z);

/* What was learned; views live as long as the model. */
mlk_cmat mlk_lle_embedding(const mlk_lle *model);   /**< Z, n x d. */
mlk_cvec mlk_lle_eigenvalues(const mlk_lle *model); /**< Of M, ascending, without the first, 0. */
double mlk_lle_reconstruction_error(const mlk_lle *model); /**< F(Z), their sum. */
void mlk_lle_free(mlk_lle *model);                         /**< NULL is allowed. */

extern const mlk_algo mlk_lle_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
