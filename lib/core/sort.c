#include "core/sort.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"

/* Maps doubles to integers in the total order of sort.h. */
static inline uint64_t key_of(double x)
{
    if (isnan(x))
        return UINT64_MAX;
    uint64_t u;
    x += 0.0; /* -0 becomes 0 */
    memcpy(&u, &x, sizeof u);
    return u >> 63 ? ~u : u | (uint64_t)1 << 63;
}

typedef struct item {
    uint64_t key;
    size_t pos;
} item;

static inline bool item_less(item a, item b)
{
    return a.key < b.key || (a.key == b.key && a.pos < b.pos);
}

enum { RADIX_FROM = 256, DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS };

static void insertion_sort(item *a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const item x = a[i];
        size_t j = i;
        for (; j > 0 && item_less(x, a[j - 1]); j--)
            a[j] = a[j - 1];
        a[j] = x;
    }
}

/* Bottom-up merge sort of short runs: for arrays below RADIX_FROM. */
static item *merge_sort(item *a, item *b, size_t n)
{
    enum { RUN = 16 };
    for (size_t i = 0; i < n; i += RUN)
        insertion_sort(a + i, n - i < RUN ? n - i : RUN);
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            const size_t mid = n - lo < width ? n : lo + width;
            const size_t hi = n - lo < 2 * width ? n : lo + 2 * width;
            size_t l = lo, r = mid;
            for (size_t k = lo; k < hi; k++)
                b[k] = l < mid && (r >= hi || !item_less(a[r], a[l])) ? a[l++] : a[r++];
        }
        item *const swap = a;
        a = b;
        b = swap;
    }
    return a;
}

/* Least significant digit first; all histograms in one pass, digits that are the same in every
 * key are skipped. Stable, so equal keys keep their positions' order. */
static item *radix_sort(item *a, item *b, size_t n, size_t (*count)[BUCKETS])
{
    memset(count, 0, DIGITS * sizeof count[0]);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++)
            count[d][(a[i].key >> (d * DIGIT_BITS)) & (BUCKETS - 1)]++;
    for (int d = 0; d < DIGITS; d++) {
        const int shift = d * DIGIT_BITS;
        size_t *const c = count[d];
        if (c[(a[0].key >> shift) & (BUCKETS - 1)] == n)
            continue;
        for (size_t sum = 0, k = 0; k < BUCKETS; k++) {
            const size_t here = c[k];
            c[k] = sum;
            sum += here;
        }
        for (size_t i = 0; i < n; i++)
            b[c[(a[i].key >> shift) & (BUCKETS - 1)]++] = a[i];
        item *const swap = a;
        a = b;
        b = swap;
    }
    return a;
}

static item *sort_items(item *a, item *b, size_t n, size_t (*count)[BUCKETS])
{
    return n < RADIX_FROM ? merge_sort(a, b, n) : radix_sort(a, b, n, count);
}

/* Scratch of a sort of n items; false: no memory. */
static bool take(mlk_scratch *s, size_t n, item **a, item **b, size_t (**count)[BUCKETS])
{
    *a = mlk_scratch_take(s, n, sizeof **a);
    *b = mlk_scratch_take(s, n, sizeof **b);
    *count = n < RADIX_FROM ? NULL : mlk_scratch_take(s, DIGITS, sizeof **count);
    return !s->failed;
}

mlk_status mlk_argsort(const double *v, size_t n, size_t *order)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    item *a, *b;
    size_t(*count)[BUCKETS];
    mlk_status st = MLK_OK;

    if (take(&s, n, &a, &b, &count)) {
        for (size_t i = 0; i < n; i++)
            a[i] = (item){key_of(v[i]), i};
        a = sort_items(a, b, n, count);
        for (size_t i = 0; i < n; i++)
            order[i] = a[i].pos;
    } else {
        st = MLK_FAIL(MLK_ENOMEM, "no memory to sort %zu values", n);
    }
    mlk_scratch_release(&s);
    return st;
}

/* Heap sort needs no memory, so sorting in place cannot fail. */
static void sift(double *v, size_t root, size_t n)
{
    const double x = v[root];
    const uint64_t kx = key_of(x);
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && key_of(v[child]) < key_of(v[child + 1]))
            child++;
        if (key_of(v[child]) <= kx)
            break;
        v[root] = v[child];
    }
    v[root] = x;
}

static void heap_sort(double *v, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(v, i, n);
    for (size_t end = n; end-- > 1;) {
        const double top = v[0];
        v[0] = v[end];
        v[end] = top;
        sift(v, 0, end);
    }
}

static double median3(double a, double b, double c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* Hoare's partition of numbers (no NaN): returns the split, both sides not empty. */
static size_t partition(double *v, size_t n)
{
    const double pivot = median3(v[0], v[n / 2], v[n - 1]);
    size_t i = 0, j = n - 1;
    for (;; i++, j--) {
        while (v[i] < pivot)
            i++;
        while (v[j] > pivot)
            j--;
        if (i >= j)
            return j + 1 < n ? j + 1 : n - 1;
        const double swap = v[i];
        v[i] = v[j];
        v[j] = swap;
    }
}

static void intro_sort(double *v, size_t n, int depth)
{
    while (n > 24) {
        if (depth-- == 0) {
            heap_sort(v, n);
            return;
        }
        const size_t split = partition(v, n);
        if (split < n - split) {
            intro_sort(v, split, depth);
            v += split;
            n -= split;
        } else {
            intro_sort(v + split, n - split, depth);
            n = split;
        }
    }
    for (size_t i = 1; i < n; i++) {
        const double x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static int depth_limit(size_t n)
{
    int depth = 4;
    for (; n > 1; n /= 2)
        depth += 2;
    return depth;
}

void mlk_sort(double *v, size_t n)
{
    size_t numbers = 0; /* NaN go last */
    for (size_t i = 0; i < n; i++)
        if (!isnan(v[i])) {
            const double x = v[i];
            v[i] = v[numbers];
            v[numbers++] = x;
        }
    intro_sort(v, numbers, depth_limit(numbers));
}

double mlk_select(double *v, size_t n, size_t k)
{
    int depth = depth_limit(n);
    while (n > 24) {
        if (depth-- == 0)
            break;
        const size_t split = partition(v, n);
        if (k < split) {
            n = split;
        } else {
            v += split;
            n -= split;
            k -= split;
        }
    }
    intro_sort(v, n, depth_limit(n));
    return v[k];
}

double mlk_quantile(double *v, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t k = (size_t)at;
    const double lo = mlk_select(v, n, k);
    if (k + 1 >= n || at == (double)k)
        return lo;
    double hi = v[k + 1]; /* everything behind place k is no smaller than lo */
    for (size_t i = k + 2; i < n; i++)
        if (v[i] < hi)
            hi = v[i];
    return lo + (at - (double)k) * (hi - lo);
}
