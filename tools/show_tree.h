#ifndef TOOLS_SHOW_TREE_H
#define TOOLS_SHOW_TREE_H

#include <mlkit/preprocess/model_file.h>

#include "cli.h"

/* The fitted model is a single tree? */
bool is_tree(const mlk_model_file *file);
/* As the settings ask: --rules, --dot, --explain NODE (of `data`, a path) or the indented text. */
int show_tree(cli *c, const mlk_model_file *file, const char *data);
/* For Graphviz, to be released by mlk_tree_text_free(). */
int tree_dot(const cli *c, const mlk_model_file *file, char **text);
/* "nodes" into the map `to`. */
void put_tree_nodes(const mlk_model_file *file, mlk_doc *to);

#endif
