#include <mlkit/linear/ridge.h>

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "model/codegen.h"

struct mlk_ridge {
    double b;
    mlk_fit_info info;
    size_t p;
    double w[]; /* p weights */
};

static const mlk_opt opt_table[] = {
    MLK_OPT_REAL(mlk_ridge_opts, alpha, 1.0, 0.0, INFINITY, "weight of the L2 penalty"),
    MLK_OPT_BOOL(mlk_ridge_opts, fit_intercept, true, "estimate an intercept"),
    MLK_OPT_END,
};

mlk_ridge_opts mlk_ridge_opts_default(void)
{
    mlk_ridge_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* p <= n: the normal equations. Forming X'X squares the condition number of X, but alpha caps
 * it at 1 + s_max^2 / alpha, and mlk_chol() refuses what is singular to working precision. */
static mlk_status solve_primal(const mlk_data *d, mlk_cvec x_mean, double y_mean, double alpha,
                               const mlk_run *run, mlk_mat A, mlk_vec w)
{
    MLK_TRY(mlk_gram(d->X, d->w, d->y, x_mean, y_mean, run, A, w));
    for (size_t j = 0; j < A.rows; j++)
        A.data[j * A.ld + j] += alpha;
    MLK_TRY(mlk_chol(A, NULL));
    mlk_chol_solve(mlk_mat_c(A), (mlk_mat){w.data, w.n, 1, 1});
    return MLK_OK;
}

/* n < p: w = Z'u with (ZZ' + alpha I) u = z for the centred rows Z, z times sqrt(s_i). */
static mlk_status solve_dual(const mlk_data *d, mlk_cvec x_mean, double y_mean, double alpha,
                             const mlk_run *run, mlk_mat A, mlk_mat Z, mlk_vec z, mlk_vec w)
{
    for (size_t i = 0; i < Z.rows; i++) {
        const double root = sqrt(mlk_weight(d->w, i)), *x = d->X.data + i * d->X.ld;
        for (size_t j = 0; j < Z.cols; j++)
            Z.data[i * Z.ld + j] = root * (x[j] - x_mean.data[j]);
        z.data[i] = root * (d->y.data[i] - y_mean);
    }
    MLK_TRY(mlk_gram_rows(mlk_mat_c(Z), run, A));
    for (size_t i = 0; i < A.rows; i++)
        A.data[i * A.ld + i] += alpha;
    MLK_TRY(mlk_chol(A, NULL));
    mlk_chol_solve(mlk_mat_c(A), (mlk_mat){z.data, z.n, 1, 1});
    return mlk_gemv_t(mlk_mat_c(Z), mlk_vec_c(z), run, w);
}

/* Objective (1) and the largest component of its gradient, from the residuals. */
static mlk_status certify(const mlk_data *d, const mlk_ridge_opts *o, const mlk_run *run, mlk_vec r,
                          mlk_vec g, mlk_ridge *fit)
{
    double sum = 0.0, grad_b = 0.0, penalty = 0.0, worst = 0.0;
    MLK_TRY(mlk_ridge_predict(fit, d->X, run, r));
    for (size_t i = 0; i < r.n; i++) {
        const double s = mlk_weight(d->w, i), e = d->y.data[i] - r.data[i];
        sum += s * e * e;
        grad_b += r.data[i] = s * e;
    }
    MLK_TRY(mlk_gemv_t(d->X, mlk_vec_c(r), run, g));
    for (size_t j = 0; j < g.n; j++) {
        penalty += fit->w[j] * fit->w[j];
        worst = fmax(worst, fabs(2.0 * (o->alpha * fit->w[j] - g.data[j])));
    }
    fit->info = mlk_fit_info_none();
    fit->info.objective = sum + o->alpha * penalty;
    fit->info.kkt_violation = o->fit_intercept ? fmax(worst, fabs(2.0 * grad_b)) : worst;
    return MLK_OK;
}

mlk_status mlk_ridge_fit(const mlk_data *data, const mlk_ridge_opts *opts, const mlk_run *run,
                         mlk_ridge **model)
{
    const mlk_ridge_opts o = opts ? *opts : mlk_ridge_opts_default();

    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NO_CLASSES, run));

    const size_t n = data->X.rows, p = data->X.cols, m = n < p ? n : p;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat A = mlk_scratch_mat(&scratch, m, m);
    const mlk_mat Z = n < p ? mlk_scratch_mat(&scratch, n, p) : (mlk_mat){NULL, 0, 0, 0};
    const mlk_vec x_mean = mlk_scratch_vec(&scratch, p), g = mlk_scratch_vec(&scratch, p);
    const mlk_vec r = mlk_scratch_vec(&scratch, n);
    mlk_ridge *fit = mlk_alloc_flex(sizeof *fit, p, sizeof fit->w[0]);
    double y_mean = 0.0;
    mlk_status st;
    if (scratch.failed || !fit) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu ridge problem", n, p);
        goto out;
    }
    fit->p = p;
    fit->b = 0.0;
    const mlk_vec w = {fit->w, p};

    for (size_t j = 0; j < p; j++)
        x_mean.data[j] = 0.0;
    if (o.fit_intercept) {
        if ((st = mlk_column_means(data->X, data->w, run, x_mean)) != MLK_OK ||
            (st = mlk_column_means((mlk_cmat){data->y.data, n, 1, 1}, data->w, run,
                                   (mlk_vec){&y_mean, 1})) != MLK_OK)
            goto out;
    }
    st = n < p ? solve_dual(data, mlk_vec_c(x_mean), y_mean, o.alpha, run, A, Z, r, w)
               : solve_primal(data, mlk_vec_c(x_mean), y_mean, o.alpha, run, A, w);
    if (st != MLK_OK)
        goto out;
    fit->b = y_mean - mlk_dot(mlk_vec_c(x_mean), mlk_vec_c(w));
    if ((st = certify(data, &o, run, r, g, fit)) != MLK_OK)
        goto out;
    *model = fit;
    fit = NULL;
out:
    mlk_free(fit);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_ridge_predict(const mlk_ridge *model, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, model->p, out.n));
    return mlk_affine(X, mlk_ridge_coef(model), model->b, run, out);
}

mlk_cvec mlk_ridge_coef(const mlk_ridge *model) { return (mlk_cvec){model->w, model->p}; }
double mlk_ridge_intercept(const mlk_ridge *model) { return model->b; }
mlk_fit_info mlk_ridge_info(const mlk_ridge *model) { return model->info; }
void mlk_ridge_free(mlk_ridge *model) { mlk_free(model); }

/* ------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_ridge *fit;
    const mlk_status st = mlk_ridge_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_ridge_predict(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_ridge *fit = state;
    mlk_doc_put_vec(to, "coef", mlk_ridge_coef(fit));
    mlk_doc_put_real(to, "intercept", fit->b);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_cvec coef;
    double b;
    if (n_classes)
        return MLK_FAIL(MLK_EFORMAT, "ridge with %zu classes; expected none", n_classes);
    MLK_TRY(mlk_doc_get_vec(from, "coef", n_features, &coef));
    MLK_TRY(mlk_doc_get_real(from, "intercept", -DBL_MAX, DBL_MAX, &b));
    mlk_ridge *fit = mlk_alloc_flex(sizeof *fit, n_features, sizeof fit->w[0]);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", n_features);
    fit->p = n_features;
    fit->b = b;
    fit->info = mlk_fit_info_none();
    for (size_t j = 0; j < n_features; j++)
        fit->w[j] = coef.data[j];
    *state = fit;
    return MLK_OK;
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_ridge *fit = state;
    mlk_codegen_affine(to, "", (mlk_cmat){fit->w, 1, fit->p, fit->p}, (mlk_cvec){&fit->b, 1});
    return MLK_OK;
}

static mlk_fit_info algo_info(const void *state) { return mlk_ridge_info(state); }
static void algo_free(void *state) { mlk_ridge_free(state); }

const mlk_algo mlk_ridge_algo = {
    .name = "ridge",
    .help = "least squares with an L2 penalty",
    .tasks = MLK_REGRESSION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .opts_size = sizeof(mlk_ridge_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_save,
    .info = algo_info,
    .codegen = algo_codegen,
    .free = algo_free,
};
