#include "selection/sample.h"

#include <math.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "core/status.h"

mlk_status mlk_part_new(const mlk_data *data, int64_t seed, mlk_part *part)
{
    const size_t n = data->X.rows;
    *part = (mlk_part){.data = data};
    part->order = mlk_alloc(n, sizeof *part->order);
    part->left = mlk_alloc(data->n_classes + 1, sizeof *part->left);
    part->use = mlk_alloc(n, 1);
    if (!part->order || !part->left || !part->use) {
        mlk_part_free(part);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", n);
    }
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, 0);
    mlk_rng_permutation(&rng, part->order, n);
    return MLK_OK;
}

static size_t class_of(const mlk_data *d, size_t i)
{
    return d->n_classes ? (size_t)d->y.data[i] : 0;
}

void mlk_part_take(mlk_part *p, double share, size_t at_least)
{
    const mlk_data *d = p->data;
    const size_t classes = d->n_classes ? d->n_classes : 1;
    for (size_t c = 0; c < classes; c++)
        p->left[c] = 0;
    for (size_t i = 0; i < d->X.rows; i++)
        p->left[class_of(d, i)]++;
    for (size_t c = 0; c < classes; c++) {
        const size_t all = p->left[c], wanted = (size_t)ceil(share * (double)all - 1e-9);
        const size_t least = at_least < all ? at_least : all;
        p->left[c] = wanted > least ? wanted : least;
    }
    for (size_t k = 0; k < d->X.rows; k++) {
        size_t *left = &p->left[class_of(d, p->order[k])];
        p->use[p->order[k]] = *left > 0;
        *left -= *left > 0;
    }
}

void mlk_part_free(mlk_part *p)
{
    mlk_free(p->order);
    mlk_free(p->left);
    mlk_free(p->use);
    *p = (mlk_part){0};
}
