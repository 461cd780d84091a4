#include "model/algo.h"

#include <math.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"

enum { CHECK_WORK = 1 << 16 }; /* elements of X a chunk */

/* x - x is 0 for finite x and NaN otherwise: a sum without branches. */
MLK_SIMD_TILES static bool row_is_finite(const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t j = 0; j < n; j++)
        sum += x[j] - x[j];
    return sum == 0.0;
}

static mlk_status check_rows(void *ctx, const mlk_chunk *chunk)
{
    const mlk_cmat X = *(const mlk_cmat *)ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++)
        if (!row_is_finite(X.data + i * X.ld, X.cols))
            return MLK_EFORMAT; /* a signal for the caller below only */
    return MLK_OK;
}

bool mlk_find_nonfinite(mlk_cmat X, const mlk_run *run, size_t *i, size_t *j)
{
    const mlk_run inner = {.threads = run ? run->threads : 0};
    if (mlk_parallel_for(&inner, X.rows, mlk_grain(X.cols, CHECK_WORK), check_rows, &X) == MLK_OK)
        return false;
    for (*i = 0; *i < X.rows; ++*i)
        for (*j = 0; *j < X.cols; ++*j)
            if (!isfinite(X.data[*i * X.ld + *j]))
                return true;
    return false;
}

static mlk_status check_weights(mlk_cvec w, size_t n)
{
    double sum = 0.0;
    if (w.n != n)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but w has %zu values", n, w.n);
    if (!w.data)
        return MLK_FAIL(MLK_EINVAL, "w has no data; expected %zu values", n);
    for (size_t i = 0; i < n; i++) {
        if (!(w.data[i] >= 0.0 && w.data[i] < INFINITY))
            return MLK_FAIL(MLK_EINVAL, "w[%zu] = %g; expected a finite weight >= 0", i, w.data[i]);
        sum += w.data[i];
    }
    return sum > 0.0 ? MLK_OK : MLK_FAIL(MLK_EINVAL, "the weights sum to 0");
}

static mlk_status check_target(const mlk_data *d, unsigned needs)
{
    if (d->y.n != d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", d->X.rows, d->y.n);
    if (!d->y.data)
        return MLK_FAIL(MLK_EINVAL, "y has no data; expected %zu values", d->y.n);
    if ((needs & MLK_NEED_CLASSES) && d->n_classes < 2)
        return MLK_FAIL(MLK_EINVAL, "n_classes = %zu; expected at least 2", d->n_classes);
    for (size_t i = 0; i < d->y.n; i++) {
        const double v = d->y.data[i];
        if (!isfinite(v))
            return MLK_FAIL(MLK_EINVAL, "y[%zu] = %g; expected a finite value", i, v);
        if (d->n_classes && !(v >= 0.0 && v < (double)d->n_classes && v == floor(v)))
            return MLK_FAIL(MLK_EINVAL, "y[%zu] = %g; expected a class number 0..%zu", i, v,
                            d->n_classes - 1);
    }
    return MLK_OK;
}

/* A code is 0..levels-1 or MLK_UNSEEN; a number is anything finite; NaN where it may be. */
static mlk_status check_mixed(const mlk_data *d, bool missing)
{
    for (size_t i = 0; i < d->X.rows; i++)
        for (size_t j = 0; j < d->X.cols; j++) {
            const double v = d->X.data[i * d->X.ld + j];
            const size_t levels = d->levels ? d->levels[j] : 0;
            if (missing && isnan(v))
                continue;
            if (!isfinite(v))
                return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j, v);
            if (levels && v != MLK_UNSEEN && !(v >= 0.0 && v < (double)levels && v == floor(v)))
                return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a level code 0..%zu", i, j,
                                v, levels - 1);
        }
    return MLK_OK;
}

static mlk_status check_design(const mlk_data *d, unsigned caps, unsigned needs, const mlk_run *run)
{
    bool categorical = false;
    for (size_t j = 0; d->levels && j < d->X.cols; j++)
        categorical |= d->levels[j] > 0;
    if (categorical && !(caps & MLK_CAP_CATEGORICAL))
        return MLK_FAIL(MLK_EINVAL, "X has categorical columns; expected numbers alone");
    if (categorical || (caps & MLK_CAP_MISSING))
        return check_mixed(d, caps & MLK_CAP_MISSING);
    size_t i, j;
    if (!(needs & MLK_FINITE_LATER) && mlk_find_nonfinite(d->X, run, &i, &j))
        return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j,
                        d->X.data[i * d->X.ld + j]);
    return MLK_OK;
}

mlk_status mlk_data_check(const mlk_data *data, unsigned caps, unsigned needs, const mlk_run *run)
{
    if (data->X.rows == 0 || data->X.cols == 0)
        return MLK_FAIL(MLK_EINVAL, "X is %zu x %zu; expected at least one row and column",
                        data->X.rows, data->X.cols);
    if (data->X.ld < data->X.cols)
        return MLK_FAIL(MLK_EINVAL, "X has ld %zu; expected at least its %zu columns", data->X.ld,
                        data->X.cols);
    if (!data->X.data)
        return MLK_FAIL(MLK_EINVAL, "X has no data; expected %zu x %zu values", data->X.rows,
                        data->X.cols);
    if (data->n_classes && (needs & MLK_NO_CLASSES))
        return MLK_FAIL(MLK_EINVAL, "y holds classes; expected a regression target");
    if (needs & (MLK_NEED_TARGET | MLK_NEED_CLASSES))
        MLK_TRY(check_target(data, needs));
    if (data->w.n && !(caps & MLK_CAP_WEIGHTS))
        return MLK_FAIL(MLK_EINVAL, "sample weights are given; this algorithm takes none");
    if (data->w.n)
        MLK_TRY(check_weights(data->w, data->X.rows));
    return check_design(data, caps, needs, run);
}

const char *mlk_column_label(const mlk_data *data, size_t j, char *buf, size_t size)
{
    if (data->names)
        snprintf(buf, size, "column '%s'", data->names[j]);
    else
        snprintf(buf, size, "column %zu", j);
    return buf;
}

mlk_status mlk_predict_check(mlk_cmat X, size_t p, size_t out_rows)
{
    if (X.cols != p)
        return MLK_FAIL(MLK_EINVAL, "X has %zu columns; the model was fitted on %zu", X.cols, p);
    if (X.rows != out_rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but the output has %zu", X.rows, out_rows);
    if (X.ld < X.cols)
        return MLK_FAIL(MLK_EINVAL, "X has ld %zu; expected at least its %zu columns", X.ld,
                        X.cols);
    if (X.rows && !X.data)
        return MLK_FAIL(MLK_EINVAL, "X has no data; expected %zu x %zu values", X.rows, X.cols);
    return MLK_OK;
}

mlk_status mlk_decide_by(mlk_score_fn *score, const void *state, mlk_cmat X, const mlk_run *run,
                         mlk_mat out)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec s = mlk_scratch_vec(&scratch, X.rows);
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu scores", X.rows)
                                         : score(state, X, run, s);
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
        out.data[i * out.ld] = s.data[i];
    mlk_scratch_release(&scratch);
    return st;
}
