#include "linear/face.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "linear/lanes.h"

#define ROUNDING 1e-14

typedef struct step {
    size_t a;      /* size of the face */
    double *d;     /* a: the direction */
    double *Gd;    /* m: G d */
    double *w, *g; /* m each: the trial point */
} step;

static mlk_status reserve(mlk_face *f, size_t n)
{
    if (n <= f->cap)
        return MLK_OK;
    const size_t cap = (n + n / 2 + 32) / 8 * 8;
    double *L = mlk_alloc(cap * cap, sizeof *L);
    size_t *list = mlk_alloc(cap, sizeof *list);
    if (!L || !list) {
        mlk_free(L);
        mlk_free(list);
        return MLK_FAIL(MLK_ENOMEM, "no memory for the factor of %zu columns", cap);
    }
    for (size_t i = 0; i < f->n; i++) {
        list[i] = f->list[i];
        memcpy(L + i * cap, f->L + i * f->cap, (i + 1) * sizeof *L);
    }
    mlk_free(f->L);
    mlk_free(f->list);
    f->L = L;
    f->list = list;
    f->cap = cap;
    return MLK_OK;
}

/* Put the nonzero coordinates into f->list: first those of the factor up to the first that has
 * left, f->n of them, then the others from the largest down, as the small ones leave first. */
static mlk_status list_face(mlk_face *f, const mlk_cd_problem *p, double l2, step *s)
{
    size_t kept = 0, n = 0, a = 0;
    if (f->l2 != l2)
        f->n = 0;
    f->l2 = l2;
    while (kept < f->n && p->w[f->list[kept]] != 0.0)
        kept++;
    f->n = kept;
    for (size_t j = 0; j < p->m; j++)
        a += p->w[j] != 0.0;
    MLK_TRY(reserve(f, a));

    mlk_scratch scratch = MLK_SCRATCH_INIT;
    bool *taken = mlk_scratch_take(&scratch, p->m, sizeof *taken);
    size_t *rest = mlk_scratch_take(&scratch, a, sizeof *rest);
    size_t *order = mlk_scratch_take(&scratch, a, sizeof *order);
    double *key = mlk_scratch_vec(&scratch, a).data;
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a face of %zu columns", a);
    } else {
        memset(taken, 0, p->m * sizeof *taken);
        for (size_t i = 0; i < kept; i++)
            taken[f->list[i]] = true;
        for (size_t j = 0; j < p->m; j++)
            if (p->w[j] != 0.0 && !taken[j]) {
                key[n] = -fabs(p->w[j]) * sqrt(p->norm2[j]);
                rest[n++] = j;
            }
        st = mlk_argsort(key, n, order);
        for (size_t i = 0; st == MLK_OK && i < n; i++)
            f->list[kept + i] = rest[order[i]];
    }
    mlk_scratch_release(&scratch);
    s->a = a;
    return st;
}

/* Extend the factor to the whole face and solve (1). If column a of the face depends on those
 * before, *regular = false, and d is the combination of the first a + 1 (what s->a is then) that
 * leaves Z w as it is, with the sign that lowers the L1 norm. */
static mlk_status direction(mlk_face *f, const mlk_cd_problem *p, const mlk_cd_penalty *q, step *s,
                            bool *regular)
{
    for (size_t i = f->n; i < s->a; i++) {
        const double *row = p->G.data + f->list[i] * p->G.ld;
        double *to = f->L + i * f->cap;
        for (size_t k = 0; k <= i; k++)
            to[k] = row[f->list[k]];
        to[i] += q->l2;
    }
    size_t rank = s->a;
    const mlk_status st =
        s->a > f->n ? mlk_chol_extend((mlk_mat){f->L, s->a, s->a, f->cap}, f->n, &rank) : MLK_OK;
    if (st != MLK_OK && st != MLK_ESINGULAR)
        return st;
    *regular = st == MLK_OK;
    f->n = rank;
    const double *last = *regular ? NULL : p->G.data + f->list[rank] * p->G.ld;
    for (size_t i = 0; i < rank; i++) {
        const size_t j = f->list[i];
        s->d[i] = *regular ? p->g[j] - copysign(q->l1, p->w[j]) - q->l2 * p->w[j] : -last[j];
    }
    mlk_chol_solve((mlk_cmat){f->L, rank, rank, f->cap}, (mlk_mat){s->d, rank, 1, 1});
    if (*regular)
        return MLK_OK;
    double slope = copysign(1.0, p->w[f->list[rank]]);
    s->d[rank] = 1.0;
    s->a = rank + 1;
    for (size_t i = 0; i < rank; i++)
        slope += copysign(s->d[i], s->d[i] * p->w[f->list[i]]);
    for (size_t i = 0; i < s->a && slope > 0.0; i++)
        s->d[i] = -s->d[i];
    return MLK_OK;
}

/* y -= sum_i x_i row(list_i) of G */
MLK_SIMD_TILES static void subtract_rows(const mlk_cd_problem *p, const size_t *list,
                                         const double *x, size_t n, double *y)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0.0)
            mlk_lanes_axpy(-x[i], p->G.data + list[i] * p->G.ld, y, p->m);
}

/* The trial point w + t d; coordinates that change sign are set to 0. */
static void go(const mlk_face *f, const mlk_cd_problem *p, double t, step *s)
{
    memcpy(s->w, p->w, p->m * sizeof *s->w);
    memcpy(s->g, p->g, p->m * sizeof *s->g);
    for (size_t i = 0; i < p->m; i++)
        s->g[i] += t * s->Gd[i];
    for (size_t i = 0; i < s->a; i++) {
        const size_t j = f->list[i];
        const double to = p->w[j] + t * s->d[i];
        s->w[j] = to / p->w[j] > ROUNDING ? to : 0.0; /* a rest at most counts as 0 */
        const double back = s->w[j] - to;             /* not as far as g has been moved */
        if (back != 0.0)
            subtract_rows(p, &j, &back, 1, s->g);
    }
}

/* P less t't / 2 */
static double value(const mlk_cd_problem *p, const mlk_cd_penalty *q, const double *w,
                    const double *g)
{
    double sum = 0.0;
    for (size_t j = 0; j < p->m; j++)
        sum += w[j] * (p->zt[j] + g[j]);
    return mlk_cd_penalty_of(q, w, p->m) - 0.5 * sum;
}

/* How far along d the first coordinate reaches 0, at most `most`. */
static double first_zero(const mlk_face *f, const mlk_cd_problem *p, const step *s, double most)
{
    double t = most;
    for (size_t i = 0; i < s->a; i++) {
        const double w = p->w[f->list[i]];
        if (s->d[i] * w < 0.0)
            t = fmin(t, -w / s->d[i]);
    }
    return t;
}

/* One step: as far as P falls, but at least until the first coordinate reaches 0. *whole: to the
 * minimiser of the face, but for coordinates that have changed sign on the way. */
static mlk_status try_step(mlk_face *f, const mlk_cd_problem *p, const mlk_cd_penalty *q, step *s,
                           bool *whole, bool *moved)
{
    bool regular;
    *moved = *whole = false;
    MLK_TRY(direction(f, p, q, s, &regular));
    const double now = value(p, q, p->w, p->g);
    const double t = first_zero(f, p, s, regular ? 1.0 : INFINITY);
    if (!(t < INFINITY))
        return MLK_OK;
    memset(s->Gd, 0, p->m * sizeof *s->Gd);
    subtract_rows(p, f->list, s->d, s->a, s->Gd); /* it is -G d now */
    /* No weight in the way, or one less (of twin columns, say): even where rounding hides the
     * gain, or there is none. */
    const double slack = t == 1.0 || !regular ? ROUNDING * p->tt : 0.0;
    double far = regular ? 1.0 : t;
    for (bool last = false; !*moved && !last; far *= 0.25) {
        last = far <= t;
        go(f, p, fmax(far, t), s);
        *moved = value(p, q, s->w, s->g) < now + slack;
        *whole = *moved && regular && far == 1.0;
    }
    if (*moved) {
        memcpy(p->w, s->w, p->m * sizeof *s->w);
        memcpy(p->g, s->g, p->m * sizeof *s->g);
    }
    return MLK_OK;
}

/* Multiplications that the factor of the face lacks. */
static double cost(const mlk_face *f, const step *s)
{
    const double a = (double)s->a, k = (double)f->n;
    return (a * a * a - k * k * k) / 3.0;
}

mlk_status mlk_face_step(mlk_face *face, const mlk_cd_problem *p, const mlk_cd_penalty *q,
                         double budget, bool *taken)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    step s = {.d = mlk_scratch_vec(&scratch, p->m).data,
              .Gd = mlk_scratch_vec(&scratch, p->m).data,
              .w = mlk_scratch_vec(&scratch, p->m).data,
              .g = mlk_scratch_vec(&scratch, p->m).data};
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a step over %zu columns", p->m);
    *taken = false;
    for (bool whole = false, again = true; st == MLK_OK && again && !whole;) {
        st = list_face(face, p, q->l2, &s);
        if (st != MLK_OK || s.a == 0 || (!*taken && cost(face, &s) > budget))
            break;
        *taken = true;
        st = try_step(face, p, q, &s, &whole, &again);
    }
    mlk_scratch_release(&scratch);
    return st;
}

void mlk_face_renumber(mlk_face *face, const size_t *place)
{
    size_t n = 0;
    for (; n < face->n && place[face->list[n]] != SIZE_MAX; n++)
        face->list[n] = place[face->list[n]];
    face->n = n;
}

void mlk_face_reset(mlk_face *face) { face->n = 0; }

void mlk_face_release(mlk_face *face)
{
    mlk_free(face->L);
    mlk_free(face->list);
    *face = (mlk_face){0};
}
