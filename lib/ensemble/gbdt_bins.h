#ifndef ENSEMBLE_GBDT_BINS_H
#define ENSEMBLE_GBDT_BINS_H

#include <mlkit/core.h>

/*
 * The design with one byte a value: the number of its bin. Twice, because two things read it:
 *
 *   by_row:    row 0: [ column 0 .. p-1 ]  row 1: ...   histograms of some rows, all columns
 *   by_column: column 0: [ row 0 .. n-1 ]  column 1: ...  the split of a leaf by one column
 *
 * Bin b of a numeric column holds upper[b - 1] < x <= upper[b], the last one all that is larger; a
 * bin of a categorical column holds one level, or all the rare ones. Bin n_bins holds what is
 * missing. A histogram has n_bins + 1 cells a column, from `cell[j]` on.
 */
typedef struct gbdt_column {
    uint32_t n_bins, n_levels;   /* n_levels 0: numeric */
    const double *upper;         /* numeric: n_bins - 1 ascending thresholds */
    const uint8_t *bin_of_level; /* categorical: n_levels bins; n_bins where no row had the level */
} gbdt_column;

typedef struct gbdt_bins {
    size_t n, p, n_cells;
    uint8_t *by_row, *by_column;
    gbdt_column *column;
    size_t *cell;          /* p: first cell of each column */
    double *upper;         /* p x 255 */
    uint8_t *bin_of_level; /* of all categorical columns */
} gbdt_bins;

/* Bins of checked data: boundaries from the n_rows rows listed, at most max_bins a column. */
mlk_status mlk_gbdt_bins_new(const mlk_data *data, const uint32_t *rows, size_t n_rows,
                             size_t max_bins, const mlk_run *run, gbdt_bins **bins);
void mlk_gbdt_bins_free(gbdt_bins *bins);

#endif
