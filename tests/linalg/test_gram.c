#include "linalg/linalg.h"

#include "support/mlk_test.h"

static const struct {
    size_t n, p, pad;
} shapes[] = {{1, 1, 0},     {3, 2, 1},   {7, 4, 0},     {200, 5, 3}, {513, 12, 0},
              {1000, 13, 2}, {70, 50, 0}, {5000, 29, 0}, {40, 200, 0}};

static mlk_cmat padded(uint64_t seed, size_t n, size_t p, size_t pad)
{
    const mlk_cmat A = test_random_mat(seed, n, p + pad);
    return (mlk_cmat){A.data, n, p, p + pad};
}

static mlk_cvec positive(uint64_t seed, size_t n)
{
    const mlk_cvec z = test_random_vec(seed, n);
    mlk_vec w = test_vec(n);
    for (size_t i = 0; i < n; i++)
        w.data[i] = exp(z.data[i]);
    return mlk_vec_c(w);
}

/* sum_i w_i (z_ia - s_a)(z_ib - s_b) in extended precision, and the sum of magnitudes. */
static long double slow_product(mlk_cmat Z, mlk_cvec w, mlk_cvec s, size_t a, size_t b,
                                double *size)
{
    long double sum = 0.0L;
    *size = 0.0;
    for (size_t i = 0; i < Z.rows; i++) {
        const long double term = (w.n ? (long double)w.data[i] : 1.0L) *
                                 ((long double)Z.data[i * Z.ld + a] - s.data[a]) *
                                 ((long double)Z.data[i * Z.ld + b] - s.data[b]);
        sum += term;
        *size += fabs((double)term);
    }
    return sum;
}

/* [X y] as one matrix, for the twins. */
static mlk_cmat beside(mlk_cmat X, mlk_cvec y)
{
    mlk_mat Z = test_mat(X.rows, X.cols + 1);
    for (size_t i = 0; i < X.rows; i++) {
        memcpy(Z.data + i * Z.ld, X.data + i * X.ld, X.cols * sizeof(double));
        Z.data[i * Z.ld + X.cols] = y.data[i];
    }
    return mlk_mat_c(Z);
}

START_TEST(products_are_those_of_plain_loops)
{
    const size_t n = shapes[_i].n, p = shapes[_i].p;
    const mlk_cmat X = padded(1, n, p, shapes[_i].pad);
    const mlk_cvec y = test_random_vec(2, n), w = positive(3, n);
    const mlk_cmat Z = beside(X, y);
    const double tol = 4.0 * DBL_EPSILON * (8.0 + sqrt((double)n));
    for (int kind = 0; kind < 8; kind++) {
        mlk_vec s = test_vec(p + 1), c = test_vec(p);
        for (size_t j = 0; (kind & 2) && j <= p; j++)
            s.data[j] = 0.3 * (double)j - 1.0;
        const mlk_cvec weights = kind & 1 ? w : (mlk_cvec){NULL, 0};
        mlk_mat G = test_mat(p, p);
        require_ok(mlk_gram(X, weights, y, (mlk_cvec){s.data, kind & 2 ? p : 0}, s.data[p], NULL, G,
                            kind & 4 ? c : (mlk_vec){NULL, 0}));
        for (size_t a = 0; a < p; a++) {
            double size;
            for (size_t b = 0; b < p; b++) {
                const double slow = (double)slow_product(Z, weights, mlk_vec_c(s), a, b, &size);
                require_close(G.data[a * p + b], slow, tol * size);
                ck_assert(G.data[a * p + b] == G.data[b * p + a]);
            }
            if (kind & 4) {
                const double slow = (double)slow_product(Z, weights, mlk_vec_c(s), a, p, &size);
                require_close(c.data[a], slow, tol * size);
            }
        }
    }
}
END_TEST

START_TEST(centred_products_keep_their_digits_beside_large_means)
{
    const size_t n = shapes[_i].n, p = shapes[_i].p;
    const mlk_cmat Z0 = test_random_mat(5, n, p + 1);
    mlk_mat Z = test_mat(n, p + 1);
    for (size_t i = 0; i < n * (p + 1); i++) /* on a grid that survives the offset */
        Z.data[i] = 1e6 + nearbyint(Z0.data[i] * 1024.0) / 1024.0;
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++)
        y.data[i] = Z.data[i * (p + 1) + p];
    const mlk_cmat X = {Z.data, n, p, p + 1};
    const mlk_cvec w = positive(6, n);
    for (int weighted = 0; weighted < 2; weighted++) {
        const mlk_cvec weights = weighted ? w : (mlk_cvec){NULL, 0};
        mlk_mat G = test_mat(p + 1, p + 1);
        mlk_vec mean = test_vec(p + 1), exact = test_vec(p + 1);
        require_ok(mlk_gram_augmented(X, weights, mlk_vec_c(y), true, NULL, G, mean));
        long double total = 0.0L;
        for (size_t i = 0; i < n; i++)
            total += weighted ? w.data[i] : 1.0;
        for (size_t j = 0; j <= p; j++) {
            long double sum = 0.0L;
            for (size_t i = 0; i < n; i++)
                sum += (weighted ? (long double)w.data[i] : 1.0L) * Z.data[i * (p + 1) + j];
            exact.data[j] = (double)(sum / total);
            require_relative(mean.data[j], exact.data[j], 2 * DBL_EPSILON);
        }
        for (size_t a = 0; a <= p; a++)
            for (size_t b = 0; b <= a; b++) {
                double size;
                const double slow =
                    (double)slow_product(mlk_mat_c(Z), weights, mlk_vec_c(exact), a, b, &size);
                require_close(G.data[a * (p + 1) + b], slow,
                              1e-13 * sqrt((double)n) * (1.0 + (double)total));
            }
    }
}
END_TEST

/* Integers of 27 bits: each product has 54, their sum up to 64; long double holds that exactly. */
START_TEST(exact_products_are_exact)
{
    enum { N = 1500, P = 9 };
    const double unit = 0x1p-27;
    const mlk_cmat R = test_random_mat(8, N, P);
    mlk_mat X = test_mat(N, P), high = test_mat(P + 1, P + 1), low = test_mat(P + 1, P + 1);
    mlk_vec scale = test_vec(P + 2), shift = test_vec(P + 1);
    for (size_t i = 0; i < N * P; i++)
        X.data[i] = nearbyint(fmod(R.data[i], 1.0) * 0x1p27) * unit;
    for (size_t j = 0; j < P + 2; j++)
        scale.data[j] = 1.0;
    require_ok(mlk_gram_exact(mlk_mat_c(X), (mlk_cvec){NULL, 0}, (mlk_cvec){NULL, 0},
                              mlk_vec_c(shift), mlk_vec_c(scale), NULL, high, low));
    for (size_t a = 0; a < P; a++) {
        for (size_t b = 0; b < P; b++) {
            long double sum = 0.0L;
            for (size_t i = 0; i < N; i++)
                sum += (long double)X.data[i * P + a] * X.data[i * P + b];
            const size_t at = a * (P + 1) + b;
            ck_assert((long double)high.data[at] + low.data[at] == sum);
        }
        long double sum = 0.0L;
        for (size_t i = 0; i < N; i++)
            sum += X.data[i * P + a];
        const size_t at = P * (P + 1) + a;
        ck_assert((long double)high.data[at] + low.data[at] == sum);
    }
    ck_assert_double_eq(high.data[P * (P + 1) + P], N);
}
END_TEST

START_TEST(threads_do_not_change_a_byte)
{
    enum { N = 70000, P = 11, Q = P + 2 };
    const mlk_cmat X = test_random_mat(9, N, P);
    const mlk_cvec y = test_random_vec(10, N);
    mlk_mat first[3], out[3];
    mlk_vec mean = test_vec(P + 1), shift = test_vec(P + 1), scale = test_vec(P + 2);
    for (size_t j = 0; j < P + 2; j++)
        scale.data[j] = 0.125;
    const int threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_mat *to = k ? out : first;
        to[0] = test_mat(P + 1, P + 1);
        to[1] = test_mat(Q, Q);
        to[2] = test_mat(Q, Q);
        mlk_mat low = test_mat(Q, Q);
        require_ok(mlk_gram_augmented(X, (mlk_cvec){NULL, 0}, y, true, &run, to[0], mean));
        require_ok(mlk_gram_exact(X, (mlk_cvec){NULL, 0}, y, mlk_vec_c(shift), mlk_vec_c(scale),
                                  &run, to[1], low));
        require_ok(mlk_tall_qr(X, (mlk_cvec){NULL, 0}, y, mlk_vec_c(shift), mlk_vec_c(scale), &run,
                               to[2]));
        for (size_t m = 0; k && m < 3; m++)
            require_same(first[m].data, out[m].data, out[m].rows * out[m].cols * sizeof(double));
    }
}
END_TEST

START_TEST(reflections_by_chunks_have_the_gram_matrix_of_the_whole)
{
    const size_t n = shapes[_i].n, p = shapes[_i].p, q = p + 2;
    const mlk_cmat X = padded(11, n, p, shapes[_i].pad);
    const mlk_cvec y = test_random_vec(12, n), w = positive(13, n);
    mlk_vec shift = test_vec(q), scale = test_vec(q);
    mlk_mat Z = test_mat(n, q), R = test_mat(q, q);
    for (size_t j = 0; j <= p; j++) {
        shift.data[j] = 0.25 * (double)(j % 3);
        scale.data[j] = j % 2 ? 0.5 : 4.0;
    }
    for (size_t i = 0; i < n; i++) {
        Z.data[i * q] = 1.0;
        for (size_t j = 0; j <= p; j++)
            Z.data[i * q + j + 1] =
                ((j < p ? X.data[i * X.ld + j] : y.data[i]) - shift.data[j]) * scale.data[j];
    }
    require_ok(mlk_tall_qr(X, w, y, mlk_vec_c(shift), mlk_vec_c(scale), NULL, R));
    const mlk_vec zero = test_vec(q);
    for (size_t a = 0; a < q; a++)
        for (size_t b = 0; b < q; b++) {
            double size, size_a, size_b, sum = 0.0;
            const double slow = (double)slow_product(mlk_mat_c(Z), w, mlk_vec_c(zero), a, b, &size);
            slow_product(mlk_mat_c(Z), w, mlk_vec_c(zero), a, a, &size_a);
            slow_product(mlk_mat_c(Z), w, mlk_vec_c(zero), b, b, &size_b);
            for (size_t k = 0; k < q; k++)
                sum += R.data[k * q + a] * R.data[k * q + b];
            require_close(sum, slow, 1e-14 * (double)q * sqrt(size_a * size_b));
            if (b < a)
                ck_assert(R.data[a * q + b] == 0.0);
        }
}
END_TEST

START_TEST(values_that_are_not_finite_show_in_the_diagonal)
{
    mlk_mat X = test_mat(600, 6), G = test_mat(7, 7);
    const mlk_cvec y = test_random_vec(2, 600);
    mlk_vec mean = test_vec(7);
    for (size_t j = 0; j < 6; j++) {
        memset(X.data, 0, 600 * 6 * sizeof(double));
        X.data[599 * 6 + j] = j % 2 ? NAN : -INFINITY;
        require_ok(mlk_gram_augmented(mlk_mat_c(X), (mlk_cvec){NULL, 0}, y, true, NULL, G, mean));
        ck_assert(!isfinite(G.data[j * 7 + j]));
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(1, 30, 5);
    const mlk_cvec y = test_random_vec(2, 30), none = {NULL, 0};
    mlk_mat G = test_mat(6, 6), high = test_mat(7, 7), low = test_mat(7, 7);
    mlk_vec mean = test_vec(6), shift = test_vec(6), scale = test_vec(7);
    const mlk_run run = {.threads = 1};
    for (size_t j = 0; j < 7; j++)
        scale.data[j] = 0.25;
    for (int which = 0; which < 5; which++) {
        mlk_status st = MLK_ENOMEM;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = which == 0
                     ? mlk_gram(X, none, y, none, 0.0, &run, (mlk_mat){G.data, 5, 5, 5}, mean)
                 : which == 1 ? mlk_gram_augmented(X, none, y, true, &run, G, mean)
                 : which == 2 ? mlk_gram_exact(X, none, y, mlk_vec_c(shift), mlk_vec_c(scale), &run,
                                               high, low)
                 : which == 3
                     ? mlk_tall_qr(X, none, y, mlk_vec_c(shift), mlk_vec_c(scale), &run, high)
                     : mlk_column_range(X, &run, (mlk_vec){mean.data, 5}, (mlk_vec){shift.data, 5});
            ck_assert(st == MLK_OK || st == MLK_ENOMEM);
        }
        mlk_test_fail_at = -1;
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linalg/gram");
    TCase *tc = test_case(s, "gram");
    const int n = (int)MLK_COUNT(shapes);
    tcase_add_loop_test(tc, products_are_those_of_plain_loops, 0, n);
    tcase_add_loop_test(tc, centred_products_keep_their_digits_beside_large_means, 0, n);
    tcase_add_test(tc, exact_products_are_exact);
    tcase_add_test(tc, threads_do_not_change_a_byte);
    tcase_add_loop_test(tc, reflections_by_chunks_have_the_gram_matrix_of_the_whole, 0, n);
    tcase_add_test(tc, values_that_are_not_finite_show_in_the_diagonal);
    tcase_add_test(tc, survives_each_failing_allocation);
    return s;
}
