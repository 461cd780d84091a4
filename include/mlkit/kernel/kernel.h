#ifndef MLK_KERNEL_KERNEL_H
#define MLK_KERNEL_KERNEL_H

#include <mlkit/core.h>

/**
 * @file kernel.h
 * @brief Positive (semi)definite functions k(a, b) of two rows.
 *
 *     rbf         exp(-gamma ||a - b||^2)
 *     linear      a'b
 *     poly        (gamma a'b + coef0)^degree
 *     sigmoid     tanh(gamma a'b + coef0)      (not definite in general)
 *     precomputed the design is the kernel matrix itself
 *
 * Blocks of values are one matrix product and one pass of a vectorised exp: O(m n p) time for m
 * against n rows.
 */

MLK_BEGIN_DECLS

typedef enum mlk_kernel_kind {
    MLK_KERNEL_RBF,
    MLK_KERNEL_LINEAR,
    MLK_KERNEL_POLY,
    MLK_KERNEL_SIGMOID,
    MLK_KERNEL_PRECOMPUTED
} mlk_kernel_kind;

typedef struct mlk_kernel {
    int kind;       /**< One of mlk_kernel_kind. */
    double gamma;   /**< > 0. */
    double coef0;   /**< poly and sigmoid. */
    int64_t degree; /**< poly, >= 0. */
} mlk_kernel;

/** Values of an option `gamma` that are no numbers. */
#define MLK_GAMMA_SCALE                                                                            \
    (-1.0)                    /**< 1 / (p * variance of all elements of X); 1 / p if that is 0.    \
                               */
#define MLK_GAMMA_AUTO (-2.0) /**< 1 / p. */

/** The number that an option `gamma` stands for on these rows. */
double mlk_kernel_gamma(double gamma, mlk_cmat X);

/**
 * K[i, j] = k(A_i, B_j), in double.
 *
 * @param[in]  kernel Not precomputed.
 * @param[in]  A,B    m x p and n x p.
 * @param[out] K      m x n.
 * @retval MLK_EINVAL A, B and K do not fit together.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_kernel_matrix(const mlk_kernel *kernel, mlk_cmat A, mlk_cmat B, const mlk_run *run,
                             mlk_mat K);

MLK_END_DECLS

#endif
