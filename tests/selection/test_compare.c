#include <mlkit/selection/compare.h>
#include <mlkit/stats/studentized_range.h>

#include "support/mlk_test.h"

/* Reference numbers: tests/reference/compare.py (SciPy) unless said otherwise. */

static const double d10[] = {0.011, 0.024, -0.006, 0.031, 0.017,
                             0.009, 0.022, -0.013, 0.028, 0.019};

START_TEST(corrected_t_is_scipys_with_the_larger_error)
{
    const mlk_test plain = mlk_corrected_t_test((mlk_cvec){d10, 10}, 0.0, 0.95);
    require_relative(plain.statistic, 3.1357455046545133, 1e-12);
    require_relative(plain.p, 0.012010031185128259, 1e-10);
    ck_assert(plain.df == 9.0);
    const mlk_test t = mlk_corrected_t_test((mlk_cvec){d10, 10}, 1.0 / 9.0, 0.95);
    require_relative(t.statistic, 2.15816806854489, 1e-12);
    require_relative(t.p, 0.05924387108378108, 1e-10);
    require_relative(t.high - t.estimate, 0.014884212299823452, 1e-10);
    require_relative(t.estimate - t.low, 0.014884212299823452, 1e-10);
    require_relative(t.effect, plain.statistic / sqrt(10.0), 1e-12);
}
END_TEST

START_TEST(no_difference_at_all_has_p_one_and_a_constant_one_p_zero)
{
    static const double zero[5], same[] = {2, 2, 2}, hole[] = {1, (double)NAN, 2};
    ck_assert(mlk_corrected_t_test((mlk_cvec){zero, 5}, 0.25, 0.95).p == 1.0);
    ck_assert(mlk_corrected_t_test((mlk_cvec){same, 3}, 0.25, 0.95).p == 0.0);
    ck_assert(isnan(mlk_corrected_t_test((mlk_cvec){hole, 3}, 0.25, 0.95).p));
    ck_assert(isnan(mlk_corrected_t_test((mlk_cvec){same, 1}, 0.25, 0.95).p));
    ck_assert(mlk_mcnemar_test(0, 0).p == 1.0);
    static const double ten[10];
    ck_assert(mlk_5x2cv_f_test((mlk_cvec){ten, 10}).p == 1.0);
    ck_assert(isnan(mlk_5x2cv_f_test((mlk_cvec){zero, 5}).p));
    mlk_test w;
    require_ok(mlk_wilcoxon_test((mlk_cvec){zero, 5}, &w));
    ck_assert(w.p == 1.0);
    require_ok(mlk_wilcoxon_test((mlk_cvec){hole, 3}, &w));
    ck_assert(isnan(w.p));
}
END_TEST

START_TEST(mcnemar_is_the_binomial_test)
{
    require_relative(mlk_mcnemar_test(12, 5).p, 0.143463134765625, 1e-12);
    require_relative(mlk_mcnemar_test(22, 40).p, 0.030015864349067285, 1e-12);
    require_relative(mlk_mcnemar_test(700, 590).p, 0.002406865012990027, 1e-11);
    ck_assert(mlk_mcnemar_test(12, 5).effect == 2.4);
    static const double truth[] = {0, 1, 2, 0, 1}, a[] = {0, 1, 0, 1, (double)NAN},
                        b[] = {1, 1, 2, 0, 1};
    size_t n01, n10;
    mlk_disagreements((mlk_cvec){truth, 5}, (mlk_cvec){a, 5}, (mlk_cvec){b, 5}, &n01, &n10);
    ck_assert(n01 == 1 && n10 == 2);
}
END_TEST

START_TEST(five_by_two_f_follows_its_formula)
{
    double squares = 0.0, variances = 0.0;
    for (size_t i = 0; i < 10; i += 2) {
        squares += d10[i] * d10[i] + d10[i + 1] * d10[i + 1];
        variances += 0.5 * (d10[i] - d10[i + 1]) * (d10[i] - d10[i + 1]);
    }
    const mlk_test t = mlk_5x2cv_f_test((mlk_cvec){d10, 10});
    require_relative(t.statistic, squares / (2.0 * variances), 1e-12);
    ck_assert(t.df == 10.0 && t.df2 == 5.0 && t.p > 0.05 && t.p < 1.0);
}
END_TEST

START_TEST(wilcoxon_is_scipys)
{
    double long_ones[80];
    mlk_test w;
    require_ok(mlk_wilcoxon_test((mlk_cvec){d10, 10}, &w));
    ck_assert(w.statistic == 5.0);
    require_relative(w.p, 0.01953125, 1e-12);
    require_close(w.estimate, 0.018, 1e-15);
    require_close(w.effect, (50.0 - 5.0) / 55.0, 1e-15);
    for (size_t i = 0; i < 80; i++)
        long_ones[i] = sin(1.7 * (double)(i + 1)) + 0.25;
    require_ok(mlk_wilcoxon_test((mlk_cvec){long_ones, 80}, &w));
    ck_assert(w.statistic == 990.0);
    require_relative(w.p, 0.0025339063707977964, 1e-10);
}
END_TEST

/* All 2^n signs, counted one by one, with tied ranks and a zero. */
START_TEST(wilcoxon_is_exact_with_ties)
{
    static const double d[] = {1, 2, 2, -2, 3, -5, 0, 4, 4};
    static const double rank[] = {1, 3, 3, 3, 5, 8, 6.5, 6.5};
    const double less = 3 + 8;
    size_t count = 0;
    for (unsigned s = 0; s < 256; s++) {
        double sum = 0.0;
        for (unsigned i = 0; i < 8; i++)
            sum += s >> i & 1 ? rank[i] : 0.0;
        count += sum <= less;
    }
    mlk_test w;
    require_ok(mlk_wilcoxon_test((mlk_cvec){d, 9}, &w));
    ck_assert(w.statistic == less);
    require_relative(w.p, 2.0 * (double)count / 256.0, 1e-13);
}
END_TEST

START_TEST(holm_steps_down)
{
    static const double p[] = {0.01, 0.04, (double)NAN, 0.03, 0.005};
    static const double expected[] = {0.03, 0.06, (double)NAN, 0.06, 0.02};
    mlk_vec out = test_vec(5);
    require_ok(mlk_holm((mlk_cvec){p, 5}, out));
    for (size_t i = 0; i < 5; i++)
        ck_assert(isnan(expected[i]) ? isnan(out.data[i])
                                     : fabs(out.data[i] - expected[i]) < 1e-15);
}
END_TEST

/* ----------------------------------------------------------------- many tables */

/* Accuracies of four variants of C4.5 on fourteen tables, after [demsar2006, table 6]. */
static const double scores[14][4] = {
    {0.763, 0.768, 0.771, 0.798}, {0.599, 0.591, 0.590, 0.569}, {0.954, 0.971, 0.968, 0.967},
    {0.628, 0.661, 0.654, 0.657}, {0.882, 0.888, 0.886, 0.898}, {0.936, 0.931, 0.916, 0.931},
    {0.661, 0.668, 0.609, 0.685}, {0.583, 0.583, 0.563, 0.625}, {0.775, 0.838, 0.866, 0.875},
    {1.000, 1.000, 1.000, 1.000}, {0.940, 0.962, 0.965, 0.962}, {0.619, 0.666, 0.614, 0.669},
    {0.972, 0.981, 0.975, 0.975}, {0.957, 0.978, 0.946, 0.970}};

START_TEST(friedman_is_scipys)
{
    static const double ranks[] = {3.142857142857143, 2.0, 2.9285714285714284, 1.9285714285714286};
    mlk_friedman *f;
    require_ok(mlk_friedman_new((mlk_cmat){scores[0], 14, 4, 4}, true, 0.05, &f));
    for (size_t j = 0; j < 4; j++)
        require_close(mlk_friedman_ranks(f).data[j], ranks[j], 1e-14);
    require_relative(mlk_friedman_chi2(f).statistic, 10.952380952380956, 1e-13);
    require_relative(mlk_friedman_chi2(f).p, 0.011986176325417788, 1e-11);
    const double chi2 = 10.952380952380956;
    require_relative(mlk_friedman_f(f).statistic, 13 * chi2 / (14 * 3 - chi2), 1e-12);
    require_close(mlk_friedman_critical_difference(f), 1.25, 0.005); /* as published */
    const double z = (ranks[0] - ranks[3]) / sqrt(20.0 / 84.0);
    require_close(mlk_friedman_p(f, 0, 3), mlk_range_sf(z * sqrt(2.0), 4), 1e-15);
    mlk_doc *doc = mlk_doc_new();
    mlk_friedman_report(f, doc);
    require_ok(mlk_doc_check(doc));
    ck_assert_uint_eq(mlk_doc_size(mlk_doc_find(doc, "nemenyi")), 4);
    mlk_doc_free(doc);
    mlk_friedman_free(f);
}
END_TEST

START_TEST(nemenyi_critical_values_equal_the_published_table)
{
    /* [demsar2006, table 5a], printed from tables of q with three digits */
    static const double q05[] = {1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164};
    static const double q10[] = {1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920};
    for (size_t k = 2; k <= 10; k++) {
        require_close(mlk_nemenyi_q(0.05, k), q05[k - 2], 0.001);
        require_close(mlk_nemenyi_q(0.10, k), q10[k - 2], 0.001);
    }
}
END_TEST

START_TEST(studentized_range_is_scipys)
{
    require_close(mlk_range_sf(3.3, 4), 0.09053749724537585, 1e-12);
    require_close(mlk_range_sf(1.2, 7), 0.9797263745573, 1e-12);
    require_close(mlk_range_sf(6, 20), 0.0036024337648668, 1e-10); /* R 4.2.2, ptukey(6, 20, Inf) */
    for (double q = 0.1; q < 8; q += 0.7) /* two variables: |difference| / sqrt(2) is normal */
        require_close(mlk_range_sf(q, 2), erfc(0.5 * q), 1e-14);
    require_close(mlk_range_sf(mlk_range_upper(0.01, 5), 5), 0.01, 1e-14);
    ck_assert(mlk_range_cdf(-1, 3) == 0.0 && isnan(mlk_range_cdf(1, 1)));
    ck_assert(isnan(mlk_range_upper(0.0, 3)) && isnan(mlk_range_upper(0.5, 1)));
}
END_TEST

START_TEST(friedman_refuses_what_it_cannot_rank)
{
    static const double bad[] = {1, 2, (double)NAN, 4};
    mlk_friedman *f;
    require_fail(mlk_friedman_new((mlk_cmat){bad, 2, 2, 2}, true, 0.05, &f), MLK_EINVAL,
                 "scores[1, 0] = nan; expected a finite value");
    require_fail(mlk_friedman_new((mlk_cmat){scores[0], 1, 4, 4}, true, 0.05, &f), MLK_EINVAL,
                 "scores are 1 x 4; expected at least 2 tables and 2 models");
    require_fail(mlk_friedman_new((mlk_cmat){scores[0], 14, 4, 4}, true, 1.0, &f), MLK_EINVAL,
                 "alpha = 1 is outside (0, 1)");
    ck_assert_ptr_null(f);
    static const double same[] = {5, 5, 5, 5};
    require_ok(mlk_friedman_new((mlk_cmat){same, 2, 2, 2}, true, 0.05, &f));
    ck_assert(mlk_friedman_chi2(f).p == 1.0 && mlk_friedman_p(f, 0, 1) == 1.0);
    mlk_friedman_free(f);
}
END_TEST

/* ------------------------------------------------------------- on one table */

/* y = x0 + x1 + noise; a model of x0 alone and one of x1 alone are equally good. The predictors of
 * the ridge are multiplied by a selector, so that both are candidates of one cross-validation. */
typedef struct pick_opts {
    int64_t column;
} pick_opts;

static const mlk_opt pick_table[] = {
    MLK_OPT_INT(pick_opts, column, 0, 0, 9, "the only column"),
    MLK_OPT_END,
};

typedef struct pick {
    size_t column;
    double slope, mean_x, mean_y;
} pick;

static mlk_status pick_fit(const mlk_data *d, const void *opts, const mlk_run *run, void **state)
{
    pick *p = mlk_alloc_zero(1, sizeof *p);
    double xy = 0.0, xx = 0.0;
    const double n = (double)d->X.rows;
    (void)run;
    *state = p;
    if (!p)
        return MLK_FAIL(MLK_ENOMEM, "no memory");
    p->column = (size_t)((const pick_opts *)opts)->column;
    for (size_t i = 0; i < d->X.rows; i++) {
        p->mean_x += d->X.data[i * d->X.ld + p->column] / n;
        p->mean_y += d->y.data[i] / n;
    }
    for (size_t i = 0; i < d->X.rows; i++) {
        const double x = d->X.data[i * d->X.ld + p->column] - p->mean_x;
        xy += x * d->y.data[i];
        xx += x * x;
    }
    p->slope = xy / xx;
    return MLK_OK;
}

static mlk_status pick_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    const pick *p = state;
    (void)run;
    for (size_t i = 0; i < X.rows; i++)
        out.data[i] = p->mean_y + p->slope * (X.data[i * X.ld + p->column] - p->mean_x);
    return MLK_OK;
}

static void pick_free(void *state) { mlk_free(state); }

static const mlk_algo pick_algo = {
    .name = "pick",
    .tasks = MLK_REGRESSION,
    .opts_size = sizeof(pick_opts),
    .opts = pick_table,
    .fit = pick_fit,
    .predict = pick_predict,
    .free = pick_free,
};

static mlk_cv *compare_columns(uint64_t seed, size_t n, const double *weights, size_t k,
                               size_t repeats)
{
    static const char *const mse[] = {"mse"};
    static const pick_opts opts[] = {{0}, {1}, {2}};
    const mlk_candidate c[] = {
        {&pick_algo, &opts[0]}, {&pick_algo, &opts[1]}, {&pick_algo, &opts[2]}};
    const mlk_cmat X = test_random_mat(seed, n, 4);
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++)
        y.data[i] = test_dot(X.data + 4 * i, weights, 3) + X.data[4 * i + 3];
    const mlk_data d = {.X = X, .y = mlk_vec_c(y)};
    const mlk_folds_opts fo = {.folds = k, .repeats = repeats, .seed = (int64_t)seed};
    const mlk_cv_opts co = {.metrics = mse, .n_metrics = 1, .beta = 1};
    const mlk_run run = {.threads = 1};
    mlk_folds *f;
    mlk_cv *cv;
    require_ok(mlk_folds_new(&d, &fo, NULL, &f));
    require_ok(mlk_cross_validate(c, 3, &d, f, &co, &run, &cv));
    mlk_folds_free(f);
    return cv;
}

START_TEST(ranks_candidates_and_tests_them_against_the_best)
{
    static const double weights[] = {1.0, 3.0, 0.0};
    mlk_cv *cv = compare_columns(3, 200, weights, 5, 3);
    mlk_standing s[3];
    require_close(mlk_cv_ratio(cv), 0.25, 1e-15);
    require_ok(mlk_compare(cv, 0, 0.95, s));
    ck_assert(s[0].rank == 2 && s[1].rank == 1 && s[2].rank == 3);
    ck_assert(isnan(s[1].versus_best.p) && isnan(s[1].p_holm));
    ck_assert(s[0].versus_best.p < 1e-6 && s[2].p_holm < 1e-6);
    ck_assert(s[0].p_holm >= s[0].versus_best.p);
    ck_assert(s[0].versus_best.estimate < 0.0 && s[1].low < s[1].mean && s[1].mean < s[1].high);
    mlk_standing unused[3];
    require_fail(mlk_compare(cv, 0, 1.0, unused), MLK_EINVAL, "level = 1 is outside (0, 1)");
    require_fail(mlk_compare(cv, 7, 0.5, unused), MLK_EINVAL, "metric 7 of 1 does not exist");
    mlk_cv_free(cv);
}
END_TEST

/* Equal models, 600 tables: the corrected test rejects at its level, the plain one far above it.
 * At a true rate of 5 %, more than 8.5 % or fewer than 2 % would happen once in 2000 runs. */
START_TEST(corrected_test_keeps_its_level_where_the_plain_one_does_not)
{
    enum { TABLES = 600 };
    static const double weights[] = {1.0, 1.0, 0.0};
    size_t corrected = 0, plain = 0;
    for (uint64_t t = 0; t < TABLES; t++) {
        mlk_cv *cv = compare_columns(1000 + t, 100, weights, 5, 3);
        double d[15];
        for (size_t s = 0; s < 15; s++)
            d[s] = mlk_cv_values(cv, 0, 0).data[s] - mlk_cv_values(cv, 1, 0).data[s];
        corrected += mlk_corrected_t_test((mlk_cvec){d, 15}, mlk_cv_ratio(cv), 0.95).p < 0.05;
        plain += mlk_corrected_t_test((mlk_cvec){d, 15}, 0.0, 0.95).p < 0.05;
        mlk_cv_free(cv);
    }
    ck_assert_msg(corrected >= 12 && corrected <= 51, "%zu of %d", corrected, TABLES);
    ck_assert_msg(plain >= 90, "%zu of %d", plain, TABLES);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    static const double weights[] = {1.0, 3.0, 0.0};
    mlk_cv *cv = compare_columns(3, 60, weights, 3, 1);
    mlk_standing s[3];
    mlk_test w;
    mlk_friedman *f;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_compare(cv, 0, 0.95, s);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_wilcoxon_test((mlk_cvec){d10, 10}, &w);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_friedman_new((mlk_cmat){scores[0], 14, 4, 4}, true, 0.05, &f);
        ck_assert(st == MLK_OK ? f != NULL : st == MLK_ENOMEM && f == NULL);
    }
    mlk_friedman_free(f);
    mlk_cv_free(cv);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/compare");
    TCase *tests = test_case(s, "tests"), *tables = test_case(s, "tables");
    TCase *one = test_case(s, "one table");
    tcase_add_test(tests, corrected_t_is_scipys_with_the_larger_error);
    tcase_add_test(tests, no_difference_at_all_has_p_one_and_a_constant_one_p_zero);
    tcase_add_test(tests, mcnemar_is_the_binomial_test);
    tcase_add_test(tests, five_by_two_f_follows_its_formula);
    tcase_add_test(tests, wilcoxon_is_scipys);
    tcase_add_test(tests, wilcoxon_is_exact_with_ties);
    tcase_add_test(tests, holm_steps_down);
    tcase_add_test(tables, friedman_is_scipys);
    tcase_add_test(tables, nemenyi_critical_values_equal_the_published_table);
    tcase_add_test(tables, studentized_range_is_scipys);
    tcase_add_test(tables, friedman_refuses_what_it_cannot_rank);
    tcase_add_test(one, ranks_candidates_and_tests_them_against_the_best);
    tcase_add_test(one, corrected_test_keeps_its_level_where_the_plain_one_does_not);
    tcase_add_test(one, survives_each_failing_allocation);
    return s;
}
