#include "core/parallel.h"

#include <stdatomic.h>

#include "support/mlk_test.h"

/* ---- every item once, in chunks that depend on n and grain alone */

typedef struct tally {
    _Atomic int *seen;
    size_t grain, n;
    atomic_bool wrong;
} tally;

static mlk_status count_items(void *ctx, const mlk_chunk *c)
{
    tally *t = ctx;
    if (c->begin != c->index * t->grain || c->end > t->n || c->end - c->begin > t->grain)
        atomic_store(&t->wrong, true);
    for (size_t i = c->begin; i < c->end; i++)
        atomic_fetch_add(&t->seen[i], 1);
    return MLK_OK;
}

START_TEST(runs_each_item_once_for_any_number_of_threads)
{
    static const size_t shapes[][2] = {{0, 5}, {1, 1}, {10, 3}, {1000, 7}, {1000, 1000}, {5, 100}};
    for (int threads = 1; threads <= 8; threads++)
        for (size_t k = 0; k < MLK_COUNT(shapes); k++) {
            const mlk_run run = {.threads = threads};
            tally t = {.n = shapes[k][0], .grain = shapes[k][1]};
            t.seen = test_alloc((t.n + 1) * sizeof *t.seen);
            require_ok(mlk_parallel_for(&run, t.n, t.grain, count_items, &t));
            ck_assert(!atomic_load(&t.wrong));
            for (size_t i = 0; i < t.n; i++)
                ck_assert_int_eq(t.seen[i], 1);
            ck_assert_int_eq(t.seen[t.n], 0);
        }
}
END_TEST

/* ---- failures */

static mlk_status fail_from_40(void *ctx, const mlk_chunk *c)
{
    (void)ctx;
    if (c->begin >= 40)
        return MLK_FAIL(MLK_EINVAL, "item %zu is bad", c->begin);
    return MLK_OK;
}

START_TEST(reports_the_first_failure_in_the_order_of_the_items)
{
    for (int round = 0; round < 50; round++) {
        const mlk_run run = {.threads = 1 + round % 8};
        require_fail(mlk_parallel_for(&run, 200, 1, fail_from_40, NULL), MLK_EINVAL,
                     "item 40 is bad");
    }
}
END_TEST

static bool after_ten(void *user) { return atomic_fetch_add((atomic_int *)user, 1) >= 10; }

static mlk_status nothing(void *ctx, const mlk_chunk *c)
{
    (void)c;
    atomic_fetch_add((atomic_int *)ctx, 1);
    return MLK_OK;
}

START_TEST(stops_when_cancelled)
{
    atomic_int polls = 0, done = 0;
    const mlk_run run = {.threads = 2, .cancelled = after_ten, .user = &polls};
    require_fail(mlk_parallel_for(&run, 100000, 1, nothing, &done), MLK_ECANCELLED, "cancelled");
    ck_assert_int_le(done, 12);
}
END_TEST

/* ---- nesting */

static mlk_status inner_is_serial(void *ctx, const mlk_chunk *c)
{
    (void)c;
    const mlk_run run = {.threads = 4};
    atomic_int done = 0;
    MLK_TRY(mlk_parallel_for(&run, 10, 1, nothing, &done));
    if (mlk_workers(&run, 10, 1) != 1 || done != 10)
        atomic_fetch_add((atomic_int *)ctx, 1);
    return MLK_OK;
}

START_TEST(inside_itself_runs_on_the_calling_thread)
{
    const mlk_run run = {.threads = 2};
    atomic_int wrong = 0;
    require_ok(mlk_parallel_for(&run, 20, 1, inner_is_serial, &wrong));
    ck_assert_int_eq(wrong, 0);
}
END_TEST

static void keep_last(void *user, double done)
{
    double *last = user;
    ck_assert(done > 0.0 && done <= 1.0);
    *last = fmax(*last, done);
}

START_TEST(reports_progress_to_the_end)
{
    double last = 0.0;
    atomic_int done = 0;
    const mlk_run run = {.threads = 1, .progress = keep_last, .user = &last};
    require_ok(mlk_parallel_for(&run, 10, 2, nothing, &done));
    ck_assert_double_eq(last, 1.0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/parallel");
    TCase *tc = test_case(s, "parallel");
    tcase_add_test(tc, runs_each_item_once_for_any_number_of_threads);
    tcase_add_test(tc, reports_the_first_failure_in_the_order_of_the_items);
    tcase_add_test(tc, stops_when_cancelled);
    tcase_add_test(tc, inside_itself_runs_on_the_calling_thread);
    tcase_add_test(tc, reports_progress_to_the_end);
    return s;
}
