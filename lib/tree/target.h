#ifndef TREE_TARGET_H
#define TREE_TARGET_H

#include <mlkit/core.h>

#include "tree/columns.h"

/* Values are those of the option `criterion`, after auto is resolved. */
typedef enum mlk_criterion {
    MLK_CRITERION_AUTO,
    MLK_CRITERION_GINI,
    MLK_CRITERION_ENTROPY,
    MLK_CRITERION_VARIANCE,
    MLK_CRITERION_ABSOLUTE_ERROR
} mlk_criterion;

/*
 * What is learned, as integers, so that every sum that decides about a split is exact and does not
 * depend on the order of its terms: neither permuting the rows nor another number of threads can
 * turn a tie. A regression target is
 *
 *     y = centre + unit (yq + e),  |e| <= 1/2,  unit a power of two,
 *
 * with the smallest unit for which no sum of w yq overflows: about 2^-43 of y's range for 100,000
 * rows. Whole weights stay as they are; others are rounded to multiples of a power of two for which
 * doubles add them exactly (2^-52 of their sum).
 */
typedef struct mlk_target {
    size_t n, n_classes; /* n_classes = 0: regression */
    mlk_criterion criterion;
    double unit, centre;
    const double *y;  /* regression: the values themselves */
    int64_t *yq;      /* regression */
    uint32_t *cls;    /* class; absolute error: rank of y among its distinct values */
    int64_t *ranked;  /* absolute error: yq by rank */
    uint32_t *whole;  /* whole weights, unless all are 1 */
    double *real;     /* other weights */
    int64_t *entropy; /* x log2(x) 2^entropy_bits for x = 0..n_entropy-1, or NULL */
    size_t n_entropy;
    double entropy_scale; /* 2^-entropy_bits */
    void *memory;
} mlk_target;

/*
 * Of the rows in `columns`. `balanced`: the classes weigh the same in all. No sample will have more
 * than `draws` rows, each counted as often as it was drawn.
 */
mlk_status mlk_target_new(const mlk_data *data, const mlk_columns *columns, bool balanced,
                          mlk_criterion criterion, size_t draws, mlk_target **target);
void mlk_target_free(mlk_target *target);

/* Are splits found from sums of t alone? Gini of two classes is twice the variance of the indicator
 * of class 1, an integer, which asks for whole weights. */
static inline bool mlk_target_moments(const mlk_target *t)
{
    return t->criterion == MLK_CRITERION_VARIANCE ||
           (t->criterion == MLK_CRITERION_GINI && t->n_classes == 2 && !t->real);
}

/* The criterion for a task: auto resolved, MLK_EINVAL for one of the other task. */
mlk_status mlk_criterion_resolve(int word, size_t n_classes, mlk_criterion *criterion);

#endif
