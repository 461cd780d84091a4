#ifndef SVM_MACHINE_H
#define SVM_MACHINE_H

#include <mlkit/kernel/kernel.h>
#include <mlkit/model.h>

/*
 * Sums over support vectors, what every kernel machine predicts with:
 *
 *     sums[i, B * width + v] = sum over s in block B of coef[s, v] k(x_i, sv_s)
 *
 * One block for a single function or several over the same vectors (one-versus-rest); a block per
 * class for one-versus-one, where the vectors of class a serve the k - 1 pairs that it is in.
 * Blocks of rows against blocks of vectors: a product, a vectorised kernel and a product again.
 */
typedef struct mlk_machine {
    mlk_kernel kernel;
    size_t p; /* columns of X */
    size_t n_sv, n_blocks, width;
    size_t *starts; /* n_blocks + 1: block B is vectors starts[B] .. starts[B + 1] - 1 */
    double *sv;     /* n_sv x p; NULL when precomputed */
    size_t *index;  /* n_sv: columns of X, when precomputed; else NULL */
    double *norms;  /* n_sv, squared; rbf */
    double *coef;   /* n_sv x width */
} mlk_machine;

/* Room for these shapes, with starts, vectors and coefficients to be filled by the caller, who then
 * calls mlk_machine_finish(). */
mlk_status mlk_machine_init(mlk_machine *m, const mlk_kernel *kernel, size_t p, size_t n_sv,
                            size_t n_blocks, size_t width);
/* Vector s becomes row i of X (precomputed: column i). */
void mlk_machine_set_vector(mlk_machine *m, size_t s, mlk_cmat X, size_t i);
void mlk_machine_finish(mlk_machine *m);
void mlk_machine_free(mlk_machine *m);

/* Receives the sums of one row, n_blocks * width of them. Called from any thread, once a row. */
typedef void (*mlk_machine_emit)(void *ctx, size_t row, const double *sums);
mlk_status mlk_machine_apply(const mlk_machine *m, mlk_cmat X, const mlk_run *run,
                             mlk_machine_emit emit, void *ctx);

/* The list "support" of a document. */
void mlk_machine_put_rows(mlk_doc *to, const size_t *rows, size_t n);

/* Into and out of a model file. */
void mlk_machine_save(const mlk_machine *m, mlk_doc *to);
mlk_status mlk_machine_load(mlk_machine *m, const mlk_doc *from, size_t p, size_t n_blocks,
                            size_t width);

#endif
