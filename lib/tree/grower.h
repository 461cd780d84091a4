#ifndef TREE_GROWER_H
#define TREE_GROWER_H

#include "tree/grow.h"
#include "tree/splitter.h"

/* What the parts of growing share: the tree so far (grown.c), what the samples of a node say
 * (look.c), the split of a node (split.c), and the order in which nodes get their turn (grow.c). */

/* The samples in the order of the leaves so far: each node owns a range. */
typedef struct grow_pool {
    uint32_t *id, *whole, *cls;
    double *real;
    int64_t *yq;
} grow_pool;

/* A node whose split is yet to be found. */
typedef struct grow_open {
    uint32_t at; /* in the grown tree */
    size_t begin, n, depth;
    uint64_t key; /* of its random stream */
} grow_open;

/* ... and one whose split has been found (best-first growth waits with those). */
typedef struct grow_candidate {
    grow_open open;
    mlk_cut cut;
    size_t feature;
} grow_candidate;

/* What one thread needs to grow nodes. */
typedef struct grow_hand {
    mlk_desk desk;
    int64_t *t, *slot_t;
    uint32_t *slot;
    double *count;
    uint32_t *cls, *place; /* classes present, and where among them */
    uint8_t *goes_left;    /* of each sample */
    void *spare;           /* for partitions: 12 bytes a sample */
    uint8_t *side;         /* of each level */
    uint32_t *feature;     /* 0..p-1, reordered while a node draws from them */
    uint32_t *swapped;
    mlk_cut *cut; /* of each drawn column */
    size_t n_drawn;
    grow_open *stack;
    size_t n_stack, cap_stack;
    mlk_columns local; /* copies of the columns for small nodes, whose rows are not far apart */
    uint32_t *origin;  /* their rows */
} grow_hand;

typedef struct grower {
    const mlk_columns *c;
    const mlk_target *target;
    const mlk_grow_opts *opts;
    mlk_split_rule rule;
    const mlk_run *run;
    grow_pool pool;
    double total;           /* weight of the sample */
    double scale;           /* of gains */
    bool draws;             /* random choices are made */
    size_t local;           /* nodes of so many samples get columns of their own; 0: none does */
    const uint32_t *origin; /* rows that ids stand for, in such a node; NULL: themselves */
} grower;

/* Room for `more` nodes. */
mlk_status mlk_grown_reserve(mlk_grown *tree, size_t more);
mlk_status mlk_grown_reserve_sets(mlk_grown *tree, size_t more);
/* Hang the nodes of `part` below node `at` of `tree`, which becomes the part's root. */
mlk_status mlk_grown_append(mlk_grown *tree, uint32_t at, const mlk_grown *part);
/* What the tree holds. */
void mlk_grown_release(mlk_grown *tree);

/* What the samples begin..begin+n-1 say, whatever the columns; figures into *out. Its arrays are
 * the hand's. */
mlk_node_stats mlk_grow_look(const grower *g, grow_hand *h, size_t begin, size_t n,
                             mlk_grown_node *out);
/* A target that all samples share is the value, to the last bit. */
void mlk_grow_exact_value(const grower *g, const mlk_sample *x, mlk_grown_node *out);

/* The statistics of an open node into the tree; its split, unless it is to be a leaf (gain < 0). */
mlk_status mlk_grow_examine(const grower *g, grow_hand *hands, size_t n_hands, mlk_grown *tree,
                            grow_candidate *x, mlk_node_stats *node);
/* Samples to their sides; returns how many go left, and whether those are the heavier part. */
size_t mlk_grow_divide(const grower *g, grow_hand *h, const grow_candidate *x,
                       const mlk_node_stats *node, bool *heavier);
/* Split the node as found; the children are new open nodes. */
mlk_status mlk_grow_split(const grower *g, grow_hand *h, mlk_grown *tree, const grow_candidate *x,
                          const mlk_node_stats *node, grow_open *left, grow_open *right);

/* Columns of one node from as much work on are looked at in parallel. */
enum { MLK_GROW_PARALLEL_WORK = 1 << 17 };

#endif
