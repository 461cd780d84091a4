#include "support/elastic_net_oracle.h"

#include "core/rng.h"

typedef long double real;

static real weight(const mlk_data *d, size_t i) { return d->w.n ? d->w.data[i] : 1.0L; }
static real value(const mlk_data *d, size_t i, size_t j) { return d->X.data[i * d->X.ld + j]; }

static real total(const mlk_data *d)
{
    real sum = 0.0L;
    for (size_t i = 0; i < d->X.rows; i++)
        sum += weight(d, i);
    return sum;
}

/* Weighted means of y (j = p) and of the columns of X; 0 without an intercept. */
static real mean(const mlk_data *d, const mlk_elastic_net_opts *o, size_t j)
{
    real sum = 0.0L;
    for (size_t i = 0; i < d->X.rows; i++)
        sum += weight(d, i) * (j < d->X.cols ? value(d, i, j) : d->y.data[i]);
    return o->fit_intercept ? sum / total(d) : 0.0L;
}

/* sum_i s_i (x_ij - mean_j) u_i */
static real product(const mlk_data *d, const mlk_elastic_net_opts *o, size_t j, const real *u)
{
    const real m = mean(d, o, j);
    real sum = 0.0L;
    for (size_t i = 0; i < d->X.rows; i++)
        sum += weight(d, i) * (value(d, i, j) - m) * u[i];
    return sum;
}

mlk_data oracle_data(const oracle_case *c, uint64_t seed)
{
    const mlk_cmat E = test_random_mat(seed, c->n, c->p);
    const mlk_mat X = test_mat(c->n, c->p);
    mlk_rng rng = mlk_rng_stream(seed, 7);
    memcpy(X.data, E.data, c->n * c->p * sizeof *X.data);
    for (size_t j = 0; j < c->p; j++)
        for (size_t i = 0; i < c->n; i++) {
            double *x = &X.data[i * c->p + j];
            if ((c->traits & ORACLE_COLLINEAR) && j)
                *x = 0.98 * x[-1] + 0.2 * *x;
            if ((c->traits & ORACLE_DUPLICATES) && j % 4 == 3)
                *x = j % 8 == 3 ? x[-1] : -x[-2];
        }
    mlk_data d = {.X = mlk_mat_c(X), .y = test_linear_target(seed + 50, mlk_mat_c(X), 2.0)};
    for (size_t j = 0; j < c->p; j++)
        for (size_t i = 0; i < c->n; i++) {
            double *x = &X.data[i * c->p + j];
            if (c->traits & ORACLE_SCALES)
                *x *= pow(10.0, (double)(j % 11) - 5.0);
            if (c->traits & ORACLE_OFFSETS)
                *x += 1e6;
            if ((c->traits & ORACLE_CONSTANT) && j < 2)
                *x = j ? 0.0 : 0.1;
        }
    if (c->traits & ORACLE_WEIGHTS) {
        const mlk_vec w = test_vec(c->n);
        for (size_t i = 0; i < c->n; i++)
            w.data[i] = i % 5 == 2 ? 0.0 : 3.0 * mlk_rng_uniform(&rng);
        d.w = mlk_vec_c(w);
    }
    return d;
}

double oracle_unit(const mlk_data *d, const mlk_elastic_net_opts *o)
{
    const real m = mean(d, o, d->X.cols);
    real sum = 0.0L;
    for (size_t i = 0; i < d->X.rows; i++)
        sum += weight(d, i) * (d->y.data[i] - m) * (d->y.data[i] - m);
    return (double)(sum / total(d));
}

double oracle_alpha_max(const mlk_data *d, const mlk_elastic_net_opts *o)
{
    real *t = test_alloc(d->X.rows * sizeof *t), worst = 0.0L;
    const real m = mean(d, o, d->X.cols);
    for (size_t i = 0; i < d->X.rows; i++)
        t[i] = d->y.data[i] - m;
    for (size_t j = 0; j < d->X.cols; j++) {
        const real z = product(d, o, j, t);
        worst = fmaxl(worst, o->positive ? z : fabsl(z));
    }
    return (double)(worst / total(d) / fmaxl(o->l1_ratio, 1e-3L));
}

/* y - X w - b, with the rounding of doubles only in w and b */
static real *residuals(const mlk_data *d, mlk_cvec w, real b)
{
    real *r = test_alloc(d->X.rows * sizeof *r);
    for (size_t i = 0; i < d->X.rows; i++) {
        r[i] = d->y.data[i] - b;
        for (size_t j = 0; j < w.n; j++)
            r[i] -= value(d, i, j) * w.data[j];
    }
    return r;
}

double oracle_objective(const mlk_data *d, const mlk_elastic_net_opts *o, mlk_cvec w, double b)
{
    const real *r = residuals(d, w, b);
    real sum = 0.0L, l1 = 0.0L, l2 = 0.0L;
    for (size_t i = 0; i < d->X.rows; i++)
        sum += weight(d, i) * r[i] * r[i];
    for (size_t j = 0; j < w.n; j++) {
        l1 += fabsl(w.data[j]);
        l2 += (real)w.data[j] * w.data[j];
    }
    return (double)(sum / (2.0L * total(d)) + o->alpha * o->l1_ratio * l1 +
                    o->alpha * (1.0L - o->l1_ratio) / 2.0L * l2);
}

/* S D(s r) */
static real dual(const mlk_data *d, const mlk_elastic_net_opts *o, const real *r, real s)
{
    const real l1 = total(d) * o->alpha * o->l1_ratio, l2 = total(d) * o->alpha * (1 - o->l1_ratio);
    const real m = mean(d, o, d->X.cols);
    real tr = 0.0L, rr = 0.0L, excess = 0.0L;
    for (size_t i = 0; i < d->X.rows; i++) {
        tr += weight(d, i) * (d->y.data[i] - m) * r[i];
        rr += weight(d, i) * r[i] * r[i];
    }
    for (size_t j = 0; l2 > 0.0L && j < d->X.cols; j++) {
        const real z = s * product(d, o, j, r);
        const real over = fmaxl(0.0L, (o->positive ? z : fabsl(z)) - l1);
        excess += over * over / (2.0L * l2);
    }
    return s * tr - s * s * rr / 2.0L - excess;
}

double oracle_gap(const mlk_data *d, const mlk_elastic_net_opts *o, mlk_cvec w, double b)
{
    real *r = residuals(d, w, b), worst = 0.0L, centre = 0.0L;
    const real S = total(d), l1 = S * o->alpha * o->l1_ratio;
    for (size_t i = 0; i < d->X.rows; i++)
        centre += weight(d, i) * r[i] / S;
    for (size_t i = 0; o->fit_intercept && i < d->X.rows; i++)
        r[i] -= centre; /* what rounding has left in b */
    for (size_t j = 0; j < d->X.cols; j++) {
        const real z = product(d, o, j, r) - S * o->alpha * (1.0L - o->l1_ratio) * w.data[j];
        worst = fmaxl(worst, o->positive ? z : fabsl(z));
    }
    real best = dual(d, o, r, worst > l1 ? l1 / worst : 1.0L);
    if (o->l1_ratio < 1.0)
        best = fmaxl(best, dual(d, o, r, 1.0L));
    return (double)(oracle_objective(d, o, w, b) - best / S);
}

double oracle_violation(const mlk_data *d, const mlk_elastic_net_opts *o, mlk_cvec w, double b)
{
    const real *r = residuals(d, w, b), S = total(d);
    const real l1 = o->alpha * o->l1_ratio, l2 = o->alpha * (1.0L - o->l1_ratio);
    real worst = 0.0L, sum = 0.0L;
    for (size_t i = 0; i < d->X.rows; i++)
        sum += weight(d, i) * r[i] / S;
    if (o->fit_intercept)
        worst = fabsl(sum);
    for (size_t j = 0; j < w.n; j++) {
        const real g = product(d, o, j, r) / S - l2 * w.data[j];
        real v = fabsl(g - copysignl(l1, w.data[j]));
        if (w.data[j] == 0.0)
            v = fmaxl(0.0L, (o->positive ? g : fabsl(g)) - l1);
        else if (o->positive && w.data[j] < 0.0)
            v = INFINITY;
        worst = fmaxl(worst, v);
    }
    return (double)worst;
}

double oracle_solve(const mlk_data *d, const mlk_elastic_net_opts *o, mlk_vec w)
{
    const real S = total(d), l1 = o->alpha * o->l1_ratio, l2 = o->alpha * (1.0L - o->l1_ratio);
    const size_t n = d->X.rows, p = d->X.cols;
    real *z = test_alloc(n * p * sizeof *z), *r = test_alloc(n * sizeof *r), b = 0.0L;
    for (size_t j = 0; j < p; j++) {
        const real m = mean(d, o, j);
        for (size_t i = 0; i < n; i++)
            z[j * n + i] = value(d, i, j) - m;
        w.data[j] = 0.0;
    }
    for (size_t i = 0; i < n; i++)
        r[i] = d->y.data[i] - mean(d, o, p);
    for (real moved = 1.0L, largest = 0.0L; moved > 1e-13L * largest;) {
        moved = largest = 0.0L;
        for (size_t j = 0; j < p; j++) {
            real a = 0.0L, u = 0.0L;
            for (size_t i = 0; i < n; i++) {
                a += weight(d, i) * z[j * n + i] * z[j * n + i] / S;
                u += weight(d, i) * z[j * n + i] * r[i] / S;
            }
            if (!(a > 1e-20L))
                continue;
            u += a * w.data[j];
            const real over = (o->positive ? u : fabsl(u)) - l1;
            const real v = over > 0.0L ? copysignl(over, u) / (a + l2) : 0.0L;
            const double old = w.data[j];
            w.data[j] = (double)v;
            for (size_t i = 0; i < n; i++)
                r[i] -= z[j * n + i] * ((real)w.data[j] - old);
            moved = fmaxl(moved, fabsl((real)w.data[j] - old) * sqrtl(a));
            largest = fmaxl(largest, fabs(w.data[j]) * sqrtl(a));
        }
    }
    b = mean(d, o, p);
    for (size_t j = 0; j < p; j++)
        b -= mean(d, o, j) * w.data[j];
    return (double)b;
}
