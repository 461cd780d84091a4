#include "preprocess/impute.h"

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"

/* The most frequent of n >= 1 sorted values, the smallest of several. */
static double mode_of_sorted(const double *v, size_t n)
{
    double best = v[0];
    for (size_t i = 0, most = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && v[i + run] == v[i];)
            run++;
        if (run > most) {
            most = run;
            best = v[i];
        }
    }
    return best;
}

static double mode(double *v, size_t n)
{
    mlk_sort(v, n);
    return mode_of_sorted(v, n);
}

typedef struct learn {
    mlk_cmat X;
    const size_t *levels;
    const mlk_column_stats *stats;
    mlk_impute kind;
    double *fill;
} learn;

static bool is_category(const learn *l, size_t j) { return l->levels && l->levels[j]; }

/* The mode needs the column sorted. */
static mlk_status learn_mode(const learn *l, size_t j)
{
    double *values = mlk_alloc(l->X.rows, sizeof *values);
    if (!values)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a column of %zu values", l->X.rows);
    l->fill[j] = mode(values, mlk_column_gather(l->X, j, values));
    mlk_free(values);
    return MLK_OK;
}

/* On entry fill[j] is the median, where that is asked for. */
static mlk_status learn_column(void *ctx, const mlk_chunk *chunk)
{
    const learn *l = ctx;
    for (size_t j = chunk->begin; j < chunk->end; j++) {
        const mlk_column_stats *s = &l->stats[j];
        if (s->count == 0)
            l->fill[j] = is_category(l, j) ? MLK_UNSEEN : 0.0;
        else if (s->min == s->max || (l->kind == MLK_IMPUTE_MEAN && !is_category(l, j)))
            l->fill[j] = s->mean;
        else if (l->kind == MLK_IMPUTE_MODE || is_category(l, j))
            MLK_TRY(learn_mode(l, j));
    }
    return MLK_OK;
}

mlk_status mlk_imputer_fit(mlk_cmat X, const size_t *levels, const mlk_column_stats *stats,
                           mlk_impute kind, const mlk_run *run, mlk_imputer **imputer)
{
    const mlk_run inner = mlk_run_inner(run);
    mlk_imputer *fit = mlk_alloc_flex(sizeof *fit, X.cols, sizeof fit->fill[0]);
    mlk_status st = MLK_OK;

    *imputer = NULL;
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory to impute %zu x %zu values", X.rows, X.cols);
    fit->p = X.cols;
    learn l = {X, levels, stats, kind, fit->fill};
    if (kind == MLK_IMPUTE_MEDIAN)
        st = mlk_columns_quantile(X, stats, 0.5, run, fit->fill);
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, X.cols, 1, learn_column, &l);
    if (st == MLK_OK)
        *imputer = fit;
    else
        mlk_free(fit);
    return st;
}

MLK_VECTOR static void fill_row(const double *restrict fill, size_t p, double *restrict x)
{
    for (size_t j = 0; j < p; j++)
        x[j] = x[j] == x[j] ? x[j] : fill[j];
}

void mlk_imputer_row(const mlk_imputer *imputer, double *x)
{
    fill_row(imputer->fill, imputer->p, x);
}

void mlk_imputer_save(const mlk_imputer *imputer, mlk_doc *to)
{
    mlk_doc_put_vec(to, "fill", (mlk_cvec){imputer->fill, imputer->p});
}

mlk_status mlk_imputer_load(const mlk_doc *from, size_t p, mlk_imputer **imputer)
{
    mlk_cvec fill;
    MLK_TRY(mlk_doc_get_vec(from, "fill", p, &fill));
    mlk_imputer *fit = mlk_alloc_flex(sizeof *fit, p, sizeof fit->fill[0]);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu values", p);
    fit->p = p;
    for (size_t j = 0; j < p; j++)
        fit->fill[j] = fill.data[j];
    *imputer = fit;
    return MLK_OK;
}
