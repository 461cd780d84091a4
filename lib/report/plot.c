#include <mlkit/report/plot.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/rng.h"
#include "core/status.h"
#include "core/strbuf.h"
#include "report/plot_svg.h"
#include "report/utf8.h"

/*
 * A chart is kept as the pieces of its part of the script: layers add a block of data and a clause
 * of the plot command, the rest adds settings. Texts of an author are kept as they came and quoted
 * when written: inside gnuplot's single quotes nothing has a meaning but the quote itself, which
 * is written as an apostrophe (gnuplot 5.4 misreads a doubled quote at the beginning).
 */
struct mlk_plot {
    mlk_strbuf title, x_label, y_label, description, remark, value_label;
    mlk_strbuf data, settings, clauses;
    size_t blocks, names, values;
    bool log[2], ranged[2], named[2], square, equal, bare;
    double height;
    double least, greatest; /* of what is drawn across; more than all where nothing is */
};

enum { TITLE_PIXELS = 36, LONGEST_NAME = 28, MOST_NAMES = 60 };

static const unsigned colours[2][MLK_PLOT_COLOURS] = {
    {0x0072B2, 0xD55E00, 0x008F68, 0xC2619A, 0xB07500, 0x2E8BC0, 0x8A7F00},
    {0x3A8FCB, 0xE06A1C, 0x1FB88A, 0xE08CBB, 0xE69F00, 0x8CCBF0, 0xF0E442},
};
static const unsigned muted = 0x777777;

unsigned mlk_plot_colour(int colour, bool dark)
{
    if (colour == MLK_PLOT_TEXT)
        return dark ? 0xFFFFFF : 0x000000;
    return colour < 0 ? muted : colours[dark][(colour - 1) % MLK_PLOT_COLOURS];
}

static void free_texts(mlk_plot *p)
{
    mlk_strbuf *const all[] = {&p->title,       &p->x_label,  &p->y_label,
                               &p->description, &p->remark,   &p->value_label,
                               &p->data,        &p->settings, &p->clauses};
    for (size_t i = 0; i < MLK_COUNT(all); i++)
        mlk_strbuf_free(all[i]);
}

static bool failed(const mlk_plot *p)
{
    return !p || p->title.failed || p->x_label.failed || p->y_label.failed ||
           p->description.failed || p->remark.failed || p->value_label.failed || p->data.failed ||
           p->settings.failed || p->clauses.failed;
}

mlk_plot *mlk_plot_new(const char *title, const char *x_label, const char *y_label)
{
    mlk_plot *p = mlk_alloc_zero(1, sizeof *p);
    if (!p)
        return NULL;
    p->height = 1.0;
    p->least = INFINITY;
    p->greatest = -INFINITY;
    mlk_strbuf_add(&p->title, title);
    mlk_strbuf_add(&p->x_label, x_label);
    mlk_strbuf_add(&p->y_label, y_label);
    return p;
}

void mlk_plot_free(mlk_plot *plot)
{
    if (!plot)
        return;
    free_texts(plot);
    mlk_free(plot);
}

static const char *text_of(const mlk_strbuf *b) { return b->text ? b->text : ""; }

void mlk_plot_describe(mlk_plot *plot, const char *fmt, ...)
{
    va_list args;
    if (!plot)
        return;
    if (plot->description.len)
        mlk_strbuf_add(&plot->description, " ");
    va_start(args, fmt);
    mlk_strbuf_vprintf(&plot->description, fmt, args);
    va_end(args);
}

void mlk_plot_remark(mlk_plot *plot, const char *fmt, ...)
{
    va_list args;
    if (!plot)
        return;
    if (plot->remark.len)
        mlk_strbuf_add(&plot->remark, ", ");
    va_start(args, fmt);
    mlk_strbuf_vprintf(&plot->remark, fmt, args);
    va_end(args);
}

/* ------------------------------------------------------------------ pieces */

/* 'text' as gnuplot reads it; of `most` characters at most (0: any), the last a "…" if cut.
 * `format`: where gnuplot takes it for a format of numbers. */
static void add_quoted(mlk_strbuf *b, const char *text, size_t most, bool format)
{
    size_t n = 0, characters = 0;
    for (const char *s = text; *s; s++)
        characters += ((unsigned char)*s & 0xC0) != 0x80;
    const bool cut = most && characters > most;
    mlk_strbuf_add(b, "'");
    while (*text && !(cut && n + 1 == most)) {
        const size_t length = mlk_utf8_length(text);
        if (!length)
            mlk_strbuf_add(b, "\xEF\xBF\xBD");
        else if ((unsigned char)*text < 0x20 || *text == 0x7F)
            mlk_strbuf_add(b, " ");
        else if (*text == '\'')
            mlk_strbuf_add(b, "\xE2\x80\x99");
        else if (*text == '%' && format)
            mlk_strbuf_add(b, "%%");
        else
            mlk_strbuf_add_n(b, text, length);
        text += length ? length : 1;
        n++;
    }
    mlk_strbuf_add(b, cut ? "\xE2\x80\xA6'" : "'");
}

/* Of the size that gnuplot computes with. */
static bool drawable(const mlk_plot *p, mlk_plot_axis axis, double v)
{
    return fabs(v) < 1e300 && !(p->log[axis] && v <= 0.0);
}

static void add_number(mlk_strbuf *b, double v, const char *after)
{
    char number[MLK_REAL_CHARS];
    mlk_strbuf_add_n(b, number, mlk_format_digits(v, 8, number));
    mlk_strbuf_add(b, after);
}

static void open_block(mlk_plot *p) { mlk_strbuf_printf(&p->data, "$d%zu << END\n", p->blocks++); }

/* The clause of the block just written, up to its "with". */
static void close_block(mlk_plot *p, const char *columns)
{
    mlk_strbuf_add(&p->data, "END\n");
    mlk_strbuf_printf(&p->clauses, "%s$d%zu using %s with ", p->clauses.len ? ", \\\n     " : "",
                      p->blocks - 1, columns);
}

static void add_name(mlk_plot *p, const char *name)
{
    if (!name) {
        mlk_strbuf_add(&p->clauses, " notitle");
        return;
    }
    p->names++;
    mlk_strbuf_add(&p->clauses, " title ");
    add_quoted(&p->clauses, name, LONGEST_NAME, false);
}

/* lc rgb '#00RRGGBB' with an opacity. */
static void add_colour(mlk_plot *p, int colour, double opacity)
{
    const unsigned transparency = (unsigned)lround(255.0 * (1.0 - opacity));
    mlk_strbuf_printf(&p->clauses, " lc rgb '#%02X%06X'", transparency,
                      mlk_plot_colour(colour, false));
}

static void reach(mlk_plot *p, double x)
{
    p->least = fmin(p->least, x);
    p->greatest = fmax(p->greatest, x);
}

/* Rows of numbers: columns[0] is x and columns[1] y; a row that cannot be drawn is a gap. */
static bool add_rows(mlk_plot *p, const mlk_cvec *columns, size_t n_columns, unsigned y_columns,
                     unsigned x_columns)
{
    bool gap = true, any = false;
    open_block(p);
    for (size_t i = 0; i < columns[0].n; i++) {
        bool whole = true;
        for (size_t c = 0; c < n_columns; c++) {
            const double v = columns[c].data[i];
            const bool as_x = x_columns >> c & 1, as_y = y_columns >> c & 1;
            whole = whole && (as_x   ? drawable(p, MLK_PLOT_X, v)
                              : as_y ? drawable(p, MLK_PLOT_Y, v)
                                     : fabs(v) < 1e300);
        }
        if (!whole && !gap)
            mlk_strbuf_add(&p->data, "\n");
        gap = !whole;
        any |= whole;
        for (size_t c = 0; whole && c < n_columns; c++) {
            add_number(&p->data, columns[c].data[i], c + 1 == n_columns ? "\n" : " ");
            if (x_columns >> c & 1)
                reach(p, columns[c].data[i]);
        }
    }
    if (any)
        return true;
    /* A block without rows is an error to gnuplot. */
    mlk_strbuf_add(&p->data, "END\n");
    return false;
}

/* ------------------------------------------------------------------- axes */

static char axis_letter(mlk_plot_axis axis) { return axis == MLK_PLOT_X ? 'x' : 'y'; }

void mlk_plot_range(mlk_plot *plot, mlk_plot_axis axis, double lo, double hi)
{
    if (!plot)
        return;
    if (lo == hi) {
        lo -= 0.5;
        hi += 0.5;
    }
    if (axis == MLK_PLOT_X && drawable(plot, axis, lo) && drawable(plot, axis, hi)) {
        reach(plot, lo);
        reach(plot, hi);
    }
    mlk_strbuf_printf(&plot->settings, "set %crange [", axis_letter(axis));
    if (drawable(plot, axis, lo))
        add_number(&plot->settings, lo, "");
    mlk_strbuf_add(&plot->settings, ":");
    if (drawable(plot, axis, hi))
        add_number(&plot->settings, hi, "");
    mlk_strbuf_add(&plot->settings, "]\n");
    plot->ranged[axis] = true;
}

void mlk_plot_log(mlk_plot *plot, mlk_plot_axis axis)
{
    if (!plot)
        return;
    plot->log[axis] = true;
    mlk_strbuf_printf(&plot->settings, "set logscale %c\n", axis_letter(axis));
}

void mlk_plot_names(mlk_plot *plot, mlk_plot_axis axis, const char *const *names, size_t n)
{
    if (!plot)
        return;
    mlk_strbuf *b = &plot->settings;
    const size_t step = (n + MOST_NAMES - 1) / MOST_NAMES;
    size_t wide = 0;
    plot->named[axis] = true;
    if (!names || !n)
        mlk_strbuf_printf(b, "unset %ctics\n", axis_letter(axis));
    if (!n)
        return;
    if (axis == MLK_PLOT_X)
        mlk_plot_range(plot, axis, -0.5, (double)n - 0.5);
    else
        mlk_plot_range(plot, axis, (double)n - 0.5, -0.5);
    if (!names)
        return;
    mlk_strbuf_printf(b, "set %ctics (", axis_letter(axis));
    for (size_t i = 0; i < n; i += step) {
        const size_t length = strlen(names[i]);
        wide += (length < LONGEST_NAME ? length : LONGEST_NAME) + 2;
        if (i)
            mlk_strbuf_add(b, ", ");
        add_quoted(b, names[i], LONGEST_NAME, true);
        mlk_strbuf_printf(b, " %zu", i);
    }
    mlk_strbuf_add(b, ")\n");
    if (axis == MLK_PLOT_X && wide > (plot->square ? 30 : 60))
        mlk_strbuf_printf(b, "set xtics rotate by %d right\n", n > 20 ? 90 : 45);
}

void mlk_plot_square(mlk_plot *plot)
{
    if (plot)
        plot->square = true;
}

void mlk_plot_equal_units(mlk_plot *plot)
{
    if (plot)
        plot->equal = true;
}

void mlk_plot_bare(mlk_plot *plot)
{
    if (plot)
        plot->bare = true;
}

void mlk_plot_height(mlk_plot *plot, double factor)
{
    if (plot)
        plot->height = factor;
}

/* ------------------------------------------------------------------ layers */

void mlk_plot_line(mlk_plot *plot, const char *name, int colour, mlk_plot_stroke stroke, mlk_cvec x,
                   mlk_cvec y)
{
    static const char *const styles[MLK_PLOT_STROKES] = {
        [MLK_PLOT_SOLID] = "lines lw 2",
        [MLK_PLOT_DASHED] = "lines lw 1.5 dt 2",
        [MLK_PLOT_THIN] = "lines lw 1",
        [MLK_PLOT_STEPS] = "steps lw 2",
        [MLK_PLOT_DOTTED] = "linespoints lw 2 pt 7 ps 0.5",
    };
    const mlk_cvec columns[] = {x, y};
    if (!plot || !add_rows(plot, columns, 2, 2, 1))
        return;
    close_block(plot, "1:2");
    mlk_strbuf_add(&plot->clauses, styles[stroke]);
    add_colour(plot, colour, 1.0);
    add_name(plot, name);
}

/* gnuplot's number of a shape, and a size that suits the number of points. */
static void add_shape(mlk_plot *p, int colour, size_t n)
{
    static const int shapes[] = {7, 5, 9, 13, 11, 15, 6};
    const int k = (int)MLK_COUNT(shapes), at = colour > 0 ? (colour - 1 + (colour - 1) / k) % k : 0;
    mlk_strbuf_printf(&p->clauses, "points pt %d ps %s", shapes[at],
                      n <= 200   ? "0.8"
                      : n <= 500 ? "0.55"
                                 : "0.4");
}

void mlk_plot_points(mlk_plot *plot, const char *name, int colour, mlk_cvec x, mlk_cvec y)
{
    const mlk_cvec columns[] = {x, y};
    if (!plot || !add_rows(plot, columns, 2, 2, 1))
        return;
    close_block(plot, "1:2");
    add_shape(plot, colour, x.n);
    add_colour(plot, colour, x.n > 500 ? 0.7 : 1.0); /* so that crowds are seen */
    add_name(plot, name);
}

void mlk_plot_values(mlk_plot *plot, const char *label, mlk_cvec x, mlk_cvec y, mlk_cvec value)
{
    const mlk_cvec columns[] = {x, y, value};
    if (!plot || !add_rows(plot, columns, 3, 2, 1))
        return;
    close_block(plot, "1:2:3");
    add_shape(plot, 1, x.n);
    mlk_strbuf_add(&plot->clauses, " lc palette notitle");
    if (!plot->values++)
        mlk_strbuf_add(&plot->value_label, label ? label : "");
}

void mlk_plot_band(mlk_plot *plot, const char *name, int colour, mlk_cvec x, mlk_cvec low,
                   mlk_cvec high)
{
    const mlk_cvec columns[] = {x, low, high};
    if (!plot || !add_rows(plot, columns, 3, 6, 1))
        return;
    close_block(plot, "1:2:3");
    mlk_strbuf_add(&plot->clauses, "filledcurves");
    add_colour(plot, colour, 0.25);
    add_name(plot, name);
}

void mlk_plot_boxes(mlk_plot *plot, const char *name, const mlk_plot_box *boxes, size_t n)
{
    bool any = false;
    if (!plot)
        return;
    open_block(plot);
    for (size_t i = 0; i < n; i++) {
        const mlk_plot_box *b = &boxes[i];
        if (!drawable(plot, MLK_PLOT_X, b->x0) || !drawable(plot, MLK_PLOT_X, b->x1) ||
            !drawable(plot, MLK_PLOT_Y, b->y0) || !drawable(plot, MLK_PLOT_Y, b->y1))
            continue;
        any = true;
        reach(plot, b->x0);
        reach(plot, b->x1);
        add_number(&plot->data, (b->x0 + b->x1) / 2.0, " ");
        add_number(&plot->data, (b->y0 + b->y1) / 2.0, " ");
        add_number(&plot->data, b->x0, " ");
        add_number(&plot->data, b->x1, " ");
        add_number(&plot->data, b->y0, " ");
        add_number(&plot->data, b->y1, " ");
        const double opacity = b->opacity >= 0.0 && b->opacity <= 1.0 ? b->opacity : 0.0;
        mlk_strbuf_printf(&plot->data, "0x%02X%06X\n", (unsigned)lround(255.0 * (1.0 - opacity)),
                          mlk_plot_colour(b->colour, false));
    }
    if (!any) {
        mlk_strbuf_add(&plot->data, "END\n");
        return;
    }
    close_block(plot, "1:2:3:4:5:6:7");
    mlk_strbuf_add(&plot->clauses, "boxxyerror lc rgb variable notitle");
    if (name) { /* the key's sample would have no colour of its own */
        mlk_strbuf_add(&plot->clauses, ", NaN with boxes");
        add_colour(plot, boxes[0].colour, boxes[0].opacity);
        add_name(plot, name);
    }
}

void mlk_plot_errors(mlk_plot *plot, const char *name, int colour, mlk_plot_axis axis, mlk_cvec x,
                     mlk_cvec y, mlk_cvec low, mlk_cvec high)
{
    const mlk_cvec columns[] = {x, y, low, high};
    const unsigned bars = 4 | 8;
    if (!plot || !add_rows(plot, columns, 4, axis == MLK_PLOT_Y ? 2 | bars : 2,
                           axis == MLK_PLOT_X ? 1 | bars : 1))
        return;
    close_block(plot, "1:2:3:4");
    mlk_strbuf_printf(&plot->clauses, "%cerrorbars lw 1.5 pt 7 ps 0.7", axis_letter(axis));
    add_colour(plot, colour, 1.0);
    add_name(plot, name);
}

void mlk_plot_mark(mlk_plot *plot, mlk_plot_axis axis, double at, const char *name)
{
    if (!plot || !drawable(plot, axis, at))
        return;
    const bool x = axis == MLK_PLOT_X;
    for (int end = 0; end < 2; end++) {
        mlk_strbuf_add(&plot->settings, end ? " to " : "set arrow from ");
        mlk_strbuf_add(&plot->settings, x ? "first " : end ? "graph 1, first " : "graph 0, first ");
        add_number(&plot->settings, at, "");
        mlk_strbuf_add(&plot->settings, !x ? "" : end ? ", graph 1" : ", graph 0");
    }
    mlk_strbuf_printf(&plot->settings, " nohead lw 1.5 dt %d lc rgb '#%06X' back\n", x ? 2 : 4,
                      muted);
    if (name) {
        mlk_strbuf_printf(&plot->clauses, "%sNaN with lines lw 1.5 dt %d",
                          plot->clauses.len ? ", \\\n     " : "", x ? 2 : 4);
        add_colour(plot, MLK_PLOT_MUTED, 1.0);
        add_name(plot, name);
    }
}

void mlk_plot_text(mlk_plot *plot, double x, double y, int side, const char *text)
{
    if (!plot || !drawable(plot, MLK_PLOT_X, x) || !drawable(plot, MLK_PLOT_Y, y))
        return;
    mlk_strbuf_add(&plot->settings, "set label ");
    add_quoted(&plot->settings, text, 0, true);
    mlk_strbuf_add(&plot->settings, " at ");
    add_number(&plot->settings, x, ", ");
    add_number(&plot->settings, y, side < 0 ? " left" : side > 0 ? " right" : " center");
    mlk_strbuf_add(&plot->settings, " front\n");
}

size_t mlk_plot_sample(size_t n, size_t *rows)
{
    const size_t most = n < MLK_PLOT_MOST ? n : MLK_PLOT_MOST;
    mlk_rng rng = mlk_rng_stream(0, n);
    size_t m = 0;
    /* Each row with the probability that it takes to fill what is left [Knuth, algorithm S]. */
    for (size_t i = 0; i < n && m < most; i++)
        if (mlk_rng_below(&rng, n - i) < most - m)
            rows[m++] = i;
    return m;
}

/* ------------------------------------------------------------------ script */

mlk_plot_opts mlk_plot_opts_default(void)
{
    return (mlk_plot_opts){
        .format = MLK_PLOT_SVG, .width = 560.0, .height = 400.0, .standalone = true, .id = "plot"};
}

mlk_status mlk_plot_format_of(const char *path, mlk_plot_format *format)
{
    static const char *const endings[] = {
        [MLK_PLOT_SVG] = ".svg", [MLK_PLOT_PDF] = ".pdf", [MLK_PLOT_PNG] = ".png"};
    const size_t length = strlen(path);
    for (size_t i = 0; i < MLK_COUNT(endings); i++)
        if (length > 4 && strcasecmp(path + length - 4, endings[i]) == 0) {
            *format = (mlk_plot_format)i;
            return MLK_OK;
        }
    return MLK_FAIL(MLK_EINVAL, "'%s' is no picture; expected a name ending in .svg, .pdf or .png",
                    path);
}

/* Charts in rows, and how large all of it is. */
typedef struct layout {
    size_t columns;
    double width, height, top; /* pixels; top: of the common title */
} layout;

static double row_height(const mlk_plot *const *plots, size_t n, size_t columns, size_t row)
{
    double h = 0.0;
    for (size_t i = row * columns; i < n && i < (row + 1) * columns; i++)
        h = plots[i]->height > h ? plots[i]->height : h;
    return h;
}

static layout layout_of(const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts)
{
    layout l = {.columns = opts->columns, .top = opts->title ? TITLE_PIXELS : 0.0};
    if (!l.columns)
        l.columns = (size_t)ceil(sqrt((double)n));
    if (l.columns > n)
        l.columns = n;
    l.width = ceil(opts->width * (double)l.columns);
    l.height = l.top;
    for (size_t row = 0; row * l.columns < n; row++)
        l.height += opts->height * row_height(plots, n, l.columns, row);
    l.height = ceil(l.height);
    return l;
}

static void add_terminal(mlk_strbuf *b, const mlk_plot_opts *opts, const layout *l)
{
    switch (opts->format) {
    case MLK_PLOT_SVG:
        mlk_strbuf_printf(b, "set terminal svg size %.0f,%.0f dynamic noenhanced font 'Arial,13'\n",
                          l->width, l->height);
        break;
    case MLK_PLOT_PDF:
        mlk_strbuf_add(b, "set terminal pdfcairo size ");
        add_number(b, l->width / 96.0, "in,");
        add_number(b, l->height / 96.0, "in noenhanced font 'Sans,10'\n");
        break;
    case MLK_PLOT_PNG:
        mlk_strbuf_printf(b,
                          "set terminal pngcairo size %.0f,%.0f noenhanced font 'Sans,10' "
                          "fontscale 2 linewidth 2 pointscale 2\n",
                          2.0 * l->width, 2.0 * l->height);
        break;
    }
    mlk_strbuf_add(b, "set encoding utf8\n");
}

static void add_titles(mlk_strbuf *b, const mlk_plot *p, bool untitled)
{
    const bool title = p->title.len && !untitled;
    if (title || p->remark.len) {
        mlk_strbuf_add(b, "set title ");
        if (title)
            add_quoted(b, p->title.text, 0, false);
        if (title && p->remark.len)
            mlk_strbuf_add(b, ".\"\\n\".");
        if (p->remark.len)
            add_quoted(b, p->remark.text, 0, false);
        mlk_strbuf_add(b, "\n");
    }
    mlk_strbuf_add(b, "set xlabel ");
    add_quoted(b, text_of(&p->x_label), 0, false);
    mlk_strbuf_add(b, "\nset ylabel ");
    add_quoted(b, text_of(&p->y_label), 0, false);
    mlk_strbuf_add(b, "\n");
}

/* Numbers below the chart that have room: gnuplot sets up to ten, however long they are. */
static void add_tics(mlk_strbuf *b, const mlk_plot *p)
{
    enum { MOST_TICS = 6 };
    const double range = p->greatest - p->least;
    if (p->bare || p->named[MLK_PLOT_X] || p->log[MLK_PLOT_X] || !(range > 0.0 && range < 1e300))
        return;
    const double power = pow(10.0, floor(log10(range / MOST_TICS)));
    const double digit = range / MOST_TICS / power;
    mlk_strbuf_add(b, "set xtics ");
    add_number(b, power * (digit > 5.0 ? 10.0 : digit > 2.0 ? 5.0 : digit > 1.0 ? 2.0 : 1.0), "\n");
}

/* What all charts have in common, and then the chart's own. */
static void add_settings(mlk_strbuf *b, const mlk_plot *p, bool untitled)
{
    mlk_strbuf_add(b, p->bare ? "unset border\nunset tics\n"
                              : "set border 3\nset tics out nomirror scale 0.5\nset format '%g'\n");
    if (!p->bare && !(p->named[MLK_PLOT_X] && p->named[MLK_PLOT_Y]))
        mlk_strbuf_printf(b, "set grid %s %s lt 1 lw 0.5 lc rgb '#A0777777'\n",
                          p->named[MLK_PLOT_X] ? "noxtics" : "xtics",
                          p->named[MLK_PLOT_Y] ? "noytics" : "ytics");
    add_tics(b, p);
    mlk_strbuf_add(b, "set style fill solid noborder\n");
    if (!p->names)
        mlk_strbuf_add(b, "unset key\n");
    else
        mlk_strbuf_printf(b, "set key outside %s samplen 1.5 height 0.7 Left reverse\n",
                          p->names > 4 ? "right top vertical" : "below center horizontal");
    add_titles(b, p, untitled);
    if (p->values) {
        mlk_strbuf_add(b, "set palette defined (0 '#4458C4', 1 '#B0408F', 2 '#D9791F')\n"
                          "set palette maxcolors 64\nset colorbox\nset cblabel ");
        add_quoted(b, text_of(&p->value_label), 0, false);
        mlk_strbuf_add(b, "\n");
    }
    mlk_strbuf_add(b, text_of(&p->settings));
}

static void add_plot(mlk_strbuf *b, const mlk_plot *p)
{
    if (p->clauses.len) {
        mlk_strbuf_add(b, text_of(&p->data));
        mlk_strbuf_printf(b, "plot %s\n", p->clauses.text);
        return;
    }
    mlk_strbuf_printf(b, "%s%s", p->ranged[MLK_PLOT_X] ? "" : "set xrange [1:2]\n",
                      p->ranged[MLK_PLOT_Y] ? "" : "set yrange [1:2]\n");
    if (!p->bare)
        mlk_strbuf_add(b, "set label 'nothing to draw' at graph 0.5, graph 0.5 center\n");
    mlk_strbuf_add(b, "plot NaN notitle\n");
}

static mlk_status check(const mlk_plot *const *plots, size_t n)
{
    if (!n)
        return MLK_FAIL(MLK_EINVAL, "a picture of no charts");
    for (size_t i = 0; i < n; i++)
        if (failed(plots[i]))
            return MLK_FAIL(MLK_ENOMEM, "no memory for a picture");
    return MLK_OK;
}

mlk_status mlk_plot_script(const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                           char **script)
{
    const mlk_plot_opts defaults = mlk_plot_opts_default();
    mlk_strbuf b = MLK_STRBUF_INIT;
    *script = NULL;
    opts = opts ? opts : &defaults;
    MLK_TRY(check(plots, n));
    const layout l = layout_of(plots, n, opts);
    double below = l.height - l.top; /* of the row's upper edge */
    add_terminal(&b, opts, &l);
    mlk_strbuf_add(&b, "set multiplot\n");
    for (size_t i = 0; i < n; i++) {
        const size_t row = i / l.columns, column = i % l.columns;
        const double h = opts->height * row_height(plots, n, l.columns, row);
        below -= column ? 0.0 : h;
        mlk_strbuf_add(&b, "reset\n");
        if (i == 0 && opts->title) {
            mlk_strbuf_add(&b, "set label ");
            add_quoted(&b, opts->title, 0, true);
            mlk_strbuf_add(&b, " at screen 0.5, screen ");
            add_number(&b, 1.0 - 0.6 * l.top / l.height, " center font ',16'\n");
        }
        mlk_strbuf_add(&b, "set size ");
        mlk_strbuf_add(&b, plots[i]->square ? "square " : plots[i]->equal ? "ratio -1 " : "");
        add_number(&b, 1.0 / (double)l.columns, ",");
        add_number(&b, h / l.height, "\nset origin ");
        add_number(&b, (double)column / (double)l.columns, ",");
        add_number(&b, below / l.height, "\n");
        add_settings(&b, plots[i], opts->untitled);
        add_plot(&b, plots[i]);
    }
    mlk_strbuf_add(&b, "unset multiplot\n");
    *script = mlk_strbuf_take(&b);
    return *script ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a picture");
}

/* ----------------------------------------------------------------- finishing */

/* Title and description of the whole: those of its charts. */
static void add_texts(const mlk_plot *const *plots, size_t n, const char *title, mlk_strbuf *all,
                      mlk_strbuf *description)
{
    mlk_strbuf_add(all, title ? title : "");
    for (size_t i = 0; i < n; i++) {
        if (!title)
            mlk_strbuf_printf(all, "%s%s", i ? "; " : "", text_of(&plots[i]->title));
        mlk_strbuf_printf(description, "%s%s", i ? " " : "", text_of(&plots[i]->description));
        if (plots[i]->remark.len)
            mlk_strbuf_printf(description, " (%s)", plots[i]->remark.text);
    }
}

/* The date of a PDF file, as long as it was. */
static void blank_date(char *pdf, size_t size)
{
    static const char key[] = "/CreationDate (D:";
    const size_t length = strlen(key);
    for (size_t i = 0; i + length < size; i++)
        if (memcmp(pdf + i, key, length) == 0)
            for (size_t j = i + length; j < size && pdf[j] >= '0' && pdf[j] <= '9'; j++)
                pdf[j] = '0';
}

static mlk_status copy_checked(const mlk_plot_opts *opts, const char *drawn, size_t size,
                               mlk_strbuf *out)
{
    const bool pdf = opts->format == MLK_PLOT_PDF;
    const char *begins = pdf ? "%PDF-" : "\x89PNG\r\n";
    if (size < strlen(begins) || memcmp(drawn, begins, strlen(begins)) != 0)
        return MLK_FAIL(MLK_EFORMAT, "what was drawn is no %s", pdf ? "PDF" : "PNG");
    mlk_strbuf_add_n(out, drawn, size);
    if (pdf && !out->failed)
        blank_date(out->text, out->len);
    return MLK_OK;
}

/* A finished picture for the caller, or the failure of making it. */
static mlk_status hand_over(mlk_status st, mlk_strbuf *out, char **picture, size_t *size)
{
    *picture = NULL;
    *size = out->len;
    if (st == MLK_OK)
        *picture = mlk_strbuf_take(out);
    else
        mlk_strbuf_free(out);
    return st != MLK_OK ? st : *picture ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a picture");
}

static mlk_status finish(const mlk_plot_opts *opts, mlk_svg_texts texts, const char *unit,
                         const char *drawn, size_t drawn_size, mlk_strbuf *out)
{
    if (opts->format != MLK_PLOT_SVG)
        return copy_checked(opts, drawn, drawn_size, out);
    mlk_strbuf text = MLK_STRBUF_INIT; /* with a NUL behind */
    mlk_strbuf_add_n(&text, drawn, drawn_size);
    const mlk_status st = text.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a picture")
                                      : mlk_svg_rewrite(text.text, opts, texts, unit, out);
    mlk_strbuf_free(&text);
    return st;
}

mlk_status mlk_plot_finish(const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                           const char *drawn, size_t drawn_size, char **picture, size_t *size)
{
    const mlk_plot_opts defaults = mlk_plot_opts_default();
    mlk_strbuf out = MLK_STRBUF_INIT, title = MLK_STRBUF_INIT, description = MLK_STRBUF_INIT;
    *picture = NULL;
    opts = opts ? opts : &defaults;
    MLK_TRY(check(plots, n));
    add_texts(plots, n, opts->title, &title, &description);
    const mlk_svg_texts texts = {text_of(&title), text_of(&description)};
    const mlk_status st = title.failed || description.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for a picture")
                              : finish(opts, texts, "px", drawn, drawn_size, &out);
    mlk_strbuf_free(&title);
    mlk_strbuf_free(&description);
    return hand_over(st, &out, picture, size);
}

mlk_status mlk_plot_finish_graph(const mlk_plot_opts *opts, const char *drawn, size_t drawn_size,
                                 char **picture, size_t *size)
{
    const mlk_plot_opts defaults = mlk_plot_opts_default();
    mlk_strbuf out = MLK_STRBUF_INIT;
    opts = opts ? opts : &defaults;
    const mlk_svg_texts texts = {opts->title ? opts->title : "Graph", ""};
    return hand_over(finish(opts, texts, "pt", drawn, drawn_size, &out), &out, picture, size);
}
