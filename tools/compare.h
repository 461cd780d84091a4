#ifndef TOOLS_COMPARE_H
#define TOOLS_COMPARE_H

#include <mlkit/selection/comparison.h>

#include "learn.h"

/* A model that takes part, as -m and --tune describe it. */
typedef struct entrant {
    learner learner;
    const char *label;  /* the text of -m */
    char *texts;        /* its pieces, which options point into */
    const char **specs; /* grids: "alpha=0.1:1" */
    size_t n_specs;
    const char **fixed; /* parameters that are given, NULL behind the last */
    size_t n_fixed;
    bool search; /* by specs, or where there are none by the default grid */
    mlk_grid *grid;
    mlk_tuned_opts tuned;
} entrant;

/* One table with the models that are compared on it. */
typedef struct contest {
    const char *target;
    mlk_table *table;
    mlk_dataset *dataset;
    mlk_data data;
    double *groups;
    const char **classes;
    mlk_folds *folds;
    entrant *entrants;
    mlk_contender *contenders;
    size_t n;
    mlk_comparison *comparison; /* NULL: not run */
    size_t validated;           /* --validation-curve: of this entrant, */
    mlk_grid *values;           /* at these values; NULL: none */
    mlk_score_curve validation;
} contest;

/* All of a run of mlkit-compare. */
typedef struct tournament {
    mlk_folds_opts folds_opts;
    const char *group; /* column of --folds group:COL */
    mlk_search_opts search_opts;
    mlk_threshold_rule threshold;
    contest *contests; /* one a table */
    size_t n, finished;
    mlk_friedman *friedman; /* of several tables; NULL: none */
    size_t *ranked;         /* the models in it */
    size_t n_ranked;
    mlk_test wilcoxon; /* of two models over tables; p NaN: there are others, or few tables */
    bool interrupted;
} tournament;

/* The task that the models of -m decide on: "regression", "classification"; NULL: the data do. */
int entrants_task(const cli *c, const char **task);
/* The models of -m, or the default ones of the task, into a contest; CLI_USAGE with the message
 * out. Without a dataset only the words are checked. */
int entrants_make(cli *c, const tournament *t, bool classes, contest *to);
void entrants_free(contest *of);

/* A sentence, where a difference to the best counts as one that may be none: one of the two models
 * changes much with a few rows, and more than two folds are repeated; else NULL. docs/selection.md
 * has the shares. */
const char *contest_doubt(const contest *of);

/* What is known, to stdout. */
int compare_json(const cli *c, const tournament *t);
int compare_csv(const cli *c, const tournament *t);
void compare_text(const cli *c, const tournament *t);
/* ... as a page and plots, where --report or --plots ask for them (report.h). */
int compare_report(cli *c, const tournament *t);

#endif
