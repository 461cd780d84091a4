#include "support/discriminant.h"

/* Means of the classes (k x p) and their weights. */
static void class_means(const mlk_data *d, long double *mean, long double *weight)
{
    const size_t p = d->X.cols;
    for (size_t i = 0; i < d->X.rows; i++) {
        const size_t c = (size_t)d->y.data[i];
        const long double w = d->w.n ? d->w.data[i] : 1.0;
        weight[c] += w;
        for (size_t j = 0; j < p; j++)
            mean[c * p + j] += w * d->X.data[i * d->X.ld + j];
    }
    for (size_t c = 0; c < d->n_classes; c++)
        for (size_t j = 0; j < p; j++)
            mean[c * p + j] /= weight[c];
}

/* Adds the sums of squares and products of class c about its mean. */
static void add_scatter(const mlk_data *d, size_t c, const long double *mean, long double *S)
{
    const size_t p = d->X.cols;
    for (size_t i = 0; i < d->X.rows; i++)
        for (size_t a = 0; (size_t)d->y.data[i] == c && a < p; a++)
            for (size_t b = 0; b < p; b++)
                S[a * p + b] += (d->w.n ? d->w.data[i] : 1.0) *
                                (d->X.data[i * d->X.ld + a] - mean[c * p + a]) *
                                (d->X.data[i * d->X.ld + b] - mean[c * p + b]);
}

/* e'S^-1 e by elimination of [S e; e' 0], and log det S. */
static long double quadratic(const long double *S, const long double *e, size_t p,
                             long double *log_det)
{
    const size_t q = p + 1;
    long double *A = test_alloc(q * q * sizeof *A);
    *log_det = 0.0L;
    for (size_t a = 0; a < q; a++)
        for (size_t b = 0; b < q; b++)
            A[a * q + b] = a < p && b < p ? S[a * p + b] : a < p ? e[a] : b < p ? e[b] : 0.0L;
    for (size_t k = 0; k < p; k++) {
        *log_det += logl(A[k * q + k]);
        for (size_t a = k + 1; a < q; a++)
            for (size_t b = q; b-- > k;)
                A[a * q + b] -= A[a * q + k] / A[k * q + k] * A[k * q + b];
    }
    return -A[q * q - 1];
}

mlk_mat literal_discriminant(const mlk_data *d, bool pooled, mlk_cmat Q)
{
    const size_t p = d->X.cols, k = d->n_classes;
    long double *mean = test_alloc(k * p * sizeof *mean), *weight = test_alloc(k * sizeof *weight);
    long double *S = test_alloc(p * p * sizeof *S), *e = test_alloc(p * sizeof *e), total = 0.0L;
    mlk_mat out = test_mat(Q.rows, k);
    class_means(d, mean, weight);
    for (size_t c = 0; c < k; c++)
        total += weight[c];
    for (size_t c = 0; pooled && c < k; c++)
        add_scatter(d, c, mean, S);
    for (size_t c = 0; c < k; c++) {
        long double *own = test_alloc(p * p * sizeof *own), log_det;
        if (!pooled)
            add_scatter(d, c, mean, own);
        for (size_t a = 0; a < p * p; a++)
            own[a] = pooled ? S[a] / (total - (long double)k) : own[a] / (weight[c] - 1.0L);
        for (size_t i = 0; i < Q.rows; i++) {
            for (size_t j = 0; j < p; j++)
                e[j] = Q.data[i * Q.ld + j] - mean[c * p + j];
            const long double square = quadratic(own, e, p, &log_det);
            out.data[i * k + c] =
                (double)(-0.5L * log_det - 0.5L * square + logl(weight[c] / total));
        }
    }
    return out;
}
