#include "bayes/discriminant.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "bayes/priors.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"

const mlk_word discriminant_shrinkages[] = {{"auto", MLK_SHRINKAGE_AUTO}, {NULL, 0}};

enum { CHUNK = 256 }; /* rows that are scored together */

/* ----------------------------------------------------------------- rows by class */

static mlk_status take_memory(const mlk_data *d, class_rows *t)
{
    t->p = d->X.cols;
    t->k = d->n_classes;
    for (size_t i = 0; i < d->X.rows; i++)
        t->n += mlk_weight(d->w, i) > 0.0;
    t->X = mlk_scratch_mat(&t->memory, t->n, t->p);
    t->w = mlk_scratch_vec(&t->memory, t->n);
    t->start = mlk_scratch_take(&t->memory, t->k + 2, sizeof *t->start);
    t->weight = mlk_scratch_vec(&t->memory, t->k);
    t->prior = mlk_scratch_vec(&t->memory, t->k);
    t->mean = mlk_scratch_mat(&t->memory, t->k, t->p);
    t->var = mlk_scratch_mat(&t->memory, t->k, t->p);
    return t->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", t->n, t->p)
                            : MLK_OK;
}

/* A stable counting sort: start[c + 1] is where the next row of class c goes, until all are. */
static void sort_rows(const mlk_data *d, class_rows *t)
{
    memset(t->start, 0, (t->k + 2) * sizeof *t->start);
    for (size_t i = 0; i < d->X.rows; i++)
        t->start[(size_t)d->y.data[i] + 2] += mlk_weight(d->w, i) > 0.0;
    for (size_t c = 0; c < t->k; c++)
        t->start[c + 2] += t->start[c + 1];
    for (size_t i = 0; i < d->X.rows; i++) {
        const double w = mlk_weight(d->w, i);
        if (!(w > 0.0))
            continue;
        const size_t to = t->start[(size_t)d->y.data[i] + 1]++;
        memcpy(t->X.data + to * t->p, d->X.data + i * d->X.ld, t->p * sizeof(double));
        t->w.data[to] = w;
    }
}

static mlk_cmat class_rows_of(const class_rows *t, size_t c)
{
    return mlk_cmat_rows(mlk_mat_c(t->X), t->start[c], t->start[c + 1]);
}

/* Mean and variance of each column in each class; what rounding alone makes vary does not. */
static mlk_status find_moments(const mlk_data *d, const mlk_run *run, class_rows *t)
{
    char name[MLK_LABEL];
    for (size_t c = 0; c < t->k; c++) {
        const mlk_vec mean = {t->mean.data + c * t->p, t->p}, var = {t->var.data + c * t->p, t->p};
        const mlk_cvec w = class_rows_weights(t, c);
        t->weight.data[c] = 0.0;
        for (size_t i = 0; i < w.n; i++)
            t->weight.data[c] += w.data[i];
        t->present += w.n > 0;
        if (w.n)
            MLK_TRY(mlk_column_moments(class_rows_of(t, c), w, run, mean, var));
        for (size_t j = 0; j < t->p; j++) {
            const double noise = 8.0 * DBL_EPSILON * mean.data[j];
            if (!w.n)
                mean.data[j] = var.data[j] = 0.0;
            else if (!(var.data[j] < INFINITY))
                return MLK_FAIL(MLK_ESINGULAR, "the variance of %s overflows",
                                mlk_column_label(d, j, name, sizeof name));
            else if (var.data[j] <= noise * noise)
                var.data[j] = 0.0;
        }
    }
    return MLK_OK;
}

mlk_status class_rows_init(const mlk_data *data, const char *priors, const mlk_run *run,
                           class_rows *t)
{
    *t = (class_rows){.memory = MLK_SCRATCH_INIT};
    MLK_TRY(take_memory(data, t));
    MLK_TRY(priors_find(data, priors, t->prior));
    sort_rows(data, t);
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(find_moments(data, &inner, t));
    for (size_t c = 0; c < t->k; c++)
        if (t->prior.data[c] > 0.0 && !(t->weight.data[c] > 0.0))
            return MLK_FAIL(MLK_EINVAL, "class %zu has no rows, but a prior of %g", c,
                            t->prior.data[c]);
    return MLK_OK;
}

void class_rows_release(class_rows *t) { mlk_scratch_release(&t->memory); }

mlk_cvec class_rows_weights(const class_rows *t, size_t c)
{
    return (mlk_cvec){t->w.data + t->start[c], t->start[c + 1] - t->start[c]};
}

/* --------------------------------------------------------------------- shrinkage */

/* [ledoit2004, sect. 3.3] for rows standardised to z: with R = sum w z z' / W and mu = tr R / p,
 * the share min(1, beta / delta), delta = ||R - mu I||^2, beta = (sum w |z|^4 / W - ||R||^2) / W.
 */
static double ledoit_wolf(const class_rows *t, size_t c, mlk_cmat G)
{
    const mlk_cmat X = class_rows_of(t, c);
    const mlk_cvec w = class_rows_weights(t, c);
    const double W = t->weight.data[c], *mean = t->mean.data + c * t->p;
    const double *var = t->var.data + c * t->p;
    double fourth = 0.0, square = 0.0, trace = 0.0;
    for (size_t i = 0; i < X.rows; i++) {
        double norm = 0.0;
        for (size_t j = 0; j < t->p; j++) {
            const double e = X.data[i * X.ld + j] - mean[j];
            norm += var[j] > 0.0 ? e * e / var[j] : 0.0;
        }
        fourth += w.data[i] * norm * norm;
    }
    for (size_t a = 0; a < t->p; a++) {
        trace += var[a] > 0.0;
        for (size_t b = 0; b < t->p; b++)
            if (var[a] > 0.0 && var[b] > 0.0) {
                const double r = G.data[a * G.ld + b] / W / sqrt(var[a]) / sqrt(var[b]);
                square += r * r;
            }
    }
    const double delta = square - trace * trace / (double)t->p;
    const double beta = (fourth / W - square) / W;
    return beta <= 0.0 ? 0.0 : beta < delta ? beta / delta : 1.0;
}

mlk_status class_shrinkage(const class_rows *t, size_t c, double shrinkage, const mlk_run *run,
                           double *s, mlk_vec target)
{
    const double *var = t->var.data + c * t->p;
    const double p = (double)t->p;
    double total = 0.0, varying = 0.0;
    for (size_t j = 0; j < t->p; j++) {
        total += var[j] / p;
        varying += var[j] > 0.0;
    }
    *s = shrinkage;
    for (size_t j = 0; j < t->p; j++)
        target.data[j] =
            shrinkage == MLK_SHRINKAGE_AUTO ? varying / p * (var[j] > 0.0 ? var[j] : 1.0) : total;
    if (shrinkage != MLK_SHRINKAGE_AUTO)
        return MLK_OK;
    if (t->p == 1) { /* the target is the variance itself */
        *s = 0.0;
        return MLK_OK;
    }
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat G = mlk_scratch_mat(&scratch, t->p, t->p);
    const mlk_run inner = mlk_run_inner(run);
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", t->p, t->p)
                       : mlk_gram(class_rows_of(t, c), class_rows_weights(t, c),
                                  (mlk_cvec){NULL, 0}, (mlk_cvec){t->mean.data + c * t->p, t->p},
                                  0.0, &inner, G, (mlk_vec){NULL, 0});
    if (st == MLK_OK)
        *s = ledoit_wolf(t, c, mlk_mat_c(G));
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------------------- what is kept */

void gaussians_init(size_t p, size_t k, gaussians *g)
{
    *g = (gaussians){.memory = MLK_SCRATCH_INIT, .p = p, .k = k};
    g->mean = mlk_scratch_mat(&g->memory, k, p);
    g->prior = mlk_scratch_vec(&g->memory, k);
    g->constant = mlk_scratch_vec(&g->memory, k);
}

mlk_status gaussians_keep(const class_rows *t, double shrinkage, mlk_cvec found, gaussians *g)
{
    mlk_copy(mlk_mat_c(t->mean), g->mean);
    memcpy(g->prior.data, t->prior.data, g->k * sizeof(double));
    if (shrinkage != MLK_SHRINKAGE_AUTO)
        return MLK_OK;
    g->shrinkage = mlk_scratch_vec(&g->memory, g->k);
    if (g->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", g->k);
    memcpy(g->shrinkage.data, found.data, g->k * sizeof(double));
    return MLK_OK;
}

double gaussians_constant(const gaussians *g, size_t c)
{
    return g->constant.data[c] + log(g->prior.data[c]);
}

void gaussians_save(const gaussians *g, mlk_doc *to)
{
    mlk_doc_put_vec(to, "class_prior", mlk_vec_c(g->prior));
    mlk_doc_put_mat(to, "means", mlk_mat_c(g->mean));
    mlk_doc_put_vec(to, "constant", mlk_vec_c(g->constant));
}

mlk_status gaussians_load(const mlk_doc *from, gaussians *g)
{
    mlk_cmat mean;
    mlk_cvec constant;
    MLK_TRY(priors_load(from, g->prior));
    MLK_TRY(mlk_doc_get_mat(from, "means", g->k, g->p, &mean));
    MLK_TRY(mlk_doc_get_vec(from, "constant", g->k, &constant));
    mlk_copy(mean, g->mean);
    memcpy(g->constant.data, constant.data, g->k * sizeof(double));
    return MLK_OK;
}

void gaussians_learned(const gaussians *g, mlk_doc *to)
{
    mlk_doc_put_mat(to, "means", mlk_mat_c(g->mean));
    mlk_doc_put_vec(to, "priors", mlk_vec_c(g->prior));
    if (g->shrinkage.n)
        mlk_doc_put_vec(to, "shrinkage", mlk_vec_c(g->shrinkage));
}

/* ------------------------------------------------------------------------ scores */

typedef enum output { CLASSES, PROBABILITIES, DECISIONS } output;

typedef struct scoring {
    const discriminant *d;
    output output;
    mlk_cmat X;
    mlk_vec classes;
    mlk_mat out;
    double *room; /* a worker: CHUNK x (k + room) */
} scoring;

static mlk_status score_chunk(void *ctx, const mlk_chunk *chunk)
{
    const scoring *t = ctx;
    const discriminant *d = t->d;
    const size_t k = d->classes->k, rows = chunk->end - chunk->begin;
    double *mine = t->room + (size_t)chunk->worker * CHUNK * (k + d->room);
    const mlk_mat scores = {mine, rows, k, k};
    d->score(d->state, mlk_cmat_rows(t->X, chunk->begin, chunk->end), mine + CHUNK * k, scores);
    for (size_t i = 0; i < rows; i++) {
        double *v = mine + i * k;
        double *out = t->out.data ? t->out.data + (chunk->begin + i) * t->out.ld : NULL;
        if (t->output == CLASSES) {
            t->classes.data[chunk->begin + i] = (double)priors_best(v, k);
        } else if (t->output == DECISIONS && k == 2) {
            out[0] = v[1] - v[0];
        } else {
            if (t->output == PROBABILITIES)
                priors_normalise(mlk_vec_c(d->classes->prior), v);
            memcpy(out, v, k * sizeof *v);
        }
    }
    return MLK_OK;
}

static mlk_status run_scoring(scoring *t, const mlk_run *run)
{
    const discriminant *d = t->d;
    MLK_TRY(mlk_predict_check(t->X, d->classes->p, t->out.data ? t->out.rows : t->classes.n));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    t->room = mlk_scratch_mat(&scratch, (size_t)mlk_workers(run, t->X.rows, CHUNK) * CHUNK,
                              d->classes->k + d->room)
                  .data;
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for the scores of %d rows", CHUNK)
                              : mlk_parallel_for(run, t->X.rows, CHUNK, score_chunk, t);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status discriminant_predict(const discriminant *d, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    scoring t = {.d = d, .output = CLASSES, .X = X, .classes = out};
    return run_scoring(&t, run);
}

mlk_status discriminant_proba(const discriminant *d, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    scoring t = {.d = d, .output = PROBABILITIES, .X = X, .out = out};
    return run_scoring(&t, run);
}

mlk_status discriminant_decision(const discriminant *d, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    scoring t = {.d = d, .output = DECISIONS, .X = X, .out = out};
    return run_scoring(&t, run);
}
