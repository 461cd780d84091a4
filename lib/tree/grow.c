#include "tree/grow.h"

#include <string.h>

#include "core/fast.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "model/algo.h"
#include "tree/grower.h"

/* Trees of more rows are cut into subtrees, one a task, once nodes are a PART-th of the whole;
 * above, the columns of one node are looked at in parallel. */
enum { WHOLE_UP_TO = 16384, PART = 16 };

/* -------------------------------------------------------------------- hands */

static void hand_take(mlk_scratch *s, const grower *g, size_t n, grow_hand *h)
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

static mlk_status push(grow_hand *h, grow_open open)
{
    if (h->n_stack == h->cap_stack) {
        const size_t cap = 2 * h->cap_stack + 64;
        grow_open *stack = mlk_regrow(h->stack, h->n_stack, cap, sizeof *stack);
        if (!stack)
            return MLK_FAIL(MLK_ENOMEM, "no memory for %zu open nodes", cap);
        h->stack = stack;
        h->cap_stack = cap;
    }
    h->stack[h->n_stack++] = open;
    return MLK_OK;
}

/* -------------------------------------------------------------- depth first */

/* Nodes of at most `limit` samples. */
typedef struct todo {
    grow_open *task;
    size_t n, cap, limit;
} todo;

static mlk_status add_task(todo *t, grow_open open)
{
    if (t->n == t->cap) {
        const size_t cap = 2 * t->cap + 64;
        grow_open *task = mlk_regrow(t->task, t->n, cap, sizeof *task);
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

static mlk_status grow_below(const grower *g, grow_hand *hands, size_t n_hands, grow_open root,
                             mlk_grown *tree, todo *later);

/* A small node and all below it on copies of the columns: one pass over the rows, which lie
 * scattered over memory, serves all the levels to come. */
static mlk_status grow_local(const grower *g, grow_hand *h, grow_open root, mlk_grown *tree)
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
static mlk_status grow_below(const grower *g, grow_hand *hands, size_t n_hands, grow_open root,
                             mlk_grown *tree, todo *later)
{
    grow_hand *h = &hands[0];
    const size_t base = h->n_stack;
    MLK_TRY(push(h, root));
    for (size_t done = 0; h->n_stack > base; done++) {
        grow_candidate x = {.open = h->stack[--h->n_stack]};
        mlk_node_stats node;
        grow_open left, right;
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
        MLK_TRY(mlk_grow_examine(g, hands, n_hands, tree, &x, &node));
        if (x.cut.gain < 0.0)
            continue;
        MLK_TRY(mlk_grow_split(g, h, tree, &x, &node, &left, &right));
        MLK_TRY(push(h, right));
        MLK_TRY(push(h, left));
    }
    return MLK_OK;
}

typedef struct subtrees {
    const grower *g;
    const todo *todo;
    grow_hand *hands;
    mlk_grown *part; /* of each task */
} subtrees;

static mlk_status grow_parts(void *ctx, const mlk_chunk *chunk)
{
    const subtrees *s = ctx;
    grow_hand *h = &s->hands[chunk->worker];
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        grow_open root = s->todo->task[i];
        root.at = 0;
        h->n_stack = 0;
        MLK_TRY(mlk_grown_reserve(&s->part[i], 1));
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
    grow_hand *hands = mlk_scratch_take(&s, workers, sizeof *hands);
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
        st = mlk_grown_append(tree, later->task[i].at, &part[i]);
out:
    for (size_t i = 0; part && i < later->n; i++)
        mlk_grown_release(&part[i]);
    for (unsigned k = 0; hands && k < workers; k++)
        mlk_free(hands[k].stack);
    mlk_free(part);
    mlk_scratch_release(&s);
    return st;
}

static mlk_status grow_depth_first(const grower *g, grow_hand *hands, size_t n_hands,
                                   grow_open root, mlk_grown *tree)
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
    grow_candidate *item;
    size_t n, cap;
} heap;

static bool goes_first(const grow_candidate *a, const grow_candidate *b)
{
    return a->cut.gain > b->cut.gain || (a->cut.gain == b->cut.gain && a->open.at < b->open.at);
}

static mlk_status heap_push(heap *q, const grow_candidate *x)
{
    if (q->n == q->cap) {
        const size_t cap = 2 * q->cap + 64;
        grow_candidate *item = mlk_regrow(q->item, q->n, cap, sizeof *item);
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

static grow_candidate heap_pop(heap *q)
{
    const grow_candidate top = q->item[0], x = q->item[--q->n];
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

static mlk_status consider(const grower *g, grow_hand *hands, size_t n_hands, mlk_grown *tree,
                           grow_open open, heap *q)
{
    grow_candidate x = {.open = open};
    mlk_node_stats node;
    MLK_TRY(mlk_run_poll(g->run, -1.0));
    MLK_TRY(mlk_grow_examine(g, hands, n_hands, tree, &x, &node));
    return x.cut.gain >= 0.0 ? heap_push(q, &x) : MLK_OK;
}

static mlk_status grow_best_first(const grower *g, grow_hand *hands, size_t n_hands, grow_open root,
                                  mlk_grown *tree)
{
    heap q = {NULL, 0, 0};
    mlk_status st = consider(g, hands, n_hands, tree, root, &q);
    for (size_t leaves = 1; st == MLK_OK && q.n > 0 && leaves < g->opts->max_leaves; leaves++) {
        const grow_candidate x = heap_pop(&q);
        grow_open left, right;
        mlk_grown_node again;
        const mlk_node_stats node = mlk_grow_look(g, &hands[0], x.open.begin, x.open.n, &again);
        st = mlk_grow_split(g, &hands[0], tree, &x, &node, &left, &right);
        if (st == MLK_OK)
            st = consider(g, hands, n_hands, tree, left, &q);
        if (st == MLK_OK)
            st = consider(g, hands, n_hands, tree, right, &q);
    }
    mlk_free(q.item);
    return st;
}

/* -------------------------------------------------------------------- grow */

static void pool_take(mlk_scratch *s, const mlk_target *t, const mlk_bag *bag, size_t n,
                      grow_pool *p)
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
static double pool_fill(const mlk_target *t, const mlk_bag *bag, size_t n, const grow_pool *p)
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
static grow_hand *hands_take(mlk_scratch *s, const grower *g, size_t n, size_t *n_hands)
{
    const mlk_run inner = mlk_run_inner(g->run);
    const size_t wanted = g->opts->max_features;
    *n_hands = n * wanted >= MLK_GROW_PARALLEL_WORK ? mlk_workers(&inner, wanted, 1) : 1;
    grow_hand *hands = mlk_scratch_take(s, *n_hands, sizeof *hands);
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
    grow_hand *hands = hands_take(&s, &g, n, &n_hands);
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
    if ((st = mlk_grown_reserve(tree, least ? least : 1)) != MLK_OK)
        goto out;
    tree->n = 1;
    const grow_open root = {0, 0, n, 0, seed};
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
static void show_split(const grower *g, grow_hand *h, size_t j, mlk_split_shown *shown,
                       double *count, uint8_t *side)
{
    const size_t n = g->c->n, k = g->target->n_classes;
    const bool categorical = g->c->categorical[j];
    mlk_grown_node root;
    const mlk_node_stats node = mlk_grow_look(g, h, 0, n, &root);
    grow_candidate x = {.open = {.n = n}, .feature = j};
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
    const size_t left = mlk_grow_divide(g, h, &x, &node, &heavier);
    if (categorical)
        memcpy(side, h->side, g->c->n_codes[j]);
    for (size_t s = 0; s < 2; s++) {
        const mlk_node_stats child =
            mlk_grow_look(g, h, s ? left : 0, s ? n - left : left, &shown->child[s]);
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
    grow_hand h;
    pool_take(&s, t, NULL, c->n, &g.pool);
    hand_take(&s, &g, c->n, &h);
    if (s.failed) {
        mlk_scratch_release(&s);
        return MLK_FAIL(MLK_ENOMEM, "no memory to explain a node of %zu rows", c->n);
    }
    g.total = pool_fill(t, NULL, c->n, &g.pool);
    const mlk_node_stats node = mlk_grow_look(&g, &h, 0, c->n, root);
    if (k)
        memcpy(count, node.count, k * sizeof *count);
    for (size_t j = 0; j < c->p; j++)
        show_split(&g, &h, j, &shown[j], count + (1 + 2 * j) * k, sides + side_start[j]);
    mlk_scratch_release(&s);
    return MLK_OK;
}
