#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/data/split.h>
#include <mlkit/report/chart.h>
#include <mlkit/report/text.h>
#include <mlkit/selection/explain.h>
#include <mlkit/tree/show.h>

#include "compare.h"
#include "report.h"
#include "report_judge.h"

enum {
    SHOWN = 8,        /* models that are shown one by one */
    STUDIED = 3,      /* models whose learning curve, bias and variance are worked out, */
    STUDY_ROWS = 2000 /* on so many rows */
};

/* A part of the report about one table. */
typedef struct chapter {
    report *r;
    const tournament *t;
    const contest *of;
    const mlk_comparison *all;
    const mlk_cv *cv;
    char prefix[32]; /* of names of files: "" or "2-" */
} chapter;

static const char *number(double value, int digits, char *buf, size_t size)
{
    return isnan(value) ? "\u2013" : mlk_text_number(value, digits, buf, size);
}

static const char *p_value(double p, char *buf, size_t size)
{
    if (isnan(p))
        return "\u2013";
    if (p < 0.001)
        snprintf(buf, size, "< 0.001");
    else
        snprintf(buf, size, "%.2g", p);
    return buf;
}

/* The models with a rank, best first, without the baseline; returns how many. */
static size_t ranked(const chapter *h, size_t *models, size_t most)
{
    size_t n = 0;
    for (size_t row = 0; row < mlk_comparison_size(h->all) && n < most; row++) {
        const size_t i = mlk_comparison_row(h->all, row);
        if (i && mlk_comparison_at(h->all, i)->standing.rank)
            models[n++] = i;
    }
    return n;
}

/* --------------------------------------------------------------------- the ranking */

static void add_verdict(const chapter *h)
{
    const size_t best = mlk_comparison_best(h->all);
    const char *metric = mlk_cv_metric(h->cv, 0)->name;
    char text[400], value[64], low[64], high[64];
    mlk_page *page = h->r->page;
    if (best == SIZE_MAX) {
        mlk_page_warning(page, "No model could be fitted in every fold.");
        return;
    }
    const mlk_compared *m = mlk_comparison_at(h->all, best);
    const mlk_compared *base = mlk_comparison_at(h->all, 0);
    snprintf(text, sizeof text, "95 %% interval %s to %s", number(m->standing.low, 3, low, 64),
             number(m->standing.high, 3, high, 64));
    mlk_page_figure_of_merit(page, "Best model", m->label, "by the mean over the splits");
    mlk_page_figure_of_merit(page, metric, number(m->standing.mean, 4, value, 64), text);
    mlk_page_figure_of_merit(page, "Baseline", number(base->standing.mean, 4, value, 64),
                             "looks at no column");
    snprintf(value, sizeof value, "%zu", mlk_cv_splits(h->cv));
    snprintf(text, sizeof text, "%zu rows, %zu features", h->of->data.X.rows, h->of->data.X.cols);
    mlk_page_figure_of_merit(page, "Splits", value, text);
    if (m->standing.rank != 1)
        mlk_page_warning(page, "No model is better than the baseline.");
}

/* Which models the test cannot tell from the best. */
static void add_equals(const chapter *h)
{
    char names[600] = "";
    size_t at = 0, n = 0;
    const size_t best = mlk_comparison_best(h->all);
    for (size_t row = 0; row < mlk_comparison_size(h->all); row++) {
        const size_t i = mlk_comparison_row(h->all, row);
        const mlk_compared *m = mlk_comparison_at(h->all, i);
        if (i == best || !m->standing.rank || !(m->standing.p_holm >= 0.05) || at >= sizeof names)
            continue;
        at +=
            (size_t)snprintf(names + at, sizeof names - at, "%s%.100s", n++ ? ", " : "", m->label);
    }
    if (best == SIZE_MAX || mlk_comparison_at(h->all, best)->standing.rank != 1)
        return;
    if (n)
        mlk_page_text(h->r->page,
                      "Of these the best cannot be told apart at 5 %% (corrected resampled t-test, "
                      "Holm's correction): %s.",
                      names);
    else
        mlk_page_text(h->r->page,
                      "The best is better than every other at 5 %% (corrected resampled t-test, "
                      "Holm's correction).");
    if (contest_doubt(h->of))
        mlk_page_text(h->r->page, "%s", contest_doubt(h->of));
}

static void add_ranking_row(const chapter *h, size_t i, bool notes)
{
    const mlk_compared *m = mlk_comparison_at(h->all, i);
    const mlk_standing *s = &m->standing;
    char buf[400], low[64], high[64];
    mlk_page *page = h->r->page;
    mlk_page_cell(page, m->label);
    mlk_page_number(page, s->rank ? (double)s->rank : (double)NAN, 3);
    mlk_page_number(page, s->rank ? s->mean : mlk_cv_summarise(h->cv, i, 0).partial_mean, 4);
    snprintf(buf, sizeof buf, "%s \u2026 %s", number(s->low, 4, low, sizeof low),
             number(s->high, 4, high, sizeof high));
    mlk_page_sorted(page, isnan(s->low) ? "\u2013" : buf, s->low);
    mlk_page_number(page, s->versus_best.estimate, 3);
    mlk_page_sorted(page, p_value(s->p_holm, buf, sizeof buf), s->p_holm);
    mlk_page_sorted(page, p_value(m->p_baseline, buf, sizeof buf), m->p_baseline);
    mlk_page_seconds(page, m->fit_seconds);
    mlk_page_seconds(page, m->predict_seconds);
    mlk_page_number(page, m->bytes ? 1e-3 * (double)m->bytes : (double)NAN, 3);
    if (m->failure)
        snprintf(buf, sizeof buf, "failed in %zu of %zu splits: %.300s", m->failed,
                 m->failed + m->finished, m->failure);
    if (notes)
        mlk_page_cell(page, m->failure ? buf : "");
}

static void add_boxes(const chapter *h)
{
    const size_t splits = mlk_cv_splits(h->cv);
    size_t models[64];
    const char *names[64];
    const size_t n = ranked(h, models, 64);
    double *scores = malloc((n * splits + 3 * n + 1) * sizeof *scores);
    if (!scores || !n) {
        free(scores);
        return;
    }
    double *mean = scores + n * splits, *low = mean + n, *high = low + n;
    for (size_t k = 0; k < n; k++) {
        const mlk_compared *m = mlk_comparison_at(h->all, models[k]);
        names[k] = m->label;
        mean[k] = m->standing.mean;
        low[k] = m->standing.low;
        high[k] = m->standing.high;
        memcpy(scores + k * splits, mlk_cv_values(h->cv, models[k], 0).data,
               splits * sizeof *scores);
    }
    char name[80];
    snprintf(name, sizeof name, "%sranking", h->prefix);
    report_chart_of(h->r, name, "The scores of the splits, and their means with 95 % intervals",
                    mlk_chart_score_boxes(
                        mlk_cv_metric(h->cv, 0)->name, names, (mlk_cmat){scores, n, splits, splits},
                        (mlk_cvec){mean, n}, (mlk_cvec){low, n}, (mlk_cvec){high, n}),
                    names, n);
    free(scores);
}

static void add_times(const chapter *h)
{
    size_t models[64];
    const char *names[64];
    double fit[64], predict[64];
    char name[80];
    const size_t n = ranked(h, models, 64);
    if (!n)
        return;
    for (size_t k = 0; k < n; k++) {
        const mlk_compared *m = mlk_comparison_at(h->all, models[k]);
        names[k] = m->label;
        fit[k] = m->fit_seconds;
        predict[k] = m->predict_seconds;
    }
    snprintf(name, sizeof name, "%stimes", h->prefix);
    report_chart_of(h->r, name, "Seconds to fit and to predict, the mean of the splits",
                    mlk_chart_times(names, (mlk_cvec){fit, n}, (mlk_cvec){predict, n}), names, n);
}

static void add_ranking(const chapter *h)
{
    const char *metric = mlk_cv_metric(h->cv, 0)->name;
    const char *titles[] = {"Model",       "Rank", metric,    "95 % interval", "Behind best", "p",
                            "p, baseline", "Fit",  "Predict", "Model, kB",     "Note"};
    mlk_page *page = h->r->page;
    bool notes = false;
    for (size_t i = 0; i < mlk_comparison_size(h->all); i++)
        notes |= mlk_comparison_at(h->all, i)->failure != NULL;
    add_verdict(h);
    mlk_page_table(page, "The baseline, and the models, best first", titles, notes ? 11 : 10);
    for (size_t row = 0; row < mlk_comparison_size(h->all); row++)
        add_ranking_row(h, mlk_comparison_row(h->all, row), notes);
    mlk_page_table_end(page);
    add_equals(h);
    mlk_page_text(
        page, "p: how often a difference to the best this large comes by luck alone, with the "
              "correction of Nadeau and Bengio for folds that share training rows and of Holm "
              "for many models. The score of the model that came first is a little flattered by "
              "having come first.");
    add_boxes(h);
    add_times(h);
}

/* Metrics down, models across, which also fits on paper. */
static void add_metrics(const chapter *h)
{
    enum { MOST = 24 };
    const size_t all = mlk_comparison_size(h->all), n = all < MOST ? all : MOST;
    const char *titles[MOST + 1] = {"Metric"};
    mlk_page *page = h->r->page;
    for (size_t row = 0; row < n; row++)
        titles[row + 1] = mlk_comparison_at(h->all, mlk_comparison_row(h->all, row))->label;
    mlk_page_heading(page, "All metrics");
    mlk_page_table(page, "Means over the splits", titles, n + 1);
    for (size_t k = 0; k < mlk_cv_metrics(h->cv); k++) {
        mlk_page_cell(page, mlk_cv_metric(h->cv, k)->name);
        for (size_t row = 0; row < n; row++)
            mlk_page_number(page, mlk_cv_summarise(h->cv, mlk_comparison_row(h->all, row), k).mean,
                            4);
    }
    mlk_page_table_end(page);
    if (n < all)
        mlk_page_text(page, "The best %zu models.", n - 1);
}

/* -------------------------------------------------------------------- model by model */

static void add_parameters(const chapter *h, size_t i)
{
    mlk_doc *doc = mlk_doc_new();
    char text[1200] = "", value[64];
    size_t at = 0;
    mlk_comparison_params(h->all, i, doc);
    for (size_t k = 0; k < mlk_doc_size(doc) && at < sizeof text; k++) {
        const mlk_doc *p = mlk_doc_at(doc, k);
        const char *shown = NULL;
        if (mlk_doc_kind_of(p) == MLK_DOC_TEXT)
            shown = mlk_doc_text(p);
        else if (mlk_doc_kind_of(p) == MLK_DOC_BOOL)
            shown = mlk_doc_bool(p) ? "true" : "false";
        else if (mlk_doc_kind_of(p) == MLK_DOC_INT || mlk_doc_kind_of(p) == MLK_DOC_REAL) {
            snprintf(value, sizeof value, "%.6g", mlk_doc_real(p));
            shown = value;
        }
        if (shown)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s=%.80s", at ? ", " : "",
                                   mlk_doc_key_at(doc, k), shown);
    }
    mlk_doc_free(doc);
    if (mlk_comparison_at(h->all, i)->tuned)
        mlk_page_text(h->r->page, "Tuned inside each training set; otherwise: %s.", text);
    else
        mlk_page_text(h->r->page, "%s.", text);
}

/* A small tree as a picture, fitted on all rows. */
static void add_tree(const chapter *h, size_t i, const char *name)
{
    enum { MOST_LEAVES = 32 };
    mlk_model *model;
    mlk_run run = {.threads = h->r->c->run.threads};
    if (mlk_comparison_refit(h->all, i, &h->of->data, &run, &model) != MLK_OK)
        return;
    const mlk_model *inner = mlk_pipeline_inner(mlk_comparison_pipeline(model));
    const mlk_tree *tree = mlk_model_state(inner);
    if (mlk_tree_n_leaves(tree) > MOST_LEAVES)
        mlk_page_text(h->r->page,
                      "Fitted on all rows the tree has %zu leaves, too many to draw; "
                      "max_leaf_nodes or ccp_alpha make it smaller.",
                      mlk_tree_n_leaves(tree));
    else
        judge_tree(h->r, mlk_comparison_pipeline(model), mlk_dataset_schema(h->of->dataset), name,
                   "The tree, fitted on all rows");
    mlk_model_free(model);
}

static mlk_predictions predictions_of(const chapter *h, size_t i)
{
    const mlk_data *d = &h->of->data;
    const mlk_cmat p = mlk_cv_probabilities(h->cv, i, 0);
    return (mlk_predictions){.task =
                                 d->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION,
                             .n_classes = d->n_classes,
                             .truth = d->y,
                             .predicted = mlk_cv_predictions(h->cv, i, 0),
                             .probabilities = p,
                             .w = d->w,
                             .classes = h->of->classes};
}

static void add_models(const chapter *h)
{
    size_t models[SHOWN];
    const size_t n = ranked(h, models, SHOWN);
    mlk_page_text(h->r->page,
                  "Predictions of rows that the model was not fitted on, from the first round of "
                  "folds%s.",
                  mlk_comparison_size(h->all) > SHOWN + 1 ? "; the best eight models" : "");
    for (size_t k = 0; k < n; k++) {
        const mlk_compared *m = mlk_comparison_at(h->all, models[k]);
        const mlk_predictions p = predictions_of(h, models[k]);
        char name[200];
        snprintf(name, sizeof name, "%s%.100s", h->prefix, m->label);
        mlk_page_heading(h->r->page, m->label);
        add_parameters(h, models[k]);
        judge_predictions(h->r, &p, name);
        if (strcmp(m->algo->name, "tree") == 0 && !m->tuned) {
            snprintf(name, sizeof name, "%s%.100s-tree", h->prefix, m->label);
            add_tree(h, models[k], name);
        }
    }
}

/* --------------------------------------------------------------- what costs more fits */

/* At most STUDY_ROWS of the rows, classes in proportion. */
static mlk_status study_rows(const chapter *h, mlk_subset *subset)
{
    const mlk_data *all = &h->of->data;
    const size_t n = all->X.rows;
    size_t n_train = n, *rows = malloc(n * sizeof *rows);
    mlk_status st = rows ? MLK_OK : MLK_ENOMEM;
    for (size_t i = 0; rows && i < n; i++)
        rows[i] = i;
    if (rows && n > STUDY_ROWS)
        st = mlk_split_holdout(all, 1.0 - (double)STUDY_ROWS / (double)n, h->r->c->set.seed, rows,
                               &n_train);
    if (st == MLK_OK)
        st = mlk_subset_new(all, rows, n_train, NULL, subset);
    free(rows);
    return st;
}

static mlk_candidate candidate_of(const chapter *h, size_t i)
{
    const mlk_contender *m = &h->of->contenders[i - 1];
    return m->tuned ? (mlk_candidate){.algo = &mlk_tuned_algo, .opts = m->tuned}
                    : (mlk_candidate){.algo = &mlk_pipeline_algo, .opts = m->pipeline};
}

static void add_learning_curve(const chapter *h, size_t i, const mlk_data *rows,
                               const mlk_folds *folds)
{
    static const double shares[] = {0.1, 0.25, 0.5, 0.75, 1.0};
    const mlk_compared *m = mlk_comparison_at(h->all, i);
    const mlk_run run = {.threads = h->r->c->run.threads};
    const mlk_candidate candidate = candidate_of(h, i);
    mlk_score_curve own = {0};
    const mlk_score_curve *curve = m->learning;
    char name[200], caption[200];
    if (!curve &&
        mlk_learning_curve(&candidate, rows, folds, shares, 5, mlk_cv_metric(h->cv, 0)->name,
                           h->r->c->set.seed, &run, &own) == MLK_OK)
        curve = &own;
    snprintf(name, sizeof name, "%slearning-%.100s", h->prefix, m->label);
    snprintf(caption, sizeof caption, "Learning curve of %.150s", m->label);
    if (curve)
        report_chart(h->r, name, caption,
                     mlk_chart_scores("Learning curve", "training rows", curve, NULL, false));
    else
        mlk_page_text(h->r->page, "%s has no learning curve: it fails on few rows.", m->label);
    mlk_score_curve_free(&own);
}

static void add_bias_variance(const chapter *h, const size_t *models, size_t n,
                              const mlk_data *rows)
{
    static const char *const titles[] = {"Model", "Error", "Bias", "Variance"};
    mlk_bootstrap_opts opts = mlk_bootstrap_opts_default();
    const mlk_run run = {.threads = h->r->c->run.threads};
    opts.replicates = 30;
    opts.seed = h->r->c->set.seed;
    mlk_page_table(h->r->page,
                   rows->n_classes ? "Share of wrong predictions, in bias and variance"
                                   : "Squared error, in bias\u00b2 (with the noise) and variance",
                   titles, 4);
    for (size_t k = 0; k < n; k++) {
        const mlk_compared *m = mlk_comparison_at(h->all, models[k]);
        const mlk_candidate candidate = candidate_of(h, models[k]);
        mlk_bias_variance own, *b = &own;
        const mlk_status st = m->bias_variance
                                  ? MLK_OK
                                  : mlk_bias_variance_estimate(&candidate, rows, NULL,
                                                               (mlk_cvec){0}, &opts, &run, &own);
        if (m->bias_variance)
            own = *m->bias_variance;
        if (st != MLK_OK)
            own = (mlk_bias_variance){NAN, NAN, NAN, NAN, NAN, NAN};
        mlk_page_cell(h->r->page, m->label);
        mlk_page_number(h->r->page, b->error, 4);
        mlk_page_number(h->r->page, b->bias2, 4);
        mlk_page_number(h->r->page, b->variance, 4);
    }
    mlk_page_table_end(h->r->page);
    mlk_page_text(
        h->r->page,
        "Of 30 bootstrap samples (or those of --bootstrap), judged on the rows that each "
        "did not draw. Much bias: the model is too simple, or the columns say too little; "
        "much variance: more rows, or a simpler model, will help.");
}

/* Would more data help, and is it bias or variance? */
static void add_studies(const chapter *h)
{
    size_t models[STUDIED];
    const size_t n = ranked(h, models, STUDIED);
    mlk_subset subset = {0};
    mlk_folds *folds = NULL;
    mlk_folds_opts opts = mlk_folds_opts_default();
    opts.folds = 3;
    opts.seed = h->r->c->set.seed;
    mlk_status st = n ? study_rows(h, &subset) : MLK_EINVAL;
    if (st == MLK_OK)
        st = mlk_folds_new(&subset.data, &opts, NULL, &folds);
    mlk_page_heading(h->r->page, "Would more rows help?");
    if (st == MLK_OK) {
        mlk_page_text(h->r->page,
                      "The best %zu models, on %zu rows in three folds, to keep the cost of the "
                      "report small (--learning-curve takes all models, rows and folds).",
                      n, subset.data.X.rows);
        for (size_t k = 0; k < n; k++)
            add_learning_curve(h, models[k], &subset.data, folds);
        add_bias_variance(h, models, n, &subset.data);
    } else {
        mlk_page_text(h->r->page, "There are too few rows, or no model, to tell.");
    }
    mlk_folds_free(folds);
    mlk_subset_free(&subset);
}

/* What the best model looks at, on a quarter of the rows that it is not fitted on. */
static void add_importances(const chapter *h)
{
    const size_t best = mlk_comparison_best(h->all), n = h->of->data.X.rows;
    const mlk_data *all = &h->of->data;
    mlk_subset train = {0}, test = {0};
    mlk_model *model = NULL;
    const mlk_run run = {.threads = h->r->c->run.threads};
    size_t n_train = 0, *rows = malloc(n * sizeof *rows);
    mlk_status st = rows && best != SIZE_MAX ? MLK_OK : MLK_EINVAL;
    if (st == MLK_OK)
        st = mlk_split_holdout(all, 0.25, h->r->c->set.seed, rows, &n_train);
    if (st == MLK_OK)
        st = mlk_subset_new(all, rows, n_train, NULL, &train);
    if (st == MLK_OK)
        st = mlk_subset_new(all, rows + n_train, n - n_train, NULL, &test);
    if (st == MLK_OK)
        st = mlk_comparison_refit(h->all, best, &train.data, &run, &model);
    if (st == MLK_OK) {
        char name[80], caption[300];
        snprintf(name, sizeof name, "%simportances", h->prefix);
        snprintf(caption, sizeof caption,
                 "What %.150s looks at: the loss of score when a column is shuffled, on a quarter "
                 "of the rows held out",
                 mlk_comparison_at(h->all, best)->label);
        mlk_page_heading(h->r->page, "What does the best model look at?");
        judge_importances(h->r, mlk_comparison_pipeline(model), mlk_dataset_schema(h->of->dataset),
                          &test.data, mlk_cv_metric(h->cv, 0)->name, name, caption);
    }
    mlk_model_free(model);
    mlk_subset_free(&train);
    mlk_subset_free(&test);
    free(rows);
}

/* ------------------------------------------------------------------------ the page */

static void add_chapter(const chapter *h)
{
    const mlk_schema *schema = mlk_dataset_schema(h->of->dataset);
    const char *path = mlk_table_name(h->of->table), *slash = strrchr(path, '/');
    const char *table = slash && slash[1] ? slash + 1 : path;
    const bool many = h->t->n > 1;
    char title[400];
    snprintf(title, sizeof title, many ? "%.300s: which model?" : "Which model?", table);
    mlk_page_section(h->r->page, title);
    add_ranking(h);
    add_metrics(h);
    snprintf(title, sizeof title, many ? "%.300s: model by model" : "Model by model", table);
    mlk_page_section(h->r->page, title);
    add_models(h);
    snprintf(title, sizeof title, many ? "%.300s: a closer look" : "A closer look", table);
    mlk_page_section(h->r->page, title);
    add_importances(h);
    add_studies(h);
    snprintf(title, sizeof title, many ? "%.300s: the table" : "The table", table);
    mlk_page_section(h->r->page, title);
    report_table(h->r, h->of->table, h->prefix, mlk_schema_target(schema),
                 h->of->data.n_classes ? "classification" : "regression");
}

/* Friedman's test over the tables. */
static void add_overall(report *r, const tournament *t)
{
    static const char *const titles[] = {"Model", "Mean rank"};
    const mlk_test f = mlk_friedman_f(t->friedman);
    const mlk_cvec ranks = mlk_friedman_ranks(t->friedman);
    const char **names = malloc((t->n_ranked + 1) * sizeof *names);
    char p[32];
    if (!names) {
        r->status = cli_refuse(r->c, "out of memory");
        return;
    }
    mlk_page_section(r->page, "Over all tables");
    mlk_page_table(r->page, "Mean ranks over the tables", titles, 2);
    for (size_t k = 0; k < t->n_ranked; k++) {
        names[k] = mlk_comparison_at(t->contests[0].comparison, t->ranked[k])->label;
        mlk_page_cell(r->page, names[k]);
        mlk_page_number(r->page, ranks.data[k], 3);
    }
    mlk_page_table_end(r->page);
    mlk_page_text(r->page,
                  "Friedman's test (Iman and Davenport): F = %.3g, p %s%s. Mean ranks that differ "
                  "by more than %.3g differ at 5 %% (Nemenyi).",
                  f.statistic, f.p < 0.001 ? "" : "= ", p_value(f.p, p, sizeof p),
                  mlk_friedman_critical_difference(t->friedman));
    if (!isnan(t->wilcoxon.p))
        mlk_page_text(r->page,
                      "Wilcoxon's signed ranks, %s less %s: median difference %.3g, p %s%s.",
                      mlk_comparison_at(t->contests[0].comparison, 1)->label,
                      mlk_comparison_at(t->contests[0].comparison, 2)->label, t->wilcoxon.estimate,
                      t->wilcoxon.p < 0.001 ? "" : "= ", p_value(t->wilcoxon.p, p, sizeof p));
    report_chart(r, "critical-difference",
                 "Critical difference: models that a bar joins cannot be told apart",
                 mlk_chart_critical_difference(t->friedman, names));
    free(names);
}

int compare_report(cli *c, const tournament *t)
{
    const contest *first = &t->contests[0];
    const mlk_folds *f = first->folds;
    char title[300], subtitle[600];
    report r;
    if (!report_wanted(c))
        return CLI_DONE;
    if (t->n == 1)
        snprintf(title, sizeof title, "Which model for %.200s?",
                 mlk_schema_target(mlk_dataset_schema(first->dataset)));
    else
        snprintf(title, sizeof title, "Which model, over %zu tables?", t->n);
    snprintf(subtitle, sizeof subtitle, "%s, %zu table%s%s%.200s; %zu folds, %zu round%s",
             first->data.n_classes ? "Classification" : "Regression", t->n, t->n == 1 ? "" : "s",
             t->n == 1 ? ": " : "", t->n == 1 ? mlk_table_name(first->table) : "",
             mlk_folds_per_repeat(f), mlk_folds_count(f) / mlk_folds_per_repeat(f),
             mlk_folds_count(f) == mlk_folds_per_repeat(f) ? "" : "s");
    report_begin(c, title, subtitle, &r);
    if (t->friedman)
        add_overall(&r, t);
    for (size_t i = 0; i < t->finished && r.status == CLI_DONE; i++) {
        chapter h = {.r = &r,
                     .t = t,
                     .of = &t->contests[i],
                     .all = t->contests[i].comparison,
                     .cv = mlk_comparison_cv(t->contests[i].comparison)};
        if (t->n > 1)
            snprintf(h.prefix, sizeof h.prefix, "%zu-", i + 1);
        add_chapter(&h);
    }
    report_repeat(&r, c->args, c->n_args);
    const int status = report_write(&r);
    report_free(&r);
    return status;
}
