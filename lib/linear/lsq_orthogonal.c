#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "linear/lsq.h"
#include "model/algo.h"

/*
 * The methods that never form X'X: Householder QR with column pivoting, and singular values. A
 * matrix with at least as many rows as columns is first reduced to the R of [1, X, y] by chunks
 * of rows [demmel2012]; its first row holds the means, the last column what is left of y.
 */
typedef struct problem {
    size_t n, p, m; /* m rows of A */
    bool intercept;
    mlk_mat R;                  /* (p + 2)^2 of [1, X, y] in units of shift, scale */
    mlk_vec shift, scale, size; /* p + 1 */
    mlk_mat At;                 /* p x m: the columns of A, scaled to length 1 */
    mlk_vec c, tau;             /* y beside A (m values) */
    mlk_vec unit;               /* factor of each column, from its own units to those of A */
    mlk_mat Rp;                 /* p x p: R of A with pivoting */
    size_t *pivot;
} problem;

/* A share of the largest singular value (or length) that counts as nothing. */
static double tolerance(size_t n, size_t p) { return 2.0 * (double)(n < p ? n : p) * MLK_LSQ_EPS; }

static double mean_of(const problem *s, size_t j)
{
    return s->shift.data[j] + s->R.data[j + 1] / s->R.data[0] / s->scale.data[j];
}

/* A and c from the rows of R that the constant leaves, columns to length 1; means and sums. */
static void take_columns(const problem *s, mlk_lsq *out)
{
    const size_t p = s->p, first = s->intercept ? 1 : 0;
    const double y_unit = s->scale.data[p];
    for (size_t j = 0; j <= p; j++) {
        double *column = j < p ? s->At.data + j * s->m : s->c.data;
        double square = 0.0;
        for (size_t i = 0; i < s->m; i++) {
            column[i] = s->R.data[(first + i) * s->R.ld + j + 1];
            square += column[i] * column[i];
        }
        if (j == p) {
            out->tss = square / y_unit / y_unit;
            break;
        }
        const double noise = s->size.data[j] * s->scale.data[j] * MLK_LSQ_EPS;
        const bool constant = square <= (s->intercept ? out->total * noise * noise : 0.0);
        const double factor = constant ? 0.0 : 1.0 / sqrt(square);
        for (size_t i = 0; i < s->m; i++)
            column[i] *= factor;
        s->unit.data[j] = s->scale.data[j] * (constant ? 1.0 : factor);
        out->mean.data[j] = s->intercept ? mean_of(s, j) : 0.0;
    }
    out->y_mean = s->intercept ? mean_of(s, p) : 0.0;
}

/* A basic solution from the leading rows of R that are above the noise. */
static mlk_status solve_qr(const problem *s, mlk_lsq_factor *f, mlk_lsq *out)
{
    const size_t p = s->p;
    const double y_unit = s->scale.data[p], tol = tolerance(s->n, p);
    for (f->rank = 0;
         f->rank < p && f->rank < s->n && fabs(s->Rp.data[f->rank * p + f->rank]) > tol;)
        f->rank++;
    out->rank = f->rank;
    double rss = 0.0;
    for (size_t i = f->rank; i < s->m; i++)
        rss += s->c.data[i] * s->c.data[i];
    out->rss = rss / y_unit / y_unit;
    for (size_t k = p; k-- > 0;) {
        double z = k < f->rank ? s->c.data[k] : 0.0;
        for (size_t j = k + 1; j < f->rank; j++)
            z -= s->Rp.data[k * p + j] * s->tau.data[j];
        s->tau.data[k] = k < f->rank ? z / s->Rp.data[k * p + k] : 0.0;
    }
    for (size_t k = 0; k < p; k++)
        out->w.data[s->pivot[k]] = s->tau.data[k] * s->unit.data[s->pivot[k]] / y_unit;
    out->method = "QR";
    if (f->rank == p)
        return mlk_lsq_inverse(f, s->intercept, out);
    mlk_lsq_no_inverse(out);
    return mlk_lsq_shorten(f, out);
}

typedef struct decomposition {
    mlk_mat B, U, Vt, Nt; /* p x p; Nt: directions that X cannot see, one a row */
    mlk_vec s, c;
} decomposition;

/* w = D V diag(1/s) U'c over the singular values above the noise, roots of D V diag(1/s)^2 V'D
 * alike. */
static void combine(const problem *s, const decomposition *g, mlk_lsq *out)
{
    const size_t p = s->p;
    const double y_unit = s->scale.data[p];
    double mean_part = 0.0;
    memset(out->w.data, 0, p * sizeof(double));
    memset(out->spread.data, 0, p * sizeof(double));
    for (size_t k = 0; k < out->rank; k++) {
        double dot = 0.0;
        for (size_t j = 0; j < p; j++) {
            const double plain = g->Vt.data[k * p + j] / g->s.data[k], v = plain * s->unit.data[j];
            out->w.data[j] += g->c.data[k] * v / y_unit;
            out->spread.data[j] += plain * plain;
            dot += v * out->mean.data[j];
        }
        mean_part += dot * dot;
    }
    for (size_t j = 0; j < p; j++)
        out->spread.data[j] = sqrt(out->spread.data[j]) * fabs(s->unit.data[j]);
    out->b_inverse = s->intercept ? 1.0 / out->total + mean_part : NAN;
}

/* The same by the singular values of R P', columns of X scaled to length 1. */
static mlk_status solve_svd(const problem *s, mlk_scratch *scratch, mlk_lsq *out)
{
    const size_t p = s->p;
    const double y_unit = s->scale.data[p];
    decomposition g;
    g.B = mlk_scratch_mat(scratch, p, p);
    g.U = mlk_scratch_mat(scratch, p, p);
    g.Vt = mlk_scratch_mat(scratch, p, p);
    g.s = mlk_scratch_vec(scratch, p);
    g.c = mlk_scratch_vec(scratch, p);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu singular values", p);
    for (size_t k = 0; k < p; k++)
        for (size_t j = 0; j < p; j++)
            g.B.data[k * p + s->pivot[j]] = s->Rp.data[k * p + j];
    MLK_TRY(mlk_svd(g.B, g.U, g.s, g.Vt));
    for (out->rank = 0; out->rank < p && g.s.data[out->rank] > tolerance(s->n, p) * g.s.data[0];)
        out->rank++;
    mlk_gemv(MLK_TRANS, 1.0, mlk_mat_c(g.U), (mlk_cvec){s->c.data, p}, 0.0, g.c);
    combine(s, &g, out);

    double rss = 0.0;
    for (size_t i = p; i < s->m; i++)
        rss += s->c.data[i] * s->c.data[i];
    for (size_t k = out->rank; k < p; k++)
        rss += g.c.data[k] * g.c.data[k];
    out->rss = rss / y_unit / y_unit;
    out->method = "singular values";
    if (out->rank == p)
        return MLK_OK;
    mlk_lsq_no_inverse(out);
    g.Nt = mlk_mat_rows(g.Vt, out->rank, p);
    for (size_t k = 0; k < g.Nt.rows; k++)
        for (size_t j = 0; j < p; j++)
            g.Nt.data[k * p + j] *= s->unit.data[j];
    return mlk_lsq_project_out(g.Nt, out->w);
}

static mlk_status run_tall(const mlk_data *d, bool svd, const mlk_run *run, problem *s,
                           mlk_scratch *scratch, mlk_lsq *out)
{
    const size_t p = s->p;
    MLK_TRY(mlk_lsq_units(d, s->intercept, run, s->shift, s->scale, s->size));
    MLK_TRY(mlk_tall_qr(d->X, d->w, d->y, mlk_vec_c(s->shift), mlk_vec_c(s->scale), run, s->R));
    take_columns(s, out);
    MLK_TRY(mlk_qr_pivot(s->At, s->tau, s->pivot));
    MLK_TRY(mlk_qr_apply(mlk_mat_c(s->At), mlk_vec_c(s->tau), MLK_TRANS, s->c));
    for (size_t k = 0; k < p; k++)
        for (size_t j = 0; j < p; j++)
            s->Rp.data[k * p + j] = j < k ? 0.0 : s->At.data[j * s->m + k];
    mlk_lsq_factor f = {s->Rp, s->unit, s->pivot, p};
    MLK_TRY(svd ? solve_svd(s, scratch, out) : solve_qr(s, &f, out));
    return out->rank == p ? mlk_lsq_condition(&f, out) : MLK_OK;
}

static mlk_status solve_tall(const mlk_data *d, bool intercept, bool svd, const mlk_run *run,
                             mlk_lsq *out)
{
    const size_t p = d->X.cols, m = p + (intercept ? 1 : 2);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    problem s = {.n = d->X.rows, .p = p, .m = m, .intercept = intercept};
    s.R = mlk_scratch_mat(&scratch, p + 2, p + 2);
    s.shift = mlk_scratch_vec(&scratch, p + 1);
    s.scale = mlk_scratch_vec(&scratch, p + 1);
    s.size = mlk_scratch_vec(&scratch, p + 1);
    s.At = mlk_scratch_mat(&scratch, p, m);
    s.c = mlk_scratch_vec(&scratch, m);
    s.tau = mlk_scratch_vec(&scratch, p);
    s.unit = mlk_scratch_vec(&scratch, p);
    s.Rp = mlk_scratch_mat(&scratch, p, p);
    s.pivot = mlk_scratch_take(&scratch, p, sizeof *s.pivot);
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu design", s.n, p)
                       : run_tall(d, svd, run, &s, &scratch, out);
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------ for others to decompose */

/* Subtracts from n values, `stride` apart, what their mean misses zero by, and gives that. */
static double centre_again(double *v, size_t n, size_t stride, mlk_cvec w)
{
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += mlk_weight(w, i) * v[i * stride];
        total += mlk_weight(w, i);
    }
    for (size_t i = 0; i < n; i++)
        v[i * stride] -= sum / total;
    return sum / total;
}

/* Fewer rows than columns: the rows themselves, centred, times the roots of their weights. Means
 * that are large beside the spread are rounded by much of it, all rows of a column alike, which
 * would look like one more dimension: so the deviations are centred again. */
static mlk_status centre_rows(const mlk_data *d, bool intercept, const mlk_run *run, mlk_mat A,
                              mlk_vec c, mlk_vec mean)
{
    const size_t p = d->X.cols;
    memset(mean.data, 0, mean.n * sizeof(double));
    if (intercept) {
        MLK_TRY(mlk_column_means(d->X, d->w, run, (mlk_vec){mean.data, p}));
        MLK_TRY(mlk_column_means((mlk_cmat){d->y.data, d->y.n, 1, 1}, d->w, run,
                                 (mlk_vec){mean.data + p, 1}));
    }
    for (size_t i = 0; i < d->X.rows; i++) {
        for (size_t j = 0; j < p; j++)
            A.data[i * A.ld + j] = d->X.data[i * d->X.ld + j] - mean.data[j];
        c.data[i] = d->y.data[i] - mean.data[p];
    }
    for (size_t j = 0; intercept && j < p; j++)
        mean.data[j] += centre_again(A.data + j, d->X.rows, A.ld, d->w);
    if (intercept)
        mean.data[p] += centre_again(c.data, d->X.rows, 1, d->w);
    for (size_t i = 0; d->w.n && i < d->X.rows; i++) {
        const double root = sqrt(d->w.data[i]);
        for (size_t j = 0; j < p; j++)
            A.data[i * A.ld + j] *= root;
        c.data[i] *= root;
    }
    return MLK_OK;
}

/* As many or more: the rows of R that the constant leaves, in the units of the data. */
static mlk_status reduce_rows(const mlk_data *d, bool intercept, const mlk_run *run,
                              mlk_scratch *scratch, mlk_mat A, mlk_vec c, mlk_vec mean)
{
    const size_t p = d->X.cols, first = intercept ? 1 : 0;
    const mlk_mat R = mlk_scratch_mat(scratch, p + 2, p + 2);
    const mlk_vec shift = mlk_scratch_vec(scratch, p + 1), scale = mlk_scratch_vec(scratch, p + 1);
    const mlk_vec size = mlk_scratch_vec(scratch, p + 1);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu design", d->X.rows, p);
    MLK_TRY(mlk_lsq_units(d, intercept, run, shift, scale, size));
    MLK_TRY(mlk_tall_qr(d->X, d->w, d->y, mlk_vec_c(shift), mlk_vec_c(scale), run, R));
    for (size_t j = 0; j <= p; j++) {
        for (size_t i = 0; i < A.rows; i++) {
            double *to = j < p ? A.data + i * A.ld + j : c.data + i;
            *to = R.data[(first + i) * R.ld + j + 1] / scale.data[j];
        }
        mean.data[j] = intercept ? shift.data[j] + R.data[j + 1] / R.data[0] / scale.data[j] : 0.0;
    }
    return MLK_OK;
}

size_t mlk_lsq_reduced_rows(const mlk_data *data, bool intercept)
{
    const size_t m = data->X.cols + (intercept ? 1 : 2);
    return data->X.rows < data->X.cols ? data->X.rows : m;
}

mlk_status mlk_lsq_reduce(const mlk_data *data, bool intercept, const mlk_run *run, mlk_mat A,
                          mlk_vec c, mlk_vec mean)
{
    if (data->X.rows < data->X.cols)
        return centre_rows(data, intercept, run, A, c, mean);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_status st = reduce_rows(data, intercept, run, &scratch, A, c, mean);
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------- fewer rows than columns */

typedef struct wide {
    mlk_mat Z, U, Vt;
    mlk_vec z, s, projection, mean;
} wide;

/* w = V diag(1/s) U'z over the singular values above the noise. */
static mlk_status run_wide(const mlk_data *d, bool intercept, const mlk_run *run, const wide *g,
                           mlk_lsq *out)
{
    const size_t n = d->X.rows, p = d->X.cols;
    MLK_TRY(centre_rows(d, intercept, run, g->Z, g->z, g->mean));
    memcpy(out->mean.data, g->mean.data, p * sizeof(double));
    out->y_mean = g->mean.data[p];
    out->tss = out->rss = 0.0;
    for (size_t i = 0; i < n; i++)
        out->tss += g->z.data[i] * g->z.data[i];
    MLK_TRY(mlk_svd(g->Z, g->U, g->s, g->Vt));
    for (out->rank = 0; out->rank < n && g->s.data[out->rank] > tolerance(n, p) * g->s.data[0];)
        out->rank++;

    mlk_gemv(MLK_TRANS, 1.0, mlk_mat_c(g->U), mlk_vec_c(g->z), 0.0, g->projection);
    memset(out->w.data, 0, p * sizeof(double));
    for (size_t k = 0; k < n; k++)
        if (k < out->rank)
            mlk_axpy(g->projection.data[k] / g->s.data[k], mlk_cmat_row(mlk_mat_c(g->Vt), k),
                     out->w);
        else
            out->rss += g->projection.data[k] * g->projection.data[k];
    mlk_lsq_no_inverse(out);
    out->method = "singular values";
    return MLK_OK;
}

static mlk_status solve_wide(const mlk_data *d, bool intercept, const mlk_run *run, mlk_lsq *out)
{
    const size_t n = d->X.rows, p = d->X.cols;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    wide g;
    g.Z = mlk_scratch_mat(&scratch, n, p);
    g.U = mlk_scratch_mat(&scratch, n, n);
    g.Vt = mlk_scratch_mat(&scratch, n, p);
    g.z = mlk_scratch_vec(&scratch, n);
    g.s = mlk_scratch_vec(&scratch, n);
    g.projection = mlk_scratch_vec(&scratch, n);
    g.mean = mlk_scratch_vec(&scratch, p + 1);
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory to factor a %zu x %zu design", n, p)
                              : run_wide(d, intercept, run, &g, out);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_lsq_orthogonal(const mlk_data *data, bool intercept, bool svd, const mlk_run *run,
                              mlk_lsq *out)
{
    const size_t p = data->X.cols;
    MLK_TRY(svd && data->X.rows < p ? solve_wide(data, intercept, run, out)
                                    : solve_tall(data, intercept, svd, run, out));
    out->b = out->y_mean;
    for (size_t j = 0; j < p; j++)
        out->b -= out->w.data[j] * out->mean.data[j];
    return MLK_OK;
}
