#ifndef TOOLS_TABLE_CHART_H
#define TOOLS_TABLE_CHART_H

#include <mlkit/report/chart.h>
#include <mlkit/report/table_summary.h>

#include "picture.h"

enum { TABLE_CHART_COLUMNS = 24 }; /* most columns of the map */

/* The map of how columns hang together; *n of them, NULL where they are fewer than two. */
mlk_plot *table_chart_map(const mlk_table_summary *summary, size_t *n);
/* --plot of a table: the columns that have most to do with the target (or come first), and the map.
 * The number of columns that were drawn. */
size_t table_chart_all(const mlk_table *table, const mlk_table_summary *summary, picture *to);

#endif
