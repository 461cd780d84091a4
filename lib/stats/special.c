#include "stats/special.h"

#include <float.h>
#include <math.h>

static const double two_pi = 6.283185307179586476925286766559;

/* Far more than the O(sqrt(parameters)) steps that a series or fraction takes. */
static const double MAX_STEPS = 1e6;

double mlk_log_gamma(double x)
{
    int sign; /* lgamma() would write a global instead */
    return lgamma_r(x, &sign);
}

/*
 * log(x!) - log(sqrt(2 pi x) (x / e)^x), the error of Stirling's formula: its asymptotic series
 * from 16 on, below that by the recurrence d(x) = d(x + 1) + (x + 1/2) log(1 + 1/x) - 1.
 */
static double stirling_error(double x)
{
    double shift = 0.0;
    for (; x < 16.0; x += 1.0)
        shift += (x + 0.5) * log1p(1.0 / x) - 1.0;
    const double z = 1.0 / (x * x);
    const double series =
        (1.0 / 12 -
         (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188 - 691.0 / 360360 * z) * z) * z) * z) *
             z) /
        x;
    return series + shift;
}

/*
 * x log(x / m) + m - x without cancellation for x near m [loader2000, bd0]; d = x - m, which the
 * caller may know better than the difference of the rounded two.
 */
static double deviance(double x, double m, double d)
{
    if (fabs(d) >= 0.1 * (x + m))
        return x > 0.0 ? x * log(x / m) - d : m;
    const double v = d / (x + m);
    double sum = d * v, term = 2.0 * x * v, before = NAN;
    for (int j = 3; sum != before && j < 100; j += 2) {
        before = sum;
        term *= v * v;
        sum += term / j;
    }
    return sum;
}

/* log(a / n) where n - a = b. */
static double log_share(double a, double b, double n) { return b < a ? log1p(-b / n) : log(a / n); }

/* a y - b x = a - (a + b) x = (a + b) y - b, from the smaller of x and y: the exacter one. */
static double excess_over_mean(double a, double b, double x, double y)
{
    return x < y ? a - (a + b) * x : (a + b) * y - b;
}

double mlk_log_beta(double a, double b)
{
    if (!(a > 0.0 && b > 0.0))
        return NAN;
    const double n = a + b;
    return stirling_error(a) + stirling_error(b) - stirling_error(n) +
           0.5 * log(two_pi * n / (a * b)) + a * log_share(a, b, n) + b * log_share(b, a, n);
}

double mlk_poisson_term(double a, double x)
{
    if (a == 0.0)
        return exp(-x);
    return exp(-stirling_error(a) - deviance(a, x, a - x)) / sqrt(two_pi * a);
}

double mlk_binomial_term(double a, double b, double x, double y)
{
    const double n = a + b;
    if (a == 0.0)
        return exp(b * (x < 0.1 ? log1p(-x) : log(y)));
    if (b == 0.0)
        return exp(a * (y < 0.1 ? log1p(-y) : log(x)));
    const double off = excess_over_mean(a, b, x, y);
    const double d = stirling_error(n) - stirling_error(a) - stirling_error(b);
    return exp(d - deviance(a, n * x, off) - deviance(b, n * y, -off)) * sqrt(n / (two_pi * a * b));
}

/* --------------------------------------------------------- incomplete gamma */

/* P(a, x) as a power series, for x < a + 1 [dlmf, 8.7.1]. */
static double gamma_series(double a, double x)
{
    double sum = 1.0, term = 1.0;
    for (double k = a + 1.0; term > sum * (0.1 * DBL_EPSILON); k += 1.0)
        sum += term *= x / k;
    return sum * mlk_poisson_term(a, x);
}

/*
 * Continued fractions b0 + a1/(b1 + a2/(b2 + ...)) by Lentz's method [thompson1986]: one step.
 * The value is the product of the factors returned; it has converged when they reach 1.
 */
typedef struct lentz {
    double c, d;
} lentz;

static double lentz_step(lentz *f, double a, double b)
{
    const double tiny = 1e-300;
    f->d = b + a * f->d;
    f->c = b + a / f->c;
    if (fabs(f->d) < tiny)
        f->d = tiny;
    if (fabs(f->c) < tiny)
        f->c = tiny;
    f->d = 1.0 / f->d;
    return f->c * f->d;
}

/* Q(a, x) for x >= a + 1 [dlmf, 8.9.2, even part]. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1.0 - a, value = b, factor = 0.0;
    lentz f = {b, 0.0};
    for (double k = 1.0; fabs(factor - 1.0) > 0.5 * DBL_EPSILON && k < MAX_STEPS; k += 1.0) {
        b += 2.0;
        factor = lentz_step(&f, -k * (k - a), b);
        value *= factor;
    }
    return mlk_poisson_term(a, x) * a / value;
}

double mlk_gamma_p(double a, double x)
{
    if (!(a > 0.0 && x >= 0.0) || isinf(a))
        return NAN;
    if (x == 0.0 || isinf(x))
        return x > 0.0;
    return x < a + 1.0 ? gamma_series(a, x) : 1.0 - gamma_fraction(a, x);
}

double mlk_gamma_q(double a, double x)
{
    if (!(a > 0.0 && x >= 0.0) || isinf(a))
        return NAN;
    if (x == 0.0 || isinf(x))
        return x == 0.0;
    return x < a + 1.0 ? 1.0 - gamma_series(a, x) : gamma_fraction(a, x);
}

/* ---------------------------------------------------------- incomplete beta */

/*
 * I_x(a, b) for x below about a / (a + b) by the fraction of [didonato1992, eq. 9], which holds
 * x only together with y in a y - b x: no digits are lost for x near 1.
 */
static double beta_fraction(double a, double b, double x, double y)
{
    const double excess = excess_over_mean(a, b, x, y);
    double value = a / (a + 1.0) * (excess + 1.0), factor = 0.0;
    lentz f = {value, 0.0};
    for (double m = 1.0; fabs(factor - 1.0) > 0.5 * DBL_EPSILON && m < MAX_STEPS; m += 1.0) {
        const double at = a + 2.0 * m, u = m * (b - m) * x / (at - 1.0);
        const double numerator = u * (a + m - 1.0) * (a + b + m - 1.0) * x / (at - 1.0);
        factor = lentz_step(&f, numerator,
                            m + u + (a + m) * (excess + 1.0 + m * (1.0 + y)) / (at + 1.0));
        value *= factor;
    }
    return mlk_binomial_term(a, b, x, y) * (a * b / (a + b)) / value;
}

double mlk_beta_inc(double a, double b, double x, double y)
{
    if (!(a > 0.0 && b > 0.0 && x >= 0.0 && x <= 1.0 && y >= 0.0 && y <= 1.0) || isinf(a + b))
        return NAN;
    if (x == 0.0 || y == 0.0)
        return x > 0.0;
    return x < (a + 1.0) / (a + b + 2.0) ? beta_fraction(a, b, x, y)
                                         : 1.0 - beta_fraction(b, a, y, x);
}
