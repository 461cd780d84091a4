#ifndef BAYES_NAIVE_BAYES_H
#define BAYES_NAIVE_BAYES_H

#include <mlkit/bayes/naive_bayes.h>

#include "core/alloc.h"
#include "core/status.h"
#include "model/codegen.h"

/* The model, and what learns it and writes it as C. */

/* What a column is, by variant and levels. */
typedef enum column_kind { GAUSSIAN, COUNT, LEVELS, BINARY } column_kind;

struct mlk_naive_bayes {
    mlk_scratch memory;
    int variant;
    size_t p, k;
    uint32_t *levels;  /* p: of a column of LEVELS, else 0 */
    column_kind *kind; /* p */
    size_t *offset;    /* p + 1: where the column's matrix of k columns begins in `par` */
    double *prior;     /* k */
    double *par;       /* see mlk_naive_bayes_column() */
    double *fast;      /* like par; gaussian columns: -1 / (2 v), log of the density's factor */
};

/* Rows of a column's matrix of parameters. */
static inline size_t rows_of(column_kind kind, size_t levels)
{
    return kind == COUNT ? 1 : kind == LEVELS ? levels : 2;
}

static inline size_t n_par(const mlk_naive_bayes *m) { return m->offset[m->p]; }

static inline bool known(double x) { return x - x == 0.0; } /* finite */

/* All parameters from the data, whose levels and values are those of the model's variant. */
mlk_status naive_bayes_learn(const mlk_data *d, const mlk_naive_bayes_opts *o, const mlk_run *run,
                             mlk_naive_bayes *m);
/* What prediction needs of gaussian columns, computed once. */
void naive_bayes_prepare(mlk_naive_bayes *m);
/* Joint log-likelihoods, the largest of which tells the class. */
mlk_status naive_bayes_source(const mlk_naive_bayes *m, mlk_codegen *to);

#endif
