#include <mlkit/svm/linear_svc.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "model/codegen.h"
#include "svm/common.h"
#include "svm/primal.h"

struct mlk_linear_svc {
    size_t p, k, rows; /* columns, classes, decision values */
    mlk_fit_info info;
    double *coef, *intercept; /* rows x p, rows; behind the struct */
};

static const mlk_word loss_words[] = {
    {"squared_hinge", MLK_LOSS_SQUARED_HINGE}, {"hinge", MLK_LOSS_HINGE}, {NULL, 0}};
static const mlk_word penalty_words[] = {
    {"l2", MLK_LINEAR_SVC_L2}, {"l1", MLK_LINEAR_SVC_L1}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_WORD(mlk_linear_svc_opts, loss, MLK_LOSS_SQUARED_HINGE, loss_words,
                 "of a margin below 1"),
    MLK_OPT_WORD(mlk_linear_svc_opts, penalty, MLK_LINEAR_SVC_L2, penalty_words,
                 "of the weights; l1 makes many of them 0"),
    MLK_OPT_REAL_OPEN(mlk_linear_svc_opts, C, 1.0, 0.0, INFINITY, "weight of the losses"),
    MLK_OPT_BOOL(mlk_linear_svc_opts, penalize_intercept, false,
                 "penalise the intercept as if it were a weight"),
    MLK_OPT_REAL_OPEN(mlk_linear_svc_opts, tol, 1e-4, 0.0, INFINITY,
                      "end at a duality gap of tol / 100 of the objective"),
    MLK_OPT_INT(mlk_linear_svc_opts, max_iter, 1000, 1, INFINITY, "Newton steps a problem"),
    MLK_OPT_WORD(mlk_linear_svc_opts, class_weight, MLK_SVM_UNIFORM, mlk_svm_class_weight_words,
                 "balanced: the same total weight for each class"),
    MLK_OPT_END,
};

mlk_linear_svc_opts mlk_linear_svc_opts_default(void)
{
    mlk_linear_svc_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_linear_svc *model_new(size_t p, size_t k)
{
    const size_t rows = k > 2 ? k : 1;
    size_t values;
    if (__builtin_mul_overflow(rows, p + 1, &values))
        return NULL;
    mlk_linear_svc *fit = mlk_alloc_flex(sizeof *fit, values, sizeof(double));
    if (!fit)
        return NULL;
    *fit = (mlk_linear_svc){.p = p, .k = k, .rows = rows, .info = mlk_fit_info_none()};
    fit->coef = (double *)(void *)(fit + 1);
    fit->intercept = fit->coef + rows * p;
    return fit;
}

/* C_i of each row. */
static mlk_status set_weights(const mlk_data *d, const mlk_linear_svc_opts *o, mlk_vec C)
{
    const bool balanced = o->class_weight == MLK_SVM_BALANCED;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec balance = mlk_scratch_vec(&scratch, d->n_classes);
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", d->n_classes)
                              : mlk_svm_balance(d, balance.data);
    for (size_t i = 0; st == MLK_OK && i < C.n; i++)
        C.data[i] =
            o->C * mlk_weight(d->w, i) * (balanced ? balance.data[(size_t)d->y.data[i]] : 1.0);
    mlk_scratch_release(&scratch);
    return st;
}

/* The problem of one decision value: class `positive` against the others. */
static mlk_status fit_row(const mlk_data *d, const mlk_linear_svc_opts *o, size_t row, mlk_vec y,
                          mlk_cvec C, double *w, const mlk_run *run, mlk_linear_svc *fit)
{
    const double positive = fit->k > 2 ? (double)row : 1.0;
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = d->y.data[i] == positive ? 1.0 : -1.0;
    primal problem = {.X = d->X,
                      .y = y.data,
                      .C = C.data,
                      .squared = o->loss == MLK_LOSS_SQUARED_HINGE,
                      .l1 = o->penalty == MLK_LINEAR_SVC_L1,
                      .penalise_b = o->penalize_intercept,
                      .tol = 0.01 * o->tol,
                      .max_iter = (size_t)o->max_iter,
                      .w = w};
    MLK_TRY(mlk_primal_solve(&problem, run));
    memcpy(fit->coef + row * fit->p, w, fit->p * sizeof *w);
    fit->intercept[row] = w[fit->p];
    fit->info.iterations += (int64_t)problem.iterations;
    fit->info.converged &= problem.converged;
    fit->info.objective += problem.objective;
    fit->info.duality_gap += problem.gap;
    return MLK_OK;
}

mlk_status mlk_linear_svc_fit(const mlk_data *data, const mlk_linear_svc_opts *opts,
                              const mlk_run *run, mlk_linear_svc **model)
{
    const mlk_linear_svc_opts o = opts ? *opts : mlk_linear_svc_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NEED_CLASSES, run));
    if (o.penalty == MLK_LINEAR_SVC_L1 && o.loss == MLK_LOSS_HINGE)
        return MLK_FAIL(MLK_EINVAL, "penalty = l1 with loss = hinge; expected squared_hinge");
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec y = mlk_scratch_vec(&scratch, data->X.rows);
    const mlk_vec C = mlk_scratch_vec(&scratch, data->X.rows);
    const mlk_vec w = mlk_scratch_vec(&scratch, data->X.cols + 1);
    mlk_linear_svc *fit = model_new(data->X.cols, data->n_classes);
    mlk_status st = scratch.failed || !fit
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes of %zu weights",
                                   data->n_classes, data->X.cols)
                        : set_weights(data, &o, C);
    if (st == MLK_OK)
        fit->info = (mlk_fit_info){0, 1, 0.0, 0.0, NAN};
    for (size_t r = 0; st == MLK_OK && r < fit->rows; r++)
        st = fit_row(data, &o, r, y, mlk_vec_c(C), w.data, run, fit);
    if (st == MLK_OK) {
        mlk_svm_warn_linear(&fit->info, data->X, run);
        *model = fit;
        fit = NULL;
    }
    mlk_free(fit);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_linear_svc_decision(const mlk_linear_svc *model, mlk_cmat X, const mlk_run *run,
                                   mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, model->p, out.rows));
    if (out.cols != model->rows)
        return MLK_FAIL(MLK_EINVAL, "the output has %zu columns; expected %zu", out.cols,
                        model->rows);
    MLK_TRY(mlk_gemm_rows(X, MLK_TRANS, mlk_linear_svc_coef(model), run, out));
    for (size_t i = 0; i < out.rows; i++)
        for (size_t r = 0; r < out.cols; r++)
            out.data[i * out.ld + r] += model->intercept[r];
    return MLK_OK;
}

mlk_status mlk_linear_svc_predict(const mlk_linear_svc *model, mlk_cmat X, const mlk_run *run,
                                  mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, model->p, out.n));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat values = mlk_scratch_mat(&scratch, X.rows, model->rows);
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu decision values", X.rows)
                              : mlk_linear_svc_decision(model, X, run, values);
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++) {
        const double *v = values.data + i * values.ld;
        size_t best = model->rows == 1 && v[0] > 0.0;
        for (size_t r = 1; r < model->rows; r++)
            best = v[r] > v[best] ? r : best;
        out.data[i] = (double)best;
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_cmat mlk_linear_svc_coef(const mlk_linear_svc *model)
{
    return (mlk_cmat){model->coef, model->rows, model->p, model->p};
}
mlk_cvec mlk_linear_svc_intercept(const mlk_linear_svc *model)
{
    return (mlk_cvec){model->intercept, model->rows};
}
mlk_fit_info mlk_linear_svc_info(const mlk_linear_svc *model) { return model->info; }
void mlk_linear_svc_free(mlk_linear_svc *model) { mlk_free(model); }

/* ------------------------------------------------------------------------------ descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_linear_svc *fit;
    const mlk_status st = mlk_linear_svc_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_linear_svc_predict(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_linear_svc_decision(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_linear_svc *fit = state;
    mlk_doc_put_mat(to, "coef", mlk_linear_svc_coef(fit));
    mlk_doc_put_vec(to, "intercept", mlk_linear_svc_intercept(fit));
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_cmat coef;
    mlk_cvec intercept;
    if (n_classes < 2)
        return MLK_FAIL(MLK_EFORMAT, "linear-svc with %zu classes; expected at least 2", n_classes);
    const size_t rows = n_classes > 2 ? n_classes : 1;
    MLK_TRY(mlk_doc_get_mat(from, "coef", rows, n_features, &coef));
    MLK_TRY(mlk_doc_get_vec(from, "intercept", rows, &intercept));
    mlk_linear_svc *fit = model_new(n_features, n_classes);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    memcpy(fit->coef, coef.data, rows * n_features * sizeof *fit->coef);
    memcpy(fit->intercept, intercept.data, rows * sizeof *fit->intercept);
    *state = fit;
    return MLK_OK;
}

/* Scores whose first largest is the class: two classes need a pair of them. */
static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_linear_svc *fit = state;
    if (fit->rows > 1) {
        mlk_codegen_affine(to, "", mlk_linear_svc_coef(fit), mlk_linear_svc_intercept(fit));
        return MLK_OK;
    }
    mlk_codegen_affine(to, "_decision", mlk_linear_svc_coef(fit), mlk_linear_svc_intercept(fit));
    mlk_strbuf_printf(&to->text,
                      "static void %s(const double *x, double *out)\n{\n"
                      "    %s_decision(x, out + 1);\n    out[0] = 0.0;\n}\n",
                      to->name, to->name);
    return MLK_OK;
}

static mlk_fit_info algo_info(const void *state) { return mlk_linear_svc_info(state); }
static void algo_free(void *state) { mlk_linear_svc_free(state); }

const mlk_algo mlk_linear_svc_algo = {
    .name = "linear-svc",
    .help = "linear support vector classification",
    .tasks = MLK_CLASSIFICATION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_linear_svc_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_save,
    .info = algo_info,
    .codegen = algo_codegen,
    .free = algo_free,
};
