#ifndef MLK_PREPROCESS_PIPELINE_H
#define MLK_PREPROCESS_PIPELINE_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file pipeline.h
 * @brief Impute, encode, expand, scale, then any algorithm: together one algorithm.
 *
 * Learned on the rows it is given and nothing else, so that whoever fits it inside a fold leaks
 * nothing. The steps work on a raw design (mlk_data with level codes and NaN) in this order:
 *
 *   1. impute   missing numbers by mean, median or mode (the smallest of several), missing
 *               categories by mode; drop: rows with a missing value are left out of the fit;
 *               none. A column without any value counts as 0, an unseen level if categorical.
 *   2. encode   onehot (all levels seen in training), dummy (the first one dropped), ordinal (the
 *               code), native (codes handed on to an algorithm that takes them). A level not seen
 *               in training: all zeros, or missing (native, ordinal).
 *   3. poly     all monomials of the columns up to degree D, without the constant, in the order
 *               a, b, a^2, a b, b^2, a^3, ...
 *   4. scale    standard (mean 0, variance 1 with divisor n), minmax ([0, 1]), robust (median 0,
 *               interquartile range 1). Columns of no spread are centred only. Indicators (one-hot
 *               columns and their products) and native codes stay as they are.
 *
 * The steps do not look at sample weights. What an algorithm takes natively (mlk_algo.caps) reaches
 * it untouched. A row that still has a missing value for an algorithm that takes none gets NaN for
 * every output, with a counted warning.
 *
 * Cost: O(n p) a step, O(n p log n) where modes are learned. With nothing to do, X is handed on as
 * it is, without a copy; prediction works through blocks of rows, so that expanded designs need
 * little memory.
 */

MLK_BEGIN_DECLS

/** Options. NULL words: the algorithm's defaults (mlk_algo.prep). */
typedef struct mlk_pipeline_opts {
    const char *impute;       /**< mean | median | mode | drop | none */
    const char *encode;       /**< onehot | dummy | ordinal | native */
    const char *scale;        /**< none | standard | minmax | robust */
    int64_t poly;             /**< Degree, 1..16. Default 1. */
    const mlk_algo *algo;     /**< What comes last; not NULL. */
    const void *algo_opts;    /**< Its options; NULL: its defaults. */
    const char *const *names; /**< Of the columns, for messages; NULL: "column 3". */
} mlk_pipeline_opts;

/** The defaults named above, with `algo` and its own defaults for the last step. */
mlk_pipeline_opts mlk_pipeline_opts_default(const mlk_algo *algo);

/** Most columns that a design may have. */
#define MLK_PIPELINE_MAX_COLUMNS ((size_t)1 << 20)

/**
 * The pipeline as an algorithm: its opts are a mlk_pipeline_opts, its model any mlk_model. Outputs
 * are those of the last step. mlk_model_opts() of a fitted pipeline holds the words and the degree;
 * algorithm and options of the last step are those of mlk_pipeline_inner().
 *
 * Fit warns (mlk_run.warn) about columns that are constant or without any value. It fails as the
 * last step does, and with
 * - MLK_EINVAL: a word is unknown; the last step takes no categories but encode is native, or no
 *   missing values but impute is none and there are some (the text names the column); native codes
 *   are to be multiplied; the design would have more than MLK_PIPELINE_MAX_COLUMNS columns, or
 *   none; every row is dropped.
 */
extern const mlk_algo mlk_pipeline_algo;

/* Of a model fitted with mlk_pipeline_algo: */
const mlk_model *mlk_pipeline_inner(const mlk_model *pipeline); /**< The last step. */
size_t mlk_pipeline_n_columns(const mlk_model *pipeline);       /**< Columns of the design. */
/** Design matrix (n_columns columns) of raw rows X. Missing values that no step fills stay NaN. */
mlk_status mlk_pipeline_design(const mlk_model *pipeline, mlk_cmat X, const mlk_run *run,
                               mlk_mat out);
/**
 * The names of the design's columns, such as "age", "sex=male", "age^2 income", one after the
 * other into a list.
 *
 * @param[in] feature_names One per raw column; NULL: x0, x1, ...
 * @param[in] level_names   One list per raw column (NULL for numbers); NULL: the codes.
 */
void mlk_pipeline_columns(const mlk_model *pipeline, const char *const *feature_names,
                          const char *const *const *level_names, mlk_doc *list);

MLK_END_DECLS

#endif
