#include <mlkit/data/generate.h>

#include "support/mlk_test.h"

enum { N = 4000 };
static const double PI = 3.14159265358979323846;

START_TEST(moons_lie_on_their_half_circles)
{
    const mlk_mat X = test_mat(101, 2);
    const mlk_vec y = test_vec(101);
    require_ok(mlk_generate_moons(0.0, 1, X, y));
    for (size_t i = 0; i < X.rows; i++) {
        const double u = X.data[2 * i], v = X.data[2 * i + 1];
        ck_assert(y.data[i] == (i >= 51));
        require_close(y.data[i] ? hypot(u - 1.0, v - 0.5) : hypot(u, v), 1.0, 1e-15);
        ck_assert(y.data[i] ? v <= 0.5 + 1e-15 : v >= -1e-15);
    }
}
END_TEST

START_TEST(swiss_roll_lies_on_its_spiral)
{
    const mlk_mat X = test_mat(N, 3);
    const mlk_vec t = test_vec(N);
    require_ok(mlk_generate_swiss_roll(0.0, 1, X, t));
    for (size_t i = 0; i < N; i++) {
        const double *x = X.data + 3 * i;
        ck_assert(t.data[i] >= 1.5 * PI && t.data[i] < 4.5 * PI && x[1] >= 0.0 && x[1] < 21.0);
        require_close(x[0], t.data[i] * cos(t.data[i]), 1e-12);
        require_close(x[2], t.data[i] * sin(t.data[i]), 1e-12);
    }
}
END_TEST

START_TEST(friedman1_follows_its_formula)
{
    const mlk_mat X = test_mat(N, 7);
    const mlk_vec y = test_vec(N);
    require_ok(mlk_generate_friedman1(0.0, 1, X, y));
    for (size_t i = 0; i < N; i++) {
        const double *x = X.data + 7 * i;
        const double f =
            10.0 * sin(PI * x[0] * x[1]) + 20.0 * pow(x[2] - 0.5, 2.0) + 10.0 * x[3] + 5.0 * x[4];
        require_close(y.data[i], f, 1e-13);
    }
}
END_TEST

/* Means of N normal draws lie within six standard errors: a false alarm in 5e8. */
START_TEST(blobs_scatter_around_their_centres)
{
    enum { K = 3, P = 2 };
    const mlk_mat X = test_mat(N, P), C = test_mat(K, P);
    const mlk_vec y = test_vec(N), c = test_vec(K);
    require_ok(mlk_generate_blobs(K, 0.0, 5, C, c)); /* without noise: the centres */
    require_ok(mlk_generate_blobs(K, 0.7, 5, X, y));
    for (size_t k = 0; k < K; k++)
        for (size_t j = 0; j < P; j++) {
            double sum = 0.0, square = 0.0, n = 0.0;
            for (size_t i = k; i < N; i += K) {
                const double d = X.data[i * P + j] - C.data[k * P + j];
                ck_assert(y.data[i] == (double)k);
                sum += d;
                square += d * d;
                n += 1.0;
            }
            require_close(sum / n, 0.0, 6.0 * 0.7 / sqrt(n));
            require_close(square / n, 0.49, 6.0 * 0.49 * sqrt(2.0 / n));
        }
}
END_TEST

START_TEST(regression_is_linear_in_the_informative_columns)
{
    const mlk_mat X = test_mat(50, 6);
    const mlk_vec y = test_vec(50), w = test_vec(6);
    require_ok(mlk_generate_regression(4, 0.0, 2, X, y, w));
    ck_assert(w.data[3] != 0.0 && w.data[4] == 0.0 && w.data[5] == 0.0);
    for (size_t i = 0; i < 50; i++)
        require_close(y.data[i], test_dot(X.data + 6 * i, w.data, 6), 1e-12);
}
END_TEST

START_TEST(classes_lie_apart_in_the_informative_columns)
{
    enum { K = 3, P = 5, Q = 2 };
    const mlk_mat X = test_mat(N, P);
    const mlk_vec y = test_vec(N);
    require_ok(mlk_generate_classification(K, Q, 4.0, 0.0, 8, X, y));
    for (size_t k = 0; k < K; k++) {
        double mean[P] = {0};
        size_t n = 0;
        for (size_t i = k; i < N; i += K, n++)
            for (size_t j = 0; j < P; j++)
                mean[j] += X.data[i * P + j];
        for (size_t j = 0; j < P; j++)
            mean[j] /= (double)n;
        require_close(test_norm(mean, Q), 4.0, 6.0 / sqrt((double)n));
        for (size_t j = Q; j < P; j++)
            require_close(mean[j], 0.0, 6.0 / sqrt((double)n));
    }
    double changed = 0.0;
    require_ok(mlk_generate_classification(K, Q, 4.0, 0.3, 8, X, y));
    for (size_t i = 0; i < N; i++)
        changed += y.data[i] != (double)(i % K);
    require_close(changed / N, 0.2, 6.0 * sqrt(0.16 / N)); /* a third redrawn to itself */
}
END_TEST

START_TEST(same_seed_same_data)
{
    const mlk_mat X = test_mat(N, 5), Z = test_mat(N, 5);
    const mlk_vec y = test_vec(N), z = test_vec(N);
    require_ok(mlk_generate_friedman1(1.0, 9, X, y));
    require_ok(mlk_generate_friedman1(1.0, 9, Z, z));
    require_same(X.data, Z.data, N * 5 * sizeof(double));
    require_same(y.data, z.data, N * sizeof(double));
    require_ok(mlk_generate_friedman1(1.0, 10, Z, z));
    ck_assert(X.data[0] != Z.data[0]);
}
END_TEST

START_TEST(refuses_wrong_shapes_and_amounts)
{
    const mlk_mat X = test_mat(4, 3);
    const mlk_vec y = test_vec(4), y3 = test_vec(3), none = {NULL, 0};
    require_fail(mlk_generate_moons(0.1, 1, X, y), MLK_EINVAL, "X is 4 x 3; expected rows, and 2");
    require_fail(mlk_generate_friedman1(0.1, 1, X, y), MLK_EINVAL, "5 columns at least");
    require_fail(mlk_generate_swiss_roll(0.1, 1, X, y3), MLK_EINVAL, "X has 4 rows but y has 3");
    require_fail(mlk_generate_swiss_roll(-0.1, 1, X, y), MLK_EINVAL, "-0.1 is outside [0, inf)");
    require_fail(mlk_generate_blobs(0, 1.0, 1, X, y), MLK_EINVAL, "0 clouds");
    require_fail(mlk_generate_regression(4, 1.0, 1, X, y, none), MLK_EINVAL, "4 informative of 3");
    require_fail(mlk_generate_regression(2, 1.0, 1, X, y, y), MLK_EINVAL, "w has 4 values");
    require_fail(mlk_generate_classification(1, 1, 1.0, 0.0, 1, X, y), MLK_EINVAL, "1 classes");
    require_fail(mlk_generate_classification(2, 0, 1.0, 0.0, 1, X, y), MLK_EINVAL, "0 informative");
    require_fail(mlk_generate_classification(2, 1, 1.0, 1.5, 1, X, y), MLK_EINVAL, "share of 1.5");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("data/generate");
    TCase *rules = test_case(s, "rules");
    tcase_add_test(rules, moons_lie_on_their_half_circles);
    tcase_add_test(rules, swiss_roll_lies_on_its_spiral);
    tcase_add_test(rules, friedman1_follows_its_formula);
    tcase_add_test(rules, blobs_scatter_around_their_centres);
    tcase_add_test(rules, regression_is_linear_in_the_informative_columns);
    tcase_add_test(rules, classes_lie_apart_in_the_informative_columns);
    tcase_add_test(rules, same_seed_same_data);
    tcase_add_test(rules, refuses_wrong_shapes_and_amounts);
    return s;
}
