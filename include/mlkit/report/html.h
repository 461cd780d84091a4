#ifndef MLK_REPORT_HTML_H
#define MLK_REPORT_HTML_H

#include <mlkit/core.h>
#include <mlkit/report/table_summary.h>

/**
 * @file html.h
 * @brief One self-contained page of HTML: sections, sortable tables, pictures.
 *
 * The page has its styles and its script inside and asks the network for nothing (its own content
 * security policy forbids it). It adapts to phones, paper, and light or dark screens; tables are
 * sorted by their column titles, by mouse or keyboard. Like a document, it remembers a failed
 * allocation. All texts may be any bytes: they are escaped, what is not UTF-8 is replaced, control
 * characters become blanks; only pictures are taken as they are.
 *
 * Parts follow each other in the order of the calls; a section ends where the next begins.
 */

MLK_BEGIN_DECLS

typedef struct mlk_page mlk_page;

/** A page with this title, and under it a line in smaller letters. NULL when out of memory. */
mlk_page *mlk_page_new(const char *title, const char *subtitle);
void mlk_page_free(mlk_page *page); /**< NULL is allowed. */

void mlk_page_section(mlk_page *page, const char *title); /**< Also in the page's contents. */
void mlk_page_heading(mlk_page *page, const char *title); /**< A part of a section. */
/** A paragraph. */
__attribute__((format(printf, 2, 3))) void mlk_page_text(mlk_page *page, const char *fmt, ...);
/** A box that stands out: what the reader must not miss. */
__attribute__((format(printf, 2, 3))) void mlk_page_warning(mlk_page *page, const char *fmt, ...);
/** Text as it was typed, in a box that can be copied from. */
void mlk_page_code(mlk_page *page, const char *text);
/** Numbers that sum a section up: a big text over a small one. Neighbours stand side by side. */
void mlk_page_figure_of_merit(mlk_page *page, const char *label, const char *value,
                              const char *remark);

/* ------------------------------------------------------------------- tables */

/** Begin a table that can be sorted by any of its n columns; the caption says what it shows. */
void mlk_page_table(mlk_page *page, const char *caption, const char *const *titles, size_t n);
/** The next cell, row by row; the first of a row is its name. */
void mlk_page_cell(mlk_page *page, const char *text);
/** A number of so many significant digits ("–" for NaN), sorted by its value. */
void mlk_page_number(mlk_page *page, double value, int digits);
/** A text that is sorted by a number (NaN: last). */
void mlk_page_sorted(mlk_page *page, const char *text, double key);
/** Seconds; marked as what differs from run to run (class "time"). */
void mlk_page_seconds(mlk_page *page, double seconds);
/** A small bar chart, described by the text. */
void mlk_page_bars(mlk_page *page, const char *description, const size_t *counts, size_t n);
void mlk_page_table_end(mlk_page *page);

/* ----------------------------------------------------------------- pictures */

/**
 * A picture; neighbours stand side by side where there is room.
 *
 * @param[in] caption What it shows.
 * @param[in] svg     An <svg> element, taken as it is (plot.h: standalone = false).
 */
void mlk_page_picture(mlk_page *page, const char *caption, const char *svg);

/** One that needs the whole width: it keeps its size, and scrolls where the page is narrower;
 *  centred: its middle is seen first (a tree's root). */
void mlk_page_wide_picture(mlk_page *page, const char *caption, const char *svg, bool centred);

/** What a table holds (table_summary.h): its shape, remarks, columns, pairs of columns. */
void mlk_page_table_summary(mlk_page *page, const mlk_table_summary *summary);

/** The page, to release with mlk_text_free(). MLK_ENOMEM. */
mlk_status mlk_page_finish(mlk_page *page, char **html);

MLK_END_DECLS

#endif
