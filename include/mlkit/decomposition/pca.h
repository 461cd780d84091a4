#ifndef MLK_DECOMPOSITION_PCA_H
#define MLK_DECOMPOSITION_PCA_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file pca.h
 * @brief Principal component analysis.
 *
 * With the centred rows Xc (n x p) and k orthonormal rows of V, minimises
 *
 *     F(V) = || Xc - Xc V' V ||^2                                         (1)
 *
 * by the k leading eigenvectors of the covariance C = Xc'Xc / (n - 1) = V' diag(lambda) V
 * [hastie2009, sect. 14.5.1]. Each component has the sign that makes its loading of largest
 * absolute value positive (of several within a millionth of it the first). Scores are
 * z = V (x - mean), divided by the roots of lambda where `whiten` is set (a direction of no
 * variance then has score 0). With `zca` the whitened scores are turned back, V' z: a value a
 * column of X, uncorrelated, of variance 1, and as close to the centred columns as such values can
 * be [bell1997]. Of fewer than p components these are the whitened rows of their subspace.
 *
 * n_components: all of min(n, p), a count, the fewest whose share of the variance is no less than a
 * number below 1, or mle, Minka's choice [minka2000, eq. 30 and 77] (n >= p).
 *
 * Solvers: covariance takes the eigenpairs of C, or of Xc Xc' where n < p; full the singular values
 * of Xc, which tell variances apart down to 1e-16 instead of 1e-8 of the first one's root;
 * randomised iterates on a random subspace of k + 10 dimensions [halko2011, algorithm 4.4]. auto is
 * covariance, goes over to full where a variance it was asked for is below 1e-10 of the largest
 * (and full is affordable), and to randomised where min(n, p) > 3000 and k is less than a tenth of
 * it.
 *
 * Cost with m = min(n, p): covariance O(n p m + m^2 k), full O(n p m), randomised O(n p k).
 */

MLK_BEGIN_DECLS

/** Words of mlk_pca_opts.n_components. */
#define MLK_PCA_ALL (-1.0)
#define MLK_PCA_MLE (-2.0)

typedef enum mlk_pca_solver {
    MLK_PCA_AUTO,
    MLK_PCA_FULL,
    MLK_PCA_COVARIANCE,
    MLK_PCA_RANDOMISED
} mlk_pca_solver;

/** Hyper-parameters. Start from mlk_pca_opts_default(), then set fields. */
typedef struct mlk_pca_opts {
    double n_components; /**< A whole number, a share in (0, 1), or a word. Default all. */
    bool whiten;         /**< Scores of variance 1. Default false. */
    int solver;          /**< A mlk_pca_solver. Default auto. */
    int64_t seed;        /**< Of the randomised solver. Default 0. */
    bool zca;            /**< Whitened, in the axes of X: p values a row. Default false. */
} mlk_pca_opts;

/** The defaults named above. */
mlk_pca_opts mlk_pca_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_pca mlk_pca;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite, n >= 2); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_pca_free(). NULL on failure.
 * @retval MLK_EINVAL    An option or a value is out of its domain; more components than min(n, p);
 *                       a share or mle with the randomised solver, mle with n < p.
 * @retval MLK_ESINGULAR All rows are equal, or variances overflow.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_pca_fit(const mlk_data *data, const mlk_pca_opts *opts, const mlk_run *run,
                       mlk_pca **model);

/** Scores: Z (X.rows x k; zca: x p). MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_pca_transform(const mlk_pca *model, mlk_cmat X, const mlk_run *run, mlk_mat Z);
/** Back from scores to rows: X (Z.rows x p), the nearest point of the subspace. */
mlk_status mlk_pca_inverse_transform(const mlk_pca *model, mlk_cmat Z, const mlk_run *run,
                                     mlk_mat X);

/* What was learned; views live as long as the model. */
mlk_cmat mlk_pca_components(const mlk_pca *model);         /**< V, k x p. */
mlk_cvec mlk_pca_mean(const mlk_pca *model);               /**< p values. */
mlk_cvec mlk_pca_variance(const mlk_pca *model);           /**< The k largest lambda. */
mlk_cvec mlk_pca_ratio(const mlk_pca *model);              /**< Their shares of the variance. */
mlk_cvec mlk_pca_singular_values(const mlk_pca *model);    /**< Roots of (n - 1) lambda. */
double mlk_pca_reconstruction_error(const mlk_pca *model); /**< F(V) / n. */
void mlk_pca_free(mlk_pca *model);                         /**< NULL is allowed. */

extern const mlk_algo mlk_pca_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
