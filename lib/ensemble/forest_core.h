#ifndef ENSEMBLE_FOREST_CORE_H
#define ENSEMBLE_FOREST_CORE_H

#include <mlkit/ensemble/forest.h>

#include "tree/coded.h"
#include "tree/nodes.h"

/* What random forests and extra-trees have in common. */

struct mlk_forest {
    size_t p, k, n_trees;
    mlk_nodes *tree;
    mlk_coded *coded;    /* the same trees, for many rows */
    uint32_t *levels;    /* p */
    double *importances; /* p */
    double *prior;       /* k: share of each class in the training weight */
    double *permutation; /* p means, then p standard deviations; or NULL */
    double oob_score;
    mlk_mat oob; /* n x max(k, 1), or nothing */
};

enum { MLK_FOREST_CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL | MLK_CAP_SEED };

/* The option table, whose defaults differ in bootstrap and oob_score. */
#define MLK_FOREST_OPTIONS(draw)                                                                   \
    MLK_OPT_INT(mlk_forest_opts, n_estimators, 100, 1, INFINITY, "number of trees"),               \
        MLK_OPT_WORD(mlk_forest_opts, criterion, MLK_TREE_AUTO, mlk_tree_criteria,                 \
                     "impurity; auto: gini, or variance"),                                         \
        MLK_OPT_REAL_WORDS(mlk_forest_opts, max_features, MLK_FOREST_AUTO, 0.0, INFINITY, true,    \
                           mlk_forest_features,                                                    \
                           "columns drawn at a node: a share up to 1, a count from 2 on; "         \
                           "auto: sqrt for classes, all for numbers"),                             \
        MLK_OPT_BOOL(mlk_forest_opts, bootstrap, draw, "draw a tree's rows with replacement"),     \
        MLK_OPT_BOOL(mlk_forest_opts, oob_score, draw,                                             \
                     "predict each row by the trees without it"),                                  \
        MLK_OPT_REAL_WORDS(mlk_forest_opts, max_samples, MLK_TREE_ALL, 0.0, INFINITY, true,        \
                           mlk_forest_samples,                                                     \
                           "rows drawn for a tree: a share up to 1, or a count from 2 on"),        \
        MLK_OPT_BOOL(mlk_forest_opts, permutation_importance, false,                               \
                     "importances by shuffling columns of the rows left out"),                     \
        MLK_OPT_INT_WORDS(mlk_forest_opts, max_depth, 0, 1, INFINITY, mlk_tree_none,               \
                          "splits from the root to a leaf"),                                       \
        MLK_OPT_INT(mlk_forest_opts, min_samples_split, 2, 2, INFINITY,                            \
                    "a node of fewer rows is a leaf"),                                             \
        MLK_OPT_INT(mlk_forest_opts, min_samples_leaf, 1, 1, INFINITY,                             \
                    "rows of each child, at least"),                                               \
        MLK_OPT_INT_WORDS(mlk_forest_opts, max_leaf_nodes, 0, 2, INFINITY, mlk_tree_none,          \
                          "leaves of a tree, grown best gain first"),                              \
        MLK_OPT_REAL(mlk_forest_opts, min_impurity_decrease, 0.0, 0.0, INFINITY,                   \
                     "least decrease of impurity times share of the rows by a split"),             \
        MLK_OPT_REAL(mlk_forest_opts, ccp_alpha, 0.0, 0.0, INFINITY,                               \
                     "price of a leaf in cost-complexity pruning"),                                \
        MLK_OPT_WORD(mlk_forest_opts, class_weight, 0, mlk_tree_class_weights,                     \
                     "balanced: every class weighs the same"),                                     \
        MLK_OPT_INT(mlk_forest_opts, seed, 0, 0, INFINITY, "of all draws"), MLK_OPT_END

extern const mlk_word mlk_forest_features[], mlk_forest_samples[];

/* mlk_forest_fit(), after the options have been checked by their table. */
mlk_status mlk_forest_grow(const mlk_data *data, const mlk_forest_opts *opts, bool random_cuts,
                           const mlk_run *run, mlk_forest **model);

/* Out-of-bag predictions and importances of a grown forest. in_bag: for each tree, bits of the n
 * rows `row` of the data that it drew, `words` a tree. */
typedef struct mlk_bags {
    size_t n, words;
    const uint32_t *row;
    uint32_t *drawn; /* n_trees x words */
} mlk_bags;
/* Accuracy or R^2, weighted, of the rows that have a prediction: n x n_classes shares, or n x 1
 * values. NaN where there are none, or the target is constant. */
double mlk_out_of_bag_score(mlk_cmat oob, const mlk_data *data);
mlk_status mlk_forest_out_of_bag(mlk_forest *f, const mlk_data *data, const mlk_bags *bags,
                                 const mlk_run *run);
mlk_status mlk_forest_permute(mlk_forest *f, const mlk_data *data, const mlk_bags *bags,
                              uint64_t seed, const mlk_run *run);

/* Thunks. */
mlk_status mlk_forest_algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out);
mlk_status mlk_forest_algo_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out);
void mlk_forest_algo_save(const void *state, mlk_doc *to);
mlk_status mlk_forest_algo_load(const mlk_doc *from, size_t n_features, size_t n_classes,
                                void **state);
void mlk_forest_algo_learned(const void *state, mlk_doc *to);
mlk_status mlk_forest_algo_codegen(const void *state, mlk_codegen *to);
void mlk_forest_algo_free(void *state);

#endif
