/*
 * Time the path of the elastic net on data that bench_lasso.py wrote:
 *
 *     bench_lasso DATA ROWS COLUMNS L1_RATIO EPS TOL THREADS REPEATS [COEF]
 *
 * DATA holds ROWS * COLUMNS doubles of X, row by row, then ROWS of y. Prints one JSON line: the
 * seconds of each repeat, the largest duality gap over the 100 alphas relative to ||y - mean||^2/n,
 * and the passes of all; writes the weights of all alphas to COEF.
 */
#include <mlkit/linear/elastic_net.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/parallel.h"
#include "driver.h"

enum { N_ALPHAS = 100 };

static void warn(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "bench_lasso: warning: %s\n", line);
}

static double mean_square(mlk_cvec y)
{
    double mean = 0.0, sum = 0.0;
    for (size_t i = 0; i < y.n; i++)
        mean += y.data[i] / (double)y.n;
    for (size_t i = 0; i < y.n; i++)
        sum += (y.data[i] - mean) * (y.data[i] - mean);
    return sum / (double)y.n;
}

static void write_coef(const char *path, mlk_elastic_net *const *models)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        stop(path);
    for (size_t k = 0; k < N_ALPHAS; k++) {
        const mlk_cvec w = mlk_elastic_net_coef(models[k]);
        const double b = mlk_elastic_net_intercept(models[k]);
        if (fwrite(w.data, sizeof *w.data, w.n, f) != w.n || fwrite(&b, sizeof b, 1, f) != 1)
            stop(path);
    }
    if (fclose(f) != 0)
        stop(path);
}

int main(int argc, char **argv)
{
    if (argc < 9)
        stop("usage: bench_lasso DATA ROWS COLUMNS L1_RATIO EPS TOL THREADS REPEATS [COEF]");
    const size_t n = strtoull(argv[2], NULL, 10), p = strtoull(argv[3], NULL, 10);
    const double *values = read_doubles(argv[1], n * p + n);
    const mlk_data data = {.X = {values, n, p, p}, .y = {values + n * p, n}};
    const mlk_run run = {.threads = atoi(argv[7]), .warn = warn};
    mlk_elastic_net_opts opts = mlk_elastic_net_opts_default();
    opts.l1_ratio = atof(argv[4]);
    opts.tol = atof(argv[6]);
    opts.max_iter = 1000000;

    double alphas[N_ALPHAS];
    mlk_elastic_net *models[N_ALPHAS];
    if (mlk_elastic_net_alphas(&data, &opts, &run, (mlk_vec){alphas, 1}) != MLK_OK)
        stop(mlk_error_message(MLK_EINVAL));
    for (size_t k = 1; k < N_ALPHAS; k++)
        alphas[k] = alphas[0] * pow(atof(argv[5]), (double)k / (N_ALPHAS - 1));

    double worst = 0.0;
    int64_t passes = 0;
    printf("{\"seconds\": [");
    for (int repeat = 0; repeat < atoi(argv[8]); repeat++) {
        const double start = mlk_seconds();
        const mlk_status st =
            mlk_elastic_net_path(&data, (mlk_cvec){alphas, N_ALPHAS}, &opts, &run, models);
        printf("%s%.6f", repeat ? ", " : "", mlk_seconds() - start);
        if (st != MLK_OK)
            stop(mlk_error_message(st));
        if (argc > 9 && repeat == 0)
            write_coef(argv[9], models);
        worst = 0.0;
        passes = 0;
        for (size_t k = 0; k < N_ALPHAS; k++) {
            const mlk_fit_info info = mlk_elastic_net_info(models[k]);
            worst = fmax(worst, info.duality_gap / mean_square(data.y));
            passes += info.iterations;
            mlk_elastic_net_free(models[k]);
        }
    }
    printf("], \"gap\": %.3g, \"passes\": %lld}\n", worst, (long long)passes);
    return 0;
}
