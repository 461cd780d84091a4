#ifndef MLK_BAYES_QDA_H
#define MLK_BAYES_QDA_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file qda.h
 * @brief Quadratic discriminant analysis: Gaussian classes, each with its own covariance.
 *
 * With class means m_k, covariances S_k and probabilities P(k), the class of the largest
 *
 *     d_k(x) = -log det S_k / 2 - (x - m_k)'S_k^-1 (x - m_k) / 2 + log P(k)       (1)
 *
 * [hastie2009, eq. 4.12] and P(k | x) = exp d_k(x) / sum_l exp d_l(x). S_k is the covariance of the
 * class with divisor n_k - 1 (n_k the weight of the class; weight 2 is the row twice), or, with
 * shrinkage s > 0 or auto, shrunken as for lda (mlkit/bayes/lda.h) with divisor n_k.
 *
 * S_k is never formed: S_k^-1 = W_k W_k' comes from the singular values of the class's rows (their
 * QR factor). Where columns are combinations of others within all classes, (1) is taken in the
 * coordinates that are left, and run->warn is told; where the rank of one class alone is less,
 * densities cannot be compared: MLK_ESINGULAR (shrinkage helps).
 *
 * Cost: a copy of X; O(n p^2 + K p^3) to fit, O(p^2 K) a row to predict.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_qda_opts_default(), then set fields. */
typedef struct mlk_qda_opts {
    double shrinkage; /**< s, in [0, 1], or MLK_SHRINKAGE_AUTO (mlkit/bayes/lda.h). Default 0. */
    /** P(k), in the order of the classes, with '+', ',' or blanks between: "0.2+0.8"; they sum
     * to 1. NULL, the default: n_k / n. */
    const char *priors;
    double tol; /**< Singular values of the columns (scaled to length 1) that do not count, in
                     [0, 1). Default 1e-4. */
} mlk_qda_opts;

/** The defaults named above. */
mlk_qda_opts mlk_qda_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_qda mlk_qda;

/**
 * Estimate (1).
 *
 * @param[in]  data  X (n x p, finite), y (n class numbers), w (n weights, or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, warnings and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_qda_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain; a class of weight at
 *                       most 1; a class without rows has a prior.
 * @retval MLK_ESINGULAR The covariance of a class is singular, or a variance overflows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_qda_fit(const mlk_data *data, const mlk_qda_opts *opts, const mlk_run *run,
                       mlk_qda **model);

/** Class numbers (X.rows of them); of equal scores the lowest. */
mlk_status mlk_qda_predict(const mlk_qda *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** P(k | x) (X.rows x K). */
mlk_status mlk_qda_predict_proba(const mlk_qda *model, mlk_cmat X, const mlk_run *run, mlk_mat out);
/** (1), X.rows x K; for two classes d_1 - d_0, X.rows x 1. */
mlk_status mlk_qda_decision(const mlk_qda *model, mlk_cmat X, const mlk_run *run, mlk_mat out);

/* These live as long as the model. */
mlk_cmat mlk_qda_means(const mlk_qda *model);  /**< m_k, K x p. */
mlk_cvec mlk_qda_priors(const mlk_qda *model); /**< P(k). */
/** W_k, p x rank, with W_k W_k' = S_k^-1; zeros for a class without rows. */
mlk_cmat mlk_qda_scalings(const mlk_qda *model, size_t k);
void mlk_qda_free(mlk_qda *model); /**< NULL is allowed. */

extern const mlk_algo mlk_qda_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
