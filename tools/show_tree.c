#include "show_tree.h"

#include <stdlib.h>
#include <string.h>

#include <mlkit/preprocess/pipeline.h>
#include <mlkit/tree/show.h>

#include "learn.h"

/* What the tree's columns are called: those of the design, which the schema's levels belong to
 * where the encoding is native. */
typedef struct tree_names {
    mlk_tree_names names;
    mlk_doc *doc; /* owns the columns' names */
    const char **features;
    const char *const **levels;
    size_t *n_levels;
    const char **classes;
} tree_names;

static const mlk_tree *tree_of(const mlk_model_file *file)
{
    return mlk_model_state(mlk_pipeline_inner(file->pipeline));
}

bool is_tree(const mlk_model_file *file)
{
    return mlk_model_algo(mlk_pipeline_inner(file->pipeline)) == &mlk_tree_algo;
}

static bool names_init(const mlk_model_file *file, tree_names *n)
{
    const size_t p = mlk_pipeline_n_columns(file->pipeline);
    const bool native = p == mlk_schema_n_features(file->schema);
    *n = (tree_names){.doc = mlk_doc_new()};
    put_design_names(file->pipeline, file->schema, n->doc);
    const mlk_doc *list = mlk_doc_find(n->doc, "features");
    n->features = malloc((p + 1) * sizeof *n->features);
    n->levels = calloc(p + 1, sizeof *n->levels);
    n->n_levels = calloc(p + 1, sizeof *n->n_levels);
    n->classes = class_names(file->schema);
    if (!n->features || !n->levels || !n->n_levels || mlk_doc_size(list) != p)
        return false;
    for (size_t j = 0; j < p; j++) {
        n->features[j] = mlk_doc_text(mlk_doc_at(list, j));
        if (native && !(n->n_levels[j] = mlk_schema_levels(file->schema, j, &n->levels[j])))
            n->levels[j] = NULL;
    }
    n->names =
        (mlk_tree_names){n->features, n->levels, n->classes, mlk_schema_target(file->schema)};
    return true;
}

static void names_free(tree_names *n)
{
    mlk_doc_free(n->doc);
    free(n->features);
    free(n->levels);
    free(n->n_levels);
    free(n->classes);
}

void put_tree_nodes(const mlk_model_file *file, mlk_doc *to)
{
    tree_names n;
    if (names_init(file, &n))
        mlk_tree_nodes_doc(tree_of(file), &n.names, to);
    names_free(&n);
}

int tree_dot(const cli *c, const mlk_model_file *file, char **text)
{
    tree_names n;
    *text = NULL;
    int status = names_init(file, &n) ? CLI_DONE : cli_refuse(c, "out of memory");
    if (status == CLI_DONE) {
        const mlk_status st = mlk_tree_dot(tree_of(file), &n.names, text);
        status = st == MLK_OK ? CLI_DONE : cli_failed(c, st);
    }
    names_free(&n);
    return status;
}

/* The rows of a table through the pipeline's steps, as the tree saw them. */
static int explain(cli *c, const mlk_model_file *file, const char *path, const tree_names *n,
                   char **text)
{
    mlk_table *table;
    mlk_dataset *dataset;
    int status = cli_read_table(c, path, &table);
    if (status != CLI_DONE)
        return status;
    mlk_status st = mlk_dataset_apply(file->schema, table, true, &c->run, &dataset);
    if (st == MLK_OK) {
        mlk_data data = mlk_dataset_data(dataset);
        const size_t p = mlk_pipeline_n_columns(file->pipeline);
        const mlk_mat X = {malloc((data.X.rows * p + 1) * sizeof(double)), data.X.rows, p, p};
        st = X.data ? mlk_pipeline_design(file->pipeline, data.X, &c->run, X) : MLK_ENOMEM;
        data.X = mlk_mat_c(X);
        data.levels = n->n_levels;
        if (st == MLK_OK)
            st = mlk_tree_explain(tree_of(file), &data, (size_t)c->set.explain, &n->names, &c->run,
                                  text);
        free(X.data);
        mlk_dataset_free(dataset);
    }
    mlk_table_free(table);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

int show_tree(cli *c, const mlk_model_file *file, const char *data)
{
    tree_names n;
    char *text = NULL;
    int status = names_init(file, &n) ? CLI_DONE : cli_refuse(c, "out of memory");
    if (status == CLI_DONE && data) {
        status = explain(c, file, data, &n, &text);
    } else if (status == CLI_DONE) {
        const mlk_status st = c->set.dot     ? mlk_tree_dot(tree_of(file), &n.names, &text)
                              : c->set.rules ? mlk_tree_rules(tree_of(file), &n.names, &text)
                                             : mlk_tree_text(tree_of(file), &n.names, &text);
        status = st == MLK_OK ? CLI_DONE : cli_failed(c, st);
    }
    if (status == CLI_DONE)
        status = cli_write(c, c->set.output, text, strlen(text));
    mlk_tree_text_free(text);
    names_free(&n);
    return status;
}
