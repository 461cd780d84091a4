#include "svm/smo.h"

#include <math.h>
#include <string.h>

#include "core/simd.h"
#include "core/sort.h"
#include "kernel/kernel.h"

/* A variable and the value it was chosen for. */
typedef struct choice {
    double value;
    size_t at;
} choice;

#define TINY 1e-12 /* of curvature: the least that a step divides by */

#define MLK_WIDE_SOURCE "svm/smo_wide.h"
#include "core/wide.h"

/* up - g is how much a variable wants to rise, down + g how much to fall. */
static void set_bounds(smo *s, size_t t)
{
    const double b = s->beta[t];
    s->up[t] = b < s->hi[t] ? (b >= 0.0 ? -s->kink : s->kink) : -INFINITY;
    s->down[t] = b > s->lo[t] ? (b > 0.0 ? s->kink : -s->kink) : -INFINITY;
}

static size_t begin_of(const smo *s, size_t t)
{
    const size_t n = smo_pad(s->n);
    return t < n ? 0 : n;
}

static const float *row_of(const smo *s, size_t t) { return s->K + (t - begin_of(s, t)) * s->ld; }

/* The pair to move; the largest violation over the groups. */
static double find_pair(const smo *s, const choice *rise, size_t *i, size_t *j)
{
    double violation = 0.0, best = 0.0;
    for (size_t k = 0; k < s->groups; k++) {
        const size_t begin = k * smo_pad(s->n);
        double largest = -INFINITY;
        if (rise[k].value == -INFINITY)
            continue;
        const choice c =
            MLK_WIDEST(find_partner, s, begin, rise[k].at - begin, rise[k].value, &largest);
        if (c.value > best) {
            best = c.value;
            *i = rise[k].at;
            *j = c.at;
        }
        if (largest > -INFINITY)
            violation = smo_max(violation, rise[k].value + largest);
    }
    return best > 0.0 ? violation : 0.0;
}

/* Move b_i up and b_j down to the minimum of the pair, or to the first bound or kink. Returns the
 * move. */
static double move_pair(smo *s, size_t i, size_t j)
{
    const size_t ci = i - begin_of(s, i), cj = j - begin_of(s, j);
    const double a = (double)s->diagonal[ci] + s->diagonal[cj] - 2.0 * s->K[ci * s->ld + cj];
    const double end_i = s->kink > 0.0 && s->beta[i] < 0.0 ? 0.0 : s->hi[i];
    const double end_j = s->kink > 0.0 && s->beta[j] > 0.0 ? 0.0 : s->lo[j];
    const double room_i = end_i - s->beta[i], room_j = s->beta[j] - end_j;
    double d = (s->up[i] - s->g[i] + (s->down[j] + s->g[j])) / (a > TINY ? a : TINY);
    if (d >= room_i || d >= room_j) {
        d = room_i < room_j ? room_i : room_j;
        s->beta[i] = room_i <= room_j ? end_i : s->beta[i] + d;
        s->beta[j] = room_j <= room_i ? end_j : s->beta[j] - d;
    } else {
        s->beta[i] += d;
        s->beta[j] -= d;
    }
    set_bounds(s, i);
    set_bounds(s, j);
    s->path += d;
    return d;
}

/* All samples, step by step. */
static size_t run(smo *s, double eps, size_t max_steps, double *violation)
{
    const size_t n = smo_pad(s->n);
    choice rise[2];
    for (size_t k = 0; k < s->groups; k++) {
        for (size_t t = k * n; t < (k + 1) * n; t++)
            set_bounds(s, t);
        rise[k] = MLK_WIDEST(update_group, s, k * n, s->K, s->K, 0.0);
    }
    for (size_t steps = 0;; steps++) {
        size_t i = 0, j = 0;
        *violation = find_pair(s, rise, &i, &j);
        if (*violation <= eps || steps == max_steps)
            return steps;
        const double d = move_pair(s, i, j);
        for (size_t k = 0; k < s->groups; k++)
            rise[k] = MLK_WIDEST(update_group, s, k * n, row_of(s, i), row_of(s, j), d);
    }
}

/* --------------------------------------------------------------------------- inner problems */

/* keys: how much each sample violates with the best partner there is; free ones more than any
 * other. Returns the largest violation; *active: samples that could move. */
static double measure(smo *s, size_t *active)
{
    const size_t n = smo_pad(s->n);
    double violation = 0.0;
    for (size_t c = 0; c < s->n; c++)
        s->keys[c] = -INFINITY;
    for (size_t k = 0; k < s->groups; k++) {
        double rise = -INFINITY, fall = -INFINITY;
        for (size_t t = k * n; t < k * n + s->n; t++) {
            set_bounds(s, t);
            rise = smo_max(rise, s->up[t] - s->g[t]);
            fall = smo_max(fall, s->down[t] + s->g[t]);
        }
        violation = smo_max(violation, rise + fall);
        for (size_t c = 0; c < s->n; c++) {
            const size_t t = k * n + c;
            const double key = smo_max(s->up[t] - s->g[t] + fall, s->down[t] + s->g[t] + rise);
            const bool free = s->up[t] + s->down[t] == 0.0;
            s->keys[c] = smo_max(s->keys[c], free ? INFINITY : key);
        }
    }
    *active = 0;
    for (size_t c = 0; c < s->n; c++)
        *active += s->keys[c] > 0.0;
    return violation;
}

/* The samples of the inner problem: those that could move, the most violating if there are more
 * than there is room for. */
static size_t choose(smo *s, size_t active)
{
    const size_t most = active < s->room ? active : s->room;
    size_t above = 0, equal = 0, share = 0, count = 0;
    memcpy(s->work, s->keys, s->n * sizeof *s->work);
    const double least = mlk_select(s->work, s->n, s->n - most);
    for (size_t c = 0; c < s->n; c++) {
        above += s->keys[c] > least;
        equal += s->keys[c] == least;
    }
    for (size_t c = 0; c < s->n; c++) {
        if (s->keys[c] > least) {
            s->chosen[count++] = c;
        } else if (s->keys[c] == least) { /* of equals, evenly many everywhere */
            share += most - above;
            if (share >= equal) {
                share -= equal;
                s->chosen[count++] = c;
            }
        }
    }
    return count;
}

static void copy_in(const smo *s, size_t count)
{
    smo *in = s->inner;
    const size_t n = smo_pad(s->n), m = smo_pad(count);
    double *const to[] = {in->beta, in->g, in->lo, in->hi};
    const double *const from[] = {s->beta, s->g, s->lo, s->hi};
    in->n = count;
    in->ld = smo_row_length(count);
    in->ld = smo_row_length(count);
    in->groups = s->groups;
    in->kink = s->kink;
    in->path = 0.0;
    for (size_t r = 0; r < count; r++) {
        const float *row = s->K + s->chosen[r] * s->ld;
        for (size_t c = 0; c < count; c++)
            in->K[r * in->ld + c] = row[s->chosen[c]];
        memset(in->K + r * in->ld + count, 0, (m - count) * sizeof(float));
        in->diagonal[r] = s->diagonal[s->chosen[r]];
    }
    memset(in->diagonal + count, 0, (m - count) * sizeof(float));
    for (size_t a = 0; a < sizeof to / sizeof to[0]; a++)
        for (size_t k = 0; k < s->groups; k++) {
            for (size_t c = 0; c < count; c++)
                to[a][k * m + c] = from[a][k * n + s->chosen[c]];
            memset(to[a] + k * m + count, 0, (m - count) * sizeof(double));
        }
}

/* The inner solution back, and what it means for g of all. */
static void copy_out(smo *s, size_t count)
{
    enum { AT_ONCE = MLK_KERNEL_STRIP };
    const smo *in = s->inner;
    const size_t n = smo_pad(s->n), m = smo_pad(count);
    const float *rows[AT_ONCE];
    double d[AT_ONCE];
    size_t held = 0;
    for (size_t c = 0; c < count; c++) {
        double delta = 0.0;
        for (size_t k = 0; k < s->groups; k++) {
            const size_t t = k * n + s->chosen[c];
            delta += in->beta[k * m + c] - s->beta[t];
            s->beta[t] = in->beta[k * m + c];
        }
        if (delta != 0.0) {
            d[held] = delta;
            rows[held++] = s->K + s->chosen[c] * s->ld;
        }
        for (; c + 1 == count && held > 0 && held < AT_ONCE; held++) {
            d[held] = 0.0;
            rows[held] = rows[0];
        }
        for (size_t k = 0; held == AT_ONCE && k < s->groups; k++)
            mlk_kernel_add_strip(d, rows, s->n, s->g + k * n);
        held %= AT_ONCE;
    }
}

size_t mlk_smo_solve(smo *s, double eps, size_t max_steps, double *violation)
{
    size_t steps = 0;
    while (s->inner && steps < max_steps) {
        size_t active, done = 0;
        *violation = measure(s, &active);
        if (*violation <= eps)
            return steps;
        const double target = smo_max(eps, 0.1 * *violation);
        if (active <= s->n / 2 || s->room < active / 2) {
            const size_t count = choose(s, active);
            double left;
            copy_in(s, count);
            done = run(s->inner, target, max_steps - steps, &left);
            copy_out(s, count);
        }
        if (done == 0)
            done = run(s, target, max_steps - steps, violation);
        steps += done;
        if (done == 0)
            return steps;
    }
    return steps + run(s, eps, max_steps - steps, violation);
}
