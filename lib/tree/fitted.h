#ifndef TREE_FITTED_H
#define TREE_FITTED_H

#include <mlkit/tree/tree.h>

#include "tree/nodes.h"

/* A fitted tree, for the sources that make it (tree.c), file it (file.c) and try it (permute.c). */

struct mlk_tree {
    mlk_nodes nodes;
    size_t p, k;
    int criterion;
    uint32_t *levels;    /* p */
    double *importances; /* p */
    uint32_t *samples;   /* of each node */
    double *weight, *impurity;
    double *value; /* a node a row: k shares, or one value */
};

enum { MLK_TREE_CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL | MLK_CAP_SEED };

mlk_tree *mlk_tree_new(size_t p, size_t k);
/* Room for the figures of t->nodes. */
mlk_status mlk_tree_allocate(mlk_tree *t);

/* The class of a node: the first of those with the largest share. */
size_t mlk_tree_class(const mlk_tree *t, size_t node);

/* Thunks. */
void mlk_tree_algo_save(const void *state, mlk_doc *to);
mlk_status mlk_tree_algo_load(const mlk_doc *from, size_t n_features, size_t n_classes,
                              void **state);

#endif
