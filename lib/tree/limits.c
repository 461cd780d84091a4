#include "tree/limits.h"

#include <math.h>

#include "core/status.h"

const mlk_word mlk_tree_criteria[] = {{"auto", MLK_TREE_AUTO},
                                      {"gini", MLK_TREE_GINI},
                                      {"entropy", MLK_TREE_ENTROPY},
                                      {"variance", MLK_TREE_VARIANCE},
                                      {"absolute_error", MLK_TREE_ABSOLUTE_ERROR},
                                      {NULL, 0}};
const mlk_word mlk_tree_none[] = {{"none", 0}, {NULL, 0}};
const mlk_word mlk_tree_features[] = {
    {"all", MLK_TREE_ALL}, {"sqrt", MLK_TREE_SQRT}, {"log2", MLK_TREE_LOG2}, {NULL, 0}};
const mlk_word mlk_tree_class_weights[] = {{"none", 0}, {"balanced", 1}, {NULL, 0}};

mlk_status mlk_share_resolve(const char *name, double value, size_t all, size_t *count)
{
    if (value <= 1.0) {
        const size_t part = (size_t)(value * (double)all);
        *count = part ? part : 1;
        return MLK_OK;
    }
    if (value != floor(value) || value > (double)all)
        return MLK_FAIL(MLK_EINVAL, "%s = %g; expected a share in (0, 1] or a count of 2..%zu",
                        name, value, all);
    *count = (size_t)value;
    return MLK_OK;
}

static size_t limit_of(int64_t value) { return value ? (size_t)value : SIZE_MAX; }

mlk_status mlk_limits_resolve(const mlk_tree_opts *o, size_t p, mlk_grow_opts *grow)
{
    *grow = (mlk_grow_opts){.max_depth = limit_of(o->max_depth),
                            .max_leaves = limit_of(o->max_leaf_nodes),
                            .min_samples_split = (size_t)o->min_samples_split,
                            .min_samples_leaf = (size_t)o->min_samples_leaf,
                            .min_impurity_decrease = o->min_impurity_decrease};
    if (o->max_features == MLK_TREE_ALL)
        grow->max_features = p;
    else if (o->max_features == MLK_TREE_SQRT)
        grow->max_features = (size_t)sqrt((double)p);
    else if (o->max_features == MLK_TREE_LOG2)
        grow->max_features = (size_t)log2((double)p);
    else
        MLK_TRY(mlk_share_resolve("max_features", o->max_features, p, &grow->max_features));
    if (grow->max_features == 0)
        grow->max_features = 1;
    return MLK_OK;
}
