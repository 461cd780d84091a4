#ifndef TREE_GROW_H
#define TREE_GROW_H

#include <mlkit/core.h>

#include "tree/columns.h"
#include "tree/target.h"

/* Growing a tree from ranked columns. */

typedef struct mlk_grow_opts {
    size_t max_depth, max_leaves; /* SIZE_MAX: no limit */
    size_t min_samples_split, min_samples_leaf;
    double min_impurity_decrease;
    size_t max_features; /* columns drawn at a node, 1..p */
    bool draw_columns;   /* in random order, which decides ties, even when all are looked at */
    bool random_cuts;    /* extremely randomised: one random cut a column */
    bool keep_impurity;  /* of every node, for pruning and showing */
} mlk_grow_opts;

/* A node as it grows; `left` = 0: a leaf. Children come after their parents. */
typedef struct mlk_grown_node {
    uint32_t left, right, feature, n;
    uint32_t set;      /* categorical split: first word of its bits (1: left), by level, ... */
    uint32_t n_levels; /* ... of that many levels */
    bool categorical, missing_left;
    double threshold; /* numeric split: x <= threshold goes left */
    double gain;      /* decrease of the weighted impurity */
    double weight, value, impurity;
} mlk_grown_node;

typedef struct mlk_grown {
    size_t n, cap, n_classes;
    mlk_grown_node *node;
    double *count; /* classification: n x n_classes weights of the classes */
    uint32_t *sets;
    size_t n_sets, cap_sets;
} mlk_grown;

/* The sample of a tree: n distinct rows (of the columns), ascending, and how often each was drawn;
 * times NULL: once. */
typedef struct mlk_bag {
    size_t n;
    const uint32_t *row;
    const uint32_t *times;
} mlk_bag;

/*
 * Grow a tree on the bag (NULL: all rows). The same tree for any number of threads, and for any
 * order of the rows.
 */
mlk_status mlk_grow(const mlk_columns *columns, const mlk_target *target, const mlk_bag *bag,
                    const mlk_grow_opts *opts, uint64_t seed, const mlk_run *run, mlk_grown **tree);
void mlk_grown_free(mlk_grown *tree);

/* A root of all rows, for those who explain a node: itself, and the best split by each column. */
typedef struct mlk_split_shown {
    bool found, categorical, missing_left, has_missing;
    double threshold;
    double gain; /* decrease of the weighted impurity */
    mlk_grown_node child[2];
} mlk_split_shown;

/*
 * count: n_classes weights of the root, then of the left and the right child of each column;
 * sides: for a categorical column one byte a level (MLK_SIDE_* of splitter.h) from side_start[j]
 * on.
 */
mlk_status mlk_grow_explain(const mlk_columns *columns, const mlk_target *target,
                            const mlk_grow_opts *opts, mlk_grown_node *root, double *count,
                            mlk_split_shown *shown, uint8_t *sides, const size_t *side_start);

#endif
