#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* A manual page of a program, in roff, on stdout: `mlkit-manual fit`. */

extern const cli_tool fit_tool, eval_tool, predict_tool, show_tool, compare_tool;

/* Text with what roff would read as its own escaped. */
static void put(const char *s)
{
    bool line_start = true;
    for (; *s; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            fputs("\\&", stdout);
        if (*s == '\\')
            fputs("\\e", stdout);
        else if (*s == '-')
            fputs("\\-", stdout);
        else
            putchar(*s);
        line_start = *s == '\n';
    }
}

static void put_options(const cli_tool *tool)
{
    const cli_option *heading = NULL;
    for (const cli_option *o = cli_options; o->name; o++) {
        if (!o->tools) {
            heading = o;
            continue;
        }
        if (!(o->tools & tool->bit))
            continue;
        if (heading)
            printf(".SS %s\n", heading->name);
        heading = NULL;
        printf(".TP\n");
        if (o->letter)
            printf("\\fB\\-%c\\fR, ", o->letter);
        printf("\\fB\\-\\-");
        put(o->name);
        printf("\\fR");
        if (o->arg) {
            printf(" \\fI");
            put(o->arg);
            printf("\\fR");
        }
        printf("\n");
        put(o->help);
        printf("\n");
    }
}

static void put_models(void)
{
    size_t n;
    const mlk_algo *const *algos = mlk_algo_list(&n);
    printf(".SH MODELS\n");
    for (size_t i = 0; i < n; i++) {
        printf(".SS %s\n", algos[i]->name);
        put(algos[i]->help);
        printf("\n");
        void *defaults = calloc(1, algos[i]->opts_size);
        if (!defaults)
            return;
        mlk_opts_set_default(algos[i]->opts, defaults);
        for (const mlk_opt *o = algos[i]->opts; o->name; o++) {
            char domain[256], value[128];
            printf(".TP\n\\fB");
            put(o->name);
            printf("\\fR (");
            put(mlk_opts_domain(o, domain, sizeof domain));
            printf("; default ");
            mlk_opts_format(o, defaults, value, sizeof value);
            put(*value ? value : "none");
            printf(")\n");
            put(o->help);
            printf("\n");
        }
        free(defaults);
    }
}

static void put_others(const cli_tool *const *tools, size_t n, const cli_tool *tool)
{
    const char *between = "";
    for (size_t i = 0; i < n; i++)
        if (tools[i] != tool) {
            printf("%s\\fB%s\\fR(1)", between, tools[i]->name);
            between = ", ";
        }
    printf("\n");
}

int main(int argc, char **argv)
{
    static const cli_tool *const tools[] = {&fit_tool, &eval_tool, &predict_tool, &show_tool,
                                            &compare_tool};
    for (size_t i = 0; argc == 2 && i < sizeof tools / sizeof tools[0]; i++) {
        const cli_tool *tool = tools[i];
        if (strcmp(tool->name + strlen("mlkit-"), argv[1]) != 0)
            continue;
        printf(".TH %s 1 \"\" \"mlkit %s\" \"User Commands\"\n.SH NAME\n%s \\- ", tool->name,
               mlk_version(), tool->name);
        put(tool->brief);
        printf("\n.SH SYNOPSIS\n.nf\n");
        put(tool->synopsis);
        printf("\n.fi\n.SH DESCRIPTION\n");
        put(tool->summary);
        printf("\n.SH OPTIONS\n");
        put_options(tool);
        if (tool->bit == CLI_FIT)
            put_models();
        printf(".SH EXAMPLES\n.nf\n");
        put(tool->examples);
        printf(".fi\n.SH EXIT STATUS\n0: done. 1: the data, a file, the model or the numerics "
               "refused. "
               "2: the command line is wrong.\n.SH SEE ALSO\n");
        put_others(tools, sizeof tools / sizeof tools[0], tool);
        return 0;
    }
    fprintf(stderr, "usage: mlkit-manual fit|eval|predict|show|compare\n");
    return 2;
}
