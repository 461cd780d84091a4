#ifndef CORE_VMATH_H
#define CORE_VMATH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * exp and log1p without branches, so that GCC turns a loop over them into vector code: call these
 * from functions marked MLK_SIMD. The error is below 1 unit in the last place for normal results,
 * and the values are the same whatever the vector length. mlk_vexp() is the loop ready made.
 */

/* out[i] = exp(x[i]); out may be x. */
void mlk_vexp(const double *x, size_t n, double *out);

static inline double mlk_from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t mlk_to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/*
 * exp(x) = 2^k exp(r) with k = round(x / ln 2), |r| <= ln(2)/2, and exp(r) by its Taylor series:
 * the first term left out, r^14/14!, is 5e-18. Adding 1.5 * 2^52 rounds to an integer and leaves
 * it in the low bits. ln 2 is split so that k times its first part is exact. 2^k is applied in
 * two halves: results may be subnormal. NaN stays NaN.
 */
static inline double mlk_exp(double x)
{
    const double shifter = 0x1.8p52;
    const double ln2_hi = 0x1.62e42feep-1, ln2_lo = 0x1.a39ef35793c76p-33;
    /* Beyond these the result is 0 or infinite; written so that NaN passes. */
    const double low = x < -750.0 ? -750.0 : x, c = low > 710.0 ? 710.0 : low;
    const double t = c * 0x1.71547652b82fep0 + shifter, k = t - shifter;
    const double hi = c - k * ln2_hi, lo = k * ln2_lo, r = hi - lo;
    double q = 1.0 / 6227020800.0;
    q = q * r + 1.0 / 479001600.0;
    q = q * r + 1.0 / 39916800.0;
    q = q * r + 1.0 / 3628800.0;
    q = q * r + 1.0 / 362880.0;
    q = q * r + 1.0 / 40320.0;
    q = q * r + 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 0.5;
    /* 1 + (hi + (r^2 q - lo)): the rounding of r itself is made good in the small term. */
    const double e = 1.0 + (hi + (r * r * q - lo));
    /* k + 4096 from the low bits, as two halves, each biased into an exponent. */
    const uint64_t biased = mlk_to_bits(t) - mlk_to_bits(shifter) + 4096;
    const uint64_t half = biased >> 1, rest = biased - half;
    return e * mlk_from_bits((half - 2048 + 1023) << 52) *
           mlk_from_bits((rest - 2048 + 1023) << 52);
}

/*
 * log1p(x) for finite x > -1; NaN stays NaN. With u = 1 + x = 2^k m, m in [sqrt(1/2), sqrt(2)), f =
 * m - 1 and s = f / (2 + f): log m = 2 atanh(s) = f - s (f - R), R = 2 s^2 (1/3 + s^2/5 + ...), and
 * |s| <= 0.172. The rounding of 1 + x is added back as (x - (u - 1)) / u.
 */
static inline double mlk_log1p_finite(double x)
{
    const double ln2_hi = 0x1.62e42feep-1, ln2_lo = 0x1.a39ef35793c76p-33;
    const uint64_t root_half = 0x3fe6a09e667f3bcdULL;
    const double u = 1.0 + x;
    const uint64_t bits = mlk_to_bits(u), offset = bits - root_half;
    /* The exponent as a double, by the low bits of 2^52 + 2^51: no integer conversion needed. */
    const double k =
        mlk_from_bits(mlk_to_bits(0x1.8p52) + (uint64_t)((offset + (1024ULL << 52)) >> 52)) -
        (0x1.8p52 + 1024.0);
    const double f = mlk_from_bits((offset & 0xfffffffffffffULL) + root_half) - 1.0;
    const double lost = (x >= 1.0 ? 1.0 - (u - x) : x - (u - 1.0)) / u;
    const double s = f / (2.0 + f), z = s * s;
    double q = 2.0 / 25.0;
    q = q * z + 2.0 / 23.0;
    q = q * z + 2.0 / 21.0;
    q = q * z + 2.0 / 19.0;
    q = q * z + 2.0 / 17.0;
    q = q * z + 2.0 / 15.0;
    q = q * z + 2.0 / 13.0;
    q = q * z + 2.0 / 11.0;
    q = q * z + 2.0 / 9.0;
    q = q * z + 2.0 / 7.0;
    q = q * z + 2.0 / 5.0;
    q = q * z + 2.0 / 3.0;
    /* f - f^2/2 + s (f^2/2 + z q): the large terms are exact or nearly so. */
    const double half = 0.5 * f * f;
    return k * ln2_hi - ((half - (s * (half + z * q) + (k * ln2_lo + lost))) - f);
}

/* log1p of anything: the special values by branches, so not for vector loops. */
static inline double mlk_log1p(double x)
{
    if (x == 0.0 || !(x < INFINITY))
        return x; /* keeps the sign of 0; infinity; NaN */
    return x > -1.0 ? mlk_log1p_finite(x) : x < -1.0 ? (double)NAN : -INFINITY;
}

#endif
