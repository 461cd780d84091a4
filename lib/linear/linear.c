#include <mlkit/linear/linear.h>
#include <mlkit/stats/distribution.h>

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "linear/lsq.h"
#include "model/algo.h"
#include "model/codegen.h"

struct mlk_linear {
    size_t p, n, rank;
    bool intercept;
    double b, b_error; /* b and its standard error */
    double rss, tss, condition;
    double log_weights; /* sum of the logarithms of the weights > 0 */
    mlk_fit_info info;
    double *errors; /* p standard errors, behind the weights */
    double w[];     /* p weights, p standard errors */
};

static const mlk_word solvers[] = {{"auto", MLK_LINEAR_AUTO},
                                   {"cholesky", MLK_LINEAR_CHOLESKY},
                                   {"qr", MLK_LINEAR_QR},
                                   {"svd", MLK_LINEAR_SVD},
                                   {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_BOOL(mlk_linear_opts, fit_intercept, true, "estimate an intercept"),
    MLK_OPT_WORD(mlk_linear_opts, solver, MLK_LINEAR_AUTO, solvers, "how the problem is solved"),
    MLK_OPT_END,
};

mlk_linear_opts mlk_linear_opts_default(void)
{
    mlk_linear_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_linear *new_model(size_t p)
{
    if (p > SIZE_MAX / 2)
        return NULL;
    mlk_linear *fit = mlk_alloc_flex(sizeof *fit, 2 * p, sizeof fit->w[0]);
    if (fit) {
        fit->p = p;
        fit->errors = fit->w + p;
        fit->info = mlk_fit_info_none();
    }
    return fit;
}

/* -------------------------------------------------------------------- fit */

static double degrees_of_freedom(const mlk_linear *m) { return (double)m->n - (double)m->rank; }

/* Counts and standard errors from what the solver left. */
static void complete(const mlk_data *data, const mlk_lsq *lsq, mlk_linear *fit)
{
    fit->b = lsq->b;
    fit->rank = lsq->rank + (fit->intercept ? 1 : 0);
    fit->rss = fit->info.objective = lsq->rss;
    fit->tss = lsq->tss;
    fit->condition = lsq->condition;
    fit->info.kkt_violation = lsq->gradient;
    fit->n = data->w.n ? 0 : data->X.rows;
    fit->log_weights = 0.0;
    for (size_t i = 0; i < data->w.n; i++)
        if (data->w.data[i] > 0.0) {
            fit->n++;
            fit->log_weights += log(data->w.data[i]);
        }
    const double df = degrees_of_freedom(fit);
    const double variance = df > 0.0 ? lsq->rss / df : NAN;
    fit->b_error = sqrt(variance * lsq->b_inverse);
    for (size_t j = 0; j < fit->p; j++)
        fit->errors[j] = sqrt(variance) * lsq->spread.data[j];
}

static bool all_finite(const mlk_linear *fit)
{
    double sum = fit->b - fit->b;
    for (size_t j = 0; j < fit->p; j++)
        sum += fit->w[j] - fit->w[j];
    return sum == 0.0;
}

mlk_status mlk_linear_fit(const mlk_data *data, const mlk_linear_opts *opts, const mlk_run *run,
                          mlk_linear **model)
{
    const mlk_linear_opts o = opts ? *opts : mlk_linear_opts_default();
    static const mlk_lsq_solver by_option[] = {MLK_LSQ_AUTO, MLK_LSQ_CHOLESKY, MLK_LSQ_QR,
                                               MLK_LSQ_SVD};
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS,
                           MLK_NEED_TARGET | MLK_NO_CLASSES | MLK_FINITE_LATER, run));

    const size_t p = data->X.cols;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_linear *fit = new_model(p);
    mlk_lsq lsq = {.spread = mlk_scratch_vec(&scratch, p), .mean = mlk_scratch_vec(&scratch, p)};
    mlk_status st = MLK_OK;
    if (scratch.failed || !fit) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a linear model of %zu columns", p);
        goto out;
    }
    lsq.w = (mlk_vec){fit->w, p};
    fit->intercept = o.fit_intercept;
    if ((st = mlk_lsq_solve(data, o.fit_intercept, by_option[o.solver], run, &lsq)) != MLK_OK)
        goto out;
    complete(data, &lsq, fit);
    const size_t columns = p + (o.fit_intercept ? 1 : 0);
    mlk_run_log(run, "linear: %s, rank %zu of %zu, condition number %.3g", lsq.method, fit->rank,
                columns, lsq.condition);
    if (!all_finite(fit)) {
        st = MLK_FAIL(MLK_ESINGULAR, "the coefficients are too large for double precision");
        goto out;
    }
    if (lsq.rank < p)
        mlk_run_warn(run, "the design has rank %zu of %zu: of all solutions the shortest is taken",
                     fit->rank, columns);
    *model = fit;
    fit = NULL;
out:
    mlk_scratch_release(&scratch);
    mlk_linear_free(fit);
    return st;
}

mlk_status mlk_linear_predict(const mlk_linear *model, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, model->p, out.n));
    return mlk_affine(X, mlk_linear_coef(model), model->b, run, out);
}

mlk_cvec mlk_linear_coef(const mlk_linear *model) { return (mlk_cvec){model->w, model->p}; }
double mlk_linear_intercept(const mlk_linear *model) { return model->b; }
mlk_fit_info mlk_linear_info(const mlk_linear *model) { return model->info; }
void mlk_linear_free(mlk_linear *model) { mlk_free(model); }

/* ------------------------------------------------------------- statistics */

mlk_cvec mlk_linear_standard_errors(const mlk_linear *model)
{
    return (mlk_cvec){model->errors, model->p};
}

double mlk_linear_intercept_standard_error(const mlk_linear *model) { return model->b_error; }

mlk_linear_stats mlk_linear_stats_of(const mlk_linear *m)
{
    const double n = (double)m->n, df = degrees_of_freedom(m), constant = m->intercept ? 1.0 : 0.0;
    const double slopes = (double)m->rank - constant, parameters = n - df + 1.0;
    mlk_linear_stats s = {.n = m->n,
                          .rank = m->rank,
                          .df = df,
                          .rss = m->rss,
                          .tss = m->tss,
                          .sigma = NAN,
                          .r2 = NAN,
                          .adjusted_r2 = NAN,
                          .f = NAN,
                          .f_p = NAN,
                          .condition_number = m->condition};
    if (m->tss > 0.0)
        s.r2 = 1.0 - m->rss / m->tss;
    if (df > 0.0) {
        s.sigma = sqrt(m->rss / df);
        s.adjusted_r2 = m->tss > 0.0 ? 1.0 - (m->rss / df) / (m->tss / (n - constant)) : NAN;
    }
    if (df > 0.0 && slopes > 0.0 && m->tss > 0.0) {
        s.f = (m->tss - m->rss) / slopes / (m->rss / df);
        s.f_p = mlk_f_sf(s.f, slopes, df);
    }
    const double deviance = n * (log(2.0 * acos(-1.0)) + 1.0 + log(m->rss / n)) - m->log_weights;
    s.aic = deviance + 2.0 * parameters;
    s.bic = deviance + log(n) * parameters;
    return s;
}

/* t value, its two-sided p value, and the 95 % interval of one coefficient. */
typedef struct inference {
    double t, p, low, high;
} inference;

static inference infer(double estimate, double error, double df)
{
    const double t = estimate / error, half = mlk_t_upper(0.025, df) * error;
    return (inference){t, 2.0 * mlk_t_sf(fabs(t), df), estimate - half, estimate + half};
}

static void put_interval(inference i, const char *key, mlk_doc *to)
{
    mlk_doc *pair = mlk_doc_put_list(to, key);
    mlk_doc_put_real(pair, NULL, i.low);
    mlk_doc_put_real(pair, NULL, i.high);
}

static void put_inference(const mlk_linear *m, double df, mlk_doc *to)
{
    mlk_doc *errors = mlk_doc_put_list(to, "standard_errors");
    mlk_doc *t = mlk_doc_put_list(to, "t_values"), *p = mlk_doc_put_list(to, "p_values");
    mlk_doc *intervals = mlk_doc_put_list(to, "conf_int");
    for (size_t j = 0; j < m->p; j++) {
        const inference i = infer(m->w[j], m->errors[j], df);
        mlk_doc_put_real(errors, NULL, m->errors[j]);
        mlk_doc_put_real(t, NULL, i.t);
        mlk_doc_put_real(p, NULL, i.p);
        put_interval(i, NULL, intervals);
    }
    if (!m->intercept)
        return;
    const inference i = infer(m->b, m->b_error, df);
    mlk_doc_put_real(to, "intercept_standard_errors", m->b_error);
    mlk_doc_put_real(to, "intercept_t_values", i.t);
    mlk_doc_put_real(to, "intercept_p_values", i.p);
    put_interval(i, "intercept_conf_int", to);
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_linear *m = state;
    const mlk_linear_stats s = mlk_linear_stats_of(m);
    mlk_doc_put_vec(to, "coef", mlk_linear_coef(m));
    mlk_doc_put_real(to, "intercept", m->b);
    put_inference(m, s.df, to);
    mlk_doc_put_real(to, "sigma", s.sigma);
    mlk_doc_put_real(to, "r2", s.r2);
    mlk_doc_put_real(to, "adjusted_r2", s.adjusted_r2);
    mlk_doc_put_real(to, "f_statistic", s.f);
    mlk_doc_put_real(to, "f_p_value", s.f_p);
    mlk_doc_put_real(to, "aic", s.aic);
    mlk_doc_put_real(to, "bic", s.bic);
    mlk_doc_put_int(to, "rank", (int64_t)s.rank);
    mlk_doc_put_real(to, "condition_number", s.condition_number);
}

/* ------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_linear *fit;
    const mlk_status st = mlk_linear_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_linear_predict(state, X, run, out);
}

/* All of them or, where some are unknown or beyond all numbers, none. */
static mlk_cvec errors_to_save(const mlk_linear *m)
{
    for (size_t j = 0; j < m->p; j++)
        if (!isfinite(m->errors[j]))
            return (mlk_cvec){NULL, 0};
    return (mlk_cvec){m->errors, m->p};
}

/* The statistics go with the model: mlkit-show explains it by them. What is derived is left out. */
static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_linear *m = state;
    mlk_doc_put_vec(to, "coef", mlk_linear_coef(m));
    mlk_doc_put_real(to, "intercept", m->b);
    mlk_doc_put_bool(to, "fit_intercept", m->intercept);
    mlk_doc_put_int(to, "n", (int64_t)m->n);
    mlk_doc_put_int(to, "rank", (int64_t)m->rank);
    mlk_doc_put_real(to, "rss", m->rss);
    mlk_doc_put_real(to, "tss", m->tss);
    mlk_doc_put_real(to, "log_weights", m->log_weights);
    mlk_doc_put_real(to, "condition_number", m->condition);
    mlk_doc_put_real(to, "intercept_standard_error", m->b_error);
    mlk_doc_put_vec(to, "standard_errors", errors_to_save(m));
}

static mlk_status load_into(const mlk_doc *from, mlk_linear *m)
{
    mlk_cvec coef, errors;
    mlk_doc_array given;
    MLK_TRY(mlk_doc_get_vec(from, "coef", m->p, &coef));
    MLK_TRY(mlk_doc_get_real(from, "intercept", -DBL_MAX, DBL_MAX, &m->b));
    MLK_TRY(mlk_doc_get_bool(from, "fit_intercept", &m->intercept));
    MLK_TRY(mlk_doc_get_size(from, "n", 1, UINT32_MAX, &m->n));
    MLK_TRY(mlk_doc_get_size(from, "rank", m->intercept, m->p + m->intercept, &m->rank));
    MLK_TRY(mlk_doc_get_real(from, "rss", 0.0, DBL_MAX, &m->rss));
    MLK_TRY(mlk_doc_get_real(from, "tss", 0.0, DBL_MAX, &m->tss));
    MLK_TRY(mlk_doc_get_real(from, "log_weights", -DBL_MAX, DBL_MAX, &m->log_weights));
    MLK_TRY(mlk_doc_get_real(from, "condition_number", NAN, NAN, &m->condition));
    MLK_TRY(mlk_doc_get_real(from, "intercept_standard_error", NAN, NAN, &m->b_error));
    MLK_TRY(mlk_doc_get_array(from, "standard_errors", MLK_F64, &given));
    MLK_TRY(mlk_doc_get_vec(from, "standard_errors", given.rows ? m->p : 0, &errors));
    for (size_t j = 0; j < m->p; j++) {
        m->w[j] = coef.data[j];
        m->errors[j] = errors.n ? errors.data[j] : NAN;
    }
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    if (n_classes)
        return MLK_FAIL(MLK_EFORMAT, "linear with %zu classes; expected none", n_classes);
    mlk_cvec coef; /* before memory is taken: the file must hold as many */
    MLK_TRY(mlk_doc_get_vec(from, "coef", n_features, &coef));
    mlk_linear *fit = new_model(n_features);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", n_features);
    const mlk_status st = load_into(from, fit);
    if (st == MLK_OK)
        *state = fit;
    else
        mlk_linear_free(fit);
    return st;
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_linear *fit = state;
    const mlk_cvec w = mlk_linear_coef(fit);
    const double b = mlk_linear_intercept(fit);
    mlk_codegen_affine(to, "", (mlk_cmat){w.data, 1, w.n, w.n}, (mlk_cvec){&b, 1});
    return MLK_OK;
}

static mlk_fit_info algo_info(const void *state) { return mlk_linear_info(state); }
static void algo_free(void *state) { mlk_linear_free(state); }

const mlk_algo mlk_linear_algo = {
    .name = "linear",
    .help = "least squares, with the table of statistics",
    .tasks = MLK_REGRESSION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_CONVEX,
    .prep = {.encode = "dummy"},
    .opts_size = sizeof(mlk_linear_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .codegen = algo_codegen,
    .free = algo_free,
};
