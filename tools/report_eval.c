#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/preprocess/pipeline.h>
#include <mlkit/report/text.h>
#include <mlkit/tree/tree.h>

#include "eval.h"
#include "report.h"
#include "report_judge.h"

static const char *number(double value, int digits, char *buf, size_t size)
{
    return isnan(value) ? "\u2013" : mlk_text_number(value, digits, buf, size);
}

/* ----------------------------------------------------------------------- metrics */

static void add_metrics(report *r, const verdict *v)
{
    static const char *const titles[] = {"Metric", "Value", "95 % interval", "Baseline", "Note"};
    const size_t n = mlk_evaluation_size(v->evaluation);
    bool notes = false;
    for (size_t i = 0; i < n; i++)
        notes |= *mlk_evaluation_at(v->evaluation, i)->note != '\0';
    mlk_page_table(r->page, "Every metric, beside the baseline that looks at no column", titles,
                   notes ? 5 : 4);
    for (size_t i = 0; i < n; i++) {
        const mlk_score *s = mlk_evaluation_at(v->evaluation, i);
        char text[160], low[64], high[64];
        snprintf(text, sizeof text, "%s \u2026 %s", number(s->low, 4, low, sizeof low),
                 number(s->high, 4, high, sizeof high));
        mlk_page_cell(r->page, s->metric->name);
        mlk_page_number(r->page, s->value, 4);
        mlk_page_sorted(r->page, isnan(s->low) ? "\u2013" : text, s->low);
        mlk_page_number(r->page, s->baseline, 4);
        if (notes)
            mlk_page_cell(r->page, s->note);
    }
    mlk_page_table_end(r->page);
}

static void add_classes(report *r, const verdict *v)
{
    static const char *const titles[] = {"Class", "Precision", "Recall", "F1", "Rows"};
    const mlk_cmat per_class = mlk_evaluation_per_class(v->evaluation);
    if (!per_class.rows || !v->classes)
        return;
    mlk_page_table(r->page, "Class by class", titles, 5);
    for (size_t k = 0; k < per_class.rows; k++) {
        mlk_page_cell(r->page, v->classes[k]);
        for (size_t j = 0; j < 4; j++)
            mlk_page_number(r->page, per_class.data[k * per_class.ld + j], 4);
    }
    mlk_page_table_end(r->page);
}

static void add_verdict(report *r, const verdict *v)
{
    char value[64], low[64], high[64], remark[200];
    const mlk_metric *metric = mlk_metric_default(v->predictions->task);
    const mlk_score *s = metric ? mlk_evaluation_find(v->evaluation, metric->name) : NULL;
    mlk_page_section(r->page, "How good is it?");
    if (s) {
        snprintf(remark, sizeof remark, "95 %% interval %s to %s",
                 number(s->low, 3, low, sizeof low), number(s->high, 3, high, sizeof high));
        mlk_page_figure_of_merit(r->page, metric->name, number(s->value, 4, value, sizeof value),
                                 isnan(s->low) ? "" : remark);
        mlk_page_figure_of_merit(r->page, "Baseline", number(s->baseline, 4, value, sizeof value),
                                 "looks at no column");
    }
    snprintf(value, sizeof value, "%zu", v->rows);
    mlk_page_figure_of_merit(r->page, "Rows", value, mlk_table_name(v->table));
    if (s && !isnan(s->value) && !isnan(s->baseline) &&
        (metric->greater_is_better ? s->value <= s->baseline : s->value >= s->baseline))
        mlk_page_warning(r->page, "The model is no better than its baseline.");
    add_metrics(r, v);
    add_classes(r, v);
    if (v->predictions->task != MLK_METRIC_CLUSTERING) {
        mlk_page_section(r->page, "What does it get wrong?");
        judge_predictions(r, v->predictions, v->model ? v->model : "predictions");
    }
}

/* ------------------------------------------------------------------------- drift */

static void add_drift_row(report *r, const verdict *v, size_t j)
{
    const mlk_drift *d = &v->drifts[j];
    char range[160], low[64], high[64];
    snprintf(range, sizeof range, "%s \u2026 %s", number(d->low, 4, low, sizeof low),
             number(d->high, 4, high, sizeof high));
    mlk_page_cell(r->page, v->columns[j]);
    mlk_page_sorted(r->page,
                    d->left_range && d->changed_mix ? "range and mix"
                    : d->left_range                 ? "range"
                    : d->changed_mix                ? "mix"
                                                    : "no",
                    (double)(d->left_range + d->changed_mix));
    mlk_page_sorted(r->page, isnan(d->low) ? "\u2013" : range, d->low);
    mlk_page_number(r->page, 100.0 * d->outside, 3);
    mlk_page_number(r->page, 100.0 * d->missing, 3);
    mlk_page_number(r->page, 100.0 * d->missing_before, 3);
    mlk_page_number(r->page, d->psi, 3);
}

static void add_drift(report *r, const verdict *v)
{
    static const char *const titles[] = {"Column",     "Drifts",         "Training's range",
                                         "Outside, %", "Missing now, %", "Missing in training, %",
                                         "PSI"};
    size_t moved = 0;
    if (!v->drifts)
        return;
    mlk_page_section(r->page, "Are these the data it was trained for?");
    for (size_t j = 0; j < v->n_drifts; j++)
        moved += v->drifts[j].left_range || v->drifts[j].changed_mix;
    if (moved)
        mlk_page_warning(r->page,
                         "%zu of %zu columns have left the range or the mix of the training data: "
                         "what was measured then need not hold now.",
                         moved, v->n_drifts);
    else
        mlk_page_text(r->page, "No column has left the range or the mix of the training data.");
    mlk_page_table(r->page, "Each column beside the training's, the target last", titles, 7);
    for (size_t j = 0; j < v->n_drifts; j++)
        add_drift_row(r, v, j);
    mlk_page_table_end(r->page);
    mlk_page_text(r->page,
                  "PSI: population stability index over the training's deciles or levels; from 0.2 "
                  "on, where it is no luck, the mix is called another one.");
}

/* ----------------------------------------------------------------------- the model */

static void add_model(report *r, const verdict *v)
{
    enum { MOST_LEAVES = 32 };
    const mlk_metric *metric = mlk_metric_default(v->predictions->task);
    if (!v->drawn || v->predictions->task == MLK_METRIC_CLUSTERING)
        return;
    mlk_page_section(r->page, "What does it look at?");
    const mlk_model *inner = mlk_pipeline_inner(v->drawn->pipeline);
    if (mlk_model_algo(inner) == &mlk_tree_algo) {
        const size_t leaves = mlk_tree_n_leaves(mlk_model_state(inner));
        if (leaves <= MOST_LEAVES)
            judge_tree(r, v->drawn->pipeline, v->drawn->schema, "tree", "The tree");
        else
            mlk_page_text(r->page, "The tree has %zu leaves, too many to draw.", leaves);
    }
    judge_importances(r, v->drawn->pipeline, v->drawn->schema, &v->drawn->data, metric->name,
                      "importances",
                      "The loss of score when a column is shuffled, on (at most 2,000 of) these "
                      "rows");
}

int eval_report(cli *c, const verdict *v)
{
    char title[300], subtitle[400];
    report r;
    if (!report_wanted(c))
        return CLI_DONE;
    const char *const given[] = {c->set.predictions};
    snprintf(title, sizeof title, "%.80s%s%.200s", v->model ? v->model : "Predictions",
             v->target ? " of " : "", v->target ? v->target : "");
    snprintf(subtitle, sizeof subtitle, "%s, %zu rows of %.300s", v->task, v->rows,
             mlk_table_name(v->table));
    report_begin(c, title, subtitle, &r);
    add_verdict(&r, v);
    add_drift(&r, v);
    add_model(&r, v);
    mlk_page_section(r.page, "The table");
    report_table(&r, v->table, "", v->target,
                 v->predictions->task == MLK_METRIC_CLASSIFICATION ? "classification" : NULL);
    report_repeat(&r, v->model ? c->args : given, v->model ? c->n_args : 1);
    const int status = report_write(&r);
    report_free(&r);
    return status;
}
