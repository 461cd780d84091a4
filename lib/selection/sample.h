#ifndef SELECTION_SAMPLE_H
#define SELECTION_SAMPLE_H

#include <mlkit/core.h>

/* Nested random parts of the rows. */
typedef struct mlk_part {
    const mlk_data *data;
    size_t *order;      /* a permutation of the rows, by the seed */
    size_t *left;       /* per class */
    unsigned char *use; /* the part: one a row */
} mlk_part;

/* Release with mlk_part_free(). MLK_ENOMEM. */
mlk_status mlk_part_new(const mlk_data *data, int64_t seed, mlk_part *part);
/* Marks about `share` of the rows in part->use; classes in proportion, but of each at least
 * `at_least` if there are as many. A larger share contains a smaller one. */
void mlk_part_take(mlk_part *part, double share, size_t at_least);
void mlk_part_free(mlk_part *part);

#endif
