#ifndef MLK_LINEAR_LASSO_H
#define MLK_LINEAR_LASSO_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file lasso.h
 * @brief The lasso: least squares with an L1 penalty, which makes weights exactly zero.
 *
 * Minimises over w in R^p and b in R
 *
 *     F(w, b) = 1/(2 S) sum_i s_i (y_i - x_i'w - b)^2 + alpha ||w||_1     (1)
 *
 * with sample weights s_i (1 where none are given) and S = sum_i s_i. This is elastic_net.h with
 * l1_ratio = 1: what is said there of weights, intercept, `positive`, certificate, stopping
 * rule, method and cost holds here. For every theta with |z_j'theta| <= S alpha for all j,
 * D(theta) = (t'theta - ||theta||^2 / 2) / S is at most min F; the duality gap is F - D at the
 * residuals, scaled to be feasible.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_lasso_opts_default(), then set fields. */
typedef struct mlk_lasso_opts {
    double alpha;       /**< Weight of the penalty in (1), in (0, inf). Default 1. */
    bool fit_intercept; /**< Estimate b; otherwise b = 0. Default true. */
    bool positive;      /**< Only weights >= 0. Default false. */
    double tol;         /**< Duality gap at which to stop, relative to y, in [0, inf). 1e-4. */
    int64_t max_iter;   /**< Passes over a working set at most, >= 1. Default 1000. */
} mlk_lasso_opts;

/** The defaults stated with each field, which NULL for options means too. */
mlk_lasso_opts mlk_lasso_opts_default(void);

/** A fitted model, of the elastic net's type. Immutable: any number of threads may use it. */
typedef struct mlk_sparse_linear mlk_lasso;

/** Minimise (1). Arguments and statuses as mlk_elastic_net_fit(). */
mlk_status mlk_lasso_fit(const mlk_data *data, const mlk_lasso_opts *opts, const mlk_run *run,
                         mlk_lasso **model);

/** models[k] minimises (1) with alphas[k], in any order; as mlk_elastic_net_path(). */
mlk_status mlk_lasso_path(const mlk_data *data, mlk_cvec alphas, const mlk_lasso_opts *opts,
                          const mlk_run *run, mlk_lasso **models);

/** The usual grid, from the first alpha with all weights 0 down; as mlk_elastic_net_alphas(). */
mlk_status mlk_lasso_alphas(const mlk_data *data, const mlk_lasso_opts *opts, const mlk_run *run,
                            mlk_vec alphas);

/** Write X w + b to @p out (length X.rows). X has the columns seen by fit. */
mlk_status mlk_lasso_predict(const mlk_lasso *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

mlk_cvec mlk_lasso_coef(const mlk_lasso *model);     /**< w; lives as long as the model. */
double mlk_lasso_intercept(const mlk_lasso *model);  /**< b. */
mlk_fit_info mlk_lasso_info(const mlk_lasso *model); /**< F and its duality gap. */
void mlk_lasso_free(mlk_lasso *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_lasso_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
