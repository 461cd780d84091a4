#include "cli.h"

#include <math.h>
#include <popt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mlkit/core/file.h>
#include <mlkit/metrics/metric.h>
#include <mlkit/preprocess/model_file.h>
#include <mlkit/report/json.h>
#include <mlkit/report/text.h>

struct cli_files {
    mlk_staged_file **items;
    size_t n;
};

#define AT(field) offsetof(cli_settings, field)

enum {
    ALL = CLI_FIT | CLI_EVAL | CLI_PREDICT | CLI_SHOW | CLI_COMPARE,
    TABLES = CLI_FIT | CLI_EVAL | CLI_PREDICT | CLI_SHOW | CLI_COMPARE,
    LEARN = CLI_FIT | CLI_COMPARE
};

const cli_option cli_options[] = {
    {"General", .help = NULL},
    {"help", 'h', CLI_FLAG, AT(help), ALL,
     .help = "this text; with a model's name, its parameters"},
    {"version", 0, CLI_FLAG, AT(version), ALL, .help = "the version"},
    {"list", 0, CLI_FLAG, AT(list), ALL, .help = "all models, with their tasks"},
    {"output", 'o', CLI_TEXT, AT(output), CLI_FIT | CLI_PREDICT | CLI_SHOW, 0, "FILE",
     "write the result there; it is complete or not there at all"},
    {"plot", 0, CLI_TEXT, AT(plot), CLI_FIT | CLI_EVAL | CLI_PREDICT | CLI_SHOW, 0, "FILE",
     "draw what there is to see, as .svg, .pdf or .png (needs gnuplot; trees, Graphviz)"},
    {"colour", 0, CLI_TEXT, AT(colour), CLI_FIT | CLI_PREDICT, 0, "COL",
     "of --plot: colour the points of a map by this column (default: the target)"},
    {"axes", 0, CLI_TEXT, AT(axes), CLI_FIT | CLI_PREDICT, 0, "A,B",
     "of --plot: these two columns across and upwards (default: principal axes)"},
    {"report", 0, CLI_TEXT, AT(report), CLI_EVAL | CLI_COMPARE, 0, "FILE.html",
     "write all there is to know as one page"},
    {"plots", 0, CLI_TEXT, AT(plots), CLI_EVAL | CLI_COMPARE, 0, "DIR",
     "write each plot of the report into this folder (needs gnuplot)"},
    {"plot-format", 0, CLI_TEXT, AT(plot_format), CLI_EVAL | CLI_COMPARE, 0, "FORMAT",
     "of --plots: svg (default), pdf or png"},
    {"json", 0, CLI_FLAG, AT(json), ALL, .help = "print one JSON document"},
    {"quiet", 'q', CLI_FLAG, AT(quiet), ALL, .help = "no report, no progress"},
    {"verbose", 'v', CLI_FLAG, AT(verbose), ALL, .help = "a line an iteration or tree"},
    {"strict", 0, CLI_FLAG, AT(strict), ALL, .help = "turn every warning into exit status 1"},
    {"threads", 0, CLI_INT, AT(threads), ALL, 1, "N",
     "use N threads (default: all cores); the result is the same for every N"},
    {"seed", 0, CLI_INT, AT(seed), ALL, 0, "N", "seed of every random choice (default 0)"},

    {"Tables", .help = NULL},
    {"target", 't', CLI_TEXT, AT(roles.target), LEARN | CLI_SHOW, 0, "COL",
     "the column to predict, by name or 1-based index"},
    {"features", 0, CLI_TEXT, AT(roles.features), LEARN, 0, "A,B",
     "learn from these columns only (default: from all)"},
    {"ignore", 0, CLI_TEXT, AT(roles.ignore), LEARN, 0, "A,B", "leave these columns out"},
    {"weights", 0, CLI_TEXT, AT(roles.weights), LEARN | CLI_EVAL, 0, "COL",
     "column of sample weights"},
    {"task", 0, CLI_TEXT, AT(roles.task), LEARN | CLI_EVAL | CLI_SHOW, 0, "TASK",
     "regression or classification (default: by the target)"},
    {"positive", 0, CLI_TEXT, AT(roles.positive), LEARN | CLI_EVAL, 0, "LABEL",
     "the positive class of two (default: the second)"},
    {"delimiter", 0, CLI_TEXT, AT(delimiter), TABLES, 0, "C",
     "field delimiter (default: of , ; tab | the one the header shows most)"},
    {"no-header", 0, CLI_FLAG, AT(no_header), TABLES, .help = "the columns are called 1, 2, ..."},
    {"format", 0, CLI_TEXT, AT(format), TABLES, 0, "FORMAT",
     "csv or svmlight (default: by the file's ending)"},
    {"categorical", 0, CLI_TEXT, AT(categorical), TABLES, 0, "A,B",
     "columns of categories, whatever they look like"},
    {"numeric", 0, CLI_TEXT, AT(numeric), TABLES, 0, "A,B", "columns of numbers; else an error"},

    {"Preprocessing, learned with the model and kept in it", .help = NULL},
    {"impute", 0, CLI_TEXT, AT(impute), LEARN, 0, "HOW",
     "missing values: mean, median, mode, drop (the rows) or none (default: median, and mode for "
     "categories; none for trees)"},
    {"encode", 0, CLI_TEXT, AT(encode), LEARN, 0, "HOW",
     "categories: onehot, dummy, ordinal or native (default: native for trees, dummy for linear, "
     "onehot for most others; --help MODEL says)"},
    {"scale", 0, CLI_TEXT, AT(scale), LEARN, 0, "HOW",
     "none, standard, minmax or robust (default: standard where distances or kernels count, else "
     "none; --help MODEL says)"},
    {"poly", 0, CLI_INT, AT(poly), LEARN, 1, "D",
     "all monomials of the columns up to degree D (default 1)"},

    {"Learning", .help = NULL},
    {"set", 's', CLI_LIST, AT(set), CLI_FIT, 0, "NAME=VALUE[,...]",
     "a parameter of the model; repeatable"},
    {"tune", 0, CLI_LIST, AT(tune), CLI_FIT, 0, "NAME=V1:V2...",
     "choose a parameter by cross-validation (of cluster models: on all rows); lo..hi/n and "
     "lo..hi/nlog are ranges; repeatable"},
    {"model", 'm', CLI_LIST, AT(models), CLI_COMPARE, 0, "MODEL[:NAME=VALUE,...]",
     "a model that takes part, with parameters (impute, encode, scale and poly too); a list v1:v2 "
     "or "
     "range lo..hi/n of values is chosen from in nested folds; repeatable (default: one of each "
     "family)"},
    {"tune", 0, CLI_LIST, AT(tune), CLI_COMPARE, 0, "auto|MODEL.NAME=V1:V2...",
     "choose parameters inside each training set (nested cross-validation): auto takes each "
     "model's "
     "default grid; repeatable"},
    {"cv", 0, CLI_TEXT, AT(cv), LEARN, 0, "K|KxR|loo",
     "folds, and repeats, of cross-validation (default 5)"},
    {"folds", 0, CLI_TEXT, AT(folds), LEARN, 0, "HOW",
     "shuffle (default; stratified for classes), blocks, group:COL or time"},
    {"search", 0, CLI_TEXT, AT(search), LEARN, 0, "HOW", "grid (default), random:N or halving"},
    {"scoring", 0, CLI_TEXT, AT(scoring), LEARN, 0, "METRIC",
     "what tuning and folds are judged by (default: accuracy, r2; clusters: silhouette, "
     "davies_bouldin, "
     "calinski_harabasz, gap, elbow; gmm: bic, aic)"},
    {"path", 0, CLI_TEXT, AT(path), CLI_FIT, 0, "NAME",
     "a whole path of this parameter, cross-validated"},
    {"rule", 0, CLI_TEXT, AT(rule), CLI_FIT, 0, "RULE",
     "of a path: min (default; the best) or 1se (the simplest within one standard error)"},
    {"learning-curve", 0, CLI_FLAG, AT(learning_curve), CLI_COMPARE,
     .help = "the score against the number of training rows, of each model"},
    {"validation-curve", 0, CLI_TEXT, AT(validation_curve), CLI_COMPARE, 0, "MODEL.NAME=V1:V2...",
     "the score of a model against a parameter, on training and on test rows"},
    {"bootstrap", 0, CLI_INT, AT(bootstrap), CLI_COMPARE, 2, "N",
     "from N bootstrap samples: the .632+ estimate of the error, its bias and its variance"},
    {"threshold", 0, CLI_TEXT, AT(threshold), CLI_COMPARE, 0, "fbeta|cost:FP:FN",
     "two classes: the probability from which on to call a row positive, for the largest F-beta "
     "(--beta), or for these costs of a false positive and a false negative"},
    {"save-best", 0, CLI_TEXT, AT(save_best), CLI_COMPARE, 0, "FILE",
     "fit the best model on all rows and save it"},
    {"baskets", 0, CLI_TEXT, AT(baskets), CLI_FIT, 0, "C",
     "rules: a cell is a list of items, this character between them"},
    {"csv", 0, CLI_FLAG, AT(csv), CLI_COMPARE | CLI_FIT | CLI_SHOW,
     .help = "print one line of CSV a model, or a rule"},
    {"test", 0, CLI_TEXT, AT(test), CLI_FIT, 0, "FRACTION|FILE",
     "judge on rows held out, or on another table"},
    {"clean", 0, CLI_TEXT, AT(clean), CLI_FIT, 0, "HOW",
     "leave out rows whose target others contradict, and report them: enn (three nearest "
     "neighbours) or cv (the model itself, fitted without them); -v lists each"},

    {"Judging predictions", .help = NULL},
    {"predictions", 0, CLI_TEXT, AT(predictions), CLI_EVAL, 0, "FILE",
     "judge the predictions in this table; no model is needed"},
    {"truth", 0, CLI_TEXT, AT(truth), CLI_EVAL, 0, "COL", "its column of true values"},
    {"predicted", 0, CLI_TEXT, AT(predicted), CLI_EVAL, 0, "COL", "its column of predictions"},
    {"score", 0, CLI_TEXT, AT(score), CLI_EVAL, 0, "COL",
     "its column of scores of the positive class"},
    {"scores", 0, CLI_TEXT, AT(scores), CLI_EVAL, 0, "A,B,C", "one such column per class"},
    {"beta", 0, CLI_REAL, AT(beta), LEARN | CLI_EVAL, 1e-6, "B",
     "of fbeta: how much recall counts over precision (default 1)"},
    {"importances", 0, CLI_FLAG, AT(importances), CLI_EVAL,
     .help = "of each column: how much worse the predictions get when it is shuffled"},

    {"Predicting", .help = NULL},
    {"probabilities", 0, CLI_FLAG, AT(probabilities), CLI_PREDICT,
     .help = "a column p(CLASS) for each class"},
    {"decision", 0, CLI_FLAG, AT(decision), CLI_PREDICT, .help = "the raw decision values"},
    {"transform", 0, CLI_FLAG, AT(transform), CLI_PREDICT,
     .help = "the projection of a model that also predicts (lda): dim1, dim2, ..."},
    {"append", 0, CLI_FLAG, AT(append), CLI_PREDICT, .help = "keep the columns of the input"},

    {"Showing", .help = NULL},
    {"text", 0, CLI_FLAG, AT(text), CLI_SHOW, .help = "as text (default)"},
    {"dot", 0, CLI_FLAG, AT(dot), CLI_SHOW, .help = "a tree for Graphviz"},
    {"rules", 0, CLI_FLAG, AT(rules), CLI_SHOW, .help = "a tree as rules, one a leaf"},
    {"explain", 0, CLI_INT, AT(explain), CLI_SHOW, 0, "NODE",
     "the arithmetic of a tree's split at this node (root 0), on the rows of DATA.csv"},
    {"c", 0, CLI_FLAG, AT(c), CLI_SHOW, .help = "a stand-alone C99 file that predicts"},
    {"libsvm", 0, CLI_FLAG, AT(libsvm), CLI_SHOW,
     .help = "svc, svr, one-class-svm as LIBSVM's svm-predict reads it (fit with --scale none)"},
    {"name", 0, CLI_TEXT, AT(c_name), CLI_SHOW, 0, "NAME",
     "what --c calls the function (default: mlk_model)"},
    {NULL},
};

static bool is_heading(const cli_option *o) { return !o->tools; }

/* ---------------------------------------------------------------- messages */

/* One line, whatever names and cells the text repeats: what would end it or steer a terminal is
 * escaped. */
static void say_line(const cli *c, const char *kind, const char *text)
{
    fprintf(stderr, "%s: %s", c->tool->name, kind);
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte == '\n')
            fputs("\\n", stderr);
        else if (byte < ' ' || byte == 0x7F)
            fprintf(stderr, "\\x%02X", byte);
        else
            fputc(byte, stderr);
    }
    fputc('\n', stderr);
}

static void say(const cli *c, const char *kind, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, fmt, args);
    say_line(c, kind, text ? text : "out of memory");
    free(text);
}

int cli_usage(const cli *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, "", fmt, args);
    va_end(args);
    return CLI_USAGE;
}

int cli_arguments(const cli *c, const char *expected)
{
    return cli_usage(c, "%zu argument%s; expected %s (see --help)", c->n_args,
                     c->n_args == 1 ? "" : "s", expected);
}

int cli_refuse(const cli *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, "", fmt, args);
    va_end(args);
    return CLI_REFUSED;
}

int cli_failed(const cli *c, mlk_status status)
{
    return cli_refuse(c, "%s", mlk_error_message(status));
}

void cli_warn(cli *c, const char *text)
{
    c->warnings++;
    say_line(c, "warning: ", text);
}

int cli_strict(const cli *c) { return c->set.strict && c->warnings ? CLI_REFUSED : CLI_DONE; }

int cli_check_word(const cli *c, const char *option, const char *value, const char *const *words,
                   size_t n)
{
    for (size_t i = 0; value && i < n; i++)
        if (strcmp(value, words[i]) == 0)
            return CLI_DONE;
    if (!value)
        return CLI_DONE;
    const char *near = mlk_nearest(value, words, n);
    if (near)
        return cli_usage(c, "--%s '%s' is unknown; did you mean '%s'?", option, value, near);
    char all[128] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s",
                 i == 0       ? ""
                 : i + 1 == n ? " or "
                              : ", ",
                 words[i]);
    return cli_usage(c, "--%s '%s' is unknown; expected %s", option, value, all);
}

/* Of two refusals the one is shown that knows a similar name. */
int cli_check_scoring(const cli *c)
{
    static const mlk_metric_task tasks[] = {MLK_METRIC_CLASSIFICATION, MLK_METRIC_REGRESSION};
    const mlk_metric *metric;
    char text[256] = "";
    for (size_t k = 0; k < 2 && c->set.scoring; k++) {
        if (mlk_metric_find(c->set.scoring, tasks[k], 0, &metric) == MLK_OK)
            return CLI_DONE;
        if (!strstr(text, "did you mean"))
            snprintf(text, sizeof text, "%s", mlk_error_message(MLK_EINVAL));
    }
    return c->set.scoring ? cli_usage(c, "%s", text) : CLI_DONE;
}

/* ------------------------------------------------------- progress and warnings */

/* The library marks what is worth knowing but no warning: --strict lets it pass. */
static void on_warn(void *user, const char *line)
{
    const cli *c = user;
    if (strncmp(line, "note: ", 6) == 0)
        say_line(c, "", line);
    else
        cli_warn(user, line);
}

static void on_log(void *user, const char *line) { say_line(user, "", line); }

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A bar after the first second, redrawn ten times a second. */
static void on_progress(void *user, double done)
{
    enum { WIDTH = 40 };
    cli *c = user;
    const double t = now();
    if (t - c->started < 1.0 || t - c->drawn < 0.1)
        return;
    c->drawn = t;
    char bar[WIDTH + 1];
    const int full = (int)(done * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = '\0';
    const double left = done > 0.02 ? (t - c->started) * (1.0 - done) / done : -1.0;
    if (left >= 0.0)
        fprintf(stderr, "\r[%s] %3.0f %%  %.0f s left  ", bar, 100.0 * done, left);
    else
        fprintf(stderr, "\r[%s] %3.0f %%", bar, 100.0 * done);
}

static void clear_progress(const cli *c)
{
    if (c->drawn > 0.0)
        fprintf(stderr, "\r%60s\r", "");
}

/* -------------------------------------------------------------------- help */

static void tasks_of(const mlk_algo *algo, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = '\0';
    for (unsigned task = 1; task <= MLK_RULES; task *= 2)
        if ((algo->tasks & task) && at < size)
            at +=
                (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "", mlk_task_name(task));
}

static void print_table(FILE *to, mlk_text_table *table, size_t indent)
{
    char *text = NULL;
    if (mlk_text_table_write(table, indent, &text) == MLK_OK)
        fputs(text, to);
    mlk_text_free(text);
    mlk_text_table_free(table);
}

static void list_algos(FILE *to)
{
    static const char *const titles[] = {"", "", ""};
    size_t n;
    const mlk_algo *const *algos = mlk_algo_list(&n);
    mlk_text_table *table = mlk_text_table_new(titles, 3);
    for (size_t i = 0; i < n; i++) {
        char tasks[80];
        tasks_of(algos[i], tasks, sizeof tasks);
        mlk_text_table_cell(table, algos[i]->name);
        mlk_text_table_cell(table, tasks);
        mlk_text_table_cell(table, algos[i]->help);
    }
    print_table(to, table, 0);
}

static void help_algo(FILE *to, const mlk_algo *algo)
{
    static const char *const titles[] = {"parameter", "type", "default", "range", "meaning"};
    static const char *const types[] = {"", "real", "integer", "boolean", "word", "text"};
    char tasks[80];
    tasks_of(algo, tasks, sizeof tasks);
    fprintf(to, "%s: %s (%s)\n\n", algo->name, algo->help, tasks);
    void *defaults = calloc(1, algo->opts_size);
    if (!defaults)
        return;
    mlk_opts_set_default(algo->opts, defaults);
    mlk_text_table *table = mlk_text_table_new(titles, 5);
    for (const mlk_opt *o = algo->opts; o->name; o++) {
        char value[128], domain[256];
        mlk_text_table_cell(table, o->name);
        mlk_text_table_cell(table, types[o->type]);
        const char *text = mlk_opts_format(o, defaults, value, sizeof value);
        mlk_text_table_cell(table, *text ? text : "\"\"");
        mlk_text_table_cell(table, mlk_opts_domain(o, domain, sizeof domain));
        mlk_text_table_cell(table, o->help);
    }
    free(defaults);
    print_table(to, table, 2);
    fprintf(to, "\nPreprocessing when not said otherwise: --impute %s --encode %s --scale %s\n",
            algo->prep.impute ? algo->prep.impute : "median",
            algo->prep.encode ? algo->prep.encode : "onehot",
            algo->prep.scale ? algo->prep.scale : "none");
}

/* A text of many words from column `indent` on, broken before column 96. */
static void wrap(FILE *to, const char *text, int at, int indent)
{
    for (bool first = true; *text; first = false) {
        const int n = (int)strcspn(text, " ");
        if (at + 1 + n > 96) {
            fprintf(to, "\n%*s", indent, "");
            at = indent;
            first = true;
        }
        fprintf(to, "%s%.*s", first ? "" : " ", n, text);
        at += n + !first;
        text += n + (text[n] == ' ');
    }
    fputc('\n', to);
}

static void help(FILE *to, const cli_tool *tool)
{
    enum { COLUMN = 32 };
    fprintf(to, "usage: %s\n\n", tool->synopsis);
    wrap(to, tool->summary, 0, 0);
    const cli_option *heading = NULL;
    for (const cli_option *o = cli_options; o->name; o++) {
        if (is_heading(o)) {
            heading = o;
            continue;
        }
        if (!(o->tools & tool->bit))
            continue;
        if (heading)
            fprintf(to, "\n%s\n", heading->name);
        heading = NULL;
        char left[80];
        snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name, o->arg ? " " : "",
                 o->arg ? o->arg : "");
        const int width = (int)strlen(left);
        if (width + 2 > COLUMN)
            fprintf(to, "%s\n%*s", left, COLUMN, "");
        else
            fprintf(to, "%-*s", COLUMN, left);
        wrap(to, o->help, COLUMN, COLUMN);
    }
    fprintf(to, "\nExamples\n%s", tool->examples);
}

/* ------------------------------------------------------------------ parsing */

const mlk_algo *cli_find_algo(const cli *c, const char *name)
{
    size_t n;
    const mlk_algo *const *algos = mlk_algo_list(&n);
    const char *names[128];
    for (size_t i = 0; i < n && i < 128; i++) {
        if (strcmp(algos[i]->name, name) == 0)
            return algos[i];
        names[i] = algos[i]->name;
    }
    const char *near = mlk_nearest(name, names, n < 128 ? n : 128);
    if (near)
        cli_usage(c, "unknown model '%s'; did you mean '%s'?", name, near);
    else
        cli_usage(c, "unknown model '%s'; see --list", name);
    return NULL;
}

static int unknown_option(const cli *c, const char *bad)
{
    const char *names[128];
    size_t n = 0;
    for (const cli_option *o = cli_options; o->name; o++)
        if (o->tools & c->tool->bit)
            names[n++] = o->name;
    const char *word = bad + strspn(bad, "-");
    char plain[64];
    snprintf(plain, sizeof plain, "%.*s", (int)strcspn(word, "="), word);
    const char *near = strlen(plain) > 1 ? mlk_nearest(plain, names, n) : NULL;
    return near ? cli_usage(c, "unknown option '%s'; did you mean '--%s'?", bad, near)
                : cli_usage(c, "unknown option '%s'; see --help", bad);
}

static bool append(cli_list *list, const char *item)
{
    const char **items = realloc(list->items, (list->n + 1) * sizeof *items);
    if (!items)
        return false;
    items[list->n++] = item;
    list->items = items;
    return true;
}

/* One option with its argument (NULL for a flag) into the settings. */
static int take(cli *c, const cli_option *o, const char *arg)
{
    void *field = (char *)&c->set + o->offset;
    char *end;
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)field = true;
        return CLI_DONE;
    case CLI_TEXT:
        *(const char **)field = arg;
        return CLI_DONE;
    case CLI_LIST:
        return append(field, arg) ? CLI_DONE : cli_refuse(c, "out of memory");
    case CLI_INT: {
        const long long v = strtoll(arg, &end, 10);
        if (*end || end == arg || v < (long long)o->lo || v > INT64_MAX / 2)
            return cli_usage(c, "--%s = '%s' is not valid; expected an integer >= %g", o->name, arg,
                             o->lo);
        *(int64_t *)field = v;
        return CLI_DONE;
    }
    case CLI_REAL: {
        const double v = strtod(arg, &end);
        if (*end || end == arg || !(v >= o->lo) || isinf(v))
            return cli_usage(c, "--%s = '%s' is not valid; expected a number >= %g", o->name, arg,
                             o->lo);
        *(double *)field = v;
        return CLI_DONE;
    }
    }
    return CLI_DONE;
}

/* popt cuts the command line into options and arguments; meaning is ours. */
static int parse(cli *c, int argc, char **argv)
{
    enum { MAX_OPTIONS = 128 };
    static struct poptOption table[MAX_OPTIONS];
    size_t n = 0;
    for (const cli_option *o = cli_options; o->name && n < MAX_OPTIONS - 1; o++)
        if (o->tools & c->tool->bit)
            table[n++] = (struct poptOption){.longName = o->name,
                                             .shortName = o->letter,
                                             .argInfo = o->kind == CLI_FLAG ? POPT_ARG_NONE
                                                                            : POPT_ARG_STRING,
                                             .val = (int)(o - cli_options) + 1};
    poptContext context =
        poptGetContext(c->tool->name, argc, (const char **)(uintptr_t)argv, table, 0);
    if (!context)
        return cli_refuse(c, "out of memory");
    c->memory = context;
    int code, status = CLI_DONE;
    while (status == CLI_DONE && (code = poptGetNextOpt(context)) > 0) {
        const cli_option *o = &cli_options[code - 1];
        char *arg = NULL; /* popt gives its copy away; it lives as long as the program */
        if (o->kind != CLI_FLAG && (!(arg = poptGetOptArg(context)) || !append(&c->owned, arg)))
            status = cli_refuse(c, "out of memory");
        else
            status = take(c, o, arg);
    }
    if (status != CLI_DONE)
        return status;
    if (code == POPT_ERROR_BADOPT)
        return unknown_option(c, poptBadOption(context, POPT_BADOPTION_NOALIAS));
    if (code < -1)
        return cli_usage(c, "%s: %s", poptBadOption(context, POPT_BADOPTION_NOALIAS),
                         poptStrerror(code));
    c->args = poptGetArgs(context);
    while (c->args && c->args[c->n_args])
        c->n_args++;
    return CLI_DONE;
}

static int check_task(const cli *c)
{
    static const char *const tasks[] = {"regression", "classification"};
    return cli_check_word(c, "task", c->set.roles.task, tasks, 2);
}

/* The written files: into their places, or away. */
static int settle(const cli *c, int status)
{
    cli_files *f = c->files;
    for (size_t i = 0; i < f->n; i++) {
        if (status != CLI_DONE) {
            mlk_file_discard(f->items[i]);
            continue;
        }
        const mlk_status st = mlk_file_commit(f->items[i]);
        if (st != MLK_OK)
            status = cli_failed(c, st);
    }
    free(f->items);
    return status;
}

int cli_main(const cli_tool *tool, int argc, char **argv)
{
    cli_files files = {NULL, 0};
    cli c = {.tool = tool,
             .argc = argc,
             .argv = argv,
             .set = {.beta = 1.0, .poly = 1, .explain = -1},
             .files = &files};
    /* A reader that leaves is an error like a full disk: a signal is no answer. */
    signal(SIGPIPE, SIG_IGN);
    int status = parse(&c, argc, argv);
    if (status == CLI_DONE && c.set.help) {
        const mlk_algo *algo = c.n_args ? cli_find_algo(&c, c.args[0]) : NULL;
        if (algo)
            help_algo(stdout, algo);
        else if (c.n_args)
            status = CLI_USAGE;
        else
            help(stdout, tool);
    } else if (status == CLI_DONE && c.set.version) {
        printf("%s %s\n", tool->name, mlk_version());
    } else if (status == CLI_DONE && c.set.list) {
        list_algos(stdout);
    } else if (status == CLI_DONE && (status = check_task(&c)) == CLI_DONE) {
        c.started = now();
        c.run = (mlk_run){.threads = (int)c.set.threads, .warn = on_warn, .user = &c};
        if (c.set.verbose)
            c.run.log = on_log;
        else if (!c.set.quiet && isatty(STDERR_FILENO))
            c.run.progress = on_progress;
        status = tool->main(&c);
        clear_progress(&c);
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE)
        status = cli_refuse(&c, "standard output: cannot write");
    status = settle(&c, status);
    for (size_t i = 0; i < c.owned.n; i++)
        free((void *)(uintptr_t)c.owned.items[i]);
    free(c.owned.items);
    free(c.set.set.items);
    free(c.set.tune.items);
    free(c.set.models.items);
    poptFreeContext(c.memory);
    return status;
}

/* ----------------------------------------------------------- tables and output */

int cli_read_table(cli *c, const char *path, mlk_table **table)
{
    const cli_settings *s = &c->set;
    mlk_table_opts opts = mlk_table_opts_default();
    *table = NULL;
    opts.header = !s->no_header;
    opts.categorical = s->categorical;
    opts.numeric = s->numeric;
    opts.text = s->append;
    if (s->format) {
        static const char *const words[] = {"csv", "svmlight"};
        const int status = cli_check_word(c, "format", s->format, words, 2);
        if (status != CLI_DONE)
            return status;
        opts.format = strcmp(s->format, "csv") == 0 ? MLK_FORMAT_CSV : MLK_FORMAT_SVMLIGHT;
    }
    if (s->delimiter) {
        const bool tab = strcmp(s->delimiter, "\\t") == 0 || strcmp(s->delimiter, "tab") == 0;
        if (!tab && strlen(s->delimiter) != 1)
            return cli_usage(c, "--delimiter '%s' is not one character", s->delimiter);
        opts.delimiter = tab ? '\t' : s->delimiter[0];
    }
    const mlk_status st = mlk_table_read(path, &opts, &c->run, table);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

int cli_write(const cli *c, const char *path, const char *text, size_t size)
{
    if (!path || strcmp(path, "-") == 0)
        return fwrite(text, 1, size, stdout) == size
                   ? CLI_DONE
                   : cli_refuse(c, "standard output: cannot write");
    cli_files *f = c->files;
    mlk_staged_file **items = realloc(f->items, (f->n + 1) * sizeof(mlk_staged_file *));
    if (!items)
        return cli_refuse(c, "out of memory");
    f->items = items;
    const mlk_status st = mlk_file_stage(path, text, size, &items[f->n]);
    f->n += st == MLK_OK;
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

int cli_write_json(const cli *c, const mlk_doc *doc)
{
    char *text;
    const mlk_status st = mlk_json_write(doc, &text);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const int status = cli_write(c, NULL, text, strlen(text));
    mlk_text_free(text);
    return status;
}
