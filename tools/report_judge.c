#include "report_judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/metrics/curves.h>
#include <mlkit/selection/explain.h>
#include <mlkit/tree/show.h>

#include "learn.h"
#include "show_tree.h"

enum {
    CURVES = 7,        /* most classes whose curves are drawn */
    POINTS = 300,      /* of a curve: more cannot be seen */
    BINS = 10,         /* of a reliability curve */
    LOOKED_AT = 2000,  /* rows that importances are judged on */
    MOST_COLUMNS = 300 /* columns that are shuffled */
};

/* The predictions of the rows that have one. */
typedef struct present {
    mlk_predictions p;
    double *memory;
} present;

static bool take_present(const mlk_predictions *p, present *to)
{
    const size_t n = p->truth.n, k = p->probabilities.data ? p->probabilities.cols : 0;
    double *truth = malloc((n * (3 + k) + 1) * sizeof *truth);
    double *predicted = truth ? truth + n : NULL, *w = truth ? truth + 2 * n : NULL;
    double *probabilities = truth ? truth + 3 * n : NULL;
    size_t at = 0;
    if (!truth)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool there = p->predicted.n ? !isnan(p->predicted.data[i]) : true;
        for (size_t c = 0; c < k; c++)
            there &= !isnan(p->probabilities.data[i * p->probabilities.ld + c]);
        if (!there)
            continue;
        truth[at] = p->truth.data[i];
        predicted[at] = p->predicted.n ? p->predicted.data[i] : (double)NAN;
        w[at] = p->w.n ? p->w.data[i] : 1.0;
        for (size_t c = 0; c < k; c++)
            probabilities[at * k + c] = p->probabilities.data[i * p->probabilities.ld + c];
        at++;
    }
    to->p = (mlk_predictions){.task = p->task,
                              .n_classes = p->n_classes,
                              .truth = {truth, at},
                              .w = {w, at},
                              .classes = p->classes};
    if (p->predicted.n)
        to->p.predicted = (mlk_cvec){predicted, at};
    if (k)
        to->p.probabilities = (mlk_cmat){probabilities, at, k, k};
    to->memory = truth;
    return true;
}

typedef mlk_status (*curve_maker)(const mlk_predictions *p, size_t positive, size_t detail,
                                  mlk_curve *curve);
typedef mlk_plot *(*curve_drawer)(const mlk_curve *curves, const char *const *names, size_t n);

static mlk_plot *draw_pr(const mlk_curve *curves, const char *const *names, size_t n)
{
    return mlk_chart_pr(curves, names, n, (double)NAN);
}

/* One curve of the positive class of two, or one of each class. */
static void add_curves(report *r, const mlk_predictions *p, curve_maker make, size_t detail,
                       curve_drawer draw, const char *name, const char *what)
{
    mlk_curve curves[CURVES];
    const char *names[CURVES];
    char file[300], caption[300];
    size_t n = 0;
    const size_t first = p->n_classes == 2 ? 1 : 0;
    for (size_t k = first; k < p->n_classes && n < CURVES; k++)
        if (make(p, k, detail, &curves[n]) == MLK_OK)
            names[n++] = p->classes ? p->classes[k] : "";
    if (n) {
        snprintf(file, sizeof file, "%s-%s", name,
                 make == mlk_roc_curve  ? "roc"
                 : make == mlk_pr_curve ? "pr"
                                        : "reliability");
        if (p->n_classes == 2)
            snprintf(caption, sizeof caption, "%s of class %.100s", what, names[0]);
        else
            snprintf(caption, sizeof caption, "%s, each class against the rest%s", what,
                     p->n_classes > CURVES ? " (the first seven)" : "");
        report_chart(r, file, caption, draw(curves, p->n_classes == 2 ? NULL : names, n));
    }
    for (size_t k = 0; k < n; k++)
        mlk_curve_free(&curves[k]);
}

static void add_confusion(report *r, const mlk_predictions *p, const char *name)
{
    enum { MOST_CLASSES = 50 };
    const size_t k = p->n_classes;
    char file[300];
    double *counts = calloc(k * k + 1, sizeof *counts);
    if (!counts || k > MOST_CLASSES) {
        free(counts);
        return;
    }
    for (size_t i = 0; i < p->truth.n; i++)
        counts[(size_t)p->truth.data[i] * k + (size_t)p->predicted.data[i]] += p->w.data[i];
    snprintf(file, sizeof file, "%s-confusion", name);
    report_chart(r, file, "Confusion matrix: truth down, prediction across",
                 mlk_chart_confusion((mlk_cmat){counts, k, k, k}, p->classes));
    free(counts);
}

static void add_regression(report *r, const mlk_predictions *p, const char *name)
{
    char file[300];
    snprintf(file, sizeof file, "%s-predicted", name);
    report_chart(r, file, "Predicted against true", mlk_chart_predicted(p->truth, p->predicted));
    snprintf(file, sizeof file, "%s-residuals", name);
    report_chart(r, file, "Residuals: truth less prediction",
                 mlk_chart_residuals(p->truth, p->predicted));
}

void judge_predictions(report *r, const mlk_predictions *p, const char *name)
{
    present here;
    if (r->status != CLI_DONE || !p->truth.n)
        return;
    if (!take_present(p, &here)) {
        r->status = cli_refuse(r->c, "out of memory");
        return;
    }
    if (!here.p.truth.n) {
        mlk_page_text(r->page, "No row has a prediction.");
    } else if (!p->n_classes) {
        add_regression(r, &here.p, name);
    } else {
        mlk_predictions ranked = here.p;
        if (!ranked.probabilities.data)
            ranked.scores =
                p->scores.data && here.p.truth.n == p->truth.n ? p->scores : (mlk_cmat){0};
        if (ranked.probabilities.data || ranked.scores.data) {
            add_curves(r, &ranked, mlk_roc_curve, POINTS, mlk_chart_roc, name, "ROC curve");
            add_curves(r, &ranked, mlk_pr_curve, POINTS, draw_pr, name, "Precision and recall");
        }
        if (ranked.probabilities.data)
            add_curves(r, &ranked, mlk_calibration_curve, BINS, mlk_chart_reliability, name,
                       "Reliability");
        if (here.p.predicted.n)
            add_confusion(r, &here.p, name);
    }
    free(here.memory);
}

void judge_importances(report *r, const mlk_model *pipeline, const mlk_schema *schema,
                       const mlk_data *data, const char *scoring, const char *name,
                       const char *caption)
{
    enum { REPEATS = 5, LISTED = 20 };
    const size_t p = data->X.cols;
    mlk_data rows = *data;
    const mlk_run run = {.threads = r->c->run.threads};
    if (r->status != CLI_DONE)
        return;
    if (p > MOST_COLUMNS) {
        mlk_page_text(r->page, "%zu columns are too many to shuffle one by one.", p);
        return;
    }
    /* The first rows: held-out rows stand in the table's order, which need not be random. */
    size_t *order = NULL;
    mlk_subset subset = {0};
    mlk_status st = MLK_OK;
    if (rows.X.rows > LOOKED_AT) {
        order = malloc(LOOKED_AT * sizeof *order);
        for (size_t i = 0; order && i < LOOKED_AT; i++)
            order[i] = (size_t)((double)i * (double)rows.X.rows / LOOKED_AT);
        st = order ? mlk_subset_new(data, order, LOOKED_AT, NULL, &subset) : MLK_ENOMEM;
        if (st == MLK_OK)
            rows = subset.data;
    }
    double *values = malloc((p * REPEATS + 1) * sizeof *values);
    const char **names = malloc((p + 1) * sizeof *names);
    for (size_t j = 0; names && j < p; j++)
        names[j] = mlk_schema_feature(schema, j);
    if (st == MLK_OK)
        st = values && names
                 ? mlk_permutation_importance(pipeline, &rows, scoring, REPEATS, r->c->set.seed,
                                              &run, (mlk_mat){values, p, REPEATS, REPEATS})
                 : MLK_ENOMEM;
    if (st == MLK_OK)
        report_chart_of(
            r, name, caption,
            mlk_chart_importances(scoring, names, (mlk_cmat){values, p, REPEATS, REPEATS}, LISTED),
            names, p);
    else
        mlk_page_text(r->page, "No importances: %s.", mlk_error_message(st));
    free(values);
    free(names);
    free(order);
    mlk_subset_free(&subset);
}

void judge_tree(report *r, const mlk_model *pipeline, const mlk_schema *schema, const char *name,
                const char *caption)
{
    char *dot;
    const mlk_model_file file = {.schema = (mlk_schema *)(uintptr_t)schema,
                                 .pipeline = (mlk_model *)(uintptr_t)pipeline};
    if (r->status != CLI_DONE)
        return;
    r->status = tree_dot(r->c, &file, &dot);
    if (r->status == CLI_DONE)
        report_graph(r, name, caption, dot);
    mlk_tree_text_free(dot);
}
