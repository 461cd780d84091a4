#include "bayes/naive_bayes.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "bayes/priors.h"
#include "core/fast.h"
#include "core/parallel.h"
#include "model/algo.h"

static const mlk_word variants[] = {{"auto", MLK_NAIVE_BAYES_AUTO},
                                    {"gaussian", MLK_NAIVE_BAYES_GAUSSIAN},
                                    {"multinomial", MLK_NAIVE_BAYES_MULTINOMIAL},
                                    {"bernoulli", MLK_NAIVE_BAYES_BERNOULLI},
                                    {"complement", MLK_NAIVE_BAYES_COMPLEMENT},
                                    {"categorical", MLK_NAIVE_BAYES_CATEGORICAL},
                                    {NULL, 0}};

static const double default_alpha = 1.0, default_smoothing = 1e-9;

static const mlk_opt opt_table[] = {
    MLK_OPT_WORD(mlk_naive_bayes_opts, variant, MLK_NAIVE_BAYES_AUTO, variants,
                 "distribution of the columns in a class"),
    MLK_OPT_REAL(mlk_naive_bayes_opts, alpha, default_alpha, 0.0, INFINITY, "added to each count"),
    MLK_OPT_REAL(mlk_naive_bayes_opts, var_smoothing, default_smoothing, 0.0, INFINITY,
                 "share of the largest variance added to all"),
    MLK_OPT_TEXT(mlk_naive_bayes_opts, priors, NULL,
                 "probabilities of the classes in their order, as 0.2+0.8"),
    MLK_OPT_END,
};

enum {
    CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL,
    MAX_LEVELS = 65536, /* of a numeric column that holds codes */
    WORK = 1 << 15      /* values of X a chunk */
};

mlk_naive_bayes_opts mlk_naive_bayes_opts_default(void)
{
    mlk_naive_bayes_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_status check_opts(const mlk_naive_bayes_opts *o)
{
    MLK_TRY(mlk_opts_check(opt_table, o));
    const bool gaussian = o->variant == MLK_NAIVE_BAYES_GAUSSIAN;
    const char *name = variants[o->variant].name;
    if (gaussian && o->alpha != default_alpha)
        return MLK_FAIL(MLK_EINVAL, "alpha = %g has no effect with variant = %s", o->alpha, name);
    if (!gaussian && o->variant != MLK_NAIVE_BAYES_AUTO && o->var_smoothing != default_smoothing)
        return MLK_FAIL(MLK_EINVAL, "var_smoothing = %g has no effect with variant = %s",
                        o->var_smoothing, name);
    if (o->variant == MLK_NAIVE_BAYES_COMPLEMENT && o->priors)
        return MLK_FAIL(MLK_EINVAL, "priors = %s has no effect with variant = %s", o->priors, name);
    return MLK_OK;
}

static column_kind kind_of(int variant, size_t levels)
{
    switch ((mlk_naive_bayes_variant)variant) {
    case MLK_NAIVE_BAYES_AUTO:
        return levels ? LEVELS : GAUSSIAN;
    case MLK_NAIVE_BAYES_GAUSSIAN:
        return GAUSSIAN;
    case MLK_NAIVE_BAYES_BERNOULLI:
        return BINARY;
    case MLK_NAIVE_BAYES_CATEGORICAL:
        return LEVELS;
    case MLK_NAIVE_BAYES_MULTINOMIAL:
    case MLK_NAIVE_BAYES_COMPLEMENT:
        break;
    }
    return COUNT;
}

/* Room for a model of these levels; each step is checked against overflow. */
static mlk_status model_new(int variant, size_t p, size_t k, const uint32_t *levels,
                            mlk_naive_bayes **model)
{
    mlk_naive_bayes *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->variant = variant;
    m->p = p;
    m->k = k;
    m->levels = mlk_scratch_take(&m->memory, p, sizeof *m->levels);
    m->kind = mlk_scratch_take(&m->memory, p, sizeof *m->kind);
    m->offset = mlk_scratch_take(&m->memory, p + 1, sizeof *m->offset);
    m->prior = mlk_scratch_take(&m->memory, k, sizeof *m->prior);
    size_t total = 0;
    for (size_t j = 0; !m->memory.failed && j < p; j++) {
        size_t count;
        m->levels[j] = levels[j];
        m->kind[j] = kind_of(variant, levels[j]);
        m->offset[j] = total;
        if (__builtin_mul_overflow(rows_of(m->kind[j], levels[j]), k, &count) ||
            __builtin_add_overflow(total, count, &total))
            m->memory.failed = true;
        m->offset[j + 1] = total;
    }
    if (!m->memory.failed) {
        m->par = mlk_scratch_take(&m->memory, total, sizeof *m->par);
        m->fast = mlk_scratch_take(&m->memory, total, sizeof *m->fast);
    }
    return m->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu parameters", p, k)
                            : MLK_OK;
}

void mlk_naive_bayes_free(mlk_naive_bayes *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

/* ---------------------------------------------------------------- the data */

/* The number of levels of each column for this variant, from the data where it holds codes. */
static mlk_status find_levels(const mlk_data *d, int variant, uint32_t *levels)
{
    char name[MLK_LABEL];
    for (size_t j = 0; j < d->X.cols; j++) {
        const size_t given = d->levels ? d->levels[j] : 0;
        const bool takes =
            variant == MLK_NAIVE_BAYES_AUTO || variant == MLK_NAIVE_BAYES_CATEGORICAL;
        levels[j] = 0;
        if (given && !takes)
            return MLK_FAIL(MLK_EINVAL,
                            "%s is categorical; variant = %s expects numbers: encode it (onehot)",
                            mlk_column_label(d, j, name, sizeof name), variants[variant].name);
        if (given > UINT32_MAX)
            return MLK_FAIL(MLK_EINVAL, "%s has %zu levels; expected at most %u",
                            mlk_column_label(d, j, name, sizeof name), given, UINT32_MAX);
        if (given)
            levels[j] = (uint32_t)given;
        if (given || variant != MLK_NAIVE_BAYES_CATEGORICAL)
            continue;
        levels[j] = 1; /* a column without any value has one level that never comes */
        for (size_t i = 0; i < d->X.rows; i++) {
            const double x = d->X.data[i * d->X.ld + j];
            if (!known(x))
                continue;
            if (!(x >= 0.0 && x < MAX_LEVELS && x == floor(x)))
                return MLK_FAIL(
                    MLK_EINVAL, "%s has %g in row %zu; variant = categorical expects a code 0..%d",
                    mlk_column_label(d, j, name, sizeof name), x, i + 1, MAX_LEVELS - 1);
            if (x >= levels[j])
                levels[j] = (uint32_t)x + 1;
        }
    }
    return MLK_OK;
}

static mlk_status check_counts(const mlk_data *d, int variant)
{
    char name[MLK_LABEL];
    for (size_t i = 0; i < d->X.rows; i++)
        for (size_t j = 0; j < d->X.cols; j++)
            if (d->X.data[i * d->X.ld + j] < 0.0)
                return MLK_FAIL(MLK_EINVAL,
                                "%s has %g in row %zu; variant = %s expects counts >= 0",
                                mlk_column_label(d, j, name, sizeof name),
                                d->X.data[i * d->X.ld + j], i + 1, variants[variant].name);
    return MLK_OK;
}

mlk_status mlk_naive_bayes_fit(const mlk_data *data, const mlk_naive_bayes_opts *opts,
                               const mlk_run *run, mlk_naive_bayes **model)
{
    const mlk_naive_bayes_opts o = opts ? *opts : mlk_naive_bayes_opts_default();
    *model = NULL;
    MLK_TRY(check_opts(&o));
    MLK_TRY(mlk_data_check(data, CAPS, MLK_NEED_CLASSES, run));
    if (kind_of(o.variant, 0) == COUNT)
        MLK_TRY(check_counts(data, o.variant));
    mlk_naive_bayes *m = NULL;
    uint32_t *levels = mlk_alloc(data->X.cols, sizeof *levels);
    mlk_status st = levels ? find_levels(data, o.variant, levels)
                           : MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", data->X.cols);
    if (st == MLK_OK)
        st = model_new(o.variant, data->X.cols, data->n_classes, levels, &m);
    if (st == MLK_OK)
        st = priors_find(data, o.priors, (mlk_vec){m->prior, m->k});
    if (st == MLK_OK)
        st = naive_bayes_learn(data, &o, run, m);
    mlk_free(levels);
    if (st == MLK_OK)
        *model = m;
    else
        mlk_naive_bayes_free(m);
    return st;
}

/* -------------------------------------------------------------- prediction */

/* (1) of one row. A value that is not known, or no level of the column, says nothing. */
static void joint(const mlk_naive_bayes *m, const double *row, double *out)
{
    const size_t k = m->k;
    const bool complement = m->variant == MLK_NAIVE_BAYES_COMPLEMENT;
    for (size_t c = 0; c < k; c++)
        out[c] = complement ? 0.0 : log(m->prior[c]);
    for (size_t j = 0; j < m->p; j++) {
        const double x = row[j], *par = m->par + m->offset[j], *fast = m->fast + m->offset[j];
        if (!known(x))
            continue;
        if (m->kind[j] == GAUSSIAN) {
            for (size_t c = 0; c < k; c++)
                out[c] += fast[k + c] + fast[c] * (x - par[c]) * (x - par[c]);
        } else if (m->kind[j] == COUNT) {
            for (size_t c = 0; c < k; c++)
                out[c] += x * par[c];
        } else if (m->kind[j] == BINARY || (x >= 0.0 && x < m->levels[j])) {
            const double *level = par + k * (m->kind[j] == BINARY ? x > 0.0 : (size_t)x);
            for (size_t c = 0; c < k; c++)
                out[c] += level[c];
        }
    }
}

/* What is asked for: one of the three outputs; predict needs room for a row a worker. */
typedef struct prediction {
    const mlk_naive_bayes *m;
    mlk_cmat X;
    mlk_mat out; /* joint log-likelihoods or probabilities */
    double *classes, *room;
    bool probabilities;
} prediction;

static mlk_status predict_rows(void *ctx, const mlk_chunk *chunk)
{
    const prediction *t = ctx;
    const size_t k = t->m->k;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        double *v = t->classes ? t->room + chunk->worker * k : t->out.data + i * t->out.ld;
        joint(t->m, t->X.data + i * t->X.ld, v);
        if (t->probabilities)
            priors_normalise(mlk_naive_bayes_priors(t->m), v);
        if (t->classes)
            t->classes[i] = (double)priors_best(v, k);
    }
    return MLK_OK;
}

static size_t predict_grain(const mlk_naive_bayes *m) { return mlk_grain(m->p * m->k, WORK); }

mlk_status mlk_naive_bayes_predict(const mlk_naive_bayes *m, mlk_cmat X, const mlk_run *run,
                                   mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->p, out.n));
    const size_t grain = predict_grain(m);
    double *room = mlk_alloc((size_t)mlk_workers(run, X.rows, grain) * m->k, sizeof *room);
    if (!room)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", m->k);
    prediction t = {.m = m, .X = X, .classes = out.data, .room = room};
    const mlk_status st = mlk_parallel_for(run, X.rows, grain, predict_rows, &t);
    mlk_free(room);
    return st;
}

mlk_status mlk_naive_bayes_predict_proba(const mlk_naive_bayes *m, mlk_cmat X, const mlk_run *run,
                                         mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, m->p, out.rows));
    prediction t = {.m = m, .X = X, .out = out, .probabilities = true};
    return mlk_parallel_for(run, X.rows, predict_grain(m), predict_rows, &t);
}

mlk_status mlk_naive_bayes_joint(const mlk_naive_bayes *m, mlk_cmat X, const mlk_run *run,
                                 mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, m->p, out.rows));
    prediction t = {.m = m, .X = X, .out = out};
    return mlk_parallel_for(run, X.rows, predict_grain(m), predict_rows, &t);
}

mlk_cvec mlk_naive_bayes_priors(const mlk_naive_bayes *m) { return (mlk_cvec){m->prior, m->k}; }

mlk_cmat mlk_naive_bayes_column(const mlk_naive_bayes *m, size_t j)
{
    return (mlk_cmat){m->par + m->offset[j], rows_of(m->kind[j], m->levels[j]), m->k, m->k};
}

/* -------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_naive_bayes *m;
    const mlk_status st = mlk_naive_bayes_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_naive_bayes_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_naive_bayes_predict_proba(state, X, run, out);
}

/* All K joint log-likelihoods; their difference for two classes. */
static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const mlk_naive_bayes *m = state;
    if (m->k > 2)
        return mlk_naive_bayes_joint(m, X, run, out);
    double *both = mlk_alloc(X.rows, 2 * sizeof *both);
    if (!both)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", X.rows);
    const mlk_status st = mlk_naive_bayes_joint(m, X, run, (mlk_mat){both, X.rows, 2, 2});
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
        out.data[i * out.ld] = both[2 * i + 1] - both[2 * i];
    mlk_free(both);
    return st;
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_naive_bayes *m = state;
    mlk_doc_put_text(to, "variant", variants[m->variant].name);
    mlk_doc_put_vec(to, "class_prior", mlk_naive_bayes_priors(m));
    mlk_doc_put_array(to, "levels", MLK_U32, m->levels, m->p, 0);
    mlk_doc_put_vec(to, "parameters", (mlk_cvec){m->par, n_par(m)});
}

/* Nothing larger than the file's own arrays is allocated: sizes are compared first. */
static mlk_status check_sizes(int variant, mlk_doc_array levels, size_t p, size_t k,
                              mlk_doc_array par)
{
    const uint32_t *l = levels.data;
    size_t rows = 0;
    if (levels.rows != p || levels.cols)
        return MLK_FAIL(MLK_EFORMAT, "'levels' has %zu values; expected %zu", levels.rows, p);
    for (size_t j = 0; j < p; j++) {
        const bool categorical = variant == MLK_NAIVE_BAYES_CATEGORICAL;
        if ((l[j] && kind_of(variant, l[j]) != LEVELS) || (!l[j] && categorical))
            return MLK_FAIL(MLK_EFORMAT, "'levels' has %u for column %zu of variant %s", l[j], j,
                            variants[variant].name);
        rows += rows_of(kind_of(variant, l[j]), l[j]);
        if (rows > par.rows)
            break;
    }
    if (par.cols || rows > par.rows / k || rows * k != par.rows)
        return MLK_FAIL(MLK_EFORMAT, "'parameters' has %zu values; expected %zu x %zu", par.rows,
                        rows, k);
    return MLK_OK;
}

static mlk_status load_values(const mlk_doc *from, mlk_cvec par, mlk_naive_bayes *m)
{
    MLK_TRY(priors_load(from, (mlk_vec){m->prior, m->k}));
    for (size_t i = 0; i < par.n; i++)
        m->par[i] = par.data[i];
    for (size_t j = 0; j < m->p; j++)
        for (size_t c = 0; m->kind[j] == GAUSSIAN && c < m->k; c++)
            if (!(m->par[m->offset[j] + m->k + c] >= DBL_MIN))
                return MLK_FAIL(MLK_EFORMAT, "column %zu has a variance that is not positive", j);
    naive_bayes_prepare(m);
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    const char *name;
    mlk_doc_array levels, shape;
    mlk_cvec par;
    int variant = 0;
    if (n_classes < 2)
        return MLK_FAIL(MLK_EFORMAT, "naive-bayes without classes");
    MLK_TRY(mlk_doc_get_text(from, "variant", &name));
    while (variants[variant].name && strcmp(variants[variant].name, name) != 0)
        variant++;
    if (!variants[variant].name)
        return MLK_FAIL(MLK_EFORMAT, "unknown variant '%s'", name);
    mlk_cvec prior; /* its size bounds what a number of classes makes us allocate */
    MLK_TRY(mlk_doc_get_vec(from, "class_prior", n_classes, &prior));
    MLK_TRY(mlk_doc_get_array(from, "levels", MLK_U32, &levels));
    MLK_TRY(mlk_doc_get_array(from, "parameters", MLK_F64, &shape));
    MLK_TRY(check_sizes(variant, levels, n_features, n_classes, shape));
    MLK_TRY(mlk_doc_get_vec(from, "parameters", shape.rows, &par));
    mlk_naive_bayes *m;
    mlk_status st = model_new(variant, n_features, n_classes, levels.data, &m);
    if (st == MLK_OK)
        st = load_values(from, par, m);
    if (st == MLK_OK)
        *state = m;
    else
        mlk_naive_bayes_free(m);
    return st;
}

/* Means and variances as scikit-learn names them (K x p; NaN for other columns), and the log
 * probabilities: K x p for counts and bernoulli (of 1), else a list of K x levels. */
static void learn_gaussian(const mlk_naive_bayes *m, size_t row, const char *key, mlk_doc *to)
{
    double *room = mlk_doc_put_room(to, key, MLK_F64, m->k, m->p);
    for (size_t c = 0; room && c < m->k; c++)
        for (size_t j = 0; j < m->p; j++)
            room[c * m->p + j] =
                m->kind[j] == GAUSSIAN ? m->par[m->offset[j] + row * m->k + c] : (double)NAN;
}

static void learn_levels(const mlk_naive_bayes *m, mlk_doc *to)
{
    mlk_doc *list = mlk_doc_put_list(to, "feature_log_prob");
    for (size_t j = 0; j < m->p; j++) {
        const size_t rows = m->levels[j];
        double *room = rows ? mlk_doc_put_room(list, NULL, MLK_F64, m->k, rows) : NULL;
        if (!rows)
            mlk_doc_put_null(list, NULL);
        for (size_t c = 0; room && c < m->k; c++)
            for (size_t l = 0; l < rows; l++)
                room[c * rows + l] = m->par[m->offset[j] + l * m->k + c];
    }
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_naive_bayes *m = state;
    bool gaussian = false, levels = false;
    for (size_t j = 0; j < m->p; j++) {
        gaussian |= m->kind[j] == GAUSSIAN;
        levels |= m->kind[j] == LEVELS;
    }
    mlk_doc_put_vec(to, "class_prior", mlk_naive_bayes_priors(m));
    if (gaussian) {
        learn_gaussian(m, 0, "theta", to);
        learn_gaussian(m, 1, "var", to);
    }
    if (levels)
        learn_levels(m, to);
    if (gaussian || levels)
        return;
    double *room = mlk_doc_put_room(to, "feature_log_prob", MLK_F64, m->k, m->p);
    for (size_t c = 0; room && c < m->k; c++)
        for (size_t j = 0; j < m->p; j++)
            room[c * m->p + j] = m->par[m->offset[j] + (m->kind[j] == BINARY ? m->k : 0) + c];
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    return naive_bayes_source(state, to);
}

static void algo_free(void *state) { mlk_naive_bayes_free(state); }

const mlk_algo mlk_naive_bayes_algo = {
    .name = "naive-bayes",
    .help = "naive Bayes classifier: gaussian, counts, categories, or a mixture",
    .tasks = MLK_CLASSIFICATION,
    .caps = CAPS,
    .prep = {.impute = "none", .encode = "native"},
    .opts_size = sizeof(mlk_naive_bayes_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .codegen = algo_codegen,
    .free = algo_free,
};
