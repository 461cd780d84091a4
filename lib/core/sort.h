#ifndef CORE_SORT_H
#define CORE_SORT_H

#include <mlkit/core.h>

/* All sorts are ascending with a total order on doubles: -0 equals 0, NaN after everything;
 * equal keys keep the order of their positions (stable), so results never depend on chance. */

/* Sort v in place. */
void mlk_sort(double *v, size_t n);
/* order[i] = position in v of the i-th smallest. Needs scratch: MLK_ENOMEM. */
mlk_status mlk_argsort(const double *v, size_t n, size_t *order);
/* The k-th smallest (0-based) of v, which is permuted: nothing behind place k is smaller. No NaN.
 * Deterministic, O(n). */
double mlk_select(double *v, size_t n, size_t k);
/* Quantile q in [0, 1] by linear interpolation (type 7, NumPy's default); v is permuted, n >= 1. */
double mlk_quantile(double *v, size_t n, double q);

#endif
