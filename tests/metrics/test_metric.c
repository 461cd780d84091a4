#include <mlkit/metrics/metric.h>

#include "support/mlk_test.h"

/* Value of one metric of p, and its note into *note unless NULL. */
static mlk_score score_of(const mlk_predictions *p, const char *name, double beta)
{
    const mlk_metric *metric;
    mlk_score score;
    require_ok(mlk_metric_find(name, p->task, p->n_classes, &metric));
    require_ok(mlk_metrics_compute(p, &metric, 1, beta, NULL, &score));
    ck_assert_ptr_eq(score.metric, metric);
    return score;
}

static double value_of(const mlk_predictions *p, const char *name)
{
    return score_of(p, name, 1.0).value;
}

/* Rows that have this confusion matrix. */
static mlk_predictions from_confusion(const size_t *count, size_t k)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < k * k; i++)
        n += count[i];
    mlk_vec truth = test_vec(n), predicted = test_vec(n);
    for (size_t i = 0; i < k * k; i++)
        for (size_t r = 0; r < count[i]; r++, at++) {
            truth.data[at] = (double)(i / k);
            predicted.data[at] = (double)(i % k);
        }
    return (mlk_predictions){.task = MLK_METRIC_CLASSIFICATION,
                             .n_classes = k,
                             .truth = mlk_vec_c(truth),
                             .predicted = mlk_vec_c(predicted)};
}

START_TEST(gives_the_books_figures) /* case 3.1 */
{
    const size_t count[] = {53272, 1307, 1077, 4344};
    const mlk_predictions p = from_confusion(count, 2);
    require_relative(value_of(&p, "precision"), .7687135020350381, 1e-15);
    require_relative(value_of(&p, "recall"), .801328168234643, 1e-15);
    require_relative(value_of(&p, "f1"), .7846820809248555, 1e-15);
    require_relative(value_of(&p, "accuracy"), .9602666666666667, 1e-15);
    require_relative(score_of(&p, "fbeta", 0.5).value, .7750223015165031, 1e-15);
    require_relative(score_of(&p, "fbeta", 2.0).value, .7945856959941467, 1e-15);
    require_relative(value_of(&p, "mcc"), .7630062721361879, 1e-15);
    require_relative(value_of(&p, "balanced_accuracy"), .8886906144678226, 1e-15);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("metrics/metric");
    TCase *values = test_case(s, "values");
    tcase_add_test(values, gives_the_books_figures);
    return s;
}
