#include "support/shell.h"

#include <stdio.h>

/* --cv, --tune and --path from the outside. */

/* y = a + noise of period 7, 42 rows in 2 groups. */
static void write_table(void)
{
    char text[4000] = "a,b,g,y\n";
    for (int i = 0; i < 42; i++)
        sprintf(text + strlen(text), "%d,%d,%s,%g\n", i, i * i % 11, i % 2 ? "odd" : "even",
                i + 0.1 * (i % 7));
    shell_write("t.csv", text);
}

/* Folds of consecutive rows, by hand: two halves, each predicted by the mean of the other (with so
 * large an alpha): rmse of each fold in closed form. */
START_TEST(folds_of_blocks_are_consecutive_rows)
{
    shell_write("s.csv", "a,y\n0,1\n0,3\n1,5\n1,11\n");
    const char *json =
        shell_out("mlkit-fit ridge -s alpha=1e12 -t y --task regression --cv 2 --folds blocks "
                  "--scoring mse --json s.csv");
    /* Means 2 and 8: errors (1 - 8, 3 - 8) and (5 - 2, 11 - 2). */
    const double first = (49.0 + 25.0) / 2, second = (9.0 + 81.0) / 2;
    require_close(shell_json_number(json, "cv", "mean"), (first + second) / 2, 1e-6);
    require_close(shell_json_number(json, "cv", "sd"), fabs(first - second) / sqrt(2.0), 1e-6);
}
END_TEST

START_TEST(tuning_chooses_the_best_of_the_grid_and_refits)
{
    write_table();
    const char *json =
        shell_out("mlkit-fit ridge -t y --features a,b --tune alpha=0.01:1e6 --cv 3 --json t.csv");
    require_close(shell_json_number(json, "params", "alpha"), 0.01, 0.0);
    const char *plain = shell_out("mlkit-fit ridge -s alpha=0.01 -t y --features a,b --json t.csv");
    require_close(shell_json_number(json, "learned", "intercept"),
                  shell_json_number(plain, "learned", "intercept"), 1e-12);
    ck_assert_ptr_nonnull(strstr(json, "\"best\":"));
    ck_assert_ptr_nonnull(strstr(json, "\"results\":"));
}
END_TEST

START_TEST(the_simplest_model_within_one_standard_error_is_no_more_complex)
{
    write_table();
    const char *best =
        shell_out("mlkit-fit lasso -t y --features a,b --path alpha --cv 5 --json t.csv");
    const char *simple = shell_out(
        "mlkit-fit lasso -t y --features a,b --path alpha --rule 1se --cv 5 --json t.csv");
    ck_assert_double_ge(shell_json_number(simple, "params", "alpha"),
                        shell_json_number(best, "params", "alpha"));
}
END_TEST

START_TEST(is_the_same_for_any_number_of_threads)
{
    write_table();
    const char *one = NULL;
    static const int threads[] = {1, 2, 3, 8};
    for (size_t i = 0; i < MLK_COUNT(threads); i++) {
        char command[300];
        snprintf(command, sizeof command,
                 "mlkit-fit ridge -t y --features a,b --tune alpha=1e-3..1e3/7log --cv 4x2 "
                 "--threads %d --json t.csv | grep -v seconds",
                 threads[i]);
        const char *json = shell_out(command);
        if (one)
            ck_assert_str_eq(json, one);
        one = json;
    }
}
END_TEST

START_TEST(groups_stay_together)
{
    write_table();
    const char *json =
        shell_out("mlkit-fit ridge -t y --features a,b --cv 2 --folds group:g --json t.csv");
    ck_assert_ptr_nonnull(strstr(json, "\"folds\":"));
    shell_require(1, "3 folds", "mlkit-fit ridge -t y --cv 3 --folds group:g t.csv");
}
END_TEST

/* Two far groups of six rows; the second column is which. */
static void write_groups(void)
{
    char text[1000] = "a,b,group\n";
    for (int i = 0; i < 12; i++)
        sprintf(text + strlen(text), "%g,%d,%s\n", (i % 2) * 50 + 0.1 * i, i * i % 3,
                i % 2 ? "far" : "near");
    shell_write("g.csv", text);
}

START_TEST(clusterings_are_compared_on_all_rows)
{
    static const char *const rules[] = {"silhouette", "gap", "elbow"};
    write_groups();
    for (size_t i = 0; i < MLK_COUNT(rules); i++) {
        char command[200];
        snprintf(command, sizeof command,
                 "mlkit-fit kmeans -t group --features a --scale none --tune n_clusters=1..4/4 "
                 "--scoring %s -o g.mlk --json g.csv",
                 rules[i]);
        const char *json = shell_out(command);
        require_close(shell_json_number(json, "params", "n_clusters"), 2.0, 0.0);
        require_close(shell_json_number(json, "best", "clusters"), 2.0, 0.0);
        require_close(shell_json_number(json, "train", "ari"), 1.0, 0.0);
    }
    shell_require(2, "predicts no target to cross-validate",
                  "mlkit-fit kmeans --features a --tune n_clusters=1:2 --cv 3 g.csv");
    shell_require(1, "did you mean 'elbow'?",
                  "mlkit-fit kmeans --features a --tune n_clusters=1:2 --scoring elbw g.csv");
}
END_TEST

START_TEST(cluster_models_predict_clusters_and_probabilities)
{
    static const char *const models[] = {"kmeans -s n_clusters=2", "agglomerative -s n_clusters=2",
                                         "gmm -s n_clusters=2", "dbscan -s eps=5"};
    write_groups();
    for (size_t i = 0; i < MLK_COUNT(models); i++) {
        char command[200];
        snprintf(command, sizeof command,
                 "mlkit-fit %s -q --features a --scale none -o g.mlk g.csv && "
                 "mlkit-predict g.mlk %s g.csv | head -n 2 | tr '\\n' ' '",
                 models[i], i == 2 ? "--probabilities" : "");
        const char *out = shell_out(command);
        ck_assert_msg(strncmp(out, i == 2 ? "cluster,p(0),p(1) " : "cluster ", i == 2 ? 18 : 8) ==
                          0,
                      "%s: %s", models[i], out);
    }
    shell_require(1, "", "mlkit-predict g.mlk --probabilities g.csv");
}
END_TEST

static const struct {
    const char *options;
    int status;
    const char *message;
} refused[] = {
    {"--cv 1", 2, "cv"},
    {"--cv nonsense", 2, "cv"},
    {"--cv 100", 1, "100"},
    {"--tune alhpa=1:2", 2, "did you mean 'alpha'?"},
    {"--tune alpha=1:x", 2, "alpha"},
    {"--tune alpha=-1:2", 2, "alpha"},
    {"--tune alpha=1:2 --path alpha", 2, "exclude each other"},
    {"--path nothing", 2, "nothing"},
    {"--rule 1se", 2, "--path"},
    {"--search random:3", 2, "--tune"},
    {"--tune alpha=1:2 --search rnadom:3", 2, "rnadom"},
    {"--cv 3 --scoring rsme", 2, "did you mean 'rmse'?"},
    {"--cv 3 --scoring accuracy", 1, "classification"},
    {"--folds blocks", 2, "--cv"},
};

START_TEST(refuses_what_cannot_be_done)
{
    char command[300];
    write_table();
    snprintf(command, sizeof command, "mlkit-fit ridge -t y --features a,b %s -o m.mlk t.csv",
             refused[_i].options);
    shell_require(refused[_i].status, refused[_i].message, command);
    shell_require_files("t.csv");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/tuning");
    TCase *tc = test_case(s, "tuning");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_test(tc, clusterings_are_compared_on_all_rows);
    tcase_add_test(tc, cluster_models_predict_clusters_and_probabilities);
    tcase_add_test(tc, folds_of_blocks_are_consecutive_rows);
    tcase_add_test(tc, tuning_chooses_the_best_of_the_grid_and_refits);
    tcase_add_test(tc, the_simplest_model_within_one_standard_error_is_no_more_complex);
    tcase_add_test(tc, is_the_same_for_any_number_of_threads);
    tcase_add_test(tc, groups_stay_together);
    tcase_add_loop_test(tc, refuses_what_cannot_be_done, 0, (int)MLK_COUNT(refused));
    return s;
}
