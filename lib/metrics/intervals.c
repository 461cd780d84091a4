#include "metrics/work.h"

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "core/simd.h"
#include "core/sort.h"
#include "linalg/linalg.h"

static const double z95 = 1.959963984540054; /* Phi^-1(0.975) */

/* ----------------------------------------------------------------- wilson */

static void wilson(double share, double n, mlk_score *s)
{
    const double z2 = z95 * z95 / n, center = (share + 0.5 * z2) / (1.0 + z2);
    const double half = z95 / (1.0 + z2) * sqrt(share * (1.0 - share) / n + 0.25 * z2 / n);
    s->low = share <= 0.0 ? 0.0 : fmax(center - half, 0.0);
    s->high = share >= 1.0 ? 1.0 : fmin(center + half, 1.0);
}

/* Kish's number of rows among the cells i..: (sum w)^2 / sum w^2; `step` apart, `n` of them. */
static double kish(const cells *c, size_t first, size_t step, size_t n)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += c->count[first + i * step];
        squares += c->square ? c->square[first + i * step] : 0.0;
    }
    return c->square ? sum / squares * sum : sum;
}

/* Rows that the denominator of a proportion counts. */
static double denominator_rows(const metric_row *row, const work *k)
{
    const cells *c = &k->cells; /* a rate of one class has two classes: class 1 is positive */
    if (row->of_cells != mlk_of_rate || row->average == AVERAGE_MICRO)
        return k->n_eff;
    return row->rate == RATE_PRECISION ? kish(c, 1, 2, 2)
                                       : kish(c, row->rate == RATE_RECALL ? 2 : 0, 1, 2);
}

/* ------------------------------------------------------------------- rank */

/* The fewest rows of any class, by Kish. */
static double smallest_class(const work *k, bool positive_only)
{
    double least = (double)INFINITY;
    for (size_t c = positive_only; c < k->p->n_classes; c++) {
        double w = 0.0, w2 = 0.0;
        for (size_t i = 0; i < k->n; i++) {
            const double wi = k->p->truth.data[i] == (double)c ? mlk_row_weight(k->p, i) : 0.0;
            w += wi;
            w2 += wi * wi;
        }
        least = fmin(least, w / w2 * w);
    }
    return least;
}

/* theta +- z se on the logit scale, which keeps it inside (0, 1). Where the data is separated
 * without an error there is no variance to see: then the bound of that many proportions. */
static void logit_interval(const work *k, double variance, double z, bool positive_only,
                           mlk_score *s)
{
    const double theta = s->value, slope = theta * (1.0 - theta);
    if (!(slope > 0.0 && variance > 0.0)) {
        wilson(theta, smallest_class(k, positive_only), s);
        return;
    }
    const double at = log(theta / (1.0 - theta)), half = z * sqrt(variance) / slope;
    s->low = 1.0 / (1.0 + exp(half - at));
    s->high = 1.0 / (1.0 + exp(-half - at));
}

/* -------------------------------------------------------------------- bca */

static double phi(double z) { return 0.5 * erfc(-z * 0x1.6a09e667f3bcdp-1); }

/* Phi^-1(p), 0 < p < 1: Newton from 0, where Phi bends so that the steps never overshoot. */
static double phi_inverse(double p)
{
    double z = 0.0;
    for (int i = 0; i < 100; i++) {
        const double step = (p - phi(z)) * sqrt(2.0 * M_PI) * exp(0.5 * z * z);
        z += step;
        if (fabs(step) <= 1e-12 * (1.0 + fabs(z)))
            break;
    }
    return z;
}

/* Bias-corrected and accelerated percentiles [Efron 1987] of the n replicates t (permuted; NaN
 * where the metric was not defined) around the value, with acceleration a and critical value z. */
static void bca(double *t, size_t n, double a, double z, mlk_score *s)
{
    double below = 0.0;
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(t[i]))
            t[m++] = t[i];
    if (2 * m < n) /* mostly undefined */
        return;
    for (size_t i = 0; i < m; i++)
        below += t[i] < s->value ? 1.0 : t[i] == s->value ? 0.5 : 0.0;
    const double edge = 0.5 / (double)m;
    const double z0 = phi_inverse(fmin(fmax(below / (double)m, edge), 1.0 - edge));
    const double zl = z0 - z, zh = z0 + z;
    mlk_sort(t, m);
    s->low = mlk_quantile(t, m, phi(z0 + zl / (1.0 - a * zl)));
    s->high = mlk_quantile(t, m, phi(z0 + zh / (1.0 - a * zh)));
}

/* Sums over the jackknife that give the acceleration. What is made of them has no unit, so the
 * deviations are summed as shares of the largest: their powers neither overflow nor vanish. */
typedef struct jackknife {
    double n, mean, least, greatest, squares, cubes, fourths;
} jackknife;

static const jackknife no_values = {.least = (double)INFINITY, .greatest = -(double)INFINITY};

static void add_value(jackknife *j, double v, double times)
{
    j->n += times;
    j->mean += times / j->n * (v - j->mean);
    j->least = fmin(j->least, v);
    j->greatest = fmax(j->greatest, v);
}

static void add_deviation(jackknife *j, double v, double times)
{
    const double largest = fmax(j->greatest - j->mean, j->mean - j->least);
    const double d = largest > 0.0 ? (j->mean - v) / largest : 0.0;
    j->squares += times * d * d;
    j->cubes += times * d * d * d;
    j->fourths += times * d * d * d * d;
}

static double acceleration(const jackknife *j)
{
    return j->squares > 0.0 ? j->cubes / (6.0 * pow(j->squares, 1.5)) : 0.0;
}

/* Student's quantile instead of the normal one (Cornish-Fisher), for a variance that is itself
 * estimated: with kurtosis k of the influences its relative variance is (k - 1) / n, as if of
 * 2 n / (k - 1) degrees of freedom. Errors with long tails need it (bench/bench_coverage.c). */
static double widened(const jackknife *j)
{
    if (!(j->squares > 0.0))
        return z95;
    const double excess = j->fourths / (j->squares * j->squares) * j->n - 1.0;
    return z95 + (z95 * z95 * z95 + z95) / 4.0 * excess / (2.0 * j->n);
}

static void rank_interval(const work *k, const metric_row *row, mlk_score *s)
{
    const ranking *r = &k->rank;
    const double *auc = row->of_work == mlk_of_auc       ? r->phi_auc
                        : row->of_work == mlk_of_auc_ovr ? r->phi_ovr
                        : row->of_work == mlk_of_auc_ovo ? r->phi_ovo
                                                         : NULL;
    if (auc) {
        logit_interval(k, mlk_variance_by_class(k, auc), z95, false, s);
        return;
    }
    const bool one = row->of_work == mlk_of_ap;
    const double *ap = one ? r->phi_ap : r->phi_ap_macro;
    jackknife jack = {.n = k->n_eff, .least = -1.0, .greatest = 1.0};
    for (size_t i = 0; i < k->n; i++)
        add_deviation(&jack, ap[i], 1.0);
    logit_interval(k, mlk_variance_overall(k, ap), widened(&jack), one, s);
}

/* ----------------------------------------------------------- poisson counts */

/* 65536 P(X >= t) of X ~ Poisson(1), rounded so that the mean stays exactly 1. */
static const uint16_t poisson_tail[] = {41427, 17317, 5263, 1244, 240, 39, 5, 1};

MLK_SIMD_TILES static void count_tails(const uint16_t *u, double *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int x = 0;
        for (size_t t = 0; t < MLK_COUNT(poisson_tail); t++)
            x += u[i] < poisson_tail[t];
        m[i] = x;
    }
}

/* n draws of Poisson(1), four from each word of the stream. */
static void poisson_ones(mlk_rng *rng, double *m, size_t n)
{
    uint16_t u[1024];
    for (size_t i = 0; i < n; i += MLK_COUNT(u)) {
        const size_t here = n - i < MLK_COUNT(u) ? n - i : MLK_COUNT(u);
        for (size_t j = 0; j < here; j += 4) {
            const uint64_t word = mlk_rng_next(rng);
            for (size_t b = 0; b < 4; b++)
                u[j + b] = (uint16_t)(word >> (16 * b));
        }
        count_tails(u, m + i, here);
    }
}

/* One draw of Poisson(mean): inversion; for larger means the normal with the Cornish-Fisher term
 * that gives it the right skewness. */
static double poisson(mlk_rng *rng, double mean)
{
    if (mean >= 16.0) {
        const double z = mlk_rng_normal(rng);
        return fmax(floor(mean + sqrt(mean) * z + (z * z - 1.0) / 6.0 + 0.5), 0.0);
    }
    double p = exp(-mean), x = 0.0;
    for (double u = mlk_rng_uniform(rng); u >= p && x < 200.0;) {
        u -= p;
        p *= mean / ++x;
    }
    return x;
}

/* -------------------------------------------------------------- bootstrap */

/* Groups of rows that are resampled: enough that the error of the variance (1 / sqrt(2 GROUPS))
 * is far below that of the replicates. */
enum { GROUPS = 2048, REPLICATES_A_CHUNK = 16 };

typedef struct bootstrap {
    const work *k;
    uint64_t seed;
    size_t n_metrics, replicates;
    const metric_row *const *rows; /* n_metrics */
    double *values;                /* n_metrics x replicates */
    mlk_mat groups;                /* SUMS: groups x n_sums */
    double *room;                  /* per worker */
    size_t room_size;
    cells *resampled; /* CELLS: per worker */
    size_t *place;    /* CELLS: the n_places that are not empty */
    size_t n_places;
} bootstrap;

/* ---- of sums */

static mlk_status sums_body(void *ctx, const mlk_chunk *chunk)
{
    const bootstrap *b = ctx;
    const size_t m = chunk->end - chunk->begin, G = b->groups.rows, q = b->groups.cols;
    double *room = b->room + chunk->worker * b->room_size;
    const mlk_mat counts = {room, m, G, G}, sums = {room + REPLICATES_A_CHUNK * G, m, q, q};
    for (size_t r = 0; r < m; r++) {
        mlk_rng rng = mlk_rng_stream(b->seed, chunk->begin + r);
        poisson_ones(&rng, counts.data + r * G, G);
    }
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(counts), mlk_mat_c(b->groups), 0.0, sums);
    for (size_t r = 0; r < m; r++) {
        const double *s = sums.data + r * q;
        for (size_t j = 0; j < b->n_metrics; j++)
            b->values[j * b->replicates + chunk->begin + r] =
                s[SUM_W] > 0.0 ? b->rows[j]->of_sums(b->k, s, NULL) : (double)NAN;
    }
    return MLK_OK;
}

/* Each row by itself, or in one of GROUPS at random: their order may mean something. */
static void sum_groups(const work *k, uint64_t seed, mlk_mat groups)
{
    mlk_rng rng = mlk_rng_stream(seed, UINT64_MAX);
    double t[N_SUMS];
    memset(groups.data, 0, groups.rows * groups.cols * sizeof(double));
    for (size_t i = 0; i < k->n; i++) {
        const size_t g = k->n <= GROUPS ? i : (size_t)(mlk_rng_next(&rng) % GROUPS);
        mlk_row_terms(k, i, t);
        for (size_t j = 0; j < groups.cols; j++)
            groups.data[g * groups.ld + j] += t[j];
    }
}

static jackknife sums_jackknife(const work *k, const metric_row *row, mlk_cmat groups)
{
    jackknife jack = no_values;
    double without[N_SUMS];
    for (int pass = 0; pass < 2; pass++)
        for (size_t g = 0; g < groups.rows; g++) {
            for (size_t j = 0; j < groups.cols; j++)
                without[j] = k->sums[j] - groups.data[g * groups.ld + j];
            const double v = without[SUM_W] > 0.0 ? row->of_sums(k, without, NULL) : (double)NAN;
            if (isnan(v))
                continue;
            if (pass == 0)
                add_value(&jack, v, 1.0);
            else
                add_deviation(&jack, v, 1.0);
        }
    return jack;
}

static mlk_status bootstrap_sums(bootstrap *b, mlk_score *const *scores)
{
    const work *k = b->k;
    const size_t G = k->n < GROUPS ? k->n : GROUPS;
    const size_t workers = mlk_workers(k->run, b->replicates, REPLICATES_A_CHUNK);
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_status st = MLK_OK;
    b->groups = mlk_scratch_mat(&s, G, k->n_sums);
    b->room_size = REPLICATES_A_CHUNK * (G + k->n_sums);
    b->room = mlk_scratch_take(&s, workers * b->room_size, sizeof *b->room);
    b->values = mlk_scratch_mat(&s, b->n_metrics, b->replicates).data;
    if (s.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu bootstrap replicates", b->replicates);
        goto out;
    }
    sum_groups(k, b->seed, b->groups);
    st = mlk_parallel_for(k->run, b->replicates, REPLICATES_A_CHUNK, sums_body, b);
    for (size_t j = 0; st == MLK_OK && j < b->n_metrics; j++) {
        const jackknife jack = sums_jackknife(k, b->rows[j], mlk_mat_c(b->groups));
        bca(b->values + j * b->replicates, b->replicates, acceleration(&jack), widened(&jack),
            scores[j]);
    }
out:
    mlk_scratch_release(&s);
    return st;
}

/* ---- of cells */

/* A cell of weight W and Kish count n holds n equal rows of weight W / n. */
static double cell_rows(const cells *c, size_t i)
{
    return c->square ? c->count[i] / c->square[i] * c->count[i] : c->count[i];
}

/* Add `weight` to cell i and its margins. */
static void add_to_cell(cells *c, size_t i, double weight)
{
    c->count[i] += weight;
    c->row[i / c->k] += weight;
    c->col[i % c->k] += weight;
    c->total += weight;
    if (i / c->k == i % c->k)
        c->trace += weight;
}

static mlk_status cells_body(void *ctx, const mlk_chunk *chunk)
{
    const bootstrap *b = ctx;
    const cells *from = &b->k->cells;
    cells *c = &b->resampled[chunk->worker];
    for (size_t r = chunk->begin; r < chunk->end; r++) {
        mlk_rng rng = mlk_rng_stream(b->seed, r);
        c->total = c->trace = 0.0;
        memset(c->row, 0, c->k * sizeof(double));
        memset(c->col, 0, c->k * sizeof(double));
        for (size_t j = 0; j < b->n_places; j++) {
            const size_t i = b->place[j];
            const double n = cell_rows(from, i);
            c->count[i] = 0.0;
            add_to_cell(c, i, from->count[i] / n * poisson(&rng, n));
        }
        for (size_t j = 0; j < b->n_metrics; j++)
            b->values[j * b->replicates + r] =
                c->total > 0.0 ? b->rows[j]->of_cells(b->rows[j], b->k, c, NULL) : (double)NAN;
    }
    return MLK_OK;
}

/* The metric without one row of cell i; the cells are left as they were. */
static double without_row(const work *k, const metric_row *row, cells *c, size_t i, double rows)
{
    const size_t r = i / c->k, s = i % c->k;
    const double count = c->count[i], in_row = c->row[r], in_col = c->col[s];
    const double total = c->total, trace = c->trace;
    add_to_cell(c, i, rows > 1.0 ? -count / rows : -count);
    const double v = c->total > 0.0 ? row->of_cells(row, k, c, NULL) : (double)NAN;
    c->count[i] = count;
    c->row[r] = in_row;
    c->col[s] = in_col;
    c->total = total;
    c->trace = trace;
    return v;
}

static jackknife cells_jackknife(const bootstrap *b, const metric_row *row, cells *c)
{
    const cells *from = &b->k->cells;
    jackknife jack = no_values;
    memcpy(c->count, from->count, from->k * from->k * sizeof(double));
    mlk_cells_margins(c);
    for (int pass = 0; pass < 2; pass++)
        for (size_t j = 0; j < b->n_places; j++) {
            const double rows = cell_rows(from, b->place[j]);
            const double v = without_row(b->k, row, c, b->place[j], rows);
            if (isnan(v))
                continue;
            if (pass == 0)
                add_value(&jack, v, rows);
            else
                add_deviation(&jack, v, rows);
        }
    return jack;
}

/* Where no row is wrong no replicate has an error to show: the least that the metric would be with
 * as many errors in one of the classes as Wilson's bound of its rows allows, which go to the others
 * by their sizes. */
static void perfect_interval(const bootstrap *b, const metric_row *row, cells *c, mlk_score *s)
{
    const cells *from = &b->k->cells;
    const size_t K = from->k;
    s->low = s->high = s->value;
    for (size_t j = 0; j < b->n_places; j++) {
        const size_t i = b->place[j], r = i / K;
        const double others = from->total - from->count[i];
        mlk_score bound;
        if (!(others > 0.0))
            continue;
        wilson(1.0, cell_rows(from, i), &bound);
        const double missed = from->count[i] * (1.0 - bound.low);
        memcpy(c->count, from->count, K * K * sizeof(double));
        for (size_t col = 0; col < K; col++)
            c->count[r * K + col] =
                col == r ? from->count[i] - missed : missed * from->row[col] / others;
        mlk_cells_margins(c);
        const double v = row->of_cells(row, b->k, c, NULL);
        s->low = fmin(s->low, v);
        s->high = fmax(s->high, v);
    }
}

static bool is_perfect(const cells *c)
{
    for (size_t i = 0; i < c->k * c->k; i++)
        if (c->count[i] > 0.0 && i / c->k != i % c->k)
            return false;
    return true;
}

static mlk_status bootstrap_cells(bootstrap *b, mlk_score *const *scores)
{
    const work *k = b->k;
    const size_t K = k->cells.k, workers = mlk_workers(k->run, b->replicates, REPLICATES_A_CHUNK);
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_status st = MLK_OK;
    b->resampled = mlk_scratch_take(&s, workers, sizeof *b->resampled);
    b->values = mlk_scratch_mat(&s, b->n_metrics, b->replicates).data;
    b->place = mlk_scratch_take(&s, K * K, sizeof *b->place);
    for (size_t w = 0; !s.failed && w < workers; w++)
        b->resampled[w] = (cells){.k = K,
                                  .count = mlk_scratch_mat(&s, K, K).data,
                                  .row = mlk_scratch_vec(&s, K).data,
                                  .col = mlk_scratch_vec(&s, K).data};
    if (s.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu bootstrap replicates", b->replicates);
        goto out;
    }
    b->n_places = 0;
    for (size_t i = 0; i < K * K; i++)
        if (k->cells.count[i] > 0.0)
            b->place[b->n_places++] = i;
    if (is_perfect(&k->cells)) {
        for (size_t j = 0; j < b->n_metrics; j++)
            perfect_interval(b, b->rows[j], &b->resampled[0], scores[j]);
        goto out;
    }
    for (size_t w = 0; w < workers; w++)
        memset(b->resampled[w].count, 0, K * K * sizeof(double));
    st = mlk_parallel_for(k->run, b->replicates, REPLICATES_A_CHUNK, cells_body, b);
    for (size_t j = 0; st == MLK_OK && j < b->n_metrics; j++) {
        const jackknife jack = cells_jackknife(b, b->rows[j], &b->resampled[0]);
        bca(b->values + j * b->replicates, b->replicates, acceleration(&jack), z95, scores[j]);
    }
out:
    mlk_scratch_release(&s);
    return st;
}

/* -------------------------------------------------------------------- all */

/* The scores of one part that the bootstrap serves, together. */
static mlk_status bootstrap_part(const work *k, enum part part, size_t replicates, uint64_t seed,
                                 mlk_score *scores, size_t n_scores)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const metric_row **rows = mlk_scratch_take(&s, n_scores, sizeof *rows);
    mlk_score **to = mlk_scratch_take(&s, n_scores, sizeof *to);
    mlk_status st = MLK_OK;
    size_t n = 0;
    if (s.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu intervals", n_scores);
    for (size_t i = 0; st == MLK_OK && i < n_scores; i++) {
        const metric_row *row = mlk_metric_row(scores[i].metric);
        if (row->interval != INTERVAL_BOOTSTRAP || row->part != part || isnan(scores[i].value))
            continue;
        rows[n] = row;
        to[n++] = &scores[i];
    }
    bootstrap b = {.k = k, .seed = seed, .n_metrics = n, .replicates = replicates, .rows = rows};
    if (st == MLK_OK && n)
        st = part == PART_SUMS ? bootstrap_sums(&b, to) : bootstrap_cells(&b, to);
    mlk_scratch_release(&s);
    return st;
}

mlk_status mlk_work_intervals(const work *k, int64_t replicates, int64_t seed, mlk_score *scores,
                              size_t n_scores)
{
    for (size_t i = 0; i < n_scores; i++) {
        mlk_score *s = &scores[i];
        const metric_row *row = mlk_metric_row(s->metric);
        if (isnan(s->value))
            continue;
        if (row->interval == INTERVAL_WILSON)
            wilson(s->value, denominator_rows(row, k), s);
        else if (row->interval == INTERVAL_RANK)
            rank_interval(k, row, s);
        else if (row->interval == INTERVAL_MEDIAN) {
            s->low = k->median_low;
            s->high = k->median_high;
        }
    }
    MLK_TRY(bootstrap_part(k, PART_SUMS, (size_t)replicates, (uint64_t)seed, scores, n_scores));
    return bootstrap_part(k, PART_CELLS, (size_t)replicates, (uint64_t)seed, scores, n_scores);
}
