#ifndef LINEAR_LSQ_H
#define LINEAR_LSQ_H

#include <float.h>

#include <mlkit/core.h>

/*
 * Linear least squares, min sum_i s_i (y_i - x_i'w - b)^2, by the normal equations in one or two
 * times the working precision, by Householder QR or by singular values. All give the solution of
 * minimum norm ||w|| where there are many, and what the statistics of the fit need.
 */
typedef enum mlk_lsq_solver {
    MLK_LSQ_AUTO,
    MLK_LSQ_CHOLESKY,
    MLK_LSQ_QR,
    MLK_LSQ_SVD
} mlk_lsq_solver;

typedef struct mlk_lsq {
    mlk_vec w;          /* p weights */
    mlk_vec spread;     /* roots of the diagonal of (Z'SZ)^-1 with Z = X less its means: standard
                         * errors in units of sigma; NaN where rank < p */
    mlk_vec mean;       /* p weighted means of X; zeros without intercept */
    double b, y_mean;   /* 0 without intercept */
    double b_inverse;   /* what the square of `spread` is to w, to b; NaN without intercept */
    double total;       /* sum of weights */
    double rss, tss;    /* residual sum of squares; that of y (around its mean with intercept) */
    double condition;   /* of Z with columns scaled to length 1, 2-norm; inf where rank < p */
    double gradient;    /* largest component of the gradient of the sum, 2 |Z'S r|, at (w, b) */
    size_t rank;        /* of Z */
    const char *method; /* for the log */
} mlk_lsq;

/* The vectors of `out` have p values and are the caller's. `data` has passed mlk_data_check(), but
 * X need not be finite: MLK_EINVAL tells where it is not. */
mlk_status mlk_lsq_solve(const mlk_data *data, bool intercept, mlk_lsq_solver solver,
                         const mlk_run *run, mlk_lsq *out);

/* ---- the parts, each for itself */

/* Powers of two and exact shifts that bring X and y into [-1, 1]: `shift`, `scale` and `size` (the
 * largest magnitude) have p + 1 values, y last. A column is shifted only where all differences
 * are exact [sterbenz1974], and where there is an intercept to take it up. */
mlk_status mlk_lsq_units(const mlk_data *data, bool intercept, const mlk_run *run, mlk_vec shift,
                         mlk_vec scale, mlk_vec size);
/* Columns whose deviations from their mean are below this share of their size are constant;
 * columns whose distance from the span of others is below 2 p times it depend on them. */
#define MLK_LSQ_EPS (4.0 * DBL_EPSILON)

mlk_status mlk_lsq_twofold(const mlk_data *data, bool intercept, const mlk_run *run, mlk_lsq *out);
mlk_status mlk_lsq_orthogonal(const mlk_data *data, bool intercept, bool svd, const mlk_run *run,
                              mlk_lsq *out);

/* A (m x p) and c (m values) with A'A = Z'SZ, A'c = Z'Sy, by reflections; weighted means of X and y
 * to `mean` (p + 1 values; zeros without intercept). m = mlk_lsq_reduced_rows(). */
size_t mlk_lsq_reduced_rows(const mlk_data *data, bool intercept);
mlk_status mlk_lsq_reduce(const mlk_data *data, bool intercept, const mlk_run *run, mlk_mat A,
                          mlk_vec c, mlk_vec mean);

/* R (p x p upper triangular) in pivot order, with R'R = (Z D P)'S(Z D P); D scales columns. */
typedef struct mlk_lsq_factor {
    mlk_mat R;
    mlk_vec scale; /* D, in the order of the columns of X */
    size_t *pivot; /* column k of R stands for column pivot[k] of X */
    size_t rank;   /* rows of R that count */
} mlk_lsq_factor;

/* Replaces out->w, any solution, by the one of minimum norm. */
mlk_status mlk_lsq_shorten(const mlk_lsq_factor *f, mlk_lsq *out);
/* w less its projection on the rows of Nt, which are independent; destroys Nt. */
mlk_status mlk_lsq_project_out(mlk_mat Nt, mlk_vec w);
/* out->condition, destroying nothing. */
mlk_status mlk_lsq_condition(const mlk_lsq_factor *f, mlk_lsq *out);
/* out->spread and b_inverse from R alone, in working precision. */
mlk_status mlk_lsq_inverse(const mlk_lsq_factor *f, bool intercept, mlk_lsq *out);
/* NaN for what has no meaning where rank < p. */
void mlk_lsq_no_inverse(mlk_lsq *out);

#endif
