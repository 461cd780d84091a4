#include <mlkit/report/plot.h>

#include <stdio.h>

#include <mlkit/report/json.h>

#include "support/mlk_test.h"

static char *script_of(mlk_plot *plot, const mlk_plot_opts *opts)
{
    char *script;
    require_ok(mlk_plot_script((const mlk_plot *const[]){plot}, 1, opts, &script));
    mlk_plot_free(plot);
    return script;
}

static void require_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

static void require_not_in(const char *text, const char *part)
{
    ck_assert_msg(!strstr(text, part), "'%s' is in:\n%s", part, text);
}

static mlk_cvec vec(const double *v, size_t n) { return (mlk_cvec){v, n}; }

/* ------------------------------------------------------------------- script */

START_TEST(a_line_is_data_and_a_clause)
{
    const double x[] = {1, 2, 3}, y[] = {0.5, 1e-7, -2};
    mlk_plot *p = mlk_plot_new("Title", "across", "up");
    mlk_plot_line(p, "name", 2, MLK_PLOT_SOLID, vec(x, 3), vec(y, 3));
    char *s = script_of(p, NULL);
    require_in(s, "set title 'Title'\nset xlabel 'across'\nset ylabel 'up'\n");
    require_in(s, "$d0 << END\n1 0.5\n2 1e-07\n3 -2\nEND\n");
    require_in(s, "plot $d0 using 1:2 with lines lw 2 lc rgb '#00D55E00' title 'name'\n");
    mlk_text_free(s);
}
END_TEST

START_TEST(a_missing_value_interrupts_a_line)
{
    const double x[] = {1, 2, 3, 4, 5}, y[] = {NAN, 1, INFINITY, -INFINITY, 2};
    mlk_plot *p = mlk_plot_new("", "", "");
    mlk_plot_line(p, NULL, 1, MLK_PLOT_THIN, vec(x, 5), vec(y, 5));
    char *s = script_of(p, NULL);
    require_in(s, "$d0 << END\n2 1\n\n5 2\nEND\n");
    require_in(s, "notitle");
    require_in(s, "unset key");
    mlk_text_free(s);
}
END_TEST

START_TEST(a_logarithmic_axis_leaves_out_what_is_not_positive)
{
    const double x[] = {0, 1, -3, 10}, y[] = {1, 2, 3, 4};
    mlk_plot *p = mlk_plot_new("", "", "");
    mlk_plot_log(p, MLK_PLOT_X);
    mlk_plot_points(p, NULL, 1, vec(x, 4), vec(y, 4));
    char *s = script_of(p, NULL);
    require_in(s, "set logscale x\n");
    require_in(s, "<< END\n1 2\n\n10 4\nEND\n");
    mlk_text_free(s);
}
END_TEST

START_TEST(a_chart_without_a_drawable_value_says_so)
{
    const double nothing[] = {NAN, NAN};
    mlk_plot_box box = {NAN, 1, 0, 1, 1, 1};
    mlk_plot *p = mlk_plot_new("", "", "");
    mlk_plot_points(p, "a", 1, vec(nothing, 2), vec(nothing, 2));
    mlk_plot_boxes(p, "b", &box, 1);
    mlk_plot_mark(p, MLK_PLOT_X, NAN, "c");
    char *s = script_of(p, NULL);
    require_in(s, "'nothing to draw'");
    require_in(s, "plot NaN notitle");
    mlk_text_free(s);
}
END_TEST

/* Everything outside single quotes and data. */
static void strip_quoted(char *s)
{
    char *to = s;
    bool quoted = false;
    for (; *s; s++) {
        if (*s == '\'')
            ck_assert_msg((quoted = !quoted) || s[1] != '\'', "a doubled quote");
        else if (!quoted)
            *to++ = *s;
        else
            ck_assert_msg(*s != '\n', "a line ends inside quotes");
    }
    ck_assert(!quoted);
    *to = '\0';
}

START_TEST(no_text_is_a_command)
{
    static const char *const names[] = {"'; system 'rm x'; '",
                                        "`touch x`",
                                        "a\nsystem 'touch x'\n",
                                        "'",
                                        "''",
                                        "\\",
                                        "\\'",
                                        "@x",
                                        "END",
                                        "\"`touch x`\"",
                                        "\xff\xfe'",
                                        "%d %s %n"};
    const size_t n = MLK_COUNT(names);
    const double x[] = {0, 1}, y[] = {2, 3};
    for (size_t i = 0; i < n; i++) {
        mlk_plot *p = mlk_plot_new(names[i], names[i], names[i]);
        mlk_plot_names(p, MLK_PLOT_X, names, n);
        mlk_plot_names(p, MLK_PLOT_Y, names, n);
        mlk_plot_remark(p, "%s", names[i]);
        mlk_plot_line(p, names[i], 1, MLK_PLOT_SOLID, vec(x, 2), vec(y, 2));
        mlk_plot_values(p, names[i], vec(x, 2), vec(y, 2), vec(x, 2));
        mlk_plot_mark(p, MLK_PLOT_X, 1.0, names[i]);
        mlk_plot_text(p, 1, 1, 0, names[i]);
        const mlk_plot_opts defaults = mlk_plot_opts_default();
        mlk_plot_opts opts = defaults;
        opts.title = names[i];
        char *s = script_of(p, &opts);
        strip_quoted(s);
        require_not_in(s, "system");
        require_not_in(s, "touch");
        require_not_in(s, "`");
        require_not_in(s, "@");
        require_not_in(s, "\\\\");
        mlk_text_free(s);
    }
}
END_TEST

START_TEST(long_names_are_cut_between_characters)
{
    static const char *const names[] = {
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"};
    mlk_plot *p = mlk_plot_new("", "", "");
    mlk_plot_names(p, MLK_PLOT_Y, names, 1);
    char *s = script_of(p, NULL);
    require_in(s, "\xc3\xa4\xe2\x80\xa6' 0)");
    mlk_text_free(s);
}
END_TEST

static char *script_of_line(double x0, double x1, bool log)
{
    const double x[] = {x0, x1}, y[] = {1, 2};
    mlk_plot *p = mlk_plot_new("", "", "");
    mlk_plot_line(p, NULL, 1, MLK_PLOT_SOLID, vec(x, 2), vec(y, 2));
    if (log)
        mlk_plot_log(p, MLK_PLOT_X);
    return script_of(p, NULL);
}

START_TEST(numbers_below_a_chart_have_room)
{
    static const struct {
        double x0, x1;
        const char *tics;
    } cases[] = {{0.912, 1.0, "set xtics 0.02\n"},
                 {0, 20000, "set xtics 5000\n"},
                 {-3, 3, "set xtics 1\n"},
                 {1, 1.3e9, "set xtics 5e+08\n"}};
    for (size_t i = 0; i < MLK_COUNT(cases); i++) {
        char *s = script_of_line(cases[i].x0, cases[i].x1, false);
        require_in(s, cases[i].tics);
        mlk_text_free(s);
    }
    char *s = script_of_line(1, 10, true);
    require_not_in(s, "set xtics");
    mlk_text_free(s);
    s = script_of_line(1, 1, false);
    require_not_in(s, "set xtics");
    mlk_text_free(s);
}
END_TEST

START_TEST(charts_stand_in_rows_of_their_heights)
{
    mlk_plot *p[3];
    char *s;
    for (int i = 0; i < 3; i++)
        p[i] = mlk_plot_new("", "", "");
    mlk_plot_height(p[0], 3.0);
    mlk_plot_opts opts = mlk_plot_opts_default();
    opts.width = opts.height = 100.0;
    require_ok(mlk_plot_script((const mlk_plot *const *)p, 3, &opts, &s));
    require_in(s, "size 200,400 ");
    require_in(s, "set size 0.5,0.75\nset origin 0,0.25\n");
    require_in(s, "set size 0.5,0.75\nset origin 0.5,0.25\n");
    require_in(s, "set size 0.5,0.25\nset origin 0,0\n");
    mlk_text_free(s);
    for (int i = 0; i < 3; i++)
        mlk_plot_free(p[i]);
}
END_TEST

START_TEST(endings_tell_the_format)
{
    mlk_plot_format f;
    require_ok(mlk_plot_format_of("a/b.svg", &f));
    ck_assert_int_eq(f, MLK_PLOT_SVG);
    require_ok(mlk_plot_format_of("X.PDF", &f));
    ck_assert_int_eq(f, MLK_PLOT_PDF);
    require_ok(mlk_plot_format_of("x.y.png", &f));
    ck_assert_int_eq(f, MLK_PLOT_PNG);
    require_fail(mlk_plot_format_of("x.jpg", &f), MLK_EINVAL,
                 "'x.jpg' is no picture; expected a name ending in .svg, .pdf or .png");
    require_fail(mlk_plot_format_of(".svg", &f), MLK_EINVAL, "'.svg' is no picture");
    require_fail(mlk_plot_format_of("", &f), MLK_EINVAL, "no picture");
    require_fail(mlk_plot_script(NULL, 0, NULL, &(char *){NULL}), MLK_EINVAL, "no charts");
}
END_TEST

START_TEST(a_sample_is_sorted_and_depends_on_the_number_alone)
{
    static size_t rows[MLK_PLOT_MOST], again[MLK_PLOT_MOST];
    ck_assert_uint_eq(mlk_plot_sample(0, rows), 0);
    ck_assert_uint_eq(mlk_plot_sample(7, rows), 7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(rows[i], i);
    ck_assert_uint_eq(mlk_plot_sample(100000, rows), MLK_PLOT_MOST);
    double mean = 0.0;
    for (size_t i = 0; i < MLK_PLOT_MOST; i++) {
        ck_assert(rows[i] < 100000 && (!i || rows[i] > rows[i - 1]));
        mean += (double)rows[i] / MLK_PLOT_MOST;
    }
    require_close(mean, 50000.0, 5.0 * 100000.0 / sqrt(12.0 * MLK_PLOT_MOST));
    mlk_plot_sample(100000, again);
    require_same(rows, again, sizeof rows);
}
END_TEST

/* ------------------------------------------------------------------- colours */

/* Of WCAG 2.1. */
static double luminance(unsigned rgb)
{
    static const double weights[] = {0.0722, 0.7152, 0.2126};
    double sum = 0.0;
    for (int i = 0; i < 3; i++) {
        const double c = (rgb >> (8 * i) & 255) / 255.0;
        sum += weights[i] * (c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static double contrast(unsigned a, unsigned b)
{
    const double la = luminance(a), lb = luminance(b);
    return (fmax(la, lb) + 0.05) / (fmin(la, lb) + 0.05);
}

/* Colour a over b. */
static unsigned blend(unsigned a, unsigned b, double opacity)
{
    unsigned out = 0;
    for (int i = 0; i < 3; i++)
        out |=
            (unsigned)lround(opacity * (a >> (8 * i) & 255) + (1 - opacity) * (b >> (8 * i) & 255))
            << (8 * i);
    return out;
}

START_TEST(colours_stand_out_on_light_and_dark_pages)
{
    for (int dark = 0; dark < 2; dark++) {
        const unsigned page = dark ? 0x1A1A1A : 0xFFFFFF, text = dark ? 0xFFFFFF : 0x000000;
        for (int k = 1; k <= MLK_PLOT_COLOURS; k++) {
            const unsigned c = mlk_plot_colour(k, dark);
            ck_assert_msg(contrast(c, page) >= 3.0, "colour %d on %06X: %g", k, page,
                          contrast(c, page));
        }
        ck_assert(contrast(mlk_plot_colour(MLK_PLOT_MUTED, dark), page) >= 3.0);
        /* The two that maps of figures are made of, with the figures on them. */
        for (int k = 1; k <= 2; k++) {
            const double c = contrast(text, blend(mlk_plot_colour(k, dark), page, 0.8));
            ck_assert_msg(c >= 4.5, "text on colour %d, dark %d: %g", k, dark, c);
        }
    }
}
END_TEST

START_TEST(the_style_sheet_has_every_dark_colour)
{
    for (int k = 1; k <= MLK_PLOT_COLOURS; k++) {
        char rule[64];
        snprintf(rule, sizeof rule, ".mlk-c%d{color:#%06X}", k, mlk_plot_colour(k, true));
        require_in(mlk_plot_css(), rule);
    }
}
END_TEST

/* ---------------------------------------------------------------- finishing */

static const char drawn[] =
    "<?xml version=\"1.0\"?>\n<svg \n viewBox=\"0 0 560 400\"\n xmlns=\"http://x\"\n>\n"
    "<title>Gnuplot</title>\n<desc>Produced by GNUPLOT</desc>\n<g id=\"gnuplot_canvas\">\n<defs>\n"
    "\t<circle id='gpPt5' stroke='currentColor' r='1'/>\n"
    "\t<use xlink:href='#gpPt5' id='gpPt6' fill='currentColor'/>\n"
    "\t<filter id='textbox'><feFlood flood-color='#FFFFFF'/></filter>\n</defs>\n"
    "<g fill=\"none\" color=\"black\" stroke=\"currentColor\" stroke-linecap=\"butt\">\n"
    "\t<path stroke='rgb(  0, 114, 178)'  d='M1,2 L3,4'/>"
    "<text fill=\"black\" font-family=\"Arial\">a &lt; b</text>\n</g>\n"
    "<g fill=\"none\">\n</g>\n"
    "<polygon fill = 'rgb(1,2,3)' points = '0,0'/></g>\n</svg>\n\n";

static mlk_status finish(const mlk_plot *p, const mlk_plot_opts *opts, const char *text, size_t n,
                         char **out)
{
    size_t size;
    const mlk_status st =
        mlk_plot_finish((const mlk_plot *const[]){p}, 1, opts, text, n, out, &size);
    if (st == MLK_OK)
        ck_assert(!(*out)[size]);
    return st;
}

START_TEST(an_svg_picture_takes_its_colours_from_the_page)
{
    mlk_plot *p = mlk_plot_new("A & B", "", "");
    mlk_plot_opts opts = mlk_plot_opts_default();
    char *s;
    mlk_plot_describe(p, "One <thing>.");
    mlk_plot_describe(p, "Another.");
    opts.standalone = false;
    opts.id = "plot-7";
    require_ok(finish(p, &opts, drawn, strlen(drawn), &s));
    ck_assert_str_eq(
        s, "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
           "id=\"plot-7\" class=\"mlk-plot\" role=\"img\" aria-labelledby=\"plot-7-title "
           "plot-7-desc\" width=\"560px\" height=\"400px\" viewBox=\"0 0 560 400\" "
           "font-family=\"system-ui, sans-serif\">\n"
           "<title id=\"plot-7-title\">A &amp; B</title>\n"
           "<desc id=\"plot-7-desc\">One &lt;thing>. Another.</desc>\n\n\n\n"
           "<g id=\"plot-7-gnuplot_canvas\"><defs>\n"
           "<circle id=\"plot-7-gpPt5\" stroke=\"currentColor\" r=\"1\"/>\n"
           "<use xlink:href=\"#plot-7-gpPt5\" id=\"plot-7-gpPt6\" fill=\"currentColor\"/>\n\n"
           "</defs>\n<g fill=\"none\" color=\"inherit\" stroke=\"currentColor\">"
           "<path stroke=\"#0072B2\" d=\"M1,2 L3,4\" class=\"mlk-s1\"/>"
           "<text fill=\"currentColor\">a &lt; b</text>\n</g>\n\n"
           "<polygon fill=\"#010203\" points=\"0,0\"/></g>\n</svg>\n");
    mlk_text_free(s);
    opts.standalone = true;
    require_ok(finish(p, &opts, drawn, strlen(drawn), &s));
    ck_assert(strncmp(s, "<?xml ", 6) == 0);
    require_in(s, mlk_plot_css());
    mlk_text_free(s);
    mlk_plot_free(p);
}
END_TEST

/* gnuplot draws each point of a cloud as an element of its own. */
START_TEST(points_that_look_the_same_become_a_path)
{
    static const char cloud[] =
        "<svg viewBox=\"0 0 9 9\"><g fill='none'>"
        "<use xlink:href='#gpPt6' transform='translate(1.50,2) scale(1.75)' color='rgb(0, 114, "
        "178)'/>\n"
        "<use xlink:href='#gpPt6' transform='translate(3,4) scale(1.75)' color='rgb(0, 114, "
        "178)'/>\n"
        "<use xlink:href='#gpPt6' transform='translate(5,6) scale(2.00)' opacity='0.70'/>\n"
        "<use xlink:href='#gpPt4' transform='translate(7,8) scale(2.00)'/></g></svg>";
    mlk_plot *p = mlk_plot_new("", "", "");
    char *s, many[64 * 40] = "<svg viewBox=\"0 0 9 9\">";
    size_t paths = 0;
    require_ok(finish(p, NULL, cloud, strlen(cloud), &s));
    require_in(s, "<g fill=\"none\"><path d=\"M1.50,2h0M3,4h0\" fill=\"none\" "
                  "stroke=\"currentColor\" stroke-linecap=\"round\" stroke-width=\"3.50\" "
                  "color=\"#0072B2\" class=\"mlk-c1\"/>\n"
                  "<path d=\"M5,6h0\" fill=\"none\" stroke=\"currentColor\" "
                  "stroke-linecap=\"round\" stroke-width=\"4.00\" opacity=\"0.70\"/>\n"
                  "<use xlink:href=\"#plot-gpPt4\" transform=\"translate(7,8) scale(2.00)\"/></g>");
    mlk_text_free(s);
    /* Only some share a path, so that a crowd of see-through points looks darker. */
    for (int k = 0; k < 40; k++)
        strcat(many, "<use xlink:href='#gpPt6' transform='translate(1,2) scale(3)'/>");
    require_ok(finish(p, NULL, many, strlen(many), &s));
    for (const char *at = s; (at = strstr(at, "<path")); at++)
        paths++;
    ck_assert_uint_eq(paths, 3);
    mlk_text_free(s);
    mlk_plot_free(p);
}
END_TEST

START_TEST(what_is_no_picture_is_refused)
{
    mlk_plot *p = mlk_plot_new("", "", "");
    mlk_plot_opts opts = mlk_plot_opts_default();
    char *s;
    require_fail(finish(p, &opts, "", 0, &s), MLK_EFORMAT, "no SVG");
    require_fail(finish(p, &opts, "<svg viewBox=\"0 0 5\"></svg>", 26, &s), MLK_EFORMAT, "no SVG");
    require_fail(finish(p, &opts, "<svg viewBox=\"0 0 5 5\"><g a='b'", 32, &s), MLK_EFORMAT,
                 "cut short");
    opts.format = MLK_PLOT_PDF;
    require_fail(finish(p, &opts, "%PDF", 4, &s), MLK_EFORMAT, "what was drawn is no PDF");
    opts.format = MLK_PLOT_PNG;
    require_fail(finish(p, &opts, drawn, strlen(drawn), &s), MLK_EFORMAT, "no PNG");
    ck_assert_ptr_null(s);
    mlk_plot_free(p);
}
END_TEST

START_TEST(any_bytes_are_survived)
{
    mlk_plot *p = mlk_plot_new("", "", "");
    const size_t n = strlen(drawn);
    char *copy = test_alloc(n + 1), *s;
    uint64_t state = 1;
    for (int round = 0; round < 3000; round++) {
        memcpy(copy, drawn, n + 1);
        for (int k = 0; k < 3; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            copy[(state >> 33) % n] = "<>'\"= /g\0&"[(state >> 20) % 10];
        }
        if (finish(p, NULL, copy, (state >> 40) % (n + 1), &s) == MLK_OK)
            mlk_text_free(s);
    }
    mlk_plot_free(p);
}
END_TEST

START_TEST(a_pdf_picture_has_no_date)
{
    static const char pdf[] = "%PDF-1.5\n<< /CreationDate (D:20261123114338Z)\n>>\n%%EOF 2026";
    mlk_plot *p = mlk_plot_new("", "", "");
    mlk_plot_opts opts = mlk_plot_opts_default();
    char *s;
    opts.format = MLK_PLOT_PDF;
    require_ok(finish(p, &opts, pdf, strlen(pdf), &s));
    ck_assert_str_eq(s, "%PDF-1.5\n<< /CreationDate (D:00000000000000Z)\n>>\n%%EOF 2026");
    mlk_text_free(s);
    mlk_plot_free(p);
}
END_TEST

START_TEST(graphs_are_finished_alike)
{
    static const char dot[] =
        "<svg width=\"62pt\" height=\"131pt\"\n viewBox=\"0.00 0.00 62.00 131.00\" xmlns=\"x\">\n"
        "<!-- a&#45;&gt;b -->\n<g id=\"edge1\" class=\"edge\">\n<title>a</title>\n"
        "<path fill=\"none\" stroke=\"black\" d=\"M1,2\"/>\n</g>\n</svg>\n";
    char *s;
    size_t n;
    require_ok(mlk_plot_finish_graph(NULL, dot, strlen(dot), &s, &n));
    require_in(s, "font-family=\"system-ui, sans-serif\" fill=\"currentColor\">");
    require_in(s, "width=\"62pt\" height=\"131pt\" viewBox=\"0 0 62 131\"");
    require_in(s, "<title id=\"plot-title\">Graph</title>");
    require_in(s, "<g id=\"plot-edge1\" class=\"edge\">");
    require_in(s, "<path fill=\"none\" stroke=\"currentColor\" d=\"M1,2\"/>");
    mlk_text_free(s);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const double x[] = {1, 2, 3};
    static const char *const names[] = {"a", "b", "c"};
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        char *s = NULL, *picture = NULL;
        size_t size;
        mlk_test_fail_at = k;
        mlk_plot *p = mlk_plot_new("title", "x", "y");
        mlk_plot_describe(p, "a sentence");
        mlk_plot_remark(p, "a remark");
        mlk_plot_names(p, MLK_PLOT_X, names, 3);
        mlk_plot_line(p, "line", 1, MLK_PLOT_SOLID, vec(x, 3), vec(x, 3));
        mlk_plot_values(p, "value", vec(x, 3), vec(x, 3), vec(x, 3));
        st = mlk_plot_script((const mlk_plot *const[]){p}, 1, NULL, &s);
        if (st == MLK_OK)
            st = mlk_plot_finish((const mlk_plot *const[]){p}, 1, NULL, drawn, strlen(drawn),
                                 &picture, &size);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || (st == MLK_ENOMEM && !picture));
        mlk_text_free(s);
        mlk_text_free(picture);
        mlk_plot_free(p);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plot");
    TCase *tc = test_case(suite, "script");
    tcase_add_test(tc, a_line_is_data_and_a_clause);
    tcase_add_test(tc, a_missing_value_interrupts_a_line);
    tcase_add_test(tc, a_logarithmic_axis_leaves_out_what_is_not_positive);
    tcase_add_test(tc, a_chart_without_a_drawable_value_says_so);
    tcase_add_test(tc, no_text_is_a_command);
    tcase_add_test(tc, long_names_are_cut_between_characters);
    tcase_add_test(tc, numbers_below_a_chart_have_room);
    tcase_add_test(tc, charts_stand_in_rows_of_their_heights);
    tcase_add_test(tc, endings_tell_the_format);
    tcase_add_test(tc, a_sample_is_sorted_and_depends_on_the_number_alone);
    tc = test_case(suite, "colours");
    tcase_add_test(tc, colours_stand_out_on_light_and_dark_pages);
    tcase_add_test(tc, the_style_sheet_has_every_dark_colour);
    tc = test_case(suite, "finishing");
    tcase_add_test(tc, an_svg_picture_takes_its_colours_from_the_page);
    tcase_add_test(tc, points_that_look_the_same_become_a_path);
    tcase_add_test(tc, what_is_no_picture_is_refused);
    tcase_add_test(tc, any_bytes_are_survived);
    tcase_add_test(tc, a_pdf_picture_has_no_date);
    tcase_add_test(tc, graphs_are_finished_alike);
    tcase_add_test(tc, survives_each_failing_allocation);
    return suite;
}
