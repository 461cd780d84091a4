#ifndef TREE_LEVELS_H
#define TREE_LEVELS_H

#include "tree/splitter.h"

/*
 * Subsets of a categorical column's levels as cuts of an order of the levels. Ordered by the mean
 * of y, or by the share of one of two classes, some cut is the best of all 2^(L-1) - 1 subsets
 * [Breiman et al. 1984, theorem 4.5]. With more classes the share of each class in turn gives the
 * order, n_classes orders in all; with the absolute error the mean does. Both are heuristics.
 */
void mlk_levels_take(mlk_scratch *s, size_t levels, mlk_desk *d);

/*
 * The levels present in the node: their number, and in d->level the levels by ascending mean (of
 * class `cls`, or of y), equal ones by their codes, with d->level_at as its inverse. With
 * rule->random, d->level_at is 0 or 1 at random, each at least once if there are two levels.
 */
size_t mlk_levels_order(const mlk_node_stats *node, const uint32_t *code, uint32_t missing,
                        uint32_t cls, const mlk_split_rule *rule, mlk_rng *rng, mlk_desk *d);

/* The largest d->level_at of `present` levels so ordered. */
static inline uint32_t mlk_levels_last(const mlk_desk *d, size_t present,
                                       const mlk_split_rule *rule)
{
    (void)d;
    return rule->random ? present > 1 : (uint32_t)present - 1;
}

#endif
