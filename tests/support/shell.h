#ifndef SUPPORT_SHELL_H
#define SUPPORT_SHELL_H

#include "support/mlk_test.h"

/* Running the programs as a user does, each test in an empty folder of its own, which is the
 * current one. The programs are found by name: they come first in PATH. */

typedef struct shell_result {
    int status; /* exit status; 128 + signal when it died of one */
    char *out, *err;
} shell_result;

/* For tcase_add_checked_fixture(): into a new folder, and back, removing it. */
void shell_enter(void);
void shell_leave(void);

/* Run a command line with sh. */
__attribute__((format(printf, 1, 2))) shell_result shell_run(const char *fmt, ...);
/* The same; it must end with status 0. Returns what it printed. */
char *shell_out(const char *command);
/* Run it; it must end with this status, print nothing to stdout unless it is 0, and its stderr
 * must hold `err` (NULL: anything). A status of 1 or 2 must come with exactly one line. */
void shell_require(int status, const char *err, const char *command);
/* Files. */
void shell_write(const char *path, const char *text);
void shell_write_bytes(const char *path, const void *bytes, size_t n);
char *shell_read(const char *path, size_t *n); /* NULL: not there */
/* The path of a table of the folder datasets/. */
const char *shell_dataset(const char *name);
/* Nothing but these files is in the folder: names separated by blanks, in order. */
void shell_require_files(const char *names);
/* A number behind "key": in a JSON text, the first at or after `from` (NULL: the whole). */
double shell_json_number(const char *json, const char *from, const char *key);

#endif
