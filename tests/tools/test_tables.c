#include "support/shell.h"

#include <stdio.h>

/* Tables described, compared with the training data, and reported as a page. */

static const char *dataset(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "datasets/%s", name);
    return test_source_path(path);
}

static char *out_of(const char *command)
{
    const shell_result r = shell_run("%s", command);
    ck_assert_msg(r.status == 0, "%s: %s", command, r.err);
    return r.out;
}

START_TEST(show_describes_a_table)
{
    char command[1200];
    snprintf(command, sizeof command, "mlkit-show -t species %s", dataset("penguins.csv"));
    const char *text = out_of(command);
    ck_assert_ptr_nonnull(strstr(text, "344 rows, 7 columns (4 numeric, 3 categorical)"));
    ck_assert_ptr_nonnull(strstr(text, "Adelie 152 (44 %)"));
    strcat(command, " --json");
    const char *json = out_of(command);
    require_close(shell_json_number(json, "flipper_length_mm", "missing"), 2.0, 0.0);
    require_relative(shell_json_number(json, "flipper_length_mm", "mean"), 200.91520467836258,
                     1e-14); /* NumPy */
    ck_assert_ptr_nonnull(strstr(out_of("printf 'a,b\\n1,2\\n' | mlkit-show -"), ": 1 row, "));
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
             dataset("penguins.csv"), dataset("penguins.csv"));
    const char *json = out_of(command);
    require_close(shell_json_number(json, "bill_depth_mm", "psi"), 0.0, 0.05);
    snprintf(command, sizeof command,
             "sed 's/Biscoe/Elsewhere/' %s >new.csv; mlkit-eval -q m.mlk new.csv",
             dataset("penguins.csv"));
    const shell_result r = shell_run("%s", command);
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.err, "warning: drift: 'island': 48.8 % of the values are"));
    ck_assert_int_eq(shell_run("mlkit-eval --strict m.mlk new.csv").status, 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/tables");
    TCase *tc = test_case(s, "tables");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_test(tc, show_describes_a_table);
    tcase_add_test(tc, eval_warns_of_drift_and_of_nothing_else);
    return s;
}
