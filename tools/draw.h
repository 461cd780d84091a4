#ifndef TOOLS_DRAW_H
#define TOOLS_DRAW_H

#include "learn.h"
#include "picture.h"
#include "tune.h"

/*
 * What --plot shows of a model. Charts follow from the task and from what a model says it learned
 * (the names of the contract), so that a new model draws without a line here.
 */

/* Rows that a model has seen or is asked about. */
typedef struct drawn_rows {
    const mlk_model *pipeline;
    const mlk_schema *schema;
    mlk_data data;
    const mlk_table *table; /* where --colour and --axes look */
    const size_t *rows;     /* the table row of each data row */
} drawn_rows;

/* The table rows of a dataset's, to be freed; NULL: no memory. */
size_t *dataset_rows(const mlk_dataset *dataset);

/* Curves and the confusion matrix, or predicted values and residuals. */
void draw_predictions(const mlk_predictions *p, const mlk_evaluation *evaluation, picture *to);
/* A map's points, clusters and their silhouettes, outliers; predictions without a truth. `learned`
 * is of the fit on these very rows, or NULL. */
int draw_rows(cli *c, const drawn_rows *rows, const mlk_doc *learned, picture *to);
/* What needs no rows: variances, importances, coefficients, losses, trees of clusters, rules. */
void draw_learned(const mlk_doc *learned, picture *to);
/* Of --path or --tune with one parameter: scores over it, and the coefficients. */
int draw_tuning(cli *c, const mlk_data *train, const tuning *t, const mlk_doc *learned,
                picture *to);

#endif
