#ifndef SVM_SINGLE_H
#define SVM_SINGLE_H

#include "core/alloc.h"
#include "svm/dual.h"
#include "svm/machine.h"
#include "svm/common.h"

/* A machine of one function, w(x) + bias: regression and novelty detection. */
typedef struct mlk_single {
    mlk_machine machine;
    double bias;
    size_t *support; /* n_sv: training rows; NULL when loaded */
    mlk_svm_info info;
} mlk_single;

/* Problems of one kernel over the rows of positive weight: what a fit, or a grid, works with. */
typedef struct single_work {
    mlk_cmat X; /* rows (and columns, precomputed) of positive weight */
    size_t n;
    size_t *order;              /* n: row of the caller's */
    double *weights;            /* n */
    double *beta, *lo, *hi, *q; /* 2 n */
    double *f;                  /* n */
    dual_path path;             /* of f */
    mlk_kernel kernel;
    mlk_kernel_set set;
    dual_cache cache;
    mlk_scratch scratch;
} single_work;

mlk_status mlk_single_work_init(single_work *w, const mlk_data *data, const mlk_kernel *kernel,
                                double cache_mb, const mlk_run *run);
void mlk_single_work_free(single_work *w);

/* The solved problem as a model that predicts rows of `columns` features. */
mlk_status mlk_single_build(mlk_single *s, const single_work *w, const dual *d, double bias,
                            mlk_cmat X);
void mlk_single_clear(mlk_single *s);

mlk_status mlk_single_apply(const mlk_single *s, mlk_cmat X, const mlk_run *run, double *out,
                            size_t out_rows);
void mlk_single_save(const mlk_single *s, mlk_doc *to);
mlk_status mlk_single_load(mlk_single *s, const mlk_doc *from, size_t n_features);
void mlk_single_learned(const mlk_single *s, mlk_doc *to);

#endif
