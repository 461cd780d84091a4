#ifndef LINALG_TWOFOLD_H
#define LINALG_TWOFOLD_H

#include <math.h>

/*
 * Numbers of twice the working precision, high + low with |low| <= ulp(high) / 2 [dekker1971;
 * hida2001]. A rounded product is written fma(a, b, 0): no compiler may contract that with the
 * sum that follows, as it may a * b.
 */
typedef struct twofold {
    double high, low;
} twofold;

/* a + b with its rounding error, |a| >= |b| or a = 0. */
static inline twofold twofold_fast(double a, double b)
{
    const double s = a + b;
    return (twofold){s, b - (s - a)};
}

/* a + b with its rounding error. */
static inline twofold twofold_sum(double a, double b)
{
    const double s = a + b, part = s - a;
    return (twofold){s, (a - (s - part)) + (b - part)};
}

static inline twofold twofold_add(twofold a, twofold b)
{
    const twofold high = twofold_sum(a.high, b.high), low = twofold_sum(a.low, b.low);
    const twofold t = twofold_fast(high.high, high.low + low.high);
    return twofold_fast(t.high, t.low + low.low);
}

static inline twofold twofold_negate(twofold a) { return (twofold){-a.high, -a.low}; }

static inline twofold twofold_sub(twofold a, twofold b)
{
    return twofold_add(a, twofold_negate(b));
}

static inline twofold twofold_mul(twofold a, twofold b)
{
    const double p = fma(a.high, b.high, 0.0);
    return twofold_fast(p, fma(a.high, b.high, -p) + (a.high * b.low + a.low * b.high));
}

static inline twofold twofold_scale(twofold a, double b)
{
    return twofold_mul(a, (twofold){b, 0.0});
}

static inline twofold twofold_div(twofold a, twofold b)
{
    const double q = a.high / b.high;
    const twofold rest = twofold_sub(a, twofold_scale(b, q));
    const double q2 = rest.high / b.high;
    const twofold rest2 = twofold_sub(rest, twofold_scale(b, q2));
    return twofold_add(twofold_fast(q, q2), (twofold){rest2.high / b.high, 0.0});
}

static inline double twofold_value(twofold a) { return a.high + a.low; }

#endif
