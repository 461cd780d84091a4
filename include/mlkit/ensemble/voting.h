#ifndef MLK_ENSEMBLE_VOTING_H
#define MLK_ENSEMBLE_VOTING_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file voting.h
 * @brief Voting: the mean of different models fitted to the same data.
 *
 * For members f_1 .. f_M the prediction is
 *
 *     f(x) = 1/M sum_m f_m(x)                                                                 (1)
 *
 * where f_m(x) is the member's value; for classes its probabilities (`soft`), or 1 for the class it
 * predicts and 0 for the others (`hard`). The predicted class is the first of the largest: of
 * classes with equally many votes, the lowest.
 *
 * The members are any registered algorithms of the task. What one does not take natively, missing
 * values, categories, numbers of unlike scales, it gets through the preprocessing that it asks for
 * (mlk_algo.prep). Sample weights go to all members, which must take them.
 *
 * Cost: that of the members, fitted at the same time, one a thread.
 */

MLK_BEGIN_DECLS

/** Words of mlk_voting_opts.voting. */
enum {
    MLK_VOTING_SOFT, /**< Mean of the probabilities. */
    MLK_VOTING_HARD  /**< Shares of the votes. */
};

/** Hyper-parameters. Start from mlk_voting_opts_default(), then set fields. */
typedef struct mlk_voting_opts {
    /** The members: models' names joined by "+", each with its parameters behind colons,
     *  "tree:max_depth=3+logistic:C=10"; values without colons. Their seeds follow from `seed`.
     *  Default auto: logistic+tree, or ridge+tree for numbers. */
    const char *models;
    int voting;   /**< How classes are found. Default soft. */
    int64_t seed; /**< Of members that draw. Default 0. */
} mlk_voting_opts;

/** The defaults named above. */
mlk_voting_opts mlk_voting_opts_default(void);

/** A fitted ensemble. Immutable: any number of threads may predict with it. */
typedef struct mlk_voting mlk_voting;

/**
 * Fit the members.
 *
 * @param[in]  data  X (n x p, NaN = missing), y (n targets, or n_classes > 0 and class numbers),
 *                   w (n weights or empty), levels (or NULL).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The ensemble; release it with mlk_voting_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; a member is unknown,
 *                    serves another task, takes no weights where there are some, or has no
 *                    probabilities where voting is soft.
 * @retval MLK_ENOMEM, MLK_ECANCELLED, and what fits of the members return.
 */
mlk_status mlk_voting_fit(const mlk_data *data, const mlk_voting_opts *opts, const mlk_run *run,
                          mlk_voting **model);

/** (1), or class numbers, of X.rows rows. */
mlk_status mlk_voting_predict(const mlk_voting *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** (1), X.rows x n_classes. MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_voting_predict_proba(const mlk_voting *model, mlk_cmat X, const mlk_run *run,
                                    mlk_mat out);

size_t mlk_voting_n_members(const mlk_voting *model); /**< M. */
/** Member m, in the order of the option, perhaps behind its preprocessing. */
const mlk_model *mlk_voting_member(const mlk_voting *model, size_t m);
void mlk_voting_free(mlk_voting *model); /**< NULL is allowed. */

extern const mlk_algo mlk_voting_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
