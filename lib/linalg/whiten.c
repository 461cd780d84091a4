#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"

/*
 * S = A'A with the R factor of the centred rows above the roots of the ridge; so S itself, whose
 * condition number is the square of A's, is never formed. Columns are scaled twice: by their range,
 * so that no square overflows, and to unit length, so that the rank does not depend on units.
 */
typedef struct whitening {
    size_t p;
    mlk_mat R;          /* of [1, X] */
    mlk_mat A, Vt;      /* rows x p, p x p */
    mlk_vec lo, hi, s;  /* p */
    mlk_vec unit, size; /* p: range of a column, 0 -> 1; its length in A */
    mlk_vec scale;      /* p: 1 / unit, or 0 where it is constant */
} whitening;

/* A mean may be off by so many units of its last place. */
static const double ROUNDING = 8.0;

static mlk_status take_memory(mlk_scratch *scratch, size_t p, size_t rows, whitening *t)
{
    mlk_vec *const vecs[] = {&t->lo, &t->hi, &t->s, &t->unit, &t->size, &t->scale};
    t->p = p;
    t->R = mlk_scratch_mat(scratch, p + 1, p + 1);
    t->A = mlk_scratch_mat(scratch, rows, p);
    t->Vt = mlk_scratch_mat(scratch, p, p);
    for (size_t k = 0; k < sizeof vecs / sizeof *vecs; k++)
        *vecs[k] = mlk_scratch_vec(scratch, p);
    return scratch->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", rows, p)
                           : MLK_OK;
}

static mlk_status find_units(mlk_cmat X, mlk_cvec shift, const mlk_run *run, whitening *t)
{
    MLK_TRY(mlk_column_range(X, run, t->lo, t->hi));
    for (size_t j = 0; j < t->p; j++) {
        const double m = shift.data[j], h = fmax(t->hi.data[j] - m, m - t->lo.data[j]);
        if (!(h < INFINITY))
            return MLK_FAIL(MLK_ESINGULAR, "the variance of column %zu overflows", j);
        const bool constant = h <= ROUNDING * DBL_EPSILON * fabs(m) || h < DBL_MIN;
        t->unit.data[j] = constant ? 1.0 : h;
        t->scale.data[j] = constant ? 0.0 : 1.0 / h;
    }
    return MLK_OK;
}

/* A, its columns' lengths, and the columns divided by them. */
static mlk_status fill(mlk_cvec ridge, whitening *t)
{
    const size_t p = t->p;
    for (size_t j = 0; j < p; j++) {
        double sum = 0.0;
        for (size_t i = 0; i < t->A.rows; i++) {
            double v = 0.0;
            if (i < p)
                v = t->R.data[(i + 1) * t->R.ld + j + 1];
            else if (i - p == j)
                v = sqrt(ridge.data[j]) / t->unit.data[j];
            t->A.data[i * p + j] = v;
            sum += v * v;
        }
        if (!(sum < INFINITY))
            return MLK_FAIL(MLK_ESINGULAR, "the variance of column %zu overflows", j);
        t->size.data[j] = sum > 0.0 ? sqrt(sum) : 1.0;
        for (size_t i = 0; i < t->A.rows; i++)
            t->A.data[i * p + j] /= t->size.data[j];
    }
    return MLK_OK;
}

static void put_columns(const whitening *t, double tol, mlk_mat W, size_t *rank, double *log_det)
{
    const size_t p = t->p;
    *rank = 0;
    *log_det = 0.0;
    while (*rank < p && t->s.data[*rank] > tol)
        ++*rank;
    for (size_t j = 0; j < p; j++) {
        const double length = t->unit.data[j] * t->size.data[j];
        *log_det += 2.0 * (log(t->s.data[j]) + log(t->unit.data[j]) + log(t->size.data[j]));
        for (size_t k = 0; k < *rank; k++)
            W.data[j * W.ld + k] = t->Vt.data[k * p + j] / t->s.data[k] / length;
    }
}

mlk_status mlk_whiten(mlk_cmat X, mlk_cvec w, mlk_cvec shift, mlk_cvec ridge, double tol,
                      const mlk_run *run, mlk_mat W, size_t *rank, double *log_det)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    whitening t;
    mlk_status st = take_memory(&scratch, X.cols, ridge.n ? 2 * X.cols : X.cols, &t);
    if (st == MLK_OK)
        st = find_units(X, shift, run, &t);
    if (st == MLK_OK)
        st = mlk_tall_qr(X, w, (mlk_cvec){NULL, 0}, shift, mlk_vec_c(t.scale), run, t.R);
    if (st == MLK_OK)
        st = fill(ridge, &t);
    if (st == MLK_OK)
        st = mlk_run_poll(run, -1.0);
    if (st == MLK_OK)
        st = mlk_svd(t.A, (mlk_mat){NULL, 0, 0, 0}, t.s, t.Vt);
    if (st == MLK_OK)
        put_columns(&t, tol, W, rank, log_det);
    mlk_scratch_release(&scratch);
    return st;
}
