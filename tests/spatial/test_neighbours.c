#include "spatial/neighbours.h"

#include "core/rng.h"
#include "support/mlk_test.h"

static const double powers[] = {2.0, 1.0, INFINITY, 3.0};

/* ------------------------------------------------------- the definition, by plain loops */

static double twin_distance(const double *a, const double *b, size_t p, double power)
{
    double sum = 0.0;
    for (size_t j = 0; j < p; j++) {
        const double d = fabs(a[j] - b[j]);
        sum = isinf(power) ? fmax(sum, d) : sum + pow(d, power);
    }
    return isinf(power) ? sum : pow(sum, 1.0 / power);
}

/* Rows by (distance, number), selected one after the other; whole numbers, so that ties are exact.
 */
static void twin_nearest(mlk_cmat X, const double *x, size_t k, size_t left_out, double power,
                         size_t *rows)
{
    bool *taken = test_alloc(X.rows + 1);
    for (size_t r = 0; r < k; r++) {
        size_t best = X.rows;
        double least = INFINITY;
        for (size_t i = 0; i < X.rows; i++) {
            const double d = twin_distance(X.data + i * X.ld, x, X.cols, power);
            if (!taken[i] && i != left_out && d < least) {
                least = d;
                best = i;
            }
        }
        taken[best] = true;
        rows[r] = best;
    }
}

typedef struct answer {
    size_t *rows;
    double *distances;
} answer;

static answer nearest(mlk_cmat X, mlk_cmat Q, double power, mlk_neighbours_method method, size_t k,
                      size_t first, int threads)
{
    const mlk_run run = {.threads = threads};
    answer a = {test_alloc(Q.rows * k * sizeof(size_t)), test_alloc(Q.rows * k * sizeof(double))};
    mlk_neighbours *search;
    require_ok(mlk_neighbours_new(X, power, method, &run, &search));
    require_ok(mlk_neighbours_query(search, Q, k, first, &run, a.rows, a.distances));
    mlk_neighbours_free(search);
    return a;
}

static void require_equal(answer a, answer b, size_t n)
{
    require_same(a.rows, b.rows, n * sizeof(size_t));
    require_same(a.distances, b.distances, n * sizeof(double));
}

/* Small whole numbers (ties everywhere), or anything. */
static mlk_cmat random_set(uint64_t seed, size_t n, size_t p, bool whole)
{
    mlk_rng rng = mlk_rng_stream(seed, 7);
    mlk_mat X = test_mat(n, p);
    for (size_t i = 0; i < n * p; i++)
        X.data[i] = whole ? (double)mlk_rng_below(&rng, 4) : 1e3 + mlk_rng_normal(&rng);
    return mlk_mat_c(X);
}

START_TEST(tree_and_brute_force_agree_to_the_bit_on_a_thousand_sets)
{
    mlk_rng rng = mlk_rng_stream(99, 0);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        const size_t n = 2 + mlk_rng_below(&rng, seed % 50 ? 150 : 3000);
        const size_t p = 1 + mlk_rng_below(&rng, 6), k = 1 + mlk_rng_below(&rng, n - 1);
        const double power = powers[seed % 4];
        const mlk_cmat X = random_set(seed, n, p, seed % 3 != 0);
        const size_t some = n < 20 ? n : 20, few = k < 12 ? k : 12;
        const size_t first = seed % 2 ? (size_t)-1 : 0;
        const mlk_cmat Q = {X.data, some, p, p};
        const answer a = nearest(X, Q, power, MLK_NEIGHBOURS_KD_TREE, few, first, 1);
        const answer b = nearest(X, Q, power, MLK_NEIGHBOURS_BRUTE, few, first, 1);
        require_equal(a, b, some * few);
        size_t rows[12];
        if (seed % 3 == 0 || n > 200)
            continue;
        for (size_t i = 0; i < some; i += 5) {
            twin_nearest(X, X.data + i * p, few, first ? first : i, power, rows);
            if (power != 3.0) /* roots of equal sums are equal for these alone */
                require_same(a.rows + i * few, rows, few * sizeof(size_t));
        }
    }
}
END_TEST

START_TEST(finds_what_single_precision_cannot_tell_apart)
{
    /* Rows that differ in the tenth digit, many columns, and one row far away. */
    mlk_mat X = test_mat(3000, 40);
    const mlk_cmat Z = test_random_mat(8, 3000, 40);
    for (size_t i = 0; i < 3000 * 40; i++)
        X.data[i] = (i < 40 ? 1e6 : 1.0) + 1e-10 * Z.data[i];
    const mlk_cmat Q = {X.data, 70, 40, 40};
    const answer a = nearest(mlk_mat_c(X), Q, 2.0, MLK_NEIGHBOURS_KD_TREE, 9, 0, 2);
    const answer b = nearest(mlk_mat_c(X), Q, 2.0, MLK_NEIGHBOURS_BRUTE, 9, 0, 2);
    require_equal(a, b, 70 * 9);
}
END_TEST

START_TEST(measures_overflowing_values_too)
{
    const double values[] = {-1e308, 1e308, 0, 1e300, -1e155, 1e-300, 3, 1e38, -1e200, 5};
    for (size_t k = 0; k < MLK_COUNT(powers); k++) {
        const mlk_cmat X = {values, 10, 1, 1};
        const answer a = nearest(X, X, powers[k], MLK_NEIGHBOURS_KD_TREE, 10, (size_t)-1, 1);
        const answer b = nearest(X, X, powers[k], MLK_NEIGHBOURS_BRUTE, 10, (size_t)-1, 1);
        require_equal(a, b, 100);
        ck_assert_uint_eq(a.rows[20], 2);
    }
}
END_TEST

START_TEST(distances_are_those_of_the_definition)
{
    const mlk_cmat X = test_random_mat(1, 500, 5), Q = test_random_mat(2, 30, 5);
    for (size_t m = 0; m < MLK_COUNT(powers); m++) {
        const answer a = nearest(X, Q, powers[m], MLK_NEIGHBOURS_AUTO, 4, (size_t)-1, 1);
        for (size_t i = 0; i < 30 * 4; i++)
            require_relative(
                a.distances[i],
                twin_distance(X.data + 5 * a.rows[i], Q.data + i / 4 * 5, 5, powers[m]), 1e-13);
    }
}
END_TEST

START_TEST(equal_points_come_in_the_order_of_their_rows)
{
    mlk_mat X = test_mat(5000, 3); /* all of them equal */
    for (int method = MLK_NEIGHBOURS_BRUTE; method <= MLK_NEIGHBOURS_KD_TREE; method++) {
        const mlk_cmat Q = {X.data, 100, 3, 3};
        const answer a = nearest(mlk_mat_c(X), Q, 2.0, method, 3, 0, 1);
        for (size_t i = 0; i < 100; i++)
            for (size_t j = 0; j < 3; j++)
                ck_assert_uint_eq(a.rows[3 * i + j], j + (j >= i));
    }
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(5, 4000, 9);
    for (int method = MLK_NEIGHBOURS_BRUTE; method <= MLK_NEIGHBOURS_KD_TREE; method++) {
        const answer one = nearest(X, X, 2.0, method, 6, 0, 1);
        for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1)
            require_equal(one, nearest(X, X, 2.0, method, 6, 0, threads), 4000 * 6);
    }
}
END_TEST

/* 6,000 rows near a plane of `rank` dimensions in 40 columns. */
static mlk_cmat near_plane(size_t rank)
{
    const mlk_cmat Z = test_random_mat(1, 6000, rank), B = test_random_mat(2, rank, 40);
    const mlk_cmat noise = test_random_mat(3, 6000, 40);
    mlk_mat X = test_mat(6000, 40);
    for (size_t i = 0; i < 6000; i++)
        for (size_t j = 0; j < 40; j++) {
            X.data[i * 40 + j] = 0.01 * noise.data[i * 40 + j];
            for (size_t r = 0; r < rank; r++)
                X.data[i * 40 + j] += Z.data[i * rank + r] * B.data[r * 40 + j];
        }
    return mlk_mat_c(X);
}

START_TEST(auto_goes_by_how_the_rows_lie)
{
    const struct {
        mlk_cmat X;
        double power;
        mlk_neighbours_method expected;
    } cases[] = {
        {near_plane(3), 2.0, MLK_NEIGHBOURS_KD_TREE},
        {near_plane(40), 2.0, MLK_NEIGHBOURS_BRUTE},
        {near_plane(40), 1.0, MLK_NEIGHBOURS_KD_TREE},
        {test_random_mat(1, 6000, 4), 2.0, MLK_NEIGHBOURS_KD_TREE},
        {test_random_mat(1, 100, 2), 2.0, MLK_NEIGHBOURS_BRUTE},
        {test_random_mat(1, 300, 101), 2.0, MLK_NEIGHBOURS_BRUTE},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_neighbours *search;
        require_ok(
            mlk_neighbours_new(cases[k].X, cases[k].power, MLK_NEIGHBOURS_AUTO, NULL, &search));
        ck_assert_int_eq(mlk_neighbours_method_of(search), cases[k].expected);
        mlk_neighbours_free(search);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(5, 400, 3);
    const mlk_run run = {.threads = 1};
    size_t rows[400 * 2];
    double distances[400 * 2];
    for (int method = MLK_NEIGHBOURS_AUTO; method <= MLK_NEIGHBOURS_KD_TREE; method++) {
        mlk_status st = MLK_ENOMEM;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_neighbours *search;
            mlk_test_fail_at = k;
            st = mlk_neighbours_new(X, 2.0, method, &run, &search);
            ck_assert((st == MLK_OK) == (search != NULL));
            if (st == MLK_OK)
                st = mlk_neighbours_query(search, X, 2, 0, &run, rows, distances);
            mlk_test_fail_at = -1;
            ck_assert(st == MLK_OK || st == MLK_ENOMEM);
            mlk_neighbours_free(search);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("spatial/neighbours");
    TCase *exact = test_case(s, "exact"), *same = test_case(s, "invariance");
    tcase_add_test(exact, tree_and_brute_force_agree_to_the_bit_on_a_thousand_sets);
    tcase_add_test(exact, finds_what_single_precision_cannot_tell_apart);
    tcase_add_test(exact, measures_overflowing_values_too);
    tcase_add_test(exact, distances_are_those_of_the_definition);
    tcase_add_test(exact, equal_points_come_in_the_order_of_their_rows);
    tcase_add_test(same, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(exact, auto_goes_by_how_the_rows_lie);
    tcase_add_test(same, survives_each_failing_allocation);
    return s;
}
