#ifndef LINALG_TILE_H
#define LINALG_TILE_H

#include <mlkit/core.h>

/*
 * The inner kernel of Gram matrices. A block of rows is packed into panels of four columns,
 *
 *     panel 0:  x00 x01 x02 x03 | x10 x11 x12 x13 | ...      (rows one after the other)
 *     panel 1:  x04 x05 x06 x07 | ...
 *
 * which stay in the cache while every pair of panels is multiplied (tile_wide.h): with AVX2 a tile
 * of 4 x 12 of the result is summed over the block in twelve vector registers, so that seven loads
 * feed twelve multiply-adds.
 */
enum { LANES = 4 };

/* A row of a panel. */
typedef double lanes __attribute__((vector_size(8 * LANES), may_alias));
typedef double lanes_any __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

static inline size_t mlk_clamp(size_t x, size_t lo, size_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* Rows a chunk of n, a multiple of `block`, where each chunk has a result of so many bytes. */
size_t mlk_gram_grain(size_t n, size_t block, size_t result_bytes);

#endif
