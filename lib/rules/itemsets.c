#include "rules/itemsets.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"

/*
 * Depth first over sets of frequent items. Items have ranks, the rarest first; a branch is all sets
 * whose rarest item is its own. The branch of item e looks at the baskets that hold e alone, its
 * universe: for every item of higher rank a bit set over them says where it occurs. A node is a
 * prefix and its extensions, each with the bit set of prefix and extension.
 */

typedef struct extension {
    uint32_t rank, count;
    uint64_t *bits;
} extension;

/* Memory of the nodes of one depth, which is never needed twice at once. */
typedef struct level {
    extension *extensions;
    uint64_t *words;
    size_t n_extensions, n_words; /* room */
} level;

/* What a thread works with. */
typedef struct worker {
    level levels[MLK_APRIORI_MOST_LENGTH + 1];
    uint32_t *together; /* a rank: baskets with it in the universe; all 0 between branches */
    uint32_t prefix[MLK_APRIORI_MOST_LENGTH + 1];
} worker;

/* The sets of a branch: count, number of items and items (not ranks), one after the other. */
typedef struct branch {
    uint32_t *found;
    size_t n, cap, sets;
} branch;

typedef struct search {
    size_t n_ranks, min_count, max_length;
    const uint32_t *item_of; /* of a rank */
    const size_t *rows;      /* CSR of the baskets by ranks, ascending: */
    const uint32_t *ranks;
    const size_t *begins; /* and of the ranks by baskets: */
    const uint32_t *holders;
    worker *workers;
    branch *branches;
    _Atomic size_t found;
} search;

static mlk_status too_many(void)
{
    return MLK_FAIL(MLK_EINVAL,
                    "more than %d itemsets are frequent; raise min_support or lower max_length",
                    MLK_APRIORI_MOST);
}

static mlk_status out_of_memory(void) { return MLK_FAIL(MLK_ENOMEM, "no memory for itemsets"); }

static mlk_status record(search *s, branch *b, const uint32_t *prefix, size_t n, uint32_t count)
{
    if (atomic_fetch_add(&s->found, 1) >= MLK_APRIORI_MOST || n > MLK_APRIORI_MOST_LENGTH)
        return too_many();
    if (b->cap - b->n < n + 2) {
        const size_t cap = 2 * b->cap + n + 64;
        uint32_t *found = mlk_regrow(b->found, b->n, cap, sizeof *found);
        if (!found)
            return out_of_memory();
        b->found = found;
        b->cap = cap;
    }
    b->found[b->n++] = count;
    b->found[b->n++] = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        b->found[b->n++] = s->item_of[prefix[i]];
    b->sets++;
    return MLK_OK;
}

static bool reserve(level *l, size_t extensions, size_t words)
{
    if (extensions > l->n_extensions) {
        mlk_free(l->extensions);
        l->extensions = mlk_alloc(extensions, sizeof *l->extensions);
        l->n_extensions = l->extensions ? extensions : 0;
    }
    if (words > l->n_words) {
        mlk_free(l->words);
        l->words = mlk_alloc(words, sizeof *l->words);
        l->n_words = l->words ? words : 0;
    }
    return extensions <= l->n_extensions && words <= l->n_words;
}

MLK_SIMD_TILES
static uint32_t count_common(const uint64_t *a, const uint64_t *b, size_t words)
{
    uint64_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (uint64_t)__builtin_popcountll(a[i] & b[i]);
    return (uint32_t)count;
}

/* The bits of b at the places of mask, one after the other. */
static void pack(const uint64_t *mask, const uint64_t *b, size_t words, uint64_t *to)
{
    uint64_t word = 0;
    unsigned filled = 0;
    for (size_t i = 0; i < words; i++)
        for (uint64_t left = mask[i]; left; left &= left - 1) {
            word |= (b[i] >> __builtin_ctzll(left) & 1) << filled;
            if (++filled == 64) {
                *to++ = word;
                word = 0;
                filled = 0;
            }
        }
    if (filled)
        *to = word;
}

/*
 * All sets that begin with the worker's prefix of `depth` items, extended by any of n; bit sets
 * have `words` words. Depth is bounded by MLK_APRIORI_MOST_LENGTH.
 */
static mlk_status extend(search *s, branch *b, worker *w, size_t depth, size_t n, size_t words)
{
    const extension *all = w->levels[depth - 1].extensions;
    level *next = &w->levels[depth];
    for (size_t i = 0; i < n; i++) {
        const extension *e = &all[i];
        w->prefix[depth] = e->rank;
        MLK_TRY(record(s, b, w->prefix, depth + 1, e->count));
        if (depth + 1 == s->max_length || i + 1 == n)
            continue;
        if (!reserve(next, n - i - 1, 0))
            return out_of_memory();
        size_t m = 0;
        for (size_t j = i + 1; j < n; j++) {
            const uint32_t count = count_common(e->bits, all[j].bits, words);
            if (count >= s->min_count)
                next->extensions[m++] = (extension){all[j].rank, count, all[j].bits};
        }
        /* Packing a set touches each basket once, and saves that share of every pair's words. */
        const size_t universe = 64 * words, kept = e->count;
        const bool packs = m > 1 && m * (universe - kept) > 256 * kept;
        const size_t w_next = packs ? (kept + 63) / 64 : words;
        if (!reserve(next, m, m * w_next))
            return out_of_memory();
        for (size_t j = 0; j < m; j++) {
            uint64_t *to = next->words + j * w_next;
            const uint64_t *from = next->extensions[j].bits;
            if (packs)
                pack(e->bits, from, words, to);
            else
                for (size_t k = 0; k < words; k++)
                    to[k] = e->bits[k] & from[k];
            next->extensions[j].bits = to;
        }
        MLK_TRY(extend(s, b, w, depth + 1, m, w_next));
    }
    return MLK_OK;
}

/* Places of the ranks above e that are frequent beside it, into the first level; returns their
 * number through *n. `together` holds each one's place + 1 after this, 0 for the others. */
static mlk_status project(const search *s, worker *w, size_t e, size_t *n)
{
    const uint32_t *holders = s->holders + s->begins[e];
    const size_t count = s->begins[e + 1] - s->begins[e], words = (count + 63) / 64;
    level *l = &w->levels[0];
    for (size_t i = 0; i < count; i++)
        for (size_t k = s->rows[holders[i] + 1]; k-- > s->rows[holders[i]] && s->ranks[k] > e;)
            w->together[s->ranks[k]]++;
    size_t m = 0;
    for (size_t f = e + 1; f < s->n_ranks; f++)
        m += w->together[f] >= s->min_count;
    *n = m;
    if (!reserve(l, m, m * words)) {
        memset(w->together, 0, s->n_ranks * sizeof *w->together);
        return out_of_memory();
    }
    m = 0;
    for (size_t f = e + 1; f < s->n_ranks; f++) {
        if (w->together[f] >= s->min_count) {
            l->extensions[m] = (extension){(uint32_t)f, w->together[f], l->words + m * words};
            w->together[f] = (uint32_t)++m;
        } else {
            w->together[f] = 0;
        }
    }
    if (!m)
        return MLK_OK;
    memset(l->words, 0, m * words * sizeof *l->words);
    for (size_t i = 0; i < count; i++)
        for (size_t k = s->rows[holders[i] + 1]; k-- > s->rows[holders[i]] && s->ranks[k] > e;) {
            const uint32_t place = w->together[s->ranks[k]];
            if (place)
                l->words[(place - 1) * words + i / 64] |= (uint64_t)1 << i % 64;
        }
    return MLK_OK;
}

static mlk_status mine_branches(void *ctx, const mlk_chunk *chunk)
{
    search *s = ctx;
    worker *w = &s->workers[chunk->worker];
    for (size_t e = chunk->begin; e < chunk->end; e++) {
        const size_t count = s->begins[e + 1] - s->begins[e];
        size_t n;
        w->prefix[0] = (uint32_t)e;
        MLK_TRY(record(s, &s->branches[e], w->prefix, 1, (uint32_t)count));
        if (s->max_length == 1)
            continue;
        MLK_TRY(project(s, w, e, &n));
        memset(w->together, 0, s->n_ranks * sizeof *w->together);
        MLK_TRY(extend(s, &s->branches[e], w, 1, n, (count + 63) / 64));
    }
    return MLK_OK;
}

/* ------------------------------------------------------------------ ranks */

/* By count, then item: no set depends on the order of baskets. */
typedef struct ranked {
    size_t count;
    uint32_t item;
} ranked;

static int by_count(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? -1 : 1)
                                : (x->item > y->item) - (x->item < y->item);
}

static int by_rank(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Frequent items by rank, and the baskets in ranks both ways. */
static mlk_status make_ranks(const mlk_baskets *baskets, mlk_scratch *scratch, search *s)
{
    const size_t total = baskets->start[baskets->n];
    size_t *count = mlk_scratch_take(scratch, baskets->n_items + 1, sizeof *count);
    ranked *order = mlk_scratch_take(scratch, baskets->n_items + 1, sizeof *order);
    uint32_t *rank = mlk_scratch_take(scratch, baskets->n_items + 1, sizeof *rank);
    uint32_t *item_of = mlk_scratch_take(scratch, baskets->n_items + 1, sizeof *item_of);
    size_t *rows = mlk_scratch_take(scratch, baskets->n + 1, sizeof *rows);
    uint32_t *ranks = mlk_scratch_take(scratch, total + 1, sizeof *ranks);
    size_t *begins = mlk_scratch_take(scratch, baskets->n_items + 2, sizeof *begins);
    uint32_t *holders = mlk_scratch_take(scratch, total + 1, sizeof *holders);
    if (scratch->failed)
        return out_of_memory();
    memset(count, 0, baskets->n_items * sizeof *count);
    for (size_t k = 0; k < total; k++)
        count[baskets->items[k]]++;
    size_t f = 0;
    for (size_t i = 0; i < baskets->n_items; i++) {
        rank[i] = UINT32_MAX;
        if (count[i] >= s->min_count)
            order[f++] = (ranked){count[i], (uint32_t)i};
    }
    qsort(order, f, sizeof *order, by_count);
    begins[0] = 0;
    for (size_t r = 0; r < f; r++) {
        item_of[r] = order[r].item;
        rank[order[r].item] = (uint32_t)r;
        begins[r + 1] = begins[r] + order[r].count;
    }
    size_t at = 0;
    for (size_t b = 0; b < baskets->n; b++) {
        rows[b] = at;
        for (size_t k = baskets->start[b]; k < baskets->start[b + 1]; k++)
            if (rank[baskets->items[k]] != UINT32_MAX)
                ranks[at++] = rank[baskets->items[k]];
        qsort(ranks + rows[b], at - rows[b], sizeof *ranks, by_rank);
        for (size_t k = rows[b]; k < at; k++) /* begins[r] moves to its end, */
            holders[begins[ranks[k]]++] = (uint32_t)b;
    }
    rows[baskets->n] = at;
    for (size_t r = f; r-- > 0;) /* and back to where the one before ended. */
        begins[r + 1] = begins[r];
    begins[0] = 0;
    *s = (search){.n_ranks = f,
                  .min_count = s->min_count,
                  .max_length = s->max_length,
                  .item_of = item_of,
                  .rows = rows,
                  .ranks = ranks,
                  .begins = begins,
                  .holders = holders};
    return MLK_OK;
}

/* ----------------------------------------------------------------- collecting */

/* A set where it was recorded. */
typedef struct entry {
    const uint32_t *items;
    uint32_t n, count;
} entry;

static int compare_items(const uint32_t *a, const uint32_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int by_items(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n ? -1 : 1) : compare_items(x->items, y->items, x->n);
}

/* The branches' sets in their order. */
static mlk_status collect(search *s, mlk_itemsets *out)
{
    size_t n = 0, total = 0, at = 0;
    for (size_t e = 0; e < s->n_ranks; e++) {
        n += s->branches[e].sets;
        total += s->branches[e].n - 2 * s->branches[e].sets;
    }
    entry *entries = mlk_alloc(n, sizeof *entries);
    *out = (mlk_itemsets){n, mlk_alloc(n + 1, sizeof *out->start),
                          mlk_alloc(total, sizeof *out->items), mlk_alloc(n, sizeof *out->count)};
    if (!entries || !out->start || !out->items || !out->count) {
        mlk_free(entries);
        mlk_itemsets_free(out);
        return out_of_memory();
    }
    for (size_t e = 0; e < s->n_ranks; e++) {
        branch *b = &s->branches[e];
        for (size_t k = 0; k < b->n; k += 2 + b->found[k + 1]) {
            entries[at++] = (entry){b->found + k + 2, b->found[k + 1], b->found[k]};
            qsort(b->found + k + 2, b->found[k + 1], sizeof *b->found, by_rank);
        }
    }
    qsort(entries, n, sizeof *entries, by_items);
    out->start[0] = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(out->items + out->start[i], entries[i].items, entries[i].n * sizeof *out->items);
        out->count[i] = entries[i].count;
        out->start[i + 1] = out->start[i] + entries[i].n;
    }
    mlk_free(entries);
    return MLK_OK;
}

static void free_workers(search *s, unsigned n)
{
    for (unsigned i = 0; s->workers && i < n; i++)
        for (size_t d = 0; d <= MLK_APRIORI_MOST_LENGTH; d++) {
            mlk_free(s->workers[i].levels[d].extensions);
            mlk_free(s->workers[i].levels[d].words);
        }
    for (unsigned i = 0; s->workers && i < n; i++)
        mlk_free(s->workers[i].together);
    mlk_free(s->workers);
    for (size_t e = 0; s->branches && e < s->n_ranks; e++)
        mlk_free(s->branches[e].found);
    mlk_free(s->branches);
}

mlk_status mlk_itemsets_mine(const mlk_baskets *baskets, size_t min_count, size_t max_length,
                             const mlk_run *run, mlk_itemsets *out)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    search s = {.min_count = min_count, .max_length = max_length};
    unsigned threads = 0;
    *out = (mlk_itemsets){0};
    mlk_status st = make_ranks(baskets, &scratch, &s);
    if (st == MLK_OK) {
        threads = mlk_workers(run, s.n_ranks, 1);
        s.workers = mlk_alloc_zero(threads, sizeof *s.workers);
        s.branches = mlk_alloc_zero(s.n_ranks, sizeof *s.branches);
        bool room = s.workers && s.branches;
        for (unsigned i = 0; room && i < threads; i++)
            room = (s.workers[i].together =
                        mlk_alloc_zero(s.n_ranks, sizeof *s.workers[i].together)) != NULL;
        st = room ? mlk_parallel_for(run, s.n_ranks, 1, mine_branches, &s) : out_of_memory();
    }
    if (st == MLK_OK)
        st = collect(&s, out);
    free_workers(&s, threads);
    mlk_scratch_release(&scratch);
    return st;
}

size_t mlk_itemsets_find(const mlk_itemsets *sets, const uint32_t *items, size_t n)
{
    size_t lo = 0, hi = sets->n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2, length = sets->start[mid + 1] - sets->start[mid];
        const int order = length != n ? (length < n ? -1 : 1)
                                      : compare_items(sets->items + sets->start[mid], items, n);
        if (!order)
            return mid;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return SIZE_MAX;
}

void mlk_itemsets_free(mlk_itemsets *sets)
{
    mlk_free(sets->start);
    mlk_free(sets->items);
    mlk_free(sets->count);
    *sets = (mlk_itemsets){0};
}
