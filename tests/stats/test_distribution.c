#include <mlkit/stats/distribution.h>
#include <mlkit/stats/special.h>

#include "support/mlk_test.h"

enum kind { NORMAL_SF, T_SF, F_SF, F_CDF, CHI2_SF, CHI2_CDF };

static const struct reference {
    enum kind kind;
    double x, a, b, value;
} references[] = {
#include "stats/distributions.inc"
};

static double evaluate(const struct reference *r)
{
    switch (r->kind) {
    case NORMAL_SF:
        return mlk_normal_sf(r->x);
    case T_SF:
        return mlk_t_sf(r->x, r->a);
    case F_SF:
        return mlk_f_sf(r->x, r->a, r->b);
    case F_CDF:
        return mlk_f_cdf(r->x, r->a, r->b);
    case CHI2_SF:
        return mlk_chi2_sf(r->x, r->a);
    case CHI2_CDF:
        return mlk_chi2_cdf(r->x, r->a);
    }
    return NAN;
}

static double invert(const struct reference *r)
{
    switch (r->kind) {
    case NORMAL_SF:
        return mlk_normal_upper(r->value);
    case T_SF:
        return mlk_t_upper(r->value, r->a);
    case F_SF:
        return mlk_f_upper(r->value, r->a, r->b);
    case F_CDF:
        return mlk_f_quantile(r->value, r->a, r->b);
    case CHI2_SF:
        return mlk_chi2_upper(r->value, r->a);
    case CHI2_CDF:
        return mlk_chi2_quantile(r->value, r->a);
    }
    return NAN;
}

START_TEST(agrees_with_series_in_120_digits)
{
    const struct reference *r = &references[_i];
    const double value = evaluate(r), tol = 1e-14 * (1.0 + 0.5 * fabs(log(r->value)));
    ck_assert_msg(fabs(value - r->value) <= tol * r->value,
                  "kind %d at (%g, %g, %g): %.17g, expected %.17g, off by %.2g", (int)r->kind, r->x,
                  r->a, r->b, value, r->value, fabs(value / r->value - 1.0));
}
END_TEST

/* x moves by d log(p) / (x density / p) when p does; references rounded to doubles move it by a
 * unit in the last place of p, which near p = 1 is much. */
START_TEST(quantiles_return_to_where_they_came_from)
{
    const struct reference *r = &references[_i];
    struct reference near = *r;
    near.x = r->x * (1.0 + 1e-6);
    const double slope = fabs(evaluate(&near) - evaluate(r)) / 1e-6; /* x density */
    const double tol = 1e-13 + 4.0 * DBL_EPSILON * r->value / slope;
    const double x = invert(r);
    if (r->value > 0.999999)
        return; /* the figure has forgotten x */
    ck_assert_msg(fabs(x - r->x) <= tol * r->x, "kind %d at (%g, %g, %g): %.17g, off by %.2g",
                  (int)r->kind, r->x, r->a, r->b, x, fabs(x / r->x - 1.0));
}
END_TEST

START_TEST(tails_sum_to_one)
{
    for (double x = 0.01; x < 50.0; x *= 1.7) {
        require_relative(mlk_normal_cdf(x) + mlk_normal_sf(x), 1.0, 4 * DBL_EPSILON);
        for (double df = 0.7; df < 1e5; df *= 5.0) {
            require_relative(mlk_t_cdf(x, df) + mlk_t_sf(x, df), 1.0, 1e-14);
            require_relative(mlk_t_cdf(-x, df), mlk_t_sf(x, df), 1e-14);
            require_relative(mlk_chi2_cdf(x, df) + mlk_chi2_sf(x, df), 1.0, 1e-14);
            require_relative(mlk_f_cdf(x, df, 3.3) + mlk_f_sf(x, df, 3.3), 1.0, 1e-14);
            /* F(1, df) is the square of t(df), F with exchanged roles the reciprocal */
            require_relative(mlk_f_sf(x * x, 1.0, df), 2.0 * mlk_t_sf(x, df), 1e-13);
            require_relative(mlk_f_sf(x, 2.5, df), mlk_f_cdf(1.0 / x, df, 2.5), 1e-13);
        }
    }
}
END_TEST

START_TEST(has_the_closed_forms_of_small_parameters)
{
    for (double x = 0.001; x < 1e5; x *= 3.3) {
        require_relative(mlk_t_sf(x, 1.0), atan(1.0 / x) / acos(-1.0), 1e-14);
        require_relative(mlk_chi2_sf(x, 2.0), exp(-0.5 * x), 1e-14 * (1.0 + x));
        require_relative(mlk_f_sf(x, 2.0, 2.0), 1.0 / (1.0 + x), 1e-14);
        require_relative(mlk_chi2_cdf(x, 1.0), erf(sqrt(0.5 * x)), 1e-14);
    }
    require_close(mlk_log_beta(2.0, 3.0), -log(12.0), 1e-14);
    require_close(mlk_log_beta(0.5, 0.5), log(acos(-1.0)), 1e-14);
    require_relative(mlk_log_beta(1.0, 1e8), -log(1e8), 1e-14);
    require_close(mlk_log_gamma(-0.5), log(2.0 * sqrt(acos(-1.0))), 1e-14);
}
END_TEST

START_TEST(binomial_counts_coins)
{
    double sum = 0.0, term = pow(0.7, 20);
    for (int k = 0; k < 20; k++) {
        sum += term;
        require_relative(mlk_binomial_cdf(k, 20, 0.3), sum, 1e-14);
        term *= (20.0 - k) / (k + 1.0) * 0.3 / 0.7;
    }
    ck_assert_double_eq(mlk_binomial_cdf(20, 20, 0.3), 1.0);
    ck_assert_double_eq(mlk_binomial_sf(-1, 20, 0.3), 1.0);
    require_relative(mlk_binomial_sf(19, 20, 0.3), pow(0.3, 20), 1e-14);
}
END_TEST

START_TEST(limits_and_domains)
{
    ck_assert_double_eq(mlk_normal_sf(INFINITY), 0.0);
    ck_assert_double_eq(mlk_normal_cdf(INFINITY), 1.0);
    ck_assert(isinf(mlk_normal_quantile(1.0)) && mlk_normal_quantile(0.0) < 0.0);
    ck_assert_double_eq(mlk_normal_quantile(0.5), 0.0);
    ck_assert_double_eq(mlk_t_sf(2.0, INFINITY), mlk_normal_sf(2.0));
    ck_assert_double_eq(mlk_t_sf(INFINITY, 3.0), 0.0);
    ck_assert_double_eq(mlk_t_quantile(0.5, 3.0), 0.0);
    ck_assert_double_eq(mlk_f_sf(0.0, 2.0, 3.0), 1.0);
    ck_assert_double_eq(mlk_f_sf(INFINITY, 2.0, 3.0), 0.0);
    ck_assert_double_eq(mlk_f_cdf(-1.0, 2.0, 3.0), 0.0);
    require_relative(mlk_f_sf(1.7, 3.0, INFINITY), mlk_chi2_sf(5.1, 3.0), 1e-14);
    ck_assert_double_eq(mlk_chi2_sf(-3.0, 2.0), 1.0);
    ck_assert(isinf(mlk_chi2_quantile(1.0, 4.0)));
    ck_assert_double_eq(mlk_chi2_quantile(0.0, 4.0), 0.0);
    ck_assert(isnan(mlk_t_sf(1.0, 0.0)) && isnan(mlk_t_sf(NAN, 2.0)));
    ck_assert(isnan(mlk_t_upper(1.5, 2.0)) && isnan(mlk_normal_quantile(-0.1)));
    ck_assert(isnan(mlk_f_sf(1.0, -1.0, 2.0)) && isnan(mlk_chi2_sf(1.0, NAN)));
    ck_assert(isnan(mlk_beta_inc(0.0, 1.0, 0.5, 0.5)) && isnan(mlk_gamma_p(-1.0, 1.0)));
}
END_TEST

START_TEST(quantiles_hold_over_all_orders_of_magnitude)
{
    for (double p = 1e-300; p < 0.6; p *= 1e7)
        for (double df = 0.5; df < 1e7; df *= 20.0) {
            /* chi-squared: a rounded x moves the tail z sqrt(df / 2) times as much, z < 40 */
            const double tol = 1e-13 * (1.0 + fabs(log(p))) + 30.0 * sqrt(df) * DBL_EPSILON;
            require_relative(mlk_chi2_sf(mlk_chi2_upper(p, df), df), p, tol);
            if (df > 4.0) /* below, F and t leave the doubles */
                require_relative(mlk_f_sf(mlk_f_upper(p, 4.0, df), 4.0, df), p, tol);
            if (df > 4.0)
                require_relative(mlk_t_sf(mlk_t_upper(p, df), df), p, tol);
        }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("stats/distribution");
    TCase *values = test_case(s, "values");
    tcase_add_loop_test(values, agrees_with_series_in_120_digits, 0, (int)MLK_COUNT(references));
    tcase_add_loop_test(values, quantiles_return_to_where_they_came_from, 0,
                        (int)MLK_COUNT(references));
    tcase_add_test(values, tails_sum_to_one);
    tcase_add_test(values, has_the_closed_forms_of_small_parameters);
    tcase_add_test(values, binomial_counts_coins);
    tcase_add_test(values, limits_and_domains);
    tcase_add_test(values, quantiles_hold_over_all_orders_of_magnitude);
    return s;
}
