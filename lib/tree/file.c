#include <string.h>

#include "model/algo.h"
#include "tree/fitted.h"

/* Values of the leaves are those of `nodes`; those of the inner nodes, for showing, are apart, and
 * the root is among them even when it is a leaf. */
static bool has_own_value(const mlk_tree *t, size_t i)
{
    return i == 0 || !(t->nodes.node[i].what & MLK_NODE_LEAF);
}

static size_t own_values(const mlk_tree *t) { return t->nodes.n > 1 ? t->nodes.n / 2 : 1; }

static void save_values(const mlk_tree *t, mlk_doc *to)
{
    const size_t k = t->k ? t->k : 1;
    double *v = mlk_doc_put_room(to, "inner_value", MLK_F64, own_values(t), k);
    for (size_t i = 0; v && i < t->nodes.n; i++)
        if (has_own_value(t, i)) {
            memcpy(v, t->value + i * k, k * sizeof *v);
            v += k;
        }
}

void mlk_tree_algo_save(const void *state, mlk_doc *to)
{
    const mlk_tree *t = state;
    bool weighted = false;
    mlk_nodes_save(&t->nodes, to);
    mlk_levels_save(t->levels, t->p, to);
    mlk_doc_put_int(to, "criterion", t->criterion);
    mlk_doc_put_array(to, "samples", MLK_U32, t->samples, t->nodes.n, 0);
    for (size_t i = 0; i < t->nodes.n; i++)
        weighted |= t->weight[i] != (double)t->samples[i];
    if (weighted)
        mlk_doc_put_vec(to, "weight", (mlk_cvec){t->weight, t->nodes.n});
    mlk_doc_put_vec(to, "impurity", (mlk_cvec){t->impurity, t->nodes.n});
    save_values(t, to);
    mlk_doc_put_vec(to, "feature_importances", mlk_tree_importances(t));
}

/* Values of all nodes: the leaves' from `nodes`, the others' from the file. */
static mlk_status load_values(const mlk_doc *from, mlk_tree *t)
{
    const size_t k = t->k ? t->k : 1;
    mlk_cmat v;
    MLK_TRY(mlk_doc_get_mat(from, "inner_value", own_values(t), k, &v));
    memset(t->value, 0, t->nodes.n * k * sizeof *t->value);
    for (size_t i = 0; i < t->nodes.n; i++) {
        if (has_own_value(t, i)) {
            memcpy(t->value + i * k, v.data, k * sizeof *t->value);
            v.data += k;
        } else if (t->k) {
            mlk_nodes_add_classes(&t->nodes, (uint32_t)i, t->value + i * k);
        } else {
            t->value[i] = mlk_nodes_value(&t->nodes, (uint32_t)i);
        }
    }
    return MLK_OK;
}

static mlk_status load_stats(const mlk_doc *from, mlk_tree *t)
{
    const size_t n = t->nodes.n;
    mlk_doc_array samples;
    mlk_cvec weight = {NULL, 0}, impurity, importances;
    int64_t criterion;
    const bool classes = t->k > 0;
    MLK_TRY(mlk_doc_get_int(from, "criterion", classes ? MLK_TREE_GINI : MLK_TREE_VARIANCE,
                            classes ? MLK_TREE_ENTROPY : MLK_TREE_ABSOLUTE_ERROR, &criterion));
    MLK_TRY(mlk_doc_get_array(from, "samples", MLK_U32, &samples));
    if (samples.rows != n || samples.cols)
        return MLK_FAIL(MLK_EFORMAT, "'samples' has %zu values; expected %zu", samples.rows, n);
    if (mlk_doc_find(from, "weight"))
        MLK_TRY(mlk_doc_get_vec(from, "weight", n, &weight));
    MLK_TRY(mlk_doc_get_vec(from, "impurity", n, &impurity));
    MLK_TRY(mlk_doc_get_vec(from, "feature_importances", t->p, &importances));
    t->criterion = (int)criterion;
    memcpy(t->samples, samples.data, n * sizeof *t->samples);
    for (size_t i = 0; i < n; i++)
        t->weight[i] = weight.data ? weight.data[i] : (double)t->samples[i];
    memcpy(t->impurity, impurity.data, n * sizeof *t->impurity);
    memcpy(t->importances, importances.data, t->p * sizeof *t->importances);
    return load_values(from, t);
}

static mlk_status load_parts(const mlk_doc *from, mlk_tree *t)
{
    MLK_TRY(mlk_levels_load(from, t->p, &t->levels));
    MLK_TRY(mlk_nodes_load(from, t->levels, t->p, t->k, &t->nodes));
    MLK_TRY(mlk_tree_allocate(t));
    return load_stats(from, t);
}

mlk_status mlk_tree_algo_load(const mlk_doc *from, size_t n_features, size_t n_classes,
                              void **state)
{
    /* These bound all that is allocated by what the file holds. */
    mlk_cvec importances;
    mlk_doc_array value;
    MLK_TRY(mlk_doc_get_vec(from, "feature_importances", n_features, &importances));
    MLK_TRY(mlk_doc_get_array(from, "inner_value", MLK_F64, &value));
    if (!value.rows || value.cols != (n_classes ? n_classes : 1))
        return MLK_FAIL(MLK_EFORMAT, "'inner_value' has %zu columns; expected %zu", value.cols,
                        n_classes ? n_classes : 1);
    mlk_tree *t = mlk_tree_new(n_features, n_classes);
    const mlk_status st = t ? load_parts(from, t) : MLK_FAIL(MLK_ENOMEM, "no memory for a tree");
    if (st == MLK_OK)
        *state = t;
    else
        mlk_tree_free(t);
    return st;
}
