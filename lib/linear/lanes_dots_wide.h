/* The kernel of lanes.c, in vectors of WIDE doubles (core/wide.h). */
#include "linear/lanes_wide.h"

MLK_VECTOR_TILES static void MLK_WIDE(dots)(mlk_cmat Z, const size_t *list, size_t m,
                                            const double *r, const size_t *to, double *g)
{
    for (size_t k = 0; k < m; k++)
        g[to ? to[k] : k] = MLK_WIDE(dot)(Z.data + list[k] * Z.ld, r, Z.cols);
}
