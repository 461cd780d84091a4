#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/preprocess/model_file.h>

#include "eval.h"
#include "render.h"
#include "report.h"

/* The document that --json prints, all but the evaluation's own part. */
static mlk_doc *head(const cli *c, const char *model, const char *task, size_t rows)
{
    mlk_doc *doc = mlk_doc_new();
    mlk_doc_put_text(doc, "tool", c->tool->name);
    mlk_doc_put_text(doc, "version", mlk_version());
    mlk_doc_put_text(doc, "model", model);
    mlk_doc_put_text(doc, "task", task);
    mlk_doc_put_int(doc, "rows", (int64_t)rows);
    return doc;
}

/* The picture of --plot. */
static int draw(cli *c, const verdict *v)
{
    const char *what = v->model ? v->model : "predictions";
    picture pic = {.n = 0};
    char title[512];
    int status = CLI_DONE;
    if (!c->set.plot)
        return CLI_DONE;
    if (v->drawn && v->predictions->task == MLK_METRIC_CLUSTERING)
        status = draw_rows(c, v->drawn, NULL, &pic);
    draw_predictions(v->predictions, v->evaluation, &pic);
    snprintf(title, sizeof title, "%s%s%s", what, v->target ? " of " : "",
             v->target ? v->target : "");
    if (status == CLI_DONE)
        status = picture_make(c, &pic, title, what);
    if (status == CLI_DONE)
        status = picture_save(c, &pic);
    picture_free(&pic);
    return status;
}

static int print(cli *c, const verdict *v)
{
    if (cli_strict(c) != CLI_DONE || draw(c, v) != CLI_DONE || eval_report(c, v) != CLI_DONE)
        return CLI_REFUSED;
    if (c->set.json) {
        mlk_doc *doc = head(c, v->model, v->task, v->rows);
        mlk_doc *curves = mlk_evaluation_report(v->evaluation, v->classes, doc);
        if (v->boosting)
            boosting_put(v->boosting, curves);
        if (v->importances)
            importances_put(v->importances, doc);
        if (v->drifts) {
            mlk_doc *list = mlk_doc_put_list(doc, "drift");
            for (size_t j = 0; j < v->n_drifts; j++)
                mlk_drift_report(&v->drifts[j], v->columns[j], mlk_doc_put_map(list, NULL));
        } else {
            mlk_doc_put_null(doc, "drift");
        }
        const int status = cli_write_json(c, doc);
        mlk_doc_free(doc);
        return status;
    }
    if (c->set.quiet)
        return CLI_DONE;
    static const char *const titles[] = {"value"};
    if (v->model)
        printf("%s: %s, %zu rows\n", v->model, v->task, v->rows);
    else
        printf("%s, %zu rows\n", v->task, v->rows);
    render_metrics(titles, &v->evaluation, 1);
    if (v->k) {
        printf("\n");
        render_confusion(v->evaluation, v->classes, v->k);
    }
    if (v->boosting)
        boosting_print(v->boosting);
    if (v->importances)
        importances_print(v->importances);
    return CLI_DONE;
}

/* ------------------------------------------------------------ a model's predictions */

/* How the new data differ from the training data; nothing where the file has no profile. */
static int look_for_drift(cli *c, const mlk_model_file *file, const mlk_data *data, verdict *v,
                          mlk_drift **drifts, const char ***names)
{
    const size_t p = mlk_schema_n_features(file->schema);
    if (!file->profile)
        return CLI_DONE;
    v->n_drifts = mlk_profile_cols(file->profile);
    *drifts = malloc(v->n_drifts * sizeof **drifts);
    *names = malloc((p + 1) * sizeof **names);
    if (!*drifts || !*names)
        return cli_refuse(c, "out of memory");
    for (size_t j = 0; j < p; j++)
        (*names)[j] = mlk_schema_feature(file->schema, j);
    (*names)[p] = mlk_schema_target(file->schema);
    v->drifts = *drifts;
    v->columns = *names;
    const mlk_status st = mlk_profile_compare(file->profile, data, *names, &c->run, *drifts);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

static int judge_model(cli *c, const mlk_model_file *file, const mlk_table *table)
{
    mlk_dataset *dataset;
    const mlk_status st = mlk_dataset_apply(file->schema, table, true, &c->run, &dataset);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const mlk_data data = mlk_dataset_data(dataset);
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(file->pipeline));
    mlk_evaluate_opts opts = mlk_evaluate_opts_default();
    outcome o;
    opts.beta = c->set.beta;
    opts.seed = c->set.seed;
    opts.baseline = file->baseline;
    int status = outcome_make(c, file->pipeline, file->schema, &data, &opts, true, &o);
    if (status == CLI_DONE && !o.evaluation)
        status = cli_refuse(c, "%s makes no predictions to judge", algo->name);
    const char **classes = class_names(file->schema), **names = NULL;
    mlk_drift *drifts = NULL;
    boosting_curves boosting = {.loss = NULL};
    importances shuffled = {.mean = NULL};
    verdict v = {.model = algo->name,
                 .task = mlk_task_name(mlk_task_of(algo, file->schema)),
                 .rows = data.X.rows,
                 .evaluation = o.evaluation,
                 .classes = classes,
                 .k = mlk_schema_n_classes(file->schema),
                 .target = mlk_schema_target(file->schema),
                 .boosting = &boosting,
                 .importances = &shuffled};
    const mlk_predictions judged =
        outcome_predictions(&o, file->pipeline, file->schema, &data, classes);
    size_t *rows = dataset_rows(dataset);
    const drawn_rows drawn = {file->pipeline, file->schema, data, table, rows};
    v.predictions = &judged;
    v.drawn = &drawn;
    v.table = table;
    if (status == CLI_DONE && !rows)
        status = cli_refuse(c, "out of memory");
    if (status == CLI_DONE)
        status = look_for_drift(c, file, &data, &v, &drifts, &names);
    if (status == CLI_DONE)
        status = boosting_make(c, file, &data, &boosting);
    if (status == CLI_DONE)
        status = importances_make(c, file, &data, &shuffled);
    if (status == CLI_DONE)
        status = print(c, &v);
    boosting_free(&boosting);
    importances_free(&shuffled);
    free(rows);
    free(drifts);
    free(names);
    free(classes);
    outcome_free(&o);
    mlk_dataset_free(dataset);
    return status;
}

static int eval_model(cli *c)
{
    mlk_model_file file;
    mlk_table *table = NULL;
    const mlk_status st = mlk_model_file_read(c->args[0], &file);
    if (st != MLK_OK)
        return cli_failed(c, st);
    int status = cli_read_table(c, c->args[1], &table);
    if (status == CLI_DONE)
        status = judge_model(c, &file, table);
    mlk_table_free(table);
    mlk_model_file_close(&file);
    return status;
}

/* ----------------------------------------------------- predictions made by anything */

/* Everything taken from the predictions table; all freed by given_free(). */
typedef struct given {
    mlk_dataset *dataset; /* of the truth and the weights */
    double *predicted, *scores;
    size_t n_scores;
    const char **classes;
} given;

static void given_free(given *g)
{
    mlk_dataset_free(g->dataset);
    free(g->predicted);
    free(g->scores);
    free(g->classes);
}

/* The class number of a label among the truth's classes; NaN for none. */
static double class_of(const given *g, size_t k, const char *label)
{
    for (size_t i = 0; i < k; i++)
        if (strcmp(g->classes[i], label) == 0)
            return (double)i;
    return (double)NAN;
}

/* A numeric column's values at the dataset's rows. */
static int take_numbers(cli *c, const mlk_table *table, const char *name, const given *g,
                        double *to, size_t stride)
{
    size_t j;
    const mlk_status st = mlk_table_find(table, name, &j);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const mlk_column column = mlk_table_column(table, j);
    if (column.type != MLK_NUMERIC)
        return cli_refuse(c, "%s: column '%s' is text; expected numbers", mlk_table_name(table),
                          name);
    const size_t n = mlk_dataset_data(g->dataset).X.rows;
    for (size_t i = 0; i < n; i++) {
        const size_t row = mlk_dataset_row(g->dataset, i);
        to[i * stride] = column.values[row];
        if (isnan(to[i * stride]))
            return cli_refuse(c, "%s:%zu: column '%s' is missing; expected a number",
                              mlk_table_name(table), mlk_table_line(table, row), name);
    }
    return CLI_DONE;
}

static int take_labels(cli *c, const mlk_table *table, const char *name, given *g, size_t k)
{
    size_t j;
    const mlk_status st = mlk_table_find(table, name, &j);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const mlk_column column = mlk_table_column(table, j);
    const size_t n = mlk_dataset_data(g->dataset).X.rows;
    for (size_t i = 0; i < n; i++) {
        const size_t row = mlk_dataset_row(g->dataset, i);
        char number[64] = "";
        const char *label = number;
        if (column.type == MLK_CATEGORICAL && column.codes[row] != MLK_MISSING_CODE)
            label = column.levels[column.codes[row]];
        else if (column.type == MLK_NUMERIC && !isnan(column.values[row]))
            snprintf(number, sizeof number, "%.17g", column.values[row]);
        g->predicted[i] = class_of(g, k, label);
        /* 1 and 1.0 are the same class of numbers. */
        for (size_t m = 0; column.type == MLK_NUMERIC && isnan(g->predicted[i]) && m < k; m++)
            if (strtod(g->classes[m], NULL) == column.values[row])
                g->predicted[i] = (double)m;
        if (isnan(g->predicted[i]))
            return cli_refuse(c, "%s:%zu: column '%s' holds '%s'; expected a class of '%s'",
                              mlk_table_name(table), mlk_table_line(table, row), name, label,
                              c->set.truth);
    }
    return CLI_DONE;
}

/* The names of a comma-separated list, one after the other in `name`. */
static const char *next_name(const char *list, char *name, size_t size)
{
    const size_t n = strcspn(list, ",");
    snprintf(name, size, "%.*s", (int)n, list);
    return list[n] ? list + n + 1 : NULL;
}

static int take_scores(cli *c, const mlk_table *table, given *g, size_t n, size_t k)
{
    const char *list = c->set.score ? c->set.score : c->set.scores;
    g->n_scores = 1;
    for (const char *p = c->set.score ? "" : list; *p; p++)
        g->n_scores += *p == ',';
    if (c->set.score ? k != 2 : g->n_scores != k)
        return cli_refuse(c, "%zu score columns for %zu classes; expected %s", g->n_scores, k,
                          k == 2 ? "--score COL of the positive class, or one a class"
                                 : "--scores with one a class, in class order");
    g->scores = malloc((n * g->n_scores + 1) * sizeof *g->scores);
    if (!g->scores)
        return cli_refuse(c, "out of memory");
    int status = CLI_DONE;
    for (size_t m = 0; status == CLI_DONE && m < g->n_scores; m++) {
        char name[256];
        if (c->set.score)
            snprintf(name, sizeof name, "%s", list);
        else
            list = next_name(list, name, sizeof name);
        status = take_numbers(c, table, name, g, g->scores + m, g->n_scores);
    }
    return status;
}

static int judge_given(cli *c, const mlk_table *table, given *g)
{
    const mlk_data data = mlk_dataset_data(g->dataset);
    const mlk_schema *schema = mlk_dataset_schema(g->dataset);
    const size_t n = data.X.rows, k = data.n_classes;
    g->classes = class_names(schema);
    g->predicted = malloc((n + 1) * sizeof *g->predicted);
    if (!g->predicted || (k && !g->classes))
        return cli_refuse(c, "out of memory");
    int status = CLI_DONE;
    if (c->set.predicted)
        status = k ? take_labels(c, table, c->set.predicted, g, k)
                   : take_numbers(c, table, c->set.predicted, g, g->predicted, 1);
    if (status == CLI_DONE && (c->set.score || c->set.scores)) {
        if (!k)
            return cli_refuse(c, "--score is for classes, but '%s' holds numbers", c->set.truth);
        status = take_scores(c, table, g, n, k);
    }
    if (status != CLI_DONE)
        return status;
    mlk_predictions p = {.task = k ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION,
                         .n_classes = k,
                         .truth = data.y,
                         .w = data.w,
                         .classes = g->classes};
    if (c->set.predicted)
        p.predicted = (mlk_cvec){g->predicted, n};
    if (g->scores) {
        p.scores = (mlk_cmat){g->scores, n, g->n_scores, g->n_scores};
        if (mlk_are_probabilities(p.scores))
            p.probabilities = p.scores;
    }
    mlk_evaluate_opts opts = mlk_evaluate_opts_default();
    mlk_evaluation *evaluation;
    opts.beta = c->set.beta;
    opts.seed = c->set.seed;
    const mlk_status st = mlk_evaluate(&p, &opts, &c->run, &evaluation);
    if (st != MLK_OK)
        return cli_failed(c, st);
    status = print(c, &(verdict){.task = k ? "classification" : "regression",
                                 .rows = n,
                                 .evaluation = evaluation,
                                 .classes = g->classes,
                                 .k = k,
                                 .target = c->set.truth,
                                 .predictions = &p,
                                 .table = table});
    mlk_evaluation_free(evaluation);
    return status;
}

static int eval_given(cli *c)
{
    if (!c->set.truth)
        return cli_usage(c, "--predictions needs --truth COL");
    if (!c->set.predicted && !c->set.score && !c->set.scores)
        return cli_usage(c, "--predictions needs --predicted COL, --score COL or --scores A,B,...");
    if (c->set.score && c->set.scores)
        return cli_usage(c, "--score and --scores exclude each other");
    mlk_table *table;
    given g = {0};
    int status = cli_read_table(c, c->set.predictions, &table);
    if (status == CLI_DONE) {
        /* Scores belong to classes, whatever the labels look like. */
        mlk_roles roles = {.target = c->set.truth,
                           .weights = c->set.roles.weights,
                           .positive = c->set.roles.positive,
                           .task = c->set.roles.task};
        if (!roles.task && (c->set.score || c->set.scores))
            roles.task = "classification";
        const mlk_status st = mlk_dataset_new(table, &roles, &c->run, &g.dataset);
        status = st == MLK_OK ? judge_given(c, table, &g) : cli_failed(c, st);
    }
    given_free(&g);
    mlk_table_free(table);
    return status;
}

static int eval_main(cli *c)
{
    int status = picture_check(c);
    if (status == CLI_DONE)
        status = report_check(c);
    if (status != CLI_DONE)
        return status;
    if (c->set.predictions) {
        if (c->n_args)
            return cli_usage(c, "--predictions takes no model file; found '%s'", c->args[0]);
        if (c->set.importances)
            return cli_usage(c, "--importances needs a model; --predictions has none");
        return eval_given(c);
    }
    if (c->set.roles.task)
        return cli_usage(c, "--task is for --predictions; a model knows its task");
    if (c->n_args != 2)
        return cli_arguments(c, "MODEL.mlk DATA.csv");
    return eval_model(c);
}

const cli_tool eval_tool = {
    .bit = CLI_EVAL,
    .name = "mlkit-eval",
    .brief = "say how good a model's predictions are",
    .synopsis = "mlkit-eval MODEL.mlk [options] DATA.csv\n"
                "       mlkit-eval --predictions FILE.csv --truth COL [--predicted COL] "
                "[--score COL] [options]",
    .summary = "Apply a saved model to a labelled table, or take predictions made by anything, and "
               "say how good they are: every metric with a 95 % interval and beside the baseline "
               "that predicts the training mean or the most frequent class.",
    .examples = "  mlkit-eval flowers.mlk new.csv\n"
                "  mlkit-eval flowers.mlk --plot curves.svg new.csv\n"
                "  mlkit-eval flowers.mlk --report flowers.html new.csv\n"
                "  mlkit-eval flowers.mlk --importances new.csv\n"
                "  mlkit-eval --predictions scored.csv --truth y --score p --json\n",
    .main = eval_main,
};
