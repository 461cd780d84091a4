#ifndef SPATIAL_NEIGHBOURS_H
#define SPATIAL_NEIGHBOURS_H

#include <mlkit/core.h>

/*
 * Exact nearest neighbours under the Minkowski distances (sum_j |a_j - b_j|^p)^(1/p). Neighbours
 * are ordered by distance, equal distances by row. Whatever finds them, a distance is computed by
 * the same code, so the answer is that of the definition, ties included.
 */
typedef enum mlk_search_method {
    MLK_SEARCH_AUTO,
    MLK_SEARCH_BRUTE,
    MLK_SEARCH_KD_TREE
} mlk_search_method;

typedef struct mlk_search mlk_search;

/* Prepare to search the rows of X, which is borrowed; p in [1, inf], inf: the largest difference.
 * MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_search_new(mlk_cmat X, double p, mlk_search_method method, const mlk_run *run,
                          mlk_search **search);
void mlk_search_free(mlk_search *search);

/* What was chosen: never auto. */
mlk_search_method mlk_search_used(const mlk_search *search);

/*
 * The k nearest rows of X for each row of Q: Q.rows x k row numbers and distances, nearest first.
 * leave_out: row `first + i` of X is no neighbour of row i of Q (SIZE_MAX: none is left out);
 * k <= rows of X, less one where rows are left out.
 */
mlk_status mlk_search_nearest(const mlk_search *search, mlk_cmat Q, size_t k, size_t first,
                              const mlk_run *run, size_t *rows, double *distances);

#endif
