#ifndef SPATIAL_LANES_H
#define SPATIAL_LANES_H

#include <stddef.h>

/*
 * Distances from one point to LANES others at a time, which lie in a block column by column:
 * block[j * LANES + lane]. The sum of a lane runs over j in order, so it depends neither on the
 * other lanes nor on its own place.
 */
enum { LANES = 8 };

/* out[lane] = sum_j |x_j - block_j|^power, or the largest term for infinite power. */
void lane_distances(double power, const double *block, size_t p, const double *x, double *out);
/* The same for LANES points each in a row of its own, to the bit; power 2 alone. */
void lane_row_squares(const double *const *row, size_t p, const double *x, double *out);
/* The same for several blocks, one behind the other; bit b of the result: not all distances of
 * block b are beyond the limit. */
unsigned lane_near(double power, const double *block, size_t n_blocks, size_t p, const double *x,
                   double limit, double *out);
/* The distances of the nearest points of LANES boxes: no larger than that of any point inside.
 * `room` holds p * LANES values. */
void lane_box_distances(double power, const double *lo, const double *hi, size_t p, const double *x,
                        double *room, double *out);
/* The distance itself. */
double lane_root(double power, double sum);

#endif
