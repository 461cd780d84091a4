#include "preprocess/steps.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "core/strbuf.h"

enum { ROW_WORK = 1 << 14 /* design elements a parallel chunk */ };

/* In the order of the enums. */
static const char *const impute_words[] = {"mean", "median", "mode", "drop", "none", NULL};
static const char *const encode_words[] = {"onehot", "dummy", "ordinal", "native", NULL};
static const char *const scale_words[] = {"none", "standard", "minmax", "robust", NULL};

mlk_steps *mlk_steps_new(size_t p)
{
    mlk_steps *s = mlk_alloc_zero(1, sizeof *s);
    if (!s)
        return NULL;
    atomic_init(&s->holders, 1);
    s->p = p;
    return s;
}

void mlk_steps_hold(mlk_steps *s) { atomic_fetch_add(&s->holders, 1); }

void mlk_steps_release(mlk_steps *s)
{
    if (!s || atomic_fetch_sub(&s->holders, 1) > 1)
        return;
    mlk_free(s->imputer);
    mlk_encoder_free(s->encoder);
    mlk_scaler_free(s->scaler);
    mlk_free(s);
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

mlk_status mlk_steps_choose(const mlk_pipeline_opts *o, mlk_steps *s)
{
    size_t impute, encode, scale;
    MLK_TRY(mlk_opts_check(mlk_pipeline_algo.opts, o));
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

/* raw: p places of scratch. */
static void design_row(const mlk_steps *s, const double *x, double *raw, double *out)
{
    if (mlk_encoder_is_identity(s->encoder))
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

mlk_status mlk_steps_design(const mlk_steps *s, mlk_cmat X, const size_t *rows, const mlk_run *run,
                            mlk_mat out)
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

bool mlk_steps_hand_on(const mlk_steps *s)
{
    return mlk_encoder_is_identity(s->encoder) && s->degree == 1 && !s->scaler;
}

mlk_status mlk_steps_count(mlk_steps *s)
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

/* ---------------------------------------------------------- save and load */

void mlk_steps_save(const mlk_steps *s, mlk_doc *to)
{
    mlk_doc_put_text(to, "impute", impute_words[s->impute]);
    mlk_doc_put_text(to, "encode", encode_words[s->encode]);
    mlk_doc_put_text(to, "scale", scale_words[s->scale]);
    mlk_doc_put_int(to, "degree", (int64_t)s->degree);
    if (s->imputer)
        mlk_imputer_save(s->imputer, to);
    mlk_encoder_save(s->encoder, to);
    if (s->scaler)
        mlk_scaler_save(s->scaler, to);
}

static mlk_status load_word(const mlk_doc *from, const char *key, const char *const *words,
                            size_t *index)
{
    const char *word;
    MLK_TRY(mlk_doc_get_text(from, key, &word));
    const mlk_status st = choose(key, words, word, NULL, NULL, index);
    return st == MLK_OK ? st : MLK_FAIL(MLK_EFORMAT, "%s", mlk_error_message(st));
}

mlk_status mlk_steps_load(const mlk_doc *from, mlk_steps *s)
{
    size_t impute, encode, scale;
    MLK_TRY(load_word(from, "impute", impute_words, &impute));
    MLK_TRY(load_word(from, "encode", encode_words, &encode));
    MLK_TRY(load_word(from, "scale", scale_words, &scale));
    MLK_TRY(mlk_doc_get_size(from, "degree", 1, MLK_STEPS_MAX_DEGREE, &s->degree));
    s->impute = (mlk_impute)impute;
    s->encode = (mlk_encode)encode;
    s->scale = (mlk_scale)scale;
    if (s->impute < MLK_IMPUTE_DROP)
        MLK_TRY(mlk_imputer_load(from, s->p, &s->imputer));
    MLK_TRY(mlk_encoder_load(from, s->p, s->encode, &s->encoder));
    const mlk_status st = mlk_steps_count(s);
    if (st != MLK_OK)
        return MLK_FAIL(MLK_EFORMAT, "%s", mlk_error_message(st));
    return s->scale == MLK_SCALE_NONE ? MLK_OK : mlk_scaler_load(from, s->columns, &s->scaler);
}

/* ------------------------------------------------------ names of columns */

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

void mlk_steps_columns(const mlk_steps *s, const char *const *feature_names,
                       const char *const *const *level_names, mlk_doc *list)
{
    size_t factors[MLK_STEPS_MAX_DEGREE];
    for (size_t j = 0; j < s->columns; j++) {
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
