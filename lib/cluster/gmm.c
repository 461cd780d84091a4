#include <mlkit/cluster/gmm.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "cluster/em.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"

struct mlk_gmm {
    mlk_scratch memory;
    size_t n; /* 0: loaded, without labels */
    mixture mix;
    uint32_t *label;
    double log_likelihood, bic, aic;
    mlk_fit_info info;
};

static const mlk_word types[] = {
    {"full", MLK_GMM_FULL}, {"diag", MLK_GMM_DIAG}, {"spherical", MLK_GMM_SPHERICAL}, {NULL, 0}};

static const double default_reg = 1e-6, default_tol = 1e-3;

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_gmm_opts, n_clusters, 8.0, 1.0, 2147483647.0, "components"),
    MLK_OPT_WORD(mlk_gmm_opts, covariance_type, MLK_GMM_FULL, types, "form of the covariances"),
    MLK_OPT_REAL(mlk_gmm_opts, reg_covar, default_reg, 0.0, INFINITY, "added to the variances"),
    MLK_OPT_INT(mlk_gmm_opts, n_init, 10.0, 1.0, 2147483647.0, "starts; the best one is kept"),
    MLK_OPT_INT(mlk_gmm_opts, max_iter, 100.0, 1.0, 2147483647.0, "iterations of a start"),
    MLK_OPT_REAL(mlk_gmm_opts, tol, default_tol, 0.0, INFINITY,
                 "gain of the log-likelihood a row at which to stop"),
    MLK_OPT_INT(mlk_gmm_opts, seed, 0.0, 0.0, INFINITY, "of all draws"),
    MLK_OPT_END,
};

mlk_gmm_opts mlk_gmm_opts_default(void)
{
    mlk_gmm_opts opts;
    memset(&opts, 0, sizeof opts);
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ---------------------------------------------------------------------- fit */

static mlk_status model_new(size_t n, int type, size_t k, size_t p, mlk_gmm **model)
{
    mlk_gmm *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->n = n;
    m->info = mlk_fit_info_none();
    mixture_init(type, k, p, &m->memory, &m->mix);
    m->label = mlk_scratch_take(&m->memory, n, sizeof *m->label);
    return m->memory.failed
               ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu components of %zu columns", k, p)
               : MLK_OK;
}

void mlk_gmm_free(mlk_gmm *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

static double free_parameters(const mixture *m)
{
    const double k = (double)m->k, p = (double)m->p;
    const double each = m->type == MLK_GMM_FULL   ? p * (p + 1.0) / 2.0
                        : m->type == MLK_GMM_DIAG ? p
                                                  : 1.0;
    return k * each + k * p + k - 1.0;
}

/* Labels and criteria of the best start. */
static mlk_status finish(const mlk_data *data, const em_result *r, const mlk_run *run, mlk_gmm *m)
{
    const double q = free_parameters(&m->mix);
    double *label = mlk_alloc(m->n, sizeof *label);
    const mlk_run inner = mlk_run_inner(run);
    mlk_status st = label ? mlk_gmm_predict(m, data->X, &inner, (mlk_vec){label, m->n})
                          : MLK_FAIL(MLK_ENOMEM, "no memory for %zu labels", m->n);
    for (size_t i = 0; st == MLK_OK && i < m->n; i++)
        m->label[i] = (uint32_t)label[i];
    mlk_free(label);
    m->log_likelihood = r->log_likelihood;
    m->info = r->info;
    m->bic = -2.0 * m->log_likelihood + q * log(r->total);
    m->aic = -2.0 * m->log_likelihood + 2.0 * q;
    return st;
}

mlk_status mlk_gmm_fit(const mlk_data *data, const mlk_gmm_opts *opts, const mlk_run *run,
                       mlk_gmm **model)
{
    const mlk_gmm_opts o = opts ? *opts : mlk_gmm_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, 0, run));
    if ((uint64_t)o.n_clusters > data->X.rows)
        return MLK_FAIL(MLK_EINVAL, "n_clusters = %lld; expected at most the %zu row%s",
                        (long long)o.n_clusters, data->X.rows, data->X.rows == 1 ? "" : "s");
    em_result found;
    mlk_gmm *fit;
    mlk_status st =
        model_new(data->X.rows, o.covariance_type, (size_t)o.n_clusters, data->X.cols, &fit);
    if (st == MLK_OK)
        st = em_fit(data, &o, run, &fit->mix, &found);
    if (st == MLK_OK)
        st = finish(data, &found, run, fit);
    if (st != MLK_OK) {
        mlk_gmm_free(fit);
        return st;
    }
    if (!fit->info.converged)
        mlk_run_warn(run, "gmm stopped at max_iter = %lld", (long long)o.max_iter);
    *model = fit;
    return MLK_OK;
}

/* --------------------------------------------------------------- prediction */

/* One of the outputs is given. */
typedef struct prediction {
    const mixture *mix;
    mlk_cmat X;
    mixture_room *room;
    mlk_mat logs; /* a worker: MIXTURE_ROWS x k */
    double *label;
    mlk_mat log_density, shares; /* n x 1, n x k */
} prediction;

static void put_row(const prediction *t, size_t i, double *v)
{
    size_t best = 0;
    for (size_t c = 1; c < t->mix->k; c++)
        best = v[c] > v[best] ? c : best;
    const double log_density = mixture_shares(v, t->mix->k);
    if (t->label)
        t->label[i] = (double)best;
    if (t->log_density.data)
        t->log_density.data[i * t->log_density.ld] = log_density;
    if (t->shares.data)
        memcpy(t->shares.data + i * t->shares.ld, v, t->mix->k * sizeof *v);
}

static mlk_status predict_rows(void *ctx, const mlk_chunk *c)
{
    const prediction *t = ctx;
    const size_t n = c->end - c->begin;
    const mlk_mat out =
        mlk_mat_rows(t->logs, c->worker * MIXTURE_ROWS, c->worker * MIXTURE_ROWS + n);
    mixture_log_densities(t->mix, mlk_cmat_rows(t->X, c->begin, c->end), &t->room[c->worker], out);
    for (size_t i = 0; i < n; i++)
        put_row(t, c->begin + i, out.data + i * out.ld);
    return MLK_OK;
}

static mlk_status predict(prediction *t, const mlk_run *run)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const unsigned workers = mlk_workers(run, t->X.rows, MIXTURE_ROWS);
    t->logs = mlk_scratch_mat(&s, (size_t)workers * MIXTURE_ROWS, t->mix->k);
    mlk_status st = mixture_take_room(t->mix->p, workers, &s, &t->room);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, t->X.rows, MIXTURE_ROWS, predict_rows, t);
    mlk_scratch_release(&s);
    return st;
}

mlk_status mlk_gmm_predict(const mlk_gmm *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->mix.p, out.n));
    prediction t = {.mix = &m->mix, .X = X, .label = out.data};
    return predict(&t, run);
}

mlk_status mlk_gmm_predict_proba(const mlk_gmm *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, m->mix.p, out.rows));
    prediction t = {.mix = &m->mix, .X = X, .shares = out};
    return predict(&t, run);
}

mlk_status mlk_gmm_decision(const mlk_gmm *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, m->mix.p, out.rows));
    prediction t = {.mix = &m->mix, .X = X, .log_density = out};
    return predict(&t, run);
}

mlk_cvec mlk_gmm_weights(const mlk_gmm *m) { return (mlk_cvec){m->mix.weight, m->mix.k}; }
mlk_cmat mlk_gmm_means(const mlk_gmm *m) { return mlk_mat_c(m->mix.mean); }
mlk_cmat mlk_gmm_covariances(const mlk_gmm *m) { return mlk_mat_c(m->mix.cov); }
const uint32_t *mlk_gmm_labels(const mlk_gmm *m) { return m->label; }
double mlk_gmm_log_likelihood(const mlk_gmm *m) { return m->log_likelihood; }
double mlk_gmm_bic(const mlk_gmm *m) { return m->bic; }
double mlk_gmm_aic(const mlk_gmm *m) { return m->aic; }
mlk_fit_info mlk_gmm_info(const mlk_gmm *m) { return m->info; }

/* --------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_gmm *m;
    const mlk_status st = mlk_gmm_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_gmm_predict(state, X, run, out);
}

static mlk_status algo_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_gmm_predict_proba(state, X, run, out);
}

static size_t algo_n_probabilities(const void *state) { return ((const mlk_gmm *)state)->mix.k; }

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_gmm_decision(state, X, run, out);
}

static void put_figures(const mlk_gmm *m, mlk_doc *to)
{
    mlk_doc_put_vec(to, "weights", mlk_gmm_weights(m));
    mlk_doc_put_mat(to, "means", mlk_gmm_means(m));
    mlk_doc_put_real(to, "log_likelihood", m->log_likelihood);
    mlk_doc_put_real(to, "bic", m->bic);
    mlk_doc_put_real(to, "aic", m->aic);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_gmm *m = state;
    mlk_doc_put_int(to, "covariance_type", m->mix.type);
    mlk_doc_put_mat(to, "covariances", mlk_mat_c(m->mix.cov));
    put_figures(m, to);
}

static mlk_status load_mixture(const mlk_doc *from, mlk_gmm *m)
{
    mlk_cvec weights;
    mlk_cmat means, cov;
    mixture *mix = &m->mix;
    MLK_TRY(mlk_doc_get_vec(from, "weights", mix->k, &weights));
    MLK_TRY(mlk_doc_get_mat(from, "means", mix->k, mix->p, &means));
    MLK_TRY(mlk_doc_get_mat(from, "covariances", mix->cov.rows, mix->cov.cols, &cov));
    MLK_TRY(mlk_doc_get_real(from, "log_likelihood", -DBL_MAX, DBL_MAX, &m->log_likelihood));
    MLK_TRY(mlk_doc_get_real(from, "bic", -DBL_MAX, DBL_MAX, &m->bic));
    MLK_TRY(mlk_doc_get_real(from, "aic", -DBL_MAX, DBL_MAX, &m->aic));
    for (size_t c = 0; c < mix->k; c++) {
        if (!(weights.data[c] >= 0.0 && weights.data[c] <= 1.0 + 1e-9))
            return MLK_FAIL(MLK_EFORMAT, "'weights' holds %g; expected a share", weights.data[c]);
        mix->weight[c] = weights.data[c];
    }
    mlk_copy(means, mix->mean);
    mlk_copy(cov, mix->cov);
    const mlk_status st = mixture_prepare(mix);
    return st == MLK_ESINGULAR ? MLK_FAIL(MLK_EFORMAT, "'covariances' are not positive definite")
                               : st;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_doc_array weights, cov;
    int64_t type;
    mlk_gmm *m;
    MLK_TRY(mlk_doc_get_int(from, "covariance_type", MLK_GMM_FULL, MLK_GMM_SPHERICAL, &type));
    MLK_TRY(mlk_doc_get_array(from, "weights", MLK_F64, &weights));
    MLK_TRY(mlk_doc_get_array(from, "covariances", MLK_F64, &cov));
    const size_t each = type == MLK_GMM_FULL ? n_features : 1, k = weights.rows;
    if (k < 1 || cov.rows % k || cov.rows / k != each)
        return MLK_FAIL(MLK_EFORMAT, "'covariances' has %zu rows for %zu components", cov.rows, k);
    mlk_status st = model_new(0, (int)type, k, n_features, &m);
    if (st == MLK_OK)
        st = load_mixture(from, m);
    if (st != MLK_OK) {
        mlk_gmm_free(m);
        return st;
    }
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_gmm *m = state;
    const mlk_cmat cov = mlk_gmm_covariances(m);
    put_figures(m, to);
    if (m->mix.type == MLK_GMM_FULL) {
        mlk_doc *list = mlk_doc_put_list(to, "covariances");
        for (size_t c = 0; c < m->mix.k; c++)
            mlk_doc_put_mat(list, NULL, mlk_cmat_rows(cov, c * m->mix.p, (c + 1) * m->mix.p));
    } else if (m->mix.type == MLK_GMM_DIAG) {
        mlk_doc_put_mat(to, "covariances", cov);
    } else {
        mlk_doc_put_vec(to, "covariances", (mlk_cvec){cov.data, m->mix.k});
    }
    if (m->n)
        mlk_doc_put_array(to, "labels", MLK_U32, m->label, m->n, 0);
}

static mlk_fit_info algo_info(const void *state) { return mlk_gmm_info(state); }
static void algo_free(void *state) { mlk_gmm_free(state); }

const mlk_algo mlk_gmm_algo = {
    .name = "gmm",
    .help = "mixture of normal distributions, by EM",
    .tasks = MLK_CLUSTERING,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_SEED,
    .opts_size = sizeof(mlk_gmm_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_proba,
    .n_probabilities = algo_n_probabilities,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
