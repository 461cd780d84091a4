#include <mlkit/kernel/kernel.h>

#include "kernel/kernel.h"
#include "support/mlk_test.h"

static const mlk_kernel kernels[] = {
    {MLK_KERNEL_RBF, 0.3, 0.0, 3},   {MLK_KERNEL_LINEAR, 1.0, 0.0, 3},
    {MLK_KERNEL_POLY, 0.2, 1.0, 3},  {MLK_KERNEL_POLY, 0.1, -0.5, 2},
    {MLK_KERNEL_POLY, 2.0, 0.0, 5},  {MLK_KERNEL_SIGMOID, 0.1, -0.2, 3},
    {MLK_KERNEL_RBF, 300.0, 0.0, 3}, /* too sharp for single precision */
};

static double plain(const mlk_kernel *k, const double *a, const double *b, size_t p)
{
    double dot = 0.0, distance = 0.0;
    for (size_t j = 0; j < p; j++) {
        dot += a[j] * b[j];
        distance += (a[j] - b[j]) * (a[j] - b[j]);
    }
    if (k->kind == MLK_KERNEL_RBF)
        return exp(-k->gamma * distance);
    if (k->kind == MLK_KERNEL_POLY)
        return pow(k->gamma * dot + k->coef0, (double)k->degree);
    return k->kind == MLK_KERNEL_SIGMOID ? tanh(k->gamma * dot + k->coef0) : dot;
}

START_TEST(matrix_equals_plain_loops)
{
    const mlk_kernel *k = &kernels[_i];
    const mlk_cmat A = test_random_mat(1, 70, 5), B = test_random_mat(2, 33, 5);
    mlk_mat K = test_mat(70, 33);
    require_ok(mlk_kernel_matrix(k, A, B, NULL, K));
    for (size_t i = 0; i < 70; i++)
        for (size_t j = 0; j < 33; j++) {
            const double v = plain(k, A.data + 5 * i, B.data + 5 * j, 5);
            require_close(K.data[33 * i + j], v, 1e-12 * fmax(1.0, fabs(v)));
        }
}
END_TEST

/* In units of the greatest value on the diagonal. */
START_TEST(single_precision_tiles_are_near)
{
    const mlk_kernel *k = &kernels[_i];
    mlk_mat X = test_mat(90, 5);
    memcpy(X.data, test_random_mat(1, 90, 5).data, 450 * sizeof(double));
    for (size_t i = 0; i < 90 && k->kind == MLK_KERNEL_RBF; i++)
        X.data[5 * i] += 1000.0; /* an offset that cancels only when rows are centred */
    const size_t left[] = {3, 88, 17, 41}, right[] = {0, 3, 5, 60, 89};
    mlk_kernel_set set;
    mlk_kernel_pick a, b;
    double room[20];
    float tile[3 * 8];
    require_ok(mlk_kernel_set_init(&set, k, mlk_mat_c(X), NULL));
    require_ok(mlk_kernel_pick_init(&a, &set, 4));
    require_ok(mlk_kernel_pick_init(&b, &set, 5));
    ck_assert(set.wide == (k->gamma == 300.0));
    mlk_kernel_pick_rows(&a, left, 4);
    mlk_kernel_pick_rows(&b, right, 5);
    ck_assert_uint_le(mlk_kernel_room(&set, 3, 5), 20);
    mlk_kernel_tile(&a, 1, 3, &b, room, tile, 8);
    for (size_t r = 0; r < 3; r++)
        for (size_t c = 0; c < 5; c++) {
            const double v = plain(k, X.data + 5 * left[r + 1], X.data + 5 * right[c], 5);
            require_close(tile[8 * r + c], v / set.scale, 3e-6);
        }
    for (size_t i = 0; i < 90; i++)
        require_close(set.diagonal[i], plain(k, X.data + 5 * i, X.data + 5 * i, 5) / set.scale,
                      1e-6);
    mlk_kernel_pick_free(&a);
    mlk_kernel_pick_free(&b);
    mlk_kernel_set_free(&set);
}
END_TEST

/* The bound holds, and is not so wide as to say nothing. */
START_TEST(single_precision_errs_less_than_it_says)
{
    enum { N = 200, P = 40 };
    mlk_kernel k = kernels[_i];
    const mlk_cmat X = test_random_mat(7, N, P);
    mlk_kernel_set set;
    mlk_kernel_pick all;
    size_t index[N];
    double flat, steep, largest = 0.0;
    float *tile = test_alloc(sizeof(float) * N * N);
    k.gamma *= 0.05;
    require_ok(mlk_kernel_set_init(&set, &k, X, NULL));
    require_ok(mlk_kernel_pick_init(&all, &set, N));
    for (size_t i = 0; i < N; i++)
        index[i] = i;
    mlk_kernel_pick_rows(&all, index, N);
    mlk_kernel_tile(&all, 0, N, &all, test_mat(N, N).data, tile, N);
    mlk_kernel_error(&set, &flat, &steep);
    ck_assert(flat >= 0.0 && steep >= 0.0);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            const double v = plain(&k, X.data + P * i, X.data + P * j, P) / set.scale;
            const double bound =
                flat + steep * mlk_kernel_radius(&set, i) * mlk_kernel_radius(&set, j);
            ck_assert(fabs((double)tile[i * N + j] - v) <= bound);
            largest = fmax(largest, bound);
        }
    ck_assert(largest < 1e-3);
    mlk_kernel_pick_free(&all);
    mlk_kernel_set_free(&set);
}
END_TEST

START_TEST(gamma_has_words)
{
    const double x[] = {1.0, 2.0, 3.0, 6.0};
    const mlk_cmat X = {x, 2, 2, 2};
    require_close(mlk_kernel_gamma(0.7, X), 0.7, 0.0);
    require_close(mlk_kernel_gamma(MLK_GAMMA_AUTO, X), 0.5, 0.0);
    require_close(mlk_kernel_gamma(MLK_GAMMA_SCALE, X), 1.0 / (2.0 * 3.5), 1e-15);
    require_close(mlk_kernel_gamma(MLK_GAMMA_SCALE, (mlk_cmat){x, 1, 1, 1}), 1.0, 0.0);
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
    const mlk_cmat A = test_random_mat(1, 3, 2), B = test_random_mat(2, 3, 4);
    mlk_mat K = test_mat(3, 3), huge = test_mat(2, 1);
    mlk_kernel_set set;
    const mlk_kernel poly = {MLK_KERNEL_POLY, 1.0, 0.0, 9};
    huge.data[0] = 1e30;
    require_fail(mlk_kernel_matrix(&kernels[0], A, B, NULL, K), MLK_EINVAL, "A is 3 x 2, B 3 x 4");
    require_fail(mlk_kernel_set_init(&set, &poly, mlk_mat_c(huge), NULL), MLK_EINVAL,
                 "scale the features (standard)");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("kernel/kernel");
    TCase *values = test_case(s, "values"), *errors = test_case(s, "errors");
    tcase_add_loop_test(values, matrix_equals_plain_loops, 0, (int)MLK_COUNT(kernels));
    tcase_add_loop_test(values, single_precision_tiles_are_near, 0, (int)MLK_COUNT(kernels));
    tcase_add_test(values, gamma_has_words);
    tcase_add_loop_test(values, single_precision_errs_less_than_it_says, 0,
                        (int)MLK_COUNT(kernels));
    tcase_add_test(errors, refuses_what_does_not_fit);
    return s;
}
