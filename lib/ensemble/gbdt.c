#include <mlkit/ensemble/gbdt.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "ensemble/gbdt_grow.h"
#include "ensemble/gbdt_loss.h"
#include "ensemble/gbdt_model.h"
#include "model/algo.h"

#define CAPS (MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL | MLK_CAP_SEED)

static const mlk_word losses[] = {{"auto", MLK_GBDT_AUTO},
                                  {"log_loss", MLK_GBDT_LOG_LOSS},
                                  {"squared_error", MLK_GBDT_SQUARED_ERROR},
                                  {"absolute_error", MLK_GBDT_ABSOLUTE_ERROR},
                                  {"quantile", MLK_GBDT_QUANTILE},
                                  {"poisson", MLK_GBDT_POISSON},
                                  {NULL, 0}};
static const mlk_word growths[] = {
    {"leaf_wise", MLK_GBDT_LEAF_WISE}, {"depth_wise", MLK_GBDT_DEPTH_WISE}, {NULL, 0}};
static const mlk_word none[] = {{"none", 0}, {NULL, 0}};

/* A share strictly between 0 and 1. */
#define OPT_SHARE(field, def, help)                                                                \
    {                                                                                              \
#field, MLK_OPT_TYPE_REAL, offsetof(mlk_gbdt_opts, field), def, NULL, 0, 1, true, true,    \
            NULL, help                                                                             \
    }

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_gbdt_opts, n_estimators, 100, 1, INFINITY, "rounds of boosting"),
    MLK_OPT_REAL_OPEN(mlk_gbdt_opts, learning_rate, 0.1, 0, INFINITY, "factor of each tree"),
    MLK_OPT_INT_WORDS(mlk_gbdt_opts, max_leaves, 31, 2, INFINITY, none, "leaves of a tree"),
    MLK_OPT_INT_WORDS(mlk_gbdt_opts, max_depth, 0, 1, INFINITY, none, "splits from root to leaf"),
    MLK_OPT_INT(mlk_gbdt_opts, max_bins, 255, 2, 255, "bins of a column"),
    MLK_OPT_REAL(mlk_gbdt_opts, min_child_weight, 1e-3, 0, INFINITY,
                 "least sum of second derivatives in a leaf"),
    MLK_OPT_INT(mlk_gbdt_opts, min_samples_leaf, 20, 1, INFINITY, "least rows in a leaf"),
    MLK_OPT_REAL(mlk_gbdt_opts, reg_lambda, 0, 0, INFINITY, "L2 penalty on leaf values"),
    MLK_OPT_REAL(mlk_gbdt_opts, reg_alpha, 0, 0, INFINITY, "L1 penalty on leaf values"),
    MLK_OPT_REAL(mlk_gbdt_opts, min_split_gain, 0, 0, INFINITY, "penalty on each leaf"),
    MLK_OPT_REAL_OPEN(mlk_gbdt_opts, subsample, 1, 0, 1, "share of the rows drawn for a round"),
    MLK_OPT_REAL_OPEN(mlk_gbdt_opts, colsample, 1, 0, 1, "share of the columns drawn for a tree"),
    MLK_OPT_INT(mlk_gbdt_opts, early_stopping, 0, 0, INFINITY,
                "rounds without a better validation loss to stop after; 0: never"),
    OPT_SHARE(validation_fraction, 0.1, "share of the rows held out for early stopping"),
    MLK_OPT_WORD(mlk_gbdt_opts, loss, MLK_GBDT_AUTO, losses, "what is minimised"),
    OPT_SHARE(quantile, 0.5, "the quantile that the quantile loss predicts"),
    MLK_OPT_WORD(mlk_gbdt_opts, growth, MLK_GBDT_LEAF_WISE, growths, "which leaf is split next"),
    MLK_OPT_TEXT(mlk_gbdt_opts, monotone, NULL, "1, 0 or -1 a column: how predictions may move"),
    MLK_OPT_INT(mlk_gbdt_opts, seed, 0, -INFINITY, INFINITY, "of all draws"),
    MLK_OPT_END,
};

mlk_gbdt_opts mlk_gbdt_opts_default(void)
{
    mlk_gbdt_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* One fit. Random streams: 0 the validation rows, 1 + t the rows of round t, then the columns. */
typedef struct boosting {
    const mlk_data *data;
    const mlk_gbdt_opts *opts;
    const mlk_run *run; /* the caller's, for lines and progress */
    mlk_run inner;      /* for the work */
    mlk_scratch scratch;
    gbdt_loss loss;
    gbdt_state state;
    gbdt_rules rules;
    gbdt_limits limits;
    gbdt_bins *bins;
    gbdt_grower *grower;
    uint32_t *train, *valid; /* rows */
    size_t n_train, n_valid;
    uint32_t *rows, *others; /* of the round: the sample, and rows that only follow */
    size_t n_rows, n_others;
    uint32_t *column;
    uint8_t *drawn; /* of each column */
    size_t n_columns, *order;
    uint32_t *leaf_of; /* of n_others rows */
    double *residual;  /* 2 n, for renewed leaves */
    bool grew;         /* the round found a split */
    mlk_gbdt *model;
} boosting;

/* ------------------------------------------------------------------------- options */

static mlk_status resolve_loss(const mlk_data *d, const mlk_gbdt_opts *o, gbdt_loss *loss)
{
    const bool classes = d->n_classes > 0;
    loss->kind = o->loss ? o->loss : classes ? MLK_GBDT_LOG_LOSS : MLK_GBDT_SQUARED_ERROR;
    loss->k = mlk_gbdt_k(d->n_classes);
    loss->quantile = o->quantile;
    if (classes != (loss->kind == MLK_GBDT_LOG_LOSS))
        return MLK_FAIL(MLK_EINVAL, "loss = %s is not for %s", losses[loss->kind].name,
                        classes ? "classes" : "numbers");
    if (loss->kind != MLK_GBDT_QUANTILE && o->quantile != 0.5)
        return MLK_FAIL(MLK_EINVAL, "quantile = %g has no effect with loss = %s", o->quantile,
                        losses[loss->kind].name);
    if (loss->kind == MLK_GBDT_POISSON)
        for (size_t i = 0; i < d->y.n; i++)
            if (d->y.data[i] < 0.0)
                return MLK_FAIL(MLK_EINVAL, "y[%zu] = %g; the Poisson loss expects counts >= 0", i,
                                d->y.data[i]);
    return MLK_OK;
}

/* The constraints into sign[0..p-1]. */
static mlk_status parse_monotone(const char *text, const mlk_data *d, int8_t *sign)
{
    const size_t p = d->X.cols;
    size_t j = 0;
    for (const char *at = text; *at;) {
        const size_t gap = strspn(at, ",:; "), n = strcspn(at + gap, ",:; ");
        const char *word = at + gap;
        at = word + n;
        if (!n)
            continue;
        const bool signed_one = n == 2 && (word[0] == '-' || word[0] == '+') && word[1] == '1';
        if (!signed_one && !(n == 1 && (word[0] == '0' || word[0] == '1')))
            return MLK_FAIL(MLK_EINVAL, "monotone = '%.*s' for column %zu; expected 1, 0 or -1",
                            (int)n, word, j);
        if (j < p)
            sign[j] = (int8_t)(word[0] == '0' ? 0 : word[0] == '-' ? -1 : 1);
        if (j < p && sign[j] && d->levels && d->levels[j])
            return MLK_FAIL(MLK_EINVAL, "monotone: column %zu is categorical; expected 0", j);
        j++;
    }
    return j == p ? MLK_OK
                  : MLK_FAIL(MLK_EINVAL,
                             "monotone has %zu values; expected one for each of %zu "
                             "columns",
                             j, p);
}

static mlk_status resolve_rules(boosting *b)
{
    const mlk_gbdt_opts *o = b->opts;
    b->rules = (gbdt_rules){.lambda = o->reg_lambda,
                            .alpha = o->reg_alpha,
                            .gamma = o->min_split_gain,
                            .min_weight = o->min_child_weight,
                            .min_rows = (size_t)o->min_samples_leaf};
    b->limits = (gbdt_limits){o->max_leaves ? (size_t)o->max_leaves : SIZE_MAX,
                              o->max_depth ? (size_t)o->max_depth : SIZE_MAX,
                              o->growth == MLK_GBDT_DEPTH_WISE};
    if (!o->monotone || !o->monotone[strspn(o->monotone, " ")])
        return MLK_OK;
    int8_t *sign = mlk_scratch_take(&b->scratch, b->data->X.cols, 1);
    if (!sign)
        return MLK_FAIL(MLK_ENOMEM, "no memory for constraints");
    b->rules.monotone = sign;
    return parse_monotone(o->monotone, b->data, sign);
}

/* ---------------------------------------------------------------------------- rows */

/* Rows of weight > 0, by chance the right share of each class to the validation rows. */
static mlk_status divide_rows(boosting *b)
{
    const mlk_data *d = b->data;
    const size_t n = d->X.rows, classes = d->n_classes ? d->n_classes : 1;
    const double share = b->opts->early_stopping ? b->opts->validation_fraction : 0.0;
    size_t *quota = mlk_scratch_take(&b->scratch, classes, sizeof *quota);
    uint8_t *held = mlk_scratch_take(&b->scratch, n, 1);
    if (b->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", n);
    memset(quota, 0, classes * sizeof *quota);
    memset(held, 0, n);
    for (size_t i = 0; i < n; i++)
        quota[d->n_classes ? (size_t)d->y.data[i] : 0] += mlk_weight(d->w, i) > 0.0;
    for (size_t c = 0; c < classes; c++)
        quota[c] = (size_t)(share * (double)quota[c] + 0.5);
    if (share > 0.0) {
        mlk_rng rng = mlk_rng_stream((uint64_t)b->opts->seed, 0);
        mlk_rng_permutation(&rng, b->order, n);
        for (size_t k = 0; k < n; k++) {
            const size_t i = b->order[k], c = d->n_classes ? (size_t)d->y.data[i] : 0;
            held[i] = quota[c] > 0 && mlk_weight(d->w, i) > 0.0;
            quota[c] -= held[i];
        }
    }
    for (size_t i = 0; i < n; i++)
        if (mlk_weight(d->w, i) > 0.0) {
            if (held[i])
                b->valid[b->n_valid++] = (uint32_t)i;
            else
                b->train[b->n_train++] = (uint32_t)i;
        }
    if (!b->n_train || (share > 0.0 && !b->n_valid))
        return MLK_FAIL(MLK_EINVAL,
                        "%zu rows leave %zu to train on and %zu to validate; expected at least one "
                        "of each",
                        b->n_train + b->n_valid, b->n_train, b->n_valid);
    return MLK_OK;
}

/* The rows of round t, ascending, and those whose scores only follow. */
static void draw_rows(boosting *b, size_t t)
{
    const double share = b->opts->subsample;
    size_t want = (size_t)(share * (double)b->n_train + 0.5), left = b->n_train;
    want = want ? want : 1;
    b->n_rows = b->n_others = 0;
    if (want == left) {
        memcpy(b->rows, b->train, left * sizeof *b->rows);
        b->n_rows = left;
    } else {
        mlk_rng rng = mlk_rng_stream((uint64_t)b->opts->seed, 1 + 2 * (uint64_t)t);
        for (size_t i = 0; i < b->n_train; i++, left--) {
            if (mlk_rng_below(&rng, left) < want) {
                b->rows[b->n_rows++] = b->train[i];
                want--;
            } else {
                b->others[b->n_others++] = b->train[i];
            }
        }
    }
    memcpy(b->others + b->n_others, b->valid, b->n_valid * sizeof *b->others);
    b->n_others += b->n_valid;
}

/* The columns of tree t * k + c, ascending. */
static void draw_columns(boosting *b, size_t tree)
{
    const size_t p = b->data->X.cols;
    const size_t share = (size_t)(b->opts->colsample * (double)p + 0.5), wanted = share ? share : 1;
    memset(b->drawn, wanted == p, p);
    if (wanted < p) {
        mlk_rng rng = mlk_rng_stream((uint64_t)b->opts->seed, 2 + 2 * (uint64_t)tree);
        mlk_rng_sample(&rng, b->order, p, wanted);
        for (size_t k = 0; k < wanted; k++)
            b->drawn[b->order[k]] = 1;
    }
    b->n_columns = 0;
    for (size_t j = 0; j < p; j++)
        if (b->drawn[j])
            b->column[b->n_columns++] = (uint32_t)j;
}

/* ---------------------------------------------------------------------- one tree */

typedef struct update {
    boosting *b;
    const mlk_nodes *nodes;
    const gbdt_leaf *leaf;
    const mlk_grown *tree;
    double *score;
} update;

static mlk_status update_leaf(void *ctx, const mlk_chunk *chunk)
{
    const update *u = ctx;
    for (size_t k = chunk->begin; k < chunk->end; k++) {
        const gbdt_leaf *leaf = &u->leaf[k];
        const double value = u->tree->node[leaf->node].value;
        for (size_t i = leaf->begin; i < leaf->end; i++)
            u->score[u->b->rows[i]] += value;
    }
    return MLK_OK;
}

static mlk_status update_others(void *ctx, const mlk_chunk *chunk)
{
    const update *u = ctx;
    boosting *b = u->b;
    const size_t n = chunk->end - chunk->begin;
    const uint32_t *rows = b->others + chunk->begin;
    uint32_t *leaf = b->leaf_of + chunk->begin;
    const mlk_cmat X = b->data->X;
    mlk_nodes_apply(u->nodes, b->model->levels, (mlk_cmat){X.data, n, X.cols, X.ld}, rows, leaf);
    for (size_t i = 0; i < n; i++)
        u->score[rows[i]] += mlk_nodes_value(u->nodes, leaf[i]);
    return MLK_OK;
}

/* Leaf values of the absolute and the quantile loss. */
static mlk_status renew_leaf(void *ctx, const mlk_chunk *chunk)
{
    const update *u = ctx;
    boosting *b = u->b;
    for (size_t k = chunk->begin; k < chunk->end; k++) {
        const gbdt_leaf *leaf = &u->leaf[k];
        if (leaf->begin == leaf->end) /* nothing to renew it from */
            continue;
        const double v = mlk_gbdt_renewed(&b->loss, &b->state, b->rows + leaf->begin,
                                          leaf->end - leaf->begin, b->residual + 2 * leaf->begin);
        u->tree->node[leaf->node].value = fmin(fmax(v, leaf->sums.lo), leaf->sums.hi);
    }
    return MLK_OK;
}

/* A tree for score c, into the model, and the scores it moves. */
static mlk_status add_tree(boosting *b, size_t tree, size_t c)
{
    const gbdt_sample sample = {b->bins, b->state.grad + c * b->state.n, b->state.count_bits,
                                b->column, b->n_columns};
    mlk_grown *grown;
    const gbdt_leaf *leaf;
    size_t n_leaves;
    MLK_TRY(mlk_gbdt_grow(b->grower, &sample, &b->rules, b->rows, b->n_rows, &b->inner, &grown,
                          &leaf, &n_leaves));
    mlk_nodes *nodes = &b->model->tree[tree];
    update u = {b, nodes, leaf, grown, b->state.score + c * b->state.n};
    if (n_leaves > 1 && mlk_gbdt_renews(&b->loss))
        MLK_TRY(mlk_parallel_for(&b->inner, n_leaves, 1, renew_leaf, &u));
    for (size_t i = 0; i < grown->n; i++) {
        grown->node[i].value *= b->opts->learning_rate;
        if (grown->node[i].left)
            b->model->importances[grown->node[i].feature] += grown->node[i].gain;
    }
    if (n_leaves == 1) /* no split: no step either */
        grown->node[0].value = 0.0;
    MLK_TRY(mlk_nodes_new(grown, NULL, NULL, nodes));
    b->model->n_trees = tree + 1;
    if (n_leaves == 1)
        return MLK_OK;
    b->grew = true;
    const size_t some = 1 + n_leaves * (1 << 14) / b->n_rows;
    MLK_TRY(mlk_parallel_for(&b->inner, n_leaves, some, update_leaf, &u));
    return mlk_parallel_for(&b->inner, b->n_others, 1 << 13, update_others, &u);
}

/* -------------------------------------------------------------------------- rounds */

static mlk_status add_round(boosting *b, size_t t)
{
    const size_t k = b->loss.k;
    b->grew = false;
    b->rules.g_unit = b->state.g_unit;
    b->rules.h_unit = b->state.h_unit;
    draw_rows(b, t);
    for (size_t c = 0; c < k; c++) {
        if (c) /* the tree before has put the rows in its order */
            draw_rows(b, t);
        draw_columns(b, t * k + c);
        MLK_TRY(add_tree(b, t * k + c, c));
    }
    return mlk_gbdt_derive(&b->loss, &b->state, &b->inner);
}

static void forget_rounds(mlk_gbdt *m, size_t rounds)
{
    while (m->n_trees > rounds * m->k)
        mlk_nodes_release(&m->tree[--m->n_trees]);
    m->rounds = rounds;
}

static void log_round(const boosting *b, size_t t)
{
    if (b->n_valid)
        mlk_run_log(b->run, "round %zu: train %.6g, validation %.6g", t, b->state.train_loss,
                    b->state.valid_loss);
    else
        mlk_run_log(b->run, "round %zu: train %.6g", t, b->state.train_loss);
}

static mlk_status boost(boosting *b)
{
    const size_t rounds = (size_t)b->opts->n_estimators;
    const size_t patience = (size_t)b->opts->early_stopping;
    const bool draws = b->opts->subsample < 1.0 || b->opts->colsample < 1.0;
    size_t best = 0;
    double least = INFINITY;
    MLK_TRY(mlk_gbdt_derive(&b->loss, &b->state, &b->inner));
    for (size_t t = 0; t < rounds; t++) {
        MLK_TRY(mlk_run_poll(b->run, (double)t / (double)rounds));
        MLK_TRY(add_round(b, t));
        if (!b->grew && !draws) {
            forget_rounds(b->model, t);
            break;
        }
        b->model->rounds = t + 1;
        b->model->train_loss[b->model->n_train++] = b->state.train_loss;
        if (b->n_valid)
            b->model->valid_loss[b->model->n_valid++] = b->state.valid_loss;
        log_round(b, t + 1);
        if (b->n_valid && b->state.valid_loss < least) {
            least = b->state.valid_loss;
            best = t + 1;
        } else if (patience && t + 1 - best >= patience) {
            break;
        }
    }
    if (patience)
        forget_rounds(b->model, best);
    return MLK_OK;
}

/* --------------------------------------------------------------------------- a fit */

static void share_importances(mlk_gbdt *m)
{
    double sum = 0.0;
    for (size_t j = 0; j < m->p; j++)
        sum += m->importances[j];
    for (size_t j = 0; sum > 0.0 && j < m->p; j++)
        m->importances[j] /= sum;
}

/* Weights of both parts, zero scores; the constants are added once they are known. */
static mlk_status prepare_state(boosting *b)
{
    const size_t n = b->data->X.rows, k = b->loss.k;
    gbdt_state *s = &b->state;
    double *train = mlk_scratch_take(&b->scratch, n, sizeof *train);
    double *valid = b->n_valid ? mlk_scratch_take(&b->scratch, n, sizeof *valid) : NULL;
    s->score = mlk_scratch_take(&b->scratch, n, k * sizeof *s->score);
    s->grad = mlk_scratch_take(&b->scratch, n, k * sizeof *s->grad);
    if (mlk_gbdt_renews(&b->loss))
        b->residual = mlk_scratch_take(&b->scratch, n, 2 * sizeof *b->residual);
    if (b->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the scores of %zu rows", n);
    memset(train, 0, n * sizeof *train);
    memset(s->score, 0, n * k * sizeof *s->score);
    for (size_t i = 0; i < b->n_train; i++) {
        const double w = train[b->train[i]] = mlk_weight(b->data->w, b->train[i]);
        s->train_sum += w;
        s->most_weight = fmax(s->most_weight, w);
    }
    if (valid)
        memset(valid, 0, n * sizeof *valid);
    for (size_t i = 0; i < b->n_valid; i++)
        s->valid_sum += valid[b->valid[i]] = mlk_weight(b->data->w, b->valid[i]);
    s->n = n;
    s->y = b->data->y.data;
    s->train = train;
    s->valid = valid;
    while (b->n_train >> s->count_bits)
        s->count_bits++;
    b->rules.count_bits = s->count_bits;
    MLK_TRY(mlk_gbdt_base_scores(&b->loss, s, b->train, b->n_train, b->model->base));
    for (size_t c = 0; c < k; c++)
        for (size_t i = 0; i < n; i++)
            s->score[c * n + i] = b->model->base[c];
    return MLK_OK;
}

static mlk_status prepare(boosting *b)
{
    const size_t n = b->data->X.rows, p = b->data->X.cols;
    mlk_scratch *s = &b->scratch;
    b->train = mlk_scratch_take(s, n, sizeof *b->train);
    b->valid = mlk_scratch_take(s, n, sizeof *b->valid);
    b->rows = mlk_scratch_take(s, n, sizeof *b->rows);
    b->others = mlk_scratch_take(s, n, sizeof *b->others);
    b->leaf_of = mlk_scratch_take(s, n, sizeof *b->leaf_of);
    b->column = mlk_scratch_take(s, p, sizeof *b->column);
    b->drawn = mlk_scratch_take(s, p, sizeof *b->drawn);
    b->order = mlk_scratch_take(s, n > p ? n : p, sizeof *b->order);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", n);
    MLK_TRY(resolve_rules(b));
    MLK_TRY(divide_rows(b));
    MLK_TRY(mlk_gbdt_bins_new(b->data, b->train, b->n_train, (size_t)b->opts->max_bins, b->run,
                              &b->bins));
    MLK_TRY(mlk_gbdt_grower_new(b->bins, b->n_train, &b->limits, b->rules.min_rows, &b->inner,
                                &b->grower));
    const size_t rounds = (size_t)b->opts->n_estimators;
    b->model = mlk_gbdt_allocate(p, b->data->n_classes, rounds, b->n_valid ? rounds : 0);
    if (!b->model || !(b->model->levels = mlk_levels_new(b->data)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rounds", rounds);
    b->model->loss = b->loss.kind;
    b->model->quantile = b->loss.quantile;
    return prepare_state(b);
}

mlk_status mlk_gbdt_fit(const mlk_data *data, const mlk_gbdt_opts *opts, const mlk_run *run,
                        mlk_gbdt **model)
{
    const mlk_gbdt_opts o = opts ? *opts : mlk_gbdt_opts_default();
    boosting b = {.data = data, .opts = &o, .run = run, .scratch = MLK_SCRATCH_INIT};
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, CAPS, MLK_NEED_TARGET, run));
    if (data->X.rows >> 27 || data->X.cols > MLK_NODE_COLUMN)
        return MLK_FAIL(MLK_EUNSUPPORTED,
                        "X is %zu x %zu; expected fewer than 2^27 rows and 2^28 "
                        "columns",
                        data->X.rows, data->X.cols);
    MLK_TRY(resolve_loss(data, &o, &b.loss));
    b.inner = mlk_run_inner(run);
    mlk_status st = prepare(&b);
    if (st == MLK_OK)
        st = boost(&b);
    if (st == MLK_OK) {
        share_importances(b.model);
        *model = b.model;
    } else {
        mlk_gbdt_free(b.model);
    }
    mlk_gbdt_grower_free(b.grower);
    mlk_gbdt_bins_free(b.bins);
    mlk_scratch_release(&b.scratch);
    return st;
}

/* ---------------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_gbdt *model;
    const mlk_status st = mlk_gbdt_fit(data, opts, run, &model);
    *state = model;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_gbdt_predict(state, X, run, out);
}

static mlk_status algo_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_gbdt_predict_proba(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_gbdt_decision(state, X, SIZE_MAX, run, out);
}

static size_t algo_n_decisions(const void *state) { return mlk_gbdt_n_scores(state); }

static void algo_free(void *state) { mlk_gbdt_free(state); }

const mlk_algo mlk_gbdt_algo = {
    .name = "gbdt",
    .help = "gradient-boosted trees on binned columns",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = CAPS,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_gbdt_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_proba,
    .decision = algo_decision,
    .n_decisions = algo_n_decisions,
    .save = mlk_gbdt_save,
    .load = mlk_gbdt_load,
    .learned = mlk_gbdt_learned,
    .info = mlk_gbdt_info,
    .codegen = mlk_gbdt_codegen,
    .free = algo_free,
};
