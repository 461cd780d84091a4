#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <mlkit/kernel/kernel.h>

/*
 * The inside of kernels: blocks of values in double, for results, and in single precision, for the
 * inner work of solvers, where twice as many fit in the cache and a product costs half.
 */

/* norms[i] = ||A_i||^2 */
void mlk_row_norms(mlk_cmat A, double *norms);

/* K = k(A_i, B_j) by one thread; na and nb are squared norms (rbf only, else may be NULL).
 * K overwrites nothing else; its ld may exceed its columns. Precomputed: A's columns, and B is
 * ignored; see mlk_kernel_take(). */
void mlk_kernel_block(const mlk_kernel *kernel, mlk_cmat A, const double *na, mlk_cmat B,
                      const double *nb, mlk_mat K);

/*
 * Rows in single precision, scaled so that values of the kernel do not overflow: what is computed
 * is k(a, b) / scale. For rbf the rows are centred and multiplied by sqrt(2 gamma), and h holds
 * half their squared norms: k = exp(a'b - h_a - h_b). Where single precision could not tell rows
 * apart (`wide`), and for a precomputed matrix, blocks are computed in double and rounded.
 */
typedef struct mlk_kernel_set {
    mlk_kernel kernel;
    mlk_cmat X;           /* borrowed */
    double *norms;        /* n, in double; rbf */
    float *rows;          /* n x p; NULL when wide or precomputed */
    float *h;             /* n; rbf */
    float *diagonal;      /* n: k(x, x) / scale */
    double scale;         /* > 0 */
    double slope, offset; /* of a'b of the scaled rows, before power or tanh */
    bool wide;
} mlk_kernel_set;

/* MLK_EINVAL: the kernel's values overflow a double. Release with mlk_kernel_set_free(). */
mlk_status mlk_kernel_set_init(mlk_kernel_set *set, const mlk_kernel *kernel, mlk_cmat X,
                               const mlk_run *run);
void mlk_kernel_set_free(mlk_kernel_set *set);

/* A bound on what single precision costs: |T - k / scale| <= flat + steep r_a r_b for each value of
 * a tile, with r = mlk_kernel_radius() of its rows. Infinite where none is known. */
void mlk_kernel_error(const mlk_kernel_set *set, double *flat, double *steep);
double mlk_kernel_radius(const mlk_kernel_set *set, size_t row);

/* Rows chosen from a set, gathered so that products with them are fast. */
typedef struct mlk_kernel_pick {
    const mlk_kernel_set *set;
    const size_t *index; /* borrowed: rows of the set */
    size_t count;
    float *rows, *h; /* count x p, count */
    double *wide;    /* count x p, when the set is wide */
    double *norms;   /* count, likewise */
} mlk_kernel_pick;

/* Room for picks of up to `capacity` rows. */
mlk_status mlk_kernel_pick_init(mlk_kernel_pick *pick, const mlk_kernel_set *set, size_t capacity);
void mlk_kernel_pick_rows(mlk_kernel_pick *pick, const size_t *index, size_t count);
void mlk_kernel_pick_free(mlk_kernel_pick *pick);

/* Rows begin..end - 1, where the set has them in single precision (not wide): nothing is copied,
 * and nothing to be freed. */
mlk_kernel_pick mlk_kernel_pick_range(const mlk_kernel_set *set, size_t begin, size_t end);

/* Doubles that mlk_kernel_tile() wants as room for an m x n tile: 0 unless wide. */
size_t mlk_kernel_room(const mlk_kernel_set *set, size_t m, size_t n);
/* T[r, c] = k(a_(first + r), b_c) / scale for r < count and all rows b, by one thread. */
void mlk_kernel_tile(const mlk_kernel_pick *a, size_t first, size_t count, const mlk_kernel_pick *b,
                     double *room, float *T, size_t ld);

/* sums[j] += the sum over r < count of weights[r] T[r, j], with T made by mlk_kernel_tile(), strip
 * by strip while it is at hand. */
void mlk_kernel_add(const mlk_kernel_pick *a, size_t first, size_t count, const mlk_kernel_pick *b,
                    const double *weights, double *room, float *T, size_t ld, double *sums);

enum { MLK_KERNEL_STRIP = 4 };
/* sums += the sum over r < MLK_KERNEL_STRIP of weights[r] rows[r], n values each. */
void mlk_kernel_add_strip(const double *weights, const float *const *rows, size_t n, double *sums);

#endif
