#include <mlkit/linear/ridge.h>
#include <mlkit/model/archive.h>
#include <mlkit/preprocess/pipeline.h>

#include <stdio.h>

#include "preprocess/steps.h"
#include "support/mlk_test.h"

/* ------------------------------------------------- an algorithm that looks on */

/* What reached the last step; predicts the sum of a row. */
typedef struct probe {
    mlk_mat X;
    mlk_cvec y, w;
    const double *given;
    size_t levels[8];
} probe;

static const probe *seen; /* of the latest fit */

static mlk_status probe_fit(const mlk_data *d, const void *opts, const mlk_run *run, void **state)
{
    probe *p = test_alloc(sizeof *p);
    (void)opts;
    (void)run;
    p->X = test_mat(d->X.rows, d->X.cols);
    for (size_t i = 0; i < d->X.rows; i++)
        memcpy(p->X.data + i * d->X.cols, d->X.data + i * d->X.ld, d->X.cols * sizeof(double));
    for (size_t j = 0; d->levels && j < d->X.cols && j < MLK_COUNT(p->levels); j++)
        p->levels[j] = d->levels[j];
    p->given = d->X.data;
    p->y = d->y;
    p->w = d->w;
    seen = *state = p;
    return MLK_OK;
}

static mlk_status probe_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    (void)state;
    (void)run;
    for (size_t i = 0; i < X.rows; i++) {
        out.data[i] = 0.0;
        for (size_t j = 0; j < X.cols; j++)
            out.data[i] += X.data[i * X.ld + j];
    }
    return MLK_OK;
}

static void probe_free(void *state) { (void)state; }

static const mlk_opt no_opts[] = {MLK_OPT_END};

#define PROBE(NAME, CAPS)                                                                          \
    {                                                                                              \
        .name = (NAME), .tasks = MLK_REGRESSION | MLK_TRANSFORM, .caps = (CAPS), .opts_size = 8,   \
        .opts = no_opts, .fit = probe_fit, .predict = probe_predict, .free = probe_free            \
    }

static const mlk_algo plain = PROBE("plain", 0);
static const mlk_algo takes_all = PROBE("takes-all", MLK_CAP_MISSING | MLK_CAP_CATEGORICAL);

static mlk_model *fit(const mlk_algo *algo, const mlk_data *d, const char *impute,
                      const char *encode, const char *scale, int64_t poly)
{
    const mlk_pipeline_opts opts = {impute, encode, scale, poly, algo, NULL, NULL};
    mlk_model *model;
    require_ok(mlk_model_fit(&mlk_pipeline_algo, &opts, d, NULL, &model));
    return model;
}

static void require_refused(const mlk_algo *algo, const mlk_data *d, const char *impute,
                            const char *encode, const char *scale, int64_t poly, const char *text)
{
    static const char *const names[] = {"age", "sex", "income"};
    const mlk_pipeline_opts opts = {impute, encode, scale, poly, algo, NULL, names};
    mlk_model *model;
    require_fail(mlk_model_fit(&mlk_pipeline_algo, &opts, d, NULL, &model), MLK_EINVAL, text);
    ck_assert_ptr_null(model);
}

static void require_rows(mlk_mat got, const double *expected, double tol)
{
    for (size_t i = 0; i < got.rows * got.cols; i++)
        if (isnan(expected[i]))
            ck_assert_msg(isnan(got.data[i]), "[%zu]: %g, expected nan", i, got.data[i]);
        else
            require_close(got.data[i], expected[i], tol);
}

/* ------------------------------------------------------------------- samples */

#define NA ((double)NAN)

/* Two numbers, one of four levels of which the last does not occur. */
static const double mixed[] = {1.5, 10, 0, NA, 12,  1, 2.25, NA, 2,  7,   11, 0,
                               3,   12, 1, NA, 9.5, 0, 2,    14, NA, 5.5, 10, 2};
static const size_t mixed_levels[] = {0, 0, 4};
static const double target[] = {1, 4, 2, 8, 5, 7, 3, 6};

static mlk_data mixed_data(void)
{
    return (mlk_data){.X = {mixed, 8, 3, 3}, .y = {target, 8}, .levels = mixed_levels};
}
static mlk_data numbers(void) { return (mlk_data){.X = {mixed, 8, 2, 3}, .y = {target, 8}}; }

/* Random numbers and codes, a tenth of them missing. */
static mlk_data random_mixed(uint64_t seed, size_t n)
{
    static const size_t levels[] = {0, 5, 0, 2, 0};
    const mlk_cmat Z = test_random_mat(seed, n, 5), hole = test_random_mat(seed + 1, n, 5);
    mlk_mat X = test_mat(n, 5);
    for (size_t i = 0; i < 5 * n; i++) {
        const size_t L = levels[i % 5];
        X.data[i] = L ? fmin(floor(fabs(Z.data[i]) * 2), (double)L - 1) : Z.data[i];
        if (hole.data[i] > 1.3)
            X.data[i] = NA;
    }
    return (mlk_data){
        .X = mlk_mat_c(X), .y = test_linear_target(seed + 2, Z, 0.1), .levels = levels};
}

/* ------------------------------------------------------------------- imputing */

static const struct {
    const char *word;
    double fill[3];
} fills[] = {
    /* scikit-learn 1.2.1: tests/reference/preprocess.py; of two modes of the category the first */
    {"mean", {3.5416666666666665, 11.214285714285714, 0}},
    {"median", {2.625, 11, 0}},
    {"mode", {1.5, 10, 0}},
    {NULL, {2.625, 11, 0}},
};

START_TEST(fills_with_the_statistic_of_the_column)
{
    const mlk_data d = mixed_data();
    mlk_model *m = fit(&plain, &d, fills[_i].word, "ordinal", "none", 1);
    for (size_t i = 0; i < 24; i++) {
        const double expected = isnan(mixed[i]) ? fills[_i].fill[i % 3] : mixed[i];
        require_close(seen->X.data[i], expected, 2e-15 * fabs(expected));
    }
    mlk_model_free(m);
}
END_TEST

START_TEST(fills_a_column_without_values_and_says_so)
{
    static const double X[] = {NA, NA, 1, NA, NA, 2};
    static const size_t levels[] = {0, 3, 0};
    const mlk_data d = {.X = {X, 2, 3, 3}, .levels = levels};
    mlk_model *m = fit(&plain, &d, NULL, "onehot", "standard", 1);
    ck_assert_uint_eq(mlk_pipeline_n_columns(m), 2); /* the level-less category is gone */
    require_rows(seen->X, (const double[]){0, -1, 0, 1}, 0);
    mlk_model_free(m);
}
END_TEST

START_TEST(drops_rows_from_the_fit_and_predicts_nan_for_them)
{
    mlk_data d = numbers();
    d.w = (mlk_cvec){target, 8};
    mlk_model *m = fit(&takes_all, &d, "drop", NULL, NULL, 1);
    require_rows(seen->X, (const double[]){1.5, 10, 7, 11, 3, 12, 2, 14, 5.5, 10}, 0);
    mlk_model_free(m);

    mlk_vec out = test_vec(8);
    m = fit(&plain, &(mlk_data){.X = d.X, .y = d.y}, "drop", NULL, NULL, 1);
    require_ok(mlk_model_predict(m, d.X, NULL, out));
    require_rows((mlk_mat){out.data, 8, 1, 1}, (const double[]){11.5, NA, NA, 18, 15, NA, 16, 15.5},
                 0);
    mlk_model_free(m);
}
END_TEST

START_TEST(dropping_equals_fitting_the_complete_rows)
{
    const mlk_data d = random_mixed(7, 200);
    mlk_mat X = test_mat(200, 5);
    mlk_vec y = test_vec(200);
    size_t n = 0;
    for (size_t i = 0; i < 200; i++) {
        double sum = 0;
        for (size_t j = 0; j < 5; j++)
            sum += X.data[n * 5 + j] = d.X.data[i * 5 + j];
        y.data[n] = d.y.data[i];
        n += !isnan(sum);
    }
    ck_assert_uint_lt(n, 150);
    const mlk_data complete = {.X = {X.data, n, 5, 5}, .y = {y.data, n}, .levels = d.levels};
    mlk_model *a = fit(&mlk_ridge_algo, &d, "drop", NULL, "standard", 2);
    mlk_model *b = fit(&mlk_ridge_algo, &complete, "median", NULL, "standard", 2);
    mlk_vec pa = test_vec(n), pb = test_vec(n);
    require_ok(mlk_model_predict(a, complete.X, NULL, pa));
    require_ok(mlk_model_predict(b, complete.X, NULL, pb));
    require_same(pa.data, pb.data, n * sizeof(double));
    mlk_model_free(a);
    mlk_model_free(b);
}
END_TEST

/* ------------------------------------------------------------------- encoding */

/* The category column (0 1 2 0 1 0 ? 2; the missing one becomes 0) and a row of an unseen level,
 * of one that the table knows but training did not see, and of a missing one. */
static const double probes[] = {1, 1, MLK_UNSEEN, 1, 1, 3, 1, 1, NA};

static const struct {
    const char *word;
    size_t columns;
    double train[24], others[9];
} codes[] = {
    {"onehot",
     3,
     {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1},
     {0, 0, 0, 0, 0, 0, 1, 0, 0}},
    {"dummy", 2, {0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0}},
    {"ordinal", 1, {0, 1, 2, 0, 1, 0, 0, 2}, {0, 0, 0}},
    {"native", 1, {0, 1, 2, 0, 1, 0, 0, 2}, {MLK_UNSEEN, 3, 0}},
};

START_TEST(encodes_the_levels_seen_in_training)
{
    const mlk_data d = mixed_data();
    const size_t k = codes[_i].columns;
    mlk_model *m = fit(&takes_all, &d, "median", codes[_i].word, "standard", 1);
    ck_assert_uint_eq(mlk_pipeline_n_columns(m), 2 + k);
    mlk_mat others = test_mat(3, 2 + k);
    require_ok(mlk_pipeline_design(m, (mlk_cmat){probes, 3, 3, 3}, NULL, others));
    mlk_model_free(m);
    if (strcmp(codes[_i].word, "ordinal") == 0) { /* a number like any other: scaled */
        const double sd = sqrt(0.6875), mean = 0.75;
        for (size_t i = 0; i < 8; i++)
            require_close(seen->X.data[i * 3 + 2], (codes[_i].train[i] - mean) / sd, 1e-15);
        for (size_t i = 0; i < 3; i++)
            require_close(others.data[i * 3 + 2], -mean / sd, 1e-15);
        return;
    }
    for (size_t i = 0; i < 8 * k; i++)
        require_close(seen->X.data[i / k * (2 + k) + 2 + i % k], codes[_i].train[i], 0);
    for (size_t i = 0; i < 3 * k; i++)
        require_close(others.data[i / k * (2 + k) + 2 + i % k], codes[_i].others[i], 0);
    ck_assert_uint_eq(seen->levels[2], strcmp(codes[_i].word, "native") ? 0 : 4);
}
END_TEST

START_TEST(a_missing_category_stays_missing_where_nothing_is_imputed)
{
    const mlk_data d = mixed_data();
    mlk_model *m = fit(&takes_all, &d, "none", "onehot", "none", 1);
    for (size_t c = 2; c < 5; c++)
        ck_assert(isnan(seen->X.data[6 * 5 + c]));
    mlk_mat out = test_mat(3, 5);
    require_ok(mlk_pipeline_design(m, (mlk_cmat){probes, 3, 3, 3}, NULL, out));
    require_rows(out, (const double[]){1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, NA, NA, NA}, 0);
    mlk_model_free(m);

    m = fit(&takes_all, &d, "none", "ordinal", "none", 1); /* an unseen level is missing too */
    mlk_mat code = test_mat(3, 3);
    require_ok(mlk_pipeline_design(m, (mlk_cmat){probes, 3, 3, 3}, NULL, code));
    require_rows(code, (const double[]){1, 1, NA, 1, 1, NA, 1, 1, NA}, 0);
    mlk_model_free(m);
}
END_TEST

START_TEST(hands_on_what_the_algorithm_takes_without_a_copy)
{
    const mlk_data d = mixed_data();
    mlk_model *m = fit(&takes_all, &d, "none", "native", "none", 1);
    ck_assert_ptr_eq(seen->given, mixed);
    ck_assert_uint_eq(seen->levels[2], 4);
    mlk_model_free(m);
    static const double full[] = {1, 2, 3, 4, 5, 7};
    m = fit(&plain, &(mlk_data){.X = {full, 3, 2, 2}}, NULL, NULL, NULL, 1);
    ck_assert_ptr_eq(seen->given, full);
    mlk_model_free(m);
}
END_TEST

/* -------------------------------------------------------- scaling, multiplying */

static const struct {
    const char *word;
    double rows[16];
} scaled[] = {
    /* scikit-learn 1.2.1: tests/reference/preprocess.py */
    {"standard",
     {-1.0139612218488452, -0.8681321585314122, -0.3846059807012861, 0.59398516110044,
      -0.5943910610838058, -0.13707349871548616, 2.0628866237614436, -0.13707349871548616,
      -0.1748209003187664, 0.59398516110044, -0.3846059807012861, -1.2336614884393753,
      -0.734247781338819, 2.0561024807322923, 1.2237463022313648, -0.8681321585314122}},
    {"minmax",
     {0.0, 0.11111111111111116, 0.20454545454545459, 0.5555555555555554, 0.1363636363636364,
      0.33333333333333304, 1.0, 0.33333333333333304, 0.2727272727272727, 0.5555555555555554,
      0.20454545454545459, 0.0, 0.09090909090909094, 0.9999999999999996, 0.7272727272727273,
      0.11111111111111116}},
    {"robust",
     {-0.782608695652174, -0.5, 0.0, 0.5, -0.2608695652173913, 0.0, 3.0434782608695654, 0.0,
      0.2608695652173913, 0.5, 0.0, -0.75, -0.43478260869565216, 1.5, 2.0, -0.5}},
};

START_TEST(scales_as_scikit_learn)
{
    const mlk_data d = numbers();
    mlk_model *m = fit(&plain, &d, "median", NULL, scaled[_i].word, 1);
    require_rows(seen->X, scaled[_i].rows, 2e-15);
    mlk_model_free(m);
}
END_TEST

START_TEST(scales_columns_whose_squares_leave_the_range_of_a_double)
{
    /* Powers of two: the same column on another scale, to the last digit. */
    static const int powers[] = {0, 1020, -1030};
    double X[4 * 3];
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 3; j++)
            X[3 * i + j] = ldexp(1.0 + (double)(i * i), powers[j]);
    const mlk_data d = {.X = {X, 4, 3, 3}};
    static const char *const words[] = {"standard", "minmax", "robust"};
    for (size_t k = 0; k < MLK_COUNT(words); k++) {
        mlk_model *m = fit(&plain, &d, NULL, NULL, words[k], 1);
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 1; j < 3; j++)
                require_close(seen->X.data[3 * i + j], seen->X.data[3 * i], 0.0);
        mlk_model_free(m);
    }
}
END_TEST

START_TEST(centres_constant_columns_without_dividing)
{
    static const double X[] = {0.1, 1e9, 3, 0.1, 1e9, 5, 0.1, 1e9 + 1e-7, 7};
    const mlk_data d = {.X = {X, 3, 3, 3}};
    static const char *const words[] = {"standard", "minmax", "robust"};
    for (size_t k = 0; k < MLK_COUNT(words); k++) {
        mlk_model *m = fit(&plain, &d, NULL, NULL, words[k], 1);
        for (size_t i = 0; i < 3; i++) {
            require_close(seen->X.data[3 * i], 0.0, 0.0);
            require_close(seen->X.data[3 * i + 1], 0.0, 2.4e-7);
        }
        mlk_model_free(m);
    }
}
END_TEST

START_TEST(multiplies_columns_in_scikit_learns_order)
{
    static const double expected[] = {1.5, 10, 2.25, 15, 100, 3.375, 22.5, 150, 1000};
    static const char *const names[] = {"a",   "b",     "a^2",   "a b", "b^2",
                                        "a^3", "a^2 b", "a b^2", "b^3"};
    static const char *const raw[] = {"a", "b"};
    const mlk_data d = numbers();
    mlk_model *m = fit(&plain, &d, "median", NULL, "none", 3);
    mlk_doc *list = mlk_doc_new();
    mlk_pipeline_columns(m, raw, NULL, mlk_doc_put_list(list, "names"));
    ck_assert_uint_eq(mlk_pipeline_n_columns(m), 9);
    for (size_t j = 0; j < 9; j++) {
        require_close(seen->X.data[j], expected[j], 0.0);
        ck_assert_str_eq(mlk_doc_text(mlk_doc_at(mlk_doc_find(list, "names"), j)), names[j]);
    }
    mlk_doc_free(list);
    mlk_model_free(m);
}
END_TEST

/* Literal twin: all exponent tuples, filtered by degree, against the contiguous recursion. */
START_TEST(multiplies_as_the_product_of_factors)
{
    static const struct {
        size_t p, degree, terms;
    } shapes[] = {{1, 5, 5}, {5, 1, 5}, {4, 3, 34}, {7, 4, 329}, {3, 6, 83}, {2, 16, 152}};
    for (size_t s = 0; s < MLK_COUNT(shapes); s++) {
        const size_t p = shapes[s].p, degree = shapes[s].degree;
        ck_assert_uint_eq(mlk_polynomial_terms(p, degree), shapes[s].terms);
        mlk_vec row = test_vec(shapes[s].terms);
        memcpy(row.data, test_random_vec(s, p).data, p * sizeof(double));
        mlk_polynomial_row(p, degree, row.data);
        size_t before[16] = {0}, n_before = 0;
        for (size_t j = 0; j < shapes[s].terms; j++) {
            size_t factors[16];
            const size_t n = mlk_polynomial_factors(p, degree, j, factors);
            double product = 1.0;
            for (size_t k = 0; k < n; k++) {
                ck_assert(factors[k] < p && (k == 0 || factors[k] >= factors[k - 1]));
                product *= row.data[factors[k]];
            }
            require_relative(row.data[j], product, 32 * DBL_EPSILON);
            /* by degree, then lexicographically: each term once */
            bool later = n > n_before;
            for (size_t k = 0; n == n_before && !later && k < n; k++) {
                ck_assert_uint_ge(factors[k], before[k]);
                later = factors[k] > before[k];
            }
            ck_assert(later);
            n_before = n;
            memcpy(before, factors, sizeof before);
        }
    }
    ck_assert_uint_eq(mlk_polynomial_terms(1000000, 16), SIZE_MAX);
}
END_TEST

START_TEST(leaves_indicators_and_their_products_unscaled)
{
    static const char *const names[] = {"age", "size", "sex"};
    static const char *const levels[] = {"f", "m", "x", "y"};
    static const char *const *const level_names[] = {NULL, NULL, levels};
    const mlk_data d = mixed_data();
    mlk_model *m = fit(&plain, &d, NULL, "dummy", "standard", 2);
    mlk_doc *list = mlk_doc_new();
    mlk_pipeline_columns(m, names, level_names, mlk_doc_put_list(list, "names"));
    bool found = false;
    for (size_t j = 0; j < mlk_pipeline_n_columns(m); j++) {
        double mean = 0, square = 0;
        const char *name = mlk_doc_text(mlk_doc_at(mlk_doc_find(list, "names"), j));
        for (size_t i = 0; i < 8; i++) {
            mean += seen->X.data[i * seen->X.cols + j] / 8;
            square += pow(seen->X.data[i * seen->X.cols + j], 2) / 8;
        }
        if (strcmp(name, "sex=m") == 0 || strcmp(name, "sex=m^2") == 0) {
            require_close(mean, 0.25, 0.0);
        } else if (strncmp(name, "sex", 3) != 0) {
            require_close(mean, 0.0, 1e-14);
            require_close(square, 1.0, 1e-14);
        }
        found |= strcmp(name, "age sex=x") == 0;
    }
    ck_assert(found);
    mlk_doc_free(list);
    mlk_model_free(m);
}
END_TEST

/* --------------------------------------------------------------- refusals */

START_TEST(refuses_what_does_not_fit_together)
{
    const mlk_data d = mixed_data();
    require_refused(&plain, &d, "none", NULL, NULL, 1,
                    "column 'age' has 2 missing values and plain takes none; expected impute");
    require_refused(&plain, &d, NULL, "native", NULL, 1,
                    "encode = native, but plain takes no categories; expected onehot, dummy");
    require_refused(&takes_all, &d, NULL, "native", NULL, 2, "poly = 2 multiplies numbers");
    require_refused(&plain, &d, "avg", NULL, NULL, 1,
                    "impute = 'avg' is not valid; expected mean | median | mode | drop | none");
    require_refused(&plain, &d, NULL, "hot", NULL, 1, "encode = 'hot' is not valid; expected one");
    require_refused(&plain, &d, NULL, NULL, "std", 1, "scale = 'std' is not valid; expected none");
    require_refused(&plain, &d, NULL, NULL, NULL, 0, "poly = 0 is outside [1, 16]");
    require_refused(NULL, &d, NULL, NULL, NULL, 1, "needs an algorithm");
    require_refused(&mlk_pipeline_algo, &d, NULL, NULL, NULL, 1, "needs an algorithm");
    mlk_model *model;
    require_fail(mlk_model_fit(&mlk_pipeline_algo, NULL, &d, NULL, &model), MLK_EINVAL,
                 "needs an algorithm");
}
END_TEST

START_TEST(refuses_bad_values)
{
    static const double holes[] = {NA, 1, 2, NA}, bad[] = {0, 1, 4, 1}, inf[] = {1, INFINITY};
    static const size_t three[] = {3, 0}, one[] = {1};
    require_refused(&plain, &(mlk_data){.X = {holes, 2, 2, 2}}, "drop", NULL, NULL, 1,
                    "impute = drop leaves none of the 2 rows");
    require_refused(&plain, &(mlk_data){.X = {bad, 2, 2, 2}, .levels = three}, NULL, NULL, NULL, 1,
                    "X[1, 0] = 4; expected a level code 0..2");
    require_refused(&plain, &(mlk_data){.X = {inf, 2, 1, 1}}, NULL, NULL, NULL, 1,
                    "X[1, 0] = inf; expected a finite value");
    require_refused(&plain, &(mlk_data){.X = {bad, 1, 1, 1}, .levels = one}, NULL, "dummy", NULL, 1,
                    "no column is left after encoding");
    require_refused(&plain, &(mlk_data){.X = {bad, 2, 2, 2}, .y = {bad, 3}}, NULL, NULL, NULL, 1,
                    "X has 2 rows but y has 3 values");
    require_refused(&plain, &(mlk_data){.X = {bad, 0, 2, 2}}, NULL, NULL, NULL, 1, "X is 0 x 2");
}
END_TEST

START_TEST(refuses_designs_beyond_reason)
{
    const mlk_data d = {.X = test_random_mat(1, 3, 100)};
    require_refused(&plain, &d, NULL, NULL, NULL, 5,
                    "monomials up to degree 5 of 100 columns are too many; expected at most");
    require_refused(&plain, &d, NULL, NULL, NULL, 16, "too many");
}
END_TEST

typedef struct lines {
    char text[512];
    int n;
} lines;

static void keep_line(void *user, const char *line)
{
    lines *l = user;
    snprintf(l->text + strlen(l->text), sizeof l->text - strlen(l->text), "%s\n", line);
    l->n++;
}

START_TEST(warns_of_useless_columns_by_name_and_of_unpredicted_rows)
{
    static const double X[] = {1, 0, NA, 5, 1, 0, NA, 6, NA, 0, NA, 7};
    static const size_t levels[] = {0, 2, 0, 0};
    static const char *const names[] = {"one", "two", "three", "four"};
    const mlk_data d = {.X = {X, 3, 4, 4}, .levels = levels};
    const mlk_pipeline_opts opts = {"none", "native", NULL, 1, &takes_all, NULL, names};
    lines l = {"", 0};
    const mlk_run run = {.warn = keep_line, .user = &l};
    mlk_model *m;
    require_ok(mlk_model_fit(&mlk_pipeline_algo, &opts, &d, &run, &m));
    ck_assert_str_eq(l.text, "constant, so of no use to the model, in the training rows: "
                             "column 'one', column 'two'\n"
                             "without any value in the training rows: column 'three'\n");
    mlk_model_free(m);

    l = (lines){"", 0};
    const mlk_data complete = {.X = {X, 2, 2, 4}};
    m = fit(&plain, &complete, "none", NULL, NULL, 1);
    mlk_vec out = test_vec(3);
    require_ok(mlk_model_predict(m, (mlk_cmat){X, 3, 2, 4}, &run, out));
    ck_assert_str_eq(l.text, "1 of 3 rows have missing values and get no prediction\n");
    require_rows((mlk_mat){out.data, 3, 1, 1}, (const double[]){1, 1, NA}, 0);
    mlk_model_free(m);
}
END_TEST

/* ------------------------------------------------------------- as an algorithm */

static void *bytes_of(const mlk_model *model, size_t *size)
{
    mlk_doc *doc = mlk_doc_new();
    void *encoded;
    mlk_model_save(model, doc);
    require_ok(mlk_archive_encode(doc, &encoded, size));
    void *bytes = test_alloc(*size);
    memcpy(bytes, encoded, *size);
    mlk_archive_free(encoded);
    mlk_doc_free(doc);
    return bytes;
}

static const struct {
    const char *impute, *encode, *scale;
    int64_t poly;
} kinds[] = {
    {NULL, NULL, NULL, 1},
    {"mean", "onehot", "standard", 1},
    {"median", "dummy", "minmax", 2},
    {"mode", "ordinal", "robust", 3},
    {"drop", "onehot", "standard", 2},
    {"drop", "ordinal", "none", 1},
};

START_TEST(round_trips_and_gives_the_same_bytes_for_any_number_of_threads)
{
    static const int threads[] = {1, 2, 3, 8};
    const mlk_data d = random_mixed(3, 300);
    const mlk_pipeline_opts opts = {kinds[_i].impute,
                                    kinds[_i].encode,
                                    kinds[_i].scale,
                                    kinds[_i].poly,
                                    &mlk_ridge_algo,
                                    NULL,
                                    NULL};
    mlk_vec first = test_vec(300), out = test_vec(300);
    size_t size = 0, other_size;
    void *bytes = NULL;
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_model *m;
        require_ok(mlk_model_fit(&mlk_pipeline_algo, &opts, &d, &run, &m));
        require_ok(mlk_model_predict(m, d.X, &run, k ? out : first));
        void *these = bytes_of(m, &other_size);
        mlk_model_free(m);
        if (k == 0) {
            bytes = these;
            size = other_size;
            continue;
        }
        ck_assert_uint_eq(size, other_size);
        require_same(bytes, these, size);
        require_same(first.data, out.data, 300 * sizeof(double));
    }
    mlk_doc *doc;
    mlk_model *m;
    require_ok(mlk_archive_decode(bytes, size, &doc));
    require_ok(mlk_model_load(doc, &m));
    mlk_doc_free(doc);
    require_ok(mlk_model_predict(m, d.X, NULL, out));
    require_same(first.data, out.data, 300 * sizeof(double));
    ck_assert_ptr_eq(mlk_model_algo(mlk_pipeline_inner(m)), &mlk_ridge_algo);
    require_same(bytes_of(m, &other_size), bytes, size);
    mlk_model_free(m);
}
END_TEST

/* Copy of a document without, or with a changed, `victim`-th node (depth first). */
static void maim(const mlk_doc *from, mlk_doc *to, const char *key, int *victim, int how)
{
    const bool hit = (*victim)-- == 0;
    if (hit && how == 0)
        return;
    if (hit) {
        if (how == 1)
            mlk_doc_put_int(to, key, -7);
        else if (how == 2)
            mlk_doc_put_text(to, key, "pipeline");
        else
            mlk_doc_put_vec(to, key, (mlk_cvec){(const double[]){0, NA}, 2});
        return;
    }
    if (mlk_doc_kind_of(from) != MLK_DOC_MAP) {
        mlk_doc_put_copy(to, key, from);
        return;
    }
    mlk_doc *map = key ? mlk_doc_put_map(to, key) : to;
    for (size_t i = 0; i < mlk_doc_size(from); i++)
        maim(mlk_doc_at(from, i), map, mlk_doc_key_at(from, i), victim, how);
}

START_TEST(refuses_maimed_files)
{
    const mlk_data d = random_mixed(3, 100);
    mlk_model *m = fit(&mlk_ridge_algo, &d, "mean", "onehot", "standard", 2), *loaded;
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(m, doc);
    mlk_model_free(m);
    int refused = 0;
    for (int how = 0; how < 4; how++)
        for (int victim = 1, left = -1; left < 0; victim++) {
            mlk_doc *bad = mlk_doc_new();
            left = victim;
            maim(doc, bad, NULL, &left, how);
            const mlk_status st = mlk_model_load(bad, &loaded);
            if (left < 0 && st == MLK_OK) { /* harmless: one parameter for another */
                mlk_model_free(loaded);
            } else if (left < 0) {
                ck_assert_msg(st == MLK_EFORMAT, "%d", (int)st);
                refused++;
            } else {
                require_ok(st); /* untouched */
                mlk_model_free(loaded);
            }
            mlk_doc_free(bad);
        }
    ck_assert_int_ge(refused, 80);
    mlk_doc_free(doc);
}
END_TEST

START_TEST(fits_many_as_one_by_one)
{
    enum { MANY = 4 };
    const mlk_data d = random_mixed(3, 150);
    const mlk_ridge_opts ridge[] = {{.alpha = 0.1, .fit_intercept = true},
                                    {.alpha = 3, .fit_intercept = true}};
    const mlk_pipeline_opts opts[MANY] = {
        {NULL, NULL, "standard", 2, &mlk_ridge_algo, &ridge[0], NULL},
        {NULL, NULL, "standard", 2, &mlk_ridge_algo, &ridge[1], NULL},
        {NULL, NULL, "minmax", 2, &mlk_ridge_algo, &ridge[1], NULL},
        {NULL, NULL, "minmax", 2, &mlk_ridge_algo, NULL, NULL},
    };
    const void *all[MANY];
    mlk_model *models[MANY], *alone;
    for (size_t k = 0; k < MANY; k++)
        all[k] = &opts[k];
    require_ok(mlk_model_fit_many(&mlk_pipeline_algo, all, MANY, &d, NULL, models));
    for (size_t k = 0; k < MANY; k++) {
        size_t n, size;
        require_ok(mlk_model_fit(&mlk_pipeline_algo, &opts[k], &d, NULL, &alone));
        const void *a = bytes_of(models[k], &size), *b = bytes_of(alone, &n);
        ck_assert_uint_eq(n, size);
        require_same(a, b, n);
        mlk_model_free(models[k]);
        mlk_model_free(alone);
    }
}
END_TEST

START_TEST(predicts_long_tables_in_blocks)
{
    const size_t n = 21000; /* 21000 x 230 design values: two blocks */
    const mlk_cmat X = test_random_mat(1, n, 20);
    const mlk_data d = {.X = mlk_cmat_rows(X, 0, 300), .y = test_random_vec(2, 300)};
    mlk_model *m = fit(&mlk_ridge_algo, &d, NULL, NULL, "standard", 2);
    mlk_vec all = test_vec(n), row = test_vec(1);
    require_ok(mlk_model_predict(m, X, NULL, all));
    for (size_t i = 0; i < n; i += 1999) {
        require_ok(mlk_model_predict(m, mlk_cmat_rows(X, i, i + 1), NULL, row));
        require_relative(all.data[i], row.data[0], 1e-12);
    }
    mlk_model_free(m);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = random_mixed(3, 40);
    const mlk_pipeline_opts opts = {NULL, NULL, "robust", 2, &mlk_ridge_algo, NULL, NULL};
    mlk_vec out = test_vec(40);
    mlk_model *m, *back;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_fit(&mlk_pipeline_algo, &opts, &d, NULL, &m);
        ck_assert(st == MLK_OK ? m != NULL : st == MLK_ENOMEM && m == NULL);
    }
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_predict(m, d.X, NULL, out);
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    mlk_test_fail_at = -1;
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(m, doc);
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_load(doc, &back);
        ck_assert(st == MLK_OK ? back != NULL : st == MLK_ENOMEM && back == NULL);
    }
    mlk_doc_free(doc);
    mlk_model_free(back);
    mlk_model_free(m);
}
END_TEST

/* ------------------------------------------------------------ published figures */

/* Rows of a file of row numbers. */
static size_t read_rows(const char *path, size_t *rows, size_t cap)
{
    FILE *f = fopen(path, "r");
    size_t n = 0;
    while (n < cap && fscanf(f, "%zu", &rows[n]) == 1)
        n++;
    fclose(f);
    return n;
}

START_TEST(housing_medians_are_the_books)
{
    static const double medians[] = {-118.51, 34.26, 29, 2119.5, 433, 1164, 408, 3.5409};
    const char *table = test_shared_path("datasets/california_housing.csv");
    const char *split = test_shared_path("book/housing_strat_train_idx.txt");
    if (!table || !split)
        return;
    const mlk_cmat all = test_read_csv(table);
    size_t *rows = test_alloc(20640 * sizeof *rows);
    const size_t n = read_rows(split, rows, 20640);
    ck_assert_uint_eq(n, 16512);
    mlk_mat X = test_mat(n, 8);
    for (size_t k = 0; k < n; k++)
        memcpy(X.data + 8 * k, all.data + rows[k] * all.ld, 8 * sizeof(double));
    mlk_model *m = fit(&plain, &(mlk_data){.X = mlk_mat_c(X)}, "median", NULL, NULL, 1);
    for (size_t j = 0; j < 8; j++)
        require_close(mlk_pipeline_steps(m)->imputer->fill[j], medians[j], 1e-8);
    mlk_model_free(m);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("preprocess/pipeline");
    TCase *steps = test_case(s, "steps"), *algo = test_case(s, "algorithm");
    TCase *errors = test_case(s, "errors");
    tcase_add_loop_test(steps, fills_with_the_statistic_of_the_column, 0, (int)MLK_COUNT(fills));
    tcase_add_test(steps, fills_a_column_without_values_and_says_so);
    tcase_add_test(steps, drops_rows_from_the_fit_and_predicts_nan_for_them);
    tcase_add_test(steps, dropping_equals_fitting_the_complete_rows);
    tcase_add_loop_test(steps, encodes_the_levels_seen_in_training, 0, (int)MLK_COUNT(codes));
    tcase_add_test(steps, a_missing_category_stays_missing_where_nothing_is_imputed);
    tcase_add_test(steps, hands_on_what_the_algorithm_takes_without_a_copy);
    tcase_add_loop_test(steps, scales_as_scikit_learn, 0, (int)MLK_COUNT(scaled));
    tcase_add_test(steps, scales_columns_whose_squares_leave_the_range_of_a_double);
    tcase_add_test(steps, centres_constant_columns_without_dividing);
    tcase_add_test(steps, multiplies_columns_in_scikit_learns_order);
    tcase_add_test(steps, multiplies_as_the_product_of_factors);
    tcase_add_test(steps, leaves_indicators_and_their_products_unscaled);
    tcase_add_test(steps, housing_medians_are_the_books);
    tcase_add_loop_test(algo, round_trips_and_gives_the_same_bytes_for_any_number_of_threads, 0,
                        (int)MLK_COUNT(kinds));
    tcase_add_test(algo, fits_many_as_one_by_one);
    tcase_add_test(algo, predicts_long_tables_in_blocks);
    tcase_add_test(errors, refuses_what_does_not_fit_together);
    tcase_add_test(errors, refuses_bad_values);
    tcase_add_test(errors, refuses_designs_beyond_reason);
    tcase_add_test(errors, warns_of_useless_columns_by_name_and_of_unpredicted_rows);
    tcase_add_test(errors, refuses_maimed_files);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
