#ifndef SVM_COMMON_H
#define SVM_COMMON_H

#include <mlkit/svm/svc.h>

#include "svm/dual.h"

/* What the kernel machines share beside the solver. */

/* Rows of their option tables. */
extern const mlk_word mlk_svm_kernel_words[], mlk_svm_gamma_words[], mlk_svm_nu_words[],
    mlk_svm_cap_words[], mlk_svm_class_weight_words[];

#define SVM_KERNEL_OPTIONS(T)                                                                      \
    MLK_OPT_WORD(T, kernel, MLK_KERNEL_RBF, mlk_svm_kernel_words, "similarity of two rows"),       \
        MLK_OPT_REAL_WORDS(T, gamma, MLK_GAMMA_SCALE, 0.0, INFINITY, true, mlk_svm_gamma_words,    \
                           "of rbf, poly, sigmoid; scale: 1 / (p * variance), auto: 1 / p"),       \
        MLK_OPT_INT(T, degree, 3, 0, INT32_MAX, "of the polynomial"),                              \
        MLK_OPT_REAL(T, coef0, 0.0, -INFINITY, INFINITY, "constant of poly and sigmoid")

#define SVM_SOLVER_OPTIONS(T)                                                                      \
    MLK_OPT_REAL_OPEN(T, tol, 1e-3, 0.0, INFINITY, "largest violation of optimality allowed"),     \
        MLK_OPT_INT_WORDS(T, max_iter, MLK_SVM_AUTO_CAP, 1, INFINITY, mlk_svm_cap_words,           \
                          "steps a machine; auto: 5e9 / rows, but 100 a row at least"),            \
        MLK_OPT_BOOL(T, shrinking, true, "set variables at their bounds aside"),                   \
        MLK_OPT_REAL_OPEN(T, cache_mb, 200.0, 0.0, INFINITY, "megabytes of kernel values kept")

/* The kernel that options stand for on this design; p == n for precomputed: MLK_EINVAL. */
mlk_status mlk_svm_kernel(int kind, double gamma, int64_t degree, double coef0, mlk_cmat X,
                          mlk_kernel *kernel);

/* balance[c]: the weight of class c that gives each the same in all. MLK_EINVAL: a class without
 * rows of positive weight. */
mlk_status mlk_svm_balance(const mlk_data *data, double *balance);

/* Steps a machine of n rows may take. */
size_t mlk_svm_cap(int64_t max_iter, size_t n);

/* The start of a solve from the solution of another C: everything times their ratio, within the
 * bounds; ratio 0: nothing known, all 0. */
void mlk_svm_rescale(double ratio, size_t n, size_t n_f, const double *lo, const double *hi,
                     double *beta, double *f, dual_path *path);

/* The warning about a fit that was stopped; names the cure when the columns' sizes differ. */
void mlk_svm_warn(const mlk_svm_info *info, double tol, mlk_cmat X, const mlk_run *run);

/* The same of a linear machine. */
void mlk_svm_warn_linear(const mlk_fit_info *info, mlk_cmat X, const mlk_run *run);

mlk_fit_info mlk_svm_fit_info(const mlk_svm_info *info);
void mlk_svm_info_learned(const mlk_svm_info *info, mlk_doc *to);

#endif
