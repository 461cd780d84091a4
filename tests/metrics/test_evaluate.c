#include <mlkit/metrics/evaluate.h>

#include "core/rng.h"
#include "core/sort.h"
#include "metrics/fixtures.h"

static const double z95 = 1.959963984540054;

static mlk_evaluation *evaluation_of(const mlk_predictions *p, const mlk_evaluate_opts *o)
{
    mlk_evaluation *e;
    require_ok(mlk_evaluate(p, o, NULL, &e));
    return e;
}

static mlk_score score_of(const mlk_evaluation *e, const char *name)
{
    const mlk_score *s = mlk_evaluation_find(e, name);
    ck_assert_msg(s != NULL, "%s is not there", name);
    return *s;
}

/* One metric's value, without intervals, for weights w. */
static double value_at(mlk_predictions p, const char *name, mlk_vec w)
{
    const mlk_metric *m;
    mlk_score s;
    p.w = mlk_vec_c(w);
    require_ok(mlk_metric_find(name, p.task, p.n_classes, &m));
    require_ok(mlk_metrics_compute(&p, &m, 1, 1.0, NULL, &s));
    return s.value;
}

/* ---------------------------------------------------------------- intervals */

/* Wilson's bounds are the roots of (share - x)^2 = z^2 x (1 - x) / n. */
static void require_wilson(mlk_score s, double n)
{
    const double bound[] = {s.low, s.high};
    for (size_t i = 0; i < 2; i++) {
        const double x = bound[i], d = s.value - x;
        require_close(d * d, z95 * z95 * x * (1.0 - x) / n, 1e-15);
    }
    ck_assert(s.low < s.value && s.value < s.high);
}

START_TEST(proportions_have_wilsons_interval)
{
    mlk_predictions p = fixture_binary(); /* 60 rows, 21 positive, 23 taken for positive */
    mlk_evaluation *e = evaluation_of(&p, NULL);
    require_wilson(score_of(e, "accuracy"), 60);
    require_wilson(score_of(e, "error"), 60);
    require_wilson(score_of(e, "precision"), 23);
    require_wilson(score_of(e, "recall"), 21);
    require_wilson(score_of(e, "specificity"), 39);
    mlk_evaluation_free(e);

    /* Equal weights of any size say nothing about the number of rows. */
    mlk_vec w = test_vec(N);
    for (size_t i = 0; i < N; i++)
        w.data[i] = 0.01;
    p.w = mlk_vec_c(w);
    e = evaluation_of(&p, NULL);
    require_close(score_of(e, "recall").low, 0.2834, 5e-5); /* 10 of 21 */
    require_close(score_of(e, "recall").high, 0.6763, 5e-5);
    mlk_evaluation_free(e);
}
END_TEST

/* theta +- z se on the logit scale, with the variance from numerical derivatives by the weights:
 * phi_i = d theta / d w_i; within classes for the AUC, overall for average precision. */
static void require_influence_interval(const mlk_predictions *p, const char *name, bool by_class)
{
    const double h = 1e-5;
    mlk_vec w = test_vec(p->truth.n);
    double variance = 0.0, fourths = 0.0, z = z95;
    for (size_t i = 0; i < w.n; i++)
        w.data[i] = 1.0;
    for (size_t c = 0; c < (by_class ? p->n_classes : 1); c++) {
        double squares = 0.0, n = 0.0;
        for (size_t i = 0; i < w.n; i++) {
            if (by_class && p->truth.data[i] != (double)c)
                continue;
            w.data[i] = 1.0 + h;
            const double up = value_at(*p, name, w);
            w.data[i] = 1.0 - h;
            const double phi = (up - value_at(*p, name, w)) / (2.0 * h);
            w.data[i] = 1.0;
            squares += phi * phi;
            fourths += phi * phi * phi * phi;
            n += 1.0;
        }
        variance += squares * n / (n - 1.0);
        if (!by_class) { /* Student's quantile for 2 n / (kurtosis - 1) degrees of freedom */
            const double df = 2.0 * n / (n * fourths / (squares * squares) - 1.0);
            z += (z95 + z95 * z95 * z95) / (4.0 * df);
        }
    }
    mlk_evaluation *e = evaluation_of(p, NULL);
    const mlk_score s = score_of(e, name);
    const double half = z * sqrt(variance) / (s.value * (1.0 - s.value));
    require_close(log(s.low / (1.0 - s.low)), log(s.value / (1.0 - s.value)) - half, 1e-6);
    require_close(log(s.high / (1.0 - s.high)), log(s.value / (1.0 - s.value)) + half, 1e-6);
    mlk_evaluation_free(e);
}

START_TEST(ranking_intervals_follow_from_the_influences)
{
    const mlk_predictions p = fixture_binary(), q = fixture_classes();
    require_influence_interval(&p, "roc_auc", true);
    require_influence_interval(&p, "average_precision", false);
    require_influence_interval(&q, "roc_auc_ovr_macro", true);
    require_influence_interval(&q, "roc_auc_ovo_macro", true);
    require_influence_interval(&q, "average_precision_macro", false);
}
END_TEST

START_TEST(auc_has_delongs_variance) /* by its definition, over all pairs */
{
    const mlk_predictions p = fixture_binary();
    const double *s = p.probabilities.data, *y = p.truth.data;
    double mean = 0.0, s10 = 0.0, s01 = 0.0, v[N] = {0};
    const double m = 21, n = 39;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            if (y[i] == y[j])
                continue;
            const double d = y[i] > y[j] ? s[i] - s[j] : s[j] - s[i];
            v[i] += (d > 0.0 ? 1.0 : d == 0.0 ? 0.5 : 0.0) / (y[i] > y[j] ? n : m);
        }
    for (size_t i = 0; i < N; i++)
        mean += y[i] > 0.0 ? v[i] / m : 0.0;
    for (size_t i = 0; i < N; i++)
        *(y[i] > 0.0 ? &s10 : &s01) += (v[i] - mean) * (v[i] - mean);
    const double se = sqrt(s10 / (m - 1) / m + s01 / (n - 1) / n);
    mlk_evaluation *e = evaluation_of(&p, NULL);
    const mlk_score auc = score_of(e, "roc_auc");
    require_close(auc.value, mean, 1e-14);
    require_close(log(auc.high / (1 - auc.high)) - log(auc.low / (1 - auc.low)),
                  2.0 * z95 * se / (mean * (1.0 - mean)), 1e-12);
    mlk_evaluation_free(e);
}
END_TEST

START_TEST(a_perfect_ranking_keeps_room_for_luck)
{
    const double y[] = {0, 0, 0, 0, 1, 1, 1}, s[] = {1, 2, 3, 4, 5, 6, 7};
    const mlk_predictions p = {
        .task = MLK_METRIC_CLASSIFICATION, .n_classes = 2, .truth = {y, 7}, .scores = {s, 7, 1, 1}};
    mlk_evaluation *e = evaluation_of(&p, NULL);
    const mlk_score auc = score_of(e, "roc_auc");
    require_close(auc.value, 1.0, 0);
    require_close(auc.high, 1.0, 0);
    require_close(auc.low, 3.0 / (3.0 + z95 * z95), 1e-14); /* 3 of 3 */
    mlk_evaluation_free(e);
}
END_TEST

/* 40 and 5 rows without an error: the lower ends by hand, from 1 - Wilson's bound = z^2 / (n + z^2)
 * of the rows of either class. */
START_TEST(perfect_classes_keep_room_for_luck)
{
    enum { N_0 = 40, N_1 = 5 };
    mlk_vec y = test_vec(N_0 + N_1);
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = i >= N_0;
    const mlk_predictions p = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = mlk_vec_c(y),
                               .predicted = mlk_vec_c(y)};
    const double z2 = z95 * z95, e0 = z2 / (N_0 + z2), e1 = z2 / (N_1 + z2);
    const double tp = N_1 * (1.0 - e1), fp = N_0 * e0;
    const double f1[] = {2.0 * tp / (2.0 * tp + N_1 * e1), 2.0 * N_1 / (2.0 * N_1 + fp)};
    /* Of the table ((40, 0), (fn, tp)), and of ((tn, fp), (0, 5)). */
    const double tn = N_0 - fp;
    const double mcc[] = {N_0 * tp / sqrt(tp * N_1 * N_0 * (N_0 + N_1 * e1)),
                          tn * N_1 / sqrt((N_1 + fp) * N_1 * N_0 * tn)};
    mlk_evaluation *e = evaluation_of(&p, NULL);
    require_close(score_of(e, "accuracy").low, 45.0 / (45.0 + z2), 1e-14);
    require_close(score_of(e, "balanced_accuracy").low, 1.0 - 0.5 * e1, 1e-14);
    require_close(score_of(e, "f1").low, fmin(f1[0], f1[1]), 1e-14);
    require_close(score_of(e, "mcc").low, fmin(mcc[0], mcc[1]), 1e-14);
    ck_assert(score_of(e, "kappa").low < 1.0 && score_of(e, "kappa").low > 0.5);
    require_close(score_of(e, "mcc").high, 1.0, 0);
    mlk_evaluation_free(e);
}
END_TEST

static mlk_predictions random_regression(uint64_t seed, size_t n)
{
    const mlk_cvec f = test_random_vec(seed, n), e = test_random_vec(seed + 1000003, n);
    mlk_vec y = test_vec(n);
    for (size_t i = 0; i < n; i++)
        y.data[i] = 3.0 + f.data[i] + e.data[i];
    mlk_vec shifted = test_vec(n);
    for (size_t i = 0; i < n; i++)
        shifted.data[i] = 3.0 + f.data[i];
    return (mlk_predictions){
        .task = MLK_METRIC_REGRESSION, .truth = mlk_vec_c(y), .predicted = mlk_vec_c(shifted)};
}

/* Scores N(y, 1): accuracy at 1/2 and AUC are Phi(1/2) and Phi(1/sqrt 2). */
static mlk_predictions random_binary(uint64_t seed, size_t n)
{
    const mlk_cvec e = test_random_vec(seed, n);
    mlk_vec y = test_vec(n), f = test_vec(n);
    mlk_mat s = test_mat(n, 1);
    mlk_rng rng = mlk_rng_stream(seed, 2);
    for (size_t i = 0; i < n; i++) {
        y.data[i] = mlk_rng_uniform(&rng) < 0.5;
        s.data[i] = y.data[i] + e.data[i];
        f.data[i] = s.data[i] > 0.5;
    }
    return (mlk_predictions){.task = MLK_METRIC_CLASSIFICATION,
                             .n_classes = 2,
                             .truth = mlk_vec_c(y),
                             .predicted = mlk_vec_c(f),
                             .scores = mlk_mat_c(s)};
}

/* With coverage 95 %, 400 simulations give 363..397 hits but once in 10,000 (binomial). */
enum { SIMULATIONS = 400, LEAST = 363, MOST = 397 };

typedef struct population {
    const char *name;
    double value;
} population;

static void require_coverage(mlk_predictions (*draw)(uint64_t, size_t), size_t n,
                             const population *truth, size_t n_truth)
{
    size_t hits[16] = {0};
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    o.replicates = 500;
    o.curves = false;
    for (size_t t = 0; t < SIMULATIONS; t++) {
        const mlk_predictions p = draw(t, n);
        o.seed = (int64_t)t;
        mlk_evaluation *e = evaluation_of(&p, &o);
        for (size_t j = 0; j < n_truth; j++) {
            const mlk_score s = score_of(e, truth[j].name);
            hits[j] += s.low <= truth[j].value && truth[j].value <= s.high;
        }
        mlk_evaluation_free(e);
    }
    for (size_t j = 0; j < n_truth; j++)
        ck_assert_msg(hits[j] >= LEAST && hits[j] <= MOST, "%s: %zu of %d intervals hold %g",
                      truth[j].name, hits[j], SIMULATIONS, truth[j].value);
}

START_TEST(intervals_hold_the_truth_as_often_as_they_say)
{
    const double mae = sqrt(2.0 / M_PI);
    const population reg[] = {{"mae", mae},
                              {"mse", 1.0},
                              {"rmse", 1.0},
                              {"medae", 0.6744897501960817},
                              {"rae", sqrt(0.5)},
                              {"rse", 0.5},
                              {"rrse", sqrt(0.5)},
                              {"r2", 0.5},
                              {"explained_variance", 0.5}};
    require_coverage(random_regression, 120, reg, MLK_COUNT(reg));
    const double phi_half = 0.6914624612740131, auc = 0.5 * erfc(-0.5);
    const population bin[] = {
        {"accuracy", phi_half}, {"error", 1.0 - phi_half}, {"precision", phi_half},
        {"recall", phi_half},   {"specificity", phi_half}, {"balanced_accuracy", phi_half},
        {"f1", phi_half},       {"mcc", 2 * phi_half - 1}, {"kappa", 2 * phi_half - 1},
        {"roc_auc", auc}};
    require_coverage(random_binary, 120, bin, MLK_COUNT(bin));
}
END_TEST

START_TEST(groups_of_rows_give_the_width_that_rows_do)
{
    const size_t n = 20000;
    mlk_predictions p = random_regression(5, n);
    /* Rows sorted by their errors: groups must not follow the order. */
    double *y = test_vec(n).data, *f = test_vec(n).data;
    for (size_t i = 0; i < n; i++)
        y[i] = fabs(p.truth.data[i] - p.predicted.data[i]);
    mlk_sort(y, n);
    p.truth.data = y;
    p.predicted.data = f;
    mlk_evaluation *e = evaluation_of(&p, NULL);
    const mlk_score mae = score_of(e, "mae"), mse = score_of(e, "mse");
    const double root = sqrt((double)n);
    /* sd of |e| is sqrt(1 - 2/pi), of e^2 sqrt 2; the width itself is uncertain by some percent. */
    require_relative(mae.high - mae.low, 2.0 * z95 * sqrt(1.0 - 2.0 / M_PI) / root, 0.15);
    require_relative(mse.high - mse.low, 2.0 * z95 * sqrt(2.0) / root, 0.15);
    mlk_evaluation_free(e);
}
END_TEST

START_TEST(intervals_change_unit_with_the_errors)
{
    const double unit = _i ? 0x1p500 : 0x1p-500; /* cubes and fourth powers leave the range */
    const mlk_predictions p = fixture_regression();
    mlk_vec y = test_vec(N), f = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        y.data[i] = unit * p.truth.data[i];
        f.data[i] = unit * p.predicted.data[i];
    }
    mlk_predictions q = p;
    q.truth = mlk_vec_c(y);
    q.predicted = mlk_vec_c(f);
    mlk_evaluation *a = evaluation_of(&p, NULL), *b = evaluation_of(&q, NULL);
    static const char *const names[] = {"mae", "rmse", "mse", "rae", "r2"};
    const double units[] = {unit, unit, unit * unit, 1.0, 1.0};
    for (size_t i = 0; i < MLK_COUNT(names); i++) {
        const mlk_score s = score_of(a, names[i]), t = score_of(b, names[i]);
        ck_assert(s.low < s.value && s.value < s.high);
        require_relative(t.low, s.low * units[i], 1e-12);
        require_relative(t.high, s.high * units[i], 1e-12);
    }
    mlk_evaluation_free(a);
    mlk_evaluation_free(b);
}
END_TEST

/* ------------------------------------------------------------------ sameness */

static mlk_predictions fixture(int i)
{
    return i == 0   ? fixture_regression()
           : i == 1 ? fixture_binary()
           : i == 2 ? fixture_classes()
                    : fixture_clusters();
}

static void require_same_scores(const mlk_evaluation *a, const mlk_evaluation *b)
{
    ck_assert_uint_eq(mlk_evaluation_size(a), mlk_evaluation_size(b));
    for (size_t i = 0; i < mlk_evaluation_size(a); i++) {
        const mlk_score *s = mlk_evaluation_at(a, i), *t = mlk_evaluation_at(b, i);
        require_same(&s->value, &t->value, sizeof(double));
        require_same(&s->low, &t->low, sizeof(double));
        require_same(&s->high, &t->high, sizeof(double));
        require_same(&s->baseline, &t->baseline, sizeof(double));
    }
}

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    mlk_predictions p = fixture(_i);
    mlk_evaluation *one, *many;
    p.w = fixture_weights();
    require_ok(mlk_evaluate(&p, NULL, &(mlk_run){.threads = 1}, &one));
    for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1) {
        require_ok(mlk_evaluate(&p, NULL, &(mlk_run){.threads = threads}, &many));
        require_same_scores(one, many);
        mlk_evaluation_free(many);
    }
    mlk_evaluation_free(one);
}
END_TEST

START_TEST(the_seed_moves_only_the_bootstrap)
{
    const mlk_predictions p = fixture_binary();
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    mlk_evaluation *a = evaluation_of(&p, &o);
    o.seed = 1;
    mlk_evaluation *b = evaluation_of(&p, &o);
    ck_assert(score_of(a, "f1").low != score_of(b, "f1").low);
    ck_assert(score_of(a, "accuracy").low == score_of(b, "accuracy").low);
    ck_assert(score_of(a, "f1").value == score_of(b, "f1").value);
    mlk_evaluation_free(a);
    mlk_evaluation_free(b);
}
END_TEST

/* ------------------------------------------------------------------ baseline */

START_TEST(the_baseline_is_the_mean_or_the_most_frequent_class)
{
    const mlk_predictions r = fixture_regression(), c = fixture_binary();
    mlk_evaluation *e = evaluation_of(&r, NULL);
    require_close(score_of(e, "r2").baseline, 0.0, 1e-15); /* of the truth itself */
    require_close(score_of(e, "rae").baseline, 1.0, 1e-15);
    mlk_evaluation_free(e);

    const double mean = 2.0;
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    o.baseline = (mlk_cvec){&mean, 1};
    double mse = 0.0;
    for (size_t i = 0; i < N; i++)
        mse += (r.truth.data[i] - 2.0) * (r.truth.data[i] - 2.0) / N;
    e = evaluation_of(&r, &o);
    require_close(score_of(e, "mse").baseline, mse, 1e-13);
    mlk_evaluation_free(e);

    double shares[2];
    require_ok(mlk_baseline_of(c.truth, c.w, 2, (mlk_vec){shares, 2}));
    require_close(shares[1], 21.0 / 60, 1e-15);
    e = evaluation_of(&c, NULL);
    require_close(score_of(e, "accuracy").baseline, 39.0 / 60, 1e-15);
    require_close(score_of(e, "roc_auc").baseline, 0.5, 1e-15);
    require_close(score_of(e, "average_precision").baseline, 21.0 / 60, 1e-15);
    require_close(score_of(e, "log_loss").baseline, -(.35 * log(.35) + .65 * log(.65)), 1e-14);
    ck_assert(isnan(score_of(e, "precision").baseline)); /* it never says yes */
    mlk_evaluation_free(e);
}
END_TEST

/* ------------------------------------------------------------------- content */

START_TEST(leaves_out_what_was_not_given)
{
    mlk_predictions p = fixture_binary();
    p.predicted.n = 0;
    mlk_evaluation *e = evaluation_of(&p, NULL);
    ck_assert_ptr_null(mlk_evaluation_find(e, "accuracy"));
    ck_assert_ptr_nonnull(mlk_evaluation_find(e, "log_loss"));
    ck_assert_uint_eq(mlk_evaluation_confusion(e).rows, 0);
    mlk_evaluation_free(e);

    p.scores = p.probabilities; /* not known to be probabilities */
    p.probabilities = (mlk_cmat){NULL, 0, 0, 0};
    e = evaluation_of(&p, NULL);
    ck_assert_ptr_null(mlk_evaluation_find(e, "log_loss"));
    ck_assert_uint_eq(mlk_evaluation_size(e), 2);
    ck_assert_uint_eq(mlk_evaluation_calibration(e).n, 0);
    mlk_evaluation_free(e);

    p = fixture_binary();
    p.probabilities = (mlk_cmat){NULL, 0, 0, 0};
    e = evaluation_of(&p, NULL);
    ck_assert_ptr_null(mlk_evaluation_find(e, "roc_auc"));
    ck_assert_uint_eq(mlk_evaluation_size(e), 10);
    ck_assert_uint_eq(mlk_evaluation_roc(e).n, 0);
    mlk_evaluation_free(e);

    p = fixture_clusters();
    p.truth.n = 0;
    e = evaluation_of(&p, NULL);
    ck_assert_uint_eq(mlk_evaluation_size(e), 3);
    mlk_evaluation_free(e);
}
END_TEST

START_TEST(reports_under_the_contracts_names)
{
    static const char *const names[] = {"no", "yes"};
    const mlk_predictions p = fixture_binary();
    mlk_evaluation *e = evaluation_of(&p, NULL);
    mlk_doc *doc = mlk_doc_new();
    mlk_evaluation_report(e, names, doc);
    require_ok(mlk_doc_check(doc));
    require_close(mlk_doc_real(mlk_doc_find(mlk_doc_find(doc, "metrics"), "accuracy")), 0.6, 1e-15);
    const mlk_doc *pair = mlk_doc_find(mlk_doc_find(doc, "intervals"), "mcc");
    ck_assert_uint_eq(mlk_doc_size(pair), 2);
    ck_assert(mlk_doc_real(mlk_doc_at(pair, 0)) < mlk_doc_real(mlk_doc_at(pair, 1)));
    require_close(mlk_doc_real(mlk_doc_find(mlk_doc_find(doc, "baseline"), "accuracy")), 0.65,
                  1e-15);
    const mlk_doc_array cm = mlk_doc_array_of(mlk_doc_find(doc, "confusion_matrix"));
    const double expected[] = {26, 13, 11, 10};
    ck_assert_uint_eq(cm.rows, 2);
    require_same(cm.data, expected, sizeof expected);
    ck_assert_str_eq(mlk_doc_text(mlk_doc_at(mlk_doc_find(doc, "classes"), 1)), "yes");
    const mlk_doc *yes = mlk_doc_find(mlk_doc_find(doc, "per_class"), "yes");
    require_close(mlk_doc_real(mlk_doc_find(yes, "precision")), 10.0 / 23, 1e-15);
    require_close(mlk_doc_real(mlk_doc_find(yes, "recall")), 10.0 / 21, 1e-15);
    require_close(mlk_doc_real(mlk_doc_find(yes, "f1")), 20.0 / 44, 1e-15);
    require_close(mlk_doc_real(mlk_doc_find(yes, "support")), 21, 0);
    const mlk_doc *curves = mlk_doc_find(doc, "curves");
    static const char *const keys[][4] = {{"roc", "fpr", "tpr", "threshold"},
                                          {"pr", "precision", "recall", "threshold"},
                                          {"calibration", "predicted", "observed", "count"}};
    for (size_t c = 0; c < 3; c++)
        for (size_t k = 1; k < 4; k++) {
            const mlk_doc *curve = mlk_doc_find(curves, keys[c][0]);
            ck_assert_str_eq(mlk_doc_key_at(curve, k - 1), keys[c][k]);
            ck_assert_uint_gt(mlk_doc_array_of(mlk_doc_find(curve, keys[c][k])).rows, 2);
        }
    mlk_doc_free(doc);
    mlk_evaluation_free(e);
}
END_TEST

static void collect(void *user, const char *line)
{
    char *text = user;
    strcat(strcat(text, line), "\n");
}

START_TEST(warns_of_what_is_not_defined_and_of_a_useless_model)
{
    const double y[] = {0, 0, 0, 1, 1}, f[] = {0, 0, 0, 0, 0};
    const mlk_predictions p = {
        .task = MLK_METRIC_CLASSIFICATION, .n_classes = 2, .truth = {y, 5}, .predicted = {f, 5}};
    char text[4096] = "";
    mlk_evaluation *e;
    require_ok(mlk_evaluate(&p, NULL, &(mlk_run){.warn = collect, .user = text}, &e));
    ck_assert_str_eq(text,
                     "precision is not defined: no row is predicted as class 1\n"
                     "mcc is not defined: all rows are predicted as one class\n"
                     "the model is no better than its baseline: accuracy 0.6, baseline 0.6\n");
    ck_assert(isnan(score_of(e, "precision").low));
    mlk_evaluation_free(e);
}
END_TEST

/* -------------------------------------------------------------------- errors */

START_TEST(refuses_bad_options_and_says_why)
{
    const mlk_predictions p = fixture_binary(), none = {.task = MLK_METRIC_REGRESSION};
    const double shares[] = {0.5, 0.7};
    mlk_evaluation *e;
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    o.replicates = 99;
    require_fail(mlk_evaluate(&p, &o, NULL, &e), MLK_EINVAL, "replicates = 99 is outside");
    ck_assert_ptr_null(e);
    o = mlk_evaluate_opts_default();
    o.beta = (double)NAN;
    require_fail(mlk_evaluate(&p, &o, NULL, &e), MLK_EINVAL, "beta = nan");
    o = mlk_evaluate_opts_default();
    o.baseline = (mlk_cvec){shares, 1};
    require_fail(mlk_evaluate(&p, &o, NULL, &e), MLK_EINVAL,
                 "the baseline has 1 values; expected 2");
    o.baseline.n = 2;
    require_fail(mlk_evaluate(&p, &o, NULL, &e), MLK_EINVAL, "shares sum to 1.2");
    require_fail(mlk_evaluate(&none, NULL, NULL, &e), MLK_EINVAL, "nothing to judge");
    ck_assert_ptr_null(e);
    double out[3];
    require_fail(mlk_baseline_of(p.truth, p.w, 2, (mlk_vec){out, 3}), MLK_EINVAL,
                 "out has 3 values; expected 2");
    require_fail(mlk_baseline_of((mlk_cvec){NULL, 0}, p.w, 2, (mlk_vec){out, 2}), MLK_EINVAL,
                 "no rows");
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_predictions p = fixture(_i);
    mlk_evaluation *e;
    mlk_status st = MLK_ENOMEM;
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    o.replicates = 100;
    p.w = fixture_weights();
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_evaluate(&p, &o, &(mlk_run){.threads = 1}, &e);
        ck_assert(st == MLK_OK ? e != NULL : st == MLK_ENOMEM && e == NULL);
    }
    mlk_evaluation_free(e);
    mlk_evaluation_free(NULL);
}
END_TEST

/* true from the countdown's end on. */
static bool soon(void *user)
{
    int *left = user;
    return (*left)-- <= 0;
}

START_TEST(stops_wherever_it_is_asked_to)
{
    const mlk_predictions p = fixture(_i);
    mlk_evaluation *e = NULL;
    mlk_status st = MLK_ECANCELLED;
    for (int after = 0; st != MLK_OK; after++) {
        int left = after;
        st = mlk_evaluate(&p, NULL, &(mlk_run){.threads = 1, .cancelled = soon, .user = &left}, &e);
        ck_assert(st == MLK_OK ? e != NULL : st == MLK_ECANCELLED && e == NULL);
    }
    mlk_evaluation_free(e);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("metrics/evaluate");
    TCase *intervals = test_case(s, "intervals"), *same = test_case(s, "sameness");
    TCase *content = test_case(s, "content"), *errors = test_case(s, "errors");
    tcase_add_test(intervals, proportions_have_wilsons_interval);
    tcase_add_test(intervals, ranking_intervals_follow_from_the_influences);
    tcase_add_test(intervals, auc_has_delongs_variance);
    tcase_add_test(intervals, a_perfect_ranking_keeps_room_for_luck);
    tcase_add_test(intervals, perfect_classes_keep_room_for_luck);
    tcase_add_test(intervals, intervals_hold_the_truth_as_often_as_they_say);
    tcase_add_test(intervals, groups_of_rows_give_the_width_that_rows_do);
    tcase_add_loop_test(intervals, intervals_change_unit_with_the_errors, 0, 2);
    tcase_add_loop_test(same, gives_the_same_bytes_for_any_number_of_threads, 0, 4);
    tcase_add_test(same, the_seed_moves_only_the_bootstrap);
    tcase_add_test(content, the_baseline_is_the_mean_or_the_most_frequent_class);
    tcase_add_test(content, leaves_out_what_was_not_given);
    tcase_add_test(content, reports_under_the_contracts_names);
    tcase_add_test(content, warns_of_what_is_not_defined_and_of_a_useless_model);
    tcase_add_test(errors, refuses_bad_options_and_says_why);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 4);
    tcase_add_loop_test(errors, stops_wherever_it_is_asked_to, 0, 4);
    return s;
}
