#include "svm/dual.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"
#include "svm/exact.h"
#include "svm/linear_start.h"
#include "svm/smo.h"

/* Samples of the first working set; of a later one, as long as those between the bounds leave room
 * for `NEW_ONES` others: a matrix that stays in the third-level cache is worth some more sets. */
enum { FIRST_SET = 2048, USUAL_SET = 3072, NEW_ONES = 1024 };

/* ---------------------------------------------------------------------------------- solver */

typedef struct solver {
    dual *d;
    dual_cache *cache;
    const mlk_run *run;
    size_t n, limit;      /* samples; steps allowed */
    size_t capacity;      /* of a working set */
    size_t largest;       /* samples of the next one at most */
    bool whole;           /* the problem is one working set */
    size_t *kept, *fresh; /* capacity: positions kept of the old set; new samples */
    size_t n_kept, n_fresh;
    size_t *moved; /* capacity: positions of members that a set's solution moves */
    double *delta; /* capacity: by how much, times the kernel's scale */
    size_t n_moved;
    unsigned char *member;     /* n */
    double *rise[2], *fall[2]; /* n: -g of what may rise, g of what may fall; -inf: none */
    double *keys, *work;       /* n: of a selection */
    double top_rise[2], top_fall[2];
    size_t stride; /* of a walk through all samples in scattered order */
    smo smo, inner;
} solver;

/* The gradient of a variable, and of the kink on either side of it. */
typedef struct slope {
    double down, up;
} slope;

static slope slope_at(const dual *d, size_t n, size_t sample, unsigned group)
{
    const size_t t = group * n + sample;
    const double g = d->f[sample] + (d->q ? d->q[t] : 0.0), b = d->beta[t];
    return (slope){g + (b > 0.0 ? d->kink : -d->kink), g + (b >= 0.0 ? d->kink : -d->kink)};
}

/* Who may move, by how much they want to; returns the largest violation. */
static double scan(solver *s)
{
    const dual *d = s->d;
    double violation = 0.0;
    for (unsigned k = 0; k < d->groups; k++) {
        double top_rise = -INFINITY, top_fall = -INFINITY;
        for (size_t i = 0; i < s->n; i++) {
            const size_t t = k * s->n + i;
            const slope g = slope_at(d, s->n, i, k);
            s->rise[k][i] = d->beta[t] < d->hi[t] ? -g.up : -INFINITY;
            s->fall[k][i] = d->beta[t] > d->lo[t] ? g.down : -INFINITY;
            top_rise = smo_max(top_rise, s->rise[k][i]);
            top_fall = smo_max(top_fall, s->fall[k][i]);
        }
        s->top_rise[k] = top_rise;
        s->top_fall[k] = top_fall;
        if (top_rise > -INFINITY && top_fall > -INFINITY)
            violation = smo_max(violation, top_rise + top_fall);
    }
    return violation;
}

/* ------------------------------------------------------------------- choice of a working set */

static void take(solver *s, size_t sample)
{
    s->member[sample] = 1;
    s->fresh[s->n_fresh++] = sample;
}

/* Up to `quota` new samples with the largest keys above `bound`; ties in scattered order. */
static void take_top(solver *s, const double *key, double bound, size_t quota)
{
    size_t count = 0, above = 0;
    for (size_t i = 0; i < s->n; i++)
        if (key[i] > bound && !s->member[i])
            s->keys[count++] = key[i];
    if (quota > s->largest - s->n_kept - s->n_fresh)
        quota = s->largest - s->n_kept - s->n_fresh;
    if (quota == 0 || count == 0)
        return;
    const double least = count > quota ? mlk_select(s->keys, count, count - quota) : -INFINITY;
    for (size_t i = 0; i < s->n; i++)
        if (key[i] > bound && key[i] > least && !s->member[i]) {
            take(s, i);
            above++;
        }
    for (size_t k = 0, i = 0; k < s->n && above < quota && least > -INFINITY; k++) {
        if (key[i] == least && !s->member[i]) {
            take(s, i);
            above++;
        }
        i = (i + s->stride) % s->n;
    }
}

/* How much a sample violates with the best partner there is; a free one always counts. */
static double activity(const solver *s, size_t sample)
{
    double most = -INFINITY;
    for (unsigned k = 0; k < s->d->groups; k++) {
        const double rise = s->rise[k][sample], fall = s->fall[k][sample];
        if (rise == -fall) /* both finite, and not at the kink */
            return INFINITY;
        most = smo_max(most, smo_max(rise + s->top_fall[k], fall + s->top_rise[k]));
    }
    return most;
}

/* How much each member violates, to keys; how large the next set may be. Returns the members that
 * can move. */
static size_t rate_members(solver *s)
{
    const dual_cache *c = s->cache;
    size_t active = 0, n_free = 0;
    for (size_t k = 0; k < c->count; k++) {
        const double a = activity(s, c->members[k]);
        active += a > 0.0;
        n_free += a == INFINITY;
        s->keys[k] = a;
    }
    s->largest = n_free + NEW_ONES > USUAL_SET ? n_free + NEW_ONES : USUAL_SET;
    if (s->whole || s->largest > s->capacity)
        s->largest = s->capacity;
    return active;
}

/* Members to keep: with shrinking, those that can still move together with another; and no more
 * than leave `room` for new ones. */
static void keep_members(solver *s, size_t active, size_t room)
{
    const dual_cache *c = s->cache;
    size_t most = s->largest - room, count = 0;
    if (s->d->shrinking && active < most && !s->whole)
        most = active;
    s->n_kept = 0;
    if (most >= c->count) {
        for (size_t k = 0; k < c->count; k++)
            s->kept[s->n_kept++] = k;
        return;
    }
    if (most == 0)
        return;
    memcpy(s->work, s->keys, c->count * sizeof *s->keys);
    const double least = mlk_select(s->work, c->count, c->count - most);
    for (size_t k = 0; k < c->count; k++)
        count += s->keys[k] > least;
    for (size_t k = 0; k < c->count; k++) /* among equals, the first */
        if (s->keys[k] > least || (s->keys[k] == least && count++ < most))
            s->kept[s->n_kept++] = k;
}

static void choose_set(solver *s, double eps)
{
    const unsigned groups = s->d->groups;
    const dual_cache *c = s->cache;
    const size_t active = rate_members(s);
    size_t quota = c->count > FIRST_SET ? c->count : FIRST_SET;
    if (quota > s->largest)
        quota = s->largest;
    keep_members(s, active, s->largest == s->n ? 0 : quota / 3);
    memset(s->member, 0, s->n);
    for (size_t k = 0; k < s->n_kept; k++)
        s->member[c->members[s->kept[k]]] = 1;
    s->n_fresh = 0;
    if (s->whole) {
        for (size_t i = 0; i < s->n; i++)
            if (!s->member[i])
                take(s, i);
        return;
    }
    if (quota > s->largest - s->n_kept)
        quota = s->largest - s->n_kept;
    const size_t share = quota / (2 * groups) ? quota / (2 * groups) : 1;
    for (unsigned k = 0; k < groups; k++) {
        /* Against the best partner there is, it violates by more than eps. */
        take_top(s, s->rise[k], eps - s->top_fall[k], share);
        take_top(s, s->fall[k], eps - s->top_rise[k], share);
    }
}

/* ------------------------------------------------------------------------- the subproblem */

static void load_variables(solver *s)
{
    const dual *d = s->d;
    const dual_cache *c = s->cache;
    const double scale = c->set->scale;
    const size_t m = c->count, padded = smo_pad(m);
    smo *sub = &s->smo;
    sub->n = m;
    sub->ld = c->ld;
    sub->groups = d->groups;
    sub->kink = d->kink;
    sub->path = 0.0;
    double *const arrays[] = {sub->beta, sub->g, sub->lo, sub->hi};
    for (size_t k = 0; k < MLK_COUNT(arrays); k++)
        memset(arrays[k], 0, d->groups * padded * sizeof(double));
    memset(sub->diagonal, 0, padded * sizeof *sub->diagonal);
    for (size_t k = 0; k < m; k++)
        sub->diagonal[k] = c->set->diagonal[dual_rows_at(&c->rows, c->members[k])];
    for (size_t k = 0; k < m; k++) /* padding is read, and must be finite */
        memset(c->K + k * c->ld + m, 0, (padded - m) * sizeof *c->K);
    for (unsigned group = 0; group < d->groups; group++)
        for (size_t k = 0; k < m; k++) {
            const size_t t = group * s->n + c->members[k], l = group * padded + k;
            sub->beta[l] = d->beta[t] * scale;
            sub->lo[l] = d->lo[t] * scale;
            sub->hi[l] = d->hi[t] * scale;
            sub->g[l] = d->f[c->members[k]] + (d->q ? d->q[t] : 0.0);
        }
}

/* The moves back to the problem, bounds met exactly; who moved; f of the members. */
static void store_variables(solver *s)
{
    dual *d = s->d;
    const dual_cache *c = s->cache;
    const smo *sub = &s->smo;
    const double scale = c->set->scale;
    const size_t padded = smo_pad(c->count);
    s->n_moved = 0;
    d->path->rounding += sub->path;
    for (size_t k = 0; k < c->count; k++) {
        const size_t row = dual_rows_at(&c->rows, c->members[k]);
        double delta = 0.0;
        for (unsigned group = 0; group < d->groups; group++) {
            const size_t t = group * s->n + c->members[k], l = group * padded + k;
            const double b = sub->beta[l] == sub->lo[l]   ? d->lo[t]
                             : sub->beta[l] == sub->hi[l] ? d->hi[t]
                                                          : sub->beta[l] / scale;
            delta += (b - d->beta[t]) * scale;
            d->beta[t] = b;
        }
        d->f[c->members[k]] = sub->g[k] - (d->q ? d->q[c->members[k]] : 0.0);
        if (delta != 0.0) {
            d->path->moves += fabs(delta);
            d->path->reach += fabs(delta) * mlk_kernel_radius(c->set, row);
            s->delta[s->n_moved] = delta;
            s->moved[s->n_moved++] = k;
        }
    }
}

/* One working set: choose, compute, solve, update. *moved: something changed. */
static mlk_status iterate(solver *s, double violation, bool *moved)
{
    dual *d = s->d;
    double left;
    choose_set(s, 0.5 * d->tol);
    MLK_TRY(mlk_dual_cache_change(s->cache, s->kept, s->n_kept, s->fresh, s->n_fresh, s->run));
    load_variables(s);
    /* Everyone who violates is in: to the end. */
    const bool last = s->cache->count == s->n || s->n_fresh == 0;
    const double eps = last ? 0.9 * d->tol : smo_max(0.5 * d->tol, 0.2 * violation);
    const size_t steps = mlk_smo_solve(&s->smo, eps, s->limit - d->steps, &left);
    d->steps += steps;
    store_variables(s);
    *moved = s->n_moved > 0;
    mlk_run_log(s->run, "violation %g, working set %zu (%zu new), %zu steps to %g, %zu moved",
                violation, s->cache->count, s->n_fresh, steps, left, s->n_moved);
    return mlk_dual_cache_add(s->cache, s->member, s->moved, s->delta, s->n_moved, s->run, d->f);
}

/* ------------------------------------------------------------------------------ in double */

/* f of the samples with a coefficient, which come first, and of `wanted` others. NULL: all. */
static mlk_status exact_f(dual *d, const dual_cache *cache, const unsigned char *wanted,
                          const mlk_run *run, size_t *count)
{
    const size_t n = cache->n;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *samples = mlk_scratch_take(&scratch, n, sizeof *samples), n_sv = 0;
    size_t *rows = mlk_scratch_take(&scratch, n, sizeof *rows);
    double *coef = mlk_scratch_vec(&scratch, n).data, *sums = mlk_scratch_vec(&scratch, n).data;
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for sums of %zu samples", n);
    }
    for (size_t i = 0; i < n; i++)
        if (dual_coefficient(d, n, i) != 0.0) {
            coef[n_sv] = dual_coefficient(d, n, i);
            samples[n_sv++] = i;
        }
    *count = n_sv;
    for (size_t i = 0; i < n; i++)
        if (dual_coefficient(d, n, i) == 0.0 && (!wanted || wanted[i]))
            samples[(*count)++] = i;
    for (size_t k = 0; k < *count; k++)
        rows[k] = dual_rows_at(&cache->rows, samples[k]);
    const mlk_status st = mlk_exact_sums(cache->set, rows, n_sv, *count, coef, run, sums);
    for (size_t k = 0; st == MLK_OK && k < *count; k++)
        d->f[samples[k]] = sums[k];
    if (st == MLK_OK && *count == n)
        *d->path = (dual_path){0};
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_dual_exact(dual *d, const dual_cache *cache, const mlk_run *run)
{
    size_t count;
    return exact_f(d, cache, NULL, run, &count);
}

/* What f of a sample may err by: steep[0] + steep[1] * radius. */
static void error_of_f(const solver *s, double *line)
{
    const dual *d = s->d;
    const double u = 0x1p-24;
    double flat, steep, most = 0.0;
    for (size_t i = 0; i < s->n; i++)
        most = smo_max(most, fabs(d->f[i]));
    mlk_kernel_error(s->cache->set, &flat, &steep);
    line[0] = 2.0 * u * d->path->rounding + (double)d->steps * 0x1p-52 * most;
    if (d->path->moves > 0.0)
        line[0] += flat * d->path->moves;
    line[1] = steep * d->path->reach;
}

/*
 * Marks the samples whose f must be known exactly. One that may only rise is left out when even
 * -g + error is below any -g of those that may fall and below the largest of those that may rise:
 * then it violates with nobody, sets no bound on the bias and adds nothing to the gap. Likewise one
 * that may only fall. (Free ones are never left out.)
 */
static void mark_near(const solver *s, unsigned char *near)
{
    double line[2];
    error_of_f(s, line);
    memset(near, 0, s->n);
    for (unsigned k = 0; k < s->d->groups; k++) {
        const double *rise = s->rise[k], *fall = s->fall[k];
        double low_rise = -INFINITY, low_fall = -INFINITY; /* at least this is the largest */
        double high_rise = -INFINITY, high_fall = -INFINITY;
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; i < s->n; i++) {
                const size_t row = dual_rows_at(&s->cache->rows, i);
                const double e = line[0] + line[1] * mlk_kernel_radius(s->cache->set, row);
                if (pass == 0) {
                    low_rise = smo_max(low_rise, rise[i] - e);
                    low_fall = smo_max(low_fall, fall[i] - e);
                    high_rise = smo_max(high_rise, rise[i] + e);
                    high_fall = smo_max(high_fall, fall[i] + e);
                } else {
                    const bool certain = rise[i] + e < fmin(low_rise, -high_fall) &&
                                         fall[i] + e < fmin(low_fall, -high_rise);
                    near[i] |= !certain;
                }
            }
    }
}

static mlk_status verify(solver *s)
{
    size_t count;
    mark_near(s, s->member); /* members are chosen anew before they are asked for */
    MLK_TRY(exact_f(s->d, s->cache, s->member, s->run, &count));
    mlk_run_log(s->run, "%zu of %zu samples in double", count, s->n);
    return MLK_OK;
}

/* The bias of each group: the mean of -g over the free variables, or the middle of what the bounded
 * ones allow. */
static void set_bias(solver *s)
{
    dual *d = s->d;
    for (unsigned k = 0; k < d->groups; k++) {
        const double low = s->top_rise[k], high = -s->top_fall[k]; /* low <= bias <= high */
        double sum = 0.0;
        size_t count = 0;
        for (size_t i = 0; i < s->n; i++)
            if (s->rise[k][i] == -s->fall[k][i]) { /* both finite, and not at the kink */
                sum += s->rise[k][i];
                count++;
            }
        if (count)
            d->bias[k] = sum / (double)count;
        else if (low > -INFINITY && high < INFINITY)
            d->bias[k] = 0.5 * (low + high);
        else
            d->bias[k] = low > -INFINITY ? low : high < INFINITY ? high : 0.0;
    }
}

/* Objective and gap. With e = g + bias, and b = b+ + b- its parts above and below 0, a variable's
 * part of the gap is e b + kink |b| + max over the box of -(e b + kink |b|), for each part alone.
 */
static void certify(solver *s)
{
    dual *d = s->d;
    double objective = 0.0, gap = 0.0;
    set_bias(s);
    d->n_bounded = 0;
    for (unsigned k = 0; k < d->groups; k++)
        for (size_t i = 0; i < s->n; i++) {
            const size_t t = k * s->n + i;
            const double q = d->q ? d->q[t] : 0.0, e = d->f[i] + q + d->bias[k];
            const double plus = smo_max(d->beta[t], 0.0), minus = fmin(d->beta[t], 0.0);
            const double up = e + d->kink, down = e - d->kink;
            d->n_bounded += d->beta[t] != 0.0 && (d->beta[t] == d->lo[t] || d->beta[t] == d->hi[t]);
            objective += (0.5 * d->f[i] + q) * d->beta[t] + d->kink * (plus - minus);
            gap += up > 0.0 ? up * plus : up * (plus - d->hi[t]);
            gap += down > 0.0 ? down * (minus - d->lo[t]) : down * minus;
        }
    d->objective = objective;
    d->gap = gap;
}

/* ------------------------------------------------------------------------------ all of it */

static void allocate_smo(smo *sub, size_t m, unsigned groups, float *K, mlk_scratch *scratch)
{
    double **const arrays[] = {&sub->beta, &sub->g, &sub->lo, &sub->hi, &sub->up, &sub->down};
    *sub = (smo){.K = K, .ld = smo_row_length(m)};
    sub->diagonal = mlk_scratch_take(scratch, smo_pad(m), sizeof *sub->diagonal);
    for (size_t k = 0; k < MLK_COUNT(arrays); k++)
        *arrays[k] = mlk_scratch_take(scratch, groups * smo_pad(m), sizeof(double));
}

static void allocate(solver *s, mlk_scratch *scratch)
{
    const size_t n = s->n, q = s->capacity;
    const dual_cache *c = s->cache;
    s->kept = mlk_scratch_take(scratch, q, sizeof *s->kept);
    s->fresh = mlk_scratch_take(scratch, q, sizeof *s->fresh);
    s->moved = mlk_scratch_take(scratch, q, sizeof *s->moved);
    s->member = mlk_scratch_take(scratch, n, 1);
    s->keys = mlk_scratch_take(scratch, n, sizeof *s->keys);
    s->work = mlk_scratch_take(scratch, n, sizeof *s->work);
    for (unsigned k = 0; k < s->d->groups; k++) {
        s->rise[k] = mlk_scratch_take(scratch, n, sizeof *s->rise[k]);
        s->fall[k] = mlk_scratch_take(scratch, n, sizeof *s->fall[k]);
    }
    s->delta = mlk_scratch_take(scratch, q, sizeof *s->delta);
    allocate_smo(&s->smo, q, s->d->groups, c->K, scratch);
    if (c->inner && s->d->shrinking) {
        allocate_smo(&s->inner, c->inner, s->d->groups, c->inner_K, scratch);
        s->smo.inner = &s->inner;
        s->smo.room = c->inner;
        s->smo.keys = s->keys; /* of the choice of a set, which is over by then */
        s->smo.work = s->work;
        s->smo.chosen = s->kept;
    }
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b) {
        const size_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Is there still progress from one exact f to the next? Rounding in the rows sets a floor. */
static bool stalls(double violation, double *best, unsigned *stalled)
{
    *stalled = violation > 0.7 * *best ? *stalled + 1 : 0;
    *best = fmin(*best, violation);
    return *stalled >= 5;
}

/* Working sets until none violates by more than tol in double. */
static mlk_status solve(solver *s)
{
    dual *d = s->d;
    double best = INFINITY;
    unsigned stalled = 0;
    bool exact = d->path->moves == 0.0; /* f is, where it matters */
    for (;;) {
        MLK_TRY(mlk_run_poll(s->run, -1.0));
        const double violation = scan(s);
        if (exact) {
            d->violation = violation;
            d->converged = violation <= d->tol;
            if (d->converged || d->steps >= s->limit || stalls(violation, &best, &stalled))
                return MLK_OK;
        }
        bool moved = false;
        if (violation > (exact ? 1.0 : 0.9) * d->tol && d->steps < s->limit) {
            MLK_TRY(iterate(s, violation, &moved));
            if (!moved)
                s->limit = d->steps;
            exact = exact && !moved;
        }
        if (!moved && !exact) {
            MLK_TRY(verify(s));
            exact = true;
        }
    }
}

/* SMO, and where a linear kernel keeps it busy for longer than Newton's method takes, that. */
static mlk_status solve_either_way(solver *s)
{
    enum { STEPS_A_COLUMN = 100 };
    dual *d = s->d;
    const size_t most = STEPS_A_COLUMN * (s->cache->set->X.cols + 1);
    if (d->max_steps <= most || !mlk_linear_start_fits(d, s->cache))
        return solve(s);
    s->limit = most;
    MLK_TRY(solve(s));
    if (d->converged)
        return MLK_OK;
    MLK_TRY(mlk_linear_start(d, s->cache, s->run));
    s->limit = d->max_steps;
    return solve(s);
}

mlk_status mlk_dual_solve(dual *d, dual_cache *cache, const mlk_run *run)
{
    const size_t n = cache->n;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    solver s = {.d = d, .cache = cache, .run = run, .n = n, .limit = d->max_steps};
    s.capacity = n < cache->capacity ? n : cache->capacity;
    s.whole = n <= DUAL_WHOLE && s.capacity == n;
    s.stride = (size_t)(0.618 * (double)n) | 1;
    while (common_divisor(s.stride, n) != 1)
        s.stride++;
    allocate(&s, &scratch);
    mlk_status st =
        scratch.failed
            ? MLK_FAIL(MLK_ENOMEM, "no memory for a working set of %zu samples", s.capacity)
            : MLK_OK;
    if (st == MLK_OK) {
        d->steps = 0;
        st = solve_either_way(&s);
    }
    if (st == MLK_OK)
        certify(&s);
    mlk_scratch_release(&scratch);
    return st;
}
