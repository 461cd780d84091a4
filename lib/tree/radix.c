#include "tree/radix.h"

#include <string.h>

#include "core/simd.h"

enum { RANK_UP_TO = 96, RANK_FEW_KEYS_UP_TO = 24, FEW_BITS = 6, MAX_BITS = 11 };

/* Few items: the place of each is the number of smaller ones. No branch depends on the data, and
 * the inner loop is one vector comparison for several items. Items are distinct by their payload.
 */
MLK_SIMD static void rank_sort(const mlk_item *restrict a, mlk_item *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const mlk_item x = a[i];
        size_t place = 0;
        for (size_t j = 0; j < n; j++)
            place += a[j] < x;
        b[place] = x;
    }
}

/* One stable pass over `bits` bits at `shift` of key - lo. */
static void pass(const mlk_item *restrict a, mlk_item *restrict b, size_t n, mlk_item base,
                 unsigned shift, unsigned bits)
{
    uint32_t start[1 << MAX_BITS];
    const size_t buckets = (size_t)1 << bits;
    const mlk_item mask = buckets - 1;

    memset(start, 0, buckets * sizeof start[0]);
    for (size_t i = 0; i < n; i++)
        start[((a[i] - base) >> shift) & mask]++;
    for (size_t sum = 0, k = 0; k < buckets; k++) {
        const uint32_t here = start[k];
        start[k] = (uint32_t)sum;
        sum += here;
    }
    for (size_t i = 0; i < n; i++)
        b[start[((a[i] - base) >> shift) & mask]++] = a[i];
}

mlk_item *mlk_items_sort(mlk_item *a, mlk_item *b, size_t n, uint32_t lo, uint32_t hi)
{
    if (n < 2 || lo == hi)
        return a;
    const unsigned bits = 32 - (unsigned)__builtin_clz(hi - lo);
    if (n <= (bits <= FEW_BITS ? RANK_FEW_KEYS_UP_TO : RANK_UP_TO)) {
        rank_sort(a, b, n);
        return b;
    }
    /* As few passes as counters that the items can pay for allow, of equal width. */
    const unsigned widest = n < 1024 ? 8 : MAX_BITS;
    const unsigned passes = (bits + widest - 1) / widest, width = (bits + passes - 1) / passes;
    for (unsigned k = 0; k < passes; k++) {
        pass(a, b, n, mlk_item_of(lo, 0), 32 + k * width, width);
        mlk_item *const swap = a;
        a = b;
        b = swap;
    }
    return a;
}
