#ifndef TOOLS_MAP_H
#define TOOLS_MAP_H

#include <mlkit/metrics/neighbourhood.h>

#include "cli.h"

/* How well a map keeps neighbours. */
typedef struct map_verdict {
    mlk_neighbourhood kept;
    size_t rows; /* of the data; 0: not judged */
} map_verdict;

/* Do options say that the table holds distances or kernel values, not rows? */
bool map_of_precomputed(const mlk_algo *algo, const void *opts);

/* Judge a fitted transform on data; `fitted`: those that it was fitted on, whose map it may have
 * kept. Rows with missing values are left out. */
int map_judge(cli *c, const mlk_model *pipeline, const mlk_data *data, bool fitted, map_verdict *v);
/* Into the map `to` under the key, or null. */
void map_put(const map_verdict *v, mlk_doc *to, const char *key);
/* As a table of train and test; nothing where neither was judged. */
void map_print(const map_verdict *train, const map_verdict *test);

#endif
