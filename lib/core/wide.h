#ifndef MLK_WIDE_SOURCE
#error "core/wide.h: define MLK_WIDE_SOURCE first, the header whose functions are wanted"
#endif

/*
 * Code in explicit vectors, for each width of vector registers: includes MLK_WIDE_SOURCE with WIDE
 * = 8, 4 and 2 doubles, compiled for AVX-512, AVX2 and the baseline. Its functions are named
 * MLK_WIDE(name), and MLK_WIDEST(name) is the version for the machine that runs. GCC takes vectors
 * apart that are wider than its registers, which makes code ten times as large and as slow.
 *
 * Loops over arrays that GCC makes vectors of by itself need none of this: core/simd.h.
 */
#include "core/simd.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#define WIDE           8
#define MLK_WIDE(name) name##_8
#include MLK_WIDE_SOURCE
#undef WIDE
#undef MLK_WIDE
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define WIDE           4
#define MLK_WIDE(name) name##_4
#include MLK_WIDE_SOURCE
#undef WIDE
#undef MLK_WIDE
#pragma GCC pop_options
#define MLK_WIDEST(name)                                                                           \
    (__builtin_cpu_supports("x86-64-v4")   ? name##_8                                              \
     : __builtin_cpu_supports("x86-64-v3") ? name##_4                                              \
                                           : name##_2)
#else
#define MLK_WIDEST(name) name##_2
#endif
#define WIDE           2
#define MLK_WIDE(name) name##_2
#include MLK_WIDE_SOURCE
#undef WIDE
#undef MLK_WIDE
#undef MLK_WIDE_SOURCE
