#ifndef CORE_SIMD_H
#define CORE_SIMD_H

/*
 * The library is compiled for size (docs/decisions/0006-optimisation.md); what is marked here, for
 * speed.
 *
 * MLK_SIMD before a function vectorises it for the instruction sets of x86-64-v3 (AVX2, FMA) and v4
 * (AVX-512) besides the baseline and picks one at load time. For static functions: inner loops over
 * arrays, calling only what is inlined. Sanitizers cannot run the resolver that early and get the
 * baseline.
 *
 * MLK_SIMD_TILES is the same with loops of known length unrolled whole: small tiles and remainders
 * live in registers then. The code is half as large again, and where that was measured, up to
 * twice as fast.
 *
 * MLK_VECTOR vectorises for the baseline alone: loops that wait for memory, or are rarely the ones
 * that take the time.
 *
 * Scalar code that takes the time: core/fast.h.
 */
#if defined(__GNUC__) && !defined(__clang__) && !defined(MLK_SANITIZED) && defined(__OPTIMIZE__)
#define MLK_VECTOR       __attribute__((optimize("O2", "vect-cost-model=dynamic")))
#define MLK_VECTOR_TILES __attribute__((optimize("O2", "vect-cost-model=dynamic", "peel-loops")))
#else
#define MLK_VECTOR
#define MLK_VECTOR_TILES
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(MLK_SANITIZED)
#define MLK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MLK_CLONES
#endif

#define MLK_SIMD       MLK_CLONES MLK_VECTOR
#define MLK_SIMD_TILES MLK_CLONES MLK_VECTOR_TILES

#endif
