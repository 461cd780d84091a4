#ifndef REPORT_PLOT_SVG_H
#define REPORT_PLOT_SVG_H

#include <mlkit/report/plot.h>

#include "core/strbuf.h"

/* What is said of a picture to those who listen to it; description "": nothing. */
typedef struct mlk_svg_texts {
    const char *title, *description;
} mlk_svg_texts;

/* gnuplot's or Graphviz's SVG (NUL-terminated) as it is to be kept; `unit` is that of its view box.
 * MLK_EFORMAT, MLK_ENOMEM. */
mlk_status mlk_svg_rewrite(const char *drawn, const mlk_plot_opts *opts, mlk_svg_texts texts,
                           const char *unit, mlk_strbuf *out);

#endif
