#!/usr/bin/env python3
"""Reference values of tests/stats/distributions.inc, with nothing but Python's decimal module.

Incomplete beta and gamma functions of half-integer parameters, where the gamma function is exact
up to the square root of pi, by their power series in 120 digits. Run: distributions.py > FILE.
"""
from decimal import Decimal as D, getcontext

getcontext().prec = 120


def pi():
    # Machin
    def arctan_inverse(k):
        total, term, n = D(0), D(1) / k, 1
        while abs(term) > D(10) ** -118:
            total += term / n if n % 4 == 1 else -term / n
            term /= k * k
            n += 2
        return total

    return 4 * (4 * arctan_inverse(5) - arctan_inverse(239))


ROOT_PI = pi().sqrt()


def gamma(a2):
    """Gamma(a2 / 2)."""
    value, k = (ROOT_PI, 1) if a2 % 2 else (D(1), 2)
    while k < a2:
        value *= D(k) / 2
        k += 2
    return value


def gamma_p(a2, x):
    """P(a2 / 2, x) by its series."""
    a = D(a2) / 2
    term = total = 1 / a
    k = a
    while term > total * D(10) ** -110:
        k += 1
        term *= x / k
        total += term
    return total * (a * x.ln() - x).exp() / gamma(a2)


def beta_inc(a2, b2, x):
    """I_x(a2 / 2, b2 / 2): x^a (1-x)^b / (a B) * sum (a+b)_k / (a+1)_k x^k."""
    if x > D("0.5"):
        return 1 - beta_inc(b2, a2, 1 - x)
    a, b = D(a2) / 2, D(b2) / 2
    term = total = D(1)
    k = D(0)
    while term > total * D(10) ** -110:
        term *= (a + b + k) / (a + 1 + k) * x
        k += 1
        total += term
    power = (a * x.ln() + b * (1 - x).ln()).exp()
    return total * power * gamma(a2 + b2) / gamma(a2) / gamma(b2) / a


def t_sf(t, df):
    t = D(t)
    return beta_inc(df, 1, df / (df + t * t)) / 2


def f_sf(x, d1, d2):
    x = D(x)
    return beta_inc(d2, d1, d2 / (d2 + d1 * x))


def f_cdf(x, d1, d2):
    x = D(x)
    return beta_inc(d1, d2, d1 * x / (d2 + d1 * x))


def chi2_cdf(x, df):
    return gamma_p(df, D(x) / 2)


def chi2_sf(x, df):
    return 1 - gamma_p(df, D(x) / 2)


def normal_sf(x):
    x = D(x)
    half = gamma_p(1, x * x / 2) / 2
    return D("0.5") - half


def row(kind, x, a, b, value):
    print('    {%s, %r, %g, %g, %.20e},' % (kind, x, a, b, value))


print("/* Made by tests/reference/distributions.py: arguments are the doubles as printed. */")
for x in (0.015625, 0.5, 1.0, 1.959963984540054, 3.0, 5.5, 8.25, 12.0):
    row("NORMAL_SF", x, 0, 0, normal_sf(x))
for t, df in ((0.0078125, 1), (0.5, 1), (63.7, 1), (1e6, 1), (2.5, 2), (1.25, 3), (12.7, 5), (2.0, 7),
              (0.25, 30), (1.98, 120), (3.29, 999), (6.0, 999), (2.75, 2500), (25.0, 40)):
    row("T_SF", t, df, 0, t_sf(t, df))
for x, a, b in ((0.5, 1, 1), (1.5, 2, 3), (4.0, 5, 10), (0.03125, 7, 4), (99.0, 10, 20), (1.1, 500, 700),
                (2.0, 50, 1000), (236.25, 1, 1), (1.0, 999, 999), (3.5, 3, 2000), (330.285, 16, 51)):
    row("F_SF", x, a, b, f_sf(x, a, b))
    row("F_CDF", x, a, b, f_cdf(x, a, b))
for x, df in ((0.125, 1), (3.841458820694124, 1), (2.0, 2), (40.0, 3), (7.5, 8), (0.5, 21), (100.0, 100),
              (150.0, 100), (60.0, 100), (1000.0, 1001), (1200.0, 1001), (90.0, 11)):
    row("CHI2_SF", x, df, 0, chi2_sf(x, df))
    row("CHI2_CDF", x, df, 0, chi2_cdf(x, df))
