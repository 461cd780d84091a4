#include <mlkit/ensemble/stacking.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "ensemble/crew.h"
#include "ensemble/members.h"
#include "model/algo.h"

/* What a member contributes to z. */
enum { VALUES, PROBABILITIES, DECISIONS, INDICATORS, KINDS };

struct mlk_stacking {
    mlk_crew crew;
    uint8_t *kind;  /* one a member */
    size_t *column; /* n + 1: where each member's columns of z begin */
    mlk_model *final;
    mlk_mat z; /* out of fold; or nothing */
};

enum {
    CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL | MLK_CAP_SEED,
    PREDICT_ROWS = 1024
};

static const mlk_opt opt_table[] = {
    MLK_OPT_TEXT(mlk_stacking_opts, models, "auto",
                 "models to fit, as name:parameter=value:...+name...; auto: logistic or ridge, "
                 "and tree"),
    MLK_OPT_TEXT(mlk_stacking_opts, final, "auto",
                 "model of their predictions, as name:parameter=value:...; auto: logistic or "
                 "ridge"),
    MLK_OPT_INT(mlk_stacking_opts, cv, 5, 2, INFINITY, "number of folds"),
    MLK_OPT_INT(mlk_stacking_opts, seed, 0, 0, INFINITY, "of the folds, and of members that draw"),
    MLK_OPT_END,
};

mlk_stacking_opts mlk_stacking_opts_default(void)
{
    mlk_stacking_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------ what members say */

/* With two classes, the second one's column tells all. */
static size_t class_columns(size_t k) { return k == 2 ? 1 : k; }

static size_t columns_of(const mlk_stacking *s, size_t b)
{
    const size_t k = s->crew.k;
    return s->kind[b] == VALUES      ? 1
           : s->kind[b] == DECISIONS ? mlk_model_n_decisions(s->crew.model[b])
                                     : class_columns(k);
}

/* Kinds and columns of fitted members. */
static mlk_status lay_out(mlk_stacking *s, const mlk_run *run)
{
    for (size_t b = 0; b < s->crew.n; b++) {
        const mlk_model *m = s->crew.model[b];
        bool has = false;
        if (s->crew.k)
            MLK_TRY(mlk_has_probabilities(m, run, &has));
        s->kind[b] = !s->crew.k                 ? VALUES
                     : has                      ? PROBABILITIES
                     : mlk_model_n_decisions(m) ? DECISIONS
                                                : INDICATORS;
        s->column[b + 1] = s->column[b] + columns_of(s, b);
    }
    return MLK_OK;
}

/* Columns of z that `m`, a fit of member b, gives for X: into `out`, which has them alone. */
static mlk_status say(const mlk_stacking *s, size_t b, const mlk_model *m, mlk_cmat X,
                      const mlk_run *run, mlk_mat out)
{
    const size_t k = s->crew.k, first = k == 2 ? 1 : 0;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat all = mlk_scratch_mat(&scratch, X.rows, k ? k : 1);
    const mlk_vec v = mlk_scratch_vec(&scratch, X.rows);
    mlk_status st;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for predictions of %zu rows", X.rows);
    else if (s->kind[b] == DECISIONS)
        st = mlk_model_decision(m, X, run, out);
    else if (s->kind[b] == PROBABILITIES)
        st = mlk_model_predict_proba(m, X, run, all);
    else
        st = mlk_model_predict(m, X, run, v);
    if (st == MLK_OK && s->kind[b] != DECISIONS)
        for (size_t i = 0; i < X.rows; i++)
            for (size_t c = 0; c < out.cols; c++)
                out.data[i * out.ld + c] = s->kind[b] == PROBABILITIES ? all.data[i * k + first + c]
                                           : k ? v.data[i] == (double)(first + c)
                                               : v.data[i];
    mlk_scratch_release(&scratch);
    return st;
}

/* ----------------------------------------------------------------- out of fold */

typedef struct folding {
    const mlk_data *data;
    const mlk_members *members;
    const mlk_stacking_opts *opts;
    const mlk_stacking *fit;
    const uint32_t *fold; /* of each row */
    mlk_run run;
    mlk_mat z;
} folding;

/* Rows dealt round and round in a random order, class after class: so folds have their share of
 * each class, and sizes that differ by one at most. `at` has room for a number a class. */
static void deal(const mlk_data *d, mlk_rng *rng, size_t folds, size_t *order, size_t *at,
                 uint32_t *fold)
{
    const size_t n = d->X.rows, k = d->n_classes ? d->n_classes : 1;
    mlk_rng_permutation(rng, order, n);
    memset(at, 0, (k + 1) * sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[1 + (d->n_classes ? (size_t)d->y.data[i] : 0)]++;
    for (size_t c = 0; c < k; c++)
        at[c + 1] += at[c];
    for (size_t i = 0; i < n; i++) {
        const size_t row = order[i];
        fold[row] = (uint32_t)(at[d->n_classes ? (size_t)d->y.data[row] : 0]++ % folds);
    }
}

/* Member b without a fold: what it says about the fold's rows, to their places in z. */
static mlk_status predict_fold(const folding *f, size_t b, size_t fold, const uint32_t *row,
                               size_t n_test, const mlk_data *train, mlk_scratch *scratch)
{
    const mlk_stacking *s = f->fit;
    const size_t width = columns_of(s, b);
    const mlk_mat X = mlk_scratch_mat(scratch, n_test, s->crew.p);
    const mlk_mat said = mlk_scratch_mat(scratch, n_test, width);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a fold of %zu rows", n_test);
    mlk_crew_gather(&s->crew, b, f->data->X, row, X);
    mlk_rng rng = mlk_rng_stream((uint64_t)f->opts->seed, s->crew.n * (fold + 1) + b);
    mlk_model *model;
    MLK_TRY(mlk_member_fit(&f->members->member[b], mlk_rng_seed(&rng), train, &f->run, &model));
    const mlk_status st = say(s, b, model, mlk_mat_c(X), &f->run, said);
    mlk_model_free(model);
    for (size_t i = 0; st == MLK_OK && i < n_test; i++)
        memcpy(f->z.data + row[i] * f->z.ld + s->column[b], said.data + i * width,
               width * sizeof(double));
    return st;
}

static mlk_status fit_fold(const folding *f, size_t b, size_t fold, mlk_scratch *scratch)
{
    const size_t n = f->data->X.rows;
    uint32_t *times = mlk_scratch_take(scratch, n, sizeof *times);
    uint32_t *row = mlk_scratch_take(scratch, n, sizeof *row);
    const mlk_sample room = mlk_sample_take(scratch, n, f->data->X.cols);
    size_t n_test = 0;
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a fold of %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        times[i] = f->fold[i] != fold;
        if (!times[i])
            row[n_test++] = (uint32_t)i;
    }
    const mlk_data train = mlk_crew_sample(&f->fit->crew, b, f->data, times, &room);
    return predict_fold(f, b, fold, row, n_test, &train, scratch);
}

static mlk_status fit_folds(void *ctx, const mlk_chunk *chunk)
{
    const folding *f = ctx;
    for (size_t t = chunk->begin; t < chunk->end; t++) {
        mlk_scratch scratch = MLK_SCRATCH_INIT;
        const mlk_status st = fit_fold(f, t % f->members->n, t / f->members->n, &scratch);
        mlk_scratch_release(&scratch);
        MLK_TRY(st);
    }
    return MLK_OK;
}

/* (1), into fit->z. */
static mlk_status predict_out_of_fold(folding *f, mlk_stacking *fit, const mlk_run *run)
{
    const size_t n = f->data->X.rows, width = fit->column[fit->crew.n];
    const size_t folds = (size_t)f->opts->cv;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *order = mlk_scratch_take(&scratch, n, sizeof *order);
    size_t *at = mlk_scratch_take(&scratch, f->data->n_classes + 2, sizeof *at);
    uint32_t *fold = mlk_scratch_take(&scratch, n, sizeof *fold);
    fit->z = (mlk_mat){mlk_alloc(n, width * sizeof(double)), n, width, width};
    mlk_status st = MLK_OK;
    if (scratch.failed || !fit->z.data) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu predictions of %zu rows", width, n);
    } else {
        mlk_rng rng = mlk_rng_stream((uint64_t)f->opts->seed, UINT64_MAX);
        deal(f->data, &rng, folds, order, at, fold);
        f->fold = fold;
        f->z = fit->z;
        st = mlk_parallel_for(run, folds * f->members->n, 1, fit_folds, f);
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------------------------ fit */

static mlk_stacking *allocate(size_t n)
{
    mlk_stacking *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return NULL;
    fit->kind = mlk_alloc_zero(n, sizeof *fit->kind);
    fit->column = mlk_alloc_zero(n + 1, sizeof *fit->column);
    if (fit->kind && fit->column)
        return fit;
    mlk_stacking_free(fit);
    return NULL;
}

static mlk_status fit_members(const mlk_data *data, const mlk_stacking_opts *o,
                              const mlk_members *members, const mlk_member *final,
                              const mlk_run *run, mlk_stacking *fit)
{
    const size_t p = data->X.cols;
    const mlk_run inner = mlk_run_inner(run);
    folding f = {.data = data, .members = members, .opts = o, .fit = fit, .run = inner};
    MLK_TRY(mlk_crew_init(&fit->crew, members->n, p, data->n_classes, 0));
    MLK_TRY(mlk_crew_fit(&fit->crew, members, data, (uint64_t)o->seed, run));
    MLK_TRY(lay_out(fit, run));
    mlk_crew_warn(&fit->crew, run);
    MLK_TRY(predict_out_of_fold(&f, fit, run));
    mlk_rng rng = mlk_rng_stream((uint64_t)o->seed, UINT64_MAX - 1);
    const mlk_data z = {
        .X = mlk_mat_c(fit->z), .y = data->y, .w = data->w, .n_classes = data->n_classes};
    return mlk_member_fit(final, mlk_rng_seed(&rng), &z, &inner, &fit->final);
}

static const char *or_auto(const char *text, const char *instead)
{
    return text && strcmp(text, "auto") == 0 ? instead : text;
}

mlk_status mlk_stacking_fit(const mlk_data *data, const mlk_stacking_opts *opts, const mlk_run *run,
                            mlk_stacking **model)
{
    const mlk_stacking_opts o = opts ? *opts : mlk_stacking_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, CAPS, MLK_NEED_TARGET, run));
    if ((uint64_t)o.cv > data->X.rows)
        return MLK_FAIL(MLK_EINVAL, "cv = %lld folds of %zu rows", (long long)o.cv, data->X.rows);
    const size_t k = data->n_classes;
    const mlk_members_use use = {"models", "stacking", true, k, data->w.n > 0};
    const mlk_members_use last = {"final", "stacking", false, k, data->w.n > 0};
    mlk_members members, final = {0};
    mlk_stacking *fit = NULL;
    mlk_status st =
        mlk_members_parse(or_auto(o.models, k ? "logistic+tree" : "ridge+tree"), &use, &members);
    if (st == MLK_OK)
        st = mlk_members_parse(or_auto(o.final, k ? "logistic" : "ridge"), &last, &final);
    if (st == MLK_OK && !(fit = allocate(members.n)))
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu members", members.n);
    if (st == MLK_OK)
        st = fit_members(data, &o, &members, final.member, run, fit);
    mlk_members_release(&members);
    mlk_members_release(&final);
    if (st == MLK_OK)
        *model = fit;
    else
        mlk_stacking_free(fit);
    return st;
}

void mlk_stacking_free(mlk_stacking *fit)
{
    if (!fit)
        return;
    mlk_crew_release(&fit->crew);
    mlk_model_free(fit->final);
    mlk_free(fit->kind);
    mlk_free(fit->column);
    mlk_free(fit->z.data);
    mlk_free(fit);
}

/* ----------------------------------------------------------------- prediction */

typedef struct prediction {
    const mlk_stacking *fit;
    mlk_cmat X;
    mlk_run run;
    bool shares;
    double *z; /* of each worker: PREDICT_ROWS x width */
    mlk_mat out;
} prediction;

static mlk_status predict_rows(void *ctx, const mlk_chunk *chunk)
{
    const prediction *p = ctx;
    const mlk_stacking *s = p->fit;
    const size_t rows = chunk->end - chunk->begin, width = s->column[s->crew.n];
    const mlk_mat z = {p->z + chunk->worker * PREDICT_ROWS * width, rows, width, width};
    const mlk_cmat X = mlk_cmat_rows(p->X, chunk->begin, chunk->end);
    const mlk_mat out = mlk_mat_rows(p->out, chunk->begin, chunk->end);
    for (size_t b = 0; b < s->crew.n; b++)
        MLK_TRY(say(s, b, s->crew.model[b], X, &p->run,
                    (mlk_mat){z.data + s->column[b], rows, columns_of(s, b), width}));
    if (p->shares)
        return mlk_model_predict_proba(s->final, mlk_mat_c(z), &p->run, out);
    return mlk_model_predict(s->final, mlk_mat_c(z), &p->run, (mlk_vec){out.data, rows});
}

static mlk_status predict_all(prediction *p, const mlk_run *run)
{
    const size_t width = p->fit->column[p->fit->crew.n];
    MLK_TRY(mlk_predict_check(p->X, p->fit->crew.p, p->out.rows));
    p->run = mlk_run_inner(run);
    p->z =
        mlk_alloc(mlk_workers(run, p->X.rows, PREDICT_ROWS), PREDICT_ROWS * width * sizeof *p->z);
    if (!p->z)
        return MLK_FAIL(MLK_ENOMEM, "no memory to predict %zu rows", p->X.rows);
    const mlk_status st = mlk_parallel_for(run, p->X.rows, PREDICT_ROWS, predict_rows, p);
    mlk_free(p->z);
    return st;
}

mlk_status mlk_stacking_predict(const mlk_stacking *fit, mlk_cmat X, const mlk_run *run,
                                mlk_vec out)
{
    return predict_all(&(prediction){.fit = fit, .X = X, .out = {out.data, out.n, 1, 1}}, run);
}

mlk_status mlk_stacking_predict_proba(const mlk_stacking *fit, mlk_cmat X, const mlk_run *run,
                                      mlk_mat out)
{
    if (!fit->crew.k)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression has no class probabilities");
    return predict_all(&(prediction){.fit = fit, .X = X, .shares = true, .out = out}, run);
}

size_t mlk_stacking_n_members(const mlk_stacking *fit) { return fit->crew.n; }
const mlk_model *mlk_stacking_member(const mlk_stacking *fit, size_t m)
{
    return fit->crew.model[m];
}
const mlk_model *mlk_stacking_final(const mlk_stacking *fit) { return fit->final; }
mlk_cmat mlk_stacking_out_of_fold(const mlk_stacking *fit) { return mlk_mat_c(fit->z); }

/* ----------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_stacking *fit;
    const mlk_status st = mlk_stacking_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_stacking_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_stacking_predict_proba(state, X, run, out);
}

/* What each member contributes follows from the member. */
static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_stacking *fit = state;
    mlk_crew_save(&fit->crew, to);
    mlk_model_save(fit->final, mlk_doc_put_map(to, "final"));
}

static mlk_status load_final(const mlk_doc *from, mlk_stacking *fit)
{
    const size_t width = fit->column[fit->crew.n], k = fit->crew.k;
    const mlk_doc *saved;
    MLK_TRY(mlk_doc_get_map(from, "final", &saved));
    MLK_TRY(mlk_model_load(saved, &fit->final));
    if (mlk_model_n_features(fit->final) != width || mlk_model_n_classes(fit->final) != k)
        return MLK_FAIL(
            MLK_EFORMAT, "the final model has %zu features and %zu classes; expected %zu and %zu",
            mlk_model_n_features(fit->final), mlk_model_n_classes(fit->final), width, k);
    if (!(mlk_model_algo(fit->final)->tasks & (k ? MLK_CLASSIFICATION : MLK_REGRESSION)))
        return MLK_FAIL(MLK_EFORMAT, "the final model is %s, which does not predict %s",
                        mlk_model_algo(fit->final)->name, k ? "classes" : "numbers");
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    const mlk_doc *list;
    MLK_TRY(mlk_doc_get_list(from, "models", &list));
    mlk_stacking *fit = allocate(mlk_doc_size(list));
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu members", mlk_doc_size(list));
    mlk_status st = mlk_crew_load(from, n_features, n_classes, &fit->crew);
    if (st == MLK_OK && fit->crew.column)
        st = MLK_FAIL(MLK_EFORMAT, "'columns' of a stack; expected none");
    if (st == MLK_OK)
        st = lay_out(fit, NULL);
    if (st == MLK_OK)
        st = load_final(from, fit);
    if (st == MLK_OK)
        *state = fit;
    else
        mlk_stacking_free(fit);
    return st;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_stacking *fit = state;
    mlk_crew_learned(&fit->crew, to);
    mlk_model_learned(fit->final, mlk_doc_put_map(to, "final_estimator"));
}

static void algo_free(void *state) { mlk_stacking_free(state); }

const mlk_algo mlk_stacking_algo = {
    .name = "stacking",
    .help = "a model of what other models predict out of fold",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = CAPS,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_stacking_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
