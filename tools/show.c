#include <stdlib.h>
#include <string.h>

#include <mlkit/core/file.h>
#include <mlkit/preprocess/model_file.h>
#include <mlkit/report/c_source.h>
#include <mlkit/report/json.h>
#include <mlkit/report/text.h>
#include <mlkit/svm/libsvm.h>
#include <mlkit/tree/show.h>

#include "draw.h"
#include "learn.h"
#include "render.h"
#include "show_table.h"
#include "show_rules.h"
#include "show_tree.h"

/* ------------------------------------------------------------------ a model file */

static mlk_doc *describe(const cli *c, const mlk_model_file *file)
{
    const mlk_model *inner = mlk_pipeline_inner(file->pipeline);
    const mlk_schema *schema = file->schema;
    const mlk_algo *algo = mlk_model_algo(inner);
    mlk_doc *doc = mlk_doc_new();
    mlk_doc_put_text(doc, "tool", c->tool->name);
    mlk_doc_put_text(doc, "version", mlk_version());
    mlk_doc_put_text(doc, "written_by", mlk_doc_text(mlk_doc_find(file->doc, "tool")));
    mlk_doc_put_text(doc, "model", algo->name);
    mlk_doc_put_text(doc, "task", mlk_task_name(mlk_task_of(algo, schema)));
    learner_params(file->pipeline, mlk_doc_put_map(doc, "params"));
    mlk_doc_put_text(doc, "target", mlk_schema_target(schema));
    if (mlk_schema_n_classes(schema)) {
        mlk_doc *classes = mlk_doc_put_list(doc, "classes");
        for (size_t i = 0; i < mlk_schema_n_classes(schema); i++)
            mlk_doc_put_text(classes, NULL, mlk_schema_class(schema, i));
    } else {
        mlk_doc_put_null(doc, "classes");
    }
    mlk_doc *columns = mlk_doc_put_list(doc, "columns");
    for (size_t j = 0; j < mlk_schema_n_features(schema); j++) {
        const char *const *levels;
        const size_t n = mlk_schema_levels(schema, j, &levels);
        mlk_doc *column = mlk_doc_put_map(columns, NULL);
        mlk_doc_put_text(column, "name", mlk_schema_feature(schema, j));
        mlk_doc_put_text(column, "type", n ? "categorical" : "numeric");
        if (!n)
            continue;
        mlk_doc *list = mlk_doc_put_list(column, "levels");
        for (size_t i = 0; i < n; i++)
            mlk_doc_put_text(list, NULL, levels[i]);
    }
    mlk_doc_put_copy(doc, "notes", file->notes);
    mlk_doc *learned = mlk_doc_put_map(doc, "learned");
    put_design_names(file->pipeline, schema, learned);
    mlk_model_learned(inner, learned);
    if (is_tree(file))
        put_tree_nodes(file, learned);
    if (is_rules(file->pipeline))
        put_rules(file->pipeline, schema, learned);
    return doc;
}

static void print_text(const mlk_doc *doc)
{
    const mlk_doc *columns = mlk_doc_find(doc, "columns");
    const char *target = mlk_doc_text(mlk_doc_find(doc, "target"));
    printf("%s: %s%s%s, written by %s\n", mlk_doc_text(mlk_doc_find(doc, "model")),
           mlk_doc_text(mlk_doc_find(doc, "task")), target ? " of " : "", target ? target : "",
           mlk_doc_text(mlk_doc_find(doc, "written_by")));
    render_params("parameters:", mlk_doc_find(doc, "params"));
    render_fit(mlk_doc_find(mlk_doc_find(doc, "notes"), "fit"));
    printf("columns:");
    for (size_t j = 0; j < mlk_doc_size(columns); j++) {
        const mlk_doc *column = mlk_doc_at(columns, j);
        const size_t levels = mlk_doc_size(mlk_doc_find(column, "levels"));
        printf("%s %s", j ? "," : "", mlk_doc_text(mlk_doc_find(column, "name")));
        if (levels)
            printf(" (%zu levels)", levels);
    }
    printf("\n\nlearned\n");
    render_learned(mlk_doc_find(doc, "learned"), mlk_doc_find(doc, "classes"));
    print_rules(mlk_doc_find(doc, "learned"));
}

static int write_c(const cli *c, const mlk_model_file *file)
{
    char *source;
    const mlk_status st =
        mlk_c_source_write(file, c->set.c_name ? c->set.c_name : "mlk_model", &source);
    if (st != MLK_OK)
        return st == MLK_EINVAL ? cli_usage(c, "--name: %s", mlk_error_message(st))
                                : cli_failed(c, st);
    const int status = cli_write(c, c->set.output, source, strlen(source));
    mlk_text_free(source);
    return status;
}

/* Does the preprocessing hand numbers on as they are? It is affine in each column: two rows tell.
 */
static mlk_status leaves_columns_alone(const mlk_model *pipeline, bool *alone)
{
    const size_t p = mlk_model_n_features(pipeline), q = mlk_pipeline_n_columns(pipeline);
    *alone = false;
    if (p != q)
        return MLK_OK;
    double *in = calloc(4 * p, sizeof *in), *out = in + 2 * p;
    if (!in)
        return MLK_ENOMEM;
    for (size_t j = 0; j < p; j++)
        in[p + j] = 1.0;
    const mlk_status st =
        mlk_pipeline_design(pipeline, (mlk_cmat){in, 2, p, p}, NULL, (mlk_mat){out, 2, p, p});
    *alone = memcmp(in, out, 2 * p * sizeof *in) == 0;
    free(in);
    return st;
}

/* LIBSVM's labels are integers: the classes themselves, or their numbers. */
static int64_t *libsvm_labels(const mlk_schema *schema)
{
    const size_t k = mlk_schema_n_classes(schema);
    int64_t *labels = calloc(k + 1, sizeof *labels);
    bool integers = true;
    for (size_t i = 0; labels && i < k; i++) {
        char *end;
        labels[i] = strtol(mlk_schema_class(schema, i), &end, 10);
        integers &= *end == '\0' && labels[i] >= INT32_MIN && labels[i] <= INT32_MAX;
    }
    for (size_t i = 0; labels && !integers && i < k; i++)
        labels[i] = (int64_t)i;
    return labels;
}

static int write_libsvm(const cli *c, const mlk_model_file *file)
{
    bool alone;
    char *text;
    mlk_status st = leaves_columns_alone(file->pipeline, &alone);
    if (st != MLK_OK)
        return cli_failed(c, st);
    if (!alone)
        return cli_refuse(c,
                          "%s: the model prepares its columns, which LIBSVM's format cannot "
                          "hold; fit with --scale none and numeric columns",
                          c->args[0]);
    int64_t *labels = libsvm_labels(file->schema);
    st = labels ? mlk_libsvm_write(mlk_pipeline_inner(file->pipeline), labels, &text) : MLK_ENOMEM;
    free(labels);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const int status = cli_write(c, c->set.output, text, strlen(text));
    mlk_text_free(text);
    return status;
}

/* The picture of --plot: a tree by Graphviz, of others what they learned. */
static int draw(const cli *c, const mlk_model_file *file, const mlk_doc *learned, picture *pic)
{
    const char *name = mlk_model_algo(mlk_pipeline_inner(file->pipeline))->name;
    const char *target = mlk_schema_target(file->schema);
    char title[512];
    if (!c->set.plot)
        return CLI_DONE;
    snprintf(title, sizeof title, "%s%s%s", name, target ? " of " : "", target ? target : "");
    if (is_tree(file)) {
        char *dot;
        int status = tree_dot(c, file, &dot);
        if (status == CLI_DONE)
            status = picture_make_graph(c, pic, dot, title);
        mlk_tree_text_free(dot);
        return status;
    }
    draw_learned(learned, pic);
    return picture_make(c, pic, title, pic->n ? name : "a model without its rows");
}

static int show_model(cli *c)
{
    mlk_model_file file;
    mlk_status st = mlk_model_file_read(c->args[0], &file);
    if (st != MLK_OK)
        return cli_failed(c, st);
    if (c->set.csv && !is_rules(file.pipeline)) {
        const char *name = mlk_model_algo(mlk_pipeline_inner(file.pipeline))->name;
        mlk_model_file_close(&file);
        return cli_refuse(c, "--csv is for rules; %s has none", name);
    }
    const bool tree_view = c->set.dot || c->set.rules || c->set.explain >= 0;
    int status;
    if (c->set.c) {
        status = write_c(c, &file);
    } else if (tree_view && !is_tree(&file)) {
        status = cli_refuse(c, "%s is no single tree; --dot, --rules and --explain show trees",
                            mlk_model_algo(mlk_pipeline_inner(file.pipeline))->name);
    } else if (tree_view) {
        status = show_tree(c, &file, c->set.explain >= 0 ? c->args[1] : NULL);
    } else if (c->set.libsvm) {
        status = write_libsvm(c, &file);
    } else {
        mlk_doc *doc = describe(c, &file);
        picture pic = {.n = 0};
        st = mlk_doc_check(doc);
        status = st == MLK_OK ? CLI_DONE : cli_failed(c, st);
        if (status == CLI_DONE)
            status = draw(c, &file, mlk_doc_find(doc, "learned"), &pic);
        if (status == CLI_DONE)
            status = picture_save(c, &pic);
        if (status == CLI_DONE && c->set.json) {
            status = cli_write_json(c, doc);
        } else if (status == CLI_DONE && c->set.csv) {
            status = write_rules(c, mlk_doc_find(doc, "learned"), c->set.output);
        } else if (status == CLI_DONE) {
            print_text(doc);
            status = is_tree(&file) ? show_tree(c, &file, NULL) : CLI_DONE;
        }
        picture_free(&pic);
        mlk_doc_free(doc);
    }
    mlk_model_file_close(&file);
    return status;
}

static int show_main(cli *c)
{
    const bool explain = c->set.explain >= 0;
    if (c->n_args != (explain ? 2 : 1))
        return cli_arguments(c, explain ? "MODEL.mlk DATA.csv, the rows to explain"
                                        : "MODEL.mlk or DATA.csv");
    if (c->set.text + c->set.json + c->set.csv + c->set.c + c->set.libsvm + c->set.dot +
            c->set.rules + explain >
        1)
        return cli_usage(
            c, "--text, --json, --csv, --c, --libsvm, --dot, --rules and --explain exclude "
               "each other");
    int status = picture_check(c);
    if (status != CLI_DONE)
        return status;
    if (c->set.plot && (c->set.c || c->set.libsvm || c->set.dot || c->set.rules || explain))
        return cli_usage(c, "--plot goes with --text and --json");
    if (is_table(c, c->args[0]))
        return show_table(c, c->args[0]);
    if (c->set.roles.target)
        return cli_usage(c, "--target is for tables; %s is a model file", c->args[0]);
    return show_model(c);
}

const cli_tool show_tool = {
    .bit = CLI_SHOW,
    .name = "mlkit-show",
    .brief = "explain a model file or describe a table",
    .synopsis = "mlkit-show DATA.csv [-t TARGET] [--json] [--plot FILE]\n"
                "       mlkit-show MODEL.mlk [--text|--json|--csv|--c|--libsvm|--dot|--rules]\n"
                "       mlkit-show MODEL.mlk --explain NODE DATA.csv",
    .summary =
        "What a table holds: the type, gaps, range, distribution or levels of each column, how "
        "much "
        "it says about the target, and what will cause trouble. Or what a model file holds: its "
        "parameters, columns and what it learned, as text or "
        "JSON, or as a stand-alone C99 file with one function that predicts from raw columns, "
        "or in LIBSVM's model format.",
    .examples = "  mlkit-show -t species iris.csv\n"
                "  mlkit-show -t species iris.csv --plot columns.svg\n"
                "  mlkit-show flowers.mlk\n"
                "  mlkit-show tree.mlk --plot tree.svg\n"
                "  mlkit-show tree.mlk --explain 0 train.csv\n"
                "  mlkit-show --c flowers.mlk >flowers.c\n",
    .main = show_main,
};
