#include <mlkit/data/table.h>

#include <stdio.h>
#include <unistd.h>

#include "core/rng.h"
#include "data/table_impl.h"
#include "support/csv_twin.h"
#include "support/mlk_test.h"

static mlk_status read_text(const char *text, mlk_table **t)
{
    return mlk_table_read_memory("t.csv", text, strlen(text), NULL, NULL, t);
}

/* ----------------------------------------------------------------- the literal twin */

static bool twin_number(const char *s, double *x)
{
    char *end;
    if (strpbrk(s, "xXpP"))
        return false; /* hexadecimal is strtod's alone */
    *x = strtod(s, &end);
    return *s && !*end && !isnan(*x);
}

static bool twin_missing(const char *s)
{
    static const char *const words[] = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"};
    for (size_t i = 0; i < MLK_COUNT(words); i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    return false;
}

/* Column j of the table is what the twin's texts make it. */
static void require_column(const mlk_table *t, const twin_table *twin, size_t j)
{
    const mlk_column c = mlk_table_column(t, j);
    bool numeric = true;
    size_t missing = 0;
    for (size_t i = 0; i < twin->rows; i++) {
        double x;
        const char *s = twin->fields[i * twin->cols + j];
        missing += twin_missing(s);
        numeric = numeric && (twin_missing(s) || twin_number(s, &x));
    }
    ck_assert_str_eq(c.name, twin->header[j]);
    ck_assert_int_eq(c.type, numeric ? MLK_NUMERIC : MLK_CATEGORICAL);
    ck_assert_uint_eq(c.n_missing, missing);
    for (size_t i = 0; i < twin->rows; i++) {
        double x = NAN;
        const char *s = twin->fields[i * twin->cols + j];
        if (numeric && twin_missing(s))
            ck_assert(isnan(c.values[i]));
        else if (numeric)
            ck_assert(twin_number(s, &x) && memcmp(&c.values[i], &x, sizeof x) == 0);
        else if (twin_missing(s))
            ck_assert_uint_eq(c.codes[i], MLK_MISSING_CODE);
        else
            ck_assert_str_eq(c.levels[c.codes[i]], s);
    }
    for (size_t k = 1; k < c.n_levels; k++)
        ck_assert_str_ne(c.levels[k - 1], c.levels[k]);
}

static void require_twin(const char *bytes, size_t size, const twin_table *twin, size_t piece,
                         int threads)
{
    const mlk_table_opts opts = {.delimiter = ',', .header = true};
    const mlk_run run = {.threads = threads};
    mlk_table *t;
    char text[64];
    const mlk_status st = mlk_csv_read("t.csv", bytes, size, &opts, piece, &run, &t);
    if (twin->error != TWIN_OK) {
        static const char *const words[] = {"", "field", "unterminated quote", "closing quote"};
        snprintf(text, sizeof text, "t.csv:%zu: ", twin->error_line);
        require_fail(st, MLK_EFORMAT, text);
        require_fail(st, MLK_EFORMAT, words[twin->error]);
        ck_assert_ptr_null(t);
        return;
    }
    if (twin->rows == 0) {
        require_fail(st, MLK_EFORMAT, "no data rows");
        return;
    }
    require_ok(st);
    ck_assert_uint_eq(mlk_table_rows(t), twin->rows);
    ck_assert_uint_eq(mlk_table_cols(t), twin->cols);
    for (size_t i = 0; i < twin->rows; i++)
        ck_assert_uint_eq(mlk_table_line(t, i), twin->lines[i]);
    for (size_t j = 0; j < twin->cols; j++)
        require_column(t, twin, j);
    mlk_table_free(t);
}

static const char *random_field(mlk_rng *rng, bool texts)
{
    static const char *const numbers[] = {"1",  "-2.5",   "3e4",   "0.1234567890123456789",
                                          "",   "NA",     "?",     "007",
                                          ".5", "1e-320", "\"4\"", "\"\""};
    static const char *const words[] = {
        "a",        "b c", "\"q\"", "\"a,b\"",         "\"x\ny\"", "5\"", "\"\"\"\"", "\"a\"\"b\"",
        "\"\r\n\"", "1x",  "nan",   "\"\n\n,\"\"\n\"", "a\rb",     " 7",  "8 ",       "N/A"};
    return texts && mlk_rng_below(rng, 2) ? words[mlk_rng_below(rng, MLK_COUNT(words))]
                                          : numbers[mlk_rng_below(rng, MLK_COUNT(numbers))];
}

/* A small file, valid or nearly so. */
static size_t random_file(mlk_rng *rng, char *to)
{
    const size_t cols = 1 + mlk_rng_below(rng, 4), rows = mlk_rng_below(rng, 7);
    const uint64_t texts = mlk_rng_next(rng);
    char *p = to;
    for (size_t j = 0; j < cols; j++)
        p += sprintf(p, "%sc%zu", j ? "," : "", j);
    for (size_t i = 0; i < rows; i++) {
        p += sprintf(p, "%s", mlk_rng_below(rng, 4) ? "\n" : "\r\n");
        if (mlk_rng_below(rng, 9) == 0)
            p += sprintf(p, "\n");
        const size_t fields = cols + (mlk_rng_below(rng, 60) == 0) - (mlk_rng_below(rng, 60) == 0);
        for (size_t j = 0; j < fields; j++)
            p += sprintf(p, "%s%s", j ? "," : "", random_field(rng, texts >> j & 1));
    }
    if (mlk_rng_below(rng, 2))
        p += sprintf(p, "\n");
    if (mlk_rng_below(rng, 12) == 0)
        to[mlk_rng_below(rng, (uint64_t)(p - to))] = "\",\nx"[mlk_rng_below(rng, 4)];
    return (size_t)(p - to);
}

START_TEST(agrees_with_a_literal_reader_wherever_the_file_is_cut)
{
    mlk_rng rng = mlk_rng_stream(7, (uint64_t)_i);
    char text[1024];
    for (int k = 0; k < 100; k++) {
        const size_t size = random_file(&rng, text);
        char *exact = malloc(size); /* so that a sanitizer sees a read behind it */
        memcpy(exact, text, size);
        const twin_table twin = twin_read(exact, size, ',');
        bool twice = false; /* the altered header may have lost a name */
        for (size_t j = 0; j < twin.cols && twin.header[j]; j++) {
            twice |= !*twin.header[j];
            for (size_t l = 0; l < j; l++)
                twice |= strcmp(twin.header[j], twin.header[l]) == 0;
        }
        for (size_t piece = 1; !twice && piece <= size + 1; piece += 1 + piece / 16)
            require_twin(exact, size, &twin, piece, k == 0 && piece < 8 ? 2 : 1);
        free(exact);
    }
}
END_TEST

/* ------------------------------------------------------------------------ what it is */

START_TEST(reads_types_missing_values_and_levels)
{
    mlk_table *t;
    require_ok(read_text("\xEF\xBB\xBF"
                         "num;text;mixed;code\r\n1.5;b;1;10\r\n\r\nNA;\"a;\"\"x\";x;9\r\n;?;;10",
                         &t));
    ck_assert_uint_eq(mlk_table_rows(t), 3);
    ck_assert_uint_eq(mlk_table_line(t, 1), 4);
    const mlk_column num = mlk_table_column(t, 0), text = mlk_table_column(t, 1),
                     mixed = mlk_table_column(t, 2);
    ck_assert(num.type == MLK_NUMERIC && num.values[0] == 1.5 && isnan(num.values[1]));
    ck_assert_uint_eq(num.n_missing, 2);
    ck_assert_str_eq(text.levels[0], "a;\"x");
    ck_assert_uint_eq(text.codes[0], 1);
    ck_assert_uint_eq(text.codes[2], MLK_MISSING_CODE);
    ck_assert(mixed.type == MLK_CATEGORICAL && mixed.n_levels == 2 && mixed.n_missing == 1);
    mlk_table_free(t);
}
END_TEST

START_TEST(sorts_levels_as_numbers_where_all_are)
{
    const mlk_table_opts opts = {.header = true, .categorical = "z"};
    const char *text = "z\n10\n9\n-1\n1e1\n";
    mlk_table *t;
    require_ok(mlk_table_read_memory("t.csv", text, strlen(text), &opts, NULL, &t));
    const mlk_column z = mlk_table_column(t, 0);
    const char *const expected[] = {"-1", "9", "10", "1e1"};
    ck_assert_uint_eq(z.n_levels, 4);
    for (size_t k = 0; k < 4; k++)
        ck_assert_str_eq(z.levels[k], expected[k]);
    mlk_table_free(t);
    require_ok(read_text("z\n10\n9\nx\n", &t));
    ck_assert_str_eq(mlk_table_column(t, 0).levels[0], "10");
    mlk_table_free(t);
}
END_TEST

static void require_row_text(const char *text, size_t row, const char *expected)
{
    const mlk_table_opts opts = {.header = true, .text = true};
    mlk_table *t;
    size_t n;
    require_ok(mlk_table_read_memory("t.csv", text, strlen(text), &opts, NULL, &t));
    const char *got = mlk_table_text(t, row, &n);
    ck_assert_msg(n == strlen(expected) && memcmp(got, expected, n) == 0, "'%.*s'", (int)n, got);
    mlk_table_free(t);
}

START_TEST(keeps_the_text_of_rows)
{
    static const char commas[] = "\xEF\xBB\xBF\nid,n,s\r\n007,1.50,"
                                 "\"a\r\nb\"\r\n\r\n12345678901234567890,NA,\"x \"\"y\"\"\"";
    require_row_text(commas, 0, "007,1.50,\"a\r\nb\"");
    require_row_text(commas, 1, "12345678901234567890,NA,\"x \"\"y\"\"\"");
    static const char semicolons[] = "id;n;s\n007;1,5;\"a;b\"\n;?;5\" tall\n\"\";;\"q\"\"\"\n";
    require_row_text(semicolons, 0, "007,\"1,5\",\"a;b\"");
    require_row_text(semicolons, 1, ",?,\"5\"\" tall\"");
    require_row_text(semicolons, 2, "\"\",,\"q\"\"\"");
    mlk_table *t;
    size_t n;
    require_ok(read_text("a\n1\n", &t)); /* not asked for */
    ck_assert_ptr_null(mlk_table_text(t, 0, &n));
    ck_assert_uint_eq(n, 0);
    mlk_table_free(t);
}
END_TEST

START_TEST(finds_the_delimiter_that_the_header_shows_most)
{
    static const char *const texts[] = {"a,b\n1,2\n", "a;b\n1;2\n",         "a\tb\n1\t2\n",
                                        "a|b\n1|2\n", "\"a;;;;\",b\n1,2\n", "a,b;c,d\n1,2,3\n"};
    for (size_t i = 0; i < MLK_COUNT(texts); i++) {
        mlk_table *t;
        require_ok(read_text(texts[i], &t));
        ck_assert_uint_eq(mlk_table_cols(t), i < 5 ? 2 : 3);
        mlk_table_free(t);
    }
}
END_TEST

START_TEST(numbers_the_columns_without_a_header)
{
    const mlk_table_opts opts = {.header = false};
    mlk_table *t;
    size_t j;
    require_ok(mlk_table_read_memory("t.csv", "1,a\n2,b", 7, &opts, NULL, &t));
    ck_assert_uint_eq(mlk_table_rows(t), 2);
    ck_assert_str_eq(mlk_table_column(t, 1).name, "2");
    require_ok(mlk_table_find(t, "2", &j));
    ck_assert_uint_eq(j, 1);
    mlk_table_free(t);
    require_fail(mlk_table_read_memory("t.csv", "1,a\n2", 5, &opts, NULL, &t), MLK_EFORMAT,
                 "t.csv:2: 1 field; the first row has 2");
}
END_TEST

START_TEST(finds_columns_by_name_before_index)
{
    mlk_table *t;
    size_t j;
    require_ok(read_text("price,1,area\n1,2,3\n", &t));
    require_ok(mlk_table_find(t, "1", &j));
    ck_assert_uint_eq(j, 1);
    require_ok(mlk_table_find(t, "3", &j));
    ck_assert_uint_eq(j, 2);
    require_fail(mlk_table_find(t, "pirce", &j), MLK_EINVAL,
                 "no column 'pirce'; did you mean 'price'?");
    require_fail(mlk_table_find(t, "4", &j), MLK_EINVAL, "no column '4'");
    mlk_table_free(t);
}
END_TEST

/* --------------------------------------------------------------------------- refusals */

static const struct {
    const char *text, *expected;
} refusals[] = {
    {"", "t.csv: the file is empty"},
    {"\n\r\n", "t.csv: the file is empty"},
    {"a,b\n", "t.csv:1: no data rows"},
    {"a,b\r\n", "t.csv:1: no data rows"},
    {"a,b\r1,2\r3,4\r", "t.csv: lines end with CR alone; expected LF or CR LF"},
    {"\xFF\xFE"
     "a,b",
     "t.csv: UTF-16 text; expected UTF-8"},
    {"\xFE\xFF", "t.csv: UTF-16 text; expected UTF-8"},
    {"a,b\n1,2\n\n3\n", "t.csv:4: 1 field; the header has 2"},
    {"a,b\n\"x\ny\",2\n1,2,3\n", "t.csv:4: 3 fields; the header has 2"},
    {"a,b\n1,2\n1,\"x\n3,4\n", "t.csv:3: column 'b': unterminated quote"},
    {"a,b\n1,\"x\"y\n", "t.csv:2: column 'b': text after a closing quote"},
    {"a,a\n1,2\n", "t.csv:1: columns 1 and 2 have the same name 'a'"},
    {"a,,b\n1,2,3\n", "t.csv:1: column 2 has no name"},
    {"a,\"b\n1,2\n", "t.csv:1: unterminated quote"},
    {"a,\"b\"c\n1,2\n", "t.csv:1: text after a closing quote"},
    {"a,b\n1,2\n1,inf\n", "t.csv:3: column 'b': 'inf' is infinite"},
    {"a,b\n1,2\n-1e999,3\n", "t.csv:3: column 'a': '-1e999' is infinite"},
    {"a,b\n1,2\n\"Infinity\",3\n", "t.csv:3: column 'a': 'Infinity' is infinite"},
};

START_TEST(refuses_with_the_line)
{
    mlk_table *t;
    require_fail(read_text(refusals[_i].text, &t), MLK_EFORMAT, refusals[_i].expected);
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(refuses_a_nul_byte_anywhere)
{
    static const char text[] = "a,b\n1,x\n2,y\n3,\"z\"\n";
    char copy[sizeof text];
    mlk_table *t;
    size_t line = 1;
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        char expected[64];
        memcpy(copy, text, sizeof text);
        copy[i] = '\0';
        snprintf(expected, sizeof expected, "t.csv:%zu: ", line);
        require_fail(mlk_table_read_memory("t.csv", copy, sizeof text - 1, NULL, NULL, &t),
                     MLK_EFORMAT, expected);
        line += text[i] == '\n';
    }
}
END_TEST

START_TEST(obeys_and_checks_the_type_overrides)
{
    mlk_table_opts opts = {.header = true, .categorical = "a", .numeric = "b"};
    const char *text = "a,b\n1,2\n3,x\n";
    mlk_table *t;
    require_fail(mlk_table_read_memory("t.csv", text, strlen(text), &opts, NULL, &t), MLK_EFORMAT,
                 "t.csv:3: column 'b': 'x' is not a number");
    opts.numeric = "a";
    require_fail(mlk_table_read_memory("t.csv", text, strlen(text), &opts, NULL, &t), MLK_EINVAL,
                 "column 'a' is to be both numeric and categorical");
    opts.numeric = "c";
    require_fail(mlk_table_read_memory("t.csv", text, strlen(text), &opts, NULL, &t), MLK_EINVAL,
                 "no column 'c'");
    opts.numeric = NULL;
    require_ok(mlk_table_read_memory("t.csv", text, strlen(text), &opts, NULL, &t));
    ck_assert_int_eq(mlk_table_column(t, 0).type, MLK_CATEGORICAL);
    mlk_table_free(t);
    opts.delimiter = '5';
    require_fail(mlk_table_read_memory("t.csv", text, strlen(text), &opts, NULL, &t), MLK_EINVAL,
                 "the delimiter is '5'");
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
    mlk_table *t;
    require_fail(mlk_table_read("/no/such/file.csv", NULL, NULL, &t), MLK_EIO,
                 "/no/such/file.csv: No such file or directory");
    require_fail(mlk_table_read("/", NULL, NULL, &t), MLK_EIO, "/: a folder; expected a file");
    require_fail(mlk_table_read("/dev/null", NULL, NULL, &t), MLK_EFORMAT,
                 "/dev/null: the file is empty");
}
END_TEST

static bool always(void *user)
{
    (void)user;
    return true;
}

START_TEST(stops_when_cancelled)
{
    const mlk_run run = {.cancelled = always};
    mlk_table *t;
    require_fail(mlk_table_read_memory("t.csv", "a\n1\n", 4, NULL, &run, &t), MLK_ECANCELLED,
                 "cancelled");
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    /* Text from the first row on, text found late, doubled quotes, blank lines. */
    const char *head = "a,b,\"c\"\"d\"\n", *row = "1,\"x\"\"y\",3\n\n", *last = "z,w,5\n";
    char text[4096];
    size_t size = (size_t)sprintf(text, "%s", head);
    for (int i = 0; i < 80; i++)
        size += (size_t)sprintf(text + size, "%s", row);
    size += (size_t)sprintf(text + size, "%s", last);
    const mlk_table_opts opts = {.header = true, .numeric = "c\"d", .text = true};
    const mlk_run run = {.threads = 2};
    mlk_table *t;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_csv_read("t.csv", text, size, &opts, 200, &run, &t);
        ck_assert(st == MLK_OK ? t != NULL : st == MLK_ENOMEM && t == NULL);
    }
    mlk_test_fail_at = -1;
    ck_assert_uint_eq(mlk_table_rows(t), 81);
    mlk_table_free(t);
}
END_TEST

/* ------------------------------------------------------------------------- real data */

static const struct {
    const char *file;
    size_t rows, cols, texts, missing;
} real[] = {
    {"iris.csv", 150, 5, 1, 0},
    {"california_housing.csv", 20640, 10, 1, 207},
    {"adult.csv", 30162, 15, 9, 0},
    {"titanic.csv", 1309, 4, 3, 263},
    {"penguins.csv", 344, 7, 3, 19},
    {"ames.csv", 2930, 74, 40, 0},
    {"credit_data.csv", 4454, 14, 5, 455},
    {"income_marketing.csv", 8993, 14, 14, 2694},
    {"machine.csv", 209, 10, 2, 0},
    {"digits.csv", 1797, 65, 0, 0},
    {"fashion_mnist_test2k.csv.gz", 2000, 785, 0, 0},
};

START_TEST(reads_real_tables)
{
    char name[64];
    snprintf(name, sizeof name, "datasets/%s", real[_i].file);
    const char *path = test_shared_path(name);
    if (!path)
        return;
    mlk_table *t;
    size_t texts = 0, missing = 0;
    require_ok(mlk_table_read(path, NULL, NULL, &t));
    for (size_t j = 0; j < mlk_table_cols(t); j++) {
        texts += mlk_table_column(t, j).type == MLK_CATEGORICAL;
        missing += mlk_table_column(t, j).n_missing;
    }
    ck_assert_uint_eq(mlk_table_rows(t), real[_i].rows);
    ck_assert_uint_eq(mlk_table_cols(t), real[_i].cols);
    ck_assert_uint_eq(texts, real[_i].texts);
    ck_assert_uint_eq(missing, real[_i].missing);
    mlk_table_free(t);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("data/csv");
    TCase *twin = test_case(s, "twin"), *tables = test_case(s, "tables"),
          *errors = test_case(s, "errors");
    tcase_add_loop_test(twin, agrees_with_a_literal_reader_wherever_the_file_is_cut, 0, 30);
    tcase_add_test(tables, reads_types_missing_values_and_levels);
    tcase_add_test(tables, sorts_levels_as_numbers_where_all_are);
    tcase_add_test(tables, keeps_the_text_of_rows);
    tcase_add_test(tables, finds_the_delimiter_that_the_header_shows_most);
    tcase_add_test(tables, numbers_the_columns_without_a_header);
    tcase_add_test(tables, finds_columns_by_name_before_index);
    tcase_add_loop_test(tables, reads_real_tables, 0, (int)MLK_COUNT(real));
    tcase_add_loop_test(errors, refuses_with_the_line, 0, (int)MLK_COUNT(refusals));
    tcase_add_test(errors, refuses_a_nul_byte_anywhere);
    tcase_add_test(errors, obeys_and_checks_the_type_overrides);
    tcase_add_test(errors, refuses_what_is_no_file);
    tcase_add_test(errors, stops_when_cancelled);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
