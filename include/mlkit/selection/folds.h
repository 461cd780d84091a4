#ifndef MLK_SELECTION_FOLDS_H
#define MLK_SELECTION_FOLDS_H

#include <mlkit/core.h>

/**
 * @file folds.h
 * @brief Which rows train and which test, split after split.
 *
 * - shuffle: rows at random, classes in equal shares (each fold has of each class the same number,
 *   give or take one); repeated R times with a random stream of its own each.
 * - blocks: consecutive rows; the first n mod K folds have one more.
 * - group: rows of one group stay together; large groups are dealt first, each to the fold with the
 *   fewest rows.
 * - time: the rows are in order of time. K tests of n / (K + 1) rows each at the end, trained on
 * all rows before; the first rows are never tested.
 * - loo: each row alone.
 *
 * O(n log n) a repeat, 8 n bytes a repeat.
 */

MLK_BEGIN_DECLS

typedef enum mlk_fold_kind {
    MLK_FOLDS_SHUFFLE,
    MLK_FOLDS_BLOCKS,
    MLK_FOLDS_GROUP,
    MLK_FOLDS_TIME,
    MLK_FOLDS_LOO
} mlk_fold_kind;

/** How to split. Start from mlk_folds_opts_default(). */
typedef struct mlk_folds_opts {
    mlk_fold_kind kind;         /**< Default shuffle. */
    size_t folds;               /**< K >= 2, default 5; loo: as many as rows. */
    size_t repeats;             /**< R >= 1, default 1; shuffle and group only. */
    mlk_cvec groups;            /**< group: a number per row; equal numbers stay together. */
    const char *const *classes; /**< Names for warnings; NULL: numbers. */
    int64_t seed;               /**< Default 0. */
} mlk_folds_opts;

/** The defaults that are named above. */
mlk_folds_opts mlk_folds_opts_default(void);

/** The splits. Immutable. */
typedef struct mlk_folds mlk_folds;

/**
 * Split the rows of `data` (its y and n_classes stratify).
 *
 * A class with fewer rows than folds is warned about (run->warn): some folds will lack it.
 *
 * @param[in]  opts  NULL for the defaults.
 * @param[out] folds Release with mlk_folds_free(). NULL on failure.
 * @retval MLK_EINVAL An option out of its domain; more folds than rows or groups; a group missing.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_folds_new(const mlk_data *data, const mlk_folds_opts *opts, const mlk_run *run,
                         mlk_folds **folds);
/** Splits made elsewhere: fold_of[i] in 0..k-1 is where row i is tested; no fold is empty. */
mlk_status mlk_folds_from(const size_t *fold_of, size_t n, size_t k, mlk_folds **folds);

/**
 * Parse the words of the tools: cv is "K", "KxR" or "loo"; kind is "shuffle", "blocks", "time" or
 * "group:COL", of which *column becomes "COL" (else NULL; the caller sets opts->groups). NULL words
 * leave opts alone. MLK_EINVAL.
 */
mlk_status mlk_folds_parse(const char *cv, const char *kind, mlk_folds_opts *opts,
                           const char **column);

size_t mlk_folds_count(const mlk_folds *folds);       /**< Splits: K x R. */
size_t mlk_folds_per_repeat(const mlk_folds *folds);  /**< K. */
size_t mlk_folds_rows(const mlk_folds *folds);        /**< n. */
mlk_fold_kind mlk_folds_kind(const mlk_folds *folds); /**< Of mlk_folds_from(): blocks. */
/** Rows tested in split s, ascending, *n of them; split s belongs to repeat s / K. */
const size_t *mlk_folds_test(const mlk_folds *folds, size_t s, size_t *n);
/** Rows that split s trains on, ascending, into rows (room for n); returns their number. */
size_t mlk_folds_train(const mlk_folds *folds, size_t s, size_t *rows);
void mlk_folds_free(mlk_folds *folds); /**< NULL is allowed. */

MLK_END_DECLS

#endif
