#include <mlkit/preprocess/drift.h>

#include <math.h>
#include <mlkit/stats/distribution.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/sort.h"
#include "core/status.h"

enum {
    EDGES = 9, /* deciles */
    BINS = EDGES + 1,
    MOST_SORTED = 20000, /* rows that deciles are taken from */
    LEAST_EXPECTED = 5,  /* rows of a cell */
    MOST_WARNINGS = 5
};

/* A column: numbers have range, edges and BINS + 1 counts; categories n_levels + 1 counts. The last
 * count is that of the gaps. Bin k holds edges[k - 1] < x <= edges[k]. */
typedef struct column {
    size_t n_levels;
    double low, high;
    double edges[EDGES]; /* ascending; NaN behind the last */
    uint32_t *counts;
} column;

struct mlk_profile {
    size_t rows, cols;
    column *columns;
    mlk_scratch memory;
};

static size_t cells_of(const column *c) { return (c->n_levels ? c->n_levels : BINS) + 1; }

/* Values of column j of the data, or the target behind the last. */
typedef struct strided {
    const double *x;
    size_t n, step;
} strided;

static strided values_of(const mlk_data *data, size_t j)
{
    if (j < data->X.cols)
        return (strided){data->X.data + j, data->X.rows, data->X.ld};
    return (strided){data->y.data, data->y.n, 1};
}

/* --------------------------------------------------------------------- profiling */

static size_t cell_of(const column *c, double x)
{
    size_t k = 0;
    if (isnan(x))
        return cells_of(c) - 1;
    if (c->n_levels)
        return (size_t)x;
    while (k < EDGES && x > c->edges[k]) /* false for NaN */
        k++;
    return k;
}

typedef struct profiling {
    const mlk_data *data;
    mlk_profile *profile;
    const size_t *sample; /* rows, ascending */
    size_t n_sample;
} profiling;

static void set_edges(column *c, double *sorted, size_t n)
{
    size_t k = 0;
    mlk_sort(sorted, n);
    for (size_t q = 1; q <= EDGES && n; q++) {
        const double edge = sorted[(n - 1) * q / BINS];
        if (!k || edge > c->edges[k - 1])
            c->edges[k++] = edge;
    }
    for (; k < EDGES; k++)
        c->edges[k] = NAN;
}

static void profile_column(column *c, strided v, const profiling *p, double *sorted)
{
    if (!c->n_levels) {
        size_t n = 0;
        for (size_t i = 0; i < p->n_sample; i++) {
            const double x = v.x[p->sample[i] * v.step];
            if (!isnan(x))
                sorted[n++] = x;
        }
        set_edges(c, sorted, n);
        c->low = c->high = NAN;
        for (size_t i = 0; i < v.n; i++) {
            c->low = fmin(c->low, v.x[i * v.step]);
            c->high = fmax(c->high, v.x[i * v.step]);
        }
    }
    for (size_t i = 0; i < v.n; i++)
        c->counts[cell_of(c, v.x[i * v.step])]++;
}

static mlk_status profile_columns(void *ctx, const mlk_chunk *chunk)
{
    const profiling *p = ctx;
    double *sorted = mlk_alloc(p->n_sample, sizeof *sorted);
    if (!sorted)
        return MLK_FAIL(MLK_ENOMEM, "no memory to profile %zu rows", p->data->X.rows);
    for (size_t j = chunk->begin; j < chunk->end; j++)
        profile_column(&p->profile->columns[j], values_of(p->data, j), p, sorted);
    mlk_free(sorted);
    return MLK_OK;
}

/* An empty profile of such columns. */
static mlk_status make(const size_t *levels, size_t n_features, size_t n, size_t target_levels,
                       mlk_profile **profile)
{
    mlk_profile *p = mlk_alloc_zero(1, sizeof *p);
    *profile = p;
    if (p) {
        p->cols = n;
        p->columns = mlk_scratch_take(&p->memory, n, sizeof *p->columns);
    }
    for (size_t j = 0; p && !p->memory.failed && j < n; j++) {
        column *c = &p->columns[j];
        *c = (column){.low = NAN, .high = NAN};
        c->n_levels = j < n_features ? (levels ? levels[j] : 0) : target_levels;
        c->counts = mlk_scratch_take(&p->memory, cells_of(c), sizeof *c->counts);
        if (c->counts)
            memset(c->counts, 0, cells_of(c) * sizeof *c->counts);
    }
    if (p && !p->memory.failed)
        return MLK_OK;
    mlk_profile_free(p);
    *profile = NULL;
    return MLK_FAIL(MLK_ENOMEM, "no memory for a profile of %zu columns", n);
}

mlk_status mlk_profile_new(const mlk_data *data, const mlk_run *run, mlk_profile **profile)
{
    const size_t n = data->X.rows, want = n < MOST_SORTED ? n : MOST_SORTED;
    mlk_profile *p;
    *profile = NULL;
    if (n >= UINT32_MAX)
        return MLK_FAIL(MLK_EINVAL, "%zu rows; a profile takes fewer than 2^32 - 1", n);
    MLK_TRY(make(data->levels, data->X.cols, data->X.cols + (data->y.n > 0), data->n_classes, &p));
    p->rows = n;
    size_t *sample = mlk_alloc(want, sizeof *sample);
    mlk_status st = sample ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to profile %zu rows", n);
    if (st == MLK_OK) {
        mlk_rng rng = mlk_rng_stream(0, 0);
        size_t k = 0;
        for (size_t i = 0; i < n && k < want; i++) /* each set of rows equally likely */
            if (mlk_rng_below(&rng, n - i) < want - k)
                sample[k++] = i;
        st = mlk_parallel_for(run, p->cols, 1, profile_columns, &(profiling){data, p, sample, k});
    }
    mlk_free(sample);
    if (st != MLK_OK) {
        mlk_profile_free(p);
        return st;
    }
    *profile = p;
    return MLK_OK;
}

size_t mlk_profile_cols(const mlk_profile *profile) { return profile->cols; }

void mlk_profile_free(mlk_profile *profile)
{
    if (!profile)
        return;
    mlk_scratch_release(&profile->memory);
    mlk_free(profile);
}

/* ----------------------------------------------------------------- to and from files */

/* Numeric columns share three matrices, in their order: range, edges and counts; of each
 * categorical column the counts are a vector of their own. */
void mlk_profile_save(const mlk_profile *profile, mlk_doc *to)
{
    size_t numeric = 0, k = 0;
    for (size_t j = 0; j < profile->cols; j++)
        numeric += profile->columns[j].n_levels == 0;
    mlk_doc_put_int(to, "rows", (int64_t)profile->rows);
    double *range = mlk_doc_put_room(to, "range", MLK_F64, numeric, 2);
    double *edges = mlk_doc_put_room(to, "edges", MLK_F64, numeric, EDGES);
    uint32_t *counts = mlk_doc_put_room(to, "counts", MLK_U32, numeric, BINS + 1);
    mlk_doc *levels = mlk_doc_put_list(to, "levels");
    for (size_t j = 0; j < profile->cols && range && edges && counts; j++) {
        const column *c = &profile->columns[j];
        if (c->n_levels) {
            mlk_doc *one = mlk_doc_put_map(levels, NULL);
            mlk_doc_put_array(one, "counts", MLK_U32, c->counts, cells_of(c), 0);
            continue;
        }
        range[2 * k] = c->low;
        range[2 * k + 1] = c->high;
        memcpy(edges + k * EDGES, c->edges, sizeof c->edges);
        memcpy(counts + k * (BINS + 1), c->counts, (BINS + 1) * sizeof *counts);
        k++;
    }
}

static mlk_status take_array(const mlk_doc *from, const char *key, mlk_doc_type type, size_t rows,
                             size_t cols, mlk_doc_array *out)
{
    MLK_TRY(mlk_doc_get_array(from, key, type, out));
    if (out->rows != rows || out->cols != cols)
        return MLK_FAIL(MLK_EFORMAT, "%s: %zu x %zu values; expected %zu x %zu", key, out->rows,
                        out->cols, rows, cols);
    return MLK_OK;
}

static mlk_status take_counts(const uint32_t *counts, size_t rows, column *c)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < cells_of(c); k++)
        sum += c->counts[k] = counts[k];
    return sum == rows ? MLK_OK
                       : MLK_FAIL(MLK_EFORMAT, "a profile of %zu rows counts %llu", rows,
                                  (unsigned long long)sum);
}

static mlk_status take_numbers(const double *range, const double *edges, column *c)
{
    bool ended = false;
    c->low = range[0];
    c->high = range[1];
    if (!(c->low <= c->high) && !(isnan(c->low) && isnan(c->high)))
        return MLK_FAIL(MLK_EFORMAT, "a profile's range is %g to %g", c->low, c->high);
    for (size_t k = 0; k < EDGES; k++) {
        c->edges[k] = edges[k];
        if (!isnan(edges[k]) && (ended || (k && !(edges[k] > edges[k - 1]))))
            return MLK_FAIL(MLK_EFORMAT, "a profile's edges do not ascend");
        ended |= isnan(edges[k]);
    }
    return MLK_OK;
}

static mlk_status fill(const mlk_doc *from, mlk_profile *p)
{
    size_t numeric = 0, at_number = 0, at_level = 0;
    mlk_doc_array range, edges, counts;
    const mlk_doc *levels;
    for (size_t j = 0; j < p->cols; j++)
        numeric += p->columns[j].n_levels == 0;
    MLK_TRY(mlk_doc_get_size(from, "rows", 0, UINT32_MAX - 1, &p->rows));
    MLK_TRY(take_array(from, "range", MLK_F64, numeric, 2, &range));
    MLK_TRY(take_array(from, "edges", MLK_F64, numeric, EDGES, &edges));
    MLK_TRY(take_array(from, "counts", MLK_U32, numeric, BINS + 1, &counts));
    MLK_TRY(mlk_doc_get_list(from, "levels", &levels));
    if (mlk_doc_size(levels) != p->cols - numeric)
        return MLK_FAIL(MLK_EFORMAT, "a profile of %zu categorical columns; expected %zu",
                        mlk_doc_size(levels), p->cols - numeric);
    for (size_t j = 0; j < p->cols; j++) {
        column *c = &p->columns[j];
        if (c->n_levels) {
            mlk_doc_array of_levels;
            MLK_TRY(take_array(mlk_doc_at(levels, at_level++), "counts", MLK_U32, cells_of(c), 0,
                               &of_levels));
            MLK_TRY(take_counts(of_levels.data, p->rows, c));
            continue;
        }
        MLK_TRY(take_numbers((const double *)range.data + 2 * at_number,
                             (const double *)edges.data + EDGES * at_number, c));
        MLK_TRY(take_counts((const uint32_t *)counts.data + (BINS + 1) * at_number, p->rows, c));
        at_number++;
    }
    return MLK_OK;
}

mlk_status mlk_profile_load(const mlk_doc *from, const size_t *levels, size_t n,
                            mlk_profile **profile)
{
    mlk_profile *p;
    *profile = NULL;
    MLK_TRY(make(levels, n, n, 0, &p));
    const mlk_status st = fill(from, p);
    if (st == MLK_OK)
        *profile = p;
    else
        mlk_profile_free(p);
    return st;
}

/* --------------------------------------------------------------------- comparing */

/* Probability bound (1). */
static double outside_bound(double k, double m, double n)
{
    double p = k + 1.0;
    for (double i = 0.0; i < k && p > 1e-300; i++)
        p *= (m - i) / (n + m - i);
    return p < 1.0 ? p : 1.0;
}

/* k of m values are of levels unknown to n. Good's estimate of the share to expect, (once + 1) / (n
 * + 1), is itself uncertain, and so is how often an unknown level occurs: the variance of k less
 * its estimate is m once / n + m^2 (once + 4 twice) / n^2. The larger of binomial and normal tail.
 */
static double unknown_bound(const column *c, double k, double m, double n)
{
    double once = 0.0, twice = 0.0;
    for (size_t i = 0; i < c->n_levels; i++) {
        once += c->counts[i] == 1;
        twice += c->counts[i] == 2;
    }
    const double share = (once + 1.0) / (n + 1.0);
    if (!(k > 0.0 && share < 1.0))
        return 1.0;
    const double variance = m * share + m * m * (once + 1.0 + 4.0 * twice) / (n * n);
    return fmax(mlk_binomial_sf(k - 1.0, m, share),
                mlk_normal_sf((k - 0.5 - m * share) / sqrt(variance)));
}

/* The smaller side's share of all rows: times a cell's rows, what it expects. */
static double smaller_share(const double *before, const double *now, size_t n)
{
    double rows[2] = {0.0, 0.0};
    for (size_t k = 0; k < n; k++) {
        rows[0] += before[k];
        rows[1] += now[k];
    }
    return fmin(rows[0], rows[1]) / (rows[0] + rows[1]);
}

/* Training and new counts of the deciles and the gaps: neighbours are merged until both sides
 * expect enough. Returns how many cells are left. */
static size_t merge_neighbours(double *before, double *now, size_t n)
{
    const double share = smaller_share(before, now, n);
    size_t cells = 0;
    double a = 0.0, b = 0.0;
    for (size_t k = 0; k < n; k++) {
        a += before[k];
        b += now[k];
        if ((a + b) * share >= LEAST_EXPECTED) {
            before[cells] = a;
            now[cells++] = b;
            a = b = 0.0;
        }
    }
    if (cells && a + b > 0.0) {
        before[cells - 1] += a;
        now[cells - 1] += b;
    }
    return cells;
}

/* Of levels, and the gaps: all rare ones become one cell, with those that
 * training did not know. (Left out they would make the test unfair: what is rare counts only if
 * training happens to know it.) */
static size_t merge_rare(double *before, double *now, size_t n, double unknown)
{
    now[n] = unknown;
    const double share = smaller_share(before, now, n + 1);
    size_t cells = 0;
    double a = 0.0, b = unknown;
    for (size_t k = 0; k < n; k++) {
        if ((before[k] + now[k]) * share >= LEAST_EXPECTED) {
            before[cells] = before[k];
            now[cells++] = now[k];
        } else {
            a += before[k];
            b += now[k];
        }
    }
    if (cells && (a + b) * share < LEAST_EXPECTED) {
        before[cells - 1] += a;
        now[cells - 1] += b;
        return cells;
    }
    before[cells] = a;
    now[cells] = b;
    return cells + 1;
}

/* PSI, total variation and the test of homogeneity of merged cells. */
static void compare_mix(const double *before, const double *now, size_t cells, mlk_drift *d)
{
    double n = 0.0, m = 0.0, chi2 = 0.0;
    for (size_t k = 0; k < cells; k++) {
        n += before[k];
        m += now[k];
    }
    d->psi = d->distance = 0.0;
    d->p_mix = 1.0;
    for (size_t k = 0; cells > 1 && k < cells; k++) {
        /* Half a row more in each cell: no share is 0. */
        const double p = (before[k] + 0.5) / (n + 0.5 * (double)cells);
        const double q = (now[k] + 0.5) / (m + 0.5 * (double)cells);
        const double e = sqrt(m / n) * before[k] - sqrt(n / m) * now[k];
        d->psi += (q - p) * log(q / p);
        d->distance += 0.5 * fabs(now[k] / m - before[k] / n);
        chi2 += e * e / (before[k] + now[k]);
    }
    if (cells > 1)
        d->p_mix = mlk_chi2_sf(chi2, (double)(cells - 1));
}

typedef struct comparing {
    const mlk_profile *profile;
    const mlk_data *data;
    mlk_drift *drifts;
} comparing;

static void count_now(const column *c, strided v, double *now, double *outside)
{
    for (size_t i = 0; i < v.n; i++) {
        const double x = v.x[i * v.step];
        const bool unknown = c->n_levels && !isnan(x) && !(x >= 0.0 && x < (double)c->n_levels);
        *outside += unknown || (!c->n_levels && (x < c->low || x > c->high));
        if (!unknown)
            now[cell_of(c, x)]++;
    }
}

static mlk_status compare_column(const comparing *w, size_t j)
{
    const column *c = &w->profile->columns[j];
    const strided v = values_of(w->data, j);
    const size_t cells = cells_of(c), gaps = cells - 1;
    const double alpha = MLK_DRIFT_LEVEL / (double)w->profile->cols;
    const double rows = (double)w->profile->rows, n = rows - c->counts[gaps];
    mlk_drift *d = &w->drifts[j];
    double *before = mlk_alloc_zero(2 * (cells + 1), sizeof *before), *now = before + cells + 1;
    if (!before)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu levels", cells);
    double outside = 0.0;
    for (size_t k = 0; k < cells; k++)
        before[k] = c->counts[k];
    count_now(c, v, now, &outside);
    d->n = v.n - (size_t)now[gaps];
    d->low = c->low;
    d->high = c->high;
    d->missing = v.n ? now[gaps] / (double)v.n : NAN;
    d->missing_before = rows > 0.0 ? c->counts[gaps] / rows : NAN;
    d->outside = d->n ? outside / (double)d->n : NAN;
    d->p_outside = c->n_levels ? unknown_bound(c, outside, (double)d->n, n)
                               : outside_bound(outside, (double)d->n, n);
    compare_mix(before, now,
                c->n_levels ? merge_rare(before, now, cells, outside)
                            : merge_neighbours(before, now, cells),
                d);
    mlk_free(before);
    d->left_range = d->outside >= MLK_DRIFT_OUTSIDE && d->p_outside < alpha;
    d->changed_mix = d->psi >= MLK_DRIFT_PSI && d->p_mix < alpha;
    return MLK_OK;
}

static mlk_status compare_columns(void *ctx, const mlk_chunk *chunk)
{
    const comparing *w = ctx;
    for (size_t j = chunk->begin; j < chunk->end; j++)
        if (j < w->data->X.cols || w->data->y.n)
            MLK_TRY(compare_column(w, j));
    return MLK_OK;
}

static void warn(const mlk_run *run, const column *c, const mlk_drift *d, const char *name)
{
    const double share = 100.0 * d->outside;
    if (d->left_range && c->n_levels)
        mlk_run_warn(run,
                     "drift: '%s': %.3g %% of the values are levels that training did not know",
                     name, share);
    else if (d->left_range)
        mlk_run_warn(run,
                     "drift: '%s': %.3g %% of the values lie outside the training's %.6g to %.6g",
                     name, share, d->low, d->high);
    else if (fabs(d->missing - d->missing_before) > 0.5 * d->distance)
        mlk_run_warn(run, "drift: '%s': %.3g %% of the values are missing, %.3g %% in training",
                     name, 100.0 * d->missing, 100.0 * d->missing_before);
    else
        mlk_run_warn(run, "drift: '%s': another mix of values than in training (PSI %.2f)", name,
                     d->psi);
}

mlk_status mlk_profile_compare(const mlk_profile *profile, const mlk_data *data,
                               const char *const *names, const mlk_run *run, mlk_drift *drifts)
{
    if (profile->cols != data->X.cols && profile->cols != data->X.cols + 1)
        return MLK_FAIL(MLK_EINVAL, "%zu columns; the profile has %zu", data->X.cols,
                        profile->cols);
    for (size_t j = 0; j < profile->cols; j++)
        drifts[j] = (mlk_drift){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, false, false};
    comparing w = {profile, data, drifts};
    MLK_TRY(mlk_parallel_for(run, profile->cols, 1, compare_columns, &w));
    size_t warned = 0;
    for (size_t j = 0; names && j < profile->cols; j++)
        if ((drifts[j].left_range || drifts[j].changed_mix) && ++warned <= MOST_WARNINGS)
            warn(run, &profile->columns[j], &drifts[j], names[j]);
    if (warned > MOST_WARNINGS)
        mlk_run_warn(run, "drift: and %zu more columns", warned - MOST_WARNINGS);
    return MLK_OK;
}

void mlk_drift_report(const mlk_drift *drift, const char *name, mlk_doc *to)
{
    mlk_doc_put_text(to, "column", name);
    mlk_doc_put_int(to, "count", (int64_t)drift->n);
    mlk_doc_put_real(to, "outside", drift->outside);
    mlk_doc_put_real(to, "p_outside", drift->p_outside);
    mlk_doc_put_real(to, "low", drift->low);
    mlk_doc_put_real(to, "high", drift->high);
    mlk_doc_put_real(to, "missing", drift->missing);
    mlk_doc_put_real(to, "missing_before", drift->missing_before);
    mlk_doc_put_real(to, "psi", drift->psi);
    mlk_doc_put_real(to, "distance", drift->distance);
    mlk_doc_put_real(to, "p_mix", drift->p_mix);
    mlk_doc_put_bool(to, "left_range", drift->left_range);
    mlk_doc_put_bool(to, "changed_mix", drift->changed_mix);
}
