#include <mlkit/decomposition/mds.h>

#include <stdio.h>

#include "support/maps.h"

static mlk_mds_opts options(int64_t k, int method, int dissimilarity)
{
    mlk_mds_opts opts = mlk_mds_opts_default();
    opts.n_components = k;
    opts.method = method;
    opts.dissimilarity = dissimilarity;
    return opts;
}

static mlk_mds *fit(mlk_cmat X, const mlk_mds_opts *opts)
{
    mlk_mds *model;
    require_ok(mlk_mds_fit(&(mlk_data){.X = X}, opts, NULL, &model));
    return model;
}

/* Dissimilarities that no points have: distances of rows, each times its own factor. */
static mlk_mat distorted(uint64_t seed, mlk_cmat X)
{
    mlk_mat D = test_distances(X, X);
    const mlk_cmat noise = test_random_mat(seed, X.rows, X.rows);
    for (size_t i = 0; i < X.rows; i++)
        for (size_t j = 0; j < i; j++)
            D.data[i * X.rows + j] = D.data[j * X.rows + i] *=
                1.0 + 0.1 * sin(noise.data[i * X.rows + j]);
    return D;
}

/* --------------------------------------------------------------------- classical */

/* All distances come back: of rows, of their distance matrix, in few and in many columns. */
START_TEST(euclidean_distances_are_recovered)
{
    static const struct {
        size_t n, p;
    } shapes[] = {{30, 3}, {50, 6}, {8, 20}, {25, 1}, {450, 4}};
    const size_t n = shapes[_i].n, p = shapes[_i].p, k = p < n - 1 ? p : n - 1;
    const mlk_cmat X = test_random_mat(60 + (uint64_t)_i, n, p);
    const mlk_mat D = test_distances(X, X);
    for (int given = 0; given < 2; given++) {
        const mlk_mds_opts opts = options((int64_t)k, MLK_MDS_CLASSICAL, given);
        mlk_mds *model = fit(given ? mlk_mat_c(D) : X, &opts);
        const mlk_cmat Z = mlk_mds_embedding(model);
        const mlk_mat E = test_distances(Z, Z);
        for (size_t i = 0; i < n * n; i++)
            require_close(E.data[i], D.data[i], 1e-10);
        require_close(mlk_mds_residual_variance(model), 0.0, 1e-10);
        mlk_mds_free(model);
    }
}
END_TEST

START_TEST(the_classical_map_is_that_of_the_definition)
{
    const mlk_cmat X = test_random_mat(70, 40, 5);
    const mlk_mat D = _i ? distorted(71, X) : test_distances(X, X);
    const mlk_mds_opts opts = options(3, MLK_MDS_CLASSICAL, MLK_MDS_PRECOMPUTED);
    mlk_mds *model = fit(mlk_mat_c(D), &opts);
    mlk_mat Z = test_mat(40, 3), own = test_mat(40, 3);
    mlk_vec lambda = test_vec(3);
    test_classical(mlk_mat_c(D), lambda, Z);
    for (size_t c = 0; c < 3; c++)
        require_relative(mlk_mds_eigenvalues(model).data[c], lambda.data[c], 1e-10);
    test_same_columns(mlk_mds_embedding(model), mlk_mat_c(Z), 1e-9);
    require_ok(mlk_mds_transform(model, mlk_mat_c(D), NULL, own));
    for (size_t i = 0; i < 120; i++)
        require_close(own.data[i], mlk_mds_embedding(model).data[i], 1e-10);
    mlk_mds_free(model);
}
END_TEST

/* Rows and their distances give the same map, also of new points. */
START_TEST(rows_and_their_distances_give_the_same_map)
{
    const mlk_cmat X = test_random_mat(72, 60, 4), rows = test_random_mat(73, 9, 4);
    const mlk_mds_opts by_rows = options(4, MLK_MDS_CLASSICAL, MLK_MDS_EUCLIDEAN);
    const mlk_mds_opts by_distances = options(4, MLK_MDS_CLASSICAL, MLK_MDS_PRECOMPUTED);
    mlk_mds *a = fit(X, &by_rows), *b = fit(mlk_mat_c(test_distances(X, X)), &by_distances);
    mlk_mat ZA = test_mat(69, 4), ZB = test_mat(69, 4);
    memcpy(ZA.data, mlk_mds_embedding(a).data, 240 * sizeof(double));
    memcpy(ZB.data, mlk_mds_embedding(b).data, 240 * sizeof(double));
    require_ok(mlk_mds_transform(a, rows, NULL, mlk_mat_rows(ZA, 60, 69)));
    require_ok(
        mlk_mds_transform(b, mlk_mat_c(test_distances(rows, X)), NULL, mlk_mat_rows(ZB, 60, 69)));
    test_same_columns(mlk_mat_c(ZA), mlk_mat_c(ZB), 1e-10);
    mlk_mds_free(a);
    mlk_mds_free(b);
}
END_TEST

/* ------------------------------------------------------------------------ smacof */

static double literal_stress(mlk_cmat D, mlk_cmat Z)
{
    const mlk_mat E = test_distances(Z, Z);
    double stress = 0.0;
    for (size_t i = 0; i < D.rows; i++)
        for (size_t j = 0; j < i; j++)
            stress += pow(D.data[i * D.ld + j] - E.data[i * D.rows + j], 2.0);
    return stress;
}

typedef struct history {
    double last;
    int steps, rises;
} history;

static void watch(void *user, const char *line)
{
    history *h = user;
    int start, step;
    double stress;
    ck_assert_int_eq(sscanf(line, "start %d, step %d: stress %lf", &start, &step, &stress), 3);
    if (step > 0) /* the ten digits of the log round */
        h->rises += stress > h->last * (1.0 + 2e-10);
    h->last = stress;
    h->steps++;
}

START_TEST(the_stress_never_rises_and_ends_stationary)
{
    const mlk_mat D = distorted(80 + (uint64_t)_i, test_random_mat(90 + (uint64_t)_i, 40, 5));
    mlk_mds_opts opts = options(1 + _i, MLK_MDS_SMACOF, MLK_MDS_PRECOMPUTED);
    history h = {0.0, 0, 0};
    const mlk_run run = {.log = watch, .user = &h};
    mlk_mds *model;
    opts.max_iter = 20000;
    opts.eps = 1e-13;
    require_ok(mlk_mds_fit(&(mlk_data){.X = mlk_mat_c(D)}, &opts, &run, &model));
    ck_assert_int_gt(h.steps, 20);
    ck_assert_int_eq(h.rises, 0);
    const mlk_cmat Z = mlk_mds_embedding(model);
    require_relative(mlk_mds_stress(model), literal_stress(mlk_mat_c(D), Z), 1e-12);
    /* The gradient vanishes. */
    const mlk_mat E = test_distances(Z, Z);
    for (size_t i = 0; i < 40; i++)
        for (size_t c = 0; c < Z.cols; c++) {
            double slope = 0.0;
            for (size_t j = 0; j < 40; j++)
                if (j != i)
                    slope += (1.0 - D.data[40 * i + j] / E.data[40 * i + j]) *
                             (Z.data[i * Z.ld + c] - Z.data[j * Z.ld + c]);
            require_close(slope, 0.0, 1e-3);
        }
    mlk_mds_free(model);
}
END_TEST

START_TEST(a_perfect_map_has_no_stress)
{
    const mlk_cmat X = test_random_mat(81, 50, 2);
    const mlk_mds_opts opts = options(2, MLK_MDS_SMACOF, MLK_MDS_EUCLIDEAN);
    mlk_mds *model = fit(X, &opts);
    require_close(mlk_mds_stress(model), 0.0, 1e-10);
    mlk_mds_free(model);
}
END_TEST

/* No worse than the classical map it starts from, and more starts are no worse. */
START_TEST(more_starts_are_no_worse)
{
    const mlk_cmat X = test_table("iris", 4);
    mlk_mds_opts opts = options(2, MLK_MDS_CLASSICAL, MLK_MDS_EUCLIDEAN);
    mlk_mds *classical = fit(X, &opts);
    double before = literal_stress(mlk_mat_c(test_distances(X, X)), mlk_mds_embedding(classical));
    opts.method = MLK_MDS_SMACOF;
    for (opts.n_init = 1; opts.n_init <= 4; opts.n_init += 3) {
        mlk_mds *model = fit(X, &opts);
        ck_assert_double_le(mlk_mds_stress(model), before);
        before = mlk_mds_stress(model);
        mlk_mds_free(model);
    }
    ck_assert_double_lt(before, 110.0); /* scikit-learn's best of 4 random starts: 159.6 */
    mlk_mds_free(classical);
}
END_TEST

START_TEST(new_points_find_their_place_by_their_own_stress)
{
    const mlk_cmat X = test_random_mat(82, 60, 2), rows = test_random_mat(83, 5, 2);
    const mlk_mds_opts opts = options(2, MLK_MDS_SMACOF, MLK_MDS_EUCLIDEAN);
    mlk_mds *model = fit(X, &opts);
    mlk_mat Z = test_mat(5, 2);
    require_ok(mlk_mds_transform(model, rows, NULL, Z));
    const mlk_mat D = test_distances(rows, X);
    const mlk_mat E = test_distances(mlk_mat_c(Z), mlk_mds_embedding(model));
    for (size_t i = 0; i < 300; i++)
        require_close(E.data[i], D.data[i], 1e-5);
    mlk_mds_free(model);
}
END_TEST

START_TEST(says_when_it_did_not_converge)
{
    mlk_mds_opts opts = options(2, MLK_MDS_SMACOF, MLK_MDS_EUCLIDEAN);
    opts.max_iter = 2;
    opts.eps = 0.0;
    mlk_mds *model = fit(test_random_mat(84, 30, 4), &opts);
    const mlk_fit_info info = mlk_mds_info(model);
    ck_assert_int_eq(info.converged, 0);
    ck_assert_int_eq(info.iterations, 2);
    ck_assert(info.objective == mlk_mds_stress(model));
    mlk_mds_free(model);
}
END_TEST

/* ------------------------------------------------------------------ invariances */

START_TEST(repeats_for_any_number_of_threads_and_after_an_archive)
{
    const mlk_cmat X = test_roll(0, 150), rows = test_roll(150, 20);
    mlk_mds_opts opts = options(2, _i / 2, _i % 2);
    if (_i / 2 == MLK_MDS_SMACOF)
        opts.max_iter = 30;
    test_map_repeats(&mlk_mds_algo, &opts, _i % 2 ? mlk_mat_c(test_distances(X, X)) : X,
                     _i % 2 ? mlk_mat_c(test_distances(rows, X)) : rows);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_roll(0, 20), rows = test_roll(20, 3);
    mlk_mds_opts opts = options(2, _i / 2, _i % 2);
    if (_i / 2 == MLK_MDS_SMACOF)
        opts.max_iter = 5;
    test_map_survives(&mlk_mds_algo, &opts, _i % 2 ? mlk_mat_c(test_distances(X, X)) : X,
                      _i % 2 ? mlk_mat_c(test_distances(rows, X)) : rows);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_roll(0, 8);
    const double equal[] = {1, 2, 1, 2, 1, 2}, diagonal[] = {0, 1, 1, 0.5};
    const double negative[] = {0, -1, -1, 0}, lopsided[] = {0, 1, 2, 0}, zero[4] = {0};
    const double line[] = {0, 1, 2, 1, 0, 1, 2, 1, 0};
    mlk_mds_opts starts = options(2, 0, 0), steps = starts, eps = starts;
    starts.n_init = 8;
    steps.max_iter = 10;
    eps.eps = 0.1;
    const struct {
        mlk_cmat X;
        mlk_mds_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {X, options(8, 0, 0), MLK_EINVAL, "n_components = 8; 8 rows span at most 7 dimensions"},
        {X, options(4, 0, 0), MLK_EINVAL, "n_components = 4; the distances span 3 dimensions"},
        {{X.data, 8, 1, 3},
         options(2, 0, 0),
         MLK_EINVAL,
         "n_components = 2; the distances span 1 dimension"},
        {{line, 3, 3, 3},
         options(2, 0, 1),
         MLK_EINVAL,
         "n_components = 2; the distances span 1 dimension"},
        {X, starts, MLK_EINVAL, "n_init = 8 has no effect with method = classical"},
        {X, steps, MLK_EINVAL, "max_iter = 10 has no effect with method = classical"},
        {X, eps, MLK_EINVAL, "eps = 0.1 has no effect with method = classical"},
        {{X.data, 1, 3, 3}, options(1, 0, 0), MLK_EINVAL, "X has 1 row; a map needs at least 2"},
        {{equal, 3, 2, 2}, options(1, 0, 0), MLK_ESINGULAR, "all 3 rows are equal"},
        {{equal, 3, 2, 2}, options(1, 1, 0), MLK_ESINGULAR, "all 3 rows are equal"},
        {X, options(1, 0, 1), MLK_EINVAL,
         "X is 8 x 3; dissimilarity = precomputed takes a square matrix"},
        {{diagonal, 2, 2, 2},
         options(1, 0, 1),
         MLK_EINVAL,
         "X[1, 1] = 0.5; a row's distance to itself is 0"},
        {{negative, 2, 2, 2},
         options(1, 1, 1),
         MLK_EINVAL,
         "X[1, 0] = -1; expected distances >= 0"},
        {{lopsided, 2, 2, 2}, options(1, 0, 1), MLK_EINVAL, "X[1, 0] = 2 but X[0, 1] = 1"},
        {{zero, 2, 2, 2}, options(1, 0, 1), MLK_ESINGULAR, "all distances are 0"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_mds *model;
        require_fail(mlk_mds_fit(&(mlk_data){.X = cases[k].X}, &cases[k].opts, NULL, &model),
                     cases[k].status, cases[k].text);
        ck_assert_ptr_null(model);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("decomposition/mds");
    TCase *classical = test_case(s, "classical"), *smacof = test_case(s, "smacof");
    TCase *same = test_case(s, "invariance"), *errors = test_case(s, "errors");
    tcase_add_loop_test(classical, euclidean_distances_are_recovered, 0, 5);
    tcase_add_loop_test(classical, the_classical_map_is_that_of_the_definition, 0, 2);
    tcase_add_test(classical, rows_and_their_distances_give_the_same_map);
    tcase_add_loop_test(smacof, the_stress_never_rises_and_ends_stationary, 0, 3);
    tcase_add_test(smacof, a_perfect_map_has_no_stress);
    tcase_add_test(smacof, more_starts_are_no_worse);
    tcase_add_test(smacof, new_points_find_their_place_by_their_own_stress);
    tcase_add_test(smacof, says_when_it_did_not_converge);
    tcase_add_loop_test(same, repeats_for_any_number_of_threads_and_after_an_archive, 0, 4);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 4);
    return s;
}
