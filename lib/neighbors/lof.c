#include <mlkit/neighbors/lof.h>

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/sort.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "spatial/neighbours.h"

struct mlk_lof {
    mlk_scratch memory;
    size_t k;
    double power, eps, threshold;
    mlk_mat X;
    mlk_vec reach;   /* n: d_k of (1) */
    mlk_vec density; /* n: lrd of (1) */
    mlk_vec factor;  /* n: (1), or empty */
    mlk_neighbours *search;
};

static const mlk_word contaminations[] = {{"auto", MLK_LOF_AUTO}, {NULL, 0}};
static const mlk_word powers[] = {{"inf", INFINITY}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_lof_opts, n_neighbors, 20.0, 1.0, 2147483647.0, "neighbours of each row"),
    MLK_OPT_REAL_WORDS(mlk_lof_opts, contamination, MLK_LOF_AUTO, 0.0, 0.5, true, contaminations,
                       "share of outliers; auto: those with a factor above 1.5"),
    MLK_OPT_REAL_WORDS(mlk_lof_opts, p, 2.0, 1.0, 1e6, false, powers,
                       "power of the Minkowski distance; inf: the largest difference"),
    MLK_OPT_END,
};

enum { BATCH = 1 << 18 }; /* neighbours of new rows that are kept at a time */

static const double AUTO_THRESHOLD = 1.5;
static const double SHARE = 1e-10; /* of the mean distance: eps of (1) */

mlk_lof_opts mlk_lof_opts_default(void)
{
    mlk_lof_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------------ the factor */

/* The k neighbours of a row. */
typedef struct near_rows {
    const size_t *row;
    const double *distance;
} near_rows;

/* lrd of (1), at most DBL_MAX. */
static double density_of(const mlk_lof *m, near_rows near)
{
    double sum = 0.0;
    for (size_t i = 0; i < m->k; i++)
        sum += fmax(m->reach.data[near.row[i]], near.distance[i]) / (double)m->k;
    return fmin(1.0 / (sum + m->eps), DBL_MAX);
}

/* LOF of (1) for a row of this density, at most DBL_MAX. */
static double factor_of(const mlk_lof *m, near_rows near, double density)
{
    double sum = 0.0;
    for (size_t i = 0; i < m->k; i++) {
        const double ratio = m->density.data[near.row[i]] / density;
        sum += isnan(ratio) ? 1.0 : ratio; /* both infinitely sparse */
    }
    return fmin(sum / (double)m->k, DBL_MAX);
}

static double mean_of(mlk_vec v)
{
    double sum = 0.0;
    for (size_t i = 0; i < v.n; i++)
        sum += v.data[i] / (double)v.n;
    return sum;
}

/* ------------------------------------------------------------------------------- fit */

/* Room for n rows, and an index over those of X. */
static mlk_status build(mlk_cmat X, size_t k, double power, const mlk_run *run, mlk_lof **model)
{
    mlk_lof *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (m) {
        m->k = k;
        m->power = power;
        m->X = mlk_scratch_mat(&m->memory, X.rows, X.cols);
        m->reach = mlk_scratch_vec(&m->memory, X.rows);
        m->density = mlk_scratch_vec(&m->memory, X.rows);
    }
    if (!m || m->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", X.rows, X.cols);
    mlk_copy(X, m->X);
    return mlk_neighbours_new(mlk_mat_c(m->X), power, MLK_NEIGHBOURS_AUTO, run, &m->search);
}

void mlk_lof_free(mlk_lof *m)
{
    if (m) {
        mlk_neighbours_free(m->search);
        mlk_scratch_release(&m->memory);
    }
    mlk_free(m);
}

/* Distances, densities, factors of the training rows. */
static mlk_status fit_rows(mlk_lof *m, const mlk_run *run)
{
    const size_t n = m->X.rows, k = m->k;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *rows = mlk_scratch_take(&scratch, n, k * sizeof *rows);
    double *distances = mlk_scratch_take(&scratch, n, k * sizeof *distances);
    m->factor = mlk_scratch_vec(&m->memory, n);
    mlk_status st =
        scratch.failed || m->memory.failed
            ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours of %zu rows", k, n)
            : mlk_neighbours_query(m->search, mlk_mat_c(m->X), k, 0, run, rows, distances);
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        m->reach.data[i] = distances[i * k + k - 1];
    if (st == MLK_OK) {
        const double mean = mean_of(m->reach);
        m->eps = SHARE * mean;
        if (!isfinite(mean))
            st = MLK_FAIL(MLK_EINVAL, "squared distances overflow: scale the columns");
    }
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        m->density.data[i] = density_of(m, (near_rows){rows + i * k, distances + i * k});
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        m->factor.data[i] =
            factor_of(m, (near_rows){rows + i * k, distances + i * k}, m->density.data[i]);
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status set_threshold(mlk_lof *m, double contamination)
{
    m->threshold = AUTO_THRESHOLD;
    if (contamination == MLK_LOF_AUTO)
        return MLK_OK;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec sorted = mlk_scratch_vec(&scratch, m->factor.n);
    for (size_t i = 0; !scratch.failed && i < sorted.n; i++)
        sorted.data[i] = m->factor.data[i];
    if (!scratch.failed)
        m->threshold = mlk_quantile(sorted.data, sorted.n, 1.0 - contamination);
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu factors", sorted.n) : MLK_OK;
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_lof_fit(const mlk_data *data, const mlk_lof_opts *opts, const mlk_run *run,
                       mlk_lof **model)
{
    const mlk_lof_opts o = opts ? *opts : mlk_lof_opts_default();
    const size_t n = data->X.rows;
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, 0, 0, run));
    if (n < 2)
        return MLK_FAIL(MLK_EINVAL, "X has %zu row; lof expects at least 2", n);
    const size_t k = (uint64_t)o.n_neighbors < n ? (size_t)o.n_neighbors : n - 1;
    mlk_status st = build(data->X, k, o.p, run, model);
    if (st == MLK_OK)
        st = fit_rows(*model, run);
    if (st == MLK_OK)
        st = set_threshold(*model, o.contamination);
    if (st != MLK_OK) {
        mlk_lof_free(*model);
        *model = NULL;
    } else if (k < (uint64_t)o.n_neighbors) {
        mlk_run_warn(run, "lof: n_neighbors = %lld, but each of the %zu rows has %zu others",
                     (long long)o.n_neighbors, n, k);
    }
    return st;
}

/* ------------------------------------------------------------------------ prediction */

/* One neighbour more than k is searched for: a training row that the row equals falls out. */
static double score_row(const mlk_lof *m, const size_t *rows, const double *distances)
{
    const size_t skip = distances[0] == 0.0;
    const near_rows near = {rows + skip, distances + skip};
    return factor_of(m, near, density_of(m, near));
}

mlk_status mlk_lof_score(const mlk_lof *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    size_t i, j;
    MLK_TRY(mlk_predict_check(X, m->X.cols, out.n));
    if (mlk_find_nonfinite(X, run, &i, &j))
        return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j,
                        X.data[i * X.ld + j]);
    const size_t k = m->k + 1, most = mlk_grain(k, BATCH);
    const size_t step = most < X.rows ? most : X.rows ? X.rows : 1;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *rows = mlk_scratch_take(&scratch, step, k * sizeof *rows);
    double *distances = mlk_scratch_take(&scratch, step, k * sizeof *distances);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours", step * k) : MLK_OK;
    for (size_t begin = 0; st == MLK_OK && begin < X.rows; begin += step) {
        const size_t end = begin + step < X.rows ? begin + step : X.rows;
        st = mlk_neighbours_query(m->search, mlk_cmat_rows(X, begin, end), k, (size_t)-1, run, rows,
                                  distances);
        for (i = begin; st == MLK_OK && i < end; i++)
            out.data[i] = score_row(m, rows + (i - begin) * k, distances + (i - begin) * k);
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_lof_predict(const mlk_lof *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_lof_score(m, X, run, out));
    for (size_t i = 0; i < out.n; i++)
        out.data[i] = out.data[i] > m->threshold;
    return MLK_OK;
}

mlk_cvec mlk_lof_factors(const mlk_lof *m) { return mlk_vec_c(m->factor); }
double mlk_lof_threshold(const mlk_lof *m) { return m->threshold; }

/* ------------------------------------------------------------------------ descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_lof *m;
    const mlk_status st = mlk_lof_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_lof_predict(state, X, run, out);
}

static mlk_status algo_score(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_lof_score(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_decide_by(algo_score, state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_lof *m = state;
    mlk_doc_put_int(to, "n_neighbors", (int64_t)m->k);
    mlk_doc_put_real(to, "p", m->power);
    mlk_doc_put_real(to, "threshold", m->threshold);
    mlk_doc_put_mat(to, "X", mlk_mat_c(m->X));
    mlk_doc_put_vec(to, "k_distance", mlk_vec_c(m->reach));
    mlk_doc_put_vec(to, "density", mlk_vec_c(m->density));
}

static mlk_status load_values(mlk_cvec reach, mlk_cvec density, mlk_lof *m)
{
    for (size_t i = 0; i < reach.n; i++) {
        if (!(reach.data[i] >= 0.0 && density.data[i] >= 0.0))
            return MLK_FAIL(MLK_EFORMAT, "row %zu has the distance %g and the density %g", i,
                            reach.data[i], density.data[i]);
        m->reach.data[i] = reach.data[i];
        m->density.data[i] = density.data[i];
    }
    m->eps = SHARE * mean_of(m->reach);
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_doc_array shape;
    mlk_cmat X;
    mlk_cvec reach, density;
    size_t k;
    double power, threshold;
    mlk_lof *m;
    (void)n_classes; /* a target may have been there; it was not looked at */
    MLK_TRY(mlk_doc_get_array(from, "X", MLK_F64, &shape));
    if (shape.rows < 2)
        return MLK_FAIL(MLK_EFORMAT, "'X' has %zu rows; expected at least 2", shape.rows);
    MLK_TRY(mlk_doc_get_mat(from, "X", shape.rows, n_features, &X));
    MLK_TRY(mlk_doc_get_vec(from, "k_distance", X.rows, &reach));
    MLK_TRY(mlk_doc_get_vec(from, "density", X.rows, &density));
    MLK_TRY(mlk_doc_get_size(from, "n_neighbors", 1, X.rows - 1, &k));
    MLK_TRY(mlk_doc_get_real(from, "p", 1.0, INFINITY, &power));
    MLK_TRY(mlk_doc_get_real(from, "threshold", 0.0, DBL_MAX, &threshold));
    mlk_status st = build(X, k, power, NULL, &m);
    if (st == MLK_OK)
        st = load_values(reach, density, m);
    if (st != MLK_OK) {
        mlk_lof_free(m);
        return st;
    }
    m->threshold = threshold;
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_lof *m = state;
    mlk_doc_put_int(to, "n_neighbors", (int64_t)m->k);
    mlk_doc_put_int(to, "n_samples_fit", (int64_t)m->X.rows);
    mlk_doc_put_real(to, "threshold", m->threshold);
    double *out = m->factor.n
                      ? mlk_doc_put_room(to, "negative_outlier_factor", MLK_F64, m->factor.n, 0)
                      : NULL;
    for (size_t i = 0; out && i < m->factor.n; i++)
        out[i] = -m->factor.data[i];
}

static void algo_free(void *state) { mlk_lof_free(state); }

const mlk_algo mlk_lof_algo = {
    .name = "lof",
    .help = "outliers by the local outlier factor: sparser than their neighbours",
    .tasks = MLK_OUTLIER,
    .caps = 0,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_lof_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
