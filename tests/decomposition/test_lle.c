#include <mlkit/decomposition/lle.h>

#include "support/jacobi.h"
#include "support/maps.h"

static mlk_lle *fit(mlk_cmat X, const mlk_lle_opts *opts)
{
    mlk_lle *model;
    require_ok(mlk_lle_fit(&(mlk_data){.X = X}, opts, NULL, &model));
    return model;
}

/* Solve G w = 1 by Gauss and Jordan in long double, and divide by the sum. */
static void literal_solve(long double *G, size_t k, double *w)
{
    long double b[32], sum = 0.0L;
    for (size_t a = 0; a < k; a++)
        b[a] = 1.0L;
    for (size_t c = 0; c < k; c++)
        for (size_t a = 0; a < k; a++) {
            if (a == c)
                continue;
            const long double f = G[a * k + c] / G[c * k + c];
            for (size_t j = 0; j < k; j++)
                G[a * k + j] -= f * G[c * k + j];
            b[a] -= f * b[c];
        }
    for (size_t a = 0; a < k; a++)
        sum += b[a] / G[a * k + a];
    for (size_t a = 0; a < k; a++)
        w[a] = (double)(b[a] / G[a * k + a] / sum);
}

/* (I - W)'(I - W) by its definition. */
static mlk_mat literal_matrix(mlk_cmat X, size_t k, double reg)
{
    const size_t n = X.rows, p = X.cols;
    const mlk_mat D = test_distances(X, X);
    mlk_mat R = test_mat(n, n), M = test_mat(n, n);
    for (size_t i = 0; i < n; i++) {
        size_t near[32], found = 0;
        for (size_t j = 0; j < n; j++) {
            size_t nearer = 0;
            for (size_t l = 0; l < n; l++)
                nearer += l != i && D.data[i * n + l] < D.data[i * n + j];
            if (j != i && nearer < k)
                near[found++] = j;
        }
        ck_assert_uint_eq(found, k);
        long double G[32 * 32], trace = 0.0L;
        double w[32];
        for (size_t a = 0; a < k; a++)
            for (size_t b = 0; b < k; b++) {
                G[a * k + b] = 0.0L;
                for (size_t c = 0; c < p; c++)
                    G[a * k + b] += ((long double)X.data[near[a] * p + c] - X.data[i * p + c]) *
                                    ((long double)X.data[near[b] * p + c] - X.data[i * p + c]);
                trace += a == b ? G[a * k + b] : 0.0L;
            }
        for (size_t a = 0; a < k; a++)
            G[a * k + a] += reg * trace;
        literal_solve(G, k, w);
        R.data[i * n + i] = 1.0;
        for (size_t a = 0; a < k; a++)
            R.data[i * n + near[a]] -= w[a];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t l = 0; l < n; l++)
                M.data[i * n + j] += R.data[l * n + i] * R.data[l * n + j];
    return M;
}

START_TEST(the_map_has_the_smallest_eigenvectors_of_the_literal_matrix)
{
    const size_t n = 40, k = 6 + (size_t)_i;
    const mlk_cmat X = test_random_mat(4 + (uint64_t)_i, n, 3);
    const mlk_lle_opts opts = {2, (int64_t)k, 1e-2, MLK_LLE_STANDARD};
    mlk_lle *model = fit(X, &opts);
    mlk_vec lambda = test_vec(n);
    mlk_mat V = test_mat(n, n), two = test_mat(n, 2);
    test_jacobi(mlk_mat_c(literal_matrix(X, k, 1e-2)), lambda, V);
    for (size_t c = 0; c < 2; c++) {
        require_close(mlk_lle_eigenvalues(model).data[c], lambda.data[n - 2 - c],
                      1e-10 * lambda.data[0]);
        for (size_t i = 0; i < n; i++)
            two.data[2 * i + c] = V.data[i * n + n - 2 - c];
    }
    test_same_columns(mlk_lle_embedding(model), mlk_mat_c(two), 1e-8);
    require_close(mlk_lle_reconstruction_error(model), lambda.data[n - 2] + lambda.data[n - 3],
                  1e-10 * lambda.data[0]);
    mlk_lle_free(model);
}
END_TEST

/* By iteration from 400 rows on: orthonormal, centred, and no better or worse than in full. */
START_TEST(coordinates_are_orthonormal_and_centred)
{
    const mlk_lle_opts opts = {3, 12, 1e-3, _i ? MLK_LLE_MODIFIED : MLK_LLE_STANDARD};
    mlk_lle *model = fit(test_roll(0, 800), &opts);
    const mlk_cmat Z = mlk_lle_embedding(model);
    for (size_t a = 0; a < 3; a++) {
        double sum = 0.0, largest = 0.0;
        for (size_t i = 0; i < 800; i++) {
            sum += Z.data[3 * i + a];
            largest = fabs(Z.data[3 * i + a]) > fabs(largest) ? Z.data[3 * i + a] : largest;
        }
        require_close(sum, 0.0, 1e-10);
        ck_assert(largest > 0.0); /* the rule of signs */
        for (size_t b = 0; b <= a; b++) {
            double dot = 0.0;
            for (size_t i = 0; i < 800; i++)
                dot += Z.data[3 * i + a] * Z.data[3 * i + b];
            require_close(dot, a == b, 1e-10);
        }
        ck_assert(!a ||
                  mlk_lle_eigenvalues(model).data[a] >= mlk_lle_eigenvalues(model).data[a - 1]);
    }
    mlk_lle_free(model);
}
END_TEST

/* tests/reference/maps.py; the tolerance of the values is that of eigenvalues near 1e-7 beside one
 * of size 1, with which the peer, too, has to work. */
static const struct {
    int method;
    size_t n;
    double error, embedding[4], transformed[4];
} sklearn[] = {
    {MLK_LLE_STANDARD,
     300,
     1.2871627877171433e-06,
     {-0.04338326870001297, 0.008350959611043778, 0.03164944579223643, 0.02329843478196645},
     {0.17655875377350594, -0.021879224119238167, 0.004415203553464066, -0.030697888427559758}},
    {MLK_LLE_STANDARD,
     1000,
     2.0297366828644046e-07,
     {-0.013241058419552379, -0.033133119637274236, 0.037060345350052495, 0.013823678880713237},
     {0.010581489199486621, -0.027271601157193237, -0.04377598576491988, 0.07079657941405969}},
    {MLK_LLE_MODIFIED,
     300,
     0.006124374461134136,
     {-0.023433186215129808, 0.03249487410695625, 0.053060740037011556, -0.006663050831117762},
     {0.09461973832704011, -0.09147948185482566, -0.029313691815341884, -0.022718478858088986}},
    {MLK_LLE_MODIFIED,
     1000,
     2.005163048545555e-06,
     {-0.014431236765907008, -0.013030521677560277, 0.03783394344411503, 0.028226722037568278},
     {0.009683455224163492, -0.017200333677136047, -0.0404472968693857, 0.026188964584336057}},
};

START_TEST(the_swiss_roll_is_that_of_scikit_learn)
{
    const size_t n = sklearn[_i].n;
    const mlk_lle_opts opts = {2, 12, 1e-3, sklearn[_i].method};
    mlk_lle *model = fit(test_roll(0, n), &opts);
    mlk_mat Z = test_mat(2, 2);
    require_close(mlk_lle_reconstruction_error(model), sklearn[_i].error, 1e-13);
    require_ok(mlk_lle_transform(model, test_roll(n, 2), NULL, Z));
    for (size_t i = 0; i < 4; i++) {
        require_close(mlk_lle_embedding(model).data[i], sklearn[_i].embedding[i], 1e-7);
        require_close(Z.data[i], sklearn[_i].transformed[i], 1e-7);
    }
    mlk_lle_free(model);
}
END_TEST

START_TEST(repeats_for_any_number_of_threads_and_after_an_archive)
{
    const mlk_lle_opts opts = {2, 10, 1e-3, _i ? MLK_LLE_MODIFIED : MLK_LLE_STANDARD};
    test_map_repeats(&mlk_lle_algo, &opts, test_roll(0, 600), test_roll(600, 30));
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_lle_opts opts = {2, 6, 1e-3, _i ? MLK_LLE_MODIFIED : MLK_LLE_STANDARD};
    test_map_survives(&mlk_lle_algo, &opts, test_roll(0, 30), test_roll(30, 3));
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_roll(0, 8);
    const double equal[] = {1, 2, 1, 2, 1, 2}, apart[] = {0, 1, 2, 100, 101, 102};
    const double huge[] = {-1e200, 0, 1e200};
    const struct {
        mlk_cmat X;
        mlk_lle_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {X, {0, 5, 1e-3, 0}, MLK_EINVAL, "n_components = 0 is outside"},
        {X, {4, 5, 1e-3, 0}, MLK_EINVAL, "n_components = 4; X has 3 columns"},
        {{X.data, 8, 1, 3}, {2, 5, 1e-3, 0}, MLK_EINVAL, "n_components = 2; X has 1 column"},
        {X, {2, 8, 1e-3, 0}, MLK_EINVAL, "n_neighbors = 8; expected less than the 8 rows of X"},
        {X, {2, 5, 0, 0}, MLK_EINVAL, "reg = 0 is outside"},
        {X,
         {3, 2, 1e-3, 1},
         MLK_EINVAL,
         "n_neighbors = 2; method = modified needs at least n_components = 3"},
        {{X.data, 1, 3, 3}, {1, 5, 1e-3, 0}, MLK_EINVAL, "X has 1 row; a map needs at least 2"},
        {{equal, 3, 2, 2}, {1, 1, 1e-3, 0}, MLK_ESINGULAR, "all 3 rows are equal: there is"},
        {{apart, 6, 1, 1},
         {1, 2, 1e-3, 0},
         MLK_ESINGULAR,
         "the neighbourhood graph falls into 2 parts of 3, 3 rows with n_neighbors = 2"},
        {{huge, 3, 1, 1}, {1, 2, 1e-3, 0}, MLK_ESINGULAR, "squared distances overflow"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_lle *model;
        require_fail(mlk_lle_fit(&(mlk_data){.X = cases[k].X}, &cases[k].opts, NULL, &model),
                     cases[k].status, cases[k].text);
        ck_assert_ptr_null(model);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("decomposition/lle");
    TCase *definition = test_case(s, "definition"), *figures = test_case(s, "figures");
    TCase *same = test_case(s, "invariance"), *errors = test_case(s, "errors");
    tcase_add_loop_test(definition, the_map_has_the_smallest_eigenvectors_of_the_literal_matrix, 0,
                        3);
    tcase_add_loop_test(definition, coordinates_are_orthonormal_and_centred, 0, 2);
    tcase_add_loop_test(figures, the_swiss_roll_is_that_of_scikit_learn, 0,
                        (int)MLK_COUNT(sklearn));
    tcase_add_loop_test(same, repeats_for_any_number_of_threads_and_after_an_archive, 0, 2);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 2);
    return s;
}
