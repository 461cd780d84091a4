#ifndef SPATIAL_BRUTE_H
#define SPATIAL_BRUTE_H

#include "core/alloc.h"
#include "spatial/nearest_list.h"

/*
 * Every row compared with every query. For Euclidean distances a product in single precision of the
 * centred rows tells which rows can be among the nearest at all, by a bound on its rounding errors
 * [higham2002, eq. 3.5]; those few are measured again in double precision. For other distances all
 * are measured.
 */
enum { BRUTE_QUERIES = 128, BRUTE_ROWS = 1024 };

typedef struct brute {
    mlk_scratch memory;
    mlk_cmat X; /* borrowed */
    double power;
    double scale;  /* of the rows in single precision */
    double *mean;  /* p */
    float *rows;   /* n x p, centred and scaled; Euclidean only */
    float *half;   /* n: half their squared norms */
    double *reach; /* of each block of BRUTE_ROWS: their largest norm */
} brute;

mlk_status brute_init(mlk_cmat X, double power, const mlk_run *run, brute *b);
void brute_release(brute *b);

/* What a worker needs to search. */
typedef struct brute_room {
    float *queries, *products; /* BRUTE_QUERIES x p, BRUTE_QUERIES x BRUTE_ROWS */
    double *select, *block;    /* BRUTE_ROWS, p * LANES */
} brute_room;

brute_room brute_take_room(mlk_scratch *scratch, size_t p);

/* At most BRUTE_QUERIES rows of Q, with a list each; left_out + i is passed over for row i unless
 * left_out is SIZE_MAX. */
void brute_search(const brute *b, mlk_cmat Q, size_t left_out, const brute_room *room,
                  near_list *lists);

#endif
