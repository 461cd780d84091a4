#include "tree/source.h"

#include "core/alloc.h"
#include "core/status.h"

/* Sizes of the tables of all trees together. */
typedef struct sizes {
    size_t nodes, sets, proba;
} sizes;

typedef struct tables {
    double *value;
    int64_t *what, *left, *root, *sets;
    double *proba;
} tables;

/* The trees one after the other: children, sets and rows of shares move by what came before. */
static void concatenate(const mlk_nodes *trees, size_t n, size_t k, const tables *t)
{
    sizes at = {0, 0, 0};
    for (size_t b = 0; b < n; b++) {
        const mlk_nodes *x = &trees[b];
        t->root[b] = (int64_t)at.nodes;
        for (size_t i = 0; i < x->n; i++) {
            const mlk_node *node = &x->node[i];
            const bool leaf = node->what & MLK_NODE_LEAF;
            const bool row = leaf && k && !(node->what & MLK_NODE_PURE);
            const bool set = !leaf && (node->what & MLK_NODE_SET);
            t->what[at.nodes + i] = node->what;
            t->left[at.nodes + i] = leaf ? 0 : (int64_t)(at.nodes + node->left);
            t->value[at.nodes + i] = node->value + (row   ? (double)at.proba
                                                    : set ? (double)at.sets
                                                          : 0.0);
        }
        for (size_t i = 0; i < x->n_sets; i++)
            t->sets[at.sets + i] = x->sets[i];
        for (size_t i = 0; i < x->n_proba * k; i++)
            t->proba[at.proba * k + i] = x->proba[i];
        at.nodes += x->n;
        at.sets += x->n_sets;
        at.proba += x->n_proba;
    }
}

static void write_tables(const tables *t, const sizes *n, size_t trees, size_t k,
                         const uint32_t *levels, size_t p, int64_t *room, mlk_codegen *to)
{
    mlk_codegen_reals(to, "value", t->value, n->nodes);
    mlk_codegen_ints(to, "what", "unsigned", t->what, n->nodes);
    mlk_codegen_ints(to, "left", "unsigned", t->left, n->nodes);
    mlk_codegen_ints(to, "root", "unsigned", t->root, trees);
    if (n->proba)
        mlk_codegen_reals(to, "proba", t->proba, n->proba * k);
    if (!n->sets)
        return;
    mlk_codegen_ints(to, "sets", "unsigned", t->sets, n->sets);
    for (size_t j = 0; j < p; j++)
        room[j] = levels[j];
    mlk_codegen_ints(to, "levels", "unsigned", room, p);
}

/* One tree's walk; the constants are those of nodes.h. */
static void write_walk(bool sets, mlk_codegen *to)
{
    const char *name = to->name;
    mlk_strbuf_printf(&to->text, "static unsigned %s_walk(const double *x, unsigned i)\n{\n", name);
    mlk_strbuf_printf(&to->text,
                      "    while (!(%s_what[i] & 0x80000000u)) {\n"
                      "        const unsigned what = %s_what[i], j = what & 0xfffffffu;\n"
                      "        const double v = x[j];\n"
                      "        int right;\n",
                      name, name);
    if (sets)
        mlk_strbuf_printf(&to->text,
                          "        if (what & 0x20000000u) {\n"
                          "            const unsigned c = v >= 0.0 && v < %s_levels[j] ? "
                          "(unsigned)v : ~0u;\n"
                          "            right = c == ~0u ? !(what & 0x40000000u)\n"
                          "                             : !(%s_sets[(unsigned)%s_value[i] + c / 32]"
                          " >> (c %% 32) & 1u);\n"
                          "        } else\n    ",
                          name, name, name);
    mlk_strbuf_printf(&to->text,
                      "        right = isnan(v) ? !(what & 0x40000000u) : v > %s_value[i];\n"
                      "        i = %s_left[i] + (unsigned)right;\n    }\n    return i;\n}\n\n",
                      name, name);
}

static void write_sum(size_t trees, size_t k, bool proba, mlk_codegen *to)
{
    const char *name = to->name;
    mlk_strbuf *t = &to->text;
    mlk_strbuf_printf(t, "static void %s(const double *x, double *out)\n{\n    int b, c;\n", name);
    mlk_strbuf_printf(t, "    for (c = 0; c < %zu; c++)\n        out[c] = 0.0;\n", k ? k : 1);
    mlk_strbuf_printf(t,
                      "    for (b = 0; b < %zu; b++) {\n"
                      "        const unsigned i = %s_walk(x, %s_root[b]);\n",
                      trees, name, name);
    if (!k) {
        mlk_strbuf_printf(t, "        out[0] += %s_value[i];\n", name);
    } else if (!proba) {
        mlk_strbuf_printf(t, "        out[(int)%s_value[i]] += 1.0;\n", name);
    } else {
        mlk_strbuf_printf(t,
                          "        if (%s_what[i] & 0x10000000u)\n"
                          "            out[(int)%s_value[i]] += 1.0;\n"
                          "        else\n"
                          "            for (c = 0; c < %zu; c++)\n"
                          "                out[c] += %s_proba[(size_t)%s_value[i] * %zu + "
                          "(size_t)c];\n",
                          name, name, k, name, name, k);
    }
    mlk_strbuf_printf(t, "    }\n    for (c = 0; c < %zu; c++)\n        out[c] /= %zu.0;\n}\n",
                      k ? k : 1, trees);
}

mlk_status mlk_nodes_codegen_walk(const mlk_nodes *trees, size_t n, const uint32_t *levels,
                                  size_t p, mlk_codegen *to)
{
    const size_t k = trees[0].n_classes;
    sizes total = {0, 0, 0};
    for (size_t b = 0; b < n; b++) {
        total.nodes += trees[b].n;
        total.sets += trees[b].n_sets;
        total.proba += trees[b].n_proba;
    }
    mlk_scratch s = MLK_SCRATCH_INIT;
    const tables t = {.value = mlk_scratch_take(&s, total.nodes, sizeof(double)),
                      .what = mlk_scratch_take(&s, total.nodes, sizeof(int64_t)),
                      .left = mlk_scratch_take(&s, total.nodes, sizeof(int64_t)),
                      .root = mlk_scratch_take(&s, n, sizeof(int64_t)),
                      .sets = mlk_scratch_take(&s, total.sets, sizeof(int64_t)),
                      .proba = mlk_scratch_take(&s, total.proba, (k + 1) * sizeof(double))};
    int64_t *room = mlk_scratch_take(&s, p, sizeof *room);
    mlk_status st = MLK_OK;
    if (s.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory to write %zu nodes as C", total.nodes);
    } else {
        concatenate(trees, n, k, &t);
        write_tables(&t, &total, n, k, levels, p, room, to);
        write_walk(total.sets > 0, to);
    }
    mlk_scratch_release(&s);
    return st;
}

mlk_status mlk_nodes_codegen(const mlk_nodes *trees, size_t n, const uint32_t *levels, size_t p,
                             mlk_codegen *to)
{
    bool proba = false;
    for (size_t b = 0; b < n; b++)
        proba |= trees[b].n_proba > 0;
    MLK_TRY(mlk_nodes_codegen_walk(trees, n, levels, p, to));
    write_sum(n, trees[0].n_classes, proba, to);
    return MLK_OK;
}
