#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <mlkit/core.h>

/*
 * xoshiro256++ [Blackman and Vigna 2021], one independent stream per logical
 * unit of work (tree, fold, restart), so that results do not depend on which
 * thread does what. The maps to integers, reals and normals are ours: the same
 * numbers on every platform.
 */
typedef struct mlk_rng {
    uint64_t s[4];
} mlk_rng;

/* Stream `id` of `seed`; the state comes from splitmix64 over both. */
mlk_rng mlk_rng_stream(uint64_t seed, uint64_t id);
uint64_t mlk_rng_next(mlk_rng *rng);
/* One number in [0, 1) for (seed, id), where a whole stream would be too much to set up. */
double mlk_rng_uniform_of(uint64_t seed, uint64_t id);
/* A seed for an inner algorithm. */
int64_t mlk_rng_seed(mlk_rng *rng);
/* Uniform in [0, 1), a multiple of 2^-53. */
double mlk_rng_uniform(mlk_rng *rng);
/* Uniform in 0..n-1, exactly (Lemire 2019); n >= 1. */
uint64_t mlk_rng_below(mlk_rng *rng, uint64_t n);
/* Standard normal (Marsaglia's polar method). */
double mlk_rng_normal(mlk_rng *rng);
/* Fisher-Yates. */
void mlk_rng_shuffle(mlk_rng *rng, size_t *items, size_t n);
/* The identity permutation, shuffled. */
void mlk_rng_permutation(mlk_rng *rng, size_t *out, size_t n);
/* k of the items 0..n-1 without replacement, in random order, into the first k places of
 * `items`, which has room for n. */
void mlk_rng_sample(mlk_rng *rng, size_t *items, size_t n, size_t k);

#endif
