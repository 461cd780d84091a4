#include "core/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

/* The end of the decimal number that starts at s, or s. */
static const char *scan(const char *s, const char *end)
{
    const char *p = s;
    size_t digits = 0;
    if (p < end && (*p == '+' || *p == '-'))
        p++;
    for (; p < end && isdigit((unsigned char)*p); p++)
        digits++;
    if (p < end && *p == '.')
        for (p++; p < end && isdigit((unsigned char)*p); p++)
            digits++;
    if (!digits)
        return s;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *q = p + 1;
        if (q < end && (*q == '+' || *q == '-'))
            q++;
        if (q < end && isdigit((unsigned char)*q)) {
            while (q < end && isdigit((unsigned char)*q))
                q++;
            p = q;
        }
    }
    return p;
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
    const char *stop = scan(s, end);
    if (stop == s)
        return parse_word(s, end, out);
    char text[512];
    const size_t n = (size_t)(stop - s);
    if (n >= sizeof text)
        return s;
    memcpy(text, s, n);
    text[n] = '\0';
    *out = strtod(text, NULL);
    return stop;
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
