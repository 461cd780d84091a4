#ifndef ENSEMBLE_GBDT_MODEL_H
#define ENSEMBLE_GBDT_MODEL_H

#include <mlkit/ensemble/gbdt.h>

#include "tree/nodes.h"

/* A boosted model: tree t * k + c belongs to round t and score c; its leaves hold what is added. */
struct mlk_gbdt {
    size_t p, n_classes, k; /* k: scores a row */
    int loss;
    double quantile; /* of the quantile loss */
    size_t rounds;   /* kept */
    size_t n_trees;  /* in memory: rounds * k */
    mlk_nodes *tree;
    uint32_t *levels;
    double *base, *importances; /* k; p */
    double *train_loss, *valid_loss;
    size_t n_train, n_valid; /* lengths of the two */
};

/* Scores a row for a number of classes. */
static inline size_t mlk_gbdt_k(size_t n_classes) { return n_classes > 2 ? n_classes : 1; }

/* Room for `rounds` rounds, and for the curves of as many; NULL when out of memory. */
mlk_gbdt *mlk_gbdt_allocate(size_t p, size_t n_classes, size_t rounds, size_t n_valid);

/* The descriptor's thunks that concern a fitted model. */
void mlk_gbdt_save(const void *state, mlk_doc *to);
mlk_status mlk_gbdt_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state);
void mlk_gbdt_learned(const void *state, mlk_doc *to);
mlk_fit_info mlk_gbdt_info(const void *state);
mlk_status mlk_gbdt_codegen(const void *state, mlk_codegen *to);

#endif
