#ifndef MLK_ENSEMBLE_ADABOOST_H
#define MLK_ENSEMBLE_ADABOOST_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file adaboost.h
 * @brief AdaBoost: members fitted in turn, each to weights that dwell on the errors before it.
 *
 * The weights d start as the sample weights, divided by their sum. Each round fits a member to them
 * and measures its error e; L is the learning rate.
 *
 * **Classification**, SAMME [Zhu et al. 2009, algorithm 2] for K classes:
 *
 *     e = sum_i d_i [f_m(x_i) != y_i],    a_m = L (log((1 - e) / e) + log(K - 1)),
 *     d_i <- d_i exp(a_m [f_m(x_i) != y_i]), divided by their sum.                             (1)
 *
 * The ensemble's share of class c is s_c(x) = sum_m a_m [f_m(x) = c] / sum_m a_m; the first of the
 * largest is predicted. Decision values are s_1 - s_0 for two classes, else the shares;
 * probabilities the softmax of s / (K - 1) [Zhu et al. 2009, section 2.3], for two classes the
 * logistic function of s_1 - s_0. Boosting ends with a perfect member (a_m = 1) and before one no
 * better than chance, e >= 1 - 1/K; where that is the first, it stands alone, with a warning.
 *
 * **Regression**, AdaBoost.R2 [Drucker 1997] with the linear loss:
 *
 *     l_i = |f_m(x_i) - y_i| / max_j |f_m(x_j) - y_j|,    e = sum_i d_i l_i,   b = e / (1 - e),
 *     a_m = L log(1 / b),    d_i <- d_i b^(L (1 - l_i)), divided by their sum.                  (2)
 *
 * The prediction is the median of the members' values, weighted by a_m. Boosting ends as above,
 * with e >= 1/2 in the place of chance.
 *
 * The base is any registered algorithm of the task, behind the preprocessing that it asks for. For
 * classes, one that takes sample weights is fitted to the weights d. Another, and every base for
 * numbers [Drucker 1997, section 2], is fitted to n rows drawn with replacement with probability
 * d_i: the draws make regression trees differ, and their median better.
 *
 * Cost: n_estimators fits, one after the other, and as many predictions of n rows.
 */

MLK_BEGIN_DECLS

/** Hyper-parameters. Start from mlk_adaboost_opts_default(), then set fields. */
typedef struct mlk_adaboost_opts {
    /** The base: a model's name, and its parameters behind colons, "tree:max_depth=2"; values
     *  without colons. Default auto: a tree of depth 1, or 3 for numbers. */
    const char *base;
    int64_t n_estimators; /**< Members at most, >= 1. Default 50. */
    double learning_rate; /**< L of (1) and (2), in (0, inf). Default 1. */
    int64_t seed;         /**< Of draws, and of a base that draws. Default 0. */
} mlk_adaboost_opts;

/** The defaults named above. */
mlk_adaboost_opts mlk_adaboost_opts_default(void);

/** A fitted ensemble. Immutable: any number of threads may predict with it. */
typedef struct mlk_adaboost mlk_adaboost;

/**
 * Fit the members in turn.
 *
 * @param[in]  data  X (n x p, NaN = missing), y (n targets, or n_classes > 0 and class numbers),
 *                   w (n weights or empty), levels (or NULL).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The ensemble; release it with mlk_adaboost_free(). NULL on failure.
 * @retval MLK_EINVAL An option, a length or a value is out of its domain; the base is unknown or
 *                    serves another task.
 * @retval MLK_ENOMEM, MLK_ECANCELLED, and what fits of the base return.
 */
mlk_status mlk_adaboost_fit(const mlk_data *data, const mlk_adaboost_opts *opts, const mlk_run *run,
                            mlk_adaboost **model);

/** Values, or class numbers, of X.rows rows. */
mlk_status mlk_adaboost_predict(const mlk_adaboost *model, mlk_cmat X, const mlk_run *run,
                                mlk_vec out);
/** X.rows x n_classes. MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_adaboost_predict_proba(const mlk_adaboost *model, mlk_cmat X, const mlk_run *run,
                                      mlk_mat out);
/** X.rows x 1 for two classes, else x n_classes. MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_adaboost_decision(const mlk_adaboost *model, mlk_cmat X, const mlk_run *run,
                                 mlk_mat out);

size_t mlk_adaboost_n_members(const mlk_adaboost *model); /**< As many as were kept. */
/** Member m, perhaps behind its preprocessing. */
const mlk_model *mlk_adaboost_member(const mlk_adaboost *model, size_t m);
mlk_cvec mlk_adaboost_weights(const mlk_adaboost *model); /**< a_m, one a member. */
mlk_cvec mlk_adaboost_errors(const mlk_adaboost *model);  /**< e, one a member. */
void mlk_adaboost_free(mlk_adaboost *model);              /**< NULL is allowed. */

extern const mlk_algo mlk_adaboost_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
