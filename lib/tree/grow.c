#include "tree/grow.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "model/algo.h"
#include "tree/absolute.h"
#include "tree/splitter.h"

/* Trees of more rows are cut into subtrees, one a task, once nodes are a PART-th of the whole;
 * above, the columns of one node are looked at in parallel. */
enum { WHOLE_UP_TO = 16384, PART = 16, PARALLEL_WORK = 1 << 17 };

/* The samples in the order of the leaves so far: each node owns a range. */
typedef struct pool {
    uint32_t *id, *whole, *cls;
    double *real;
    int64_t *yq;
} pool;

/* A node whose split is yet to be found. */
typedef struct open_node {
    uint32_t at; /* in the grown tree */
    size_t begin, n, depth;
    uint64_t key; /* of its random stream */
} open_node;

/* ... and one whose split has been found (best-first growth waits with those). */
typedef struct candidate {
    open_node open;
    mlk_cut cut;
    size_t feature;
} candidate;

/* What one thread needs to grow nodes. */
typedef struct hand {
    mlk_desk desk;
    int64_t *t, *slot_t;
    uint32_t *slot;
    double *count;
    uint32_t *cls, *place; /* classes present, and where among them */
    uint8_t *goes_left;    /* of each sample */
    void *spare;           /* for partitions: 12 bytes a sample */
    uint8_t *side;         /* of each level */
    uint32_t *feature;     /* 0..p-1, reordered while a node draws from them */
    uint32_t *swapped;
    mlk_cut *cut; /* of each drawn column */
    size_t n_drawn;
    open_node *stack;
    size_t n_stack, cap_stack;
    mlk_columns local; /* copies of the columns for small nodes, whose rows are not far apart */
    uint32_t *origin;  /* their rows */
} hand;

typedef struct grower {
    const mlk_columns *c;
    const mlk_target *target;
    const mlk_grow_opts *opts;
    mlk_split_rule rule;
    const mlk_run *run;
    pool pool;
    double total;           /* weight of the sample */
    double scale;           /* of gains */
    bool draws;             /* random choices are made */
    size_t local;           /* nodes of so many samples get columns of their own; 0: none does */
    const uint32_t *origin; /* rows that ids stand for, in such a node; NULL: themselves */
} grower;

/* ------------------------------------------------------------- grown trees */

static void grown_release(mlk_grown *tree)
{
    mlk_free(tree->node);
    mlk_free(tree->count);
    mlk_free(tree->sets);
}

void mlk_grown_free(mlk_grown *tree)
{
    if (!tree)
        return;
    grown_release(tree);
    mlk_free(tree);
}

/* Room for `more` nodes. */
static mlk_status reserve_nodes(mlk_grown *tree, size_t more)
{
    if (more <= tree->cap - tree->n)
        return MLK_OK;
    const size_t cap = 2 * tree->cap + more + 62;
    mlk_grown_node *node = mlk_regrow(tree->node, tree->n, cap, sizeof *node);
    if (node)
        tree->node = node;
    double *count = NULL;
    if (node && tree->n_classes &&
        (count = mlk_regrow(tree->count, tree->n, cap, tree->n_classes * sizeof *count)))
        tree->count = count;
    if (!node || (tree->n_classes && !count))
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu nodes", cap);
    tree->cap = cap;
    return MLK_OK;
}

static mlk_status reserve_sets(mlk_grown *tree, size_t more)
{
    if (more <= tree->cap_sets - tree->n_sets)
        return MLK_OK;
    const size_t cap = 2 * tree->cap_sets + more + 62;
    uint32_t *sets =
        cap > UINT32_MAX ? NULL : mlk_regrow(tree->sets, tree->n_sets, cap, sizeof *sets);
    if (!sets)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the level sets of a tree");
    tree->sets = sets;
    tree->cap_sets = cap;
    return MLK_OK;
}

/* Hang the nodes of `part` below node `at` of `tree`, which becomes the part's root. */
static mlk_status append(mlk_grown *tree, uint32_t at, const mlk_grown *part)
{
    MLK_TRY(reserve_nodes(tree, part->n));
    MLK_TRY(reserve_sets(tree, part->n_sets));
    const size_t k = tree->n_classes;
    const uint32_t base = (uint32_t)tree->n - 1, set_base = (uint32_t)tree->n_sets;
    for (size_t i = 0; i < part->n; i++) {
        const size_t to = i ? base + i : at;
        mlk_grown_node node = part->node[i];
        if (node.left) {
            node.left += base;
            node.right += base;
            node.set += set_base;
        }
        tree->node[to] = node;
        if (k)
            memcpy(tree->count + to * k, part->count + i * k, k * sizeof *tree->count);
    }
    if (part->n_sets)
        memcpy(tree->sets + tree->n_sets, part->sets, part->n_sets * sizeof *tree->sets);
    tree->n += part->n - 1;
    tree->n_sets += part->n_sets;
    return MLK_OK;
}

/* -------------------------------------------------------------------- hands */

static void hand_take(mlk_scratch *s, const grower *g, size_t n, hand *h)
{
    const mlk_columns *c = g->c;
    size_t levels = 0;
    for (size_t j = 0; j < c->p; j++)
        if (c->categorical[j] && c->n_codes[j] > levels)
            levels = c->n_codes[j];
    memset(h, 0, sizeof *h);
    mlk_desk_take(s, c, g->target, n, &h->desk);
    if (g->target->criterion == MLK_CRITERION_ABSOLUTE_ERROR) {
        h->slot = mlk_scratch_take(s, n, sizeof *h->slot);
        h->slot_t = mlk_scratch_take(s, n, sizeof *h->slot_t);
    } else if (mlk_target_moments(g->target)) {
        h->t = mlk_scratch_take(s, n, sizeof *h->t);
    }
    if (g->target->n_classes) {
        h->count = mlk_scratch_take(s, g->target->n_classes, sizeof *h->count);
        h->cls = mlk_scratch_take(s, g->target->n_classes, sizeof *h->cls);
        h->place = mlk_scratch_take(s, g->target->n_classes, sizeof *h->place);
    }
    h->goes_left = mlk_scratch_take(s, n, sizeof *h->goes_left);
    h->spare = mlk_scratch_take(s, n, 3 * sizeof(uint32_t));
    h->side = mlk_scratch_take(s, levels + 1, sizeof *h->side);
    h->feature = mlk_scratch_take(s, c->p, sizeof *h->feature);
    h->swapped = mlk_scratch_take(s, c->p, sizeof *h->swapped);
    h->cut = mlk_scratch_take(s, c->p, sizeof *h->cut);
    for (size_t j = 0; !s->failed && j < c->p; j++)
        h->feature[j] = (uint32_t)j;
    h->local = *c;
    h->local.code = mlk_scratch_take(s, g->local * c->p, sizeof *h->local.code);
    if (c->raw)
        h->local.raw = mlk_scratch_take(s, g->local * c->p, sizeof *h->local.raw);
    h->origin = mlk_scratch_take(s, g->local, sizeof *h->origin);
}

static mlk_status push(hand *h, open_node open)
{
    if (h->n_stack == h->cap_stack) {
        const size_t cap = 2 * h->cap_stack + 64;
        open_node *stack = mlk_regrow(h->stack, h->n_stack, cap, sizeof *stack);
        if (!stack)
            return MLK_FAIL(MLK_ENOMEM, "no memory for %zu open nodes", cap);
        h->stack = stack;
        h->cap_stack = cap;
    }
    h->stack[h->n_stack++] = open;
    return MLK_OK;
}

/* ------------------------------------------------------------------- a node */

static mlk_sample sample_of(const grower *g, size_t begin, size_t n)
{
    const pool *p = &g->pool;
    return (mlk_sample){.n = n,
                        .id = p->id + begin,
                        .whole = p->whole ? p->whole + begin : NULL,
                        .real = p->real ? p->real + begin : NULL,
                        .cls = p->cls ? p->cls + begin : NULL,
                        .yq = p->yq ? p->yq + begin : NULL};
}

__extension__ typedef __int128 int128;

/* Sum of w t^2, exact for whole weights. */
static double sum_of_squares(const mlk_sample *x, int64_t centre)
{
    if (x->real) {
        double sum = 0.0;
        for (size_t i = 0; i < x->n; i++) {
            const double t = (double)(x->yq[i] - centre);
            sum += x->real[i] * t * t;
        }
        return sum;
    }
    int128 sum = 0;
    for (size_t i = 0; i < x->n; i++) {
        const int64_t t = x->yq[i] - centre;
        sum += (int128)mlk_sample_weighted(x, i, t) * t;
    }
    return (double)sum;
}

static double impurity_of(const mlk_target *t, const double *count, double weight)
{
    double sum = 0.0;
    for (size_t c = 0; c < t->n_classes; c++) {
        const double share = count[c] / weight;
        if (t->criterion == MLK_CRITERION_GINI)
            sum += share * (1.0 - share);
        else if (share > 0.0)
            sum -= share * log2(share);
    }
    return sum;
}

static void look_classes(const grower *g, hand *h, mlk_node_stats *node, mlk_grown_node *out)
{
    const mlk_sample *x = &node->sample;
    const size_t k = g->target->n_classes;
    for (size_t c = 0; c < k; c++)
        h->count[c] = 0.0;
    for (size_t i = 0; i < x->n; i++)
        h->count[x->cls[i]] += mlk_sample_weight(x, i);
    for (size_t c = 0; c < k; c++) {
        node->weight += h->count[c];
        node->squares += h->count[c] * h->count[c];
        h->cls[node->n_cls] = (uint32_t)c;
        h->place[c] = (uint32_t)node->n_cls;
        node->n_cls += h->count[c] > 0.0;
    }
    node->pure = node->n_cls < 2;
    node->count = h->count;
    node->cls = h->cls;
    node->place = h->place;
    if (g->opts->keep_impurity)
        out->impurity = impurity_of(g->target, h->count, node->weight);
    if (!h->t)
        return;
    node->centre = 2.0 * h->count[1] > node->weight;
    int64_t total = 0;
    for (size_t i = 0; i < x->n; i++)
        total += h->t[i] = (int64_t)x->cls[i] - node->centre;
    if (x->whole || x->real) {
        total = 0;
        for (size_t i = 0; i < x->n; i++)
            h->t[i] = mlk_sample_weighted(x, i, h->t[i]);
    }
    node->t = h->t;
    node->rest = (h->count[1] - (double)node->centre * node->weight) / node->weight;
}

static void look_variance(const grower *g, hand *h, mlk_node_stats *node, mlk_grown_node *out)
{
    const mlk_sample *x = &node->sample;
    int64_t lo = INT64_MAX, hi = INT64_MIN, sum = 0, rest = 0;
    if (!x->whole && !x->real)
        node->weight = (double)x->n;
    for (size_t i = 0; i < x->n; i++) {
        lo = x->yq[i] < lo ? x->yq[i] : lo;
        hi = x->yq[i] > hi ? x->yq[i] : hi;
        sum += mlk_sample_weighted(x, i, x->yq[i]);
        if (x->whole || x->real)
            node->weight += mlk_sample_weight(x, i);
    }
    node->pure = lo == hi;
    node->centre = llrint((double)sum / node->weight);
    for (size_t i = 0; i < x->n; i++)
        rest += h->t[i] = mlk_sample_weighted(x, i, x->yq[i] - node->centre);
    node->t = h->t;
    node->rest = (double)rest / node->weight;
    out->value = g->target->centre + g->target->unit * ((double)node->centre + node->rest);
    if (g->opts->keep_impurity)
        out->impurity =
            fmax(sum_of_squares(x, node->centre) / node->weight - node->rest * node->rest, 0.0) *
            g->target->unit * g->target->unit;
}

static void look_absolute(const grower *g, hand *h, mlk_node_stats *node, mlk_grown_node *out)
{
    const mlk_sample *x = &node->sample;
    const int64_t *ranked = g->target->ranked;
    uint32_t lo = UINT32_MAX, hi = 0;
    double median;
    for (size_t i = 0; i < x->n; i++) {
        lo = x->cls[i] < lo ? x->cls[i] : lo;
        hi = x->cls[i] > hi ? x->cls[i] : hi;
        h->desk.a[i] = mlk_item_of(x->cls[i], (uint32_t)i);
        node->weight += mlk_sample_weight(x, i);
    }
    const mlk_item *item = mlk_items_sort(h->desk.a, h->desk.b, x->n, lo, hi);
    node->centre = ranked[mlk_item_key(item[x->n / 2])];
    for (size_t i = 0; i < x->n; i++) {
        h->slot[mlk_item_payload(item[i])] = (uint32_t)i;
        h->slot_t[i] = ranked[mlk_item_key(item[i])] - node->centre;
    }
    node->pure = lo == hi;
    node->slot = h->slot;
    node->slot_t = h->slot_t;
    out->impurity = mlk_absolute_impurity(node, &h->desk, &median) / node->weight * g->target->unit;
    out->value = g->target->centre + g->target->unit * ((double)node->centre + median);
}

/* A target that all samples share is the value, to the last bit. */
static void exact_value(const grower *g, const mlk_sample *x, mlk_grown_node *out)
{
    const double *y = g->target->y;
    const uint32_t *origin = g->origin;
    const double first = y[origin ? origin[x->id[0]] : x->id[0]];
    for (size_t i = 1; i < x->n; i++)
        if (y[origin ? origin[x->id[i]] : x->id[i]] != first)
            return;
    out->value = first;
}

/* What the node's samples say, whatever the columns. */
static mlk_node_stats look(const grower *g, hand *h, size_t begin, size_t n, mlk_grown_node *out)
{
    mlk_node_stats node = {.sample = sample_of(g, begin, n)};
    *out = (mlk_grown_node){.n = (uint32_t)n, .value = NAN, .impurity = NAN};
    if (g->target->n_classes)
        look_classes(g, h, &node, out);
    else if (g->target->criterion == MLK_CRITERION_VARIANCE)
        look_variance(g, h, &node, out);
    else
        look_absolute(g, h, &node, out);
    out->weight = node.weight;
    if (node.pure && !g->target->n_classes)
        exact_value(g, &node.sample, out);
    return node;
}

/* ------------------------------------------------------------ its best split */

typedef struct search {
    const grower *g;
    const mlk_node_stats *node;
    const open_node *open;
    hand *hands; /* one a worker; results go to the first one's `cut` */
} search;

static mlk_status search_columns(void *ctx, const mlk_chunk *chunk)
{
    const search *s = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const size_t j = s->hands[0].feature[i];
        s->hands[0].cut[i] = mlk_split_find(s->g->c, s->g->target, s->node, j, &s->g->rule,
                                            s->open->key, &s->hands[chunk->worker].desk);
    }
    return MLK_OK;
}

/* Draw one more column to the front part of h->feature. */
static void draw_column(const grower *g, hand *h, mlk_rng *rng)
{
    const size_t i = h->n_drawn++, j = i + (size_t)mlk_rng_below(rng, g->c->p - i);
    const uint32_t swap = h->feature[i];
    h->feature[i] = h->feature[j];
    h->feature[j] = swap;
    h->swapped[i] = (uint32_t)j;
}

static void undo_draws(hand *h)
{
    while (h->n_drawn > 0) {
        const size_t i = --h->n_drawn, j = h->swapped[i];
        const uint32_t swap = h->feature[i];
        h->feature[i] = h->feature[j];
        h->feature[j] = swap;
    }
}

/* Of the first n columns looked at, the best: the first of those that tie. */
static size_t best_column(const grower *g, const hand *h, const mlk_node_stats *node, size_t n)
{
    double best = -1.0;
    for (size_t i = 0; i < n; i++)
        best = fmax(best, h->cut[i].gain);
    const double enough = mlk_split_enough(g->target, node, best);
    for (size_t i = 0; i < n; i++)
        if (h->cut[i].gain >= enough)
            return i;
    return SIZE_MAX;
}

/* The split of a node from max_features columns, or more until one of them can split it. */
static mlk_status find_split(const grower *g, hand *hands, size_t n_hands,
                             const mlk_node_stats *node, candidate *found)
{
    hand *h = &hands[0];
    const size_t wanted = g->opts->max_features, p = g->c->p;
    search s = {g, node, &found->open, hands};
    mlk_status st = MLK_OK;
    mlk_rng rng = {{0}};
    if (g->draws)
        rng = mlk_rng_stream(found->open.key, 0);
    for (size_t i = 0; g->draws && i < wanted; i++)
        draw_column(g, h, &rng);
    if (n_hands > 1 && node->sample.n * wanted >= PARALLEL_WORK) {
        const mlk_run inner = mlk_run_inner(g->run);
        st = mlk_parallel_for(&inner, wanted, 1, search_columns, &s);
    } else {
        st = search_columns(&s, &(mlk_chunk){0, wanted, 0, 0});
    }
    size_t n = wanted, best = st == MLK_OK ? best_column(g, h, node, n) : SIZE_MAX;
    for (; st == MLK_OK && best == SIZE_MAX && n < p; n++) {
        draw_column(g, h, &rng);
        st = search_columns(&s, &(mlk_chunk){n, n + 1, 0, 0});
        best = best_column(g, h, node, n + 1);
    }
    found->cut.gain = -1.0;
    if (best != SIZE_MAX) {
        found->cut = h->cut[best];
        found->feature = h->feature[best];
    }
    undo_draws(h);
    return st;
}

/* The statistics of an open node into the tree; its split, unless it is to be a leaf. */
static mlk_status examine(const grower *g, hand *hands, size_t n_hands, mlk_grown *tree,
                          candidate *x, mlk_node_stats *node)
{
    const mlk_grow_opts *o = g->opts;
    const size_t k = g->target->n_classes;
    mlk_grown_node *out = &tree->node[x->open.at];
    *node = look(g, &hands[0], x->open.begin, x->open.n, out);
    if (k)
        memcpy(tree->count + (size_t)x->open.at * k, node->count, k * sizeof *tree->count);
    x->cut.gain = -1.0;
    if (!node->pure && x->open.depth < o->max_depth && x->open.n >= o->min_samples_split &&
        x->open.n / 2 >= o->min_samples_leaf)
        MLK_TRY(find_split(g, hands, n_hands, node, x));
    const double decrease = x->cut.gain * g->scale / g->total;
    if (decrease < o->min_impurity_decrease * (1.0 - 1e-10))
        x->cut.gain = -1.0;
    if (x->cut.gain < 0.0 && !k)
        exact_value(g, &node->sample, out);
    return MLK_OK;
}

/* ---------------------------------------------------------------- partition */

MLK_SIMD static void sides_of_numbers(const uint32_t *restrict code, const uint32_t *restrict id,
                                      size_t n, uint32_t last, uint32_t missing, uint8_t miss_left,
                                      uint8_t *restrict left)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = code[id[i]];
        left[i] = (uint8_t)((c <= last) | (miss_left & (c == missing)));
    }
}

MLK_SIMD static void sides_of_values(const double *restrict x, const uint32_t *restrict id,
                                     size_t n, double threshold, uint8_t miss_left,
                                     uint8_t *restrict left)
{
    for (size_t i = 0; i < n; i++) {
        const double v = x[id[i]];
        left[i] = (uint8_t)((v <= threshold) | (miss_left & (v != v)));
    }
}

/* Stable: both sides keep their order. */
static void partition_4(uint32_t *restrict v, uint32_t *restrict spare,
                        const uint8_t *restrict left, size_t n)
{
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = v[i];
        v[l] = x;
        spare[r] = x;
        l += left[i];
        r += !left[i];
    }
    memcpy(v + l, spare, r * sizeof *v);
}

/* Three arrays, or two with c NULL, at once. */
static inline __attribute__((always_inline)) void
partition_4s(uint32_t *restrict a, uint32_t *restrict b, uint32_t *restrict c,
             uint32_t *restrict spare, const uint8_t *restrict left, size_t n)
{
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = a[i], y = b[i], z = c ? c[i] : 0;
        a[l] = spare[r] = x;
        b[l] = spare[n + r] = y;
        if (c)
            c[l] = spare[2 * n + r] = z;
        l += left[i];
        r += !left[i];
    }
    memcpy(a + l, spare, r * sizeof *a);
    memcpy(b + l, spare + n, r * sizeof *b);
    if (c)
        memcpy(c + l, spare + 2 * n, r * sizeof *c);
}

static void partition_8(uint64_t *restrict v, uint64_t *restrict spare,
                        const uint8_t *restrict left, size_t n)
{
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t x = v[i];
        v[l] = x;
        spare[r] = x;
        l += left[i];
        r += !left[i];
    }
    memcpy(v + l, spare, r * sizeof *v);
}

static void partition(const grower *g, hand *h, size_t begin, size_t n)
{
    const pool *p = &g->pool;
    if (p->whole && p->cls)
        partition_4s(p->id + begin, p->cls + begin, p->whole + begin, h->spare, h->goes_left, n);
    else if (p->cls)
        partition_4s(p->id + begin, p->cls + begin, NULL, h->spare, h->goes_left, n);
    else if (p->whole)
        partition_4s(p->id + begin, p->whole + begin, NULL, h->spare, h->goes_left, n);
    else
        partition_4(p->id + begin, h->spare, h->goes_left, n);
    if (p->real)
        partition_8((uint64_t *)(void *)(p->real + begin), h->spare, h->goes_left, n);
    if (p->yq)
        partition_8((uint64_t *)(void *)(p->yq + begin), h->spare, h->goes_left, n);
}

/* The bits of a categorical split; absent levels go where missing values go. */
static mlk_status write_set(mlk_grown *tree, mlk_grown_node *node, const uint8_t *side,
                            size_t levels)
{
    const size_t words = (levels + 31) / 32;
    MLK_TRY(reserve_sets(tree, words));
    uint32_t *bits = tree->sets + tree->n_sets;
    memset(bits, 0, words * sizeof *bits);
    for (size_t l = 0; l < levels; l++) {
        const bool left =
            side[l] == MLK_SIDE_ABSENT ? node->missing_left : side[l] == MLK_SIDE_LEFT;
        bits[l / 32] |= (uint32_t)left << (l % 32);
    }
    node->set = (uint32_t)tree->n_sets;
    tree->n_sets += words;
    return MLK_OK;
}

/* Samples to their sides; returns how many go left, and whether those are the heavier part. */
static size_t divide(const grower *g, hand *h, const candidate *x, const mlk_node_stats *node,
                     bool *heavier)
{
    const mlk_columns *c = g->c;
    const mlk_sample *s = &node->sample;
    const uint32_t *code = mlk_columns_code(c, x->feature), missing = c->n_codes[x->feature];
    if (c->categorical[x->feature]) {
        mlk_split_sides(c, node, x->feature, &g->rule, x->open.key, &x->cut, &h->desk, h->side);
        for (size_t i = 0; i < s->n; i++) {
            const uint32_t l = code[s->id[i]];
            h->goes_left[i] = l == missing ? x->cut.missing_left : h->side[l] == MLK_SIDE_LEFT;
        }
    } else if (c->raw) {
        sides_of_values(c->raw + x->feature * c->n, s->id, s->n, x->cut.threshold,
                        x->cut.missing_left, h->goes_left);
    } else {
        sides_of_numbers(code, s->id, s->n, x->cut.key, missing, x->cut.missing_left, h->goes_left);
    }
    size_t left = 0;
    double weight = 0.0;
    for (size_t i = 0; i < s->n; i++)
        left += h->goes_left[i];
    if (s->whole || s->real)
        for (size_t i = 0; i < s->n; i++)
            weight += h->goes_left[i] ? mlk_sample_weight(s, i) : 0.0;
    else
        weight = (double)left;
    *heavier = 2.0 * weight >= node->weight;
    partition(g, h, x->open.begin, s->n);
    return left;
}

/* Split the node as found; the children are new open nodes. */
static mlk_status split(const grower *g, hand *h, mlk_grown *tree, const candidate *x,
                        const mlk_node_stats *node, open_node *left, open_node *right)
{
    MLK_TRY(reserve_nodes(tree, 2));
    bool heavier;
    const size_t n_left = divide(g, h, x, node, &heavier);
    mlk_grown_node *out = &tree->node[x->open.at];
    out->feature = (uint32_t)x->feature;
    out->categorical = g->c->categorical[x->feature];
    out->missing_left = x->cut.has_missing ? x->cut.missing_left : heavier;
    if (!out->categorical)
        out->threshold = mlk_split_threshold(g->c, x->feature, &g->rule, &x->cut);
    out->gain = x->cut.gain * g->scale;
    if (out->categorical) {
        out->n_levels = g->c->n_codes[x->feature];
        MLK_TRY(write_set(tree, out, h->side, out->n_levels));
    }
    out->left = (uint32_t)tree->n;
    out->right = (uint32_t)tree->n + 1;
    tree->n += 2;

    const open_node *o = &x->open;
    uint64_t key[2] = {0, 0};
    if (g->draws) {
        mlk_rng rng = mlk_rng_stream(o->key, SIZE_MAX);
        key[0] = mlk_rng_next(&rng);
        key[1] = mlk_rng_next(&rng);
    }
    *left = (open_node){out->left, o->begin, n_left, o->depth + 1, key[0]};
    *right = (open_node){out->right, o->begin + n_left, o->n - n_left, o->depth + 1, key[1]};
    return MLK_OK;
}

/* -------------------------------------------------------------- depth first */

/* Nodes of at most `limit` samples. */
typedef struct todo {
    open_node *task;
    size_t n, cap, limit;
} todo;

static mlk_status add_task(todo *t, open_node open)
{
    if (t->n == t->cap) {
        const size_t cap = 2 * t->cap + 64;
        open_node *task = mlk_regrow(t->task, t->n, cap, sizeof *task);
        if (!task)
            return MLK_FAIL(MLK_ENOMEM, "no memory for %zu subtrees", cap);
        t->task = task;
        t->cap = cap;
    }
    t->task[t->n++] = open;
    return MLK_OK;
}

MLK_SIMD static void copy_codes(const uint32_t *restrict code, const uint32_t *restrict id,
                                size_t n, uint32_t *restrict to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = code[id[i]];
}

MLK_SIMD static void copy_values(const double *restrict value, const uint32_t *restrict id,
                                 size_t n, double *restrict to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = value[id[i]];
}

static mlk_status grow_below(const grower *g, hand *hands, size_t n_hands, open_node root,
                             mlk_grown *tree, todo *later);

/* A small node and all below it on copies of the columns: one pass over the rows, which lie
 * scattered over memory, serves all the levels to come. */
static mlk_status grow_local(const grower *g, hand *h, open_node root, mlk_grown *tree)
{
    const mlk_columns *c = g->c;
    uint32_t *id = g->pool.id + root.begin;
    grower local = *g;
    h->local.n = root.n;
    for (size_t j = 0; j < c->p; j++) {
        if (c->raw && !c->categorical[j])
            copy_values(c->raw + j * c->n, id, root.n, h->local.raw + j * root.n);
        else
            copy_codes(mlk_columns_code(c, j), id, root.n, h->local.code + j * root.n);
    }
    for (size_t i = 0; i < root.n; i++) {
        h->origin[i] = id[i];
        id[i] = (uint32_t)i;
    }
    local.c = &h->local;
    local.origin = h->origin;
    return grow_below(&local, h, 1, root, tree, NULL);
}

/* Everything below `root`, depth first; nodes of at most later->limit samples are left for later.
 */
static mlk_status grow_below(const grower *g, hand *hands, size_t n_hands, open_node root,
                             mlk_grown *tree, todo *later)
{
    hand *h = &hands[0];
    const size_t base = h->n_stack;
    MLK_TRY(push(h, root));
    for (size_t done = 0; h->n_stack > base; done++) {
        candidate x = {.open = h->stack[--h->n_stack]};
        mlk_node_stats node;
        open_node left, right;
        if (later && x.open.n <= later->limit) {
            MLK_TRY(add_task(later, x.open));
            continue;
        }
        if (!g->origin && x.open.n <= g->local) {
            MLK_TRY(grow_local(g, h, x.open, tree));
            continue;
        }
        if (done % 256 == 0)
            MLK_TRY(mlk_run_poll(g->run, -1.0));
        MLK_TRY(examine(g, hands, n_hands, tree, &x, &node));
        if (x.cut.gain < 0.0)
            continue;
        MLK_TRY(split(g, h, tree, &x, &node, &left, &right));
        MLK_TRY(push(h, right));
        MLK_TRY(push(h, left));
    }
    return MLK_OK;
}

typedef struct subtrees {
    const grower *g;
    const todo *todo;
    hand *hands;
    mlk_grown *part; /* of each task */
} subtrees;

static mlk_status grow_parts(void *ctx, const mlk_chunk *chunk)
{
    const subtrees *s = ctx;
    hand *h = &s->hands[chunk->worker];
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        open_node root = s->todo->task[i];
        root.at = 0;
        h->n_stack = 0;
        MLK_TRY(reserve_nodes(&s->part[i], 1));
        s->part[i].n = 1;
        MLK_TRY(grow_below(s->g, h, 1, root, &s->part[i], NULL));
    }
    return MLK_OK;
}

/* The subtrees left for later, one a task, appended in their order. */
static mlk_status grow_later(const grower *g, const todo *later, mlk_grown *tree)
{
    const mlk_run inner = mlk_run_inner(g->run);
    const unsigned workers = mlk_workers(&inner, later->n, 1);
    mlk_scratch s = MLK_SCRATCH_INIT;
    hand *hands = mlk_scratch_take(&s, workers, sizeof *hands);
    mlk_grown *part = mlk_alloc_zero(later->n, sizeof *part);
    mlk_status st = MLK_OK;
    if (hands)
        memset(hands, 0, workers * sizeof *hands);
    for (unsigned k = 0; hands && k < workers; k++)
        hand_take(&s, g, later->limit, &hands[k]);
    if (s.failed || !part) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the subtrees of a tree");
        goto out;
    }
    for (size_t i = 0; i < later->n; i++)
        part[i].n_classes = tree->n_classes;
    st = mlk_parallel_for(&inner, later->n, 1, grow_parts, &(subtrees){g, later, hands, part});
    for (size_t i = 0; st == MLK_OK && i < later->n; i++)
        st = append(tree, later->task[i].at, &part[i]);
out:
    for (size_t i = 0; part && i < later->n; i++)
        grown_release(&part[i]);
    for (unsigned k = 0; hands && k < workers; k++)
        mlk_free(hands[k].stack);
    mlk_free(part);
    mlk_scratch_release(&s);
    return st;
}

static mlk_status grow_depth_first(const grower *g, hand *hands, size_t n_hands, open_node root,
                                   mlk_grown *tree)
{
    if (root.n <= WHOLE_UP_TO)
        return grow_below(g, hands, n_hands, root, tree, NULL);
    todo later = {NULL, 0, 0, root.n / PART};
    mlk_status st = grow_below(g, hands, n_hands, root, tree, &later);
    if (st == MLK_OK && later.n > 0)
        st = grow_later(g, &later, tree);
    mlk_free(later.task);
    return st;
}

/* --------------------------------------------------------------- best first */

/* A heap of candidates: the largest decrease first, then the oldest node. */
typedef struct heap {
    candidate *item;
    size_t n, cap;
} heap;

static bool goes_first(const candidate *a, const candidate *b)
{
    return a->cut.gain > b->cut.gain || (a->cut.gain == b->cut.gain && a->open.at < b->open.at);
}

static mlk_status heap_push(heap *q, const candidate *x)
{
    if (q->n == q->cap) {
        const size_t cap = 2 * q->cap + 64;
        candidate *item = mlk_regrow(q->item, q->n, cap, sizeof *item);
        if (!item)
            return MLK_FAIL(MLK_ENOMEM, "no memory for %zu open nodes", cap);
        q->item = item;
        q->cap = cap;
    }
    size_t i = q->n++;
    for (; i > 0 && goes_first(x, &q->item[(i - 1) / 2]); i = (i - 1) / 2)
        q->item[i] = q->item[(i - 1) / 2];
    q->item[i] = *x;
    return MLK_OK;
}

static candidate heap_pop(heap *q)
{
    const candidate top = q->item[0], x = q->item[--q->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < q->n; i = child) {
        if (child + 1 < q->n && goes_first(&q->item[child + 1], &q->item[child]))
            child++;
        if (!goes_first(&q->item[child], &x))
            break;
        q->item[i] = q->item[child];
    }
    q->item[i] = x;
    return top;
}

static mlk_status consider(const grower *g, hand *hands, size_t n_hands, mlk_grown *tree,
                           open_node open, heap *q)
{
    candidate x = {.open = open};
    mlk_node_stats node;
    MLK_TRY(mlk_run_poll(g->run, -1.0));
    MLK_TRY(examine(g, hands, n_hands, tree, &x, &node));
    return x.cut.gain >= 0.0 ? heap_push(q, &x) : MLK_OK;
}

static mlk_status grow_best_first(const grower *g, hand *hands, size_t n_hands, open_node root,
                                  mlk_grown *tree)
{
    heap q = {NULL, 0, 0};
    mlk_status st = consider(g, hands, n_hands, tree, root, &q);
    for (size_t leaves = 1; st == MLK_OK && q.n > 0 && leaves < g->opts->max_leaves; leaves++) {
        const candidate x = heap_pop(&q);
        open_node left, right;
        mlk_grown_node again;
        const mlk_node_stats node = look(g, &hands[0], x.open.begin, x.open.n, &again);
        st = split(g, &hands[0], tree, &x, &node, &left, &right);
        if (st == MLK_OK)
            st = consider(g, hands, n_hands, tree, left, &q);
        if (st == MLK_OK)
            st = consider(g, hands, n_hands, tree, right, &q);
    }
    mlk_free(q.item);
    return st;
}

/* -------------------------------------------------------------------- grow */

static void pool_take(mlk_scratch *s, const mlk_target *t, const mlk_bag *bag, size_t n, pool *p)
{
    memset(p, 0, sizeof *p);
    p->id = mlk_scratch_take(s, n, sizeof *p->id);
    if (t->real)
        p->real = mlk_scratch_take(s, n, sizeof *p->real);
    else if (t->whole || (bag && bag->times))
        p->whole = mlk_scratch_take(s, n, sizeof *p->whole);
    if (t->cls)
        p->cls = mlk_scratch_take(s, n, sizeof *p->cls);
    else
        p->yq = mlk_scratch_take(s, n, sizeof *p->yq);
}

/* Returns the weight of the sample. */
static double pool_fill(const mlk_target *t, const mlk_bag *bag, size_t n, const pool *p)
{
    double total = 0.0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t row = bag ? bag->row[i] : (uint32_t)i;
        const uint32_t times = bag && bag->times ? bag->times[i] : 1;
        double w = times;
        p->id[i] = row;
        if (p->real)
            w = p->real[i] = t->real[row] * times;
        else if (p->whole)
            w = p->whole[i] = (t->whole ? t->whole[row] : 1) * times;
        if (p->cls)
            p->cls[i] = t->cls[row];
        else
            p->yq[i] = t->yq[row];
        total += w;
    }
    return total;
}

/* The hands for nodes of n samples: the first one examines them, the others help with columns. */
static hand *hands_take(mlk_scratch *s, const grower *g, size_t n, size_t *n_hands)
{
    const mlk_run inner = mlk_run_inner(g->run);
    const size_t wanted = g->opts->max_features;
    *n_hands = n * wanted >= PARALLEL_WORK ? mlk_workers(&inner, wanted, 1) : 1;
    hand *hands = mlk_scratch_take(s, *n_hands, sizeof *hands);
    for (size_t k = 0; hands && k < *n_hands; k++)
        hand_take(s, g, n, &hands[k]);
    return hands;
}

/* Up to how many samples a node's columns are worth copying: into a part of the second-level cache,
 * and unless most columns would not be looked at. */
static size_t local_size(const mlk_columns *c, const mlk_grow_opts *opts)
{
    enum { CELLS = 1 << 15, LEAST = 32, LEVELS = 8 };
    const size_t n = CELLS / c->p;
    return n < LEAST || opts->max_features * LEVELS < c->p ? 0 : n < c->n ? n : c->n;
}

static grower grower_of(const mlk_columns *c, const mlk_target *t, const mlk_grow_opts *opts,
                        const mlk_run *run)
{
    return (grower){.c = c,
                    .target = t,
                    .opts = opts,
                    .rule = {opts->min_samples_leaf, opts->random_cuts},
                    .run = run,
                    .scale = mlk_split_scale(t),
                    .draws = opts->draw_columns || opts->random_cuts || opts->max_features < c->p,
                    .local = local_size(c, opts)};
}

mlk_status mlk_grow(const mlk_columns *c, const mlk_target *t, const mlk_bag *bag,
                    const mlk_grow_opts *opts, uint64_t seed, const mlk_run *run, mlk_grown **out)
{
    const size_t n = bag ? bag->n : c->n;
    grower g = grower_of(c, t, opts, run);
    mlk_scratch s = MLK_SCRATCH_INIT;
    size_t n_hands;
    pool_take(&s, t, bag, n, &g.pool);
    hand *hands = hands_take(&s, &g, n, &n_hands);
    mlk_grown *tree = mlk_alloc_zero(1, sizeof *tree);
    mlk_status st;
    *out = NULL;
    if (s.failed || !tree) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory to grow a tree on %zu rows", n);
        goto out;
    }
    g.total = pool_fill(t, bag, n, &g.pool);
    tree->n_classes = t->n_classes;
    /* Room for about as many nodes as there will be: what is not used is never touched. */
    const size_t least = n < opts->max_leaves ? n : opts->max_leaves;
    if ((st = reserve_nodes(tree, least ? least : 1)) != MLK_OK)
        goto out;
    tree->n = 1;
    const open_node root = {0, 0, n, 0, seed};
    st = opts->max_leaves < SIZE_MAX ? grow_best_first(&g, hands, n_hands, root, tree)
                                     : grow_depth_first(&g, hands, n_hands, root, tree);
out:
    if (!s.failed)
        mlk_free(hands[0].stack);
    if (st == MLK_OK)
        *out = tree;
    else
        mlk_grown_free(tree);
    mlk_scratch_release(&s);
    return st;
}

/* The best split by column j, and what its sides are like. */
static void show_split(const grower *g, hand *h, size_t j, mlk_split_shown *shown, double *count,
                       uint8_t *side)
{
    const size_t n = g->c->n, k = g->target->n_classes;
    const bool categorical = g->c->categorical[j];
    mlk_grown_node root;
    const mlk_node_stats node = look(g, h, 0, n, &root);
    candidate x = {.open = {.n = n}, .feature = j};
    bool heavier;
    x.cut = mlk_split_find(g->c, g->target, &node, j, &g->rule, 0, &h->desk);
    *shown = (mlk_split_shown){.found = x.cut.gain >= 0.0, .categorical = categorical};
    if (!shown->found)
        return;
    shown->missing_left = x.cut.missing_left;
    shown->has_missing = x.cut.has_missing;
    shown->gain = x.cut.gain * g->scale;
    if (!categorical)
        shown->threshold = mlk_split_threshold(g->c, j, &g->rule, &x.cut);
    const size_t left = divide(g, h, &x, &node, &heavier);
    if (categorical)
        memcpy(side, h->side, g->c->n_codes[j]);
    for (size_t s = 0; s < 2; s++) {
        const mlk_node_stats child =
            look(g, h, s ? left : 0, s ? n - left : left, &shown->child[s]);
        if (k)
            memcpy(count + s * k, child.count, k * sizeof *count);
    }
}

mlk_status mlk_grow_explain(const mlk_columns *c, const mlk_target *t, const mlk_grow_opts *opts,
                            mlk_grown_node *root, double *count, mlk_split_shown *shown,
                            uint8_t *sides, const size_t *side_start)
{
    const size_t k = t->n_classes;
    grower g = grower_of(c, t, opts, NULL);
    mlk_scratch s = MLK_SCRATCH_INIT;
    hand h;
    pool_take(&s, t, NULL, c->n, &g.pool);
    hand_take(&s, &g, c->n, &h);
    if (s.failed) {
        mlk_scratch_release(&s);
        return MLK_FAIL(MLK_ENOMEM, "no memory to explain a node of %zu rows", c->n);
    }
    g.total = pool_fill(t, NULL, c->n, &g.pool);
    const mlk_node_stats node = look(&g, &h, 0, c->n, root);
    if (k)
        memcpy(count, node.count, k * sizeof *count);
    for (size_t j = 0; j < c->p; j++)
        show_split(&g, &h, j, &shown[j], count + (1 + 2 * j) * k, sides + side_start[j]);
    mlk_scratch_release(&s);
    return MLK_OK;
}
