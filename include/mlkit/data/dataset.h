#ifndef MLK_DATA_DATASET_H
#define MLK_DATA_DATASET_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>
#include <mlkit/data/table.h>

/**
 * @file dataset.h
 * @brief From a table to what an algorithm learns from: roles of columns, class
 *        numbers, level codes; and the schema that repeats it on other tables.
 *
 * The design matrix is *raw*: numeric columns as they are (NaN = missing), categorical columns as
 * level codes. Turning it into numbers is the pipeline's job, inside the fold.
 */

MLK_BEGIN_DECLS

/** Which column plays which role. Names as mlk_table_find() takes them; lists are comma-separated
 *  (a name with a comma in it: double quotes as in CSV). NULL = not given. */
typedef struct mlk_roles {
    const char *target;   /**< NULL: no target (unsupervised). */
    const char *weights;  /**< Column of sample weights. */
    const char *features; /**< Only these; default: all others. */
    const char *ignore;   /**< Not these. */
    const char *task;     /**< "regression", "classification", or NULL: decided by the target. */
    const char *positive; /**< Binary: the label that becomes class 1. */
} mlk_roles;

/**
 * What a fitted model must remember of its training table: the feature columns (name, type,
 * levels), the target's name, the classes. Immutable.
 */
typedef struct mlk_schema mlk_schema;

/* What the schema says; texts live as long as it. */
size_t mlk_schema_n_features(const mlk_schema *schema);             /**< p. */
const char *mlk_schema_feature(const mlk_schema *schema, size_t j); /**< Name of feature j < p. */
/** Levels of feature j: their number (0: numeric), and in *levels their texts (may be NULL). */
size_t mlk_schema_levels(const mlk_schema *schema, size_t j, const char *const **levels);
const char *mlk_schema_target(const mlk_schema *schema);          /**< NULL: none. */
const char *mlk_schema_weights(const mlk_schema *schema);         /**< NULL: none. */
size_t mlk_schema_n_classes(const mlk_schema *schema);            /**< 0: not a classification. */
const char *mlk_schema_class(const mlk_schema *schema, size_t k); /**< Name of class k. */
void mlk_schema_save(const mlk_schema *schema, mlk_doc *to);      /**< Into the map `to`. */
/** The inverse; release with mlk_schema_free(). MLK_EFORMAT: not what mlk_schema_save() writes. */
mlk_status mlk_schema_load(const mlk_doc *from, mlk_schema **schema);
void mlk_schema_free(mlk_schema *schema); /**< NULL is allowed. */

/** Rows ready for an algorithm, with the schema that made them. Immutable. */
typedef struct mlk_dataset mlk_dataset;

/**
 * Roles applied to a training table. Rows whose target is missing are dropped, with a counted
 * warning to run->warn; there are warnings too about a feature that is text by accident
 * (mlk_table_stray()) and about a column of measurements that is to be classes; classes are sorted
 * numerically where all labels are numbers, else bytewise, `positive` last. Without `task`, a
 * categorical target is classification; an integer-valued one (below 2^53) with 2 to 20 distinct
 * values too, with a line to run->warn that begins "note: " (it is no warning); any other is
 * regression.
 *
 * @retval MLK_EINVAL  An unknown column, a column in two roles, an unknown task or label.
 * @retval MLK_EFORMAT A target with fewer than two classes or all missing, a constant target of a
 *                     regression, negative or missing weights; the text begins with the table's
 *                     name.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_dataset_new(const mlk_table *table, const mlk_roles *roles, const mlk_run *run,
                           mlk_dataset **dataset);

/**
 * The columns of a fitted model's schema found by name in another table; extra ones are ignored. A
 * level that training did not know becomes MLK_UNSEEN, with one counted warning a column.
 *
 * @param[in] need_target Also take the target (rows without it are dropped) and the weights.
 * @retval MLK_EFORMAT A column is missing, or is text where training had numbers, or a class label
 *                     is unknown.
 */
mlk_status mlk_dataset_apply(const mlk_schema *schema, const mlk_table *table, bool need_target,
                             const mlk_run *run, mlk_dataset **dataset);

/** X, y, w, levels: valid as long as the dataset. */
mlk_data mlk_dataset_data(const mlk_dataset *dataset);
/** What the rows were made by; lives as long as the dataset. */
const mlk_schema *mlk_dataset_schema(const mlk_dataset *dataset);
/** Table row of dataset row i (they differ when rows were dropped). */
size_t mlk_dataset_row(const mlk_dataset *dataset, size_t i);
size_t mlk_dataset_dropped(const mlk_dataset *dataset); /**< Rows without a target. */
void mlk_dataset_free(mlk_dataset *dataset);

/** The given rows (repeats allowed) of any data, as a new dataset sharing the schema's meaning;
 *  levels and n_classes are those of `data`. Release with mlk_subset_free(). */
typedef struct mlk_subset {
    mlk_data data;
    void *memory;
} mlk_subset;
/** Copies the n rows, each < data->X.rows. MLK_EINVAL, MLK_ENOMEM: *subset is empty. */
mlk_status mlk_subset_new(const mlk_data *data, const size_t *rows, size_t n, const mlk_run *run,
                          mlk_subset *subset);
void mlk_subset_free(mlk_subset *subset);

MLK_END_DECLS

#endif
