#ifndef MLK_WIDE_SOURCE
#error "define MLK_WIDE_SOURCE first: the header with the functions that are wanted"
#endif
#ifndef MLK_WIDE_MOST
#define MLK_WIDE_MOST 8
#endif

/*
 * Code in explicit vectors, once for each width of vector registers. This includes MLK_WIDE_SOURCE
 * with WIDE = 8, 4 and 2 doubles, compiled for AVX-512, AVX2 and the baseline; with MLK_WIDE_MOST
 * = 4 only the latter two. The source has `vec` (`vec_any`: at any address) of WIDE doubles, `ivec`
 * of 64-bit integers, and names what it defines MLK_WIDE(name); MLK_WIDEST(name, arguments) calls
 * the one for the machine.
 *
 * GCC takes vectors apart that are wider than the registers: that makes code ten times as large
 * and as slow. Loops over arrays, of which GCC makes vectors by itself, need none of this:
 * core/simd.h.
 */
#include <stdint.h>

#include "core/simd.h"

#define MLK_WIDE_NAME_(name, wide) name##_##wide
#define MLK_WIDE_NAME(name, wide)  MLK_WIDE_NAME_(name, wide)
#define MLK_WIDE(name)             MLK_WIDE_NAME(name, WIDE)
#define vec                        MLK_WIDE(vec)
#define vec_any                    MLK_WIDE(vec_any)
#define ivec                       MLK_WIDE(ivec)

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#if MLK_WIDE_MOST >= 8
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#define WIDE 8
#include "core/wide_types.h"
#include MLK_WIDE_SOURCE
#undef WIDE
#pragma GCC pop_options
#define MLK_WIDEST(name, ...)                                                                      \
    (__builtin_cpu_supports("x86-64-v4")   ? name##_8(__VA_ARGS__)                                 \
     : __builtin_cpu_supports("x86-64-v3") ? name##_4(__VA_ARGS__)                                 \
                                           : name##_2(__VA_ARGS__))
#else
#define MLK_WIDEST(name, ...)                                                                      \
    (__builtin_cpu_supports("x86-64-v3") ? name##_4(__VA_ARGS__) : name##_2(__VA_ARGS__))
#endif
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define WIDE 4
#include "core/wide_types.h"
#include MLK_WIDE_SOURCE
#undef WIDE
#pragma GCC pop_options
#else
#define MLK_WIDEST(name, ...) name##_2(__VA_ARGS__)
#endif
#define WIDE 2
#include "core/wide_types.h"
#include MLK_WIDE_SOURCE
#undef WIDE
#undef vec
#undef vec_any
#undef ivec
#undef MLK_WIDE_SOURCE
#undef MLK_WIDE_MOST
