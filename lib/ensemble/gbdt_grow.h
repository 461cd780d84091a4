#ifndef ENSEMBLE_GBDT_GROW_H
#define ENSEMBLE_GBDT_GROW_H

#include "ensemble/gbdt_split.h"
#include "tree/grow.h"

/* Growing one tree on bins. A grower holds the memory for all trees of a fit. */

typedef struct gbdt_limits {
    size_t max_leaves, max_depth; /* SIZE_MAX: no limit */
    bool depth_wise;
} gbdt_limits;

/* Leaf i of the grown tree is made of rows[leaf[i].begin .. end-1]. */
typedef struct gbdt_leaf {
    uint32_t node; /* of mlk_grown */
    uint32_t depth;
    size_t begin, end;
    gbdt_node_sums sums;
    gbdt_cell *cells; /* NULL: no room was left; made again when they are needed */
    gbdt_split split;
} gbdt_leaf;

typedef struct gbdt_grower gbdt_grower;

/* For trees on at most max_rows rows. */
mlk_status mlk_gbdt_grower_new(const gbdt_bins *bins, size_t max_rows, const gbdt_limits *limits,
                               size_t min_rows, const mlk_run *run, gbdt_grower **grower);
void mlk_gbdt_grower_free(gbdt_grower *grower);

/*
 * Grow a tree on the n rows listed, which are put in the order of the leaves. The results belong to
 * the grower and last until the next tree: nodes with thresholds, sets and gains, leaf values
 * (before any learning rate), and the leaves with their rows.
 */
mlk_status mlk_gbdt_grow(gbdt_grower *grower, const gbdt_sample *sample, const gbdt_rules *rules,
                         uint32_t *rows, size_t n, const mlk_run *run, mlk_grown **tree,
                         const gbdt_leaf **leaves, size_t *n_leaves);

#endif
