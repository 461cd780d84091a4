#ifndef MLK_TREE_TREE_H
#define MLK_TREE_TREE_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file tree.h
 * @brief Classification and regression trees (CART).
 *
 * A node t holds rows of weight W(t) (1 a row where no weights are given) and has the impurity
 * i(t): with p_c the weighted share of class c,
 *
 *     gini      sum_c p_c (1 - p_c)          entropy         - sum_c p_c log2 p_c
 *     variance  weighted mean of (y - mean)^2     absolute_error  weighted mean of |y - median|
 *
 * A split of t into L and R is the one that maximises the decrease of weighted impurity
 *
 *     gain = W(t) i(t) - W(L) i(L) - W(R) i(R)                                               (1)
 *
 * over all columns and cuts [Breiman et al. 1984]. Numeric columns are cut midway between
 * neighbouring values of the node, x <= threshold goes left, exactly: ranks of the values decide,
 * and the threshold is a double t with a <= t < b.
 *
 * **Categorical columns** (mlk_data.levels) are split into subsets of their levels, however many
 * there are. With two classes, or the variance, the best subset of all is found by ordering the
 * levels by their mean [Breiman et al. 1984, theorem 4.5]. With more classes, cuts of the orders by
 * each class's share are tried, n_classes of them; with the absolute error those of the order by
 * the mean.
 *
 * **Missing values** go to the side that gains more, tried for each cut; "all that is known left,
 * missing right" is a cut too. Where a node saw no missing value in training, they go with the
 * heavier child (left when equal); so do levels that are absent from the node. A level never seen
 * in training counts as missing.
 *
 * **Ties.** All sums that decide are exact (targets and weights on a binary grid), gains that
 * differ by less than one part in 10^10 are equal, and of equal splits wins the lowest column,
 * then missing values to the right before left, then the lowest threshold. So neither chance nor
 * the order of the rows nor the number of threads changes a tree. (Where max_features draws
 * columns, by `seed`, the first drawn wins; validation_fraction draws from `seed` too.) Rows of
 * weight 0 are no part of the sample.
 *
 * **Pruning.** ccp_alpha prunes by cost-complexity: R(T) + alpha leaves(T) is minimal, where R sums
 * the leaves' i(t) W(t) / W(root); mlk_tree_path() gives the whole path. validation_fraction holds
 * rows out and prunes by reduced error on them [Quinlan 1987].
 *
 * Cost: the columns are ranked once, O(n p log n); then O(p) a row and level, O(p log n) for the
 * absolute error, where rows of a node are sorted by radix or counted by rank. 4 n p bytes beside
 * the data.
 */

MLK_BEGIN_DECLS

/** Words of mlk_tree_opts.criterion. */
enum {
    MLK_TREE_AUTO, /**< gini or variance, by the task. */
    MLK_TREE_GINI,
    MLK_TREE_ENTROPY,
    MLK_TREE_VARIANCE,
    MLK_TREE_ABSOLUTE_ERROR
};

/** Words of mlk_tree_opts.max_features. */
#define MLK_TREE_ALL  (-1.0)
#define MLK_TREE_SQRT (-2.0) /**< floor(sqrt(p)) */
#define MLK_TREE_LOG2 (-3.0) /**< floor(log2(p)) */

/** Hyper-parameters. Start from mlk_tree_opts_default(), then set fields. */
typedef struct mlk_tree_opts {
    int criterion;             /**< Impurity. Default auto: gini, or variance. */
    int64_t max_depth;         /**< Splits from the root to a leaf, >= 1; 0 (none): no limit. */
    int64_t min_samples_split; /**< A node of fewer rows is a leaf; >= 2. Default 2. */
    int64_t min_samples_leaf;  /**< Rows of each child, at least; >= 1. Default 1. */
    int64_t max_leaf_nodes;    /**< >= 2, grown best gain first; 0 (none): no limit. */
    /** A split decreases impurity times share of the root's weight by this, at least. Default 0. */
    double min_impurity_decrease;
    /** Columns drawn at a node: a share in (0, 1] of all (1 is all of them), a count from 2 on, or
     *  a word. Nodes that none of them can split draw on. Default all. */
    double max_features;
    double ccp_alpha; /**< Price of a leaf, in [0, inf). Default 0: no pruning. */
    int class_weight; /**< 1 (balanced): weights of a class are multiplied by n / (k n_c). */
    /** Share in [0, 1) of the rows held out for reduced-error pruning. Default 0: none. */
    double validation_fraction;
    int64_t seed; /**< Of max_features and validation_fraction. Default 0. */
} mlk_tree_opts;

/** The defaults named above. */
mlk_tree_opts mlk_tree_opts_default(void);

/** A fitted tree. Immutable: any number of threads may predict with it. */
typedef struct mlk_tree mlk_tree;

/**
 * Grow and prune a tree.
 *
 * @param[in]  data  X (n x p, NaN = missing), y (n targets, or n_classes > 0 and class numbers),
 *                   w (n weights or empty), levels (or NULL).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads, progress and cancellation, or NULL.
 * @param[out] model The tree; release it with mlk_tree_free(). NULL on failure.
 * @retval MLK_EINVAL       An option, a length or a value is out of its domain, or a criterion is
 *                          for the other task.
 * @retval MLK_EUNSUPPORTED More than 2^31 - 1 rows or 2^28 - 1 columns.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_tree_fit(const mlk_data *data, const mlk_tree_opts *opts, const mlk_run *run,
                        mlk_tree **model);

/** Values, or class numbers (the lowest of equally frequent classes), of X.rows rows. */
mlk_status mlk_tree_predict(const mlk_tree *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
/** X.rows x n_classes shares of the leaf's weight. MLK_EUNSUPPORTED for a regression. */
mlk_status mlk_tree_predict_proba(const mlk_tree *model, mlk_cmat X, const mlk_run *run,
                                  mlk_mat out);
/** The number of the leaf that each row falls into, X.rows of them. */
mlk_status mlk_tree_apply(const mlk_tree *model, mlk_cmat X, const mlk_run *run, uint32_t *leaf);

/** A node: 0 is the root, and the numbers ascend by depth, then from left to right. */
typedef struct mlk_tree_node {
    bool leaf;
    bool categorical;    /**< Split by levels: mlk_tree_level_left(). */
    bool missing_left;   /**< Missing values go left. */
    size_t left, right;  /**< Children; 0 in a leaf. */
    size_t feature;      /**< Column of the split. */
    double threshold;    /**< x <= threshold goes left; +inf: all but missing values do. */
    size_t samples;      /**< Rows of training. */
    double weight;       /**< Their weight. */
    double impurity;     /**< i(t). */
    const double *value; /**< n_classes shares of the weight, or the one value predicted. */
} mlk_tree_node;

size_t mlk_tree_n_nodes(const mlk_tree *model);                  /**< Leaves included. */
size_t mlk_tree_n_leaves(const mlk_tree *model);                 /**< (n_nodes + 1) / 2. */
size_t mlk_tree_depth(const mlk_tree *model);                    /**< 0: the root is a leaf. */
size_t mlk_tree_n_features(const mlk_tree *model);               /**< p. */
size_t mlk_tree_n_classes(const mlk_tree *model);                /**< 0: a regression. */
size_t mlk_tree_n_levels(const mlk_tree *model, size_t feature); /**< 0: numeric. */
int mlk_tree_criterion(const mlk_tree *model);                   /**< A word, not auto. */
/** Node i < n_nodes; `value` lives as long as the tree. */
mlk_tree_node mlk_tree_node_at(const mlk_tree *model, size_t i);
/** Does this level of the column go left at (categorical) node i? */
bool mlk_tree_level_left(const mlk_tree *model, size_t i, size_t level);
/** Each column's share of all gains (1); p values that sum to 1, or all 0 for a lone leaf. */
mlk_cvec mlk_tree_importances(const mlk_tree *model);

/**
 * Importance by permutation [Breiman 2001]: how much the error on `data` (wrong class: 1; squared
 * error) grows when one column's values are shuffled among the rows, in the mean of `repeats`
 * shuffles and their standard deviation (divisor repeats - 1).
 *
 * @param[out] mean, sd  p values each.
 * @retval MLK_EINVAL  Shapes differ from the fit's, or repeats < 1.
 */
mlk_status mlk_tree_permutation_importance(const mlk_tree *model, const mlk_data *data,
                                           size_t repeats, int64_t seed, const mlk_run *run,
                                           mlk_vec mean, mlk_vec sd);

/** The path of cost-complexity pruning: the full tree first, the root alone last. Step s is the
 *  best tree for alpha[s] <= ccp_alpha < alpha[s + 1]. */
typedef struct mlk_tree_pruning {
    size_t n;             /**< Steps. */
    const double *alpha;  /**< Ascending. */
    const double *risk;   /**< R(T). */
    const size_t *leaves; /**< leaves(T). */
    void *memory;         /**< Released by mlk_tree_pruning_free(). */
} mlk_tree_pruning;

/** The path of the tree that `opts` (ccp_alpha and validation_fraction aside) grows; statuses as
 *  mlk_tree_fit(). */
mlk_status mlk_tree_path(const mlk_data *data, const mlk_tree_opts *opts, const mlk_run *run,
                         mlk_tree_pruning *path);
void mlk_tree_pruning_free(mlk_tree_pruning *path); /**< Of a zeroed struct too. */

void mlk_tree_free(mlk_tree *model); /**< NULL is allowed. */

extern const mlk_algo mlk_tree_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
