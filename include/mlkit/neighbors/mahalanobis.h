#ifndef MLK_NEIGHBORS_MAHALANOBIS_H
#define MLK_NEIGHBORS_MAHALANOBIS_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file mahalanobis.h
 * @brief Outliers by their Mahalanobis distance from the mean.
 *
 * With mean m and covariance S (divisor n - 1) of the training rows the score of x is
 *
 *     d(x) = sqrt((x - m)'S^-1 (x - m))                                   (1)
 *
 * Rows with a score above the threshold are outliers: the root of the 97.5 % quantile of the
 * chi-squared distribution with as many degrees of freedom as S has rank, which normal rows exceed
 * once in forty times; or the quantile of the training rows' scores that leaves a share
 * `contamination` of them above.
 *
 * S is never formed: S^-1 = W W' comes from the singular values of the centred rows (their QR
 * factor). Where columns are combinations of others, it is a generalised inverse, and run->warn is
 * told. Many outliers inflate S and hide each other: see lof and isolation-forest.
 *
 * Cost: O(n p^2 + p^3) to fit, O(p^2) a row to score.
 */

MLK_BEGIN_DECLS

/** Word of mlk_mahalanobis_opts.contamination: by the chi-squared distribution. */
#define MLK_MAHALANOBIS_AUTO (-1.0)

/** Hyper-parameters. Start from mlk_mahalanobis_opts_default(), then set fields. */
typedef struct mlk_mahalanobis_opts {
    double contamination; /**< Share of outliers, in (0, 0.5], or MLK_MAHALANOBIS_AUTO. Default
                               auto. */
} mlk_mahalanobis_opts;

/** The defaults named above. */
mlk_mahalanobis_opts mlk_mahalanobis_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_mahalanobis mlk_mahalanobis;

/**
 * Estimate mean and covariance.
 *
 * @param[in]  data  X (n x p, finite, n >= 2); y is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, warnings and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_mahalanobis_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain.
 * @retval MLK_ESINGULAR No column varies, or a variance overflows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_mahalanobis_fit(const mlk_data *data, const mlk_mahalanobis_opts *opts,
                               const mlk_run *run, mlk_mahalanobis **model);

/** 1 for outliers, 0 for the others, of X.rows rows. */
mlk_status mlk_mahalanobis_predict(const mlk_mahalanobis *model, mlk_cmat X, const mlk_run *run,
                                   mlk_vec out);
/** (1) of X.rows rows. */
mlk_status mlk_mahalanobis_score(const mlk_mahalanobis *model, mlk_cmat X, const mlk_run *run,
                                 mlk_vec out);

mlk_cvec mlk_mahalanobis_mean(const mlk_mahalanobis *model);     /**< m. */
mlk_cmat mlk_mahalanobis_scalings(const mlk_mahalanobis *model); /**< W, p x rank. */
double mlk_mahalanobis_threshold(const mlk_mahalanobis *model);  /**< Of the score. */
void mlk_mahalanobis_free(mlk_mahalanobis *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_mahalanobis_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
