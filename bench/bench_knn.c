/*
 * bench_knn METHOD P N COLUMNS K QUERIES FILE: index N rows of COLUMNS little-endian doubles, then
 * the K nearest of the first QUERIES of them; METHOD auto, brute or kd_tree, P the power of the
 * distance. Prints the seconds of both together, those of the queries, the mean distance and the
 * method taken. Run by bench_knn.py.
 */
#include <mlkit/neighbors/knn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"

typedef struct job {
    mlk_knn_opts opts;
    mlk_cmat X;
    size_t k, queries;
    double *y, *distance;
    size_t *rows;
} job;

static mlk_status work(const job *j)
{
    const mlk_run run = {.threads = 2};
    const mlk_data data = {.X = j->X, .y = {j->y, j->X.rows}};
    mlk_knn *model;
    const double start = mlk_seconds();
    mlk_status st = mlk_knn_fit(&data, &j->opts, &run, &model);
    const double built = mlk_seconds();
    if (st == MLK_OK)
        st = mlk_knn_neighbours(model, mlk_cmat_rows(j->X, 0, j->queries), j->k, &run, j->rows,
                                j->distance);
    const double end = mlk_seconds();
    double sum = 0.0;
    for (size_t i = 0; st == MLK_OK && i < j->queries * j->k; i++)
        sum += j->distance[i];
    if (st == MLK_OK)
        printf("%.6f %.6f %.12g\n", end - start, end - built, sum / (double)(j->queries * j->k));
    mlk_knn_free(model);
    return st;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: bench_knn METHOD P N COLUMNS K QUERIES FILE\n");
        return 2;
    }
    const size_t n = strtoul(argv[3], NULL, 10), p = strtoul(argv[4], NULL, 10);
    job j = {.opts = mlk_knn_opts_default(),
             .k = strtoul(argv[5], NULL, 10),
             .queries = strtoul(argv[6], NULL, 10)};
    double *x = malloc(n * p * sizeof *x);
    FILE *f = fopen(argv[7], "rb");
    if (!x || !f || fread(x, sizeof *x, n * p, f) != n * p ||
        mlk_opts_parse(mlk_knn_algo.opts, "knn", "algorithm", argv[1], &j.opts) != MLK_OK ||
        mlk_opts_parse(mlk_knn_algo.opts, "knn", "p", argv[2], &j.opts) != MLK_OK) {
        fprintf(stderr, "bench_knn: cannot read %s, or not a method and a power\n", argv[7]);
        return 1;
    }
    fclose(f);
    j.X = (mlk_cmat){x, n, p, p};
    j.y = calloc(n, sizeof *j.y);
    j.distance = malloc(j.queries * j.k * sizeof *j.distance);
    j.rows = malloc(j.queries * j.k * sizeof *j.rows);
    const mlk_status st = j.y && j.distance && j.rows ? work(&j) : MLK_ENOMEM;
    if (st != MLK_OK)
        fprintf(stderr, "bench_knn: %s\n", mlk_error_message(st));
    free(j.y);
    free(j.distance);
    free(j.rows);
    free(x);
    return st != MLK_OK;
}
