#ifndef MLK_DECOMPOSITION_KERNEL_PCA_H
#define MLK_DECOMPOSITION_KERNEL_PCA_H

#include <mlkit/core.h>
#include <mlkit/kernel/kernel.h>
#include <mlkit/model.h>

/**
 * @file kernel_pca.h
 * @brief Principal component analysis in the space that a kernel belongs to.
 *
 * With the images phi(x_i) of the rows under k(a, b) = phi(a)'phi(b), centred, the m orthonormal
 * directions u_c that keep most of their variance have the scores [scholkopf1998, eq. 1-16]
 *
 *     Z = V diag(root of lambda),   J K J = V diag(lambda) V',   J = I - 11'/n        (1)
 *
 * from the m largest eigenpairs. Each component has the sign that makes its score of largest
 * magnitude positive (the first of several). A new point has the scores
 * diag(1 / root of lambda) V' J (k - K 1 / n), k its kernel values with the rows.
 *
 * Pre-images (fit_inverse_transform): back from scores to rows by kernel ridge regression of X on Z
 * with the same kernel and the penalty alpha [bakir2004]: X^ = K(z, Z) (K(Z, Z) + alpha I)^-1 X.
 * Words of gamma are then resolved on Z.
 *
 * Cost: O(n^2 (p + m)) time, 8 n^2 bytes; pre-images O(n^3 / 3). A new point O(n (p + m)).
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_kernel_pca_opts_default(), then set fields. */
typedef struct mlk_kernel_pca_opts {
    int64_t n_components;       /**< >= 1. Default 2. */
    int kernel;                 /**< A mlk_kernel_kind but precomputed. Default linear. */
    double gamma;               /**< A number > 0, MLK_GAMMA_SCALE or MLK_GAMMA_AUTO (default). */
    int64_t degree;             /**< Of poly, >= 0. Default 3. */
    double coef0;               /**< Of poly and sigmoid. Default 1. */
    bool fit_inverse_transform; /**< Learn pre-images. Default false. */
    double alpha;               /**< Their penalty, > 0. Default 1. */
} mlk_kernel_pca_opts;

/** The defaults named above. */
mlk_kernel_pca_opts mlk_kernel_pca_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_kernel_pca mlk_kernel_pca;

/**
 * Find (1).
 *
 * @param[in]  data  X (n x p, finite, n >= 2); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_kernel_pca_free(). NULL on failure.
 * @retval MLK_EINVAL    An option or a value is out of its domain, or has no effect; fewer positive
 *                       eigenvalues than n_components.
 * @retval MLK_ESINGULAR The images of all rows are equal; kernel values overflow.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_kernel_pca_fit(const mlk_data *data, const mlk_kernel_pca_opts *opts,
                              const mlk_run *run, mlk_kernel_pca **model);

/** Scores: Z (X.rows x m). MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_kernel_pca_transform(const mlk_kernel_pca *model, mlk_cmat X, const mlk_run *run,
                                    mlk_mat Z);
/** Pre-images: X (Z.rows x p). Also MLK_EUNSUPPORTED: fitted without fit_inverse_transform. */
mlk_status mlk_kernel_pca_inverse_transform(const mlk_kernel_pca *model, mlk_cmat Z,
                                            const mlk_run *run, mlk_mat X);

/* What was learned; views live as long as the model. */
mlk_cmat mlk_kernel_pca_embedding(const mlk_kernel_pca *model);   /**< Z, n x m. */
mlk_cvec mlk_kernel_pca_eigenvalues(const mlk_kernel_pca *model); /**< lambda, descending. */
mlk_cvec mlk_kernel_pca_ratio(const mlk_kernel_pca *model);       /**< Their shares of the trace. */
void mlk_kernel_pca_free(mlk_kernel_pca *model);                  /**< NULL is allowed. */

extern const mlk_algo mlk_kernel_pca_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
