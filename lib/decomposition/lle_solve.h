#ifndef DECOMPOSITION_LLE_SOLVE_H
#define DECOMPOSITION_LLE_SOLVE_H

#include <mlkit/core.h>

/*
 * M = sum_i R_i R_i', where R_i has rows for i (-1 in each column) and for its k neighbours (their
 * weights); `width` columns are stored, of which count[i] are used (NULL: all).
 */
typedef struct lle_problem {
    size_t n, k, width;
    const size_t *near;  /* n x k */
    const size_t *count; /* n or NULL */
    const double *W;     /* n x k x width */
} lle_problem;

/* The eigenpairs of the smallest eigenvalues of M orthogonal to the constant vector, ascending: as
 * many as lambda has values; Z has a unit vector a column. */
mlk_status lle_smallest(const lle_problem *t, const mlk_run *run, mlk_vec lambda, mlk_mat Z);

#endif
