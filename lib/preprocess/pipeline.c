#include <mlkit/preprocess/pipeline.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "model/algo.h"
#include "preprocess/columns.h"
#include "preprocess/prepare.h"
#include "preprocess/steps.h"

enum { BLOCK_WORK = 1 << 22 /* design elements held at a time in prediction */ };

static const mlk_opt opt_table[] = {
    MLK_OPT_TEXT(mlk_pipeline_opts, impute, NULL,
                 "missing values: mean | median | mode | drop | none"),
    MLK_OPT_TEXT(mlk_pipeline_opts, encode, NULL, "categories: onehot | dummy | ordinal | native"),
    MLK_OPT_TEXT(mlk_pipeline_opts, scale, NULL, "numbers: none | standard | minmax | robust"),
    MLK_OPT_INT(mlk_pipeline_opts, poly, 1, 1, MLK_STEPS_MAX_DEGREE, "degree of the monomials"),
    MLK_OPT_END,
};

typedef struct pipeline {
    mlk_steps *steps;
    mlk_model *inner;
} pipeline;

mlk_pipeline_opts mlk_pipeline_opts_default(const mlk_algo *algo)
{
    return (mlk_pipeline_opts){.poly = 1, .algo = algo};
}

/* -------------------------------------------------------------------- fit */

static void algo_free(void *state)
{
    pipeline *s = state;
    if (!s)
        return;
    mlk_model_free(s->inner);
    mlk_steps_release(s->steps);
    mlk_free(s);
}

/* Options of the last step for each pipeline; defaults where none are given, from scratch. */
static mlk_status inner_opts(const mlk_algo *algo, const void *const *opts, size_t n,
                             mlk_scratch *scratch, const void **inner)
{
    for (size_t k = 0; k < n; k++) {
        inner[k] = ((const mlk_pipeline_opts *)opts[k])->algo_opts;
        if (inner[k])
            continue;
        void *defaults = mlk_scratch_take(scratch, 1, algo->opts_size);
        if (!defaults)
            return MLK_FAIL(MLK_ENOMEM, "no memory for options");
        memset(defaults, 0, algo->opts_size);
        mlk_opts_set_default(algo->opts, defaults);
        inner[k] = defaults;
    }
    return MLK_OK;
}

static mlk_status fit_prepared(const mlk_prepared *p, const void *const *opts, size_t n,
                               const mlk_run *run, void **states)
{
    const mlk_algo *algo = ((const mlk_pipeline_opts *)opts[0])->algo;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const void **inner = mlk_scratch_take(&scratch, n, sizeof *inner);
    mlk_model **models = mlk_scratch_take(&scratch, n, sizeof *models);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu pipelines", n)
                                   : inner_opts(algo, opts, n, &scratch, inner);
    if (st == MLK_OK)
        st = mlk_model_fit_many(algo, inner, n, &p->data, run, models);
    for (size_t k = 0; st == MLK_OK && k < n; k++) {
        pipeline *fit = mlk_alloc(1, sizeof *fit);
        if (!fit) {
            st = MLK_FAIL(MLK_ENOMEM, "no memory for a pipeline");
            for (size_t i = k; i < n; i++)
                mlk_model_free(models[i]);
            break;
        }
        mlk_steps_hold(p->steps);
        *fit = (pipeline){p->steps, models[k]};
        states[k] = fit;
    }
    mlk_scratch_release(&scratch);
    return st;
}

static bool same_word(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_steps(const mlk_pipeline_opts *a, const mlk_pipeline_opts *b)
{
    return a->algo == b->algo && a->poly == b->poly && same_word(a->impute, b->impute) &&
           same_word(a->encode, b->encode) && same_word(a->scale, b->scale);
}

/* Neighbours of the same preprocessing share it, and their last step's work. */
static mlk_status algo_fit_many(const mlk_data *data, const void *const *opts, size_t n,
                                const mlk_run *run, void **states)
{
    mlk_status st = MLK_OK;
    for (size_t k = 0, m; st == MLK_OK && k < n; k += m) {
        mlk_prepared p;
        for (m = 1; k + m < n && same_steps(opts[k], opts[k + m]);)
            m++;
        st = mlk_prepare(data, opts[k], run, &p);
        if (st == MLK_OK)
            st = fit_prepared(&p, opts + k, m, run, states + k);
        mlk_prepared_release(&p);
    }
    for (size_t k = 0; st != MLK_OK && k < n; k++) {
        algo_free(states[k]);
        states[k] = NULL;
    }
    return st;
}

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    *state = NULL;
    return algo_fit_many(data, &opts, 1, run, state);
}

/* Leaving a row out changes nothing that these steps learned. */
static bool learns_nothing(const mlk_data *d, const mlk_prepared *p, const mlk_run *run)
{
    const mlk_steps *s = p->steps;
    size_t i, j;
    return !s->scaler && mlk_encoder_is_identity(s->encoder) &&
           (s->degree > 1 || p->data.X.data == d->X.data) && !mlk_find_nonfinite(d->X, run, &i, &j);
}

static mlk_status loo_prepared(const mlk_data *d, const mlk_prepared *p, const void *const *opts,
                               size_t n, const mlk_run *run, mlk_mat out)
{
    const mlk_algo *algo = ((const mlk_pipeline_opts *)opts[0])->algo;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    if (!algo->loo || !learns_nothing(d, p, run))
        return MLK_FAIL(MLK_EUNSUPPORTED, "no exact leave-one-out for this pipeline");
    const void **inner = mlk_scratch_take(&scratch, n, sizeof *inner);
    mlk_status st = inner ? inner_opts(algo, opts, n, &scratch, inner)
                          : MLK_FAIL(MLK_ENOMEM, "no memory for options");
    if (st == MLK_OK)
        st = algo->loo(&p->data, inner, n, run, out);
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status algo_loo(const mlk_data *data, const void *const *opts, size_t n,
                           const mlk_run *run, mlk_mat out)
{
    mlk_prepared p;
    for (size_t k = 1; k < n; k++)
        if (!same_steps(opts[0], opts[k]))
            return MLK_FAIL(MLK_EUNSUPPORTED, "no exact leave-one-out over unlike pipelines");
    mlk_status st = mlk_prepare(data, opts[0], run, &p);
    if (st == MLK_OK)
        st = loo_prepared(data, &p, opts, n, run, out);
    mlk_prepared_release(&p);
    return st;
}

static mlk_status algo_path(const mlk_data *data, const void *opts, const char *name,
                            const mlk_run *run, size_t cap, double *values, size_t *n)
{
    const mlk_pipeline_opts *o = opts;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const void *inner;
    mlk_prepared p;
    mlk_status st = mlk_prepare(data, o, run, &p);
    if (st == MLK_OK && !o->algo->path)
        st = MLK_FAIL(MLK_EUNSUPPORTED, "%s has no path", o->algo->name);
    if (st == MLK_OK)
        st = inner_opts(o->algo, &opts, 1, &scratch, &inner);
    if (st == MLK_OK)
        st = o->algo->path(&p.data, inner, name, run, cap, values, n);
    mlk_scratch_release(&scratch);
    mlk_prepared_release(&p);
    return st;
}

/* ---------------------------------------------------------------- outputs */

typedef mlk_status (*emitter)(const mlk_model *inner, mlk_cmat D, const mlk_run *run, mlk_mat out);

/* Rows of D without NaN go through `emit`; the others become NaN. Adds their number to *skipped. */
static mlk_status emit_complete(const mlk_model *inner, mlk_cmat D, const mlk_run *run,
                                emitter emit, mlk_mat out, size_t *skipped)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *rows = mlk_scratch_take(&scratch, D.rows, sizeof *rows);
    const mlk_mat part = mlk_scratch_mat(&scratch, D.rows, D.cols);
    const mlk_mat got = mlk_scratch_mat(&scratch, D.rows, out.cols);
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", D.rows);
    }
    const size_t n = mlk_complete_rows(D, rows);
    *skipped += D.rows - n;
    for (size_t k = 0; k < n; k++)
        memcpy(part.data + k * part.ld, D.data + rows[k] * D.ld, D.cols * sizeof(double));
    if (n)
        st = emit(inner, mlk_mat_c(mlk_mat_rows(part, 0, n)), run, mlk_mat_rows(got, 0, n));
    for (size_t i = 0; i < out.rows; i++)
        for (size_t c = 0; c < out.cols; c++)
            out.data[i * out.ld + c] = (double)NAN;
    for (size_t k = 0; k < n; k++)
        memcpy(out.data + rows[k] * out.ld, got.data + k * got.ld, out.cols * sizeof(double));
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status emit_block(const mlk_model *inner, mlk_cmat D, const mlk_run *run, emitter emit,
                             mlk_mat out, size_t *skipped)
{
    size_t i, j;
    if ((mlk_model_algo(inner)->caps & MLK_CAP_MISSING) || !mlk_find_nonfinite(D, run, &i, &j))
        return emit(inner, D, run, out);
    return emit_complete(inner, D, run, emit, out, skipped);
}

/* The design of X, block after block, through `emit`. */
static mlk_status emit_designs(const pipeline *s, mlk_cmat X, const mlk_run *run, emitter emit,
                               mlk_mat out, size_t *skipped)
{
    const mlk_run inner = mlk_run_inner(run);
    const size_t fit = mlk_grain(s->steps->columns, BLOCK_WORK);
    const size_t block = fit < X.rows ? fit : X.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat D = mlk_scratch_mat(&scratch, block, s->steps->columns);
    mlk_status st =
        scratch.failed
            ? MLK_FAIL(MLK_ENOMEM, "no memory for a design of %zu x %zu values", D.rows, D.cols)
            : MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < X.rows; i += block) {
        const size_t end = X.rows - i < block ? X.rows : i + block;
        const mlk_mat part = mlk_mat_rows(D, 0, end - i);
        st = mlk_run_poll(run, (double)i / (double)X.rows);
        if (st == MLK_OK)
            st = mlk_steps_design(s->steps, mlk_cmat_rows(X, i, end), NULL, run, part);
        if (st == MLK_OK)
            st = emit_block(s->inner, mlk_mat_c(part), &inner, emit, mlk_mat_rows(out, i, end),
                            skipped);
    }
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status emit_all(const pipeline *s, mlk_cmat X, const mlk_run *run, emitter emit,
                           mlk_mat out)
{
    size_t skipped = 0, i, j;
    if (mlk_steps_hand_on(s->steps) && (!s->steps->imputer || !mlk_find_nonfinite(X, run, &i, &j)))
        MLK_TRY(emit_block(s->inner, X, run, emit, out, &skipped));
    else
        MLK_TRY(emit_designs(s, X, run, emit, out, &skipped));
    if (skipped)
        mlk_run_warn(run, "%zu of %zu rows have missing values and get no prediction", skipped,
                     X.rows);
    return MLK_OK;
}

static mlk_status emit_predict(const mlk_model *m, mlk_cmat D, const mlk_run *run, mlk_mat out)
{
    return mlk_model_predict(m, D, run, (mlk_vec){out.data, out.rows});
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return emit_all(state, X, run, emit_predict, (mlk_mat){out.data, out.n, 1, 1});
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return emit_all(state, X, run, mlk_model_predict_proba, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return emit_all(state, X, run, mlk_model_decision, out);
}

static mlk_status algo_transform(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return emit_all(state, X, run, mlk_model_transform, out);
}

static mlk_status algo_inverse_transform(const void *state, mlk_cmat Z, const mlk_run *run,
                                         mlk_mat out)
{
    const pipeline *s = state;
    const mlk_scaler *scaler = s->steps->scaler;
    if (!mlk_encoder_is_identity(s->steps->encoder) || s->steps->degree > 1)
        return MLK_FAIL(MLK_EUNSUPPORTED,
                        "encoded or multiplied columns have no inverse transform");
    MLK_TRY(mlk_model_inverse_transform(s->inner, Z, run, out));
    for (size_t i = 0; scaler && i < out.rows; i++)
        for (size_t j = 0; j < out.cols; j++) {
            double *v = &out.data[i * out.ld + j];
            *v = *v * scaler->spread[j] + scaler->centre[j];
        }
    return MLK_OK;
}

/* As many as there are classes where the last step has none: it says so itself. */
static size_t algo_n_probabilities(const void *state)
{
    const mlk_model *inner = ((const pipeline *)state)->inner;
    const size_t k = mlk_model_n_probabilities(inner);
    return k ? k : mlk_model_n_classes(inner);
}

static size_t algo_n_decisions(const void *state)
{
    return mlk_model_n_decisions(((const pipeline *)state)->inner);
}

static size_t algo_n_components(const void *state)
{
    return mlk_model_n_components(((const pipeline *)state)->inner);
}

static void algo_learned(const void *state, mlk_doc *to)
{
    mlk_model_learned(((const pipeline *)state)->inner, to);
}

static mlk_fit_info algo_info(const void *state)
{
    return mlk_model_info(((const pipeline *)state)->inner);
}

/* ---------------------------------------------------------- save and load */

static void algo_save(const void *state, mlk_doc *to)
{
    const pipeline *s = state;
    mlk_steps_save(s->steps, to);
    mlk_model_save(s->inner, mlk_doc_put_map(to, "model"));
}

static mlk_status load_inner(const mlk_doc *from, size_t columns, size_t n_classes,
                             mlk_model **inner)
{
    const mlk_doc *saved;
    const char *name;
    MLK_TRY(mlk_doc_get_map(from, "model", &saved));
    MLK_TRY(mlk_doc_get_text(saved, "algorithm", &name));
    if (strcmp(name, mlk_pipeline_algo.name) == 0)
        return MLK_FAIL(MLK_EFORMAT, "a pipeline holds another pipeline");
    MLK_TRY(mlk_model_load(saved, inner));
    if (mlk_model_n_features(*inner) != columns || mlk_model_n_classes(*inner) != n_classes)
        return MLK_FAIL(MLK_EFORMAT,
                        "the model has %zu features and %zu classes; expected %zu "
                        "and %zu",
                        mlk_model_n_features(*inner), mlk_model_n_classes(*inner), columns,
                        n_classes);
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    pipeline *s = mlk_alloc_zero(1, sizeof *s);
    if (!s || !(s->steps = mlk_steps_new(n_features))) {
        mlk_free(s);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a pipeline");
    }
    mlk_status st = mlk_steps_load(from, s->steps);
    if (st == MLK_OK)
        st = load_inner(from, s->steps->columns, n_classes, &s->inner);
    if (st == MLK_OK)
        *state = s;
    else
        algo_free(s);
    return st;
}

/* -------------------------------------------------------------- accessors */

const mlk_steps *mlk_pipeline_steps(const mlk_model *m)
{
    return ((const pipeline *)mlk_model_state(m))->steps;
}

const mlk_model *mlk_pipeline_inner(const mlk_model *m)
{
    return ((const pipeline *)mlk_model_state(m))->inner;
}

size_t mlk_pipeline_n_columns(const mlk_model *m) { return mlk_pipeline_steps(m)->columns; }

mlk_status mlk_pipeline_design(const mlk_model *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const mlk_steps *s = mlk_pipeline_steps(m);
    MLK_TRY(mlk_predict_check(X, s->p, out.rows));
    if (out.cols != s->columns)
        return MLK_FAIL(MLK_EINVAL, "the design has %zu columns but the output has %zu", s->columns,
                        out.cols);
    return mlk_steps_design(s, X, NULL, run, out);
}

void mlk_pipeline_columns(const mlk_model *m, const char *const *feature_names,
                          const char *const *const *level_names, mlk_doc *list)
{
    mlk_steps_columns(mlk_pipeline_steps(m), feature_names, level_names, list);
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const pipeline *p = state;
    return mlk_steps_codegen(p->steps, p->inner, to);
}

const mlk_algo mlk_pipeline_algo = {
    .name = "pipeline",
    .help = "impute, encode, expand and scale, then another algorithm",
    .tasks = MLK_REGRESSION | MLK_CLASSIFICATION | MLK_TRANSFORM | MLK_CLUSTERING | MLK_OUTLIER,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL,
    .opts_size = sizeof(mlk_pipeline_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .fit_many = algo_fit_many,
    .loo = algo_loo,
    .path = algo_path,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .n_probabilities = algo_n_probabilities,
    .decision = algo_decision,
    .n_decisions = algo_n_decisions,
    .transform = algo_transform,
    .inverse_transform = algo_inverse_transform,
    .n_components = algo_n_components,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .codegen = algo_codegen,
    .free = algo_free,
};
