/*
 * Time preprocessing and model selection on data that bench_selection.py wrote, or count how often
 * tests of equal models reject:
 *
 *     bench_selection prepare|cv|grid DATA ROWS COLUMNS THREADS REPEATS
 *     bench_selection level TABLES ROWS FOLDS REPEATS MODEL TASK
 *
 * DATA holds ROWS * COLUMNS doubles of X, row by row, then ROWS of y. Prints one JSON line: the
 * seconds of each repeat, and a figure to compare with the peer's.
 */
#include <mlkit/linear/ridge.h>
#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/compare.h>
#include <mlkit/selection/search.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"

static void fail(const char *what)
{
    fprintf(stderr, "bench_selection: %s\n", what);
    exit(1);
}

static void check(mlk_status st)
{
    if (st != MLK_OK)
        fail(mlk_error_message(st));
}

static double *read_doubles(const char *path, size_t n)
{
    FILE *f = fopen(path, "rb");
    double *values = mlk_alloc(n, sizeof *values);
    if (!f || !values || fread(values, sizeof *values, n, f) != n)
        fail(path);
    fclose(f);
    return values;
}

static mlk_folds *blocks(const mlk_data *d, size_t k)
{
    const mlk_folds_opts o = {.kind = MLK_FOLDS_BLOCKS, .folds = k, .repeats = 1};
    mlk_folds *f;
    check(mlk_folds_new(d, &o, NULL, &f));
    return f;
}

/* Median imputation and standardising, then ridge, learned and applied: mean squared error. */
static double prepare(const mlk_data *d, const mlk_pipeline_opts *o, const mlk_run *run)
{
    mlk_model *m;
    double sum = 0.0, *out = mlk_alloc(d->X.rows, sizeof *out);
    check(out ? mlk_model_fit(&mlk_pipeline_algo, o, d, run, &m) : MLK_ENOMEM);
    check(mlk_model_predict(m, d->X, run, (mlk_vec){out, d->X.rows}));
    for (size_t i = 0; i < d->X.rows; i++)
        sum += (out[i] - d->y.data[i]) * (out[i] - d->y.data[i]) / (double)d->X.rows;
    mlk_model_free(m);
    mlk_free(out);
    return sum;
}

/* Ten blocks, mean R^2. */
static double cross_validate(const mlk_data *d, const mlk_pipeline_opts *o, const mlk_run *run)
{
    const char *const r2[] = {"r2"};
    const mlk_candidate c = {&mlk_pipeline_algo, o};
    const mlk_cv_opts co = {.metrics = r2, .n_metrics = 1, .beta = 1.0};
    mlk_folds *f = blocks(d, 10);
    mlk_cv *cv;
    check(mlk_cross_validate(&c, 1, d, f, &co, run, &cv));
    const double mean = mlk_cv_summarise(cv, 0, 0).mean;
    mlk_cv_free(cv);
    mlk_folds_free(f);
    return mean;
}

/* Ten alphas in five blocks, and the refit: mean R^2 of the best. */
static double search(const mlk_data *d, const mlk_pipeline_opts *o, const mlk_run *run)
{
    const char *const specs[] = {"alpha=0.001..1000000/10log"};
    mlk_folds *f = blocks(d, 5);
    mlk_grid *g;
    mlk_search *s;
    mlk_model *m;
    check(mlk_grid_new(o, specs, 1, &g));
    check(mlk_search_run(g, d, f, NULL, run, &s));
    check(mlk_model_fit(&mlk_pipeline_algo, mlk_grid_at(g, mlk_search_best(s)), d, run, &m));
    const double mean = mlk_cv_summarise(mlk_search_cv(s), 0, 0).mean;
    mlk_model_free(m);
    mlk_search_free(s);
    mlk_grid_free(g);
    mlk_folds_free(f);
    return mean;
}

static void time_task(char **argv)
{
    const size_t n = strtoul(argv[3], NULL, 10), p = strtoul(argv[4], NULL, 10);
    const mlk_run run = {.threads = atoi(argv[5])};
    const int repeats = atoi(argv[6]);
    double *values = read_doubles(argv[2], n * (p + 1)), figure = 0.0;
    const mlk_data data = {.X = {values, n, p, p}, .y = {values + n * p, n}};
    mlk_pipeline_opts o = mlk_pipeline_opts_default(&mlk_ridge_algo);
    o.scale = "standard";
    printf("{\"seconds\": [");
    for (int k = 0; k < repeats; k++) {
        const double begin = mlk_seconds();
        figure = strcmp(argv[1], "prepare") == 0 ? prepare(&data, &o, &run)
                 : strcmp(argv[1], "cv") == 0    ? cross_validate(&data, &o, &run)
                                                 : search(&data, &o, &run);
        printf("%s%.6f", k ? ", " : "", mlk_seconds() - begin);
    }
    printf("], \"figure\": %.17g}\n", figure);
    mlk_free(values);
}

/* Two models that are equally good: y = x0 + x1 + noise (its sign, for a classifier), and each sees
 * one of the columns. Differences of their scores over the splits, into d; returns the tested over
 * the training rows. */
typedef struct duel {
    const mlk_algo *algo;
    bool classes;
    size_t rows, folds, repeats;
} duel;

static double compare_equals(const duel *how, uint64_t seed, double *d)
{
    const size_t n = how->rows;
    const char *const metric[] = {how->classes ? "accuracy" : "mse"};
    mlk_rng rng = mlk_rng_stream(seed, 0);
    double *x = mlk_alloc(n, 3 * sizeof *x), *y = x + 2 * n, ratio = 0.0;
    if (!x)
        fail("no memory");
    for (size_t i = 0; i < n; i++) {
        x[i] = mlk_rng_normal(&rng);
        x[n + i] = mlk_rng_normal(&rng);
        y[i] = x[i] + x[n + i] + mlk_rng_normal(&rng);
        if (how->classes)
            y[i] = (double)(y[i] > 0.0);
    }
    for (size_t model = 0; model < 2; model++) {
        const mlk_data data = {
            .X = {x + model * n, n, 1, 1}, .y = {y, n}, .n_classes = how->classes ? 2 : 0};
        const mlk_folds_opts fo = {
            .folds = how->folds, .repeats = how->repeats, .seed = (int64_t)seed};
        const mlk_candidate c = {.algo = how->algo};
        const mlk_cv_opts co = {.metrics = metric, .n_metrics = 1, .beta = 1.0};
        mlk_folds *f;
        mlk_cv *cv;
        check(mlk_folds_new(&data, &fo, NULL, &f));
        check(mlk_cross_validate(&c, 1, &data, f, &co, NULL, &cv));
        for (size_t s = 0; s < how->folds * how->repeats; s++)
            d[s] = mlk_cv_values(cv, 0, 0).data[s] - (model ? d[s] : 0.0);
        ratio = mlk_cv_ratio(cv);
        mlk_cv_free(cv);
        mlk_folds_free(f);
    }
    mlk_free(x);
    return ratio;
}

/* Shares of tables on which the tests find a difference between equal models at 5 %. */
static void count_rejections(char **argv)
{
    const size_t tables = strtoul(argv[2], NULL, 10);
    const duel how = {mlk_algo_find(argv[6]), strcmp(argv[7], "classification") == 0,
                      strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
                      strtoul(argv[5], NULL, 10)};
    const size_t splits = how.folds * how.repeats;
    size_t corrected = 0, plain = 0;
    double *d = mlk_alloc(splits, sizeof *d);
    if (!d || !how.algo)
        fail("no memory, or no such model");
    for (size_t t = 0; t < tables; t++) {
        const double ratio = compare_equals(&how, 1000 + t, d);
        corrected += mlk_corrected_t_test((mlk_cvec){d, splits}, ratio, 0.95).p < 0.05;
        plain += mlk_corrected_t_test((mlk_cvec){d, splits}, 0.0, 0.95).p < 0.05;
    }
    printf("{\"tables\": %zu, \"corrected\": %.4f, \"plain\": %.4f}\n", tables,
           (double)corrected / (double)tables, (double)plain / (double)tables);
    mlk_free(d);
}

int main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "level") == 0)
        count_rejections(argv);
    else if (argc == 7)
        time_task(argv);
    else
        fail("usage: prepare|cv|grid DATA ROWS COLUMNS THREADS REPEATS, or level TABLES ROWS FOLDS "
             "REPEATS MODEL TASK");
    return 0;
}
