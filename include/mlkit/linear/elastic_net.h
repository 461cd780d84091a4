#ifndef MLK_LINEAR_ELASTIC_NET_H
#define MLK_LINEAR_ELASTIC_NET_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file elastic_net.h
 * @brief Least squares with a mixed L1 and L2 penalty: sparse weights, correlated columns shared.
 *
 * Minimises over w in R^p and b in R
 *
 *     F(w, b) = 1/(2 S) sum_i s_i (y_i - x_i'w - b)^2
 *               + alpha r ||w||_1 + alpha (1 - r)/2 ||w||^2               (1)
 *
 * with r = l1_ratio, sample weights s_i >= 0 (1 where none are given) and S = sum_i s_i, so that
 * only the proportions of the weights matter: without weights S = n. b is not penalised and is 0
 * without an intercept; with `positive`, w >= 0 is a constraint. This is scikit-learn's objective.
 *
 * **Certificate.** Write t and Z for y and X, centred by their weighted means (with an intercept),
 * rows times sqrt(s_i). For every theta in R^n the dual function
 *
 *     D(theta) = 1/S [ t'theta - ||theta||^2 / 2
 *                      - sum_j max(0, |z_j'theta| - S alpha r)^2 / (2 S alpha (1 - r)) ]  (2)
 *
 * (r = 1: minus infinity unless all |z_j'theta| <= S alpha; `positive`: z_j'theta instead of its
 * absolute value) is at most min F. Fits stop when the duality gap F(w, b) - D(theta), with theta
 * a multiple of the residuals t - Z w, is at most
 *
 *     tol * sum_i s_i (y_i - mean y)^2 / S,                                               (3)
 *
 * (mean y = 0 without an intercept), or at 1e-15 times that sum over S where tol is smaller: there
 * rounding ends. mlk_fit_info holds F, the gap over all p columns, and the passes made.
 *
 * **Method.** Working sets that grow by the largest correlations with the residuals [massias2018].
 * On each, cyclic coordinate descent with its Gram matrix ("covariance updates" [friedman2010])
 * finds which weights are not 0 and their signs; Newton steps on that face, with a Cholesky factor
 * kept from step to step and from alpha to alpha, find the weights. Sets too large for a Gram
 * matrix go by residuals, with Anderson extrapolation [bertrand2021]. Columns are left out by the
 * gap-safe sphere test [fercoq2015; ndiaye2017] and by bounds on how far their correlation can have
 * moved since it was computed; both are safe: no weight is lost. With n >= p and few columns the
 * whole Gram matrix is formed in one read of X, O(n p^2); otherwise a private copy of X by columns
 * is used. A check of all columns costs O(n p), a pass over m columns of which k move O(m k), a
 * step with k weights O(k^3) where the face is new and O(k^2) where it is not.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_elastic_net_opts_default(), then set fields. */
typedef struct mlk_elastic_net_opts {
    double alpha;       /**< Weight of the penalty in (1), in (0, inf). Default 1. */
    double l1_ratio;    /**< Share r of the L1 norm in (1), in [0, 1]. Default 0.5. */
    bool fit_intercept; /**< Estimate b; otherwise b = 0. Default true. */
    bool positive;      /**< Only weights >= 0. Default false. */
    double tol;         /**< Duality gap at which to stop, see (3), in [0, inf). Default 1e-4. */
    int64_t max_iter;   /**< Passes over a working set at most, >= 1. Default 1000. */
} mlk_elastic_net_opts;

/** The defaults stated with each field, which NULL for options means too. */
mlk_elastic_net_opts mlk_elastic_net_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_sparse_linear mlk_elastic_net;

/**
 * Minimise (1). A fit that ends at max_iter is no error: run->warn hears of it, and
 * mlk_elastic_net_info() says converged = 0 and the gap reached.
 *
 * @param[in]  data  X (n x p, finite), y (n targets, finite), w (n weights or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, cancellation, a log line a pass; or NULL.
 * @param[out] model The fitted model; release it with mlk_elastic_net_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain, or squares overflow.
 * @retval MLK_ENOMEM Out of memory.
 * @retval MLK_ECANCELLED
 */
mlk_status mlk_elastic_net_fit(const mlk_data *data, const mlk_elastic_net_opts *opts,
                               const mlk_run *run, mlk_elastic_net **model);

/**
 * Fit a whole path: models[k] minimises (1) with alphas[k] in place of opts->alpha. The order of
 * the alphas is free: each fit starts from that of the next larger alpha, and the data are
 * prepared once. Arguments and statuses as for mlk_elastic_net_fit(); on failure all models are
 * NULL.
 */
mlk_status mlk_elastic_net_path(const mlk_data *data, mlk_cvec alphas,
                                const mlk_elastic_net_opts *opts, const mlk_run *run,
                                mlk_elastic_net **models);

/**
 * The usual grid of alphas: from the smallest one at which all weights are 0, downwards in equal
 * ratios to eps times it, eps = 1e-3 where n > p, else 1e-2 (below, the fit interpolates). As that
 * first alpha is infinite for l1_ratio = 0, a ratio below 1e-3 is taken as 1e-3. A target without
 * any correlation to the columns gives the grid of first alpha 1. opts->alpha is not used.
 *
 * @param[out] alphas As many values as it has room for.
 */
mlk_status mlk_elastic_net_alphas(const mlk_data *data, const mlk_elastic_net_opts *opts,
                                  const mlk_run *run, mlk_vec alphas);

/** Write X w + b to @p out (length X.rows). X has the columns seen by fit. */
mlk_status mlk_elastic_net_predict(const mlk_elastic_net *model, mlk_cmat X, const mlk_run *run,
                                   mlk_vec out);

mlk_cvec mlk_elastic_net_coef(const mlk_elastic_net *model);     /**< w; lives with the model. */
double mlk_elastic_net_intercept(const mlk_elastic_net *model);  /**< b. */
mlk_fit_info mlk_elastic_net_info(const mlk_elastic_net *model); /**< F and its duality gap. */
void mlk_elastic_net_free(mlk_elastic_net *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_elastic_net_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
