#include "tune.h"

#include "render.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/report/json.h>
#include <mlkit/report/text.h>

/* ------------------------------------------------------------------ the words */

static int parse_rule(const cli *c, tuning *t)
{
    static const char *const rules[] = {"min", "1se"};
    const int status = cli_check_word(c, "rule", c->set.rule, rules, 2);
    if (status == CLI_DONE && c->set.rule)
        t->path_opts.rule = strcmp(c->set.rule, "1se") == 0 ? MLK_PATH_1SE : MLK_PATH_MIN;
    return status;
}

/* Cluster models predict no target: their candidates are fitted on all rows and compared. */
static int parse_clusterings(const cli *c, const learner *l, tuning *t)
{
    const cli_settings *s = &c->set;
    if (s->cv || s->folds || s->path || s->search)
        return cli_usage(c,
                         "%s predicts no target to cross-validate; --tune alone compares its "
                         "clusterings",
                         l->algo->name);
    if (mlk_grid_new(&l->pipeline, s->tune.items, s->tune.n, &t->grid) != MLK_OK)
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    return CLI_DONE;
}

int tuning_parse(cli *c, const learner *l, tuning *t)
{
    const cli_settings *s = &c->set;
    t->wanted = s->cv || s->tune.n || s->path;
    t->folds_opts = mlk_folds_opts_default();
    t->search_opts = mlk_search_opts_default();
    t->path_opts = mlk_path_opts_default();
    t->folds_opts.seed = t->search_opts.seed = s->seed;
    t->search_opts.scoring = t->path_opts.scoring = s->scoring;
    t->search_opts.beta = t->path_opts.beta = s->beta;
    if (s->tune.n && s->path)
        return cli_usage(c, "--tune and --path exclude each other");
    if (s->search && !s->tune.n)
        return cli_usage(c, "--search chooses among the values of --tune, which is not given");
    if (s->rule && !s->path)
        return cli_usage(c, "--rule chooses a point of --path, which is not given");
    if ((s->folds || s->scoring) && !t->wanted)
        return cli_usage(c, "--folds and --scoring need --cv, --tune or --path");
    if (t->wanted && (l->algo->tasks & MLK_CLUSTERING))
        return parse_clusterings(c, l, t);
    if (t->wanted && l->algo->tasks > (MLK_REGRESSION | MLK_CLASSIFICATION))
        return cli_usage(c, "%s predicts no target to cross-validate", l->algo->name);
    const int status = cli_check_scoring(c);
    if (status != CLI_DONE)
        return status;
    if (mlk_folds_parse(s->cv, s->folds, &t->folds_opts, &t->group) != MLK_OK ||
        (s->search && mlk_search_parse(s->search, &t->search_opts) != MLK_OK))
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    if (s->tune.n && mlk_grid_new(&l->pipeline, s->tune.items, s->tune.n, &t->grid) != MLK_OK)
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    /* Parsing a value for an unknown name fails with the text that says so. */
    if (s->path && !mlk_opts_find(l->algo->opts, s->path)) {
        (void)mlk_opts_parse(l->algo->opts, l->algo->name, s->path, "", l->opts);
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    }
    return parse_rule(c, t);
}

/* ------------------------------------------------------------------- the work */

int take_groups(const cli *c, const mlk_table *table, const char *name, const mlk_dataset *dataset,
                const size_t *rows, size_t n, double **groups)
{
    size_t j;
    const mlk_status st = mlk_table_find(table, name, &j);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const mlk_column column = mlk_table_column(table, j);
    double *g = *groups = malloc((n + 1) * sizeof *g);
    if (!g)
        return cli_refuse(c, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const size_t row = mlk_dataset_row(dataset, rows ? rows[i] : i);
        g[i] = column.type == MLK_NUMERIC ? column.values[row] : (double)column.codes[row];
        if (column.type == MLK_NUMERIC ? isnan(g[i]) : column.codes[row] == MLK_MISSING_CODE)
            return cli_refuse(c, "%s:%zu: column '%s' is missing; expected a group",
                              mlk_table_name(table), mlk_table_line(table, row), name);
    }
    return CLI_DONE;
}

/* --cv alone: all metrics of the model as given, the scoring first. */
static mlk_status cross_validate(const cli *c, const learner *l, const mlk_data *train, tuning *t)
{
    const mlk_candidate candidate = {&mlk_pipeline_algo, &l->pipeline};
    const mlk_metric_task task =
        train->n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION;
    const mlk_metric *first = mlk_metric_default(task);
    if (c->set.scoring) {
        const mlk_status st = mlk_metric_find(c->set.scoring, task, train->n_classes, &first);
        if (st != MLK_OK)
            return st;
    }
    const char *const scoring[] = {first->name};
    mlk_cv_opts opts = mlk_cv_opts_default();
    opts.metrics = c->set.scoring ? scoring : NULL;
    opts.n_metrics = c->set.scoring ? 1 : 0;
    opts.beta = c->set.beta;
    opts.classes = t->classes;
    return mlk_cross_validate(&candidate, 1, train, t->folds, &opts, &c->run, &t->cv);
}

static int run_clusterings(cli *c, learner *l, const mlk_data *train, tuning *t)
{
    mlk_clusterings_opts opts = mlk_clusterings_opts_default();
    opts.scoring = c->set.scoring;
    opts.seed = c->set.seed;
    const mlk_status st = mlk_clusterings_run(t->grid, train, &opts, &c->run, &t->clusterings);
    if (st != MLK_OK)
        return cli_failed(c, st);
    l->pipeline = *mlk_grid_at(t->grid, mlk_clusterings_chosen(t->clusterings));
    return CLI_DONE;
}

int tuning_run(cli *c, learner *l, const mlk_table *table, const mlk_dataset *dataset,
               const mlk_data *train, const size_t *rows, tuning *t)
{
    if (!t->wanted)
        return CLI_DONE;
    if (l->algo->tasks & MLK_CLUSTERING)
        return run_clusterings(c, l, train, t);
    if (t->group) {
        const int status =
            take_groups(c, table, t->group, dataset, rows, train->X.rows, &t->groups);
        if (status != CLI_DONE)
            return status;
        t->folds_opts.groups = (mlk_cvec){t->groups, train->X.rows};
    }
    t->classes = class_names(mlk_dataset_schema(dataset));
    t->folds_opts.classes = t->classes;
    mlk_status st = mlk_folds_new(train, &t->folds_opts, &c->run, &t->folds);
    if (st == MLK_OK && t->grid) {
        st = mlk_search_run(t->grid, train, t->folds, &t->search_opts, &c->run, &t->search);
        if (st == MLK_OK)
            l->pipeline = *mlk_grid_at(t->grid, mlk_search_best(t->search));
    } else if (st == MLK_OK && c->set.path) {
        st = mlk_cv_path_run(&l->pipeline, c->set.path, train, t->folds, &t->path_opts, &c->run,
                             &t->path);
        if (st == MLK_OK)
            l->pipeline = *mlk_cv_path_at(t->path, mlk_cv_path_chosen(t->path));
    } else if (st == MLK_OK) {
        st = cross_validate(c, l, train, t);
    }
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

/* ----------------------------------------------------------------- the report */

void tuning_report(const tuning *t, mlk_doc *to)
{
    if (!t->wanted) {
        mlk_doc_put_null(to, "cv");
        return;
    }
    mlk_doc *cv = mlk_doc_put_map(to, "cv");
    if (t->clusterings)
        mlk_clusterings_report(t->clusterings, t->grid, cv);
    else if (t->search)
        mlk_search_report(t->search, t->grid, cv);
    else if (t->path)
        mlk_cv_path_report(t->path, cv);
    else
        mlk_cv_report(t->cv, 0, cv);
}

static void params_text(const mlk_grid *grid, size_t candidate, char *text, size_t size)
{
    enum { DIGITS = 5 };
    mlk_doc *params = mlk_doc_new();
    mlk_grid_params(grid, candidate, params);
    render_choice(params, DIGITS, text, size);
    mlk_doc_free(params);
}

/* The best candidates, by rank. */
static void print_search(const tuning *t)
{
    enum { SHOWN = 10, DIGITS = 5 };
    static const char *const titles[] = {"rank", "parameters", "mean", "sd"};
    mlk_text_table *table = mlk_text_table_new(titles, 4);
    const size_t n = mlk_search_size(t->search);
    for (size_t rank = 1; rank <= n && rank <= SHOWN; rank++)
        for (size_t i = 0; i < n; i++) {
            const mlk_trial trial = mlk_search_at(t->search, i);
            if (trial.rank != rank)
                continue;
            char text[256];
            params_text(t->grid, trial.candidate, text, sizeof text);
            mlk_text_table_number(table, (double)rank, DIGITS);
            mlk_text_table_cell(table, text);
            mlk_text_table_number(table, trial.mean, DIGITS);
            mlk_text_table_number(table, trial.sd, DIGITS);
        }
    render_table(table, 2);
    if (n > SHOWN)
        printf("  ... and %zu more (all with --json)\n", n - SHOWN);
}

static void print_path(const tuning *t)
{
    enum { STEPS = 12, DIGITS = 5 };
    static const char *const titles[] = {"value", "mean", "sd", ""};
    const size_t n = mlk_cv_path_size(t->path), best = mlk_cv_path_min(t->path);
    const size_t simplest = mlk_cv_path_1se(t->path), chosen = mlk_cv_path_chosen(t->path);
    mlk_text_table *table = mlk_text_table_new(titles, 4);
    for (size_t i = 0; i < n; i++) {
        if (i % (n / STEPS + 1) != 0 && i != best && i != simplest && i + 1 != n)
            continue;
        char note[32];
        snprintf(note, sizeof note, "%s%s%s", i == best ? "min " : "", i == simplest ? "1se " : "",
                 i == chosen ? "<- chosen" : "");
        mlk_text_table_number(table, mlk_cv_path_values(t->path).data[i], DIGITS);
        mlk_text_table_number(table, mlk_cv_path_means(t->path).data[i], DIGITS);
        mlk_text_table_number(table, mlk_cv_path_sds(t->path).data[i], DIGITS);
        mlk_text_table_cell(table, note);
    }
    render_table(table, 2);
}

static void print_clusterings(const tuning *t)
{
    enum { DIGITS = 5 };
    static const char *const titles[] = {"parameters", "clusters", "noise", "inertia", "silhouette",
                                         "gap",        "s",        "bic",   ""};
    mlk_text_table *table = mlk_text_table_new(titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < mlk_clusterings_size(t->clusterings); i++) {
        const mlk_clustering one = mlk_clusterings_at(t->clusterings, i);
        char text[256];
        params_text(t->grid, i, text, sizeof text);
        mlk_text_table_cell(table, text);
        mlk_text_table_number(table, (double)one.n_clusters, DIGITS);
        mlk_text_table_number(table, (double)one.n_noise, DIGITS);
        mlk_text_table_number(table, one.inertia, DIGITS);
        mlk_text_table_number(table, one.silhouette, DIGITS);
        mlk_text_table_number(table, one.gap, DIGITS);
        mlk_text_table_number(table, one.gap_se, DIGITS);
        mlk_text_table_number(table, one.bic, DIGITS);
        mlk_text_table_cell(table, i == mlk_clusterings_chosen(t->clusterings) ? "<- chosen" : "");
    }
    printf("\nclusterings, chosen by %s\n", mlk_clusterings_scoring(t->clusterings));
    render_table(table, 2);
    printf("\n");
}

void tuning_print(const tuning *t)
{
    enum { DIGITS = 5 };
    static const char *const titles[] = {"metric", "mean", "sd"};
    if (!t->wanted)
        return;
    if (t->clusterings) {
        print_clusterings(t);
        return;
    }
    const mlk_cv *cv = t->search ? mlk_search_cv(t->search)
                       : t->path ? mlk_cv_path_cv(t->path)
                                 : t->cv;
    printf("\ncross-validation, %zu folds by %s\n", mlk_folds_count(t->folds),
           mlk_cv_metric(cv, 0)->name);
    if (t->search)
        print_search(t);
    if (t->path)
        print_path(t);
    mlk_text_table *table = mlk_text_table_new(titles, 3);
    for (size_t m = 0; m < mlk_cv_metrics(cv); m++) {
        const mlk_cv_summary s = mlk_cv_summarise(cv, 0, m);
        mlk_text_table_cell(table, mlk_cv_metric(cv, m)->name);
        mlk_text_table_number(table, s.mean, DIGITS);
        mlk_text_table_number(table, s.sd, DIGITS);
    }
    render_table(table, 2);
    printf("\n");
}

void tuning_free(tuning *t)
{
    mlk_cv_free(t->cv);
    mlk_cv_path_free(t->path);
    mlk_search_free(t->search);
    mlk_clusterings_free(t->clusterings);
    mlk_grid_free(t->grid);
    mlk_folds_free(t->folds);
    free(t->groups);
    free(t->classes);
    *t = (tuning){0};
}
