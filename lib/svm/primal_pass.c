#include "svm/primal_work.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"

/* ------------------------------------------------------------------------------ one row */

/* u and its derivative by z. */
static inline double row_u(const primal *p, size_t i, double z, double *slope)
{
    if (!p->tube) {
        *slope = -p->y[i];
        return 1.0 - p->y[i] * z;
    }
    const double e = z - p->y[i];
    *slope = e < 0.0 ? -1.0 : 1.0;
    return fabs(e) - p->epsilon;
}

/* Loss of u >= 0 with width h, per unit of C; its derivative. */
static inline double row_loss(double h, double u, double *d)
{
    if (u <= 0.0) {
        *d = 0.0;
        return 0.0;
    }
    if (h == 0.0) {
        *d = 2.0 * u;
        return u * u;
    }
    *d = u < h ? u / h : 1.0;
    return u < h ? 0.5 * u * u / h : u - 0.5 * h;
}

/* -------------------------------------------------------------------- a pass over all rows */

/* v of rows begin.. into r, with the sums; z is known. */
static void weigh_rows(const primal_solver *s, size_t begin, size_t rows, const double *z,
                       double *r, primal_sums *sum)
{
    const primal *p = s->p;
    for (size_t k = 0; k < rows; k++) {
        const size_t i = begin + k;
        double slope, d;
        const double u = row_u(p, i, z[i], &slope), C = p->C[i];
        sum->loss += C * row_loss(s->h, u, &d);
        sum->true_loss += u > 0.0 ? C * (p->squared ? u * u : u) : 0.0;
        sum->rounding += !p->squared && u > 0.0 ? C * u * (1.0 - d) : 0.0;
        double v = -C * d * slope;
        v *= v > 0.0 ? s->plus_factor : s->minus_factor;
        sum->dual += p->y[i] * v - p->epsilon * fabs(v);
        if (p->squared && C > 0.0)
            sum->dual -= 0.25 * v * v / C;
        sum->plus += v > 0.0 ? v : 0.0;
        sum->minus -= v < 0.0 ? v : 0.0;
        if (!s->certificate)
            s->active[i] = C > 0.0 && u > 0.0 && (s->h == 0.0 || u < s->h);
        r[k] = v;
    }
}

/* z = rows w + b. Own loops, here and below: the same bytes whatever the stride of the rows. */
MLK_SIMD_TILES static void multiply_rows(mlk_cmat rows, const double *w, double b, double *z)
{
    enum { LANES = 16 };
    for (size_t i = 0; i < rows.rows; i++) {
        const double *x = rows.data + i * rows.ld;
        double lane[LANES] = {0.0}, sum = b;
        size_t j = 0;
        for (; j + LANES <= rows.cols; j += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] += x[j + l] * w[j + l];
        for (; j < rows.cols; j++)
            sum += x[j] * w[j];
        for (size_t l = 0; l < LANES; l++)
            sum += lane[l];
        z[i] = sum;
    }
}

/* grad -= rows' r, four rows at a time. */
MLK_SIMD_TILES static void subtract_rows(mlk_cmat rows, const double *r, double *grad)
{
    size_t i = 0;
    for (; i + 4 <= rows.rows; i += 4) {
        const double *a = rows.data + i * rows.ld, *b = a + rows.ld, *c = b + rows.ld;
        const double *d = c + rows.ld, ra = r[i], rb = r[i + 1], rc = r[i + 2], rd = r[i + 3];
        if (ra == 0.0 && rb == 0.0 && rc == 0.0 && rd == 0.0)
            continue;
        for (size_t j = 0; j < rows.cols; j++)
            grad[j] -= (ra * a[j] + rb * b[j]) + (rc * c[j] + rd * d[j]);
    }
    for (; i < rows.rows; i++)
        for (size_t j = 0; j < rows.cols; j++)
            grad[j] -= r[i] * rows.data[i * rows.ld + j];
}

static mlk_status pass_chunk(void *ctx, const mlk_chunk *c)
{
    const primal_solver *s = ctx;
    const primal *p = s->p;
    const size_t cols = p->X.cols;
    double *grad = s->partial + c->index * s->q, r[PRIMAL_BLOCK];
    primal_sums *sum = &s->partial_sums[c->index];
    memset(grad, 0, s->q * sizeof *grad);
    *sum = (primal_sums){0};
    for (size_t begin = c->begin, end; begin < c->end; begin = end) {
        end = c->end - begin < PRIMAL_BLOCK ? c->end : begin + PRIMAL_BLOCK;
        const mlk_cmat rows = mlk_cmat_rows(p->X, begin, end);
        if (!s->certificate)
            multiply_rows(rows, s->trial, s->trial[cols], s->z_next + begin);
        weigh_rows(s, begin, end - begin, s->certificate ? s->z : s->z_next, r, sum);
        for (size_t k = 0; k < end - begin; k++)
            grad[cols] -= r[k];
        subtract_rows(rows, r, grad);
    }
    return MLK_OK;
}

mlk_status mlk_primal_pass(primal_solver *s, primal_sums *total)
{
    MLK_TRY(mlk_parallel_for(&s->inner, s->n, s->grain, pass_chunk, s));
    memset(s->grad, 0, s->q * sizeof *s->grad);
    *total = (primal_sums){0};
    for (size_t c = 0; c < s->chunks; c++) {
        const primal_sums *part = &s->partial_sums[c];
        for (size_t j = 0; j < s->q; j++)
            s->grad[j] += s->partial[c * s->q + j];
        total->loss += part->loss;
        total->true_loss += part->true_loss;
        total->dual += part->dual;
        total->rounding += part->rounding;
        total->plus += part->plus;
        total->minus += part->minus;
    }
    return MLK_OK;
}

double mlk_primal_penalty(const primal_solver *s, const double *w)
{
    const primal *p = s->p;
    const size_t count = s->q - !p->penalise_b;
    double sum = 0.0;
    for (size_t j = 0; j < count; j++)
        sum += p->l1 ? fabs(w[j]) : 0.5 * w[j] * w[j];
    return sum;
}

double mlk_primal_dual(const primal_solver *s, const primal_sums *t)
{
    const primal *p = s->p;
    const size_t count = s->q - !p->penalise_b;
    if (!p->l1) {
        double norm2 = 0.0;
        for (size_t j = 0; j < count; j++)
            norm2 += s->grad[j] * s->grad[j];
        return t->dual - 0.5 * norm2;
    }
    double most = 1.0;
    for (size_t j = 0; j < count; j++)
        most = fmax(most, fabs(s->grad[j]));
    /* a v with 0 < a <= 1: the linear part shrinks by a, the quadratic by a^2: a bound from a. */
    return t->dual / most;
}

double mlk_primal_between(primal_solver *s, double t)
{
    double sum = 0.0;
    for (size_t i = 0; i < s->n; i++) {
        double slope, d;
        const double u = row_u(s->p, i, s->z[i] + t * (s->z_next[i] - s->z[i]), &slope);
        sum += s->p->C[i] * row_loss(s->h, u, &d);
    }
    for (size_t j = 0; j < s->q; j++)
        s->between[j] = s->point[j] + t * s->step[j];
    return sum + mlk_primal_penalty(s, s->between);
}
