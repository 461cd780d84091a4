#ifndef CLUSTER_LLOYD_H
#define CLUSTER_LLOYD_H

#include <mlkit/model.h>

#include "core/alloc.h"
#include "core/rng.h"

/* What a pass over the rows is for. */
typedef enum lloyd_pass {
    LLOYD_FIRST, /* every row is measured, sums start anew */
    LLOYD_NEXT,  /* rows whose bounds ask for it are measured; sums are corrected */
    LLOYD_LAST   /* every row is measured, sums are no longer needed */
} lloyd_pass;

/*
 * One start of k-means: Lloyd's iterations [lloyd1982] with two bounds a row, on the distances to
 * its own and to any other centre [hamerly2010]. A row whose bounds cannot have crossed is not
 * measured. Sums are kept a chunk of rows each, and corrected for rows that move.
 */
typedef struct lloyd {
    const mlk_data *data;
    size_t k, grain, chunks;
    mlk_mat C, before;     /* k x p */
    double *lanes;         /* C by groups of LANES */
    uint32_t *label;       /* n */
    double *upper, *lower; /* n: bounds on the distances to the own and to any other centre ... */
    double *up, *down;     /* k: ... plus up, minus down, of the row's cluster */
    double *sums;          /* chunks x k x p */
    double *counts;        /* chunks x k: weights */
    double *total;         /* k */
    double *moved, *half;  /* k: by how much, and half the distance to the next centre */
    double *partial;       /* chunks x LANES */
    size_t *changed;       /* chunks */
    double *panels;        /* a worker: p x TILE */
    lloyd_pass pass;
} lloyd;

/* Room for n rows, k centres. MLK_ENOMEM. */
mlk_status lloyd_init(const mlk_data *data, size_t k, const mlk_run *run, mlk_scratch *scratch,
                      lloyd *t);

/* Centres to start from. Greedy k-means++ takes t->upper, t->lanes and t->partial as scratch;
 * MLK_EINVAL: squared distances overflow. Random rows: MLK_ENOMEM. */
mlk_status lloyd_start_plus_plus(lloyd *t, mlk_rng *rng, const mlk_run *run);
mlk_status lloyd_start_random(lloyd *t, mlk_rng *rng);

/* From the centres t->C until they move by a sum of squares of at most tol, no row changes its
 * cluster, or max_iter. The objective is that of t->C and t->label. */
mlk_status lloyd_iterate(lloyd *t, int64_t max_iter, double tol, const mlk_run *run,
                         mlk_fit_info *info);

#endif
