#include "support/shell.h"

#include <stdio.h>

/* --clean, and the outlier models and projections of the command line. */

static void require_usage(const char *command, const char *text)
{
    const shell_result r = shell_run("%s", command);
    ck_assert_int_eq(r.status, 2);
    ck_assert_str_eq(r.out, "");
    ck_assert_msg(strstr(r.err, text) != NULL, "%s: %s", command, r.err);
}

/* Data line 2 has no target; lines 5 and 12 have the other cluster's class. */
static void write_table(void)
{
    shell_write("t.csv", "x,class\n0,a\n0.5,\n1,a\n2.1,a\n3,b\n3.2,a\n4,a\n5,a\n"
                         "20,b\n21,b\n22.1,b\n23,a\n23.2,b\n24,b\n25,b\n");
}

START_TEST(says_which_rows_it_leaves_out_and_why)
{
    write_table();
    const char *json = shell_out("mlkit-fit naive-bayes -t class --clean enn --json t.csv");
    require_close(shell_json_number(json, "data", "rows"), 12.0, 0.0);
    require_close(shell_json_number(json, "cleaned", "count"), 2.0, 0.0);
    const char *rows = strstr(json, "\"row\": 5");
    ck_assert_ptr_nonnull(rows);
    ck_assert_ptr_nonnull(strstr(rows, "\"row\": 12"));
    ck_assert_ptr_nonnull(strstr(rows, "\"truth\": \"b\""));
    const char *text = shell_out("mlkit-fit naive-bayes -t class --clean cv -v t.csv");
    ck_assert_ptr_nonnull(strstr(text, "cleaned (cv): 2 rows left out\n"));
    ck_assert_ptr_nonnull(strstr(text, "  row 5: b, predicted a: predicted otherwise by a fit"));
    text = shell_out("mlkit-fit naive-bayes -t class --clean cv t.csv");
    ck_assert_ptr_nonnull(strstr(text, "2 rows left out; -v lists them\n"));
}
END_TEST

START_TEST(learns_what_the_table_without_those_rows_teaches)
{
    write_table();
    shell_out("sed '6d;13d' t.csv >u.csv");
    const char *cleaned = "mlkit-fit lda -q -t class --clean enn -o a.mlk t.csv; cksum <a.mlk";
    ck_assert_str_eq(shell_out(cleaned),
                     shell_out("mlkit-fit lda -q -t class -o b.mlk u.csv; cksum <b.mlk"));
    /* A held-out share is not cleaned, and the lines are those of the whole table. */
    const char *json =
        shell_out("mlkit-fit lda -t class --clean enn --test 0.5 --seed 3 --json t.csv");
    ck_assert_ptr_nonnull(strstr(json, "\"cleaned\""));
    ck_assert(shell_json_number(json, "data", "rows") +
                  shell_json_number(json, "cleaned", "count") ==
              7.0);
}
END_TEST

START_TEST(finds_a_number_that_is_far_off)
{
    shell_write("n.csv", "x,y\n1,2.1\n2,3.9\n3,6.0\n4,8.1\n5,10.2\n6,21\n7,14.1\n8,15.9\n9,18\n"
                         "10,19.9\n");
    const char *json = shell_out("mlkit-fit linear -t y --task regression --clean cv --json n.csv");
    require_close(shell_json_number(json, "cleaned", "count"), 1.0, 0.0);
    ck_assert_ptr_nonnull(strstr(json, "\"row\": 6"));
    ck_assert_ptr_nonnull(strstr(json, "robust standard deviations"));
}
END_TEST

START_TEST(refuses_what_cannot_be_cleaned)
{
    write_table();
    require_usage("mlkit-fit lda -t class --clean tomek t.csv", "--clean 'tomek' is unknown");
    require_usage("mlkit-fit lda -t class --clean enn --cv 3 t.csv", "judge with --test");
    require_usage("mlkit-fit pca --clean enn t.csv", "--clean needs -t TARGET");
    shell_result r = shell_run("mlkit-fit lda -t x --task classification --clean enn t.csv");
    ck_assert_int_eq(r.status, 1);
    ck_assert_ptr_nonnull(strstr(r.err, "leaves no row of class"));
    r = shell_run("mlkit-fit linear -t x --task regression --clean enn t.csv");
    ck_assert_int_eq(r.status, 1);
    ck_assert_ptr_nonnull(strstr(r.err, "expect classes"));
}
END_TEST

START_TEST(lda_also_writes_its_projection)
{
    write_table();
    shell_out("mlkit-fit lda -q -t class -o a.mlk t.csv");
    const char *csv = shell_out("mlkit-predict a.mlk --transform --probabilities t.csv");
    ck_assert_int_eq(strncmp(csv, "prediction,dim1,p(a),p(b)\n", 26), 0);
    shell_out("mlkit-fit qda -q -t class -o b.mlk t.csv");
    const shell_result r = shell_run("mlkit-predict b.mlk --transform t.csv");
    ck_assert_int_eq(r.status, 1);
    ck_assert_str_eq(r.out, "");
    ck_assert_ptr_nonnull(strstr(r.err, "qda has no projection"));
}
END_TEST

START_TEST(outlier_models_flag_the_row_that_is_far)
{
    static const char *const models[] = {"lof -s n_neighbors=3",
                                         "mahalanobis -s contamination=0.1"};
    shell_write("o.csv", "x,y\n1,1.1\n2,2\n3,3.1\n4,3.9\n5,5\n6,6.1\n7,7\n8,7.9\n9,9\n4,30\n");
    for (size_t i = 0; i < MLK_COUNT(models); i++) {
        const shell_result fit = shell_run("mlkit-fit %s -q -o a.mlk o.csv", models[i]);
        ck_assert_int_eq(fit.status, 0);
        const char *csv = shell_out("mlkit-predict a.mlk o.csv | cut -d, -f1 | tr '\\n' ' '");
        ck_assert_str_eq(csv, "outlier 0 0 0 0 0 0 0 0 0 1 ");
    }
}
END_TEST

START_TEST(rows_that_are_dropped_are_not_judged)
{
    static const char *const models[] = {"linear -t c --task regression",
                                         "knn -s n_neighbors=1 -t y",
                                         "kmeans -s n_clusters=2 -t y"};
    static const char *const metrics[] = {"rmse", "accuracy", "ari"};
    shell_write("all.csv", "a,b,y,c\n3,,q,5\n1,2,p,4\n2,1,p,3\n8,9,q,1\n9,7,q,0.5\n7,8,p,2\n"
                           ",4,p,6\n");
    shell_out("sed '2d;8d' all.csv >some.csv");
    for (size_t i = 0; i < MLK_COUNT(models); i++) {

        char command[200];
        snprintf(command, sizeof command, "mlkit-fit %s --impute drop --json all.csv", models[i]);
        ck_assert_ptr_nonnull(
            strstr(shell_run("%s", command).err, "2 of 7 rows have missing values"));
        const double all = shell_json_number(shell_out(command), "metrics", metrics[i]);
        snprintf(command, sizeof command, "mlkit-fit %s --impute drop --json some.csv", models[i]);
        ck_assert_double_eq(all, shell_json_number(shell_out(command), "metrics", metrics[i]));
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/cleaning");
    TCase *all = test_case(s, "all");
    tcase_add_checked_fixture(all, shell_enter, shell_leave);
    tcase_add_test(all, says_which_rows_it_leaves_out_and_why);
    tcase_add_test(all, learns_what_the_table_without_those_rows_teaches);
    tcase_add_test(all, finds_a_number_that_is_far_off);
    tcase_add_test(all, refuses_what_cannot_be_cleaned);
    tcase_add_test(all, lda_also_writes_its_projection);
    tcase_add_test(all, outlier_models_flag_the_row_that_is_far);
    tcase_add_test(all, rows_that_are_dropped_are_not_judged);
    return s;
}
