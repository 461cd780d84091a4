#include <mlkit/tree/show.h>

#include "support/mlk_test.h"

static const char *const feature_names[] = {"length", "width", "colour"};
static const char *const colours[] = {"blue", "red", "white \"\\"};
static const char *const *const level_names[] = {NULL, NULL, colours};
static const char *const class_names[] = {"setosa", "versicolor", "virginica"};
static const mlk_tree_names all_names = {feature_names, level_names, class_names, "species"};

/* Ten flowers: length tells class 0, colour the two others; one width is missing. */
static mlk_data flowers(void)
{
    static const double X[] = {1, 5, 0, 1.5, 4, 1, 1, 3, 2, 4, 2,   0, 5, 9, 0,
                               4, 1, 0, 6,   1, 1, 4, 2, 1, 5, NAN, 2, 7, 3, 1};
    static const double y[] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 2};
    static const size_t levels[] = {0, 0, 3};
    return (mlk_data){.X = {X, 10, 3, 3}, .y = {y, 10}, .n_classes = 3, .levels = levels};
}

static mlk_tree *flower_tree(void)
{
    const mlk_data d = flowers();
    mlk_tree *tree;
    require_ok(mlk_tree_fit(&d, NULL, NULL, &tree));
    return tree;
}

START_TEST(writes_the_tree_as_text)
{
    mlk_tree *tree = flower_tree();
    char *text;
    require_ok(mlk_tree_text(tree, &all_names, &text));
    ck_assert_str_eq(text, "length <= 2.75?  [0] 10 rows, gini 0.66, setosa 0.3 versicolor 0.3 "
                           "virginica 0.4\n"
                           "  yes: setosa  [1] 3 rows, gini 0\n"
                           "  no: colour in {blue}?  [2] 7 rows, gini 0.48979592, versicolor 0.429 "
                           "virginica 0.571\n"
                           "    yes: versicolor  [3] 3 rows, gini 0\n"
                           "    no: virginica  [4] 4 rows, gini 0\n");
    mlk_tree_text_free(text);
    require_ok(mlk_tree_text(tree, NULL, &text));
    ck_assert_ptr_nonnull(strstr(text, "no: x3 in {0}?"));
    mlk_tree_text_free(text);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(writes_one_rule_a_leaf_with_its_coverage)
{
    mlk_tree *tree = flower_tree();
    char *text;
    require_ok(mlk_tree_rules(tree, &all_names, &text));
    ck_assert_str_eq(
        text, "if length <= 2.75 then species = setosa  [3 rows, 30 %, share 1]\n"
              "if (length > 2.75 or missing) and colour in {blue} then species = versicolor  "
              "[3 rows, 30 %, share 1]\n"
              "if (length > 2.75 or missing) and (colour in {red, white \"\\} or missing) "
              "then species = virginica  [4 rows, 40 %, share 1]\n");
    mlk_tree_text_free(text);
    mlk_tree_free(tree);
}
END_TEST

/* A tree of one column, cut between each two neighbours of x (n values of classes in turn). */
static char *cut_between(const double *x, size_t n)
{
    double y[16];
    mlk_tree *tree;
    char *text;
    for (size_t i = 0; i < n; i++)
        y[i] = (double)(i % 2);
    const mlk_data d = {.X = {x, n, 1, 1}, .y = {y, n}, .n_classes = 2};
    require_ok(mlk_tree_fit(&d, NULL, NULL, &tree));
    require_ok(mlk_tree_text(tree, NULL, &text));
    mlk_tree_free(tree);
    return text;
}

static void check_shows(const double *x, size_t n, const char *threshold)
{
    char *text = cut_between(x, n);
    ck_assert_msg(strstr(text, threshold) != NULL, "no '%s' in:\n%s", threshold, text);
    mlk_tree_text_free(text);
}

START_TEST(shows_thresholds_with_the_digits_that_tell_values_apart)
{
    /* Midway lies 14.190000000000001; of 17 digits six are enough. */
    check_shows((double[]){14.11, 14.27}, 2, "x1 <= 14.19 ");
    check_shows((double[]){0.12345678901234, 0.15432109876543}, 2, "x1 <= 0.138889 ");
    /* Whole numbers, however large: 1609459200 goes left and 1609459201 right. */
    check_shows((double[]){1609459200, 1609459201}, 2, "x1 <= 1609459200.5 ");
    check_shows((double[]){1e300, 3e300}, 2, "x1 <= 2e+300 ");
    check_shows((double[]){-1.23456781234e-7, -1.13456785678e-7}, 2, "x1 <= -1.18457e-07 ");
    /* Different cuts look different, in ascending order. */
    const double close[] = {0.50000001234567, 0.50000002345678, 0.50000003456789};
    check_shows(close, 3, "x1 <= 0.50000002");
    check_shows(close, 3, "x1 <= 0.50000003");
}
END_TEST

START_TEST(writes_dot_with_escaped_names)
{
    mlk_tree *tree = flower_tree();
    char *text;
    require_ok(mlk_tree_dot(tree, &all_names, &text));
    ck_assert_ptr_eq(strstr(text, "digraph tree {"), text);
    ck_assert_ptr_nonnull(strstr(text, "    n0 [label=\"length <= 2.75\\n10 rows, gini 0.66"));
    ck_assert_ptr_nonnull(strstr(text, "    n0 -> n1 [label=\"yes\"];\n"));
    ck_assert_str_eq(text + strlen(text) - 2, "}\n");
    mlk_tree_text_free(text);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(lists_the_nodes_in_a_document)
{
    mlk_tree *tree = flower_tree();
    mlk_doc *doc = mlk_doc_new();
    mlk_tree_nodes_doc(tree, &all_names, doc);
    const mlk_doc *nodes = mlk_doc_find(doc, "nodes");
    ck_assert_uint_eq(mlk_doc_size(nodes), 5);
    const mlk_doc *root = mlk_doc_at(nodes, 0), *second = mlk_doc_at(nodes, 2);
    ck_assert_str_eq(mlk_doc_text(mlk_doc_find(root, "feature")), "length");
    ck_assert(mlk_doc_real(mlk_doc_find(root, "threshold")) == 2.75);
    ck_assert_int_eq(mlk_doc_int(mlk_doc_find(root, "right")), 2);
    ck_assert_str_eq(mlk_doc_text(mlk_doc_at(mlk_doc_find(second, "levels"), 0)), "blue");
    ck_assert_ptr_null(mlk_doc_find(mlk_doc_at(nodes, 1), "feature"));
    mlk_doc_free(doc);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(explains_a_split_as_a_textbook_does)
{
    const mlk_data d = flowers();
    mlk_tree *tree = flower_tree();
    char *text;
    require_ok(mlk_tree_explain(tree, &d, 2, &all_names, NULL, &text));
    ck_assert_ptr_nonnull(strstr(text, "node 2: 7 rows: setosa 0, versicolor 3, virginica 4\n"
                                       "  gini = 1 - (3/7)^2 - (4/7)^2 = 0.48979592\n"));
    ck_assert_ptr_nonnull(strstr(text, "colour in {blue}   <- the split of the tree\n"
                                       "  yes: 3 rows: setosa 0, versicolor 3, virginica 0\n"
                                       "       gini = 1 - (3/3)^2 = 0\n"
                                       "  no:  4 rows: setosa 0, versicolor 0, virginica 4\n"
                                       "       gini = 1 - (4/4)^2 = 0\n"
                                       "  after: 3/7 * 0 + 4/7 * 0 = 0\n"
                                       "  gain:  0.48979592 - 0 = 0.48979592\n"));
    mlk_tree_text_free(text);
    require_ok(mlk_tree_explain(tree, &d, 1, &all_names, NULL, &text));
    ck_assert_ptr_nonnull(strstr(text, "a leaf, which predicts setosa"));
    mlk_tree_text_free(text);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(explains_entropy_and_variance)
{
    mlk_data d = flowers();
    mlk_tree_opts o = mlk_tree_opts_default();
    mlk_tree *tree;
    char *text;
    o.criterion = MLK_TREE_ENTROPY;
    require_ok(mlk_tree_fit(&d, &o, NULL, &tree));
    require_ok(mlk_tree_explain(tree, &d, 0, NULL, NULL, &text));
    ck_assert_ptr_nonnull(strstr(
        text, "entropy = -3/10 log2(3/10) - 3/10 log2(3/10) - 4/10 log2(4/10) = 1.5709506\n"));
    mlk_tree_text_free(text);
    mlk_tree_free(tree);

    d.n_classes = 0;
    require_ok(mlk_tree_fit(&d, NULL, NULL, &tree));
    require_ok(mlk_tree_explain(tree, &d, 0, NULL, NULL, &text));
    ck_assert_ptr_nonnull(strstr(text, "variance = 0.69 around the mean 1.1\n"));
    mlk_tree_text_free(text);
    mlk_tree_free(tree);
}
END_TEST

START_TEST(refuses_what_does_not_belong_to_the_tree)
{
    mlk_data d = flowers();
    mlk_tree *tree = flower_tree();
    char *text;
    require_fail(mlk_tree_explain(tree, &d, 5, NULL, NULL, &text), MLK_EINVAL,
                 "node 5; the tree has 5");
    ck_assert_ptr_null(text);
    d.n_classes = 4;
    require_fail(mlk_tree_explain(tree, &d, 0, NULL, NULL, &text), MLK_EINVAL, "4 classes");
    d = flowers();
    d.levels = NULL;
    require_fail(mlk_tree_explain(tree, &d, 0, NULL, NULL, &text), MLK_EINVAL,
                 "column 2 has 0 levels");
    d = flowers();
    d.X.rows = d.y.n = 3; /* all setosa */
    require_fail(mlk_tree_explain(tree, &d, 2, NULL, NULL, &text), MLK_EINVAL,
                 "none of the 3 rows reaches node 2");
    mlk_tree_free(tree);
}
END_TEST

typedef mlk_status text_writer(const mlk_tree *, const mlk_tree_names *, char **);

START_TEST(survives_each_failing_allocation)
{
    static text_writer *const writers[] = {mlk_tree_text, mlk_tree_rules, mlk_tree_dot};
    const mlk_data d = flowers();
    mlk_tree *tree = flower_tree();
    for (size_t i = 0; i <= MLK_COUNT(writers); i++) {
        mlk_status st = MLK_ENOMEM;
        char *text;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = i < MLK_COUNT(writers)
                     ? writers[i](tree, &all_names, &text)
                     : mlk_tree_explain(tree, &d, 0, &all_names, &(mlk_run){.threads = 1}, &text);
            ck_assert(st == MLK_OK ? text != NULL : st == MLK_ENOMEM && text == NULL);
        }
        mlk_test_fail_at = -1;
        mlk_tree_text_free(text);
    }
    mlk_tree_free(tree);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tree/show");
    TCase *text = test_case(s, "text"), *explain = test_case(s, "explain");
    tcase_add_test(text, writes_the_tree_as_text);
    tcase_add_test(text, writes_one_rule_a_leaf_with_its_coverage);
    tcase_add_test(text, shows_thresholds_with_the_digits_that_tell_values_apart);
    tcase_add_test(text, writes_dot_with_escaped_names);
    tcase_add_test(text, lists_the_nodes_in_a_document);
    tcase_add_test(text, survives_each_failing_allocation);
    tcase_add_test(explain, explains_a_split_as_a_textbook_does);
    tcase_add_test(explain, explains_entropy_and_variance);
    tcase_add_test(explain, refuses_what_does_not_belong_to_the_tree);
    return s;
}
