#include "linear/ridge_system.h"

#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "linear/lsq.h"
#include "model/algo.h"

static mlk_status no_memory(const ridge_system *s)
{
    return MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu ridge problem", s->data->X.rows,
                    s->data->X.cols);
}

static mlk_status init_primal(ridge_system *s, const mlk_run *run)
{
    const size_t p = s->m;
    s->G = mlk_scratch_mat(&s->scratch, p + 1, p + 1);
    if (s->scratch.failed)
        return no_memory(s);
    return mlk_gram_augmented(s->data->X, s->data->w, s->data->y, s->intercept, run, s->G, s->mean);
}

static mlk_status init_dual(ridge_system *s, const mlk_run *run)
{
    const size_t n = s->m;
    s->G = mlk_scratch_mat(&s->scratch, n, n);
    s->Z = mlk_scratch_mat(&s->scratch, n, s->data->X.cols);
    s->z = mlk_scratch_vec(&s->scratch, n);
    if (s->scratch.failed)
        return no_memory(s);
    MLK_TRY(mlk_lsq_reduce(s->data, s->intercept, run, s->Z, s->z, s->mean));
    return mlk_gram_rows(mlk_mat_c(s->Z), run, s->G);
}

/* Its diagonal shows whether all of X is finite: only then is the culprit looked for. */
static mlk_status check_products(const ridge_system *s, const mlk_run *run)
{
    size_t i, j;
    double sum = 0.0;
    for (size_t k = 0; k < s->G.rows; k++)
        sum += s->G.data[k * s->G.ld + k];
    if (isfinite(sum))
        return MLK_OK;
    if (mlk_find_nonfinite(s->data->X, run, &i, &j))
        return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j,
                        s->data->X.data[i * s->data->X.ld + j]);
    return MLK_FAIL(MLK_EINVAL, "the squares of X or y overflow; expected values below 1e150");
}

mlk_status ridge_system_init(const mlk_data *data, bool intercept, const mlk_run *run,
                             ridge_system *s)
{
    const size_t n = data->X.rows, p = data->X.cols;
    *s = (ridge_system){.data = data, .intercept = intercept, .dual = n < p, .m = n < p ? n : p};
    s->mean = mlk_scratch_vec(&s->scratch, p + 1);
    s->A = mlk_scratch_mat(&s->scratch, s->m, s->m);
    s->unit = mlk_scratch_vec(&s->scratch, s->m);
    MLK_TRY(s->dual ? init_dual(s, run) : init_primal(s, run));
    return check_products(s, run);
}

void ridge_system_release(ridge_system *s) { mlk_scratch_release(&s->scratch); }

/* ---------------------------------------------------------------- Cholesky */

/* A = D (G + alpha I) D with unit diagonal, factored: scaling by D makes the condition number
 * nearly the least that any scaling can [vandersluis1969]. */
static mlk_status factor(ridge_system *s, double alpha, double *rcond)
{
    const size_t m = s->m;
    for (size_t i = 0; i < m; i++) {
        const double d = s->G.data[i * s->G.ld + i] + alpha;
        s->unit.data[i] = d > 0.0 ? 1.0 / sqrt(d) : 1.0; /* 0: a column of nothing, singular */
    }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j <= i; j++)
            s->A.data[i * m + j] = (s->G.data[i * s->G.ld + j] + (i == j ? alpha : 0.0)) *
                                   s->unit.data[i] * s->unit.data[j];
    return mlk_chol(s->A, rcond);
}

/* x = D A^-1 D b */
static void solve(const ridge_system *s, const double *b, mlk_vec x)
{
    for (size_t i = 0; i < s->m; i++)
        x.data[i] = b[i] * s->unit.data[i];
    mlk_chol_solve(mlk_mat_c(s->A), (mlk_mat){x.data, s->m, 1, 1});
    for (size_t i = 0; i < s->m; i++)
        x.data[i] *= s->unit.data[i];
}

mlk_status ridge_system_cholesky(ridge_system *s, double alpha, const mlk_run *run, mlk_vec w,
                                 double *rcond)
{
    MLK_TRY(factor(s, alpha, rcond));
    if (!s->dual) {
        solve(s, s->G.data + s->m * s->G.ld, w);
        return MLK_OK;
    }
    /* n < p: w = Z'u with (ZZ' + alpha I) u = z */
    double *u = mlk_alloc(s->m, sizeof *u);
    if (!u)
        return no_memory(s);
    solve(s, s->z.data, (mlk_vec){u, s->m});
    const mlk_status st = mlk_gemv_t(mlk_mat_c(s->Z), (mlk_cvec){u, s->m}, run, w);
    mlk_free(u);
    return st;
}

/* ---------------------------------------------------------- singular values */

static mlk_status decompose(ridge_system *s, const mlk_run *run)
{
    if (s->decomposed)
        return MLK_OK;
    const size_t p = s->data->X.cols, rows = mlk_lsq_reduced_rows(s->data, s->intercept);
    const size_t k = rows < p ? rows : p;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat A = mlk_scratch_mat(&scratch, rows, p), U = mlk_scratch_mat(&scratch, rows, k);
    const mlk_vec c = mlk_scratch_vec(&scratch, rows);
    s->Vt = mlk_scratch_mat(&s->scratch, k, p);
    s->s = mlk_scratch_vec(&s->scratch, k);
    s->c = mlk_scratch_vec(&s->scratch, k);
    mlk_status st = scratch.failed || s->scratch.failed
                        ? no_memory(s)
                        : mlk_lsq_reduce(s->data, s->intercept, run, A, c, s->mean);
    if (st == MLK_OK && (st = mlk_svd(A, U, s->s, s->Vt)) == MLK_OK) {
        mlk_gemv(MLK_TRANS, 1.0, mlk_mat_c(U), mlk_vec_c(c), 0.0, s->c);
        s->decomposed = true;
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status ridge_system_svd(ridge_system *s, double alpha, const mlk_run *run, mlk_vec w)
{
    MLK_TRY(decompose(s, run));
    const double noise = 2.0 * (double)s->m * MLK_LSQ_EPS * s->s.data[0];
    memset(w.data, 0, w.n * sizeof(double));
    for (size_t k = 0; k < s->s.n; k++) {
        const double value = s->s.data[k];
        if (value > (alpha > 0.0 ? 0.0 : noise))
            mlk_axpy(s->c.data[k] / (value + alpha / value), mlk_cmat_row(mlk_mat_c(s->Vt), k), w);
    }
    return MLK_OK;
}
