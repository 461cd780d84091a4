#include "spatial/brute.h"

#include <float.h>
#include <math.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "spatial/lanes.h"

/* ------------------------------------------------------------ single precision */

/* Centred, scaled and rounded; returns the norm of what was rounded. */
MLK_SIMD_TILES static double round_row(const double *x, const double *mean, double scale, size_t p,
                                       float *out)
{
    double sum[8] = {0.0};
    for (size_t j = 0; j < p; j++) {
        const double v = scale * (x[j] - mean[j]);
        out[j] = (float)v;
        sum[j % 8] += v * v;
    }
    return sqrt(((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])));
}

static mlk_status round_block(void *ctx, const mlk_chunk *c)
{
    brute *b = ctx;
    const size_t p = b->X.cols;
    double reach = 0.0;
    for (size_t i = c->begin; i < c->end; i++) {
        const double norm =
            round_row(b->X.data + i * b->X.ld, b->mean, b->scale, p, b->rows + i * p);
        b->half[i] = (float)(0.5 * norm * norm);
        reach = fmax(reach, norm);
    }
    b->reach[c->index] = reach;
    return MLK_OK;
}

/* Scale such that no value is beyond 1 in absolute value; columns of X around their means. */
static mlk_status find_scale(brute *b, const mlk_run *run)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec lo = mlk_scratch_vec(&scratch, b->X.cols),
                  hi = mlk_scratch_vec(&scratch, b->X.cols);
    const mlk_vec mean = {b->mean, b->X.cols};
    const mlk_run inner = mlk_run_inner(run);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", b->X.cols)
                                   : mlk_column_means(b->X, (mlk_cvec){NULL, 0}, &inner, mean);
    if (st == MLK_OK)
        st = mlk_column_range(b->X, &inner, lo, hi);
    double widest = 0.0;
    for (size_t j = 0; st == MLK_OK && j < b->X.cols; j++)
        widest = fmax(widest, fmax(hi.data[j] - mean.data[j], mean.data[j] - lo.data[j]));
    b->scale = widest > DBL_MIN ? 1.0 / widest : 1.0;
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status brute_init(mlk_cmat X, double power, const mlk_run *run, brute *b)
{
    *b = (brute){.memory = MLK_SCRATCH_INIT, .X = X, .power = power};
    if (power != 2.0)
        return MLK_OK;
    b->mean = mlk_scratch_take(&b->memory, X.cols, sizeof *b->mean);
    b->rows = mlk_scratch_take(&b->memory, X.rows, X.cols * sizeof *b->rows);
    b->half = mlk_scratch_take(&b->memory, X.rows, sizeof *b->half);
    b->reach = mlk_scratch_take(&b->memory, mlk_chunks(X.rows, BRUTE_ROWS), sizeof *b->reach);
    if (b->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a copy of %zu x %zu values", X.rows, X.cols);
    MLK_TRY(find_scale(b, run));
    const mlk_run inner = mlk_run_inner(run);
    return mlk_parallel_for(&inner, X.rows, BRUTE_ROWS, round_block, b);
}

void brute_release(brute *b) { mlk_scratch_release(&b->memory); }

brute_room brute_take_room(mlk_scratch *scratch, size_t p)
{
    brute_room room;
    room.queries = mlk_scratch_take(scratch, BRUTE_QUERIES * sizeof(float), p);
    room.products = mlk_scratch_take(scratch, BRUTE_QUERIES * BRUTE_ROWS, sizeof(float));
    room.select = mlk_scratch_take(scratch, BRUTE_ROWS, sizeof(double));
    room.block = mlk_scratch_take(scratch, p, LANES * sizeof(double));
    return room;
}

/* ------------------------------------------------------------------ search */

/* Rows that wait to be measured together. */
typedef struct candidates {
    const brute *b;
    const double *x;
    double *block;
    near_list *list;
    size_t row[LANES], n;
} candidates;

static void measure(candidates *c)
{
    const size_t p = c->b->X.cols;
    const double *row[LANES];
    double distance[LANES];
    if (!c->n)
        return;
    for (size_t l = 0; l < LANES; l++)
        row[l] = c->b->X.data + c->row[l < c->n ? l : 0] * c->b->X.ld;
    if (c->b->power == 2.0) {
        lane_row_squares(row, p, c->x, distance);
    } else {
        for (size_t l = 0; l < LANES; l++)
            for (size_t j = 0; j < p; j++)
                c->block[j * LANES + l] = row[l][j];
        lane_distances(c->b->power, c->block, p, c->x, distance);
    }
    for (size_t l = 0; l < c->n; l++)
        near_add(c->list, (near_row){distance[l], c->row[l]});
    c->n = 0;
}

static void offer(candidates *c, size_t row, size_t left_out)
{
    if (row == left_out)
        return;
    c->row[c->n++] = row;
    if (c->n == LANES)
        measure(c);
}

/* v[i] = half[i] - v[i], which orders the rows of a block as their distances do; returns whether
 * any is no larger than the limit, or not a number. */
MLK_SIMD_TILES static bool finish_values(const float *half, size_t n, float limit, float *v)
{
    int any = 0;
    for (size_t i = 0; i < n; i++) {
        v[i] = half[i] - v[i];
        any |= !(v[i] > limit);
    }
    return any;
}

/* Largest value that a row among the k nearest can show in single precision. */
static float limit_of(const brute *b, const near_list *list, double norm, double error)
{
    if (list->n < list->k)
        return INFINITY;
    const double d = list->item[0].distance * b->scale * b->scale;
    const double limit = 0.5 * (d - norm * norm) + error;
    const float up = (float)limit;
    return isnan(limit) ? INFINITY : nextafterf(up, INFINITY);
}

/* A first limit from a whole block: the k-th smallest value of it, twice the error above. */
static float first_limit(const float *v, size_t n, size_t k, double error, double *room)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            return INFINITY;
        room[i] = v[i];
    }
    return nextafterf((float)(mlk_select(room, n, k) + 2.0 * error), INFINITY);
}

/* One query against one block of rows, whose products with it are in v. */
static void scan(candidates *c, size_t begin, size_t n, double norm, double error, size_t left_out,
                 double *room, float *v)
{
    const brute *b = c->b;
    float limit = limit_of(b, c->list, norm, error);
    if (!finish_values(b->half + begin, n, limit, v))
        return;
    /* One more for a row that may be left out. */
    if (c->list->n < c->list->k && n > c->list->k)
        limit = first_limit(v, n, c->list->k, error, room);
    for (size_t i = 0; i < n; i++) {
        if (v[i] > limit)
            continue;
        offer(c, begin + i, left_out);
        if (c->n == 0 && c->list->n == c->list->k)
            limit = fminf(limit, limit_of(b, c->list, norm, error));
    }
    measure(c);
}

static void search_euclidean(const brute *b, mlk_cmat Q, size_t left_out, const brute_room *room,
                             near_list *lists)
{
    const size_t p = b->X.cols, n = b->X.rows;
    const double unit = 0x1p-24;
    double norm[BRUTE_QUERIES];
    for (size_t i = 0; i < Q.rows; i++)
        norm[i] = round_row(Q.data + i * Q.ld, b->mean, b->scale, p, room->queries + i * p);
    for (size_t begin = 0, block = 0; begin < n; begin += BRUTE_ROWS, block++) {
        const size_t count = n - begin < BRUTE_ROWS ? n - begin : BRUTE_ROWS;
        mlk_gemm_f32(Q.rows, count, p, room->queries, p, b->rows + begin * p, p, room->products,
                     BRUTE_ROWS);
        for (size_t i = 0; i < Q.rows; i++) {
            const double R = b->reach[block];
            double error = 1.02 * unit * ((double)(p + 8) * norm[i] * R + 4.0 * R * R);
            /* What rounds to subnormal numbers; and beyond these, products may overflow. */
            error += 1e-37 * (double)(p + 8);
            if (!(norm[i] < 1e15 && R < 1e15 && p < 1u << 20))
                error = INFINITY;
            candidates c = {b, Q.data + i * Q.ld, room->block, &lists[i], {0}, 0};
            scan(&c, begin, count, norm[i], error, left_out == (size_t)-1 ? left_out : left_out + i,
                 room->select, room->products + i * BRUTE_ROWS);
        }
    }
}

void brute_search(const brute *b, mlk_cmat Q, size_t left_out, const brute_room *room,
                  near_list *lists)
{
    if (b->power == 2.0) {
        search_euclidean(b, Q, left_out, room, lists);
        return;
    }
    for (size_t i = 0; i < Q.rows; i++) {
        candidates c = {b, Q.data + i * Q.ld, room->block, &lists[i], {0}, 0};
        for (size_t row = 0; row < b->X.rows; row++)
            offer(&c, row, left_out == (size_t)-1 ? left_out : left_out + i);
        measure(&c);
    }
}
