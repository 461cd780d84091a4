#include <mlkit/ensemble/extra_trees.h>

#include <math.h>

#include "core/status.h"
#include "ensemble/forest_core.h"
#include "tree/limits.h"

static const mlk_opt opt_table[] = {MLK_FOREST_OPTIONS(false)};

mlk_forest_opts mlk_extra_trees_opts_default(void)
{
    mlk_forest_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

mlk_status mlk_extra_trees_fit(const mlk_data *data, const mlk_forest_opts *opts,
                               const mlk_run *run, mlk_forest **model)
{
    const mlk_forest_opts o = opts ? *opts : mlk_extra_trees_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    return mlk_forest_grow(data, &o, true, run, model);
}

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_forest *forest;
    const mlk_status st = mlk_extra_trees_fit(data, opts, run, &forest);
    *state = forest;
    return st;
}

const mlk_algo mlk_extra_trees_algo = {
    .name = "extra-trees",
    .help = "forest of trees with random cuts of random columns",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = MLK_FOREST_CAPS,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_forest_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = mlk_forest_algo_predict,
    .predict_proba = mlk_forest_algo_proba,
    .save = mlk_forest_algo_save,
    .load = mlk_forest_algo_load,
    .learned = mlk_forest_algo_learned,
    .codegen = mlk_forest_algo_codegen,
    .free = mlk_forest_algo_free,
};
