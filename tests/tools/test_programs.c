#include "support/shell.h"

#include <stdio.h>

/* What the programs do when all is well, from the outside. */

START_TEST(help_version_and_list_go_to_stdout)
{
    static const char *const programs[] = {"fit", "eval", "predict", "show"};
    for (size_t i = 0; i < MLK_COUNT(programs); i++) {
        shell_result r = shell_run("mlkit-%s --help", programs[i]);
        ck_assert_int_eq(r.status, 0);
        ck_assert_ptr_nonnull(strstr(r.out, "usage: mlkit-"));
        ck_assert_str_eq(r.err, "");
        r = shell_run("mlkit-%s --version", programs[i]);
        ck_assert_int_eq(strncmp(r.out, "mlkit-", 6), 0);
    }
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-fit --list"), "ridge"));
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-fit ridge --help"), "alpha"));
    ck_assert_str_eq(shell_out("mlkit-fit --help ridge"), shell_out("mlkit-fit ridge --help"));
}
END_TEST

/* y = 1 + 2 a exactly; ridge with alpha 0 finds it. */
START_TEST(fit_reports_what_the_contract_names)
{
    shell_write("t.csv", "a,y\n0,1\n1,3\n2,5\n4,9\n");
    const char *json = shell_out("mlkit-fit ridge -s alpha=0 -t y --task regression --json t.csv");
    static const char *const keys[] = {"tool",          "version",   "model",     "task",
                                       "data",          "params",    "fit",       "seconds",
                                       "iterations",    "converged", "objective", "duality_gap",
                                       "kkt_violation", "learned",   "train"};
    for (size_t i = 0; i < MLK_COUNT(keys); i++) {
        char quoted[40];
        snprintf(quoted, sizeof quoted, "\"%s\":", keys[i]);
        ck_assert_msg(strstr(json, quoted) != NULL, "no %s in %s", quoted, json);
    }
    require_close(shell_json_number(json, "learned", "intercept"), 1.0, 1e-14);
    require_close(shell_json_number(json, "train", "rmse"), 0.0, 1e-14);
    require_close(shell_json_number(json, "data", "rows"), 4.0, 0.0);
}
END_TEST

/* scikit-learn 1.2.1's logistic regression: 0.9983. The softmax's linear terms would give 0.82. */
START_TEST(classes_are_ranked_by_their_probabilities)
{
    char command[1000];
    const char *iris = shell_dataset("iris.csv");
    snprintf(command, sizeof command,
             "mlkit-fit logistic -t species -q -o m.mlk '%s' && mlkit-eval m.mlk --json '%s'", iris,
             iris);
    const char *json = shell_out(command);
    require_close(shell_json_number(json, "metrics", "roc_auc_ovr_macro"), 0.9983, 2e-4);
}
END_TEST

/* The five baskets of Tan, Steinbach and Kumar's chapter on association: {milk, nappies} -> {beer}
 * has support 2/5 and confidence 2/3. */
START_TEST(rules_come_as_text_csv_and_json)
{
    shell_write("b.csv", "receipt,product\n1,bread\n1,milk\n2,bread\n2,nappies\n2,beer\n2,eggs\n"
                         "3,milk\n3,nappies\n3,beer\n3,cola\n4,bread\n4,milk\n4,nappies\n4,beer\n"
                         "5,bread\n5,milk\n5,nappies\n5,cola\n");
    const char *fit = "mlkit-fit apriori -t receipt -s min_support=0.4,min_confidence=0.6 b.csv";
    char command[300];
    snprintf(command, sizeof command, "%s -o r.mlk", fit);
    const char *text = shell_out(command);
    ck_assert_ptr_nonnull(strstr(text, "product=beer -> product=nappies "));
    snprintf(command, sizeof command, "%s --csv", fit);
    const char *csv = shell_out(command);
    ck_assert_ptr_nonnull(strstr(csv, "antecedent,consequent,support,confidence,lift,leverage,"
                                      "conviction,count\n\"product=beer\",\"product=nappies\","
                                      "0.6,1,1.25,0.12,,3\n"));
    ck_assert_ptr_nonnull(strstr(csv, "\n\"product=milk; product=nappies\",\"product=beer\",0.4,"
                                      "0.6666666666666666,1.111111111111111"));
    ck_assert_str_eq(shell_out("mlkit-show r.mlk --csv"), csv);
    const char *json = shell_out("mlkit-show r.mlk --json");
    require_close(shell_json_number(json, NULL, "n_baskets"), 5.0, 0.0);
    ck_assert_ptr_nonnull(strstr(json, "\"antecedent\""));
}
END_TEST

START_TEST(cells_that_are_lists_are_baskets)
{
    const char *options = "-s min_support=0.4,min_confidence=0.6 --csv";
    char command[300];
    shell_write("b.csv", "receipt,product\n1,bread\n1,milk\n2,bread\n2,beer\n2,milk\n3,\n");
    shell_write("l.csv", "product\nbread;milk\nbread; beer; milk\n\"\"\n");
    shell_write("n.csv", "bread,milk\nbread,beer,milk\nNA\n");
    snprintf(command, sizeof command, "mlkit-fit apriori -t receipt %s b.csv", options);
    const char *expected = shell_out(command);
    ck_assert_ptr_nonnull(strstr(expected, "\"product=bread\",\"product=milk\",0.66"));
    snprintf(command, sizeof command, "mlkit-fit apriori --strict --baskets ';' %s l.csv", options);
    ck_assert_str_eq(shell_out(command), expected);
    snprintf(command, sizeof command,
             "mlkit-fit apriori --baskets , --no-header --delimiter tab %s n.csv | sed "
             "'s/1=/product=/g'",
             options);
    ck_assert_str_eq(shell_out(command), expected);
    shell_require(2, "--baskets ';;' is not one character",
                  "mlkit-fit apriori --baskets ';;' l.csv");
    shell_require(2, "exclude each other", "mlkit-fit apriori --baskets ';' -t receipt b.csv");
    shell_require(2, "--baskets is for rules; pca finds none", "mlkit-fit pca --baskets ';' l.csv");
    shell_write("w.csv", "weight\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n"
                         "17\n18\n19\n20\n21\n");
    shell_require(1, "column 'weight' holds more than 20 different", "mlkit-fit apriori w.csv");
}
END_TEST

/* A table of categories beside indicators; a gap is no item. */
START_TEST(rows_of_categories_are_baskets)
{
    shell_write("t.csv", "colour,wet,y\nred,1,a\nred,0,a\nblue,1,b\n,1,b\nred,0,a\n");
    const char *csv =
        shell_out("mlkit-fit apriori -s min_support=0.4,min_confidence=1 --csv t.csv");
    ck_assert_str_eq(csv,
                     "antecedent,consequent,support,confidence,lift,leverage,conviction,count\n"
                     "\"y=a\",\"colour=red\",0.6,1,1.6666666666666667,0.24,,3\n"
                     "\"colour=red\",\"y=a\",0.6,1,1.6666666666666667,0.24,,3\n"
                     "\"y=b\",\"wet\",0.4,1,1.6666666666666667,0.16000000000000003,,2\n");
}
END_TEST

START_TEST(reads_gzip_stdin_svmlight_and_other_delimiters)
{
    shell_write("t.csv", "a,y\n0,1\n1,3\n2,5.5\n4,9\n");
    const char *expected = shell_out("mlkit-fit ridge -q -t y -o a.mlk t.csv; cksum <a.mlk");
    ck_assert_str_eq(
        shell_out(
            "gzip -c t.csv >u.csv.gz; mlkit-fit ridge -q -t y -o b.mlk u.csv.gz; cksum <b.mlk"),
        expected);
    ck_assert_str_eq(shell_out("mlkit-fit ridge -q -t y -o b.mlk - <t.csv; cksum <b.mlk"),
                     expected);
    ck_assert_str_eq(
        shell_out("tr , ';' <t.csv >v.csv; mlkit-fit ridge -q -t y -o b.mlk v.csv; cksum <b.mlk"),
        expected);
    ck_assert_str_eq(
        shell_out(
            "sed 's/$/\\r/' t.csv >w.csv; mlkit-fit ridge -q -t y -o b.mlk w.csv; cksum <b.mlk"),
        expected);
    shell_write("t.svm", "1 1:0\n3 1:1\n5.5 1:2\n9 1:4\n");
    const char *json = shell_out("mlkit-fit ridge -s alpha=0 -t target --json t.svm");
    const char *csv = shell_out("mlkit-fit ridge -s alpha=0 -t y --json t.csv");
    require_close(shell_json_number(json, "learned", "intercept"),
                  shell_json_number(csv, "learned", "intercept"), 1e-14);
}
END_TEST

START_TEST(predicts_the_training_rows_as_eval_judges_them)
{
    char command[1200];
    snprintf(command, sizeof command,
             "cp %s d.csv; mlkit-fit ridge -q -t price -o m.mlk d.csv; "
             "mlkit-predict m.mlk --append -o p.csv d.csv; "
             "mlkit-eval --predictions p.csv --truth price --predicted prediction --json",
             shell_dataset("diamonds10k.csv"));
    const char *given = shell_out(command), *model = shell_out("mlkit-eval m.mlk --json d.csv");
    static const char *const metrics[] = {"rmse", "mae", "r2", "medae"};
    for (size_t i = 0; i < MLK_COUNT(metrics); i++)
        require_relative(shell_json_number(given, "metrics", metrics[i]),
                         shell_json_number(model, "metrics", metrics[i]), 1e-13);
}
END_TEST

/* On enough rows for several chunks of work. */
static const char *const thread_cases[] = {
    "ridge --scale standard --poly 2 -t price",
    "linear -t price",
    "lasso --scale robust -t price",
    "elastic-net --scale minmax -t price",
    "logistic --scale standard -t cut",
    "logistic --scale standard -s penalty=l1,C=0.1 -t color --features carat,depth,price",
    "logistic --scale standard -s multi_class=ovr -t cut --features carat,depth,price",
};

START_TEST(model_files_are_the_same_for_any_number_of_threads)
{
    char command[1200];
    snprintf(command, sizeof command,
             "for t in 1 2 3 8; do mlkit-fit %s -q --threads $t -o $t.mlk %s || exit 1; done; "
             "cmp 1.mlk 2.mlk && cmp 1.mlk 3.mlk && cmp 1.mlk 8.mlk",
             thread_cases[_i], shell_dataset("diamonds10k.csv"));
    ck_assert_str_eq(shell_out(command), "");
}
END_TEST

/* Values of the preprocessing by hand: median of 1, 3, 8 is 3; u, v one-hot; z-scores. */
START_TEST(preprocessing_lives_in_the_model_file)
{
    shell_write("t.csv", "a,c,y\n1,u,1\n3,v,2\n,u,3\n8,v,5\n");
    shell_write("n.csv", "c,extra,a\nu,x,3\nu,x,\nv,x,8\n");
    const char *p = shell_out("mlkit-fit ridge -q -t y -s alpha=1e-9 -o m.mlk t.csv; "
                              "mlkit-predict m.mlk n.csv");
    double first, second;
    ck_assert_int_eq(sscanf(p, "prediction %lf %lf", &first, &second), 2);
    ck_assert_double_eq(first, second); /* a missing a is 3 */
}
END_TEST

/* A main that reads the rows of c.csv (without header: numbers, and categories as text). */
static const char *const driver =
    "#include \"m.c\"\n#include <stdio.h>\n#include <stdlib.h>\n"
    "int main(void)\n{\n    char line[1000];\n    FILE *f = fopen(\"rows.csv\", \"r\");\n"
    "    while (fgets(line, sizeof line, f)) {\n        mlk_model_row r;\n"
    "        char *c = strchr(line, ','), *b;\n        *c++ = 0;\n        b = strchr(c, ',');\n"
    "        *b++ = 0;\n        r.c1_a = *line ? atof(line) : NAN;\n        r.c2_c = *c ? c : "
    "NULL;\n"
    "        r.c3_b = atof(b);\n        printf(\"%.17g\\n\", mlk_model(&r));\n    }\n    return "
    "0;\n}\n";

static const char *const prepared[] = {
    "ridge --poly 2 --scale standard",
    "ridge --encode dummy --impute mean --scale minmax",
    "ridge --encode ordinal --impute mode --scale robust",
    "ridge --impute drop",
    "tree --encode ordinal",
    "tree",
};

/* On the training rows, on categories that training did not know, and on gaps. */
START_TEST(exported_c_predicts_what_the_library_predicts)
{
    char table[9000], command[300];
    size_t at = (size_t)snprintf(table, sizeof table, "a,c,b,y\n");
    for (int i = 0; i < 60; i++) {
        char a[20] = "";
        if (i % 7)
            snprintf(a, sizeof a, "%g", i * 0.37);
        at += (size_t)snprintf(table + at, sizeof table - at, "%s,%c,%g,%g\n", a, "uvwx"[i % 4],
                               i * i * 0.01, sin(i) + i % 4);
    }
    shell_write("t.csv", table);
    shell_write("driver.c", driver);
    shell_out("{ cat t.csv; echo 5,z,1,0; echo 5,,1,0; echo ,z,30,0; } >n.csv; "
              "tail -n +2 n.csv | sed 's/,[^,]*$//' >rows.csv");
    snprintf(command, sizeof command,
             "mlkit-fit %s -q -t y -o m.mlk t.csv; mlkit-show --c m.mlk >m.c; "
             "cc -std=c99 -Wall -Wextra -Werror driver.c -o driver -lm; "
             "./driver >c.txt; mlkit-predict m.mlk n.csv | tail -n +2 >library.txt",
             prepared[_i]);
    shell_out(command);
    const char *c = shell_read("c.txt", NULL), *library = shell_read("library.txt", NULL);
    for (int i = 0; i < 63; i++) {
        const bool none = strncmp(library, "\"\"\n", 3) == 0; /* no prediction for the row */
        char *c_end;
        const double a = strtod(c, &c_end), b = none ? NAN : strtod(library, NULL);
        ck_assert(c_end != c && isnan(a) == none);
        if (!none)
            require_close(a, b, 1e-12 * (1 + fabs(b)));
        c = c_end + 1;
        library += strcspn(library, "\n") + 1;
    }
    ck_assert(!*c && !*library);
}
END_TEST

/* Every linear model on real data: the exported function against mlkit-predict, row by row. */
static const struct {
    const char *model, *table, *target;
} exports[] = {
    {"linear", "diabetes.csv", "progression"},
    {"ridge", "concrete.csv", "compressive_strength"},
    {"lasso", "diabetes.csv", "progression"},
    {"elastic-net", "diabetes.csv", "progression"},
    {"logistic", "breast_cancer.csv", "diagnosis"},
    {"logistic", "wine.csv", "cultivar"},
    {"logistic -s multi_class=ovr", "iris.csv", "species"},
};

START_TEST(exported_c_agrees_on_real_tables)
{
    char command[2000];
    const char *table = shell_dataset(exports[_i].table), *target = exports[_i].target;
    const bool classes = strncmp(exports[_i].model, "logistic", 8) == 0;
    snprintf(
        command, sizeof command,
        "cp %s t.csv; mlkit-fit %s -q --scale standard -t %s -o m.mlk t.csv; "
        "mlkit-show --c m.mlk >m.c; mlkit-predict m.mlk %s t.csv | tail -n +2 >library.txt; "
        "awk -F, -v t=%s 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == t) c = i; next } "
        "{ s = \"\"; for (i = 1; i <= NF; i++) if (i != c) s = s (s == \"\" ? \"\" : \" \") $i; "
        "print s }' t.csv >rows.txt",
        table, exports[_i].model, target, classes ? "--probabilities" : "", target);
    shell_out(command);
    /* The struct is an array of doubles where all columns are numbers. */
    shell_write(
        "driver.c",
        classes ? "#include \"m.c\"\n#include <stdio.h>\nint main(void)\n{\n    mlk_model_row r;\n"
                  "    double s[8], *v = (double *)&r;\n    for (;;) {\n        int c;\n"
                  "        for (size_t i = 0; i < sizeof r / sizeof *v; i++)\n"
                  "            if (scanf(\"%lf\", v + i) != 1)\n                return 0;\n"
                  "        c = mlk_model(&r, s);\n        printf(\"%s\", mlk_model_classes[c]);\n"
                  "        for (size_t k = 0; k < sizeof mlk_model_classes / sizeof "
                  "*mlk_model_classes; k++)\n"
                  "            printf(\",%.17g\", s[k]);\n        printf(\"\\n\");\n    }\n}\n"
                : "#include \"m.c\"\n#include <stdio.h>\nint main(void)\n{\n    mlk_model_row r;\n"
                  "    double *v = (double *)&r;\n    for (;;) {\n"
                  "        for (size_t i = 0; i < sizeof r / sizeof *v; i++)\n"
                  "            if (scanf(\"%lf\", v + i) != 1)\n                return 0;\n"
                  "        printf(\"%.17g\\n\", mlk_model(&r));\n    }\n}\n");
    shell_out(
        "cc -std=c99 -Wall -Wextra -Werror driver.c -o driver -lm && ./driver <rows.txt >c.txt");
    const char *c = shell_read("c.txt", NULL), *library = shell_read("library.txt", NULL);
    size_t values = 0;
    while (*c && *library) {
        const size_t nc = strcspn(c, ",\n"), nl = strcspn(library, ",\n");
        char *c_end, *library_end;
        const double a = strtod(c, &c_end), b = strtod(library, &library_end);
        if (c_end == c + nc && library_end == library + nl)
            require_close(a, b, 1e-11 * (1 + fabs(b)));
        else
            ck_assert(nc == nl && strncmp(c, library, nc) == 0);
        c += nc + 1;
        library += nl + 1;
        values++;
    }
    ck_assert(!*c && !*library && values > 100);
}
END_TEST

START_TEST(eval_takes_predictions_made_by_anything)
{
    shell_write("p.csv", "y,p,s\nno,no,0.2\nno,yes,0.6\nyes,yes,0.9\nyes,yes,0.6\nyes,no,0.1\n");
    const char *json =
        shell_out("mlkit-eval --predictions p.csv --truth y --predicted p --score s --json");
    require_close(shell_json_number(json, "metrics", "accuracy"), 0.6, 1e-15);
    require_close(shell_json_number(json, "metrics", "precision"), 2.0 / 3.0, 1e-15);
    /* 6 pairs: 0.9 beats both, 0.6 beats one and ties one, 0.1 beats none. */
    require_close(shell_json_number(json, "metrics", "roc_auc"), 3.5 / 6.0, 1e-15);
    require_close(shell_json_number(json, "metrics", "brier"),
                  (0.04 + 0.36 + 0.01 + 0.16 + 0.81) / 5, 1e-15);
    json = shell_out("mlkit-eval --predictions p.csv --truth y --predicted p --positive no --json");
    require_close(shell_json_number(json, "metrics", "recall"), 0.5, 1e-15);
    /* Whole numbers are taken as classes unless the task is said. */
    shell_write("p.csv", "y,p\n1,1.5\n2,2\n4,3\n");
    json = shell_out(
        "mlkit-eval --predictions p.csv --truth y --predicted p --task regression --json");
    require_close(shell_json_number(json, "metrics", "mae"), 0.5, 1e-15);
}
END_TEST

/* The book's tree of the iris petals: figures by hand from the counts. */
START_TEST(shows_a_tree_in_every_form)
{
    char command[600];
    snprintf(command, sizeof command,
             "cp %s t.csv; mlkit-fit tree -q -t species --features petal_length,petal_width "
             "-s max_depth=2 -o t.mlk t.csv; mlkit-show t.mlk",
             shell_dataset("iris.csv"));
    ck_assert_ptr_nonnull(strstr(shell_out(command), "petal_length <= 2.45?"));
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-show t.mlk --dot"), "digraph"));
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-show t.mlk --rules"), "species = setosa"));
    const char *root = shell_out("mlkit-show t.mlk --explain 0 t.csv");
    ck_assert_ptr_nonnull(strstr(root, "setosa 50, versicolor 50, virginica 50"));
    ck_assert_ptr_nonnull(strstr(root, "0.66666667 - 0.33333333 = 0.33333333"));
    const char *json = shell_out("mlkit-show t.mlk --json");
    require_close(shell_json_number(json, "nodes", "threshold"), 2.45, 1e-12);
    shell_require(1, "node", "mlkit-show t.mlk --explain 99 t.csv");
    shell_require(2, "DATA.csv", "mlkit-show t.mlk --explain 0");
    shell_require(1, "no single tree",
                  "mlkit-fit ridge -q -t petal_width -o r.mlk t.csv; mlkit-show --dot r.mlk");
}
END_TEST

START_TEST(scores_are_larger_for_what_is_more_outlying)
{
    static const char *const models[] = {"one-class-svm", "isolation-forest"};
    char text[4000] = "a,b\n";
    for (int i = 0; i < 80; i++)
        sprintf(text + strlen(text), "%g,%g\n", sin(i * 1.7), cos(i * 2.3));
    strcat(text, "25,-30\n");
    shell_write("t.csv", text);
    for (size_t k = 0; k < MLK_COUNT(models); k++) {
        char command[200];
        snprintf(command, sizeof command,
                 "mlkit-fit %s -q -o m.mlk t.csv; mlkit-predict m.mlk t.csv", models[k]);
        const char *line = strchr(shell_out(command), '\n') + 1;
        double score = 0.0, most = -INFINITY, outlier = 0.0;
        for (int i = 0; i < 81; i++, line = strchr(line, '\n') + 1) {
            ck_assert_int_eq(sscanf(line, "%lf,%lf", &outlier, &score), 2);
            most = i < 80 ? fmax(most, score) : most;
        }
        ck_assert_double_gt(score, most); /* the last row is far out */
        ck_assert_double_eq(outlier, 1.0);
    }
}
END_TEST

START_TEST(quotes_what_csv_must_quote)
{
    shell_write("t.csv", "\"a,1\",c,y\n1,\"p \"\"q\"\"\",0\n2,\"r\ns\",1\n3,t,2.5\n");
    const char *p =
        shell_out("mlkit-fit ridge -q -t y -o m.mlk t.csv; mlkit-predict m.mlk --append t.csv");
    static const char *const expected = "\"a,1\",c,y,prediction\n1,\"p \"\"q\"\"\",0,";
    ck_assert_msg(strncmp(p, expected, strlen(expected)) == 0, "%s", p);
}
END_TEST

/* `n` times the letter. */
static char *long_name(char letter, size_t n)
{
    char *name = test_alloc(n + 1);
    memset(name, letter, n);
    name[n] = '\0';
    return name;
}

START_TEST(names_of_any_length_stay_whole)
{
    const char *column = long_name('c', 3000), *yes = long_name('y', 1000),
               *no = long_name('n', 1000);
    char *text = test_alloc(20000), *expected = test_alloc(20000);
    sprintf(text, "%s,t\n1,%s\n2,%s\n3,%s\n4,%s\n", column, yes, no, yes, no);
    shell_write("t.csv", text);
    sprintf(expected, "\"%s\"", column);
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-fit tree -t t -o m.mlk --json t.csv"), expected));
    sprintf(expected, "prediction,p(%s),p(%s)\n", no, yes);
    const char *p = shell_out("mlkit-predict m.mlk --probabilities t.csv");
    ck_assert(strncmp(p, expected, strlen(expected)) == 0);
}
END_TEST

/* Three pairs of three classes: their values rank no class. */
START_TEST(values_of_pairs_are_no_scores_of_classes)
{
    static const char *const how[] = {"", "-s multi_class=ovr", "-s probability=true"};
    for (size_t k = 0; k < MLK_COUNT(how); k++) {
        char command[600];
        snprintf(command, sizeof command,
                 "cp %s t.csv; mlkit-fit svc -q %s -t species -o m.mlk t.csv; "
                 "mlkit-eval --json m.mlk t.csv",
                 shell_dataset("iris.csv"), how[k]);
        const char *auc = strstr(shell_out(command), "\"roc_auc_ovr_macro\":");
        ck_assert(k ? auc && atof(strchr(auc, ':') + 1) > 0.99 : !auc);
    }
}
END_TEST

START_TEST(manual_pages_say_what_a_program_does_and_what_its_defaults_are)
{
    const char *page = shell_out("mlkit-manual fit");
    ck_assert_ptr_nonnull(strstr(page, "\n.SH NAME\nmlkit-fit \\- learn a model from a table\n"));
    ck_assert_ptr_nonnull(strstr(page, "\\fBn_clusters\\fR ([1, 2147483647]; default 8)\n"));
    ck_assert_ptr_nonnull(strstr(page, "\\fBmlkit-show\\fR(1), \\fBmlkit-compare\\fR(1)\n"));
}
END_TEST

START_TEST(one_is_no_plural)
{
    shell_write("t.csv", "a,y\n1,2\n3,4\n5,1\n");
    const char *text = shell_out("mlkit-fit ridge --task regression -t y t.csv");
    ck_assert_ptr_nonnull(strstr(text, "of y, 3 rows, 1 feature in 1 column\n"));
}
END_TEST

START_TEST(appending_leaves_the_cells_as_they_are)
{
    shell_write("t.csv", "id;a;y\n007;1.50;2\n12345678901234567890;2e0;3\nx,1;NA;5\n;4;1\n");
    const char *p =
        shell_out("mlkit-fit tree -q --task regression -t y --features a -o m.mlk t.csv; "
                  "mlkit-predict m.mlk --append t.csv >p.csv; cut -d, -f1-4 p.csv");
    ck_assert_str_eq(p, "id,a,y,prediction\n007,1.50,2,2\n12345678901234567890,2e0,3,3\n"
                        "\"x,1\",NA,5\n,4,1,1\n");
    shell_require(1, "mlkit-predict: p.csv: there is a column 'prediction' already",
                  "mlkit-predict m.mlk --append -o q.csv p.csv");
    shell_write("t.svm", "2 1:5 2:0.25\n3 1:6\n");
    p = shell_out("mlkit-fit ridge -q --task regression -t target -o m.mlk t.svm; "
                  "mlkit-predict m.mlk --append t.svm");
    ck_assert_ptr_nonnull(strstr(p, ",0.25,"));
}
END_TEST

START_TEST(a_row_without_a_prediction_is_no_blank_line)
{
    shell_write("t.csv", "a,y\n1,2.5\n2,3\n3,5\n4,1\n");
    shell_write("gap.csv", "a\n1\nNA\n3\n");
    const char *p = shell_out("mlkit-fit ridge -q -t y --impute drop -o m.mlk t.csv; "
                              "mlkit-predict m.mlk gap.csv");
    ck_assert_ptr_nonnull(strstr(p, "\n\"\"\n"));
    ck_assert_ptr_nonnull(strstr(shell_out("mlkit-predict m.mlk --append gap.csv"), "\nNA,\n"));
}
END_TEST

START_TEST(figures_that_do_not_apply_are_null)
{
    shell_write("t.csv", "a,y\n1,2.5\n2,3\n3,5\n4,1\n");
    const char *json =
        shell_out("mlkit-fit ridge -q -t y -o m.mlk t.csv; mlkit-eval m.mlk --json t.csv");
    ck_assert_ptr_nonnull(strstr(json, "\"confusion_matrix\": null"));
    ck_assert_ptr_nonnull(strstr(json, "\"classes\": null"));
    ck_assert_ptr_nonnull(strstr(json, "\"per_class\": null"));
}
END_TEST

START_TEST(a_model_of_extreme_numbers_is_read_again_or_refused)
{
    shell_write("tiny.csv", "a,y\n1e-300,2.5\n2e-300,3\n3e-300,5\n4e-300,1\n");
    shell_out("mlkit-fit linear -q -t y -o m.mlk tiny.csv; mlkit-predict m.mlk tiny.csv");
    shell_write("huge.csv", "a,b\n1e300,1\n-2e300,2\n3e300,5\n-4e300,1\n");
    shell_require(1, "squared distances overflow: scale the columns",
                  "mlkit-fit lof --scale none -s n_neighbors=2 -o h.mlk huge.csv");
}
END_TEST

START_TEST(a_model_to_stdout_comes_alone)
{
    shell_write("t.csv", "a,y\n1,2.5\n2,3\n3,5\n4,1\n");
    shell_out("mlkit-fit ridge -t y -o m.mlk t.csv; mlkit-fit ridge -t y -o - t.csv | cmp - m.mlk");
    shell_require(2, "-o - writes the model to stdout, where --json is to go",
                  "mlkit-fit ridge -t y --json -o - t.csv");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("tools/programs");
    TCase *tc = test_case(s, "programs");
    tcase_add_checked_fixture(tc, shell_enter, shell_leave);
    tcase_add_test(tc, help_version_and_list_go_to_stdout);
    tcase_add_test(tc, fit_reports_what_the_contract_names);
    tcase_add_test(tc, classes_are_ranked_by_their_probabilities);
    tcase_add_test(tc, rules_come_as_text_csv_and_json);
    tcase_add_test(tc, rows_of_categories_are_baskets);
    tcase_add_test(tc, cells_that_are_lists_are_baskets);
    tcase_add_test(tc, reads_gzip_stdin_svmlight_and_other_delimiters);
    tcase_add_test(tc, predicts_the_training_rows_as_eval_judges_them);
    tcase_add_loop_test(tc, model_files_are_the_same_for_any_number_of_threads, 0,
                        (int)MLK_COUNT(thread_cases));
    tcase_add_test(tc, preprocessing_lives_in_the_model_file);
    tcase_add_loop_test(tc, exported_c_predicts_what_the_library_predicts, 0, MLK_COUNT(prepared));
    tcase_add_loop_test(tc, exported_c_agrees_on_real_tables, 0, (int)MLK_COUNT(exports));
    tcase_add_test(tc, eval_takes_predictions_made_by_anything);
    tcase_add_test(tc, shows_a_tree_in_every_form);
    tcase_add_test(tc, scores_are_larger_for_what_is_more_outlying);
    tcase_add_test(tc, quotes_what_csv_must_quote);
    tcase_add_test(tc, names_of_any_length_stay_whole);
    tcase_add_test(tc, values_of_pairs_are_no_scores_of_classes);
    tcase_add_test(tc, manual_pages_say_what_a_program_does_and_what_its_defaults_are);
    tcase_add_test(tc, one_is_no_plural);
    tcase_add_test(tc, appending_leaves_the_cells_as_they_are);
    tcase_add_test(tc, a_row_without_a_prediction_is_no_blank_line);
    tcase_add_test(tc, figures_that_do_not_apply_are_null);
    tcase_add_test(tc, a_model_to_stdout_comes_alone);
    tcase_add_test(tc, a_model_of_extreme_numbers_is_read_again_or_refused);
    return s;
}
