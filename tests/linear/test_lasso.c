#include <mlkit/linear/lasso.h>

#include <stdio.h>

#include "support/elastic_net_oracle.h"
#include "support/mlk_test.h"

/* The solver is the elastic net's, whose test leads it over all its ways; here is what is said of
 * the lasso alone: known answers, exact zeros, and paths. */

static mlk_elastic_net_opts as_elastic_net(const mlk_lasso_opts *o)
{
    return (mlk_elastic_net_opts){.alpha = o->alpha,
                                  .l1_ratio = 1.0,
                                  .fit_intercept = o->fit_intercept,
                                  .positive = o->positive,
                                  .tol = o->tol,
                                  .max_iter = o->max_iter};
}

static double gap(const mlk_data *d, const mlk_lasso_opts *o, const mlk_lasso *model)
{
    const mlk_elastic_net_opts e = as_elastic_net(o);
    return oracle_gap(d, &e, mlk_lasso_coef(model), mlk_lasso_intercept(model));
}

static mlk_lasso *fit(const mlk_data *d, const mlk_lasso_opts *o)
{
    mlk_lasso *model;
    require_ok(mlk_lasso_fit(d, o, NULL, &model));
    return model;
}

/* ---- known answers */

START_TEST(gives_the_books_example)
{
    const char *path = test_shared_path("book/ch4_reg20.csv");
    if (!path)
        return;
    const mlk_cmat T = test_read_csv(path);
    const mlk_vec x = test_vec(T.rows), y = test_vec(T.rows);
    for (size_t i = 0; i < T.rows; i++) {
        x.data[i] = T.data[2 * i];
        y.data[i] = T.data[2 * i + 1];
    }
    mlk_lasso_opts o = mlk_lasso_opts_default();
    o.alpha = 0.1;
    o.tol = 1e-12;
    mlk_lasso *model = fit(&(mlk_data){.X = {x.data, x.n, 1, 1}, .y = mlk_vec_c(y)}, &o);
    const double w = mlk_lasso_coef(model).data[0], b = mlk_lasso_intercept(model);
    require_close(w, 0.26167212, 5e-9);
    require_close(b, 1.14537356, 5e-9);
    require_close(b + 1.5 * w, 1.53788174, 5e-9);
    mlk_lasso_free(model);
}
END_TEST

/* From tests/reference/lasso.py: weights, then the intercept. */
static const struct {
    const char *table;
    size_t target, p; /* the features are the columns before the target */
    double alpha;
    bool fit_intercept, positive, weighted;
    double expected[11];
} references[] = {
    {"datasets/diabetes.csv",
     10,
     10,
     0.5,
     true,
     false,
     false,
     {-0.0266226948815707, -20.1240103090668, 5.73234795971322, 1.10302958734097,
      -0.373067431246818, 0.128852798600165, -0.514377560251139, 3.10372348737743, 49.0339200211208,
      0.305557820578917, -259.427174448636}},
    {"datasets/diabetes.csv",
     10,
     10,
     0.05,
     true,
     false,
     true,
     {-0.0778347055031974, -19.2480955431891, 5.53573252632617, 1.0197356718904, -1.16887366118554,
      0.834193888239178, 0.472921560726428, 7.26723599559192, 68.4582922690528, 0.307527096324693,
      -331.969621243212}},
    {"datasets/diabetes.csv",
     10,
     10,
     1.0,
     true,
     true,
     false,
     {0, 0, 6.40142289848358, 0.925156952631594, 0, 0, 0, 2.82542779339854, 39.7368388135261,
      0.195195527182582, -318.021225059521}},
    {"datasets/diabetes.csv",
     10,
     10,
     0.5,
     false,
     false,
     false,
     {0.0176862081313262, -23.611307389839, 5.45270677925221, 1.02361044996794, 1.35911446623781,
      -1.43340188024422, -2.95844113759496, -2.5218894898371, 0, 0.127948316839468, 0}},
    {"datasets/prostate.csv",
     8,
     8,
     0.1,
     true,
     false,
     false,
     {0.577897657012967, 0.0428015501619462, -0.00555631440902518, 0.076378115018598, 0, 0, 0,
      0.00671170481138108, 1.72644857270896}},
    {"datasets/prostate.csv",
     8,
     8,
     0.001,
     true,
     false,
     true,
     {0.566325133068998, 0.503146811109379, -0.0213548896480929, 0.108688730274156,
      0.783919106182088, -0.157143317114737, -0.0164892807705655, 0.00754339634766455,
      0.982735440225676}},
};

START_TEST(agrees_with_scikit_learn_on_real_tables)
{
    const char *path = test_shared_path(references[_i].table);
    if (!path)
        return;
    const mlk_cmat T = test_read_csv(path);
    const size_t p = references[_i].p;
    const mlk_vec y = test_vec(T.rows), s = test_vec(T.rows);
    for (size_t i = 0; i < T.rows; i++) {
        y.data[i] = T.data[i * T.ld + references[_i].target];
        s.data[i] = 1.0 + (double)(i % 3);
    }
    const mlk_lasso_opts o = {.alpha = references[_i].alpha,
                              .fit_intercept = references[_i].fit_intercept,
                              .positive = references[_i].positive,
                              .tol = 1e-15,
                              .max_iter = 1000000};
    const mlk_data d = {.X = {T.data, T.rows, p, T.ld},
                        .y = mlk_vec_c(y),
                        .w = references[_i].weighted ? mlk_vec_c(s) : (mlk_cvec){NULL, 0}};
    mlk_lasso *model = fit(&d, &o);
    const mlk_cvec w = mlk_lasso_coef(model);
    for (size_t j = 0; j < p; j++)
        require_close(w.data[j], references[_i].expected[j],
                      1e-6 * fmax(1.0, fabs(references[_i].expected[j])));
    require_relative(mlk_lasso_intercept(model), references[_i].expected[p], 1e-6);
    mlk_lasso_free(model);
}
END_TEST

START_TEST(matches_hand_solved_case) /* p = 1: w = (x'y/n - alpha) / (x'x/n), or 0 */
{
    const double x[] = {2.385, -0.71, 1.13}, y[] = {1.9, 0.37, -2.6};
    const mlk_data d = {.X = {x, 3, 1, 1}, .y = {y, 3}};
    mlk_lasso_opts o = {.alpha = 0.1, .tol = 1e-15, .max_iter = 10};
    mlk_lasso *model = fit(&d, &o);
    require_close(mlk_lasso_coef(model).data[0], (1.3308 - 0.3) / 7.469225, 4 * DBL_EPSILON);
    ck_assert(mlk_lasso_intercept(model) == 0.0);
    mlk_lasso_free(model);
    o.alpha = 0.45;
    model = fit(&d, &o);
    ck_assert(mlk_lasso_coef(model).data[0] == 0.0);
    mlk_lasso_free(model);
}
END_TEST

/* ---- zeros */

static const oracle_case shapes[] = {
    {"tall", 120, 20, 0.1, 1.0, true, false, ORACLE_WEIGHTS},
    {"wide", 50, 800, 0.1, 1.0, true, false, ORACLE_WEIGHTS},
    {"wide, collinear", 50, 600, 0.1, 1.0, true, false, ORACLE_COLLINEAR | ORACLE_DUPLICATES},
    {"wide, positive", 50, 600, 0.1, 1.0, true, true, 0},
};

START_TEST(has_no_weight_from_alpha_max_on)
{
    static const double factors[] = {1.0, 1.5, 1e6};
    const mlk_data d = oracle_data(&shapes[_i], 20);
    for (size_t k = 0; k < MLK_COUNT(factors); k++) {
        mlk_lasso_opts o = mlk_lasso_opts_default();
        o.positive = shapes[_i].positive;
        o.tol = 1e-12;
        const mlk_elastic_net_opts e = as_elastic_net(&o);
        o.alpha = factors[k] * oracle_alpha_max(&d, &e);
        mlk_lasso *model = fit(&d, &o);
        for (size_t j = 0; j < d.X.cols; j++)
            ck_assert(mlk_lasso_coef(model).data[j] == 0.0);
        mlk_lasso_free(model);
        o.alpha *= 0.99 / factors[k];
        model = fit(&d, &o);
        ck_assert(test_norm(mlk_lasso_coef(model).data, d.X.cols) > 0.0);
        mlk_lasso_free(model);
    }
}
END_TEST

/* Along a path each screened column stays out of a whole fit; at the true optimum every column
 * left out obeys |x_j'r| <= alpha, which holds over all columns exactly when the gap over all
 * columns closes. Columns with a weight in the literal solution must have one here. */
START_TEST(screening_never_loses_a_weight)
{
    const mlk_data d = oracle_data(&shapes[_i], 21);
    double alphas[25];
    mlk_lasso *models[MLK_COUNT(alphas)];
    mlk_lasso_opts o = mlk_lasso_opts_default();
    o.tol = 1e-13;
    o.max_iter = 100000;
    o.positive = shapes[_i].positive;
    require_ok(mlk_lasso_alphas(&d, &o, NULL, (mlk_vec){alphas, MLK_COUNT(alphas)}));
    require_ok(mlk_lasso_path(&d, (mlk_cvec){alphas, MLK_COUNT(alphas)}, &o, NULL, models));
    for (size_t k = 0; k < MLK_COUNT(alphas); k++) {
        o.alpha = alphas[k];
        const mlk_elastic_net_opts e = as_elastic_net(&o);
        require_close(gap(&d, &o, models[k]), 0.0, 2e-13 * oracle_unit(&d, &e));
        if (k % 6 == 3 && k < 10 && !(shapes[_i].traits & ORACLE_DUPLICATES)) {
            const mlk_vec slow = test_vec(d.X.cols);
            oracle_solve(&d, &e, slow);
            for (size_t j = 0; j < d.X.cols; j++)
                ck_assert(fabs(slow.data[j]) < 1e-4 || mlk_lasso_coef(models[k]).data[j] != 0.0);
        }
        mlk_lasso_free(models[k]);
    }
}
END_TEST

/* ---- paths */

START_TEST(a_path_in_any_order_is_its_fits)
{
    const mlk_data d = oracle_data(&shapes[_i], 22);
    const double share[] = {0.1, 0.9, 0.03, 2.0, 0.3, 0.1};
    double alphas[MLK_COUNT(share)], top;
    mlk_lasso *models[MLK_COUNT(share)];
    mlk_lasso_opts o = mlk_lasso_opts_default();
    o.tol = 1e-9;
    o.max_iter = 10000;
    o.positive = shapes[_i].positive;
    require_ok(mlk_lasso_alphas(&d, &o, NULL, (mlk_vec){&top, 1}));
    for (size_t k = 0; k < MLK_COUNT(share); k++)
        alphas[k] = share[k] * top;
    require_ok(mlk_lasso_path(&d, (mlk_cvec){alphas, MLK_COUNT(share)}, &o, NULL, models));
    for (size_t k = 0; k < MLK_COUNT(share); k++) {
        o.alpha = alphas[k];
        const mlk_elastic_net_opts e = as_elastic_net(&o);
        const double unit = oracle_unit(&d, &e);
        mlk_lasso *one = fit(&d, &o);
        const mlk_fit_info many = mlk_lasso_info(models[k]), single = mlk_lasso_info(one);
        ck_assert_int_eq(many.converged, 1);
        require_close(many.objective, single.objective, 1e-9 * unit);
        require_close(many.duality_gap, gap(&d, &o, models[k]), 1e-12 * unit);
        mlk_lasso_free(one);
        mlk_lasso_free(models[k]);
    }
}
END_TEST

START_TEST(a_target_without_signal_has_a_grid_and_no_weights)
{
    const mlk_cmat X = test_random_mat(1, 8, 3);
    const double y[8] = {4.5, 4.5, 4.5, 4.5, 4.5, 4.5, 4.5, 4.5};
    const mlk_data d = {.X = X, .y = {y, 8}};
    double alphas[3];
    mlk_lasso *model;
    require_ok(mlk_lasso_alphas(&d, NULL, NULL, (mlk_vec){alphas, 3}));
    ck_assert(alphas[0] == 1.0 && alphas[2] > 0.0);
    require_ok(mlk_lasso_fit(&d, NULL, NULL, &model));
    ck_assert(test_norm(mlk_lasso_coef(model).data, 3) == 0.0);
    require_close(mlk_lasso_intercept(model), 4.5, 1e-15);
    ck_assert_int_eq(mlk_lasso_info(model).converged, 1);
    mlk_lasso_free(model);
}
END_TEST

/* ---- as any algorithm */

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_random_mat(1, 6, 2);
    const mlk_cvec y = test_random_vec(2, 6);
    mlk_lasso_opts o = mlk_lasso_opts_default();
    mlk_lasso *model;
    double out[6];
    size_t n;
    o.alpha = 0.0;
    require_fail(mlk_lasso_fit(&(mlk_data){.X = X, .y = y}, &o, NULL, &model), MLK_EINVAL,
                 "alpha = 0 is outside (0, inf)");
    ck_assert_ptr_null(model);
    require_fail(mlk_lasso_fit(&(mlk_data){.X = X, .y = {y.data, 5}}, NULL, NULL, &model),
                 MLK_EINVAL, "X has 6 rows but y has 5 values");
    require_fail(mlk_lasso_algo.path(&(mlk_data){.X = X, .y = y}, &o, "tol", NULL, 6, out, &n),
                 MLK_EUNSUPPORTED, "lasso has no path over 'tol'; expected alpha");
    require_ok(mlk_lasso_fit(&(mlk_data){.X = X, .y = y}, NULL, NULL, &model));
    require_fail(mlk_lasso_predict(model, (mlk_cmat){X.data, 6, 1, 1}, NULL, (mlk_vec){out, 6}),
                 MLK_EINVAL, "X has 1 columns; the model was fitted on 2");
    mlk_lasso_free(model);
}
END_TEST

static void keep_line(void *user, const char *line) { snprintf(user, 512, "%s", line); }

START_TEST(warns_in_its_own_name)
{
    char text[512] = "";
    const mlk_data d = oracle_data(&shapes[0], 23);
    mlk_lasso_opts o = mlk_lasso_opts_default();
    mlk_lasso *model;
    o.alpha = 1e-4;
    o.max_iter = 1;
    require_ok(mlk_lasso_fit(&d, &o, &(mlk_run){.warn = keep_line, .user = text}, &model));
    ck_assert_msg(strncmp(text, "lasso: no convergence in 1 passes", 33) == 0, "%s", text);
    mlk_lasso_free(model);
}
END_TEST

START_TEST(works_as_any_model)
{
    const mlk_data d = oracle_data(&shapes[1], 24);
    mlk_lasso_opts o = mlk_lasso_opts_default();
    const mlk_vec a = test_vec(d.X.rows), b = test_vec(d.X.rows);
    mlk_model *model, *copy;
    mlk_doc *doc = mlk_doc_new();
    o.alpha = 0.5;
    require_ok(mlk_model_fit(&mlk_lasso_algo, &o, &d, NULL, &model));
    mlk_model_save(model, doc);
    require_ok(mlk_doc_check(doc));
    require_ok(mlk_model_load(doc, &copy));
    require_ok(mlk_model_predict(model, d.X, NULL, a));
    require_ok(mlk_model_predict(copy, d.X, NULL, b));
    require_same(a.data, b.data, a.n * sizeof(double));
    ck_assert(mlk_model_info(model).converged == 1);
    mlk_model_free(model);
    mlk_model_free(copy);
    mlk_doc_free(doc);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = oracle_data(&shapes[1], 25);
    mlk_lasso_opts o[2] = {mlk_lasso_opts_default(), mlk_lasso_opts_default()};
    const void *const opts[] = {&o[0], &o[1]};
    mlk_status st = MLK_ENOMEM;
    o[1].alpha = 2.0;
    for (int k = 0; st != MLK_OK; k++) {
        void *states[2];
        mlk_test_fail_at = k;
        st = mlk_lasso_algo.fit_many(&d, opts, 2, NULL, states);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? states[0] && states[1]
                               : st == MLK_ENOMEM && !states[0] && !states[1]);
        mlk_lasso_algo.free(states[0]);
        mlk_lasso_algo.free(states[1]);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linear/lasso");
    TCase *known = test_case(s, "known"), *zeros = test_case(s, "zeros");
    TCase *path = test_case(s, "path"), *model = test_case(s, "model");
    const int n_shapes = (int)MLK_COUNT(shapes);
    tcase_add_test(known, gives_the_books_example);
    tcase_add_test(known, matches_hand_solved_case);
    tcase_add_loop_test(known, agrees_with_scikit_learn_on_real_tables, 0,
                        (int)MLK_COUNT(references));
    tcase_add_loop_test(zeros, has_no_weight_from_alpha_max_on, 0, n_shapes);
    tcase_add_loop_test(zeros, screening_never_loses_a_weight, 0, n_shapes);
    tcase_add_loop_test(path, a_path_in_any_order_is_its_fits, 0, n_shapes);
    tcase_add_test(path, a_target_without_signal_has_a_grid_and_no_weights);
    tcase_add_test(model, rejects_bad_input_and_says_why);
    tcase_add_test(model, warns_in_its_own_name);
    tcase_add_test(model, works_as_any_model);
    tcase_add_test(model, survives_each_failing_allocation);
    return s;
}
