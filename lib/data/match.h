#ifndef DATA_MATCH_H
#define DATA_MATCH_H

#include <mlkit/core.h>

#include "data/dict.h"

/* Finds level and class names that another table may spell otherwise: a label of a column that was
 * read as numbers ("1.0", 1) is the name of equal value. */
typedef struct mlk_match {
    mlk_dict texts;
    double *numbers; /* values of the names that are numbers, ascending */
    size_t *index;   /* which names these are */
    size_t n_numbers;
} mlk_match;

mlk_status mlk_match_new(const char *const *names, size_t n, mlk_match *m);
void mlk_match_free(mlk_match *m);
/* Place of the name, or SIZE_MAX. */
size_t mlk_match_text(const mlk_match *m, const char *text);
size_t mlk_match_number(const mlk_match *m, double x);

#endif
