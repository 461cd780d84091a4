#ifndef TREE_SOURCE_H
#define TREE_SOURCE_H

#include "model/codegen.h"
#include "tree/nodes.h"

/* C source of the mean of n trees: tables of all nodes and a loop over them, which adds in the
 * order that prediction adds, and so gives the same bits. */
mlk_status mlk_nodes_codegen(const mlk_nodes *trees, size_t n, const uint32_t *levels, size_t p,
                             mlk_codegen *to);

/* The tables alone, and <name>_walk(x, <name>_root[b]): the place of x's leaf of tree b in
 * <name>_value. For n >= 1 trees. */
mlk_status mlk_nodes_codegen_walk(const mlk_nodes *trees, size_t n, const uint32_t *levels,
                                  size_t p, mlk_codegen *to);

#endif
