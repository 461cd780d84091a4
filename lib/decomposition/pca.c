#include <mlkit/decomposition/pca.h>

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "decomposition/pca_solve.h"
#include "linalg/linalg.h"
#include "model/algo.h"

struct mlk_pca {
    mlk_scratch memory;
    size_t p, k;
    size_t width; /* of the scores: k, or p for zca */
    bool whiten, zca;
    double error;
    mlk_vec mean, variance, ratio, singular; /* p; k each */
    mlk_vec scale;                           /* k: 1, or roots of the variances */
    mlk_mat V;                               /* k x p */
    mlk_mat W, back;                         /* p x width and back: what rows are multiplied with */
};

static const mlk_word counts[] = {{"all", MLK_PCA_ALL}, {"mle", MLK_PCA_MLE}, {NULL, 0}};
static const mlk_word solvers[] = {{"auto", MLK_PCA_AUTO},
                                   {"full", MLK_PCA_FULL},
                                   {"covariance", MLK_PCA_COVARIANCE},
                                   {"randomised", MLK_PCA_RANDOMISED},
                                   {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_REAL_WORDS(mlk_pca_opts, n_components, MLK_PCA_ALL, 0.0, 2147483647.0, true, counts,
                       "components: a count, or a share of the variance below 1"),
    MLK_OPT_BOOL(mlk_pca_opts, whiten, false, "scores of variance 1"),
    MLK_OPT_BOOL(mlk_pca_opts, zca, false, "whitened and turned back: a value a column"),
    MLK_OPT_WORD(mlk_pca_opts, solver, MLK_PCA_AUTO, solvers, "how the components are found"),
    MLK_OPT_INT(mlk_pca_opts, seed, 0.0, 0.0, INFINITY, "seed of the randomised solver"),
    MLK_OPT_END,
};

/* Below this share of the first variance, products of X lose what its singular values keep. */
static const double SAFE_SHARE = 1e-10;
static const double AFFORDABLE = 3e10; /* multiplications of a singular value decomposition */
enum { WIDE = 3000 };

mlk_pca_opts mlk_pca_opts_default(void)
{
    mlk_pca_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- model */

static mlk_status model_new(size_t p, size_t k, bool whiten, bool zca, mlk_pca **model)
{
    mlk_pca *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->p = p;
    m->k = k;
    m->width = zca ? p : k;
    m->whiten = whiten;
    m->zca = zca;
    m->mean = mlk_scratch_vec(&m->memory, p);
    m->variance = mlk_scratch_vec(&m->memory, k);
    m->ratio = mlk_scratch_vec(&m->memory, k);
    m->singular = mlk_scratch_vec(&m->memory, k);
    m->scale = mlk_scratch_vec(&m->memory, k);
    m->V = mlk_scratch_mat(&m->memory, k, p);
    m->W = mlk_scratch_mat(&m->memory, p, m->width);
    m->back = mlk_scratch_mat(&m->memory, m->width, p);
    return m->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu components", k) : MLK_OK;
}

void mlk_pca_free(mlk_pca *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

/* What follows from components and variances: W = V' diag(1 / scale) and its inverse on the
 * subspace, diag(scale) V; zca: V' diag(1 / scale) V and V' diag(scale) V. */
static void prepare(mlk_pca *m)
{
    const size_t p = m->p, k = m->k;
    for (size_t c = 0; c < k; c++) {
        const double v = m->variance.data[c];
        const bool flat = !(v > DBL_EPSILON * DBL_EPSILON * m->variance.data[0]);
        m->scale.data[c] = !m->whiten && !m->zca ? 1.0 : flat ? 0.0 : sqrt(v);
    }
    for (size_t i = 0; i < p * m->width; i++)
        m->W.data[i] = m->back.data[i] = 0.0;
    for (size_t c = 0; c < k; c++) {
        const double *v = m->V.data + c * p, scale = m->scale.data[c];
        const double inverse = scale > 0.0 ? 1.0 / scale : 0.0;
        for (size_t j = 0; !m->zca && j < p; j++) {
            m->W.data[j * k + c] = v[j] * inverse;
            m->back.data[c * p + j] = v[j] * scale;
        }
        for (size_t i = 0; m->zca && i < p; i++)
            for (size_t j = 0; j < p; j++) {
                m->W.data[i * p + j] += v[i] * inverse * v[j];
                m->back.data[i * p + j] += v[i] * scale * v[j];
            }
    }
}

/* --------------------------------------------------------------------- fit */

static mlk_status check_opts(const mlk_data *d, const mlk_pca_opts *o)
{
    const size_t n = d->X.rows, p = d->X.cols, m = n < p ? n : p;
    const double k = o->n_components;
    if (n < 2)
        return MLK_FAIL(MLK_EINVAL, "X has 1 row; principal components need at least 2");
    if (k >= 1.0 && (k != floor(k) || k > (double)m))
        return MLK_FAIL(MLK_EINVAL,
                        "n_components = %g; expected a whole number up to %zu, the smaller side of "
                        "X, or a share below 1",
                        k, m);
    if (k == MLK_PCA_MLE && n < p)
        return MLK_FAIL(MLK_EINVAL, "n_components = mle needs n >= p; X is %zu x %zu", n, p);
    if (o->solver == MLK_PCA_RANDOMISED && !(k >= 1.0))
        return MLK_FAIL(MLK_EINVAL, "solver = randomised needs n_components, a whole number");
    return MLK_OK;
}

/* Is the covariance the way, at first? */
static bool by_covariance(const mlk_pca_opts *o, size_t n, size_t p)
{
    const size_t m = n < p ? n : p;
    const bool few = o->n_components >= 1.0 && o->n_components < (double)(m / 10);
    return o->solver == MLK_PCA_COVARIANCE || (o->solver == MLK_PCA_AUTO && !(m > WIDE && few));
}

/* At least the first k pairs. */
static mlk_status solve(const pca_problem *t, const mlk_pca_opts *o, size_t k, const mlk_run *run)
{
    const size_t n = t->X.rows, p = t->X.cols, m = n < p ? n : p;
    const bool automatic = o->solver == MLK_PCA_AUTO;
    if (o->solver == MLK_PCA_FULL)
        return pca_full(t, run);
    if (!by_covariance(o, n, p))
        return pca_randomised(t, k, (uint64_t)o->seed, run);
    MLK_TRY(pca_covariance(t, k, run));
    const bool lost = !(t->lambda.data[k - 1] > SAFE_SHARE * t->lambda.data[0]);
    const bool affordable = (double)n * (double)p * (double)m <= AFFORDABLE;
    /* Directions of rows without variance are no directions at all. */
    if (lost && (n < p || (automatic && affordable)))
        return pca_full(t, run);
    return MLK_OK;
}

/* The number of components, by the variances where it depends on them. */
static size_t choose(const mlk_pca_opts *o, mlk_cvec lambda, double total, size_t n, double *room)
{
    const double k = o->n_components;
    double sum = 0.0;
    if (k == MLK_PCA_ALL)
        return lambda.n;
    if (k >= 1.0)
        return (size_t)k;
    if (k == MLK_PCA_MLE)
        return lambda.n > 1 ? pca_minka(lambda, n, room) : 1;
    for (size_t c = 0; c < lambda.n; c++) {
        sum += lambda.data[c];
        if (sum / total >= k)
            return c + 1;
    }
    return lambda.n;
}

static void keep(const pca_problem *t, double total, mlk_pca *m)
{
    const size_t n = t->X.rows;
    double kept = 0.0;
    for (size_t c = 0; c < m->k; c++) {
        const double v = t->lambda.data[c];
        kept += m->variance.data[c] = v;
        m->ratio.data[c] = v / total;
        m->singular.data[c] = sqrt(v * (double)(n - 1));
        for (size_t j = 0; j < m->p; j++)
            m->V.data[c * m->p + j] = t->V.data[c * t->V.ld + j];
        mlk_fix_sign(m->V.data + c * m->p, m->p, 1);
    }
    for (size_t j = 0; j < m->p; j++)
        m->mean.data[j] = t->mean.data[j];
    m->error = fmax(total - kept, 0.0) * (double)(n - 1) / (double)n;
    prepare(m);
}

static mlk_status check_total(double total, size_t n)
{
    if (!(total * (double)n < INFINITY)) /* or NaN */
        return MLK_FAIL(MLK_ESINGULAR, "the variance overflows: scale the columns");
    if (!(total > 0.0))
        return MLK_FAIL(MLK_ESINGULAR,
                        "there is no variance to explain: all rows are equal, or the "
                        "variance underflows");
    return MLK_OK;
}

/* Means and products in one read, which finds values that are not finite, too. */
static mlk_status find_products(const mlk_data *data, const mlk_run *run, mlk_vec mean, mlk_mat G,
                                double *total)
{
    const mlk_run inner = mlk_run_inner(run);
    const mlk_cvec none = {NULL, 0};
    MLK_TRY(mlk_gram_augmented(data->X, none, none, true, &inner, G, mean));
    *total = 0.0;
    for (size_t j = 0; j < G.rows; j++)
        *total += G.data[j * G.ld + j] / (double)(data->X.rows - 1);
    if (!(*total < INFINITY))
        MLK_TRY(mlk_data_check(data, 0, 0, run));
    return check_total(*total, data->X.rows);
}

/* Sum of the variances, divisor n - 1. */
static mlk_status find_mean(mlk_cmat X, const mlk_run *run, mlk_vec mean, double *room,
                            double *total)
{
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_column_moments(X, (mlk_cvec){NULL, 0}, &inner, mean, (mlk_vec){room, X.cols}));
    *total = 0.0;
    for (size_t j = 0; j < X.cols; j++)
        *total += room[j];
    *total *= (double)X.rows / (double)(X.rows - 1);
    return check_total(*total, X.rows);
}

mlk_status mlk_pca_fit(const mlk_data *data, const mlk_pca_opts *opts, const mlk_run *run,
                       mlk_pca **model)
{
    const mlk_pca_opts o = opts ? *opts : mlk_pca_opts_default();
    const size_t n = data->X.rows, p = data->X.cols, m = n < p ? n : p;
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    const bool products = n >= p && by_covariance(&o, n, p);
    MLK_TRY(mlk_data_check(data, 0, products ? MLK_FINITE_LATER : 0, run));
    MLK_TRY(check_opts(data, &o));
    const size_t asked = o.n_components >= 1.0 ? (size_t)o.n_components : m;
    const size_t rows = asked < m ? asked : m;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_pca *fit = NULL;
    double total = 0.0;
    const mlk_vec mean = mlk_scratch_vec(&scratch, p), lambda = mlk_scratch_vec(&scratch, m);
    double *room = mlk_scratch_vec(&scratch, p + 1).data;
    const mlk_mat G = mlk_scratch_mat(&scratch, products ? p : 0, p);
    /* A decomposition of all gives all rows of V. */
    const mlk_mat V = mlk_scratch_mat(&scratch, m, p);
    const pca_problem t = {data->X, mlk_vec_c(mean), G, lambda, V};
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu components", m, p);
    else
        st = products ? find_products(data, run, mean, G, &total)
                      : find_mean(data->X, run, mean, room, &total);
    if (st == MLK_OK)
        st = solve(&t, &o, rows, run);
    if (st == MLK_OK)
        st = model_new(p, choose(&o, (mlk_cvec){lambda.data, rows}, total, n, room), o.whiten,
                       o.zca, &fit);
    if (st == MLK_OK)
        keep(&t, total, fit);
    mlk_scratch_release(&scratch);
    if (st == MLK_OK)
        *model = fit;
    else
        mlk_pca_free(fit);
    return st;
}

/* --------------------------------------------------------------- transform */

mlk_status mlk_pca_transform(const mlk_pca *m, mlk_cmat X, const mlk_run *run, mlk_mat Z)
{
    MLK_TRY(mlk_predict_check(X, m->p, Z.rows));
    return pca_project(X, mlk_vec_c(m->mean), mlk_mat_c(m->W), run, Z);
}

mlk_status mlk_pca_inverse_transform(const mlk_pca *m, mlk_cmat Z, const mlk_run *run, mlk_mat X)
{
    MLK_TRY(mlk_predict_check(Z, m->width, X.rows));
    MLK_TRY(pca_project(Z, (mlk_cvec){NULL, 0}, mlk_mat_c(m->back), run, X));
    for (size_t i = 0; i < X.rows; i++)
        for (size_t j = 0; j < m->p; j++)
            X.data[i * X.ld + j] += m->mean.data[j];
    return MLK_OK;
}

mlk_cmat mlk_pca_components(const mlk_pca *m) { return mlk_mat_c(m->V); }
mlk_cvec mlk_pca_mean(const mlk_pca *m) { return mlk_vec_c(m->mean); }
mlk_cvec mlk_pca_variance(const mlk_pca *m) { return mlk_vec_c(m->variance); }
mlk_cvec mlk_pca_ratio(const mlk_pca *m) { return mlk_vec_c(m->ratio); }
mlk_cvec mlk_pca_singular_values(const mlk_pca *m) { return mlk_vec_c(m->singular); }
double mlk_pca_reconstruction_error(const mlk_pca *m) { return m->error; }

/* -------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_pca *m;
    const mlk_status st = mlk_pca_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_transform(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_pca_transform(state, X, run, out);
}

static mlk_status algo_inverse(const void *state, mlk_cmat Z, const mlk_run *run, mlk_mat out)
{
    return mlk_pca_inverse_transform(state, Z, run, out);
}

static size_t algo_n_components(const void *state) { return ((const mlk_pca *)state)->width; }

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_pca *m = state;
    mlk_doc_put_mat(to, "components", mlk_mat_c(m->V));
    mlk_doc_put_vec(to, "explained_variance", mlk_vec_c(m->variance));
    mlk_doc_put_vec(to, "explained_variance_ratio", mlk_vec_c(m->ratio));
    mlk_doc_put_vec(to, "singular_values", mlk_vec_c(m->singular));
    mlk_doc_put_vec(to, "mean", mlk_vec_c(m->mean));
    mlk_doc_put_real(to, "reconstruction_error", m->error);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_pca *m = state;
    mlk_doc_put_bool(to, "whiten", m->whiten);
    mlk_doc_put_bool(to, "zca", m->zca);
    algo_learned(state, to);
}

static mlk_status load_values(const mlk_doc *from, mlk_cmat V, mlk_pca *m)
{
    const mlk_vec to[] = {m->variance, m->ratio, m->singular, m->mean};
    static const char *const keys[] = {"explained_variance", "explained_variance_ratio",
                                       "singular_values", "mean"};
    for (size_t a = 0; a < MLK_COUNT(keys); a++) {
        mlk_cvec v;
        MLK_TRY(mlk_doc_get_vec(from, keys[a], to[a].n, &v));
        for (size_t i = 0; i < v.n; i++)
            to[a].data[i] = v.data[i];
    }
    for (size_t c = 0; c < m->k; c++)
        if (!(m->variance.data[c] >= 0.0))
            return MLK_FAIL(MLK_EFORMAT, "'explained_variance' has %g; expected no less than 0",
                            m->variance.data[c]);
    mlk_copy(V, m->V);
    prepare(m);
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_doc_array shape;
    mlk_cmat V;
    bool whiten, zca;
    double error;
    MLK_TRY(mlk_doc_get_bool(from, "whiten", &whiten));
    MLK_TRY(mlk_doc_get_bool(from, "zca", &zca));
    MLK_TRY(mlk_doc_get_real(from, "reconstruction_error", 0.0, DBL_MAX, &error));
    MLK_TRY(mlk_doc_get_array(from, "components", MLK_F64, &shape));
    if (shape.rows < 1 || shape.rows > n_features)
        return MLK_FAIL(MLK_EFORMAT, "'components' has %zu rows; expected 1..%zu", shape.rows,
                        n_features);
    MLK_TRY(mlk_doc_get_mat(from, "components", shape.rows, n_features, &V));
    mlk_pca *m;
    mlk_status st = model_new(n_features, V.rows, whiten, zca, &m);
    if (st == MLK_OK)
        st = load_values(from, V, m);
    if (st != MLK_OK) {
        mlk_pca_free(m);
        return st;
    }
    m->error = error;
    *state = m;
    return MLK_OK;
}

static void algo_free(void *state) { mlk_pca_free(state); }

const mlk_algo mlk_pca_algo = {
    .name = "pca",
    .help = "principal component analysis",
    .tasks = MLK_TRANSFORM,
    .caps = MLK_CAP_SEED,
    .opts_size = sizeof(mlk_pca_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .transform = algo_transform,
    .inverse_transform = algo_inverse,
    .n_components = algo_n_components,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
