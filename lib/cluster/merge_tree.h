#ifndef CLUSTER_MERGE_TREE_H
#define CLUSTER_MERGE_TREE_H

#include <mlkit/cluster/agglomerative.h>

/*
 * The n - 1 merges of hierarchical clustering as links: rows a and b, any two of the clusters that
 * are joined, at a distance. Sorted by distance they tell the tree [gower1969].
 */
typedef struct merge_link {
    uint32_t a, b;
    double distance;
} merge_link;

/* All links of X (n >= 2 rows), in the order found. Distances may be infinite where squares
 * overflow. */
mlk_status merge_links(mlk_cmat X, int linkage, const mlk_run *run, merge_link *links);

/* Links to the numbered table: merges ((n - 1) x 2) and distances, ascending. */
mlk_status merge_table(const merge_link *links, size_t n, uint32_t *merges, double *distances);

/* The tree cut into k clusters, numbered by first rows; label has n values. */
mlk_status merge_cut(const uint32_t *merges, size_t n, size_t k, uint32_t *label);

#endif
