#ifndef SUPPORT_JACOBI_H
#define SUPPORT_JACOBI_H

#include "support/mlk_test.h"

/* All eigenpairs of a symmetric matrix (p x p), values descending, vectors in the columns of V, by
 * Jacobi's rotations in long double: slow, and it shares nothing with LAPACK. */
void test_jacobi(mlk_cmat A, mlk_vec lambda, mlk_mat V);

/* Covariance (divisor n - 1) by its definition, in long double. */
mlk_mat test_covariance(mlk_cmat X);

#endif
