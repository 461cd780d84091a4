#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "tree/grower.h"

void mlk_grown_release(mlk_grown *tree)
{
    mlk_free(tree->node);
    mlk_free(tree->count);
    mlk_free(tree->sets);
}

void mlk_grown_free(mlk_grown *tree)
{
    if (!tree)
        return;
    mlk_grown_release(tree);
    mlk_free(tree);
}

mlk_status mlk_grown_reserve(mlk_grown *tree, size_t more)
{
    if (more <= tree->cap - tree->n)
        return MLK_OK;
    const size_t cap = 2 * tree->cap + more + 62;
    mlk_grown_node *node = mlk_regrow(tree->node, tree->n, cap, sizeof *node);
    if (node)
        tree->node = node;
    double *count = NULL;
    if (node && tree->n_classes &&
        (count = mlk_regrow(tree->count, tree->n, cap, tree->n_classes * sizeof *count)))
        tree->count = count;
    if (!node || (tree->n_classes && !count))
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu nodes", cap);
    tree->cap = cap;
    return MLK_OK;
}

mlk_status mlk_grown_reserve_sets(mlk_grown *tree, size_t more)
{
    if (more <= tree->cap_sets - tree->n_sets)
        return MLK_OK;
    const size_t cap = 2 * tree->cap_sets + more + 62;
    uint32_t *sets =
        cap > UINT32_MAX ? NULL : mlk_regrow(tree->sets, tree->n_sets, cap, sizeof *sets);
    if (!sets)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the level sets of a tree");
    tree->sets = sets;
    tree->cap_sets = cap;
    return MLK_OK;
}

mlk_status mlk_grown_append(mlk_grown *tree, uint32_t at, const mlk_grown *part)
{
    MLK_TRY(mlk_grown_reserve(tree, part->n));
    MLK_TRY(mlk_grown_reserve_sets(tree, part->n_sets));
    const size_t k = tree->n_classes;
    const uint32_t base = (uint32_t)tree->n - 1, set_base = (uint32_t)tree->n_sets;
    for (size_t i = 0; i < part->n; i++) {
        const size_t to = i ? base + i : at;
        mlk_grown_node node = part->node[i];
        if (node.left) {
            node.left += base;
            node.right += base;
            node.set += set_base;
        }
        tree->node[to] = node;
        if (k)
            memcpy(tree->count + to * k, part->count + i * k, k * sizeof *tree->count);
    }
    if (part->n_sets)
        memcpy(tree->sets + tree->n_sets, part->sets, part->n_sets * sizeof *tree->sets);
    tree->n += part->n - 1;
    tree->n_sets += part->n_sets;
    return MLK_OK;
}
