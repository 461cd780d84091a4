#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include <mlkit/report/chart.h>

#include "cli.h"

/*
 * Pictures by gnuplot and Graphviz. Both are optional: where one is absent, the message names it
 * and Debian's package. They run without a shell, read what they draw from standard input, and what
 * they draw is kept in memory until it is whole.
 */

/* Charts as bytes, to be released by mlk_text_free(). An exit status, with the message out. */
int picture_draw(const cli *c, const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                 char **drawn, size_t *size);
/* Graphviz's picture of a graph in its language ("digraph {...}"), likewise. */
int picture_draw_graph(const cli *c, const char *dot, const mlk_plot_opts *opts, char **drawn,
                       size_t *size);

/* The picture of --plot: charts are collected, drawn when all else is done that can fail, and saved
 * with the other outputs. */
typedef struct picture {
    mlk_plot *plots[16];
    size_t n;
    char *drawn;
    size_t size;
} picture;

/* --plot's file has an ending that can be drawn, else CLI_USAGE: before any work is done. */
int picture_check(const cli *c);
/* One more chart (NULL: no memory for it, which drawing reports). */
void picture_add(picture *p, mlk_plot *plot);
/* Draw them; `title` stands above several. Without any: exit status 1, "WHAT has nothing to draw".
 */
int picture_make(const cli *c, picture *p, const char *title, const char *what);
int picture_make_graph(const cli *c, picture *p, const char *dot, const char *title);
int picture_save(const cli *c, const picture *p);
void picture_free(picture *p);

#endif
