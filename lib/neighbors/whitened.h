#ifndef NEIGHBORS_WHITENED_H
#define NEIGHBORS_WHITENED_H

#include <mlkit/core.h>

#include "core/alloc.h"

/*
 * Coordinates in which the Euclidean distance is Mahalanobis's: z = W'(x - mean) with W W' the
 * (generalised) inverse of the covariance of some rows, divisor n - 1.
 */
typedef struct whitened {
    mlk_scratch memory;
    mlk_vec mean;
    mlk_mat W; /* p x rank */
} whitened;

/* Released with whitened_release(), also after a failure. A rank below the columns is warned of, as
 * of `name`. MLK_EINVAL: less than two rows. MLK_ESINGULAR: nothing varies. */
mlk_status whitened_init(mlk_cmat X, const char *name, const mlk_run *run, whitened *t);
void whitened_release(whitened *t);

/* out = W'(x - mean) of each row, X.rows x rank. */
mlk_status whitened_rows(mlk_cvec mean, mlk_cmat W, mlk_cmat X, const mlk_run *run, mlk_mat out);

#endif
