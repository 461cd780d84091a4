#ifndef MLK_ENSEMBLE_STACKING_H
#define MLK_ENSEMBLE_STACKING_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file stacking.h
 * @brief Stacking: a model that learns from what other models predict out of fold.
 *
 * The rows are dealt to K folds, shuffled, each fold with its share of every class. What member m
 * says about row i is learned without that row's fold [Wolpert 1992]:
 *
 *     z_im = f_m^(-fold(i))(x_i),                                                             (1)
 *
 * and the final model g is fitted to (z_i, y_i). To predict, z comes from members fitted to all
 * rows: f(x) = g(f_1(x), ..., f_M(x)). Columns of z are the member's values; for classes its
 * probabilities (for two classes those of the second), or its decision values where it has no
 * probabilities, or else indicators of the class it predicts.
 *
 * The members are any registered algorithms of the task, and so is the final model. What one does
 * not take natively, missing values, categories, numbers of unlike scales, it gets through the
 * preprocessing that it asks for (mlk_algo.prep), learned without the fold as well. Sample weights
 * go to all of them, which must take them.
 *
 * Cost: K + 1 fits of each member, at the same time, one a thread.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_stacking_opts_default(), then set fields. */
typedef struct mlk_stacking_opts {
    /** The members: models' names joined by "+", each with its parameters behind colons,
     *  "tree:max_depth=3+logistic:C=10"; values without colons. Their seeds follow from `seed`.
     *  Default auto: logistic+tree, or ridge+tree for numbers. */
    const char *models;
    const char *final; /**< The final model, likewise. Default auto: logistic, or ridge. */
    int64_t cv;        /**< K, in [2, rows]. Default 5. */
    int64_t seed;      /**< Of the folds, and of members that draw. Default 0. */
} mlk_stacking_opts;

/** The defaults named above. */
mlk_stacking_opts mlk_stacking_opts_default(void);

/** A fitted ensemble. Immutable: any number of threads may predict with it. */
typedef struct mlk_stacking mlk_stacking;

/**
 * Fit the members, and the final model to what they predict out of fold.
 *
 * @param[in]  data  X (n x p, NaN = missing), y (n targets, or n_classes > 0 and class numbers),
 *                   w (n weights or empty), levels (or NULL).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The ensemble; release it with mlk_stacking_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; more folds than rows; a
 *                    model is unknown, serves another task, or takes no weights where there are
 *                    some.
 * @retval MLK_ENOMEM, MLK_ECANCELLED, and what fits of the members return.
 */
mlk_status mlk_stacking_fit(const mlk_data *data, const mlk_stacking_opts *opts, const mlk_run *run,
                            mlk_stacking **model);

/** Values, or class numbers, of X.rows rows. */
mlk_status mlk_stacking_predict(const mlk_stacking *model, mlk_cmat X, const mlk_run *run,
                                mlk_vec out);
/** X.rows x n_classes. MLK_EUNSUPPORTED for a regression, or a final model that has none. */
mlk_status mlk_stacking_predict_proba(const mlk_stacking *model, mlk_cmat X, const mlk_run *run,
                                      mlk_mat out);

size_t mlk_stacking_n_members(const mlk_stacking *model); /**< M. */
/** Member m, in the order of the option, fitted to all rows, perhaps behind its preprocessing. */
const mlk_model *mlk_stacking_member(const mlk_stacking *model, size_t m);
/** The final model, perhaps behind its preprocessing. */
const mlk_model *mlk_stacking_final(const mlk_stacking *model);
/** (1): one row a training row, the members' columns side by side; no rows when the ensemble comes
 * from a file. */
mlk_cmat mlk_stacking_out_of_fold(const mlk_stacking *model);
void mlk_stacking_free(mlk_stacking *model); /**< NULL is allowed. */

extern const mlk_algo mlk_stacking_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
