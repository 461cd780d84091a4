#include <mlkit/selection/folds.h>

#include <stdio.h>

#include "support/mlk_test.h"

/* n rows of k classes (0: none), class of row i = i^2 mod k. */
static mlk_data rows(size_t n, size_t k)
{
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++)
        y.data[i] = k ? (double)(i * i % 7 % k) : (double)i;
    return (mlk_data){.X = {y.data, n, 1, 1}, .y = mlk_vec_c(y), .n_classes = k};
}

/* Each repeat tests every row once; training is the rest. */
static void require_partition(const mlk_folds *f, size_t n)
{
    const size_t k = mlk_folds_per_repeat(f);
    size_t *train = test_alloc(n * sizeof *train);
    ck_assert_uint_eq(mlk_folds_rows(f), n);
    for (size_t r = 0; r < mlk_folds_count(f) / k; r++) {
        char *tested = test_alloc(n);
        for (size_t s = r * k; s < (r + 1) * k; s++) {
            size_t m;
            const size_t *test = mlk_folds_test(f, s, &m);
            char *here = test_alloc(n);
            ck_assert_uint_eq(mlk_folds_train(f, s, train), n - m);
            for (size_t i = 0; i < m; i++) {
                ck_assert(i == 0 || test[i] > test[i - 1]);
                ck_assert_int_eq(tested[test[i]]++, 0);
                here[test[i]] = 1;
            }
            for (size_t i = 0; i < n - m; i++) {
                ck_assert(i == 0 || train[i] > train[i - 1]);
                ck_assert_int_eq(here[train[i]], 0);
            }
        }
        for (size_t i = 0; i < n; i++)
            ck_assert_int_eq(tested[i], 1);
    }
}

static mlk_folds *make(const mlk_data *d, mlk_folds_opts opts)
{
    mlk_folds *f;
    require_ok(mlk_folds_new(d, &opts, NULL, &f));
    return f;
}

START_TEST(every_kind_tests_each_row_once_a_repeat)
{
    const mlk_data d = rows(53, 3);
    mlk_vec groups = test_vec(53);
    for (size_t i = 0; i < 53; i++)
        groups.data[i] = (double)(i * 5 % 11) - 4.5;
    const mlk_folds_opts opts[] = {
        {MLK_FOLDS_SHUFFLE, 5, 3, {NULL, 0}, NULL, 7},
        {MLK_FOLDS_BLOCKS, 4, 1, {NULL, 0}, NULL, 0},
        {MLK_FOLDS_GROUP, 4, 2, {groups.data, 53}, NULL, 1},
        {MLK_FOLDS_LOO, 5, 1, {NULL, 0}, NULL, 0},
        {MLK_FOLDS_SHUFFLE, 53, 1, {NULL, 0}, NULL, 0},
        {MLK_FOLDS_SHUFFLE, 2, 1, {NULL, 0}, NULL, -3},
    };
    for (size_t k = 0; k < MLK_COUNT(opts); k++) {
        mlk_folds *f = make(&d, opts[k]);
        ck_assert_int_eq(mlk_folds_kind(f), opts[k].kind);
        require_partition(f, 53);
        mlk_folds_free(f);
    }
}
END_TEST

START_TEST(classes_and_sizes_are_shared_out_evenly)
{
    const mlk_data d = rows(101, 4);
    size_t total[4] = {0};
    for (size_t i = 0; i < 101; i++)
        total[(size_t)d.y.data[i]]++;
    mlk_folds *f = make(&d, (mlk_folds_opts){.folds = 7, .repeats = 2, .seed = 3});
    for (size_t s = 0; s < 14; s++) {
        size_t n, count[4] = {0};
        const size_t *test = mlk_folds_test(f, s, &n);
        ck_assert(n == 14 || n == 15);
        for (size_t i = 0; i < n; i++)
            count[(size_t)d.y.data[test[i]]]++;
        for (size_t c = 0; c < 4; c++)
            ck_assert(count[c] == total[c] / 7 || count[c] == total[c] / 7 + 1);
    }
    mlk_folds_free(f);
}
END_TEST

START_TEST(shuffles_by_seed_and_repeat)
{
    const mlk_data d = rows(200, 0);
    mlk_folds *a = make(&d, (mlk_folds_opts){.folds = 4, .repeats = 2, .seed = 1});
    mlk_folds *b = make(&d, (mlk_folds_opts){.folds = 4, .repeats = 2, .seed = 1});
    mlk_folds *c = make(&d, (mlk_folds_opts){.folds = 4, .repeats = 2, .seed = 2});
    size_t n;
    const size_t bytes = 50 * sizeof n;
    require_same(mlk_folds_test(a, 5, &n), mlk_folds_test(b, 5, &n), bytes);
    ck_assert(memcmp(mlk_folds_test(a, 0, &n), mlk_folds_test(c, 0, &n), bytes) != 0);
    ck_assert(memcmp(mlk_folds_test(a, 0, &n), mlk_folds_test(a, 4, &n), bytes) != 0);
    mlk_folds_free(a);
    mlk_folds_free(b);
    mlk_folds_free(c);
}
END_TEST

START_TEST(blocks_are_scikit_learns)
{
    /* KFold(3).split of 11 rows: tests 0-3, 4-7, 8-10 */
    static const size_t begin[] = {0, 4, 8, 11};
    const mlk_data d = rows(11, 0);
    mlk_folds *f = make(&d, (mlk_folds_opts){.kind = MLK_FOLDS_BLOCKS, .folds = 3, .repeats = 1});
    for (size_t s = 0; s < 3; s++) {
        size_t n;
        const size_t *test = mlk_folds_test(f, s, &n);
        ck_assert_uint_eq(n, begin[s + 1] - begin[s]);
        ck_assert_uint_eq(test[0], begin[s]);
    }
    mlk_folds_free(f);
}
END_TEST

START_TEST(time_never_trains_on_the_future)
{
    /* TimeSeriesSplit(3).split of 11 rows: tests 5-6, 7-8, 9-10 */
    const mlk_data d = rows(11, 0);
    size_t n, train[11];
    mlk_folds *f = make(&d, (mlk_folds_opts){.kind = MLK_FOLDS_TIME, .folds = 3, .repeats = 1});
    for (size_t s = 0; s < 3; s++) {
        const size_t *test = mlk_folds_test(f, s, &n);
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(test[0], 5 + 2 * s);
        ck_assert_uint_eq(mlk_folds_train(f, s, train), test[0]);
        ck_assert_uint_eq(train[test[0] - 1], test[0] - 1);
    }
    mlk_folds_free(f);
}
END_TEST

START_TEST(groups_stay_together_and_folds_stay_even)
{
    mlk_data d = rows(90, 2);
    mlk_vec groups = test_vec(90);
    for (size_t i = 0; i < 90; i++)
        groups.data[i] = floor(sqrt((double)i)); /* sizes 1 3 5 ... 17, and 9 */
    mlk_folds *f = make(
        &d, (mlk_folds_opts){
                .kind = MLK_FOLDS_GROUP, .folds = 3, .repeats = 2, .groups = mlk_vec_c(groups)});
    size_t fold[90];
    for (size_t s = 0; s < 6; s++) {
        size_t n;
        const size_t *test = mlk_folds_test(f, s, &n);
        ck_assert(n >= 28 && n <= 32);
        for (size_t i = 0; i < n; i++)
            fold[test[i]] = s;
        for (size_t i = 1; s == 2 && i < 90; i++)
            ck_assert(groups.data[i] != groups.data[i - 1] || fold[i] == fold[i - 1]);
    }
    mlk_folds_free(f);
}
END_TEST

START_TEST(takes_folds_made_elsewhere)
{
    static const size_t fold_of[] = {1, 0, 2, 1, 0}, hole[] = {0, 0, 2}, far[] = {0, 3};
    mlk_folds *f;
    size_t n;
    require_ok(mlk_folds_from(fold_of, 5, 3, &f));
    require_partition(f, 5);
    ck_assert_uint_eq(mlk_folds_test(f, 1, &n)[1], 3);
    mlk_folds_free(f);
    require_fail(mlk_folds_from(hole, 3, 3, &f), MLK_EINVAL, "fold 1 has 0 of 3 rows");
    require_fail(mlk_folds_from(far, 2, 2, &f), MLK_EINVAL, "row 1 is in fold 3; expected 0..1");
}
END_TEST

static void require_refused(const mlk_data *d, mlk_folds_opts opts, const char *text)
{
    mlk_folds *f;
    require_fail(mlk_folds_new(d, &opts, NULL, &f), MLK_EINVAL, text);
    ck_assert_ptr_null(f);
}

START_TEST(refuses_what_cannot_be_split)
{
    const mlk_data d = rows(7, 0);
    static const double two[] = {1, 1, 2, 2, 2, 2, 1}, hole[] = {1, 2, (double)NAN, 4, 5, 6, 7};
    require_refused(&d, (mlk_folds_opts){.folds = 8, .repeats = 1},
                    "8 folds need at least 8 rows; there are 7");
    require_refused(&d, (mlk_folds_opts){.folds = 1, .repeats = 1}, "folds = 1; expected at least");
    require_refused(&d, (mlk_folds_opts){.folds = 2}, "repeats = 0; expected at least 1");
    require_refused(&d, (mlk_folds_opts){.kind = MLK_FOLDS_BLOCKS, .folds = 2, .repeats = 2},
                    "would repeat the same folds");
    require_refused(&d, (mlk_folds_opts){.kind = MLK_FOLDS_TIME, .folds = 7, .repeats = 1},
                    "7 folds need at least 8 rows");
    require_refused(
        &d, (mlk_folds_opts){.kind = MLK_FOLDS_GROUP, .folds = 3, .repeats = 1, .groups = {two, 7}},
        "3 folds need as many groups; there are 2");
    require_refused(
        &d,
        (mlk_folds_opts){.kind = MLK_FOLDS_GROUP, .folds = 3, .repeats = 1, .groups = {hole, 7}},
        "the group of row 2 is missing");
    require_refused(&d, (mlk_folds_opts){.kind = MLK_FOLDS_GROUP, .folds = 3, .repeats = 1},
                    "X has 7 rows but there are 0 groups");
    const mlk_data one = rows(1, 0);
    require_refused(&one, (mlk_folds_opts){.kind = MLK_FOLDS_LOO, .repeats = 1},
                    "leave-one-out needs at least 2 rows; there are 1");
    mlk_data wrong = rows(7, 3);
    wrong.n_classes = 2;
    require_refused(&wrong, (mlk_folds_opts){.folds = 2, .repeats = 1},
                    "y[3] = 2; expected a class number 0..1");
}
END_TEST

static void keep_line(void *user, const char *line) { snprintf(user, 256, "%s", line); }

START_TEST(warns_of_classes_smaller_than_the_folds)
{
    static const double y[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2};
    static const char *const names[] = {"a", "b", "rare"};
    const mlk_data d = {.X = {y, 12, 1, 1}, .y = {y, 12}, .n_classes = 3};
    char line[256] = "";
    const mlk_run run = {.warn = keep_line, .user = line};
    const mlk_folds_opts opts = {.folds = 5, .repeats = 1, .classes = names};
    mlk_folds *f;
    require_ok(mlk_folds_new(&d, &opts, &run, &f));
    ck_assert_str_eq(line, "class 'rare' has 2 rows, fewer than the 5 folds: some lack it");
    mlk_folds_free(f);
}
END_TEST

START_TEST(reads_the_words_of_the_tools)
{
    mlk_folds_opts o = mlk_folds_opts_default();
    const char *column;
    require_ok(mlk_folds_parse("10x3", NULL, &o, &column));
    ck_assert(o.folds == 10 && o.repeats == 3 && o.kind == MLK_FOLDS_SHUFFLE && !column);
    require_ok(mlk_folds_parse("4", "group:site", &o, &column));
    ck_assert_str_eq(column, "site");
    ck_assert(o.folds == 4 && o.kind == MLK_FOLDS_GROUP);
    require_ok(mlk_folds_parse(NULL, "time", &o, &column));
    ck_assert(o.kind == MLK_FOLDS_TIME && o.folds == 4);
    require_ok(mlk_folds_parse("loo", NULL, &o, &column));
    ck_assert(o.kind == MLK_FOLDS_LOO);
    static const char *const wrong[] = {"", "x", "5x", "x5", "1", "5x0", "-3", "5.5", "9999999999"};
    for (size_t k = 0; k < MLK_COUNT(wrong); k++)
        require_fail(mlk_folds_parse(wrong[k], NULL, &o, &column), MLK_EINVAL, "is not valid");
    require_fail(mlk_folds_parse("5", "group:", &o, &column), MLK_EINVAL,
                 "folds = 'group:' is not valid; expected shuffle, blocks, group:COL or time");
    require_fail(mlk_folds_parse("loo", "blocks", &o, &column), MLK_EINVAL, "has no effect");
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_data d = rows(40, 3);
    mlk_vec groups = test_vec(40);
    for (size_t i = 0; i < 40; i++)
        groups.data[i] = (double)(i % 9);
    for (int kind = MLK_FOLDS_SHUFFLE; kind <= MLK_FOLDS_LOO; kind++) {
        const mlk_folds_opts opts = {(mlk_fold_kind)kind, 3, 1, mlk_vec_c(groups), NULL, 0};
        mlk_status st = MLK_ENOMEM;
        mlk_folds *f;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = mlk_folds_new(&d, &opts, NULL, &f);
            ck_assert(st == MLK_OK ? f != NULL : st == MLK_ENOMEM && f == NULL);
        }
        mlk_test_fail_at = -1;
        mlk_folds_free(f);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/folds");
    TCase *split = test_case(s, "split"), *errors = test_case(s, "errors");
    tcase_add_test(split, every_kind_tests_each_row_once_a_repeat);
    tcase_add_test(split, classes_and_sizes_are_shared_out_evenly);
    tcase_add_test(split, shuffles_by_seed_and_repeat);
    tcase_add_test(split, blocks_are_scikit_learns);
    tcase_add_test(split, time_never_trains_on_the_future);
    tcase_add_test(split, groups_stay_together_and_folds_stay_even);
    tcase_add_test(split, takes_folds_made_elsewhere);
    tcase_add_test(split, reads_the_words_of_the_tools);
    tcase_add_test(errors, refuses_what_cannot_be_split);
    tcase_add_test(errors, warns_of_classes_smaller_than_the_folds);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
