#ifndef CORE_FAST_H
#define CORE_FAST_H

/*
 * The source that includes this is compiled for speed, not for size like the rest of the library
 * (docs/decisions/0006-optimisation.md): scalar loops in which programs spend their time.
 */
#if defined(__GNUC__) && !defined(__clang__) && !defined(MLK_SANITIZED) && defined(__OPTIMIZE__)
#pragma GCC optimize("O2", "vect-cost-model=dynamic")
#endif

#endif
