#include "metrics/work.h"

#include <math.h>

#include "core/simd.h"
#include "core/sort.h"

/* ------------------------------------------------------------------- sums */

/* Without branches, so that a loop over rows becomes vector code. */
static inline void error_terms(double w, double y, double f, double center, double *t)
{
    const double e = y - f, d = y - center, away = y != 0.0 ? y : 1.0;
    t[SUM_W] = w;
    t[SUM_ABS] = w * fabs(e);
    t[SUM_SQ] = w * e * e;
    t[SUM_ERR] = w * e;
    t[SUM_Y] = w * d;
    t[SUM_YY] = w * d * d;
    t[SUM_REL] = w * fabs(e / away); /* of no use where y = 0: mape is undefined then */
    t[SUM_DEV] = w * fabs(d);
    t[SUM_SIGN] = (d < 0.0 ? w : 0.0) - (d > 0.0 ? w : 0.0);
}

void mlk_row_terms(const work *k, size_t i, double *terms)
{
    if (k->p->task == MLK_METRIC_REGRESSION)
        error_terms(mlk_row_weight(k->p, i), k->p->truth.data[i], k->p->predicted.data[i],
                    k->center, terms);
    else
        mlk_loss_terms(k, i, terms);
}

enum { LANES = 8, BLOCK = 512 };

/* Adds the terms of n rows to `sum`. */
MLK_VECTOR static void add_errors(const double *w, const double *y, const double *f, double center,
                                  size_t n, double *sum)
{
    double a[N_SUMS][LANES] = {{0}}, t[N_SUMS];
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            error_terms(w[i + l], y[i + l], f[i + l], center, t);
            for (size_t j = 0; j < N_SUMS; j++)
                a[j][l] += t[j];
        }
    for (; i < n; i++) {
        error_terms(w[i], y[i], f[i], center, t);
        for (size_t j = 0; j < N_SUMS; j++)
            a[j][0] += t[j];
    }
    for (size_t j = 0; j < N_SUMS; j++)
        sum[j] += ((a[j][0] + a[j][1]) + (a[j][2] + a[j][3])) +
                  ((a[j][4] + a[j][5]) + (a[j][6] + a[j][7]));
}

static void add_block_errors(const work *k, size_t begin, size_t end, double *sum)
{
    double ones[BLOCK];
    for (size_t j = 0; j < BLOCK; j++)
        ones[j] = 1.0;
    for (size_t i = begin; i < end; i += BLOCK)
        add_errors(k->p->w.n ? k->p->w.data + i : ones, k->p->truth.data + i,
                   k->p->predicted.data + i, k->center, end - i < BLOCK ? end - i : BLOCK, sum);
}

enum { ROWS_A_CHUNK = 16384 };

typedef struct sums_job {
    const work *k;
    double (*partial)[N_SUMS]; /* one per chunk */
    bool center;               /* first pass: only sum w y, into place SUM_Y */
} sums_job;

static mlk_status sums_body(void *ctx, const mlk_chunk *chunk)
{
    const sums_job *job = ctx;
    const work *k = job->k;
    double *sum = job->partial[chunk->index], t[N_SUMS];
    for (size_t j = 0; j < N_SUMS; j++)
        sum[j] = 0.0;
    if (job->center) {
        for (size_t i = chunk->begin; i < chunk->end; i++)
            sum[SUM_Y] += mlk_row_weight(k->p, i) * k->p->truth.data[i];
    } else if (k->p->task == MLK_METRIC_REGRESSION) {
        add_block_errors(k, chunk->begin, chunk->end, sum);
    } else {
        for (size_t i = chunk->begin; i < chunk->end; i++) {
            mlk_loss_terms(k, i, t);
            for (size_t j = 0; j < N_LOSSES; j++)
                sum[j] += t[j];
        }
    }
    return MLK_OK;
}

static mlk_status add_up(work *k, sums_job *job)
{
    MLK_TRY(mlk_parallel_for(k->run, k->n, ROWS_A_CHUNK, sums_body, job));
    for (size_t j = 0; j < N_SUMS; j++) {
        k->sums[j] = 0.0;
        for (size_t c = 0; c < mlk_chunks(k->n, ROWS_A_CHUNK); c++)
            k->sums[j] += job->partial[c][j];
    }
    return MLK_OK;
}

/* A constant truth is told from equal values, not from a sum that rounding keeps from 0. */
static bool is_constant(const mlk_predictions *p)
{
    double first = (double)NAN;
    for (size_t i = 0; i < p->truth.n; i++) {
        if (mlk_row_weight(p, i) == 0.0)
            continue;
        if (isnan(first))
            first = p->truth.data[i];
        else if (p->truth.data[i] != first)
            return false;
    }
    return true;
}

mlk_status mlk_work_sums(work *k)
{
    const bool regression = k->p->task == MLK_METRIC_REGRESSION;
    sums_job job = {k, NULL, true};
    k->n_sums = regression ? N_SUMS : N_LOSSES;
    job.partial =
        mlk_scratch_take(&k->scratch, mlk_chunks(k->n, ROWS_A_CHUNK), sizeof *job.partial);
    if (!job.partial)
        return MLK_FAIL(MLK_ENOMEM, "no memory to sum %zu rows", k->n);
    if (regression) {
        MLK_TRY(add_up(k, &job));
        k->center = k->sums[SUM_Y] / k->total;
        if (is_constant(k->p)) /* exactly, so that the sums of deviations are 0 */
            for (size_t i = 0; i < k->n; i++)
                k->center = mlk_row_weight(k->p, i) > 0.0 ? k->p->truth.data[i] : k->center;
        for (size_t i = 0; i < k->n; i++)
            k->zeros += k->p->truth.data[i] == 0.0 && mlk_row_weight(k->p, i) > 0.0;
    }
    job.center = false;
    return add_up(k, &job);
}

double mlk_of_mae(const work *k, const double *s, const mlk_note *note)
{
    (void)k, (void)note;
    return s[SUM_ABS] / s[SUM_W];
}

double mlk_of_mse(const work *k, const double *s, const mlk_note *note)
{
    (void)k, (void)note;
    return s[SUM_SQ] / s[SUM_W];
}

double mlk_of_rmse(const work *k, const double *s, const mlk_note *note)
{
    return sqrt(mlk_of_mse(k, s, note));
}

double mlk_of_mape(const work *k, const double *s, const mlk_note *note)
{
    if (k->zeros)
        return mlk_undefined(note, "the truth is 0 in %zu row%s", k->zeros,
                             k->zeros == 1 ? "" : "s");
    return s[SUM_REL] / s[SUM_W];
}

/* sum w (y - mean)^2 about the mean of these rows. */
static double spread(const double *s) { return s[SUM_YY] - s[SUM_Y] * s[SUM_Y] / s[SUM_W]; }

static double constant(const mlk_note *note)
{
    return mlk_undefined(note, "the truth is constant");
}

double mlk_of_rae(const work *k, const double *s, const mlk_note *note)
{
    (void)k;
    /* About the mean c* of a resample, sum w |y - c*| = sum w |y - c| + (c* - c) sum w sign(c - y)
     * up to a term that is O(1) in sums that are O(n). */
    const double dev = s[SUM_DEV] + s[SUM_Y] / s[SUM_W] * s[SUM_SIGN];
    return dev > 0.0 ? s[SUM_ABS] / dev : constant(note);
}

double mlk_of_rse(const work *k, const double *s, const mlk_note *note)
{
    (void)k;
    return spread(s) > 0.0 ? s[SUM_SQ] / spread(s) : constant(note);
}

double mlk_of_rrse(const work *k, const double *s, const mlk_note *note)
{
    return sqrt(mlk_of_rse(k, s, note));
}

double mlk_of_r2(const work *k, const double *s, const mlk_note *note)
{
    return 1.0 - mlk_of_rse(k, s, note);
}

double mlk_of_explained(const work *k, const double *s, const mlk_note *note)
{
    (void)k;
    const double rest = s[SUM_SQ] - s[SUM_ERR] * s[SUM_ERR] / s[SUM_W];
    return spread(s) > 0.0 ? 1.0 - fmax(rest, 0.0) / spread(s) : constant(note);
}

/* ------------------------------------------------------------------ order */

/* Smallest value with a share of at least q of the weight at or below it; where the share is
 * exactly q, the mean of it and the next: for q = 1/2 the usual median. */
static double weighted_quantile(const double *v, const size_t *order, mlk_cvec w, size_t n,
                                double total, double q)
{
    double below = 0.0;
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        const double wi = w.data[order[i]];
        if (wi == 0.0)
            continue;
        if (below == q * total && below > 0.0)
            return 0.5 * (v[order[last]] + v[order[i]]);
        below += wi;
        last = i;
        if (below > q * total)
            return v[order[i]];
    }
    return v[order[last]];
}

/* The same for equal weights, by selection. */
static double plain_quantile(double *v, size_t n, double q)
{
    const double at = q * (double)n;
    const size_t rank = at < 1.0 ? 1 : at > (double)n ? n : (size_t)ceil(at);
    const double lo = mlk_select(v, n, rank - 1);
    if (at != (double)rank || rank == n)
        return lo;
    double next = v[rank];
    for (size_t i = rank + 1; i < n; i++)
        next = v[i] < next ? v[i] : next;
    return 0.5 * (lo + next);
}

mlk_status mlk_work_order(work *k)
{
    const mlk_predictions *p = k->p;
    const size_t n = k->n;
    const mlk_vec e = mlk_scratch_vec(&k->scratch, n);
    size_t *order = p->w.n ? mlk_scratch_take(&k->scratch, n, sizeof *order) : NULL;
    if (k->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory to order %zu errors", n);
    for (size_t i = 0; i < n; i++) {
        e.data[i] = fabs(p->truth.data[i] - p->predicted.data[i]);
        if (e.data[i] > k->max_error && mlk_row_weight(p, i) > 0.0)
            k->max_error = e.data[i];
    }
    /* Woodruff (1952): the share of errors below the median is 1/2 +- z / (2 sqrt n). */
    const double half = 1.959963984540054 * 0.5 / sqrt(k->n_eff);
    const double q[3] = {0.5, fmax(0.5 - half, 0.0), fmin(0.5 + half, 1.0)};
    double *const to[3] = {&k->median, &k->median_low, &k->median_high};
    if (order)
        MLK_TRY(mlk_argsort(e.data, n, order));
    for (size_t j = 0; j < (k->intervals ? 3u : 1u); j++)
        *to[j] = order ? weighted_quantile(e.data, order, p->w, n, k->total, q[j])
                       : plain_quantile(e.data, n, q[j]);
    return MLK_OK;
}

double mlk_of_medae(const work *k, const mlk_note *note)
{
    (void)note;
    return k->median;
}

double mlk_of_max_error(const work *k, const mlk_note *note)
{
    (void)note;
    return k->max_error;
}
