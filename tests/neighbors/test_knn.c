#include <mlkit/neighbors/knn.h>

#include "support/jacobi.h"
#include "support/mlk_test.h"

static mlk_knn *fit(const mlk_data *data, mlk_knn_opts opts)
{
    mlk_knn *model;
    require_ok(mlk_knn_fit(data, &opts, NULL, &model));
    return model;
}

static double predict_one(const mlk_knn *model, const double *x, size_t p)
{
    double out;
    require_ok(mlk_knn_predict(model, (mlk_cmat){x, 1, p, p}, NULL, (mlk_vec){&out, 1}));
    return out;
}

/* ---------------------------------------------------------------------- by hand */

static const double line[] = {0, 1, 2, 4, 8, 16}, height[] = {1, 2, 4, 8, 16, 32};

START_TEST(averages_the_nearest)
{
    const mlk_data data = {.X = {line, 6, 1, 1}, .y = {height, 6}};
    const double at[] = {3.2, 2.0, 1.5};
    for (int algorithm = MLK_KNN_AUTO; algorithm <= MLK_KNN_KD_TREE; algorithm++) {
        mlk_knn *mean = fit(&data, (mlk_knn_opts){3, MLK_KNN_UNIFORM, 2.0, algorithm});
        mlk_knn *near = fit(&data, (mlk_knn_opts){2, MLK_KNN_DISTANCE, 2.0, algorithm});
        require_close(predict_one(mean, at, 1), 14. / 3, 1e-15 * 8); /* 4, 2, 1 */
        require_close(predict_one(near, at, 1), (8 / 0.8 + 4 / 1.2) / (1 / 0.8 + 1 / 1.2), 1e-14);
        ck_assert(predict_one(near, at + 1, 1) == 4.0); /* at distance 0: it alone */
        ck_assert(predict_one(near, at + 2, 1) == 3.0);
        mlk_knn_free(mean);
        mlk_knn_free(near);
    }
}
END_TEST

START_TEST(ties_go_to_the_first_rows_and_the_lowest_class)
{
    const double x[] = {1, -1, 1, -1, 5}, y[] = {1, 0, 2, 1, 0};
    const mlk_data classes = {.X = {x, 5, 1, 1}, .y = {y, 5}, .n_classes = 3};
    const double zero = 0.0;
    double P[3];
    mlk_knn *two = fit(&classes, (mlk_knn_opts){2, 0, 2.0, 0});
    mlk_knn *three = fit(&classes, (mlk_knn_opts){3, 0, 2.0, 0});
    ck_assert(predict_one(two, &zero, 1) == 0.0);   /* rows 0 and 1: classes 1 and 0 */
    ck_assert(predict_one(three, &zero, 1) == 0.0); /* and row 2 of class 2 */
    require_ok(mlk_knn_predict_proba(two, (mlk_cmat){&zero, 1, 1, 1}, NULL, (mlk_mat){P, 1, 3, 3}));
    ck_assert(P[0] == 0.5 && P[1] == 0.5 && P[2] == 0.0);
    mlk_knn_free(two);
    mlk_knn_free(three);
}
END_TEST

/* ----------------------------------------------------------------- published figures */

static const struct {
    int weights;
    double p, value[4], share[4]; /* of class 1 */
} sklearn[] = {
    /* tests/reference/knn.py */
    {MLK_KNN_UNIFORM,
     2,
     {0.2571428571428571, 1.628571428571429, 1.8, 0.3},
     {0, 0.4285714285714285, 0.1428571428571428, 0}},
    {MLK_KNN_UNIFORM,
     1,
     {0.2571428571428572, 1.628571428571429, 1.8, 0.2857142857142857},
     {0, 0.4285714285714285, 0.1428571428571428, 0}},
    {MLK_KNN_UNIFORM,
     3,
     {0.2571428571428571, 1.628571428571429, 1.8, 0.3285714285714286},
     {0, 0.4285714285714285, 0.1428571428571428, 0}},
    {MLK_KNN_UNIFORM,
     INFINITY,
     {0.2714285714285714, 1.642857142857143, 1.728571428571428, 0.3},
     {0, 0.4285714285714285, 0.1428571428571428, 0}},
    {MLK_KNN_DISTANCE,
     2,
     {0.257616584361223, 1.584853269573724, 1.76919711013167, 0.2998675224074629},
     {0, 0.4744625237447797, 0.1162349932351547, 0}},
    {MLK_KNN_DISTANCE,
     1,
     {0.2579599728874049, 1.590502721568132, 1.757871710836119, 0.2881044953659087},
     {0, 0.45265311167247, 0.1406523736442103, 0}},
    {MLK_KNN_DISTANCE,
     3,
     {0.2571538810842057, 1.582366607789836, 1.775630440055475, 0.3266352026940754},
     {0, 0.4831970888929473, 0.1091947238444843, 0}},
    {MLK_KNN_DISTANCE,
     INFINITY,
     {0.2649708437421606, 1.594528974374859, 1.726653452206546, 0.3046525917982215},
     {0, 0.4835088956035504, 0.112769995736445, 0}},
};

START_TEST(agrees_with_scikit_learn)
{
    const double rows[] = {5.013, 3.127, 1.761, 6.051, 2.753, 4.857,
                           6.337, 2.911, 5.029, 4.419, 3.943, 2.671};
    const mlk_cmat iris = test_read_csv(test_source_path("datasets/iris.csv")), Q = {rows, 4, 3, 3};
    mlk_mat X = test_mat(150, 3), P = test_mat(4, 3);
    mlk_vec y = test_vec(150), c = test_vec(150), value = test_vec(4);
    for (size_t i = 0; i < 150; i++) {
        for (size_t j = 0; j < 3; j++)
            X.data[3 * i + j] = iris.data[i * iris.ld + j] + 0.05 * sin((double)(3 * i + j));
        y.data[i] = iris.data[i * iris.ld + 3];
        c.data[i] = (double)(i / 50);
    }
    const mlk_data numbers = {.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
    const mlk_data classes = {.X = mlk_mat_c(X), .y = mlk_vec_c(c), .n_classes = 3};
    for (int algorithm = MLK_KNN_BRUTE; algorithm <= MLK_KNN_KD_TREE; algorithm++) {
        const mlk_knn_opts opts = {7, sklearn[_i].weights, sklearn[_i].p, algorithm};
        mlk_knn *a = fit(&numbers, opts), *b = fit(&classes, opts);
        require_ok(mlk_knn_predict(a, Q, NULL, value));
        require_ok(mlk_knn_predict_proba(b, Q, NULL, P));
        for (size_t i = 0; i < 4; i++) {
            require_relative(value.data[i], sklearn[_i].value[i], 1e-12);
            require_close(P.data[3 * i + 1], sklearn[_i].share[i], 1e-12);
        }
        mlk_knn_free(a);
        mlk_knn_free(b);
    }
}
END_TEST

START_TEST(book_1_2_three_neighbours_of_cyprus)
{
    const char *path = test_shared_path("datasets/lifesat_full.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec x = test_vec(29), y = test_vec(29);
    size_t kept = 0;
    for (size_t i = 0; i < file.rows; i++) {
        const double gdp = file.data[i * file.ld + 1];
        size_t rank = 0;
        for (size_t k = 0; k < file.rows; k++)
            rank += file.data[k * file.ld + 1] < gdp;
        if (rank == 0 || rank == 1 || rank == 6 || rank == 8 || rank >= 33)
            continue;
        x.data[kept] = gdp;
        y.data[kept++] = file.data[i * file.ld + 15];
    }
    ck_assert_uint_eq(kept, 29);
    const double cyprus = 22587;
    mlk_knn *model = fit(&(mlk_data){.X = {x.data, 29, 1, 1}, .y = mlk_vec_c(y)},
                         (mlk_knn_opts){3, MLK_KNN_UNIFORM, 2.0, MLK_KNN_AUTO});
    require_close(predict_one(model, &cyprus, 1), 5.76666667, 5e-9);
    mlk_knn_free(model);
}
END_TEST

/* ------------------------------------------------------------------ mahalanobis */

static const mlk_knn_opts mahalanobis = {4, MLK_KNN_DISTANCE, 2.0, MLK_KNN_AUTO,
                                         MLK_KNN_MAHALANOBIS};

/* By Jacobi's eigenpairs of the covariance. */
static double literal_mahalanobis(mlk_mat V, mlk_vec lambda, const double *a, const double *b)
{
    double square = 0.0;
    for (size_t k = 0; k < V.cols; k++) {
        double z = 0.0;
        for (size_t j = 0; j < V.rows; j++)
            z += V.data[j * V.cols + k] * (a[j] - b[j]);
        square += z * z / lambda.data[k];
    }
    return sqrt(square);
}

START_TEST(measures_by_the_covariance_of_the_training_rows)
{
    const mlk_cmat Z = test_random_mat(3, 300, 4), Q = test_random_mat(5, 20, 4);
    mlk_mat X = test_mat(300, 4), V = test_mat(4, 4);
    mlk_vec lambda = test_vec(4);
    for (size_t i = 0; i < 300; i++) /* correlated columns of unlike units */
        for (size_t j = 0; j < 4; j++)
            X.data[4 * i + j] =
                (double)(1 + 10 * j) * (Z.data[4 * i + j] + (j ? X.data[4 * i] : 0.0));
    const mlk_data data = {.X = mlk_mat_c(X), .y = test_random_vec(9, 300)};
    const mlk_mat S = test_covariance(data.X);
    size_t rows[80];
    double distances[80];
    test_jacobi(mlk_mat_c(S), lambda, V);
    mlk_knn *model = fit(&data, mahalanobis);
    require_ok(mlk_knn_neighbours(model, Q, 4, NULL, rows, distances));
    for (size_t i = 0; i < 20; i++) {
        const double *q = Q.data + 4 * i;
        size_t nearer = 0;
        for (size_t r = 0; r < 300; r++)
            nearer += literal_mahalanobis(V, lambda, X.data + 4 * r, q) <= distances[4 * i + 3];
        ck_assert(nearer == 3 || nearer == 4); /* the fourth but for rounding */
        for (size_t r = 0; r < 4; r++)
            require_relative(distances[4 * i + r],
                             literal_mahalanobis(V, lambda, X.data + 4 * rows[4 * i + r], q),
                             1e-12);
    }
    mlk_knn_free(model);
}
END_TEST

START_TEST(mahalanobis_survives_an_archive_and_each_failing_allocation)
{
    const mlk_data data = {.X = test_random_mat(8, 80, 3), .y = test_random_vec(9, 80)};
    const mlk_run run = {.threads = 1};
    mlk_doc *doc = mlk_doc_new();
    mlk_vec a = test_vec(80), b = test_vec(80);
    mlk_model *model, *back;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_fit(&mlk_knn_algo, &mahalanobis, &data, &run, &model);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_model_save(model, doc);
    require_ok(mlk_model_load(doc, &back));
    mlk_doc_free(doc);
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_predict(model, data.X, &run, a);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    require_ok(mlk_model_predict(back, data.X, NULL, b));
    require_same(a.data, b.data, 80 * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(back);
}
END_TEST

START_TEST(mahalanobis_refuses_what_it_cannot_do)
{
    const double flat[] = {1, 1, 1, 1, 1, 1};
    const mlk_data data = {.X = {line, 6, 1, 1}, .y = {height, 6}};
    const mlk_data constant = {.X = {flat, 6, 1, 1}, .y = {height, 6}};
    mlk_knn_opts one = mahalanobis;
    const void *opts[] = {&mahalanobis};
    double out[6];
    mlk_knn *model;
    one.p = 1.0;
    require_fail(mlk_knn_fit(&data, &one, NULL, &model), MLK_EINVAL,
                 "p = 1 has no effect with metric = mahalanobis");
    require_fail(mlk_knn_fit(&constant, &mahalanobis, NULL, &model), MLK_ESINGULAR,
                 "no column varies");
    require_fail(mlk_knn_algo.loo(&data, opts, 1, NULL, (mlk_mat){out, 6, 1, 1}), MLK_EUNSUPPORTED,
                 "no exact leave-one-out with metric = mahalanobis");
}
END_TEST

/* ------------------------------------------------------------------ invariances */

START_TEST(leaves_one_out_as_n_fits_would)
{
    const mlk_cmat X = test_random_mat(3, 60, 3);
    const mlk_data classes = {.X = X, .y = test_classes(4, X, 3), .n_classes = 3};
    const mlk_data numbers = {.X = X, .y = test_random_vec(5, 60)};
    const mlk_knn_opts choices[] = {{1, MLK_KNN_UNIFORM, 2.0, MLK_KNN_AUTO},
                                    {7, MLK_KNN_DISTANCE, 2.0, MLK_KNN_AUTO},
                                    {4, MLK_KNN_UNIFORM, 1.0, MLK_KNN_BRUTE},
                                    {59, MLK_KNN_UNIFORM, 2.0, MLK_KNN_KD_TREE}};
    const void *opts[] = {&choices[0], &choices[1], &choices[2], &choices[3]};
    const mlk_data *both[] = {&classes, &numbers};
    for (size_t b = 0; b < 2; b++) {
        mlk_mat out = test_mat(60, 4), rest = test_mat(59, 3);
        mlk_vec y = test_vec(59);
        require_ok(mlk_knn_algo.loo(both[b], opts, 4, NULL, out));
        for (size_t i = 0; i < 60; i++) {
            for (size_t r = 0; r < 59; r++) {
                memcpy(rest.data + 3 * r, X.data + 3 * (r + (r >= i)), 3 * sizeof(double));
                y.data[r] = both[b]->y.data[r + (r >= i)];
            }
            const mlk_data without = {
                .X = mlk_mat_c(rest), .y = mlk_vec_c(y), .n_classes = both[b]->n_classes};
            for (size_t j = 0; j < 4; j++) {
                mlk_knn *model = fit(&without, choices[j]);
                require_close(out.data[4 * i + j], predict_one(model, X.data + 3 * i, 3), 1e-14);
                mlk_knn_free(model);
            }
        }
    }
}
END_TEST

START_TEST(any_number_of_threads_and_any_method_give_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(6, 3000, 8);
    const mlk_data data = {.X = X, .y = test_classes(7, X, 4), .n_classes = 4};
    const int threads[] = {1, 2, 3, 8};
    mlk_mat first = test_mat(3000, 4), out = test_mat(3000, 4);
    for (size_t k = 0; k < 8; k++) {
        const mlk_run run = {.threads = threads[k / 2]};
        const mlk_knn_opts opts = {9, MLK_KNN_DISTANCE, 2.0,
                                   k % 2 ? MLK_KNN_BRUTE : MLK_KNN_KD_TREE};
        mlk_knn *model;
        require_ok(mlk_knn_fit(&data, &opts, &run, &model));
        require_ok(mlk_knn_predict_proba(model, X, &run, k ? out : first));
        if (k)
            require_same(first.data, out.data, 4 * 3000 * sizeof(double));
        mlk_knn_free(model);
    }
}
END_TEST

START_TEST(survives_an_archive)
{
    const mlk_cmat X = test_random_mat(8, 80, 3);
    const mlk_data data = {.X = X, .y = test_random_vec(9, 80)};
    const mlk_knn_opts opts = {3, MLK_KNN_DISTANCE, INFINITY, MLK_KNN_BRUTE};
    mlk_doc *doc = mlk_doc_new();
    mlk_vec a = test_vec(80), b = test_vec(80);
    mlk_model *model, *back;
    require_ok(mlk_model_fit(&mlk_knn_algo, &opts, &data, NULL, &model));
    mlk_model_save(model, doc);
    require_ok(mlk_model_load(doc, &back));
    mlk_doc_free(doc);
    require_ok(mlk_model_predict(model, X, NULL, a));
    require_ok(mlk_model_predict(back, X, NULL, b));
    require_same(a.data, b.data, 80 * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(back);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data data = {.X = {line, 6, 1, 1}, .y = {height, 6}};
    const mlk_knn_opts seven = {7, 0, 2.0, 0}, six = {6, 0, 2.0, 0}, half = {1, 0, 0.5, 0};
    const void *opts[] = {&six};
    const double nan = (double)NAN;
    double out[12];
    size_t rows[12];
    mlk_knn *model;
    require_fail(mlk_knn_fit(&data, &seven, NULL, &model), MLK_EINVAL,
                 "n_neighbors = 7; expected at most the 6 rows");
    ck_assert_ptr_null(model);
    require_fail(mlk_knn_fit(&data, &half, NULL, &model), MLK_EINVAL, "p = 0.5 is outside");
    require_fail(mlk_knn_algo.loo(&data, opts, 1, NULL, (mlk_mat){out, 6, 1, 1}), MLK_EINVAL,
                 "n_neighbors = 6; expected at most the 6 rows less one");
    model = fit(&data, six);
    require_fail(mlk_knn_predict(model, (mlk_cmat){&nan, 1, 1, 1}, NULL, (mlk_vec){out, 1}),
                 MLK_EINVAL, "X[0, 0] = nan; expected a finite value");
    require_fail(mlk_knn_predict_proba(model, data.X, NULL, (mlk_mat){out, 6, 2, 2}),
                 MLK_EUNSUPPORTED, "a regression has no class probabilities");
    require_fail(mlk_knn_neighbours(model, data.X, 7, NULL, rows, out), MLK_EINVAL,
                 "k = 7; expected 1..6");
    require_ok(mlk_knn_neighbours(model, data.X, 2, NULL, rows, out));
    ck_assert(rows[11] == 4 && out[11] == 8.0); /* of the row at 16: itself, then 8 */
    mlk_knn_free(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data data = {.X = {line, 6, 1, 1}, .y = {height, 6}};
    const mlk_knn_opts three = {3, 0, 2.0, 0}, two = {2, 0, 1.0, 0};
    const void *opts[] = {&three, &two};
    const mlk_run run = {.threads = 1};
    double out[12];
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_knn_algo.loo(&data, opts, 2, &run, (mlk_mat){out, 6, 2, 2});
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("neighbors/knn");
    TCase *figures = test_case(s, "figures"), *same = test_case(s, "invariance");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(figures, averages_the_nearest);
    tcase_add_test(figures, ties_go_to_the_first_rows_and_the_lowest_class);
    tcase_add_loop_test(figures, agrees_with_scikit_learn, 0, (int)MLK_COUNT(sklearn));
    tcase_add_test(figures, book_1_2_three_neighbours_of_cyprus);
    tcase_add_test(figures, measures_by_the_covariance_of_the_training_rows);
    tcase_add_test(same, mahalanobis_survives_an_archive_and_each_failing_allocation);
    tcase_add_test(errors, mahalanobis_refuses_what_it_cannot_do);
    tcase_add_test(same, leaves_one_out_as_n_fits_would);
    tcase_add_test(same, any_number_of_threads_and_any_method_give_the_same_bytes);
    tcase_add_test(same, survives_an_archive);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
