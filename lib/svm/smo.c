#include "svm/smo.h"

#include <math.h>
#include <string.h>

#include "core/simd.h"

/* Vectors of eight, which the compiler cuts to what the machine has. */
typedef double real8 __attribute__((vector_size(64)));
typedef int64_t int8v __attribute__((vector_size(64)));
typedef float single8 __attribute__((vector_size(32)));

#define LOAD(type, var, from)                                                                      \
    type var;                                                                                      \
    memcpy(&var, (from), sizeof var)
#define SELECT(mask, a, b)       ((real8)(((mask) & (int8v)(a)) | (~(mask) & (int8v)(b))))
#define SELECT_INDEX(mask, a, b) (((mask) & (a)) | (~(mask) & (b)))

static const int8v first_indices = {0, 1, 2, 3, 4, 5, 6, 7};

/* A variable and the value it was chosen for. */
typedef struct choice {
    double value;
    size_t at;
} choice;

/* g += d (k_i - k_j) over a range, and the variable of it that most wants to rise. */
MLK_SIMD static choice update_range(const smo *s, const smo_range *r, const float *ki,
                                    const float *kj, double d)
{
    double *g = s->g;
    const double *up = s->up;
    real8 best = {0};
    int8v at = {0}, now = first_indices + (int64_t)r->begin;
    best -= INFINITY;
    for (size_t t = r->begin; t < r->end; t += SMO_LANES, now += SMO_LANES) {
        LOAD(real8, gt, g + t);
        LOAD(real8, ut, up + t);
        LOAD(single8, ai, ki + (t - r->shift));
        LOAD(single8, aj, kj + (t - r->shift));
        gt += d * __builtin_convertvector(ai - aj, real8);
        memcpy(g + t, &gt, sizeof gt);
        const real8 v = ut - gt;
        const int8v better = v > best;
        best = SELECT(better, v, best);
        at = SELECT_INDEX(better, now, at);
    }
    choice c = {-INFINITY, r->begin};
    for (int l = 0; l < SMO_LANES; l++)
        if (best[l] > c.value)
            c = (choice){best[l], (size_t)at[l]};
    return c;
}

#define TINY 1e-12 /* of curvature: the least that a step divides by */

/* The partner j of i that promises the greatest decrease b^2 / a; *lowest: the largest g of those
 * that may fall. b^2 / a > n / d is asked as b^2 d > n a. */
MLK_SIMD static choice find_partner(const smo *s, const smo_range *r, size_t i, double gi,
                                    double *largest)
{
    const double *g = s->g, *down = s->down;
    const float *ki = s->K + (i - r->shift) * s->ld;
    const double kii = s->diagonal[i - r->shift];
    real8 num = {0}, den = {0}, most = {0}, tiny = {0}, zero = {0};
    int8v at = {0}, now = first_indices + (int64_t)r->begin;
    den += 1.0;
    most -= INFINITY;
    tiny += TINY;
    for (size_t t = r->begin; t < r->end; t += SMO_LANES, now += SMO_LANES) {
        LOAD(real8, gt, g + t);
        LOAD(real8, dt, down + t);
        LOAD(single8, kf, ki + (t - r->shift));
        LOAD(single8, df, s->diagonal + (t - r->shift));
        const real8 v = gt + dt;
        const int8v larger = v > most;
        most = SELECT(larger, v, most);
        real8 b = v - gi;
        b = SELECT(b > zero, b, zero);
        real8 a =
            kii + __builtin_convertvector(df, real8) - 2.0 * __builtin_convertvector(kf, real8);
        a = SELECT(a > tiny, a, tiny);
        const real8 b2 = b * b;
        const int8v better = b2 * den > num * a;
        num = SELECT(better, b2, num);
        den = SELECT(better, a, den);
        at = SELECT_INDEX(better, now, at);
    }
    choice c = {0.0, r->begin};
    for (int l = 0; l < SMO_LANES; l++) {
        *largest = most[l] > *largest ? most[l] : *largest;
        if (num[l] / den[l] > c.value)
            c = (choice){num[l] / den[l], (size_t)at[l]};
    }
    return c;
}

static void set_bounds(smo *s, size_t t)
{
    s->up[t] = s->beta[t] < s->hi[t] ? 0.0 : -INFINITY;
    s->down[t] = s->beta[t] > s->lo[t] ? 0.0 : -INFINITY;
}

static size_t range_of(const smo *s, size_t t)
{
    return s->n_ranges > 1 && t >= s->ranges[1].begin;
}

static const float *row_of(const smo *s, size_t t)
{
    return s->K + (t - s->ranges[range_of(s, t)].shift) * s->ld;
}

/* Best riser of each group, from the ranges' own. */
static void merge(const smo *s, const choice *of_range, choice *of_group)
{
    of_group[0] = of_group[1] = (choice){-INFINITY, 0};
    for (size_t k = 0; k < s->n_ranges; k++) {
        choice *c = &of_group[s->ranges[k].group];
        if (of_range[k].value > c->value)
            *c = of_range[k];
    }
}

/* The pair to move, as its range's partner; the largest violation over the groups. */
static double find_pair(const smo *s, const choice *rise, size_t *i, size_t *j)
{
    double violation = 0.0, best = 0.0;
    double largest[2] = {-INFINITY, -INFINITY};
    for (size_t k = 0; k < s->n_ranges; k++) {
        const smo_range *r = &s->ranges[k];
        const choice *up = &rise[r->group];
        if (up->value == -INFINITY)
            continue;
        /* The row of K belongs to i's sample; its columns to this range. */
        const smo_range columns = {r->begin, r->end, r->shift, r->group};
        const size_t sample = up->at - s->ranges[range_of(s, up->at)].shift;
        const choice c =
            find_partner(s, &columns, sample + r->shift, -up->value, &largest[r->group]);
        if (c.value > best) {
            best = c.value;
            *i = up->at;
            *j = c.at;
        }
    }
    for (int k = 0; k < 2; k++)
        if (rise[k].value > -INFINITY && largest[k] > -INFINITY)
            violation = fmax(violation, rise[k].value + largest[k]);
    return best > 0.0 ? violation : 0.0;
}

/* Move b_i up and b_j down to the minimum of the pair, or to the first bound. Returns the move. */
static double move_pair(smo *s, size_t i, size_t j)
{
    const size_t ci = i - s->ranges[range_of(s, i)].shift, cj = j - s->ranges[range_of(s, j)].shift;
    const double a = (double)s->diagonal[ci] + s->diagonal[cj] - 2.0 * s->K[ci * s->ld + cj];
    const double room_i = s->hi[i] - s->beta[i], room_j = s->beta[j] - s->lo[j];
    double d = (s->g[j] - s->g[i]) / (a > TINY ? a : TINY);
    if (d >= room_i || d >= room_j) {
        d = room_i < room_j ? room_i : room_j;
        s->beta[i] = room_i <= room_j ? s->hi[i] : s->beta[i] + d;
        s->beta[j] = room_j <= room_i ? s->lo[j] : s->beta[j] - d;
    } else {
        s->beta[i] += d;
        s->beta[j] -= d;
    }
    set_bounds(s, i);
    set_bounds(s, j);
    return d;
}

size_t mlk_smo_solve(smo *s, double eps, size_t max_steps, double *violation)
{
    choice of_range[2], rise[2];
    size_t steps = 0;
    for (size_t k = 0; k < s->n_ranges; k++) {
        const smo_range *r = &s->ranges[k];
        for (size_t t = r->begin; t < r->end; t++)
            set_bounds(s, t);
        of_range[k] = update_range(s, r, s->K, s->K, 0.0);
    }
    for (;; steps++) {
        size_t i = 0, j = 0;
        merge(s, of_range, rise);
        *violation = find_pair(s, rise, &i, &j);
        if (*violation <= eps || steps == max_steps)
            return steps;
        const double d = move_pair(s, i, j);
        for (size_t k = 0; k < s->n_ranges; k++)
            of_range[k] = update_range(s, &s->ranges[k], row_of(s, i), row_of(s, j), d);
    }
}
