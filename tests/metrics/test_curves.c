#include <mlkit/metrics/curves.h>

#include "metrics/fixtures.h"

static double weight(const mlk_predictions *p, size_t i) { return p->w.n ? p->w.data[i] : 1.0; }

/* Weights of class 1 and 0 with score >= t. */
static void count(const mlk_predictions *p, double t, double *tp, double *fp)
{
    *tp = *fp = 0.0;
    for (size_t i = 0; i < p->truth.n; i++)
        if (p->probabilities.data[i] >= t)
            *(p->truth.data[i] > 0.0 ? tp : fp) += weight(p, i);
}

static mlk_predictions weighted_binary(bool weights)
{
    mlk_predictions p = fixture_binary();
    if (weights)
        p.w = fixture_weights();
    return p;
}

START_TEST(points_are_what_counting_gives)
{
    const mlk_predictions p = weighted_binary(_i);
    mlk_curve roc, pr;
    double pos, neg, tp, fp;
    count(&p, -1.0, &pos, &neg);
    require_ok(mlk_roc_curve(&p, 1, 0, &roc));
    require_ok(mlk_pr_curve(&p, 1, 0, &pr));
    ck_assert(isinf(roc.z[0]) && isinf(pr.z[0]));
    require_close(roc.x[0] + roc.y[0], 0.0, 0);
    require_close(pr.y[0], 1.0, 0);
    for (size_t i = 1; i < roc.n; i++) {
        count(&p, roc.z[i], &tp, &fp);
        require_close(roc.x[i], fp / neg, 1e-14);
        require_close(roc.y[i], tp / pos, 1e-14);
        ck_assert(roc.z[i] < roc.z[i - 1]);
    }
    for (size_t i = 1; i < pr.n; i++) {
        count(&p, pr.z[i], &tp, &fp);
        require_close(pr.x[i], tp / pos, 1e-14);
        require_close(pr.y[i], tp / (tp + fp), 1e-14);
    }
    require_close(roc.x[roc.n - 1], 1.0, 0);
    require_close(pr.x[pr.n - 1], 1.0, 0);
    mlk_curve_free(&roc);
    mlk_curve_free(&pr);
}
END_TEST

START_TEST(the_areas_are_the_metrics)
{
    const mlk_predictions p = weighted_binary(_i);
    const mlk_metric *m[2];
    mlk_score s[2];
    mlk_curve roc, pr;
    double auc = 0.0, ap = 0.0;
    require_ok(mlk_metric_find("roc_auc", p.task, 2, &m[0]));
    require_ok(mlk_metric_find("average_precision", p.task, 2, &m[1]));
    require_ok(mlk_metrics_compute(&p, m, 2, 1.0, NULL, s));
    require_ok(mlk_roc_curve(&p, 1, 0, &roc));
    require_ok(mlk_pr_curve(&p, 1, 0, &pr));
    for (size_t i = 1; i < roc.n; i++)
        auc += 0.5 * (roc.x[i] - roc.x[i - 1]) * (roc.y[i] + roc.y[i - 1]);
    for (size_t i = 1; i < pr.n; i++)
        ap += (pr.x[i] - pr.x[i - 1]) * pr.y[i];
    require_close(auc, s[0].value, 1e-14);
    require_close(ap, s[1].value, 1e-14);
    mlk_curve_free(&roc);
    mlk_curve_free(&pr);
}
END_TEST

START_TEST(a_class_against_the_rest_is_a_binary_task)
{
    const mlk_predictions q = fixture_classes();
    mlk_mat column = test_mat(N, 1);
    mlk_vec y = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        column.data[i] = q.probabilities.data[i * 4 + 2];
        y.data[i] = q.truth.data[i] == 2.0;
    }
    const mlk_predictions p = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = mlk_vec_c(y),
                               .probabilities = mlk_mat_c(column)};
    mlk_curve a, b;
    require_ok(mlk_roc_curve(&q, 2, 0, &a));
    require_ok(mlk_roc_curve(&p, 1, 0, &b));
    ck_assert_uint_eq(a.n, b.n);
    require_same(a.x, b.x, a.n * sizeof(double));
    require_same(a.y, b.y, a.n * sizeof(double));
    mlk_curve_free(&a);
    mlk_curve_free(&b);
    require_ok(mlk_calibration_curve(&q, 2, 7, &a));
    require_ok(mlk_calibration_curve(&p, 1, 7, &b));
    ck_assert_uint_eq(a.n, b.n);
    require_same(a.y, b.y, a.n * sizeof(double));
    mlk_curve_free(&a);
    mlk_curve_free(&b);
}
END_TEST

START_TEST(thinning_keeps_the_ends_and_the_area)
{
    const size_t n = 20000;
    const mlk_cvec e = test_random_vec(1, n);
    mlk_vec y = test_vec(n);
    mlk_mat s = test_mat(n, 1);
    for (size_t i = 0; i < n; i++) {
        y.data[i] = (double)(i % 2);
        s.data[i] = y.data[i] + e.data[i];
    }
    const mlk_predictions p = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = mlk_vec_c(y),
                               .scores = mlk_mat_c(s)};
    mlk_curve roc;
    double area = 0.0;
    require_ok(mlk_roc_curve(&p, 1, 500, &roc));
    ck_assert_uint_le(roc.n, 502);
    ck_assert_uint_ge(roc.n, 400);
    for (size_t i = 1; i < roc.n; i++)
        area += 0.5 * (roc.x[i] - roc.x[i - 1]) * (roc.y[i] + roc.y[i - 1]);
    require_close(area, 0.5 * erfc(-0.5), 0.015); /* Phi(1 / sqrt 2), 4 standard errors */
    require_close(roc.x[roc.n - 1] + roc.y[roc.n - 1], 2.0, 0);
    mlk_curve_free(&roc);
}
END_TEST

START_TEST(calibrates_by_hand)
{
    const double y[] = {0, 1, 1, 1, 0, 1}, s[] = {.1, .3, .5, .9, .95, 1.0};
    const double w[] = {1, 1, 1, 2, 1, 1};
    const mlk_predictions p = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = {y, 6},
                               .probabilities = {s, 6, 1, 1},
                               .w = {w, 6}};
    const double x[] = {.2, .5, (1.8 + .95 + 1.0) / 4}, observed[] = {.5, 1.0, .75};
    const double count_of[] = {2, 1, 4};
    mlk_curve c;
    require_ok(mlk_calibration_curve(&p, 1, 3, &c)); /* [0, 1/3), [1/3, 2/3), [2/3, 1] */
    ck_assert_uint_eq(c.n, 3);
    for (size_t b = 0; b < 3; b++) {
        require_close(c.x[b], x[b], 1e-15);
        require_close(c.y[b], observed[b], 1e-15);
        require_close(c.z[b], count_of[b], 0);
    }
    mlk_curve_free(&c);
    require_ok(mlk_calibration_curve(&p, 1, 100, &c)); /* empty bins are left out */
    ck_assert_uint_eq(c.n, 6);
    mlk_curve_free(&c);
}
END_TEST

START_TEST(thresholds_are_the_best_of_all)
{
    const mlk_predictions p = weighted_binary(_i);
    const double cost[2][2] = {{0.1, 2.0}, {5.0, 0.3}};
    double pos, neg, tp, fp, best_f = 0.0;
    mlk_threshold f, c;
    require_ok(mlk_threshold_fbeta(&p, 2.0, &f));
    require_ok(mlk_threshold_cost(&p, cost, &c));
    count(&p, -1.0, &pos, &neg);
    double least = (pos * 5.0 + neg * 0.1) / (pos + neg);
    for (size_t i = 0; i < N; i++) {
        const double t = p.probabilities.data[i];
        count(&p, t, &tp, &fp);
        const double fb = 5.0 * tp / (5.0 * tp + 4.0 * (pos - tp) + fp);
        best_f = fmax(best_f, fb);
        least =
            fmin(least, (tp * 0.3 + (pos - tp) * 5.0 + fp * 2.0 + (neg - fp) * 0.1) / (pos + neg));
    }
    require_close(f.value, best_f, 1e-14);
    count(&p, f.threshold, &tp, &fp);
    require_close(5.0 * tp / (5.0 * tp + 4.0 * (pos - tp) + fp), best_f, 1e-14);
    require_close(c.value, least, 1e-14);
    const double yes_is_dear[2][2] = {{0.0, 1e9}, {1.0, 0.0}};
    mlk_predictions q = p; /* when nothing is worth it, predict no positives */
    mlk_mat flat = test_mat(N, 1);
    q.probabilities = mlk_mat_c(flat);
    require_ok(mlk_threshold_cost(&q, yes_is_dear, &c));
    ck_assert(isinf(c.threshold));
    require_close(c.value, pos / (pos + neg), 1e-14);
}
END_TEST

START_TEST(refuses_bad_input_and_says_why)
{
    mlk_predictions p = fixture_binary(), q = fixture_classes(), r = fixture_regression();
    const double bad[2][2] = {{0, -1}, {1, 0}}, good[2][2] = {{0, 1}, {1, 0}};
    mlk_curve c;
    mlk_threshold t;
    require_fail(mlk_roc_curve(&r, 1, 0, &c), MLK_EINVAL, "curves are for classification");
    require_fail(mlk_roc_curve(&p, 2, 0, &c), MLK_EINVAL, "class 2; there are 2");
    require_fail(mlk_calibration_curve(&p, 1, 0, &c), MLK_EINVAL, "0 bins");
    require_fail(mlk_threshold_fbeta(&p, -1.0, &t), MLK_EINVAL, "beta = -1 is outside");
    require_fail(mlk_threshold_cost(&p, bad, &t), MLK_EINVAL, "cost [0][1] = -1 is outside");
    require_fail(mlk_threshold_cost(&q, good, &t), MLK_EINVAL, "4 classes; a threshold needs 2");
    const double zero[N] = {0};
    p.truth.data = zero;
    require_fail(mlk_roc_curve(&p, 1, 0, &c), MLK_EINVAL, "one class only");
    require_fail(mlk_pr_curve(&p, 1, 0, &c), MLK_EINVAL, "no row of the truth is positive");
    require_fail(mlk_threshold_fbeta(&p, 1.0, &t), MLK_EINVAL, "no row of the truth is positive");
    p.probabilities.rows = 0;
    require_fail(mlk_pr_curve(&p, 1, 0, &c), MLK_EINVAL, "no scores given");
    ck_assert_uint_eq(c.n, 0);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_predictions p = weighted_binary(true);
    const double cost[2][2] = {{0, 1}, {1, 0}};
    mlk_threshold t;
    for (int call = 0; call < 5; call++) {
        mlk_status st = MLK_ENOMEM;
        mlk_curve c = {0};
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = call == 0   ? mlk_roc_curve(&p, 1, 0, &c)
                 : call == 1 ? mlk_pr_curve(&p, 1, 0, &c)
                 : call == 2 ? mlk_calibration_curve(&p, 1, 10, &c)
                 : call == 3 ? mlk_threshold_fbeta(&p, 1.0, &t)
                             : mlk_threshold_cost(&p, cost, &t);
            ck_assert(st == MLK_OK || (st == MLK_ENOMEM && c.n == 0 && c.memory == NULL));
        }
        mlk_curve_free(&c);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("metrics/curves");
    TCase *curves = test_case(s, "curves"), *errors = test_case(s, "errors");
    tcase_add_loop_test(curves, points_are_what_counting_gives, 0, 2);
    tcase_add_loop_test(curves, the_areas_are_the_metrics, 0, 2);
    tcase_add_test(curves, a_class_against_the_rest_is_a_binary_task);
    tcase_add_test(curves, thinning_keeps_the_ends_and_the_area);
    tcase_add_test(curves, calibrates_by_hand);
    tcase_add_loop_test(curves, thresholds_are_the_best_of_all, 0, 2);
    tcase_add_test(errors, refuses_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
