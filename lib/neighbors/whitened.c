#include "neighbors/whitened.h"

#include "core/parallel.h"
#include "core/status.h"
#include "linalg/linalg.h"

enum { CHUNK = 256 };

/* Of the length of a column: smaller singular values are rounding. */
static const double TOLERANCE = 1e-10;

mlk_status whitened_init(mlk_cmat X, const char *name, const mlk_run *run, whitened *t)
{
    *t = (whitened){.memory = MLK_SCRATCH_INIT};
    if (X.rows < 2)
        return MLK_FAIL(MLK_EINVAL, "%zu row; a covariance needs at least 2", X.rows);
    const mlk_run inner = mlk_run_inner(run);
    t->mean = mlk_scratch_vec(&t->memory, X.cols);
    t->W = mlk_scratch_mat(&t->memory, X.cols, X.cols);
    const mlk_vec w = mlk_scratch_vec(&t->memory, X.rows);
    double log_det;
    size_t rank;
    if (t->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", X.cols, X.cols);
    for (size_t i = 0; i < X.rows; i++)
        w.data[i] = 1.0 / (double)(X.rows - 1);
    MLK_TRY(mlk_column_means(X, (mlk_cvec){NULL, 0}, &inner, t->mean));
    MLK_TRY(mlk_whiten(X, mlk_vec_c(w), mlk_vec_c(t->mean), (mlk_cvec){NULL, 0}, TOLERANCE, &inner,
                       t->W, &rank, &log_det));
    if (!rank)
        return MLK_FAIL(MLK_ESINGULAR, "no column varies");
    t->W.cols = rank;
    if (rank < X.cols)
        mlk_run_warn(run,
                     "%s: the covariance of the %zu columns has rank %zu; what does not vary "
                     "in training is left out",
                     name, X.cols, rank);
    return MLK_OK;
}

void whitened_release(whitened *t) { mlk_scratch_release(&t->memory); }

typedef struct projection {
    mlk_cvec mean;
    mlk_cmat W, X;
    mlk_mat out;
    double *room; /* a worker: CHUNK x p */
} projection;

static mlk_status project_chunk(void *ctx, const mlk_chunk *c)
{
    const projection *t = ctx;
    const size_t p = t->X.cols, rows = c->end - c->begin;
    const mlk_mat E = {t->room + (size_t)c->worker * CHUNK * p, rows, p, p};
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < p; j++)
            E.data[i * p + j] = t->X.data[(c->begin + i) * t->X.ld + j] - t->mean.data[j];
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(E), t->W, 0.0,
             mlk_mat_rows(t->out, c->begin, c->end));
    return MLK_OK;
}

mlk_status whitened_rows(mlk_cvec mean, mlk_cmat W, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const mlk_run inner = mlk_run_inner(run);
    projection t = {mean, W, X, out, NULL};
    t.room = mlk_alloc((size_t)mlk_workers(&inner, X.rows, CHUNK) * CHUNK, X.cols * sizeof *t.room);
    if (!t.room)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %d x %zu values", CHUNK, X.cols);
    const mlk_status st = mlk_parallel_for(&inner, X.rows, CHUNK, project_chunk, &t);
    mlk_free(t.room);
    return st;
}
