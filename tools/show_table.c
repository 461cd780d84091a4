#include "show_table.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <mlkit/report/json.h>
#include <mlkit/report/table_summary.h>
#include <mlkit/report/text.h>

#include "render.h"
#include "table_chart.h"

bool is_table(const cli *c, const char *path)
{
    static const unsigned char model[] = {0xD9, 0xD9, 0xF7};
    unsigned char start[sizeof model] = {0};
    const cli_settings *s = &c->set;
    if (s->text || s->c || s->libsvm || s->dot || s->rules || s->explain >= 0)
        return false;
    const bool standard = strcmp(path, "-") == 0;
    const size_t n = strlen(path);
    const int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return n < 4 || strcmp(path + n - 4, ".mlk") != 0;
    const ssize_t got = pread(fd, start, sizeof start, 0); /* nothing of a pipe */
    if (!standard)
        close(fd);
    if (got == (ssize_t)sizeof start && memcmp(start, model, sizeof model) == 0)
        return false;
    return n < 4 || strcmp(path + n - 4, ".mlk") != 0;
}

/* ------------------------------------------------------------------------- text */

static void cell_count(mlk_text_table *t, size_t n)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", n);
    mlk_text_table_cell(t, text);
}

/* "39.9 %" */
static const char *percent(size_t part, size_t whole, char *buf, size_t size)
{
    const double share = whole ? 100.0 * (double)part / (double)whole : 0.0;
    snprintf(buf, size, "%.*f %%", share < 10.0 && part ? 1 : 0, share);
    return buf;
}

/* A histogram in ten letters. */
static const char *sparkline(const mlk_column_summary *c, char *buf)
{
    enum { WIDTH = 10 };
    static const char *const bars[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                       "\u2585", "\u2586", "\u2587", "\u2588"};
    size_t counts[MLK_SUMMARY_BINS] = {0}, most = 1;
    const size_t merge = c->n_bins > WIDTH ? 2 : 1;
    for (size_t k = 0; k < c->n_bins; k++)
        counts[k / merge] += c->bins[k];
    const size_t n = (c->n_bins + merge - 1) / merge;
    for (size_t k = 0; k < n; k++)
        most = counts[k] > most ? counts[k] : most;
    buf[0] = '\0';
    for (size_t k = 0; k < n; k++) /* one that is there is seen */
        strcat(buf, bars[counts[k] ? 1 + (7 * counts[k] + most / 2) / most : 0]);
    return buf;
}

/* "Ideal 40 %, Premium 26 %, ..." */
static const char *shares(const mlk_column_summary *c, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = '\0';
    for (size_t k = 0; k < c->n_top && k < 4 && at < size; k++) {
        char share[32];
        at += (size_t)snprintf(buf + at, size - at, "%s%.24s %s", k ? ", " : "", c->top[k].level,
                               percent(c->top[k].count, c->numbers.n, share, sizeof share));
    }
    if (c->distinct > 4 && at < size)
        snprintf(buf + at, size - at, ", ...");
    return buf;
}

static void cell_target(mlk_text_table *t, const mlk_table_summary *s, size_t j)
{
    const mlk_column_summary *c = mlk_table_summary_column(s, j);
    char text[64] = "-", number[64];
    if (mlk_table_summary_target(s) == SIZE_MAX)
        return;
    if (c->target.kind != MLK_ASSOCIATION_NONE)
        snprintf(text, sizeof text, "%s %s", mlk_association_name(c->target.kind),
                 mlk_text_number(c->target.value, 2, number, sizeof number));
    mlk_text_table_cell(t, j == mlk_table_summary_target(s) ? "target" : text);
    mlk_text_table_cell(t, isnan(c->power) ? "-"
                                           : mlk_text_number(c->power, 2, number, sizeof number));
}

static size_t count_type(const mlk_table_summary *s, mlk_column_type type)
{
    size_t n = 0;
    for (size_t j = 0; j < mlk_table_summary_cols(s); j++)
        n += mlk_table_summary_column(s, j)->type == type;
    return n;
}

static void print_numeric(const mlk_table_summary *s)
{
    static const char *const titles[] = {"numeric", "missing", "distinct", "mean", "sd",
                                         "min",     "25%",     "median",   "75%",  "max",
                                         "",        "target",  "power"};
    const bool target = mlk_table_summary_target(s) != SIZE_MAX;
    mlk_text_table *t = mlk_text_table_new(titles, target ? 13 : 11);
    for (size_t j = 0; j < mlk_table_summary_cols(s); j++) {
        const mlk_column_summary *c = mlk_table_summary_column(s, j);
        const mlk_description *d = &c->numbers;
        const double figures[] = {d->mean, d->sd, d->min, d->q1, d->median, d->q3, d->max};
        char line[64];
        if (c->type != MLK_NUMERIC)
            continue;
        mlk_text_table_cell(t, c->name);
        cell_count(t, c->missing);
        cell_count(t, c->distinct);
        for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
            mlk_text_table_number(t, figures[k], 4);
        mlk_text_table_cell(t, sparkline(c, line));
        cell_target(t, s, j);
    }
    printf("\n");
    render_table(t, 2);
}

static void print_categorical(const mlk_table_summary *s)
{
    static const char *const titles[] = {"categorical",   "missing", "distinct",
                                         "most frequent", "target",  "power"};
    const bool target = mlk_table_summary_target(s) != SIZE_MAX;
    mlk_text_table *t = mlk_text_table_new(titles, target ? 6 : 4);
    for (size_t j = 0; j < mlk_table_summary_cols(s); j++) {
        const mlk_column_summary *c = mlk_table_summary_column(s, j);
        char text[240];
        if (c->type != MLK_CATEGORICAL)
            continue;
        mlk_text_table_cell(t, c->name);
        cell_count(t, c->missing);
        cell_count(t, c->distinct);
        mlk_text_table_cell(t, shares(c, text, sizeof text));
        cell_target(t, s, j);
    }
    printf("\n");
    render_table(t, 2);
}

static void print_target(const mlk_table_summary *s)
{
    const size_t target = mlk_table_summary_target(s);
    const mlk_level_count *classes;
    const size_t k = mlk_table_summary_classes(s, &classes);
    if (target == SIZE_MAX)
        return;
    const mlk_column_summary *c = mlk_table_summary_column(s, target);
    printf("target %s: ", c->name);
    if (!k)
        printf("numbers\n");
    for (size_t i = 0; i < k && i < 20; i++) {
        char share[32];
        printf(
            "%s%s %zu (%s)", i ? ", " : "", classes[i].level, classes[i].count,
            percent(classes[i].count, mlk_table_summary_rows(s) - c->missing, share, sizeof share));
    }
    if (k)
        printf("%s\n", k > 20 ? ", ..." : "");
}

static void print_text(const mlk_table_summary *s)
{
    const mlk_remark *remarks;
    const size_t n = mlk_table_summary_remarks(s, &remarks), cols = mlk_table_summary_cols(s),
                 rows = mlk_table_summary_rows(s), missing = mlk_table_summary_missing(s),
                 numeric = count_type(s, MLK_NUMERIC);
    char share[32];
    printf("%s: %zu row%s, %zu column%s (%zu numeric, %zu categorical), ",
           mlk_table_summary_name(s), rows, rows == 1 ? "" : "s", cols, cols == 1 ? "" : "s",
           numeric, cols - numeric);
    if (missing)
        printf("%zu values missing (%s)\n", missing,
               percent(missing, cols * rows, share, sizeof share));
    else
        printf("none missing\n");
    print_target(s);
    if (numeric)
        print_numeric(s);
    if (numeric < cols)
        print_categorical(s);
    if (mlk_table_summary_sampled(s) < rows)
        printf("\ncolumns compared on %zu rows\n", mlk_table_summary_sampled(s));
    if (n)
        printf("\nto know before learning from it\n");
    for (size_t i = 0; i < n; i++)
        printf("  - %s\n", remarks[i].text);
}

static int print(cli *c, const mlk_table_summary *s)
{
    const mlk_remark *remarks;
    const size_t n = mlk_table_summary_remarks(s, &remarks);
    for (size_t i = 0; c->set.strict && i < n; i++)
        cli_warn(c, remarks[i].text);
    if (cli_strict(c) != CLI_DONE)
        return CLI_REFUSED;
    if (c->set.json) {
        mlk_doc *doc = mlk_doc_new();
        mlk_doc_put_text(doc, "tool", c->tool->name);
        mlk_doc_put_text(doc, "version", mlk_version());
        mlk_table_summary_report(s, doc);
        const int status = cli_write_json(c, doc);
        mlk_doc_free(doc);
        return status;
    }
    if (!c->set.quiet)
        print_text(s);
    return CLI_DONE;
}

/* The picture of --plot, before anything is printed. */
static int draw(const cli *c, const mlk_table *table, const mlk_table_summary *s, picture *pic)
{
    char title[512];
    if (!c->set.plot)
        return CLI_DONE;
    const size_t n = table_chart_all(table, s, pic), all = mlk_table_summary_cols(s);
    if (n < all)
        snprintf(title, sizeof title, "%s: %zu of %zu columns", mlk_table_name(table), n, all);
    else
        snprintf(title, sizeof title, "%s", mlk_table_name(table));
    return picture_make(c, pic, title, "a table of constant columns");
}

static int show_summary(cli *c, const mlk_table *table)
{
    mlk_table_summary *summary;
    picture pic = {.n = 0};
    const mlk_status st =
        mlk_table_summary_new(table, c->set.roles.target, c->set.roles.task, &c->run, &summary);
    int status = st == MLK_OK ? draw(c, table, summary, &pic) : cli_failed(c, st);
    if (status == CLI_DONE)
        status = picture_save(c, &pic);
    if (status == CLI_DONE)
        status = print(c, summary);
    picture_free(&pic);
    mlk_table_summary_free(summary);
    return status;
}

int show_table(cli *c, const char *path)
{
    mlk_table *table;
    int status = cli_read_table(c, path, &table);
    if (status != CLI_DONE)
        return status;
    status = show_summary(c, table);
    mlk_table_free(table);
    return status;
}
