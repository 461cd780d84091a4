#ifndef SVM_PRIMAL_WORK_H
#define SVM_PRIMAL_WORK_H

#include "svm/primal.h"

/* Where the parts of the Newton method meet: the pass over the rows (primal_pass.c), the step
 * (primal_step.c), and the iteration around them (primal.c). */

enum {
    PRIMAL_BLOCK = 128,   /* rows whose products are taken while they are in the cache */
    PRIMAL_WORK = 1 << 18 /* products of a chunk of a pass: worth a thread */
};

/* What a pass over the rows finds at a point. */
typedef struct primal_sums {
    double loss;        /* rounded, if so */
    double true_loss;   /* not */
    double dual;        /* sum of y v - epsilon |v|, less v^2 / 4C where squared */
    double rounding;    /* part of the gap that comes from the width h, not from the gradient */
    double plus, minus; /* sums of v > 0, and of -v for v < 0 */
} primal_sums;

typedef struct primal_solver {
    primal *p;
    const mlk_run *run;
    mlk_run inner; /* of the passes */
    size_t n, q;   /* rows; p + 1 */
    double h;      /* width of rounding; 0: squared loss */
    size_t grain, chunks, gram_grain, gram_chunks;
    double *z, *z_next;               /* n: X w + b, here and at a trial point */
    unsigned char *active, *in_gram;  /* n: rows with curvature; rows that G counts */
    double *point, *trial, *step;     /* q */
    double *between;                  /* q */
    double *before, h_before;         /* solution for the width before; 0: none yet */
    bool on_line;                     /* the line through the last two has led to the point */
    double *grad;                     /* q: of the losses */
    double *G;                        /* q x q: sum of C_i x_i x_i' of the rows in_gram; dense */
    double *H;                        /* q x q */
    double *partial;                  /* chunks x q */
    primal_sums *partial_sums;        /* chunks */
    double *gram_partial;             /* gram_chunks x q x q */
    double *buffer;                   /* a worker: 2 x PRIMAL_BLOCK x q */
    double damping;                   /* of the step, in units of the curvature of all rows */
    double *all_rows;                 /* q: sum of C_i x_ij^2 of all rows, once damping > 0 */
    double *cg;                       /* 3 q: residual, direction, product */
    double plus_factor, minus_factor; /* of v, for the certificate */
    bool certificate;
} primal_solver;

/* Losses, gradient (to s->grad) and active rows at s->trial; z to s->z_next. With s->certificate:
 * sums and gradient at s->z, by multipliers times plus_factor and minus_factor. */
mlk_status mlk_primal_pass(primal_solver *s, primal_sums *total);
double mlk_primal_penalty(const primal_solver *s, const double *w);
/* The dual objective of the multipliers whose sums and gradient these are; those of the squared
 * part of L1 are scaled into the box. */
double mlk_primal_dual(const primal_solver *s, const primal_sums *t);
/* Objective at point + t step, whose z are between those of both ends. */
double mlk_primal_between(primal_solver *s, double t);

/* The last step went the share `share` of its way: damp the next accordingly. */
void mlk_primal_damp(primal_solver *s, double share);
/* From the gradient and the active rows at s->point: s->step. MLK_ESINGULAR, MLK_ECANCELLED. */
mlk_status mlk_primal_step(primal_solver *s);

#endif
