#ifndef ENSEMBLE_GBDT_LOSS_H
#define ENSEMBLE_GBDT_LOSS_H

#include <mlkit/ensemble/gbdt.h>

#include "ensemble/gbdt_histogram.h"

/* The losses of gbdt.h: constants to begin with, derivatives in fixed point, renewed leaves. */

typedef struct gbdt_loss {
    int kind;        /* not auto */
    double quantile; /* of the absolute loss: 1/2 */
    size_t k;        /* scores a row */
} gbdt_loss;

/* The rows and their present scores. */
typedef struct gbdt_state {
    size_t n;
    const double *y;
    const double *train, *valid; /* weights of the rows; valid may be NULL */
    double *score;               /* k x n */
    gbdt_grad *grad;             /* k x n */
    unsigned count_bits;
    double train_sum, valid_sum; /* of the weights */
    double most_weight;
    /* set by mlk_gbdt_derive() */
    double g_unit, h_unit;
    double train_loss, valid_loss; /* means */
} gbdt_state;

/* Derivatives and mean losses at the present scores. */
mlk_status mlk_gbdt_derive(const gbdt_loss *loss, gbdt_state *state, const mlk_run *run);

/* The constants b of the loss over the n rows listed, into base[0..k-1]. */
mlk_status mlk_gbdt_base_scores(const gbdt_loss *loss, const gbdt_state *state,
                                const uint32_t *rows, size_t n, double *base);

/* Does the loss renew its leaves? */
static inline bool mlk_gbdt_renews(const gbdt_loss *loss)
{
    return loss->kind == MLK_GBDT_ABSOLUTE_ERROR || loss->kind == MLK_GBDT_QUANTILE;
}

/* The weighted quantile of y - score over rows; scratch: 2 n doubles. */
double mlk_gbdt_renewed(const gbdt_loss *loss, const gbdt_state *state, const uint32_t *rows,
                        size_t n, double *scratch);

/* One loss and its derivatives, for one row of k scores: l, g[0..k-1], h[0..k-1]. */
double mlk_gbdt_loss_at(const gbdt_loss *loss, double y, const double *score, double *g, double *h);

#endif
