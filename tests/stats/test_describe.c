#include <mlkit/stats/describe.h>

#include "support/mlk_test.h"

START_TEST(summarises_a_column_with_gaps)
{
    const double x[] = {4.0, NAN, 1.0, 3.0, 2.0, NAN, 10.0};
    mlk_description d;
    require_ok(mlk_describe((mlk_cvec){x, 7}, &d));
    ck_assert_uint_eq(d.n, 5);
    ck_assert_uint_eq(d.missing, 2);
    ck_assert_double_eq(d.mean, 4.0);
    require_relative(d.sd, sqrt(50.0 / 4.0), 4 * DBL_EPSILON);
    ck_assert_double_eq(d.min, 1.0);
    ck_assert_double_eq(d.q1, 2.0);
    ck_assert_double_eq(d.median, 3.0);
    ck_assert_double_eq(d.q3, 4.0);
    ck_assert_double_eq(d.max, 10.0);
}
END_TEST

START_TEST(nothing_to_describe_is_not_a_number)
{
    const double x[] = {NAN, NAN};
    mlk_description d;
    double out;
    require_ok(mlk_describe((mlk_cvec){x, 2}, &d));
    ck_assert(d.n == 0 && d.missing == 2 && isnan(d.mean) && isnan(d.sd) && isnan(d.median));
    ck_assert(isnan(mlk_mean((mlk_cvec){NULL, 0})) && isnan(mlk_variance((mlk_cvec){x, 2}, 0.0)));
    require_fail(
        mlk_quantiles((mlk_cvec){x, 2}, (mlk_cvec){(double[]){0.5}, 1}, (mlk_vec){&out, 1}),
        MLK_EINVAL, "no values; expected at least one");
}
END_TEST

/* NIST StRD, univariate: NumAcc1..4, certified mean and standard deviation. */
START_TEST(reaches_the_certified_digits_of_nist)
{
    const struct {
        double base, step;
        size_t n;
        double mean, sd, tol;
    } sets[] = {{1.2, 0.1, 1001, 1.2, 0.1, 1e-13},
                {1000000.2, 0.1, 1001, 1000000.2, 0.1, 1e-9},
                {10000000.2, 0.1, 1001, 10000000.2, 0.1, 1e-8}};
    for (size_t k = 0; k < MLK_COUNT(sets); k++) {
        mlk_vec x = test_vec(sets[k].n);
        for (size_t i = 0; i < x.n; i++) /* base, then base -+ step in turn */
            x.data[i] = i == 0 ? sets[k].base : sets[k].base + (i % 2 ? -0.1 : 0.1);
        require_relative(mlk_mean(mlk_vec_c(x)), sets[k].mean, 4 * DBL_EPSILON);
        require_relative(sqrt(mlk_variance(mlk_vec_c(x), 1.0)), sets[k].sd, sets[k].tol);
    }
    const double one[] = {10000001, 10000003, 10000002};
    ck_assert_double_eq(mlk_mean((mlk_cvec){one, 3}), 10000002.0);
    ck_assert_double_eq(mlk_variance((mlk_cvec){one, 3}, 1.0), 1.0);
}
END_TEST

START_TEST(quantiles_interpolate_between_order_statistics) /* NumPy 1.24, numpy.quantile */
{
    const double x[] = {7.1, -2.0, 3.3, 0.4, 12.5, 3.3}, q[] = {0.0, 0.1, 0.37, 0.5, 0.9, 1.0};
    const double expected[] = {-2.0, -0.8, 2.865, 3.3, 9.8, 12.5};
    double out[6];
    require_ok(mlk_quantiles((mlk_cvec){x, 6}, (mlk_cvec){q, 6}, (mlk_vec){out, 6}));
    for (int k = 0; k < 6; k++)
        require_close(out[k], expected[k], 1e-14 * 12.5);
    require_fail(mlk_quantiles((mlk_cvec){x, 6}, (mlk_cvec){(double[]){1.5}, 1}, (mlk_vec){out, 1}),
                 MLK_EINVAL, "quantile 1.5 is outside [0, 1]");
}
END_TEST

START_TEST(correlation_of_a_line_is_one)
{
    const mlk_cvec x = test_random_vec(3, 50);
    mlk_vec y = test_vec(50);
    for (size_t i = 0; i < 50; i++)
        y.data[i] = 1e3 - 2.0 * x.data[i];
    require_close(mlk_correlation(x, mlk_vec_c(y)), -1.0, 1e-14);
    for (size_t i = 0; i < 50; i++)
        y.data[i] = 3.0;
    ck_assert(isnan(mlk_correlation(x, mlk_vec_c(y))));
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cvec x = test_random_vec(3, 50);
    mlk_description d;
    mlk_test_fail_at = 0;
    require_fail(mlk_describe(x, &d), MLK_ENOMEM, "no memory for 50 values");
    require_ok(mlk_describe(x, &d));
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("stats/describe");
    TCase *tc = test_case(s, "describe");
    tcase_add_test(tc, summarises_a_column_with_gaps);
    tcase_add_test(tc, nothing_to_describe_is_not_a_number);
    tcase_add_test(tc, reaches_the_certified_digits_of_nist);
    tcase_add_test(tc, quantiles_interpolate_between_order_statistics);
    tcase_add_test(tc, correlation_of_a_line_is_one);
    tcase_add_test(tc, survives_each_failing_allocation);
    return s;
}
