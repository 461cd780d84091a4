#include "core/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Decimal to binary. A number is w * 10^q with up to 19 digits in the integer w:
 *
 *   1. The 128-bit product of w with the leading bits of 5^q decides [Lemire 2021; Mushtak and
 *      Lemire 2023 prove that no product is ever undecided].
 *   2. More than 19 digits: if w and w + 1 round to the same double, that is it; if not, integers
 *      of a few thousand bits compare all digits with the midpoint of neighbouring doubles.
 */

__extension__ typedef unsigned __int128 uint128;

enum { MIN_POWER = -342, MAX_POWER = 308, EXACT_DIGITS = 19, EXPONENT_LIMIT = 1 << 20 };

static const struct {
    uint64_t high, low;
} power_of_5[] = {
#include "core/pow5_table.inc"
};

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#define INFINITY_BITS ((uint64_t)0x7FF << 52)

/* Bits of the double next to w * 10^q. */
static inline uint64_t round_product(uint64_t w, int64_t q)
{
    if (w == 0 || q < MIN_POWER)
        return 0;
    if (q > MAX_POWER)
        return INFINITY_BITS;

    /* 55 leading bits are wanted: 53, one to round, one that normalisation may eat. Only where
     * all bits below them are ones can the low half of 5^q carry into them. */
    const int zeros = __builtin_clzll(w);
    w <<= zeros;
    uint128 product = (uint128)w * power_of_5[q - MIN_POWER].high;
    if (((uint64_t)(product >> 64) & 0x1FF) == 0x1FF)
        product += ((uint128)w * power_of_5[q - MIN_POWER].low) >> 64;
    const uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;

    const int carry = (int)(high >> 63), shift = carry + 64 - 55;
    uint64_t m = high >> shift; /* 54 bits: the last one rounds */
    /* floor(log2(10^q)) = q + floor(q log2 5), by a fixed-point product. */
    const int64_t exponent = ((217706 * q) >> 16) + 63 + carry - zeros + 1023;

    if (exponent <= 0) { /* subnormal: fewer bits; an exact tie needs no care this far down */
        if (exponent <= -63)
            return 0;
        m >>= 1 - exponent;
        m += m & 1;
        return m >> 1; /* 2^52 comes out as the smallest normal number */
    }
    /* A tie, possible for few q only: the bits below the rounding one are all zero. Down when
     * the result would be odd. */
    if (low <= 1 && q >= -4 && q <= 23 && (m & 3) == 1 && m << shift == high)
        m--;
    m += m & 1;
    /* The leading bit of m adds one to the exponent; a carry into it, another. */
    return exponent >= 0x7FF ? INFINITY_BITS : ((uint64_t)(exponent - 1) << 52) + (m >> 1);
}

/* ------------------------------------------------- exact comparison of many digits */

/* Digits beyond these only say whether something follows; midpoints of doubles have at most 767.
 * With them no number here exceeds 3900 bits. */
enum { MAX_DIGITS = 800, LIMBS = 64 };

typedef struct big {
    size_t n; /* limbs in use, the least significant first */
    uint64_t limb[LIMBS];
} big;

static void big_multiply_add(big *b, uint64_t factor, uint64_t carry)
{
    for (size_t i = 0; i < b->n; i++) {
        const uint128 t = (uint128)b->limb[i] * factor + carry;
        b->limb[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    if (carry)
        b->limb[b->n++] = carry;
}

static void big_times_power_of_5(big *b, int64_t power)
{
    const uint64_t step = 7450580596923828125u; /* 5^27 */
    for (; power >= 27; power -= 27)
        big_multiply_add(b, step, 0);
    for (; power > 0; power--)
        big_multiply_add(b, 5, 0);
}

static void big_shift_left(big *b, int64_t bits)
{
    const size_t limbs = (size_t)bits / 64;
    big_multiply_add(b, (uint64_t)1 << (bits % 64), 0);
    memmove(b->limb + limbs, b->limb, b->n * sizeof b->limb[0]);
    memset(b->limb, 0, limbs * sizeof b->limb[0]);
    b->n += limbs;
}

static int big_compare(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (size_t i = a->n; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* Sign of digits * 10^q - (the midpoint of the double of these bits and the next one). */
static int compare_with_midpoint(const big *digits, int64_t q, uint64_t bits)
{
    const int64_t biased = (int64_t)(bits >> 52);
    const uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    const uint64_t m = biased ? fraction | (uint64_t)1 << 52 : fraction;
    big a = *digits, b = {1, {2 * m + 1}};
    big_times_power_of_5(q >= 0 ? &a : &b, q >= 0 ? q : -q);
    const int64_t shift = q - ((biased ? biased : 1) - 1076);
    big_shift_left(shift >= 0 ? &a : &b, shift >= 0 ? shift : -shift);
    return big_compare(&a, &b);
}

/* From a guess, which may be off by a few units, to the bits of the double next to
 * digits * 10^q; ties to even. */
static uint64_t round_exactly(const big *digits, int64_t q, uint64_t bits)
{
    for (int c; bits < INFINITY_BITS; bits++)
        if ((c = compare_with_midpoint(digits, q, bits)) < 0 || (c == 0 && !(bits & 1)))
            break;
    for (int c; bits > 0; bits--)
        if ((c = compare_with_midpoint(digits, q, bits - 1)) > 0 || (c == 0 && !(bits & 1)))
            break;
    return bits;
}

/* Bits of the number with these digits, a point among them or not, from a first one that is not 0,
 * times 10^q where q counts from the last digit. `guess` is right or nearly so. */
static uint64_t compare_all_digits(const char *first, const char *end, int64_t q, uint64_t guess)
{
    big digits = {0, {0}};
    int64_t n = 0;
    bool more = false;
    for (const char *p = first; p < end; p++) {
        if (*p == '.')
            continue;
        if (n < MAX_DIGITS)
            big_multiply_add(&digits, 10, (uint64_t)(*p - '0'));
        else
            more |= *p != '0';
        n++;
    }
    q += n > MAX_DIGITS ? n - MAX_DIGITS : 0;
    if (more) {
        big_multiply_add(&digits, 10, 1);
        q--;
    }
    return round_exactly(&digits, q, guess);
}

/* The same for any number of digits, which may begin with zeros. */
static uint64_t many_digits(const char *first, const char *end, int64_t q)
{
    while (first < end && (*first == '0' || *first == '.'))
        first++;
    uint64_t w = 0;
    int64_t behind = 0; /* digits that w has no room for */
    int n = 0;
    for (const char *p = first; p < end; p++) {
        if (*p == '.')
            continue;
        if (n == EXACT_DIGITS) {
            behind++;
        } else {
            w = 10 * w + (uint64_t)(*p - '0');
            n++;
        }
    }
    const uint64_t bits = round_product(w, q + behind);
    if (behind == 0 || bits == round_product(w + 1, q + behind))
        return bits;
    return compare_all_digits(first, end, q, bits);
}

/* ----------------------------------------------------------------- characters */

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static inline uint64_t load8(const char *p)
{
    uint64_t chars;
    memcpy(&chars, p, sizeof chars);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    chars = __builtin_bswap64(chars);
#endif
    return chars;
}

/* Eight digits 0..9, the first in the lowest byte: pairs, then fours, then all. */
static inline uint64_t join8(uint64_t d)
{
    d = d * 10 + (d >> 8);
    return (((d & 0x000000FF000000FF) * (100 + ((uint64_t)1000000 << 32))) +
            (((d >> 16) & 0x000000FF000000FF) * (1 + ((uint64_t)10000 << 32)))) >>
           32;
}

/* Append the digits that these eight characters begin with to *w; returns how many. */
static inline int take8(uint64_t chars, uint64_t *w)
{
    static const uint64_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    const uint64_t d = chars ^ 0x3030303030303030;
    const uint64_t other = ((d + 0x7676767676767676) | d) & 0x8080808080808080;
    if (!other) {
        *w = *w * 100000000 + join8(d);
        return 8;
    }
    const int n = __builtin_ctzll(other) / 8; /* often hard to predict: no branch */
    *w = *w * power[n] + join8((d << (56 - 8 * n)) << 8);
    return n;
}

/* Append the digits at p to *w, which wraps around silently; returns the place behind them. */
static const char *take_digits(const char *p, const char *end, uint64_t *w)
{
    for (int n = 8; n == 8 && end - p >= 8; p += n)
        n = take8(load8(p), w);
    for (; p < end && is_digit(*p); p++)
        *w = *w * 10 + (uint64_t)(*p - '0');
    return p;
}

/* p is at an e; without digits behind it the e is no part of the number. */
static const char *take_exponent(const char *p, const char *end, int64_t *q)
{
    const char *s = p + 1;
    const bool negative = s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+'))
        s++;
    if (s == end || !is_digit(*s))
        return p;
    int64_t exponent = 0;
    for (; s < end && is_digit(*s); s++)
        if (exponent < EXPONENT_LIMIT * (int64_t)EXPONENT_LIMIT) /* files may be large */
            exponent = 10 * exponent + (*s - '0');
    *q += negative ? -exponent : exponent;
    return s;
}

static const char *parse_word(const char *s, const char *end, double *out)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"infinity", INFINITY}, {"inf", INFINITY}, {"nan", NAN}};
    const bool minus = s < end && *s == '-';
    const char *p = s + (s < end && (*s == '-' || *s == '+'));
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        const size_t n = strlen(words[w].word);
        size_t i = 0;
        if ((size_t)(end - p) >= n)
            while (i < n && tolower((unsigned char)p[i]) == words[w].word[i])
                i++;
        if (i == n) {
            *out = minus ? -words[w].value : words[w].value;
            return p + n;
        }
    }
    return s;
}

const char *mlk_parse_real(const char *s, const char *end, double *out)
{
    const char *p = s;
    const bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    const char *const first = p;
    uint64_t w = 0;
    int64_t q = 0;
    p = take_digits(p, end, &w);
    int64_t n = p - first;
    if (p < end && *p == '.') {
        const char *const fraction = p + 1;
        p = take_digits(fraction, end, &w);
        q = fraction - p;
        n -= q;
    }
    if (n == 0)
        return parse_word(s, end, out);
    const char *const last = p;
    if (p < end && (*p == 'e' || *p == 'E'))
        p = take_exponent(p, end, &q);
    const uint64_t bits = n <= EXACT_DIGITS ? round_product(w, q) : many_digits(first, last, q);
    *out = from_bits(bits | (uint64_t)negative << 63);
    return p;
}

/* -------------------------------------------------------------- rows of numbers */

/* What take_plain() may look at: a sign, four times eight characters, a point, an e. */
enum { PLAIN_ROOM = 64 };

/* The bits of a number at p without "+", of up to EXACT_DIGITS digits; PLAIN_ROOM characters can be
 * read. Returns the place behind it, or NULL for anything else. Signs and the last few digits
 * are as good as random in measured data, so what depends on them is computed, not branched on.
 */
static inline const char *take_plain(const char *p, const char *end, uint64_t *bits)
{
    const uint64_t negative = *p == '-';
    uint64_t w = 0;
    int64_t q = 0;
    int n, part;
    p += negative;
    if (!is_digit(p[1]) && is_digit(*p)) { /* so often that it deserves a branch */
        w = (uint64_t)(*p++ - '0');
        n = 1;
    } else {
        n = part = take8(load8(p), &w);
        p += part;
        if (part == 8) {
            part = take8(load8(p), &w);
            p += part;
            n += part;
        }
    }
    if (*p == '.') {
        const char *const fraction = ++p;
        p += part = take8(load8(p), &w);
        if (part == 8)
            p += part = take8(load8(p), &w);
        if (part == 8)
            p += take8(load8(p), &w);
        q = fraction - p;
        n += (int)-q;
    }
    if (n == 0 || n > EXACT_DIGITS)
        return NULL;
    if (*p == 'e' || *p == 'E')
        p = take_exponent(p, end, &q);
    *bits = (q == 0 && w >> 53 == 0 ? to_bits((double)w) : round_product(w, q)) | negative << 63;
    return p;
}

size_t mlk_parse_reals(const char **at, const char *end, char delimiter, double *out, size_t n)
{
    const char *p = *at;
    size_t i = 0;
    for (; i < n && end - p >= PLAIN_ROOM; i++) {
        uint64_t bits;
        const char *stop = take_plain(p, end, &bits);
        /* A long exponent may reach the end. */
        if (!stop || stop == end || *stop != delimiter || (bits & INFINITY_BITS) == INFINITY_BITS)
            break;
        out[i] = from_bits(bits);
        p = stop + 1;
    }
    *at = p;
    return i;
}

bool mlk_parse_real_all(const char *s, double *out)
{
    const char *end = s + strlen(s);
    return s < end && mlk_parse_real(s, end, out) == end;
}

size_t mlk_format_digits(double x, int digits, char buf[MLK_REAL_CHARS])
{
    const int n = snprintf(buf, MLK_REAL_CHARS, "%.*g", digits, x);
    /* The program's locale may write another decimal point; none has more than one byte where
     * a digit, sign or exponent could stand. */
    for (char *p = buf; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '+' && *p != '.')
            *p = '.';
    return (size_t)n;
}

size_t mlk_format_real(double x, char buf[MLK_REAL_CHARS])
{
    if (isnan(x) || isinf(x))
        return (size_t)snprintf(buf, MLK_REAL_CHARS, "%s",
                                isnan(x) ? "nan"
                                : x < 0  ? "-inf"
                                         : "inf");
    size_t n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        n = mlk_format_digits(x, digits, buf);
        if (mlk_parse_real(buf, buf + n, &back) == buf + n && back == x)
            break;
    }
    return n;
}
