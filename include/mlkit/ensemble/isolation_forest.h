#ifndef MLK_ENSEMBLE_ISOLATION_FOREST_H
#define MLK_ENSEMBLE_ISOLATION_FOREST_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file isolation_forest.h
 * @brief Isolation forest: outliers are the rows that random cuts soon leave alone.
 *
 * Each tree takes m rows, drawn without replacement, and cuts them at a value drawn uniformly
 * between the least and the greatest of a column drawn from those that are not constant, until a
 * row is alone, all are equal, or the depth is ceil(log2 m). With h_b(x) the depth of x's leaf in
 * tree b plus c(rows of the leaf), the score of x is
 *
 *     s(x) = 2^(- mean_b h_b(x) / c(m)),    c(n) = 2 (ln(n - 1) + 0.5772...) - 2 (n - 1) / n   (1)
 *
 * with c(2) = 1 and c(1) = 0 [Liu, Ting and Zhou 2008, equations 1 and 2]. It lies in (0, 1); the
 * larger, the more outlying, and 1/2 where nothing stands out. Rows with a score above the
 * threshold are outliers: 1/2, or the quantile of the training rows' scores that leaves a share
 * `contamination` of them above.
 *
 * Tree b draws from a random stream of its own, so that the threads do not change it.
 *
 * Cost: O(B (n + p m log m)) at most for the fit, O(B log m) a row; 16 bytes a node, of which a
 * tree has 2 m - 1 at most.
 */

MLK_BEGIN_DECLS

/** Word of mlk_isolation_forest_opts.contamination: outliers have a score above 1/2. */
#define MLK_CONTAMINATION_AUTO (-1.0)

/** Hyper-parameters. Start from mlk_isolation_forest_opts_default(), then set fields. */
typedef struct mlk_isolation_forest_opts {
    int64_t n_estimators; /**< B, >= 1. Default 100. */
    double contamination; /**< Share of outliers, in (0, 0.5], or auto. Default auto. */
    /** m: a share in (0, 1] of the rows, or a count from 2 on (all, where there are fewer).
     *  Default 256. */
    double max_samples;
    int64_t seed; /**< Of all draws. Default 0. */
} mlk_isolation_forest_opts;

/** The defaults named above. */
mlk_isolation_forest_opts mlk_isolation_forest_opts_default(void);

/** A fitted forest. Immutable: any number of threads may predict with it. */
typedef struct mlk_isolation_forest mlk_isolation_forest;

/**
 * Grow a forest.
 *
 * @param[in]  data  X (n x p, finite); y is not looked at.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The forest; release it with mlk_isolation_forest_free(). NULL on failure.
 * @retval MLK_EINVAL       An option, a length or a value is out of its domain.
 * @retval MLK_EUNSUPPORTED More than 2^31 - 1 rows or columns.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_isolation_forest_fit(const mlk_data *data, const mlk_isolation_forest_opts *opts,
                                    const mlk_run *run, mlk_isolation_forest **model);

/** 1 for outliers, 0 for the others, of X.rows rows. */
mlk_status mlk_isolation_forest_predict(const mlk_isolation_forest *model, mlk_cmat X,
                                        const mlk_run *run, mlk_vec out);
/** (1) of X.rows rows. */
mlk_status mlk_isolation_forest_score(const mlk_isolation_forest *model, mlk_cmat X,
                                      const mlk_run *run, mlk_vec out);

size_t mlk_isolation_forest_n_trees(const mlk_isolation_forest *model);     /**< B. */
size_t mlk_isolation_forest_max_samples(const mlk_isolation_forest *model); /**< m. */
double mlk_isolation_forest_threshold(const mlk_isolation_forest *model);   /**< Of the score. */
void mlk_isolation_forest_free(mlk_isolation_forest *model);                /**< NULL is allowed. */

extern const mlk_algo mlk_isolation_forest_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
