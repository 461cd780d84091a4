#ifndef MLK_DATA_TABLE_H
#define MLK_DATA_TABLE_H

#include <mlkit/core.h>

/**
 * @file table.h
 * @brief A table of named, typed columns, and how files become one.
 *
 * CSV by RFC 4180 (quotes, newlines inside quotes, LF or CRLF, a UTF-8 BOM skipped, blank lines
 * skipped) and svmlight; plain or gzip, from a file or standard input ("-"). A field is missing
 * when empty, NA, N/A, NaN, nan, null, NULL or ?. A column whose other fields all read as C-locale
 * decimal numbers is numeric, else categorical. Numbers are correctly rounded, as strtod's.
 *
 * A CSV file is mapped, split among threads at record boundaries and read in one pass; O(bytes)
 * time, 8 bytes a numeric and 4 a categorical field of memory.
 */

MLK_BEGIN_DECLS

typedef enum mlk_column_type { MLK_NUMERIC, MLK_CATEGORICAL } mlk_column_type;

/** Code of a missing field in a categorical column. */
#define MLK_MISSING_CODE UINT32_MAX

/** One column, borrowed from its table. */
typedef struct mlk_column {
    const char *name;
    mlk_column_type type;
    const double *values;      /**< Numeric: one per row, NaN = missing; else NULL. */
    const uint32_t *codes;     /**< Categorical: one per row, into levels; else NULL. */
    const char *const *levels; /**< Categorical: sorted, numerically if all are numbers, else
                                    bytewise. */
    size_t n_levels;
    size_t n_missing;
} mlk_column;

typedef struct mlk_table mlk_table;

typedef enum mlk_format { MLK_FORMAT_AUTO, MLK_FORMAT_CSV, MLK_FORMAT_SVMLIGHT } mlk_format;

/** How to read. Start from mlk_table_opts_default(). */
typedef struct mlk_table_opts {
    mlk_format format;       /**< AUTO: by the file's ending (.svm .libsvm .svmlight), else CSV. */
    char delimiter;          /**< 0: of , ; tab | the one that the header shows most. */
    bool header;             /**< false: the columns are named 1, 2, ... Default true. */
    const char *categorical; /**< Comma-separated names that are categorical whatever they hold. */
    const char *numeric;     /**< ... and numeric: another field there is an error. */
    bool text;               /**< Keep the rows' own text for mlk_table_text(). Default false. */
} mlk_table_opts;

/** The defaults stated with each field, which NULL for options means too. */
mlk_table_opts mlk_table_opts_default(void);

/**
 * Read a table.
 *
 * @param[in]  path  A file, or "-" for standard input.
 * @param[in]  opts  NULL for the defaults.
 * @param[out] table Release with mlk_table_free(). NULL on failure.
 * @retval MLK_EIO     The file cannot be read.
 * @retval MLK_EFORMAT It is not a table; the text begins "path:line: " where a line is at fault.
 * @retval MLK_EINVAL  An option is out of its domain, or names an unknown column.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_table_read(const char *path, const mlk_table_opts *opts, const mlk_run *run,
                          mlk_table **table);
/** The same from `size` bytes of memory; `name` stands for the file in messages. */
mlk_status mlk_table_read_memory(const char *name, const void *bytes, size_t size,
                                 const mlk_table_opts *opts, const mlk_run *run, mlk_table **table);

/* Shape and columns; all that is handed out lives as long as the table. */
size_t mlk_table_rows(const mlk_table *table);                 /**< Without the header. */
size_t mlk_table_cols(const mlk_table *table);                 /**< Of the header, all kinds. */
mlk_column mlk_table_column(const mlk_table *table, size_t j); /**< j < cols. */
const char *mlk_table_name(const mlk_table *table);            /**< Path it was read from. */
/** File line (1-based) on which data row i starts. */
size_t mlk_table_line(const mlk_table *table, size_t row);
/**
 * Row i as it stands in its CSV file, *length bytes without the line end: no cell is altered, be it
 * 007, 1.50, NA or a number of 20 digits. Always with commas between its cells, whatever the file's
 * delimiter; a cell that they call for is in quotes. NULL: svmlight, or not kept (opts.text).
 */
const char *mlk_table_text(const mlk_table *table, size_t row, size_t *length);
/**
 * The column called `name`; or, when none is and `name` is a number, the column of that
 * 1-based index. MLK_EINVAL: "no column 'pirce'; did you mean 'price'?".
 */
mlk_status mlk_table_find(const mlk_table *table, const char *name, size_t *j);
/**
 * Is column j categorical by accident: a column of numbers but for a few values (at most one
 * different text for ten different numbers), or of numbers with decimal commas? Then one line that
 * says so, with the first such value and where it is, goes to text (of `size` bytes). Not for a
 * column that is categorical because the reader was told so.
 */
bool mlk_table_stray(const mlk_table *table, size_t j, char *text, size_t size);
/**
 * Lists in cells become rows: each cell of a categorical column is cut at `separator`, blanks
 * around the items dropped. A row becomes as many rows as its longest cell has items, and at least
 * one; the first keeps the numbers, and what a row does not have is missing. The last column, named
 * `basket`, is the number of the row that they come from, from 1.
 *
 * @retval MLK_EINVAL There is a column of that name.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_table_itemise(const mlk_table *table, char separator, const char *basket,
                             mlk_table **out);
void mlk_table_free(mlk_table *table); /**< NULL is allowed. */

MLK_END_DECLS

#endif
