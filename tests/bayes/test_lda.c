#include <mlkit/bayes/lda.h>

#include "support/discriminant.h"

static mlk_lda *fit(const mlk_data *data, double shrinkage, const char *priors)
{
    mlk_lda_opts opts = mlk_lda_opts_default();
    mlk_lda *model;
    opts.shrinkage = shrinkage;
    opts.priors = priors;
    require_ok(mlk_lda_fit(data, &opts, NULL, &model));
    return model;
}

static mlk_mat proba(const mlk_lda *model, mlk_cmat X)
{
    mlk_mat P = test_mat(X.rows, mlk_lda_priors(model).n);
    require_ok(mlk_lda_predict_proba(model, X, NULL, P));
    return P;
}

/* ----------------------------------------------------------------- the definition */

START_TEST(is_what_the_definition_says)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const size_t n = 30 + 7 * seed, p = 1 + seed % 6, k = 2 + seed % 3;
        const mlk_cmat X = test_random_mat(seed, n, p), Q = test_random_mat(seed + 100, 25, p);
        const mlk_data d = {.X = X, .y = test_classes(seed, X, k), .n_classes = k};
        mlk_lda *model = fit(&d, 0.0, NULL);
        mlk_mat P = proba(model, Q), expected = literal_discriminant(&d, true, Q);
        to_probabilities(expected);
        for (size_t i = 0; i < Q.rows * k; i++)
            require_close(P.data[i], expected.data[i], 1e-12);
        /* The logarithm of the odds of classes 0 and 1 is linear, with these coefficients. */
        const mlk_cmat coef = mlk_lda_coef(model);
        double odds = 0.0;
        for (size_t j = 0; j < p; j++)
            odds += (coef.data[j] - coef.data[coef.ld + j]) * (Q.data[j] - Q.data[p + j]);
        require_close(log(P.data[0] / P.data[1]) - log(P.data[k] / P.data[k + 1]), odds, 1e-9);
        mlk_lda_free(model);
    }
}
END_TEST

START_TEST(two_classes_by_hand)
{
    /* Means 1 and 5, sum of squares 2 + 2 over 4 - 2: S = 2. d_1 - d_0 = 2 x - 6. */
    const double X[] = {0, 2, 4, 6}, y[] = {0, 0, 1, 1}, q[] = {3, 4};
    const mlk_data d = {.X = {X, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    mlk_lda *model = fit(&d, 0.0, NULL);
    double f[2], z[2], best[2];
    require_ok(mlk_lda_decision(model, (mlk_cmat){q, 2, 1, 1}, NULL, (mlk_mat){f, 2, 1, 1}));
    require_close(f[0], 0.0, 1e-14);
    require_close(f[1], 2.0, 1e-14);
    require_ok(mlk_lda_transform(model, (mlk_cmat){q, 2, 1, 1}, NULL, (mlk_mat){z, 2, 1, 1}));
    require_close(z[0], 0.0, 1e-15);
    require_close(z[1], 1.0 / sqrt(2.0), 1e-15);
    require_ok(mlk_lda_predict(model, (mlk_cmat){q, 2, 1, 1}, NULL, (mlk_vec){best, 2}));
    ck_assert(best[1] == 1.0);
    mlk_lda_free(model);
}
END_TEST

START_TEST(the_projection_whitens_the_classes_and_sorts_the_spread_of_the_means)
{
    const mlk_cmat X = test_random_mat(7, 200, 5);
    const mlk_data d = {.X = X, .y = test_classes(3, X, 4), .n_classes = 4};
    mlk_lda *model = fit(&d, 0.0, NULL);
    const size_t m = mlk_lda_scalings(model).cols;
    ck_assert_uint_eq(m, 3);
    mlk_mat Z = test_mat(200, m);
    require_ok(mlk_lda_transform(model, X, NULL, Z));
    double mean[4][3] = {{0}}, count[4] = {0}, S[3][3] = {{0}}, between[3][3] = {{0}};
    for (size_t i = 0; i < 200; i++) {
        count[(size_t)d.y.data[i]]++;
        for (size_t j = 0; j < m; j++)
            mean[(size_t)d.y.data[i]][j] += Z.data[i * m + j];
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t a = 0; a < m; a++)
            for (size_t b = 0; b < m; b++) {
                const size_t c = (size_t)d.y.data[i];
                S[a][b] += (Z.data[i * m + a] - mean[c][a] / count[c]) *
                           (Z.data[i * m + b] - mean[c][b] / count[c]) / 196.0;
                between[a][b] += mean[c][a] / count[c] * mean[c][b] / count[c];
            }
    const mlk_cvec ratio = mlk_lda_ratio(model);
    for (size_t a = 0; a < m; a++)
        for (size_t b = 0; b < m; b++) {
            require_close(S[a][b], a == b, 1e-12);
            require_close(between[a][b], a == b ? between[0][0] * ratio.data[a] / ratio.data[0] : 0,
                          1e-11);
        }
    ck_assert(ratio.data[0] > ratio.data[1] && ratio.data[1] > ratio.data[2]);
    require_close(ratio.data[0] + ratio.data[1] + ratio.data[2], 1.0, 1e-14);
    mlk_lda_free(model);
}
END_TEST

/* ------------------------------------------------------------------- scikit-learn */

static const struct {
    double shrinkage;
    const char *priors;
    double proba[12];
} sklearn[] = {
    {0.0,
     NULL,
     {0.22251996679438313, 0.033954374905480283, 0.74352565830013662, 0.089241162610122771,
      0.12535239121894176, 0.78540644617093547, 0.9934286372593073, 0.0056626216743972261,
      0.00090874106629544994, 0.45601015554787011, 0.27580464045403014, 0.26818520399809992}},
    {0.3,
     NULL,
     {0.26864652143573031, 0.32341560553667298, 0.4079378730275966, 0.47722367371208241,
      0.29495255469487219, 0.2278237715930454, 0.83954153555298472, 0.12075124225369153,
      0.039707222193323746, 0.40316658181370496, 0.3421981733438495, 0.25463524484244565}},
    {MLK_SHRINKAGE_AUTO,
     NULL,
     {0.1889700428304831, 0.044731435123098795, 0.76629852204641813, 0.052730205719145058,
      0.15356791421488414, 0.79370188006597076, 0.99058577067820308, 0.0088755612753671758,
      0.00053866804642959786, 0.42753033912264721, 0.32718146820244531, 0.24528819267490742}},
    {0.0,
     "0.2+0.5+0.3",
     {0.15640742532096114, 0.059665616010271573, 0.78392695866876738, 0.056455599900266933,
      0.19825056728910087, 0.74529383281063233, 0.98461797721587718, 0.014031000541130047,
      0.0013510222429926825, 0.29461835146035642, 0.44547861219262136, 0.25990303634702233}},
};

START_TEST(agrees_with_scikit_learn)
{
    const mlk_data d = case_data();
    mlk_lda *model = fit(&d, sklearn[_i].shrinkage, sklearn[_i].priors);
    mlk_mat P = proba(model, case_queries());
    for (size_t i = 0; i < 12; i++)
        require_close(P.data[i], sklearn[_i].proba[i], 1e-13);
    mlk_lda_free(model);
}
END_TEST

START_TEST(projects_as_scikit_learn_does)
{
    static const double expected[] = {0.91424725260543738,  1.2550447930463835,  1.0897649389175996,
                                      0.16485853440657572,  -2.7525806196329996, 1.9087685179637095,
                                      -0.15362917654083028, 0.24683909655076922};
    const mlk_data d = case_data();
    mlk_lda *model = fit(&d, 0.0, NULL);
    double Z[8];
    require_ok(mlk_lda_transform(model, case_queries(), NULL, (mlk_mat){Z, 4, 2, 2}));
    for (size_t j = 0; j < 2; j++) {
        const double sign = Z[j] * expected[j] < 0.0 ? -1.0 : 1.0;
        for (size_t i = 0; i < 4; i++)
            require_close(sign * Z[2 * i + j], expected[2 * i + j], 1e-12);
    }
    require_close(mlk_lda_ratio(model).data[0], 0.55020549829839382, 1e-13);
    mlk_lda_free(model);
}
END_TEST

START_TEST(two_classes_have_one_decision_and_one_coefficient_a_column)
{
    static const double expected[] = {-7.2992613678342479, 5.631450016187717, -17.253114835164276,
                                      -0.97002116831107088};
    mlk_mat X = test_mat(12, 3);
    mlk_vec y = test_vec(12);
    size_t n = 0;
    for (size_t i = 0; i < CASE_ROWS; i++)
        if (case_y[i] < 2.0) {
            memcpy(X.data + 3 * n, case_X + 3 * i, 3 * sizeof(double));
            y.data[n++] = case_y[i];
        }
    ck_assert_uint_eq(n, 12);
    const mlk_data d = {.X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = 2};
    mlk_model *model;
    double f[4];
    require_ok(mlk_model_fit(&mlk_lda_algo, NULL, &d, NULL, &model));
    require_ok(mlk_model_decision(model, case_queries(), NULL, (mlk_mat){f, 4, 1, 1}));
    mlk_doc *learned = mlk_doc_new();
    mlk_model_learned(model, learned);
    mlk_cmat coef;
    mlk_cvec b;
    require_ok(mlk_doc_get_mat(learned, "coef", 1, 3, &coef));
    require_ok(mlk_doc_get_vec(learned, "intercept", 1, &b));
    for (size_t i = 0; i < 4; i++) {
        require_close(f[i], expected[i], 1e-12);
        require_close(b.data[0] + test_dot(coef.data, case_Q + 3 * i, 3), expected[i], 1e-11);
    }
    mlk_doc_free(learned);
    mlk_model_free(model);
}
END_TEST

/* ------------------------------------------------------------------- collinearity */

static size_t n_warnings;
static void count_warning(void *user, const char *line)
{
    n_warnings += strstr(line, user) != NULL;
}

/* The rows of X with a combination of two columns, and a constant. */
static mlk_cmat widen(mlk_cmat X)
{
    mlk_mat wide = test_mat(X.rows, 5);
    for (size_t i = 0; i < X.rows; i++) {
        double *to = wide.data + 5 * i;
        memcpy(to, X.data + i * X.ld, 3 * sizeof(double));
        to[3] = to[0] - 2.0 * to[1];
        to[4] = 0.1;
    }
    return mlk_mat_c(wide);
}

START_TEST(columns_that_say_nothing_new_change_nothing_and_are_warned_of)
{
    char text[] = "the 5 columns have rank 3 within the classes";
    const mlk_run run = {.warn = count_warning, .user = text};
    mlk_data d = case_data();
    mlk_lda *model;
    d.X = widen(d.X);
    n_warnings = 0;
    require_ok(mlk_lda_fit(&d, NULL, &run, &model));
    ck_assert_uint_eq(n_warnings, 1);
    ck_assert_uint_eq(mlk_lda_rank(model), 3);
    mlk_mat P = proba(model, widen(case_queries()));
    for (size_t i = 0; i < 12; i++)
        require_close(P.data[i], sklearn[0].proba[i], 1e-12);
    mlk_lda_free(model);
}
END_TEST

START_TEST(units_do_not_matter)
{
    mlk_data d = case_data();
    mlk_mat X = test_mat(CASE_ROWS, 3), Q = test_mat(4, 3);
    const double unit[] = {1e-150, 1e140, -3.0}, shift[] = {0, 0, 1e6};
    for (size_t i = 0; i < CASE_ROWS; i++)
        for (size_t j = 0; j < 3; j++)
            X.data[3 * i + j] = unit[j] * case_X[3 * i + j] + shift[j];
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 3; j++)
            Q.data[3 * i + j] = unit[j] * case_Q[3 * i + j] + shift[j];
    d.X = mlk_mat_c(X);
    mlk_lda *model = fit(&d, 0.0, NULL);
    mlk_mat P = proba(model, mlk_mat_c(Q));
    for (size_t i = 0; i < 12; i++)
        require_close(P.data[i], sklearn[0].proba[i], 1e-8);
    mlk_lda_free(model);
}
END_TEST

START_TEST(full_shrinkage_compares_distances_from_the_means)
{
    const mlk_data d = case_data();
    mlk_lda *model = fit(&d, 1.0, "0.25+0.5+0.25");
    const mlk_cmat mean = mlk_lda_means(model);
    mlk_mat P = proba(model, case_queries());
    double scatter = 0.0, count[3] = {0};
    for (size_t i = 0; i < CASE_ROWS; i++)
        count[(size_t)case_y[i]]++;
    const double prior[] = {0.25, 0.5, 0.25};
    for (size_t i = 0; i < CASE_ROWS; i++)
        for (size_t j = 0; j < 3; j++) {
            const size_t c = (size_t)case_y[i];
            scatter +=
                prior[c] / count[c] * pow(case_X[3 * i + j] - mean.data[3 * c + j], 2.0) / 3.0;
        }
    mlk_mat expected = test_mat(4, 3);
    for (size_t i = 0; i < 4; i++)
        for (size_t c = 0; c < 3; c++) {
            double square = 0.0;
            for (size_t j = 0; j < 3; j++)
                square += pow(case_Q[3 * i + j] - mean.data[3 * c + j], 2.0);
            expected.data[3 * i + c] = log(prior[c]) - 0.5 * square / scatter;
        }
    to_probabilities(expected);
    for (size_t i = 0; i < 12; i++)
        require_close(P.data[i], expected.data[i], 1e-13);
    mlk_lda_free(model);
}
END_TEST

START_TEST(shrinkage_takes_more_columns_than_rows)
{
    const mlk_cmat X = test_random_mat(5, 20, 50);
    const mlk_data d = {.X = X, .y = test_classes(2, X, 2), .n_classes = 2};
    mlk_vec best = test_vec(20);
    const double both[] = {0.5, MLK_SHRINKAGE_AUTO};
    for (size_t k = 0; k < 2; k++) {
        mlk_lda *model = fit(&d, both[k], NULL);
        ck_assert_uint_eq(mlk_lda_rank(model), 50);
        require_ok(mlk_lda_predict(model, X, NULL, best));
        require_same(best.data, d.y.data, 20 * sizeof(double));
        mlk_lda_free(model);
    }
}
END_TEST

/* --------------------------------------------------------------------- bad input */

START_TEST(rejects_bad_input_and_says_why)
{
    const double X[] = {1, 2, 3, 4}, flat[] = {1, 1, 2, 2}, y[] = {0, 0, 1, 1}, each[] = {0, 1},
                 light[] = {0.2, 0.2, 0.2, 0.2}, huge[] = {-1e300, 1e300, 1, 2};
    const mlk_data data = {.X = {X, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    const mlk_data same = {.X = {flat, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    const mlk_data few = {.X = {X, 2, 1, 1}, .y = {each, 2}, .n_classes = 2};
    const mlk_data missing = {.X = {X, 4, 1, 1}, .y = {y, 4}, .n_classes = 3};
    const mlk_data weighted = {.X = {X, 4, 1, 1}, .y = {y, 4}, .w = {light, 4}, .n_classes = 2};
    const mlk_data wide = {.X = {huge, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    const mlk_data numbers = {.X = {X, 4, 1, 1}, .y = {y, 4}};
    const struct {
        const mlk_data *data;
        mlk_lda_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {&data, {1.5, NULL, 1e-4}, MLK_EINVAL, "shrinkage = 1.5 is outside auto | [0, 1]"},
        {&data, {0, NULL, 1}, MLK_EINVAL, "tol = 1 is outside"},
        {&data, {0, "0.5", 1e-4}, MLK_EINVAL, "1 values; expected one for each of 2 classes"},
        {&same, {0, NULL, 1e-4}, MLK_ESINGULAR, "no column varies within the classes"},
        {&same, {0.5, NULL, 1e-4}, MLK_ESINGULAR, "no column varies within the classes"},
        {&few, {0, NULL, 1e-4}, MLK_EINVAL, "2 rows of weight 2 in 2 classes; expected more"},
        {&weighted, {0, NULL, 1e-4}, MLK_EINVAL, "4 rows of weight 0.8 in 2 classes"},
        {&missing, {0, "0.3+0.3+0.4", 1e-4}, MLK_EINVAL, "class 2 has no rows, but a prior of 0.4"},
        {&wide, {0, NULL, 1e-4}, MLK_ESINGULAR, "the variance of column 0 overflows"},
        {&numbers, {0, NULL, 1e-4}, MLK_EINVAL, "class"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_lda *model;
        require_fail(mlk_lda_fit(cases[k].data, &cases[k].opts, NULL, &model), cases[k].status,
                     cases[k].text);
        ck_assert_ptr_null(model);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = case_data();
    const mlk_run run = {.threads = 1};
    const mlk_lda_opts opts = {MLK_SHRINKAGE_AUTO, NULL, 1e-4};
    mlk_lda *model;
    double Z[8];
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_lda_fit(&d, &opts, &run, &model);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_lda_transform(model, case_queries(), &run, (mlk_mat){Z, 4, 2, 2});
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    mlk_lda_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("bayes/lda");
    TCase *hand = test_case(s, "definition"), *errors = test_case(s, "errors");
    tcase_add_test(hand, is_what_the_definition_says);
    tcase_add_test(hand, two_classes_by_hand);
    tcase_add_test(hand, the_projection_whitens_the_classes_and_sorts_the_spread_of_the_means);
    tcase_add_loop_test(hand, agrees_with_scikit_learn, 0, (int)MLK_COUNT(sklearn));
    tcase_add_test(hand, projects_as_scikit_learn_does);
    tcase_add_test(hand, two_classes_have_one_decision_and_one_coefficient_a_column);
    tcase_add_test(hand, columns_that_say_nothing_new_change_nothing_and_are_warned_of);
    tcase_add_test(hand, units_do_not_matter);
    tcase_add_test(hand, full_shrinkage_compares_distances_from_the_means);
    tcase_add_test(hand, shrinkage_takes_more_columns_than_rows);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
