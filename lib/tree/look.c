#include <math.h>

#include "core/fast.h"
#include "tree/absolute.h"
#include "tree/grower.h"

static mlk_sample sample_of(const grower *g, size_t begin, size_t n)
{
    const grow_pool *p = &g->pool;
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

static void look_classes(const grower *g, grow_hand *h, mlk_node_stats *node, mlk_grown_node *out)
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

static void look_variance(const grower *g, grow_hand *h, mlk_node_stats *node, mlk_grown_node *out)
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

static void look_absolute(const grower *g, grow_hand *h, mlk_node_stats *node, mlk_grown_node *out)
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

void mlk_grow_exact_value(const grower *g, const mlk_sample *x, mlk_grown_node *out)
{
    const double *y = g->target->y;
    const uint32_t *origin = g->origin;
    const double first = y[origin ? origin[x->id[0]] : x->id[0]];
    for (size_t i = 1; i < x->n; i++)
        if (y[origin ? origin[x->id[i]] : x->id[i]] != first)
            return;
    out->value = first;
}

mlk_node_stats mlk_grow_look(const grower *g, grow_hand *h, size_t begin, size_t n,
                             mlk_grown_node *out)
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
        mlk_grow_exact_value(g, &node.sample, out);
    return node;
}
