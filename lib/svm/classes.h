#ifndef SVM_CLASSES_H
#define SVM_CLASSES_H

#include <mlkit/svm/svc.h>

#include "svm/dual.h"

/*
 * The machines of a classification, trained for several options at once that share the kernel:
 * each machine's kernel rows stay in the cache while C rises, and each solution, scaled to the new
 * C, starts the next.
 *
 * Rows are sorted by class first, so that a pair of classes is two ranges of rows.
 */
typedef struct svc_rows {
    mlk_cmat X; /* sorted by class; precomputed: columns too */
    size_t n, k;
    size_t *order;    /* n: row of the caller's data */
    size_t *starts;   /* k + 1 */
    double *weights;  /* n */
    double *balanced; /* n: times what balances the classes */
    double *memory;
} svc_rows;

/* Rows of weight 0 are left out. MLK_EINVAL: an empty class. */
mlk_status mlk_svc_rows_init(svc_rows *rows, const mlk_data *data, bool precomputed);
void mlk_svc_rows_free(svc_rows *rows);

/* Machines of k classes, and coefficients of a row: one for each machine that it is in. */
static inline size_t svc_n_machines(size_t k, int multi_class)
{
    return k == 2 ? 1 : multi_class == MLK_SVC_OVR ? k : k * (k - 1) / 2;
}
static inline size_t svc_width(size_t k, int multi_class)
{
    return k == 2 ? 1 : multi_class == MLK_SVC_OVR ? k : k - 1;
}

/* The trained machines of one options struct. */
typedef struct svc_solution {
    size_t n_machines, width;
    double *coef; /* n x width, rows as in svc_rows; layout of mlk_svc_dual_coef() */
    double *bias; /* n_machines */
    mlk_svm_info info;
} svc_solution;

void mlk_svc_solution_free(svc_solution *s);

/* Solutions for n_opts options of the same kernel, multi_class and kind (C or nu). */
mlk_status mlk_svc_train(const svc_rows *rows, const mlk_svc_opts *const *opts, size_t n_opts,
                         const mlk_kernel *kernel, const mlk_run *run, svc_solution *solutions);

#endif
