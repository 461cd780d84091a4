/*
 * Time preprocessing and model selection on data that bench_selection.py wrote, count how often
 * tests of equal models reject, or set bias and variance by the bootstrap beside their definition:
 *
 *     bench_selection prepare|cv|grid DATA ROWS COLUMNS THREADS REPEATS
 *     bench_selection level TABLES ROWS FOLDS REPEATS MODEL TASK [NAME VALUE]
 *     bench_selection bias ROWS SETS
 *
 * DATA holds ROWS * COLUMNS doubles of X, row by row, then ROWS of y. Prints one JSON line: the
 * seconds of each repeat, and a figure to compare with the peer's.
 */
#include <mlkit/linear/ridge.h>
#include <mlkit/model.h>
#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/bootstrap.h>
#include <mlkit/selection/compare.h>
#include <mlkit/selection/search.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "driver.h"

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
    const void *opts; /* NULL: defaults */
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
        stop("no memory");
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
        const mlk_candidate c = {.algo = how->algo, .opts = how->opts};
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

/* Options of an algorithm with one of them set; NULL: no name is given. */
static void *options_of(const mlk_algo *algo, const char *name, const char *value)
{
    if (!name)
        return NULL;
    void *opts = mlk_alloc_zero(1, algo->opts_size);
    if (!opts)
        stop("no memory");
    mlk_opts_set_default(algo->opts, opts);
    check(mlk_opts_parse(algo->opts, algo->name, name, value, opts));
    return opts;
}

/* Shares of tables on which the tests find a difference between equal models at 5 %. */
static void count_rejections(int argc, char **argv)
{
    const size_t tables = strtoul(argv[2], NULL, 10);
    const mlk_algo *algo = mlk_algo_find(argv[6]);
    if (!algo)
        stop("no such model");
    void *opts = options_of(algo, argc > 8 ? argv[8] : NULL, argv[argc - 1]);
    const duel how = {algo,
                      opts,
                      strcmp(argv[7], "classification") == 0,
                      strtoul(argv[3], NULL, 10),
                      strtoul(argv[4], NULL, 10),
                      strtoul(argv[5], NULL, 10)};
    const size_t splits = how.folds * how.repeats;
    size_t corrected = 0, strict = 0, plain = 0, f = 0;
    double *d = mlk_alloc(splits, sizeof *d);
    if (!d)
        stop("no memory");
    for (size_t t = 0; t < tables; t++) {
        const double ratio = compare_equals(&how, 1000 + t, d);
        const double p = mlk_corrected_t_test((mlk_cvec){d, splits}, ratio, 0.95).p;
        corrected += p < 0.05;
        strict += p < 0.01;
        plain += mlk_corrected_t_test((mlk_cvec){d, splits}, 0.0, 0.95).p < 0.05;
        f += how.folds == 2 && mlk_5x2cv_f_test((mlk_cvec){d, splits}).p < 0.05;
    }
    printf("{\"tables\": %zu, \"corrected\": %.4f, \"at_1_percent\": %.4f, \"plain\": %.4f", tables,
           (double)corrected / (double)tables, (double)strict / (double)tables,
           (double)plain / (double)tables);
    if (how.folds == 2 && how.repeats == 5)
        printf(", \"5x2cv_f\": %.4f", (double)f / (double)tables);
    printf("}\n");
    mlk_free(d);
    mlk_free(opts);
}

/* ----------------------------------------------------------- bias and variance */

enum { TEST_ROWS = 4000 };

static const double NOISE = 0.3; /* standard deviation */

/* Rows of y = sin(2 x) + noise; `clean` gets the targets without noise. */
static mlk_data waves(uint64_t stream, size_t n, double *memory, double **clean)
{
    mlk_rng rng = mlk_rng_stream(99, stream);
    double *x = memory, *y = memory + n;
    *clean = memory + 2 * n;
    for (size_t i = 0; i < n; i++) {
        x[i] = mlk_rng_normal(&rng);
        (*clean)[i] = sin(2.0 * x[i]);
        y[i] = (*clean)[i] + NOISE * mlk_rng_normal(&rng);
    }
    return (mlk_data){.X = {x, n, 1, 1}, .y = {y, n}};
}

/* The terms by their definition: fits to `sets` new training sets, judged on the same rows. */
static mlk_bias_variance by_definition(const mlk_algo *algo, size_t n, size_t sets,
                                       const mlk_data *test, const double *clean)
{
    const size_t m = test->X.rows;
    double *f = mlk_alloc(m, sizeof *f), *sum = mlk_alloc_zero(2 * m, sizeof *sum), *skip;
    double *memory = mlk_alloc(3 * n, sizeof *memory);
    mlk_bias_variance s = {.noise = NOISE * NOISE};
    if (!f || !sum || !memory)
        stop("no memory");
    for (size_t k = 0; k < sets; k++) {
        const mlk_data train = waves(10 + k, n, memory, &skip);
        mlk_model *model;
        check(mlk_model_fit(algo, NULL, &train, NULL, &model));
        check(mlk_model_predict(model, test->X, NULL, (mlk_vec){f, m}));
        mlk_model_free(model);
        for (size_t i = 0; i < m; i++) {
            sum[i] += f[i];
            sum[m + i] += f[i] * f[i];
            s.error += (test->y.data[i] - f[i]) * (test->y.data[i] - f[i]) / (double)(m * sets);
        }
    }
    for (size_t i = 0; i < m; i++) {
        const double mean = sum[i] / (double)sets;
        s.bias2 += (clean[i] - mean) * (clean[i] - mean) / (double)m;
        s.variance += (sum[m + i] / (double)sets - mean * mean) / (double)m;
    }
    mlk_free(f);
    mlk_free(sum);
    mlk_free(memory);
    return s;
}

static void print_terms(const char *model, const char *how, const mlk_bias_variance *s)
{
    printf("%-8s %-16s %8.4f %8.4f %8.4f %8.4f %8.4f\n", model, how, s->noise, s->bias2,
           s->variance, s->noise + s->bias2 + s->variance, s->error);
}

static void compare_terms(char **argv)
{
    static const char *const names[] = {"ridge", "knn", "tree", "gbdt"};
    const size_t n = strtoul(argv[2], NULL, 10), sets = strtoul(argv[3], NULL, 10);
    double *memory = mlk_alloc(3 * n, sizeof *memory), *clean, *skip;
    double *rows = mlk_alloc(3 * TEST_ROWS, sizeof *rows);
    if (!memory || !rows)
        stop("no memory");
    const mlk_data test = waves(0, TEST_ROWS, rows, &clean);
    printf("%-8s %-16s %8s %8s %8s %8s %8s\n", "model", "fits to", "noise", "bias^2", "variance",
           "sum", "error");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const mlk_candidate c = {.algo = mlk_algo_find(names[k])};
        const mlk_bias_variance truth = by_definition(c.algo, n, sets, &test, clean);
        mlk_bias_variance mean = {0};
        print_terms(names[k], "new tables", &truth);
        for (size_t t = 0; t < 20; t++) {
            const mlk_data train = waves(10 + t, n, memory, &skip);
            const mlk_bootstrap_opts o = {.replicates = 100, .seed = (int64_t)t};
            mlk_bias_variance s;
            check(mlk_bias_variance_estimate(&c, &train, &test, (mlk_cvec){clean, TEST_ROWS}, &o,
                                             NULL, &s));
            mean.error += s.error / 20;
            mean.noise += s.noise / 20;
            mean.bias2 += s.bias2 / 20;
            mean.variance += s.variance / 20;
        }
        print_terms(names[k], "bootstrap", &mean);
    }
    mlk_free(memory);
    mlk_free(rows);
}

int main(int argc, char **argv)
{
    if ((argc == 8 || argc == 10) && strcmp(argv[1], "level") == 0)
        count_rejections(argc, argv);
    else if (argc == 4 && strcmp(argv[1], "bias") == 0)
        compare_terms(argv);
    else if (argc == 7)
        time_task(argv);
    else
        stop("usage: prepare|cv|grid DATA ROWS COLUMNS THREADS REPEATS, level TABLES ROWS FOLDS "
             "REPEATS MODEL TASK [NAME VALUE], or bias ROWS SETS");
    return 0;
}
