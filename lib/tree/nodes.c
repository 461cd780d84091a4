#include "tree/nodes.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/fast.h"
#include "core/simd.h"
#include "core/status.h"

/* ------------------------------------------------------------- from a grown tree */

static bool is_leaf(const mlk_grown *tree, const uint8_t *leaf, uint32_t i)
{
    return tree->node[i].left == 0 || (leaf && leaf[i]);
}

static size_t set_words(size_t levels) { return (levels + 31) / 32; }

/* Breadth-first order of the nodes that stay. */
static size_t number_nodes(const mlk_grown *tree, const uint8_t *leaf, uint32_t *order)
{
    size_t n = 1;
    order[0] = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_leaf(tree, leaf, order[i]))
            continue;
        order[n++] = tree->node[order[i]].left;
        order[n++] = tree->node[order[i]].right;
    }
    return n;
}

/* A leaf of one class needs no row of shares. */
static size_t only_class(const double *count, size_t k)
{
    size_t cls = k;
    for (size_t c = 0; c < k; c++)
        if (count[c] > 0.0) {
            if (cls < k)
                return k;
            cls = c;
        }
    return cls;
}

static void write_leaf(const mlk_grown *tree, uint32_t from, mlk_nodes *nodes, mlk_node *to)
{
    const size_t k = tree->n_classes;
    *to = (mlk_node){tree->node[from].value, MLK_NODE_LEAF, 0};
    if (!k)
        return;
    const double *count = tree->count + (size_t)from * k;
    const size_t cls = only_class(count, k);
    if (cls < k) {
        to->what |= MLK_NODE_PURE;
        to->value = (double)cls;
        return;
    }
    double total = 0.0;
    for (size_t c = 0; c < k; c++)
        total += count[c];
    for (size_t c = 0; c < k; c++)
        nodes->proba[nodes->n_proba * k + c] = count[c] / total;
    to->value = (double)nodes->n_proba++;
}

/* Leaves of several classes, and words of the sets, among the nodes that stay. */
static void count_parts(const mlk_grown *tree, const uint8_t *leaf, const uint32_t *order, size_t n,
                        size_t *mixed, size_t *words)
{
    const size_t k = tree->n_classes;
    *mixed = *words = 0;
    for (size_t i = 0; i < n; i++) {
        const mlk_grown_node *x = &tree->node[order[i]];
        if (is_leaf(tree, leaf, order[i]))
            *mixed += k && only_class(tree->count + (size_t)order[i] * k, k) == k;
        else if (x->categorical)
            *words += set_words(x->n_levels);
    }
}

static void write_nodes(const mlk_grown *tree, const uint8_t *leaf, const uint32_t *order,
                        mlk_nodes *nodes)
{
    uint32_t next = 1;
    for (size_t i = 0; i < nodes->n; i++) {
        const mlk_grown_node *x = &tree->node[order[i]];
        mlk_node *to = &nodes->node[i];
        if (is_leaf(tree, leaf, order[i])) {
            write_leaf(tree, order[i], nodes, to);
            continue;
        }
        *to = (mlk_node){x->threshold, x->feature, next};
        next += 2;
        if (x->missing_left)
            to->what |= MLK_NODE_MISSING_LEFT;
        if (!x->categorical)
            continue;
        to->what |= MLK_NODE_SET;
        to->value = (double)nodes->n_sets;
        memcpy(nodes->sets + nodes->n_sets, tree->sets + x->set,
               set_words(x->n_levels) * sizeof *nodes->sets);
        nodes->n_sets += set_words(x->n_levels);
        nodes->numeric = false;
    }
}

/* Of nodes in breadth-first order: level by level. */
static size_t depth_of(const mlk_nodes *nodes)
{
    size_t depth = 0, begin = 0, end = 1;
    for (;; depth++) {
        size_t inner = 0;
        for (size_t i = begin; i < end; i++)
            inner += !(nodes->node[i].what & MLK_NODE_LEAF);
        if (!inner)
            return depth;
        begin = end;
        end += 2 * inner;
    }
}

mlk_status mlk_nodes_new(const mlk_grown *tree, const uint8_t *leaf, uint32_t *order,
                         mlk_nodes *nodes)
{
    uint32_t *own = order ? NULL : mlk_alloc(tree->n, sizeof *own);
    *nodes = (mlk_nodes){.n_classes = tree->n_classes, .numeric = true};
    if (!order && !(order = own))
        return MLK_FAIL(MLK_ENOMEM, "no memory to order %zu nodes", tree->n);
    size_t mixed, words;
    nodes->n = number_nodes(tree, leaf, order);
    count_parts(tree, leaf, order, nodes->n, &mixed, &words);
    nodes->node = mlk_alloc(nodes->n, sizeof *nodes->node);
    nodes->proba = mlk_alloc(mixed, tree->n_classes * sizeof *nodes->proba);
    nodes->sets = mlk_alloc(words, sizeof *nodes->sets);
    mlk_status st = MLK_OK;
    if (nodes->node && nodes->proba && nodes->sets) {
        write_nodes(tree, leaf, order, nodes);
        nodes->depth = depth_of(nodes);
    } else {
        mlk_nodes_release(nodes);
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a tree of %zu nodes", nodes->n);
    }
    mlk_free(own);
    return st;
}

void mlk_nodes_release(mlk_nodes *nodes)
{
    mlk_free(nodes->node);
    mlk_free(nodes->proba);
    mlk_free(nodes->sets);
    nodes->node = NULL;
    nodes->proba = NULL;
    nodes->sets = NULL;
}

void mlk_nodes_importances(const mlk_nodes *nodes, const mlk_grown *tree, const uint32_t *order,
                           double *share, size_t p)
{
    double sum = 0.0;
    memset(share, 0, p * sizeof *share);
    for (size_t i = 0; i < nodes->n; i++)
        if (!(nodes->node[i].what & MLK_NODE_LEAF))
            share[nodes->node[i].what & MLK_NODE_COLUMN] += tree->node[order[i]].gain;
    for (size_t j = 0; j < p; j++)
        sum += share[j];
    for (size_t j = 0; sum > 0.0 && j < p; j++)
        share[j] /= sum;
}

size_t mlk_nodes_leaves(const mlk_nodes *nodes) { return (nodes->n + 1) / 2; }

/* The larger subtree follows its parent at once: most rows go that way. */
static void pack(const mlk_nodes *t, uint32_t *size, uint32_t *stack, mlk_node *to)
{
    size_t waiting = 0;
    uint32_t next = 1;
    for (size_t i = t->n; i-- > 0;) {
        const mlk_node *x = &t->node[i];
        size[i] = x->what & MLK_NODE_LEAF ? 1 : 1 + size[x->left] + size[x->left + 1];
    }
    to[0] = t->node[0];
    stack[waiting++] = 0; /* places in `to`, whose `left` is still the old one */
    while (waiting > 0) {
        mlk_node *x = &to[stack[--waiting]];
        if (x->what & MLK_NODE_LEAF)
            continue;
        const bool larger = size[x->left + 1] > size[x->left];
        to[next] = t->node[x->left];
        to[next + 1] = t->node[x->left + 1];
        x->left = next;
        stack[waiting++] = next + !larger;
        stack[waiting++] = next + larger;
        next += 2;
    }
}

mlk_status mlk_nodes_pack(mlk_nodes *t)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    uint32_t *size = mlk_scratch_take(&s, t->n, sizeof *size);
    uint32_t *stack = mlk_scratch_take(&s, t->n + 1, sizeof *stack);
    mlk_node *to = mlk_alloc(t->n, sizeof *to);
    mlk_status st = MLK_OK;
    if (s.failed || !to) {
        mlk_free(to);
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a tree of %zu nodes", t->n);
    } else {
        pack(t, size, stack, to);
        mlk_free(t->node);
        t->node = to;
    }
    mlk_scratch_release(&s);
    return st;
}

/* -------------------------------------------------------------------- prediction */

/* NaN goes right by the first comparison unless the node sends it left. */
static inline uint32_t goes_right(const mlk_node *node, double x)
{
    const bool missing = x != x, to_left = node->what & MLK_NODE_MISSING_LEFT;
    return (uint32_t)((x > node->value) | (missing & !to_left));
}

static inline uint32_t goes_right_set(const mlk_nodes *t, const uint32_t *levels,
                                      const mlk_node *node, double x)
{
    const uint32_t n = levels[node->what & MLK_NODE_COLUMN];
    if (!(x >= 0.0 && x < (double)n)) /* NaN, MLK_UNSEEN */
        return !(node->what & MLK_NODE_MISSING_LEFT);
    const uint32_t l = (uint32_t)x;
    return !(t->sets[(size_t)node->value + l / 32] >> (l % 32) & 1);
}

/* Rows on their way down, side by side: while the node of one comes from memory, the others' are
 * compared. The lane of a row that has arrived takes the next row at once, so that a short way does
 * not wait for a long one. */
enum { LANES = 32 };

/* What a walk has to reckon with: numbers alone, missing values too, sets of levels too. */
enum walk { COMPLETE, NUMERIC, ANY };

typedef struct lane {
    const double *x;
    uint32_t at, row;
} lane;

/* The row that is `taken` in its turn, at the root. */
static inline lane enter(mlk_cmat X, const uint32_t *rows, size_t taken)
{
    return (lane){X.data + (rows ? rows[taken] : taken) * X.ld, 0, (uint32_t)taken};
}

/* What is done with the leaves: they are listed, or what they say is added up, `ld` apart. */
typedef struct sink {
    bool list;
    uint32_t *leaf;
    double *sums;
    size_t ld;
} sink;

static inline void arrive(const mlk_nodes *t, const lane *l, const sink *to)
{
    if (to->list)
        to->leaf[l->row] = l->at;
    else if (t->n_classes)
        mlk_nodes_add_classes(t, l->at, to->sums + l->row * to->ld);
    else
        to->sums[l->row * to->ld] += t->node[l->at].value;
}

static inline __attribute__((always_inline)) void descend(const mlk_nodes *t,
                                                          const uint32_t *levels, enum walk walk,
                                                          mlk_cmat X, const uint32_t *rows, sink to)
{
    lane lanes[LANES];
    size_t taken = 0, n = 0;
    while (n < LANES && taken < X.rows)
        lanes[n++] = enter(X, rows, taken++);
    while (n > 0) {
        for (size_t r = 0; r < n; r++) {
            lane *l = &lanes[r];
            const mlk_node *node = &t->node[l->at];
            const uint32_t what = node->what;
            if (what & MLK_NODE_LEAF) {
                arrive(t, l, &to);
                *l = taken < X.rows ? enter(X, rows, taken++) : lanes[--n];
                continue;
            }
            const double v = l->x[what & MLK_NODE_COLUMN];
            const uint32_t right = walk == COMPLETE ? v > node->value
                                   : walk == ANY && (what & MLK_NODE_SET)
                                       ? goes_right_set(t, levels, node, v)
                                       : goes_right(node, v);
            l->at = node->left + right;
            __builtin_prefetch(&t->node[l->at]);
        }
    }
}

void mlk_nodes_apply(const mlk_nodes *t, const uint32_t *levels, mlk_cmat X, const uint32_t *rows,
                     uint32_t *leaf)
{
    const sink to = {.list = true, .leaf = leaf};
    if (t->numeric)
        descend(t, levels, NUMERIC, X, rows, to);
    else
        descend(t, levels, ANY, X, rows, to);
}

void mlk_nodes_add(const mlk_nodes *t, const uint32_t *levels, mlk_cmat X, bool complete,
                   double *sums, size_t ld)
{
    const sink to = {.sums = sums, .ld = ld};
    if (!t->numeric)
        descend(t, levels, ANY, X, NULL, to);
    else if (complete)
        descend(t, levels, COMPLETE, X, NULL, to);
    else
        descend(t, levels, NUMERIC, X, NULL, to);
}

MLK_SIMD static bool row_complete(const double *x, size_t n)
{
    uint64_t missing = 0;
    for (size_t j = 0; j < n; j++)
        missing |= x[j] != x[j];
    return !missing;
}

bool mlk_rows_complete(mlk_cmat X)
{
    for (size_t i = 0; i < X.rows; i++)
        if (!row_complete(X.data + i * X.ld, X.cols))
            return false;
    return true;
}

/* ---------------------------------------------------------------- save and load */

void mlk_nodes_save(const mlk_nodes *nodes, mlk_doc *to)
{
    uint32_t *what = mlk_doc_put_room(to, "what", MLK_U32, nodes->n, 0);
    double *value = mlk_doc_put_room(to, "value", MLK_F64, nodes->n, 0);
    if (what && value) {
        /* `what` holds the queue of the nodes to come before it holds what they are. */
        size_t tail = 1;
        what[0] = 0;
        for (size_t i = 0; i < nodes->n; i++) {
            const mlk_node *x = &nodes->node[what[i]];
            if (!(x->what & MLK_NODE_LEAF)) {
                what[tail++] = x->left;
                what[tail++] = x->left + 1;
            }
            what[i] = x->what;
            value[i] = x->value;
        }
    }
    if (nodes->n_sets)
        mlk_doc_put_array(to, "sets", MLK_U32, nodes->sets, nodes->n_sets, 0);
    if (nodes->n_proba)
        mlk_doc_put_mat(
            to, "proba",
            (mlk_cmat){nodes->proba, nodes->n_proba, nodes->n_classes, nodes->n_classes});
}

/* One leaf of a file. */
static mlk_status check_leaf(const mlk_nodes *t, const mlk_node *node, size_t i)
{
    const double v = node->value;
    if (!t->n_classes) {
        if ((node->what & ~MLK_NODE_LEAF) || !isfinite(v))
            return MLK_FAIL(MLK_EFORMAT, "node %zu is not a leaf with a finite value", i);
        return MLK_OK;
    }
    const size_t limit = node->what & MLK_NODE_PURE ? t->n_classes : t->n_proba;
    if ((node->what & ~(MLK_NODE_LEAF | MLK_NODE_PURE)) ||
        !(v >= 0.0 && v < (double)limit && v == floor(v)))
        return MLK_FAIL(MLK_EFORMAT, "node %zu is not a leaf with a class below %zu", i, limit);
    return MLK_OK;
}

static mlk_status check_inner(const mlk_nodes *t, const mlk_node *node, const uint32_t *levels,
                              size_t n_features, size_t i)
{
    const uint32_t j = node->what & MLK_NODE_COLUMN;
    if (j >= n_features || (node->what & MLK_NODE_PURE))
        return MLK_FAIL(MLK_EFORMAT, "node %zu splits column %u of %zu", i, j, n_features);
    const bool set = node->what & MLK_NODE_SET;
    if (set != (levels[j] > 0))
        return MLK_FAIL(MLK_EFORMAT, "node %zu splits column %u as if it were %s", i, j,
                        set ? "categorical" : "numeric");
    const double v = node->value, words = (double)set_words(levels[j]);
    if (set ? !(v >= 0.0 && v + words <= (double)t->n_sets && v == floor(v)) : isnan(v))
        return MLK_FAIL(MLK_EFORMAT, "node %zu has threshold %g", i, v);
    return MLK_OK;
}

/* Links the nodes and checks each of them. */
static mlk_status link_nodes(mlk_nodes *t, const uint32_t *levels, size_t n_features)
{
    size_t next = 1;
    for (size_t i = 0; i < t->n; i++) {
        mlk_node *node = &t->node[i];
        if (node->what & MLK_NODE_LEAF) {
            MLK_TRY(check_leaf(t, node, i));
            continue;
        }
        MLK_TRY(check_inner(t, node, levels, n_features, i));
        if (next <= i || t->n - next < 2)
            return MLK_FAIL(MLK_EFORMAT, "node %zu has no children among %zu nodes", i, t->n);
        if (node->what & MLK_NODE_SET)
            t->numeric = false;
        node->left = (uint32_t)next;
        next += 2;
    }
    return next == t->n
               ? MLK_OK
               : MLK_FAIL(MLK_EFORMAT, "%zu nodes; the splits account for %zu", t->n, next);
}

static mlk_status take_arrays(const mlk_doc *from, size_t n_classes, mlk_doc_array *what,
                              mlk_cvec *value, mlk_doc_array *sets, mlk_cmat *proba)
{
    MLK_TRY(mlk_doc_get_array(from, "what", MLK_U32, what));
    const mlk_doc_array v = mlk_doc_array_of(mlk_doc_find(from, "value"));
    if (what->cols || !what->rows || what->rows > INT32_MAX || v.type != MLK_F64 || v.cols ||
        v.rows != what->rows)
        return MLK_FAIL(MLK_EFORMAT, "a tree's 'what' and 'value' are no vectors of one length");
    *value = (mlk_cvec){v.data, v.rows};
    *sets = (mlk_doc_array){MLK_U32, 0, 0, NULL};
    *proba = (mlk_cmat){NULL, 0, n_classes, n_classes};
    if (mlk_doc_find(from, "sets"))
        MLK_TRY(mlk_doc_get_array(from, "sets", MLK_U32, sets));
    if (sets->cols)
        return MLK_FAIL(MLK_EFORMAT, "'sets' is a matrix; expected a vector");
    if (n_classes && mlk_doc_find(from, "proba")) {
        mlk_doc_array a;
        MLK_TRY(mlk_doc_get_array(from, "proba", MLK_F64, &a));
        MLK_TRY(mlk_doc_get_mat(from, "proba", a.rows, n_classes, proba));
    }
    return MLK_OK;
}

mlk_status mlk_nodes_load(const mlk_doc *from, const uint32_t *levels, size_t n_features,
                          size_t n_classes, mlk_nodes *nodes)
{
    mlk_doc_array what, sets;
    mlk_cvec value;
    mlk_cmat proba;
    *nodes = (mlk_nodes){.n_classes = n_classes, .numeric = true};
    MLK_TRY(take_arrays(from, n_classes, &what, &value, &sets, &proba));
    nodes->n = what.rows;
    nodes->n_sets = sets.rows;
    nodes->n_proba = proba.rows;
    nodes->node = mlk_alloc(nodes->n, sizeof *nodes->node);
    nodes->proba = mlk_alloc(nodes->n_proba, n_classes * sizeof *nodes->proba);
    nodes->sets = mlk_alloc(nodes->n_sets, sizeof *nodes->sets);
    if (!nodes->node || !nodes->proba || !nodes->sets) {
        mlk_nodes_release(nodes);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a tree of %zu nodes", nodes->n);
    }
    const uint32_t *bits = what.data;
    for (size_t i = 0; i < nodes->n; i++)
        nodes->node[i] = (mlk_node){value.data[i], bits[i], 0};
    if (nodes->n_sets)
        memcpy(nodes->sets, sets.data, nodes->n_sets * sizeof *nodes->sets);
    if (nodes->n_proba)
        memcpy(nodes->proba, proba.data, nodes->n_proba * n_classes * sizeof *nodes->proba);
    const mlk_status st = link_nodes(nodes, levels, n_features);
    if (st == MLK_OK)
        nodes->depth = depth_of(nodes);
    else
        mlk_nodes_release(nodes);
    return st;
}

/* ------------------------------------------------------------------------ levels */

uint32_t *mlk_levels_new(const mlk_data *data)
{
    uint32_t *levels = mlk_alloc_zero(data->X.cols, sizeof *levels);
    for (size_t j = 0; levels && data->levels && j < data->X.cols; j++)
        levels[j] = (uint32_t)data->levels[j];
    return levels;
}

void mlk_levels_save(const uint32_t *levels, size_t p, mlk_doc *to)
{
    for (size_t j = 0; j < p; j++)
        if (levels[j]) {
            mlk_doc_put_array(to, "levels", MLK_U32, levels, p, 0);
            return;
        }
}

mlk_status mlk_levels_load(const mlk_doc *from, size_t p, uint32_t **levels)
{
    mlk_doc_array a = {MLK_U32, 0, 0, NULL};
    if (mlk_doc_find(from, "levels")) {
        MLK_TRY(mlk_doc_get_array(from, "levels", MLK_U32, &a));
        if (a.rows != p || a.cols)
            return MLK_FAIL(MLK_EFORMAT, "'levels' has %zu values; expected %zu", a.rows, p);
    }
    uint32_t *out = mlk_alloc_zero(p, sizeof *out);
    if (!out)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the levels of %zu columns", p);
    if (a.data)
        memcpy(out, a.data, p * sizeof *out);
    *levels = out;
    return MLK_OK;
}
