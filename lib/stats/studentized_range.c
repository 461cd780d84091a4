#include <mlkit/stats/studentized_range.h>

#include <math.h>

#include <mlkit/stats/distribution.h>

/* Phi(z) - Phi(z - q), in the tail where both are small. */
static double between(double z, double q)
{
    if (z - q > 0.0)
        return mlk_normal_sf(z - q) - mlk_normal_sf(z);
    return mlk_normal_cdf(z) - mlk_normal_cdf(z - q);
}

double mlk_range_cdf(double q, size_t k)
{
    /* phi is below 1e-17 outside +-9; a step of 1/16 resolves the narrowest integrand. */
    enum { STEPS_PER_UNIT = 16, REACH = 9 };
    double sum = 0.0;
    if (k < 2 || isnan(q))
        return (double)NAN;
    if (q <= 0.0)
        return 0.0;
    for (int i = -REACH * STEPS_PER_UNIT; i <= REACH * STEPS_PER_UNIT; i++) {
        const double z = (double)i / STEPS_PER_UNIT;
        sum += exp(-0.5 * z * z) * pow(between(z, q), (double)(k - 1));
    }
    const double p = (double)k * sum / STEPS_PER_UNIT * 0.39894228040143267794;
    return p < 1.0 ? p : 1.0;
}

double mlk_range_sf(double q, size_t k) { return 1.0 - mlk_range_cdf(q, k); }

double mlk_range_upper(double upper, size_t k)
{
    double lo = 0.0, hi = 64.0;
    if (k < 2 || !(upper > 0.0 && upper < 1.0))
        return (double)NAN;
    while (hi - lo > 4e-16 * hi) {
        const double mid = 0.5 * (lo + hi);
        if (mid <= lo || mid >= hi)
            break;
        *(mlk_range_sf(mid, k) > upper ? &lo : &hi) = mid;
    }
    return 0.5 * (lo + hi);
}
