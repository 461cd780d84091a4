#ifndef MLK_SVM_LINEAR_SVC_H
#define MLK_SVM_LINEAR_SVC_H

#include <mlkit/core.h>
#include <mlkit/model.h>
#include <mlkit/svm/svc.h>

/**
 * @file linear_svc.h
 * @brief Linear support vector classification in the space of the features.
 *
 * For two classes, y_i = +1 for class 1 and -1 for class 0, minimises over w in R^p and b in R
 *
 *     pen(w) + sum_i C_i loss(y_i (x_i'w + b)),   C_i = C s_i v_class                         (1)
 *
 *     pen = 1/2 ||w||^2 (l2) or ||w||_1 (l1);  loss(m) = max(0, 1 - m)^2 or max(0, 1 - m)
 *
 * with sample weights s_i and class weights v (balanced: the total weight over n_classes times the
 * class's). b is not penalised, unless `penalize_intercept`: then b^2 / 2 (|b|) joins pen, as in
 * LIBLINEAR. More classes: one such problem a class against all others; the largest decision value
 * wins.
 *
 * Newton's method on the primal, with a Gram matrix that follows the rows of non-zero curvature
 * [Keerthi and DeCoste 2005]; the plain hinge as the limit of rounded ones [Chapelle 2007]. It ends
 * when the duality gap is at most tol / 100 of the objective: with the default, six digits
 * (for the plain hinge eight can be had: beyond, widths drown in rounding). Cost:
 * some ten passes over X, a few times n p^2 / 2 for those rows, and p^3 / 3 a step; O(n + p^2)
 * memory.
 */

MLK_BEGIN_DECLS

typedef enum mlk_linear_svc_loss { MLK_LOSS_SQUARED_HINGE, MLK_LOSS_HINGE } mlk_linear_svc_loss;
typedef enum mlk_linear_svc_penalty { MLK_LINEAR_SVC_L2, MLK_LINEAR_SVC_L1 } mlk_linear_svc_penalty;

/** Hyper-parameters. Start from mlk_linear_svc_opts_default(), then set fields. */
typedef struct mlk_linear_svc_opts {
    int loss;                /**< A mlk_linear_svc_loss. Default squared_hinge. */
    int penalty;             /**< A mlk_linear_svc_penalty. Default l2. */
    double C;                /**< Of (1), in (0, inf). Default 1. */
    bool penalize_intercept; /**< Default false. */
    double tol;              /**< 100 times the gap relative to the objective. Default 1e-4. */
    int64_t max_iter;        /**< Newton steps a problem, >= 1. Default 1000. */
    int class_weight;        /**< A mlk_svm_class_weight. Default none. */
} mlk_linear_svc_opts;

/** The defaults named above. */
mlk_linear_svc_opts mlk_linear_svc_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_linear_svc mlk_linear_svc;

/**
 * Minimise (1) for each problem.
 *
 * @param[in]  data  X (n x p, finite), y (class numbers), w (weights or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL. A fit that ends with a larger gap
 *                   says so to run->warn.
 * @param[out] model The fitted model; release it with mlk_linear_svc_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; a class without rows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_linear_svc_fit(const mlk_data *data, const mlk_linear_svc_opts *opts,
                              const mlk_run *run, mlk_linear_svc **model);

/** Class numbers to @p out (length X.rows). */
mlk_status mlk_linear_svc_predict(const mlk_linear_svc *model, mlk_cmat X, const mlk_run *run,
                                  mlk_vec out);
/** x'w + b: one column for two classes (positive for class 1), else one a class. */
mlk_status mlk_linear_svc_decision(const mlk_linear_svc *model, mlk_cmat X, const mlk_run *run,
                                   mlk_mat out);

mlk_cmat mlk_linear_svc_coef(const mlk_linear_svc *model);      /**< 1 x p, or n_classes x p. */
mlk_cvec mlk_linear_svc_intercept(const mlk_linear_svc *model); /**< b of each row of coef. */
/** Sums over the problems: Newton steps, objective (1), duality gap. */
mlk_fit_info mlk_linear_svc_info(const mlk_linear_svc *model);
void mlk_linear_svc_free(mlk_linear_svc *model); /**< NULL is allowed. */

extern const mlk_algo mlk_linear_svc_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
