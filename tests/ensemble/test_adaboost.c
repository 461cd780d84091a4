#include <mlkit/ensemble/adaboost.h>
#include <mlkit/tree/tree.h>

#include <stdio.h>

#include "support/mlk_test.h"

static mlk_adaboost *fit(const mlk_data *d, const char *base, int64_t n, double rate, int threads)
{
    const mlk_adaboost_opts o = {.base = base, .n_estimators = n, .learning_rate = rate};
    mlk_adaboost *f;
    require_ok(mlk_adaboost_fit(d, &o, &(mlk_run){.threads = threads}, &f));
    return f;
}

static mlk_data classes(uint64_t seed, size_t n, size_t k)
{
    return test_data(seed, test_random_mat(seed, n, 3), k, 0.0);
}

static mlk_data numbers(uint64_t seed, size_t n)
{
    return test_data(seed, test_random_mat(seed, n, 3), 0, 0.5);
}

static mlk_vec uneven_weights(size_t n)
{
    mlk_vec w = test_vec(n);
    for (size_t i = 0; i < n; i++)
        w.data[i] = i % 7 == 2 ? 0.0 : 0.5 + (double)(i % 3);
    return w;
}

/* ------------------------------------------------------------------ literal twins */

/* Predictions of a tree fitted to the weights d. */
static mlk_vec stump(const mlk_data *data, mlk_vec d, int64_t depth)
{
    mlk_tree_opts o = mlk_tree_opts_default();
    mlk_data weighted = *data;
    mlk_tree *tree;
    mlk_vec out = test_vec(d.n);
    o.max_depth = depth;
    weighted.w = mlk_vec_c(d);
    require_ok(mlk_tree_fit(&weighted, &o, NULL, &tree));
    require_ok(mlk_tree_predict(tree, data->X, NULL, out));
    mlk_tree_free(tree);
    return out;
}

static void divide_by_sum(mlk_vec d)
{
    double sum = 0.0;
    for (size_t i = 0; i < d.n; i++)
        sum += d.data[i];
    for (size_t i = 0; i < d.n; i++)
        d.data[i] /= sum;
}

START_TEST(follows_samme_to_the_letter)
{
    enum { N = 60, M = 8 };
    const size_t k = 2 + (size_t)_i;
    mlk_data data = classes(21, N, k);
    mlk_vec d = uneven_weights(N);
    data.w = mlk_vec_c(uneven_weights(N));
    mlk_adaboost *f = fit(&data, "auto", M, 0.7, 2);
    ck_assert_uint_eq(mlk_adaboost_n_members(f), M);
    mlk_mat s = test_mat(N, k);
    double total = 0.0;
    divide_by_sum(d);
    for (size_t m = 0; m < M; m++) {
        const mlk_vec v = stump(&data, d, 1);
        double e = 0.0;
        for (size_t i = 0; i < N; i++)
            e += v.data[i] != data.y.data[i] ? d.data[i] : 0.0;
        const double a = 0.7 * (log((1.0 - e) / e) + log((double)k - 1.0));
        require_relative(mlk_adaboost_errors(f).data[m], e, 1e-10);
        require_relative(mlk_adaboost_weights(f).data[m], a, 1e-10);
        for (size_t i = 0; i < N; i++) {
            if (v.data[i] != data.y.data[i])
                d.data[i] *= exp(a);
            s.data[i * k + (size_t)v.data[i]] += a;
        }
        divide_by_sum(d);
        total += a;
    }
    const size_t q = k == 2 ? 1 : k;
    mlk_mat decision = test_mat(N, q), shares = test_mat(N, k);
    mlk_vec out = test_vec(N);
    require_ok(mlk_adaboost_decision(f, data.X, NULL, decision));
    require_ok(mlk_adaboost_predict_proba(f, data.X, NULL, shares));
    require_ok(mlk_adaboost_predict(f, data.X, NULL, out));
    for (size_t i = 0; i < N; i++) {
        const double *row = s.data + i * k;
        double sum = 0.0;
        size_t best = 0;
        for (size_t c = 0; c < k; c++) {
            sum += exp(row[c] / total / ((double)k - 1.0));
            best = row[c] > row[best] ? c : best;
        }
        ck_assert(row[(size_t)out.data[i]] > row[best] - 1e-12);
        for (size_t c = 0; c < k; c++)
            require_close(shares.data[i * k + c], exp(row[c] / total / ((double)k - 1.0)) / sum,
                          1e-12);
        for (size_t c = 0; c < q; c++)
            require_close(decision.data[i * q + c],
                          k == 2 ? (row[1] - row[0]) / total : row[c] / total, 1e-12);
    }
    mlk_adaboost_free(f);
}
END_TEST

/* The weighted median by definition: the smallest value with half of the weight at or below it. */
static double slow_median(const double *v, const double *a, size_t n)
{
    double best = INFINITY, total = 0.0;
    for (size_t m = 0; m < n; m++)
        total += a[m];
    for (size_t m = 0; m < n; m++) {
        double below = 0.0;
        for (size_t l = 0; l < n; l++)
            below += v[l] <= v[m] ? a[l] : 0.0;
        if (below >= 0.5 * total && v[m] < best)
            best = v[m];
    }
    return best;
}

START_TEST(follows_adaboost_r2_to_the_letter)
{
    enum { N = 80, M = 7 };
    mlk_data data = numbers(22, N);
    mlk_vec d = uneven_weights(N);
    data.w = mlk_vec_c(uneven_weights(N));
    mlk_adaboost *f = fit(&data, "auto", M, 0.6, 2);
    ck_assert_uint_eq(mlk_adaboost_n_members(f), M);
    mlk_mat all = test_mat(N, M);
    double a[M];
    divide_by_sum(d);
    for (size_t m = 0; m < M; m++) {
        mlk_vec v = test_vec(N); /* rows were drawn: the member itself says what it learned */
        require_ok(mlk_model_predict(mlk_adaboost_member(f, m), data.X, NULL, v));
        double worst = 0.0, e = 0.0;
        for (size_t i = 0; i < N; i++) {
            all.data[i * M + m] = v.data[i];
            if (d.data[i] > 0.0)
                worst = fmax(worst, fabs(v.data[i] - data.y.data[i]));
        }
        for (size_t i = 0; i < N; i++)
            e += d.data[i] * fabs(v.data[i] - data.y.data[i]) / worst;
        const double b = e / (1.0 - e);
        a[m] = 0.6 * log(1.0 / b);
        require_relative(mlk_adaboost_errors(f).data[m], e, 1e-10);
        require_relative(mlk_adaboost_weights(f).data[m], a[m], 1e-10);
        for (size_t i = 0; i < N; i++)
            d.data[i] *= pow(b, 0.6 * (1.0 - fabs(v.data[i] - data.y.data[i]) / worst));
        divide_by_sum(d);
    }
    mlk_vec out = test_vec(N);
    require_ok(mlk_adaboost_predict(f, data.X, NULL, out));
    for (size_t i = 0; i < N; i++)
        require_close(out.data[i], slow_median(all.data + i * M, a, M), 1e-10);
    mlk_adaboost_free(f);
}
END_TEST

/* ------------------------------------------------------- scikit-learn, adaboost.py */

static const struct {
    double rate;
    int64_t rounds;
    double error[8], weight[8], decision[3], probability[3], accuracy;
} samme[] = {
    {1.0,
     6,
     {0.30337078651685395, 0.22520908004778975, 0.2263376842112917, 0.18106164656947774,
      0.2135358842603052, 0.26819647354979664},
     {1.5244446996007075, 1.9287111774283785, 1.9222546124139575, 2.202318428983165,
      1.9968893820597695, 1.6969394298277658},
     {0.0, 0.8294597199068374, 0.17054028009316252},
     {0.2775485753681886, 0.42019791404078666, 0.3022535105910248},
     0.9550561797752809},
    {0.5,
     8,
     {0.30337078651685395, 0.311075208924016, 0.2793742659616602, 0.31761096391754057,
      0.32514783555982024, 0.34981120993791814, 0.3031600064768009, 0.30095593208491217},
     {0.7622223498003537, 0.7441222883480245, 0.8203573761310741, 0.7289599299890588,
      0.711680437125729, 0.6565081693750829, 0.7627211300646228, 0.7679485580185235},
     {0.0, 0.7519757283097634, 0.24802427169023655},
     {0.2786711457843749, 0.40586486599931687, 0.3154639882163082},
     0.9606741573033708},
};

START_TEST(agrees_with_scikit_learn_on_wine)
{
    const char *path = test_shared_path("datasets/wine.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(file.rows), out = test_vec(file.rows);
    for (size_t i = 0; i < y.n; i++) /* 59, 71 and 48 rows of the three classes */
        y.data[i] = i < 59 ? 0.0 : i < 130 ? 1.0 : 2.0;
    const mlk_data d = {.X = {file.data, y.n, 13, 14}, .y = mlk_vec_c(y), .n_classes = 3};
    mlk_adaboost *f = fit(&d, "auto", samme[_i].rounds, samme[_i].rate, 0);
    mlk_mat decision = test_mat(1, 3), shares = test_mat(1, 3);
    double right = 0.0;
    for (size_t m = 0; m < (size_t)samme[_i].rounds; m++) {
        require_relative(mlk_adaboost_errors(f).data[m], samme[_i].error[m], 1e-9);
        require_relative(mlk_adaboost_weights(f).data[m], samme[_i].weight[m], 1e-9);
    }
    require_ok(mlk_adaboost_decision(f, mlk_cmat_rows(d.X, 100, 101), NULL, decision));
    require_ok(mlk_adaboost_predict_proba(f, mlk_cmat_rows(d.X, 100, 101), NULL, shares));
    for (size_t c = 0; c < 3; c++) {
        require_close(decision.data[c], samme[_i].decision[c], 1e-9);
        require_close(shares.data[c], samme[_i].probability[c], 1e-9);
    }
    require_ok(mlk_adaboost_predict(f, d.X, NULL, out));
    for (size_t i = 0; i < y.n; i++)
        right += out.data[i] == y.data[i];
    require_close(right / (double)y.n, samme[_i].accuracy, 1e-12);
    mlk_adaboost_free(f);
}
END_TEST

static mlk_data concrete(void)
{
    const char *path = test_shared_path("datasets/concrete.csv");
    if (!path)
        return (mlk_data){.X = {NULL, 0, 0, 0}};
    const mlk_cmat file = test_read_csv(path);
    mlk_vec y = test_vec(file.rows);
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = file.data[9 * i + 8];
    return (mlk_data){.X = {file.data, y.n, 8, 9}, .y = mlk_vec_c(y)};
}

static double r2(mlk_cvec y, const double *f)
{
    double mean = 0.0, error = 0.0, spread = 0.0;
    for (size_t i = 0; i < y.n; i++)
        mean += y.data[i] / (double)y.n;
    for (size_t i = 0; i < y.n; i++) {
        error += pow(y.data[i] - f[i], 2.0);
        spread += pow(y.data[i] - mean, 2.0);
    }
    return 1.0 - error / spread;
}

/* ------------------------------------------------------------------------ quality */

/* Every fourth row held out; scikit-learn: 0.761 to 0.787 in five runs. */
START_TEST(predicts_concrete_as_well_as_scikit_learn)
{
    const mlk_data d = concrete();
    if (!d.X.data)
        return;
    mlk_mat X = test_mat(d.y.n, 8);
    mlk_vec y = test_vec(d.y.n), out = test_vec(d.y.n);
    size_t test = 0, train = (d.y.n + 3) / 4; /* the rows held out come first */
    const size_t held = train;
    for (size_t i = 0; i < d.y.n; i++) {
        const size_t to = i % 4 ? train++ : test++;
        memcpy(X.data + to * 8, d.X.data + i * 9, 8 * sizeof(double));
        y.data[to] = d.y.data[i];
    }
    const mlk_data rest = {.X = {X.data + held * 8, d.y.n - held, 8, 8},
                           .y = {y.data + held, d.y.n - held}};
    mlk_adaboost *f = fit(&rest, "auto", 50, 1.0, 0);
    require_ok(
        mlk_adaboost_predict(f, (mlk_cmat){X.data, held, 8, 8}, NULL, (mlk_vec){out.data, held}));
    const double score = r2((mlk_cvec){y.data, held}, out.data);
    ck_assert_msg(score > 0.76, "R^2 = %g", score);
    mlk_adaboost_free(f);
}
END_TEST

START_TEST(predicts_higgs_as_well_as_scikit_learn) /* which is right on 71.6 % */
{
    const char *train = test_shared_path("datasets/higgs_train.csv");
    const char *test = test_shared_path("datasets/higgs_test.csv");
    if (!train || !test)
        return;
    const mlk_cmat a = test_read_csv(train), b = test_read_csv(test);
    mlk_vec y = test_vec(3000), out = test_vec(b.rows);
    double right = 0.0;
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = a.data[i * 29];
    const mlk_data d = {.X = {a.data + 1, y.n, 28, 29}, .y = mlk_vec_c(y), .n_classes = 2};
    mlk_adaboost *f = fit(&d, "auto", 50, 1.0, 0);
    require_ok(mlk_adaboost_predict(f, (mlk_cmat){b.data + 1, b.rows, 28, 29}, NULL, out));
    for (size_t i = 0; i < b.rows; i++)
        right += out.data[i] == b.data[i * 29];
    ck_assert_msg(right / (double)b.rows > 0.70, "%g", right / (double)b.rows);
    mlk_adaboost_free(f);
}
END_TEST

/* ------------------------------------------------------------------------ endings */

static void keep_line(void *user, const char *line) { snprintf(user, 200, "%s", line); }

START_TEST(ends_with_a_perfect_member)
{
    const double x[] = {1, 2, 3, 4}, y[] = {0, 0, 1, 1, 2, 2, 2, 2};
    for (size_t k = 0; k <= 2; k += 2) {
        const mlk_data d = {.X = {x, 4, 1, 1}, .y = {y + 4 - 2 * k, 4}, .n_classes = k};
        mlk_adaboost *f = fit(&d, "auto", 10, 1.0, 1);
        ck_assert_uint_eq(mlk_adaboost_n_members(f), 1);
        require_close(mlk_adaboost_weights(f).data[0], 1.0, 0.0);
        require_close(mlk_adaboost_errors(f).data[0], 0.0, 0.0);
        mlk_adaboost_free(f);
    }
}
END_TEST

START_TEST(a_first_member_of_chance_stands_alone_with_a_warning)
{
    const double x[] = {1, 1, 1, 1}, y[] = {0, 1, 0, 1}; /* nothing to split */
    for (size_t k = 0; k <= 2; k += 2) {
        const mlk_data d = {.X = {x, 4, 1, 1}, .y = {y, 4}, .n_classes = k};
        char line[200] = "";
        mlk_adaboost *f;
        require_ok(mlk_adaboost_fit(&d, NULL, &(mlk_run){.warn = keep_line, .user = line}, &f));
        ck_assert_uint_eq(mlk_adaboost_n_members(f), 1);
        ck_assert_ptr_nonnull(strstr(line, "no better than chance; it stands alone"));
        mlk_adaboost_free(f);
    }
}
END_TEST

START_TEST(keeps_no_later_member_of_chance)
{
    const double x[] = {1, 1, 1, 1, 1}, y[] = {0, 0, 0, 0, 1}; /* nothing to split */
    const mlk_data d = {.X = {x, 5, 1, 1}, .y = {y, 5}};
    size_t early = 0, several = 0;
    for (int64_t seed = 0; seed < 50; seed++) {
        mlk_adaboost_opts o = mlk_adaboost_opts_default();
        o.seed = seed;
        mlk_adaboost *f;
        require_ok(mlk_adaboost_fit(&d, &o, NULL, &f));
        const size_t n = mlk_adaboost_n_members(f);
        for (size_t m = 0; n > 1 && m < n; m++)
            ck_assert(mlk_adaboost_errors(f).data[m] < 0.5 && mlk_adaboost_weights(f).data[m] > 0);
        early += n < 50;
        several += n > 1;
        mlk_adaboost_free(f);
    }
    ck_assert_msg(early > 40 && several > 0, "%zu ended early, %zu with several", early, several);
}
END_TEST

/* ------------------------------------------------------------------------- others */

/* Any base that takes no weights gets rows drawn by them: one whose weight is 0 has no say. */
START_TEST(rows_are_drawn_for_a_base_without_weights)
{
    size_t n;
    const mlk_algo *const *all = mlk_algo_list(&n);
    mlk_data d = numbers(23, 120);
    mlk_vec w = test_vec(120), y = test_vec(120), out = test_vec(120);
    for (size_t i = 0; i < 120; i++) {
        w.data[i] = i % 4 ? 1.0 : 0.0;
        y.data[i] = i % 4 ? d.y.data[i] : 1e6;
    }
    d.y = mlk_vec_c(y);
    d.w = mlk_vec_c(w);
    for (size_t a = 0; a < n; a++) {
        if ((all[a]->caps & MLK_CAP_WEIGHTS) || !(all[a]->tasks & MLK_REGRESSION) ||
            mlk_opts_find(all[a]->opts, "batch_size"))
            continue;
        mlk_adaboost *f = fit(&d, all[a]->name, 3, 1.0, 2);
        require_ok(mlk_adaboost_predict(f, d.X, NULL, out));
        for (size_t i = 0; i < 120; i++)
            ck_assert_msg(fabs(out.data[i]) < 1e4, "%s: %g", all[a]->name, out.data[i]);
        mlk_adaboost_free(f);
    }
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    for (size_t k = 0; k <= 3; k += 3) {
        const mlk_data d = k ? classes(24, 2000, k) : numbers(24, 2000);
        mlk_vec first = test_vec(2000), out = test_vec(2000);
        mlk_adaboost *one = fit(&d, "auto", 12, 1.0, 1);
        require_ok(mlk_adaboost_predict(one, d.X, &(mlk_run){.threads = 1}, first));
        for (int threads = 2; threads <= 8; threads += threads) {
            mlk_adaboost *f = fit(&d, "auto", 12, 1.0, threads);
            require_ok(mlk_adaboost_predict(f, d.X, &(mlk_run){.threads = threads}, out));
            require_same(first.data, out.data, 2000 * sizeof(double));
            require_same(mlk_adaboost_weights(one).data, mlk_adaboost_weights(f).data,
                         mlk_adaboost_n_members(one) * sizeof(double));
            mlk_adaboost_free(f);
        }
        mlk_adaboost_free(one);
    }
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data d = numbers(25, 40);
    mlk_adaboost_opts o = mlk_adaboost_opts_default();
    mlk_adaboost *f;
    o.base = "logistic";
    require_fail(mlk_adaboost_fit(&d, &o, NULL, &f), MLK_EINVAL,
                 "logistic in base of adaboost does not predict numbers");
    o.base = "forrest";
    require_fail(mlk_adaboost_fit(&d, &o, NULL, &f), MLK_EINVAL,
                 "unknown model 'forrest' in base of adaboost; did you mean 'forest'?");
    o.base = "";
    require_fail(mlk_adaboost_fit(&d, &o, NULL, &f), MLK_EINVAL, "has an empty name");
    o = mlk_adaboost_opts_default();
    o.learning_rate = 0.0;
    require_fail(mlk_adaboost_fit(&d, &o, NULL, &f), MLK_EINVAL,
                 "learning_rate = 0 is outside (0, inf)");
    o.learning_rate = 1.7e308;
    require_fail(mlk_adaboost_fit(&d, &o, NULL, &f), MLK_EINVAL, "a weight of inf");
    ck_assert_ptr_null(f);
    o.learning_rate = 1.0;
    o.n_estimators = 2;
    require_ok(mlk_adaboost_fit(&d, &o, NULL, &f));
    require_fail(mlk_adaboost_decision(f, d.X, NULL, test_mat(40, 1)), MLK_EUNSUPPORTED,
                 "no decision values");
    require_fail(mlk_adaboost_predict_proba(f, d.X, NULL, test_mat(40, 1)), MLK_EUNSUPPORTED,
                 "no class probabilities");
    mlk_adaboost_free(f);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/adaboost");
    TCase *twins = test_case(s, "twins"), *sklearn = test_case(s, "scikit-learn");
    TCase *ends = test_case(s, "endings"), *others = test_case(s, "others");
    tcase_add_loop_test(twins, follows_samme_to_the_letter, 0, 3);
    tcase_add_test(twins, follows_adaboost_r2_to_the_letter);
    tcase_add_loop_test(sklearn, agrees_with_scikit_learn_on_wine, 0, (int)MLK_COUNT(samme));
    tcase_add_test(sklearn, predicts_concrete_as_well_as_scikit_learn);
    tcase_add_test(sklearn, predicts_higgs_as_well_as_scikit_learn);
    tcase_add_test(ends, ends_with_a_perfect_member);
    tcase_add_test(ends, a_first_member_of_chance_stands_alone_with_a_warning);
    tcase_add_test(ends, keeps_no_later_member_of_chance);
    tcase_add_test(others, rows_are_drawn_for_a_base_without_weights);
    tcase_add_test(others, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(others, rejects_bad_input_and_says_why);
    return s;
}
