#ifndef TOOLS_TUNE_H
#define TOOLS_TUNE_H

#include <mlkit/selection/clusterings.h>
#include <mlkit/selection/path.h>

#include "learn.h"

/* --cv, --tune and --path: how good a model is on rows that it did not see, and which parameters
 * make it best. */
typedef struct tuning {
    bool wanted; /* any of the three is given */
    mlk_folds_opts folds_opts;
    const char *group; /* column of --folds group:COL */
    mlk_search_opts search_opts;
    mlk_path_opts path_opts;
    double *groups;
    const char **classes;
    mlk_folds *folds;
    mlk_grid *grid;
    mlk_search *search;
    mlk_cv_path *path;
    mlk_cv *cv;                   /* --cv alone */
    mlk_clusterings *clusterings; /* --tune of a cluster model, which is fitted on all rows */
} tuning;

/* The words of the command line; CLI_USAGE with the message out. */
int tuning_parse(cli *c, const learner *l, tuning *t);
/* Cross-validate, and leave the chosen parameters in the learner. */
int tuning_run(cli *c, learner *l, const mlk_table *table, const mlk_dataset *dataset,
               const mlk_data *train, const size_t *rows, tuning *t);
/* The groups of n rows of the dataset (rows[i], or i without rows) from the table's column, as
 * numbers into *groups, to be freed. */
int take_groups(const cli *c, const mlk_table *table, const char *name, const mlk_dataset *dataset,
                const size_t *rows, size_t n, double **groups);
/* "cv" into the map `to`. */
void tuning_report(const tuning *t, mlk_doc *to);
void tuning_print(const tuning *t);
void tuning_free(tuning *t);

#endif
