#include "optim/descent.h"

#include "support/mlk_test.h"

enum { N = 12 };

/* f(x) = sum_j s_j (cosh(x_j - m_j) - 1): convex, its minimum 0 at m, curvature s_j there. */
typedef struct bowl {
    double s[N], m[N];
    double tol;
    size_t evaluations, visits;
    bool exact; /* B is the Hessian at the point seen last; else the identity */
    double seen[N];
    mlk_status fail;
} bowl;

static mlk_status bowl_eval(void *ctx, const double *x, double *f, double *g)
{
    bowl *b = ctx;
    b->evaluations++;
    *f = 0.0;
    for (size_t j = 0; j < N; j++) {
        *f += b->s[j] * 2.0 * pow(sinh(0.5 * (x[j] - b->m[j])), 2.0); /* no cancellation */
        g[j] = b->s[j] * sinh(x[j] - b->m[j]);
        b->seen[j] = x[j];
    }
    return b->fail;
}

static mlk_status bowl_precondition(void *ctx, double *v)
{
    const bowl *b = ctx;
    for (size_t j = 0; j < N; j++)
        v[j] /= b->exact ? b->s[j] * cosh(b->seen[j] - b->m[j]) : 1.0;
    return MLK_OK;
}

static mlk_status bowl_refresh(void *ctx, size_t iteration, const double *x)
{
    bowl *b = ctx;
    ck_assert_uint_eq(b->visits++, iteration);
    require_same(b->seen, x, sizeof b->seen); /* B is renewed where eval was last */
    return MLK_OK;
}

static bool bowl_stop(void *ctx, size_t iteration, double f, const double *g, double decrement)
{
    const bowl *b = ctx;
    (void)iteration;
    ck_assert(f >= 0.0 && decrement >= 0.0);
    return test_norm(g, N) <= b->tol;
}

static bowl make(bool exact)
{
    bowl b = {.tol = 1e-9, .exact = exact};
    for (size_t j = 0; j < N; j++) {
        b.s[j] = pow(10.0, (double)(j % 5)); /* condition 1e4 */
        b.m[j] = 3.0 * sin(1.7 * (double)j);
    }
    return b;
}

static mlk_descent problem_of(bowl *b, size_t memory)
{
    return (mlk_descent){.n = N,
                         .memory = memory,
                         .max_iter = 1000,
                         .ctx = b,
                         .eval = bowl_eval,
                         .precondition = bowl_precondition,
                         .refresh = bowl_refresh,
                         .stop = bowl_stop};
}

START_TEST(reaches_the_minimum_for_any_memory)
{
    /* SciPy 1.10.1's L-BFGS-B takes 782, 613 and 69 iterations from here to the same gradient. */
    const size_t memories[] = {3, 8, 40}, most[] = {1200, 900, 100};
    for (size_t t = 0; t < MLK_COUNT(memories); t++) {
        bowl b = make(false);
        const mlk_descent problem = problem_of(&b, memories[t]);
        double x[N] = {0};
        mlk_descent_end end;
        size_t iterations;
        require_ok(mlk_descend(&problem, x, &end, &iterations));
        ck_assert_int_eq(end, MLK_DESCENT_STOPPED);
        ck_assert_uint_le(iterations, most[t]);
        ck_assert_uint_le(b.evaluations, iterations + iterations / 5 + 10);
        for (size_t j = 0; j < N; j++)
            require_close(x[j], b.m[j], 1e-8);
    }
}
END_TEST

START_TEST(without_memory_and_with_the_hessian_it_is_newtons_method)
{
    bowl b = make(true);
    const mlk_descent problem = problem_of(&b, 0);
    double x[N] = {0};
    mlk_descent_end end;
    size_t iterations;
    require_ok(mlk_descend(&problem, x, &end, &iterations));
    ck_assert_int_eq(end, MLK_DESCENT_STOPPED);
    ck_assert_uint_le(iterations, 10); /* quadratic at the end */
    for (size_t j = 0; j < N; j++)
        require_close(x[j], b.m[j], 1e-9);
}
END_TEST

START_TEST(says_why_it_ended)
{
    bowl b = make(false);
    mlk_descent problem = problem_of(&b, 5);
    double x[N] = {0}, best[N];
    mlk_descent_end end;
    size_t iterations;
    problem.max_iter = 3;
    require_ok(mlk_descend(&problem, x, &end, &iterations));
    ck_assert_int_eq(end, MLK_DESCENT_LIMIT);
    ck_assert_uint_eq(iterations, 3);

    b = make(true);
    b.tol = -1.0; /* never satisfied: it goes on until nothing gains */
    problem = problem_of(&b, 5);
    require_ok(mlk_descend(&problem, x, &end, NULL));
    ck_assert_int_eq(end, MLK_DESCENT_STALLED);
    for (size_t j = 0; j < N; j++)
        require_close(x[j], b.m[j], 1e-7);

    memcpy(best, b.m, sizeof best); /* at the minimum there is no slope */
    b.visits = 0;
    require_ok(mlk_descend(&problem, best, &end, &iterations));
    ck_assert_int_eq(end, MLK_DESCENT_STALLED);
    ck_assert_uint_eq(iterations, 0);
}
END_TEST

START_TEST(steps_back_from_where_f_is_not_finite)
{
    bowl b = make(false); /* the first step, of the size of the gradient, overflows cosh */
    const mlk_descent problem = problem_of(&b, 8);
    double x[N], f, g[N];
    mlk_descent_end end;
    for (size_t j = 0; j < N; j++)
        x[j] = -20.0;
    require_ok(bowl_eval(&b, x, &f, g));
    ck_assert(test_norm(g, N) > 1e6);
    require_ok(mlk_descend(&problem, x, &end, NULL));
    ck_assert_int_eq(end, MLK_DESCENT_STOPPED);
    for (size_t j = 0; j < N; j++)
        require_close(x[j], b.m[j], 1e-8);
}
END_TEST

START_TEST(hands_on_failures_and_survives_failing_allocations)
{
    bowl b = make(false);
    const mlk_descent problem = problem_of(&b, 5);
    double x[N] = {0};
    mlk_descent_end end;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        b.visits = 0;
        memset(x, 0, sizeof x);
        st = mlk_descend(&problem, x, &end, NULL);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    mlk_test_fail_at = -1;
    b.fail = MLK_ECANCELLED;
    ck_assert_int_eq(mlk_descend(&problem, x, &end, NULL), MLK_ECANCELLED);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("optim/descent");
    TCase *tc = test_case(s, "descent");
    tcase_add_test(tc, reaches_the_minimum_for_any_memory);
    tcase_add_test(tc, without_memory_and_with_the_hessian_it_is_newtons_method);
    tcase_add_test(tc, says_why_it_ended);
    tcase_add_test(tc, steps_back_from_where_f_is_not_finite);
    tcase_add_test(tc, hands_on_failures_and_survives_failing_allocations);
    return s;
}
