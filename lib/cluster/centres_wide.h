/* The kernel of centres.c, in vectors of WIDE doubles (core/wide.h). */

static inline __attribute__((always_inline)) vec MLK_WIDE(choose)(ivec mask, vec yes, vec no)
{
    return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

/* The nearest two so far of ROWS rows, over centres 0..c-1. */
typedef struct MLK_WIDE(two) {
    vec first[ROWS / WIDE], second[ROWS / WIDE];
    ivec best[ROWS / WIDE];
} MLK_WIDE(two);

/* `count` centres from number c on, which lie at C with stride ld; count is a constant. */
static inline __attribute__((always_inline)) void
MLK_WIDE(add_centres)(const double *panel, const double *C, size_t ld, size_t p, size_t c,
                      size_t count, MLK_WIDE(two) * t)
{
    vec d[GROUP][ROWS / WIDE];
    for (size_t g = 0; g < count; g++)
        for (size_t v = 0; v < ROWS / WIDE; v++)
            d[g][v] = (vec){0.0};
    for (size_t j = 0; j < p; j++)
        for (size_t v = 0; v < ROWS / WIDE; v++) {
            const vec x = *(const vec *)(panel + j * TILE + v * WIDE);
            for (size_t g = 0; g < count; g++) {
                const vec e = x - C[g * ld + j];
                d[g][v] += e * e;
            }
        }
    for (size_t g = 0; g < count; g++)
        for (size_t v = 0; v < ROWS / WIDE; v++) {
            const vec x = d[g][v];
            const ivec nearer = x < t->first[v];
            const vec rest = MLK_WIDE(choose)(nearer, t->first[v], x);
            t->second[v] = MLK_WIDE(choose)(rest < t->second[v], rest, t->second[v]);
            t->first[v] = MLK_WIDE(choose)(nearer, x, t->first[v]);
            t->best[v] = (nearer & (int64_t)(c + g)) | (~nearer & t->best[v]);
        }
}

/* ROWS rows of a panel, from number `from` on, against all centres. */
static inline __attribute__((always_inline)) void
MLK_WIDE(measure_rows)(const double *panel, mlk_cmat C, size_t from, nearest_tile *out)
{
    MLK_WIDE(two) t;
    size_t c = 0;
    for (size_t v = 0; v < ROWS / WIDE; v++) {
        t.first[v] = t.second[v] = (vec){0.0} + (double)INFINITY;
        t.best[v] = (ivec){0};
    }
    panel += from;
    for (; c + GROUP <= C.rows; c += GROUP)
        MLK_WIDE(add_centres)(panel, C.data + c * C.ld, C.ld, C.cols, c, GROUP, &t);
    for (; c + 2 <= C.rows; c += 2)
        MLK_WIDE(add_centres)(panel, C.data + c * C.ld, C.ld, C.cols, c, 2, &t);
    if (c < C.rows)
        MLK_WIDE(add_centres)(panel, C.data + c * C.ld, C.ld, C.cols, c, 1, &t);
    for (size_t l = 0; l < ROWS; l++) {
        out->best[from + l] = (uint32_t)t.best[l / WIDE][l % WIDE];
        out->square[from + l] = t.first[l / WIDE][l % WIDE];
        out->first[from + l] = sqrt(t.first[l / WIDE][l % WIDE]);
        out->second[from + l] = sqrt(t.second[l / WIDE][l % WIDE]);
    }
}

MLK_VECTOR_TILES static void MLK_WIDE(measure)(const double *panel, mlk_cmat C, nearest_tile *out)
{
    for (size_t from = 0; from < TILE; from += ROWS)
        MLK_WIDE(measure_rows)(panel, C, from, out);
}
