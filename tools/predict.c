#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/preprocess/model_file.h>

#include "draw.h"
#include "learn.h"

/* A growing text: the CSV that is written at once when all of it is there. */
typedef struct text {
    char *bytes;
    size_t n, cap;
    bool failed;
} text;

static void add(text *t, const char *s, size_t n)
{
    if (t->failed)
        return;
    if (n > t->cap - t->n) {
        const size_t cap = 2 * t->cap + n + 4096;
        char *bytes = realloc(t->bytes, cap);
        if (!bytes) {
            t->failed = true;
            return;
        }
        t->bytes = bytes;
        t->cap = cap;
    }
    memcpy(t->bytes + t->n, s, n);
    t->n += n;
}

/* A field, quoted where RFC 4180 asks for it. */
static void add_field(text *t, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        add(t, s, strlen(s));
        return;
    }
    add(t, "\"", 1);
    for (; *s; s++)
        add(t, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    add(t, "\"", 1);
}

static void add_number(text *t, double x)
{
    char buf[40];
    if (isnan(x)) /* a row that could not be predicted: a missing field */
        return;
    int n = 0;
    if (x == floor(x) && fabs(x) < 1e15) {
        n = snprintf(buf, sizeof buf, "%.0f", x == 0.0 ? 0.0 : x);
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            n = snprintf(buf, sizeof buf, "%.*g", digits, x);
            if (strtod(buf, NULL) == x)
                break;
        }
    }
    add(t, buf, (size_t)n);
}

/* ------------------------------------------------------------------ the outputs */

/* Columns to write: numbers, or class labels where `labels` is set. */
typedef struct output {
    char *titles; /* each ended by NUL, cols of them */
    size_t width; /* bytes of one */
    mlk_mat values;
    const char **labels;
} output;

enum { MAX_OUTPUTS = 5 };

typedef struct job {
    const mlk_model_file *file;
    const mlk_algo *algo;
    unsigned task;
    mlk_data data;
    output outputs[MAX_OUTPUTS];
    size_t n;
} job;

/* A new output of `cols` columns. */
static output *begin_output(job *j, size_t cols)
{
    output *o = &j->outputs[j->n++];
    const size_t rows = j->data.X.rows;
    size_t longest = 0;
    for (size_t i = 0; i < mlk_schema_n_classes(j->file->schema); i++) {
        const size_t length = strlen(mlk_schema_class(j->file->schema, i));
        longest = length > longest ? length : longest;
    }
    const size_t width = 2 * longest + 32; /* decision(A|B) */
    *o = (output){calloc(cols, width),
                  width,
                  {calloc(rows * cols + 1, sizeof(double)), rows, cols, cols},
                  NULL};
    return o->titles && o->values.data ? o : NULL;
}

static const char *title(const output *o, size_t column) { return o->titles + o->width * column; }

__attribute__((format(printf, 3, 4))) static void set_title(output *o, size_t column,
                                                            const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(o->titles + o->width * column, o->width, fmt, args);
    va_end(args);
}

static mlk_status put_prediction(cli *c, job *j)
{
    static const char *const names[] = {"prediction", "cluster", "outlier"};
    output *o = begin_output(j, 1);
    if (!o)
        return MLK_ENOMEM;
    set_title(o, 0, "%s", names[j->task == MLK_CLUSTERING ? 1 : j->task == MLK_OUTLIER ? 2 : 0]);
    if (j->task == MLK_CLASSIFICATION)
        o->labels = class_names(j->file->schema);
    return mlk_model_predict(j->file->pipeline, j->data.X, &c->run,
                             (mlk_vec){o->values.data, o->values.rows});
}

static mlk_status put_probabilities(cli *c, job *j)
{
    const size_t k = mlk_model_n_probabilities(j->file->pipeline);
    output *o = begin_output(j, k ? k : 1);
    if (!o)
        return MLK_ENOMEM;
    for (size_t i = 0; i < k; i++)
        if (j->task == MLK_CLUSTERING)
            set_title(o, i, "p(%zu)", i);
        else
            set_title(o, i, "p(%s)", mlk_schema_class(j->file->schema, i));
    return mlk_model_predict_proba(j->file->pipeline, j->data.X, &c->run, o->values);
}

/* One column, one a class, or one a pair of classes. */
static void decision_titles(const job *j, output *o)
{
    const mlk_schema *s = j->file->schema;
    const size_t k = mlk_schema_n_classes(s), q = o->values.cols;
    const bool pairs = decides_by_pairs(j->file->pipeline);
    size_t at = 0;
    if (q == 1) {
        set_title(o, 0, "decision");
        return;
    }
    for (size_t a = 0; a < k; a++) {
        if (!pairs)
            set_title(o, at++, "decision(%s)", mlk_schema_class(s, a));
        for (size_t b = a + 1; pairs && b < k && at < q; b++)
            set_title(o, at++, "decision(%s|%s)", mlk_schema_class(s, a), mlk_schema_class(s, b));
    }
}

static mlk_status put_decision(cli *c, job *j)
{
    const size_t q = mlk_model_n_decisions(j->file->pipeline);
    output *o = begin_output(j, q ? q : 1);
    if (!o)
        return MLK_ENOMEM;
    decision_titles(j, o);
    return mlk_model_decision(j->file->pipeline, j->data.X, &c->run, o->values);
}

/* "score", larger for what is more outlying: the decision value itself, but for a model whose
 * decision is, as scikit-learn has it, positive for inliers. */
static mlk_status put_score(cli *c, job *j)
{
    output *o = begin_output(j, 1);
    if (!o)
        return MLK_ENOMEM;
    set_title(o, 0, "score");
    const mlk_status st = mlk_model_decision(j->file->pipeline, j->data.X, &c->run, o->values);
    if (strcmp(j->algo->name, "one-class-svm") == 0)
        for (size_t i = 0; i < o->values.rows; i++)
            o->values.data[i] = -o->values.data[i];
    return st;
}

static mlk_status put_transform(cli *c, job *j)
{
    const size_t k = mlk_model_n_components(j->file->pipeline);
    output *o = begin_output(j, k ? k : 1);
    if (!o)
        return MLK_ENOMEM;
    for (size_t i = 0; i < k; i++)
        set_title(o, i, "%s%zu", strcmp(j->algo->name, "pca") == 0 ? "pc" : "dim", i + 1);
    return mlk_model_transform(j->file->pipeline, j->data.X, &c->run, o->values);
}

static mlk_status compute(cli *c, job *j)
{
    const cli_settings *s = &c->set;
    mlk_status st = MLK_OK;
    if (j->task == MLK_TRANSFORM)
        st = put_transform(c, j);
    else
        st = put_prediction(c, j);
    if (st == MLK_OK && s->transform && j->task != MLK_TRANSFORM)
        st = put_transform(c, j);
    if (st == MLK_OK && s->probabilities)
        st = put_probabilities(c, j);
    if (st == MLK_OK && j->task == MLK_OUTLIER)
        st = put_score(c, j);
    if (st == MLK_OK && s->decision)
        st = put_decision(c, j);
    return st;
}

/* -------------------------------------------------------------------------- CSV */

/* The input's own cells; numbers where its format has none (svmlight). */
static void add_input(text *t, const mlk_table *table, size_t row)
{
    size_t length;
    const char *cells = mlk_table_text(table, row, &length);
    if (cells) {
        add(t, cells, length);
        add(t, ",", 1);
        return;
    }
    for (size_t j = 0; j < mlk_table_cols(table); j++) {
        const mlk_column column = mlk_table_column(table, j);
        if (column.type == MLK_NUMERIC)
            add_number(t, column.values[row]);
        else if (column.codes[row] != MLK_MISSING_CODE)
            add_field(t, column.levels[column.codes[row]]);
        add(t, ",", 1);
    }
}

static void add_outputs(text *t, const job *j, size_t row, bool alone)
{
    /* A blank line would be no row. */
    if (alone && j->n == 1 && j->outputs[0].values.cols == 1 &&
        isnan(j->outputs[0].values.data[row]))
        add(t, "\"\"", 2);
    for (size_t k = 0; k < j->n; k++) {
        const output *o = &j->outputs[k];
        for (size_t col = 0; col < o->values.cols; col++) {
            const double v = o->values.data[row * o->values.ld + col];
            if (k || col)
                add(t, ",", 1);
            if (o->labels && !isnan(v))
                add_field(t, o->labels[(size_t)v]);
            else
                add_number(t, v);
        }
    }
    add(t, "\n", 1);
}

static void write_csv(const cli *c, const job *j, const mlk_table *table,
                      const mlk_dataset *dataset, text *t)
{
    for (size_t col = 0; c->set.append && col < mlk_table_cols(table); col++) {
        add_field(t, mlk_table_column(table, col).name);
        add(t, ",", 1);
    }
    for (size_t k = 0; k < j->n; k++)
        for (size_t col = 0; col < j->outputs[k].values.cols; col++) {
            if (k || col)
                add(t, ",", 1);
            add_field(t, title(&j->outputs[k], col));
        }
    add(t, "\n", 1);
    for (size_t i = 0; i < j->data.X.rows; i++) {
        if (c->set.append)
            add_input(t, table, mlk_dataset_row(dataset, i));
        add_outputs(t, j, i, !c->set.append);
    }
}

/* The same as JSON: a list a column. */
static int write_json(const cli *c, const job *j)
{
    mlk_doc *doc = mlk_doc_new();
    mlk_doc_put_text(doc, "tool", c->tool->name);
    mlk_doc_put_text(doc, "version", mlk_version());
    mlk_doc_put_text(doc, "model", j->algo->name);
    mlk_doc_put_text(doc, "task", mlk_task_name(j->task));
    mlk_doc_put_int(doc, "rows", (int64_t)j->data.X.rows);
    mlk_doc *columns = mlk_doc_put_map(doc, "columns");
    for (size_t k = 0; k < j->n; k++) {
        const output *o = &j->outputs[k];
        for (size_t col = 0; col < o->values.cols; col++) {
            mlk_doc *list = mlk_doc_put_list(columns, title(o, col));
            for (size_t i = 0; i < o->values.rows; i++) {
                const double v = o->values.data[i * o->values.ld + col];
                if (o->labels && !isnan(v))
                    mlk_doc_put_text(list, NULL, o->labels[(size_t)v]);
                else
                    mlk_doc_put_real(list, NULL, v);
            }
        }
    }
    const int status = cli_write_json(c, doc);
    mlk_doc_free(doc);
    return status;
}

static int draw(cli *c, const job *j, const mlk_table *table, const mlk_dataset *dataset,
                picture *pic)
{
    if (!c->set.plot)
        return CLI_DONE;
    size_t *rows = dataset_rows(dataset);
    if (!rows)
        return cli_refuse(c, "out of memory");
    const drawn_rows asked = {j->file->pipeline, j->file->schema, j->data, table, rows};
    int status = draw_rows(c, &asked, NULL, pic);
    if (status == CLI_DONE)
        status = picture_make(c, pic, j->algo->name, j->algo->name);
    free(rows);
    return status;
}

/* Does the model have what the command line asks for? */
static int check_asked(const cli *c, const mlk_algo *algo, const mlk_model *pipeline)
{
    if (c->set.transform && !algo->transform)
        return cli_refuse(c, "%s has no projection", algo->name);
    if (c->set.probabilities && !mlk_model_n_probabilities(pipeline))
        return cli_refuse(c, "%s predicts no probabilities", algo->name);
    if (c->set.decision && !mlk_model_n_decisions(pipeline))
        return cli_refuse(c, "%s has no decision values", algo->name);
    return CLI_DONE;
}

/* A table that has the column already could not be read again. */
static int check_titles(const cli *c, const job *j, const mlk_table *table)
{
    for (size_t k = 0; k < j->n; k++)
        for (size_t col = 0; col < j->outputs[k].values.cols; col++)
            for (size_t i = 0; i < mlk_table_cols(table); i++)
                if (strcmp(title(&j->outputs[k], col), mlk_table_column(table, i).name) == 0)
                    return cli_refuse(c,
                                      "%s: there is a column '%s' already; rename it, or leave "
                                      "--append out",
                                      mlk_table_name(table), title(&j->outputs[k], col));
    return CLI_DONE;
}

static int predict_table(cli *c, const mlk_model_file *file, const mlk_table *table)
{
    mlk_dataset *dataset;
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(file->pipeline));
    const int asked = check_asked(c, algo, file->pipeline);
    if (asked != CLI_DONE)
        return asked;
    mlk_status st = mlk_dataset_apply(file->schema, table, false, &c->run, &dataset);
    if (st != MLK_OK)
        return cli_failed(c, st);
    job j = {.file = file, .algo = algo, .data = mlk_dataset_data(dataset)};
    j.task = mlk_task_of(j.algo, file->schema);
    text t = {0};
    st = compute(c, &j);
    picture pic = {.n = 0};
    int status = st == MLK_OK ? cli_strict(c) : cli_failed(c, st);
    if (status == CLI_DONE && c->set.append)
        status = check_titles(c, &j, table);
    if (status == CLI_DONE)
        status = draw(c, &j, table, dataset, &pic);
    if (status == CLI_DONE)
        status = picture_save(c, &pic);
    if (status == CLI_DONE && c->set.json) {
        status = write_json(c, &j);
    } else if (status == CLI_DONE) {
        write_csv(c, &j, table, dataset, &t);
        status =
            t.failed ? cli_refuse(c, "out of memory") : cli_write(c, c->set.output, t.bytes, t.n);
    }
    for (size_t k = 0; k < j.n; k++) {
        free(j.outputs[k].titles);
        free(j.outputs[k].values.data);
        free(j.outputs[k].labels);
    }
    free(t.bytes);
    picture_free(&pic);
    mlk_dataset_free(dataset);
    return status;
}

static int predict_main(cli *c)
{
    if (c->n_args != 2)
        return cli_arguments(c, "MODEL.mlk DATA.csv");
    if (c->set.json && (c->set.output || c->set.append))
        return cli_usage(c, "--json goes to stdout, without --output and --append");
    int status = picture_check(c);
    if (status != CLI_DONE)
        return status;
    mlk_model_file file;
    mlk_table *table = NULL;
    const mlk_status st = mlk_model_file_read(c->args[0], &file);
    if (st != MLK_OK)
        return cli_failed(c, st);
    status = cli_read_table(c, c->args[1], &table);
    if (status == CLI_DONE)
        status = predict_table(c, &file, table);
    mlk_table_free(table);
    mlk_model_file_close(&file);
    return status;
}

const cli_tool predict_tool = {
    .bit = CLI_PREDICT,
    .name = "mlkit-predict",
    .brief = "apply a model to a table",
    .synopsis = "mlkit-predict MODEL.mlk [options] DATA.csv",
    .summary = "Predictions of a saved model for each row of a table, as CSV: a column "
               "'prediction' (or 'cluster', 'outlier', or the transformed columns), and on request "
               "probabilities and decision values. Columns are found by name; others are ignored.",
    .examples = "  mlkit-predict flowers.mlk new.csv\n"
                "  mlkit-predict map.mlk --plot map.svg --colour species new.csv >map.csv\n"
                "  mlkit-predict flowers.mlk --probabilities --append -o scored.csv new.csv\n",
    .main = predict_main,
};
