#ifndef SUPPORT_CSV_TWIN_H
#define SUPPORT_CSV_TWIN_H

#include <stddef.h>

/* RFC 4180 read character by character, as literally as can be: what lib/data/csv*.c is held
 * against. Memory is test_alloc()'s. */
typedef enum twin_error { TWIN_OK, TWIN_COUNT, TWIN_OPEN_QUOTE, TWIN_AFTER_QUOTE } twin_error;

typedef struct twin_table {
    size_t rows, cols; /* without the header */
    char **header;     /* cols texts */
    char **fields;     /* rows * cols texts, row by row */
    size_t *lines;     /* of each row */
    twin_error error;  /* the first one; rows before it are there */
    size_t error_line;
} twin_table;

twin_table twin_read(const char *bytes, size_t size, char delimiter);

#endif
