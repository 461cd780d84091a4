#include "decomposition/smacof.h"

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"
#include "linalg/linalg.h"

enum { SIDE = 8, WORK = 1 << 18, PLACE_STEPS = 500 };

/* ratio[j] = d[j] / |z - z_j|, 0 where they coincide; returns the sum of (d - |z - z_j|)^2. Eight
 * sums side by side, so that they can be formed in vectors. */
MLK_SIMD_TILES static double find_ratios(const double *columns, size_t n, size_t k, const double *z,
                                         const double *d, double *ratio)
{
    for (size_t j = 0; j < n; j++)
        ratio[j] = 0.0;
    for (size_t c = 0; c < k; c++) {
        const double *column = columns + c * n, at = z[c];
        for (size_t j = 0; j < n; j++)
            ratio[j] += (column[j] - at) * (column[j] - at);
    }
    double sum[SIDE] = {0.0}, total = 0.0;
    for (size_t j = 0; j < n; j++)
        ratio[j] = sqrt(ratio[j]);
    size_t j = 0;
    for (; j + SIDE <= n; j += SIDE)
        for (size_t l = 0; l < SIDE; l++)
            sum[l] += (d[j + l] - ratio[j + l]) * (d[j + l] - ratio[j + l]);
    for (; j < n; j++)
        total += (d[j] - ratio[j]) * (d[j] - ratio[j]);
    for (j = 0; j < n; j++)
        ratio[j] = ratio[j] > 0.0 ? d[j] / ratio[j] : 0.0;
    for (size_t l = 0; l < SIDE; l++)
        total += sum[l];
    return total;
}

/* sum_j (z_j + ratio_j (z - z_j)) / n in one dimension, where sum_j z_j is known. */
MLK_SIMD_TILES static double guttman(const double *column, const double *ratio, size_t n, double at,
                                     double column_sum)
{
    double sum[SIDE] = {0.0}, total = column_sum;
    size_t j = 0;
    for (; j + SIDE <= n; j += SIDE)
        for (size_t l = 0; l < SIDE; l++)
            sum[l] += ratio[j + l] * (at - column[j + l]);
    for (; j < n; j++)
        total += ratio[j] * (at - column[j]);
    for (size_t l = 0; l < SIDE; l++)
        total += sum[l];
    return total / (double)n;
}

/* ---------------------------------------------------------------- all points */

typedef struct step {
    mlk_cmat D;
    size_t k;
    double *columns; /* k x n: Z' */
    double *next;    /* n x k: Z after the step */
    double *room;    /* workers x (n + k) */
    double *stress;  /* a chunk */
} step;

static mlk_status step_rows(void *ctx, const mlk_chunk *c)
{
    const step *t = ctx;
    const size_t n = t->D.rows, k = t->k;
    double *ratio = t->room + c->worker * (n + k), *z = ratio + n, stress = 0.0;
    for (size_t i = c->begin; i < c->end; i++) {
        for (size_t a = 0; a < k; a++)
            z[a] = t->columns[a * n + i];
        stress += find_ratios(t->columns, n, k, z, t->D.data + i * t->D.ld, ratio);
        for (size_t a = 0; a < k; a++) /* the map is centred after the first step */
            t->next[i * k + a] = guttman(t->columns + a * n, ratio, n, z[a], 0.0);
    }
    t->stress[c->index] = stress;
    return MLK_OK;
}

/* The stress of Z and the map after a step from it. */
static mlk_status take_step(step *t, mlk_mat Z, const mlk_run *run, double *stress)
{
    const size_t n = t->D.rows, grain = mlk_grain(n * (t->k + 1), WORK);
    MLK_TRY(mlk_transpose(mlk_mat_c(Z), run, (mlk_mat){t->columns, t->k, n, n}));
    MLK_TRY(mlk_parallel_for(run, n, grain, step_rows, t));
    *stress = 0.0;
    for (size_t c = 0; c < mlk_chunks(n, grain); c++)
        *stress += 0.5 * t->stress[c];
    return MLK_OK;
}

static mlk_status iterate(step *t, int64_t max_iter, double eps, int64_t start, const mlk_run *run,
                          mlk_mat Z, smacof_result *r)
{
    const mlk_run inner = mlk_run_inner(run);
    const mlk_cmat next = {t->next, Z.rows, Z.cols, Z.cols};
    double before = INFINITY;
    *r = (smacof_result){INFINITY, 0, false};
    for (;; r->steps++) {
        MLK_TRY(mlk_run_poll(run, -1.0));
        MLK_TRY(take_step(t, Z, &inner, &r->stress));
        mlk_run_log(run, "start %lld, step %lld: stress %.10g", (long long)start,
                    (long long)r->steps, r->stress);
        r->converged = before - r->stress <= eps * r->stress;
        if (r->converged || r->steps == max_iter)
            return MLK_OK;
        before = r->stress;
        mlk_copy(next, Z);
    }
}

mlk_status smacof_run(mlk_cmat D, int64_t max_iter, double eps, int64_t start, const mlk_run *run,
                      mlk_mat Z, smacof_result *result)
{
    const size_t n = Z.rows, k = Z.cols, grain = mlk_grain(n * (k + 1), WORK);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    step t = {.D = D, .k = k};
    t.columns = mlk_scratch_mat(&scratch, k, n).data;
    t.next = mlk_scratch_mat(&scratch, n, k).data;
    t.room = mlk_scratch_mat(&scratch, mlk_workers(run, n, grain), n + k).data;
    t.stress = mlk_scratch_vec(&scratch, mlk_chunks(n, grain)).data;
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for a map of %zu rows", n)
                              : iterate(&t, max_iter, eps, start, run, Z, result);
    mlk_scratch_release(&scratch);
    return st;
}

/* ----------------------------------------------------------------- one point */

void smacof_place(mlk_cmat columns, const double *d, double *room, double *z)
{
    const size_t n = columns.cols, k = columns.rows;
    size_t nearest = 0;
    for (size_t j = 1; j < n; j++)
        nearest = d[j] < d[nearest] ? j : nearest;
    for (size_t c = 0; c < k; c++)
        z[c] = columns.data[c * n + nearest];
    for (int it = 0; it < PLACE_STEPS; it++) {
        double moved = 0.0, size = 0.0;
        (void)find_ratios(columns.data, n, k, z, d, room);
        for (size_t c = 0; c < k; c++) {
            const double *column = columns.data + c * n;
            double sum = 0.0;
            for (size_t j = 0; j < n; j++)
                sum += column[j];
            room[n + c] = guttman(column, room, n, z[c], sum);
        }
        for (size_t c = 0; c < k; c++) {
            moved = fmax(moved, fabs(room[n + c] - z[c]));
            size = fmax(size, fabs(room[n + c]));
            z[c] = room[n + c];
        }
        if (!(moved > 1e-12 * size))
            return;
    }
}
