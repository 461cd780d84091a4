#include "cluster/merge_tree.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"

/* ------------------------------------------------------------------ distances */

/* Points that are still of interest, column by column, so that one of them is measured against all
 * at once: value[j * room + slot]. Slots stay in the order of their first rows. */
typedef struct points {
    size_t n, p, room;
    double *value;
    double *size;  /* room: rows of the cluster */
    uint32_t *row; /* room: its first row; its name */
    double *d;     /* room: what was measured last */
} points;

static mlk_status points_init(mlk_cmat X, mlk_scratch *s, points *t)
{
    *t = (points){.n = X.rows, .p = X.cols, .room = (X.rows + 7) / 8 * 8};
    t->value = mlk_scratch_mat(s, X.cols, t->room).data;
    t->size = mlk_scratch_vec(s, t->room).data;
    t->row = mlk_scratch_take(s, t->room, sizeof *t->row);
    t->d = mlk_scratch_vec(s, t->room).data;
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a copy of %zu x %zu values", X.rows, X.cols);
    for (size_t i = 0; i < X.rows; i++) {
        t->size[i] = 1.0;
        t->row[i] = (uint32_t)i;
        for (size_t j = 0; j < X.cols; j++)
            t->value[j * t->room + i] = X.data[i * X.ld + j];
    }
    return MLK_OK;
}

/* Slots of size 0 are taken out. */
static void compact(points *t)
{
    size_t m = 0;
    for (size_t j = 0; j < t->p; j++) {
        double *v = t->value + j * t->room;
        size_t to = 0;
        for (size_t i = 0; i < t->n; i++)
            if (t->size[i] != 0.0)
                v[to++] = v[i];
    }
    for (size_t i = 0; i < t->n; i++) {
        if (t->size[i] == 0.0)
            continue;
        t->size[m] = t->size[i];
        t->row[m++] = t->row[i];
    }
    t->n = m;
}

enum { STRIP = 512, TABLE_ROWS = 16 };

static const uint32_t NONE = UINT32_MAX;

/* d[i] = squared distance of slot i, of the first n, to slot `from`. */
MLK_SIMD_TILES static void measure(const points *t, size_t from, size_t n, double *restrict d)
{
    for (size_t begin = 0; begin < n; begin += STRIP) {
        const size_t m = n - begin < STRIP ? n - begin : STRIP;
        for (size_t i = 0; i < m; i++)
            d[begin + i] = 0.0;
        for (size_t j = 0; j < t->p; j++) {
            const double *v = t->value + j * t->room, x = v[from];
            for (size_t i = 0; i < m; i++) {
                const double e = v[begin + i] - x;
                d[begin + i] += e * e;
            }
        }
    }
}

/* The least of n values, the first of several. */
MLK_SIMD_TILES static double least_of(const double *d, size_t n)
{
    double least[8];
    size_t i = 0;
    for (size_t l = 0; l < 8; l++)
        least[l] = (double)INFINITY;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++)
            least[l] = d[i + l] < least[l] ? d[i + l] : least[l];
    for (; i < n; i++)
        least[0] = d[i] < least[0] ? d[i] : least[0];
    for (size_t l = 1; l < 8; l++)
        least[0] = least[l] < least[0] ? least[l] : least[0];
    return least[0];
}

static size_t first_of(const double *d, size_t n, double value)
{
    size_t i = 0;
    while (i < n && d[i] != value)
        i++;
    return i;
}

/* -------------------------------------------------------------------- single */

typedef struct spanning {
    double *least;     /* of each slot to the tree so far */
    uint32_t *nearest; /* ... and the row of the tree it is to */
} spanning;

/* Slot `from` joins the tree of the others. */
MLK_SIMD_TILES static void reach_out(const double *d, uint32_t row, size_t n,
                                     double *restrict least, uint32_t *restrict nearest)
{
    for (size_t i = 0; i < n; i++) {
        const int closer = d[i] < least[i];
        least[i] = closer ? d[i] : least[i];
        nearest[i] = closer ? row : nearest[i];
    }
}

/* Prim's algorithm. Slots that have joined are taken out when half of them have. */
static mlk_status single_links(points *t, const mlk_run *run, mlk_scratch *s, merge_link *links)
{
    spanning m;
    const size_t n = t->n;
    size_t from = 0, gone = 0;
    m.least = mlk_scratch_vec(s, t->room).data;
    m.nearest = mlk_scratch_take(s, t->room, sizeof *m.nearest);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a spanning tree of %zu rows", n);
    for (size_t i = 0; i < n; i++)
        m.least[i] = (double)INFINITY;
    for (size_t done = 0; done + 1 < n; done++) {
        if (done % 64 == 0)
            MLK_TRY(mlk_run_poll(run, (double)done / (double)n));
        measure(t, from, t->n, t->d);
        reach_out(t->d, t->row[from], t->n, m.least, m.nearest);
        t->size[from] = 0.0; /* it has joined */
        gone++;
        for (size_t i = 0; i < t->n; i++)
            t->d[i] = t->size[i] == 0.0 ? (double)INFINITY : m.least[i];
        const double least = least_of(t->d, t->n);
        from = first_of(t->d, t->n, least);
        links[done] = (merge_link){m.nearest[from], t->row[from], sqrt(least)};
        if (2 * gone < t->n)
            continue;
        size_t at = 0, next = 0;
        for (size_t i = 0; i < t->n; i++) {
            if (t->size[i] == 0.0)
                continue;
            next = i == from ? at : next;
            m.least[at] = m.least[i];
            m.nearest[at++] = m.nearest[i];
        }
        compact(t);
        from = next;
        gone = 0;
    }
    return MLK_OK;
}

/* --------------------------------------------------------------------- chain */

/*
 * Nearest neighbour chain: from any cluster go to its nearest one, and so on, until two are nearest
 * to each other; these are merged [murtagh1983]. What is left of the chain stays valid, since for
 * these linkages a merged cluster is no nearer to another than its nearer part was. A cluster has
 * the name of its first row.
 */
typedef struct chain {
    uint32_t *name; /* n */
    bool *in;       /* n: is this name in the chain? */
    size_t n;
} chain;

/* Distances to one cluster of all others by slot (its own infinite), and the slot of a name. */
typedef struct metric {
    points *t;
    uint32_t *slot;   /* n: of each name */
    double *between;  /* complete, average: rows of the lower triangle; Ward: NULL */
    double *own_size; /* complete, average: n; 0 = merged into another */
    size_t n;
    bool average;
} metric;

static double *entry(const metric *m, size_t a, size_t b)
{
    const size_t hi = a > b ? a : b, lo = a > b ? b : a;
    return m->between + hi * (hi - 1) / 2 + lo;
}

MLK_SIMD_TILES static void ward_scale(const double *size, double own, size_t n, double *restrict d)
{
    for (size_t i = 0; i < n; i++)
        d[i] = size[i] > 0.0 ? d[i] * (2.0 * own * size[i] / (own + size[i])) : (double)INFINITY;
}

/* The nearest cluster to `a`, which is the chain's previous one where that is as near. */
static uint32_t ward_nearest(const metric *m, uint32_t a, uint32_t previous, double *distance)
{
    points *t = m->t;
    const size_t from = m->slot[a];
    measure(t, from, t->n, t->d);
    ward_scale(t->size, t->size[from], t->n, t->d);
    t->d[from] = (double)INFINITY;
    *distance = least_of(t->d, t->n);
    if (previous != NONE && t->d[m->slot[previous]] == *distance)
        return previous;
    return t->row[first_of(t->d, t->n, *distance)];
}

static void ward_merge(const metric *m, uint32_t keep, uint32_t drop)
{
    points *t = m->t;
    const size_t a = m->slot[keep], b = m->slot[drop];
    const double both = t->size[a] + t->size[b], share = t->size[b] / both;
    for (size_t j = 0; j < t->p; j++) {
        double *v = t->value + j * t->room;
        v[a] += share * (v[b] - v[a]);
    }
    t->size[a] = both;
    t->size[b] = 0.0;
}

static void ward_compact(const metric *m)
{
    compact(m->t);
    for (size_t i = 0; i < m->t->n; i++)
        m->slot[m->t->row[i]] = (uint32_t)i;
}

static uint32_t table_nearest(const metric *m, uint32_t a, uint32_t previous, double *distance)
{
    uint32_t best = previous;
    *distance = previous == NONE ? (double)INFINITY : *entry(m, a, previous);
    for (uint32_t b = 0; b < m->n; b++) {
        if (b == a || m->own_size[b] == 0.0)
            continue;
        const double d = *entry(m, a, b);
        if (d < *distance || best == NONE) {
            *distance = d;
            best = b;
        }
    }
    return best;
}

/* Lance and Williams' formulas. */
static void table_merge(const metric *m, uint32_t keep, uint32_t drop)
{
    const double a = m->own_size[keep], b = m->own_size[drop];
    m->own_size[drop] = 0.0;
    m->own_size[keep] = a + b;
    for (size_t c = 0; c < m->n; c++) {
        if (m->own_size[c] == 0.0 || c == keep)
            continue;
        double *to = entry(m, keep, c);
        const double other = *entry(m, drop, c);
        *to = m->average ? (a * *to + b * other) / (a + b) : fmax(*to, other);
    }
}

/* The chain goes on to cluster b; where rounding leads it back to itself it starts anew. */
static void extend(chain *c, uint32_t b)
{
    const uint32_t last = c->name[c->n - 1];
    if (c->in[b]) {
        while (c->n)
            c->in[c->name[--c->n]] = false;
        b = last;
    }
    c->in[b] = true;
    c->name[c->n++] = b;
}

static mlk_status chain_links(const metric *m, const mlk_run *run, mlk_scratch *s,
                              merge_link *links)
{
    const size_t n = m->n;
    chain c = {mlk_scratch_take(s, n, sizeof *c.name), mlk_scratch_take(s, n, sizeof *c.in), 0};
    bool *merged = mlk_scratch_take(s, n, sizeof *merged);
    size_t first = 0, gone = 0;
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a chain of %zu clusters", n);
    memset(c.in, 0, n * sizeof *c.in);
    memset(merged, 0, n * sizeof *merged);
    for (size_t done = 0; done + 1 < n;) {
        MLK_TRY(mlk_run_poll(run, (double)done / (double)n));
        for (; c.n == 0 && merged[first]; first++)
            ;
        if (c.n == 0) {
            c.in[first] = true;
            c.name[c.n++] = (uint32_t)first;
        }
        const uint32_t a = c.name[c.n - 1], previous = c.n > 1 ? c.name[c.n - 2] : NONE;
        double d;
        const uint32_t b = (m->between ? table_nearest : ward_nearest)(m, a, previous, &d);
        if (b != previous) {
            extend(&c, b);
            continue;
        }
        const uint32_t keep = a < b ? a : b, drop = a < b ? b : a;
        (m->between ? table_merge : ward_merge)(m, keep, drop);
        merged[drop] = true;
        c.in[a] = c.in[b] = false;
        c.n -= 2;
        links[done++] = (merge_link){keep, drop, m->between ? d : sqrt(d)};
        if (!m->between && 2 * ++gone > m->t->n) {
            ward_compact(m);
            gone = 0;
        }
    }
    return MLK_OK;
}

static mlk_status ward_links(points *t, const mlk_run *run, mlk_scratch *s, merge_link *links)
{
    metric m = {.t = t, .slot = mlk_scratch_take(s, t->n, sizeof *m.slot), .n = t->n};
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu clusters", t->n);
    for (size_t i = 0; i < t->n; i++)
        m.slot[i] = (uint32_t)i;
    return chain_links(&m, run, s, links);
}

MLK_SIMD_TILES static void take_roots(double *d, size_t n)
{
    for (size_t i = 0; i < n; i++)
        d[i] = sqrt(d[i]);
}

static mlk_status fill_table(void *ctx, const mlk_chunk *c)
{
    const metric *m = ctx;
    for (size_t i = c->begin; i < c->end; i++) {
        double *row = m->between + (i ? i * (i - 1) / 2 : 0);
        measure(m->t, i, i, row);
        take_roots(row, i);
    }
    return MLK_OK;
}

static mlk_status table_links(points *t, bool average, const mlk_run *run, mlk_scratch *s,
                              merge_link *links)
{
    const size_t n = t->n;
    const mlk_run inner = mlk_run_inner(run);
    metric m = {.t = t, .n = n, .average = average};
    m.own_size = mlk_scratch_vec(s, n).data;
    m.between = mlk_scratch_take(s, n, n * sizeof(double) / 2);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the %.0f distances of %zu rows",
                        0.5 * (double)n * ((double)n - 1.0), n);
    MLK_TRY(mlk_parallel_for(&inner, n, TABLE_ROWS, fill_table, &m));
    for (size_t i = 0; i < n; i++)
        m.own_size[i] = 1.0;
    return chain_links(&m, run, s, links);
}

mlk_status merge_links(mlk_cmat X, int linkage, const mlk_run *run, merge_link *links)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    points t;
    mlk_status st = points_init(X, &s, &t);
    if (st == MLK_OK && linkage == MLK_LINKAGE_WARD)
        st = ward_links(&t, run, &s, links);
    else if (st == MLK_OK && linkage == MLK_LINKAGE_SINGLE)
        st = single_links(&t, run, &s, links);
    else if (st == MLK_OK)
        st = table_links(&t, linkage == MLK_LINKAGE_AVERAGE, run, &s, links);
    mlk_scratch_release(&s);
    return st;
}

/* --------------------------------------------------------------------- table */

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

mlk_status merge_table(const merge_link *links, size_t n, uint32_t *merges, double *distances)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    double *key = mlk_scratch_vec(&s, n).data;
    size_t *order = mlk_scratch_take(&s, n, sizeof *order);
    uint32_t *parent = mlk_scratch_take(&s, 2 * n, sizeof *parent);
    mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu merges", n - 1) : MLK_OK;
    for (size_t t = 0; st == MLK_OK && t + 1 < n; t++)
        key[t] = links[t].distance;
    if (st == MLK_OK)
        st = mlk_argsort(key, n - 1, order);
    for (size_t i = 0; st == MLK_OK && i < 2 * n; i++)
        parent[i] = (uint32_t)i;
    for (size_t t = 0; st == MLK_OK && t + 1 < n; t++) {
        const merge_link link = links[order[t]];
        const uint32_t a = root_of(parent, link.a), b = root_of(parent, link.b);
        merges[2 * t] = a < b ? a : b;
        merges[2 * t + 1] = a < b ? b : a;
        distances[t] = link.distance;
        parent[a] = parent[b] = (uint32_t)(n + t);
    }
    mlk_scratch_release(&s);
    return st;
}

mlk_status merge_cut(const uint32_t *merges, size_t n, size_t k, uint32_t *label)
{
    uint32_t *number = mlk_alloc(2 * n, sizeof *number), *up = mlk_alloc(2 * n, sizeof *up);
    const mlk_status st =
        number && up ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for %zu clusters", k);
    uint32_t next = 0;
    for (size_t i = 0; st == MLK_OK && i < 2 * n; i++) {
        up[i] = (uint32_t)i;
        number[i] = UINT32_MAX;
    }
    for (size_t t = 0; st == MLK_OK && t + k < n; t++)
        up[merges[2 * t]] = up[merges[2 * t + 1]] = (uint32_t)(n + t);
    for (size_t i = 2 * n; st == MLK_OK && i-- > 0;) /* parents have higher numbers */
        up[i] = up[up[i]];
    for (size_t i = 0; st == MLK_OK && i < n; i++) {
        if (number[up[i]] == UINT32_MAX)
            number[up[i]] = next++;
        label[i] = number[up[i]];
    }
    mlk_free(number);
    mlk_free(up);
    return st;
}
