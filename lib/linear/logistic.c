#include <mlkit/linear/logistic.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/vmath.h"
#include "linalg/linalg.h"
#include "linear/logistic_model.h"
#include "model/algo.h"
#include "model/codegen.h"

static const mlk_word penalties[] = {{"l2", MLK_LOGISTIC_L2},
                                     {"l1", MLK_LOGISTIC_L1},
                                     {"elasticnet", MLK_LOGISTIC_ELASTICNET},
                                     {"none", MLK_LOGISTIC_NONE},
                                     {NULL, 0}};
static const mlk_word multi_classes[] = {
    {"multinomial", MLK_LOGISTIC_MULTINOMIAL}, {"ovr", MLK_LOGISTIC_OVR}, {NULL, 0}};
static const mlk_word class_weights[] = {
    {"none", MLK_LOGISTIC_EQUAL}, {"balanced", MLK_LOGISTIC_BALANCED}, {NULL, 0}};
static const mlk_word solvers[] = {{"auto", MLK_LOGISTIC_AUTO},
                                   {"lbfgs", MLK_LOGISTIC_LBFGS},
                                   {"newton-cholesky", MLK_LOGISTIC_NEWTON_CHOLESKY},
                                   {"prox-newton", MLK_LOGISTIC_PROX_NEWTON},
                                   {NULL, 0}};

static const double default_C = 1.0, default_l1_ratio = 0.5;

static const mlk_opt opt_table[] = {
    MLK_OPT_WORD(mlk_logistic_opts, penalty, MLK_LOGISTIC_L2, penalties, "penalty on the weights"),
    MLK_OPT_REAL_OPEN(mlk_logistic_opts, C, default_C, 0.0, INFINITY,
                      "inverse of the penalty's strength"),
    MLK_OPT_REAL(mlk_logistic_opts, l1_ratio, default_l1_ratio, 0.0, 1.0,
                 "share of L1 in elasticnet"),
    MLK_OPT_WORD(mlk_logistic_opts, multi_class, MLK_LOGISTIC_MULTINOMIAL, multi_classes,
                 "more than two classes: one softmax, or each against the rest"),
    MLK_OPT_WORD(mlk_logistic_opts, class_weight, MLK_LOGISTIC_EQUAL, class_weights,
                 "balanced: each class counts the same in all"),
    MLK_OPT_BOOL(mlk_logistic_opts, fit_intercept, true, "estimate an intercept"),
    MLK_OPT_BOOL(mlk_logistic_opts, penalize_intercept, false, "penalise the intercept too"),
    MLK_OPT_REAL_OPEN(mlk_logistic_opts, tol, 1e-4, 0.0, INFINITY,
                      "largest violation of the optimality conditions at which to stop"),
    MLK_OPT_INT(mlk_logistic_opts, max_iter, 100.0, 1.0, 2147483647.0, "iterations at most"),
    MLK_OPT_WORD(mlk_logistic_opts, solver, MLK_LOGISTIC_AUTO, solvers, "how to minimise"),
    MLK_OPT_END,
};

mlk_logistic_opts mlk_logistic_opts_default(void)
{
    mlk_logistic_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* Domains, and no option that would have no effect. */
static mlk_status check_opts(const mlk_logistic_opts *o)
{
    MLK_TRY(mlk_opts_check(opt_table, o));
    const bool l1 = o->penalty == MLK_LOGISTIC_L1 || o->penalty == MLK_LOGISTIC_ELASTICNET;
    if (o->penalty == MLK_LOGISTIC_NONE && o->C != default_C)
        return MLK_FAIL(MLK_EINVAL, "C = %g has no effect with penalty = none", o->C);
    if (o->penalty != MLK_LOGISTIC_ELASTICNET && o->l1_ratio != default_l1_ratio)
        return MLK_FAIL(MLK_EINVAL, "l1_ratio = %g has no effect without penalty = elasticnet",
                        o->l1_ratio);
    if (o->penalize_intercept && (o->penalty == MLK_LOGISTIC_NONE || !o->fit_intercept))
        return MLK_FAIL(MLK_EINVAL, "penalize_intercept = true has no effect with %s",
                        o->fit_intercept ? "penalty = none" : "fit_intercept = false");
    if (l1 && (o->solver == MLK_LOGISTIC_LBFGS || o->solver == MLK_LOGISTIC_NEWTON_CHOLESKY))
        return MLK_FAIL(MLK_EINVAL,
                        "solver = %s is for penalty = l2 and none; expected auto or "
                        "prox-newton",
                        solvers[o->solver].name);
    if (!l1 && o->solver == MLK_LOGISTIC_PROX_NEWTON)
        return MLK_FAIL(MLK_EINVAL, "solver = prox-newton is for penalty = l1 and elasticnet; "
                                    "expected auto, lbfgs or newton-cholesky");
    return MLK_OK;
}

mlk_logistic *logistic_new(size_t p, size_t n_classes, bool ovr)
{
    const size_t rows = n_classes == 2 ? 1 : n_classes;
    size_t count;
    if (__builtin_mul_overflow(rows, p + 1, &count))
        return NULL;
    mlk_logistic *m = mlk_alloc_flex(sizeof *m, count, sizeof m->w[0]);
    if (m) {
        m->info = mlk_fit_info_none();
        m->p = p;
        m->rows = rows;
        m->n_classes = n_classes;
        m->ovr = ovr;
    }
    return m;
}

mlk_status mlk_logistic_fit(const mlk_data *data, const mlk_logistic_opts *opts, const mlk_run *run,
                            mlk_logistic **model)
{
    const mlk_logistic_opts o = opts ? *opts : mlk_logistic_opts_default();
    *model = NULL;
    MLK_TRY(check_opts(&o));
    return logistic_fit_from(data, &o, NULL, run, model);
}

size_t mlk_logistic_n_classes(const mlk_logistic *model) { return model->n_classes; }

mlk_cmat mlk_logistic_coef(const mlk_logistic *model)
{
    return (mlk_cmat){model->w, model->rows, model->p, model->p};
}

mlk_cvec mlk_logistic_intercept(const mlk_logistic *model)
{
    return (mlk_cvec){model->w + model->rows * model->p, model->rows};
}

mlk_fit_info mlk_logistic_info(const mlk_logistic *model) { return model->info; }
void mlk_logistic_free(mlk_logistic *model) { mlk_free(model); }

/* ------------------------------------------------------------- prediction */

enum { PREDICT_VALUES = 1 << 16 }; /* values of X that a chunk of rows reads */

/* One of the three predictions: a block of rows at a time, scores first. */
typedef struct prediction {
    const mlk_logistic *m;
    mlk_cmat X;
    size_t grain;
    double *buffer; /* workers x grain x rows: scores; NULL where `out` takes them */
    mlk_mat out;
    void (*finish)(const mlk_logistic *m, mlk_cmat Z, mlk_mat out);
} prediction;

static mlk_status predict_chunk(void *ctx, const mlk_chunk *c)
{
    const prediction *t = ctx;
    const mlk_logistic *m = t->m;
    const size_t n = c->end - c->begin;
    const mlk_mat out = mlk_mat_rows(t->out, c->begin, c->end);
    const mlk_mat Z =
        t->buffer ? (mlk_mat){t->buffer + c->worker * t->grain * m->rows, n, m->rows, m->rows}
                  : out;
    const mlk_cvec b = mlk_logistic_intercept(m);
    const mlk_cmat X = mlk_cmat_rows(t->X, c->begin, c->end);
    for (size_t i = 0; i < n; i++)
        memcpy(Z.data + i * Z.ld, b.data, m->rows * sizeof *Z.data);
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, X, mlk_logistic_coef(m), 1.0, Z);
    if (t->finish)
        t->finish(m, mlk_mat_c(Z), out);
    return MLK_OK;
}

static mlk_status predict_rows(const mlk_logistic *m, mlk_cmat X, const mlk_run *run, mlk_mat out,
                               void (*finish)(const mlk_logistic *, mlk_cmat, mlk_mat))
{
    const mlk_run inner = mlk_run_inner(run);
    prediction t = {m, X, mlk_grain(X.cols + m->rows, PREDICT_VALUES), NULL, out, finish};
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    MLK_TRY(mlk_predict_check(X, m->p, out.rows));
    if (finish)
        t.buffer =
            mlk_scratch_mat(&scratch, mlk_workers(&inner, X.rows, t.grain) * t.grain, m->rows).data;
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory to predict %zu rows", X.rows)
                              : mlk_parallel_for(&inner, X.rows, t.grain, predict_chunk, &t);
    mlk_scratch_release(&scratch);
    return st;
}

static void to_class(const mlk_logistic *m, mlk_cmat Z, mlk_mat out)
{
    for (size_t i = 0; i < Z.rows; i++) {
        const double *z = Z.data + i * Z.ld;
        size_t best = m->rows == 1 ? z[0] > 0.0 : 0;
        for (size_t c = 1; c < m->rows; c++)
            if (z[c] > z[best])
                best = c;
        out.data[i * out.ld] = (double)best;
    }
}

/* p[0..k-1]: logarithms of weights in, their shares out. */
static void normalise(double *p, size_t k)
{
    double top = p[0], sum = 0.0;
    for (size_t c = 1; c < k; c++)
        top = p[c] > top ? p[c] : top;
    for (size_t c = 0; c < k; c++)
        sum += p[c] = mlk_exp(p[c] - top);
    for (size_t c = 0; c < k; c++)
        p[c] /= sum;
}

static void to_proba(const mlk_logistic *m, mlk_cmat Z, mlk_mat out)
{
    for (size_t i = 0; i < Z.rows; i++) {
        const double *z = Z.data + i * Z.ld;
        double *p = out.data + i * out.ld;
        if (m->rows == 1) {
            const double e = mlk_exp(-fabs(z[0])), rare = e / (1.0 + e), likely = 1.0 / (1.0 + e);
            p[0] = z[0] > 0.0 ? rare : likely;
            p[1] = z[0] > 0.0 ? likely : rare;
            continue;
        }
        for (size_t c = 0; c < m->rows; c++) /* ovr: log sigma(z) */
            p[c] = m->ovr ? fmin(z[c], 0.0) - mlk_log1p(mlk_exp(-fabs(z[c]))) : z[c];
        normalise(p, m->rows);
    }
}

mlk_status mlk_logistic_predict(const mlk_logistic *model, mlk_cmat X, const mlk_run *run,
                                mlk_vec out)
{
    return predict_rows(model, X, run, (mlk_mat){out.data, out.n, 1, 1}, to_class);
}

mlk_status mlk_logistic_predict_proba(const mlk_logistic *model, mlk_cmat X, const mlk_run *run,
                                      mlk_mat out)
{
    if (out.cols != model->n_classes)
        return MLK_FAIL(MLK_EINVAL,
                        "the output has %zu columns; expected one for each of %zu classes",
                        out.cols, model->n_classes);
    return predict_rows(model, X, run, out, to_proba);
}

mlk_status mlk_logistic_decision(const mlk_logistic *model, mlk_cmat X, const mlk_run *run,
                                 mlk_mat out)
{
    if (out.cols != model->rows)
        return MLK_FAIL(MLK_EINVAL, "the output has %zu columns; expected %zu", out.cols,
                        model->rows);
    return predict_rows(model, X, run, out, NULL);
}

/* ------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_logistic *fit;
    const mlk_status st = mlk_logistic_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_logistic_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_logistic_predict_proba(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_logistic_decision(state, X, run, out);
}

/* May the fit with options b start from the weights of the one with a? */
static bool comparable(const mlk_logistic_opts *a, const mlk_logistic_opts *b)
{
    return a->penalty == b->penalty && a->multi_class == b->multi_class &&
           a->class_weight == b->class_weight && a->fit_intercept == b->fit_intercept &&
           a->penalize_intercept == b->penalize_intercept;
}

/* In the order of C, each from the weights of the one before. */
static mlk_status algo_fit_many(const mlk_data *data, const void *const *opts, size_t n_opts,
                                const mlk_run *run, void **states)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *order = mlk_scratch_take(&scratch, n_opts, sizeof *order);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu models", n_opts) : MLK_OK;
    for (size_t i = 0; i < n_opts; i++)
        states[i] = NULL;
    for (size_t i = 0; st == MLK_OK && i < n_opts; i++) {
        size_t at = i;
        const mlk_logistic_opts *o = opts[i];
        for (; at > 0 && ((const mlk_logistic_opts *)opts[order[at - 1]])->C > o->C; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; st == MLK_OK && i < n_opts; i++) {
        const mlk_logistic_opts *o = opts[order[i]];
        const mlk_logistic *before = i ? states[order[i - 1]] : NULL;
        mlk_logistic *fit = NULL;
        if (before && (!before->info.converged || !comparable(opts[order[i - 1]], o)))
            before = NULL;
        if ((st = check_opts(o)) == MLK_OK)
            st = logistic_fit_from(data, o, before, run, &fit);
        states[order[i]] = fit;
    }
    for (size_t i = 0; st != MLK_OK && i < n_opts; i++) {
        mlk_free(states[i]);
        states[i] = NULL;
    }
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status algo_path(const mlk_data *data, const void *opts, const char *name,
                            const mlk_run *run, size_t cap, double *values, size_t *n)
{
    const mlk_logistic_opts *o = opts;
    *n = 0;
    if (strcmp(name, "C") != 0 || o->penalty == MLK_LOGISTIC_NONE)
        return MLK_FAIL(MLK_EUNSUPPORTED, "logistic has no path of %s%s; expected C and a penalty",
                        name, o->penalty == MLK_LOGISTIC_NONE ? " with penalty = none" : "");
    MLK_TRY(check_opts(o));
    return logistic_path(data, o, run, cap, values, n);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_logistic *m = state;
    mlk_doc_put_bool(to, "ovr", m->ovr);
    mlk_doc_put_mat(to, "coef", mlk_logistic_coef(m));
    mlk_doc_put_vec(to, "intercept", mlk_logistic_intercept(m));
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_cmat coef;
    mlk_cvec b;
    bool ovr;
    if (n_classes < 2)
        return MLK_FAIL(MLK_EFORMAT, "logistic with %zu classes; expected at least 2", n_classes);
    const size_t rows = n_classes == 2 ? 1 : n_classes;
    MLK_TRY(mlk_doc_get_bool(from, "ovr", &ovr));
    MLK_TRY(mlk_doc_get_mat(from, "coef", rows, n_features, &coef));
    MLK_TRY(mlk_doc_get_vec(from, "intercept", rows, &b));
    mlk_logistic *m = logistic_new(n_features, n_classes, ovr && n_classes > 2);
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", rows * (n_features + 1));
    memcpy(m->w, coef.data, rows * n_features * sizeof *m->w);
    memcpy(logistic_b(m), b.data, rows * sizeof *m->w);
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_logistic *m = state;
    if (m->rows == 1) {
        mlk_doc_put_vec(to, "coef", (mlk_cvec){m->w, m->p});
        mlk_doc_put_real(to, "intercept", m->w[m->p]);
    } else {
        mlk_doc_put_mat(to, "coef", mlk_logistic_coef(m));
        mlk_doc_put_vec(to, "intercept", mlk_logistic_intercept(m));
    }
}

/* The C functions below <name>_scores: z to probabilities, as to_proba() does. */
static const char binary_c[] =
    "    double z;\n    %s_scores(x, &z);\n"
    "    out[0] = z > 0 ? exp(-z) / (1.0 + exp(-z)) : 1.0 / (1.0 + exp(z));\n"
    "    out[1] = z > 0 ? 1.0 / (1.0 + exp(-z)) : exp(z) / (1.0 + exp(z));\n}\n";
static const char softmax_c[] =
    "    double most, sum = 0.0;\n    int c;\n    %s_scores(x, out);\n%s"
    "    most = out[0];\n    for (c = 1; c < %zu; c++)\n"
    "        most = out[c] > most ? out[c] : most;\n    for (c = 0; c < %zu; c++)\n"
    "        sum += out[c] = exp(out[c] - most);\n    for (c = 0; c < %zu; c++)\n"
    "        out[c] /= sum;\n}\n";
static const char log_sigmoid_c[] =
    "    for (c = 0; c < %zu; c++)\n"
    "        out[c] = (out[c] < 0 ? out[c] : 0.0) - log(1.0 + exp(-fabs(out[c])));\n";

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_logistic *m = state;
    char ovr[sizeof log_sigmoid_c + 24] = "";
    mlk_codegen_affine(to, "_scores", mlk_logistic_coef(m), mlk_logistic_intercept(m));
    mlk_strbuf_printf(&to->text, "static void %s(const double *x, double *out)\n{\n", to->name);
    if (m->ovr)
        snprintf(ovr, sizeof ovr, log_sigmoid_c, m->rows);
    if (m->rows == 1)
        mlk_strbuf_printf(&to->text, binary_c, to->name);
    else
        mlk_strbuf_printf(&to->text, softmax_c, to->name, ovr, m->rows, m->rows, m->rows);
    return MLK_OK;
}

static mlk_fit_info algo_info(const void *state) { return mlk_logistic_info(state); }
static void algo_free(void *state) { mlk_logistic_free(state); }

const mlk_algo mlk_logistic_algo = {
    .name = "logistic",
    .help = "logistic regression: binary, softmax or one-versus-rest",
    .tasks = MLK_CLASSIFICATION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .opts_size = sizeof(mlk_logistic_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .decision = algo_decision,
    .fit_many = algo_fit_many,
    .path = algo_path,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .codegen = algo_codegen,
    .free = algo_free,
};
