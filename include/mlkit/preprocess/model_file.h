#ifndef MLK_PREPROCESS_MODEL_FILE_H
#define MLK_PREPROCESS_MODEL_FILE_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>
#include <mlkit/data/dataset.h>
#include <mlkit/model.h>
#include <mlkit/preprocess/drift.h>

/**
 * @file model_file.h
 * @brief What a .mlk file holds: the schema of the training table, the fitted pipeline, what the
 *        baseline predicts, and notes on the fit.
 *
 * The document (archive.h) is the map
 *
 *     "tool":     "mlkit 0.1.0"
 *     "model":    name of the algorithm
 *     "task":     "regression", "classification", "transform", "clustering", ...
 *     "schema":   schema of the columns (dataset.h)
 *     "pipeline": preprocessing and algorithm (mlk_model_save())
 *     "baseline": mean of the target, or shares of the classes; empty without a target
 *     "profile":  range and mix of the training data (drift.h); absent in files of older versions
 *     "notes":    a map that nothing else depends on: how the fit ended
 *
 * Nothing in it depends on time, place or the number of threads.
 */

MLK_BEGIN_DECLS

/** An open model file. The fields are owned by it; release them with mlk_model_file_close(). */
typedef struct mlk_model_file {
    mlk_schema *schema;
    mlk_model *pipeline;
    mlk_cvec baseline;
    mlk_profile *profile; /**< NULL: the file has none. */
    const mlk_doc *notes; /**< A map, or NULL. */
    mlk_doc *doc;         /**< The whole document, which baseline and notes belong to. */
} mlk_model_file;

/**
 * Write a model file; see mlk_file_write() for what a failure leaves behind.
 *
 * @param[in] baseline From mlk_baseline_of(); empty without a target.
 * @param[in] profile  Of the training data, or NULL.
 * @param[in] notes    A map to keep, or NULL.
 * @retval MLK_EIO, MLK_ENOMEM
 */
mlk_status mlk_model_file_write(const char *path, const mlk_schema *schema,
                                const mlk_model *pipeline, mlk_cvec baseline,
                                const mlk_profile *profile, const mlk_doc *notes);

/** The bytes of such a file, to release with mlk_archive_free(). NULL on failure. MLK_ENOMEM. */
mlk_status mlk_model_file_encode(const mlk_schema *schema, const mlk_model *pipeline,
                                 mlk_cvec baseline, const mlk_profile *profile,
                                 const mlk_doc *notes, void **bytes, size_t *size);

/**
 * Read one, trusting nothing.
 *
 * @param[out] file All NULL on failure.
 * @retval MLK_EIO     The file cannot be read.
 * @retval MLK_EFORMAT It is not what mlk_model_file_write() writes; the text begins with the path.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_model_file_read(const char *path, mlk_model_file *file);
void mlk_model_file_close(mlk_model_file *file); /**< A closed one is allowed. */

/** The task that a model was fitted for: one bit of mlk_algo.tasks. */
unsigned mlk_task_of(const mlk_algo *algo, const mlk_schema *schema);
/** Its name: "regression"; "" for none. */
const char *mlk_task_name(unsigned task);

MLK_END_DECLS

#endif
