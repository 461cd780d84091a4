/* The passes of coordinate_descent.c over columns, in vectors of WIDE doubles (core/wide.h). */
#include "linear/lanes_wide.h"

MLK_VECTOR_TILES static size_t MLK_WIDE(pass_columns)(const mlk_cd_problem *p,
                                                      const mlk_cd_penalty *q)
{
    size_t moved = 0;
    for (size_t j = 0; j < p->m; j++) {
        const double a = p->norm2[j], old = p->w[j];
        const double *z = p->Z.data + p->set[j] * p->Z.ld;
        if (!(a > 0.0))
            continue;
        const double step = shrink(q, MLK_WIDE(dot)(z, p->r, p->n) + a * old, a) - old;
        if (step == 0.0)
            continue;
        p->w[j] = old + step;
        mlk_lanes_axpy(-step, z, p->r, p->n);
        moved++;
    }
    return moved;
}
