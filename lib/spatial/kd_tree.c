#include "spatial/kd_tree.h"

#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "spatial/lanes.h"

/* ------------------------------------------------------------------- order */

static bool before(mlk_cmat X, size_t j, size_t a, size_t b)
{
    const double x = X.data[a * X.ld + j], y = X.data[b * X.ld + j];
    return x < y || (x == y && a < b);
}

static void swap_rows(size_t *row, size_t a, size_t b)
{
    const size_t t = row[a];
    row[a] = row[b];
    row[b] = t;
}

/* The k-th of the n rows by column j to its place, smaller ones before it: quickselect about the
 * median of three, rows of equal value by number. */
static void select_row(mlk_cmat X, size_t j, size_t *row, size_t n, size_t k)
{
    while (n > 1) {
        const size_t mid = n / 2, last = n - 1;
        if (before(X, j, row[mid], row[0]))
            swap_rows(row, mid, 0);
        if (before(X, j, row[last], row[0]))
            swap_rows(row, last, 0);
        if (before(X, j, row[last], row[mid]))
            swap_rows(row, last, mid);
        const size_t pivot = row[mid];
        size_t a = 0, b = last;
        for (;;) {
            while (before(X, j, row[a], pivot))
                a++;
            while (before(X, j, pivot, row[b]))
                b--;
            if (a >= b)
                break;
            swap_rows(row, a++, b--);
        }
        const size_t split = b + 1; /* row[0..b] <= pivot <= row[split..] */
        if (k < split) {
            n = split < n ? split : n - 1;
        } else {
            row += split;
            k -= split;
            n -= split;
        }
    }
}

static size_t widest_column(mlk_cmat X, const size_t *row, size_t n, double *lo, double *hi)
{
    size_t best = 0;
    for (size_t j = 0; j < X.cols; j++)
        lo[j] = hi[j] = X.data[row[0] * X.ld + j];
    for (size_t i = 1; i < n; i++) {
        const double *x = X.data + row[i] * X.ld;
        for (size_t j = 0; j < X.cols; j++) {
            lo[j] = x[j] < lo[j] ? x[j] : lo[j];
            hi[j] = x[j] > hi[j] ? x[j] : hi[j];
        }
    }
    for (size_t j = 1; j < X.cols; j++)
        if (hi[j] - lo[j] > hi[best] - lo[best])
            best = j;
    return best;
}

/* Halve until leaves: the left part gets a power of two of leaves, so that runs stay aligned. Its
 * depth is the logarithm of n. */
static void order_rows(mlk_cmat X, size_t *row, size_t n, double *lo, double *hi)
{
    while (n > KD_LEAF) {
        size_t left = KD_LEAF;
        while (2 * left < n)
            left *= 2;
        select_row(X, widest_column(X, row, n, lo, hi), row, n, left);
        order_rows(X, row, left, lo, hi);
        row += left;
        n -= left;
    }
}

/* ------------------------------------------------------------------- boxes */

static void leaf_boxes(mlk_cmat X, kd_tree *t)
{
    kd_level *level = &t->level[0];
    for (size_t i = 0; i < t->n; i++) {
        const size_t leaf = i / KD_LEAF, at = leaf / LANES * t->p * LANES + leaf % LANES;
        for (size_t j = 0; j < t->p; j++) {
            const double x = X.data[t->row[i] * X.ld + j];
            double *lo = level->lo + at + j * LANES, *hi = level->hi + at + j * LANES;
            *lo = i % KD_LEAF && *lo < x ? *lo : x;
            *hi = i % KD_LEAF && *hi > x ? *hi : x;
        }
        if (i % KD_LEAF == 0 || t->row[i] < level->smallest[leaf])
            level->smallest[leaf] = t->row[i];
    }
}

static void parent_boxes(const kd_tree *t, const kd_level *below, kd_level *level)
{
    for (size_t i = 0; i < below->n; i++) {
        const size_t node = i / LANES, at = node / LANES * t->p * LANES + node % LANES;
        const size_t child = node * t->p * LANES + i % LANES;
        for (size_t j = 0; j < t->p; j++) {
            const double low = below->lo[child + j * LANES], high = below->hi[child + j * LANES];
            double *lo = level->lo + at + j * LANES, *hi = level->hi + at + j * LANES;
            *lo = i % LANES && *lo < low ? *lo : low;
            *hi = i % LANES && *hi > high ? *hi : high;
        }
        if (i % LANES == 0 || below->smallest[i] < level->smallest[node])
            level->smallest[node] = below->smallest[i];
    }
}

static void take_level(kd_tree *t, size_t n)
{
    kd_level *level = &t->level[t->n_levels++];
    const size_t groups = (n + LANES - 1) / LANES;
    level->n = n;
    level->lo = mlk_scratch_mat(&t->memory, groups * LANES, t->p).data;
    level->hi = mlk_scratch_mat(&t->memory, groups * LANES, t->p).data;
    level->smallest = mlk_scratch_take(&t->memory, n, sizeof *level->smallest);
    for (size_t i = 0; !t->memory.failed && i < groups * LANES * t->p; i++)
        level->lo[i] = level->hi[i] = 0.0; /* lanes without a node */
}

static mlk_status take_memory(mlk_cmat X, kd_tree *t)
{
    const size_t groups = (t->n + LANES - 1) / LANES;
    size_t n = (t->n + KD_LEAF - 1) / KD_LEAF;
    t->row = mlk_scratch_take(&t->memory, t->n, sizeof *t->row);
    t->lanes = mlk_scratch_mat(&t->memory, groups * LANES, t->p).data;
    take_level(t, n);
    while (n > LANES && t->n_levels < KD_LEVELS) {
        n = (n + LANES - 1) / LANES;
        take_level(t, n);
    }
    return t->memory.failed
               ? MLK_FAIL(MLK_ENOMEM, "no memory for a tree of %zu x %zu values", X.rows, X.cols)
               : MLK_OK;
}

mlk_status kd_tree_init(mlk_cmat X, double power, const mlk_run *run, kd_tree *t)
{
    *t = (kd_tree){.memory = MLK_SCRATCH_INIT, .n = X.rows, .p = X.cols, .power = power};
    MLK_TRY(take_memory(X, t));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec lo = mlk_scratch_vec(&scratch, t->p), hi = mlk_scratch_vec(&scratch, t->p);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", t->p)
                                   : mlk_run_poll(run, -1.0);
    if (st == MLK_OK) {
        for (size_t i = 0; i < t->n; i++)
            t->row[i] = i;
        order_rows(X, t->row, t->n, lo.data, hi.data);
        for (size_t i = 0; i < (t->n + LANES - 1) / LANES * LANES; i++)
            for (size_t j = 0; j < t->p; j++) /* the last row fills the last group */
                t->lanes[(i / LANES * t->p + j) * LANES + i % LANES] =
                    X.data[t->row[i < t->n ? i : t->n - 1] * X.ld + j];
        leaf_boxes(X, t);
        for (size_t l = 1; l < t->n_levels; l++)
            parent_boxes(t, &t->level[l - 1], &t->level[l]);
        st = mlk_run_poll(run, -1.0);
    }
    mlk_scratch_release(&scratch);
    return st;
}

void kd_tree_release(kd_tree *t) { mlk_scratch_release(&t->memory); }

/* ------------------------------------------------------------------ search */

typedef struct search {
    const kd_tree *tree;
    const double *x;
    size_t left_out;
    double *room;
    near_list *list;
    size_t visited; /* leaves */
} search;

static void visit_leaf(search *s, size_t leaf)
{
    const kd_tree *t = s->tree;
    const size_t first = leaf * KD_LEAF;
    const size_t last = first + KD_LEAF < t->n ? first + KD_LEAF : t->n;
    const size_t blocks = (last - first + LANES - 1) / LANES;
    double distance[KD_LEAF];
    s->visited++;
    unsigned near = lane_near(t->power, t->lanes + first * t->p, blocks, t->p, s->x,
                              near_limit(s->list).distance, distance);
    for (size_t b = 0; near; b++, near >>= 1) {
        const size_t from = first + b * LANES, count = last - from < LANES ? last - from : LANES;
        for (size_t l = 0; (near & 1u) && l < count; l++)
            if (distance[b * LANES + l] <= near_limit(s->list).distance &&
                t->row[from + l] != s->left_out)
                near_add(s->list, (near_row){distance[b * LANES + l], t->row[from + l]});
    }
}

/* Nodes of a group whose boxes are no farther than the limit, nearest first; their number. */
static size_t sort_nodes(const double *distance, size_t count, double limit, unsigned char *order)
{
    size_t n = 0;
    for (size_t c = 0; c < count; c++) {
        if (distance[c] > limit)
            continue;
        size_t i = n++;
        for (; i && distance[c] < distance[order[i - 1]]; i--)
            order[i] = order[i - 1];
        order[i] = (unsigned char)c;
    }
    return n;
}

/* The nodes of a group, nearest box first, while one may hold a row nearer than the limit. */
static void visit_group(search *s, size_t l, size_t group)
{
    const kd_tree *t = s->tree;
    const kd_level *level = &t->level[l];
    const size_t first = group * LANES, at = first * t->p;
    const size_t count = level->n - first < LANES ? level->n - first : LANES;
    double distance[LANES];
    unsigned char order[LANES];
    lane_box_distances(t->power, level->lo + at, level->hi + at, t->p, s->x, s->room, distance);
    const size_t n = sort_nodes(distance, count, near_limit(s->list).distance, order);
    for (size_t i = 0; i < n; i++) {
        const size_t node = first + order[i];
        const near_row bound = {distance[order[i]], level->smallest[node]};
        if (s->list->n == s->list->k && !nearer(bound, near_limit(s->list)))
            continue; /* later ones may hold lower rows at equal distance */
        if (l)
            visit_group(s, l - 1, node);
        else
            visit_leaf(s, node);
    }
}

size_t kd_tree_search(const kd_tree *tree, const double *x, size_t left_out, double *room,
                      near_list *list)
{
    search s = {tree, x, left_out, room, list, 0};
    visit_group(&s, tree->n_levels - 1, 0);
    return s.visited;
}

size_t kd_tree_locate(const kd_tree *t, const double *x, double *room)
{
    size_t group = 0;
    for (size_t l = t->n_levels; l-- > 0;) {
        const kd_level *level = &t->level[l];
        const size_t first = group * LANES, at = first * t->p;
        double distance[LANES];
        lane_box_distances(t->power, level->lo + at, level->hi + at, t->p, x, room, distance);
        size_t best = 0;
        for (size_t c = 1; c < LANES && first + c < level->n; c++)
            if (distance[c] < distance[best])
                best = c;
        group = first + best;
    }
    return group;
}

/* ------------------------------------------------------------------ radius */

typedef struct reach {
    const kd_tree *tree;
    const double *x;
    double limit;
    size_t *rows;
    size_t n, most;
} reach;

/* Which of LANES points (bit l: lane l) have a squared distance of at most `limit` to x: those of
 * lane_distances(), for each group of a leaf. */
MLK_SIMD_TILES static unsigned points_within(const double *lanes, size_t p, size_t groups,
                                             const double *x, double limit)
{
    unsigned mask = 0;
    for (size_t g = 0; g < groups; g++) {
        double sum[LANES] = {0.0};
        for (size_t j = 0; j < p; j++)
            for (size_t l = 0; l < LANES; l++) {
                const double d = x[j] - lanes[(g * p + j) * LANES + l];
                sum[l] += d * d;
            }
        for (size_t l = 0; l < LANES; l++)
            mask |= (unsigned)(sum[l] <= limit) << (g * LANES + l);
    }
    return mask;
}

/* The same for LANES boxes. Rounding is monotone, so no box is farther than a point in it. */
MLK_SIMD_TILES static unsigned boxes_within(const double *lo, const double *hi, size_t p,
                                            const double *x, double limit)
{
    unsigned mask = 0;
    double sum[LANES] = {0.0};
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < LANES; l++) {
            const double low = lo[j * LANES + l], high = hi[j * LANES + l];
            const double raised = x[j] > low ? x[j] : low;
            const double d = x[j] - (raised < high ? raised : high);
            sum[l] += d * d;
        }
    for (size_t l = 0; l < LANES; l++)
        mask |= (unsigned)(sum[l] <= limit) << l;
    return mask;
}

static void reach_leaf(reach *r, size_t leaf)
{
    const kd_tree *t = r->tree;
    const size_t first = leaf * KD_LEAF;
    const size_t count = t->n - first < KD_LEAF ? t->n - first : KD_LEAF;
    const size_t groups = (count + LANES - 1) / LANES;
    unsigned mask = points_within(t->lanes + first * t->p, t->p, groups, r->x, r->limit);
    mask &= 0xffffffffu >> (KD_LEAF - count); /* lanes without a row repeat one */
    for (; mask; mask &= mask - 1)
        r->rows[r->n++] = t->row[first + (size_t)__builtin_ctz(mask)];
}

static void reach_group(reach *r, size_t l, size_t group)
{
    const kd_tree *t = r->tree;
    const kd_level *level = &t->level[l];
    const size_t first = group * LANES, at = first * t->p;
    const size_t count = level->n - first < LANES ? level->n - first : LANES;
    unsigned mask = boxes_within(level->lo + at, level->hi + at, t->p, r->x, r->limit);
    mask &= 0xffu >> (LANES - count);
    for (; mask && r->n < r->most; mask &= mask - 1) {
        const size_t node = first + (size_t)__builtin_ctz(mask);
        if (l)
            reach_group(r, l - 1, node);
        else
            reach_leaf(r, node);
    }
}

size_t kd_tree_within(const kd_tree *tree, const double *x, double limit, size_t most, size_t *rows)
{
    reach r = {tree, x, limit, rows, 0, most};
    reach_group(&r, tree->n_levels - 1, 0);
    return r.n;
}
