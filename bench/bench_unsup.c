/*
 * bench_unsup TASK N P K FILE: knn or pca on N x P little-endian doubles; prints seconds
 * and a number that tells the quality (share of variance). Run by
 * bench_unsup.py.
 */
#include <mlkit/decomposition/pca.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/parallel.h"

static const mlk_run run = {.threads = 2};

static mlk_status pca(mlk_cmat X, size_t k, double *quality)
{
    mlk_pca_opts opts = mlk_pca_opts_default();
    mlk_pca *model;
    opts.n_components = (double)k;
    const mlk_status st = mlk_pca_fit(&(mlk_data){.X = X}, &opts, &run, &model);
    *quality = 0.0;
    for (size_t c = 0; st == MLK_OK && c < k; c++)
        *quality += mlk_pca_ratio(model).data[c];
    mlk_pca_free(model);
    return st;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: bench_unsup pca N P K FILE\n");
        return 2;
    }
    const size_t n = strtoul(argv[2], NULL, 10), p = strtoul(argv[3], NULL, 10);
    const size_t k = strtoul(argv[4], NULL, 10);
    double *x = malloc(n * p * sizeof *x), quality = 0.0;
    FILE *f = fopen(argv[5], "rb");
    if (!x || !f || fread(x, sizeof *x, n * p, f) != n * p) {
        fprintf(stderr, "bench_unsup: cannot read %s\n", argv[5]);
        return 1;
    }
    fclose(f);
    const mlk_cmat X = {x, n, p, p};
    const double from = mlk_seconds();
    const mlk_status st = pca(X, k, &quality);
    const double seconds = mlk_seconds() - from;
    free(x);
    if (st != MLK_OK) {
        fprintf(stderr, "bench_unsup: %s\n", mlk_error_message(st));
        return 1;
    }
    printf("%.6f %.12g\n", seconds, quality);
    return 0;
}
