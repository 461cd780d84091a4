#include <mlkit/neighbors/lof.h>

#include "core/rng.h"
#include "support/mlk_test.h"

static mlk_lof *fit(mlk_cmat X, mlk_lof_opts opts)
{
    const mlk_data d = {.X = X};
    mlk_lof *model;
    require_ok(mlk_lof_fit(&d, &opts, NULL, &model));
    return model;
}

static mlk_vec score(const mlk_lof *model, mlk_cmat X)
{
    mlk_vec s = test_vec(X.rows);
    require_ok(mlk_lof_score(model, X, NULL, s));
    return s;
}

/* -------------------------------------------------- the definitions, by plain loops */

static double distance(const double *a, const double *b, size_t p)
{
    double sum = 0.0;
    for (size_t j = 0; j < p; j++)
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sqrt(sum);
}

/* The k rows of X nearest to x but row `self`. */
static void literal_neighbours(mlk_cmat X, const double *x, size_t self, size_t k, size_t *rows)
{
    bool *taken = test_alloc(X.rows);
    for (size_t r = 0; r < k; r++) {
        double least = INFINITY;
        for (size_t i = 0; i < X.rows; i++)
            if (i != self && !taken[i] && distance(X.data + i * X.ld, x, X.cols) < least) {
                least = distance(X.data + i * X.ld, x, X.cols);
                rows[r] = i;
            }
        taken[rows[r]] = true;
    }
}

typedef struct literal {
    mlk_cmat X;
    size_t k;
    double eps;
} literal;

static double literal_reach(const literal *t, size_t i)
{
    size_t *rows = test_alloc(t->k * sizeof *rows);
    const double *x = t->X.data + i * t->X.ld;
    literal_neighbours(t->X, x, i, t->k, rows);
    return distance(t->X.data + rows[t->k - 1] * t->X.ld, x, t->X.cols);
}

static double literal_density(const literal *t, const double *x, size_t self)
{
    size_t *rows = test_alloc(t->k * sizeof *rows);
    double sum = 0.0;
    literal_neighbours(t->X, x, self, t->k, rows);
    for (size_t r = 0; r < t->k; r++)
        sum +=
            fmax(literal_reach(t, rows[r]), distance(t->X.data + rows[r] * t->X.ld, x, t->X.cols));
    return 1.0 / (sum / (double)t->k + t->eps);
}

static double literal_factor(const literal *t, const double *x, size_t self)
{
    size_t *rows = test_alloc(t->k * sizeof *rows);
    double sum = 0.0;
    literal_neighbours(t->X, x, self, t->k, rows);
    for (size_t r = 0; r < t->k; r++)
        sum += literal_density(t, t->X.data + rows[r] * t->X.ld, rows[r]);
    return sum / (double)t->k / literal_density(t, x, self);
}

static literal literal_new(mlk_cmat X, size_t k)
{
    literal t = {X, k, 0.0};
    double sum = 0.0;
    for (size_t i = 0; i < X.rows; i++)
        sum += literal_reach(&t, i);
    t.eps = 1e-10 * sum / (double)X.rows;
    return t;
}

START_TEST(is_what_the_definition_says)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        const size_t n = 12 + 5 * seed, p = 1 + seed % 3, k = 1 + seed % 5;
        const mlk_cmat X = test_random_mat(seed, n, p), Q = test_random_mat(seed + 50, 4, p);
        const literal t = literal_new(X, k);
        mlk_lof_opts opts = mlk_lof_opts_default();
        opts.n_neighbors = (int64_t)k;
        mlk_lof *model = fit(X, opts);
        const mlk_vec own = score(model, X), new = score(model, Q);
        for (size_t i = 0; i < n; i++) {
            const double expected = literal_factor(&t, X.data + i * p, i);
            require_relative(mlk_lof_factors(model).data[i], expected, 1e-12);
            ck_assert(own.data[i] == mlk_lof_factors(model).data[i]);
        }
        for (size_t i = 0; i < Q.rows; i++)
            require_relative(new.data[i], literal_factor(&t, Q.data + i * p, (size_t)-1), 1e-12);
        mlk_lof_free(model);
    }
}
END_TEST

START_TEST(equal_rows_have_a_density_too)
{
    /* Whole numbers: many rows are equal, some more often than k times. */
    mlk_mat X = test_mat(40, 2);
    mlk_rng rng = mlk_rng_stream(5, 0);
    for (size_t i = 0; i < 80; i++)
        X.data[i] = (double)mlk_rng_below(&rng, 3);
    mlk_lof_opts opts = mlk_lof_opts_default();
    opts.n_neighbors = 3;
    mlk_lof *model = fit(mlk_mat_c(X), opts);
    const literal t = literal_new(mlk_mat_c(X), 3);
    const mlk_vec own = score(model, mlk_mat_c(X));
    for (size_t i = 0; i < 40; i++) {
        require_relative(own.data[i], literal_factor(&t, X.data + 2 * i, i), 1e-12);
        ck_assert(own.data[i] == mlk_lof_factors(model).data[i]);
    }
    mlk_lof_free(model);
}
END_TEST

START_TEST(identical_rows_are_no_outliers_and_others_are)
{
    mlk_mat X = test_mat(30, 2);
    const double far[] = {1e-3, 0.0};
    mlk_lof *model = fit(mlk_mat_c(X), mlk_lof_opts_default());
    const mlk_vec own = score(model, mlk_mat_c(X)), new = score(model, (mlk_cmat){far, 1, 2, 2});
    for (size_t i = 0; i < 30; i++)
        ck_assert(own.data[i] == 1.0);
    ck_assert(new.data[0] > 1e100 && new.data[0] <= DBL_MAX);
    mlk_lof_free(model);
}
END_TEST

/* ------------------------------------------------------------------ scikit-learn */

static const struct {
    double p;
    int64_t k;
    double own[10], new[3];
} sklearn[] = {
    /* tests/reference/lof.py */
    {2,
     5,
     {0.9389753133279697, 0.9813195568545877, 1.031289244866267, 0.9509572065752691,
      0.9853460272333148, 0.9950952210719702, 1.039420012995413, 2.767817513691968,
      1.073795927159953, 0.9753559427439547},
     {0.9597274758525753, 2.686418816944552, 0.9707029741944263}},
    {1,
     10,
     {1.010698643373449, 1.027229377594057, 0.9911520890422965, 1.000124464641279, 1.02211906951408,
      1.019373048020697, 1.010550819219251, 2.366207210318545, 1.034802359127399,
      1.002468454814237},
     {0.9576515748424269, 2.106274084776994, 1.045650274452758}},
    {INFINITY,
     3,
     {1.057583965475824, 1.062845291301055, 0.9905949500156361, 1.009288257319787,
      0.9481142338458349, 1.012591494239634, 0.9612971918982747, 3.003574403485865,
      1.147773779331731, 0.9447570351798862},
     {0.9679628712221803, 4.409475585713118, 0.9954477742953306}},
};

START_TEST(agrees_with_scikit_learn)
{
    const double rows[] = {0.5, 0.5, 0.0, 4.0, 0.0, 0.0, 0.0, -2.5, 1.0};
    mlk_mat X = test_mat(40, 3);
    for (size_t r = 0; r < 40; r++) {
        const double i = (double)r, plus = r == 7 ? 3.0 : 0.0;
        X.data[3 * r] = sin(1.7 * i) + 0.01 * i + plus;
        X.data[3 * r + 1] = cos(2.3 * i) * 2.0 + plus;
        X.data[3 * r + 2] = sin(0.9 * i * i) + plus;
    }
    mlk_lof_opts opts = mlk_lof_opts_default();
    opts.p = sklearn[_i].p;
    opts.n_neighbors = sklearn[_i].k;
    mlk_lof *model = fit(mlk_mat_c(X), opts);
    const mlk_vec new = score(model, (mlk_cmat){rows, 3, 3, 3});
    for (size_t i = 0; i < 10; i++)
        require_relative(mlk_lof_factors(model).data[i], sklearn[_i].own[i], 1e-9);
    for (size_t i = 0; i < 3; i++)
        require_relative(new.data[i], sklearn[_i].new[i], 1e-9);
    mlk_lof_free(model);
}
END_TEST

/* -------------------------------------------------------------------- outliers */

START_TEST(contamination_is_the_share_of_outliers)
{
    const mlk_cmat X = test_random_mat(8, 200, 3);
    mlk_lof_opts opts = mlk_lof_opts_default();
    mlk_vec out = test_vec(200);
    size_t n = 0;
    opts.contamination = 0.1;
    mlk_lof *model = fit(X, opts), *plain = fit(X, mlk_lof_opts_default());
    require_ok(mlk_lof_predict(model, X, NULL, out));
    for (size_t i = 0; i < 200; i++) {
        n += out.data[i] == 1.0;
        ck_assert(out.data[i] ==
                  (double)(mlk_lof_factors(model).data[i] > mlk_lof_threshold(model)));
    }
    ck_assert_uint_eq(n, 20);
    ck_assert(mlk_lof_threshold(plain) == 1.5);
    mlk_lof_free(model);
    mlk_lof_free(plain);
}
END_TEST

START_TEST(units_do_not_matter)
{
    const mlk_cmat X = test_random_mat(8, 60, 3);
    mlk_mat small = test_mat(60, 3);
    for (size_t i = 0; i < 180; i++)
        small.data[i] = 0x1p-60 * X.data[i];
    mlk_lof *a = fit(X, mlk_lof_opts_default()), *b = fit(mlk_mat_c(small), mlk_lof_opts_default());
    for (size_t i = 0; i < 60; i++)
        require_relative(mlk_lof_factors(a).data[i], mlk_lof_factors(b).data[i], 1e-14);
    mlk_lof_free(a);
    mlk_lof_free(b);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(3, 3000, 3);
    const mlk_data d = {.X = X};
    const int threads[] = {1, 2, 3, 8};
    mlk_vec first = test_vec(X.rows), out = test_vec(X.rows);
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        mlk_lof *model;
        require_ok(mlk_lof_fit(&d, NULL, &run, &model));
        require_ok(mlk_lof_score(model, X, &run, k ? out : first));
        if (k)
            require_same(first.data, out.data, X.rows * sizeof(double));
        mlk_lof_free(model);
    }
}
END_TEST

START_TEST(survives_an_archive)
{
    const mlk_data d = {.X = test_random_mat(8, 50, 2)};
    const mlk_cmat Q = test_random_mat(9, 20, 2);
    mlk_lof_opts opts = mlk_lof_opts_default();
    mlk_doc *doc = mlk_doc_new();
    mlk_mat a = test_mat(20, 1), b = test_mat(20, 1);
    mlk_model *model, *back;
    opts.p = INFINITY;
    require_ok(mlk_model_fit(&mlk_lof_algo, &opts, &d, NULL, &model));
    mlk_model_save(model, doc);
    require_ok(mlk_model_load(doc, &back));
    require_ok(mlk_model_decision(model, Q, NULL, a));
    require_ok(mlk_model_decision(back, Q, NULL, b));
    require_same(a.data, b.data, 20 * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(back);
    mlk_doc_free(doc);
}
END_TEST

/* ------------------------------------------------------------------- bad input */

static size_t n_warnings;
static void count_warning(void *user, const char *line)
{
    n_warnings += strstr(line, user) != NULL;
}

START_TEST(more_neighbours_than_rows_are_warned_of)
{
    char text[] = "n_neighbors = 20, but each of the 5 rows has 4 others";
    const mlk_run run = {.warn = count_warning, .user = text};
    const mlk_data d = {.X = test_random_mat(8, 5, 2)};
    mlk_lof_opts opts = mlk_lof_opts_default();
    mlk_lof *model;
    n_warnings = 0;
    require_ok(mlk_lof_fit(&d, NULL, &run, &model));
    ck_assert_uint_eq(n_warnings, 1);
    opts.n_neighbors = 4;
    mlk_lof *four = fit(d.X, opts);
    require_same(mlk_lof_factors(four).data, mlk_lof_factors(model).data, 5 * sizeof(double));
    mlk_lof_free(model);
    mlk_lof_free(four);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const double X[] = {1, 2, 3, NAN};
    const mlk_data one = {.X = {X, 1, 2, 2}}, hole = {.X = {X, 2, 2, 2}},
                   good = {.X = {X, 3, 1, 1}};
    const struct {
        const mlk_data *data;
        mlk_lof_opts opts;
        const char *text;
    } cases[] = {
        {&good, {0, MLK_LOF_AUTO, 2}, "n_neighbors = 0 is outside"},
        {&good, {2, 0.6, 2}, "contamination = 0.6 is outside auto | (0, 0.5]"},
        {&good, {2, 0.0, 2}, "contamination = 0 is outside"},
        {&good, {2, MLK_LOF_AUTO, 0.5}, "p = 0.5 is outside"},
        {&one, {1, MLK_LOF_AUTO, 2}, "X has 1 row; lof expects at least 2"},
        {&hole, {1, MLK_LOF_AUTO, 2}, "X[1, 1] = nan"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_lof *model;
        require_fail(mlk_lof_fit(cases[k].data, &cases[k].opts, NULL, &model), MLK_EINVAL,
                     cases[k].text);
        ck_assert_ptr_null(model);
    }
    mlk_lof_opts opts = mlk_lof_opts_default();
    opts.n_neighbors = 2;
    mlk_lof *model = fit(good.X, opts);
    double s;
    require_fail(mlk_lof_score(model, (mlk_cmat){X + 3, 1, 1, 1}, NULL, (mlk_vec){&s, 1}),
                 MLK_EINVAL, "X[0, 0] = nan; expected a finite value");
    mlk_lof_free(model);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = {.X = test_random_mat(8, 30, 2)};
    const mlk_run run = {.threads = 1};
    mlk_lof_opts opts = mlk_lof_opts_default();
    mlk_lof *model;
    mlk_status st = MLK_ENOMEM;
    opts.contamination = 0.2;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_lof_fit(&d, &opts, &run, &model);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    mlk_lof_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("neighbors/lof");
    TCase *hand = test_case(s, "definition"), *same = test_case(s, "invariance");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(hand, is_what_the_definition_says);
    tcase_add_test(hand, equal_rows_have_a_density_too);
    tcase_add_test(hand, identical_rows_are_no_outliers_and_others_are);
    tcase_add_loop_test(hand, agrees_with_scikit_learn, 0, (int)MLK_COUNT(sklearn));
    tcase_add_test(hand, contamination_is_the_share_of_outliers);
    tcase_add_test(same, units_do_not_matter);
    tcase_add_test(same, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(same, survives_an_archive);
    tcase_add_test(errors, more_neighbours_than_rows_are_warned_of);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
