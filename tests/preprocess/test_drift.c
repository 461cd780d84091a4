#include <mlkit/preprocess/drift.h>

#include <stdio.h>

#include "core/rng.h"
#include "support/mlk_test.h"

/* Columns of every kind: normal, heavy-tailed, few integers, with gaps, four levels, names that
 * hardly repeat; and classes. */
enum { COLS = 6, NAMES = 400 };
static const size_t levels[COLS] = {0, 0, 0, 0, 4, NAMES};

static mlk_data draw(uint64_t seed, size_t n)
{
    mlk_rng rng = mlk_rng_stream(seed, n);
    mlk_mat X = test_mat(n, COLS);
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        double *x = X.data + i * COLS;
        x[0] = mlk_rng_normal(&rng);
        x[1] = exp(2.0 * mlk_rng_normal(&rng));
        x[2] = (double)mlk_rng_below(&rng, 3);
        x[3] = mlk_rng_uniform(&rng) < 0.1 ? (double)NAN : mlk_rng_uniform(&rng);
        x[4] = (double)(mlk_rng_below(&rng, 4) * mlk_rng_below(&rng, 2));
        x[5] = (double)mlk_rng_below(&rng, NAMES);
        y.data[i] = (double)(mlk_rng_uniform(&rng) < 0.3);
    }
    return (mlk_data){.X = mlk_mat_c(X), .y = mlk_vec_c(y), .n_classes = 2, .levels = levels};
}

static void compare(const mlk_data *train, const mlk_data *now, mlk_drift *drifts)
{
    mlk_profile *profile;
    require_ok(mlk_profile_new(train, NULL, &profile));
    ck_assert_uint_eq(mlk_profile_cols(profile), COLS + 1);
    require_ok(mlk_profile_compare(profile, now, NULL, NULL, drifts));
    mlk_profile_free(profile);
}

/* Names seen for the first time in the new data have no code of the training's. */
static void forget_names(const mlk_data *train, mlk_data *now)
{
    bool known[NAMES] = {false};
    mlk_mat X = test_mat(now->X.rows, COLS);
    for (size_t i = 0; i < train->X.rows; i++)
        known[(size_t)train->X.data[i * COLS + 5]] = true;
    memcpy(X.data, now->X.data, now->X.rows * COLS * sizeof(double));
    for (size_t i = 0; i < now->X.rows; i++)
        if (!known[(size_t)X.data[i * COLS + 5]])
            X.data[i * COLS + 5] = MLK_UNSEEN;
    now->X = mlk_mat_c(X);
}

/* Samples of one distribution are called drifting in at most 1 % of the comparisons, by the tests
 * alone; with the thresholds hardly ever. */
static const size_t sizes[][2] = {{50, 20}, {200, 30}, {1000, 300}, {300, 1000}, {30, 500}};

START_TEST(alarms_falsely_in_one_of_a_hundred_comparisons_at_most)
{
    enum { TRIES = 150 };
    size_t by_test = 0, alarms = 0;
    const double alpha = MLK_DRIFT_LEVEL / (COLS + 1);
    for (uint64_t t = 0; t < TRIES; t++) {
        mlk_drift d[COLS + 1];
        bool any = false, rejected = false;
        const mlk_data train = draw(2 * t, sizes[_i][0]);
        mlk_data now = draw(2 * t + 1, sizes[_i][1]);
        forget_names(&train, &now);
        compare(&train, &now, d);
        for (size_t j = 0; j <= COLS; j++) {
            any |= d[j].left_range || d[j].changed_mix;
            rejected |= d[j].p_outside < alpha || d[j].p_mix < alpha;
        }
        alarms += any;
        by_test += rejected;
    }
    ck_assert_msg(by_test <= 6, "%zu of %d rejected", by_test, TRIES); /* 1.5 expected at most */
    ck_assert_msg(alarms <= 5, "%zu of %d alarms", alarms, TRIES);
}
END_TEST

static mlk_data changed(mlk_data data, size_t j, double scale, double shift)
{
    mlk_mat X = test_mat(data.X.rows, COLS);
    for (size_t i = 0; i < data.X.rows * COLS; i++)
        X.data[i] = data.X.data[i];
    for (size_t i = 0; i < data.X.rows; i++)
        X.data[i * COLS + j] = scale * X.data[i * COLS + j] + shift;
    data.X = mlk_mat_c(X);
    return data;
}

START_TEST(sees_a_shifted_column_and_no_other)
{
    mlk_drift d[COLS + 1];
    const mlk_data train = draw(1, 1000), now = changed(draw(2, 200), 0, 1.0, 0.8);
    compare(&train, &now, d);
    for (size_t j = 0; j <= COLS; j++)
        ck_assert_int_eq(d[j].changed_mix, j == 0);
    ck_assert(d[0].psi > 0.3 && d[0].distance > 0.2 && d[0].p_mix < 1e-6);
}
END_TEST

START_TEST(sees_values_outside_the_range)
{
    mlk_drift d[COLS + 1];
    const mlk_data train = draw(1, 1000), now = changed(draw(2, 200), 3, 1.3, 0.0);
    compare(&train, &now, d);
    ck_assert(d[3].left_range);
    double outside = 0.0, present = 0.0, high = 0.0;
    for (size_t i = 0; i < 1000; i++)
        high = fmax(high, train.X.data[i * COLS + 3]);
    for (size_t i = 0; i < 200; i++) {
        present += !isnan(now.X.data[i * COLS + 3]);
        outside += now.X.data[i * COLS + 3] > high;
    }
    require_relative(d[3].outside, outside / present, 1e-15);
    require_close(d[3].high, high, 0.0);
}
END_TEST

START_TEST(sees_new_levels_gaps_and_another_share_of_classes)
{
    mlk_drift d[COLS + 1];
    const mlk_data train = draw(1, 1000);
    mlk_data now = changed(draw(2, 300), 4, 1.0, 0.0);
    mlk_mat X = {(double *)(uintptr_t)now.X.data, 300, COLS, COLS};
    mlk_vec y = test_vec(300);
    for (size_t i = 0; i < 300; i++) {
        X.data[i * COLS + 4] = i % 10 ? X.data[i * COLS + 4] : MLK_UNSEEN;
        X.data[i * COLS + 2] = i % 3 ? X.data[i * COLS + 2] : (double)NAN;
        y.data[i] = (double)(i % 4 != 0);
    }
    now.y = mlk_vec_c(y);
    compare(&train, &now, d);
    ck_assert(d[4].left_range);
    require_relative(d[4].outside, 0.1, 1e-15);
    ck_assert(d[2].changed_mix);
    require_relative(d[2].missing, 1.0 / 3.0, 1e-15);
    ck_assert(d[COLS].changed_mix);
}
END_TEST

/* By hand: 8 and 2 of 10 become 20 and 20 of 40, half a row added to each. */
START_TEST(index_and_distance_are_those_of_their_formulas)
{
    static const size_t two[] = {2};
    double before[100], now[40];
    for (size_t i = 0; i < 100; i++)
        before[i] = i >= 80;
    for (size_t i = 0; i < 40; i++)
        now[i] = i >= 20;
    const mlk_data train = {.X = {before, 100, 1, 1}, .levels = two};
    const mlk_data data = {.X = {now, 40, 1, 1}, .levels = two};
    mlk_profile *profile;
    mlk_drift d;
    require_ok(mlk_profile_new(&train, NULL, &profile));
    require_ok(mlk_profile_compare(profile, &data, NULL, NULL, &d));
    const double p = 80.5 / 101.0, q = 0.5;
    require_relative(d.psi, (q - p) * log(q / p) + (p - q) * log((1.0 - q) / (1.0 - p)), 1e-13);
    require_relative(d.distance, 0.3, 1e-13);
    /* Pearson's chi-squared of 80 20 / 20 20: 140 (1600 - 400)^2 / (100 40 100 40); df 1. */
    const double chi2 = 140.0 * 1200.0 * 1200.0 / (100.0 * 40.0 * 100.0 * 40.0);
    require_relative(d.p_mix, erfc(sqrt(chi2 / 2.0)), 1e-10);
    mlk_profile_free(profile);
}
END_TEST

static size_t warned;
static char last[200];
static void on_warn(void *user, const char *line)
{
    (void)user;
    warned++;
    snprintf(last, sizeof last, "%s", line);
}

START_TEST(warns_by_name_and_of_many_columns_once)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    const mlk_run run = {.warn = on_warn};
    mlk_drift d[COLS + 1];
    mlk_profile *profile;
    const mlk_data train = draw(1, 500);
    mlk_data now = changed(draw(2, 500), 1, 1.0, 1e6);
    require_ok(mlk_profile_new(&train, NULL, &profile));
    warned = 0;
    require_ok(mlk_profile_compare(profile, &now, names, &run, d));
    ck_assert_uint_eq(warned, 1);
    ck_assert_ptr_nonnull(strstr(last, "drift: 'b': 100 % of the values lie outside"));
    for (size_t j = 0; j < COLS; j++)
        now = changed(now, j, 1.0, 1e7);
    warned = 0;
    require_ok(mlk_profile_compare(profile, &now, names, &run, d));
    ck_assert_uint_eq(warned, 6);
    ck_assert_ptr_nonnull(strstr(last, "and 1 more columns"));
    mlk_profile_free(profile);
}
END_TEST

static const size_t all_levels[COLS + 1] = {0, 0, 0, 0, 4, NAMES, 2};

START_TEST(survives_saving_and_loading)
{
    const mlk_data train = draw(1, 25000), now = draw(3, 100);
    mlk_drift a[COLS + 1], b[COLS + 1];
    mlk_profile *profile, *loaded;
    require_ok(mlk_profile_new(&train, NULL, &profile));
    mlk_doc *doc = mlk_doc_new();
    mlk_profile_save(profile, doc);
    require_ok(mlk_doc_check(doc));
    require_ok(mlk_profile_load(doc, all_levels, COLS + 1, &loaded));
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    require_ok(mlk_profile_compare(profile, &now, NULL, NULL, a));
    require_ok(mlk_profile_compare(loaded, &now, NULL, NULL, b));
    for (size_t j = 0; j <= COLS; j++) {
        ck_assert(a[j].psi == b[j].psi && a[j].p_outside == b[j].p_outside);
        ck_assert(a[j].low == b[j].low || (isnan(a[j].low) && isnan(b[j].low)));
    }
    mlk_profile_free(profile);
    mlk_profile_free(loaded);
    mlk_doc_free(doc);
}
END_TEST

/* A profile of one numeric and one categorical column, with one thing wrong in it. */
static mlk_doc *forged(int what)
{
    mlk_doc *doc = mlk_doc_new();
    double range[2] = {0.0, 1.0}, edges[9];
    uint32_t counts[11] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, of_levels[3] = {1, 1, 1};
    for (size_t k = 0; k < 9; k++)
        edges[k] = (double)k;
    if (what == 1)
        range[0] = 2.0;
    if (what == 2)
        edges[5] = 4.0;
    if (what == 3)
        edges[3] = (double)NAN;
    if (what == 4)
        counts[0] = 3;
    if (what == 5)
        of_levels[2] = 7;
    mlk_doc_put_int(doc, "rows", what == 6 ? -1 : 3);
    mlk_doc_put_array(doc, "range", MLK_F64, range, 1, 2);
    mlk_doc_put_array(doc, "edges", MLK_F64, edges, 1, what == 7 ? 8 : 9);
    mlk_doc_put_array(doc, "counts", what == 8 ? MLK_I32 : MLK_U32, counts, 1, 11);
    mlk_doc *list = mlk_doc_put_list(doc, "levels");
    for (int i = 0; i < (what == 9 ? 2 : 1); i++)
        mlk_doc_put_array(mlk_doc_put_map(list, NULL), "counts", MLK_U32, of_levels,
                          what == 10 ? 2 : 3, 0);
    return doc;
}

START_TEST(refuses_forged_profiles)
{
    static const size_t two[] = {0, 2};
    for (int what = 0; what <= 10; what++) {
        mlk_profile *profile;
        mlk_doc *doc = forged(what);
        const mlk_status st = mlk_profile_load(doc, two, 2, &profile);
        ck_assert_msg((what == 0 ? MLK_OK : MLK_EFORMAT) == st, "case %d: %d", what, (int)st);
        ck_assert((st == MLK_OK) == (profile != NULL));
        mlk_profile_free(profile);
        mlk_doc_free(doc);
    }
}
END_TEST

START_TEST(gives_the_same_for_any_number_of_threads)
{
    const mlk_data train = draw(1, 30000), now = draw(2, 5000);
    mlk_drift one[COLS + 1], more[COLS + 1];
    for (int threads = 1; threads <= 8; threads++) {
        const mlk_run run = {.threads = threads};
        mlk_profile *profile;
        mlk_drift *to = threads == 1 ? one : more;
        memset(to, 0, sizeof one);
        require_ok(mlk_profile_new(&train, &run, &profile));
        require_ok(mlk_profile_compare(profile, &now, NULL, &run, to));
        mlk_profile_free(profile);
        for (size_t j = 0; threads > 1 && j <= COLS; j++)
            ck_assert(one[j].psi == more[j].psi && one[j].p_mix == more[j].p_mix);
    }
}
END_TEST

START_TEST(refuses_other_columns_and_takes_empty_ones)
{
    mlk_profile *profile;
    mlk_drift d[COLS + 1];
    const mlk_data train = draw(1, 50);
    mlk_data now = draw(2, 5);
    require_ok(mlk_profile_new(&train, NULL, &profile));
    now.X.cols = 3;
    require_fail(mlk_profile_compare(profile, &now, NULL, NULL, d), MLK_EINVAL,
                 "3 columns; the profile has 7");
    now = draw(2, 5);
    now.X.rows = 0;
    now.y = (mlk_cvec){NULL, 0};
    require_ok(mlk_profile_compare(profile, &now, NULL, NULL, d));
    ck_assert(isnan(d[0].outside) && !d[0].left_range && isnan(d[COLS].psi));
    mlk_profile_free(profile);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_run run = {.threads = 1};
    const mlk_data train = draw(1, 50);
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_profile *profile, *loaded = NULL;
        mlk_drift d[COLS + 1];
        mlk_doc *doc = mlk_doc_new();
        mlk_test_fail_at = k;
        st = mlk_profile_new(&train, &run, &profile);
        if (st == MLK_OK) {
            mlk_profile_save(profile, doc);
            st = mlk_doc_check(doc);
        }
        if (st == MLK_OK)
            st = mlk_profile_load(doc, all_levels, COLS + 1, &loaded);
        if (st == MLK_OK)
            st = mlk_profile_compare(loaded, &train, NULL, &run, d);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
        mlk_profile_free(profile);
        mlk_profile_free(loaded);
        mlk_doc_free(doc);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("drift");
    TCase *t = test_case(s, "drift");
    tcase_add_loop_test(t, alarms_falsely_in_one_of_a_hundred_comparisons_at_most, 0,
                        (int)MLK_COUNT(sizes));
    tcase_add_test(t, sees_a_shifted_column_and_no_other);
    tcase_add_test(t, sees_values_outside_the_range);
    tcase_add_test(t, sees_new_levels_gaps_and_another_share_of_classes);
    tcase_add_test(t, index_and_distance_are_those_of_their_formulas);
    tcase_add_test(t, warns_by_name_and_of_many_columns_once);
    tcase_add_test(t, survives_saving_and_loading);
    tcase_add_test(t, refuses_forged_profiles);
    tcase_add_test(t, gives_the_same_for_any_number_of_threads);
    tcase_add_test(t, refuses_other_columns_and_takes_empty_ones);
    tcase_add_test(t, survives_each_failing_allocation);
    return s;
}
