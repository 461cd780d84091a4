#include "linear/lsq.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"

/* Up to so many multiply-adds, twice the precision costs nothing that anyone would notice. */
static const double SMALL_WORK = 1 << 22;
/* The normal equations in working precision lose a factor 1 / rcond of its 16 digits. */
static const double SAFE_RCOND = 1e-4, SAFE_RSS = 1e-6, SAFE_SPREAD = 1e-10;

/* ------------------------------------------------------------------- units */

/* A power of two just above |x|, inverted; 1 where that is no number. */
static double unit(double x)
{
    int e;
    if (!(x > 0.0 && x < INFINITY))
        return 1.0;
    frexp(x, &e);
    return ldexp(1.0, e > 1000 ? -1000 : e < -1000 ? 1000 : -e);
}

mlk_status mlk_lsq_units(const mlk_data *data, bool intercept, const mlk_run *run, mlk_vec shift,
                         mlk_vec scale, mlk_vec size)
{
    const size_t p = data->X.cols;
    const mlk_vec lo = {shift.data, p}, hi = {size.data, p};
    const mlk_cmat y = {data->y.data, data->y.n, 1, 1};
    MLK_TRY(mlk_column_range(data->X, run, lo, hi));
    MLK_TRY(mlk_column_range(y, run, (mlk_vec){shift.data + p, 1}, (mlk_vec){size.data + p, 1}));
    for (size_t j = 0; j <= p; j++) {
        const double least = shift.data[j], most = size.data[j];
        const bool exact = intercept && ((least > 0.0 && most <= 2.0 * least) ||
                                         (most < 0.0 && least >= 2.0 * most));
        shift.data[j] = exact ? least : 0.0;
        size.data[j] = fmax(fabs(least), fabs(most));
        scale.data[j] = unit(exact ? most - least : size.data[j]);
    }
    return MLK_OK;
}

/* --------------------------------------------------- what follows from R */

void mlk_lsq_no_inverse(mlk_lsq *out)
{
    for (size_t j = 0; j < out->spread.n; j++)
        out->spread.data[j] = NAN;
    out->b_inverse = NAN;
    out->condition = INFINITY;
}

mlk_status mlk_lsq_condition(const mlk_lsq_factor *f, mlk_lsq *out)
{
    const size_t p = f->R.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat A = mlk_scratch_mat(&scratch, p, p);
    const mlk_vec s = mlk_scratch_vec(&scratch, p);
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu singular values", p);
    }
    for (size_t j = 0; j < p; j++) {
        double norm = 0.0;
        for (size_t i = 0; i <= j; i++)
            norm = hypot(norm, f->R.data[i * f->R.ld + j]);
        for (size_t i = 0; i < p; i++)
            A.data[i * p + j] = i <= j ? f->R.data[i * f->R.ld + j] / norm : 0.0;
    }
    const mlk_mat none = {NULL, 0, 0, 0};
    const mlk_status st = mlk_svd(A, none, s, none);
    if (st == MLK_OK)
        out->condition = s.data[0] / s.data[p - 1];
    mlk_scratch_release(&scratch);
    return st;
}

/* B (p x k, row-major) = R^-1 B for the leading `rank` rows. */
static void solve_upper(const mlk_lsq_factor *f, mlk_mat B)
{
    for (size_t i = f->rank; i-- > 0;) {
        const double *r = f->R.data + i * f->R.ld;
        double *bi = B.data + i * B.ld;
        for (size_t m = i + 1; m < f->rank; m++)
            for (size_t c = 0; c < B.cols; c++)
                bi[c] -= r[m] * B.data[m * B.ld + c];
        for (size_t c = 0; c < B.cols; c++)
            bi[c] /= r[i];
    }
}

mlk_status mlk_lsq_inverse(const mlk_lsq_factor *f, bool intercept, mlk_lsq *out)
{
    const size_t p = f->R.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat T = mlk_scratch_mat(&scratch, p, p); /* R^-1 */
    const mlk_vec v = mlk_scratch_vec(&scratch, p);    /* R^-T D mean */
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory to invert a %zu x %zu matrix", p, p);
    }
    memset(T.data, 0, p * p * sizeof *T.data);
    memset(v.data, 0, p * sizeof *v.data);
    for (size_t k = 0; k < p; k++)
        T.data[k * p + k] = 1.0;
    solve_upper(f, T);
    double mean_part = 0.0;
    for (size_t k = 0; k < p; k++) {
        const size_t j = f->pivot[k];
        double sum = 0.0;
        for (size_t c = k; c < p; c++) {
            sum += T.data[k * p + c] * T.data[k * p + c];
            v.data[c] += T.data[k * p + c] * f->scale.data[j] * out->mean.data[j];
        }
        out->spread.data[j] = sqrt(sum) * fabs(f->scale.data[j]);
    }
    for (size_t c = 0; c < p; c++)
        mean_part += v.data[c] * v.data[c];
    out->b_inverse = intercept ? 1.0 / out->total + mean_part : NAN;
    mlk_scratch_release(&scratch);
    return MLK_OK;
}

/* w less its projection on the columns of N, of full rank: Q [0; (Q'w)_2] with N = QR. */
mlk_status mlk_lsq_project_out(mlk_mat Nt, mlk_vec w)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec tau = mlk_scratch_vec(&scratch, Nt.rows);
    size_t *order = mlk_scratch_take(&scratch, Nt.rows, sizeof *order);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu pivots", Nt.rows)
                                   : mlk_qr_pivot(Nt, tau, order);
    if (st == MLK_OK)
        st = mlk_qr_apply(mlk_mat_c(Nt), mlk_vec_c(tau), MLK_TRANS, w);
    if (st == MLK_OK) {
        memset(w.data, 0, Nt.rows * sizeof(double));
        st = mlk_qr_apply(mlk_mat_c(Nt), mlk_vec_c(tau), MLK_NO_TRANS, w);
    }
    mlk_scratch_release(&scratch);
    return st;
}

/*
 * All solutions are w + N z, where N = D P [R11^-1 R12; -I] spans what X cannot see (R11 the first
 * `rank` columns of R).
 */
mlk_status mlk_lsq_shorten(const mlk_lsq_factor *f, mlk_lsq *out)
{
    const size_t p = f->R.rows, r = f->rank, k = p - r;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat B = mlk_scratch_mat(&scratch, p, k), Nt = mlk_scratch_mat(&scratch, k, p);
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a null space of dimension %zu", k);
    }
    for (size_t i = 0; i < p; i++)
        for (size_t c = 0; c < k; c++)
            B.data[i * k + c] = i < r ? f->R.data[i * f->R.ld + r + c] : i == r + c ? -1.0 : 0.0;
    solve_upper(f, B);
    for (size_t i = 0; i < p; i++)
        for (size_t c = 0; c < k; c++)
            Nt.data[c * p + f->pivot[i]] = B.data[i * k + c] * f->scale.data[f->pivot[i]];
    const mlk_status st = mlk_lsq_project_out(Nt, out->w);
    mlk_scratch_release(&scratch);
    return st;
}

/* --------------------------------- normal equations in working precision */

typedef struct normal {
    mlk_mat G; /* (p + 1) x (p + 1), y last */
    mlk_mat A; /* p x p: scaled, then its factor */
    mlk_vec mean, scale, z;
    size_t *pivot;
} normal;

/* G to unit diagonal in A; false where a column is so nearly constant that this is a guess. */
static bool equilibrate(const normal *s, double total)
{
    const size_t p = s->A.rows;
    for (size_t j = 0; j < p; j++) {
        const double d = s->G.data[j * s->G.ld + j], m = s->mean.data[j];
        if (!(d > SAFE_SPREAD * total * m * m && d > 1e-250 && d < INFINITY))
            return false;
        s->scale.data[j] = 1.0 / sqrt(d);
        s->pivot[j] = j;
    }
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++)
            s->A.data[i * p + j] = s->G.data[i * s->G.ld + j] * s->scale.data[i] * s->scale.data[j];
    return true;
}

/* Solves with the factor in A; false where too many digits of the residuals cancel. */
static bool solve_normal(const normal *s, bool intercept, mlk_lsq *out)
{
    const size_t p = s->A.rows;
    const double *c = s->G.data + p * s->G.ld;
    for (size_t j = 0; j < p; j++)
        s->z.data[j] = c[j] * s->scale.data[j];
    mlk_chol_solve(mlk_mat_c(s->A), (mlk_mat){s->z.data, p, 1, 1});
    out->tss = out->rss = c[p];
    out->y_mean = out->b = s->mean.data[p];
    for (size_t j = 0; j < p; j++) {
        out->w.data[j] = s->z.data[j] * s->scale.data[j];
        out->mean.data[j] = s->mean.data[j];
        out->rss -= out->w.data[j] * c[j];
        out->b -= out->w.data[j] * out->mean.data[j];
    }
    if (!intercept)
        out->b = 0.0;
    out->rank = p;
    out->gradient = 0.0;
    for (size_t j = 0; j < p; j++) {
        double g = c[j];
        for (size_t i = 0; i < p; i++)
            g -= s->G.data[j * s->G.ld + i] * out->w.data[i];
        out->gradient = fmax(out->gradient, 2.0 * fabs(g));
    }
    return out->rss > SAFE_RSS * out->tss;
}

/* Leaves *done false where working precision does not do. */
static mlk_status try_normal(const mlk_data *d, bool intercept, const mlk_run *run, normal *s,
                             mlk_lsq *out, bool *done)
{
    const size_t p = d->X.cols;
    double rcond;
    MLK_TRY(mlk_gram_augmented(d->X, d->w, d->y, intercept, run, s->G, s->mean));
    if (!equilibrate(s, out->total) || mlk_chol(s->A, &rcond) != MLK_OK || rcond < SAFE_RCOND ||
        !solve_normal(s, intercept, out))
        return MLK_OK;
    for (size_t i = 0; i < p; i++) /* R = L' */
        for (size_t j = 0; j < i; j++) {
            s->A.data[j * p + i] = s->A.data[i * p + j];
            s->A.data[i * p + j] = 0.0;
        }
    const mlk_lsq_factor f = {s->A, s->scale, s->pivot, p};
    MLK_TRY(mlk_lsq_inverse(&f, intercept, out));
    MLK_TRY(mlk_lsq_condition(&f, out));
    out->method = "normal equations";
    *done = true;
    return MLK_OK;
}

static mlk_status solve_in_working_precision(const mlk_data *d, bool intercept, const mlk_run *run,
                                             mlk_lsq *out, bool *done)
{
    const size_t p = d->X.cols;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    normal s;
    s.G = mlk_scratch_mat(&scratch, p + 1, p + 1);
    s.A = mlk_scratch_mat(&scratch, p, p);
    s.mean = mlk_scratch_vec(&scratch, p + 1);
    s.scale = mlk_scratch_vec(&scratch, p);
    s.z = mlk_scratch_vec(&scratch, p);
    s.pivot = mlk_scratch_take(&scratch, p, sizeof *s.pivot);
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu normal equations", p)
                              : try_normal(d, intercept, run, &s, out, done);
    mlk_scratch_release(&scratch);
    return st;
}

/* ---------------------------------------------------------------- all of it */

static mlk_status check_finite(mlk_cmat X, const mlk_run *run)
{
    size_t i, j;
    if (mlk_find_nonfinite(X, run, &i, &j))
        return MLK_FAIL(MLK_EINVAL, "X[%zu, %zu] = %g; expected a finite value", i, j,
                        X.data[i * X.ld + j]);
    return MLK_OK;
}

/* The certificate, from the residuals themselves. */
static mlk_status certify(const mlk_data *d, bool intercept, const mlk_run *run, mlk_lsq *out)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec r = mlk_scratch_vec(&scratch, d->X.rows),
                  g = mlk_scratch_vec(&scratch, d->X.cols);
    double sum = 0.0;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu residuals", d->X.rows)
                                   : mlk_affine(d->X, mlk_vec_c(out->w), out->b, run, r);
    for (size_t i = 0; st == MLK_OK && i < r.n; i++)
        sum += r.data[i] = mlk_weight(d->w, i) * (d->y.data[i] - r.data[i]);
    if (st == MLK_OK)
        st = mlk_gemv_t(d->X, mlk_vec_c(r), run, g);
    out->gradient = intercept ? 2.0 * fabs(sum) : 0.0;
    for (size_t j = 0; st == MLK_OK && j < g.n; j++)
        out->gradient = fmax(out->gradient, 2.0 * fabs(g.data[j]));
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_lsq_solve(const mlk_data *data, bool intercept, mlk_lsq_solver solver,
                         const mlk_run *run, mlk_lsq *out)
{
    const size_t n = data->X.rows, p = data->X.cols;
    bool done = false;
    out->total = data->w.n ? 0.0 : (double)n;
    for (size_t i = 0; i < data->w.n; i++)
        out->total += data->w.data[i];

    if (solver == MLK_LSQ_AUTO)
        solver = n < p ? MLK_LSQ_SVD : MLK_LSQ_CHOLESKY;
    /* A value that is not finite makes the Gram matrix so: then, and only then, it is looked for.
     */
    if (solver == MLK_LSQ_CHOLESKY && (double)n * (double)p * (double)p > SMALL_WORK)
        MLK_TRY(solve_in_working_precision(data, intercept, run, out, &done));
    if (done)
        return MLK_OK;
    MLK_TRY(check_finite(data->X, run));
    MLK_TRY(solver == MLK_LSQ_CHOLESKY
                ? mlk_lsq_twofold(data, intercept, run, out)
                : mlk_lsq_orthogonal(data, intercept, solver == MLK_LSQ_SVD, run, out));
    return certify(data, intercept, run, out);
}
