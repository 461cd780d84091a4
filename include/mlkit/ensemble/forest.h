#ifndef MLK_ENSEMBLE_FOREST_H
#define MLK_ENSEMBLE_FOREST_H

#include <mlkit/core.h>
#include <mlkit/model.h>
#include <mlkit/tree/tree.h>

/**
 * @file forest.h
 * @brief Random forests: the mean of trees grown on random rows and columns.
 *
 * With trees T_1 .. T_B the prediction is
 *
 *     f(x) = 1/B sum_b T_b(x)                                                                 (1)
 *
 * where T_b(x) is the value of x's leaf, or its class shares; the class of the largest mean share
 * is predicted, the lowest of equal ones. Each tree (tree.h: exact splits, missing values and
 * categories natively) is grown on a bootstrap sample of the rows, and each of its nodes looks at
 * max_features columns drawn at random, or more until one of them can split it [Breiman 2001]; of
 * equal splits the column drawn first wins, which keeps the trees apart where many splits tie.
 * Rows drawn several times weigh so much more; the limits on samples count them once.
 *
 * **Out of bag.** A row's out-of-bag prediction is the mean over the trees that did not draw it:
 * oob_score is the accuracy, or R^2, of these. With permutation_importance, each tree's error on
 * its out-of-bag rows is compared with that after shuffling one column among them; the mean of the
 * increases over the trees, and their standard deviation, are reported (share of wrong classes, or
 * mean squared error).
 *
 * Tree b draws from a random stream of its own, so the forest does not depend on the threads, and
 * the first b trees are those of a forest of b trees.
 *
 * Cost: B trees of tree.h with max_features in the place of p, one a thread at a time; 16 bytes a
 * node, and n_classes doubles for a leaf of several classes. A file holds 12 bytes a node.
 */

MLK_BEGIN_DECLS

/** Word of mlk_forest_opts.max_features: sqrt for classes, all for numbers. */
#define MLK_FOREST_AUTO (-4.0)

/** Hyper-parameters. Start from mlk_forest_opts_default() or mlk_extra_trees_opts_default(). */
typedef struct mlk_forest_opts {
    int64_t n_estimators; /**< Trees, >= 1. Default 100. */
    int criterion;        /**< As mlk_tree_opts. Default auto: gini, or variance. */
    /** As mlk_tree_opts, or auto: sqrt for classes, all for numbers. Default auto. */
    double max_features;
    bool bootstrap; /**< Draw with replacement. Default true; extra-trees: false. */
    bool oob_score; /**< Predict the rows left out. Default true; extra-trees: false. */
    /** Rows drawn for a tree: a share in (0, 1], or a count from 2 on; all (-1): as many as there
     *  are. Without bootstrap they are drawn without replacement. Default all. */
    double max_samples;
    bool permutation_importance;  /**< Out-of-bag importances by permutation. Default false. */
    int64_t max_depth;            /**< As mlk_tree_opts; so are those below. Default none. */
    int64_t min_samples_split;    /**< Default 2. */
    int64_t min_samples_leaf;     /**< Default 1. */
    int64_t max_leaf_nodes;       /**< Default none. */
    double min_impurity_decrease; /**< Default 0. */
    double ccp_alpha;             /**< Default 0. */
    int class_weight;             /**< Default none. */
    int64_t seed;                 /**< Of all draws. Default 0. */
} mlk_forest_opts;

/** The defaults named above. */
mlk_forest_opts mlk_forest_opts_default(void);

/** A fitted forest. Immutable: any number of threads may predict with it. */
typedef struct mlk_forest mlk_forest;

/**
 * Grow a forest.
 *
 * @param[in]  data  X (n x p, NaN = missing), y (n targets, or n_classes > 0 and class numbers),
 *                   w (n weights or empty), levels (or NULL).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The forest; release it with mlk_forest_free(). NULL on failure.
 * @retval MLK_EINVAL       As mlk_tree_fit(); permutation_importance where no row is left out.
 * @retval MLK_EUNSUPPORTED, MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_forest_fit(const mlk_data *data, const mlk_forest_opts *opts, const mlk_run *run,
                          mlk_forest **model);

/** (1), or class numbers, of X.rows rows. */
mlk_status mlk_forest_predict(const mlk_forest *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** X.rows x n_classes mean shares. MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_forest_predict_proba(const mlk_forest *model, mlk_cmat X, const mlk_run *run,
                                    mlk_mat out);

size_t mlk_forest_n_trees(const mlk_forest *model);              /**< B. */
size_t mlk_forest_n_features(const mlk_forest *model);           /**< p. */
size_t mlk_forest_n_classes(const mlk_forest *model);            /**< 0: a regression. */
size_t mlk_forest_n_nodes(const mlk_forest *model, size_t tree); /**< Of one tree. */
size_t mlk_forest_depth(const mlk_forest *model, size_t tree);   /**< Of one tree. */
/** Mean over the trees of each column's share of the gains; p values. */
mlk_cvec mlk_forest_importances(const mlk_forest *model);
/** Accuracy or R^2 of the out-of-bag predictions; NaN when there are none. */
double mlk_forest_oob_score(const mlk_forest *model);
/** Out-of-bag class shares (n x n_classes) or values (n x 1) of the training rows, NaN for rows
 * that each tree drew; no rows without oob_score, or when the forest comes from a file. */
mlk_cmat mlk_forest_oob_decision(const mlk_forest *model);
/** Out-of-bag importances by permutation, p means over the trees; empty unless asked for. */
mlk_cvec mlk_forest_permutation_importances(const mlk_forest *model);
/** Their standard deviations over the trees. */
mlk_cvec mlk_forest_permutation_importances_sd(const mlk_forest *model);
void mlk_forest_free(mlk_forest *model); /**< NULL is allowed. */

extern const mlk_algo mlk_forest_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
