#ifndef TOOLS_EVAL_H
#define TOOLS_EVAL_H

#include "draw.h"
#include "insight.h"

/* What there is to say of predictions that were judged. */
typedef struct verdict {
    const char *model, *task; /* model NULL: predictions made by anything */
    size_t rows;
    const mlk_evaluation *evaluation;
    const char *const *classes;
    size_t k;
    const mlk_drift *drifts; /* n_drifts of them, or NULL */
    const char *const *columns;
    size_t n_drifts;
    const char *target;
    const mlk_predictions *predictions;
    const drawn_rows *drawn; /* NULL: of no model */
    const mlk_table *table;
    const boosting_curves *boosting;
    const importances *importances;
} verdict;

/* As a page and plots, where --report or --plots ask for them. */
int eval_report(cli *c, const verdict *v);

#endif
