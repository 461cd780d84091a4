#include "tree/pruning.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "model/algo.h"

/* ------------------------------------------------------------ cost-complexity */

/* An inner node in the queue, with the g it had when it was put there: outdated entries, whose
 * node's g has changed since, are dropped when they come out. */
typedef struct link {
    double g;
    uint32_t node;
} link;

typedef struct pruner {
    const mlk_grown *tree;
    uint32_t *parent;
    double *risk;     /* R(t) */
    double *below;    /* summed R of the leaves below */
    uint32_t *leaves; /* below */
    double *g;        /* current; NaN: gone */
    link *queue;
    size_t n_queue;
} pruner;

static bool weaker(link a, link b) { return a.g < b.g || (a.g == b.g && a.node < b.node); }

static void queue_push(pruner *p, link x)
{
    size_t i = p->n_queue++;
    for (; i > 0 && weaker(x, p->queue[(i - 1) / 2]); i = (i - 1) / 2)
        p->queue[i] = p->queue[(i - 1) / 2];
    p->queue[i] = x;
}

static link queue_pop(pruner *p)
{
    const link top = p->queue[0], x = p->queue[--p->n_queue];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < p->n_queue; i = child) {
        if (child + 1 < p->n_queue && weaker(p->queue[child + 1], p->queue[child]))
            child++;
        if (!weaker(p->queue[child], x))
            break;
        p->queue[i] = p->queue[child];
    }
    p->queue[i] = x;
    return top;
}

/* g of node i now, into the queue. */
static void enqueue(pruner *p, uint32_t i)
{
    p->g[i] = fmax((p->risk[i] - p->below[i]) / (double)(p->leaves[i] - 1), 0.0);
    queue_push(p, (link){p->g[i], i});
}

static void start(pruner *p)
{
    const mlk_grown *tree = p->tree;
    const double total = tree->node[0].weight;
    p->parent[0] = UINT32_MAX;
    for (size_t i = tree->n; i-- > 0;) { /* children before their parents */
        const mlk_grown_node *x = &tree->node[i];
        p->risk[i] = x->impurity * x->weight / total;
        p->g[i] = NAN;
        if (!x->left) {
            p->below[i] = p->risk[i];
            p->leaves[i] = 1;
            continue;
        }
        p->parent[x->left] = p->parent[x->right] = (uint32_t)i;
        p->below[i] = p->below[x->left] + p->below[x->right];
        p->leaves[i] = p->leaves[x->left] + p->leaves[x->right];
        enqueue(p, (uint32_t)i);
    }
}

/* Everything below node i goes with it at `alpha`. The stack is the free end of the queue's room.
 */
static void drop_below(pruner *p, uint32_t i, double alpha, double *node_at, uint32_t *stack)
{
    size_t n = 0;
    stack[n++] = i;
    while (n > 0) {
        const uint32_t k = stack[--n];
        const mlk_grown_node *x = &p->tree->node[k];
        if (!x->left || !isinf(node_at[k]))
            continue;
        node_at[k] = alpha;
        p->g[k] = NAN;
        stack[n++] = x->left;
        stack[n++] = x->right;
    }
}

/* Node i becomes a leaf: its ancestors have fewer leaves and another risk. */
static void collapse(pruner *p, uint32_t i)
{
    const double change = p->risk[i] - p->below[i];
    const uint32_t fewer = p->leaves[i] - 1;
    p->below[i] = p->risk[i];
    p->leaves[i] = 1;
    for (uint32_t a = p->parent[i]; a != UINT32_MAX; a = p->parent[a]) {
        p->below[a] += change;
        p->leaves[a] -= fewer;
        enqueue(p, a);
    }
}

static void record(mlk_prune_path *path, double alpha, const pruner *p)
{
    path->alpha[path->n] = alpha;
    path->risk[path->n] = p->below[0];
    path->leaves[path->n++] = p->leaves[0];
}

/* Links that go at the same alpha, rounding aside, are one step. */
static bool same_alpha(double a, double b) { return b <= a + 1e-12 * fabs(a) + 1e-300; }

static void walk(pruner *p, mlk_prune_path *path, uint32_t *stack)
{
    double alpha = 0.0;
    start(p);
    record(path, 0.0, p);
    while (p->n_queue > 0) {
        const link weakest = queue_pop(p);
        if (!(p->g[weakest.node] == weakest.g))
            continue;
        const bool new_step = !same_alpha(alpha, weakest.g) && !(path->n == 1 && weakest.g <= 0.0);
        alpha = fmax(alpha, weakest.g);
        drop_below(p, weakest.node, alpha, path->node_at, stack);
        collapse(p, weakest.node);
        if (!new_step)
            path->n--; /* the tree of this alpha is the smaller one */
        record(path, new_step ? alpha : path->alpha[path->n], p);
    }
}

/* Pushes into the queue: each inner node once, and again for each of its descendants that goes
 * first. That is at most the sum of the inner nodes' depths. */
static size_t queue_bound(const mlk_grown *tree, uint32_t *depth)
{
    size_t bound = 1;
    depth[0] = 0;
    for (size_t i = 0; i < tree->n; i++) {
        const mlk_grown_node *x = &tree->node[i];
        if (!x->left)
            continue;
        bound += depth[i] + 1;
        depth[x->left] = depth[x->right] = depth[i] + 1;
    }
    return bound;
}

mlk_status mlk_prune_path_new(const mlk_grown *tree, mlk_prune_path *path)
{
    const size_t n = tree->n;
    mlk_scratch s = MLK_SCRATCH_INIT, kept = MLK_SCRATCH_INIT;
    pruner p = {.tree = tree};
    p.parent = mlk_scratch_take(&s, n, sizeof *p.parent);
    p.risk = mlk_scratch_take(&s, n, sizeof *p.risk);
    p.below = mlk_scratch_take(&s, n, sizeof *p.below);
    p.leaves = mlk_scratch_take(&s, n, sizeof *p.leaves);
    p.g = mlk_scratch_take(&s, n, sizeof *p.g);
    uint32_t *stack = mlk_scratch_take(&s, n + 1, sizeof *stack);
    if (!s.failed)
        p.queue = mlk_scratch_take(&s, queue_bound(tree, p.leaves), sizeof *p.queue);
    *path = (mlk_prune_path){0};
    path->alpha = mlk_scratch_take(&kept, n / 2 + 1, sizeof *path->alpha);
    path->risk = mlk_scratch_take(&kept, n / 2 + 1, sizeof *path->risk);
    path->leaves = mlk_scratch_take(&kept, n / 2 + 1, sizeof *path->leaves);
    path->node_at = mlk_scratch_take(&kept, n, sizeof *path->node_at);
    mlk_status st = MLK_OK;
    if (s.failed || kept.failed) {
        mlk_scratch_release(&kept);
        st = MLK_FAIL(MLK_ENOMEM, "no memory to prune a tree of %zu nodes", n);
    } else {
        path->memory = kept.last;
        for (size_t i = 0; i < n; i++)
            path->node_at[i] = INFINITY;
        walk(&p, path, stack);
    }
    mlk_scratch_release(&s);
    return st;
}

void mlk_prune_path_release(mlk_prune_path *path)
{
    mlk_scratch s = {path->memory, false};
    mlk_scratch_release(&s);
}

void mlk_prune_at(const mlk_grown *tree, const mlk_prune_path *path, double alpha, uint8_t *leaf)
{
    for (size_t i = 0; i < tree->n; i++)
        leaf[i] = path->node_at[i] <= alpha;
}

/* -------------------------------------------------------------- reduced error */

static bool goes_left(const mlk_grown *tree, const mlk_grown_node *x, double v)
{
    if (x->categorical)
        return v >= 0.0 && v < x->n_levels
                   ? tree->sets[x->set + (uint32_t)v / 32] >> ((uint32_t)v % 32) & 1
                   : x->missing_left;
    return isnan(v) ? x->missing_left : v <= x->threshold;
}

/* The class that a node would predict. */
static size_t majority(const mlk_grown *tree, size_t i)
{
    const double *count = tree->count + i * tree->n_classes;
    size_t best = 0;
    for (size_t c = 1; c < tree->n_classes; c++)
        if (count[c] > count[best])
            best = c;
    return best;
}

static double error_of(const mlk_grown *tree, size_t node, double y, bool absolute)
{
    if (tree->n_classes)
        return majority(tree, node) != (size_t)y;
    const double e = y - tree->node[node].value;
    return absolute ? fabs(e) : e * e;
}

mlk_status mlk_prune_reduced_error(const mlk_grown *tree, const mlk_data *data, const uint8_t *in,
                                   bool absolute, uint8_t *leaf)
{
    double *error = mlk_alloc_zero(tree->n, sizeof *error); /* of each node, were it a leaf */
    if (!error)
        return MLK_FAIL(MLK_ENOMEM, "no memory to prune a tree of %zu nodes", tree->n);
    for (size_t i = 0; i < data->X.rows; i++) {
        if (!in[i])
            continue;
        const double *x = data->X.data + i * data->X.ld;
        for (size_t at = 0;;) {
            const mlk_grown_node *node = &tree->node[at];
            error[at] += mlk_weight(data->w, i) * error_of(tree, at, data->y.data[i], absolute);
            if (!node->left)
                break;
            at = goes_left(tree, node, x[node->feature]) ? node->left : node->right;
        }
    }
    memset(leaf, 0, tree->n);
    for (size_t i = tree->n; i-- > 0;) {
        const mlk_grown_node *node = &tree->node[i];
        if (!node->left)
            continue;
        const double below = error[node->left] + error[node->right];
        leaf[i] = error[i] <= below * (1.0 + 1e-12);
        error[i] = leaf[i] ? error[i] : below;
    }
    mlk_free(error);
    return MLK_OK;
}
