#include <mlkit/model/calibration.h>
#include <mlkit/svm/linear_svc.h>

#include "support/mlk_test.h"

/* Decision values and classes with a known relation: P(1 | f) = 1 / (1 + exp(-1.7 f + 0.4)). */
static mlk_cvec known_classes(mlk_cvec f)
{
    const mlk_cvec z = test_random_vec(77, f.n);
    mlk_vec y = test_vec(f.n);
    for (size_t i = 0; i < f.n; i++)
        y.data[i] = 0.5 * erfc(-z.data[i] / sqrt(2.0)) < 1.0 / (1.0 + exp(0.4 - 1.7 * f.data[i]));
    return mlk_vec_c(y);
}

START_TEST(sigmoid_has_the_greatest_likelihood)
{
    const mlk_cvec f = test_random_vec(5, 4000), y = known_classes(f);
    mlk_vec w = test_vec(4000);
    double plus = 0.0, minus = 0.0, A, B, ga = 0.0, gb = 0.0;
    for (size_t i = 0; i < 4000; i++) {
        w.data[i] = _i ? 0.5 * (double)(i % 4) : 1.0;
        *(y.data[i] != 0.0 ? &plus : &minus) += w.data[i];
    }
    mlk_calibrator *c;
    require_ok(mlk_calibrator_fit((mlk_cmat){f.data, 4000, 1, 1}, y,
                                  _i ? mlk_vec_c(w) : (mlk_cvec){NULL, 0}, 2, MLK_DECISIONS_BINARY,
                                  MLK_CALIBRATION_SIGMOID, &c));
    ck_assert(mlk_calibrator_sigmoid(c, 0, &A, &B));
    for (size_t i = 0; i < 4000; i++) { /* the gradient, with Platt's targets */
        const double p = 1.0 / (1.0 + exp(A * f.data[i] + B));
        const double t = y.data[i] != 0.0 ? (plus + 1.0) / (plus + 2.0) : 1.0 / (minus + 2.0);
        ga += w.data[i] * (t - p) * f.data[i];
        gb += w.data[i] * (t - p);
    }
    require_close(ga, 0.0, 1e-6);
    require_close(gb, 0.0, 1e-6);
    require_close(A, -1.7, 0.2);
    require_close(B, 0.4, 0.2);
    mlk_calibrator_free(c);
}
END_TEST

START_TEST(sigmoid_survives_what_is_separable)
{
    const double f[] = {-1e300, -2.0, -1.0, 1.0, 2.0, 1e300}, labels[] = {0, 0, 0, 1, 1, 1};
    mlk_calibrator *c;
    mlk_mat p = test_mat(6, 2);
    const mlk_cmat values = {f + 1, 4, 1, 1};
    require_ok(mlk_calibrator_fit(values, (mlk_cvec){labels + 1, 4}, (mlk_cvec){NULL, 0}, 2,
                                  MLK_DECISIONS_BINARY, MLK_CALIBRATION_SIGMOID, &c));
    require_ok(mlk_calibrator_proba(c, (mlk_cmat){f, 6, 1, 1}, NULL, p));
    for (size_t i = 0; i < 6; i++) {
        require_close(p.data[2 * i] + p.data[2 * i + 1], 1.0, 1e-15);
        ck_assert((p.data[2 * i + 1] > 0.5) == (labels[i] == 1.0));
    }
    require_close(p.data[11], 1.0, 1e-12);
    mlk_calibrator_free(c);
}
END_TEST

/* p_i = max over a <= i of min over b >= i of the mean of a..b, on sorted distinct values. */
START_TEST(isotonic_is_the_max_min_of_means)
{
    enum { N = 60 };
    const mlk_cvec noise = test_random_vec(9, N);
    mlk_vec f = test_vec(N), y = test_vec(N), w = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        f.data[i] = (double)((i * 37) % N); /* a permutation */
        y.data[i] = f.data[i] + 20.0 * noise.data[i] > 30.0;
        w.data[i] = 1.0 + (double)(i % 3);
    }
    mlk_calibrator *c;
    mlk_mat p = test_mat(N, 2);
    require_ok(mlk_calibrator_fit((mlk_cmat){f.data, N, 1, 1}, mlk_vec_c(y), mlk_vec_c(w), 2,
                                  MLK_DECISIONS_BINARY, MLK_CALIBRATION_ISOTONIC, &c));
    require_ok(mlk_calibrator_proba(c, (mlk_cmat){f.data, N, 1, 1}, NULL, p));
    for (size_t i = 0; i < N; i++) {
        double best = -INFINITY;
        for (double a = 0.0; a <= f.data[i]; a++) {
            double least = INFINITY;
            for (double b = f.data[i]; b < N; b++) {
                double sum = 0.0, weight = 0.0;
                for (size_t j = 0; j < N; j++)
                    if (f.data[j] >= a && f.data[j] <= b) {
                        sum += w.data[j] * y.data[j];
                        weight += w.data[j];
                    }
                least = fmin(least, sum / weight);
            }
            best = fmax(best, least);
        }
        require_close(p.data[2 * i + 1], best, 1e-12);
    }
    mlk_calibrator_free(c);
}
END_TEST

START_TEST(coupling_minimises_its_sum)
{
    const size_t k = 2 + (size_t)_i;
    const mlk_cvec z = test_random_vec(3 + k, k * k);
    mlk_mat r = test_mat(k, k);
    mlk_vec p = test_vec(k);
    for (size_t i = 0; i < k; i++)
        for (size_t j = i + 1; j < k; j++) {
            r.data[i * k + j] = 1.0 / (1.0 + exp(2.0 * z.data[i * k + j]));
            r.data[j * k + i] = 1.0 - r.data[i * k + j];
        }
    mlk_couple_pairs(k, r.data, p.data);
    double sum = 0.0, first = 0.0;
    for (size_t i = 0; i < k; i++) { /* Qp is the same for all: the multiplier of sum p = 1 */
        double Qp = 0.0;
        for (size_t j = 0; j < k; j++)
            if (j != i)
                Qp += r.data[j * k + i] *
                      (r.data[j * k + i] * p.data[i] - r.data[i * k + j] * p.data[j]);
        first = i ? first : Qp;
        require_close(Qp, first, 1e-10);
        ck_assert(p.data[i] >= 0.0);
        sum += p.data[i];
    }
    require_close(sum, 1.0, 1e-12);
}
END_TEST

START_TEST(coupling_recovers_what_agrees)
{
    const double p[] = {0.5, 0.2, 0.25, 0.05};
    double r[16] = {0.0}, q[4];
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            r[4 * i + j] = i == j ? 0.0 : p[i] / (p[i] + p[j]);
    mlk_couple_pairs(4, r, q);
    for (size_t i = 0; i < 4; i++)
        require_close(q[i], p[i], 1e-10);
}
END_TEST

/* Any classifier: here the linear machines, whose decision values mean nothing as such. */
START_TEST(serves_any_classifier)
{
    const size_t k = _i ? 3 : 2;
    const mlk_cmat X = test_random_mat(21, 400, 4);
    const mlk_data d = {.X = X, .y = test_classes(21, X, k), .n_classes = k};
    const mlk_calibrator_opts o = {.layout = _i ? MLK_DECISIONS_CLASS : MLK_DECISIONS_BINARY,
                                   .kind = MLK_CALIBRATION_SIGMOID,
                                   .folds = 5,
                                   .seed = 4};
    mlk_calibrator *c, *again;
    mlk_model *model;
    const size_t m = _i ? 3 : 1;
    mlk_mat f = test_mat(400, m), p = test_mat(400, k), q = test_mat(400, k);
    require_ok(mlk_calibrator_fit_algo(&mlk_linear_svc_algo, NULL, &d, &o, NULL, &c));
    require_ok(mlk_calibrator_fit_algo(&mlk_linear_svc_algo, NULL, &d, &o, &(mlk_run){.threads = 3},
                                       &again));
    require_ok(mlk_model_fit(&mlk_linear_svc_algo, NULL, &d, NULL, &model));
    require_ok(mlk_model_decision(model, X, NULL, f));
    require_ok(mlk_calibrator_proba(c, mlk_mat_c(f), NULL, p));
    require_ok(mlk_calibrator_proba(again, mlk_mat_c(f), NULL, q));
    require_same(p.data, q.data, 400 * k * sizeof(double));
    double expected = 0.0, found = 0.0;
    for (size_t i = 0; i < 400; i++) { /* calibrated in the large */
        expected += p.data[i * k + 1];
        found += d.y.data[i] == 1.0;
    }
    require_close(expected, found, 20.0);
    mlk_calibrator_free(c);
    mlk_calibrator_free(again);
    mlk_model_free(model);
}
END_TEST

static char warning[256];
static void keep_warning(void *user, const char *line)
{
    (void)user;
    strncpy(warning, line, sizeof warning - 1);
}

START_TEST(a_single_row_of_a_class_is_told)
{
    const mlk_cmat X = test_random_mat(21, 20, 2);
    mlk_vec y = test_vec(20);
    y.data[7] = 1.0;
    const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = 2};
    const mlk_calibrator_opts o = {.folds = 5};
    mlk_calibrator *c;
    require_ok(mlk_calibrator_fit_algo(&mlk_linear_svc_algo, NULL, &d, &o,
                                       &(mlk_run){.warn = keep_warning}, &c));
    ck_assert_ptr_nonnull(strstr(warning, "a class has a single row"));
    mlk_calibrator_free(c);
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
    const mlk_cvec f = test_random_vec(5, 40), y = known_classes(f);
    const mlk_cmat two = {f.data, 20, 2, 2};
    const mlk_data d = {.X = {f.data, 40, 1, 1}, .y = y, .n_classes = 2};
    mlk_calibrator *c;
    require_fail(mlk_calibrator_fit(two, (mlk_cvec){y.data, 20}, (mlk_cvec){NULL, 0}, 2,
                                    MLK_DECISIONS_BINARY, MLK_CALIBRATION_SIGMOID, &c),
                 MLK_EINVAL, "20 x 2 decision values, 20 targets and 0 weights for 2 classes");
    require_fail(mlk_calibrator_fit_algo(&mlk_linear_svc_algo, NULL, &d,
                                         &(mlk_calibrator_opts){.folds = 1}, NULL, &c),
                 MLK_EINVAL, "1 folds; expected at least 2");
    require_fail(mlk_calibrator_fit_algo(
                     &mlk_linear_svc_algo, NULL, &d,
                     &(mlk_calibrator_opts){.folds = 2, .layout = MLK_DECISIONS_CLASS}, NULL, &c),
                 MLK_EINVAL, "linear-svc gives 1 decision values; expected 2");
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(loads_only_what_it_saves)
{
    const mlk_cvec f = test_random_vec(5, 60), y = known_classes(f);
    const mlk_cmat values = {f.data, 60, 1, 1};
    mlk_calibrator *c, *back;
    mlk_mat p = test_mat(60, 2), q = test_mat(60, 2);
    for (int kind = 0; kind < 2; kind++) {
        require_ok(
            mlk_calibrator_fit(values, y, (mlk_cvec){NULL, 0}, 2, MLK_DECISIONS_BINARY, kind, &c));
        mlk_doc *doc = mlk_doc_new();
        mlk_calibrator_save(c, doc);
        require_ok(mlk_calibrator_load(doc, 2, MLK_DECISIONS_BINARY, &back));
        require_ok(mlk_calibrator_proba(c, values, NULL, p));
        require_ok(mlk_calibrator_proba(back, values, NULL, q));
        require_same(p.data, q.data, 120 * sizeof(double));
        mlk_calibrator_free(back);
        require_fail(mlk_calibrator_load(doc, 3, MLK_DECISIONS_PAIR, &back), MLK_EFORMAT, "");
        ck_assert_ptr_null(back);
        mlk_calibrator_free(c);
        mlk_doc_free(doc);
    }
    const double x[] = {2.0, 1.0}, up[] = {0.1, 0.2};
    mlk_doc *doc = mlk_doc_new();
    mlk_doc_put_int(mlk_doc_put_list(doc, "points"), NULL, 2);
    mlk_doc_put_vec(doc, "x", (mlk_cvec){x, 2});
    mlk_doc_put_vec(doc, "p", (mlk_cvec){up, 2});
    require_fail(mlk_calibrator_load(doc, 2, MLK_DECISIONS_BINARY, &back), MLK_EFORMAT,
                 "point 1 of an isotonic map does not rise");
    mlk_doc_free(doc);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("model/calibration");
    TCase *maps = test_case(s, "maps"), *use = test_case(s, "use");
    tcase_add_loop_test(maps, sigmoid_has_the_greatest_likelihood, 0, 2);
    tcase_add_test(maps, sigmoid_survives_what_is_separable);
    tcase_add_test(maps, isotonic_is_the_max_min_of_means);
    tcase_add_loop_test(maps, coupling_minimises_its_sum, 0, 8);
    tcase_add_test(maps, coupling_recovers_what_agrees);
    tcase_add_loop_test(use, serves_any_classifier, 0, 2);
    tcase_add_test(use, a_single_row_of_a_class_is_told);
    tcase_add_test(use, refuses_what_does_not_fit);
    tcase_add_test(use, loads_only_what_it_saves);
    return s;
}
