#ifndef DATA_CSV_IMPL_H
#define DATA_CSV_IMPL_H

#include "core/strbuf.h"
#include "data/csv_field.h"
#include "data/csv_split.h"
#include "data/dict.h"
#include "data/table_impl.h"

/*
 * Reading a CSV file:
 *
 *   csv.c         the header, the split (csv_split.h), and a guess from the first rows which
 * columns are text; csv_rows.c    one pass over all pieces in parallel. Numbers go to their
 * columns; texts are numbered by a dictionary per worker and column; a column of numbers in which a
 *                 text turns up is given up from there on;
 *   csv_levels.c  the workers' dictionaries become the sorted levels, their numbers codes;
 *   csv_text.c    the rows' own text, where it is asked for.
 *
 * If columns were given up, a second pass reads just those as text. Which worker reads which
 * piece is left to chance and leaves no trace in the table.
 */

typedef enum csv_mode { CSV_NUMBER, CSV_TEXT, CSV_SKIP } csv_mode;

typedef struct csv_column {
    _Atomic unsigned char given_up; /* a text turned up in a column of numbers */
    unsigned char mode;             /* csv_mode of the present pass */
    bool forced;                    /* by --numeric: a text there is an error */
} csv_column;

typedef union csv_cell {
    double number;
    uint64_t code;
} csv_cell;

/* The first thing wrong in a piece. */
typedef struct csv_error {
    mlk_status status; /* MLK_OK: nothing */
    const char *what;  /* NULL: `fields` is wrong */
    const char *at;    /* its line is reported */
    const char *seen;  /* how far the reader had looked */
    size_t column;     /* SIZE_MAX: none in particular */
    size_t fields;
    mlk_text text; /* the field's */
} csv_error;

typedef struct csv_worker {
    csv_cell *tile;      /* rows on their way into columns, row-major */
    unsigned char *mode; /* of each column, in the present piece */
    size_t *run;         /* numeric columns in a row from each on; [cols] is 0 */
    mlk_dict *dicts;     /* of each column */
    size_t *missing;     /* in each column */
    mlk_text *infinite;  /* first infinite number of each column */
    mlk_strbuf text;     /* a field without its doubled quotes */
    csv_error error;
} csv_worker;

typedef struct csv {
    const char *name, *bytes, *end;
    char delimiter;
    bool header;
    const char *data; /* first record behind the header */
    size_t cols;
    csv_column *columns;
    mlk_table *table;
    csv_split split;
    size_t tile_rows;
    csv_worker *workers;
    unsigned n_workers;
    mlk_scratch scratch;
    const mlk_run *run;
} csv;

/* Read all pieces; columns in mode CSV_SKIP are passed over. */
mlk_status csv_read_rows(csv *c);
/* Levels of column j from the workers' dictionaries, and its codes. */
mlk_status csv_finish_text(csv *c, size_t j);

/* The text of all rows into the table. */
mlk_status csv_keep_text(const csv *c);

/* Line of a place in the file. */
size_t csv_line(const csv *c, const char *at);
/* A field's text as number: C-locale decimal to the last character, infinite included. */
bool csv_number(const csv_field *f, double *out);

#endif
