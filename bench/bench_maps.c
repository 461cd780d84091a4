/*
 * bench_maps TASK N P K FILE: pca (K components), classical (scaling of a matrix of distances to K
 * components), isomap (K neighbours), lle (K neighbours), kernel-pca (rbf, K components) or mds
 * (smacof, one start, K steps) of N x P little-endian doubles; prints seconds and a number that
 * tells the quality (captured share of variance, reconstruction error, largest eigenvalue, stress).
 * Run by bench_maps.py.
 */
#include <mlkit/decomposition/isomap.h>
#include <mlkit/decomposition/kernel_pca.h>
#include <mlkit/decomposition/lle.h>
#include <mlkit/decomposition/mds.h>
#include <mlkit/decomposition/pca.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"

static const mlk_run run = {.threads = 2};

static mlk_status pca(const mlk_data *data, size_t k, double *quality)
{
    mlk_pca_opts opts = mlk_pca_opts_default();
    mlk_pca *model;
    opts.n_components = (double)k;
    const mlk_status st = mlk_pca_fit(data, &opts, &run, &model);
    for (size_t c = 0; st == MLK_OK && c < k; c++)
        *quality += mlk_pca_ratio(model).data[c];
    mlk_pca_free(model);
    return st;
}

static mlk_status classical(const mlk_data *data, size_t k, double *quality)
{
    mlk_mds_opts opts = mlk_mds_opts_default();
    mlk_mds *model;
    opts.n_components = (int64_t)k;
    opts.dissimilarity = MLK_MDS_PRECOMPUTED;
    const mlk_status st = mlk_mds_fit(data, &opts, &run, &model);
    if (st == MLK_OK)
        *quality = mlk_mds_eigenvalues(model).data[0];
    mlk_mds_free(model);
    return st;
}

static mlk_status isomap(const mlk_data *data, size_t k, double *quality)
{
    mlk_isomap_opts opts = mlk_isomap_opts_default();
    mlk_isomap *model;
    opts.n_neighbors = (int64_t)k;
    const mlk_status st = mlk_isomap_fit(data, &opts, &run, &model);
    if (st == MLK_OK)
        *quality = mlk_isomap_reconstruction_error(model);
    mlk_isomap_free(model);
    return st;
}

static mlk_status lle(const mlk_data *data, size_t k, double *quality)
{
    mlk_lle_opts opts = mlk_lle_opts_default();
    mlk_lle *model;
    opts.n_neighbors = (int64_t)k;
    const mlk_status st = mlk_lle_fit(data, &opts, &run, &model);
    if (st == MLK_OK)
        *quality = mlk_lle_reconstruction_error(model);
    mlk_lle_free(model);
    return st;
}

static mlk_status kernel_pca(const mlk_data *data, size_t k, double *quality)
{
    mlk_kernel_pca_opts opts = mlk_kernel_pca_opts_default();
    mlk_kernel_pca *model;
    opts.n_components = (int64_t)k;
    opts.kernel = MLK_KERNEL_RBF;
    opts.gamma = 0.01;
    const mlk_status st = mlk_kernel_pca_fit(data, &opts, &run, &model);
    if (st == MLK_OK)
        *quality = mlk_kernel_pca_eigenvalues(model).data[0];
    mlk_kernel_pca_free(model);
    return st;
}

static mlk_status mds(const mlk_data *data, size_t k, double *quality)
{
    mlk_mds_opts opts = mlk_mds_opts_default();
    mlk_mds *model;
    opts.method = MLK_MDS_SMACOF;
    opts.n_init = 1;
    opts.max_iter = (int64_t)k;
    opts.eps = 0.0;
    const mlk_status st = mlk_mds_fit(data, &opts, &run, &model);
    if (st == MLK_OK)
        *quality = mlk_mds_stress(model);
    mlk_mds_free(model);
    return st;
}

static const struct {
    const char *name;
    mlk_status (*fit)(const mlk_data *data, size_t k, double *quality);
} tasks[] = {{"pca", pca}, {"classical", classical},   {"isomap", isomap},
             {"lle", lle}, {"kernel-pca", kernel_pca}, {"mds", mds}};

int main(int argc, char **argv)
{
    size_t task = 0;
    while (argc == 6 && task < MLK_COUNT(tasks) && strcmp(argv[1], tasks[task].name) != 0)
        task++;
    if (argc != 6 || task == MLK_COUNT(tasks)) {
        fprintf(stderr, "usage: bench_maps pca|classical|isomap|lle|kernel-pca|mds N P K FILE\n");
        return 2;
    }
    const size_t n = strtoul(argv[2], NULL, 10), p = strtoul(argv[3], NULL, 10);
    double *x = malloc(n * p * sizeof *x), quality = 0.0;
    FILE *f = fopen(argv[5], "rb");
    if (!x || !f || fread(x, sizeof *x, n * p, f) != n * p) {
        fprintf(stderr, "bench_maps: cannot read %s\n", argv[5]);
        return 1;
    }
    fclose(f);
    const mlk_data data = {.X = {x, n, p, p}};
    const double from = mlk_seconds();
    const mlk_status st = tasks[task].fit(&data, strtoul(argv[4], NULL, 10), &quality);
    const double seconds = mlk_seconds() - from;
    free(x);
    if (st != MLK_OK) {
        fprintf(stderr, "bench_maps: %s\n", mlk_error_message(st));
        return 1;
    }
    printf("%.6f %.12g\n", seconds, quality);
    return 0;
}
