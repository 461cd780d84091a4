#include "ensemble/gbdt_model.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "ensemble/gbdt_loss.h"
#include "model/algo.h"
#include "tree/source.h"

enum { BLOCK = 128, PREDICT_WORK = 1 << 15 };

mlk_gbdt *mlk_gbdt_allocate(size_t p, size_t n_classes, size_t rounds, size_t n_valid)
{
    mlk_gbdt *m = mlk_alloc_zero(1, sizeof *m);
    if (!m)
        return NULL;
    m->p = p;
    m->n_classes = n_classes;
    m->k = mlk_gbdt_k(n_classes);
    m->tree = mlk_alloc_zero(rounds, m->k * sizeof *m->tree);
    m->base = mlk_alloc_zero(m->k, sizeof *m->base);
    m->importances = mlk_alloc_zero(p, sizeof *m->importances);
    m->train_loss = mlk_alloc_zero(rounds, sizeof *m->train_loss);
    m->valid_loss = mlk_alloc_zero(n_valid, sizeof *m->valid_loss);
    if (m->tree && m->base && m->importances && m->train_loss && m->valid_loss)
        return m;
    mlk_gbdt_free(m);
    return NULL;
}

void mlk_gbdt_free(mlk_gbdt *m)
{
    if (m) {
        for (size_t t = 0; m->tree && t < m->n_trees; t++)
            mlk_nodes_release(&m->tree[t]);
        mlk_free(m->tree);
        mlk_free(m->levels);
        mlk_free(m->base);
        mlk_free(m->importances);
        mlk_free(m->train_loss);
        mlk_free(m->valid_loss);
    }
    mlk_free(m);
}

/* ---------------------------------------------------------------------- prediction */

/* What becomes of the scores of a row. */
typedef enum output { SCORES, VALUES, PROBABILITIES } output;

typedef struct job {
    const mlk_gbdt *model;
    mlk_cmat X;
    size_t rounds;
    output what;
    bool staged; /* VALUES after each round, not the last alone */
    mlk_mat out;
} job;

/* Probabilities from scores. Plain C arithmetic: exported C code gives the same bits. */
static void probabilities(const mlk_gbdt *m, const double *f, double *p)
{
    if (m->k == 1) {
        p[1] = 1.0 / (1.0 + exp(-f[0]));
        p[0] = 1.0 - p[1];
        return;
    }
    double top = f[0], total = 0.0;
    for (size_t c = 1; c < m->k; c++)
        top = f[c] > top ? f[c] : top;
    for (size_t c = 0; c < m->k; c++)
        total += p[c] = exp(f[c] - top);
    for (size_t c = 0; c < m->k; c++)
        p[c] /= total;
}

/* The class of the largest probability, without room for all of them: these are those of
 * probabilities(). */
static double class_of(const mlk_gbdt *m, const double *f)
{
    if (m->k == 1) {
        double p[2];
        probabilities(m, f, p);
        return p[1] > p[0];
    }
    double top = f[0], total = 0.0, most = -1.0;
    size_t best = 0;
    for (size_t c = 1; c < m->k; c++)
        top = f[c] > top ? f[c] : top;
    for (size_t c = 0; c < m->k; c++)
        total += exp(f[c] - top);
    for (size_t c = 0; c < m->k; c++) {
        const double p = exp(f[c] - top) / total;
        if (p > most) {
            most = p;
            best = c;
        }
    }
    return (double)best;
}

static double value_of(const mlk_gbdt *m, const double *f)
{
    if (m->n_classes)
        return class_of(m, f);
    return m->loss == MLK_GBDT_POISSON ? exp(f[0]) : f[0];
}

static void add_round(const mlk_gbdt *m, size_t round, mlk_cmat X, double *f)
{
    for (size_t c = 0; c < m->k; c++)
        mlk_nodes_add(&m->tree[round * m->k + c], m->levels, X, false, f + c, m->k);
}

static void write_block(const job *j, size_t row, size_t n, size_t column, const double *f)
{
    const mlk_gbdt *m = j->model;
    for (size_t i = 0; i < n; i++) {
        double *out = j->out.data + (row + i) * j->out.ld + column;
        if (j->what == SCORES)
            memcpy(out, f + i * m->k, m->k * sizeof *f);
        else if (j->what == PROBABILITIES)
            probabilities(m, f + i * m->k, out);
        else
            *out = value_of(m, f + i * m->k);
    }
}

static mlk_status predict_rows(void *ctx, const mlk_chunk *chunk)
{
    const job *j = ctx;
    const size_t k = j->model->k, block = k > BLOCK ? 1 : BLOCK / k;
    double few[BLOCK], *f = k > BLOCK ? mlk_alloc(k, sizeof *f) : few;
    if (!f)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu scores", k);
    for (size_t i = chunk->begin; i < chunk->end; i += block) {
        const size_t n = chunk->end - i < block ? chunk->end - i : block;
        const mlk_cmat X = mlk_cmat_rows(j->X, i, i + n);
        for (size_t r = 0; r < n; r++)
            memcpy(f + r * k, j->model->base, k * sizeof *f);
        for (size_t t = 0; t < j->rounds; t++) {
            add_round(j->model, t, X, f);
            if (j->staged)
                write_block(j, i, n, t, f);
        }
        if (!j->staged)
            write_block(j, i, n, 0, f);
    }
    if (f != few)
        mlk_free(f);
    return MLK_OK;
}

static mlk_status predict(const mlk_gbdt *m, mlk_cmat X, size_t rounds, output what, bool staged,
                          size_t columns, const mlk_run *run, mlk_mat out)
{
    const job j = {m, X, rounds < m->rounds ? rounds : m->rounds, what, staged, out};
    MLK_TRY(mlk_predict_check(X, m->p, out.rows));
    if (out.cols != columns || (out.ld < out.cols && out.rows > 1))
        return MLK_FAIL(MLK_EINVAL, "the output has %zu columns; expected %zu", out.cols, columns);
    const size_t grain = mlk_grain(m->rounds * m->k + 1, PREDICT_WORK);
    return mlk_parallel_for(run, X.rows, grain, predict_rows, (void *)(uintptr_t)&j);
}

mlk_status mlk_gbdt_predict(const mlk_gbdt *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return predict(m, X, m->rounds, VALUES, false, 1, run, (mlk_mat){out.data, out.n, 1, 1});
}

mlk_status mlk_gbdt_predict_proba(const mlk_gbdt *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    if (!m->n_classes)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression has no class probabilities");
    return predict(m, X, m->rounds, PROBABILITIES, false, m->n_classes, run, out);
}

mlk_status mlk_gbdt_decision(const mlk_gbdt *m, mlk_cmat X, size_t rounds, const mlk_run *run,
                             mlk_mat out)
{
    return predict(m, X, rounds, SCORES, false, m->k, run, out);
}

mlk_status mlk_gbdt_predict_staged(const mlk_gbdt *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return predict(m, X, m->rounds, VALUES, true, m->rounds, run, out);
}

/* -------------------------------------------------------------- curves over the rounds */

typedef struct curves {
    const mlk_gbdt *model;
    const mlk_data *data;
    gbdt_loss loss;
    double *sums;  /* of each chunk: of each round, the loss and the hits or squared errors */
    size_t room;   /* doubles of a worker's scratch */
    double *space; /* of each worker: scores of its rows, derivatives of one */
} curves;

enum { CURVE_CHUNKS = 64, CURVE_LEAST_ROWS = 512 };

static mlk_status judge_rows(void *ctx, const mlk_chunk *chunk)
{
    const curves *s = ctx;
    const mlk_gbdt *m = s->model;
    const size_t n = chunk->end - chunk->begin, k = m->k;
    const mlk_cmat X = mlk_cmat_rows(s->data->X, chunk->begin, chunk->end);
    double *f = s->space + chunk->worker * s->room, *g = f + n * k, *h = g + k;
    double *sums = s->sums + chunk->index * 2 * m->rounds;
    for (size_t i = 0; i < n; i++)
        memcpy(f + i * k, m->base, k * sizeof *f);
    for (size_t t = 0; t < m->rounds; t++) {
        add_round(m, t, X, f);
        for (size_t i = 0; i < n; i++) {
            const double y = s->data->y.data[chunk->begin + i], *row = f + i * k;
            const double w = mlk_weight(s->data->w, chunk->begin + i);
            if (!(w > 0.0))
                continue;
            const double e = value_of(m, row) - y;
            sums[2 * t] += w * mlk_gbdt_loss_at(&s->loss, y, row, g, h);
            sums[2 * t + 1] += w * (m->n_classes ? e == 0.0 : e * e);
        }
    }
    return MLK_OK;
}

/* The sums of the chunks, in their order, into means; squared errors into R^2. */
static void finish_curves(const curves *s, size_t chunks, mlk_vec loss, mlk_vec score)
{
    const mlk_data *d = s->data;
    double total = 0.0, mean = 0.0, spread = 0.0;
    for (size_t i = 0; i < d->y.n; i++) {
        total += mlk_weight(d->w, i);
        mean += mlk_weight(d->w, i) * d->y.data[i];
    }
    mean /= total;
    for (size_t i = 0; i < d->y.n; i++)
        spread += mlk_weight(d->w, i) * (d->y.data[i] - mean) * (d->y.data[i] - mean);
    for (size_t t = 0; t < s->model->rounds; t++) {
        double lost = 0.0, hits = 0.0;
        for (size_t c = 0; c < chunks; c++) {
            lost += s->sums[2 * (c * s->model->rounds + t)];
            hits += s->sums[2 * (c * s->model->rounds + t) + 1];
        }
        loss.data[t] = lost / total;
        score.data[t] = s->model->n_classes ? hits / total
                        : spread > 0.0      ? 1.0 - hits / spread
                                            : NAN;
    }
}

mlk_status mlk_gbdt_staged_scores(const mlk_gbdt *m, const mlk_data *data, const mlk_run *run,
                                  mlk_vec loss, mlk_vec score)
{
    const size_t n = data->X.rows;
    MLK_TRY(mlk_predict_check(data->X, m->p, n));
    if (data->y.n != n || !n)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", n, data->y.n);
    if (data->n_classes != m->n_classes)
        return MLK_FAIL(MLK_EINVAL, "y has %zu classes; the model was fitted on %zu",
                        data->n_classes, m->n_classes);
    if (loss.n != m->rounds || score.n != m->rounds)
        return MLK_FAIL(MLK_EINVAL, "the curves have %zu and %zu values; expected %zu", loss.n,
                        score.n, m->rounds);
    const size_t part = n / CURVE_CHUNKS + 1,
                 grain = part < CURVE_LEAST_ROWS ? CURVE_LEAST_ROWS : part;
    const size_t chunks = mlk_chunks(n, grain), room = ((grain < n ? grain : n) + 2) * m->k;
    curves s = {.model = m,
                .data = data,
                .loss = {m->loss, m->quantile, m->k},
                .sums = mlk_alloc_zero(chunks, 2 * m->rounds * sizeof *s.sums),
                .room = room,
                .space = mlk_alloc(mlk_workers(run, n, grain), room * sizeof *s.space)};
    mlk_status st = !s.sums || !s.space
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for curves of %zu rounds", m->rounds)
                        : mlk_parallel_for(run, n, grain, judge_rows, &s);
    if (st == MLK_OK)
        finish_curves(&s, chunks, loss, score);
    mlk_free(s.sums);
    mlk_free(s.space);
    return st;
}

/* ----------------------------------------------------------------------- accessors */

size_t mlk_gbdt_n_rounds(const mlk_gbdt *m) { return m->rounds; }
size_t mlk_gbdt_n_scores(const mlk_gbdt *m) { return m->k; }
size_t mlk_gbdt_n_features(const mlk_gbdt *m) { return m->p; }
size_t mlk_gbdt_n_classes(const mlk_gbdt *m) { return m->n_classes; }
mlk_cvec mlk_gbdt_base(const mlk_gbdt *m) { return (mlk_cvec){m->base, m->k}; }
mlk_cvec mlk_gbdt_importances(const mlk_gbdt *m) { return (mlk_cvec){m->importances, m->p}; }
mlk_cvec mlk_gbdt_train_loss(const mlk_gbdt *m) { return (mlk_cvec){m->train_loss, m->n_train}; }
mlk_cvec mlk_gbdt_validation_loss(const mlk_gbdt *m)
{
    return (mlk_cvec){m->valid_loss, m->n_valid};
}

size_t mlk_gbdt_n_nodes(const mlk_gbdt *m)
{
    size_t n = 0;
    for (size_t t = 0; t < m->n_trees; t++)
        n += m->tree[t].n;
    return n;
}

/* -------------------------------------------------------------------- save and load */

void mlk_gbdt_save(const void *state, mlk_doc *to)
{
    const mlk_gbdt *m = state;
    mlk_levels_save(m->levels, m->p, to);
    mlk_doc_put_int(to, "loss", m->loss);
    if (m->loss == MLK_GBDT_QUANTILE)
        mlk_doc_put_real(to, "quantile", m->quantile);
    mlk_doc_put_vec(to, "base", mlk_gbdt_base(m));
    mlk_doc_put_vec(to, "feature_importances", mlk_gbdt_importances(m));
    mlk_doc_put_vec(to, "train_loss", mlk_gbdt_train_loss(m));
    mlk_doc_put_vec(to, "validation_loss", mlk_gbdt_validation_loss(m));
    mlk_doc *trees = mlk_doc_put_list(to, "trees");
    for (size_t t = 0; t < m->n_trees; t++)
        mlk_nodes_save(&m->tree[t], mlk_doc_put_map(trees, NULL));
}

static mlk_status load_curve(const mlk_doc *from, const char *key, double **curve, size_t *n)
{
    mlk_doc_array a;
    mlk_cvec v;
    MLK_TRY(mlk_doc_get_array(from, key, MLK_F64, &a));
    MLK_TRY(mlk_doc_get_vec(from, key, a.rows, &v));
    double *own = mlk_alloc(v.n, sizeof *own);
    if (!own)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu losses", v.n);
    if (v.n)
        memcpy(own, v.data, v.n * sizeof *own);
    mlk_free(*curve);
    *curve = own;
    *n = v.n;
    return MLK_OK;
}

static mlk_status load_parts(const mlk_doc *from, const mlk_doc *trees, mlk_gbdt *m)
{
    mlk_cvec importances, base;
    int64_t loss;
    const bool classes = m->n_classes > 0;
    MLK_TRY(mlk_doc_get_int(from, "loss", classes ? MLK_GBDT_LOG_LOSS : MLK_GBDT_SQUARED_ERROR,
                            classes ? MLK_GBDT_LOG_LOSS : MLK_GBDT_POISSON, &loss));
    m->loss = (int)loss;
    m->quantile = 0.5;
    if (m->loss == MLK_GBDT_QUANTILE)
        MLK_TRY(mlk_doc_get_real(from, "quantile", 0.0, 1.0, &m->quantile));
    MLK_TRY(mlk_doc_get_vec(from, "feature_importances", m->p, &importances));
    MLK_TRY(mlk_doc_get_vec(from, "base", m->k, &base));
    memcpy(m->importances, importances.data, m->p * sizeof *m->importances);
    memcpy(m->base, base.data, m->k * sizeof *m->base);
    MLK_TRY(load_curve(from, "train_loss", &m->train_loss, &m->n_train));
    MLK_TRY(load_curve(from, "validation_loss", &m->valid_loss, &m->n_valid));
    MLK_TRY(mlk_levels_load(from, m->p, &m->levels));
    for (; m->n_trees < m->rounds * m->k; m->n_trees++)
        MLK_TRY(mlk_nodes_load(mlk_doc_at(trees, m->n_trees), m->levels, m->p, 0,
                               &m->tree[m->n_trees]));
    return MLK_OK;
}

mlk_status mlk_gbdt_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    /* These bound all that is allocated by what the file holds. */
    const mlk_doc *trees;
    mlk_cvec importances, base;
    const size_t k = mlk_gbdt_k(n_classes);
    MLK_TRY(mlk_doc_get_list(from, "trees", &trees));
    MLK_TRY(mlk_doc_get_vec(from, "feature_importances", n_features, &importances));
    MLK_TRY(mlk_doc_get_vec(from, "base", k, &base));
    const size_t n = mlk_doc_size(trees);
    if (n % k)
        return MLK_FAIL(MLK_EFORMAT, "%zu trees are no rounds of %zu", n, k);
    mlk_gbdt *m = mlk_gbdt_allocate(n_features, n_classes, n / k, 0);
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu trees", n);
    m->rounds = n / k;
    const mlk_status st = load_parts(from, trees, m);
    if (st == MLK_OK)
        *state = m;
    else
        mlk_gbdt_free(m);
    return st;
}

void mlk_gbdt_learned(const void *state, mlk_doc *to)
{
    const mlk_gbdt *m = state;
    int64_t leaves = 0, deepest = 0;
    for (size_t t = 0; t < m->n_trees; t++) {
        const int64_t depth = (int64_t)mlk_nodes_depth(&m->tree[t]);
        leaves += (int64_t)mlk_nodes_leaves(&m->tree[t]);
        deepest = depth > deepest ? depth : deepest;
    }
    mlk_doc_put_int(to, "n_estimators", (int64_t)m->rounds);
    mlk_doc_put_int(to, "n_leaves", leaves);
    mlk_doc_put_int(to, "depth", deepest);
    mlk_doc_put_vec(to, "base", mlk_gbdt_base(m));
    mlk_doc_put_vec(to, "feature_importances", mlk_gbdt_importances(m));
    mlk_doc_put_vec(to, "train_loss", mlk_gbdt_train_loss(m));
    if (m->n_valid)
        mlk_doc_put_vec(to, "validation_loss", mlk_gbdt_validation_loss(m));
}

/* Iterations: rounds that were tried. Objective: the mean training loss at the rounds kept. */
mlk_fit_info mlk_gbdt_info(const void *state)
{
    const mlk_gbdt *m = state;
    mlk_fit_info info = mlk_fit_info_none();
    info.iterations = (int64_t)m->n_train;
    if (m->rounds && m->rounds <= m->n_train)
        info.objective = m->train_loss[m->rounds - 1];
    return info;
}

/* ---------------------------------------------------------------------------- as C */

/* The loop over the trees, adding as add_round() does. */
static void write_scores(const mlk_gbdt *m, mlk_codegen *to)
{
    const char *name = to->name;
    mlk_codegen_reals(to, "base", m->base, m->k);
    mlk_strbuf_printf(&to->text,
                      "static void %s(const double *x, double *out)\n{\n    int c;\n"
                      "    double f[%zu];\n"
                      "    for (c = 0; c < %zu; c++)\n        f[c] = %s_base[c];\n",
                      name, m->k, m->k, name);
    if (m->n_trees)
        mlk_strbuf_printf(&to->text,
                          "    for (c = 0; c < %zu; c++)\n"
                          "        f[c %% %zu] += %s_value[%s_walk(x, %s_root[c])];\n",
                          m->n_trees, m->k, name, name, name);
    else
        mlk_strbuf_add(&to->text, "    (void)x;\n");
}

/* As probabilities() and value_of() do. */
static void write_outputs(const mlk_gbdt *m, mlk_strbuf *t)
{
    if (!m->n_classes)
        mlk_strbuf_add(t, m->loss == MLK_GBDT_POISSON ? "    out[0] = exp(f[0]);\n"
                                                      : "    out[0] = f[0];\n");
    else if (m->k == 1)
        mlk_strbuf_add(t, "    out[1] = 1.0 / (1.0 + exp(-f[0]));\n    out[0] = 1.0 - out[1];\n");
    else
        mlk_strbuf_printf(t,
                          "    double top = f[0], total = 0.0;\n"
                          "    for (c = 1; c < %zu; c++)\n"
                          "        top = f[c] > top ? f[c] : top;\n"
                          "    for (c = 0; c < %zu; c++)\n"
                          "        total += out[c] = exp(f[c] - top);\n"
                          "    for (c = 0; c < %zu; c++)\n        out[c] /= total;\n",
                          m->k, m->k, m->k);
    mlk_strbuf_add(t, "}\n");
}

mlk_status mlk_gbdt_codegen(const void *state, mlk_codegen *to)
{
    const mlk_gbdt *m = state;
    if (m->n_trees)
        MLK_TRY(mlk_nodes_codegen_walk(m->tree, m->n_trees, m->levels, m->p, to));
    write_scores(m, to);
    write_outputs(m, &to->text);
    return MLK_OK;
}
