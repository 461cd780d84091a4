#include "core/alloc.h"

#include "support/mlk_test.h"

START_TEST(refuses_products_that_overflow)
{
    ck_assert_ptr_null(mlk_alloc(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(mlk_alloc_flex(16, SIZE_MAX / 8, 8));
    mlk_scratch s = MLK_SCRATCH_INIT;
    ck_assert_ptr_null(mlk_scratch_mat(&s, SIZE_MAX / 4, 8).data);
    ck_assert(s.failed);
    mlk_scratch_release(&s);
}
END_TEST

START_TEST(aligns_every_block_to_a_cache_line)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 5000, 9 << 20};
    for (size_t i = 0; i < MLK_COUNT(sizes); i++) {
        void *p = mlk_alloc(sizes[i], 1);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % 64, 0);
        mlk_free(p);
    }
}
END_TEST

START_TEST(regrow_keeps_what_fits)
{
    int *v = mlk_alloc(3, sizeof *v);
    for (int i = 0; i < 3; i++)
        v[i] = 7 * i;
    mlk_test_fail_at = 0;
    ck_assert_ptr_null(mlk_regrow(v, 3, 1000, sizeof *v)); /* v is as it was */
    v = mlk_regrow(v, 3, 1000, sizeof *v);
    ck_assert_ptr_nonnull(v);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(v[i], 7 * i);
    mlk_free(v);
}
END_TEST

START_TEST(scratch_remembers_one_failure_among_many)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_test_fail_at = 1;
    ck_assert_ptr_nonnull(mlk_scratch_vec(&s, 10).data);
    ck_assert(!s.failed);
    ck_assert_ptr_null(mlk_scratch_vec(&s, 10).data);
    ck_assert_ptr_null(mlk_scratch_vec(&s, 10).data);
    ck_assert(s.failed);
    mlk_scratch_release(&s);
    ck_assert(!s.failed);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/alloc");
    TCase *tc = test_case(s, "alloc");
    tcase_add_test(tc, refuses_products_that_overflow);
    tcase_add_test(tc, aligns_every_block_to_a_cache_line);
    tcase_add_test(tc, regrow_keeps_what_fits);
    tcase_add_test(tc, scratch_remembers_one_failure_among_many);
    return s;
}
