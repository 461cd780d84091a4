#ifndef SELECTION_FORMULA_H
#define SELECTION_FORMULA_H

#include <mlkit/selection/folds.h>

#include "support/mlk_test.h"

/* The table and folds of tests/reference/cross_validate.py and search.py. */

enum { N = 60 };

static mlk_data formula_data(void)
{
    mlk_mat X = test_mat(N, 3);
    mlk_vec y = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        double *x = X.data + 3 * i;
        x[0] = (double)(i * 7 % 31) / 31;
        x[1] = (double)(i * i % 17) / 17;
        x[2] = (double)(i * 13 % 29) / 29 + (double)i / 60;
        y.data[i] = 2 * x[0] - x[1] + 0.5 * x[2] * x[2] + (double)(i * 11 % 19) / 19;
    }
    return (mlk_data){.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
}

static mlk_folds *formula_folds(void)
{
    size_t fold_of[N];
    mlk_folds *f;
    for (size_t i = 0; i < N; i++)
        fold_of[i] = i * 3 % 5;
    require_ok(mlk_folds_from(fold_of, N, 5, &f));
    return f;
}

#endif
