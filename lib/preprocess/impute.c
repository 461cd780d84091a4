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
    double *scratch; /* X.rows values a worker */
    double *fill;
} learn;

static double fill_of(const learn *l, size_t j, double *values)
{
    const bool category = l->levels && l->levels[j];
    const mlk_column_stats *s = &l->stats[j];
    if (s->count == 0)
        return category ? MLK_UNSEEN : 0.0;
    if (s->min == s->max || (!category && l->kind == MLK_IMPUTE_MEAN))
        return s->mean;
    const size_t n = mlk_column_gather(l->X, j, values);
    return category || l->kind == MLK_IMPUTE_MODE ? mode(values, n) : mlk_quantile(values, n, 0.5);
}

static mlk_status learn_column(void *ctx, const mlk_chunk *chunk)
{
    const learn *l = ctx;
    for (size_t j = chunk->begin; j < chunk->end; j++)
        l->fill[j] = fill_of(l, j, l->scratch + chunk->worker * l->X.rows);
    return MLK_OK;
}

mlk_status mlk_imputer_fit(mlk_cmat X, const size_t *levels, const mlk_column_stats *stats,
                           mlk_impute kind, const mlk_run *run, mlk_imputer **imputer)
{
    const mlk_run inner = mlk_run_inner(run);
    const unsigned workers = mlk_workers(&inner, X.cols, 1);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_imputer *fit = mlk_alloc_flex(sizeof *fit, X.cols, sizeof fit->fill[0]);
    learn l = {X, levels, stats, kind, mlk_scratch_mat(&scratch, workers, X.rows).data, NULL};
    mlk_status st;

    *imputer = NULL;
    if (!fit || scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory to impute %zu x %zu values", X.rows, X.cols);
    } else {
        fit->p = X.cols;
        l.fill = fit->fill;
        st = mlk_parallel_for(&inner, X.cols, 1, learn_column, &l);
    }
    if (st == MLK_OK)
        *imputer = fit;
    else
        mlk_free(fit);
    mlk_scratch_release(&scratch);
    return st;
}

MLK_SIMD static void fill_row(const double *restrict fill, size_t p, double *restrict x)
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
