#include "support/shell.h"

#include <stdio.h>

/* Maps from the outside: what mlkit-fit says of them, and new rows in them. */

static const char *iris(void) { return test_source_path("datasets/iris.csv"); }

START_TEST(fit_judges_a_map_by_the_neighbours_it_keeps)
{
    static const char *const models[] = {"pca", "kernel-pca", "mds", "isomap -s n_neighbors=40",
                                         "lle -s n_neighbors=40"};
    const shell_result r = shell_run("mlkit-fit %s --json --ignore species --test 0.3 "
                                     "--set n_components=2 %s",
                                     models[_i], iris());
    ck_assert_msg(r.status == 0, "%s", r.err);
    static const char *const parts[] = {"train", "test"};
    for (size_t p = 0; p < 2; p++) {
        ck_assert_double_gt(shell_json_number(r.out, parts[p], "trustworthiness"), 0.8);
        ck_assert_double_gt(shell_json_number(r.out, parts[p], "continuity"), 0.8);
        ck_assert(shell_json_number(r.out, parts[p], "judged_rows") == (p ? 45 : 105));
    }
    ck_assert_ptr_nonnull(strstr(r.out, "\"trustworthiness\""));
    ck_assert(!strstr(r.out, "\"embedding\"") == (_i == 0));
}
END_TEST

START_TEST(predict_gives_the_coordinates_of_the_fit_back)
{
    shell_result r = shell_run("mlkit-fit isomap -q --ignore species -s n_neighbors=10 --json "
                               "-o m.mlk %s",
                               iris());
    ck_assert_msg(r.status == 0, "%s", r.err);
    const char *embedding = strstr(r.out, "\"embedding\"");
    ck_assert_ptr_nonnull(embedding);
    const double first = strtod(strpbrk(embedding, "0123456789-"), NULL);
    r = shell_run("mlkit-predict m.mlk %s | head -n 2", iris());
    ck_assert_msg(r.status == 0, "%s", r.err);
    ck_assert_int_eq(strncmp(r.out, "dim1,dim2\n", 10), 0);
    require_close(strtod(r.out + 10, NULL), first, 1e-9);
}
END_TEST

/* A table of distances is not standardised; new points are rows of distances. */
START_TEST(a_table_of_distances_is_taken_as_it_is)
{
    shell_write("d.csv", "a,b,c\n0,3,4\n3,0,5\n4,5,0\n");
    shell_result r = shell_run("mlkit-fit mds -s dissimilarity=precomputed --json -o m.mlk d.csv");
    ck_assert_msg(r.status == 0, "%s", r.err);
    ck_assert_ptr_nonnull(strstr(r.out, "\"none\"")); /* scale */
    r = shell_run("mlkit-predict m.mlk d.csv");
    double x[3], y[3];
    ck_assert_int_eq(sscanf(r.out, "dim1,dim2\n%lf,%lf\n%lf,%lf\n%lf,%lf", &x[0], &y[0], &x[1],
                            &y[1], &x[2], &y[2]),
                     6);
    require_close(hypot(x[0] - x[1], y[0] - y[1]), 3.0, 1e-12);
    require_close(hypot(x[0] - x[2], y[0] - y[2]), 4.0, 1e-12);
    require_close(hypot(x[1] - x[2], y[1] - y[2]), 5.0, 1e-12);
}
END_TEST

START_TEST(refusals_say_what_to_do)
{
    static const struct {
        const char *arguments, *text;
    } cases[] = {
        {"isomap -s n_neighbors=4 --scale none", "falls into 2 parts of 100, 50 rows with "
                                                 "n_neighbors = 4; raise n_neighbors"},
        {"lle -s n_neighbors=4 --scale none", "falls into 2 parts of 100, 50 rows"},
        {"isomap -s n_neighbors=150", "n_neighbors = 150; expected less than the 150 rows"},
        {"mds -s n_components=5", "n_components = 5; the distances span 4 dimensions"},
        {"kernel-pca -s n_components=5", "the kernel's images span 4 dimensions"},
        {"pca -s n_components=5", "n_components = 5; expected a whole number up to 4"},
        {"mds -s dissimilarity=precomputed", "X is 150 x 4; dissimilarity = precomputed takes a "
                                             "square matrix"},
        {"isomap --features sepal_width -s radius=100", "the geodesic distances span 1 dimension"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const shell_result r =
            shell_run("mlkit-fit %s --ignore species -o m.mlk %s", cases[k].arguments, iris());
        ck_assert_int_eq(r.status, 1);
        ck_assert_str_eq(r.out, "");
        ck_assert_msg(strstr(r.err, cases[k].text) != NULL, "%s: %s", cases[k].arguments, r.err);
        ck_assert_int_ne(shell_run("test -e m.mlk").status, 0);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/maps");
    TCase *tc = test_case(s, "maps");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_loop_test(tc, fit_judges_a_map_by_the_neighbours_it_keeps, 0, 5);
    tcase_add_test(tc, predict_gives_the_coordinates_of_the_fit_back);
    tcase_add_test(tc, a_table_of_distances_is_taken_as_it_is);
    tcase_add_test(tc, refusals_say_what_to_do);
    return s;
}
