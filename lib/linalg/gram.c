#include "linalg/linalg.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "linalg/blas.h"

/*
 * X'WX of a tall matrix. Each chunk copies blocks of rows, shifted and scaled, into a buffer that
 * stays in the second-level cache and adds their product to its own partial matrix; the partial
 * matrices are summed in order. The number of chunks is bounded, so that they fit in memory.
 */
enum { BLOCK = 256, MAX_CHUNKS = 64 };

typedef struct gram {
    mlk_cmat X;
    mlk_cvec w, y, shift;
    double y_shift;
    size_t cols;     /* p, and one more for y */
    double *partial; /* chunks x cols x cols */
    double *buffer;  /* workers x BLOCK x cols */
} gram;

static size_t fill_block(const gram *g, size_t begin, size_t end, double *buffer)
{
    const size_t p = g->X.cols;
    for (size_t i = begin; i < end; i++) {
        const double *x = g->X.data + i * g->X.ld;
        double *b = buffer + (i - begin) * g->cols;
        const double root = g->w.n ? sqrt(g->w.data[i]) : 1.0;
        if (g->shift.n)
            for (size_t j = 0; j < p; j++)
                b[j] = root * (x[j] - g->shift.data[j]);
        else
            for (size_t j = 0; j < p; j++)
                b[j] = root * x[j];
        if (g->cols > p)
            b[p] = root * (g->y.data[i] - g->y_shift);
    }
    return end - begin;
}

static mlk_status gram_chunk(void *ctx, const mlk_chunk *c)
{
    const gram *g = ctx;
    double *buffer = g->buffer + (size_t)c->worker * BLOCK * g->cols;
    double *G = g->partial + c->index * g->cols * g->cols;
    memset(G, 0, g->cols * g->cols * sizeof *G);
    mlk_blas_enter();
    for (size_t begin = c->begin; begin < c->end; begin += BLOCK) {
        const size_t end = c->end - begin < BLOCK ? c->end : begin + BLOCK;
        const size_t rows = fill_block(g, begin, end, buffer);
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)g->cols, (int)rows, 1.0, buffer,
                    (int)g->cols, 1.0, G, (int)g->cols);
    }
    mlk_blas_leave();
    return MLK_OK;
}

mlk_status mlk_gram(mlk_cmat X, mlk_cvec w, mlk_cvec y, mlk_cvec shift, double y_shift,
                    const mlk_run *run, mlk_mat G, mlk_vec c)
{
    const size_t p = X.cols, cols = p + (c.data != NULL);
    size_t grain = (X.rows + MAX_CHUNKS - 1) / MAX_CHUNKS;
    grain = (grain + BLOCK - 1) / BLOCK * BLOCK;
    const size_t chunks = mlk_chunks(X.rows, grain);
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    gram g = {X, w, y, shift, y_shift, cols, NULL, NULL};
    g.partial = mlk_scratch_mat(&scratch, chunks * cols, cols).data;
    g.buffer = mlk_scratch_mat(&scratch, mlk_workers(&inner, X.rows, grain) * BLOCK, cols).data;

    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu Gram matrix", cols, cols)
                        : mlk_parallel_for(&inner, X.rows, grain, gram_chunk, &g);
    if (st == MLK_OK) {
        for (size_t k = 1; k < chunks; k++)
            for (size_t i = 0; i < cols * cols; i++)
                g.partial[i] += g.partial[k * cols * cols + i];
        for (size_t i = 0; i < p; i++)
            for (size_t j = 0; j <= i; j++)
                G.data[i * G.ld + j] = G.data[j * G.ld + i] = g.partial[i * cols + j];
        if (c.data)
            memcpy(c.data, g.partial + p * cols, p * sizeof(double));
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ---- X X', by blocks of its rows: the lower triangle, then mirrored */

typedef struct outer {
    mlk_cmat X;
    mlk_mat K;
} outer;

static mlk_status outer_chunk(void *ctx, const mlk_chunk *c)
{
    const outer *o = ctx;
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, mlk_cmat_rows(o->X, c->begin, c->end),
             mlk_cmat_rows(o->X, 0, c->end), 0.0,
             (mlk_mat){o->K.data + c->begin * o->K.ld, c->end - c->begin, c->end, o->K.ld});
    return MLK_OK;
}

mlk_status mlk_gram_rows(mlk_cmat X, const mlk_run *run, mlk_mat K)
{
    outer o = {X, K};
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_parallel_for(&inner, X.rows, 128, outer_chunk, &o));
    for (size_t i = 0; i < X.rows; i++)
        for (size_t j = 0; j < i; j++)
            K.data[j * K.ld + i] = K.data[i * K.ld + j];
    return MLK_OK;
}
