#ifndef ENSEMBLE_GBDT_SPLIT_H
#define ENSEMBLE_GBDT_SPLIT_H

#include "ensemble/gbdt_histogram.h"

/* Where a leaf is best split: equations (2) and (3) of gbdt.h on a histogram. */

typedef struct gbdt_rules {
    double lambda, alpha, gamma, min_weight;
    size_t min_rows;
    double g_unit, h_unit; /* what the integers count */
    unsigned count_bits;
    const int8_t *monotone; /* p, or NULL */
} gbdt_rules;

/* A node's sums, and the bounds of its values under monotone constraints. */
typedef struct gbdt_node_sums {
    gbdt_cell sum;
    double lo, hi;
} gbdt_node_sums;

typedef struct gbdt_split {
    double gain; /* > 0, or 0: no split */
    uint32_t column;
    uint32_t bin; /* numeric: bins up to this one go left */
    bool missing_left;
    gbdt_cell left;  /* sums of the left child */
    uint64_t set[4]; /* categorical: bins that go left */
} gbdt_split;

/* The best split by column j; `cells` is the node's histogram of that column. */
gbdt_split mlk_gbdt_best_split(const gbdt_rules *rules, const gbdt_column *column, uint32_t j,
                               const gbdt_cell *cells, const gbdt_node_sums *node);

/* The value (2) within the bounds of a node. */
double mlk_gbdt_value(const gbdt_rules *rules, gbdt_cell sum, double lo, double hi);

static inline size_t mlk_gbdt_rows(const gbdt_rules *r, gbdt_cell sum)
{
    return (size_t)(sum.hc & ((UINT64_C(1) << r->count_bits) - 1));
}

static inline gbdt_cell mlk_gbdt_minus(gbdt_cell a, gbdt_cell b)
{
    return (gbdt_cell){a.g - b.g, a.hc - b.hc};
}

#endif
