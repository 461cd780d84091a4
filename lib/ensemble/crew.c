#include "ensemble/crew.h"

#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "model/algo.h"

enum { PREDICT_ROWS = 1024 };

mlk_status mlk_crew_init(mlk_crew *crew, size_t n, size_t p, size_t k, size_t q)
{
    *crew = (mlk_crew){.n = n, .p = p, .k = k, .q = q ? q : p};
    crew->model = mlk_alloc_zero(n, sizeof(mlk_model *));
    if (q)
        crew->column = mlk_alloc(n * q, sizeof *crew->column);
    if (crew->model && (crew->column || !q))
        return MLK_OK;
    mlk_crew_release(crew);
    return MLK_FAIL(MLK_ENOMEM, "no memory for %zu members", n);
}

void mlk_crew_release(mlk_crew *crew)
{
    for (size_t b = 0; crew->model && b < crew->n; b++)
        mlk_model_free(crew->model[b]);
    mlk_free((void *)crew->model);
    mlk_free(crew->column);
    *crew = (mlk_crew){0};
}

size_t mlk_first_largest(const double *v, size_t k)
{
    size_t best = 0;
    for (size_t c = 1; c < k; c++)
        if (v[c] > v[best])
            best = c;
    return best;
}

/* ------------------------------------------------------------------- fitting */

typedef struct fitting {
    const mlk_members *members;
    const mlk_data *data;
    uint64_t seed;
    mlk_run run;
    mlk_model **model;
} fitting;

static mlk_status fit_members(void *ctx, const mlk_chunk *chunk)
{
    const fitting *f = ctx;
    for (size_t b = chunk->begin; b < chunk->end; b++) {
        mlk_rng rng = mlk_rng_stream(f->seed, b);
        MLK_TRY(mlk_member_fit(&f->members->member[b], mlk_rng_seed(&rng), f->data, &f->run,
                               &f->model[b]));
    }
    return MLK_OK;
}

mlk_status mlk_crew_fit(mlk_crew *crew, const mlk_members *members, const mlk_data *data,
                        uint64_t seed, const mlk_run *run)
{
    fitting f = {members, data, seed, mlk_run_inner(run), crew->model};
    return mlk_parallel_for(run, crew->n, 1, fit_members, &f);
}

/* ---------------------------------------------------------------- prediction */

static mlk_status vote(const mlk_model *m, size_t k, mlk_cmat X, const mlk_run *run, double *v,
                       mlk_mat out)
{
    MLK_TRY(mlk_model_predict(m, X, run, (mlk_vec){v, X.rows}));
    for (size_t i = 0; i < X.rows; i++) {
        double *row = out.data + i * out.ld;
        memset(row, 0, k * sizeof *row);
        if (v[i] >= 0.0 && v[i] < (double)k) /* no NaN, which stands for a row without answer */
            row[(size_t)v[i]] = 1.0;
    }
    return MLK_OK;
}

mlk_status mlk_crew_member(const mlk_crew *crew, size_t b, bool votes, mlk_cmat X,
                           const mlk_run *run, double *v, mlk_mat out)
{
    const mlk_model *m = crew->model[b];
    if (!crew->k) {
        MLK_TRY(mlk_model_predict(m, X, run, (mlk_vec){v, X.rows}));
        for (size_t i = 0; i < X.rows; i++)
            out.data[i * out.ld] = v[i];
        return MLK_OK;
    }
    if (!votes && mlk_model_algo(m)->predict_proba) {
        const mlk_status st = mlk_model_predict_proba(m, X, run, out);
        if (st != MLK_EUNSUPPORTED)
            return st;
    }
    return vote(m, crew->k, X, run, v, out);
}

void mlk_crew_gather(const mlk_crew *crew, size_t b, mlk_cmat X, const uint32_t *rows, mlk_mat out)
{
    const uint32_t *column = crew->column ? crew->column + b * crew->q : NULL;
    for (size_t i = 0; i < out.rows; i++) {
        const double *from = X.data + (rows ? rows[i] : i) * X.ld;
        double *to = out.data + i * out.ld;
        if (!column)
            memcpy(to, from, crew->q * sizeof *to);
        for (size_t j = 0; column && j < crew->q; j++)
            to[j] = from[column[j]];
    }
}

mlk_sample mlk_sample_take(mlk_scratch *scratch, size_t n, size_t q)
{
    return (mlk_sample){.X = mlk_scratch_mat(scratch, n, q),
                        .y = mlk_scratch_vec(scratch, n),
                        .w = mlk_scratch_vec(scratch, n),
                        .levels = mlk_scratch_take(scratch, q, sizeof(size_t))};
}

mlk_data mlk_crew_sample(const mlk_crew *crew, size_t b, const mlk_data *d, const uint32_t *times,
                         const mlk_sample *room)
{
    size_t n = 0;
    for (size_t i = 0; i < d->X.rows; i++)
        for (uint32_t t = 0; t < times[i]; t++, n++) {
            mlk_crew_gather(crew, b, mlk_cmat_rows(d->X, i, i + 1), NULL,
                            mlk_mat_rows(room->X, n, n + 1));
            room->y.data[n] = d->y.data[i];
            if (d->w.n)
                room->w.data[n] = d->w.data[i];
        }
    for (size_t j = 0; d->levels && j < crew->q; j++)
        room->levels[j] = d->levels[crew->column ? crew->column[b * crew->q + j] : j];
    return (mlk_data){.X = mlk_mat_c(mlk_mat_rows(room->X, 0, n)),
                      .y = {room->y.data, n},
                      .w = {d->w.n ? room->w.data : NULL, d->w.n ? n : 0},
                      .n_classes = d->n_classes,
                      .levels = d->levels ? room->levels : NULL};
}

typedef struct mean {
    const mlk_crew *crew;
    const double *weight;
    bool votes;
    mlk_cmat X;
    const mlk_run *run;
    double *scratch; /* of each worker: PREDICT_ROWS x (1 + width + q) */
    mlk_mat out;
} mean;

static size_t mean_room(const mlk_crew *c)
{
    return (1 + mlk_crew_width(c) + (c->column ? c->q : 0)) * PREDICT_ROWS;
}

static mlk_status mean_rows(void *ctx, const mlk_chunk *chunk)
{
    const mean *m = ctx;
    const mlk_crew *c = m->crew;
    const size_t width = mlk_crew_width(c), n = chunk->end - chunk->begin;
    double *v = m->scratch + chunk->worker * mean_room(c);
    const mlk_mat said = {v + PREDICT_ROWS, n, width, width};
    const mlk_mat own = {said.data + PREDICT_ROWS * width, n, c->q, c->q};
    const mlk_cmat X = mlk_cmat_rows(m->X, chunk->begin, chunk->end);
    const mlk_mat out = mlk_mat_rows(m->out, chunk->begin, chunk->end);
    double total = 0.0;
    for (size_t i = 0; i < n; i++)
        memset(out.data + i * out.ld, 0, width * sizeof *out.data);
    for (size_t b = 0; b < c->n; b++) {
        const double w = m->weight ? m->weight[b] : 1.0;
        if (c->column)
            mlk_crew_gather(c, b, X, NULL, own);
        MLK_TRY(mlk_crew_member(c, b, m->votes, c->column ? mlk_mat_c(own) : X, m->run, v, said));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < width; j++)
                out.data[i * out.ld + j] += w * said.data[i * width + j];
        total += w;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++)
            out.data[i * out.ld + j] /= total;
    return MLK_OK;
}

mlk_status mlk_crew_mean(const mlk_crew *crew, const double *weight, bool votes, mlk_cmat X,
                         const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, crew->p, out.rows));
    const mlk_run inner = mlk_run_inner(run);
    mean m = {crew, weight, votes, X, &inner, NULL, out};
    m.scratch = mlk_alloc(mlk_workers(run, X.rows, PREDICT_ROWS), mean_room(crew) * sizeof(double));
    if (!m.scratch)
        return MLK_FAIL(MLK_ENOMEM, "no memory to predict %zu rows", X.rows);
    const mlk_status st = mlk_parallel_for(run, X.rows, PREDICT_ROWS, mean_rows, &m);
    mlk_free(m.scratch);
    return st;
}

mlk_status mlk_crew_predict(const mlk_crew *crew, const double *weight, bool votes, mlk_cmat X,
                            const mlk_run *run, mlk_vec out)
{
    const size_t k = crew->k;
    if (!k)
        return mlk_crew_mean(crew, weight, votes, X, run, (mlk_mat){out.data, out.n, 1, 1});
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat shares = mlk_scratch_mat(&scratch, out.n, k);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to predict %zu rows", out.n)
                                   : mlk_crew_mean(crew, weight, votes, X, run, shares);
    for (size_t i = 0; st == MLK_OK && i < out.n; i++)
        out.data[i] = (double)mlk_first_largest(shares.data + i * k, k);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_has_probabilities(const mlk_model *model, const mlk_run *run, bool *has)
{
    const size_t p = mlk_model_n_features(model), k = mlk_model_n_classes(model);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat x = mlk_scratch_mat(&scratch, 1, p), out = mlk_scratch_mat(&scratch, 1, k);
    mlk_status st = MLK_EUNSUPPORTED;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a row");
    } else if (mlk_model_algo(model)->predict_proba) {
        memset(x.data, 0, p * sizeof *x.data);
        st = mlk_model_predict_proba(model, mlk_mat_c(x), run, out);
    }
    mlk_scratch_release(&scratch);
    *has = st == MLK_OK;
    return st == MLK_EUNSUPPORTED ? MLK_OK : st;
}

void mlk_crew_warn(const mlk_crew *crew, const mlk_run *run)
{
    size_t stopped = 0;
    for (size_t b = 0; b < crew->n; b++)
        stopped += mlk_model_info(crew->model[b]).converged == 0;
    if (stopped)
        mlk_run_warn(run, "%zu of %zu members did not converge: raise their max_iter", stopped,
                     crew->n);
}

/* ------------------------------------------------------------- save and load */

void mlk_crew_save(const mlk_crew *crew, mlk_doc *to)
{
    mlk_doc *list = mlk_doc_put_list(to, "models");
    for (size_t b = 0; b < crew->n; b++)
        mlk_model_save(crew->model[b], mlk_doc_put_map(list, NULL));
    if (crew->column)
        mlk_doc_put_array(to, "columns", MLK_U32, crew->column, crew->n, crew->q);
}

static mlk_status load_columns(const mlk_doc_array *a, mlk_crew *crew)
{
    memcpy(crew->column, a->data, crew->n * crew->q * sizeof *crew->column);
    for (size_t i = 0; i < crew->n * crew->q; i++)
        if (crew->column[i] >= crew->p)
            return MLK_FAIL(MLK_EFORMAT, "column %u of a member; expected one of %zu",
                            crew->column[i], crew->p);
    return MLK_OK;
}

static mlk_status load_member(const mlk_doc *from, const mlk_crew *crew, mlk_model **model)
{
    MLK_TRY(mlk_model_load(from, model));
    const mlk_algo *algo = mlk_model_algo(*model);
    if (mlk_model_n_features(*model) != crew->q || mlk_model_n_classes(*model) != crew->k)
        return MLK_FAIL(MLK_EFORMAT,
                        "a member has %zu features and %zu classes; expected %zu and "
                        "%zu",
                        mlk_model_n_features(*model), mlk_model_n_classes(*model), crew->q,
                        crew->k);
    if (!(algo->tasks & (crew->k ? MLK_CLASSIFICATION : MLK_REGRESSION)))
        return MLK_FAIL(MLK_EFORMAT, "a member is %s, which does not predict %s", algo->name,
                        crew->k ? "classes" : "numbers");
    return MLK_OK;
}

mlk_status mlk_crew_load(const mlk_doc *from, size_t p, size_t k, mlk_crew *crew)
{
    const mlk_doc *list;
    mlk_doc_array a = {.cols = 0};
    *crew = (mlk_crew){0};
    MLK_TRY(mlk_doc_get_list(from, "models", &list));
    const size_t n = mlk_doc_size(list);
    if (!n)
        return MLK_FAIL(MLK_EFORMAT, "'models' is empty; expected at least one");
    if (mlk_doc_find(from, "columns")) {
        MLK_TRY(mlk_doc_get_array(from, "columns", MLK_U32, &a));
        if (a.rows != n || !a.cols || a.cols > p)
            return MLK_FAIL(MLK_EFORMAT, "'columns' is %zu x %zu; expected %zu x 1..%zu", a.rows,
                            a.cols, n, p);
    }
    MLK_TRY(mlk_crew_init(crew, n, p, k, a.cols));
    if (crew->column)
        MLK_TRY(load_columns(&a, crew));
    for (size_t b = 0; b < n; b++)
        MLK_TRY(load_member(mlk_doc_at(list, b), crew, &crew->model[b]));
    return MLK_OK;
}

void mlk_crew_learned(const mlk_crew *crew, mlk_doc *to)
{
    mlk_doc *list = mlk_doc_put_list(to, "estimators");
    for (size_t b = 0; b < crew->n; b++)
        mlk_model_learned(crew->model[b], mlk_doc_put_map(list, NULL));
}
