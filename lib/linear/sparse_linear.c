#include "linear/sparse_linear.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "linear/working_set.h"
#include "model/algo.h"
#include "model/codegen.h"

static mlk_sparse_linear *new_model(size_t p)
{
    mlk_sparse_linear *model = mlk_alloc_flex(sizeof *model, p, sizeof model->w[0]);
    if (model) {
        model->b = 0.0;
        model->info = mlk_fit_info_none();
        model->p = p;
    }
    return model;
}

/* ---- fit */

typedef struct task {
    const mlk_elastic_net_opts *opts;
    size_t index; /* of the model */
} task;

static int sign_of(double a, double b) { return (a > b) - (a < b); }

/* Tasks of one path, that is with all options but alpha the same, compare equal. */
static int compare_paths(const mlk_elastic_net_opts *a, const mlk_elastic_net_opts *b)
{
    const int order[] = {sign_of(a->fit_intercept, b->fit_intercept),
                         sign_of(a->positive, b->positive), sign_of(a->l1_ratio, b->l1_ratio),
                         sign_of(b->tol, a->tol),
                         (a->max_iter > b->max_iter) - (a->max_iter < b->max_iter)};
    for (size_t i = 0; i < MLK_COUNT(order); i++)
        if (order[i])
            return order[i];
    return 0;
}

static int compare_tasks(const void *a, const void *b)
{
    const task *s = a, *t = b;
    const int path = compare_paths(s->opts, t->opts);
    if (path)
        return path;
    const int alpha = sign_of(t->opts->alpha, s->opts->alpha);
    return alpha ? alpha : (s->index > t->index) - (s->index < t->index);
}

static mlk_status solve_task(const task *t, mlk_working_set *ws, const char *name,
                             const mlk_run *run, void **models)
{
    const mlk_elastic_net_opts *o = t->opts;
    mlk_fit_info info;
    MLK_TRY(mlk_working_set_solve(ws, o, run, &info));
    if (!info.converged)
        mlk_run_warn(run,
                     "%s: no convergence in %lld passes at alpha = %g: duality gap %.3g, wanted "
                     "%.3g; raise max_iter, alpha or tol",
                     name, (long long)info.iterations, o->alpha, info.duality_gap,
                     mlk_working_set_target(ws, o->tol));
    const mlk_cvec w = mlk_working_set_coef(ws);
    mlk_sparse_linear *model = models[t->index] = new_model(w.n);
    if (!model)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", w.n);
    memcpy(model->w, w.data, w.n * sizeof *w.data);
    model->b = mlk_working_set_intercept(ws);
    model->info = info;
    return MLK_OK;
}

static mlk_status solve_tasks(const mlk_data *data, const task *tasks, size_t n, const char *name,
                              const mlk_run *run, mlk_working_set **ws, void **models)
{
    for (size_t k = 0; k < n; k++) {
        const mlk_elastic_net_opts *o = tasks[k].opts, *last = k ? tasks[k - 1].opts : NULL;
        if (!last || last->fit_intercept != o->fit_intercept) {
            mlk_working_set_free(*ws);
            MLK_TRY(mlk_working_set_new(data, o->fit_intercept, run, ws));
        } else if (compare_paths(last, o)) {
            mlk_working_set_restart(*ws);
        }
        MLK_TRY(solve_task(&tasks[k], *ws, name, run, models));
        MLK_TRY(mlk_run_poll(run, (double)(k + 1) / (double)n));
    }
    return MLK_OK;
}

static mlk_status fit_all(const mlk_data *data, const mlk_elastic_net_opts *opts, size_t n_opts,
                          const char *name, const mlk_run *run, void **models)
{
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS,
                           MLK_NEED_TARGET | MLK_NO_CLASSES | MLK_FINITE_LATER, run));
    task *tasks = mlk_alloc(n_opts, sizeof *tasks);
    if (!tasks)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu fits", n_opts);
    for (size_t k = 0; k < n_opts; k++)
        tasks[k] = (task){&opts[k], k};
    qsort(tasks, n_opts, sizeof *tasks, compare_tasks);

    mlk_working_set *ws = NULL;
    const mlk_status st = solve_tasks(data, tasks, n_opts, name, run, &ws, models);
    for (size_t k = 0; st != MLK_OK && k < n_opts; k++) {
        mlk_free(models[k]);
        models[k] = NULL;
    }
    mlk_working_set_free(ws);
    mlk_free(tasks);
    return st;
}

mlk_status mlk_sparse_linear_fit(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                 const void *const *opts, size_t n_opts, const mlk_run *run,
                                 void **models)
{
    mlk_status st = MLK_OK;
    for (size_t k = 0; k < n_opts; k++)
        models[k] = NULL;
    mlk_elastic_net_opts *all = mlk_alloc(n_opts, sizeof *all);
    if (!all)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu fits", n_opts);
    for (size_t k = 0; st == MLK_OK && k < n_opts; k++)
        st = kind->options(opts[k], &all[k]);
    if (st == MLK_OK)
        st = fit_all(data, all, n_opts, kind->name, run, models);
    mlk_free(all);
    return st;
}

mlk_status mlk_sparse_linear_path(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                  mlk_cvec alphas, const void *opts, const mlk_run *run,
                                  mlk_sparse_linear **models)
{
    mlk_elastic_net_opts o;
    for (size_t k = 0; k < alphas.n; k++)
        models[k] = NULL;
    MLK_TRY(kind->options(opts, &o));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_elastic_net_opts *all = mlk_scratch_take(&scratch, alphas.n, sizeof *all);
    void **fits = mlk_scratch_take(&scratch, alphas.n, sizeof *fits);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu fits", alphas.n) : MLK_OK;
    for (size_t k = 0; st == MLK_OK && k < alphas.n; k++) {
        fits[k] = NULL;
        all[k] = o;
        all[k].alpha = alphas.data[k];
        if (!(all[k].alpha > 0.0 && all[k].alpha < INFINITY))
            st = MLK_FAIL(MLK_EINVAL, "alphas[%zu] = %g is outside (0, inf)", k, all[k].alpha);
    }
    if (st == MLK_OK)
        st = fit_all(data, all, alphas.n, kind->name, run, fits);
    for (size_t k = 0; st == MLK_OK && k < alphas.n; k++)
        models[k] = fits[k];
    mlk_scratch_release(&scratch);
    return st;
}

/* ---- grid */

/* max_j |z_j't| / S: at this l1 the weights are all 0. */
static mlk_status largest_correlation(const mlk_data *data, const mlk_elastic_net_opts *opts,
                                      const mlk_run *run, mlk_vec mean, mlk_vec g, mlk_vec u,
                                      double *out)
{
    const size_t n = data->X.rows;
    double total = 0.0, y_mean = 0.0, sum = 0.0, worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        total += mlk_weight(data->w, i);
        y_mean += mlk_weight(data->w, i) * data->y.data[i];
    }
    y_mean = opts->fit_intercept ? y_mean / total : 0.0;
    for (size_t i = 0; i < n; i++)
        sum += u.data[i] = mlk_weight(data->w, i) * (data->y.data[i] - y_mean);
    if (!opts->fit_intercept)
        sum = 0.0; /* X is not centred */
    MLK_TRY(mlk_column_means(data->X, data->w, run, mean));
    MLK_TRY(mlk_gemv_t(data->X, mlk_vec_c(u), run, g));
    for (size_t j = 0; j < g.n; j++) {
        const double z = g.data[j] - sum * mean.data[j];
        worst = fmax(worst, opts->positive ? z : fabs(z));
    }
    *out = worst / total;
    return MLK_OK;
}

mlk_status mlk_sparse_linear_alphas(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                    const void *opts, const mlk_run *run, mlk_vec alphas)
{
    const size_t n = data->X.rows, p = data->X.cols;
    double first = 0.0;
    mlk_elastic_net_opts o;
    MLK_TRY(kind->options(opts, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NO_CLASSES, run));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec mean = mlk_scratch_vec(&scratch, p), g = mlk_scratch_vec(&scratch, p);
    const mlk_vec u = mlk_scratch_vec(&scratch, n);
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu correlations", p)
                                         : largest_correlation(data, &o, run, mean, g, u, &first);
    mlk_scratch_release(&scratch);
    if (st != MLK_OK)
        return st;
    if (!(first < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "the products of X and y overflow; scale them");
    first = first > 0.0 ? first / fmax(o.l1_ratio, 1e-3) : 1.0;
    const double eps = n > p ? 1e-3 : 1e-2;
    for (size_t k = 0; k < alphas.n; k++)
        alphas.data[k] = first * (k ? pow(eps, (double)k / (double)(alphas.n - 1)) : 1.0);
    return MLK_OK;
}

mlk_status mlk_sparse_linear_grid(const mlk_sparse_linear_kind *kind, const mlk_data *data,
                                  const void *opts, const char *name, const mlk_run *run,
                                  size_t cap, double *values, size_t *n)
{
    if (strcmp(name, "alpha") != 0)
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s has no path over '%s'; expected alpha", kind->name,
                        name);
    *n = cap < 100 ? cap : 100;
    return mlk_sparse_linear_alphas(kind, data, opts, run, (mlk_vec){values, *n});
}

/* ---- the fitted model */

mlk_cvec mlk_sparse_linear_coef(const mlk_sparse_linear *model)
{
    return (mlk_cvec){model->w, model->p};
}

mlk_status mlk_sparse_linear_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    const mlk_sparse_linear *model = state;
    MLK_TRY(mlk_predict_check(X, model->p, out.n));
    return mlk_affine(X, mlk_sparse_linear_coef(model), model->b, run, out);
}

void mlk_sparse_linear_learned(const void *state, mlk_doc *to)
{
    const mlk_sparse_linear *model = state;
    mlk_doc_put_vec(to, "coef", mlk_sparse_linear_coef(model));
    mlk_doc_put_real(to, "intercept", model->b);
}

/* Weights that are mostly 0 are saved as one byte each, 1 where there is a weight, and the others
 * in order. (A list of positions would be shorter, but then a small file could ask for any amount
 * of memory.) */
void mlk_sparse_linear_save(const void *state, mlk_doc *to)
{
    const mlk_sparse_linear *model = state;
    size_t n = 0;
    for (size_t j = 0; j < model->p; j++)
        n += model->w[j] != 0.0;
    if (n > model->p / 2) {
        mlk_sparse_linear_learned(state, to);
        return;
    }
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    uint8_t *nonzero = mlk_scratch_take(&scratch, model->p, sizeof *nonzero);
    double *values = mlk_scratch_vec(&scratch, n).data;
    if (scratch.failed) { /* the dense form needs no scratch */
        mlk_sparse_linear_learned(state, to);
    } else {
        n = 0;
        for (size_t j = 0; j < model->p; j++)
            if ((nonzero[j] = model->w[j] != 0.0))
                values[n++] = model->w[j];
        mlk_doc_put_array(to, "nonzero", MLK_U8, nonzero, model->p, 0);
        mlk_doc_put_vec(to, "values", (mlk_cvec){values, n});
        mlk_doc_put_real(to, "intercept", model->b);
    }
    mlk_scratch_release(&scratch);
}

/* Both forms: `nonzero` is NULL or p bytes of which n are 1, and `values` has n. */
static mlk_status read_weights(const mlk_doc *from, size_t p, const uint8_t **nonzero,
                               mlk_cvec *values)
{
    mlk_doc_array mask;
    size_t n = 0;
    *nonzero = NULL;
    if (!mlk_doc_find(from, "nonzero"))
        return mlk_doc_get_vec(from, "coef", p, values);
    MLK_TRY(mlk_doc_get_array(from, "nonzero", MLK_U8, &mask));
    if (mask.rows != p || mask.cols != 0)
        return MLK_FAIL(MLK_EFORMAT, "'nonzero' is %zu x %zu; expected %zu values", mask.rows,
                        mask.cols, p);
    *nonzero = mask.data;
    for (size_t j = 0; j < p; j++) {
        if ((*nonzero)[j] > 1)
            return MLK_FAIL(MLK_EFORMAT, "'nonzero' has a %d; expected 0 or 1", (*nonzero)[j]);
        n += (*nonzero)[j];
    }
    return mlk_doc_get_vec(from, "values", n, values);
}

mlk_status mlk_sparse_linear_load(const mlk_doc *from, size_t n_features, size_t n_classes,
                                  void **state)
{
    const uint8_t *nonzero;
    mlk_cvec values;
    double b;
    if (n_classes)
        return MLK_FAIL(MLK_EFORMAT, "a regression with %zu classes; expected none", n_classes);
    MLK_TRY(read_weights(from, n_features, &nonzero, &values));
    MLK_TRY(mlk_doc_get_real(from, "intercept", -DBL_MAX, DBL_MAX, &b));
    mlk_sparse_linear *model = new_model(n_features);
    if (!model)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", n_features);
    model->b = b;
    for (size_t j = 0, k = 0; j < n_features; j++)
        model->w[j] = !nonzero || nonzero[j] ? values.data[k++] : 0.0;
    *state = model;
    return MLK_OK;
}

mlk_status mlk_sparse_linear_codegen(const void *state, mlk_codegen *to)
{
    const mlk_sparse_linear *fit = state;
    mlk_codegen_affine(to, "", (mlk_cmat){fit->w, 1, fit->p, fit->p}, (mlk_cvec){&fit->b, 1});
    return MLK_OK;
}

mlk_fit_info mlk_sparse_linear_info(const void *state)
{
    return ((const mlk_sparse_linear *)state)->info;
}

void mlk_sparse_linear_free(void *state) { mlk_free(state); }
