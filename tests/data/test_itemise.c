#include <mlkit/data/table.h>

#include <stdio.h>

#include "support/mlk_test.h"

static mlk_table *read_text(const char *text)
{
    mlk_table *table;
    require_ok(mlk_table_read_memory("t.csv", text, strlen(text), NULL, NULL, &table));
    return table;
}

/* Row i of column j as text; "-" for what is missing. */
static const char *cell(const mlk_table *t, size_t i, size_t j)
{
    static char text[32];
    const mlk_column c = mlk_table_column(t, j);
    if (c.codes)
        return c.codes[i] == MLK_MISSING_CODE ? "-" : c.levels[c.codes[i]];
    snprintf(text, sizeof text, "%g", c.values[i]);
    return isnan(c.values[i]) ? "-" : text;
}

static const char lists[] = "items,price,shop\n"
                            "milk; bread,3,A\n"
                            ",4,B\n"
                            "beer;milk;;NA;eggs,,\"A;C\"\n";

START_TEST(cells_that_are_lists_become_rows)
{
    static const char *const expected[][4] = {{"milk", "3", "A", "1"}, {"bread", "-", "-", "1"},
                                              {"-", "4", "B", "2"},    {"beer", "-", "A", "3"},
                                              {"milk", "-", "C", "3"}, {"eggs", "-", "-", "3"}};
    static const size_t missing[] = {1, 4, 2, 0}, lines[] = {2, 2, 3, 4, 4, 4};
    mlk_table *table = read_text(lists), *out;
    require_ok(mlk_table_itemise(table, ';', "basket", &out));
    mlk_table_free(table);
    ck_assert_uint_eq(mlk_table_rows(out), MLK_COUNT(expected));
    ck_assert_uint_eq(mlk_table_cols(out), 4);
    ck_assert_str_eq(mlk_table_column(out, 3).name, "basket");
    for (size_t i = 0; i < MLK_COUNT(expected); i++)
        for (size_t j = 0; j < 4; j++)
            ck_assert_str_eq(cell(out, i, j), expected[i][j]);
    for (size_t j = 0; j < 4; j++)
        ck_assert_uint_eq(mlk_table_column(out, j).n_missing, missing[j]);
    for (size_t i = 0; i < MLK_COUNT(lines); i++)
        ck_assert_uint_eq(mlk_table_line(out, i), lines[i]);
    ck_assert_uint_eq(mlk_table_column(out, 0).n_levels, 4);
    ck_assert_str_eq(mlk_table_column(out, 0).levels[0], "beer");
    mlk_table_free(out);
}
END_TEST

START_TEST(a_name_that_is_taken_is_refused)
{
    mlk_table *table = read_text(lists), *out;
    require_fail(mlk_table_itemise(table, ';', "shop", &out), MLK_EINVAL,
                 "there is a column 'shop' already");
    ck_assert_ptr_null(out);
    mlk_table_free(table);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_table *table = read_text(lists), *out;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_table_itemise(table, ';', "basket", &out);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? out != NULL : st == MLK_ENOMEM && out == NULL);
    }
    mlk_table_free(out);
    mlk_table_free(table);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("data/itemise");
    TCase *t = test_case(s, "lists");
    tcase_add_test(t, cells_that_are_lists_become_rows);
    tcase_add_test(t, a_name_that_is_taken_is_refused);
    tcase_add_test(t, survives_each_failing_allocation);
    return s;
}
