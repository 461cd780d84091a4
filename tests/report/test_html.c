#include <mlkit/report/html.h>

#include <stdio.h>

#include <mlkit/report/json.h>

#include "support/mlk_test.h"

/* A page with one of everything, in which every text is this one. */
static mlk_page *page_of(const char *text)
{
    const char *const titles[] = {text, text, text, text};
    static const size_t counts[] = {1, 0, 3};
    mlk_page *page = mlk_page_new(text, text);
    mlk_page_section(page, text);
    mlk_page_figure_of_merit(page, text, text, text);
    mlk_page_figure_of_merit(page, text, text, text);
    mlk_page_heading(page, text);
    mlk_page_text(page, "%s", text);
    mlk_page_warning(page, "%s", text);
    mlk_page_code(page, text);
    mlk_page_table(page, text, titles, 4);
    for (int row = 0; row < 2; row++) {
        mlk_page_cell(page, text);
        mlk_page_number(page, row ? (double)NAN : 1.5, 3);
        mlk_page_seconds(page, 0.25);
        mlk_page_bars(page, text, counts, 3);
    }
    mlk_page_table_end(page);
    mlk_page_picture(page, text, "<svg></svg>");
    mlk_page_wide_picture(page, text, "<svg></svg>", true);
    mlk_page_section(page, text);
    return page;
}

static char *html_of(mlk_page *page)
{
    char *html;
    require_ok(mlk_page_finish(page, &html));
    mlk_page_free(page);
    return html;
}

static size_t count(const char *in, const char *what)
{
    size_t n = 0;
    for (const char *at = in; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

START_TEST(closes_what_it_opens)
{
    static const char *const elements[] = {
        "section", "div",     "table",  "thead",      "tbody", "tr",   "th",
        "td",      "caption", "figure", "figcaption", "main",  "nav",  "header",
        "footer",  "h1",      "h2",     "h3",         "p",     "pre",  "ul",
        "li",      "svg",     "script", "style",      "title", "body", "html"};
    char *html = html_of(page_of("plain"));
    for (size_t i = 0; i < MLK_COUNT(elements); i++) {
        char open[40], open_more[40], close[40];
        snprintf(open, sizeof open, "<%s>", elements[i]);
        snprintf(open_more, sizeof open_more, "<%s ", elements[i]);
        snprintf(close, sizeof close, "</%s>", elements[i]);
        ck_assert_msg(count(html, open) + count(html, open_more) == count(html, close), "<%s>",
                      elements[i]);
    }
    ck_assert_uint_eq(count(html, "<tr>"), 3);
    ck_assert_uint_eq(count(html, "<div class=\"merits\">"), 1);
    ck_assert_ptr_nonnull(strstr(html, "data-v=\"1.5\""));
    ck_assert_ptr_nonnull(strstr(html, "<td class=\"n\" data-v=\"\">\u2013</td>"));
    ck_assert_ptr_nonnull(strstr(html, "250 ms"));
    mlk_text_free(html);
}
END_TEST

/* Texts of a hostile table: elements, attributes, the ends of scripts and styles, bad bytes. */
static const char *const hostile[] = {"<script>alert(1)</script>",
                                      "\" onload=\"alert(1)",
                                      "' onload='alert(1)",
                                      "</style><b>",
                                      "]]></svg><b>",
                                      "&lt;b>&#60;b>",
                                      "\xff\xfe<b>\x01\x7f",
                                      "%s%n",
                                      "a\nb<b>"};

START_TEST(texts_are_nothing_but_texts)
{
    char *plain = html_of(page_of("plain"));
    char *html = html_of(page_of(hostile[_i]));
    static const char *const marks[] = {"<", "<script", "<b>", "onload=\"", "\xff"};
    for (size_t i = 0; i < MLK_COUNT(marks); i++)
        ck_assert_uint_eq(count(html, marks[i]), count(plain, marks[i]));
    ck_assert_uint_eq(count(html, "\""), count(plain, "\""));
    for (const char *s = html; *s; s++)
        ck_assert((unsigned char)*s >= 0x20 || *s == '\n');
    mlk_text_free(plain);
    mlk_text_free(html);
}
END_TEST

START_TEST(asks_the_network_for_nothing)
{
    char *html = html_of(page_of("plain"));
    ck_assert_ptr_nonnull(strstr(html, "default-src 'none'"));
    ck_assert_ptr_null(strstr(html, "http:"));
    ck_assert_ptr_null(strstr(html, "https:"));
    ck_assert_ptr_null(strstr(html, "src="));
    ck_assert_ptr_null(strstr(html, "@import"));
    mlk_text_free(html);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        char *html;
        mlk_test_fail_at = k;
        mlk_page *page = page_of("a text of some length, so that buffers grow");
        st = mlk_page_finish(page, &html);
        mlk_test_fail_at = -1;
        ck_assert_int_eq(st == MLK_OK, html != NULL);
        mlk_text_free(html);
        mlk_page_free(page);
    }
}
END_TEST

START_TEST(shows_what_a_table_holds)
{
    mlk_table *table;
    mlk_table_summary *summary;
    require_ok(mlk_table_read(test_source_path("datasets/penguins.csv"), NULL, NULL, &table));
    require_ok(mlk_table_summary_new(table, "species", NULL, NULL, &summary));
    mlk_page *page = mlk_page_new("t", "");
    mlk_page_section(page, "The table");
    mlk_page_table_summary(page, summary);
    char *html = html_of(page);
    ck_assert_ptr_nonnull(strstr(html, "<b>344</b>"));
    ck_assert_ptr_nonnull(strstr(html, "aria-label=\"Histogram of bill_length_mm\""));
    ck_assert_ptr_nonnull(strstr(html, "Adelie"));
    mlk_text_free(html);
    mlk_table_summary_free(summary);
    mlk_table_free(table);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("html");
    TCase *t = test_case(s, "html");
    tcase_add_test(t, closes_what_it_opens);
    tcase_add_loop_test(t, texts_are_nothing_but_texts, 0, (int)MLK_COUNT(hostile));
    tcase_add_test(t, asks_the_network_for_nothing);
    tcase_add_test(t, survives_each_failing_allocation);
    tcase_add_test(t, shows_what_a_table_holds);
    return s;
}
