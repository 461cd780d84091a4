#include <mlkit/selection/compare.h>

#include <math.h>
#include <string.h>

#include <mlkit/stats/describe.h>
#include <mlkit/stats/distribution.h>

#include "core/alloc.h"
#include "core/sort.h"
#include "core/status.h"

enum { EXACT_WILCOXON = 60, EXACT_MCNEMAR = 1000 };

static mlk_test nothing(void)
{
    const double nan = (double)NAN;
    return (mlk_test){nan, nan, nan, nan, nan, nan, nan, nan};
}

/* t = estimate / error, 0 / 0 being no difference at all. */
static mlk_test t_test(double estimate, double error, double df, double level)
{
    mlk_test r = nothing();
    const double half = error * mlk_t_upper(0.5 * (1.0 - level), df);
    r.df = df;
    r.estimate = estimate;
    r.low = estimate - half;
    r.high = estimate + half;
    r.statistic = estimate == 0.0 ? 0.0 : estimate / error;
    r.p = estimate == 0.0 ? 1.0 : fmin(1.0, 2.0 * mlk_t_sf(fabs(r.statistic), df));
    return r;
}

mlk_test mlk_corrected_t_test(mlk_cvec d, double test_over_train, double level)
{
    const double n = (double)d.n, mean = mlk_mean(d), var = mlk_variance(d, 1.0);
    for (size_t i = 0; i < d.n; i++)
        if (isnan(d.data[i]))
            return nothing();
    if (d.n < 2)
        return nothing();
    mlk_test r = t_test(mean, sqrt((1.0 / n + test_over_train) * var), n - 1.0, level);
    r.effect = mean == 0.0 ? 0.0 : mean / sqrt(var);
    return r;
}

mlk_test mlk_mcnemar_test(size_t n01, size_t n10)
{
    mlk_test r = nothing();
    const size_t n = n01 + n10, less = n01 < n10 ? n01 : n10;
    r.statistic = (double)less;
    r.effect = (double)n01 / (double)n10;
    r.estimate = n ? ((double)n01 - (double)n10) / (double)n : 0.0;
    if (n <= EXACT_MCNEMAR) {
        r.p = n ? fmin(1.0, 2.0 * mlk_binomial_cdf((double)less, (double)n, 0.5)) : 1.0;
        return r;
    }
    const double gap = fmax(0.0, (double)(n - 2 * less) - 1.0);
    r.statistic = gap * gap / (double)n;
    r.df = 1.0;
    r.p = mlk_chi2_sf(r.statistic, 1.0);
    return r;
}

void mlk_disagreements(mlk_cvec truth, mlk_cvec a, mlk_cvec b, size_t *n01, size_t *n10)
{
    *n01 = *n10 = 0;
    for (size_t i = 0; i < truth.n; i++) {
        if (isnan(a.data[i]) || isnan(b.data[i]))
            continue;
        const bool first = a.data[i] == truth.data[i], second = b.data[i] == truth.data[i];
        *n01 += first && !second;
        *n10 += second && !first;
    }
}

mlk_test mlk_5x2cv_f_test(mlk_cvec d)
{
    mlk_test r = nothing();
    double squares = 0.0, variances = 0.0;
    if (d.n != 10)
        return r;
    for (size_t i = 0; i < 10; i += 2) {
        const double a = d.data[i], b = d.data[i + 1], mean = 0.5 * (a + b);
        squares += a * a + b * b;
        variances += (a - mean) * (a - mean) + (b - mean) * (b - mean);
    }
    r.estimate = mlk_mean(d);
    r.df = 10.0;
    r.df2 = 5.0;
    r.statistic = squares == 0.0 ? 0.0 : squares / (2.0 * variances);
    r.p = squares == 0.0 ? 1.0 : mlk_f_sf(r.statistic, 10.0, 5.0);
    return r;
}

/* --------------------------------------------------------------- signed ranks */

/* Mean ranks of v (1 = smallest) times two, so that they are whole numbers; *ties = sum t^3 - t
 * over groups of t equal values. */
static mlk_status double_ranks(const double *v, size_t n, size_t *order, double *rank, double *ties)
{
    MLK_TRY(mlk_argsort(v, n, order));
    *ties = 0.0;
    for (size_t i = 0, t; i < n; i += t) {
        for (t = 1; i + t < n && v[order[i + t]] == v[order[i]];)
            t++;
        for (size_t k = i; k < i + t; k++)
            rank[order[k]] = (double)(2 * i + t + 1);
        *ties += (double)(t * t * t - t);
    }
    return MLK_OK;
}

/* P(sum of a random subset of the n whole numbers <= sum), each subset equally likely. `p` has a
 * place for each sum up to the total. */
static double subset_sum_cdf(const double *rank, size_t n, double sum, double *p, size_t total)
{
    double cdf = 0.0;
    memset(p, 0, (total + 1) * sizeof *p);
    p[0] = 1.0;
    for (size_t i = 0; i < n; i++) {
        const size_t r = (size_t)rank[i];
        for (size_t s = total + 1; s-- > 0;)
            p[s] = 0.5 * (p[s] + (s >= r ? p[s - r] : 0.0));
    }
    for (size_t s = 0; s <= total && (double)s <= sum; s++)
        cdf += p[s];
    return cdf;
}

/* From n differences without zeros, all in units of half a rank. */
static mlk_status signed_ranks(const double *d, size_t n, mlk_scratch *scratch, mlk_test *out)
{
    const size_t total = n * (n + 1); /* of the doubled ranks */
    double *size = mlk_scratch_take(scratch, n, sizeof *size);
    double *rank = mlk_scratch_take(scratch, n, sizeof *rank);
    size_t *order = mlk_scratch_take(scratch, n, sizeof *order);
    double *p = mlk_scratch_take(scratch, n <= EXACT_WILCOXON ? total + 1 : 1, sizeof *p);
    double plus = 0.0, ties;
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu ranks", n);
    for (size_t i = 0; i < n; i++)
        size[i] = fabs(d[i]);
    MLK_TRY(double_ranks(size, n, order, rank, &ties));
    for (size_t i = 0; i < n; i++)
        plus += d[i] > 0.0 ? rank[i] : 0.0;
    const double less = fmin(plus, (double)total - plus), m = (double)n;
    out->statistic = 0.5 * less;
    out->effect = (2.0 * plus - (double)total) / (double)total;
    if (n <= EXACT_WILCOXON) {
        out->p = fmin(1.0, 2.0 * subset_sum_cdf(rank, n, less, p, total));
    } else {
        const double var = m * (m + 1.0) * (2.0 * m + 1.0) / 24.0 - ties / 48.0;
        const double z = (0.5 * less - 0.25 * (double)total + 0.5) / sqrt(var);
        out->p = fmin(1.0, 2.0 * mlk_normal_cdf(z));
    }
    return MLK_OK;
}

mlk_status mlk_wilcoxon_test(mlk_cvec d, mlk_test *out)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *kept = mlk_scratch_take(&scratch, d.n, sizeof *kept);
    double *copy = mlk_scratch_take(&scratch, d.n, sizeof *copy);
    size_t n = 0;
    bool defined = d.n > 0;
    mlk_status st = MLK_OK;
    *out = nothing();
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu differences", d.n);
    for (size_t i = 0; st == MLK_OK && i < d.n; i++) {
        copy[i] = kept[n] = d.data[i];
        defined &= !isnan(d.data[i]);
        n += d.data[i] != 0.0;
    }
    if (st == MLK_OK && defined) {
        out->estimate = mlk_quantile(copy, d.n, 0.5);
        out->statistic = out->effect = 0.0;
        out->p = 1.0;
        if (n)
            st = signed_ranks(kept, n, &scratch, out);
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_holm(mlk_cvec p, mlk_vec adjusted)
{
    size_t *order = mlk_alloc(p.n, sizeof *order), m = 0;
    double floor = 0.0;
    if (!order)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu p-values", p.n);
    const mlk_status st = mlk_argsort(p.data, p.n, order);
    for (size_t i = 0; i < p.n; i++) {
        adjusted.data[i] = (double)NAN;
        m += !isnan(p.data[i]);
    }
    for (size_t k = 0; st == MLK_OK && k < m; k++) { /* NaN come last */
        floor = fmax(floor, fmin(1.0, (double)(m - k) * p.data[order[k]]));
        adjusted.data[order[k]] = floor;
    }
    mlk_free(order);
    return st;
}

/* ---------------------------------------------------- candidates of a table */

typedef struct comparison {
    const mlk_cv *cv;
    size_t m, n, best;
    double level;
    mlk_standing *out;
} comparison;

static mlk_status rank_all(comparison *c, double *key, size_t *order)
{
    const mlk_metric *metric = mlk_cv_metric(c->cv, c->m);
    for (size_t i = 0; i < c->n; i++) {
        const mlk_cv_summary s = mlk_cv_summarise(c->cv, i, c->m);
        const mlk_test t =
            mlk_corrected_t_test(mlk_cv_values(c->cv, i, c->m), mlk_cv_ratio(c->cv), c->level);
        c->out[i] = (mlk_standing){.mean = s.mean, .sd = s.sd};
        c->out[i].low = t.low < metric->least ? metric->least : t.low;
        c->out[i].high = t.high > metric->greatest ? metric->greatest : t.high;
        c->out[i].versus_best = nothing();
        key[i] = metric->greater_is_better ? -s.mean : s.mean;
    }
    MLK_TRY(mlk_argsort(key, c->n, order));
    for (size_t i = 0; i < c->n; i++)
        c->out[order[i]].rank = i + 1;
    c->best = order[0];
    return MLK_OK;
}

static mlk_status test_all(const comparison *c, double *differences, double *p, double *adjusted)
{
    const mlk_cvec best = mlk_cv_values(c->cv, c->best, c->m);
    for (size_t i = 0; i < c->n; i++) {
        const mlk_cvec mine = mlk_cv_values(c->cv, i, c->m);
        for (size_t s = 0; s < best.n; s++)
            differences[s] = best.data[s] - mine.data[s];
        if (i != c->best)
            c->out[i].versus_best = mlk_corrected_t_test((mlk_cvec){differences, best.n},
                                                         mlk_cv_ratio(c->cv), c->level);
        p[i] = c->out[i].versus_best.p;
    }
    MLK_TRY(mlk_holm((mlk_cvec){p, c->n}, (mlk_vec){adjusted, c->n}));
    for (size_t i = 0; i < c->n; i++)
        c->out[i].p_holm = adjusted[i];
    return MLK_OK;
}

mlk_status mlk_compare(const mlk_cv *cv, size_t m, double level, mlk_standing *standings)
{
    comparison c = {cv, m, mlk_cv_candidates(cv), 0, level, standings};
    if (!(level > 0.0 && level < 1.0))
        return MLK_FAIL(MLK_EINVAL, "level = %g is outside (0, 1)", level);
    if (m >= mlk_cv_metrics(cv))
        return MLK_FAIL(MLK_EINVAL, "metric %zu of %zu does not exist", m, mlk_cv_metrics(cv));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *key = mlk_scratch_take(&scratch, c.n, sizeof *key);
    double *adjusted = mlk_scratch_take(&scratch, c.n, sizeof *adjusted);
    double *differences = mlk_scratch_take(&scratch, mlk_cv_splits(cv), sizeof *differences);
    size_t *order = mlk_scratch_take(&scratch, c.n, sizeof *order);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu candidates", c.n)
                                   : rank_all(&c, key, order);
    if (st == MLK_OK)
        st = test_all(&c, differences, key, adjusted);
    mlk_scratch_release(&scratch);
    return st;
}
