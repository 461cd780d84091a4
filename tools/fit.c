#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mlkit/data/split.h>
#include <mlkit/preprocess/model_file.h>

#include "clean.h"
#include "draw.h"
#include "learn.h"
#include "map.h"
#include "render.h"
#include "show_rules.h"
#include "tune.h"

/* One run of mlkit-fit: filled from the top down, freed as a whole. */
typedef struct session {
    learner learner;
    mlk_table *table, *test_table;
    mlk_dataset *dataset, *test_dataset;
    mlk_subset train_rows, test_rows; /* of --test FRACTION */
    size_t *rows;                     /* ... and which they are */
    mlk_data train, test;             /* test.X.rows 0: none */
    cleaning cleaning;
    tuning tuning;
    mlk_model *model;
    outcome train_outcome, test_outcome;
    map_verdict train_map, test_map; /* of a transform */
    double seconds;
    mlk_doc *report;
    picture picture;
} session;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Unsupervised models ignore a target that is not given; the others need one. */
static int check_target(const cli *c, const mlk_algo *algo)
{
    const bool supervised = !(algo->tasks & ~(unsigned)(MLK_REGRESSION | MLK_CLASSIFICATION));
    if (supervised && !c->set.roles.target)
        return cli_usage(c, "%s needs -t TARGET, the column to predict", algo->name);
    return CLI_DONE;
}

/* A model of one task decides alone. */
static const char *task_of(const cli *c, const mlk_algo *algo)
{
    const unsigned both = algo->tasks & (MLK_REGRESSION | MLK_CLASSIFICATION);
    if (c->set.roles.task || both == (MLK_REGRESSION | MLK_CLASSIFICATION) || !both)
        return c->set.roles.task;
    return mlk_task_name(both);
}

static int check_rules(const cli *c, const mlk_algo *algo)
{
    const cli_settings *set = &c->set;
    if (set->csv && algo->tasks != MLK_RULES)
        return cli_usage(c, "--csv is for rules; %s finds none", algo->name);
    if (set->csv && set->json)
        return cli_usage(c, "--json and --csv exclude each other");
    if (!set->baskets)
        return CLI_DONE;
    if (algo->tasks != MLK_RULES)
        return cli_usage(c, "--baskets is for rules; %s finds none", algo->name);
    if (strlen(set->baskets) != 1)
        return cli_usage(c, "--baskets '%s' is not one character", set->baskets);
    if (set->roles.target)
        return cli_usage(c, "--baskets and -t exclude each other");
    return CLI_DONE;
}

/* The lists in the cells of --baskets to rows, those of a basket with its number as target. */
static int itemise(cli *c, session *s, mlk_roles *roles)
{
    mlk_table *items;
    if (!c->set.baskets)
        return CLI_DONE;
    const mlk_status st = mlk_table_itemise(s->table, c->set.baskets[0], "basket", &items);
    if (st != MLK_OK)
        return cli_failed(c, st);
    mlk_table_free(s->table);
    s->table = items;
    roles->target = "basket";
    roles->task = "regression"; /* numbers, which are only compared */
    return CLI_DONE;
}

static int load(cli *c, session *s)
{
    mlk_roles roles = c->set.roles;
    roles.task = task_of(c, s->learner.algo);
    int status = cli_read_table(c, c->args[1], &s->table);
    if (status == CLI_DONE)
        status = itemise(c, s, &roles);
    if (status != CLI_DONE)
        return status;
    const mlk_status st = mlk_dataset_new(s->table, &roles, &c->run, &s->dataset);
    if (st != MLK_OK)
        return cli_failed(c, st);
    s->train = mlk_dataset_data(s->dataset);
    return learner_names(c, mlk_dataset_schema(s->dataset), &s->learner);
}

/* Rows of a fraction, held out. */
static int hold_out(cli *c, session *s, double fraction)
{
    const size_t n = s->train.X.rows;
    const mlk_data all = s->train;
    size_t n_train, *rows = s->rows = malloc(n * sizeof *rows);
    if (!rows)
        return cli_refuse(c, "out of memory");
    mlk_status st = mlk_split_holdout(&all, fraction, c->set.seed, rows, &n_train);
    if (st == MLK_OK)
        st = mlk_subset_new(&all, rows, n_train, &c->run, &s->train_rows);
    if (st == MLK_OK)
        st = mlk_subset_new(&all, rows + n_train, n - n_train, &c->run, &s->test_rows);
    if (st != MLK_OK)
        return cli_failed(c, st);
    s->train = s->train_rows.data;
    s->test = s->test_rows.data;
    return CLI_DONE;
}

static int load_test(cli *c, session *s)
{
    const char *test = c->set.test;
    char *end;
    if (!test)
        return CLI_DONE;
    const double fraction = strtod(test, &end);
    if (end != test && !*end) {
        if (!(fraction > 0.0 && fraction < 1.0))
            return cli_usage(c, "--test %s is outside (0, 1)", test);
        return hold_out(c, s, fraction);
    }
    const int status = cli_read_table(c, test, &s->test_table);
    if (status != CLI_DONE)
        return status;
    const mlk_status st = mlk_dataset_apply(mlk_dataset_schema(s->dataset), s->test_table, true,
                                            &c->run, &s->test_dataset);
    if (st != MLK_OK)
        return cli_failed(c, st);
    s->test = mlk_dataset_data(s->test_dataset);
    return CLI_DONE;
}

static int learn(cli *c, session *s)
{
    int status = cleaning_run(c, &s->learner, s->dataset, s->rows, &s->train, &s->cleaning);
    if (status == CLI_DONE)
        status = tuning_run(c, &s->learner, s->table, s->dataset, &s->train, s->rows, &s->tuning);
    if (status != CLI_DONE)
        return status;
    const double start = now();
    status = learner_fit(c, &s->learner, &s->train, &s->model);
    s->seconds = now() - start;
    return status;
}

static int judge_map(cli *c, session *s)
{
    if (s->learner.algo->tasks != MLK_TRANSFORM)
        return CLI_DONE;
    int status = map_judge(c, s->model, &s->train, true, &s->train_map);
    if (status == CLI_DONE && s->test.X.rows)
        status = map_judge(c, s->model, &s->test, false, &s->test_map);
    return status;
}

static int judge(cli *c, session *s)
{
    const mlk_schema *schema = mlk_dataset_schema(s->dataset);
    mlk_evaluate_opts opts = mlk_evaluate_opts_default();
    double baseline_values[1];
    double *baseline = s->train.n_classes ? calloc(s->train.n_classes, sizeof *baseline) : NULL;
    opts.beta = c->set.beta;
    opts.seed = c->set.seed;
    opts.intervals = opts.curves = false;
    int status =
        outcome_make(c, s->model, schema, &s->train, &opts, s->test.X.rows == 0, &s->train_outcome);
    if (status == CLI_DONE && s->test.X.rows) {
        opts.intervals = true;
        const mlk_vec out = {baseline ? baseline : baseline_values,
                             baseline ? s->train.n_classes : 1};
        if (s->train.y.n &&
            mlk_baseline_of(s->train.y, s->train.w, s->train.n_classes, out) == MLK_OK)
            opts.baseline = mlk_vec_c(out);
        status = outcome_make(c, s->model, schema, &s->test, &opts, true, &s->test_outcome);
    }
    free(baseline);
    return status;
}

/* ------------------------------------------------------------------- reporting */

static void put_evaluation(mlk_doc *to, const char *key, const outcome *o, const map_verdict *map)
{
    if (o->evaluation)
        mlk_evaluation_metrics(o->evaluation, mlk_doc_put_map(to, key));
    else
        map_put(map, to, key);
}

static void put_data(const session *s, mlk_doc *to)
{
    const mlk_schema *schema = mlk_dataset_schema(s->dataset);
    const size_t k = mlk_schema_n_classes(schema);
    mlk_doc_put_int(to, "rows", (int64_t)s->train.X.rows);
    mlk_doc_put_int(to, "features", (int64_t)mlk_schema_n_features(schema));
    if (k) {
        mlk_doc *classes = mlk_doc_put_list(to, "classes");
        for (size_t i = 0; i < k; i++)
            mlk_doc_put_text(classes, NULL, mlk_schema_class(schema, i));
    } else {
        mlk_doc_put_null(to, "classes");
    }
    mlk_doc_put_int(to, "dropped", (int64_t)mlk_dataset_dropped(s->dataset));
}

static int make_report(cli *c, session *s)
{
    const mlk_schema *schema = mlk_dataset_schema(s->dataset);
    const mlk_model *inner = mlk_pipeline_inner(s->model);
    mlk_doc *doc = s->report = mlk_doc_new();
    mlk_doc_put_text(doc, "tool", c->tool->name);
    mlk_doc_put_text(doc, "version", mlk_version());
    mlk_doc_put_text(doc, "model", s->learner.algo->name);
    mlk_doc_put_text(doc, "task", mlk_task_name(mlk_task_of(s->learner.algo, schema)));
    put_data(s, mlk_doc_put_map(doc, "data"));
    cleaning_report(c, &s->cleaning, schema, doc);
    learner_params(s->model, mlk_doc_put_map(doc, "params"));
    mlk_doc *fit = mlk_doc_put_map(doc, "fit");
    mlk_doc_put_real(fit, "seconds", s->seconds);
    put_fit_info(mlk_model_info(inner), fit);
    mlk_doc *learned = mlk_doc_put_map(doc, "learned");
    put_design_names(s->model, schema, learned);
    mlk_model_learned(inner, learned);
    if (is_rules(s->model))
        put_rules(s->model, schema, learned);
    put_evaluation(doc, "train", &s->train_outcome, &s->train_map);
    put_evaluation(doc, "test", &s->test_outcome, &s->test_map);
    tuning_report(&s->tuning, doc);
    const mlk_status st = mlk_doc_check(doc);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

static int print_text(const cli *c, const session *s)
{
    const mlk_schema *schema = mlk_dataset_schema(s->dataset);
    const mlk_doc *doc = s->report, *data = mlk_doc_find(doc, "data");
    if (c->set.quiet)
        return CLI_DONE;
    const char *target = mlk_schema_target(schema);
    const size_t n = s->train.X.rows, p = mlk_schema_n_features(schema),
                 columns = mlk_pipeline_n_columns(s->model);
    printf("%s: %s%s%s, %zu row%s, %zu feature%s in %zu column%s\n", s->learner.algo->name,
           mlk_doc_text(mlk_doc_find(doc, "task")), target ? " of " : "", target ? target : "", n,
           n == 1 ? "" : "s", p, p == 1 ? "" : "s", columns, columns == 1 ? "" : "s");
    cleaning_print(c, doc);
    render_params("parameters:", mlk_doc_find(doc, "params"));
    tuning_print(&s->tuning);
    render_fit(mlk_doc_find(doc, "fit"));
    printf("\nlearned\n");
    render_learned(mlk_doc_find(doc, "learned"), mlk_doc_find(data, "classes"));
    print_rules(mlk_doc_find(doc, "learned"));
    if (s->train_outcome.evaluation) {
        static const char *const titles[] = {"train", "test"};
        const mlk_evaluation *both[] = {s->train_outcome.evaluation, s->test_outcome.evaluation};
        printf("\n");
        render_metrics(titles, both, s->test_outcome.evaluation ? 2 : 1);
    }
    map_print(&s->train_map, &s->test_map);
    return CLI_DONE;
}

/* The table row of each training row that --clean has left, to be freed. */
static size_t *table_rows(const session *s)
{
    const mlk_suspects *suspects = s->cleaning.suspects;
    const size_t left_out = suspects ? mlk_suspects_count(suspects) : 0;
    const size_t n = s->train.X.rows + left_out;
    size_t *rows = malloc((n + 1) * sizeof *rows), kept = 0, next = 0;
    for (size_t i = 0; rows && i < n; i++) {
        if (next < left_out && mlk_suspects_at(suspects, next).row == i)
            next++;
        else
            rows[kept++] = mlk_dataset_row(s->dataset, s->rows ? s->rows[i] : i);
    }
    return rows;
}

/* The picture of --plot: tuning, rows, predictions (of the test rows where there are some), and
 * what was learned. */
static int draw(cli *c, session *s)
{
    const mlk_schema *schema = mlk_dataset_schema(s->dataset);
    const mlk_doc *learned = mlk_doc_find(s->report, "learned");
    const bool test = s->test_outcome.evaluation != NULL;
    const outcome *o = test ? &s->test_outcome : &s->train_outcome;
    const char *target = mlk_schema_target(schema), *name = s->learner.algo->name;
    char title[512];
    if (!c->set.plot)
        return CLI_DONE;
    size_t *rows = table_rows(s);
    const char **classes = class_names(schema);
    const drawn_rows seen = {s->model, schema, s->train, s->table, rows};
    int status = rows ? draw_tuning(c, &s->train, &s->tuning, learned, &s->picture)
                      : cli_refuse(c, "out of memory");
    if (status == CLI_DONE)
        status = draw_rows(c, &seen, learned, &s->picture);
    if (status == CLI_DONE && o->evaluation) {
        const mlk_predictions p =
            outcome_predictions(o, s->model, schema, test ? &s->test : &s->train, classes);
        draw_predictions(&p, o->evaluation, &s->picture);
    }
    if (status == CLI_DONE) {
        draw_learned(learned, &s->picture);
        snprintf(title, sizeof title, "%s%s%s%s", name, target ? " of " : "", target ? target : "",
                 !o->predicted.n || !target ? ""
                 : test                     ? ", test rows"
                                            : ", training rows");
        status = picture_make(c, &s->picture, title, name);
    }
    free(classes);
    free(rows);
    return status;
}

static int work(cli *c, session *s)
{
    int status = picture_check(c);
    if (status == CLI_DONE)
        status = learner_init(c, c->args[0], &c->set.set, &s->learner);
    if (status == CLI_DONE)
        status = check_target(c, s->learner.algo);
    if (status == CLI_DONE)
        status = check_rules(c, s->learner.algo);
    if (status == CLI_DONE && c->set.output && strcmp(c->set.output, "-") == 0) {
        if (c->set.json || c->set.csv)
            status = cli_usage(c, "-o - writes the model to stdout, where %s is to go",
                               c->set.json ? "--json" : "--csv");
        c->set.quiet = true; /* the model is all that stdout holds */
    }
    if (status == CLI_DONE)
        status = cleaning_check(c);
    if (status == CLI_DONE)
        status = tuning_parse(c, &s->learner, &s->tuning);
    if (status == CLI_DONE)
        status = load(c, s);
    if (status == CLI_DONE)
        status = load_test(c, s);
    if (status == CLI_DONE)
        status = learn(c, s);
    if (status == CLI_DONE)
        status = judge(c, s);
    if (status == CLI_DONE)
        status = judge_map(c, s);
    if (status == CLI_DONE)
        status = make_report(c, s);
    if (status == CLI_DONE)
        status = cli_strict(c);
    if (status == CLI_DONE)
        status = draw(c, s);
    if (status == CLI_DONE && c->set.output)
        status =
            learner_save(c, c->set.output, mlk_dataset_schema(s->dataset), s->model, &s->train);
    if (status == CLI_DONE)
        status = picture_save(c, &s->picture);
    if (status == CLI_DONE)
        status = c->set.json  ? cli_write_json(c, s->report)
                 : c->set.csv ? write_rules(c, mlk_doc_find(s->report, "learned"), NULL)
                              : print_text(c, s);
    return status;
}

static int fit_main(cli *c)
{
    if (c->n_args != 2)
        return cli_arguments(c, "MODEL TRAIN.csv");
    session s = {0};
    const int status = work(c, &s);
    outcome_free(&s.train_outcome);
    outcome_free(&s.test_outcome);
    picture_free(&s.picture);
    mlk_doc_free(s.report);
    mlk_model_free(s.model);
    tuning_free(&s.tuning);
    cleaning_free(&s.cleaning);
    mlk_subset_free(&s.train_rows);
    mlk_subset_free(&s.test_rows);
    free(s.rows);
    mlk_dataset_free(s.test_dataset);
    mlk_dataset_free(s.dataset);
    mlk_table_free(s.test_table);
    mlk_table_free(s.table);
    learner_free(&s.learner);
    return status;
}

const cli_tool fit_tool = {
    .bit = CLI_FIT,
    .name = "mlkit-fit",
    .brief = "learn a model from a table",
    .synopsis = "mlkit-fit MODEL [options] TRAIN.csv",
    .summary = "Read a table, learn the preprocessing and the model, report the fit, and save one "
               "model file with -o. --list names the models, --help MODEL the parameters of one.",
    .examples =
        "  mlkit-fit linear -t price houses.csv\n"
        "  mlkit-fit logistic -t species -s C=10 --test 0.25 -o flowers.mlk iris.csv\n"
        "  mlkit-fit ridge -t y --tune alpha=1e-3..1e3/13log --cv 10 data.csv\n"
        "  mlkit-fit lasso -t y --path alpha --rule 1se data.csv\n"
        "  mlkit-fit apriori -s min_support=0.02,min_lift=1.2 --csv baskets.csv >rules.csv\n"
        "  mlkit-fit pca -s n_components=2 --plot map.svg -t species iris.csv\n",
    .main = fit_main,
};
