#ifndef DATA_SCHEMA_IMPL_H
#define DATA_SCHEMA_IMPL_H

#include <mlkit/data/dataset.h>

#include "core/alloc.h"

typedef struct schema_feature {
    const char *name;
    const char *const *levels;
    size_t n_levels; /* 0: numeric */
} schema_feature;

struct mlk_schema {
    size_t n_features;
    schema_feature *features;
    const char *target, *weights;
    size_t n_classes;
    const char *const *classes;
    mlk_scratch memory;
};

/* A schema of so many features, all zero; NULL: no memory. */
mlk_schema *mlk_schema_new(size_t n_features);
/* Copies that live as long as the schema; a lack of memory shows in schema->memory.failed. */
const char *mlk_schema_text(mlk_schema *schema, const char *text);
const char *const *mlk_schema_texts(mlk_schema *schema, const char *const *texts, size_t n);

#endif
