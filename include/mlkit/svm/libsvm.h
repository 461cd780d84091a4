#ifndef MLK_SVM_LIBSVM_H
#define MLK_SVM_LIBSVM_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file libsvm.h
 * @brief Kernel machines in LIBSVM's own model format, so that svm-predict reads them.
 */

MLK_BEGIN_DECLS

/**
 * Write a model of svc (two classes, or one-versus-one), svr or one-class-svm as LIBSVM writes its
 * own. Decisions agree to rounding; ties between classes go to the first, in both. Rows must reach
 * svm-predict as they reach the model: after the preprocessing.
 *
 * @param[in]  model  Not a pipeline; see mlk_pipeline_inner().
 * @param[in]  labels LIBSVM's integer label of each class; ignored by svr and one-class-svm.
 * @param[out] text   To release with mlk_text_free(). NULL on failure.
 * @retval MLK_EUNSUPPORTED Another algorithm, one-versus-rest, or a precomputed kernel.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_libsvm_write(const mlk_model *model, const int64_t *labels, char **text);

MLK_END_DECLS

#endif
