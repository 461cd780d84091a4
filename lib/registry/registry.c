#include <mlkit/model.h>
#include <mlkit/preprocess/pipeline.h>

#include <string.h>

#include "core/status.h"

#define MLK_ALGO(symbol, folder) extern const mlk_algo mlk_##symbol##_algo;
#include "registry/registry.def"
#undef MLK_ALGO

static const mlk_algo *const algos[] = {
#define MLK_ALGO(symbol, folder) &mlk_##symbol##_algo,
#include "registry/registry.def"
#undef MLK_ALGO
};

const mlk_algo *const *mlk_algo_list(size_t *n)
{
    *n = MLK_COUNT(algos);
    return algos;
}

const mlk_algo *mlk_algo_find(const char *name)
{
    for (size_t i = 0; i < MLK_COUNT(algos); i++)
        if (strcmp(algos[i]->name, name) == 0)
            return algos[i];
    return strcmp(mlk_pipeline_algo.name, name) == 0 ? &mlk_pipeline_algo : NULL;
}
