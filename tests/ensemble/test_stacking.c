#include <mlkit/ensemble/stacking.h>
#include <mlkit/linear/ridge.h>
#include <mlkit/preprocess/pipeline.h>

#include "support/mlk_test.h"

static mlk_stacking *fit(const mlk_data *d, const char *models, const char *final, int64_t cv,
                         int threads)
{
    const mlk_stacking_opts o = {.models = models, .final = final, .cv = cv};
    mlk_stacking *f;
    require_ok(mlk_stacking_fit(d, &o, &(mlk_run){.threads = threads}, &f));
    return f;
}

static mlk_data sample(uint64_t seed, size_t n, size_t k)
{
    return test_data(seed, test_random_mat(seed, n, 3), k, 0.5);
}

/* ------------------------------------------------------------------- out of fold */

START_TEST(folds_of_one_row_are_leaving_one_out)
{
    enum { N = 40 };
    const mlk_data d = sample(1, N, 0);
    mlk_stacking *f = fit(&d, "ridge:alpha=0.5+ridge:alpha=30", "ridge:alpha=2", N, 2);
    const double alphas[] = {0.5, 30.0};
    mlk_mat loo = test_mat(N, 2);
    mlk_vec out = test_vec(N), expected = test_vec(N);
    mlk_ridge *final, *member[2];
    require_ok(mlk_ridge_loo(&d, (mlk_cvec){alphas, 2}, true, NULL, loo));
    const mlk_cmat z = mlk_stacking_out_of_fold(f);
    ck_assert(z.rows == N && z.cols == 2);
    for (size_t i = 0; i < 2 * N; i++)
        require_relative(z.data[i], loo.data[i], 1e-9);
    /* The final model of these, on members that saw all rows. */
    const mlk_data second = {.X = mlk_mat_c(loo), .y = d.y};
    require_ok(mlk_ridge_fit(&second, &(mlk_ridge_opts){2.0, true, MLK_RIDGE_AUTO}, NULL, &final));
    for (size_t m = 0; m < 2; m++) {
        const mlk_ridge_opts o = {alphas[m], true, MLK_RIDGE_AUTO};
        require_ok(mlk_ridge_fit(&d, &o, NULL, &member[m]));
        require_ok(mlk_ridge_predict(member[m], d.X, NULL, out));
        for (size_t i = 0; i < N; i++)
            loo.data[2 * i + m] = out.data[i];
        mlk_ridge_free(member[m]);
    }
    require_ok(mlk_ridge_predict(final, mlk_mat_c(loo), NULL, expected));
    require_ok(mlk_stacking_predict(f, d.X, NULL, out));
    for (size_t i = 0; i < N; i++)
        require_close(out.data[i], expected.data[i], 1e-8);
    mlk_ridge_free(final);
    mlk_stacking_free(f);
}
END_TEST

/* A full tree knows the targets of its own rows. On pure noise it would be believed if the final
 * model saw what it says about them; out of fold it is worth nothing. */
START_TEST(does_not_leak)
{
    enum { N = 300 };
    const mlk_data d = {.X = test_random_mat(2, N, 3), .y = test_random_vec(3, N)};
    mlk_stacking *f = fit(&d, "tree", "auto", 5, 2);
    const mlk_ridge *final = mlk_model_state(mlk_pipeline_inner(mlk_stacking_final(f)));
    const mlk_cmat z = mlk_stacking_out_of_fold(f);
    double product = 0.0, zz = 0.0;
    for (size_t i = 0; i < N; i++) {
        product += z.data[i] * d.y.data[i];
        zz += z.data[i] * z.data[i];
    }
    ck_assert_msg(fabs(product / sqrt(zz)) < 4.0, "%g", product / sqrt(zz)); /* normal(0, 1) */
    ck_assert_msg(fabs(mlk_ridge_coef(final).data[0]) < 0.25, "%g", mlk_ridge_coef(final).data[0]);
    mlk_stacking_free(f);
}
END_TEST

/* Each fold has its share of every class: with 2 rows a class and 2 folds, one each; so every
 * member's training rows show all classes. */
START_TEST(folds_have_their_share_of_each_class)
{
    enum { K = 6 };
    const mlk_cmat X = test_random_mat(4, 2 * K, 1);
    mlk_vec y = test_vec(2 * K);
    for (size_t i = 0; i < 2 * K; i++)
        y.data[i] = (double)(i % K);
    const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = K};
    mlk_stacking *f = fit(&d, "tree:max_depth=1:min_samples_split=13", "tree", 2, 1);
    const mlk_cmat z = mlk_stacking_out_of_fold(f); /* the classes' shares of the other fold */
    ck_assert_uint_eq(z.cols, K);
    for (size_t i = 0; i < 2 * K * K; i++)
        require_close(z.data[i], 1.0 / K, 1e-15);
    mlk_stacking_free(f);
}
END_TEST

/* ---------------------------------------------------------- scikit-learn, stacking.py */

START_TEST(agrees_with_scikit_learn_on_diabetes)
{
    static const double coef[] = {0.7464927836930461, 0.31766382163918094};
    static const double first[] = {214.29799062187934, 76.68800873895381, 193.4040237081442,
                                   155.00466245934476, 113.47006911855121};
    const char *path = test_shared_path("datasets/diabetes.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(file.rows), out = test_vec(5);
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = file.data[11 * i + 10];
    const mlk_data d = {.X = {file.data, y.n, 10, 11}, .y = mlk_vec_c(y)};
    mlk_stacking *f = fit(&d, "ridge:alpha=100+tree:max_depth=2", "ridge", (int64_t)y.n, 0);
    const mlk_ridge *final = mlk_model_state(mlk_pipeline_inner(mlk_stacking_final(f)));
    for (size_t m = 0; m < 2; m++)
        require_relative(mlk_ridge_coef(final).data[m], coef[m], 1e-8);
    require_relative(mlk_ridge_intercept(final), -9.584369084185653, 1e-8);
    require_ok(mlk_stacking_predict(f, mlk_cmat_rows(d.X, 0, 5), NULL, out));
    for (size_t i = 0; i < 5; i++)
        require_relative(out.data[i], first[i], 1e-8);
    mlk_stacking_free(f);
}
END_TEST

START_TEST(agrees_with_scikit_learn_on_wine)
{
    static const double expected[2][3] = {
        {0.09665349625777857, 0.8892160835493965, 0.014130420192824834},
        {0.29463435742752386, 0.7053656425724761, 0.0}};
    const char *path = test_shared_path("datasets/wine.csv");
    const size_t n = _i ? 130 : 178, k = _i ? 2 : 3;
    if (!path || !mlk_algo_find("naive-bayes"))
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(n);
    mlk_mat shares = test_mat(1, k);
    for (size_t i = 0; i < n; i++)
        y.data[i] = i < 59 ? 0.0 : i < 130 ? 1.0 : 2.0;
    const mlk_data d = {.X = {file.data, n, 13, 14}, .y = mlk_vec_c(y), .n_classes = k};
    mlk_stacking *f = fit(&d, "naive-bayes:variant=gaussian+tree:max_depth=1",
                          "logistic:tol=1e-12:max_iter=10000", (int64_t)n, 0);
    require_ok(mlk_stacking_predict_proba(f, mlk_cmat_rows(d.X, 73, 74), NULL, shares));
    for (size_t c = 0; c < k; c++)
        require_close(shares.data[c], expected[_i][c], 1e-8);
    mlk_stacking_free(f);
}
END_TEST

/* ------------------------------------------------------------------------- others */

START_TEST(members_contribute_what_they_have)
{
    static const struct {
        const char *models;
        size_t k, columns;
    } cases[] = {
        {"logistic+linear-svc", 3, 6},
        {"logistic+linear-svc", 2, 2},
        {"svc+tree", 2, 2},
        {"tree+svc:probability=true+linear-svc", 4, 12},
        {"tree+ridge", 0, 2},
    };
    for (size_t i = 0; i < MLK_COUNT(cases); i++) {
        const mlk_data d = sample(5, 120, cases[i].k);
        mlk_stacking *f = fit(&d, cases[i].models, "auto", 4, 2);
        mlk_vec out = test_vec(120);
        size_t right = 0;
        ck_assert_uint_eq(mlk_stacking_out_of_fold(f).cols, cases[i].columns);
        require_ok(mlk_stacking_predict(f, d.X, NULL, out));
        for (size_t r = 0; r < 120; r++)
            right +=
                cases[i].k ? out.data[r] == d.y.data[r] : fabs(out.data[r] - d.y.data[r]) < 1.0;
        ck_assert_msg(right > 80, "%s: %zu of 120", cases[i].models, right);
        mlk_stacking_free(f);
    }
}
END_TEST

START_TEST(is_no_worse_than_its_best_member_on_concrete)
{
    const char *path = test_shared_path("datasets/concrete.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(file.rows), out = test_vec(file.rows);
    double error[4] = {0}, best = INFINITY;
    const size_t half = y.n / 2; /* rows in turn: every other one is held out */
    for (size_t i = 0; i < half; i++) {
        y.data[i] = file.data[18 * i + 8];
        y.data[half + i] = file.data[18 * i + 17];
    }
    const mlk_data d = {.X = {file.data, half, 8, 18}, .y = {y.data, half}};
    const mlk_cmat rest = {file.data + 9, half, 8, 18};
    mlk_stacking *f = fit(&d, "ridge+tree+svr:C=100", "auto", 5, 0);
    for (size_t m = 0; m < 4; m++) {
        const mlk_vec v = {out.data, rest.rows};
        if (m < 3)
            require_ok(mlk_model_predict(mlk_stacking_member(f, m), rest, NULL, v));
        else
            require_ok(mlk_stacking_predict(f, rest, NULL, v));
        for (size_t i = 0; i < rest.rows; i++)
            error[m] += pow(v.data[i] - y.data[half + i], 2.0);
        if (m < 3)
            best = fmin(best, error[m]);
    }
    ck_assert_msg(error[3] < 1.02 * best, "%g, members %g %g %g", error[3], error[0], error[1],
                  error[2]);
    mlk_stacking_free(f);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_data d = sample(6, 1200, 3);
    const char *models = "forest:n_estimators=2+tree:max_depth=3";
    mlk_mat first = test_mat(1200, 3), out = test_mat(1200, 3);
    for (int threads = 1; threads <= 8; threads += 1 + threads / 3) {
        const mlk_run run = {.threads = threads};
        mlk_stacking *f = fit(&d, models, "auto", 3, threads);
        require_ok(mlk_stacking_predict_proba(f, d.X, &run, threads == 1 ? first : out));
        if (threads > 1)
            require_same(first.data, out.data, 3600 * sizeof(double));
        mlk_stacking_free(f);
    }
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    static const struct {
        const char *models, *final, *text;
    } bad[] = {
        {"", "ridge", "models of stacking has an empty name; expected models joined by '+'"},
        {"tree+rigde", "ridge",
         "unknown model 'rigde' in models of stacking; did you mean 'ridge'?"},
        {"tree+logistic", "ridge", "logistic in models of stacking does not predict numbers"},
        {"tree", "logistic", "logistic in final of stacking does not predict numbers"},
        {"tree", "tree+ridge", "unknown model 'tree+ridge' in final of stacking"},
        {"tree", "", "final of stacking has an empty name; expected a model"},
        {"tree", "ridge:alpha=-1", "alpha = -1 is outside [0, inf)"},
        {NULL, "ridge", "models of stacking is not given"},
        {"tree", NULL, "final of stacking is not given"},
    };
    const mlk_data d = sample(7, 30, 0);
    mlk_stacking *f;
    for (size_t i = 0; i < MLK_COUNT(bad); i++) {
        const mlk_stacking_opts o = {.models = bad[i].models, .final = bad[i].final, .cv = 5};
        require_fail(mlk_stacking_fit(&d, &o, NULL, &f), MLK_EINVAL, bad[i].text);
        ck_assert_ptr_null(f);
    }
    const mlk_stacking_opts many = {.models = "tree", .final = "ridge", .cv = 31};
    require_fail(mlk_stacking_fit(&d, &many, NULL, &f), MLK_EINVAL, "cv = 31 folds of 30 rows");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/stacking");
    TCase *folds = test_case(s, "out of fold"), *sklearn = test_case(s, "scikit-learn");
    TCase *others = test_case(s, "others");
    tcase_add_test(folds, folds_of_one_row_are_leaving_one_out);
    tcase_add_test(folds, does_not_leak);
    tcase_add_test(folds, folds_have_their_share_of_each_class);
    tcase_add_test(sklearn, agrees_with_scikit_learn_on_diabetes);
    tcase_add_loop_test(sklearn, agrees_with_scikit_learn_on_wine, 0, 2);
    tcase_add_test(others, members_contribute_what_they_have);
    tcase_add_test(others, is_no_worse_than_its_best_member_on_concrete);
    tcase_add_test(others, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(others, rejects_bad_input_and_says_why);
    return s;
}
