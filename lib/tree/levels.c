#include "tree/levels.h"

#include <string.h>

void mlk_levels_take(mlk_scratch *s, size_t levels, mlk_desk *d)
{
    d->level = mlk_scratch_take(s, levels, sizeof *d->level);
    d->level_at = mlk_scratch_take(s, levels, sizeof *d->level_at);
    d->level_w = mlk_scratch_take(s, levels, sizeof *d->level_w);
    d->level_c = mlk_scratch_take(s, levels, sizeof *d->level_c);
    d->level_t = mlk_scratch_take(s, levels, sizeof *d->level_t);
    d->level_mean = mlk_scratch_take(s, levels, sizeof *d->level_mean);
    if (s->failed)
        return;
    memset(d->level_w, 0, levels * sizeof *d->level_w);
    memset(d->level_c, 0, levels * sizeof *d->level_c);
    memset(d->level_t, 0, levels * sizeof *d->level_t);
}

/* Sums by level, and the list of levels that occur. */
static size_t collect(const mlk_node_stats *node, const uint32_t *code, uint32_t missing,
                      uint32_t cls, mlk_desk *d)
{
    const mlk_sample *x = &node->sample;
    size_t present = 0;
    for (size_t i = 0; i < x->n; i++) {
        const uint32_t l = code[x->id[i]];
        if (l == missing)
            continue;
        const double w = mlk_sample_weight(x, i);
        if (d->level_w[l] == 0.0)
            d->level[present++] = l;
        d->level_w[l] += w;
        if (node->count)
            d->level_c[l] += x->cls[i] == cls ? w : 0.0;
        else
            d->level_t[l] +=
                node->t ? node->t[i] : mlk_sample_weighted(x, i, node->slot_t[node->slot[i]]);
    }
    return present;
}

static bool before(const mlk_desk *d, uint32_t a, uint32_t b)
{
    return d->level_mean[a] < d->level_mean[b] || (d->level_mean[a] == d->level_mean[b] && a < b);
}

static void sift(const mlk_desk *d, uint32_t *v, size_t root, size_t n)
{
    const uint32_t x = v[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && before(d, v[child], v[child + 1]))
            child++;
        if (!before(d, x, v[child]))
            break;
        v[root] = v[child];
    }
    v[root] = x;
}

/* Heap sort: in place, and the order is total. */
static void sort_levels(const mlk_desk *d, uint32_t *v, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(d, v, i, n);
    for (size_t end = n; end-- > 1;) {
        const uint32_t top = v[0];
        v[0] = v[end];
        v[end] = top;
        sift(d, v, 0, end);
    }
}

/* A random subset: of the shuffled levels the first few, 1 to all but one. */
static void draw_subset(mlk_desk *d, size_t present, mlk_rng *rng)
{
    for (size_t i = present; i > 1; i--) {
        const size_t j = (size_t)mlk_rng_below(rng, i);
        const uint32_t swap = d->level[i - 1];
        d->level[i - 1] = d->level[j];
        d->level[j] = swap;
    }
    const size_t left = present > 1 ? 1 + (size_t)mlk_rng_below(rng, present - 1) : present;
    for (size_t i = 0; i < present; i++)
        d->level_at[d->level[i]] = i >= left;
}

size_t mlk_levels_order(const mlk_node_stats *node, const uint32_t *code, uint32_t missing,
                        uint32_t cls, const mlk_split_rule *rule, mlk_rng *rng, mlk_desk *d)
{
    const size_t present = collect(node, code, missing, cls, d);
    for (size_t i = 0; i < present; i++) {
        const uint32_t l = d->level[i];
        /* A random subset starts from the order of the codes, which no row order changes. */
        if (rule->random)
            d->level_mean[l] = 0.0;
        else
            d->level_mean[l] =
                (node->count ? d->level_c[l] : (double)d->level_t[l]) / d->level_w[l];
        d->level_w[l] = d->level_c[l] = 0.0;
        d->level_t[l] = 0;
    }
    sort_levels(d, d->level, present);
    for (size_t i = 0; i < present; i++)
        d->level_at[d->level[i]] = (uint32_t)i;
    if (rule->random)
        draw_subset(d, present, rng);
    return present;
}
