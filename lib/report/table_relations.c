#include "report/table_summary_impl.h"

#include <math.h>
#include <string.h>

#include <mlkit/tree/tree.h>

#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"

enum {
    LEAST_ROWS = 20,        /* of fewer nothing is judged */
    MOST_CELLS = 1 << 20,   /* of a contingency table */
    POWER_ROWS = 5000,      /* most rows that a column's power is judged on, */
    LEAST_POWER_ROWS = 400, /* and fewest, */
    POWER_WORK = 2000000,   /* in between this over the number of columns */
    PAIR_WORK = 800000000,  /* rows x pairs; beyond it rows are sampled */
    LEAST_PAIR_ROWS = 500,
    POWER_LEAVES = 32, /* of a regression; of classes 8, or two each */
};

/* The columns that are compared, at the rows that are looked at. */
typedef struct relating {
    mlk_table_summary *s;
    const mlk_run *run;
    const size_t *rows; /* ascending */
    size_t n, p;
    column_view *views; /* p of n values or codes */
    mlk_vec *scaled;    /* complete numeric columns: centred, of length 1; else data NULL */
    mlk_scratch memory;
} relating;

static mlk_status no_memory(size_t rows)
{
    return MLK_FAIL(MLK_ENOMEM, "no memory to relate columns of %zu rows", rows);
}

/* ------------------------------------------------------------------- two columns */

MLK_VECTOR static double dot(const double *a, const double *b, size_t n)
{
    double sum[16] = {0.0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t k = 0; k < 16; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    for (size_t k = 1; k < 16; k++)
        sum[0] += sum[k];
    return sum[0];
}

static double correlation(const relating *r, size_t a, size_t b)
{
    if (!r->scaled[a].data || !r->scaled[b].data)
        return mlk_correlation((mlk_cvec){r->views[a].values, r->n},
                               (mlk_cvec){r->views[b].values, r->n});
    const double x = dot(r->scaled[a].data, r->scaled[b].data, r->n);
    return x > 1.0 ? 1.0 : x < -1.0 ? -1.0 : x;
}

static double clip(double x) { return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x; }

/* Share of the variance of the numbers that their groups explain; NaN for too few of either. */
static mlk_status eta2(const column_view *numbers, const column_view *groups, size_t n, double *out)
{
    double *sums = mlk_alloc_zero(groups->n_levels, 2 * sizeof *sums);
    double *counts = sums + groups->n_levels;
    *out = NAN;
    if (!sums)
        return no_memory(n);
    double mean = 0.0, total = 0.0, between = 0.0;
    size_t rows = 0, levels = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(numbers->values[i]) && groups->codes[i] != MLK_MISSING_CODE)
            mean += (numbers->values[i] - mean) / (double)++rows;
    for (size_t i = 0; i < n; i++) {
        if (isnan(numbers->values[i]) || groups->codes[i] == MLK_MISSING_CODE)
            continue;
        const double d = numbers->values[i] - mean;
        total += d * d;
        sums[groups->codes[i]] += d;
        counts[groups->codes[i]]++;
    }
    for (size_t k = 0; k < groups->n_levels; k++)
        if (counts[k] > 0.0) {
            between += sums[k] * sums[k] / counts[k];
            levels++;
        }
    mlk_free(sums);
    if (levels > 1 && rows > levels && total > 0.0)
        *out = clip(1.0 - (1.0 - between / total) * (double)(rows - 1) / (double)(rows - levels));
    return MLK_OK;
}

/* Chi-squared over the rows, of a contingency table with its margins; and how many levels occur. */
static double mean_square(const double *cells, const double *down, const double *across,
                          size_t rows, size_t cols, double n)
{
    double phi2 = -1.0;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            if (cells[i * cols + j] > 0.0)
                phi2 += cells[i * cols + j] / down[i] * (cells[i * cols + j] / across[j]);
    return n > 0.0 ? phi2 : NAN;
}

static double occurring(const double *counts, size_t n)
{
    double k = 0.0;
    for (size_t i = 0; i < n; i++)
        k += counts[i] > 0.0;
    return k;
}

static mlk_status cramers_v(const column_view *a, const column_view *b, size_t n, double *out)
{
    const size_t R = a->n_levels, C = b->n_levels;
    *out = NAN;
    if (!R || !C || R > MOST_CELLS / C)
        return MLK_OK;
    double *cells = mlk_alloc_zero(R * C + R + C, sizeof *cells);
    double *down = cells + R * C, *across = down + R, rows = 0.0;
    if (!cells)
        return no_memory(n);
    for (size_t i = 0; i < n; i++) {
        if (a->codes[i] == MLK_MISSING_CODE || b->codes[i] == MLK_MISSING_CODE)
            continue;
        cells[a->codes[i] * C + b->codes[i]]++;
        down[a->codes[i]]++;
        across[b->codes[i]]++;
        rows++;
    }
    const double r = occurring(down, R), c = occurring(across, C);
    const double excess = (r - 1.0) * (c - 1.0) / (rows - 1.0);
    const double phi2 = fmax(0.0, mean_square(cells, down, across, R, C, rows) - excess);
    const double rc = r - (r - 1.0) * (r - 1.0) / (rows - 1.0);
    const double cc = c - (c - 1.0) * (c - 1.0) / (rows - 1.0);
    const double least = fmin(rc, cc) - 1.0;
    mlk_free(cells);
    if (r > 1.0 && c > 1.0 && least > 0.0)
        *out = clip(sqrt(phi2 / least));
    return MLK_OK;
}

static mlk_status associate(const relating *r, size_t a, size_t b, double *out)
{
    const column_view *va = &r->views[a], *vb = &r->views[b];
    if (va->values && vb->values) {
        *out = correlation(r, a, b);
        return MLK_OK;
    }
    if (!va->values && !vb->values)
        return cramers_v(va, vb, r->n, out);
    return va->values ? eta2(va, vb, r->n, out) : eta2(vb, va, r->n, out);
}

/* ----------------------------------------------------------------- all the columns */

/* `want` of n rows, each set of them equally likely, ascending. */
static void draw_rows(size_t n, size_t want, uint64_t stream, size_t *rows)
{
    mlk_rng rng = mlk_rng_stream(0, stream);
    size_t k = 0;
    for (size_t i = 0; i < n && k < want; i++)
        if (mlk_rng_below(&rng, n - i) < want - k)
            rows[k++] = i;
}

static mlk_status take_columns(void *ctx, const mlk_chunk *chunk)
{
    relating *r = ctx;
    for (size_t j = chunk->begin; j < chunk->end; j++) {
        const column_view whole = mlk_summary_view(r->s, j);
        double *scaled = r->scaled[j].data;
        r->scaled[j].data = NULL;
        if (!whole.values) {
            uint32_t *codes = (uint32_t *)scaled; /* the same room serves */
            for (size_t i = 0; i < r->n; i++)
                codes[i] = whole.codes[r->rows[i]];
            r->views[j] = (column_view){NULL, codes, whole.n_levels};
            continue;
        }
        double *values = scaled + r->n, length = 0.0;
        for (size_t i = 0; i < r->n; i++)
            values[i] = whole.values[r->rows[i]];
        r->views[j] = (column_view){values, NULL, 0};
        const double mean = mlk_mean((mlk_cvec){values, r->n});
        const double sd = sqrt(mlk_variance((mlk_cvec){values, r->n}, 0.0));
        for (size_t i = 0; i < r->n; i++) {
            scaled[i] = (values[i] - mean) / sd;
            length += scaled[i] * scaled[i];
        }
        length = sqrt(length);
        for (size_t i = 0; i < r->n; i++)
            scaled[i] /= length;
        if (isfinite(length) && !r->s->columns[j].missing)
            r->scaled[j].data = scaled;
    }
    return MLK_OK;
}

static mlk_status relate_rows(void *ctx, const mlk_chunk *chunk)
{
    const relating *r = ctx;
    for (size_t a = chunk->begin; a < chunk->end; a++)
        for (size_t b = a + 1; b < r->p; b++)
            MLK_TRY(associate(r, a, b, &r->s->associations[a * r->p + b]));
    return MLK_OK;
}

static mlk_status prepare(relating *r)
{
    mlk_table_summary *s = r->s;
    const size_t p = s->cols < MLK_SUMMARY_PAIRED ? s->cols : MLK_SUMMARY_PAIRED;
    const size_t most = PAIR_WORK / (p * p),
                 least = most > LEAST_PAIR_ROWS ? most : LEAST_PAIR_ROWS;
    r->p = s->paired = p;
    r->n = s->sampled = s->rows < least ? s->rows : least;
    size_t *rows = mlk_scratch_take(&r->memory, r->n, sizeof *rows);
    r->rows = rows;
    r->views = mlk_scratch_take(&r->memory, p, sizeof *r->views);
    r->scaled = mlk_scratch_take(&r->memory, p, sizeof *r->scaled);
    s->associations = mlk_scratch_take(&s->memory, p * p, sizeof *s->associations);
    for (size_t j = 0; j < p && !r->memory.failed; j++)
        r->scaled[j] = mlk_scratch_vec(&r->memory, 2 * r->n);
    if (r->memory.failed || s->memory.failed)
        return no_memory(r->n);
    draw_rows(s->rows, r->n, 0, rows);
    return mlk_parallel_for(r->run, p, 1, take_columns, r);
}

/* ------------------------------------------------------------------------ power */

typedef struct power_job {
    mlk_table_summary *s;
    const size_t *rows; /* with a target, in random order */
    size_t n;
    const double *y; /* classes, or ranks in 0..1 */
} power_job;

/* How much better than the constant the predictions are: R^2, or the mean recall of the classes
 * that occur, brought from 1/k..1 to 0..1. NaN when there is but one value. `counts`: 2 k zeros. */
static double skill_of(mlk_cvec y, const double *predicted, size_t k, double *counts)
{
    double lost = 0.0, base = 0.0, recall = 0.0, classes = 0.0;
    const double mean = mlk_mean(y);
    for (size_t i = 0; i < y.n; i++) {
        const double e = predicted[i] - y.data[i];
        lost += e * e;
        base += (y.data[i] - mean) * (y.data[i] - mean);
        if (k) {
            counts[(size_t)y.data[i]]++;
            counts[k + (size_t)y.data[i]] += e == 0.0;
        }
    }
    if (!k)
        return base > 0.0 ? 1.0 - lost / base : NAN;
    for (size_t c = 0; c < k; c++)
        if (counts[c] > 0.0) {
            recall += counts[k + c] / counts[c];
            classes++;
        }
    return classes > 1.0 ? (recall - 1.0) / (classes - 1.0) : NAN;
}

/* What a tree of one half says of the other. */
static mlk_status judge_half(const power_job *job, const mlk_data *train, const mlk_data *test,
                             double *skill)
{
    mlk_tree_opts opts = mlk_tree_opts_default();
    mlk_tree *tree;
    const size_t k = job->s->n_classes, n = test->X.rows;
    opts.max_leaf_nodes = !k ? POWER_LEAVES : k > 4 ? (int64_t)(2 * k) : 8;
    opts.min_samples_leaf = 2;
    opts.class_weight = k ? 1 : 0;
    double *predicted = mlk_alloc_zero(n + 2 * k, sizeof *predicted);
    if (!predicted)
        return no_memory(n);
    const mlk_run run = mlk_run_inner(NULL);
    mlk_status st = mlk_tree_fit(train, &opts, &run, &tree);
    if (st == MLK_OK)
        st = mlk_tree_predict(tree, test->X, &run, (mlk_vec){predicted, n});
    *skill = st == MLK_OK ? skill_of(test->y, predicted, k, predicted + n) : NAN;
    mlk_tree_free(tree);
    mlk_free(predicted);
    return st;
}

/* Levels as numbers from 0 in the order of their first row, as many as the rows show. */
static mlk_status recode(const column_view *v, const size_t *rows, size_t n, double *x,
                         size_t *levels)
{
    uint32_t *seen = mlk_alloc_zero(v->n_levels, sizeof *seen);
    *levels = 0;
    if (!seen)
        return no_memory(n);
    for (size_t i = 0; i < n; i++) {
        const uint32_t code = v->codes[rows[i]];
        if (code != MLK_MISSING_CODE && !seen[code])
            seen[code] = (uint32_t)++ * levels;
        x[i] = code == MLK_MISSING_CODE ? NAN : (double)(seen[code] - 1);
    }
    mlk_free(seen);
    return MLK_OK;
}

static mlk_status judge_column(const power_job *job, size_t j, double *x)
{
    const column_view v = mlk_summary_view(job->s, j);
    const size_t n = job->n, half = n / 2;
    size_t levels = 0;
    if (!v.values)
        MLK_TRY(recode(&v, job->rows, n, x, &levels));
    else
        for (size_t i = 0; i < n; i++)
            x[i] = v.values[job->rows[i]];
    const mlk_data halves[2] = {{.X = {x, half, 1, 1},
                                 .y = {job->y, half},
                                 .n_classes = job->s->n_classes,
                                 .levels = levels ? &levels : NULL},
                                {.X = {x + half, n - half, 1, 1},
                                 .y = {job->y + half, n - half},
                                 .n_classes = job->s->n_classes,
                                 .levels = levels ? &levels : NULL}};
    double there, back;
    MLK_TRY(judge_half(job, &halves[0], &halves[1], &there));
    MLK_TRY(judge_half(job, &halves[1], &halves[0], &back));
    job->s->columns[j].power = isnan(there + back) ? NAN : clip((there + back) / 2);
    return MLK_OK;
}

static mlk_status judge_columns(void *ctx, const mlk_chunk *chunk)
{
    const power_job *job = ctx;
    double *x = mlk_alloc(job->n, sizeof *x);
    mlk_status st = x ? MLK_OK : no_memory(job->n);
    for (size_t j = chunk->begin; st == MLK_OK && j < chunk->end; j++)
        if (j != job->s->target && job->s->columns[j].distinct > 1)
            st = judge_column(job, j, x);
    mlk_free(x);
    return st;
}

/* The target at these rows: class numbers, or mean ranks, which no outlier dominates. */
static mlk_status target_at(const column_view *v, const size_t *rows, size_t n, double *y)
{
    size_t *order = mlk_alloc(n, sizeof *order);
    if (!order)
        return no_memory(n);
    for (size_t i = 0; i < n; i++)
        y[i] = v->values ? v->values[rows[i]] : (double)v->codes[rows[i]];
    const mlk_status st = v->values ? mlk_argsort(y, n, order) : MLK_OK;
    for (size_t lo = 0, hi; st == MLK_OK && v->values && lo < n; lo = hi) {
        const double value = y[order[lo]];
        for (hi = lo + 1; hi < n && y[order[hi]] == value;)
            hi++;
        const double rank = (double)(lo + hi - 1) / 2;
        for (size_t i = lo; i < hi; i++)
            y[order[i]] = rank;
    }
    mlk_free(order);
    return st;
}

static mlk_status judge_power(mlk_table_summary *s, const mlk_run *run)
{
    const column_view *t = &s->target_view;
    const size_t share = POWER_WORK / s->paired;
    const size_t most = share > POWER_ROWS         ? POWER_ROWS
                        : share < LEAST_POWER_ROWS ? LEAST_POWER_ROWS
                                                   : share;
    const size_t known = s->rows - s->columns[s->target].missing;
    const size_t n = known < most ? known : most;
    size_t *all = mlk_alloc(2 * known + 1, sizeof *all), *rows = all ? all + known : NULL;
    double *y = mlk_alloc(n, sizeof *y);
    mlk_status st = all && y ? MLK_OK : no_memory(known);
    if (st == MLK_OK && n >= LEAST_ROWS) {
        for (size_t i = 0, k = 0; i < s->rows; i++)
            if (t->values ? !isnan(t->values[i]) : t->codes[i] != MLK_MISSING_CODE)
                all[k++] = i;
        mlk_rng rng = mlk_rng_stream(0, 1);
        mlk_rng_sample(&rng, rows, known, n);
        for (size_t i = 0; i < n; i++)
            rows[i] = all[rows[i]];
        st = target_at(t, rows, n, y);
        if (st == MLK_OK)
            st = mlk_parallel_for(run, s->paired, 1, judge_columns, &(power_job){s, rows, n, y});
    }
    mlk_free(all);
    mlk_free(y);
    return st;
}

/* ------------------------------------------------------------------------ pairs */

/* Strongest first; of the same strength in the order of the columns. */
static void note_pair(mlk_table_summary *s, mlk_column_pair pair)
{
    const double strength = mlk_association_strength(pair.association);
    size_t at = s->n_pairs;
    while (at > 0 && mlk_association_strength(s->pairs[at - 1].association) < strength)
        at--;
    if (at >= MLK_SUMMARY_PAIRS)
        return;
    const size_t keep = s->n_pairs < MLK_SUMMARY_PAIRS ? s->n_pairs : MLK_SUMMARY_PAIRS - 1;
    memmove(s->pairs + at + 1, s->pairs + at, (keep - at) * sizeof *s->pairs);
    s->pairs[at] = pair;
    s->n_pairs = keep + 1;
}

static void collect_pairs(mlk_table_summary *s)
{
    for (size_t a = 0; a < s->paired; a++)
        for (size_t b = a + 1; b < s->paired; b++) {
            const mlk_association x = mlk_table_summary_association(s, a, b);
            if (x.kind == MLK_ASSOCIATION_NONE || s->sampled < LEAST_ROWS)
                continue;
            if (a == s->target || b == s->target)
                continue;
            s->n_alike += mlk_association_strength(x) >= MLK_SUMMARY_ALIKE;
            note_pair(s, (mlk_column_pair){a, b, x});
        }
    for (size_t j = 0; s->target < s->paired && j < s->paired; j++)
        if (j != s->target)
            s->columns[j].target = mlk_table_summary_association(s, j, s->target);
}

mlk_status mlk_summary_relate(mlk_table_summary *s, const mlk_run *run)
{
    relating r = {.s = s, .run = run, .memory = MLK_SCRATCH_INIT};
    s->pairs = mlk_scratch_take(&s->memory, MLK_SUMMARY_PAIRS, sizeof *s->pairs);
    mlk_status st = prepare(&r);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, r.p, 1, relate_rows, &r);
    mlk_scratch_release(&r.memory);
    if (st == MLK_OK)
        collect_pairs(s);
    if (st == MLK_OK && s->target != SIZE_MAX)
        st = judge_power(s, run);
    return st;
}
