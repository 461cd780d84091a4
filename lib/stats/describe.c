#include <mlkit/stats/describe.h>

#include <math.h>

#include "core/alloc.h"
#include "core/sort.h"
#include "core/status.h"

/* Sum with the rounding errors carried along [neumaier1974]: as if in twice the precision. */
typedef struct sum {
    double high, low;
} sum;

static void sum_add(sum *s, double x)
{
    const double t = s->high + x;
    s->low += fabs(s->high) >= fabs(x) ? (s->high - t) + x : (x - t) + s->high;
    s->high = t;
}

static double sum_value(const sum *s) { return isfinite(s->low) ? s->high + s->low : s->high; }

/* Mean of the values that are there, and their number. */
static double present_mean(mlk_cvec x, size_t *n)
{
    sum total = {0.0, 0.0};
    *n = 0;
    for (size_t i = 0; i < x.n; i++)
        if (!isnan(x.data[i])) {
            sum_add(&total, x.data[i]);
            ++*n;
        }
    return *n ? sum_value(&total) / (double)*n : NAN;
}

double mlk_mean(mlk_cvec x)
{
    size_t n;
    return present_mean(x, &n);
}

double mlk_variance(mlk_cvec x, double ddof)
{
    size_t n;
    const double mean = present_mean(x, &n);
    sum squares = {0.0, 0.0};
    for (size_t i = 0; i < x.n; i++)
        if (!isnan(x.data[i]))
            sum_add(&squares, (x.data[i] - mean) * (x.data[i] - mean));
    return (double)n > ddof ? sum_value(&squares) / ((double)n - ddof) : NAN;
}

double mlk_correlation(mlk_cvec x, mlk_cvec y)
{
    size_t n = 0;
    sum sx = {0.0, 0.0}, sy = {0.0, 0.0}, xx = {0.0, 0.0}, yy = {0.0, 0.0}, xy = {0.0, 0.0};
    for (size_t i = 0; i < x.n; i++)
        if (!isnan(x.data[i]) && !isnan(y.data[i])) {
            sum_add(&sx, x.data[i]);
            sum_add(&sy, y.data[i]);
            n++;
        }
    const double mx = sum_value(&sx) / (double)n, my = sum_value(&sy) / (double)n;
    for (size_t i = 0; i < x.n; i++)
        if (!isnan(x.data[i]) && !isnan(y.data[i])) {
            const double dx = x.data[i] - mx, dy = y.data[i] - my;
            sum_add(&xx, dx * dx);
            sum_add(&yy, dy * dy);
            sum_add(&xy, dx * dy);
        }
    const double r = sum_value(&xy) / (sqrt(sum_value(&xx)) * sqrt(sum_value(&yy)));
    return r > 1.0 ? 1.0 : r < -1.0 ? -1.0 : r;
}

/* The values that are there, into out; returns their number. */
static size_t copy_present(mlk_cvec x, double *out)
{
    size_t n = 0;
    for (size_t i = 0; i < x.n; i++)
        if (!isnan(x.data[i]))
            out[n++] = x.data[i];
    return n;
}

mlk_status mlk_quantiles(mlk_cvec x, mlk_cvec q, mlk_vec out)
{
    for (size_t k = 0; k < q.n; k++)
        if (!(q.data[k] >= 0.0 && q.data[k] <= 1.0))
            return MLK_FAIL(MLK_EINVAL, "quantile %g is outside [0, 1]", q.data[k]);
    double *copy = mlk_alloc(x.n, sizeof *copy);
    if (!copy)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu values", x.n);
    const size_t n = copy_present(x, copy);
    for (size_t k = 0; n && k < q.n; k++)
        out.data[k] = mlk_quantile(copy, n, q.data[k]);
    mlk_free(copy);
    return n ? MLK_OK : MLK_FAIL(MLK_EINVAL, "no values; expected at least one");
}

mlk_status mlk_describe(mlk_cvec x, mlk_description *out)
{
    *out = (mlk_description){.min = NAN, .q1 = NAN, .median = NAN, .q3 = NAN, .max = NAN};
    out->mean = present_mean(x, &out->n);
    out->missing = x.n - out->n;
    out->sd = sqrt(mlk_variance(x, 1.0));
    if (out->n == 0)
        return MLK_OK;
    static const double q[] = {0.0, 0.25, 0.5, 0.75, 1.0};
    double values[MLK_COUNT(q)];
    MLK_TRY(mlk_quantiles(x, (mlk_cvec){q, MLK_COUNT(q)}, (mlk_vec){values, MLK_COUNT(q)}));
    out->min = values[0];
    out->q1 = values[1];
    out->median = values[2];
    out->q3 = values[3];
    out->max = values[4];
    return MLK_OK;
}
