#include <mlkit/ensemble/voting.h>

#include "support/mlk_test.h"

static mlk_voting *fit(const mlk_data *d, const char *models, int voting, int threads)
{
    const mlk_voting_opts o = {.models = models, .voting = voting};
    mlk_voting *f;
    require_ok(mlk_voting_fit(d, &o, &(mlk_run){.threads = threads}, &f));
    return f;
}

static mlk_data sample(uint64_t seed, size_t n, size_t k)
{
    return test_data(seed, test_random_mat(seed, n, 3), k, 0.5);
}

/* What one algorithm says by itself. */
static mlk_model *alone(const char *name, const char *option, const char *value, const mlk_data *d)
{
    const mlk_algo *a = mlk_algo_find(name);
    void *opts = test_alloc(a->opts_size);
    mlk_model *m;
    mlk_opts_set_default(a->opts, opts);
    require_ok(mlk_opts_parse(a->opts, name, option, value, opts));
    require_ok(mlk_model_fit(a, opts, d, NULL, &m));
    return m;
}

START_TEST(of_numbers_is_the_mean_of_the_models)
{
    const mlk_data d = sample(1, 50, 0);
    mlk_voting *f = fit(&d, "ridge:alpha=1e+2+tree:max_depth=2", MLK_VOTING_SOFT, 2);
    mlk_model *a = alone("ridge", "alpha", "100", &d), *b = alone("tree", "max_depth", "2", &d);
    mlk_vec mean = test_vec(50), va = test_vec(50), vb = test_vec(50);
    ck_assert_uint_eq(mlk_voting_n_members(f), 2);
    require_ok(mlk_voting_predict(f, d.X, NULL, mean));
    require_ok(mlk_model_predict(a, d.X, NULL, va));
    require_ok(mlk_model_predict(b, d.X, NULL, vb));
    for (size_t i = 0; i < 50; i++)
        require_close(mean.data[i], 0.5 * (va.data[i] + vb.data[i]), 1e-12);
    mlk_model_free(a);
    mlk_model_free(b);
    mlk_voting_free(f);
}
END_TEST

START_TEST(soft_voting_is_the_mean_of_probabilities)
{
    const mlk_data d = sample(2, 60, 3);
    mlk_voting *f = fit(&d, "tree:max_depth=2+logistic:C=0.1", MLK_VOTING_SOFT, 1);
    mlk_model *a = alone("tree", "max_depth", "2", &d), *b = alone("logistic", "C", "0.1", &d);
    mlk_mat mean = test_mat(60, 3), pa = test_mat(60, 3), pb = test_mat(60, 3);
    mlk_vec out = test_vec(60);
    require_ok(mlk_voting_predict_proba(f, d.X, NULL, mean));
    require_ok(mlk_voting_predict(f, d.X, NULL, out));
    require_ok(mlk_model_predict_proba(a, d.X, NULL, pa));
    require_ok(mlk_model_predict_proba(b, d.X, NULL, pb));
    for (size_t i = 0; i < 60; i++)
        for (size_t c = 0; c < 3; c++) {
            const size_t at = 3 * i + c;
            require_close(mean.data[at], 0.5 * (pa.data[at] + pb.data[at]), 1e-9);
            ck_assert(mean.data[3 * i + (size_t)out.data[i]] >= mean.data[at]);
        }
    mlk_model_free(a);
    mlk_model_free(b);
    mlk_voting_free(f);
}
END_TEST

START_TEST(hard_voting_is_the_majority_and_ties_go_to_the_lowest_class)
{
    const mlk_data d = sample(3, 80, 3);
    mlk_voting *f =
        fit(&d, "tree:max_depth=1+logistic+linear-svc+tree:max_depth=2", MLK_VOTING_HARD, 1);
    mlk_mat shares = test_mat(80, 3);
    mlk_vec out = test_vec(80), v = test_vec(80);
    double votes[80][3] = {{0}};
    size_t ties = 0;
    for (size_t m = 0; m < 4; m++) {
        require_ok(mlk_model_predict(mlk_voting_member(f, m), d.X, NULL, v));
        for (size_t i = 0; i < 80; i++)
            votes[i][(size_t)v.data[i]]++;
    }
    require_ok(mlk_voting_predict_proba(f, d.X, NULL, shares));
    require_ok(mlk_voting_predict(f, d.X, NULL, out));
    for (size_t i = 0; i < 80; i++) {
        size_t best = 0;
        for (size_t c = 0; c < 3; c++) {
            require_close(shares.data[3 * i + c], votes[i][c] / 4.0, 1e-15);
            best = votes[i][c] > votes[i][best] ? c : best;
            ties += c > 0 && votes[i][c] == 2.0 && votes[i][best] == 2.0 && best != c;
        }
        ck_assert_uint_eq((size_t)out.data[i], best);
    }
    ck_assert_uint_gt(ties, 0); /* else this test would show nothing */
    mlk_voting_free(f);
}
END_TEST

START_TEST(each_model_gets_the_preprocessing_it_asks_for)
{
    enum { N = 200 };
    static const size_t levels[] = {0, 3};
    const mlk_cmat Z = test_random_mat(4, N, 2);
    mlk_mat X = test_mat(N, 2);
    mlk_vec y = test_vec(N), out = test_vec(N);
    double right = 0.0;
    for (size_t i = 0; i < N; i++) {
        X.data[2 * i] = i % 9 ? 1e6 * Z.data[2 * i] : (double)NAN;
        X.data[2 * i + 1] = Z.data[2 * i + 1] < -0.4 ? 0.0 : Z.data[2 * i + 1] < 0.4 ? 1.0 : 2.0;
        y.data[i] = X.data[2 * i + 1] == 1.0; /* the middle level: no order shows it */
    }
    const mlk_data d = {.X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = 2, .levels = levels};
    mlk_voting *f = fit(&d, "svc+logistic+tree", MLK_VOTING_HARD, 2);
    for (size_t m = 0; m < 3; m++) {
        require_ok(mlk_model_predict(mlk_voting_member(f, m), d.X, NULL, out));
        right = 0.0;
        for (size_t i = 0; i < N; i++)
            right += out.data[i] == y.data[i];
        ck_assert_msg(right >= 0.98 * N, "member %zu: %g of 200", m, right);
    }
    mlk_voting_free(f);
}
END_TEST

START_TEST(members_that_draw_have_streams_of_their_own)
{
    const mlk_data d = sample(5, 60, 0);
    mlk_voting *f = fit(&d, "forest:n_estimators=1+forest:n_estimators=1", MLK_VOTING_SOFT, 2);
    mlk_vec a = test_vec(60), b = test_vec(60);
    require_ok(mlk_model_predict(mlk_voting_member(f, 0), d.X, NULL, a));
    require_ok(mlk_model_predict(mlk_voting_member(f, 1), d.X, NULL, b));
    ck_assert(memcmp(a.data, b.data, 60 * sizeof(double)) != 0);
    mlk_voting_free(f);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_data d = sample(6, 1500, 3);
    const char *models = "forest:n_estimators=3+logistic+tree";
    mlk_mat first = test_mat(1500, 3), out = test_mat(1500, 3);
    for (int threads = 1; threads <= 8; threads += 1 + threads / 3) {
        const mlk_run run = {.threads = threads};
        mlk_voting *f = fit(&d, models, MLK_VOTING_SOFT, threads);
        require_ok(mlk_voting_predict_proba(f, d.X, &run, threads == 1 ? first : out));
        if (threads > 1)
            require_same(first.data, out.data, 4500 * sizeof(double));
        mlk_voting_free(f);
    }
}
END_TEST

/* The mean of unlike models of concrete is better than the mean of their scores. */
START_TEST(beats_its_average_member_on_concrete)
{
    const char *path = test_shared_path("datasets/concrete.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(file.rows), out = test_vec(file.rows);
    double error[4] = {0};
    const size_t half = y.n / 2; /* rows in turn: every other one is held out */
    for (size_t i = 0; i < half; i++) {
        y.data[i] = file.data[18 * i + 8];
        y.data[half + i] = file.data[18 * i + 17];
    }
    const mlk_data d = {.X = {file.data, half, 8, 18}, .y = {y.data, half}};
    const mlk_cmat rest = {file.data + 9, half, 8, 18};
    mlk_voting *f = fit(&d, "ridge+tree+svr:C=100", MLK_VOTING_SOFT, 0);
    for (size_t m = 0; m < 4; m++) {
        const mlk_vec v = {out.data, rest.rows};
        if (m < 3)
            require_ok(mlk_model_predict(mlk_voting_member(f, m), rest, NULL, v));
        else
            require_ok(mlk_voting_predict(f, rest, NULL, v));
        for (size_t i = 0; i < rest.rows; i++)
            error[m] += pow(v.data[i] - y.data[half + i], 2.0);
    }
    const double mean = (error[0] + error[1] + error[2]) / 3.0;
    ck_assert_msg(error[3] < 0.9 * mean, "%g, members %g %g %g", error[3], error[0], error[1],
                  error[2]);
    mlk_voting_free(f);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    static const struct {
        const char *models, *text;
        size_t k;
    } bad[] = {
        {"", "models of voting has an empty name; expected models joined by '+'", 2},
        {"tree+", "models of voting has an empty name", 2},
        {"+tree", "models of voting has an empty name", 2},
        {"tree++tree", "models of voting has an empty name", 2},
        {"tree+logistik", "unknown model 'logistik' in models of voting; did you mean 'logistic'?",
         2},
        {"tree+logistic", "logistic in models of voting does not predict numbers", 0},
        {"tree+ridge", "ridge in models of voting does not predict classes", 2},
        {"tree+svc:C=-3", "C = -3 is outside (0, inf)", 2},
        {"tree+linear-svc", "voting = soft, but linear-svc has no class probabilities", 2},
        {"tree+svc", "voting = soft, but svc has no class probabilities; expected hard", 2},
        {NULL, "models of voting is not given", 2},
    };
    mlk_voting *f;
    for (size_t i = 0; i < MLK_COUNT(bad); i++) {
        const mlk_data d = sample(7, 30, bad[i].k);
        const mlk_voting_opts o = {.models = bad[i].models};
        require_fail(mlk_voting_fit(&d, &o, NULL, &f), MLK_EINVAL, bad[i].text);
        ck_assert_ptr_null(f);
    }
    const mlk_data d = sample(7, 30, 0);
    require_fail(mlk_voting_fit(&d, &(mlk_voting_opts){.models = "tree", .voting = 1}, NULL, &f),
                 MLK_EINVAL, "voting = hard is for classification");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/voting");
    TCase *mean = test_case(s, "mean"), *others = test_case(s, "others");
    tcase_add_test(mean, of_numbers_is_the_mean_of_the_models);
    tcase_add_test(mean, soft_voting_is_the_mean_of_probabilities);
    tcase_add_test(mean, hard_voting_is_the_majority_and_ties_go_to_the_lowest_class);
    tcase_add_test(mean, each_model_gets_the_preprocessing_it_asks_for);
    tcase_add_test(others, members_that_draw_have_streams_of_their_own);
    tcase_add_test(others, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(others, beats_its_average_member_on_concrete);
    tcase_add_test(others, rejects_bad_input_and_says_why);
    return s;
}
