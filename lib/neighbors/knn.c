#include <mlkit/neighbors/knn.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "neighbors/whitened.h"
#include "spatial/neighbours.h"

struct mlk_knn {
    mlk_scratch memory;
    mlk_knn_opts opts;
    size_t p, n_classes;
    mlk_mat W; /* p x q and p: coordinates of the Mahalanobis distance; else none */
    mlk_vec mean;
    mlk_mat X; /* training rows, in those coordinates */
    mlk_vec y;
    mlk_neighbours *search;
};

static const mlk_word weight_words[] = {
    {"uniform", MLK_KNN_UNIFORM}, {"distance", MLK_KNN_DISTANCE}, {NULL, 0}};
static const mlk_word algorithms[] = {
    {"auto", MLK_KNN_AUTO}, {"brute", MLK_KNN_BRUTE}, {"kd_tree", MLK_KNN_KD_TREE}, {NULL, 0}};
static const mlk_word powers[] = {{"inf", INFINITY}, {NULL, 0}};
static const mlk_word metrics[] = {
    {"minkowski", MLK_KNN_MINKOWSKI}, {"mahalanobis", MLK_KNN_MAHALANOBIS}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_knn_opts, n_neighbors, 5.0, 1.0, 2147483647.0, "neighbours of each row"),
    MLK_OPT_WORD(mlk_knn_opts, weights, MLK_KNN_UNIFORM, weight_words,
                 "all the same, or by the inverse of the distance"),
    MLK_OPT_REAL_WORDS(mlk_knn_opts, p, 2.0, 1.0, 1e6, false, powers,
                       "power of the Minkowski distance; inf: the largest difference"),
    MLK_OPT_WORD(mlk_knn_opts, algorithm, MLK_KNN_AUTO, algorithms, "how neighbours are found"),
    MLK_OPT_WORD(mlk_knn_opts, metric, MLK_KNN_MINKOWSKI, metrics,
                 "distance: of the columns, or by the covariance of the training rows"),
    MLK_OPT_END,
};

enum { BATCH = 1 << 18 }; /* neighbours that are kept at a time */

static const mlk_neighbours_method methods[] = {[MLK_KNN_AUTO] = MLK_NEIGHBOURS_AUTO,
                                                [MLK_KNN_BRUTE] = MLK_NEIGHBOURS_BRUTE,
                                                [MLK_KNN_KD_TREE] = MLK_NEIGHBOURS_KD_TREE};

mlk_knn_opts mlk_knn_opts_default(void)
{
    mlk_knn_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* --------------------------------------------------------------------- fit */

static mlk_status check_opts(const mlk_knn_opts *o)
{
    MLK_TRY(mlk_opts_check(opt_table, o));
    if (o->metric == MLK_KNN_MAHALANOBIS && o->p != 2.0)
        return MLK_FAIL(MLK_EINVAL, "p = %g has no effect with metric = mahalanobis", o->p);
    return MLK_OK;
}

/* Rows in the coordinates that the metric asks for: X itself, or W'(x - mean) in scratch memory. */
static mlk_status project(mlk_cvec mean, mlk_cmat W, mlk_cmat X, const mlk_run *run,
                          mlk_scratch *scratch, mlk_cmat *Z)
{
    *Z = X;
    if (!W.data)
        return MLK_OK;
    const mlk_mat room = mlk_scratch_mat(scratch, X.rows, W.cols);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", X.rows, W.cols);
    *Z = mlk_mat_c(room);
    return whitened_rows(mean, W, X, run, room);
}

/* A model of these rows, which are copied; X as projected by W and mean (W empty: not). */
static mlk_status build(mlk_cmat X, mlk_cmat W, mlk_cvec mean, const mlk_data *d,
                        const mlk_knn_opts *o, const mlk_run *run, mlk_knn **model)
{
    mlk_knn *m = mlk_alloc_zero(1, sizeof *m);
    mlk_status st = MLK_OK;
    *model = NULL;
    if (m) {
        m->opts = *o;
        m->p = W.data ? W.rows : X.cols;
        m->n_classes = d->n_classes;
        m->X = mlk_scratch_mat(&m->memory, X.rows, X.cols);
        m->y = mlk_scratch_vec(&m->memory, X.rows);
        if (W.data) {
            m->W = mlk_scratch_mat(&m->memory, W.rows, W.cols);
            m->mean = mlk_scratch_vec(&m->memory, W.rows);
        }
    }
    if (!m || m->memory.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", X.rows, X.cols);
        goto out;
    }
    mlk_copy(X, m->X);
    memcpy(m->y.data, d->y.data, d->y.n * sizeof *d->y.data);
    if (W.data) {
        mlk_copy(W, m->W);
        memcpy(m->mean.data, mean.data, mean.n * sizeof *mean.data);
    }
    st = mlk_neighbours_new(mlk_mat_c(m->X), o->p, methods[o->algorithm], run, &m->search);
    if (st == MLK_OK)
        *model = m;
out:
    if (st != MLK_OK)
        mlk_knn_free(m);
    return st;
}

/* Coordinates of the metric, learned on X, and X in them; `t` and `scratch` own the memory. */
static mlk_status learn_metric(mlk_cmat X, const mlk_knn_opts *o, const mlk_run *run, whitened *t,
                               mlk_scratch *scratch, mlk_cmat *Z)
{
    *t = (whitened){.memory = MLK_SCRATCH_INIT};
    if (o->metric == MLK_KNN_MAHALANOBIS)
        MLK_TRY(whitened_init(X, "knn", run, t));
    return project(mlk_vec_c(t->mean), mlk_mat_c(t->W), X, run, scratch, Z);
}

mlk_status mlk_knn_fit(const mlk_data *data, const mlk_knn_opts *opts, const mlk_run *run,
                       mlk_knn **model)
{
    const mlk_knn_opts o = opts ? *opts : mlk_knn_opts_default();
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    whitened t;
    mlk_cmat Z;
    *model = NULL;
    MLK_TRY(check_opts(&o));
    MLK_TRY(mlk_data_check(data, 0, MLK_NEED_TARGET, run));
    if ((uint64_t)o.n_neighbors > data->X.rows)
        return MLK_FAIL(MLK_EINVAL, "n_neighbors = %lld; expected at most the %zu row%s",
                        (long long)o.n_neighbors, data->X.rows, data->X.rows == 1 ? "" : "s");
    mlk_status st = learn_metric(data->X, &o, run, &t, &scratch, &Z);
    if (st == MLK_OK)
        st = build(Z, mlk_mat_c(t.W), mlk_vec_c(t.mean), data, &o, run, model);
    whitened_release(&t);
    mlk_scratch_release(&scratch);
    return st;
}

void mlk_knn_free(mlk_knn *m)
{
    if (m) {
        mlk_neighbours_free(m->search);
        mlk_scratch_release(&m->memory);
    }
    mlk_free(m);
}

/* -------------------------------------------------------------- prediction */

/* How neighbours become an answer. */
typedef struct vote {
    mlk_cvec y;
    size_t n_classes, k;
    int weights;
} vote;

static double weight_of(const vote *v, const double *distances, size_t i)
{
    if (v->weights == MLK_KNN_UNIFORM)
        return 1.0;
    if (distances[0] == 0.0)
        return distances[i] == 0.0;
    return distances[0] / distances[i]; /* a common factor: no overflow */
}

/* A weight that is not a number belongs to infinite distances alone: then all are equal. */
static double safe_weight(const vote *v, const double *distances, size_t i)
{
    const double u = weight_of(v, distances, i);
    return isnan(u) ? 1.0 : u;
}

static double mean_of(const vote *v, const size_t *rows, const double *distances)
{
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < v->k; i++) {
        const double u = safe_weight(v, distances, i);
        sum += u * v->y.data[rows[i]];
        total += u;
    }
    return sum / total;
}

static void shares_of(const vote *v, const size_t *rows, const double *distances, double *out)
{
    double total = 0.0;
    for (size_t c = 0; c < v->n_classes; c++)
        out[c] = 0.0;
    for (size_t i = 0; i < v->k; i++) {
        const double u = safe_weight(v, distances, i);
        out[(size_t)v->y.data[rows[i]]] += u;
        total += u;
    }
    for (size_t c = 0; c < v->n_classes; c++)
        out[c] /= total;
}

/* Value or class of one row; shares: room for n_classes. */
static double answer(const vote *v, const size_t *rows, const double *distances, double *shares)
{
    size_t best = 0;
    if (!v->n_classes)
        return mean_of(v, rows, distances);
    shares_of(v, rows, distances, shares);
    for (size_t c = 1; c < v->n_classes; c++)
        if (shares[c] > shares[best])
            best = c;
    return (double)best;
}

/* Searches by batches of rows, so that memory does not grow with X. */
typedef struct batch {
    vote vote;
    double *shares;   /* n_classes */
    mlk_vec values;   /* either these */
    mlk_mat all;      /* or these */
    size_t *rows;     /* of a batch, x k */
    double *distance; /* likewise */
} batch;

static void use_batch(const batch *b, size_t begin, size_t count)
{
    const size_t k = b->vote.k;
    for (size_t i = 0; i < count; i++) {
        const size_t *rows = b->rows + i * k;
        const double *distance = b->distance + i * k;
        if (b->all.data)
            shares_of(&b->vote, rows, distance, b->all.data + (begin + i) * b->all.ld);
        else
            b->values.data[begin + i] = answer(&b->vote, rows, distance, b->shares);
    }
}

static mlk_status by_batches(const mlk_knn *m, mlk_cmat rows, const mlk_run *run, mlk_vec values,
                             mlk_mat all)
{
    mlk_cmat X = rows;
    const size_t k = (size_t)m->opts.n_neighbors, most = mlk_grain(k, BATCH);
    const size_t step = most < X.rows ? most : X.rows ? X.rows : 1;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    batch b = {.values = values, .all = all};
    b.vote = (vote){mlk_vec_c(m->y), m->n_classes, k, m->opts.weights};
    b.shares = mlk_scratch_vec(&scratch, m->n_classes).data;
    b.rows = mlk_scratch_take(&scratch, step, k * sizeof *b.rows);
    b.distance = mlk_scratch_take(&scratch, step, k * sizeof *b.distance);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours", step * k)
                        : project(mlk_vec_c(m->mean), mlk_mat_c(m->W), rows, run, &scratch, &X);
    for (size_t begin = 0; st == MLK_OK && begin < X.rows; begin += step) {
        const size_t end = begin + step < X.rows ? begin + step : X.rows;
        st = mlk_neighbours_query(m->search, mlk_cmat_rows(X, begin, end), k, (size_t)-1, run,
                                  b.rows, b.distance);
        if (st == MLK_OK)
            use_batch(&b, begin, end - begin);
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* Distances need finite values: a query that has none is refused. */
static mlk_status check_query(const mlk_knn *m, mlk_cmat X, const mlk_run *run, size_t out_rows)
{
    size_t i, j;
    MLK_TRY(mlk_predict_check(X, m->p, out_rows));
    if (mlk_find_nonfinite(X, run, &i, &j))
        return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j,
                        X.data[i * X.ld + j]);
    return MLK_OK;
}

mlk_status mlk_knn_predict(const mlk_knn *model, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(check_query(model, X, run, out.n));
    return by_batches(model, X, run, out, (mlk_mat){NULL, 0, 0, 0});
}

mlk_status mlk_knn_predict_proba(const mlk_knn *model, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(check_query(model, X, run, out.rows));
    if (!model->n_classes)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression has no class probabilities");
    return by_batches(model, X, run, (mlk_vec){NULL, 0}, out);
}

mlk_status mlk_knn_neighbours(const mlk_knn *model, mlk_cmat X, size_t k, const mlk_run *run,
                              size_t *rows, double *distances)
{
    MLK_TRY(check_query(model, X, run, X.rows));
    if (k < 1 || k > model->X.rows)
        return MLK_FAIL(MLK_EINVAL, "k = %zu; expected 1..%zu", k, model->X.rows);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_cmat Z;
    mlk_status st = project(mlk_vec_c(model->mean), mlk_mat_c(model->W), X, run, &scratch, &Z);
    if (st == MLK_OK)
        st = mlk_neighbours_query(model->search, Z, k, (size_t)-1, run, rows, distances);
    mlk_scratch_release(&scratch);
    return st;
}

/* ----------------------------------------------------------- leave one out */

/* All choices from `first` on that share its p, not done yet: one search, then their answers. */
static mlk_status loo_power(const mlk_data *data, const mlk_knn_opts *const *opts, size_t n_opts,
                            size_t first, const mlk_run *run, mlk_mat out)
{
    const double p = opts[first]->p;
    size_t k = 1;
    for (size_t j = first; j < n_opts; j++)
        if (opts[j]->p == p && (size_t)opts[j]->n_neighbors > k)
            k = (size_t)opts[j]->n_neighbors;
    const size_t n = data->X.rows, most = mlk_grain(k, BATCH), step = most < n ? most : n;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *rows = mlk_scratch_take(&scratch, step, k * sizeof *rows);
    double *distance = mlk_scratch_take(&scratch, step, k * sizeof *distance);
    double *shares = mlk_scratch_vec(&scratch, data->n_classes).data;
    mlk_neighbours *search = NULL;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours", step * k)
                                   : mlk_neighbours_new(data->X, p, methods[opts[first]->algorithm],
                                                        run, &search);
    for (size_t begin = 0; st == MLK_OK && begin < n; begin += step) {
        const size_t end = begin + step < n ? begin + step : n;
        st = mlk_neighbours_query(search, mlk_cmat_rows(data->X, begin, end), k, begin, run, rows,
                                  distance);
        for (size_t j = first; st == MLK_OK && j < n_opts; j++) {
            const vote v = {data->y, data->n_classes, (size_t)opts[j]->n_neighbors,
                            opts[j]->weights};
            for (size_t i = begin; opts[j]->p == p && i < end; i++)
                out.data[i * out.ld + j] =
                    answer(&v, rows + (i - begin) * k, distance + (i - begin) * k, shares);
        }
    }
    mlk_neighbours_free(search);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_knn_loo(const mlk_data *data, const mlk_knn_opts *const *opts, size_t n_opts,
                       const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_data_check(data, 0, MLK_NEED_TARGET, run));
    for (size_t j = 0; j < n_opts; j++) {
        MLK_TRY(check_opts(opts[j]));
        if (opts[j]->metric != MLK_KNN_MINKOWSKI)
            return MLK_FAIL(MLK_EUNSUPPORTED,
                            "no exact leave-one-out with metric = mahalanobis: the covariance "
                            "depends on each row");
        if ((uint64_t)opts[j]->n_neighbors >= data->X.rows)
            return MLK_FAIL(MLK_EINVAL,
                            "n_neighbors = %lld; expected at most the %zu rows less one that is "
                            "left out",
                            (long long)opts[j]->n_neighbors, data->X.rows);
    }
    for (size_t j = 0; j < n_opts; j++) {
        size_t before = 0;
        while (before < j && opts[before]->p != opts[j]->p)
            before++;
        if (before == j)
            MLK_TRY(loo_power(data, opts, n_opts, j, run, out));
    }
    return MLK_OK;
}

/* -------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_knn *m;
    const mlk_status st = mlk_knn_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_knn_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_knn_predict_proba(state, X, run, out);
}

static mlk_status algo_loo(const mlk_data *data, const void *const *opts, size_t n_opts,
                           const mlk_run *run, mlk_mat out)
{
    const mlk_knn_opts **typed = mlk_alloc(n_opts, sizeof *typed);
    if (!typed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu choices", n_opts);
    for (size_t j = 0; j < n_opts; j++)
        typed[j] = opts[j];
    const mlk_status st = mlk_knn_loo(data, typed, n_opts, run, out);
    mlk_free(typed);
    return st;
}

/* Rows of each class; in the file they also bound what a number of classes makes us allocate. */
static void put_counts(const mlk_knn *m, mlk_doc *to)
{
    double *count =
        m->n_classes ? mlk_doc_put_room(to, "class_count", MLK_F64, m->n_classes, 0) : NULL;
    for (size_t c = 0; count && c < m->n_classes; c++)
        count[c] = 0.0;
    for (size_t i = 0; count && i < m->y.n; i++)
        count[(size_t)m->y.data[i]] += 1.0;
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_knn *m = state;
    mlk_opts_save(opt_table, &m->opts, to);
    if (m->W.data) {
        mlk_doc_put_mat(to, "scalings", mlk_mat_c(m->W));
        mlk_doc_put_vec(to, "mean", mlk_vec_c(m->mean));
    }
    mlk_doc_put_mat(to, "X", mlk_mat_c(m->X));
    mlk_doc_put_vec(to, "y", mlk_vec_c(m->y));
    put_counts(m, to);
}

/* W and mean, where the metric has them. */
static mlk_status load_metric(const mlk_doc *from, const mlk_knn_opts *o, size_t p, mlk_cmat *W,
                              mlk_cvec *mean)
{
    mlk_doc_array shape;
    *W = (mlk_cmat){NULL, 0, 0, 0};
    *mean = (mlk_cvec){NULL, 0};
    if (o->metric != MLK_KNN_MAHALANOBIS)
        return MLK_OK;
    MLK_TRY(mlk_doc_get_array(from, "scalings", MLK_F64, &shape));
    if (shape.cols < 1 || shape.cols > p)
        return MLK_FAIL(MLK_EFORMAT, "'scalings' has %zu columns", shape.cols);
    MLK_TRY(mlk_doc_get_mat(from, "scalings", p, shape.cols, W));
    return mlk_doc_get_vec(from, "mean", p, mean);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_knn_opts o;
    mlk_doc_array shape;
    mlk_cmat X, W;
    mlk_cvec y, counts, mean;
    mlk_knn *m;
    if (n_classes)
        MLK_TRY(mlk_doc_get_vec(from, "class_count", n_classes, &counts));
    MLK_TRY(mlk_opts_load(opt_table, from, &o));
    if (check_opts(&o) != MLK_OK)
        return MLK_FAIL(MLK_EFORMAT, "an option of knn is out of its domain");
    MLK_TRY(load_metric(from, &o, n_features, &W, &mean));
    MLK_TRY(mlk_doc_get_array(from, "X", MLK_F64, &shape));
    MLK_TRY(mlk_doc_get_mat(from, "X", shape.rows, W.data ? W.cols : n_features, &X));
    MLK_TRY(mlk_doc_get_vec(from, "y", X.rows, &y));
    if ((uint64_t)o.n_neighbors > X.rows)
        return MLK_FAIL(MLK_EFORMAT, "'n_neighbors' = %lld of %zu rows", (long long)o.n_neighbors,
                        X.rows);
    for (size_t i = 0; n_classes && i < y.n; i++)
        if (!(y.data[i] >= 0.0 && y.data[i] < (double)n_classes && y.data[i] == floor(y.data[i])))
            return MLK_FAIL(MLK_EFORMAT, "'y' has %g; expected a class number", y.data[i]);
    MLK_TRY(build(X, W, mean, &(mlk_data){.y = y, .n_classes = n_classes}, &o, NULL, &m));
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_knn *m = state;
    const bool tree = mlk_neighbours_method_of(m->search) == MLK_NEIGHBOURS_KD_TREE;
    mlk_doc_put_int(to, "n_samples_fit", (int64_t)m->X.rows);
    put_counts(m, to);
    mlk_doc_put_text(to, "fit_method", algorithms[tree ? MLK_KNN_KD_TREE : MLK_KNN_BRUTE].name);
}

static void algo_free(void *state) { mlk_knn_free(state); }

const mlk_algo mlk_knn_algo = {
    .name = "knn",
    .help = "k nearest neighbours",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = 0,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_knn_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .loo = algo_loo,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
