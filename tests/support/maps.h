#ifndef SUPPORT_MAPS_H
#define SUPPORT_MAPS_H

#include <mlkit/model.h>

#include "support/mlk_test.h"

/* Rows first..first + n - 1 of a rolled-up sheet, evenly spread without chance: (t cos t, 21 u,
 * t sin t), t = 1.5 pi (1 + 2 v), with u and v the fractions of i times two irrational numbers. */
mlk_cmat test_roll(size_t first, size_t n);
/* The first `columns` columns of a table of the project's datasets folder. */
mlk_cmat test_table(const char *name, size_t columns);

/* Euclidean distances of the rows of A and those of B by their definition. */
mlk_mat test_distances(mlk_cmat A, mlk_cmat B);
/* Classical scaling of distances by its definition, with Jacobi's rotations: lambda and Z give the
 * number of dimensions. */
void test_classical(mlk_cmat D, mlk_vec lambda, mlk_mat Z);

/* |A - B| <= tol times the largest |B| after the best sign for each column. */
void test_same_columns(mlk_cmat A, mlk_cmat B, double tol);

/* A map of X and of new rows: the same bytes with 1, 2, 3 and 8 threads and after an archive. */
void test_map_repeats(const mlk_algo *algo, const void *opts, mlk_cmat X, mlk_cmat rows);
/* Fit and transform (and the inverse, if any) under each failing allocation. */
void test_map_survives(const mlk_algo *algo, const void *opts, mlk_cmat X, mlk_cmat rows);

#endif
