/*
 * Frequent itemsets: the library's search beside FP-growth [Han, Pei and Yin 2000], on baskets made
 * as those of Agrawal and Srikant 1994 (T10.I4) and on dense ones. Both find the same sets; their
 * number and the sum of their counts are compared. One line a workload: seconds of both (median of
 * three), sets, ratio.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "core/rng.h"
#include "rules/itemsets.h"

typedef struct totals {
    size_t sets, counts;
} totals;

/* ------------------------------------------------------------------ FP-growth */

/* A prefix tree of baskets; node 0 is the root, 0 in a link is "none". Items are ranks, the most
 * frequent 0; paths descend in frequency. */
typedef struct node {
    uint32_t item, count, parent, next, child, sibling;
} node;

typedef struct tree {
    node *nodes;
    size_t n, cap;
    uint32_t *head, *support; /* a rank */
} tree;

static tree tree_new(size_t ranks)
{
    return (tree){calloc(1024, sizeof(node)), 1, 1024, calloc(ranks + 1, 4), calloc(ranks + 1, 4)};
}

static void tree_free(tree *t)
{
    free(t->nodes);
    free(t->head);
    free(t->support);
}

static void insert(tree *t, const uint32_t *items, size_t n, uint32_t count)
{
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = t->nodes[at].child;
        while (c && t->nodes[c].item != items[i])
            c = t->nodes[c].sibling;
        if (!c) {
            if (t->n == t->cap)
                t->nodes = realloc(t->nodes, (t->cap *= 2) * sizeof(node));
            c = (uint32_t)t->n++;
            t->nodes[c] = (node){items[i], 0, at, t->head[items[i]], 0, t->nodes[at].child};
            t->head[items[i]] = c;
            t->nodes[at].child = c;
        }
        t->nodes[c].count += count;
        t->support[items[i]] += count;
        at = c;
    }
}

static void grow(const tree *t, size_t ranks, size_t min_count, totals *out)
{
    uint32_t *path = malloc((ranks + 1) * sizeof *path);
    uint32_t *support = calloc(ranks + 1, sizeof *support);
    for (uint32_t item = 0; item < ranks; item++) {
        if (t->support[item] < min_count)
            continue;
        out->sets++;
        out->counts += t->support[item];
        memset(support, 0, item * sizeof *support);
        bool any = false;
        for (uint32_t k = t->head[item]; k; k = t->nodes[k].next)
            for (uint32_t up = t->nodes[k].parent; up; up = t->nodes[up].parent)
                any |= (support[t->nodes[up].item] += t->nodes[k].count) >= min_count;
        if (!any)
            continue;
        tree inner = tree_new(item);
        for (uint32_t k = t->head[item]; k; k = t->nodes[k].next) {
            size_t n = item; /* filled from behind: paths lead up */
            for (uint32_t up = t->nodes[k].parent; up; up = t->nodes[up].parent)
                if (support[t->nodes[up].item] >= min_count)
                    path[--n] = t->nodes[up].item;
            insert(&inner, path + n, item - n, t->nodes[k].count);
        }
        grow(&inner, item, min_count, out);
        tree_free(&inner);
    }
    free(path);
    free(support);
}

static const uint32_t *ordering;

static int descending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return ordering[x] != ordering[y] ? (ordering[x] > ordering[y] ? -1 : 1) : (x > y) - (x < y);
}

static totals fp_growth(const mlk_baskets *b, size_t min_count)
{
    uint32_t *support = calloc(b->n_items, 4), *order = calloc(b->n_items, 4);
    uint32_t *rank = calloc(b->n_items, 4), *basket = calloc(b->n_items + 1, 4);
    totals out = {0};
    size_t ranks = 0;
    for (size_t k = 0; k < b->start[b->n]; k++)
        support[b->items[k]]++;
    for (size_t i = 0; i < b->n_items; i++)
        order[i] = (uint32_t)i;
    ordering = support;
    qsort(order, b->n_items, sizeof *order, descending);
    for (size_t r = 0; r < b->n_items; r++) {
        rank[order[r]] = (uint32_t)r;
        ranks += support[order[r]] >= min_count;
    }
    tree t = tree_new(ranks);
    for (size_t i = 0; i < b->n; i++) {
        size_t n = 0;
        for (size_t k = b->start[i]; k < b->start[i + 1]; k++) {
            size_t at = n;
            const uint32_t r = rank[b->items[k]];
            if (r >= ranks)
                continue;
            for (n++; at && basket[at - 1] > r; at--)
                basket[at] = basket[at - 1];
            basket[at] = r;
        }
        insert(&t, basket, n, 1);
    }
    grow(&t, ranks, min_count, &out);
    tree_free(&t);
    free(support);
    free(order);
    free(rank);
    free(basket);
    return out;
}

/* -------------------------------------------------------------------- workloads */

/* n baskets of about `length` of n_items items: unions of patterns of about four items. */
static mlk_baskets make(size_t n, size_t n_items, size_t n_patterns, size_t length)
{
    mlk_rng rng = mlk_rng_stream(1, n_items);
    uint32_t(*patterns)[4] = malloc(n_patterns * sizeof *patterns);
    size_t *start = malloc((n + 1) * sizeof *start), at = 0;
    uint32_t *items = malloc(n * 2 * length * sizeof *items);
    unsigned char *has = calloc(n_items, 1);
    for (size_t p = 0; p < n_patterns; p++)
        for (size_t k = 0; k < 4; k++) { /* low numbers are frequent */
            const double u = mlk_rng_uniform(&rng);
            patterns[p][k] = (uint32_t)((double)n_items * u * u);
        }
    for (size_t i = 0; i < n; i++) {
        const size_t wanted = length / 2 + mlk_rng_below(&rng, length);
        start[i] = at;
        for (size_t tries = 0; at - start[i] < wanted && tries < wanted; tries++) {
            const double u = mlk_rng_uniform(&rng);
            const uint32_t *p = patterns[(size_t)((double)n_patterns * u * u)];
            for (size_t k = 0; k < 4; k++)
                if (!has[p[k]] && mlk_rng_below(&rng, 4)) {
                    has[p[k]] = 1;
                    items[at++] = p[k];
                }
        }
        for (size_t k = start[i]; k < at; k++)
            has[items[k]] = 0;
    }
    start[n] = at;
    free(has);
    free(patterns);
    return (mlk_baskets){n, n_items, start, items};
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const struct {
        const char *name;
        size_t n, items, patterns, length;
        double support;
    } cases[] = {{"sparse, 1 %", 100000, 1000, 2000, 10, 0.01},
                 {"sparse, 0.1 %", 100000, 1000, 2000, 10, 0.001},
                 {"sparse, 0.03 %", 100000, 1000, 2000, 10, 0.0003},
                 {"dense, 10 %", 20000, 60, 100, 24, 0.1},
                 {"dense, 8 %", 20000, 60, 100, 24, 0.08}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const mlk_baskets b = make(cases[c].n, cases[c].items, cases[c].patterns, cases[c].length);
        const size_t min_count = (size_t)(cases[c].support * (double)b.n);
        double ours[3], theirs[3];
        totals found = {0}, grown = {0};
        for (int k = 0; k < 3; k++) {
            const mlk_run run = {.threads = 1}; /* as FP-growth here */
            mlk_itemsets sets;
            double start = mlk_seconds();
            if (mlk_itemsets_mine(&b, min_count, 0, &run, &sets) != MLK_OK) {
                fprintf(stderr, "%s\n", mlk_error_message(MLK_EINVAL));
                return 1;
            }
            ours[k] = mlk_seconds() - start;
            found = (totals){sets.n, 0};
            for (size_t i = 0; i < sets.n; i++)
                found.counts += sets.count[i];
            mlk_itemsets_free(&sets);
            start = mlk_seconds();
            grown = fp_growth(&b, min_count);
            theirs[k] = mlk_seconds() - start;
        }
        qsort(ours, 3, sizeof *ours, by_value);
        qsort(theirs, 3, sizeof *theirs, by_value);
        printf("%-16s %8zu sets  mlkit %7.3f s  FP-growth %7.3f s  ratio %.1f  %s\n", cases[c].name,
               found.sets, ours[1], theirs[1], theirs[1] / ours[1],
               found.sets == grown.sets && found.counts == grown.counts ? "same" : "DIFFERENT");
        free((void *)(uintptr_t)b.start);
        free((void *)(uintptr_t)b.items);
    }
    return 0;
}
