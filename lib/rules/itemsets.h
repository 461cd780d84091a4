#ifndef RULES_ITEMSETS_H
#define RULES_ITEMSETS_H

#include <mlkit/rules/apriori.h>

/* Baskets: items start[b]..start[b + 1] - 1 of basket b, each once, in any order. */
typedef struct mlk_baskets {
    size_t n, n_items;
    const size_t *start;
    const uint32_t *items;
} mlk_baskets;

/* Sets of items, by length, then items; set i has items start[i]..start[i + 1] - 1, ascending. */
typedef struct mlk_itemsets {
    size_t n;
    size_t *start;
    uint32_t *items, *count;
} mlk_itemsets;

/* All sets of at most max_length items (0: any) that at least min_count >= 1 baskets hold.
 * MLK_EINVAL: more than MLK_APRIORI_MOST; MLK_ENOMEM; MLK_ECANCELLED. */
mlk_status mlk_itemsets_mine(const mlk_baskets *baskets, size_t min_count, size_t max_length,
                             const mlk_run *run, mlk_itemsets *out);
/* Index of the set of n ascending items, or SIZE_MAX. */
size_t mlk_itemsets_find(const mlk_itemsets *sets, const uint32_t *items, size_t n);
void mlk_itemsets_free(mlk_itemsets *sets);

#endif
