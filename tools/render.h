#ifndef TOOLS_RENDER_H
#define TOOLS_RENDER_H

#include <mlkit/metrics/evaluate.h>
#include <mlkit/report/text.h>

#include "cli.h"
#include "map.h"

/* Documents and evaluations as text on stdout, for people. */

/* Print a table and release it. */
void render_table(mlk_text_table *table, size_t indent);
/* "fit: converged after 12 iterations, objective 3.1, duality gap 2e-9" */
void render_fit(const mlk_doc *fit);
/* What was learned: the coefficients with their statistics as a table, then the rest. */
void render_learned(const mlk_doc *learned, const mlk_doc *classes);
/* A table of metrics: one column a (title, evaluation); with intervals and the baseline of the
 * last one where it has them. */
void render_metrics(const char *const *titles, const mlk_evaluation *const *evaluations, size_t n);
/* Truth down, predictions across. */
void render_confusion(const mlk_evaluation *evaluation, const char *const *classes, size_t k);
/* name value, name value, ... of a map of scalars, on one line after the title. */
void render_params(const char *title, const mlk_doc *params);

/* A scalar as a word: itself, true or false, or a number, which is written to `number`. */
const char *render_scalar(const mlk_doc *node, int digits, char *number, size_t size);
/* "alpha=1 poly=2" of a map of scalars, cut to `size` bytes. Returns text. */
char *render_choice(const mlk_doc *params, int digits, char *text, size_t size);

/* Trustworthiness and continuity, a column a verdict. */
void render_neighbourhood(size_t k, const char *const *titles, const map_verdict *const *verdicts,
                          size_t n);

#endif
