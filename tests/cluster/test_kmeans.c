#include <mlkit/cluster/kmeans.h>

#include "support/mlk_test.h"

/* Rows around four centres. */
static mlk_cmat blobs(uint64_t seed, size_t n, size_t p, double spread)
{
    const mlk_cmat Z = test_random_mat(seed, n, p), C = test_random_mat(seed + 1, 4, p);
    mlk_mat X = test_mat(n, p);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++)
            X.data[i * p + j] = 3.0 * C.data[i % 4 * p + j] + spread * Z.data[i * p + j];
    return mlk_mat_c(X);
}

static mlk_kmeans *fit(const mlk_data *data, mlk_kmeans_opts opts)
{
    mlk_kmeans *model;
    require_ok(mlk_kmeans_fit(data, &opts, NULL, &model));
    return model;
}

static mlk_kmeans_opts options(size_t k, int64_t n_init, int64_t max_iter)
{
    mlk_kmeans_opts o = mlk_kmeans_opts_default();
    o.n_clusters = (int64_t)k;
    o.n_init = n_init;
    o.max_iter = max_iter;
    o.tol = 0.0;
    return o;
}

/* ----------------------------------------------------- Lloyd's rule, by plain loops */

static size_t twin_nearest(mlk_cmat C, const double *x, double *distance)
{
    size_t best = 0;
    *distance = INFINITY;
    for (size_t c = 0; c < C.rows; c++) {
        double d = 0.0;
        for (size_t j = 0; j < C.cols; j++)
            d += (x[j] - C.data[c * C.ld + j]) * (x[j] - C.data[c * C.ld + j]);
        if (d < *distance) {
            *distance = d;
            best = c;
        }
    }
    return best;
}

static double twin_inertia(mlk_cmat X, mlk_cmat C)
{
    double sum = 0.0, d;
    for (size_t i = 0; i < X.rows; i++) {
        twin_nearest(C, X.data + i * X.ld, &d);
        sum += d;
    }
    return sum;
}

static void twin_step(mlk_cmat X, mlk_mat C)
{
    mlk_mat sum = test_mat(C.rows, C.cols);
    mlk_vec count = test_vec(C.rows);
    for (size_t i = 0; i < X.rows; i++) {
        double d;
        const size_t c = twin_nearest(mlk_mat_c(C), X.data + i * X.ld, &d);
        count.data[c]++;
        for (size_t j = 0; j < X.cols; j++)
            sum.data[c * X.cols + j] += X.data[i * X.ld + j];
    }
    for (size_t i = 0; i < C.rows * C.cols; i++)
        if (count.data[i / C.cols] > 0.0)
            C.data[i] = sum.data[i] / count.data[i / C.cols];
}

START_TEST(skipping_distances_changes_nothing)
{
    static const size_t ks[] = {1, 2, 7, 8, 9, 20};
    const mlk_cmat X = blobs(5, 700, 6, 1.5);
    for (size_t s = 0; s < MLK_COUNT(ks); s++) {
        mlk_mat C = test_mat(ks[s], 6);
        memcpy(C.data, X.data, ks[s] * 6 * sizeof(double)); /* the first rows: no empty cluster */
        for (int64_t it = 1; it <= 12; it++) {
            mlk_kmeans_opts o = options(ks[s], 1, it);
            const mlk_cmat start = {X.data, ks[s], 6, 6};
            o.start = start;
            mlk_kmeans *model = fit(&(mlk_data){.X = X}, o);
            twin_step(X, C);
            for (size_t i = 0; i < ks[s] * 6; i++)
                require_close(mlk_kmeans_centres(model).data[i], C.data[i], 1e-11);
            require_relative(mlk_kmeans_inertia(model), twin_inertia(X, mlk_mat_c(C)), 1e-12);
            mlk_kmeans_free(model);
        }
    }
}
END_TEST

START_TEST(inertia_never_increases_and_ends_where_no_row_moves)
{
    const mlk_cmat X = blobs(9, 400, 3, 2.0);
    for (int init = MLK_KMEANS_PLUS_PLUS; init <= MLK_KMEANS_RANDOM; init++) {
        double before = INFINITY;
        for (int64_t it = 1; it < 60; it++) {
            mlk_kmeans_opts o = options(6, 1, it);
            o.init = init;
            mlk_kmeans *model = fit(&(mlk_data){.X = X}, o);
            ck_assert(mlk_kmeans_inertia(model) <= before * (1 + 1e-14));
            before = mlk_kmeans_inertia(model);
            mlk_kmeans_free(model);
        }
        mlk_kmeans_opts o = options(6, 1, 300);
        o.init = init;
        mlk_kmeans *model = fit(&(mlk_data){.X = X}, o);
        mlk_mat C = test_mat(6, 3);
        memcpy(C.data, mlk_kmeans_centres(model).data, 18 * sizeof(double));
        ck_assert_int_eq(mlk_kmeans_info(model).converged, 1);
        twin_step(X, C);
        for (size_t i = 0; i < 18; i++)
            require_close(C.data[i], mlk_kmeans_centres(model).data[i], 1e-12);
        for (size_t i = 0; i < X.rows; i++) {
            double d;
            ck_assert_uint_eq(mlk_kmeans_labels(model)[i],
                              twin_nearest(mlk_mat_c(C), X.data + 3 * i, &d));
        }
        mlk_kmeans_free(model);
    }
}
END_TEST

/* ------------------------------------------------------------------------- figures */

START_TEST(iris_in_three_has_the_published_inertia)
{
    mlk_cmat X = test_read_csv(test_source_path("datasets/iris.csv"));
    X.cols = 4;
    mlk_kmeans *model = fit(&(mlk_data){.X = X}, options(3, 10, 300));
    require_relative(mlk_kmeans_inertia(model), 78.851441426146, 1e-12); /* scikit-learn 1.2.1 */
    mlk_kmeans_free(model);
}
END_TEST

START_TEST(an_empty_cluster_takes_the_farthest_row)
{
    const double x[] = {0, 1, 2, 3.5, 50}, centres[] = {1, 100, 200};
    mlk_kmeans_opts o = options(3, 1, 300);
    const mlk_cmat start = {centres, 3, 1, 1};
    o.start = start;
    mlk_kmeans *model = fit(&(mlk_data){.X = {x, 5, 1, 1}}, o);
    require_close(mlk_kmeans_inertia(model), 2.0, 1e-12); /* {0, 1, 2}, {50}, {3.5} */
    mlk_kmeans_free(model);
}
END_TEST

START_TEST(equal_rows_and_as_many_clusters_as_rows)
{
    const double same[] = {4, 4, 4, 4, 4}, apart[] = {1, 5, 2, 9, 7};
    for (int init = MLK_KMEANS_PLUS_PLUS; init <= MLK_KMEANS_RANDOM; init++) {
        mlk_kmeans_opts o = options(5, 3, 300);
        o.init = init;
        mlk_kmeans *a = fit(&(mlk_data){.X = {same, 5, 1, 1}}, o);
        mlk_kmeans *b = fit(&(mlk_data){.X = {apart, 5, 1, 1}}, o);
        ck_assert(mlk_kmeans_inertia(a) == 0.0);
        ck_assert(mlk_kmeans_inertia(b) == 0.0);
        mlk_kmeans_free(a);
        mlk_kmeans_free(b);
    }
}
END_TEST

/* ------------------------------------------------------------------ invariances */

START_TEST(weights_count_as_repeated_rows)
{
    const mlk_cmat X = blobs(3, 50, 2, 1.0);
    mlk_mat twice = test_mat(75, 2);
    mlk_vec w = test_vec(50);
    for (size_t i = 0; i < 75; i++)
        memcpy(twice.data + 2 * i, X.data + 2 * (i < 50 ? i : i - 50), 2 * sizeof(double));
    for (size_t i = 0; i < 50; i++)
        w.data[i] = i < 25 ? 2.0 : 1.0;
    mlk_kmeans_opts o = options(4, 1, 300);
    const mlk_cmat start = {X.data, 4, 2, 2};
    o.start = start;
    mlk_kmeans *a = fit(&(mlk_data){.X = X, .w = mlk_vec_c(w)}, o);
    mlk_kmeans *b = fit(&(mlk_data){.X = mlk_mat_c(twice)}, o);
    require_relative(mlk_kmeans_inertia(a), mlk_kmeans_inertia(b), 1e-12);
    for (size_t i = 0; i < 8; i++)
        require_close(mlk_kmeans_centres(a).data[i], mlk_kmeans_centres(b).data[i], 1e-12);
    mlk_kmeans_free(a);
    mlk_kmeans_free(b);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = blobs(11, 20000, 5, 2.0);
    const int threads[] = {1, 2, 3, 8};
    mlk_kmeans *one = NULL;
    mlk_vec out = test_vec(X.rows);
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        const mlk_kmeans_opts o = options(9, 2, 30);
        mlk_kmeans *model;
        require_ok(mlk_kmeans_fit(&(mlk_data){.X = X}, &o, &run, &model));
        require_ok(mlk_kmeans_predict(model, X, &run, out));
        for (size_t i = 0; i < X.rows; i++)
            ck_assert(out.data[i] == mlk_kmeans_labels(model)[i]);
        if (one) {
            require_same(mlk_kmeans_centres(one).data, mlk_kmeans_centres(model).data,
                         9 * 5 * sizeof(double));
            mlk_kmeans_free(model);
        } else {
            one = model;
        }
    }
    mlk_kmeans_free(one);
}
END_TEST

/* ------------------------------------------------------------------------- bad input */

START_TEST(rejects_bad_input_and_says_why)
{
    const double x[] = {0, 1, 2}, far[] = {-1e200, 1e200, 0};
    const mlk_data data = {.X = {x, 3, 1, 1}}, wide = {.X = {far, 3, 1, 1}};
    mlk_kmeans_opts four = options(4, 1, 10), two = options(2, 1, 10), bad = two, one = two;
    const mlk_cmat start = {x, 3, 1, 1};
    mlk_kmeans *model;
    bad.start = start;
    one.n_clusters = 1;
    require_fail(mlk_kmeans_fit(&data, &four, NULL, &model), MLK_EINVAL,
                 "n_clusters = 4; expected at most the 3 rows");
    ck_assert_ptr_null(model);
    require_fail(mlk_kmeans_fit(&data, &bad, NULL, &model), MLK_EINVAL,
                 "start is 3 x 1; expected 2 x 1");
    require_fail(mlk_kmeans_fit(&wide, &one, NULL, &model), MLK_EINVAL,
                 "squared distances overflow");
    two.tol = -1.0;
    require_fail(mlk_kmeans_fit(&data, &two, NULL, &model), MLK_EINVAL, "tol = -1 is outside");
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = blobs(1, 20, 2, 1.0);
    const mlk_run run = {.threads = 1};
    for (int init = MLK_KMEANS_PLUS_PLUS; init <= MLK_KMEANS_RANDOM; init++) {
        mlk_kmeans_opts o = options(3, 2, 10);
        mlk_kmeans *model;
        mlk_status st = MLK_ENOMEM;
        o.init = init;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = mlk_kmeans_fit(&(mlk_data){.X = X}, &o, &run, &model);
            mlk_test_fail_at = -1;
            ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
        }
        mlk_kmeans_free(model);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("cluster/kmeans");
    TCase *lloyd = test_case(s, "lloyd"), *figures = test_case(s, "figures");
    TCase *same = test_case(s, "invariance"), *errors = test_case(s, "errors");
    tcase_add_test(lloyd, skipping_distances_changes_nothing);
    tcase_add_test(lloyd, inertia_never_increases_and_ends_where_no_row_moves);
    tcase_add_test(figures, iris_in_three_has_the_published_inertia);
    tcase_add_test(figures, an_empty_cluster_takes_the_farthest_row);
    tcase_add_test(figures, equal_rows_and_as_many_clusters_as_rows);
    tcase_add_test(same, weights_count_as_repeated_rows);
    tcase_add_test(same, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
