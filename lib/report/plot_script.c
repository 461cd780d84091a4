#include "report/plot_work.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "core/status.h"

enum { TITLE_PIXELS = 36 };

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
        mlk_plot_add_number(b, l->width / 96.0, "in,");
        mlk_plot_add_number(b, l->height / 96.0, "in noenhanced font 'Sans,10'\n");
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
            mlk_plot_add_quoted(b, p->title.text, 0, false);
        if (title && p->remark.len)
            mlk_strbuf_add(b, ".\"\\n\".");
        if (p->remark.len)
            mlk_plot_add_quoted(b, p->remark.text, 0, false);
        mlk_strbuf_add(b, "\n");
    }
    mlk_strbuf_add(b, "set xlabel ");
    mlk_plot_add_quoted(b, mlk_plot_text_of(&p->x_label), 0, false);
    mlk_strbuf_add(b, "\nset ylabel ");
    mlk_plot_add_quoted(b, mlk_plot_text_of(&p->y_label), 0, false);
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
    mlk_plot_add_number(b,
                        power * (digit > 5.0   ? 10.0
                                 : digit > 2.0 ? 5.0
                                 : digit > 1.0 ? 2.0
                                               : 1.0),
                        "\n");
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
        mlk_plot_add_quoted(b, mlk_plot_text_of(&p->value_label), 0, false);
        mlk_strbuf_add(b, "\n");
    }
    mlk_strbuf_add(b, mlk_plot_text_of(&p->settings));
}

static void add_plot(mlk_strbuf *b, const mlk_plot *p)
{
    if (p->clauses.len) {
        mlk_strbuf_add(b, mlk_plot_text_of(&p->data));
        mlk_strbuf_printf(b, "plot %s\n", p->clauses.text);
        return;
    }
    mlk_strbuf_printf(b, "%s%s", p->ranged[MLK_PLOT_X] ? "" : "set xrange [1:2]\n",
                      p->ranged[MLK_PLOT_Y] ? "" : "set yrange [1:2]\n");
    if (!p->bare)
        mlk_strbuf_add(b, "set label 'nothing to draw' at graph 0.5, graph 0.5 center\n");
    mlk_strbuf_add(b, "plot NaN notitle\n");
}

mlk_status mlk_plot_script(const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                           char **script)
{
    const mlk_plot_opts defaults = mlk_plot_opts_default();
    mlk_strbuf b = MLK_STRBUF_INIT;
    *script = NULL;
    opts = opts ? opts : &defaults;
    MLK_TRY(mlk_plot_check(plots, n));
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
            mlk_plot_add_quoted(&b, opts->title, 0, true);
            mlk_strbuf_add(&b, " at screen 0.5, screen ");
            mlk_plot_add_number(&b, 1.0 - 0.6 * l.top / l.height, " center font ',16'\n");
        }
        mlk_strbuf_add(&b, "set size ");
        mlk_strbuf_add(&b, plots[i]->square ? "square " : plots[i]->equal ? "ratio -1 " : "");
        mlk_plot_add_number(&b, 1.0 / (double)l.columns, ",");
        mlk_plot_add_number(&b, h / l.height, "\nset origin ");
        mlk_plot_add_number(&b, (double)column / (double)l.columns, ",");
        mlk_plot_add_number(&b, below / l.height, "\n");
        add_settings(&b, plots[i], opts->untitled);
        add_plot(&b, plots[i]);
    }
    mlk_strbuf_add(&b, "unset multiplot\n");
    *script = mlk_strbuf_take(&b);
    return *script ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a picture");
}
