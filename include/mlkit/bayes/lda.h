#ifndef MLK_BAYES_LDA_H
#define MLK_BAYES_LDA_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file lda.h
 * @brief Linear discriminant analysis: Gaussian classes of one covariance; a classifier and a
 *        projection.
 *
 * With class means m_k, probabilities P(k) and the covariance S that the classes share, the class
 * of the largest
 *
 *     d_k(x) = x'S^-1 m_k - m_k'S^-1 m_k / 2 + log P(k)                   (1)
 *
 * [hastie2009, eq. 4.10] and P(k | x) = exp d_k(x) / sum_l exp d_l(x). S is, with c_k the class
 * covariances (divisor n_k) and n_k the weight of class k,
 *
 * - without shrinkage sum_k n_k c_k / (n - K), K the classes that have rows;
 * - with shrinkage s > 0 sum_k P(k) [(1 - s) c_k + s (tr c_k / p) I];
 * - auto: the same with an s for each class by Ledoit and Wolf [ledoit2004, sect. 3.3], on columns
 *   scaled to variance 1 in the class,
 *
 * as scikit-learn's solvers svd and lsqr have it. Sample weights count rows: weight 2 is the row
 * twice.
 *
 * The projection z = W'(x - m) with m = sum_k P(k) m_k takes x to coordinates in which S is the
 * identity and the means spread most along the first, next along the second, ... [hastie2009, sect.
 * 4.3.3]; at most K - 1 of them, each with the sign that makes its entry of W of largest absolute
 * value positive.
 *
 * S is never formed: W comes from the singular values of the rows less their class means (their QR
 * factor). Columns that are combinations of others within the classes lower its rank; S^-1 is then
 * a generalised inverse, what differs between classes alone has no influence, and run->warn is
 * told.
 *
 * Cost: a copy of X; O(n p^2 + p^3) to fit, O(p K) a row to predict.
 */

MLK_BEGIN_DECLS

/** Word of the option shrinkage: by Ledoit and Wolf. */
#define MLK_SHRINKAGE_AUTO (-1.0)

/** Hyper-parameters. Start from mlk_lda_opts_default(), then set fields. */
typedef struct mlk_lda_opts {
    double shrinkage; /**< s, in [0, 1], or MLK_SHRINKAGE_AUTO. Default 0. */
    /** P(k), in the order of the classes, with '+', ',' or blanks between: "0.2+0.8"; they sum
     * to 1. NULL, the default: n_k / n. */
    const char *priors;
    /** Singular values of the columns (scaled to length 1) that do not count, and, relative to the
     *  largest, spreads of the means that give no coordinate; in [0, 1). Default 1e-4. */
    double tol;
} mlk_lda_opts;

/** The defaults named above. */
mlk_lda_opts mlk_lda_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_lda mlk_lda;

/**
 * Estimate (1) and the projection.
 *
 * @param[in]  data  X (n x p, finite), y (n class numbers), w (n weights, or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, warnings and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_lda_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain; no more rows than
 *                       classes; a class without rows has a prior.
 * @retval MLK_ESINGULAR Nothing varies within the classes, or a variance overflows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_lda_fit(const mlk_data *data, const mlk_lda_opts *opts, const mlk_run *run,
                       mlk_lda **model);

/** Class numbers (X.rows of them); of equal scores the lowest. */
mlk_status mlk_lda_predict(const mlk_lda *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** P(k | x) (X.rows x K). */
mlk_status mlk_lda_predict_proba(const mlk_lda *model, mlk_cmat X, const mlk_run *run, mlk_mat out);
/** (1), X.rows x K; for two classes d_1 - d_0, X.rows x 1. */
mlk_status mlk_lda_decision(const mlk_lda *model, mlk_cmat X, const mlk_run *run, mlk_mat out);
/** The projection, X.rows x components. */
mlk_status mlk_lda_transform(const mlk_lda *model, mlk_cmat X, const mlk_run *run, mlk_mat out);

/* These live as long as the model. */
mlk_cmat mlk_lda_coef(const mlk_lda *model);     /**< S^-1 (m_k - m), K x p. */
mlk_cmat mlk_lda_means(const mlk_lda *model);    /**< m_k, K x p. */
mlk_cvec mlk_lda_priors(const mlk_lda *model);   /**< P(k). */
mlk_cmat mlk_lda_scalings(const mlk_lda *model); /**< W, p x components. */
/** Each coordinate's share of the variance between the means. */
mlk_cvec mlk_lda_ratio(const mlk_lda *model);
size_t mlk_lda_rank(const mlk_lda *model); /**< Of S; 0 for a model from a file. */
void mlk_lda_free(mlk_lda *model);         /**< NULL is allowed. */

extern const mlk_algo mlk_lda_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
