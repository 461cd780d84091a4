#ifndef TREE_NODES_H
#define TREE_NODES_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>

#include "tree/grow.h"

/*
 * A tree as prediction wants it: 16 bytes a node, in breadth-first order, the two children of a
 * node side by side, so that a step is one load, one comparison and one addition.
 *
 *     what:  31 leaf | 30 missing values go left | 29 categorical | 28 one class | 27..0 column
 *     value: numeric split: threshold, x <= value goes left;
 *            categorical split: first word of the bits of the levels that go left, in `sets`;
 *            leaf: the value (regression), the class (all of one class), or a row of `proba`
 *     left:  the left child; the right one follows (0 in a leaf)
 *
 * A file holds `what` and `value`, 12 bytes a node: since siblings are adjacent and levels follow
 * each other, the k-th inner node has children 2k + 1 and 2k + 2. So whatever the bytes, children
 * come after parents and there is no cycle.
 */
typedef struct mlk_node {
    double value;
    uint32_t what, left;
} mlk_node;

#define MLK_NODE_LEAF         (UINT32_C(1) << 31)
#define MLK_NODE_MISSING_LEFT (UINT32_C(1) << 30)
#define MLK_NODE_SET          (UINT32_C(1) << 29)
#define MLK_NODE_PURE         (UINT32_C(1) << 28)
#define MLK_NODE_COLUMN       (MLK_NODE_PURE - 1)

typedef struct mlk_nodes {
    size_t n, depth, n_classes, n_proba, n_sets;
    bool numeric; /* no categorical split */
    mlk_node *node;
    double *proba; /* n_proba x n_classes: classes of the leaves that hold several */
    uint32_t *sets;
} mlk_nodes;

/* From a grown tree, with the nodes marked in `leaf` (or NULL) as leaves. `order` (or NULL)
 * receives the grown node of each flat one; it has room for tree->n. */
mlk_status mlk_nodes_new(const mlk_grown *tree, const uint8_t *leaf, uint32_t *order,
                         mlk_nodes *nodes);
void mlk_nodes_release(mlk_nodes *nodes);

/* The share of each of p columns in the decrease of weighted impurity; all 0 in a single leaf. */
void mlk_nodes_importances(const mlk_nodes *nodes, const mlk_grown *tree, const uint32_t *order,
                           double *share, size_t p);

size_t mlk_nodes_leaves(const mlk_nodes *nodes);
static inline size_t mlk_nodes_depth(const mlk_nodes *nodes) { return nodes->depth; }
/* Reorders the nodes, siblings side by side still, so that a subtree's nodes are neighbours and the
 * way down leaves few cache lines behind: for ensembles, whose nodes have no numbers of their own.
 */
mlk_status mlk_nodes_pack(mlk_nodes *nodes);

/* Leaves of the rows of X (or, with `rows`, of X.rows rows of the matrix that X.data begins), into
 * `leaf`; levels[j]: levels of column j, 0 = numeric. Codes that are no level of the column count
 * as missing. */
void mlk_nodes_apply(const mlk_nodes *nodes, const uint32_t *levels, mlk_cmat X,
                     const uint32_t *rows, uint32_t *leaf);
/* Adds to sums[i ld...] what the leaf of row i says: its value, or its class shares. `complete`:
 * mlk_rows_complete(X), which makes it faster. */
void mlk_nodes_add(const mlk_nodes *nodes, const uint32_t *levels, mlk_cmat X, bool complete,
                   double *sums, size_t ld);
/* Is no value NaN? */
bool mlk_rows_complete(mlk_cmat X);

/* The value of a leaf (regression). */
static inline double mlk_nodes_value(const mlk_nodes *nodes, uint32_t leaf)
{
    return nodes->node[leaf].value;
}
/* Adds the class shares of a leaf to sums[0..n_classes-1]. */
static inline void mlk_nodes_add_classes(const mlk_nodes *nodes, uint32_t leaf, double *sums)
{
    const mlk_node *node = &nodes->node[leaf];
    if (node->what & MLK_NODE_PURE) {
        sums[(size_t)node->value] += 1.0;
        return;
    }
    const double *share = nodes->proba + (size_t)node->value * nodes->n_classes;
    for (size_t c = 0; c < nodes->n_classes; c++)
        sums[c] += share[c];
}

/* Into the map `to`, and back: MLK_EFORMAT for anything that mlk_nodes_save() does not write. */
void mlk_nodes_save(const mlk_nodes *nodes, mlk_doc *to);
mlk_status mlk_nodes_load(const mlk_doc *from, const uint32_t *levels, size_t n_features,
                          size_t n_classes, mlk_nodes *nodes);

/* Levels of the columns (0 = numeric): from data, into a document, and back. The result is for
 * mlk_free(). */
uint32_t *mlk_levels_new(const mlk_data *data);
void mlk_levels_save(const uint32_t *levels, size_t p, mlk_doc *to);
mlk_status mlk_levels_load(const mlk_doc *from, size_t p, uint32_t **levels);

#endif
