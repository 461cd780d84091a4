#ifndef TOOLS_CLEAN_H
#define TOOLS_CLEAN_H

#include <mlkit/data/split.h>
#include <mlkit/selection/clean.h>

#include "learn.h"

/* --clean: suspect rows, and the training rows without them. */
typedef struct cleaning {
    mlk_suspects *suspects; /* NULL: not asked for */
    size_t *lines;          /* of each, the line of the table's data, from 1 */
    mlk_subset kept;
} cleaning;

/* Is what the command line says about --clean possible? */
int cleaning_check(const cli *c);
/* Find the suspect rows and leave them out of *train, whose row i is row rows[i] of the dataset
 * (rows NULL: row i). */
int cleaning_run(cli *c, const learner *l, const mlk_dataset *dataset, const size_t *rows,
                 mlk_data *train, cleaning *out);
/* "cleaned" of the report. */
void cleaning_report(const cli *c, const cleaning *t, const mlk_schema *schema, mlk_doc *to);
/* The same as text: how many rows, and with --verbose which. */
void cleaning_print(const cli *c, const mlk_doc *report);
void cleaning_free(cleaning *t);

#endif
