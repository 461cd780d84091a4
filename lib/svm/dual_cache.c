#include "svm/dual_cache.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "svm/smo.h"

enum {
    TILE = 256,     /* rows and columns of a tile of the kernel: 256 KB, second-level cache */
    LEAST_SET = 64, /* samples of a working set, whatever the memory */
    INNER = 4       /* a part of a set that is solved alone */
};

mlk_status mlk_dual_cache_init(dual_cache *cache, const mlk_kernel_set *set, size_t max_n,
                               double megabytes)
{
    const double part = 1.0 + 1.0 / (INNER * INNER);
    const double fit = sqrt(megabytes * 1048576.0 / (part * sizeof(float))) - 32.0;
    size_t capacity = max_n;
    if (fit < (double)capacity)
        capacity = fit > LEAST_SET ? (size_t)fit : LEAST_SET < max_n ? LEAST_SET : max_n;
    *cache = (dual_cache){.set = set, .max_n = max_n, .capacity = capacity};
    cache->inner = capacity > DUAL_WHOLE ? capacity / INNER : 0;
    cache->K = mlk_alloc(capacity, smo_row_length(capacity) * sizeof *cache->K);
    cache->inner_K = mlk_alloc(cache->inner, smo_row_length(cache->inner) * sizeof *cache->inner_K);
    cache->members = mlk_alloc(capacity, sizeof *cache->members);
    if (cache->K && cache->inner_K && cache->members)
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

static void tiles_free(dual_tiles *t)
{
    for (unsigned w = 0; w < t->workers; w++)
        mlk_kernel_pick_free(&t->right[w]);
    mlk_kernel_pick_free(&t->left);
    mlk_scratch_release(&t->scratch);
}

void mlk_dual_cache_free(dual_cache *cache)
{
    tiles_free(&cache->tiles);
    mlk_free(cache->K);
    mlk_free(cache->inner_K);
    mlk_free(cache->members);
    *cache = (dual_cache){0};
}

/* ------------------------------------------------------------------ matrices of whole ranges */

/* to (cols x rows) = the tile's transpose, by blocks whose lines stay in the first-level cache. */
MLK_SIMD static void mirror(const float *tile, size_t tile_ld, size_t rows, size_t cols, float *to,
                            size_t ld)
{
    enum { SIDE = 16 };
    for (size_t j0 = 0; j0 < cols; j0 += SIDE)
        for (size_t r0 = 0; r0 < rows; r0 += SIDE) {
            const size_t j1 = cols - j0 < SIDE ? cols : j0 + SIDE;
            const size_t r1 = rows - r0 < SIDE ? rows : r0 + SIDE;
            for (size_t j = j0; j < j1; j++)
                for (size_t r = r0; r < r1; r++)
                    to[j * ld + r] = tile[r * tile_ld + j];
        }
}

/* K = k(rows of a, rows of b) / scale, and its transpose to T (NULL: not wanted). */
static void block(const mlk_kernel_pick *a, const mlk_kernel_pick *b, float *K, float *T, size_t ld)
{
    for (size_t c = 0; c < b->count; c += TILE) {
        const size_t cols = b->count - c < TILE ? b->count - c : TILE;
        const mlk_kernel_pick part = {.set = b->set,
                                      .count = cols,
                                      .rows = b->rows + c * b->set->X.cols,
                                      .h = b->h ? b->h + c : NULL};
        for (size_t r = 0; r < a->count; r += TILE) {
            const size_t rows = a->count - r < TILE ? a->count - r : TILE;
            mlk_kernel_tile(a, r, rows, &part, NULL, K + r * ld + c, ld);
            if (T)
                mirror(K + r * ld + c, ld, rows, cols, T + c * ld + r, ld);
        }
    }
}

void mlk_dual_own_block(const mlk_kernel_set *set, size_t begin, size_t end, float *K, size_t ld)
{
    for (size_t i = begin; i < end; i += TILE) {
        const size_t next = end - i < TILE ? end : i + TILE;
        const mlk_kernel_pick rows = mlk_kernel_pick_range(set, i, next);
        float *left = K + (i - begin) * ld, *top = K + (i - begin);
        if (i > begin) {
            const mlk_kernel_pick before = mlk_kernel_pick_range(set, begin, i);
            block(&rows, &before, left, top, ld);
        }
        block(&rows, &rows, left + (i - begin), NULL, ld);
    }
}

static void copy_block(const float *from, size_t from_ld, size_t n, float *to, size_t ld)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * ld, from + i * from_ld, n * sizeof *to);
}

void mlk_dual_cache_fill(dual_cache *c, const float *const own[2], const size_t ld[2])
{
    const dual_rows *r = &c->rows;
    const size_t first = r->end[0] - r->begin[0];
    const mlk_kernel_pick a = mlk_kernel_pick_range(c->set, r->begin[0], r->end[0]);
    const mlk_kernel_pick b = mlk_kernel_pick_range(c->set, r->begin[1], r->end[1]);
    c->ld = smo_row_length(c->capacity);
    if (c->own != own[0]) /* pairs come in the order of their first classes */
        copy_block(own[0], ld[0], first, c->K, c->ld);
    c->own = own[0];
    copy_block(own[1], ld[1], c->n - first, c->K + first * c->ld + first, c->ld);
    block(&a, &b, c->K + first, c->K + first * c->ld, c->ld);
    for (size_t i = 0; i < c->n; i++)
        c->members[i] = i;
    c->count = c->n;
}

/* ------------------------------------------------------------------------------- tiles */

static size_t tiles_of(size_t n) { return (n + TILE - 1) / TILE; }

/* The first call makes them. */
static mlk_status tiles_init(dual_cache *c, const mlk_run *run)
{
    dual_tiles *t = &c->tiles;
    const size_t cols = TILE < c->max_n ? TILE : c->max_n;
    if (t->workers > 0)
        return MLK_OK;
    const unsigned workers = mlk_workers(run, tiles_of(c->max_n) + 1, 1);
    t->room_size = mlk_kernel_room(c->set, TILE, TILE);
    t->tile = mlk_scratch_take(&t->scratch, workers, (size_t)TILE * TILE * sizeof *t->tile);
    t->room = mlk_scratch_mat(&t->scratch, workers, t->room_size).data;
    t->left_rows = mlk_scratch_take(&t->scratch, c->capacity, sizeof *t->left_rows);
    t->rows = mlk_scratch_take(&t->scratch, c->max_n, sizeof *t->rows);
    t->at = mlk_scratch_take(&t->scratch, c->max_n, sizeof *t->at);
    t->right = mlk_scratch_take(&t->scratch, workers, sizeof *t->right);
    if (t->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for tiles of a kernel");
    memset(t->right, 0, workers * sizeof *t->right);
    t->workers = workers;
    for (unsigned w = 0; w < workers; w++)
        MLK_TRY(mlk_kernel_pick_init(&t->right[w], c->set, cols));
    return mlk_kernel_pick_init(&t->left, c->set, c->capacity);
}

/* Rows of K as far apart as a set of `count` wants. */
static void spread(dual_cache *c, size_t count)
{
    const size_t ld = smo_row_length(count), before = c->ld;
    if (c->count > 0 && ld <= before)
        return;
    for (size_t i = c->count; i-- > 1;)
        memmove(c->K + i * ld, c->K + i * before, c->count * sizeof *c->K);
    c->ld = ld;
}

/*
 * Where the new members go: to the places of those that leave, or behind. If the set becomes
 * smaller, the kept ones beyond its new end go to such places first. at: the places of the kept,
 * then those of the new.
 */
static void make_places(dual_cache *c, const size_t *kept, size_t n_kept, size_t n_fresh,
                        size_t *at)
{
    const size_t count = n_kept + n_fresh;
    size_t inside = 0, hole = 0, taken = 0, n_moves;
    while (inside < n_kept && kept[inside] < count)
        inside++;
    n_moves = n_kept - inside;
    for (size_t k = 0; k < inside; k++)
        at[k] = kept[k];
    for (size_t k = 0; hole < count; hole++) {
        if (k < inside && kept[k] == hole)
            k++;
        else
            at[inside + taken++] = hole;
    }
    for (size_t k = inside; k < n_kept; k++) {
        memcpy(c->K + at[k] * c->ld, c->K + kept[k] * c->ld, c->count * sizeof *c->K);
        c->members[at[k]] = c->members[kept[k]];
    }
    for (size_t r = 0; r < n_kept && n_moves > 0; r++) {
        float *row = c->K + at[r] * c->ld;
        for (size_t k = inside; k < n_kept; k++)
            row[at[k]] = row[kept[k]];
    }
}

typedef struct change {
    dual_cache *cache;
    size_t n_kept, n_fresh;
} change;

/* K[i, j] and K[j, i] of places i and j: a tile's rows and columns. By blocks whose lines stay in
 * the first-level cache. */
static void place_tile(const dual_cache *c, const float *tile, const size_t *rows, size_t n_rows,
                       const size_t *cols, size_t n_cols)
{
    enum { SIDE = 16 };
    for (size_t r = 0; r < n_rows; r++) {
        float *to = c->K + rows[r] * c->ld;
        for (size_t j = 0; j < n_cols; j++)
            to[cols[j]] = tile[r * TILE + j];
    }
    for (size_t j0 = 0; j0 < n_cols; j0 += SIDE)
        for (size_t r0 = 0; r0 < n_rows; r0 += SIDE)
            for (size_t j = j0; j < n_cols && j < j0 + SIDE; j++) {
                float *to = c->K + cols[j] * c->ld;
                for (size_t r = r0; r < n_rows && r < r0 + SIDE; r++)
                    to[rows[r]] = tile[r * TILE + j];
            }
}

/* Rows and columns of the new members: against a tile of kept ones, or against a tile of new ones,
 * of which those before it have their own tile. Each value is written by one chunk. */
static mlk_status change_columns(void *ctx, const mlk_chunk *chunk)
{
    const change *g = ctx;
    const dual_cache *c = g->cache;
    const dual_tiles *t = &c->tiles;
    mlk_kernel_pick *right = &t->right[chunk->worker];
    float *tile = t->tile + (size_t)chunk->worker * TILE * TILE;
    double *room = t->room + chunk->worker * t->room_size;
    const size_t n_old = tiles_of(g->n_kept);
    const bool is_new = chunk->begin >= n_old;
    const size_t first = is_new ? (chunk->begin - n_old) * TILE : 0;
    const size_t begin = is_new ? g->n_kept + first : chunk->begin * TILE;
    const size_t rest = (is_new ? c->count : g->n_kept) - begin, cols = rest < TILE ? rest : TILE;
    mlk_kernel_pick_rows(right, t->rows + begin, cols);
    for (size_t r0 = first; r0 < g->n_fresh; r0 += TILE) {
        const size_t left = g->n_fresh - r0, count = left < TILE ? left : TILE;
        mlk_kernel_tile(&t->left, r0, count, right, room, tile, TILE);
        place_tile(c, tile, t->at + g->n_kept + r0, count, t->at + begin, cols);
    }
    return MLK_OK;
}

mlk_status mlk_dual_cache_change(dual_cache *c, const size_t *kept, size_t n_kept,
                                 const size_t *fresh, size_t n_fresh, const mlk_run *run)
{
    const mlk_run inner = mlk_run_inner(run);
    change g = {c, n_kept, n_fresh};
    dual_tiles *t = &c->tiles;
    if (n_kept == c->count && n_fresh == 0)
        return MLK_OK;
    MLK_TRY(tiles_init(c, &inner));
    c->own = NULL;
    spread(c, n_kept + n_fresh);
    make_places(c, kept, n_kept, n_fresh, t->at);
    c->count = n_kept + n_fresh;
    for (size_t k = 0; k < n_fresh; k++)
        c->members[t->at[n_kept + k]] = fresh[k];
    for (size_t k = 0; k < c->count; k++)
        t->rows[k] = dual_rows_at(&c->rows, c->members[t->at[k]]);
    mlk_kernel_pick_rows(&t->left, t->rows + n_kept, n_fresh);
    const mlk_status st =
        mlk_parallel_for(&inner, tiles_of(n_kept) + tiles_of(n_fresh), 1, change_columns, &g);
    if (st != MLK_OK)
        c->count = 0; /* what is not computed must not be kept */
    return st;
}

typedef struct addition {
    dual_cache *cache;
    const double *delta;
    size_t n_moved;
    double *f;
} addition;

static mlk_status add_chunk(void *ctx, const mlk_chunk *chunk)
{
    const addition *a = ctx;
    const dual_tiles *t = &a->cache->tiles;
    mlk_kernel_pick *right = &t->right[chunk->worker];
    float *tile = t->tile + (size_t)chunk->worker * TILE * TILE;
    double *room = t->room + chunk->worker * t->room_size, sum[TILE] = {0.0};
    const size_t cols = chunk->end - chunk->begin;
    mlk_kernel_pick_rows(right, t->rows + chunk->begin, cols);
    for (size_t r0 = 0; r0 < a->n_moved; r0 += TILE) {
        const size_t left = a->n_moved - r0, count = left < TILE ? left : TILE;
        mlk_kernel_add(&t->left, r0, count, right, a->delta + r0, room, tile, TILE, sum);
    }
    for (size_t j = 0; j < cols; j++)
        a->f[t->at[chunk->begin + j]] += sum[j];
    return MLK_OK;
}

mlk_status mlk_dual_cache_add(dual_cache *c, const unsigned char *member, const size_t *moved,
                              const double *delta, size_t n_moved, const mlk_run *run, double *f)
{
    const mlk_run inner = mlk_run_inner(run);
    dual_tiles *t = &c->tiles;
    addition a = {c, delta, n_moved, f};
    size_t n_others = 0;
    if (n_moved == 0 || c->count == c->n)
        return MLK_OK;
    MLK_TRY(tiles_init(c, &inner));
    for (size_t i = 0; i < c->n; i++)
        if (!member[i]) {
            t->at[n_others] = i;
            t->rows[n_others++] = dual_rows_at(&c->rows, i);
        }
    for (size_t r = 0; r < n_moved; r++)
        t->left_rows[r] = dual_rows_at(&c->rows, c->members[moved[r]]);
    mlk_kernel_pick_rows(&t->left, t->left_rows, n_moved);
    return mlk_parallel_for(&inner, n_others, TILE, add_chunk, &a);
}
