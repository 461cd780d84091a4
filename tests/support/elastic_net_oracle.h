#ifndef SUPPORT_ELASTIC_NET_ORACLE_H
#define SUPPORT_ELASTIC_NET_ORACLE_H

#include <mlkit/linear/elastic_net.h>

#include "support/mlk_test.h"

/* What elastic_net.h says, computed literally, slowly and in long double. */

/* One of a list of random problems that lead the solver over all its ways. */
typedef struct oracle_case {
    const char *what;
    size_t n, p;
    double alpha; /* as a share of the alpha at which all weights are 0 */
    double l1_ratio;
    bool fit_intercept, positive;
    unsigned traits;
} oracle_case;

enum {
    ORACLE_WEIGHTS = 1,    /* some of them 0 */
    ORACLE_DUPLICATES = 2, /* of columns, with both signs */
    ORACLE_CONSTANT = 4,   /* a column of 0.1 and one of 0 */
    ORACLE_SCALES = 8,     /* columns from 1e-5 to 1e5 */
    ORACLE_OFFSETS = 16,   /* columns with means of 1e6 */
    ORACLE_COLLINEAR = 32  /* neighbours correlate at 0.98 */
};

mlk_data oracle_data(const oracle_case *c, uint64_t seed);

/* max_j |z_j't| / (S r): the smallest alpha with all weights 0 (r at least 1e-3). */
double oracle_alpha_max(const mlk_data *data, const mlk_elastic_net_opts *o);
/* F(w, b), equation (1). */
double oracle_objective(const mlk_data *data, const mlk_elastic_net_opts *o, mlk_cvec w, double b);
/* F(w, b) - D(theta), equation (2), at the better of two multiples of the residuals. */
double oracle_gap(const mlk_data *data, const mlk_elastic_net_opts *o, mlk_cvec w, double b);
/* sum_i s_i (y_i - mean y)^2 / S, the unit of (3). */
double oracle_unit(const mlk_data *data, const mlk_elastic_net_opts *o);
/* The largest violation of the first-order conditions of (1), b included. */
double oracle_violation(const mlk_data *data, const mlk_elastic_net_opts *o, mlk_cvec w, double b);
/* Coordinate descent as in any textbook, until no weight moves by more than 1e-13 of the largest.
 * Writes w; returns b. */
double oracle_solve(const mlk_data *data, const mlk_elastic_net_opts *o, mlk_vec w);

#endif
