/*
 * Time least squares or ridge on data that bench_linear.py wrote:
 *
 *     bench_linear linear|ridge-loo DATA ROWS COLUMNS THREADS REPEATS [RESULT]
 *
 * DATA holds ROWS * COLUMNS doubles of X, row by row, then ROWS of y. Prints one JSON line: the
 * seconds of each repeat of the fit alone (ridge-loo: 10 alphas, their exact leave-one-out
 * predictions, the best of them and its fit). Writes the coefficients, the intercept and, of ridge,
 * the best alpha and the mean squared leave-one-out errors to RESULT.
 */
#include <mlkit/linear/linear.h>
#include <mlkit/linear/ridge.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "driver.h"

enum { N_ALPHAS = 10 };

static void write_result(const char *path, mlk_cvec w, double b, const double *more, size_t n_more)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(w.data, sizeof(double), w.n, f) != w.n || fwrite(&b, sizeof b, 1, f) != 1 ||
        fwrite(more, sizeof *more, n_more, f) != n_more || fclose(f) != 0)
        stop(path);
}

static double run_linear(const mlk_data *data, const mlk_run *run, const char *result)
{
    mlk_linear *model;
    const double begin = mlk_seconds();
    if (mlk_linear_fit(data, NULL, run, &model) != MLK_OK)
        stop(mlk_error_message(MLK_EINVAL));
    const double seconds = mlk_seconds() - begin;
    if (result)
        write_result(result, mlk_linear_coef(model), mlk_linear_intercept(model), NULL, 0);
    mlk_linear_free(model);
    return seconds;
}

static double run_ridge(const mlk_data *data, const mlk_run *run, mlk_mat loo, const char *result)
{
    double alphas[N_ALPHAS], report[1 + N_ALPHAS];
    for (int k = 0; k < N_ALPHAS; k++)
        alphas[k] = pow(10.0, (double)k - 3.0);

    const double begin = mlk_seconds();
    if (mlk_ridge_loo(data, (mlk_cvec){alphas, N_ALPHAS}, true, run, loo) != MLK_OK)
        stop(mlk_error_message(MLK_EINVAL));
    memset(report, 0, sizeof report);
    for (size_t i = 0; i < loo.rows; i++)
        for (size_t k = 0; k < N_ALPHAS; k++) {
            const double e = data->y.data[i] - loo.data[i * N_ALPHAS + k];
            report[1 + k] += e * e / (double)loo.rows;
        }
    size_t best = 0;
    for (size_t k = 1; k < N_ALPHAS; k++)
        best = report[1 + k] < report[1 + best] ? k : best;
    report[0] = alphas[best];
    mlk_ridge_opts opts = mlk_ridge_opts_default();
    opts.alpha = report[0];
    mlk_ridge *model;
    if (mlk_ridge_fit(data, &opts, run, &model) != MLK_OK)
        stop(mlk_error_message(MLK_EINVAL));
    const double seconds = mlk_seconds() - begin;

    if (result)
        write_result(result, mlk_ridge_coef(model), mlk_ridge_intercept(model), report,
                     1 + N_ALPHAS);
    mlk_ridge_free(model);
    return seconds;
}

int main(int argc, char **argv)
{
    if (argc < 7)
        stop("usage: linear|ridge-loo DATA ROWS COLUMNS THREADS REPEATS [RESULT]");
    const bool ridge = strcmp(argv[1], "ridge-loo") == 0;
    const size_t n = strtoul(argv[3], NULL, 10), p = strtoul(argv[4], NULL, 10);
    const mlk_run run = {.threads = atoi(argv[5])};
    const int repeats = atoi(argv[6]);
    const char *result = argc > 7 ? argv[7] : NULL;
    double *values = read_doubles(argv[2], n * (p + 1));
    double *loo = mlk_alloc(ridge ? n * N_ALPHAS : 1, sizeof *loo);
    if (!loo)
        stop("no memory");
    const mlk_data data = {.X = {values, n, p, p}, .y = {values + n * p, n}};

    printf("{\"seconds\": [");
    for (int k = 0; k < repeats; k++) {
        const mlk_mat out = {loo, n, N_ALPHAS, N_ALPHAS};
        printf("%s%.6f", k ? ", " : "",
               ridge ? run_ridge(&data, &run, out, result) : run_linear(&data, &run, result));
    }
    printf("]}\n");
    mlk_free(values);
    mlk_free(loo);
    return 0;
}
