#include "svm/common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "model/algo.h"

const mlk_word mlk_svm_kernel_words[] = {{"rbf", MLK_KERNEL_RBF},
                                         {"linear", MLK_KERNEL_LINEAR},
                                         {"poly", MLK_KERNEL_POLY},
                                         {"sigmoid", MLK_KERNEL_SIGMOID},
                                         {"precomputed", MLK_KERNEL_PRECOMPUTED},
                                         {NULL, 0}};
const mlk_word mlk_svm_gamma_words[] = {
    {"scale", MLK_GAMMA_SCALE}, {"auto", MLK_GAMMA_AUTO}, {NULL, 0}};
const mlk_word mlk_svm_nu_words[] = {{"none", MLK_SVM_NO_NU}, {NULL, 0}};
const mlk_word mlk_svm_cap_words[] = {{"auto", MLK_SVM_AUTO_CAP}, {NULL, 0}};
const mlk_word mlk_svm_class_weight_words[] = {
    {"none", MLK_SVM_UNIFORM}, {"balanced", MLK_SVM_BALANCED}, {NULL, 0}};

mlk_status mlk_svm_kernel(int kind, double gamma, int64_t degree, double coef0, mlk_cmat X,
                          mlk_kernel *kernel)
{
    if (kind == MLK_KERNEL_PRECOMPUTED && X.rows != X.cols)
        return MLK_FAIL(MLK_EINVAL, "X is %zu x %zu; expected a square matrix of kernel values",
                        X.rows, X.cols);
    memset(kernel, 0, sizeof *kernel); /* padding too: kernels are compared as bytes */
    kernel->kind = kind;
    kernel->gamma = 1.0;
    if (kind != MLK_KERNEL_LINEAR && kind != MLK_KERNEL_PRECOMPUTED)
        kernel->gamma = mlk_kernel_gamma(gamma, X);
    kernel->coef0 = coef0;
    kernel->degree = degree;
    return MLK_OK;
}

mlk_status mlk_svm_balance(const mlk_data *data, double *balance)
{
    const size_t k = data->n_classes;
    double total = 0.0;
    memset(balance, 0, k * sizeof *balance);
    for (size_t i = 0; i < data->y.n; i++)
        balance[(size_t)data->y.data[i]] += mlk_weight(data->w, i);
    for (size_t c = 0; c < k; c++) {
        total += balance[c];
        if (!(balance[c] > 0.0))
            return MLK_FAIL(MLK_EINVAL, "class %zu has no rows%s; expected some of each class", c,
                            data->w.n ? " of positive weight" : "");
    }
    for (size_t c = 0; c < k; c++)
        balance[c] = total / ((double)k * balance[c]);
    return MLK_OK;
}

size_t mlk_svm_cap(int64_t max_iter, size_t n)
{
    const size_t work = 5000000000, most = 10000000; /* a step costs about n */
    if (max_iter != MLK_SVM_AUTO_CAP)
        return (size_t)max_iter;
    const size_t steps = work / n < most ? work / n : most;
    return 100 * n > steps ? 100 * n : steps;
}

void mlk_svm_rescale(double ratio, size_t n, size_t n_f, const double *lo, const double *hi,
                     double *beta, double *f, dual_path *path)
{
    path->moves *= ratio;
    path->reach *= ratio;
    path->rounding *= ratio;
    if (ratio == 0.0) {
        memset(beta, 0, n * sizeof *beta);
        memset(f, 0, n_f * sizeof *f);
        return;
    }
    for (size_t t = 0; t < n; t++) {
        /* What was at a bound is at the new one, to the last bit. */
        const double b = beta[t] * ratio, near = 1.0 - 1e-12;
        beta[t] = b > hi[t] * near && hi[t] > 0.0   ? hi[t]
                  : b < lo[t] * near && lo[t] < 0.0 ? lo[t]
                                                    : b;
    }
    for (size_t i = 0; i < n_f; i++)
        f[i] *= ratio;
}

/* Least and greatest standard deviation of the columns that are not constant. */
static bool column_sizes(mlk_cmat X, double *least, double *greatest)
{
    *least = INFINITY;
    *greatest = 0.0;
    for (size_t j = 0; j < X.cols; j++) {
        double mean = 0.0, variance = 0.0;
        for (size_t i = 0; i < X.rows; i++)
            mean += X.data[i * X.ld + j] / (double)X.rows;
        for (size_t i = 0; i < X.rows; i++)
            variance += pow(X.data[i * X.ld + j] - mean, 2.0) / (double)X.rows;
        if (variance > 0.0) {
            *least = fmin(*least, sqrt(variance));
            *greatest = fmax(*greatest, sqrt(variance));
        }
    }
    return *greatest > 20.0 * *least;
}

/* A warning, with the cure behind it: another scale where the columns' sizes differ much. */
static void warn(const mlk_run *run, mlk_cmat X, const char *what, const char *otherwise)
{
    double least, greatest;
    if (column_sizes(X, &least, &greatest))
        mlk_run_warn(run,
                     "%s; the columns' standard deviations range from %g to %g: scale the features "
                     "(standard)",
                     what, least, greatest);
    else
        mlk_run_warn(run, "%s; %s", what, otherwise);
}

void mlk_svm_warn(const mlk_svm_info *info, double tol, mlk_cmat X, const mlk_run *run)
{
    char what[256];
    if (info->converged || !run || !run->warn)
        return;
    snprintf(what, sizeof what,
             "stopped after %lld steps with violation %g > tol = %g, duality gap %g",
             (long long)info->iterations, info->violation, tol, info->gap);
    warn(run, X, what, "raise max_iter, or lower C");
}

void mlk_svm_warn_linear(const mlk_fit_info *info, mlk_cmat X, const mlk_run *run)
{
    char what[256];
    if (info->converged || !run || !run->warn)
        return;
    snprintf(what, sizeof what, "stopped after %lld steps with duality gap %g of objective %g",
             (long long)info->iterations, info->duality_gap, info->objective);
    warn(run, X, what, "raise max_iter or tol, or lower C");
}

mlk_fit_info mlk_svm_fit_info(const mlk_svm_info *info)
{
    mlk_fit_info out = mlk_fit_info_none();
    if (info->machines == 0)
        return out; /* loaded from a file */
    out.iterations = info->iterations;
    out.converged = info->converged;
    out.objective = info->primal;
    out.duality_gap = info->gap;
    out.kkt_violation = info->violation;
    return out;
}

void mlk_svm_info_learned(const mlk_svm_info *info, mlk_doc *to)
{
    if (info->machines == 0)
        return;
    mlk_doc_put_real(to, "dual_objective", info->dual);
    mlk_doc_put_int(to, "n_bounded", (int64_t)info->n_bounded);
}
