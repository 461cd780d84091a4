#include "ensemble/gbdt_loss.h"

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"
#include "core/vmath.h"

enum {
    BLOCK = 512,        /* rows whose derivatives stay in the cache until they are rounded */
    GRAIN = 64 * BLOCK, /* rows a chunk */
    G_BITS = 30,
    SUM_BITS = 62
};

/* Derivatives of a block of rows and one score; of the softmax, of one class. */
typedef struct block {
    double g[BLOCK], h[BLOCK], loss[BLOCK];
    double top[BLOCK], total[BLOCK]; /* softmax: largest score, sum of exp(score - top) */
} block;

/* -------------------------------------------------------------------- derivatives */

MLK_VECTOR static void squared_error(const double *y, const double *f, size_t n, block *b)
{
    for (size_t i = 0; i < n; i++) {
        const double e = f[i] - y[i];
        b->g[i] = e;
        b->h[i] = 1.0;
        b->loss[i] = 0.5 * e * e;
    }
}

MLK_VECTOR static void pinball(const double *y, const double *f, size_t n, double q, double unit,
                               block *b)
{
    for (size_t i = 0; i < n; i++) {
        const double e = y[i] - f[i];
        const double slope = e > 0.0 ? q : e < 0.0 ? q - 1.0 : 0.0;
        b->g[i] = -unit * slope;
        b->h[i] = 1.0;
        b->loss[i] = unit * slope * e;
    }
}

MLK_VECTOR static void poisson(const double *y, const double *f, size_t n, block *b)
{
    for (size_t i = 0; i < n; i++) {
        const double mean = mlk_exp(f[i]);
        b->g[i] = mean - y[i];
        b->h[i] = mean;
        b->loss[i] = mean - y[i] * f[i];
    }
}

/* p = 1/(1 + exp(-f)) by the exponential of -|f|, so that nothing overflows. */
MLK_SIMD static void logistic(const double *y, const double *f, size_t n, block *b)
{
    for (size_t i = 0; i < n; i++) {
        const double away = fabs(f[i]), e = mlk_exp(-away), small = e / (1.0 + e);
        const double p = f[i] < 0.0 ? small : 1.0 - small;
        const double wrong = y[i] > 0.5 ? -f[i] : f[i]; /* log(1 + exp(wrong)) */
        b->g[i] = p - y[i];
        b->h[i] = small * (1.0 - small);
        b->loss[i] = (wrong > 0.0 ? wrong : 0.0) + mlk_log1p_finite(e);
    }
}

MLK_SIMD static void softmax_begin(const double *f, size_t stride, size_t k, size_t n, block *b)
{
    for (size_t i = 0; i < n; i++) {
        b->top[i] = f[i];
        b->total[i] = 0.0;
    }
    for (size_t c = 1; c < k; c++)
        for (size_t i = 0; i < n; i++)
            b->top[i] = f[c * stride + i] > b->top[i] ? f[c * stride + i] : b->top[i];
    for (size_t c = 0; c < k; c++)
        for (size_t i = 0; i < n; i++)
            b->total[i] += mlk_exp(f[c * stride + i] - b->top[i]);
    for (size_t i = 0; i < n; i++)
        b->loss[i] = b->top[i] + mlk_log1p_finite(b->total[i] - 1.0);
}

MLK_SIMD static void softmax_class(const double *y, const double *f, size_t n, double c, block *b)
{
    for (size_t i = 0; i < n; i++) {
        const double p = mlk_exp(f[i] - b->top[i]) / b->total[i], hit = y[i] == c ? 1.0 : 0.0;
        b->g[i] = p - hit;
        b->h[i] = p * (1.0 - p);
        b->loss[i] -= hit * f[i];
    }
}

static void derivatives(const gbdt_loss *l, const double *y, const double *f, size_t stride,
                        size_t c, size_t n, block *b)
{
    if (l->kind == MLK_GBDT_SQUARED_ERROR) {
        squared_error(y, f, n, b);
    } else if (l->kind == MLK_GBDT_ABSOLUTE_ERROR) {
        pinball(y, f, n, 0.5, 2.0, b);
    } else if (l->kind == MLK_GBDT_QUANTILE) {
        pinball(y, f, n, l->quantile, 1.0, b);
    } else if (l->kind == MLK_GBDT_POISSON) {
        poisson(y, f, n, b);
    } else if (l->k == 1) {
        logistic(y, f, n, b);
    } else {
        if (c == 0)
            softmax_begin(f, stride, l->k, n, b);
        softmax_class(y, f + c * stride, n, (double)c, b);
    }
}

double mlk_gbdt_loss_at(const gbdt_loss *l, double y, const double *score, double *g, double *h)
{
    block b;
    for (size_t c = 0; c < l->k; c++) {
        derivatives(l, &y, score, 1, c, 1, &b);
        g[c] = b.g[0];
        h[c] = b.h[0];
    }
    return b.loss[0];
}

/* -------------------------------------------------------------------- fixed point */

/* A weight of 0 leaves nothing, not even of an infinity. */
static inline double weighed(double v, double w) { return w > 0.0 ? v * w : 0.0; }

/* Weighted, in units: g to the nearest, h likewise but at least 1. */
MLK_SIMD static void round_block(const block *b, const double *w, size_t n, double g_scale,
                                 double h_scale, gbdt_grad *out)
{
    for (size_t i = 0; i < n; i++) {
        const double g = weighed(b->g[i], w[i]) * g_scale,
                     h = weighed(b->h[i], w[i]) * h_scale + 0.5;
        out[i].g = (int32_t)(g + (g < 0.0 ? -0.5 : 0.5));
        out[i].h = (uint32_t)(int32_t)(h < 1.0 ? 1.0 : h);
    }
}

/* Eight sums, so that they need not wait for each other. */
MLK_VECTOR static double weighted_sum(const double *v, const double *w, size_t n)
{
    double sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += weighed(v[i + k], w[i + k]);
    for (; i < n; i++)
        sum[0] += weighed(v[i], w[i]);
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

typedef struct pass {
    const gbdt_loss *loss;
    gbdt_state *state;
    double g_scale, h_scale;
    double *part; /* of each chunk: sums of the losses, or a maximum */
} pass;

static mlk_status derive_rows(void *ctx, const mlk_chunk *chunk)
{
    const pass *p = ctx;
    const gbdt_state *s = p->state;
    double train = 0.0, valid = 0.0;
    block b;
    for (size_t i = chunk->begin; i < chunk->end; i += BLOCK) {
        const size_t n = chunk->end - i < BLOCK ? chunk->end - i : BLOCK;
        for (size_t c = 0; c < p->loss->k; c++) {
            derivatives(p->loss, s->y + i, s->score + i, s->n, c, n, &b);
            round_block(&b, s->train + i, n, p->g_scale, p->h_scale, s->grad + c * s->n + i);
        }
        train += weighted_sum(b.loss, s->train + i, n);
        if (s->valid)
            valid += weighted_sum(b.loss, s->valid + i, n);
    }
    p->part[2 * chunk->index] = train;
    p->part[2 * chunk->index + 1] = valid;
    return MLK_OK;
}

/* What bounds the derivatives: largest |y - f|, or largest f. */
MLK_VECTOR static double largest_error(const double *y, const double *f, const double *w, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double e = w[i] > 0.0 ? fabs(y[i] - f[i]) : 0.0;
        most = e > most ? e : most;
    }
    return most;
}

MLK_VECTOR static double largest_mean(const double *y, const double *f, const double *w, size_t n)
{
    double score = -745.0, target = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double a = w[i] > 0.0 ? f[i] : -745.0, t = w[i] > 0.0 ? y[i] : 0.0;
        score = a > score ? a : score;
        target = t > target ? t : target;
    }
    return fmax(exp(score), target);
}

static mlk_status bound_rows(void *ctx, const mlk_chunk *chunk)
{
    const pass *p = ctx;
    const gbdt_state *s = p->state;
    const size_t i = chunk->begin, n = chunk->end - i;
    p->part[chunk->index] = p->loss->kind == MLK_GBDT_POISSON
                                ? largest_mean(s->y + i, s->score + i, s->train + i, n)
                                : largest_error(s->y + i, s->score + i, s->train + i, n);
    return MLK_OK;
}

/* 2^bits over a power of two beyond `most`: most * scale < 2^bits. */
static double scale_for(double most, int bits)
{
    int e;
    frexp(most, &e);
    return most > 0.0 ? ldexp(1.0, bits - (e > -900 ? e : -900)) : 1.0;
}

/* Bounds of |g| and h over all rows: known for most losses. */
static mlk_status bound(const pass *p, const mlk_run *run, double *g, double *h)
{
    const gbdt_state *s = p->state;
    *g = *h = s->most_weight;
    if (p->loss->kind == MLK_GBDT_LOG_LOSS)
        *h *= 0.25;
    if (p->loss->kind != MLK_GBDT_SQUARED_ERROR && p->loss->kind != MLK_GBDT_POISSON)
        return MLK_OK;
    MLK_TRY(mlk_parallel_for(run, s->n, GRAIN, bound_rows, (void *)(uintptr_t)p));
    double most = 0.0;
    for (size_t k = 0; k < mlk_chunks(s->n, GRAIN); k++)
        most = fmax(most, p->part[k]);
    *g = most * s->most_weight;
    if (p->loss->kind == MLK_GBDT_POISSON)
        *h = *g;
    return isfinite(*g) ? MLK_OK
                        : MLK_FAIL(MLK_EINVAL, "the scores of gbdt are no longer finite; expected "
                                               "a smaller learning_rate or target");
}

mlk_status mlk_gbdt_derive(const gbdt_loss *loss, gbdt_state *s, const mlk_run *run)
{
    const size_t chunks = mlk_chunks(s->n, GRAIN);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    pass p = {.loss = loss, .state = s, .part = mlk_scratch_take(&scratch, chunks, 16)};
    double g, h;
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for derivatives") : bound(&p, run, &g, &h);
    if (st == MLK_OK) {
        const int h_bits = 64 - 2 * (int)s->count_bits;
        p.g_scale = scale_for(g, G_BITS);
        p.h_scale = scale_for(h, h_bits < G_BITS ? h_bits : G_BITS);
        s->g_unit = 1.0 / p.g_scale;
        s->h_unit = 1.0 / p.h_scale;
        st = mlk_parallel_for(run, s->n, GRAIN, derive_rows, &p);
    }
    s->train_loss = s->valid_loss = 0.0;
    for (size_t k = 0; st == MLK_OK && k < chunks; k++) {
        s->train_loss += p.part[2 * k] / s->train_sum;
        if (s->valid)
            s->valid_loss += p.part[2 * k + 1] / s->valid_sum;
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ---------------------------------------------------------------------- constants */

/* Weighted mean of v over rows, from the smallest value up and in fixed point: exact sums, so the
 * order of the rows does not matter, and a constant is its own mean. */
static double exact_mean(const gbdt_state *s, const uint32_t *rows, size_t n)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, s->y[rows[i]]);
        most = fmax(most, s->y[rows[i]]);
    }
    const int bits = SUM_BITS - (int)s->count_bits;
    const double unit = scale_for(s->most_weight, 0), half = 0.5 * most - 0.5 * least;
    const double w_scale = scale_for(1.0, bits), scale = scale_for(half, bits);
    int64_t sum = 0, weights = 0;
    for (size_t i = 0; i < n; i++) {
        const double w = s->train[rows[i]] * unit;
        sum += (int64_t)((0.5 * s->y[rows[i]] - 0.5 * least) * w * scale);
        weights += (int64_t)(w * w_scale);
    }
    return weights > 0 ? least + 2.0 * (((double)sum / scale) / ((double)weights / w_scale))
                       : least;
}

/* Share of the weights of class c, kept off 0 and 1. */
static double share_of(const gbdt_state *s, const uint32_t *rows, size_t n, double c)
{
    const double w_scale = scale_for(s->most_weight, SUM_BITS - (int)s->count_bits);
    int64_t hit = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t w = (int64_t)(s->train[rows[i]] * w_scale);
        all += w;
        hit += s->y[rows[i]] == c ? w : 0;
    }
    const double share = all > 0 ? (double)hit / (double)all : 0.5;
    return fmin(fmax(share, 1e-15), 1.0 - 1e-15);
}

/*
 * The smallest v with at least a share q of the weight at or below it; midway to the next value
 * where the share is exactly q. Values and weights are permuted.
 */
static double plain_quantile(double *v, size_t n, double q)
{
    const double at = q * (double)n;
    size_t k = (size_t)ceil(at);
    k = k ? k - 1 : 0;
    k = k < n ? k : n - 1;
    const double here = mlk_select(v, n, k);
    if (at != floor(at) || k + 1 >= n)
        return here;
    double next = INFINITY;
    for (size_t i = k + 1; i < n; i++)
        next = fmin(next, v[i]);
    return 0.5 * here + 0.5 * next;
}

static void sift(double *v, double *w, size_t at, size_t n)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && v[child + 1] > v[child])
            child++;
        if (v[at] >= v[child])
            return;
        const double x = v[at], y = w[at];
        v[at] = v[child];
        w[at] = w[child];
        v[child] = x;
        w[child] = y;
    }
}

static void sort_with_weights(double *v, double *w, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(v, w, i, n);
    for (size_t end = n; end-- > 1;) {
        const double x = v[0], y = w[0];
        v[0] = v[end];
        w[0] = w[end];
        v[end] = x;
        w[end] = y;
        sift(v, w, 0, end);
    }
}

static double weighted_quantile(double *v, double *w, size_t n, double q)
{
    double all = 0.0, sum = 0.0;
    sort_with_weights(v, w, n);
    for (size_t i = 0; i < n; i++)
        all += w[i];
    for (size_t i = 0; i + 1 < n; i++) {
        sum += w[i];
        if (sum > q * all)
            return v[i];
        if (sum == q * all)
            return 0.5 * v[i] + 0.5 * v[i + 1];
    }
    return v[n - 1];
}

double mlk_gbdt_renewed(const gbdt_loss *loss, const gbdt_state *s, const uint32_t *rows, size_t n,
                        double *scratch)
{
    bool plain = true;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = s->y[rows[i]] - s->score[rows[i]];
        scratch[n + i] = s->train[rows[i]];
        plain &= scratch[n + i] == scratch[n];
    }
    return plain ? plain_quantile(scratch, n, loss->quantile)
                 : weighted_quantile(scratch, scratch + n, n, loss->quantile);
}

mlk_status mlk_gbdt_base_scores(const gbdt_loss *loss, const gbdt_state *s, const uint32_t *rows,
                                size_t n, double *base)
{
    if (mlk_gbdt_renews(loss)) { /* the scores are 0 */
        double *scratch = mlk_alloc(n, 2 * sizeof *scratch);
        if (!scratch)
            return MLK_FAIL(MLK_ENOMEM, "no memory for %zu residuals", n);
        base[0] = mlk_gbdt_renewed(loss, s, rows, n, scratch);
        mlk_free(scratch);
    } else if (loss->kind == MLK_GBDT_SQUARED_ERROR) {
        base[0] = exact_mean(s, rows, n);
    } else if (loss->kind == MLK_GBDT_POISSON) {
        const double mean = exact_mean(s, rows, n);
        if (!(mean > 0.0))
            return MLK_FAIL(MLK_EINVAL, "the target sums to %g; the Poisson loss expects more",
                            mean);
        base[0] = log(mean);
    } else if (loss->k == 1) {
        const double p = share_of(s, rows, n, 1.0);
        base[0] = log(p / (1.0 - p));
    } else {
        for (size_t c = 0; c < loss->k; c++)
            base[c] = log(share_of(s, rows, n, (double)c));
    }
    return MLK_OK;
}
