#ifndef MLK_SVM_ONE_CLASS_SVM_H
#define MLK_SVM_ONE_CLASS_SVM_H

#include <mlkit/core.h>
#include <mlkit/kernel/kernel.h>
#include <mlkit/model.h>
#include <mlkit/svm/svc.h>

/**
 * @file one_class_svm.h
 * @brief Novelty detection: the smallest region of the kernel's space that holds most rows.
 *
 * Minimises over a function w of the kernel's space and an offset rho, with sample weights s_i of
 * sum S,
 *
 *     1/2 ||w||^2 - nu S rho + sum_i s_i max(0, rho - w(x_i))                                 (1)
 *
 * [Schoelkopf et al. 2001, times nu S] through its dual: minimise 1/2 a'Ka, 0 <= a_i <= s_i,
 * sum_i a_i = nu S. At most a share nu of the rows lie outside (decision value w(x) - rho < 0), at
 * least that share are support vectors. Solver, stopping and cost as in svc.h.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_one_class_svm_opts_default(), then set fields. */
typedef struct mlk_one_class_svm_opts {
    int kernel;       /**< A mlk_kernel_kind. Default rbf. */
    double nu;        /**< Of (1), in (0, 1]. Default 0.5. */
    double gamma;     /**< A number > 0, MLK_GAMMA_SCALE (default) or MLK_GAMMA_AUTO. */
    int64_t degree;   /**< Of poly, >= 0. Default 3. */
    double coef0;     /**< Of poly and sigmoid. Default 0. */
    double tol;       /**< Largest violation, in (0, inf). Default 1e-3. */
    int64_t max_iter; /**< Steps, >= 1, or MLK_SVM_AUTO_CAP (default); as in svc.h. */
    bool shrinking;   /**< Default true. */
    double cache_mb;  /**< Megabytes of kernel values, in (0, inf). Default 200. */
} mlk_one_class_svm_opts;

/** The defaults named above. */
mlk_one_class_svm_opts mlk_one_class_svm_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_one_class_svm mlk_one_class_svm;

/**
 * Minimise (1).
 *
 * @param[in]  data  X (n x p, finite; precomputed: n x n kernel values), w (weights or empty); y is
 *                   ignored.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_one_class_svm_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_one_class_svm_fit(const mlk_data *data, const mlk_one_class_svm_opts *opts,
                                 const mlk_run *run, mlk_one_class_svm **model);

/** 1 for outliers (decision value < 0), else 0, to @p out (length X.rows). */
mlk_status mlk_one_class_svm_predict(const mlk_one_class_svm *model, mlk_cmat X, const mlk_run *run,
                                     mlk_vec out);
/** w(x) - rho, positive for inliers, to @p out (length X.rows). */
mlk_status mlk_one_class_svm_decision(const mlk_one_class_svm *model, mlk_cmat X,
                                      const mlk_run *run, mlk_vec out);

double mlk_one_class_svm_offset(const mlk_one_class_svm *model);      /**< rho. */
mlk_cvec mlk_one_class_svm_dual_coef(const mlk_one_class_svm *model); /**< a_i. */
/** Training row of support vector s; known after fit only. */
size_t mlk_one_class_svm_support(const mlk_one_class_svm *model, size_t s);
mlk_svm_info mlk_one_class_svm_info(const mlk_one_class_svm *model); /**< After fit only. */
void mlk_one_class_svm_free(mlk_one_class_svm *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_one_class_svm_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
