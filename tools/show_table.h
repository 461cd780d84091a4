#ifndef TOOLS_SHOW_TABLE_H
#define TOOLS_SHOW_TABLE_H

#include "cli.h"

/* Is this a table rather than a model file? A model file says what it is in its first bytes. */
bool is_table(const cli *c, const char *path);
/* Describe it as the settings ask. */
int show_table(cli *c, const char *path);

#endif
