#ifndef BAYES_DISCRIMINANT_H
#define BAYES_DISCRIMINANT_H

#include <mlkit/model.h>

#include "core/alloc.h"
#include "core/status.h"

/*
 * What the linear and the quadratic discriminant share: rows by class with their moments, shrunken
 * covariances, and the way from a score a class to every output.
 */

/* Rows of positive weight, sorted by class. */
typedef struct class_rows {
    mlk_scratch memory;
    size_t n, p, k, present; /* rows, columns, classes, classes with rows */
    mlk_mat X;               /* n x p; class c from row start[c] to start[c + 1] */
    mlk_vec w;
    size_t *start;
    mlk_vec weight, prior; /* k */
    mlk_mat mean, var;     /* k x p; divisor of the variance: the weight */
} class_rows;

/* Released with class_rows_release(), also after a failure. A class that has a prior but no rows is
 * refused. */
mlk_status class_rows_init(const mlk_data *data, const char *priors, const mlk_run *run,
                           class_rows *t);
void class_rows_release(class_rows *t);
mlk_cmat class_rows_of(const class_rows *t, size_t c);
mlk_cvec class_rows_weights(const class_rows *t, size_t c);

/*
 * The shrunken covariance of class c is (1 - s) C + diag(target) s, C with the weight as divisor: a
 * number s has the mean variance as target; auto finds s by Ledoit and Wolf from the columns scaled
 * to variance 1, and shrinks those.
 */
mlk_status class_shrinkage(const class_rows *t, size_t c, double shrinkage, const mlk_run *run,
                           double *s, mlk_vec target);

/* Scores of some rows, one a class. */
typedef struct discriminant {
    size_t p, k;
    mlk_cvec prior;
    size_t room; /* values that score() needs for each row */
    void (*score)(const void *state, mlk_cmat X, double *room, mlk_mat out);
    const void *state;
} discriminant;

mlk_status discriminant_predict(const discriminant *d, mlk_cmat X, const mlk_run *run, mlk_vec out);
mlk_status discriminant_proba(const discriminant *d, mlk_cmat X, const mlk_run *run, mlk_mat out);
/* The scores; of two classes their difference, positive for the second. */
mlk_status discriminant_decision(const discriminant *d, mlk_cmat X, const mlk_run *run,
                                 mlk_mat out);

#endif
