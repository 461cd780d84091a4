#ifndef TOOLS_SHOW_RULES_H
#define TOOLS_SHOW_RULES_H

#include <mlkit/data/dataset.h>

#include "cli.h"

/* What a model of association rules found, with the items' names: "column=level", or the name of a
 * column of 0 and 1. */

bool is_rules(const mlk_model *pipeline);
/* "itemsets" and "rules" into the map `to`. */
void put_rules(const mlk_model *pipeline, const mlk_schema *schema, mlk_doc *to);
/* The first rules of such a map, for people. */
void print_rules(const mlk_doc *learned);
/* All of them as CSV, to the file of --output (`path`) or stdout. */
int write_rules(const cli *c, const mlk_doc *learned, const char *path);

#endif
