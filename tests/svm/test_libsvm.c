#include <mlkit/report/json.h>
#include <mlkit/svm/libsvm.h>
#include <mlkit/svm/linear_svr.h>
#include <mlkit/svm/one_class_svm.h>
#include <mlkit/svm/svr.h>

#include "svm/cases.h"

/* The sum over the vectors of a LIBSVM model of coefficient `column` times k(sv, x), those of
 * vectors first..last-1, as svm-predict reads the text. */
static double sum_of(const char *text, const mlk_kernel *k, size_t p, size_t columns, size_t column,
                     size_t first, size_t last, const double *x)
{
    const char *at = strstr(text, "\nSV\n") + 4;
    double sum = 0.0;
    for (size_t s = 0; s < last; s++, at = strchr(at, '\n') + 1) {
        double coef[8] = {0.0};
        mlk_vec v = test_vec(p);
        char *end = (char *)(uintptr_t)at;
        for (size_t c = 0; c < columns; c++)
            coef[c] = strtod(end, &end);
        while (*end == ' ' && end[1] != '\n') {
            const long j = strtol(end, &end, 10);
            ck_assert(*end == ':' && j >= 1 && j <= (long)p);
            v.data[j - 1] = strtod(end + 1, &end);
        }
        if (s >= first)
            sum += coef[column] * plain_kernel(k, v.data, x, p);
    }
    return sum;
}

static const char *line_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    ck_assert_msg(at != NULL, "no %s in %.200s", key, text);
    return at + strlen(key);
}

START_TEST(two_classes_read_back_to_the_same_decisions)
{
    const mlk_cmat X = test_random_mat(3, 60, 3);
    const mlk_data d = {.X = X, .y = test_classes(3, X, 2), .n_classes = 2};
    mlk_svc_opts o = mlk_svc_opts_default();
    o.kernel = _i;
    o.gamma = 0.25;
    o.coef0 = 0.5;
    const mlk_kernel kernel = {_i, 0.25, 0.5, 3};
    mlk_model *model;
    char *text;
    mlk_mat out = test_mat(60, 1);
    require_ok(mlk_model_fit(&mlk_svc_algo, &o, &d, NULL, &model));
    require_ok(mlk_libsvm_write(model, (const int64_t[]){-1, 1}, &text));
    require_ok(mlk_model_decision(model, X, NULL, out));
    const double rho = strtod(line_of(text, "\nrho "), NULL);
    const size_t n = strtoul(line_of(text, "\ntotal_sv "), NULL, 10);
    ck_assert_int_eq(strncmp(line_of(text, "\nlabel "), "1 -1\n", 5), 0);
    for (size_t i = 0; i < 60; i++)
        require_close(sum_of(text, &kernel, 3, 1, 0, 0, n, X.data + 3 * i) - rho, out.data[i],
                      1e-10);
    mlk_text_free(text);
    mlk_model_free(model);
}
END_TEST

/* Pair (0|2) of three classes: second coefficient of class 0's vectors, first of class 2's. */
START_TEST(pairs_read_back_to_the_same_decisions)
{
    const mlk_cmat X = test_random_mat(4, 90, 3);
    const mlk_data d = {.X = X, .y = test_classes(4, X, 3), .n_classes = 3};
    mlk_svc_opts o = mlk_svc_opts_default();
    o.gamma = 0.25;
    o.probability = true;
    const mlk_kernel kernel = {MLK_KERNEL_RBF, 0.25, 0.0, 3};
    mlk_model *model;
    char *text, *end;
    mlk_mat out = test_mat(90, 3);
    require_ok(mlk_model_fit(&mlk_svc_algo, &o, &d, NULL, &model));
    require_ok(mlk_libsvm_write(model, (const int64_t[]){7, 8, 9}, &text));
    require_ok(mlk_model_decision(model, X, NULL, out));
    (void)strtod(line_of(text, "\nrho "), &end);
    const double rho = strtod(end, NULL);
    ck_assert_int_eq(strncmp(line_of(text, "\nlabel "), "7 8 9\n", 6), 0);
    line_of(text, "\nprobA ");
    line_of(text, "\nprobB ");
    const size_t n0 = strtoul(line_of(text, "\nnr_sv "), &end, 10), n1 = strtoul(end, &end, 10);
    const size_t n2 = strtoul(end, NULL, 10);
    for (size_t i = 0; i < 90; i++) {
        const double *x = X.data + 3 * i;
        const double f = sum_of(text, &kernel, 3, 2, 1, 0, n0, x) +
                         sum_of(text, &kernel, 3, 2, 0, n0 + n1, n0 + n1 + n2, x) - rho;
        require_close(f, out.data[3 * i + 1], 1e-10);
    }
    mlk_text_free(text);
    mlk_model_free(model);
}
END_TEST

START_TEST(regression_and_novelty_read_back)
{
    const mlk_cmat X = test_random_mat(5, 50, 2);
    const mlk_data d = {.X = X, .y = test_random_vec(6, 50)};
    const mlk_algo *algo = _i ? &mlk_one_class_svm_algo : &mlk_svr_algo;
    const mlk_kernel kernel = {MLK_KERNEL_RBF, 0.5, 0.0, 3};
    mlk_svr_opts svr = mlk_svr_opts_default();
    mlk_one_class_svm_opts one = mlk_one_class_svm_opts_default();
    svr.gamma = one.gamma = 0.5;
    mlk_model *model;
    char *text;
    mlk_mat out = test_mat(50, 1);
    require_ok(mlk_model_fit(algo, _i ? (const void *)&one : &svr, &d, NULL, &model));
    require_ok(mlk_libsvm_write(model, NULL, &text));
    if (_i)
        require_ok(mlk_model_decision(model, X, NULL, out));
    else
        require_ok(mlk_model_predict(model, X, NULL, (mlk_vec){out.data, 50}));
    line_of(text, _i ? "svm_type one_class\n" : "svm_type epsilon_svr\n");
    const double rho = strtod(line_of(text, "\nrho "), NULL);
    const size_t n = strtoul(line_of(text, "\ntotal_sv "), NULL, 10);
    for (size_t i = 0; i < 50; i++)
        require_close(sum_of(text, &kernel, 2, 1, 0, 0, n, X.data + 2 * i) - rho, out.data[i],
                      1e-10);
    mlk_text_free(text);
    mlk_model_free(model);
}
END_TEST

START_TEST(refuses_what_the_format_cannot_hold)
{
    const mlk_cmat X = test_random_mat(5, 50, 2);
    mlk_svc_opts o = mlk_svc_opts_default();
    o.multi_class = MLK_SVC_OVR;
    const mlk_data d = {.X = X, .y = test_classes(6, X, 3), .n_classes = 3};
    const mlk_data r = {.X = X, .y = test_random_vec(6, 50)};
    mlk_model *model;
    char *text;
    require_ok(mlk_model_fit(&mlk_svc_algo, &o, &d, NULL, &model));
    require_fail(mlk_libsvm_write(model, (const int64_t[]){0, 1, 2}, &text), MLK_EUNSUPPORTED,
                 "one-versus-rest machines cannot be written for LIBSVM");
    mlk_model_free(model);
    require_ok(mlk_model_fit(&mlk_linear_svr_algo, NULL, &r, NULL, &model));
    require_fail(mlk_libsvm_write(model, NULL, &text), MLK_EUNSUPPORTED,
                 "linear-svr cannot be written for LIBSVM");
    ck_assert_ptr_null(text);
    mlk_model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/libsvm");
    TCase *format = test_case(s, "format");
    tcase_add_loop_test(format, two_classes_read_back_to_the_same_decisions, 0, 4);
    tcase_add_test(format, pairs_read_back_to_the_same_decisions);
    tcase_add_loop_test(format, regression_and_novelty_read_back, 0, 2);
    tcase_add_test(format, refuses_what_the_format_cannot_hold);
    return s;
}
