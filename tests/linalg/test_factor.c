#include "linalg/linalg.h"

#include "support/mlk_test.h"

/* Triple loops, independent of BLAS. */
static mlk_mat multiply(mlk_cmat A, mlk_cmat B, bool transpose_a)
{
    const size_t rows = transpose_a ? A.cols : A.rows, k = transpose_a ? A.rows : A.cols;
    mlk_mat C = test_mat(rows, B.cols);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < B.cols; j++)
            for (size_t m = 0; m < k; m++)
                C.data[i * C.ld + j] +=
                    (transpose_a ? A.data[m * A.ld + i] : A.data[i * A.ld + m]) *
                    B.data[m * B.ld + j];
    return C;
}

static mlk_mat copy_of(mlk_cmat A)
{
    mlk_mat C = test_mat(A.rows, A.cols);
    mlk_copy(A, C);
    return C;
}

static mlk_mat transpose_of(mlk_cmat A)
{
    mlk_mat T = test_mat(A.cols, A.rows);
    for (size_t i = 0; i < A.rows; i++)
        for (size_t j = 0; j < A.cols; j++)
            T.data[j * T.ld + i] = A.data[i * A.ld + j];
    return T;
}

static void require_matrix(mlk_cmat A, mlk_cmat B, double tol)
{
    ck_assert(A.rows == B.rows && A.cols == B.cols);
    for (size_t i = 0; i < A.rows; i++)
        for (size_t j = 0; j < A.cols; j++)
            require_close(A.data[i * A.ld + j], B.data[i * B.ld + j], tol);
}

static void require_identity(mlk_cmat A, double tol)
{
    for (size_t i = 0; i < A.rows; i++)
        for (size_t j = 0; j < A.cols; j++)
            require_close(A.data[i * A.ld + j], i == j, tol);
}

static const size_t orders[] = {1, 2, 5, 16, 40};

/* Positive definite, with eigenvalues between about 1 and 1 + 4 p. */
static mlk_mat definite(size_t p)
{
    const mlk_cmat Z = test_random_mat(p, p + 2, p);
    mlk_mat A = multiply(Z, Z, true);
    for (size_t j = 0; j < p; j++)
        A.data[j * p + j] += 1.0;
    return A;
}

START_TEST(cholesky_factors_and_solves)
{
    const size_t p = orders[_i];
    const mlk_mat A = definite(p), L = copy_of(mlk_mat_c(A));
    const mlk_mat B = copy_of(test_random_mat(7, p, 3)), X = copy_of(mlk_mat_c(B));
    double rcond;
    require_ok(mlk_chol(L, &rcond));
    ck_assert(rcond > 0.0 && rcond <= 1.0 + 1e-15);
    mlk_chol_solve(mlk_mat_c(L), X);
    require_matrix(mlk_mat_c(multiply(mlk_mat_c(A), mlk_mat_c(X), false)), mlk_mat_c(B), 1e-12);
}
END_TEST

START_TEST(cholesky_refuses_what_is_singular)
{
    double a[] = {1, 2, 2, 4}, b[] = {1, 2, 2, 1}, c[] = {1, NAN, NAN, 1}, rcond;
    require_fail(mlk_chol((mlk_mat){a, 2, 2, 2}, &rcond), MLK_ESINGULAR, "singular");
    require_fail(mlk_chol((mlk_mat){b, 2, 2, 2}, NULL), MLK_ESINGULAR, "singular");
    require_fail(mlk_chol((mlk_mat){c, 2, 2, 2}, NULL), MLK_ESINGULAR, "singular");
}
END_TEST

START_TEST(eigenpairs_are_eigenpairs_in_order)
{
    const size_t p = orders[_i];
    const mlk_mat A = definite(p);
    for (size_t k = 1; k <= p; k += p > 1 ? p - 1 : 1) {
        const mlk_vec lambda = test_vec(k), only = test_vec(k);
        const mlk_mat V = test_mat(p, k);
        require_ok(mlk_eigh(copy_of(mlk_mat_c(A)), k, lambda, V));
        require_ok(mlk_eigh(copy_of(mlk_mat_c(A)), k, only, (mlk_mat){NULL, 0, 0, 0}));
        const mlk_mat AV = multiply(mlk_mat_c(A), mlk_mat_c(V), false);
        for (size_t c = 0; c < k; c++) {
            ck_assert(c == 0 || lambda.data[c] <= lambda.data[c - 1]);
            require_relative(lambda.data[c], only.data[c], 1e-12);
            for (size_t i = 0; i < p; i++)
                require_close(AV.data[i * k + c], lambda.data[c] * V.data[i * k + c],
                              1e-13 * (double)(p + 4) * lambda.data[0]);
        }
        require_identity(mlk_mat_c(multiply(mlk_mat_c(V), mlk_mat_c(V), true)), 1e-12);
    }
}
END_TEST

static const struct {
    size_t n, p;
} shapes[] = {{1, 1}, {6, 3}, {3, 6}, {20, 20}, {50, 9}};

START_TEST(singular_values_put_the_matrix_together_again)
{
    const size_t n = shapes[_i].n, p = shapes[_i].p, m = n < p ? n : p;
    const mlk_cmat A = test_random_mat(3, n, p);
    mlk_mat U = test_mat(n, m), Vt = test_mat(m, p);
    const mlk_vec s = test_vec(m), only = test_vec(m);
    require_ok(mlk_svd(copy_of(A), U, s, Vt));
    require_ok(mlk_svd(copy_of(A), (mlk_mat){NULL, 0, 0, 0}, only, (mlk_mat){NULL, 0, 0, 0}));
    require_identity(mlk_mat_c(multiply(mlk_mat_c(U), mlk_mat_c(U), true)), 1e-13);
    for (size_t k = 0; k < m; k++) {
        ck_assert(s.data[k] >= 0.0 && (k == 0 || s.data[k] <= s.data[k - 1]));
        require_close(s.data[k], only.data[k], 1e-13 * s.data[0]);
        for (size_t i = 0; i < n; i++)
            U.data[i * m + k] *= s.data[k];
    }
    require_matrix(mlk_mat_c(multiply(mlk_mat_c(U), mlk_mat_c(Vt), false)), A, 1e-13 * s.data[0]);
}
END_TEST

START_TEST(pivoted_qr_puts_the_matrix_together_again)
{
    const size_t n = shapes[_i].n, p = shapes[_i].p;
    if (n < p)
        return;
    const mlk_cmat A = test_random_mat(4, n, p);
    const mlk_mat At = transpose_of(A);
    const mlk_vec tau = test_vec(p);
    size_t *pivot = test_alloc(p * sizeof *pivot);
    require_ok(mlk_qr_pivot(At, tau, pivot));
    for (size_t k = 0; k < p; k++) { /* Q R[:, k] = A[:, pivot[k]], and back */
        mlk_vec column = test_vec(n);
        for (size_t i = 0; i <= k; i++)
            column.data[i] = At.data[k * n + i];
        require_ok(mlk_qr_apply(mlk_mat_c(At), mlk_vec_c(tau), MLK_NO_TRANS, column));
        for (size_t i = 0; i < n; i++)
            require_close(column.data[i], A.data[i * p + pivot[k]], 1e-13);
        require_ok(mlk_qr_apply(mlk_mat_c(At), mlk_vec_c(tau), MLK_TRANS, column));
        for (size_t i = 0; i < n; i++)
            require_close(column.data[i], i <= k ? At.data[k * n + i] : 0.0, 1e-13);
        ck_assert(k == 0 || fabs(At.data[k * n + k]) <= fabs(At.data[(k - 1) * n + k - 1]));
    }
}
END_TEST

/* The Hilbert matrix of order 9 times 12252240, in integers: condition number 5e11. Its inverse is
 * known in integers too, times that factor. */
START_TEST(twofold_elimination_inverts_the_hilbert_matrix)
{
    enum { P = 9 };
    const double factor = 12252240.0; /* least common multiple of 1..17 */
    mlk_mat high = test_mat(P, P), low = test_mat(P, P), th = test_mat(P, P), tl = test_mat(P, P);
    size_t pivot[P], rank;
    for (size_t i = 0; i < P; i++)
        for (size_t j = 0; j < P; j++)
            high.data[i * P + j] = factor / (double)(i + j + 1);
    require_ok(mlk_twofold_ldl(high, low, P, 0.0, pivot, &rank));
    ck_assert_uint_eq(rank, P);
    mlk_twofold_inverse(mlk_mat_c(high), mlk_mat_c(low), P, th, tl);
    for (size_t k = 0; k < P; k++) {
        /* diagonal of the inverse: (2i+1) [binomial(P+i, P-1-i) binomial(2i, i)]^2 [choi1983] */
        const size_t i = pivot[k];
        double sum = 0.0, b = 1.0;
        for (size_t m = 1; m <= P - 1 - i; m++)
            b *= (double)(P + i + 1 - m) / (double)m;
        for (size_t m = 1; m <= i; m++)
            b *= (double)(i + m) / (double)m;
        const double expected = (double)(2 * i + 1) * b * b / factor;
        for (size_t c = k; c < P; c++)
            sum += th.data[k * P + c] * th.data[k * P + c] / high.data[c * P + c];
        require_relative(sum, expected, 1e-14);
    }
}
END_TEST

START_TEST(twofold_elimination_finds_the_rank)
{
    enum { P = 4 };
    const double z[3][P] = {{1, 2, 3, 0.5}, {0, 1, 1, 7}, {2, 1, 3, -1}}; /* column 2 = 0 + 1 */
    mlk_mat high = test_mat(P, P), low = test_mat(P, P);
    size_t pivot[P], rank;
    for (size_t i = 0; i < P; i++)
        for (size_t j = 0; j < P; j++)
            for (size_t k = 0; k < 3; k++)
                high.data[i * P + j] += z[k][i] * z[k][j];
    require_ok(mlk_twofold_ldl(high, low, P, 1e-28, pivot, &rank));
    ck_assert_uint_eq(rank, 3);
    ck_assert(pivot[3] <= 2);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_mat A = definite(5);
    const mlk_cmat Z = test_random_mat(9, 8, 5);
    for (int which = 0; which < 6; which++) {
        mlk_status st = MLK_ENOMEM;
        for (int k = 0; st != MLK_OK; k++) {
            const mlk_mat C = copy_of(mlk_mat_c(A)), D = copy_of(Z), low = test_mat(5, 5);
            const mlk_mat U = test_mat(8, 5), V = test_mat(5, 5), At = transpose_of(Z);
            const mlk_vec s = test_vec(5), b = test_vec(8);
            size_t pivot[5], rank;
            mlk_test_fail_at = k;
            st = which == 0   ? mlk_chol(C, NULL)
                 : which == 1 ? mlk_eigh(C, 5, s, V)
                 : which == 2 ? mlk_svd(D, U, s, V)
                 : which == 3 ? mlk_qr_pivot(At, s, pivot)
                 : which == 4 ? mlk_qr_apply(mlk_mat_c(At), mlk_vec_c(s), MLK_TRANS, b)
                              : mlk_twofold_ldl(C, low, 5, 0.0, pivot, &rank);
            mlk_test_fail_at = -1;
            ck_assert(st == MLK_OK || st == MLK_ENOMEM);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linalg/factor");
    TCase *tc = test_case(s, "factor");
    tcase_add_loop_test(tc, cholesky_factors_and_solves, 0, (int)MLK_COUNT(orders));
    tcase_add_test(tc, cholesky_refuses_what_is_singular);
    tcase_add_loop_test(tc, eigenpairs_are_eigenpairs_in_order, 0, (int)MLK_COUNT(orders));
    tcase_add_loop_test(tc, singular_values_put_the_matrix_together_again, 0,
                        (int)MLK_COUNT(shapes));
    tcase_add_loop_test(tc, pivoted_qr_puts_the_matrix_together_again, 0, (int)MLK_COUNT(shapes));
    tcase_add_test(tc, twofold_elimination_inverts_the_hilbert_matrix);
    tcase_add_test(tc, twofold_elimination_finds_the_rank);
    tcase_add_test(tc, survives_each_failing_allocation);
    return s;
}
