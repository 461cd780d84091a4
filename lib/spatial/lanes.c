#include "spatial/lanes.h"

#include <math.h>
#include <stdbool.h>

#include "core/simd.h"

MLK_SIMD_TILES static void squares(const double *block, size_t p, const double *x, double *out)
{
    double sum[LANES] = {0.0};
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < LANES; l++) {
            const double d = x[j] - block[j * LANES + l];
            sum[l] += d * d;
        }
    for (size_t l = 0; l < LANES; l++)
        out[l] = sum[l];
}

/* Straight from the rows: where columns are many, putting them in lanes first costs more. */
MLK_SIMD_TILES static void row_squares(const double *const *row, size_t p, const double *x,
                                       double *out)
{
    const double *const a = row[0], *const b = row[1], *const c = row[2], *const d = row[3];
    const double *const e = row[4], *const f = row[5], *const g = row[6], *const h = row[7];
    double sum[LANES] = {0.0};
    for (size_t j = 0; j < p; j++) {
        const double v = x[j];
        sum[0] += (v - a[j]) * (v - a[j]);
        sum[1] += (v - b[j]) * (v - b[j]);
        sum[2] += (v - c[j]) * (v - c[j]);
        sum[3] += (v - d[j]) * (v - d[j]);
        sum[4] += (v - e[j]) * (v - e[j]);
        sum[5] += (v - f[j]) * (v - f[j]);
        sum[6] += (v - g[j]) * (v - g[j]);
        sum[7] += (v - h[j]) * (v - h[j]);
        /* Keeps GCC from vectorising over j, with sums in order but without contraction. */
        __asm__ volatile("");
    }
    for (size_t l = 0; l < LANES; l++)
        out[l] = sum[l];
}

void lane_row_squares(const double *const *row, size_t p, const double *x, double *out)
{
    row_squares(row, p, x, out);
}

MLK_SIMD_TILES static void absolutes(const double *block, size_t p, const double *x, double *out)
{
    double sum[LANES] = {0.0};
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < LANES; l++)
            sum[l] += fabs(x[j] - block[j * LANES + l]);
    for (size_t l = 0; l < LANES; l++)
        out[l] = sum[l];
}

MLK_SIMD_TILES static void largest(const double *block, size_t p, const double *x, double *out)
{
    double top[LANES] = {0.0};
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < LANES; l++) {
            const double d = fabs(x[j] - block[j * LANES + l]);
            top[l] = d > top[l] ? d : top[l];
        }
    for (size_t l = 0; l < LANES; l++)
        out[l] = top[l];
}

static void powers(double power, const double *block, size_t p, const double *x, double *out)
{
    for (size_t l = 0; l < LANES; l++)
        out[l] = 0.0;
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < LANES; l++)
            out[l] += pow(fabs(x[j] - block[j * LANES + l]), power);
}

void lane_distances(double power, const double *block, size_t p, const double *x, double *out)
{
    if (power == 2.0)
        squares(block, p, x, out);
    else if (power == 1.0)
        absolutes(block, p, x, out);
    else if (isinf(power))
        largest(block, p, x, out);
    else
        powers(power, block, p, x, out);
}

/* Are not all of the distances beyond the limit? NaN, which is none, is not. */
static inline bool any_near(const double *distance, double limit)
{
    int any = 0;
    for (size_t l = 0; l < LANES; l++)
        any |= !(distance[l] > limit);
    return any;
}

MLK_SIMD_TILES static unsigned squares_near(const double *block, size_t n_blocks, size_t p,
                                            const double *x, double limit, double *out)
{
    unsigned bits = 0;
    for (size_t b = 0; b < n_blocks; b++) {
        const double *mine = block + b * p * LANES;
        double sum[LANES] = {0.0};
        for (size_t j = 0; j < p; j++)
            for (size_t l = 0; l < LANES; l++) {
                const double d = x[j] - mine[j * LANES + l];
                sum[l] += d * d;
            }
        for (size_t l = 0; l < LANES; l++)
            out[b * LANES + l] = sum[l];
        bits |= (unsigned)any_near(sum, limit) << b;
    }
    return bits;
}

unsigned lane_near(double power, const double *block, size_t n_blocks, size_t p, const double *x,
                   double limit, double *out)
{
    unsigned bits = 0;
    if (power == 2.0)
        return squares_near(block, n_blocks, p, x, limit, out);
    for (size_t b = 0; b < n_blocks; b++) {
        lane_distances(power, block + b * p * LANES, p, x, out + b * LANES);
        bits |= (unsigned)any_near(out + b * LANES, limit) << b;
    }
    return bits;
}

/* |x - nearest point of a box| is the larger of lo - x, x - hi and 0. */
MLK_SIMD_TILES static void box_squares(const double *lo, const double *hi, size_t p,
                                       const double *x, double slack, double *out)
{
    double sum[LANES] = {0.0};
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < LANES; l++) {
            const double below = lo[j * LANES + l] - x[j], above = x[j] - hi[j * LANES + l];
            const double most = below > above ? below : above, d = most > 0.0 ? most : 0.0;
            sum[l] += d * d;
        }
    for (size_t l = 0; l < LANES; l++)
        out[l] = sum[l] * slack;
}

MLK_SIMD_TILES static void clamp(const double *lo, const double *hi, size_t p, const double *x,
                                 double *room)
{
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < LANES; l++) {
            const double low = lo[j * LANES + l], high = hi[j * LANES + l];
            const double raised = x[j] > low ? x[j] : low;
            room[j * LANES + l] = raised < high ? raised : high;
        }
}

void lane_box_distances(double power, const double *lo, const double *hi, size_t p, const double *x,
                        double *room, double *out)
{
    /* Rounding is monotone, so this is a bound already; pow() need not be. */
    const double slack = 1.0 - 1e-15 * (double)(p + 8);
    if (power == 2.0) {
        box_squares(lo, hi, p, x, slack, out);
        return;
    }
    clamp(lo, hi, p, x, room);
    lane_distances(power, room, p, x, out);
    for (size_t l = 0; l < LANES; l++)
        out[l] *= slack;
}

double lane_root(double power, double sum)
{
    if (power == 2.0)
        return sqrt(sum);
    return power == 1.0 || isinf(power) ? sum : pow(sum, 1.0 / power);
}
