#include <mlkit/cluster/agglomerative.h>

#include "support/mlk_test.h"

#include "cluster/hclust.inc"

static mlk_agglomerative *fit(mlk_cmat X, size_t k, int linkage)
{
    const mlk_agglomerative_opts o = {.n_clusters = (int64_t)k, .linkage = linkage};
    mlk_agglomerative *model;
    require_ok(mlk_agglomerative_fit(&(mlk_data){.X = X}, &o, NULL, &model));
    return model;
}

/* The rows of reference/hclust.R. */
static mlk_cmat scattered(size_t n, size_t p)
{
    mlk_mat X = test_mat(n, p);
    for (size_t m = 1; m <= n * p; m++)
        X.data[m - 1] = (double)(m * m * m * 7919 % 100003) / 1000.0;
    return mlk_mat_c(X);
}

START_TEST(trees_are_those_of_hclust)
{
    enum { N = 40 };
    const mlk_cmat X = scattered(N, 3);
    for (int linkage = 0; linkage < 4; linkage++) {
        mlk_agglomerative *m = fit(X, 5, linkage);
        const mlk_cvec d = mlk_agglomerative_distances(m);
        ck_assert_uint_eq(d.n, N - 1);
        for (size_t t = 0; t < d.n; t++) {
            uint32_t pair[2];
            require_relative(d.data[t], hclust_heights[linkage][t], 1e-12);
            for (size_t side = 0; side < 2; side++) {
                const int h = hclust_merges[linkage][2 * t + side];
                pair[side] = h < 0 ? (uint32_t)(-h - 1) : (uint32_t)(N + h - 1);
            }
            const uint32_t *mine = mlk_agglomerative_merges(m) + 2 * t;
            ck_assert_uint_lt(mine[0], mine[1]);
            ck_assert_uint_eq(mine[0], pair[0] < pair[1] ? pair[0] : pair[1]);
            ck_assert_uint_eq(mine[1], pair[0] < pair[1] ? pair[1] : pair[0]);
        }
        for (size_t i = 0; i < N; i++) /* cutree() numbers by first rows too, from 1 */
            ck_assert_uint_eq(mlk_agglomerative_labels(m)[i] + 1, hclust_cuts[linkage][i]);
        mlk_agglomerative_free(m);
    }
}
END_TEST

/* ------------------------------------------------------- a literal twin, O(n^3) and more */

static double between(mlk_cmat X, size_t i, size_t k)
{
    double d = 0.0;
    for (size_t j = 0; j < X.cols; j++)
        d += (X.data[i * X.ld + j] - X.data[k * X.ld + j]) *
             (X.data[i * X.ld + j] - X.data[k * X.ld + j]);
    return sqrt(d);
}

/* The distance of clusters a and b by its definition over their rows. */
static double linkage_distance(mlk_cmat X, const uint32_t *of, uint32_t a, uint32_t b, int linkage)
{
    double least = INFINITY, most = 0.0, sum = 0.0, na = 0.0, nb = 0.0, apart = 0.0;
    for (size_t i = 0; i < X.rows; i++) {
        na += of[i] == a;
        nb += of[i] == b;
        for (size_t k = 0; k < X.rows; k++)
            if (of[i] == a && of[k] == b) {
                const double d = between(X, i, k);
                least = fmin(least, d);
                most = fmax(most, d);
                sum += d;
            }
    }
    for (size_t j = 0; j < X.cols; j++) {
        double mean_a = 0.0, mean_b = 0.0;
        for (size_t i = 0; i < X.rows; i++) {
            mean_a += of[i] == a ? X.data[i * X.ld + j] / na : 0.0;
            mean_b += of[i] == b ? X.data[i * X.ld + j] / nb : 0.0;
        }
        apart += (mean_a - mean_b) * (mean_a - mean_b);
    }
    const double ward = sqrt(2.0 * na * nb / (na + nb) * apart), mean = sum / (na * nb);
    return linkage == MLK_LINKAGE_WARD       ? ward
           : linkage == MLK_LINKAGE_SINGLE   ? least
           : linkage == MLK_LINKAGE_COMPLETE ? most
                                             : mean;
}

START_TEST(each_merge_is_of_the_nearest_two)
{
    for (uint64_t seed = 0; seed < 6; seed++)
        for (int linkage = 0; linkage < 4; linkage++) {
            const mlk_cmat X = test_random_mat(seed, 12 + seed, 1 + seed % 3);
            mlk_agglomerative *m = fit(X, 1, linkage);
            uint32_t *of = test_alloc(X.rows * sizeof *of);
            for (size_t i = 0; i < X.rows; i++)
                of[i] = (uint32_t)i;
            for (size_t t = 0; t + 1 < X.rows; t++) {
                const uint32_t *pair = mlk_agglomerative_merges(m) + 2 * t;
                const double d = mlk_agglomerative_distances(m).data[t];
                require_relative(d, linkage_distance(X, of, pair[0], pair[1], linkage), 1e-12);
                for (size_t i = 0; i < X.rows; i++)
                    for (size_t k = 0; k < i; k++)
                        if (of[i] != of[k])
                            ck_assert(linkage_distance(X, of, of[i], of[k], linkage) >=
                                      d * (1 - 1e-12));
                for (size_t i = 0; i < X.rows; i++)
                    if (of[i] == pair[0] || of[i] == pair[1])
                        of[i] = (uint32_t)(X.rows + t);
            }
            mlk_agglomerative_free(m);
        }
}
END_TEST

/* ------------------------------------------------------------------------- properties */

START_TEST(predictions_of_the_training_rows_are_their_labels)
{
    const mlk_cmat X = test_random_mat(3, 500, 4);
    mlk_vec out = test_vec(500);
    for (int linkage = 0; linkage < 4; linkage++) {
        mlk_agglomerative *m = fit(X, 7, linkage);
        require_ok(mlk_agglomerative_predict(m, X, NULL, out));
        for (size_t i = 0; i < 500; i++)
            ck_assert(out.data[i] == mlk_agglomerative_labels(m)[i]);
        mlk_agglomerative_free(m);
    }
}
END_TEST

START_TEST(equal_rows_merge_at_distance_zero)
{
    const double same[] = {3, 3, 3, 3, 3, 3}, pairs[] = {0, 0, 5, 5, 9, 9};
    for (int linkage = 0; linkage < 4; linkage++) {
        mlk_agglomerative *a = fit((mlk_cmat){same, 6, 1, 1}, 2, linkage);
        mlk_agglomerative *b = fit((mlk_cmat){pairs, 6, 1, 1}, 3, linkage);
        for (size_t t = 0; t < 5; t++)
            ck_assert(mlk_agglomerative_distances(a).data[t] == 0.0);
        for (size_t i = 0; i < 6; i++)
            ck_assert_uint_eq(mlk_agglomerative_labels(b)[i], i / 2);
        mlk_agglomerative_free(a);
        mlk_agglomerative_free(b);
    }
}
END_TEST

/* Whole numbers: many distances are equal. The heights of single linkage are unique all the same,
 * and every tree is a tree. */
START_TEST(ties_make_a_tree)
{
    mlk_mat X = test_mat(64, 2);
    for (size_t i = 0; i < 64; i++) {
        X.data[2 * i] = (double)(i % 8);
        X.data[2 * i + 1] = (double)(i / 8);
    }
    for (int linkage = 0; linkage < 4; linkage++) {
        mlk_agglomerative *m = fit(mlk_mat_c(X), 4, linkage);
        bool used[128] = {false};
        for (size_t t = 0; t < 63; t++) {
            for (size_t side = 0; side < 2; side++) {
                const uint32_t id = mlk_agglomerative_merges(m)[2 * t + side];
                ck_assert(id < 64 + t && !used[id]);
                used[id] = true;
            }
            const double d = mlk_agglomerative_distances(m).data[t];
            ck_assert(linkage != MLK_LINKAGE_SINGLE || d == 1.0);
            ck_assert(!t || d >= mlk_agglomerative_distances(m).data[t - 1]);
        }
        mlk_agglomerative_free(m);
    }
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(8, 400, 3);
    const int threads[] = {1, 2, 3, 8};
    for (int linkage = 0; linkage < 4; linkage++) {
        mlk_agglomerative *one = fit(X, 3, linkage);
        for (size_t k = 0; k < MLK_COUNT(threads); k++) {
            const mlk_run run = {.threads = threads[k]};
            const mlk_agglomerative_opts o = {.n_clusters = 3, .linkage = linkage};
            mlk_agglomerative *m;
            require_ok(mlk_agglomerative_fit(&(mlk_data){.X = X}, &o, &run, &m));
            require_same(mlk_agglomerative_distances(m).data, mlk_agglomerative_distances(one).data,
                         399 * sizeof(double));
            require_same(mlk_agglomerative_merges(m), mlk_agglomerative_merges(one),
                         2 * 399 * sizeof(uint32_t));
            mlk_agglomerative_free(m);
        }
        mlk_agglomerative_free(one);
    }
}
END_TEST

/* ------------------------------------------------------------------------- bad input */

START_TEST(rejects_bad_input_and_says_why)
{
    const double x[] = {0, 1, 2}, far[] = {-1e200, 1e200, 0};
    const mlk_agglomerative_opts four = {.n_clusters = 4}, none = {.n_clusters = 0},
                                 one = {.n_clusters = 1};
    mlk_agglomerative *m;
    require_fail(mlk_agglomerative_fit(&(mlk_data){.X = {x, 3, 1, 1}}, &four, NULL, &m), MLK_EINVAL,
                 "n_clusters = 4; expected at most the 3 rows");
    ck_assert_ptr_null(m);
    require_fail(mlk_agglomerative_fit(&(mlk_data){.X = {x, 3, 1, 1}}, &none, NULL, &m), MLK_EINVAL,
                 "n_clusters = 0 is outside");
    require_fail(mlk_agglomerative_fit(&(mlk_data){.X = {far, 3, 1, 1}}, &one, NULL, &m),
                 MLK_EINVAL, "squared distances overflow: scale the columns");
    m = fit((mlk_cmat){x, 1, 1, 1}, 1, MLK_LINKAGE_WARD);
    ck_assert_uint_eq(mlk_agglomerative_distances(m).n, 0);
    ck_assert_uint_eq(mlk_agglomerative_labels(m)[0], 0);
    mlk_agglomerative_free(m);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(1, 30, 2);
    const mlk_run run = {.threads = 1};
    for (int linkage = 0; linkage < 4; linkage++) {
        const mlk_agglomerative_opts o = {.n_clusters = 3, .linkage = linkage};
        mlk_agglomerative *m;
        mlk_status st = MLK_ENOMEM;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = mlk_agglomerative_fit(&(mlk_data){.X = X}, &o, &run, &m);
            mlk_test_fail_at = -1;
            ck_assert(st == MLK_OK ? m != NULL : st == MLK_ENOMEM && m == NULL);
        }
        mlk_agglomerative_free(m);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("cluster/agglomerative");
    TCase *trees = test_case(s, "trees"), *rest = test_case(s, "properties");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(trees, trees_are_those_of_hclust);
    tcase_add_test(trees, each_merge_is_of_the_nearest_two);
    tcase_add_test(rest, predictions_of_the_training_rows_are_their_labels);
    tcase_add_test(rest, equal_rows_merge_at_distance_zero);
    tcase_add_test(rest, ties_make_a_tree);
    tcase_add_test(rest, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
