#ifndef MLK_SVM_SVC_H
#define MLK_SVM_SVC_H

#include <mlkit/core.h>
#include <mlkit/kernel/kernel.h>
#include <mlkit/model.h>

/**
 * @file svc.h
 * @brief Support vector classification with a kernel.
 *
 * For two classes, y_i = +1 for the positive one and -1 for the other, minimises over a function w
 * of the kernel's space and a bias b
 *
 *     1/2 ||w||^2 + sum_i C_i max(0, 1 - y_i (w(x_i) + b)),   C_i = C s_i v_class             (1)
 *
 * with sample weights s_i and class weights v (class_weight = balanced: the total weight over
 * n_classes times the class's). Its dual
 *
 *     minimise 1/2 b'Kb - y'b,  0 <= y_i b_i <= C_i,  sum_i b_i = 0,  w = sum_i b_i k(x_i, .)  (2)
 *
 * is solved by decomposition with large working sets and second-order SMO [Fan, Chen and Lin 2005;
 * Wen et al. 2018] until the largest violation of its optimality conditions,
 * max over b_i that may rise of -g_i plus max over those that may fall of g_i, is at most `tol`
 * (LIBSVM's criterion; g the gradient of (2), in double). With `nu` given, the nu form [Schoelkopf
 * et al. 2000]: nu in (0, 1] bounds the share of margin errors from above and that of support
 * vectors from below; C is then not used. Where the classes overlap, nu must be large enough to
 * leave a margin [Crisp and Burges 1999]; else the fit is refused, MLK_ESINGULAR.
 *
 * More classes: one machine a pair (`ovo`); each votes, the class with most votes wins, and among
 * equals the first. Or one machine a class against all others (`ovr`); the largest decision value
 * wins. Decision values: two classes: one, positive for class 1; ovo: pairs (0|1), (0|2), ...,
 * (1|2), ..., positive for the first of the pair; ovr: one a class.
 *
 * With `probability`, each machine's decision values on folds that it has not seen (5, stratified,
 * by `seed`) calibrate a map to probabilities: a sigmoid [Platt 1999; Lin, Lin and Weng 2007] or
 * an isotonic step function; pairs are coupled [Wu, Lin and Weng 2004]. The predicted class is then
 * the most probable one, so that labels and probabilities never disagree; without `probability` it
 * follows from the decision values.
 *
 * Cost: about n p for each kernel row of a variable that ever moves; a cache of `cache_mb`
 * megabytes and O(n p) memory.
 */

MLK_BEGIN_DECLS

typedef enum mlk_svc_multi { MLK_SVC_OVO, MLK_SVC_OVR } mlk_svc_multi;
typedef enum mlk_svm_calibration { MLK_SVM_SIGMOID, MLK_SVM_ISOTONIC } mlk_svm_calibration;
typedef enum mlk_svm_class_weight { MLK_SVM_UNIFORM, MLK_SVM_BALANCED } mlk_svm_class_weight;

/** nu and max_iter when they are not given. */
#define MLK_SVM_NO_NU    (-1.0)
#define MLK_SVM_AUTO_CAP (-1)

/** Hyper-parameters. Start from mlk_svc_opts_default(), then set fields. */
typedef struct mlk_svc_opts {
    int kernel;       /**< A mlk_kernel_kind. Default rbf. */
    double C;         /**< Of (1), in (0, inf). Default 1. */
    double gamma;     /**< A number > 0, MLK_GAMMA_SCALE (default) or MLK_GAMMA_AUTO. */
    int64_t degree;   /**< Of poly, >= 0. Default 3. */
    double coef0;     /**< Of poly and sigmoid. Default 0. */
    double nu;        /**< In (0, 1]: the nu form; MLK_SVM_NO_NU (default): the C form. */
    double tol;       /**< Largest violation, in (0, inf). Default 1e-3. */
    int64_t max_iter; /**< Steps of SMO a machine, >= 1; default MLK_SVM_AUTO_CAP: 5e9 / n, at most
                           10 million, but at least 100 n: seconds. What converges needs
                           about 10 n; what does not is named with its cure. */
    bool shrinking;   /**< Set variables aside that stay at their bounds. Default true. */
    double cache_mb;  /**< Megabytes of kernel rows, in (0, inf). Default 200. */
    int class_weight; /**< A mlk_svm_class_weight. Default none. */
    bool probability; /**< Calibrate probabilities. Default false. */
    int calibration;  /**< A mlk_svm_calibration. Default sigmoid. */
    int multi_class;  /**< A mlk_svc_multi. Default ovo. */
    int64_t seed;     /**< Of the folds of the calibration. Default 0. */
} mlk_svc_opts;

/** The defaults named above. */
mlk_svc_opts mlk_svc_opts_default(void);

/** How the fit went; sums over the machines, but for the violation: the largest. */
typedef struct mlk_svm_info {
    size_t machines;        /**< 1, pairs, or classes. */
    int64_t iterations;     /**< Steps of SMO. */
    bool converged;         /**< All machines. */
    double primal, dual;    /**< Objectives: (1), and minus (2). nu form: LIBSVM's, /r^2. */
    double gap, violation;  /**< primal - dual; largest violation. In double. */
    size_t n_sv, n_bounded; /**< Support vectors (rows), and variables at their upper bound. */
} mlk_svm_info;

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_svc mlk_svc;

/**
 * Solve (2) for each machine.
 *
 * @param[in]  data  X (n x p, finite; precomputed: n x n kernel values), y (class numbers), w
 *                   (weights or empty; weight 0 is as absent).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL. A machine stopped by max_iter is
 *                   reported to run->warn with its gap.
 * @param[out] model The fitted model; release it with mlk_svc_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain; nu is infeasible for
 *                       the sizes of the classes; a class has no rows (of positive weight).
 * @retval MLK_ESINGULAR The nu form has no margin on this data.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_svc_fit(const mlk_data *data, const mlk_svc_opts *opts, const mlk_run *run,
                       mlk_svc **model);

/** Class numbers to @p out (length X.rows). */
mlk_status mlk_svc_predict(const mlk_svc *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** X.rows x mlk_svc_n_decisions() values. */
mlk_status mlk_svc_decision(const mlk_svc *model, mlk_cmat X, const mlk_run *run, mlk_mat out);
/** X.rows x n_classes. MLK_EUNSUPPORTED: fitted without `probability`. */
mlk_status mlk_svc_predict_proba(const mlk_svc *model, mlk_cmat X, const mlk_run *run, mlk_mat out);

/* What was learned; pointers live as long as the model. */
size_t mlk_svc_n_decisions(const mlk_svc *model);
mlk_cvec mlk_svc_intercept(const mlk_svc *model); /**< b of each decision value. */
/** Training row of support vector s < n_sv, in order of class, then row; known after fit only. */
size_t mlk_svc_support(const mlk_svc *model, size_t s);
/** n_sv x 1 (two classes), n_sv x (k - 1) (ovo: for the pairs of the vector's class, in order of
 *  the other one), n_sv x k (ovr): the b of (2). */
mlk_cmat mlk_svc_dual_coef(const mlk_svc *model);
mlk_svm_info mlk_svc_info(const mlk_svc *model); /**< Known after fit only. */
void mlk_svc_free(mlk_svc *model);               /**< NULL is allowed. */

extern const mlk_algo mlk_svc_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
