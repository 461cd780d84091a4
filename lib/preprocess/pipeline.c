#include "preprocess/pipeline.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/strbuf.h"
#include "model/algo.h"
#include "preprocess/columns.h"

enum {
    ROW_WORK = 1 << 14,   /* design elements a parallel chunk */
    BLOCK_WORK = 1 << 22, /* design elements held at a time in prediction */
    MAX_DEGREE = 16,
    NAMES_SHOWN = 5 /* of columns in a warning */
};

static const mlk_opt opt_table[] = {
    MLK_OPT_TEXT(mlk_pipeline_opts, impute, NULL,
                 "missing values: mean | median | mode | drop | none"),
    MLK_OPT_TEXT(mlk_pipeline_opts, encode, NULL, "categories: onehot | dummy | ordinal | native"),
    MLK_OPT_TEXT(mlk_pipeline_opts, scale, NULL, "numbers: none | standard | minmax | robust"),
    MLK_OPT_INT(mlk_pipeline_opts, poly, 1, 1, MAX_DEGREE, "degree of the monomials"),
    MLK_OPT_END,
};

/* In the order of the enums. */
static const char *const impute_words[] = {"mean", "median", "mode", "drop", "none", NULL};
static const char *const encode_words[] = {"onehot", "dummy", "ordinal", "native", NULL};
static const char *const scale_words[] = {"none", "standard", "minmax", "robust", NULL};

typedef struct pipeline {
    mlk_steps *steps;
    mlk_model *inner;
} pipeline;

mlk_pipeline_opts mlk_pipeline_opts_default(const mlk_algo *algo)
{
    return (mlk_pipeline_opts){.poly = 1, .algo = algo};
}

/* ------------------------------------------------------------------ words */

/* Index of the word that the user, else the algorithm, else this pipeline prefers. */
static mlk_status choose(const char *option, const char *const *words, const char *given,
                         const char *preferred, const char *standard, size_t *index)
{
    const char *word = given ? given : preferred ? preferred : standard;
    char all[128] = "";
    for (*index = 0; words[*index]; ++*index) {
        if (strcmp(words[*index], word) == 0)
            return MLK_OK;
        const size_t at = strlen(all);
        snprintf(all + at, sizeof all - at, "%s%s", at ? " | " : "", words[*index]);
    }
    return MLK_FAIL(MLK_EINVAL, "%s = '%s' is not valid; expected %s", option, word, all);
}

static mlk_status choose_all(const mlk_pipeline_opts *o, mlk_steps *s)
{
    size_t impute, encode, scale;
    MLK_TRY(mlk_opts_check(opt_table, o));
    if (!o->algo || o->algo == &mlk_pipeline_algo)
        return MLK_FAIL(MLK_EINVAL, "a pipeline needs an algorithm for its last step");
    const mlk_prep_defaults *prep = &o->algo->prep;
    MLK_TRY(choose("impute", impute_words, o->impute, prep->impute, "median", &impute));
    MLK_TRY(choose("encode", encode_words, o->encode, prep->encode, "onehot", &encode));
    MLK_TRY(choose("scale", scale_words, o->scale, prep->scale, "none", &scale));
    s->impute = (mlk_impute)impute;
    s->encode = (mlk_encode)encode;
    s->scale = (mlk_scale)scale;
    s->degree = (size_t)o->poly;
    if (s->encode == MLK_ENCODE_NATIVE && !(o->algo->caps & MLK_CAP_CATEGORICAL))
        return MLK_FAIL(MLK_EINVAL,
                        "encode = native, but %s takes no categories; expected onehot, dummy or "
                        "ordinal",
                        o->algo->name);
    return MLK_OK;
}

/* ------------------------------------------------------- a row's way through */

static bool encoder_is_identity(const mlk_encoder *e)
{
    return !e->categorical || e->kind == MLK_ENCODE_NATIVE;
}

/* raw: p places of scratch. */
static void design_row(const mlk_steps *s, const double *x, double *raw, double *out)
{
    if (encoder_is_identity(s->encoder))
        raw = out; /* the columns stay where they are */
    memcpy(raw, x, s->p * sizeof *raw);
    if (s->encoder->categorical && s->encode == MLK_ENCODE_ORDINAL)
        for (size_t j = 0; j < s->p; j++)
            if (!mlk_encoder_knows(s->encoder, j, raw[j]))
                raw[j] = (double)NAN;
    if (s->imputer)
        mlk_imputer_row(s->imputer, raw);
    mlk_encoder_row(s->encoder, raw, out);
    mlk_polynomial_row(s->encoder->columns, s->degree, out);
    if (s->scaler)
        mlk_scaler_row(s->scaler, out);
}

typedef struct fill {
    const mlk_steps *steps;
    mlk_cmat X;
    const size_t *rows; /* of X, one per row of out; NULL: in turn */
    double *scratch;
    mlk_mat out;
} fill;

static mlk_status fill_rows(void *ctx, const mlk_chunk *chunk)
{
    const fill *f = ctx;
    double *raw = f->scratch + chunk->worker * f->steps->p;
    for (size_t k = chunk->begin; k < chunk->end; k++) {
        const size_t i = f->rows ? f->rows[k] : k;
        design_row(f->steps, f->X.data + i * f->X.ld, raw, f->out.data + k * f->out.ld);
    }
    return MLK_OK;
}

static mlk_status fill_design(const mlk_steps *s, mlk_cmat X, const size_t *rows,
                              const mlk_run *run, mlk_mat out)
{
    const mlk_run inner = mlk_run_inner(run);
    const size_t grain = mlk_grain(s->p + s->columns, ROW_WORK);
    double *scratch = mlk_alloc(mlk_workers(&inner, out.rows, grain), s->p * sizeof *scratch);
    if (!scratch)
        return MLK_FAIL(MLK_ENOMEM, "no memory for rows of %zu columns", s->p);
    fill f = {s, X, rows, scratch, out};
    const mlk_status st = mlk_parallel_for(&inner, out.rows, grain, fill_rows, &f);
    mlk_free(scratch);
    return st;
}

/* Rows reach the last step as they are. */
static bool hands_on(const mlk_steps *s)
{
    return encoder_is_identity(s->encoder) && s->degree == 1 && !s->scaler;
}

/* --------------------------------------------------------------- learning */

/* A raw column in a message. */
static const char *label(const char *const *names, size_t j, char *buf, size_t size)
{
    return mlk_column_label(&(mlk_data){.names = names}, j, buf, size);
}

static mlk_status check_shapes(const mlk_data *d)
{
    if (d->X.rows == 0 || d->X.cols == 0)
        return MLK_FAIL(MLK_EINVAL, "X is %zu x %zu; expected at least one row and column",
                        d->X.rows, d->X.cols);
    if (d->X.ld < d->X.cols)
        return MLK_FAIL(MLK_EINVAL, "X has ld %zu; expected at least its %zu columns", d->X.ld,
                        d->X.cols);
    if (d->y.n && d->y.n != d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", d->X.rows, d->y.n);
    if (d->w.n && d->w.n != d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but w has %zu values", d->X.rows, d->w.n);
    return MLK_OK;
}

/* Infinite values anywhere, and missing ones where nobody takes them. */
static mlk_status check_values(const mlk_data *d, const mlk_column_stats *stats, bool no_missing,
                               const mlk_pipeline_opts *o)
{
    char name[256];
    for (size_t j = 0; j < d->X.cols; j++) {
        const mlk_column_stats *s = &stats[j];
        if (s->count && !(s->min > -INFINITY && s->max < INFINITY))
            for (size_t i = 0; i < d->X.rows; i++)
                if (isinf(d->X.data[i * d->X.ld + j]))
                    return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j,
                                    d->X.data[i * d->X.ld + j]);
        if (no_missing && s->count < d->X.rows)
            return MLK_FAIL(MLK_EINVAL,
                            "%s has %zu missing values and %s takes none; expected impute = mean, "
                            "median, mode or drop",
                            label(o->names, j, name, sizeof name), d->X.rows - s->count,
                            o->algo->name);
    }
    return MLK_OK;
}

/* One line for all columns of which `empty` (no value at all) or constancy is true. */
static void warn_columns(const mlk_run *run, const mlk_column_stats *stats, size_t p, bool empty,
                         const mlk_pipeline_opts *o)
{
    size_t n = 0;
    mlk_strbuf list = MLK_STRBUF_INIT;
    for (size_t j = 0; j < p; j++) {
        if (empty ? stats[j].count > 0 : stats[j].count == 0 || stats[j].min < stats[j].max)
            continue;
        if (n++ >= NAMES_SHOWN)
            continue;
        char name[256];
        mlk_strbuf_printf(&list, "%s%s", n > 1 ? ", " : "", label(o->names, j, name, sizeof name));
    }
    if (n > NAMES_SHOWN)
        mlk_strbuf_printf(&list, " and %zu more", n - NAMES_SHOWN);
    if (n && list.text)
        mlk_run_warn(run, "%s in the training rows: %s",
                     empty ? "without any value" : "constant, so of no use to the model,",
                     list.text);
    mlk_strbuf_free(&list);
}

/* Rows without a missing value into rows; their number. */
static size_t complete_rows(mlk_cmat X, size_t *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < X.rows; i++) {
        bool complete = true;
        for (size_t j = 0; j < X.cols; j++)
            complete &= !isnan(X.data[i * X.ld + j]);
        rows[n] = i;
        n += complete;
    }
    return n;
}

/* Which design columns the scaler leaves alone: indicators, their products, and native codes. */
static void mark_left_alone(const mlk_steps *s, double *leave)
{
    for (size_t j = 0; j < s->encoder->columns; j++)
        leave[j] = s->encode == MLK_ENCODE_NATIVE ? s->encoder->levels[j] > 0
                                                  : mlk_encoder_is_indicator(s->encoder, j);
    mlk_polynomial_row(s->encoder->columns, s->degree, leave); /* 1 only where all factors are */
}

static mlk_status count_columns(mlk_steps *s)
{
    const size_t encoded = s->encoder->columns;
    if (encoded == 0)
        return MLK_FAIL(MLK_EINVAL, "no column is left after encoding");
    if (s->degree > 1 && s->encode == MLK_ENCODE_NATIVE && s->encoder->categorical)
        return MLK_FAIL(MLK_EINVAL,
                        "poly = %zu multiplies numbers, but encode = native hands on "
                        "level codes; expected another encoding",
                        s->degree);
    s->columns = mlk_polynomial_terms(encoded, s->degree);
    if (s->columns <= MLK_PIPELINE_MAX_COLUMNS)
        return MLK_OK;
    if (s->degree == 1)
        return MLK_FAIL(MLK_EINVAL, "the design has %zu columns; expected at most %zu", s->columns,
                        MLK_PIPELINE_MAX_COLUMNS);
    return MLK_FAIL(MLK_EINVAL,
                    "monomials up to degree %zu of %zu columns are too many; expected at most %zu",
                    s->degree, encoded, MLK_PIPELINE_MAX_COLUMNS);
}

/* What the last step is fitted on, with the steps that made it. */
typedef struct prepared {
    mlk_data data;
    mlk_steps *steps;
    mlk_scratch memory; /* behind data */
    size_t *rows;       /* of the given data, when some are dropped; else NULL */
} prepared;

static void steps_release(mlk_steps *s)
{
    if (!s || atomic_fetch_sub(&s->holders, 1) > 1)
        return;
    mlk_free(s->imputer);
    mlk_encoder_free(s->encoder);
    mlk_scaler_free(s->scaler);
    mlk_free(s);
}

static void prepared_release(prepared *p)
{
    mlk_scratch_release(&p->memory);
    steps_release(p->steps);
}

/* Leave rows with missing values out of y and w; X follows with the design. */
static mlk_status drop_rows(const mlk_data *d, const mlk_run *run, prepared *p)
{
    p->rows = mlk_scratch_take(&p->memory, d->X.rows, sizeof *p->rows);
    const mlk_vec y = mlk_scratch_vec(&p->memory, d->y.n), w = mlk_scratch_vec(&p->memory, d->w.n);
    if (p->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", d->X.rows);
    const size_t n = complete_rows(d->X, p->rows);
    if (n == 0)
        return MLK_FAIL(MLK_EINVAL,
                        "impute = drop leaves none of the %zu rows: each has a "
                        "missing value",
                        d->X.rows);
    for (size_t k = 0; k < n; k++) {
        if (d->y.n)
            y.data[k] = d->y.data[p->rows[k]];
        if (d->w.n)
            w.data[k] = d->w.data[p->rows[k]];
    }
    mlk_run_log(run, "%zu of %zu rows with missing values left out", d->X.rows - n, d->X.rows);
    p->data.X.rows = n;
    p->data.y = d->y.n ? (mlk_cvec){y.data, n} : d->y;
    p->data.w = d->w.n ? (mlk_cvec){w.data, n} : d->w;
    return MLK_OK;
}

static mlk_status scale_rows(void *ctx, const mlk_chunk *chunk)
{
    const fill *f = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++)
        mlk_scaler_row(f->steps->scaler, f->out.data + i * f->out.ld);
    return MLK_OK;
}

/* The design, then the scaler from it, applied in place. */
static mlk_status scale_design(const mlk_run *run, const double *leave, mlk_mat D, mlk_steps *s)
{
    const mlk_run inner = mlk_run_inner(run);
    fill f = {.steps = s, .out = D};
    MLK_TRY(mlk_scaler_fit(mlk_mat_c(D), s->scale, leave, NULL, run, &s->scaler));
    return mlk_parallel_for(&inner, D.rows, mlk_grain(D.cols, ROW_WORK), scale_rows, &f);
}

/* Where the design's columns are the raw ones, what they look like after imputation follows from
 * their statistics, so the scaler is known before the design is made. False: it is not. */
static bool raw_stats_serve(const prepared *p, bool missing)
{
    const mlk_steps *s = p->steps;
    return encoder_is_identity(s->encoder) && s->degree == 1 && !p->rows &&
           !(missing && s->imputer && s->scale == MLK_SCALE_ROBUST);
}

static mlk_status scale_raw(mlk_cmat X, const mlk_run *run, const double *leave,
                            mlk_column_stats *stats, mlk_steps *s)
{
    if (s->scale == MLK_SCALE_STANDARD)
        MLK_TRY(mlk_columns_scan(X, true, run, stats));
    if (s->imputer)
        mlk_columns_fill(stats, s->p, X.rows, s->imputer->fill);
    return mlk_scaler_fit(X, s->scale, leave, stats, run, &s->scaler);
}

static mlk_status make_design(mlk_cmat X, mlk_column_stats *stats, bool missing, const mlk_run *run,
                              prepared *p)
{
    mlk_steps *s = p->steps;
    const bool scales = s->scale != MLK_SCALE_NONE, first = raw_stats_serve(p, missing);
    const mlk_mat D = mlk_scratch_mat(&p->memory, p->data.X.rows, s->columns);
    const mlk_vec leave = mlk_scratch_vec(&p->memory, s->columns);
    if (p->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a design of %zu x %zu values", D.rows, D.cols);
    if (scales)
        mark_left_alone(s, leave.data);
    if (scales && first)
        MLK_TRY(scale_raw(X, run, leave.data, stats, s));
    MLK_TRY(fill_design(s, X, p->rows, run, D));
    if (scales && !first)
        MLK_TRY(scale_design(run, leave.data, D, s));
    p->data.X = mlk_mat_c(D);
    return MLK_OK;
}

/* Messages of the last step name the raw column that a column of the design is made of. */
static mlk_status name_design(const char *const *names, prepared *p)
{
    const mlk_steps *s = p->steps;
    p->data.names = NULL;
    if (!names || s->degree > 1)
        return MLK_OK;
    const char **design = mlk_scratch_take(&p->memory, s->columns, sizeof *design);
    if (!design)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", s->columns);
    for (size_t j = 0; j < s->columns; j++) {
        size_t level;
        design[j] = names[mlk_encoder_source(s->encoder, j, &level)];
    }
    p->data.names = design;
    return MLK_OK;
}

static mlk_status learn_steps(const mlk_data *d, const mlk_pipeline_opts *o, const mlk_run *run,
                              prepared *p)
{
    mlk_steps *s = p->steps;
    mlk_column_stats *stats = mlk_scratch_take(&p->memory, d->X.cols, sizeof *stats);
    bool missing = false;

    if (p->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", d->X.cols);
    s->p = d->X.cols;
    MLK_TRY(choose_all(o, s));
    MLK_TRY(mlk_columns_scan(d->X, false, run, stats));
    for (size_t j = 0; j < s->p; j++)
        missing |= stats[j].count < d->X.rows;
    MLK_TRY(check_values(d, stats,
                         s->impute == MLK_IMPUTE_NONE && !(o->algo->caps & MLK_CAP_MISSING), o));
    if (missing && s->impute == MLK_IMPUTE_DROP)
        MLK_TRY(drop_rows(d, run, p));
    if (d->X.rows > 1)
        warn_columns(run, stats, s->p, false, o);
    warn_columns(run, stats, s->p, true, o);
    if (s->impute < MLK_IMPUTE_DROP)
        MLK_TRY(mlk_imputer_fit(d->X, d->levels, stats, s->impute, run, &s->imputer));
    MLK_TRY(mlk_encoder_fit(d->X, p->rows, p->data.X.rows, d->levels, s->encode, &s->encoder));
    MLK_TRY(count_columns(s));
    MLK_TRY(name_design(o->names, p));
    if (s->encode != MLK_ENCODE_NATIVE)
        p->data.levels = NULL;
    if (hands_on(s) && s->scale == MLK_SCALE_NONE && !p->rows && !(s->imputer && missing))
        return MLK_OK;
    return make_design(d->X, stats, missing, run, p);
}

/* Release with prepared_release(), also after a failure. */
static mlk_status prepare(const mlk_data *d, const mlk_pipeline_opts *o, const mlk_run *run,
                          prepared *p)
{
    *p = (prepared){.data = *d, .memory = MLK_SCRATCH_INIT};
    MLK_TRY(check_shapes(d));
    if (!(p->steps = mlk_alloc_zero(1, sizeof *p->steps)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for a pipeline");
    atomic_init(&p->steps->holders, 1);
    return learn_steps(d, o, run, p);
}

/* -------------------------------------------------------------------- fit */

static void algo_free(void *state)
{
    pipeline *s = state;
    if (!s)
        return;
    mlk_model_free(s->inner);
    steps_release(s->steps);
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

static mlk_status fit_prepared(const prepared *p, const void *const *opts, size_t n,
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
        atomic_fetch_add(&p->steps->holders, 1);
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
        prepared p;
        for (m = 1; k + m < n && same_steps(opts[k], opts[k + m]);)
            m++;
        st = prepare(data, opts[k], run, &p);
        if (st == MLK_OK)
            st = fit_prepared(&p, opts + k, m, run, states + k);
        prepared_release(&p);
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
static bool learns_nothing(const mlk_data *d, const prepared *p, const mlk_run *run)
{
    const mlk_steps *s = p->steps;
    size_t i, j;
    return !s->scaler && encoder_is_identity(s->encoder) &&
           (s->degree > 1 || p->data.X.data == d->X.data) && !mlk_find_nonfinite(d->X, run, &i, &j);
}

static mlk_status loo_prepared(const mlk_data *d, const prepared *p, const void *const *opts,
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
    prepared p;
    for (size_t k = 1; k < n; k++)
        if (!same_steps(opts[0], opts[k]))
            return MLK_FAIL(MLK_EUNSUPPORTED, "no exact leave-one-out over unlike pipelines");
    mlk_status st = prepare(data, opts[0], run, &p);
    if (st == MLK_OK)
        st = loo_prepared(data, &p, opts, n, run, out);
    prepared_release(&p);
    return st;
}

static mlk_status algo_path(const mlk_data *data, const void *opts, const char *name,
                            const mlk_run *run, size_t cap, double *values, size_t *n)
{
    const mlk_pipeline_opts *o = opts;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const void *inner;
    prepared p;
    mlk_status st = prepare(data, o, run, &p);
    if (st == MLK_OK && !o->algo->path)
        st = MLK_FAIL(MLK_EUNSUPPORTED, "%s has no path", o->algo->name);
    if (st == MLK_OK)
        st = inner_opts(o->algo, &opts, 1, &scratch, &inner);
    if (st == MLK_OK)
        st = o->algo->path(&p.data, inner, name, run, cap, values, n);
    mlk_scratch_release(&scratch);
    prepared_release(&p);
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
    const size_t n = complete_rows(D, rows);
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
            st = fill_design(s->steps, mlk_cmat_rows(X, i, end), NULL, run, part);
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
    if (hands_on(s->steps) && (!s->steps->imputer || !mlk_find_nonfinite(X, run, &i, &j)))
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
    if (!encoder_is_identity(s->steps->encoder) || s->steps->degree > 1)
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
    const mlk_steps *steps = s->steps;
    mlk_doc_put_text(to, "impute", impute_words[steps->impute]);
    mlk_doc_put_text(to, "encode", encode_words[steps->encode]);
    mlk_doc_put_text(to, "scale", scale_words[steps->scale]);
    mlk_doc_put_int(to, "degree", (int64_t)steps->degree);
    if (steps->imputer)
        mlk_imputer_save(steps->imputer, to);
    mlk_encoder_save(steps->encoder, to);
    if (steps->scaler)
        mlk_scaler_save(steps->scaler, to);
    mlk_model_save(s->inner, mlk_doc_put_map(to, "model"));
}

static mlk_status load_word(const mlk_doc *from, const char *key, const char *const *words,
                            size_t *index)
{
    const char *word;
    MLK_TRY(mlk_doc_get_text(from, key, &word));
    const mlk_status st = choose(key, words, word, NULL, NULL, index);
    return st == MLK_OK ? st : MLK_FAIL(MLK_EFORMAT, "%s", mlk_error_message(st));
}

static mlk_status load_steps(const mlk_doc *from, size_t p, mlk_steps *s)
{
    size_t impute, encode, scale;
    MLK_TRY(load_word(from, "impute", impute_words, &impute));
    MLK_TRY(load_word(from, "encode", encode_words, &encode));
    MLK_TRY(load_word(from, "scale", scale_words, &scale));
    MLK_TRY(mlk_doc_get_size(from, "degree", 1, MAX_DEGREE, &s->degree));
    s->p = p;
    s->impute = (mlk_impute)impute;
    s->encode = (mlk_encode)encode;
    s->scale = (mlk_scale)scale;
    if (s->impute < MLK_IMPUTE_DROP)
        MLK_TRY(mlk_imputer_load(from, p, &s->imputer));
    MLK_TRY(mlk_encoder_load(from, p, s->encode, &s->encoder));
    const mlk_status st = count_columns(s);
    if (st != MLK_OK)
        return MLK_FAIL(MLK_EFORMAT, "%s", mlk_error_message(st));
    return s->scale == MLK_SCALE_NONE ? MLK_OK : mlk_scaler_load(from, s->columns, &s->scaler);
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
    mlk_steps *steps = mlk_alloc_zero(1, sizeof *steps);
    mlk_status st = MLK_OK;
    if (!s || !steps) {
        mlk_free(s);
        mlk_free(steps);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a pipeline");
    }
    atomic_init(&steps->holders, 1);
    s->steps = steps;
    st = load_steps(from, n_features, steps);
    if (st == MLK_OK)
        st = load_inner(from, steps->columns, n_classes, &s->inner);
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
    return fill_design(s, X, NULL, run, out);
}

static void add_column(const mlk_steps *s, size_t j, const char *const *feature_names,
                       const char *const *const *level_names, mlk_strbuf *to)
{
    size_t level;
    const size_t raw = mlk_encoder_source(s->encoder, j, &level);
    if (feature_names)
        mlk_strbuf_add(to, feature_names[raw]);
    else
        mlk_strbuf_printf(to, "x%zu", raw);
    if (level == SIZE_MAX)
        return;
    if (level_names && level_names[raw])
        mlk_strbuf_printf(to, "=%s", level_names[raw][level]);
    else
        mlk_strbuf_printf(to, "=%zu", level);
}

void mlk_pipeline_columns(const mlk_model *m, const char *const *feature_names,
                          const char *const *const *level_names, mlk_doc *list)
{
    const mlk_steps *s = mlk_pipeline_steps(m);
    size_t factors[MAX_DEGREE];
    for (size_t j = 0; j < mlk_pipeline_n_columns(m); j++) {
        const size_t n = mlk_polynomial_factors(s->encoder->columns, s->degree, j, factors);
        mlk_strbuf name = MLK_STRBUF_INIT;
        for (size_t k = 0, power; k < n; k += power) {
            for (power = 1; k + power < n && factors[k + power] == factors[k];)
                power++;
            if (k)
                mlk_strbuf_add(&name, " ");
            add_column(s, factors[k], feature_names, level_names, &name);
            if (power > 1)
                mlk_strbuf_printf(&name, "^%zu", power);
        }
        mlk_doc_put_text(list, NULL, name.text ? name.text : "");
        mlk_strbuf_free(&name);
    }
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
