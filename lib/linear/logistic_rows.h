#ifndef LINEAR_LOGISTIC_ROWS_H
#define LINEAR_LOGISTIC_ROWS_H

#include <mlkit/core.h>

/*
 * The inner loops of logistic regression, over blocks of rows that fit in the cache. All sums run
 * in eight lanes, in the same order for any instruction set.
 */

double logistic_sum(const double *v, size_t n);

/* z[i] = x_i'w + b */
void logistic_dot_rows(mlk_cmat X, const double *w, double b, double *z);
/* g += X'r */
void logistic_add_rows(mlk_cmat X, const double *r, double *g);

/* Two classes. z: scores in, residuals c_i dloss/dz out; loss: c_i log(1 + exp(-t)) for t = z or
 * -z; curvature: its second derivative; margin: t, infinite where c_i = 0. */
void logistic_binary_rows(size_t n, const double *y, const double *c, double *z, double *loss,
                          double *curvature, double *margin);

/* k classes. Z, k x n in rows of ld: scores in, probabilities out; loss: log-sum-exp of the
 * scores; top: scratch. */
void logistic_softmax_rows(size_t n, size_t k, double *Z, size_t ld, double *top, double *loss);

#endif
