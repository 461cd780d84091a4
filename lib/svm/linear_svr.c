#include <mlkit/svm/linear_svr.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "model/codegen.h"
#include "svm/common.h"
#include "svm/primal.h"

struct mlk_linear_svr {
    size_t p;
    mlk_fit_info info;
    double w[]; /* p weights and the intercept */
};

static const mlk_word loss_words[] = {
    {"epsilon_insensitive", MLK_LOSS_EPSILON_INSENSITIVE},
    {"squared_epsilon_insensitive", MLK_LOSS_SQUARED_EPSILON_INSENSITIVE},
    {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_WORD(mlk_linear_svr_opts, loss, MLK_LOSS_EPSILON_INSENSITIVE, loss_words,
                 "of an error beyond epsilon"),
    MLK_OPT_REAL_OPEN(mlk_linear_svr_opts, C, 1.0, 0.0, INFINITY, "weight of the losses"),
    MLK_OPT_REAL(mlk_linear_svr_opts, epsilon, 0.0, 0.0, INFINITY,
                 "errors up to this cost nothing"),
    MLK_OPT_BOOL(mlk_linear_svr_opts, penalize_intercept, false,
                 "penalise the intercept as if it were a weight"),
    MLK_OPT_REAL_OPEN(mlk_linear_svr_opts, tol, 1e-4, 0.0, INFINITY,
                      "end at a duality gap of tol / 100 of the objective"),
    MLK_OPT_INT(mlk_linear_svr_opts, max_iter, 1000, 1, INFINITY, "Newton steps"),
    MLK_OPT_END,
};

mlk_linear_svr_opts mlk_linear_svr_opts_default(void)
{
    mlk_linear_svr_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_linear_svr *model_new(size_t p)
{
    mlk_linear_svr *fit = mlk_alloc_flex(sizeof *fit, p + 1, sizeof fit->w[0]);
    if (!fit)
        return NULL;
    fit->p = p;
    fit->info = mlk_fit_info_none();
    return fit;
}

mlk_status mlk_linear_svr_fit(const mlk_data *data, const mlk_linear_svr_opts *opts,
                              const mlk_run *run, mlk_linear_svr **model)
{
    const mlk_linear_svr_opts o = opts ? *opts : mlk_linear_svr_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NO_CLASSES, run));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec C = mlk_scratch_vec(&scratch, data->X.rows);
    mlk_linear_svr *fit = model_new(data->X.cols);
    mlk_status st = MLK_OK;
    if (scratch.failed || !fit) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", data->X.cols);
    } else {
        for (size_t i = 0; i < C.n; i++)
            C.data[i] = o.C * mlk_weight(data->w, i);
        primal problem = {.X = data->X,
                          .y = data->y.data,
                          .C = C.data,
                          .tube = true,
                          .squared = o.loss == MLK_LOSS_SQUARED_EPSILON_INSENSITIVE,
                          .penalise_b = o.penalize_intercept,
                          .epsilon = o.epsilon,
                          .tol = 0.01 * o.tol,
                          .max_iter = (size_t)o.max_iter,
                          .w = fit->w};
        st = mlk_primal_solve(&problem, run);
        fit->info = (mlk_fit_info){(int64_t)problem.iterations, problem.converged,
                                   problem.objective, problem.gap, NAN};
    }
    if (st == MLK_OK) {
        mlk_svm_warn_linear(&fit->info, data->X, run);
        *model = fit;
        fit = NULL;
    }
    mlk_free(fit);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_linear_svr_predict(const mlk_linear_svr *model, mlk_cmat X, const mlk_run *run,
                                  mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, model->p, out.n));
    return mlk_affine(X, mlk_linear_svr_coef(model), mlk_linear_svr_intercept(model), run, out);
}

mlk_cvec mlk_linear_svr_coef(const mlk_linear_svr *model) { return (mlk_cvec){model->w, model->p}; }
double mlk_linear_svr_intercept(const mlk_linear_svr *model) { return model->w[model->p]; }
mlk_fit_info mlk_linear_svr_info(const mlk_linear_svr *model) { return model->info; }
void mlk_linear_svr_free(mlk_linear_svr *model) { mlk_free(model); }

/* ------------------------------------------------------------------------------ descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_linear_svr *fit;
    const mlk_status st = mlk_linear_svr_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_linear_svr_predict(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_linear_svr *fit = state;
    mlk_doc_put_vec(to, "coef", mlk_linear_svr_coef(fit));
    mlk_doc_put_real(to, "intercept", mlk_linear_svr_intercept(fit));
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_cvec coef;
    double b;
    if (n_classes)
        return MLK_FAIL(MLK_EFORMAT, "linear-svr with %zu classes; expected none", n_classes);
    MLK_TRY(mlk_doc_get_vec(from, "coef", n_features, &coef));
    MLK_TRY(mlk_doc_get_real(from, "intercept", -DBL_MAX, DBL_MAX, &b));
    mlk_linear_svr *fit = model_new(n_features);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", n_features);
    memcpy(fit->w, coef.data, n_features * sizeof fit->w[0]);
    fit->w[n_features] = b;
    *state = fit;
    return MLK_OK;
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_linear_svr *fit = state;
    mlk_codegen_affine(to, "", (mlk_cmat){fit->w, 1, fit->p, fit->p},
                       (mlk_cvec){fit->w + fit->p, 1});
    return MLK_OK;
}

static mlk_fit_info algo_info(const void *state) { return mlk_linear_svr_info(state); }
static void algo_free(void *state) { mlk_linear_svr_free(state); }

const mlk_algo mlk_linear_svr_algo = {
    .name = "linear-svr",
    .help = "linear support vector regression",
    .tasks = MLK_REGRESSION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_linear_svr_opts),
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
