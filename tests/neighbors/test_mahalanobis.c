#include <mlkit/neighbors/mahalanobis.h>

#include "support/jacobi.h"
#include "support/mlk_test.h"

static mlk_mahalanobis *fit(mlk_cmat X, double contamination)
{
    const mlk_data d = {.X = X};
    const mlk_mahalanobis_opts opts = {contamination};
    mlk_mahalanobis *model;
    require_ok(mlk_mahalanobis_fit(&d, &opts, NULL, &model));
    return model;
}

/* (1) by Jacobi's eigenpairs of the covariance. */
static double literal_distance(mlk_cmat X, const double *x)
{
    const size_t p = X.cols;
    const mlk_mat S = test_covariance(X), V = test_mat(p, p);
    const mlk_vec lambda = test_vec(p);
    double square = 0.0;
    test_jacobi(mlk_mat_c(S), lambda, V);
    for (size_t k = 0; k < p; k++) {
        double z = 0.0;
        for (size_t j = 0; j < p; j++) {
            double mean = 0.0;
            for (size_t i = 0; i < X.rows; i++)
                mean += X.data[i * X.ld + j] / (double)X.rows;
            z += V.data[j * p + k] * (x[j] - mean);
        }
        square += z * z / lambda.data[k];
    }
    return sqrt(square);
}

START_TEST(is_what_the_definition_says)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const size_t p = 1 + seed % 5;
        const mlk_cmat X = test_random_mat(seed, 20 + 10 * p, p);
        const mlk_cmat Q = test_random_mat(seed + 50, 8, p);
        mlk_mahalanobis *model = fit(X, MLK_MAHALANOBIS_AUTO);
        mlk_vec s = test_vec(8);
        require_ok(mlk_mahalanobis_score(model, Q, NULL, s));
        for (size_t i = 0; i < 8; i++)
            require_relative(s.data[i], literal_distance(X, Q.data + i * p), 1e-12);
        for (size_t j = 0; j < p; j++) {
            double sum = 0.0;
            for (size_t i = 0; i < X.rows; i++)
                sum += X.data[i * p + j];
            require_close(mlk_mahalanobis_mean(model).data[j], sum / (double)X.rows, 1e-13);
        }
        mlk_mahalanobis_free(model);
    }
}
END_TEST

START_TEST(by_hand)
{
    /* Mean 2, variance 10 / 4; 3.75 away is 2.37 standard deviations: the limit is 2.2414. */
    const double X[] = {0, 1, 2, 3, 4}, q[] = {2.0, 5.6, 5.5, -1.6};
    mlk_mahalanobis *model = fit((mlk_cmat){X, 5, 1, 1}, MLK_MAHALANOBIS_AUTO);
    double s[4], out[4];
    require_ok(mlk_mahalanobis_score(model, (mlk_cmat){q, 4, 1, 1}, NULL, (mlk_vec){s, 4}));
    require_ok(mlk_mahalanobis_predict(model, (mlk_cmat){q, 4, 1, 1}, NULL, (mlk_vec){out, 4}));
    require_close(s[0], 0.0, 1e-15);
    require_close(s[1], 3.6 / sqrt(2.5), 1e-14);
    require_close(mlk_mahalanobis_threshold(model), 2.241402727604947, 1e-12);
    ck_assert(out[0] == 0.0 && out[1] == 1.0 && out[2] == 0.0 && out[3] == 1.0);
    mlk_mahalanobis_free(model);
}
END_TEST

START_TEST(contamination_is_the_share_of_outliers)
{
    const mlk_cmat X = test_random_mat(8, 200, 3);
    mlk_mahalanobis *model = fit(X, 0.1);
    mlk_vec out = test_vec(200);
    size_t n = 0;
    require_ok(mlk_mahalanobis_predict(model, X, NULL, out));
    for (size_t i = 0; i < 200; i++)
        n += out.data[i] == 1.0;
    ck_assert_uint_eq(n, 20);
    mlk_mahalanobis_free(model);
}
END_TEST

static size_t n_warnings;
static void count_warning(void *user, const char *line)
{
    n_warnings += strstr(line, user) != NULL;
}

START_TEST(columns_that_depend_on_others_are_warned_of_and_change_nothing)
{
    char text[] = "mahalanobis: the covariance of the 3 columns has rank 2";
    const mlk_run run = {.warn = count_warning, .user = text};
    const mlk_cmat X = test_random_mat(4, 50, 2);
    mlk_mat wide = test_mat(50, 3);
    for (size_t i = 0; i < 50; i++) {
        memcpy(wide.data + 3 * i, X.data + 2 * i, 2 * sizeof(double));
        wide.data[3 * i + 2] = 3.0 * X.data[2 * i] - X.data[2 * i + 1];
    }
    const mlk_data d = {.X = mlk_mat_c(wide)};
    mlk_mahalanobis *model, *plain = fit(X, MLK_MAHALANOBIS_AUTO);
    mlk_vec a = test_vec(50), b = test_vec(50);
    n_warnings = 0;
    require_ok(mlk_mahalanobis_fit(&d, NULL, &run, &model));
    ck_assert_uint_eq(n_warnings, 1);
    require_ok(mlk_mahalanobis_score(model, d.X, NULL, a));
    require_ok(mlk_mahalanobis_score(plain, X, NULL, b));
    for (size_t i = 0; i < 50; i++)
        require_relative(a.data[i], b.data[i], 1e-10);
    mlk_mahalanobis_free(model);
    mlk_mahalanobis_free(plain);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(3, 20000, 6);
    const mlk_data d = {.X = X};
    const int threads[] = {1, 2, 3, 8};
    mlk_vec first = test_vec(X.rows), out = test_vec(X.rows);
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_mahalanobis *model;
        require_ok(mlk_mahalanobis_fit(&d, NULL, &run, &model));
        require_ok(mlk_mahalanobis_score(model, X, &run, k ? out : first));
        if (k)
            require_same(first.data, out.data, X.rows * sizeof(double));
        mlk_mahalanobis_free(model);
    }
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const double X[] = {1, 1, 1}, huge[] = {1e300, -1e300, 0};
    const struct {
        mlk_data data;
        mlk_mahalanobis_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {{.X = {X, 3, 1, 1}}, {0.7}, MLK_EINVAL, "contamination = 0.7 is outside auto | (0, 0.5]"},
        {{.X = {X, 1, 1, 1}}, {0.1}, MLK_EINVAL, "1 row; a covariance needs at least 2"},
        {{.X = {X, 3, 1, 1}}, {0.1}, MLK_ESINGULAR, "no column varies"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_mahalanobis *model;
        require_fail(mlk_mahalanobis_fit(&cases[k].data, &cases[k].opts, NULL, &model),
                     cases[k].status, cases[k].text);
        ck_assert_ptr_null(model);
    }
    mlk_mahalanobis *model = fit((mlk_cmat){huge, 3, 1, 1}, 0.1); /* no square overflows */
    require_close(fabs(mlk_mahalanobis_scalings(model).data[0]), 1e-300, 1e-312);
    mlk_mahalanobis_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("neighbors/mahalanobis");
    TCase *hand = test_case(s, "definition"), *same = test_case(s, "invariance");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(hand, is_what_the_definition_says);
    tcase_add_test(hand, by_hand);
    tcase_add_test(hand, contamination_is_the_share_of_outliers);
    tcase_add_test(hand, columns_that_depend_on_others_are_warned_of_and_change_nothing);
    tcase_add_test(same, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    return s;
}
