#include <mlkit/linear/elastic_net.h>

#include <stdio.h>

#include "support/elastic_net_oracle.h"
#include "support/mlk_test.h"

enum { TIGHT_PASSES = 200000 };

static mlk_elastic_net_opts opts_of(const oracle_case *c, const mlk_data *d, double tol)
{
    mlk_elastic_net_opts o = mlk_elastic_net_opts_default();
    o.l1_ratio = c->l1_ratio;
    o.fit_intercept = c->fit_intercept;
    o.positive = c->positive;
    o.tol = tol;
    o.max_iter = TIGHT_PASSES;
    o.alpha = c->alpha * oracle_alpha_max(d, &o);
    return o;
}

static mlk_elastic_net *fit(const mlk_data *d, const mlk_elastic_net_opts *o)
{
    mlk_elastic_net *model;
    require_ok(mlk_elastic_net_fit(d, o, NULL, &model));
    return model;
}

/* Shapes: n >= p goes by the Gram matrix of all columns, n < p and p > 512 by working sets, and
 * those with most weights nonzero by residuals in the end. */
static const oracle_case cases[] = {
    {"tall lasso", 60, 12, 0.1, 1.0, true, false, 0},
    {"tall", 60, 12, 0.1, 0.5, true, false, 0},
    {"tall, all at once", 60, 12, 0.05, 0.7, true, false,
     ORACLE_WEIGHTS | ORACLE_DUPLICATES | ORACLE_CONSTANT},
    {"tall, positive", 50, 20, 0.1, 0.9, true, true, ORACLE_WEIGHTS},
    {"tall, no intercept", 50, 20, 0.02, 1.0, false, false, ORACLE_CONSTANT},
    {"ridge", 40, 8, 0.05, 0.0, true, false, 0},
    {"positive ridge", 40, 8, 0.05, 0.0, true, true, 0},
    {"wide ridge", 12, 40, 0.02, 0.0, true, false, 0},
    {"wide lasso", 25, 60, 0.1, 1.0, true, false, 0},
    {"wide lasso to interpolation", 25, 60, 0.001, 1.0, true, false, 0},
    {"wide", 25, 60, 0.05, 0.5, true, false, ORACLE_WEIGHTS},
    {"wide duplicates", 25, 60, 0.05, 1.0, true, false, ORACLE_DUPLICATES | ORACLE_CONSTANT},
    {"wide, positive", 25, 60, 0.05, 1.0, true, true, ORACLE_WEIGHTS | ORACLE_COLLINEAR},
    {"wide, no intercept", 25, 60, 0.1, 0.95, false, false, ORACLE_WEIGHTS | ORACLE_CONSTANT},
    {"wide, collinear", 30, 90, 0.01, 0.99, true, false, ORACLE_COLLINEAR},
    {"wide, dense weights", 20, 400, 0.01, 0.05, true, false, 0},
    {"wide, dense weights, positive", 20, 700, 0.01, 0.05, true, true, ORACLE_WEIGHTS},
    {"too many for a Gram matrix", 10, 2500, 0.01, 0.01, true, false, 0},
    {"the same, positive", 10, 2500, 0.01, 0.01, true, true, ORACLE_WEIGHTS},
    {"many columns", 40, 600, 0.2, 1.0, true, false, ORACLE_COLLINEAR},
    {"tall offsets", 60, 10, 0.1, 0.8, true, false, ORACLE_OFFSETS},
    {"wide offsets", 20, 40, 0.1, 1.0, true, false, ORACLE_OFFSETS},
    {"tall scales", 60, 12, 1e-3, 1.0, true, false, ORACLE_SCALES},
    {"wide scales", 20, 45, 1e-3, 0.9, true, false, ORACLE_SCALES},
    {"tall collinear", 80, 30, 0.003, 1.0, true, false, ORACLE_COLLINEAR},
    {"one column", 9, 1, 0.5, 0.5, true, false, 0},
    {"one row", 1, 3, 0.5, 0.5, false, false, 0},
    {"two rows", 2, 5, 0.1, 1.0, true, false, 0},
};

START_TEST(the_certificate_is_true_and_within_tolerance)
{
    const mlk_data d = oracle_data(&cases[_i], (uint64_t)_i);
    static const double tols[] = {1e-2, 1e-4, 1e-9};
    for (size_t k = 0; k < MLK_COUNT(tols); k++) {
        const mlk_elastic_net_opts o = opts_of(&cases[_i], &d, tols[k]);
        mlk_elastic_net *model = fit(&d, &o);
        const mlk_fit_info info = mlk_elastic_net_info(model);
        const mlk_cvec w = mlk_elastic_net_coef(model);
        const double b = mlk_elastic_net_intercept(model), unit = oracle_unit(&d, &o);
        ck_assert_int_eq(info.converged, 1);
        ck_assert(info.iterations >= 0 && info.iterations <= o.max_iter);
        ck_assert(info.duality_gap <= o.tol * unit);
        require_close(info.objective, oracle_objective(&d, &o, w, b), 1e-12 * unit);
        require_close(info.duality_gap, oracle_gap(&d, &o, w, b), 1e-12 * unit);
        mlk_elastic_net_free(model);
    }
}
END_TEST

/* A violation v of the condition of column j leaves at least v^2 / (2 a_j) to be gained, with
 * a_j = ||z_j||^2 / S + alpha (1 - r); hence v <= sqrt(2 a_j gap) while w_j keeps its sign. */
START_TEST(satisfies_first_order_conditions)
{
    const mlk_data d = oracle_data(&cases[_i], (uint64_t)_i);
    const mlk_elastic_net_opts o = opts_of(&cases[_i], &d, 1e-14);
    mlk_elastic_net *model = fit(&d, &o);
    const double unit = oracle_unit(&d, &o);
    double curvature = 0.0;
    for (size_t j = 0; j < d.X.cols; j++) {
        double a = 0.0, m = 0.0;
        for (size_t i = 0; o.fit_intercept && i < d.X.rows; i++)
            m += d.X.data[i * d.X.ld + j] / (double)d.X.rows;
        for (size_t i = 0; i < d.X.rows; i++)
            a += pow(d.X.data[i * d.X.ld + j] - m, 2.0) * (d.w.n ? 3.0 : 1.0);
        curvature = fmax(curvature, a / (double)d.X.rows + o.alpha * (1.0 - o.l1_ratio));
    }
    const double violation =
        oracle_violation(&d, &o, mlk_elastic_net_coef(model), mlk_elastic_net_intercept(model));
    require_close(violation, 0.0, 2.0 * sqrt(2.0 * curvature * 1e-14 * unit));
    mlk_elastic_net_free(model);
}
END_TEST

/* The predictions of two points whose gaps sum to e differ by at most sqrt(2 e) in the weighted
 * mean square; weights are compared where the optimum is unique and well conditioned. */
START_TEST(agrees_with_literal_coordinate_descent)
{
    const oracle_case *c = &cases[_i];
    if ((c->traits & ORACLE_COLLINEAR) && c->p > 60)
        return; /* takes the literal one too long */
    const mlk_data d = oracle_data(c, (uint64_t)_i);
    const mlk_elastic_net_opts o = opts_of(c, &d, 1e-15);
    mlk_elastic_net *model = fit(&d, &o);
    const mlk_cvec w = mlk_elastic_net_coef(model);
    const mlk_vec slow = test_vec(d.X.cols), pred = test_vec(d.X.rows);
    const double b = oracle_solve(&d, &o, slow), size = sqrt(oracle_unit(&d, &o));
    require_ok(mlk_elastic_net_predict(model, d.X, NULL, pred));
    for (size_t i = 0; i < d.X.rows; i++)
        if (!d.w.n || d.w.data[i] > 0.1)
            require_close(pred.data[i], b + test_dot(d.X.data + i * d.X.ld, slow.data, d.X.cols),
                          1e-5 * size * sqrt((double)d.X.rows));
    for (size_t j = 0; j < d.X.cols && !(c->traits & ORACLE_DUPLICATES); j++)
        if (fabs(slow.data[j]) > 1e-4 * test_norm(slow.data, slow.n) && c->alpha > 0.001)
            ck_assert_msg(w.data[j] * slow.data[j] > 0.0, "%s: weight %zu is %g, not %g", c->what,
                          j, w.data[j], slow.data[j]);
    if (c->traits == 0 && c->n > 2 * c->p)
        for (size_t j = 0; j < d.X.cols; j++)
            require_close(w.data[j], slow.data[j], 1e-7 * test_norm(slow.data, slow.n));
    mlk_elastic_net_free(model);
}
END_TEST

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
    mlk_elastic_net_opts o = mlk_elastic_net_opts_default();
    o.alpha = 0.1;
    o.tol = 1e-12;
    mlk_elastic_net *model = fit(&(mlk_data){.X = {x.data, x.n, 1, 1}, .y = mlk_vec_c(y)}, &o);
    const double w = mlk_elastic_net_coef(model).data[0], b = mlk_elastic_net_intercept(model);
    require_close(w, 0.30462619, 5e-9);
    require_close(b, 1.08639303, 5e-9);
    require_close(b + 1.5 * w, 1.54333232, 5e-9);
    mlk_elastic_net_free(model);
}
END_TEST

/* From tests/reference/lasso.py: weights, then the intercept. */
static const struct {
    const char *table;
    size_t target, p; /* the features are the columns before the target */
    double alpha, l1_ratio;
    bool fit_intercept, positive, weighted;
    double expected[11];
} references[] = {
    {"datasets/diabetes.csv",
     10,
     10,
     0.5,
     0.5,
     true,
     false,
     false,
     {-0.0307031241012745, -9.50038668318339, 6.11236238424846, 1.07033865755584, 1.06084887646682,
      -1.20022158251294, -1.96774250998068, 0.969062437011568, 6.00184533726027, 0.34750890202969,
      -122.590856571121}},
    {"datasets/diabetes.csv",
     10,
     10,
     0.1,
     0.9,
     true,
     true,
     true,
     {0, 0, 6.15004813017167, 0.843436430797854, 0, 0, 0, 4.13858120774526, 39.7753687744959,
      0.148385789037063, -304.618531415874}},
    {"datasets/prostate.csv",
     8,
     8,
     0.1,
     0.3,
     true,
     false,
     false,
     {0.540917023990359, 0.317845923199929, -0.0128488214999547, 0.0935695493278891,
      0.285063810102245, 0, 0, 0.00556897239600354, 1.20841699373048}},
    {"datasets/prostate.csv",
     8,
     8,
     1.0,
     0.05,
     false,
     false,
     true,
     {0.269149078980788, 0.0994108112028218, 0.0199287935900424, 0.0499120026946835,
      0.05653316590051, 0.0688918650995687, 0.0363327840141355, 0.00804509310399402, 0}},
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
    const mlk_elastic_net_opts o = {.alpha = references[_i].alpha,
                                    .l1_ratio = references[_i].l1_ratio,
                                    .fit_intercept = references[_i].fit_intercept,
                                    .positive = references[_i].positive,
                                    .tol = 1e-15,
                                    .max_iter = TIGHT_PASSES};
    const mlk_data d = {.X = {T.data, T.rows, p, T.ld},
                        .y = mlk_vec_c(y),
                        .w = references[_i].weighted ? mlk_vec_c(s) : (mlk_cvec){NULL, 0}};
    mlk_elastic_net *model = fit(&d, &o);
    const mlk_cvec w = mlk_elastic_net_coef(model);
    for (size_t j = 0; j < p; j++)
        require_close(w.data[j], references[_i].expected[j],
                      1e-6 * fmax(1.0, fabs(references[_i].expected[j])));
    require_relative(mlk_elastic_net_intercept(model), references[_i].expected[p], 1e-6);
    mlk_elastic_net_free(model);
}
END_TEST

START_TEST(is_ridge_at_l1_ratio_0) /* p = 1: w = x'y / (x'x + n alpha) */
{
    const double x[] = {2.385, -0.71, 1.13}, y[] = {1.9, 0.37, -2.6};
    const mlk_elastic_net_opts o = {.alpha = 0.5 / 3.0, .tol = 1e-15, .max_iter = 10};
    mlk_elastic_net *model = fit(&(mlk_data){.X = {x, 3, 1, 1}, .y = {y, 3}}, &o);
    require_close(mlk_elastic_net_coef(model).data[0], 1.3308 / 7.969225, 4 * DBL_EPSILON);
    mlk_elastic_net_free(model);
}
END_TEST

/* ---- invariances */

static const oracle_case shapes[] = {
    {"tall", 300, 15, 0.05, 0.9, true, false, ORACLE_WEIGHTS},
    {"wide", 60, 900, 0.05, 0.9, true, false, ORACLE_WEIGHTS},
    {"wide and dense", 15, 2400, 0.01, 0.02, true, false, 0},
};

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    const mlk_data d = oracle_data(&shapes[_i], 5);
    const mlk_elastic_net_opts o = opts_of(&shapes[_i], &d, 1e-8);
    mlk_elastic_net *one = NULL;
    static const int threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        mlk_elastic_net *model;
        require_ok(
            mlk_elastic_net_fit(&d, &o, &(mlk_run){.threads = threads[k]}, k ? &model : &one));
        if (!k)
            continue;
        const double b = mlk_elastic_net_intercept(one), c = mlk_elastic_net_intercept(model);
        require_same(mlk_elastic_net_coef(one).data, mlk_elastic_net_coef(model).data,
                     d.X.cols * sizeof(double));
        require_same(&b, &c, sizeof b);
        mlk_elastic_net_free(model);
    }
    mlk_elastic_net_free(one);
}
END_TEST

START_TEST(does_not_depend_on_the_order_of_rows)
{
    const mlk_data d = oracle_data(&shapes[_i], 6);
    const mlk_elastic_net_opts o = opts_of(&shapes[_i], &d, 1e-15);
    const mlk_mat X = test_mat(d.X.rows, d.X.cols);
    const mlk_vec y = test_vec(d.X.rows), s = test_vec(d.X.rows);
    for (size_t i = 0; i < d.X.rows; i++) {
        const size_t from = (i * 7 + 3) % d.X.rows; /* 7 divides no number of rows here */
        memcpy(X.data + i * X.ld, d.X.data + from * d.X.ld, d.X.cols * sizeof(double));
        y.data[i] = d.y.data[from];
        s.data[i] = d.w.n ? d.w.data[from] : 1.0;
    }
    mlk_elastic_net *a = fit(&d, &o);
    mlk_elastic_net *b =
        fit(&(mlk_data){.X = mlk_mat_c(X), .y = mlk_vec_c(y), .w = mlk_vec_c(s)}, &o);
    for (size_t j = 0; j < d.X.cols; j++)
        require_close(mlk_elastic_net_coef(a).data[j], mlk_elastic_net_coef(b).data[j], 1e-6);
    mlk_elastic_net_free(a);
    mlk_elastic_net_free(b);
}
END_TEST

START_TEST(weights_are_duplicates_up_to_a_factor)
{
    const mlk_cmat X = test_random_mat(3, 20, 6);
    const mlk_cvec y = test_linear_target(4, X, 1.0);
    const mlk_mat X2 = test_mat(60, 6);
    const mlk_vec y2 = test_vec(60), s = test_vec(20);
    size_t n = 0;
    for (size_t i = 0; i < 20; i++)
        for (size_t k = 0; k < i % 4; k++, n++) {
            memcpy(X2.data + n * 6, X.data + i * 6, 6 * sizeof(double));
            y2.data[n] = y.data[i];
            s.data[i] += 0.1;
        }
    const mlk_elastic_net_opts o = {
        .alpha = 0.1, .l1_ratio = 0.7, .fit_intercept = true, .tol = 1e-15, .max_iter = 1000};
    mlk_elastic_net *a = fit(&(mlk_data){.X = X, .y = y, .w = mlk_vec_c(s)}, &o);
    mlk_elastic_net *b = fit(&(mlk_data){.X = {X2.data, n, 6, 6}, .y = {y2.data, n}}, &o);
    require_close(mlk_elastic_net_intercept(a), mlk_elastic_net_intercept(b), 1e-7);
    for (size_t j = 0; j < 6; j++)
        require_close(mlk_elastic_net_coef(a).data[j], mlk_elastic_net_coef(b).data[j], 1e-7);
    mlk_elastic_net_free(a);
    mlk_elastic_net_free(b);
}
END_TEST

/* ---- paths */

START_TEST(fits_many_options_in_any_order_like_one)
{
    static const struct {
        double alpha, l1_ratio;
        bool fit_intercept, positive;
    } grid[] = {{0.05, 0.9, true, false}, {0.5, 0.9, true, false}, {0.2, 0.9, true, true},
                {0.2, 0.3, false, false}, {0.1, 0.3, true, false}, {0.2, 0.9, true, false},
                {0.05, 0.9, true, true},  {0.05, 0.9, true, false}};
    const mlk_data d = oracle_data(&shapes[_i], 8);
    mlk_elastic_net_opts all[MLK_COUNT(grid)];
    const void *opts[MLK_COUNT(grid)];
    void *states[MLK_COUNT(grid)];
    for (size_t k = 0; k < MLK_COUNT(grid); k++) {
        const oracle_case c = {.alpha = grid[k].alpha,
                               .l1_ratio = grid[k].l1_ratio,
                               .fit_intercept = grid[k].fit_intercept,
                               .positive = grid[k].positive};
        all[k] = opts_of(&c, &d, 1e-9);
        opts[k] = &all[k];
    }
    require_ok(mlk_elastic_net_algo.fit_many(&d, opts, MLK_COUNT(grid), NULL, states));
    for (size_t k = 0; k < MLK_COUNT(grid); k++) {
        mlk_elastic_net *many = states[k], *one = fit(&d, &all[k]);
        const double unit = oracle_unit(&d, &all[k]), gap = mlk_elastic_net_info(many).duality_gap;
        ck_assert(gap <= 1e-9 * unit);
        require_close(
            gap,
            oracle_gap(&d, &all[k], mlk_elastic_net_coef(many), mlk_elastic_net_intercept(many)),
            1e-12 * unit);
        require_close(mlk_elastic_net_info(many).objective, mlk_elastic_net_info(one).objective,
                      1e-9 * unit);
        mlk_elastic_net_free(many);
        mlk_elastic_net_free(one);
    }
}
END_TEST

START_TEST(the_grid_starts_at_the_first_empty_model)
{
    const mlk_data d = oracle_data(&shapes[_i], 9);
    mlk_elastic_net_opts o = mlk_elastic_net_opts_default();
    double values[200];
    size_t n;
    o.positive = _i == 1;
    require_ok(mlk_elastic_net_algo.path(&d, &o, "alpha", NULL, MLK_COUNT(values), values, &n));
    ck_assert_uint_eq(n, 100);
    require_relative(values[0], oracle_alpha_max(&d, &o), 1e-12);
    require_relative(values[99], (d.X.rows > d.X.cols ? 1e-3 : 1e-2) * values[0], 1e-12);
    for (size_t k = 1; k < n; k++)
        require_relative(values[k] / values[k - 1], values[1] / values[0], 1e-12);
    require_ok(mlk_elastic_net_algo.path(&d, &o, "alpha", NULL, 7, values, &n));
    ck_assert_uint_eq(n, 7);
    require_fail(mlk_elastic_net_algo.path(&d, &o, "l1_ratio", NULL, 7, values, &n),
                 MLK_EUNSUPPORTED, "no path over 'l1_ratio'");
}
END_TEST

/* ---- save and load */

static void require_round_trip(const mlk_elastic_net *model, mlk_doc *doc)
{
    void *state;
    const mlk_cvec w = mlk_elastic_net_coef(model);
    mlk_elastic_net_algo.save(model, doc);
    require_ok(mlk_doc_check(doc));
    require_ok(mlk_elastic_net_algo.load(doc, w.n, 0, &state));
    const double b = mlk_elastic_net_intercept(model), c = mlk_elastic_net_intercept(state);
    require_same(w.data, mlk_elastic_net_coef(state).data, w.n * sizeof(double));
    require_same(&b, &c, sizeof b);
    mlk_elastic_net_algo.free(state);
}

START_TEST(saves_few_or_many_weights_and_loads_them)
{
    static const double alphas[] = {1e-3, 5.0, 1e3}; /* all, some, none are not 0 */
    const mlk_data d = oracle_data(&cases[0], 1);
    for (size_t k = 0; k < MLK_COUNT(alphas); k++) {
        mlk_elastic_net_opts o = mlk_elastic_net_opts_default();
        mlk_doc *doc = mlk_doc_new();
        o.alpha = alphas[k];
        mlk_elastic_net *model = fit(&d, &o);
        require_round_trip(model, doc);
        ck_assert_int_eq(mlk_doc_find(doc, "nonzero") != NULL, k > 0);
        mlk_elastic_net_free(model);
        mlk_doc_free(doc);
    }
}
END_TEST

START_TEST(refuses_a_hostile_file)
{
    static const uint8_t mask[] = {1, 0, 1}, odd[] = {1, 0, 7};
    static const double values[] = {1.5, (double)NAN, 2.5};
    static const struct {
        const uint8_t *mask;
        size_t rows, cols, values, classes;
        const char *text;
    } files[] = {{mask, 3, 0, 1, 2, "expected none"}, {mask, 3, 0, 1, 0, "values"},
                 {mask, 3, 0, 2, 0, "values"},        {mask, 2, 0, 1, 0, "'nonzero' is 2 x 0"},
                 {mask, 3, 1, 2, 0, "'nonzero' is"},  {odd, 3, 0, 2, 0, "expected 0 or 1"},
                 {NULL, 0, 0, 2, 0, "coef"}};
    for (size_t k = 0; k < MLK_COUNT(files); k++) {
        mlk_doc *doc = mlk_doc_new();
        void *state = NULL;
        if (files[k].mask)
            mlk_doc_put_array(doc, "nonzero", MLK_U8, files[k].mask, files[k].rows, files[k].cols);
        mlk_doc_put_vec(doc, "values", (mlk_cvec){values, files[k].values});
        mlk_doc_put_real(doc, "intercept", 1.0);
        require_fail(mlk_elastic_net_algo.load(doc, 3, files[k].classes, &state), MLK_EFORMAT,
                     files[k].text);
        ck_assert_ptr_null(state);
        mlk_doc_free(doc);
    }
}
END_TEST

/* ---- errors */

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_random_mat(1, 6, 2);
    const mlk_cvec y = test_random_vec(2, 6);
    const mlk_elastic_net_opts good = mlk_elastic_net_opts_default();
    mlk_elastic_net_opts bad;
    mlk_elastic_net *model, *models[2];
    const double alphas[] = {1.0, 0.0};
#define REFUSED(field, value, text)                                                                \
    bad = good;                                                                                    \
    bad.field = (value);                                                                           \
    require_fail(mlk_elastic_net_fit(&(mlk_data){.X = X, .y = y}, &bad, NULL, &model), MLK_EINVAL, \
                 text);                                                                            \
    ck_assert_ptr_null(model)
    REFUSED(alpha, 0.0, "alpha = 0 is outside (0, inf)");
    REFUSED(alpha, (double)NAN, "alpha = nan is outside (0, inf)");
    REFUSED(l1_ratio, 1.5, "l1_ratio = 1.5 is outside [0, 1]");
    REFUSED(tol, -1.0, "tol = -1 is outside [0, inf)");
    REFUSED(max_iter, 0, "max_iter = 0 is outside [1, inf)");
#undef REFUSED
    require_fail(mlk_elastic_net_fit(&(mlk_data){.X = X, .y = {y.data, 5}}, NULL, NULL, &model),
                 MLK_EINVAL, "X has 6 rows but y has 5 values");
    require_fail(mlk_elastic_net_path(&(mlk_data){.X = X, .y = y}, (mlk_cvec){alphas, 2}, NULL,
                                      NULL, models),
                 MLK_EINVAL, "alphas[1] = 0 is outside (0, inf)");
    ck_assert(!models[0] && !models[1]);
}
END_TEST

START_TEST(finds_values_that_are_not_finite_or_too_large)
{
    static const struct {
        double value;
        const char *text;
    } values[] = {{(double)NAN, "X[4, 1] = nan; expected a finite value"},
                  {(double)-INFINITY, "X[4, 1] = -inf; expected a finite value"},
                  {1e200, "the squares of column 1 of X overflow; scale it"}};
    const mlk_mat X = test_mat(6, _i ? 8 : 2); /* by columns; by the Gram matrix */
    const mlk_cmat E = test_random_mat(3, X.rows, X.cols);
    mlk_elastic_net *model;
    memcpy(X.data, E.data, X.rows * X.cols * sizeof(double));
    const mlk_data d = {.X = mlk_mat_c(X), .y = test_random_vec(4, 6)};
    for (size_t k = 0; k < MLK_COUNT(values); k++) {
        X.data[4 * X.ld + 1] = values[k].value;
        require_fail(mlk_elastic_net_fit(&d, NULL, NULL, &model), MLK_EINVAL, values[k].text);
    }
}
END_TEST

static void keep_line(void *user, const char *line) { snprintf(user, 512, "%s", line); }

START_TEST(says_how_far_it_came_when_passes_run_out)
{
    char text[512] = "";
    const mlk_data d = oracle_data(&shapes[_i], 11);
    mlk_elastic_net_opts o = opts_of(&shapes[_i], &d, 1e-12);
    mlk_elastic_net *model;
    o.max_iter = 3;
    require_ok(mlk_elastic_net_fit(&d, &o, &(mlk_run){.warn = keep_line, .user = text}, &model));
    const mlk_fit_info info = mlk_elastic_net_info(model);
    ck_assert_int_eq(info.converged, 0);
    ck_assert_int_eq(info.iterations, 3);
    ck_assert(info.duality_gap > o.tol * oracle_unit(&d, &o));
    require_relative(
        info.duality_gap,
        oracle_gap(&d, &o, mlk_elastic_net_coef(model), mlk_elastic_net_intercept(model)), 1e-9);
    ck_assert_msg(strstr(text, "elastic-net: no convergence in 3 passes at alpha = ") != NULL, "%s",
                  text);
    ck_assert_msg(strstr(text, "raise max_iter, alpha or tol") != NULL, "%s", text);
    mlk_elastic_net_free(model);
}
END_TEST

static bool stop(void *user)
{
    long *left = user;
    return (*left)-- <= 0;
}

START_TEST(stops_wherever_it_is_told_to)
{
    const mlk_data d = oracle_data(&shapes[_i], 12);
    const mlk_elastic_net_opts o = opts_of(&shapes[_i], &d, 1e-6);
    mlk_status st = MLK_ECANCELLED;
    for (long polls = 0; st == MLK_ECANCELLED; polls += 1 + polls / 16) {
        long left = polls;
        mlk_elastic_net *model;
        st = mlk_elastic_net_fit(&d, &o, &(mlk_run){.threads = 1, .cancelled = stop, .user = &left},
                                 &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ECANCELLED && model == NULL);
        mlk_elastic_net_free(model);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = oracle_data(&shapes[_i], 13);
    const mlk_elastic_net_opts o = opts_of(&shapes[_i], &d, 1e-2);
    const double alphas[] = {2.0 * o.alpha, o.alpha};
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_elastic_net *models[2];
        mlk_test_fail_at = k;
        st = mlk_elastic_net_path(&d, (mlk_cvec){alphas, 2}, &o, &(mlk_run){.threads = 1}, models);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? models[0] && models[1]
                               : st == MLK_ENOMEM && !models[0] && !models[1]);
        mlk_elastic_net_free(models[0]);
        mlk_elastic_net_free(models[1]);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        double grid[3];
        mlk_test_fail_at = k;
        st = mlk_elastic_net_alphas(&d, &o, NULL, (mlk_vec){grid, 3});
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
}
END_TEST

START_TEST(saves_and_loads_with_failing_allocations)
{
    const mlk_data d = oracle_data(&shapes[1], 14);
    const mlk_elastic_net_opts o = opts_of(&shapes[1], &d, 1e-4);
    mlk_elastic_net *model = fit(&d, &o);
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        void *state = NULL;
        mlk_test_fail_at = k;
        mlk_doc *doc = mlk_doc_new();
        mlk_elastic_net_algo.save(model, doc);
        st = mlk_doc_check(doc);
        if (st == MLK_OK)
            st = mlk_elastic_net_algo.load(doc, d.X.cols, 0, &state);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? state != NULL : st == MLK_ENOMEM && !state);
        mlk_elastic_net_algo.free(state);
        mlk_doc_free(doc);
    }
    mlk_elastic_net_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linear/elastic_net");
    TCase *optimum = test_case(s, "optimum"), *known = test_case(s, "known");
    TCase *same = test_case(s, "same"), *state = test_case(s, "state");
    TCase *errors = test_case(s, "errors");
    const int n_cases = (int)MLK_COUNT(cases), n_shapes = (int)MLK_COUNT(shapes);
    tcase_add_loop_test(optimum, the_certificate_is_true_and_within_tolerance, 0, n_cases);
    tcase_add_loop_test(optimum, satisfies_first_order_conditions, 0, n_cases);
    tcase_add_loop_test(optimum, agrees_with_literal_coordinate_descent, 0, n_cases);
    tcase_add_test(known, gives_the_books_example);
    tcase_add_test(known, is_ridge_at_l1_ratio_0);
    tcase_add_loop_test(known, agrees_with_scikit_learn_on_real_tables, 0,
                        (int)MLK_COUNT(references));
    tcase_add_loop_test(same, gives_the_same_bytes_for_any_number_of_threads, 0, n_shapes);
    tcase_add_loop_test(same, does_not_depend_on_the_order_of_rows, 0, n_shapes);
    tcase_add_test(same, weights_are_duplicates_up_to_a_factor);
    tcase_add_loop_test(same, fits_many_options_in_any_order_like_one, 0, n_shapes);
    tcase_add_loop_test(same, the_grid_starts_at_the_first_empty_model, 0, n_shapes);
    tcase_add_test(state, saves_few_or_many_weights_and_loads_them);
    tcase_add_test(state, refuses_a_hostile_file);
    tcase_add_test(state, saves_and_loads_with_failing_allocations);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_loop_test(errors, finds_values_that_are_not_finite_or_too_large, 0, 2);
    tcase_add_loop_test(errors, says_how_far_it_came_when_passes_run_out, 0, n_shapes);
    tcase_add_loop_test(errors, stops_wherever_it_is_told_to, 0, n_shapes);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, n_shapes);
    return s;
}
