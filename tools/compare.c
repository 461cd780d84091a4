#include "compare.h"

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/core/file.h>

#include "report.h"
#include "tune.h"

/* An interrupted run has printed what was finished; this tells it from a whole one. */
enum { CLI_INTERRUPTED = 130 };

/* ------------------------------------------------------------------ interrupts */

static atomic_bool stop;

static void on_interrupt(int signal)
{
    (void)signal;
    atomic_store(&stop, true);
}

static bool interrupted(void *user)
{
    (void)user;
    return atomic_load(&stop);
}

/* The first Ctrl-C ends the work, the second the program. */
static void listen(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

/* -------------------------------------------------------- one bar for all tables */

typedef struct leg {
    cli *c;
    const tournament *t;
    size_t index;
} leg;

static void leg_progress(void *user, double done)
{
    const leg *l = user;
    l->c->run.progress(l->c->run.user, ((double)l->index + done) / (double)l->t->n);
}

/* With several tables a warning says which one it is about. */
static void leg_warn(void *user, const char *line)
{
    const leg *l = user;
    char text[600];
    if (l->t->n > 1 && strncmp(line, "note: ", 6) != 0) {
        snprintf(text, sizeof text, "%s: %s", mlk_table_name(l->t->contests[l->index].table), line);
        line = text;
    }
    l->c->run.warn(l->c->run.user, line);
}

static mlk_run leg_run(leg *l)
{
    return (mlk_run){.threads = l->c->run.threads,
                     .progress = l->c->run.progress ? leg_progress : NULL,
                     .warn = leg_warn,
                     .cancelled = interrupted,
                     .user = l};
}

/* ------------------------------------------------------------------ the words */

static int parse(cli *c, tournament *t)
{
    const cli_settings *s = &c->set;
    t->folds_opts = mlk_folds_opts_default();
    t->search_opts = mlk_search_opts_default();
    t->folds_opts.seed = t->search_opts.seed = s->seed;
    t->search_opts.scoring = s->scoring;
    t->search_opts.beta = s->beta;
    if (c->n_args == 0)
        return cli_usage(c, "no table is given; expected DATA.csv (see --help)");
    if (!s->roles.target)
        return cli_usage(c, "-t TARGET is missing: the column to predict");
    if (s->json && s->csv)
        return cli_usage(c, "--json and --csv exclude each other");
    if (s->save_best && c->n_args > 1)
        return cli_usage(c, "--save-best fits one model on one table; found %zu tables", c->n_args);
    if (mlk_folds_parse(s->cv, s->folds, &t->folds_opts, &t->group) != MLK_OK ||
        (s->search && mlk_search_parse(s->search, &t->search_opts) != MLK_OK))
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    const char *curve = s->validation_curve;
    if (curve && strcspn(curve, ".") > strcspn(curve, "="))
        return cli_usage(c, "--validation-curve '%s' is not valid; expected MODEL.NAME=V1:V2...",
                         curve);
    if (s->threshold && mlk_threshold_parse(s->threshold, s->beta, &t->threshold) != MLK_OK)
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    if (t->folds_opts.kind == MLK_FOLDS_LOO && (s->learning_curve || curve))
        return cli_usage(c, "curves need folds; --cv loo has one value a metric");
    const int status = cli_check_scoring(c);
    if (status != CLI_DONE || !s->models.n)
        return status;
    contest words = {0};
    const int made = entrants_make(c, t, false, &words);
    entrants_free(&words);
    return made;
}

/* Names of the targets: one for all tables, or a list with one a table. */
static int take_targets(cli *c, tournament *t, char *list)
{
    size_t n = 1;
    for (const char *p = list; *p; p++)
        n += *p == ',';
    if (t->n == 1 || n == 1)
        n = 0; /* as it stands */
    if (n && n != t->n)
        return cli_usage(c, "-t names %zu columns for %zu tables; expected one, or one a table", n,
                         t->n);
    for (size_t i = 0; i < t->n; i++) {
        t->contests[i].target = list;
        if (n) {
            list += strcspn(list, ",");
            if (*list)
                *list++ = '\0';
        }
    }
    return CLI_DONE;
}

/* ------------------------------------------------------------------ the tables */

static int load(cli *c, tournament *t, size_t i, const char *task)
{
    contest *of = &t->contests[i];
    leg l = {c, t, i};
    const int status = cli_read_table(c, c->args[i], &of->table);
    if (status != CLI_DONE)
        return status;
    mlk_roles roles = c->set.roles;
    mlk_run run = leg_run(&l);
    run.cancelled = NULL;
    roles.target = of->target;
    roles.task = task;
    const mlk_status st = mlk_dataset_new(of->table, &roles, &run, &of->dataset);
    if (st != MLK_OK)
        return cli_failed(c, st);
    of->data = mlk_dataset_data(of->dataset);
    if ((of->data.n_classes > 0) != (t->contests[0].data.n_classes > 0))
        return cli_refuse(c, "%s: %s, but %s: %s; expected tables of one task (see --task)",
                          mlk_table_name(of->table),
                          of->data.n_classes ? "classification" : "regression",
                          mlk_table_name(t->contests[0].table),
                          of->data.n_classes ? "regression" : "classification");
    return entrants_make(c, t, of->data.n_classes > 0, of);
}

static int make_folds(cli *c, tournament *t, contest *of, const mlk_run *run)
{
    mlk_folds_opts o = t->folds_opts;
    if (t->group) {
        const int status =
            take_groups(c, of->table, t->group, of->dataset, NULL, of->data.X.rows, &of->groups);
        if (status != CLI_DONE)
            return status;
        o.groups = (mlk_cvec){of->groups, of->data.X.rows};
    }
    o.classes = of->classes = class_names(mlk_dataset_schema(of->dataset));
    const mlk_status st = mlk_folds_new(&of->data, &o, run, &of->folds);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

/* ---------------------------------------------------------------- the comparison */

static int run_curve(cli *c, tournament *t, contest *of, const mlk_run *run)
{
    const char *scoring = mlk_cv_metric(mlk_comparison_cv(of->comparison), 0)->name;
    mlk_run quiet = *run; /* the bar has been full */
    quiet.progress = NULL;
    const mlk_status st =
        mlk_validation_curve(of->values, &of->data, of->folds, scoring, &quiet, &of->validation);
    t->interrupted |= st == MLK_ECANCELLED;
    return st == MLK_OK || t->interrupted ? CLI_DONE : cli_failed(c, st);
}

static int run_contest(cli *c, tournament *t, size_t i)
{
    contest *of = &t->contests[i];
    leg l = {c, t, i};
    const mlk_run run = leg_run(&l);
    mlk_comparison_opts o = mlk_comparison_opts_default();
    o.scoring = c->set.scoring;
    o.beta = c->set.beta;
    o.seed = c->set.seed;
    o.classes = of->classes;
    o.partial = true;
    o.learning_curve = c->set.learning_curve;
    o.bootstrap = (size_t)c->set.bootstrap;
    o.threshold = c->set.threshold ? &t->threshold : NULL;
    const mlk_status st =
        mlk_comparison_run(of->contenders, of->n, &of->data, of->folds, &o, &run, &of->comparison);
    if (st != MLK_OK)
        return cli_failed(c, st);
    t->interrupted |= mlk_comparison_interrupted(of->comparison);
    t->finished++;
    return of->values && !t->interrupted ? run_curve(c, t, of, &run) : CLI_DONE;
}

/* Friedman's test, and for two models Wilcoxon's. */
static mlk_status test_over_tables(tournament *t, const mlk_comparison **all)
{
    enum { FEW_TABLES = 5 };
    for (size_t i = 0; i < t->n; i++)
        all[i] = t->contests[i].comparison;
    const mlk_status st =
        mlk_comparison_friedman(all, t->n, 0.05, t->ranked, &t->n_ranked, &t->friedman);
    if (st != MLK_OK || t->contests[0].n != 2 || t->n_ranked != 3 || t->n < FEW_TABLES)
        return st;
    return mlk_comparison_wilcoxon(all, t->n, 1, 2, &t->wilcoxon);
}

static int run_over_tables(cli *c, tournament *t)
{
    const mlk_comparison **all = calloc(t->n, sizeof *all);
    t->ranked = calloc(mlk_comparison_size(t->contests[0].comparison), sizeof *t->ranked);
    if (!all || !t->ranked) {
        free(all);
        return cli_refuse(c, "out of memory");
    }
    const mlk_status st = test_over_tables(t, all);
    free(all);
    if (st == MLK_EINVAL) {
        char text[512];
        snprintf(text, sizeof text, "no test over the tables: %s", mlk_error_message(st));
        cli_warn(c, text);
        return CLI_DONE;
    }
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

static int run_all(cli *c, tournament *t)
{
    int status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < t->n; i++) {
        leg l = {c, t, i};
        const mlk_run run = leg_run(&l);
        status = make_folds(c, t, &t->contests[i], &run);
    }
    listen();
    for (size_t i = 0; status == CLI_DONE && i < t->n && !t->interrupted; i++)
        status = run_contest(c, t, i);
    if (status != CLI_DONE || t->n < 2 || t->interrupted)
        return status;
    return run_over_tables(c, t);
}

/* -------------------------------------------------------------------- the best */

static int save_best(cli *c, const tournament *t)
{
    const contest *of = &t->contests[0];
    const mlk_schema *schema = mlk_dataset_schema(of->dataset);
    const size_t best = mlk_comparison_best(of->comparison);
    if (best == SIZE_MAX)
        return cli_refuse(c, "no model could be fitted in every fold; there is none to save");
    if (mlk_comparison_at(of->comparison, best)->standing.rank != 1)
        cli_warn(c, "no model is better than the baseline; the best of them is saved");
    if (cli_strict(c) != CLI_DONE)
        return CLI_REFUSED;
    mlk_model *model;
    mlk_run run = c->run;
    run.progress = NULL;
    const mlk_status st = mlk_comparison_refit(of->comparison, best, &of->data, &run, &model);
    const int status = st == MLK_OK ? learner_save(c, c->set.save_best, schema,
                                                   mlk_comparison_pipeline(model), &of->data)
                                    : cli_failed(c, st);
    mlk_model_free(model);
    return status;
}

static int print(const cli *c, const tournament *t)
{
    if (c->set.json)
        return compare_json(c, t);
    if (c->set.csv)
        return compare_csv(c, t);
    if (!c->set.quiet)
        compare_text(c, t);
    return CLI_DONE;
}

static int work(cli *c, tournament *t, char *targets)
{
    const char *task;
    int status = parse(c, t);
    if (status == CLI_DONE)
        status = report_check(c);
    if (status == CLI_DONE)
        status = entrants_task(c, &task);
    if (status != CLI_DONE)
        return status;
    t->contests = calloc(c->n_args, sizeof *t->contests);
    if (!t->contests)
        return cli_refuse(c, "out of memory");
    t->n = c->n_args;
    status = take_targets(c, t, targets);
    for (size_t i = 0; status == CLI_DONE && i < t->n; i++)
        status = load(c, t, i, task);
    if (status == CLI_DONE)
        status = run_all(c, t);
    if (status == CLI_DONE && !t->interrupted)
        status = cli_strict(c);
    if (status == CLI_DONE && c->set.save_best && !t->interrupted)
        status = save_best(c, t);
    if (status == CLI_DONE && !t->interrupted)
        status = compare_report(c, t);
    if (status == CLI_DONE)
        status = print(c, t);
    if (status == CLI_DONE && t->interrupted) {
        fprintf(stderr, "%s: interrupted: what was finished is printed%s\n", c->tool->name,
                c->set.save_best || report_wanted(c) ? "; nothing is saved" : "");
        status = CLI_INTERRUPTED;
    }
    return status;
}

static int compare_main(cli *c)
{
    tournament t = {.wilcoxon = {.p = (double)NAN}};
    char *targets = c->set.roles.target ? strdup(c->set.roles.target) : NULL;
    const int status = work(c, &t, targets);
    for (size_t i = 0; i < t.n; i++) {
        contest *of = &t.contests[i];
        mlk_comparison_free(of->comparison);
        mlk_score_curve_free(&of->validation);
        entrants_free(of);
        mlk_folds_free(of->folds);
        free(of->classes);
        free(of->groups);
        mlk_dataset_free(of->dataset);
        mlk_table_free(of->table);
    }
    mlk_friedman_free(t.friedman);
    free(t.ranked);
    free(t.contests);
    free(targets);
    return status;
}

const cli_tool compare_tool = {
    .bit = CLI_COMPARE,
    .name = "mlkit-compare",
    .brief = "find the best model for a table",
    .synopsis = "mlkit-compare -t TARGET [-m MODEL[:name=value,...]]... [options] DATA.csv...",
    .summary =
        "Which model, by how much, and is it luck? Cross-validate many models on the same folds "
        "of a table, beside a baseline that looks at no column, and rank them: the mean of the "
        "scoring with its 95 % interval, the difference to the best with a p-value that knows "
        "that folds overlap (corrected resampled t-test) and that many models were tried (Holm), "
        "the seconds, the size. Without -m a sensible set for the task takes part. With several "
        "tables, mean ranks and Friedman's test say which model is best over all (of two models "
        "on five tables or more Wilcoxon's signed ranks too). Five folds are quick, and the test "
        "on few splits is cautious (10x3 errs in 3.1 to 4.3 % instead of 5). For a verdict take "
        "--cv 10x10; where full trees, neighbours or kernels take part, --cv 2x5.",
    .examples =
        "  mlkit-compare -t diagnosis breast_cancer.csv\n"
        "  mlkit-compare -t diagnosis --report which.html breast_cancer.csv\n"
        "  mlkit-compare -t price --cv 10x10 --scoring rmse diamonds10k.csv\n"
        "  mlkit-compare -t y -m ridge:alpha=0.1 -m forest:n_estimators=300 --save-best m.mlk "
        "a.csv\n"
        "  mlkit-compare -t y -m ridge:alpha=1e-3..1e3/7log -m knn:n_neighbors=1:5:25 a.csv\n"
        "  mlkit-compare -t species,diagnosis --tune auto iris.csv breast_cancer.csv\n",
    .main = compare_main,
};
