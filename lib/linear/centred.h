#ifndef LINEAR_CENTRED_H
#define LINEAR_CENTRED_H

#include <mlkit/core.h>

#include "core/alloc.h"

/*
 * A least-squares problem reduced to 1/2 ||t - Z w||^2: X and y without their weighted means (with
 * an intercept), rows times sqrt(s_i n / S), S the sum of the weights s_i. It is kept either as
 * the Gram matrix Z'Z (n >> p, one read of X) or as a private copy by columns. A constant column
 * is exactly 0 in both.
 */
typedef struct mlk_centred {
    size_t n, p;
    mlk_vec x_mean; /* zeros without an intercept */
    double y_mean;
    double tt;     /* ||t||^2 */
    mlk_vec zt;    /* Z't */
    mlk_vec norm2; /* ||z_j||^2 */
    mlk_mat G;     /* p x p: Z'Z; or data NULL, and then the next two */
    mlk_mat Z;     /* p x ld: row j is column j, followed by zeros; ld a multiple of 8 */
    mlk_vec t;     /* ld values, the last ones 0 */
    mlk_scratch memory;
} mlk_centred;

/* The data have passed mlk_data_check(), except that X may hold non-finite values
 * (MLK_FINITE_LATER): MLK_EINVAL, as when squares overflow. Release it even after a failure. */
mlk_status mlk_centred_init(mlk_centred *c, const mlk_data *data, bool fit_intercept, bool gram,
                            const mlk_run *run);
void mlk_centred_release(mlk_centred *c);

#endif
