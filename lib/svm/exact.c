#include "svm/exact.h"

#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"

enum { TILE = 256, PARTS = 32 };

typedef struct exact {
    const mlk_kernel_set *set;
    const size_t *rows;
    size_t n_sv, n;
    const double *coef;
    double *sums;
    mlk_cmat G; /* the rows, one after the other; not when precomputed */
    const double *norms;
    double *tile;          /* a worker */
    size_t grain, n_parts; /* vectors a part; parts */
    double *partial; /* n_parts x n_sv: what a part adds to the sums of the vectors before it */
} exact;

static void fill_tile(const exact *e, size_t i, size_t m, size_t j, size_t n, mlk_mat K)
{
    if (e->set->kernel.kind == MLK_KERNEL_PRECOMPUTED) {
        const mlk_cmat X = e->set->X;
        for (size_t r = 0; r < m; r++)
            for (size_t c = 0; c < n; c++)
                K.data[r * n + c] = X.data[e->rows[i + r] * X.ld + e->rows[j + c]];
        return;
    }
    mlk_kernel_block(&e->set->kernel, mlk_cmat_rows(e->G, i, i + m), e->norms + i,
                     mlk_cmat_rows(e->G, j, j + n), e->norms + j, K);
}

/* sums of rows i.. += the tile with vectors j.. ; and the other way round into `back`. */
static void use_tile(const exact *e, size_t i, size_t m, size_t j, size_t n, double *tile,
                     double *back)
{
    const mlk_mat K = {tile, m, n, n};
    fill_tile(e, i, m, j, n, K);
    mlk_gemv(MLK_NO_TRANS, 1.0, mlk_mat_c(K), (mlk_cvec){e->coef + j, n}, 1.0,
             (mlk_vec){e->sums + i, m});
    if (back)
        mlk_gemv(MLK_TRANS, 1.0, mlk_mat_c(K), (mlk_cvec){e->coef + i, m}, 1.0,
                 (mlk_vec){back + j, n});
}

static size_t tile_end(size_t begin, size_t end) { return end - begin < TILE ? end : begin + TILE; }

/* A part of the vectors, the last and longest first: the tiles left of the diagonal, and on it. */
static mlk_status vectors_part(void *ctx, const mlk_chunk *c)
{
    const exact *e = ctx;
    const size_t part = e->n_parts - 1 - c->index;
    const size_t begin = part * e->grain, rest = e->n_sv - begin;
    const size_t end = rest < e->grain ? e->n_sv : begin + e->grain;
    double *tile = e->tile + (size_t)c->worker * TILE * TILE, *back = e->partial + part * e->n_sv;
    memset(back, 0, end * sizeof *back);
    for (size_t i = begin; i < end; i += TILE)
        for (size_t j = 0; j <= i; j += TILE)
            use_tile(e, i, tile_end(i, end) - i, j, tile_end(j, e->n_sv) - j, tile,
                     j < i ? back : NULL);
    return MLK_OK;
}

static mlk_status others_part(void *ctx, const mlk_chunk *c)
{
    const exact *e = ctx;
    double *tile = e->tile + (size_t)c->worker * TILE * TILE;
    const size_t i = e->n_sv + c->begin, m = c->end - c->begin;
    for (size_t j = 0; j < e->n_sv; j += TILE)
        use_tile(e, i, m, j, tile_end(j, e->n_sv) - j, tile, NULL);
    return MLK_OK;
}

static void gather(exact *e, mlk_mat G, double *norms)
{
    const mlk_cmat X = e->set->X;
    for (size_t i = 0; i < e->n; i++) {
        memcpy(G.data + i * G.ld, X.data + e->rows[i] * X.ld, X.cols * sizeof *G.data);
        norms[i] = e->set->norms[e->rows[i]];
    }
    e->G = mlk_mat_c(G);
    e->norms = norms;
}

mlk_status mlk_exact_sums(const mlk_kernel_set *set, const size_t *rows, size_t n_sv, size_t n,
                          const double *coef, const mlk_run *run, double *sums)
{
    const bool given = set->kernel.kind == MLK_KERNEL_PRECOMPUTED;
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    exact e = {set, rows, n_sv, n, coef, sums, .grain = TILE};
    while (e.grain * PARTS < n_sv)
        e.grain += TILE;
    e.n_parts = mlk_chunks(n_sv, e.grain);
    const mlk_mat G = mlk_scratch_mat(&scratch, given ? 0 : n, set->X.cols);
    const mlk_vec norms = mlk_scratch_vec(&scratch, given ? 0 : n);
    e.partial = mlk_scratch_mat(&scratch, e.n_parts, n_sv).data;
    e.tile = mlk_scratch_mat(&scratch, mlk_workers(&inner, n, TILE), (size_t)TILE * TILE).data;
    mlk_status st = MLK_OK;
    if (scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for sums over %zu vectors", n_sv);
    memset(sums, 0, n * sizeof *sums);
    if (st == MLK_OK && !given)
        gather(&e, G, norms.data);
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, e.n_parts, 1, vectors_part, &e);
    if (st == MLK_OK)
        st = mlk_parallel_for(&inner, n - n_sv, TILE, others_part, &e);
    for (size_t part = 0; st == MLK_OK && part < e.n_parts; part++) {
        const size_t end = part + 1 == e.n_parts ? n_sv : (part + 1) * e.grain;
        for (size_t i = 0; i < end; i++)
            sums[i] += e.partial[part * n_sv + i];
    }
    mlk_scratch_release(&scratch);
    return st;
}
