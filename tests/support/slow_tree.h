#ifndef SUPPORT_SLOW_TREE_H
#define SUPPORT_SLOW_TREE_H

#include <mlkit/tree/tree.h>

/*
 * The slow literal twin of tree.h: every cut of every column at every node, impurities from their
 * definitions in long double, rows copied to the children. Nodes in the order of
 * mlk_tree_node_at().
 */
typedef struct slow_node {
    bool leaf, categorical, missing_left;
    size_t left, right, feature, samples, depth;
    double threshold;
    long double weight, impurity, gain;
    long double value[8]; /* shares of the classes, or the one value */
    bool level_left[16];
    size_t *rows;
} slow_node;

typedef struct slow_tree {
    size_t n;
    slow_node *node;
} slow_tree;

/* By criterion, max_depth, min_samples_split, min_samples_leaf and min_impurity_decrease of opts;
 * at most 8 classes and 16 levels. Lives until the end of the test. */
slow_tree slow_tree_fit(const mlk_data *data, const mlk_tree_opts *opts);

/* The largest gain of any subset of the levels of column j at a root of all rows without missing
 * values: all of them are tried. */
long double slow_tree_best_subset(const mlk_data *data, int criterion, size_t j);

#endif
