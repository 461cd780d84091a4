#include "core/rng.h"

#include "support/mlk_test.h"

/* Chi-square statistic of counts against equal frequencies. */
static double chi_square(const size_t *count, size_t k, double expected)
{
    double sum = 0.0;
    for (size_t i = 0; i < k; i++) {
        const double d = (double)count[i] - expected;
        sum += d * d / expected;
    }
    return sum;
}

/* xoshiro256++ from the state 1, 2, 3, 4: first outputs of the authors' reference code, as
 * worked out by hand from its definition. */
START_TEST(is_xoshiro256_plus_plus)
{
    mlk_rng rng = {{1, 2, 3, 4}};
    static const uint64_t expected[] = {41943041u, 58720359u, 3588806011781223u, 3591011842654386u};
    for (size_t i = 0; i < MLK_COUNT(expected); i++)
        ck_assert_uint_eq(mlk_rng_next(&rng), expected[i]);
}
END_TEST

/* 49 degrees of freedom: P(chi2 > 111) < 1e-6. The seeds are fixed: it passes for good or not. */
START_TEST(integers_are_uniform)
{
    size_t count[50] = {0};
    mlk_rng rng = mlk_rng_stream(5, 0);
    for (int i = 0; i < 100000; i++)
        count[mlk_rng_below(&rng, 50)]++;
    ck_assert_double_lt(chi_square(count, 50, 2000.0), 111.0);
}
END_TEST

START_TEST(streams_are_unrelated) /* correlation of 1e5 pairs: |r| < 5 / sqrt(n) */
{
    static const uint64_t pairs[][4] = {{0, 0, 0, 1}, {0, 1, 1, 0}, {7, 3, 8, 2}, {1, 1, 2, 2}};
    for (size_t k = 0; k < MLK_COUNT(pairs); k++) {
        mlk_rng a = mlk_rng_stream(pairs[k][0], pairs[k][1]);
        mlk_rng b = mlk_rng_stream(pairs[k][2], pairs[k][3]);
        double sum = 0.0;
        for (int i = 0; i < 100000; i++)
            sum += (mlk_rng_uniform(&a) - 0.5) * (mlk_rng_uniform(&b) - 0.5);
        ck_assert_double_lt(fabs(12.0 * sum / 100000), 5.0 / sqrt(100000));
    }
}
END_TEST

START_TEST(normals_have_their_moments)
{
    enum { N = 200000 };
    mlk_rng rng = mlk_rng_stream(9, 4);
    double m[5] = {0};
    for (int i = 0; i < N; i++) {
        const double z = mlk_rng_normal(&rng);
        for (int k = 1; k <= 4; k++)
            m[k] += pow(z, k) / N;
    }
    /* Five standard errors of each. */
    ck_assert_double_lt(fabs(m[1]), 5 * sqrt(1.0 / N));
    ck_assert_double_lt(fabs(m[2] - 1), 5 * sqrt(2.0 / N));
    ck_assert_double_lt(fabs(m[3]), 5 * sqrt(15.0 / N));
    ck_assert_double_lt(fabs(m[4] - 3), 5 * sqrt(96.0 / N));
}
END_TEST

START_TEST(permutations_of_four_are_equally_likely) /* 23 degrees: P(chi2 > 70) < 1e-6 */
{
    size_t count[24] = {0};
    mlk_rng rng = mlk_rng_stream(2, 2);
    for (int i = 0; i < 24000; i++) {
        size_t p[4], rank = 0;
        mlk_rng_permutation(&rng, p, 4);
        for (size_t a = 0; a < 4; a++) { /* Lehmer code */
            size_t smaller = 0;
            for (size_t b = a + 1; b < 4; b++)
                smaller += p[b] < p[a];
            rank = rank * (4 - a) + smaller;
        }
        count[rank]++;
    }
    ck_assert_double_lt(chi_square(count, 24, 1000.0), 70.0);
}
END_TEST

START_TEST(samples_hold_no_item_twice)
{
    mlk_rng rng = mlk_rng_stream(1, 1);
    for (size_t k = 0; k <= 20; k++) {
        size_t items[20];
        bool seen[20] = {false};
        mlk_rng_sample(&rng, items, 20, k);
        for (size_t i = 0; i < k; i++) {
            ck_assert(!seen[items[i]]);
            seen[items[i]] = true;
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/rng");
    TCase *tc = test_case(s, "rng");
    tcase_add_test(tc, is_xoshiro256_plus_plus);
    tcase_add_test(tc, integers_are_uniform);
    tcase_add_test(tc, streams_are_unrelated);
    tcase_add_test(tc, normals_have_their_moments);
    tcase_add_test(tc, permutations_of_four_are_equally_likely);
    tcase_add_test(tc, samples_hold_no_item_twice);
    return s;
}
