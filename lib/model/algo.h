#ifndef MODEL_ALGO_H
#define MODEL_ALGO_H

#include <mlkit/model.h>

#include "core/status.h"

/* What the fit of an algorithm asks of its data; bits for mlk_data_check(). */
enum {
    MLK_NEED_TARGET = 1,  /* y must be given, one per row */
    MLK_NEED_CLASSES = 2, /* y holds class numbers, n_classes >= 2 */
    MLK_FINITE_LATER = 4, /* the caller finds non-finite X by itself, more cheaply */
    MLK_NO_CLASSES = 8    /* a regressor: n_classes must be 0 */
};

/*
 * Shapes, finiteness and domains of training data; `caps` of the algorithm decide whether
 * weights, NaN and categorical columns may be there. Texts: "X has 6 rows but y has 5 values",
 * "X[3, 1] = nan; expected a finite value", "the weights sum to 0".
 */
mlk_status mlk_data_check(const mlk_data *data, unsigned caps, unsigned needs, const mlk_run *run);

/* "column 'price'", or "column 3" where the data have no names, in buf. Returns buf. */
const char *mlk_column_label(const mlk_data *data, size_t j, char *buf, size_t size);
enum { MLK_LABEL = 256 }; /* bytes for it */

/* X is m x p for a model of p features and `out` has X.rows rows: the text of every predict. */
mlk_status mlk_predict_check(mlk_cmat X, size_t p, size_t out_rows);

/* A number for each row. */
typedef mlk_status mlk_score_fn(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out);

/* The `decision` thunk of what has one score a row: they go to column 0. */
mlk_status mlk_decide_by(mlk_score_fn *score, const void *state, mlk_cmat X, const mlk_run *run,
                         mlk_mat out);

/* First non-finite element of X, in row order, to *i, *j; false: none. Parallel. */
bool mlk_find_nonfinite(mlk_cmat X, const mlk_run *run, size_t *i, size_t *j);

/* Is sample weight i 1 when none are given? */
static inline double mlk_weight(mlk_cvec w, size_t i) { return w.n ? w.data[i] : 1.0; }

#endif
