#ifndef MLK_CLUSTER_GMM_H
#define MLK_CLUSTER_GMM_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file gmm.h
 * @brief Mixtures of normal distributions.
 *
 * Maximises, locally, over weights pi_c (summing to 1), means mu_c and covariances S_c
 *
 *     L = sum_i s_i log sum_c pi_c N(x_i; mu_c, S_c)                      (1)
 *
 * with sample weights s_i (1 where none are given), by EM [dempster1977]: each row's
 * responsibilities, then the weighted moments of each component, to whose variances reg_covar is
 * added. S_c is any positive definite matrix (full), a diagonal one (diag) or a multiple of the
 * identity (spherical). It starts from k-means; the best of n_init starts is kept. It stops when L
 * per row gains less than tol, or, since reg_covar is not part of (1), when L would fall: the
 * parameters before that are kept, so L never falls.
 *
 * With m free parameters and n = sum of s_i, BIC = -2 L + m log n and AIC = -2 L + 2 m.
 *
 * Cost an iteration: O(n k p^2) (full), else O(n k p); memory O(n k + k p^2).
 */

MLK_BEGIN_DECLS

typedef enum mlk_gmm_covariance {
    MLK_GMM_FULL,
    MLK_GMM_DIAG,
    MLK_GMM_SPHERICAL
} mlk_gmm_covariance;

/** Hyper-parameters. Start from mlk_gmm_opts_default(), then set fields. */
typedef struct mlk_gmm_opts {
    int64_t n_clusters;  /**< Components, from 1 to the number of rows. Default 8. */
    int covariance_type; /**< A mlk_gmm_covariance. Default full. */
    double reg_covar;    /**< Added to variances, in [0, inf). Default 1e-6. */
    int64_t n_init;      /**< Starts, >= 1. Default 10. */
    int64_t max_iter;    /**< Iterations of one start, >= 1. Default 100. */
    double tol;          /**< See above, in [0, inf). Default 1e-3. */
    int64_t seed;        /**< Of the starts. Default 0. */
} mlk_gmm_opts;

/** The defaults named above. */
mlk_gmm_opts mlk_gmm_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_gmm mlk_gmm;

/**
 * Maximise (1).
 *
 * @param[in]  data  X (n x p, finite), w (n weights, or empty); the rest is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, log (a line an iteration) and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_gmm_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain; k > n.
 * @retval MLK_ESINGULAR A covariance is not positive definite to working precision: raise
 *                       reg_covar.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_gmm_fit(const mlk_data *data, const mlk_gmm_opts *opts, const mlk_run *run,
                       mlk_gmm **model);

/** The most probable component of each row, the first of several. MLK_EINVAL, MLK_ENOMEM,
 *  MLK_ECANCELLED. */
mlk_status mlk_gmm_predict(const mlk_gmm *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** X.rows x k responsibilities, rows summing to 1. The same statuses. */
mlk_status mlk_gmm_predict_proba(const mlk_gmm *model, mlk_cmat X, const mlk_run *run, mlk_mat out);
/** X.rows x 1 logarithms of the mixture's density. The same statuses. */
mlk_status mlk_gmm_decision(const mlk_gmm *model, mlk_cmat X, const mlk_run *run, mlk_mat out);

mlk_cvec mlk_gmm_weights(const mlk_gmm *model); /**< k. */
mlk_cmat mlk_gmm_means(const mlk_gmm *model);   /**< k x p. */
/** full: k p x p, one matrix below the other; diag: k x p; spherical: k x 1. */
mlk_cmat mlk_gmm_covariances(const mlk_gmm *model);
const uint32_t *mlk_gmm_labels(const mlk_gmm *model); /**< Of the training rows. */
double mlk_gmm_log_likelihood(const mlk_gmm *model);  /**< (1). */
double mlk_gmm_bic(const mlk_gmm *model);
double mlk_gmm_aic(const mlk_gmm *model);
mlk_fit_info mlk_gmm_info(const mlk_gmm *model); /**< Of the best start; objective: (1). */
void mlk_gmm_free(mlk_gmm *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_gmm_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
