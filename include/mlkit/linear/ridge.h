#ifndef MLK_LINEAR_RIDGE_H
#define MLK_LINEAR_RIDGE_H

#include <mlkit/core.h>  /* status, views, data, run */
#include <mlkit/model.h> /* option tables, mlk_algo */

/**
 * @file ridge.h
 * @brief Ridge regression: least squares with an L2 penalty on the weights.
 *
 * Minimises over w in R^p and b in R
 *
 *     F(w, b) = sum_i s_i (y_i - x_i'w - b)^2 + alpha ||w||^2             (1)
 *
 * with sample weights s_i (1 where none are given). The sum is not divided by n, and b is not
 * penalised. For centred X and y the minimiser is w = (X'SX + alpha I)^-1 X'Sy
 * [hastie2009, eq. 3.44], which equals X'(XX' + alpha S^-1)^-1 y; the smaller of the two systems
 * is solved. With m = min(n, p): O(n p m + m^3) time, O(m^2) extra memory (O(n p) where n < p).
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_ridge_opts_default(), then set fields. */
typedef struct mlk_ridge_opts {
    double alpha;       /**< Penalty weight of (1), in [0, inf). Default 1. */
    bool fit_intercept; /**< Estimate b; otherwise b = 0. Default true. */
} mlk_ridge_opts;

mlk_ridge_opts mlk_ridge_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_ridge mlk_ridge;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite), y (n targets, finite), w (n weights or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_ridge_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain.
 * @retval MLK_ESINGULAR The system is singular: raise alpha, or use ols.h.
 * @retval MLK_ENOMEM    Out of memory.
 * @retval MLK_ECANCELLED
 */
mlk_status mlk_ridge_fit(const mlk_data *data, const mlk_ridge_opts *opts, const mlk_run *run,
                         mlk_ridge **model);

/** Write X w + b to @p out (length X.rows). X has the columns seen by fit. */
mlk_status mlk_ridge_predict(const mlk_ridge *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

mlk_cvec mlk_ridge_coef(const mlk_ridge *model);     /**< w; lives as long as the model. */
double mlk_ridge_intercept(const mlk_ridge *model);  /**< b. */
mlk_fit_info mlk_ridge_info(const mlk_ridge *model); /**< Objective (1) and its gradient's norm. */
void mlk_ridge_free(mlk_ridge *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_ridge_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
