#ifndef MLK_BAYES_NAIVE_BAYES_H
#define MLK_BAYES_NAIVE_BAYES_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file naive_bayes.h
 * @brief Naive Bayes classifiers: columns independent given the class.
 *
 * Chooses the class k with the largest joint log-likelihood
 *
 *     L_k(x) = log P(k) + sum_j log p(x_j | k)                            (1)
 *
 * and P(k | x) = exp(L_k) / sum_l exp(L_l). The parts of (1), with class weights n_k = sum of the
 * sample weights, and N_jk the weight of what is counted in column j among rows of class k:
 *
 * - gaussian: log N(x_j; m_jk, v_jk), mean and variance (divisor n_k) of column j in class k, the
 *   variance plus var_smoothing times the largest variance of any column over all rows
 * - categorical: log (N_jk(x_j) + alpha) / (n_k + alpha L_j), L_j levels. A numeric column holds
 *   the codes 0, 1, ..., its largest value
 * - bernoulli: the same with the two levels x_j <= 0 and x_j > 0
 * - multinomial: x_j log t_jk, t_jk = (N_jk + alpha) / sum_i (N_ik + alpha), N_jk the sum of the
 *   non-negative counts x_j [mccallum1998]
 * - complement: no prior, and -x_j log t_jk with the counts of all classes but k [rennie2003, eq.
 * 6]
 * - auto: gaussian for numeric columns and categorical for categorical ones, in one model
 *
 * A missing value (NaN, or a level that training did not know) is left out of the sums and of the
 * counts: n_k above is then the weight of the rows whose x_j is known. A class in which no value of
 * a gaussian column is known takes mean and variance of all rows; a class without rows has
 * probability 0 (without `priors`). Smoothing below 1e-10 counts as 1e-10. Ties go to the class of
 * the lowest number.
 *
 * Cost: O(n p) to fit (O(n p K) to predict) for K classes; one or two reads of X.
 */

MLK_BEGIN_DECLS

typedef enum mlk_naive_bayes_variant {
    MLK_NAIVE_BAYES_AUTO,
    MLK_NAIVE_BAYES_GAUSSIAN,
    MLK_NAIVE_BAYES_MULTINOMIAL,
    MLK_NAIVE_BAYES_BERNOULLI,
    MLK_NAIVE_BAYES_COMPLEMENT,
    MLK_NAIVE_BAYES_CATEGORICAL
} mlk_naive_bayes_variant;

/** Hyper-parameters. Start from mlk_naive_bayes_opts_default(), then set fields. */
typedef struct mlk_naive_bayes_opts {
    int variant;          /**< A mlk_naive_bayes_variant. Default auto. */
    double alpha;         /**< Added to each count, in [0, inf). Default 1. Not for gaussian. */
    double var_smoothing; /**< In [0, inf). Default 1e-9. For gaussian and auto. */
    /** P(k), in the order of the classes, with '+', ',' or blanks between: "0.2+0.8"; they sum
     * to 1. NULL, the default: n_k / sum n. Not for complement. */
    const char *priors;
} mlk_naive_bayes_opts;

/** The defaults named above. */
mlk_naive_bayes_opts mlk_naive_bayes_opts_default(void);

/** A fitted model. Immutable. */
typedef struct mlk_naive_bayes mlk_naive_bayes;

/**
 * Estimate the parts of (1).
 *
 * @param[in]  data  X (n x p; NaN: missing; categorical columns for auto and categorical), y (n
 *                   class numbers), w (n weights, or empty).
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model The fitted model; release it with mlk_naive_bayes_free(). NULL on failure.
 * @retval MLK_EINVAL    An option, a length or a value is out of its domain; an option has no
 *                       effect; a negative count, or a code that is none; a categorical column
 *                       where numbers are expected.
 * @retval MLK_ESINGULAR A class has no variance in some column, and var_smoothing is 0; or a
 *                       variance overflows.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_naive_bayes_fit(const mlk_data *data, const mlk_naive_bayes_opts *opts,
                               const mlk_run *run, mlk_naive_bayes **model);

/** Class numbers (X.rows of them). MLK_EINVAL, MLK_ENOMEM, MLK_ECANCELLED. */
mlk_status mlk_naive_bayes_predict(const mlk_naive_bayes *model, mlk_cmat X, const mlk_run *run,
                                   mlk_vec out);
/** P(k | x) (X.rows x K). */
mlk_status mlk_naive_bayes_predict_proba(const mlk_naive_bayes *model, mlk_cmat X,
                                         const mlk_run *run, mlk_mat out);
/** Joint log-likelihoods (1), X.rows x K (for complement without the prior). */
mlk_status mlk_naive_bayes_joint(const mlk_naive_bayes *model, mlk_cmat X, const mlk_run *run,
                                 mlk_mat out);

mlk_cvec mlk_naive_bayes_priors(const mlk_naive_bayes *model); /**< P(k), K values. */
/**
 * What column j contributes: gaussian 2 x K (means; smoothed variances), counts 1 x K (log t_jk;
 * for complement its negative), levels L_j x K (log probabilities). Lives as long as the model.
 */
mlk_cmat mlk_naive_bayes_column(const mlk_naive_bayes *model, size_t j);
void mlk_naive_bayes_free(mlk_naive_bayes *model); /**< NULL is allowed. */

extern const mlk_algo mlk_naive_bayes_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
