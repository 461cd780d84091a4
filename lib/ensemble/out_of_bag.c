#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "ensemble/crew.h"
#include "ensemble/forest_core.h"
#include "model/algo.h"

enum { ROWS = 1024 };

static bool was_drawn(const mlk_bags *bags, size_t tree, size_t i)
{
    return bags->drawn[tree * bags->words + i / 32] >> (i % 32) & 1;
}

/* --------------------------------------------------------------- predictions */

typedef struct out_of_bag {
    mlk_forest *f;
    mlk_cmat X;
    const mlk_bags *bags;
} out_of_bag;

/* The mean of the trees that did not draw a row, for rows begin..end-1 of the bags. */
static mlk_status predict_left_out(void *ctx, const mlk_chunk *chunk)
{
    const out_of_bag *o = ctx;
    const mlk_forest *f = o->f;
    const size_t k = f->oob.cols;
    uint32_t row[ROWS], at[ROWS], leaf[ROWS], count[ROWS] = {0};
    for (size_t b = 0; b < f->n_trees; b++) {
        size_t n = 0;
        for (size_t i = chunk->begin; i < chunk->end; i++)
            if (!was_drawn(o->bags, b, i)) {
                at[n] = (uint32_t)(i - chunk->begin);
                row[n++] = o->bags->row[i];
            }
        mlk_nodes_apply(&f->tree[b], f->levels, (mlk_cmat){o->X.data, n, o->X.cols, o->X.ld}, row,
                        leaf);
        for (size_t i = 0; i < n; i++) {
            double *out = f->oob.data + row[i] * k;
            if (!count[at[i]]++)
                memset(out, 0, k * sizeof *out);
            if (f->k)
                mlk_nodes_add_classes(&f->tree[b], leaf[i], out);
            else
                *out += mlk_nodes_value(&f->tree[b], leaf[i]);
        }
    }
    for (size_t i = chunk->begin; i < chunk->end; i++)
        for (size_t c = 0; c < k; c++)
            if (count[i - chunk->begin])
                f->oob.data[o->bags->row[i] * k + c] /= count[i - chunk->begin];
    return MLK_OK;
}

double mlk_out_of_bag_score(mlk_cmat oob, const mlk_data *d)
{
    const size_t k = oob.cols;
    double total = 0.0, mean = 0.0, right = 0.0, error = 0.0, spread = 0.0;
    for (size_t i = 0; i < d->y.n; i++) {
        const double *v = oob.data + i * k, w = mlk_weight(d->w, i);
        if (isnan(*v))
            continue;
        total += w;
        mean += w * d->y.data[i];
        right += d->n_classes && (double)mlk_first_largest(v, k) == d->y.data[i] ? w : 0.0;
        error += w * (d->y.data[i] - *v) * (d->y.data[i] - *v);
    }
    if (d->n_classes || !(total > 0.0))
        return total > 0.0 ? right / total : NAN;
    mean /= total;
    for (size_t i = 0; i < d->y.n; i++)
        if (!isnan(oob.data[i * k]))
            spread += mlk_weight(d->w, i) * (d->y.data[i] - mean) * (d->y.data[i] - mean);
    return spread > 0.0 ? 1.0 - error / spread : NAN;
}

mlk_status mlk_forest_out_of_bag(mlk_forest *f, const mlk_data *data, const mlk_bags *bags,
                                 const mlk_run *run)
{
    const size_t n = data->X.rows, k = f->k ? f->k : 1;
    const mlk_run inner = mlk_run_inner(run);
    out_of_bag o = {f, data->X, bags};
    f->oob = (mlk_mat){mlk_alloc(n, k * sizeof(double)), n, k, k};
    if (!f->oob.data)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu out-of-bag predictions", n);
    for (size_t i = 0; i < n * k; i++)
        f->oob.data[i] = NAN;
    MLK_TRY(mlk_parallel_for(&inner, bags->n, ROWS, predict_left_out, &o));
    f->oob_score = mlk_out_of_bag_score(mlk_mat_c(f->oob), data);
    return MLK_OK;
}

/* --------------------------------------------------------------- importances */

typedef struct shuffling {
    const mlk_forest *f;
    const mlk_data *data;
    const mlk_bags *bags;
    uint64_t seed;
    double *rise;  /* n_trees x p: increase of the error by shuffling a column */
    uint8_t *used; /* n_trees: has it rows out of bag? */
} shuffling;

/* The rows out of a tree's bag, by themselves. */
typedef struct left_out {
    mlk_mat X;
    uint32_t *row, *leaf;
    double *kept; /* a column while it is shuffled */
    size_t *order;
    double *shares;
} left_out;

static double mean_error(const shuffling *s, const mlk_nodes *tree, const left_out *l)
{
    const size_t k = s->f->k;
    double sum = 0.0, total = 0.0;
    mlk_nodes_apply(tree, s->f->levels, mlk_mat_c(l->X), NULL, l->leaf);
    for (size_t i = 0; i < l->X.rows; i++) {
        const double y = s->data->y.data[l->row[i]], w = mlk_weight(s->data->w, l->row[i]);
        double e = 0.0;
        if (k) {
            memset(l->shares, 0, k * sizeof *l->shares);
            mlk_nodes_add_classes(tree, l->leaf[i], l->shares);
            e = (double)mlk_first_largest(l->shares, k) != y;
        } else {
            e = y - mlk_nodes_value(tree, l->leaf[i]);
        }
        sum += w * e * e;
        total += w;
    }
    return sum / total;
}

/* The error's rise by each column that the tree splits by; the others' is 0. */
static void shuffle_columns(const shuffling *s, size_t b, const left_out *l)
{
    const mlk_nodes *tree = &s->f->tree[b];
    const size_t n = l->X.rows, p = s->f->p;
    double *rise = s->rise + b * p;
    const double base = mean_error(s, tree, l);
    for (size_t i = 0; i < tree->n; i++)
        if (!(tree->node[i].what & MLK_NODE_LEAF))
            rise[tree->node[i].what & MLK_NODE_COLUMN] = 1.0;
    for (size_t j = 0; j < p; j++) {
        if (rise[j] == 0.0)
            continue;
        mlk_rng rng = mlk_rng_stream(s->seed ^ UINT64_C(0x9e3779b97f4a7c15), b * p + j);
        mlk_rng_permutation(&rng, l->order, n);
        for (size_t i = 0; i < n; i++)
            l->kept[i] = l->X.data[i * p + j];
        for (size_t i = 0; i < n; i++)
            l->X.data[i * p + j] = l->kept[l->order[i]];
        rise[j] = mean_error(s, tree, l) - base;
        for (size_t i = 0; i < n; i++)
            l->X.data[i * p + j] = l->kept[i];
    }
}

static mlk_status shuffle_one(const shuffling *s, size_t b)
{
    const mlk_bags *bags = s->bags;
    const size_t p = s->f->p;
    size_t n = 0;
    for (size_t i = 0; i < bags->n; i++)
        n += !was_drawn(bags, b, i);
    if (!n)
        return MLK_OK;
    mlk_scratch m = MLK_SCRATCH_INIT;
    left_out l = {.X = mlk_scratch_mat(&m, n, p)};
    l.row = mlk_scratch_take(&m, n, sizeof *l.row);
    l.leaf = mlk_scratch_take(&m, n, sizeof *l.leaf);
    l.kept = mlk_scratch_take(&m, n, sizeof *l.kept);
    l.order = mlk_scratch_take(&m, n, sizeof *l.order);
    l.shares = mlk_scratch_take(&m, s->f->k + 1, sizeof *l.shares);
    mlk_status st = MLK_OK;
    if (m.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows out of bag", n);
    } else {
        n = 0;
        for (size_t i = 0; i < bags->n; i++)
            if (!was_drawn(bags, b, i))
                l.row[n++] = bags->row[i];
        for (size_t i = 0; i < n; i++)
            memcpy(l.X.data + i * p, s->data->X.data + l.row[i] * s->data->X.ld,
                   p * sizeof(double));
        s->used[b] = 1;
        shuffle_columns(s, b, &l);
    }
    mlk_scratch_release(&m);
    return st;
}

static mlk_status shuffle_trees(void *ctx, const mlk_chunk *chunk)
{
    for (size_t b = chunk->begin; b < chunk->end; b++)
        MLK_TRY(shuffle_one(ctx, b));
    return MLK_OK;
}

/* Means over the trees that left rows out, and standard deviations. */
static void summarise(const shuffling *s, double *out)
{
    const size_t p = s->f->p, trees = s->f->n_trees;
    size_t used = 0;
    for (size_t b = 0; b < trees; b++)
        used += s->used[b];
    for (size_t j = 0; j < p; j++) {
        double sum = 0.0, squares = 0.0;
        for (size_t b = 0; b < trees; b++)
            sum += s->rise[b * p + j];
        const double mean = used ? sum / (double)used : 0.0;
        for (size_t b = 0; b < trees; b++)
            if (s->used[b])
                squares += (s->rise[b * p + j] - mean) * (s->rise[b * p + j] - mean);
        out[j] = mean;
        out[p + j] = used > 1 ? sqrt(squares / (double)(used - 1)) : 0.0;
    }
}

mlk_status mlk_forest_permute(mlk_forest *f, const mlk_data *data, const mlk_bags *bags,
                              uint64_t seed, const mlk_run *run)
{
    const mlk_run inner = mlk_run_inner(run);
    shuffling s = {.f = f, .data = data, .bags = bags, .seed = seed};
    s.rise = mlk_alloc_zero(f->n_trees, f->p * sizeof *s.rise);
    s.used = mlk_alloc_zero(f->n_trees, 1);
    f->permutation = mlk_alloc_zero(f->p, 2 * sizeof *f->permutation);
    mlk_status st = MLK_OK;
    if (!s.rise || !s.used || !f->permutation)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the importances of %zu columns", f->p);
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, f->n_trees, 1, shuffle_trees, &s);
    if (st == MLK_OK)
        summarise(&s, f->permutation);
    mlk_free(s.rise);
    mlk_free(s.used);
    return st;
}
