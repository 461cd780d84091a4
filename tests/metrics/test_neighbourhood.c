#include <mlkit/decomposition/isomap.h>
#include <mlkit/metrics/neighbourhood.h>

#include "support/maps.h"

/* Rank of j among the rows by distance from i, equal distances by row; 1 = nearest. */
static size_t literal_rank(mlk_cmat A, size_t i, size_t j)
{
    size_t rank = 1;
    double to_j = 0.0;
    for (size_t c = 0; c < A.cols; c++)
        to_j += pow(A.data[i * A.ld + c] - A.data[j * A.ld + c], 2.0);
    for (size_t l = 0; l < A.rows; l++) {
        double to_l = 0.0;
        for (size_t c = 0; c < A.cols; c++)
            to_l += pow(A.data[i * A.ld + c] - A.data[l * A.ld + c], 2.0);
        rank += l != i && l != j && (to_l < to_j || (to_l == to_j && l < j));
    }
    return rank;
}

/* (1): rows near in Z count by their ranks in X. */
static double literal(mlk_cmat X, mlk_cmat Z, size_t k, size_t judged)
{
    const size_t n = X.rows;
    double sum = 0.0;
    for (size_t r = 0; r < judged; r++) {
        const size_t i = r * n / judged;
        for (size_t j = 0; j < n; j++)
            if (j != i && literal_rank(Z, i, j) <= k) {
                const size_t rank = literal_rank(X, i, j);
                sum += rank > k ? (double)(rank - k) : 0.0;
            }
    }
    return 1.0 - 2.0 / (double)(judged * k * (2 * n - 3 * k - 1)) * sum;
}

/* Whole numbers: ties, and exact distances. */
static mlk_cmat whole(uint64_t seed, size_t n, size_t p)
{
    const mlk_cmat Z = test_random_mat(seed, n, p);
    mlk_mat X = test_mat(n, p);
    for (size_t i = 0; i < n * p; i++)
        X.data[i] = round(3.0 * Z.data[i]);
    return mlk_mat_c(X);
}

static const struct {
    size_t n, p, q, k;
} shapes[] = {{12, 3, 2, 1}, {13, 1, 1, 6}, {40, 20, 2, 5}, {61, 9, 3, 12}, {11, 2, 2, 5}};

START_TEST(figures_are_those_of_the_definition)
{
    const size_t n = shapes[_i].n, k = shapes[_i].k;
    const mlk_cmat X = whole(1 + (uint64_t)_i, n, shapes[_i].p);
    const mlk_cmat Z = whole(20 + (uint64_t)_i, n, shapes[_i].q);
    mlk_neighbourhood kept;
    require_ok(mlk_neighbourhood_kept(X, false, Z, k, INFINITY, NULL, &kept));
    require_close(kept.trustworthiness, literal(X, Z, k, n), 1e-14);
    require_close(kept.continuity, literal(Z, X, k, n), 1e-14);
    ck_assert_uint_eq(kept.rows, n);
    require_ok(
        mlk_neighbourhood_kept(mlk_mat_c(test_distances(X, X)), true, Z, k, INFINITY, NULL, &kept));
    require_close(kept.trustworthiness, literal(X, Z, k, n), 1e-14);
}
END_TEST

START_TEST(a_faithful_map_keeps_all)
{
    const mlk_cmat X = test_random_mat(3, 50, 4);
    mlk_mat Z = test_mat(50, 4);
    mlk_neighbourhood kept;
    for (size_t i = 0; i < 50; i++) /* permuted, mirrored and moved columns */
        for (size_t j = 0; j < 4; j++)
            Z.data[4 * i + j] = 8.0 - X.data[4 * i + 3 - j];
    require_ok(mlk_neighbourhood_kept(X, false, mlk_mat_c(Z), 5, INFINITY, NULL, &kept));
    ck_assert(kept.trustworthiness == 1.0 && kept.continuity == 1.0);
}
END_TEST

/* tests/reference/maps.py */
START_TEST(figures_are_those_of_scikit_learn)
{
    static const struct {
        size_t k;
        double trustworthiness, continuity;
    } cases[] = {{1, 0.8385458612975392, 0.9822371364653244},
                 {5, 0.8612625570776256, 0.9731392694063927},
                 {20, 0.8565856524427953, 0.9325151515151515}};
    const mlk_cmat X = test_roll(0, 300);
    const mlk_isomap_opts opts = {2, 8, MLK_ISOMAP_NO_RADIUS};
    mlk_isomap *model;
    mlk_neighbourhood kept;
    require_ok(mlk_isomap_fit(&(mlk_data){.X = X}, &opts, NULL, &model));
    for (size_t c = 0; c < MLK_COUNT(cases); c++) {
        require_ok(mlk_neighbourhood_kept(X, false, mlk_isomap_embedding(model), cases[c].k,
                                          INFINITY, NULL, &kept));
        require_close(kept.trustworthiness, cases[c].trustworthiness, 1e-12);
        require_close(kept.continuity, cases[c].continuity, 1e-12);
    }
    mlk_isomap_free(model);
}
END_TEST

START_TEST(many_rows_are_judged_by_some)
{
    const size_t n = 1000;
    const mlk_cmat X = test_random_mat(5, n, 3), Z = {X.data, n, 2, 3};
    const double works[] = {0.0, 1e6, 3e6, 9e6};
    const size_t judged[] = {200, 200, 333, 1000}; /* work / (1000 (3 + 2 + 4)) */
    for (size_t w = 0; w < 4; w++) {
        mlk_neighbourhood kept;
        require_ok(mlk_neighbourhood_kept(X, false, Z, 2, works[w], NULL, &kept));
        ck_assert_uint_eq(kept.rows, judged[w]);
        if (w == 0)
            require_close(kept.trustworthiness, literal(X, Z, 2, 200), 1e-14);
    }
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(5, 900, 40), Z = {X.data, 900, 2, 40};
    mlk_neighbourhood kept, other;
    for (int threads = 1; threads <= 8; threads += threads == 3 ? 5 : 1) {
        const mlk_run run = {.threads = threads};
        require_ok(
            mlk_neighbourhood_kept(X, false, Z, 5, INFINITY, &run, threads > 1 ? &other : &kept));
        if (threads > 1)
            require_same(&kept, &other, sizeof kept);
    }
}
END_TEST

START_TEST(refuses_what_it_cannot_judge)
{
    const mlk_cmat X = test_random_mat(6, 10, 3);
    const double bad[] = {0, 1, NAN, 2};
    mlk_neighbourhood kept;
    require_fail(mlk_neighbourhood_kept(X, false, mlk_cmat_rows(X, 0, 9), 2, INFINITY, NULL, &kept),
                 MLK_EINVAL, "2 neighbours in data of 10 x 3 and a map of 9 x 3");
    require_fail(mlk_neighbourhood_kept(X, true, X, 2, INFINITY, NULL, &kept), MLK_EINVAL,
                 "a square matrix of distances");
    require_fail(mlk_neighbourhood_kept(X, false, X, 0, INFINITY, NULL, &kept), MLK_EINVAL,
                 "0 neighbours");
    require_fail(mlk_neighbourhood_kept((mlk_cmat){bad, 4, 1, 1}, false, mlk_cmat_rows(X, 0, 4), 1,
                                        INFINITY, NULL, &kept),
                 MLK_EINVAL, "X[2, 0] = nan; expected a finite value");
    require_ok(mlk_neighbourhood_kept(X, false, X, 5, INFINITY, NULL, &kept)); /* k >= n / 2 */
    ck_assert(isnan(kept.trustworthiness) && isnan(kept.continuity));
    const mlk_run run = {.threads = 1};
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_neighbourhood_kept(X, false, X, 2, INFINITY, &run, &kept);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("metrics/neighbourhood");
    TCase *definition = test_case(s, "definition"), *others = test_case(s, "others");
    tcase_add_loop_test(definition, figures_are_those_of_the_definition, 0, (int)MLK_COUNT(shapes));
    tcase_add_test(definition, a_faithful_map_keeps_all);
    tcase_add_test(definition, figures_are_those_of_scikit_learn);
    tcase_add_test(others, many_rows_are_judged_by_some);
    tcase_add_test(others, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(others, refuses_what_it_cannot_judge);
    return s;
}
