#ifndef DECOMPOSITION_LOCAL_WEIGHTS_H
#define DECOMPOSITION_LOCAL_WEIGHTS_H

#include <mlkit/core.h>

/*
 * How a point is put together from its neighbours: the w that minimise |x - sum_j w_j x_j|^2 +
 * reg tr(G) |w|^2 with sum w = 1, where G is the Gram matrix of the differences x_j - x
 * [roweis2000; saul2003, sect. 5.1].
 */

/* Doubles of room for k neighbours in p columns. */
size_t local_room(size_t k, size_t p);
/* w (k values) for the rows `near` of X. tr(G) = 0 counts as 1. */
void local_weights(mlk_cmat X, const double *x, const size_t *near, size_t k, double reg,
                   double *room, double *w);

/*
 * The modified method [zhang2006]: several weight vectors a point. For each of the n rows of X with
 * neighbours `near` (n x k): count[i] vectors in 1..k, column c of W + i * k * k (k x k, row-major)
 * the c-th, sums 1, such that n_components directions are left free.
 */
mlk_status local_bundles(mlk_cmat X, const size_t *near, size_t k, size_t n_components,
                         const mlk_run *run, size_t *count, double *W);

#endif
