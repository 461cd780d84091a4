#include "preprocess/prepare.h"

#include <math.h>

#include "core/parallel.h"
#include "core/status.h"
#include "core/strbuf.h"
#include "model/algo.h"

enum {
    SCALE_WORK = 1 << 14, /* design elements a parallel chunk */
    NAMES_SHOWN = 5       /* of columns in a warning */
};

/* ----------------------------------------------------- what is asked of rows */

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

/* ----------------------------------------------------------------- design */

/* Leave rows with missing values out of y and w; X follows with the design. */
static mlk_status drop_rows(const mlk_data *d, const mlk_run *run, mlk_prepared *p)
{
    p->rows = mlk_scratch_take(&p->memory, d->X.rows, sizeof *p->rows);
    const mlk_vec y = mlk_scratch_vec(&p->memory, d->y.n), w = mlk_scratch_vec(&p->memory, d->w.n);
    if (p->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", d->X.rows);
    const size_t n = mlk_complete_rows(d->X, p->rows);
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

/* Which design columns the scaler leaves alone: indicators, their products, and native codes. */
static void mark_left_alone(const mlk_steps *s, double *leave)
{
    for (size_t j = 0; j < s->encoder->columns; j++)
        leave[j] = s->encode == MLK_ENCODE_NATIVE ? s->encoder->levels[j] > 0
                                                  : mlk_encoder_is_indicator(s->encoder, j);
    mlk_polynomial_row(s->encoder->columns, s->degree, leave); /* 1 only where all factors are */
}

typedef struct scaling {
    const mlk_scaler *scaler;
    mlk_mat D;
} scaling;

static mlk_status scale_rows(void *ctx, const mlk_chunk *chunk)
{
    const scaling *s = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++)
        mlk_scaler_row(s->scaler, s->D.data + i * s->D.ld);
    return MLK_OK;
}

/* The scaler from the design, applied in place. */
static mlk_status scale_design(const mlk_run *run, const double *leave, mlk_mat D, mlk_steps *s)
{
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_scaler_fit(mlk_mat_c(D), s->scale, leave, NULL, run, &s->scaler));
    scaling ctx = {s->scaler, D};
    return mlk_parallel_for(&inner, D.rows, mlk_grain(D.cols, SCALE_WORK), scale_rows, &ctx);
}

/* Where the design's columns are the raw ones, what they look like after imputation follows from
 * their statistics, so the scaler is known before the design is made. False: it is not. */
static bool raw_stats_serve(const mlk_prepared *p, bool missing)
{
    const mlk_steps *s = p->steps;
    return mlk_encoder_is_identity(s->encoder) && s->degree == 1 && !p->rows &&
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
                              mlk_prepared *p)
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
    MLK_TRY(mlk_steps_design(s, X, p->rows, run, D));
    if (scales && !first)
        MLK_TRY(scale_design(run, leave.data, D, s));
    p->data.X = mlk_mat_c(D);
    return MLK_OK;
}

/* Messages of the last step name the raw column that a column of the design is made of. */
static mlk_status name_design(const char *const *names, mlk_prepared *p)
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

/* --------------------------------------------------------------- learning */

static mlk_status learn_steps(const mlk_data *d, const mlk_pipeline_opts *o, const mlk_run *run,
                              mlk_prepared *p)
{
    mlk_steps *s = p->steps;
    mlk_column_stats *stats = mlk_scratch_take(&p->memory, d->X.cols, sizeof *stats);
    bool missing = false;

    if (p->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", d->X.cols);
    MLK_TRY(mlk_steps_choose(o, s));
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
    MLK_TRY(mlk_steps_count(s));
    MLK_TRY(name_design(o->names, p));
    if (s->encode != MLK_ENCODE_NATIVE)
        p->data.levels = NULL;
    if (mlk_steps_hand_on(s) && s->scale == MLK_SCALE_NONE && !p->rows && !(s->imputer && missing))
        return MLK_OK;
    return make_design(d->X, stats, missing, run, p);
}

mlk_status mlk_prepare(const mlk_data *d, const mlk_pipeline_opts *o, const mlk_run *run,
                       mlk_prepared *p)
{
    *p = (mlk_prepared){.data = *d, .memory = MLK_SCRATCH_INIT};
    MLK_TRY(check_shapes(d));
    if (!(p->steps = mlk_steps_new(d->X.cols)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for a pipeline");
    return learn_steps(d, o, run, p);
}

void mlk_prepared_release(mlk_prepared *p)
{
    mlk_scratch_release(&p->memory);
    mlk_steps_release(p->steps);
}
