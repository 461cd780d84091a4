#include "core/number.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>

#include "core/rng.h"
#include "support/mlk_test.h"

/* The C library's strtod rounds correctly: the oracle. */
static void require_strtod(const char *text)
{
    const size_t n = strlen(text);
    char *exact = malloc(n ? n : 1); /* so that a sanitizer sees a read behind it */
    memcpy(exact, text, n);
    double x = -1.0;
    const double y = strtod(text, NULL);
    const char *end = mlk_parse_real(exact, exact + n, &x);
    ck_assert_msg(end == exact + n, "%s: only %td characters read", text, end - exact);
    ck_assert_msg(memcmp(&x, &y, sizeof x) == 0, "%s: %a, strtod %a", text, x, y);
    free(exact);
}

static double random_double(mlk_rng *rng)
{
    const uint64_t bits = mlk_rng_next(rng) & ~((uint64_t)1 << 63);
    double x;
    memcpy(&x, &bits, sizeof x);
    return isfinite(x) ? x : 1.0;
}

START_TEST(rounds_random_doubles_of_any_digits_as_strtod)
{
    mlk_rng rng = mlk_rng_stream(1, (uint64_t)_i);
    char text[64];
    for (int i = 0; i < 50000; i++) {
        const int digits = 1 + (int)mlk_rng_below(&rng, 24);
        sprintf(text, "%.*g", digits, random_double(&rng));
        require_strtod(text);
        sprintf(text, "%.*f", digits, mlk_rng_normal(&rng) * 1e3);
        require_strtod(text);
        sprintf(text, "%" PRIu64 "e%d", mlk_rng_next(&rng), (int)mlk_rng_below(&rng, 700) - 360);
        require_strtod(text);
    }
}
END_TEST

START_TEST(decides_midpoints_by_their_last_digit)
{
    mlk_rng rng = mlk_rng_stream(2, (uint64_t)_i);
    char text[1200];
    for (int i = 0; i < 4000; i++) {
        double x = random_double(&rng);
        if (i % 3 == 0)
            x = ldexp(x, -1070 - ilogb(x)); /* few bits: subnormal */
        if (i % 7 == 0)
            x = (double)(mlk_rng_next(&rng) >> 10); /* short midpoints: 53 bits and a half */
        /* Exact in the 64 bits of a long double; all its digits. */
        const long double mid = ((long double)x + nextafter(x, 2.0 * x)) / 2.0L;
        sprintf(text, "%.770Le", mid);
        char *e = strchr(text, 'e');
        require_strtod(text);
        e[-1] = '1';
        require_strtod(text);
        /* One digit lower somewhere: below the midpoint. */
        for (e--; *e == '0' || *e == '1'; e--)
            ;
        if (*e != '.') {
            --*e;
            require_strtod(text);
        }
    }
}
END_TEST

static const char *const hard[] = {
    "0",
    "-0",
    "0.0",
    "-0e10",
    "0e999999",
    "00000",
    ".0",
    "0.",
    "5.",
    ".5",
    "+7",
    "1e0",
    "1E+05",
    "2.2250738585072011e-308",
    "2.2250738585072012e-308",
    "2.2250738585072014e-308",
    "4.9406564584124654e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1e-324",
    "5e-324",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "1e308",
    "1e309",
    "-1e400",
    "1e-400",
    "9007199254740993",
    "9007199254740991",
    "9007199254740992",
    "9007199254740994.99999999999999999999",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e22",
    "1e23",
    "8.5e22",
    "4503599627370496.5",
    "4503599627370497.5",
    "4503599627370497.4999999999999999999999999999999999999999",
    "0.000000000000000000000000000000000000000000000000000000000000000000000001",
    "0.30000000000000000000000000000000000000000000000000000000000000000001",
    "123456789012345678901234567890",
    "123456789012345678901234567890e-30",
    "6.631236846766476e-316",
    "3.237883913302901e-319",
    "7.4109846876186982e-323",
    "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203124",
    "1.00000000000000011102230246251565404236316680908203126",
    "1e18446744073709551616",
    "1e-18446744073709551616",
    "0e18446744073709551616",
    "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977"
    "587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845"
    "817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559"
    "699508093042880",
    "inf",
    "-INFINITY",
    "Inf",
};

START_TEST(agrees_with_strtod_on_hard_cases)
{
    for (size_t i = 0; i < MLK_COUNT(hard); i++)
        require_strtod(hard[i]);
}
END_TEST

START_TEST(reads_very_long_numbers)
{
    enum { LONG = 100000 };
    char *text = malloc(2 * LONG + 32);
    ck_assert_ptr_nonnull(text);
    for (int tail = 0; tail < 2; tail++) { /* a half and a long way behind it something, or not */
        strcpy(text, "9007199254740993.");
        memset(text + 17, '0', LONG);
        sprintf(text + 17 + LONG, "%d", tail);
        require_strtod(text);
    }
    memset(text, '0', LONG); /* leading zeros, on both sides of the point */
    strcpy(text + LONG, "1.5");
    require_strtod(text);
    strcpy(text, "0.");
    memset(text + 2, '0', LONG);
    sprintf(text + 2 + LONG, "123e%d", LONG);
    require_strtod(text);
    memset(text, '7', LONG); /* beyond all range, and back */
    sprintf(text + LONG, "e-%d", LONG - 5);
    require_strtod(text);
    text[LONG] = '\0';
    require_strtod(text);
    free(text);
}
END_TEST

/* A number as people write them: few digits or many, an exponent or none. */
static int random_number(mlk_rng *rng, char *to)
{
    const double scale = mlk_rng_below(rng, 3) ? 1.0 : exp(40.0 * mlk_rng_normal(rng));
    const double x = scale * mlk_rng_normal(rng);
    const int digits = (int)mlk_rng_below(rng, 18);
    switch (mlk_rng_below(rng, 4)) {
    case 0:
        return sprintf(to, "%" PRIu64, mlk_rng_next(rng) >> mlk_rng_below(rng, 64));
    case 1:
        return sprintf(to, "%.*f", digits, x);
    case 2:
        return sprintf(to, "%.*e", digits, x);
    default:
        return sprintf(to, "%.17g", x);
    }
}

START_TEST(reads_rows_of_numbers_as_strtod)
{
    enum { ROWS = 4000, N = 40 };
    mlk_rng rng = mlk_rng_stream(4, (uint64_t)_i);
    for (int row = 0; row < ROWS; row++) {
        char text[N * 400 + 1];
        double out[N];
        size_t size = 0, taken = 0;
        for (int i = 0; i < N; i++) {
            size += (size_t)random_number(&rng, text + size);
            text[size++] = ';';
        }
        text[size] = '\0';
        char *exact = malloc(size); /* so that a sanitizer sees a read behind it */
        memcpy(exact, text, size);
        const char *p = exact, *expected = text;
        while (taken < N) {
            size_t k = mlk_parse_reals(&p, exact + size, ';', out, N - taken);
            for (size_t i = 0; i <= k && taken < N; i++, taken++) {
                char *end;
                const double y = strtod(expected, &end);
                if (i == k) { /* what the row reader leaves to the other */
                    p = mlk_parse_real(p, exact + size, &out[i]);
                    ck_assert(*p == ';');
                    p++;
                }
                ck_assert_msg(memcmp(&out[i], &y, sizeof y) == 0, "%.40s: %a, strtod %a", expected,
                              out[i], y);
                expected = end + 1;
            }
        }
        ck_assert(p == exact + size);
        free(exact);
    }
}
END_TEST

START_TEST(rows_end_with_the_characters)
{
    char text[256];
    const size_t size = (size_t)sprintf(text, "7,1e%0120d", 1);
    for (size_t n = 0; n <= size; n++) {
        char *exact = malloc(n + 1); /* so that a sanitizer sees a read behind it */
        memcpy(exact + 1, text, n);
        const char *p = exact + 1;
        double out[2];
        ck_assert(mlk_parse_reals(&p, p + n, ',', out, 2) == (n >= 64));
        free(exact);
    }
}
END_TEST

START_TEST(rows_stop_before_anything_unusual)
{
    static const char *const texts[] = {"x",   "",      "+1",  " 1",    "nan",
                                        "inf", "1e999", "1 ",  "1.2.3", "-",
                                        ".",   "--1",   "0x1", "1e",    "123456789012345678901"};
    for (size_t i = 0; i < MLK_COUNT(texts); i++) {
        char text[256];
        double out[3] = {0.0, 0.0, 0.0};
        const char *p = text;
        sprintf(text, "-1.5,%s,2,%0100d,", texts[i], 0);
        ck_assert_msg(mlk_parse_reals(&p, text + strlen(text), ',', out, 3) == 1, "'%s'", texts[i]);
        ck_assert(p == text + 5 && out[0] == -1.5);
    }
}
END_TEST

static const struct {
    const char *text;
    int length;
} prefixes[] = {
    {"", 0},     {"x", 0},     {"-", 0},    {".", 0},        {"+.", 0},   {"e5", 0},     {" 1", 0},
    {"1 ", 1},   {"1,2", 1},   {"1e", 1},   {"1e+", 1},      {"1e-x", 1}, {"1.5.5", 3},  {"--1", 0},
    {"0x10", 1}, {"1e5e5", 3}, {"12a", 2},  {"infinite", 3}, {"in", 0},   {"nanx", 3},   {"1_0", 1},
    {"1d5", 1},  {"1.e2,", 4}, {"1..2", 2}, {"-.e1", 0},     {".5.", 2},  {"1\0002", 1},
};

START_TEST(stops_where_the_number_ends)
{
    for (size_t i = 0; i < MLK_COUNT(prefixes); i++) {
        double x;
        const char *s = prefixes[i].text;
        ck_assert_msg(mlk_parse_real(s, s + strlen(s), &x) - s == prefixes[i].length, "'%s'", s);
    }
}
END_TEST

START_TEST(never_looks_behind_the_end)
{
    const char *text = "-123456789.12345678901234567890123e-123";
    for (size_t n = 0; n <= strlen(text); n++) {
        char cut[64] = {0};
        memcpy(cut, text, n);
        char *end;
        const double expected = strtod(cut, &end);
        double x = 0.0;
        const char *stop = mlk_parse_real(text, text + n, &x);
        ck_assert_int_eq(stop - text, end - cut);
        ck_assert(x == expected);
    }
}
END_TEST

START_TEST(does_not_care_about_the_locale)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    bool found = false;
    for (size_t i = 0; i < MLK_COUNT(names) && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL;
    double x;
    char text[MLK_REAL_CHARS];
    ck_assert(mlk_parse_real_all("1.5", &x) && x == 1.5);
    ck_assert(!mlk_parse_real_all("1,5", &x));
    mlk_format_real(1.5, text);
    setlocale(LC_ALL, "C");
    ck_assert_str_eq(text, "1.5");
}
END_TEST

START_TEST(writes_the_shortest_text_that_reads_back)
{
    mlk_rng rng = mlk_rng_stream(3, 0);
    char text[MLK_REAL_CHARS];
    for (int i = 0; i < 20000; i++) {
        const double x = random_double(&rng);
        double back;
        ck_assert_uint_eq(mlk_format_real(x, text), strlen(text));
        ck_assert(mlk_parse_real_all(text, &back) && back == x);
    }
    mlk_format_real(0.1, text);
    ck_assert_str_eq(text, "0.1");
    mlk_format_real(-(double)INFINITY, text);
    ck_assert_str_eq(text, "-inf");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/number");
    TCase *parse = test_case(s, "parse"), *format = test_case(s, "format");
    tcase_add_loop_test(parse, rounds_random_doubles_of_any_digits_as_strtod, 0, 7);
    tcase_add_loop_test(parse, decides_midpoints_by_their_last_digit, 0, 4);
    tcase_add_test(parse, agrees_with_strtod_on_hard_cases);
    tcase_add_test(parse, reads_very_long_numbers);
    tcase_add_loop_test(parse, reads_rows_of_numbers_as_strtod, 0, 4);
    tcase_add_test(parse, rows_end_with_the_characters);
    tcase_add_test(parse, rows_stop_before_anything_unusual);
    tcase_add_test(parse, stops_where_the_number_ends);
    tcase_add_test(parse, never_looks_behind_the_end);
    tcase_add_test(format, does_not_care_about_the_locale);
    tcase_add_test(format, writes_the_shortest_text_that_reads_back);
    return s;
}
