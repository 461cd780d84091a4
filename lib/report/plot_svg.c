#include "report/plot_svg.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/status.h"
#include "report/utf8.h"

/* A piece of the text that is read. */
typedef struct span {
    const char *s;
    size_t n;
} span;

/* gnuplot's round point, one element each; see add_dot(). */
typedef struct dot {
    span place, size, rest; /* "x,y", "radius", and the attributes of its paint */
} dot;

/*
 * The SVG of gnuplot or Graphviz is read tag by tag and written again: colours become classes or
 * the colour of the text, identifiers get a prefix, fonts, filters, titles of parts and empty
 * groups go; clouds of points become paths.
 */
typedef struct rewriter {
    const mlk_plot_opts *opts;
    mlk_strbuf *out;
    size_t group; /* where the last <g> begins in out, */
    bool empty;   /* and nothing has come since */
    dot last;     /* of the path that is open, which holds so many */
    size_t dots;
} rewriter;

enum { DOTS = 16 }; /* a path's: what overlaps within one looks no darker */

/* In dark pages; elsewhere the attributes hold. */
static const char css[] = ".mlk-plot{max-width:100%;height:auto}"
                          "@media screen and (prefers-color-scheme:dark){"
                          ".mlk-f1{fill:#3A8FCB}.mlk-s1{stroke:#3A8FCB}.mlk-c1{color:#3A8FCB}"
                          ".mlk-f2{fill:#E06A1C}.mlk-s2{stroke:#E06A1C}.mlk-c2{color:#E06A1C}"
                          ".mlk-f3{fill:#1FB88A}.mlk-s3{stroke:#1FB88A}.mlk-c3{color:#1FB88A}"
                          ".mlk-f4{fill:#E08CBB}.mlk-s4{stroke:#E08CBB}.mlk-c4{color:#E08CBB}"
                          ".mlk-f5{fill:#E69F00}.mlk-s5{stroke:#E69F00}.mlk-c5{color:#E69F00}"
                          ".mlk-f6{fill:#8CCBF0}.mlk-s6{stroke:#8CCBF0}.mlk-c6{color:#8CCBF0}"
                          ".mlk-f7{fill:#F0E442}.mlk-s7{stroke:#F0E442}.mlk-c7{color:#F0E442}}";
static const char css_of_file[] =
    ".mlk-plot{color-scheme:light dark}"
    "@media screen and (prefers-color-scheme:dark){.mlk-plot{color:#fff}}";

const char *mlk_plot_css(void) { return css; }

static void add_escaped(mlk_strbuf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            mlk_strbuf_add(b, "&lt;");
        else if (*text == '&')
            mlk_strbuf_add(b, "&amp;");
        else if ((unsigned char)*text < 0x20)
            mlk_strbuf_add(b, " ");
        else
            mlk_strbuf_add_n(b, text, 1);
    }
}

/* <title> and <desc>, which the root's aria-labelledby names. */
static void add_element(rewriter *r, const char *name, const char *text)
{
    mlk_strbuf valid = MLK_STRBUF_INIT;
    mlk_utf8_add(&valid, text);
    mlk_strbuf_printf(r->out, "<%s id=\"%s-%s\">", name, r->opts->id, name);
    if (valid.failed)
        r->out->failed = true;
    else if (valid.text)
        add_escaped(r->out, valid.text);
    mlk_strbuf_printf(r->out, "</%s>\n", name);
    mlk_strbuf_free(&valid);
}

static void add_root(rewriter *r, mlk_svg_texts texts, double width, double height,
                     const char *unit)
{
    const char *id = r->opts->id;
    const bool described = *texts.description;
    const bool graph = strcmp(unit, "pt") == 0; /* Graphviz's texts have no colour of their own */
    if (!r->opts->standalone)
        unit = "px"; /* so that a graph's texts are as large as the page's */
    if (r->opts->standalone)
        mlk_strbuf_add(r->out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    mlk_strbuf_printf(r->out,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                      "xmlns:xlink=\"http://www.w3.org/1999/xlink\" id=\"%s\" class=\"mlk-plot\" "
                      "role=\"img\" aria-labelledby=\"%s-title%s%s%s\" width=\"%.0f%s\" "
                      "height=\"%.0f%s\" viewBox=\"0 0 %.0f %.0f\" "
                      "font-family=\"system-ui, sans-serif\"%s>\n",
                      id, id, described ? " " : "", described ? id : "", described ? "-desc" : "",
                      width, unit, height, unit, width, height,
                      graph ? " fill=\"currentColor\"" : "");
    add_element(r, "title", texts.title);
    if (described)
        add_element(r, "desc", texts.description);
    if (r->opts->standalone)
        mlk_strbuf_printf(r->out, "<style>%s%s</style>\n", css, css_of_file);
}

/* An attribute of a tag: name and value, both in the tag's text. */
typedef struct attribute {
    const char *name, *value;
    size_t name_length, value_length;
} attribute;

/* The next attribute in [*at, end), or false. */
static bool next_attribute(const char **at, const char *end, attribute *a)
{
    const char *s = *at;
    while (s < end && isspace((unsigned char)*s))
        s++;
    a->name = s;
    while (s < end && *s != '=' && !isspace((unsigned char)*s))
        s++;
    a->name_length = (size_t)(s - a->name);
    while (s < end && (*s == '=' || isspace((unsigned char)*s)))
        s++;
    if (s >= end || (*s != '"' && *s != '\''))
        return false;
    const char *close = memchr(s + 1, *s, (size_t)(end - s - 1));
    if (!close)
        return false;
    a->value = s + 1;
    a->value_length = (size_t)(close - s - 1);
    *at = close + 1;
    return a->name_length > 0;
}

static bool named(const attribute *a, const char *name)
{
    return strlen(name) == a->name_length && memcmp(a->name, name, a->name_length) == 0;
}

/* What gnuplot calls a colour as 0xRRGGBB; false: something else, such as none. */
static bool parse_colour(const attribute *a, unsigned *rgb)
{
    char text[32];
    unsigned r, g, b;
    if (a->value_length >= sizeof text)
        return false;
    memcpy(text, a->value, a->value_length);
    text[a->value_length] = '\0';
    if (strcmp(text, "black") == 0) {
        *rgb = 0;
        return true;
    }
    if (sscanf(text, "rgb(%u,%u,%u)", &r, &g, &b) != 3 || r > 255 || g > 255 || b > 255)
        return false;
    *rgb = r << 16 | g << 8 | b;
    return true;
}

/* Colours: the text's own, or one with a class for dark pages, which *class then names. */
static void add_paint(rewriter *r, const attribute *a, mlk_strbuf *class)
{
    unsigned rgb;
    mlk_strbuf *out = r->out;
    if (!parse_colour(a, &rgb)) {
        mlk_strbuf_printf(out, " %.*s=\"%.*s\"", (int)a->name_length, a->name, (int)a->value_length,
                          a->value);
        return;
    }
    mlk_strbuf_printf(out, " %.*s=\"", (int)a->name_length, a->name);
    if (rgb == mlk_plot_colour(MLK_PLOT_TEXT, false)) {
        /* `color` itself is inherited anyway. */
        mlk_strbuf_add(out, named(a, "color") ? "inherit\"" : "currentColor\"");
        return;
    }
    mlk_strbuf_printf(out, "#%06X\"", rgb);
    for (int k = 1; k <= MLK_PLOT_COLOURS; k++)
        if (mlk_plot_colour(k, false) == rgb)
            mlk_strbuf_printf(class, "%smlk-%c%d", class->len ? " " : "", *a->name, k);
}

static bool has_default(const attribute *a)
{
    static const char *const defaults[][2] = {
        {"stroke-linecap", "butt"},
        {"stroke-linejoin", "miter"},
        {"shape-rendering", NULL},
        {"font-family", NULL},
    };
    for (size_t i = 0; i < MLK_COUNT(defaults); i++) {
        const char *value = defaults[i][1];
        if (named(a, defaults[i][0]) && (!value || (a->value_length == strlen(value) &&
                                                    !memcmp(a->value, value, a->value_length))))
            return true;
    }
    return false;
}

/* The attributes in [at, end). */
static void add_attributes(rewriter *r, const char *at, const char *end)
{
    mlk_strbuf class = MLK_STRBUF_INIT;
    attribute a;
    while (next_attribute(&at, end, &a)) {
        const bool link = named(&a, "xlink:href") && a.value_length && *a.value == '#';
        const bool paint = named(&a, "stroke") || named(&a, "fill") || named(&a, "color");
        if (has_default(&a))
            continue;
        if (paint)
            add_paint(r, &a, &class);
        else if (link || named(&a, "id"))
            mlk_strbuf_printf(r->out, " %.*s=\"%s%s-%.*s\"", (int)a.name_length, a.name,
                              link ? "#" : "", r->opts->id, (int)a.value_length - link,
                              a.value + link);
        else
            mlk_strbuf_printf(r->out, " %.*s=\"%.*s\"", (int)a.name_length, a.name,
                              (int)a.value_length, a.value);
    }
    if (class.len)
        mlk_strbuf_printf(r->out, " class=\"%s\"", class.text);
    if (class.failed)
        r->out->failed = true;
    mlk_strbuf_free(&class);
}

/* A tag [s, end), where end points at its '>'. */
static void add_tag(rewriter *r, const char *s, const char *end)
{
    const bool closed = end[-1] == '/';
    const char *at = s + 1;
    end -= closed;
    while (at < end && !isspace((unsigned char)*at))
        at++;
    mlk_strbuf_add_n(r->out, s, (size_t)(at - s));
    add_attributes(r, at, end);
    mlk_strbuf_add(r->out, closed ? "/>" : ">");
}

/* ------------------------------------------------------------------- points */

static bool begins(const char *s, const char *with) { return !strncmp(s, with, strlen(with)); }

/* What is between `open`, which *at must begin with, and `close`; *at moves behind. */
static bool take_span(const char **at, const char *end, const char *open, char close, span *out)
{
    const size_t n = strlen(open);
    if ((size_t)(end - *at) < n || memcmp(*at, open, n) != 0)
        return false;
    const char *stop = memchr(*at + n, close, (size_t)(end - *at) - n);
    if (!stop || memchr(*at + n, '<', (size_t)(stop - *at) - n))
        return false;
    *out = (span){*at + n, (size_t)(stop - *at) - n};
    *at = stop + 1;
    return true;
}

static bool is_dot(const char *open, const char *end, dot *d)
{
    attribute link, place;
    const char *at = open + 4;
    if (!begins(open, "<use") || end[-1] != '/' || !next_attribute(&at, end, &link) ||
        !named(&link, "xlink:href") || link.value_length != 6 ||
        memcmp(link.value, "#gpPt6", 6) != 0 || !next_attribute(&at, end, &place) ||
        !named(&place, "transform"))
        return false;
    d->rest = (span){at, (size_t)(end - 1 - at)};
    at = place.value;
    end = place.value + place.value_length;
    return take_span(&at, end, "translate(", ')', &d->place) &&
           take_span(&at, end, " scale(", ')', &d->size);
}

static bool same(span a, span b) { return a.n == b.n && memcmp(a.s, b.s, a.n) == 0; }

static void end_dots(rewriter *r)
{
    double radius;
    if (!r->dots)
        return;
    mlk_parse_real(r->last.size.s, r->last.size.s + r->last.size.n, &radius);
    mlk_strbuf_printf(r->out,
                      "\" fill=\"none\" stroke=\"currentColor\" stroke-linecap=\"round\" "
                      "stroke-width=\"%.2f\"",
                      2.0 * radius);
    add_attributes(r, r->last.rest.s, r->last.rest.s + r->last.rest.n);
    mlk_strbuf_add(r->out, "/>\n");
    r->dots = 0;
}

/* Points that look the same are lines of no length with round ends: one path instead of an element
 * each, which browsers and readers of the page take long over. */
static void add_dot(rewriter *r, const dot *d)
{
    if (r->dots == DOTS ||
        (r->dots && !(same(d->size, r->last.size) && same(d->rest, r->last.rest))))
        end_dots(r);
    if (!r->dots)
        mlk_strbuf_add(r->out, "<path d=\"");
    mlk_strbuf_printf(r->out, "M%.*sh0", (int)d->place.n, d->place.s);
    r->last = *d;
    r->dots++;
}

/* Characters between tags; blanks alone shrink to a line's end. */
static void add_characters(rewriter *r, const char *s, size_t n)
{
    size_t blanks = 0;
    while (blanks < n && isspace((unsigned char)s[blanks]))
        blanks++;
    if (blanks < n) {
        end_dots(r);
        mlk_strbuf_add_n(r->out, s, n);
        r->empty = false;
    } else if (n && !r->empty && !r->dots) {
        mlk_strbuf_add(r->out, "\n");
    }
}

/* Behind an element that is left out with all that it holds; NULL: s is no such. */
static const char *skipped(const char *s)
{
    static const char *const names[][2] = {{"<title", "</title>"},
                                           {"<desc", "</desc>"},
                                           {"<filter", "</filter>"},
                                           {"<?xml", ">"},
                                           {"<!", ">"}};
    for (size_t i = 0; i < MLK_COUNT(names); i++)
        if (begins(s, names[i][0])) {
            const char *close = strstr(s, names[i][1]);
            return close ? close + strlen(names[i][1]) : s + strlen(s);
        }
    return NULL;
}

static void add_group_end(rewriter *r)
{
    if (r->empty && !r->out->failed) {
        r->out->len = r->group;
        r->out->text[r->group] = '\0';
        r->empty = false;
        return;
    }
    mlk_strbuf_add(r->out, "</g>");
}

/* Size of the picture, from the root's view box. */
static bool view_box(const char *s, const char *end, double *width, double *height)
{
    static const char key[] = "viewBox=\"0";
    const char *at = strstr(s, key);
    if (!at || at > end)
        return false;
    at = strchr(at + strlen(key), ' ');   /* behind x, */
    at = at ? strchr(at + 1, ' ') : NULL; /* and y */
    if (!at)
        return false;
    const char *next = mlk_parse_real(at + 1, end, width);
    mlk_parse_real(next + (*next == ' '), end, height);
    return *width > 0.0 && *height > 0.0 && *width < 1e6 && *height < 1e6;
}

/* One tag, from its '<' to its '>'. */
static void take_tag(rewriter *r, const char *open, const char *end)
{
    dot d;
    if (is_dot(open, end, &d)) {
        add_dot(r, &d);
        r->empty = false;
        return;
    }
    end_dots(r);
    if (begins(open, "</g>")) {
        add_group_end(r);
        return;
    }
    const bool group = begins(open, "<g ") && end[-1] != '/';
    r->group = r->out->len;
    if (open[1] == '/')
        mlk_strbuf_add_n(r->out, open, (size_t)(end - open) + 1);
    else
        add_tag(r, open, end);
    r->empty = group;
}

mlk_status mlk_svg_rewrite(const char *drawn, const mlk_plot_opts *opts, mlk_svg_texts texts,
                           const char *unit, mlk_strbuf *out)
{
    rewriter r = {.opts = opts, .out = out};
    const char *s = strstr(drawn, "<svg"), *end = s ? strchr(s, '>') : NULL;
    double width = 0.0, height = 0.0;
    if (!end || !view_box(s, end, &width, &height))
        return MLK_FAIL(MLK_EFORMAT, "what was drawn is no SVG");
    add_root(&r, texts, width, height, unit);
    for (s = end + 1; *s && !out->failed;) {
        const char *open = strchr(s, '<'), *after = open ? skipped(open) : NULL;
        if (!open)
            break;
        add_characters(&r, s, (size_t)(open - s));
        if (!after && !(end = strchr(open, '>')))
            return MLK_FAIL(MLK_EFORMAT, "what was drawn is cut short");
        if (!after)
            take_tag(&r, open, end);
        s = after ? after : end + 1;
    }
    end_dots(&r);
    mlk_strbuf_add(out, "\n");
    return MLK_OK;
}
