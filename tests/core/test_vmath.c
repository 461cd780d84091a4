#include "core/vmath.h"

#include "core/rng.h"
#include "support/mlk_test.h"

/* Distance from the exact value, given in long double, in units of the last place of a double. */
static double ulps(double got, long double exact)
{
    int exponent;
    (void)frexp((double)exact, &exponent);
    const int last = exponent - 53 < -1074 ? -1074 : exponent - 53;
    return (double)fabsl(ldexpl((long double)got - exact, -last));
}

START_TEST(exp_is_within_one_unit_in_the_last_place)
{
    enum { N = 200000 };
    const double width[] = {1e-9, 0.5, 20.0, 708.0};
    mlk_rng rng = mlk_rng_stream(1, 1);
    double *x = test_alloc(N * sizeof *x), *y = test_alloc(N * sizeof *y);
    for (size_t i = 0; i < N; i++)
        x[i] = (2.0 * mlk_rng_uniform(&rng) - 1.0) * width[i % MLK_COUNT(width)];
    mlk_vexp(x, N, y);
    for (size_t i = 0; i < N; i++)
        ck_assert_msg(ulps(y[i], expl(x[i])) < 1.0, "exp(%.17g) = %.17g", x[i], y[i]);
    mlk_vexp(x, N, x);
    require_same(x, y, N * sizeof *x);
}
END_TEST

START_TEST(exp_keeps_its_special_values)
{
    const double x[] = {0.0, -0.0, 1e300, INFINITY, -1e300, -INFINITY, 709.782, 709.783, NAN};
    const double e[] = {1.0, 1.0, INFINITY, INFINITY, 0.0, 0.0, exp(709.782), exp(709.783), NAN};
    double y[MLK_COUNT(x)];
    mlk_vexp(x, MLK_COUNT(x), y);
    for (size_t i = 0; i < MLK_COUNT(x); i++)
        ck_assert_msg(isnan(e[i]) ? isnan(y[i]) : y[i] == e[i] || fabs(y[i] / e[i] - 1.0) < 3e-16,
                      "exp(%g) = %.17g, not %.17g", x[i], y[i], e[i]);
    for (double t = -745.0; t < -708.0; t += 0.37) /* subnormal: rounded twice */
        ck_assert_msg(ulps(mlk_exp(t), expl(t)) <= 1.5, "exp(%g) = %g", t, mlk_exp(t));
}
END_TEST

START_TEST(log1p_is_within_one_unit_in_the_last_place)
{
    mlk_rng rng = mlk_rng_stream(2, 1);
    for (size_t i = 0; i < 200000; i++) {
        const double u = mlk_rng_uniform(&rng), e = 60.0 * mlk_rng_uniform(&rng) - 40.0;
        const double xs[] = {u, -0.999 * u, exp(e), -exp(-fabs(e)) * 0.9};
        for (size_t k = 0; k < MLK_COUNT(xs); k++)
            ck_assert_msg(ulps(mlk_log1p(xs[k]), log1pl(xs[k])) < 1.0, "log1p(%.17g) = %.17g",
                          xs[k], mlk_log1p(xs[k]));
    }
}
END_TEST

START_TEST(log1p_keeps_its_special_values)
{
    ck_assert(mlk_log1p(0.0) == 0.0 && !signbit(mlk_log1p(0.0)) && signbit(mlk_log1p(-0.0)));
    ck_assert(mlk_log1p(1e-320) == 1e-320 && mlk_log1p(INFINITY) == (double)INFINITY);
    ck_assert(mlk_log1p(-1.0) == -(double)INFINITY);
    ck_assert(isnan(mlk_log1p(-1.5)) && isnan(mlk_log1p(NAN)));
    require_relative(mlk_log1p(1e300), log1p(1e300), 3e-16);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/vmath");
    TCase *tc = test_case(s, "vmath");
    tcase_add_test(tc, exp_is_within_one_unit_in_the_last_place);
    tcase_add_test(tc, exp_keeps_its_special_values);
    tcase_add_test(tc, log1p_is_within_one_unit_in_the_last_place);
    tcase_add_test(tc, log1p_keeps_its_special_values);
    return s;
}
