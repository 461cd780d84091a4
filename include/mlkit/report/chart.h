#ifndef MLK_REPORT_CHART_H
#define MLK_REPORT_CHART_H

#include <mlkit/metrics/curves.h>
#include <mlkit/report/plot.h>
#include <mlkit/selection/compare.h>
#include <mlkit/selection/learning_curve.h>

/**
 * @file chart.h
 * @brief The charts that results are usually shown in, each one call: ready for mlk_plot_script(),
 *        with axes, key, remarks and a description in words.
 *
 * All return a chart to release with mlk_plot_free(), NULL when out of memory (which
 * mlk_plot_script() reports). Names are texts of a table and may be any bytes; they and all data
 * are copied. Clouds of more than MLK_PLOT_MOST points are thinned (mlk_plot_sample()), with a
 * remark that says so. More may be drawn over them (plot.h).
 */

MLK_BEGIN_DECLS

/* ----------------------------------------------------------------- classifiers */

/** ROC curves; names NULL: one, without a key. */
mlk_plot *mlk_chart_roc(const mlk_curve *curves, const char *const *names, size_t n);
/** Precision against recall; share: of the positive class, what guessing gets (NaN: unknown). */
mlk_plot *mlk_chart_pr(const mlk_curve *curves, const char *const *names, size_t n, double share);
/** Reliability: observed share against predicted probability. */
mlk_plot *mlk_chart_reliability(const mlk_curve *curves, const char *const *names, size_t n);
/** Truth down, prediction across; the shade is the share of the row. classes NULL: numbers. */
mlk_plot *mlk_chart_confusion(mlk_cmat counts, const char *const *classes);

/* ----------------------------------------------------------------- regressions */

/** Predictions against the truth; right ones lie on the diagonal. */
mlk_plot *mlk_chart_predicted(mlk_cvec truth, mlk_cvec predicted);
/** Truth minus prediction against the prediction. */
mlk_plot *mlk_chart_residuals(mlk_cvec truth, mlk_cvec predicted);

/* ------------------------------------------------------------- maps and clusters */

/** What points are coloured by. All zero: one colour. */
typedef struct mlk_chart_groups {
    const char *label;        /**< What it is: a column's name. */
    mlk_cvec values;          /**< One a point: numbers, or numbers of names. NaN: missing. */
    const char *const *names; /**< NULL: values are numbers on a scale. */
    size_t n_names;
    double noise; /**< Value of points drawn in grey as "noise": -1 of dbscan; NaN: none. */
} mlk_chart_groups;

/** Points in the plane; `equal`: one unit is as long on both axes (unless that makes a strip). */
mlk_plot *mlk_chart_map(const char *title, const char *x_label, mlk_cvec x, const char *y_label,
                        mlk_cvec y, const mlk_chart_groups *groups, bool equal);
/** Shares of the variance, one a component, and their sum. */
mlk_plot *mlk_chart_scree(mlk_cvec shares);
/** Eigenvalues, or any one figure a number 1, 2, ... */
mlk_plot *mlk_chart_sequence(const char *title, const char *x_label, const char *y_label,
                             mlk_cvec values);
/**
 * Tree of an agglomerative clustering: merge i of n - 1 joins the nodes merges[i, 0] and
 * merges[i, 1] at distances[i], where nodes below n are leaves and n + i is merge i. Of more than
 * MLK_CHART_LEAVES leaves the upper part is drawn, with numbers of leaves in parentheses.
 *
 * @param[in] names n names of leaves, or NULL: numbers from 0.
 * @param[in] cut   Draw a line there; NaN: none.
 */
enum { MLK_CHART_LEAVES = 60 };
mlk_plot *mlk_chart_dendrogram(mlk_cmat merges, mlk_cvec distances, const char *const *names,
                               double cut);
/** Silhouette values of all rows, sorted within clusters; noise (-1) is left out. */
mlk_plot *mlk_chart_silhouette(mlk_cvec values, mlk_cvec labels);
/** A measure against the number of clusters; chosen: marked (NaN: none). */
mlk_plot *mlk_chart_elbow(const char *y_label, mlk_cvec k, mlk_cvec values, double chosen);

/* ----------------------------------------------------------------------- tables */

/** Of a column's values; as many bins as Freedman and Diaconis (1981) say, at most 60. */
mlk_plot *mlk_chart_histogram(const char *name, mlk_cvec values);
/** Of a column's levels: the most frequent 20. */
mlk_plot *mlk_chart_levels(const char *name, const char *const *levels, mlk_cvec counts);
/** Correlations in [-1, 1]; of more than 40 columns without names. */
mlk_plot *mlk_chart_correlation(mlk_cmat correlation, const char *const *names);

/* ----------------------------------------------------------------------- models */

/** The `most` largest, with their spread over repeats (columns of values). */
mlk_plot *mlk_chart_importances(const char *x_label, const char *const *names, mlk_cmat values,
                                size_t most);
/** Coefficients by their size, the `most` largest. */
mlk_plot *mlk_chart_coefficients(const char *const *names, mlk_cvec values, size_t most);
/** Partial dependence of a number; ice may be empty: some of its rows are drawn thin. */
mlk_plot *mlk_chart_dependence(const char *name, const char *y_label, mlk_cvec values,
                               mlk_cvec mean, mlk_cmat ice);
/** The same of a category's levels. */
mlk_plot *mlk_chart_dependence_levels(const char *name, const char *y_label,
                                      const char *const *levels, mlk_cvec mean);
/** Learning or validation curve: x_label says of what, x NULL: the curve's own. */
mlk_plot *mlk_chart_scores(const char *title, const char *x_label, const mlk_score_curve *curve,
                           const double *x, bool log);
/** Losses by iteration from 1; validation may be empty; best: marked (NaN: none). */
mlk_plot *mlk_chart_training(const char *x_label, const char *y_label, mlk_cvec training,
                             mlk_cvec validation, double best);
/** Coefficients (rows: values of the parameter, columns: names) against the parameter; the
 *  `most` largest in colour with names. chosen: marked (NaN: none). */
mlk_plot *mlk_chart_path(const char *parameter, mlk_cvec values, mlk_cmat coefficients,
                         const char *const *names, size_t most, double chosen);
/** Scores with their standard errors against the parameter; chosen and other: marked. */
mlk_plot *mlk_chart_path_scores(const char *parameter, const char *metric, mlk_cvec values,
                                mlk_cvec means, mlk_cvec errors, double chosen);

/** The same of values that are no numbers, or of several parameters: one line a choice. */
mlk_plot *mlk_chart_choices(const char *parameters, const char *metric, const char *const *choices,
                            mlk_cvec means, mlk_cvec errors, size_t chosen);

/* ------------------------------------------------------------------- comparisons */

/** Boxes of the scores of splits (one row a model) under the mean with its interval. */
mlk_plot *mlk_chart_score_boxes(const char *metric, const char *const *models, mlk_cmat scores,
                                mlk_cvec means, mlk_cvec low, mlk_cvec high);
/** Mean ranks on a line; models that do not differ are joined by a bar [demsar2006]. */
mlk_plot *mlk_chart_critical_difference(const mlk_friedman *friedman, const char *const *models);
/** Seconds to fit and to predict, on a logarithmic scale. */
mlk_plot *mlk_chart_times(const char *const *models, mlk_cvec fit, mlk_cvec predict);

MLK_END_DECLS

#endif
