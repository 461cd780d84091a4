#ifndef CORE_SIMD_H
#define CORE_SIMD_H

/*
 * MLK_SIMD before a function compiles it for the instruction sets of x86-64-v3
 * (AVX2, FMA) and v4 (AVX-512) besides the baseline and picks one at load time.
 * For static functions: inner loops over arrays, calling only what is inlined. Sanitizers
 * cannot run the resolver that early and get the baseline.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(MLK_SANITIZED)
#define MLK_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MLK_SIMD
#endif

#endif
