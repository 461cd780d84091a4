#include "show_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/preprocess/pipeline.h>
#include <mlkit/report/json.h>
#include <mlkit/report/text.h>
#include <mlkit/rules/apriori.h>

#include "learn.h"

static const char *const figures[] = {"support",  "confidence", "lift",
                                      "leverage", "conviction", "count"};
enum { FIGURES = sizeof figures / sizeof figures[0] };

bool is_rules(const mlk_model *pipeline)
{
    return mlk_model_algo(mlk_pipeline_inner(pipeline)) == &mlk_apriori_algo;
}

/* What puts items' names into documents. */
typedef struct namer {
    const mlk_apriori *rules;
    const mlk_schema *schema;
    mlk_doc *columns; /* owns the names of the design's columns, its only list */
    bool native;      /* design columns are the schema's */
} namer;

static void put_item(const namer *n, size_t i, mlk_doc *to)
{
    const mlk_item item = mlk_apriori_item(n->rules, i);
    const mlk_doc *columns = mlk_doc_find(n->columns, "features");
    const char *column = mlk_doc_text(mlk_doc_at(columns, item.column)), *const *levels = NULL;
    const size_t k = n->native ? mlk_schema_levels(n->schema, item.column, &levels) : 0;
    char text[1024];
    if (item.indicator)
        snprintf(text, sizeof text, "%s", column);
    else if (item.value >= 0.0 && item.value < (double)k)
        snprintf(text, sizeof text, "%s=%s", column, levels[(size_t)item.value]);
    else
        snprintf(text, sizeof text, "%s=%.15g", column, item.value);
    mlk_doc_put_text(to, NULL, text);
}

static void put_set(const namer *n, mlk_itemset set, const char *key, mlk_doc *to)
{
    mlk_doc *list = mlk_doc_put_list(to, key);
    for (size_t k = 0; k < set.n; k++)
        put_item(n, set.items[k], list);
}

void put_rules(const mlk_model *pipeline, const mlk_schema *schema, mlk_doc *to)
{
    namer n = {mlk_model_state(mlk_pipeline_inner(pipeline)), schema, mlk_doc_new(),
               mlk_pipeline_n_columns(pipeline) == mlk_schema_n_features(schema)};
    const double baskets = (double)mlk_apriori_n_baskets(n.rules);
    put_design_names(pipeline, schema, n.columns);
    const bool named =
        mlk_doc_size(mlk_doc_find(n.columns, "features")) == mlk_pipeline_n_columns(pipeline);
    mlk_doc *sets = mlk_doc_put_list(to, "itemsets"), *rules = mlk_doc_put_list(to, "rules");
    for (size_t i = 0; named && i < mlk_apriori_n_itemsets(n.rules); i++) {
        const mlk_itemset set = mlk_apriori_itemset(n.rules, i);
        mlk_doc *map = mlk_doc_put_map(sets, NULL);
        put_set(&n, set, "items", map);
        mlk_doc_put_real(map, "support", (double)set.count / baskets);
        mlk_doc_put_int(map, "count", (int64_t)set.count);
    }
    for (size_t i = 0; named && i < mlk_apriori_n_rules(n.rules); i++) {
        const mlk_rule r = mlk_apriori_rule(n.rules, i);
        mlk_doc *map = mlk_doc_put_map(rules, NULL);
        put_set(&n, r.antecedent, "antecedent", map);
        put_set(&n, r.consequent, "consequent", map);
        mlk_doc_put_real(map, "support", r.support);
        mlk_doc_put_real(map, "confidence", r.confidence);
        mlk_doc_put_real(map, "lift", r.lift);
        mlk_doc_put_real(map, "leverage", r.leverage);
        mlk_doc_put_real(map, "conviction", r.conviction);
        mlk_doc_put_int(map, "count", (int64_t)r.count);
    }
    mlk_doc_free(n.columns);
}

/* "a; b; c" of a list. */
static void write_items(FILE *to, const mlk_doc *list)
{
    for (size_t i = 0; i < mlk_doc_size(list); i++)
        fprintf(to, "%s%s", i ? "; " : "", mlk_doc_text(mlk_doc_at(list, i)));
}

void print_rules(const mlk_doc *learned)
{
    enum { SHOWN = 20 };
    static const char *const titles[] = {"rule", "support",  "confidence",
                                         "lift", "leverage", "conviction"};
    const mlk_doc *rules = mlk_doc_find(learned, "rules");
    const size_t n = mlk_doc_size(rules);
    mlk_text_table *t = mlk_text_table_new(titles, 6);
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const mlk_doc *r = mlk_doc_at(rules, i);
        char *text = NULL;
        size_t size;
        FILE *to = open_memstream(&text, &size);
        if (to) {
            write_items(to, mlk_doc_find(r, "antecedent"));
            fputs(" -> ", to);
            write_items(to, mlk_doc_find(r, "consequent"));
            fclose(to);
        }
        mlk_text_table_cell(t, text ? text : "");
        free(text);
        for (size_t k = 0; k < 5; k++) {
            const double v = mlk_doc_real(mlk_doc_find(r, figures[k]));
            if (isinf(v))
                mlk_text_table_cell(t, "inf");
            else
                mlk_text_table_number(t, v, 4);
        }
    }
    char *text = NULL;
    if (n && mlk_text_table_write(t, 2, &text) == MLK_OK)
        printf("\n%s", text);
    if (n > SHOWN)
        printf("  ... and %zu more (all with --csv or --json)\n", n - SHOWN);
    mlk_text_free(text);
    mlk_text_table_free(t);
}

/* A list of items as one field, quoted. */
static void write_field(FILE *to, const mlk_doc *list)
{
    fputc('"', to);
    for (size_t i = 0; i < mlk_doc_size(list); i++) {
        fputs(i ? "; " : "", to);
        for (const char *s = mlk_doc_text(mlk_doc_at(list, i)); *s; s++) {
            if (*s == '"')
                fputc('"', to);
            fputc(*s, to);
        }
    }
    fputc('"', to);
}

/* A comma, and as many digits as it takes to read the number back; an infinite conviction is a
 * missing field. */
static void write_number(FILE *to, double v)
{
    char text[40] = "";
    for (int digits = 15; isfinite(v) && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    fprintf(to, ",%s", text);
}

int write_rules(const cli *c, const mlk_doc *learned, const char *path)
{
    const mlk_doc *rules = mlk_doc_find(learned, "rules");
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return cli_refuse(c, "out of memory");
    fputs("antecedent,consequent", to);
    for (size_t k = 0; k < FIGURES; k++)
        fprintf(to, ",%s", figures[k]);
    fputc('\n', to);
    for (size_t i = 0; i < mlk_doc_size(rules); i++) {
        const mlk_doc *r = mlk_doc_at(rules, i);
        write_field(to, mlk_doc_find(r, "antecedent"));
        fputc(',', to);
        write_field(to, mlk_doc_find(r, "consequent"));
        for (size_t k = 0; k < FIGURES; k++)
            write_number(to, mlk_doc_real(mlk_doc_find(r, figures[k])));
        fputc('\n', to);
    }
    const bool failed = ferror(to) != 0;
    const bool closed = fclose(to) == 0;
    const int status =
        failed || !closed ? cli_refuse(c, "out of memory") : cli_write(c, path, text, size);
    free(text);
    return status;
}
