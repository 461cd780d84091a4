#include <mlkit/model.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"

struct mlk_model {
    const mlk_algo *algo;
    void *opts;  /* a copy, with its own texts */
    void *state; /* the algorithm's */
    size_t n_features, n_classes;
};

mlk_fit_info mlk_fit_info_none(void) { return (mlk_fit_info){-1, -1, NAN, NAN, NAN}; }

/* --------------------------------------------------------- owned options */

static const char **text_field(const mlk_opt *o, void *opts)
{
    return (const char **)(void *)((char *)opts + o->offset);
}

static void opts_free(const mlk_algo *algo, void *opts)
{
    if (opts)
        for (const mlk_opt *o = algo->opts; o && o->name; o++)
            if (o->type == MLK_OPT_TYPE_TEXT) {
                const void *text = *text_field(o, opts);
                mlk_free((void *)(uintptr_t)text); /* ours: opts_clone() allocated it */
            }
    mlk_free(opts);
}

static size_t field_size(mlk_opt_type type)
{
    static const size_t size[] = {[MLK_OPT_TYPE_REAL] = sizeof(double),
                                  [MLK_OPT_TYPE_INT] = sizeof(int64_t),
                                  [MLK_OPT_TYPE_BOOL] = sizeof(bool),
                                  [MLK_OPT_TYPE_WORD] = sizeof(int)};
    return type < MLK_COUNT(size) ? size[type] : 0;
}

/* The options of the table; other fields, such as borrowed pointers, are not the model's to keep
 * and are zero in the copy. */
static void *opts_clone(const mlk_algo *algo, const void *opts)
{
    char *copy = mlk_alloc_zero(1, algo->opts_size);
    bool failed = !copy;
    for (const mlk_opt *o = algo->opts; !failed && o && o->name; o++) {
        if (o->type != MLK_OPT_TYPE_TEXT) {
            memcpy(copy + o->offset, (const char *)opts + o->offset, field_size(o->type));
            continue;
        }
        const char *text = *(const char *const *)(const void *)((const char *)opts + o->offset);
        if (text && !(*text_field(o, copy) = mlk_strdup(text)))
            failed = true;
    }
    if (!failed)
        return copy;
    opts_free(algo, copy);
    return NULL;
}

/* ------------------------------------------------------------------- fit */

static mlk_status check_task(const mlk_algo *algo, const mlk_data *data)
{
    const unsigned unsupervised = MLK_TRANSFORM | MLK_CLUSTERING | MLK_OUTLIER | MLK_RULES;
    if (data->n_classes && !(algo->tasks & (MLK_CLASSIFICATION | unsupervised)))
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s does not classify", algo->name);
    if (!data->n_classes && data->y.n && !(algo->tasks & (MLK_REGRESSION | unsupervised)))
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s does not predict numbers", algo->name);
    return MLK_OK;
}

/* Wrap a fitted state, which is taken over (and freed on failure). */
static mlk_status wrap(const mlk_algo *algo, const void *opts, void *state, size_t n_features,
                       size_t n_classes, mlk_model **model)
{
    mlk_model *m = mlk_alloc(1, sizeof *m);
    void *copy = opts_clone(algo, opts);
    if (!m || !copy) {
        mlk_free(m);
        opts_free(algo, copy);
        algo->free(state);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    }
    *m = (mlk_model){algo, copy, state, n_features, n_classes};
    *model = m;
    return MLK_OK;
}

mlk_status mlk_model_fit(const mlk_algo *algo, const void *opts, const mlk_data *data,
                         const mlk_run *run, mlk_model **model)
{
    *model = NULL;
    if (opts)
        return mlk_model_fit_many(algo, &opts, 1, data, run, model);

    void *defaults = mlk_alloc_zero(1, algo->opts_size);
    if (!defaults)
        return MLK_FAIL(MLK_ENOMEM, "no memory for options");
    mlk_opts_set_default(algo->opts, defaults);
    const void *const all[] = {defaults};
    const mlk_status st = mlk_model_fit_many(algo, all, 1, data, run, model);
    mlk_free(defaults);
    return st;
}

static mlk_status fit_states(const mlk_algo *algo, const void *const *opts, size_t n_opts,
                             const mlk_data *data, const mlk_run *run, void **states)
{
    if (n_opts > 1 && algo->fit_many)
        return algo->fit_many(data, opts, n_opts, run, states);
    for (size_t k = 0; k < n_opts; k++)
        MLK_TRY(algo->fit(data, opts[k], run, &states[k]));
    return MLK_OK;
}

mlk_status mlk_model_fit_many(const mlk_algo *algo, const void *const *opts, size_t n_opts,
                              const mlk_data *data, const mlk_run *run, mlk_model **models)
{
    for (size_t k = 0; k < n_opts; k++)
        models[k] = NULL;
    MLK_TRY(check_task(algo, data));
    void **states = mlk_alloc_zero(n_opts, sizeof *states);
    if (!states)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu models", n_opts);

    mlk_status st = fit_states(algo, opts, n_opts, data, run, states);
    size_t k = 0;
    for (; st == MLK_OK && k < n_opts; k++) {
        st = wrap(algo, opts[k], states[k], data->X.cols, data->n_classes, &models[k]);
        states[k] = NULL;
    }
    if (st != MLK_OK)
        for (k = 0; k < n_opts; k++) {
            if (states[k])
                algo->free(states[k]);
            mlk_model_free(models[k]);
            models[k] = NULL;
        }
    mlk_free(states);
    return st;
}

/* --------------------------------------------------------------- predict */

static mlk_status check_output(const mlk_model *m, bool available, const char *what, mlk_cmat X,
                               size_t in_cols, size_t rows, size_t cols, size_t expected_cols)
{
    if (!available)
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s has no %s", m->algo->name, what);
    if (X.cols != in_cols)
        return MLK_FAIL(MLK_EINVAL, "X has %zu columns; the model was fitted on %zu", X.cols,
                        in_cols);
    if (rows != X.rows || cols != expected_cols)
        return MLK_FAIL(MLK_EINVAL, "the output is %zu x %zu; expected %zu x %zu", rows, cols,
                        X.rows, expected_cols);
    return MLK_OK;
}

mlk_status mlk_model_predict(const mlk_model *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(check_output(m, m->algo->predict, "predictions", X, m->n_features, out.n, 1, 1));
    return m->algo->predict(m->state, X, run, out);
}

mlk_status mlk_model_predict_proba(const mlk_model *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const size_t k = mlk_model_n_probabilities(m);
    MLK_TRY(check_output(m, k, "class probabilities", X, m->n_features, out.rows, out.cols, k));
    return m->algo->predict_proba(m->state, X, run, out);
}

mlk_status mlk_model_decision(const mlk_model *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const size_t q = mlk_model_n_decisions(m);
    MLK_TRY(check_output(m, q, "decision values", X, m->n_features, out.rows, out.cols, q));
    return m->algo->decision(m->state, X, run, out);
}

mlk_status mlk_model_transform(const mlk_model *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(check_output(m, m->algo->transform, "transform of new rows", X, m->n_features, out.rows,
                         out.cols, mlk_model_n_components(m)));
    return m->algo->transform(m->state, X, run, out);
}

mlk_status mlk_model_inverse_transform(const mlk_model *m, mlk_cmat Z, const mlk_run *run,
                                       mlk_mat out)
{
    MLK_TRY(check_output(m, m->algo->inverse_transform, "inverse transform", Z,
                         mlk_model_n_components(m), out.rows, out.cols, m->n_features));
    return m->algo->inverse_transform(m->state, Z, run, out);
}

/* ------------------------------------------------------------- accessors */

const mlk_algo *mlk_model_algo(const mlk_model *m) { return m->algo; }
const void *mlk_model_opts(const mlk_model *m) { return m->opts; }
const void *mlk_model_state(const mlk_model *m) { return m->state; }
size_t mlk_model_n_features(const mlk_model *m) { return m->n_features; }
size_t mlk_model_n_classes(const mlk_model *m) { return m->n_classes; }

size_t mlk_model_n_probabilities(const mlk_model *m)
{
    if (!m->algo->predict_proba)
        return 0;
    return m->algo->n_probabilities ? m->algo->n_probabilities(m->state) : m->n_classes;
}

size_t mlk_model_n_decisions(const mlk_model *m)
{
    if (!m->algo->decision)
        return 0;
    if (m->algo->n_decisions)
        return m->algo->n_decisions(m->state);
    return (m->algo->tasks & MLK_CLASSIFICATION) && m->n_classes > 2 ? m->n_classes : 1;
}

size_t mlk_model_n_components(const mlk_model *m)
{
    return m->algo->n_components ? m->algo->n_components(m->state) : 0;
}

mlk_fit_info mlk_model_info(const mlk_model *m)
{
    return m->algo->info ? m->algo->info(m->state) : mlk_fit_info_none();
}

void mlk_model_learned(const mlk_model *m, mlk_doc *to)
{
    if (m->algo->learned)
        m->algo->learned(m->state, to);
}

mlk_status mlk_model_codegen(const mlk_model *m, mlk_codegen *to)
{
    if (!m->algo->codegen)
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s cannot be written as C", m->algo->name);
    return m->algo->codegen(m->state, to);
}

/* --------------------------------------------------------- save and load */

void mlk_model_save(const mlk_model *m, mlk_doc *to)
{
    mlk_doc_put_text(to, "algorithm", m->algo->name);
    mlk_doc_put_int(to, "n_features", (int64_t)m->n_features);
    mlk_doc_put_int(to, "n_classes", (int64_t)m->n_classes);
    mlk_opts_save(m->algo->opts, m->opts, mlk_doc_put_map(to, "params"));
    m->algo->save(m->state, mlk_doc_put_map(to, "state"));
}

static mlk_status load_with(const mlk_algo *algo, const mlk_doc *from, void *opts,
                            mlk_model **model)
{
    const mlk_doc *params, *saved;
    size_t n_features, n_classes;
    void *state = NULL;
    MLK_TRY(mlk_doc_get_size(from, "n_features", 1, UINT32_MAX, &n_features));
    MLK_TRY(mlk_doc_get_size(from, "n_classes", 0, UINT32_MAX, &n_classes));
    if (n_classes == 1)
        return MLK_FAIL(MLK_EFORMAT, "'n_classes' = 1; expected 0 or at least 2");
    MLK_TRY(mlk_doc_get_map(from, "params", &params));
    MLK_TRY(mlk_doc_get_map(from, "state", &saved));
    MLK_TRY(mlk_opts_load(algo->opts, params, opts));
    MLK_TRY(algo->load(saved, n_features, n_classes, &state));
    return wrap(algo, opts, state, n_features, n_classes, model);
}

mlk_status mlk_model_load(const mlk_doc *from, mlk_model **model)
{
    const char *name;
    *model = NULL;
    MLK_TRY(mlk_doc_get_text(from, "algorithm", &name));
    const mlk_algo *algo = mlk_algo_find(name);
    if (!algo)
        return MLK_FAIL(MLK_EFORMAT, "unknown model '%s'", name);
    void *opts = mlk_alloc_zero(1, algo->opts_size);
    if (!opts)
        return MLK_FAIL(MLK_ENOMEM, "no memory for options");
    const mlk_status st = load_with(algo, from, opts, model);
    mlk_free(opts);
    return st;
}

void mlk_model_free(mlk_model *m)
{
    if (!m)
        return;
    if (m->state)
        m->algo->free(m->state);
    opts_free(m->algo, m->opts);
    mlk_free(m);
}
