#ifndef MLK_SVM_SVR_H
#define MLK_SVM_SVR_H

#include <mlkit/core.h>
#include <mlkit/kernel/kernel.h>
#include <mlkit/model.h>
#include <mlkit/svm/svc.h>

/**
 * @file svr.h
 * @brief Support vector regression with a kernel.
 *
 * Minimises over a function w of the kernel's space and a bias b, with sample weights s_i,
 *
 *     1/2 ||w||^2 + C sum_i s_i max(0, |y_i - w(x_i) - b| - epsilon)                          (1)
 *
 * through its dual: with b_i = a_i - a*_i, 0 <= a_i, a*_i <= C s_i, sum_i b_i = 0 and
 * w = sum_i b_i k(x_i, .), minimise 1/2 b'Kb - y'b + epsilon sum_i (a_i + a*_i). Solver, stopping
 * and cost as in svc.h. With `nu` given, the nu form [Schoelkopf et al. 2000]: epsilon is found
 * such that at most a share nu of the rows lie outside the tube and at least that share are
 * support vectors; the option epsilon is then not used.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_svr_opts_default(), then set fields. */
typedef struct mlk_svr_opts {
    int kernel;       /**< A mlk_kernel_kind. Default rbf. */
    double C;         /**< Of (1), in (0, inf). Default 1. */
    double epsilon;   /**< Of (1), in [0, inf). Default 0.1. */
    double gamma;     /**< A number > 0, MLK_GAMMA_SCALE (default) or MLK_GAMMA_AUTO. */
    int64_t degree;   /**< Of poly, >= 0. Default 3. */
    double coef0;     /**< Of poly and sigmoid. Default 0. */
    double nu;        /**< In (0, 1]: the nu form; MLK_SVM_NO_NU (default): the epsilon form. */
    double tol;       /**< Largest violation, in (0, inf). Default 1e-3. */
    int64_t max_iter; /**< Steps, >= 1, or MLK_SVM_AUTO_CAP (default); as in svc.h. */
    bool shrinking;   /**< Default true. */
    double cache_mb;  /**< Megabytes of kernel values, in (0, inf). Default 200. */
} mlk_svr_opts;

/** The defaults named above. */
mlk_svr_opts mlk_svr_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_svr mlk_svr;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite; precomputed: n x n kernel values), y (n targets), w (weights
 *                   or empty; weight 0 is as absent).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL. A fit stopped by max_iter is
 *                   reported to run->warn with its gap.
 * @param[out] model The fitted model; release it with mlk_svr_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_svr_fit(const mlk_data *data, const mlk_svr_opts *opts, const mlk_run *run,
                       mlk_svr **model);

/** Predictions to @p out (length X.rows). */
mlk_status mlk_svr_predict(const mlk_svr *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

double mlk_svr_intercept(const mlk_svr *model);         /**< b. */
double mlk_svr_epsilon(const mlk_svr *model);           /**< The tube's; nu form: as found. */
mlk_cvec mlk_svr_dual_coef(const mlk_svr *model);       /**< b_i of the support vectors. */
size_t mlk_svr_support(const mlk_svr *model, size_t s); /**< Training row; after fit only. */
mlk_svm_info mlk_svr_info(const mlk_svr *model);        /**< Known after fit only. */
void mlk_svr_free(mlk_svr *model);                      /**< NULL is allowed. */

extern const mlk_algo mlk_svr_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
