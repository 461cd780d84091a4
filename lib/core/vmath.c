#include "core/vmath.h"

#include "core/simd.h"

MLK_SIMD_TILES static void vexp(const double *x, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = mlk_exp(x[i]);
}

/* The clones' dispatcher would be exported whatever its visibility: so it is static. */
void mlk_vexp(const double *x, size_t n, double *out) { vexp(x, n, out); }
