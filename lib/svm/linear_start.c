#include "svm/linear_start.h"

#include <math.h>
#include <string.h>

#include "core/status.h"
#include "linalg/linalg.h"
#include "svm/primal.h"

/* What of the relative gap makes a violation: found by trial, and no loss where SMO has to finish.
 */
#define GAP_OF_TOL 1e-6

enum { MOST_COLUMNS = 1000, LEAST_ROWS = 4 /* a column */, MOST_PASSES = 500 };

bool mlk_linear_start_fits(const dual *d, const dual_cache *cache)
{
    const mlk_kernel_set *set = cache->set;
    const size_t p = set->X.cols;
    double sum = 0.0, most = 0.0;
    if (set->kernel.kind != MLK_KERNEL_LINEAR || d->groups != 1 || !d->q || p > MOST_COLUMNS ||
        cache->n / LEAST_ROWS < p)
        return false;
    for (size_t i = 0; i < cache->n; i++) {
        sum += d->beta[i];
        most += d->hi[i] - d->lo[i];
    }
    return fabs(sum) <= 1e-9 * most;
}

/* The samples' rows, targets and bounds, as primal.h wants them: q = -y, and what goes both ways is
 * regression. */
static void gather(const dual *d, const dual_cache *cache, primal *p, mlk_mat X, double *y,
                   double *C)
{
    const mlk_cmat from = cache->set->X;
    p->tube = false;
    for (size_t i = 0; i < X.rows; i++) {
        memcpy(X.data + i * X.ld, from.data + dual_rows_at(&cache->rows, i) * from.ld,
               X.cols * sizeof *X.data);
        y[i] = -d->q[i];
        C[i] = fmax(d->hi[i], -d->lo[i]);
        p->tube |= d->lo[i] < 0.0 && d->hi[i] > 0.0;
    }
    p->X = mlk_mat_c(X);
    p->y = y;
    p->C = C;
    p->epsilon = d->kink;
}

/* beta from the slopes of the rounded losses where the function is z. */
static void set_variables(dual *d, const primal *p, const double *z)
{
    for (size_t i = 0; i < p->X.rows; i++) {
        const double e = p->y[i] - z[i];
        const double u = p->tube ? fabs(e) - p->epsilon : 1.0 - p->y[i] * z[i];
        const double share = u <= 0.0 ? 0.0 : u >= p->width ? 1.0 : u / p->width;
        const double bound = (p->tube ? e > 0.0 : p->y[i] > 0.0) ? d->hi[i] : d->lo[i];
        d->beta[i] = share * bound;
    }
}

/* What the sum misses 0 by is taken from variables between their bounds as far as they go, and then
 * from the others: each may go to 0. */
static void balance(dual *d, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += d->beta[i];
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n && sum != 0.0; i++) {
            const double b = d->beta[i], end = b > 0.0 ? d->hi[i] : d->lo[i];
            if (b == 0.0 || (pass == 0 && b == end))
                continue;
            const double least = fmin(0.0, end), most = fmax(0.0, end);
            const double next = fmin(most, fmax(least, b - sum));
            sum -= b - next;
            d->beta[i] = next;
        }
}

/* f = X v */
static void multiply(mlk_cmat X, const double *v, double *f)
{
    mlk_gemv(MLK_NO_TRANS, 1.0, X, (mlk_cvec){v, X.cols}, 0.0, (mlk_vec){f, X.rows});
}

static bool is_finite(const double *v, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += fabs(v[i]);
    return isfinite(sum);
}

/* From the primal solution to beta and f. */
static void leave(dual *d, const primal *p, double *slope)
{
    const size_t n = p->X.rows, cols = p->X.cols;
    multiply(p->X, p->w, d->f);
    for (size_t i = 0; i < n; i++)
        d->f[i] += p->w[cols];
    set_variables(d, p, d->f);
    balance(d, n);
    mlk_gemv(MLK_TRANS, 1.0, p->X, (mlk_cvec){d->beta, n}, 0.0, (mlk_vec){slope, cols});
    multiply(p->X, slope, d->f);
}

mlk_status mlk_linear_start(dual *d, const dual_cache *cache, const mlk_run *run)
{
    const size_t n = cache->n, cols = cache->set->X.cols;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat X = mlk_scratch_mat(&scratch, n, cols);
    double *y = mlk_scratch_vec(&scratch, n).data, *C = mlk_scratch_vec(&scratch, n).data;
    double *slope = mlk_scratch_vec(&scratch, cols).data;
    primal p = {.w = mlk_scratch_vec(&scratch, cols + 1).data};
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows of a linear kernel", n);
    }
    gather(d, cache, &p, X, y, C);
    p.tol = fmax(1e-13, GAP_OF_TOL * d->tol);
    p.max_iter = d->max_steps - d->steps < MOST_PASSES ? d->max_steps - d->steps : MOST_PASSES;
    mlk_status st = mlk_primal_solve(&p, run);
    if (st == MLK_OK && is_finite(p.w, cols + 1))
        leave(d, &p, slope);
    if (st == MLK_ESINGULAR || (st == MLK_OK && !is_finite(d->f, n))) { /* too large to square */
        memset(d->beta, 0, n * sizeof *d->beta);
        memset(d->f, 0, n * sizeof *d->f);
        st = MLK_OK;
    }
    *d->path = (dual_path){0};
    d->steps += p.iterations;
    mlk_scratch_release(&scratch);
    return st;
}
