#ifndef REPORT_PLOT_WORK_H
#define REPORT_PLOT_WORK_H

#include <mlkit/report/plot.h>

#include "core/strbuf.h"

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

/* 'text' as gnuplot reads it; of `most` characters at most (0: any), the last a "…" if cut.
 * `format`: where gnuplot takes it for a format of numbers. */
void mlk_plot_add_quoted(mlk_strbuf *b, const char *text, size_t most, bool format);
/* Eight digits of v, and what follows. */
void mlk_plot_add_number(mlk_strbuf *b, double v, const char *after);
/* The text of a buffer, "" where it has none. */
const char *mlk_plot_text_of(const mlk_strbuf *b);
/* MLK_EINVAL: no chart; MLK_ENOMEM: one was cut short by lack of memory. */
mlk_status mlk_plot_check(const mlk_plot *const *plots, size_t n);

#endif
