#include "support/shell.h"

#include <stdio.h>

/* mlkit-compare from the outside. */

/* Regression y (42 rows), classes k (3 of "c" only) and q (two halves). */
static void write_table(const char *path)
{
    char text[8000] = "a,b,g,y,k,q\n";
    for (int i = 0; i < 42; i++)
        sprintf(text + strlen(text), "%d,%d,%s,%g,%s,%s\n", i, i * i % 11, i % 2 ? "odd" : "even",
                i + 0.37 * (i % 7),
                i < 3   ? "c"
                : i % 3 ? "d"
                        : "e",
                i * 7 % 42 < 21 ? "n" : "p");
    shell_write(path, text);
}

/* The same folds, models and metrics as mlkit-fit --cv. */
START_TEST(scores_are_those_of_fit)
{
    write_table("t.csv");
    const char *all =
        shell_out("mlkit-compare -t y --features a,b -m ridge:alpha=2 -m knn --cv 4x2 "
                  "--json t.csv");
    const char *one =
        shell_out("mlkit-fit ridge -s alpha=2 -t y --features a,b --cv 4x2 --json t.csv");
    for (size_t i = 0; i < 3; i++) {
        static const char *const metrics[] = {"r2", "rmse", "mae"};
        const char *row = strstr(all, "\"ridge:alpha=2\"");
        const double a = shell_json_number(strstr(row, metrics[i]), NULL, "mean");
        const double b = shell_json_number(strstr(strstr(one, "\"cv\""), metrics[i]), NULL, "mean");
        require_close(a, b, 0.0);
    }
    ck_assert_ptr_nonnull(strstr(all, "\"p_value_vs_best\""));
    ck_assert_ptr_nonnull(strstr(all, "\"corrected_t\""));
    require_close(shell_json_number(all, "cv", "repeats"), 2, 0);
    /* the baseline comes first */
    ck_assert(strstr(all, "\"baseline\"") < strstr(all, "\"ridge\""));
}
END_TEST

START_TEST(is_the_same_for_any_number_of_threads)
{
    write_table("t.csv");
    static const char *const runs[] = {
        "-t y", "-t q --tune auto -m logistic -m tree -m knn:n_neighbors=1:3 --learning-curve",
        "-t q -m forest:n_estimators=5 -m tree --bootstrap 20 --cv 3x2"};
    for (size_t k = 0; k < MLK_COUNT(runs); k++) {
        static const int threads[] = {1, 2, 3, 8};
        const char *first = NULL;
        for (size_t i = 0; i < MLK_COUNT(threads); i++) {
            char command[300];
            snprintf(command, sizeof command,
                     "mlkit-compare %s --ignore g --threads %d --json t.csv | grep -v seconds",
                     runs[k], threads[i]);
            const char *json = shell_out(command);
            if (first)
                ck_assert_str_eq(json, first);
            first = json;
        }
    }
}
END_TEST

START_TEST(a_default_set_ranks_both_tasks)
{
    write_table("t.csv");
    const char *text = shell_out("mlkit-compare -t y t.csv");
    const char *const reg[] = {"baseline", "linear", "ridge", "lasso", "knn", "tree", "forest"};
    for (size_t i = 0; i < MLK_COUNT(reg); i++)
        ck_assert_ptr_nonnull(strstr(text, reg[i]));
    text = shell_out("mlkit-compare -t q t.csv");
    const char *const cls[] = {"baseline", "logistic", "naive-bayes", "svc", "gbdt", "accuracy"};
    for (size_t i = 0; i < MLK_COUNT(cls); i++)
        ck_assert_ptr_nonnull(strstr(text, cls[i]));
}
END_TEST

START_TEST(csv_has_a_line_a_model)
{
    write_table("t.csv");
    const char *text = shell_out("mlkit-compare -t y --csv -m ridge:alpha=1,scale=standard t.csv");
    size_t lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(lines, 3);
    ck_assert_ptr_nonnull(strstr(text, "\nt.csv,\"ridge:alpha=1,scale=standard\",1,"));
}
END_TEST

/* With 11 rows in two blocks the first fold trains on 5: six neighbours are too many there. */
START_TEST(a_model_that_fails_in_one_fold_is_reported_in_its_row)
{
    shell_write("s.csv", "a,y\n1,1\n2,3\n3,2\n4,5\n5,4\n6,7\n7,6\n8,9\n9,8\n10,11\n11,10\n");
    const char *text =
        shell_out("mlkit-compare -t y --task regression --cv 2 --folds blocks -m linear -m "
                  "knn:n_neighbors=6 s.csv");
    ck_assert_ptr_nonnull(strstr(text, "knn:n_neighbors=6 failed in 1 of 2 folds; in fold 1: "));
    ck_assert_ptr_nonnull(strstr(text, "linear"));
    const char *json =
        shell_out("mlkit-compare -t y --task regression --cv 2 --folds blocks -m linear -m "
                  "knn:n_neighbors=6 --json s.csv");
    ck_assert_ptr_nonnull(strstr(json, "\"failures\""));
    ck_assert_ptr_nonnull(strstr(json, "\"rank\": null"));
}
END_TEST

START_TEST(the_best_is_saved_as_fit_would)
{
    write_table("t.csv");
    shell_out(
        "mlkit-compare -q -t y --features a,b -m ridge:alpha=0.5 -m ridge:alpha=1e6 --save-best "
        "best.mlk t.csv");
    shell_out("mlkit-fit ridge -q -s alpha=0.5 -t y --features a,b -o fit.mlk t.csv");
    size_t n, m;
    const char *a = shell_read("best.mlk", &n), *b = shell_read("fit.mlk", &m);
    ck_assert_uint_eq(n, m);
    require_same(a, b, n);
    shell_out("mlkit-compare -q -t y --features a,b -m ridge:alpha=0.5:1e6 --save-best tuned.mlk "
              "t.csv");
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-show tuned.mlk"), "alpha=0.5"));
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-predict tuned.mlk t.csv"), "prediction"));
}
END_TEST

START_TEST(a_validation_curve_shows_what_each_value_does)
{
    write_table("t.csv");
    const char *json =
        shell_out("mlkit-compare -t y --features a,b -m ridge -m knn:weights=uniform "
                  "--validation-curve knn.n_neighbors=1:20 --json t.csv");
    const char *curve = strstr(json, "\"validation_curve\"");
    ck_assert_ptr_nonnull(curve);
    ck_assert_ptr_nonnull(strstr(curve, "\"n_neighbors\": 20"));
    /* one neighbour knows its own row by heart */
    const char *train = strstr(strstr(curve, "\"train\""), "[");
    require_close(strtod(train + 1, NULL), 1.0, 1e-12);
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-compare -t y --features a,b -m knn "
                                           "--validation-curve knn.n_neighbors=1:20 t.csv"),
                                 "Validation curve of knn: r2"));
}
END_TEST

START_TEST(a_threshold_suits_the_costs)
{
    write_table("t.csv");
    const char *json =
        shell_out("mlkit-compare -t q --ignore g,k -m naive-bayes --threshold cost:1:9 "
                  "--json t.csv");
    const char *mine = strstr(strstr(json, "\"naive-bayes\""), "\"threshold\": {");
    ck_assert_ptr_nonnull(mine);
    mine += strlen("\"threshold\": {");
    /* a false negative is nine times as dear: rows are called positive well below one half */
    ck_assert_double_lt(shell_json_number(mine, NULL, "threshold"), 0.5);
    ck_assert_double_lt(shell_json_number(mine, NULL, "value_where_chosen"),
                        shell_json_number(mine, NULL, "value_at_half"));
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-compare -t q --threshold fbeta -m lda t.csv"),
                                 "Call a row p from this probability on"));
}
END_TEST

START_TEST(several_tables_are_ranked_together)
{
    write_table("t.csv");
    write_table("u.csv");
    write_table("v.csv");
    const char *text =
        shell_out("mlkit-compare -t y --ignore k,q -m linear -m tree t.csv u.csv v.csv");
    ck_assert_ptr_nonnull(strstr(text, "Nemenyi"));
    ck_assert_ptr_nonnull(strstr(text, "All 3 tables"));
    const char *json = shell_out("mlkit-compare -t y,a --ignore k,q -m linear -m tree --json t.csv "
                                 "u.csv");
    ck_assert_ptr_nonnull(strstr(json, "\"friedman\""));
    ck_assert_ptr_nonnull(strstr(json, "\"target\": \"a\""));
}
END_TEST

START_TEST(an_interrupt_prints_what_is_finished)
{
    write_table("t.csv");
    const shell_result r =
        shell_run("timeout --foreground --preserve-status -s INT 1 mlkit-compare -t y "
                  "--threads 1 --features a,b -m linear -m "
                  "forest:n_estimators=20000000 --save-best no.mlk t.csv");
    ck_assert_int_eq(r.status, 130);
    ck_assert_ptr_nonnull(strstr(r.err, "interrupted"));
    ck_assert_ptr_nonnull(strstr(r.out, "baseline"));
    ck_assert_ptr_nonnull(strstr(r.out, "forest:n_estimators=20000000: 0 folds finished"));
    shell_require_files("t.csv");
}
END_TEST

/* Five times the same table: all differences point the same way, 2 of 2^5 signs. */
START_TEST(two_models_over_five_tables_have_wilcoxons_test)
{
    static const char five[] = "t.csv t.csv t.csv t.csv t.csv";
    char command[400];
    write_table("t.csv");
    snprintf(command, sizeof command, "mlkit-compare -t y --features a,b -m ridge -m knn --json %s",
             five);
    const char *text = shell_out(command);
    ck_assert_msg(strstr(text, "\"wilcoxon\"") && strstr(text, "0.0625"), "%s", text);
    snprintf(command, sizeof command, "mlkit-compare -t y --features a,b -m ridge -m knn %s", five);
    text = shell_out(command);
    ck_assert_msg(strstr(text, "Wilcoxon's signed ranks, ridge less knn"), "%s", text);
    text = shell_out("mlkit-compare -t y --features a,b -m ridge -m knn t.csv t.csv t.csv t.csv");
    ck_assert(!strstr(text, "Wilcoxon"));
    snprintf(command, sizeof command,
             "mlkit-compare -t y --features a,b -m ridge -m knn -m linear %s", five);
    ck_assert(!strstr(shell_out(command), "Wilcoxon"));
}
END_TEST

/* A tree loses to logistic regression with p between 0.01 and 0.05 on repeated folds. */
START_TEST(a_difference_that_may_be_luck_is_said_to_be)
{
    static const char *const cases[][2] = {
        {"5x4", "tree"}, {"5x4", "tree:min_samples_leaf=5"}, {"2x5", "tree"}};
    const char *path = test_source_path("datasets/penguins.csv");
    for (int i = 0; i < 3; i++) {
        char command[400];
        snprintf(command, sizeof command, "mlkit-compare -t species --cv %s -m %s -m logistic '%s'",
                 cases[i][0], cases[i][1], path);
        const bool said = strstr(shell_out(command), "test them with --cv 2x5");
        ck_assert_msg(said == (i == 0), "%s", command);
    }
}
END_TEST

START_TEST(a_small_class_is_warned_about)
{
    write_table("t.csv");
    const shell_result r = shell_run("mlkit-compare -t k -m tree t.csv");
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.err, "mlkit-compare: warning: "));
    ck_assert_ptr_nonnull(strstr(r.err, "'c'"));
    shell_require(1, NULL, "mlkit-compare --strict -t k -m tree --cv 4 t.csv");
}
END_TEST

static const struct {
    const char *options;
    int status;
    const char *message;
} refused[] = {
    {"", 2, "-t TARGET is missing"},
    {"-t y -m rigde", 2, "unknown model 'rigde'; did you mean 'ridge'?"},
    {"-t y -m ridge:alhpa=1", 2, "unknown parameter 'alhpa' of ridge; did you mean 'alpha'?"},
    {"-t y -m ridge:alpha", 2, "'alpha' is no parameter; expected NAME=VALUE"},
    {"-t y -m ridge:alpha=-1", 2, "alpha = -1 is outside [0, inf)"},
    {"-t y -m ridge:alpha=-1:2", 2, "alpha"},
    {"-t y -m ridge:scale=standrad", 2, "did you mean 'standard'?"},
    {"-t y -m pca", 2, "pca predicts no target"},
    {"-t y -m logistic -m ridge", 1, "ridge"},
    {"-t y --task regression -m logistic", 1, "logistic is for classification"},
    {"-t q -m ridge --task classification", 1, "ridge is for regression; the target has 2 classes"},
    {"-t y --scoring rsme", 2, "did you mean 'rmse'?"},
    {"-t y --scoring accuracy", 1, "metric 'accuracy' is for classification"},
    {"-t y --cv 1", 2, "cv"},
    {"-t y --cv 100", 1, "100"},
    {"-t y --folds shufle", 2, "folds"},
    {"-t y --tune alpha=1:2", 2, "expected auto or MODEL.NAME=V1:V2..."},
    {"-t y -m ridge --tune rigde.alpha=1:2", 2, "did you mean 'ridge'?"},
    {"-t y -m ridge --tune ridge.alhpa=1:2", 2, "did you mean 'alpha'?"},
    {"-t y --bootstrap 1", 2, "--bootstrap"},
    {"-t q --threshold f1", 2, "expected fbeta, or cost:FP:FN"},
    {"-t y --threshold fbeta", 1, "a threshold is for two classes"},
    {"-t k --threshold fbeta -m tree --cv 2", 1, "a threshold is for two classes"},
    {"-t y --json --csv", 2, "exclude each other"},
    {"-t y --cv loo --learning-curve", 2, "curves need folds"},
    {"-t y --validation-curve alpha=1:2", 2, "expected MODEL.NAME=V1:V2..."},
    {"-t y -m ridge --validation-curve knn.n_neighbors=1:2", 2, "no such model takes part"},
    {"-t y -m ridge --validation-curve ridge.alhpa=1:2", 2, "did you mean 'alpha'?"},
    {"-t yy", 1, "did you mean 'y'?"},
    {"-t y,k,q", 1, "'y,k,q'"},
    {"-t y --save-best m.mlk t.csv", 2, "--save-best"},
    {"-t y,k,q t.csv", 2, "-t names 3 columns for 2 tables"},
    {"-t q --task regression", 1, "'q'"},
};

START_TEST(refuses_with_one_line)
{
    char command[300];
    write_table("t.csv");
    snprintf(command, sizeof command, "mlkit-compare %s t.csv", refused[_i].options);
    shell_require(refused[_i].status, refused[_i].message, command);
    shell_require_files("t.csv");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/compare");
    TCase *tc = test_case(s, "compare");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_test(tc, scores_are_those_of_fit);
    tcase_add_test(tc, is_the_same_for_any_number_of_threads);
    tcase_add_test(tc, a_default_set_ranks_both_tasks);
    tcase_add_test(tc, csv_has_a_line_a_model);
    tcase_add_test(tc, a_model_that_fails_in_one_fold_is_reported_in_its_row);
    tcase_add_test(tc, the_best_is_saved_as_fit_would);
    tcase_add_test(tc, a_validation_curve_shows_what_each_value_does);
    tcase_add_test(tc, a_threshold_suits_the_costs);
    tcase_add_test(tc, several_tables_are_ranked_together);
    tcase_add_test(tc, an_interrupt_prints_what_is_finished);
    tcase_add_test(tc, two_models_over_five_tables_have_wilcoxons_test);
    tcase_add_test(tc, a_difference_that_may_be_luck_is_said_to_be);
    tcase_add_test(tc, a_small_class_is_warned_about);
    tcase_add_loop_test(tc, refuses_with_one_line, 0, (int)MLK_COUNT(refused));
    return s;
}
