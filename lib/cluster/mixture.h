#ifndef CLUSTER_MIXTURE_H
#define CLUSTER_MIXTURE_H

#include <mlkit/core.h>

#include "core/alloc.h"
#include "core/status.h"

/* A mixture of normal distributions and its densities. */

/* What (1) is a function of, and what its densities are computed from. */
typedef struct mixture {
    int type;
    size_t k, p;
    double *weight;  /* k */
    mlk_mat mean;    /* k x p */
    mlk_mat cov;     /* full: k p x p; diag: k x p; spherical: k x 1 */
    mlk_mat whiten;  /* of the shape of cov; full: inverse Cholesky factors, else 1 / cov */
    double *log_pdf; /* k: log weight + log density at the mean */
} mixture;

/* Room; s->failed where there is none. */
void mixture_init(int type, size_t k, size_t p, mlk_scratch *s, mixture *m);
void mixture_copy(const mixture *from, mixture *to);
/* What densities need, from the covariances. MLK_ESINGULAR. */
mlk_status mixture_prepare(mixture *m);

enum { MIXTURE_ROWS = 128 }; /* whose densities are computed together */

/* A worker's memory. */
typedef struct mixture_room {
    mlk_mat d, y; /* MIXTURE_ROWS x p */
} mixture_room;

mlk_status mixture_take_room(size_t p, unsigned workers, mlk_scratch *s, mixture_room **out);

/* Logarithms of weight times density of up to MIXTURE_ROWS rows: out is rows x k. */
void mixture_log_densities(const mixture *m, mlk_cmat X, const mixture_room *b, mlk_mat out);
/* Of one row: logarithms to shares; returns the logarithm of their sum. */
double mixture_shares(double *v, size_t k);

/* d = x - mean, and |d|^2 in eight sums. */
void mixture_subtract(const double *x, const double *mean, size_t p, double *restrict d);
double mixture_squares(const double *d, size_t p);

#endif
