#include <mlkit/svm/one_class_svm.h>

#include "svm/cases.h"

START_TEST(agrees_with_libsvm)
{
    const svm_case *c = &svm_cases[_i];
    mlk_data data;
    if (strcmp(c->form, "one") != 0 || !case_data(c->data, &data))
        return;
    mlk_one_class_svm_opts o = mlk_one_class_svm_opts_default();
    o.kernel = kernel_kind(c->kernel);
    o.gamma = c->gamma;
    o.coef0 = c->coef0;
    o.degree = c->degree;
    o.nu = c->nu;
    o.tol = 1e-6;
    mlk_one_class_svm *model;
    require_ok(mlk_one_class_svm_fit(&data, &o, NULL, &model));
    const mlk_svm_info info = mlk_one_class_svm_info(model);
    require_relative(info.dual, -c->objective, 1e-6);
    ck_assert_uint_eq(info.n_sv, c->n_sv);
    ck_assert_uint_eq(info.n_bounded, c->n_bounded);
    mlk_vec out = test_vec(data.X.rows);
    require_ok(mlk_one_class_svm_decision(model, data.X, NULL, out));
    for (size_t r = 0; r < MLK_COUNT(case_rows); r++)
        require_close(out.data[case_rows[r]], c->decision[r], 1e-4);
    mlk_one_class_svm_free(model);
}
END_TEST

/* Eq. (1) and its dual by plain loops. */
START_TEST(reports_what_plain_loops_find)
{
    const mlk_data d = {.X = test_random_mat(3, _i ? 4300 : 200, 3)};
    mlk_one_class_svm_opts o = mlk_one_class_svm_opts_default();
    o.gamma = 0.2;
    o.nu = 0.15;
    o.tol = _i ? 1e-3 : 1e-8;
    mlk_one_class_svm *model;
    require_ok(mlk_one_class_svm_fit(&d, &o, NULL, &model));
    const mlk_kernel kernel = {MLK_KERNEL_RBF, 0.2, 0.0, 3};
    const double rho = mlk_one_class_svm_offset(model), S = (double)d.X.rows;
    const mlk_cvec coef = mlk_one_class_svm_dual_coef(model);
    mlk_vec a = test_vec(d.X.rows);
    for (size_t s = 0; s < coef.n; s++)
        a.data[mlk_one_class_svm_support(model, s)] = coef.data[s];
    const mlk_vec f = plain_sums(&kernel, d.X, mlk_vec_c(a));
    double primal = -0.15 * S * rho, dual = 0.0, rise = -INFINITY, fall = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < a.n; i++) {
        sum += a.data[i];
        primal += 0.5 * a.data[i] * f.data[i] + fmax(0.0, rho - f.data[i]);
        dual -= 0.5 * a.data[i] * f.data[i];
        rise = a.data[i] < 1.0 ? fmax(rise, -f.data[i]) : rise;
        fall = a.data[i] > 0.0 ? fmax(fall, f.data[i]) : fall;
    }
    const mlk_svm_info info = mlk_one_class_svm_info(model);
    require_close(sum, 0.15 * S, 1e-9 * S);
    require_relative(info.primal, primal, 1e-10);
    require_relative(info.dual, dual, 1e-10);
    require_close(info.gap, primal - dual, 1e-10 * fabs(primal));
    require_close(info.violation, fmax(0.0, rise + fall), 1e-9);
    ck_assert(info.violation <= o.tol);
    mlk_one_class_svm_free(model);
}
END_TEST

START_TEST(nu_bounds_the_share_outside)
{
    const mlk_data d = {.X = test_random_mat(4, 500, 2)};
    mlk_one_class_svm_opts o = mlk_one_class_svm_opts_default();
    static const double nus[] = {0.05, 0.5, 1.0};
    o.nu = nus[_i];
    o.tol = 1e-8;
    mlk_one_class_svm *model;
    require_ok(mlk_one_class_svm_fit(&d, &o, NULL, &model));
    mlk_vec decision = test_vec(500), label = test_vec(500);
    require_ok(mlk_one_class_svm_decision(model, d.X, NULL, decision));
    require_ok(mlk_one_class_svm_predict(model, d.X, NULL, label));
    size_t outside = 0;
    for (size_t i = 0; i < 500; i++) {
        outside += decision.data[i] < -1e-6;
        ck_assert(label.data[i] == (decision.data[i] < 0.0));
    }
    ck_assert(outside <= o.nu * 500.0);
    ck_assert(mlk_one_class_svm_info(model).n_sv >= o.nu * 500.0);
    mlk_one_class_svm_free(model);
}
END_TEST

START_TEST(saved_model_predicts_the_same_bits_with_any_threads)
{
    const mlk_data d = {.X = test_random_mat(6, 4200, 4)};
    mlk_model *model, *loaded;
    mlk_mat a = test_mat(4200, 1), b = test_mat(4200, 1);
    require_ok(mlk_model_fit(&mlk_one_class_svm_algo, NULL, &d, &(mlk_run){.threads = 1}, &model));
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(model, doc);
    require_ok(mlk_model_load(doc, &loaded));
    require_ok(mlk_model_decision(model, d.X, &(mlk_run){.threads = 1}, a));
    require_ok(mlk_model_decision(loaded, d.X, &(mlk_run){.threads = 3}, b));
    require_same(a.data, b.data, 4200 * sizeof(double));
    mlk_model_free(model);
    require_ok(mlk_model_fit(&mlk_one_class_svm_algo, NULL, &d, &(mlk_run){.threads = 8}, &model));
    require_ok(mlk_model_decision(model, d.X, NULL, b));
    require_same(a.data, b.data, 4200 * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(loaded);
    mlk_doc_free(doc);
}
END_TEST

/* Rows that cannot be told apart: none stands out. */
START_TEST(ends_on_constant_features)
{
    mlk_mat X = test_mat(30, 2);
    mlk_vec out = test_vec(30);
    for (size_t i = 0; i < 60; i++)
        X.data[i] = 2.5;
    for (int kernel = MLK_KERNEL_RBF; kernel <= MLK_KERNEL_SIGMOID; kernel++) {
        mlk_one_class_svm_opts o = mlk_one_class_svm_opts_default();
        o.kernel = kernel;
        mlk_one_class_svm *model;
        require_ok(mlk_one_class_svm_fit(&(mlk_data){.X = mlk_mat_c(X)}, &o, NULL, &model));
        require_ok(mlk_one_class_svm_decision(model, mlk_mat_c(X), NULL, out));
        for (size_t i = 0; i < 30; i++)
            require_close(out.data[i], 0.0, 1e-3);
        mlk_one_class_svm_free(model);
    }
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data d = {.X = test_random_mat(1, 6, 2)};
    mlk_one_class_svm_opts nu = mlk_one_class_svm_opts_default(), tol = nu, gamma = nu;
    nu.nu = 0.0;
    tol.tol = (double)NAN;
    gamma.gamma = 0.0;
    mlk_one_class_svm *model;
    require_fail(mlk_one_class_svm_fit(&d, &nu, NULL, &model), MLK_EINVAL,
                 "nu = 0 is outside (0, 1]");
    require_fail(mlk_one_class_svm_fit(&d, &gamma, NULL, &model), MLK_EINVAL,
                 "gamma = 0 is outside scale | auto | (0, inf)");
    require_fail(mlk_one_class_svm_fit(&d, &tol, NULL, &model), MLK_EINVAL,
                 "tol = nan is outside (0, inf)");
    require_fail(mlk_one_class_svm_fit(&(mlk_data){.X = {NULL, 0, 2, 2}}, NULL, NULL, &model),
                 MLK_EINVAL, "X is 0 x 2");
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = {.X = test_random_mat(1, 30, 2)};
    mlk_one_class_svm *model;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_one_class_svm_fit(&d, NULL, &(mlk_run){.threads = 1}, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_test_fail_at = -1;
    mlk_one_class_svm_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/one_class_svm");
    TCase *fit = test_case(s, "fit"), *errors = test_case(s, "errors");
    tcase_add_loop_test(fit, agrees_with_libsvm, 0, (int)MLK_COUNT(svm_cases));
    tcase_add_loop_test(fit, reports_what_plain_loops_find, 0, 2);
    tcase_add_loop_test(fit, nu_bounds_the_share_outside, 0, 3);
    tcase_add_test(fit, saved_model_predicts_the_same_bits_with_any_threads);
    tcase_add_test(fit, ends_on_constant_features);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
