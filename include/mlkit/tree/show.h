#ifndef MLK_TREE_SHOW_H
#define MLK_TREE_SHOW_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>
#include <mlkit/tree/tree.h>

/**
 * @file show.h
 * @brief A tree for people: as indented text, as rules, for Graphviz, as a document; and the
 *        arithmetic of one node's split as a textbook writes it.
 *
 * Thresholds are shown with the digits that a reader needs: all of them up to nine, without the
 * noise of rounding; else six, or as many as keep the cuts of a column apart, and never fewer than
 * one behind the point. mlk_tree_nodes_doc() has them exactly.
 *
 * Texts are to be released with mlk_tree_text_free(); they are NULL on failure (MLK_ENOMEM).
 */

MLK_BEGIN_DECLS

/** What the numbers of a tree are called. NULL members: x1, x2 ...; 0, 1 ... */
typedef struct mlk_tree_names {
    const char *const *features;      /**< p names. */
    const char *const *const *levels; /**< For each feature its levels' names, or NULL. */
    const char *const *classes;       /**< n_classes names. */
    const char *target;               /**< Name of what is predicted. */
} mlk_tree_names;

/**
 * One line a node, children indented below their parent, the left one first:
 *
 *     petal_length <= 2.45?  150 rows, gini 0.66666667, setosa 0.333 versicolor 0.333 ...
 *       yes: setosa  50 rows, gini 0
 */
mlk_status mlk_tree_text(const mlk_tree *tree, const mlk_tree_names *names, char **text);

/** One line a leaf: the conditions on the way to it, each column's merged into one; the prediction;
 *  coverage (rows and their share) and, for classes, the share of the predicted one. */
mlk_status mlk_tree_rules(const mlk_tree *tree, const mlk_tree_names *names, char **text);

/** A digraph in Graphviz's DOT language. */
mlk_status mlk_tree_dot(const mlk_tree *tree, const mlk_tree_names *names, char **text);

/** Into the map `to`: "nodes", a list of maps with feature, threshold or levels, missing, left,
 *  right, samples, weight, impurity, value. */
void mlk_tree_nodes_doc(const mlk_tree *tree, const mlk_tree_names *names, mlk_doc *to);

/**
 * The split of one node, worked out: the counts (or mean), the impurity before; then for each
 * feature its best split, the impurities after it and the gain, the tree's own choice marked. The
 * node's rows come from `data`, the rows that the tree was fitted on (or others with the same
 * columns and target, which are then what is explained).
 *
 * @param[in] node  A node's number: root 0, as mlk_tree_node_at().
 * @retval MLK_EINVAL  No such node, data of another shape, or none of its rows reaches the node.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_tree_explain(const mlk_tree *tree, const mlk_data *data, size_t node,
                            const mlk_tree_names *names, const mlk_run *run, char **text);

void mlk_tree_text_free(char *text); /**< NULL is allowed. */

MLK_END_DECLS

#endif
