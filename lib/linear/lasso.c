#include <mlkit/linear/lasso.h>

#include <math.h>

#include "linear/sparse_linear.h"

static const mlk_opt opt_table[] = {
    MLK_OPT_REAL_OPEN(mlk_lasso_opts, alpha, 1.0, 0.0, INFINITY,
                      "weight of the L1 penalty (for 0 use linear)"),
    MLK_OPT_BOOL(mlk_lasso_opts, fit_intercept, true, "estimate an intercept"),
    MLK_OPT_BOOL(mlk_lasso_opts, positive, false, "only weights of at least 0"),
    MLK_OPT_REAL(mlk_lasso_opts, tol, 1e-4, 0.0, INFINITY,
                 "stop at this duality gap, relative to the squares of y"),
    MLK_OPT_INT(mlk_lasso_opts, max_iter, 1000, 1, INFINITY,
                "passes of coordinate descent over a working set at most"),
    MLK_OPT_END,
};

mlk_lasso_opts mlk_lasso_opts_default(void)
{
    mlk_lasso_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_status as_elastic_net(const void *opts, mlk_elastic_net_opts *out)
{
    const mlk_lasso_opts o = opts ? *(const mlk_lasso_opts *)opts : mlk_lasso_opts_default();
    *out = (mlk_elastic_net_opts){.alpha = o.alpha,
                                  .l1_ratio = 1.0,
                                  .fit_intercept = o.fit_intercept,
                                  .positive = o.positive,
                                  .tol = o.tol,
                                  .max_iter = o.max_iter};
    return mlk_opts_check(opt_table, &o);
}

static const mlk_sparse_linear_kind kind = {"lasso", as_elastic_net};

mlk_status mlk_lasso_fit(const mlk_data *data, const mlk_lasso_opts *opts, const mlk_run *run,
                         mlk_lasso **model)
{
    const void *one = opts;
    void *fit;
    const mlk_status st = mlk_sparse_linear_fit(&kind, data, &one, 1, run, &fit);
    *model = fit;
    return st;
}

mlk_status mlk_lasso_path(const mlk_data *data, mlk_cvec alphas, const mlk_lasso_opts *opts,
                          const mlk_run *run, mlk_lasso **models)
{
    return mlk_sparse_linear_path(&kind, data, alphas, opts, run, models);
}

mlk_status mlk_lasso_alphas(const mlk_data *data, const mlk_lasso_opts *opts, const mlk_run *run,
                            mlk_vec alphas)
{
    return mlk_sparse_linear_alphas(&kind, data, opts, run, alphas);
}

mlk_status mlk_lasso_predict(const mlk_lasso *model, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_sparse_linear_predict(model, X, run, out);
}

mlk_cvec mlk_lasso_coef(const mlk_lasso *model) { return mlk_sparse_linear_coef(model); }
double mlk_lasso_intercept(const mlk_lasso *model) { return model->b; }
mlk_fit_info mlk_lasso_info(const mlk_lasso *model) { return model->info; }
void mlk_lasso_free(mlk_lasso *model) { mlk_sparse_linear_free(model); }

/* ------------------------------------------------------------- descriptor */

static mlk_status algo_fit_many(const mlk_data *data, const void *const *opts, size_t n_opts,
                                const mlk_run *run, void **states)
{
    return mlk_sparse_linear_fit(&kind, data, opts, n_opts, run, states);
}

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    return mlk_sparse_linear_fit(&kind, data, &opts, 1, run, state);
}

static mlk_status algo_path(const mlk_data *data, const void *opts, const char *name,
                            const mlk_run *run, size_t cap, double *values, size_t *n)
{
    return mlk_sparse_linear_grid(&kind, data, opts, name, run, cap, values, n);
}

const mlk_algo mlk_lasso_algo = {
    .name = "lasso",
    .help = "least squares with an L1 penalty: a sparse model",
    .tasks = MLK_REGRESSION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .opts_size = sizeof(mlk_lasso_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .fit_many = algo_fit_many,
    .path = algo_path,
    .predict = mlk_sparse_linear_predict,
    .save = mlk_sparse_linear_save,
    .load = mlk_sparse_linear_load,
    .learned = mlk_sparse_linear_learned,
    .info = mlk_sparse_linear_info,
    .codegen = mlk_sparse_linear_codegen,
    .free = mlk_sparse_linear_free,
};
