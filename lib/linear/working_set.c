#include "linear/working_set.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/sort.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "linear/centred.h"
#include "linear/coordinate_descent.h"
#include "linear/face.h"
#include "linear/lanes.h"

/*
 * Small p: coordinate descent on all columns with their whole Gram matrix. Otherwise on a set of
 * columns that grows until the gap over *all* columns is small enough:
 *
 *     w, g = Z'r, r = t - Z w     over all p columns
 *        |  choose: the largest |g_j|                       ^
 *        v                                                  |  r, and then g where it may matter
 *     sub: set, w, g, Gram matrix, copy of the columns  ----+
 *
 * g_j is as of the residuals when `travel`, the length of the way that r has gone so far, was
 * stamp[j]: now |z_j'r| <= |g_j| + ||z_j|| (travel - stamp[j]) =: reach(j). Where reach(j) <= l1,
 * column j takes no part in the gap whatever its exact value, and its product is not computed.
 */
enum {
    GRAM_MAX_COLUMNS = 512, /* of the whole Gram matrix */
    STEP = 64,              /* columns to add at least, where so many qualify */
    WORK = 1 << 19          /* elements of Z a chunk */
};

#define ROUNDING 1e-15 /* of ||t||^2: no gap below is asked for */

typedef struct sub {
    size_t m;                   /* members */
    size_t *set;                /* their columns */
    double *w, *g, *norm2, *zt; /* theirs */
    size_t gram_m, cap;         /* the first gram_m have rows in the next two, of cap rows each */
    double *G;                  /* cap x cap */
    double *Z;                  /* cap x ld */
} sub;

struct mlk_working_set {
    mlk_centred c;
    double *w, *g, *norm, *stamp; /* p each */
    double *r, *r_before;         /* ld each */
    double rr, travel;
    bool *member, *screened; /* p each */
    size_t *list;            /* p: scratch */
    double *key;             /* p: scratch */
    sub sub;
    mlk_face face;
    mlk_scratch memory;
};

void mlk_working_set_restart(mlk_working_set *ws)
{
    const size_t p = ws->c.p;
    memset(ws->w, 0, p * sizeof *ws->w);
    memcpy(ws->g, ws->c.zt.data, p * sizeof *ws->g);
    ws->rr = ws->c.tt;
    ws->sub.m = ws->sub.gram_m = 0;
    mlk_face_reset(&ws->face);
    if (ws->c.G.data)
        return;
    memset(ws->stamp, 0, p * sizeof *ws->stamp);
    memset(ws->member, 0, p * sizeof *ws->member);
    memcpy(ws->r, ws->c.t.data, ws->c.t.n * sizeof *ws->r);
    ws->travel = 0.0;
}

static void take_memory(mlk_working_set *ws)
{
    const size_t p = ws->c.p;
    mlk_scratch *s = &ws->memory;
    ws->w = mlk_scratch_vec(s, p).data;
    ws->g = mlk_scratch_vec(s, p).data;
    if (ws->c.G.data)
        return;
    ws->norm = mlk_scratch_vec(s, p).data;
    ws->stamp = mlk_scratch_vec(s, p).data;
    ws->key = mlk_scratch_vec(s, p).data;
    ws->r = mlk_scratch_vec(s, ws->c.t.n).data;
    ws->r_before = mlk_scratch_vec(s, ws->c.t.n).data;
    ws->member = mlk_scratch_take(s, p, sizeof *ws->member);
    ws->screened = mlk_scratch_take(s, p, sizeof *ws->screened);
    ws->list = mlk_scratch_take(s, p, sizeof *ws->list);
    ws->sub.set = mlk_scratch_take(s, p, sizeof *ws->sub.set);
    ws->sub.w = mlk_scratch_vec(s, p).data;
    ws->sub.g = mlk_scratch_vec(s, p).data;
    ws->sub.norm2 = mlk_scratch_vec(s, p).data;
    ws->sub.zt = mlk_scratch_vec(s, p).data;
}

mlk_status mlk_working_set_new(const mlk_data *data, bool fit_intercept, const mlk_run *run,
                               mlk_working_set **out)
{
    const size_t p = data->X.cols;
    mlk_working_set *ws = mlk_alloc_zero(1, sizeof *ws);
    *out = NULL;
    if (!ws)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a working set");
    const bool gram = p <= data->X.rows && p <= GRAM_MAX_COLUMNS;
    mlk_status st = mlk_centred_init(&ws->c, data, fit_intercept, gram, run);
    if (st == MLK_OK) {
        take_memory(ws);
        if (ws->memory.failed)
            st = MLK_FAIL(MLK_ENOMEM, "no memory for the state of %zu columns", p);
    }
    if (st != MLK_OK) {
        mlk_working_set_free(ws);
        return st;
    }
    for (size_t j = 0; !gram && j < p; j++)
        ws->norm[j] = sqrt(ws->c.norm2.data[j]);
    mlk_working_set_restart(ws);
    *out = ws;
    return MLK_OK;
}

void mlk_working_set_free(mlk_working_set *ws)
{
    if (!ws)
        return;
    mlk_face_release(&ws->face);
    mlk_free(ws->sub.G);
    mlk_free(ws->sub.Z);
    mlk_scratch_release(&ws->memory);
    mlk_centred_release(&ws->c);
    mlk_free(ws);
}

mlk_cvec mlk_working_set_coef(const mlk_working_set *ws) { return (mlk_cvec){ws->w, ws->c.p}; }

double mlk_working_set_intercept(const mlk_working_set *ws)
{
    double b = ws->c.y_mean;
    for (size_t j = 0; j < ws->c.p; j++)
        b -= ws->c.x_mean.data[j] * ws->w[j];
    return b;
}

double mlk_working_set_target(const mlk_working_set *ws, double tol)
{
    return fmax(tol, ROUNDING) * ws->c.tt / (double)ws->c.n;
}

/* ---- the whole Gram matrix */

/* g = Z't - Z'Z w, and ||r||^2 = t't - w'(Z't + g). */
MLK_SIMD_TILES static void gradient_gram(mlk_working_set *ws)
{
    const size_t p = ws->c.p;
    double sum = 0.0;
    memcpy(ws->g, ws->c.zt.data, p * sizeof *ws->g);
    for (size_t j = 0; j < p; j++)
        if (ws->w[j] != 0.0)
            mlk_lanes_axpy(-ws->w[j], ws->c.G.data + j * ws->c.G.ld, ws->g, p);
    for (size_t j = 0; j < p; j++)
        sum += ws->w[j] * (ws->c.zt.data[j] + ws->g[j]);
    ws->rr = fmax(0.0, ws->c.tt - sum);
}

static mlk_status solve_gram(mlk_working_set *ws, const mlk_cd_penalty *q, double target,
                             int64_t max_passes, const mlk_run *run, int64_t *passes, double *gap)
{
    const mlk_centred *c = &ws->c;
    const mlk_cd_problem problem = {.m = c->p,
                                    .norm2 = c->norm2.data,
                                    .w = ws->w,
                                    .g = ws->g,
                                    .G = mlk_mat_c(c->G),
                                    .zt = c->zt.data,
                                    .tt = c->tt,
                                    .face = &ws->face};
    for (;;) {
        const int64_t before = *passes;
        double s;
        MLK_TRY(mlk_cd_minimise(&problem, q, target, max_passes, run, passes));
        gradient_gram(ws); /* without the rounding of the updates */
        *gap = mlk_cd_gap(q, c->p, ws->w, ws->g, ws->rr, &s);
        if (*gap <= target || *passes == before)
            return MLK_OK;
    }
}

/* ---- gradients over all columns */

static double reach(const mlk_working_set *ws, const mlk_cd_penalty *q, size_t j)
{
    const double drift = ws->norm[j] * (ws->travel - ws->stamp[j]);
    return (q->positive ? ws->g[j] : fabs(ws->g[j])) + drift;
}

static mlk_status dot_chunk(void *ctx, const mlk_chunk *chunk)
{
    const mlk_working_set *ws = ctx;
    const size_t *list = ws->list + chunk->begin;
    const mlk_cmat Z = {ws->c.Z.data, ws->c.p, ws->c.Z.ld, ws->c.Z.ld};
    mlk_lanes_dots(Z, list, chunk->end - chunk->begin, ws->r, list, ws->g);
    return MLK_OK;
}

/* Bring g up to date for the members and wherever it may reach `level`, but for the screened. */
static mlk_status refresh(mlk_working_set *ws, const mlk_cd_penalty *q, double level,
                          const mlk_run *run)
{
    const mlk_run inner = mlk_run_inner(run);
    size_t n = 0;
    for (size_t j = 0; j < ws->c.p; j++)
        if (ws->stamp[j] != ws->travel &&
            (ws->member[j] || (!ws->screened[j] && reach(ws, q, j) >= level)))
            ws->list[n++] = j;
    MLK_TRY(mlk_parallel_for(&inner, n, mlk_grain(ws->c.n, WORK), dot_chunk, ws));
    for (size_t k = 0; k < n; k++)
        ws->stamp[ws->list[k]] = ws->travel;
    return MLK_OK;
}

MLK_SIMD_TILES static mlk_status residual_chunk(void *ctx, const mlk_chunk *chunk)
{
    const mlk_working_set *ws = ctx;
    const size_t n = chunk->end - chunk->begin;
    memcpy(ws->r + chunk->begin, ws->c.t.data + chunk->begin, n * sizeof *ws->r);
    for (size_t k = 0; k < ws->sub.m; k++)
        if (ws->sub.w[k] != 0.0)
            mlk_lanes_axpy(-ws->sub.w[k], ws->c.Z.data + ws->sub.set[k] * ws->c.Z.ld + chunk->begin,
                           ws->r + chunk->begin, n);
    return MLK_OK;
}

/* r = t - Z w from the weights of the members, its norm, and how far it went. */
static mlk_status update_residuals(mlk_working_set *ws, const mlk_run *run)
{
    const size_t ld = ws->c.t.n;
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_parallel_for(&inner, ld, 4096, residual_chunk, ws));
    double sum = 0.0, moved = 0.0;
    for (size_t i = 0; i < ld; i++) {
        const double d = ws->r[i] - ws->r_before[i];
        sum += ws->r[i] * ws->r[i];
        moved += d * d;
    }
    ws->rr = sum;
    ws->travel += sqrt(moved);
    return MLK_OK;
}

/* ---- the set */

static void add_member(mlk_working_set *ws, size_t j)
{
    sub *s = &ws->sub;
    s->set[s->m] = j;
    s->norm2[s->m] = ws->c.norm2.data[j];
    s->zt[s->m] = ws->c.zt.data[j];
    s->m++;
    ws->member[j] = true;
}

/* Add columns whose |g_j| is above `level`, the largest ones if there are more than `most`.
 * Returns whether some were left. */
static bool grow(mlk_working_set *ws, const mlk_cd_penalty *q, double level, size_t most)
{
    size_t n = 0, kept = 0;
    for (size_t j = 0; j < ws->c.p; j++) {
        const double size = q->positive ? ws->g[j] : fabs(ws->g[j]);
        if (ws->member[j] || ws->screened[j] || ws->norm[j] == 0.0 || size <= level)
            continue;
        ws->key[n] = -size;
        ws->list[n++] = j;
    }
    if (n <= most) {
        for (size_t k = 0; k < n; k++)
            add_member(ws, ws->list[k]);
        return false;
    }
    const double last = mlk_select(ws->key, n, most - 1);
    for (size_t k = 0; k < n && kept < most; k++) {
        const size_t j = ws->list[k];
        if (-(q->positive ? ws->g[j] : fabs(ws->g[j])) <= last) {
            add_member(ws, j);
            kept++;
        }
    }
    return true;
}

/* Before a new problem: drop members without weight and below `level` when they are many. */
static void prune(mlk_working_set *ws, double level)
{
    sub *s = &ws->sub;
    const size_t ld = ws->c.Z.ld;
    size_t kept = 0, gram_kept = 0;
    for (size_t k = 0; k < s->m; k++)
        kept += s->w[k] != 0.0 || fabs(ws->g[s->set[k]]) > level;
    if (s->m <= kept + kept / 4 + STEP)
        return;
    size_t *place = ws->list; /* of each member after the others have gone */
    for (size_t k = 0, n = 0; k < s->m; k++)
        place[k] = s->w[k] != 0.0 || fabs(ws->g[s->set[k]]) > level ? n++ : SIZE_MAX;
    mlk_face_renumber(&ws->face, place);
    kept = 0;
    for (size_t k = 0; k < s->m; k++) {
        const size_t j = s->set[k];
        if (place[k] == SIZE_MAX) {
            ws->member[j] = false;
            continue;
        }
        if (k < s->gram_m) {
            memmove(s->Z + kept * ld, s->Z + k * ld, ld * sizeof *s->Z);
            memmove(s->G + kept * s->cap, s->G + k * s->cap, s->cap * sizeof *s->G);
            gram_kept++;
        }
        s->set[kept] = j;
        s->w[kept] = s->w[k];
        s->norm2[kept] = s->norm2[k];
        s->zt[kept++] = s->zt[k];
    }
    for (size_t i = 0; i < gram_kept; i++)
        for (size_t k = 0; k < s->gram_m; k++)
            if (place[k] != SIZE_MAX)
                s->G[i * s->cap + place[k]] = s->G[i * s->cap + k];
    s->m = kept;
    s->gram_m = gram_kept;
}

static mlk_status reserve(mlk_working_set *ws)
{
    sub *s = &ws->sub;
    const size_t ld = ws->c.Z.ld;
    if (s->m <= s->cap)
        return MLK_OK;
    size_t cap = s->m + s->m / 2 + STEP;
    cap = (cap < ws->c.p ? cap : ws->c.p);
    cap = (cap + 7) / 8 * 8;
    double *G = mlk_alloc(cap * cap, sizeof *G), *Z = mlk_alloc(cap * ld, sizeof *Z);
    if (!G || !Z) {
        mlk_free(G);
        mlk_free(Z);
        return MLK_FAIL(MLK_ENOMEM, "no memory for a working set of %zu columns", cap);
    }
    for (size_t k = 0; k < s->gram_m; k++)
        memcpy(G + k * cap, s->G + k * s->cap, s->gram_m * sizeof *G);
    if (s->gram_m)
        memcpy(Z, s->Z, s->gram_m * ld * sizeof *Z);
    mlk_free(s->G);
    mlk_free(s->Z);
    s->G = G;
    s->Z = Z;
    s->cap = cap;
    return MLK_OK;
}

/* The Gram matrix of the new members with all. */
static mlk_status extend_gram(mlk_working_set *ws, const mlk_run *run)
{
    sub *s = &ws->sub;
    const size_t ld = ws->c.Z.ld, first = s->gram_m, k = s->m - first;
    MLK_TRY(reserve(ws));
    if (k == 0)
        return MLK_OK;
    for (size_t i = first; i < s->m; i++)
        memcpy(s->Z + i * ld, ws->c.Z.data + s->set[i] * ld, ld * sizeof *s->Z);
    MLK_TRY(mlk_gemm_rows((mlk_cmat){s->Z, s->m, ld, ld}, MLK_TRANS,
                          (mlk_cmat){s->Z + first * ld, k, ld, ld}, run,
                          (mlk_mat){s->G + first, s->m, k, s->cap}));
    for (size_t i = first; i < s->m; i++)
        for (size_t j = 0; j < first; j++)
            s->G[i * s->cap + j] = s->G[j * s->cap + i];
    s->gram_m = s->m;
    return MLK_OK;
}

/* A Gram matrix pays while it is small beside the columns, and its rows beside theirs. */
static bool gram_pays(const mlk_working_set *ws)
{
    const double m = (double)ws->sub.m, n = (double)ws->c.n, p = (double)ws->c.p;
    return m <= fmax(2048.0, fmin(3.0 * n, sqrt(n * p)));
}

static mlk_status solve_sub(mlk_working_set *ws, const mlk_cd_penalty *q, double target,
                            int64_t max_passes, const mlk_run *run, int64_t *passes)
{
    sub *s = &ws->sub;
    mlk_cd_problem problem = {.m = s->m, .norm2 = s->norm2, .w = s->w, .g = s->g};
    for (size_t k = 0; k < s->m; k++) {
        s->w[k] = ws->w[s->set[k]];
        s->g[k] = ws->g[s->set[k]];
    }
    memcpy(ws->r_before, ws->r, ws->c.t.n * sizeof *ws->r);
    if (gram_pays(ws)) {
        MLK_TRY(extend_gram(ws, run));
        problem.G = (mlk_cmat){s->G, s->m, s->m, s->cap};
        problem.zt = s->zt;
        problem.tt = ws->c.tt;
        problem.face = &ws->face;
    } else {
        problem.Z = mlk_mat_c(ws->c.Z);
        problem.set = s->set;
        problem.r = ws->r;
        problem.n = ws->c.t.n;
    }
    MLK_TRY(mlk_cd_minimise(&problem, q, target, max_passes, run, passes));
    for (size_t k = 0; k < s->m; k++)
        ws->w[s->set[k]] = s->w[k];
    return update_residuals(ws, run);
}

/* ---- one problem on columns */

/* The gap-safe sphere test [ndiaye2017]: the dual optimum lies within sqrt(2 gap) of s r, and
 * w_j = 0 at the optimum where |z_j'theta| < l1 all over that ball. */
static void screen(mlk_working_set *ws, const mlk_cd_penalty *q, double s, double gap)
{
    const double radius = sqrt(2.0 * (gap + ROUNDING * ws->c.tt));
    for (size_t j = 0; j < ws->c.p; j++)
        if (!ws->member[j] && s * reach(ws, q, j) + ws->norm[j] * radius < q->l1)
            ws->screened[j] = true;
}

static double full_gap(const mlk_working_set *ws, const mlk_cd_penalty *q, double *s)
{
    return mlk_cd_gap(q, ws->c.p, ws->w, ws->g, ws->rr, s);
}

static double largest_gradient(const mlk_working_set *ws, const mlk_cd_penalty *q)
{
    double worst = q->l1;
    for (size_t j = 0; j < ws->c.p; j++) {
        const double u = ws->g[j] - q->l2 * ws->w[j];
        worst = fmax(worst, q->positive ? u : fabs(u));
    }
    return worst;
}

static mlk_status solve_columns(mlk_working_set *ws, const mlk_cd_penalty *q, double target,
                                int64_t max_passes, const mlk_run *run, int64_t *passes,
                                double *gap)
{
    /* The sequential strong rule [tibshirani2012] proposes the first columns. */
    double level = fmax(0.0, 2.0 * q->l1 - largest_gradient(ws, q)), s;
    bool certain = false; /* g of the screened columns is up to date as well */
    memset(ws->screened, 0, ws->c.p * sizeof *ws->screened);
    MLK_TRY(refresh(ws, q, level, run));
    prune(ws, level);
    for (int64_t before = -1;;) {
        *gap = full_gap(ws, q, &s);
        const bool done = *gap <= target || *passes >= max_passes;
        if (done && certain)
            return MLK_OK;
        if (done) {
            memset(ws->screened, 0, ws->c.p * sizeof *ws->screened);
            MLK_TRY(refresh(ws, q, q->l1, run));
            certain = true;
            continue;
        }
        screen(ws, q, s, *gap);
        const size_t m = ws->sub.m;
        const bool more = grow(ws, q, level, STEP + m / 16);
        if (ws->sub.m == m && *passes == before)
            return MLK_OK; /* rounding allows no more */
        before = *passes;
        MLK_TRY(solve_sub(ws, q, more ? fmax(0.5 * target, 0.05 * *gap) : 0.5 * target, max_passes,
                          run, passes));
        level = q->l1;
        certain = false;
        MLK_TRY(refresh(ws, q, level, run));
    }
}

mlk_status mlk_working_set_solve(mlk_working_set *ws, const mlk_elastic_net_opts *opts,
                                 const mlk_run *run, mlk_fit_info *info)
{
    const double n = (double)ws->c.n, weight = n * opts->alpha;
    const mlk_cd_penalty q = {weight * opts->l1_ratio, weight * (1.0 - opts->l1_ratio),
                              opts->positive};
    const double target = n * mlk_working_set_target(ws, opts->tol);
    int64_t passes = 0;
    double gap = 0.0;
    MLK_TRY(ws->c.G.data ? solve_gram(ws, &q, target, opts->max_iter, run, &passes, &gap)
                         : solve_columns(ws, &q, target, opts->max_iter, run, &passes, &gap));
    *info = mlk_fit_info_none();
    info->iterations = passes;
    info->converged = gap <= target;
    info->objective = (0.5 * ws->rr + mlk_cd_penalty_of(&q, ws->w, ws->c.p)) / n;
    info->duality_gap = gap / n;
    return MLK_OK;
}
