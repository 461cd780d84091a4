#include "spatial/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"

mlk_status mlk_graph_room(size_t n, size_t edges, mlk_graph *g)
{
    *g = (mlk_graph){.n = n};
    if (n >= UINT32_MAX)
        return MLK_FAIL(MLK_EINVAL, "%zu rows; a graph takes up to %u", n, UINT32_MAX - 1);
    g->start = mlk_scratch_take(&g->memory, n + 1, sizeof *g->start);
    g->to = mlk_scratch_take(&g->memory, edges, sizeof *g->to);
    g->length = mlk_scratch_take(&g->memory, edges, sizeof *g->length);
    return g->memory.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a graph of %zu edges", edges)
                            : MLK_OK;
}

void mlk_graph_release(mlk_graph *g) { mlk_scratch_release(&g->memory); }

/* ------------------------------------------------------------- k nearest rows */

/* Is `row` among the k nearest of row i? */
static bool is_near(const size_t *rows, size_t k, size_t i, size_t row)
{
    for (size_t j = 0; j < k; j++)
        if (rows[i * k + j] == row)
            return true;
    return false;
}

static void add_edge(mlk_graph *g, size_t *end, size_t from, size_t to, double length)
{
    size_t at = end[from]++;
    for (; at > g->start[from] && g->to[at - 1] > to; at--) {
        g->to[at] = g->to[at - 1];
        g->length[at] = g->length[at - 1];
    }
    g->to[at] = (uint32_t)to;
    g->length[at] = length;
}

mlk_status mlk_graph_nearest(size_t n, size_t k, const size_t *rows, const double *distances,
                             mlk_graph *g)
{
    *g = (mlk_graph){.n = n};
    size_t *degree = mlk_alloc_zero(n + 1, sizeof *degree);
    if (!degree)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a graph of %zu nodes", n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++) {
            const size_t other = rows[i * k + j];
            degree[i]++;
            degree[other] += !is_near(rows, k, other, i);
        }
    size_t edges = 0;
    for (size_t i = 0; i < n; i++)
        edges += degree[i];
    const mlk_status st = mlk_graph_room(n, edges, g);
    if (st == MLK_OK) {
        g->start[0] = 0;
        for (size_t i = 0; i < n; i++) {
            g->start[i + 1] = g->start[i] + degree[i];
            degree[i] = g->start[i]; /* from here on, where the next edge goes */
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < k; j++) {
                const size_t other = rows[i * k + j];
                add_edge(g, degree, i, other, distances[i * k + j]);
                if (!is_near(rows, k, other, i))
                    add_edge(g, degree, other, i, distances[i * k + j]);
            }
    }
    mlk_free(degree);
    return st;
}

/* -------------------------------------------------------------------- radius */

typedef struct within {
    mlk_cmat X;
    double radius;
    mlk_graph *g;
    size_t *degree; /* n: counts, when there is no graph yet */
} within;

static double distance(mlk_cmat X, size_t a, size_t b)
{
    double sum = 0.0;
    for (size_t j = 0; j < X.cols; j++) {
        const double d = X.data[a * X.ld + j] - X.data[b * X.ld + j];
        sum += d * d;
    }
    return sqrt(sum);
}

static mlk_status within_rows(void *ctx, const mlk_chunk *c)
{
    const within *w = ctx;
    for (size_t i = c->begin; i < c->end; i++) {
        size_t count = 0;
        for (size_t j = 0; j < w->X.rows; j++) {
            const double d = distance(w->X, i, j);
            if (j == i || !(d <= w->radius))
                continue;
            if (w->g->start) {
                w->g->to[w->g->start[i] + count] = (uint32_t)j;
                w->g->length[w->g->start[i] + count] = d;
            }
            count++;
        }
        w->degree[i] = count;
    }
    return MLK_OK;
}

mlk_status mlk_graph_radius(mlk_cmat X, double radius, const mlk_run *run, mlk_graph *g)
{
    const size_t n = X.rows, grain = mlk_grain(n * X.cols, 1 << 18);
    const mlk_run inner = mlk_run_inner(run);
    *g = (mlk_graph){.n = n};
    size_t *degree = mlk_alloc(n, sizeof *degree), edges = 0;
    if (!degree)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a graph of %zu nodes", n);
    within w = {X, radius, g, degree};
    mlk_status st = mlk_parallel_for(&inner, n, grain, within_rows, &w);
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        edges += degree[i];
    if (st == MLK_OK)
        st = mlk_graph_room(n, edges, g);
    if (st == MLK_OK) {
        g->start[0] = 0;
        for (size_t i = 0; i < n; i++)
            g->start[i + 1] = g->start[i] + degree[i];
        st = mlk_parallel_for(&inner, n, grain, within_rows, &w);
    }
    mlk_free(degree);
    return st;
}

/* ---------------------------------------------------------------- components */

/* Nodes reached from `root`, which are marked and counted. */
static size_t flood(const mlk_graph *g, size_t root, bool *seen, size_t *stack)
{
    size_t depth = 0, count = 0;
    seen[root] = true;
    stack[depth++] = root;
    while (depth) {
        const size_t i = stack[--depth];
        count++;
        for (size_t e = g->start[i]; e < g->start[i + 1]; e++)
            if (!seen[g->to[e]]) {
                seen[g->to[e]] = true;
                stack[depth++] = g->to[e];
            }
    }
    return count;
}

mlk_status mlk_graph_components(const mlk_graph *g, size_t *count, size_t *size)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    bool *seen = mlk_scratch_take(&scratch, g->n, sizeof *seen);
    size_t *stack = mlk_scratch_take(&scratch, g->n, sizeof *stack);
    *count = 0;
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for the components of %zu nodes", g->n);
    }
    memset(seen, 0, g->n * sizeof *seen);
    for (size_t i = 0; i < g->n; i++) {
        if (seen[i])
            continue;
        const size_t found = flood(g, i, seen, stack);
        size_t at = (*count)++;
        for (; at && size[at - 1] < found; at--)
            size[at] = size[at - 1];
        size[at] = found;
    }
    mlk_scratch_release(&scratch);
    return MLK_OK;
}

mlk_status mlk_graph_connected(const mlk_graph *g, const char *option, double value)
{
    enum { SHOWN = 5 };
    size_t count, *size = mlk_alloc(g->n, sizeof *size);
    if (!size)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the components of %zu nodes", g->n);
    mlk_status st = mlk_graph_components(g, &count, size);
    if (st == MLK_OK && count > 1) {
        char sizes[SHOWN * 24 + 8] = "";
        size_t at = 0;
        for (size_t c = 0; c < count && c < SHOWN; c++)
            at += (size_t)snprintf(sizes + at, sizeof sizes - at, c ? ", %zu" : "%zu", size[c]);
        if (count > SHOWN)
            snprintf(sizes + at, sizeof sizes - at, ", ...");
        st = MLK_FAIL(MLK_ESINGULAR,
                      "the neighbourhood graph falls into %zu parts of %s rows with %s = %g; "
                      "raise %s, or map the parts one by one",
                      count, sizes, option, value, option);
    }
    mlk_free(size);
    return st;
}

/* ------------------------------------------------------------ shortest paths */

/*
 * Dijkstra's algorithm with a heap of four children a node: less deep than a binary one, and the
 * four keys to compare lie in one cache line. A node's place in the heap is kept, so that a shorter
 * path moves it up instead of adding it again.
 */
typedef struct path_item {
    double key;
    uint32_t node;
} path_item;

struct mlk_paths {
    path_item *heap;
    uint32_t *place; /* of each node, SIZE_MAX's low half where it is not in the heap */
};

enum { CHILDREN = 4 };

size_t mlk_paths_bytes(size_t n)
{
    return sizeof(mlk_paths) + n * (sizeof(path_item) + sizeof(uint32_t)) + 64;
}

mlk_paths *mlk_paths_init(void *room, size_t n)
{
    mlk_paths *p = room;
    p->heap = (path_item *)(void *)((char *)room + 64);
    p->place = (uint32_t *)(void *)(p->heap + n);
    return p;
}

static inline void rise(mlk_paths *p, size_t i, path_item x)
{
    for (; i; i = (i - 1) / CHILDREN) {
        const path_item parent = p->heap[(i - 1) / CHILDREN];
        if (!(x.key < parent.key))
            break;
        p->heap[i] = parent;
        p->place[parent.node] = (uint32_t)i;
    }
    p->heap[i] = x;
    p->place[x.node] = (uint32_t)i;
}

static inline void sink(mlk_paths *p, size_t size, path_item x)
{
    size_t i = 0;
    for (size_t child; (child = CHILDREN * i + 1) < size;) {
        const size_t end = child + CHILDREN < size ? child + CHILDREN : size;
        size_t least = child;
        for (size_t c = child + 1; c < end; c++)
            least = p->heap[c].key < p->heap[least].key ? c : least;
        if (!(p->heap[least].key < x.key))
            break;
        p->heap[i] = p->heap[least];
        p->place[p->heap[i].node] = (uint32_t)i;
        i = least;
    }
    p->heap[i] = x;
    p->place[x.node] = (uint32_t)i;
}

static inline void shorten(mlk_paths *p, size_t *size, uint32_t node, double length, double *out)
{
    if (!(length < out[node]))
        return;
    const size_t at = out[node] < INFINITY ? p->place[node] : (*size)++;
    out[node] = length;
    rise(p, at, (path_item){length, node});
}

/* From the nodes in the heap on; `order` (unless NULL) takes them as they are settled. Returns how
 * many were. */
static size_t settle(const mlk_graph *g, mlk_paths *p, size_t size, double *out, uint32_t *order)
{
    size_t settled = 0;
    while (size) {
        const path_item nearest = p->heap[0];
        if (order)
            order[settled] = nearest.node;
        settled++;
        if (--size)
            sink(p, size, p->heap[size]);
        for (size_t e = g->start[nearest.node]; e < g->start[nearest.node + 1]; e++)
            shorten(p, &size, g->to[e], nearest.key + g->length[e], out);
    }
    return settled;
}

void mlk_graph_paths(const mlk_graph *g, size_t count, const size_t *nodes, const double *lengths,
                     mlk_paths *p, double *out)
{
    size_t size = 0;
    for (size_t i = 0; i < g->n; i++)
        out[i] = INFINITY;
    for (size_t i = 0; i < count; i++)
        shorten(p, &size, (uint32_t)nodes[i], lengths[i], out);
    (void)settle(g, p, size, out, NULL);
}

/* ------------------------------------------------------------- from all nodes */

/*
 * Paths from SIDE nodes that lie close together, side by side in vectors: Dijkstra's algorithm from
 * the first gives the order in which it settles nodes, which is nearly right for the others. Each
 * sweep in that order lets every node that has a changed neighbour take the least of its
 * neighbours' lengths plus the edges; two or three sweeps leave nothing to change. Adding and
 * comparing are monotone in floating point, so what is left is, to the last bit, what Dijkstra's
 * algorithm finds from each node.
 */
enum { SIDE = 16 };

typedef struct all_room {
    mlk_paths *paths;
    double *first;   /* n: lengths from the first node */
    uint32_t *order; /* n */
    double *length;  /* n x SIDE */
    bool *stale;     /* n: a neighbour has changed */
} all_room;

typedef struct all_paths {
    const mlk_graph *g;
    const uint32_t *source; /* n: nodes in groups of SIDE that lie close together */
    bool squared;
    all_room *room; /* a worker */
    mlk_mat D;
} all_paths;

/* The least of each lane over the neighbours of a node; true where it is an improvement. */
MLK_SIMD_TILES static bool pull(const uint32_t *to, const double *edge, size_t count,
                                const double *restrict length, double *restrict own)
{
    double least[SIDE];
    int improved = 0;
    for (size_t l = 0; l < SIDE; l++)
        least[l] = own[l];
    for (size_t e = 0; e < count; e++) {
        const double *other = length + (size_t)to[e] * SIDE, w = edge[e];
        for (size_t l = 0; l < SIDE; l++)
            least[l] = other[l] + w < least[l] ? other[l] + w : least[l];
    }
    for (size_t l = 0; l < SIDE; l++)
        improved |= least[l] < own[l];
    for (size_t l = 0; improved && l < SIDE; l++)
        own[l] = least[l];
    return improved;
}

static void sweep_until_settled(const mlk_graph *g, all_room *r)
{
    for (size_t left = g->n; left;) {
        left = 0;
        for (size_t i = 0; i < g->n; i++) {
            const size_t node = r->order[i], begin = g->start[node];
            if (!r->stale[node])
                continue;
            r->stale[node] = false;
            if (!pull(g->to + begin, g->length + begin, g->start[node + 1] - begin, r->length,
                      r->length + node * SIDE))
                continue;
            for (size_t e = begin; e < g->start[node + 1]; e++)
                r->stale[g->to[e]] = true;
            left++;
        }
    }
}

/* Nodes in the order in which Dijkstra's algorithm settles them, then what it cannot reach. */
static void order_from(const mlk_graph *g, size_t source, all_room *r)
{
    size_t size = 0;
    for (size_t i = 0; i < g->n; i++)
        r->first[i] = INFINITY;
    shorten(r->paths, &size, (uint32_t)source, 0.0, r->first);
    size_t settled = settle(g, r->paths, size, r->first, r->order);
    for (size_t i = 0; settled < g->n && i < g->n; i++)
        if (isinf(r->first[i]))
            r->order[settled++] = (uint32_t)i;
}

static mlk_status all_paths_group(void *ctx, const mlk_chunk *c)
{
    const all_paths *t = ctx;
    const size_t n = t->g->n, count = c->end - c->begin;
    all_room *r = &t->room[c->worker];
    order_from(t->g, t->source[c->begin], r);
    for (size_t i = 0; i < n * SIDE; i++)
        r->length[i] = INFINITY;
    for (size_t l = 0; l < count; l++)
        r->length[t->source[c->begin + l] * (size_t)SIDE + l] = 0.0;
    memset(r->stale, true, n * sizeof *r->stale);
    sweep_until_settled(t->g, r);
    for (size_t l = 0; l < count; l++) {
        double *out = t->D.data + t->source[c->begin + l] * t->D.ld;
        for (size_t i = 0; i < n; i++) {
            const double d = r->length[i * SIDE + l];
            out[i] = t->squared ? d * d : d;
        }
    }
    return MLK_OK;
}

/* Groups of SIDE nodes: one that is left, and those reached from it first that are left, too. */
static void group_nodes(const mlk_graph *g, bool *taken, uint32_t *seen, uint32_t *queue,
                        uint32_t *source)
{
    enum { REACH = 4 * SIDE };
    size_t filled = 0, next = 0;
    memset(taken, 0, g->n * sizeof *taken);
    memset(seen, 0, g->n * sizeof *seen);
    for (uint32_t group = 1; filled < g->n; group++) {
        while (taken[next])
            next++;
        const size_t full = filled + SIDE - filled % SIDE;
        size_t end = 0;
        queue[end++] = (uint32_t)next;
        seen[next] = group;
        for (size_t at = 0; at < end && filled < full; at++) {
            const uint32_t node = queue[at];
            if (!taken[node])
                source[filled++] = node;
            taken[node] = true;
            for (size_t e = g->start[node]; e < g->start[node + 1] && end < REACH; e++)
                if (seen[g->to[e]] != group) {
                    seen[g->to[e]] = group;
                    queue[end++] = g->to[e];
                }
        }
    }
}

static void take_room(const mlk_graph *g, mlk_scratch *scratch, all_room *r)
{
    void *paths = mlk_scratch_take(scratch, mlk_paths_bytes(g->n), 1);
    r->first = mlk_scratch_vec(scratch, g->n).data;
    r->order = mlk_scratch_take(scratch, g->n, sizeof *r->order);
    r->length = mlk_scratch_mat(scratch, g->n, SIDE).data;
    r->stale = mlk_scratch_take(scratch, g->n, sizeof *r->stale);
    if (paths)
        r->paths = mlk_paths_init(paths, g->n);
}

mlk_status mlk_graph_all_paths(const mlk_graph *g, bool squared, const mlk_run *run, mlk_mat D)
{
    const unsigned workers = mlk_workers(run, g->n, SIDE);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    all_room *room = mlk_scratch_take(&scratch, workers, sizeof *room);
    uint32_t *source = mlk_scratch_take(&scratch, g->n, sizeof *source);
    uint32_t *seen = mlk_scratch_take(&scratch, g->n, sizeof *seen);
    uint32_t *queue = mlk_scratch_take(&scratch, g->n + 4 * (size_t)SIDE, sizeof *queue);
    bool *taken = mlk_scratch_take(&scratch, g->n, sizeof *taken);
    for (unsigned w = 0; !scratch.failed && w < workers; w++)
        take_room(g, &scratch, &room[w]);
    mlk_status st;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for paths of %zu nodes", g->n);
    } else {
        group_nodes(g, taken, seen, queue, source);
        all_paths t = {g, source, squared, room, D};
        st = mlk_parallel_for(run, g->n, SIDE, all_paths_group, &t);
    }
    mlk_scratch_release(&scratch);
    return st;
}
