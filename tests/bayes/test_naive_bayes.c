#include <mlkit/bayes/naive_bayes.h>

#include "support/c_source.h"
#include "support/mlk_test.h"

static mlk_naive_bayes *fit(const mlk_data *data, mlk_naive_bayes_opts opts)
{
    mlk_naive_bayes *model;
    require_ok(mlk_naive_bayes_fit(data, &opts, NULL, &model));
    return model;
}

/* ------------------------------------------------------------------ play tennis [mitchell1997] */

/* outlook: 0 sunny, 1 overcast, 2 rain; temperature: 0 hot, 1 mild, 2 cool; humidity: 0 high, 1
 * normal; wind: 0 weak, 1 strong; play: 0 no, 1 yes */
static const double tennis[14][5] = {
    {0, 0, 0, 0, 0}, {0, 0, 0, 1, 0}, {1, 0, 0, 0, 1}, {2, 1, 0, 0, 1}, {2, 2, 1, 0, 1},
    {2, 2, 1, 1, 0}, {1, 2, 1, 1, 1}, {0, 1, 0, 0, 0}, {0, 2, 1, 0, 1}, {2, 1, 1, 0, 1},
    {0, 1, 1, 1, 1}, {1, 1, 0, 1, 1}, {1, 0, 1, 0, 1}, {2, 1, 0, 1, 0}};
static const size_t tennis_levels[] = {3, 3, 2, 2};

static mlk_data tennis_data(void)
{
    mlk_vec y = test_vec(14);
    for (size_t i = 0; i < 14; i++)
        y.data[i] = tennis[i][4];
    return (mlk_data){
        .X = {&tennis[0][0], 14, 4, 5}, .y = mlk_vec_c(y), .n_classes = 2, .levels = tennis_levels};
}

START_TEST(plays_tennis_as_the_textbook_does)
{
    const mlk_data data = tennis_data();
    const double day[] = {0, 2, 0, 1}; /* sunny, cool, high, strong */
    const double no = 5. / 14 * 3 / 5 * 1 / 5 * 4 / 5 * 3 / 5;
    const double yes = 9. / 14 * 2 / 9 * 3 / 9 * 3 / 9 * 3 / 9;
    mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
    double P[2], L[2];
    opts.alpha = 0.0;
    mlk_naive_bayes *model = fit(&data, opts);
    require_ok(mlk_naive_bayes_predict_proba(model, (mlk_cmat){day, 1, 4, 4}, NULL,
                                             (mlk_mat){P, 1, 2, 2}));
    require_ok(mlk_naive_bayes_joint(model, (mlk_cmat){day, 1, 4, 4}, NULL, (mlk_mat){L, 1, 2, 2}));
    require_close(P[0], no / (no + yes), 1e-9); /* 0.795 */
    require_close(L[0], log(no), 1e-9);
    require_close(L[1], log(yes), 1e-9);
    mlk_naive_bayes_free(model);
}
END_TEST

START_TEST(smoothing_adds_alpha_to_each_level)
{
    const mlk_data data = tennis_data();
    const double day[] = {1, 2, 0, 1}; /* overcast never met a "no" */
    const double no = 5. / 14 * 1 / 8 * 2 / 8 * 5 / 7 * 4 / 7;
    const double yes = 9. / 14 * 5 / 12 * 4 / 12 * 4 / 11 * 4 / 11;
    mlk_naive_bayes *model = fit(&data, mlk_naive_bayes_opts_default());
    double P[2];
    require_ok(mlk_naive_bayes_predict_proba(model, (mlk_cmat){day, 1, 4, 4}, NULL,
                                             (mlk_mat){P, 1, 2, 2}));
    require_close(P[1], yes / (no + yes), 1e-14);
    mlk_naive_bayes_free(model);
}
END_TEST

/* ------------------------------------------------------------------------- by hand */

START_TEST(mixes_numbers_and_categories_and_leaves_out_what_is_missing)
{
    const double X[] = {1.0, 0, 3.0, 1, (double)NAN, 1, 6.0, 0, 8.0, (double)NAN, 10.0, 0};
    const double y[] = {0, 0, 0, 1, 1, 1}, w[] = {1, 1, 2, 1, 2, 1};
    const size_t levels[] = {0, 2};
    const mlk_data data = {
        .X = {X, 6, 2, 2}, .y = {y, 6}, .w = {w, 6}, .n_classes = 2, .levels = levels};
    mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
    opts.var_smoothing = 0.0;
    mlk_naive_bayes *model = fit(&data, opts);
    /* Class 0: values 1, 3 -> mean 2, variance 1; levels 0: 1, 1: 3. Class 1: 6, 8 (twice), 10 ->
     * mean 8, variance 2; level 0: weight 2, level 1: 0. */
    const mlk_cmat number = mlk_naive_bayes_column(model, 0);
    const double expected[] = {2, 8, 1, 2};
    for (size_t i = 0; i < 4; i++)
        require_close(number.data[i], expected[i], 1e-14);
    const double rows[] = {4.0, 1, (double)NAN, 0, 4.0, MLK_UNSEEN, (double)NAN, (double)NAN};
    const double pi = acos(-1.0);
    const double d0 = exp(-0.5 * 4) / sqrt(2 * pi), d1 = exp(-0.5 * 16 / 2) / sqrt(2 * pi * 2);
    const double c0[] = {d0 * 4 / 6, 2. / 6, d0, 1}, c1[] = {d1 * 1 / 4, 3. / 4, d1, 1};
    mlk_mat P = test_mat(4, 2);
    require_ok(mlk_naive_bayes_predict_proba(model, (mlk_cmat){rows, 4, 2, 2}, NULL, P));
    for (size_t i = 0; i < 4; i++) /* both priors are a half */
        require_close(P.data[2 * i], c0[i] / (c0[i] + c1[i]), 1e-14);
    mlk_naive_bayes_free(model);
}
END_TEST

START_TEST(takes_the_priors_it_is_given)
{
    const mlk_data data = tennis_data();
    const double nothing[] = {(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    const char *texts[] = {"0.125+0.875", "0.125,0.875", "0.125 0.875"};
    for (size_t k = 0; k < 3; k++) {
        mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
        double P[2];
        opts.priors = texts[k];
        mlk_naive_bayes *model = fit(&data, opts);
        require_ok(mlk_naive_bayes_predict_proba(model, (mlk_cmat){nothing, 1, 4, 4}, NULL,
                                                 (mlk_mat){P, 1, 2, 2}));
        require_close(P[0], 0.125, 1e-15);
        mlk_naive_bayes_free(model);
    }
}
END_TEST

START_TEST(a_class_without_rows_has_probability_0)
{
    const double X[] = {1, 2, 3, 5, 6, 9}, y[] = {0, 0, 0, 2, 2, 2};
    const mlk_data data = {.X = {X, 6, 1, 1}, .y = {y, 6}, .n_classes = 3};
    for (int v = MLK_NAIVE_BAYES_AUTO; v <= MLK_NAIVE_BAYES_CATEGORICAL; v++) {
        mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
        mlk_mat P = test_mat(6, 3);
        opts.variant = v;
        mlk_naive_bayes *model = fit(&data, opts);
        require_ok(mlk_naive_bayes_predict_proba(model, data.X, NULL, P));
        for (size_t i = 0; i < 6; i++) {
            require_close(P.data[3 * i] + P.data[3 * i + 1] + P.data[3 * i + 2], 1.0, 1e-14);
            if (v != MLK_NAIVE_BAYES_COMPLEMENT)
                ck_assert(P.data[3 * i + 1] == 0.0);
        }
        mlk_naive_bayes_free(model);
    }
}
END_TEST

START_TEST(far_values_give_probabilities_all_the_same)
{
    const double X[] = {1, 2, 3, 5, 6, 9}, y[] = {0, 0, 0, 1, 1, 1},
                 far[] = {-1e200, 1e5, INFINITY};
    const mlk_data data = {.X = {X, 6, 1, 1}, .y = {y, 6}, .n_classes = 2};
    mlk_naive_bayes *model = fit(&data, mlk_naive_bayes_opts_default());
    mlk_mat P = test_mat(3, 2);
    require_ok(mlk_naive_bayes_predict_proba(model, (mlk_cmat){far, 3, 1, 1}, NULL, P));
    for (size_t i = 0; i < 3; i++)
        require_close(P.data[2 * i] + P.data[2 * i + 1], 1.0, 1e-14);
    ck_assert(P.data[3] == 1.0); /* the wider class */
    mlk_naive_bayes_free(model);
}
END_TEST

/* ---------------------------------------------------------------- scikit-learn */

static const double counts[] = {2, 0, 1, 1, 3, 0, 0, 2, 4, 5, 1, 0,
                                0, 0, 2, 3, 2, 1, 1, 1, 1, 0, 4, 2};
static const double count_class[] = {0, 1, 2, 0, 2, 1, 0, 2};
static const double count_weight[] = {1, 2, 0.5, 1, 3, 1, 0.25, 1};
static const double count_rows[] = {1, 1, 0, 0, 3, 2, 4, 0, 1};

static const struct {
    int variant;
    double proba[3][3];
} sklearn[] = {
    /* tests/reference/naive_bayes.py */
    {MLK_NAIVE_BAYES_GAUSSIAN,
     {{0.96744941110172566, 0.032550587209415636, 1.6888587665958337e-09},
      {1.4511329322398763e-07, 0.00149387736160795, 0.99850597752509884},
      {0.99999512006534197, 4.8799346586157631e-06, 3.2254034092129626e-127}}},
    {MLK_NAIVE_BAYES_MULTINOMIAL,
     {{0.27703330947336552, 0.67074005070132492, 0.052226639825309763},
      {0.0028332367225254733, 0.064058206040166363, 0.93310855723730834},
      {0.94480376945029554, 0.055167287855116529, 2.8942694588228078e-05}}},
    {MLK_NAIVE_BAYES_BERNOULLI,
     {{0.24614573083333202, 0.74681881204344491, 0.0070354571232231836},
      {0.063691811429334985, 0.078086445150808537, 0.85822174341985646},
      {0.56809948458569448, 0.14774083423707024, 0.28415968117723517}}},
    {MLK_NAIVE_BAYES_COMPLEMENT,
     {{0.40638583768469572, 0.42725630870310166, 0.1663578536122024},
      {0.044109710482152877, 0.15962153530668266, 0.79626875421116461},
      {0.85212043685054883, 0.099896953734166863, 0.047982609415284275}}},
    {MLK_NAIVE_BAYES_CATEGORICAL,
     {{0.4128535659726113, 0.57024845927499457, 0.016897974752393744},
      {0.0157806483666625, 0.068659949074649049, 0.91555940255868828},
      {0.59581103340738928, 0.14813208199729166, 0.25605688459531867}}},
};

START_TEST(agrees_with_scikit_learn)
{
    const mlk_cmat Q = {count_rows, 3, 3, 3};
    mlk_data data = {.X = {counts, 8, 3, 3}, .y = {count_class, 8}, .n_classes = 3};
    mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
    mlk_mat P = test_mat(3, 3);
    mlk_vec best = test_vec(3);
    opts.variant = sklearn[_i].variant;
    if (opts.variant == MLK_NAIVE_BAYES_GAUSSIAN) {
        opts.var_smoothing = 0.01;
    } else {
        opts.alpha = 0.5;
        data.w = (mlk_cvec){count_weight, 8};
    }
    mlk_naive_bayes *model = fit(&data, opts);
    require_ok(mlk_naive_bayes_predict_proba(model, Q, NULL, P));
    require_ok(mlk_naive_bayes_predict(model, Q, NULL, best));
    for (size_t i = 0; i < 3; i++) {
        size_t top = 0;
        for (size_t c = 0; c < 3; c++) {
            require_relative(P.data[3 * i + c], sklearn[_i].proba[i][c], 1e-11);
            if (sklearn[_i].proba[i][c] > sklearn[_i].proba[i][top])
                top = c;
        }
        ck_assert(best.data[i] == (double)top);
    }
    mlk_naive_bayes_free(model);
}
END_TEST

/* ------------------------------------------------------------------ invariances */

START_TEST(weights_count_as_repeated_rows)
{
    const double twice[] = {2, 1, 1, 3, 1, 1, 1, 1};
    mlk_mat X = test_mat(11, 3);
    mlk_vec y = test_vec(11);
    size_t n = 0;
    for (size_t i = 0; i < 8; i++)
        for (double t = 0; t < twice[i]; t++, n++) {
            memcpy(X.data + 3 * n, counts + 3 * i, 3 * sizeof(double));
            y.data[n] = count_class[i];
        }
    ck_assert_uint_eq(n, 11);
    const mlk_data once = {
        .X = {counts, 8, 3, 3}, .y = {count_class, 8}, .w = {twice, 8}, .n_classes = 3};
    const mlk_data many = {.X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = 3};
    for (int v = MLK_NAIVE_BAYES_AUTO; v <= MLK_NAIVE_BAYES_CATEGORICAL; v++) {
        mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
        mlk_mat P = test_mat(8, 3), Q = test_mat(8, 3);
        opts.variant = v;
        mlk_naive_bayes *a = fit(&once, opts), *b = fit(&many, opts);
        require_ok(mlk_naive_bayes_joint(a, once.X, NULL, P));
        require_ok(mlk_naive_bayes_joint(b, once.X, NULL, Q));
        for (size_t i = 0; i < 24; i++)
            require_relative(P.data[i], Q.data[i], 1e-10);
        mlk_naive_bayes_free(a);
        mlk_naive_bayes_free(b);
    }
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(3, 60000, 5);
    const mlk_data data = {.X = X, .y = test_classes(4, X, 3), .n_classes = 3};
    const int threads[] = {1, 2, 3, 8};
    mlk_mat first = test_mat(X.rows, 3), out = test_mat(X.rows, 3);
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_naive_bayes *model;
        require_ok(mlk_naive_bayes_fit(&data, NULL, &run, &model));
        require_ok(mlk_naive_bayes_predict_proba(model, X, &run, k ? out : first));
        if (k)
            require_same(first.data, out.data, 3 * X.rows * sizeof(double));
        mlk_naive_bayes_free(model);
    }
}
END_TEST

START_TEST(every_variant_survives_an_archive)
{
    mlk_data data = {.X = {counts, 8, 3, 3}, .y = {count_class, 8}, .n_classes = 3};
    const size_t levels[] = {0, 5, 0};
    data.levels = levels;
    for (int v = MLK_NAIVE_BAYES_AUTO; v <= MLK_NAIVE_BAYES_CATEGORICAL; v++) {
        mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
        mlk_doc *doc = mlk_doc_new();
        mlk_mat P = test_mat(8, 3), Q = test_mat(8, 3);
        mlk_model *model, *back;
        opts.variant = v;
        data.levels = v == MLK_NAIVE_BAYES_AUTO ? levels : NULL;
        require_ok(mlk_model_fit(&mlk_naive_bayes_algo, &opts, &data, NULL, &model));
        mlk_model_save(model, doc);
        require_ok(mlk_model_load(doc, &back));
        require_ok(mlk_model_predict_proba(model, data.X, NULL, P));
        require_ok(mlk_model_predict_proba(back, data.X, NULL, Q));
        require_same(P.data, Q.data, 24 * sizeof(double));
        mlk_model_free(model);
        mlk_model_free(back);
        mlk_doc_free(doc);
    }
}
END_TEST

START_TEST(its_c_source_says_the_same_for_every_variant)
{
    mlk_data data = {.X = {counts, 8, 3, 3}, .y = {count_class, 8}, .n_classes = 3};
    const size_t levels[] = {0, 5, 0};
    mlk_mat Q = test_mat(8, 3);
    memcpy(Q.data, counts, sizeof counts);
    Q.data[4] = NAN; /* missing; a level that training did not know; beyond what it knew */
    Q.data[7] = MLK_UNSEEN;
    Q.data[10] = 40.0;
    for (int v = MLK_NAIVE_BAYES_AUTO; v <= MLK_NAIVE_BAYES_CATEGORICAL; v++) {
        mlk_naive_bayes_opts opts = mlk_naive_bayes_opts_default();
        mlk_mat L = test_mat(8, 3);
        mlk_model *model;
        opts.variant = v;
        data.levels = v == MLK_NAIVE_BAYES_AUTO ? levels : NULL;
        require_ok(mlk_model_fit(&mlk_naive_bayes_algo, &opts, &data, NULL, &model));
        require_ok(mlk_model_decision(model, mlk_mat_c(Q), NULL, L));
        const mlk_mat scores = test_run_c_source(model, mlk_mat_c(Q), 3);
        for (size_t i = 0; i < 24; i++)
            require_close(scores.data[i], L.data[i], 1e-13 * (1.0 + fabs(L.data[i])));
        mlk_model_free(model);
    }
}
END_TEST

/* ------------------------------------------------------------------------- bad input */

START_TEST(rejects_bad_input_and_says_why)
{
    const double flat[] = {1, 1, 2, 3}, y[] = {0, 0, 1, 1}, odd[] = {1, -2, 0.5, 3};
    const size_t levels[] = {4};
    const mlk_data data = {.X = {flat, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    const mlk_data negative = {.X = {odd, 4, 1, 1}, .y = {y, 4}, .n_classes = 2};
    const mlk_data categories = {
        .X = {flat, 4, 1, 1}, .y = {y, 4}, .n_classes = 2, .levels = levels};
    const struct {
        const mlk_data *data;
        mlk_naive_bayes_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {&data, {0, -1, 1e-9, NULL}, MLK_EINVAL, "alpha = -1 is outside [0, inf)"},
        {&data, {0, 1, 0, NULL}, MLK_ESINGULAR, "column 0 does not vary in class 0"},
        {&data, {0, 1, 1e-9, "0.5"}, MLK_EINVAL, "1 values; expected one for each of 2 classes"},
        {&data, {0, 1, 1e-9, "0.5+0.6"}, MLK_EINVAL, "sum to 1.1; expected 1"},
        {&data, {0, 1, 1e-9, "half"}, MLK_EINVAL, "expected numbers in [0, 1]"},
        {&data, {0, 1, 1e-9, "0.5+-0.5"}, MLK_EINVAL, "expected numbers in [0, 1]"},
        {&data, {MLK_NAIVE_BAYES_GAUSSIAN, 2, 1e-9, NULL}, MLK_EINVAL, "alpha = 2 has no effect"},
        {&data, {MLK_NAIVE_BAYES_BERNOULLI, 1, 1, NULL}, MLK_EINVAL, "var_smoothing = 1 has no"},
        {&data, {MLK_NAIVE_BAYES_COMPLEMENT, 1, 1e-9, "1"}, MLK_EINVAL, "priors = 1 has no effect"},
        {&negative,
         {MLK_NAIVE_BAYES_MULTINOMIAL, 1, 1e-9, NULL},
         MLK_EINVAL,
         "column 0 has -2 in row 2; variant = multinomial expects counts >= 0"},
        {&negative,
         {MLK_NAIVE_BAYES_CATEGORICAL, 1, 1e-9, NULL},
         MLK_EINVAL,
         "column 0 has -2 in row 2; variant = categorical expects a code"},
        {&categories,
         {MLK_NAIVE_BAYES_GAUSSIAN, 1, 1e-9, NULL},
         MLK_EINVAL,
         "column 0 is categorical; variant = gaussian expects numbers"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_naive_bayes *model;
        require_fail(mlk_naive_bayes_fit(cases[k].data, &cases[k].opts, NULL, &model),
                     cases[k].status, cases[k].text);
        ck_assert_ptr_null(model);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data data = tennis_data();
    const mlk_run run = {.threads = 1};
    mlk_naive_bayes *model;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_naive_bayes_fit(&data, NULL, &run, &model);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_naive_bayes_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("bayes/naive_bayes");
    TCase *hand = test_case(s, "by hand"), *same = test_case(s, "invariance");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(hand, plays_tennis_as_the_textbook_does);
    tcase_add_test(hand, smoothing_adds_alpha_to_each_level);
    tcase_add_test(hand, mixes_numbers_and_categories_and_leaves_out_what_is_missing);
    tcase_add_test(hand, takes_the_priors_it_is_given);
    tcase_add_test(hand, a_class_without_rows_has_probability_0);
    tcase_add_test(hand, far_values_give_probabilities_all_the_same);
    tcase_add_loop_test(hand, agrees_with_scikit_learn, 0, (int)MLK_COUNT(sklearn));
    tcase_add_test(same, weights_count_as_repeated_rows);
    tcase_add_test(same, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(same, every_variant_survives_an_archive);
    tcase_add_test(same, its_c_source_says_the_same_for_every_variant);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
