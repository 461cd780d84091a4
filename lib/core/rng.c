#include "core/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

mlk_rng mlk_rng_stream(uint64_t seed, uint64_t id)
{
    /* Hashing the seed before the id enters keeps (s, i) and (s + 1, i - 1) apart. */
    uint64_t state = splitmix64(&seed) ^ (id * 0xD1342543DE82EF95u);
    mlk_rng rng;
    for (int i = 0; i < 4; i++)
        rng.s[i] = splitmix64(&state);
    return rng;
}

static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

uint64_t mlk_rng_next(mlk_rng *rng)
{
    uint64_t *s = rng->s;
    const uint64_t result = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

int64_t mlk_rng_seed(mlk_rng *rng) { return (int64_t)(mlk_rng_next(rng) >> 1); }

double mlk_rng_uniform_of(uint64_t seed, uint64_t id)
{
    uint64_t state = splitmix64(&seed) ^ (id * 0xD1342543DE82EF95u);
    return (double)(splitmix64(&state) >> 11) * 0x1p-53;
}

double mlk_rng_uniform(mlk_rng *rng) { return (double)(mlk_rng_next(rng) >> 11) * 0x1p-53; }

__extension__ typedef unsigned __int128 uint128;

uint64_t mlk_rng_below(mlk_rng *rng, uint64_t n)
{
    uint128 m = (uint128)mlk_rng_next(rng) * n;
    if ((uint64_t)m < n) {
        const uint64_t reject = -n % n; /* 2^64 mod n values would be drawn once too often */
        while ((uint64_t)m < reject)
            m = (uint128)mlk_rng_next(rng) * n;
    }
    return (uint64_t)(m >> 64);
}

double mlk_rng_normal(mlk_rng *rng)
{
    double u, v, s;
    do {
        u = 2.0 * mlk_rng_uniform(rng) - 1.0;
        v = 2.0 * mlk_rng_uniform(rng) - 1.0;
        s = u * u + v * v;
    } while (s >= 1.0 || s == 0.0);
    return u * sqrt(-2.0 * log(s) / s);
}

void mlk_rng_shuffle(mlk_rng *rng, size_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)mlk_rng_below(rng, i), swap = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swap;
    }
}

void mlk_rng_permutation(mlk_rng *rng, size_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = i;
    mlk_rng_shuffle(rng, out, n);
}

void mlk_rng_sample(mlk_rng *rng, size_t *items, size_t n, size_t k)
{
    for (size_t i = 0; i < n; i++)
        items[i] = i;
    for (size_t i = 0; i < k; i++) {
        const size_t j = i + (size_t)mlk_rng_below(rng, n - i), swap = items[i];
        items[i] = items[j];
        items[j] = swap;
    }
}
