#include <stdlib.h>
#include <string.h>

#include <mlkit/tree/tree.h>

#include "compare.h"

/* What is compared when nobody says: a line of each family, the quick ones first. */
static const char *const regression[] = {"linear", "ridge", "lasso",  "knn",
                                         "tree",   "gbdt",  "forest", NULL};
static const char *const classification[] = {"logistic", "lda",  "naive-bayes", "knn", "svc",
                                             "tree",     "gbdt", "forest",      NULL};

/* The model's name in "MODEL:name=value". */
static void name_of(const char *spec, char *name, size_t size)
{
    snprintf(name, size, "%.*s", (int)strcspn(spec, ":"), spec);
}

int entrants_task(const cli *c, const char **task)
{
    const unsigned both = MLK_REGRESSION | MLK_CLASSIFICATION;
    *task = c->set.roles.task;
    for (size_t i = 0; i < c->set.models.n && !*task; i++) {
        char name[64];
        name_of(c->set.models.items[i], name, sizeof name);
        const mlk_algo *algo = cli_find_algo(c, name);
        if (!algo)
            return CLI_USAGE;
        if ((algo->tasks & both) != both && (algo->tasks & both))
            *task = mlk_task_name(algo->tasks & both);
    }
    return CLI_DONE;
}

/* ------------------------------------------------------------- one parameter */

/* A list or a range of values, which a search chooses from. */
static bool is_grid(const char *value) { return strchr(value, ':') || strstr(value, ".."); }

static int set_parameter(cli *c, entrant *e, char *name, char *value)
{
    learner *l = &e->learner;
    const bool own = mlk_opts_find(l->algo->opts, name);
    const bool prep = !own && mlk_opts_find(mlk_pipeline_algo.opts, name);
    if (is_grid(value) && (own || prep)) {
        value[-1] = '='; /* together again: a spec of mlk_grid_new() */
        e->specs[e->n_specs++] = name;
        return CLI_DONE;
    }
    const mlk_opt *table = prep ? mlk_pipeline_algo.opts : l->algo->opts;
    void *opts = prep ? (void *)&l->pipeline : l->opts;
    if (mlk_opts_parse(table, l->algo->name, name, value, opts) != MLK_OK)
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    e->fixed[e->n_fixed++] = name;
    return CLI_DONE;
}

static int set_parameters(cli *c, entrant *e)
{
    const learner *l = &e->learner;
    int status = CLI_DONE;
    for (char *name = strchr(e->texts, ':') ? strchr(e->texts, ':') + 1 : NULL; name;) {
        char *value, *next = learner_cut(name, &value);
        if (!value)
            return cli_usage(c, "-m %s: '%s' is no parameter; expected NAME=VALUE", e->label, name);
        if ((status = set_parameter(c, e, name, value)) != CLI_DONE)
            return status;
        name = next;
    }
    if (mlk_opts_check(l->algo->opts, l->opts) != MLK_OK ||
        mlk_opts_check(mlk_pipeline_algo.opts, &l->pipeline) != MLK_OK)
        return cli_usage(c, "-m %s: %s", e->label, mlk_error_message(MLK_EINVAL));
    return learner_check_words(c, l->pipeline.impute, l->pipeline.encode, l->pipeline.scale);
}

/* --------------------------------------------------------------------- --tune */

/* "MODEL.NAME=VALUES" for this model? */
static bool is_mine(const char *tune, const entrant *e)
{
    const size_t n = strlen(e->learner.algo->name);
    return strncmp(tune, e->learner.algo->name, n) == 0 && tune[n] == '.';
}

static void add_tune(const cli *c, entrant *e)
{
    for (size_t i = 0; i < c->set.tune.n; i++) {
        const char *item = c->set.tune.items[i];
        if (strcmp(item, "auto") == 0)
            e->search = mlk_grid_auto_any(e->learner.algo->name, e->fixed);
        else if (is_mine(item, e))
            e->specs[e->n_specs++] = strchr(item, '.') + 1;
    }
    e->search |= e->n_specs > 0;
}

/* Each --tune is auto, or of some model that takes part. */
static int check_tune(const cli *c, const contest *of)
{
    for (size_t i = 0; i < c->set.tune.n; i++) {
        const char *item = c->set.tune.items[i], *names[64];
        const char *dot = strchr(item, '.'), *equals = strchr(item, '=');
        size_t n = 0;
        bool taken = strcmp(item, "auto") == 0;
        if (!taken && (!dot || !equals || dot > equals))
            return cli_usage(c, "--tune '%s' is not valid; expected auto or MODEL.NAME=V1:V2...",
                             item);
        for (size_t k = 0; k < of->n; k++) {
            taken |= is_mine(item, &of->entrants[k]);
            if (n < 64)
                names[n++] = of->entrants[k].learner.algo->name;
        }
        if (taken)
            continue;
        char model[64];
        snprintf(model, sizeof model, "%.*s", (int)(dot - item), item);
        const char *near = mlk_nearest(model, names, n);
        return near ? cli_usage(c, "--tune %s: no such model takes part; did you mean '%s'?", item,
                                near)
                    : cli_usage(c, "--tune %s: no such model takes part; name it with -m", item);
    }
    return CLI_DONE;
}

/* --validation-curve: a grid of one parameter of one of the models. */
static int make_values(const cli *c, contest *of)
{
    const char *item = c->set.validation_curve;
    if (!item)
        return CLI_DONE;
    for (size_t i = 0; i < of->n && !of->values; i++) {
        const char *spec = strchr(item, '.') + 1;
        of->validated = i;
        if (is_mine(item, &of->entrants[i]) &&
            mlk_grid_new(&of->entrants[i].learner.pipeline, &spec, 1, &of->values) != MLK_OK)
            return cli_usage(c, "--validation-curve %s: %s", item, mlk_error_message(MLK_EINVAL));
    }
    return of->values
               ? CLI_DONE
               : cli_usage(c, "--validation-curve %s: no such model takes part; name it with -m",
                           item);
}

static int make_search(cli *c, const tournament *t, entrant *e)
{
    if (!e->search)
        return CLI_DONE;
    e->tuned = mlk_tuned_opts_default(&e->learner.pipeline);
    e->tuned.search = t->search_opts;
    e->tuned.folds.seed = c->set.seed;
    e->tuned.fixed = e->fixed;
    if (t->folds_opts.kind == MLK_FOLDS_BLOCKS || t->folds_opts.kind == MLK_FOLDS_TIME)
        e->tuned.folds.kind = t->folds_opts.kind;
    if (e->n_specs && mlk_grid_new(&e->learner.pipeline, e->specs, e->n_specs, &e->grid) != MLK_OK)
        return cli_usage(c, "-m %s: %s", e->label, mlk_error_message(MLK_EINVAL));
    e->tuned.grid = e->grid;
    return CLI_DONE;
}

/* ------------------------------------------------------------------ the models */

static int make_entrant(cli *c, const tournament *t, const char *spec, const mlk_schema *schema,
                        entrant *e)
{
    static const cli_list nothing = {0};
    char name[64];
    size_t room = c->set.tune.n + 2;
    for (const char *p = spec; *p; p++)
        room += *p == '=';
    e->label = spec;
    e->texts = strdup(spec);
    e->specs = calloc(room, sizeof *e->specs);
    e->fixed = calloc(room, sizeof *e->fixed);
    if (!e->texts || !e->specs || !e->fixed)
        return cli_refuse(c, "out of memory");
    name_of(spec, name, sizeof name);
    int status = learner_init(c, name, &nothing, &e->learner);
    if (status == CLI_DONE && !(e->learner.algo->tasks & (MLK_REGRESSION | MLK_CLASSIFICATION)))
        status = cli_usage(c, "%s predicts no target: there is nothing to compare", name);
    if (status == CLI_DONE)
        status = set_parameters(c, e);
    if (status == CLI_DONE && schema)
        status = learner_names(c, schema, &e->learner);
    if (status == CLI_DONE)
        add_tune(c, e);
    return status == CLI_DONE ? make_search(c, t, e) : status;
}

int entrants_make(cli *c, const tournament *t, bool classes, contest *to)
{
    const char *const *specs = c->set.models.items;
    const mlk_schema *schema = to->dataset ? mlk_dataset_schema(to->dataset) : NULL;
    size_t n = c->set.models.n;
    if (n == 0)
        for (specs = classes ? classification : regression; specs[n];)
            n++;
    to->entrants = calloc(n, sizeof *to->entrants);
    to->contenders = calloc(n, sizeof *to->contenders);
    if (!to->entrants || !to->contenders)
        return cli_refuse(c, "out of memory");
    int status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < n; i++) {
        entrant *e = &to->entrants[i];
        to->n = i + 1;
        status = make_entrant(c, t, specs[i], schema, e);
        to->contenders[i] =
            (mlk_contender){e->label, &e->learner.pipeline, e->search ? &e->tuned : NULL};
    }
    if (status == CLI_DONE)
        status = check_tune(c, to);
    return status == CLI_DONE ? make_values(c, to) : status;
}

void entrants_free(contest *of)
{
    mlk_grid_free(of->values);
    for (size_t i = 0; i < of->n; i++) {
        entrant *e = &of->entrants[i];
        mlk_grid_free(e->grid);
        learner_free(&e->learner);
        free(e->texts);
        free(e->specs);
        free(e->fixed);
    }
    free(of->entrants);
    free(of->contenders);
    of->entrants = NULL;
    of->contenders = NULL;
    of->n = 0;
}

/* --------------------------------------------------------- what a few rows change */

static bool changes_much(const contest *of, size_t i)
{
    static const char *const names[] = {"knn", "svc", "svr"};
    if (i == 0 || of->contenders[i - 1].tuned)
        return false;
    const mlk_algo *algo = of->contenders[i - 1].pipeline->algo;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strcmp(algo->name, names[k]) == 0)
            return true;
    const mlk_tree_opts *o = of->entrants[i - 1].learner.opts;
    return algo == &mlk_tree_algo && o->max_depth == 0 && o->max_leaf_nodes == 0 &&
           o->min_samples_leaf < 5 && o->ccp_alpha == 0.0;
}

const char *contest_doubt(const contest *of)
{
    const size_t best = mlk_comparison_best(of->comparison);
    bool doubtful = false;
    if (best == SIZE_MAX || mlk_folds_kind(of->folds) == MLK_FOLDS_LOO ||
        mlk_folds_per_repeat(of->folds) < 3 ||
        mlk_folds_count(of->folds) == mlk_folds_per_repeat(of->folds))
        return NULL;
    for (size_t i = 1; i < mlk_comparison_size(of->comparison); i++) {
        const double p = mlk_comparison_at(of->comparison, i)->standing.p_holm;
        doubtful |= p >= 0.01 && p < 0.05 && (changes_much(of, i) || changes_much(of, best));
    }
    return doubtful
               ? "Of full trees, neighbours and kernels too many p from 0.01 to 0.05 are luck; "
                 "test them with --cv 2x5."
               : NULL;
}
