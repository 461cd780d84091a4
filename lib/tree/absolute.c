#include "tree/absolute.h"

#include <math.h>
#include <string.h>

void mlk_absolute_take(mlk_scratch *s, size_t n, mlk_desk *d)
{
    d->sum_w = mlk_scratch_take(s, n + 1, sizeof *d->sum_w);
    d->all_w = mlk_scratch_take(s, n + 1, sizeof *d->all_w);
    d->sum_t = mlk_scratch_take(s, n + 1, sizeof *d->sum_t);
    d->all_t = mlk_scratch_take(s, n + 1, sizeof *d->all_t);
}

/* Sample i to the side that the trees w, t describe. */
static void add(const mlk_node_stats *node, size_t i, double *w, int64_t *t)
{
    const size_t n = node->sample.n;
    const double wi = mlk_sample_weight(&node->sample, i);
    const int64_t ti = mlk_sample_weighted(&node->sample, i, node->slot_t[node->slot[i]]);
    for (size_t k = (size_t)node->slot[i] + 1; k <= n; k += k & -k) {
        w[k] += wi;
        t[k] += ti;
    }
}

static size_t top_step(size_t n)
{
    size_t step = 1;
    while (2 * step <= n)
        step *= 2;
    return step;
}

/*
 * Absolute deviation from the median of one side: the left one is (sum_w, sum_t), the right one
 * what (all_w, all_t) has beyond it. Descends to the first slot at which half the weight is
 * reached.
 */
static double deviation(const mlk_node_stats *node, const mlk_desk *d, bool right, double weight,
                        int64_t total)
{
    const size_t n = node->sample.n;
    size_t at = 0;
    double below_w = 0.0;
    int64_t below_t = 0;
    for (size_t step = top_step(n); step; step /= 2) {
        if (at + step > n)
            continue;
        const size_t k = at + step;
        const double w = right ? d->all_w[k] - d->sum_w[k] : d->sum_w[k];
        if (below_w + w < 0.5 * weight) {
            at = k;
            below_w += w;
            below_t += right ? d->all_t[k] - d->sum_t[k] : d->sum_t[k];
        }
    }
    const double median = (double)node->slot_t[at];
    return (double)(total - 2 * below_t) - median * (weight - 2.0 * below_w);
}

/* All samples into (all_w, all_t), none into (sum_w, sum_t); returns the sum of w t. */
static int64_t fill(const mlk_node_stats *node, mlk_desk *d)
{
    const size_t n = node->sample.n;
    int64_t total = 0;
    memset(d->sum_w, 0, (n + 1) * sizeof *d->sum_w);
    memset(d->sum_t, 0, (n + 1) * sizeof *d->sum_t);
    memset(d->all_w, 0, (n + 1) * sizeof *d->all_w);
    memset(d->all_t, 0, (n + 1) * sizeof *d->all_t);
    for (size_t i = 0; i < n; i++) {
        add(node, i, d->all_w, d->all_t);
        total += mlk_sample_weighted(&node->sample, i, node->slot_t[node->slot[i]]);
    }
    return total;
}

size_t mlk_absolute_gains(const mlk_node_stats *node, const mlk_item *item, size_t missing,
                          bool missing_left, size_t min_leaf, mlk_desk *d, double *best)
{
    const size_t n = node->sample.n, numbers = n - missing;
    const int64_t total = fill(node, d);
    const double parent = deviation(node, d, true, node->weight, total);
    double left_w = 0.0;
    int64_t left_t = 0;
    size_t left = 0, groups = 0;

    *best = -1.0;
    for (size_t i = missing_left ? numbers : n; i < n; i++, left++) {
        const uint32_t at = mlk_item_payload(item[i]);
        add(node, at, d->sum_w, d->sum_t);
        left_w += mlk_sample_weight(&node->sample, at);
        left_t += mlk_sample_weighted(&node->sample, at, node->slot_t[node->slot[at]]);
    }
    for (size_t i = 0; i < numbers; i++) {
        const uint32_t at = mlk_item_payload(item[i]);
        add(node, at, d->sum_w, d->sum_t);
        left_w += mlk_sample_weight(&node->sample, at);
        left_t += mlk_sample_weighted(&node->sample, at, node->slot_t[node->slot[at]]);
        left++;
        if (i + 1 < numbers && mlk_item_key(item[i]) == mlk_item_key(item[i + 1]))
            continue;
        double v = -1.0;
        if (left >= min_leaf && n - left >= min_leaf)
            v = fmax(parent - deviation(node, d, false, left_w, left_t) -
                         deviation(node, d, true, node->weight - left_w, total - left_t),
                     0.0);
        d->group[groups] = mlk_item_key(item[i]);
        d->gain[groups++] = v;
        *best = v > *best ? v : *best;
    }
    return groups;
}

double mlk_absolute_impurity(const mlk_node_stats *node, mlk_desk *d, double *median)
{
    const size_t n = node->sample.n;
    const int64_t total = fill(node, d);
    /* Weights by slot, then the first slots at which half the weight is reached and passed. */
    double *w = d->sum_w, sum = 0.0;
    for (size_t i = 0; i < n; i++)
        w[node->slot[i]] = mlk_sample_weight(&node->sample, i);
    size_t lo = 0;
    while (lo + 1 < n && sum + w[lo] < 0.5 * node->weight)
        sum += w[lo++];
    const size_t hi = sum + w[lo] == 0.5 * node->weight && lo + 1 < n ? lo + 1 : lo;
    *median = 0.5 * (double)node->slot_t[lo] + 0.5 * (double)node->slot_t[hi];
    memset(d->sum_w, 0, (n + 1) * sizeof *d->sum_w);
    return deviation(node, d, true, node->weight, total);
}
