#include <mlkit/data/table.h>

#include <stdio.h>

#include "data/table_impl.h"
#include "support/mlk_test.h"

static mlk_status read_text(const char *text, size_t piece, mlk_table **t)
{
    return mlk_svmlight_read("t.svm", text, strlen(text), piece, &(mlk_run){.threads = 2}, t);
}

START_TEST(reads_rows_wherever_the_file_is_cut)
{
    static const char text[] = "# a comment\n+1 1:0.5 3:-2 # the end\r\n\n-1.5 qid:3 2:1e2\n"
                               "nan\t3:nan\n0\n7 1:1";
    static const double expected[5][4] = {
        {1, 0.5, 0, -2}, {-1.5, 0, 100, 0}, {(double)NAN, 0, 0, (double)NAN}, {0}, {7, 1, 0, 0}};
    static const size_t lines[] = {2, 4, 5, 6, 7};
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        mlk_table *t;
        require_ok(read_text(text, piece, &t));
        ck_assert(mlk_table_rows(t) == 5 && mlk_table_cols(t) == 4);
        for (size_t i = 0; i < 5; i++) {
            ck_assert_uint_eq(mlk_table_line(t, i), lines[i]);
            for (size_t j = 0; j < 4; j++) {
                const double x = mlk_table_column(t, j).values[i];
                ck_assert(x == expected[i][j] || (isnan(x) && isnan(expected[i][j])));
            }
        }
        ck_assert_str_eq(mlk_table_column(t, 0).name, "target");
        ck_assert_str_eq(mlk_table_column(t, 3).name, "3");
        ck_assert_uint_eq(mlk_table_column(t, 3).n_missing, 1);
        mlk_table_free(t);
    }
}
END_TEST

static const struct {
    const char *text, *expected;
} refusals[] = {
    {"", "t.svm: the file is empty"},
    {"# only\n\n", "t.svm:1: no data rows"},
    {"1 1:2\nx 1:2\n", "t.svm:2: 'x'; expected a label"},
    {"inf 1:2\n", "t.svm:1: 'inf'; expected a label"},
    {"1 1:2\n1 0:2\n", "t.svm:2: '0:2'; expected indices from 1 on"},
    {"1 2:2 2:3\n", "t.svm:1: '2:3'; expected increasing indices"},
    {"1 2:2 1:3\n", "t.svm:1: '1:3'; expected increasing indices"},
    {"1 2:\n", "t.svm:1: '2:'; expected index:value with a finite number"},
    {"1 2:x\n", "t.svm:1: '2:x'; expected index:value with a finite number"},
    {"1 2:inf\n", "t.svm:1: '2:inf'; expected index:value with a finite number"},
    {"1 2:1x\n", "t.svm:1: '2:1x'; expected index:value with a finite number"},
    {"1 -2:1\n", "t.svm:1: '-2:1'; expected index:value"},
    {"1 2\n", "t.svm:1: '2'; expected index:value"},
    {"1,2 1:2\n", "t.svm:1: '1,2'; expected a label"},
    {"1 99999999999999999999:1\n", "expected indices up to 1048576"},
};

START_TEST(refuses_with_the_line)
{
    mlk_table *t;
    for (size_t piece = 1; piece < 20; piece++)
        require_fail(read_text(refusals[_i].text, piece, &t), MLK_EFORMAT, refusals[_i].expected);
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(refuses_a_nul_byte)
{
    mlk_table *t;
    require_fail(mlk_svmlight_read("t.svm", "1 1:2\n1 1:\0\n", 12, 0, NULL, &t), MLK_EFORMAT,
                 "t.svm:2: a NUL byte");
}
END_TEST

START_TEST(is_chosen_by_ending_or_option)
{
    static const char *const names[] = {"a.svm", "a.libsvm", "a.svmlight", "a.svm.gz", "a.txt"};
    mlk_table_opts opts = mlk_table_opts_default();
    for (size_t i = 0; i < MLK_COUNT(names); i++) {
        mlk_table *t;
        opts.format = i == 4 ? MLK_FORMAT_SVMLIGHT : MLK_FORMAT_AUTO;
        require_ok(mlk_table_read_memory(names[i], "1 1:2\n", 6, &opts, NULL, &t));
        ck_assert_str_eq(mlk_table_column(t, 0).name, "target");
        mlk_table_free(t);
    }
    mlk_table *t;
    opts.format = MLK_FORMAT_CSV;
    require_fail(mlk_table_read_memory("a.svm", "1 1:2\n", 6, &opts, NULL, &t), MLK_EFORMAT,
                 "no data rows");
    opts.format = MLK_FORMAT_AUTO;
    opts.categorical = "1";
    require_fail(mlk_table_read_memory("a.svm", "1 1:2\n", 6, &opts, NULL, &t), MLK_EINVAL,
                 "svmlight holds numbers");
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_table *t;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = read_text("# x\n1 1:2 2:3\n2 3:4\n", 4, &t);
        ck_assert(st == MLK_OK ? t != NULL : st == MLK_ENOMEM && t == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_table_free(t);
}
END_TEST

START_TEST(reads_real_tables)
{
    static const struct {
        const char *file;
        size_t rows, features;
    } real[] = {{"heart_scale.svm", 270, 13},
                {"agaricus_train.svm", 6513, 126},
                {"agaricus_test.svm", 1611, 126}};
    for (size_t i = 0; i < MLK_COUNT(real); i++) {
        char name[64];
        snprintf(name, sizeof name, "datasets/%s", real[i].file);
        const char *path = test_shared_path(name);
        mlk_table *t;
        if (!path)
            return;
        require_ok(mlk_table_read(path, NULL, NULL, &t));
        ck_assert_uint_eq(mlk_table_rows(t), real[i].rows);
        ck_assert_uint_eq(mlk_table_cols(t), real[i].features + 1);
        mlk_table_free(t);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("data/svmlight");
    TCase *tables = test_case(s, "tables"), *errors = test_case(s, "errors");
    tcase_add_test(tables, reads_rows_wherever_the_file_is_cut);
    tcase_add_test(tables, is_chosen_by_ending_or_option);
    tcase_add_test(tables, reads_real_tables);
    tcase_add_loop_test(errors, refuses_with_the_line, 0, (int)MLK_COUNT(refusals));
    tcase_add_test(errors, refuses_a_nul_byte);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
