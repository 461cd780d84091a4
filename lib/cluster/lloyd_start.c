#include "cluster/lloyd.h"

#include <math.h>
#include <string.h>

#include "core/fast.h"
#include "core/parallel.h"
#include "core/status.h"
#include "model/algo.h"
#include "spatial/lanes.h"

enum { TRIALS = LANES };

/* Squared distances to the nearest centre so far, if the candidates in `block` joined: their sums
 * by lanes; with `only` < LANES that one joins. */
typedef struct seeding {
    const mlk_data *data;
    const double *block;
    double *closest; /* n: squared distances, not weighted */
    double *partial; /* chunks x LANES */
    size_t only;
} seeding;

static mlk_status seed_rows(void *ctx, const mlk_chunk *c)
{
    const seeding *s = ctx;
    const mlk_cmat X = s->data->X;
    double d[LANES], sum[LANES] = {0.0};
    for (size_t i = c->begin; i < c->end; i++) {
        lane_distances(2.0, s->block, X.cols, X.data + i * X.ld, d);
        if (s->only < LANES)
            s->closest[i] = fmin(s->closest[i], d[s->only]);
        for (size_t l = 0; l < LANES; l++)
            sum[l] += mlk_weight(s->data->w, i) * fmin(s->closest[i], d[l]);
    }
    memcpy(s->partial + c->index * LANES, sum, sizeof sum);
    return MLK_OK;
}

/* A row with probability proportional to weight times closest, whose sums by chunks are known; the
 * weights alone where all are 0. */
static size_t draw_row(const lloyd *t, const double *closest, mlk_rng *rng)
{
    const size_t n = t->data->X.rows;
    double total = 0.0, weight = 0.0;
    size_t chunk = 0, last = 0;
    for (size_t h = 0; h < t->chunks; h++)
        total += t->partial[h * LANES];
    if (!(total > 0.0)) {
        for (size_t i = 0; i < n; i++)
            weight += mlk_weight(t->data->w, i);
    }
    double left = mlk_rng_uniform(rng) * (total > 0.0 ? total : weight);
    for (; total > 0.0 && chunk + 1 < t->chunks && left >= t->partial[chunk * LANES]; chunk++)
        left -= t->partial[chunk * LANES];
    for (size_t i = chunk * t->grain; i < n; i++) {
        const double share = mlk_weight(t->data->w, i) * (total > 0.0 ? closest[i] : 1.0);
        if (share > 0.0)
            last = i;
        if (share > 0.0 && left < share)
            return i;
        left -= share;
    }
    return last;
}

/* Candidates for centre c: drawn rows, side by side in the first lanes. */
static void draw_candidates(const lloyd *t, const double *closest, size_t trials, mlk_rng *rng,
                            double *block, size_t *row)
{
    const mlk_cmat X = t->data->X;
    for (size_t l = 0; l < LANES; l++) {
        row[l] = l < trials ? draw_row(t, closest, rng) : row[0];
        for (size_t j = 0; j < X.cols; j++)
            block[j * LANES + l] = X.data[row[l] * X.ld + j];
    }
}

/* Greedy k-means++; t->upper serves as `closest`, t->lanes as the candidates' block. */
mlk_status lloyd_start_plus_plus(lloyd *t, mlk_rng *rng, const mlk_run *run)
{
    const mlk_cmat X = t->data->X;
    const size_t wanted = 2 + (size_t)log((double)t->k);
    const size_t trials = wanted < TRIALS ? wanted : TRIALS;
    seeding s = {t->data, t->lanes, t->upper, t->partial, LANES};
    for (size_t i = 0; i < X.rows; i++)
        t->upper[i] = INFINITY;
    for (size_t h = 0; h < t->chunks; h++)
        t->partial[h * LANES] = 0.0;
    for (size_t c = 0; c < t->k; c++) {
        size_t row[LANES];
        double best = INFINITY;
        draw_candidates(t, t->upper, c ? trials : 1, rng, t->lanes, row);
        s.only = c ? LANES : 0;
        if (c)
            MLK_TRY(mlk_parallel_for(run, X.rows, t->grain, seed_rows, &s));
        for (size_t l = 0; c && l < trials; l++) {
            double sum = 0.0;
            for (size_t h = 0; h < t->chunks; h++)
                sum += t->partial[h * LANES + l];
            if (sum < best) {
                best = sum;
                s.only = l;
            }
        }
        if (s.only == LANES)
            return MLK_FAIL(MLK_EINVAL, "squared distances overflow: scale the columns");
        memcpy(t->C.data + c * X.cols, X.data + row[s.only] * X.ld, X.cols * sizeof(double));
        /* The chosen one joins; in lane 0 its sums serve the next draw. */
        for (size_t j = 0; j < X.cols; j++)
            t->lanes[j * LANES] = t->C.data[c * X.cols + j];
        s.only = 0;
        MLK_TRY(mlk_parallel_for(run, X.rows, t->grain, seed_rows, &s));
    }
    return MLK_OK;
}

mlk_status lloyd_start_random(lloyd *t, mlk_rng *rng)
{
    const mlk_cmat X = t->data->X;
    size_t *rows = mlk_alloc(X.rows, sizeof *rows);
    if (!rows)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu row numbers", X.rows);
    for (size_t i = 0; i < X.rows; i++)
        rows[i] = i;
    mlk_rng_sample(rng, rows, X.rows, t->k);
    for (size_t c = 0; c < t->k; c++)
        memcpy(t->C.data + c * X.cols, X.data + rows[c] * X.ld, X.cols * sizeof(double));
    mlk_free(rows);
    return MLK_OK;
}
