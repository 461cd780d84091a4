#include <mlkit/neighbors/mahalanobis.h>
#include <mlkit/stats/distribution.h>

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/sort.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "neighbors/whitened.h"

struct mlk_mahalanobis {
    mlk_scratch memory;
    mlk_vec mean;
    mlk_mat W; /* p x rank */
    double threshold;
};

static const mlk_word contaminations[] = {{"auto", MLK_MAHALANOBIS_AUTO}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_REAL_WORDS(mlk_mahalanobis_opts, contamination, MLK_MAHALANOBIS_AUTO, 0.0, 0.5, true,
                       contaminations,
                       "share of outliers; auto: beyond the 97.5 % quantile of normal rows"),
    MLK_OPT_END,
};

mlk_mahalanobis_opts mlk_mahalanobis_opts_default(void)
{
    mlk_mahalanobis_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------------------- fit */

static mlk_status model_new(mlk_cvec mean, mlk_cmat W, mlk_mahalanobis **model)
{
    mlk_mahalanobis *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (m) {
        m->mean = mlk_scratch_vec(&m->memory, mean.n);
        m->W = mlk_scratch_mat(&m->memory, W.rows, W.cols);
    }
    if (!m || m->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", W.rows, W.cols);
    for (size_t j = 0; j < mean.n; j++)
        m->mean.data[j] = mean.data[j];
    mlk_copy(W, m->W);
    return MLK_OK;
}

void mlk_mahalanobis_free(mlk_mahalanobis *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

static mlk_status set_threshold(mlk_mahalanobis *m, mlk_cmat X, double contamination,
                                const mlk_run *run)
{
    m->threshold = sqrt(mlk_chi2_quantile(0.975, (double)m->W.cols));
    if (contamination == MLK_MAHALANOBIS_AUTO)
        return MLK_OK;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec s = mlk_scratch_vec(&scratch, X.rows);
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu scores", X.rows)
                                         : mlk_mahalanobis_score(m, X, run, s);
    if (st == MLK_OK)
        m->threshold = mlk_quantile(s.data, s.n, 1.0 - contamination);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_mahalanobis_fit(const mlk_data *data, const mlk_mahalanobis_opts *opts,
                               const mlk_run *run, mlk_mahalanobis **model)
{
    const mlk_mahalanobis_opts o = opts ? *opts : mlk_mahalanobis_opts_default();
    whitened t;
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, 0, 0, run));
    mlk_status st = whitened_init(data->X, "mahalanobis", run, &t);
    if (st == MLK_OK)
        st = model_new(mlk_vec_c(t.mean), mlk_mat_c(t.W), model);
    whitened_release(&t);
    if (st == MLK_OK)
        st = set_threshold(*model, data->X, o.contamination, run);
    if (st != MLK_OK) {
        mlk_mahalanobis_free(*model);
        *model = NULL;
    }
    return st;
}

/* ------------------------------------------------------------------------ prediction */

mlk_status mlk_mahalanobis_score(const mlk_mahalanobis *m, mlk_cmat X, const mlk_run *run,
                                 mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->W.rows, out.n));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat Z = mlk_scratch_mat(&scratch, X.rows, m->W.cols);
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", Z.rows, Z.cols)
                       : whitened_rows(mlk_vec_c(m->mean), mlk_mat_c(m->W), X, run, Z);
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
        out.data[i] = mlk_norm(mlk_cmat_row(mlk_mat_c(Z), i));
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_mahalanobis_predict(const mlk_mahalanobis *m, mlk_cmat X, const mlk_run *run,
                                   mlk_vec out)
{
    MLK_TRY(mlk_mahalanobis_score(m, X, run, out));
    for (size_t i = 0; i < out.n; i++)
        out.data[i] = out.data[i] > m->threshold;
    return MLK_OK;
}

mlk_cvec mlk_mahalanobis_mean(const mlk_mahalanobis *m) { return mlk_vec_c(m->mean); }
mlk_cmat mlk_mahalanobis_scalings(const mlk_mahalanobis *m) { return mlk_mat_c(m->W); }
double mlk_mahalanobis_threshold(const mlk_mahalanobis *m) { return m->threshold; }

/* ------------------------------------------------------------------------ descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_mahalanobis *m;
    const mlk_status st = mlk_mahalanobis_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_mahalanobis_predict(state, X, run, out);
}

static mlk_status algo_score(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_mahalanobis_score(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_decide_by(algo_score, state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_mahalanobis *m = state;
    mlk_doc_put_vec(to, "mean", mlk_vec_c(m->mean));
    mlk_doc_put_mat(to, "scalings", mlk_mat_c(m->W));
    mlk_doc_put_real(to, "threshold", m->threshold);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_doc_array shape;
    mlk_cvec mean;
    mlk_cmat W;
    double threshold;
    mlk_mahalanobis *m;
    (void)n_classes; /* a target may have been there; it was not looked at */
    MLK_TRY(mlk_doc_get_array(from, "scalings", MLK_F64, &shape));
    if (shape.cols < 1 || shape.cols > n_features)
        return MLK_FAIL(MLK_EFORMAT, "'scalings' has %zu columns", shape.cols);
    MLK_TRY(mlk_doc_get_mat(from, "scalings", n_features, shape.cols, &W));
    MLK_TRY(mlk_doc_get_vec(from, "mean", n_features, &mean));
    MLK_TRY(mlk_doc_get_real(from, "threshold", 0.0, DBL_MAX, &threshold));
    const mlk_status st = model_new(mean, W, &m);
    if (st != MLK_OK) {
        mlk_mahalanobis_free(m);
        return st;
    }
    m->threshold = threshold;
    *state = m;
    return MLK_OK;
}

static void algo_free(void *state) { mlk_mahalanobis_free(state); }

const mlk_algo mlk_mahalanobis_algo = {
    .name = "mahalanobis",
    .help = "outliers by the Mahalanobis distance from the mean",
    .tasks = MLK_OUTLIER,
    .caps = 0,
    .opts_size = sizeof(mlk_mahalanobis_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_save,
    .free = algo_free,
};
