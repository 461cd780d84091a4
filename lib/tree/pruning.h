#ifndef TREE_PRUNING_H
#define TREE_PRUNING_H

#include "tree/grow.h"

/*
 * Cost-complexity pruning [Breiman et al. 1984, section 3.3]. With R(t) a node's impurity times
 * its share of the weight, the weakest link is the inner node of least
 *
 *     g(t) = (R(t) - sum of R over the leaves below t) / (leaves below t - 1);
 *
 * making leaves of the weakest links one after the other gives the whole path, and the alpha at
 * which each goes. alpha never falls along the path.
 */
typedef struct mlk_prune_path {
    size_t n;      /* steps, the full tree included */
    double *alpha; /* at which the step's tree is the best, ascending from 0 */
    double *risk;  /* its leaves' summed R */
    size_t *leaves;
    double *node_at; /* of each node of the tree: the alpha at which it becomes a leaf, or +inf */
    void *memory;
} mlk_prune_path;

mlk_status mlk_prune_path_new(const mlk_grown *tree, mlk_prune_path *path);
void mlk_prune_path_release(mlk_prune_path *path);

/* leaf[i] = 1 for the nodes that the tree of this alpha has as leaves (those below do not count):
 * all links with g <= alpha are gone. */
void mlk_prune_at(const mlk_grown *tree, const mlk_prune_path *path, double alpha, uint8_t *leaf);

/*
 * Reduced-error pruning [Quinlan 1987]: bottom up, a node becomes a leaf when that makes no more
 * error on the rows of `data` (those with in[i] != 0): wrong classes, or squared (absolute) error.
 */
mlk_status mlk_prune_reduced_error(const mlk_grown *tree, const mlk_data *data, const uint8_t *in,
                                   bool absolute, uint8_t *leaf);

#endif
