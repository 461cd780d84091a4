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
 *   1. impute   missing numbers by mean, median or mode; missing categories by mode; drop: rows
 *               with a missing value are left out of the fit (and predicted as NaN); none.
 *   2. encode   onehot (all levels seen in training), dummy (first one dropped), ordinal (the
 *               code), native (codes handed on to an algorithm that takes them). A level not seen
 *               in training: all zeros, or missing (native, ordinal).
 *   3. poly     all monomials of the columns up to degree D, without the constant.
 *   4. scale    standard (mean 0, variance 1 with divisor n), minmax ([0, 1]), robust (median and
 *               interquartile range). Constant columns are centred only.
 *
 * Cost: O(n p) a step, O(n p log n) where medians are learned. With nothing to do, X is handed on
 * as it is, without a copy.
 */

MLK_BEGIN_DECLS

/** Options. NULL words: the algorithm's defaults (mlk_algo.prep). */
typedef struct mlk_pipeline_opts {
    const char *impute;    /**< mean | median | mode | drop | none */
    const char *encode;    /**< onehot | dummy | ordinal | native */
    const char *scale;     /**< none | standard | minmax | robust */
    int64_t poly;          /**< Degree, >= 1. Default 1. */
    const mlk_algo *algo;  /**< What comes last; not NULL. */
    const void *algo_opts; /**< Its options; NULL: its defaults. */
} mlk_pipeline_opts;

mlk_pipeline_opts mlk_pipeline_opts_default(const mlk_algo *algo);

/** The pipeline as an algorithm: its opts are a mlk_pipeline_opts, its model any mlk_model. Tasks,
 *  capabilities and outputs are those of the last step. */
extern const mlk_algo mlk_pipeline_algo;

/* Of a model fitted with mlk_pipeline_algo: */
const mlk_model *mlk_pipeline_inner(const mlk_model *pipeline); /**< The last step. */
size_t mlk_pipeline_n_columns(const mlk_model *pipeline);       /**< Columns of the design. */
/** Design matrix (n_columns columns) of raw rows X. */
mlk_status mlk_pipeline_design(const mlk_model *pipeline, mlk_cmat X, const mlk_run *run,
                               mlk_mat out);
/** Name of design column j, such as "age", "sex=male", "age^2 income"; from the names of the raw
 *  features and their levels. Written to buf. */
const char *mlk_pipeline_column(const mlk_model *pipeline, size_t j,
                                const char *const *feature_names,
                                const char *const *const *level_names, char *buf, size_t size);

MLK_END_DECLS

#endif
