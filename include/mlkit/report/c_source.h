#ifndef MLK_REPORT_C_SOURCE_H
#define MLK_REPORT_C_SOURCE_H

#include <mlkit/core.h>
#include <mlkit/preprocess/model_file.h>

/**
 * @file c_source.h
 * @brief A fitted model, preprocessing included, as one stand-alone C99 file.
 *
 * The file declares a struct of the raw columns and one function:
 *
 *     typedef struct NAME_row { double age; const char *sex; ... } NAME_row;
 *     double NAME(const NAME_row *row);                        regression
 *     int NAME(const NAME_row *row, double *scores);           classification
 *
 * A missing number is NAN, a missing category NULL. A classifier returns the class's index into
 * NAME_classes (-1 when it cannot decide: a missing value where the model takes none) and writes
 * what it decided by, one number a class, unless scores is NULL. Nothing is allocated, nothing is
 * linked but libm.
 */

MLK_BEGIN_DECLS

/**
 * @param[in]  file A model of regression or classification.
 * @param[in]  name Prefix of all public names: a C identifier.
 * @param[out] text The source, to release with mlk_text_free(). NULL on failure.
 * @retval MLK_EINVAL       name is no identifier.
 * @retval MLK_EUNSUPPORTED The model cannot be written as C.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_c_source_write(const mlk_model_file *file, const char *name, char **text);

MLK_END_DECLS

#endif
