#ifndef MLK_SVM_LINEAR_SVR_H
#define MLK_SVM_LINEAR_SVR_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file linear_svr.h
 * @brief Linear support vector regression in the space of the features.
 *
 * Minimises over w in R^p and b in R, with sample weights s_i,
 *
 *     1/2 ||w||^2 + C sum_i s_i loss(|x_i'w + b - y_i| - epsilon)                             (1)
 *
 *     loss(u) = max(0, u) (epsilon_insensitive) or max(0, u)^2 (squared_epsilon_insensitive)
 *
 * b is not penalised, unless `penalize_intercept`: then b^2 / 2 joins the penalty, as in LIBLINEAR.
 * Solver, stopping and cost as in linear_svc.h.
 */

MLK_BEGIN_DECLS

typedef enum mlk_linear_svr_loss {
    MLK_LOSS_EPSILON_INSENSITIVE,
    MLK_LOSS_SQUARED_EPSILON_INSENSITIVE
} mlk_linear_svr_loss;

/** Hyper-parameters. Start from mlk_linear_svr_opts_default(), then set fields. */
typedef struct mlk_linear_svr_opts {
    int loss;                /**< A mlk_linear_svr_loss. Default epsilon_insensitive. */
    double C;                /**< Of (1), in (0, inf). Default 1. */
    double epsilon;          /**< Of (1), in [0, inf). Default 0. */
    bool penalize_intercept; /**< Default false. */
    double tol;              /**< 100 times the gap relative to the objective. Default 1e-4. */
    int64_t max_iter;        /**< Newton steps, >= 1. Default 1000. */
} mlk_linear_svr_opts;

/** The defaults named above. */
mlk_linear_svr_opts mlk_linear_svr_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_linear_svr mlk_linear_svr;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite), y (n targets), w (weights or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL. A fit that ends with a larger gap
 *                   says so to run->warn.
 * @param[out] model The fitted model; release it with mlk_linear_svr_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_linear_svr_fit(const mlk_data *data, const mlk_linear_svr_opts *opts,
                              const mlk_run *run, mlk_linear_svr **model);

/** X w + b to @p out (length X.rows). */
mlk_status mlk_linear_svr_predict(const mlk_linear_svr *model, mlk_cmat X, const mlk_run *run,
                                  mlk_vec out);

mlk_cvec mlk_linear_svr_coef(const mlk_linear_svr *model);     /**< w. */
double mlk_linear_svr_intercept(const mlk_linear_svr *model);  /**< b. */
mlk_fit_info mlk_linear_svr_info(const mlk_linear_svr *model); /**< Steps, objective (1), gap. */
void mlk_linear_svr_free(mlk_linear_svr *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_linear_svr_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
