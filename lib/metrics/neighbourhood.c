#include <mlkit/metrics/neighbourhood.h>

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"

enum { QUERIES = 4, SIDE = 8, LEAST_ROWS = 200 };

typedef struct judging {
    mlk_cmat X, Z;
    bool distances;
    size_t k, rows;
    double *room;    /* workers x 2 QUERIES x n: distances in the data and in the map */
    size_t *near;    /* workers x k */
    double *penalty; /* a chunk: trustworthiness, continuity */
} judging;

/* Squared distance, eight sums side by side. */
static inline __attribute__((always_inline)) double squared(const double *a, const double *b,
                                                            size_t p)
{
    double sum[SIDE] = {0.0}, total = 0.0;
    size_t j = 0;
    for (; j + SIDE <= p; j += SIDE)
        for (size_t l = 0; l < SIDE; l++)
            sum[l] += (a[j + l] - b[j + l]) * (a[j + l] - b[j + l]);
    for (; j < p; j++)
        total += (a[j] - b[j]) * (a[j] - b[j]);
    for (size_t l = 0; l < SIDE; l++)
        total += sum[l];
    return total;
}

/* From `count` rows of A (numbers in `query`) to all rows: out[q * n + j]; itself: infinite. A row
 * is loaded once for all queries. */
MLK_SIMD_TILES static void measure(const mlk_cmat *A, bool distances, const size_t *query,
                                   size_t count, double *out)
{
    const size_t n = A->rows;
    for (size_t j = 0; j < n; j++)
        for (size_t q = 0; q < count; q++) {
            const double *from = A->data + query[q] * A->ld;
            out[q * n + j] = query[q] == j ? INFINITY
                             : distances   ? from[j]
                                           : squared(from, A->data + j * A->ld, A->cols);
        }
}

/* How many rows come before row j by distance, equal distances by row. */
MLK_SIMD_TILES static size_t before(const double *d, size_t n, size_t j)
{
    const double at = d[j];
    size_t count = 0;
    for (size_t l = 0; l < j; l++)
        count += d[l] <= at;
    for (size_t l = j + 1; l < n; l++)
        count += d[l] < at;
    return count;
}

/* The k nearest, nearest first. */
static void nearest(const double *d, size_t n, size_t k, size_t *near)
{
    size_t found = 0;
    for (size_t j = 0; j < n; j++) {
        if (found == k && !(d[j] < d[near[k - 1]]))
            continue;
        size_t at = found < k ? found++ : k - 1;
        for (; at && d[j] < d[near[at - 1]]; at--)
            near[at] = near[at - 1];
        near[at] = j;
    }
}

/* Sum of rank - k in `there` over the k nearest in `here`. */
static double penalty(const double *here, const double *there, size_t n, size_t k, size_t *near)
{
    double sum = 0.0;
    nearest(here, n, k, near);
    for (size_t a = 0; a < k; a++) {
        const size_t rank = before(there, n, near[a]) + 1;
        sum += rank > k ? (double)(rank - k) : 0.0;
    }
    return sum;
}

static mlk_status judge(void *ctx, const mlk_chunk *c)
{
    const judging *t = ctx;
    const size_t n = t->X.rows, count = c->end - c->begin;
    double *in_data = t->room + c->worker * 2 * QUERIES * n, *in_map = in_data + QUERIES * n;
    size_t query[QUERIES] = {0}, *near = t->near + c->worker * t->k;
    for (size_t q = 0; q < count; q++)
        query[q] = (size_t)((double)(c->begin + q) * (double)n / (double)t->rows);
    measure(&t->X, t->distances, query, count, in_data);
    measure(&t->Z, false, query, count, in_map);
    double *out = t->penalty + 2 * c->index;
    out[0] = out[1] = 0.0;
    for (size_t q = 0; q < count; q++) {
        out[0] += penalty(in_map + q * n, in_data + q * n, n, t->k, near);
        out[1] += penalty(in_data + q * n, in_map + q * n, n, t->k, near);
    }
    return MLK_OK;
}

static mlk_status check(mlk_cmat X, bool distances, mlk_cmat Z, size_t k)
{
    if (X.rows != Z.rows || (distances && X.cols != X.rows) || k < 1)
        return MLK_FAIL(MLK_EINVAL,
                        "%zu neighbours in data of %zu x %zu and a map of %zu x %zu; expected as "
                        "many rows, and a square matrix of distances",
                        k, X.rows, X.cols, Z.rows, Z.cols);
    const mlk_cmat both[] = {X, Z};
    for (size_t a = 0; a < 2; a++)
        for (size_t i = 0; i < both[a].rows; i++)
            for (size_t j = 0; j < both[a].cols; j++)
                if (!isfinite(both[a].data[i * both[a].ld + j]))
                    return MLK_FAIL(MLK_EINVAL, "%s[%zu, %zu] = %g; expected a finite value",
                                    a ? "Z" : "X", i, j, both[a].data[i * both[a].ld + j]);
    return MLK_OK;
}

mlk_status mlk_neighbourhood_kept(mlk_cmat X, bool distances, mlk_cmat Z, size_t k, double work,
                                  const mlk_run *run, mlk_neighbourhood *kept)
{
    MLK_TRY(check(X, distances, Z, k));
    const size_t n = X.rows;
    *kept = (mlk_neighbourhood){NAN, NAN, 0};
    if (2 * k >= n)
        return MLK_OK;
    const double cost = (double)n * (double)((distances ? 1 : X.cols) + Z.cols + 2 * k);
    const double most = work / cost;
    const size_t affordable = most > (double)LEAST_ROWS ? (size_t)fmin(most, 1e15) : LEAST_ROWS;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    judging t = {X, Z, distances, k, affordable < n ? affordable : n, NULL, NULL, NULL};
    const size_t workers = mlk_workers(run, t.rows, QUERIES), chunks = mlk_chunks(t.rows, QUERIES);
    t.room = mlk_scratch_mat(&scratch, workers * 2 * (size_t)QUERIES, n).data;
    t.near = mlk_scratch_take(&scratch, workers * k, sizeof *t.near);
    t.penalty = mlk_scratch_mat(&scratch, chunks, 2).data;
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu distances", n)
                                         : mlk_parallel_for(run, t.rows, QUERIES, judge, &t);
    if (st == MLK_OK) {
        double sum[2] = {0.0, 0.0};
        for (size_t c = 0; c < chunks; c++)
            for (size_t a = 0; a < 2; a++)
                sum[a] += t.penalty[2 * c + a];
        const double scale = 2.0 / ((double)t.rows * (double)k * (double)(2 * n - 3 * k - 1));
        *kept = (mlk_neighbourhood){1.0 - scale * sum[0], 1.0 - scale * sum[1], t.rows};
    }
    mlk_scratch_release(&scratch);
    return st;
}
