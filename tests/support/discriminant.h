#ifndef SUPPORT_DISCRIMINANT_H
#define SUPPORT_DISCRIMINANT_H

#include "support/mlk_test.h"

/* The rows of tests/reference/discriminant.py, and the queries. */
enum { CASE_ROWS = 18, CASE_QUERIES = 4 };
static const double case_X[] = {
    2.1, 0.4, 31, 1.3, 3.1, 28, 0.2, 2.4, 44, 4.9, 1.2, 37, 0.6, 0.3, 22, 3.3, 2.2, 19,
    1.1, 1.7, 11, 0.4, 4.1, 25, 2.8, 3.3, 42, 3.9, 0.9, 27, 1.6, 2.9, 35, 2.2, 1.8, 14,
    0.9, 0.7, 48, 4.4, 3.6, 23, 3.1, 2.6, 33, 1.9, 1.5, 17, 2.7, 0.1, 39, 0.8, 3.8, 21};
static const double case_y[] = {0, 1, 2, 0, 2, 1, 0, 2, 1, 0, 1, 0, 2, 1, 1, 0, 2, 2};
static const double case_Q[] = {1.0, 1.0, 30, 0.1, 3.0, 20, 4.0, 0.2, 12, 2.0, 2.0, 25};

static inline mlk_data case_data(void)
{
    return (mlk_data){.X = {case_X, CASE_ROWS, 3, 3}, .y = {case_y, CASE_ROWS}, .n_classes = 3};
}

static inline mlk_cmat case_queries(void) { return (mlk_cmat){case_Q, CASE_QUERIES, 3, 3}; }

/*
 * Gaussian scores -log det S_k / 2 - (x - m_k)'S_k^-1 (x - m_k) / 2 + log P(k) by their definition,
 * in long double, by elimination. pooled: one S, sum of squares over n - K; else over n_k - 1.
 * Scores of linear discriminants differ from these by what all classes have in common.
 */
mlk_mat literal_discriminant(const mlk_data *d, bool pooled, mlk_cmat Q);

/* Softmax of each row, in place. */
static inline void to_probabilities(mlk_mat A)
{
    for (size_t i = 0; i < A.rows; i++) {
        double *v = A.data + i * A.ld, top = -INFINITY, sum = 0.0;
        for (size_t c = 0; c < A.cols; c++)
            top = fmax(top, v[c]);
        for (size_t c = 0; c < A.cols; c++)
            sum += v[c] = exp(v[c] - top);
        for (size_t c = 0; c < A.cols; c++)
            v[c] /= sum;
    }
}

#endif
