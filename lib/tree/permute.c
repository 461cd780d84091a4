#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "model/algo.h"
#include "tree/fitted.h"

typedef struct permutation {
    const mlk_tree *t;
    const mlk_data *data;
    size_t repeats;
    uint64_t seed;
    double base; /* error without shuffling */
    mlk_vec mean, sd;
} permutation;

/* Mean error on rows whose column j comes from row from[i] instead (j = p: from nowhere else). */
static double shuffled_error(const permutation *p, size_t j, const size_t *from, double *row)
{
    const mlk_tree *t = p->t;
    const mlk_cmat X = p->data->X;
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < X.rows; i++) {
        uint32_t leaf;
        memcpy(row, X.data + i * X.ld, X.cols * sizeof *row);
        if (j < X.cols)
            row[j] = X.data[from[i] * X.ld + j];
        mlk_nodes_apply(&t->nodes, t->levels, (mlk_cmat){row, 1, X.cols, X.cols}, NULL, &leaf);
        const double y = p->data->y.data[i], w = mlk_weight(p->data->w, i);
        const double e = t->k ? (double)mlk_tree_class(t, leaf) != y : y - t->value[leaf];
        sum += w * e * e;
        total += w;
    }
    return sum / total;
}

static mlk_status permute_columns(void *ctx, const mlk_chunk *chunk)
{
    const permutation *p = ctx;
    const size_t n = p->data->X.rows;
    mlk_scratch s = MLK_SCRATCH_INIT;
    size_t *from = mlk_scratch_take(&s, n, sizeof *from);
    const mlk_vec row = mlk_scratch_vec(&s, p->t->p), rise = mlk_scratch_vec(&s, p->repeats);
    mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to shuffle %zu rows", n) : MLK_OK;
    for (size_t j = chunk->begin; st == MLK_OK && j < chunk->end; j++) {
        double sum = 0.0, squares = 0.0;
        for (size_t r = 0; r < p->repeats; r++) {
            mlk_rng rng = mlk_rng_stream(p->seed, j * p->repeats + r);
            mlk_rng_permutation(&rng, from, n);
            rise.data[r] = shuffled_error(p, j, from, row.data) - p->base;
            sum += rise.data[r];
        }
        const double mean = sum / (double)p->repeats;
        for (size_t r = 0; r < p->repeats; r++)
            squares += (rise.data[r] - mean) * (rise.data[r] - mean);
        p->mean.data[j] = mean;
        p->sd.data[j] = p->repeats > 1 ? sqrt(squares / (double)(p->repeats - 1)) : 0.0;
    }
    mlk_scratch_release(&s);
    return st;
}

mlk_status mlk_tree_permutation_importance(const mlk_tree *t, const mlk_data *data, size_t repeats,
                                           int64_t seed, const mlk_run *run, mlk_vec mean,
                                           mlk_vec sd)
{
    MLK_TRY(mlk_data_check(data, MLK_TREE_CAPS, MLK_NEED_TARGET, run));
    MLK_TRY(mlk_predict_check(data->X, t->p, data->X.rows));
    if (data->n_classes != t->k)
        return MLK_FAIL(MLK_EINVAL, "y has %zu classes; the tree was fitted on %zu",
                        data->n_classes, t->k);
    if (repeats < 1 || mean.n != t->p || sd.n != t->p)
        return MLK_FAIL(MLK_EINVAL,
                        "%zu repeats into %zu and %zu values; expected 1 or more into %zu", repeats,
                        mean.n, sd.n, t->p);
    permutation p = {t, data, repeats, (uint64_t)seed, 0.0, mean, sd};
    double *row = mlk_alloc(t->p, sizeof *row);
    if (!row)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a row of %zu values", t->p);
    p.base = shuffled_error(&p, t->p, NULL, row);
    mlk_free(row);
    return mlk_parallel_for(run, t->p, 1, permute_columns, &p);
}
