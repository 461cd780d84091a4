#include <mlkit/ensemble/adaboost.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "ensemble/crew.h"
#include "ensemble/members.h"
#include "model/algo.h"

struct mlk_adaboost {
    mlk_crew crew; /* crew.n: those that were kept */
    double *weight, *error;
};

enum {
    CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL | MLK_CAP_SEED,
    PREDICT_ROWS = 256
};

static const mlk_opt opt_table[] = {
    MLK_OPT_TEXT(mlk_adaboost_opts, base, "auto",
                 "model to fit, as name:parameter=value:...; auto: tree of depth 1, or 3"),
    MLK_OPT_INT(mlk_adaboost_opts, n_estimators, 50, 1, INFINITY, "number of members, at most"),
    MLK_OPT_REAL_OPEN(mlk_adaboost_opts, learning_rate, 1.0, 0.0, INFINITY,
                      "factor of each member's weight"),
    MLK_OPT_INT(mlk_adaboost_opts, seed, 0, 0, INFINITY, "of draws, and of a base that draws"),
    MLK_OPT_END,
};

mlk_adaboost_opts mlk_adaboost_opts_default(void)
{
    mlk_adaboost_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------- boosting */

typedef struct boosting {
    const mlk_data *data;
    const mlk_adaboost_opts *opts;
    const mlk_member *base;
    const mlk_run *run;
    double *d, *loss; /* n each: weights that sum to 1, and losses in [0, 1] */
    double *v;        /* n predictions */
    double *below;    /* n, where rows are drawn: sums of d up to and with each row */
    uint32_t *times;  /* n, likewise: how often each was drawn */
    mlk_sample room;  /* likewise: the rows drawn */
    mlk_adaboost *fit;
} boosting;

/* n rows with probability d, with replacement. */
static mlk_data draw(const boosting *s, mlk_rng *rng)
{
    const size_t n = s->data->X.rows;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        s->below[i] = sum += s->d[i];
        s->times[i] = 0;
    }
    for (size_t k = 0; k < n; k++) {
        const double u = mlk_rng_uniform(rng) * sum;
        size_t lo = 0, hi = n - 1; /* the first row with below > u */
        while (lo < hi) {
            const size_t mid = (lo + hi) / 2;
            if (s->below[mid] > u)
                hi = mid;
            else
                lo = mid + 1;
        }
        s->times[lo]++;
    }
    mlk_data all = *s->data;
    all.w = (mlk_cvec){NULL, 0};
    return mlk_crew_sample(&s->fit->crew, 0, &all, s->times, &s->room);
}

/* Member m and its predictions for all rows. */
static mlk_status fit_member(const boosting *s, size_t m)
{
    const mlk_run inner = mlk_run_inner(s->run);
    mlk_rng rng = mlk_rng_stream((uint64_t)s->opts->seed, m);
    const int64_t seed = mlk_rng_seed(&rng);
    mlk_data d = *s->data;
    d.w = (mlk_cvec){s->d, d.X.rows};
    if (s->below)
        d = draw(s, &rng);
    mlk_model **model = &s->fit->crew.model[m];
    MLK_TRY(mlk_member_fit(s->base, seed, &d, &inner, model));
    return mlk_model_predict(*model, s->data->X, &inner, (mlk_vec){s->v, s->data->X.rows});
}

/* Losses of rows of weight > 0, and their mean. */
static double measure(const boosting *s)
{
    const mlk_data *d = s->data;
    double worst = 0.0, error = 0.0;
    for (size_t i = 0; i < d->X.rows; i++) {
        s->loss[i] = d->n_classes ? s->v[i] != d->y.data[i] : fabs(s->v[i] - d->y.data[i]);
        if (s->d[i] > 0.0)
            worst = fmax(worst, s->loss[i]);
    }
    for (size_t i = 0; i < d->X.rows; i++) {
        if (worst > 0.0)
            s->loss[i] /= worst;
        if (s->d[i] > 0.0)
            error += s->d[i] * s->loss[i];
    }
    return error;
}

/* (1) and (2): the better a row did, the less it weighs from now on, by `factor` where its loss is
 * 0. Rows of weight > 0 keep some: a single one may not be all that is left. */
static void reweight(const boosting *s, double log_factor)
{
    const size_t n = s->data->X.rows;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        if (s->d[i] > 0.0)
            sum += s->d[i] *= exp(log_factor * (1.0 - s->loss[i]));
    for (size_t i = 0; i < n; i++)
        if (s->d[i] > 0.0)
            s->d[i] = fmax(s->d[i] / sum, DBL_EPSILON);
}

/* What a member of error e weighs, divided by the learning rate. */
static double member_weight(const boosting *s, double e)
{
    const size_t k = s->data->n_classes;
    return log((1.0 - e) / e) + (k ? log((double)k - 1.0) : 0.0);
}

/* Member m; `*last` when boosting ends here, with or without it. */
static mlk_status boost_once(const boosting *s, size_t m, size_t *kept, bool *last)
{
    mlk_adaboost *fit = s->fit;
    const size_t k = s->data->n_classes;
    const double chance = k ? 1.0 - 1.0 / (double)k : 0.5;
    MLK_TRY(fit_member(s, m));
    const double error = measure(s);
    if (isnan(error))
        return MLK_FAIL(MLK_ESINGULAR, "the predictions of member %zu are not finite", m + 1);
    *last = !(error > 0.0 && error < chance);
    if (*last && error > 0.0 && m > 0) {
        mlk_model_free(fit->crew.model[m]);
        fit->crew.model[m] = NULL;
        return MLK_OK;
    }
    if (*last && error > 0.0)
        mlk_run_warn(
            s->run, "the first member's error %g is no better than chance; it stands alone", error);
    fit->error[m] = error;
    fit->weight[m] = *last ? 1.0 : s->opts->learning_rate * member_weight(s, error);
    if (!(fit->weight[m] > 0.0 && fit->weight[m] < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "learning_rate = %g gives member %zu a weight of %g",
                        s->opts->learning_rate, m + 1, fit->weight[m]);
    *kept = m + 1;
    mlk_run_log(s->run, "member %zu: error %.6g, weight %.6g", m + 1, error, fit->weight[m]);
    if (!*last) /* for classes a_m on the wrong rows; the same, without overflow: -a_m on the right
                 */
        reweight(s, -fit->weight[m]);
    return MLK_OK;
}

static mlk_status boost(const boosting *s)
{
    const size_t n = s->data->X.rows, most = s->fit->crew.n;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += mlk_weight(s->data->w, i);
    for (size_t i = 0; i < n; i++)
        s->d[i] = mlk_weight(s->data->w, i) / sum;
    bool last = false;
    size_t kept = 0;
    for (size_t m = 0; !last && m < most; m++) {
        MLK_TRY(mlk_run_poll(s->run, (double)m / (double)most));
        MLK_TRY(boost_once(s, m, &kept, &last));
    }
    s->fit->crew.n = kept;
    mlk_crew_warn(&s->fit->crew, s->run);
    return MLK_OK;
}

/* ------------------------------------------------------------------------ fit */

static mlk_adaboost *allocate(size_t n)
{
    mlk_adaboost *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return NULL;
    fit->weight = mlk_alloc(n, sizeof *fit->weight);
    fit->error = mlk_alloc(n, sizeof *fit->error);
    if (fit->weight && fit->error)
        return fit;
    mlk_adaboost_free(fit);
    return NULL;
}

static mlk_status boost_with(boosting *s, mlk_scratch *scratch)
{
    const size_t n = s->data->X.rows, p = s->data->X.cols;
    s->d = mlk_scratch_take(scratch, n, sizeof *s->d);
    s->loss = mlk_scratch_take(scratch, n, sizeof *s->loss);
    s->v = mlk_scratch_take(scratch, n, sizeof *s->v);
    if (!s->data->n_classes || !(s->base->algo->caps & MLK_CAP_WEIGHTS)) {
        s->below = mlk_scratch_take(scratch, n, sizeof *s->below);
        s->times = mlk_scratch_take(scratch, n, sizeof *s->times);
        s->room = mlk_sample_take(scratch, n, p);
    }
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the weights of %zu rows", n);
    return boost(s);
}

static mlk_status fit_members(boosting *s, mlk_adaboost **model)
{
    const mlk_data *d = s->data;
    const size_t n = (size_t)s->opts->n_estimators;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    s->fit = allocate(n);
    mlk_status st = s->fit ? mlk_crew_init(&s->fit->crew, n, d->X.cols, d->n_classes, 0)
                           : MLK_FAIL(MLK_ENOMEM, "no memory for %zu members", n);
    if (st == MLK_OK)
        st = boost_with(s, &scratch);
    mlk_scratch_release(&scratch);
    if (st == MLK_OK)
        *model = s->fit;
    else
        mlk_adaboost_free(s->fit);
    return st;
}

mlk_status mlk_adaboost_fit(const mlk_data *data, const mlk_adaboost_opts *opts, const mlk_run *run,
                            mlk_adaboost **model)
{
    const mlk_adaboost_opts o = opts ? *opts : mlk_adaboost_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, CAPS, MLK_NEED_TARGET, run));
    const mlk_members_use use = {
        .option = "base", .owner = "adaboost", .n_classes = data->n_classes};
    const char *text = o.base;
    if (text && strcmp(text, "auto") == 0)
        text = data->n_classes ? "tree:max_depth=1" : "tree:max_depth=3";
    mlk_members base;
    mlk_status st = mlk_members_parse(text, &use, &base);
    if (st == MLK_OK) {
        boosting s = {.data = data, .opts = &o, .base = base.member, .run = run};
        st = fit_members(&s, model);
    }
    mlk_members_release(&base);
    return st;
}

void mlk_adaboost_free(mlk_adaboost *fit)
{
    if (!fit)
        return;
    mlk_crew_release(&fit->crew);
    mlk_free(fit->weight);
    mlk_free(fit->error);
    mlk_free(fit);
}

/* ----------------------------------------------------------------- prediction */

typedef struct medians {
    const mlk_adaboost *fit;
    mlk_cmat X;
    mlk_run run;
    double *scratch; /* of each worker: PREDICT_ROWS x (1 + members), then pairs of a row */
    double *out;
} medians;

static size_t medians_room(const mlk_adaboost *fit)
{
    return PREDICT_ROWS * (1 + fit->crew.n) + 2 * fit->crew.n;
}

/* The first value, in ascending order, with half of the weight up to and with it. */
static double weighted_median(const double *v, const double *w, size_t n, double *pair)
{
    double half = 0.0, sum = 0.0;
    for (size_t m = 0; m < n; m++) {
        size_t lo = 0, hi = m; /* behind those that are no larger */
        while (lo < hi) {
            const size_t mid = (lo + hi) / 2;
            if (pair[2 * mid] <= v[m])
                lo = mid + 1;
            else
                hi = mid;
        }
        memmove(pair + 2 * lo + 2, pair + 2 * lo, (m - lo) * 2 * sizeof *pair);
        pair[2 * lo] = v[m];
        pair[2 * lo + 1] = w[m];
    }
    for (size_t m = 0; m < n; m++)
        half += pair[2 * m + 1];
    half *= 0.5;
    for (size_t m = 0; m + 1 < n; m++)
        if ((sum += pair[2 * m + 1]) >= half)
            return pair[2 * m];
    return pair[2 * n - 2];
}

static mlk_status predict_medians(void *ctx, const mlk_chunk *chunk)
{
    const medians *p = ctx;
    const size_t n = p->fit->crew.n, rows = chunk->end - chunk->begin;
    double *v = p->scratch + chunk->worker * medians_room(p->fit), *all = v + PREDICT_ROWS;
    const mlk_cmat X = mlk_cmat_rows(p->X, chunk->begin, chunk->end);
    for (size_t m = 0; m < n; m++)
        MLK_TRY(mlk_crew_member(&p->fit->crew, m, false, X, &p->run, v,
                                (mlk_mat){all + m, rows, 1, n}));
    for (size_t i = 0; i < rows; i++)
        p->out[chunk->begin + i] =
            weighted_median(all + i * n, p->fit->weight, n, all + PREDICT_ROWS * n);
    return MLK_OK;
}

mlk_status mlk_adaboost_predict(const mlk_adaboost *fit, mlk_cmat X, const mlk_run *run,
                                mlk_vec out)
{
    if (fit->crew.k)
        return mlk_crew_predict(&fit->crew, fit->weight, true, X, run, out);
    MLK_TRY(mlk_predict_check(X, fit->crew.p, out.n));
    medians p = {.fit = fit, .X = X, .run = mlk_run_inner(run), .out = out.data};
    p.scratch =
        mlk_alloc(mlk_workers(run, X.rows, PREDICT_ROWS), medians_room(fit) * sizeof *p.scratch);
    if (!p.scratch)
        return MLK_FAIL(MLK_ENOMEM, "no memory to predict %zu rows", X.rows);
    const mlk_status st = mlk_parallel_for(run, X.rows, PREDICT_ROWS, predict_medians, &p);
    mlk_free(p.scratch);
    return st;
}

mlk_status mlk_adaboost_predict_proba(const mlk_adaboost *fit, mlk_cmat X, const mlk_run *run,
                                      mlk_mat out)
{
    const size_t k = fit->crew.k;
    if (!k)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression has no class probabilities");
    MLK_TRY(mlk_crew_mean(&fit->crew, fit->weight, true, X, run, out));
    for (size_t i = 0; i < out.rows; i++) {
        double *s = out.data + i * out.ld, sum = 0.0;
        for (size_t c = 0; c < k; c++)
            sum += s[c] = exp(s[c] / ((double)k - 1.0)); /* shares lie in [0, 1] */
        for (size_t c = 0; c < k; c++)
            s[c] /= sum;
    }
    return MLK_OK;
}

mlk_status mlk_adaboost_decision(const mlk_adaboost *fit, mlk_cmat X, const mlk_run *run,
                                 mlk_mat out)
{
    if (!fit->crew.k)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression has no decision values");
    if (fit->crew.k > 2)
        return mlk_crew_mean(&fit->crew, fit->weight, true, X, run, out);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat share = mlk_scratch_mat(&scratch, out.rows, 2);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to predict %zu rows", out.rows)
                                   : mlk_crew_mean(&fit->crew, fit->weight, true, X, run, share);
    for (size_t i = 0; st == MLK_OK && i < out.rows; i++)
        out.data[i * out.ld] = share.data[2 * i + 1] - share.data[2 * i];
    mlk_scratch_release(&scratch);
    return st;
}

size_t mlk_adaboost_n_members(const mlk_adaboost *fit) { return fit->crew.n; }
const mlk_model *mlk_adaboost_member(const mlk_adaboost *fit, size_t m)
{
    return fit->crew.model[m];
}
mlk_cvec mlk_adaboost_weights(const mlk_adaboost *fit)
{
    return (mlk_cvec){fit->weight, fit->crew.n};
}
mlk_cvec mlk_adaboost_errors(const mlk_adaboost *fit)
{
    return (mlk_cvec){fit->error, fit->crew.n};
}

/* ----------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_adaboost *fit;
    const mlk_status st = mlk_adaboost_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_adaboost_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_adaboost_predict_proba(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_adaboost_decision(state, X, run, out);
}

static size_t algo_n_decisions(const void *state)
{
    const size_t k = ((const mlk_adaboost *)state)->crew.k;
    return k == 2 ? 1 : k;
}

static void put_figures(const mlk_adaboost *fit, mlk_doc *to)
{
    mlk_doc_put_vec(to, "estimator_weights", mlk_adaboost_weights(fit));
    mlk_doc_put_vec(to, "estimator_errors", mlk_adaboost_errors(fit));
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_adaboost *fit = state;
    put_figures(fit, to);
    mlk_crew_save(&fit->crew, to);
}

static mlk_status load_figures(const mlk_doc *from, mlk_adaboost *fit)
{
    const size_t n = fit->crew.n;
    mlk_cvec weight, error;
    double sum = 0.0;
    MLK_TRY(mlk_doc_get_vec(from, "estimator_weights", n, &weight));
    MLK_TRY(mlk_doc_get_vec(from, "estimator_errors", n, &error));
    for (size_t m = 0; m < n; m++) {
        if (!(weight.data[m] > 0.0))
            return MLK_FAIL(MLK_EFORMAT, "'estimator_weights' holds %g; expected more than 0",
                            weight.data[m]);
        sum += weight.data[m];
    }
    if (!isfinite(sum))
        return MLK_FAIL(MLK_EFORMAT, "'estimator_weights' sum to %g", sum);
    if (fit->crew.column)
        return MLK_FAIL(MLK_EFORMAT, "'columns' of a boosted ensemble; expected none");
    fit->weight = mlk_alloc(n, sizeof *fit->weight);
    fit->error = mlk_alloc(n, sizeof *fit->error);
    if (!fit->weight || !fit->error)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", n);
    memcpy(fit->weight, weight.data, n * sizeof *fit->weight);
    memcpy(fit->error, error.data, n * sizeof *fit->error);
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_adaboost *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    mlk_status st = mlk_crew_load(from, n_features, n_classes, &fit->crew);
    if (st == MLK_OK)
        st = load_figures(from, fit);
    if (st == MLK_OK)
        *state = fit;
    else
        mlk_adaboost_free(fit);
    return st;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_adaboost *fit = state;
    put_figures(fit, to);
    mlk_crew_learned(&fit->crew, to);
}

static void algo_free(void *state) { mlk_adaboost_free(state); }

const mlk_algo mlk_adaboost_algo = {
    .name = "adaboost",
    .help = "models fitted in turn to the errors before them (SAMME, AdaBoost.R2)",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = CAPS,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_adaboost_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .decision = algo_decision,
    .n_decisions = algo_n_decisions,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
