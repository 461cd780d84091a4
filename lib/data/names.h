#ifndef DATA_NAMES_H
#define DATA_NAMES_H

#include <mlkit/core.h>

#include "core/alloc.h"

/* The comma-separated names in `list`, quoted as in CSV where they hold a comma; in memory of `s`.
 * MLK_EINVAL: an empty name, a quote that does not end. */
mlk_status mlk_names_split(const char *list, mlk_scratch *s, char ***names, size_t *n);

/* Place of `name` among the table's names; or, when it is not there but a number in 1..n, that
 * place. MLK_EINVAL: "train.csv: no column 'pirce'; did you mean 'price'?" */
mlk_status mlk_names_find(const char *table, const char *const *names, size_t n, const char *name,
                          size_t *j);

#endif
