#include "data/dict.h"

#include <math.h>
#include <string.h>

#include "core/number.h"
#include "core/status.h"

static uint64_t load(const char *p, size_t n)
{
    uint64_t word = 0;
    memcpy(&word, p, n);
    return word;
}

static uint32_t hash_of(mlk_text t)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t h = t.length * odd;
    for (; t.length > 8; t.begin += 8, t.length -= 8) {
        h = (h ^ load(t.begin, 8)) * odd;
        h ^= h >> 29;
    }
    h = (h ^ load(t.begin, t.length)) * odd;
    h ^= h >> 32;
    return (uint32_t)((h * odd) >> 32);
}

/* The slot that holds `text`, or the free one where it belongs. */
static size_t slot_of(const mlk_dict *d, mlk_text text, uint32_t hash)
{
    const size_t mask = 2 * d->cap - 1;
    for (size_t s = hash & mask;; s = (s + 1) & mask) {
        if (!d->slots[s])
            return s;
        const size_t i = d->slots[s] - 1;
        if (d->hashes[i] == hash && d->texts[i].length == text.length &&
            memcmp(d->texts[i].begin, text.begin, text.length) == 0)
            return s;
    }
}

static bool grow(mlk_dict *d)
{
    const size_t cap = d->cap ? 2 * d->cap : 16;
    uint32_t *slots = mlk_alloc_zero(2 * cap, sizeof *slots);
    mlk_text *texts = mlk_alloc(cap, sizeof *texts);
    uint32_t *hashes = mlk_alloc(cap, sizeof *hashes);
    if (!slots || !texts || !hashes) {
        mlk_free(slots);
        mlk_free(texts);
        mlk_free(hashes);
        return false;
    }
    if (d->n) {
        memcpy(texts, d->texts, d->n * sizeof *texts);
        memcpy(hashes, d->hashes, d->n * sizeof *hashes);
    }
    mlk_free(d->slots);
    mlk_free(d->texts);
    mlk_free(d->hashes);
    d->slots = slots;
    d->texts = texts;
    d->hashes = hashes;
    d->cap = cap;
    for (size_t i = 0; i < d->n; i++)
        slots[slot_of(d, texts[i], hashes[i])] = (uint32_t)i + 1;
    return true;
}

bool mlk_dict_add(mlk_dict *d, mlk_text text, bool copy, uint32_t *code)
{
    const uint32_t hash = hash_of(text);
    if (d->n == d->cap && (d->n >= UINT32_MAX / 4 || !grow(d)))
        return false;
    const size_t s = slot_of(d, text, hash);
    if (!d->slots[s]) {
        if (copy && text.length) {
            char *own = mlk_scratch_take(&d->copies, text.length, 1);
            if (!own)
                return false;
            text.begin = memcpy(own, text.begin, text.length);
        }
        d->texts[d->n] = text;
        d->hashes[d->n] = hash;
        d->slots[s] = (uint32_t)++d->n;
    }
    *code = d->slots[s] - 1;
    return true;
}

uint32_t mlk_dict_find(const mlk_dict *d, mlk_text text)
{
    if (!d->n)
        return MLK_NO_TEXT;
    const size_t s = slot_of(d, text, hash_of(text));
    return d->slots[s] ? d->slots[s] - 1 : MLK_NO_TEXT;
}

void mlk_dict_free(mlk_dict *d)
{
    mlk_free(d->slots);
    mlk_free(d->texts);
    mlk_free(d->hashes);
    mlk_scratch_release(&d->copies);
    *d = (mlk_dict){0};
}

/* ---------------------------------------------------------------------- order */

typedef struct item {
    double number; /* 0 for all where some text is no number */
    mlk_text text;
    size_t pos;
} item;

static int compare(const item *a, const item *b)
{
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    const size_t n = a->text.length < b->text.length ? a->text.length : b->text.length;
    const int c = n ? memcmp(a->text.begin, b->text.begin, n) : 0;
    if (c)
        return c;
    return a->text.length < b->text.length ? -1 : a->text.length > b->text.length;
}

/* Bottom-up merge sort; returns the one of the two arrays that holds the result. */
static item *merge_sort(item *a, item *b, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            const size_t mid = n - lo < width ? n : lo + width;
            const size_t hi = n - lo < 2 * width ? n : lo + 2 * width;
            size_t l = lo, r = mid;
            for (size_t k = lo; k < hi; k++)
                b[k] = l < mid && (r >= hi || compare(&a[l], &a[r]) <= 0) ? a[l++] : a[r++];
        }
        item *const swap = a;
        a = b;
        b = swap;
    }
    return a;
}

mlk_status mlk_text_order(const mlk_text *texts, size_t n, size_t *order)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    item *a = mlk_scratch_take(&s, n, sizeof *a), *b = mlk_scratch_take(&s, n, sizeof *b);
    if (s.failed) {
        mlk_scratch_release(&s);
        return MLK_FAIL(MLK_ENOMEM, "no memory to sort %zu texts", n);
    }
    bool numbers = true;
    for (size_t i = 0; i < n; i++) {
        const char *end = texts[i].begin + texts[i].length;
        a[i] = (item){0.0, texts[i], i};
        numbers = numbers && texts[i].length &&
                  mlk_parse_real(texts[i].begin, end, &a[i].number) == end && !isnan(a[i].number);
    }
    if (!numbers)
        for (size_t i = 0; i < n; i++)
            a[i].number = 0.0;
    a = merge_sort(a, b, n);
    for (size_t i = 0; i < n; i++)
        order[i] = a[i].pos;
    mlk_scratch_release(&s);
    return MLK_OK;
}
