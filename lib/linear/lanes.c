#include "linear/lanes.h"

#include <string.h>

#define MLK_WIDE_SOURCE "linear/lanes_dots_wide.h"
#include "core/wide.h"

void mlk_lanes_dots(mlk_cmat Z, const size_t *list, size_t m, const double *r, const size_t *to,
                    double *g)
{
    MLK_WIDEST(dots, Z, list, m, r, to, g);
}

double mlk_lanes_norm2(const double *x, size_t n)
{
    const size_t row = 0;
    double sum;
    mlk_lanes_dots((mlk_cmat){x, 1, n, n}, &row, 1, x, NULL, &sum);
    return sum;
}
