#include <mlkit/data/split.h>

#include "support/mlk_test.h"

/* rows: each of 0..n-1 once, both parts ascending. */
static void require_parts(const size_t *rows, size_t n, size_t n_train)
{
    unsigned char *seen = test_alloc(n);
    for (size_t i = 0; i < n; i++) {
        ck_assert(rows[i] < n && !seen[rows[i]]);
        seen[rows[i]] = 1;
        ck_assert(i == 0 || i == n_train || rows[i] > rows[i - 1]);
    }
}

START_TEST(holds_out_the_share_rounded_up)
{
    for (size_t n = 2; n < 40; n++)
        for (int percent = 1; percent < 100; percent += 7) {
            size_t rows[40], n_train;
            const mlk_data data = {.X = test_random_mat(1, n, 1)};
            require_ok(mlk_split_holdout(&data, percent / 100.0, 3, rows, &n_train));
            const size_t n_test = (size_t)ceil(percent / 100.0 * (double)n);
            ck_assert_uint_eq(n - n_train, n_test < n ? n_test : n - 1);
            require_parts(rows, n, n_train);
        }
}
END_TEST

START_TEST(gives_each_class_its_share_and_keeps_one_for_training)
{
    enum { N = 100 };
    double y[N];
    for (size_t i = 0; i < N; i++) /* 60, 29, 10 and 1 of the four classes */
        y[i] = i < 60 ? 0 : i < 89 ? 1 : i < 99 ? 2 : 3;
    const mlk_data data = {.X = test_random_mat(1, N, 1), .y = {y, N}, .n_classes = 4};
    size_t rows[N], n_train, count[4] = {0};
    require_ok(mlk_split_holdout(&data, 0.25, 1, rows, &n_train));
    require_parts(rows, N, n_train);
    ck_assert_uint_eq(n_train, 75);
    for (size_t i = n_train; i < N; i++)
        count[(size_t)y[rows[i]]]++;
    /* Shares 15, 7.25, 2.5, 0.25: the one row left goes to the class with the remainder .5. */
    ck_assert(count[0] == 15 && count[1] == 7 && count[2] == 3 && count[3] == 0);
}
END_TEST

START_TEST(draws_every_row_equally_often)
{
    enum { N = 10, DRAWS = 20000 };
    const mlk_data data = {.X = test_random_mat(1, N, 1)};
    size_t rows[N], n_train, count[N] = {0};
    for (int seed = 0; seed < DRAWS; seed++) {
        require_ok(mlk_split_holdout(&data, 0.3, seed, rows, &n_train));
        for (size_t i = n_train; i < N; i++)
            count[rows[i]]++;
    }
    /* Binomial(20000, 0.3): six standard deviations, a false alarm in 5e7 runs. */
    for (size_t i = 0; i < N; i++)
        require_close((double)count[i], 0.3 * DRAWS, 6.0 * sqrt(DRAWS * 0.21));
}
END_TEST

START_TEST(refuses_what_cannot_be_split)
{
    const double y[] = {0, 1, 2};
    const mlk_data one = {.X = test_random_mat(1, 1, 1)},
                   all = {.X = test_random_mat(1, 3, 1), .y = {y, 3}, .n_classes = 3};
    size_t rows[3], n_train;
    require_fail(mlk_split_holdout(&all, 0.0, 0, rows, &n_train), MLK_EINVAL,
                 "a test fraction of 0 is outside (0, 1)");
    require_fail(mlk_split_holdout(&all, (double)NAN, 0, rows, &n_train), MLK_EINVAL, "nan");
    require_fail(mlk_split_holdout(&(mlk_data){.X = all.X, .y = {y, 3}, .n_classes = 2}, 0.5, 0,
                                   rows, &n_train),
                 MLK_EINVAL, "y[2] = 2 is none of 2 classes");
    require_fail(mlk_split_holdout(&one, 0.5, 0, rows, &n_train), MLK_EINVAL, "1 row cannot");
    require_fail(mlk_split_holdout(&all, 0.5, 0, rows, &n_train), MLK_EINVAL,
                 "every class has one row only");
    mlk_status st = MLK_ENOMEM;
    const mlk_data fine = {.X = test_random_mat(1, 3, 1)};
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_split_holdout(&fine, 0.5, 0, rows, &n_train);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("data/split");
    TCase *split = test_case(s, "split");
    tcase_add_test(split, holds_out_the_share_rounded_up);
    tcase_add_test(split, gives_each_class_its_share_and_keeps_one_for_training);
    tcase_add_test(split, draws_every_row_equally_often);
    tcase_add_test(split, refuses_what_cannot_be_split);
    return s;
}
