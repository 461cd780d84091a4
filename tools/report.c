#include "report.h"
#include "table_chart.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mlkit/core/file.h>
#include <mlkit/report/json.h>
#include <mlkit/report/table_summary.h>

#include "picture.h"

bool report_wanted(const cli *c) { return c->set.report || c->set.plots; }

/* Is there such a program on the path? */
static bool has_program(const char *name)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        char file[4096];
        const size_t n = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)n, path, name);
        if (access(file, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

/* A folder that is not there is better known before the work than after it. */
static int check_folder(const cli *c, const char *path)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path ? path : "");
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        folder[--n] = '\0';
    char *slash = strrchr(folder, '/');
    if (!slash)
        return CLI_DONE;
    slash[slash == folder] = '\0';
    return access(folder, W_OK) == 0 ? CLI_DONE : cli_refuse(c, "%s: %s", path, strerror(errno));
}

int report_check(const cli *c)
{
    static const char *const words[] = {"svg", "pdf", "png"};
    const int status = cli_check_word(c, "plot-format", c->set.plot_format, words, 3);
    if (status != CLI_DONE)
        return status;
    if (c->set.plot_format && !c->set.plots)
        return cli_usage(c, "--plot-format is of --plots DIR, which is not given");
    if (c->set.plots && !has_program("gnuplot"))
        return cli_refuse(c, "--plots needs gnuplot, which is not installed (Debian: gnuplot-nox)");
    const int found = check_folder(c, c->set.report);
    return found == CLI_DONE ? check_folder(c, c->set.plots) : found;
}

static void fail(report *r, mlk_status st)
{
    if (r->status == CLI_DONE && st != MLK_OK)
        r->status = cli_failed(r->c, st);
}

void report_begin(cli *c, const char *title, const char *subtitle, report *r)
{
    static const char *const words[] = {"svg", "pdf", "png"};
    *r = (report){.c = c, .page = mlk_page_new(title, subtitle)};
    for (int i = 0; i < 3; i++)
        if (c->set.plot_format && strcmp(c->set.plot_format, words[i]) == 0)
            r->format = (mlk_plot_format[]){MLK_PLOT_SVG, MLK_PLOT_PDF, MLK_PLOT_PNG}[i];
}

void report_free(report *r)
{
    mlk_page_free(r->page);
    for (size_t i = 0; i < r->n_files; i++) {
        free(r->files[i].name);
        mlk_text_free(r->files[i].bytes);
    }
    free(r->files);
    *r = (report){0};
}

/* --------------------------------------------------------------------- pictures */

enum { WIDTH = 420, WIDE = 660 }; /* of a chart, in CSS pixels */

/* Keep a picture for --plots under its name, with a number where there are two of it. */
static void keep(report *r, const char *name, char *bytes, size_t size)
{
    static const char *const endings[] = {
        [MLK_PLOT_SVG] = "svg", [MLK_PLOT_PDF] = "pdf", [MLK_PLOT_PNG] = "png"};
    report_file *files = realloc(r->files, (r->n_files + 1) * sizeof *files);
    char full[400], plain[300];
    size_t n = 0, twice = 0;
    for (; name[n] && n < sizeof plain - 1; n++)
        plain[n] = (name[n] >= 'a' && name[n] <= 'z') || (name[n] >= 'A' && name[n] <= 'Z') ||
                           (name[n] >= '0' && name[n] <= '9')
                       ? name[n]
                       : '-';
    plain[n] = '\0';
    if (files)
        r->files = files;
    do {
        if (twice++)
            snprintf(full, sizeof full, "%s-%zu.%s", plain, twice, endings[r->format]);
        else
            snprintf(full, sizeof full, "%s.%s", plain, endings[r->format]);
        for (n = 0; n < r->n_files && strcmp(r->files[n].name, full) != 0;)
            n++;
    } while (n < r->n_files);
    char *copy = files ? strdup(full) : NULL;
    if (!copy) {
        mlk_text_free(bytes);
        r->status = cli_refuse(r->c, "out of memory");
        return;
    }
    r->files[r->n_files++] = (report_file){copy, bytes, size};
}

/* One picture, of a chart or of a graph: for the page, and for --plots. */
static void add_picture(report *r, const char *name, const char *caption, const mlk_plot *plot,
                        const char *dot, bool wide, double width)
{
    char id[32], *bytes;
    size_t size;
    mlk_plot_opts opts = mlk_plot_opts_default();
    opts.title = dot ? caption : NULL;
    if (r->c->set.plots) {
        opts.format = r->format;
        r->status = dot ? picture_draw_graph(r->c, dot, &opts, &bytes, &size)
                        : picture_draw(r->c, &plot, 1, &opts, &bytes, &size);
        if (r->status == CLI_DONE)
            keep(r, name, bytes, size);
    }
    if (r->status != CLI_DONE || !r->c->set.report)
        return;
    snprintf(id, sizeof id, "plot-%zu", ++r->pictures);
    opts.format = MLK_PLOT_SVG;
    opts.standalone = false;
    opts.untitled = true;
    opts.id = id;
    opts.width = width;
    opts.height = wide ? 480 : 320;
    r->status = dot ? picture_draw_graph(r->c, dot, &opts, &bytes, &size)
                    : picture_draw(r->c, &plot, 1, &opts, &bytes, &size);
    if (r->status == CLI_DONE) {
        if (wide)
            mlk_page_wide_picture(r->page, caption, bytes, dot != NULL);
        else
            mlk_page_picture(r->page, caption, bytes);
        mlk_text_free(bytes);
    }
}

static bool drawable(report *r, const char *program, const char *package, const char *caption)
{
    char why[200];
    if (r->status != CLI_DONE)
        return false;
    if (has_program(program))
        return true;
    snprintf(why, sizeof why, "<p class=\"warn\">Not drawn: %s is not installed (Debian: %s).</p>",
             program, package);
    mlk_page_picture(r->page, caption, why);
    return false;
}

static void chart(report *r, const char *name, const char *caption, mlk_plot *plot, bool wide,
                  double width)
{
    if (drawable(r, "gnuplot", "gnuplot-nox", caption))
        add_picture(r, name, caption, plot, NULL, wide, width);
    mlk_plot_free(plot);
}

void report_chart(report *r, const char *name, const char *caption, mlk_plot *plot)
{
    chart(r, name, caption, plot, false, WIDTH);
}

void report_chart_of(report *r, const char *name, const char *caption, mlk_plot *plot,
                     const char *const *names, size_t n)
{
    enum { SHORT = 10, MOST = 28, LETTER = 7 };
    size_t longest = SHORT;
    for (size_t i = 0; i < n; i++)
        longest = strlen(names[i]) > longest ? strlen(names[i]) : longest;
    longest = longest < MOST ? longest : MOST;
    chart(r, name, caption, plot, false, WIDTH + LETTER * (double)(longest - SHORT));
}

void report_graph(report *r, const char *name, const char *caption, const char *dot)
{
    if (drawable(r, "dot", "graphviz", caption))
        add_picture(r, name, caption, NULL, dot, true, WIDE);
}

/* -------------------------------------------------------------------- the table */

static void add_map(report *r, const mlk_table_summary *s, const char *name)
{
    char caption[160], file[300];
    size_t n;
    mlk_plot *map = table_chart_map(s, &n);
    if (n < 2)
        return;
    snprintf(caption, sizeof caption,
             "How columns hang together: r of numbers, \u03b7 of numbers and categories, V of "
             "categories%s",
             n == TABLE_CHART_COLUMNS ? "; the columns closest to the target" : "");
    snprintf(file, sizeof file, "%scorrelation", name);
    chart(r, file, caption, map, n > 6, n > 6 ? WIDE : WIDTH);
}

void report_table(report *r, const mlk_table *table, const char *name, const char *target,
                  const char *task)
{
    mlk_table_summary *summary;
    if (r->status != CLI_DONE)
        return;
    mlk_run run = r->c->run;
    run.warn = NULL;
    run.progress = NULL;
    const mlk_status st = mlk_table_summary_new(table, target, task, &run, &summary);
    fail(r, st);
    if (st != MLK_OK)
        return;
    mlk_page_table_summary(r->page, summary);
    add_map(r, summary, name);
    mlk_table_summary_free(summary);
}

/* -------------------------------------------------------------------- repeating */

/* A word as a shell takes it. */
static size_t quoted(const char *word, char *to, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_=+:,./%@^";
    size_t n = 0;
    const bool quote = !*word || word[strspn(word, plain)];
    if (!quote)
        return (size_t)snprintf(to, size, "%s", word);
    to[n++] = '\'';
    for (; *word && n + 6 < size; word++)
        n += (size_t)snprintf(to + n, size - n, *word == '\'' ? "'\\''" : "%c", *word);
    return n + (size_t)snprintf(to + n, size - n, "'");
}

/* The command as it was typed; without --threads, which changes nothing. */
static char *command_of(const cli *c)
{
    size_t size = 100, n;
    for (int i = 0; i < c->argc; i++)
        size += 4 * strlen(c->argv[i]) + 4;
    char *text = malloc(size);
    if (!text)
        return NULL;
    n = (size_t)snprintf(text, size, "%s", c->tool->name);
    for (int i = 1; i < c->argc; i++) {
        if (strcmp(c->argv[i], "--threads") == 0)
            i++;
        else if (strncmp(c->argv[i], "--threads=", 10) != 0) {
            text[n++] = ' ';
            n += quoted(c->argv[i], text + n, size - n);
        }
    }
    return text;
}

void report_repeat(report *r, const char *const *files, size_t n)
{
    static const char *const titles[] = {"File", "SHA-256"};
    if (r->status != CLI_DONE)
        return;
    char *command = command_of(r->c);
    if (!command) {
        r->status = cli_refuse(r->c, "out of memory");
        return;
    }
    mlk_page_section(r->page, "How to repeat it");
    mlk_page_code(r->page, command);
    free(command);
    mlk_page_text(r->page,
                  "mlkit %s, seed %lld. The same version gives the same figures on any number of "
                  "threads; only seconds differ.",
                  mlk_version(), (long long)r->c->set.seed);
    mlk_page_table(r->page, "Files that were read (check with sha256sum)", titles, 2);
    for (size_t i = 0; i < n; i++) {
        char hex[65] = "read from standard input";
        if (strcmp(files[i], "-") != 0 && mlk_file_sha256(files[i], hex) != MLK_OK)
            snprintf(hex, sizeof hex, "no longer there");
        mlk_page_cell(r->page, files[i]);
        mlk_page_cell(r->page, hex);
    }
    mlk_page_table_end(r->page);
}

/* ---------------------------------------------------------------------- writing */

static int write_files(const report *r)
{
    const char *folder = r->c->set.plots;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cli_refuse(r->c, "%s: %s", folder, strerror(errno));
    for (size_t i = 0; i < r->n_files; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, r->files[i].name);
        const int status = cli_write(r->c, path, r->files[i].bytes, r->files[i].size);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

int report_write(report *r)
{
    char *html = NULL;
    if (r->status == CLI_DONE)
        fail(r, mlk_page_finish(r->page, &html));
    if (r->status == CLI_DONE && r->c->set.plots)
        r->status = write_files(r);
    if (r->status == CLI_DONE && r->c->set.report)
        r->status = cli_write(r->c, r->c->set.report, html, strlen(html));
    mlk_text_free(html);
    return r->status;
}
