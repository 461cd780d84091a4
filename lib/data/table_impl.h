#ifndef DATA_TABLE_IMPL_H
#define DATA_TABLE_IMPL_H

#include <mlkit/data/table.h>

#include "data/dict.h"

/* What the readers fill. A column owns its codes and levels; a level's text lies in level_text. */
typedef struct table_column {
    const char *name; /* in table->names */
    mlk_column_type type;
    double *values; /* in table->numbers */
    uint32_t *codes;
    const char **levels;
    char *level_text;
    size_t n_levels, n_missing;
    bool forced; /* the caller chose the type */
} table_column;

struct mlk_table {
    char *name;
    size_t rows, cols;
    table_column *columns;
    double *numbers;   /* the values of all numeric columns */
    char *names;       /* all column names, each NUL-terminated */
    size_t first_line; /* line of row 0 */
    size_t *lines;     /* of each row; NULL: first_line + row */
    char *text;        /* of the rows, one behind the other; NULL: not kept */
    size_t *text_ends; /* of each row's */
    bool sparse;       /* svmlight: a feature that is not there is all zeros */
};

/* A table of `cols` named columns without rows; NULL when there is no memory. */
mlk_table *mlk_table_new(const char *name, const mlk_text *names, size_t cols);

/* Copies texts[order[i]] as level i of a column. false: no memory. */
bool mlk_table_set_levels(table_column *c, const mlk_text *texts, const size_t *order, size_t n);

/* The words for a missing field: empty, NA, N/A, NaN, nan, null, NULL, ?. */
bool mlk_is_missing(const char *begin, const char *end);

/* The readers; `bytes` may go when they return. chunk: bytes a thread takes at a time, 0 = default.
 */
mlk_status mlk_csv_read(const char *name, const char *bytes, size_t size,
                        const mlk_table_opts *opts, size_t chunk, const mlk_run *run,
                        mlk_table **table);
mlk_status mlk_svmlight_read(const char *name, const char *bytes, size_t size, size_t chunk,
                             const mlk_run *run, mlk_table **table);

#endif
