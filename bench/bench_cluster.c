/*
 * bench_cluster kmeans|dbscan|agglomerative N P K EPS FILE: on N x P little-endian doubles; prints
 * seconds and a number that tells the quality (inertia, clusters, sum of the merges' distances).
 * kmeans: 20 iterations from the first K rows; dbscan: K is min_samples; agglomerative: Ward. Run
 * by bench_cluster.py.
 */
#include <mlkit/cluster/agglomerative.h>
#include <mlkit/cluster/dbscan.h>
#include <mlkit/cluster/kmeans.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"

static const mlk_run run = {.threads = 2};

static mlk_status kmeans(mlk_cmat X, size_t k, double *quality)
{
    mlk_kmeans_opts opts = mlk_kmeans_opts_default();
    mlk_kmeans *model;
    opts.n_clusters = (int64_t)k;
    opts.max_iter = 20;
    opts.tol = 0.0;
    opts.start = mlk_cmat_rows(X, 0, k);
    const mlk_status st = mlk_kmeans_fit(&(mlk_data){.X = X}, &opts, &run, &model);
    *quality = st == MLK_OK ? mlk_kmeans_inertia(model) : 0.0;
    mlk_kmeans_free(model);
    return st;
}

static mlk_status dbscan(mlk_cmat X, size_t min_samples, double eps, double *quality)
{
    const mlk_dbscan_opts opts = {.eps = eps, .min_samples = (int64_t)min_samples};
    mlk_dbscan *model;
    const mlk_status st = mlk_dbscan_fit(&(mlk_data){.X = X}, &opts, &run, &model);
    *quality = st == MLK_OK ? (double)mlk_dbscan_n_clusters(model) : 0.0;
    mlk_dbscan_free(model);
    return st;
}

static mlk_status agglomerative(mlk_cmat X, double *quality)
{
    mlk_agglomerative *model;
    const mlk_status st = mlk_agglomerative_fit(&(mlk_data){.X = X}, NULL, &run, &model);
    *quality = 0.0;
    for (size_t t = 0; st == MLK_OK && t + 1 < X.rows; t++)
        *quality += mlk_agglomerative_distances(model).data[t];
    mlk_agglomerative_free(model);
    return st;
}

static mlk_status fit(const char *what, mlk_cmat X, size_t k, double eps, double *quality)
{
    return !strcmp(what, "kmeans")   ? kmeans(X, k, quality)
           : !strcmp(what, "dbscan") ? dbscan(X, k, eps, quality)
                                     : agglomerative(X, quality);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: bench_cluster kmeans|dbscan|agglomerative N P K EPS FILE\n");
        return 2;
    }
    const size_t n = strtoul(argv[2], NULL, 10), p = strtoul(argv[3], NULL, 10);
    const size_t k = strtoul(argv[4], NULL, 10);
    double *x = mlk_alloc(n * p, sizeof *x), quality = 0.0;
    FILE *f = fopen(argv[6], "rb");
    if (!x || !f || fread(x, sizeof *x, n * p, f) != n * p) {
        fprintf(stderr, "bench_cluster: cannot read %s\n", argv[6]);
        return 1;
    }
    fclose(f);
    const mlk_cmat X = {x, n, p, p};
    /* A few rows first: the threads run, like those of a peer that has been called before. */
    mlk_status st =
        fit(argv[1], mlk_cmat_rows(X, 0, n < 1000 ? n : 1000), k, atof(argv[5]), &quality);
    const double from = mlk_seconds();
    if (st == MLK_OK)
        st = fit(argv[1], X, k, atof(argv[5]), &quality);
    const double seconds = mlk_seconds() - from;
    mlk_free(x);
    if (st != MLK_OK) {
        fprintf(stderr, "bench_cluster: %s\n", mlk_error_message(st));
        return 1;
    }
    printf("%.6f %.12g\n", seconds, quality);
    return 0;
}
