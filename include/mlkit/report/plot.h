#ifndef MLK_REPORT_PLOT_H
#define MLK_REPORT_PLOT_H

#include <mlkit/core.h>

/**
 * @file plot.h
 * @brief Pictures: a description of one or several charts, and the gnuplot script that draws them.
 *
 * A chart (mlk_plot) has a title, two axes and layers, drawn in the order of the calls. Those that
 * results are usually shown in are made by chart.h. Nothing here runs a program:
 *
 *     mlk_plot_script()   charts -> script (text); whoever wants the picture gives it to gnuplot's
 *                         standard input and takes what gnuplot writes to its standard output
 *     mlk_plot_finish()   that output -> the picture's bytes
 *
 * The second step makes a picture the same bytes whenever it is drawn (gnuplot's PDF has a date),
 * and an SVG one that fits into any page: lines and texts in the colour of the surrounding text,
 * other colours by CSS classes with a variant for dark pages, no background, title and description
 * for those who listen to it, and identifiers of its own, so that one page can hold many:
 *
 *     opts.standalone = false, opts.id = "plot-7": to be put into HTML as it is; the page's style
 *     sheet contains mlk_plot_css() once. true: a file, with the style sheet inside.
 *
 * Colours are numbers: MLK_PLOT_TEXT is that of the text, MLK_PLOT_MUTED grey, 1, 2, ... are
 * MLK_PLOT_COLOURS colours after Okabe and Ito (2008) that colour-blind people tell apart, with
 * contrast of at least 3 on white and on black pages, then again from the first. Groups of points
 * differ in shape too.
 *
 * Like a document, a chart remembers a failed allocation, and all functions accept NULL for it.
 * Texts may be any bytes: control characters become blanks, a straight quote an apostrophe, what is
 * not UTF-8 is replaced, and
 * nothing in them is a command to gnuplot. Values that are not finite are not drawn.
 */

MLK_BEGIN_DECLS

/* ------------------------------------------------------------------ a chart */

typedef struct mlk_plot mlk_plot;

/** Colours beside 1, 2, ... */
enum { MLK_PLOT_TEXT = 0, MLK_PLOT_MUTED = -1, MLK_PLOT_COLOURS = 7 };

typedef enum mlk_plot_axis { MLK_PLOT_X, MLK_PLOT_Y } mlk_plot_axis;

typedef enum mlk_plot_stroke {
    MLK_PLOT_SOLID,
    MLK_PLOT_DASHED,
    MLK_PLOT_THIN,
    MLK_PLOT_STEPS,  /**< Constant up to the next point. */
    MLK_PLOT_DOTTED, /**< A line with its points marked. */
    MLK_PLOT_STROKES
} mlk_plot_stroke;

/** A chart without layers; "" for no label. NULL when out of memory. */
mlk_plot *mlk_plot_new(const char *title, const char *x_label, const char *y_label);
void mlk_plot_free(mlk_plot *plot); /**< NULL is allowed. */

/** One more sentence for those who cannot see the picture; "" so far. */
__attribute__((format(printf, 2, 3))) void mlk_plot_describe(mlk_plot *plot, const char *fmt, ...);
/** A short remark under the title, such as "5,000 of 60,000 rows". */
__attribute__((format(printf, 2, 3))) void mlk_plot_remark(mlk_plot *plot, const char *fmt, ...);

/** The axis ends there; NaN: chosen by the data. */
void mlk_plot_range(mlk_plot *plot, mlk_plot_axis axis, double lo, double hi);
/** A logarithmic axis, before any layer: values that are not positive are not drawn. */
void mlk_plot_log(mlk_plot *plot, mlk_plot_axis axis);
/** Names at 0, 1, ..., n-1 in place of numbers (NULL: none). The axis reaches from -0.5 to n - 0.5
 *  (n 0: as it is), the y axis downwards. */
void mlk_plot_names(mlk_plot *plot, mlk_plot_axis axis, const char *const *names, size_t n);
/** A square, or one unit of x as long as one of y. */
void mlk_plot_square(mlk_plot *plot);
void mlk_plot_equal_units(mlk_plot *plot);
/** Neither axes nor grid. */
void mlk_plot_bare(mlk_plot *plot);
/** Height beside that of other charts, 1 by default: many names need more. */
void mlk_plot_height(mlk_plot *plot, double factor);

/* Layers. `name` is the entry of the key; NULL: none. Vectors are of equal length and copied. */

/** A line through the points; a NaN interrupts it. */
void mlk_plot_line(mlk_plot *plot, const char *name, int colour, mlk_plot_stroke stroke, mlk_cvec x,
                   mlk_cvec y);
/** Points, with a shape that belongs to the colour. All are drawn: see mlk_plot_sample(). */
void mlk_plot_points(mlk_plot *plot, const char *name, int colour, mlk_cvec x, mlk_cvec y);
/** Points whose colour is a number, with a scale beside the chart called `label`. */
void mlk_plot_values(mlk_plot *plot, const char *label, mlk_cvec x, mlk_cvec y, mlk_cvec value);
/** The area between low and high. */
void mlk_plot_band(mlk_plot *plot, const char *name, int colour, mlk_cvec x, mlk_cvec low,
                   mlk_cvec high);
/** Filled rectangles. */
typedef struct mlk_plot_box {
    double x0, x1, y0, y1;
    int colour;
    double opacity; /**< In [0, 1]; on up to 0.8 text can be read. */
} mlk_plot_box;
void mlk_plot_boxes(mlk_plot *plot, const char *name, const mlk_plot_box *boxes, size_t n);
/** Points with a bar from low to high along the axis. */
void mlk_plot_errors(mlk_plot *plot, const char *name, int colour, mlk_plot_axis axis, mlk_cvec x,
                     mlk_cvec y, mlk_cvec low, mlk_cvec high);
/** A dashed line across at this value of the axis, and what it is called (NULL: nothing). */
void mlk_plot_mark(mlk_plot *plot, mlk_plot_axis axis, double at, const char *name);
/** A text that begins (-1), is centred (0) or ends (1) at x. */
void mlk_plot_text(mlk_plot *plot, double x, double y, int side, const char *text);

/** The most points of a cloud that are worth drawing, and which of n these are: all, or a
 *  random part that depends on n alone, in order; returns how many. rows has room for
 *  MLK_PLOT_MOST. */
enum { MLK_PLOT_MOST = 5000 };
size_t mlk_plot_sample(size_t n, size_t *rows);

/* ----------------------------------------------------------------- pictures */

typedef enum mlk_plot_format { MLK_PLOT_SVG, MLK_PLOT_PDF, MLK_PLOT_PNG } mlk_plot_format;

/** The format of a file's ending: .svg, .pdf, .png in any case. MLK_EINVAL. */
mlk_status mlk_plot_format_of(const char *path, mlk_plot_format *format);

/** How to draw. Start from mlk_plot_opts_default(). */
typedef struct mlk_plot_opts {
    mlk_plot_format format;
    const char *title;    /**< Above several charts; NULL: none. */
    size_t columns;       /**< Charts in a row; 0: as square as it gets. */
    double width, height; /**< Of one chart, in CSS pixels (1/96 inch). Default 560 x 400. */
    bool untitled;        /**< Without the charts' own titles: the page says them. */
    bool standalone;      /**< SVG: a file, not a part of a page. Default true. */
    const char *id;       /**< SVG: of its elements, unlike any other's on the page. */
} mlk_plot_opts;

/** The defaults that are named above. */
mlk_plot_opts mlk_plot_opts_default(void);

/**
 * The gnuplot script (5.0 or later) that writes the picture of n charts to standard output. It
 * holds the data, and neither reads nor runs anything.
 *
 * @param[in]  opts   NULL for the defaults.
 * @param[out] script Release with mlk_text_free(). NULL on failure.
 * @retval MLK_EINVAL No charts.
 * @retval MLK_ENOMEM Also of building one of them.
 */
mlk_status mlk_plot_script(const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                           char **script);

/**
 * What gnuplot made of the script, as it is to be kept. Same charts and opts.
 *
 * @param[out] picture Release with mlk_text_free(). NULL on failure. Followed by a NUL.
 * @retval MLK_EFORMAT Not a picture of that format.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_plot_finish(const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                           const char *drawn, size_t drawn_size, char **picture, size_t *size);

/**
 * The same for a graph drawn by Graphviz (`dot -Tsvg -Gbgcolor=transparent`, -Tpdf, -Tpng), such as
 * that of mlk_tree_dot(); of opts, format, title, standalone and id.
 */
mlk_status mlk_plot_finish_graph(const mlk_plot_opts *opts, const char *drawn, size_t drawn_size,
                                 char **picture, size_t *size);

/** The style sheet of SVG pictures inside a page. */
const char *mlk_plot_css(void);
/** Colour 1..MLK_PLOT_COLOURS as 0xRRGGBB, for light or dark pages. */
unsigned mlk_plot_colour(int colour, bool dark);

MLK_END_DECLS

#endif
