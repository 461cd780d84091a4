/*
 * bench_logistic FILE THREADS REPEATS [name=value...]
 *
 * FILE: three uint64 (rows, columns, classes), then X by rows and y, as doubles. Prints a line a
 * repeat: seconds of the fit, iterations, converged, objective, gap, violation, training accuracy.
 * With name `coef`, the value is a file for the coefficients (rows of p + 1, as doubles).
 */
#include <mlkit/linear/logistic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/parallel.h"
#include "driver.h"

static double *read_values(FILE *f, size_t n)
{
    double *v = malloc(n * sizeof *v);
    if (!v || fread(v, sizeof *v, n, f) != n)
        stop("short file, or no memory");
    return v;
}

static void to_stderr(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

static void write_coef(const char *path, const mlk_logistic *model)
{
    const mlk_cmat W = mlk_logistic_coef(model);
    const mlk_cvec b = mlk_logistic_intercept(model);
    FILE *f = fopen(path, "wb");
    for (size_t c = 0; f && c < W.rows; c++) {
        fwrite(W.data + c * W.ld, sizeof(double), W.cols, f);
        fwrite(b.data + c, sizeof(double), 1, f);
    }
    if (!f || fclose(f))
        stop("cannot write the coefficients");
}

static double accuracy(const mlk_logistic *model, const mlk_data *d, const mlk_run *run)
{
    double *out = malloc(d->X.rows * sizeof *out), right = 0.0;
    if (!out || mlk_logistic_predict(model, d->X, run, (mlk_vec){out, d->X.rows}) != MLK_OK)
        stop("no prediction");
    for (size_t i = 0; i < d->X.rows; i++)
        right += out[i] == d->y.data[i];
    free(out);
    return right / (double)d->X.rows;
}

int main(int argc, char **argv)
{
    FILE *f = argc > 3 ? fopen(argv[1], "rb") : NULL;
    uint64_t shape[3];
    if (!f || fread(shape, sizeof *shape, 3, f) != 3)
        stop("usage: bench_logistic FILE THREADS REPEATS [name=value...]");
    const double *X = read_values(f, shape[0] * shape[1]), *y = read_values(f, shape[0]);
    const mlk_data d = {
        .X = {X, shape[0], shape[1], shape[1]}, .y = {y, shape[0]}, .n_classes = shape[2]};
    fclose(f);

    mlk_logistic_opts opts = mlk_logistic_opts_default();
    mlk_run run = {.threads = atoi(argv[2]), .warn = to_stderr};
    const char *coef = NULL;
    for (int a = 4; a < argc; a++) {
        char *value = strchr(argv[a], '=');
        if (!value)
            stop("expected name=value");
        *value++ = '\0';
        if (strcmp(argv[a], "coef") == 0)
            coef = value;
        else if (strcmp(argv[a], "log") == 0)
            run.log = to_stderr;
        else if (mlk_opts_parse(mlk_logistic_algo.opts, "logistic", argv[a], value, &opts))
            stop(mlk_error_message(MLK_EINVAL));
    }
    for (int r = 0; r < atoi(argv[3]); r++) {
        mlk_logistic *model;
        const double begin = mlk_seconds();
        const mlk_status st = mlk_logistic_fit(&d, &opts, &run, &model);
        const double seconds = mlk_seconds() - begin;
        if (st != MLK_OK)
            stop(mlk_error_message(st));
        const mlk_fit_info info = mlk_logistic_info(model);
        printf("%.6f %lld %d %.17g %.3e %.3e %.5f\n", seconds, (long long)info.iterations,
               info.converged, info.objective, info.duality_gap, info.kkt_violation,
               accuracy(model, &d, &run));
        if (coef)
            write_coef(coef, model);
        mlk_logistic_free(model);
    }
    return 0;
}
