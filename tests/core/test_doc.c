#include <mlkit/core/doc.h>

#include "support/mlk_test.h"

/* One of everything. */
static mlk_doc *sample(void)
{
    static const double v[] = {1.5, -2.25, 1e300};
    static const uint16_t codes[] = {1, 2, 65535, 4};
    mlk_doc *d = mlk_doc_new();
    mlk_doc_put_null(d, "nothing");
    mlk_doc_put_bool(d, "yes", true);
    mlk_doc_put_int(d, "count", -42);
    mlk_doc_put_real(d, "rate", 0.1);
    mlk_doc_put_text(d, "name", "sepal \"length\"");
    mlk_doc *list = mlk_doc_put_list(d, "list");
    for (int i = 0; i < 10; i++)
        mlk_doc_put_int(list, NULL, i);
    mlk_doc_put_vec(d, "v", (mlk_cvec){v, 3});
    mlk_doc_put_mat(d, "m", (mlk_cmat){v, 2, 1, 2});
    mlk_doc_put_array(d, "codes", MLK_U16, codes, 2, 2);
    mlk_doc_put_text(mlk_doc_put_map(d, "inner"), "key", "value");
    return d;
}

START_TEST(gives_back_what_was_put_in)
{
    mlk_doc *d = sample();
    const char *text;
    int64_t count;
    double rate;
    mlk_cvec v;
    mlk_cmat m;
    const mlk_doc *inner;
    require_ok(mlk_doc_check(d));
    ck_assert_uint_eq(mlk_doc_size(d), 10);
    require_ok(mlk_doc_get_int(d, "count", -50, 50, &count));
    ck_assert_int_eq(count, -42);
    require_ok(mlk_doc_get_real(d, "rate", 0, 1, &rate));
    ck_assert_double_eq(rate, 0.1);
    require_ok(mlk_doc_get_vec(d, "v", 3, &v));
    ck_assert_double_eq(v.data[2], 1e300);
    require_ok(mlk_doc_get_mat(d, "m", 2, 1, &m));
    ck_assert_double_eq(m.data[1], 1e300); /* the stride of the source was 2 */
    require_ok(mlk_doc_get_map(d, "inner", &inner));
    require_ok(mlk_doc_get_text(inner, "key", &text));
    ck_assert_str_eq(text, "value");
    ck_assert_int_eq(mlk_doc_int(mlk_doc_at(mlk_doc_find(d, "list"), 9)), 9);
    ck_assert_int_eq(((const uint16_t *)mlk_doc_array_of(mlk_doc_find(d, "codes")).data)[2], 65535);
    mlk_doc_free(d);
}
END_TEST

START_TEST(getters_name_what_is_wrong)
{
    mlk_doc *d = sample();
    const char *text;
    size_t size;
    double rate;
    mlk_cvec v;
    mlk_doc_array a;
    require_fail(mlk_doc_get_text(d, "nmae", &text), MLK_EFORMAT, "'nmae' is missing");
    require_fail(mlk_doc_get_text(d, "rate", &text), MLK_EFORMAT,
                 "'rate' is a number; expected a text");
    require_fail(mlk_doc_get_size(d, "count", 0, 10, &size), MLK_EFORMAT,
                 "'count' = -42 is outside [0, 10]");
    require_fail(mlk_doc_get_real(d, "rate", 0.2, 1, &rate), MLK_EFORMAT,
                 "'rate' = 0.1 is outside");
    require_fail(mlk_doc_get_vec(d, "v", 4, &v), MLK_EFORMAT, "shape 3 x 0; expected 4 x 0");
    require_fail(mlk_doc_get_array(d, "codes", MLK_U32, &a), MLK_EFORMAT,
                 "array of u16; expected u32");
    mlk_doc_put_vec(d, "bad", (mlk_cvec){(const double[]){1.0, NAN}, 2});
    require_fail(mlk_doc_get_vec(d, "bad", 2, &v), MLK_EFORMAT, "expected finite values");
    mlk_doc_put_real(d, "nan", NAN);
    require_fail(mlk_doc_get_real(d, "nan", -INFINITY, INFINITY, &rate), MLK_EFORMAT, "outside");
    require_ok(mlk_doc_get_real(d, "nan", NAN, NAN, &rate));
    mlk_doc_free(d);
}
END_TEST

START_TEST(remembers_a_failed_allocation_wherever_it_was)
{
    for (int k = 0;; k++) {
        mlk_test_fail_at = k;
        mlk_doc *d = sample();
        const bool hit = mlk_test_fail_at < 0;
        mlk_test_fail_at = -1;
        if (hit)
            require_fail(mlk_doc_check(d), MLK_ENOMEM, "no memory for a document");
        else
            require_ok(mlk_doc_check(d));
        mlk_doc_free(d);
        if (!hit)
            break;
    }
}
END_TEST

START_TEST(holds_many_members_and_large_arrays)
{
    enum { N = 20000 };
    mlk_doc *d = mlk_doc_new();
    mlk_doc *list = mlk_doc_put_list(d, "list");
    for (int i = 0; i < N; i++)
        mlk_doc_put_int(list, NULL, i);
    const mlk_cvec big = test_random_vec(1, N);
    mlk_doc_put_vec(d, "big", big);
    mlk_doc *copy = mlk_doc_new();
    mlk_doc_put_copy(copy, "all", d);
    require_ok(mlk_doc_check(copy));
    mlk_doc_free(d);
    const mlk_doc *all = mlk_doc_find(copy, "all");
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(mlk_doc_int(mlk_doc_at(mlk_doc_find(all, "list"), (size_t)i)), i);
    require_same(mlk_doc_array_of(mlk_doc_find(all, "big")).data, big.data, N * sizeof(double));
    mlk_doc_free(copy);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/doc");
    TCase *tc = test_case(s, "doc");
    tcase_add_test(tc, gives_back_what_was_put_in);
    tcase_add_test(tc, getters_name_what_is_wrong);
    tcase_add_test(tc, remembers_a_failed_allocation_wherever_it_was);
    tcase_add_test(tc, holds_many_members_and_large_arrays);
    return s;
}
