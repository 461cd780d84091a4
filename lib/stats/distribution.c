#include <mlkit/stats/distribution.h>

#include <float.h>
#include <math.h>

#include "core/status.h"
#include "stats/special.h"

/* ------------------------------------------------------------------- normal */

/*
 * erfc(x / sqrt(2)) / 2. What rounding takes from x / sqrt(2) is put back to first order: without
 * it the relative error would grow as x^2.
 */
double mlk_normal_sf(double x)
{
    static const double root = 0.70710678118654752440, root_low = -4.8336466567264567e-17;
    static const double two_over_root_pi = 1.12837916709551257390;
    const double z = x * root, lost = fma(x, root, -z) + x * root_low;
    if (!isfinite(x) || fabs(x) > 40.0)
        return 0.5 * erfc(z);
    return 0.5 * (erfc(z) - two_over_root_pi * exp(-z * z) * lost);
}

double mlk_normal_cdf(double x) { return mlk_normal_sf(-x); }

static double polynomial(const double *c, size_t n, double x)
{
    double sum = 0.0;
    while (n--)
        sum = sum * x + c[n];
    return sum;
}

/* Rational approximations to 1e-16 [wichura1988, AS 241], for q <= 1/2. */
double mlk_normal_upper(double q)
{
    static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                               1.9715909503065514427e3, 1.3731693765509461125e4,
                               4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[] = {1.0,
                               4.2313330701600911252e1,
                               6.8718700749205790830e2,
                               5.3941960214247511077e3,
                               2.1213794301586595867e4,
                               3.9307895800092710610e4,
                               2.8729085735721942674e4,
                               5.2264952788528545610e3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                               5.76949722146069140550e0,  3.64784832476320460504e0,
                               1.27045825245236838258e0,  2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    if (!(q >= 0.0 && q <= 1.0))
        return NAN;
    if (q == 0.0 || q == 1.0)
        return q == 0.0 ? INFINITY : -INFINITY;
    const double centre = 0.5 - q;
    if (fabs(centre) <= 0.425) {
        const double r = 0.180625 - centre * centre;
        return centre * polynomial(a, MLK_COUNT(a), r) / polynomial(b, MLK_COUNT(b), r);
    }
    const double r = sqrt(-log(centre > 0.0 ? q : 1.0 - q));
    const double z =
        r <= 5.0 ? polynomial(c, MLK_COUNT(c), r - 1.6) / polynomial(d, MLK_COUNT(d), r - 1.6)
                 : polynomial(e, MLK_COUNT(e), r - 5.0) / polynomial(f, MLK_COUNT(f), r - 5.0);
    return centre > 0.0 ? z : -z;
}

double mlk_normal_quantile(double p) { return -mlk_normal_upper(p); }

/* -------------------------------------------- quantiles of positive variables */

/* A distribution on (0, inf) with parameters a and b. */
typedef struct positive {
    double a, b;
    double (*cdf)(double x, double a, double b);
    double (*sf)(double x, double a, double b);
    double (*density)(double x, double a, double b); /* times x */
} positive;

/*
 * The x whose tail (sf when `upper`, else cdf) is `target` <= about 1/2: Newton's method for
 * log(tail) as a function of log(x), which is close to linear far out on both sides, inside a
 * bracket that each step shrinks. The whole range of doubles: beyond it, infinity.
 */
static double solve_tail(const positive *d, double target, bool upper)
{
    double lo = -745.0, hi = 709.0, u = 0.0;
    for (int step = 0; step < 200 && lo < hi; step++) {
        const double x = exp(u), tail = upper ? d->sf(x, d->a, d->b) : d->cdf(x, d->a, d->b);
        const double excess = log(tail / target);
        if (upper == (excess > 0.0))
            lo = u;
        else
            hi = u;
        const double slope = d->density(x, d->a, d->b) / tail;
        double next = u + (upper ? excess : -excess) / slope;
        if (!(next > lo && next < hi))
            next = fabs(next - u) <= 4.0 * DBL_EPSILON ? u : 0.5 * (lo + hi);
        if (fabs(next - u) <= 0.25 * DBL_EPSILON * fmax(1.0, fabs(u)))
            return exp(next);
        u = next;
    }
    return u > 708.9 ? INFINITY : exp(u);
}

/* The x with cdf(x) = p (upper: sf(x) = p), by whichever tail is the smaller. */
static double positive_quantile(const positive *d, double p, bool upper)
{
    if (!(p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.0 || p == 1.0)
        return (p == 1.0) == upper ? 0.0 : INFINITY;
    const double middle = d->cdf(1.0, d->a, d->b);
    if (isnan(middle))
        return NAN;
    return p <= 0.5 ? solve_tail(d, p, upper) : solve_tail(d, 1.0 - p, !upper);
}

/* ------------------------------------------------------------------ Student */

/* sf for t >= 0: half of I_x(df/2, 1/2) with x = df / (df + t^2). */
static double t_tail(double t, double df, double unused)
{
    (void)unused;
    const double square = t * t, sum = df + square;
    if (isinf(sum))
        return isinf(t) ? 0.0 : 0.5 * mlk_beta_inc(0.5 * df, 0.5, df / t / t, 1.0);
    return 0.5 * mlk_beta_inc(0.5 * df, 0.5, df / sum, square / sum);
}

/* P(0 < T <= t), which keeps its digits for small t. */
static double t_body(double t, double df, double unused)
{
    (void)unused;
    const double square = t * t, sum = df + square;
    return isinf(sum) ? 0.5 : 0.5 * mlk_beta_inc(0.5, 0.5 * df, square / sum, df / sum);
}

static double t_density(double t, double df, double unused)
{
    (void)unused;
    const double a = 0.5 * df, square = t * t, sum = df + square, x = df / sum;
    return mlk_binomial_term(a, 0.5, x, square / sum) * 0.5 * a / (a + 0.5);
}

double mlk_t_sf(double t, double df)
{
    if (!(df > 0.0) || isnan(t))
        return NAN;
    if (isinf(df))
        return mlk_normal_sf(t);
    return t >= 0.0 ? t_tail(t, df, 0.0) : 0.5 + t_body(-t, df, 0.0);
}

double mlk_t_cdf(double t, double df) { return mlk_t_sf(-t, df); }

double mlk_t_upper(double q, double df)
{
    if (!(df > 0.0 && q >= 0.0 && q <= 1.0))
        return NAN;
    if (isinf(df))
        return mlk_normal_upper(q);
    if (q == 0.5)
        return 0.0;
    if (q == 0.0 || q == 1.0)
        return q == 0.0 ? INFINITY : -INFINITY;
    const positive half = {df, 0.0, t_body, t_tail, t_density};
    const double tail = q < 0.5 ? q : 1.0 - q;
    /* Near the centre the distance from 1/2 is the smaller figure, and exact. */
    const double t =
        tail < 0.25 ? solve_tail(&half, tail, true) : solve_tail(&half, fabs(0.5 - q), false);
    return q < 0.5 ? t : -t;
}

double mlk_t_quantile(double p, double df) { return -mlk_t_upper(p, df); }

/* ------------------------------------------------------------------------ F */

static double f_cdf(double x, double df1, double df2)
{
    const double u = df1 * x, sum = u + df2;
    return mlk_beta_inc(0.5 * df1, 0.5 * df2, isinf(sum) ? 1.0 : u / sum, df2 / sum);
}

static double f_sf(double x, double df1, double df2)
{
    const double u = df1 * x, sum = u + df2;
    return mlk_beta_inc(0.5 * df2, 0.5 * df1, df2 / sum, isinf(sum) ? 1.0 : u / sum);
}

static double f_density(double x, double df1, double df2)
{
    const double a = 0.5 * df1, b = 0.5 * df2, u = df1 * x, sum = u + df2;
    return mlk_binomial_term(a, b, u / sum, df2 / sum) * a * b / (a + b);
}

/* With an infinite denominator F is chi-squared over its degrees of freedom. */
static bool f_is_chi2(double df1, double df2) { return isinf(df2) && isfinite(df1); }

double mlk_f_cdf(double x, double df1, double df2)
{
    if (!(df1 > 0.0 && df2 > 0.0) || isnan(x))
        return NAN;
    if (f_is_chi2(df1, df2))
        return mlk_chi2_cdf(x * df1, df1);
    return x <= 0.0 ? 0.0 : f_cdf(x, df1, df2);
}

double mlk_f_sf(double x, double df1, double df2)
{
    if (!(df1 > 0.0 && df2 > 0.0) || isnan(x))
        return NAN;
    if (f_is_chi2(df1, df2))
        return mlk_chi2_sf(x * df1, df1);
    return x <= 0.0 ? 1.0 : f_sf(x, df1, df2);
}

static double f_inverse(double p, double df1, double df2, bool upper)
{
    if (!(df1 > 0.0 && df2 > 0.0))
        return NAN;
    if (f_is_chi2(df1, df2))
        return (upper ? mlk_chi2_upper(p, df1) : mlk_chi2_quantile(p, df1)) / df1;
    const positive f = {df1, df2, f_cdf, f_sf, f_density};
    return positive_quantile(&f, p, upper);
}

double mlk_f_quantile(double p, double df1, double df2) { return f_inverse(p, df1, df2, false); }
double mlk_f_upper(double q, double df1, double df2) { return f_inverse(q, df1, df2, true); }

/* -------------------------------------------------------------- chi-squared */

static double chi2_cdf(double x, double df, double unused)
{
    (void)unused;
    return mlk_gamma_p(0.5 * df, 0.5 * x);
}

static double chi2_sf(double x, double df, double unused)
{
    (void)unused;
    return mlk_gamma_q(0.5 * df, 0.5 * x);
}

static double chi2_density(double x, double df, double unused)
{
    (void)unused;
    return mlk_poisson_term(0.5 * df, 0.5 * x) * 0.5 * df;
}

double mlk_chi2_cdf(double x, double df)
{
    return isnan(x) ? NAN : chi2_cdf(fmax(x, 0.0), df, 0.0);
}

double mlk_chi2_sf(double x, double df) { return isnan(x) ? NAN : chi2_sf(fmax(x, 0.0), df, 0.0); }

static double chi2_inverse(double p, double df, bool upper)
{
    if (!(df > 0.0))
        return NAN;
    const positive chi2 = {df, 0.0, chi2_cdf, chi2_sf, chi2_density};
    return positive_quantile(&chi2, p, upper);
}

double mlk_chi2_quantile(double p, double df) { return chi2_inverse(p, df, false); }
double mlk_chi2_upper(double q, double df) { return chi2_inverse(q, df, true); }

/* ----------------------------------------------------------------- binomial */

/* P(X <= k) = I_(1-p)(n - k, k + 1). */
double mlk_binomial_cdf(double k, double n, double p)
{
    if (!(n >= 0.0 && p >= 0.0 && p <= 1.0) || isnan(k))
        return NAN;
    k = floor(k);
    if (k < 0.0 || k >= n)
        return k >= n;
    return mlk_beta_inc(n - k, k + 1.0, 1.0 - p, p);
}

double mlk_binomial_sf(double k, double n, double p)
{
    if (!(n >= 0.0 && p >= 0.0 && p <= 1.0) || isnan(k))
        return NAN;
    k = floor(k);
    if (k < 0.0 || k >= n)
        return k < 0.0;
    return mlk_beta_inc(k + 1.0, n - k, p, 1.0 - p);
}
