#ifndef MLK_METRICS_NEIGHBOURHOOD_H
#define MLK_METRICS_NEIGHBOURHOOD_H

#include <mlkit/core.h>

/**
 * @file neighbourhood.h
 * @brief How well a map keeps neighbours: trustworthiness and continuity.
 *
 * With r(i, j) the rank of j among the rows by distance from i in the data (1 = nearest; equal
 * distances by row), s(i, j) that in the map, U_i the k nearest in the map that are not among the k
 * nearest in the data, and V_i the other way round [venna2001]:
 *
 *     trustworthiness = 1 - 2 / (m k (2 n - 3 k - 1)) sum_i sum_{j in U_i} (r(i, j) - k)
 *     continuity      = 1 - 2 / (m k (2 n - 3 k - 1)) sum_i sum_{j in V_i} (s(i, j) - k)        (1)
 *
 * Both are in [0, 1] and 1 where every neighbourhood is kept; near 0.5 where the map is drawn by
 * lot.
 *
 * The sums run over all n rows, or, where that would cost more than `work` multiplications, over m
 * evenly spaced ones (at least 200), each judged against all others.
 *
 * Cost: O(m n (p + q + k)) for n x p data and an n x q map. The same bytes for any number of
 * threads.
 */

MLK_BEGIN_DECLS

/** Some seconds of work. */
#define MLK_NEIGHBOURHOOD_WORK 8e9

typedef struct mlk_neighbourhood {
    double trustworthiness, continuity; /**< NaN unless k < n / 2. */
    size_t rows;                        /**< Rows judged, m of (1). */
} mlk_neighbourhood;

/**
 * @param[in]  X         n x p data (Euclidean distances); or with `distances` their n x n matrix.
 * @param[in]  Z         n x q map.
 * @param[in]  k         >= 1.
 * @param[in]  work      Multiplications to spend, MLK_NEIGHBOURHOOD_WORK, say; infinite: no limit.
 * @param[out] kept      The two figures.
 * @retval MLK_EINVAL Shapes that do not fit together, k = 0, a value that is not finite.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_neighbourhood_kept(mlk_cmat X, bool distances, mlk_cmat Z, size_t k, double work,
                                  const mlk_run *run, mlk_neighbourhood *kept);

MLK_END_DECLS

#endif
