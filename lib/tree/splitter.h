#ifndef TREE_SPLITTER_H
#define TREE_SPLITTER_H

#include <math.h>

#include <mlkit/core.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "tree/columns.h"
#include "tree/radix.h"
#include "tree/target.h"

/*
 * The best split of one node by one column.
 *
 * Gains are decreases of the node's weighted impurity, in the target's own units (mlk_split_scale()
 * makes them the user's). Two gains that differ by less than one part in 10^10, or by less than
 * rounding can tell, are equal; of equal splits wins the one with missing values to the right, then
 * the lowest threshold; between columns, the lowest column.
 */

/* The samples of one node: places in arrays that belong to the tree under construction. */
typedef struct mlk_sample {
    size_t n;
    const uint32_t *id;    /* rows of the columns and the target */
    const uint32_t *whole; /* weights: whole, or */
    const double *real;    /* real, or both NULL: all 1 */
    const uint32_t *cls;   /* class, or rank of y (absolute error) */
    const int64_t *yq;     /* regression by variance */
} mlk_sample;

static inline double mlk_sample_weight(const mlk_sample *s, size_t i)
{
    return s->whole ? (double)s->whole[i] : s->real ? s->real[i] : 1.0;
}
/* Weight of sample i times t, rounded to an integer where the weight is not whole. */
static inline int64_t mlk_sample_weighted(const mlk_sample *s, size_t i, int64_t t)
{
    return s->whole ? (int64_t)s->whole[i] * t : s->real ? llrint(s->real[i] * (double)t) : t;
}

/* What a node knows before it looks at any column. */
typedef struct mlk_node_stats {
    mlk_sample sample;
    double weight;
    bool pure;             /* nothing left to learn */
    int64_t centre;        /* t = w (yq - centre) */
    const int64_t *t;      /* n: two classes by Gini, and variance */
    double rest;           /* sum of t / weight */
    const double *count;   /* n_classes: weight of each class */
    double squares;        /* sum of their squares */
    const uint32_t *cls;   /* n_cls classes that have weight, ascending, ... */
    const uint32_t *place; /* ... and the place of each of them there */
    size_t n_cls;
    const uint32_t *slot;  /* absolute error: place of each sample in the order of y */
    const int64_t *slot_t; /* absolute error: yq - centre by slot */
} mlk_node_stats;

/* A split: samples whose key is <= key go left. */
typedef struct mlk_cut {
    double gain; /* < 0: there is none */
    uint32_t key, next;
    uint32_t order; /* class by whose share the levels were ordered (three classes or more) */
    bool missing_left, has_missing;
    double threshold; /* of a random cut; +inf: whatever is not missing goes left */
} mlk_cut;

/* Scratch of one worker, for nodes of up to n samples. */
typedef struct mlk_desk {
    size_t n;
    mlk_item *a, *b;
    double *value;     /* n: of each sample, where cuts are random */
    uint32_t *key;     /* n: of each sample */
    uint32_t *group;   /* n + 1: keys of the groups of equal keys, ascending, ... */
    uint32_t *group_n; /* ... and up to each group: rows, */
    double *group_w;   /* weight, */
    double *group_t;   /* and sum of t */
    double *gain;      /* n + 1: of the cut behind each group */
    size_t n_hist;
    uint32_t *hist_n; /* n + 2 sums by key */
    double *hist_w;
    int64_t *hist_t;
    uint32_t *event_key; /* n + 1: a weight of one class at one key, in the order of keys */
    uint32_t *event_cls, *event_n;
    double *event_w;
    int64_t *left, *right; /* n_classes: whole weights of the classes on either side */
    double *left_real, *right_real;
    uint32_t *seen;        /* 2 n_classes: rows of the classes, where cuts are random */
    double *sum_w, *all_w; /* n + 1: Fenwick trees by slot (absolute error) */
    int64_t *sum_t, *all_t;
    uint32_t *level;           /* levels present in the node, in the order they are tried */
    uint32_t *level_at;        /* their places in that order */
    double *level_w, *level_c; /* weight of each level, and that of one class; else 0 */
    int64_t *level_t;          /* its sum of t; else 0 */
    double *level_mean;
} mlk_desk;

/* Scratch for nodes of up to n samples of these columns; failure is left in s->failed. */
void mlk_desk_take(mlk_scratch *s, const mlk_columns *c, const mlk_target *t, size_t n,
                   mlk_desk *desk);

typedef struct mlk_split_rule {
    size_t min_samples_leaf;
    bool random; /* one random cut instead of the best one */
} mlk_split_rule;

/* The best cut of the node by column j; random cuts follow from `key`. */
mlk_cut mlk_split_find(const mlk_columns *c, const mlk_target *t, const mlk_node_stats *node,
                       size_t j, const mlk_split_rule *rule, uint64_t key, mlk_desk *desk);

/* The threshold of the cut of a numeric column. Apart from finding cuts, since the values are far
 * from what finding touches, and only the winner's threshold is needed. */
double mlk_split_threshold(const mlk_columns *c, size_t j, const mlk_split_rule *rule,
                           const mlk_cut *cut);

enum { MLK_SIDE_RIGHT = 0, MLK_SIDE_LEFT = 1, MLK_SIDE_ABSENT = 2 };
/* For the cut of a categorical column: the side of each level, and in place n_codes[j] (missing)
 * MLK_SIDE_ABSENT. The arguments are those that found it. */
void mlk_split_sides(const mlk_columns *c, const mlk_node_stats *node, size_t j,
                     const mlk_split_rule *rule, uint64_t key, const mlk_cut *cut, mlk_desk *desk,
                     uint8_t *side);

/* The least gain that counts as equal to `best`; +inf when best < 0 (no cut). */
double mlk_split_enough(const mlk_target *t, const mlk_node_stats *node, double best);

/* Factor that turns gains into decreases of weighted impurity. */
double mlk_split_scale(const mlk_target *t);

#endif
