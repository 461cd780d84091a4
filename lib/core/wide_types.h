/* The vectors of core/wide.h, once for each width. */
typedef double vec __attribute__((vector_size(8 * WIDE), may_alias));
typedef int64_t ivec __attribute__((vector_size(8 * WIDE), may_alias));
