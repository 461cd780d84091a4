#ifndef BAYES_DISCRIMINANT_H
#define BAYES_DISCRIMINANT_H

#include <mlkit/bayes/lda.h>
#include <mlkit/model.h>

#include "core/alloc.h"
#include "core/status.h"

/*
 * What the linear and the quadratic discriminant share: options, rows by class with their moments,
 * shrunken covariances, what is kept of the classes, and the way from a score a class to every
 * output.
 */

extern const mlk_word discriminant_shrinkages[];

/* The table of options of T; `covariances`: which are shrunken. */
#define DISCRIMINANT_OPTS(T, covariances)                                                          \
    {                                                                                              \
        MLK_OPT_REAL_WORDS(T, shrinkage, 0.0, 0.0, 1.0, false, discriminant_shrinkages,            \
                           "of the " covariances                                                   \
                           " towards a multiple of the identity; auto: Ledoit-Wolf"),              \
            MLK_OPT_TEXT(T, priors, NULL,                                                          \
                         "probabilities of the classes in their order, as 0.2+0.8"),               \
            MLK_OPT_REAL(T, tol, 1e-4, 0.0, 0.999, "singular values that count as 0"),             \
            MLK_OPT_END,                                                                           \
    }

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
mlk_cvec class_rows_weights(const class_rows *t, size_t c);

/*
 * The shrunken covariance of class c is (1 - s) C + diag(target) s, C with the weight as divisor: a
 * number s has the mean variance as target; auto finds s by Ledoit and Wolf from the columns scaled
 * to variance 1, and shrinks those.
 */
mlk_status class_shrinkage(const class_rows *t, size_t c, double shrinkage, const mlk_run *run,
                           double *s, mlk_vec target);

/* What both models keep of the classes. */
typedef struct gaussians {
    mlk_scratch memory; /* of the whole model */
    size_t p, k;
    mlk_mat mean;      /* k x p */
    mlk_vec prior;     /* k */
    mlk_vec constant;  /* k: of the score, without log P(k) */
    mlk_vec shrinkage; /* k: what was found, where it is auto; else none */
} gaussians;

/* Room; memory.failed where there is none. */
void gaussians_init(size_t p, size_t k, gaussians *g);
/* Means and priors of the rows; the shrinkage found where the option says auto. */
mlk_status gaussians_keep(const class_rows *t, double shrinkage, mlk_cvec found, gaussians *g);
/* constant + log P(k) */
double gaussians_constant(const gaussians *g, size_t c);
void gaussians_save(const gaussians *g, mlk_doc *to);
mlk_status gaussians_load(const mlk_doc *from, gaussians *g);
void gaussians_learned(const gaussians *g, mlk_doc *to);

/* Scores of some rows, one a class. */
typedef struct discriminant {
    const gaussians *classes;
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
