#include "clean.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const methods[] = {"enn", "cv"};

int cleaning_check(const cli *c)
{
    const cli_settings *s = &c->set;
    if (!s->clean)
        return CLI_DONE;
    const int status = cli_check_word(c, "clean", s->clean, methods, 2);
    if (status != CLI_DONE)
        return status;
    if (!s->roles.target)
        return cli_usage(c, "--clean needs -t TARGET: it compares rows by it");
    if (s->cv || s->tune.n || s->path)
        return cli_usage(c,
                         "--clean and %s: folds without what contradicts the model flatter it; "
                         "judge with --test",
                         s->path ? "--path"
                         : s->cv ? "--cv"
                                 : "--tune");
    return CLI_DONE;
}

/* The rows that are no suspects, ascending, into rows; their number. */
static size_t list_kept(size_t n, const mlk_suspects *suspects, size_t *rows)
{
    size_t kept = 0, next = 0;
    for (size_t i = 0; i < n; i++) {
        if (next < mlk_suspects_count(suspects) && mlk_suspects_at(suspects, next).row == i)
            next++;
        else
            rows[kept++] = i;
    }
    return kept;
}

/* No class that had rows may be without. */
static int check_classes(const cli *c, const mlk_data *train, const mlk_data *kept,
                         const mlk_schema *schema)
{
    unsigned char *seen = calloc(train->n_classes + 1, 1);
    int status = seen ? CLI_DONE : cli_refuse(c, "out of memory");
    for (size_t i = 0; seen && train->n_classes && i < kept->y.n; i++)
        seen[(size_t)kept->y.data[i]] = 1;
    for (size_t i = 0; status == CLI_DONE && train->n_classes && i < train->y.n; i++)
        if (!seen[(size_t)train->y.data[i]])
            status = cli_refuse(c, "--clean %s leaves no row of class '%s'", c->set.clean,
                                mlk_schema_class(schema, (size_t)train->y.data[i]));
    free(seen);
    return status;
}

static int leave_out(cli *c, const mlk_dataset *dataset, mlk_data *train, cleaning *out)
{
    size_t *rows = malloc((train->X.rows + 1) * sizeof *rows);
    if (!rows)
        return cli_refuse(c, "out of memory");
    const size_t kept = list_kept(train->X.rows, out->suspects, rows);
    const mlk_status st = mlk_subset_new(train, rows, kept, &c->run, &out->kept);
    free(rows);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const int status = check_classes(c, train, &out->kept.data, mlk_dataset_schema(dataset));
    *train = out->kept.data;
    return status;
}

int cleaning_run(cli *c, const learner *l, const mlk_dataset *dataset, const size_t *rows,
                 mlk_data *train, cleaning *out)
{
    mlk_clean_opts opts = mlk_clean_opts_default();
    if (!c->set.clean)
        return CLI_DONE;
    opts.method = strcmp(c->set.clean, "cv") == 0 ? MLK_CLEAN_CV : MLK_CLEAN_ENN;
    opts.algo = &mlk_pipeline_algo;
    opts.algo_opts = &l->pipeline;
    opts.seed = c->set.seed;
    const mlk_status st = mlk_clean_find(train, &opts, &c->run, &out->suspects);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const size_t n = mlk_suspects_count(out->suspects);
    out->lines = malloc((n + 1) * sizeof *out->lines);
    if (!out->lines)
        return cli_refuse(c, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const size_t row = mlk_suspects_at(out->suspects, i).row;
        out->lines[i] = mlk_dataset_row(dataset, rows ? rows[row] : row) + 1;
    }
    return n ? leave_out(c, dataset, train, out) : CLI_DONE;
}

/* -------------------------------------------------------------------------- reporting */

static void put_target(mlk_doc *to, const char *key, double value, const mlk_schema *schema)
{
    if (mlk_schema_n_classes(schema))
        mlk_doc_put_text(to, key, mlk_schema_class(schema, (size_t)value));
    else
        mlk_doc_put_real(to, key, value);
}

static void put_reason(mlk_doc *to, const mlk_suspect *s, bool enn)
{
    char text[120];
    if (enn)
        snprintf(text, sizeof text, "most of its 3 nearest rows are of the class predicted");
    else if (isnan(s->deviations))
        snprintf(text, sizeof text, "predicted otherwise by a fit without it");
    else
        snprintf(text, sizeof text, "residual of a fit without it: %.1f robust standard deviations",
                 s->deviations);
    mlk_doc_put_text(to, "why", text);
}

void cleaning_report(const cli *c, const cleaning *t, const mlk_schema *schema, mlk_doc *to)
{
    if (!t->suspects)
        return;
    const bool enn = strcmp(c->set.clean, "enn") == 0;
    mlk_doc *map = mlk_doc_put_map(to, "cleaned");
    const size_t n = mlk_suspects_count(t->suspects);
    mlk_doc_put_text(map, "method", c->set.clean);
    mlk_doc_put_int(map, "count", (int64_t)n);
    mlk_doc *list = mlk_doc_put_list(map, "rows");
    for (size_t i = 0; i < n; i++) {
        const mlk_suspect s = mlk_suspects_at(t->suspects, i);
        mlk_doc *row = mlk_doc_put_map(list, NULL);
        mlk_doc_put_int(row, "row", (int64_t)t->lines[i]);
        put_target(row, "truth", s.truth, schema);
        put_target(row, "predicted", s.predicted, schema);
        put_reason(row, &s, enn);
    }
}

/* A class, or a number. */
static void print_target(const mlk_doc *v)
{
    if (mlk_doc_kind_of(v) == MLK_DOC_TEXT)
        printf("%s", mlk_doc_text(v));
    else
        printf("%.6g", mlk_doc_real(v));
}

void cleaning_print(const cli *c, const mlk_doc *report)
{
    const mlk_doc *cleaned = mlk_doc_find(report, "cleaned"), *rows = mlk_doc_find(cleaned, "rows");
    if (!cleaned)
        return;
    printf("cleaned (%s): %zu rows left out%s\n", mlk_doc_text(mlk_doc_find(cleaned, "method")),
           mlk_doc_size(rows), mlk_doc_size(rows) && !c->set.verbose ? "; -v lists them" : "");
    for (size_t i = 0; c->set.verbose && i < mlk_doc_size(rows); i++) {
        const mlk_doc *row = mlk_doc_at(rows, i);
        printf("  row %lld: ", (long long)mlk_doc_int(mlk_doc_find(row, "row")));
        print_target(mlk_doc_find(row, "truth"));
        printf(", predicted ");
        print_target(mlk_doc_find(row, "predicted"));
        printf(": %s\n", mlk_doc_text(mlk_doc_find(row, "why")));
    }
}

void cleaning_free(cleaning *t)
{
    mlk_suspects_free(t->suspects);
    mlk_subset_free(&t->kept);
    free(t->lines);
    *t = (cleaning){0};
}
