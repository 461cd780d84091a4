#include "core/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

_Atomic long mlk_test_fail_at = -1;

/* Counts down to the allocation that a test wants to fail. */
static bool must_fail(void)
{
    return atomic_load_explicit(&mlk_test_fail_at, memory_order_relaxed) >= 0 &&
           atomic_fetch_sub(&mlk_test_fail_at, 1) == 0;
}

void *mlk_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - HUGE_PAGE ||
        must_fail())
        return NULL;
    /* From a few huge pages on, alignment to one lets the kernel use them throughout. */
    const bool huge = bytes >= 4 * (size_t)HUGE_PAGE;
    const size_t align = huge ? HUGE_PAGE : ALIGNMENT;
    const size_t rounded = bytes ? (bytes + align - 1) / align * align : align;
    void *ptr = aligned_alloc(align, rounded);
#ifdef MADV_HUGEPAGE
    if (ptr && huge)
        (void)madvise(ptr, rounded, MADV_HUGEPAGE); /* a wish: refusal changes nothing */
#endif
    return ptr;
}

void *mlk_alloc_zero(size_t count, size_t size)
{
    void *ptr = mlk_alloc(count, size);
    if (ptr)
        memset(ptr, 0, count * size);
    return ptr;
}

void *mlk_alloc_flex(size_t head, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(bytes, head, &bytes))
        return NULL;
    return mlk_alloc(bytes, 1);
}

void *mlk_regrow(void *old, size_t old_count, size_t new_count, size_t size)
{
    void *ptr = mlk_alloc(new_count, size);
    if (!ptr)
        return NULL;
    if (old_count)
        memcpy(ptr, old, (old_count < new_count ? old_count : new_count) * size);
    mlk_free(old);
    return ptr;
}

char *mlk_strdup(const char *s)
{
    const size_t bytes = strlen(s) + 1;
    char *copy = mlk_alloc(bytes, 1);
    return copy ? memcpy(copy, s, bytes) : NULL;
}

void mlk_free(void *ptr) { free(ptr); }

/* A scratch block: this header, padded so that what follows stays aligned. */
typedef union block {
    union block *before;
    char padding[ALIGNMENT];
} block;

void *mlk_scratch_take(mlk_scratch *s, size_t count, size_t size)
{
    block *b = s->failed ? NULL : mlk_alloc_flex(sizeof *b, count, size);
    if (!b) {
        s->failed = true;
        return NULL;
    }
    b->before = s->last;
    s->last = b;
    return b + 1;
}

mlk_vec mlk_scratch_vec(mlk_scratch *s, size_t n)
{
    return (mlk_vec){mlk_scratch_take(s, n, sizeof(double)), n};
}

mlk_mat mlk_scratch_mat(mlk_scratch *s, size_t rows, size_t cols)
{
    size_t count;
    if (__builtin_mul_overflow(rows, cols, &count)) {
        s->failed = true;
        return (mlk_mat){NULL, rows, cols, cols};
    }
    return (mlk_mat){mlk_scratch_take(s, count, sizeof(double)), rows, cols, cols};
}

void mlk_scratch_release(mlk_scratch *s)
{
    for (block *b = s->last, *before; b; b = before) {
        before = b->before;
        mlk_free(b);
    }
    *s = (mlk_scratch)MLK_SCRATCH_INIT;
}
