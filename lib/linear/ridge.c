#include <mlkit/linear/ridge.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "linear/ridge_system.h"
#include "model/algo.h"
#include "model/codegen.h"

struct mlk_ridge {
    double b;
    mlk_fit_info info;
    size_t p;
    double w[]; /* p weights */
};

static const mlk_word solvers[] = {
    {"auto", MLK_RIDGE_AUTO}, {"cholesky", MLK_RIDGE_CHOLESKY}, {"svd", MLK_RIDGE_SVD}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_REAL(mlk_ridge_opts, alpha, 1.0, 0.0, INFINITY, "weight of the L2 penalty"),
    MLK_OPT_BOOL(mlk_ridge_opts, fit_intercept, true, "estimate an intercept"),
    MLK_OPT_WORD(mlk_ridge_opts, solver, MLK_RIDGE_AUTO, solvers, "how the system is solved"),
    MLK_OPT_END,
};

/* Where the reciprocal condition number of the system is below this, `auto` avoids it. */
static const double SAFE_RCOND = 1e-9;
/* Up to so many values of X, the certificate is taken from the residuals themselves. */
static const size_t SMALL = 1 << 22;

mlk_ridge_opts mlk_ridge_opts_default(void)
{
    mlk_ridge_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------ certificates */

/* Objective (1) and the largest component of its gradient, from the residuals. */
static mlk_status certify(const mlk_data *d, const mlk_ridge_opts *o, const mlk_run *run,
                          mlk_ridge *fit)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec r = mlk_scratch_vec(&scratch, d->X.rows), g = mlk_scratch_vec(&scratch, fit->p);
    double sum = 0.0, grad_b = 0.0, penalty = 0.0, worst = 0.0;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu residuals", d->X.rows)
                                   : mlk_ridge_predict(fit, d->X, run, r);
    for (size_t i = 0; st == MLK_OK && i < r.n; i++) {
        const double s = mlk_weight(d->w, i), e = d->y.data[i] - r.data[i];
        sum += s * e * e;
        grad_b += r.data[i] = s * e;
    }
    if (st == MLK_OK)
        st = mlk_gemv_t(d->X, mlk_vec_c(r), run, g);
    for (size_t j = 0; st == MLK_OK && j < g.n; j++) {
        penalty += fit->w[j] * fit->w[j];
        worst = fmax(worst, fabs(2.0 * (o->alpha * fit->w[j] - g.data[j])));
    }
    fit->info = mlk_fit_info_none();
    fit->info.objective = sum + o->alpha * penalty;
    fit->info.kkt_violation = o->fit_intercept ? fmax(worst, fabs(2.0 * grad_b)) : worst;
    mlk_scratch_release(&scratch);
    return st;
}

/* The same from the products of the columns, where another read of X would cost as much as the
 * fit: z'z - w'(2 c - G w) + alpha w'w with c = Z'z. */
static void certify_products(const ridge_system *s, double alpha, mlk_ridge *fit)
{
    const size_t p = fit->p;
    const double *c = s->G.data + p * s->G.ld;
    double objective = c[p], worst = 0.0;
    for (size_t j = 0; j < p; j++) {
        double g = alpha * fit->w[j] - c[j];
        for (size_t i = 0; i < p; i++)
            g += s->G.data[j * s->G.ld + i] * fit->w[i];
        objective += fit->w[j] * (g - c[j]);
        worst = fmax(worst, 2.0 * fabs(g));
    }
    fit->info = mlk_fit_info_none();
    fit->info.objective = fmax(objective, 0.0);
    fit->info.kkt_violation = worst;
}

/* --------------------------------------------------------------------- fit */

static mlk_status solve(ridge_system *s, const mlk_ridge_opts *o, const mlk_run *run, mlk_vec w)
{
    double rcond = 0.0;
    if (o->solver == MLK_RIDGE_CHOLESKY)
        return ridge_system_cholesky(s, o->alpha, run, w, &rcond);
    if (o->solver == MLK_RIDGE_AUTO) {
        const mlk_status st = ridge_system_cholesky(s, o->alpha, run, w, &rcond);
        if (st != MLK_OK && st != MLK_ESINGULAR)
            return st;
        if (st == MLK_OK && rcond > SAFE_RCOND)
            return MLK_OK;
    }
    return ridge_system_svd(s, o->alpha, run, w);
}

static mlk_status fit_one(ridge_system *s, const mlk_ridge_opts *o, const mlk_run *run,
                          mlk_ridge **model)
{
    const mlk_data *d = s->data;
    const size_t p = d->X.cols;
    mlk_ridge *fit = mlk_alloc_flex(sizeof *fit, p, sizeof fit->w[0]);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", p);
    fit->p = p;
    const mlk_vec w = {fit->w, p};
    mlk_status st = mlk_run_poll(run, -1.0);
    if (st == MLK_OK)
        st = solve(s, o, run, w);
    if (st == MLK_OK) {
        fit->b = s->mean.data[p] - mlk_dot((mlk_cvec){s->mean.data, p}, mlk_vec_c(w));
        if (s->dual || d->X.rows * p <= SMALL)
            st = certify(d, o, run, fit);
        else
            certify_products(s, o->alpha, fit);
    }
    if (st != MLK_OK) {
        mlk_ridge_free(fit);
        return st;
    }
    *model = fit;
    return MLK_OK;
}

/* One system for all that agree on the intercept. */
static mlk_status fit_all(const mlk_data *data, const void *const *opts, size_t n_opts,
                          const mlk_run *run, void **models)
{
    for (int intercept = 0; intercept < 2; intercept++) {
        ridge_system system = {.scratch = MLK_SCRATCH_INIT};
        mlk_status st = MLK_OK;
        for (size_t k = 0; st == MLK_OK && k < n_opts; k++) {
            const mlk_ridge_opts *o = opts[k];
            if (o->fit_intercept != intercept)
                continue;
            if (!system.data)
                st = ridge_system_init(data, intercept, run, &system);
            mlk_ridge *fit = NULL;
            if (st == MLK_OK)
                st = fit_one(&system, o, run, &fit);
            models[k] = fit;
        }
        ridge_system_release(&system);
        MLK_TRY(st);
    }
    return MLK_OK;
}

static mlk_status fit_many(const mlk_data *data, const void *const *opts, size_t n_opts,
                           const mlk_run *run, void **models)
{
    for (size_t k = 0; k < n_opts; k++)
        models[k] = NULL;
    for (size_t k = 0; k < n_opts; k++)
        MLK_TRY(mlk_opts_check(opt_table, opts[k]));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS,
                           MLK_NEED_TARGET | MLK_NO_CLASSES | MLK_FINITE_LATER, run));
    const mlk_status st = fit_all(data, opts, n_opts, run, models);
    for (size_t k = 0; st != MLK_OK && k < n_opts; k++) {
        mlk_ridge_free(models[k]);
        models[k] = NULL;
    }
    return st;
}

mlk_status mlk_ridge_fit(const mlk_data *data, const mlk_ridge_opts *opts, const mlk_run *run,
                         mlk_ridge **model)
{
    const mlk_ridge_opts o = opts ? *opts : mlk_ridge_opts_default();
    const void *const one[] = {&o};
    void *fit;
    const mlk_status st = fit_many(data, one, 1, run, &fit);
    *model = fit;
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

/* Leave-one-out for all options that agree on the intercept: alphas together. */
static mlk_status algo_loo(const mlk_data *data, const void *const *opts, size_t n_opts,
                           const mlk_run *run, mlk_mat out)
{
    const mlk_ridge_opts *first = opts[0];
    bool uniform = true;
    double *alphas = mlk_alloc(n_opts, sizeof *alphas);
    mlk_status st = alphas ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for %zu alphas", n_opts);
    for (size_t k = 0; st == MLK_OK && k < n_opts; k++) {
        const mlk_ridge_opts *o = opts[k];
        st = mlk_opts_check(opt_table, o);
        uniform &= o->fit_intercept == first->fit_intercept;
        alphas[k] = o->alpha;
    }
    if (st == MLK_OK && uniform)
        st = mlk_ridge_loo(data, (mlk_cvec){alphas, n_opts}, first->fit_intercept, run, out);
    for (size_t k = 0; st == MLK_OK && !uniform && k < n_opts; k++) {
        const mlk_ridge_opts *o = opts[k];
        const mlk_mat column = {out.data + k, out.rows, 1, out.ld};
        st = mlk_ridge_loo(data, (mlk_cvec){alphas + k, 1}, o->fit_intercept, run, column);
    }
    mlk_free(alphas);
    return st;
}

/*
 * The grid of --path alpha: 100 values, equally spaced in the logarithm, from 100 times the sum of
 * squares of the centred X, where w is all but 0, down to 1e-8 of its mean over the columns.
 */
static mlk_status algo_path(const mlk_data *data, const void *opts, const char *name,
                            const mlk_run *run, size_t cap, double *values, size_t *n)
{
    const mlk_ridge_opts *o = opts;
    const size_t p = data->X.cols;
    if (strcmp(name, "alpha") != 0)
        return MLK_FAIL(MLK_EUNSUPPORTED, "ridge has no path of '%s'; expected alpha", name);
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NO_CLASSES, run));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec mean = mlk_scratch_vec(&scratch, p), var = mlk_scratch_vec(&scratch, p);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu means", p)
                                   : mlk_column_moments(data->X, data->w, run, mean, var);
    double total = 0.0, weight = 0.0;
    for (size_t i = 0; i < data->X.rows; i++)
        weight += mlk_weight(data->w, i);
    for (size_t j = 0; st == MLK_OK && j < p; j++)
        total += weight * (var.data[j] + (o->fit_intercept ? 0.0 : mean.data[j] * mean.data[j]));
    mlk_scratch_release(&scratch);
    const double high = total > 0.0 ? 100.0 * total : 1.0, low = 1e-10 * high / (double)p;
    *n = cap < 100 ? cap : 100;
    for (size_t k = 0; k < *n; k++)
        values[k] = high * pow(low / high, *n > 1 ? (double)k / (double)(*n - 1) : 0.0);
    return st;
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
    .fit_many = fit_many,
    .loo = algo_loo,
    .path = algo_path,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_save,
    .info = algo_info,
    .codegen = algo_codegen,
    .free = algo_free,
};
