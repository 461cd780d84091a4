#ifndef CLUSTER_CENTRES_H
#define CLUSTER_CENTRES_H

#include <mlkit/core.h>

/*
 * Squared distances of TILE rows at a time to all centres. The rows lie side by side in a panel,
 * panel[j * TILE + row], and the centres are taken four at a time: every value that is loaded feeds
 * several sums in registers. A sum runs over j in order, so a distance depends on its row and
 * centre alone.
 */
enum { TILE = 16 };

typedef struct nearest_tile {
    size_t row[TILE];                 /* which rows they are */
    size_t n;                         /* of TILE; the other lanes repeat a row and mean nothing */
    uint32_t best[TILE];              /* the first of several */
    double square[TILE];              /* squared distance to the best */
    double first[TILE], second[TILE]; /* distances: to the best, to any other */
} nearest_tile;

/* Rows t->row[0..n-1] of X against the rows of C; panel: p * TILE values, aligned to 64 bytes. */
void nearest_of_tile(mlk_cmat X, mlk_cmat C, double *panel, nearest_tile *t);

#endif
