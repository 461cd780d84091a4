#include <mlkit/svm/svr.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/sort.h"
#include "core/status.h"
#include "model/algo.h"
#include "svm/libsvm.h"
#include "svm/single.h"

struct mlk_svr {
    mlk_single single;
    double epsilon;
};

static const mlk_opt opt_table[] = {
    SVM_KERNEL_OPTIONS(mlk_svr_opts),
    MLK_OPT_REAL_OPEN(mlk_svr_opts, C, 1.0, 0.0, INFINITY, "weight of the losses"),
    MLK_OPT_REAL(mlk_svr_opts, epsilon, 0.1, 0.0, INFINITY, "errors up to this cost nothing"),
    MLK_OPT_REAL_WORDS(mlk_svr_opts, nu, MLK_SVM_NO_NU, 0.0, 1.0, true, mlk_svm_nu_words,
                       "share of rows outside the tube at most; epsilon unused"),
    SVM_SOLVER_OPTIONS(mlk_svr_opts),
    MLK_OPT_END,
};

mlk_svr_opts mlk_svr_opts_default(void)
{
    mlk_svr_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* b = a - a* in [-C, C], with a kink of epsilon; the nu form: a in [0, C], -a* in [-C, 0]. */
static dual problem(const mlk_svr_opts *o, single_work *w, const double *y)
{
    const size_t n = w->n;
    const bool nu = o->nu != MLK_SVM_NO_NU;
    for (size_t i = 0; i < n; i++) {
        const double bound = o->C * w->weights[i];
        w->hi[i] = bound;
        w->lo[i] = nu ? 0.0 : -bound;
        w->hi[n + i] = 0.0;
        w->lo[n + i] = -bound;
        w->q[i] = w->q[n + i] = -y[w->order[i]];
    }
    return (dual){.groups = nu ? 2 : 1,
                  .kink = nu ? 0.0 : o->epsilon,
                  .beta = w->beta,
                  .f = w->f,
                  .path = &w->path,
                  .lo = w->lo,
                  .hi = w->hi,
                  .q = w->q,
                  .tol = o->tol,
                  .max_steps = mlk_svm_cap(o->max_iter, n),
                  .shrinking = o->shrinking};
}

/* nu form: both groups sum to nu/2 of all bounds, each sample's in balance: then f = 0. */
static void start_nu(const mlk_svr_opts *o, single_work *w)
{
    double left = 0.0;
    w->path = (dual_path){0};
    for (size_t i = 0; i < w->n; i++)
        left += 0.5 * o->nu * w->hi[i];
    for (size_t i = 0; i < w->n; i++) {
        w->beta[i] = fmin(left, w->hi[i]);
        w->beta[w->n + i] = -w->beta[i];
        w->f[i] = 0.0;
        left -= w->beta[i];
    }
}

/* One fit; last_C > 0: the work holds the solution of that C. */
static mlk_status fit_one(const mlk_data *data, const mlk_svr_opts *o, single_work *w,
                          double last_C, const mlk_run *run, mlk_svr **model)
{
    dual d = problem(o, w, data->y.data);
    if (d.groups > 1)
        start_nu(o, w);
    else
        mlk_svm_rescale(last_C > 0.0 ? o->C / last_C : 0.0, w->n, w->n, w->lo, w->hi, w->beta, w->f,
                        &w->path);
    MLK_TRY(mlk_dual_solve(&d, &w->cache, run));
    mlk_svr *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    const double bias = d.groups > 1 ? 0.5 * (d.bias[0] + d.bias[1]) : d.bias[0];
    fit->epsilon = d.groups > 1 ? 0.5 * (d.bias[0] - d.bias[1]) : o->epsilon;
    const mlk_status st = mlk_single_build(&fit->single, w, &d, bias, data->X);
    if (st != MLK_OK) {
        mlk_free(fit);
        return st;
    }
    mlk_svm_warn(&fit->single.info, o->tol, data->X, run);
    *model = fit;
    return MLK_OK;
}

static mlk_status check(const mlk_data *data, const mlk_svr_opts *o, const mlk_run *run,
                        mlk_kernel *kernel)
{
    MLK_TRY(mlk_opts_check(opt_table, o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NO_CLASSES, run));
    return mlk_svm_kernel(o->kernel, o->gamma, o->degree, o->coef0, data->X, kernel);
}

/* All options with the kernel of the first, by rising C: each solution starts the next, and the
 * kernel matrix stays. */
static mlk_status fit_alike(const mlk_data *data, const void *const *opts, size_t n_opts,
                            size_t first, const mlk_kernel *kernels, const size_t *order,
                            const mlk_run *run, void **states)
{
    const mlk_svr_opts *head = opts[first];
    single_work w;
    double last_C = 0.0;
    MLK_TRY(mlk_single_work_init(&w, data, &kernels[first], head->cache_mb, run));
    mlk_status st = MLK_OK;
    for (size_t k = 0; st == MLK_OK && k < n_opts; k++) {
        const size_t j = order[k];
        const mlk_svr_opts *o = opts[j];
        mlk_svr *fit = NULL;
        if (o->cache_mb != head->cache_mb ||
            memcmp(&kernels[j], &kernels[first], sizeof kernels[j]) != 0)
            continue;
        st = fit_one(data, o, &w, last_C, run, &fit);
        states[j] = fit;
        last_C = o->nu == MLK_SVM_NO_NU ? o->C : 0.0;
    }
    mlk_single_work_free(&w);
    return st;
}

static mlk_status check_grid(const mlk_data *data, const void *const *opts, size_t n_opts,
                             const mlk_run *run, mlk_kernel *kernels, double *C)
{
    for (size_t j = 0; j < n_opts; j++) {
        const mlk_svr_opts *o = opts[j];
        MLK_TRY(check(data, o, run, &kernels[j]));
        C[j] = o->C;
    }
    return MLK_OK;
}

static mlk_status fit_grid(const mlk_data *data, const void *const *opts, size_t n_opts,
                           const mlk_run *run, void **states)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_kernel *kernels = mlk_scratch_take(&scratch, n_opts, sizeof *kernels);
    size_t *order = mlk_scratch_take(&scratch, n_opts, sizeof *order);
    const mlk_vec C = mlk_scratch_vec(&scratch, n_opts);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu options", n_opts)
                                   : check_grid(data, opts, n_opts, run, kernels, C.data);
    for (size_t j = 0; j < n_opts; j++)
        states[j] = NULL;
    if (st == MLK_OK)
        st = mlk_argsort(C.data, n_opts, order);
    for (size_t j = 0; st == MLK_OK && j < n_opts; j++)
        if (!states[j])
            st = fit_alike(data, opts, n_opts, j, kernels, order, run, states);
    for (size_t j = 0; st != MLK_OK && j < n_opts; j++) {
        mlk_svr_free(states[j]);
        states[j] = NULL;
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_svr_fit(const mlk_data *data, const mlk_svr_opts *opts, const mlk_run *run,
                       mlk_svr **model)
{
    const mlk_svr_opts o = opts ? *opts : mlk_svr_opts_default();
    const void *const one[] = {&o};
    void *state = NULL;
    const mlk_status st = fit_grid(data, one, 1, run, &state);
    *model = state;
    return st;
}

mlk_status mlk_svr_predict(const mlk_svr *model, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_single_apply(&model->single, X, run, out.data, out.n);
}

double mlk_svr_intercept(const mlk_svr *model) { return model->single.bias; }
double mlk_svr_epsilon(const mlk_svr *model) { return model->epsilon; }
mlk_cvec mlk_svr_dual_coef(const mlk_svr *model)
{
    return (mlk_cvec){model->single.machine.coef, model->single.machine.n_sv};
}
size_t mlk_svr_support(const mlk_svr *model, size_t s) { return model->single.support[s]; }
mlk_svm_info mlk_svr_info(const mlk_svr *model) { return model->single.info; }

libsvm_view mlk_svr_view(const mlk_svr *model)
{
    return (libsvm_view){
        .type = "epsilon_svr", .machine = &model->single.machine, .bias = {&model->single.bias, 1}};
}

void mlk_svr_free(mlk_svr *model)
{
    if (model)
        mlk_single_clear(&model->single);
    mlk_free(model);
}

/* ------------------------------------------------------------------------------ descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_svr *fit;
    const mlk_status st = mlk_svr_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_fit_many(const mlk_data *data, const void *const *opts, size_t n_opts,
                                const mlk_run *run, void **states)
{
    return fit_grid(data, opts, n_opts, run, states);
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_svr_predict(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_svr *fit = state;
    mlk_doc_put_real(to, "epsilon", fit->epsilon);
    mlk_single_save(&fit->single, to);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    double epsilon;
    if (n_classes)
        return MLK_FAIL(MLK_EFORMAT, "svr with %zu classes; expected none", n_classes);
    MLK_TRY(mlk_doc_get_real(from, "epsilon", -DBL_MAX, DBL_MAX, &epsilon));
    mlk_svr *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    fit->epsilon = epsilon;
    const mlk_status st = mlk_single_load(&fit->single, from, n_features);
    if (st != MLK_OK)
        mlk_free(fit);
    else
        *state = fit;
    return st;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_svr *fit = state;
    mlk_doc_put_real(to, "intercept", fit->single.bias);
    mlk_doc_put_real(to, "epsilon", fit->epsilon);
    mlk_single_learned(&fit->single, to);
}

static mlk_fit_info algo_info(const void *state)
{
    return mlk_svm_fit_info(&((const mlk_svr *)state)->single.info);
}
static void algo_free(void *state) { mlk_svr_free(state); }

const mlk_algo mlk_svr_algo = {
    .name = "svr",
    .help = "support vector regression with a kernel",
    .tasks = MLK_REGRESSION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_svr_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .fit_many = algo_fit_many,
    .predict = algo_predict,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
