#include <mlkit/ensemble/bagging.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "ensemble/crew.h"
#include "ensemble/forest_core.h"
#include "ensemble/members.h"
#include "model/algo.h"
#include "tree/limits.h"

struct mlk_bagging {
    mlk_crew crew;
    double oob_score;
    mlk_mat oob; /* n x width, or nothing */
};

enum { REDRAWS = 20 };

enum { CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL | MLK_CAP_SEED };

static const mlk_opt opt_table[] = {
    MLK_OPT_TEXT(mlk_bagging_opts, base, "tree", "model to fit, as name:parameter=value:..."),
    MLK_OPT_INT(mlk_bagging_opts, n_estimators, 10, 1, INFINITY, "number of members"),
    MLK_OPT_REAL_OPEN(mlk_bagging_opts, max_samples, 1.0, 0.0, INFINITY,
                      "rows drawn for a member: a share up to 1, or a count from 2 on"),
    MLK_OPT_REAL_OPEN(mlk_bagging_opts, max_features, 1.0, 0.0, INFINITY,
                      "columns drawn for a member: a share up to 1, or a count from 2 on"),
    MLK_OPT_BOOL(mlk_bagging_opts, bootstrap, true, "draw a member's rows with replacement"),
    MLK_OPT_BOOL(mlk_bagging_opts, oob_score, false, "predict each row by the members without it"),
    MLK_OPT_INT(mlk_bagging_opts, seed, 0, 0, INFINITY, "of all draws"),
    MLK_OPT_END,
};

mlk_bagging_opts mlk_bagging_opts_default(void)
{
    mlk_bagging_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- samples */

/* What the members share. */
typedef struct workshop {
    const mlk_data *data;
    const mlk_bagging_opts *opts;
    const mlk_member *base;
    mlk_run run;     /* of a member's fit */
    size_t draws;    /* rows of a sample */
    bool all;        /* every sample is the data itself */
    uint32_t *times; /* how often member b drew row i: n_estimators x n; NULL when `all` */
    mlk_crew *crew;
} workshop;

/* Scratch of a member's draws. */
typedef struct urn {
    size_t *order;
    bool *seen; /* classes */
} urn;

/* Rows of weight > 0 in all: of each class that has some, at least one. */
static bool is_complete(const workshop *s, const uint32_t *times, bool *seen)
{
    const mlk_data *d = s->data;
    size_t missing = 0, positive = 0;
    for (size_t c = 0; c < d->n_classes; c++)
        seen[c] = false;
    for (size_t i = 0; i < d->X.rows; i++)
        if (times[i] && mlk_weight(d->w, i) > 0.0) {
            positive++;
            if (d->n_classes)
                seen[(size_t)d->y.data[i]] = true;
        }
    for (size_t i = 0; d->n_classes && i < d->X.rows; i++)
        missing += mlk_weight(d->w, i) > 0.0 && !seen[(size_t)d->y.data[i]];
    return positive && !missing;
}

static void draw_rows(const workshop *s, mlk_rng *rng, const urn *u, uint32_t *times)
{
    const size_t n = s->data->X.rows;
    for (int attempt = 0; attempt < REDRAWS; attempt++) {
        memset(times, 0, n * sizeof *times);
        if (s->opts->bootstrap) {
            for (size_t i = 0; i < s->draws; i++)
                times[mlk_rng_below(rng, n)]++;
        } else {
            mlk_rng_sample(rng, u->order, n, s->draws);
            for (size_t i = 0; i < s->draws; i++)
                times[u->order[i]] = 1;
        }
        if (is_complete(s, times, u->seen))
            return;
    }
}

/* q of the p columns, in random order: so ties between columns fall differently in each member. */
static void draw_columns(const workshop *s, mlk_rng *rng, const urn *u, uint32_t *column)
{
    mlk_rng_sample(rng, u->order, s->crew->p, s->crew->q);
    for (size_t j = 0; j < s->crew->q; j++)
        column[j] = (uint32_t)u->order[j];
}

static mlk_status fit_sample(const workshop *s, size_t b, mlk_rng *rng, int64_t seed,
                             mlk_scratch *scratch)
{
    const mlk_data *d = s->data;
    const size_t n = d->X.rows, p = d->X.cols, most = n > p ? n : p;
    const mlk_sample room = mlk_sample_take(scratch, s->draws, s->crew->q);
    const urn u = {.order = mlk_scratch_take(scratch, most, sizeof *u.order),
                   .seen = mlk_scratch_take(scratch, d->n_classes, sizeof *u.seen)};
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a sample of %zu rows", s->draws);
    uint32_t *times = s->times + b * n;
    draw_columns(s, rng, &u, s->crew->column + b * s->crew->q);
    draw_rows(s, rng, &u, times);
    const mlk_data own = mlk_crew_sample(s->crew, b, d, times, &room);
    return mlk_member_fit(s->base, seed, &own, &s->run, &s->crew->model[b]);
}

static mlk_status fit_members(void *ctx, const mlk_chunk *chunk)
{
    const workshop *s = ctx;
    for (size_t b = chunk->begin; b < chunk->end; b++) {
        mlk_rng rng = mlk_rng_stream((uint64_t)s->opts->seed, b);
        const int64_t seed = mlk_rng_seed(&rng);
        if (s->all) {
            MLK_TRY(mlk_member_fit(s->base, seed, s->data, &s->run, &s->crew->model[b]));
            continue;
        }
        mlk_scratch scratch = MLK_SCRATCH_INIT;
        const mlk_status st = fit_sample(s, b, &rng, seed, &scratch);
        mlk_scratch_release(&scratch);
        MLK_TRY(st);
    }
    return MLK_OK;
}

/* ----------------------------------------------------------------- out of bag */

/* Scratch for the rows that a member did not draw. */
typedef struct left_out {
    uint32_t *row, *count; /* count: members that predicted a row */
    double *v;
    mlk_mat X, said;
} left_out;

static mlk_status add_left_out(const workshop *s, size_t b, const left_out *l, mlk_mat oob)
{
    const size_t n = s->data->X.rows;
    const uint32_t *times = s->times + b * n;
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        if (!times[i])
            l->row[left++] = (uint32_t)i;
    const mlk_mat X = mlk_mat_rows(l->X, 0, left), said = mlk_mat_rows(l->said, 0, left);
    if (!left)
        return MLK_OK;
    mlk_crew_gather(s->crew, b, s->data->X, l->row, X);
    MLK_TRY(mlk_crew_member(s->crew, b, false, mlk_mat_c(X), &s->run, l->v, said));
    for (size_t i = 0; i < left; i++) {
        double *sum = oob.data + l->row[i] * oob.ld;
        l->count[l->row[i]]++;
        for (size_t c = 0; c < oob.cols; c++)
            sum[c] += said.data[i * said.ld + c];
    }
    return MLK_OK;
}

/* Members one after the other: so sums are in their order. */
static mlk_status predict_left_out(const workshop *s, mlk_bagging *fit)
{
    const size_t n = s->data->X.rows, width = mlk_crew_width(s->crew);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const left_out l = {.row = mlk_scratch_take(&scratch, n, sizeof *l.row),
                        .count = mlk_scratch_take(&scratch, n, sizeof *l.count),
                        .v = mlk_scratch_take(&scratch, n, sizeof *l.v),
                        .X = mlk_scratch_mat(&scratch, n, s->crew->q),
                        .said = mlk_scratch_mat(&scratch, n, width)};
    fit->oob = (mlk_mat){mlk_alloc_zero(n, width * sizeof(double)), n, width, width};
    mlk_status st = MLK_OK;
    if (scratch.failed || !fit->oob.data)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu out-of-bag predictions", n);
    else
        memset(l.count, 0, n * sizeof *l.count);
    for (size_t b = 0; st == MLK_OK && b < s->crew->n; b++)
        st = add_left_out(s, b, &l, fit->oob);
    for (size_t i = 0; st == MLK_OK && i < n * width; i++)
        fit->oob.data[i] = l.count[i / width] ? fit->oob.data[i] / l.count[i / width] : NAN;
    if (st == MLK_OK)
        fit->oob_score = mlk_out_of_bag_score(mlk_mat_c(fit->oob), s->data);
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------------------------ fit */

static mlk_status fit_with(workshop *s, const mlk_run *run, mlk_bagging *fit)
{
    const mlk_data *d = s->data;
    const mlk_bagging_opts *o = s->opts;
    size_t q;
    MLK_TRY(mlk_share_resolve("max_samples", o->max_samples, d->X.rows, &s->draws));
    MLK_TRY(mlk_share_resolve("max_features", o->max_features, d->X.cols, &q));
    const bool whole = !o->bootstrap && s->draws == d->X.rows;
    if (o->oob_score && whole)
        return MLK_FAIL(MLK_EINVAL,
                        "oob_score = true needs rows left out: bootstrap or max_samples");
    s->all = whole && q == d->X.cols;
    MLK_TRY(mlk_crew_init(&fit->crew, (size_t)o->n_estimators, d->X.cols, d->n_classes,
                          s->all ? 0 : q));
    s->crew = &fit->crew;
    if (!s->all && !(s->times = mlk_alloc(s->crew->n, d->X.rows * sizeof *s->times)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu samples", s->crew->n);
    MLK_TRY(mlk_parallel_for(run, s->crew->n, 1, fit_members, s));
    mlk_crew_warn(s->crew, run);
    return o->oob_score ? predict_left_out(s, fit) : MLK_OK;
}

mlk_status mlk_bagging_fit(const mlk_data *data, const mlk_bagging_opts *opts, const mlk_run *run,
                           mlk_bagging **model)
{
    const mlk_bagging_opts o = opts ? *opts : mlk_bagging_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, CAPS, MLK_NEED_TARGET, run));
    const mlk_members_use use = {.option = "base",
                                 .owner = "bagging",
                                 .n_classes = data->n_classes,
                                 .weights = data->w.n > 0};
    mlk_members base;
    mlk_status st = mlk_members_parse(o.base, &use, &base);
    mlk_bagging *fit = mlk_alloc_zero(1, sizeof *fit);
    if (st == MLK_OK && !fit)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    if (st == MLK_OK) {
        workshop s = {.data = data, .opts = &o, .base = base.member, .run = mlk_run_inner(run)};
        fit->oob_score = NAN;
        st = fit_with(&s, run, fit);
        mlk_free(s.times);
    }
    mlk_members_release(&base);
    if (st == MLK_OK)
        *model = fit;
    else
        mlk_bagging_free(fit);
    return st;
}

void mlk_bagging_free(mlk_bagging *fit)
{
    if (!fit)
        return;
    mlk_crew_release(&fit->crew);
    mlk_free(fit->oob.data);
    mlk_free(fit);
}

/* ----------------------------------------------------------------- prediction */

mlk_status mlk_bagging_predict(const mlk_bagging *fit, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_crew_predict(&fit->crew, NULL, false, X, run, out);
}

mlk_status mlk_bagging_predict_proba(const mlk_bagging *fit, mlk_cmat X, const mlk_run *run,
                                     mlk_mat out)
{
    if (!fit->crew.k)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression has no class probabilities");
    return mlk_crew_mean(&fit->crew, NULL, false, X, run, out);
}

size_t mlk_bagging_n_members(const mlk_bagging *fit) { return fit->crew.n; }
const mlk_model *mlk_bagging_member(const mlk_bagging *fit, size_t b) { return fit->crew.model[b]; }
const uint32_t *mlk_bagging_columns(const mlk_bagging *fit, size_t b, size_t *n)
{
    *n = fit->crew.q;
    return fit->crew.column ? fit->crew.column + b * fit->crew.q : NULL;
}
double mlk_bagging_oob_score(const mlk_bagging *fit) { return fit->oob_score; }
mlk_cmat mlk_bagging_oob_decision(const mlk_bagging *fit) { return mlk_mat_c(fit->oob); }

/* ----------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_bagging *fit;
    const mlk_status st = mlk_bagging_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_bagging_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_bagging_predict_proba(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_bagging *fit = state;
    mlk_doc_put_real(to, "oob_score", fit->oob_score);
    mlk_crew_save(&fit->crew, to);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_bagging *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    mlk_status st = mlk_doc_get_real(from, "oob_score", NAN, NAN, &fit->oob_score);
    if (st == MLK_OK)
        st = mlk_crew_load(from, n_features, n_classes, &fit->crew);
    if (st == MLK_OK)
        *state = fit;
    else
        mlk_bagging_free(fit);
    return st;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_bagging *fit = state;
    mlk_doc_put_real(to, "oob_score", fit->oob_score);
    mlk_crew_learned(&fit->crew, to);
}

static void algo_free(void *state) { mlk_bagging_free(state); }

const mlk_algo mlk_bagging_algo = {
    .name = "bagging",
    .help = "mean of one model fitted to many samples of the rows",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = CAPS,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_bagging_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
