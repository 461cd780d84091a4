#ifndef MLK_NEIGHBORS_LOF_H
#define MLK_NEIGHBORS_LOF_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file lof.h
 * @brief Local outlier factor: rows whose neighbourhood is sparser than those of their neighbours.
 *
 * With N(x) the k training rows nearest to x (other than x itself), d_k(o) the distance of a
 * training row o from its k-th neighbour, and
 *
 *     lrd(x) = 1 / (mean_{o in N(x)} max(d_k(o), d(x, o)) + eps),
 *     LOF(x) = mean_{o in N(x)} lrd(o) / lrd(x)                           (1)
 *
 * [Breunig, Kriegel, Ng and Sander 2000, definitions 5 to 7] with exactly k neighbours, as
 * scikit-learn has it: of rows at equal distance the first ones. About 1 inside a cluster, larger
 * the more outlying. eps is 1e-10 times the mean of d_k over the training rows, so that more than k
 * equal rows have a density too, whatever the units.
 *
 * New rows are scored against the training rows. A row that equals a training row is scored as that
 * row, which is then no neighbour of its own: the training table gets the scores of the fit.
 *
 * Rows with LOF above the threshold are outliers: 1.5, or the quantile of the training rows' scores
 * that leaves a share `contamination` of them above.
 *
 * Cost: those of n + m searches for k neighbours (mlkit/neighbors/knn.h) with n training and m new
 * rows; 16 n k bytes while fitting.
 */

MLK_BEGIN_DECLS

/** Word of mlk_lof_opts.contamination: outliers have LOF above 1.5. */
#define MLK_LOF_AUTO (-1.0)

/** Hyper-parameters. Start from mlk_lof_opts_default(), then set fields. */
typedef struct mlk_lof_opts {
    int64_t n_neighbors;  /**< k, >= 1; from n on n - 1 is used, with a warning. Default 20. */
    double contamination; /**< Share of outliers, in (0, 0.5], or MLK_LOF_AUTO. Default auto. */
    double p; /**< Of the Minkowski distance, >= 1; INFINITY: largest difference. Default 2. */
} mlk_lof_opts;

/** The defaults named above. */
mlk_lof_opts mlk_lof_opts_default(void);

/** A fitted model: the training rows, their densities, an index. Immutable. */
typedef struct mlk_lof mlk_lof;

/**
 * Compute (1) of the training rows.
 *
 * @param[in]  data  X (n x p, finite, n >= 2); y is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, warnings and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_lof_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_lof_fit(const mlk_data *data, const mlk_lof_opts *opts, const mlk_run *run,
                       mlk_lof **model);

/** 1 for outliers, 0 for the others, of X.rows rows. */
mlk_status mlk_lof_predict(const mlk_lof *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** (1) of X.rows rows. */
mlk_status mlk_lof_score(const mlk_lof *model, mlk_cmat X, const mlk_run *run, mlk_vec out);

mlk_cvec
mlk_lof_factors(const mlk_lof *model); /**< (1) of the training rows; empty: from a file. */
double mlk_lof_threshold(const mlk_lof *model); /**< Of the score. */
void mlk_lof_free(mlk_lof *model);              /**< NULL is allowed. */

extern const mlk_algo mlk_lof_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
