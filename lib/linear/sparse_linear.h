#ifndef LINEAR_SPARSE_LINEAR_H
#define LINEAR_SPARSE_LINEAR_H

#include <mlkit/linear/elastic_net.h>
#include <mlkit/model.h>

/*
 * What the lasso and the elastic net are made of; the lasso is l1_ratio = 1. The public types
 * mlk_lasso and mlk_elastic_net are this one.
 */
typedef struct mlk_sparse_linear {
    double b;
    mlk_fit_info info;
    size_t p;
    double w[]; /* p weights */
} mlk_sparse_linear;

/* One of the two algorithms, and the elastic net that its options (NULL: the defaults) mean;
 * MLK_EINVAL: one is outside its domain. */
typedef struct mlk_sparse_linear_kind {
    const char *name;
    mlk_status (*options)(const void *opts, mlk_elastic_net_opts *out);
} mlk_sparse_linear_kind;

/* Fit the data once per options; models[k], an mlk_sparse_linear, belongs to opts[k]. Sorts them
 * into paths of falling alpha. On failure all models are NULL. */
mlk_status mlk_sparse_linear_fit(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                 const void *const *opts, size_t n_opts, const mlk_run *run,
                                 void **models);
/* The same with alphas in place of the one in opts. */
mlk_status mlk_sparse_linear_path(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                  mlk_cvec alphas, const void *opts, const mlk_run *run,
                                  mlk_sparse_linear **models);
mlk_status mlk_sparse_linear_alphas(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                    const void *opts, const mlk_run *run, mlk_vec alphas);
/* The grid of --path NAME, of which there is alpha: at most 100 values. */
mlk_status mlk_sparse_linear_grid(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                  const void *opts, const char *name, const mlk_run *run,
                                  size_t cap, double *values, size_t *n);
mlk_cvec mlk_sparse_linear_coef(const mlk_sparse_linear *model);

/* Thunks of both descriptors. */
mlk_status mlk_sparse_linear_predict(const void *state, mlk_cmat X, const mlk_run *run,
                                     mlk_vec out);
void mlk_sparse_linear_save(const void *state, mlk_doc *to);
mlk_status mlk_sparse_linear_load(const mlk_doc *from, size_t n_features, size_t n_classes,
                                  void **state);
void mlk_sparse_linear_learned(const void *state, mlk_doc *to);
mlk_fit_info mlk_sparse_linear_info(const void *state);
mlk_status mlk_sparse_linear_codegen(const void *state, mlk_codegen *to);
void mlk_sparse_linear_free(void *state);

#endif
