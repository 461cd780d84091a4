#include "report/plot_work.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/rng.h"
#include "core/status.h"
#include "report/utf8.h"

enum { LONGEST_NAME = 28, MOST_NAMES = 60 };

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

mlk_status mlk_plot_check(const mlk_plot *const *plots, size_t n)
{
    if (!n)
        return MLK_FAIL(MLK_EINVAL, "a picture of no charts");
    for (size_t i = 0; i < n; i++)
        if (failed(plots[i]))
            return MLK_FAIL(MLK_ENOMEM, "no memory for a picture");
    return MLK_OK;
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

const char *mlk_plot_text_of(const mlk_strbuf *b) { return b->text ? b->text : ""; }

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

void mlk_plot_add_quoted(mlk_strbuf *b, const char *text, size_t most, bool format)
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

void mlk_plot_add_number(mlk_strbuf *b, double v, const char *after)
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
    mlk_plot_add_quoted(&p->clauses, name, LONGEST_NAME, false);
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
            mlk_plot_add_number(&p->data, columns[c].data[i], c + 1 == n_columns ? "\n" : " ");
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
        mlk_plot_add_number(&plot->settings, lo, "");
    mlk_strbuf_add(&plot->settings, ":");
    if (drawable(plot, axis, hi))
        mlk_plot_add_number(&plot->settings, hi, "");
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
        mlk_plot_add_quoted(b, names[i], LONGEST_NAME, true);
        mlk_strbuf_printf(b, " %zu", i);
    }
    mlk_strbuf_add(b, ")\n");
    if (axis == MLK_PLOT_X && wide > (plot->square ? 30 : 60))
        mlk_strbuf_printf(b, "set xtics rotate by %d right%s\n", n > 20 ? 90 : 45,
                          n > 45   ? " font ',7'"
                          : n > 30 ? " font ',9'" /* side by side, not one over the other */
                                   : "");
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
        mlk_plot_add_number(&plot->data, (b->x0 + b->x1) / 2.0, " ");
        mlk_plot_add_number(&plot->data, (b->y0 + b->y1) / 2.0, " ");
        mlk_plot_add_number(&plot->data, b->x0, " ");
        mlk_plot_add_number(&plot->data, b->x1, " ");
        mlk_plot_add_number(&plot->data, b->y0, " ");
        mlk_plot_add_number(&plot->data, b->y1, " ");
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
        mlk_plot_add_number(&plot->settings, at, "");
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
    mlk_plot_add_quoted(&plot->settings, text, 0, true);
    mlk_strbuf_add(&plot->settings, " at ");
    mlk_plot_add_number(&plot->settings, x, ", ");
    mlk_plot_add_number(&plot->settings, y, side < 0 ? " left" : side > 0 ? " right" : " center");
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
