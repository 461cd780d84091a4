#ifndef SVM_DUAL_CACHE_H
#define SVM_DUAL_CACHE_H

#include "core/alloc.h"
#include "kernel/kernel.h"

/*
 * Kernel values for the decomposition of dual.h: the matrix of a working set, in single precision,
 * kept between sets and between solves; and sums of values against all other samples, computed by
 * tiles and used at once.
 */

/* Rows begin[r] .. end[r] - 1 of the set, r < count, are the samples 0..n-1. */
typedef struct dual_rows {
    size_t count;
    size_t begin[2], end[2];
} dual_rows;

static inline size_t dual_rows_n(const dual_rows *r)
{
    return r->end[0] - r->begin[0] + (r->count > 1 ? r->end[1] - r->begin[1] : 0);
}

/* Row of the set that sample i is. */
static inline size_t dual_rows_at(const dual_rows *r, size_t i)
{
    const size_t first = r->end[0] - r->begin[0];
    return i < first ? r->begin[0] + i : r->begin[1] + (i - first);
}

/* Room for tiles; made when first wanted, for a matrix may be given whole. */
typedef struct dual_tiles {
    unsigned workers; /* 0: there is none yet */
    mlk_scratch scratch;
    mlk_kernel_pick left;   /* new or moved members */
    mlk_kernel_pick *right; /* a worker: a chunk of the other side */
    float *tile;            /* a worker */
    double *room;           /* a worker */
    size_t room_size;
    size_t *left_rows, *rows; /* of the left; of the other side */
    size_t *at;               /* the other side's samples, or its places in the working set */
} dual_tiles;

typedef struct dual_cache {
    const mlk_kernel_set *set;
    dual_rows rows;
    size_t n, max_n;
    size_t capacity, ld; /* samples of a working set at most, floats of a row now */
    size_t inner;        /* samples of smo.h's inner problem; 0: none */
    float *K, *inner_K;  /* capacity and inner square, with the length of their rows */
    size_t *members;     /* capacity: samples of the working set, in the order of K */
    size_t count;
    const float *own; /* the first range's own block, if it is in K */
    dual_tiles tiles;
} dual_cache;

enum { DUAL_WHOLE = 4096 }; /* a problem of so many samples is its own working set */

/* Room for problems of up to max_n samples, each to begin with mlk_dual_cache_reset(). All calls
 * with a run want as many threads. */
mlk_status mlk_dual_cache_init(dual_cache *cache, const mlk_kernel_set *set, size_t max_n,
                               double megabytes);
void mlk_dual_cache_reset(dual_cache *cache, const dual_rows *rows);
void mlk_dual_cache_free(dual_cache *cache);

/* The kernel matrix of a range of rows with itself: K has end - begin rows of ld floats. For sets
 * that are not wide. */
void mlk_dual_own_block(const mlk_kernel_set *set, size_t begin, size_t end, float *K, size_t ld);
/* The matrix of all samples of two ranges, the ranges' own blocks given; reset first. */
void mlk_dual_cache_fill(dual_cache *cache, const float *const own[2], const size_t ld[2]);

/* Members from now on: those at the positions `kept`, in rising order, and the samples `fresh`;
 * their matrix. New ones take the places of those that leave. */
mlk_status mlk_dual_cache_change(dual_cache *cache, const size_t *kept, size_t n_kept,
                                 const size_t *fresh, size_t n_fresh, const mlk_run *run);

/* f[i] += sum over r < n_moved of delta[r] k(x_moved[r], x_i) / scale, for all samples i that are
 * not marked in `member`: those of the working set; `moved` are positions in it. */
mlk_status mlk_dual_cache_add(dual_cache *cache, const unsigned char *member, const size_t *moved,
                              const double *delta, size_t n_moved, const mlk_run *run, double *f);

#endif
