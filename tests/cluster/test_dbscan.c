#include <mlkit/cluster/dbscan.h>

#include "support/mlk_test.h"

static mlk_dbscan *fit(const mlk_data *data, double eps, int64_t min_samples)
{
    const mlk_dbscan_opts o = {.eps = eps, .min_samples = min_samples};
    mlk_dbscan *model;
    require_ok(mlk_dbscan_fit(data, &o, NULL, &model));
    return model;
}

/* --------------------------------------------------- the algorithm of the paper, by plain loops */

static size_t neighbours(mlk_cmat X, const double *x, double eps, size_t *found)
{
    size_t n = 0;
    for (size_t i = 0; i < X.rows; i++) {
        double d = 0.0;
        for (size_t j = 0; j < X.cols; j++)
            d += (x[j] - X.data[i * X.ld + j]) * (x[j] - X.data[i * X.ld + j]);
        if (d <= eps * eps)
            found[n++] = i;
    }
    return n;
}

/* Expand cluster after cluster from its first core row: what is reached first keeps its label. */
static int twin(mlk_cmat X, double eps, size_t min_samples, int *label)
{
    size_t *found = test_alloc(X.rows * sizeof *found), *stack = test_alloc(X.rows * sizeof *stack);
    int clusters = 0;
    for (size_t i = 0; i < X.rows; i++)
        label[i] = -1;
    for (size_t i = 0; i < X.rows; i++) {
        size_t depth = 0;
        if (label[i] >= 0 || neighbours(X, X.data + i * X.ld, eps, found) < min_samples)
            continue;
        label[i] = clusters;
        stack[depth++] = i;
        while (depth) {
            const size_t at = stack[--depth];
            const size_t n = neighbours(X, X.data + at * X.ld, eps, found);
            if (n < min_samples)
                continue;
            for (size_t j = 0; j < n; j++)
                if (label[found[j]] < 0) {
                    label[found[j]] = clusters;
                    stack[depth++] = found[j];
                }
        }
        clusters++;
    }
    return clusters;
}

START_TEST(equals_the_literal_algorithm)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        const size_t n = 20 + 17 * seed, p = 1 + seed % 4, least = 1 + seed % 7;
        mlk_cmat X = test_random_mat(seed, n, p);
        const double eps = 0.15 * (double)p * (1.0 + (double)(seed % 3));
        int *label = test_alloc(n * sizeof *label);
        const int clusters = twin(X, eps, least, label);
        mlk_dbscan *m = fit(&(mlk_data){.X = X}, eps, (int64_t)least);
        ck_assert_uint_eq(mlk_dbscan_n_clusters(m), clusters);
        for (size_t i = 0; i < n; i++)
            ck_assert_int_eq(mlk_dbscan_labels(m)[i], label[i]);
        mlk_dbscan_free(m);
    }
}
END_TEST

/* Whole numbers: rows lie on the border itself, and rows are equal. */
START_TEST(a_row_at_distance_eps_is_a_neighbour)
{
    mlk_mat X = test_mat(200, 2);
    const mlk_cmat Z = test_random_mat(4, 200, 2);
    int label[200];
    for (size_t i = 0; i < 400; i++)
        X.data[i] = floor(4.0 * Z.data[i]);
    for (size_t least = 1; least < 8; least++) {
        const int clusters = twin(mlk_mat_c(X), 1.0, least, label);
        mlk_dbscan *m = fit(&(mlk_data){.X = mlk_mat_c(X)}, 1.0, (int64_t)least);
        ck_assert_uint_eq(mlk_dbscan_n_clusters(m), clusters);
        for (size_t i = 0; i < 200; i++)
            ck_assert_int_eq(mlk_dbscan_labels(m)[i], label[i]);
        mlk_dbscan_free(m);
    }
}
END_TEST

START_TEST(predictions_of_the_training_rows_are_their_labels_and_far_rows_are_noise)
{
    const mlk_cmat X = test_random_mat(6, 600, 2);
    const double far[] = {100.0, 100.0};
    mlk_vec out = test_vec(600);
    mlk_dbscan *m = fit(&(mlk_data){.X = X}, 0.25, 6);
    ck_assert_uint_gt(mlk_dbscan_n_clusters(m), 1);
    require_ok(mlk_dbscan_predict(m, X, NULL, out));
    for (size_t i = 0; i < 600; i++)
        ck_assert(out.data[i] == mlk_dbscan_labels(m)[i]);
    require_ok(mlk_dbscan_predict(m, (mlk_cmat){far, 1, 2, 2}, NULL, (mlk_vec){out.data, 1}));
    ck_assert(out.data[0] == -1.0);
    mlk_dbscan_free(m);
}
END_TEST

START_TEST(a_border_row_goes_to_the_first_cluster_that_reaches_it)
{
    /* Two clusters of three; the row between them has both within eps and is no core point. */
    const double x[] = {0, -1, -2, 2, 4, 5, 6};
    static const int expected[] = {0, 0, 0, 0, 1, 1, 1};
    mlk_dbscan *m = fit(&(mlk_data){.X = {x, 7, 1, 1}}, 2.0, 4);
    ck_assert_uint_eq(mlk_dbscan_n_clusters(m), 2);
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(mlk_dbscan_labels(m)[i], expected[i]);
    mlk_dbscan_free(m);
}
END_TEST

START_TEST(weights_count_as_repeated_rows)
{
    const mlk_cmat X = test_random_mat(9, 80, 2);
    mlk_mat twice = test_mat(120, 2);
    mlk_vec w = test_vec(80);
    for (size_t i = 0; i < 120; i++)
        memcpy(twice.data + 2 * i, X.data + 2 * (i % 80), 2 * sizeof(double));
    for (size_t i = 0; i < 80; i++)
        w.data[i] = i < 40 ? 2.0 : 1.0;
    mlk_dbscan *a = fit(&(mlk_data){.X = X, .w = mlk_vec_c(w)}, 0.3, 5);
    mlk_dbscan *b = fit(&(mlk_data){.X = mlk_mat_c(twice)}, 0.3, 5);
    ck_assert_uint_gt(mlk_dbscan_n_clusters(a), 0);
    for (size_t i = 0; i < 80; i++)
        ck_assert_int_eq(mlk_dbscan_labels(a)[i], mlk_dbscan_labels(b)[i]);
    mlk_dbscan_free(a);
    mlk_dbscan_free(b);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(2, 5000, 2);
    const int threads[] = {1, 2, 3, 8};
    mlk_dbscan *one = fit(&(mlk_data){.X = X}, 0.06, 5);
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        const mlk_dbscan_opts o = {.eps = 0.06, .min_samples = 5};
        mlk_dbscan *m;
        require_ok(mlk_dbscan_fit(&(mlk_data){.X = X}, &o, &run, &m));
        ck_assert_uint_eq(mlk_dbscan_n_core(m), mlk_dbscan_n_core(one));
        require_same(mlk_dbscan_labels(m), mlk_dbscan_labels(one), 5000 * sizeof(int32_t));
        require_same(mlk_dbscan_core(m), mlk_dbscan_core(one),
                     mlk_dbscan_n_core(one) * sizeof(uint32_t));
        mlk_dbscan_free(m);
    }
    mlk_dbscan_free(one);
}
END_TEST

/* ------------------------------------------------------------------------- bad input */

static void keep(void *user, const char *line) { strncat(user, line, 200); }

START_TEST(rejects_bad_input_and_warns_where_all_is_noise)
{
    const double x[] = {0, 10, 20}, same[] = {7, 7, 7, 7, 7};
    const mlk_dbscan_opts flat = {.eps = 0.0, .min_samples = 5}, none = {.eps = 1.0};
    char heard[256] = "";
    const mlk_run run = {.warn = keep, .user = heard};
    mlk_dbscan *m;
    mlk_vec out = test_vec(3);
    require_fail(mlk_dbscan_fit(&(mlk_data){.X = {x, 3, 1, 1}}, &flat, NULL, &m), MLK_EINVAL,
                 "eps = 0 is outside (0, inf)");
    ck_assert_ptr_null(m);
    require_fail(mlk_dbscan_fit(&(mlk_data){.X = {x, 3, 1, 1}}, &none, NULL, &m), MLK_EINVAL,
                 "min_samples = 0 is outside");
    require_ok(mlk_dbscan_fit(&(mlk_data){.X = {x, 3, 1, 1}}, NULL, &run, &m));
    ck_assert_str_eq(heard, "dbscan found no cluster: no row has min_samples = 5 rows within "
                            "eps = 0.5");
    require_ok(mlk_dbscan_predict(m, (mlk_cmat){x, 3, 1, 1}, NULL, out));
    for (size_t i = 0; i < 3; i++)
        ck_assert(out.data[i] == -1.0 && mlk_dbscan_labels(m)[i] == -1);
    mlk_dbscan_free(m);
    m = fit(&(mlk_data){.X = {same, 5, 1, 1}}, 0.1, 5);
    ck_assert_uint_eq(mlk_dbscan_n_clusters(m), 1);
    mlk_dbscan_free(m);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("cluster/dbscan");
    TCase *twins = test_case(s, "twin"), *rest = test_case(s, "properties");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(twins, equals_the_literal_algorithm);
    tcase_add_test(twins, a_row_at_distance_eps_is_a_neighbour);
    tcase_add_test(rest, predictions_of_the_training_rows_are_their_labels_and_far_rows_are_noise);
    tcase_add_test(rest, a_border_row_goes_to_the_first_cluster_that_reaches_it);
    tcase_add_test(rest, weights_count_as_repeated_rows);
    tcase_add_test(rest, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(errors, rejects_bad_input_and_warns_where_all_is_noise);
    return s;
}
