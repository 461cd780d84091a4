/* The two scans of smo.c, in vectors of WIDE doubles (core/wide.h): eight lanes whatever WIDE. */
#define PARTS (SMO_LANES / WIDE)

typedef float MLK_WIDE(single) __attribute__((vector_size(4 * WIDE), aligned(4), may_alias));

static inline __attribute__((always_inline)) vec MLK_WIDE(select)(ivec mask, vec yes, vec no)
{
    return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

static inline __attribute__((always_inline)) vec MLK_WIDE(load)(const double *from)
{
    return *(const vec_any *)(const void *)from;
}

static inline __attribute__((always_inline)) vec MLK_WIDE(widen)(const float *from)
{
    return __builtin_convertvector(*(const MLK_WIDE(single) *)(const void *)from, vec);
}

/* The variables of the first SMO_LANES lanes from `begin` on. */
static inline __attribute__((always_inline)) void MLK_WIDE(number)(size_t begin, ivec *now)
{
    for (size_t l = 0; l < SMO_LANES; l++)
        now[l / WIDE][l % WIDE] = (int64_t)(begin + l);
}

/* g += d (k_i - k_j) over a group, and the variable of it that most wants to rise. */
MLK_VECTOR static choice MLK_WIDE(update_group)(const smo *s, size_t begin, const float *ki,
                                                const float *kj, double d)
{
    const size_t n = smo_pad(s->n);
    double *g = s->g + begin;
    const double *up = s->up + begin;
    vec best[PARTS];
    ivec at[PARTS], now[PARTS];
    MLK_WIDE(number)(begin, now);
#pragma GCC unroll 4
    for (size_t h = 0; h < PARTS; h++) {
        best[h] = (vec){0} - INFINITY;
        at[h] = (ivec){0};
    }
    for (size_t t = 0; t < n; t += SMO_LANES)
#pragma GCC unroll 4
        for (size_t h = 0; h < PARTS; h++) {
            const size_t i = t + h * WIDE;
            const MLK_WIDE(single) *a = (const void *)(ki + i), *b = (const void *)(kj + i);
            const vec gt = MLK_WIDE(load)(g + i) + d * __builtin_convertvector(*a - *b, vec);
            *(vec_any *)(void *)(g + i) = gt;
            const vec v = MLK_WIDE(load)(up + i) - gt;
            const ivec better = v > best[h];
            best[h] = MLK_WIDE(select)(better, v, best[h]);
            at[h] = (better & now[h]) | (~better & at[h]);
            now[h] += SMO_LANES;
        }
    choice c = {-INFINITY, begin};
    for (size_t l = 0; l < SMO_LANES; l++)
        if (best[l / WIDE][l % WIDE] > c.value)
            c = (choice){best[l / WIDE][l % WIDE], (size_t)at[l / WIDE][l % WIDE]};
    return c;
}

/* The partner j of a riser that promises the greatest decrease b^2 / a; *largest: the most that
 * any wants to fall. b^2 / a > n / d is asked as b^2 d > n a. */
MLK_VECTOR static choice MLK_WIDE(find_partner)(const smo *s, size_t begin, size_t sample,
                                                double rise, double *largest)
{
    const size_t n = smo_pad(s->n);
    const double *g = s->g + begin, *down = s->down + begin;
    const float *ki = s->K + sample * s->ld;
    const double kii = s->diagonal[sample];
    const vec zero = {0}, tiny = zero + TINY;
    vec num[PARTS], den[PARTS], most[PARTS];
    ivec at[PARTS], now[PARTS];
    MLK_WIDE(number)(begin, now);
#pragma GCC unroll 4
    for (size_t h = 0; h < PARTS; h++) {
        num[h] = zero;
        den[h] = zero + 1.0;
        most[h] = zero - INFINITY;
        at[h] = (ivec){0};
    }
    for (size_t t = 0; t < n; t += SMO_LANES)
#pragma GCC unroll 4
        for (size_t h = 0; h < PARTS; h++) {
            const size_t i = t + h * WIDE;
            const vec v = MLK_WIDE(load)(g + i) + MLK_WIDE(load)(down + i);
            most[h] = MLK_WIDE(select)(v > most[h], v, most[h]);
            vec b = v + rise;
            b = MLK_WIDE(select)(b > zero, b, zero);
            vec a = kii + MLK_WIDE(widen)(s->diagonal + i) - 2.0 * MLK_WIDE(widen)(ki + i);
            a = MLK_WIDE(select)(a > tiny, a, tiny);
            const vec b2 = b * b;
            const ivec better = b2 * den[h] > num[h] * a;
            num[h] = MLK_WIDE(select)(better, b2, num[h]);
            den[h] = MLK_WIDE(select)(better, a, den[h]);
            at[h] = (better & now[h]) | (~better & at[h]);
            now[h] += SMO_LANES;
        }
    choice c = {0.0, begin};
    for (size_t l = 0; l < SMO_LANES; l++) {
        const double top = num[l / WIDE][l % WIDE], below = den[l / WIDE][l % WIDE];
        *largest = most[l / WIDE][l % WIDE] > *largest ? most[l / WIDE][l % WIDE] : *largest;
        if (top / below > c.value)
            c = (choice){top / below, (size_t)at[l / WIDE][l % WIDE]};
    }
    return c;
}
