#ifndef TREE_RADIX_H
#define TREE_RADIX_H

#include <mlkit/core.h>

/* A sort item: the key in the upper half, what belongs to it in the lower. */
typedef uint64_t mlk_item;

static inline mlk_item mlk_item_of(uint32_t key, uint32_t payload)
{
    return (mlk_item)key << 32 | payload;
}
static inline uint32_t mlk_item_key(mlk_item item) { return (uint32_t)(item >> 32); }
static inline uint32_t mlk_item_payload(mlk_item item) { return (uint32_t)item; }

/*
 * Sort n items by their keys, which lie in lo..hi; payloads ascend at the start and hence break
 * ties. Uses b (n items) as well; returns whichever of a and b holds the result.
 */
mlk_item *mlk_items_sort(mlk_item *a, mlk_item *b, size_t n, uint32_t lo, uint32_t hi);

#endif
