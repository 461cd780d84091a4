#include "decomposition/lle_solve.h"

#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "decomposition/embedding.h"
#include "linalg/linalg.h"

/* Iterating pays from so many rows on, for up to one pair in so many. */
enum { FEW_ROWS = 400, SHARE = 20 };

/* ---------------------------------------------------------- products with M */

static size_t columns_of(const lle_problem *t, size_t i)
{
    return t->count ? t->count[i] : t->width;
}

/* Node number `a` of clique i: i itself, then its neighbours. */
static size_t member(const lle_problem *t, size_t i, size_t a)
{
    return a ? t->near[i * t->k + a - 1] : i;
}

static double weight(const lle_problem *t, size_t i, size_t a, size_t c)
{
    return a ? t->W[(i * t->k + a - 1) * t->width + c] : -1.0;
}

/* Element (a, b) of R_i R_i'. */
static double product(const lle_problem *t, size_t i, size_t a, size_t b)
{
    double sum = 0.0;
    for (size_t c = 0; c < columns_of(t, i); c++)
        sum += weight(t, i, a, c) * weight(t, i, b, c);
    return sum;
}

/* z'Mz as a sum of squares: small values keep their digits. */
static double quadratic(const lle_problem *t, mlk_cmat Z, size_t column)
{
    double sum = 0.0;
    for (size_t i = 0; i < t->n; i++)
        for (size_t c = 0; c < columns_of(t, i); c++) {
            double r = 0.0;
            for (size_t a = 0; a <= t->k; a++)
                r += weight(t, i, a, c) * Z.data[member(t, i, a) * Z.ld + column];
            sum += r * r;
        }
    return sum;
}

/* ------------------------------------------------------------------ in full */

/* The largest pairs of -M - c 11'/n, with c = tr(M) >= all eigenvalues: the constant vector goes
 * last. */
static mlk_status smallest_in_full(const lle_problem *t, mlk_vec lambda, mlk_mat Z)
{
    const size_t n = t->n;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat A = mlk_scratch_mat(&scratch, n, n);
    double trace = 0.0;
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", n, n);
    }
    memset(A.data, 0, n * n * sizeof *A.data);
    for (size_t i = 0; i < n; i++)
        for (size_t a = 0; a <= t->k; a++)
            for (size_t b = 0; b <= t->k; b++)
                A.data[member(t, i, a) * n + member(t, i, b)] -= product(t, i, a, b);
    for (size_t i = 0; i < n; i++)
        trace -= A.data[i * n + i];
    for (size_t i = 0; i < n * n; i++)
        A.data[i] -= trace / (double)n;
    const mlk_status st = mlk_eigh(A, lambda.n, lambda, Z);
    mlk_scratch_release(&scratch);
    return st;
}

/* ----------------------------------------------------------- order of the rows */

typedef struct ordering {
    const lle_problem *t;
    size_t *start, *clique; /* cliques of each node: n + 1, n (k + 1) */
    size_t *order, *place;  /* n: node at a place, place of a node */
    bool *seen, *done;      /* n: nodes, cliques */
} ordering;

static void list_cliques(ordering *o)
{
    const lle_problem *t = o->t;
    memset(o->start, 0, (t->n + 1) * sizeof *o->start);
    for (size_t i = 0; i < t->n; i++)
        for (size_t a = 0; a <= t->k; a++)
            o->start[member(t, i, a)]++;
    for (size_t i = 0, sum = 0; i <= t->n; i++) {
        const size_t count = o->start[i];
        o->start[i] = sum;
        sum += i < t->n ? count : 0;
    }
    memcpy(o->place, o->start, t->n * sizeof *o->place); /* where the next one goes */
    for (size_t i = 0; i < t->n; i++)
        for (size_t a = 0; a <= t->k; a++)
            o->clique[o->place[member(t, i, a)]++] = i;
}

/* Nodes by their distance from `root`: o->order; returns the last one. All are reached. */
static size_t breadth_first(ordering *o, size_t root)
{
    const lle_problem *t = o->t;
    memset(o->seen, 0, t->n * sizeof *o->seen);
    memset(o->done, 0, t->n * sizeof *o->done);
    size_t end = 0;
    o->order[end++] = root;
    o->seen[root] = true;
    for (size_t at = 0; at < end; at++) {
        const size_t node = o->order[at];
        for (size_t e = o->start[node]; e < o->start[node + 1]; e++) {
            const size_t i = o->clique[e];
            if (o->done[i])
                continue;
            o->done[i] = true;
            for (size_t a = 0; a <= t->k; a++) {
                const size_t other = member(t, i, a);
                if (!o->seen[other]) {
                    o->seen[other] = true;
                    o->order[end++] = other;
                }
            }
        }
    }
    return o->order[end - 1];
}

/* Places such that rows that meet in M are close [cuthill1969], from a node at the rim; returns the
 * bandwidth. */
static size_t find_order(ordering *o)
{
    const lle_problem *t = o->t;
    size_t root = 0, width = 0;
    list_cliques(o);
    for (int pass = 0; pass < 3; pass++)
        root = breadth_first(o, root);
    for (size_t i = 0; i < t->n; i++)
        o->place[o->order[t->n - 1 - i]] = i;
    for (size_t i = 0; i < t->n; i++) {
        size_t lo = t->n, hi = 0;
        for (size_t a = 0; a <= t->k; a++) {
            const size_t at = o->place[member(t, i, a)];
            lo = at < lo ? at : lo;
            hi = at > hi ? at : hi;
        }
        width = hi - lo > width ? hi - lo : width;
    }
    return width;
}

/* -------------------------------------------------------- inverse iteration */

typedef struct inverse {
    mlk_cmat band;
    const size_t *place;
    mlk_mat room; /* n x b: right sides in the order of the band */
} inverse;

/* A part of the columns each. */
typedef struct solving {
    const inverse *t;
    mlk_mat B;
} solving;

static mlk_status solve_columns(void *ctx, const mlk_chunk *c)
{
    const solving *s = ctx;
    mlk_band_solve(s->t->band,
                   (mlk_mat){s->B.data + c->begin, s->B.rows, c->end - c->begin, s->B.ld});
    return MLK_OK;
}

/* out = J (M + shift)^-1 J X. */
static mlk_status apply_inverse(void *ctx, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const inverse *t = ctx;
    const mlk_mat B = {t->room.data, X.rows, X.cols, X.cols};
    mlk_copy(X, out);
    map_centre(out);
    for (size_t i = 0; i < X.rows; i++)
        memcpy(B.data + t->place[i] * B.ld, out.data + i * out.ld, X.cols * sizeof(double));
    solving s = {t, B};
    MLK_TRY(mlk_parallel_for(run, X.cols, 1, solve_columns, &s));
    for (size_t i = 0; i < X.rows; i++)
        memcpy(out.data + i * out.ld, B.data + t->place[i] * B.ld, X.cols * sizeof(double));
    map_centre(out);
    return MLK_OK;
}

/* The factor of M + shift, for the least shift of 1e-13, 1e-11, ... of the mean diagonal element
 * that makes it definite to working precision. */
static mlk_status factor(const ordering *o, mlk_mat band)
{
    const lle_problem *t = o->t;
    const size_t width = band.cols - 1;
    mlk_status st = MLK_ESINGULAR;
    for (double share = 1e-13; st == MLK_ESINGULAR && share < 1e-4; share *= 100.0) {
        double trace = 0.0;
        memset(band.data, 0, band.rows * band.ld * sizeof *band.data);
        for (size_t i = 0; i < t->n; i++)
            for (size_t a = 0; a <= t->k; a++)
                for (size_t b = 0; b <= t->k; b++) {
                    const size_t row = o->place[member(t, i, a)], col = o->place[member(t, i, b)];
                    if (col <= row)
                        band.data[row * band.ld + width - (row - col)] += product(t, i, a, b);
                }
        for (size_t i = 0; i < t->n; i++)
            trace += band.data[i * band.ld + width];
        for (size_t i = 0; i < t->n; i++)
            band.data[i * band.ld + width] += share * trace / (double)t->n;
        st = mlk_band_chol(band);
    }
    return st;
}

static mlk_status smallest_by_iteration(const lle_problem *t, const mlk_run *run, mlk_vec lambda,
                                        mlk_mat Z)
{
    const size_t n = t->n;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    ordering o = {.t = t};
    o.start = mlk_scratch_take(&scratch, n + 1, sizeof *o.start);
    o.clique = mlk_scratch_take(&scratch, n * (t->k + 1), sizeof *o.clique);
    o.order = mlk_scratch_take(&scratch, n, sizeof *o.order);
    o.place = mlk_scratch_take(&scratch, n, sizeof *o.place);
    o.seen = mlk_scratch_take(&scratch, n, sizeof *o.seen);
    o.done = mlk_scratch_take(&scratch, n, sizeof *o.done);
    mlk_mat band = {NULL, 0, 0, 0}, room = mlk_scratch_mat(&scratch, n, lambda.n + 8);
    if (!scratch.failed)
        band = mlk_scratch_mat(&scratch, n, find_order(&o) + 1);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for the factor of %zu rows", n)
                                   : factor(&o, band);
    if (st == MLK_OK) {
        inverse inv = {mlk_mat_c(band), o.place, room};
        st = mlk_eigs(apply_inverse, &inv, n, lambda.n, 1e-12, run, lambda, Z);
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status lle_smallest(const lle_problem *t, const mlk_run *run, mlk_vec lambda, mlk_mat Z)
{
    mlk_status st = MLK_ESINGULAR;
    if (t->n > FEW_ROWS && lambda.n <= t->n / SHARE)
        st = smallest_by_iteration(t, run, lambda, Z);
    if (st == MLK_ESINGULAR)
        st = smallest_in_full(t, lambda, Z);
    for (size_t c = 0; st == MLK_OK && c < lambda.n; c++)
        lambda.data[c] = quadratic(t, mlk_mat_c(Z), c);
    return st;
}
