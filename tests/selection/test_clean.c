#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/clean.h>

#include "support/mlk_test.h"

static mlk_suspects *find(const mlk_data *d, const mlk_clean_opts *opts)
{
    mlk_suspects *s;
    require_ok(mlk_clean_find(d, opts, NULL, &s));
    return s;
}

/* Two clusters on a line; rows 2 and 7 have the other's class. */
static const double line[] = {0, 1, 2.1, 3.3, 4.6, 20, 21, 22.1, 23.3, 24.6};
static const double swapped[] = {0, 0, 1, 0, 0, 1, 1, 0, 1, 1};
static const mlk_data two = {.X = {line, 10, 1, 1}, .y = {swapped, 10}, .n_classes = 2};

START_TEST(neighbours_find_the_rows_of_the_other_class)
{
    mlk_suspects *s = find(&two, NULL);
    ck_assert_uint_eq(mlk_suspects_count(s), 2);
    ck_assert_uint_eq(mlk_suspects_at(s, 0).row, 2);
    ck_assert(mlk_suspects_at(s, 0).truth == 1.0 && mlk_suspects_at(s, 0).predicted == 0.0);
    ck_assert_uint_eq(mlk_suspects_at(s, 1).row, 7);
    ck_assert(isnan(mlk_suspects_at(s, 1).deviations));
    mlk_suspects_free(s);
}
END_TEST

/* Majority of the k nearest others by plain loops, columns to variance 1; ties to the first row and
 * the lowest class. */
static double literal_vote(mlk_cmat X, mlk_cvec y, size_t n_classes, size_t i, size_t k)
{
    double *scale = test_alloc(X.cols * sizeof *scale),
           *count = test_alloc(n_classes * sizeof(double));
    bool *taken = test_alloc(X.rows);
    for (size_t j = 0; j < X.cols; j++) {
        double mean = 0.0;
        for (size_t r = 0; r < X.rows; r++)
            mean += X.data[r * X.ld + j] / (double)X.rows;
        for (size_t r = 0; r < X.rows; r++)
            scale[j] += pow(X.data[r * X.ld + j] - mean, 2.0) / (double)X.rows;
    }
    for (size_t v = 0; v < k; v++) {
        double least = INFINITY;
        size_t best = 0;
        for (size_t r = 0; r < X.rows; r++) {
            double square = 0.0;
            for (size_t j = 0; j < X.cols; j++)
                square += pow(X.data[r * X.ld + j] - X.data[i * X.ld + j], 2.0) / scale[j];
            if (r != i && !taken[r] && square < least) {
                least = square;
                best = r;
            }
        }
        taken[best] = true;
        count[(size_t)y.data[best]]++;
    }
    size_t top = 0;
    for (size_t c = 1; c < n_classes; c++)
        if (count[c] > count[top])
            top = c;
    return (double)top;
}

START_TEST(neighbours_say_what_the_definition_says)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        const mlk_cmat Z = test_random_mat(seed, 70, 3);
        mlk_mat X = test_mat(70, 3);
        for (size_t i = 0; i < 210; i++)
            X.data[i] = Z.data[i] * pow(10.0, (double)(i % 3));
        const mlk_data d = {.X = mlk_mat_c(X), .y = test_classes(seed, Z, 3), .n_classes = 3};
        mlk_clean_opts opts = mlk_clean_opts_default();
        opts.neighbours = 2 + seed;
        mlk_suspects *s = find(&d, &opts);
        size_t next = 0;
        for (size_t i = 0; i < 70; i++) {
            const double said = literal_vote(d.X, d.y, 3, i, opts.neighbours);
            if (said == d.y.data[i])
                continue;
            ck_assert_uint_lt(next, mlk_suspects_count(s));
            ck_assert_uint_eq(mlk_suspects_at(s, next).row, i);
            ck_assert(mlk_suspects_at(s, next).predicted == said);
            next++;
        }
        ck_assert_uint_eq(next, mlk_suspects_count(s));
        mlk_suspects_free(s);
    }
}
END_TEST

START_TEST(neighbours_take_gaps_and_categories)
{
    /* The category alone tells the classes apart; row 3 contradicts it. */
    const double X[] = {0, 1, 0, 1.5, 0, NAN, 0, 2, 0, 1.6, 1, 1, 1, 1.5, 1, NAN, 1, 2, 1, 1.6},
                 y[] = {0, 0, 0, 1, 0, 1, 1, 1, 1, 1};
    const size_t levels[] = {2, 0};
    const mlk_data d = {.X = {X, 10, 2, 2}, .y = {y, 10}, .n_classes = 2, .levels = levels};
    mlk_suspects *s = find(&d, NULL);
    ck_assert_uint_eq(mlk_suspects_count(s), 1);
    ck_assert_uint_eq(mlk_suspects_at(s, 0).row, 3);
    mlk_suspects_free(s);
}
END_TEST

/* ------------------------------------------------------------------- by the model itself */

static mlk_clean_opts by_model(const mlk_pipeline_opts *pipeline)
{
    mlk_clean_opts opts = mlk_clean_opts_default();
    opts.method = MLK_CLEAN_CV;
    opts.algo = &mlk_pipeline_algo;
    opts.algo_opts = pipeline;
    return opts;
}

START_TEST(folds_find_the_rows_of_the_other_class)
{
    const mlk_pipeline_opts pipeline = mlk_pipeline_opts_default(mlk_algo_find("naive-bayes"));
    mlk_clean_opts opts = by_model(&pipeline);
    opts.folds = 5;
    mlk_suspects *s = find(&two, &opts);
    ck_assert_uint_eq(mlk_suspects_count(s), 2);
    ck_assert_uint_eq(mlk_suspects_at(s, 0).row, 2);
    ck_assert_uint_eq(mlk_suspects_at(s, 1).row, 7);
    mlk_suspects_free(s);
}
END_TEST

START_TEST(one_row_a_fold_is_n_fits_by_hand)
{
    const mlk_algo *ridge = mlk_algo_find("ridge");
    const mlk_pipeline_opts pipeline = mlk_pipeline_opts_default(ridge);
    mlk_clean_opts opts = by_model(&pipeline);
    const mlk_cmat X = test_random_mat(3, 40, 2);
    mlk_vec y = test_vec(40), residual = test_vec(40), sorted = test_vec(40);
    memcpy(y.data, test_linear_target(5, X, 0.1).data, 40 * sizeof(double));
    y.data[11] += 2.0;
    y.data[30] -= 3.0;
    const mlk_data d = {.X = X, .y = mlk_vec_c(y)};
    opts.folds = 100; /* more than rows: one row a fold */
    mlk_suspects *s = find(&d, &opts);
    for (size_t i = 0; i < 40; i++) {
        mlk_mat rest = test_mat(39, 2);
        mlk_vec others = test_vec(39);
        mlk_model *model;
        double said;
        for (size_t r = 0; r < 39; r++) {
            memcpy(rest.data + 2 * r, X.data + 2 * (r + (r >= i)), 2 * sizeof(double));
            others.data[r] = y.data[r + (r >= i)];
        }
        const mlk_data without = {.X = mlk_mat_c(rest), .y = mlk_vec_c(others)};
        require_ok(mlk_model_fit(ridge, NULL, &without, NULL, &model));
        require_ok(mlk_model_predict(model, mlk_cmat_rows(X, i, i + 1), NULL, (mlk_vec){&said, 1}));
        mlk_model_free(model);
        residual.data[i] = y.data[i] - said;
    }
    /* Robust standard deviations by sorting. */
    double centre = 0.0, spread = 0.0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < 40; i++)
            sorted.data[i] = pass ? fabs(residual.data[i] - centre) : residual.data[i];
        for (size_t a = 0; a < 40; a++)
            for (size_t b = a + 1; b < 40; b++)
                if (sorted.data[b] < sorted.data[a]) {
                    const double t = sorted.data[a];
                    sorted.data[a] = sorted.data[b];
                    sorted.data[b] = t;
                }
        *(pass ? &spread : &centre) = 0.5 * (sorted.data[19] + sorted.data[20]);
    }
    size_t next = 0;
    for (size_t i = 0; i < 40; i++) {
        const double z = (residual.data[i] - centre) / (1.4826 * spread);
        ck_assert(i != 11 && i != 30 ? true : fabs(z) > 3.5);
        if (fabs(z) <= 3.5)
            continue;
        ck_assert_uint_lt(next, mlk_suspects_count(s));
        const mlk_suspect at = mlk_suspects_at(s, next++);
        ck_assert_uint_eq(at.row, i);
        require_close(at.truth - at.predicted, residual.data[i], 1e-9);
        require_close(at.deviations, z, 1e-6);
    }
    ck_assert_uint_eq(next, mlk_suspects_count(s));
    mlk_suspects_free(s);
}
END_TEST

START_TEST(threads_change_nothing)
{
    const mlk_pipeline_opts pipeline = mlk_pipeline_opts_default(mlk_algo_find("logistic"));
    const mlk_cmat X = test_random_mat(3, 300, 3);
    const mlk_data d = {.X = X, .y = test_classes(1, X, 3), .n_classes = 3};
    const int threads[] = {1, 2, 3, 8};
    for (int method = 0; method < 2; method++) {
        mlk_clean_opts opts = by_model(&pipeline);
        mlk_suspects *first = NULL;
        opts.method = method ? MLK_CLEAN_CV : MLK_CLEAN_ENN;
        for (size_t k = 0; k < 4; k++) {
            const mlk_run run = {.threads = threads[k]};
            mlk_suspects *s;
            require_ok(mlk_clean_find(&d, &opts, &run, &s));
            if (!first)
                first = s;
            ck_assert_uint_eq(mlk_suspects_count(s), mlk_suspects_count(first));
            for (size_t i = 0; i < mlk_suspects_count(s); i++)
                ck_assert_uint_eq(mlk_suspects_at(s, i).row, mlk_suspects_at(first, i).row);
            if (s != first)
                mlk_suspects_free(s);
        }
        mlk_suspects_free(first);
    }
}
END_TEST

/* ----------------------------------------------------------------------------- bad input */

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_pipeline_opts pipeline = mlk_pipeline_opts_default(mlk_algo_find("qda"));
    const mlk_data numbers = {.X = two.X, .y = two.y}, none = {.X = two.X};
    mlk_clean_opts many = mlk_clean_opts_default(), blind = by_model(NULL),
                   fails = by_model(&pipeline);
    const double lone[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const mlk_data one = {.X = two.X, .y = {lone, 10}, .n_classes = 2};
    mlk_suspects *s;
    many.neighbours = 10;
    blind.algo = NULL;
    require_fail(mlk_clean_find(&two, &many, NULL, &s), MLK_EINVAL,
                 "10 neighbours of 10 rows; expected 1..9");
    ck_assert_ptr_null(s);
    require_fail(mlk_clean_find(&numbers, NULL, NULL, &s), MLK_EINVAL, "expect classes");
    require_fail(mlk_clean_find(&none, NULL, NULL, &s), MLK_EINVAL, "no target");
    require_fail(mlk_clean_find(&two, &blind, NULL, &s), MLK_EINVAL, "expects an algorithm");
    require_fail(mlk_clean_find(&one, &fails, NULL, &s), MLK_EINVAL,
                 "class 1 has 1 row of weight 1");
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_pipeline_opts pipeline = mlk_pipeline_opts_default(mlk_algo_find("naive-bayes"));
    const mlk_run run = {.threads = 1};
    for (int method = 0; method < 2; method++) {
        mlk_clean_opts opts = by_model(&pipeline);
        mlk_suspects *s;
        mlk_status st = MLK_ENOMEM;
        opts.folds = 2;
        opts.method = method ? MLK_CLEAN_CV : MLK_CLEAN_ENN;
        for (int k = 0; st != MLK_OK; k++) {
            mlk_test_fail_at = k;
            st = mlk_clean_find(&two, &opts, &run, &s);
            mlk_test_fail_at = -1;
            ck_assert(st == MLK_OK ? s != NULL : s == NULL);
            ck_assert(st == MLK_OK || st == MLK_ENOMEM || st == MLK_EINVAL); /* a fold's failure */
            mlk_suspects_free(s);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/clean");
    TCase *found = test_case(s, "found"), *errors = test_case(s, "errors");
    tcase_add_test(found, neighbours_find_the_rows_of_the_other_class);
    tcase_add_test(found, neighbours_say_what_the_definition_says);
    tcase_add_test(found, neighbours_take_gaps_and_categories);
    tcase_add_test(found, folds_find_the_rows_of_the_other_class);
    tcase_add_test(found, one_row_a_fold_is_n_fits_by_hand);
    tcase_add_test(found, threads_change_nothing);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
