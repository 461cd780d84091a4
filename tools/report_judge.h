#ifndef TOOLS_REPORT_JUDGE_H
#define TOOLS_REPORT_JUDGE_H

#include <mlkit/data/dataset.h>
#include <mlkit/metrics/metric.h>
#include <mlkit/model.h>

#include "report.h"

/* Parts of a report that one model and its predictions give. `name` begins the names of files. */

/* ROC, precision-recall and reliability curves and the confusion matrix; or predicted against true
 * and residuals. Rows without a prediction are left out. */
void judge_predictions(report *r, const mlk_predictions *p, const char *name);
/* Permutation importances on (a part of) these rows. */
void judge_importances(report *r, const mlk_model *pipeline, const mlk_schema *schema,
                       const mlk_data *data, const char *scoring, const char *name,
                       const char *caption);
/* The picture of a pipeline that ends in a single tree. */
void judge_tree(report *r, const mlk_model *pipeline, const mlk_schema *schema, const char *name,
                const char *caption);

#endif
