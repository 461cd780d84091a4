#include <mlkit/report/json.h>

#include "support/mlk_test.h"

static void require_json(const mlk_doc *d, const char *expected)
{
    char *text;
    require_ok(mlk_json_write(d, &text));
    ck_assert_str_eq(text, expected);
    mlk_text_free(text);
}

START_TEST(writes_every_kind)
{
    static const double v[] = {1.0, NAN, INFINITY, 0.1};
    static const int32_t i32[] = {-1, 2};
    mlk_doc *d = mlk_doc_new();
    mlk_doc_put_null(d, "null");
    mlk_doc_put_bool(d, "yes", true);
    mlk_doc_put_int(d, "n", -7);
    mlk_doc_put_real(d, "third", 1.0 / 3.0);
    mlk_doc_put_real(d, "nan", NAN);
    mlk_doc_put_text(d, "text", "a\"b\n\xc3\xa9\xff!\xed\xa0\x80");
    mlk_doc_put_mat(d, "m", (mlk_cmat){v, 2, 2, 2});
    mlk_doc_put_array(d, "i", MLK_I32, i32, 2, 0);
    mlk_doc_put_list(d, "none");
    require_json(
        d,
        "{\n \"null\": null,\n \"yes\": true,\n \"n\": -7,\n"
        " \"third\": 0.33333333333333331,\n \"nan\": null,\n"
        " \"text\": \"a\\\"b\\n\xc3\xa9\xef\xbf\xbd!\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\n"
        " \"m\": [\n  [\n   1.0,\n   null\n  ],\n  [\n   null,\n   0.10000000000000001\n  ]\n ],\n"
        " \"i\": [\n  -1,\n  2\n ],\n \"none\": []\n}\n");
    mlk_doc_free(d);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_doc *d = mlk_doc_new();
    char *text;
    mlk_doc_put_text(mlk_doc_put_map(d, "map"), "key", "value");
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_json_write(d, &text);
        ck_assert(st == MLK_OK ? text != NULL : st == MLK_ENOMEM && !text);
    }
    mlk_text_free(text);
    mlk_doc_free(d);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("report/json");
    TCase *tc = test_case(s, "json");
    tcase_add_test(tc, writes_every_kind);
    tcase_add_test(tc, survives_each_failing_allocation);
    return s;
}
