/*
 * Times trees and their ensembles on data that bench_tree.py wrote.
 *
 * usage: bench_tree DATA MODEL [name=value,...] THREADS
 *
 * DATA: int64 n_train, n_test, p, n_classes; p int64 numbers of levels (0: numeric); then rows of p
 * doubles and the target, training rows first. Prints one line: fit seconds, the same of processor
 * time, predict seconds and processor time (the test rows repeated to 100,000, at once; the least
 * of three), microseconds a single row, quality (accuracy or R^2) on the test rows, bytes of the
 * saved model, peak resident megabytes.
 */
#include <mlkit/model.h>
#include <mlkit/model/archive.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "driver.h"

enum { MANY = 100000 }; /* rows predicted at once */

typedef struct input {
    int64_t n_train, n_test, p, k;
    double *X, *y;
    size_t *levels;
} input;

static input read_input(const char *path)
{
    input in;
    FILE *f = fopen(path, "rb");
    if (!f || fread(&in, sizeof(int64_t), 4, f) != 4)
        stop("cannot read the data");
    const size_t n = (size_t)(in.n_train + in.n_test), p = (size_t)in.p;
    in.X = malloc(n * p * sizeof *in.X);
    in.y = malloc(n * sizeof *in.y);
    in.levels = malloc(p * sizeof *in.levels);
    if (!in.levels || fread(in.levels, sizeof(int64_t), p, f) != p)
        stop("the data are cut short");
    for (size_t i = 0; in.X && in.y && i < n; i++)
        if (fread(in.X + i * p, sizeof(double), p, f) != p ||
            fread(in.y + i, sizeof(double), 1, f) != 1)
            stop("the data are cut short");
    fclose(f);
    return in;
}

/* "a=1,b=2" into the options; modifies `text`. */
static void set_options(const mlk_algo *algo, char *text, void *opts)
{
    mlk_opts_set_default(algo->opts, opts);
    for (char *part = strtok(text, ","); part; part = strtok(NULL, ",")) {
        char *value = strchr(part, '=');
        if (!value)
            stop("an option is no name=value");
        *value++ = '\0';
        check(mlk_opts_parse(algo->opts, algo->name, part, value, opts));
    }
}

static double quality(const input *in, const double *predicted)
{
    const double *y = in->y + in->n_train;
    double right = 0.0, mean = 0.0, error = 0.0, spread = 0.0;
    for (int64_t i = 0; i < in->n_test; i++) {
        right += predicted[i] == y[i];
        mean += y[i] / (double)in->n_test;
        error += (predicted[i] - y[i]) * (predicted[i] - y[i]);
    }
    for (int64_t i = 0; i < in->n_test; i++)
        spread += (y[i] - mean) * (y[i] - mean);
    return in->k ? right / (double)in->n_test : 1.0 - error / spread;
}

static size_t saved_bytes(const mlk_model *model)
{
    mlk_doc *doc = mlk_doc_new();
    void *bytes;
    size_t size;
    mlk_model_save(model, doc);
    check(mlk_archive_encode(doc, &bytes, &size));
    mlk_archive_free(bytes);
    mlk_doc_free(doc);
    return size;
}

static double row_microseconds(const mlk_model *model, const input *in, size_t rows)
{
    const mlk_run one = {.threads = 1};
    double out;
    const double begin = mlk_seconds();
    for (size_t i = 0; i < rows; i++)
        check(mlk_model_predict(model,
                                (mlk_cmat){in->X + ((size_t)in->n_train + i) * (size_t)in->p, 1,
                                           (size_t)in->p, (size_t)in->p},
                                &one, (mlk_vec){&out, 1}));
    return 1e6 * (mlk_seconds() - begin) / (double)rows;
}

/* The test rows, again and again. */
static mlk_mat repeat_rows(const input *in)
{
    const size_t p = (size_t)in->p, n_train = (size_t)in->n_train, n_test = (size_t)in->n_test;
    const mlk_mat X = {malloc(MANY * p * sizeof *X.data), MANY, p, p};
    if (!X.data)
        stop("no memory for the rows to predict");
    for (size_t i = 0; i < MANY; i++)
        memcpy(X.data + i * p, in->X + (n_train + i % n_test) * p, p * sizeof *X.data);
    return X;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        stop("usage: bench_tree DATA MODEL OPTIONS THREADS");
    const input in = read_input(argv[1]);
    const mlk_algo *algo = mlk_algo_find(argv[2]);
    if (!algo)
        stop("no such model");
    void *opts = calloc(1, algo->opts_size);
    set_options(algo, argv[3], opts);
    const mlk_run run = {.threads = atoi(argv[4])};
    const size_t p = (size_t)in.p, m = (size_t)in.n_test;
    const mlk_data data = {.X = {in.X, (size_t)in.n_train, p, p},
                           .y = {in.y, (size_t)in.n_train},
                           .n_classes = (size_t)in.k,
                           .levels = in.levels};
    mlk_model *model;
    double begin = mlk_seconds(), cpu = cpu_seconds();
    check(mlk_model_fit(algo, opts, &data, &run, &model));
    const double fit = mlk_seconds() - begin;
    const double fit_cpu = cpu_seconds() - cpu;
    const long peak = peak_megabytes();

    const mlk_mat X = repeat_rows(&in);
    double *out = malloc(MANY * sizeof *out), predict = INFINITY, predict_cpu = INFINITY;
    for (int i = 0; i < 3; i++) {
        begin = mlk_seconds();
        cpu = cpu_seconds();
        check(mlk_model_predict(model, mlk_mat_c(X), &run, (mlk_vec){out, MANY}));
        predict = fmin(predict, mlk_seconds() - begin);
        predict_cpu = fmin(predict_cpu, cpu_seconds() - cpu);
    }
    const size_t single = m < 200 ? m : 200;
    printf("%.4f %.4f %.4f %.4f %.3f %.6f %zu %ld\n", fit, fit_cpu, predict, predict_cpu,
           row_microseconds(model, &in, single), quality(&in, out), saved_bytes(model), peak);
    mlk_model_free(model);
    free(out);
    free(X.data);
    free(opts);
    free(in.X);
    free(in.y);
    free(in.levels);
    return 0;
}
