#ifndef SPATIAL_NEAREST_LIST_H
#define SPATIAL_NEAREST_LIST_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* The k nearest so far: a heap whose first element is the farthest; equal distances by row. */
typedef struct near_row {
    double distance; /* without the final root */
    size_t row;
} near_row;

typedef struct near_list {
    near_row *item; /* k of them */
    size_t n, k;
} near_list;

static inline bool nearer(near_row a, near_row b)
{
    return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
}

/* What a row must be nearer than to enter. */
static inline near_row near_limit(const near_list *l)
{
    return l->n < l->k ? (near_row){INFINITY, (size_t)-1} : l->item[0];
}

/* Put x where the hole at i is, sinking. */
static inline void near_sink(near_list *l, size_t i, near_row x)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->n)
            break;
        if (child + 1 < l->n && nearer(l->item[child], l->item[child + 1]))
            child++;
        if (!nearer(x, l->item[child]))
            break;
        l->item[i] = l->item[child];
        i = child;
    }
    l->item[i] = x;
}

static inline void near_add(near_list *l, near_row x)
{
    if (l->n == l->k) {
        if (nearer(x, l->item[0]))
            near_sink(l, 0, x);
        return;
    }
    size_t i = l->n++;
    for (; i && nearer(l->item[(i - 1) / 2], x); i = (i - 1) / 2)
        l->item[i] = l->item[(i - 1) / 2];
    l->item[i] = x;
}

/* Nearest first; the list is empty after. */
static inline void near_sort(near_list *l)
{
    while (l->n) {
        const near_row last = l->item[0], x = l->item[--l->n];
        near_sink(l, 0, x);
        l->item[l->n] = last;
    }
}

#endif
