#include "preprocess/scale.h"

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"
#include "preprocess/columns.h"

static mlk_status new_scaler(size_t p, mlk_scaler **scaler)
{
    mlk_scaler *s = mlk_alloc(1, sizeof *s);
    double *values = mlk_alloc(p, 2 * sizeof *values);
    if (!s || !values) {
        mlk_free(s);
        mlk_free(values);
        return MLK_FAIL(MLK_ENOMEM, "no memory to scale %zu columns", p);
    }
    *s = (mlk_scaler){p, values, values + p};
    *scaler = s;
    return MLK_OK;
}

typedef struct learn {
    mlk_cmat D;
    mlk_scale kind;
    const double *leave;
    const mlk_column_stats *stats;
    double *scratch; /* D.rows values a worker; robust only */
    mlk_scaler *scaler;
} learn;

static void learn_one(const learn *l, size_t j, double *values)
{
    const mlk_column_stats *s = &l->stats[j];
    double *centre = &l->scaler->centre[j], *spread = &l->scaler->spread[j];
    *centre = 0.0;
    *spread = 1.0;
    if (l->leave[j] != 0.0 || s->count == 0 || !isfinite(s->mean))
        return;
    *centre = l->kind == MLK_SCALE_MINMAX ? s->min : s->mean;
    if (s->min == s->max)
        return;
    if (l->kind == MLK_SCALE_STANDARD) {
        *spread = sqrt(s->var);
    } else if (l->kind == MLK_SCALE_MINMAX) {
        *spread = s->max - s->min;
    } else {
        const size_t n = mlk_column_gather(l->D, j, values);
        *centre = mlk_quantile(values, n, 0.5);
        *spread = mlk_quantile(values, n, 0.75) - mlk_quantile(values, n, 0.25);
    }
    /* A spread that is rounding of the mean is none; an overflow (inf) would erase the column. */
    if (!(*spread > 4.0 * DBL_EPSILON * fabs(*centre)) || !(*spread < INFINITY))
        *spread = 1.0;
}

static mlk_status learn_columns(void *ctx, const mlk_chunk *chunk)
{
    const learn *l = ctx;
    double *values = l->scratch ? l->scratch + chunk->worker * l->D.rows : NULL;
    for (size_t j = chunk->begin; j < chunk->end; j++)
        learn_one(l, j, values);
    return MLK_OK;
}

mlk_status mlk_scaler_fit(mlk_cmat D, mlk_scale kind, const double *leave, const mlk_run *run,
                          mlk_scaler **scaler)
{
    const mlk_run inner = mlk_run_inner(run);
    const unsigned workers = mlk_workers(&inner, D.cols, 1);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_scaler *fit;

    *scaler = NULL;
    MLK_TRY(new_scaler(D.cols, &fit));
    mlk_column_stats *stats = mlk_scratch_take(&scratch, D.cols, sizeof *stats);
    learn l = {D, kind, leave, stats, NULL, fit};
    if (kind == MLK_SCALE_ROBUST)
        l.scratch = mlk_scratch_mat(&scratch, workers, D.rows).data;
    mlk_status st;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory to scale %zu x %zu values", D.rows, D.cols);
    else
        st = mlk_columns_scan(D, kind == MLK_SCALE_STANDARD, run, stats);
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, D.cols, 1, learn_columns, &l);
    mlk_scratch_release(&scratch);
    if (st == MLK_OK)
        *scaler = fit;
    else
        mlk_scaler_free(fit);
    return st;
}

MLK_SIMD static void scale_row(const double *restrict centre, const double *restrict spread,
                               size_t p, double *restrict x)
{
    for (size_t j = 0; j < p; j++)
        x[j] = (x[j] - centre[j]) / spread[j];
}

void mlk_scaler_row(const mlk_scaler *s, double *x) { scale_row(s->centre, s->spread, s->p, x); }

void mlk_scaler_save(const mlk_scaler *s, mlk_doc *to)
{
    mlk_doc_put_vec(to, "centre", (mlk_cvec){s->centre, s->p});
    mlk_doc_put_vec(to, "spread", (mlk_cvec){s->spread, s->p});
}

mlk_status mlk_scaler_load(const mlk_doc *from, size_t p, mlk_scaler **scaler)
{
    mlk_cvec centre, spread;
    MLK_TRY(mlk_doc_get_vec(from, "centre", p, &centre));
    MLK_TRY(mlk_doc_get_vec(from, "spread", p, &spread));
    for (size_t j = 0; j < p; j++)
        if (!(spread.data[j] > 0.0))
            return MLK_FAIL(MLK_EFORMAT, "'spread' holds %g; expected positive values",
                            spread.data[j]);
    MLK_TRY(new_scaler(p, scaler));
    for (size_t j = 0; j < p; j++) {
        (*scaler)->centre[j] = centre.data[j];
        (*scaler)->spread[j] = spread.data[j];
    }
    return MLK_OK;
}

void mlk_scaler_free(mlk_scaler *s)
{
    if (s)
        mlk_free(s->centre); /* spread lies behind it */
    mlk_free(s);
}
