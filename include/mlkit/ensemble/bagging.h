#ifndef MLK_ENSEMBLE_BAGGING_H
#define MLK_ENSEMBLE_BAGGING_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file bagging.h
 * @brief Bagging: the mean of one model fitted to many samples of the rows.
 *
 * Each of B members f_b is fitted to rows drawn from the data, and to columns drawn from its
 * columns, in random order, so that ties between columns fall differently; the prediction is
 *
 *     f(x) = 1/B sum_b f_b(x)                                                                 (1)
 *
 * of the values or the class probabilities (for a base without probabilities: of the votes); the
 * predicted class is the first of the largest [Breiman 1996]. A row left out of some samples is
 * predicted, out of bag, by the members that did not see it.
 *
 * The base is any registered algorithm of the task. What it does not take natively, missing values,
 * categories, numbers of unlike scales, it gets through the preprocessing that it asks for
 * (mlk_algo.prep), learned on the member's own sample. Sample weights go with their rows, to a base
 * that takes weights.
 *
 * Member b draws from a random stream of its own, so that neither the threads nor the number of
 * members changes it. A sample that misses a class is drawn again, up to 20 times.
 *
 * Cost: B fits, one a thread at a time, each on a copy of its rows.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_bagging_opts_default(), then set fields. */
typedef struct mlk_bagging_opts {
    /** The base: a model's name, and its parameters behind colons, "tree:max_depth=3:ccp_alpha=0";
     *  values without colons. Its seed follows from `seed`. Default tree. */
    const char *base;
    int64_t n_estimators; /**< Members, >= 1. Default 10. */
    double
        max_samples; /**< Rows of a member: a share in (0, 1], or a count from 2 on. Default 1. */
    double max_features; /**< Columns of a member, likewise, without replacement. Default 1. */
    bool bootstrap;      /**< Draw rows with replacement. Default true. */
    bool oob_score;      /**< Predict each row by the members without it. Default false. */
    int64_t seed;        /**< Of all draws. Default 0. */
} mlk_bagging_opts;

/** The defaults named above. */
mlk_bagging_opts mlk_bagging_opts_default(void);

/** A fitted ensemble. Immutable: any number of threads may predict with it. */
typedef struct mlk_bagging mlk_bagging;

/**
 * Fit the members.
 *
 * @param[in]  data  X (n x p, NaN = missing), y (n targets, or n_classes > 0 and class numbers),
 *                   w (n weights or empty), levels (or NULL).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The ensemble; release it with mlk_bagging_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; the base is unknown,
 *                    serves another task, or takes no weights where there are some; oob_score
 *                    where no row is left out.
 * @retval MLK_ENOMEM, MLK_ECANCELLED, and what fits of the base return.
 */
mlk_status mlk_bagging_fit(const mlk_data *data, const mlk_bagging_opts *opts, const mlk_run *run,
                           mlk_bagging **model);

/** (1), or class numbers, of X.rows rows. */
mlk_status mlk_bagging_predict(const mlk_bagging *model, mlk_cmat X, const mlk_run *run,
                               mlk_vec out);
/** (1), X.rows x n_classes. MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_bagging_predict_proba(const mlk_bagging *model, mlk_cmat X, const mlk_run *run,
                                     mlk_mat out);

size_t mlk_bagging_n_members(const mlk_bagging *model); /**< B. */
/** Member b: on the columns of mlk_bagging_columns(), perhaps behind its preprocessing. */
const mlk_model *mlk_bagging_member(const mlk_bagging *model, size_t b);
/** Columns of member b, `*n` of them in its own order; NULL: all of the design's, as they are. */
const uint32_t *mlk_bagging_columns(const mlk_bagging *model, size_t b, size_t *n);
/** Accuracy or R^2 of the out-of-bag predictions; NaN when there are none. */
double mlk_bagging_oob_score(const mlk_bagging *model);
/** Out-of-bag class shares (n x n_classes) or values (n x 1) of the training rows, NaN for rows
 * that each member drew; no rows without oob_score, or when the ensemble comes from a file. */
mlk_cmat mlk_bagging_oob_decision(const mlk_bagging *model);
void mlk_bagging_free(mlk_bagging *model); /**< NULL is allowed. */

extern const mlk_algo mlk_bagging_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
