#include <mlkit/linear/linear.h>

#include <stdio.h>

#include "linear/nist.h"
#include "support/mlk_test.h"

/* --------------------------------------------------------------------- NIST */

/* Powers 1..p of x, each from the one before, as a pipeline makes them. */
static mlk_cmat powers(const double *x, size_t n, size_t p)
{
    mlk_mat X = test_mat(n, p);
    for (size_t i = 0; i < n; i++) {
        double power = 1.0;
        for (size_t j = 0; j < p; j++)
            X.data[i * p + j] = power *= x[i];
    }
    return mlk_mat_c(X);
}

static mlk_data wampler(enum nist_name name)
{
    const double factor[] = {0, 0, 1, 100, 10000};
    mlk_vec x = test_vec(21), y = test_vec(21);
    for (size_t i = 0; i < 21; i++) {
        const double v = x.data[i] = (double)i, u = name == WAMPLER2 ? 0.1 * v : v;
        y.data[i] = 1 + u * (1 + u * (1 + u * (1 + u * (1 + u))));
        if (name == WAMPLER2) /* given to five decimals, exactly */
            y.data[i] = nearbyint(y.data[i] * 1e5) / 1e5;
        y.data[i] += factor[name - WAMPLER1] * wampler_noise[i];
    }
    return (mlk_data){.X = powers(x.data, 21, 5), .y = mlk_vec_c(y)};
}

static mlk_data nist_data(enum nist_name name)
{
    mlk_vec x, y;
    mlk_mat X;
    mlk_cmat file;
    const char *path;
    switch (name) {
    case NORRIS:
        return (mlk_data){.X = {norris_x, 36, 1, 1}, .y = {norris_y, 36}};
    case NOINT1:
        return (mlk_data){.X = {noint1_x, 11, 1, 1}, .y = {noint1_y, 11}};
    case NOINT2:
        return (mlk_data){.X = {noint2_x, 3, 1, 1}, .y = {noint2_y, 3}};
    case PONTIUS:
        x = test_vec(40);
        for (size_t i = 0; i < 40; i++)
            x.data[i] = 150000.0 * (double)(i % 20 + 1);
        return (mlk_data){.X = powers(x.data, 40, 2), .y = {pontius_y, 40}};
    case LONGLEY:
        X = test_mat(16, 6);
        y = test_vec(16);
        for (size_t i = 0; i < 16; i++) {
            memcpy(X.data + i * 6, longley[i] + 1, 6 * sizeof(double));
            y.data[i] = longley[i][0];
        }
        return (mlk_data){.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
    case FILIP:
        path = test_shared_path("datasets/nist_filip.csv");
        if (!path)
            return (mlk_data){.X = {NULL, 0, 0, 0}};
        file = test_read_csv(path);
        x = test_vec(file.rows);
        y = test_vec(file.rows);
        for (size_t i = 0; i < file.rows; i++) {
            x.data[i] = file.data[2 * i];
            y.data[i] = file.data[2 * i + 1];
        }
        return (mlk_data){.X = powers(x.data, x.n, 10), .y = mlk_vec_c(y)};
    default:
        return wampler(name);
    }
}

/* Certified digits reached: -log10 of the relative error, where 0 is certified that to `unit`. */
static double digits(double value, double certified, double unit)
{
    const double error = fabs(value - certified) / (certified == 0.0 ? unit : fabs(certified));
    return isnan(error) ? 0.0 : error < 1e-15 ? 15.0 : -log10(error);
}

/* The fewest digits of coefficients, standard errors and sigma. */
static double nist_digits(const nist_set *set, const mlk_data *data, const mlk_linear *model)
{
    const size_t first = set->intercept ? 1 : 0;
    const mlk_linear_stats s = mlk_linear_stats_of(model);
    const mlk_cvec w = mlk_linear_coef(model), e = mlk_linear_standard_errors(model);
    double least = digits(s.sigma, set->sigma, test_norm(data->y.data, data->y.n));
    for (size_t j = 0; j < set->p; j++) {
        least = fmin(least, digits(w.data[j], set->coef[first + j], 0.0));
        if (set->error[0] > 0.0) /* else sigma alone */
            least = fmin(least, digits(e.data[j], set->error[first + j], 0.0));
    }
    if (set->intercept)
        least = fmin(least, digits(mlk_linear_intercept(model), set->coef[0], 0.0));
    if (set->intercept && set->error[0] > 0.0)
        least = fmin(least, digits(mlk_linear_intercept_standard_error(model), set->error[0], 0.0));
    return least;
}

START_TEST(reaches_the_certified_digits_of_nist)
{
    const nist_set *set = &nist_sets[_i];
    const mlk_data data = nist_data((enum nist_name)_i);
    if (!data.X.data)
        return;
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++) {
        const mlk_linear_opts opts = {.fit_intercept = set->intercept, .solver = solver};
        const double floor_ = solver <= MLK_LINEAR_CHOLESKY ? set->digits : set->orthogonal;
        mlk_linear *model;
        require_ok(mlk_linear_fit(&data, &opts, NULL, &model));
        const double reached = nist_digits(set, &data, model);
        ck_assert_msg(reached >= floor_, "%s, solver %d: %.1f digits, expected %.1f", set->name,
                      solver, reached, floor_);
        require_relative(mlk_linear_stats_of(model).r2, set->r2, _i == FILIP ? 1e-10 : 3e-14);
        mlk_linear_free(model);
    }
}
END_TEST

/* ------------------------------------------------------------------- oracles */

static mlk_linear *fit(const mlk_data *data, bool intercept, int solver)
{
    mlk_linear *model;
    require_ok(mlk_linear_fit(
        data, &(mlk_linear_opts){.fit_intercept = intercept, .solver = solver}, NULL, &model));
    return model;
}

/* First-order conditions of linear.h (1), and the certificate that says the same. */
static void require_stationary(const mlk_data *d, bool intercept, const mlk_linear *model)
{
    const mlk_cvec w = mlk_linear_coef(model);
    const double nx = test_norm(d->X.data, d->X.rows * d->X.cols);
    const double size = (nx + 1.0) * test_norm(w.data, w.n) + test_norm(d->y.data, d->y.n);
    const double tol = 32.0 * DBL_EPSILON * (double)(d->X.rows + d->X.cols) * (nx + 1.0) * size;
    mlk_vec r = test_vec(d->X.rows);
    double sum = 0.0, rss = 0.0;
    require_ok(mlk_linear_predict(model, d->X, NULL, r));
    for (size_t i = 0; i < r.n; i++) {
        const double weight = d->w.n ? d->w.data[i] : 1.0, e = d->y.data[i] - r.data[i];
        rss += weight * e * e;
        sum += r.data[i] = weight * e;
    }
    for (size_t j = 0; j < d->X.cols; j++) {
        double g = 0.0;
        for (size_t i = 0; i < d->X.rows; i++)
            g += d->X.data[i * d->X.ld + j] * r.data[i];
        require_close(g, 0.0, tol);
    }
    if (intercept)
        require_close(sum, 0.0, tol);
    const mlk_fit_info info = mlk_linear_info(model);
    require_close(info.objective, rss, 1e-12 * (rss + size * size * DBL_EPSILON));
    require_close(info.kkt_violation, 0.0, 2.0 * tol);
}

static const struct {
    size_t n, p;
} shapes[] = {{40, 7}, {12, 12}, {13, 12}, {3, 1}, {2, 1}, {1, 3}, {7, 40}, {300, 20}, {2000, 64}};

START_TEST(satisfies_first_order_conditions)
{
    const mlk_cmat X = test_random_mat((uint64_t)_i, shapes[_i].n, shapes[_i].p);
    const mlk_cvec z = test_random_vec(200 + (uint64_t)_i, X.rows);
    mlk_vec w = test_vec(X.rows);
    for (size_t i = 0; i < w.n; i++)
        w.data[i] = exp(z.data[i]);
    mlk_data data = {.X = X, .y = test_random_vec(100 + (uint64_t)_i, X.rows)};
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++)
        for (int kind = 0; kind < 4; kind++) {
            data.w = kind & 2 ? mlk_vec_c(w) : (mlk_cvec){NULL, 0};
            mlk_linear *model = fit(&data, kind & 1, solver);
            require_stationary(&data, kind & 1, model);
            mlk_linear_free(model);
        }
}
END_TEST

/* R 4.2.2, lm(): tests/reference/linear.R. Order: intercept, wt, hp, qsec. */
static const struct {
    bool intercept, weighted;
    double coef[4], error[4], t[4], p[4], low[4], high[4];
    double sigma, r2, adjusted, f, f_p, aic, bic;
} lm[] = {
    {true,
     false,
     {27.610526858204927692, -4.358797200162685570, -0.017822271605542471, 0.510833694245057868},
     {8.41992847653930099, 0.75270039223473906, 0.01498116884893628, 0.43922153203755265},
     {3.2791878143783486, -5.7908794058437794, -1.1896449325986951, 1.1630433778492046},
     {2.7845556611020349e-03, 3.2172215296398719e-06, 2.4417624090336637e-01,
      2.5462838102650082e-01},
     {10.363085233456668988, -5.900634059248407226, -0.048509804868143991, -0.388870828810913838},
     {44.857968482953182843, -2.816960341076964358, 0.012865261657059049, 1.410538217301029462},
     2.5777848825208172,
     0.83476776170582978,
     0.81706430760288296,
     47.152818701457775,
     4.5064110240247964e-11,
     157.14261083999838,
     164.47129035399701},
    {true,
     true,
     {23.33231482897441467, -4.09114313484188408, -0.01202872329041282, 0.64746679180738131},
     {7.255261943773221311, 0.582535167515821128, 0.010584721866718971, 0.392573105025126046},
     {3.2159162563385064, -7.0229976883426053, -1.1364231806821636, 1.6492897336050090},
     {3.2705975644879278e-03, 1.2250675379494167e-07, 2.6541259071254431e-01, 1.1026440662021e-01},
     {8.470584447754101021, -5.284412332328181527, -0.033710543156116254, -0.156682760202821347},
     {38.1940452101947300889, -2.8978739373555866266, 0.0096530965752906102, 1.4516163438175839762},
     3.6245579763817788,
     0.84560046831116586,
     0.82905766134450509,
     51.115900101798239,
     1.7544017977291887e-11,
     150.99247823999872,
     158.32115775399734},
    {false,
     false,
     {0.0, -5.407330564687157448, 0.020747452869148957, 1.925238164825483045},
     {0.0, 0.787699475714948139, 0.010725903335782640, 0.095828621514261692},
     {0.0, -6.8647126618679595, 1.9343315168554120, 20.0904295022021095},
     {0.0, 1.5330864797416177e-07, 6.2882834911472466e-02, 1.4528167052157501e-18},
     {0.0, -7.0183568815117585160, -0.0011894825718437411, 1.7292466275397992970},
     {0.0, -3.796304247862555936, 0.042684388310141652, 2.121229702111166571},
     2.9798935155516317,
     0.98166162151691749,
     0.97976454788073652,
     517.46100035058817,
     2.8780281806848579e-25,
     165.54278807299545,
     171.40573168419436},
};

static double member(const mlk_doc *learned, const char *key, size_t i)
{
    const mlk_doc *node = mlk_doc_find(learned, key);
    if (mlk_doc_kind_of(node) == MLK_DOC_ARRAY)
        return ((const double *)mlk_doc_array_of(node).data)[i];
    return mlk_doc_real(mlk_doc_kind_of(node) == MLK_DOC_LIST ? mlk_doc_at(node, i) : node);
}

static double bound(const mlk_doc *learned, const char *key, size_t i, size_t side)
{
    return mlk_doc_real(mlk_doc_at(mlk_doc_at(mlk_doc_find(learned, key), i), side));
}

START_TEST(has_the_statistics_of_lm)
{
    const char *path = test_shared_path("datasets/mtcars.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    const size_t columns[] = {6, 4, 7}, n = file.rows;
    mlk_mat X = test_mat(n, 3);
    mlk_vec y = test_vec(n), w = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < 3; j++)
            X.data[i * 3 + j] = file.data[i * file.ld + columns[j]];
        y.data[i] = file.data[i * file.ld + 1];
        w.data[i] = file.data[i * file.ld + 11];
    }
    mlk_data data = {.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
    if (lm[_i].weighted)
        data.w = mlk_vec_c(w);
    const mlk_linear_opts opts = {.fit_intercept = lm[_i].intercept, .solver = MLK_LINEAR_AUTO};
    mlk_model *model;
    mlk_doc *d = mlk_doc_new();
    require_ok(mlk_model_fit(&mlk_linear_algo, &opts, &data, NULL, &model));
    mlk_model_learned(model, d);
    require_ok(mlk_doc_check(d));
    for (size_t j = 0; j < 3; j++) {
        require_relative(member(d, "coef", j), lm[_i].coef[j + 1], 1e-12);
        require_relative(member(d, "standard_errors", j), lm[_i].error[j + 1], 1e-12);
        require_relative(member(d, "t_values", j), lm[_i].t[j + 1], 1e-12);
        require_relative(member(d, "p_values", j), lm[_i].p[j + 1], 2e-11);
        require_relative(bound(d, "conf_int", j, 0), lm[_i].low[j + 1], 1e-11);
        require_relative(bound(d, "conf_int", j, 1), lm[_i].high[j + 1], 1e-11);
    }
    if (opts.fit_intercept) {
        require_relative(member(d, "intercept", 0), lm[_i].coef[0], 1e-12);
        require_relative(member(d, "intercept_standard_errors", 0), lm[_i].error[0], 1e-12);
        require_relative(member(d, "intercept_t_values", 0), lm[_i].t[0], 1e-12);
        require_relative(member(d, "intercept_p_values", 0), lm[_i].p[0], 2e-11);
        require_relative(member(d, "intercept_conf_int", 0), lm[_i].low[0], 1e-11);
        require_relative(member(d, "intercept_conf_int", 1), lm[_i].high[0], 1e-11);
    } else {
        ck_assert_ptr_null(mlk_doc_find(d, "intercept_p_values"));
    }
    require_relative(member(d, "sigma", 0), lm[_i].sigma, 1e-12);
    require_relative(member(d, "r2", 0), lm[_i].r2, 1e-12);
    require_relative(member(d, "adjusted_r2", 0), lm[_i].adjusted, 1e-12);
    require_relative(member(d, "f_statistic", 0), lm[_i].f, 1e-12);
    require_relative(member(d, "f_p_value", 0), lm[_i].f_p, 2e-11);
    require_relative(member(d, "aic", 0), lm[_i].aic, 1e-12);
    require_relative(member(d, "bic", 0), lm[_i].bic, 1e-12);
    ck_assert_int_eq((int)member(d, "rank", 0), opts.fit_intercept ? 4 : 3);
    mlk_model_free(model);
    mlk_doc_free(d);
}
END_TEST

/* --------------------------------------------------------------- rank deficiency */

typedef struct listener {
    int count;
    char last[256];
} listener;

static void listen(void *user, const char *line)
{
    listener *l = user;
    l->count++;
    snprintf(l->last, sizeof l->last, "%s", line);
}

/* Columns 4 = 0 + 2 * 1 and 5 = constant, on scales far apart; null vectors are known. */
static mlk_data deficient(size_t n)
{
    const mlk_cmat Z = test_random_mat(77, n, 4);
    mlk_mat X = test_mat(n, 6);
    for (size_t i = 0; i < n; i++) {
        const double *z = Z.data + i * 4;
        const double row[] = {z[0], z[1], 1e3 * z[2], 1e-3 * z[3], z[0] + 2.0 * z[1], 0.7};
        memcpy(X.data + i * 6, row, sizeof row);
    }
    return (mlk_data){.X = mlk_mat_c(X), .y = test_random_vec(78, n)};
}

START_TEST(takes_the_shortest_solution_and_says_so)
{
    const size_t n = _i ? 400000 : 50; /* by the exact products, and first by the plain ones */
    const mlk_data data = deficient(n);
    mlk_linear *first = NULL;
    const int last = _i ? MLK_LINEAR_AUTO : MLK_LINEAR_SVD;
    for (int solver = MLK_LINEAR_AUTO; solver <= last; solver++) {
        const mlk_linear_opts opts = {.fit_intercept = true, .solver = solver};
        listener heard = {0};
        const mlk_run run = {.warn = listen, .user = &heard};
        mlk_linear *model;
        require_ok(mlk_linear_fit(&data, &opts, &run, &model));
        ck_assert_int_eq(heard.count, 1);
        ck_assert_msg(strstr(heard.last, "rank 5 of 7") != NULL, "%s", heard.last);
        const double *w = mlk_linear_coef(model).data;
        const double size = test_norm(w, 6);
        require_close(w[0] + 2.0 * w[1] - w[4], 0.0, 1e-12 * size);
        require_close(w[5], 0.0, 1e-12 * size);
        if (n < 1000)
            require_stationary(&data, true, model);
        const mlk_linear_stats s = mlk_linear_stats_of(model);
        ck_assert(s.rank == 5 && isinf(s.condition_number) && s.df == (double)n - 5.0);
        ck_assert(isfinite(s.sigma) && isfinite(s.f));
        ck_assert(isnan(mlk_linear_standard_errors(model).data[2]));
        ck_assert(isnan(mlk_linear_intercept_standard_error(model)));
        for (size_t j = 0; first && j < 6; j++)
            require_close(w[j], mlk_linear_coef(first).data[j], 1e-12 * size);
        if (first)
            mlk_linear_free(model);
        else
            first = model;
    }
    mlk_linear_free(first);
}
END_TEST

START_TEST(more_columns_than_rows_give_the_shortest_interpolation) /* by hand, in fractions */
{
    const double x[] = {1, 2, 0, 1, 0, 1, 1, -1, 2, 0, 3, 1}, y[] = {1, 0, 2};
    const double w[] = {29.0 / 82, -4.0 / 82, 15.0 / 82, 36.0 / 82}, b = 25.0 / 82;
    const mlk_data data = {.X = {x, 3, 4, 4}, .y = {y, 3}};
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++) {
        mlk_linear *model = fit(&data, true, solver);
        for (size_t j = 0; j < 4; j++)
            require_close(mlk_linear_coef(model).data[j], w[j], 1e-15);
        require_close(mlk_linear_intercept(model), b, 2e-15);
        ck_assert_uint_eq(mlk_linear_stats_of(model).rank, 3);
        mlk_linear_free(model);
    }
}
END_TEST

/* Two rows: w = d (y_1 - y_0) / |d|^2 with d = x_1 - x_0, however far from zero they lie. */
START_TEST(a_large_mean_is_no_dimension)
{
    enum { P = 60 };
    const mlk_cmat Z = test_random_mat(91, 2, P);
    const double y[] = {3.5, -1.25};
    mlk_mat X = test_mat(2, P);
    for (size_t i = 0; i < 2 * P; i++)
        X.data[i] = 1e6 + Z.data[i];
    double d[P], square = 0.0;
    for (size_t j = 0; j < P; j++) {
        d[j] = X.data[P + j] - X.data[j]; /* exact [sterbenz1974] */
        square += d[j] * d[j];
    }
    const mlk_data data = {.X = mlk_mat_c(X), .y = {y, 2}};
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++) {
        mlk_linear *model = fit(&data, true, solver);
        ck_assert_uint_eq(mlk_linear_stats_of(model).rank, 2);
        for (size_t j = 0; j < P; j++)
            require_close(mlk_linear_coef(model).data[j], d[j] * (y[1] - y[0]) / square, 1e-13);
        mlk_linear_free(model);
    }
}
END_TEST

/* ------------------------------------------------------- large and awkward data */

START_TEST(one_read_of_the_rows_does_as_well_as_reflections)
{
    const mlk_cmat X = test_random_mat(21, 60000, 11);
    const mlk_data data = {.X = X, .y = test_linear_target(22, X, 0.7)};
    for (int intercept = 0; intercept < 2; intercept++) {
        mlk_linear *a = fit(&data, intercept, MLK_LINEAR_AUTO);
        mlk_linear *b = fit(&data, intercept, MLK_LINEAR_QR);
        const mlk_linear_stats s = mlk_linear_stats_of(a), t = mlk_linear_stats_of(b);
        for (size_t j = 0; j < X.cols; j++) {
            require_relative(mlk_linear_coef(a).data[j], mlk_linear_coef(b).data[j], 1e-12);
            require_relative(mlk_linear_standard_errors(a).data[j],
                             mlk_linear_standard_errors(b).data[j], 1e-12);
        }
        require_close(mlk_linear_intercept(a), mlk_linear_intercept(b), 1e-14);
        if (intercept)
            require_relative(mlk_linear_intercept_standard_error(a),
                             mlk_linear_intercept_standard_error(b), 1e-12);
        require_relative(s.rss, t.rss, 1e-12);
        require_relative(s.tss, t.tss, 1e-12);
        require_relative(s.condition_number, t.condition_number, 1e-12);
        require_close(mlk_linear_info(a).kkt_violation, 0.0, 1e-7);
        mlk_linear_free(a);
        mlk_linear_free(b);
    }
}
END_TEST

/* Integers, so that y is exact: x2 differs from x1 by one in 1e9 of its size, and the offset takes
 * nine digits more. The coefficients come back to the last bit. */
START_TEST(keeps_its_digits_where_columns_nearly_coincide)
{
    for (int large = 0; large < 2; large++) {
        const size_t n = large ? 600000 : 200;
        const mlk_cmat Z = test_random_mat(31, n, 3);
        mlk_mat X = test_mat(n, 3);
        mlk_vec y = test_vec(n);
        for (size_t i = 0; i < n; i++) {
            const double a = nearbyint(1e9 + 1e8 * Z.data[3 * i]), d = nearbyint(Z.data[3 * i + 1]);
            const double row[] = {a, a + d, nearbyint(7.0 * Z.data[3 * i + 2])};
            memcpy(X.data + 3 * i, row, sizeof row);
            y.data[i] = 2.0 * row[0] - 3.0 * row[1] + 5.0 * row[2] + 11.0;
        }
        const mlk_data data = {.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
        mlk_linear *model = fit(&data, true, MLK_LINEAR_AUTO);
        const double *w = mlk_linear_coef(model).data;
        require_relative(w[0], 2.0, 1e-13);
        require_relative(w[1], -3.0, 1e-13);
        require_relative(w[2], 5.0, 1e-13);
        require_relative(mlk_linear_intercept(model), 11.0, 1e-10);
        require_close(mlk_linear_stats_of(model).r2, 1.0, 1e-15);
        mlk_linear_free(model);
    }
}
END_TEST

/* Standard errors, where the target, too, is in another unit. */
static void require_units_of_errors(mlk_cmat X, mlk_cvec y, const mlk_linear *plain,
                                    const double *unit, int solver)
{
    mlk_vec other = test_vec(y.n);
    for (size_t i = 0; i < y.n; i++)
        other.data[i] = 1e100 * y.data[i];
    mlk_linear *model = fit(&(mlk_data){.X = X, .y = mlk_vec_c(other)}, true, solver);
    for (size_t j = 1; j < X.cols; j++)
        require_relative(mlk_linear_standard_errors(model).data[j] * unit[j] / 1e100,
                         mlk_linear_standard_errors(plain).data[j], 1e-10);
    mlk_linear_free(model);
}

START_TEST(extreme_units_change_nothing_but_units)
{
    const double unit[] = {1e-200, 1.0, 1e180, 3e-9};
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++)
        for (size_t n = 30; n <= 300000; n *= 10000) {
            const mlk_cmat Z = test_random_mat(41, n, 4);
            mlk_mat X = test_mat(n, 4);
            const mlk_data plain = {.X = Z, .y = test_linear_target(42, Z, 0.1)};
            for (size_t i = 0; i < n * 4; i++)
                X.data[i] = unit[i % 4] * Z.data[i];
            const mlk_data scaled = {.X = mlk_mat_c(X), .y = plain.y};
            mlk_linear *a = fit(&plain, true, solver), *b = fit(&scaled, true, solver);
            for (size_t j = 0; j < 4; j++)
                require_relative(mlk_linear_coef(b).data[j] * unit[j], mlk_linear_coef(a).data[j],
                                 1e-11);
            if (n == 30)
                require_units_of_errors(mlk_mat_c(X), plain.y, a, unit, solver);
            require_relative(mlk_linear_stats_of(a).rss, mlk_linear_stats_of(b).rss, 1e-12);
            mlk_linear_free(a);
            mlk_linear_free(b);
        }
}
END_TEST

/* ----------------------------------------------------------------- invariances */

START_TEST(weights_count_rows)
{
    enum { N = 40, P = 3 };
    const mlk_cmat X = test_random_mat(51, N, P);
    const mlk_cvec y = test_random_vec(52, N);
    mlk_vec w = test_vec(N), ones = test_vec(N), y2 = test_vec(3 * N);
    mlk_mat X2 = test_mat(3 * N, P);
    size_t m = 0;
    for (size_t i = 0; i < N; i++) {
        ones.data[i] = 1.0;
        w.data[i] = (double)(i % 4);
        for (size_t k = 0; k < i % 4; k++, m++) {
            memcpy(X2.data + m * P, X.data + i * P, P * sizeof(double));
            y2.data[m] = y.data[i];
        }
    }
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++) {
        mlk_linear *a = fit(&(mlk_data){.X = X, .y = y, .w = mlk_vec_c(w)}, true, solver);
        mlk_linear *b = fit(&(mlk_data){.X = {X2.data, m, P, P}, .y = {y2.data, m}}, true, solver);
        mlk_linear *c = fit(&(mlk_data){.X = X, .y = y, .w = mlk_vec_c(ones)}, true, solver);
        mlk_linear *d = fit(&(mlk_data){.X = X, .y = y}, true, solver);
        for (size_t j = 0; j < P; j++)
            require_relative(mlk_linear_coef(a).data[j], mlk_linear_coef(b).data[j], 1e-13);
        require_same(mlk_linear_coef(c).data, mlk_linear_coef(d).data, P * sizeof(double));
        ck_assert_uint_eq(mlk_linear_stats_of(a).n, N - N / 4);
        mlk_linear_free(a);
        mlk_linear_free(b);
        mlk_linear_free(c);
        mlk_linear_free(d);
    }
}
END_TEST

static const struct {
    size_t n, p;
    int solver;
} sizes[] = {{100000, 13, MLK_LINEAR_AUTO},
             {20000, 5, MLK_LINEAR_CHOLESKY},
             {30000, 5, MLK_LINEAR_QR},
             {40, 60, MLK_LINEAR_AUTO},
             {5000, 20, MLK_LINEAR_SVD}};

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(61, sizes[_i].n, sizes[_i].p);
    const mlk_data data = {.X = X, .y = test_linear_target(62, X, 1.0)};
    const mlk_linear_opts opts = {.fit_intercept = true, .solver = sizes[_i].solver};
    mlk_linear *one = NULL;
    const int threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        mlk_linear *model;
        require_ok(mlk_linear_fit(&data, &opts, &(mlk_run){.threads = threads[k]}, &model));
        if (one) {
            const mlk_linear_stats a = mlk_linear_stats_of(one), b = mlk_linear_stats_of(model);
            require_same(mlk_linear_coef(one).data, mlk_linear_coef(model).data,
                         X.cols * sizeof(double));
            require_same(mlk_linear_standard_errors(one).data,
                         mlk_linear_standard_errors(model).data, X.cols * sizeof(double));
            ck_assert(a.rss == b.rss && a.condition_number == b.condition_number);
            ck_assert(mlk_linear_intercept(one) == mlk_linear_intercept(model));
        }
        mlk_linear_free(k ? model : NULL);
        one = k ? one : model;
    }
    mlk_linear_free(one);
}
END_TEST

START_TEST(the_order_of_rows_does_not_matter)
{
    const size_t n = sizes[_i].n, p = sizes[_i].p;
    const mlk_cmat X = test_random_mat(61, n, p);
    const mlk_cvec y = test_linear_target(62, X, 1.0);
    mlk_mat X2 = test_mat(n, p);
    mlk_vec y2 = test_vec(n);
    for (size_t i = 0; i < n; i++) {
        const size_t k = (i * 7919 + 13) % n; /* 7919 is prime to every n here */
        memcpy(X2.data + i * p, X.data + k * p, p * sizeof(double));
        y2.data[i] = y.data[k];
    }
    mlk_linear *a = fit(&(mlk_data){.X = X, .y = y}, true, sizes[_i].solver);
    mlk_linear *b =
        fit(&(mlk_data){.X = mlk_mat_c(X2), .y = mlk_vec_c(y2)}, true, sizes[_i].solver);
    for (size_t j = 0; j < p; j++)
        require_relative(mlk_linear_coef(a).data[j], mlk_linear_coef(b).data[j], 1e-11);
    mlk_linear_free(a);
    mlk_linear_free(b);
}
END_TEST

START_TEST(saved_and_loaded_it_is_the_same)
{
    const mlk_data whole = {.X = test_random_mat(71, 30, 4), .y = test_random_vec(72, 30)};
    const mlk_data all[] = {
        whole, deficient(30), {.X = {whole.X.data, 2, 4, 4}, .y = {whole.y.data, 2}}};
    for (size_t k = 0; k < MLK_COUNT(all); k++) {
        mlk_model *model, *again;
        mlk_doc *saved = mlk_doc_new(), *saved2 = mlk_doc_new();
        require_ok(mlk_model_fit(&mlk_linear_algo, NULL, &all[k], NULL, &model));
        mlk_model_save(model, saved);
        require_ok(mlk_doc_check(saved));
        require_ok(mlk_model_load(saved, &again));
        mlk_model_learned(model, saved2);
        mlk_doc *saved3 = mlk_doc_new();
        mlk_model_learned(again, saved3);
        const size_t p = all[k].X.cols;
        for (size_t j = 0; j < p; j++) {
            ck_assert(member(saved2, "coef", j) == member(saved3, "coef", j));
            const double e = member(saved2, "standard_errors", j);
            const double f = member(saved3, "standard_errors", j);
            ck_assert(e == f || (isnan(e) && isnan(f)));
        }
        const double f = member(saved2, "f_statistic", 0), g = member(saved3, "f_statistic", 0);
        ck_assert(f == g || (isnan(f) && isnan(g)));
        mlk_model_free(model);
        mlk_model_free(again);
        mlk_doc_free(saved);
        mlk_doc_free(saved2);
        mlk_doc_free(saved3);
    }
}
END_TEST

/* ------------------------------------------------------------------- edge cases */

START_TEST(what_is_not_defined_is_not_a_number)
{
    const double x[] = {1, 2, 4}, flat[] = {5, 5, 5}, y[] = {1, 3, 2};
    mlk_linear *m = fit(&(mlk_data){.X = {x, 2, 1, 1}, .y = {y, 2}}, true, MLK_LINEAR_AUTO);
    mlk_linear_stats s = mlk_linear_stats_of(m); /* a line through two points */
    ck_assert(s.df == 0.0 && isnan(s.sigma) && isnan(s.adjusted_r2) && isnan(s.f) && s.r2 == 1.0);
    ck_assert(isnan(mlk_linear_standard_errors(m).data[0]));
    mlk_linear_free(m);

    m = fit(&(mlk_data){.X = {x, 3, 1, 1}, .y = {flat, 3}}, true, MLK_LINEAR_AUTO);
    s = mlk_linear_stats_of(m); /* nothing to explain */
    ck_assert(isnan(s.r2) && isnan(s.f) && mlk_linear_coef(m).data[0] == 0.0);
    ck_assert_double_eq(mlk_linear_intercept(m), 5.0);
    mlk_linear_free(m);

    m = fit(&(mlk_data){.X = {flat, 3, 1, 1}, .y = {y, 3}}, true, MLK_LINEAR_AUTO);
    s = mlk_linear_stats_of(m); /* nothing to explain it by */
    ck_assert(s.rank == 1 && isnan(s.f) && s.r2 == 0.0 && mlk_linear_coef(m).data[0] == 0.0);
    ck_assert_double_eq(mlk_linear_intercept(m), 2.0);
    require_relative(s.sigma, 1.0, 4 * DBL_EPSILON);
    mlk_linear_free(m);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    mlk_mat X = test_mat(200000, 8);
    const mlk_cmat Z = test_random_mat(1, 200000, 8);
    memcpy(X.data, Z.data, 200000 * 8 * sizeof(double));
    const mlk_cvec y = test_random_vec(2, 200000), y5 = {y.data, 5};
    const mlk_cmat X6 = {X.data, 6, 8, 8};
    mlk_linear *model;
    require_fail(mlk_linear_fit(&(mlk_data){.X = X6, .y = y5}, NULL, NULL, &model), MLK_EINVAL,
                 "X has 6 rows but y has 5 values");
    require_fail(mlk_linear_fit(&(mlk_data){.X = X6, .y = {y.data, 6}},
                                &(mlk_linear_opts){true, 17}, NULL, &model),
                 MLK_EINVAL, "solver");
    X.data[123456 * 8 + 5] = NAN; /* found although no pass looks for it */
    require_fail(mlk_linear_fit(&(mlk_data){.X = mlk_mat_c(X), .y = y}, NULL, NULL, &model),
                 MLK_EINVAL, "X[123456, 5] = nan; expected a finite value");
    ck_assert_ptr_null(model);
    X.data[5] = INFINITY;
    require_fail(mlk_linear_fit(&(mlk_data){.X = X6, .y = {y.data, 6}}, NULL, NULL, &model),
                 MLK_EINVAL, "X[0, 5] = inf; expected a finite value");
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data tall = {.X = test_random_mat(1, 30000, 13), .y = test_random_vec(2, 30000)};
    const mlk_data wide = {.X = {tall.X.data, 5, 13, 13}, .y = {tall.y.data, 5}};
    const mlk_data gaps = deficient(20);
    const mlk_data *all[] = {&tall, &wide, &gaps};
    for (size_t d = 0; d < MLK_COUNT(all); d++)
        for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++) {
            const mlk_linear_opts opts = {.fit_intercept = true, .solver = solver};
            mlk_linear *model;
            mlk_status st = MLK_ENOMEM;
            for (int k = 0; st != MLK_OK; k++) {
                mlk_test_fail_at = k;
                st = mlk_linear_fit(all[d], &opts, &(mlk_run){.threads = 1}, &model);
                ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
            }
            mlk_test_fail_at = -1;
            mlk_linear_free(model);
        }
}
END_TEST

/* -------------------------------------------------------------------- the book */

static mlk_data two_columns(const char *path, size_t degree)
{
    const mlk_cmat file = test_read_csv(path);
    mlk_vec x = test_vec(file.rows), y = test_vec(file.rows);
    for (size_t i = 0; i < file.rows; i++) {
        x.data[i] = file.data[2 * i];
        y.data[i] = file.data[2 * i + 1];
    }
    return (mlk_data){.X = powers(x.data, x.n, degree), .y = mlk_vec_c(y)};
}

START_TEST(book_4_1_and_4_5_lines_and_parabolas)
{
    const char *line = test_shared_path("book/ch4_linear100.csv");
    const char *quad = test_shared_path("book/ch4_quad100.csv");
    if (!line || !quad)
        return;
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++) {
        const mlk_data a = two_columns(line, 1), b = two_columns(quad, 2);
        mlk_linear *m = fit(&a, true, solver);
        double at[2];
        require_close(mlk_linear_intercept(m), 4.21509616, 5e-9);
        require_close(mlk_linear_coef(m).data[0], 2.77011339, 5e-9);
        require_ok(
            mlk_linear_predict(m, (mlk_cmat){(double[]){0, 2}, 2, 1, 1}, NULL, (mlk_vec){at, 2}));
        require_close(at[0], 4.21509616, 5e-9);
        require_close(at[1], 9.75532293, 5e-9);
        mlk_linear_free(m);
        m = fit(&b, true, solver);
        require_close(mlk_linear_intercept(m), 1.78134581, 5e-9);
        require_close(mlk_linear_coef(m).data[0], 0.93366893, 5e-9);
        require_close(mlk_linear_coef(m).data[1], 0.56456263, 5e-9);
        mlk_linear_free(m);
    }
}
END_TEST

/* Sorted by GDP per capita (column 1), without positions 0, 1, 6, 8, 33, 34, 35. */
START_TEST(book_1_1_money_makes_happier)
{
    const char *path = test_shared_path("datasets/lifesat_full.csv");
    if (!path)
        return;
    const mlk_cmat file = test_read_csv(path);
    mlk_vec x = test_vec(29), y = test_vec(29);
    size_t kept = 0;
    for (size_t i = 0; i < file.rows; i++) {
        const double gdp = file.data[i * file.ld + 1];
        size_t rank = 0;
        for (size_t k = 0; k < file.rows; k++)
            rank += file.data[k * file.ld + 1] < gdp;
        if (rank == 0 || rank == 1 || rank == 6 || rank == 8 || rank >= 33)
            continue;
        x.data[kept] = gdp;
        y.data[kept++] = file.data[i * file.ld + 15];
    }
    ck_assert_uint_eq(kept, 29);
    const mlk_data data = {.X = {x.data, 29, 1, 1}, .y = mlk_vec_c(y)};
    mlk_linear *m = fit(&data, true, MLK_LINEAR_AUTO);
    double cyprus;
    require_relative(mlk_linear_intercept(m), 4.853052800266436, 1e-13);
    require_relative(mlk_linear_coef(m).data[0], 4.911544589158484e-05, 1e-13);
    require_ok(
        mlk_linear_predict(m, (mlk_cmat){(double[]){22587}, 1, 1, 1}, NULL, (mlk_vec){&cyprus, 1}));
    require_close(cyprus, 5.96242338, 5e-9);
    mlk_linear_free(m);
}
END_TEST

enum { HOUSING = 20640, DESIGN = 16, TARGET = 8 };

/* The 8 numeric columns, NaN where missing, the target, and the category 0..4 in bytewise order. */
static mlk_mat read_housing(const char *path)
{
    static const char *const levels[] = {"<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN"};
    FILE *f = fopen(path, "r");
    char line[512];
    mlk_mat A = test_mat(HOUSING, 10);
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    for (size_t i = 0; i < HOUSING; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        line[strcspn(line, "\r\n")] = '\0';
        char *at = line;
        for (size_t j = 0; j < 9; j++) {
            char *end;
            A.data[i * 10 + j] = strtod(at, &end);
            if (end == at)
                A.data[i * 10 + j] = NAN;
            at = end + 1;
        }
        A.data[i * 10 + 9] = -1;
        for (size_t k = 0; k < 5; k++)
            if (strcmp(at, levels[k]) == 0)
                A.data[i * 10 + 9] = (double)k;
        ck_assert(A.data[i * 10 + 9] >= 0.0);
    }
    fclose(f);
    return A;
}

static size_t read_rows(const char *path, size_t *rows)
{
    FILE *f = fopen(path, "r");
    size_t n = 0;
    ck_assert_ptr_nonnull(f);
    while (n < HOUSING && fscanf(f, "%zu", &rows[n]) == 1)
        n++;
    fclose(f);
    return n;
}

/* What the book makes of the rows: medians of the training rows for missing numbers, three
 * quotients; then (mean and sd of the training rows) standardised; then 5 categories. */
static void housing_numbers(mlk_mat A, const double *median, size_t row, double out[11])
{
    const double *a = A.data + row * 10;
    for (size_t j = 0; j < 8; j++)
        out[j] = isnan(a[j]) ? median[j] : a[j];
    out[8] = out[3] / out[6];  /* rooms per household */
    out[9] = out[5] / out[6];  /* population per household */
    out[10] = out[4] / out[3]; /* bedrooms per room */
}

static void housing_design(mlk_mat A, const double *median, const double *mean, const double *sd,
                           const size_t *rows, size_t n, mlk_mat X, mlk_vec y)
{
    for (size_t i = 0; i < n; i++) {
        double *x = X.data + i * DESIGN;
        housing_numbers(A, median, rows[i], x);
        for (size_t j = 0; j < 11; j++)
            x[j] = (x[j] - mean[j]) / sd[j];
        for (size_t k = 0; k < 5; k++)
            x[11 + k] = A.data[rows[i] * 10 + 9] == (double)k;
        y.data[i] = A.data[rows[i] * 10 + TARGET];
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void housing_statistics(mlk_mat A, const size_t *rows, size_t n, double *median,
                               double *mean, double *sd)
{
    double *column = test_alloc(n * sizeof *column), x[11];
    for (size_t j = 0; j < 8; j++) {
        size_t m = 0;
        for (size_t i = 0; i < n; i++)
            if (!isnan(A.data[rows[i] * 10 + j]))
                column[m++] = A.data[rows[i] * 10 + j];
        qsort(column, m, sizeof *column, ascending);
        median[j] = 0.5 * (column[(m - 1) / 2] + column[m / 2]);
    }
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            housing_numbers(A, median, rows[i], x);
            for (size_t j = 0; j < 11; j++)
                if (pass == 0)
                    mean[j] += x[j] / (double)n;
                else
                    sd[j] += (x[j] - mean[j]) * (x[j] - mean[j]) / (double)n;
        }
    for (size_t j = 0; j < 11; j++)
        sd[j] = sqrt(sd[j]);
}

typedef struct errors {
    double rmse, mae, r2, rse, rae;
} errors;

static errors measure(mlk_cvec truth, mlk_cvec p)
{
    double mean = 0.0, square = 0.0, absolute = 0.0, square0 = 0.0, absolute0 = 0.0;
    for (size_t i = 0; i < truth.n; i++)
        mean += truth.data[i] / (double)truth.n;
    for (size_t i = 0; i < truth.n; i++) {
        const double e = truth.data[i] - p.data[i], d = truth.data[i] - mean;
        square += e * e;
        absolute += fabs(e);
        square0 += d * d;
        absolute0 += fabs(d);
    }
    return (errors){sqrt(square / (double)truth.n), absolute / (double)truth.n,
                    1.0 - square / square0, square / square0, absolute / absolute0};
}

START_TEST(book_2_8_housing_has_rank_16_of_17)
{
    const char *path = test_shared_path("datasets/california_housing.csv");
    const char *train_path = test_shared_path("book/housing_strat_train_idx.txt");
    const char *test_path = test_shared_path("book/housing_strat_test_idx.txt");
    if (!path || !train_path || !test_path)
        return;
    const mlk_mat A = read_housing(path);
    size_t *train = test_alloc(HOUSING * sizeof *train), *test = test_alloc(HOUSING * sizeof *test);
    const size_t n = read_rows(train_path, train), m = read_rows(test_path, test);
    double median[8], mean[11] = {0}, sd[11] = {0};
    housing_statistics(A, train, n, median, mean, sd);
    mlk_mat X = test_mat(n, DESIGN), T = test_mat(m, DESIGN);
    mlk_vec y = test_vec(n), t = test_vec(m), p = test_vec(n), q = test_vec(m);
    housing_design(A, median, mean, sd, train, n, X, y);
    housing_design(A, median, mean, sd, test, m, T, t);

    const mlk_data data = {.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
    for (int solver = MLK_LINEAR_AUTO; solver <= MLK_LINEAR_SVD; solver++) {
        mlk_linear *model = fit(&data, true, solver);
        ck_assert_uint_eq(mlk_linear_stats_of(model).rank, 16);
        require_ok(mlk_linear_predict(model, mlk_mat_c(X), NULL, p));
        require_ok(mlk_linear_predict(model, mlk_mat_c(T), NULL, q));
        const double first[] = {210644.60459286, 317768.80697211, 210956.43331178, 59218.98886849,
                                189747.55849879};
        for (size_t i = 0; i < 5; i++)
            require_close(p.data[i], first[i], 6e-9);
        const errors e = measure(mlk_vec_c(y), mlk_vec_c(p));
        require_relative(e.rmse, 68628.19819848922, 1e-8);
        require_relative(e.mae, 49439.89599001897, 1e-8);
        require_relative(e.r2, 0.6481624842804428, 1e-8);
        require_relative(e.rse, 0.3518375157195572, 1e-8);
        require_relative(e.rae, 0.5415378257189682, 1e-8);
        require_relative(mlk_linear_stats_of(model).r2, e.r2, 1e-12);
        require_relative(measure(mlk_vec_c(t), mlk_vec_c(q)).rmse, 66911.98070857547, 1e-8);
        mlk_linear_free(model);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linear/linear");
    TCase *oracles = test_case(s, "oracles"), *rank = test_case(s, "rank");
    TCase *hard = test_case(s, "hard"), *same = test_case(s, "invariance");
    TCase *edges = test_case(s, "edges"), *book = test_case(s, "book");
    tcase_add_loop_test(oracles, reaches_the_certified_digits_of_nist, 0,
                        (int)MLK_COUNT(nist_sets));
    tcase_add_loop_test(oracles, satisfies_first_order_conditions, 0, (int)MLK_COUNT(shapes));
    tcase_add_loop_test(oracles, has_the_statistics_of_lm, 0, (int)MLK_COUNT(lm));
    tcase_add_loop_test(rank, takes_the_shortest_solution_and_says_so, 0, 2);
    tcase_add_test(rank, more_columns_than_rows_give_the_shortest_interpolation);
    tcase_add_test(rank, a_large_mean_is_no_dimension);
    tcase_add_test(hard, one_read_of_the_rows_does_as_well_as_reflections);
    tcase_add_test(hard, keeps_its_digits_where_columns_nearly_coincide);
    tcase_add_test(hard, extreme_units_change_nothing_but_units);
    tcase_add_test(same, weights_count_rows);
    tcase_add_loop_test(same, any_number_of_threads_gives_the_same_bytes, 0, (int)MLK_COUNT(sizes));
    tcase_add_loop_test(same, the_order_of_rows_does_not_matter, 0, (int)MLK_COUNT(sizes));
    tcase_add_test(same, saved_and_loaded_it_is_the_same);
    tcase_add_test(edges, what_is_not_defined_is_not_a_number);
    tcase_add_test(edges, rejects_bad_input_and_says_why);
    tcase_add_test(edges, survives_each_failing_allocation);
    tcase_add_test(book, book_4_1_and_4_5_lines_and_parabolas);
    tcase_add_test(book, book_1_1_money_makes_happier);
    tcase_add_test(book, book_2_8_housing_has_rank_16_of_17);
    return s;
}
