#ifndef SPATIAL_NEIGHBOURS_H
#define SPATIAL_NEIGHBOURS_H

#include <mlkit/core.h>

/*
 * Exact nearest neighbours under the Minkowski distances (sum_j |a_j - b_j|^p)^(1/p). Neighbours
 * are ordered by distance, equal distances by row. Whatever finds them, a distance is computed by
 * the same code, so the answer is that of the definition, ties included.
 */
typedef enum mlk_neighbours_method {
    MLK_NEIGHBOURS_AUTO,
    MLK_NEIGHBOURS_BRUTE,
    MLK_NEIGHBOURS_KD_TREE
} mlk_neighbours_method;

typedef struct mlk_neighbours mlk_neighbours;

/* Prepare to search the rows of X, which is borrowed; p in [1, inf], inf: the largest difference.
 * MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_neighbours_new(mlk_cmat X, double p, mlk_neighbours_method method,
                              const mlk_run *run, mlk_neighbours **search);
void mlk_neighbours_free(mlk_neighbours *search);

/* What was chosen: never auto. */
mlk_neighbours_method mlk_neighbours_method_of(const mlk_neighbours *search);

/*
 * The k nearest rows of X for each row of Q: Q.rows x k row numbers and distances, nearest first.
 * leave_out: row `first + i` of X is no neighbour of row i of Q (SIZE_MAX: none is left out);
 * k <= rows of X, less one where rows are left out.
 */
mlk_status mlk_neighbours_query(const mlk_neighbours *search, mlk_cmat Q, size_t k, size_t first,
                                const mlk_run *run, size_t *rows, double *distances);

#endif
