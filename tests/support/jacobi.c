#include "support/jacobi.h"

static void rotate(long double *a, long double *v, size_t p, size_t i, size_t j)
{
    const long double theta = (a[j * p + j] - a[i * p + i]) / (2.0L * a[i * p + j]);
    const long double t =
        (theta >= 0.0L ? 1.0L : -1.0L) / (fabsl(theta) + sqrtl(theta * theta + 1.0L));
    const long double c = 1.0L / sqrtl(t * t + 1.0L), s = t * c;
    for (size_t k = 0; k < p; k++) {
        const long double x = a[k * p + i], y = a[k * p + j];
        a[k * p + i] = c * x - s * y;
        a[k * p + j] = s * x + c * y;
    }
    for (size_t k = 0; k < p; k++) {
        const long double x = a[i * p + k], y = a[j * p + k];
        a[i * p + k] = c * x - s * y;
        a[j * p + k] = s * x + c * y;
    }
    for (size_t k = 0; k < p; k++) {
        const long double x = v[k * p + i], y = v[k * p + j];
        v[k * p + i] = c * x - s * y;
        v[k * p + j] = s * x + c * y;
    }
}

void test_jacobi(mlk_cmat A, mlk_vec lambda, mlk_mat V)
{
    const size_t p = A.rows;
    long double *a = test_alloc(p * p * sizeof *a), *v = test_alloc(p * p * sizeof *v);
    for (size_t i = 0; i < p * p; i++) {
        a[i] = A.data[i / p * A.ld + i % p];
        v[i] = i / p == i % p;
    }
    for (int sweep = 0; sweep < 60; sweep++)
        for (size_t i = 0; i < p; i++)
            for (size_t j = i + 1; j < p; j++)
                if (a[i * p + j] != 0.0L)
                    rotate(a, v, p, i, j);
    bool *taken = test_alloc(p);
    for (size_t c = 0; c < p; c++) {
        size_t best = p;
        for (size_t i = 0; i < p; i++)
            if (!taken[i] && (best == p || a[i * p + i] > a[best * p + best]))
                best = i;
        taken[best] = true;
        lambda.data[c] = (double)a[best * p + best];
        for (size_t i = 0; i < p; i++)
            V.data[i * V.ld + c] = (double)v[i * p + best];
    }
}

mlk_mat test_covariance(mlk_cmat X)
{
    const size_t p = X.cols;
    mlk_mat C = test_mat(p, p);
    long double *mean = test_alloc(p * sizeof *mean);
    for (size_t i = 0; i < X.rows; i++)
        for (size_t j = 0; j < p; j++)
            mean[j] += X.data[i * X.ld + j] / (long double)X.rows;
    for (size_t a = 0; a < p; a++)
        for (size_t b = 0; b < p; b++) {
            long double sum = 0.0L;
            for (size_t i = 0; i < X.rows; i++)
                sum += (X.data[i * X.ld + a] - mean[a]) * (X.data[i * X.ld + b] - mean[b]);
            C.data[a * p + b] = (double)(sum / (long double)(X.rows - 1));
        }
    return C;
}
