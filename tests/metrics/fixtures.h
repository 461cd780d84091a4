#ifndef METRICS_FIXTURES_H
#define METRICS_FIXTURES_H

#include <mlkit/metrics/metric.h>

#include "support/mlk_test.h"

/* The data of tests/reference/metrics.py: N rows from whole-number formulas. */
enum { N = 60 };

static inline mlk_cvec fixture_weights(void)
{
    mlk_vec w = test_vec(N);
    for (size_t i = 0; i < N; i++)
        w.data[i] = 0.5 * (double)(i * 29 % 7);
    return mlk_vec_c(w);
}

static inline mlk_predictions fixture_regression(void)
{
    mlk_vec y = test_vec(N), f = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        y.data[i] = (double)(i * 37 % 101) / 10 - 4.05;
        f.data[i] = y.data[i] * 0.8 + (double)(i * 53 % 97) / 97 - 0.4;
    }
    return (mlk_predictions){
        .task = MLK_METRIC_REGRESSION, .truth = mlk_vec_c(y), .predicted = mlk_vec_c(f)};
}

static inline mlk_predictions fixture_binary(void)
{
    mlk_vec y = test_vec(N), f = test_vec(N);
    mlk_mat s = test_mat(N, 1);
    for (size_t i = 0; i < N; i++) {
        y.data[i] = i * 31 % 17 < 6;
        s.data[i] = (double)(i * 13 % 23) / 23 * 0.6 + 0.4 * y.data[i] * (double)(i * 7 % 5) / 5;
        f.data[i] = s.data[i] >= 0.4;
    }
    return (mlk_predictions){.task = MLK_METRIC_CLASSIFICATION,
                             .n_classes = 2,
                             .truth = mlk_vec_c(y),
                             .predicted = mlk_vec_c(f),
                             .probabilities = mlk_mat_c(s)};
}

static inline mlk_predictions fixture_classes(void)
{
    mlk_vec y = test_vec(N), f = test_vec(N);
    mlk_mat P = test_mat(N, 4);
    for (size_t i = 0; i < N; i++) {
        double sum = 0.0;
        y.data[i] = (double)(i * 7 % 11 % 4);
        for (size_t k = 0; k < 4; k++)
            sum += P.data[i * 4 + k] =
                (double)(1 + i * (k + 3) * 5 % 13 + ((double)k == y.data[i] ? 6 : 0));
        for (size_t k = 0; k < 4; k++) {
            if (P.data[i * 4 + k] > P.data[i * 4 + (size_t)f.data[i]])
                f.data[i] = (double)k;
        }
        for (size_t k = 0; k < 4; k++)
            P.data[i * 4 + k] /= sum;
    }
    return (mlk_predictions){.task = MLK_METRIC_CLASSIFICATION,
                             .n_classes = 4,
                             .truth = mlk_vec_c(y),
                             .predicted = mlk_vec_c(f),
                             .probabilities = mlk_mat_c(P)};
}

static inline mlk_predictions fixture_clusters(void)
{
    mlk_vec y = test_vec(N), f = test_vec(N);
    mlk_mat X = test_mat(N, 2);
    for (size_t i = 0; i < N; i++) {
        X.data[2 * i] = (double)(i * 17 % 59) / 59 + 0.7 * (double)(i % 3);
        X.data[2 * i + 1] = (double)(i * 43 % 61) / 61 - 0.4 * (double)(i % 3);
        y.data[i] = (double)(i % 3);
        f.data[i] = (double)(i * 11 % 13 < 9 ? i % 3 : i * 5 % 4);
    }
    return (mlk_predictions){.task = MLK_METRIC_CLUSTERING,
                             .truth = mlk_vec_c(y),
                             .predicted = mlk_vec_c(f),
                             .X = mlk_mat_c(X)};
}

/* The given rows of p (repeats allowed). */
static inline mlk_predictions fixture_rows(mlk_predictions p, const size_t *rows, size_t n)
{
    const mlk_cvec *from[] = {&p.truth, &p.predicted, &p.w};
    mlk_cvec to[3] = {{0}};
    const mlk_cmat *from_mat[] = {&p.probabilities, &p.scores, &p.X};
    mlk_cmat to_mat[3] = {{0}};
    for (size_t v = 0; v < 3; v++) {
        mlk_vec out = test_vec(from[v]->n ? n : 0);
        for (size_t i = 0; i < out.n; i++)
            out.data[i] = from[v]->data[rows[i]];
        to[v] = mlk_vec_c(out);
        mlk_mat A = test_mat(from_mat[v]->rows ? n : 0, from_mat[v]->cols);
        for (size_t i = 0; i < A.rows; i++)
            for (size_t j = 0; j < A.cols; j++)
                A.data[i * A.ld + j] = from_mat[v]->data[rows[i] * from_mat[v]->ld + j];
        to_mat[v] = mlk_mat_c(A);
    }
    p.truth = to[0], p.predicted = to[1], p.w = to[2];
    p.probabilities = to_mat[0], p.scores = to_mat[1], p.X = to_mat[2];
    return p;
}

#endif
