#ifndef CORE_NUMBER_H
#define CORE_NUMBER_H

#include <mlkit/core.h>

/* Decimal numbers in and out, always in the C locale, whatever the program's is. */

/*
 * Read a decimal number at the start of [s, end): sign, digits with an optional point, exponent.
 * Correctly rounded as strtod does (Eisel-Lemire [Lemire 2021], exact big-integer arithmetic
 * where that cannot decide). "inf", "infinity", "nan" in any case are accepted; hexadecimal and
 * leading blanks are not. Returns the place behind the number, or s when there is none.
 */
const char *mlk_parse_real(const char *s, const char *end, double *out);

/*
 * A row of finite numbers, each followed by `delimiter`: up to n of them from *at to out, *at moves
 * behind them. It stops before anything unusual (blanks, "+", words, more than 19 digits, an
 * overflow, the last 64 characters), for mlk_parse_real() to judge. Returns how many it took.
 */
size_t mlk_parse_reals(const char **at, const char *end, char delimiter, double *out, size_t n);

/* Whole text to number: true when all of it is one. */
bool mlk_parse_real_all(const char *s, double *out);

#define MLK_REAL_CHARS 32
/* The shortest text that reads back as x ("nan", "inf", "-inf" else). Returns its length. */
size_t mlk_format_real(double x, char buf[MLK_REAL_CHARS]);
/* x as printf's %.<digits>g would in the C locale. */
size_t mlk_format_digits(double x, int digits, char buf[MLK_REAL_CHARS]);

#endif
