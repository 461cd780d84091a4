#include <math.h>
#include <string.h>

#include "core/fast.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "tree/grower.h"

/* ----------------------------------------------------------- the best split */

typedef struct search {
    const grower *g;
    const mlk_node_stats *node;
    const grow_open *open;
    grow_hand *hands; /* one a worker; results go to the first one's `cut` */
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
static void draw_column(const grower *g, grow_hand *h, mlk_rng *rng)
{
    const size_t i = h->n_drawn++, j = i + (size_t)mlk_rng_below(rng, g->c->p - i);
    const uint32_t swap = h->feature[i];
    h->feature[i] = h->feature[j];
    h->feature[j] = swap;
    h->swapped[i] = (uint32_t)j;
}

static void undo_draws(grow_hand *h)
{
    while (h->n_drawn > 0) {
        const size_t i = --h->n_drawn, j = h->swapped[i];
        const uint32_t swap = h->feature[i];
        h->feature[i] = h->feature[j];
        h->feature[j] = swap;
    }
}

/* Of the first n columns looked at, the best: the first of those that tie. */
static size_t best_column(const grower *g, const grow_hand *h, const mlk_node_stats *node, size_t n)
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
static mlk_status find_split(const grower *g, grow_hand *hands, size_t n_hands,
                             const mlk_node_stats *node, grow_candidate *found)
{
    grow_hand *h = &hands[0];
    const size_t wanted = g->opts->max_features, p = g->c->p;
    search s = {g, node, &found->open, hands};
    mlk_status st = MLK_OK;
    mlk_rng rng = {{0}};
    if (g->draws)
        rng = mlk_rng_stream(found->open.key, 0);
    for (size_t i = 0; g->draws && i < wanted; i++)
        draw_column(g, h, &rng);
    if (n_hands > 1 && node->sample.n * wanted >= MLK_GROW_PARALLEL_WORK) {
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

mlk_status mlk_grow_examine(const grower *g, grow_hand *hands, size_t n_hands, mlk_grown *tree,
                            grow_candidate *x, mlk_node_stats *node)
{
    const mlk_grow_opts *o = g->opts;
    const size_t k = g->target->n_classes;
    mlk_grown_node *out = &tree->node[x->open.at];
    *node = mlk_grow_look(g, &hands[0], x->open.begin, x->open.n, out);
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
        mlk_grow_exact_value(g, &node->sample, out);
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

/* v, whose elements have `size` bytes (8 at most): those that go left first. Stable: both sides
 * keep their order. */
static inline __attribute__((always_inline)) void partition_of(void *restrict v, size_t size,
                                                               void *restrict spare,
                                                               const uint8_t *restrict left,
                                                               size_t n)
{
    char *at = v, *l = v, *r = spare;
    for (size_t i = 0; i < n; i++, at += size) {
        char x[8];
        memcpy(x, at, size);
        memcpy(l, x, size);
        memcpy(r, x, size);
        l += size * left[i];
        r += size * !left[i];
    }
    memcpy(l, spare, (size_t)(r - (char *)spare));
}

/* Three arrays of 32 bits, or two with c NULL, at once. */
static inline __attribute__((always_inline)) void
partition_together(uint32_t *restrict a, uint32_t *restrict b, uint32_t *restrict c,
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

static void partition(const grower *g, grow_hand *h, size_t begin, size_t n)
{
    const grow_pool *p = &g->pool;
    if (p->whole && p->cls)
        partition_together(p->id + begin, p->cls + begin, p->whole + begin, h->spare, h->goes_left,
                           n);
    else if (p->cls)
        partition_together(p->id + begin, p->cls + begin, NULL, h->spare, h->goes_left, n);
    else if (p->whole)
        partition_together(p->id + begin, p->whole + begin, NULL, h->spare, h->goes_left, n);
    else
        partition_of(p->id + begin, sizeof *p->id, h->spare, h->goes_left, n);
    if (p->real)
        partition_of(p->real + begin, sizeof *p->real, h->spare, h->goes_left, n);
    if (p->yq)
        partition_of(p->yq + begin, sizeof *p->yq, h->spare, h->goes_left, n);
}

/* The bits of a categorical split; absent levels go where missing values go. */
static mlk_status write_set(mlk_grown *tree, mlk_grown_node *node, const uint8_t *side,
                            size_t levels)
{
    const size_t words = (levels + 31) / 32;
    MLK_TRY(mlk_grown_reserve_sets(tree, words));
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

size_t mlk_grow_divide(const grower *g, grow_hand *h, const grow_candidate *x,
                       const mlk_node_stats *node, bool *heavier)
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

mlk_status mlk_grow_split(const grower *g, grow_hand *h, mlk_grown *tree, const grow_candidate *x,
                          const mlk_node_stats *node, grow_open *left, grow_open *right)
{
    MLK_TRY(mlk_grown_reserve(tree, 2));
    bool heavier;
    const size_t n_left = mlk_grow_divide(g, h, x, node, &heavier);
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

    const grow_open *o = &x->open;
    uint64_t key[2] = {0, 0};
    if (g->draws) {
        mlk_rng rng = mlk_rng_stream(o->key, SIZE_MAX);
        key[0] = mlk_rng_next(&rng);
        key[1] = mlk_rng_next(&rng);
    }
    *left = (grow_open){out->left, o->begin, n_left, o->depth + 1, key[0]};
    *right = (grow_open){out->right, o->begin + n_left, o->n - n_left, o->depth + 1, key[1]};
    return MLK_OK;
}
