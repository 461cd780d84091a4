#include <mlkit/svm/one_class_svm.h>

#include <math.h>

#include "core/alloc.h"
#include "core/status.h"
#include "model/algo.h"
#include "svm/libsvm.h"
#include "svm/single.h"

struct mlk_one_class_svm {
    mlk_single single;
};

static const mlk_opt opt_table[] = {
    SVM_KERNEL_OPTIONS(mlk_one_class_svm_opts),
    {"nu", MLK_OPT_TYPE_REAL, offsetof(mlk_one_class_svm_opts, nu), 0.5, NULL, 0.0, 1.0, true,
     false, NULL, "share of rows outside at most, of support vectors at least"},
    SVM_SOLVER_OPTIONS(mlk_one_class_svm_opts),
    MLK_OPT_END,
};

mlk_one_class_svm_opts mlk_one_class_svm_opts_default(void)
{
    mlk_one_class_svm_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* The first rows filled to their bounds until they sum to nu times all. */
static dual problem(const mlk_one_class_svm_opts *o, single_work *w)
{
    double left = 0.0;
    for (size_t i = 0; i < w->n; i++)
        left += o->nu * w->weights[i];
    for (size_t i = 0; i < w->n; i++) {
        w->lo[i] = 0.0;
        w->hi[i] = w->weights[i];
        w->beta[i] = fmin(left, w->hi[i]);
        left -= w->beta[i];
    }
    return (dual){.groups = 1,
                  .beta = w->beta,
                  .f = w->f,
                  .path = &w->path,
                  .lo = w->lo,
                  .hi = w->hi,
                  .tol = o->tol,
                  .max_steps = mlk_svm_cap(o->max_iter, w->n),
                  .shrinking = o->shrinking};
}

static mlk_status fit_with(const mlk_data *data, const mlk_one_class_svm_opts *o, single_work *w,
                           const mlk_run *run, mlk_one_class_svm **model)
{
    dual d = problem(o, w);
    MLK_TRY(mlk_dual_exact(&d, &w->cache, run));
    MLK_TRY(mlk_dual_solve(&d, &w->cache, run));
    mlk_one_class_svm *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    const mlk_status st = mlk_single_build(&fit->single, w, &d, d.bias[0], data->X);
    if (st != MLK_OK) {
        mlk_free(fit);
        return st;
    }
    mlk_svm_warn(&fit->single.info, o->tol, data->X, run);
    *model = fit;
    return MLK_OK;
}

mlk_status mlk_one_class_svm_fit(const mlk_data *data, const mlk_one_class_svm_opts *opts,
                                 const mlk_run *run, mlk_one_class_svm **model)
{
    const mlk_one_class_svm_opts o = opts ? *opts : mlk_one_class_svm_opts_default();
    mlk_kernel kernel;
    single_work w;
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, 0, run));
    MLK_TRY(mlk_svm_kernel(o.kernel, o.gamma, o.degree, o.coef0, data->X, &kernel));
    MLK_TRY(mlk_single_work_init(&w, data, &kernel, o.cache_mb, run));
    const mlk_status st = fit_with(data, &o, &w, run, model);
    mlk_single_work_free(&w);
    return st;
}

mlk_status mlk_one_class_svm_decision(const mlk_one_class_svm *model, mlk_cmat X,
                                      const mlk_run *run, mlk_vec out)
{
    return mlk_single_apply(&model->single, X, run, out.data, out.n);
}

mlk_status mlk_one_class_svm_predict(const mlk_one_class_svm *model, mlk_cmat X, const mlk_run *run,
                                     mlk_vec out)
{
    MLK_TRY(mlk_one_class_svm_decision(model, X, run, out));
    for (size_t i = 0; i < out.n; i++)
        out.data[i] = out.data[i] < 0.0;
    return MLK_OK;
}

double mlk_one_class_svm_offset(const mlk_one_class_svm *model) { return -model->single.bias; }
mlk_cvec mlk_one_class_svm_dual_coef(const mlk_one_class_svm *model)
{
    return (mlk_cvec){model->single.machine.coef, model->single.machine.n_sv};
}
size_t mlk_one_class_svm_support(const mlk_one_class_svm *model, size_t s)
{
    return model->single.support[s];
}
mlk_svm_info mlk_one_class_svm_info(const mlk_one_class_svm *model) { return model->single.info; }

libsvm_view mlk_one_class_svm_view(const mlk_one_class_svm *model)
{
    return (libsvm_view){
        .type = "one_class", .machine = &model->single.machine, .bias = {&model->single.bias, 1}};
}

void mlk_one_class_svm_free(mlk_one_class_svm *model)
{
    if (model)
        mlk_single_clear(&model->single);
    mlk_free(model);
}

/* ------------------------------------------------------------------------------ descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_one_class_svm *fit;
    const mlk_status st = mlk_one_class_svm_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_one_class_svm_predict(state, X, run, out);
}

static mlk_status algo_score(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_one_class_svm_decision(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_decide_by(algo_score, state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    mlk_single_save(&((const mlk_one_class_svm *)state)->single, to);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes;
    mlk_one_class_svm *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    const mlk_status st = mlk_single_load(&fit->single, from, n_features);
    if (st != MLK_OK)
        mlk_free(fit);
    else
        *state = fit;
    return st;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_one_class_svm *fit = state;
    mlk_doc_put_real(to, "intercept", fit->single.bias);
    mlk_doc_put_real(to, "offset", mlk_one_class_svm_offset(fit));
    mlk_single_learned(&fit->single, to);
}

static mlk_fit_info algo_info(const void *state)
{
    return mlk_svm_fit_info(&((const mlk_one_class_svm *)state)->single.info);
}
static void algo_free(void *state) { mlk_one_class_svm_free(state); }

const mlk_algo mlk_one_class_svm_algo = {
    .name = "one-class-svm",
    .help = "novelty detection with a kernel",
    .tasks = MLK_OUTLIER,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_one_class_svm_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
