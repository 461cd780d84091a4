#ifndef SVM_CASES_H
#define SVM_CASES_H

/* What the tests of the kernel machines share: the data of the reference solutions, the kernels
 * by plain loops, and the reference solutions themselves. */

#include <stdio.h>

#include <mlkit/kernel/kernel.h>
#include <mlkit/model.h>

#include "support/mlk_test.h"

typedef struct svm_case {
    const char *data, *form, *kernel;
    double C, gamma, coef0;
    int degree;
    double nu, epsilon, objective;
    size_t n_sv, n_bounded;
    double decision[5]; /* of rows 0, 7, 14, 21, 28 */
} svm_case;

static const svm_case svm_cases[] = {
#include "svm/libsvm_cases.inc"
};

static const size_t case_rows[] = {0, 7, 14, 21, 28};

static inline int kernel_kind(const char *name)
{
    static const char *const names[] = {"rbf", "linear", "poly", "sigmoid"};
    int kind = 0;
    while (strcmp(names[kind], name) != 0)
        kind++;
    return kind;
}

/* k(a, b) as kernel.h defines it. */
static inline double plain_kernel(const mlk_kernel *k, const double *a, const double *b, size_t p)
{
    double dot = 0.0, distance = 0.0;
    for (size_t j = 0; j < p; j++) {
        dot += a[j] * b[j];
        distance += (a[j] - b[j]) * (a[j] - b[j]);
    }
    switch (k->kind) {
    case MLK_KERNEL_RBF:
        return exp(-k->gamma * distance);
    case MLK_KERNEL_POLY:
        return pow(k->gamma * dot + k->coef0, (double)k->degree);
    case MLK_KERNEL_SIGMOID:
        return tanh(k->gamma * dot + k->coef0);
    default:
        return dot;
    }
}

/* f_i = sum_j b_j k(x_i, x_j) */
static inline mlk_vec plain_sums(const mlk_kernel *k, mlk_cmat X, mlk_cvec b)
{
    mlk_vec f = test_vec(X.rows);
    for (size_t j = 0; j < X.rows; j++)
        if (b.data[j] != 0.0)
            for (size_t i = 0; i < X.rows; i++)
                f.data[i] +=
                    b.data[j] * plain_kernel(k, X.data + i * X.ld, X.data + j * X.ld, X.cols);
    return f;
}

/* Mean 0 and variance 1 with divisor n. */
static inline mlk_cmat standardised(mlk_mat X)
{
    for (size_t j = 0; j < X.cols; j++) {
        double mean = 0.0, var = 0.0;
        for (size_t i = 0; i < X.rows; i++)
            mean += X.data[i * X.ld + j] / (double)X.rows;
        for (size_t i = 0; i < X.rows; i++)
            var += (X.data[i * X.ld + j] - mean) * (X.data[i * X.ld + j] - mean) / (double)X.rows;
        for (size_t i = 0; i < X.rows; i++)
            X.data[i * X.ld + j] = (X.data[i * X.ld + j] - mean) / sqrt(var);
    }
    return mlk_mat_c(X);
}

/* The class numbers of texts: their places in bytewise order. */
static inline size_t number_classes(char (*texts)[32], size_t n, double *y)
{
    size_t k = 0;
    char(*levels)[32] = test_alloc(n * sizeof *levels);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        while (at < k && strcmp(levels[at], texts[i]) < 0)
            at++;
        if (at < k && strcmp(levels[at], texts[i]) == 0)
            continue;
        memmove(levels + at + 1, levels + at, (k - at) * sizeof *levels);
        strcpy(levels[at], texts[i]);
        k++;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++)
            if (strcmp(levels[c], texts[i]) == 0)
                y[i] = (double)c;
    return k;
}

/* Up to `rows` rows of a CSV with classes in column `target`; the columns of `skip` are left out.
 */
static inline mlk_data read_classes(const char *path, size_t rows, size_t target, size_t skip)
{
    const mlk_cmat all = test_read_csv(path);
    const size_t n = all.rows < rows ? all.rows : rows;
    const size_t p = all.cols - 1 - (skip < all.cols);
    mlk_mat X = test_mat(n, p);
    mlk_vec y = test_vec(n);
    char(*texts)[32] = test_alloc(n * sizeof *texts), line[4096];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        const char *field = line;
        for (size_t j = 0; j < target; j++)
            field = strchr(field, ',') + 1;
        const size_t length = strcspn(field, ",\n");
        memcpy(texts[i], field, length);
        for (size_t j = 0, at = 0; j < all.cols; j++)
            if (j != target && j != skip)
                X.data[i * p + at++] = all.data[i * all.cols + j];
    }
    fclose(f);
    const size_t k = number_classes(texts, n, y.data);
    return (mlk_data){.X = standardised(X), .y = mlk_vec_c(y), .n_classes = k};
}

static inline mlk_data read_heart(const char *path)
{
    mlk_mat X = test_mat(270, 13);
    mlk_vec y = test_vec(270);
    char line[1024];
    FILE *f = fopen(path, "r");
    for (size_t i = 0; i < 270; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        y.data[i] = line[0] == '+';
        for (char *at = strchr(line, ' '), *next; at && *at; at = next) {
            const long j = strtol(at, &next, 10);
            if (next == at || *next != ':')
                break;
            X.data[i * 13 + (size_t)j - 1] = strtod(next + 1, &next);
        }
    }
    fclose(f);
    return (mlk_data){.X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = 2};
}

/* The first rows of the housing table without total_bedrooms and ocean_proximity; values / 1e5. */
static inline mlk_data read_housing(const char *path, size_t rows)
{
    static const size_t columns[] = {0, 1, 2, 3, 5, 6, 7};
    const mlk_cmat all = test_read_csv(path);
    mlk_mat X = test_mat(rows, MLK_COUNT(columns));
    mlk_vec y = test_vec(rows);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < X.cols; j++)
            X.data[i * X.cols + j] = all.data[i * all.cols + columns[j]];
        y.data[i] = all.data[i * all.cols + 8] / 1e5;
    }
    return (mlk_data){.X = standardised(X), .y = mlk_vec_c(y)};
}

/* The data of a case; false where it is not there. */
static inline bool case_data(const char *name, mlk_data *data)
{
    const char *file = strcmp(name, "heart") == 0    ? "datasets/heart_scale.svm"
                       : strcmp(name, "sonar") == 0  ? "datasets/sonar.csv"
                       : strcmp(name, "vowel") == 0  ? "datasets/vowel.csv"
                       : strcmp(name, "letter") == 0 ? "datasets/letter.csv"
                                                     : "datasets/california_housing.csv";
    const char *path = test_shared_path(file);
    if (!path)
        return false;
    if (strcmp(name, "heart") == 0)
        *data = read_heart(path);
    else if (strcmp(name, "sonar") == 0)
        *data = read_classes(path, SIZE_MAX, 60, SIZE_MAX);
    else if (strcmp(name, "vowel") == 0)
        *data = read_classes(path, SIZE_MAX, 10, 0);
    else if (strcmp(name, "letter") == 0)
        *data = read_classes(path, 1500, 16, SIZE_MAX);
    else
        *data = read_housing(path, strcmp(name, "housing") == 0 ? 1000 : 300);
    return true;
}

#endif
