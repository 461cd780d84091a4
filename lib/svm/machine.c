#include "svm/machine.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "kernel/kernel.h"
#include "linalg/linalg.h"

enum { ROWS = 192, VECTORS = 256 }; /* a tile of the kernel, 384 KB */

mlk_status mlk_machine_init(mlk_machine *m, const mlk_kernel *kernel, size_t p, size_t n_sv,
                            size_t n_blocks, size_t width)
{
    const bool given = kernel->kind == MLK_KERNEL_PRECOMPUTED;
    *m = (mlk_machine){
        .kernel = *kernel, .p = p, .n_sv = n_sv, .n_blocks = n_blocks, .width = width};
    size_t coefs;
    const bool fits = !__builtin_mul_overflow(n_sv, width, &coefs);
    m->starts = mlk_alloc_zero(n_blocks + 1, sizeof *m->starts);
    m->sv = given ? NULL : mlk_alloc(n_sv, p * sizeof *m->sv);
    m->index = given ? mlk_alloc(n_sv, sizeof *m->index) : NULL;
    m->norms = mlk_alloc(n_sv, sizeof *m->norms);
    m->coef = fits ? mlk_alloc_zero(coefs, sizeof *m->coef) : NULL;
    if (m->starts && (given ? m->index != NULL : m->sv != NULL) && m->norms && m->coef)
        return MLK_OK;
    mlk_machine_free(m);
    return MLK_FAIL(MLK_ENOMEM, "no memory for %zu support vectors", n_sv);
}

void mlk_machine_set_vector(mlk_machine *m, size_t s, mlk_cmat X, size_t i)
{
    if (m->index)
        m->index[s] = i;
    else
        memcpy(m->sv + s * m->p, X.data + i * X.ld, m->p * sizeof *m->sv);
}

void mlk_machine_finish(mlk_machine *m)
{
    m->starts[m->n_blocks] = m->n_sv;
    if (m->sv)
        mlk_row_norms((mlk_cmat){m->sv, m->n_sv, m->p, m->p}, m->norms);
}

void mlk_machine_free(mlk_machine *m)
{
    mlk_free(m->starts);
    mlk_free(m->sv);
    mlk_free(m->index);
    mlk_free(m->norms);
    mlk_free(m->coef);
    *m = (mlk_machine){0};
}

/* ----------------------------------------------------------------------------------- sums */

typedef struct application {
    const mlk_machine *m;
    mlk_cmat X;
    mlk_machine_emit emit;
    void *ctx;
    double *room; /* a worker: tile, norms, sums */
    size_t room_size;
} application;

static void fill_tile(const mlk_machine *m, mlk_cmat rows, const double *norms, size_t first,
                      size_t count, mlk_mat K)
{
    if (m->index) {
        for (size_t i = 0; i < rows.rows; i++)
            for (size_t s = 0; s < count; s++)
                K.data[i * K.ld + s] = rows.data[i * rows.ld + m->index[first + s]];
        return;
    }
    const mlk_cmat sv = {m->sv + first * m->p, count, m->p, m->p};
    mlk_kernel_block(&m->kernel, rows, norms, sv, m->norms + first, K);
}

static mlk_status apply_rows(void *ctx, const mlk_chunk *c)
{
    const application *a = ctx;
    const mlk_machine *m = a->m;
    const mlk_cmat rows = mlk_cmat_rows(a->X, c->begin, c->end);
    const size_t outputs = m->n_blocks * m->width;
    double *tile = a->room + c->worker * a->room_size, *norms = tile + ROWS * VECTORS;
    double *sums = norms + ROWS;

    memset(sums, 0, rows.rows * outputs * sizeof *sums);
    if (m->kernel.kind == MLK_KERNEL_RBF)
        mlk_row_norms(rows, norms);
    for (size_t b = 0; b < m->n_blocks; b++)
        for (size_t s = m->starts[b]; s < m->starts[b + 1]; s += VECTORS) {
            const size_t left = m->starts[b + 1] - s, count = left < VECTORS ? left : VECTORS;
            const mlk_mat K = {tile, rows.rows, count, count};
            fill_tile(m, rows, norms, s, count, K);
            mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(K),
                     (mlk_cmat){m->coef + s * m->width, count, m->width, m->width}, 1.0,
                     (mlk_mat){sums + b * m->width, rows.rows, m->width, outputs});
        }
    for (size_t i = 0; i < rows.rows; i++)
        a->emit(a->ctx, c->begin + i, sums + i * outputs);
    return MLK_OK;
}

mlk_status mlk_machine_apply(const mlk_machine *m, mlk_cmat X, const mlk_run *run,
                             mlk_machine_emit emit, void *ctx)
{
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    application a = {.m = m, .X = X, .emit = emit, .ctx = ctx};
    a.room_size = ROWS * (VECTORS + 1 + m->n_blocks * m->width);
    a.room = mlk_scratch_mat(&scratch, mlk_workers(&inner, X.rows, ROWS), a.room_size).data;
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %d rows of a kernel", ROWS)
                              : mlk_parallel_for(&inner, X.rows, ROWS, apply_rows, &a);
    mlk_scratch_release(&scratch);
    return st;
}

/* --------------------------------------------------------------------------- model files */

static const char *const kinds[] = {"rbf", "linear", "poly", "sigmoid", "precomputed"};

void mlk_machine_put_rows(mlk_doc *to, const size_t *rows, size_t n)
{
    mlk_doc *list = mlk_doc_put_list(to, "support");
    for (size_t s = 0; s < n; s++)
        mlk_doc_put_int(list, NULL, (int64_t)rows[s]);
}

void mlk_machine_save(const mlk_machine *m, mlk_doc *to)
{
    mlk_doc_put_text(to, "kernel", kinds[m->kernel.kind]);
    mlk_doc_put_real(to, "gamma", m->kernel.gamma);
    mlk_doc_put_real(to, "coef0", m->kernel.coef0);
    mlk_doc_put_int(to, "degree", m->kernel.degree);
    mlk_doc *counts = mlk_doc_put_list(to, "n_support");
    for (size_t b = 0; b < m->n_blocks; b++)
        mlk_doc_put_int(counts, NULL, (int64_t)(m->starts[b + 1] - m->starts[b]));
    mlk_doc_put_mat(to, "dual_coef", (mlk_cmat){m->coef, m->n_sv, m->width, m->width});
    if (m->sv)
        mlk_doc_put_mat(to, "support_vectors", (mlk_cmat){m->sv, m->n_sv, m->p, m->p});
    else
        mlk_machine_put_rows(to, m->index, m->n_sv);
}

static mlk_status load_kernel(const mlk_doc *from, mlk_kernel *kernel)
{
    const char *kind;
    MLK_TRY(mlk_doc_get_text(from, "kernel", &kind));
    for (kernel->kind = 0; kernel->kind < (int)MLK_COUNT(kinds); kernel->kind++)
        if (strcmp(kinds[kernel->kind], kind) == 0)
            break;
    if (kernel->kind == (int)MLK_COUNT(kinds))
        return MLK_FAIL(MLK_EFORMAT,
                        "'kernel' = '%s'; expected rbf, linear, poly, sigmoid or "
                        "precomputed",
                        kind);
    MLK_TRY(mlk_doc_get_real(from, "gamma", 0.0, DBL_MAX, &kernel->gamma));
    MLK_TRY(mlk_doc_get_real(from, "coef0", -DBL_MAX, DBL_MAX, &kernel->coef0));
    return mlk_doc_get_int(from, "degree", 0, INT32_MAX, &kernel->degree);
}

/* The number of vectors from the sizes of the blocks, none more than the coefficients there. */
static mlk_status load_count(const mlk_doc *from, size_t n_blocks, size_t *n_sv)
{
    const mlk_doc *counts;
    MLK_TRY(mlk_doc_get_list(from, "n_support", &counts));
    if (mlk_doc_size(counts) != n_blocks)
        return MLK_FAIL(MLK_EFORMAT, "'n_support' has %zu entries; expected %zu",
                        mlk_doc_size(counts), n_blocks);
    *n_sv = 0;
    for (size_t b = 0; b < n_blocks; b++) {
        const int64_t count = mlk_doc_int(mlk_doc_at(counts, b));
        if (count < 0 || count > UINT32_MAX)
            return MLK_FAIL(MLK_EFORMAT, "'n_support' holds %lld; expected a count",
                            (long long)count);
        *n_sv += (size_t)count;
    }
    return MLK_OK;
}

static mlk_status load_index(mlk_machine *m, const mlk_doc *from)
{
    const mlk_doc *index;
    MLK_TRY(mlk_doc_get_list(from, "support", &index));
    if (mlk_doc_size(index) != m->n_sv)
        return MLK_FAIL(MLK_EFORMAT, "'support' has %zu entries; expected %zu", mlk_doc_size(index),
                        m->n_sv);
    for (size_t s = 0; s < m->n_sv; s++) {
        const int64_t i = mlk_doc_int(mlk_doc_at(index, s));
        if (i < 0 || (uint64_t)i >= m->p)
            return MLK_FAIL(MLK_EFORMAT, "'support' holds %lld; expected 0..%zu", (long long)i,
                            m->p - 1);
        m->index[s] = (size_t)i;
    }
    return MLK_OK;
}

static mlk_status load_vectors(mlk_machine *m, const mlk_doc *from, mlk_cmat coef)
{
    const mlk_doc *counts;
    mlk_cmat sv;
    MLK_TRY(mlk_doc_get_list(from, "n_support", &counts));
    for (size_t b = 0; b < m->n_blocks; b++)
        m->starts[b + 1] = m->starts[b] + (size_t)mlk_doc_int(mlk_doc_at(counts, b));
    memcpy(m->coef, coef.data, m->n_sv * m->width * sizeof *m->coef);
    if (m->index)
        return load_index(m, from);
    MLK_TRY(mlk_doc_get_mat(from, "support_vectors", m->n_sv, m->p, &sv));
    memcpy(m->sv, sv.data, m->n_sv * m->p * sizeof *m->sv);
    return MLK_OK;
}

mlk_status mlk_machine_load(mlk_machine *m, const mlk_doc *from, size_t p, size_t n_blocks,
                            size_t width)
{
    mlk_kernel kernel = {0};
    mlk_cmat coef, sv;
    size_t n_sv;
    *m = (mlk_machine){0};
    MLK_TRY(load_kernel(from, &kernel));
    MLK_TRY(load_count(from, n_blocks, &n_sv));
    /* What is there bounds what is allocated. */
    MLK_TRY(mlk_doc_get_mat(from, "dual_coef", n_sv, width, &coef));
    if (kernel.kind != MLK_KERNEL_PRECOMPUTED)
        MLK_TRY(mlk_doc_get_mat(from, "support_vectors", n_sv, p, &sv));
    MLK_TRY(mlk_machine_init(m, &kernel, p, n_sv, n_blocks, width));
    const mlk_status st = load_vectors(m, from, coef);
    if (st != MLK_OK) {
        mlk_machine_free(m);
        return st;
    }
    mlk_machine_finish(m);
    return MLK_OK;
}
