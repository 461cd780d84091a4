#include <mlkit/bayes/lda.h>
#include <mlkit/bayes/qda.h>

#include "support/discriminant.h"

static mlk_qda *fit(const mlk_data *data, double shrinkage, const char *priors)
{
    mlk_qda_opts opts = mlk_qda_opts_default();
    mlk_qda *model;
    opts.shrinkage = shrinkage;
    opts.priors = priors;
    require_ok(mlk_qda_fit(data, &opts, NULL, &model));
    return model;
}

static mlk_mat proba(const mlk_qda *model, mlk_cmat X)
{
    mlk_mat P = test_mat(X.rows, mlk_qda_priors(model).n);
    require_ok(mlk_qda_predict_proba(model, X, NULL, P));
    return P;
}

START_TEST(is_what_the_definition_says)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const size_t p = 1 + seed % 6, k = 3 + seed % 2, n = 40 * k;
        const mlk_cmat X = test_random_mat(seed, n, p), Q = test_random_mat(seed + 100, 25, p);
        mlk_vec y = test_vec(n);
        for (size_t i = 0; i < n; i++)
            y.data[i] = (double)(i % k);
        const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = k};
        mlk_qda *model = fit(&d, 0.0, NULL);
        mlk_mat f = test_mat(25, k);
        const mlk_mat expected = literal_discriminant(&d, false, Q);
        require_ok(mlk_qda_decision(model, Q, NULL, f));
        for (size_t i = 0; i < Q.rows * k; i++)
            require_close(f.data[i], expected.data[i], 1e-11);
        mlk_qda_free(model);
    }
}
END_TEST

START_TEST(one_column_by_hand)
{
    /* N(1, 2) and N(6, 8), of 2 and 2 rows. */
    const double X[] = {0, 2, 4, 8}, y[] = {0, 0, 1, 1}, q[] = {3};
    const mlk_data d = {.X = {X, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    mlk_qda *model = fit(&d, 0.0, NULL);
    double f;
    require_ok(mlk_qda_decision(model, (mlk_cmat){q, 1, 1, 1}, NULL, (mlk_mat){&f, 1, 1, 1}));
    require_close(f, -0.5 * (log(8.0) + 9.0 / 8.0) + 0.5 * (log(2.0) + 4.0 / 2.0), 1e-14);
    mlk_qda_free(model);
}
END_TEST

/* tests/reference/discriminant.py */
static const struct {
    double shrinkage;
    const char *priors;
    double proba[12];
} reference[] = {
    {0.0,
     NULL,
     {0.00048471410372260702, 0.0010407503105736753, 0.99847453558570376, 9.7094754382902319e-22,
      0.01631602965848851, 0.98368397034151145, 4.6716068652274447e-17, 0.0014654988595360595,
      0.99853450114046383, 8.8664835033654815e-05, 0.65895990632857715, 0.34095142883638918}},
    {0.0,
     "0.2+0.5+0.3",
     {0.00032297083065909859, 0.0017336610887386966, 0.99794336808060224, 6.4033323188418358e-22,
      0.0269007735514134, 0.97309922644858671, 3.1113647757979331e-17, 0.0024401141095969393,
      0.99755988589040301, 4.1069153469966847e-05, 0.76306817447105502, 0.23689075637547499}},
    {0.3,
     NULL,
     {0.2420427301120498, 0.49571213932564206, 0.26224513056230819, 0.52932591909368765,
      0.26002988032753827, 0.210644200578774, 0.82343953195575548, 0.097353988108219033,
      0.07920647993602549, 0.35339245881762782, 0.4834094386903337, 0.16319810249203845}},
    {MLK_SHRINKAGE_AUTO,
     NULL,
     {0.2946150733411928, 9.5609267688767798e-05, 0.70528931739111833, 0.00022277653608937582,
      0.22987147943287534, 0.76990574403103529, 0.94372369569931214, 1.1388212090902488e-06,
      0.05627516547947866, 0.36918588864685381, 0.29604683051041447, 0.33476728084273166}},
};

START_TEST(agrees_with_scikit_learn)
{
    const mlk_data d = case_data();
    mlk_qda *model = fit(&d, reference[_i].shrinkage, reference[_i].priors);
    mlk_mat P = proba(model, case_queries());
    for (size_t i = 0; i < 12; i++)
        require_relative(P.data[i], reference[_i].proba[i], 1e-11);
    mlk_qda_free(model);
}
END_TEST

START_TEST(the_scalings_invert_the_covariance)
{
    const mlk_data d = case_data();
    mlk_qda *model = fit(&d, 0.0, NULL);
    for (size_t c = 0; c < 3; c++) {
        const mlk_cmat W = mlk_qda_scalings(model, c);
        double S[3][3] = {{0}}, count = 0;
        for (size_t i = 0; i < CASE_ROWS; i++)
            count += case_y[i] == (double)c;
        for (size_t i = 0; i < CASE_ROWS; i++)
            for (size_t a = 0; case_y[i] == (double)c && a < 3; a++)
                for (size_t b = 0; b < 3; b++)
                    S[a][b] += (case_X[3 * i + a] - mlk_qda_means(model).data[3 * c + a]) *
                               (case_X[3 * i + b] - mlk_qda_means(model).data[3 * c + b]) /
                               (count - 1);
        for (size_t r = 0; r < 3; r++)
            for (size_t s = 0; s < 3; s++) {
                double sum = 0.0;
                for (size_t a = 0; a < 3; a++)
                    for (size_t b = 0; b < 3; b++)
                        sum += W.data[a * 3 + r] * S[a][b] * W.data[b * 3 + s];
                require_close(sum, r == s, 1e-12);
            }
    }
    mlk_qda_free(model);
}
END_TEST

static size_t n_warnings;
static void count_warning(void *user, const char *line)
{
    n_warnings += strstr(line, user) != NULL;
}

START_TEST(a_column_that_depends_on_others_in_all_classes_is_left_out)
{
    char text[] = "the 4 columns have rank 3 within the classes";
    const mlk_run run = {.warn = count_warning, .user = text};
    mlk_mat X = test_mat(CASE_ROWS, 4), Q = test_mat(4, 4);
    for (size_t i = 0; i < CASE_ROWS + 4; i++) {
        double *to = i < 4 ? Q.data + 4 * i : X.data + 4 * (i - 4);
        memcpy(to, i < 4 ? case_Q + 3 * i : case_X + 3 * (i - 4), 3 * sizeof(double));
        to[3] = to[2] - 10.0 * to[0];
    }
    mlk_data d = case_data();
    mlk_qda *model;
    d.X = mlk_mat_c(X);
    n_warnings = 0;
    require_ok(mlk_qda_fit(&d, NULL, &run, &model));
    ck_assert_uint_eq(n_warnings, 1);
    mlk_mat P = proba(model, mlk_mat_c(Q));
    for (size_t i = 0; i < 12; i++)
        require_relative(P.data[i], reference[0].proba[i], 1e-9);
    mlk_qda_free(model);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const double X[] = {1, 2, 3, 4, 5, 5}, y[] = {0, 0, 1, 1, 2, 2}, lone[] = {0, 0, 0, 0, 0, 1},
                 huge[] = {-1e300, 1e300, 1, 2, 3, 4};
    const mlk_data data = {.X = {X, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    const mlk_data flat = {.X = {X, 6, 1, 1}, .y = {y, 6}, .n_classes = 3};
    const mlk_data one = {.X = {X, 6, 1, 1}, .y = {lone, 6}, .n_classes = 2};
    const mlk_data missing = {.X = {X, 4, 1, 1}, .y = {y, 4}, .n_classes = 3};
    const mlk_data wide = {.X = {huge, 6, 1, 1}, .y = {y, 6}, .n_classes = 3};
    const struct {
        const mlk_data *data;
        mlk_qda_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {&data, {-0.5, NULL, 1e-4}, MLK_EINVAL, "shrinkage = -0.5 is outside auto | [0, 1]"},
        {&data, {0, NULL, NAN}, MLK_EINVAL, "tol = nan is outside"},
        {&flat,
         {0, NULL, 1e-4},
         MLK_ESINGULAR,
         "the covariance of class 2 (2 rows) has rank 0 of 1; expected full rank, or shrinkage"},
        {&flat, {0.5, NULL, 1e-4}, MLK_ESINGULAR, "the covariance of class 2 (2 rows) has rank 0"},
        {&one, {0, NULL, 1e-4}, MLK_EINVAL, "class 1 has 1 row of weight 1; expected more than 1"},
        {&missing, {0, "0.3+0.3+0.4", 1e-4}, MLK_EINVAL, "class 2 has no rows, but a prior of 0.4"},
        {&wide, {0, NULL, 1e-4}, MLK_ESINGULAR, "the variance of column 0 overflows"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_qda *model;
        require_fail(mlk_qda_fit(cases[k].data, &cases[k].opts, NULL, &model), cases[k].status,
                     cases[k].text);
        ck_assert_ptr_null(model);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_mat X = test_mat(CASE_ROWS, 4);
    mlk_data d = case_data();
    const mlk_run run = {.threads = 1};
    mlk_qda *model;
    mlk_status st = MLK_ENOMEM;
    for (size_t i = 0; i < CASE_ROWS; i++) { /* a column twice: the long way */
        memcpy(X.data + 4 * i, case_X + 3 * i, 3 * sizeof(double));
        X.data[4 * i + 3] = case_X[3 * i];
    }
    d.X = mlk_mat_c(X);
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_qda_fit(&d, NULL, &run, &model);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_qda_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("bayes/qda");
    TCase *hand = test_case(s, "definition"), *errors = test_case(s, "errors");
    tcase_add_test(hand, is_what_the_definition_says);
    tcase_add_test(hand, one_column_by_hand);
    tcase_add_loop_test(hand, agrees_with_scikit_learn, 0, (int)MLK_COUNT(reference));
    tcase_add_test(hand, the_scalings_invert_the_covariance);
    tcase_add_test(hand, a_column_that_depends_on_others_in_all_classes_is_left_out);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
