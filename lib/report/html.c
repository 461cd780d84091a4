#include <mlkit/report/html.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mlkit/report/plot.h>
#include <mlkit/report/text.h>

#include "core/alloc.h"
#include "core/status.h"
#include "core/strbuf.h"
#include "report/html_style.h"
#include "report/utf8.h"

enum { MOST_COLUMNS = 32 };

/* Neighbours that stand side by side share an element. */
typedef enum group { ALONE, MERITS, PICTURES } group;

struct mlk_page {
    mlk_strbuf title, subtitle, contents, body;
    size_t sections;
    group open;
    /* The table being written: its rows, and which of its n columns hold numbers. */
    mlk_strbuf caption, rows;
    mlk_strbuf title_texts[MOST_COLUMNS];
    size_t n, at;
    bool numbers[MOST_COLUMNS];
};

/* ------------------------------------------------------------------- escaping */

/* Safe as an element's text and within a double-quoted attribute. */
static void add_escaped(mlk_strbuf *b, const char *text)
{
    mlk_strbuf valid = MLK_STRBUF_INIT;
    mlk_utf8_add(&valid, text ? text : "");
    if (valid.failed)
        b->failed = true;
    for (const char *s = valid.text; s && *s && !valid.failed; s++) {
        const unsigned char c = (unsigned char)*s;
        if (c == '<')
            mlk_strbuf_add(b, "&lt;");
        else if (c == '>')
            mlk_strbuf_add(b, "&gt;");
        else if (c == '&')
            mlk_strbuf_add(b, "&amp;");
        else if (c == '"')
            mlk_strbuf_add(b, "&quot;");
        else if (c == '\'')
            mlk_strbuf_add(b, "&#39;");
        else if ((c < 0x20 && c != '\n') || c == 0x7F)
            mlk_strbuf_add(b, " ");
        else
            mlk_strbuf_add_n(b, s, 1);
    }
    mlk_strbuf_free(&valid);
}

static void add_element(mlk_strbuf *b, const char *name, const char *text)
{
    mlk_strbuf_printf(b, "<%s>", name);
    add_escaped(b, text);
    mlk_strbuf_printf(b, "</%s>\n", name);
}

/* ------------------------------------------------------------------ the frame */

mlk_page *mlk_page_new(const char *title, const char *subtitle)
{
    mlk_page *page = mlk_alloc_zero(1, sizeof *page);
    if (!page)
        return NULL;
    add_escaped(&page->title, title);
    add_escaped(&page->subtitle, subtitle);
    return page;
}

void mlk_page_free(mlk_page *page)
{
    if (!page)
        return;
    mlk_strbuf *const all[] = {&page->title, &page->subtitle, &page->contents,
                               &page->body,  &page->caption,  &page->rows};
    for (size_t i = 0; i < MLK_COUNT(all); i++)
        mlk_strbuf_free(all[i]);
    for (size_t j = 0; j < MOST_COLUMNS; j++)
        mlk_strbuf_free(&page->title_texts[j]);
    mlk_free(page);
}

/* What comes next stands in such a group. */
static void enter(mlk_page *page, group next)
{
    static const char *const begins[] = {"", "<div class=\"merits\">\n",
                                         "<div class=\"pictures\">\n"};
    if (page->open == next)
        return;
    if (page->open != ALONE)
        mlk_strbuf_add(&page->body, "</div>\n");
    mlk_strbuf_add(&page->body, begins[next]);
    page->open = next;
}

void mlk_page_section(mlk_page *page, const char *title)
{
    if (!page)
        return;
    enter(page, ALONE);
    if (page->sections)
        mlk_strbuf_add(&page->body, "</section>\n");
    const size_t id = ++page->sections;
    mlk_strbuf_printf(&page->body, "<section aria-labelledby=\"s%zu\">\n<h2 id=\"s%zu\">", id, id);
    add_escaped(&page->body, title);
    mlk_strbuf_add(&page->body, "</h2>\n");
    mlk_strbuf_printf(&page->contents, "<li><a href=\"#s%zu\">", id);
    add_escaped(&page->contents, title);
    mlk_strbuf_add(&page->contents, "</a></li>\n");
}

void mlk_page_heading(mlk_page *page, const char *title)
{
    if (!page)
        return;
    enter(page, ALONE);
    add_element(&page->body, "h3", title);
}

/* A formatted text as an element's content. */
static void add_formatted(mlk_page *page, const char *begin, const char *end, const char *fmt,
                          va_list args)
{
    mlk_strbuf text = MLK_STRBUF_INIT;
    enter(page, ALONE);
    mlk_strbuf_vprintf(&text, fmt, args);
    if (text.failed)
        page->body.failed = true;
    mlk_strbuf_add(&page->body, begin);
    add_escaped(&page->body, text.text);
    mlk_strbuf_add(&page->body, end);
    mlk_strbuf_free(&text);
}

void mlk_page_text(mlk_page *page, const char *fmt, ...)
{
    va_list args;
    if (!page)
        return;
    va_start(args, fmt);
    add_formatted(page, "<p>", "</p>\n", fmt, args);
    va_end(args);
}

void mlk_page_warning(mlk_page *page, const char *fmt, ...)
{
    va_list args;
    if (!page)
        return;
    va_start(args, fmt);
    add_formatted(page, "<p class=\"warn\">", "</p>\n", fmt, args);
    va_end(args);
}

void mlk_page_code(mlk_page *page, const char *text)
{
    if (!page)
        return;
    enter(page, ALONE);
    mlk_strbuf_add(&page->body, "<pre>");
    add_escaped(&page->body, text);
    mlk_strbuf_add(&page->body, "</pre>\n");
}

void mlk_page_figure_of_merit(mlk_page *page, const char *label, const char *value,
                              const char *remark)
{
    if (!page)
        return;
    enter(page, MERITS);
    mlk_strbuf_add(&page->body, "<div class=\"merit\">");
    add_element(&page->body, "span", label);
    add_element(&page->body, "b", value);
    add_element(&page->body, "small", remark);
    mlk_strbuf_add(&page->body, "</div>\n");
}

/* ------------------------------------------------------------------- pictures */

void mlk_page_picture(mlk_page *page, const char *caption, const char *svg)
{
    if (!page)
        return;
    enter(page, PICTURES);
    mlk_strbuf_add(&page->body, "<figure>");
    add_element(&page->body, "figcaption", caption);
    mlk_strbuf_add(&page->body, svg);
    mlk_strbuf_add(&page->body, "</figure>\n");
}

void mlk_page_wide_picture(mlk_page *page, const char *caption, const char *svg, bool centred)
{
    if (!page)
        return;
    mlk_strbuf *b = &page->body;
    enter(page, PICTURES);
    mlk_strbuf_add(b, centred ? "<figure class=\"wide centred\">" : "<figure class=\"wide\">");
    add_element(b, "figcaption", caption);
    mlk_strbuf_add(b, "<div class=\"wrap\" tabindex=\"0\" role=\"group\" aria-label=\"");
    add_escaped(b, caption);
    mlk_strbuf_add(b, "\">");
    mlk_strbuf_add(b, svg);
    mlk_strbuf_add(b, "</div></figure>\n");
}

/* --------------------------------------------------------------------- tables */

void mlk_page_table(mlk_page *page, const char *caption, const char *const *titles, size_t n)
{
    if (!page)
        return;
    enter(page, ALONE);
    add_escaped(&page->caption, caption);
    page->n = n < MOST_COLUMNS ? n : MOST_COLUMNS;
    page->at = 0;
    for (size_t j = 0; j < page->n; j++) {
        add_escaped(&page->title_texts[j], titles[j]);
        page->numbers[j] = false;
    }
}

/* Begin a cell: its tag with class and key, open for the content. */
static void begin_cell(mlk_page *page, const char *class, bool keyed, double key)
{
    mlk_strbuf *b = &page->rows;
    const bool first = page->at == 0;
    if (first)
        mlk_strbuf_add(b, "<tr>");
    mlk_strbuf_add(b, first ? "<th scope=\"row\"" : "<td");
    if (*class)
        mlk_strbuf_printf(b, " class=\"%s\"", class);
    if (keyed && isfinite(key))
        mlk_strbuf_printf(b, " data-v=\"%.17g\"", key);
    else if (keyed)
        mlk_strbuf_add(b, " data-v=\"\"");
    mlk_strbuf_add(b, ">");
}

static void end_cell(mlk_page *page)
{
    mlk_strbuf_add(&page->rows, page->at == 0 ? "</th>" : "</td>");
    if (++page->at == page->n) {
        mlk_strbuf_add(&page->rows, "</tr>\n");
        page->at = 0;
    }
}

void mlk_page_cell(mlk_page *page, const char *text)
{
    enum { LONG = 40 };
    if (!page)
        return;
    begin_cell(page, page->at && text && strlen(text) > LONG ? "long" : "", false, 0.0);
    add_escaped(&page->rows, text);
    end_cell(page);
}

static void add_number(mlk_page *page, const char *class, const char *text, double key)
{
    page->numbers[page->at] = true;
    begin_cell(page, class, true, key);
    add_escaped(&page->rows, text);
    end_cell(page);
}

void mlk_page_sorted(mlk_page *page, const char *text, double key)
{
    if (page)
        add_number(page, "n", text, key);
}

void mlk_page_number(mlk_page *page, double value, int digits)
{
    char buf[64];
    mlk_page_sorted(page, isnan(value) ? "\u2013" : mlk_text_number(value, digits, buf, sizeof buf),
                    value);
}

void mlk_page_seconds(mlk_page *page, double seconds)
{
    char buf[64];
    if (!page)
        return;
    if (isnan(seconds))
        snprintf(buf, sizeof buf, "\u2013");
    else if (seconds < 1.0)
        snprintf(buf, sizeof buf, "%.3g ms", 1000.0 * seconds);
    else
        snprintf(buf, sizeof buf, "%.3g s", seconds);
    add_number(page, "n time", buf, seconds);
}

void mlk_page_bars(mlk_page *page, const char *description, const size_t *counts, size_t n)
{
    enum { WIDTH = 120, HEIGHT = 28 };
    if (!page)
        return;
    mlk_strbuf *b = &page->rows;
    size_t most = 1;
    for (size_t k = 0; k < n; k++)
        most = counts[k] > most ? counts[k] : most;
    const double step = n ? (double)WIDTH / (double)n : 0.0;
    const double width = fmin(step * 0.9, 24.0);
    begin_cell(page, "", false, 0.0);
    mlk_strbuf_printf(b,
                      "<svg class=\"bars\" role=\"img\" width=\"%d\" height=\"%d\" "
                      "viewBox=\"0 0 %d %d\" aria-label=\"",
                      WIDTH, HEIGHT, WIDTH, HEIGHT);
    add_escaped(b, description);
    mlk_strbuf_add(b, "\">");
    for (size_t k = 0; k < n; k++) {
        double height = HEIGHT * (double)counts[k] / (double)most;
        height = counts[k] && height < 1.0 ? 1.0 : height; /* one that is there is seen */
        if (height > 0.0)
            mlk_strbuf_printf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                              fmin(step, 26.0) * (double)k, HEIGHT - height, width, height);
    }
    mlk_strbuf_add(b, "</svg>");
    end_cell(page);
}

void mlk_page_table_end(mlk_page *page)
{
    if (!page)
        return;
    mlk_strbuf *b = &page->body;
    char *caption = mlk_strbuf_take(&page->caption), *rows = mlk_strbuf_take(&page->rows);
    mlk_strbuf_printf(b,
                      "<div class=\"wrap\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">"
                      "<table><caption><span>%s</span></caption>\n<thead><tr>",
                      caption ? caption : "Table", caption ? caption : "");
    for (size_t j = 0; j < page->n; j++) {
        char *title = mlk_strbuf_take(&page->title_texts[j]);
        mlk_strbuf_printf(b, "<th scope=\"col\"%s>%s</th>", page->numbers[j] ? " class=\"n\"" : "",
                          title ? title : "");
        mlk_free(title);
    }
    mlk_strbuf_add(b, "</tr></thead>\n<tbody>\n");
    mlk_strbuf_add(b, rows ? rows : "");
    mlk_strbuf_add(b, "</tbody></table></div>\n");
    mlk_free(caption);
    mlk_free(rows);
}

/* ---------------------------------------------------------------------- finish */

mlk_status mlk_page_finish(mlk_page *page, char **html)
{
    mlk_strbuf b = MLK_STRBUF_INIT;
    *html = NULL;
    if (!page)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a page");
    enter(page, ALONE);
    if (page->sections)
        mlk_strbuf_add(&page->body, "</section>\n");
    const bool failed = page->title.failed || page->subtitle.failed || page->contents.failed ||
                        page->body.failed || page->caption.failed || page->rows.failed;
    mlk_strbuf_printf(&b,
                      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
                      "<meta name=\"generator\" content=\"mlkit %s\">\n"
                      "<link rel=\"icon\" href=\"data:,\">\n<title>%s</title>\n<style>",
                      mlk_version(), page->title.text ? page->title.text : "");
    mlk_strbuf_add(&b, page_css);
    mlk_strbuf_add(&b, mlk_plot_css());
    mlk_strbuf_printf(&b,
                      "</style>\n</head>\n<body>\n<header><h1>%s</h1>\n<p>%s</p></header>\n"
                      "<nav aria-label=\"Contents\"><ul>\n%s</ul></nav>\n<main>\n",
                      page->title.text ? page->title.text : "",
                      page->subtitle.text ? page->subtitle.text : "",
                      page->contents.text ? page->contents.text : "");
    mlk_strbuf_add(&b, page->body.text ? page->body.text : "");
    mlk_strbuf_printf(&b, "</main>\n<footer>mlkit %s</footer>\n<script>", mlk_version());
    mlk_strbuf_add(&b, page_js);
    mlk_strbuf_add(&b, "</script>\n</body>\n</html>\n");
    b.failed |= failed;
    *html = mlk_strbuf_take(&b);
    return *html ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a page");
}
