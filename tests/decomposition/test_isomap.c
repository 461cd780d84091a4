#include <mlkit/decomposition/isomap.h>

#include "support/maps.h"

static mlk_isomap *fit(mlk_cmat X, const mlk_isomap_opts *opts)
{
    mlk_isomap *model;
    require_ok(mlk_isomap_fit(&(mlk_data){.X = X}, opts, NULL, &model));
    return model;
}

/* Lengths of the shortest paths by Floyd and Warshall, over edges by their definition. */
static mlk_mat literal_geodesics(mlk_cmat X, size_t k, double radius)
{
    const size_t n = X.rows;
    const mlk_mat D = test_distances(X, X);
    mlk_mat G = test_mat(n, n);
    for (size_t i = 0; i < n * n; i++)
        G.data[i] = INFINITY;
    for (size_t i = 0; i < n; i++) {
        G.data[i * n + i] = 0.0;
        for (size_t j = 0; j < n; j++) {
            size_t nearer = 0;
            for (size_t l = 0; l < n; l++)
                nearer += l != i && D.data[i * n + l] < D.data[i * n + j];
            if (j != i && (radius > 0.0 ? D.data[i * n + j] <= radius : nearer < k))
                G.data[i * n + j] = G.data[j * n + i] = D.data[i * n + j];
        }
    }
    for (size_t m = 0; m < n; m++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                G.data[i * n + j] = fmin(G.data[i * n + j], G.data[i * n + m] + G.data[m * n + j]);
    return G;
}

static const struct {
    size_t n, k;
    double radius;
} graphs[] = {{30, 5, -1.0}, {40, 3, -1.0}, {25, 12, -1.0}, {40, 5, 14.0}, {20, 5, 100.0}};

START_TEST(geodesics_and_map_are_those_of_their_definitions)
{
    const size_t n = graphs[_i].n;
    const mlk_cmat X = test_roll(0, n);
    const mlk_isomap_opts opts = {2, (int64_t)graphs[_i].k, graphs[_i].radius};
    const mlk_mat D = literal_geodesics(X, graphs[_i].k, graphs[_i].radius);
    mlk_isomap *model = fit(X, &opts);
    mlk_mat G = test_mat(n, n), Z = test_mat(n, 2), own = test_mat(n, 2);
    mlk_vec lambda = test_vec(2);
    require_ok(mlk_isomap_geodesics(model, X, NULL, G));
    for (size_t i = 0; i < n * n; i++)
        require_close(G.data[i], D.data[i], 1e-13 * D.data[i]);
    test_classical(mlk_mat_c(D), lambda, Z);
    for (size_t c = 0; c < 2; c++)
        require_relative(mlk_isomap_eigenvalues(model).data[c], lambda.data[c], 1e-10);
    test_same_columns(mlk_isomap_embedding(model), mlk_mat_c(Z), 1e-9);
    /* Rows of the fit are placed where they are. */
    require_ok(mlk_isomap_transform(model, X, NULL, own));
    for (size_t i = 0; i < 2 * n; i++)
        require_close(own.data[i], mlk_isomap_embedding(model).data[i], 1e-10 * lambda.data[0]);
    mlk_isomap_free(model);
}
END_TEST

START_TEST(residual_variance_is_that_of_the_distances)
{
    const size_t n = 50;
    const mlk_cmat X = test_roll(0, n);
    mlk_isomap *model = fit(X, NULL);
    const mlk_cmat Z = mlk_isomap_embedding(model);
    const mlk_mat G = literal_geodesics(X, 5, -1.0), E = test_distances(Z, Z);
    double sums[5] = {0.0};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const double g = G.data[i * n + j], e = E.data[i * n + j];
            const double terms[] = {g, e, g * g, e * e, g * e};
            for (size_t a = 0; a < 5; a++)
                sums[a] += terms[a] / (double)(n * (n - 1) / 2);
        }
    const double cross = sums[4] - sums[0] * sums[1];
    const double r2 = cross * cross / (sums[2] - sums[0] * sums[0]) / (sums[3] - sums[1] * sums[1]);
    require_close(mlk_isomap_residual_variance(model), 1.0 - r2, 1e-12);
    mlk_isomap_free(model);
}
END_TEST

/* tests/reference/maps.py */
static const struct {
    size_t n;
    mlk_isomap_opts opts;
    double error, embedding[4], transformed[4];
} sklearn[] = {
    {300,
     {2, 8, MLK_ISOMAP_NO_RADIUS},
     94.93875962001253,
     {4.713323370042768, -15.484717109932665, -7.258349534346552, 14.605563297746823},
     {9.816379789711597, 12.550671267965292, -11.082242950396147, 0.5661255415543052}},
    {1000,
     {2, 10, MLK_ISOMAP_NO_RADIUS},
     10.394597771354459,
     {-11.612719351170043, -2.689977371634402, 31.140535463697137, 5.793597733255636},
     {8.818388115855507, -3.6459275931936173, -36.56593479128739, 5.6690012980233595}},
    {300,
     {2, 5, 4.0},
     30.151605646048726,
     {-14.05826570258846, -2.808283581815223, 34.558347315989316, -0.3444725854328766},
     {8.461741642190002, 15.368099657730927, -35.551331911915895, -3.9921092063163837}},
};

START_TEST(the_swiss_roll_unrolls_as_in_scikit_learn)
{
    const size_t n = sklearn[_i].n;
    mlk_isomap *model = fit(test_roll(0, n), &sklearn[_i].opts);
    mlk_mat Z = test_mat(2, 2);
    require_relative(mlk_isomap_reconstruction_error(model), sklearn[_i].error, 1e-10);
    require_ok(mlk_isomap_transform(model, test_roll(n, 2), NULL, Z));
    for (size_t i = 0; i < 4; i++) {
        require_close(mlk_isomap_embedding(model).data[i], sklearn[_i].embedding[i], 1e-8);
        require_close(Z.data[i], sklearn[_i].transformed[i], 1e-8);
    }
    mlk_isomap_free(model);
}
END_TEST

START_TEST(a_complete_graph_is_classical_scaling)
{
    const mlk_cmat X = test_random_mat(3, 25, 4);
    const mlk_isomap_opts opts = {4, 24, MLK_ISOMAP_NO_RADIUS};
    mlk_isomap *model = fit(X, &opts);
    const mlk_cmat Z = mlk_isomap_embedding(model);
    const mlk_mat D = test_distances(X, X), E = test_distances(Z, Z);
    for (size_t i = 0; i < 25 * 25; i++)
        require_close(E.data[i], D.data[i], 1e-10);
    require_close(mlk_isomap_residual_variance(model), 0.0, 1e-12);
    require_close(mlk_isomap_reconstruction_error(model), 0.0, 1e-6);
    mlk_isomap_free(model);
}
END_TEST

START_TEST(a_point_far_from_all_joins_the_nearest_row)
{
    const mlk_isomap_opts opts = {2, 5, 14.0};
    const double far[] = {1000.0, 0.0, 0.0};
    mlk_isomap *model = fit(test_roll(0, 40), &opts);
    mlk_mat Z = test_mat(1, 2);
    require_ok(mlk_isomap_transform(model, (mlk_cmat){far, 1, 3, 3}, NULL, Z));
    ck_assert(isfinite(Z.data[0]) && isfinite(Z.data[1]));
    mlk_isomap_free(model);
}
END_TEST

START_TEST(repeats_for_any_number_of_threads_and_after_an_archive)
{
    const mlk_isomap_opts opts[] = {{2, 10, MLK_ISOMAP_NO_RADIUS}, {3, 5, 5.0}};
    test_map_repeats(&mlk_isomap_algo, &opts[_i], test_roll(0, 600), test_roll(600, 30));
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_isomap_opts opts[] = {{2, 6, MLK_ISOMAP_NO_RADIUS}, {2, 5, 20.0}};
    test_map_survives(&mlk_isomap_algo, &opts[_i], test_roll(0, 30), test_roll(30, 3));
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_roll(0, 6);
    const double equal[] = {1, 2, 1, 2, 1, 2}, apart[] = {0, 1, 2, 100, 101, 102};
    const double twins[] = {0, 0, 0, 5, 5, 5, 9, 9, 9, 9}, huge[] = {-1e200, 0, 1e200};
    const double tiny[] = {-1e-200, 0, 1e-200};
    const struct {
        mlk_cmat X;
        mlk_isomap_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {X, {0, 5, -1}, MLK_EINVAL, "n_components = 0 is outside"},
        {X, {6, 5, -1}, MLK_EINVAL, "n_components = 6; 6 rows span at most 5 dimensions"},
        {X, {2, 6, -1}, MLK_EINVAL, "n_neighbors = 6; expected less than the 6 rows of X"},
        {X, {2, 5, 0}, MLK_EINVAL, "radius = 0 is outside"},
        {{X.data, 1, 3, 3}, {1, 5, -1}, MLK_EINVAL, "X has 1 row; a map needs at least 2"},
        {{equal, 3, 2, 2}, {1, 1, -1}, MLK_ESINGULAR, "all 3 rows are equal: there is nothing to"},
        {{apart, 6, 1, 1},
         {1, 2, -1},
         MLK_ESINGULAR,
         "the neighbourhood graph falls into 2 parts of 3, 3 rows with n_neighbors = 2; raise "
         "n_neighbors, or map the parts one by one"},
        {{twins, 10, 1, 1}, {1, 2, -1}, MLK_ESINGULAR, "3 parts of 4, 3, 3 rows"},
        {{apart, 6, 1, 1},
         {2, 5, -1},
         MLK_EINVAL,
         "n_components = 2; the geodesic distances span 1 dimension"},
        {{huge, 3, 1, 1}, {1, 2, -1}, MLK_ESINGULAR, "overflow: scale the columns"},
        {{tiny, 3, 1, 1}, {1, 2, -1}, MLK_ESINGULAR, "underflow: scale the columns"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_isomap *model;
        require_fail(mlk_isomap_fit(&(mlk_data){.X = cases[k].X}, &cases[k].opts, NULL, &model),
                     cases[k].status, cases[k].text);
        ck_assert_ptr_null(model);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("decomposition/isomap");
    TCase *definition = test_case(s, "definition"), *figures = test_case(s, "figures");
    TCase *same = test_case(s, "invariance"), *errors = test_case(s, "errors");
    tcase_add_loop_test(definition, geodesics_and_map_are_those_of_their_definitions, 0,
                        (int)MLK_COUNT(graphs));
    tcase_add_test(definition, residual_variance_is_that_of_the_distances);
    tcase_add_test(definition, a_complete_graph_is_classical_scaling);
    tcase_add_test(definition, a_point_far_from_all_joins_the_nearest_row);
    tcase_add_loop_test(figures, the_swiss_roll_unrolls_as_in_scikit_learn, 0,
                        (int)MLK_COUNT(sklearn));
    tcase_add_loop_test(same, repeats_for_any_number_of_threads_and_after_an_archive, 0, 2);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 2);
    return s;
}
