#include "data/dict.h"

#include <math.h>
#include <string.h>

#include "core/number.h"
#include "core/status.h"

enum { HEAD = 8 };

static uint64_t load8(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t load4(const char *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Up to eight characters as a number, without a loop: two or three loads that may overlap. */
static uint64_t head_of(mlk_text t)
{
    const char *p = t.begin;
    const size_t n = t.length;
    if (n >= HEAD)
        return load8(p);
    if (n >= 4)
        return load4(p) | load4(p + n - 4) << (8 * (n - 4));
    if (n == 0)
        return 0;
    return (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << (8 * (n / 2)) |
           (uint64_t)(unsigned char)p[n - 1] << (8 * (n - 1));
}

static uint32_t hash_of(mlk_text t, uint64_t head)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t h = (head ^ t.length) * odd;
    if (t.length > HEAD) {
        for (size_t i = HEAD; i + HEAD < t.length; i += HEAD) {
            h ^= h >> 29;
            h = (h ^ load8(t.begin + i)) * odd;
        }
        h ^= h >> 29;
        h = (h ^ load8(t.begin + t.length - HEAD)) * odd;
    }
    h ^= h >> 32;
    return (uint32_t)((h * odd) >> 32);
}

/* The slot that holds `text`, or the free one where it belongs. */
static mlk_dict_slot *slot_of(const mlk_dict *d, mlk_text text, uint64_t head, uint32_t hash)
{
    const size_t mask = 2 * d->cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        mlk_dict_slot *s = &d->slots[i];
        if (!s->number)
            return s;
        if (s->head != head || s->hash != hash)
            continue;
        if (text.length < HEAD)
            return s; /* a longer text has no zero in its head */
        const mlk_text other = d->texts[s->number - 1];
        if (other.length == text.length && memcmp(other.begin, text.begin, text.length) == 0)
            return s;
    }
}

static bool grow(mlk_dict *d)
{
    const size_t cap = d->cap ? 2 * d->cap : 16, mask = 2 * cap - 1;
    mlk_dict_slot *slots = mlk_alloc_zero(2 * cap, sizeof *slots);
    mlk_text *texts = mlk_alloc(cap, sizeof *texts);
    if (!slots || !texts) {
        mlk_free(slots);
        mlk_free(texts);
        return false;
    }
    if (d->n)
        memcpy(texts, d->texts, d->n * sizeof *texts);
    for (size_t i = 0; i < 2 * d->cap; i++) {
        if (!d->slots[i].number)
            continue;
        size_t to = d->slots[i].hash & mask;
        while (slots[to].number)
            to = (to + 1) & mask;
        slots[to] = d->slots[i];
    }
    mlk_free(d->slots);
    mlk_free(d->texts);
    d->slots = slots;
    d->texts = texts;
    d->cap = cap;
    return true;
}

bool mlk_dict_add(mlk_dict *d, mlk_text text, bool copy, uint32_t *code)
{
    const uint64_t head = head_of(text);
    const uint32_t hash = hash_of(text, head);
    if (d->n == d->cap && (d->n >= UINT32_MAX / 4 || !grow(d)))
        return false;
    mlk_dict_slot *s = slot_of(d, text, head, hash);
    if (!s->number) {
        if (copy && text.length) {
            char *own = mlk_scratch_take(&d->copies, text.length, 1);
            if (!own)
                return false;
            text.begin = memcpy(own, text.begin, text.length);
        }
        d->texts[d->n++] = text;
        *s = (mlk_dict_slot){head, hash, (uint32_t)d->n};
    }
    *code = s->number - 1;
    return true;
}

uint32_t mlk_dict_find(const mlk_dict *d, mlk_text text)
{
    if (!d->n)
        return MLK_NO_TEXT;
    const uint64_t head = head_of(text);
    const mlk_dict_slot *s = slot_of(d, text, head, hash_of(text, head));
    return s->number ? s->number - 1 : MLK_NO_TEXT;
}

void mlk_dict_free(mlk_dict *d)
{
    mlk_free(d->slots);
    mlk_free(d->texts);
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
