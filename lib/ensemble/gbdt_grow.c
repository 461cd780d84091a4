#include "ensemble/gbdt_grow.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/fast.h"
#include "core/parallel.h"
#include "core/status.h"

enum {
    PART_GRAIN = 1 << 15, /* rows a chunk of a partition */
    SCAN_WORK = 1 << 14,  /* cells a chunk of a search */
    POOL_BYTES = 1 << 28, /* histograms of open leaves; beyond, they are made again */
    LEAST_HISTOGRAMS = 3  /* a node and its children */
};

struct gbdt_grower {
    const gbdt_bins *bins;
    gbdt_limits limits;
    size_t leaf_cap, set_words;
    mlk_grown tree;
    gbdt_leaf *leaf;
    size_t n_leaves;
    uint32_t *heap; /* leaves that can be split, the next one first */
    size_t n_heap;
    gbdt_cell *pool, *partial, **spare; /* histograms, those of other workers, those not in use */
    size_t n_spare;
    uint32_t *left_part, *right_part; /* rows on their way to the children */
    size_t *part_count;
    gbdt_split *found; /* of each column, for two leaves */
    /* of the tree being grown */
    const gbdt_sample *sample;
    const gbdt_rules *rules;
    uint32_t *rows;
    const mlk_run *run;
};

/* ------------------------------------------------------------------------- memory */

static size_t words_of(size_t levels) { return (levels + 31) / 32; }

static bool allocate(gbdt_grower *g, size_t max_rows, const mlk_run *run)
{
    const size_t cells = g->bins->n_cells, cap = g->leaf_cap;
    const size_t fit = POOL_BYTES / (cells * sizeof(gbdt_cell));
    size_t slots = fit < LEAST_HISTOGRAMS ? LEAST_HISTOGRAMS : fit;
    slots = slots > cap + 1 ? cap + 1 : slots;
    g->tree.cap = 2 * cap;
    g->tree.cap_sets = cap * g->set_words;
    g->tree.node = mlk_alloc(g->tree.cap, sizeof *g->tree.node);
    g->tree.sets = mlk_alloc(g->tree.cap_sets, sizeof *g->tree.sets);
    g->leaf = mlk_alloc(cap, sizeof *g->leaf);
    g->heap = mlk_alloc(cap, sizeof *g->heap);
    g->pool = mlk_alloc(slots * cells, sizeof *g->pool);
    g->spare = mlk_alloc(slots, sizeof *g->spare);
    g->partial = mlk_alloc((mlk_gbdt_histogram_workers(run, max_rows, g->bins->p) - 1) * cells,
                           sizeof *g->partial);
    g->left_part = mlk_alloc(max_rows, sizeof *g->left_part);
    g->right_part = mlk_alloc(max_rows, sizeof *g->right_part);
    g->part_count = mlk_alloc(mlk_chunks(max_rows, PART_GRAIN), 3 * sizeof *g->part_count);
    g->found = mlk_alloc(g->bins->p, 2 * sizeof *g->found);
    if (!g->tree.node || !g->tree.sets || !g->leaf || !g->heap || !g->pool || !g->spare ||
        !g->partial || !g->left_part || !g->right_part || !g->part_count || !g->found)
        return false;
    for (size_t k = 0; k < slots; k++)
        g->spare[g->n_spare++] = g->pool + k * cells;
    return true;
}

mlk_status mlk_gbdt_grower_new(const gbdt_bins *bins, size_t max_rows, const gbdt_limits *limits,
                               size_t min_rows, const mlk_run *run, gbdt_grower **grower)
{
    gbdt_grower *g = mlk_alloc_zero(1, sizeof *g);
    const size_t most = max_rows / min_rows ? max_rows / min_rows : 1;
    if (g) {
        g->bins = bins;
        g->limits = *limits;
        g->leaf_cap = limits->max_leaves < most ? limits->max_leaves : most;
        if (limits->max_depth < 32 && (size_t)1 << limits->max_depth < g->leaf_cap)
            g->leaf_cap = (size_t)1 << limits->max_depth;
        for (size_t j = 0; j < bins->p; j++) {
            const size_t words = words_of(bins->column[j].n_levels);
            g->set_words = words > g->set_words ? words : g->set_words;
        }
    }
    if (!g || !allocate(g, max_rows, run)) {
        mlk_gbdt_grower_free(g);
        *grower = NULL;
        return MLK_FAIL(MLK_ENOMEM, "no memory to grow trees on %zu rows", max_rows);
    }
    *grower = g;
    return MLK_OK;
}

void mlk_gbdt_grower_free(gbdt_grower *g)
{
    if (g) {
        mlk_free(g->tree.node);
        mlk_free(g->tree.sets);
        mlk_free(g->leaf);
        mlk_free(g->heap);
        mlk_free(g->pool);
        mlk_free(g->partial);
        mlk_free(g->spare);
        mlk_free(g->left_part);
        mlk_free(g->right_part);
        mlk_free(g->part_count);
        mlk_free(g->found);
    }
    mlk_free(g);
}

/* ---------------------------------------------------------------- order of the leaves */

/* Is leaf a split before b? Of equals the node that was made first. */
static bool before(const gbdt_grower *g, uint32_t a, uint32_t b)
{
    const gbdt_leaf *x = &g->leaf[a], *y = &g->leaf[b];
    if (g->limits.depth_wise)
        return x->depth != y->depth ? x->depth < y->depth : x->node < y->node;
    return x->split.gain != y->split.gain ? x->split.gain > y->split.gain : x->node < y->node;
}

static void push(gbdt_grower *g, uint32_t leaf)
{
    size_t k = g->n_heap++;
    for (; k > 0 && before(g, leaf, g->heap[(k - 1) / 2]); k = (k - 1) / 2)
        g->heap[k] = g->heap[(k - 1) / 2];
    g->heap[k] = leaf;
}

static uint32_t pop(gbdt_grower *g)
{
    const uint32_t top = g->heap[0], last = g->heap[--g->n_heap];
    size_t k = 0;
    for (size_t child; (child = 2 * k + 1) < g->n_heap; k = child) {
        if (child + 1 < g->n_heap && before(g, g->heap[child + 1], g->heap[child]))
            child++;
        if (before(g, last, g->heap[child]))
            break;
        g->heap[k] = g->heap[child];
    }
    g->heap[k] = last;
    return top;
}

/* ------------------------------------------------------------------------ splitting */

/* Best splits of one or two leaves, column by column; where `large` is still its parent's
 * histogram, the smaller child's is taken off first. */
typedef struct scan {
    gbdt_grower *g;
    gbdt_leaf *leaf[2]; /* the smaller first; NULL: none */
    bool subtract;
} scan;

static mlk_status scan_columns(void *ctx, const mlk_chunk *chunk)
{
    const scan *s = ctx;
    gbdt_grower *g = s->g;
    for (size_t k = chunk->begin; k < chunk->end; k++) {
        const uint32_t j = g->sample->column[k];
        const gbdt_column *c = &g->bins->column[j];
        const size_t first = g->bins->cell[j];
        if (s->subtract)
            for (size_t b = first; b <= first + c->n_bins; b++)
                s->leaf[1]->cells[b] = mlk_gbdt_minus(s->leaf[1]->cells[b], s->leaf[0]->cells[b]);
        for (size_t i = 0; i < 2; i++)
            if (s->leaf[i])
                g->found[2 * k + i] = mlk_gbdt_best_split(g->rules, c, j, s->leaf[i]->cells + first,
                                                          &s->leaf[i]->sums);
    }
    return MLK_OK;
}

static mlk_status find_splits(gbdt_grower *g, gbdt_leaf *small, gbdt_leaf *large, bool subtract)
{
    scan s = {g, {small, large}, subtract};
    const size_t p = g->sample->n_columns;
    const size_t a_column = 2 * (g->bins->n_cells / g->bins->p + 1);
    MLK_TRY(mlk_parallel_for(g->run, p, mlk_grain(a_column, SCAN_WORK), scan_columns, &s));
    for (size_t i = 0; i < 2; i++) {
        if (!s.leaf[i])
            continue;
        s.leaf[i]->split.gain = 0.0;
        for (size_t k = 0; k < p; k++)
            if (g->found[2 * k + i].gain > s.leaf[i]->split.gain)
                s.leaf[i]->split = g->found[2 * k + i];
    }
    return MLK_OK;
}

/* May this leaf be split at all? */
static bool is_open(const gbdt_grower *g, const gbdt_leaf *leaf)
{
    return leaf->depth < g->limits.max_depth && leaf->end - leaf->begin >= 2 * g->rules->min_rows &&
           g->n_leaves < g->leaf_cap;
}

static void give_back(gbdt_grower *g, gbdt_leaf *leaf)
{
    if (leaf->cells)
        g->spare[g->n_spare++] = leaf->cells;
    leaf->cells = NULL;
}

/* Into the heap where a split was found; else it stays as it is. */
static void enqueue(gbdt_grower *g, gbdt_leaf *leaf)
{
    if (leaf->split.gain > 0.0) {
        push(g, (uint32_t)(leaf - g->leaf));
        /* Two histograms must be left for the next split. */
        if (g->n_spare < LEAST_HISTOGRAMS - 1)
            give_back(g, leaf);
    } else {
        give_back(g, leaf);
    }
}

static mlk_status histogram(gbdt_grower *g, gbdt_leaf *leaf)
{
    if (!leaf->cells)
        leaf->cells = g->spare[--g->n_spare];
    return mlk_gbdt_histogram(g->sample, g->rows + leaf->begin, leaf->end - leaf->begin, g->run,
                              g->partial, leaf->cells);
}

/* Children of a leaf whose histogram the larger one has inherited, or which had none. */
static mlk_status open_children(gbdt_grower *g, gbdt_leaf *a, gbdt_leaf *b, gbdt_cell *parent)
{
    gbdt_leaf *small = a->end - a->begin <= b->end - b->begin ? a : b, *large = small == a ? b : a;
    large->cells = parent;
    if (!is_open(g, large)) { /* then neither is the smaller one */
        give_back(g, large);
        return MLK_OK;
    }
    const bool both = is_open(g, small), subtract = parent != NULL;
    if (both || subtract)
        MLK_TRY(histogram(g, small));
    if (!subtract)
        MLK_TRY(histogram(g, large));
    MLK_TRY(find_splits(g, small->cells ? small : NULL, large, subtract));
    if (!both)
        small->split.gain = 0.0;
    enqueue(g, large);
    enqueue(g, small);
    return MLK_OK;
}

/* ----------------------------------------------------------------------- partitions */

typedef struct partition {
    gbdt_grower *g;
    size_t begin;
    const uint8_t *bin;
    uint8_t right[256]; /* 1: rows of this bin go right */
    size_t total_left;
} partition;

/* One chunk's rows to both sides, without a branch: each row is written to both. */
static mlk_status part_rows(void *ctx, const mlk_chunk *chunk)
{
    partition *p = ctx;
    gbdt_grower *g = p->g;
    const uint32_t *rows = g->rows + p->begin;
    uint32_t *left = g->left_part + chunk->begin, *right = g->right_part + chunk->begin;
    size_t n_left = 0, n_right = 0;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const uint32_t row = rows[i];
        const size_t to_right = p->right[p->bin[row]];
        left[n_left] = right[n_right] = row;
        n_left += 1 - to_right;
        n_right += to_right;
    }
    g->part_count[3 * chunk->index] = n_left;
    return MLK_OK;
}

static mlk_status gather_rows(void *ctx, const mlk_chunk *chunk)
{
    const partition *p = ctx;
    gbdt_grower *g = p->g;
    const size_t *count = g->part_count + 3 * chunk->index;
    const size_t n_left = count[0], n = chunk->end - chunk->begin;
    uint32_t *rows = g->rows + p->begin;
    memcpy(rows + count[1], g->left_part + chunk->begin, n_left * sizeof *rows);
    memcpy(rows + count[2], g->right_part + chunk->begin, (n - n_left) * sizeof *rows);
    return MLK_OK;
}

/* Rows of the leaf that go left to the front, both sides in their order. */
static mlk_status split_rows(gbdt_grower *g, const gbdt_leaf *leaf, size_t *n_left)
{
    const gbdt_split *s = &leaf->split;
    const gbdt_column *c = &g->bins->column[s->column];
    const size_t n = leaf->end - leaf->begin, chunks = mlk_chunks(n, PART_GRAIN);
    partition p = {
        .g = g, .begin = leaf->begin, .bin = g->bins->by_column + s->column * g->bins->n};
    for (size_t b = 0; b < c->n_bins; b++)
        p.right[b] = (uint8_t)(c->n_levels ? !(s->set[b / 64] >> (b % 64) & 1) : b > s->bin);
    p.right[c->n_bins] = !s->missing_left;
    MLK_TRY(mlk_parallel_for(g->run, n, PART_GRAIN, part_rows, &p));
    for (size_t k = 0; k < chunks; k++) {
        g->part_count[3 * k + 1] = p.total_left;
        p.total_left += g->part_count[3 * k];
    }
    size_t right = p.total_left;
    for (size_t k = 0; k < chunks; k++) {
        const size_t here = n - k * PART_GRAIN < PART_GRAIN ? n - k * PART_GRAIN : PART_GRAIN;
        g->part_count[3 * k + 2] = right;
        right += here - g->part_count[3 * k];
    }
    *n_left = p.total_left;
    return mlk_parallel_for(g->run, n, PART_GRAIN, gather_rows, &p);
}

/* ---------------------------------------------------------------------------- nodes */

static uint32_t add_node(gbdt_grower *g, size_t rows)
{
    g->tree.node[g->tree.n] = (mlk_grown_node){.n = (uint32_t)rows};
    return (uint32_t)g->tree.n++;
}

static void write_set(gbdt_grower *g, const gbdt_split *s, mlk_grown_node *node)
{
    const gbdt_column *c = &g->bins->column[s->column];
    uint32_t *bits = g->tree.sets + g->tree.n_sets;
    node->categorical = true;
    node->set = (uint32_t)g->tree.n_sets;
    node->n_levels = c->n_levels;
    memset(bits, 0, words_of(c->n_levels) * sizeof *bits);
    for (size_t l = 0; l < c->n_levels; l++) {
        const uint32_t b = c->bin_of_level[l];
        const bool left = b == c->n_bins ? s->missing_left : s->set[b / 64] >> (b % 64) & 1;
        bits[l / 32] |= (uint32_t)left << (l % 32);
    }
    g->tree.n_sets += words_of(c->n_levels);
}

/* Bounds of the children's values under a constraint on the column [gbdt.h]. */
static void bound_children(const gbdt_rules *r, const gbdt_leaf *parent, gbdt_leaf *left,
                           gbdt_leaf *right)
{
    const double lo = parent->sums.lo, hi = parent->sums.hi;
    left->sums.lo = right->sums.lo = lo;
    left->sums.hi = right->sums.hi = hi;
    const int sign = r->monotone ? r->monotone[parent->split.column] : 0;
    if (!sign)
        return;
    const double middle = 0.5 * (mlk_gbdt_value(r, left->sums.sum, lo, hi) +
                                 mlk_gbdt_value(r, right->sums.sum, lo, hi));
    gbdt_leaf *lower = sign > 0 ? left : right, *upper = sign > 0 ? right : left;
    lower->sums.hi = middle;
    upper->sums.lo = middle;
}

static mlk_status split_leaf(gbdt_grower *g, uint32_t at)
{
    gbdt_leaf *left = &g->leaf[at], *right = &g->leaf[g->n_leaves];
    const gbdt_leaf parent = *left;
    const gbdt_split *s = &parent.split;
    const gbdt_column *c = &g->bins->column[s->column];
    size_t n_left;
    MLK_TRY(split_rows(g, left, &n_left));
    g->n_leaves++;
    *left = (gbdt_leaf){.depth = parent.depth + 1, .begin = parent.begin};
    *right = (gbdt_leaf){.depth = parent.depth + 1, .end = parent.end};
    left->end = right->begin = parent.begin + n_left;
    left->sums.sum = s->left;
    right->sums.sum = mlk_gbdt_minus(parent.sums.sum, s->left);
    bound_children(g->rules, &parent, left, right);
    left->node = add_node(g, n_left);
    right->node = add_node(g, right->end - right->begin);

    mlk_grown_node *node = &g->tree.node[parent.node];
    node->left = left->node;
    node->right = right->node;
    node->feature = s->column;
    node->gain = s->gain;
    node->missing_left = s->missing_left;
    if (c->n_levels)
        write_set(g, s, node);
    else
        node->threshold = s->bin + 1 < c->n_bins ? c->upper[s->bin] : INFINITY;
    return open_children(g, left, right, parent.cells);
}

static gbdt_cell sum_of_rows(const gbdt_sample *s, const uint32_t *rows, size_t n)
{
    gbdt_cell sum = {0, 0};
    for (size_t i = 0; i < n; i++) {
        sum.g += s->grad[rows[i]].g;
        sum.hc += (uint64_t)s->grad[rows[i]].h << s->count_bits | 1;
    }
    return sum;
}

/* The root's sums are those of any column's cells. */
static gbdt_cell sum_of_cells(const gbdt_grower *g, const gbdt_cell *cells)
{
    const uint32_t j = g->sample->column[0];
    const size_t first = g->bins->cell[j];
    gbdt_cell sum = {0, 0};
    for (size_t b = first; b <= first + g->bins->column[j].n_bins; b++) {
        sum.g += cells[b].g;
        sum.hc += cells[b].hc;
    }
    return sum;
}

static mlk_status plant(gbdt_grower *g, size_t n)
{
    for (size_t i = 0; i < g->n_leaves; i++) /* of the tree before */
        give_back(g, &g->leaf[i]);
    g->tree.n = g->tree.n_sets = g->n_heap = 0;
    g->n_leaves = 1;
    gbdt_leaf *root = &g->leaf[0];
    *root = (gbdt_leaf){.node = add_node(g, n), .end = n};
    root->sums = (gbdt_node_sums){{0, 0}, -INFINITY, INFINITY};
    if (!is_open(g, root)) {
        root->sums.sum = sum_of_rows(g->sample, g->rows, n);
        return MLK_OK;
    }
    MLK_TRY(histogram(g, root));
    root->sums.sum = sum_of_cells(g, root->cells);
    MLK_TRY(find_splits(g, NULL, root, false));
    enqueue(g, root);
    return MLK_OK;
}

mlk_status mlk_gbdt_grow(gbdt_grower *g, const gbdt_sample *sample, const gbdt_rules *rules,
                         uint32_t *rows, size_t n, const mlk_run *run, mlk_grown **tree,
                         const gbdt_leaf **leaves, size_t *n_leaves)
{
    g->sample = sample;
    g->rules = rules;
    g->rows = rows;
    g->run = run;
    MLK_TRY(plant(g, n));
    while (g->n_heap && g->n_leaves < g->leaf_cap)
        MLK_TRY(split_leaf(g, pop(g)));
    for (size_t i = 0; i < g->n_leaves; i++) {
        const gbdt_leaf *leaf = &g->leaf[i];
        g->tree.node[leaf->node].value =
            mlk_gbdt_value(rules, leaf->sums.sum, leaf->sums.lo, leaf->sums.hi);
    }
    *tree = &g->tree;
    *leaves = g->leaf;
    *n_leaves = g->n_leaves;
    return MLK_OK;
}
