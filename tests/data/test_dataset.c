#include <mlkit/data/dataset.h>

#include <mlkit/core/doc.h>

#include <stdio.h>

#include "support/mlk_test.h"

/* The lines that run->warn heard. */
static char heard[1024];

static void listen(void *user, const char *line)
{
    (void)user;
    strncat(heard, line, sizeof heard - strlen(heard) - 2);
    strcat(heard, "\n");
}

static const mlk_run listening = {.warn = listen};

static mlk_table *table_of(const char *text)
{
    mlk_table *t;
    heard[0] = '\0';
    require_ok(mlk_table_read_memory("t.csv", text, strlen(text), NULL, NULL, &t));
    return t;
}

static mlk_dataset *dataset_of(const mlk_table *t, mlk_roles roles)
{
    mlk_dataset *d;
    require_ok(mlk_dataset_new(t, &roles, &listening, &d));
    return d;
}

static void require_values(const double *v, size_t n, const double *expected)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(v[i] == expected[i] || (isnan(v[i]) && isnan(expected[i])),
                      "value %zu is %g, not %g", i, v[i], expected[i]);
}

static const char *const mixed = "age,sex,price,w,note\n"
                                 "30,m,1.5,1,a\n"
                                 ",f,,2,b\n"
                                 "50,?,2.5,0,c\n"
                                 "60,f,3.5,4,d\n";

START_TEST(takes_the_columns_by_role_and_drops_rows_without_target)
{
    mlk_table *t = table_of(mixed);
    mlk_dataset *d =
        dataset_of(t, (mlk_roles){.target = "price", .weights = "w", .ignore = "note"});
    const mlk_data data = mlk_dataset_data(d);
    const mlk_schema *schema = mlk_dataset_schema(d);
    const double X[] = {30, 1, 50, (double)NAN, 60, 0}, y[] = {1.5, 2.5, 3.5}, w[] = {1, 0, 4};
    ck_assert(data.X.rows == 3 && data.X.cols == 2 && data.n_classes == 0);
    require_values(data.X.data, 6, X);
    require_values(data.y.data, 3, y);
    require_values(data.w.data, 3, w);
    ck_assert(data.levels[0] == 0 && data.levels[1] == 2);
    ck_assert(mlk_dataset_dropped(d) == 1 && mlk_dataset_row(d, 1) == 2);
    ck_assert_str_eq(heard, "t.csv: 1 row without a value of the target 'price' dropped\n");
    const char *const *levels;
    ck_assert(mlk_schema_n_features(schema) == 2 && mlk_schema_levels(schema, 1, &levels) == 2);
    ck_assert_str_eq(mlk_schema_feature(schema, 1), "sex");
    ck_assert_str_eq(levels[1], "m");
    ck_assert_str_eq(mlk_schema_target(schema), "price");
    mlk_dataset_free(d);
    mlk_table_free(t);
}
END_TEST

START_TEST(takes_listed_features_only_and_no_target_when_none_is_named)
{
    mlk_table *t = table_of("a,\"b,c\",d\n1,2,3\n4,5,6\n");
    mlk_dataset *d = dataset_of(t, (mlk_roles){.features = "\"b,c\",3"});
    const mlk_data data = mlk_dataset_data(d);
    const double X[] = {2, 3, 5, 6};
    ck_assert(data.X.cols == 2 && data.y.n == 0 && data.levels == NULL);
    require_values(data.X.data, 4, X);
    mlk_dataset_free(d);
    mlk_table_free(t);
}
END_TEST

START_TEST(decides_the_task_by_the_target)
{
    static const struct {
        const char *text, *task;
        size_t classes;
        bool note;
    } cases[] = {
        {"x,y\n1,a\n2,b\n", NULL, 2, false},
        {"x,y\n1,3\n2,-1\n3,3\n", NULL, 2, true},
        {"x,y\n1,3\n2,-1\n3,3\n", "regression", 0, false},
        {"x,y\n1,3.5\n2,-1\n3,3\n", NULL, 0, false},
        {"x,y\n1,3.5\n2,-1\n3,3\n", "classification", 3, false},
        {"x,y\n1,3.5e150\n2,-1.25e99\n3,7e18\n", NULL, 0, false},
        {"x,y\n0,0\n0,1\n0,2\n0,3\n0,4\n0,5\n0,6\n0,7\n0,8\n0,9\n0,10\n0,11\n0,12\n0,13\n0,14\n"
         "0,15\n0,16\n0,17\n0,18\n0,19\n",
         NULL, 20, true},
        {"x,y\n0,0\n0,1\n0,2\n0,3\n0,4\n0,5\n0,6\n0,7\n0,8\n0,9\n0,10\n0,11\n0,12\n0,13\n0,14\n"
         "0,15\n0,16\n0,17\n0,18\n0,19\n0,20\n",
         NULL, 0, false},
    };
    for (size_t i = 0; i < MLK_COUNT(cases); i++) {
        mlk_table *t = table_of(cases[i].text);
        mlk_dataset *d = dataset_of(t, (mlk_roles){.target = "y", .task = cases[i].task});
        ck_assert_uint_eq(mlk_dataset_data(d).n_classes, cases[i].classes);
        ck_assert_int_eq(strncmp(heard, "note: ", 6) == 0, cases[i].note);
        mlk_dataset_free(d);
        mlk_table_free(t);
    }
}
END_TEST

/* A table of 30 rows: y = i, and x = i * step but for row 7, where it is `seventh`. */
static mlk_table *rows_but_one(const char *seventh, char point, double step)
{
    char text[1000] = "x;y\n";
    size_t at = strlen(text);
    for (int i = 0; i < 30; i++) {
        char value[32];
        snprintf(value, sizeof value, "%g", i * step);
        if (strchr(value, '.'))
            *strchr(value, '.') = point;
        at += (size_t)sprintf(text + at, "%s;%d\n", i == 7 ? seventh : value, i);
    }
    return table_of(text);
}

START_TEST(warns_of_columns_that_are_text_by_accident)
{
    static const struct {
        const char *seventh;
        char point;
        const char *warning;
    } cases[] = {
        {"n.a.", '.',
         "t.csv: column 'x' holds categories: 1 of its 30 values is no number ('n.a.' in line "
         "9)\n"},
        {"1", ',',
         "t.csv: column 'x' holds categories: its numbers have decimal commas ('0,37' in line 3); "
         "expected points\n"},
        {"NA", '.', ""},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_table *t = rows_but_one(cases[k].seventh, cases[k].point, 0.37);
        mlk_dataset_free(dataset_of(t, (mlk_roles){.target = "y", .task = "regression"}));
        ck_assert_str_eq(heard, cases[k].warning);
        mlk_table_free(t);
    }
    static const char names[] = "x;y\nu;1\nv;2\n7;3\n"; /* names that may be numbers */
    mlk_table *t = table_of(names);
    char why[8];
    ck_assert(!mlk_table_stray(t, 0, why, sizeof why));
    ck_assert(!mlk_table_stray(t, 1, why, sizeof why));
    mlk_table_free(t);
    static const char asked[] = "x\n1,5\n2,5\n3,5\n";
    for (int forced = 0; forced < 2; forced++) {
        const mlk_table_opts o = {
            .header = true, .delimiter = ';', .categorical = forced ? "x" : NULL};
        require_ok(mlk_table_read_memory("t.csv", asked, strlen(asked), &o, NULL, &t));
        ck_assert(mlk_table_stray(t, 0, why, sizeof why) == !forced);
        mlk_table_free(t);
    }
}
END_TEST

START_TEST(warns_of_measurements_that_are_to_be_classes)
{
    mlk_table *t = rows_but_one("1", '.', 0.5);
    const mlk_roles classes = {.target = "x", .task = "classification"};
    mlk_dataset_free(dataset_of(t, classes));
    ck_assert_str_eq(heard, "t.csv: each of the 29 different numbers of the target 'x' is a class "
                            "of its own; a regression predicts numbers\n");
    mlk_table_free(t);
    char text[2000] = "x;y\n"; /* 25 whole numbers with 6 rows each */
    for (int i = 0; i < 150; i++)
        sprintf(text + strlen(text), "%d;%d\n", i % 25, i);
    t = table_of(text);
    mlk_dataset_free(dataset_of(t, classes));
    ck_assert_str_eq(heard, "");
    mlk_table_free(t);
}
END_TEST

START_TEST(sorts_classes_and_puts_the_positive_label_second)
{
    static const struct {
        const char *text, *positive, *names[2];
        double y[2];
    } cases[] = {
        {"x,y\n1,10\n2,9\n", NULL, {"9", "10"}, {1, 0}},
        {"x,y\n1,10\n2,9\n", "9", {"10", "9"}, {0, 1}},
        {"x,y\n1,10\n2,9\n", "9.0", {"10", "9"}, {0, 1}},
        {"x,y\n1,no\n2,yes\n", "yes", {"no", "yes"}, {0, 1}},
        {"x,y\n1,no\n2,yes\n", "no", {"yes", "no"}, {1, 0}},
        {"x,y\n1,10a\n2,9\n", NULL, {"10a", "9"}, {0, 1}},
    };
    for (size_t i = 0; i < MLK_COUNT(cases); i++) {
        mlk_table *t = table_of(cases[i].text);
        mlk_dataset *d = dataset_of(
            t, (mlk_roles){.target = "y", .task = "classification", .positive = cases[i].positive});
        for (size_t k = 0; k < 2; k++)
            ck_assert_str_eq(mlk_schema_class(mlk_dataset_schema(d), k), cases[i].names[k]);
        require_values(mlk_dataset_data(d).y.data, 2, cases[i].y);
        mlk_dataset_free(d);
        mlk_table_free(t);
    }
}
END_TEST

static const struct {
    const char *text;
    mlk_roles roles;
    mlk_status status;
    const char *expected;
} refusals[] = {
    {"price,b\n1,2\n", {.target = "pirce"}, MLK_EINVAL, "no column 'pirce'; did you mean 'price'?"},
    {"a,b\n1,2\n",
     {.target = "a", .weights = "a"},
     MLK_EINVAL,
     "column 'a' is to be both the target and the weights"},
    {"a,b\n1,2\n",
     {.target = "a", .features = "b,a"},
     MLK_EINVAL,
     "column 'a' is to be both the target and a feature"},
    {"a,b\n1,2\n", {.ignore = "a,b"}, MLK_EINVAL, "no column is left as feature"},
    {"a,b\n1,2\n", {.features = "a,,b"}, MLK_EINVAL, "name 2 is empty"},
    {"a,b\n1,2\n", {.features = "a,\"b"}, MLK_EINVAL, "a quote that does not end"},
    {"a,b\n1,2\n3,4\n", {.target = "b", .task = "guessing"}, MLK_EINVAL, "unknown task 'guessing'"},
    {"a,b\n1,x\n2,x\n", {.target = "b"}, MLK_EFORMAT, "t.csv: the target 'b' has one class only"},
    {"a,b\n1,\n2,\n", {.target = "b"}, MLK_EFORMAT, "t.csv: the target 'b' has no value"},
    {"a,b\n1,7\n2,7\n", {.target = "b"}, MLK_EFORMAT, "t.csv: the target 'b' is 7 in every row"},
    {"a,b\n1,7\n2,7\n",
     {.target = "b", .task = "classification"},
     MLK_EFORMAT,
     "t.csv: the target 'b' has one class only"},
    {"a,b\n1,x\n2,y\n",
     {.target = "b", .task = "regression"},
     MLK_EFORMAT,
     "t.csv:2: the target 'b' is text ('x')"},
    {"a,b\n1,x\n2,y\n", {.target = "b", .positive = "z"}, MLK_EINVAL, "no class 'z' of 'b'"},
    {"a,b\n1,x\n2,y\n3,z\n", {.target = "b", .positive = "z"}, MLK_EINVAL, "'b' has 3"},
    {"a,b\n1,1.5\n2,2\n", {.target = "b", .positive = "2"}, MLK_EINVAL, "needs classes"},
    {"a,w\n1,1\n2,-0.5\n", {.weights = "w"}, MLK_EFORMAT, "t.csv:3: column 'w': a weight is -0.5"},
    {"a,w\n1,1\n2,\n", {.weights = "w"}, MLK_EFORMAT, "t.csv:3: column 'w': a weight is missing"},
    {"a,w\n1,x\n2,\n", {.weights = "w"}, MLK_EFORMAT, "t.csv: the weights 'w' are text"},
    {"a,w\n1,0\n2,0\n", {.weights = "w"}, MLK_EFORMAT, "t.csv: the weights 'w' sum to 0"},
};

START_TEST(refuses_bad_roles_and_targets)
{
    mlk_table *t = table_of(refusals[_i].text);
    mlk_dataset *d;
    require_fail(mlk_dataset_new(t, &refusals[_i].roles, NULL, &d), refusals[_i].status,
                 refusals[_i].expected);
    ck_assert_ptr_null(d);
    mlk_table_free(t);
}
END_TEST

/* ---------------------------------------------------------------------------- apply */

/* A schema that went through a document, as in a model file. */
static mlk_schema *saved(const mlk_schema *schema)
{
    mlk_schema *back;
    mlk_doc *doc = mlk_doc_new();
    mlk_schema_save(schema, doc);
    require_ok(mlk_doc_check(doc));
    require_ok(mlk_schema_load(doc, &back));
    mlk_doc_free(doc);
    return back;
}

static mlk_schema *schema_of(const char *text, mlk_roles roles)
{
    mlk_table *t = table_of(text);
    mlk_dataset *d = dataset_of(t, roles);
    mlk_schema *s = saved(mlk_dataset_schema(d));
    mlk_dataset_free(d);
    mlk_table_free(t);
    return s;
}

START_TEST(finds_the_columns_of_the_schema_in_another_table)
{
    mlk_schema *s = schema_of(mixed, (mlk_roles){.target = "price", .weights = "w"});
    mlk_table *t = table_of("extra,w,note,sex,age,price\n9,1,d,m,1,7\n9,2,x,n,2,\n9,3,y,f,3,8\n");
    mlk_dataset *d;
    require_ok(mlk_dataset_apply(s, t, true, &listening, &d));
    const double X[] = {1, 1, 3, 3, 0, -1}, y[] = {7, 8}, w[] = {1, 3};
    require_values(mlk_dataset_data(d).X.data, 6, X);
    require_values(mlk_dataset_data(d).y.data, 2, y);
    require_values(mlk_dataset_data(d).w.data, 2, w);
    ck_assert_ptr_nonnull(strstr(
        heard, "t.csv: column 'sex': 1 value that training did not know, the first 'n' in line 3"));
    ck_assert_ptr_nonnull(strstr(
        heard, "column 'note': 2 values that training did not know, the first 'x' in line 3"));
    mlk_dataset_free(d);
    require_ok(mlk_dataset_apply(s, t, false, NULL, &d));
    ck_assert(mlk_dataset_data(d).X.rows == 3 && mlk_dataset_data(d).y.n == 0);
    ck_assert(mlk_dataset_data(d).X.data[4] == MLK_UNSEEN);
    mlk_dataset_free(d);
    mlk_table_free(t);
    mlk_schema_free(s);
}
END_TEST

START_TEST(knows_levels_and_classes_that_another_table_reads_as_numbers)
{
    mlk_schema *s = schema_of("zip,y\n01,0\nx,1\n2,0\n", (mlk_roles){.target = "y"});
    mlk_table *t = table_of("zip,y\n1,1.0\n2,0\n,1\n");
    mlk_dataset *d;
    require_ok(mlk_dataset_apply(s, t, true, &listening, &d));
    const double X[] = {0, 1, (double)NAN}, y[] = {1, 0, 1};
    require_values(mlk_dataset_data(d).X.data, 3, X);
    require_values(mlk_dataset_data(d).y.data, 3, y);
    ck_assert_str_eq(heard, "");
    mlk_dataset_free(d);
    mlk_table_free(t);
    mlk_schema_free(s);
}
END_TEST

START_TEST(refuses_tables_that_do_not_fit_the_schema)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"y,b\na,u\n", "t.csv: column 'a' is missing"},
        {"a,b\n1,u\n", "t.csv: the target 'y' is missing"},
        {"a,b,y\n1,u,a\nx,u,b\n", "t.csv:3: column 'a': 'x' is no number, as training had there"},
        {"a,b,y\n1,u,a\n2,u,c\n", "t.csv:3: column 'y': 'c' is none of the 2 classes"},
        {"a,b,y\n1,u,\n2,u,\n", "t.csv: the target 'y' has no value"},
    };
    mlk_schema *s = schema_of("a,b,y\n1,u,a\n2,v,b\n", (mlk_roles){.target = "y"});
    for (size_t i = 0; i < MLK_COUNT(cases); i++) {
        mlk_table *t = table_of(cases[i].text);
        mlk_dataset *d;
        require_fail(mlk_dataset_apply(s, t, true, NULL, &d), MLK_EFORMAT, cases[i].expected);
        ck_assert_ptr_null(d);
        mlk_table_free(t);
    }
    mlk_schema_free(s);
}
END_TEST

START_TEST(takes_absent_svmlight_features_as_zero)
{
    mlk_table *train, *test;
    require_ok(mlk_table_read_memory("a.svm", "1 1:2 3:4\n0 2:1\n", 16, NULL, NULL, &train));
    require_ok(mlk_table_read_memory("b.svm", "0 1:5\n", 6, NULL, NULL, &test));
    mlk_dataset *d = dataset_of(train, (mlk_roles){.target = "target"}), *e;
    require_ok(mlk_dataset_apply(mlk_dataset_schema(d), test, true, NULL, &e));
    const double X[] = {5, 0, 0};
    require_values(mlk_dataset_data(e).X.data, 3, X);
    mlk_dataset_free(e);
    mlk_dataset_free(d);
    mlk_table_free(test);
    mlk_table_free(train);
}
END_TEST

START_TEST(refuses_documents_that_are_no_schema)
{
    mlk_schema *s;
    mlk_doc *doc = mlk_doc_new();
    require_fail(mlk_schema_load(doc, &s), MLK_EFORMAT, "'features' is missing");
    mlk_doc *features = mlk_doc_put_list(doc, "features");
    require_fail(mlk_schema_load(doc, &s), MLK_EFORMAT, "'classes' is missing");
    mlk_doc *classes = mlk_doc_put_list(doc, "classes");
    require_ok(mlk_schema_load(doc, &s));
    mlk_schema_free(s);
    mlk_doc_put_text(classes, NULL, "a");
    require_fail(mlk_schema_load(doc, &s), MLK_EFORMAT, "1 class");
    mlk_doc_put_text(classes, NULL, "a");
    require_fail(mlk_schema_load(doc, &s), MLK_EFORMAT, "'a' is there twice");
    mlk_doc *feature = mlk_doc_put_map(features, NULL);
    require_fail(mlk_schema_load(doc, &s), MLK_EFORMAT, "'name' is missing");
    mlk_doc_put_text(feature, "name", "f");
    mlk_doc_put_list(feature, "levels");
    require_fail(mlk_schema_load(doc, &s), MLK_EFORMAT, "'levels' is an empty list");
    ck_assert_ptr_null(s);
    mlk_doc_free(doc);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_table *t = table_of("a,b,c,y,w\n1,u,1,2,1\n2,v,x,1,2\n3,?,2,,1\n");
    const mlk_roles roles = {.target = "y",
                             .weights = "w",
                             .features = "a,b,c",
                             .task = "classification",
                             .positive = "1"};
    mlk_dataset *d = NULL, *e = NULL;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_dataset_new(t, &roles, NULL, &d);
        ck_assert(st == MLK_OK ? d != NULL : st == MLK_ENOMEM && d == NULL);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_dataset_apply(mlk_dataset_schema(d), t, true, NULL, &e);
        ck_assert(st == MLK_OK ? e != NULL : st == MLK_ENOMEM && e == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_doc *doc = mlk_doc_new();
    mlk_schema_save(mlk_dataset_schema(d), doc);
    mlk_schema *s = NULL;
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_schema_load(doc, &s);
        ck_assert(st == MLK_OK ? s != NULL : st == MLK_ENOMEM && s == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_schema_free(s);
    mlk_doc_free(doc);
    mlk_dataset_free(e);
    mlk_dataset_free(d);
    mlk_table_free(t);
}
END_TEST

START_TEST(is_the_same_for_any_number_of_threads)
{
    const char *path = test_shared_path("datasets/california_housing.csv");
    if (!path)
        return;
    mlk_dataset *first = NULL;
    for (int threads = 1; threads <= 8; threads += 1 + (threads > 2) * 4) {
        const mlk_run run = {.threads = threads};
        mlk_table *t;
        mlk_dataset *d;
        require_ok(mlk_table_read(path, NULL, &run, &t));
        require_ok(mlk_dataset_new(t, &(mlk_roles){.target = "median_house_value"}, &run, &d));
        mlk_table_free(t);
        if (!first) {
            first = d;
            continue;
        }
        const mlk_data a = mlk_dataset_data(first), b = mlk_dataset_data(d);
        require_same(a.X.data, b.X.data, a.X.rows * a.X.cols * sizeof *a.X.data);
        require_same(a.y.data, b.y.data, a.y.n * sizeof *a.y.data);
        mlk_dataset_free(d);
    }
    mlk_dataset_free(first);
}
END_TEST

/* --------------------------------------------------------------------------- subsets */

START_TEST(takes_any_rows_as_a_subset)
{
    mlk_table *t = table_of("a,b,y,w\n1,u,5,1\n2,v,6,2\n3,u,7,3\n");
    mlk_dataset *d =
        dataset_of(t, (mlk_roles){.target = "y", .weights = "w", .task = "regression"});
    const mlk_data data = mlk_dataset_data(d);
    const size_t rows[] = {2, 0, 2}, outside[] = {0, 3};
    const double X[] = {3, 0, 1, 0, 3, 0}, y[] = {7, 5, 7}, w[] = {3, 1, 3};
    mlk_subset s;
    require_ok(mlk_subset_new(&data, rows, 3, NULL, &s));
    require_values(s.data.X.data, 6, X);
    require_values(s.data.y.data, 3, y);
    require_values(s.data.w.data, 3, w);
    ck_assert_ptr_eq(s.data.levels, data.levels);
    mlk_subset_free(&s);
    require_fail(mlk_subset_new(&data, outside, 2, NULL, &s), MLK_EINVAL,
                 "row 3 is outside the 3 rows");
    mlk_test_fail_at = 0;
    require_fail(mlk_subset_new(&data, rows, 3, NULL, &s), MLK_ENOMEM, "no memory");
    mlk_subset_free(&s);
    mlk_dataset_free(d);
    mlk_table_free(t);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("data/dataset");
    TCase *made = test_case(s, "made"), *applied = test_case(s, "applied"),
          *errors = test_case(s, "errors");
    tcase_add_test(made, takes_the_columns_by_role_and_drops_rows_without_target);
    tcase_add_test(made, takes_listed_features_only_and_no_target_when_none_is_named);
    tcase_add_test(made, decides_the_task_by_the_target);
    tcase_add_test(made, warns_of_columns_that_are_text_by_accident);
    tcase_add_test(made, warns_of_measurements_that_are_to_be_classes);
    tcase_add_test(made, sorts_classes_and_puts_the_positive_label_second);
    tcase_add_test(made, is_the_same_for_any_number_of_threads);
    tcase_add_test(made, takes_any_rows_as_a_subset);
    tcase_add_loop_test(errors, refuses_bad_roles_and_targets, 0, (int)MLK_COUNT(refusals));
    tcase_add_test(applied, finds_the_columns_of_the_schema_in_another_table);
    tcase_add_test(applied, knows_levels_and_classes_that_another_table_reads_as_numbers);
    tcase_add_test(applied, refuses_tables_that_do_not_fit_the_schema);
    tcase_add_test(applied, takes_absent_svmlight_features_as_zero);
    tcase_add_test(errors, refuses_documents_that_are_no_schema);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
