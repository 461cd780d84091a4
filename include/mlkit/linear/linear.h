#ifndef MLK_LINEAR_LINEAR_H
#define MLK_LINEAR_LINEAR_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file linear.h
 * @brief Linear regression by least squares, with the table of its statistics.
 *
 * Minimises over w in R^p and b in R
 *
 *     F(w, b) = sum_i s_i (y_i - x_i'w - b)^2                             (1)
 *
 * with sample weights s_i (1 where none are given). Where the minimiser is not unique, because the
 * rank of the design is less than its columns, the one of least ||w|| is taken, the rank is
 * reported and a warning given; predictions for rows like those of the training are not affected.
 *
 * Solvers. `cholesky`: the normal equations Z'SZ w = Z'Sy of the centred and scaled columns, formed
 * in one read of X [golub2013, 5.3.2]; where their condition number or the cancellation in the
 * residuals threatens the ninth digit, and for small problems always, once more
 * in twice the working precision, exact products included [ozaki2012], by a pivoted LDL'
 * decomposition. `qr`: Householder QR by chunks of rows, then with column pivoting
 * [golub2013, 5.4.2; demmel2012]. `svd`: the singular values of the R of that, or of X where n < p.
 * `auto`: cholesky; svd where n < p.
 *
 * Cost: n p^2 + O(p^3) (cholesky; about ten times that in twice the precision), 2 n p^2 + O(p^3)
 * (qr, svd), O(n^2 p) (svd, n < p); O(p^2) memory, with n < p O(n p).
 */

MLK_BEGIN_DECLS

typedef enum mlk_linear_solver {
    MLK_LINEAR_AUTO,
    MLK_LINEAR_CHOLESKY,
    MLK_LINEAR_QR,
    MLK_LINEAR_SVD
} mlk_linear_solver;

/** Hyper-parameters. Start from mlk_linear_opts_default(), then set fields. */
typedef struct mlk_linear_opts {
    bool fit_intercept; /**< Estimate b; otherwise b = 0. Default true. */
    int solver;         /**< A mlk_linear_solver. Default auto. */
} mlk_linear_opts;

/** The defaults stated with each field, which NULL for options means too. */
mlk_linear_opts mlk_linear_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_linear mlk_linear;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite), y (n targets, finite), w (n weights or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress, warnings and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_linear_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain.
 * @retval MLK_ESINGULAR Singular values did not converge, or the solution overflows.
 * @retval MLK_ENOMEM    Out of memory.
 * @retval MLK_ECANCELLED
 */
mlk_status mlk_linear_fit(const mlk_data *data, const mlk_linear_opts *opts, const mlk_run *run,
                          mlk_linear **model);

/** Write X w + b to @p out (length X.rows). X has the columns seen by fit. */
mlk_status mlk_linear_predict(const mlk_linear *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

mlk_cvec mlk_linear_coef(const mlk_linear *model);     /**< w; lives as long as the model. */
double mlk_linear_intercept(const mlk_linear *model);  /**< b. */
mlk_fit_info mlk_linear_info(const mlk_linear *model); /**< Objective (1). */
void mlk_linear_free(mlk_linear *model);               /**< NULL is allowed. */

/**
 * What the fit says about itself. A figure that is not defined is NaN: sigma and all that rests on
 * it where no degree of freedom is left, adjusted R^2 likewise, R^2 and F for a constant target,
 * F without a slope. Rows of weight 0 do not count in n.
 */
typedef struct mlk_linear_stats {
    size_t n, rank;          /**< Rows of weight > 0; rank of [1, X], without intercept of X. */
    double df;               /**< Residual degrees of freedom n - rank. */
    double rss, tss;         /**< (1), and (1) at w = 0 (with intercept: at b = mean of y). */
    double sigma;            /**< sqrt(rss / df). */
    double r2, adjusted_r2;  /**< 1 - rss/tss; 1 - (rss/df) / (tss/(n - 1)), n without intercept. */
    double f, f_p;           /**< F test of w = 0, on rank (less 1 with intercept) and df degrees of
                                  freedom. */
    double aic, bic;         /**< As R's for lm(): -2 log L + k penalty with the normal likelihood
                                  at sigma^2 = rss/n; k = rank + 1, for sigma;
                                  penalty 2 or log(n). Weights enter as variances sigma^2/s_i. */
    double condition_number; /**< 2-norm, of the centred design with columns of length 1; inf where
                                columns depend on each other. */
} mlk_linear_stats;

/** The whole table of statistics; NaN where undefined. */
mlk_linear_stats mlk_linear_stats_of(const mlk_linear *model);
/** Standard errors of w: sigma times the root of the diagonal of (Z'SZ)^-1; NaN where columns
 * depend on each other or df is 0. */
mlk_cvec mlk_linear_standard_errors(const mlk_linear *model);
double mlk_linear_intercept_standard_error(const mlk_linear *model); /**< NaN without intercept. */

extern const mlk_algo mlk_linear_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
