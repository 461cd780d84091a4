#include "support/shell.h"

#include <stdio.h>

/*
 * Every refusal of the contract: exit status, the one line with file and line number, nothing on
 * stdout, no file left.
 */

static const struct {
    const char *csv;
    const char *command; /* reads bad.csv */
    int status;
    const char *message;
} tables[] = {
    {"", "mlkit-fit linear -t y bad.csv", 1, "mlkit-fit: bad.csv: "},
    {"a,y\n", "mlkit-fit linear -t y bad.csv", 1, "no data rows"},
    {"a,y\n1,2\n3\n", "mlkit-fit linear -t y bad.csv", 1,
     "mlkit-fit: bad.csv:3: 1 field; the header has 2"},
    {"a,y\n1,2\n\n3,4,5\n", "mlkit-fit linear -t y bad.csv", 1,
     "mlkit-fit: bad.csv:4: 3 fields; the header has 2"},
    {"a,y\n1,2\n\"3,4\n5,6\n", "mlkit-fit linear -t y bad.csv", 1, "mlkit-fit: bad.csv:3: "},
    {"a,y\n1,2\n\"3\"x,4\n", "mlkit-fit linear -t y bad.csv", 1, "mlkit-fit: bad.csv:3: "},
    {"a,a\n1,2\n", "mlkit-fit linear -t a bad.csv", 1, "mlkit-fit: bad.csv:1: "},
    {"a,,y\n1,2,3\n", "mlkit-fit linear -t y bad.csv", 1, "mlkit-fit: bad.csv:1: "},
    {"a,y\n1,2\ninf,4\n", "mlkit-fit linear -t y bad.csv", 1, "mlkit-fit: bad.csv:3: "},
    {"a,y\n1,2\n1e999,4\n", "mlkit-fit linear -t y bad.csv", 1, "mlkit-fit: bad.csv:3: "},
    {"a,y\n1,2\n3,4\n", "mlkit-fit linear -t price bad.csv", 1,
     "mlkit-fit: bad.csv: no column 'price' among its 2"},
    {"a,price\n1,2\n3,4\n", "mlkit-fit linear -t pirce bad.csv", 1, "did you mean 'price'?"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit linear -t Y bad.csv", 1, "did you mean 'y'?"},
    {"a,y\n1,\n3,\n", "mlkit-fit linear -t y bad.csv", 1, "mlkit-fit: bad.csv: "},
    {"a,y\n1,7\n3,7\n", "mlkit-fit linear -t y bad.csv", 1, "'y'"},
    {"a,y\n1,p\n3,p\n", "mlkit-fit logistic -t y bad.csv", 1, "'y'"},
    {"a,y\n1,2\nx,3\n", "mlkit-fit linear -t y --numeric a bad.csv", 1, "mlkit-fit: bad.csv:3: "},
    {"a,y\n1,2\n3,4\n", "mlkit-fit linear -t y --features b bad.csv", 1, "'b'"},
    {"a,y,w\n1,2,-1\n3,4,1\n", "mlkit-fit linear -t y --weights w bad.csv", 1, "'w'"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit linear bad.csv", 2, "needs -t"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit lineer -t y bad.csv", 2, "did you mean 'linear'?"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y -s alhpa=1 bad.csv", 2,
     "unknown parameter 'alhpa' of ridge; did you mean 'alpha'?"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y -s alpha=-1 bad.csv", 2,
     "alpha = -1 is outside [0, inf)"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y -s alpha bad.csv", 2, "expected NAME=VALUE"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --trheads 2 bad.csv", 2, "did you mean '--threads'?"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --threads 0 bad.csv", 2, "--threads"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t", 2, "mlkit-fit: -t"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --test 1.5 bad.csv", 2, "outside (0, 1)"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --impute men bad.csv", 2, "did you mean 'mean'?"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --scale std bad.csv", 2,
     "expected none, standard, minmax or robust"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --task regresion bad.csv", 2,
     "did you mean 'regression'?"},
    {"a,y\n1,2\n3,4\n", "mlkit-predict . bad.csv", 1, ".: a folder; expected a file"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y nosuch.csv", 1, "nosuch.csv: No such file"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y .", 1, "a folder; expected a file"},
    {"a,y\n1,2\n3,4\n", "mlkit-predict bad.csv bad.csv", 1, "bad.csv: not a model file"},
    {"a,y\n1,2\n3,4\n", "mlkit-show bad.csv.mlk", 1, "No such file"},
    {"a,y\n1,2\n3,4\n", "mlkit-eval x.mlk", 2, "1 argument; expected MODEL.mlk DATA.csv"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit tree -t y -s depth=3 bad.csv", 2, "did you mean 'max_depth'?"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --poly 17 bad.csv", 2,
     "poly = 17 is outside [1, 16]"},
    {"a,y\n1,2\n3,4\n", "mlkit-fit ridge -t y --cv 2 --scoring rsme bad.csv", 2,
     "unknown metric 'rsme'; did you mean 'rmse'?"},
    {"a,y\n1,2\n3,4 kg\n", "mlkit-fit ridge -t y bad.csv", 1,
     "mlkit-fit: bad.csv:3: the target 'y' is text ('4 kg')"},
    {"a,y\n1,2\n3,4\n", "mlkit-eval x.mlk --task regression bad.csv", 2, "is for --predictions"},
    {"a,y\n1,2\n3,4\n", "mlkit-eval --predictions bad.csv", 2, "needs --truth"},
    {"a,y\n1,2\n3,4\n", "mlkit-eval --predictions bad.csv --truth y --predicted b", 1, "'b'"},
};

START_TEST(refuses_with_one_line_and_no_file)
{
    char command[512];
    shell_write("bad.csv", tables[_i].csv);
    snprintf(command, sizeof command, "%s", tables[_i].command);
    shell_require(tables[_i].status, tables[_i].message, command);
    if (strncmp(tables[_i].command, "mlkit-fit", 9) == 0) {
        snprintf(command, sizeof command, "%s -o model.mlk", tables[_i].command);
        if (!strstr(command, "-t -o"))
            shell_require(tables[_i].status, tables[_i].message, command);
    }
    shell_require_files("bad.csv");
}
END_TEST

START_TEST(refuses_a_nul_byte_with_its_line)
{
    shell_write_bytes("bad.csv", "a,y\n1,2\n3\0,4\n", 13);
    shell_require(1, "mlkit-fit: bad.csv:3: ", "mlkit-fit linear -t y -o m.mlk bad.csv");
    shell_require_files("bad.csv");
}
END_TEST

static void fit_a_model(void)
{
    shell_write("good.csv", "a,c,y\n1,u,2\n3,v,4.5\n5,u,5\n8,v,9\n9,u,1\n");
    shell_require(0, NULL, "mlkit-fit ridge -t y -o m.mlk good.csv");
}

/* Every place of the file; a sanitized program is slow, and the library's own test sees them all.
 */
#ifdef MLK_SANITIZED
enum { STEP = 29 };
#else
enum { STEP = 1 };
#endif

START_TEST(refuses_every_cut_of_a_model_file)
{
    size_t n;
    fit_a_model();
    char *bytes = shell_read("m.mlk", &n);
    for (size_t cut = 0; cut < n; cut += STEP) {
        shell_write_bytes("cut.mlk", bytes, cut);
        shell_require(1, "mlkit-predict: cut.mlk: ", "mlkit-predict cut.mlk good.csv");
    }
}
END_TEST

START_TEST(refuses_every_altered_byte_of_a_model_file)
{
    size_t n;
    fit_a_model();
    char *bytes = shell_read("m.mlk", &n);
    for (size_t i = 0; i < n; i += STEP) {
        bytes[i] ^= 0x21;
        shell_write_bytes("bad.mlk", bytes, n);
        shell_require(1, "mlkit-predict: bad.mlk: ", "mlkit-predict bad.mlk good.csv");
        bytes[i] ^= 0x21;
    }
}
END_TEST

START_TEST(keeps_the_old_model_when_the_new_one_cannot_be_written)
{
    size_t n, again;
    fit_a_model();
    const char *old = shell_read("m.mlk", &n);
    /* A limit on the size of files stands for a full disk; the signal would be no answer. */
    shell_require(1, "m.mlk: ",
                  "(trap '' XFSZ; ulimit -f 1; mlkit-fit ridge -t y -s alpha=7 -o m.mlk good.csv)");
    const char *now = shell_read("m.mlk", &again);
    ck_assert(again == n && memcmp(old, now, n) == 0);
    shell_require(1, "No space left on device", "mlkit-fit ridge -t y -o /dev/full good.csv");
    shell_require(1, "No such file or directory", "mlkit-fit ridge -t y -o no/m.mlk good.csv");
    shell_require_files("good.csv m.mlk");
}
END_TEST

START_TEST(a_message_is_one_line_whatever_the_table_holds)
{
    shell_write("t.csv", "\"a\nb\",y\n\"u\033[1m\nv\",1\n2,3\n");
    shell_result r = shell_run("mlkit-fit ridge -t y --numeric 1 t.csv");
    ck_assert_int_eq(r.status, 1);
    ck_assert_str_eq(r.err,
                     "mlkit-fit: t.csv:3: column 'a\\nb': 'u\\x1B[1m\\nv' is not a number\n");
    r = shell_run("mlkit-fit tree -q --task regression -t y -o m.mlk t.csv; "
                  "printf '\"a\nb\"\nw\n' | mlkit-predict m.mlk -");
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.err, "warning: -: column 'a\\nb': 1 value"));
}
END_TEST

START_TEST(files_appear_when_all_went_well_or_not_at_all)
{
    size_t n, again;
    fit_a_model();
    const char *old = shell_read("m.mlk", &n);
    shell_require(1, "standard output: cannot write",
                  "mlkit-fit ridge -t y -s alpha=7 -o m.mlk good.csv >/dev/full");
    if (shell_run("command -v gnuplot").status == 0)
        shell_require(1, "no/p.svg: No such file or directory",
                      "mlkit-fit ridge -t y -s alpha=7 -o m.mlk --plot no/p.svg good.csv");
    const char *now = shell_read("m.mlk", &again);
    ck_assert(again == n && memcmp(old, now, n) == 0);
    shell_require_files("good.csv m.mlk");
}
END_TEST

START_TEST(a_reader_that_leaves_is_an_error_and_no_signal)
{
    fit_a_model();
    const shell_result r = shell_run(
        "{ echo a,c; yes 1,u | head -n 100000; } >big.csv; "
        "{ mlkit-predict m.mlk big.csv; echo $? >status; } | head -n 1 >/dev/null; cat status");
    ck_assert_str_eq(r.out, "1\n");
    ck_assert_str_eq(r.err, "mlkit-predict: standard output: cannot write\n");
}
END_TEST

START_TEST(says_what_a_model_has_not)
{
    fit_a_model();
    shell_require(1, "mlkit-predict: ridge predicts no probabilities",
                  "mlkit-predict m.mlk --probabilities good.csv");
    shell_require(1, "mlkit-predict: ridge has no decision values",
                  "mlkit-predict m.mlk --decision good.csv");
    shell_require(1, "mlkit-predict: ridge has no projection",
                  "mlkit-predict m.mlk --transform good.csv");
}
END_TEST

START_TEST(strict_turns_a_warning_into_a_refusal)
{
    shell_write("gap.csv", "a,y\n1,2\n3,\n4,5\n6,1\n");
    shell_require(0, "warning: ", "mlkit-fit ridge -t y gap.csv");
    const shell_result r = shell_run("mlkit-fit ridge --strict -t y -o m.mlk gap.csv");
    ck_assert_int_eq(r.status, 1);
    ck_assert_str_eq(r.out, "");
    shell_require_files("gap.csv");
}
END_TEST

START_TEST(a_note_is_no_warning)
{
    shell_write("few.csv", "a,y\n1,0\n2,0\n3,1\n4,1\n");
    const shell_result r = shell_run("mlkit-fit tree -q --strict -t y few.csv");
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.err, "mlkit-fit: note: "));
}
END_TEST

START_TEST(names_a_column_that_is_missing_at_prediction)
{
    fit_a_model();
    shell_write("less.csv", "a\n1\n");
    shell_require(1, "'c'", "mlkit-predict m.mlk less.csv");
    shell_write("more.csv", "z,c,a\n7,u,1\n7,new,2\n");
    shell_require(0, "warning: ", "mlkit-predict m.mlk more.csv");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/refusals");
    TCase *tc = test_case(s, "refusals");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_loop_test(tc, refuses_with_one_line_and_no_file, 0, (int)MLK_COUNT(tables));
    tcase_add_test(tc, refuses_a_nul_byte_with_its_line);
    tcase_add_test(tc, refuses_every_cut_of_a_model_file);
    tcase_add_test(tc, refuses_every_altered_byte_of_a_model_file);
    tcase_add_test(tc, keeps_the_old_model_when_the_new_one_cannot_be_written);
    tcase_add_test(tc, a_message_is_one_line_whatever_the_table_holds);
    tcase_add_test(tc, files_appear_when_all_went_well_or_not_at_all);
    tcase_add_test(tc, a_reader_that_leaves_is_an_error_and_no_signal);
    tcase_add_test(tc, says_what_a_model_has_not);
    tcase_add_test(tc, strict_turns_a_warning_into_a_refusal);
    tcase_add_test(tc, a_note_is_no_warning);
    tcase_add_test(tc, names_a_column_that_is_missing_at_prediction);
    return s;
}
