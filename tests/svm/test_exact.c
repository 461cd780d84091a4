#include "svm/exact.h"

#include "svm/cases.h"
#include "svm/common.h"
#include "svm/smo.h"

/* 700 of 900 rows, 530 of them with coefficients: more than one tile, more than one part. */
START_TEST(sums_equal_plain_loops_with_any_threads)
{
    enum { N = 700, N_SV = 530 };
    const mlk_kernel kernel = {_i, 0.2, 0.5, 3};
    const mlk_cmat X = test_random_mat(1, 900, 4);
    const mlk_cvec coef = test_random_vec(2, N_SV);
    size_t rows[N];
    mlk_vec sums = test_vec(N), other = test_vec(N);
    mlk_kernel_set set;
    for (size_t i = 0; i < N; i++)
        rows[i] = i * 7 % 900;
    require_ok(mlk_kernel_set_init(&set, &kernel, X, NULL));
    require_ok(mlk_exact_sums(&set, rows, N_SV, N, coef.data, NULL, sums.data));
    for (size_t i = 0; i < N; i += 13) {
        double sum = 0.0;
        for (size_t s = 0; s < N_SV; s++)
            sum +=
                coef.data[s] * plain_kernel(&kernel, X.data + 4 * rows[i], X.data + 4 * rows[s], 4);
        require_close(sums.data[i], sum, 1e-10 * fmax(1.0, fabs(sum)));
    }
    for (int threads = 1; threads <= 8; threads += threads == 3 ? 5 : 1) {
        const mlk_run run = {.threads = threads};
        require_ok(mlk_exact_sums(&set, rows, N_SV, N, coef.data, &run, other.data));
        require_same(sums.data, other.data, N * sizeof(double));
    }
    mlk_kernel_set_free(&set);
}
END_TEST

START_TEST(sums_of_given_kernel_values_read_them)
{
    enum { N = 300 };
    const mlk_kernel kernel = {MLK_KERNEL_PRECOMPUTED, 1.0, 0.0, 3};
    const mlk_cmat K = test_random_mat(3, N, N);
    const mlk_cvec coef = test_random_vec(4, N);
    mlk_mat symmetric = test_mat(N, N);
    size_t rows[N];
    mlk_vec sums = test_vec(N);
    mlk_kernel_set set;
    for (size_t i = 0; i < N; i++) {
        rows[i] = N - 1 - i;
        for (size_t j = 0; j < N; j++)
            symmetric.data[i * N + j] = K.data[i * N + j] + K.data[j * N + i];
    }
    require_ok(mlk_kernel_set_init(&set, &kernel, mlk_mat_c(symmetric), NULL));
    require_ok(mlk_exact_sums(&set, rows, N, N, coef.data, NULL, sums.data));
    for (size_t i = 0; i < N; i++) {
        double sum = 0.0;
        for (size_t s = 0; s < N; s++)
            sum += coef.data[s] * symmetric.data[rows[i] * N + rows[s]];
        require_close(sums.data[i], sum, 1e-10);
    }
    mlk_kernel_set_free(&set);
}
END_TEST

/* -------------------------------------------------------------------------- inner problems */

enum { M = 400, ROOM = 60, LD = 432 };

typedef struct arrays {
    float *K, *diagonal;
    double *at[6], *keys, *work;
    size_t chosen[M];
} arrays;

static smo make(arrays *a, size_t room)
{
    const size_t n = smo_pad(room);
    a->K = test_alloc(room * LD * sizeof *a->K);
    a->diagonal = test_alloc(n * sizeof *a->diagonal);
    memset(a->K, 0, room * LD * sizeof *a->K);
    for (size_t k = 0; k < 6; k++)
        a->at[k] = test_vec(2 * n).data;
    return (smo){.K = a->K,
                 .ld = LD,
                 .diagonal = a->diagonal,
                 .beta = a->at[0],
                 .g = a->at[1],
                 .lo = a->at[2],
                 .hi = a->at[3],
                 .up = a->at[4],
                 .down = a->at[5]};
}

/* Regression (one group, a kink) and a nu form (two groups): b on its bounds, the gradient that is
 * kept the one of b, and no pair that could still gain. */
START_TEST(inner_problems_lead_to_the_same_optimum)
{
    const mlk_kernel kernel = {MLK_KERNEL_RBF, 0.5, 0.0, 3};
    const mlk_cmat X = test_random_mat(5, M, 3);
    const mlk_cvec y = test_linear_target(5, X, 0.5);
    const size_t groups = _i ? 2 : 1;
    arrays a, b;
    smo s = make(&a, M), in = make(&b, ROOM);
    double violation;
    s.n = M;
    s.groups = groups;
    s.kink = _i ? 0.0 : 0.2;
    s.inner = &in;
    s.room = ROOM;
    s.chosen = a.chosen;
    s.keys = test_vec(M).data;
    s.work = test_vec(M).data;
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < M; j++)
            s.K[i * LD + j] = (float)plain_kernel(&kernel, X.data + 3 * i, X.data + 3 * j, 3);
        s.diagonal[i] = 1.0F;
        for (size_t k = 0; k < groups; k++) {
            const size_t t = k * M + i;
            s.lo[t] = _i && k == 0 ? 0.0 : -3.0;
            s.hi[t] = _i && k == 1 ? 0.0 : 3.0;
            s.beta[t] = _i ? (k ? -0.5 : 0.5) : 0.0;
            s.g[t] = -y.data[i];
        }
    }
    const size_t steps = mlk_smo_solve(&s, 1e-6, 1000000, &violation);
    ck_assert(steps > 0 && violation <= 1e-6);
    for (size_t k = 0; k < groups; k++) {
        double sum = 0.0, rise = -INFINITY, fall = -INFINITY;
        for (size_t i = 0; i < M; i++) {
            const double v = s.beta[k * M + i];
            double g = -y.data[i];
            for (size_t j = 0; j < M; j++)
                g += (double)s.K[i * LD + j] * (s.beta[j] + (groups > 1 ? s.beta[M + j] : 0.0));
            require_close(s.g[k * M + i], g, 1e-4); /* steps round K_i - K_j to single precision */
            ck_assert(v >= s.lo[k * M + i] && v <= s.hi[k * M + i]);
            sum += v;
            if (v < s.hi[k * M + i])
                rise = fmax(rise, -g - (v >= 0.0 ? s.kink : -s.kink));
            if (v > s.lo[k * M + i])
                fall = fmax(fall, g + (v > 0.0 ? s.kink : -s.kink));
        }
        require_close(sum, _i ? (k ? -0.5 : 0.5) * M : 0.0, 1e-9);
        ck_assert(rise + fall <= 1e-6 + 2e-4);
    }
}
END_TEST

/* Small problems may take ten million steps, large ones a hundred a row, those between a work that
 * ends within seconds. */
START_TEST(the_cap_follows_the_work_of_a_step)
{
    ck_assert_uint_eq(mlk_svm_cap(17, 5000), 17);
    ck_assert_uint_eq(mlk_svm_cap(MLK_SVM_AUTO_CAP, 10), 10000000);
    ck_assert_uint_eq(mlk_svm_cap(MLK_SVM_AUTO_CAP, 500), 10000000);
    ck_assert_uint_eq(mlk_svm_cap(MLK_SVM_AUTO_CAP, 5000), 1000000);
    ck_assert_uint_eq(mlk_svm_cap(MLK_SVM_AUTO_CAP, 20000), 2000000);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/exact");
    TCase *inside = test_case(s, "inside");
    tcase_add_loop_test(inside, sums_equal_plain_loops_with_any_threads, 0, 4);
    tcase_add_test(inside, sums_of_given_kernel_values_read_them);
    tcase_add_loop_test(inside, inner_problems_lead_to_the_same_optimum, 0, 2);
    tcase_add_test(inside, the_cap_follows_the_work_of_a_step);
    return s;
}
