/* The vectors of core/wide.h, once for each width; vec_any may lie at any address. */
typedef double vec __attribute__((vector_size(8 * WIDE), may_alias));
typedef double vec_any __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));
typedef int64_t ivec __attribute__((vector_size(8 * WIDE), may_alias));
