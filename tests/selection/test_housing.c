#include <mlkit/data/dataset.h>
#include <mlkit/data/table.h>
#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/cross_validate.h>
#include <mlkit/stats/describe.h>
#include <mlkit/svm/svr.h>

#include <stdio.h>

#include "support/mlk_test.h"

/*
 * The Californian housing of Geron, Hands-On Machine Learning (1st edition), chapter 2: figures as
 * printed there. Skipped where the book's data are absent.
 */

#define MEDIAN_BEDROOMS 433.0 /* that test_pipeline.c finds */

enum { RAW = 9, COLUMNS = 12 }; /* with three ratios; ocean_proximity last */

typedef struct housing {
    mlk_data train, test;
} housing;

static const size_t levels[COLUMNS] = {[COLUMNS - 1] = 5};

static size_t read_rows(const char *path, size_t *rows, size_t cap)
{
    FILE *f = fopen(path, "r");
    size_t n = 0;
    ck_assert_ptr_nonnull(f);
    while (n < cap && fscanf(f, "%zu", &rows[n]) == 1)
        n++;
    fclose(f);
    return n;
}

/* Rows of the raw design (median bedrooms where they are missing, before the ratios), target last
 * in the table. */
static mlk_data take(mlk_data all, const char *index, double bedrooms)
{
    size_t *rows = test_alloc(all.X.rows * sizeof *rows);
    const size_t n = read_rows(index, rows, all.X.rows);
    mlk_mat X = test_mat(n, COLUMNS);
    mlk_vec y = test_vec(n);
    for (size_t k = 0; k < n; k++) {
        const double *from = all.X.data + rows[k] * all.X.ld;
        double *to = X.data + k * COLUMNS;
        memcpy(to, from, 8 * sizeof *to);
        if (isnan(to[4]))
            to[4] = bedrooms;
        to[8] = to[3] / to[6];  /* rooms per household */
        to[9] = to[5] / to[6];  /* population per household */
        to[10] = to[4] / to[3]; /* bedrooms per room */
        to[11] = from[8];
        y.data[k] = all.y.data[rows[k]];
    }
    return (mlk_data){.X = mlk_mat_c(X), .y = mlk_vec_c(y), .levels = levels};
}

/* false: not there. */
static bool load(housing *h, double bedrooms)
{
    const char *path = test_shared_path("datasets/california_housing.csv");
    const char *train = test_shared_path("book/housing_strat_train_idx.txt");
    const char *test = test_shared_path("book/housing_strat_test_idx.txt");
    if (!path || !train || !test)
        return false;
    mlk_table *table;
    mlk_dataset *dataset;
    const mlk_roles roles = {.target = "median_house_value"};
    require_ok(mlk_table_read(path, NULL, NULL, &table));
    require_ok(mlk_dataset_new(table, &roles, NULL, &dataset));
    const mlk_data all = mlk_dataset_data(dataset);
    ck_assert(all.X.cols == RAW && all.levels[8] == 5);
    h->train = take(all, train, bedrooms);
    h->test = take(all, test, bedrooms);
    mlk_dataset_free(dataset);
    mlk_table_free(table);
    return true;
}

static mlk_pipeline_opts linear_opts(void)
{
    mlk_pipeline_opts o = mlk_pipeline_opts_default(mlk_algo_find("linear"));
    o.encode = "onehot";
    o.scale = "standard";
    return o;
}

static double metric_of(const char *name, mlk_cvec truth, mlk_vec predicted)
{
    const mlk_metric *metric;
    mlk_score score;
    const mlk_predictions p = {
        .task = MLK_METRIC_REGRESSION, .truth = truth, .predicted = mlk_vec_c(predicted)};
    require_ok(mlk_metric_find(name, MLK_METRIC_REGRESSION, 0, &metric));
    require_ok(mlk_metrics_compute(&p, &metric, 1, 1.0, NULL, &score));
    return score.value;
}

/* Case 2.4; rows without bedrooms are left out of that column's correlation. */
START_TEST(correlations_with_the_target_are_the_books)
{
    static const double expected[] = {-.047432, -.142724, .114110, .135097,
                                      .047689,  -.026920, .064506, .687160};
    housing h;
    if (!load(&h, (double)NAN))
        return;
    const size_t n = h.train.X.rows;
    for (size_t j = 0; j < MLK_COUNT(expected); j++) {
        mlk_vec x = test_vec(n), y = test_vec(n);
        x.n = 0;
        for (size_t i = 0; i < n; i++)
            if (!isnan(h.train.X.data[i * COLUMNS + j])) {
                x.data[x.n] = h.train.X.data[i * COLUMNS + j];
                y.data[x.n++] = h.train.y.data[i];
            }
        y.n = x.n;
        require_close(mlk_correlation(mlk_vec_c(x), mlk_vec_c(y)), expected[j], 5e-7);
    }
}
END_TEST

static void keep_line(void *user, const char *line) { strncat(user, line, 400); }

START_TEST(a_design_of_rank_16_of_17_is_said_to_be)
{
    char warnings[1000] = "";
    const mlk_run run = {.warn = keep_line, .user = warnings};
    housing h;
    mlk_model *m;
    if (!load(&h, MEDIAN_BEDROOMS))
        return;
    const mlk_pipeline_opts o = linear_opts();
    require_ok(mlk_model_fit(&mlk_pipeline_algo, &o, &h.train, &run, &m));
    ck_assert_msg(strstr(warnings, "rank 16 of 17") != NULL, "%s", warnings);
    mlk_model_free(m);
}
END_TEST

START_TEST(linear_regression_reproduces_the_books_errors)
{
    static const struct {
        const char *metric;
        double value;
    } training[] = {{"rmse", 68628.19819848922},
                    {"mae", 49439.89599001897},
                    {"r2", 0.6481624842804428},
                    {"rse", 0.3518375157195572},
                    {"rae", 0.5415378257188682}};
    static const double first[] = {210644.60459286, 317768.80697211, 210956.43331178,
                                   59218.98886849, 189747.55849879};
    housing h;
    mlk_model *m;
    if (!load(&h, MEDIAN_BEDROOMS))
        return;
    const mlk_pipeline_opts o = linear_opts();
    require_ok(mlk_model_fit(&mlk_pipeline_algo, &o, &h.train, NULL, &m));
    ck_assert_uint_eq(mlk_pipeline_n_columns(m), 16);
    mlk_vec train = test_vec(h.train.X.rows), test = test_vec(h.test.X.rows);
    require_ok(mlk_model_predict(m, h.train.X, NULL, train));
    require_ok(mlk_model_predict(m, h.test.X, NULL, test));
    for (size_t k = 0; k < MLK_COUNT(training); k++)
        require_relative(metric_of(training[k].metric, h.train.y, train), training[k].value, 1e-8);
    require_relative(metric_of("rmse", h.test.y, test), 66911.98070857547, 1e-8);
    for (size_t i = 0; i < 5; i++)
        require_close(train.data[i], first[i], 1e-5);
    mlk_model_free(m);
}
END_TEST

/* Numbers standardised, ocean_proximity as five columns of 0 and 1 as they are. */
static mlk_cmat book_design(mlk_cmat raw)
{
    enum { NUMBERS = COLUMNS - 1, DESIGN = NUMBERS + 5 };
    mlk_mat X = test_mat(raw.rows, DESIGN);
    for (size_t j = 0; j < NUMBERS; j++) {
        double mean = 0.0, var = 0.0;
        for (size_t i = 0; i < raw.rows; i++)
            mean += raw.data[i * COLUMNS + j] / (double)raw.rows;
        for (size_t i = 0; i < raw.rows; i++)
            var += pow(raw.data[i * COLUMNS + j] - mean, 2.0) / (double)raw.rows;
        for (size_t i = 0; i < raw.rows; i++)
            X.data[i * DESIGN + j] = (raw.data[i * COLUMNS + j] - mean) / sqrt(var);
    }
    for (size_t i = 0; i < raw.rows; i++)
        X.data[i * DESIGN + NUMBERS + (size_t)raw.data[i * COLUMNS + NUMBERS]] = 1.0;
    return mlk_mat_c(X);
}

START_TEST(support_vector_regression_reproduces_the_books_error)
{
    housing h;
    if (!load(&h, MEDIAN_BEDROOMS))
        return;
    const mlk_data d = {.X = book_design(h.train.X), .y = h.train.y};
    mlk_svr_opts o = mlk_svr_opts_default();
    o.kernel = MLK_KERNEL_LINEAR;
    mlk_svr *model;
    mlk_vec out = test_vec(d.X.rows);
    require_ok(mlk_svr_fit(&d, &o, NULL, &model));
    require_ok(mlk_svr_predict(model, d.X, NULL, out));
    ck_assert(mlk_svr_info(model).converged);
    require_close(metric_of("rmse", d.y, out), 111094.63, 1.0);
    mlk_svr_free(model);
}
END_TEST

START_TEST(ten_blocks_reproduce_the_books_cross_validation)
{
    static const char *const rmse[] = {"rmse"};
    housing h;
    if (!load(&h, MEDIAN_BEDROOMS))
        return;
    /* The book learns the preparation on all training rows, then cross-validates the regression. */
    const mlk_pipeline_opts o = linear_opts();
    mlk_model *m;
    require_ok(mlk_model_fit(&mlk_pipeline_algo, &o, &h.train, NULL, &m));
    mlk_mat D = test_mat(h.train.X.rows, mlk_pipeline_n_columns(m));
    require_ok(mlk_pipeline_design(m, h.train.X, NULL, D));
    const mlk_data prepared = {.X = mlk_mat_c(D), .y = h.train.y};
    const mlk_candidate c[] = {{o.algo, NULL}, {&mlk_pipeline_algo, &o}};
    const mlk_folds_opts fo = {.kind = MLK_FOLDS_BLOCKS, .folds = 10, .repeats = 1};
    const mlk_cv_opts co = {.metrics = rmse, .n_metrics = 1, .beta = 1};
    mlk_folds *f;
    mlk_cv *cv, *inside;
    require_ok(mlk_folds_new(&prepared, &fo, NULL, &f));
    require_ok(mlk_cross_validate(&c[0], 1, &prepared, f, &co, NULL, &cv));
    const mlk_cv_summary s = mlk_cv_summarise(cv, 0, 0);
    require_relative(s.mean, 69052.46136345083, 1e-8);
    require_relative(s.sd * sqrt(0.9), 2731.674001798348, 1e-8); /* printed with divisor n */
    /* Learned inside the folds, the preparation changes a regression's errors by rounding, and by
     * what a level means that a fold has never seen. */
    require_ok(mlk_cross_validate(&c[1], 1, &h.train, f, &co, NULL, &inside));
    require_relative(mlk_cv_summarise(inside, 0, 0).mean, s.mean, 1e-3);
    mlk_cv_free(cv);
    mlk_cv_free(inside);
    mlk_folds_free(f);
    mlk_model_free(m);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/housing");
    TCase *book = test_case(s, "book");
    tcase_add_test(book, linear_regression_reproduces_the_books_errors);
    tcase_add_test(book, correlations_with_the_target_are_the_books);
    tcase_add_test(book, a_design_of_rank_16_of_17_is_said_to_be);
    tcase_add_test(book, support_vector_regression_reproduces_the_books_error);
    tcase_add_test(book, ten_blocks_reproduce_the_books_cross_validation);
    return s;
}
