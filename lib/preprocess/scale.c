#include "preprocess/scale.h"

#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/simd.h"
#include "core/status.h"

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

/* Mean and standard deviation of column j of D; in units of its largest magnitude where the squares
 * of its values, or their sum, leave the range of a double. */
static void mean_and_deviation(mlk_cmat D, size_t j, const mlk_column_stats *s, double *mean,
                               double *deviation)
{
    *mean = s->mean;
    *deviation = sqrt(s->var);
    if (s->min == s->max || (s->var >= DBL_MIN && s->var < INFINITY))
        return;
    const int unit = ilogb(fmax(fabs(s->min), fabs(s->max)));
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < D.rows; i++)
        if (!isnan(D.data[i * D.ld + j]))
            sum += scalbn(D.data[i * D.ld + j], -unit);
    sum /= (double)s->count;
    for (size_t i = 0; i < D.rows; i++) {
        const double d = scalbn(D.data[i * D.ld + j], -unit) - sum;
        squares += isnan(d) ? 0.0 : d * d;
    }
    *mean = scalbn(sum, unit);
    *deviation = scalbn(sqrt(squares / (double)s->count), unit);
}

/* What the values of column j of D are moved and divided by. */
static void learn_column(mlk_cmat D, size_t j, const mlk_column_stats *s, mlk_scale kind,
                         const double *quartiles, double *centre, double *spread)
{
    double mean = s->mean, deviation = 0.0;
    *centre = 0.0;
    *spread = 1.0;
    if (s->count == 0 || !isfinite(s->min) || !isfinite(s->max))
        return;
    if (kind == MLK_SCALE_STANDARD)
        mean_and_deviation(D, j, s, &mean, &deviation);
    *centre = kind == MLK_SCALE_MINMAX ? s->min : mean;
    if (s->min == s->max)
        return;
    if (kind == MLK_SCALE_STANDARD) {
        *spread = deviation;
    } else if (kind == MLK_SCALE_MINMAX) {
        *spread = s->max - s->min;
    } else {
        *centre = quartiles[1];
        *spread = quartiles[2] - quartiles[0];
    }
    /* A spread that is rounding of the mean is none; an overflow (inf) would erase the column. */
    if (!(*spread > 4.0 * DBL_EPSILON * fabs(*centre)) || !(*spread < INFINITY))
        *spread = 1.0;
}

/* The three quartiles of each column, one row of Q each. */
static mlk_status learn_quartiles(mlk_cmat D, const mlk_column_stats *stats, const mlk_run *run,
                                  mlk_mat Q)
{
    for (size_t k = 0; k < 3; k++)
        MLK_TRY(mlk_columns_quantile(D, stats, 0.25 * (double)(k + 1), run, Q.data + k * Q.ld));
    return MLK_OK;
}

mlk_status mlk_scaler_fit(mlk_cmat D, mlk_scale kind, const double *leave,
                          const mlk_column_stats *stats, const mlk_run *run, mlk_scaler **scaler)
{
    const bool robust = kind == MLK_SCALE_ROBUST;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_scaler *fit;

    *scaler = NULL;
    MLK_TRY(new_scaler(D.cols, &fit));
    mlk_column_stats *own = mlk_scratch_take(&scratch, D.cols, sizeof *own);
    const mlk_mat Q = mlk_scratch_mat(&scratch, robust ? 3 : 0, D.cols);
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory to scale %zu columns", D.cols);
    else if (!stats)
        st = mlk_columns_scan(D, kind == MLK_SCALE_STANDARD, run, own);
    if (!stats)
        stats = own;
    if (st == MLK_OK && robust)
        st = learn_quartiles(D, stats, run, Q);
    for (size_t j = 0; st == MLK_OK && j < D.cols; j++) {
        const mlk_column_stats nothing = {0};
        double quartiles[3] = {0};
        for (size_t k = 0; robust && k < 3; k++)
            quartiles[k] = Q.data[k * Q.ld + j];
        learn_column(D, j, leave[j] != 0.0 ? &nothing : &stats[j], kind, quartiles, &fit->centre[j],
                     &fit->spread[j]);
    }
    mlk_scratch_release(&scratch);
    if (st == MLK_OK)
        *scaler = fit;
    else
        mlk_scaler_free(fit);
    return st;
}

MLK_VECTOR static void scale_row(const double *restrict centre, const double *restrict spread,
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
