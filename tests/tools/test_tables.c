#include "support/shell.h"

#include <stdio.h>
#include <string.h>
#include <stdlib.h>

/* Tables described, compared with the training data, and reported as a page. */

START_TEST(show_describes_a_table)
{
    char command[1200];
    snprintf(command, sizeof command, "mlkit-show -t species %s", shell_dataset("penguins.csv"));
    const char *text = shell_out(command);
    ck_assert_ptr_nonnull(strstr(text, "344 rows, 7 columns (4 numeric, 3 categorical)"));
    ck_assert_ptr_nonnull(strstr(text, "Adelie 152 (44 %)"));
    strcat(command, " --json");
    const char *json = shell_out(command);
    require_close(shell_json_number(json, "flipper_length_mm", "missing"), 2.0, 0.0);
    require_relative(shell_json_number(json, "flipper_length_mm", "mean"), 200.91520467836258,
                     1e-14); /* NumPy */
    ck_assert_ptr_nonnull(strstr(shell_out("printf 'a,b\\n1,2\\n' | mlkit-show -"), ": 1 row, "));
    shell_write("t.csv", "a,b\n1,2\n1,2\n");
    const shell_result r = shell_run("mlkit-show --strict t.csv");
    ck_assert_int_eq(r.status, 1);
    ck_assert_str_eq(r.out, "");
    ck_assert_ptr_nonnull(strstr(r.err, "warning: 1 row (50 %) is a copy"));
}
END_TEST

START_TEST(eval_warns_of_drift_and_of_nothing_else)
{
    char command[1200];
    snprintf(command, sizeof command,
             "mlkit-fit logistic -q -t species --scale standard --test 0.3 -o m.mlk %s; "
             "mlkit-eval --strict m.mlk %s --json",
             shell_dataset("penguins.csv"), shell_dataset("penguins.csv"));
    const char *json = shell_out(command);
    require_close(shell_json_number(json, "bill_depth_mm", "psi"), 0.0, 0.05);
    snprintf(command, sizeof command,
             "sed 's/Biscoe/Elsewhere/' %s >new.csv; mlkit-eval -q m.mlk new.csv",
             shell_dataset("penguins.csv"));
    const shell_result r = shell_run("%s", command);
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.err, "warning: drift: 'island': 48.8 % of the values are"));
    ck_assert_int_eq(shell_run("mlkit-eval --strict m.mlk new.csv").status, 1);
}
END_TEST

/* A page without what differs from run to run: seconds, and the chart of them. */
static const char *const without_times =
    "sed -E 's/<td class=\"n time\"[^>]*>[^<]*<.td>//g; /<figcaption>Seconds to fit/,/<.figure>/d'";

START_TEST(reports_are_the_same_for_any_number_of_threads)
{
    char command[1400];
    snprintf(command, sizeof command,
             "for t in 1 2 3 8; do mlkit-compare -q --threads $t -t hwy -m tree:max_leaf_nodes=6 "
             "-m knn -m forest:n_estimators=5 --report r.html %s || exit 1; %s r.html >$t.html; "
             "done; cmp 1.html 2.html && cmp 1.html 3.html && cmp 1.html 8.html; "
             "grep -c '<h2' 1.html",
             shell_dataset("mpg.csv"), without_times);
    ck_assert_str_eq(shell_out(command), "5\n");
}
END_TEST

START_TEST(a_report_holds_what_it_promises)
{
    char command[1400];
    snprintf(command, sizeof command,
             "mlkit-compare -q -t species -m logistic -m tree -m knn:n_neighbors=5000 "
             "--report r.html %s 2>/dev/null; cat r.html",
             shell_dataset("penguins.csv"));
    const char *html = shell_out(command);
    static const char *const parts[] = {"Which model?",
                                        "failed in 5 of 5 splits",
                                        "Predictions of rows that the model was not fitted on",
                                        "ROC curve",
                                        "Confusion matrix",
                                        "What does the best model look at?",
                                        "Learning curve of logistic",
                                        "bias and variance",
                                        "Numeric columns",
                                        "How columns hang together",
                                        "mlkit-compare -q -t species -m logistic",
                                        "seed 0"};
    for (size_t i = 0; i < MLK_COUNT(parts); i++)
        ck_assert_msg(strstr(html, parts[i]) != NULL, "no %s", parts[i]);
    snprintf(command, sizeof command, "sha256sum %s", shell_dataset("penguins.csv"));
    const char *hash = shell_out(command);
    char hex[65];
    snprintf(hex, sizeof hex, "%s", hash);
    ck_assert_ptr_nonnull(strstr(html, hex));
}
END_TEST

START_TEST(hostile_names_stay_names)
{
    shell_write("t.csv", "\"<script>alert(1)</script>\",\"a\"\"b\",y\n"
                         "1,<b>x</b>,</svg>\n2,\"&amp;\",q\n3,<b>x</b>,</svg>\n4,\"&amp;\",q\n"
                         "5,<b>x</b>,</svg>\n6,\"&amp;\",q\n7,<b>x</b>,</svg>\n8,\"&amp;\",q\n"
                         "9,<b>x</b>,</svg>\n10,\"&amp;\",q\n");
    const char *html = shell_out("mlkit-compare -q -t y -m tree -m logistic --cv 3 --report r.html "
                                 "t.csv 2>/dev/null; cat r.html");
    ck_assert_ptr_null(strstr(html, "<script>alert"));
    ck_assert_ptr_null(strstr(html, "<b>x"));
    ck_assert_ptr_nonnull(strstr(html, "&lt;script&gt;alert"));
}
END_TEST

START_TEST(a_report_without_gnuplot_says_so)
{
    char command[1400];
    snprintf(command, sizeof command,
             "mkdir bin; for p in mlkit-fit mlkit-eval; do ln -s $(command -v $p) bin; done; "
             "cp %s d.csv; mlkit-fit tree -q -t hwy -s max_leaf_nodes=4 -o m.mlk d.csv; "
             "PATH=$PWD/bin mlkit-eval -q m.mlk --report r.html d.csv; cat r.html",
             shell_dataset("mpg.csv"));
    const char *html = shell_out(command);
    ck_assert_ptr_nonnull(strstr(html, "Not drawn: gnuplot is not installed"));
    ck_assert_ptr_nonnull(strstr(html, "Not drawn: dot is not installed (Debian: graphviz)"));
    ck_assert_ptr_null(strstr(html, "role=\"img\" aria-labelledby"));
    const shell_result r = shell_run("PATH=$PWD/bin mlkit-eval -q m.mlk --plots p d.csv");
    ck_assert_int_eq(r.status, 1);
    ck_assert_ptr_nonnull(strstr(r.err, "--plots needs gnuplot"));
    ck_assert_ptr_nonnull(
        strstr(shell_out("mlkit-predict m.mlk --append -o p.csv d.csv; mlkit-eval -q --predictions "
                         "p.csv --truth hwy --predicted prediction --report q.html; cat q.html"),
               "Predictions of hwy"));
}
END_TEST

START_TEST(plots_become_files)
{
    char command[1400];
    if (shell_run("command -v gnuplot dot >/dev/null").status != 0)
        return;
    snprintf(command, sizeof command,
             "cp %s d.csv; mlkit-fit tree -q -t species -s max_leaf_nodes=4 -o m.mlk d.csv; "
             "mlkit-eval -q m.mlk --plots p --plot-format pdf d.csv 2>/dev/null; ls p; "
             "head -c 5 p/tree-roc.pdf",
             shell_dataset("penguins.csv"));
    ck_assert_str_eq(shell_out(command),
                     "correlation.pdf\nimportances.pdf\ntree-confusion.pdf\n"
                     "tree-pr.pdf\ntree-reliability.pdf\ntree-roc.pdf\ntree.pdf\n"
                     "%PDF-");
}
END_TEST

START_TEST(what_cannot_be_written_is_refused_first)
{
    shell_write("t.csv", "a,y\n1,u\n2,v\n3,u\n4,v\n5,u\n6,v\n");
    shell_require(1, "no/such/r.html: No such file",
                  "mlkit-compare -t y --cv 2 --report "
                  "no/such/r.html t.csv");
    shell_require(2, "--plot-format 'jpg' is unknown",
                  "mlkit-compare -t y --plots p --plot-format jpg t.csv");
    shell_require(2, "--plots DIR, which is not given",
                  "mlkit-compare -t y --plot-format svg t.csv");
    shell_require_files("t.csv");
}
END_TEST

START_TEST(eval_shows_boosting_by_round_and_what_columns_are_worth)
{
    char command[1200];
    snprintf(command, sizeof command,
             "mlkit-fit gbdt -q -t species -s n_estimators=12,early_stopping=50 -o m.mlk %s; "
             "mlkit-eval m.mlk %s --importances",
             shell_dataset("penguins.csv"), shell_dataset("penguins.csv"));
    const char *text = shell_out(command);
    ck_assert_ptr_nonnull(
        strstr(text, "loss by round  training  validation  these rows  accuracy"));
    ck_assert_ptr_nonnull(strstr(text, "the loss of these rows is least after round 12"));
    const char *first = strstr(text, "importance of");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(text, "means of 5 shuffles of each column"));
    const char *bill = strstr(first, "bill_length_mm"), *sex = strstr(first, "sex");
    ck_assert(bill && sex && bill < sex); /* the largest first */
    strcat(command, " --json");
    const char *json = shell_out(command);
    const double accuracy = shell_json_number(json, "metrics", "accuracy");
    const char *curve = strstr(strstr(json, "\"boosting\""), "\"accuracy\":");
    ck_assert_ptr_nonnull(curve);
    size_t rounds = 1;
    for (curve = strchr(curve, '[') + 1; strcspn(curve, ",") < strcspn(curve, "]"); rounds++)
        curve += strcspn(curve, ",") + 1;
    ck_assert_uint_eq(rounds, 12);
    require_close(strtod(curve, NULL), accuracy, 1e-12);
    const shell_result r = shell_run("mlkit-eval --predictions a.csv --truth y --predicted p "
                                     "--importances");
    ck_assert_int_eq(r.status, 2);
    ck_assert_ptr_nonnull(strstr(r.err, "--importances needs a model"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/tables");
    TCase *tc = test_case(s, "tables");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_test(tc, show_describes_a_table);
    tcase_add_test(tc, eval_warns_of_drift_and_of_nothing_else);
    tcase_add_test(tc, reports_are_the_same_for_any_number_of_threads);
    tcase_add_test(tc, a_report_holds_what_it_promises);
    tcase_add_test(tc, hostile_names_stay_names);
    tcase_add_test(tc, a_report_without_gnuplot_says_so);
    tcase_add_test(tc, plots_become_files);
    tcase_add_test(tc, what_cannot_be_written_is_refused_first);
    tcase_add_test(tc, eval_shows_boosting_by_round_and_what_columns_are_worth);
    return s;
}
