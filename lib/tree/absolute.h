#ifndef TREE_ABSOLUTE_H
#define TREE_ABSOLUTE_H

#include "tree/splitter.h"

/*
 * Gains by the absolute error: while samples move from right to left, Fenwick trees over the order
 * of y hold each side's weights and sums, so that a side's median and absolute deviation take
 * O(log n): O(n log n) a column.
 */
void mlk_absolute_take(mlk_scratch *s, size_t n, mlk_desk *d);

/* As class_gains() of splitter.c, over the samples `item` in the order of their keys. */
size_t mlk_absolute_gains(const mlk_node_stats *node, const mlk_item *item, size_t missing,
                          bool missing_left, size_t min_leaf, mlk_desk *d, double *best);

/* Of all samples: the sum of w |t - m| over their weighted median m; *median is the middle of
 * the medians where there are several. */
double mlk_absolute_impurity(const mlk_node_stats *node, mlk_desk *d, double *median);

#endif
