#include <mlkit/report/chart.h>

#include <stdio.h>

#include <mlkit/report/json.h>

#include "support/shell.h"

static mlk_cvec vec(const double *v, size_t n) { return (mlk_cvec){v, n}; }

__attribute__((noinline)) static char *script_of(mlk_plot *plot)
{
    const mlk_plot *const plots[] = {plot};
    char *script = NULL;
    require_ok(mlk_plot_script(plots, 1, NULL, &script));
    mlk_plot_free(plot);
    return script;
}

static void require_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

START_TEST(a_dendrogram_joins_its_children_at_their_distance)
{
    /* Leaves 0..3: (2, 3) at 1, (0, that) at 2, (1, that) at 5. */
    const double merges[] = {2, 3, 0, 4, 1, 5}, distances[] = {1, 2, 5};
    static const char *const names[] = {"a", "b", "c", "d"};
    char *s =
        script_of(mlk_chart_dendrogram((mlk_cmat){merges, 3, 2, 2}, vec(distances, 3), names, 1.5));
    require_in(s, "set xtics ('b' 0, 'a' 1, 'c' 2, 'd' 3)");
    require_in(s, "2 0\n2 1\n3 1\n3 0\n\n1 0\n1 2\n2.5 2\n2.5 1\n\n0 0\n0 5\n1.75 5\n1.75 2\n");
    require_in(s, "set arrow from graph 0, first 1.5 to graph 1, first 1.5 ");
    mlk_text_free(s);
}
END_TEST

START_TEST(what_is_no_tree_is_not_drawn)
{
    const double distances[] = {1, 2};
    const double bad[][4] = {{0, 1, 2, 4},  {0, 1, 0, 2},   {0, 0, 2, 3},
                             {0, -1, 2, 3}, {0, 0.5, 2, 3}, {NAN, 1, 2, 3}};
    for (size_t i = 0; i < MLK_COUNT(bad); i++) {
        char *s = script_of(
            mlk_chart_dendrogram((mlk_cmat){bad[i], 2, 2, 2}, vec(distances, 2), NULL, NAN));
        require_in(s, "nothing to draw");
        mlk_text_free(s);
    }
}
END_TEST

START_TEST(a_large_dendrogram_shows_its_upper_part)
{
    enum { N = 1000 };
    double merges[2 * (N - 1)], distances[N - 1];
    for (size_t i = 0; i + 1 < N; i++) { /* a chain: each row joins all before it */
        merges[2 * i] = i ? (double)(N + i - 1) : 0.0;
        merges[2 * i + 1] = (double)(i + 1);
        distances[i] = (double)i;
    }
    char *s = script_of(
        mlk_chart_dendrogram((mlk_cmat){merges, N - 1, 2, 2}, vec(distances, N - 1), NULL, NAN));
    require_in(s, "'the last 59 merges of 1000 rows'");
    require_in(s, "'(941)' 0, '941' 1");
    mlk_text_free(s);
}
END_TEST

START_TEST(a_histogram_counts_every_value_once)
{
    const double v[] = {0, 1, 1, 2, 2, 2, 3, NAN, 4};
    char *s = script_of(mlk_chart_histogram("x", vec(v, 9)));
    double total = 0.0;
    char *row = strtok(strstr(s, "<< END\n"), "\n");
    while ((row = strtok(NULL, "\n")) && strcmp(row, "END") != 0) {
        double x, y, x0, x1, y0, y1;
        ck_assert_int_eq(sscanf(row, "%lf %lf %lf %lf %lf %lf", &x, &y, &x0, &x1, &y0, &y1), 6);
        ck_assert(y0 == 0.0 && x0 < x1);
        total += y1;
    }
    ck_assert(total == 8.0);
    mlk_text_free(s);
}
END_TEST

START_TEST(a_bar_joins_models_that_do_not_differ)
{
    /* Ranks 1, 2, 3 in every one of 8 tables: CD = 2.343 sqrt(12/48) = 1.172, so neighbours do not
     * differ, and the first and the last do. */
    double scores[24];
    static const char *const names[] = {"x", "y", "z"};
    mlk_friedman *f;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 3; j++)
            scores[3 * i + j] = 3.0 - j;
    require_ok(mlk_friedman_new((mlk_cmat){scores, 8, 3, 3}, true, 0.05, &f));
    char *s = script_of(mlk_chart_critical_difference(f, names));
    require_in(s, " 0.97 2.03 -0.41 -0.29 ");
    require_in(s, " 1.97 3.03 -0.71 -0.59 ");
    ck_assert_ptr_null(strstr(s, " 0.97 3.03 "));
    require_in(s, "'x  1.00'");
    mlk_text_free(s);
    mlk_friedman_free(f);
}
END_TEST

START_TEST(points_belong_to_their_groups)
{
    const double x[] = {1, 2, 3, 4, 5}, g[] = {0, 1, NAN, -1, 1};
    static const char *const names[] = {"red", "green"};
    const mlk_chart_groups groups = {"kind", vec(g, 5), names, 2, -1.0};
    char *s = script_of(mlk_chart_map("t", "a", vec(x, 5), "b", vec(x, 5), &groups, true));
    require_in(s, "$d0 << END\n3 3\nEND\n$d1 << END\n4 4\nEND\n$d2 << END\n1 1\nEND\n"
                  "$d3 << END\n2 2\n5 5\nEND\n");
    require_in(s, "title 'missing'");
    require_in(s, "title 'noise'");
    require_in(s, "lc rgb '#000072B2' title 'red'");
    require_in(s, "lc rgb '#00D55E00' title 'green'");
    mlk_text_free(s);
}
END_TEST

/* ------------------------------------------------------------------- all of them */

enum { N = 40, K = 4 };

/* Every chart of some random figures; some of them missing. */
static size_t make_all(mlk_plot **p)
{
    static const char *const names[K] = {"plain", "it's `x`", "a_b^2 {c}", "50 % & <d>"};
    static const mlk_metric metric = {.name = "r2", .least = -INFINITY, .greatest = 1.0};
    static double unit[N], label[N], ranks[8 * K];
    const mlk_cmat A = test_random_mat(1, N, K), S = test_random_mat(2, K, K);
    const mlk_cvec x = test_random_vec(3, N), y = test_random_vec(4, N);
    double merges[2 * (N - 1)], distances[N - 1];
    mlk_friedman *f;
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        unit[i] = (double)i / (N - 1);
        label[i] = (double)(i % K) - 1.0;
    }
    for (size_t i = 0; i + 1 < N; i++) {
        merges[2 * i] = i ? (double)(N + i - 1) : 0.0;
        merges[2 * i + 1] = (double)(i + 1);
        distances[i] = (double)i;
    }
    memcpy(ranks, A.data, sizeof ranks);
    const mlk_curve curve = {N, unit, unit, unit, NULL};
    const mlk_curve curves[] = {curve, curve};
    const mlk_chart_groups kinds = {"kind", vec(label, N), names, K, -1.0};
    const mlk_chart_groups scale = {"size", y, NULL, 0, NAN};
    mlk_score_curve scores = {&metric, N, unit, unit, unit, unit, unit, NULL};
    const double twos[K] = {1, 2, NAN, 2};
    p[n++] = mlk_chart_roc(curves, names, 2);
    p[n++] = mlk_chart_pr(&curve, NULL, 1, 0.3);
    p[n++] = mlk_chart_reliability(curves, names, 2);
    p[n++] = mlk_chart_confusion((mlk_cmat){twos, 2, 2, 2}, names);
    p[n++] = mlk_chart_predicted(x, y);
    p[n++] = mlk_chart_residuals(x, y);
    p[n++] = mlk_chart_map("kinds", "x", x, "y", y, &kinds, true);
    p[n++] = mlk_chart_map("sizes", "x", x, "y", y, &scale, false);
    p[n++] = mlk_chart_scree(vec(unit, N));
    p[n++] = mlk_chart_sequence("sequence", "number", "value", x);
    p[n++] = mlk_chart_dendrogram((mlk_cmat){merges, N - 1, 2, 2}, vec(distances, N - 1), NULL, 3);
    p[n++] = mlk_chart_silhouette(vec(unit, N), vec(label, N));
    p[n++] = mlk_chart_elbow("inertia", vec(unit, N), x, 0.5);
    p[n++] = mlk_chart_histogram("it's", x);
    p[n++] = mlk_chart_levels("levels", names, vec(twos, K));
    p[n++] = mlk_chart_correlation(S, names);
    p[n++] = mlk_chart_importances("loss", names, S, 3);
    p[n++] = mlk_chart_coefficients(names, vec(twos, K), 3);
    p[n++] = mlk_chart_dependence("x", "y", vec(unit, K), vec(twos, K), A);
    p[n++] = mlk_chart_dependence_levels("x", "y", names, vec(twos, K));
    p[n++] = mlk_chart_scores("learning", "rows", &scores, NULL, true);
    p[n++] = mlk_chart_training("trees", "loss", x, y, 3.0);
    p[n++] = mlk_chart_path("alpha", vec(unit, N), A, names, 2, 0.5);
    p[n++] = mlk_chart_path_scores("alpha", "mse", vec(unit, N), x, vec(unit, N), 0.5);
    p[n++] = mlk_chart_choices("kernel, C", "r2", names, vec(twos, K), vec(unit, K), 1);
    p[n++] = mlk_chart_score_boxes("r2", names, S, vec(unit, K), vec(unit, K), vec(unit, K));
    if (mlk_friedman_new((mlk_cmat){ranks, 8, K, K}, true, 0.05, &f) == MLK_OK)
        p[n++] = mlk_chart_critical_difference(f, names);
    mlk_friedman_free(f);
    p[n++] = mlk_chart_times(names, vec(unit, K), vec(twos, K));
    return n;
}

enum { ALL = 28 };

START_TEST(gnuplot_draws_all_of_them_without_a_word)
{
    mlk_plot *p[ALL + 1];
    const shell_result found = shell_run("gnuplot --version");
    if (found.status != 0)
        return;
    const size_t n = make_all(p);
    ck_assert_uint_eq(n, ALL);
    for (int format = MLK_PLOT_SVG; format <= MLK_PLOT_PNG; format++) {
        mlk_plot_opts opts = mlk_plot_opts_default();
        char *script, *picture, *drawn;
        size_t drawn_size, size;
        opts.format = (mlk_plot_format)format;
        opts.title = "all of it's";
        require_ok(mlk_plot_script((const mlk_plot *const *)p, n, &opts, &script));
        shell_write("script", script);
        const shell_result r = shell_run("gnuplot -d <script >drawn");
        ck_assert_msg(r.status == 0 && !*r.err, "%d %s", r.status, r.err);
        drawn = shell_read("drawn", &drawn_size);
        require_ok(mlk_plot_finish((const mlk_plot *const *)p, n, &opts, drawn, drawn_size,
                                   &picture, &size));
        ck_assert_uint_gt(size, 10000);
        if (format == MLK_PLOT_SVG) {
            shell_write("picture.svg", picture);
            const shell_result xml =
                shell_run("python3 -c \"import xml.dom.minidom as m; m.parse('picture.svg')\"");
            ck_assert_msg(xml.status == 0, "%s", xml.err);
        }
        mlk_text_free(picture);
        mlk_text_free(script);
    }
    for (size_t i = 0; i < n; i++)
        mlk_plot_free(p[i]);
}
END_TEST

START_TEST(every_chart_says_what_it_shows)
{
    mlk_plot *p[ALL + 1];
    const size_t n = make_all(p);
    for (size_t i = 0; i < n; i++) {
        static const char drawn[] = "<svg viewBox=\"0 0 5 5\"></svg>";
        char *picture;
        size_t size;
        require_ok(mlk_plot_finish((const mlk_plot *const *)p + i, 1, NULL, drawn, strlen(drawn),
                                   &picture, &size));
        ck_assert_msg(strstr(picture, "<desc "), "%s", picture);
        mlk_text_free(picture);
        mlk_plot_free(p[i]);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k += k < 100 ? 1 : 37) {
        mlk_plot *p[ALL + 1];
        char *script;
        mlk_test_fail_at = k;
        const size_t n = make_all(p);
        st = mlk_plot_script((const mlk_plot *const *)p, n, NULL, &script);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
        if (n < ALL) /* the friedman's own */
            st = MLK_ENOMEM;
        mlk_text_free(script);
        for (size_t i = 0; i < n; i++)
            mlk_plot_free(p[i]);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("chart");
    TCase *tc = test_case(suite, "chart");
    tcase_add_test(tc, a_dendrogram_joins_its_children_at_their_distance);
    tcase_add_test(tc, what_is_no_tree_is_not_drawn);
    tcase_add_test(tc, a_large_dendrogram_shows_its_upper_part);
    tcase_add_test(tc, a_histogram_counts_every_value_once);
    tcase_add_test(tc, a_bar_joins_models_that_do_not_differ);
    tcase_add_test(tc, points_belong_to_their_groups);
    tc = test_case(suite, "all");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_test(tc, gnuplot_draws_all_of_them_without_a_word);
    tcase_add_test(tc, every_chart_says_what_it_shows);
    tcase_add_test(tc, survives_each_failing_allocation);
    return suite;
}
