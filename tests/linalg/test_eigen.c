#include "linalg/linalg.h"

#include "support/jacobi.h"

/* V diag(values) V' with an orthogonal V made of reflections. */
static mlk_mat with_spectrum(uint64_t seed, const double *values, size_t n)
{
    mlk_mat A = test_mat(n, n);
    for (size_t i = 0; i < n; i++)
        A.data[i * n + i] = values[i];
    for (uint64_t r = 0; r < 3; r++) { /* A <- H A H, H = I - 2 u u' */
        const mlk_cvec u = test_random_vec(seed + r, n);
        const double scale = 2.0 / test_dot(u.data, u.data, n);
        double *row = test_vec(n).data;
        for (int side = 0; side < 2; side++)
            for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < n; j++)
                    row[j] = side ? A.data[j * n + i] : A.data[i * n + j];
                const double along = scale * test_dot(row, u.data, n);
                for (size_t j = 0; j < n; j++)
                    A.data[side ? j * n + i : i * n + j] -= along * u.data[j];
            }
    }
    return A;
}

static void require_pairs(mlk_cmat A, mlk_cvec lambda, mlk_cmat V, double tol)
{
    for (size_t c = 0; c < lambda.n; c++) {
        double residual = 0.0;
        for (size_t i = 0; i < A.rows; i++) {
            double sum = -lambda.data[c] * V.data[i * V.ld + c];
            for (size_t j = 0; j < A.rows; j++)
                sum += A.data[i * A.ld + j] * V.data[j * V.ld + c];
            residual += sum * sum;
        }
        require_close(sqrt(residual), 0.0, tol * fabs(lambda.data[0]));
        for (size_t b = 0; b <= c; b++) {
            double dot = 0.0;
            for (size_t i = 0; i < A.rows; i++)
                dot += V.data[i * V.ld + b] * V.data[i * V.ld + c];
            require_close(dot, b == c, 1e-12);
        }
    }
}

enum { N = 450, K = 5 };

/* Spectra: falling, with a cluster, of low rank, with a multiple eigenvalue, of both signs. */
static double spectrum(int kind, size_t i)
{
    const double at = (double)i;
    return kind == 0   ? 100.0 / (1.0 + at)
           : kind == 1 ? (i < 3 ? 10.0 - 1e-6 * at : 9.0 / (1.0 + 0.01 * at))
           : kind == 2 ? (i < 6 ? 7.0 - at : 0.0)
           : kind == 3 ? (i < 4 ? 3.0 : 1.0 / (1.0 + at))
                       : (i % 2 ? -20.0 : 1.0) / (1.0 + at);
}

START_TEST(leading_pairs_are_those_of_the_spectrum)
{
    double values[N], sorted[N];
    for (size_t i = 0; i < N; i++)
        sorted[i] = values[i] = spectrum(_i, i);
    for (size_t i = 0; i < K; i++) /* the largest first */
        for (size_t j = i + 1; j < N; j++)
            if (sorted[j] > sorted[i]) {
                const double swap = sorted[i];
                sorted[i] = sorted[j];
                sorted[j] = swap;
            }
    const mlk_mat A = with_spectrum(30, values, N);
    mlk_mat copy = test_mat(N, N), V = test_mat(N, K), again = test_mat(N, K);
    mlk_vec lambda = test_vec(K), other = test_vec(K);
    memcpy(copy.data, A.data, N * N * sizeof(double));
    require_ok(mlk_eigh_top(copy, K, NULL, lambda, V));
    for (size_t c = 0; c < K; c++)
        require_close(lambda.data[c], sorted[c], 1e-12 * sorted[0]);
    require_pairs(mlk_mat_c(A), mlk_vec_c(lambda), mlk_mat_c(V), 1e-12);
    for (int threads = 1; threads <= 8; threads *= 2) {
        const mlk_run run = {.threads = threads};
        memcpy(copy.data, A.data, N * N * sizeof(double));
        require_ok(mlk_eigh_top(copy, K, &run, other, again));
        require_same(V.data, again.data, N * K * sizeof(double));
    }
}
END_TEST

START_TEST(a_few_rows_agree_with_jacobi)
{
    const mlk_cmat Z = test_random_mat(5, 40, 12);
    const mlk_mat A = test_covariance(Z);
    mlk_mat V = test_mat(12, 3), all = test_mat(12, 12), copy = test_covariance(Z);
    mlk_vec lambda = test_vec(3), values = test_vec(12);
    test_jacobi(mlk_mat_c(A), values, all);
    require_ok(mlk_eigh_top(copy, 3, NULL, lambda, V));
    for (size_t c = 0; c < 3; c++)
        require_relative(lambda.data[c], values.data[c], 1e-12);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    double values[N];
    for (size_t i = 0; i < N; i++)
        values[i] = spectrum(0, i);
    const mlk_mat A = with_spectrum(30, values, N);
    const mlk_run run = {.threads = 1};
    mlk_mat V = test_mat(N, K);
    mlk_vec lambda = test_vec(K);
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k += 1 + k / 8) {
        mlk_mat copy = test_mat(N, N);
        memcpy(copy.data, A.data, N * N * sizeof(double));
        mlk_test_fail_at = k;
        st = mlk_eigh_top(copy, K, &run, lambda, V);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
}
END_TEST

/* ---------------------------------------------------------------------- bands */

START_TEST(a_band_solves_as_plain_loops_multiply)
{
    const size_t n = 60, width = (size_t)_i;
    const mlk_cmat X = test_random_mat(7, n, 2), L = test_random_mat(8, n, n);
    mlk_mat A = test_mat(n, n), band = test_mat(n, width + 1), B = test_mat(n, 2);
    for (size_t i = 0; i < n; i++) /* A = L L' + I for a banded L has that band */
        for (size_t j = 0; j < n; j++) {
            for (size_t c = 0; c <= i && c <= j; c++)
                if (2 * (i - c) <= width && 2 * (j - c) <= width)
                    A.data[i * n + j] += L.data[i * n + c] * L.data[j * n + c];
            A.data[i * n + j] += i == j;
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i < width ? 0 : i - width; j <= i; j++)
            band.data[i * (width + 1) + width - (i - j)] = A.data[i * n + j];
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 2; c++)
            for (size_t j = 0; j < n; j++)
                B.data[2 * i + c] += A.data[i * n + j] * X.data[2 * j + c];
    require_ok(mlk_band_chol(band));
    mlk_band_solve(mlk_mat_c(band), B);
    for (size_t i = 0; i < 2 * n; i++)
        require_close(B.data[i], X.data[i], 1e-11);
    band.data[width] = -1.0;
    require_fail(mlk_band_chol(band), MLK_ESINGULAR, "the 60 x 60 band matrix is not positive");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linalg/eigen");
    tcase_add_loop_test(test_case(s, "spectra"), leading_pairs_are_those_of_the_spectrum, 0, 5);
    TCase *other = test_case(s, "others");
    tcase_add_test(other, a_few_rows_agree_with_jacobi);
    tcase_add_test(other, survives_each_failing_allocation);
    tcase_add_loop_test(test_case(s, "bands"), a_band_solves_as_plain_loops_multiply, 0, 8);
    return s;
}
