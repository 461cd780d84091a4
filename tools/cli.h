#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <mlkit/core.h>
#include <mlkit/data/dataset.h>
#include <mlkit/data/table.h>
#include <mlkit/model.h>

#include <stdio.h>

/*
 * What the programs share: the table of options (from which the parser, --help and the manual
 * pages are made), messages, and the steps from a command line to a dataset.
 */

enum { CLI_FIT = 1, CLI_EVAL = 2, CLI_PREDICT = 4, CLI_SHOW = 8, CLI_COMPARE = 16 };

/* Exit statuses of the contract. */
enum { CLI_DONE = 0, CLI_REFUSED = 1, CLI_USAGE = 2 };

/* Texts given by a repeatable option, in order. */
typedef struct cli_list {
    const char **items;
    size_t n;
} cli_list;

/* All that can be said on a command line; what was not said is zero. */
typedef struct cli_settings {
    bool help, version, list, json, quiet, verbose, strict;
    const char *output, *plot, *colour, *axes;
    const char *report, *plots, *plot_format;
    int64_t threads, seed;
    /* tables */
    const char *delimiter, *format, *categorical, *numeric;
    bool no_header;
    mlk_roles roles;
    /* preprocessing */
    const char *impute, *encode, *scale;
    int64_t poly;
    /* fitting */
    cli_list set, tune;
    const char *cv, *folds, *search, *scoring, *path, *rule, *test, *clean, *baskets;
    /* comparing */
    cli_list models;
    bool csv, learning_curve;
    int64_t bootstrap; /* samples; 0: none */
    const char *save_best, *threshold, *validation_curve;
    /* evaluation */
    const char *predictions, *truth, *predicted, *score, *scores;
    double beta;
    bool importances;
    /* prediction */
    bool probabilities, decision, transform, append;
    /* showing */
    bool text, dot, rules, c, libsvm;
    int64_t explain; /* node; -1: none */
    const char *c_name;
} cli_settings;

typedef struct cli cli;
typedef struct cli_files cli_files;

/* What sort of value an option takes. */
typedef enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_INT, CLI_REAL, CLI_LIST } cli_kind;

/* One option: everything that is known of it. */
typedef struct cli_option {
    const char *name;
    char letter; /* 0: none */
    cli_kind kind;
    size_t offset;   /* of the field in cli_settings */
    unsigned tools;  /* which programs take it */
    double lo;       /* least INT or REAL */
    const char *arg; /* how help calls its value */
    const char *help;
} cli_option;

/* The options, ending with one without a name; a row of CLI_FLAG without letter, offset and tools
 * is the heading of those that follow. */
extern const cli_option cli_options[];

/* A program: its name, what follows it on the command line, and what it does. */
typedef struct cli_tool {
    unsigned bit;
    const char *name;
    const char *brief; /* what it does in a few words */
    const char *synopsis;
    const char *summary;
    const char *examples; /* lines of shell */
    int (*main)(cli *c);
} cli_tool;

struct cli {
    const cli_tool *tool;
    int argc; /* the command line as it came */
    char **argv;
    cli_settings set;
    const char **args; /* what is no option */
    size_t n_args;
    mlk_run run; /* warnings counted, progress drawn */
    size_t warnings;
    double started, drawn; /* of the progress bar */
    void *memory;          /* popt's context, which owns args */
    cli_list owned;        /* the options' values */
    cli_files *files;      /* written, but in their places only when all went well */
};

/* The whole life of a program. */
int cli_main(const cli_tool *tool, int argc, char **argv);

/* "TOOL: text" to stderr. Return the status, for `return cli_...(...)`. */
__attribute__((format(printf, 2, 3))) int cli_usage(const cli *c, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) int cli_refuse(const cli *c, const char *fmt, ...);
/* Too many arguments, or too few. */
int cli_arguments(const cli *c, const char *expected);
/* The text of a failed call: exit status 1. */
int cli_failed(const cli *c, mlk_status status);
void cli_warn(cli *c, const char *text);
/* 1 when --strict and anything was warned about, else 0. Call before any output is written. */
int cli_strict(const cli *c);

/* Was the text "name", or, when none of the candidates, an error with the nearest? */
int cli_check_word(const cli *c, const char *option, const char *value, const char *const *words,
                   size_t n);

/* --scoring must be some metric; whether it is one of the task, the data will tell. */
int cli_check_scoring(const cli *c);

/* An algorithm by name; on failure the message is out and the result NULL. */
const mlk_algo *cli_find_algo(const cli *c, const char *name);

/* Read the table of a path with the settings' reader options. */
int cli_read_table(cli *c, const char *path, mlk_table **table);
/* stdout and files: "-" or NULL is stdout. Files appear together when the program ends well. */
int cli_write(const cli *c, const char *path, const char *text, size_t size);
/* The document as JSON to stdout. */
int cli_write_json(const cli *c, const mlk_doc *doc);

#endif
