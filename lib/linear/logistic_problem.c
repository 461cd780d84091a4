#include "linear/logistic_problem.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"
#include "linear/logistic_rows.h"

/* A block of rows is read from memory once: scores and gradient both find it in the cache. */
enum { BLOCK_VALUES = 1 << 15, MAX_CHUNKS = 64 };

/* A worker's buffer: k rows of scores, then losses, margins, own scores, top scores. */
static size_t buffer_size(const logistic_problem *p) { return (p->k + 4) * p->block; }

mlk_status logistic_problem_prepare(logistic_problem *p)
{
    const size_t n = p->X.rows, size = logistic_size(p);
    size_t block = BLOCK_VALUES / (p->q + p->k) / 8 * 8;
    block = block < 16 ? 16 : block > 1024 ? 1024 : block;
    /* The partial gradients together take no more room than X. */
    size_t chunks = n * p->q / size;
    chunks = chunks < 1 ? 1 : chunks > MAX_CHUNKS ? MAX_CHUNKS : chunks;
    p->block = block;
    p->grain = (n + chunks - 1) / chunks;
    p->grain = (p->grain + block - 1) / block * block;
    p->chunks = mlk_chunks(n, p->grain);
    p->scratch = (mlk_scratch)MLK_SCRATCH_INIT;
    p->partial = mlk_scratch_mat(&p->scratch, p->chunks, size + 2).data;
    p->buffer = mlk_scratch_mat(&p->scratch, mlk_workers(p->run, n, p->grain), buffer_size(p)).data;
    p->curvature = mlk_scratch_mat(&p->scratch, p->k, n).data;
    if (!p->scratch.failed)
        return MLK_OK;
    logistic_problem_release(p);
    return MLK_FAIL(MLK_ENOMEM, "no memory for a logistic regression of %zu rows and %zu weights",
                    n, size);
}

void logistic_problem_release(logistic_problem *p) { mlk_scratch_release(&p->scratch); }

/* Lead of each row's class, before logistic_softmax_rows() overwrites the scores; own: its score.
 */
static void leads(const logistic_problem *p, size_t begin, size_t n, const double *Z, double *own,
                  double *margin)
{
    for (size_t i = 0; i < n; i++) {
        const size_t y = (size_t)p->y[begin + i];
        double rival = -INFINITY;
        for (size_t c = 0; c < p->k; c++)
            if (c != y)
                rival = fmax(rival, Z[c * p->block + i]);
        own[i] = Z[y * p->block + i];
        margin[i] = p->c[begin + i] > 0.0 ? own[i] - rival : INFINITY;
    }
}

static void multinomial_rows(const logistic_problem *p, size_t begin, size_t n, double *Z)
{
    double *loss = Z + p->k * p->block, *margin = loss + p->block, *own = margin + p->block;
    const double *c = p->c + begin;
    const size_t rows = p->X.rows;
    leads(p, begin, n, Z, own, margin);
    logistic_softmax_rows(n, p->k, Z, p->block, own + p->block, loss);
    for (size_t i = 0; i < n; i++)
        loss[i] = c[i] * (loss[i] - own[i]);
    for (size_t k = 0; k < p->k; k++) {
        double *P = p->curvature + k * rows + begin, *z = Z + k * p->block;
        for (size_t i = 0; i < n; i++) {
            P[i] = z[i];
            z[i] *= c[i];
        }
    }
    for (size_t i = 0; i < n; i++)
        Z[(size_t)p->y[begin + i] * p->block + i] -= c[i];
}

/* Z (k x block) = W X' + b for rows begin.. of the block. */
static void block_scores(const logistic_problem *p, const double *theta, mlk_cmat X, mlk_mat Z)
{
    const mlk_cmat W = {theta, p->k, X.cols, p->q};
    if (p->k == 1) {
        logistic_dot_rows(X, theta, p->intercept ? theta[X.cols] : 0.0, Z.data);
        return;
    }
    for (size_t c = 0; c < p->k; c++) {
        const double b = p->intercept ? theta[c * p->q + X.cols] : 0.0;
        for (size_t i = 0; i < X.rows; i++)
            Z.data[c * Z.ld + i] = b;
    }
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, W, X, 1.0, Z);
}

/* G (k x q) += R X for the residuals R (k x block). */
static void block_gradient(const logistic_problem *p, mlk_cmat R, mlk_cmat X, double *G)
{
    if (p->k == 1)
        logistic_add_rows(X, R.data, G);
    else
        mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, R, X, 1.0, (mlk_mat){G, p->k, X.cols, p->q});
    for (size_t c = 0; p->intercept && c < p->k; c++)
        G[c * p->q + X.cols] += logistic_sum(R.data + c * R.ld, X.rows);
}

typedef struct eval {
    logistic_problem *p;
    const double *theta;
} eval;

static mlk_status eval_chunk(void *ctx, const mlk_chunk *chunk)
{
    const eval *e = ctx;
    const logistic_problem *p = e->p;
    const size_t size = logistic_size(p);
    double *G = p->partial + chunk->index * (size + 2);
    double *Z = p->buffer + chunk->worker * buffer_size(p);
    double *loss = Z + p->k * p->block, *margin = loss + p->block;
    memset(G, 0, size * sizeof *G);
    G[size] = 0.0;
    G[size + 1] = INFINITY;
    for (size_t begin = chunk->begin; begin < chunk->end; begin += p->block) {
        const size_t n = chunk->end - begin < p->block ? chunk->end - begin : p->block;
        const mlk_cmat X = mlk_cmat_rows(p->X, begin, begin + n);
        block_scores(p, e->theta, X, (mlk_mat){Z, p->k, n, p->block});
        if (p->k == 1)
            logistic_binary_rows(n, p->y + begin, p->c + begin, Z, loss, p->curvature + begin,
                                 margin);
        else
            multinomial_rows(p, begin, n, Z);
        block_gradient(p, (mlk_cmat){Z, p->k, n, p->block}, X, G);
        G[size] += logistic_sum(loss, n);
        for (size_t i = 0; i < n; i++)
            G[size + 1] = margin[i] < G[size + 1] ? margin[i] : G[size + 1];
    }
    return MLK_OK;
}

mlk_status logistic_eval(logistic_problem *p, const double *theta, double *f, double *g)
{
    const size_t size = logistic_size(p);
    const mlk_run inner = mlk_run_inner(p->run);
    eval e = {p, theta};
    MLK_TRY(mlk_parallel_for(&inner, p->X.rows, p->grain, eval_chunk, &e));
    memset(g, 0, size * sizeof *g);
    p->margin = INFINITY;
    *f = 0.0;
    for (size_t c = 0; c < p->chunks; c++) {
        const double *G = p->partial + c * (size + 2);
        for (size_t j = 0; j < size; j++)
            g[j] += G[j];
        *f += G[size];
        p->margin = fmin(p->margin, G[size + 1]);
    }
    double penalty = 0.0;
    for (size_t j = 0; j < size; j++) {
        const double step = p->l2[j % p->q] * theta[j];
        g[j] += step;
        penalty += 0.5 * step * theta[j];
    }
    *f += penalty;
    return MLK_OK;
}

typedef struct scores {
    const logistic_problem *p;
    const double *theta;
    mlk_mat Z;
} scores;

static mlk_status scores_chunk(void *ctx, const mlk_chunk *c)
{
    const scores *s = ctx;
    block_scores(s->p, s->theta, mlk_cmat_rows(s->p->X, c->begin, c->end),
                 (mlk_mat){s->Z.data + c->begin, s->Z.rows, c->end - c->begin, s->Z.ld});
    return MLK_OK;
}

mlk_status logistic_scores(const logistic_problem *p, const double *theta, mlk_mat Z)
{
    const mlk_run inner = mlk_run_inner(p->run);
    scores s = {p, theta, Z};
    return mlk_parallel_for(&inner, p->X.rows, mlk_grain(p->q + p->k, 1 << 17), scores_chunk, &s);
}
