#ifndef DECOMPOSITION_SMACOF_H
#define DECOMPOSITION_SMACOF_H

#include <mlkit/core.h>

/* Scaling by majorisation of dissimilarities D (n x n), from the map Z, in place. */
typedef struct smacof_result {
    double stress;
    int64_t steps;
    bool converged;
} smacof_result;

/* `start` is for the log. MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status smacof_run(mlk_cmat D, int64_t max_iter, double eps, int64_t start, const mlk_run *run,
                      mlk_mat Z, smacof_result *result);

/* z (k values) of a point with dissimilarities d (n) to the rows of the map Z' (k x n), by the same
 * steps; `room` has n + k values. */
void smacof_place(mlk_cmat columns, const double *d, double *room, double *z);

#endif
