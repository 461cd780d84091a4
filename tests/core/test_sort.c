#include "core/sort.h"

#include "core/rng.h"
#include "support/mlk_test.h"

/* Random values with many ties, both zeros, infinities and NaN. */
static mlk_vec mixed(uint64_t seed, size_t n)
{
    static const double special[] = {0.0, -0.0, 1.0, -1.0, INFINITY, -INFINITY, 5e-324, NAN};
    mlk_rng rng = mlk_rng_stream(seed, n);
    mlk_vec v = test_vec(n);
    for (size_t i = 0; i < n; i++)
        v.data[i] = mlk_rng_below(&rng, 2) ? special[mlk_rng_below(&rng, MLK_COUNT(special))]
                                           : mlk_rng_normal(&rng);
    return v;
}

/* a before b in the order of sort.h, written with comparisons only */
static bool before(double a, double b) { return isnan(b) ? !isnan(a) : a < b; }

static const size_t sizes[] = {0, 1, 2, 3, 17, 100, 255, 256, 257, 1000, 20000};

START_TEST(argsort_is_a_stable_permutation_in_order)
{
    for (size_t k = 0; k < MLK_COUNT(sizes); k++) {
        const size_t n = sizes[k];
        const mlk_vec v = mixed(k, n);
        size_t *order = test_alloc(n * sizeof *order);
        bool *seen = test_alloc(n);
        require_ok(mlk_argsort(v.data, n, order));
        for (size_t i = 0; i < n; i++) {
            ck_assert(order[i] < n && !seen[order[i]]);
            seen[order[i]] = true;
            if (i == 0)
                continue;
            const double a = v.data[order[i - 1]], b = v.data[order[i]];
            ck_assert(!before(b, a));
            if (!before(a, b))
                ck_assert_uint_lt(order[i - 1], order[i]);
        }
    }
}
END_TEST

START_TEST(sort_agrees_with_argsort)
{
    for (size_t k = 0; k < MLK_COUNT(sizes); k++) {
        const size_t n = sizes[k];
        const mlk_vec v = mixed(100 + k, n);
        size_t *order = test_alloc(n * sizeof *order);
        mlk_vec expected = test_vec(n);
        require_ok(mlk_argsort(v.data, n, order));
        for (size_t i = 0; i < n; i++)
            expected.data[i] = v.data[order[i]];
        mlk_sort(v.data, n);
        for (size_t i = 0; i < n; i++)
            ck_assert(v.data[i] == expected.data[i] ||
                      (isnan(v.data[i]) && isnan(expected.data[i])));
    }
}
END_TEST

START_TEST(sorts_patterns_that_defeat_a_naive_quicksort)
{
    enum { N = 4096 };
    for (int pattern = 0; pattern < 5; pattern++) {
        mlk_vec v = test_vec(N);
        for (size_t i = 0; i < N; i++)
            v.data[i] = pattern == 0   ? (double)i
                        : pattern == 1 ? (double)(N - i)
                        : pattern == 2 ? 1.0
                        : pattern == 3 ? (double)(i < N / 2 ? i : N - i)
                                       : (double)(i % 2);
        mlk_sort(v.data, N);
        for (size_t i = 1; i < N; i++)
            ck_assert_double_le(v.data[i - 1], v.data[i]);
    }
}
END_TEST

START_TEST(select_finds_what_sorting_would)
{
    for (size_t n = 1; n < 200; n += 7)
        for (size_t k = 0; k < n; k += 1 + n / 9) {
            const mlk_cvec v = test_random_vec(n, n);
            mlk_vec a = test_vec(n), b = test_vec(n);
            memcpy(a.data, v.data, n * sizeof(double));
            memcpy(b.data, v.data, n * sizeof(double));
            mlk_sort(b.data, n);
            ck_assert_double_eq(mlk_select(a.data, n, k), b.data[k]);
        }
}
END_TEST

START_TEST(quantile_is_type_seven)
{
    double v[] = {4.0, 1.0, 3.0, 2.0};
    require_close(mlk_quantile(v, 4, 0.5), 2.5, 0.0);
    require_close(mlk_quantile(v, 4, 0.25), 1.75, 0.0);
    require_close(mlk_quantile(v, 4, 0.0), 1.0, 0.0);
    require_close(mlk_quantile(v, 4, 1.0), 4.0, 0.0);
    double one[] = {7.0};
    require_close(mlk_quantile(one, 1, 0.3), 7.0, 0.0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/sort");
    TCase *tc = test_case(s, "sort");
    tcase_add_test(tc, argsort_is_a_stable_permutation_in_order);
    tcase_add_test(tc, sort_agrees_with_argsort);
    tcase_add_test(tc, sorts_patterns_that_defeat_a_naive_quicksort);
    tcase_add_test(tc, select_finds_what_sorting_would);
    tcase_add_test(tc, quantile_is_type_seven);
    return s;
}
