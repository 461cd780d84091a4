#ifndef ENSEMBLE_GBDT_HISTOGRAM_H
#define ENSEMBLE_GBDT_HISTOGRAM_H

#include "ensemble/gbdt_bins.h"

/*
 * Sums of derivatives by bin, as integers: exact, so their order does not matter, and the histogram
 * of a node's larger child is the node's less the smaller child's. A cell holds the sum of g, and
 * in one word the sum of h above `count_bits` bits that count the rows:
 *
 *     g: int64   hc: [ sum of h (64 - count_bits) | rows (count_bits) ]
 */
typedef struct gbdt_grad {
    int32_t g;
    uint32_t h; /* >= 1 */
} gbdt_grad;

typedef struct gbdt_cell {
    int64_t g;
    uint64_t hc;
} __attribute__((aligned(16))) gbdt_cell;

/* The rows of a leaf, in the columns of a tree. */
typedef struct gbdt_sample {
    const gbdt_bins *bins;
    const gbdt_grad *grad; /* of all rows */
    unsigned count_bits;
    const uint32_t *column; /* ascending */
    size_t n_columns;
} gbdt_sample;

/* Histograms of the listed rows. `partial` has room for mlk_gbdt_histogram_workers() - 1 more of
 * n_cells each. */
mlk_status mlk_gbdt_histogram(const gbdt_sample *sample, const uint32_t *rows, size_t n,
                              const mlk_run *run, gbdt_cell *partial, gbdt_cell *cells);
unsigned mlk_gbdt_histogram_workers(const mlk_run *run, size_t n, size_t n_columns);

#endif
