#ifndef LINEAR_LOGISTIC_MODEL_H
#define LINEAR_LOGISTIC_MODEL_H

#include <mlkit/linear/logistic.h>

/* Shared by the sources of logistic regression: the fitted model and its fit. */
struct mlk_logistic {
    mlk_fit_info info;
    size_t p, rows, n_classes;
    bool ovr;
    double w[]; /* rows x p weights, then `rows` intercepts */
};

static inline double *logistic_b(mlk_logistic *m) { return m->w + m->rows * m->p; }

/* A model of these shapes, its numbers not set. NULL: out of memory. */
mlk_logistic *logistic_new(size_t p, size_t n_classes, bool ovr);

/* mlk_logistic_fit(), its options checked, from the weights of `start` (or NULL: from 0). */
mlk_status logistic_fit_from(const mlk_data *data, const mlk_logistic_opts *opts,
                             const mlk_logistic *start, const mlk_run *run, mlk_logistic **model);

/* The grid of C, ascending, at most `cap` values. */
mlk_status logistic_path(const mlk_data *data, const mlk_logistic_opts *opts, const mlk_run *run,
                         size_t cap, double *values, size_t *n);

/* The intercept of a class without rows. */
#define LOGISTIC_ABSENT (-0.25e308)

#endif
