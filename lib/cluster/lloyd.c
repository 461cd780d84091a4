#include "cluster/lloyd.h"

#include <math.h>
#include <string.h>

#include "cluster/centres.h"
#include "core/fast.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "spatial/lanes.h"

enum { CHUNKS = 32, WORK = 1 << 14, BLOCK = 256 };

/* Bounds and distances are rounded; a row is skipped only where they differ by more than that. */
static const double SLACK = 1.0 - 1e-9;

static size_t lane_groups(size_t k) { return (k + LANES - 1) / LANES; }

mlk_status lloyd_init(const mlk_data *d, size_t k, const mlk_run *run, mlk_scratch *scratch,
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

/* ------------------------------------------------------------- rows to centres */

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
        if (t->pass == LLOYD_LAST)
            t->partial[c->index * LANES] += mlk_weight(w, i) * tile->square[l];
        if (t->pass == LLOYD_NEXT && best == old)
            continue;
        changed += best != old;
        if (t->pass == LLOYD_NEXT)
            move_row(t, c->index, i, old, -1.0);
        if (t->pass != LLOYD_LAST)
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
    if (t->pass == LLOYD_NEXT)
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
    for (size_t j = 0; t->pass == LLOYD_FIRST && j < sums; j++)
        t->sums[c->index * sums + j] = 0.0;
    for (size_t j = 0; t->pass == LLOYD_FIRST && j < t->k; j++)
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
static mlk_status assign(lloyd *t, lloyd_pass what, const mlk_run *run, size_t *changed,
                         double *inertia)
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

/* ------------------------------------------------------------- centres to rows */

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

/* Rows of C by groups of LANES; lanes without a row repeat the last one. */
static void fill_lanes(mlk_cmat C, double *lanes)
{
    for (size_t c = 0; c < lane_groups(C.rows) * LANES; c++) {
        const double *from = C.data + (c < C.rows ? c : C.rows - 1) * C.ld;
        for (size_t j = 0; j < C.cols; j++)
            lanes[(c / LANES * C.cols + j) * LANES + c % LANES] = from[j];
    }
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

/* -------------------------------------------------------------- all of it */

mlk_status lloyd_iterate(lloyd *t, int64_t max_iter, double tol, const mlk_run *run,
                         mlk_fit_info *info)
{
    size_t changed;
    *info = mlk_fit_info_none();
    info->converged = 0;
    for (size_t c = 0; c < t->k; c++)
        t->up[c] = t->down[c] = 0.0;
    MLK_TRY(assign(t, LLOYD_FIRST, run, &changed, &info->objective));
    for (info->iterations = 1;; info->iterations++) {
        const double shift = move_centres(t);
        measure_centres(t);
        info->converged = shift <= tol;
        if (info->converged || info->iterations == max_iter)
            break;
        MLK_TRY(assign(t, LLOYD_NEXT, run, &changed, &info->objective));
        if (!changed) {
            info->converged = 1;
            break;
        }
    }
    /* (1) itself. */
    return assign(t, LLOYD_LAST, run, &changed, &info->objective);
}
