#ifndef TREE_CODED_H
#define TREE_CODED_H

#include "tree/nodes.h"

/*
 * A tree for the prediction of many rows: 8 bytes a node, so that trees of many nodes stay in the
 * caches near the processor, and a step is two loads and a comparison of whole numbers.
 *
 * A code is what a double becomes: its cell, the 30 bits of sign, exponent and leading digits of
 * a number rounded down, then two bits that say where in the cell it lies. A cell's smallest number
 * is exactly known, and all others in it are not told apart:
 *
 *     row:        4 cell       the smallest number, 4 cell + 2  any other
 *     threshold:  4 cell + 1   the smallest number, 4 cell + 2  any other
 *
 * So x <= threshold if and only if code(x) <= code(threshold), unless the two are equal: then the
 * numbers themselves are compared. Predictions are those of the nodes, to the last bit.
 *
 *     link: child << shift | column   the left child's slot, the right one's follows
 *     code: the threshold's; in a leaf of classes LEAF_CODE + class, or + n_classes + its row of
 *           `proba`; in a leaf of a number UINT32_MAX
 *
 * A leaf is its own left child and has a code above all others: whoever has arrived stays. Pairs of
 * leaves of one class each are the same two slots wherever they hang.
 */
typedef struct mlk_slot {
    uint32_t link, code;
} mlk_slot;

typedef struct mlk_coded {
    size_t n; /* 0: the tree has no such form (categorical splits, too many nodes) */
    unsigned shift;
    unsigned balanced; /* depth of a balanced tree of so many nodes, which few leaves are above */
    mlk_slot *slot;
    uint32_t *node; /* of each slot */
} mlk_coded;

mlk_status mlk_coded_new(const mlk_nodes *nodes, size_t n_features, mlk_coded *coded);
void mlk_coded_release(mlk_coded *coded);

/* Codes of all values, X.rows x X.cols; false: some value is NaN, which has none. */
bool mlk_coded_rows(mlk_cmat X, uint32_t *code);

/* What mlk_nodes_add() does, for rows with these codes, by a tree that has this form. */
void mlk_coded_add(const mlk_coded *coded, const mlk_nodes *nodes, mlk_cmat X, const uint32_t *code,
                   double *sums, size_t ld);

#endif
