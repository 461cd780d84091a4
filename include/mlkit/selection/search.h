#ifndef MLK_SELECTION_SEARCH_H
#define MLK_SELECTION_SEARCH_H

#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/cross_validate.h>

/**
 * @file search.h
 * @brief The best parameters by cross-validation: over a grid, a random part of it, or by
 *        successive halving.
 *
 * - grid: every candidate in every split.
 * - random: N candidates drawn from the grid without replacement.
 * - halving: rounds; the first trains on a small random part of the training rows (the same in
 *   every round it takes part in, classes in proportion), each next one on three times as many with
 *   the best third of the candidates, the last one on all [Jamieson and Talwalkar 2016]. Test rows
 *   are always all of the fold's, so that rounds differ in training alone.
 *
 * The best candidate has the best mean of the scoring over all splits; of several, the first in the
 * order of the grid. One that fails in a split is behind all that do not.
 */

MLK_BEGIN_DECLS

/* ------------------------------------------------------------------- grid */

/** Pipelines that differ in some parameters. Immutable; owns its options, borrows base's texts. */
typedef struct mlk_grid mlk_grid;

/**
 * All combinations of some parameters' values, the first parameter varying slowest.
 *
 * @param[in]  base    The pipeline with everything else; its pointers must outlive the grid.
 * @param[in]  specs   n_specs texts: `name=v1:v2:...`, where a value may be a range `lo..hi/n` (n
 *                     values, evenly) or `lo..hi/nlog` (evenly in the logarithm); integer
 *                     parameters round, and drop repeats. A name that the algorithm does not have
 *                     may be impute, encode, scale or poly of the pipeline.
 * @param[out] grid    Release with mlk_grid_free(). NULL on failure.
 * @retval MLK_EINVAL An unknown or repeated name, a malformed value or one outside its domain, more
 *                    than a million candidates.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_grid_new(const mlk_pipeline_opts *base, const char *const *specs, size_t n_specs,
                        mlk_grid **grid);
size_t mlk_grid_size(const mlk_grid *grid);
/** Candidate i: valid as long as the grid. */
const mlk_pipeline_opts *mlk_grid_at(const mlk_grid *grid, size_t i);
/** Its values of the tuned parameters, {name: value}, into the map `to`. */
void mlk_grid_params(const mlk_grid *grid, size_t i, mlk_doc *to);
void mlk_grid_free(mlk_grid *grid); /**< NULL is allowed. */

/* ----------------------------------------------------------------- search */

typedef enum mlk_search_kind {
    MLK_SEARCH_GRID,
    MLK_SEARCH_RANDOM,
    MLK_SEARCH_HALVING
} mlk_search_kind;

/** How to search. Start from mlk_search_opts_default(). */
typedef struct mlk_search_opts {
    mlk_search_kind kind; /**< Default grid. */
    size_t n;             /**< random: candidates to try, >= 1. */
    const char *scoring;  /**< Metric; NULL: accuracy, r2. */
    double beta;          /**< Of fbeta. Default 1. */
    int64_t seed;         /**< Of random and halving. Default 0. */
} mlk_search_opts;

/** The defaults that are named above. */
mlk_search_opts mlk_search_opts_default(void);
/** Parse "grid", "random:N" or "halving" into opts. MLK_EINVAL. */
mlk_status mlk_search_parse(const char *word, mlk_search_opts *opts);

/** What was tried, and the best of it. Immutable. */
typedef struct mlk_search mlk_search;

/**
 * Search. Refit the best on all rows with
 * `mlk_model_fit(&mlk_pipeline_algo, mlk_grid_at(grid, mlk_search_best(search)), data, ...)`.
 *
 * @param[in]  opts   NULL for the defaults.
 * @param[out] search Release with mlk_search_free(). NULL on failure.
 * @retval MLK_EINVAL As mlk_cross_validate(); or every candidate fails: the text is the first
 *                    one's.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_search_run(const mlk_grid *grid, const mlk_data *data, const mlk_folds *folds,
                          const mlk_search_opts *opts, const mlk_run *run, mlk_search **search);

/** One candidate that was tried. */
typedef struct mlk_trial {
    size_t candidate;   /**< Of the grid. */
    size_t rank;        /**< 1 = best. */
    double mean, sd;    /**< Of the scoring in its last round; NaN: it failed. */
    mlk_cvec values;    /**< Per split. Borrowed. */
    double fit_seconds; /**< In all of its rounds. */
    size_t round;       /**< Its last round, from 0; rows trained on there, of all rows: */
    double share;
    const char *failure; /**< NULL: none. Borrowed. */
} mlk_trial;

size_t mlk_search_size(const mlk_search *search);            /**< Candidates tried. */
mlk_trial mlk_search_at(const mlk_search *search, size_t i); /**< In the order of the grid. */
size_t mlk_search_best(const mlk_search *search);            /**< Candidate of the grid. */
/** The best one's cross-validation by all metrics, the scoring first. */
const mlk_cv *mlk_search_cv(const mlk_search *search);
/** The contract's `cv` into the map `to`: that of mlk_cv_report() for the best, then "best" and
 *  "results". `grid` is the one searched. */
void mlk_search_report(const mlk_search *search, const mlk_grid *grid, mlk_doc *to);
void mlk_search_free(mlk_search *search); /**< NULL is allowed. */

MLK_END_DECLS

#endif
