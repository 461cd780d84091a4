#ifndef MLK_ENSEMBLE_GBDT_H
#define MLK_ENSEMBLE_GBDT_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file gbdt.h
 * @brief Gradient-boosted trees on binned columns.
 *
 * The score of a row is a constant and a sum of trees, f(x) = b + sum_t eta T_t(x), with one score
 * a row, or one a class for three and more classes. Round t adds the tree T of L leaves with values
 * v_1 .. v_L that lowers the second-order expansion of the regularised loss,
 *
 *     sum_i s_i [g_i T(x_i) + h_i T(x_i)^2 / 2] + gamma L + lambda/2 |v|^2 + alpha |v|_1        (1)
 *
 * with the derivatives g_i, h_i of the loss l(y_i, f) at the present score and sample weights s_i
 * [Chen and Guestrin 2016, eq. 2-7; alpha as in their program]. With G, H the sums over a leaf and
 * S(G) = sign(G) max(|G| - alpha, 0):
 *
 *     v = -S(G) / (H + lambda)                                                                  (2)
 *     gain of a split = 1/2 [S(G_l)^2/(H_l + lambda) + S(G_r)^2/(H_r + lambda)
 *                            - S(G)^2/(H + lambda)] - gamma                                     (3)
 *
 * and only splits of gain > 0 are made; a tree without a split is no step (its value is 0, where
 * (2) would move all rows alike). The losses l(y, f), their links and constants b:
 *
 *     squared_error   (y - f)^2 / 2          b = mean               prediction f
 *     absolute_error  |y - f|                b = median             prediction f
 *     quantile q      (y - f)(q - [y < f])   b = q-quantile         prediction f
 *     poisson         exp(f) - y f           b = log mean           prediction exp(f)
 *     log_loss        -log p_y, p = logistic(f), or softmax(f)      b = log-odds, log shares
 *
 * The absolute and the quantile loss take h = 1, and the values of the leaves are then renewed: the
 * median, or q-quantile, of the residuals in the leaf. Means, medians, quantiles are weighted.
 *
 * **Bins.** A column's values are put into at most max_bins bins of about equal weight, at
 * boundaries midway between neighbouring distinct values: weighted quantiles, which do not depend
 * on the order of the rows. Columns of fewer distinct values have a bin for each.
 *
 * **Growth.** Leaf-wise: the leaf of the largest gain is split next, until there are max_leaves.
 * Depth-wise: the shallowest, the older of equals. Equal gains: the first column, the lowest
 * threshold. Rows of weight 0 are no part of the sample.
 *
 * **Missing values** go to the side where the gain is larger (both are tried); where a node has
 * none to learn from, to the child with more rows. **Categories**: the levels in a node are ordered
 * by G/(H + lambda), and the best cut of that order is taken: for alpha = 0 and lambda = 0 the best
 * of all subsets [Fisher 1958]. A level that the node's rows do not hold, or training never saw,
 * goes where missing values go. Levels beyond the heaviest max_bins - 1 share a bin.
 *
 * **Monotone constraints.** Text, one of 1, 0, -1 a column, separated by commas, colons or blanks:
 * predictions never fall (1), or rise (-1), with the column's present values. A split that breaks
 * the order is not made, and the midpoint of its children's values bounds all values below them.
 *
 * **Exactness.** Derivatives are rounded once a round to fixed point (31 bits for g; for h
 * 64 - 2 log2 n, at most 30) and all sums over rows are integers: whatever the order, the same
 * tree.
 *
 * Cost: O(n p) bytes twice for the bins; a tree takes O(n p) additions for the root and the smaller
 * child of each split (the other by subtraction), and O(p max_bins) for each leaf; 16 bytes a bin
 * and leaf. A node takes 16 bytes, and 12 in a file.
 */

MLK_BEGIN_DECLS

typedef enum mlk_gbdt_loss {
    MLK_GBDT_AUTO, /**< log_loss for classes, squared_error for numbers. */
    MLK_GBDT_LOG_LOSS,
    MLK_GBDT_SQUARED_ERROR,
    MLK_GBDT_ABSOLUTE_ERROR,
    MLK_GBDT_QUANTILE,
    MLK_GBDT_POISSON
} mlk_gbdt_loss;

typedef enum mlk_gbdt_growth { MLK_GBDT_LEAF_WISE, MLK_GBDT_DEPTH_WISE } mlk_gbdt_growth;

/** Hyper-parameters. Start from mlk_gbdt_opts_default(), then set fields. */
typedef struct mlk_gbdt_opts {
    int64_t n_estimators;       /**< Rounds, >= 1. Default 100. */
    double learning_rate;       /**< eta, in (0, inf). Default 0.1. */
    int64_t max_leaves;         /**< L of each tree, >= 2; 0: no limit. Default 31. */
    int64_t max_depth;          /**< Splits from root to leaf, >= 1; 0: no limit. Default 0. */
    int64_t max_bins;           /**< Bins a column, 2..255. Default 255. */
    double min_child_weight;    /**< Least sum of s_i h_i in a leaf, >= 0. Default 1e-3. */
    int64_t min_samples_leaf;   /**< Least rows in a leaf, >= 1. Default 20. */
    double reg_lambda;          /**< lambda of (1), >= 0. Default 0. */
    double reg_alpha;           /**< alpha of (1), >= 0. Default 0. */
    double min_split_gain;      /**< gamma of (1), >= 0. Default 0. */
    double subsample;           /**< Share of rows drawn for a round, (0, 1]. Default 1. */
    double colsample;           /**< Share of columns drawn for a tree, (0, 1]. Default 1. */
    int64_t early_stopping;     /**< Rounds without a better validation loss to stop after, and go
                                     back to the best; 0: no validation. Default 0. */
    double validation_fraction; /**< Share of rows held out for that, (0, 1), drawn within classes.
                                     Default 0.1. */
    int loss;                   /**< A mlk_gbdt_loss. Default auto. */
    double quantile;            /**< q of the quantile loss, (0, 1). Default 0.5. */
    int growth;                 /**< A mlk_gbdt_growth. Default leaf_wise. */
    const char *monotone;       /**< Constraints; NULL or empty: none. Default NULL. */
    int64_t seed;               /**< Of all draws. Default 0. */
} mlk_gbdt_opts;

/** The defaults named above. */
mlk_gbdt_opts mlk_gbdt_opts_default(void);

/** A fitted model. Immutable: any number of threads may predict with it. */
typedef struct mlk_gbdt mlk_gbdt;

/**
 * Boost.
 *
 * Ends early where a round finds no split and none of the draws could change that. Logs one line a
 * round.
 *
 * @param[in]  data  X (n x p, NaN = missing), y (n targets, or n_classes > 0 and class numbers),
 *                   w (n weights or empty), levels (or NULL).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress, log and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_gbdt_free(). NULL on failure.
 * @retval MLK_EINVAL       An option, a length or a value is out of its domain; a loss that does
 * not go with the task; a target that Poisson does not take.
 * @retval MLK_EUNSUPPORTED 2^27 rows or 2^28 columns and more.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_gbdt_fit(const mlk_data *data, const mlk_gbdt_opts *opts, const mlk_run *run,
                        mlk_gbdt **model);

/** Numbers, or class numbers (of equal scores the lowest), of X.rows rows. */
mlk_status mlk_gbdt_predict(const mlk_gbdt *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** X.rows x n_classes probabilities. MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_gbdt_predict_proba(const mlk_gbdt *model, mlk_cmat X, const mlk_run *run,
                                  mlk_mat out);
/** Scores f(x) after the first `rounds` rounds (at most those there are): X.rows x n_scores. */
mlk_status mlk_gbdt_decision(const mlk_gbdt *model, mlk_cmat X, size_t rounds, const mlk_run *run,
                             mlk_mat out);
/** Staged predictions: out[i, t] as mlk_gbdt_predict() after t + 1 rounds; X.rows x n_rounds. */
mlk_status mlk_gbdt_predict_staged(const mlk_gbdt *model, mlk_cmat X, const mlk_run *run,
                                   mlk_mat out);

/**
 * Curves over the rounds: after round t + 1 the mean loss of labelled rows (as in train_loss) and
 * their accuracy, or R^2 (NaN where the target is constant). Rows of weight 0 do not count.
 *
 * @param[in]  data        X, y, w and n_classes as the model was fitted on.
 * @param[out] loss, score n_rounds values each.
 * @retval MLK_EINVAL Shapes, or another number of classes.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_gbdt_staged_scores(const mlk_gbdt *model, const mlk_data *data, const mlk_run *run,
                                  mlk_vec loss, mlk_vec score);

size_t mlk_gbdt_n_rounds(const mlk_gbdt *model);   /**< Rounds kept. */
size_t mlk_gbdt_n_scores(const mlk_gbdt *model);   /**< Trees a round: 1, or n_classes from 3 on. */
size_t mlk_gbdt_n_features(const mlk_gbdt *model); /**< p. */
size_t mlk_gbdt_n_classes(const mlk_gbdt *model);  /**< 0: a regression. */
size_t mlk_gbdt_n_nodes(const mlk_gbdt *model);    /**< Of all trees. */
mlk_cvec mlk_gbdt_base(const mlk_gbdt *model);     /**< b, n_scores values. */
/** Each column's share of the gains (3); p values that sum to 1, or 0 without any split. */
mlk_cvec mlk_gbdt_importances(const mlk_gbdt *model);
/** Mean loss of the training rows after each round that was tried (later ones than n_rounds were
 *  given up by early stopping). Lives as long as the model. */
mlk_cvec mlk_gbdt_train_loss(const mlk_gbdt *model);
/** The same of the validation rows; empty without early stopping. */
mlk_cvec mlk_gbdt_validation_loss(const mlk_gbdt *model);
void mlk_gbdt_free(mlk_gbdt *model); /**< NULL is allowed. */

extern const mlk_algo mlk_gbdt_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
