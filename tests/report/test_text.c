#include <mlkit/report/text.h>

#include <mlkit/report/json.h>

#include "support/mlk_test.h"

START_TEST(aligns_numbers_right_and_words_left)
{
    static const char *const titles[] = {"model", "R2", "note"};
    mlk_text_table *t = mlk_text_table_new(titles, 3);
    char *text;
    mlk_text_table_cell(t, "ridge");
    mlk_text_table_number(t, 0.61234, 3);
    mlk_text_table_cell(t, "");
    mlk_text_table_cell(t, "for\xc3\xaat");
    mlk_text_table_number(t, -12.5, 3);
    mlk_text_table_cell(t, "slow");
    require_ok(mlk_text_table_write(t, 2, &text));
    ck_assert_str_eq(text, "  model     R2  note\n"
                           "  ridge  0.612\n"
                           "  for\xc3\xaat  -12.5  slow\n");
    mlk_text_free(text);
    mlk_text_table_free(t);
}
END_TEST

START_TEST(writes_numbers_as_people_do)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.5, "0.5000"},
                 {0.1, "0.1000"},
                 {0.01, "0.01000"},
                 {1234.5678, "1235"},
                 {12.345678, "12.35"},
                 {3.0, "3"},
                 {20640.0, "20640"},
                 {1e-9, "1e-09"},
                 {0.00012345, "0.0001234"},
                 {2.5e12, "2500000000000"},
                 {(double)NAN, "-"},
                 {-0.25, "-0.2500"},
                 {0.0, "0"},
                 {1.5e7 + 0.5, "1.5e+07"}};
    char buf[64];
    for (size_t i = 0; i < MLK_COUNT(cases); i++)
        ck_assert_str_eq(mlk_text_number(cases[i].value, 4, buf, sizeof buf), cases[i].text);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    static const char *const titles[] = {"a", "b"};
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        char *text;
        mlk_test_fail_at = k;
        mlk_text_table *t = mlk_text_table_new(titles, 2);
        for (int i = 0; i < 100; i++)
            mlk_text_table_cell(t, "a long cell that fills the first chunk of memory soon");
        st = mlk_text_table_write(t, 0, &text);
        ck_assert(st == MLK_OK ? text != NULL : st == MLK_ENOMEM && !text);
        mlk_text_free(text);
        mlk_text_table_free(t);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("report/text");
    TCase *tc = test_case(s, "text");
    tcase_add_test(tc, aligns_numbers_right_and_words_left);
    tcase_add_test(tc, writes_numbers_as_people_do);
    tcase_add_test(tc, survives_each_failing_allocation);
    return s;
}
