#include <mlkit/metrics/metric.h>

#include "core/rng.h"
#include "metrics/fixtures.h"

/* One metric of p. */
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

/* All metrics that can be computed for p, reported or not; returns their number. */
static size_t all_metrics(const mlk_predictions *p, const mlk_metric *metrics[64])
{
    size_t n = 0;
    const mlk_metric *m;
    for (size_t i = 0; (m = mlk_metric_at(i)); i++)
        if (m->task == p->task && (m->classes != MLK_CLASSES_BINARY || p->n_classes == 2))
            metrics[n++] = m;
    return n;
}

static size_t all_scores(const mlk_predictions *p, const mlk_run *run, mlk_score scores[64])
{
    const mlk_metric *metrics[64];
    const size_t n = all_metrics(p, metrics);
    require_ok(mlk_metrics_compute(p, metrics, n, 2.0, run, scores));
    return n;
}

/* ------------------------------------------------------------------ figures */

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

START_TEST(gives_the_values_done_by_hand)
{
    /* e = 1, -1, 0, 2; y about its mean 2.5: -1.5, -0.5, 0.5, 1.5 */
    const double y[] = {1, 2, 3, 4}, f[] = {0, 3, 3, 2};
    const mlk_predictions r = {.task = MLK_METRIC_REGRESSION, .truth = {y, 4}, .predicted = {f, 4}};
    require_close(value_of(&r, "mae"), 1.0, 0);
    require_close(value_of(&r, "mse"), 1.5, 0);
    require_close(value_of(&r, "medae"), 1.0, 0);
    require_close(value_of(&r, "max_error"), 2.0, 0);
    require_close(value_of(&r, "mape"), (1.0 + 0.5 + 0.0 + 0.5) / 4.0, 0);
    require_close(value_of(&r, "rae"), 1.0, 0);
    require_close(value_of(&r, "rse"), 1.2, 1e-15);
    require_close(value_of(&r, "r2"), -0.2, 1e-15);
    require_close(value_of(&r, "explained_variance"), 1.0 - 5.0 / 5.0, 1e-15);

    /* class 0: 3 right, 1 taken for 1; class 1: 1 right, 1 for 0; class 2: 2 right, 2 for 1 */
    const size_t count[] = {3, 1, 0, 1, 1, 0, 0, 2, 2};
    const mlk_predictions c = from_confusion(count, 3);
    require_close(value_of(&c, "accuracy"), 0.6, 1e-15);
    require_close(value_of(&c, "error"), 0.4, 1e-15);
    require_close(value_of(&c, "balanced_accuracy"), (0.75 + 0.5 + 0.5) / 3.0, 1e-15);
    require_close(value_of(&c, "precision_macro"), (0.75 + 0.25 + 1.0) / 3.0, 1e-15);
    require_close(value_of(&c, "precision_weighted"), 0.4 * 0.75 + 0.2 * 0.25 + 0.4, 1e-15);
    require_close(value_of(&c, "specificity_macro"), (5.0 / 6 + 5.0 / 8 + 1.0) / 3.0, 1e-15);
    require_close(value_of(&c, "specificity_micro"), 16.0 / 20.0, 1e-15);
    require_close(value_of(&c, "f1_micro"), 0.6, 1e-15);
    require_close(value_of(&c, "kappa"), (0.6 - 0.32) / (1.0 - 0.32), 1e-15);

    /* positives .8 .5, negatives .5 .1: pairs won 1 + 1 + .5 + 1 of 4 */
    const double t[] = {1, 0, 1, 0}, p[] = {.8, .5, .5, .1};
    const mlk_predictions b = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = {t, 4},
                               .probabilities = {p, 4, 1, 1}};
    require_close(value_of(&b, "roc_auc"), 3.5 / 4.0, 1e-15);
    require_close(value_of(&b, "average_precision"), 0.5 * 1.0 + 0.5 * 2.0 / 3.0, 1e-15);
    require_close(value_of(&b, "brier"), (.04 + .25 + .25 + .01) / 4.0, 1e-15);
    require_close(value_of(&b, "log_loss"), -log(.8 * .5 * .5 * .9) / 4.0, 1e-15);
}
END_TEST

typedef struct reference {
    const char *name;
    double value;
} reference;

#include "metrics/sklearn_values.h"

static void require_values(mlk_predictions p, const reference *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double value = score_of(&p, rows[i].name, 2.0).value;
        ck_assert_msg(fabs(value - rows[i].value) <= 1e-13 * fmax(1.0, fabs(value)),
                      "%s = %.17g; scikit-learn: %.17g", rows[i].name, value, rows[i].value);
    }
}

static mlk_predictions weighted(mlk_predictions p)
{
    p.w = fixture_weights();
    return p;
}

START_TEST(equals_scikit_learn)
{
    require_values(fixture_regression(), regression, MLK_COUNT(regression));
    require_values(weighted(fixture_regression()), regression_weighted,
                   MLK_COUNT(regression_weighted));
    require_values(fixture_binary(), binary, MLK_COUNT(binary));
    require_values(weighted(fixture_binary()), binary_weighted, MLK_COUNT(binary_weighted));
    require_values(fixture_classes(), classes, MLK_COUNT(classes));
    require_values(weighted(fixture_classes()), classes_weighted, MLK_COUNT(classes_weighted));
    require_values(fixture_clusters(), clusters, MLK_COUNT(clusters));
}
END_TEST

/* ------------------------------------------------------------ literal twins */

/* P(s+ > s-) + P(s+ = s-)/2 over all pairs of rows of classes a and b, by the scores of a. */
static double literal_auc(const mlk_predictions *p, double a, double b, bool rest)
{
    double won = 0.0, all = 0.0;
    const mlk_cmat S = p->scores.rows ? p->scores : p->probabilities;
    const size_t col = S.cols == 1 ? 0 : (size_t)a;
    for (size_t i = 0; i < S.rows; i++)
        for (size_t j = 0; j < S.rows; j++) {
            const double yi = p->truth.data[i], yj = p->truth.data[j];
            if (yi != a || (rest ? yj == a : yj != b))
                continue;
            const double w = p->w.n ? p->w.data[i] * p->w.data[j] : 1.0;
            const double d = S.data[i * S.ld + col] - S.data[j * S.ld + col];
            won += w * (d > 0.0 ? 1.0 : d == 0.0 ? 0.5 : 0.0);
            all += w;
        }
    return won / all;
}

/* Sum over distinct thresholds of (recall gained) x precision, counting anew at each. */
static double literal_ap(const mlk_predictions *p, size_t col, double positive)
{
    const mlk_cmat S = p->scores.rows ? p->scores : p->probabilities;
    double sum = 0.0, all = 0.0;
    for (size_t i = 0; i < S.rows; i++)
        all += p->truth.data[i] == positive ? (p->w.n ? p->w.data[i] : 1.0) : 0.0;
    for (size_t i = 0; i < S.rows; i++) {
        double tp = 0.0, above = 0.0;
        if (p->truth.data[i] != positive)
            continue;
        for (size_t j = 0; j < S.rows; j++) {
            const double w = p->w.n ? p->w.data[j] : 1.0;
            if (S.data[j * S.ld + col] < S.data[i * S.ld + col])
                continue;
            above += w;
            tp += p->truth.data[j] == positive ? w : 0.0;
        }
        sum += (p->w.n ? p->w.data[i] : 1.0) * (above > 0.0 ? tp / above : 0.0);
    }
    return sum / all;
}

/* Random scores on a coarse grid (many ties), k classes, random weights with zeros. */
static mlk_predictions random_scores(uint64_t seed, size_t n, size_t k, bool weights)
{
    mlk_rng rng = mlk_rng_stream(seed, 7);
    mlk_vec y = test_vec(n), w = test_vec(weights ? n : 0);
    mlk_mat S = test_mat(n, k == 2 ? 1 : k);
    for (size_t i = 0; i < n; i++) {
        y.data[i] = i < k ? (double)i : (double)mlk_rng_below(&rng, k);
        for (size_t j = 0; j < S.cols; j++)
            S.data[i * S.ld + j] = (double)mlk_rng_below(&rng, 6) +
                                   2.0 * (y.data[i] == (double)(k == 2 ? 1 : j)) - 3.0;
        if (weights)
            w.data[i] = i < k ? 0.7 : fmax(mlk_rng_uniform(&rng) - 0.2, 0.0);
    }
    return (mlk_predictions){.task = MLK_METRIC_CLASSIFICATION,
                             .n_classes = k,
                             .truth = mlk_vec_c(y),
                             .scores = mlk_mat_c(S),
                             .w = mlk_vec_c(w)};
}

START_TEST(ranks_as_the_literal_pair_count_does)
{
    const mlk_predictions p = random_scores((uint64_t)_i, 40 + (size_t)_i, 2, _i % 2);
    require_close(value_of(&p, "roc_auc"), literal_auc(&p, 1, 0, false), 1e-13);
    require_close(value_of(&p, "average_precision"), literal_ap(&p, 0, 1.0), 1e-13);

    const mlk_predictions q = random_scores(50 + (uint64_t)_i, 40 + (size_t)_i, 3, _i % 2);
    double ovr = 0.0, ovo = 0.0, ap = 0.0;
    for (size_t a = 0; a < 3; a++) {
        ovr += literal_auc(&q, (double)a, 0, true) / 3.0;
        ap += literal_ap(&q, a, (double)a) / 3.0;
        for (size_t b = 0; b < 3; b++)
            ovo += a == b ? 0.0 : literal_auc(&q, (double)a, (double)b, false) / 6.0;
    }
    require_close(value_of(&q, "roc_auc_ovr_macro"), ovr, 1e-13);
    require_close(value_of(&q, "roc_auc_ovo_macro"), ovo, 1e-13);
    require_close(value_of(&q, "average_precision_macro"), ap, 1e-13);
}
END_TEST

START_TEST(silhouette_equals_the_literal_one)
{
    mlk_predictions p = fixture_clusters();
    mlk_vec w = test_vec(N), out = test_vec(N);
    for (size_t i = 0; i < N; i++)
        w.data[i] = (double)(i % 4);
    p.w = mlk_vec_c(w);
    require_ok(mlk_silhouette_samples(&p, NULL, out));
    for (size_t i = 0; i < N; i++) {
        double sum[4] = {0}, size[4] = {0};
        for (size_t j = 0; j < N; j++) {
            const size_t c = (size_t)p.predicted.data[j];
            sum[c] += w.data[j] * hypot(p.X.data[2 * i] - p.X.data[2 * j],
                                        p.X.data[2 * i + 1] - p.X.data[2 * j + 1]);
            size[c] += w.data[j];
        }
        const size_t own = (size_t)p.predicted.data[i];
        double b = (double)INFINITY;
        for (size_t c = 0; c < 4; c++)
            if (c != own)
                b = fmin(b, sum[c] / size[c]);
        const double a = sum[own] / (size[own] - 1.0);
        require_close(out.data[i], w.data[i] > 0.0 ? (b - a) / fmax(a, b) : 0.0, 1e-13);
    }
}
END_TEST

START_TEST(many_rows_get_the_silhouette_of_a_sample)
{
    enum { MANY = 20400 }; /* clusters {0, 1} and {10, 11}: the silhouette is 1 - a / b */
    mlk_vec f = test_vec(MANY), x = test_vec(MANY);
    for (size_t i = 0; i < MANY; i++) {
        f.data[i] = (double)(i / 2 % 2);
        x.data[i] = 10.0 * f.data[i] + (double)(i % 2);
    }
    const mlk_predictions p = {
        .task = MLK_METRIC_CLUSTERING, .predicted = mlk_vec_c(f), .X = {x.data, MANY, 1, 1}};
    const mlk_score s = score_of(&p, "silhouette", 1.0);
    const double a = 0.5 * 10200 / 10199, outer = 1.0 - a / 10.5, inner = 1.0 - a / 9.5;
    require_close(s.value, 0.5 * (outer + inner), 0.01 * (outer - inner));
    ck_assert_str_eq(s.note, "the mean of 19608 rows drawn at random from 20400");
}
END_TEST

/* -------------------------------------------------------------- invariances */

static mlk_predictions fixture(int i)
{
    return i == 0   ? fixture_regression()
           : i == 1 ? fixture_binary()
           : i == 2 ? fixture_classes()
                    : fixture_clusters();
}

static void require_scores(const mlk_score *a, const mlk_score *b, size_t n, double tol)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs(a[i].value - b[i].value) <= tol * fmax(1.0, fabs(a[i].value)),
                      "%s: %.17g and %.17g", a[i].metric->name, a[i].value, b[i].value);
}

START_TEST(counts_a_weight_as_so_many_rows)
{
    mlk_predictions p = fixture(_i);
    mlk_vec w = test_vec(N);
    size_t rows[4 * N], n = 0;
    mlk_score by_weight[64], by_rows[64];
    for (size_t i = 0; i < N; i++) {
        w.data[i] = (double)(i * 29 % 4);
        for (size_t r = 0; r < i * 29 % 4; r++)
            rows[n++] = i;
    }
    const mlk_predictions q = fixture_rows(p, rows, n);
    p.w = mlk_vec_c(w);
    const size_t count = all_scores(&p, NULL, by_weight);
    all_scores(&q, NULL, by_rows);
    require_scores(by_weight, by_rows, count, 1e-13);
}
END_TEST

START_TEST(does_not_depend_on_the_order_of_rows)
{
    const mlk_predictions p = weighted(fixture(_i));
    size_t rows[N];
    mlk_rng rng = mlk_rng_stream(3, 1);
    mlk_score a[64], b[64];
    mlk_rng_permutation(&rng, rows, N);
    mlk_predictions q = fixture_rows(p, rows, N);
    if (_i == 3) /* ami wants whole weights */
        q.w = (mlk_cvec){NULL, 0};
    mlk_predictions r = p;
    r.w = q.w.n ? p.w : q.w;
    const size_t n = all_scores(&r, NULL, a);
    all_scores(&q, NULL, b);
    require_scores(a, b, n, 1e-13);
}
END_TEST

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    size_t rows[50 * N];
    for (size_t i = 0; i < MLK_COUNT(rows); i++)
        rows[i] = i * 7 % N;
    const mlk_predictions p = fixture_rows(fixture(_i), rows, _i == 3 ? 5 * N : MLK_COUNT(rows));
    mlk_score one[64], many[64];
    const size_t n = all_scores(&p, &(mlk_run){.threads = 1}, one);
    for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1) {
        all_scores(&p, &(mlk_run){.threads = threads}, many);
        for (size_t i = 0; i < n; i++)
            require_same(&one[i].value, &many[i].value, sizeof(double));
    }
}
END_TEST

START_TEST(relabelling_clusters_changes_nothing)
{
    const mlk_predictions p = fixture_clusters();
    mlk_predictions q = p;
    static const double name[] = {-1.0, 17.0, -3.0, 5.0};
    mlk_vec f = test_vec(N);
    mlk_score a[64], b[64];
    for (size_t i = 0; i < N; i++)
        f.data[i] = name[(size_t)p.predicted.data[i]];
    q.predicted = mlk_vec_c(f);
    const size_t n = all_scores(&p, NULL, a);
    all_scores(&q, NULL, b);
    require_scores(a, b, n, 1e-13);
}
END_TEST

/* ---------------------------------------------------------------- undefined */

static void require_undefined(const mlk_predictions *p, const char *name, const char *why)
{
    const mlk_score s = score_of(p, name, 1.0);
    ck_assert_msg(isnan(s.value), "%s = %g", name, s.value);
    ck_assert_msg(strstr(s.note, why) != NULL, "%s: \"%s\" lacks \"%s\"", name, s.note, why);
}

START_TEST(says_why_a_metric_is_not_defined)
{
    const double flat[] = {0.1, 0.1, 0.1}, f[] = {1, 2, 3}, zero[] = {0, 1, 2};
    const mlk_predictions constant = {
        .task = MLK_METRIC_REGRESSION, .truth = {flat, 3}, .predicted = {f, 3}};
    static const char *const relative[] = {"r2", "rae", "rse", "rrse", "explained_variance"};
    for (size_t i = 0; i < MLK_COUNT(relative); i++)
        require_undefined(&constant, relative[i], "the truth is constant");
    require_close(value_of(&constant, "mae"), 1.9, 1e-15);
    const mlk_predictions zeros = {
        .task = MLK_METRIC_REGRESSION, .truth = {zero, 3}, .predicted = {f, 3}};
    require_undefined(&zeros, "mape", "the truth is 0 in 1 row");

    const size_t only_0[] = {5, 2, 0, 0}, never_1[] = {5, 0, 2, 0}, all_0[] = {5, 0, 0, 0};
    mlk_predictions p = from_confusion(only_0, 2);
    static const char *const names[] = {"no", "yes"};
    p.classes = names;
    require_undefined(&p, "recall", "no row of the truth is of class yes");
    require_undefined(&p, "balanced_accuracy", "one class");
    require_undefined(&p, "mcc", "the truth holds one class");
    require_close(value_of(&p, "precision"), 0.0, 0);
    require_close(value_of(&p, "f1"), 0.0, 0);
    p = from_confusion(never_1, 2);
    require_undefined(&p, "precision", "no row is predicted as class 1");
    require_undefined(&p, "mcc", "predicted as one class");
    require_close(value_of(&p, "f1"), 0.0, 0);
    require_close(value_of(&p, "kappa"), 0.0, 0);
    p = from_confusion(all_0, 2);
    require_undefined(&p, "f1", "class 1 is neither");
    require_undefined(&p, "kappa", "one and the same class");

    const double one[] = {1, 1, 1}, s[] = {.3, .4, .5};
    const mlk_predictions b = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = {one, 3},
                               .scores = {s, 3, 1, 1}};
    require_undefined(&b, "roc_auc", "no row of the truth is of class 0");
    require_close(value_of(&b, "average_precision"), 1.0, 0);
    const double nil[] = {0, 0, 0};
    const mlk_predictions no_positive = {.task = MLK_METRIC_CLASSIFICATION,
                                         .n_classes = 2,
                                         .truth = {nil, 3},
                                         .scores = {s, 3, 1, 1}};
    require_undefined(&no_positive, "average_precision", "no row of the truth is of class 1");

    mlk_predictions g = fixture_clusters();
    g.predicted = (mlk_cvec){test_vec(N).data, N};
    require_undefined(&g, "silhouette", "1 clusters of 60 rows");
    require_close(value_of(&g, "ari"), 0.0, 0);
    require_close(value_of(&g, "v_measure"), 0.0, 0);
    g = weighted(fixture_clusters());
    require_undefined(&g, "ami", "whole numbers");
}
END_TEST

START_TEST(says_what_it_did_about_an_empty_class)
{
    const size_t count[] = {3, 1, 0, 1, 2, 0, 1, 0, 0}; /* class 2 is never predicted */
    const mlk_predictions p = from_confusion(count, 3);
    const mlk_score macro = score_of(&p, "precision_macro", 1.0);
    require_close(macro.value, (3.0 / 5 + 2.0 / 3) / 3, 1e-15);
    ck_assert_str_eq(macro.note, "class 2 is 0/0 and counts as 0");
    ck_assert_str_eq(score_of(&p, "recall_macro", 1.0).note, "");

    const size_t absent[] = {3, 0, 1, 1, 2, 0, 0, 0, 0}; /* class 2 is not in the truth */
    const mlk_predictions q = from_confusion(absent, 3);
    require_close(value_of(&q, "balanced_accuracy"), (3.0 / 4 + 2.0 / 3) / 2, 1e-15);
    ck_assert_str_eq(score_of(&q, "balanced_accuracy", 1.0).note,
                     "class 2 is not in the truth and left out");
    require_close(value_of(&q, "recall_macro"), (3.0 / 4 + 2.0 / 3) / 3, 1e-15);
    ck_assert_str_eq(score_of(&q, "recall_weighted", 1.0).note, "");

    const double t[] = {0, 1}, sure[] = {1.0, 1.0}; /* the first row's class has probability 0 */
    const mlk_predictions b = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = {t, 2},
                               .probabilities = {sure, 2, 1, 1}};
    require_close(value_of(&b, "log_loss"), 26.0 * log(2.0), 1e-13);
    ck_assert_str_eq(score_of(&b, "log_loss", 1.0).note,
                     "1 rows have probability 0 for their class; it counts as 2^-52");
}
END_TEST

/* ------------------------------------------------------------------- errors */

START_TEST(finds_metrics_and_suggests)
{
    const mlk_metric *m;
    require_ok(mlk_metric_find("rmse", MLK_METRIC_REGRESSION, 0, &m));
    ck_assert(!m->greater_is_better && m->needs == (MLK_NEEDS_TRUTH | MLK_NEEDS_PREDICTED));
    require_ok(mlk_metric_find("f1_macro", MLK_METRIC_CLASSIFICATION, 2, &m));
    ck_assert(m->greater_is_better);
    require_fail(mlk_metric_find("acuracy", MLK_METRIC_CLASSIFICATION, 2, &m), MLK_EINVAL,
                 "unknown metric 'acuracy'; did you mean 'accuracy'?");
    ck_assert_ptr_null(m);
    require_fail(mlk_metric_find("r2", MLK_METRIC_CLASSIFICATION, 2, &m), MLK_EINVAL,
                 "metric 'r2' is for regression");
    require_fail(mlk_metric_find("f1", MLK_METRIC_CLASSIFICATION, 3, &m), MLK_EINVAL,
                 "metric 'f1' is for two classes, not 3; see 'f1_macro'");
    require_fail(mlk_metric_find("roc_auc", MLK_METRIC_CLASSIFICATION, 3, &m), MLK_EINVAL,
                 "see 'roc_auc_ovr_macro'");
    ck_assert_str_eq(mlk_metric_default(MLK_METRIC_REGRESSION)->name, "r2");
    ck_assert_str_eq(mlk_metric_default(MLK_METRIC_CLASSIFICATION)->name, "accuracy");
    for (size_t i = 0; (m = mlk_metric_at(i)); i++) {
        const mlk_metric *found;
        require_ok(mlk_metric_find(m->name, m->task, m->task == MLK_METRIC_CLASSIFICATION ? 2 : 0,
                                   &found));
        ck_assert_ptr_eq(found, m); /* names are unique */
    }
}
END_TEST

START_TEST(refuses_bad_input_and_says_why)
{
    const mlk_metric *m;
    mlk_score s;
    mlk_predictions p = fixture_binary();
    double *y = test_vec(N).data, *w = test_vec(N).data, *f = test_vec(N).data;
    memcpy(y, p.truth.data, N * sizeof *y);
    memcpy(f, p.probabilities.data, N * sizeof *f);
    require_ok(mlk_metric_find("log_loss", p.task, 2, &m));
    require_fail(mlk_metrics_compute(&p, &m, 1, 0.0, NULL, &s), MLK_EINVAL,
                 "beta = 0 is outside (0, inf)");
    p.w = (mlk_cvec){w, N};
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL, "the weights sum to 0");
    w[3] = -1.0;
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "weight 3 = -1 is outside [0, inf)");
    p.w.n = N - 1;
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "w has 59 rows; expected 60");
    p.w = (mlk_cvec){NULL, 0};
    y[4] = 2.0;
    p.truth.data = y;
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "truth[4] = 2; expected a class number 0..1");
    y[4] = 1.0;
    f[2] = 1.5;
    p.probabilities.data = f;
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "probability [2, 0] = 1.5 is outside [0, 1]");
    p.probabilities = (mlk_cmat){f, N / 2, 2, 2};
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "probabilities has 30 rows; expected 60");
    p.probabilities = (mlk_cmat){NULL, 0, 0, 0};
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "metric 'log_loss' needs probabilities; none given");
    f[2] = (double)NAN;
    p.scores = (mlk_cmat){f, N, 1, 1};
    require_ok(mlk_metric_find("roc_auc", p.task, 2, &m));
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "score [2, 0] is not a number");
    p.truth.n = p.predicted.n = 0;
    require_fail(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s), MLK_EINVAL, "needs the truth");
    mlk_predictions r = fixture_regression();
    require_fail(mlk_metrics_compute(&r, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "metric 'roc_auc' is for classification");
    r.predicted.data = f;
    require_ok(mlk_metric_find("mae", r.task, 0, &m));
    require_fail(mlk_metrics_compute(&r, &m, 1, 1.0, NULL, &s), MLK_EINVAL, "predicted[2] = nan");
    mlk_predictions c = fixture_classes();
    c.probabilities.cols = 3;
    require_ok(mlk_metric_find("brier", c.task, 4, &m));
    require_fail(mlk_metrics_compute(&c, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "probabilities has 3 columns; expected 4");
    mlk_predictions g = fixture_clusters();
    y[4] = 0.5;
    g.predicted.data = y;
    require_ok(mlk_metric_find("ari", g.task, 0, &m));
    require_fail(mlk_metrics_compute(&g, &m, 1, 1.0, NULL, &s), MLK_EINVAL,
                 "predicted[4] = 0.5; expected a whole number");
}
END_TEST

START_TEST(knows_which_scores_can_be_probabilities)
{
    const double half[] = {.5, .5, .2, .805}, wide[] = {.5, .5, .2, .9}, out[] = {.5, 1.5, .2, .8};
    ck_assert(mlk_are_probabilities((mlk_cmat){half, 2, 2, 2}));
    ck_assert(!mlk_are_probabilities((mlk_cmat){wide, 2, 2, 2}));
    ck_assert(mlk_are_probabilities((mlk_cmat){wide, 4, 1, 1}));
    ck_assert(!mlk_are_probabilities((mlk_cmat){out, 4, 1, 1}));
    ck_assert(!mlk_are_probabilities((mlk_cmat){NULL, 0, 0, 0}));
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_predictions p = weighted(fixture(_i));
    const mlk_metric *metrics[64];
    mlk_score scores[64];
    const size_t n = all_metrics(&p, metrics);
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_metrics_compute(&p, metrics, n, 1.0, &(mlk_run){.threads = 1}, scores);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
}
END_TEST

static bool always(void *user) { return user == NULL; }

START_TEST(stops_when_asked_to)
{
    const mlk_predictions p = fixture(_i);
    const mlk_metric *metrics[64];
    mlk_score scores[64];
    const size_t n = all_metrics(&p, metrics);
    const mlk_run run = {.cancelled = always};
    require_fail(mlk_metrics_compute(&p, metrics, n, 1.0, &run, scores), MLK_ECANCELLED,
                 "cancelled");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("metrics/metric");
    TCase *values = test_case(s, "values"), *same = test_case(s, "invariances");
    TCase *undefined = test_case(s, "undefined"), *errors = test_case(s, "errors");
    tcase_add_test(values, gives_the_books_figures);
    tcase_add_test(values, gives_the_values_done_by_hand);
    tcase_add_test(values, equals_scikit_learn);
    tcase_add_loop_test(values, ranks_as_the_literal_pair_count_does, 0, 20);
    tcase_add_test(values, silhouette_equals_the_literal_one);
    tcase_add_test(values, many_rows_get_the_silhouette_of_a_sample);
    tcase_add_loop_test(same, counts_a_weight_as_so_many_rows, 0, 4);
    tcase_add_loop_test(same, does_not_depend_on_the_order_of_rows, 0, 4);
    tcase_add_loop_test(same, gives_the_same_bytes_for_any_number_of_threads, 0, 4);
    tcase_add_test(same, relabelling_clusters_changes_nothing);
    tcase_add_test(undefined, says_why_a_metric_is_not_defined);
    tcase_add_test(undefined, says_what_it_did_about_an_empty_class);
    tcase_add_test(errors, finds_metrics_and_suggests);
    tcase_add_test(errors, refuses_bad_input_and_says_why);
    tcase_add_test(errors, knows_which_scores_can_be_probabilities);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 4);
    tcase_add_loop_test(errors, stops_when_asked_to, 0, 4);
    return s;
}
