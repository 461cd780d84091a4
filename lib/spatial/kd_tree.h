#ifndef SPATIAL_KD_TREE_H
#define SPATIAL_KD_TREE_H

#include "core/alloc.h"
#include "spatial/nearest_list.h"

/*
 * A k-d tree, packed: rows are put in an order in which each run of KD_LEAF, and each aligned run
 * of KD_LEAF * LANES^l of them, is a part that halving by medians gives (of the widest column each
 * time). So nodes need no pointers: node i of level l has the children 8 i ... 8 i + 7 of level
 * l - 1, level 0 are the leaves, and the boxes of eight siblings lie side by side, to be measured
 * together.
 */
enum { KD_LEAF = 32, KD_LEVELS = 24 };

typedef struct kd_level {
    size_t n;         /* nodes */
    double *lo, *hi;  /* boxes, by groups of LANES: [(group * p + j) * LANES + lane] */
    size_t *smallest; /* n: lowest row number of the node */
} kd_level;

typedef struct kd_tree {
    mlk_scratch memory;
    size_t n, p;
    double power;
    double *lanes; /* rows in their new order, by groups of LANES */
    size_t *row;   /* n: which row that is */
    size_t n_levels;
    kd_level level[KD_LEVELS];
} kd_tree;

/* `tree` is released with kd_tree_release(), also after a failure. */
mlk_status kd_tree_init(mlk_cmat X, double power, const mlk_run *run, kd_tree *tree);
void kd_tree_release(kd_tree *tree);

/* Add to `list` what is nearest to x; row `left_out` is passed over. room: p * LANES values.
 * Returns how many leaves were looked at. */
size_t kd_tree_search(const kd_tree *tree, const double *x, size_t left_out, double *room,
                      near_list *list);

/* A leaf near x: down the nearest boxes. Leaves with near numbers are near each other, so queries
 * in this order find in the caches what the one before has read. */
size_t kd_tree_locate(const kd_tree *tree, const double *x, double *room);
/* Leaves are numbered 0.. below this. */
static inline size_t kd_tree_leaves(const kd_tree *tree) { return tree->level[0].n; }

/* Row numbers of all whose squared Euclidean distance to x is at most `limit`, into `rows` (room
 * for n), whatever the tree's power; it ends early once `most` of them are found. Returns how many.
 */
size_t kd_tree_within(const kd_tree *tree, const double *x, double limit, size_t most,
                      size_t *rows);

#endif
