#ifndef CORE_ALLOC_H
#define CORE_ALLOC_H

#include <mlkit/core.h>

/*
 * All memory of the library comes from here. Sizes are products checked for
 * overflow; blocks are aligned to 64 bytes, and large ones ask the kernel for
 * huge pages, which halves the time to touch them first.
 */

/* count * size bytes, uninitialised; NULL when that overflows or there is no memory.
 * Never NULL for a product of 0. */
__attribute__((malloc, warn_unused_result)) void *mlk_alloc(size_t count, size_t size);
__attribute__((malloc, warn_unused_result)) void *mlk_alloc_zero(size_t count, size_t size);
/* A struct of `head` bytes with a flexible array of count elements behind it. */
__attribute__((malloc, warn_unused_result)) void *mlk_alloc_flex(size_t head, size_t count,
                                                                 size_t size);
/* A block of new_count elements that begins with the old_count of `old`, which it replaces;
 * NULL leaves `old` as it was. */
__attribute__((warn_unused_result)) void *mlk_regrow(void *old, size_t old_count, size_t new_count,
                                                     size_t size);
__attribute__((malloc, warn_unused_result)) char *mlk_strdup(const char *s);
void mlk_free(void *ptr);

/* Tests only: the k-th allocation from now on (0 = the next) fails, once; -1: none does. */
extern _Atomic long mlk_test_fail_at;

/*
 * Scratch: blocks asked for up front, checked once (`failed`), released together.
 */
typedef struct mlk_scratch {
    void *last;  /* newest block; each begins with a pointer to the one before */
    bool failed; /* some request could not be met */
} mlk_scratch;

#define MLK_SCRATCH_INIT                                                                           \
    {                                                                                              \
        NULL, false                                                                                \
    }

void *mlk_scratch_take(mlk_scratch *s, size_t count, size_t size); /* uninitialised */
mlk_vec mlk_scratch_vec(mlk_scratch *s, size_t n);
mlk_mat mlk_scratch_mat(mlk_scratch *s, size_t rows, size_t cols); /* ld = cols */
void mlk_scratch_release(mlk_scratch *s);

#endif
