#include <mlkit/ensemble/bagging.h>

#include "support/mlk_test.h"

static mlk_bagging *fit(const mlk_data *d, mlk_bagging_opts o, int threads)
{
    mlk_bagging *f;
    require_ok(mlk_bagging_fit(d, &o, &(mlk_run){.threads = threads}, &f));
    return f;
}

static mlk_bagging_opts with(const char *base, int64_t n)
{
    mlk_bagging_opts o = mlk_bagging_opts_default();
    o.base = base;
    o.n_estimators = n;
    return o;
}

/* Numbers, a column of levels, and holes in both. */
static mlk_data mixed(uint64_t seed, size_t n, size_t k)
{
    static const size_t levels[] = {0, 4, 0};
    const mlk_cmat Z = test_random_mat(seed, n, 3);
    mlk_mat X = test_mat(n, 3);
    for (size_t i = 0; i < n * 3; i++) {
        X.data[i] = i % 3 == 1 ? floor(2.0 + fmax(-2.0, fmin(1.9, Z.data[i]))) : Z.data[i];
        if (i % 17 == 0)
            X.data[i] = NAN;
    }
    return (mlk_data){.X = mlk_mat_c(X),
                      .y = k ? test_classes(seed, Z, k) : test_linear_target(seed, Z, 0.3),
                      .n_classes = k,
                      .levels = levels};
}

/* ---------------------------------------------------------------------- the mean */

static const char *const bases[] = {"tree:max_depth=3", "forest:n_estimators=2"};

START_TEST(is_the_mean_of_its_members)
{
    for (size_t k = 0; k <= 3; k += 3) {
        const mlk_data d = mixed(1, 120, k);
        mlk_bagging_opts o = with(bases[_i], 4);
        o.max_features = 2;
        mlk_bagging *f = fit(&d, o, 1);
        const size_t width = k ? k : 1;
        mlk_mat mean = test_mat(120, width), own = test_mat(120, 2), said = test_mat(120, width);
        mlk_mat shares = test_mat(120, width);
        mlk_vec out = test_vec(120);
        for (size_t b = 0; b < 4; b++) {
            size_t q;
            const uint32_t *column = mlk_bagging_columns(f, b, &q);
            ck_assert_uint_eq(q, 2);
            ck_assert(column[0] != column[1] && column[0] < 3 && column[1] < 3);
            for (size_t i = 0; i < 240; i++)
                own.data[i] = d.X.data[i / 2 * 3 + column[i % 2]];
            const mlk_model *m = mlk_bagging_member(f, b);
            if (k)
                require_ok(mlk_model_predict_proba(m, mlk_mat_c(own), NULL, said));
            else
                require_ok(mlk_model_predict(m, mlk_mat_c(own), NULL, (mlk_vec){said.data, 120}));
            for (size_t i = 0; i < 120 * width; i++)
                mean.data[i] += said.data[i] / 4.0;
        }
        require_ok(mlk_bagging_predict(f, d.X, NULL, out));
        if (k)
            require_ok(mlk_bagging_predict_proba(f, d.X, NULL, shares));
        for (size_t i = 0; i < 120; i++)
            for (size_t c = 0; c < width; c++) {
                require_close(k ? shares.data[i * k + c] : out.data[i], mean.data[i * width + c],
                              1e-12);
                if (k)
                    ck_assert(mean.data[i * k + (size_t)out.data[i]] >=
                              mean.data[i * k + c] - 1e-12);
            }
        mlk_bagging_free(f);
    }
}
END_TEST

START_TEST(a_base_without_probabilities_votes)
{
    const mlk_cmat X = test_random_mat(3, 90, 2);
    const mlk_data d = {.X = X, .y = test_classes(3, X, 3), .n_classes = 3};
    mlk_bagging *f = fit(&d, with("linear-svc", 5), 1);
    mlk_mat shares = test_mat(90, 3), votes = test_mat(90, 3), own = test_mat(90, 2);
    mlk_vec out = test_vec(90);
    for (size_t b = 0; b < 5; b++) {
        size_t q;
        const uint32_t *column = mlk_bagging_columns(f, b, &q);
        for (size_t i = 0; i < 180; i++)
            own.data[i] = X.data[i / 2 * 2 + column[i % 2]];
        require_ok(mlk_model_predict(mlk_bagging_member(f, b), mlk_mat_c(own), NULL, out));
        for (size_t i = 0; i < 90; i++)
            votes.data[i * 3 + (size_t)out.data[i]]++;
    }
    require_ok(mlk_bagging_predict_proba(f, X, NULL, shares));
    for (size_t i = 0; i < 270; i++)
        require_close(shares.data[i], votes.data[i] / 5.0, 1e-15);
    mlk_bagging_free(f);
}
END_TEST

START_TEST(of_all_rows_is_the_base_itself)
{
    const mlk_cmat X = test_random_mat(5, 50, 4);
    const mlk_data d = {.X = X, .y = test_linear_target(5, X, 1.0)};
    mlk_bagging_opts o = with("ridge:alpha=1e+1", 3);
    o.bootstrap = false;
    mlk_bagging *f = fit(&d, o, 2);
    mlk_vec all = test_vec(50), one = test_vec(50);
    const mlk_algo *ridge = mlk_algo_find("ridge");
    void *opts = test_alloc(ridge->opts_size);
    mlk_opts_set_default(ridge->opts, opts);
    require_ok(mlk_opts_parse(ridge->opts, "ridge", "alpha", "10", opts));
    mlk_model *alone;
    require_ok(mlk_model_fit(ridge, opts, &d, NULL, &alone));
    require_ok(mlk_bagging_predict(f, X, NULL, all));
    require_ok(mlk_model_predict(alone, X, NULL, one));
    for (size_t i = 0; i < 50; i++)
        require_relative(all.data[i], one.data[i], 1e-12);
    mlk_model_free(alone);
    mlk_bagging_free(f);
}
END_TEST

/* ---------------------------------------------------------------------- samples */

/* A member of a tree to purity knows its rows: those of one member are the rows without an
 * out-of-bag prediction. */
START_TEST(draws_with_replacement)
{
    enum { N = 4000 };
    const mlk_cmat X = test_random_mat(7, N, 2);
    const mlk_data d = {.X = X, .y = test_linear_target(7, X, 0.5)};
    mlk_bagging_opts o = with("tree", 1);
    o.oob_score = true;
    mlk_bagging *f = fit(&d, o, 2);
    mlk_vec out = test_vec(N);
    const mlk_cmat oob = mlk_bagging_oob_decision(f);
    double drawn = 0.0, error = 0.0, mean = 0.0, spread = 0.0;
    require_ok(mlk_bagging_predict(f, X, NULL, out));
    for (size_t i = 0; i < N; i++) {
        if (isnan(oob.data[i])) {
            require_close(out.data[i], d.y.data[i], 1e-12);
            drawn++;
        } else {
            require_close(oob.data[i], out.data[i], 1e-12);
            mean += d.y.data[i];
        }
    }
    mean /= N - drawn;
    for (size_t i = 0; i < N; i++)
        if (!isnan(oob.data[i])) {
            error += pow(d.y.data[i] - oob.data[i], 2.0);
            spread += pow(d.y.data[i] - mean, 2.0);
        }
    require_close(mlk_bagging_oob_score(f), 1.0 - error / spread, 1e-12);
    /* 1 - 1/e of the rows, with a standard deviation of sqrt(n (e - 2)) / e; 5 of them */
    require_close(drawn / N, 1.0 - exp(-1.0), 5.0 * sqrt((exp(1.0) - 2.0) / N) / exp(1.0));
    mlk_bagging_free(f);
}
END_TEST

START_TEST(draws_without_replacement)
{
    const mlk_cmat X = test_random_mat(8, 100, 2);
    const mlk_data d = {.X = X, .y = test_linear_target(8, X, 0.5)};
    mlk_bagging_opts o = with("tree", 1);
    o.bootstrap = false;
    o.max_samples = 30;
    o.oob_score = true;
    mlk_bagging *f = fit(&d, o, 1);
    size_t drawn = 0;
    for (size_t i = 0; i < 100; i++)
        drawn += isnan(mlk_bagging_oob_decision(f).data[i]) != 0;
    ck_assert_uint_eq(drawn, 30);
    mlk_bagging_free(f);
}
END_TEST

START_TEST(rare_classes_are_in_every_sample)
{
    const mlk_cmat X = test_random_mat(9, 200, 2);
    mlk_vec y = test_vec(200);
    for (size_t i = 0; i < 200; i++)
        y.data[i] = (double)(i % 2);
    y.data[0] = 2.0;
    const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = 3};
    mlk_bagging *f = fit(&d, with("tree", 30), 2);
    mlk_mat shares = test_mat(1, 3);
    require_ok(mlk_bagging_predict_proba(f, mlk_cmat_rows(X, 0, 1), NULL, shares));
    require_close(shares.data[2], 1.0, 0.0);
    mlk_bagging_free(f);
}
END_TEST

START_TEST(first_members_do_not_depend_on_how_many_follow)
{
    const mlk_data d = mixed(10, 80, 0);
    mlk_bagging *few = fit(&d, with("tree", 2), 1), *many = fit(&d, with("tree", 5), 3);
    mlk_vec a = test_vec(80), b = test_vec(80);
    for (size_t m = 0; m < 2; m++) {
        require_ok(mlk_model_predict(mlk_bagging_member(few, m), d.X, NULL, a));
        require_ok(mlk_model_predict(mlk_bagging_member(many, m), d.X, NULL, b));
        require_same(a.data, b.data, 80 * sizeof(double));
    }
    require_ok(mlk_model_predict(mlk_bagging_member(many, 2), d.X, NULL, a));
    ck_assert(memcmp(a.data, b.data, 80 * sizeof(double)) != 0);
    mlk_bagging_free(few);
    mlk_bagging_free(many);
}
END_TEST

/* ---------------------------------------------------------------------- the whole */

START_TEST(any_base_gets_the_preprocessing_it_asks_for)
{
    static const char *const any[] = {"tree", "logistic", "svc:probability=true", "linear-svc"};
    const mlk_data d = mixed(11, 150, 2);
    for (size_t b = 0; b < MLK_COUNT(any); b++) {
        mlk_bagging *f = fit(&d, with(any[b], 3), 2);
        mlk_vec out = test_vec(150);
        size_t right = 0;
        require_ok(mlk_bagging_predict(f, d.X, NULL, out));
        for (size_t i = 0; i < 150; i++)
            right += out.data[i] == d.y.data[i];
        ck_assert_msg(right > 110, "%s: %zu of 150", any[b], right);
        mlk_bagging_free(f);
    }
}
END_TEST

START_TEST(beats_one_tree_on_concrete) /* scikit-learn 1.2.1: oob 0.914 to 0.922 with 50 trees */
{
    const char *path = test_shared_path("datasets/concrete.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(file.rows);
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = file.data[9 * i + 8];
    const mlk_data d = {.X = {file.data, y.n, 8, 9}, .y = mlk_vec_c(y)};
    double score[2];
    for (int i = 0; i < 2; i++) {
        mlk_bagging_opts o = with("tree", i ? 50 : 1);
        o.oob_score = true;
        mlk_bagging *f = fit(&d, o, 0);
        score[i] = mlk_bagging_oob_score(f);
        mlk_bagging_free(f);
    }
    ck_assert_msg(score[1] > 0.905 && score[1] > score[0] + 0.05, "%g and %g", score[0], score[1]);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_data d = mixed(12, 3000, 3);
    mlk_bagging_opts o = with("tree:max_depth=6", 7);
    o.oob_score = true;
    o.max_features = 0.7;
    mlk_mat first = test_mat(3000, 3), out = test_mat(3000, 3);
    mlk_bagging *one = fit(&d, o, 1);
    require_ok(mlk_bagging_predict_proba(one, d.X, &(mlk_run){.threads = 1}, first));
    for (int threads = 2; threads <= 8; threads += threads) {
        const mlk_run run = {.threads = threads};
        mlk_bagging *f = fit(&d, o, threads);
        require_ok(mlk_bagging_predict_proba(f, d.X, &run, out));
        require_same(first.data, out.data, 9000 * sizeof(double));
        require_same(mlk_bagging_oob_decision(one).data, mlk_bagging_oob_decision(f).data,
                     9000 * sizeof(double));
        mlk_bagging_free(f);
    }
    mlk_bagging_free(one);
}
END_TEST

/* ------------------------------------------------------------------------ errors */

START_TEST(rejects_bad_input_and_says_why)
{
    static const struct {
        const char *base, *text;
    } bad[] = {
        {"", "base of bagging has an empty name; expected a model"},
        {"tre", "unknown model 'tre' in base of bagging; did you mean 'tree'?"},
        {"pipeline", "unknown model 'pipeline' in base of bagging"},
        {"logistic", "logistic in base of bagging does not predict numbers"},
        {"one-class-svm", "one-class-svm in base of bagging does not predict numbers"},
        {"tree:max_dept=3", "unknown parameter 'max_dept' of tree; did you mean 'max_depth'?"},
        {"tree:max_depth", "'max_depth' of tree is no parameter; expected name=value"},
        {"tree:", "'' of tree is no parameter; expected name=value"},
        {"tree:ccp_alpha=-1", "ccp_alpha = -1 is outside [0, inf)"},
        {"tree:seed=3", "the seed of tree follows from that of the ensemble"},
        {"tree+ridge", "unknown model 'tree+ridge' in base of bagging"},
        {NULL, "base of bagging is not given"},
    };
    const mlk_data d = mixed(13, 40, 0);
    mlk_bagging *f;
    for (size_t i = 0; i < MLK_COUNT(bad); i++) {
        const mlk_bagging_opts o = with(bad[i].base, 2);
        require_fail(mlk_bagging_fit(&d, &o, NULL, &f), MLK_EINVAL, bad[i].text);
        ck_assert_ptr_null(f);
    }
    mlk_bagging_opts o = with("tree", 2);
    o.max_samples = 41;
    require_fail(mlk_bagging_fit(&d, &o, NULL, &f), MLK_EINVAL,
                 "max_samples = 41; expected a share in (0, 1] or a count of 2..40");
    o = with("tree", 2);
    o.bootstrap = false;
    o.oob_score = true;
    require_fail(mlk_bagging_fit(&d, &o, NULL, &f), MLK_EINVAL, "needs rows left out");
    f = fit(&d, with("tree", 1), 1);
    require_fail(mlk_bagging_predict_proba(f, d.X, NULL, test_mat(40, 2)), MLK_EUNSUPPORTED,
                 "no class probabilities");
    mlk_bagging_free(f);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = mixed(14, 30, 2);
    mlk_bagging_opts o = with("logistic:C=2", 2);
    o.max_features = 2;
    o.oob_score = true;
    mlk_status st = MLK_ENOMEM;
    mlk_bagging *f;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_bagging_fit(&d, &o, &(mlk_run){.threads = 1}, &f);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? f != NULL : st == MLK_ENOMEM && f == NULL);
    }
    mlk_bagging_free(f);
}
END_TEST

/* A saved model with one member of its state replaced. */
static mlk_status load_with(const mlk_doc *saved, const char *key, const uint32_t *columns,
                            size_t rows, size_t cols)
{
    mlk_doc *doc = mlk_doc_new(), *state = NULL;
    for (size_t i = 0; i < mlk_doc_size(saved); i++) {
        const char *name = mlk_doc_key_at(saved, i);
        if (strcmp(name, "state") != 0) {
            mlk_doc_put_copy(doc, name, mlk_doc_at(saved, i));
            continue;
        }
        const mlk_doc *old = mlk_doc_at(saved, i);
        state = mlk_doc_put_map(doc, "state");
        for (size_t j = 0; j < mlk_doc_size(old); j++) {
            if (strcmp(mlk_doc_key_at(old, j), key) != 0)
                mlk_doc_put_copy(state, mlk_doc_key_at(old, j), mlk_doc_at(old, j));
            else if (columns)
                mlk_doc_put_array(state, key, MLK_U32, columns, rows, cols);
            else
                mlk_doc_put_list(state, key);
        }
    }
    mlk_model *model;
    const mlk_status st = mlk_model_load(doc, &model);
    mlk_model_free(model);
    mlk_doc_free(doc);
    return st;
}

START_TEST(loads_no_member_that_does_not_fit)
{
    const mlk_data d = mixed(15, 40, 2);
    mlk_bagging_opts o = with("tree", 2);
    o.max_features = 2;
    mlk_model *model;
    require_ok(mlk_model_fit(&mlk_bagging_algo, &o, &d, NULL, &model));
    mlk_doc *saved = mlk_doc_new();
    mlk_model_save(model, saved);
    const uint32_t good[] = {0, 2, 1, 2}, outside[] = {0, 3, 1, 2};
    require_ok(load_with(saved, "columns", good, 2, 2));
    require_fail(load_with(saved, "columns", outside, 2, 2), MLK_EFORMAT,
                 "column 3 of a member; expected one of 3");
    require_fail(load_with(saved, "columns", good, 1, 2), MLK_EFORMAT, "'columns' is 1 x 2");
    require_fail(load_with(saved, "columns", good, 2, 1), MLK_EFORMAT,
                 "a member has 2 features and 2 classes; expected 1 and 2");
    require_fail(load_with(saved, "models", NULL, 0, 0), MLK_EFORMAT, "'models' is empty");
    mlk_doc_free(saved);
    mlk_model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/bagging");
    TCase *mean = test_case(s, "mean"), *samples = test_case(s, "samples");
    TCase *whole = test_case(s, "whole"), *errors = test_case(s, "errors");
    tcase_add_loop_test(mean, is_the_mean_of_its_members, 0, (int)MLK_COUNT(bases));
    tcase_add_test(mean, a_base_without_probabilities_votes);
    tcase_add_test(mean, of_all_rows_is_the_base_itself);
    tcase_add_test(samples, draws_with_replacement);
    tcase_add_test(samples, draws_without_replacement);
    tcase_add_test(samples, rare_classes_are_in_every_sample);
    tcase_add_test(samples, first_members_do_not_depend_on_how_many_follow);
    tcase_add_test(whole, any_base_gets_the_preprocessing_it_asks_for);
    tcase_add_test(whole, beats_one_tree_on_concrete);
    tcase_add_test(whole, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    tcase_add_test(errors, loads_no_member_that_does_not_fit);
    return s;
}
