#include "cluster/centres.h"

#include <math.h>
#include <string.h>

#include "core/simd.h"

enum { WIDE = 8, VECS = TILE / WIDE, GROUP = 4 };

typedef double vec __attribute__((vector_size(8 * WIDE), may_alias));
typedef int64_t ivec __attribute__((vector_size(8 * WIDE), may_alias));

static inline __attribute__((always_inline)) vec choose(ivec mask, vec yes, vec no)
{
    return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

/* The nearest two so far, over centres 0..c-1. */
typedef struct two {
    vec first[VECS], second[VECS];
    ivec best[VECS];
} two;

/* `count` centres from number c on, which lie at C with stride ld; count is a constant. */
static inline __attribute__((always_inline)) void
add_centres(const vec *panel, const double *C, size_t ld, size_t p, size_t c, size_t count, two *t)
{
    vec d[GROUP][VECS];
    for (size_t g = 0; g < count; g++)
        for (size_t v = 0; v < VECS; v++)
            d[g][v] = (vec){0.0};
    for (size_t j = 0; j < p; j++)
        for (size_t v = 0; v < VECS; v++) {
            const vec x = panel[j * VECS + v];
            for (size_t g = 0; g < count; g++) {
                const vec e = x - C[g * ld + j];
                d[g][v] += e * e;
            }
        }
    for (size_t g = 0; g < count; g++)
        for (size_t v = 0; v < VECS; v++) {
            const vec x = d[g][v];
            const ivec nearer = x < t->first[v];
            const vec rest = choose(nearer, t->first[v], x);
            t->second[v] = choose(rest < t->second[v], rest, t->second[v]);
            t->first[v] = choose(nearer, x, t->first[v]);
            t->best[v] = (nearer & (int64_t)(c + g)) | (~nearer & t->best[v]);
        }
}

MLK_SIMD_TILES static void measure(const double *rows, mlk_cmat C, nearest_tile *out)
{
    const vec *panel = (const vec *)(const void *)rows;
    two t;
    size_t c = 0;
    for (size_t v = 0; v < VECS; v++) {
        t.first[v] = t.second[v] = (vec){0.0} + (double)INFINITY;
        t.best[v] = (ivec){0};
    }
    for (; c + GROUP <= C.rows; c += GROUP)
        add_centres(panel, C.data + c * C.ld, C.ld, C.cols, c, GROUP, &t);
    for (; c + 2 <= C.rows; c += 2)
        add_centres(panel, C.data + c * C.ld, C.ld, C.cols, c, 2, &t);
    for (; c < C.rows; c++)
        add_centres(panel, C.data + c * C.ld, C.ld, C.cols, c, 1, &t);
    memcpy(out->square, t.first, sizeof t.first);
    memcpy(out->second, t.second, sizeof t.second);
    for (size_t l = 0; l < TILE; l++) {
        out->best[l] = (uint32_t)t.best[l / WIDE][l % WIDE];
        out->first[l] = sqrt(out->square[l]);
        out->second[l] = sqrt(out->second[l]);
    }
}

typedef double vec_any __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));

/* Eight columns of eight rows: halves, quarters and neighbours change places in turn. */
static inline __attribute__((always_inline)) void turn(const double *const *x, size_t j,
                                                       double *panel)
{
    vec r[WIDE], s[WIDE];
    for (size_t l = 0; l < WIDE; l++)
        r[l] = *(const vec_any *)(const void *)(x[l] + j);
    for (size_t l = 0; l < 4; l++) {
        s[l] = __builtin_shufflevector(r[l], r[l + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        s[l + 4] = __builtin_shufflevector(r[l], r[l + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (size_t h = 0; h < WIDE; h += 4)
        for (size_t l = h; l < h + 2; l++) {
            r[l] = __builtin_shufflevector(s[l], s[l + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            r[l + 2] = __builtin_shufflevector(s[l], s[l + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (size_t l = 0; l < WIDE; l += 2) {
        vec *to = (vec *)(void *)(panel + (j + l) * TILE);
        to[0] = __builtin_shufflevector(r[l], r[l + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        to[VECS] = __builtin_shufflevector(r[l], r[l + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
}

MLK_SIMD_TILES static void fill_panel(mlk_cmat X, const nearest_tile *t, double *panel)
{
    const double *x[TILE];
    size_t j = 0;
    for (size_t l = 0; l < TILE; l++)
        x[l] = X.data + t->row[l < t->n ? l : 0] * X.ld;
    for (; j + WIDE <= X.cols; j += WIDE)
        for (size_t v = 0; v < VECS; v++)
            turn(x + v * WIDE, j, panel + v * WIDE);
    for (; j < X.cols; j++)
        for (size_t l = 0; l < TILE; l++)
            panel[j * TILE + l] = x[l][j];
}

void nearest_of_tile(mlk_cmat X, mlk_cmat C, double *panel, nearest_tile *t)
{
    fill_panel(X, t, panel);
    measure(panel, C, t);
}
