#include <mlkit/report/c_source.h>

#include <mlkit/preprocess/pipeline.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "model/codegen.h"

static bool is_identifier(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_')
            return false;
    return true;
}

/* The struct's field for a column: c<number>_ and the name's letters and digits, so that no two
 * are the same and none is a keyword. */
static void add_field(mlk_strbuf *t, size_t j, const char *column)
{
    mlk_strbuf_printf(t, "c%zu", j + 1);
    if (*column)
        mlk_strbuf_add(t, "_");
    for (; *column; column++)
        mlk_strbuf_printf(t, "%c",
                          isalnum((unsigned char)*column) && (unsigned char)*column < 0x80 ? *column
                                                                                           : '_');
}

/* Texts inside a comment must not end it. */
static void add_comment(mlk_strbuf *t, const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s >= 0x20)
            mlk_strbuf_printf(t, "%c", *s == '*' || *s == '/' ? ' ' : *s);
}

static void declarations(const mlk_model_file *file, mlk_codegen *to)
{
    const mlk_schema *s = file->schema;
    const char *name = to->name, *target = mlk_schema_target(s);
    const size_t k = mlk_schema_n_classes(s);
    mlk_strbuf *t = &to->text;
    mlk_strbuf_printf(t, "/* %s model of '",
                      mlk_model_algo(mlk_pipeline_inner(file->pipeline))->name);
    add_comment(t, target ? target : "");
    mlk_strbuf_printf(
        t, "', written by mlkit %s.\n * A missing number is NAN, a missing category NULL.",
        mlk_version());
    if (k)
        mlk_strbuf_printf(t,
                          " Returns an index into %s_classes, or -1;\n"
                          " * scores (or NULL) receives one value a class.",
                          name);
    mlk_strbuf_add(t, " */\n#include <math.h>\n#include <stddef.h>\n#include <string.h>\n\n");
    mlk_strbuf_printf(t, "typedef struct %s_row {\n", name);
    for (size_t j = 0; j < mlk_schema_n_features(s); j++) {
        const char *const *levels;
        mlk_strbuf_add(t, mlk_schema_levels(s, j, &levels) ? "    const char *" : "    double ");
        add_field(t, j, mlk_schema_feature(s, j));
        mlk_strbuf_add(t, "; /* ");
        add_comment(t, mlk_schema_feature(s, j));
        mlk_strbuf_add(t, " */\n");
    }
    mlk_strbuf_printf(t, "} %s_row;\n\n", name);
    if (k) {
        mlk_strbuf_printf(t, "extern const char *const %s_classes[%zu];\n", name, k);
        mlk_strbuf_printf(t, "int %s(const %s_row *row, double *scores);\n\n", name, name);
        mlk_strbuf_printf(t, "const char *const %s_classes[%zu] = {", name, k);
        for (size_t i = 0; i < k; i++) {
            mlk_strbuf_add(t, i ? ", " : "");
            mlk_codegen_text(to, mlk_schema_class(s, i));
        }
        mlk_strbuf_add(t, "};\n\n");
    } else {
        mlk_strbuf_printf(t, "double %s(const %s_row *row);\n\n", name, name);
    }
}

/* Level texts, column by column, and the search among them. */
static void level_lookup(const mlk_schema *s, mlk_codegen *to)
{
    const char *name = to->name;
    bool any = false;
    for (size_t j = 0; j < mlk_schema_n_features(s); j++) {
        const char *const *levels;
        const size_t n = mlk_schema_levels(s, j, &levels);
        if (!n)
            continue;
        any = true;
        mlk_strbuf_printf(&to->text, "static const char *const %s_levels_%zu[%zu] = {", name, j + 1,
                          n);
        for (size_t i = 0; i < n; i++) {
            mlk_strbuf_add(&to->text, i ? ", " : "");
            mlk_codegen_text(to, levels[i]);
        }
        mlk_strbuf_add(&to->text, "};\n");
    }
    if (any)
        mlk_strbuf_printf(
            &to->text,
            "static double %s_level(const char *value, const char *const *levels, int n)\n"
            "{\n    int i;\n    if (!value)\n        return NAN;\n"
            "    for (i = 0; i < n; i++)\n"
            "        if (strcmp(levels[i], value) == 0)\n            return i;\n"
            "    return -1.0;\n}\n",
            name);
}

static void entry(const mlk_model_file *file, mlk_codegen *to)
{
    const mlk_schema *s = file->schema;
    const char *name = to->name;
    const size_t k = mlk_schema_n_classes(s), p = mlk_schema_n_features(s);
    mlk_strbuf *t = &to->text;
    if (k)
        mlk_strbuf_printf(t, "\nint %s(const %s_row *row, double *scores)\n{\n", name, name);
    else
        mlk_strbuf_printf(t, "\ndouble %s(const %s_row *row)\n{\n", name, name);
    mlk_strbuf_printf(t, "    double x[%zu], out[%zu];\n", p, k ? k : 1);
    if (k)
        mlk_strbuf_add(t, "    int i, best = 0;\n");
    for (size_t j = 0; j < p; j++) {
        const char *const *levels;
        const size_t n = mlk_schema_levels(s, j, &levels);
        mlk_strbuf_printf(t, n ? "    x[%zu] = %s_level(row->" : "    x[%zu] = row->", j, name);
        add_field(t, j, mlk_schema_feature(s, j));
        if (n)
            mlk_strbuf_printf(t, ", %s_levels_%zu, %zu)", name, j + 1, n);
        mlk_strbuf_add(t, ";\n");
    }
    mlk_strbuf_printf(t, "    %s_pipeline(x, out);\n", name);
    if (k)
        mlk_strbuf_printf(
            t,
            "    for (i = 0; i < %zu; i++) {\n        if (scores)\n"
            "            scores[i] = out[i];\n        if (out[i] > out[best])\n"
            "            best = i;\n    }\n    return out[0] == out[0] ? best : -1;\n}\n",
            k);
    else
        mlk_strbuf_add(t, "    return out[0];\n}\n");
}

mlk_status mlk_c_source_write(const mlk_model_file *file, const char *name, char **text)
{
    mlk_codegen to = {MLK_STRBUF_INIT, name};
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(file->pipeline));
    const unsigned task = mlk_task_of(algo, file->schema);
    char pipeline[256];

    *text = NULL;
    if (!is_identifier(name) || strlen(name) > 100)
        return MLK_FAIL(MLK_EINVAL, "'%s' is no C identifier of at most 100 characters", name);
    if (task != MLK_REGRESSION && task != MLK_CLASSIFICATION)
        return MLK_FAIL(MLK_EUNSUPPORTED, "%s cannot be written as C: it predicts no target",
                        algo->name);
    declarations(file, &to);
    level_lookup(file->schema, &to);
    snprintf(pipeline, sizeof pipeline, "%s_pipeline", name);
    to.name = pipeline;
    const mlk_status st = mlk_model_codegen(file->pipeline, &to);
    to.name = name;
    if (st != MLK_OK) {
        mlk_strbuf_free(&to.text);
        return st;
    }
    entry(file, &to);
    *text = mlk_strbuf_take(&to.text);
    return *text ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to write C");
}
