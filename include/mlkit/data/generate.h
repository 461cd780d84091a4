#ifndef MLK_DATA_GENERATE_H
#define MLK_DATA_GENERATE_H

#include <mlkit/core.h>

/**
 * @file generate.h
 * @brief Data made up by a rule: for tests, examples and benchmarks.
 *
 * The caller provides X and y; n = X.rows rows are written, the same for the same seed. Noise is
 * normal with the given standard deviation. All refuse with MLK_EINVAL: shapes other than stated,
 * a noise that is negative or not finite.
 */

MLK_BEGIN_DECLS

/** Two interleaving half circles: X is n x 2, y the class 0 or 1 (the first ceil(n/2) rows are 0).
 */
mlk_status mlk_generate_moons(double noise, int64_t seed, mlk_mat X, mlk_vec y);

/** k clouds of standard deviation sd around centres drawn uniformly from [-10, 10]^p; y the
 *  cloud, row i belongs to i mod k. */
mlk_status mlk_generate_blobs(size_t k, double sd, int64_t seed, mlk_mat X, mlk_vec y);

/** A rolled-up sheet: X is n x 3, (t cos t, 21 u, t sin t) with t = 1.5 pi (1 + 2 v), u and v
 *  uniform, plus noise; y the place t along the roll. */
mlk_status mlk_generate_swiss_roll(double noise, int64_t seed, mlk_mat X, mlk_vec t);

/** y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise, X uniform in [0, 1]^p, p >= 5
 *  [Friedman 1991]. */
mlk_status mlk_generate_friedman1(double noise, int64_t seed, mlk_mat X, mlk_vec y);

/** y = X w + noise, X standard normal; the first `informative` of the p weights are uniform in
 *  [-10, 10], the others 0. w: p weights, or empty. */
mlk_status mlk_generate_regression(size_t informative, double noise, int64_t seed, mlk_mat X,
                                   mlk_vec y, mlk_vec w);

/** k classes, normal around centres that lie `distance` apart from the origin in a random
 *  direction of the first `informative` columns; the other columns are standard normal noise; a
 *  share `flip` of the labels is redrawn. Row i belongs to i mod k before that. */
mlk_status mlk_generate_classification(size_t k, size_t informative, double distance, double flip,
                                       int64_t seed, mlk_mat X, mlk_vec y);

MLK_END_DECLS

#endif
