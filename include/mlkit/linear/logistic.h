#ifndef MLK_LINEAR_LOGISTIC_H
#define MLK_LINEAR_LOGISTIC_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file logistic.h
 * @brief Logistic regression: binary, multinomial (softmax) and one-versus-rest; L2, L1,
 *        elastic-net penalty or none.
 *
 * Minimises over the weights w_c in R^p and intercepts b_c in R
 *
 *     F(w, b) = C sum_i s_i u_{y_i} loss(y_i, z_i) + sum_c P(w_c),    z_ic = x_i'w_c + b_c    (1)
 *
 *     P(w) = ||w||^2 / 2 (l2),   ||w||_1 (l1),
 *            l1_ratio ||w||_1 + (1 - l1_ratio) ||w||^2 / 2 (elasticnet),   0 (none; no C either)
 *
 * with sample weights s_i (1 where none are given) and class weights u_c: 1, or with
 * class_weight = balanced (sum_i s_i) / (m sum_{y_i = c} s_i) for m classes present. As in
 * scikit-learn the sum is not divided by n. Intercepts are penalised only on request (then P is
 * taken of (w_c, b_c)).
 *
 * - **Two classes**: one row (w, b), loss = log(1 + exp(-z)) for class 1 and log(1 + exp(z)) for
 *   class 0.
 * - **More, multinomial**: a row a class, loss = log sum_c exp(z_ic) - z_{i y_i}. What
 *   has no penalty (b, as a rule) is determined up to a shift common to all classes: the solution
 *   returned sums to 0 over them.
 * - **More, ovr**: a row a class, each the two-class problem "this class or another" with the
 *   weights s_i u_{y_i} of its own two classes; F is the sum of these problems' objectives.
 *
 * A class without rows gets w_c = 0 and an intercept of -1e308 / 4: the limit of (1).
 *
 * **Certificate.** With v_c = C sum_i s_i u_{y_i} (p_ic - 1[y_i = c]) x_i, p the fitted
 * probabilities, and intercepts that balance them (sum_i of the same without x_i is 0), the
 * Fenchel dual of (1) at the point rho (p - 1[y]), 0 < rho <= 1, gives
 *
 *     F - min F <= G = (1 - rho) L + sum_cj [P(w_cj) + rho w_cj v_cj + P*(rho v_cj)]            (2)
 *
 * where L is the first term of (1) and P* the conjugate of P: v^2 / 2 (l2); 0 for |v| <= 1, else
 * infinite (l1), for which rho is the largest that keeps all |rho v_cj| <= 1;
 * max(|v| - l1_ratio, 0)^2 / (2 - 2 l1_ratio) (elasticnet). rho = 1 but for l1; for l2, G is half
 * the squared norm of the gradient. info.duality_gap is G (NaN without a penalty), and
 * info.kkt_violation the largest component of the minimum-norm subgradient of (1). The fit stops
 * where that is <= tol, or as small as rounding lets it be.
 *
 * **Solvers.** newton-cholesky: Newton's method on all weights at once [hastie2009, section 4.4.1],
 * O(n (kp)^2) an iteration for k > 2 classes and O(n p^2) for two. lbfgs: L-BFGS
 * [nocedal2006, algorithm 7.4] started from and preconditioned with the Hessian of a part of the
 * rows (where that is too large, with its blocks of single classes, taken anew at iterations 10,
 * 30, 90, ...); O(n k p) an iteration. prox-newton, for l1 and elasticnet: proximal Newton steps by
 * coordinate descent on a working set of weights [yuan2012, section 5]. auto takes prox-newton
 * for these penalties; otherwise newton-cholesky for small problems, else lbfgs.
 *
 * Without a penalty (1) has no minimiser when classes are separated: this is found out and said
 * in a warning, and the model (converged = 0) is the first that separates them.
 */

MLK_BEGIN_DECLS

typedef enum mlk_logistic_penalty {
    MLK_LOGISTIC_L2,
    MLK_LOGISTIC_L1,
    MLK_LOGISTIC_ELASTICNET,
    MLK_LOGISTIC_NONE
} mlk_logistic_penalty;

typedef enum mlk_logistic_multi_class {
    MLK_LOGISTIC_MULTINOMIAL,
    MLK_LOGISTIC_OVR
} mlk_logistic_multi_class;

typedef enum mlk_logistic_class_weight {
    MLK_LOGISTIC_EQUAL,
    MLK_LOGISTIC_BALANCED
} mlk_logistic_class_weight;

typedef enum mlk_logistic_solver {
    MLK_LOGISTIC_AUTO,
    MLK_LOGISTIC_LBFGS,
    MLK_LOGISTIC_NEWTON_CHOLESKY,
    MLK_LOGISTIC_PROX_NEWTON
} mlk_logistic_solver;

/** Hyper-parameters. Start from mlk_logistic_opts_default(), then set fields. An option that has
 *  no effect with the others as they are must keep its default: anything else is refused. */
typedef struct mlk_logistic_opts {
    int penalty;             /**< mlk_logistic_penalty. Default l2. */
    double C;                /**< Inverse strength of the penalty, in (0, inf). Default 1. */
    double l1_ratio;         /**< Share of L1 in elasticnet, in [0, 1]. Default 0.5. */
    int multi_class;         /**< mlk_logistic_multi_class. Default multinomial. */
    int class_weight;        /**< mlk_logistic_class_weight. Default none: all 1. */
    bool fit_intercept;      /**< Estimate b; otherwise b = 0. Default true. */
    bool penalize_intercept; /**< P covers b too. Default false. */
    double tol;              /**< Largest violation at which to stop, in (0, inf). Default 1e-4. */
    int64_t max_iter;        /**< Iterations at most, in [1, 2^31). Default 100. */
    int solver;              /**< mlk_logistic_solver. Default auto. */
} mlk_logistic_opts;

/** The defaults stated with each field, which NULL for options means too. */
mlk_logistic_opts mlk_logistic_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_logistic mlk_logistic;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite), y (n class numbers), n_classes >= 2, w (weights or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress, cancellation, warnings; or NULL.
 * @param[out] model The fitted model; release it with mlk_logistic_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; an option has no effect;
 *                    all rows of positive weight are of one class.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_logistic_fit(const mlk_data *data, const mlk_logistic_opts *opts, const mlk_run *run,
                            mlk_logistic **model);

/** The most probable class of each row to @p out (length X.rows); the lower number of a tie. */
mlk_status mlk_logistic_predict(const mlk_logistic *model, mlk_cmat X, const mlk_run *run,
                                mlk_vec out);
/** Probabilities, X.rows x n_classes; each row sums to 1. ovr: normalised. */
mlk_status mlk_logistic_predict_proba(const mlk_logistic *model, mlk_cmat X, const mlk_run *run,
                                      mlk_mat out);
/** z of (1): X.rows x rows of the coefficients. */
mlk_status mlk_logistic_decision(const mlk_logistic *model, mlk_cmat X, const mlk_run *run,
                                 mlk_mat out);

size_t mlk_logistic_n_classes(const mlk_logistic *model); /**< As in the data of the fit. */
/** w: one row for two classes, else one a class; lives as long as the model. */
mlk_cmat mlk_logistic_coef(const mlk_logistic *model);
mlk_cvec
mlk_logistic_intercept(const mlk_logistic *model); /**< b, one a row of the coefficients. */
mlk_fit_info
mlk_logistic_info(const mlk_logistic *model); /**< Objective (1), gap (2), violation. */
void mlk_logistic_free(mlk_logistic *model);  /**< NULL is allowed. */

extern const mlk_algo mlk_logistic_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
