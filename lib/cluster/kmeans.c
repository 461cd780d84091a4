#include <mlkit/cluster/kmeans.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "cluster/centres.h"
#include "core/alloc.h"
#include "core/fast.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "spatial/lanes.h"

struct mlk_kmeans {
    mlk_scratch memory;
    size_t n, k, p;  /* n = 0: loaded, without labels */
    mlk_mat centres; /* k x p */
    uint32_t *labels;
    double inertia;
    mlk_fit_info info;
};

static const mlk_word inits[] = {
    {"k-means++", MLK_KMEANS_PLUS_PLUS}, {"random", MLK_KMEANS_RANDOM}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_INT(mlk_kmeans_opts, n_clusters, 8.0, 1.0, 2147483647.0, "clusters"),
    MLK_OPT_INT(mlk_kmeans_opts, n_init, 10.0, 1.0, 2147483647.0, "starts; the best one is kept"),
    MLK_OPT_WORD(mlk_kmeans_opts, init, MLK_KMEANS_PLUS_PLUS, inits, "how centres are started"),
    MLK_OPT_INT(mlk_kmeans_opts, max_iter, 300.0, 1.0, 2147483647.0, "iterations of a start"),
    MLK_OPT_REAL(mlk_kmeans_opts, tol, 1e-4, 0.0, INFINITY,
                 "squared moves of the centres at which to stop, in mean variances"),
    MLK_OPT_INT(mlk_kmeans_opts, seed, 0.0, 0.0, INFINITY, "of all draws"),
    MLK_OPT_END,
};

enum { CHUNKS = 32, WORK = 1 << 14, TRIALS = LANES, BLOCK = 256 };

/* Bounds and distances are rounded; a row is skipped only where they differ by more than that. */
static const double SLACK = 1.0 - 1e-9;

mlk_kmeans_opts mlk_kmeans_opts_default(void)
{
    mlk_kmeans_opts opts;
    memset(&opts, 0, sizeof opts);
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* ------------------------------------------------------------------ centres */

static size_t lane_groups(size_t k) { return (k + LANES - 1) / LANES; }

/* Rows of C by groups of LANES; lanes without a row repeat the last one. */
static void fill_lanes(mlk_cmat C, double *lanes)
{
    for (size_t c = 0; c < lane_groups(C.rows) * LANES; c++) {
        const double *from = C.data + (c < C.rows ? c : C.rows - 1) * C.ld;
        for (size_t j = 0; j < C.cols; j++)
            lanes[(c / LANES * C.cols + j) * LANES + c % LANES] = from[j];
    }
}

/* -------------------------------------------------------------------- state */

/* What a pass over the rows is for. */
typedef enum pass {
    FIRST, /* every row is measured, sums start anew */
    NEXT,  /* rows whose bounds ask for it are measured; sums are corrected */
    LAST   /* every row is measured, sums are no longer needed */
} pass;

/* One start. Sums are kept a chunk of rows each, and corrected for rows that move. */
typedef struct lloyd {
    const mlk_data *data;
    size_t k, grain, chunks;
    mlk_mat C, before;     /* k x p */
    double *lanes;         /* C by groups of LANES */
    uint32_t *label;       /* n */
    double *upper, *lower; /* n: bounds on the distances to the own and to any other centre ... */
    double *up, *down;     /* k: ... plus up, minus down, of the row's cluster */
    double *sums;          /* chunks x k x p */
    double *counts;        /* chunks x k: weights */
    double *total;         /* k */
    double *moved, *half;  /* k: by how much, and half the distance to the next centre */
    double *partial;       /* chunks x LANES */
    size_t *changed;       /* chunks */
    double *panels;        /* a worker: p x TILE */
    pass pass;
} lloyd;

MLK_SIMD_TILES static void add_scaled(double w, const double *x, size_t p, double *sum)
{
    for (size_t j = 0; j < p; j++)
        sum[j] += w * x[j];
}

static void move_row(const lloyd *t, size_t chunk, size_t i, size_t c, double sign)
{
    const size_t p = t->C.cols;
    const double w = sign * mlk_weight(t->data->w, i);
    add_scaled(w, t->data->X.data + i * t->data->X.ld, p, t->sums + (chunk * t->k + c) * p);
    t->counts[chunk * t->k + c] += w;
}

/* Which of m rows may not be left where they are, by their bounds as of now. */
MLK_SIMD_TILES static void check_bounds(const uint32_t *label, const double *up, const double *down,
                                        const double *half, const double *upper,
                                        const double *lower, size_t m, uint8_t *restrict measure)
{
    for (size_t i = 0; i < m; i++) {
        const double l = lower[i] - down[label[i]], h = half[label[i]];
        measure[i] = !(upper[i] + up[label[i]] < SLACK * (h > l ? h : l));
    }
}

/* The rows of a tile to their nearest centres. */
static void assign_tile(const lloyd *t, const mlk_chunk *c, nearest_tile *tile)
{
    const mlk_cvec w = t->data->w;
    size_t changed = 0;
    nearest_of_tile(t->data->X, mlk_mat_c(t->C), t->panels + c->worker * t->C.cols * TILE, tile);
    for (size_t l = 0; l < tile->n; l++) {
        const size_t i = tile->row[l], best = tile->best[l], old = t->label[i];
        t->upper[i] = tile->first[l] - t->up[best];
        t->lower[i] = tile->second[l] + t->down[best];
        t->label[i] = (uint32_t)best;
        if (t->pass == LAST)
            t->partial[c->index * LANES] += mlk_weight(w, i) * tile->square[l];
        if (t->pass == NEXT && best == old)
            continue;
        changed += best != old;
        if (t->pass == NEXT)
            move_row(t, c->index, i, old, -1.0);
        if (t->pass != LAST)
            move_row(t, c->index, i, best, 1.0);
    }
    t->changed[c->index] += changed;
}

/* Which of the m <= BLOCK rows from `begin` on must be measured; they are asked for from memory at
 * once. */
static size_t list_rows(const lloyd *t, size_t begin, size_t m, size_t *row)
{
    const size_t bytes = t->C.cols * sizeof(double);
    uint8_t measure[BLOCK];
    size_t n = 0;
    memset(measure, 1, sizeof measure);
    if (t->pass == NEXT)
        check_bounds(t->label + begin, t->up, t->down, t->half, t->upper + begin, t->lower + begin,
                     m, measure);
    for (size_t i = 0; i < m; i++) {
        row[n] = begin + i;
        n += measure[i];
    }
    for (size_t i = 0; i < n; i++) {
        const char *x = (const char *)(t->data->X.data + row[i] * t->data->X.ld);
        for (size_t line = 0; line < bytes && line < 512; line += 64)
            __builtin_prefetch(x + line);
    }
    return n;
}

static mlk_status assign_rows(void *ctx, const mlk_chunk *c)
{
    const lloyd *t = ctx;
    const size_t sums = t->k * t->C.cols;
    size_t row[BLOCK];
    nearest_tile tile;
    t->partial[c->index * LANES] = 0.0;
    t->changed[c->index] = 0;
    for (size_t j = 0; t->pass == FIRST && j < sums; j++)
        t->sums[c->index * sums + j] = 0.0;
    for (size_t j = 0; t->pass == FIRST && j < t->k; j++)
        t->counts[c->index * t->k + j] = 0.0;
    for (size_t i = c->begin; i < c->end; i += BLOCK) {
        const size_t n = list_rows(t, i, c->end - i < BLOCK ? c->end - i : BLOCK, row);
        for (size_t at = 0; at < n; at += TILE) {
            tile.n = n - at < TILE ? n - at : TILE;
            memcpy(tile.row, row + at, tile.n * sizeof *row);
            assign_tile(t, c, &tile);
        }
    }
    return MLK_OK;
}

/* Every row to its nearest centre; *changed how many moved, *inertia (1), if all were measured. */
static mlk_status assign(lloyd *t, pass what, const mlk_run *run, size_t *changed, double *inertia)
{
    t->pass = what;
    MLK_TRY(mlk_parallel_for(run, t->data->X.rows, t->grain, assign_rows, t));
    *changed = 0;
    *inertia = 0.0;
    for (size_t c = 0; c < t->chunks; c++) {
        *changed += t->changed[c];
        *inertia += t->partial[c * LANES];
    }
    return MLK_OK;
}

/* An empty cluster takes over the row farthest from its centre; distances are measured anew. */
static void fill_empty(lloyd *t, size_t empty)
{
    const mlk_cmat X = t->data->X;
    size_t far = X.rows;
    double most = 0.0;
    for (size_t i = 0; i < X.rows; i++) {
        const double *x = X.data + i * X.ld, *c = t->C.data + t->label[i] * t->C.cols;
        double d = 0.0;
        for (size_t j = 0; j < X.cols; j++)
            d += (x[j] - c[j]) * (x[j] - c[j]);
        if (d > most && mlk_weight(t->data->w, i) > 0.0) {
            most = d;
            far = i;
        }
    }
    if (far == X.rows)
        return;
    move_row(t, far / t->grain, far, t->label[far], -1.0);
    move_row(t, far / t->grain, far, empty, 1.0);
    t->label[far] = (uint32_t)empty;
    t->upper[far] = INFINITY; /* to be measured */
    t->lower[far] = 0.0;
    memcpy(t->C.data + empty * t->C.cols, X.data + far * X.ld, X.cols * sizeof(double));
}

static void add_counts(lloyd *t)
{
    for (size_t c = 0; c < t->k; c++) {
        t->total[c] = 0.0;
        for (size_t h = 0; h < t->chunks; h++)
            t->total[c] += t->counts[h * t->k + c];
    }
}

/* Bounds of all rows at once: up grows by the centre's move, down by the largest of another one.
 * What these sums may have lost in rounding is added. */
static void widen_bounds(lloyd *t)
{
    double most = 0.0, second = 0.0;
    size_t mover = 0;
    for (size_t c = 0; c < t->k; c++) {
        second = fmax(second, fmin(most, t->moved[c]));
        if (t->moved[c] > most) {
            most = t->moved[c];
            mover = c;
        }
    }
    for (size_t c = 0; c < t->k; c++) {
        t->up[c] = (t->up[c] + t->moved[c]) * (1.0 + 1e-14);
        t->down[c] = (t->down[c] + (c == mover ? second : most)) * (1.0 + 1e-14);
    }
}

/* Centres to the means of their rows. Returns the sum of the squared moves. */
static double move_centres(lloyd *t)
{
    const size_t p = t->C.cols;
    double shift = 0.0;
    mlk_copy(mlk_mat_c(t->C), t->before);
    add_counts(t);
    for (size_t c = 0; c < t->k; c++)
        if (!(t->total[c] > 0.0))
            fill_empty(t, c);
    add_counts(t);
    for (size_t c = 0; c < t->k; c++) {
        double *centre = t->C.data + c * p, moved = 0.0;
        for (size_t j = 0; t->total[c] > 0.0 && j < p; j++) {
            double sum = 0.0;
            for (size_t h = 0; h < t->chunks; h++)
                sum += t->sums[(h * t->k + c) * p + j];
            centre[j] = sum / t->total[c];
        }
        for (size_t j = 0; j < p; j++) {
            const double d = centre[j] - t->before.data[c * p + j];
            moved += d * d;
        }
        shift += moved;
        t->moved[c] = sqrt(moved);
    }
    widen_bounds(t);
    return shift;
}

/* Half the distance from each centre to the next one. */
static void measure_centres(lloyd *t)
{
    fill_lanes(mlk_mat_c(t->C), t->lanes);
    for (size_t c = 0; c < t->k; c++) {
        double d[LANES], least = INFINITY;
        for (size_t o = 0; o < t->k; o += LANES) {
            lane_distances(2.0, t->lanes + o * t->C.cols, t->C.cols, t->C.data + c * t->C.cols, d);
            for (size_t l = 0; l < LANES && o + l < t->k; l++)
                least = o + l != c && d[l] < least ? d[l] : least;
        }
        t->half[c] = 0.5 * sqrt(least);
    }
}

/* ------------------------------------------------------------------- starts */

/* Squared distances to the nearest centre so far, if the candidates in `block` joined: their sums
 * by lanes; with `only` < LANES that one joins. */
typedef struct seeding {
    const mlk_data *data;
    const double *block;
    double *closest; /* n: squared distances, not weighted */
    double *partial; /* chunks x LANES */
    size_t only;
} seeding;

static mlk_status seed_rows(void *ctx, const mlk_chunk *c)
{
    const seeding *s = ctx;
    const mlk_cmat X = s->data->X;
    double d[LANES], sum[LANES] = {0.0};
    for (size_t i = c->begin; i < c->end; i++) {
        lane_distances(2.0, s->block, X.cols, X.data + i * X.ld, d);
        if (s->only < LANES)
            s->closest[i] = fmin(s->closest[i], d[s->only]);
        for (size_t l = 0; l < LANES; l++)
            sum[l] += mlk_weight(s->data->w, i) * fmin(s->closest[i], d[l]);
    }
    memcpy(s->partial + c->index * LANES, sum, sizeof sum);
    return MLK_OK;
}

/* A row with probability proportional to weight times closest, whose sums by chunks are known; the
 * weights alone where all are 0. */
static size_t draw_row(const lloyd *t, const double *closest, mlk_rng *rng)
{
    const size_t n = t->data->X.rows;
    double total = 0.0, weight = 0.0;
    size_t chunk = 0, last = 0;
    for (size_t h = 0; h < t->chunks; h++)
        total += t->partial[h * LANES];
    if (!(total > 0.0)) {
        for (size_t i = 0; i < n; i++)
            weight += mlk_weight(t->data->w, i);
    }
    double left = mlk_rng_uniform(rng) * (total > 0.0 ? total : weight);
    for (; total > 0.0 && chunk + 1 < t->chunks && left >= t->partial[chunk * LANES]; chunk++)
        left -= t->partial[chunk * LANES];
    for (size_t i = chunk * t->grain; i < n; i++) {
        const double share = mlk_weight(t->data->w, i) * (total > 0.0 ? closest[i] : 1.0);
        if (share > 0.0)
            last = i;
        if (share > 0.0 && left < share)
            return i;
        left -= share;
    }
    return last;
}

/* Candidates for centre c: drawn rows, side by side in the first lanes. */
static void draw_candidates(const lloyd *t, const double *closest, size_t trials, mlk_rng *rng,
                            double *block, size_t *row)
{
    const mlk_cmat X = t->data->X;
    for (size_t l = 0; l < LANES; l++) {
        row[l] = l < trials ? draw_row(t, closest, rng) : row[0];
        for (size_t j = 0; j < X.cols; j++)
            block[j * LANES + l] = X.data[row[l] * X.ld + j];
    }
}

/* Greedy k-means++; t->upper serves as `closest`, t->lanes as the candidates' block. */
static mlk_status start_plus_plus(lloyd *t, mlk_rng *rng, const mlk_run *run)
{
    const mlk_cmat X = t->data->X;
    const size_t wanted = 2 + (size_t)log((double)t->k);
    const size_t trials = wanted < TRIALS ? wanted : TRIALS;
    seeding s = {t->data, t->lanes, t->upper, t->partial, LANES};
    for (size_t i = 0; i < X.rows; i++)
        t->upper[i] = INFINITY;
    for (size_t h = 0; h < t->chunks; h++)
        t->partial[h * LANES] = 0.0;
    for (size_t c = 0; c < t->k; c++) {
        size_t row[LANES];
        double best = INFINITY;
        draw_candidates(t, t->upper, c ? trials : 1, rng, t->lanes, row);
        s.only = c ? LANES : 0;
        if (c)
            MLK_TRY(mlk_parallel_for(run, X.rows, t->grain, seed_rows, &s));
        for (size_t l = 0; c && l < trials; l++) {
            double sum = 0.0;
            for (size_t h = 0; h < t->chunks; h++)
                sum += t->partial[h * LANES + l];
            if (sum < best) {
                best = sum;
                s.only = l;
            }
        }
        if (s.only == LANES)
            return MLK_FAIL(MLK_EINVAL, "squared distances overflow: scale the columns");
        memcpy(t->C.data + c * X.cols, X.data + row[s.only] * X.ld, X.cols * sizeof(double));
        /* The chosen one joins; in lane 0 its sums serve the next draw. */
        for (size_t j = 0; j < X.cols; j++)
            t->lanes[j * LANES] = t->C.data[c * X.cols + j];
        s.only = 0;
        MLK_TRY(mlk_parallel_for(run, X.rows, t->grain, seed_rows, &s));
    }
    return MLK_OK;
}

static mlk_status start_random(lloyd *t, mlk_rng *rng)
{
    const mlk_cmat X = t->data->X;
    size_t *rows = mlk_alloc(X.rows, sizeof *rows);
    if (!rows)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu row numbers", X.rows);
    for (size_t i = 0; i < X.rows; i++)
        rows[i] = i;
    mlk_rng_sample(rng, rows, X.rows, t->k);
    for (size_t c = 0; c < t->k; c++)
        memcpy(t->C.data + c * X.cols, X.data + rows[c] * X.ld, X.cols * sizeof(double));
    mlk_free(rows);
    return MLK_OK;
}

/* ---------------------------------------------------------------------- fit */

static mlk_status iterate(lloyd *t, const mlk_kmeans_opts *o, double tol, const mlk_run *run,
                          mlk_fit_info *info)
{
    size_t changed;
    *info = mlk_fit_info_none();
    info->converged = 0;
    for (size_t c = 0; c < t->k; c++)
        t->up[c] = t->down[c] = 0.0;
    MLK_TRY(assign(t, FIRST, run, &changed, &info->objective));
    for (info->iterations = 1;; info->iterations++) {
        const double shift = move_centres(t);
        measure_centres(t);
        info->converged = shift <= tol;
        if (info->converged || info->iterations == o->max_iter)
            break;
        MLK_TRY(assign(t, NEXT, run, &changed, &info->objective));
        if (!changed) {
            info->converged = 1;
            break;
        }
    }
    /* (1) itself. */
    return assign(t, LAST, run, &changed, &info->objective);
}

static mlk_status model_new(size_t n, size_t k, size_t p, mlk_kmeans **model)
{
    mlk_kmeans *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    m->n = n;
    m->k = k;
    m->p = p;
    m->inertia = INFINITY;
    m->info = mlk_fit_info_none();
    m->centres = mlk_scratch_mat(&m->memory, k, p);
    m->labels = mlk_scratch_take(&m->memory, n, sizeof *m->labels);
    return m->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu centres", k) : MLK_OK;
}

void mlk_kmeans_free(mlk_kmeans *m)
{
    if (m)
        mlk_scratch_release(&m->memory);
    mlk_free(m);
}

static mlk_status lloyd_init(const mlk_data *d, size_t k, const mlk_run *run, mlk_scratch *scratch,
                             lloyd *t)
{
    const size_t n = d->X.rows, p = d->X.cols, fewest = (n + CHUNKS - 1) / CHUNKS;
    const size_t work = mlk_grain(p * k, WORK), groups = lane_groups(k);
    *t = (lloyd){.data = d, .k = k, .grain = work > fewest ? work : fewest};
    t->chunks = mlk_chunks(n, t->grain);
    t->C = mlk_scratch_mat(scratch, k, p);
    t->before = mlk_scratch_mat(scratch, k, p);
    t->lanes = mlk_scratch_mat(scratch, groups * LANES, p).data;
    t->label = mlk_scratch_take(scratch, n, sizeof *t->label);
    t->upper = mlk_scratch_vec(scratch, n).data;
    t->lower = mlk_scratch_vec(scratch, n).data;
    t->sums = mlk_scratch_mat(scratch, t->chunks * k, p).data;
    t->counts = mlk_scratch_mat(scratch, t->chunks, k).data;
    t->total = mlk_scratch_vec(scratch, k).data;
    t->moved = mlk_scratch_vec(scratch, k).data;
    t->half = mlk_scratch_vec(scratch, k).data;
    t->up = mlk_scratch_vec(scratch, k).data;
    t->down = mlk_scratch_vec(scratch, k).data;
    t->partial = mlk_scratch_mat(scratch, t->chunks, LANES).data;
    t->changed = mlk_scratch_take(scratch, t->chunks, sizeof *t->changed);
    t->panels = mlk_scratch_mat(scratch, mlk_workers(run, n, t->grain) * TILE, p).data;
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows and %zu clusters", n, k);
    memset(t->label, 0, n * sizeof *t->label);
    return MLK_OK;
}

static mlk_status run_start(lloyd *t, const mlk_kmeans_opts *o, size_t number, double tol,
                            const mlk_run *run, mlk_kmeans *m)
{
    mlk_rng rng = mlk_rng_stream((uint64_t)o->seed, number);
    mlk_fit_info info;
    MLK_TRY(mlk_run_poll(run, (double)number / (double)o->n_init));
    const mlk_run inner = mlk_run_inner(run);
    if (o->start.rows)
        mlk_copy(o->start, t->C);
    else if (o->init == MLK_KMEANS_RANDOM)
        MLK_TRY(start_random(t, &rng));
    else
        MLK_TRY(start_plus_plus(t, &rng, &inner));
    MLK_TRY(iterate(t, o, tol, &inner, &info));
    if (!(info.objective < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "squared distances overflow: scale the columns");
    mlk_run_log(run, "start %zu: inertia %.10g after %lld iterations", number + 1, info.objective,
                (long long)info.iterations);
    if (info.objective < m->inertia) {
        m->inertia = info.objective;
        m->info = info;
        mlk_copy(mlk_mat_c(t->C), m->centres);
        memcpy(m->labels, t->label, m->n * sizeof *m->labels);
    }
    return MLK_OK;
}

/* tol in units of the mean variance of the columns. */
static mlk_status find_tol(const mlk_data *d, double tol, const mlk_run *run, double *out)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_run inner = mlk_run_inner(run);
    const mlk_vec mean = mlk_scratch_vec(&scratch, d->X.cols),
                  var = mlk_scratch_vec(&scratch, d->X.cols);
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", d->X.cols)
                              : mlk_column_moments(d->X, d->w, &inner, mean, var);
    *out = 0.0;
    for (size_t j = 0; st == MLK_OK && j < d->X.cols; j++)
        *out += tol * var.data[j] / (double)d->X.cols;
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status check(const mlk_data *d, const mlk_kmeans_opts *o, const mlk_run *run)
{
    const mlk_cmat S = o->start;
    MLK_TRY(mlk_opts_check(opt_table, o));
    MLK_TRY(mlk_data_check(d, MLK_CAP_WEIGHTS, 0, run));
    if ((uint64_t)o->n_clusters > d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "n_clusters = %lld; expected at most the %zu row%s",
                        (long long)o->n_clusters, d->X.rows, d->X.rows == 1 ? "" : "s");
    if (S.rows && (S.rows != (size_t)o->n_clusters || S.cols != d->X.cols))
        return MLK_FAIL(MLK_EINVAL, "start is %zu x %zu; expected %lld x %zu", S.rows, S.cols,
                        (long long)o->n_clusters, d->X.cols);
    size_t i, j;
    if (S.rows && mlk_find_nonfinite(S, run, &i, &j))
        return MLK_FAIL(MLK_EINVAL, "start[%zu, %zu] = %g; expected a finite value", i, j,
                        S.data[i * S.ld + j]);
    return MLK_OK;
}

mlk_status mlk_kmeans_fit(const mlk_data *data, const mlk_kmeans_opts *opts, const mlk_run *run,
                          mlk_kmeans **model)
{
    const mlk_kmeans_opts o = opts ? *opts : mlk_kmeans_opts_default();
    *model = NULL;
    MLK_TRY(check(data, &o, run));
    const size_t k = (size_t)o.n_clusters, starts = o.start.rows ? 1 : (size_t)o.n_init;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_kmeans *fit = NULL;
    lloyd t;
    double tol = 0.0;
    mlk_status st = lloyd_init(data, k, run, &scratch, &t);
    if (st == MLK_OK && o.tol > 0.0)
        st = find_tol(data, o.tol, run, &tol);
    if (st == MLK_OK)
        st = model_new(data->X.rows, k, data->X.cols, &fit);
    for (size_t number = 0; st == MLK_OK && number < starts; number++)
        st = run_start(&t, &o, number, tol, run, fit);
    mlk_scratch_release(&scratch);
    if (st != MLK_OK) {
        mlk_kmeans_free(fit);
        return st;
    }
    if (!fit->info.converged)
        mlk_run_warn(run, "kmeans stopped at max_iter = %lld", (long long)o.max_iter);
    *model = fit;
    return MLK_OK;
}

/* --------------------------------------------------------------- prediction */

typedef struct prediction {
    mlk_cmat C, X;
    double *panels; /* a worker: p x TILE */
    double *out;
} prediction;

static mlk_status predict_rows(void *ctx, const mlk_chunk *c)
{
    const prediction *t = ctx;
    nearest_tile tile;
    for (size_t i = c->begin; i < c->end; i += TILE) {
        tile.n = c->end - i < TILE ? c->end - i : TILE;
        for (size_t l = 0; l < tile.n; l++)
            tile.row[l] = i + l;
        nearest_of_tile(t->X, t->C, t->panels + c->worker * t->C.cols * TILE, &tile);
        for (size_t l = 0; l < tile.n; l++)
            t->out[i + l] = (double)tile.best[l];
    }
    return MLK_OK;
}

mlk_status mlk_kmeans_predict(const mlk_kmeans *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, m->p, out.n));
    const size_t grain = mlk_grain(m->p * m->k, WORK);
    prediction t = {mlk_mat_c(m->centres), X, NULL, out.data};
    t.panels = mlk_alloc(mlk_workers(run, X.rows, grain), m->p * TILE * sizeof *t.panels);
    if (!t.panels)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu centres", m->k);
    const mlk_status st = mlk_parallel_for(run, X.rows, grain, predict_rows, &t);
    mlk_free(t.panels);
    return st;
}

mlk_cmat mlk_kmeans_centres(const mlk_kmeans *m) { return mlk_mat_c(m->centres); }
const uint32_t *mlk_kmeans_labels(const mlk_kmeans *m) { return m->labels; }
double mlk_kmeans_inertia(const mlk_kmeans *m) { return m->inertia; }
mlk_fit_info mlk_kmeans_info(const mlk_kmeans *m) { return m->info; }

/* --------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_kmeans *m;
    const mlk_status st = mlk_kmeans_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_kmeans_predict(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_kmeans *m = state;
    mlk_doc_put_mat(to, "cluster_centers", mlk_mat_c(m->centres));
    mlk_doc_put_real(to, "inertia", m->inertia);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* a target may have been there; it was not looked at */
    mlk_doc_array shape;
    mlk_cmat C;
    double inertia;
    mlk_kmeans *m;
    MLK_TRY(mlk_doc_get_array(from, "cluster_centers", MLK_F64, &shape));
    if (shape.rows < 1)
        return MLK_FAIL(MLK_EFORMAT, "'cluster_centers' has no rows");
    MLK_TRY(mlk_doc_get_mat(from, "cluster_centers", shape.rows, n_features, &C));
    MLK_TRY(mlk_doc_get_real(from, "inertia", 0.0, DBL_MAX, &inertia));
    const mlk_status st = model_new(0, C.rows, n_features, &m);
    if (st != MLK_OK) {
        mlk_kmeans_free(m);
        return st;
    }
    mlk_copy(C, m->centres);
    m->inertia = inertia;
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_kmeans *m = state;
    algo_save(state, to);
    if (m->n)
        mlk_doc_put_array(to, "labels", MLK_U32, m->labels, m->n, 0);
}

static mlk_fit_info algo_info(const void *state) { return mlk_kmeans_info(state); }
static void algo_free(void *state) { mlk_kmeans_free(state); }

const mlk_algo mlk_kmeans_algo = {
    .name = "kmeans",
    .help = "k-means clustering",
    .tasks = MLK_CLUSTERING,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_SEED,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_kmeans_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
