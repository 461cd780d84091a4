#include <mlkit/preprocess/model_file.h>

#include <mlkit/core/file.h>
#include <mlkit/model/archive.h>
#include <mlkit/preprocess/pipeline.h>

#include <stdio.h>

#include "core/alloc.h"
#include "core/status.h"

unsigned mlk_task_of(const mlk_algo *algo, const mlk_schema *schema)
{
    const unsigned unsupervised = algo->tasks & ~(unsigned)(MLK_REGRESSION | MLK_CLASSIFICATION);
    if (unsupervised == algo->tasks || !mlk_schema_target(schema))
        return unsupervised & -unsupervised; /* its first task */
    return mlk_schema_n_classes(schema) ? MLK_CLASSIFICATION : MLK_REGRESSION;
}

const char *mlk_task_name(unsigned task)
{
    static const char *const names[] = {"regression", "classification",    "transform",
                                        "clustering", "outlier detection", "rules"};
    for (size_t i = 0; i < MLK_COUNT(names); i++)
        if (task == 1u << i)
            return names[i];
    return "";
}

mlk_status mlk_model_file_encode(const mlk_schema *schema, const mlk_model *pipeline,
                                 mlk_cvec baseline, const mlk_profile *profile,
                                 const mlk_doc *notes, void **bytes, size_t *size)
{
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(pipeline));
    char tool[64];
    snprintf(tool, sizeof tool, "mlkit %s", mlk_version());
    mlk_doc *doc = mlk_doc_new();
    mlk_doc_put_text(doc, "tool", tool);
    mlk_doc_put_text(doc, "model", algo->name);
    mlk_doc_put_text(doc, "task", mlk_task_name(mlk_task_of(algo, schema)));
    mlk_schema_save(schema, mlk_doc_put_map(doc, "schema"));
    mlk_model_save(pipeline, mlk_doc_put_map(doc, "pipeline"));
    mlk_doc_put_vec(doc, "baseline", baseline);
    if (profile)
        mlk_profile_save(profile, mlk_doc_put_map(doc, "profile"));
    mlk_doc_put_copy(doc, "notes", notes);
    const mlk_status st = mlk_archive_encode(doc, bytes, size);
    mlk_doc_free(doc);
    return st;
}

mlk_status mlk_model_file_write(const char *path, const mlk_schema *schema,
                                const mlk_model *pipeline, mlk_cvec baseline,
                                const mlk_profile *profile, const mlk_doc *notes)
{
    void *bytes;
    size_t size;
    MLK_TRY(mlk_model_file_encode(schema, pipeline, baseline, profile, notes, &bytes, &size));
    const mlk_status st = mlk_file_write(path, bytes, size);
    mlk_archive_free(bytes);
    return st;
}

/* The profile has the columns of the schema, and the target. */
static mlk_status take_profile(const mlk_doc *from, mlk_model_file *file)
{
    const mlk_schema *schema = file->schema;
    const size_t p = mlk_schema_n_features(schema), n = p + (mlk_schema_target(schema) != NULL);
    const char *const *texts;
    size_t *levels = mlk_alloc(n, sizeof *levels);
    if (!levels)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", n);
    for (size_t j = 0; j < p; j++)
        levels[j] = mlk_schema_levels(schema, j, &texts);
    if (n > p)
        levels[p] = mlk_schema_n_classes(schema);
    const mlk_status st = mlk_profile_load(from, levels, n, &file->profile);
    mlk_free(levels);
    return st;
}

static mlk_status take_apart(const mlk_doc *doc, mlk_model_file *file)
{
    const mlk_doc *schema, *pipeline;
    mlk_doc_array baseline;
    MLK_TRY(mlk_doc_get_map(doc, "schema", &schema));
    MLK_TRY(mlk_doc_get_map(doc, "pipeline", &pipeline));
    MLK_TRY(mlk_doc_get_array(doc, "baseline", MLK_F64, &baseline));
    MLK_TRY(mlk_doc_get_vec(doc, "baseline", baseline.rows, &file->baseline));
    MLK_TRY(mlk_schema_load(schema, &file->schema));
    MLK_TRY(mlk_model_load(pipeline, &file->pipeline));
    file->notes = mlk_doc_find(doc, "notes");
    if (mlk_doc_find(doc, "profile")) {
        const mlk_doc *profile;
        MLK_TRY(mlk_doc_get_map(doc, "profile", &profile));
        MLK_TRY(take_profile(profile, file));
    }

    /* Each part is sound by itself; they must also belong together. */
    const size_t classes = mlk_schema_n_classes(file->schema);
    const size_t expected = !mlk_schema_target(file->schema) ? 0 : classes ? classes : 1;
    if (mlk_model_algo(file->pipeline) != &mlk_pipeline_algo)
        return MLK_FAIL(MLK_EFORMAT, "its model is no pipeline");
    const mlk_algo *inner = mlk_model_algo(mlk_pipeline_inner(file->pipeline));
    const bool classifies = mlk_task_of(inner, file->schema) == MLK_CLASSIFICATION;
    const size_t known = mlk_model_n_classes(file->pipeline);
    if (mlk_model_n_features(file->pipeline) != mlk_schema_n_features(file->schema) ||
        ((known || classifies) && known != classes))
        return MLK_FAIL(MLK_EFORMAT, "its schema and its model do not belong together");
    if (file->baseline.n && file->baseline.n != expected)
        return MLK_FAIL(MLK_EFORMAT, "its baseline has %zu values; expected %zu", file->baseline.n,
                        expected);
    return MLK_OK;
}

mlk_status mlk_model_file_read(const char *path, mlk_model_file *file)
{
    *file = (mlk_model_file){0};
    MLK_TRY(mlk_archive_read(path, &file->doc));
    const mlk_status st = take_apart(file->doc, file);
    if (st == MLK_OK)
        return MLK_OK;
    mlk_model_file_close(file);
    if (st != MLK_EFORMAT)
        return st;
    return MLK_FAIL(st, "%s: not a sound model file: %s", path, mlk_error_message(st));
}

void mlk_model_file_close(mlk_model_file *file)
{
    mlk_schema_free(file->schema);
    mlk_model_free(file->pipeline);
    mlk_profile_free(file->profile);
    mlk_doc_free(file->doc);
    *file = (mlk_model_file){0};
}
