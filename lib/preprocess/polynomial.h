#ifndef PREPROCESS_POLYNOMIAL_H
#define PREPROCESS_POLYNOMIAL_H

#include <mlkit/core.h>

/*
 * All monomials of p columns of degrees 1..D, degree by degree, each degree in the order of
 * combinations with replacement: a, b, a^2, a b, b^2, ... The terms of degree d that begin with
 * column c are c times the last terms of degree d - 1, those that begin at c or later: a
 * contiguous run, so a row needs no table of exponents.
 */

/* Number of terms; SIZE_MAX when it overflows. */
size_t mlk_polynomial_terms(size_t p, size_t degree);
/* row[0..p) holds the columns; fills the rest of its mlk_polynomial_terms(p, degree) places. */
void mlk_polynomial_row(size_t p, size_t degree, double *row);
/* Columns whose product is term j, ascending, into factors (`degree` places); their number. */
size_t mlk_polynomial_factors(size_t p, size_t degree, size_t j, size_t *factors);

#endif
