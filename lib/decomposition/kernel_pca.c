#include <mlkit/decomposition/kernel_pca.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "decomposition/embedding.h"
#include "kernel/kernel.h"
#include "linalg/linalg.h"
#include "model/algo.h"

struct mlk_kernel_pca {
    map_rows map;
    mlk_kernel kernel, back; /* of rows, and of scores */
    mlk_vec ratio;           /* k */
    mlk_vec bias;            /* k: what a point has before its kernel values count */
    mlk_mat A;               /* n x k: Z / lambda, what kernel values are multiplied with */
    mlk_mat dual;            /* n x p: of pre-images; NULL: none */
};

static const mlk_word kernels[] = {{"linear", MLK_KERNEL_LINEAR},
                                   {"rbf", MLK_KERNEL_RBF},
                                   {"poly", MLK_KERNEL_POLY},
                                   {"sigmoid", MLK_KERNEL_SIGMOID},
                                   {NULL, 0}};
static const mlk_word gammas[] = {{"scale", MLK_GAMMA_SCALE}, {"auto", MLK_GAMMA_AUTO}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_kernel_pca_opts, n_components, 2.0, 1.0, 2147483647.0, "components kept"),
    MLK_OPT_WORD(mlk_kernel_pca_opts, kernel, MLK_KERNEL_LINEAR, kernels, "similarity of two rows"),
    MLK_OPT_REAL_WORDS(mlk_kernel_pca_opts, gamma, MLK_GAMMA_AUTO, 0.0, INFINITY, true, gammas,
                       "of rbf, poly, sigmoid; scale: 1 / (p * variance), auto: 1 / p"),
    MLK_OPT_INT(mlk_kernel_pca_opts, degree, 3, 0, INT32_MAX, "of the polynomial"),
    MLK_OPT_REAL(mlk_kernel_pca_opts, coef0, 1.0, -INFINITY, INFINITY,
                 "constant of poly and sigmoid"),
    MLK_OPT_BOOL(mlk_kernel_pca_opts, fit_inverse_transform, false, "learn pre-images"),
    MLK_OPT_REAL_OPEN(mlk_kernel_pca_opts, alpha, 1.0, 0.0, INFINITY, "penalty of pre-images"),
    MLK_OPT_END,
};

enum { WORK = 1 << 17, ROWS = 64 };

mlk_kernel_pca_opts mlk_kernel_pca_opts_default(void)
{
    mlk_kernel_pca_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- model */

static mlk_status model_new(size_t n, size_t p, size_t k, bool inverse, mlk_kernel_pca **model)
{
    mlk_kernel_pca *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    map_rows_init(n, p, k, &m->map);
    m->A = mlk_scratch_mat(&m->map.memory, n, k);
    m->ratio = mlk_scratch_vec(&m->map.memory, k);
    m->bias = mlk_scratch_vec(&m->map.memory, k);
    if (inverse)
        m->dual = mlk_scratch_mat(&m->map.memory, n, p);
    return m->map.memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu components", k) : MLK_OK;
}

void mlk_kernel_pca_free(mlk_kernel_pca *m)
{
    if (m)
        mlk_scratch_release(&m->map.memory);
    mlk_free(m);
}

static void prepare(mlk_kernel_pca *m)
{
    for (size_t i = 0; i < m->map.n; i++)
        for (size_t c = 0; c < m->map.k; c++)
            m->A.data[i * m->map.k + c] = m->map.Z.data[i * m->map.k + c] / m->map.lambda.data[c];
}

/* --------------------------------------------------------------------- fit */

typedef struct centring {
    mlk_mat K;
    mlk_vec means;
    double all;
    bool subtract; /* else the means are found */
} centring;

static mlk_status centring_rows(void *ctx, const mlk_chunk *c)
{
    const centring *t = ctx;
    for (size_t i = c->begin; i < c->end; i++) {
        double *k = t->K.data + i * t->K.ld;
        if (t->subtract) {
            const double shift = t->means.data[i] - t->all;
            for (size_t j = 0; j < t->K.cols; j++)
                k[j] -= t->means.data[j] + shift;
            continue;
        }
        double sum[4] = {0.0, 0.0, 0.0, 0.0};
        for (size_t j = 0; j < t->K.cols; j++)
            sum[j % 4] += k[j];
        t->means.data[i] = (sum[0] + sum[1] + sum[2] + sum[3]) / (double)t->K.cols;
    }
    return MLK_OK;
}

/* K becomes J K J; its row means before that, and its trace after. */
static mlk_status centre(mlk_mat K, const mlk_run *run, mlk_vec means, double *trace)
{
    const size_t n = K.rows, grain = mlk_grain(n, WORK);
    centring t = {K, means, 0.0, false};
    MLK_TRY(mlk_parallel_for(run, n, grain, centring_rows, &t));
    for (size_t i = 0; i < n; i++)
        t.all += means.data[i];
    t.all /= (double)n;
    if (!(fabs(t.all) < INFINITY))
        return MLK_FAIL(MLK_ESINGULAR, "kernel values overflow: scale the columns or gamma");
    t.subtract = true;
    MLK_TRY(mlk_parallel_for(run, n, grain, centring_rows, &t));
    *trace = 0.0;
    for (size_t i = 0; i < n; i++)
        *trace += K.data[i * K.ld + i];
    return MLK_OK;
}

static mlk_status learn_scores(mlk_kernel_pca *m, mlk_mat K, mlk_vec means, const mlk_run *run)
{
    double trace;
    MLK_TRY(mlk_kernel_matrix(&m->kernel, mlk_mat_c(m->map.X), mlk_mat_c(m->map.X), run, K));
    MLK_TRY(centre(K, run, means, &trace));
    MLK_TRY(mlk_eigh_top(K, m->map.k, run, m->map.lambda, m->map.Z));
    MLK_TRY(map_check_rank(mlk_vec_c(m->map.lambda), m->map.n, "the kernel's images span"));
    for (size_t c = 0; c < m->map.k; c++) {
        m->ratio.data[c] = m->map.lambda.data[c] / trace;
        for (size_t i = 0; i < m->map.n; i++)
            m->map.Z.data[i * m->map.k + c] *= sqrt(m->map.lambda.data[c]);
    }
    map_fix_signs(m->map.Z);
    prepare(m);
    for (size_t c = 0; c < m->map.k; c++) {
        double sum = 0.0;
        for (size_t i = 0; i < m->map.n; i++)
            sum += means.data[i] * m->A.data[i * m->map.k + c];
        m->bias.data[c] = -sum;
    }
    return MLK_OK;
}

/* dual = (K(Z, Z) + alpha I)^-1 X. */
static mlk_status learn_preimages(mlk_kernel_pca *m, double alpha, mlk_mat K, const mlk_run *run)
{
    MLK_TRY(mlk_kernel_matrix(&m->back, mlk_mat_c(m->map.Z), mlk_mat_c(m->map.Z), run, K));
    for (size_t i = 0; i < m->map.n; i++)
        K.data[i * K.ld + i] += alpha;
    const mlk_status st = mlk_chol(K, NULL);
    if (st == MLK_ESINGULAR)
        return MLK_FAIL(st, "alpha = %g does not determine the pre-images: raise it", alpha);
    MLK_TRY(st);
    mlk_copy(mlk_mat_c(m->map.X), m->dual);
    mlk_chol_solve(mlk_mat_c(K), m->dual);
    return MLK_OK;
}

static mlk_status check(const mlk_data *d, const mlk_kernel_pca_opts *o)
{
    MLK_TRY(map_check_components(d->X.rows, o->n_components));
    if (o->alpha != 1.0 && !o->fit_inverse_transform)
        return MLK_FAIL(MLK_EINVAL, "alpha = %g has no effect without fit_inverse_transform = true",
                        o->alpha);
    return MLK_OK;
}

static mlk_kernel kernel_of(const mlk_kernel_pca_opts *o, mlk_cmat X)
{
    return (mlk_kernel){o->kernel, mlk_kernel_gamma(o->gamma, X), o->coef0, o->degree};
}

static mlk_status learn(mlk_kernel_pca *m, const mlk_kernel_pca_opts *o, const mlk_run *run)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat K = mlk_scratch_mat(&scratch, m->map.n, m->map.n);
    const mlk_vec means = mlk_scratch_vec(&scratch, m->map.n);
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu kernel values", m->map.n, m->map.n);
    m->kernel = kernel_of(o, mlk_mat_c(m->map.X));
    if (st == MLK_OK)
        st = learn_scores(m, K, means, run);
    if (st == MLK_OK && m->dual.data) {
        m->back = kernel_of(o, mlk_mat_c(m->map.Z));
        st = learn_preimages(m, o->alpha, K, run);
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_kernel_pca_fit(const mlk_data *data, const mlk_kernel_pca_opts *opts,
                              const mlk_run *run, mlk_kernel_pca **model)
{
    const mlk_kernel_pca_opts o = opts ? *opts : mlk_kernel_pca_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, 0, 0, run));
    MLK_TRY(check(data, &o));
    MLK_TRY(map_check_spread(data->X, run));
    const mlk_run inner = mlk_run_inner(run);
    mlk_kernel_pca *m;
    mlk_status st =
        model_new(data->X.rows, data->X.cols, (size_t)o.n_components, o.fit_inverse_transform, &m);
    if (st == MLK_OK) {
        mlk_copy(data->X, m->map.X);
        st = learn(m, &o, &inner);
    }
    if (st == MLK_OK)
        *model = m;
    else
        mlk_kernel_pca_free(m);
    return st;
}

/* --------------------------------------------------------------- transform */

/* out = k(A, B) C + bias, by blocks of rows of A. */
typedef struct expansion {
    const mlk_kernel *kernel;
    mlk_cmat A, B, C;
    mlk_cvec bias; /* empty: none */
    const double *na, *nb;
    double *room; /* workers x ROWS x B.rows */
    mlk_mat out;
} expansion;

static mlk_status expand_rows(void *ctx, const mlk_chunk *c)
{
    const expansion *t = ctx;
    const size_t n = t->B.rows;
    const mlk_mat K = {t->room + (size_t)c->worker * ROWS * n, c->end - c->begin, n, n};
    mlk_kernel_block(t->kernel, mlk_cmat_rows(t->A, c->begin, c->end), t->na + c->begin, t->B,
                     t->nb, K);
    for (size_t i = c->begin; i < c->end; i++)
        for (size_t j = 0; j < t->out.cols; j++)
            t->out.data[i * t->out.ld + j] = t->bias.n ? t->bias.data[j] : 0.0;
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(K), t->C, 1.0,
             mlk_mat_rows(t->out, c->begin, c->end));
    return MLK_OK;
}

static mlk_status expand(const mlk_kernel *kernel, mlk_cmat A, mlk_cmat B, mlk_cmat C,
                         mlk_cvec bias, const mlk_run *run, mlk_mat out)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec na = mlk_scratch_vec(&scratch, A.rows), nb = mlk_scratch_vec(&scratch, B.rows);
    const size_t workers = mlk_workers(run, A.rows, ROWS);
    expansion t = {kernel, A, B, C, bias, na.data, nb.data, NULL, out};
    t.room = mlk_scratch_mat(&scratch, workers * ROWS, B.rows).data;
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu kernel values a row", B.rows);
    } else {
        mlk_row_norms(A, na.data);
        mlk_row_norms(B, nb.data);
        st = mlk_parallel_for(run, A.rows, ROWS, expand_rows, &t);
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_kernel_pca_transform(const mlk_kernel_pca *m, mlk_cmat X, const mlk_run *run,
                                    mlk_mat Z)
{
    MLK_TRY(mlk_predict_check(X, m->map.p, Z.rows));
    return expand(&m->kernel, X, mlk_mat_c(m->map.X), mlk_mat_c(m->A), mlk_vec_c(m->bias), run, Z);
}

mlk_status mlk_kernel_pca_inverse_transform(const mlk_kernel_pca *m, mlk_cmat Z, const mlk_run *run,
                                            mlk_mat X)
{
    if (!m->dual.data)
        return MLK_FAIL(MLK_EUNSUPPORTED, "fitted without fit_inverse_transform = true");
    MLK_TRY(mlk_predict_check(Z, m->map.k, X.rows));
    return expand(&m->back, Z, mlk_mat_c(m->map.Z), mlk_mat_c(m->dual), (mlk_cvec){NULL, 0}, run,
                  X);
}

mlk_cmat mlk_kernel_pca_embedding(const mlk_kernel_pca *m) { return mlk_mat_c(m->map.Z); }
mlk_cvec mlk_kernel_pca_eigenvalues(const mlk_kernel_pca *m) { return mlk_vec_c(m->map.lambda); }
mlk_cvec mlk_kernel_pca_ratio(const mlk_kernel_pca *m) { return mlk_vec_c(m->ratio); }

/* -------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_kernel_pca *m;
    const mlk_status st = mlk_kernel_pca_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_transform(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_kernel_pca_transform(state, X, run, out);
}

static mlk_status algo_inverse(const void *state, mlk_cmat Z, const mlk_run *run, mlk_mat out)
{
    return mlk_kernel_pca_inverse_transform(state, Z, run, out);
}

static size_t algo_n_components(const void *state)
{
    return ((const mlk_kernel_pca *)state)->map.k;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_kernel_pca *m = state;
    map_rows_learned(&m->map, to);
    mlk_doc_put_vec(to, "explained_variance_ratio", mlk_vec_c(m->ratio));
    mlk_doc_put_real(to, "gamma", m->kernel.gamma);
}

static void save_kernel(const mlk_kernel *k, mlk_doc *to)
{
    mlk_doc_put_int(to, "kind", k->kind);
    mlk_doc_put_real(to, "gamma", k->gamma);
    mlk_doc_put_real(to, "coef0", k->coef0);
    mlk_doc_put_int(to, "degree", k->degree);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_kernel_pca *m = state;
    map_rows_save(&m->map, to);
    mlk_doc_put_vec(to, "explained_variance_ratio", mlk_vec_c(m->ratio));
    mlk_doc_put_vec(to, "bias", mlk_vec_c(m->bias));
    save_kernel(&m->kernel, mlk_doc_put_map(to, "kernel"));
    if (m->dual.data) {
        mlk_doc_put_mat(to, "dual", mlk_mat_c(m->dual));
        save_kernel(&m->back, mlk_doc_put_map(to, "back"));
    }
}

static mlk_status load_kernel(const mlk_doc *from, const char *key, mlk_kernel *k)
{
    const mlk_doc *map;
    int64_t kind;
    MLK_TRY(mlk_doc_get_map(from, key, &map));
    MLK_TRY(mlk_doc_get_int(map, "kind", MLK_KERNEL_RBF, MLK_KERNEL_SIGMOID, &kind));
    MLK_TRY(mlk_doc_get_real(map, "gamma", DBL_MIN, DBL_MAX, &k->gamma));
    MLK_TRY(mlk_doc_get_real(map, "coef0", -DBL_MAX, DBL_MAX, &k->coef0));
    MLK_TRY(mlk_doc_get_int(map, "degree", 0, INT32_MAX, &k->degree));
    k->kind = (int)kind;
    return MLK_OK;
}

static mlk_status load_values(const mlk_doc *from, mlk_kernel_pca *m)
{
    mlk_cvec ratio, bias;
    mlk_cmat dual;
    MLK_TRY(map_rows_load(from, true, &m->map));
    MLK_TRY(mlk_doc_get_vec(from, "explained_variance_ratio", m->map.k, &ratio));
    MLK_TRY(mlk_doc_get_vec(from, "bias", m->map.k, &bias));
    memcpy(m->ratio.data, ratio.data, m->map.k * sizeof(double));
    memcpy(m->bias.data, bias.data, m->map.k * sizeof(double));
    if (m->dual.data) {
        MLK_TRY(mlk_doc_get_mat(from, "dual", m->map.n, m->map.p, &dual));
        mlk_copy(dual, m->dual);
    }
    MLK_TRY(load_kernel(from, "kernel", &m->kernel));
    if (m->dual.data)
        MLK_TRY(load_kernel(from, "back", &m->back));
    prepare(m);
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_kernel_pca *m;
    size_t n, k;
    MLK_TRY(map_rows_shape(from, n_features, &n, &k));
    mlk_status st = model_new(n, n_features, k, mlk_doc_find(from, "dual") != NULL, &m);
    if (st == MLK_OK)
        st = load_values(from, m);
    if (st == MLK_OK)
        *state = m;
    else
        mlk_kernel_pca_free(m);
    return st;
}

static void algo_free(void *state) { mlk_kernel_pca_free(state); }

const mlk_algo mlk_kernel_pca_algo = {
    .name = "kernel-pca",
    .help = "principal component analysis in the space of a kernel",
    .tasks = MLK_TRANSFORM,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_kernel_pca_opts),
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
