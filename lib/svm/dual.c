#include "svm/dual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"
#include "svm/machine.h"
#include "svm/smo.h"

enum {
    TILE = 256,       /* rows and columns of a tile of the kernel: 256 KB, second-level cache */
    FIRST_SET = 2048, /* samples of the first working set */
    LEAST_SET = 64    /* ... whatever the memory */
};

/* Floats of a row of n: readable beyond its end by two vectors, see smo.h. */
static size_t row_length(size_t n) { return (n + 2 * SMO_LANES + 15) / 16 * 16; }

mlk_status mlk_dual_cache_init(dual_cache *cache, const mlk_kernel_set *set, size_t max_n,
                               double megabytes)
{
    const double fit = sqrt(megabytes * 1048576.0 / sizeof(float)) - 32.0;
    size_t capacity = max_n;
    if (fit < (double)capacity)
        capacity = fit > LEAST_SET ? (size_t)fit : LEAST_SET < max_n ? LEAST_SET : max_n;
    *cache = (dual_cache){.set = set, .capacity = capacity, .ld = row_length(capacity)};
    cache->K = mlk_alloc(capacity, cache->ld * sizeof *cache->K);
    cache->members = mlk_alloc(capacity, sizeof *cache->members);
    if (cache->K && cache->members)
        return MLK_OK;
    mlk_dual_cache_free(cache);
    return MLK_FAIL(MLK_ENOMEM, "no memory for a kernel matrix of %zu rows", capacity);
}

void mlk_dual_cache_reset(dual_cache *cache, const dual_rows *rows)
{
    cache->rows = *rows;
    cache->n = dual_rows_n(rows);
    cache->count = 0;
}

void mlk_dual_cache_free(dual_cache *cache)
{
    mlk_free(cache->K);
    mlk_free(cache->members);
    *cache = (dual_cache){0};
}

/* ---------------------------------------------------------------------------------- solver */

typedef struct solver {
    dual *d;
    dual_cache *cache;
    const mlk_run *run;
    size_t n, limit;      /* samples; steps allowed */
    bool stale;           /* f holds for the members alone */
    size_t capacity;      /* of a working set */
    size_t *kept, *fresh; /* capacity: positions kept of the old set; new samples */
    size_t n_kept, n_fresh;
    size_t *changed, *others; /* rows of the set: moved members; samples that are not members */
    size_t n_changed, n_others;
    size_t *sample_of;         /* n: sample of each of the others */
    unsigned char *member;     /* n */
    double *rise[2], *fall[2]; /* n: -g of what may rise, g of what may fall; -inf: none */
    double *keys, *work;       /* n: of a selection */
    double top_rise[2], top_fall[2];
    size_t stride; /* of a walk through all samples in scattered order */
    /* the subproblem, in padded variables */
    smo smo;
    float *diagonal;
    double *beta, *g, *lo, *hi, *up, *down;
    double *delta; /* moves of the changed, times the kernel's scale */
    /* tiles */
    unsigned workers;
    mlk_kernel_pick left;   /* new or moved members */
    mlk_kernel_pick *right; /* a worker: a chunk of the other side */
    float *tile;            /* a worker */
    double *room;           /* a worker */
    size_t room_size;
} solver;

static size_t pad(size_t n) { return (n + SMO_LANES - 1) / SMO_LANES * SMO_LANES; }

static unsigned n_groups(const dual *d) { return d->by_copy ? 2 : 1; }

static unsigned group_of(const dual *d, unsigned copy) { return d->by_copy ? copy : 0; }

static double gradient(const dual *d, size_t n, size_t sample, unsigned copy)
{
    return d->f[sample] + (d->q ? d->q[copy * n + sample] : 0.0);
}

/* Who may move, by how much they want to; returns the largest violation. */
static double scan(solver *s)
{
    const dual *d = s->d;
    double violation = 0.0;
    for (unsigned k = 0; k < n_groups(d); k++)
        for (size_t i = 0; i < s->n; i++)
            s->rise[k][i] = s->fall[k][i] = -INFINITY;
    for (unsigned c = 0; c < d->copies; c++) {
        double *rise = s->rise[group_of(d, c)], *fall = s->fall[group_of(d, c)];
        for (size_t i = 0; i < s->n; i++) {
            const size_t t = c * s->n + i;
            const double g = gradient(d, s->n, i, c);
            if (d->beta[t] < d->hi[t] && -g > rise[i])
                rise[i] = -g;
            if (d->beta[t] > d->lo[t] && g > fall[i])
                fall[i] = g;
        }
    }
    for (unsigned k = 0; k < n_groups(d); k++) {
        s->top_rise[k] = s->top_fall[k] = -INFINITY;
        for (size_t i = 0; i < s->n; i++) {
            s->top_rise[k] = fmax(s->top_rise[k], s->rise[k][i]);
            s->top_fall[k] = fmax(s->top_fall[k], s->fall[k][i]);
        }
        if (s->top_rise[k] > -INFINITY && s->top_fall[k] > -INFINITY)
            violation = fmax(violation, s->top_rise[k] + s->top_fall[k]);
    }
    return violation;
}

/* ------------------------------------------------------------------- choice of a working set */

static void take(solver *s, size_t sample)
{
    s->member[sample] = 1;
    s->fresh[s->n_fresh++] = sample;
}

/* Up to `quota` new samples with the largest keys above `bound`; ties in scattered order. */
static void take_top(solver *s, const double *key, double bound, size_t quota)
{
    size_t count = 0, above = 0;
    for (size_t i = 0; i < s->n; i++)
        if (key[i] > bound && !s->member[i])
            s->keys[count++] = key[i];
    if (quota > s->capacity - s->n_kept - s->n_fresh)
        quota = s->capacity - s->n_kept - s->n_fresh;
    if (quota == 0 || count == 0)
        return;
    const double least = count > quota ? mlk_select(s->keys, count, count - quota) : -INFINITY;
    for (size_t i = 0; i < s->n; i++)
        if (key[i] > bound && key[i] > least && !s->member[i]) {
            take(s, i);
            above++;
        }
    for (size_t k = 0, i = 0; k < s->n && above < quota && least > -INFINITY; k++) {
        if (key[i] == least && !s->member[i]) {
            take(s, i);
            above++;
        }
        i = (i + s->stride) % s->n;
    }
}

/* How much a sample violates with the best partner there is; a free one always counts. */
static double activity(const solver *s, size_t sample)
{
    double most = -INFINITY;
    for (unsigned k = 0; k < n_groups(s->d); k++) {
        const double rise = s->rise[k][sample], fall = s->fall[k][sample];
        if (rise > -INFINITY && fall > -INFINITY)
            return INFINITY;
        most = fmax(most, fmax(rise + s->top_fall[k], fall + s->top_rise[k]));
    }
    return most;
}

/* Members to keep: with shrinking, those that can still move together with another; and no more
 * than leave `room` for new ones. */
static void keep_members(solver *s, size_t room)
{
    const dual_cache *c = s->cache;
    size_t most = s->capacity - room, active = 0, count = 0;
    for (size_t k = 0; k < c->count; k++) {
        const double a = activity(s, c->members[k]);
        active += a > 0.0;
        s->keys[k] = a;
    }
    if (s->d->shrinking && active < most)
        most = active;
    s->n_kept = 0;
    if (most >= c->count) {
        for (size_t k = 0; k < c->count; k++)
            s->kept[s->n_kept++] = k;
        return;
    }
    if (most == 0)
        return;
    memcpy(s->work, s->keys, c->count * sizeof *s->keys);
    const double least = mlk_select(s->work, c->count, c->count - most);
    for (size_t k = 0; k < c->count; k++)
        count += s->keys[k] > least;
    for (size_t k = 0; k < c->count; k++) /* among equals, the first */
        if (s->keys[k] > least || (s->keys[k] == least && count++ < most))
            s->kept[s->n_kept++] = k;
}

static void choose_set(solver *s, double eps)
{
    const unsigned groups = n_groups(s->d);
    const dual_cache *c = s->cache;
    size_t quota = c->count > FIRST_SET ? c->count : FIRST_SET;
    if (quota > s->capacity)
        quota = s->capacity;
    keep_members(s, s->capacity == s->n ? 0 : quota / 4);
    memset(s->member, 0, s->n);
    for (size_t k = 0; k < s->n_kept; k++)
        s->member[c->members[s->kept[k]]] = 1;
    s->n_fresh = 0;
    if (s->n <= DUAL_WHOLE && s->capacity == s->n) {
        for (size_t i = 0; i < s->n; i++)
            if (!s->member[i])
                take(s, i);
        return;
    }
    if (quota > s->capacity - s->n_kept)
        quota = s->capacity - s->n_kept;
    const size_t share = quota / (2 * groups) ? quota / (2 * groups) : 1;
    for (unsigned k = 0; k < groups; k++) {
        /* Against the best partner there is, it violates by more than eps. */
        take_top(s, s->rise[k], eps - s->top_fall[k], share);
        take_top(s, s->fall[k], eps - s->top_rise[k], share);
    }
}

/* ---------------------------------------------------------------------------- tiles of kernel */

static mlk_status tiles_init(solver *s, mlk_scratch *scratch)
{
    const mlk_kernel_set *set = s->cache->set;
    const mlk_run inner = mlk_run_inner(s->run);
    s->workers = mlk_workers(&inner, s->n, TILE);
    s->room_size = mlk_kernel_room(set, TILE, TILE);
    s->tile = mlk_scratch_take(scratch, s->workers, (size_t)TILE * TILE * sizeof *s->tile);
    s->room = mlk_scratch_mat(scratch, s->workers, s->room_size).data;
    s->right = mlk_scratch_take(scratch, s->workers, sizeof *s->right);
    if (scratch->failed) {
        s->workers = 0;
        return MLK_FAIL(MLK_ENOMEM, "no memory for tiles of a kernel");
    }
    memset(s->right, 0, s->workers * sizeof *s->right);
    for (unsigned w = 0; w < s->workers; w++)
        MLK_TRY(mlk_kernel_pick_init(&s->right[w], set, TILE < s->n ? TILE : s->n));
    return mlk_kernel_pick_init(&s->left, set, s->capacity);
}

static void tiles_free(solver *s)
{
    for (unsigned w = 0; w < s->workers; w++)
        mlk_kernel_pick_free(&s->right[w]);
    mlk_kernel_pick_free(&s->left);
}

/* The matrix of the kept members moves to the top left: both orders rise, so in place. */
static void compact(solver *s)
{
    dual_cache *c = s->cache;
    for (size_t i = 0; i < s->n_kept; i++) {
        const float *from = c->K + s->kept[i] * c->ld;
        float *to = c->K + i * c->ld;
        for (size_t j = 0; j < s->n_kept; j++)
            to[j] = from[s->kept[j]];
        c->members[i] = c->members[s->kept[i]];
    }
    memcpy(c->members + s->n_kept, s->fresh, s->n_fresh * sizeof *s->fresh);
    c->count = s->n_kept + s->n_fresh;
}

/* to (cols x rows) = the tile's transpose, by blocks whose lines stay in the first-level cache. */
MLK_SIMD static void mirror(const float *tile, size_t rows, size_t cols, float *to, size_t ld)
{
    enum { SIDE = 16 };
    for (size_t j0 = 0; j0 < cols; j0 += SIDE)
        for (size_t r0 = 0; r0 < rows; r0 += SIDE) {
            const size_t j1 = cols - j0 < SIDE ? cols : j0 + SIDE;
            const size_t r1 = rows - r0 < SIDE ? rows : r0 + SIDE;
            for (size_t j = j0; j < j1; j++)
                for (size_t r = r0; r < r1; r++)
                    to[j * ld + r] = tile[r * TILE + j];
        }
}

/* Columns of the new members' rows, and by symmetry rows of all. Tiles above the diagonal of the
 * new block come from those below. */
static mlk_status extend_columns(void *ctx, const mlk_chunk *chunk)
{
    const solver *s = ctx;
    const dual_cache *c = s->cache;
    mlk_kernel_pick *right = &s->right[chunk->worker];
    float *tile = s->tile + (size_t)chunk->worker * TILE * TILE;
    double *room = s->room + chunk->worker * s->room_size;
    const size_t begin = chunk->begin, cols = chunk->end - begin;
    mlk_kernel_pick_rows(right, s->others + begin, cols);
    const size_t first = begin > s->n_kept ? (begin - s->n_kept) / TILE * TILE : 0;
    for (size_t r0 = first; r0 < s->n_fresh; r0 += TILE) {
        const size_t left = s->n_fresh - r0, count = left < TILE ? left : TILE;
        mlk_kernel_tile(&s->left, r0, count, right, room, tile, TILE);
        for (size_t r = 0; r < count; r++)
            memcpy(c->K + (s->n_kept + r0 + r) * c->ld + begin, tile + r * TILE,
                   cols * sizeof *tile);
        mirror(tile, count, cols, c->K + begin * c->ld + s->n_kept + r0, c->ld);
    }
    return MLK_OK;
}

/* The matrix of the new working set. */
static mlk_status extend_matrix(solver *s)
{
    dual_cache *c = s->cache;
    const mlk_run inner = mlk_run_inner(s->run);
    compact(s);
    for (size_t k = 0; k < c->count; k++)
        s->others[k] = dual_rows_at(&c->rows, c->members[k]);
    for (size_t k = 0; k < s->n_fresh; k++)
        s->changed[k] = s->others[s->n_kept + k];
    mlk_kernel_pick_rows(&s->left, s->changed, s->n_fresh);
    const mlk_status st =
        s->n_fresh ? mlk_parallel_for(&inner, c->count, TILE, extend_columns, s) : MLK_OK;
    if (st != MLK_OK)
        c->count = 0; /* what is not computed must not be kept */
    return st;
}

/* f of the others += sum of delta_k k(changed_k, .): computed and used at once. */
MLK_SIMD static void add_row(double delta, const float *k, size_t n, double *f)
{
    for (size_t i = 0; i < n; i++)
        f[i] += delta * (double)k[i];
}

static mlk_status update_chunk(void *ctx, const mlk_chunk *chunk)
{
    const solver *s = ctx;
    mlk_kernel_pick *right = &s->right[chunk->worker];
    float *tile = s->tile + (size_t)chunk->worker * TILE * TILE;
    double *room = s->room + chunk->worker * s->room_size, sum[TILE] = {0.0};
    const size_t cols = chunk->end - chunk->begin;
    mlk_kernel_pick_rows(right, s->others + chunk->begin, cols);
    for (size_t r0 = 0; r0 < s->n_changed; r0 += TILE) {
        const size_t left = s->n_changed - r0, count = left < TILE ? left : TILE;
        mlk_kernel_tile(&s->left, r0, count, right, room, tile, TILE);
        for (size_t r = 0; r < count; r++)
            add_row(s->delta[r0 + r], tile + r * TILE, cols, sum);
    }
    for (size_t j = 0; j < cols; j++)
        s->d->f[s->sample_of[chunk->begin + j]] += sum[j];
    return MLK_OK;
}

static mlk_status update_others(solver *s)
{
    const mlk_run inner = mlk_run_inner(s->run);
    s->n_others = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!s->member[i]) {
            s->sample_of[s->n_others] = i;
            s->others[s->n_others++] = dual_rows_at(&s->cache->rows, i);
        }
    mlk_kernel_pick_rows(&s->left, s->changed, s->n_changed);
    return mlk_parallel_for(&inner, s->n_others, TILE, update_chunk, s);
}

/* ------------------------------------------------------------------------- the subproblem */

static void load_variables(solver *s)
{
    const dual *d = s->d;
    const dual_cache *c = s->cache;
    const double scale = c->set->scale;
    const size_t m = c->count, padded = pad(m);
    s->smo = (smo){.K = c->K, .ld = c->ld, .diagonal = s->diagonal, .n_ranges = d->copies};
    s->smo.ranges[0] = (smo_range){0, padded, 0, 0};
    s->smo.ranges[1] = (smo_range){padded, 2 * padded, padded, (int)group_of(d, 1)};
    double *const arrays[] = {s->beta, s->g, s->lo, s->hi};
    for (size_t k = 0; k < MLK_COUNT(arrays); k++)
        memset(arrays[k], 0, d->copies * padded * sizeof(double));
    memset(s->diagonal, 0, padded * sizeof *s->diagonal);
    for (size_t k = 0; k < m; k++)
        s->diagonal[k] = c->set->diagonal[dual_rows_at(&c->rows, c->members[k])];
    for (size_t k = 0; k < m; k++) /* padding is read, and must be finite */
        memset(c->K + k * c->ld + m, 0, (padded - m) * sizeof *c->K);
    for (unsigned copy = 0; copy < d->copies; copy++)
        for (size_t k = 0; k < m; k++) {
            const size_t t = copy * s->n + c->members[k], l = copy * padded + k;
            s->beta[l] = d->beta[t] * scale;
            s->lo[l] = d->lo[t] * scale;
            s->hi[l] = d->hi[t] * scale;
            s->g[l] = gradient(d, s->n, c->members[k], copy);
        }
    s->smo.beta = s->beta;
    s->smo.g = s->g;
    s->smo.lo = s->lo;
    s->smo.hi = s->hi;
    s->smo.up = s->up;
    s->smo.down = s->down;
}

/* The moves back to the problem, bounds met exactly; who changed; f of the members. */
static void store_variables(solver *s)
{
    dual *d = s->d;
    const dual_cache *c = s->cache;
    const double scale = c->set->scale;
    const size_t padded = pad(c->count);
    s->n_changed = 0;
    for (size_t k = 0; k < c->count; k++) {
        double delta = 0.0;
        for (unsigned copy = 0; copy < d->copies; copy++) {
            const size_t t = copy * s->n + c->members[k], l = copy * padded + k;
            const double b = s->beta[l] == s->lo[l]   ? d->lo[t]
                             : s->beta[l] == s->hi[l] ? d->hi[t]
                                                      : s->beta[l] / scale;
            delta += (b - d->beta[t]) * scale;
            d->beta[t] = b;
        }
        d->f[c->members[k]] = s->g[k] - (d->q ? d->q[c->members[k]] : 0.0);
        if (delta != 0.0) {
            s->delta[s->n_changed] = delta;
            s->changed[s->n_changed++] = dual_rows_at(&c->rows, c->members[k]);
        }
    }
}

/* One working set: choose, compute, solve, update (or leave f of the others stale). *moved:
 * something changed. */
static mlk_status iterate(solver *s, double violation, bool *moved)
{
    dual *d = s->d;
    double left;
    choose_set(s, 0.5 * d->tol);
    MLK_TRY(extend_matrix(s));
    load_variables(s);
    /* Everyone who violates is in: to the end, and then f anew in double. */
    const bool last = s->cache->count == s->n || s->n_fresh == 0;
    const double eps = last ? 0.9 * d->tol : fmax(0.5 * d->tol, 0.1 * violation);
    const size_t steps = mlk_smo_solve(&s->smo, eps, s->limit - d->steps, &left);
    d->steps += steps;
    store_variables(s);
    *moved = s->n_changed > 0;
    mlk_run_log(s->run, "violation %g, working set %zu (%zu new), %zu steps to %g, %zu moved",
                violation, s->cache->count, s->n_fresh, steps, left, s->n_changed);
    s->stale = last;
    return *moved && !last ? update_others(s) : MLK_OK;
}

/* ------------------------------------------------------------------------------ in double */

static void emit_sum(void *ctx, size_t row, const double *sums)
{
    double *f = ctx;
    f[row] = sums[0];
}

mlk_status mlk_dual_exact(dual *d, const dual_cache *cache, const mlk_run *run)
{
    const mlk_kernel_set *set = cache->set;
    const size_t n = cache->n;
    size_t n_sv = 0, s = 0, done = 0;
    for (size_t i = 0; i < n; i++)
        n_sv += d->beta[i] + (d->copies > 1 ? d->beta[n + i] : 0.0) != 0.0;
    mlk_machine m;
    MLK_TRY(mlk_machine_init(&m, &set->kernel, set->X.cols, n_sv, 1, 1));
    for (size_t i = 0; i < n; i++) {
        const double b = d->beta[i] + (d->copies > 1 ? d->beta[n + i] : 0.0);
        if (b != 0.0) {
            mlk_machine_set_vector(&m, s, set->X, dual_rows_at(&cache->rows, i));
            m.coef[s++] = b;
        }
    }
    mlk_machine_finish(&m);
    mlk_status st = MLK_OK;
    for (size_t r = 0; st == MLK_OK && r < cache->rows.count; r++) {
        const mlk_cmat rows = mlk_cmat_rows(set->X, cache->rows.begin[r], cache->rows.end[r]);
        st = mlk_machine_apply(&m, rows, run, emit_sum, d->f + done);
        done += rows.rows;
    }
    mlk_machine_free(&m);
    return st;
}

/* The bias of each group: the mean of -g over the free variables, or the middle of what the bounded
 * ones allow. */
static void set_bias(solver *s)
{
    dual *d = s->d;
    double sum[2] = {0.0, 0.0};
    size_t count[2] = {0, 0};
    for (unsigned c = 0; c < d->copies; c++)
        for (size_t i = 0; i < s->n; i++) {
            const size_t t = c * s->n + i;
            if (d->beta[t] > d->lo[t] && d->beta[t] < d->hi[t]) {
                sum[group_of(d, c)] -= gradient(d, s->n, i, c);
                count[group_of(d, c)]++;
            }
        }
    for (unsigned k = 0; k < n_groups(d); k++) {
        const double low = s->top_rise[k], high = -s->top_fall[k]; /* low <= bias <= high */
        if (count[k])
            d->bias[k] = sum[k] / (double)count[k];
        else if (low > -INFINITY && high < INFINITY)
            d->bias[k] = 0.5 * (low + high);
        else
            d->bias[k] = low > -INFINITY ? low : high < INFINITY ? high : 0.0;
    }
}

/* Objective, and the gap: over the variables, (g + bias) b + max over the box of -(g + bias) b. */
static void certify(solver *s)
{
    dual *d = s->d;
    double objective = 0.0, gap = 0.0;
    set_bias(s);
    for (unsigned c = 0; c < d->copies; c++)
        for (size_t i = 0; i < s->n; i++) {
            const size_t t = c * s->n + i;
            const double q = d->q ? d->q[t] : 0.0, e = d->f[i] + q + d->bias[group_of(d, c)];
            objective += (0.5 * d->f[i] + q) * d->beta[t];
            gap += e > 0.0 ? e * (d->beta[t] - d->lo[t]) : e * (d->beta[t] - d->hi[t]);
        }
    d->objective = objective;
    d->gap = gap;
}

/* ------------------------------------------------------------------------------ all of it */

static void allocate(solver *s, mlk_scratch *scratch)
{
    const size_t n = s->n, q = s->capacity, vars = 2 * pad(q);
    s->kept = mlk_scratch_take(scratch, q, sizeof *s->kept);
    s->fresh = mlk_scratch_take(scratch, q, sizeof *s->fresh);
    s->changed = mlk_scratch_take(scratch, q, sizeof *s->changed);
    s->others = mlk_scratch_take(scratch, n, sizeof *s->others);
    s->sample_of = mlk_scratch_take(scratch, n, sizeof *s->sample_of);
    s->member = mlk_scratch_take(scratch, n, 1);
    s->keys = mlk_scratch_take(scratch, n, sizeof *s->keys);
    s->work = mlk_scratch_take(scratch, n, sizeof *s->work);
    for (unsigned k = 0; k < n_groups(s->d); k++) {
        s->rise[k] = mlk_scratch_take(scratch, n, sizeof *s->rise[k]);
        s->fall[k] = mlk_scratch_take(scratch, n, sizeof *s->fall[k]);
    }
    s->diagonal = mlk_scratch_take(scratch, pad(q), sizeof *s->diagonal);
    double **const work[] = {&s->beta, &s->g, &s->lo, &s->hi, &s->up, &s->down};
    for (size_t k = 0; k < MLK_COUNT(work); k++)
        *work[k] = mlk_scratch_take(scratch, vars, sizeof(double));
    s->delta = mlk_scratch_take(scratch, q, sizeof *s->delta);
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b) {
        const size_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Is there still progress from one exact f to the next? Rounding in the rows sets a floor. */
static bool stalls(double violation, double *best, unsigned *stalled)
{
    *stalled = violation > 0.7 * *best ? *stalled + 1 : 0;
    *best = fmin(*best, violation);
    return *stalled >= 5;
}

/* Working sets until none violates by more than tol in double. */
static mlk_status solve(solver *s)
{
    dual *d = s->d;
    double best = INFINITY;
    unsigned stalled = 0;
    bool exact = true; /* f is */
    for (;;) {
        MLK_TRY(mlk_run_poll(s->run, -1.0));
        const double violation = scan(s);
        if (exact) {
            d->violation = violation;
            d->converged = violation <= d->tol;
            if (d->converged || d->steps >= s->limit || stalls(violation, &best, &stalled))
                return MLK_OK;
        }
        bool moved = false;
        if (violation > (exact ? 1.0 : 0.9) * d->tol && d->steps < s->limit) {
            MLK_TRY(iterate(s, violation, &moved));
            if (!moved)
                s->limit = d->steps;
            exact = exact && !moved;
        }
        if ((!moved || s->stale) && !exact) {
            MLK_TRY(mlk_dual_exact(d, s->cache, s->run));
            exact = true;
        }
    }
}

mlk_status mlk_dual_solve(dual *d, dual_cache *cache, const mlk_run *run)
{
    const size_t n = cache->n;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    solver s = {.d = d, .cache = cache, .run = run, .n = n, .limit = d->max_steps};
    s.capacity = n < cache->capacity ? n : cache->capacity;
    s.stride = (size_t)(0.618 * (double)n) | 1;
    while (common_divisor(s.stride, n) != 1)
        s.stride++;
    allocate(&s, &scratch);
    mlk_status st;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a working set of %zu samples", s.capacity);
    else
        st = tiles_init(&s, &scratch);
    if (st == MLK_OK) {
        d->steps = 0;
        st = solve(&s);
    }
    if (st == MLK_OK)
        certify(&s);
    tiles_free(&s);
    mlk_scratch_release(&scratch);
    return st;
}
