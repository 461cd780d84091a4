#include "preprocess/polynomial.h"

#include "core/simd.h"

/* Monomials of exactly degree d in p columns: C(p + d - 1, d); SIZE_MAX on overflow. */
static size_t terms_of_degree(size_t p, size_t d)
{
    size_t count = 1;
    for (size_t k = 1; k <= d; k++) {
        /* C(p+k-1, k) = C(p+k-2, k-1) (p+k-1) / k, exact at each step. */
        size_t product;
        if (__builtin_mul_overflow(count, p + k - 1, &product))
            return SIZE_MAX;
        count = product / k;
    }
    return count;
}

size_t mlk_polynomial_terms(size_t p, size_t degree)
{
    size_t total = 0;
    for (size_t d = 1; d <= degree; d++)
        if (__builtin_add_overflow(total, terms_of_degree(p, d), &total))
            return SIZE_MAX;
    return total;
}

MLK_VECTOR static void scaled_copy(double a, const double *restrict x, size_t n,
                                   double *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a * x[i];
}

void mlk_polynomial_row(size_t p, size_t degree, double *row)
{
    const double *before = row; /* terms of degree d - 1 */
    size_t n_before = p;
    double *out = row + p;
    for (size_t d = 2; d <= degree; d++) {
        const double *const begin = out;
        size_t tail = n_before; /* terms of degree d - 1 that begin at c or later */
        for (size_t c = 0; c < p; c++) {
            scaled_copy(row[c], before + (n_before - tail), tail, out);
            out += tail;
            tail -= terms_of_degree(p - c, d - 2);
        }
        before = begin;
        n_before = (size_t)(out - begin);
    }
}

size_t mlk_polynomial_factors(size_t p, size_t degree, size_t j, size_t *factors)
{
    size_t d = 1, n = 0;
    for (size_t count; d < degree && j >= (count = terms_of_degree(p, d)); d++)
        j -= count;
    for (size_t c = 0; d > 0; d--) {
        for (size_t count; j >= (count = terms_of_degree(p - c, d - 1)); c++)
            j -= count;
        factors[n++] = c;
    }
    return n;
}
