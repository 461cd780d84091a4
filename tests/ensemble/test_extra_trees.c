#include <mlkit/ensemble/extra_trees.h>

#include "support/mlk_test.h"

static mlk_forest *fit(const mlk_data *d, const mlk_forest_opts *o, int threads)
{
    mlk_forest *f;
    require_ok(mlk_extra_trees_fit(d, o, &(mlk_run){.threads = threads}, &f));
    return f;
}

START_TEST(more_trees_make_fewer_errors)
{
    const mlk_cmat X = test_random_mat(1, 800, 6);
    const mlk_cvec y = test_classes(7, X, 3);
    const mlk_data d = {.X = mlk_cmat_rows(X, 0, 400), .y = {y.data, 400}, .n_classes = 3};
    double wrong[2] = {0};
    for (int i = 0; i < 2; i++) {
        mlk_forest_opts o = mlk_extra_trees_opts_default();
        mlk_vec out = test_vec(400);
        o.n_estimators = i ? 100 : 1;
        mlk_forest *f = fit(&d, &o, 0);
        require_ok(mlk_forest_predict(f, mlk_cmat_rows(X, 400, 800), NULL, out));
        for (size_t r = 0; r < 400; r++)
            wrong[i] += out.data[r] != y.data[400 + r];
        mlk_forest_free(f);
    }
    ck_assert_msg(wrong[1] < 0.8 * wrong[0], "%g wrong of 400 with 100 trees, %g with one",
                  wrong[1], wrong[0]);
}
END_TEST

/* One column, targets 0 below 0 and 1 above: the first threshold is uniform on [-1, 3). */
START_TEST(first_thresholds_are_uniform)
{
    enum { SEEDS = 2000, BINS = 8 };
    const double x[] = {-1, 3}, y[] = {0, 1};
    const mlk_data d = {.X = {x, 2, 1, 1}, .y = {y, 2}};
    double count[BINS] = {0}, chi2 = 0.0;
    for (int64_t seed = 0; seed < SEEDS; seed++) {
        mlk_forest_opts o = mlk_extra_trees_opts_default();
        o.n_estimators = 1;
        o.seed = seed;
        mlk_forest *f = fit(&d, &o, 1);
        size_t bin = 0; /* the first of the bins' upper ends that lies right of the threshold */
        for (double out = 0.0; bin < BINS; bin++) {
            const double at = -1.0 + 4.0 * (double)(bin + 1) / BINS;
            require_ok(mlk_forest_predict(f, (mlk_cmat){&at, 1, 1, 1}, NULL, (mlk_vec){&out, 1}));
            if (out == 1.0)
                break;
        }
        count[bin]++;
        mlk_forest_free(f);
    }
    for (size_t b = 0; b < BINS; b++)
        chi2 += pow(count[b] - (double)SEEDS / BINS, 2.0) / ((double)SEEDS / BINS);
    ck_assert_msg(chi2 < 29.9, "chi2 = %g with 7 degrees of freedom", chi2); /* p = 1e-4 */
}
END_TEST

START_TEST(fits_training_rows_exactly_with_missing_values_and_levels)
{
    enum { N = 200 };
    const mlk_cmat Z = test_random_mat(3, N, 3);
    const size_t levels[] = {0, 5, 0};
    mlk_mat X = test_mat(N, 3);
    for (size_t i = 0; i < N * 3; i++) {
        X.data[i] = i % 3 == 1 ? floor(2.5 + fmax(-2.5, fmin(2.4, Z.data[i]))) : Z.data[i];
        if (i % 11 == 0)
            X.data[i] = NAN;
    }
    for (size_t k = 0; k < 3; k++) {
        const mlk_data d = {.X = mlk_mat_c(X),
                            .y = k > 1 ? test_classes(4, Z, k) : test_linear_target(4, Z, 0.5),
                            .n_classes = k > 1 ? k : 0,
                            .levels = levels};
        mlk_forest_opts o = mlk_extra_trees_opts_default();
        o.n_estimators = 3;
        o.criterion = k == 1 ? MLK_TREE_ABSOLUTE_ERROR : MLK_TREE_AUTO;
        mlk_forest *f = fit(&d, &o, 1), *other = fit(&d, &o, 3);
        mlk_vec out = test_vec(N), same = test_vec(N);
        require_ok(mlk_forest_predict(f, d.X, NULL, out));
        require_ok(mlk_forest_predict(other, d.X, NULL, same));
        require_same(out.data, same.data, N * sizeof(double));
        for (size_t i = 0; i < N; i++)
            require_close(out.data[i], d.y.data[i], 1e-12);
        mlk_forest_free(f);
        mlk_forest_free(other);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = test_random_mat(5, 30, 3);
    const mlk_data d = {.X = X, .y = test_classes(5, X, 3), .n_classes = 3};
    mlk_forest_opts o = mlk_extra_trees_opts_default();
    mlk_status st = MLK_ENOMEM;
    mlk_forest *f;
    o.n_estimators = 2;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_extra_trees_fit(&d, &o, &(mlk_run){.threads = 1}, &f);
        ck_assert(st == MLK_OK ? f != NULL : st == MLK_ENOMEM && f == NULL);
    }
    mlk_forest_free(f);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_random_mat(5, 30, 3);
    const mlk_data d = {.X = X, .y = test_linear_target(5, X, 0.1)};
    mlk_forest_opts o = mlk_extra_trees_opts_default();
    mlk_forest *f;
    o.n_estimators = 0;
    require_fail(mlk_extra_trees_fit(&d, &o, NULL, &f), MLK_EINVAL, "n_estimators = 0 is outside");
    ck_assert_ptr_null(f);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/extra_trees");
    TCase *fits = test_case(s, "fit"), *errors = test_case(s, "errors");
    tcase_add_test(fits, more_trees_make_fewer_errors);
    tcase_add_test(fits, first_thresholds_are_uniform);
    tcase_add_test(fits, fits_training_rows_exactly_with_missing_values_and_levels);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
