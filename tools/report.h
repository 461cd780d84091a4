#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <mlkit/report/chart.h>
#include <mlkit/report/html.h>

#include "cli.h"

/*
 * The page of --report and the pictures of --plots: built in memory, written when all else is done
 * that can fail. Pictures are drawn once for each; where gnuplot or Graphviz is absent the page
 * says what is missing and why, and --plots is refused.
 */

/* A file of --plots. */
typedef struct report_file {
    char *name, *bytes;
    size_t size;
} report_file;

typedef struct report {
    cli *c;
    mlk_page *page;
    mlk_plot_format format; /* of --plots */
    size_t pictures;        /* on the page so far */
    report_file *files;
    size_t n_files;
    int status; /* the first failure, with its message out; what follows does nothing */
} report;

/* Is a page or are plots wanted? */
bool report_wanted(const cli *c);
/* The words, and that what --plots draws with is there; before any work is done. */
int report_check(const cli *c);
void report_begin(cli *c, const char *title, const char *subtitle, report *r);
/* A chart under its caption; `name` is that of its file, made of letters, digits and hyphens. */
void report_chart(report *r, const char *name, const char *caption, mlk_plot *plot);
/* The same where names stand beside the chart: it gets the room that the longest needs. */
void report_chart_of(report *r, const char *name, const char *caption, mlk_plot *plot,
                     const char *const *names, size_t n);
/* The same for a graph in Graphviz's language. */
void report_graph(report *r, const char *name, const char *caption, const char *dot);
/* What a table holds, with its map of correlations. */
void report_table(report *r, const mlk_table *table, const char *name, const char *target,
                  const char *task);
/* The command, the version, the hashes of the files. */
void report_repeat(report *r, const char *const *files, size_t n);
/* Finish the page and write all there is to write. */
int report_write(report *r);
void report_free(report *r);

#endif
