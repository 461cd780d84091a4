#ifndef DATA_DICT_H
#define DATA_DICT_H

#include <mlkit/core.h>

#include "core/alloc.h"

/* Texts numbered in the order of their first appearance. All zeros is the empty dictionary. */
typedef struct mlk_text {
    const char *begin;
    size_t length;
} mlk_text;

/* A place of the hash table. Texts of up to seven characters are their head: to find one of these
 * no other memory is looked at. */
typedef struct mlk_dict_slot {
    uint64_t head; /* the first eight characters, padded with zeros */
    uint32_t hash;
    uint32_t number; /* + 1; 0: free */
} mlk_dict_slot;

typedef struct mlk_dict {
    mlk_text *texts;      /* by number; without NUL */
    mlk_dict_slot *slots; /* open addressing with linear probing */
    size_t n, cap;        /* slots has 2 * cap places, a power of two */
    mlk_scratch copies;
} mlk_dict;

/* Number of `text`, new or not, to *code. A new text is kept as the pointer it is, unless `copy`.
 * false: no memory. */
bool mlk_dict_add(mlk_dict *d, mlk_text text, bool copy, uint32_t *code);
/* Number of `text`, or MLK_NO_TEXT. */
uint32_t mlk_dict_find(const mlk_dict *d, mlk_text text);
#define MLK_NO_TEXT UINT32_MAX
void mlk_dict_free(mlk_dict *d);

/* The order of levels and classes: numerically when all are numbers (texts of equal value
 * bytewise), else bytewise. order[i] = place in texts of the i-th smallest; equal texts keep
 * their order. */
mlk_status mlk_text_order(const mlk_text *texts, size_t n, size_t *order);

#endif
