#include "support/shell.h"

#include <stdio.h>

/* --plot, from the outside. Without gnuplot only the refusals are tested. */

static bool have(const char *program) { return shell_run("command -v %s", program).status == 0; }

/* The picture that a command line draws, as text. */
static char *picture_of(const char *file, const char *command)
{
    size_t n;
    remove(file);
    const shell_result r = shell_run("%s", command);
    ck_assert_msg(r.status == 0, "%s: %s", command, r.err);
    char *text = shell_read(file, &n);
    ck_assert_msg(text && n > 1000, "%s: no picture", command);
    return text;
}

static void require_charts(const char *svg, const char *const *titles)
{
    for (; *titles; titles++) {
        char in_picture[100];
        snprintf(in_picture, sizeof in_picture, "<text>%s</text>", *titles);
        ck_assert_msg(strstr(svg, in_picture), "no chart '%s'", *titles);
    }
}

/* Command lines with %s for the table, and charts that their picture holds. */
typedef struct drawn {
    const char *command, *table, *charts[5];
} drawn;

static void require_drawn(const drawn *cases, size_t n)
{
    if (!have("gnuplot"))
        return;
    for (size_t i = 0; i < n; i++) {
        char command[2000];
        const char *table = shell_dataset(cases[i].table), *first = strstr(cases[i].command, "%s");
        ck_assert_ptr_nonnull(first);
        snprintf(command, sizeof command, "%.*s'%s'%s", (int)(first - cases[i].command),
                 cases[i].command, table, first + 2);
        require_charts(picture_of("p.svg", command), cases[i].charts);
    }
}

START_TEST(fit_draws_what_belongs_to_the_model)
{
    static const drawn cases[] = {
        {"mlkit-fit pca --ignore species --colour species --plot p.svg %s",
         "iris.csv",
         {"Map", "Explained variance", "setosa"}},
        {"mlkit-fit pca -t species --plot p.svg %s", "iris.csv", {"Map", "virginica"}},
        {"mlkit-fit kmeans -s n_clusters=3 --ignore species --plot p.svg %s",
         "iris.csv",
         {"Clusters", "Silhouettes", "first principal axis"}},
        {"mlkit-fit kmeans -s n_clusters=3 --ignore species --axes petal_length,sepal_width "
         "--plot p.svg %s",
         "iris.csv",
         {"Clusters", "Silhouettes", "petal_length", "sepal_width"}},
        {"mlkit-fit isolation-forest --plot p.svg %s", "wine.csv", {"Outliers", "outlier score"}},
        {"mlkit-fit tree -t species --test 0.3 -s max_depth=2 --plot p.svg %s",
         "iris.csv",
         {"ROC curve", "Confusion matrix", "Importances", "tree of species, test rows"}},
        {"mlkit-fit lasso -t progression --path alpha --plot p.svg %s",
         "diabetes.csv",
         {"Cross-validation", "Coefficients", "Predicted and true values", "Residuals"}},
        {"mlkit-fit ridge -t progression --tune alpha=0.1:1:10 --cv 3 --plot p.svg %s",
         "diabetes.csv",
         {"Cross-validation", "alpha", "Residuals"}},
        {"mlkit-fit apriori --features species,island,sex --plot p.svg %s",
         "penguins.csv",
         {"Rules", "lift", "confidence"}},
        {"mlkit-fit gbdt -t diagnosis -s n_estimators=10 --plot p.svg %s",
         "breast_cancer.csv",
         {"ROC curve", "Reliability", "Training", "Importances"}},
        {"mlkit-fit knn -t species --tune weights=uniform:distance --plot p.svg %s",
         "iris.csv",
         {"Scores", "weights", "uniform", "chosen"}},
        {"mlkit-fit knn -t species --tune weights=uniform:distance --tune n_neighbors=3:5 "
         "--plot p.svg %s",
         "iris.csv",
         {"Scores", "weights, n_neighbors", "distance, 5"}},
    };
    require_drawn(cases, MLK_COUNT(cases));
}
END_TEST

START_TEST(a_table_draws_its_columns)
{
    static const drawn cases[] = {
        {"mlkit-show -t species --plot p.svg %s",
         "penguins.csv",
         {"species", "Chinstrap", "bill_length_mm", "Correlation"}},
        {"mlkit-show -q -t diagnosis --plot p.svg %s",
         "breast_cancer.csv",
         {"diagnosis", "Correlation"}},
    };
    require_drawn(cases, MLK_COUNT(cases));
    if (!have("gnuplot"))
        return;
    size_t n;
    const char *svg = shell_read("p.svg", &n);
    ck_assert_msg(strstr(svg, "breast_cancer.csv: 15 of 31 columns"), "columns are left out");
    shell_write("same.csv", "a,b\n1,x\n1,x\n");
    shell_require(1, "a table of constant columns has nothing to draw",
                  "mlkit-show --plot q.svg same.csv");
}
END_TEST

START_TEST(saved_models_draw_too)
{
    static const drawn cases[] = {
        {"mlkit-fit logistic -t diagnosis -q -o m.mlk --plot p.svg %s",
         "breast_cancer.csv",
         {"ROC curve"}},
        {"mlkit-eval m.mlk --plot p.svg %s",
         "breast_cancer.csv",
         {"ROC curve", "Precision and recall", "Reliability", "Confusion matrix"}},
        {"mlkit-predict m.mlk --plot p.svg %s", "breast_cancer.csv", {"prediction", "malignant"}},
        {"mlkit-predict m.mlk --probabilities --append -o s.csv %s && mlkit-eval --predictions "
         "s.csv --truth diagnosis --predicted prediction --score 'p(malignant)' --plot p.svg",
         "breast_cancer.csv",
         {"ROC curve", "Confusion matrix", "predictions of diagnosis"}},
        {"mlkit-fit pca --ignore species -q -o m.mlk %s && mlkit-show m.mlk --plot p.svg",
         "iris.csv",
         {"Explained variance"}},
        {"mlkit-predict m.mlk --colour petal_width --plot p.svg %s",
         "iris.csv",
         {"Map", "petal_width", "pc1"}},
    };
    require_drawn(cases, MLK_COUNT(cases));
}
END_TEST

START_TEST(a_tree_is_drawn_by_graphviz)
{
    if (!have("dot"))
        return;
    char command[1000];
    snprintf(command, sizeof command,
             "mlkit-fit tree -t species -q -o m.mlk '%s' && mlkit-show m.mlk --plot p.svg",
             shell_dataset("iris.csv"));
    const char *svg = picture_of("p.svg", command);
    ck_assert_ptr_nonnull(strstr(svg, "petal_length"));
    ck_assert_ptr_nonnull(strstr(svg, "<title id=\"plot-title\">tree of species</title>"));
    ck_assert_ptr_null(strstr(svg, "fill=\"white\""));
}
END_TEST

START_TEST(a_picture_is_the_same_bytes_each_time)
{
    static const char *const endings[] = {"svg", "pdf", "png"};
    static const char *const magic[] = {"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<svg ",
                                        "%PDF-", "\x89PNG\r\n"};
    if (!have("gnuplot"))
        return;
    for (size_t i = 0; i < MLK_COUNT(endings); i++) {
        size_t n, m;
        const shell_result r =
            shell_run("for t in 1 3; do mlkit-fit kmeans -s n_clusters=3 --ignore species "
                      "--threads $t --plot p$t.%s -q '%s' || exit; done",
                      endings[i], shell_dataset("iris.csv"));
        ck_assert_msg(r.status == 0, "%s", r.err);
        char name[20];
        snprintf(name, sizeof name, "p1.%s", endings[i]);
        const char *one = shell_read(name, &n);
        snprintf(name, sizeof name, "p3.%s", endings[i]);
        const char *three = shell_read(name, &m);
        ck_assert_uint_eq(n, m);
        require_same(one, three, n);
        require_same(one, magic[i], strlen(magic[i]));
    }
}
END_TEST

START_TEST(names_of_columns_are_no_commands)
{
    if (!have("gnuplot"))
        return;
    shell_write("t.csv", "`touch x1`,a'; system 'touch x2,\"\"\"b\"\"\",y\n"
                         "1,2,'; system 'touch x3',0\n3,1,@c,1\n2,2,%d%s,1\n4,4,`touch x4`,0\n");
    shell_require(0, NULL, "mlkit-fit pca --ignore y,3 --colour 3 --plot p.svg -q t.csv");
    shell_require(0, NULL, "mlkit-fit tree -t y --plot q.svg -q t.csv");
    shell_require_files("p.svg q.svg t.csv");
}
END_TEST

/* ------------------------------------------------------------------ refusals */

START_TEST(what_cannot_be_drawn_is_said)
{
    shell_write("t.csv", "a,b,c,y\n1,2,x,0\n3,1,y,1\n2,2,x,1\n4,4,y,0\n");
    shell_require(2, "--plot 'p.gif' is no picture; expected a name ending in .svg, .pdf or .png",
                  "mlkit-fit pca --plot p.gif t.csv");
    shell_require(1, "no column 'd'", "mlkit-fit pca --ignore c,y --plot p.svg --colour d t.csv");
    shell_require(2, "--axes 'a' is not two columns A,B",
                  "mlkit-fit pca --ignore c,y --plot p.svg --axes a t.csv");
    shell_require(1, "column 'c' is text; expected numbers",
                  "mlkit-fit pca --ignore c,y --plot p.svg --axes a,c t.csv");
    shell_require(1, "--colour and --axes are of maps, clusters and outliers; tree is for",
                  "mlkit-fit tree -t y --plot p.svg --colour a t.csv");
    shell_require_files("t.csv");
}
END_TEST

START_TEST(a_missing_program_is_named_with_its_package)
{
    char command[4000];
    shell_write("t.csv", "a,b\n1,2\n3,1\n2,2\n4,4\n");
    /* Where only the programs of mlkit are found. */
    const char *fit = shell_run("command -v mlkit-fit").out;
    snprintf(command, sizeof command,
             "PATH=\"$(dirname '%.*s')\" mlkit-fit pca -o m.mlk --plot p.svg t.csv",
             (int)strcspn(fit, "\n"), fit);
    shell_require(1,
                  "mlkit-fit: --plot needs gnuplot, which is not installed (Debian: gnuplot-nox)",
                  command);
    shell_require_files("t.csv");
}
END_TEST

START_TEST(a_failing_program_is_quoted)
{
    shell_write("t.csv", "a,b\n1,2\n3,1\n2,2\n4,4\n");
    static const char *const scripts[] = {
        "#!/bin/sh\necho 'plot x' >&2; echo '\"stdin\" line 7: all wrong' >&2; exit 1\n",
        "#!/bin/sh\nexec cat\n", "#!/bin/sh\nkill -9 $$\n"};
    static const char *const messages[] = {"mlkit-fit: gnuplot failed: \"stdin\" line 7: all wrong",
                                           "mlkit-fit: what was drawn is no SVG",
                                           "mlkit-fit: gnuplot failed: no message"};
    for (size_t i = 0; i < MLK_COUNT(scripts); i++) {
        shell_write("gnuplot", scripts[i]);
        shell_require(1, messages[i],
                      "chmod +x gnuplot && PATH=.:$PATH mlkit-fit pca -o m.mlk --plot p.svg t.csv");
        shell_require_files("gnuplot t.csv");
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plot");
    TCase *tc = test_case(suite, "plot");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_test(tc, fit_draws_what_belongs_to_the_model);
    tcase_add_test(tc, a_table_draws_its_columns);
    tcase_add_test(tc, saved_models_draw_too);
    tcase_add_test(tc, a_tree_is_drawn_by_graphviz);
    tcase_add_test(tc, a_picture_is_the_same_bytes_each_time);
    tcase_add_test(tc, names_of_columns_are_no_commands);
    tcase_add_test(tc, what_cannot_be_drawn_is_said);
    tcase_add_test(tc, a_missing_program_is_named_with_its_package);
    tcase_add_test(tc, a_failing_program_is_quoted);
    return suite;
}
