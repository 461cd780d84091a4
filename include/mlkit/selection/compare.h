#ifndef MLK_SELECTION_COMPARE_H
#define MLK_SELECTION_COMPARE_H

#include <mlkit/selection/cross_validate.h>

/**
 * @file compare.h
 * @brief Is the better score luck? Tests for models compared on one table or on several.
 *
 * Which to trust when:
 *
 * - one table, cross-validated on the same splits: the corrected resampled t-test [nadeau2003],
 *   with Holm's correction when a model is compared with several others [holm1979]. The plain
 *   paired t-test takes overlapping training sets for independent ones and finds differences where
 *   there are none.
 * - one table, one set of predictions each: McNemar's test [mcnemar1947].
 * - one table, models that a few rows change much (trees, neighbours), or that are dear to fit: the
 *   corrected test on two folds, five times. The combined 5x2cv F-test [alpaydin1999] is here for
 *   the sake of comparison: with such models it rejects up to 17 % at 5 % (docs/selection.md).
 * - two models over several tables: Wilcoxon's signed ranks; more models: Friedman's test, then
 *   Nemenyi's critical difference [demsar2006].
 *
 * A difference of nothing at all (every value 0) has p = 1.
 */

MLK_BEGIN_DECLS

/** A test's outcome. NaN where something does not apply or is not defined. */
typedef struct mlk_test {
    double statistic;
    double df, df2;   /**< Degrees of freedom. */
    double p;         /**< Two-sided. */
    double estimate;  /**< Mean (Wilcoxon: median) of the differences, */
    double low, high; /**< and its interval at the level asked for. */
    double effect;    /**< Effect size: see each test. */
} mlk_test;

/**
 * Corrected resampled t-test of paired differences d over splits: t = mean(d) / sqrt((1/J + r)
 * var(d)), J - 1 degrees of freedom, r = tested over training rows; r = 0 is the plain paired
 * t-test. Effect: Cohen's d, mean / sd. J < 2 or a NaN among them: all NaN.
 */
mlk_test mlk_corrected_t_test(mlk_cvec differences, double test_over_train, double level);

/**
 * McNemar's test of two classifiers that disagree: n01 rows only the first gets right, n10 only the
 * second. Exact (binomial) up to 1000 disagreements, beyond that chi-squared with continuity
 * correction. Estimate: (n01 - n10) / (n01 + n10). Effect: the odds ratio n01 / n10.
 */
mlk_test mlk_mcnemar_test(size_t n01, size_t n10);
/** Count disagreements: rows where exactly one of a and b equals the truth; rows with a NaN left
 *  out. */
void mlk_disagreements(mlk_cvec truth, mlk_cvec a, mlk_cvec b, size_t *n01, size_t *n10);

/**
 * Combined 5x2cv F-test of ten differences, two (folds) for each of five repeats: F = sum d^2 / (2
 * sum s_i^2), 10 and 5 degrees of freedom.
 */
mlk_test mlk_5x2cv_f_test(mlk_cvec differences);

/**
 * Wilcoxon's signed-rank test; zeros are left out. Exact up to 60 differences, ties included (the
 * distribution of the sum over all signs of the ranks found); beyond that normal, with corrections
 * for ties and continuity. Statistic: the smaller rank sum. Estimate: the median difference.
 * Effect: the rank-biserial correlation.
 *
 * @retval MLK_ENOMEM
 */
mlk_status mlk_wilcoxon_test(mlk_cvec differences, mlk_test *out);

/** Holm's step-down correction of n p-values (NaN stays and does not count). MLK_ENOMEM. */
mlk_status mlk_holm(mlk_cvec p, mlk_vec adjusted);

/** Friedman's test with what belongs to it. */
typedef struct mlk_friedman mlk_friedman;

/**
 * Friedman's test of k >= 2 models over N >= 2 tables, with Iman and Davenport's F, and Nemenyi's
 * test of all pairs at level alpha.
 *
 * @param[in]  scores N x k: row = table, column = model; finite.
 * @param[in]  greater_is_better Rank 1 is the greatest; ties share the mean rank.
 * @param[out] friedman Release with mlk_friedman_free(). NULL on failure.
 * @retval MLK_EINVAL Shapes, a value, or alpha outside (0, 1).
 * @retval MLK_ENOMEM
 */
mlk_status mlk_friedman_new(mlk_cmat scores, bool greater_is_better, double alpha,
                            mlk_friedman **friedman);
/** Chi-squared statistic, corrected for ties: df = k - 1. */
mlk_test mlk_friedman_chi2(const mlk_friedman *friedman);
/** Iman and Davenport's statistic: df = k - 1, df2 = (k - 1)(N - 1). Effect: Kendall's W. */
mlk_test mlk_friedman_f(const mlk_friedman *friedman);
mlk_cvec mlk_friedman_ranks(const mlk_friedman *friedman); /**< Mean rank of each model. */
/** Mean ranks that differ by more differ at level alpha. */
double mlk_friedman_critical_difference(const mlk_friedman *friedman);
/** Nemenyi's p-value of models i and j. */
double mlk_friedman_p(const mlk_friedman *friedman, size_t i, size_t j);
/** {"chi2","df","p","f",...,"ranks","critical_difference","alpha","nemenyi"} into the map `to`. */
void mlk_friedman_report(const mlk_friedman *friedman, mlk_doc *to);
void mlk_friedman_free(mlk_friedman *friedman); /**< NULL is allowed. */

/** Nemenyi's critical value for k models: the studentized range's over sqrt(2). */
double mlk_nemenyi_q(double alpha, size_t k);

/* ------------------------------------------------------ candidates of a table */

/** A candidate's place among those cross-validated on the same splits. */
typedef struct mlk_standing {
    size_t rank;          /**< 1 = best mean; a candidate without one is last. */
    double mean, sd;      /**< Of the metric over the splits. */
    double low, high;     /**< Interval of the mean, with the correction of the t-test, cut where
                               the metric's values end. */
    mlk_test versus_best; /**< Corrected t-test of best minus this one; of the best itself, NaN. */
    double p_holm;        /**< Its p-value, corrected for all comparisons with the best. */
} mlk_standing;

/**
 * Rank all candidates of a cross-validation by metric m and test each against the best.
 *
 * @param[in]  level     Of the intervals, such as 0.95.
 * @param[out] standings One per candidate.
 * @retval MLK_EINVAL Level outside (0, 1), or no such metric.
 * @retval MLK_ENOMEM
 */
mlk_status mlk_compare(const mlk_cv *cv, size_t m, double level, mlk_standing *standings);

MLK_END_DECLS

#endif
