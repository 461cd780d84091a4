#ifndef MLK_SELECTION_PATH_H
#define MLK_SELECTION_PATH_H

#include <mlkit/selection/search.h>

/**
 * @file path.h
 * @brief A whole regularisation path, cross-validated: the best value, or the simplest model that
 *        is as good up to the noise.
 *
 * The algorithm proposes the values from all rows (mlk_algo.path), from the simplest model to the
 * most complex; each split fits all of them (mlk_model_fit_many()). With m_j the mean of the
 * scoring over the K splits at value j and s_j its standard deviation (divisor K - 1), the standard
 * error is s_j / sqrt(K). Rule `min` takes the best m_j (of several, the simplest); `1se` the
 * simplest j whose m_j is no further from the best than the best's standard error [hastie2009,
 * section 7.10].
 */

MLK_BEGIN_DECLS

typedef enum mlk_path_rule { MLK_PATH_MIN, MLK_PATH_1SE } mlk_path_rule;

/** How. Start from mlk_path_opts_default(). */
typedef struct mlk_path_opts {
    mlk_path_rule rule;  /**< Default min. */
    const char *scoring; /**< NULL: mse, error. */
    size_t max_values;   /**< Default 100. */
    double beta;         /**< Of fbeta. Default 1. */
} mlk_path_opts;

/** The defaults that are named above. */
mlk_path_opts mlk_path_opts_default(void);

/** The path. Immutable. */
typedef struct mlk_cv_path mlk_cv_path;

/**
 * @param[in]  base The pipeline with everything but `name`; its pointers must outlive the path.
 * @param[in]  name Parameter, such as "alpha".
 * @param[in]  opts NULL for the defaults.
 * @param[out] path Release with mlk_cv_path_free(). NULL on failure.
 * @retval MLK_EINVAL       As mlk_grid_new() and mlk_cross_validate(); no value can be scored in
 *                          every split.
 * @retval MLK_EUNSUPPORTED The algorithm has no path of that name.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_cv_path_run(const mlk_pipeline_opts *base, const char *name, const mlk_data *data,
                           const mlk_folds *folds, const mlk_path_opts *opts, const mlk_run *run,
                           mlk_cv_path **path);

size_t mlk_cv_path_size(const mlk_cv_path *path);     /**< Number of values. */
mlk_cvec mlk_cv_path_values(const mlk_cv_path *path); /**< Of the parameter, simplest first. */
mlk_cvec mlk_cv_path_means(const mlk_cv_path *path);  /**< m_j; NaN where a split failed. */
mlk_cvec mlk_cv_path_sds(const mlk_cv_path *path);    /**< s_j */
size_t mlk_cv_path_min(const mlk_cv_path *path);      /**< Index by rule min, */
size_t mlk_cv_path_1se(const mlk_cv_path *path);      /**< by rule 1se, */
size_t mlk_cv_path_chosen(const mlk_cv_path *path);   /**< and by the rule asked for. */
/** Pipeline i of the path: refit the chosen one on all rows. Valid as long as the path. */
const mlk_pipeline_opts *mlk_cv_path_at(const mlk_cv_path *path, size_t i);
/** The chosen one's cross-validation by all metrics, the scoring first. */
const mlk_cv *mlk_cv_path_cv(const mlk_cv_path *path);
/** The contract's `cv` into the map `to`: that of mlk_cv_report() for the chosen value, then
 *  "path": {"name","values","mean","sd","se","min","1se","rule","chosen"}. */
void mlk_cv_path_report(const mlk_cv_path *path, mlk_doc *to);
void mlk_cv_path_free(mlk_cv_path *path); /**< NULL is allowed. */

MLK_END_DECLS

#endif
