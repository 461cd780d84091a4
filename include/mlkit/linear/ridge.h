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
 * is formed, in one read of X, and solved by Cholesky. `svd` takes the singular values of X
 * instead (of its R factor where n >= p), w = sum_k v_k s_k u_k'y / (s_k^2 + alpha); `auto` goes
 * over to it where the system is singular, or nearly so, to working precision.
 *
 * With m = min(n, p): O(n p m + m^3) time for any number of alphas together, O(m^3) for each,
 * O(m^2) extra memory (O(n p) where n < p).
 */

MLK_BEGIN_DECLS

typedef enum mlk_ridge_solver {
    MLK_RIDGE_AUTO,
    MLK_RIDGE_CHOLESKY,
    MLK_RIDGE_SVD
} mlk_ridge_solver;

/** Hyper-parameters. Start from mlk_ridge_opts_default(), then set fields. */
typedef struct mlk_ridge_opts {
    double alpha;       /**< Penalty weight of (1), in [0, inf). Default 1. */
    bool fit_intercept; /**< Estimate b; otherwise b = 0. Default true. */
    int solver;         /**< A mlk_ridge_solver. Default auto. */
} mlk_ridge_opts;

/** The defaults stated with each field, which NULL for options means too. */
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
 * @retval MLK_ESINGULAR The system is singular and the solver is cholesky: raise alpha, or take
 *                       another; those give the shortest of all solutions.
 * @retval MLK_ENOMEM    Out of memory.
 * @retval MLK_ECANCELLED
 */
mlk_status mlk_ridge_fit(const mlk_data *data, const mlk_ridge_opts *opts, const mlk_run *run,
                         mlk_ridge **model);

/**
 * Exact leave-one-out predictions: out[i, k] is the prediction for row i of a model fitted with
 * alphas[k] to all rows but i. From one decomposition of X'SX (XX' where n < p), by
 * y_i - (y_i - f(x_i)) / (1 - h_i) with the leverages h_i [golub1979]: O(n p m + m^3 + n m K).
 *
 * @param[in]  data          As for mlk_ridge_fit(), n >= 2 rows of weight > 0 with intercept.
 * @param[in]  alphas        K penalty weights in [0, inf).
 * @param[in]  fit_intercept As in the options.
 * @param[out] out           n x K.
 * @retval MLK_ESINGULAR     Some row determines a coefficient alone (alpha = 0): no model without.
 * @retval MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_ridge_loo(const mlk_data *data, mlk_cvec alphas, bool fit_intercept,
                         const mlk_run *run, mlk_mat out);

/** Write X w + b to @p out (length X.rows). X has the columns seen by fit. */
mlk_status mlk_ridge_predict(const mlk_ridge *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

mlk_cvec mlk_ridge_coef(const mlk_ridge *model);     /**< w; lives as long as the model. */
double mlk_ridge_intercept(const mlk_ridge *model);  /**< b. */
mlk_fit_info mlk_ridge_info(const mlk_ridge *model); /**< Objective (1) and its gradient's norm. */
void mlk_ridge_free(mlk_ridge *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_ridge_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
