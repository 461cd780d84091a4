/* The inner product of lanes.h in vectors of WIDE doubles (core/wide.h). */
#define PARTS (8 / WIDE)

/* Sum of eight lanes. */
static inline __attribute__((always_inline)) double MLK_WIDE(across)(const vec *v)
{
    double lane[8];
    for (size_t l = 0; l < 8; l++)
        lane[l] = v[l / WIDE][l % WIDE];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static inline __attribute__((always_inline)) double MLK_WIDE(dot)(const double *x, const double *y,
                                                                  size_t n)
{
    const vec_any *a = (const vec_any *)(const void *)x, *b = (const vec_any *)(const void *)y;
    const size_t m = n / WIDE;
    vec s[4][PARTS] = {0};
    size_t i = 0;
    for (; i + 4 * PARTS <= m; i += 4 * PARTS)
        for (size_t l = 0; l < 4 * PARTS; l++)
            s[l / PARTS][l % PARTS] += a[i + l] * b[i + l];
    for (; i < m; i += PARTS)
        for (size_t l = 0; l < PARTS; l++)
            s[0][l] += a[i + l] * b[i + l];
    for (size_t l = 0; l < PARTS; l++)
        s[0][l] = (s[0][l] + s[1][l]) + (s[2][l] + s[3][l]);
    return MLK_WIDE(across)(s[0]);
}
