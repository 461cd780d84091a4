#ifndef SVM_EXACT_H
#define SVM_EXACT_H

#include "kernel/kernel.h"

/*
 * Sums of kernel values in double, for what is reported:
 *
 *     sums[i] = sum over s < n_sv of coef[s] k(x_rows[i], x_rows[s]),   i < n
 *
 * The first n_sv of the rows are those that have coefficients: each value among them is computed
 * once and serves both. Tiles of the kernel, used at once. Memory: the rows' copies and at most 32
 * partial sums a row.
 */
mlk_status mlk_exact_sums(const mlk_kernel_set *set, const size_t *rows, size_t n_sv, size_t n,
                          const double *coef, const mlk_run *run, double *sums);

#endif
