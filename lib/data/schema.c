#include <string.h>

#include "core/status.h"
#include "data/dict.h"
#include "data/schema_impl.h"

mlk_schema *mlk_schema_new(size_t n_features)
{
    mlk_schema *s = mlk_alloc_zero(1, sizeof *s);
    if (!s)
        return NULL;
    s->n_features = n_features;
    s->features = mlk_scratch_take(&s->memory, n_features, sizeof *s->features);
    if (!s->features) {
        mlk_schema_free(s);
        return NULL;
    }
    if (n_features)
        memset(s->features, 0, n_features * sizeof *s->features);
    return s;
}

const char *mlk_schema_text(mlk_schema *schema, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = mlk_scratch_take(&schema->memory, bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

const char *const *mlk_schema_texts(mlk_schema *schema, const char *const *texts, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += strlen(texts[i]) + 1;
    const char **copies = mlk_scratch_take(&schema->memory, n, sizeof *copies);
    char *to = mlk_scratch_take(&schema->memory, bytes, 1);
    if (!copies || !to)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const size_t size = strlen(texts[i]) + 1;
        copies[i] = memcpy(to, texts[i], size);
        to += size;
    }
    return copies;
}

size_t mlk_schema_n_features(const mlk_schema *schema) { return schema->n_features; }
const char *mlk_schema_feature(const mlk_schema *schema, size_t j)
{
    return schema->features[j].name;
}
size_t mlk_schema_levels(const mlk_schema *schema, size_t j, const char *const **levels)
{
    if (levels)
        *levels = schema->features[j].levels;
    return schema->features[j].n_levels;
}
const char *mlk_schema_target(const mlk_schema *schema) { return schema->target; }
const char *mlk_schema_weights(const mlk_schema *schema) { return schema->weights; }
size_t mlk_schema_n_classes(const mlk_schema *schema) { return schema->n_classes; }
const char *mlk_schema_class(const mlk_schema *schema, size_t k) { return schema->classes[k]; }

void mlk_schema_free(mlk_schema *schema)
{
    if (!schema)
        return;
    mlk_scratch_release(&schema->memory);
    mlk_free(schema);
}

/* ------------------------------------------------------------------ documents */

static void put_texts(mlk_doc *to, const char *key, const char *const *texts, size_t n)
{
    mlk_doc *list = mlk_doc_put_list(to, key);
    for (size_t i = 0; i < n; i++)
        mlk_doc_put_text(list, NULL, texts[i]);
}

void mlk_schema_save(const mlk_schema *schema, mlk_doc *to)
{
    mlk_doc *features = mlk_doc_put_list(to, "features");
    for (size_t j = 0; j < schema->n_features; j++) {
        const schema_feature *f = &schema->features[j];
        mlk_doc *map = mlk_doc_put_map(features, NULL);
        mlk_doc_put_text(map, "name", f->name);
        if (f->n_levels)
            put_texts(map, "levels", f->levels, f->n_levels);
    }
    mlk_doc_put_text(to, "target", schema->target);
    mlk_doc_put_text(to, "weights", schema->weights);
    put_texts(to, "classes", schema->classes, schema->n_classes);
}

/* Distinct texts, as levels, classes and names must be. */
static mlk_status load_texts(mlk_schema *s, const mlk_doc *list, const char *what,
                             const char *const **out, size_t *n)
{
    *n = mlk_doc_size(list);
    mlk_scratch memory = MLK_SCRATCH_INIT;
    mlk_dict seen = {0};
    mlk_status st = MLK_OK;
    const char **texts = mlk_scratch_take(&memory, *n, sizeof *texts);
    if (!texts)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu %s", *n, what);
    for (size_t i = 0; st == MLK_OK && i < *n; i++) {
        uint32_t code;
        texts[i] = mlk_doc_text(mlk_doc_at(list, i));
        if (!texts[i])
            st = MLK_FAIL(MLK_EFORMAT, "%s: item %zu is no text", what, i);
        else if (!mlk_dict_add(&seen, (mlk_text){texts[i], strlen(texts[i])}, false, &code))
            st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu %s", *n, what);
        else if (code != i)
            st = MLK_FAIL(MLK_EFORMAT, "%s: '%s' is there twice", what, texts[i]);
    }
    if (st == MLK_OK && !(*out = mlk_schema_texts(s, texts, *n)))
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu %s", *n, what);
    mlk_dict_free(&seen);
    mlk_scratch_release(&memory);
    return st;
}

static mlk_status load_feature(mlk_schema *s, const mlk_doc *map, schema_feature *f)
{
    const char *name;
    MLK_TRY(mlk_doc_get_text(map, "name", &name));
    f->name = mlk_schema_text(s, name);
    const mlk_doc *levels = mlk_doc_find(map, "levels");
    if (!levels)
        return MLK_OK;
    MLK_TRY(mlk_doc_get_list(map, "levels", &levels));
    MLK_TRY(load_texts(s, levels, "levels", &f->levels, &f->n_levels));
    return f->n_levels ? MLK_OK : MLK_FAIL(MLK_EFORMAT, "'levels' is an empty list");
}

/* A text or null. */
static mlk_status load_optional(mlk_schema *s, const mlk_doc *from, const char *key,
                                const char **out)
{
    const mlk_doc *node = mlk_doc_find(from, key);
    if (!node || mlk_doc_kind_of(node) == MLK_DOC_NULL)
        return MLK_OK;
    const char *text;
    MLK_TRY(mlk_doc_get_text(from, key, &text));
    *out = mlk_schema_text(s, text);
    return MLK_OK;
}

static mlk_status load(const mlk_doc *from, const mlk_doc *features, mlk_schema *s)
{
    for (size_t j = 0; j < s->n_features; j++)
        MLK_TRY(load_feature(s, mlk_doc_at(features, j), &s->features[j]));
    MLK_TRY(load_optional(s, from, "target", &s->target));
    MLK_TRY(load_optional(s, from, "weights", &s->weights));
    const mlk_doc *classes;
    MLK_TRY(mlk_doc_get_list(from, "classes", &classes));
    MLK_TRY(load_texts(s, classes, "classes", &s->classes, &s->n_classes));
    if (s->n_classes == 1)
        return MLK_FAIL(MLK_EFORMAT, "1 class; expected none or at least 2");
    if (s->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu features", s->n_features);
    return MLK_OK;
}

mlk_status mlk_schema_load(const mlk_doc *from, mlk_schema **schema)
{
    const mlk_doc *features;
    *schema = NULL;
    MLK_TRY(mlk_doc_get_list(from, "features", &features));
    mlk_schema *s = mlk_schema_new(mlk_doc_size(features));
    if (!s)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu features", mlk_doc_size(features));
    const mlk_status st = load(from, features, s);
    if (st == MLK_OK)
        *schema = s;
    else
        mlk_schema_free(s);
    return st;
}
