#include "linalg/linalg.h"

#include "support/mlk_test.h"

enum { N = 3000, P = 37, K = 5 };

static const int threads[] = {1, 2, 3, 8};

START_TEST(products_of_tall_matrices_are_those_of_plain_loops)
{
    const mlk_cmat X = test_random_mat(1, N, P), B = test_random_mat(2, P, K);
    const mlk_cmat Bt = test_random_mat(3, K, P);
    const mlk_cvec w = test_random_vec(4, P), r = test_random_vec(5, N);
    mlk_vec out = test_vec(N), first = test_vec(N), sums = test_vec(P), first_sums = test_vec(P);
    mlk_mat C = test_mat(N, K), D = test_mat(N, K);
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        const mlk_run run = {.threads = threads[t]};
        require_ok(mlk_affine(X, w, 0.75, &run, out));
        require_ok(mlk_gemv_t(X, r, &run, sums));
        require_ok(mlk_gemm_rows(X, MLK_NO_TRANS, B, &run, C));
        require_ok(mlk_gemm_rows(X, MLK_TRANS, Bt, &run, D));
        if (t == 0) {
            memcpy(first.data, out.data, N * sizeof(double));
            memcpy(first_sums.data, sums.data, P * sizeof(double));
        }
        require_same(first.data, out.data, N * sizeof(double));
        require_same(first_sums.data, sums.data, P * sizeof(double));
    }
    for (size_t i = 0; i < N; i++) {
        const double *x = X.data + i * P;
        require_close(out.data[i], 0.75 + test_dot(x, w.data, P), 1e-13);
        for (size_t k = 0; k < K; k++) {
            double sum = 0.0;
            for (size_t j = 0; j < P; j++)
                sum += x[j] * B.data[j * K + k];
            require_close(C.data[i * K + k], sum, 1e-13);
            require_close(D.data[i * K + k], test_dot(x, Bt.data + k * P, P), 1e-13);
        }
    }
    for (size_t j = 0; j < P; j++) {
        double sum = 0.0;
        for (size_t i = 0; i < N; i++)
            sum += X.data[i * P + j] * r.data[i];
        require_close(sums.data[j], sum, 1e-11);
    }
}
END_TEST

START_TEST(moments_and_ranges_of_columns)
{
    const mlk_cmat X = test_random_mat(6, N, P);
    const mlk_cvec z = test_random_vec(7, N);
    mlk_vec w = test_vec(N), mean = test_vec(P), var = test_vec(P), lo = test_vec(P);
    mlk_vec hi = test_vec(P);
    for (size_t i = 0; i < N; i++)
        w.data[i] = fabs(z.data[i]);
    for (int weighted = 0; weighted < 2; weighted++) {
        const mlk_cvec weights = weighted ? mlk_vec_c(w) : (mlk_cvec){NULL, 0};
        require_ok(mlk_column_moments(X, weights, NULL, mean, var));
        require_ok(mlk_column_range(X, NULL, lo, hi));
        for (size_t j = 0; j < P; j++) {
            double total = 0.0, sum = 0.0, square = 0.0, least = INFINITY, most = -INFINITY;
            for (size_t i = 0; i < N; i++) {
                const double s = weighted ? w.data[i] : 1.0, x = X.data[i * P + j];
                total += s;
                sum += s * x;
                least = fmin(least, x);
                most = fmax(most, x);
            }
            for (size_t i = 0; i < N; i++)
                square += (weighted ? w.data[i] : 1.0) * pow(X.data[i * P + j] - sum / total, 2.0);
            require_close(mean.data[j], sum / total, 1e-14);
            require_close(var.data[j], square / total, 1e-13);
            ck_assert(lo.data[j] == least && hi.data[j] == most);
        }
    }
}
END_TEST

START_TEST(transposes_and_row_products)
{
    const mlk_cmat X = test_random_mat(8, 150, P);
    mlk_mat T = test_mat(P, 150), G = test_mat(150, 150);
    require_ok(mlk_transpose(X, NULL, T));
    require_ok(mlk_gram_rows(X, NULL, G));
    for (size_t i = 0; i < 150; i++) {
        for (size_t j = 0; j < P; j++)
            ck_assert(T.data[j * 150 + i] == X.data[i * P + j]);
        for (size_t k = 0; k < 150; k++)
            require_close(G.data[i * 150 + k], test_dot(X.data + i * P, X.data + k * P, P), 1e-13);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linalg/product");
    TCase *tc = test_case(s, "product");
    tcase_add_test(tc, products_of_tall_matrices_are_those_of_plain_loops);
    tcase_add_test(tc, moments_and_ranges_of_columns);
    tcase_add_test(tc, transposes_and_row_products);
    return s;
}
