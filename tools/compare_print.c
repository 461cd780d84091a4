#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/preprocess/model_file.h>
#include <mlkit/report/json.h>
#include <mlkit/report/text.h>

#include "compare.h"
#include "render.h"

enum { DIGITS = 5, FEW = 3 };

static const double LEVEL = 0.05;

/* ------------------------------------------------------------------------ JSON */

static void put_cv(const tournament *t, mlk_doc *to)
{
    const mlk_folds *f = t->contests[0].folds;
    static const char *const kinds[] = {"shuffle", "blocks", "group", "time", "loo"};
    mlk_doc *cv = mlk_doc_put_map(to, "cv");
    mlk_doc_put_int(cv, "folds", (int64_t)mlk_folds_per_repeat(f));
    mlk_doc_put_int(cv, "repeats", (int64_t)(mlk_folds_count(f) / mlk_folds_per_repeat(f)));
    mlk_doc_put_text(cv, "kind", kinds[mlk_folds_kind(f)]);
}

static void put_table(const contest *of, mlk_doc *to)
{
    const mlk_schema *schema = mlk_dataset_schema(of->dataset);
    mlk_doc_put_text(to, "table", mlk_table_name(of->table));
    mlk_doc_put_text(to, "target", mlk_schema_target(schema));
    mlk_doc_put_int(to, "rows", (int64_t)of->data.X.rows);
    mlk_doc_put_int(to, "features", (int64_t)of->data.X.cols);
    if (of->data.n_classes) {
        mlk_doc *list = mlk_doc_put_list(to, "classes");
        for (size_t k = 0; k < of->data.n_classes; k++)
            mlk_doc_put_text(list, NULL, mlk_schema_class(schema, k));
    } else {
        mlk_doc_put_null(to, "classes");
    }
}

static void put_overall(const tournament *t, mlk_doc *to)
{
    mlk_doc *results = mlk_doc_put_list(to, "results"), *tests = mlk_doc_put_map(to, "tests");
    if (!t->friedman)
        return;
    for (size_t i = 0; i < t->n_ranked; i++) {
        const mlk_compared *m = mlk_comparison_at(t->contests[0].comparison, t->ranked[i]);
        mlk_doc *entry = mlk_doc_put_map(results, NULL);
        mlk_doc_put_text(entry, "model", m->algo->name);
        mlk_doc_put_text(entry, "label", m->label);
        mlk_doc_put_real(entry, "mean_rank", mlk_friedman_ranks(t->friedman).data[i]);
    }
    mlk_friedman_report(t->friedman, mlk_doc_put_map(tests, "friedman"));
    if (isnan(t->wilcoxon.p))
        return;
    mlk_doc *wilcoxon = mlk_doc_put_map(tests, "wilcoxon");
    mlk_doc *models = mlk_doc_put_list(wilcoxon, "models");
    for (size_t i = 1; i <= 2; i++)
        mlk_doc_put_text(models, NULL, mlk_comparison_at(t->contests[0].comparison, i)->label);
    mlk_doc_put_real(wilcoxon, "statistic", t->wilcoxon.statistic);
    mlk_doc_put_real(wilcoxon, "p", t->wilcoxon.p);
    mlk_doc_put_real(wilcoxon, "median_difference", t->wilcoxon.estimate);
    mlk_doc_put_real(wilcoxon, "rank_biserial", t->wilcoxon.effect);
}

static void put_validation(const contest *of, mlk_doc *to)
{
    if (!of->validation.n)
        return;
    mlk_doc *curve = mlk_doc_put_map(to, "validation_curve");
    mlk_doc_put_text(curve, "model", of->entrants[of->validated].label);
    mlk_doc *params = mlk_doc_put_list(curve, "params");
    for (size_t i = 0; i < of->validation.n; i++)
        mlk_grid_params(of->values, i, mlk_doc_put_map(params, NULL));
    mlk_score_curve_report(&of->validation, curve);
}

int compare_json(const cli *c, const tournament *t)
{
    mlk_doc *doc = mlk_doc_new();
    const contest *first = &t->contests[0];
    mlk_doc_put_text(doc, "tool", c->tool->name);
    mlk_doc_put_text(doc, "version", mlk_version());
    mlk_doc_put_text(doc, "task", first->data.n_classes ? "classification" : "regression");
    if (t->n == 1)
        put_table(first, doc);
    put_cv(t, doc);
    mlk_doc_put_text(doc, "scoring", mlk_cv_metric(mlk_comparison_cv(first->comparison), 0)->name);
    mlk_doc_put_int(doc, "seed", c->set.seed);
    mlk_doc_put_bool(doc, "interrupted", t->interrupted);
    if (t->n == 1) {
        mlk_comparison_report(first->comparison, doc);
        put_validation(first, doc);
    } else {
        mlk_doc *tables = mlk_doc_put_list(doc, "tables");
        for (size_t i = 0; i < t->finished; i++) {
            mlk_doc *entry = mlk_doc_put_map(tables, NULL);
            put_table(&t->contests[i], entry);
            mlk_comparison_report(t->contests[i].comparison, entry);
            put_validation(&t->contests[i], entry);
        }
        put_overall(t, doc);
    }
    const int status = cli_write_json(c, doc);
    mlk_doc_free(doc);
    return status;
}

/* ------------------------------------------------------------------------- CSV */

static void csv_text(const char *text)
{
    const bool quote = strpbrk(text, ",\"\r\n");
    if (quote)
        putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    if (quote)
        putchar('"');
}

static void csv_number(double v)
{
    if (isfinite(v))
        printf(",%.17g", v);
    else
        putchar(',');
}

static void csv_line(const contest *of, size_t i)
{
    const mlk_compared *m = mlk_comparison_at(of->comparison, i);
    const mlk_cv *cv = mlk_comparison_cv(of->comparison);
    csv_text(mlk_table_name(of->table));
    putchar(',');
    csv_text(m->label);
    csv_number(m->standing.rank ? (double)m->standing.rank : (double)NAN);
    csv_number(m->standing.low);
    csv_number(m->standing.high);
    csv_number(m->standing.p_holm);
    csv_number(m->p_baseline);
    csv_number(m->fit_seconds);
    csv_number(m->predict_seconds);
    csv_number(m->bytes ? (double)m->bytes : (double)NAN);
    csv_number((double)m->failed);
    for (size_t k = 0; k < mlk_cv_metrics(cv); k++) {
        const mlk_cv_summary s = mlk_cv_summarise(cv, i, k);
        csv_number(s.mean);
        csv_number(s.sd);
    }
    putchar('\n');
}

int compare_csv(const cli *c, const tournament *t)
{
    const mlk_cv *cv = mlk_comparison_cv(t->contests[0].comparison);
    (void)c;
    printf("table,model,rank,low,high,p_value_vs_best,p_value_vs_baseline,fit_seconds,"
           "predict_seconds,bytes,failed");
    for (size_t k = 0; k < mlk_cv_metrics(cv); k++)
        printf(",%s,%s_sd", mlk_cv_metric(cv, k)->name, mlk_cv_metric(cv, k)->name);
    putchar('\n');
    for (size_t i = 0; i < t->finished; i++) {
        const contest *of = &t->contests[i];
        for (size_t r = 0; r < mlk_comparison_size(of->comparison); r++)
            csv_line(of, mlk_comparison_row(of->comparison, r));
    }
    return CLI_DONE;
}

/* ------------------------------------------------------------------------ text */

static void number_cell(mlk_text_table *t, double v, int digits)
{
    if (isnan(v))
        mlk_text_table_cell(t, "");
    else
        mlk_text_table_number(t, v, digits);
}

static void p_cell(mlk_text_table *t, double p)
{
    char text[32] = "";
    if (!isnan(p))
        snprintf(text, sizeof text, "%.2g", p);
    mlk_text_table_cell(t, text);
}

static void print_head(const contest *of)
{
    const mlk_schema *schema = mlk_dataset_schema(of->dataset);
    const size_t k = mlk_folds_per_repeat(of->folds), all = mlk_folds_count(of->folds);
    printf("%s: %s of %s, %zu rows, %zu features; ", mlk_table_name(of->table),
           of->data.n_classes ? "classification" : "regression", mlk_schema_target(schema),
           of->data.X.rows, of->data.X.cols);
    if (mlk_folds_kind(of->folds) == MLK_FOLDS_LOO)
        printf("leave-one-out\n");
    else if (all > k)
        printf("%zu folds x %zu\n", k, all / k);
    else
        printf("%zu folds\n", k);
}

static void print_ranking(const mlk_comparison *c)
{
    const mlk_cv *cv = mlk_comparison_cv(c);
    const char *titles[] = {"rank",          "model",      mlk_cv_metric(cv, 0)->name,
                            "\xc2\xb1 95 %", "to best",    "p",
                            "fit ms",        "predict ms", "kB"};
    mlk_text_table *t = mlk_text_table_new(titles, 9);
    for (size_t r = 0; r < mlk_comparison_size(c); r++) {
        const size_t i = mlk_comparison_row(c, r);
        const mlk_compared *m = mlk_comparison_at(c, i);
        const mlk_standing *s = &m->standing;
        number_cell(t, s->rank ? (double)s->rank : (double)NAN, DIGITS);
        mlk_text_table_cell(t, m->label);
        mlk_text_table_number(t, s->rank ? s->mean : mlk_cv_summarise(cv, i, 0).partial_mean,
                              DIGITS);
        number_cell(t, fmax(s->high - s->mean, s->mean - s->low), FEW - 1);
        number_cell(t, 0.0 - s->versus_best.estimate, FEW);
        p_cell(t, s->p_holm);
        number_cell(t, 1e3 * m->fit_seconds, FEW);
        number_cell(t, 1e3 * m->predict_seconds, FEW);
        number_cell(t, m->bytes ? 1e-3 * (double)m->bytes : (double)NAN, FEW);
    }
    render_table(t, 2);
}

/* Models that the test cannot tell from the best. */
static void print_equals(const mlk_comparison *c)
{
    const size_t best = mlk_comparison_best(c);
    const char *separator = "";
    if (best == SIZE_MAX)
        return;
    const mlk_compared *b = mlk_comparison_at(c, best);
    if (b->standing.rank != 1) {
        printf("  No model is better than the baseline.\n");
        return;
    }
    for (size_t r = 1; r < mlk_comparison_size(c); r++) {
        const mlk_compared *m = mlk_comparison_at(c, mlk_comparison_row(c, r));
        if (m == b || !(m->standing.p_holm >= LEVEL))
            continue;
        if (!*separator)
            printf("  As good as the best, as far as these folds can tell (p >= %g): ", LEVEL);
        printf("%s%s", separator, m->label);
        separator = ", ";
    }
    if (*separator)
        printf("\n");
}

static void print_troubles(const mlk_comparison *c)
{
    const mlk_cv *cv = mlk_comparison_cv(c);
    for (size_t r = 0; r < mlk_comparison_size(c); r++) {
        const size_t i = mlk_comparison_row(c, r);
        const mlk_compared *m = mlk_comparison_at(c, i);
        const size_t splits = m->finished + m->failed;
        if (m->failed)
            printf("  %s failed in %zu of %zu folds; in fold %zu: %s\n", m->label, m->failed,
                   splits, m->failed_split + 1, m->failure);
        else if (!m->standing.rank && !mlk_comparison_interrupted(c))
            printf("  %s: %s is not defined in %zu of %zu folds\n", m->label,
                   mlk_cv_metric(cv, 0)->name, splits - mlk_cv_summarise(cv, i, 0).count, splits);
        else if (!m->standing.rank)
            printf("  %s: %zu folds finished, no rank\n", m->label, splits);
    }
}

/* Beside the scoring, the metrics that people ask for first. */
static void print_others(const mlk_comparison *c)
{
    static const char *const wanted[] = {
        "r2", "rmse",     "mae", "mape",    "accuracy",          "balanced_accuracy",
        "f1", "f1_macro", "mcc", "roc_auc", "roc_auc_ovr_macro", "log_loss"};
    enum { MOST = 12 };
    const mlk_cv *cv = mlk_comparison_cv(c);
    const char *titles[MOST + 1] = {"model"};
    size_t which[MOST], n = 0;
    for (size_t k = 0; k < MOST; k++) {
        const size_t m = mlk_cv_find(cv, wanted[k]);
        if (m == SIZE_MAX || m == 0)
            continue;
        titles[1 + n] = wanted[k];
        which[n++] = m;
    }
    mlk_text_table *t = mlk_text_table_new(titles, n + 1);
    for (size_t r = 0; r < mlk_comparison_size(c); r++) {
        const size_t i = mlk_comparison_row(c, r);
        if (!mlk_comparison_at(c, i)->standing.rank)
            continue;
        mlk_text_table_cell(t, mlk_comparison_at(c, i)->label);
        for (size_t k = 0; k < n; k++)
            mlk_text_table_number(t, mlk_cv_summarise(cv, i, which[k]).mean, DIGITS);
    }
    printf("\n  Other metrics, means over the folds\n");
    render_table(t, 2);
}

/* ------------------------------------------------------------- what was chosen */

/* "ridge:  alpha=1 (7 folds), alpha=0.1 (3 folds)" */
static void print_choices(const mlk_comparison *c, size_t i, size_t splits)
{
    enum { SHOWN = 4, WIDTH = 128 };
    char(*texts)[WIDTH] = calloc(splits, sizeof *texts);
    size_t *counts = calloc(splits, sizeof *counts), n = 0;
    for (size_t s = 0; texts && counts && s < splits; s++) {
        size_t k = 0;
        const mlk_doc *chosen = mlk_comparison_chosen(c, i, s);
        if (!chosen)
            continue;
        render_choice(chosen, FEW, texts[n], sizeof texts[n]);
        while (strcmp(texts[k], texts[n]) != 0)
            k++;
        counts[k]++;
        n += k == n;
    }
    if (n)
        printf("  %s:", mlk_comparison_at(c, i)->label);
    for (size_t shown = 0; shown < SHOWN && shown < n; shown++) {
        size_t most = 0;
        for (size_t k = 1; k < n; k++)
            most = counts[k] > counts[most] ? k : most;
        printf("%s %s (%zu)", shown ? "," : "", texts[most], counts[most]);
        counts[most] = 0;
    }
    if (n)
        printf(n > SHOWN ? ", ...\n" : "\n");
    free(texts);
    free(counts);
}

static void print_all_choices(const contest *of)
{
    bool any = false;
    for (size_t r = 0; r < mlk_comparison_size(of->comparison); r++) {
        const size_t i = mlk_comparison_row(of->comparison, r);
        if (!mlk_comparison_at(of->comparison, i)->tuned)
            continue;
        if (!any)
            printf("\n  Chosen inside the training sets (in so many folds)\n");
        any = true;
        print_choices(of->comparison, i, mlk_folds_count(of->folds));
    }
}

/* ------------------------------------------------------------------ the extras */

/* One column a model: its curve on the test rows, or on the training rows. */
static void print_curve(const mlk_comparison *c, bool train)
{
    const size_t n = mlk_comparison_size(c);
    const char **titles = calloc(n + 1, sizeof *titles);
    const mlk_score_curve **curves = calloc(n + 1, sizeof *curves);
    size_t k = 0;
    for (size_t r = 0; titles && curves && r < n; r++) {
        const mlk_compared *m = mlk_comparison_at(c, mlk_comparison_row(c, r));
        if (!m->learning)
            continue;
        curves[k] = m->learning;
        titles[1 + k++] = m->label;
    }
    if (k) {
        titles[0] = "rows";
        printf("\n  Learning curve: %s on the %s rows\n", curves[0]->metric->name,
               train ? "training" : "test");
        mlk_text_table *t = mlk_text_table_new(titles, k + 1);
        for (size_t i = 0; i < curves[0]->n; i++) {
            mlk_text_table_number(t, round(curves[0]->x[i]), DIGITS);
            for (size_t j = 0; j < k; j++)
                mlk_text_table_number(t, train ? curves[j]->train_mean[i] : curves[j]->test_mean[i],
                                      FEW + 1);
        }
        render_table(t, 2);
    }
    free(titles);
    free(curves);
}

static void print_validation(const contest *of)
{
    const mlk_score_curve *curve = &of->validation;
    static const char *const titles[] = {"parameter", "training rows", "sd", "test rows", "sd"};
    if (!curve->n)
        return;
    printf("\n  Validation curve of %s: %s\n", of->entrants[of->validated].label,
           curve->metric->name);
    mlk_text_table *t = mlk_text_table_new(titles, 5);
    for (size_t i = 0; i < curve->n; i++) {
        char text[128];
        mlk_doc *params = mlk_doc_new();
        mlk_grid_params(of->values, i, params);
        render_choice(params, FEW, text, sizeof text);
        mlk_doc_free(params);
        mlk_text_table_cell(t, text);
        mlk_text_table_number(t, curve->train_mean[i], DIGITS);
        number_cell(t, curve->train_sd[i], FEW);
        mlk_text_table_number(t, curve->test_mean[i], DIGITS);
        number_cell(t, curve->test_sd[i], FEW);
    }
    render_table(t, 2);
}

static void print_bootstrap(const mlk_comparison *c, bool classes)
{
    static const char *const titles[] = {"model", ".632+",        "apparent", "out of bag",
                                         "se",    "bias\xc2\xb2", "variance"};
    static const char *const of_classes[] = {"model", ".632+", "apparent", "out of bag",
                                             "se",    "bias",  "variance"};
    mlk_text_table *t = mlk_text_table_new(classes ? of_classes : titles, 7);
    size_t n = 0;
    for (size_t r = 0; r < mlk_comparison_size(c); r++) {
        const mlk_compared *m = mlk_comparison_at(c, mlk_comparison_row(c, r));
        if (!m->bootstrap)
            continue;
        n++;
        mlk_text_table_cell(t, m->label);
        mlk_text_table_number(t, m->bootstrap->e632_plus, DIGITS);
        mlk_text_table_number(t, m->bootstrap->apparent, DIGITS);
        mlk_text_table_number(t, m->bootstrap->out_of_bag, DIGITS);
        mlk_text_table_number(t, m->bootstrap->se, FEW);
        mlk_text_table_number(t, m->bias_variance->bias2, DIGITS);
        mlk_text_table_number(t, m->bias_variance->variance, DIGITS);
    }
    if (n)
        printf("\n  %s by the bootstrap; out of bag = %s + variance\n",
               classes ? "Share of wrong classes" : "Squared error",
               classes ? "bias" : "bias\xc2\xb2");
    if (n)
        render_table(t, 2);
    else
        mlk_text_table_free(t);
}

static void print_thresholds(const mlk_comparison *c, const mlk_threshold_rule *rule,
                             const char *positive)
{
    const char *titles[] = {"model", "threshold", rule->by_cost ? "mean cost" : "F", "at 0.5"};
    mlk_text_table *t = mlk_text_table_new(titles, 4);
    for (size_t r = 0; r < mlk_comparison_size(c); r++) {
        const mlk_compared *m = mlk_comparison_at(c, mlk_comparison_row(c, r));
        if (!m->threshold)
            continue;
        mlk_text_table_cell(t, m->label);
        mlk_text_table_number(t, m->threshold->threshold, FEW);
        mlk_text_table_number(t, m->threshold->honest, DIGITS);
        mlk_text_table_number(t, m->threshold->at_half, DIGITS);
    }
    printf(
        "\n  Call a row %s from this probability on; each fold is judged by the threshold of the "
        "others\n",
        positive);
    render_table(t, 2);
}

/* ------------------------------------------------------------- several tables */

static void print_overall(const tournament *t)
{
    static const char *const titles[] = {"model", "mean rank", "best on"};
    const mlk_friedman *f = t->friedman;
    mlk_text_table *table = mlk_text_table_new(titles, 3);
    const double *rank = mlk_friedman_ranks(f).data;
    unsigned char *done = calloc(t->n_ranked, 1);
    size_t first = 0;
    for (size_t k = 0; done && k < t->n_ranked; k++) {
        size_t next = 0, wins = 0;
        while (done[next])
            next++;
        for (size_t j = next; j < t->n_ranked; j++)
            if (!done[j] && rank[j] < rank[next])
                next = j;
        done[next] = 1;
        if (k == 0)
            first = next;
        for (size_t i = 0; i < t->n; i++)
            wins +=
                mlk_comparison_at(t->contests[i].comparison, t->ranked[next])->standing.rank == 1;
        mlk_text_table_cell(table,
                            mlk_comparison_at(t->contests[0].comparison, t->ranked[next])->label);
        mlk_text_table_number(table, rank[next], FEW);
        mlk_text_table_number(table, (double)wins, FEW);
    }
    free(done);
    printf("All %zu tables\n", t->n);
    render_table(table, 2);
    printf("  Friedman's test: chi-squared %.4g, p %.2g; Iman and Davenport's: F %.4g, p %.2g\n",
           mlk_friedman_chi2(f).statistic, mlk_friedman_chi2(f).p, mlk_friedman_f(f).statistic,
           mlk_friedman_f(f).p);
    printf("  Nemenyi's critical difference of mean ranks at %g: %.3g", LEVEL,
           mlk_friedman_critical_difference(f));
    const char *separator = "; not told from the best: ";
    for (size_t j = 0; j < t->n_ranked; j++)
        if (j != first && rank[j] - rank[first] <= mlk_friedman_critical_difference(f)) {
            printf("%s%s", separator,
                   mlk_comparison_at(t->contests[0].comparison, t->ranked[j])->label);
            separator = ", ";
        }
    printf("\n");
    if (!isnan(t->wilcoxon.p))
        printf("  Wilcoxon's signed ranks, %s less %s: median difference %.3g, p %.2g%s\n",
               mlk_comparison_at(t->contests[0].comparison, 1)->label,
               mlk_comparison_at(t->contests[0].comparison, 2)->label, t->wilcoxon.estimate,
               t->wilcoxon.p, t->n < 6 ? " (of five tables never below 0.0625)" : "");
}

void compare_text(const cli *c, const tournament *t)
{
    for (size_t i = 0; i < t->finished; i++) {
        const contest *of = &t->contests[i];
        print_head(of);
        print_ranking(of->comparison);
        print_equals(of->comparison);
        if (contest_doubt(of))
            printf("  %s\n", contest_doubt(of));
        print_troubles(of->comparison);
        print_others(of->comparison);
        print_all_choices(of);
        print_curve(of->comparison, false);
        print_curve(of->comparison, true);
        print_validation(of);
        print_bootstrap(of->comparison, of->data.n_classes > 0);
        if (c->set.threshold)
            print_thresholds(of->comparison, &t->threshold, of->classes[1]);
        if (i + 1 < t->finished || t->friedman)
            printf("\n");
    }
    if (t->friedman)
        print_overall(t);
}
