#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "linalg/twofold.h"
#include "linear/lsq.h"

/*
 * The normal equations in twice the working precision: their matrix, exact but for what the
 * slices of linalg/gram_exact.c cut off, and its pivoted LDL' decomposition. The squared condition
 * number then costs at most what the plain one costs a method in working precision,
 * and no copy of X is made. All that leaves is rounded once.
 *
 * Columns are Z = (X - shift) scale D with powers of two, so that scaling is exact.
 */
typedef struct problem {
    size_t p;
    bool intercept;
    mlk_mat high, low; /* (p + 2)^2: X, y, 1 */
    mlk_mat t_high, t_low;
    mlk_vec shift, scale, size; /* p + 1, X and y */
    mlk_vec root_scale;         /* p + 2: scale and, last, the unit of the roots of the weights */
    mlk_vec unit;               /* p: all factors of a column together */
    mlk_vec v_high, v_low;      /* p: solution in the units of Z */
    size_t *pivot;
} problem;

static twofold get(mlk_mat high, mlk_mat low, size_t i, size_t j)
{
    return (twofold){high.data[i * high.ld + j], low.data[i * low.ld + j]};
}

static twofold moment(const problem *s, size_t i, size_t j) { return get(s->high, s->low, i, j); }

static void set(const problem *s, size_t i, size_t j, twofold x)
{
    s->high.data[i * s->high.ld + j] = x.high;
    s->low.data[i * s->low.ld + j] = x.low;
}

static mlk_status form(const mlk_data *d, const mlk_run *run, problem *s)
{
    const size_t p = s->p;
    MLK_TRY(mlk_lsq_units(d, s->intercept, run, s->shift, s->scale, s->size));
    double heaviest = 1.0;
    for (size_t i = 0; i < d->w.n; i++)
        heaviest = i == 0 || d->w.data[i] > heaviest ? d->w.data[i] : heaviest;
    for (size_t j = 0; j <= p; j++)
        s->root_scale.data[j] = s->scale.data[j];
    int e = 0;
    if (d->w.n)
        frexp(sqrt(heaviest), &e);
    s->root_scale.data[p + 1] = ldexp(1.0, -e);
    return mlk_gram_exact(d->X, d->w, d->y, mlk_vec_c(s->shift), mlk_vec_c(s->root_scale), run,
                          s->high, s->low);
}

/* Mean of column j (p: y) in the units of the Gram matrix. */
static twofold scaled_mean(const problem *s, size_t j)
{
    return twofold_div(moment(s, j, s->p + 1), moment(s, s->p + 1, s->p + 1));
}

/* Mean of column j in its own units. */
static twofold mean(const problem *s, size_t j)
{
    const twofold m = scaled_mean(s, j);
    const double back = 1.0 / s->scale.data[j];
    return twofold_add((twofold){s->shift.data[j], 0.0}, (twofold){m.high * back, m.low * back});
}

static void centre(const problem *s)
{
    for (size_t i = 0; i <= s->p; i++) {
        const twofold share = scaled_mean(s, i);
        for (size_t j = 0; j <= s->p; j++)
            set(s, i, j, twofold_sub(moment(s, i, j), twofold_mul(share, moment(s, s->p + 1, j))));
    }
}

/* Columns to a length between 1 and 2, constant ones to nothing. */
static void equilibrate(const problem *s)
{
    const size_t p = s->p;
    const double total = moment(s, p + 1, p + 1).high;
    for (size_t j = 0; j < p; j++) {
        const double d = moment(s, j, j).high;
        const double noise = s->size.data[j] * s->scale.data[j] * MLK_LSQ_EPS;
        int e;
        (void)frexp(sqrt(d), &e);
        s->unit.data[j] =
            d > (s->intercept ? total * noise * noise : 0.0) ? ldexp(1.0, 1 - e) : 0.0;
    }
    for (size_t i = 0; i <= p; i++)
        for (size_t j = 0; j <= p; j++) {
            const twofold m = moment(s, i, j);
            const double factor = (i < p ? s->unit.data[i] : 1.0) * (j < p ? s->unit.data[j] : 1.0);
            set(s, i, j, (twofold){m.high * factor, m.low * factor});
        }
    for (size_t j = 0; j < p; j++)
        s->unit.data[j] = s->scale.data[j] * (s->unit.data[j] > 0.0 ? s->unit.data[j] : 1.0);
}

/* U v = u with u the column of y; then back to the units of the data. */
static void solve(const problem *s, mlk_lsq *out)
{
    const size_t p = s->p;
    const double y_unit = 1.0 / s->scale.data[p];
    twofold b = s->intercept ? mean(s, p) : (twofold){0.0, 0.0};
    out->y_mean = twofold_value(b);
    for (size_t k = p; k-- > 0;) {
        const size_t j = s->pivot[k];
        const double unit = s->unit.data[j] * y_unit;
        twofold v = {0.0, 0.0};
        if (k < out->rank) {
            v = moment(s, k, p);
            for (size_t m = k + 1; m < out->rank; m++)
                v = twofold_sub(v, twofold_mul(moment(s, k, m),
                                               (twofold){s->v_high.data[m], s->v_low.data[m]}));
        }
        s->v_high.data[k] = v.high;
        s->v_low.data[k] = v.low;
        out->w.data[j] = twofold_value((twofold){v.high * unit, v.low * unit});
        if (s->intercept)
            b = twofold_sub(b, twofold_mul((twofold){v.high * unit, v.low * unit}, mean(s, j)));
    }
    out->b = twofold_value(b);
}

/* Roots of the diagonal of (Z'SZ)^-1 = T D^-1 T' with T = U^-1, and what the means make of it. */
static void invert(const problem *s, mlk_lsq *out)
{
    const size_t p = s->p;
    const double weight = s->root_scale.data[p + 1] * s->root_scale.data[p + 1];
    mlk_twofold_inverse(mlk_mat_c(s->high), mlk_mat_c(s->low), p, s->t_high, s->t_low);
    out->b_inverse = s->intercept ? 1.0 / out->total : NAN;
    for (size_t k = 0; k < p; k++) {
        const double unit = s->unit.data[s->pivot[k]];
        double sum = 0.0;
        for (size_t c = k; c < p; c++) {
            const double t = s->t_high.data[k * p + c];
            sum += t * t / moment(s, c, c).high;
        }
        out->spread.data[s->pivot[k]] = sqrt(sum * weight) * fabs(unit);
    }
    for (size_t c = 0; s->intercept && c < p; c++) {
        twofold sum = {0.0, 0.0};
        for (size_t k = 0; k <= c; k++)
            sum = twofold_add(
                sum, twofold_mul(twofold_scale(mean(s, s->pivot[k]), s->unit.data[s->pivot[k]]),
                                 get(s->t_high, s->t_low, k, c)));
        out->b_inverse += sum.high * sum.high / moment(s, c, c).high * weight;
    }
}

/* What does not need the second half of the digits, from R = root(D) U. */
static mlk_status finish(const problem *s, mlk_lsq *out)
{
    const size_t p = s->p;
    for (size_t k = 0; k < p; k++) {
        const double root = k < out->rank ? sqrt(moment(s, k, k).high) : 0.0;
        for (size_t j = 0; j < p; j++)
            s->t_high.data[k * p + j] = j < k ? 0.0 : j == k ? root : root * moment(s, k, j).high;
    }
    const mlk_lsq_factor f = {s->t_high, s->unit, s->pivot, out->rank};
    if (out->rank == p)
        return mlk_lsq_condition(&f, out);
    mlk_lsq_no_inverse(out);
    MLK_TRY(mlk_lsq_shorten(&f, out));
    twofold b = s->intercept ? mean(s, p) : (twofold){0.0, 0.0};
    for (size_t j = 0; s->intercept && j < p; j++)
        b = twofold_sub(b, twofold_scale(mean(s, j), out->w.data[j]));
    out->b = twofold_value(b);
    return MLK_OK;
}

static mlk_status run_problem(const mlk_data *d, const mlk_run *run, problem *s, mlk_lsq *out)
{
    const size_t p = s->p;
    const double tol = 2.0 * (double)p * MLK_LSQ_EPS;
    MLK_TRY(form(d, run, s));
    MLK_TRY(mlk_run_poll(run, -1.0));
    if (s->intercept)
        centre(s);
    equilibrate(s);
    const double y_unit = s->scale.data[p] * s->root_scale.data[p + 1];
    out->tss = moment(s, p, p).high / y_unit / y_unit;
    const mlk_mat high = {s->high.data, p + 1, p + 1, s->high.ld};
    const mlk_mat low = {s->low.data, p + 1, p + 1, s->low.ld};
    MLK_TRY(mlk_twofold_ldl(high, low, p, tol * tol, s->pivot, &out->rank));
    out->rss = fmax(0.0, twofold_value(moment(s, p, p))) / y_unit / y_unit;
    for (size_t j = 0; j < p; j++)
        out->mean.data[j] = s->intercept ? twofold_value(mean(s, j)) : 0.0;
    solve(s, out);
    if (out->rank == p)
        invert(s, out);
    out->method = "normal equations in twice the precision";
    return finish(s, out);
}

mlk_status mlk_lsq_twofold(const mlk_data *data, bool intercept, const mlk_run *run, mlk_lsq *out)
{
    const size_t p = data->X.cols;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    problem s = {.p = p, .intercept = intercept};
    s.high = mlk_scratch_mat(&scratch, p + 2, p + 2);
    s.low = mlk_scratch_mat(&scratch, p + 2, p + 2);
    s.t_high = mlk_scratch_mat(&scratch, p, p);
    s.t_low = mlk_scratch_mat(&scratch, p, p);
    s.shift = mlk_scratch_vec(&scratch, p + 1);
    s.scale = mlk_scratch_vec(&scratch, p + 1);
    s.size = mlk_scratch_vec(&scratch, p + 1);
    s.root_scale = mlk_scratch_vec(&scratch, p + 2);
    s.unit = mlk_scratch_vec(&scratch, p);
    s.v_high = mlk_scratch_vec(&scratch, p);
    s.v_low = mlk_scratch_vec(&scratch, p);
    s.pivot = mlk_scratch_take(&scratch, p, sizeof *s.pivot);
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu normal equations", p)
                              : run_problem(data, run, &s, out);
    mlk_scratch_release(&scratch);
    return st;
}
