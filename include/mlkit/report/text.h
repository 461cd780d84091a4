#ifndef MLK_REPORT_TEXT_H
#define MLK_REPORT_TEXT_H

#include <mlkit/core.h>

/**
 * @file text.h
 * @brief Aligned tables for a terminal.
 *
 * Cells are texts; a column whose cells are numbers is aligned to the right, others to the left.
 * Widths count UTF-8 characters. Like a document, a table remembers a failed allocation.
 */

MLK_BEGIN_DECLS

typedef struct mlk_text_table mlk_text_table;

/** A table with these column titles ("" for none); NULL when out of memory. */
mlk_text_table *mlk_text_table_new(const char *const *titles, size_t n_cols);
/** The next cell, row by row; copied. */
void mlk_text_table_cell(mlk_text_table *table, const char *text);
/** A number with `digits` significant digits ("-" for NaN). */
void mlk_text_table_number(mlk_text_table *table, double value, int digits);
/** The whole as text, each line indented by `indent`, to release with mlk_text_free(). */
mlk_status mlk_text_table_write(const mlk_text_table *table, size_t indent, char **text);
void mlk_text_table_free(mlk_text_table *table);

/** A number as people write it: 3 to `digits` significant digits, no exponent from 1e-4 to 1e7. */
const char *mlk_text_number(double value, int digits, char *buf, size_t size);

MLK_END_DECLS

#endif
