#ifndef MLK_DATA_SPLIT_H
#define MLK_DATA_SPLIT_H

#include <mlkit/core.h>

/**
 * @file split.h
 * @brief Rows held out for a test.
 *
 * Of n rows, ceil(fraction * n) are drawn without replacement, never all and never none. Where the
 * data have classes each class gives its share, rounded by largest remainders (of equal remainders
 * the lower class first), but keeps at least one row for training.
 */

MLK_BEGIN_DECLS

/**
 * @param[in]  data     n rows; y matters where there are classes.
 * @param[in]  fraction Share of the rows to hold out, in (0, 1).
 * @param[in]  seed     Of the draw; the same split for the same seed.
 * @param[out] rows     n places: first the training rows, then the test rows, each ascending.
 * @param[out] n_train  How many come first.
 * @retval MLK_EINVAL A fraction outside (0, 1), fewer than two rows, one row only of every class,
 *                    y that is no class number.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_split_holdout(const mlk_data *data, double fraction, int64_t seed, size_t *rows,
                             size_t *n_train);

MLK_END_DECLS

#endif
