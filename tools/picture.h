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
                 char **bytes, size_t *size);
/* Charts into the file of --plot, in the format of its ending; title NULL: none. */
int picture_write(const cli *c, const mlk_plot *const *plots, size_t n, const char *title);
/* Graphviz's picture of a graph in its language ("digraph {...}"), likewise. */
int picture_draw_graph(const cli *c, const char *dot, const mlk_plot_opts *opts, char **bytes,
                       size_t *size);
int picture_write_graph(const cli *c, const char *dot);
/* --plot's file has an ending that can be drawn, else CLI_USAGE: before any work is done. */
int picture_check(const cli *c);

/* The charts of one picture, collected in order; NULL ones (no memory) too. */
typedef struct picture {
    mlk_plot *plots[16];
    size_t n;
} picture;

void picture_add(picture *p, mlk_plot *plot); /* takes it */
void picture_free(picture *p);

#endif
